"""Trajectories in the plane of the first principal components, and the explained variance."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from ._compare import PAIR_COLORS
from ._parts import draw_path, level_bar, level_colours, path_legend, with_unit
from ._style import axes_or_new, house_style, reference


@house_style
def plot_pc_trajectories(
    trajectories: ArrayLike,
    levels: ArrayLike,
    *,
    explained_ratio: ArrayLike | None = None,
    dt: float | int | None = None,
    dot_every: float | int = 100.0,
    label: str = "condition",
    unit: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw mean trajectories in the plane of the first two principal components, one per condition.

    Parameters
    ----------
    trajectories : (C, T, k) array, k >= 2
        Averages per condition, such as `condition_average(pca(rates).trajectories, coherence).average`; steps that
        are NaN are not drawn.
    levels : (C,) array
        Signed coherence, or another quantity, of each trajectory, all different; colours go by rank, since
        coherences are usually spaced geometrically, or for angles (`unit` "deg" or "rad") around a circle.
    explained_ratio : (>= 2,) array, optional
        Fractions of variance of the components, for the axis labels.
    dt : float, optional
        Step, ms. If given, dots mark every `dot_every` ms along the trajectories.
    dot_every : float
        Interval between dots, ms.
    label, unit : str
        Name and unit of the levels, for the colour bar. A single level has no bar.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `trajectories` is not (C, T, k >= 2), `levels` does not match it, or `dot_every` is below `dt`.
    """
    paths = np.asarray(trajectories, dtype=np.float64)
    values = np.asarray(levels, dtype=np.float64)
    if paths.ndim != 3 or paths.shape[2] < 2 or values.shape != paths.shape[:1]:
        raise ValueError(
            f"`trajectories` must be (C, T, k >= 2) and `levels` (C,); got {paths.shape} and {values.shape}. "
            "Average trials with condition_average first."
        )
    if dt is not None and not 0 < dt <= dot_every:
        raise ValueError(f"`dot_every` must be at least one step, 0 < dt <= dot_every; got {dot_every}, dt = {dt} ms.")
    ax = axes_or_new(ax, figsize=(4.0, 3.2))
    ranking = np.argsort(values)
    bar = with_unit(label, unit)
    colours = level_colours(np.sort(values), bar)
    for path, colour in zip(paths[ranking, :, :2], colours, strict=True):
        draw_path(ax, path[np.isfinite(path).all(axis=1)], colour, dt, float(dot_every))
    ratio = None if explained_ratio is None else np.asarray(explained_ratio, dtype=np.float64)
    names = [f"PC {i + 1}" if ratio is None else f"PC {i + 1} ({100 * ratio[i]:.0f} % of variance)" for i in (0, 1)]
    ax.set_xlabel(names[0])
    ax.set_ylabel(names[1])
    ax.set_aspect("equal", adjustable="datalim")
    if values.size > 1:
        level_bar(ax, np.asarray(levels)[ranking], colours, bar)
    ax.legend(
        handles=path_legend(dt, dot_every),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=3,
        handletextpad=0.2,
        columnspacing=1.2,
    )
    return ax


@house_style
def plot_variance_explained(
    ratios: Sequence[ArrayLike], names: Sequence[str], *, most: int = 20, ax: Axes | None = None
) -> Axes:
    """Draw the cumulative variance explained by the first principal components, a curve per network.

    Parameters
    ----------
    ratios : sequence of (M,) arrays
        Fractions of variance, such as `PCA.explained_ratio`.
    names : sequence of str
        Names of the networks; at most two.
    most : int
        Number of components shown.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there are not one or two networks, each with a name.
    """
    if not 1 <= len(ratios) <= len(PAIR_COLORS) or len(names) != len(ratios):
        raise ValueError(
            f"`ratios` must contain one or two networks, each with a name; got {len(ratios)} and {len(names)} names."
        )
    ax = axes_or_new(ax)
    for fraction in (0.9, 0.95, 0.99):
        ax.axhline(100 * fraction, color=reference(), linestyle=":", linewidth=0.8)
    styles = zip(ratios, names, PAIR_COLORS, ("o", "s"), strict=False)
    for index, (ratio, name, colour, marker) in enumerate(styles):
        shown = 100 * np.cumsum(np.asarray(ratio, dtype=np.float64))[:most]
        # The first network is drawn larger, so that it is visible around an equal second one.
        size, width = (5.0, 2.2) if index == 0 else (2.8, 1.2)
        ax.plot(np.arange(1, shown.size + 1), shown, color=colour, marker=marker, markersize=size, lw=width, label=name)
    ax.set_xlabel("principal components")
    ax.set_ylabel("variance explained (%)")
    ax.set_ylim(top=101.5)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="lower right")
    return ax
