"""Networks on disk: one npz file of arrays with a JSON header, no pickle."""

import os
from typing import Any

import jax
import numpy as np

from .._files import load_arrays, save_arrays
from ._activations import as_activation
from ._certificate import certify
from ._connectivity import Connectivity
from ._equation import RateEquation
from ._parts import RAW, Parts

KIND, VERSION = "network", 1


def write(path: str | os.PathLike[str], parts: Parts) -> None:
    """Write a network to one npz file, atomically, unless it violates its constraints; see `save`."""
    certify(parts).raise_if_violated()
    equation = parts.equation
    arrays = {f"parameter/{name}": np.asarray(value) for name, value in jax.device_get(dict(parts.values)).items()}
    positive = {}
    for role in RAW:
        connectivity = getattr(equation, role)
        positive[role] = connectivity.positive
        for part in ("sign", "mask", "fixed"):
            arrays[f"{role}/{part}"] = getattr(connectivity, part)
    if equation.noise_covariance is not None:
        arrays["noise_covariance"] = equation.noise_covariance
    for name, labels in parts.units.items():
        if name != "type":
            arrays[f"unit/{name}"] = labels
    header = {
        "activation": equation.activation.to_dict(),
        "tau": equation.tau.tolist(),
        "dt": equation.dt,
        "sigma_rec": equation.sigma_rec,
        "sigma_in": equation.sigma_in,
        "positive": positive,
        "trainable": sorted(parts.trainable),
    }
    save_arrays(path, arrays, kind=KIND, version=VERSION, header=header)


def read(path: str | os.PathLike[str]) -> Parts:
    """Read what `write` wrote; see `load`."""
    arrays, header = load_arrays(path, kind=KIND, version=VERSION)
    try:
        return _assemble(arrays, header)
    except KeyError as error:
        raise ValueError(f"{path} is incomplete: it has no {error}.") from error


def _assemble(arrays: dict[str, np.ndarray], header: dict[str, Any]) -> Parts:
    connectivities = {
        role: Connectivity(
            arrays[f"{role}/sign"], arrays[f"{role}/mask"], arrays[f"{role}/fixed"], header["positive"][role]
        )
        for role in RAW
    }
    constants: dict[str, Any] = {name: header[name] for name in ("dt", "sigma_rec", "sigma_in")}
    constants["noise_covariance"] = arrays.get("noise_covariance")
    constants["tau"] = np.asarray(header["tau"])
    constants["activation"] = as_activation(header["activation"])
    values = {name.removeprefix("parameter/"): a for name, a in arrays.items() if name.startswith("parameter/")}
    values |= {name: values[name] for name in (*RAW.values(), "x0")}  # every network has these
    units = {name.removeprefix("unit/"): a for name, a in arrays.items() if name.startswith("unit/")}
    equation = RateEquation(
        connectivities["recurrent"], connectivities["input"], connectivities["readout"], **constants
    )
    return Parts(equation, values, frozenset(header["trainable"]), units)
