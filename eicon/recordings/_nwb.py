"""Neurodata Without Borders: spike times with the table of trials, and series of samples such as dF/F."""

import json
import os
import warnings
from typing import Any

import numpy as np

from .._files import check_unpacked, named
from .._optional import optional
from ._cut import Series, Spikes, Table, column_of, only_one, table_of
from ._options import Options
from ._recording import quantity_of, signal_of

NOT_ACTIVITY = ("ImageSeries", "ElectricalSeries", "SpatialSeries", "IndexSeries", "OpticalSeries", "TwoPhotonSeries")
"""Series that are read only if requested by name."""


def read_nwb(path: str | os.PathLike[str], options: Options) -> Spikes | Series:
    """Read spikes or samples of a session, and its trials."""
    pynwb = optional("pynwb", needed_by=path)
    quiet = warnings.catch_warnings(action="ignore")  # about the versions and schemas of the file
    with named(path, "NWB file"), quiet, pynwb.NWBHDF5IO(str(path), "r", load_namespaces=True) as file:
        session = file.read()
        said = dict(word.split("=", 1) for word in (session.keywords or [])[:] if "=" in word)
        own = dict(said) if "eicon.activity 1" in (session.keywords or [])[:] else {}
        table = _trials(path, session, options)
        shown = {name: one for name, one in session.stimulus.items() if _is_series(one)}
        wanted = "inputs" if own and options.inputs is None else options.inputs
        stimuli = {
            name: _stimulus(path, one, options, own) if isinstance(wanted, str) and name == wanted else None
            for name, one in shown.items()
        }
        name, found = _chosen(path, session, pynwb, options, own)
        where = f"{path} ({name})"
        if name == "units":
            return _spikes(path, where, found, options, table, stimuli)
        labels = _labels_of(found, session if own else None)
        made = _series(path, found, labels, options, where=where)
        made.table, made.stimuli = table, stimuli
        if own:
            made.dt = float(own["dt_ms"])
            if options.names is None and "name" in labels:
                made.units = [str(one) for one in labels["name"]]
            made.observed = quantity_of(name.rpartition("/")[2])
            made.shown = "inputs"
        elif type(found).__name__ == "RoiResponseSeries":
            made.observed = "calcium"
            if options.observed is None and options.decay is None:
                raise ValueError(
                    f"{where} contains fluorescence: pass decay, the time constant of its kernel in ms, such as "
                    "decay=400, or observed='rate' to treat it as rates."
                )
        return made


def _is_series(one: Any) -> bool:
    return hasattr(one, "data") and hasattr(one, "starting_time") and getattr(one.data, "ndim", 0) in (1, 2)


def _chosen(path: Any, session: Any, pynwb: Any, options: Options, own: dict[str, str]) -> tuple[str, Any]:
    """Select the recording in a file: the one requested, or the only one."""
    every: dict[str, Any] = {}
    shown = {id(one) for one in session.stimulus.values()}
    for one in session.objects.values():
        if isinstance(one, pynwb.TimeSeries) and _is_series(one) and id(one) not in shown:
            every[_place(one)] = one
    every = dict(sorted(every.items()))
    if session.units is not None and "spike_times" in session.units.colnames:
        every = {"units": session.units, **every}
    if options.series is not None:
        fitting = [name for name in every if options.series in (name, name.rpartition("/")[2])]
    elif own:
        fitting = [f"network/{signal_of(options.observed)}"]
    else:
        kinds = {name: type(one).__name__ for name, one in every.items()}
        fitting = [name for name, kind in kinds.items() if kind in ("Units", "RoiResponseSeries")]
        fitting = fitting or [
            name for name, kind in kinds.items() if kind not in NOT_ACTIVITY and every[name].data.ndim == 2
        ]
    what, example = ("series", "recordings"), next(iter(every), None)
    name = only_one(path, list(every), fitting, options.series, lambda name: _about(every[name]), what, example)
    return name, every[name]


def _place(one: Any) -> str:
    """Return the names of the containers of a series, and its own."""
    names = [one.name]
    while (one := getattr(one, "parent", None)) is not None and one.name not in ("root", "NWBFile"):
        names.insert(0, one.name)
    return "/".join(names)


def _about(one: Any) -> str:
    if type(one).__name__ == "Units":
        return f"spike times of {len(one)} units"
    return f"{type(one).__name__}, {' x '.join(map(str, one.data.shape))}"


def _trials(path: Any, session: Any, options: Options) -> Table:
    """Read the table of trials; without one, the part of the session given by a window is one trial."""
    name = options.trials or "trials"
    found = session.trials if name == "trials" else (session.intervals or {}).get(name)
    if found is None:
        there = [key for key in (session.intervals or {}) if key != "invalid_times"]
        if options.trials or options.window is None or None in options.window:
            more = f" It has {', '.join(there)}; select one with trials={there[0]!r}." if there else ""
            raise ValueError(
                f"{path} has no trials table{f' {name!r}' if options.trials else ''}.{more} To read a part"
                " of the session as one trial, pass window=(from, to) in ms."
            )
        return Table({"start_time": np.zeros(1)}, frozenset({"start_time"}), 1)
    columns = _columns(found)
    said = [name for name in columns if (found[name].description or "").rstrip(".").endswith((", in s", "(s)"))]
    return table_of(columns, options, options.factor("s", str(path)), said=said)


def _values(column: Any) -> Any:
    """Read the values of a column of a table, numbers or texts; None for references and ragged columns."""
    values = np.asarray(column.data[:])
    if values.dtype.kind != "O":
        return values
    if all(isinstance(value, str | bytes) for value in values):
        return np.array([value.decode() if isinstance(value, bytes) else value for value in values])
    return None


def _columns(table: Any, *, own: bool = False) -> dict[str, Any]:
    """Read columns with one number or text per row, by name, which eicon's own files keep in the description."""
    found = {}
    for name in table.colnames:
        column = table[name]
        if hasattr(column, "target") or hasattr(column, "table"):  # ragged, or rows of a different table
            continue
        values = _values(column)
        if values is not None and values.shape == (len(table),) and values.dtype.kind in "biufU":
            found[(column.description or "").removeprefix("label ") if own else column.name] = values
    return found


def _spikes(path: Any, where: str, units: Any, options: Options, table: Table, stimuli: Any) -> Spikes:
    factor = options.factor("s", where)
    stops = np.asarray(units["spike_times"].data[:]) if len(units) else np.zeros(0)
    data = units["spike_times"].target.data
    check_unpacked(path, data.size * data.dtype.itemsize, os.path.getsize(path))
    times = np.split(np.round(data[:].astype(np.float64) * factor, 6), stops[:-1].astype(int))
    spans = None
    if "obs_intervals" in units.colnames:
        spans = [np.asarray(units["obs_intervals"][i], np.float64).reshape(-1, 2) * factor for i in range(len(units))]
    labels = _columns(units)
    names = [str(i) for i in units.id[:]]
    return Spikes(where, times, _named(where, names, labels, options), labels, table, stimuli, spans)


def _named(where: str, names: list[str], labels: dict[str, Any], options: Options) -> list[str]:
    """Read the names of units: those of the file, or a column of their table."""
    if isinstance(options.names, str):
        return [str(name) for name in column_of(labels, options.names, f"{where}: names: the units")]
    return names


def _labels_of(series: Any, own: Any) -> dict[str, Any]:
    """Read columns of the table in which a series has one row per unit."""
    if own is not None:
        return _columns(own.processing["network"]["model_units"], own=True) if series.name != "outputs" else {}
    rois = getattr(series, "rois", None)
    if rois is None:
        return {}
    rows = np.asarray(rois.data[:]).astype(int)
    found = {name: values[rows] for name, values in _columns(rois.table).items()}
    return {"id": np.asarray(rois.table.id[:])[rows], **found}


def _series(path: Any, series: Any, labels: dict[str, Any], options: Options, where: str = "") -> Series:
    """Read the samples of a series."""
    check_unpacked(path, series.data.size * series.data.dtype.itemsize, os.path.getsize(path))
    values = np.asarray(series.data[:], np.float64) * series.conversion + series.offset
    values = values if values.ndim == 2 else values[:, None]
    factor = options.factor("s", where or str(path))
    n_times, n_units = (None if one is None else len(one) for one in (series.timestamps, labels.get("id")))
    if n_times not in (None, len(values)) or n_units not in (None, values.shape[1]):
        has = f"{n_times} times" if n_units is None else f"{n_units} ROIs"
        raise ValueError(
            f"{where or path}: data must be samples x units; got {' x '.join(map(str, values.shape))} and {has}. Were "
            "the axes turned when the file was written?"
        )
    if series.timestamps is not None:
        time = np.asarray(series.timestamps[:], np.float64) * factor
    else:
        time = (float(series.starting_time or 0.0) + np.arange(len(values)) / float(series.rate)) * factor
    names = [str(i) for i in labels.get("id", range(values.shape[1]))]
    labels = {name: column for name, column in labels.items() if name != "id"}
    units = _named(where, names, labels, options) if where else names
    return Series(where or series.name, values, np.round(time, 6), units, labels)


def _stimulus(path: Any, series: Any, options: Options, own: dict[str, str]) -> Series:
    """Read a stimulus; in files that eicon wrote, its channels have names."""
    made = _series(path, series, {}, options)
    steps = np.diff(made.time)
    if steps.size and not 0 < steps.max() < 1.5 * steps.min():
        raise ValueError(
            f"{path}: stimulus {series.name!r} has samples {steps.min():g} to {steps.max():g} ms apart, and is unknown "
            "in between; pass inputs as an array, or as pulses between times of the trials."
        )
    n = made.values.shape[1]
    made.units = [series.name] if n == 1 else [f"{series.name} {i}" for i in range(n)]
    if own:
        made.units = [str(name) for name in json.loads(series.comments)["channels"]]
    return made
