"""Neurodata Without Borders: trials one after the other on one time axis, like a recording."""

import json
import os
import re
from datetime import UTC, datetime
from typing import Any

import numpy as np

from .._files import named
from .._hdf5 import check_heaps
from .._optional import optional
from ..models import RateRNN
from ..models.results import Activity
from ..tasks import Task, Trial
from ._paths import refuse_existing, replacing
from ._recorded import SIGNALS, Recorded, checked, free_name, recorded

FORMAT = "eicon.activity 1"
_COLUMNS = {"start_time", "stop_time", "tags", "timeseries", "id"}
_ABOUT = {
    "rates": "Rates r = f(x) of the model's units, in the order of the table model_units.",
    "currents": "Synaptic currents x of the model's units, in the order of the table model_units.",
    "outputs": "Readout of the network.",
    "inputs": "Stimuli of the task.",
    "targets": "Desired outputs.",
    "mask": "1 where outputs are scored, 0 elsewhere and after the end of a trial.",
}


def to_nwb(
    path: str | os.PathLike[str],
    net: RateRNN,
    trial: Trial,
    activity: Activity,
    *,
    task: Task | None = None,
    start: datetime | None = None,
    description: str = "Rate network in a task, simulated with eicon.",
    overwrite: bool = False,
) -> None:
    """Write trials and activity to an NWB file (HDF5); `read_nwb` reads the file.

    Trials follow one another on one time axis in seconds, each as long as the longest. The processing module
    ``network`` contains the time series ``rates``, ``currents`` and ``outputs``, and the table ``model_units`` with the
    units' labels; ``inputs`` are a stimulus; ``targets`` and ``mask`` are in the module ``task``. The trials table
    has a column for each condition, and ``<epoch>_start`` and ``<epoch>_stop`` in seconds for each epoch. Rates and
    currents are in arbitrary units, not spikes of sorted units.

    Parameters
    ----------
    path : path
        Name ending in ``.nwb``.
    net, trial, activity, task
        Same as for `to_xarray`.
    start : datetime with a time zone, optional
        Start of the session; by default now.
    description : str
        Description of the session.
    overwrite : bool

    Raises
    ------
    FileExistsError
        If the file exists and ``overwrite`` is False.
    ValueError
        If activity, trials, network and task do not belong together, ``start`` has no time zone, or the name does not
        end in ``.nwb``.
    ImportError
        If pynwb is not installed.
    """
    record = recorded(net, trial, activity, task)
    pynwb = optional("pynwb")
    start = datetime.now(UTC) if start is None else start
    if start.tzinfo is None:
        raise ValueError(f"start needs a time zone, e.g. datetime(2026, 1, 1, tzinfo=UTC); got {start!r}.")
    if os.path.splitext(path)[1] != ".nwb":
        raise ValueError(f"the name of an NWB file must end in .nwb; got {os.fspath(path)}.")
    refuse_existing(path, overwrite)
    contents = _session(pynwb, record, start, description)
    with replacing(path, overwrite) as made, pynwb.NWBHDF5IO(str(made), "w") as file:
        file.write(contents)


def _session(pynwb: Any, record: Recorded, start: datetime, description: str) -> Any:
    step = record.dt / 1000
    session = pynwb.NWBFile(
        session_description=description,
        identifier=f"eicon-{start.isoformat()}",
        session_start_time=start,
        keywords=[FORMAT, f"dt_ms={record.dt!r}", f"n_steps={len(record.rates)}"],
    )
    network = session.create_processing_module("network", "Activity of the simulated network.")
    module = session.create_processing_module("task", "Targets and mask of the task.")
    channels = {"inputs": record.input_channels, "outputs": record.output_channels}
    for name in SIGNALS:
        values = getattr(record, name)
        series = pynwb.TimeSeries(
            name=name,
            data=_one_after_the_other(values),
            unit="a.u.",
            rate=1 / step,
            starting_time=0.0,
            description=_ABOUT[name],
            comments=json.dumps({"channels": channels.get(name, ())}),
        )
        if name == "inputs":
            session.add_stimulus(series)
        else:
            (module if name in ("targets", "mask") else network).add(series)
    network.add(_units_table(record.units))
    _add_trials(session, record, step)
    return session


def _one_after_the_other(values: np.ndarray) -> np.ndarray:
    """Reshape (T, B, ...) to (B T, ...)."""
    turned = np.swapaxes(values, 0, 1)
    return np.ascontiguousarray(turned.reshape(-1, *values.shape[2:]))


def _units_table(labels: dict[str, np.ndarray]) -> Any:
    common = optional("pynwb.core")
    columns = [
        common.VectorData(name=_column(common, name), description=f"label {name}", data=_plain(values))
        for name, values in labels.items()
    ]
    return common.DynamicTable(name="model_units", description="Units of the model, one per row.", columns=columns)


def _column(common: Any, name: str) -> str:
    """Return the name of a label in the table of units, which reserves some attributes, such as ``name``."""
    return free_name(_allowed(name), set(dir(common.DynamicTable)), "unit")


def _add_trials(session: Any, record: Recorded, step: float) -> None:
    onset = np.arange(record.n_trials) * len(record.rates) * step
    stop = onset + np.max([span[:, 1] for span in record.epochs.values()], axis=0) * step
    for begins, ends in zip(onset, stop, strict=True):
        session.add_trial(start_time=float(begins), stop_time=float(ends))
    columns: dict[str, tuple[str, Any]] = {}
    for name, values in record.conditions.items():
        free = free_name(_allowed(name), _COLUMNS | columns.keys(), "condition")
        columns[free] = (f"condition {name}", _plain(values))
    for name, span in record.epochs.items():
        for i, edge in enumerate(("start", "stop")):
            free = free_name(f"{_allowed(name)}_{edge}", _COLUMNS | columns.keys(), "epoch")
            columns[free] = (f"{edge} of the epoch {name}, in s", onset + span[:, i] * step)
    for name, (about, values) in columns.items():
        session.add_trial_column(name=name, description=about, data=values)


def _allowed(name: str) -> str:
    return re.sub(r"[/:]", "_", name)


def _plain(values: np.ndarray) -> Any:
    return values.tolist() if values.dtype.kind in "US" else values


def read_nwb(path: str | os.PathLike[str]) -> Recorded:
    """Read trials and activity from a file of `to_nwb`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, or not written by `to_nwb`.
    ImportError
        If pynwb is not installed.
    """
    pynwb = optional("pynwb")
    if not os.path.isfile(path):
        raise FileNotFoundError(f"no NWB file at {path}.")
    check_heaps(path)
    with named(path, "NWB file of eicon.exchange.to_nwb"), pynwb.NWBHDF5IO(str(path), "r") as file:
        session = file.read()
        if FORMAT not in (session.keywords or [])[:]:
            raise ValueError(f"{path} was not written by eicon; read it with eicon.recordings.read.")
        return checked(_read(session))


def _read(session: Any) -> Recorded:
    said = dict(word.split("=", 1) for word in session.keywords[:] if "=" in word)
    dt, T = float(said["dt_ms"]), int(said["n_steps"])
    network, module = session.processing["network"], session.processing["task"]
    series = {"inputs": session.stimulus["inputs"], "targets": module["targets"], "mask": module["mask"]}
    series |= {name: network[name] for name in ("outputs", "rates", "currents")}
    signals = {}
    for name, found in series.items():
        values = found.data[:]
        signals[name] = np.ascontiguousarray(np.swapaxes(values.reshape(-1, T, *values.shape[1:]), 0, 1))
    channels = {name: tuple(json.loads(series[name].comments)["channels"]) for name in ("inputs", "outputs")}
    onset = session.trials["start_time"].data[:]
    conditions, edges = {}, {}
    for column in session.trials.columns:
        if column.description.startswith("condition "):
            conditions[column.description.removeprefix("condition ")] = _array(column.data[:])
        elif match := re.fullmatch(r"(start|stop) of the epoch (.*), in s", column.description):
            edges[match[2], match[1]] = np.rint((column.data[:] - onset) * 1000 / dt).astype(np.int32)
    names = [name for name, edge in edges if edge == "start"]
    labels = {c.description.removeprefix("label "): _array(c.data[:]) for c in network["model_units"].columns}
    return Recorded(
        dt,
        **signals,
        conditions=conditions,
        epochs={name: np.stack([edges[name, "start"], edges[name, "stop"]], axis=1) for name in names},
        units=labels,
        input_channels=channels["inputs"],
        output_channels=channels["outputs"],
    )


def _array(values: Any) -> np.ndarray:
    array = np.asarray(values)
    return np.array([str(v) for v in array]) if array.dtype.kind == "O" else array
