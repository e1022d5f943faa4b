"""Labelled arrays: xarray, and through it netCDF and Zarr."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._files import check_unpacked, named
from .._hdf5 import check_heaps
from .._optional import optional
from ..models import RateRNN
from ..models.results import Activity
from ..tasks import Task, Trial
from ._paths import replacing
from ._recorded import SIGNALS, Recorded, checked, free_name, recorded

if TYPE_CHECKING:
    import xarray as xr

_DIMENSIONS = {"inputs": "input", "outputs": "output", "targets": "output", "rates": "unit", "currents": "unit"}
_ORDER = ("time", "trial", "unit", "input", "output", "epoch")
_MEANING = {
    "inputs": ("1", "stimuli of the task"),
    "targets": ("1", "desired outputs"),
    "mask": ("1", "1 where outputs are scored"),
    "outputs": ("1", "readout z = r W_out + b_out"),
    "rates": ("1", "rates r = f(x), in arbitrary units"),
    "currents": ("1", "synaptic currents x, in arbitrary units"),
}
_OWN = {*SIGNALS, "time", "trial", "unit", "input", "output", "epoch", "epoch_start", "epoch_stop", "epoch_at"}


def to_xarray(net: RateRNN, trial: Trial, activity: Activity, *, task: Task | None = None) -> "xr.Dataset":
    """Combine trials and activity into one labelled dataset.

    Parameters
    ----------
    net : RateRNN
    trial : Trial
    activity : Activity
        Result of ``net.predict(trial.inputs)``.
    task : Task, optional
        Task that names the input and output channels.

    Returns
    -------
    xarray.Dataset
        Dimensions ``time`` (ms, the start of each step), ``trial``, ``unit``, ``input``, ``output`` and ``epoch``.
        Variables ``rates``, ``currents``, ``outputs``, ``inputs``, ``targets``, ``mask``, and ``epoch_start`` and
        ``epoch_stop`` of each trial in ms; if all trials have the same epochs, the coordinate ``epoch_at`` names
        that of each time (the later one if two overlap). Labels of units are coordinates of ``unit``, conditions
        are coordinates of ``trial`` (with ``_`` for spaces and slashes, and prefixed with their kind if a name is
        taken).

    Raises
    ------
    ValueError
        If activity, trials, network and task do not belong together.
    ImportError
        If xarray is not installed.

    Examples
    --------
    >>> import jax, eicon
    >>> task = eicon.PerceptualDecision()
    >>> net = eicon.RateRNN.dale(task.n_in, 10, task.n_out)
    >>> trial = task.sample(jax.random.key(0), 4)
    >>> data = to_xarray(net, trial, net.predict(trial.inputs), task=task)
    >>> data.rates.sel(time=slice(100, 400)).mean(["time", "trial"]).groupby("type").mean().sizes
    Frozen({'type': 2})
    """
    return dataset(recorded(net, trial, activity, task))


def dataset(record: Recorded) -> "xr.Dataset":
    """Convert a `Recorded` to a labelled dataset; see `to_xarray`."""
    xr = optional("xarray")
    variables: dict[str, Any] = {}
    for name in SIGNALS:
        values = getattr(record, name)
        dims = ("time", "trial") if values.ndim == 2 else ("time", "trial", _DIMENSIONS[name])
        units, meaning = _MEANING[name]
        variables[name] = (dims, values, {"units": units, "long_name": meaning})
    names = list(record.epochs)
    spans = np.stack([record.epochs[name] for name in names], axis=1)
    for i, edge in enumerate(("start", "stop")):
        variables[f"epoch_{edge}"] = (("trial", "epoch"), spans[:, :, i] * record.dt, {"units": "ms"})
    coords: dict[str, Any] = {
        "time": ("time", record.time, {"units": "ms", "long_name": "start of the step"}),
        "trial": np.arange(record.n_trials),
        "unit": np.arange(record.rates.shape[2]),
        "input": np.array(record.input_channels),
        "output": np.array(record.output_channels),
        "epoch": np.array(names),
    }
    if (spans == spans[:1]).all():
        coords["epoch_at"] = ("time", _names_in_time(names, spans[0], len(record.time)))
    for dim, kind, group in (("unit", "unit", record.units), ("trial", "condition", record.conditions)):
        for name, values in group.items():
            free = free_name(re.sub(r"[\s/]", "_", name), _OWN | coords.keys(), kind)
            coords[free] = (dim, values, {"eicon_name": name, "eicon_kind": kind})
    return xr.Dataset(variables, coords, {"dt": record.dt, "dt_units": "ms", "format": "eicon.activity 1"})


def from_xarray(data: "xr.Dataset") -> Recorded:
    """Convert a dataset of `to_xarray`, also if read from netCDF or Zarr, back to numpy arrays.

    Dimensions are read by name, in any order.

    Raises
    ------
    ValueError
        If the dataset is not one of `to_xarray`, or one of its dimensions is missing.
    """
    lacking = [name for name in (*SIGNALS, "epoch_start", "epoch_stop") if name not in data]
    if lacking or "dt" not in data.attrs:
        raise ValueError(f"this is not a dataset of eicon.exchange.to_xarray: it has no {', '.join(lacking) or 'dt'}.")
    if gone := [dim for dim in _ORDER if dim not in data.dims]:
        raise ValueError(
            f"the dataset must have the dimensions {', '.join(_ORDER)}; got none named {gone[0]}. "
            f"Keep one {gone[0]} as a dimension with isel({gone[0]}=[0]), or change other names with .rename()."
        )
    with named(str(data.encoding.get("source", "the dataset")), "dataset of eicon.exchange.to_xarray"):
        return checked(_recorded(data.transpose(*_ORDER, ...)))


def _recorded(data: "xr.Dataset") -> Recorded:
    dt = float(data.attrs["dt"])
    spans = np.rint(np.stack([data.epoch_start, data.epoch_stop], axis=2) / dt).astype(np.int32)
    groups: dict[str, dict[str, np.ndarray]] = {"unit": {}, "condition": {}}
    for coordinate in data.coords.values():
        if "eicon_kind" in coordinate.attrs:
            groups[coordinate.attrs["eicon_kind"]][coordinate.attrs["eicon_name"]] = coordinate.values
    return Recorded(
        dt,
        **{name: data[name].values for name in SIGNALS},
        conditions=groups["condition"],
        epochs={str(name): spans[:, i] for i, name in enumerate(data.epoch.values)},
        units=groups["unit"],
        input_channels=tuple(str(name) for name in data.input.values),
        output_channels=tuple(str(name) for name in data.output.values),
    )


def write_netcdf(
    path: str | os.PathLike[str],
    net: RateRNN,
    trial: Trial,
    activity: Activity,
    *,
    task: Task | None = None,
    overwrite: bool = False,
) -> None:
    """Write the dataset of `to_xarray` to a netCDF file; ``xarray.open_dataset`` and `read_netcdf` read it.

    Raises
    ------
    FileExistsError
        If the file exists and ``overwrite`` is False.
    ValueError, ImportError
        In the same cases as `to_xarray`; nothing is written.
    """
    data = to_xarray(net, trial, activity, task=task)
    for module in ("h5py", "h5netcdf"):
        optional(module)
    with replacing(path, overwrite) as made:
        data.to_netcdf(made, engine="h5netcdf", encoding={name: {"zlib": True} for name in SIGNALS})


def read_netcdf(path: str | os.PathLike[str]) -> "xr.Dataset":
    """Read a dataset into memory from a netCDF file of `write_netcdf`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, or not a netCDF file.
    """
    for module in ("h5py", "h5netcdf"):
        optional(module)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"no netCDF file at {path}.")
    check_heaps(path)
    with named(path, "netCDF file"), optional("xarray").open_dataset(path, engine="h5netcdf") as data:
        check_unpacked(path, data.nbytes, os.path.getsize(path))
        return data.load()


def write_zarr(
    path: str | os.PathLike[str],
    net: RateRNN,
    trial: Trial,
    activity: Activity,
    *,
    task: Task | None = None,
    overwrite: bool = False,
) -> None:
    """Write the dataset of `to_xarray` to a Zarr folder; ``xarray.open_zarr`` and `read_zarr` read it.

    The folder is in version 2 of the format, for compatibility with all readers of text.

    Raises
    ------
    FileExistsError
        If the folder exists and ``overwrite`` is False, or is not a Zarr folder.
    ValueError, ImportError
        In the same cases as `to_xarray`; nothing is written.
    """
    data = to_xarray(net, trial, activity, task=task)
    optional("zarr")
    with replacing(path, overwrite, marker=".zgroup") as made:
        data.to_zarr(made, zarr_format=2, consolidated=True)


def read_zarr(path: str | os.PathLike[str]) -> "xr.Dataset":
    """Read a dataset into memory from a Zarr folder of `write_zarr`.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If it is damaged, or not a Zarr folder.
    """
    optional("zarr")
    if not os.path.isdir(path):
        raise FileNotFoundError(f"no Zarr folder at {path}.")
    with named(path, "Zarr folder"), optional("xarray").open_zarr(path, chunks=None) as data:
        check_unpacked(path, data.nbytes, sum(f.stat().st_size for f in Path(path).rglob("*") if f.is_file()))
        return data.load()


def _names_in_time(names: list[str], spans: np.ndarray, n_steps: int) -> np.ndarray:
    at = np.zeros(n_steps, dtype=np.array(names).dtype)
    for name, (start, stop) in zip(names, spans, strict=True):
        at[start:stop] = name
    return at
