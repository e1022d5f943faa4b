"""Balanced trials, and what a network does in them with its noise."""

from typing import NamedTuple

import jax
import numpy as np

from .._key import key as key_of
from ..models import RateRNN
from ..models.results import Activity
from ..tasks import Task, Trial
from ..tasks._check import check_task

ANALYSIS_STREAM = 0xA11
"""Folded into a seed, so that analysed trials are not the trained ones."""


class Responses(NamedTuple):
    """Balanced trials and what the network did in them, with its noise."""

    net: RateRNN
    task: Task
    trial: Trial
    activity: Activity


def analysis_key(seed: int | float, *streams: int) -> jax.Array:
    """Key of trials and noise, apart from those of the training; each further stream gives another one."""
    key = jax.random.fold_in(key_of(seed), ANALYSIS_STREAM)
    for stream in streams:
        key = jax.random.fold_in(key, stream)
    return key


def unit_types(net: RateRNN) -> np.ndarray | None:
    """Which units excite, (N,) bool; None without Dale's law."""
    return net.is_excitatory if net.is_excitatory.any() else None


def responses(net: RateRNN, task: Task, repeats: int | float, *, seed: int | float) -> Responses:
    """Run a network on every condition ``repeats`` times, with its noise.

    Parameters
    ----------
    net : RateRNN
    task : Task
    repeats : int
        Trials per condition.
    seed : int
        Fixes trials and noise.

    Returns
    -------
    Responses
    """
    check_task(task)
    key_trial, key_noise = jax.random.split(analysis_key(seed))
    trial = task.trials(repeats, key=key_trial)
    return Responses(net, task, trial, net.predict(trial.inputs, key=key_noise))
