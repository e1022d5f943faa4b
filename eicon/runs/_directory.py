"""Directories of runs to come."""

from pathlib import Path


def refuse_taken(path: Path) -> None:
    """Refuse a path for a new run where there is something already.

    Raises
    ------
    FileExistsError
        If the path exists and is not an empty directory; nothing in it is touched.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        hint = (
            f"go on with: eicon train --resume {path}" if (path / "config.toml").is_file() else "choose another --out"
        )
        raise FileExistsError(f"{path} already exists and is not empty; {hint}.")
