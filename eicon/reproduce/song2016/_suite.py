"""Training of the missing networks, and a table of the results."""

import logging
import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...models import verify
from ...runs import create_run, open_run, train_run
from ...runs._recipe import Recipe
from ...runs._run import Run
from ...runs._sweep import do_job, job_of
from ...runs._workers import run_many
from ...training._history import History
from ._models import MODELS, model_recipe

logger = logging.getLogger(__name__)

RUNS = "runs"


class Row(NamedTuple):
    """Criterion and result of one network.

    Attributes
    ----------
    model, seed : which network
    asked : criterion, in words
    reached : value to which the criterion applies: accuracy in 0..1, or RMSE
    done : True if training ended because the criterion was reached
    steps, trials : number of training steps and trials
    seconds : duration of training, including compilation
    constraints : True if `verify` found all constraints satisfied
    """

    model: str
    seed: int
    asked: str
    reached: float
    done: bool
    steps: int
    trials: int
    seconds: float
    constraints: bool


def run_path(out: str | os.PathLike[str], model: str, seed: int) -> Path:
    """Return the directory of a network."""
    return Path(out) / RUNS / model / f"seed{seed}"


def train_models(
    out: str | os.PathLike[str],
    models: Sequence[str],
    *,
    seeds: int | None = None,
    quick: bool = False,
    workers: int | None = None,
    progress: bool = True,
) -> dict[str, list[Run]]:
    """Train all missing networks in several processes, and resume interrupted ones.

    ``workers`` is the number of processes, one per core by default; 0 trains in this process.

    Raises
    ------
    FileExistsError
        If an existing run has different settings, e.g. those of ``quick``.
    """
    runs = {
        name: [
            _run(run_path(out, name, seed), model_recipe(name, seed, quick=quick))
            for seed in range(seeds or MODELS[name].seeds)
        ]
        for name in models
    }
    missing = [
        run
        for of_model in runs.values()
        for run in of_model
        if not (run.network.is_file() and run.read_record().get("status") == "trained")
    ]
    if workers == 0 or len(missing) < 2:
        for i, run in enumerate(missing):
            logger.info("Training %s (%d of %d)", run.path, i + 1, len(missing))
            train_run(run, progress=progress)
        return runs
    with closing(run_many(do_job, [job_of(run, keep_state=True) for run in missing], workers=workers)) as answers:
        for i, (index, _) in enumerate(answers):
            logger.info("Trained %s (%d of %d)", missing[index].path, i + 1, len(missing))
    return runs


def rows(runs: dict[str, list[Run]]) -> list[Row]:
    """Return the table of criteria and results."""
    return [_row(name, run) for name, of_model in runs.items() for run in of_model]


def _run(path: Path, recipe: Recipe) -> Run:
    if not (path / "config.toml").is_file():
        return create_run(path, recipe)
    run = _with_scale(open_run(path), recipe)
    if run.recipe.completed() != recipe.completed():
        raise FileExistsError(
            f"{path} contains a run with different settings (from --quick, or an older version); choose another --out."
        )
    return run


def _with_scale(run: Run, recipe: Recipe) -> Run:
    """Return the run with the coherence scale of ``recipe``, which runs of eicon 0.1.0 with the same stimuli lack."""
    if "coherence_scale" not in recipe.task or "coherence_scale" in run.recipe.task:
        return run
    task = {**run.recipe.task, "coherence_scale": recipe.task["coherence_scale"]}
    return replace(run, recipe=run.recipe.model_copy(update={"task": task}))


def _row(name: str, run: Run) -> Row:
    history = run.history()
    criterion = run.recipe.criterion()
    return Row(
        model=name,
        seed=run.recipe.seed,
        asked=MODELS[name].asked,
        reached=_measure(history, run.recipe),
        done=criterion is not None and criterion(history),
        steps=history.n_steps,
        trials=history.n_steps * (run.recipe.trials.batch_size or 0),
        seconds=float(history.seconds[-1]),
        constraints=verify(run.load_network()).ok,
    )


def _measure(history: History, recipe: Recipe) -> float:
    settings = recipe.training
    last = slice(-settings.stop_window, None)
    if settings.stop_loss is not None:
        return float(np.sqrt(np.mean(history.validation_loss[last])))
    worst = settings.stop_worst_accuracy is not None
    return float(np.mean((history.validation_worst if worst else history.validation_accuracy)[last]))
