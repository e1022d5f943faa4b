"""Existing runs and sweeps. Wrong paths are reported before anything slow is imported."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ._read import CONFIG, SWEEP, recipe_inside

if TYPE_CHECKING:
    import eicon.runs._run
    import eicon.runs._sweep_directory


def open_run(path: str | os.PathLike[str]) -> "eicon.runs._run.Run":
    """Open an existing run directory, of ``eicon train`` or of a sweep, of this or an older version.

    Raises
    ------
    FileNotFoundError
        If it is not one.
    ConfigError
        If its recipe cannot be read.
    """
    path = Path(path)
    if not path.is_dir():
        raise FileNotFoundError(f"there is no run directory {path}.")
    if (path / SWEEP).is_file() and not (path / CONFIG).is_file():
        raise FileNotFoundError(f"{path} is the directory of a sweep; its runs are in {path / 'runs'}.")
    if not (path / CONFIG).is_file():
        if (path / "run.npz").is_file():
            from ._old_runs import open_old_cell

            return open_old_cell(path)
        raise FileNotFoundError(f"{path} is not a run directory: it has no config.toml.")
    recipe, _ = recipe_inside(path, CONFIG, "run")
    from ._run import Run

    return Run(path, recipe)


def open_sweep(path: str | os.PathLike[str]) -> "eicon.runs._sweep_directory.Sweep":
    """Open a sweep's directory.

    Raises
    ------
    FileNotFoundError
        If it is not one.
    """
    path = Path(path)
    if not (path / SWEEP).is_file():
        raise FileNotFoundError(f"{path} is not the directory of a sweep: it has no {SWEEP}.")
    from ._sweep_directory import sweep_at

    return sweep_at(path)
