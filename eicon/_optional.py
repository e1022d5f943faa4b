"""Optional packages, imported where they are needed."""

import importlib
import os
from typing import Any


def optional(
    module: str, *, extra: str = "exchange", needed_by: str | os.PathLike[str] = "this", command: str = ""
) -> Any:
    """Import an optional module; ``command`` installs it, by default that of its extra.

    Raises
    ------
    ImportError
        If it is not available; the text names what needs it, such as a file, and how to install it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{needed_by} needs {module}, which is not installed or cannot be imported: {command or install(extra)}."
        ) from error


def install(extra: str) -> str:
    """Return the command that installs an extra of eicon, for error messages."""
    return f'pip install -e ".[{extra}]" in the clone of eicon'
