"""Packages of the extra `exchange`, imported where a file needs them."""

import importlib
import os
from typing import Any


def package(module: str, path: str | os.PathLike[str]) -> Any:
    """Import a module that a file cannot be read without.

    Raises
    ------
    ImportError
        If it is not there; says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f'{path} needs {module} to be read: pip install "eicon[exchange]".') from error
