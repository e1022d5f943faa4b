"""Classes of one's own that a recipe names, as ``module:Class`` or ``file.py:Class``: found, checked, imported.

Importing runs code. Nothing is imported from the inside of a run's directory, which may be somebody else's, nor what
has changed since a run recorded it, unless the user says that it can be trusted.
"""

import hashlib
import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ._text import ConfigError

_trusted = False


def trust() -> None:
    """Import whatever recipes name from now on, as ``--trust`` asks for."""
    global _trusted
    _trusted = True


def is_trusted() -> bool:
    """Whether whatever recipes name is imported."""
    return _trusted


def is_own(name: Any) -> bool:
    """Whether a name is one of a class of one's own."""
    return isinstance(name, str) and ":" in name


def checksum(name: str) -> tuple[str, str]:
    """Path and SHA-256 of the file that a name is imported from."""
    path = _file_of(name)
    if not path.is_file():
        raise ConfigError(f"got {name!r}, but there is no file {path}.")
    return str(path), hashlib.sha256(path.read_bytes()).hexdigest()


def refuse_inside(directory: Path, names: Iterable[str], source: str) -> None:
    """Refuse names of code that lies in the directory of a run, or is named from there: it may be somebody else's.

    Raises
    ------
    ConfigError
        With what would be imported.
    """
    for name in names:
        file = name.rpartition(":")[0]
        from_there = file.endswith(".py") and not Path(file).is_absolute()  # eicon itself writes absolute paths
        path = (directory / file if from_there else _file_of(name)).resolve()
        if (from_there or path.is_relative_to(directory.resolve())) and not is_trusted():
            raise _refused(source, name, path, directory)


def load_own(name: str, recorded: Mapping[str, str], key: str) -> Any:
    """Import a class of one's own.

    Parameters
    ----------
    name : str
        ``module:Class`` or ``file.py:Class``.
    recorded : mapping
        Checksums of the files by such names, where a run recorded them.
    key : str
        Key of the recipe, for errors.

    Raises
    ------
    ConfigError
        If there is no such file or class, if the file has changed, or if it lies in the directory of a run.
    """
    path = _file_of(name)
    if not path.is_file():
        raise ConfigError(f"{key}: got {name!r}, but there is no file {path}.")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if not is_trusted():
        if name in recorded and recorded[name] != found:
            raise ConfigError(
                f"{key}: {path} is not what it was when the run was made, and would be imported to get {name!r}. Look "
                "at it; --trust imports it as it is."
            )
        if (run := _run_around(path)) is not None:
            raise _refused(key, name, path, run)
    file, _, member = name.rpartition(":")
    module = _import_file(path, found) if file.endswith(".py") else importlib.import_module(file)
    if not callable(made := getattr(module, member, None)):
        raise ConfigError(f"{key}: {path} has no class {member!r}.")
    return made


def _refused(key: str, name: str, path: Path, run: Path) -> ConfigError:
    return ConfigError(
        f"{key}: {name!r} would import {path}, code that came with the run directory {run}, which may be "
        "somebody else's. Look at it; --trust imports it."
    )


def _file_of(name: str) -> Path:
    file, _, member = name.rpartition(":")
    if not (file and member.isidentifier()):
        raise ConfigError(f"got {name!r}; a class of your own is given as file.py:Class or module:Class.")
    if file.endswith(".py"):
        return Path(file).expanduser().absolute()
    place, spec = None, None
    for i, _ in enumerate(parts := file.split(".")):  # step by step, because finding a submodule imports its package
        full = ".".join(parts[: i + 1])
        spec = importlib.machinery.PathFinder.find_spec(full, place)
        if spec is None:
            raise ConfigError(f"got {name!r}, but no module {full!r} is installed.")
        place = spec.submodule_search_locations
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        raise ConfigError(f"got {name!r}, but {file} is not a module that is written in Python.")
    return Path(spec.origin)


def _run_around(path: Path) -> Path | None:
    """The run or sweep in whose directory a file lies. A recipe that is called sweep.toml makes no sweep yet."""
    marks = ("run.json", "network.npz", "run.npz")
    for parent in path.resolve().parents:
        if any((parent / mark).is_file() for mark in marks):
            return parent
        if (parent / "sweep.toml").is_file() and (parent / "runs").is_dir():
            return parent
    return None


def _import_file(path: Path, digest: str) -> Any:
    name = f"eicon_own_{path.stem}_{hashlib.sha256(f'{path}{digest}'.encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look up their annotations
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
