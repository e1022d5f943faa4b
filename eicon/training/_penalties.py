"""Penalties added to the loss."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from .._numbers import real
from ..models import Network
from ..models.results import Activity
from ..tasks import Trial
from ._losses import masked_mean, selected

Penalty = Callable[..., jax.Array]
"""Function of (network, activity, trial), and of keyword arguments named in its attribute ``needs``."""
Regularizer = Penalty

NEEDS = frozenset({"currents", "cotangents"})
"""Further arguments that a penalty can need: the currents x and the gradients dL/dx, both (T, B, N)."""

MATRICES = ("input", "recurrent", "readout")


@dataclass(frozen=True)
class WeightPenalty:
    r"""Mean :math:`|W|^p` of an *effective* weight matrix over existing entries, times ``strength``.

    Parameters
    ----------
    strength : float
        Strength of the penalty, >= 0.
    power : {1, 2}
        Exponent p: 1 favours sparse weights, 2 small ones.
    matrix : {"input", "recurrent", "readout"}
    """

    strength: float
    power: int = 2
    matrix: str = "recurrent"

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", checked_strength(self.strength))
        if self.power not in (1, 2):
            raise ValueError(f"power must be 1 or 2; got {self.power}.")
        if self.matrix not in MATRICES:
            raise ValueError(f"unknown matrix {self.matrix!r}; allowed: {', '.join(MATRICES)}.")

    def __call__(self, network: Network, activity: Activity, trial: Trial) -> jax.Array:
        """Compute the penalty, a scalar."""
        weights, n = getattr(network, self.matrix).sizes()
        total = jnp.sum(jnp.abs(weights)) if self.power == 1 else jnp.sum(weights**2)
        return self.strength * total / jnp.maximum(n, 1)


@dataclass(frozen=True)
class RatePenalty:
    """Mean squared rate over units, trials and the steps before each trial's end (padding left out)."""

    strength: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", checked_strength(self.strength))

    def __call__(self, network: Network, activity: Activity, trial: Trial) -> jax.Array:
        """Compute the penalty, a scalar."""
        squares = jnp.mean(selected(activity.rates, trial.inside) ** 2, axis=-1)
        return self.strength * masked_mean(squares, trial.inside)


def checked_strength(strength: float) -> float:
    """Check the strength of a penalty, a float >= 0."""
    number = real(strength, "strength of a penalty")
    if not number >= 0:
        raise ValueError(f"strength of a penalty must be >= 0; got {strength}.")
    return number


def needs(penalty: Penalty) -> frozenset[str]:
    """Return the arguments that a penalty needs besides network, activity and trial."""
    return frozenset(getattr(penalty, "needs", frozenset()))


def as_penalties(given: Any) -> tuple[Penalty, ...]:
    """Return penalties from a list or a single one.

    Raises
    ------
    TypeError, ValueError
        For objects that cannot be called, or that need unknown arguments.
    """
    listed = (given,) if callable(given) or not isinstance(given, Iterable) or isinstance(given, str) else tuple(given)
    for penalty in listed:
        if not callable(penalty) or isinstance(penalty, type):
            raise TypeError(
                "penalties must be functions of (network, activity, trial), e.g. RatePenalty(0.1); "
                f"got {penalty!r:.60}."
            )
        if unknown := needs(penalty) - NEEDS:
            raise ValueError(
                f"the penalty {penalty!r:.60} needs {', '.join(sorted(unknown))}; allowed: {', '.join(sorted(NEEDS))}."
            )
    return listed
