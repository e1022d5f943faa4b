"""Directories of new runs."""

import contextlib
from pathlib import Path

from .._hints import hint


def refuse_taken(path: Path, command: str = "") -> None:
    """Reject a path for a new run that already exists; ``command`` can resume it.

    Raises
    ------
    FileExistsError
        If the path exists and is not an empty directory; nothing in it is touched.
    """
    if path.exists() and (not path.is_dir() or any(not is_litter(inner) for inner in path.iterdir())):
        resume = hint("eicon", command, "--resume", path) if command and (path / "config.toml").is_file() else ""
        then = f", or resume the run there, with its own settings: {resume}" if resume else ""
        raise FileExistsError(f"{path} already exists and is not empty; choose another --out{then}.")


def is_litter(path: Path) -> bool:
    """Return whether a file is a lock or an unfinished file of a killed process."""
    return path.name == ".lock" or (path.name.startswith(".") and path.name.endswith(".part"))


def discard_untrained(path: Path) -> None:
    """Remove the directory of a run whose training could not start, unless it contains other files."""
    if (path / "run.json").exists():
        return
    with contextlib.suppress(OSError):  # e.g. because a directory is not empty
        for name in ("config.toml", "checkpoints/start.npz", ".lock"):
            (path / name).unlink(missing_ok=True)
        for folder in (path / "checkpoints", path):
            if folder.is_dir():
                folder.rmdir()
