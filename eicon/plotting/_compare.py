"""Two networks side by side."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ._style import FONT_SIZE, style

# Apart from the blue and red that mean E and I, and from each other in print.
PAIR_COLORS = ("#222222", "#EE7733")
"""Colours of the two networks where they share an Axes."""


def plot_pair(draws: Sequence[Sequence[Callable[[Axes], Any]]], names: Sequence[str], *, share: bool = True) -> Figure:
    """Draw the same pictures of two networks side by side.

    Parameters
    ----------
    draws : sequence of (draw_a, draw_b)
        One pair per row; each draws into the Axes that it gets, for instance
        ``lambda ax: plot_spectrum(spectrum, ax=ax)``.
    names : (name_a, name_b)
        Titles of the columns.
    share : bool
        Give both panels of a row the same limits.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there is no row, or rows or names are not pairs.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    if not len(draws) or len(names) != 2 or any(len(row) != 2 for row in draws):
        raise ValueError(
            f"`draws` must hold pairs of functions and `names` two names; got {len(draws)} rows "
            f"of {sorted({len(row) for row in draws})} and {len(names)} names."
        )
    with style():
        figure, grid = plt.subplots(len(draws), 2, squeeze=False, figsize=(8.4, 0.5 + 3.1 * len(draws)))
        for axes, row in zip(grid, draws, strict=True):
            for ax, draw in zip(axes, row, strict=True):
                ax.tick_params(labelsize=FONT_SIZE)
                draw(ax)
            if share:
                _share_limits(list(axes))
        figure.draw_without_rendering()  # legends above the frames have no height before
        for ax, name in zip(grid[0], names, strict=True):
            ax.set_title(name, loc="left", fontweight="bold", pad=6 + _height_above(ax))
    return figure


def _share_limits(axes: Sequence[Axes]) -> None:
    """Give Axes the limits that hold the contents of all of them; axes that are turned round stay so."""
    limits = np.sort([[ax.get_xlim(), ax.get_ylim()] for ax in axes], axis=2)
    low, high = limits[:, :, 0].min(axis=0), limits[:, :, 1].max(axis=0)
    if axes[0].get_aspect() != "auto":
        # One scale on both axes: square limits in square frames.
        middle, half = (low + high) / 2, (high - low).max() / 2
        low, high = middle - half, middle + half
    for ax in axes:
        if ax.get_aspect() != "auto":
            ax.set_adjustable("box")
        x, y = zip(low, high, strict=True)
        ax.set_xlim(x[::-1] if ax.xaxis_inverted() else x)
        ax.set_ylim(y[::-1] if ax.yaxis_inverted() else y)


def _height_above(ax: Axes) -> float:
    """Height in points by which a legend rises above the frame, after a draw."""
    legend = ax.get_legend()
    if legend is None:
        return 0.0
    rise = legend.get_window_extent().y1 - ax.get_window_extent().y1
    return max(0.0, float(rise)) * 72.0 / ax.get_figure(root=True).dpi  # type: ignore[union-attr]
