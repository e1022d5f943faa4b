"""Networks that start from trained ones: which file, and what is taken of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from ..models import RateRNN, load
from ..models._parts import Parts
from ..models.weights import Dense
from ._recipe_tables import PretrainedTable
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


def network_file(table: PretrainedTable) -> Path | None:
    """File of the network that a table names, or that of a run that it names; None of anything else."""
    path = Path(table.path)
    places = (path, path / "network.npz")
    return next((place for place in places if place.is_file()), None)
