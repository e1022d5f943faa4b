"""Directory of a sweep: its recipe and the paths of its runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from .._moved import warn_renamed
from . import _grid
from ._pretrained import network_file
from ._read import SWEEP, recipe_inside
from ._recipe import Cells, Recipe
from ._recipe_tables import PretrainedTable
from ._run import Run
from ._text import ConfigError

RUNS = "runs"


@dataclass(frozen=True)
class Sweep:
    """Directory of a sweep; every cell of its grid is an ordinary run.

    Attributes
    ----------
    path : directory
    recipe : recipe in `sweep.toml`
    named_by : keys and values that name directories, if they differ from the recipe's grid
    """

    path: Path
    recipe: Recipe
    named_by: dict[str, Any] | None = None

    @property
    def config(self) -> Recipe:
        """Recipe, under its name in eicon 0.1.0."""
        warn_renamed("config", "recipe", "a sweep")
        return self.recipe

    @cached_property
    def cells(self) -> Cells:
        """Recipes of the cells."""
        return Cells(self.recipe)

    def run(self, index: int) -> Run:
        """Return the run of a cell, by its index in the grid."""
        cell = self.cells[index]
        if cell.pretrained.path:
            found = pretrained_path(self, cell.pretrained, index)
            cell = cell.model_copy(update={"pretrained": cell.pretrained.model_copy(update={"path": str(found)})})
        return Run(self.folder(index), cell)

    @cached_property
    def grid(self) -> dict[str, tuple[Any, ...]]:
        """Values of the grid, with the types of the cells."""
        return self.recipe.values()

    def combination(self, index: int) -> dict[str, Any]:
        """Return the values of the grid's keys in a cell."""
        return _grid.combination(self.grid, index)

    def folder(self, index: int) -> Path:
        """Return the directory of a cell."""
        return self.path / RUNS / _grid.folder(_grid.combination(self._names, index))

    @cached_property
    def _names(self) -> dict[str, tuple[Any, ...]]:
        if self.named_by is None:
            return self.grid
        old = zip(self.named_by.items(), self.grid.values(), strict=True)
        return {
            key: tuple(new if type(new) is not bool and new != "drawn" else float(value) for value, new in pairs)
            if key in ("network.spectral_radius", "training.clip_norm")
            else news
            for (key, values), news in old
            for pairs in [list(zip(values, news, strict=True))]
        }

    def runs(self) -> Iterator[Run]:
        """Iterate over all runs; the last key of the grid varies fastest."""
        return map(self.run, range(self.recipe.n_cells))

    def done(self) -> list[bool]:
        """Return for each cell whether it is finished."""
        return [(self.folder(index) / "run.npz").is_file() for index in range(self.recipe.n_cells)]


def sweep_at(path: Path) -> Sweep:
    """Return the sweep in a directory."""
    return Sweep(path, *recipe_inside(path, SWEEP, "sweep"))


def pretrained_path(sweep: Sweep, table: PretrainedTable, index: int) -> Path:
    """Return the network file that a table selects for a cell of a sweep.

    Raises
    ------
    ConfigError
        If there is no such network, or the grids do not fit.
    """
    path = Path(table.path)
    if (file := network_file(table)) is not None:
        return file
    if not (path / SWEEP).is_file():
        raise ConfigError(f"pretrained.path: {path} is neither a network file, nor the directory of a run or a sweep.")
    other = sweep_at(path)
    repeated = {key: values for key, values in other.recipe.grid.items() if key in ("seed", "repeat")}
    n_repeats = max(1, *(len(values) for values in repeated.values())) if repeated else 1
    n_others = other.recipe.n_cells // n_repeats
    here = index // _repeats(sweep)
    if n_others > 1 and here >= n_others:
        raise ConfigError(f"pretrained.path: {path} has {n_others} combinations, fewer than this sweep.")
    if table.repeat >= n_repeats:
        raise ConfigError(
            f"pretrained: {path} has {n_repeats} repeats; repeat {table.repeat} (counted from 0) does not exist."
        )
    place = (here if n_others > 1 else 0) * n_repeats + table.repeat
    one, two = sweep.combination(index), other.combination(place)
    different = [key for key in two.keys() & one.keys() - {"seed", "repeat"} if one[key] != two[key]]
    if different:
        key = different[0]
        raise ConfigError(
            f"pretrained.path: the combination at the same index in {path} has {key} {two[key]!r}, "
            f"but here it is {one[key]!r}; order both grids in the same way."
        )
    run = other.run(place)
    last = (run.recipe.training.epochs or 0) - 1
    found = run.network if table.epoch in (-1, last) else run.network_after(table.epoch)
    if not found.is_file():
        stored = sorted(int(p.stem.partition("=")[2]) for p in found.parent.glob("epoch=*.npz"))
        listed = ", ".join(str(epoch) for epoch in sorted({*stored, last}))
        raise ConfigError(
            f"pretrained: {path} has no network of repeat {table.repeat} after epoch {table.epoch}; stored: epochs "
            f"{listed} (-1 is the last; training.store_every keeps more)."
        )
    return found


def _repeats(sweep: Sweep) -> int:
    grid = sweep.recipe.grid
    n = 1
    for key in ("seed", "repeat"):
        n *= len(grid.get(key, (0,)))
    return n
