"""Distance of outputs from targets, for tasks that ask for a course and not for a choice."""

import jax
import jax.numpy as jnp

from ._base import Trial


def rmse(outputs: jax.Array, trial: Trial) -> jax.Array:
    """Root mean square, over the scored steps and the outputs, of what outputs (T, B, n_out) miss targets by; (B,)."""
    scored = jnp.broadcast_to((trial.mask != 0)[:, :, None], outputs.shape)
    squared = jnp.square(jnp.where(scored, outputs - trial.targets, 0.0))
    return jnp.sqrt(squared.sum(axis=(0, 2)) / scored.sum(axis=(0, 2)))
