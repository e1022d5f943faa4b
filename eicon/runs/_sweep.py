"""Sweeps: grids of runs, in processes of this machine or on a dask cluster."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from .._files import write_text
from .._hints import hint
from .._lock import directory_lock
from .._memory import give_back
from ..training import NonFiniteLoss
from . import _grid
from ._directory import is_litter
from ._own_code import is_trusted, trust
from ._prepare import checked as checked_connectome
from ._read import SWEEP
from ._recipe import MOST_CHECKED, Recipe, validated
from ._run import Run, read_curves, run_training
from ._sweep_directory import RUNS, Sweep, sweep_at
from ._text import ConfigError
from ._workers import run_many

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 30.0
MOST_CELLS = 1_000_000


class SweepError(RuntimeError):
    """A sweep could not be completed; finished runs are kept."""


def job_of(run: Run, *, keep_state: bool = False) -> dict[str, Any]:
    """Describe a run for another process: its directory, its recipe, and whether its code is trusted."""
    recipe = run.recipe.model_dump(mode="json", exclude_unset=True)
    return {"path": str(run.path.absolute()), "recipe": recipe, "trusted": is_trusted(), "keep_state": keep_state}


def create_sweep(path: str | os.PathLike[str], recipe: Recipe) -> Sweep:
    """Make the directory of a sweep, or reopen an existing one.

    The grid of an existing sweep may gain values, including seeds; all other settings must be the same.

    Raises
    ------
    FileExistsError
        If the directory contains something else, or a sweep with different settings; nothing is changed.
    ConfigError
        If the grid is larger than a million, or a connectome or pretrained network is missing or does not fit.
    """
    path = Path(path)
    if recipe.n_cells > MOST_CELLS:
        raise ConfigError(f"grid: {recipe.n_cells:,} combinations are more than {MOST_CELLS:,}; take fewer values.")
    recipe.check()
    recipe = recipe.absolute().completed()
    if (path / SWEEP).is_file():
        there = sweep_at(path)
        _check_same(path, there.recipe, recipe)
        sweep = there if there.named_by is not None else Sweep(path, recipe)
        written = there.named_by is not None or there.recipe == recipe
    else:
        if path.exists() and (not path.is_dir() or any(not is_litter(p) for p in path.iterdir())):
            raise FileExistsError(f"{path} already exists and is not a sweep; choose another --out.")
        sweep, written = Sweep(path, recipe), False
    check_inputs(sweep)
    if not written:
        write_text(path / SWEEP, recipe.to_toml())
    return sweep


def check_inputs(sweep: Sweep) -> None:
    """Check the files that runs read, before the first run starts.

    Raises
    ------
    ConfigError
        For connectomes and recordings that are missing or do not fit, and missing pretrained networks.
    """
    recipe = sweep.recipe
    touched = {key.partition(".")[0] for key in recipe.grid}
    reads = bool(touched & {"connectome", "network", "pretrained", "recording"}) or bool(recipe.pretrained.path)
    n = min(recipe.n_cells, MOST_CHECKED) if reads else 1
    seen: set[str] = set()
    for index in range(n):
        run = sweep.run(index)
        cell = run.recipe
        said = cell.connectome_table.model_dump_json() if cell.network.kind == "connectome" else ""
        if said and said not in seen:
            seen.add(said)
            checked_connectome(cell.connectome_table)
        cell.make_recording()
    if recipe.network.kind != "connectome" or recipe.recording.file:
        sweep.run(0).recipe.check_network()


def run_sweep(
    sweep: Sweep,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Train the unfinished runs of a sweep.

    Parameters
    ----------
    sweep : Sweep
    workers : int, optional
        Number of processes on this machine, each with one thread (default: one per core); 0 uses this process, with
        all its threads. The last bits of large networks depend on the number of threads. No port is opened.
    scheduler : str, optional
        Address of a dask scheduler, instead of processes here; its workers must see the sweep's directory and
        the connectome's.
    progress : bool
        Show a progress bar over the grid, with the time left.

    Returns
    -------
    list of dict
        One summary per run, in the order of the grid.

    Raises
    ------
    SweepError
        If a run fails or the cluster is lost; the text names what is kept.
    DirectoryInUseError
        If another process runs this sweep.
    KeyboardInterrupt
        On Ctrl-C; finished runs are kept, and unfinished ones are resumed from their checkpoints the next time.
    """
    with directory_lock(sweep.path, "sweep"):
        missing = _by_program([sweep.run(i) for i, done in enumerate(sweep.done()) if not done])
        n = sweep.recipe.n_cells
        jobs = [job_of(run) for run in missing]
        with _Progress(n, n - len(missing), progress) as shown:
            answers = run_many(do_job, jobs, workers=workers, scheduler=scheduler)
            with contextlib.closing(answers), _explained(sweep, missing):
                for _, found in answers:
                    shown.finished(found)
            unseen = n - sum(sweep.done())
            if unseen:
                raise SweepError(
                    f"the workers finished {unseen} runs that are missing in {sweep.path} here; workers must see the "
                    "same directory under the same path."
                )
    return [summary(sweep, index) for index in range(n)]


def do_job(job: dict[str, Any]) -> dict[str, Any]:
    """Train a run, unless it is finished; return its last validation."""
    tqdm.set_lock(threading.RLock())  # the default is a system semaphore, which would outlive a killed worker
    keep_state = job["keep_state"]
    if job["trusted"]:
        trust()
    run = Run(Path(job["path"]), validated(job["recipe"], job["path"]).completed())
    if keep_state or not run.done:
        _begin(run)
        with contextlib.nullcontext() if keep_state else contextlib.suppress(NonFiniteLoss):  # a divergence is recorded
            run_training(run, progress=False, keep_state=keep_state)
    give_back()
    return of_curves(run.curves)


def _begin(run: Run) -> None:
    written = run.path / "config.toml"
    if written.is_file():
        return
    if run.path.is_dir() and any(not is_litter(path) for path in run.path.iterdir()):
        raise FileExistsError(f"{run.path} is not empty and is not a run; remove it")
    write_text(written, run.recipe.to_toml())


def summary(sweep: Sweep, index: int) -> dict[str, Any]:
    """Return a finished run's values of the grid, and its last and best validation."""
    return {"combination": sweep.combination(index), **of_curves(sweep.folder(index) / "run.npz")}


def of_curves(path: Path) -> dict[str, Any]:
    """Return the last and best validation of a finished run."""
    arrays, header = read_curves(path)
    loss = arrays["validation_loss"]
    return {
        "validation_loss": float(loss[-1]) if len(loss) else float("nan"),
        "best_validation_loss": float(np.nanmin(loss)) if np.isfinite(loss).any() else float("nan"),
        "best_validation_accuracy": float(np.nanmax(arrays["validation_accuracy"], initial=0.0)),
        "null_loss": header["null_loss"],
        "chance": header.get("chance"),
        "score": header.get("score", "accuracy"),
        "diverged": header["diverged"],
        **({"fit": header["fit"]} if header.get("fit") else {}),
        "seconds": float(np.nanmax(arrays["seconds"], initial=0.0)),
    }


def _by_program(runs: list[Run]) -> list[Run]:
    """Group runs that share compiled code, in their order, because a process keeps few programs at a time."""
    place: dict[str, int] = {}
    return sorted(runs, key=lambda run: place.setdefault(_program(run.recipe), len(place)))


def _program(recipe: Recipe) -> str:
    """Return the settings that decide the compiled code; runs that differ in them cannot share it."""
    network = recipe.network.model_dump(exclude={"tau", "sigma_rec", "sigma_in", "init", "remap", "spectral_radius"})
    task = None if recipe.is_fit else recipe.task
    return repr((task, network, recipe.learner.optimizer, recipe.trials, recipe.connectome_table.signs))


class _Progress:
    """Progress over the grid: a bar on a terminal, otherwise a line every half minute."""

    def __init__(self, total: int, done: int, shown: bool):
        self.bar = tqdm(total=total, initial=done, unit="run", smoothing=0, disable=None if shown else True)
        self.total, self.done, self.done_before = total, done, done
        self.lines = shown
        self.start = self.told_at = time.monotonic()

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.close()

    def finished(self, summary: dict[str, Any]) -> None:
        """Count a run."""
        self.done += 1
        self.bar.update(1)
        self.bar.set_postfix({"last": f"{summary['validation_loss']:.3g}"}, refresh=False)
        now = time.monotonic()
        if self.lines and self.bar.disable and now - self.told_at > SECONDS_BETWEEN_LINES:
            left = (now - self.start) / (self.done - self.done_before) * (self.total - self.done)
            logger.info("%d of %d runs done, about %.0f s left", self.done, self.total, left)
            self.told_at = now


@contextlib.contextmanager
def _explained(sweep: Sweep, missing: list[Run]) -> Iterator[None]:
    try:
        yield
    except ConfigError:
        raise
    except (OSError, ValueError, ArithmeticError, RuntimeError, MemoryError, ImportError) as error:
        kept, index = sum(sweep.done()), getattr(error, "index", None)
        why = str(error).strip().rstrip(".") or type(error).__name__
        which = "" if index is None else f"run {missing[index].path.relative_to(sweep.path / RUNS)}: "
        again = hint("eicon", "sweep", sweep.path / SWEEP, "--out", sweep.path)
        raise SweepError(
            f"{which}{why}. {kept} of {sweep.recipe.n_cells} runs are finished and kept in {sweep.path}; "
            f"repeat the sweep to train the rest, e.g. with: {again}"
        ) from error


def _check_same(path: Path, there: Recipe, here: Recipe) -> None:
    if list(there.grid) != list(here.grid):
        raise FileExistsError(
            f"{path} contains a sweep over {', '.join(there.grid) or 'nothing'}, but this one is over "
            f"{', '.join(here.grid) or 'nothing'}; choose another --out."
        )
    for key in there.grid:
        if lost := [value for value in there.grid[key] if value not in here.grid[key]]:
            raise FileExistsError(
                f"{path} contains a sweep with more values of grid.{key}: {lost} is missing here; add it, or choose "
                "another --out."
            )
    old, new = (_grid.flat(one.completed().model_dump(mode="json", exclude={"grid", "code"})) for one in (there, here))
    different = [
        key for key in sorted(old.keys() | new.keys()) if key not in here.grid and old.get(key) != new.get(key)
    ]
    if different:
        key = different[0]
        raise FileExistsError(
            f"{path} contains a sweep with different settings: {', '.join(different)} differ ({key} is "
            f"{old.get(key)!r} there and {new.get(key)!r} here); choose another --out."
        )
