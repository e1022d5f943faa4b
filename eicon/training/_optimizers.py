"""BrainPy's optimisers by name, and their state under names that do not change between runs."""

import brainpy as bp
import brainpy.math as bm

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
    learning_rate: float | bp.optim.Scheduler,
    variables: dict[str, bm.TrainVar],
) -> bp.optim.Optimizer:
    """Optimiser that trains ``variables``.

    Parameters
    ----------
    optimizer : str or bp.optim.Optimizer
        A name, or an optimiser that has not been given variables yet (``learning_rate`` is then its own).
    learning_rate : float or bp.optim.Scheduler
        A call-based schedule advances at every step.
    variables : dict of str to bm.TrainVar

    Raises
    ------
    ValueError
        For an unknown name, a learning rate that is not positive, or an optimiser that already has variables.
    """
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZERS:
            raise ValueError(f"unknown optimizer {optimizer!r}; allowed: {', '.join(OPTIMIZERS)}.")
        if isinstance(learning_rate, float | int) and not learning_rate > 0:
            raise ValueError(f"learning_rate must be > 0; got {learning_rate}.")
        return OPTIMIZERS[optimizer](lr=learning_rate, train_vars=variables)
    if optimizer.vars_to_train:
        raise ValueError("the optimizer already trains other variables; make it without train_vars.")
    optimizer.register_train_vars(variables)
    return optimizer


def optimizer_state(optimizer: bp.optim.Optimizer) -> dict[str, bm.Variable]:
    """All variables of an optimiser but those that it trains, by name."""
    trained = {id(variable) for variable in optimizer.vars_to_train.values()}
    state = {}
    for name, variable in optimizer.vars().items():
        if id(variable) not in trained:
            state[name.rpartition(".")[2]] = variable
    return state
