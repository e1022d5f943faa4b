"""Moved names: old import paths work, with a warning that names the new one."""

import importlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any


def moved(module: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the ``__getattr__`` of a module whose names are found elsewhere.

    Parameters
    ----------
    module : str
        Name of the module.
    homes : mapping of str to str
        New dotted path of each old name.

    Returns
    -------
    callable
        Function that imports a name from its new module, with a `DeprecationWarning` that names it.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        home, _, new = homes[name].rpartition(".")
        warn_moved(f"{module}.{name}", homes[name])
        found = getattr(importlib.import_module(home), new, None)
        return importlib.import_module(homes[name]) if found is None else found

    return find


def warn_moved(old: str, new: str) -> None:
    """Warn the caller of a module's ``__getattr__`` that a name has moved, or is no longer public."""
    private = any(part.startswith("_") for part in new.split("."))
    now = "is no longer public" if private else f"is now {new}"
    warnings.warn(f"{old} {now}; the old path will be removed in 0.3.0.", DeprecationWarning, stacklevel=3)


def warn_renamed(old: str, new: str, what: str) -> None:
    """Warn about the use of an attribute by its old name."""
    said = f"{old} of {what} is now called {new}; the old name will be removed in 0.3.0."
    warnings.warn(said, DeprecationWarning, stacklevel=3)
