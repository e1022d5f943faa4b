"""Paths of two-dimensional outputs, a panel per sequence."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from ._style import TEAL, font_size, foreground, house_style, label_size, neutral, reference

_PATH_COLOR = TEAL


@house_style
def plot_eye_paths(
    outputs: ArrayLike,
    sequence: ArrayLike,
    *,
    targets: ArrayLike | None = None,
    dots: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    titles: Mapping[int, str] | None = None,
    columns: int = 4,
    figure: Figure | None = None,
) -> Figure:
    """Draw the paths of a two-dimensional output, every trial a line, in a panel per sequence.

    Parameters
    ----------
    outputs : (T, B, 2) array
        x and y at each step.
    sequence : (B,) array of int
        Required sequence of each trial.
    targets : (T, B, 2) array, optional
        Target outputs; the path of the first trial of a sequence is drawn dashed.
    dots : (D, 2) array, optional
        Positions drawn in every panel; None takes those of the targets.
    mask : (T, B) array of bool or 0/1, optional
        Steps to draw, such as `Trial.mask`.
    titles : mapping of int to str, optional
        Names of the sequences; None numbers them.
    columns : int
        Most panels side by side.
    figure : Figure, optional
        An empty one to draw into; None makes a new one.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If shapes do not match or `columns` is not positive.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    paths, which = np.asarray(outputs, dtype=np.float64), np.asarray(sequence)
    if paths.ndim != 3 or paths.shape[2] != 2 or 0 in paths.shape or which.shape != paths.shape[1:2]:
        raise ValueError(
            f"`outputs` must be (T, B, 2), x and y, and `sequence` (B,); got {paths.shape} and {which.shape}."
        )
    wanted = None if targets is None else np.asarray(targets, dtype=np.float64)
    inside = np.ones(paths.shape[:2], dtype=bool) if mask is None else np.asarray(mask).astype(bool)
    if (wanted is not None and wanted.shape != paths.shape) or inside.shape != paths.shape[:2] or columns < 1:
        raise ValueError(
            f"`targets` must be {paths.shape}, `mask` {paths.shape[:2]} and `columns` positive; got "
            f"{None if wanted is None else wanted.shape}, {inside.shape} and {columns}."
        )
    places = _places(dots, wanted, inside)
    levels = np.unique(which)
    across = min(columns, levels.size)
    rows = -(-levels.size // across)
    figure = plt.figure(figsize=(0.6 + 1.6 * across, 0.8 + 1.75 * rows)) if figure is None else figure
    grid = figure.subplots(rows, across, squeeze=False, sharex=True, sharey=True)
    for index, ax in enumerate(grid.flat):
        ax.set_visible(index < levels.size)
        ax.tick_params(labelsize=font_size(), labelbottom=index + across >= levels.size)
    for ax, level in zip(grid.flat, levels, strict=False):
        trials = np.flatnonzero(which == level)
        if places.size:
            ax.plot(*places.T, "o", color=reference(), markersize=7, markerfacecolor="none", zorder=1)
        for trial in trials:
            path = paths[inside[:, trial], trial]
            if len(path):
                ax.plot(*path.T, color=_PATH_COLOR, linewidth=1.0, alpha=max(0.3, 1.0 / trials.size), zorder=3)
                ax.plot(*path[-1], "s", color=_PATH_COLOR, markersize=4, zorder=4)
        if wanted is not None:
            goal = wanted[inside[:, trials[0]], trials[0]]
            ax.plot(*goal.T, color=foreground(), linestyle="--", linewidth=0.9, zorder=2)
        ax.set_title(titles.get(int(level), str(level)) if titles else f"sequence {level}", fontsize=font_size())
        ax.set_aspect("equal")
        ax.margins(0.12)
    figure.supxlabel("output x", fontsize=label_size())
    figure.supylabel("output y", fontsize=label_size())
    handles = [Line2D([], [], color=_PATH_COLOR, marker="s", markersize=4, label="network, end")]
    if wanted is not None:
        handles.append(Line2D([], [], color=foreground(), linestyle="--", linewidth=0.9, label="target"))
    if places.size:
        handles.append(
            Line2D([], [], linestyle="none", marker="o", color=neutral(), markerfacecolor="none", label="dots")
        )
    figure.legend(handles=handles, loc="outside upper left", ncols=3, handlelength=1.6, columnspacing=1.2)
    return figure


def _places(dots: ArrayLike | None, targets: np.ndarray | None, inside: np.ndarray) -> np.ndarray:
    """Return the positions of the dots, (D, 2)."""
    if dots is not None:
        places = np.asarray(dots, dtype=np.float64)
        if places.ndim != 2 or places.shape[1] != 2:
            raise ValueError(f"`dots` must be (D, 2), x and y; got shape {places.shape}.")
        return places
    return np.zeros((0, 2)) if targets is None else np.unique(targets[inside], axis=0)
