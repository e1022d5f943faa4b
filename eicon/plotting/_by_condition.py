"""Scores and times of trials, by the levels of a condition."""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from eicon.analysis._by_condition import AccuracyByCondition

from ._parts import interval_points, level_bar, level_colours, level_ticks, with_unit
from ._style import axes_or_new, house_style, line_color, neutral, reference


@house_style
def plot_accuracy_by_condition(
    result: AccuracyByCondition,
    *,
    chance: float | int = math.nan,
    quantity: str = "condition",
    unit: str = "",
    label: str | None = None,
    color: str | None = None,
    shift: float | int = 0.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean score at each level of a condition, with 95 % intervals; levels are side by side.

    Parameters
    ----------
    result : AccuracyByCondition
        Result of `eicon.analysis.behaviour.accuracy_by_condition`.
    chance : float
        Mean score of guesses, drawn dotted; NaN if unknown.
    quantity, unit : str
        Name and unit of the levels, for the axis label.
    label : str, optional
        Name of the network, for a legend of several in one Axes.
    color : str, optional
        Colour of points and line.
    shift : float
        Horizontal shift of the points, as a fraction of the distance between levels.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    color = color or line_color()
    if math.isfinite(chance):
        ax.axhline(chance, color=reference(), linestyle=":", linewidth=1.0)
    known = result.n > 0
    place = np.flatnonzero(known) + float(shift)
    ax.plot(place, result.mean[known], color=color, linewidth=0.8, alpha=0.6)
    interval_points(ax, place, result.mean[known], result.ci[known], color, label=label)
    level_ticks(ax, result.levels)
    ax.set_xlim(-0.6, result.levels.size - 0.4)
    ax.set_ylim(-0.04, 1.04)
    ax.set_yticks([0.0, 0.25, 0.5, 0.75, 1.0])
    ax.set_xlabel(with_unit(quantity, unit))
    ax.set_ylabel("mean score")
    if label is not None:
        ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2)
    return ax


@house_style
def plot_times(
    times: ArrayLike,
    condition: ArrayLike | None = None,
    *,
    quantity: str = "condition",
    unit: str = "",
    bins: int = 20,
    label: str | None = None,
    color: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the distribution of reaction times, an outline per level of a condition.

    Parameters
    ----------
    times : (B,) array
        Reaction times, ms; trials without one, NaN, are counted in the legend.
    condition : (B,) array, optional
        Condition of each trial; None draws one outline of all.
    quantity, unit : str
        Name and unit of the levels, for the colour bar.
    bins : int
        Number of bins.
    label : str, optional
        Name of the network, for a legend of several in one Axes.
    color : str, optional
        Colour of the outline of all trials.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If shapes do not match.
    """
    values = np.asarray(times, dtype=np.float64)
    groups = np.zeros(values.shape) if condition is None else np.asarray(condition)
    if values.ndim != 1 or groups.shape != values.shape:
        raise ValueError(
            f"`times` and `condition` must be (B,), one per trial; got shapes {values.shape}, {groups.shape}."
        )
    ax = axes_or_new(ax)
    there = np.isfinite(values)
    levels = np.unique(groups)
    colours: Any = [color or neutral()] if condition is None else level_colours(levels, with_unit(quantity, unit))
    if there.any():
        edges = np.histogram_bin_edges(values[there], bins=bins)
        for level, colour in zip(levels, colours, strict=True):
            shown = values[there & (groups == level)]
            ax.hist(shown, bins=edges.tolist(), histtype="step", color=colour, linewidth=1.3)
    if condition is not None and levels.size > 1:
        level_bar(ax, levels, colours, with_unit(quantity, unit))
    missing = int(values.size - there.sum())
    notes = ([label] if label else []) + ([f"{missing} of {values.size} without a time"] if missing else [])
    if notes:
        ax.plot([], [], color=colours[0] if condition is None else "none", label=", ".join(notes))
        ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), handlelength=1.0 if condition is None else 0.0)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("reaction time (ms)")
    ax.set_ylabel("number of trials")
    return ax
