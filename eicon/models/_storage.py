"""Networks on disk: one npz file of arrays with a JSON header, no pickle."""

import dataclasses
import importlib
import inspect
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .._files import load_arrays, named, save_arrays
from ._activations import Activation, as_activation, known_activations
from ._cells import Adapting, Cell, Leaky, Plastic
from ._certificate import certify
from ._connectivity import POSITIVE, Connectivity
from ._edges import Edges
from ._network import BIASES, ROLES, Network
from ._noise import Noise
from ._parameters import FREE, Values, check_dt, make_values
from ._parts import Parts
from ._weights import Dense, LowRank, Weights

KIND, VERSION = "network", 2
CELLS = {kind.__name__: kind for kind in (Leaky, Adapting, Plastic)}
WEIGHTS: dict[str, type[Weights]] = {kind.__name__: kind for kind in (Dense, Edges, LowRank)}


def write(path: str | os.PathLike[str], parts: Parts) -> None:
    """Write a network to one npz file, atomically, unless it violates its constraints; see `save`."""
    certify(parts).raise_if_violated()
    network, weights = parts.network, {}
    arrays: dict[str, np.ndarray] = {}
    for role in ROLES:
        held: Weights = getattr(network, role)
        if type(held) is not WEIGHTS.get(type(held).__name__):
            raise ValueError(
                f"{role} weights of the type {type(held).__name__} cannot be saved; {', '.join(WEIGHTS)} can."
            )
        weights[role] = {"kind": type(held).__name__, **held.settings()}
        arrays |= {f"{role}/{name}": value for name, value in held.to_arrays().items()}
    for name, values in network.parameters.items():
        arrays[f"parameter/{name}"] = np.asarray(values.raw)
        if values.group is not None:
            arrays[f"group/{name}"] = np.asarray(values.group)
    if network.noise.covariance is not None:
        arrays["noise_covariance"] = np.asarray(network.noise.covariance)
    arrays = dict(sorted(arrays.items()))
    arrays |= {f"unit/{name}": labels for name, labels in parts.units.items() if name != "type"}
    header = {
        "shape": [network.n_in, network.n_rec, network.n_out],
        "cell": _encoded(network.cell),
        "weights": weights,
        "dt": network.dt,
        "sigma_rec": network.noise.sigma_rec or 0.0,
        "sigma_in": network.noise.sigma_in or 0.0,
        "trained": sorted(parts.trained),
    }
    save_arrays(path, arrays, kind=KIND, version=VERSION, header=header)


def read(path: str | os.PathLike[str]) -> Parts:
    """Read a network written by `write` of this version or 0.1.0; see `load`."""
    arrays, header = load_arrays(path, kind=KIND, version=VERSION)
    assemble = _of_version_1 if header.keys() & {"activation", "positive", "trainable"} else _assemble
    with named(path, "network"):
        return assemble(arrays, header, path)


def _assemble(arrays: dict[str, np.ndarray], header: dict[str, Any], path: str | os.PathLike[str]) -> Parts:
    n_in, n, n_out = header["shape"]
    weights: dict[str, Any] = {}
    for role, shape in {"recurrent": (n, n), "input": (n_in, n), "readout": (n, n_out)}.items():
        settings = dict(header["weights"][role])
        kind = settings.pop("kind")
        if kind not in WEIGHTS:
            raise ValueError(f"{path} has weights of an unknown kind, {kind!r}; supported: {', '.join(WEIGHTS)}.")
        weights[role] = _weights(WEIGHTS[kind], _under(role, arrays), settings, f"{path}: {role}", shape)
    cell = _decoded(header["cell"], path)
    if not isinstance(cell, Cell):
        raise ValueError(f"{path} has no cell; got {header['cell']!r:.80}.")
    declared, raw, groups = cell.parameters(n), _under("parameter", arrays), _under("group", arrays)
    if raw.keys() - declared.keys() - set(BIASES):
        raise ValueError(
            f"{path} was saved with a different cell {type(cell).__name__}, with {', '.join(sorted(raw))}; "
            f"the cell now has {', '.join(declared) or 'no parameters'}."
        )
    trained, parameters = frozenset(header["trained"]), {}
    for name in [*declared, *(bias for bias in BIASES if bias in raw)]:
        bound = declared[name].bound if name in declared else FREE
        parameters[name] = Values(raw[name], groups.get(name), bound, name in trained)
    return _parts(path, arrays, header, trained, weights=weights, parameters=parameters, cell=cell)


def _of_version_1(arrays: dict[str, np.ndarray], header: dict[str, Any], path: str | os.PathLike[str]) -> Parts:
    values = _under("parameter", arrays)
    weights: dict[str, Any] = {}
    for role, short in ROLES.items():
        positive = header["positive"][role]
        sign, mask, fixed = (arrays[f"{role}/{part}"] for part in ("sign", "mask", "fixed"))
        connectivity, raw = Connectivity(sign, mask, fixed, positive), values[f"raw_{short}"]
        _fits(f"{path}: raw_{short}", raw, connectivity.shape)
        weights[role] = Dense.constrained(connectivity, raw)
    n = weights["recurrent"].shape[0]
    for role, side in (("recurrent", 1), ("input", 1), ("readout", 0)):
        if weights[role].shape[side] != n:
            raise ValueError(f"{path} has {n} units, but {role} weights of shape {weights[role].shape}.")
    cell = Leaky(as_activation(header["activation"]))
    dt, trained = float(header["dt"]), frozenset(header["trainable"])
    tau = make_values("tau", np.asarray(header["tau"]), cell.parameters(n)["tau"].bound, dt, n, trained=False)
    parameters = {"tau": tau, "x0": Values(values["x0"], None, FREE, "x0" in trained)}
    parameters |= {name: Values(values[name], None, FREE, name in trained) for name in BIASES if name in values}
    return _parts(path, arrays, header, trained, weights=weights, parameters=parameters, cell=cell)


def _parts(
    path: str | os.PathLike[str],
    arrays: Mapping[str, np.ndarray],
    header: Mapping[str, Any],
    trained: frozenset[str],
    *,
    weights: dict[str, Any],
    parameters: dict[str, Values],
    cell: Cell,
) -> Parts:
    """Make a network from the contents of a file, after checking consistency; `verify` finds illegal values."""
    n, n_out, dt = weights["recurrent"].shape[0], weights["readout"].shape[1], float(header["dt"])
    for name, values in parameters.items():
        size = n_out if name == "b_out" else n
        if values.group is not None:
            _whole(f"{path}: group/{name}", values.group, (size,), size)
            size = int(values.group.max()) + 1
        _fits(f"{path}: {name}", values.raw, (size,))
    check_dt(dt)
    noise = Noise.of(header["sigma_rec"], header["sigma_in"], arrays.get("noise_covariance"), n)
    network = Network(**weights, parameters=parameters, noise=noise, cell=cell, dt=dt)
    unknown = sorted(trained - network.values().keys())
    if unknown:
        raise ValueError(f"{path} lists {', '.join(unknown)} as trained, but has no such values.")
    return Parts(network, trained, _under("unit", arrays))


def _weights(
    kind: type[Weights], arrays: Mapping[str, np.ndarray], settings: dict[str, Any], what: str, shape: tuple[int, int]
) -> Weights:
    """Read weights from a file, and check their consistency."""
    for name in [field.name for field in dataclasses.fields(kind) if field.type in (bool, str)]:  # type: ignore[arg-type]
        _ = settings[name]  # a KeyError names a missing setting
    if settings.get("positive", "abs") not in POSITIVE:
        raise ValueError(
            f"{what} weights have an unknown map {settings['positive']!r}; allowed: {', '.join(POSITIVE)}."
        )
    n_pre, n_post = shape
    wanted: dict[str, tuple[int, ...]]
    if kind is Edges:
        m = arrays["pre"].size
        wanted = {"scale": (m,), "signs": (m,), "raw": (m,)}
        for name, below in (("pre", n_pre), ("post", n_post), ("group", arrays["raw"].size)):
            if name in arrays:
                _whole(f"{what}/{name}", arrays[name], (m,), below)
        if "group" in arrays:
            wanted["raw"] = (int(arrays["group"].max()) + 1,)
        if (np.diff(arrays["post"].astype(np.int64) * n_pre + arrays["pre"]) <= 0).any():
            raise ValueError(f"{what} weights are damaged: their connections are not in order, or one is repeated.")
    elif kind is LowRank:
        rank = arrays["left"].shape[-1]
        wanted = {"left": (n_pre, rank), "right": (rank, n_post)}
    else:
        wanted = {"raw": shape, "signs": (n_pre,), "mask": shape, "fixed": shape}
    for name, expected in wanted.items():
        if name in arrays:
            _fits(f"{what}/{name}", arrays[name], expected, "b" if name == "mask" else "f")
    made = kind.of_arrays(arrays, settings)
    _same(f"{what} weights", made.shape, shape)
    if isinstance(made, Dense):
        _ = made.connectivity  # rejects contradictions
    return made


def _fits(what: str, array: np.ndarray, shape: tuple[int, ...], kind: str = "f") -> None:
    _same(what, array.shape, shape)
    if array.dtype.kind not in kind:
        raise ValueError(f"{what} is damaged: its numbers are of the type {array.dtype}.")


def _whole(what: str, array: np.ndarray, shape: tuple[int, ...], below: int) -> None:
    _fits(what, array, shape, "iu")
    if array.size and not 0 <= array.min() <= array.max() < below:
        raise ValueError(f"{what} must be in 0..{below - 1}; got {array.min()} to {array.max()}.")


def _same(what: str, found: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if tuple(found) != tuple(wanted):
        raise ValueError(f"{what} has shape {tuple(found)}, but {tuple(wanted)} fits the rest of the file.")


def _under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(f"{prefix}/"): a for name, a in arrays.items() if name.startswith(f"{prefix}/")}


def _encoded(value: Any) -> Any:
    """Convert a cell, activation or plain setting to a JSON-compatible form."""
    if isinstance(value, Activation):
        return {"activation": value.to_dict(), "file": _file(value.function)}
    if isinstance(value, bool | int | float | str | type(None)):
        return value
    if isinstance(value, Cell) and dataclasses.is_dataclass(value):
        kind = type(value)
        if "<locals>" in kind.__qualname__:
            raise ValueError(f"the cell {kind.__name__} is defined inside a function, where loading cannot find it.")
        fields = {f.name: _encoded(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
        return {"class": kind.__qualname__, "module": kind.__module__, "file": _file(kind), "fields": fields}
    raise ValueError(
        f"the settings of a saved cell must be numbers, texts, activations or other cells; got {value!r:.80}."
    )


def _decoded(value: Any, path: str | os.PathLike[str]) -> Any:
    if not isinstance(value, dict):
        return value
    if "activation" in value:
        name = value["activation"]["name"]
        if name not in known_activations():
            raise ValueError(
                f"{path} was saved with activation {name!r}, which is not registered; "
                f"import the file that defines it first ({value['file']})."
            )
        return as_activation(value["activation"])
    own = CELLS.get(value["class"]) if value["module"].startswith("eicon.") else None
    kind: Any = own or _class_of(value)
    if kind is None:
        raise ValueError(
            f"{path} was saved with the cell {value['class']} of the module {value['module']!r}; "
            f"import the file that defines it first ({value['file']})."
        )
    fields = {name: _decoded(field, path) for name, field in value["fields"].items()}
    unknown = sorted(fields.keys() - {field.name for field in dataclasses.fields(kind)})
    if unknown:
        raise ValueError(
            f"{path} was saved with a different cell {value['class']}, which had {', '.join(unknown)}; "
            f"the cell in {_file(kind)} does not."
        )
    return kind(**fields)


def _class_of(value: Mapping[str, Any]) -> type[Cell] | None:
    """Find the class of an imported cell in its module or, if that was a script or has moved, in a file of that name.

    A saved file can cause imports only of modules of eicon itself.
    """
    if _is_part_of_eicon(value["module"]):
        importlib.import_module(value["module"])
    named = sys.modules.get(value["module"])
    others = [m for m in list(sys.modules.values()) if Path(getattr(m, "__file__", None) or "").name == value["file"]]
    for module in ([] if named is None else [named]) + others:
        kind: Any = module
        for part in value["class"].split("."):
            kind = getattr(kind, part, None)
        if isinstance(kind, type) and dataclasses.is_dataclass(kind) and issubclass(kind, Cell):
            return kind
    return None


def _is_part_of_eicon(module: str) -> bool:
    """Return whether a name is that of a module in eicon's folder, and not a program."""
    package, *parts = module.split(".")
    if package != __name__.partition(".")[0] or not parts or not all(map(str.isidentifier, parts)):
        return False
    return not parts[-1].startswith("__") and Path(__file__).parents[1].joinpath(*parts).with_suffix(".py").is_file()


def _file(defined: Any) -> str:
    try:
        return Path(inspect.getsourcefile(inspect.unwrap(defined)) or "").name or defined.__module__
    except (TypeError, OSError):
        return defined.__module__
