"""Networks on disk: one npz file of arrays with a JSON header, no pickle."""

import os
from typing import Any

import jax
import numpy as np

from .._files import load_arrays, save_arrays
from ._activations import as_activation
from ._connectivity import Connectivity
from ._equation import RateEquation
from ._rate_rnn import RAW, RateRNN, build
from ._verify import verify

KIND, VERSION = "network", 1


def save(net: RateRNN, path: str | os.PathLike[str]) -> None:
    """Write a network to one npz file, atomically; a network that violates its constraints is refused.

    Parameters
    ----------
    net : RateRNN
    path : path

    Raises
    ------
    ConstraintError
        If `verify` finds a violation; a file that is there already stays as it is.
    """
    verify(net).raise_if_violated()
    arrays = {f"parameter/{name}": np.asarray(value) for name, value in jax.device_get(net.parameters()).items()}
    positive = {}
    for role in RAW:
        connectivity = getattr(net.equation, role)
        positive[role] = connectivity.positive
        for part in ("sign", "mask", "fixed"):
            arrays[f"{role}/{part}"] = getattr(connectivity, part)
    if net.equation.noise_covariance is not None:
        arrays["noise_covariance"] = net.equation.noise_covariance
    for name, labels in net.units.items():
        if name != "type":
            arrays[f"unit/{name}"] = labels
    header = {
        "activation": net.activation.to_dict(),
        "tau": net.tau.tolist(),
        "dt": net.dt,
        "sigma_rec": net.sigma_rec,
        "sigma_in": net.sigma_in,
        "positive": positive,
        "trainable": sorted(net.trainable_variables()),
    }
    save_arrays(path, arrays, kind=KIND, version=VERSION, header=header)


def load(path: str | os.PathLike[str]) -> RateRNN:
    """Read a network; parameters are those that were saved, bit for bit.

    Parameters
    ----------
    path : path

    Returns
    -------
    RateRNN

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is truncated, foreign, incomplete or of a newer format version.
    ConstraintError
        If the network in it violates its constraints.
    """
    arrays, header = load_arrays(path, kind=KIND, version=VERSION)
    try:
        net = _assemble(arrays, header)
    except KeyError as error:
        raise ValueError(f"{path} is incomplete: it has no {error}.") from error
    verify(net).raise_if_violated()
    return net


def _assemble(arrays: dict[str, np.ndarray], header: dict[str, Any]) -> RateRNN:
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
    units = {name.removeprefix("unit/"): a for name, a in arrays.items() if name.startswith("unit/")}
    equation = RateEquation(
        connectivities["recurrent"], connectivities["input"], connectivities["readout"], **constants
    )
    return build(equation, constants, units, values, set(header["trainable"]))
