"""Files that are either whole or absent: atomic writing, and arrays with a JSON header in one npz, without pickle."""

import contextlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

_HEADER = "header.json"


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a temporary file beside ``path`` that replaces it only once it is completely on disk."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_file(path) as stream:
        stream.write(text.encode())


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write a JSON-compatible value atomically."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def save_arrays(
    path: str | os.PathLike[str],
    arrays: Mapping[str, np.ndarray],
    *,
    kind: str,
    version: int,
    header: Mapping[str, Any],
) -> None:
    """Write named arrays and a JSON header to one npz file, atomically.

    Parameters
    ----------
    path : path
    arrays : mapping of str to array
        No object arrays.
    kind : str
        What the file holds; `load_arrays` refuses any other.
    version : int
        Format version; `load_arrays` refuses newer ones.
    header : mapping
        JSON-compatible.
    """
    full_header = json.dumps({"format": f"eicon.{kind}", "version": version, **header})
    encoded = {_HEADER: np.frombuffer(full_header.encode(), dtype=np.uint8)}
    with atomic_file(path) as stream:
        np.savez(stream, allow_pickle=False, **encoded, **arrays)


def read_npz(path: Path) -> dict[str, Any]:
    """Members of an npz file: arrays, none of them pickled, and whatever else was put into the archive as bytes.

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:  # damage makes zipfile and numpy raise nearly anything
        raise ValueError(f"{path} is damaged and cannot be read ({error}).") from error


def load_arrays(
    path: str | os.PathLike[str], *, kind: str, version: int
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what `save_arrays` wrote; its format version is in the header.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is truncated or damaged, is not an eicon file of this kind, or was written by a newer
        version of the format.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no eicon {kind} file at {path}.")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is not an eicon {kind} file, or it is truncated: it is no npz archive.")
    arrays = read_npz(path)
    try:
        header = json.loads(bytes(arrays.pop(_HEADER)).decode())
        found = header.pop("format")
        found_version = int(header["version"])
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{path} was not written by eicon: it has no eicon header.") from error
    if found != f"eicon.{kind}":
        raise ValueError(f"{path} holds {found!r}, not an eicon {kind}.")
    if found_version > version:
        raise ValueError(
            f"{path} is version {found_version} of the eicon {kind} format; this eicon reads up to {version}. "
            "Upgrade eicon to read it."
        )
    return arrays, header


def without_nan(value: Any) -> Any:
    """Same nested value with None for numbers that JSON does not have (NaN, infinite), and lists for arrays."""
    if isinstance(value, np.ndarray | np.generic):
        return without_nan(value.tolist())
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
