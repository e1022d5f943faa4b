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
from ..studies._responses import (
    Responses,
    condition,
    level_name,
    onset_of,
    outputs_and_targets,
    sorted_by,
    two_classes,
    unit_types,
    window_of,
)
from ..tasks import Task
from ._condense import read_condensation, stages
from ._open import open_run
from ._run import Run

PANELS = 9
MOST_WIRED = 40
"""Units of a network whose circuit is drawn."""
MOST_INPUTS, MOST_PREFERRED = 8, 4
"""Inputs that are drawn in it, and levels of a condition by which its units are grouped."""


def draw_condensation(run: Run, *, form: Form = "png", dpi: float | None = None) -> list[Path]:
    """Write the figures of a condensed run into its ``figures/``, in a form of `eicon.plotting.save_figures`.

    ``condensation``: error of the outputs at each size; ``units``: units in the space of their loadings on
    principal components, those that stayed filled; ``stages``: outputs per time that is asked for, where the
    task asks for one; ``wiring``: the last network as a circuit, if it has at most 40 units.

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
    last = run.load_network()
    if last.n_rec <= MOST_WIRED and all(np.isfinite(w).all() for w in (last.W_rec, last.W_in, last.W_out)):
        figures["wiring"] = _wiring(last, task, run.recipe.seed, record["units"])
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


def _wiring(net: RateRNN, task: Task, seed: int, units: list[int]) -> Drawing:
    key_trial, key_noise = jax.random.split(jax.random.fold_in(key_of(seed), CONDENSE_STREAM))
    trial = task.trials(10, key=key_trial)
    given = Responses(net, task, trial, net.predict(trial.inputs, key=key_noise))  # some are active with noise alone
    few = net.n_in <= MOST_INPUTS
    return plotting.plot_wiring(
        net.W_rec,
        unit_types(net),
        W_in=net.W_in if few else None,
        W_out=net.W_out,
        preferred=_preferred(given) if np.isfinite(np.asarray(given.activity.rates)).all() else None,
        represents=net.units.get("represents"),
        names=[str(unit) for unit in units],
        inputs=task.input_channels if few else (),
        outputs=task.output_channels,
    )


def _preferred(given: Responses) -> list[str]:
    """In what each unit is most active: a choice, a level of a condition, or high or low targets of an output."""
    task, trial, rates = given.task, given.trial, np.asarray(given.activity.rates, np.float64)
    window = window_of(task, trial)
    classes, by = None, []
    if task.asked_time is None:
        classes = two_classes(task, trial)
        by = [one for one in sorted_by(task, trial) if np.unique(one.values).size <= MOST_PREFERRED]
    if classes is not None and classes.sort is None:
        names, label = ["choice 0", "choice 1"], classes.labels
    elif by:
        levels, label = np.unique(by[0].values, return_inverse=True)
        names = [f"{by[0].name} {level_name(level)}" for level in levels]
    else:
        both = rates[np.asarray(trial.inside)], outputs_and_targets(given)[1][np.asarray(trial.inside)]
        x, y = (values - values.mean(axis=0) for values in both)
        together = x.T @ (y / np.maximum(np.linalg.norm(y, axis=0), 1e-9))
        best = np.abs(together).argmax(axis=1)
        signs = np.where(np.take_along_axis(together, best[:, None], 1)[:, 0] > 0, "high", "low")
        names = [f"{task.output_channels[i]} {sign}".replace("_", " ") for i, sign in zip(best, signs, strict=True)]
        return [name if values.any() else "constant" for name, values in zip(names, x.T, strict=True)]
    means = np.stack([rates[:, label == i][window[:, label == i]].mean(axis=0) for i in range(len(names))])
    return ["constant" if values.min() == values.max() else names[values.argmax()] for values in means.T]


def _error(measured: dict[str, Any]) -> float:
    return float("inf") if measured["output_error"] is None else measured["output_error"]
