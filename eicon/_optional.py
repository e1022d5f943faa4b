"""Packages that eicon can do without, imported where they are needed."""

import importlib
import os
from typing import Any


def optional(module: str, *, extra: str = "exchange", needed_by: str | os.PathLike[str] = "this") -> Any:
    """Import a module that eicon can do without.

    Raises
    ------
    ImportError
        If it is not there; says what needs it, a file perhaps, and how to install it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f'{needed_by} needs {module}, which is not installed or does not import: pip install "eicon[{extra}]".'
        ) from error
