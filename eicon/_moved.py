"""Names that moved: the old import path works, and warns with the new one."""

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
        It imports what is asked for from its new home, with a `DeprecationWarning` that says where that is.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        home, _, new = homes[name].rpartition(".")
        warnings.warn(
            f"{module}.{name} is now {homes[name]}; the old path goes in 0.3.0.", DeprecationWarning, stacklevel=2
        )
        found = getattr(importlib.import_module(home), new, None)
        return importlib.import_module(homes[name]) if found is None else found

    return find
