"""Optimisers of BrainPy and optax as pure functions, and learning rates of every kind."""

import copy
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from .._brainpy import bm, bp
from ..models._network import Parameters
from ._checkpoint import label
from ._schedules import SCHEDULES, Plateau, Schedule

OPTIMIZERS = {
    "adam": bp.optim.Adam,
    "adamw": bp.optim.AdamW,
    "rmsprop": bp.optim.RMSProp,
    "momentum": bp.optim.Momentum,
    "nesterov": bp.optim.MomentumNesterov,
    "adagrad": bp.optim.Adagrad,
    "sgd": bp.optim.SGD,
    "adadelta": bp.optim.Adadelta,
    "adan": bp.optim.Adan,
    "lars": bp.optim.LARS,
}

BY_LAYER = frozenset({bp.optim.LARS})
"""Optimisers that treat each matrix as a whole; the others act on every number separately."""

State = dict[str, Any]


class Optax(Protocol):
    """A gradient transformation of optax."""

    init: Callable[..., Any]
    update: Callable[..., Any]


def is_optax(optimizer: Any) -> bool:
    """Return whether an optimiser consists of ``init`` and ``update``, like those of optax."""
    return (
        not isinstance(optimizer, bp.optim.Optimizer)
        and callable(getattr(optimizer, "init", None))
        and callable(getattr(optimizer, "update", None))
    )


class BrainPyOptimizer:
    """An optimiser of BrainPy, recreated with its variables wherever a step is traced.

    Parameters
    ----------
    make : callable
        Function from a learning rate to an optimiser without variables.
    described : hashable
        Description, equal for equivalent optimisers.
    by_layer : bool
        Whether every matrix must be passed separately.
    """

    def __init__(self, make: Callable[[Any], bp.optim.Optimizer], described: Any, by_layer: bool) -> None:
        self.make, self.described, self.by_layer = make, described, by_layer

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BrainPyOptimizer) and self.described == other.described

    def __hash__(self) -> int:
        return hash(self.described)

    def _made(self, rate: Any, values: Parameters) -> tuple[dict[str, bm.TrainVar], bp.optim.Optimizer]:
        variables = {name: bm.TrainVar(value) for name, value in values.items()}
        with jax.ensure_compile_time_eval():
            # BrainPy's checks would run on the host in every step, through programs that cannot be cached.
            optimizer = self.make(bm.Variable(rate))
        optimizer.register_train_vars(variables)
        return variables, optimizer

    def start(self, values: Parameters) -> Parameters:
        """Return all variables of the optimiser, by name."""
        optimizer = self._made(jnp.zeros(()), values)[1]
        return {name: bm.as_jax(variable.value) for name, variable in optimizer_state(optimizer).items()}

    def step(
        self, gradients: Parameters, state: State, values: Parameters, rate: jax.Array
    ) -> tuple[Parameters, State]:
        """Return values and state after a step."""
        variables, optimizer = self._made(rate, values)
        known = optimizer_state(optimizer)
        for name, variable in known.items():
            variable.value = state[name]
        optimizer.update(gradients)
        changed = {name: _like(values[name], variable.value) for name, variable in variables.items()}
        return changed, {name: _like(state[name], variable.value) for name, variable in known.items()}


def named_optimizer(name: str, options: Mapping[str, float]) -> BrainPyOptimizer:
    """Make an optimiser of BrainPy by name, with options, e.g. ``rho`` of rmsprop.

    Raises
    ------
    ValueError
        For an unknown name or option.
    """
    if name not in OPTIMIZERS:
        raise ValueError(f"unknown optimiser {name!r}; allowed: {', '.join(OPTIMIZERS)}.")
    kind, given = OPTIMIZERS[name], dict(options)
    allowed = inspect.signature(kind).parameters.keys() - {"lr", "train_vars", "name"}
    if unknown := given.keys() - allowed:
        raise ValueError(
            f"optimiser {name!r} has no option {', '.join(sorted(unknown))}; allowed: {', '.join(sorted(allowed))}."
        )
    return BrainPyOptimizer(lambda rate: kind(lr=rate, **given), (name, tuple(sorted(given.items()))), kind in BY_LAYER)


def adopted_optimizer(optimizer: bp.optim.Optimizer) -> BrainPyOptimizer:
    """Adopt an optimiser of BrainPy that was made without variables, taking out its learning rate."""
    if optimizer.vars_to_train:
        raise ValueError("the optimiser already trains other variables; make it without train_vars.")

    def make(rate: Any) -> bp.optim.Optimizer:
        made = copy.copy(optimizer)
        # Separate collections; BrainPy creates the second one if it is missing.
        made.lr, made.vars_to_train, made._implicit_vars = (
            bp.optim.Constant(rate),
            type(optimizer.vars_to_train)(),
            None,
        )
        return made

    by_layer = type(optimizer) not in OPTIMIZERS.values() or type(optimizer) in BY_LAYER
    return BrainPyOptimizer(make, (type(optimizer), _settings(optimizer)), by_layer)


def rate_of(learning_rate: Any) -> tuple[float, Schedule | None, Plateau | None]:
    """Return the constant factor of a learning rate, its schedule, and its rule at validations.

    Raises
    ------
    ValueError, TypeError
        For a rate that is not positive, an unknown schedule, or a schedule that advances only once per epoch.
    """
    if isinstance(learning_rate, Mapping):
        kind = dict(learning_rate)
        name = kind.pop("schedule", None)
        if name not in SCHEDULES:
            raise ValueError(f"unknown schedule {name!r}; allowed: {', '.join(SCHEDULES)}.")
        learning_rate = SCHEDULES[name](**kind)
    if isinstance(learning_rate, Plateau):
        return learning_rate.rate, None, learning_rate
    if isinstance(learning_rate, bp.optim.Constant):
        learning_rate = learning_rate.lr
    if isinstance(learning_rate, bp.optim.Scheduler):
        if type(learning_rate).step_call is bp.optim.Scheduler.step_call:
            raise ValueError(
                f"{type(learning_rate).__name__} advances once per epoch, but training counts steps: the learning "
                "rate would never change. Use a call-based schedule, e.g. bp.optim.ExponentialDecayLR, or one of "
                "eicon.training.schedules."
            )
        return 1.0, learning_rate, None
    if callable(learning_rate):
        return 1.0, learning_rate, None
    try:
        if isinstance(learning_rate, bool | str):
            raise TypeError
        rate = float(learning_rate)
    except TypeError as error:
        raise TypeError(
            "learning_rate must be a number, a schedule (see eicon.training.schedules) or a function of the step; got "
            f"{learning_rate!r:.60}."
        ) from error
    if not 0 < rate < math.inf:
        raise ValueError(f"learning_rate must be > 0 and finite; got {rate}.")
    return rate, None, None


def describe_rate(learning_rate: Any) -> str:
    """Describe a learning rate in words that are the same in every process."""
    if isinstance(learning_rate, bp.optim.Scheduler):
        return f"{type(learning_rate).__name__}({_settings(learning_rate)})"
    rate, schedule, plateau = rate_of(learning_rate)
    return repr(rate) if schedule is None and plateau is None else label(learning_rate)


def describe_optimizer(optimizer: Any) -> str:
    """Describe all settings of an optimiser except its rate (BrainPy's ``repr`` omits some, e.g. weight decay)."""
    if isinstance(optimizer, bp.optim.Optimizer):
        return f"{type(optimizer).__name__}({_settings(optimizer)})"
    return label(optimizer)


def optimizer_state(optimizer: bp.optim.Optimizer) -> dict[str, bm.Variable]:
    """Return all variables of an optimiser by name, except those that it trains and its rate."""
    apart = {id(variable) for variable in optimizer.vars_to_train.values()} | {id(optimizer.lr.lr)}
    apart.add(id(optimizer.lr.last_epoch))
    found = optimizer.vars().items()
    return {name.rpartition(".")[2]: variable for name, variable in found if id(variable) not in apart}


def _like(before: jax.Array, after: Any) -> jax.Array:
    return jax.lax.convert_element_type(bm.as_jax(after), before.dtype)


def _settings(described: bp.optim.Optimizer | bp.optim.Scheduler) -> str:
    simple = (int, float, str, tuple, list, type(None), jax.Array)
    values = {name: value for name, value in vars(described).items() if isinstance(value, simple)}
    return ", ".join(f"{name}={values[name]!r}" for name in sorted(values) if not name.startswith("_"))
