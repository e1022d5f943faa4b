"""What a task is: a frozen description from which trials are sampled on the device."""

import abc
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from ._timing import whole_steps

NO_CHOICE = -1


class Trial(NamedTuple):
    """A batch of trials, padded to the same number of steps; time-major.

    Masks select: where the mask is 0, outputs, targets and activity may be anything, NaN included.

    Attributes
    ----------
    inputs : (T, B, n_in)
    targets : (T, B, n_out) desired outputs, or (T, B) integer labels where the task's loss is cross-entropy
    mask : (T, B) 1 where outputs are scored, 0 elsewhere (padding included)
    conditions : name -> (B,) what each trial was
    epochs : name -> (B, 2) first step and the step after the last one, e.g. ``stimulus``
    """

    inputs: jax.Array
    targets: jax.Array
    mask: jax.Array
    conditions: dict[str, jax.Array]
    epochs: dict[str, jax.Array]

    @property
    def n_steps(self) -> int:
        """Steps, padding included."""
        return self.inputs.shape[0]

    @property
    def batch_size(self) -> int:
        """Number of trials."""
        return self.inputs.shape[1]

    @property
    def inside(self) -> jax.Array:
        """Whether each step lies before the end of its trial's last epoch, bool (T, B)."""
        end = jnp.stack([span[:, 1] for span in self.epochs.values()]).max(axis=0)
        return jnp.arange(self.n_steps)[:, None] < end[None]

    def during(self, epoch: str) -> jax.Array:
        """Whether each step of each trial lies in an epoch, bool (T, B)."""
        if epoch not in self.epochs:
            raise ValueError(f"these trials have no epoch {epoch!r}; they have {', '.join(self.epochs)}.")
        return within(self.epochs[epoch], self.n_steps)

    def mean_over(self, epoch: str, values: jax.Array) -> jax.Array:
        """Mean of values (T, B, n) over an epoch of each trial; (B, n)."""
        inside = self.during(epoch)[:, :, None]
        return jnp.where(inside, values, 0.0).sum(axis=0) / jnp.maximum(inside.sum(axis=0), 1)


@dataclass(frozen=True)
class Task(abc.ABC):
    """Base of all tasks; a subclass says which conditions there are and what a trial looks like.

    Parameters
    ----------
    dt : float
        Step in ms.
    """

    input_channels: ClassVar[tuple[str, ...]]
    output_channels: ClassVar[tuple[str, ...]]
    loss: ClassVar[str] = "mse"

    dt: float = 20.0

    def __post_init__(self) -> None:
        if not self.dt > 0:
            raise ValueError(f"dt must be > 0 (ms); got {self.dt}.")

    @property
    def n_in(self) -> int:
        """Number of input channels."""
        return len(self.input_channels)

    @property
    def n_out(self) -> int:
        """Number of outputs."""
        return len(self.output_channels)

    @abc.abstractmethod
    def condition_grid(self) -> dict[str, np.ndarray]:
        """All conditions: name -> (n_conditions,), one entry per condition; catch trials not among them."""

    @abc.abstractmethod
    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Trials of given conditions (each (B,), with a bool ``catch`` among them); pure JAX."""

    @property
    def n_conditions(self) -> int:
        """Number of conditions in the grid."""
        return len(next(iter(self.condition_grid().values())))

    @property
    def catch_probability(self) -> float:
        """Probability of a catch trial in `sample`; 0 in tasks that have none."""
        return 0.0

    @property
    def null_loss(self) -> float:
        """Loss of the best outputs that are the same in all trials; NaN in tasks that do not state it."""
        return math.nan

    def sample(self, key: jax.Array, batch_size: int) -> Trial:
        """Random trials, conditions drawn independently; jittable with a static ``batch_size``."""
        key_condition, key_catch, key_trial = jax.random.split(key, 3)
        row = jax.random.randint(key_condition, (batch_size,), 0, self.n_conditions)
        conditions = {name: jnp.asarray(values)[row] for name, values in self.condition_grid().items()}
        conditions["catch"] = jax.random.bernoulli(key_catch, self.catch_probability, (batch_size,))
        return self.build(key_trial, conditions)

    def trials(self, repeats: int = 10, *, key: jax.Array) -> Trial:
        """Balanced trials for validation: every condition ``repeats`` times, no catch trials."""
        if repeats < 1:
            raise ValueError(f"repeats must be at least 1; got {repeats}.")
        conditions = {name: jnp.asarray(np.tile(v, repeats)) for name, v in self.condition_grid().items()}
        conditions["catch"] = jnp.zeros(self.n_conditions * repeats, bool)
        return self.build(key, conditions)

    @abc.abstractmethod
    def correct(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Score of each trial in [0, 1], shape (B,); a guess scores its chance of being right, catch trials NaN."""

    def accuracy(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Mean score of the trials that ask for a choice."""
        return jnp.nanmean(self.correct(outputs, trial))


def within(span: jax.Array, n_steps: int) -> jax.Array:
    """Whether each step lies in an epoch of its trial.

    Parameters
    ----------
    span : array of int, shape (B, 2)
        First step and step after the last one.
    n_steps : int
        Steps T of the trials, padding included.

    Returns
    -------
    array of bool, shape (T, B)

    Examples
    --------
    >>> within(jnp.array([[0, 2], [1, 3]]), 4).astype(int).T.tolist()
    [[1, 1, 0, 0], [0, 1, 1, 0]]
    """
    step = jnp.arange(n_steps)[:, None]
    return (step >= span[None, :, 0]) & (step < span[None, :, 1])


def item_steps(item: float, dt: float) -> int:
    """Steps that each item of a sequence lasts, at least one."""
    if not 0 < item < math.inf:
        raise ValueError(f"item must last longer than 0 ms, and end; got {item}.")
    return whole_steps("item", item, dt)


def consecutive(steps: Mapping[str, ArrayLike], batch_size: int | None = None) -> dict[str, jax.Array]:
    """Epochs of a trial, one after the other.

    Parameters
    ----------
    steps : mapping of str to int or array (B,)
        How many steps each epoch lasts, in all trials or in each.
    batch_size : int, optional
        Number of trials B; needed if no epoch varies between them.

    Returns
    -------
    dict of str to array of int, shape (B, 2)
        First step and step after the last one: `Trial.epochs`.

    Examples
    --------
    >>> {name: span.tolist() for name, span in consecutive({"cue": 5, "delay": jnp.array([10, 20])}).items()}
    {'cue': [[0, 5], [0, 5]], 'delay': [[5, 15], [5, 25]]}
    """
    shapes = [jnp.shape(lasting) for lasting in steps.values()]
    shape = jnp.broadcast_shapes(*shapes, () if batch_size is None else (batch_size,))
    if len(shape) != 1:
        raise ValueError("epochs that last equally long in all trials need batch_size, the number of trials.")
    spans, start = {}, jnp.zeros(shape, jnp.int32)
    for name, lasting in steps.items():
        spans[name] = jnp.stack([start, start + lasting], axis=1)
        start = start + lasting
    return spans


def forced_choice(evidence: jax.Array) -> jax.Array:
    """Choice of the output that is largest.

    Parameters
    ----------
    evidence : array, shape (B, n)
        E.g. outputs at the end of each trial (`Trial.mean_over`).

    Returns
    -------
    array of int, shape (B,)
        Index of the output, or `NO_CHOICE` (-1) where two tie.

    Examples
    --------
    >>> forced_choice(jnp.array([[0.2, 0.9], [0.5, 0.5]])).tolist()
    [1, -1]
    """
    best = evidence.max(axis=1, keepdims=True)
    tie = (evidence == best).sum(axis=1) > 1
    return jnp.where(tie, NO_CHOICE, jnp.argmax(evidence, axis=1))


def score_choice(choice: jax.Array, right: jax.Array, n_choices: int) -> jax.Array:
    """Score of choices.

    Parameters
    ----------
    choice, right : array of int, shape (B,)
        What was chosen (`forced_choice`), and what should have been.
    n_choices : int
        How many there are to choose from.

    Returns
    -------
    array, shape (B,)
        1 for the right choice, 0 for a wrong one, and chance (1 / n_choices) for none.

    Examples
    --------
    >>> score_choice(jnp.array([1, 0, -1]), jnp.array([1, 1, 1]), n_choices=2).tolist()
    [1.0, 0.0, 0.5]
    """
    return jnp.where(choice == NO_CHOICE, 1 / n_choices, (choice == right).astype(float))


def check_levels(name: str, levels: tuple[float, ...], low: float, high: float) -> None:
    """Refuse an empty list of levels, or one outside ``(low, high]``."""
    if not levels:
        raise ValueError(f"the task is empty: {name} holds no level.")
    if not all(math.isfinite(level) and low < level <= high for level in levels):
        raise ValueError(f"{name} must lie in ({low:g}, {high:g}]; got {', '.join(f'{x:g}' for x in levels)}.")
