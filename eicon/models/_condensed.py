"""The smaller network that a condensation describes."""

from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np

from ._connectivity import Connectivity
from ._equation import CONSTANTS, RateEquation
from ._parts import RAW, Parts


@runtime_checkable
class Condensed(Protocol):
    """What is asked of a condensation of N units to n; see `eicon.analysis.results.Condensation`."""

    @property
    def kept(self) -> np.ndarray: ...
    @property
    def incoming(self) -> np.ndarray: ...
    @property
    def recurrent(self) -> np.ndarray: ...
    @property
    def readout(self) -> np.ndarray: ...
    @property
    def bias(self) -> np.ndarray: ...
    @property
    def readout_bias(self) -> np.ndarray: ...


def condensed(parts: Parts, condensation: Condensed) -> Parts:
    """Network of the canonical units; see `RateRNN.condensed`."""
    kept, incoming = np.asarray(condensation.kept), np.asarray(condensation.incoming)
    old, before = parts.equation, {name: np.asarray(value, np.float64) for name, value in parts.values.items()}
    if incoming.shape != (old.n_rec, len(kept)) or condensation.readout.shape != (len(kept), old.n_out):
        raise ValueError(
            f"the condensation is of {incoming.shape[0]} units and {condensation.readout.shape[1]} outputs, "
            f"but the network has {old.n_rec} units and {old.n_out} outputs."
        )
    weights = {
        "recurrent": np.asarray(condensation.recurrent, np.float64),
        "input": np.asarray(parts.effective()["input"], np.float64) @ incoming,
        "readout": np.asarray(condensation.readout, np.float64),
    }
    reached = {
        "recurrent": np.ones((len(kept), len(kept)), bool),
        "input": (old.input.exists.astype(float) @ incoming) > 0,
        "readout": old.readout.exists[kept],
    }
    connectivity, values = {}, {}
    for role in RAW:
        was = getattr(old, role)
        sign = was.sign if role == "input" else was.sign[kept]
        connectivity[role], values[RAW[role]] = _matrix(was, sign, weights[role], reached[role])
    values["x0"] = before["x0"] @ incoming
    trainable = set(parts.trainable)
    for name, size, change in (
        ("b_rec", old.n_rec, condensation.bias),
        ("b_out", old.n_out, condensation.readout_bias),
    ):
        if name in before or np.any(change):
            bias = before.get(name, np.zeros(size))
            values[name] = (bias @ incoming if name == "b_rec" else bias) + change
            trainable.add(name)
    constants: dict[str, Any] = {name: getattr(old, name) for name in CONSTANTS} | {"tau": old.tau[kept]}
    if old.noise_covariance is not None:
        constants["noise_covariance"] = old.noise_covariance[np.ix_(kept, kept)]
    equation = RateEquation(connectivity["recurrent"], connectivity["input"], connectivity["readout"], **constants)
    units = {name: labels[kept] for name, labels in parts.units.items()}
    return Parts(equation, values, frozenset(trainable), units)


def _matrix(
    was: Connectivity, sign: np.ndarray, weights: np.ndarray, reached: np.ndarray
) -> tuple[Connectivity, np.ndarray]:
    """Constraints and raw weights of a canonical matrix: free where the weights do not keep the signs."""
    weights = weights.astype(jnp.result_type(float)).astype(np.float64)
    sign = np.where((sign[:, None] * weights < 0).any(axis=1), 0, sign)
    made = Connectivity(sign, reached | (weights != 0), np.zeros(weights.shape), was.positive)
    if not was.trainable:
        made = made.frozen(weights)
    return made, made.raw(weights)
