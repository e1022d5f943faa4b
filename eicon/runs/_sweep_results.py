"""Curves of a sweep as one labelled dataset."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..tasks import Task
from ..training._recorded import Fit
from ._grid import short_names
from ._open import open_sweep
from ._own_code import is_own
from ._recipe import Cells, Recipe
from ._run import read_curves
from ._sweep_directory import Sweep

if TYPE_CHECKING:
    import xarray as xr

CURVES = ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")
FACTS = ("null_loss", "chance", "initial_spectral_radius", "n_connections")


def sweep_results(sweep: Sweep | str | os.PathLike[str]) -> "xr.Dataset":
    """Read the curves of all finished runs, with NaN for missing runs.

    Parameters
    ----------
    sweep : Sweep or path

    Returns
    -------
    xarray.Dataset
        Dimensions: one per key of the grid (the last part of its name), and ``epoch`` counted from 1, or, for sampled
        trials, ``validation``. Variables: ``train_loss``, ``validation_loss``, ``train_accuracy``,
        ``validation_accuracy`` and ``step``; and, without the epoch, ``null_loss`` (of the best answer that ignores the
        trial), ``chance`` (accuracy of guesses), ``initial_spectral_radius``, ``n_connections``, ``seconds`` (of the
        whole training), ``diverged`` and ``finished``; for fits to a recording also their measures, such as
        ``unrecorded_held_out_r2``. The attribute ``score`` names the accuracy, which is the explained variance in fits.
    """
    import xarray as xr

    sweep = sweep if isinstance(sweep, Sweep) else open_sweep(sweep)
    names = short_names(list(sweep.grid))
    grid = {names[key]: [_label(value) for value in values] for key, values in sweep.grid.items()}
    shape = tuple(len(values) for values in grid.values())
    found = {i: read_curves(path) for i in range(sweep.recipe.n_cells) if (path := _record(sweep, i)).is_file()}
    lengths = [len(arrays["seconds"]) for arrays, _ in found.values()]
    n = max(*_epochs(sweep.recipe), *lengths, 1)  # netCDF reads a dimension of length 0 as unlimited
    of_recipe = "validation" if sweep.recipe.trials.kind == "sampled" else "epoch"
    axis = next((header.get("axis", "epoch") for _, header in found.values()), of_recipe)
    curves = {name: np.full((*shape, n), np.nan) for name in (*CURVES, "step")}
    facts = {name: np.full(shape, np.nan) for name in (*FACTS, "seconds")}
    flags = {name: np.zeros(shape, bool) for name in ("finished", "diverged")}
    chances = _Chances(sweep.recipe)
    for i, (arrays, header) in found.items():
        where = np.unravel_index(i, shape) if shape else ()
        for name in curves.keys() & arrays.keys():
            curves[name][where][: len(arrays[name])] = arrays[name]
        known = header if "chance" in header else {**header, "chance": chances.of(i)}
        for name in FACTS:
            facts[name][where] = np.nan if known[name] is None else known[name]
        for name, value in (header.get("fit") or {}).items():
            facts.setdefault(name, np.full(shape, np.nan))[where] = np.nan if value is None else value
        facts["seconds"][where] = np.nanmax(arrays["seconds"], initial=0.0)
        flags["finished"][where], flags["diverged"][where] = True, header["diverged"]
    dims = tuple(grid)
    default = Fit.score_name if sweep.recipe.is_fit else Task.score_name
    scores = {header.get("score", default) for _, header in found.values()} or {default}
    score = scores.pop() if len(scores) == 1 else "score"
    about: dict[str, Any] = {"step": "steps of training"}
    for name in CURVES:
        part, _, quantity = name.partition("_")
        trials = {"train": "training"}.get(part, part)
        about[name] = f"{score if quantity == 'accuracy' else quantity} on the {trials} trials"
    return xr.Dataset(
        {
            **{name: ((*dims, axis), values, {"long_name": about[name]}) for name, values in curves.items()},
            **{name: (dims, values) for name, values in (facts | flags).items()},
        },
        coords={**grid, axis: np.arange(1, n + 1)},
        attrs={"config": sweep.recipe.to_toml(), "task": aim_of(sweep.recipe), "score": score},
    )


def aim_of(recipe: Recipe) -> str:
    """Return the name of the task or recording on which networks of a recipe are trained."""
    return Path(recipe.recording.file).name if recipe.is_fit else str(recipe.task["name"])


class _Chances:
    """Accuracy of guesses in tasks of runs without this number, such as those of eicon 0.1.0."""

    def __init__(self, recipe: Recipe) -> None:
        self._cells, self._known = Cells(recipe), dict[str, float]()

    def of(self, index: int) -> float:
        cell = self._cells[index]
        said = repr(cell.task)
        if said not in self._known:
            own = is_own(cell.task.get("name"))  # user code may have changed or disappeared
            self._known[said] = float("nan") if own else float(cell.make_task().chance)
        return self._known[said]


def _epochs(recipe: Recipe) -> list[int]:
    """Return the numbers of epochs of runs; empty for runs that count validations."""
    return [n for n in recipe.grid.get("training.epochs", (recipe.training.epochs,)) if n is not None]


def _record(sweep: Sweep, index: int) -> Path:
    return sweep.folder(index) / "run.npz"


def _label(value: object) -> object:
    return value if isinstance(value, int | float | str) else str(value)
