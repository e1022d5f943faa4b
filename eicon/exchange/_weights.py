"""Weights as plain arrays: export from a network to other programs, and import of published networks."""

import importlib.resources
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from .._files import HEADER, load_arrays, named, read_npz, save_arrays
from .._given import numbers
from ..models import Activation, Connectivity, Leaky, RateRNN
from ..models.cells import ACTIVATIONS
from ._paths import replacing

Orientation = Literal["pre, post", "post, pre"]
_ROLES = {"W_rec": "recurrent", "W_in": "input", "W_out": "readout"}
_ARRAYS = ("W_in", "W_rec", "W_out", "b_rec", "b_out", "x0", "tau")
KIND, VERSION = "weights", 1
WEIGHTS, SIMULATOR, TORCH = "weights.npz", "simulate.py", "simulate_torch.py"


def to_numpy(net: RateRNN) -> dict[str, Any]:
    """Return effective weights and constants of a network, for any other program.

    Returns
    -------
    dict
        ``W_in (n_in, N)``, ``W_rec (N, N)``, ``W_out (N, n_out)``, all ``[pre, post]``; ``b_rec (N,)``, ``b_out
        (n_out,)``, ``x0 (N,)``; ``tau (N,)`` and ``dt`` in ms; ``sigma_rec``, ``sigma_in``; ``activation`` and its
        ``exponent`` and ``gain``; ``orientation``; ``sign_rec (N,)`` (1, -1, 0 free); ``unit_<label> (N,)``; and
        ``noise_covariance (N, N)`` if there is one.

    Examples
    --------
    >>> import eicon
    >>> plain = to_numpy(eicon.RateRNN.dale(2, 10, 1))
    >>> plain["W_in"].shape, plain["orientation"], plain["activation"]
    ((2, 10), 'pre, post', 'relu')
    """
    if not isinstance(net.cell, Leaky) or net.cell != Leaky(net.activation) or net.activation.name not in ACTIVATIONS:
        raise ValueError(
            f"a network of {net.cell!r} cannot be exported: simulators of other programs support leaky cells without "
            f"gains, with an activation of {', '.join(ACTIVATIONS)}."
        )
    parameters = {"exponent": 2.0, "gain": 1.0} | dict(net.activation.parameters)
    values = net.parameters()
    dtype = np.asarray(net.W_rec).dtype
    plain: dict[str, Any] = {name: np.asarray(getattr(net, name)) for name in _ROLES}
    for name, size in (("b_rec", net.n_rec), ("b_out", net.n_out)):
        plain[name] = net.parameter(name) if name in values else np.zeros(size, dtype)
    plain |= {"x0": net.parameter("x0"), "tau": np.array(net.tau), "dt": float(net.dt)}
    plain |= {"sigma_rec": float(net.sigma_rec), "sigma_in": float(net.sigma_in)}
    plain |= {"activation": net.activation.name, **parameters, "orientation": "pre, post"}
    plain["sign_rec"] = np.array(net.recurrent.sign)
    if net.noise_covariance is not None:
        plain["noise_covariance"] = np.array(net.noise_covariance)
    return plain | {f"unit_{name}": np.asarray(labels) for name, labels in net.units.items()}


def write_numpy(folder: str | os.PathLike[str], net: RateRNN, *, overwrite: bool = False) -> None:
    """Write a folder with the weights and a simulator of about thirty lines that needs only numpy.

    ``weights.npz`` contains the result of `to_numpy` (without pickle), and ``simulate.py`` simulates the network, with
    the same trajectories as ``net.predict(inputs, noise=False)``. `read_numpy` reads the folder.

    Raises
    ------
    FileExistsError
        If the folder exists and ``overwrite`` is False, or it contains other files.
    """
    _write(folder, net, SIMULATOR, overwrite)


def write_torch(folder: str | os.PathLike[str], net: RateRNN, *, overwrite: bool = False) -> None:
    """Write a folder with the weights and a PyTorch module that runs them; PyTorch itself is not needed to write.

    The folder is that of `write_numpy` with ``simulate_torch.py``: a leaky network with any time constants, more
    general than ``torch.nn.RNN`` (see `torch_rnn`). Training in PyTorch does not preserve Dale's law.
    """
    _write(folder, net, TORCH, overwrite)


def _write(folder: str | os.PathLike[str], net: RateRNN, simulator: str, overwrite: bool) -> None:
    source = importlib.resources.files(__package__).joinpath(simulator).read_text("utf-8")
    with replacing(folder, overwrite) as made:
        made.mkdir()
        arrays = {name: np.asarray(value) for name, value in to_numpy(net).items()}
        save_arrays(made / WEIGHTS, arrays, kind=KIND, version=VERSION, header={})
        (made / simulator).write_text(source, "utf-8")


def read_numpy(folder: str | os.PathLike[str]) -> RateRNN:
    """Read a network from a folder of `write_numpy` or `write_torch`, with its signs and absent connections.

    The folder does not record which entries were fixed: all existing entries are trainable.

    Raises
    ------
    FileNotFoundError
        If there are no weights.
    ValueError
        If they are damaged or incomplete.
    """
    path = Path(folder) / WEIGHTS
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}; a folder of eicon.exchange.write_numpy contains {WEIGHTS}.")
    found = read_npz(path)
    if HEADER in found:  # version 0.1.0 did not write it
        found, _ = load_arrays(path, kind=KIND, version=VERSION)
    constants = ("dt", "sigma_rec", "sigma_in", "activation", "exponent", "gain", "orientation", "sign_rec")
    lacking = [name for name in (*_ARRAYS, *constants) if name not in found]
    if lacking:
        raise ValueError(f"{path} is incomplete: it has no {', '.join(lacking)}.")
    with named(path, "folder of eicon.exchange.write_numpy"):
        return _network(found)


def _network(found: Mapping[str, Any]) -> RateRNN:
    power = {name: float(found[name]) for name in ("exponent", "gain")}
    name = str(found["activation"])
    activation = Activation(name, tuple(power.items()) if name == "power_law" else ())
    labels = {n.removeprefix("unit_"): a for n, a in found.items() if n.startswith("unit_") and n != "unit_type"}
    return from_numpy(
        **{name: found[name] for name in _ARRAYS},
        orientation=str(found["orientation"]),  # type: ignore[arg-type]
        sign=found["sign_rec"],
        keep_zeros=True,
        activation=activation,
        units=labels,
        noise_covariance=found.get("noise_covariance"),
        **{name: float(found[name]) for name in ("dt", "sigma_rec", "sigma_in")},
    )


def from_numpy(
    W_rec: ArrayLike,
    W_in: ArrayLike,
    W_out: ArrayLike,
    *,
    orientation: Orientation,
    b_rec: ArrayLike | None = None,
    b_out: ArrayLike | None = None,
    sign: ArrayLike | Literal["rows"] = 0,
    keep_zeros: bool = False,
    activation: Activation | str | Mapping[str, Any] = "relu",
    tau: ArrayLike = 100.0,
    dt: float = 20.0,
    x0: ArrayLike = 0.0,
    **options: Any,
) -> RateRNN:
    """Make a network from published weights.

    Parameters
    ----------
    W_rec, W_in, W_out : array
        Effective weights. With orientation ``"pre, post"`` (used as ``r @ W``) of shapes (N, N), (n_in, N) and
        (N, n_out); with ``"post, pre"`` (used as ``W @ r``: pycog, PyTorch, most papers) transposed.
    orientation : {"pre, post", "post, pre"}
        Required: a transposed square matrix also runs, but is a different network.
    b_rec, b_out : array, optional
        Biases of units and outputs.
    sign : int, array (N,) or "rows"
        Signs of the units: 0 (free), 1 or -1; ``"rows"`` takes them from the recurrent weights, which must have one
        sign per source.
    keep_zeros : bool
        Recurrent, input and readout weights that are 0 are absent connections, and stay 0 in training.
    activation, tau, dt, x0
        Same as for `RateRNN`. A network whose leak acts on the rate obeys a different equation.
    **options
        Options of `RateRNN` (``sigma_rec``, ``units``, ...).

    Returns
    -------
    RateRNN

    Raises
    ------
    ValueError
        If the orientation is unknown, shapes do not fit (with a hint if they fit the opposite orientation), weights
        are not finite, or signs are requested from rows with both signs.

    Examples
    --------
    >>> W = np.array([[0.0, 0.5], [-0.3, 0.0]])  # unit 0 excites unit 1
    >>> net = from_numpy(W, np.ones((1, 2)), np.ones((2, 1)), orientation="pre, post", sign="rows")
    >>> net.is_excitatory.tolist()
    [True, False]
    """
    _check_orientation(orientation)
    matrices = (("W_rec", W_rec), ("W_in", W_in), ("W_out", W_out))
    given = {name: numbers(name, value, dtype=None) for name, value in matrices}
    weights = {name: value.T if orientation == "post, pre" else value for name, value in given.items()}
    _check(given, weights, orientation)
    if isinstance(sign, str):
        if sign != "rows":
            raise ValueError(f"sign must be 0, 1 or -1, one of them per unit, or 'rows'; got {sign!r}.")
        sign = _row_signs(weights["W_rec"])
    signs = np.broadcast_to(np.asarray(sign), len(weights["W_rec"]))
    connectivity: dict[str, Any] = {}
    for name, role in _ROLES.items():
        exists = weights[name] != 0 if keep_zeros else np.ones(weights[name].shape, bool)
        of_rows = signs if role == "recurrent" else np.zeros(len(exists), int)
        connectivity[role] = Connectivity(of_rows, exists, np.zeros(exists.shape))
    net = RateRNN(
        **connectivity,
        activation=activation,
        tau=tau,
        dt=dt,
        x0=x0,
        bias=b_rec is not None,
        readout_bias=b_out is not None,
        weights={role: weights[name] for name, role in _ROLES.items()},
        **options,
    )
    for variable, value, name in ((net.b_rec, b_rec, "b_rec"), (net.b_out, b_out, "b_out")):
        if variable is not None and value is not None:
            values = numbers(name, value)
            if values.shape != variable.shape or not np.isfinite(values).all():
                raise ValueError(f"{name} must be finite and of shape {variable.shape}; got {values.shape}.")
            variable.value = jnp.asarray(values, variable.dtype)
    return net


def _check_orientation(orientation: str) -> None:
    if orientation not in get_args(Orientation):
        raise ValueError(
            f"orientation must be 'pre, post' (weights used as r @ W) or 'post, pre' (W @ r); got {orientation!r}."
        )


def _check(given: dict[str, np.ndarray], weights: dict[str, np.ndarray], orientation: str) -> None:
    if any(value.ndim != 2 for value in given.values()):
        shapes = ", ".join(f"{name} {value.shape}" for name, value in given.items())
        raise ValueError(f"weights must be matrices; got {shapes}.")

    def fits(w: dict[str, np.ndarray]) -> bool:
        n = w["W_rec"].shape[0]
        return w["W_rec"].shape[1] == n and w["W_in"].shape[1] == n and w["W_out"].shape[0] == n

    if not fits(weights):
        shapes = ", ".join(f"{name} {value.shape}" for name, value in given.items())
        other = {"pre, post": "post, pre", "post, pre": "pre, post"}[orientation]
        hint = f" They fit the orientation {other!r}." if fits({n: w.T for n, w in weights.items()}) else ""
        raise ValueError(
            f"with orientation {orientation!r}, W_rec, W_in and W_out must have shapes "
            + ("(N, N), (n_in, N), (N, n_out)" if orientation == "pre, post" else "(N, N), (N, n_in), (n_out, N)")
            + f"; got {shapes}.{hint}"
        )


def _row_signs(weights: np.ndarray) -> np.ndarray:
    mixed = (weights > 0).any(axis=1) & (weights < 0).any(axis=1)
    if mixed.any():
        columns = (weights > 0).any(axis=0) & (weights < 0).any(axis=0)
        hint = " All columns have one sign: is the orientation the opposite one?" if not columns.any() else ""
        raise ValueError(
            f"signs cannot be taken from the rows: {int(mixed.sum())} of {len(weights)} sources have weights of both "
            f"signs.{hint}"
        )
    return np.where((weights < 0).any(axis=1), -1, np.where((weights > 0).any(axis=1), 1, 0))
