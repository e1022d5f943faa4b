"""Labelled arrays: datasets of xarray, netCDF and Zarr, whose axes have names."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from .._files import check_unpacked, named
from .._given import by_name
from ._arrays import OWN, trials_at_zero
from ._cut import Stack, Table, inputs_of, observed_of, table_of
from ._options import MS, OF_TRIALS, Options
from ._packages import package

DIMS = (("time",), ("trial", "condition"), ("unit", "neuron", "output"))


def read_labelled(path: str | os.PathLike[str], options: Options) -> Stack:
    """Trials of a netCDF file or a Zarr folder."""
    xr = package("xarray", path)
    if Path(path).is_dir():
        package("zarr", path)
        with named(path, "Zarr folder"), xr.open_zarr(path, chunks=None) as data:
            check_unpacked(path, data.nbytes, sum(f.stat().st_size for f in Path(path).rglob("*") if f.is_file()))
            return of_dataset(str(path), data.load(), options)
    package("h5netcdf", path)
    with named(path, "netCDF file"), xr.open_dataset(path, engine="h5netcdf") as data:
        check_unpacked(path, data.nbytes, os.path.getsize(path))
        return of_dataset(str(path), data.load(), options)


def of_dataset(where: str, data: Any, options: Options) -> Stack:
    """Trials of a dataset."""
    options.refuse(where, "trials that are cut already", OF_TRIALS)
    own = str(data.attrs.get("format", "")).startswith("eicon.activity")
    name = _chosen(where, data, options, own)
    found = data[name]
    if len(found.dims) == 2 and not {"trial", "condition"} & {str(dim) for dim in found.dims}:
        found = found.expand_dims("trial")
    found = by_name(f"{where} ({name})", found, DIMS)
    trial, unit = found.dims[1:]
    T, B, _ = found.shape
    dt, start = _time(where, data, found, options)
    columns = {
        str(c.attrs.get("eicon_name", key)): c.values
        for key, c in data.coords.items()
        if c.dims == (trial,) and key != trial
    }
    said = str(data.time.attrs.get("units", "")) if "time" in data.coords else ""
    factor = 1.0 if own else options.factor_or_none(said if said in MS else None)
    table = table_of(columns, factor, said=options.times()) if columns else Table(n=B, unit_known=factor is not None)
    made = Stack(f"{where} ({name})", np.asarray(found.values, np.float64), dt, None, start=start)
    labels = {str(c.attrs.get("eicon_name", key)): c.values for key, c in data.coords.items() if c.dims == (unit,)}
    made.labels = {key: values for key, values in labels.items() if key != unit}
    made.units = _names(where, labels, str(unit), options)
    made.conditions = table.conditions(options.conditions)
    of_own = next((what for what, signal in OWN.items() if own and signal == name), None)
    made.observed = options.observed or of_own or observed_of(made.where, made.activity, options)
    made.said = f"dimensions {', '.join(map(str, data[name].dims))}"
    if own:
        stop = data.epoch_stop.transpose("trial", "epoch").values.max(axis=1)
        made.mask = np.arange(T)[:, None] * dt < stop - 1e-6
        made.inputs = data.inputs.transpose("time", "trial", "input").values
        made.channels = [str(one) for one in data.input.values]
        made.units = made.labels.get("name") if unit == "unit" else None
    if isinstance(options.inputs, str) and options.inputs in data:
        made.inputs = by_name("inputs", data[options.inputs], (("time",), DIMS[1], ("input", "channel"))).values
        made.channels = None
    elif options.inputs is not None:
        made.inputs, made.channels = inputs_of(options, trials_at_zero(table, made.activity, dt, made.mask, start), {})
    return made


def _chosen(where: str, data: Any, options: Options, own: bool) -> str:
    if options.series is not None and options.series in data:
        return options.series
    if own and options.series is None:
        return OWN.get(options.observed or "rate", "rates")
    known = {dim for dims in DIMS for dim in dims}
    fitting = [
        str(name)
        for name in data.data_vars
        if "time" in data[name].dims and len(data[name].dims) in (2, 3) and known >= {*map(str, data[name].dims)}
    ]
    if options.series is not None or len(fitting) != 1:
        there = ", ".join(f"{name} ({', '.join(map(str, data[name].dims))})" for name in data.data_vars) or "none"
        wanted = f"no variable {options.series!r}" if options.series else f"{len(fitting) or 'no'} arrays of activity"
        how = f"; say which one, as in series={fitting[0]!r}" if fitting else ""
        raise ValueError(f"{where} holds {wanted}; in it are {there}{how}.")
    return fitting[0]


def _time(where: str, data: Any, found: Any, options: Options) -> tuple[float, float]:
    """Step and start, ms: of the dataset, of its coordinate ``time``, or the one given."""
    if "dt" in data.attrs and data.attrs.get("dt_units") == "ms":
        return float(data.attrs["dt"]), 0.0
    times = dict(found.coords).get("time")  # coords.get would number the steps
    if times is None or times.dtype.kind not in "iuf" or times.size < 2:
        if options.dt is None:
            raise ValueError(f"{where}: nothing says how long a step is: pass dt, in ms.")
        return options.dt, 0.0
    said = str(times.attrs.get("units", "")) or None
    factor = MS[said] if said in MS else options.factor(None, f"{where}: coordinate time")
    steps = np.diff(times.values.astype(np.float64))
    if steps.min() <= 0 or np.ptp(steps) > 0.01 * np.median(steps):
        raise ValueError(f"{where}: steps of time must be equal and ascend; got {steps.min():g} to {steps.max():g}.")
    dt = float(np.round(np.median(steps) * factor, 6))
    if options.dt is not None and abs(options.dt - dt) > 0.01 * dt:
        raise ValueError(f"{where}: dt={options.dt:g} ms, and steps of the coordinate time have {dt:g} ms.")
    return dt, float(np.round(times.values[0] * factor, 6))


def _names(where: str, labels: dict[str, Any], unit: str, options: Options) -> Any:
    if not isinstance(options.names, str):
        return labels.get(unit) if options.names is None else options.names
    if options.names not in labels:
        raise ValueError(
            f"{where}: names: the units have no label {options.names!r}; they have {', '.join(labels) or 'none'}."
        )
    return labels[options.names]
