"""Recordings prepared for a fit: resampled, with units drawn and trials held out."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import recordings
from ..recordings import Recording
from ..recordings._resample import resampled
from ..training._recorded import Fit, RecordedLoss, fit_to
from ._recipe_tables import RecordingTable
from ._seeds import Seeds
from ._text import ConfigError, under


class Divided(NamedTuple):
    """Recording, divided by a recipe.

    Attributes
    ----------
    known : Recording
        All units in the fitted trials.
    held_out : Recording or None
        All units in the held-out trials.
    units : tuple of str
        Fitted units, in the order of the recording.
    """

    known: Recording
    held_out: Recording | None
    units: tuple[str, ...]

    @property
    def fitted(self) -> Recording:
        """Fitted units in the fitted trials."""
        return self.known.of_units(self.units)

    @property
    def validation(self) -> Recording | None:
        """Fitted units in the held-out trials."""
        return None if self.held_out is None else self.held_out.of_units(self.units)


def divided(table: RecordingTable, seeds: Seeds, dt: float | None = None) -> Divided:
    """Read and divide the recording of a table, in steps of ``dt`` if a task has one.

    Raises
    ------
    ConfigError
        If the file is missing, unreadable or changed, or the table does not fit it; the text names the key.
    """
    whole = read_of(table, dt)
    units = _units(table, whole, seeds)
    if table.held_out is None:
        return Divided(whole, None, units)
    share, seed = 1 - table.held_out, int(_generator(seeds, "held_out").integers(2**32))
    known, others = under("recording.held_out", lambda: whole.split(share, seed=seed))
    return Divided(known, others, units)


def read_of(table: RecordingTable, dt: float | None = None) -> Recording:
    """Read and resample the recording of a table, once."""
    digest = checksum(table.file)
    if table.sha256 and table.sha256 != digest:
        raise ConfigError(
            f"recording.file: {table.file} changed after the run was made (checksum {digest[:8]} instead of "
            f"{table.sha256[:8]}); restore it, or fit the new recording in a new run."
        )
    return _read(table.model_dump_json(include={"file", "read", "observed"}), table.dt or dt, digest)


@lru_cache(maxsize=2)
def _read(as_json: str, dt: float | None, digest: str) -> Recording:
    """Read the recording of part of a table; ``digest`` identifies the contents of the file in the cache."""
    table = RecordingTable.model_validate_json(as_json)
    options = {**table.read, **({} if table.observed is None else {"observed": table.observed})}
    found = under("recording.file", lambda: recordings.read(table.file, **options))
    return found if dt is None or dt == found.dt else under("recording.dt", lambda: resampled(found, dt))


def checksum_of(table: RecordingTable) -> dict[str, str]:
    """Return the checksum of a table: its own, or that of its file."""
    return {"sha256": table.sha256 or checksum(table.file)}


def checksum(path: str) -> str:
    """Return the SHA-256 of a file, or of the names and contents of all files in a folder."""
    place = Path(path).expanduser()
    if not place.exists():
        raise ConfigError(f"recording.file: there is no {path}.")
    if place.is_file():
        return _digest(place)
    inside = sorted(file for file in place.rglob("*") if file.is_file())
    listed = [f"{file.relative_to(place).as_posix()} {_digest(file)}" for file in inside]
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fit_task(table: RecordingTable) -> Fit:
    """Return the fit as a task for a network: inputs, time step, and outputs if they were recorded."""
    found = read_of(table)
    n_out = found.n_units if found.observed == "output" else 1
    kind = table.loss or ("poisson" if found.observed == "counts" else "mse")
    return fit_to(found, n_out, RecordedLoss(kind))


def _units(table: RecordingTable, whole: Recording, seeds: Seeds) -> tuple[str, ...]:
    if table.units:
        return _of(whole, table.units, "units")
    n = whole.n_units if table.n_units is None else table.n_units
    if n > whole.n_units:
        raise ConfigError(f"recording.n_units: {table.file} has {whole.n_units} units; got {n}.")
    if table.order == "random":
        drawn = _generator(seeds, "units").permutation(whole.n_units)[:n]
        return tuple(whole.units[i] for i in sorted(drawn.tolist()))
    if table.n_units is not None and n > len(table.order):
        raise ConfigError(f"recording.order: must name at least n_units = {n} units; got {len(table.order)}.")
    return _of(whole, table.order[:n], "order")


def _of(whole: Recording, names: Sequence[str], key: str) -> tuple[str, ...]:
    """Return the names in the order of the recording, which must contain all of them."""
    under(f"recording.{key}", lambda: whole.of_units(list(names)))
    chosen = set(names)
    return tuple(name for name in whole.units if name in chosen)


def _generator(seeds: Seeds, purpose: str) -> np.random.Generator:
    """Return separate random numbers for one purpose, so that fits with different units or trials share the rest."""
    return np.random.default_rng([seeds.seed, *purpose.encode()])
