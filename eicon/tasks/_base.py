"""What a task is: a frozen description from which trials are sampled on the device."""

import abc
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from .._key import as_key
from .._numbers import whole
from .._users import users_code
from ._check import check_parameters, check_task, check_trials
from ._conditions import completed
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
        """Whether each step lies before the end of its trial's last epoch, bool (T, B); all do where there is none."""
        if not self.epochs:
            return jnp.ones(self.inputs.shape[:2], bool)
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


class Behaviour(NamedTuple):
    """What a network did in each trial, in the terms of the task.

    Attributes
    ----------
    score : (B,) from 0 to 1; a guess scores its chance of being right, a catch trial NaN
    choice : (B,) integer from 0 on, -1 (`NO_CHOICE`) for none; None in a task that asks for no choice
    time : (B,) reaction time or produced time in ms, NaN for none; None in a task that asks for no time
    """

    score: jax.Array
    choice: jax.Array | None = None
    time: jax.Array | None = None


@dataclass(frozen=True)
class Task(abc.ABC):
    """Base of all tasks; a subclass says which conditions there are, what a trial looks like and what is right.

    A subclass defines `condition_grid`, `build`, and either `behaviour` or `correct`, one of which follows from the
    other. All that is listed under Attributes may be a number, a tuple or a property, and may be left out: nothing is
    said then of what it stands for.

    Parameters
    ----------
    dt : float
        Step in ms.

    Attributes
    ----------
    input_channels, output_channels : tuple of str
        What inputs and outputs are, by name.
    loss : str
        ``"mse"``, or ``"cross_entropy"`` of integer labels.
    chance : float
        Mean score without learning, of guesses and of outputs that are 0 throughout; NaN where it is not known.
    criterion : float
        Where a network counts as trained, NaN for nowhere: mean score, or what ``criterion_of`` names.
    criterion_of : str
        ``"accuracy"`` (the criterion is a lower bound of the mean score), ``"worst"`` (of the mean score in the worst
        condition) or ``"loss"`` (the criterion is an upper bound of the loss).
    score_name : str
        What the mean score is called in figures and tables.
    evidence : (str, str), optional
        Condition that argues for choice 0, the larger the more, and its unit.
    neutral : float
        Value of that condition at which neither choice is right; NaN where it is not known.
    sorts : tuple of str
        Conditions by which trials are sorted and coloured in figures.
    aligned_to : str, optional
        Epoch at whose onset time is 0 in figures.
    condition_units : mapping of str to str
        Units of conditions, for figures; that of the evidence need not be among them.
    asked_time : str, optional
        Condition that holds the time in ms that is asked for, in a task of producing times; the times of `behaviour`
        are reaction times where there is none.
    holds : (str, str), optional
        Condition that has to be held in memory, and the epoch through which it is held.

    Raises
    ------
    TypeError
        If a subclass defines neither `behaviour` nor `correct`.
    """

    input_channels: ClassVar[tuple[str, ...]]
    output_channels: ClassVar[tuple[str, ...]]
    loss: ClassVar[str] = "mse"
    chance: ClassVar[float] = math.nan
    criterion: ClassVar[float] = math.nan
    criterion_of: ClassVar[str] = "accuracy"
    score_name: ClassVar[str] = "accuracy"
    evidence: ClassVar[tuple[str, str] | None] = None
    neutral: ClassVar[float] = math.nan
    sorts: ClassVar[tuple[str, ...]] = ()
    aligned_to: ClassVar[str | None] = None
    condition_units: ClassVar[Mapping[str, str]] = {}
    asked_time: ClassVar[str | None] = None
    holds: ClassVar[tuple[str, str] | None] = None

    dt: float = 20.0

    def __init_subclass__(cls, **options: Any) -> None:
        """Let whichever of `behaviour` and `correct` a class defines give the other, inherited or not."""
        super().__init_subclass__(**options)
        defined = next(names for names in map(vars, cls.__mro__) if "behaviour" in names or "correct" in names)
        if "correct" not in defined:

            @functools.wraps(Task.correct)
            def correct(self: Task, outputs: jax.Array, trial: Trial) -> jax.Array:
                return cls.behaviour(self, outputs, trial).score

            cls.correct = correct  # type: ignore[method-assign]
        elif "behaviour" not in defined:
            inherited = None if cls.behaviour is Task.behaviour else cls.behaviour

            @functools.wraps(Task.behaviour)
            def behaviour(self: Task, outputs: jax.Array, trial: Trial) -> Behaviour:
                score = cls.correct(self, outputs, trial)
                return Behaviour(score) if inherited is None else inherited(self, outputs, trial)._replace(score=score)

            cls.behaviour = behaviour  # type: ignore[method-assign]

    def __new__(cls, *args: Any, **options: Any) -> Any:
        """Refuse a class that says neither what a network did nor whether it was right."""
        if cls.behaviour is Task.behaviour and cls.correct is Task.correct:
            raise TypeError(
                f"{cls.__name__} must define `behaviour(outputs, trial)`, which returns an eicon.tasks.Behaviour, or "
                "`correct(outputs, trial)`, which returns the score of each trial, from 0 to 1; it defines neither."
            )
        return super().__new__(cls)

    def __post_init__(self) -> None:
        check_parameters(self)
        if not self.dt > 0:
            raise ValueError(f"dt must be > 0 (ms); got {self.dt}.")
        if self.criterion_of not in ("accuracy", "worst", "loss"):
            raise ValueError(f"criterion_of must be 'accuracy', 'worst' or 'loss'; got {self.criterion_of!r}.")

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
    def evidence_range(self) -> tuple[float, float]:
        """Least and largest value that the condition named by ``evidence`` can have."""
        return -math.inf, math.inf

    @property
    def catch_probability(self) -> float:
        """Probability of a catch trial in `sample`; 0 in tasks that have none."""
        return 0.0

    @property
    def null_loss(self) -> float:
        """Loss of the best outputs that are the same in all trials; NaN in tasks that do not state it."""
        return math.nan

    def sample(self, key: jax.Array | int, batch_size: int | float) -> Trial:
        """Random trials, conditions drawn independently; jittable with a static ``batch_size``."""
        key_condition, key_catch, key_trial = jax.random.split(as_key(key), 3)
        batch_size = whole(batch_size, "batch_size")
        row = jax.random.randint(key_condition, (batch_size,), 0, self.n_conditions)
        conditions = {name: jnp.asarray(values)[row] for name, values in self.condition_grid().items()}
        conditions["catch"] = jax.random.bernoulli(key_catch, self.catch_probability, (batch_size,))
        with users_code(f"{type(self).__name__}.build"):
            return self.build(key_trial, conditions)

    def _checked(self, key: jax.Array | int, conditions: Mapping[str, ArrayLike]) -> Trial:
        """Trials that `build` makes, once they are found to be those of this task."""
        given = {name: jnp.asarray(values) for name, values in conditions.items()}
        with users_code(f"{type(self).__name__}.build"):
            trial = self.build(as_key(key), given)
        check_trials(self, trial, n_trials=len(given["catch"]))
        return trial

    def trials(self, repeats: int | float = 10, *, key: jax.Array | int) -> Trial:
        """Balanced trials for validation: every condition ``repeats`` times, no catch trials; all of it is checked."""
        repeats = as_repeats(repeats)
        check_task(self)
        conditions = {name: np.tile(values, repeats) for name, values in self.condition_grid().items()}
        return self._checked(key, {**conditions, "catch": np.zeros(self.n_conditions * repeats, bool)})

    def trials_of(self, repeats: int | float = 1, *, key: jax.Array | int, **conditions: Any) -> Trial:
        """Trials of given conditions.

        What follows from the given conditions is filled in: by `condition_grid`, also for a value between two of its
        levels if both agree, and ``choice`` by the side of ``neutral`` on which the evidence lies. So the right choice
        follows from a signed coherence, except for 0. ``catch`` is False unless it is given.

        Parameters
        ----------
        repeats : int
            How often all the trials are repeated.
        key : jax.Array or int
            Random key, or the seed of one.
        **conditions : number or array, shape (B,)
            Conditions by name, one value for all trials or one for each.

        Returns
        -------
        Trial
            B times ``repeats`` trials.

        Raises
        ------
        ValueError
            If a condition is unknown, missing, out of range, or contradicts the others.

        Examples
        --------
        >>> import eicon
        >>> trial = eicon.PerceptualDecision().trials_of(coherence=[10.0, -10.0], key=0)
        >>> {name: values.tolist() for name, values in trial.conditions.items()}
        {'coherence': [10.0, -10.0], 'choice': [0, 1], 'catch': [False, False], 'duration': [800.0, 800.0]}
        """
        repeats = as_repeats(repeats)
        check_task(self)
        whole_conditions = completed(self, conditions)
        return self._checked(key, {name: np.tile(values, repeats) for name, values in whole_conditions.items()})

    def in_steps_of(self, dt: float) -> "Task":
        """The same task in steps of another size, in ms."""
        return replace(self, dt=dt)

    def held_out(self) -> "Task":
        """The same task with conditions that training does not show; itself, in a task that has none."""
        return self

    def behaviour(self, outputs: jax.Array, trial: Trial) -> Behaviour:
        """What a network did in each trial.

        Parameters
        ----------
        outputs : array, shape (T, B, n_out)
        trial : Trial

        Returns
        -------
        Behaviour
        """
        return Behaviour(self.correct(outputs, trial))

    def correct(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Score of each trial.

        Parameters
        ----------
        outputs : array, shape (T, B, n_out)
        trial : Trial

        Returns
        -------
        jax.Array, shape (B,)
            From 0 to 1; a guess scores its chance of being right, a catch trial NaN.
        """
        return self.behaviour(outputs, trial).score

    def accuracy(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Mean score of the trials that ask for a choice."""
        return jnp.nanmean(self.correct(outputs, trial))


def as_repeats(value: int | float) -> int:
    """How often trials are repeated, at least once."""
    repeats = whole(value, "repeats")
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1; got {repeats}.")
    return repeats


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


def check_levels(name: str, levels: tuple[float, ...], low: float, high: float, hint: str = "") -> None:
    """Refuse an empty list of levels, or one outside ``(low, high]``; the hint follows the range."""
    if not levels:
        raise ValueError(f"the task is empty: {name} holds no level.")
    if not all(math.isfinite(level) and low < level <= high for level in levels):
        raise ValueError(f"{name} must lie in ({low:g}, {high:g}]{hint}; got {', '.join(f'{x:g}' for x in levels)}.")
