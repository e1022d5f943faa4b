"""Accuracy against the duration of the evidence."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from eicon.analysis._duration import AccuracyByDuration

from ._parts import interval_points, level_bar, with_unit
from ._style import axes_or_new, coherence_cmap, house_style, reference


@house_style
def plot_accuracy_by_duration(
    result: AccuracyByDuration,
    *,
    chance: float | int = 0.5,
    unit: str = "",
    quantity: str = "strength",
    ax: Axes | None = None,
) -> Axes:
    """Draw accuracy against the duration of the stimulus, a line per strength, with Wilson intervals.

    Parameters
    ----------
    result : AccuracyByDuration
        Result of `eicon.analysis.behaviour.accuracy_by_duration`.
    chance : float
        Accuracy of guessing, drawn dotted.
    unit, quantity : str
        Unit and name of the strength, for the colour bar. A single strength has no bar.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    n_levels = result.levels.size
    colours = coherence_cmap()(np.linspace(0.0, 1.0, n_levels))
    ax.axhline(chance, color=reference(), linestyle=":", linewidth=1.0)
    # Neighbouring strengths are shifted slightly, so that their intervals are distinguishable.
    shifts = 1.03 ** (np.arange(n_levels) - (n_levels - 1) / 2)
    for row, (colour, shift) in enumerate(zip(colours, shifts, strict=True)):
        known = result.n[row] > 0
        x = result.duration[known] * shift
        ax.plot(x, result.p[row][known], color=colour)
        interval_points(ax, x, result.p[row][known], result.ci[row][known], colour)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(FixedLocator(_doublings(result.duration)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_ylim(top=1.03)
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.set_xlabel("stimulus duration (ms)")
    ax.set_ylabel("fraction correct")
    if n_levels > 1:
        level_bar(ax, result.levels, colours, with_unit(quantity, unit))
    return ax


def _doublings(durations: np.ndarray) -> list[float]:
    """Return round times from the shortest to the longest duration, each twice the one before, including 100 ms."""
    known = durations[np.isfinite(durations)]
    low, high = np.floor(np.log2(known.min() / 100.0)), np.ceil(np.log2(known.max() / 100.0))
    return [100.0 * 2.0**power for power in np.arange(low, high + 1)]
