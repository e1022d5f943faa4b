"""Losses, masked and normalised by the mask, so that their scale does not depend on padding."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ..tasks import Trial

Loss = Callable[[jax.Array, Trial], jax.Array]


def mean_squared_error(outputs: jax.Array, trial: Trial) -> jax.Array:
    """Mean over scored steps, trials and outputs of ``(z - target)^2``.

    Parameters
    ----------
    outputs : array, shape (T, B, n_out)
    trial : Trial
        With targets (T, B, n_out).

    Returns
    -------
    scalar array
    """
    per_step = jnp.mean((outputs - trial.targets) ** 2, axis=-1)
    return _masked_mean(per_step, trial.mask)


def cross_entropy(outputs: jax.Array, trial: Trial) -> jax.Array:
    """Mean over scored steps and trials of ``-log softmax(z)[label]``.

    Parameters
    ----------
    outputs : array, shape (T, B, n_classes)
    trial : Trial
        With integer targets (T, B).

    Returns
    -------
    scalar array
    """
    log_probability = jax.nn.log_softmax(outputs, axis=-1)
    chosen = jnp.take_along_axis(log_probability, trial.targets[..., None], axis=-1)[..., 0]
    return _masked_mean(-chosen, trial.mask)


def _masked_mean(values: jax.Array, mask: jax.Array) -> jax.Array:
    return jnp.sum(values * mask) / jnp.maximum(jnp.sum(mask), 1)


LOSSES: dict[str, Loss] = {"mse": mean_squared_error, "cross_entropy": cross_entropy}
"""Losses by the name that a task or a configuration gives."""
