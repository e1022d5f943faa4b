"""Training state on disk: enough to go on as if nothing had happened."""

import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .._files import load_arrays, save_arrays
from ._history import STEPS, VALIDATIONS, History

KIND, VERSION = "checkpoint", 2


class Checkpoint(NamedTuple):
    """What is on disk.

    Attributes
    ----------
    variables : values of the network
    learner : the learner's state
    best : values of the best network so far, empty before a validation
    history : History
    setup : what the training was made with
    """

    variables: dict[str, np.ndarray]
    learner: dict[str, np.ndarray]
    best: dict[str, np.ndarray]
    history: History
    setup: dict[str, Any]


def write_checkpoint(path: str | os.PathLike[str], state: Checkpoint) -> None:
    """Write variables, history and the description of the set-up, atomically."""
    arrays = {
        f"{kind}/{name}": np.asarray(value)
        for kind in ("variables", "learner", "best", "history")
        for name, value in getattr(state, kind).items()
    }
    save_arrays(path, arrays, kind=KIND, version=VERSION, header={"setup": state.setup})


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint of this version.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or was written by version 0.1.0.
    """
    arrays, header = load_arrays(path, kind=KIND, version=VERSION)
    if header["version"] < VERSION:
        raise ValueError(
            f"{path} was written by eicon 0.1.0, whose trainings this version cannot resume; finish it with 0.1.0, or "
            "train anew."
        )
    parts: dict[str, dict[str, np.ndarray]] = {"variables": {}, "learner": {}, "best": {}}
    for name, array in arrays.items():
        kind, _, inner = name.partition("/")
        if kind in parts:
            parts[kind][inner] = array
    return Checkpoint(**parts, history=_history(path, arrays), setup=header.get("setup", {}))


def refuse_other(path: str | os.PathLike[str], found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse a checkpoint whose set-up differs."""
    different = [name for name in wanted if found.get(name) != wanted[name]]
    if different:
        first = different[0]
        raise ValueError(
            f"{path} belongs to another training: {', '.join(different)} differ "
            f"({first} is {found.get(first)!r} there and {wanted[first]!r} here)."
        )


def label(value: Any) -> str:
    """Representation that is the same in every process: that of a function holds its address."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def read_history(path: str | os.PathLike[str]) -> History:
    """Read the history in a checkpoint, whatever the training's settings and the version that wrote it.

    Parameters
    ----------
    path : path

    Returns
    -------
    History

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or damaged.
    """
    return _history(path, load_arrays(path, kind=KIND, version=VERSION)[0])


def _history(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> History:
    found = {name.removeprefix("history/"): a for name, a in arrays.items() if name.startswith("history/")}
    later = ("stage", "compile_seconds", "validation_seconds")
    for name in (*STEPS, *VALIDATIONS):
        if name not in found and name not in later:
            raise ValueError(f"{path} is incomplete: it has no 'history/{name}'.")
    for name in later:  # of which version 0.1.0 kept no record
        found.setdefault(name, np.zeros(len(found["loss"])) if name == "stage" else np.full(len(found["loss"]), np.nan))
    try:
        return History(found)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
