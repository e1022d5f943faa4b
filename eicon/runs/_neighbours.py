"""Neighbours of a run in the grid of its sweep, and their results."""

import os
from pathlib import Path
from typing import Any, NamedTuple

from . import _grid
from ._open import open_sweep
from ._read import SWEEP
from ._recipe import value_of
from ._run import Run
from ._sweep import of_curves
from ._sweep_directory import RUNS, Sweep

MOST = 60
"""Largest number of neighbours that are listed."""


class Neighbour(NamedTuple):
    """A run that differs from another one in the value of one key of the grid.

    Attributes
    ----------
    key, value : key that differs, and its value
    path : directory
    accuracy, loss : best validation; None if the run is not finished
    """

    key: str
    value: Any
    path: Path
    accuracy: float | None
    loss: float | None


class Place(NamedTuple):
    """Place of a run in the grid of its sweep.

    Attributes
    ----------
    sweep : directory of the sweep
    combination : the run's own values of the grid's keys
    accuracy, loss : best validation of the run
    neighbours : runs that differ from it in one key, at most 60
    """

    sweep: Path
    combination: dict[str, Any]
    accuracy: float
    loss: float
    neighbours: list[Neighbour]


def place_of(run: Run) -> Place | None:
    """Return the place of a run in its sweep; None for a single or unfinished run."""
    here = Path(os.path.abspath(run.path))
    root = next((parent for parent in here.parents[:3] if (parent / SWEEP).is_file()), None)
    if root is None or not here.is_relative_to(root / RUNS) or not run.done:
        return None
    sweep = open_sweep(root)
    places = _places(sweep, run)
    if places is None or sweep.folder(_index(sweep, places)) != here:
        return None
    found = []
    for key, values in sweep.grid.items():
        for j, value in enumerate(values):
            if j != places[key]:
                path = sweep.folder(_index(sweep, {**places, key: j}))
                said = of_curves(path / "run.npz") if (path / "run.npz").is_file() else {}
                found.append(
                    Neighbour(key, value, path, said.get("best_validation_accuracy"), said.get("best_validation_loss"))
                )
    own = of_curves(run.curves)
    combination = {key: sweep.grid[key][place] for key, place in places.items()}
    return Place(root, combination, own["best_validation_accuracy"], own["best_validation_loss"], found[:MOST])


def _places(sweep: Sweep, run: Run) -> dict[str, int] | None:
    """Return the index of the run's value for each key."""
    found = {}
    for key, values in sweep.grid.items():
        said = [_grid.as_json(key, value) for value in values]
        own = _grid.as_json(key, value_of(run.recipe, key, None) if key != "task" else run.recipe.task)
        if own not in said:
            return None
        found[key] = said.index(own)
    return found


def _index(sweep: Sweep, places: dict[str, int]) -> int:
    index = 0
    for key, values in sweep.grid.items():
        index = index * len(values) + places[key]
    return index
