"""Penalties that are added to the loss."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from ..models import Network
from ..models.results import Activity
from ..tasks import Trial
from ._losses import masked_mean, selected

Regularizer = Callable[[Network, Activity, Trial], jax.Array]

MATRICES = ("input", "recurrent", "readout")


@dataclass(frozen=True)
class WeightPenalty:
    r"""Mean :math:`|W|^p` of an *effective* weight matrix over the entries that exist, times ``strength``.

    Parameters
    ----------
    strength : float
        >= 0.
    power : {1, 2}
        1 favours sparse weights, 2 small ones.
    matrix : {"input", "recurrent", "readout"}
    """

    strength: float
    power: int = 2
    matrix: str = "recurrent"

    def __post_init__(self) -> None:
        _check_strength(self.strength)
        if self.power not in (1, 2):
            raise ValueError(f"power must be 1 or 2; got {self.power}.")
        if self.matrix not in MATRICES:
            raise ValueError(f"unknown matrix {self.matrix!r}; allowed: {', '.join(MATRICES)}.")

    def __call__(self, network: Network, activity: Activity, trial: Trial) -> jax.Array:
        """Penalty, a scalar."""
        weights, n = getattr(network, self.matrix).sizes()
        total = jnp.sum(jnp.abs(weights)) if self.power == 1 else jnp.sum(weights**2)
        return self.strength * total / jnp.maximum(n, 1)


@dataclass(frozen=True)
class RatePenalty:
    """Mean squared rate over units, trials and the steps before each trial's end (padding left out)."""

    strength: float

    def __post_init__(self) -> None:
        _check_strength(self.strength)

    def __call__(self, network: Network, activity: Activity, trial: Trial) -> jax.Array:
        """Penalty, a scalar."""
        squares = jnp.mean(selected(activity.rates, trial.inside) ** 2, axis=-1)
        return self.strength * masked_mean(squares, trial.inside)


def _check_strength(strength: float) -> None:
    if not strength >= 0:
        raise ValueError(f"strength of a regulariser must be >= 0; got {strength}.")
