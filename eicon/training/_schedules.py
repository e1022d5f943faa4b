"""Learning rates that change during training: functions of the step."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import jax
import jax.numpy as jnp

from .._numbers import real, whole
from ._history import History

Schedule = Callable[[jax.Array], jax.Array]


@dataclass(frozen=True)
class WarmUp:
    """Rise linearly to a rate over a number of steps, and stay there.

    Parameters
    ----------
    rate : float
    steps : int
    """

    rate: float
    steps: int

    def __post_init__(self) -> None:
        _plain(self)
        _check(self.rate, self.steps)

    def __call__(self, step: jax.Array) -> jax.Array:
        """Return the rate of a step (counted from 0)."""
        return self.rate * jnp.minimum(1.0, (step + 1) / self.steps)


@dataclass(frozen=True)
class Cosine:
    """Fall from a rate along half a cosine to a smaller one; first rise linearly, if requested.

    Parameters
    ----------
    rate : float
    steps : int
        Steps until the end is reached, including the warm-up.
    warm_up : int
        Steps of the rise.
    end : float
        Final rate.
    """

    rate: float
    steps: int
    warm_up: int = 0
    end: float = 0.0

    def __post_init__(self) -> None:
        _plain(self)
        _check(self.rate, self.steps)
        if not (0 <= self.warm_up < self.steps and 0 <= self.end < math.inf):
            raise ValueError(
                f"a cosine needs 0 <= warm_up < steps and end >= 0; got {self.warm_up}, {self.steps} and {self.end}."
            )

    def __call__(self, step: jax.Array) -> jax.Array:
        """Return the rate of a step (counted from 0)."""
        done = jnp.clip((step - self.warm_up) / (self.steps - self.warm_up), 0.0, 1.0)
        fallen = self.end + (self.rate - self.end) * 0.5 * (1 + jnp.cos(jnp.pi * done))
        return fallen * jnp.minimum(1.0, (step + 1) / max(self.warm_up, 1))


@dataclass(frozen=True)
class Exponential:
    """Decay a rate gradually, by a factor over every ``steps`` steps.

    Parameters
    ----------
    rate : float
    steps : int
    factor : float
        Factor, in (0, 1].
    """

    rate: float
    steps: int
    factor: float = 0.5

    def __post_init__(self) -> None:
        _plain(self)
        _check(self.rate, self.steps)
        if not 0 < self.factor <= 1:
            raise ValueError(f"factor must be in (0, 1]; got {self.factor}.")

    def __call__(self, step: jax.Array) -> jax.Array:
        """Return the rate of a step (counted from 0)."""
        return self.rate * jnp.asarray(self.factor) ** (step / self.steps)


@dataclass(frozen=True)
class Plateau:
    """Multiply a rate by a factor whenever the validation loss has not fallen for some validations.

    Parameters
    ----------
    rate : float
    factor : float
        Factor, in (0, 1).
    validations : int
        Number of consecutive validations without a smaller loss.
    """

    rate: float
    factor: float = 0.5
    validations: int = 10

    def __post_init__(self) -> None:
        _plain(self)
        _check(self.rate, self.validations)
        if not 0 < self.factor < 1:
            raise ValueError(f"factor must be in (0, 1); got {self.factor}.")

    def scale(self, history: History) -> float:
        """Return the factor of the rate after the validations of a history; a new stage restarts the count."""
        best, waited, factor, stage = math.inf, 0, 1.0, -1
        stages = history.stage[history.validation_step - 1]
        for loss, now in zip(history.validation_loss.tolist(), stages.tolist(), strict=True):
            if now != stage:  # a different task, whose losses cannot be compared
                best, waited, stage = math.inf, 0, now
            waited = 0 if loss < best else waited + 1
            best = min(best, loss)
            if waited == self.validations:
                waited, factor = 0, factor * self.factor
        return factor


SCHEDULES = {"warm_up": WarmUp, "cosine": Cosine, "exponential": Exponential, "plateau": Plateau}
"""Schedules by name, for configurations."""


def _plain(schedule: Any) -> None:
    """Turn numbers of any kind into Python's, so that equivalent schedules are equal."""
    for field in fields(schedule):
        kind = whole if field.name in ("steps", "warm_up", "validations") else real
        object.__setattr__(schedule, field.name, kind(getattr(schedule, field.name), field.name))


def _check(rate: float, steps: int) -> None:
    if not 0 < rate < math.inf:
        raise ValueError(f"the learning rate must be > 0 and finite; got {rate}.")
    if not steps >= 1:
        raise ValueError(f"a schedule lasts at least one step; got {steps}.")
