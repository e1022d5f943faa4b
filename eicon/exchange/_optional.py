"""Packages of the extra `exchange`, imported where they are needed."""

import importlib
from typing import Any


def optional(module: str, *, extra: str = "exchange") -> Any:
    """Import a module that eicon can do without.

    Raises
    ------
    ImportError
        If it is not there; says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f'this needs {module}, which is not installed or does not import: pip install "eicon[{extra}]".'
        ) from error
