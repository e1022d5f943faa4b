"""Accuracy against the strength of the evidence, and its Weibull curve."""

from matplotlib.axes import Axes

from eicon.analysis._weibull import Weibull

from ._parts import interval_points, number, strength_axis, with_unit
from ._style import axes_or_new, house_style, line_color, neutral, reference


@house_style
def plot_weibull(
    weibull: Weibull,
    *,
    label: str | None = None,
    color: str | None = None,
    unit: str = "",
    quantity: str = "strength",
    ax: Axes | None = None,
) -> Axes:
    """Draw the fraction correct with Wilson intervals, and the fitted Weibull curve.

    Parameters
    ----------
    weibull : Weibull
        Result of `eicon.analysis.behaviour.weibull`.
    label : str, optional
        Name of the network, for a legend of several curves in one Axes.
    color : str, optional
        Colour of points and curve.
    unit, quantity : str
        Unit and name of the strength, for the axis label. The axis is logarithmic unless a strength is 0.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes
    """
    ax, color = axes_or_new(ax), color or line_color()
    fine = strength_axis(ax, weibull.levels, with_unit(quantity, unit))
    ax.axhline(0.5, color=reference(), linestyle=":", linewidth=1.0)
    ax.plot(fine, weibull.predict(fine), color=color, label=label)
    interval_points(ax, weibull.levels, weibull.p, weibull.ci, color)
    ax.set_ylim(min(0.4, float(weibull.ci.min()) - 0.03), 1.03)
    ax.set_ylabel("fraction correct")
    if label is None:
        threshold = f"{number(weibull.threshold)} {unit}".rstrip()
        note = f"threshold {threshold}, slope {number(weibull.slope)}"
        if not weibull.converged:
            note = "threshold and slope not determined"
        ax.text(0.02, 1.02, note, transform=ax.transAxes, color=neutral())
    else:
        ax.legend(loc="lower right")
    return ax
