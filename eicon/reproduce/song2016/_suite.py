"""Train what is not trained yet, and say what was reached."""

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...models import verify
from ...runs import create_run, open_run, train_run
from ...runs._config import RunConfig
from ...runs._run import Run
from ...training._checkpoint import read_history
from ...training._history import History
from ._models import MODELS, model_config

logger = logging.getLogger(__name__)

RUNS = "runs"


class Row(NamedTuple):
    """What one network was asked and reached.

    Attributes
    ----------
    model, seed : which network
    asked : criterion, in words
    reached : value that the criterion is about: accuracy in 0..1, or RMSE
    done : whether training ended because the criterion was reached
    steps, trials : of training
    seconds : of training, compilation included
    constraints : whether `verify` found all constraints to hold
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
    """Directory of a network."""
    return Path(out) / RUNS / model / f"seed{seed}"


def train_models(
    out: str | os.PathLike[str],
    models: Sequence[str],
    *,
    seeds: int | None = None,
    quick: bool = False,
    progress: bool = True,
) -> dict[str, list[Run]]:
    """Train every network that is not trained yet; those that were interrupted go on.

    Raises
    ------
    FileExistsError
        If a run there has other settings, e.g. because it is a quick one.
    """
    runs: dict[str, list[Run]] = {}
    total = sum(seeds or MODELS[name].seeds for name in models)
    for name in models:
        runs[name] = []
        for seed in range(seeds or MODELS[name].seeds):
            config = model_config(name, seed, quick=quick)
            run = _run(run_path(out, name, seed), config)
            runs[name].append(run)
            if run.network.is_file() and run.read_record().get("status") == "trained":
                continue
            logger.info("%s, seed %d (%d of %d networks)", name, seed, sum(map(len, runs.values())), total)
            train_run(run, progress=progress)
    return runs


def rows(runs: dict[str, list[Run]]) -> list[Row]:
    """Table of what was asked and reached."""
    return [_row(name, run) for name, of_model in runs.items() for run in of_model]


def _run(path: Path, config: RunConfig) -> Run:
    if not (path / "config.toml").is_file():
        return create_run(path, config)
    run = _with_scale(open_run(path), config)
    if run.config != config:
        raise FileExistsError(
            f"{path} holds a run with other settings (a quick one, or of another version); choose another --out."
        )
    return run


def _with_scale(run: Run, config: RunConfig) -> Run:
    """The run with the coherence scale of ``config``: one of eicon 0.1.0 says none, and has the same stimuli."""
    if "coherence_scale" not in config.task or "coherence_scale" in run.config.task:
        return run
    task = {**run.config.task, "coherence_scale": config.task["coherence_scale"]}
    return replace(run, config=run.config.model_copy(update={"task": task}))


def _row(name: str, run: Run) -> Row:
    history, settings = read_history(run.checkpoint), run.config.training
    criterion = run.config.criterion()
    return Row(
        model=name,
        seed=run.config.seed,
        asked=MODELS[name].asked,
        reached=_measure(history, run.config),
        done=criterion is not None and criterion(history),
        steps=history.n_steps,
        trials=history.n_steps * settings.batch_size,
        seconds=float(history.seconds[-1]),
        constraints=verify(run.load_network()).ok,
    )


def _measure(history: History, config: RunConfig) -> float:
    settings = config.training
    last = slice(-settings.stop_window, None)
    if settings.stop_loss is not None:
        return float(np.sqrt(np.mean(history.validation_loss[last])))
    worst = settings.stop_worst_accuracy is not None
    return float(np.mean((history.validation_worst if worst else history.validation_accuracy)[last]))
