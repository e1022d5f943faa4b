"""Durations in ms, fixed or random, and the steps they take."""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp


@dataclass(frozen=True)
class TruncatedExponential:
    """Duration drawn from an exponential distribution restricted to an interval; all in ms.

    Parameters
    ----------
    mean : float
        Mean of the exponential before truncation (so that the hazard is flat), > 0.
    min, max : float
        Bounds, ``0 <= min < max``, finite.
    """

    mean: float
    min: float
    max: float

    def __post_init__(self) -> None:
        if not (0 < self.mean < math.inf and 0 <= self.min < self.max < math.inf):
            raise ValueError(
                f"a truncated exponential needs finite mean > 0 and 0 <= min < max (ms); "
                f"got mean {self.mean}, min {self.min}, max {self.max}."
            )

    def sample(self, key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        """Durations in ms, by inversion of the cumulative distribution."""
        uniform = jax.random.uniform(key, shape)
        span = -jnp.expm1(-(self.max - self.min) / self.mean)
        return self.min - self.mean * jnp.log1p(-uniform * span)


Duration = float | TruncatedExponential


def as_duration(name: str, value: Any) -> Duration:
    """Duration from a number of ms, or from a mapping ``{mean, min, max}``."""
    if isinstance(value, TruncatedExponential):
        return value
    if isinstance(value, dict):
        return TruncatedExponential(**value)
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must last longer than 0 ms, and end; got {value}.")
    return float(value)


def longest(duration: Duration) -> float:
    """Longest value in ms."""
    return duration.max if isinstance(duration, TruncatedExponential) else duration


def whole_steps(name: str, duration: float, dt: float) -> int:
    """Number of steps of a fixed duration, at least one."""
    steps = round(duration / dt)
    if steps < 1:
        raise ValueError(f"{name} of {duration:g} ms is empty: it is shorter than half a step of dt {dt:g} ms.")
    return steps


def draw_steps(duration: Duration, dt: float, key: jax.Array, batch_size: int) -> jax.Array:
    """Steps of a duration in each trial, shape (B,); random durations are rounded to whole steps."""
    if isinstance(duration, TruncatedExponential):
        return jnp.maximum(1, jnp.round(duration.sample(key, (batch_size,)) / dt)).astype(jnp.int32)
    return jnp.full((batch_size,), whole_steps("an epoch", duration, dt), jnp.int32)
