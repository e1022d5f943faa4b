"""Lesioned runs."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..models import save
from ._run import Run, create_run, write_record


def lesion_run(
    run: Run,
    units: str | Mapping[str, Any] | Sequence[int],
    out: str | os.PathLike[str],
    *,
    cells: float = 1.0,
    steps: int | None = None,
    seed: int | None = None,
) -> Run:
    """Remove units of a trained run; the result is a new run that is not retrained yet.

    Parameters
    ----------
    run : Run
        Trained; it is not changed.
    units : str, mapping or sequence of int
        See `RateRNN.select`.
    out : path
        Directory of the new run.
    cells : float
        Fraction of the units that is removed, drawn at random.
    steps : int, optional
        Steps of retraining; by default those of the run's recipe.
    seed : int, optional
        Seed of the choice of units and of the trials of retraining; by default that of the run.

    Raises
    ------
    FileNotFoundError
        If the run is not trained.
    FileExistsError
        If ``out`` exists and is not empty.
    ValueError
        As `RateRNN.without`, and for a network that was fitted to a recording.
    """
    run.load_network()  # raises an error if it is missing
    if run.recipe.is_fit:
        raise ValueError(
            "the network was fitted to a recording, whose units it must keep. In Python, remove units with "
            "eicon.load(RUN/network.npz).without(units)."
        )
    recipe = run.recipe if seed is None else run.with_seed(seed).recipe
    changes: dict[str, Any] = {
        "lesion": {
            "path": str(Path(run.network).absolute()),
            "units": dict(units) if isinstance(units, Mapping) else units if isinstance(units, str) else tuple(units),
            "cells": cells,
            "seed": recipe.seed,
        },
        "pretrained": {},
        "continued_from": "",
    }
    if steps is not None:
        changes["training"] = {**recipe.training.model_dump(exclude_unset=True), "steps": steps}
        changes["training"].pop("epochs", None)
    made = create_run(out, recipe.with_changes(changes))
    save(made.recipe.make_network(made.recipe.make_task()), made.network)
    write_record(made, "lesioned", 0, 0.0)
    return made
