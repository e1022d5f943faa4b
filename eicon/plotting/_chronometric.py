"""Reaction time against the strength of the evidence."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from eicon.analysis._chronometric import Chronometric

from ._parts import interval_points, strength_axis, with_unit
from ._style import ORANGE, axes_or_new, background, house_style, line_color

_ERROR_COLOR = ORANGE


@house_style
def plot_chronometric(
    chronometric: Chronometric,
    *,
    errors: bool = True,
    label: str | None = None,
    color: str | None = None,
    unit: str = "",
    quantity: str = "strength",
    ax: Axes | None = None,
) -> Axes:
    """Draw mean reaction times with 95 % intervals, and the fitted curve.

    Parameters
    ----------
    chronometric : Chronometric
        Result of `eicon.analysis.behaviour.chronometric`. Trials without a choice are counted in the legend.
    errors : bool
        Draw error trials too, as open circles.
    label : str, optional
        Name of the network, for a legend of several curves in one Axes.
    color : str, optional
        Colour of correct trials and curve.
    unit, quantity : str
        Unit and name of the strength, for the axis label. The axis is logarithmic unless a strength is 0.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    color = color or line_color()
    levels = chronometric.levels
    fine = strength_axis(ax, levels, with_unit(quantity, unit))
    if chronometric.converged:
        ax.plot(fine, chronometric.predict(fine), color=color)
    known = chronometric.n[0] > 0
    name = "correct" if label is None else label
    interval_points(ax, levels[known], chronometric.mean[0][known], chronometric.ci[0][known], color, label=name)
    known = chronometric.n[1] > 0
    if errors and known.any():
        shade, name = (_ERROR_COLOR, "errors") if label is None else (color, f"{label}, errors")
        mean, ci = chronometric.mean[1][known], chronometric.ci[1][known]
        # Shifted a little, so that errors as slow as correct choices do not hide these.
        beside = levels[known] * 1.05 if levels[0] > 0.0 else levels[known] + 0.01 * np.ptp(levels)
        interval_points(ax, beside, mean, ci, shade, label=name, face=background())
    missing = int(chronometric.n_missing.sum())
    if missing:
        interval_points(ax, np.array([]), np.array([]), np.zeros((0, 2)), "none", label=f"{missing} without a choice")
    ax.set_ylabel("reaction time (ms)")
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "ncols": 3}
    ax.legend(**place, handletextpad=0.2, columnspacing=1.0, borderaxespad=0.2)
    return ax
