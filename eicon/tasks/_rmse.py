"""Distance of outputs from targets, for tasks without a choice."""

import jax
import jax.numpy as jnp

from ._base import Trial


def rmse(outputs: jax.Array, trial: Trial) -> jax.Array:
    """Return the root mean squared error of outputs (T, B, n_out) over scored steps and outputs; (B,)."""
    scored = jnp.broadcast_to((trial.mask != 0)[:, :, None], outputs.shape)
    squared = jnp.square(jnp.where(scored, outputs - trial.targets, 0.0))
    return jnp.sqrt(squared.sum(axis=(0, 2)) / scored.sum(axis=(0, 2)))
