"""Tuning to a graded stimulus: curves of units, and the correlation of tuning between times."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike

from eicon.analysis._tuning import Tuning, TuningCorrelation

from ._parts import level_ticks, missing_shade, name_period, time_label, with_unit
from ._style import ORANGE, PURPLE, TEAL, axes_or_new, font_size, house_style, line_color, neutral, reference

_RISING_COLOR, _FALLING_COLOR = TEAL, ORANGE
MOST_LEVEL_NAMES = 4
"""Most names of epochs that have room side by side."""
_MARKERS = ("o", "s", "^", "D", "v", "P")


@house_style
def plot_tuning(
    tuning: Tuning,
    *,
    units: Sequence[int] | None = None,
    quantity: str = "stimulus",
    unit: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw tuning curves with standard errors, rising ones green and falling ones orange.

    Parameters
    ----------
    tuning : Tuning
        Result of `eicon.analysis.coding.tuning`.
    units : sequence of int, optional
        Units to draw; None takes the three of highest and the three of lowest rank correlation among those that are
        monotone. Others are grey.
    quantity, unit : str
        Name and unit of the stimulus, for the axis label.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no such unit.
    """
    n_units = tuning.slope.size
    chosen = _strongest(tuning) if units is None else list(units)
    if any(not 0 <= one < n_units for one in chosen):
        raise ValueError(f"`units` must be among 0..{n_units - 1}; got {chosen}.")
    ax = axes_or_new(ax)
    for place, one in enumerate(chosen):
        monotone = bool(tuning.monotone[one])
        colour = (_RISING_COLOR if tuning.rho[one] > 0 else _FALLING_COLOR) if monotone else neutral()
        ax.errorbar(
            tuning.levels,
            tuning.curve[:, one],
            yerr=np.nan_to_num(tuning.sem[:, one]),
            color=colour,
            marker=_MARKERS[place % len(_MARKERS)],
            markersize=4,
            capsize=2,
            elinewidth=1.0,
        )
    counts = [np.count_nonzero(tuning.monotone & (np.nan_to_num(tuning.rho) * sign > 0)) for sign in (1, -1)]
    handles = [
        Line2D([], [], color=colour, label=f"{name} ({count} of {n_units} units)")
        for name, count, colour in zip(("rising", "falling"), counts, (_RISING_COLOR, _FALLING_COLOR), strict=True)
    ]
    ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), handlelength=1.4, borderpad=0.1)
    ax.xaxis.set_major_locator(FixedLocator(_apart(tuning.levels)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "\N{MINUS SIGN}")))
    ax.set_xlabel(with_unit(quantity, unit))
    ax.set_ylabel("firing rate (a.u.)")
    return ax


@house_style
def plot_tuning_correlation(
    result: TuningCorrelation,
    time: ArrayLike,
    *,
    epochs: Mapping[str, tuple[float | int, float | int]] | None = None,
    since: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the correlation of tuning between all pairs of times.

    Parameters
    ----------
    result : TuningCorrelation
        Result of `eicon.analysis.coding.tuning_correlation`. Times without a correlation are grey.
    time : (S,) array
        Time of each of its steps, ms, ascending in equal steps; for instance ``aligned.time[result.steps]``.
    epochs : mapping of str to (start, stop), optional
        Named periods in ms, bounded by lines and named above the frame.
    since : str
        Event at time 0, for the axis labels.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `time` does not match or its steps are not equal.
    """
    times = np.asarray(time, dtype=np.float64)
    step = np.diff(times)
    if times.shape != result.steps.shape or times.size < 2 or not (step > 0).all() or not np.allclose(step, step[0]):
        raise ValueError(
            f"`time` must be one time per step, ({result.steps.size},), at least two, ascending in equal steps; got "
            f"shape {times.shape}."
        )
    ax = axes_or_new(ax, figsize=(4.0, 3.1))
    low, high = times[0] - step[0] / 2, times[-1] + step[0] / 2
    image = ax.imshow(
        result.correlation, cmap="PuOr", vmin=-1.0, vmax=1.0, origin="lower", extent=(low, high, low, high)
    )
    missing_shade(ax)
    bar = ax.figure.colorbar(image, cax=ax.inset_axes((1.04, 0.0, 0.05, 1.0)))
    bar.set_label("correlation of tuning")
    for name, (start, stop) in ({} if epochs is None else epochs).items():
        for edge in (start, stop):
            for line in (ax.axhline, ax.axvline):
                line(edge, color=reference(), linestyle="--", linewidth=0.9)
        name_period(ax, name, start, stop)
    ax.set_xlim(low, high)
    ax.set_ylim(low, high)
    ax.spines[:].set_visible(True)
    ax.set_xlabel(time_label(since))
    ax.set_ylabel(time_label(since))
    return ax


@house_style
def plot_tuning_map(
    tuning: Tuning,
    *,
    levels: ArrayLike | None = None,
    quantity: str = "stimulus",
    unit: str = "",
    alpha: float = 0.05,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean rates of all units at all levels, each unit scaled to its range and sorted by its preference.

    Parameters
    ----------
    tuning : Tuning
        Result of `eicon.analysis.coding.tuning`. Units that depend on the level (``p_any < alpha``) are counted; those
        that do not vary are left out.
    levels : (L,) array, optional
        Names of the levels, if those of `tuning` are numbers that represent truth values.
    quantity, unit : str
        Name and unit of the levels, for the axis label.
    alpha : float
        Level of the test.
    title : str
        Time of the rates, for the title.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax, figsize=(4.0, 3.2))
    low, reach = tuning.curve.min(axis=0), np.ptp(tuning.curve, axis=0)
    varying = np.flatnonzero(reach > 0)
    scaled = (tuning.curve[:, varying] - low[varying]) / reach[varying]
    order = np.argsort(scaled.argmax(axis=0), kind="stable")
    image = ax.imshow(
        scaled[:, order].T, cmap="cividis", vmin=0.0, vmax=1.0, origin="lower", aspect="auto", interpolation="nearest"
    )
    bar = ax.figure.colorbar(image, cax=ax.inset_axes((1.04, 0.0, 0.05, 1.0)), ticks=[0.0, 1.0])
    bar.ax.set_yticklabels(["least", "most"])
    bar.set_label("mean rate")
    level_ticks(ax, tuning.levels if levels is None else np.asarray(levels))
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.spines[:].set_visible(True)
    ax.set_xlabel(with_unit(quantity, unit))
    ax.set_ylabel("units, by preferred level")
    tuned = int(np.count_nonzero(tuning.p_any < alpha))
    ax.set_title(f"{title}{': ' if title else ''}{tuned} of {low.size} units tuned", loc="left", fontsize=font_size())
    return ax


@house_style
def plot_tuned_by_epoch(
    fractions: Mapping[str, Mapping[str, float]], *, alpha: float = 0.05, ax: Axes | None = None
) -> Axes:
    """Draw the fraction of tuned units in each epoch, a line per quantity.

    Parameters
    ----------
    fractions : mapping of quantity to mapping of epoch to float
        Epochs in the order of the trial; a quantity need not have all of them.
    alpha : float
        Level of the test, drawn dotted: the fraction of units that seem tuned if none is.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    names = list(dict.fromkeys(epoch for found in fractions.values() for epoch in found))
    ax.axhline(alpha, color=reference(), linestyle=":", linewidth=1.0)
    for (quantity, found), marker, colour in zip(
        fractions.items(), cycle(_MARKERS), cycle((line_color(), ORANGE, TEAL, PURPLE))
    ):
        place = [names.index(epoch) for epoch in found]
        ax.plot(place, list(found.values()), marker=marker, markersize=4, color=colour, label=quantity)
    ax.set_xticks(range(len(names)), labels=names)
    if len(names) > MOST_LEVEL_NAMES:
        ax.tick_params(axis="x", rotation=25)
    ax.set_xlim(-0.4, len(names) - 0.6)
    ax.set_ylim(-0.04, 1.04)
    ax.set_ylabel("fraction of units tuned")
    ax.set_xlabel("epoch")
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, borderaxespad=0.2, columnspacing=1.2)
    return ax


def _apart(levels: np.ndarray) -> list[float]:
    """Return levels with room for their names: both ends, and those between that are not too close together."""
    room = float(np.ptp(levels)) / 7
    found = [float(levels[0])]
    for level in levels[1:-1].tolist():
        if level - found[-1] >= room and levels[-1] - level >= room:
            found.append(level)
    return [*found, float(levels[-1])] if levels.size > 1 else found


def _strongest(tuning: Tuning) -> list[int]:
    """Return up to three monotone units of highest, and of lowest, rank correlation."""
    monotone = np.flatnonzero(tuning.monotone)
    ranked = monotone[np.argsort(tuning.rho[monotone])]
    falling, rising = ranked[tuning.rho[ranked] < 0][:3], ranked[tuning.rho[ranked] > 0][::-1][:3]
    return [int(one) for one in (*rising, *falling)]
