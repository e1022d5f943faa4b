"""BrainPy's optimisers by name, and their state under names that do not change between runs."""

import jax
import jax.numpy as jnp

from .._brainpy import bm, bp

OPTIMIZERS = {
    "adam": bp.optim.Adam,
    "adamw": bp.optim.AdamW,
    "rmsprop": bp.optim.RMSProp,
    "momentum": bp.optim.Momentum,
    "nesterov": bp.optim.MomentumNesterov,
    "adagrad": bp.optim.Adagrad,
    "sgd": bp.optim.SGD,
}


def make_optimizer(
    optimizer: str | bp.optim.Optimizer,
    learning_rate: float | bp.optim.Scheduler | bm.Variable,
    variables: dict[str, bm.TrainVar],
    **options: float,
) -> bp.optim.Optimizer:
    """Optimiser that trains ``variables``.

    Parameters
    ----------
    optimizer : str or bp.optim.Optimizer
        A name, or an optimiser that has not been given variables yet (``learning_rate`` is then its own).
    learning_rate : float or bp.optim.Scheduler
        A call-based schedule advances at every step.
    variables : dict of str to bm.TrainVar
    **options
        Of a named optimiser, e.g. ``rho`` of rmsprop.

    Raises
    ------
    ValueError
        For an unknown name, a learning rate that is not positive, a schedule that never advances, or an
        optimiser that already has variables.
    """
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZERS:
            raise ValueError(f"unknown optimizer {optimizer!r}; allowed: {', '.join(OPTIMIZERS)}.")
        if isinstance(learning_rate, float | int) and not learning_rate > 0:
            raise ValueError(f"learning_rate must be > 0; got {learning_rate}.")
        made = OPTIMIZERS[optimizer](lr=learning_rate, train_vars=variables, **options)
        _check_schedule(made.lr)
        return made
    if optimizer.vars_to_train:
        raise ValueError("the optimizer already trains other variables; make it without train_vars.")
    _check_schedule(optimizer.lr)
    optimizer.register_train_vars(variables)
    return optimizer


def describe_optimizer(optimizer: bp.optim.Optimizer) -> str:
    """All settings of an optimiser and its schedule (BrainPy's ``repr`` leaves some out, e.g. weight decay)."""
    schedule = f"{type(optimizer.lr).__name__}({_settings(optimizer.lr)})"
    return f"{type(optimizer).__name__}({_settings(optimizer)}) with {schedule}"


def optimizer_state(optimizer: bp.optim.Optimizer) -> dict[str, bm.Variable]:
    """All variables of an optimiser but those that it trains, by name."""
    trained = {id(variable) for variable in optimizer.vars_to_train.values()}
    state = {}
    for name, variable in optimizer.vars().items():
        if id(variable) not in trained:
            state[name.rpartition(".")[2]] = variable
    return state


def clipped(gradients: dict[str, jax.Array], clip_norm: float | None) -> tuple[dict[str, jax.Array], jax.Array]:
    """Gradients scaled to a norm of at most ``clip_norm`` (None: as they are), and the norm that they had."""
    norm = jnp.sqrt(sum(jnp.sum(g**2) for g in gradients.values()))
    if clip_norm is None:
        return gradients, norm
    scale = jnp.minimum(1.0, clip_norm / jnp.maximum(norm, 1e-12))
    return {name: g * scale for name, g in gradients.items()}, norm


def _check_schedule(schedule: bp.optim.Scheduler) -> None:
    advances = type(schedule).step_call is not bp.optim.Scheduler.step_call
    if not (advances or isinstance(schedule, bp.optim.Constant)):
        raise ValueError(
            f"{type(schedule).__name__} advances once an epoch, and training here has no epochs: the learning rate "
            "would never change. Use a call-based schedule, e.g. bp.optim.ExponentialDecayLR."
        )


def _settings(described: bp.optim.Optimizer | bp.optim.Scheduler) -> str:
    simple = (int, float, str, tuple, list, type(None), jax.Array)
    values = {name: value for name, value in vars(described).items() if isinstance(value, simple)}
    return ", ".join(f"{name}={values[name]!r}" for name in sorted(values) if not name.startswith("_"))
