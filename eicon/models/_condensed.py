"""Network described by a condensation."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np

from ._connectivity import Connectivity
from ._network import ROLES
from ._noise import Noise
from ._parameters import FREE, Values
from ._parts import Parts
from ._weights import Dense, Weights

NAMES = ("name", "unit", "neuron")
"""Labels used as names of units."""


@runtime_checkable
class Condensed(Protocol):
    """Fields that a condensation of N units to n must have; see `eicon.analysis.results.Condensation`."""

    @property
    def kept(self) -> np.ndarray: ...
    @property
    def incoming(self) -> np.ndarray: ...
    @property
    def groups(self) -> np.ndarray: ...
    @property
    def connected(self) -> np.ndarray: ...
    @property
    def recurrent(self) -> np.ndarray: ...
    @property
    def readout(self) -> np.ndarray: ...
    @property
    def bias(self) -> np.ndarray: ...
    @property
    def readout_bias(self) -> np.ndarray: ...


def condensed(parts: Parts, condensation: Condensed) -> Parts:
    """Make the network of the canonical units; see `RateRNN.condensed`.

    The parameters of a canonical unit (trained ones on the scale on which they are trained) and its noise combine those
    of the original units in the same way as the currents (``incoming``). The label ``represents`` lists the units that
    it represents, see `names_of`; a unit that is not represented is in no label, here and later.
    """
    kept, incoming = np.asarray(condensation.kept), np.asarray(condensation.incoming)
    old = parts.network
    if incoming.shape != (old.n_rec, len(kept)) or condensation.readout.shape != (len(kept), old.n_out):
        raise ValueError(
            f"the condensation belongs to {incoming.shape[0]} units and {condensation.readout.shape[1]} outputs, "
            f"but the network has {old.n_rec} units and {old.n_out} outputs."
        )
    was = {role: _dense(getattr(old, role)) for role in ROLES}
    weights = {
        "recurrent": np.asarray(condensation.recurrent, np.float64),
        "input": np.asarray(old.input.matrix(), np.float64) @ incoming,
        "readout": np.asarray(condensation.readout, np.float64),
    }
    reached = {
        "recurrent": np.asarray(condensation.connected),
        "input": (was["input"].exists.astype(float) @ incoming) > 0,
        "readout": was["readout"].exists[kept],
    }
    made: dict[str, Any] = {}
    for role in ROLES:
        sign = old.input.sign if role == "input" else getattr(old, role).sign[kept]
        made[role] = _matrix(was[role], sign, weights[role], reached[role])
    parameters = {
        name: values if name == "b_out" else _pooled(values, kept, incoming) for name, values in old.parameters.items()
    }
    trained = {f"raw_{short}" for short in ROLES.values() if any(n.endswith(f"_{short}") for n in parts.trained)}
    trained |= parts.trained & parameters.keys()
    for name, change in (("b_rec", condensation.bias), ("b_out", condensation.readout_bias)):
        if name in parameters or np.any(change):
            before = parameters.get(name, Values(np.zeros(len(change)), None, FREE, True))
            parameters[name] = replace(before, raw=np.asarray(before.raw, np.float64) + change, trained=True)
            trained.add(name)
    noise = old.noise
    averaged = not np.array_equal(incoming, np.eye(old.n_rec)[kept].T)
    if noise.covariance is not None or (noise.sigma_rec and averaged):
        covariance = np.eye(old.n_rec) if noise.covariance is None else np.asarray(noise.covariance)
        covariance = incoming.T @ covariance @ incoming
        noise = Noise.of(noise.sigma_rec or 0, noise.sigma_in or 0, covariance, len(kept))
    network = replace(old, **made, parameters=parameters, noise=noise)
    trained -= {f"raw_{short}" for role, short in ROLES.items() if not made[role].trainable}
    units = {name: labels[kept] for name, labels in parts.units.items() if name != "type"}
    names, groups = names_of(parts.units), np.asarray(condensation.groups)
    units["represents"] = np.array([", ".join(filter(None, names[groups == one])) for one in range(len(kept))])
    return Parts(network, frozenset(trained), units)


def names_of(units: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return names of units (N,) for ``represents``, or indices if a name is missing, not unique or has commas.

    The name of a unit of a condensed network lists all units of the first network that it represents.
    """
    if "represents" in units:
        return units["represents"]
    indices = np.arange(len(units["type"])).astype(str)
    names = next((units[label].astype(str) for label in NAMES if label in units), indices)
    clear = len(set(names)) == len(names) and not any("," in one or not one.strip() for one in names)
    return names if clear else indices


def _dense(weights: Weights) -> Connectivity:
    """Return the constraints of weights in the form for a dense matrix."""
    if isinstance(weights, Dense):
        return weights.connectivity
    exists = np.asarray(weights.matrix()) != 0
    made = Connectivity(weights.sign, exists, np.zeros(weights.shape), getattr(weights, "positive", "abs"))
    return made if weights.trainable else made.frozen(weights.matrix())


def _pooled(values: Values, kept: np.ndarray, incoming: np.ndarray) -> Values:
    raw, group = np.asarray(values.raw), None if values.group is None else np.asarray(values.group)
    if group is not None and ((group[:, None] == group[kept]) | (incoming == 0)).all():
        there, group = np.unique(group[kept], return_inverse=True)
        return replace(values, raw=raw[there], group=group.astype(np.int32))
    every = raw if group is None else raw[group]
    return replace(values, raw=every.astype(np.float64) @ incoming, group=None)


def _matrix(was: Connectivity, sign: np.ndarray, weights: np.ndarray, reached: np.ndarray) -> Dense:
    """Make canonical weights, which are free where they do not keep the signs."""
    weights = weights.astype(jnp.result_type(float)).astype(np.float64)
    sign = np.where((sign[:, None] * weights < 0).any(axis=1), 0, sign)
    made = Connectivity(sign, reached | (weights != 0), np.zeros(weights.shape), was.positive)
    if not was.trainable:
        made = made.frozen(weights)
    return Dense.make(made, weights)
