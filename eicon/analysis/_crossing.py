"""Reaction times: which output reaches a threshold first, and when."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from .._numbers import real
from ._arrays import as_dt, as_flag, as_mask, as_series, as_steps, require_finite


class ThresholdCrossing(NamedTuple):
    """The first output to reach the threshold in each trial.

    Attributes
    ----------
    choice : (B,) int
        Index of that output; -1 if none reached it, or if several did in the same step (a tie).
    time : (B,) float
        Time from the start of step `start` to the crossing, ms; NaN where `choice` is -1.
    step : (B,) int
        The step of the crossing, ``first t >= start with outputs[t] >= threshold``; -1 where `choice` is -1.
    tied : (B,) bool
        Trials left without a choice because of a tie.
    n_left_out : int
        Trials without a choice, including ties.
    """

    choice: Int[np.ndarray, "B"]
    time: Float[np.ndarray, "B"]
    step: Int[np.ndarray, "B"]
    tied: Bool[np.ndarray, "B"]
    n_left_out: int


def threshold_crossing(
    outputs: Any,
    threshold: float | int,
    start: ArrayLike,
    dt: float | int,
    *,
    inside: ArrayLike | None = None,
    interpolate: bool = False,
) -> ThresholdCrossing:
    """Read choice and reaction time from the outputs of a network that answers when it is ready.

    Parameters
    ----------
    outputs : (T, B, n) array
        One output per choice, time-major; or an object with ``outputs``, such as the result of `predict`.
    threshold : float
        An output at or above this value counts as a decision.
    start : int or (B,) array of int
        First step considered, usually the onset of the stimulus; it is time 0.
    dt : float
        Step, ms.
    inside : (T, B) array of bool or 0/1, optional
        Steps of the trial; all others, such as padding, are ignored.
    interpolate : bool
        Place the crossing within its step on the line from the output of the step before, instead of at the end of
        the step. Outputs that cross in one step are a tie either way.

    Returns
    -------
    ThresholdCrossing

    Raises
    ------
    ValueError
        If shapes do not match, `start` is outside the trial, `threshold` or a considered output is not finite, or
        `dt` is not positive.

    Notes
    -----
    The output of step t is that of the end of the step, hence ``time = (step + 1 - start) dt`` without
    interpolation. The reaction-time version of the task is in Song, Yang & Wang (2016), PLoS Comput Biol
    12:e1004792; unlike in the code published with it, a tie is not a choice.

    Examples
    --------
    >>> outputs = np.array([[[0.2, 0.2], [0.2, 0.2]], [[0.6, 0.4], [0.9, 0.9]], [[1.2, 0.4], [1.2, 1.2]]])
    >>> result = threshold_crossing(outputs, 1.0, 1, 20.0)
    >>> result.choice.tolist(), result.time.tolist(), result.tied.tolist()
    ([0, -1], [40.0, nan], [False, True])
    """
    values = as_series("outputs", getattr(outputs, "outputs", outputs))
    interpolate = as_flag("interpolate", interpolate)
    n_steps, n_trials, _ = values.shape
    step_ms, first = as_dt(dt), as_steps("start", start, n_trials)
    if not np.isfinite(real(threshold, "`threshold`")):
        raise ValueError(f"`threshold` must be finite; got {threshold}.")
    if (first < 0).any() or (first >= n_steps).any():
        raise ValueError(
            f"`start` must be within the trial, 0 <= start < T = {n_steps}; got {first.min()} to {first.max()}. "
            "It counts steps, not ms: divide times by dt."
        )
    looked_at = as_mask("inside", inside, (n_steps, n_trials)) & (np.arange(n_steps)[:, None] >= first)
    require_finite("outputs", values[looked_at])
    above = (values >= threshold) & looked_at[..., None]
    reached = above.any(axis=2)
    step, trials = reached.argmax(axis=0), np.arange(n_trials)
    winners = above[step, trials]
    tied = winners.sum(axis=1) > 1
    decided = reached.any(axis=0) & ~tied
    choice = np.where(decided, winners.argmax(axis=1), -1)
    early = _fraction_early(values, float(threshold), step, choice) if interpolate else np.zeros(n_trials)
    time = np.where(decided, (step + 1 - early - first) * step_ms, np.nan)
    return ThresholdCrossing(choice, time, np.where(decided, step, -1), tied, int(np.count_nonzero(~decided)))


def _fraction_early(
    values: Float[np.ndarray, "T B n"], threshold: float, step: Int[np.ndarray, "B"], choice: Int[np.ndarray, "B"]
) -> Float[np.ndarray, "B"]:
    """Fraction of the step after the crossing: 1 if the output was above before the step, 0 if that is not known."""
    trials = np.arange(len(step))
    before, after = values[step - 1, trials, choice], values[step, trials, choice]
    known = (step > 0) & np.isfinite(before) & (choice >= 0)
    crosses = known & (before < threshold)
    early = np.where(known, 1.0, 0.0)
    return np.divide(after - threshold, after - before, out=early, where=crosses)
