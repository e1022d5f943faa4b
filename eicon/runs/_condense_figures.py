"""Figures of a condensation: error against size, outputs at every stage, and kept units."""

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
from ..training._recorded import unit_names
from ._condense import read_condensation, stages, trials_of
from ._open import open_run
from ._run import Run

PANELS = 9
MOST_WIRED = 40
"""Largest number of units of a network whose circuit is drawn."""
MOST_PREFERRED = 4
"""Largest number of levels of a condition by which units are grouped."""
SELECTIVE = 0.1
"""Contrast of mean rates, or correlation with targets, below which a unit has no preference."""
SILENT = 1e-3
"""Fraction of the largest rate of all units below which a unit is silent."""


def draw_condensation(run: Run, *, form: Form = "png", dpi: float | None = None) -> list[Path]:
    """Write the figures of a condensed run into its ``figures/``, in a format of `eicon.plotting.save_figures`.

    ``condensation``: error of the outputs at each size; ``units``: units in the space of their loadings on
    principal components, kept units filled; ``stages``: outputs for each requested time, if the task has one;
    ``wiring``: the last network as a circuit, if it has at most 40 units; ``predictions``: error of recorded and
    unrecorded units at each size, for a network that was fitted to a recording.

    Raises
    ------
    FileNotFoundError
        If the run is not the result of a condensation, or the original network no longer exists.
    """
    record, last = read_condensation(run), run.load_network()
    original = open_run(record["source"]).load_network()
    drawn = last.n_rec <= MOST_WIRED and all(np.isfinite(w).all() for w in (last.W_rec, last.W_in, last.W_out))
    make = _of_fit if run.recipe.is_fit else _of_task
    return save_figures(run.figures, make(run, record, original, last if drawn else None), form=form, dpi=dpi)


def _of_task(run: Run, record: dict[str, Any], original: RateRNN, last: RateRNN | None) -> dict[str, Drawing]:
    task = run.recipe.make_task()
    trial = task.trials(10, key=jax.random.fold_in(key_of(run.recipe.seed), CONDENSE_STREAM))
    figures: dict[str, Drawing] = {"condensation": _errors(record, "outputs")}
    figures["units"] = _units(original, trial.inputs, np.asarray(trial.inside), record["units"])
    if task.asked_time is not None:
        figures["stages"] = _stages(run, record, original, task, task.asked_time)
    if last is not None:
        figures["wiring"] = _wiring(last, task, run.recipe.seed, record["units"])
    return figures


def _of_fit(run: Run, record: dict[str, Any], original: RateRNN, last: RateRNN | None) -> dict[str, Drawing]:
    given = run.recipe.make_recording()
    assert given is not None
    known, of_outputs = given.known, given.known.observed == "output"
    figures: dict[str, Drawing] = {"condensation": _errors(record, "outputs" if of_outputs else "rates")}
    figures["predictions"] = _predictions(record)
    figures["units"] = _units(original, known.inputs, known.mask, record["units"])
    if last is not None:
        figures["wiring"] = plotting.plot_wiring(
            last.W_rec,
            unit_types(last),
            W_in=last.W_in,
            W_out=last.W_out if of_outputs else None,
            represents=last.units.get("represents"),
            names=list(last.units.get("name", map(str, record["units"]))),
            inputs=known.input_channels,
            outputs=unit_names(last, "output") if of_outputs else (),
        )
    return figures


def _errors(record: dict[str, Any], of: str) -> Drawing:
    found = record["stages"]
    curves = {"condensed": [[_error(stage["before_retraining"]) for stage in found]]}
    if record["protocol"]["retrain"]:
        curves["retrained"] = [[_error(stage) for stage in found]]
    return plotting.plot_error_curves(
        [stage["size"] for stage in found],
        curves,
        retrained=["retrained"] if "retrained" in curves else [],
        ylabel=f"error of the {of} (NRMSE)",
    )


def _predictions(record: dict[str, Any]) -> Drawing:
    """Draw errors on recorded and unrecorded units at each size, in held-out trials if there are any."""
    found, trials, curves = [record["original"], *record["stages"]], trials_of(record), {}
    for which in ("recorded", "unrecorded"):
        if (name := f"{which}_{trials}_r2") in record["original"]["measures"]:
            scores = [stage["measures"].get(name) for stage in found]
            curves[f"{which} units"] = [[np.inf if r2 is None else 1 - r2 for r2 in scores]]
    return plotting.plot_error_curves(
        [stage["size"] for stage in found],
        curves,
        reference=None,
        ylabel="squared error / variance (median)",
    )


def _units(original: RateRNN, inputs: Any, inside: np.ndarray, units: list[int]) -> Drawing:
    rates = original.predict(inputs, noise=False).rates
    components = analysis.pca(rates, mask=inside, n_components=2)
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
    given = Responses(net, task, trial, net.predict(trial.inputs, key=key_noise))  # noise activates some units
    since = f", from the epoch {task.aligned_to!r} on" if task.aligned_to else ""
    accuracy = float(task.accuracy(given.activity.outputs, trial))
    values = net.network.values()
    biased = any(np.asarray(values[name]).any() for name in ("b_rec", "b_out") if name in values)
    biases = "Biases are not drawn. " if biased else ""
    return plotting.plot_wiring(
        net.W_rec,
        unit_types(net),
        W_in=net.W_in,
        W_out=net.W_out,
        preferred=_preferred(given) if np.isfinite(np.asarray(given.activity.rates)).all() else None,
        represents=net.units.get("represents"),
        names=[str(unit) for unit in units],
        inputs=task.input_channels,
        outputs=task.output_channels,
        note=f"Numbers: units of the original network. Colours: when units are most active{since}. {biases}"
        f"Accuracy with noise: {100 * accuracy:.0f} %.",
    )


def _preferred(given: Responses) -> list[str]:
    """Return the condition in which each unit is most active: a choice, a level, or high or low targets.

    Means start at the epoch to which the task aligns its trials.
    """
    task, trial, rates = given.task, given.trial, np.asarray(given.activity.rates, np.float64)
    inside = np.asarray(trial.inside)
    window = np.maximum.accumulate(window_of(task, trial), axis=0) & inside
    silent = rates[inside].max(axis=0) <= SILENT * rates[inside].max()
    classes, by = None, []
    if task.asked_time is None:
        classes = two_classes(task, trial)
        by = [one for one in sorted_by(task, trial) if np.unique(one.values).size <= MOST_PREFERRED]
    if by or (classes is not None and classes.sort is None):
        if classes is not None and classes.sort is None:
            names, label = ["choice 0", "choice 1"], classes.labels
        else:
            levels, label = np.unique(by[0].values, return_inverse=True)
            names = [f"{by[0].name} {level_name(level)}" for level in levels]
        means = np.stack([rates[:, label == i][window[:, label == i]].mean(axis=0) for i in range(len(names))])
        selective = np.ptp(means, axis=0) >= SELECTIVE * (means.max(axis=0) + means.min(axis=0))
        names = [names[i] for i in means.argmax(axis=0)]
    else:
        both = rates[inside], outputs_and_targets(given)[1][inside]
        x, y = (values - values.mean(axis=0) for values in both)
        x, y = (values / np.maximum(np.linalg.norm(values, axis=0), 1e-9) for values in (x, y))
        together = x.T @ y
        best = np.abs(together).argmax(axis=1)
        signs = np.where(np.take_along_axis(together, best[:, None], 1)[:, 0] > 0, "high", "low")
        names = [f"{task.output_channels[i]} {sign}".replace("_", " ") for i, sign in zip(best, signs, strict=True)]
        selective = np.abs(together).max(axis=1) >= SELECTIVE
    return [
        "silent" if quiet else name if differs else "unselective"
        for name, quiet, differs in zip(names, silent, selective, strict=True)
    ]


def _error(measured: dict[str, Any]) -> float:
    return float("inf") if measured["output_error"] is None else measured["output_error"]
