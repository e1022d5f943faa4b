"""Recordings in eicon's own file format."""

import os
from typing import Any

import numpy as np

from .._files import load_arrays, save_arrays
from ._recording import Recording

KIND, VERSION = "recording", 1
ARRAYS = ("activity", "inputs", "mask")


def write(path: str | os.PathLike[str], recording: Recording) -> None:
    """Write a recording to an npz file, without pickle; `read` reads the file.

    Parameters
    ----------
    path : path
        An existing file is replaced once the new one is complete.
    recording : Recording

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(f"{folder}/a.npz", Recording(np.ones((5, 2, 1)), dt=10.0))
    ...     read_own(f"{folder}/a.npz")
    Recording(1 units, 2 trials of 5 steps of 10 ms, rate, 100% observed)
    """
    arrays: dict[str, Any] = {name: getattr(recording, name) for name in ARRAYS}
    header: dict[str, Any] = {name: list(getattr(recording, name)) for name in ("units", "input_channels")}
    for group in ("conditions", "labels"):
        values = getattr(recording, group)
        header[group] = list(values)
        arrays |= {f"{group}/{i}": one for i, one in enumerate(values.values())}
    header |= {name: getattr(recording, name) for name in ("dt", "observed", "hz", "decay", "start", "source")}
    save_arrays(path, arrays, kind=KIND, version=VERSION, header=header)


def read_own(path: str | os.PathLike[str]) -> Recording:
    """Read a recording from a file of `write`."""
    arrays, header = load_arrays(path, kind=KIND, version=VERSION)
    groups: dict[str, Any] = {
        group: {name: np.asarray(arrays[f"{group}/{i}"]) for i, name in enumerate(header.pop(group))}
        for group in ("conditions", "labels")
    }
    header.pop("version")
    held: dict[str, Any] = {name: arrays[name] for name in ARRAYS}
    return Recording(**held, **groups, **header)
