"""Accuracy and reaction time against the strength and duration of the evidence, and two senses together."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from eicon.analysis._chronometric import Chronometric
from eicon.analysis._duration import AccuracyByDuration
from eicon.analysis._multisensory import MultisensoryRatio
from eicon.analysis._weibull import Weibull

from ._activity import level_bar
from ._behaviour import plot_psychometric
from ._style import NEUTRAL_COLOR, REFERENCE_COLOR, axes_or_new, coherence_cmap, house_style

_LINE_COLOR = "#222222"
_ERROR_COLOR = "#EE7733"
SENSE_COLORS = ("#EE7733", "#009988", "#222222")
"""Colours of two senses and of both together; none is the blue or red of E and I."""


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
    fine = _strength_axis(ax, weibull.levels, f"{quantity} ({unit})")
    ax.axhline(0.5, color=REFERENCE_COLOR, linestyle=":", linewidth=1.0)
    ax.plot(fine, weibull.predict(fine), color=color, label=label)
    _points(ax, weibull.levels, weibull.p, weibull.ci, color)
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


@house_style
def plot_chronometric(
    chronometric: Chronometric,
    *,
    errors: bool = True,
    label: str | None = None,
    color: str = _LINE_COLOR,
    unit: str = "%",
    quantity: str = "coherence",
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
    color : str
        Colour of correct trials and curve.
    unit, quantity : str
        Unit and name of the strength, for the axis label. The axis is logarithmic unless a strength is 0.
    ax : Axes, optional
        Drawn into; None makes a new figure.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    levels = chronometric.levels
    fine = _strength_axis(ax, levels, f"{quantity} ({unit})")
    if chronometric.converged:
        ax.plot(fine, chronometric.predict(fine), color=color)
    known = chronometric.n[0] > 0
    name = "correct" if label is None else label
    _points(ax, levels[known], chronometric.mean[0][known], chronometric.ci[0][known], color, label=name)
    known = chronometric.n[1] > 0
    if errors and known.any():
        shade, name = (_ERROR_COLOR, "errors") if label is None else (color, f"{label}, errors")
        mean, ci = chronometric.mean[1][known], chronometric.ci[1][known]
        # A little aside, so that errors as slow as correct choices do not hide them.
        beside = levels[known] * 1.05 if levels[0] > 0.0 else levels[known] + 0.01 * np.ptp(levels)
        _points(ax, beside, mean, ci, shade, label=name, face="white")
    missing = int(chronometric.n_missing.sum())
    if missing:
        _points(ax, np.array([]), np.array([]), np.zeros((0, 2)), "none", label=f"{missing} without a choice")
    ax.set_ylabel("reaction time (ms)")
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "ncols": 3}
    ax.legend(**place, handletextpad=0.2, columnspacing=1.0, borderaxespad=0.2)
    return ax


@house_style
def plot_accuracy_by_duration(
    result: AccuracyByDuration,
    *,
    chance: float | int = 0.5,
    unit: str = "%",
    quantity: str = "coherence",
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
        Drawn into; None makes a new figure.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    n_levels = result.levels.size
    colours = coherence_cmap()(np.linspace(0.0, 1.0, n_levels))
    ax.axhline(chance, color=REFERENCE_COLOR, linestyle=":", linewidth=1.0)
    # Neighbouring strengths stand a little apart, so that intervals can be told from each other.
    shifts = 1.012 ** (np.arange(n_levels) - (n_levels - 1) / 2)
    for row, (colour, shift) in enumerate(zip(colours, shifts, strict=True)):
        known = result.n[row] > 0
        x = result.duration[known] * shift
        ax.plot(x, result.p[row][known], color=colour)
        _points(ax, x, result.p[row][known], result.ci[row][known], colour)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(FixedLocator(_doublings(result.duration)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_ylim(top=1.03)
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.set_xlabel("stimulus duration (ms)")
    ax.set_ylabel("fraction correct")
    if n_levels > 1:
        level_bar(ax, result.levels, colours, f"{quantity} ({unit})")
    return ax


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
    """Draw the psychometric curves of two senses, alone and together, and how well they are combined.

    Parameters
    ----------
    result : MultisensoryRatio
        Result of `eicon.analysis.behaviour.multisensory_ratio`.
    names : (first, second, both)
        Names of the modalities, for the legend.
    quantity, unit : str
        What is judged and in which unit, for the axis label.
    boundary : float
        The value between the choices, marked by a dotted line.
    ax : Axes, optional
        Drawn into; None makes a new figure.

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
    for curve, name, colour in zip(result.curves, names, SENSE_COLORS, strict=True):
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
    ax.text(0.98, 0.04, note, transform=ax.transAxes, ha="right", color=NEUTRAL_COLOR)
    return ax


def _strength_axis(ax: Axes, levels: np.ndarray, label: str) -> np.ndarray:
    """Label the axis of strength, with a tick at each level that has room, and return where to draw a curve."""
    ax.set_xlabel(label)
    if levels[0] <= 0.0:
        margin = 0.05 * float(np.ptp(levels))
        ax.xaxis.set_major_locator(MaxNLocator(6))
        return np.linspace(0.0, levels[-1] + margin, 401)
    ax.set_xscale("log")
    span = float(np.log(levels[-1] / levels[0]))
    ticks: list[float] = []
    for level in levels:
        if not ticks or np.log(level / ticks[-1]) > 0.09 * span:
            ticks.append(float(level))
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    factor = np.exp(0.06 * max(span, 0.1))
    return np.geomspace(levels[0] / factor, levels[-1] * factor, 401)


def _points(
    ax: Axes,
    x: np.ndarray,
    y: np.ndarray,
    ci: np.ndarray,
    color: object,
    *,
    label: str | None = None,
    face: str | None = None,
) -> None:
    """Points with intervals; an interval that is not known is not drawn."""
    bars = np.nan_to_num(np.clip([y - ci[:, 0], ci[:, 1] - y], 0.0, None))
    look: dict[str, Any] = {"color": color, "markerfacecolor": color if face is None else face, "markersize": 4}
    ax.errorbar(x, y, yerr=bars, fmt="o", capsize=2, elinewidth=1.0, label=label, **look)


def _doublings(durations: np.ndarray) -> list[float]:
    """Round times from the shortest to the longest duration, each twice the one before; 100 ms is one of them."""
    known = durations[np.isfinite(durations)]
    low, high = np.floor(np.log2(known.min() / 100.0)), np.ceil(np.log2(known.max() / 100.0))
    return [100.0 * 2.0**power for power in np.arange(low, high + 1)]
