"""Labelled arrays: datasets of xarray, netCDF and Zarr, whose axes have names."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from .._files import check_unpacked, named
from .._given import by_name
from .._optional import optional
from ._cut import Stack, column_of, observed_of, only_one, regular, table_of
from ._options import OF_TRIALS, Options
from ._recording import quantity_of, signal_of

DIMS = (("time",), ("trial", "condition"), ("unit", "neuron", "output"))
UNITS = dict.fromkeys(("s", "sec", "second", "seconds"), "s")
UNITS |= dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), "ms")
"""Names of units of time in files."""


def read_labelled(path: str | os.PathLike[str], options: Options) -> Stack:
    """Read trials from a netCDF file or a Zarr folder."""
    xr = optional("xarray", needed_by=path)
    zarr = Path(path).is_dir()
    engine, what = ("zarr", "Zarr folder") if zarr else ("h5netcdf", "netCDF file")
    optional(engine, needed_by=path)
    files = [file for file in Path(path).rglob("*") if file.is_file()] if zarr else [Path(path)]
    with named(path, what), xr.open_dataset(path, engine=engine, decode_times=False) as data:
        check_unpacked(path, data.nbytes, sum(file.stat().st_size for file in files))
        return of_dataset(str(path), data.load(), options)


def of_dataset(where: str, data: Any, options: Options) -> Stack:
    """Read trials from a dataset."""
    options.refuse(where, "trials that are already cut", OF_TRIALS)
    own = str(data.attrs.get("format", "")).startswith("eicon.activity")
    name = _chosen(where, data, options, own)
    found = _with_trials(f"{where} ({name})", data[name], DIMS)
    trial, unit = found.dims[1:]
    T, B, _ = found.shape
    dt, start = _time(where, data, found, options, own)
    coordinates = [(str(c.attrs.get("eicon_name", key)), c) for key, c in data.coords.items()]
    columns = {key: c.values for key, c in coordinates if c.dims == (trial,) and key != trial}
    labels = {key: c.values for key, c in coordinates if c.dims == (unit,)}
    unit_of_time = _unit_of_time(data.time) if "time" in data.coords else None
    table = table_of(columns, options, 1.0 if own else options.factor_or_none(unit_of_time), n=B)
    made = Stack(f"{where} ({name})", np.asarray(found.values, np.float64), dt, labels.get(str(unit)), start=start)
    if isinstance(options.names, str):
        made.units = column_of(labels, options.names, f"{where}: names: the units")
    made.labels = {key: values for key, values in labels.items() if key != unit}
    made.observed = options.observed or (quantity_of(name) if own else observed_of(made.where, made.activity, options))
    made.said = f"dimensions {', '.join(map(str, data[name].dims))}"
    if own:
        stop = data.epoch_stop.transpose("trial", "epoch").values.max(axis=1)
        made.mask = np.arange(T)[:, None] * dt < stop - 1e-6
        if options.names is None:
            made.units = made.labels.get("name") if unit == "unit" else None
    given = "inputs" if own and options.inputs is None else options.inputs
    if isinstance(given, str) and given in data:
        dims = (("time",), DIMS[1], ("input", "channel"))
        shown = _with_trials(f"{where} ({given})", data[given], dims)
        made.inputs = shown.values
        if shown.dims[2] in data.coords:
            made.channels = [str(one) for one in data.coords[shown.dims[2]].values]
    made.fill(options, table, variables=map(str, data.data_vars))
    return made


def _with_trials(where: str, found: Any, dims: tuple[tuple[str, ...], ...]) -> Any:
    """Return an array with its dimensions in order; without a dimension trial, it is one trial."""
    if len(found.dims) == 2 and not {*DIMS[1]} & {str(dim) for dim in found.dims}:
        found = found.expand_dims("trial")
    return by_name(where, found, dims)


def _chosen(where: str, data: Any, options: Options, own: bool) -> str:
    if own and options.series is None:
        return signal_of(options.observed)
    dims = {str(name): [str(dim) for dim in one.dims] for name, one in data.data_vars.items()}
    if options.series is not None:
        fitting = [options.series] if options.series in data else []
    else:
        known = {dim for names in DIMS for dim in names}
        fitting = [name for name, of in dims.items() if "time" in of and len(of) in (2, 3) and known >= {*of}]
    return only_one(where, list(dims), fitting, options.series, lambda name: ", ".join(dims[name]))


def _time(where: str, data: Any, found: Any, options: Options, own: bool) -> tuple[float, float]:
    """Return step and start, ms: those of the dataset, of its coordinate ``time``, or the step given."""
    if own or ("dt" in data.attrs and data.attrs.get("dt_units") == "ms"):
        return options.step(float(data.attrs["dt"]), where, "the dataset"), 0.0
    times = dict(found.coords).get("time")  # coords.get would return numbers of steps
    if times is None or times.dtype.kind not in "iufmM" or times.size < 2:
        return options.step(None, where, "the dataset"), 0.0
    values = times.values
    if values.dtype.kind in "mM":  # dates become relative to the first
        values, factor = (values - (values[0] if values.dtype.kind == "M" else 0)) / np.timedelta64(1, "ms"), 1.0
    else:
        factor = options.factor(_unit_of_time(times), f"{where}: coordinate time")
    dt, starts = regular(where, "the coordinate time", [values], factor, options)
    return dt, float(starts[0])


def _unit_of_time(times: Any) -> str | None:
    """Return the unit given by the attributes of times, such as "s", or "seconds since" a date."""
    return UNITS.get(next(iter(str(times.attrs.get("units", "")).lower().split()), ""))
