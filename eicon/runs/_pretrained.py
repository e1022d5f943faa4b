"""Networks that start from trained ones: which file, and what is taken of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from ..models import RateRNN, load
from ..models._parts import Parts
from ..models.weights import Dense
from ..tasks import Task
from ._recipe_tables import LesionTable, PretrainedTable
from ._text import ConfigError


def with_pretrained(untrained: RateRNN, table: PretrainedTable, *, freeze: bool) -> RateRNN:
    """Weights, biases and initial state of a pretrained network, with readout and constants of an untrained one."""
    path = network_file(table)
    if path is None:
        raise ConfigError(
            f"pretrained.path: {table.path} is neither a network file nor the directory of a run; of a sweep, give the "
            "directory of one of its runs."
        )
    given = load(path)
    if (given.n_rec, given.n_in) != (untrained.n_rec, untrained.n_in):
        raise ConfigError(
            f"pretrained: {path} has {given.n_in} inputs and {given.n_rec} units; this recipe's networks have "
            f"{untrained.n_in} and {untrained.n_rec}."
        )
    recurrent = given.recurrent
    if not isinstance(recurrent, Dense):
        raise ConfigError(f"pretrained: {path} has {type(recurrent).__name__} weights; they must be Dense.")
    if freeze:
        recurrent = Dense.make(recurrent.connectivity.frozen(given.W_rec), given.W_rec)
    old, new = given.parts(), untrained.parts()
    learned: dict[str, Any] = {
        name: old.network.parameters[name] for name in ("x0", "b_rec") if name in old.network.parameters
    }
    network = replace(
        new.network,
        recurrent=recurrent,
        input=old.network.input,
        parameters={**new.network.parameters, **learned},
    )
    return RateRNN.of_parts(Parts(network, new.trained, old.units))


def lesioned(table: LesionTable, task: Task) -> RateRNN:
    """Network that a table describes, which must fit the task."""
    path = network_file(table)
    if path is None:
        raise ConfigError(f"lesion.path: {table.path} is neither a network file nor the directory of a trained run.")
    units = list(table.units) if isinstance(table.units, tuple) else table.units
    try:
        net = load(path).without(units, cells=table.cells, seed=table.seed)
    except ValueError as error:
        raise ConfigError(f"lesion: {error}") from error
    if (net.n_in, net.n_out, net.dt) != (task.n_in, task.n_out, task.dt):
        raise ConfigError(
            f"lesion: {path} has {net.n_in} inputs and {net.n_out} outputs in steps of {net.dt:g} ms; the task has "
            f"{task.n_in} and {task.n_out}, in steps of {task.dt:g} ms."
        )
    return net


def network_file(table: PretrainedTable | LesionTable) -> Path | None:
    """File of the network that a table names, or that of a run that it names; None of anything else."""
    path = Path(table.path)
    places = (path, path / "network.npz")
    return next((place for place in places if place.is_file()), None)
