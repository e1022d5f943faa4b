"""User-defined classes in recipes, as ``module:Class`` or ``file.py:Class``: found, checked, imported.

Importing runs code. Files inside a run directory, which may come from someone else, and files that changed since a run
recorded them, are imported only if the user trusts them.
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
    """Allow the import of all code that recipes name, for ``--trust``."""
    global _trusted
    _trusted = True


def is_trusted() -> bool:
    """Return whether all code that recipes name may be imported."""
    return _trusted


def is_own(name: Any) -> bool:
    """Return whether a name is that of a user-defined class."""
    return isinstance(name, str) and ":" in name


def checksum(name: str) -> tuple[str, str]:
    """Return path and SHA-256 of the file that a name is imported from."""
    path = _file_of(name)
    if not path.is_file():
        raise ConfigError(f"got {name!r}, but there is no file {path}.")
    return str(path), hashlib.sha256(path.read_bytes()).hexdigest()


def refuse_inside(directory: Path, names: Iterable[str], source: str) -> None:
    """Reject code in the directory of a run, or named relative to it, because it may come from someone else.

    Raises
    ------
    ConfigError
        Names the file that would be imported.
    """
    for name in names:
        file = name.rpartition(":")[0]
        from_there = file.endswith(".py") and not Path(file).is_absolute()  # eicon itself writes absolute paths
        path = (directory / file if from_there else _file_of(name)).resolve()
        if (from_there or path.is_relative_to(directory.resolve())) and not is_trusted():
            raise _refused(source, name, path, directory)


def load_own(name: str, recorded: Mapping[str, str], key: str) -> Any:
    """Import a user-defined class.

    Parameters
    ----------
    name : str
        ``module:Class`` or ``file.py:Class``.
    recorded : mapping
        Checksums of the files by name, if a run recorded them.
    key : str
        Key of the recipe, for errors.

    Raises
    ------
    ConfigError
        If the file or class does not exist, if the file has changed, or if it is in the directory of a run.
    """
    path = _file_of(name)
    if not path.is_file():
        raise ConfigError(f"{key}: got {name!r}, but there is no file {path}.")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if not is_trusted():
        if name in recorded and recorded[name] != found:
            raise ConfigError(
                f"{key}: {path} changed after the run was made, and would be imported for {name!r}. Inspect it, then "
                "allow the import with --trust."
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
        f"{key}: {name!r} would import {path}, code inside the run directory {run}, which may come from someone "
        "else. Inspect it, then allow the import with --trust."
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
        raise ConfigError(f"got {name!r}, but {file} is not a module written in Python.")
    return Path(spec.origin)


def _run_around(path: Path) -> Path | None:
    """Return the run or sweep whose directory contains a file; sweep.toml alone does not make a sweep."""
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
    sys.modules[name] = module  # dataclasses look up their annotations there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
