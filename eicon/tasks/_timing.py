"""Durations in ms, fixed or random, and their numbers of steps."""

import math
import numbers
from dataclasses import dataclass
from typing import Any, ClassVar

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

    # In a configuration, a mapping with a superfluous key must not pass for a different kind of duration.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    mean: float
    min: float
    max: float

    def __post_init__(self) -> None:
        for part in ("mean", "min", "max"):
            number(part, getattr(self, part))
        if not (0 < self.mean < math.inf and 0 <= self.min < self.max < math.inf):
            raise ValueError(
                f"a truncated exponential needs finite mean > 0 and 0 <= min < max (ms); "
                f"got mean {self.mean}, min {self.min}, max {self.max}."
            )

    def sample(self, key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        """Draw durations in ms, by inversion of the cumulative distribution."""
        uniform = jax.random.uniform(key, shape)
        span = -jnp.expm1(-(self.max - self.min) / self.mean)
        return self.min - self.mean * jnp.log1p(-uniform * span)


@dataclass(frozen=True)
class Uniform:
    """Duration that is equally probable everywhere in an interval; all in ms.

    Parameters
    ----------
    min, max : float
        Bounds, ``0 <= min < max``, finite.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    min: float
    max: float

    def __post_init__(self) -> None:
        for part in ("min", "max"):
            number(part, getattr(self, part))
        if not 0 <= self.min < self.max < math.inf:
            raise ValueError(
                f"a uniform duration needs finite 0 <= min < max (ms); got min {self.min}, max {self.max}."
            )

    def sample(self, key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        """Draw durations in ms."""
        return self.min + (self.max - self.min) * jax.random.uniform(key, shape)


Duration = float | TruncatedExponential | Uniform
DURATIONS = "a random duration is Uniform(min, max) or TruncatedExponential(mean, min, max), of eicon.tasks"


def number(name: str, value: Any, cause: str = "") -> float:
    """Check that a value is a single number: Python's or NumPy's, or an array without axes."""
    if getattr(value, "shape", None) == () and not isinstance(value, jax.core.Tracer):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        shown = f"an array of shape {value.shape}" if hasattr(value, "shape") else repr(value)
        raise TypeError(f"{name} must be one number; got {shown:.80}{f': {cause}' if cause else ''}.")
    return value  # type: ignore[return-value]  # an int stays an int


def as_duration(name: str, value: Any) -> Duration:
    """Make a duration from a number of ms, or from a mapping ``{mean, min, max}`` or ``{min, max}``."""
    if isinstance(value, TruncatedExponential | Uniform):
        return value
    if isinstance(value, dict):
        if value.keys() not in ({"min", "max"}, {"mean", "min", "max"}):
            raise ValueError(
                f"{name} must be a number of ms, or have the keys min and max, or mean, min and max; "
                f"got {', '.join(map(str, value)) or 'nothing'}."
            )
        return TruncatedExponential(**value) if "mean" in value else Uniform(**value)
    value = number(name, value, DURATIONS)
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must last longer than 0 ms and be finite; got {value}.")
    return float(value)


def longest(duration: Duration) -> float:
    """Return the longest value in ms."""
    return duration if isinstance(duration, int | float) else duration.max


def whole_steps(name: str, duration: float, dt: float) -> int:
    """Return the number of steps of a fixed duration, rounded.

    Parameters
    ----------
    name : str
        Name of the epoch, for the error message.
    duration, dt : float
        Duration and step, both in ms.

    Returns
    -------
    int

    Raises
    ------
    TypeError
        For a random duration.
    ValueError
        If the duration is shorter than half a step.

    Examples
    --------
    >>> whole_steps("delay", 500.0, dt=20.0)
    25
    """
    if isinstance(duration, TruncatedExponential | Uniform):
        raise TypeError(f"{name} has the same duration in all trials of this task, a number of ms; got {duration}.")
    steps = round(duration / dt)
    if steps < 1:
        raise ValueError(
            f"{name} of {duration:g} ms is shorter than half a step of dt {dt:g} ms; durations are in ms, not s."
        )
    return steps


def draw_steps(duration: Duration, dt: float, key: jax.Array, batch_size: int) -> jax.Array:
    """Return the number of steps of a duration in each trial, shape (B,); random durations are rounded."""
    if isinstance(duration, int | float):
        return jnp.full((batch_size,), whole_steps("an epoch", duration, dt), jnp.int32)
    return jnp.maximum(1, jnp.round(duration.sample(key, (batch_size,)) / dt)).astype(jnp.int32)
