"""Runs, sweeps and configurations that are there already. Slips are told before anything slow is imported."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ._sweep_file import CONFIG, read_sweep
from ._text import read_text

if TYPE_CHECKING:
    import eicon.runs._config
    import eicon.runs._run
    import eicon.runs._sweep


def parse_config(text: str, source: str = "config") -> "eicon.runs._config.RunConfig":
    """Read a configuration from TOML text.

    Raises
    ------
    ConfigError
        For bad TOML, unknown keys and values of the wrong type or range; the text names the key, what was
        got and what is allowed. Unknown keys are looked for first.
    """
    from ._settings import read_tables

    data = read_tables(text, source)
    from ._config import checked  # brings JAX and BrainPy

    return checked(data, source)


def read_config(path: str | os.PathLike[str]) -> "eicon.runs._config.RunConfig":
    """Read a configuration file; see `parse_config`."""
    path = Path(path)
    return parse_config(read_text(path), str(path))


def open_run(path: str | os.PathLike[str]) -> "eicon.runs._run.Run":
    """Open an existing run directory.

    Raises
    ------
    FileNotFoundError
        If it is not one.
    ConfigError
        If its configuration cannot be read.
    """
    path = Path(path)
    if not path.is_dir():
        raise FileNotFoundError(f"there is no run directory {path}.")
    if not (path / "config.toml").is_file():
        raise FileNotFoundError(f"{path} is not a run directory: it has no config.toml.")
    config = read_config(path / "config.toml")
    from ._run import Run

    return Run(path, config)


def open_sweep(path: str | os.PathLike[str]) -> "eicon.runs._sweep.Sweep":
    """Open a sweep's directory.

    Raises
    ------
    FileNotFoundError
        If it is not one.
    """
    path = Path(path)
    if not (path / CONFIG).is_file():
        raise FileNotFoundError(f"{path} is not the directory of a sweep: it has no {CONFIG}.")
    config = read_sweep(path / CONFIG)
    from ._sweep import Sweep

    return Sweep(path, config)
