"""Pictures of a condensation: error against size, outputs at every stage, and which units stayed."""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from .. import analysis, plotting
from .._key import key as key_of
from ..models import RateRNN
from ..plotting._files import Drawing, Form, save_figures
from ..studies._condense import CONDENSE_STREAM
from ..studies._responses import condition, onset_of, unit_types
from ..tasks import Task
from ._condense import read_condensation, stages
from ._open import open_run
from ._run import Run

PANELS = 9


def draw_condensation(run: Run, *, form: Form = "png", dpi: float | None = None) -> list[Path]:
    """Write the figures of a condensed run into its ``figures/``, in a form of `eicon.plotting.save_figures`.

    ``condensation``: error of the outputs at each size; ``units``: units in the space of their loadings on
    principal components, those that stayed filled; ``stages``: outputs per time that is asked for, where the
    task asks for one.

    Raises
    ------
    FileNotFoundError
        If the run is not the result of a condensation, or the network that it was made from is gone.
    """
    record = read_condensation(run)
    original = open_run(record["source"]).load_network()
    task = run.recipe.make_task()
    figures: dict[str, Drawing] = {"condensation": _errors(record)}
    figures["units"] = _units(original, task, run.recipe.seed, record["units"])
    if task.asked_time is not None:
        figures["stages"] = _stages(run, record, original, task, task.asked_time)
    return save_figures(run.figures, figures, form=form, dpi=dpi)


def _errors(record: dict[str, Any]) -> Drawing:
    found = record["stages"]
    curves = {"condensed": [[_error(stage["before_retraining"]) for stage in found]]}
    if record["protocol"]["retrain"]:
        curves["retrained"] = [[_error(stage) for stage in found]]
    return plotting.plot_error_curves(
        [stage["size"] for stage in found],
        curves,
        retrained=["retrained"] if "retrained" in curves else [],
        ylabel="error of the outputs (NRMSE)",
    )


def _units(original: RateRNN, task: Task, seed: int, units: list[int]) -> Drawing:
    trial = task.trials(10, key=jax.random.fold_in(key_of(seed), CONDENSE_STREAM))
    rates = original.predict(trial.inputs, noise=False).rates
    components = analysis.pca(rates, mask=np.asarray(trial.inside), n_components=2)
    scaled = components.components.T * np.sqrt(components.explained_variance[:2])
    return plotting.plot_unit_space(
        scaled,
        kept=units,
        excitatory=unit_types(original),
        explained_ratio=components.explained_ratio[:2],
    )


def _stages(run: Run, record: dict[str, Any], original: RateRNN, task: Task, asked: str) -> Drawing:
    trial = task.trials(1, key=jax.random.fold_in(key_of(run.recipe.seed), CONDENSE_STREAM))
    nets = [original, *stages(run)]
    measured = [record["original"], *record["stages"]]
    shown = np.unique(np.linspace(0, len(nets) - 1, min(PANELS, len(nets))).round().astype(int))
    outputs, errors = {}, {}
    for i in shown:
        title = f"{nets[i].n_rec} units"
        outputs[title] = np.asarray(nets[i].predict(trial.inputs, noise=False).outputs)[:, :, :1]
        errors[title] = _error(measured[i])
    given = condition(task, trial, asked, "asked_time")
    return plotting.plot_outputs_grid(
        outputs,
        np.asarray(trial.targets)[:, :, :1],
        given.numbers,
        task.dt,
        set_step=onset_of(task, trial),
        mask=np.asarray(trial.mask),
        errors=errors,
        label=asked,
        unit=given.unit,
    )


def _error(measured: dict[str, Any]) -> float:
    return float("inf") if measured["output_error"] is None else measured["output_error"]
