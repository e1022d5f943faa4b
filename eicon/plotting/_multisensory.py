"""Two senses, alone and together."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from eicon.analysis._multisensory import MultisensoryRatio

from ._psychometric import plot_psychometric
from ._style import ORANGE, TEAL, axes_or_new, house_style, line_color, neutral

SENSE_COLORS = (ORANGE, TEAL, "#222222")
"""Colours of two senses and of both together (on white); without the blue and red of E and I."""


@house_style
def plot_multisensory(
    result: MultisensoryRatio,
    *,
    names: Sequence[str] = ("visual", "auditory", "both"),
    quantity: str = "rate",
    unit: str = "events/s",
    boundary: float | int = 0.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the psychometric curves of two senses, alone and together, and the efficiency of their combination.

    Parameters
    ----------
    result : MultisensoryRatio
        Result of `eicon.analysis.behaviour.multisensory_ratio`.
    names : (first, second, both)
        Names of the modalities, for the legend.
    quantity, unit : str
        Name and unit of the judged quantity, for the axis label.
    boundary : float
        The value between the choices, marked by a dotted line.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there are not three names.
    """
    if len(names) != 3:
        raise ValueError(f"`names` must name the first sense, the second and both; got {list(names)}.")
    ax = axes_or_new(ax, figsize=(4.0, 3.2))
    for curve, name, colour in zip(result.curves, names, (*SENSE_COLORS[:2], line_color()), strict=True):
        text = f"{name}, width {curve.width:.2g}" if curve.converged else name
        plot_psychometric(
            curve, label=text, color=colour, unit=unit, quantity=quantity, reference=float(boundary), ax=ax
        )
    ax.legend(loc="upper left", handlelength=1.2, borderaxespad=0.2)
    note = "widths not determined\nby these choices"
    if result.converged:
        low, high = result.ratio_ci
        interval = f"\n[{low:.2f}, {high:.2f}]" if np.isfinite(result.ratio_ci).all() else ""
        note = f"information,\nmeasured / predicted\n{result.ratio:.2f}{interval.replace(chr(10), ' ')}"
    ax.text(0.98, 0.04, note, transform=ax.transAxes, ha="right", color=neutral())
    return ax
