"""Learners, which make the steps of a training, and the one that follows the gradient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from .._brainpy import bp
from .._device import on_device
from .._numbers import real
from ..models._network import Parameters
from ._history import History
from ._objective import Objective
from ._optimizers import (
    BrainPyOptimizer,
    State,
    adopted_optimizer,
    describe_optimizer,
    describe_rate,
    is_optax,
    named_optimizer,
    rate_of,
)
from ._penalties import Penalty

LEARNING_RATE = 1e-3
"""Learning rate of an optimiser given only by name."""


class Step(NamedTuple):
    """Result of a learner's step.

    Attributes
    ----------
    vector : the P trained values after the step
    state : the learner's own state after the step
    record : a number for each of the learner's ``columns``
    """

    vector: jax.Array
    state: State
    record: dict[str, jax.Array]


@runtime_checkable
class Method(Protocol):
    """A learner's compiled part; equal methods share compiled code.

    Attributes
    ----------
    columns : names of the numbers that it records at every step; ``loss``, ``accuracy`` and ``grad_norm`` among them
    random : whether it uses the random key of a step
    """

    columns: ClassVar[tuple[str, ...]]
    random: ClassVar[bool]

    def step(self, objective: Objective, vector: jax.Array, state: State, step: jax.Array, key: jax.Array) -> Step:
        """Do a step (counted from 0); pure."""
        ...


@runtime_checkable
class Learner(Protocol):
    """Recipe for a step.

    Attributes
    ----------
    batch_size : default number of trials of a step
    validate_every : default number of steps between validations
    at_once : most steps between checks of the clock and of signals
    passes : approximate number of validation trials that take as long as one trial of a step
    """

    batch_size: ClassVar[int]
    validate_every: ClassVar[int]
    at_once: ClassVar[int]
    passes: ClassVar[float]

    @property
    def watches(self) -> bool:
        """True if `validated` can change the state."""
        ...

    def method(self) -> Method:
        """Return the compiled part."""
        ...

    def check(self, batch_size: int, penalties: Sequence[Penalty]) -> None:
        """Reject settings that do not allow a step."""
        ...

    def start(self, values: Parameters) -> State:
        """Return the state before the first step: arrays, whose numbers can differ between networks that share code."""
        ...

    def validated(self, state: State, history: History) -> State:
        """Return the state after a validation."""
        ...

    def describe(self) -> Any:
        """Return all settings, JSON-compatible, the same in every process."""
        ...


@dataclass(frozen=True)
class Gradient:
    """Follow the gradient with an optimiser.

    Parameters
    ----------
    optimizer : str, bp.optim.Optimizer or an optax transformation
        A name (see `eicon.training.OPTIMIZERS`), an optimiser of BrainPy made without variables, or anything with
        optax's ``init`` and ``update``.
    learning_rate : float, schedule or callable, optional
        For a named optimizer, by default 1e-3: a number, one of `eicon.training.schedules` (or a mapping with its name
        as ``schedule``, and its parameters), a call-based schedule of BrainPy, or a function of the step, counted
        from 0.
    clip_norm : float or None
        Largest norm of the whole gradient; None: no clipping.
    options : mapping of str to float
        Options of a named optimizer, e.g. ``{"rho": 0.99}`` for rmsprop.
    factors : mapping of str to float
        Factors that scale the change of some values, e.g. ``{"b_rec": 2.0}``.

    Raises
    ------
    ValueError, TypeError
        For an option of wrong range or type, or a learning rate together with an optimiser that has its own.
    """

    optimizer: Any = "adam"
    learning_rate: Any = None
    clip_norm: float | None = 1.0
    options: Mapping[str, Any] = field(default_factory=dict)
    factors: Mapping[str, Any] = field(default_factory=dict)

    batch_size: ClassVar[int] = 32
    validate_every: ClassVar[int] = 50
    at_once: ClassVar[int] = 64
    passes: ClassVar[float] = 1.2  # measured: large batches of validation trials do not stay in the processor's cache

    def __post_init__(self) -> None:
        clip_norm = None if self.clip_norm is None else real(self.clip_norm, "clip_norm")
        object.__setattr__(self, "clip_norm", clip_norm)
        object.__setattr__(self, "factors", {name: real(x, f"factor of {name}") for name, x in self.factors.items()})
        options = {name: x if isinstance(x, bool | str | None) else real(x, name) for name, x in self.options.items()}
        object.__setattr__(self, "options", options)
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise ValueError(f"clip_norm must be > 0, or None for no clipping; got {self.clip_norm}.")
        if isinstance(self.optimizer, str):
            made = named_optimizer(self.optimizer, self.options)
            rate, schedule, plateau = rate_of(LEARNING_RATE if self.learning_rate is None else self.learning_rate)
        else:
            if self.learning_rate is not None or self.options:
                raise ValueError(
                    "learning_rate and options are only for an optimiser given by name; "
                    f"this {type(self.optimizer).__name__} has its own."
                )
            if isinstance(self.optimizer, bp.optim.Optimizer):
                made = adopted_optimizer(self.optimizer)
                rate, schedule, plateau = rate_of(self.optimizer.lr)
            elif is_optax(self.optimizer):
                made, (rate, schedule, plateau) = self.optimizer, (1.0, None, None)
            else:
                raise TypeError(
                    "optimizer must be a name, an optimiser of brainpy.optim without variables, or an optax "
                    f"transformation; got {self.optimizer!r:.60}."
                )
        for name, value in (("_made", made), ("_rate", rate), ("_schedule", schedule), ("_plateau", plateau)):
            object.__setattr__(self, name, value)

    def method(self) -> "GradientMethod":
        """See `Learner`."""
        return GradientMethod(self._made, self._schedule, self.clip_norm, tuple(sorted(self.factors.items())))  # type: ignore[attr-defined]

    def check(self, batch_size: int, penalties: Sequence[Penalty]) -> None:
        """See `Learner`."""

    def start(self, values: Parameters) -> State:
        """See `Learner`."""
        if unknown := self.factors.keys() - values.keys():
            raise ValueError(f"factors of {', '.join(sorted(unknown))}; trained are {', '.join(sorted(values))}.")
        vector = on_device(np.concatenate([np.ravel(values[name]) for name in sorted(values)]))
        made = self._made  # type: ignore[attr-defined]
        # In one program: separate operations would be compiled separately.
        inner = jax.jit(made.init)(values) if is_optax(made) else _starter(made)(_seen(made, values, vector))
        rate = on_device(self._rate, vector.dtype)  # type: ignore[attr-defined]
        return {"rate": rate, "optimizer": jax.tree.map(_strong, inner)}

    @property
    def watches(self) -> bool:
        """See `Learner`."""
        return self._plateau is not None  # type: ignore[attr-defined]

    def validated(self, state: State, history: History) -> State:
        """See `Learner`; the learning rate falls after a plateau."""
        plateau = self._plateau  # type: ignore[attr-defined]
        if plateau is None:
            return state
        return {**state, "rate": jnp.asarray(plateau.rate * plateau.scale(history), state["rate"].dtype)}

    def describe(self) -> Any:
        """See `Learner`."""
        rate = None
        if isinstance(self.optimizer, str):
            rate = describe_rate(LEARNING_RATE if self.learning_rate is None else self.learning_rate)
        elif isinstance(self.optimizer, bp.optim.Optimizer):
            rate = describe_rate(self.optimizer.lr)
        settings = {"clip_norm": self.clip_norm, "options": dict(self.options), "factors": dict(self.factors)}
        return {"kind": "gradient", "optimizer": describe_optimizer(self.optimizer), "learning_rate": rate, **settings}


@dataclass(frozen=True)
class GradientMethod:
    """Compiled part of `Gradient`."""

    optimizer: Any
    schedule: Any
    clip_norm: float | None
    factors: tuple[tuple[str, float], ...]

    columns: ClassVar[tuple[str, ...]] = ("loss", "accuracy", "grad_norm")
    random: ClassVar[bool] = False

    def step(self, objective: Objective, vector: jax.Array, state: State, step: jax.Array, key: jax.Array) -> Step:
        """See `Method`."""
        loss, accuracy, gradient = objective.gradient(vector)
        norm = jnp.sqrt(jnp.sum(gradient**2))
        if self.clip_norm is not None:
            gradient = gradient * jnp.minimum(1.0, self.clip_norm / jnp.maximum(norm, 1e-12))
        inner, values = state["optimizer"], objective.unravel(vector)
        if is_optax(self.optimizer):
            updates, inner = self.optimizer.update(objective.unravel(gradient), inner, values)
            after = vector + ravel_pytree(updates)[0].astype(vector.dtype)
        else:
            rate = state["rate"]
            if self.schedule is not None:
                # Signed, because a schedule may subtract from the step.
                rate = rate * jnp.asarray(self.schedule(step.astype(jnp.int32)), rate.dtype)
            made, by_name = self.optimizer, objective.unravel(gradient)
            given = _seen(made, by_name, gradient), inner, _seen(made, values, vector), rate
            changed, inner = made.step(*given)
            after = ravel_pytree(changed)[0]
        if self.factors:
            factors = {name: jnp.ones_like(value) for name, value in values.items()}
            factors |= {name: jnp.full_like(values[name], factor) for name, factor in self.factors}
            after = vector + ravel_pytree(factors)[0] * (after - vector)
        return Step(after, {**state, "optimizer": inner}, {"loss": loss, "accuracy": accuracy, "grad_norm": norm})


@lru_cache(maxsize=8)
def _starter(optimizer: BrainPyOptimizer) -> Any:
    """Compile the start once for all equal optimisers."""
    return jax.jit(optimizer.start)


def _seen(optimizer: Any, by_name: Parameters, vector: jax.Array) -> Parameters:
    """Return values, or their gradient, in the form for an optimiser: one vector, which is faster, if possible."""
    return by_name if optimizer.by_layer else {"all": vector}


def _strong(leaf: Any) -> jax.Array:
    # Optimisers count steps in weakly typed scalars; strongly typed ones would compile every step again.
    return on_device(np.asarray(leaf))
