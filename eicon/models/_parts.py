"""Contents of a network as one value, for files and copies."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np

from ._cells import Cell, Leaky, as_cell, declared_by
from ._network import BIASES, ROLES, Network
from ._noise import Noise
from ._parameters import check_dt, make_values
from ._units import of_groups


class Parts(NamedTuple):
    """A network without the state of its trials and of its noise.

    Attributes
    ----------
    network : Network
    trained : frozenset of str
        Names of the trained values, a subset of those of `Network.values`.
    units : mapping of str to array (N,)
        Labels of the units, with or without their type.
    """

    network: Network
    trained: frozenset[str]
    units: Mapping[str, np.ndarray]

    def numpy(self) -> "Parts":
        """Convert arrays to numpy, for pickles."""

        def back(leaf: Any) -> Any:
            return np.asarray(leaf) if isinstance(leaf, jax.Array) else leaf

        return self._replace(network=jax.tree.map(back, self.network))


def changed(parts: Parts, changes: Mapping[str, Any]) -> Parts:
    """Return the network with different settings; see `RateRNN.with_settings`."""
    network = parts.network
    noise = network.noise
    settings = {
        "activation": None,
        "cell": network.cell,
        "dt": network.dt,
        "sigma_rec": noise.sigma_rec or 0.0,
        "sigma_in": noise.sigma_in or 0.0,
        "noise_covariance": noise.covariance,
    }
    constants = [name for name in network.parameters if name not in BIASES]
    for unknown in sorted(changes.keys() - settings.keys() - set(constants)):
        raise ValueError(f"{unknown!r} cannot be changed in a network; allowed: {', '.join([*settings, *constants])}.")
    new = {**settings, **changes}
    cell: Cell = new["cell"]
    if "activation" in changes:
        if not isinstance(cell, Leaky):
            raise ValueError(f"to change the activation of a {type(cell).__name__}, pass a different cell.")
        cell = replace(cell, activation=changes["activation"])
    cell, dt, n = as_cell(cell, None), float(new["dt"]), network.n_rec
    declared = declared_by(cell, n, dt)
    if declared.keys() != set(constants):
        raise ValueError(
            f"the cell has different parameters, {', '.join(declared)}; the network has {', '.join(constants)}."
        )
    parameters = dict(network.parameters)
    for name in constants:
        old = parameters[name]
        if name in changes or (not old.trained and dt != network.dt):
            group = None if old.group is None else np.asarray(old.group)
            value = of_groups(name, changes[name], group) if name in changes else old.raw
            parameters[name] = make_values(
                name, value, declared[name].bound, dt, n, trained=name in parts.trained, group=group
            )
        elif old.trained and dt != network.dt:
            alone = replace(old, group=None)
            value = alone.effective(network.dt, network.dtype)
            if not np.array_equal(value, alone.effective(dt, network.dtype)):
                group = None if old.group is None else np.asarray(old.group)
                parameters[name] = make_values(name, value, declared[name].bound, dt, n, trained=True, group=group)
    check_dt(dt)
    noise = Noise.of(new["sigma_rec"], new["sigma_in"], new["noise_covariance"], n)
    return parts._replace(network=replace(network, parameters=parameters, noise=noise, cell=cell, dt=dt))


def describe(parts: Parts) -> str:
    """Describe units, cell and trained values in three lines."""
    network, units = parts.network, parts.units
    types = units["type"]
    counts = [f"{int((types == t).sum())} {t}" for t in ("E", "I") if (types == t).any()]
    free = int((types == "").sum())
    counts += [f"{free} of either sign"] if free else []
    areas = next((units[name] for name in ("area", "region") if name in units), None)
    where = "" if areas is None else f" in {len(set(areas.tolist()))} areas"
    kinds = {type(getattr(network, role)).__name__ for role in ROLES}
    noise = network.noise
    noisy = f", noise {noise.sigma_rec or 0:g} (units) and {noise.sigma_in or 0:g} (input)" if noise.noisy else ""
    trained = ", ".join(sorted(parts.trained)) or "nothing"
    return (
        f"RateRNN of {network.n_rec} units ({', '.join(counts)}){where}, {network.n_in} inputs and "
        f"{network.n_out} outputs\n"
        f"  cell {network.cell!r}, dt {network.dt:g} ms, weights {', '.join(sorted(kinds))}{noisy}\n"
        f"  trained: {trained}"
    )
