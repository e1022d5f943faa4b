"""Accuracy against the strength of the evidence, and its Weibull curve."""

from matplotlib.axes import Axes

from eicon.analysis._weibull import Weibull

from ._parts import interval_points, strength_axis
from ._style import NEUTRAL_COLOR, REFERENCE_COLOR, axes_or_new, house_style

_LINE_COLOR = "#222222"


@house_style
def plot_weibull(
    weibull: Weibull,
    *,
    label: str | None = None,
    color: str = _LINE_COLOR,
    unit: str = "%",
    quantity: str = "coherence",
    ax: Axes | None = None,
) -> Axes:
    """Draw the fraction correct with Wilson intervals, and the fitted Weibull curve.

    Parameters
    ----------
    weibull : Weibull
        Result of `eicon.analysis.behaviour.weibull`.
    label : str, optional
        Name of the network, for a legend of several curves in one Axes.
    color : str
        Colour of points and curve.
    unit, quantity : str
        Unit and name of the strength, for the axis label. The axis is logarithmic unless a strength is 0.
    ax : Axes, optional
        Drawn into; None makes a new figure.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    fine = strength_axis(ax, weibull.levels, f"{quantity} ({unit})")
    ax.axhline(0.5, color=REFERENCE_COLOR, linestyle=":", linewidth=1.0)
    ax.plot(fine, weibull.predict(fine), color=color, label=label)
    interval_points(ax, weibull.levels, weibull.p, weibull.ci, color)
    ax.set_ylim(min(0.4, float(weibull.ci.min()) - 0.03), 1.03)
    ax.set_ylabel("fraction correct")
    if label is None:
        note = f"threshold {weibull.threshold:.2g} {unit}, slope {weibull.slope:.2g}"
        if not weibull.converged:
            note = "threshold and slope not determined"
        ax.text(0.02, 1.02, note, transform=ax.transAxes, color=NEUTRAL_COLOR)
    else:
        ax.legend(loc="lower right")
    return ax
