"""Psychometric curves."""

import numpy as np
from matplotlib.axes import Axes

from eicon.analysis._psychometric import Psychometric

from ._parts import number, with_unit
from ._style import axes_or_new, house_style, line_color, neutral
from ._style import reference as reference_color


@house_style
def plot_psychometric(
    psychometric: Psychometric,
    *,
    label: str | None = None,
    color: str | tuple[float, ...] | None = None,
    unit: str = "",
    quantity: str = "signed evidence",
    reference: float | int = 0.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the fraction of choice 0 with Wilson intervals, and the fitted curve.

    Parameters
    ----------
    psychometric : Psychometric
        Result of `eicon.analysis.psychometric`.
    label : str, optional
        Name of the network, for a legend of several curves in one Axes.
    color : str or tuple of float, optional
        Colour of points and curve.
    unit, quantity : str
        Unit and name of the judged quantity, for the axis label.
    reference : float
        Value for which both choices are equally correct, marked by a dotted line.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes
    """
    ax, color = axes_or_new(ax), color or line_color()
    levels, p = psychometric.levels, psychometric.p
    margin = 0.06 * np.ptp(levels)
    fine = np.linspace(levels[0] - margin, levels[-1] + margin, 401)
    shade = reference_color()
    ax.axhline(0.5, color=shade, linestyle=":", linewidth=1.0)
    ax.axvline(reference, color=shade, linestyle=":", linewidth=1.0)
    ax.plot(fine, psychometric.predict(fine), color=color, label=label)
    below, above = p - psychometric.ci[:, 0], psychometric.ci[:, 1] - p
    errors = np.clip([below, above], 0.0, None)
    ax.errorbar(levels, p, yerr=errors, fmt="o", color=color, markersize=4, capsize=2, elinewidth=1.0)
    ax.set_ylim(-0.04, 1.04)
    ax.set_yticks([0.0, 0.25, 0.5, 0.75, 1.0])
    ax.set_xlabel(with_unit(quantity, unit))
    ax.set_ylabel("fraction of choice 0")
    if label is None:
        fitted = "\n".join(
            f"{name} {number(value)} {unit}".rstrip()
            for name, value in (("bias", psychometric.bias), ("width", psychometric.width))
        )
        note = fitted if psychometric.converged else "width not determined\nby these choices"
        ax.text(0.04, 0.96, note, transform=ax.transAxes, va="top", color=neutral())
    else:
        ax.legend(loc="upper left")
    return ax
