"""Reader of recordings in files of any supported format."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from .._files import named
from .._hdf5 import check_heaps
from .._optional import optional
from ._arrays import read_arrays
from ._csv import read_csv
from ._cut import Series, Spikes, Stack
from ._files import read_own
from ._labelled import of_dataset, read_labelled
from ._nwb import read_nwb
from ._options import Options
from ._recording import Recording
from ._resample import resampled

HDF5 = b"\x89HDF\r\n\x1a\n"
READ = "NWB, MATLAB, npz, npy, csv, netCDF, Zarr and HDF5"


def read(
    path: Any,
    *,
    series: str | None = None,
    axes: str | None = None,
    trials: str | None = None,
    align_to: str = "start_time",
    window: Sequence[float | int | None] | None = None,
    bin: float | int | None = None,
    kernel: Literal["gaussian", "boxcar", "exponential", "none"] = "gaussian",
    width: float | int = 50.0,
    causal: bool = False,
    dt: float | int | None = None,
    observed: Literal["rate", "current", "counts", "calcium", "output"] | None = None,
    hz: float | int = 1.0,
    decay: float | int | None = None,
    unit_of_time: Literal["s", "ms"] | None = None,
    names: str | Sequence[Any] | np.ndarray | None = None,
    conditions: str | Sequence[str] | Mapping[str, Any] | None = None,
    inputs: str | ArrayLike | Mapping[str, Sequence[Any]] | None = None,
) -> Recording:
    """Read a recording from a file; the format is recognised by content.

    ===================  ==========================================================================================
    NWB                  spike times of ``units``, or samples (dF/F, rates), cut by a table of trials
    MATLAB 4 to 7, 7.3   an array, or one cell per trial; spike times in one cell per unit, or per unit and trial
    npz, npy, HDF5       an array
    csv                  a folder with a table per trial, or one long table with a column ``trial``; a column per
                         unit, and optionally one called ``time``; or columns ``unit`` and ``time`` of spikes.
                         Conditions and times of trials are in ``trials.csv`` in the same folder
    netCDF, Zarr         an array with dimensions time, trial and unit; also a dataset of xarray
    eicon's own          files of `write` and `eicon.exchange` (rates, or the quantity given by `observed`)
    ===================  ==========================================================================================

    Spikes and samples of a session are cut into windows around an event of each trial; windows may overlap. Trials of
    different length are padded and masked. The recording's ``source`` lists the processing steps.

    Parameters
    ----------
    path : path or xarray.Dataset
    series : str, optional
        One of several recordings in a file: ``"units"`` or the name of a series of NWB, or the name of a variable.
    axes : str, optional
        Axes of an array, in the order shown by MATLAB or numpy, such as ``"unit trial time"``; for one cell per trial,
        those of each cell (``"unit time"``); for spike times, those of the cells (``"unit trial"`` for times relative
        to ``start_time``, or to 0 without one; ``"unit"`` for those of a session). Axes are never guessed.
    trials : str, optional
        Name of the table of trials in an NWB file, by default ``trials``; in MATLAB, name of a struct, by default all
        variables, or fields of the same struct, with one value per trial. Fields are written ``session.rates``.
    align_to : str
        Column of the trials with the event that is time 0. Trials without an event, or without an edge of the window,
        are omitted. Arrays that are already cut start at 0, unless they have times.
    window : (float, float), optional
        First and last time of trials in ms, relative to the event; None, the default, for the trial's own edge
        (``start_time``, ``stop_time``).
    bin : float, optional
        Step of the recording in ms: by default 10 for spikes, otherwise that of the file. A step of spikes
        contains those in [start, stop). Samples are averaged in steps of two or more samples, and interpolated
        linearly otherwise; trials that are already cut are `resampled`.
    kernel : {"gaussian", "boxcar", "exponential", "none"}
        Kernel that smooths spikes to rates; the rate of a step is the mean of the smoothed rate over the step, for
        any step. Kernels include spikes recorded outside the windows. At the ends of the known period (the
        ``obs_intervals`` of a unit, else the session from 0 to its last spike and trial; the window, for one cell per
        unit and trial) the rate is divided by the part of the kernel that lies within; outside this period it is NaN.
    width : float
        Standard deviation of the Gaussian, width of the boxcar, time constant of the exponential, in ms.
    causal : bool
        Use the later half of the Gaussian, or a boxcar that starts at the spike. The exponential is always causal.
    dt : float, optional
        Step in ms of arrays in files that do not state it.
    observed : {"rate", "current", "counts", "calcium", "output"}, optional
        Observed quantity, see `Recording`; by default rates, and calcium for fluorescence of NWB. Required for arrays
        of whole numbers, which may be ``"counts"``, spikes per step.
    hz : float
        Spikes per second that correspond to a rate of 1: rates of spikes are divided by it.
    decay : float, optional
        Time constant in ms, for calcium.
    unit_of_time : {"s", "ms"}, optional
        Unit of spike times, samples and trials, if the file does not state it. In NWB it is seconds, unless given here.
    names : str or sequence, optional
        Names of the units: a column, label or variable of the file, or the names themselves.
    conditions : sequence of str or mapping, optional
        Columns of the trials with their conditions; by default all columns of numbers and text that are not
        times. Or the conditions themselves, one array each.
    inputs : array, str or mapping, optional
        Stimuli: an array (T, B, n_in); the name of a stimulus series or a variable of the file; or pulses, as
        in ``{"light": ("light_on", "light_off")}``: columns of the trials between which the input is 1, or the value of
        a third entry (a number or a column). The second entry may be a number of ms after the first.

    Returns
    -------
    Recording

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If the format needs a package that is not installed.
    ValueError
        If a file is damaged, of an unsupported kind, or does not contain what the options name; if an option does not
        apply; if times cannot be in ms; or if `Recording` rejects a value.

    Examples
    --------
    >>> import tempfile
    >>> rates = np.random.default_rng(0).random((3, 8, 100))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/a.npz", rates=rates, side=np.arange(8) % 2)
    ...     recording = read(f"{folder}/a.npz", axes="unit trial time", dt=10.0)
    >>> recording, list(recording.conditions)
    (Recording(3 units, 8 trials of 100 steps of 10 ms, rate, 100% observed), ['side'])
    """
    given = locals()
    options = Options(**{field.name: given[field.name] for field in fields(Options)}).checked()
    if hasattr(path, "data_vars"):
        where = str(path.encoding.get("source", "the dataset"))
        return _finished(of_dataset(where, path, options), options)
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"path must be that of a file or a folder; got {type(path).__name__}. For arrays use Recording(...)."
        )
    path = Path(path).expanduser()
    kind = kind_of(path)
    readers = {"nwb": read_nwb, "csv": read_csv, "labelled": read_labelled}
    try:
        if kind == "own":
            options.refuse(str(path), "a recording of eicon", ("bin",), every=True)
            recording = read_own(path)
            return recording if options.bin is None else resampled(recording, options.bin)
        found = readers[kind](path, options) if kind in readers else read_arrays(path, kind, options)
        made = found.stack(options) if isinstance(found, Spikes | Series) else found
        if options.hz != 1 and not isinstance(found, Spikes) and made.observed != "counts":
            raise ValueError(f"{made.where}: hz is only for spikes and counts; divide {made.observed}s by it yourself.")
        return _finished(made, options)
    except (ValueError, TypeError) as error:
        if str(path) in str(error) and isinstance(error, ValueError):
            raise
        raise ValueError(f"{path}: {error}") from error


def _finished(made: Stack, options: Options) -> Recording:
    """Make a recording from the trials read."""
    units = made.units if options.names is None or isinstance(options.names, str) else options.names
    recording = Recording(
        made.activity,
        made.dt,
        units=units,
        inputs=made.inputs,
        mask=made.mask,
        conditions=made.conditions,
        observed=made.observed,
        hz=options.hz,
        decay=options.decay,
        start=made.start,
        labels={name: values for name, values in made.labels.items() if name != "name"},
        input_channels=made.channels,
        source=f"{made.where}: {made.said}",
    )
    if options.bin is not None and options.bin != recording.dt:
        recording = resampled(recording, options.bin)
    return recording


def kind_of(path: str | os.PathLike[str]) -> str:
    """Return the kind of a file or folder, judged by its content.

    Raises
    ------
    FileNotFoundError
        If it does not exist.
    ValueError
        If its kind is not supported.
    """
    path = Path(path)
    if path.is_dir():
        return "labelled" if any((path / mark).exists() for mark in (".zgroup", "zarr.json")) else "csv"
    if not path.is_file():
        raise FileNotFoundError(f"no recording at {path}: there is no such file.")
    with path.open("rb") as stream:
        head = stream.read(520)
    if not head:
        raise ValueError(f"{path} is empty.")
    if head.startswith(b"PK\x03\x04"):
        return _of_archive(path)
    if head.startswith(HDF5) or head[512:] == HDF5:
        return _of_hdf5(path, head)
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head.startswith(b"MATLAB 5.0") or (path.suffix.lower() == ".mat" and b"\0" in head[:20]):
        return "mat"
    if path.suffix.lower() in (".csv", ".tsv", ".txt") and b"\0" not in head:
        return "csv"
    what = "a pickle, which runs any code its author put into it" if head[:1] == b"\x80" else "a file of unknown kind"
    what = "text in UTF-16, not in UTF-8" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else what
    raise ValueError(f"{path} is {what}; recordings are read from {READ}.")


def _of_archive(path: Path) -> str:
    import zipfile

    with named(path, "npz archive"), zipfile.ZipFile(path) as archive:
        members = archive.namelist()
    if "header.json.npy" in members:
        return "own"
    if any(member.endswith(".npy") for member in members):
        return "npz"
    raise ValueError(f"{path} is a zip archive without arrays; unpack it. Recordings are read from {READ}.")


def _of_hdf5(path: Path, head: bytes) -> str:
    check_heaps(path)
    if head.startswith(b"MATLAB 7.3"):
        return "mat73"
    h5py = optional("h5py", needed_by=path)
    with named(path, "HDF5 file, of NWB, netCDF or MATLAB,"), h5py.File(path, "r") as file:
        if "nwb_version" in file.attrs:
            return "nwb"
        scales = any("DIMENSION_LIST" in node.attrs for node in file.values())
        return "labelled" if "_NCProperties" in file.attrs or scales else "hdf5"
