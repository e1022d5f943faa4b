"""Directories of runs to come."""

import contextlib
from pathlib import Path

from .._hints import hint


def refuse_taken(path: Path) -> None:
    """Refuse a path for a new run where there is something already.

    Raises
    ------
    FileExistsError
        If the path exists and is not an empty directory; nothing in it is touched.
    """
    if path.exists() and (not path.is_dir() or any(not is_litter(inner) for inner in path.iterdir())):
        again = f"resume with: {hint('eicon', 'train', '--resume', path)}"
        then = again if (path / "config.toml").is_file() else "choose another --out"
        raise FileExistsError(f"{path} already exists and is not empty; {then}.")


def is_litter(path: Path) -> bool:
    """Whether a file is what a process that was killed left half-written, or its lock."""
    return path.name == ".lock" or (path.name.startswith(".") and path.name.endswith(".part"))


def discard_untrained(path: Path) -> None:
    """Remove the directory of a run whose training could not begin, unless there is more in it."""
    if (path / "run.json").exists():
        return
    with contextlib.suppress(OSError):  # of a directory that is not empty, say
        for name in ("config.toml", "checkpoints/start.npz", ".lock"):
            (path / name).unlink(missing_ok=True)
        for folder in (path / "checkpoints", path):
            if folder.is_dir():
                folder.rmdir()
