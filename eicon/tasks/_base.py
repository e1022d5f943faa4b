"""Base class of tasks: frozen descriptions from which trials are sampled on the device."""

import abc
import functools
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from .._hints import meant
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
    conditions : name -> (B,) value of the condition in each trial
    epochs : name -> (B, 2) first step and the step after the last one, e.g. ``stimulus``
    """

    inputs: jax.Array
    targets: jax.Array
    mask: jax.Array
    conditions: dict[str, jax.Array]
    epochs: dict[str, jax.Array]

    @property
    def n_steps(self) -> int:
        """Number of steps, including padding."""
        return self.inputs.shape[0]

    @property
    def batch_size(self) -> int:
        """Number of trials."""
        return self.inputs.shape[1]

    @property
    def inside(self) -> jax.Array:
        """True at steps before the end of a trial's last epoch, bool (T, B); all True if there are no epochs."""
        if not self.epochs:
            return jnp.ones(self.inputs.shape[:2], bool)
        end = jnp.stack([span[:, 1] for span in self.epochs.values()]).max(axis=0)
        return jnp.arange(self.n_steps)[:, None] < end[None]

    def during(self, epoch: str) -> jax.Array:
        """Return whether each step of each trial lies in an epoch, bool (T, B)."""
        if epoch not in self.epochs:
            known = f"they have {', '.join(self.epochs)}.{meant(epoch, self.epochs)}"
            raise ValueError(f"these trials have no epoch {epoch!r}; {known}")
        return within(self.epochs[epoch], self.n_steps)

    def mean_over(self, epoch: str, values: jax.Array) -> jax.Array:
        """Average values (T, B, n) over an epoch of each trial; (B, n)."""
        inside = self.during(epoch)[:, :, None]
        return jnp.where(inside, values, 0.0).sum(axis=0) / jnp.maximum(inside.sum(axis=0), 1)


class Behaviour(NamedTuple):
    """Behaviour of a network in each trial.

    Attributes
    ----------
    score : (B,) from 0 to 1; a guess scores its chance of being right, a catch trial NaN
    choice : (B,) integer from 0, -1 (`NO_CHOICE`) for none; None in a task without choices
    time : (B,) reaction time or produced time in ms, NaN for none; None in a task without times
    """

    score: jax.Array
    choice: jax.Array | None = None
    time: jax.Array | None = None


@dataclass(frozen=True)
class Task(abc.ABC):
    """Base class of all tasks; subclasses define the conditions, the trials and the correct response.

    A subclass defines `condition_grid`, `build`, and either `behaviour` or `correct`, each of which follows from the
    other. Everything listed under Attributes may be a plain value or a property, and is optional.

    Parameters
    ----------
    dt : float
        Step in ms.

    Attributes
    ----------
    input_channels, output_channels : tuple of str
        Names of the inputs and outputs.
    loss : str
        ``"mse"``, or ``"cross_entropy"`` of integer labels.
    chance : float
        Mean score without learning, of guesses and of outputs that are always 0; NaN if unknown.
    criterion : float
        Value at which a network counts as trained, NaN for none: mean score, or the measure in ``criterion_of``.
    criterion_of : str
        ``"accuracy"`` (the criterion is a lower bound of the mean score), ``"worst"`` (of the mean score in the worst
        condition) or ``"loss"`` (the criterion is an upper bound of the loss).
    score_name : str
        Name of the mean score in figures and tables.
    evidence : (str, str), optional
        Condition whose larger values favour choice 0, and its unit.
    neutral : float
        Value of that condition at which neither choice is right; NaN if unknown.
    sorts : tuple of str
        Conditions by which trials are sorted and coloured in figures.
    aligned_to : str, optional
        Epoch at whose onset time is 0 in figures.
    condition_units : mapping of str to str
        Units of conditions, for figures; that of the evidence may be omitted.
    asked_time : str, optional
        Condition that contains the target time in ms, in a task of producing times; without it, the times of
        `behaviour` are reaction times.
    holds : (str, str), optional
        Condition that must be held in memory, and the epoch through which it is held.

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
        """Derive `behaviour` from `correct` or vice versa, whichever the class defines, even over an inherited one."""
        super().__init_subclass__(**options)
        for name, member in list(vars(cls).items()):
            if inspect.isfunction(member) and [*inspect.signature(member).parameters][1:] == ["outputs", "trial"]:
                setattr(cls, name, _of_all_outputs(member))
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
        """Check that the class defines `behaviour` or `correct`, and check its parameters."""
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
        """Return all conditions: name -> (n_conditions,), one entry per condition, without catch trials."""

    @abc.abstractmethod
    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Build trials of given conditions (each (B,), including a bool ``catch``); pure JAX."""

    @property
    def n_conditions(self) -> int:
        """Number of conditions in the grid."""
        return len(next(iter(self.condition_grid().values())))

    @property
    def evidence_range(self) -> tuple[float, float]:
        """Smallest and largest possible value of the condition named by ``evidence``."""
        return -math.inf, math.inf

    @property
    def catch_probability(self) -> float:
        """Probability of a catch trial in `sample`; 0 in tasks without catch trials."""
        return 0.0

    @property
    def null_loss(self) -> float:
        """Loss of the best outputs that are the same in all trials; NaN in tasks that do not define it."""
        return math.nan

    def sample(self, key: jax.Array | int, batch_size: int | float) -> Trial:
        """Sample random trials with independent conditions; jittable with a static ``batch_size``."""
        key_condition, key_catch, key_trial = jax.random.split(as_key(key), 3)
        batch_size = whole(batch_size, "batch_size")
        row = jax.random.randint(key_condition, (batch_size,), 0, self.n_conditions)
        conditions = {name: jnp.asarray(values)[row] for name, values in self.condition_grid().items()}
        conditions["catch"] = jax.random.bernoulli(key_catch, self.catch_probability, (batch_size,))
        with users_code(f"{type(self).__name__}.build"):
            return self.build(key_trial, conditions)

    def _checked(self, key: jax.Array | int, conditions: Mapping[str, ArrayLike]) -> Trial:
        """Call `build`, and check the trials."""
        given = {name: jnp.asarray(values) for name, values in conditions.items()}
        with users_code(f"{type(self).__name__}.build"):
            trial = self.build(as_key(key), given)
        check_trials(self, trial, n_trials=len(given["catch"]))
        return trial

    def trials(self, repeats: int | float = 10, *, key: jax.Array | int) -> Trial:
        """Build balanced trials for validation: every condition ``repeats`` times, no catch trials; all are checked."""
        repeats = as_repeats(repeats)
        check_task(self)
        conditions = {name: np.tile(values, repeats) for name, values in self.condition_grid().items()}
        return self._checked(key, {**conditions, "catch": np.zeros(self.n_conditions * repeats, bool)})

    def trials_of(self, repeats: int | float = 1, *, key: jax.Array | int, **conditions: Any) -> Trial:
        """Build trials of given conditions.

        Conditions that follow from the given ones are filled in: from `condition_grid`, even for a value between two
        levels if both agree, and ``choice`` from the side of ``neutral`` on which the evidence lies. A signed
        coherence other than 0, for example, determines the right choice. ``catch`` is False by default.

        Parameters
        ----------
        repeats : int
            Number of times that all trials are repeated.
        key : jax.Array or int
            Random key or seed.
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
        """Return the same task with a different step, in ms."""
        return replace(self, dt=dt)

    def held_out(self) -> "Task":
        """Return the same task with held-out conditions; the task itself if it has none."""
        return self

    def behaviour(self, outputs: jax.Array, trial: Trial) -> Behaviour:
        """Return the behaviour of a network in each trial.

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
        """Return the score of each trial.

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
        """Return the mean score of outputs (T, B, n_out), without catch trials."""
        return jnp.nanmean(self.correct(outputs, trial))


def _of_all_outputs(score: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a method of outputs and trials so that outputs of another shape are rejected, not broadcast."""

    @functools.wraps(score)
    def checked(self: Task, outputs: jax.Array, trial: Trial) -> Any:
        if hasattr(outputs, "_fields"):
            more = " Pass its .outputs." if hasattr(outputs, "outputs") else ""
            more = " Outputs come first, then the trials." if hasattr(outputs, "conditions") else more
            raise TypeError(f"outputs must be an array (T, B, n_out); got {type(outputs).__name__}.{more}")
        shape, wanted = np.shape(outputs), (*trial.targets.shape[:2], self.n_out)
        if shape != wanted:
            raise ValueError(f"outputs must be (T, B, n_out) = {wanted} in these trials; got {shape}.")
        return score(self, outputs, trial)

    return checked


def as_repeats(value: int | float) -> int:
    """Check that trials are repeated at least once."""
    repeats = whole(value, "repeats")
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1; got {repeats}.")
    return repeats


def within(span: jax.Array, n_steps: int) -> jax.Array:
    """Return whether each step lies in an epoch of its trial.

    Parameters
    ----------
    span : array of int, shape (B, 2)
        First step and step after the last one.
    n_steps : int
        Number of steps T of the trials, including padding.

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
    """Return the number of steps of each item of a sequence, at least one."""
    if not 0 < item < math.inf:
        raise ValueError(f"item must last longer than 0 ms and be finite; got {item}.")
    return whole_steps("item", item, dt)


def consecutive(steps: Mapping[str, ArrayLike], batch_size: int | None = None) -> dict[str, jax.Array]:
    """Lay out the epochs of a trial one after the other.

    Parameters
    ----------
    steps : mapping of str to int or array (B,)
        Number of steps of each epoch, in all trials or in each.
    batch_size : int, optional
        Number of trials B; required if no epoch varies between trials.

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
        raise ValueError("epochs of equal length in all trials need batch_size, the number of trials.")
    spans, start = {}, jnp.zeros(shape, jnp.int32)
    for name, lasting in steps.items():
        spans[name] = jnp.stack([start, start + lasting], axis=1)
        start = start + lasting
    return spans


def forced_choice(evidence: jax.Array) -> jax.Array:
    """Choose the largest output.

    Parameters
    ----------
    evidence : array, shape (B, n)
        E.g. outputs at the end of each trial (`Trial.mean_over`).

    Returns
    -------
    array of int, shape (B,)
        Index of the output, or `NO_CHOICE` (-1) in case of a tie.

    Examples
    --------
    >>> forced_choice(jnp.array([[0.2, 0.9], [0.5, 0.5]])).tolist()
    [1, -1]
    """
    best = evidence.max(axis=1, keepdims=True)
    tie = (evidence == best).sum(axis=1) > 1
    return jnp.where(tie, NO_CHOICE, jnp.argmax(evidence, axis=1))


def score_choice(choice: jax.Array, right: jax.Array, n_choices: int) -> jax.Array:
    """Score choices.

    Parameters
    ----------
    choice, right : array of int, shape (B,)
        The choice made (`forced_choice`), and the right one.
    n_choices : int
        Number of possible choices.

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
    """Check that there are levels, all in ``(low, high]``; the hint follows the range."""
    if not levels:
        raise ValueError(f"the task is empty: {name} contains no level.")
    if not all(math.isfinite(level) and low < level <= high for level in levels):
        raise ValueError(f"{name} must lie in ({low:g}, {high:g}]{hint}; got {', '.join(f'{x:g}' for x in levels)}.")
