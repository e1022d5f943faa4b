"""Activity around an event: aligned trials, averages per condition, and the order of peaks."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import ArrayLike

from .._numbers import real
from ._arrays import (
    ALSO_TRIALS,
    LAST,
    NO_ANSWER,
    Rates,
    as_dt,
    as_excitatory,
    as_labels,
    as_mask,
    as_rates,
    as_series,
    as_steps,
    by_name,
    is_named,
    levels_of,
    named_like,
    numbers,
    rates_of,
    require_finite,
    steps_of,
)


class Aligned(NamedTuple):
    """Trials cut out around an event; W steps, K trials that have the event.

    Attributes
    ----------
    values : (W, K, n) float
        ``values[event + k]`` for the steps k of the window; NaN outside the trial. A DataArray if one was given.
    time : (W,) float
        ``k dt``, ms: 0 at the step of the event.
    inside : (W, K) bool
        False where `values` is NaN because the trial has not started or is over.
    trials : (K,) int
        The trials, in their original order.
    n_left_out : int
        Trials without the event.
    """

    values: Float[np.ndarray, "W K n"]
    time: Float[np.ndarray, "W"]
    inside: Bool[np.ndarray, "W K"]
    trials: Int[np.ndarray, "K"]
    n_left_out: int

    @property
    def rates(self) -> Any:
        """`values`, for functions that take rates."""
        return self.values


class PSTH(NamedTuple):
    """Mean rates around an event, per condition; C conditions, W steps.

    Attributes
    ----------
    average : (C, W, N) float
        Mean over the trials of the condition that are inside at the step; NaN where there is none. From a DataArray,
        one with condition, time and unit, like `sem`.
    sem : (C, W, N) float
        Standard deviation over the averaged trials (``n - 1``) divided by ``sqrt(n)``; NaN for fewer than two.
    n : (C, W) int
        Number of averaged trials.
    time : (W,) float
        Time, ms, 0 at the step of the event.
    levels : (C,)
        The conditions, ascending.
    n_left_out : int
        Trials without the event.
    """

    average: Float[np.ndarray, "C W N"]
    sem: Float[np.ndarray, "C W N"]
    n: Int[np.ndarray, "C W"]
    time: Float[np.ndarray, "W"]
    levels: Shaped[np.ndarray, "C"]
    n_left_out: int


def align(
    values: Rates,
    event: ArrayLike,
    dt: float | int,
    *,
    window: tuple[float | int, float | int],
    inside: ArrayLike | None = None,
) -> Aligned:
    """Align trials to an event that comes at a different step in each.

    Parameters
    ----------
    values : (T, B, n) array
        Rates, outputs or trajectories, time-major.
    event : int or (B,) array of int
        Step of the event; -1 leaves a trial out.
    dt : float
        Step, ms.
    window : (from, to)
        ms relative to the event, both ends included.
    inside : (T, B) array of bool or 0/1, optional
        Steps of the trial; all others, such as padding, become NaN.

    Returns
    -------
    Aligned
        Functions that take rates, such as `regression_axes`, accept it directly, with ``inside`` as the mask.

    Raises
    ------
    ValueError
        If shapes do not match, an event is outside the trials, no trial has one, `window` is empty, or `dt` is not
        positive.

    Examples
    --------
    >>> ramp = np.arange(4.0)[:, None, None] + np.array([0.0, 10.0])[:, None]
    >>> result = align(ramp, [1, 3], 20.0, window=(-20, 20))
    >>> result.time.tolist(), result.values[:, :, 0].T.tolist()
    ([-20.0, 0.0, 20.0], [[0.0, 1.0, 2.0], [12.0, 13.0, nan]])
    """
    array = as_series("values", values)
    at, within = _events(array, event, steps_of(values, inside))
    offsets = _offsets(window, as_dt(dt), len(array))
    trials = np.flatnonzero(at != NO_ANSWER)
    cut, there = _cut(array, within, at, offsets, trials)
    time, source = offsets * float(dt), rates_of(values)
    if is_named(source):
        last = next(dim for dim in source.dims if dim in LAST)
        chosen = source.isel(trial=trials) if "trial" in source.dims else source
        cut = named_like(chosen, cut, ("time", "trial", last), time=time)
    return Aligned(cut, time, there, trials, len(at) - len(trials))


def psth(
    rates: Rates,
    conditions: ArrayLike,
    event: ArrayLike,
    dt: float | int,
    *,
    window: tuple[float | int, float | int],
    inside: ArrayLike | None = None,
) -> PSTH:
    """Average rates around an event over the trials of each condition.

    Parameters
    ----------
    rates : (T, B, N) array
        Firing rates, time-major.
    conditions : (B,) array
        One number or label per trial.
    event : int or (B,) array of int
        Step of the event, such as the onset of the stimulus, or `ThresholdCrossing.step` for the response; -1 leaves
        a trial out.
    dt, window, inside
        See `align`.

    Returns
    -------
    PSTH

    Raises
    ------
    ValueError
        For the reasons given at `align`, or if a condition is NaN or a rate inside is not finite.

    Examples
    --------
    >>> rates = np.array([[1.0, 3.0, 7.0], [2.0, 4.0, 8.0]])[:, :, None]
    >>> result = psth(rates, ["left", "left", "right"], [0, 0, 1], 20.0, window=(0, 20))
    >>> result.levels.tolist(), result.average[:, :, 0].tolist(), result.n.tolist()
    (['left', 'right'], [[2.0, 3.0], [8.0, nan]], [[2, 2], [1, 0]])
    """
    values = as_rates(rates)
    labels = as_labels("conditions", conditions, values.shape[1], shape=values.shape)
    at, within = _events(values, event, steps_of(rates, inside))
    offsets = _offsets(window, as_dt(dt), len(values))
    happens = np.flatnonzero(at != NO_ANSWER)
    levels, index = levels_of(labels[happens])
    averages, errors, counts = [], [], []
    for i in range(levels.size):
        cut, there = _cut(values, within, at, offsets, happens[index == i])
        require_finite("rates", cut[there])
        n = there.sum(axis=1)
        total = np.where(there[..., None], cut, 0.0).sum(axis=1)
        mean = total / np.where(n > 0, n, np.nan)[:, None]
        squares = np.where(there[..., None], cut - mean[:, None], 0.0) ** 2
        averages.append(mean)
        errors.append(np.sqrt(squares.sum(axis=1) / np.where(n > 1, n * (n - 1.0), np.nan)[:, None]))
        counts.append(n)
    time = offsets * float(dt)
    average, error = (
        named_like(rates, np.stack(part), ("condition", "time", "unit"), condition=levels, time=time)
        for part in (averages, errors)
    )
    return PSTH(average, error, np.stack(counts), time, levels, len(at) - len(happens))


def sort_by_peak(average: ArrayLike, *, excitatory: ArrayLike | None = None) -> Int[np.ndarray, "N"]:
    """Order units by the time at which they are most active.

    Parameters
    ----------
    average : (W, N) or (C, W, N) array
        Mean rates, such as `PSTH.average`; conditions are averaged first. NaN is ignored.
    excitatory : (N,) bool array, optional
        True for E units, which then come before all I units.

    Returns
    -------
    (N,) array of int
        Indices that sort units by ascending time of their maximum; units that never change come last.

    Raises
    ------
    ValueError
        If shapes do not match, or no value is finite.

    Examples
    --------
    >>> sort_by_peak([[0.0, 1.0, 5.0], [2.0, 1.0, 0.0]]).tolist()
    [2, 0, 1]
    """
    array = _by_time(average)
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise ValueError(f"`average` must be non-empty (W, N) or (C, W, N); got shape {array.shape}.")
    array = array.reshape(-1, *array.shape[-2:])
    known = np.isfinite(array)
    if not known.any():
        raise ValueError("`average` must contain some finite values; got none. The window may be outside all trials.")
    types = as_excitatory(excitatory, array.shape[2])
    n = known.sum(axis=0)
    course = np.where(known, array, 0.0).sum(axis=0) / np.where(n > 0, n, 1)
    peak = np.where(n > 0, course, -np.inf).argmax(axis=0)
    lowest = np.where(n > 0, course, np.inf).min(axis=0)
    flat = course[peak, np.arange(course.shape[1])] <= lowest
    keys = (peak, flat) if types is None else (peak, flat, ~types)
    return np.lexsort(keys)


def _by_time(average: Any) -> Float[np.ndarray, "..."]:
    """Return averages with the units last and the steps before them; a DataArray is read by its names."""
    first = (ALSO_TRIALS,) if is_named(average) and len(average.dims) == 3 else ()
    return numbers("average", by_name("average", average, (*first, ("time",), LAST)))


def _events(
    values: Float[np.ndarray, "T B n"], event: ArrayLike, inside: ArrayLike | None
) -> tuple[Int[np.ndarray, "B"], Bool[np.ndarray, "T B"]]:
    """Return checked steps of the events, and the steps of the trials."""
    n_steps, n_trials = values.shape[:2]
    at = as_steps("event", event, n_trials)
    if (at < NO_ANSWER).any() or (at >= n_steps).any():
        raise ValueError(
            f"`event` must be steps 0..{n_steps - 1}, or -1 (left out); got {at.min()} to {at.max()}. "
            "It counts steps, not ms: divide times by dt."
        )
    if (at == NO_ANSWER).all():
        raise ValueError("`event` must occur in some trial; got -1 in all. The network may never respond.")
    return at, as_mask("inside", inside, (n_steps, n_trials))


def _offsets(window: tuple[float | int, float | int], dt: float, n_steps: int) -> Int[np.ndarray, "W"]:
    """Steps k, relative to the event, with ``from <= k dt <= to``."""
    if not isinstance(window, tuple | list | np.ndarray) or len(window) != 2:
        raise ValueError(f"`window` must be (from, to) in ms, relative to the event; got {window!r:.60}.")
    begin, end = (real(edge, "`window`") for edge in window)
    if not (np.isfinite(begin) and np.isfinite(end)):
        raise ValueError(f"`window` must be finite (ms); got {window}.")
    # 1e-9 keeps ends that are whole steps up to rounding.
    first, last = int(np.ceil(begin / dt - 1e-9)), int(np.floor(end / dt + 1e-9))
    if last - first > 10 * n_steps:
        raise ValueError(
            f"`window` must not be much longer than the trials, T = {n_steps} steps of {dt:g} ms; got {window} ms, "
            f"which is {(last - first) / n_steps:.0f} times as long. Is `dt` in seconds?"
        )
    if last < first:
        raise ValueError(
            f"`window` must be (from, to) in ms with a step of {dt:g} ms between them; got {window}. "
            "Times before the event are negative."
        )
    return np.arange(first, last + 1)


def _cut(
    values: Float[np.ndarray, "T B n"],
    within: Bool[np.ndarray, "T B"],
    at: Int[np.ndarray, "B"],
    offsets: Int[np.ndarray, "W"],
    trials: Int[np.ndarray, "K"],
) -> tuple[Float[np.ndarray, "W K n"], Bool[np.ndarray, "W K"]]:
    """Cut out the chosen trials, with NaN outside them."""
    steps = offsets[:, None] + at[trials]
    exists = (steps >= 0) & (steps < len(values))
    steps = np.clip(steps, 0, len(values) - 1)
    there = exists & within[steps, trials]
    return np.where(there[..., None], values[steps, trials], np.nan), there
