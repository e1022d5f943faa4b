"""Training state on disk: enough to resume bit for bit."""

import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .._files import load_arrays, named, save_arrays
from ._history import STEPS, VALIDATIONS, History

KIND, VERSION = "checkpoint", 2


class Checkpoint(NamedTuple):
    """Contents of a checkpoint file.

    Attributes
    ----------
    variables : values of the network
    learner : the learner's state
    best : values of the best network so far, empty before a validation
    history : History
    setup : settings of the training
    """

    variables: dict[str, np.ndarray]
    learner: dict[str, np.ndarray]
    best: dict[str, np.ndarray]
    history: History
    setup: dict[str, Any]


def write_checkpoint(path: str | os.PathLike[str], state: Checkpoint) -> None:
    """Write variables, history and the description of the set-up atomically."""
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
    if header["version"] != VERSION:
        raise ValueError(
            f"{path} was written by eicon 0.1.0, whose trainings this version cannot resume; finish it with 0.1.0, or "
            "train again."
        )
    parts: dict[str, dict[str, np.ndarray]] = {"variables": {}, "learner": {}, "best": {}}
    for name, array in arrays.items():
        kind, _, inner = name.partition("/")
        if kind in parts:
            parts[kind][inner] = array
    setup = header.get("setup", {})
    with named(path, "checkpoint"):
        _check_setup(setup)
        _check_values(parts)
    return Checkpoint(**parts, history=_history(path, arrays), setup=setup)


def _check_setup(setup: Any) -> None:
    """Reject a description that was not written by a training."""
    if not isinstance(setup, dict):
        raise ValueError(f"setup must be an object; got {setup!r:.80}")
    for name, kind in (("stages", list), ("network", dict), ("at", int), ("first", int), ("before", dict | None)):
        if name in setup and (not isinstance(setup[name], kind) or isinstance(setup[name], bool)):
            raise ValueError(f"{name} is of the wrong type: {setup[name]!r:.80}")
    if not all(isinstance(stage, str) for stage in setup.get("stages", [])):
        raise ValueError(f"stages must be texts; got {setup['stages']!r:.80}")
    if min(setup.get("at", 0), setup.get("first", 0)) < 0:
        raise ValueError("a stage has a negative number")


def _check_values(parts: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Reject values of a network from which training cannot resume."""
    best = dict(parts["best"])
    if best:
        step, rank = best.pop("step"), best.pop("rank")
        if step.shape != () or step.dtype.kind not in "iu" or rank.shape != (2,) or rank.dtype.kind != "f":
            raise ValueError(f"the best network needs a step and a rank of two numbers; got {step!r} and {rank!r:.80}")
    for kind, values in (("variables", parts["variables"]), ("best", best)):
        for name, value in values.items():
            if value.dtype.kind != "f" or not np.isfinite(value).all():
                raise ValueError(f"'{kind}/{name}' must be finite numbers; got NaN, infinite or non-numeric values")
            if name not in parts["variables"] or value.shape != parts["variables"][name].shape:
                raise ValueError(f"'{kind}/{name}' differs in shape from 'variables/{name}', or lacks a counterpart")


def refuse_other(path: str | os.PathLike[str], found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Reject a checkpoint whose set-up differs."""
    different = [name for name in wanted if found.get(name) != wanted[name]]
    if different:
        first = different[0]
        raise ValueError(
            f"{path} belongs to a different training: {', '.join(different)} differ "
            f"({first} is {found.get(first)!r} there and {wanted[first]!r} here)."
        )


def label(value: Any) -> str:
    """Return a representation that is the same in every process: that of a function contains its address."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def read_history(path: str | os.PathLike[str]) -> History:
    """Read the history in a checkpoint, whatever the settings of the training and the version that wrote it.

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
    with named(path, "history of a training"):
        if odd := [name for name, values in found.items() if values.dtype.kind not in "fiu"]:
            raise ValueError(f"'history/{odd[0]}' contains no numbers")
        n = found["loss"].size
        for name in later:  # of which version 0.1.0 kept no record
            found.setdefault(name, np.zeros(n) if name == "stage" else np.full(n, np.nan))
        return History(found)
