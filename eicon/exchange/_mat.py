"""MATLAB files, through scipy: numbers, structs and cells of text that MATLAB and Octave read directly."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy import io

from .._files import atomic_file, named
from .._matlab import mat_content
from ..models import RateRNN
from ..models.results import Activity
from ..tasks import Task, Trial
from ._paths import refuse_existing
from ._recorded import SIGNALS, Recorded, checked, recorded
from ._weights import to_numpy

LONGEST_NAME = 63
"""Maximum length of a name in MATLAB."""
KEYWORD = re.compile(
    "break|case|catch|classdef|continue|else|elseif|end|for|function|global|if|otherwise|parfor|persistent|return|spmd|"
    "switch|try|while"
)


def to_mat(
    path: str | os.PathLike[str],
    net: RateRNN,
    trial: Trial,
    activity: Activity,
    *,
    task: Task | None = None,
    overwrite: bool = False,
) -> None:
    """Write trials, activity and weights to a MATLAB file (version 5, compressed); `read_mat` reads the file.

    In MATLAB, ``load`` gives ``rates`` and ``currents`` (time, trial, unit), ``outputs``, ``inputs``, ``targets``,
    ``mask``, ``time_ms``, ``dt_ms``; the structs ``conditions`` (one value per trial), ``epochs_ms`` (start and
    end per trial), ``units`` (labels) and ``network`` (effective weights ``W(from, to)``, constants); and the
    cells ``input_channels`` and ``output_channels``. Names are converted to names that MATLAB allows.

    Parameters
    ----------
    path : path
        Name ending in ``.mat``.
    net, trial, activity, task
        Same as for `to_xarray`.
    overwrite : bool

    Raises
    ------
    FileExistsError
        If the file exists and ``overwrite`` is False.
    ValueError
        If activity, trials, network and task do not belong together.
    """
    record = recorded(net, trial, activity, task)
    contents: dict[str, Any] = {name: getattr(record, name) for name in SIGNALS}
    contents |= {"dt_ms": record.dt, "time_ms": record.time, "format": "eicon.activity 1"}
    contents["input_channels"], contents["output_channels"] = (
        _cell(record.input_channels),
        _cell(record.output_channels),
    )
    contents["conditions"], contents["condition_names"] = _struct(record.conditions)
    spans = {name: span.astype(float) * record.dt for name, span in record.epochs.items()}
    contents["epochs_ms"], contents["epoch_names"] = _struct(spans)
    contents["units"], contents["unit_labels"] = _struct(record.units)
    contents["condition_types"] = _cell([values.dtype.name for values in record.conditions.values()])
    contents["network"], _ = _struct(to_numpy(net))
    refuse_existing(path, overwrite)
    with atomic_file(path) as stream:
        io.savemat(stream, contents, do_compression=True, long_field_names=True, oned_as="column")


def read_mat(path: str | os.PathLike[str]) -> Recorded:
    """Read trials and activity from a file of `to_mat`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, or not written by `to_mat`.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f"no MATLAB file at {path}.")
    with open(path, "rb") as stream:
        if stream.read(10) == b"MATLAB 7.3":
            raise ValueError(f"{path} was not written by eicon; read it with eicon.recordings.read.")
    found = mat_content(Path(path))
    lacking = [name for name in (*SIGNALS, "conditions", "epochs_ms", "units", "dt_ms") if name not in found]
    if lacking:
        raise ValueError(
            f"{path} was not written by eicon: it has no {', '.join(lacking)}; read it with eicon.recordings.read."
        )
    with named(path, "MATLAB file of eicon"):
        return checked(_recorded(found))


def _recorded(found: Mapping[str, Any]) -> Recorded:
    dt = float(found["dt_ms"].item())
    inputs, outputs = _texts(found["input_channels"]), _texts(found["output_channels"])
    _, B, N = found["rates"].shape
    types = _texts(found["condition_types"])
    conditions = _fields(found["conditions"], found["condition_names"])
    spans = _fields(found["epochs_ms"], found["epoch_names"])
    labels = _fields(found["units"], found["unit_labels"])
    return Recorded(
        dt,
        **{name: found[name] for name in SIGNALS},
        conditions={
            name: values.reshape(B).astype(dtype)
            for (name, values), dtype in zip(conditions.items(), types, strict=True)
        },
        epochs={name: np.rint(span.reshape(B, 2) / dt).astype(np.int32) for name, span in spans.items()},
        units={
            name: np.array(_texts(values)) if values.dtype == object else values.reshape(N)
            for name, values in labels.items()
        },
        input_channels=inputs,
        output_channels=outputs,
    )


def matlab_name(name: str, taken: dict[str, Any]) -> str:
    """Convert any text to a variable name for MATLAB, different from those already taken.

    Examples
    --------
    >>> matlab_name("vpair[0]", {}), matlab_name("2nd", {}), matlab_name("a b", {"a_b": 1}), matlab_name("end", {})
    ('vpair_0_', 'x2nd', 'a_b_2', 'xend')
    """
    safe = re.sub(r"[^A-Za-z0-9_]", "_", name) or "x"
    safe = (safe if safe[0].isalpha() and not KEYWORD.fullmatch(safe) else f"x{safe.lstrip('_')}")[:LONGEST_NAME]
    found, count = safe, 1
    while found in taken:
        count += 1
        found = f"{safe[: LONGEST_NAME - 4]}_{count}"
    return found


def _struct(group: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    fields: dict[str, Any] = {}
    for name, values in group.items():
        fields[matlab_name(name, fields)] = _plain(values)
    return fields, _cell(group)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind in "US":
        return _cell(value.tolist())
    return value


def _cell(texts: Any) -> np.ndarray:
    cell = np.empty(len(texts), object)
    cell[:] = list(texts)
    return cell


def _texts(cell: np.ndarray) -> tuple[str, ...]:
    return tuple(str(entry.item()) if entry.size else "" for entry in cell.ravel())


def _fields(struct: np.ndarray, names: np.ndarray) -> dict[str, np.ndarray]:
    found = struct[0, 0]
    return {name: found[field] for name, field in zip(_texts(names), struct.dtype.names or (), strict=True)}
