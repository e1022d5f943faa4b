"""Networks that start from trained ones."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..models import RateRNN, load
from ..models._make import BIAS_NAMES, train_names
from ..models._network import BIASES, ROLES
from ..models._parameters import FREE, make_values
from ..models._parts import Parts
from ..models.weights import Dense
from ..tasks import Task
from ..training._recorded import Fit
from ._recipe_tables import LesionTable, PretrainedTable
from ._text import ConfigError


def with_pretrained(untrained: RateRNN, table: PretrainedTable, *, freeze: bool) -> RateRNN:
    """Combine the weights, biases and initial state of a pretrained network with an untrained readout."""
    path, given = _loaded(table)
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


def kept_whole(table: PretrainedTable, task: Task, train: Sequence[str] | None) -> RateRNN:
    """Load a network unchanged, with parameters ``train`` trained (default: as saved); it must fit the task."""
    path, net = _loaded(table)
    wants_outputs = not isinstance(task, Fit) or task.observed == "output"
    n_out = task.n_out if wants_outputs else net.n_out
    if (net.n_in, net.n_out, net.dt) != (task.n_in, n_out, task.dt):
        raise ConfigError(
            f"pretrained: {path} has {net.n_in} inputs and {net.n_out} outputs in steps of {net.dt:g} ms; "
            f"expected {task.n_in} and {n_out}, in steps of {task.dt:g} ms."
        )
    return net if train is None else RateRNN.of_parts(_training(net, train))


def _training(net: RateRNN, train: Sequence[str]) -> Parts:
    """Return the parts of a network, with the named values trained."""
    wanted, parts = train_names(train), net.parts()
    network = parts.network
    known = {**dict.fromkeys(BIASES), **network.parameters}
    if unknown := sorted(wanted - known.keys() - ROLES.keys()):
        allowed = ", ".join([*ROLES, *BIAS_NAMES, *(name for name in network.parameters if name not in BIASES)])
        raise ConfigError(f"network.train: the pretrained network has no {unknown[0]!r}; allowed: {allowed}.")
    parameters = {}
    for name, old in known.items():
        n = network.n_out if name == "b_out" else network.n_rec
        if old is None:
            if name in wanted:
                parameters[name] = make_values(name, 0.0, FREE, network.dt, n, trained=True)
            continue
        if old.trained == (name in wanted):
            parameters[name] = old
            continue
        legal = np.asarray(replace(old, group=None).effective(network.dt, network.dtype), np.float64)
        group = None if old.group is None else np.asarray(old.group)
        parameters[name] = make_values(name, legal, old.bound, network.dt, n, trained=name in wanted, group=group)
    trained = wanted - ROLES.keys()
    for role, short in ROLES.items():
        weights = getattr(network, role)
        if role in wanted and weights.trainable:
            trained |= {f"{field}_{short}" for field in weights.trained}
    return Parts(replace(network, parameters=parameters), frozenset(trained), parts.units)


def shuffled(net: RateRNN, table: PretrainedTable, seed: int) -> RateRNN:
    """Permute the values of some parameters, each independently, among units with the same label."""
    if not table.shuffle:
        return net
    parts = net.parts()
    parameters, labels = dict(parts.network.parameters), net.units.get(table.shuffle_by)
    if labels is None:
        raise ConfigError(f"pretrained.shuffle_by: units have no label {table.shuffle_by!r}; {_labels(net)}.")
    for given in table.shuffle:
        name = BIAS_NAMES.get(given, given)
        if name not in parameters or name == "b_out" or parameters[name].group is not None:
            allowed = [n for n, v in parameters.items() if v.group is None and n != "b_out"]
            named = ", ".join({"b_rec": "bias"}.get(n, n) for n in allowed)
            raise ConfigError(f"pretrained.shuffle: units have no individual values of {given!r}; allowed: {named}.")
        order, rng = np.arange(net.n_rec), np.random.default_rng([seed, *f"shuffle {given}".encode()])
        for label in np.unique(labels):
            members = np.flatnonzero(labels == label)
            order[members] = rng.permutation(members)
        parameters[name] = replace(parameters[name], raw=np.asarray(parameters[name].raw)[order])
    return RateRNN.of_parts(parts._replace(network=replace(parts.network, parameters=parameters)))


def _labels(net: RateRNN) -> str:
    return f"their labels are {', '.join(net.units)}"


def _loaded(table: PretrainedTable) -> tuple[Path, RateRNN]:
    path = network_file(table)
    if path is None:
        raise ConfigError(
            f"pretrained.path: {table.path} is neither a network file nor the directory of a run; for a sweep, name "
            "the directory of one of its runs."
        )
    return path, load(path)


def lesioned(table: LesionTable, task: Task) -> RateRNN:
    """Return the lesioned network of a table, which must fit the task."""
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
    """Return the network file that a table names, directly or by its run; None for anything else."""
    path = Path(table.path)
    places = (path, path / "network.npz")
    return next((place for place in places if place.is_file()), None)
