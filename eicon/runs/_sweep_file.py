"""Files that describe a sweep: TOML, a config.ini of bio_rnn_mem, or one that comes with eicon."""

import os
from importlib import resources
from pathlib import Path

from ._ini import named_results, parse_ini
from ._schema import read_text
from ._sweep_config import Compat, SweepConfig, parse_sweep, sweep_from_dict


def read_sweep(path: str | os.PathLike[str], *, compat: Compat | None = None) -> SweepConfig:
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
        return parse_ini(text, str(path), compat=compat or "")
    config = parse_sweep(text, str(path))
    return config if compat is None else sweep_from_dict({**config.model_dump(), "compat": compat}, str(path))


def results_path(path: str | os.PathLike[str]) -> Path | None:
    """Directory that a ``config.ini`` wants its results in; None for other files, or where it says nothing."""
    path = Path(path)
    return named_results(read_text(path)) if _is_ini(path) else None


def _is_ini(path: Path) -> bool:
    return path.suffix.lower() in (".ini", ".cfg", ".txt")
