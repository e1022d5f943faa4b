"""Lazy imports of public names, listed in the stub next to the ``__init__`` of a package."""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

import lazy_loader

from ._moved import warn_moved


def lazy_room(
    module: str, file: str, moved: Mapping[str, str] | None = None, gone: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Make the ``__getattr__``, ``__dir__`` and ``__all__`` of a package.

    Parameters
    ----------
    module, file : str
        ``__name__`` and ``__file__`` of the package; the stub ``__init__.pyi`` is in the same folder.
    moved : mapping of str to str, optional
        Names of the package in 0.1.0, in one text for each file where they are now. They still work, with a
        `DeprecationWarning`.
    gone : mapping of str to str, optional
        Names of the package in 0.1.0 that were removed, and their replacements.

    Returns
    -------
    tuple
        Names are imported on first use, and kept.
    """
    get, directory, names = lazy_loader.attach_stub(module, file)
    homes = {name: f"{module}.{home}.{name}" for home, listed in (moved or {}).items() for name in listed.split()}

    def find(name: str) -> Any:
        if name in homes:
            warn_moved(f"{module}.{name}", homes[name])
            return getattr(importlib.import_module(homes[name].rpartition(".")[0]), name)
        if name in (gone or {}):
            raise AttributeError(f"{module}.{name} is gone: {(gone or {})[name]}.")
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}{_somewhere(module, name, names)}")
        return get(name)

    return find, directory, names


def _somewhere(module: str, name: str, names: list[str]) -> str:
    """Return which package below has the public name that the module lacks; Python itself names similar ones."""
    if name.startswith("_"):
        return ""
    rooms = [room for room in names if importlib.util.find_spec(f"{module}.{room}")]
    homes = [room for room in rooms if name in getattr(importlib.import_module(f"{module}.{room}"), "__all__", ())]
    return f". Did you mean {module}.{homes[0]}.{name}?" if homes else ""
