"""Trials and scores from programs that are compiled whole, and once: op by op, each op of each shape is a program."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eicon.tasks import Task, Trial


@functools.cache
def sampler(task: Task) -> Callable[[jax.Array, int], Trial]:
    """`Task.sample`; equal tasks share it."""
    return jax.jit(task.sample, static_argnums=1)


def sample(task: Task, batch_size: int, seed: int) -> Trial:
    """Random trials as numpy arrays; whoever asks for the same ones gets the same (read-only) ones."""
    return _sample(task, batch_size, seed, jnp.result_type(float))


def balanced(task: Task, repeats: int, seed: int) -> Trial:
    """Validation trials as numpy arrays."""
    return _balanced(task, repeats, seed, jnp.result_type(float))


@functools.lru_cache(maxsize=32)
def _sample(task: Task, batch_size: int, seed: int, precision: np.dtype) -> Trial:
    return jax.tree.map(np.asarray, sampler(task)(jax.random.key(seed), batch_size))


@functools.lru_cache(maxsize=32)
def _balanced(task: Task, repeats: int, seed: int, precision: np.dtype) -> Trial:
    return jax.tree.map(np.asarray, jax.jit(lambda key: task.trials(repeats, key=key))(jax.random.key(seed)))


class Compiled:
    """The methods of a task that take arrays: `choice`, `correct`, `produced_time` and so on."""

    def __init__(self, task: Task):
        self._task = task

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = jax.jit(getattr(self._task, name))
        setattr(self, name, function)
        return function


@functools.cache
def compiled(task: Task) -> Compiled:
    return Compiled(task)
