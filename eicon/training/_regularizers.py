"""Penalties that are added to the loss."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from ..models import Activity
from ..models._equation import Parameters, RateEquation
from ..tasks import Trial

Regularizer = Callable[[RateEquation, Parameters, Activity, Trial], jax.Array]

MATRICES = {"input": "raw_in", "recurrent": "raw_rec", "readout": "raw_out"}


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

    def __call__(self, equation: RateEquation, parameters: Parameters, activity: Activity, trial: Trial) -> jax.Array:
        """Penalty, a scalar."""
        connectivity = getattr(equation, self.matrix)
        weights = connectivity.effective(parameters[MATRICES[self.matrix]])
        total = jnp.sum(jnp.abs(weights)) if self.power == 1 else jnp.sum(weights**2)
        return self.strength * total / max(int(connectivity.exists.sum()), 1)


@dataclass(frozen=True)
class RatePenalty:
    """Mean squared rate over units, trials and the steps before each trial's end (padding left out)."""

    strength: float

    def __post_init__(self) -> None:
        _check_strength(self.strength)

    def __call__(self, equation: RateEquation, parameters: Parameters, activity: Activity, trial: Trial) -> jax.Array:
        """Penalty, a scalar."""
        inside = trial.inside.astype(activity.rates.dtype)
        return self.strength * jnp.sum(jnp.mean(activity.rates**2, axis=-1) * inside) / jnp.sum(inside)


def _check_strength(strength: float) -> None:
    if not strength >= 0:
        raise ValueError(f"strength of a regulariser must be >= 0; got {strength}.")
