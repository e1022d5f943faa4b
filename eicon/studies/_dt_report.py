"""Behaviour of a network in finer time steps than those of its training."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from .._key import key as key_of
from ..analysis._psychometric import psychometric_or_none
from ..models import RateRNN
from ..tasks import Task, Trial
from ..tasks._base import as_repeats
from ..tasks._check import check_task
from ._responses import behaviour_of, evidence_of, rows_of

ACCURACY_TOLERANCE = 0.03
RATE_TOLERANCE = 0.08
"""An Euler step alone makes the standard deviation of noise 1 / sqrt(1 - alpha / 2) too large, 5.4 % at 20 ms."""
OUTPUT_TOLERANCE = 0.05
STANDARD_ERRORS = 3.0
BYTES_AT_A_TIME = 400e6
ARRAYS_PER_STEP = 8


class DtRow(NamedTuple):
    """Statistics of a network at one step size.

    Attributes
    ----------
    dt : ms
    n_trials : balanced over conditions
    accuracy, accuracy_se : mean score, and its standard error
    mean_rate, mean_rate_se : over units, and steps inside the trials
    output_error : root mean square difference of the outputs' mean over trials of a condition from that at the
        coarsest dt, corrected for noise, relative to the range of these means; NaN for the coarsest
    psychometric_width, psychometric_width_se : width of the cumulative Gaussian, in the unit of the task's evidence;
        NaN in tasks without any
    agrees : whether accuracy, mean rate and outputs are within tolerance of the coarsest dt: 0.03, 8 % and 5 %, the
        first two widened to 3 standard errors of the difference if that is more
    """

    dt: float
    n_trials: int
    accuracy: float
    accuracy_se: float
    mean_rate: float
    mean_rate_se: float
    output_error: float
    psychometric_width: float
    psychometric_width_se: float
    agrees: bool


class _Measured(NamedTuple):
    """Pooled measurements of trials.

    Attributes
    ----------
    score, rate : (B,) score and mean rate of each trial
    chosen, evidence : (B,) or None
    outputs : (T', C, n_out) mean over trials of a condition, at the times of the coarsest dt; 0 where not scored, NaN
        for conditions without trials
    variance : (T', C, n_out) of that mean
    """

    score: np.ndarray
    rate: np.ndarray
    chosen: np.ndarray | None
    evidence: np.ndarray | None
    outputs: np.ndarray
    variance: np.ndarray


def dt_report(
    net: RateRNN,
    task: Task,
    dts: Sequence[float] = (20.0, 2.0, 0.5),
    *,
    repeats: int | float = 50,
    seed: int | float = 0,
) -> list[DtRow]:
    """Run a network with the same weights in steps of several sizes, and compare its statistics.

    Parameters
    ----------
    net : RateRNN
    task : Task
    dts : sequence of float
        Steps in ms; all are compared with the longest.
    repeats : int
        Trials per condition at each dt.
    seed : int
        Fixes trials and noise (which differ between steps of different size).

    Returns
    -------
    list of DtRow
        Rows from the longest dt to the shortest.

    Raises
    ------
    ValueError
        If fewer than two steps are given, one does not divide the longest, or one is longer than tau, or if the task
        is not available in other steps.
    """
    check_task(task)
    steps = sorted({float(dt) for dt in dts}, reverse=True)
    if len(steps) < 2 or min(steps) <= 0:
        raise ValueError(f"at least two different steps > 0 (ms) are needed to compare; got {list(dts)}.")
    for dt in steps[1:]:
        if abs(steps[0] / dt - round(steps[0] / dt)) > 1e-6:
            raise ValueError(f"every step must divide the longest, {steps[0]:g} ms; got {dt:g}.")
    keys = jax.random.split(key_of(seed), repeats := as_repeats(repeats))
    finest = task.in_steps_of(steps[-1])
    n_steps = jax.eval_shape(lambda key: finest.trials(1, key=key), keys[0]).n_steps
    bytes_each = 4 * ARRAYS_PER_STEP * n_steps * net.n_rec * task.n_conditions
    groups = np.array_split(np.arange(repeats), min(repeats, max(1, math.ceil(repeats * bytes_each / BYTES_AT_A_TIME))))
    measured = [_measure(net, task, dt, round(steps[0] / dt), groups, keys) for dt in steps]
    return [_row(dt, one, measured[0]) for dt, one in zip(steps, measured, strict=True)]


def _measure(
    net: RateRNN, task: Task, dt: float, every: int, groups: Sequence[np.ndarray], keys: jax.Array
) -> _Measured:
    net, task = net.with_settings(dt=dt), task.in_steps_of(dt)
    parts, sums, counts = [], [], np.zeros(task.n_conditions)
    for group in groups:
        key_trial, key_noise = jax.random.split(keys[group[0]])
        trial = task.trials(len(group), key=key_trial)
        activity = net.predict(trial.inputs, key=key_noise)
        parts.append(_of_trials(task, trial, activity.outputs, activity.rates))
        counted = np.asarray(trial.mask)[:, :, None] != 0
        scored = np.where(counted, np.asarray(activity.outputs, np.float64), 0.0)[every - 1 :: every]
        one_hot = np.eye(task.n_conditions)[rows_of(task, trial)]
        counts += one_hot.sum(axis=0)
        sums.append([np.einsum("tbo,bc->tco", values, one_hot) for values in (scored, scored**2)])
    n = np.where(counts > 0, counts, np.nan)[:, None]
    mean, square = (np.sum(values, axis=0) / n for values in zip(*sums, strict=True))
    score, rate, chosen, evidence = (
        None if values[0] is None else np.concatenate(values) for values in zip(*parts, strict=True)
    )
    assert score is not None
    assert rate is not None
    return _Measured(score, rate, chosen, evidence, mean, (square - mean**2) / np.maximum(n - 1, 1))


def _of_trials(task: Task, trial: Trial, outputs: jax.Array, rates: jax.Array) -> tuple:
    inside = np.asarray(trial.inside)
    rate = np.where(inside, np.asarray(rates).mean(axis=2), 0.0).sum(axis=0) / inside.sum(axis=0)
    behaviour, evidence = behaviour_of(task, outputs, trial), evidence_of(task, trial)
    chosen = values = None
    if behaviour.choice is not None and evidence is not None:
        chosen, values = np.minimum(behaviour.choice, 1), evidence.numbers
    return np.asarray(behaviour.score, np.float64), rate.astype(np.float64), chosen, values


def _row(dt: float, measured: _Measured, first: _Measured) -> DtRow:
    accuracy, accuracy_se = _mean(measured.score)
    rate, rate_se = _mean(measured.rate)
    width = width_se = float("nan")
    if measured.chosen is not None and measured.evidence is not None:
        curve = psychometric_or_none(measured.evidence, measured.chosen)
        width, width_se = (width, width_se) if curve is None else (curve.width, curve.width_se)
    n = min(len(measured.outputs), len(first.outputs))
    difference = (measured.outputs[:n] - first.outputs[:n]) ** 2 - measured.variance[:n] - first.variance[:n]
    shown = first.outputs[np.isfinite(first.outputs)]
    error = float(np.sqrt(max(np.nanmean(difference), 0.0)) / (np.ptp(shown) or 1.0))
    first_accuracy, first_accuracy_se = _mean(first.score)
    first_rate, first_rate_se = _mean(first.rate)
    agrees = (
        abs(accuracy - first_accuracy)
        <= max(ACCURACY_TOLERANCE, STANDARD_ERRORS * np.hypot(accuracy_se, first_accuracy_se))
        and abs(rate - first_rate)
        <= max(RATE_TOLERANCE * first_rate, STANDARD_ERRORS * np.hypot(rate_se, first_rate_se))
        and error <= OUTPUT_TOLERANCE
    )
    same = measured is first
    return DtRow(
        dt=dt,
        n_trials=len(measured.score),
        accuracy=accuracy,
        accuracy_se=accuracy_se,
        mean_rate=rate,
        mean_rate_se=rate_se,
        output_error=float("nan") if same else error,
        psychometric_width=float(width),
        psychometric_width_se=float(width_se),
        agrees=bool(agrees),
    )


def _mean(values: np.ndarray) -> tuple[float, float]:
    used = values[np.isfinite(values)]
    return float(used.mean()), float(used.std(ddof=1) / np.sqrt(len(used)))
