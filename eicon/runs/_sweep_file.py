"""Files that describe a sweep: TOML, a config.ini of bio_rnn_mem, or one that comes with eicon."""

import os
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from ._text import Compat, read_text

if TYPE_CHECKING:
    import eicon.runs._sweep_config

CONFIG = "sweep.toml"
"""File of a sweep's directory that describes it."""


def read_sweep(path: str | os.PathLike[str], *, compat: Compat | None = None) -> "eicon.runs._sweep_config.SweepConfig":
    """Read a sweep: a TOML file, or an unchanged ``config.ini`` of bio_rnn_mem.

    Parameters
    ----------
    path : path
        Or the name of a sweep that comes with eicon: ``bio_vs_random``.
    compat : {"", "bio_rnn_mem"}, optional
        Instead of what the file says (an INI file says nothing, and gets our defaults).
    """
    path = Path(path)
    shipped = resources.files(__package__).joinpath("configs", f"{path}.toml")
    text = shipped.read_text(encoding="utf-8") if not path.exists() and shipped.is_file() else read_text(path)
    if _is_ini(path):
        from ._ini import parse_ini

        return parse_ini(text, str(path), compat=compat or "")
    from ._sweep_config import parse_sweep, sweep_from_dict

    config = parse_sweep(text, str(path))
    return config if compat is None else sweep_from_dict({**config.model_dump(), "compat": compat}, str(path))


def results_path(path: str | os.PathLike[str]) -> Path | None:
    """Directory that a ``config.ini`` wants its results in; None for other files, or where it says nothing."""
    path = Path(path)
    if not _is_ini(path):
        return None
    from ._ini import named_results

    return named_results(read_text(path))


def _is_ini(path: Path) -> bool:
    return path.suffix.lower() in (".ini", ".cfg", ".txt")
