"""The network by itself: one noiseless step with inputs held, as analyses of its dynamics take it."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from ._activations import Activation
from ._equation import Parameters, RateEquation


def held_step(equation: RateEquation, parameters: Parameters, inputs: ArrayLike | None) -> jax.tree_util.Partial:
    """See `RateRNN.held`."""
    given = np.zeros(equation.n_in) if inputs is None else np.asarray(inputs, np.float64)
    if given.shape != (equation.n_in,) or not np.isfinite(given).all():
        raise ValueError(
            f"inputs held must be finite, shape (n_in,) = ({equation.n_in},); got shape {given.shape}. "
            "Of an epoch take one step of one trial."
        )
    with jax.enable_x64(True):
        exact = {name: jnp.asarray(value, np.float64) for name, value in parameters.items()}
        weights = np.asarray(equation.scaled_weights(exact))
        drive = np.asarray(equation.drive(exact, jnp.asarray(given), None))
    return jax.tree_util.Partial(HeldStep(equation.activation), 1.0 - equation.alpha, weights, drive)


@dataclass(frozen=True)
class HeldStep:
    """One Euler step; equal for equal activations, so that networks of one size share compiled code."""

    activation: Activation

    def __call__(self, decay: ArrayLike, weights: ArrayLike, drive: ArrayLike, x: ArrayLike) -> jax.Array:
        """Currents (..., N) a step later, in the precision of ``x``."""
        state = jnp.asarray(x)
        leak, matrix, constant = (jnp.asarray(part, state.dtype) for part in (decay, weights, drive))
        received = self.activation(state) @ matrix
        return jnp.broadcast_to(leak, state.shape) * state + received + jnp.broadcast_to(constant, state.shape)
