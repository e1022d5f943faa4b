"""Intervals produced by a ramp: common parts of the timing tasks."""

import math

import jax
import jax.numpy as jnp

from ._base import NO_CHOICE, Trial
from ._timing import whole_steps

THRESHOLD = 1.0


def check_intervals(intervals: tuple[float, ...], dt: float) -> tuple[float, ...]:
    """Check that there are at least two intervals, increasing by at least one step; return floats."""
    intervals = tuple(float(interval) for interval in intervals)
    if len(intervals) < 2 or not all(0 < interval < math.inf for interval in intervals):
        raise ValueError(f"intervals must contain at least two durations > 0 ms; got {intervals}.")
    steps = [whole_steps("an interval", interval, dt) for interval in intervals]
    if sorted(set(steps)) != steps:
        raise ValueError(f"intervals must increase by at least one step of dt {dt:g} ms; got {intervals}.")
    return intervals


def ramp(onset: jax.Array, interval: jax.Array, n_steps: int, dt: float) -> jax.Array:
    """Return straight lines from 0 at a step (B,) through 1 an interval (B,) in ms later; (T, B).

    The value of step ``t`` is that at the end of the step. The interval is not rounded: if it is not a multiple of
    ``dt``, the line reaches 1 between two steps.
    """
    since = jnp.arange(1, n_steps + 1)[:, None] - onset[None]
    return jnp.maximum(since, 0) * dt / interval[None]


def time_to_threshold(outputs: jax.Array, trial: Trial, epoch: str, dt: float) -> jax.Array:
    """Return the time in ms from the onset of an epoch until outputs (T, B, 1) reach 1, interpolated; (B,).

    NaN where they do not reach 1 before the end of the trial; 0 where they are at 1 already.
    """
    z = outputs[:, :, 0]
    onset, step = trial.epochs[epoch][:, 0], jnp.arange(trial.n_steps)[:, None]
    reached = (z >= THRESHOLD) & (step >= onset[None]) & trial.inside
    first = jnp.argmax(reached, axis=0)
    before = jnp.take_along_axis(z, jnp.maximum(first - 1, 0)[None], axis=0)[0]
    at = jnp.take_along_axis(z, first[None], axis=0)[0]
    late = jnp.where(before < THRESHOLD, (at - THRESHOLD) / (at - before), 1.0)
    return jnp.where(reached.any(axis=0), (first + 1 - late - onset) * dt, jnp.nan)


def nearest_interval(produced: jax.Array, intervals: tuple[float, ...]) -> jax.Array:
    """Return the index of the interval nearest to a produced time (B,) in ms; -1 where there is none (NaN)."""
    distance = jnp.abs(produced[:, None] - jnp.asarray(intervals, produced.dtype)[None])
    return jnp.where(jnp.isnan(produced), NO_CHOICE, jnp.argmin(distance, axis=1))
