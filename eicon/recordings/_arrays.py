"""Arrays in files whose axes have no names: MATLAB, npz, npy and HDF5."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .._files import check_unpacked, named, read_npy, read_npz
from .._matlab import mat_content
from .._optional import optional
from ._cut import Spikes, Stack, Table, check_size, observed_of, only_one, table_of
from ._options import OF_TRIALS, Options
from ._recording import quantity_of, signal_of

AXES = {
    "time": ("time", "step", "steps"),
    "trial": ("trial", "trials"),
    "unit": ("unit", "units", "neuron", "neurons", "cell", "cells"),
}
DEEPEST, MOST = 8, 20
"""Largest depth of nested structs whose fields are named, and number of empty cells that an error lists."""
PICKLED = "Python objects, which are never loaded"
ORDER = ("time", "trial", "unit")


class Hdf5(Mapping[str, Any]):
    """Variables of an HDF5 file, read on demand; those of MATLAB with the axes that MATLAB shows."""

    def __init__(self, path: str | os.PathLike[str], file: Any, matlab: bool) -> None:
        self._path, self._file, self._matlab, self._bytes = path, file, matlab, 0
        self._nodes: dict[str, Any] = {}
        self._read: dict[str, Any] = {}
        with named(path, "HDF5 file"):
            self._add(file, "", DEEPEST)

    def _add(self, group: Any, above: str, depth: int) -> None:
        for key in group:
            if key.startswith("#"):
                continue
            self._nodes[f"{above}{key}"] = node = group[key]
            if hasattr(node, "keys") and "MATLAB_sparse" not in node.attrs and depth:
                self._add(node, f"{above}{key}.", depth - 1)

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def __getitem__(self, name: str) -> Any:
        node = self._nodes[name]
        if name not in self._read:
            with named(self._path, "HDF5 file"):
                self._read[name] = self._value(node)
        return self._read[name]

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a variable without reading it."""
        with named(self._path, "HDF5 file"):
            shape = getattr(self._nodes[name], "shape", None) or ()
        return shape[::-1] if self._matlab else shape

    def about(self, name: str) -> str:
        """Describe a variable without a shape."""
        node = self._nodes[name]
        if "MATLAB_sparse" in node.attrs:
            return "a sparse array"
        return "a struct" if hasattr(node, "keys") else "one value"

    def _value(self, node: Any) -> Any:
        if "MATLAB_sparse" in node.attrs:
            raise ValueError(f"{self._path}: {node.name[1:]} is sparse; save it as full(...)")
        if hasattr(node, "keys"):
            return {key: self._value(node[key]) for key in node}
        kind = node.attrs.get("MATLAB_class", b"")
        if node.attrs.get("MATLAB_empty", 0):
            return "" if kind == b"char" else np.zeros(0)
        self._bytes += node.size * node.dtype.itemsize
        check_unpacked(self._path, self._bytes, os.path.getsize(self._path))
        values = node[()]
        is_cell = kind == b"cell" or "ref" in (node.dtype.metadata or {})  # the fields of several structs have no class
        if is_cell and node.dtype.kind == "O":
            cells = np.empty(values.shape, object)
            for place, reference in np.ndenumerate(values):
                cells[place] = self._value(self._file[reference])
            return cells.T if self._matlab else cells
        if kind == b"char":
            texts = [np.ascontiguousarray(row, "<u2").tobytes().decode("utf-16-le") for row in np.atleast_2d(values.T)]
            return texts[0] if len(texts) == 1 else np.array([text.rstrip() for text in texts])
        if kind == b"logical":
            values = values.astype(bool)
        if node.dtype.kind == "O" and any(isinstance(value, np.ndarray) for value in np.ravel(values)):
            return values  # arrays of different lengths
        if node.dtype.kind in "SO":
            texts = [value.decode() if isinstance(value, bytes) else str(value) for value in np.ravel(values)]
            return np.array(texts).reshape(np.shape(values))
        return np.asarray(values).T if self._matlab else np.asarray(values)


def read_arrays(path: str | os.PathLike[str], kind: str, options: Options) -> Stack | Spikes:
    """Read trials from a file of arrays.

    Parameters
    ----------
    path : path
    kind : {"npz", "npy", "mat", "mat73", "hdf5"}
    options : Options
    """
    if kind in ("mat73", "hdf5"):
        h5py = optional("h5py", needed_by=path)
        with named(path, "HDF5 file"):
            file = h5py.File(path, "r")
        with file:
            return _read(path, Hdf5(path, file, kind == "mat73"), options, matlab=kind == "mat73")
    if kind == "mat":
        return _read(path, {k: _plain_mat(path, v) for k, v in mat_content(Path(path)).items()}, options, matlab=True)
    if kind == "npy":
        return _read(path, {"activity": read_npy(path)}, replace(options, series="activity"), matlab=False)
    content = {name: PICKLED if value is None else value for name, value in read_npz(path, objects=True).items()}
    return _read(path, content, options, matlab=False)


def _plain_mat(path: Any, value: Any) -> Any:
    """Convert scipy's result: a struct to a dict, several to a dict of cells, text to text, a cell to objects."""
    if hasattr(value, "toarray"):
        check_unpacked(path, 8 * value.shape[0] * value.shape[1], os.path.getsize(path))
        return value.toarray()
    if not _is_array(value):
        return value
    if value.dtype.names:
        fields = {name: _plain_mat(path, value[name]) for name in value.dtype.names}
        return {name: cells.ravel()[0] for name, cells in fields.items()} if value.size == 1 else fields
    if value.dtype.kind == "O":
        cells = np.empty(value.shape, object)
        for place, one in np.ndenumerate(value):
            cells[place] = _plain_mat(path, one)
        return cells
    if value.dtype.kind == "U" and value.size > 1:
        return np.char.rstrip(value)  # rows of a matrix of characters have equal lengths
    return "".join(value.ravel().tolist()) if value.dtype.kind == "U" else value


def _with_fields(content: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """List variables, and fields of structs as ``session.rates``."""
    found = {f"{above}{name}": value for name, value in content.items()}
    for name, value in content.items():
        if isinstance(value, dict):
            found |= _with_fields(value, f"{above}{name}.")
    return found


def _read(path: Any, content: Mapping[str, Any], options: Options, *, matlab: bool) -> Stack | Spikes:
    content = content if isinstance(content, Hdf5) else _with_fields(content)
    own = "eicon.activity" in str(content["format"]) if "format" in content and "dt_ms" in content else False
    name = signal_of(options.observed) if own and options.series is None else _chosen(path, content, options)
    where, values = f"{path} ({name})", content[name]
    if not _is_array(values) or not values.shape or not values.size:
        raise ValueError(f"{where} must be an array of numbers or cells; got {_about(content, name)}.")
    struct = content.get(name.rpartition(".")[0])
    beside = struct if isinstance(struct, dict) else content  # fields of the same struct
    axes = ORDER if own else _axes(where, values, options, matlab)
    fields, asked = _fields(where, content, beside, options, {name, name.rpartition(".")[2]})
    if values.dtype.kind == "O" and "time" not in axes:
        return _spikes(where, values, axes, content, fields, asked, options)
    options.refuse(where, "trials that are already cut", (*OF_TRIALS, "axes", "trials"))
    activity, mask = _trials(where, values, axes, matlab)
    T, B, M = activity.shape
    dt = options.step(float(np.ravel(content["dt_ms"])[0]), where, "the file") if own else _dt(where, beside, options)
    table = _table(fields, asked, (T, B, M), options)
    made = Stack(where, activity, dt, _names(content, options, M, where), mask)
    made.observed = options.observed or (quantity_of(name) if own else observed_of(where, activity, options))
    made.said = f"axes {' '.join(axes)}"
    if own:
        _fill_own(made, content, name, options)
    given = options.inputs
    if isinstance(given, str) and given in content and _is_array(content[given]):
        made.inputs, inside = _trials(f"{path}: inputs {given!r}", content[given], axes, matlab)
        if inside is not None and mask is not None:
            if not np.array_equal(inside, mask):
                raise ValueError(f"{where}: trials of inputs {given!r} must have the same lengths as those of {name}.")
            made.inputs = np.where(inside[:, :, None], made.inputs, 0.0)
        made.channels = [given] if made.inputs.shape[2] == 1 else [f"{given} {i}" for i in range(made.inputs.shape[2])]
    made.fill(options, table, variables=content)
    if own and "condition_names" in content:  # their names before conversion to MATLAB's
        said = dict(zip(table.columns, _vector(content["condition_names"]), strict=False))
        made.conditions = {str(said.get(name, name)): values for name, values in made.conditions.items()}
    return made


def _chosen(path: Any, content: Mapping[str, Any], options: Options) -> str:
    """Return the variable that contains the activity: the one requested, or the only candidate."""
    shapes = {name: _shape(content, name) for name in content}
    if options.series is not None:
        fitting = [name for name in shapes if name == options.series]
    else:
        fitting = [name for name in shapes if _may_be_activity(content, name)]
        fitting = [name for name in fitting if len(shapes[name]) == 3 or content[name].dtype.kind == "O"] or fitting
    return only_one(path, list(shapes), fitting, options.series, lambda name: _about(content, name))


def _shape(content: Mapping[str, Any], name: str) -> tuple[int, ...]:
    if isinstance(content, Hdf5):
        return content.shape(name)
    return np.shape(content[name]) if _is_array(content[name]) else ()


def _about(content: Mapping[str, Any], name: str) -> str:
    if shape := _shape(content, name):
        return " x ".join(map(str, shape))
    if isinstance(content, Hdf5):
        return content.about(name)
    value = content[name]
    return value if value is PICKLED else "a struct" if isinstance(value, dict) else "one value"


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def _may_be_activity(content: Mapping[str, Any], name: str) -> bool:
    shape = _shape(content, name)
    if len(shape) == 3:
        return True
    many = len(shape) == 2 and min(shape) > 1
    if isinstance(content, Hdf5) and not many and max(shape, default=0) < 2:
        return False
    value = content[name]
    if not _is_array(value):
        return False
    if value.dtype.kind == "O":
        return value.size > 0 and all(_is_array(c) and c.dtype.kind in "biuf" and c.size != 1 for c in value.ravel())
    return many and value.dtype.kind in "biuf"


def _axes(where: str, values: Any, options: Options, matlab: bool) -> tuple[str, ...]:
    """Return the names of the axes, which are never guessed."""
    cells = values.dtype.kind == "O"
    about = f"{where}: {_kind_of(values)}{f' whose first cell is {_kind_of(values.flat[0])}' if cells else ''}"
    if options.axes is None:
        example = "unit time" if cells else " ".join(("unit", "trial", "time")[-values.ndim :])
        more = "; for spike times in cells give the axes of the cells, axes='unit trial' or 'unit'" if cells else ""
        size = "MATLAB's size()" if matlab else "the array's shape"
        raise ValueError(
            f"{about}: the file does not name its axes, and they are never guessed. Name them in the order of {size}, "
            f"e.g. axes={example!r}{more}."
        )
    words = options.axes.replace(",", " ").lower().split()
    axes = tuple(next((axis for axis, known in AXES.items() if word in known), "") for word in words)
    if "" in axes or len(set(axes)) < len(axes):
        raise ValueError(f"axes must name time, trial and unit, each once; got {options.axes!r}.")
    if cells:
        allowed = [{"unit", "time"}, {"unit", "trial"}, {"unit"}]
        if set(axes) not in allowed:
            raise ValueError(
                f"{about}: for one cell per trial, axes are those of each cell, 'unit time' or 'time unit'; for spike "
                f"times, those of the cells, 'unit trial', 'trial unit' or 'unit'; got {options.axes!r}."
            )
        return axes
    if "time" not in axes:
        raise ValueError(f"axes must name time, and optionally trial and unit; got {options.axes!r}.")
    return axes


def _trials(where: str, values: Any, axes: Sequence[str], matlab: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """Return an array in the order time, trial, unit, and the steps inside trials if these are cells."""
    if values.dtype.kind == "O":
        return padded(where, _cells(where, values, axes))
    array = _numbers(where, values)
    missing = len(axes) - array.ndim
    if missing == 1 and matlab and axes[-1] != "time":  # MATLAB drops a last axis of one
        array = array[..., None]
    elif missing:
        raise ValueError(
            f"{where}: {_kind_of(array)}: it has {array.ndim} axes, but axes={' '.join(axes)!r} names {len(axes)}."
        )
    there = [axis for axis in ORDER if axis in axes]
    array = array.transpose([list(axes).index(axis) for axis in there])
    return np.expand_dims(array, [i for i, axis in enumerate(ORDER) if axis not in axes]), None


def _numbers(where: str, values: Any) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        got = "complex numbers" if array.dtype.names == ("real", "imag") else str(array.dtype)
        raise ValueError(f"{where} must contain real numbers; got {got}.")
    return array.astype(np.float64)


def _cells(where: str, values: np.ndarray, axes: Sequence[str]) -> list[np.ndarray]:
    """Return the trials (T_b, M) of a cell array with one cell per trial."""
    if not _is_vector(values.shape):
        raise ValueError(
            f"{where}: {_kind_of(values)}; with one cell per trial it must have one row or "
            "column. Cells of spike times per unit and trial need axes='unit trial'."
        )
    trials = [_numbers(f"{where}, cell {i + 1}", cell) for i, cell in enumerate(values.ravel())]
    if empty := [str(i + 1) for i, cell in enumerate(trials) if not cell.size]:
        raise ValueError(f"{where}: cells without data: {', '.join(empty[:MOST])}; omit trials without data.")
    if (odd := next((i for i, cell in enumerate(trials) if cell.ndim != 2), None)) is not None:
        raise ValueError(f"{where}: cell {odd + 1} must have the axes {' '.join(axes)}; got shape {trials[odd].shape}.")
    return [cell if axes[0] == "time" else cell.T for cell in trials]


def padded(where: str, trials: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Combine trials (T_b, M) into an array (T, B, M), NaN after their ends, and a mask (T, B)."""
    sizes = {trial.shape[1] for trial in trials}
    if len(sizes) != 1:
        more = [f"{trial.shape[1]} in trial {i + 1}" for i, trial in enumerate(trials)]
        other = next(i for i, trial in enumerate(trials) if trial.shape[1] != trials[0].shape[1])
        raise ValueError(
            f"{where}: all trials must have the same units; got {more[0]} and {more[other]}. Are the axes named in the "
            "wrong order?"
        )
    lengths = np.array([len(trial) for trial in trials])
    if not lengths.all():
        raise ValueError(f"{where}: trial {int(np.argmin(lengths)) + 1} is empty.")
    shape = int(lengths.max()), len(trials), sizes.pop()
    check_size(*shape)
    activity = np.full(shape, np.nan)
    for i, trial in enumerate(trials):
        activity[: len(trial), i] = trial
    return activity, np.arange(len(activity))[:, None] < lengths


def _dt(where: str, content: Mapping[str, Any], options: Options) -> float:
    """Return the step of cut trials: the one given, or that of the file."""
    if options.dt is not None:
        return options.dt
    for name in ("dt_ms", "dt"):
        value = np.ravel(content[name]) if name in content else np.zeros(0)
        if value.size == 1 and value.dtype.kind in "iuf":
            return float(value[0]) * (1.0 if name == "dt_ms" else options.factor(None, f"{where}: dt is {value[0]:g}"))
    return options.step(None, where, "the file")


def _fields(
    where: str, content: Mapping[str, Any], beside: Mapping[str, Any], options: Options, used: set[str]
) -> tuple[dict[str, Any], bool]:
    """Return variables that may have one value per trial, and whether they belong to a struct of trials."""
    if options.trials is not None:
        found = content.get(options.trials)
        if not isinstance(found, dict):
            there = ", ".join(content)
            raise ValueError(f"{where}: trials: there is no struct {options.trials!r}; the file has {there}.")
        return found, True
    if isinstance(beside.get("conditions"), dict):
        return beside["conditions"], True
    used |= {options.names} if isinstance(options.names, str) else set()
    names = [name for name in beside if name not in used and "." not in name]
    return {name: beside[name] for name in names if _is_vector(_shape(beside, name))}, False


def _table(fields: Mapping[str, Any], asked: bool, shape: tuple[int, int, int], options: Options) -> Table:
    """Return variables, or fields of a struct, with one value per trial."""
    T, B, M = shape
    columns = {
        name: column for name, value in fields.items() if len(column := _vector(value)) == B and (B > 1 or asked)
    }
    if B in (T, M) and not asked:  # they may instead have one value per unit or step
        columns = {name: column for name, column in columns.items() if name in options.columns()}
    return table_of(columns, options, options.factor_or_none(), n=B)


def _is_vector(shape: tuple[int, ...]) -> bool:
    return max(shape, default=0) == math.prod(shape)


def _vector(value: Any) -> np.ndarray:
    """Return the numbers or texts of a variable with one axis, or None."""
    if not _is_array(value) or not _is_vector(value.shape) or value.dtype.names:
        return np.zeros(0)
    flat = value.ravel()
    if flat.dtype.kind != "O":
        return flat
    held = [np.ravel(cell) for cell in flat]
    return np.array([cell[0] for cell in held]) if all(cell.size == 1 for cell in held) else np.zeros(0)


def _names(content: Mapping[str, Any], options: Options, M: int, where: str) -> Any:
    """Return the names of the units given by a variable."""
    if not isinstance(options.names, str):
        return None
    if options.names not in content or content[options.names] is PICKLED:
        there = ", ".join(f"{name} ({PICKLED})" if content[name] is PICKLED else name for name in content)
        raise ValueError(f"{where}: names: there is no variable {options.names!r} to read; the file has {there}.")
    names = _vector(content[options.names])
    if len(names) != M:
        raise ValueError(
            f"{where}: {options.names!r} names {len(names)} units, but the axes imply {M}. Are the axes "
            "in a different order?"
        )
    return names


def _fill_own(made: Stack, content: Mapping[str, Any], name: str, options: Options) -> None:
    """Return the additional information in a file of `eicon.exchange.to_mat`."""
    if options.inputs is None:
        made.inputs = np.asarray(content["inputs"], np.float64)
        made.channels = [str(one) for one in np.ravel(content["input_channels"])]
    spans = content["epochs_ms"]
    stop = np.max([np.reshape(span, (-1, 2))[:, 1] for span in spans.values()], axis=0)
    made.mask = np.arange(len(made.activity))[:, None] * made.dt < stop - 1e-6
    if name != "outputs":
        fields = content["units"]
        made.labels = {str(label): column for label, value in fields.items() if len(column := _vector(value))}
        if options.names is None:
            made.units = made.labels.get("name")


def _spikes(
    where: str,
    values: np.ndarray,
    axes: Sequence[str],
    content: Mapping[str, Any],
    fields: Mapping[str, Any],
    asked: bool,
    options: Options,
) -> Spikes:
    """Read spike times from cells: one per unit of a session, or one per unit and trial, relative to an event."""
    factor = options.factor(None, where)
    if "trial" in axes:
        if values.ndim != 2:
            raise ValueError(f"{where}: cells of spike times must have the axes {' '.join(axes)}; got {values.shape}.")
        cells = values if axes[0] == "unit" else values.T
        times: list[Any] = [[_times(where, cell, factor) for cell in row] for row in cells]
        B = cells.shape[1]
        table = _table(fields, asked, (0, B, len(cells)), options).with_starts()
    else:
        times = [_times(where, cell, factor) for cell in values.ravel()]
        event = _vector(fields[options.align_to]) if options.align_to in fields else np.zeros(0)
        if not len(event) or event.dtype.kind not in "biuf":
            raise ValueError(
                f"{where}: spike times of a session need the times of trials: a variable {options.align_to!r} with one "
                "value per trial, or a different variable named by align_to; spike times per trial need axes='unit "
                "trial'."
            )
        columns = {k: v for k, value in fields.items() if len(v := _vector(value)) == len(event)}
        table = table_of(columns, options, factor)
    units = _names(content, options, len(times), where)
    names = [str(name) for name in (range(len(times)) if units is None else units)]
    return Spikes(where, times, names, {}, table, of_trials="trial" in axes, known=("axes",))


def _times(where: str, cell: Any, factor: float) -> np.ndarray:
    if not _is_array(cell) or cell.dtype.kind not in "biuf" or not _is_vector(cell.shape):
        raise ValueError(f"{where}: a cell of spike times must contain one list of numbers; got {_kind_of(cell)}.")
    return np.round(cell.ravel().astype(np.float64) * factor, 6)


def _kind_of(value: Any) -> str:
    """Describe a variable or a cell, for errors."""
    if not _is_array(value):
        return "text" if isinstance(value, str) else "a struct"
    return f"{'a cell' if value.dtype.kind == 'O' else 'an'} array {' x '.join(map(str, value.shape))}"
