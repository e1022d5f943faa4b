"""Interval timing of networks: ramps, temporal scaling, and the variability of produced intervals."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike

from .._numbers import whole
from ._arrays import Rates, as_labels, as_rates, as_steps, levels_of, numbers, require_finite, silent_below


class RampIndex(NamedTuple):
    """Fit of straight lines in time to each unit during an epoch; C conditions.

    Attributes
    ----------
    r_squared : (N,) float
        ``1 - sum_c SSE_c / sum_c SST_c``: the R^2 of a line fitted to each condition's mean time course, averaged over
        the conditions with weights SST_c (the squared deviation from the mean). NaN for silent units.
    slope : (C, N) float
        Slopes of the lines, change of rate per step.
    levels : (C,)
        The conditions, ascending.
    mean : float
        Variance-weighted mean over units, ``1 - sum SSE / sum SST``.
    median : float
        Median over the units that are not silent.
    n_silent : int
        Number of silent units.
    """

    r_squared: Float[np.ndarray, "N"]
    slope: Float[np.ndarray, "C N"]
    levels: Shaped[np.ndarray, "C"]
    mean: float
    median: float
    n_silent: int


class TemporalScaling(NamedTuple):
    """Comparison of activity that stretches with the interval and activity in absolute time; C conditions, P phases.

    Attributes
    ----------
    scaled : (N,) float
        ``1 - between / total`` in phase (0 = start, 1 = end of each condition's epoch): *between* is the mean squared
        deviation of the conditions' time courses from their mean course, *total* is that from the mean over courses and
        phases. 1 if one course, stretched, serves all conditions. NaN for silent units.
    absolute : (N,) float
        The same in time since the start, all conditions cut to the shortest: 1 if all conditions follow
        the same course.
    scaled_mean, absolute_mean : float
        Variance-weighted means over units, ``1 - sum between / sum total``.
    scaled_median, absolute_median : float
        Medians over the units that are not silent.
    phase : (P,) float
        Phases of `profiles`.
    profiles : (C, P, N) float
        Time courses of the conditions in phase.
    levels : (C,)
        The conditions, ascending.
    """

    scaled: Float[np.ndarray, "N"]
    absolute: Float[np.ndarray, "N"]
    scaled_mean: float
    absolute_mean: float
    scaled_median: float
    absolute_median: float
    phase: Float[np.ndarray, "P"]
    profiles: Float[np.ndarray, "C P N"]
    levels: Shaped[np.ndarray, "C"]


class ScalarVariability(NamedTuple):
    """Produced intervals for each requested interval.

    Attributes
    ----------
    intervals : (C,) float
        Requested intervals, ms, ascending.
    mean : (C,) float
        Mean of the produced intervals, ms; NaN where there is none.
    sd : (C,) float
        Standard deviation of the produced intervals (``n - 1``), ms; NaN where there are fewer than two.
    bias : (C,) float
        ``mean - intervals``, ms.
    n : (C,) int
        Trials with a produced interval.
    n_missing : (C,) int
        Trials without a produced interval, left out of mean and sd.
    weber : float
        Weber fraction: slope of the regression of sd on mean through the origin, ``sum(mean sd) / sum(mean^2)``
        over the intervals that have an sd (scalar property: sd = weber * mean). NaN if none has one and a mean > 0.
    slope, intercept : float
        Coefficients of the regression with intercept, ``sd = slope * mean + intercept`` (ms); NaN for fewer than two.
    """

    intervals: Float[np.ndarray, "C"]
    mean: Float[np.ndarray, "C"]
    sd: Float[np.ndarray, "C"]
    bias: Float[np.ndarray, "C"]
    n: Int[np.ndarray, "C"]
    n_missing: Int[np.ndarray, "C"]
    weber: float
    slope: float
    intercept: float

    @property
    def n_left_out(self) -> int:
        """Trials without a produced interval."""
        return int(self.n_missing.sum())


def ramp_index(rates: Rates, start: ArrayLike, stop: ArrayLike, *, conditions: ArrayLike | None = None) -> RampIndex:
    """Measure how much of each unit's activity in an epoch is a ramp, like that of an integrator.

    Parameters
    ----------
    rates : (T, B, N) array
        Firing rates, time-major.
    start, stop : int or (B,) array of int
        First step of the epoch and the step after its last one, per trial.
    conditions : (B,) array, optional
        One number or label per trial. Trials of a condition are averaged, aligned to `start` and cut to the
        shortest; None treats each trial as a condition.

    Returns
    -------
    RampIndex

    Raises
    ------
    ValueError
        If shapes do not match, an epoch has fewer than three steps or leaves the trial, or a rate is not finite.

    Examples
    --------
    >>> time = np.arange(10.0)
    >>> rates = np.stack([2.0 * time, np.cos(2 * np.pi * time / 9), np.ones(10)], axis=-1)[:, None]
    >>> result = ramp_index(rates, 0, 10)
    >>> result.r_squared.round(3).tolist(), result.n_silent
    ([1.0, 0.0, nan], 1)
    """
    courses, levels, scale = _courses(rates, start, stop, conditions)
    n_units = courses[0].shape[1]
    residual, total, samples, slopes = np.zeros(n_units), np.zeros(n_units), 0, []
    for course in courses:
        time = np.arange(len(course)) - (len(course) - 1) / 2
        centred = course - course.mean(axis=0)
        slope = time @ centred / (time @ time)
        residual += np.sum((centred - time[:, None] * slope) ** 2, axis=0)
        total += np.sum(centred**2, axis=0)
        samples += len(course)
        slopes.append(slope)
    silent = total / samples <= silent_below(scale) ** 2
    index, mean, median = _explained(residual, total, silent)
    return RampIndex(index, np.stack(slopes), levels, mean, median, int(np.count_nonzero(silent)))


def temporal_scaling(
    rates: Rates, start: ArrayLike, stop: ArrayLike, conditions: ArrayLike, *, n_phases: int | float = 50
) -> TemporalScaling:
    """Distinguish activity that stretches with the interval from activity that follows absolute time.

    Parameters
    ----------
    rates : (T, B, N) array
        Firing rates, time-major.
    start, stop : int or (B,) array of int
        First step of the epoch and the step after its last one, per trial.
    conditions : (B,) array
        One number or label per trial, at least two different ones; trials of a condition are averaged, aligned to
        `start` and cut to the shortest.
    n_phases : int
        Phases at which the stretched time courses are compared, >= 3.

    Returns
    -------
    TemporalScaling

    Raises
    ------
    ValueError
        If shapes do not match, there is only one condition, all epochs have one duration (stretching then changes
        nothing), an epoch has fewer than three steps or leaves the trial, or a rate is not finite.

    Notes
    -----
    After Wang, Narain, Hosseini & Jazayeri (2018), Nat Neurosci 21:102. The state after step k of an epoch of L
    steps has the phase ``(k + 1) / L``; between steps courses are interpolated linearly. A unit that differs in
    level between conditions has both indices low.

    Examples
    --------
    >>> step = np.arange(20)[:, None]
    >>> rates = ((step + 1) / np.array([10, 20]))[:, :, None]  # two ramps to 1, one twice as long
    >>> result = temporal_scaling(rates, 0, [10, 20], [500.0, 1000.0])
    >>> round(result.scaled_mean, 3), round(result.absolute_mean, 3)
    (1.0, 0.659)
    """
    if conditions is None:
        raise TypeError("`conditions` must be a label for each trial; got None. Intervals need labels that differ.")
    courses, levels, scale = _courses(rates, start, stop, conditions)
    n_phases = whole(n_phases, "`n_phases`")
    if n_phases < 3:
        raise ValueError(f"`n_phases` must be >= 3; got {n_phases}.")
    lengths = [len(course) for course in courses]
    if len(set(lengths)) < 2:
        raise ValueError(
            f"`conditions` must contain at least two epochs of different durations; got {len(lengths)} conditions, "
            f"durations {sorted(set(lengths))} steps. With one duration, phase and time are the same."
        )
    phase = np.linspace(1.0 / min(lengths), 1.0, n_phases)
    profiles = np.stack([_stretched(course, phase) for course in courses])
    scaled, scaled_mean, scaled_median = _shared(profiles, scale)
    cut = np.stack([course[: min(lengths)] for course in courses])
    absolute, absolute_mean, absolute_median = _shared(cut, scale)
    return TemporalScaling(
        scaled, absolute, scaled_mean, absolute_mean, scaled_median, absolute_median, phase, profiles, levels
    )


def scalar_variability(produced: ArrayLike, interval: ArrayLike) -> ScalarVariability:
    """Compute mean, spread and Weber fraction of produced intervals.

    Parameters
    ----------
    produced : (B,) array
        Produced interval of each trial, ms; NaN where none was produced.
    interval : (B,) array
        Requested interval, ms, > 0.

    Returns
    -------
    ScalarVariability

    Raises
    ------
    ValueError
        If shapes do not match, there is no trial, or an interval is not positive.

    Notes
    -----
    Scalar property: Gibbon (1977), Psychol Rev 84:279; with intercept: Getty (1975), Percept Psychophys 18:1.

    Examples
    --------
    >>> result = scalar_variability([90.0, 110.0, 180.0, 220.0, np.nan], [100.0, 100.0, 200.0, 200.0, 200.0])
    >>> round(result.weber, 4), result.n.tolist(), result.n_missing.tolist()
    (0.1414, [2, 2], [0, 1])
    """
    times, asked = numbers("produced", produced), numbers("interval", interval)
    if times.ndim != 1 or times.shape != asked.shape or not times.size:
        raise ValueError(
            f"`produced` and `interval` must be non-empty vectors (B,), one per trial; "
            f"got {times.shape} and {asked.shape}."
        )
    if not (np.isfinite(asked) & (asked > 0)).all():
        raise ValueError("`interval` must be positive and finite (ms); got other values. It is the requested interval.")
    levels, index = levels_of(asked)
    groups = [times[(index == i) & np.isfinite(times)] for i in range(levels.size)]
    mean = np.array([group.mean() if group.size else np.nan for group in groups])
    sd = np.array([group.std(ddof=1) if group.size > 1 else np.nan for group in groups])
    n = np.array([group.size for group in groups])
    missing = np.bincount(index) - n
    known = np.isfinite(sd)
    m, s = mean[known], sd[known]
    weber = float(m @ s / (m @ m)) if (m > 0).any() else np.nan
    slope = intercept = np.nan
    if m.size > 1 and np.ptp(m) > 0:
        slope = float((m - m.mean()) @ s / ((m - m.mean()) @ (m - m.mean())))
        intercept = float(s.mean() - slope * m.mean())
    return ScalarVariability(levels, mean, sd, mean - levels, n, missing, weber, slope, intercept)


def _courses(
    rates: Rates, start: ArrayLike, stop: ArrayLike, conditions: ArrayLike | None
) -> tuple[list[Float[np.ndarray, "_ N"]], Shaped[np.ndarray, "C"], Float[np.ndarray, "N"]]:
    """Return mean time courses of the conditions from `start`, the conditions, and the largest modulus of each unit."""
    values = as_rates(rates)
    n_steps, n_trials, _ = values.shape
    first, last = (as_steps(name, edge, n_trials) for name, edge in (("start", start), ("stop", stop)))
    if (first < 0).any() or (last > n_steps).any() or (last - first < 3).any():
        raise ValueError(
            f"epochs must have at least 3 steps within the trial, 0 <= start, start + 3 <= stop <= T = {n_steps}; got "
            f"start from {first.min()}, stop to {last.max()}, shortest {int((last - first).min())}. "
            "They count steps, not ms: divide times by dt."
        )
    given = np.arange(n_trials) if conditions is None else conditions
    labels = as_labels("conditions", given, n_trials, shape=values.shape)
    (levels, index), courses = levels_of(labels), []
    for i in range(levels.size):
        members = np.flatnonzero(index == i)
        steps = np.arange((last - first)[members].min())[:, None] + first[members]
        courses.append(values[steps, members].mean(axis=1))
        require_finite("rates", courses[-1])
    return courses, levels, np.max([np.abs(course).max(axis=0) for course in courses], axis=0)


def _stretched(course: Float[np.ndarray, "L N"], phase: Float[np.ndarray, "P"]) -> Float[np.ndarray, "P N"]:
    """Time course at given phases, by linear interpolation."""
    place = np.clip(phase * len(course) - 1.0, 0.0, len(course) - 1.0)
    below = np.minimum(place.astype(np.int64), len(course) - 2)
    weight = (place - below)[:, None]
    return (1.0 - weight) * course[below] + weight * course[below + 1]


def _shared(
    courses: Float[np.ndarray, "C P N"], scale: Float[np.ndarray, "N"]
) -> tuple[Float[np.ndarray, "N"], float, float]:
    """Fraction of the variance that the mean course explains: per unit, weighted mean, median."""
    between = np.mean((courses - courses.mean(axis=0)) ** 2, axis=(0, 1))
    total = courses.var(axis=(0, 1))
    return _explained(between, total, total <= silent_below(scale) ** 2)


def _explained(
    residual: Float[np.ndarray, "N"], total: Float[np.ndarray, "N"], silent: np.ndarray
) -> tuple[Float[np.ndarray, "N"], float, float]:
    """``1 - residual / total`` per unit (NaN for silent ones), for all units together, and the median."""
    index = np.full(total.shape, np.nan)
    np.divide(residual, total, out=index, where=~silent)
    index = 1.0 - index
    if silent.all():
        return index, float("nan"), float("nan")
    return index, float(1.0 - residual[~silent].sum() / total[~silent].sum()), float(np.median(index[~silent]))
