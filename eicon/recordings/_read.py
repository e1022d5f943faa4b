"""One door for recordings in files, whatever their format."""

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
    """Read a recording from a file, whose format is told by its content.

    ===================  ==========================================================================================
    NWB                  spike times of ``units``, or samples (dF/F, rates), cut by a table of trials
    MATLAB 4 to 7, 7.3   an array, or one cell per trial; spike times in one cell per unit, or per unit and trial
    npz, npy, HDF5       an array
    csv                  a folder with a table per trial, or one long table with a column ``trial``; a column per
                         unit, and perhaps one called ``time``; or columns ``unit`` and ``time`` of spikes.
                         Conditions and times of trials are in ``trials.csv`` beside it
    netCDF, Zarr         an array with dimensions time, trial and unit; a dataset of xarray too
    eicon's own          what `write` and `eicon.exchange` wrote (rates, or what `observed` says)
    ===================  ==========================================================================================

    Spikes and samples of a session are cut into windows around an event of each trial, which may overlap. Trials of
    different length are padded and masked. What was done is in the recording's ``source``.

    Parameters
    ----------
    path : path or xarray.Dataset
    series : str, optional
        Which of several recordings in a file: ``"units"`` or the name of a series of NWB, the name of a variable.
    axes : str, optional
        What the axes of an array are, in their order as MATLAB or numpy shows them, such as ``"unit trial time"``; of
        one cell per trial, those of each cell (``"unit time"``); of spike times, those of the cells (``"unit trial"``
        for times relative to ``start_time``, or to 0 if there is none; ``"unit"`` for those of a session). It is never
        guessed.
    trials : str, optional
        Which table of trials of an NWB file, by default ``trials``; of MATLAB the name of a struct, by default all
        variables, or fields of the same struct, with one value per trial. Fields are called ``session.rates``.
    align_to : str
        Column of the trials with the event that is time 0. Trials without one, or without an edge of the window, are
        left out. Arrays that are cut already begin at 0, unless they have times.
    window : (float, float), optional
        First and last time of trials in ms, relative to the event; None for an edge, and by default, takes the
        trial's own (``start_time``, ``stop_time``).
    bin : float, optional
        Step of the recording in ms: by default 10 for spikes, and that of the file for all else. A step of spikes
        holds those in [start, stop). Samples are averaged in steps of two samples or more, and are linear in between
        otherwise; trials that are cut already are `resampled`.
    kernel : {"gaussian", "boxcar", "exponential", "none"}
        Through which spikes are smoothed to rates; the rate of a step is the mean of the smoothed rate over it, for
        any step. Kernels reach beyond windows, to what was recorded there. At the ends of what is known (the
        ``obs_intervals`` of a unit, else the session from 0 to its last spike and trial; the window, of one cell per
        unit and trial) the rate is divided by the part of the kernel that lies within; beyond them it is NaN.
    width : float
        Standard deviation of the Gaussian, width of the boxcar, time constant of the exponential, in ms.
    causal : bool
        Use the later half of the Gaussian, or a boxcar that begins at the spike. The exponential is causal in any case.
    dt : float, optional
        Step in ms of arrays whose file does not say it.
    observed : {"rate", "current", "counts", "calcium", "output"}, optional
        As for `Recording`; by default rates, and calcium for fluorescence of NWB. It has to be said of arrays of whole
        numbers, which may be ``"counts"``, spikes per step.
    hz : float
        Spikes per second that a rate of 1 stands for: rates of spikes are divided by it.
    decay : float, optional
        Time constant in ms, for calcium.
    unit_of_time : {"s", "ms"}, optional
        Of spike times, samples and trials in the file, where it does not say it. NWB has seconds, unless this says ms.
    names : str or sequence, optional
        Names of the units: a column, label or variable of the file, or the names themselves.
    conditions : sequence of str or mapping, optional
        Columns of the trials that say what each trial was; by default all columns of numbers and text that are no
        times. Or the conditions themselves, one array each.
    inputs : array, str or mapping, optional
        What was shown: an array (T, B, n_in); the name of a stimulus series or a variable of the file; or pulses, as
        in ``{"light": ("light_on", "light_off")}``: columns of the trials between which the input is 1, or what a third
        entry says (a number or a column). The second may be a number of ms after the first.

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
        For a file that is damaged, of another kind, or does not hold what the options say; options that mean nothing
        for it; times that cannot be ms; and what `Recording` refuses.

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
            f"path must be that of a file or a folder; got {type(path).__name__}. Arrays are Recording(...)."
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
            raise ValueError(f"{made.where}: hz is for spikes and counts; divide {made.observed}s by it yourself.")
        return _finished(made, options)
    except (ValueError, TypeError) as error:
        if str(path) in str(error) and isinstance(error, ValueError):
            raise
        raise ValueError(f"{path}: {error}") from error


def _finished(made: Stack, options: Options) -> Recording:
    """Recording of trials that were read."""
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
    """Kind of a file or folder, by its content.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is of a kind that is not read.
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
    what = "a pickle, which runs whatever its author put into it" if head[:1] == b"\x80" else "a file of another kind"
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
