"""Training state on disk: enough to go on as if nothing had happened."""

import os
from typing import Any, TypeVar

import numpy as np

from .._files import load_arrays, save_arrays
from ._history import EpochHistory, History

KIND, VERSION = "checkpoint", 2


H = TypeVar("H", History, EpochHistory)


def write_checkpoint(
    path: str | os.PathLike[str],
    variables: dict[str, np.ndarray],
    history: History | EpochHistory,
    setup: dict[str, Any],
) -> None:
    """Write variables, history and the description of the set-up, atomically."""
    arrays = {f"variable/{name}": value for name, value in variables.items()}
    arrays |= {f"history/{name}": value for name, value in history.to_arrays().items()}
    save_arrays(path, arrays, kind=KIND, version=VERSION, header={"setup": setup})


def read_checkpoint(
    path: str | os.PathLike[str],
    shapes: dict[str, tuple[int, ...]],
    setup: dict[str, Any],
    kind: type[H],
) -> tuple[dict[str, np.ndarray], H]:
    """Read variables and history (of a kind) of a checkpoint that was written with the same set-up.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, was written by version 0.1.0, or the training it belongs to differs.
    """
    arrays, header = load_arrays(path, kind=KIND, version=VERSION)
    if header["version"] < VERSION:
        raise ValueError(
            f"{path} was written by eicon 0.1.0, whose trainings this version cannot resume; finish it with 0.1.0, or "
            "train anew."
        )
    found = header.get("setup", {})
    different = [name for name in setup if found.get(name) != setup[name]]
    if different:
        first = different[0]
        raise ValueError(
            f"{path} belongs to another training: {', '.join(different)} differ "
            f"({first} is {found.get(first)!r} there and {setup[first]!r} here)."
        )
    variables = {n.removeprefix("variable/"): a for n, a in arrays.items() if n.startswith("variable/")}
    if {name: value.shape for name, value in variables.items()} != shapes:
        raise ValueError(f"{path} holds other variables than this training has; was the optimizer changed?")
    return variables, _history(path, arrays, kind)


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
    return _history(path, load_arrays(path, kind=KIND, version=VERSION)[0], History)


def _history(path: str | os.PathLike[str], arrays: dict[str, np.ndarray], kind: type[H]) -> H:
    try:
        return kind(**{n: np.asarray(arrays[f"history/{n}"], empty.dtype) for n, empty in kind().to_arrays().items()})
    except KeyError as error:
        raise ValueError(f"{path} is incomplete: it has no {error}.") from error
