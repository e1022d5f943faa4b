"""Trajectories in the plane of two task variables, a panel per context."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from ._parts import draw_path, level_bar, level_colours, path_legend, with_unit
from ._style import font_size, house_style, label_size, reference


@house_style
def plot_state_space(
    panels: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    names: Sequence[str],
    axes: tuple[int, int] = (0, 1),
    dt: float | int | None = None,
    dot_every: float | int = 100.0,
    label: str = "condition",
    unit: str = "",
    columns: int = 2,
    figure: Figure | None = None,
) -> Figure:
    """Draw mean trajectories on two regression axes, in panels with a common scale and common colours.

    Parameters
    ----------
    panels : mapping of title to (trajectories (C, T, P), levels (C,))
        For instance, for each context, ``average = condition_average(axes.project(rates[:, trials]), motion[trials])``
        and then ``(average.average, average.levels)``; steps that are NaN are not drawn. Colours go by the rank of the
        level among the levels of all panels.
    names : sequence of P str
        Names of the axes, such as `RegressionAxes.names`.
    axes : (int, int)
        Axes drawn horizontally and vertically.
    dt : float, optional
        Step, ms. If given, dots mark every `dot_every` ms along the trajectories.
    dot_every : float
        Interval between dots, ms.
    label, unit : str
        Name and unit of the levels, for the colour bar. A single level has no bar.
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
        If there is no panel, shapes do not match, an axis has no name, or `dot_every` is below `dt`.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    drawn = {title: _checked(title, *content, len(names)) for title, content in panels.items()}
    if not drawn or not all(0 <= axis < len(names) for axis in axes) or columns < 1:
        raise ValueError(
            f"`panels` must contain at least one, `columns` be positive and `axes` among the {len(names)} names; got "
            f"{len(drawn)} panels, {columns} columns and axes {axes}."
        )
    if dt is not None and not 0 < dt <= dot_every:
        raise ValueError(f"`dot_every` must be at least one step, 0 < dt <= dot_every; got {dot_every}, dt = {dt} ms.")
    across = min(columns, len(drawn))
    rows = -(-len(drawn) // across)
    figure = plt.figure(figsize=(0.9 + 2.6 * across, 0.7 + 2.5 * rows)) if figure is None else figure
    grid = figure.subplots(rows, across, squeeze=False, sharex=True, sharey=True)
    levels = np.unique(np.concatenate([values for _, values in drawn.values()]))
    bar = with_unit(label, unit)
    colours = level_colours(levels, bar)
    for index, ax in enumerate(grid.flat):
        ax.set_visible(index < len(drawn))
        ax.tick_params(labelsize=font_size(), labelbottom=index + across >= len(drawn))
    used = list(grid.flat)[: len(drawn)]
    for ax, (title, (paths, values)) in zip(used, drawn.items(), strict=True):
        for line in (ax.axhline, ax.axvline):
            line(0.0, color=reference(), linestyle=":", linewidth=0.8)
        for row in np.argsort(values):
            path = paths[row][:, list(axes)]
            colour = colours[np.searchsorted(levels, values[row])]
            draw_path(ax, path[np.isfinite(path).all(axis=1)], colour, dt, float(dot_every))
        ax.set_title(title)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(5))
    figure.supxlabel(f"{names[axes[0]]} axis (s.d.)", fontsize=label_size())
    figure.supylabel(f"{names[axes[1]]} axis (s.d.)", fontsize=label_size())
    handles = path_legend(None if dt is None else float(dt), float(dot_every))
    figure.legend(handles=handles, loc="outside upper left", ncols=3, handletextpad=0.2, columnspacing=1.2)
    if levels.size > 1:
        level_bar(used, levels, colours, bar)
    return figure


def _checked(title: str, trajectories: ArrayLike, levels: ArrayLike, n_axes: int) -> tuple[np.ndarray, np.ndarray]:
    paths, values = np.asarray(trajectories, dtype=np.float64), np.asarray(levels, dtype=np.float64)
    if paths.ndim != 3 or paths.shape[2] != n_axes or values.shape != paths.shape[:1]:
        raise ValueError(
            f"`panels[{title!r}]` must be trajectories (C, T, P) with P = {n_axes} names, and levels (C,); got "
            f"{paths.shape} and {values.shape}. Project and average the trials first."
        )
    return paths, values
