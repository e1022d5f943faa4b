"""Losses, masked and normalised by the mask, so that their scale does not depend on padding.

Masks select, and never multiply, before anything else is computed: masked values may be NaN, and have no gradient.
"""

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from .._users import named, scalar, users_code
from ..models.results import Activity
from ..tasks import Trial

Loss = Callable[..., jax.Array]
"""Function of (outputs, trial), or of (outputs, trial, activity), that returns a scalar."""


def mean_squared_error(outputs: jax.Array, trial: Trial) -> jax.Array:
    """Compute the mean of ``(z - target)^2`` over scored steps, trials and outputs.

    Parameters
    ----------
    outputs : array, shape (T, B, n_out)
    trial : Trial
        Trials with targets (T, B, n_out).

    Returns
    -------
    scalar array
    """
    missed = selected(outputs - trial.targets, trial.mask)
    return masked_mean(jnp.mean(missed**2, axis=-1), trial.mask)


def cross_entropy(outputs: jax.Array, trial: Trial) -> jax.Array:
    """Compute the mean of ``-log softmax(z)[label]`` over scored steps and trials.

    Parameters
    ----------
    outputs : array, shape (T, B, n_classes)
    trial : Trial
        Trials with integer targets (T, B).

    Returns
    -------
    scalar array
    """
    log_probability = jax.nn.log_softmax(selected(outputs, trial.mask), axis=-1)
    labels = jnp.where(trial.mask != 0, trial.targets, 0)
    chosen = jnp.take_along_axis(log_probability, labels[..., None], axis=-1)[..., 0]
    return masked_mean(-chosen, trial.mask)


def selected(values: jax.Array, mask: jax.Array) -> jax.Array:
    """Select values (T, B, n) where a mask (T, B) is not zero; 0 elsewhere, whatever the values."""
    return jnp.where((mask != 0)[..., None], values, 0.0)


def masked_mean(values: jax.Array, mask: jax.Array) -> jax.Array:
    """Compute the mean of values weighted by a mask of the same shape; values with mask zero may be NaN."""
    weighted = jnp.where(mask != 0, values, 0.0) * mask.astype(values.dtype)
    return jnp.sum(weighted) / jnp.maximum(jnp.sum(mask.astype(values.dtype)), 1)


LOSSES: dict[str, Loss] = {"mse": mean_squared_error, "cross_entropy": cross_entropy}
"""Losses by name, for tasks and configurations."""


def as_loss(loss: Any) -> Loss:
    """Return a loss by name, or a function unchanged.

    Raises
    ------
    ValueError, TypeError
        For an unknown name, or an object that cannot be called.
    """
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise ValueError(f"unknown loss {loss!r}; allowed: {', '.join(LOSSES)}, or a function.")
        return LOSSES[loss]
    if not callable(loss):
        raise TypeError(f"a loss is a name or a function of (outputs, trial); got {loss!r:.60}.")
    return loss


def takes_activity(loss: Loss) -> bool:
    """Return whether a loss takes the activity, too: if it has a parameter of this name."""
    try:
        return "activity" in inspect.signature(loss).parameters
    except (TypeError, ValueError):
        return False


def loss_of(loss: Loss, activity: Activity, trial: Trial) -> jax.Array:
    """Compute the loss of an activity, checked to be a scalar."""
    given = {"activity": activity} if takes_activity(loss) else {}
    with users_code(name := named("loss", loss)):
        return scalar(loss(activity.outputs, trial, **given), name)
