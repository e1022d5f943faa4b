"""Two trained runs on the same trials: numbers, a table, and figures."""

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from .. import analysis, plotting
from .._files import atomic_file, without_nan, write_text
from ..models import RateRNN, verify
from ..tasks import Task, Trial
from ..training import LOSSES
from ._analyze import ANALYSIS_STREAM
from ._compare_figures import Side, Trials, draw_comparison
from ._compare_report import comparison_page, comparison_text
from ._run import Run

PRODUCTION = "production"
GROUPINGS = {"interval": ("interval", "ms"), "coherence": ("signed coherence", "%")}
"""Conditions that sort trials in figures, with their names and units; other tasks show the mean of all trials."""


class Comparability(NamedTuple):
    """Task on which two runs are compared, and what the reader has to know about it."""

    task: Task
    notes: list[str]


def compare_runs(
    run_a: Run,
    run_b: Run,
    out: str | os.PathLike[str] | None = None,
    *,
    repeats: int = 20,
    noise: bool = False,
    units: Sequence[int] | np.ndarray | None = None,
) -> dict[str, Any]:
    """Compare two trained runs on the same trials, and write the comparison into a directory.

    Parameters
    ----------
    run_a, run_b : Run
        Networks may differ in size; A is the reference of every error.
    out : path, optional
        Directory for ``compare.json``, ``compare.md``, ``compare.html`` and figures (png), which are replaced if they
        exist. None takes ``RUN_B/compare/NAME_OF_A``.
    repeats : int
        Trials per condition.
    noise : bool
        Run the networks with their noise, from the same key (networks of one size then get the same noise).
    units : (N_b,) array of int, optional
        Unit j of B is unit ``units[j]`` of A: adds the error of single units and angles in the space of units. None
        takes what ``condense.json`` says, if B was condensed from A.

    Returns
    -------
    dict
        What ``compare.json`` holds; numbers that do not exist are None.

    Raises
    ------
    FileNotFoundError
        If one of the runs is not trained.
    ValueError
        If the tasks differ in kind, inputs, outputs or step, a network is silent or has other inputs or step than the
        task, or `units` does not fit.
    """
    task, notes = comparable(run_a, run_b)
    names = _names(run_a, run_b)
    nets = [run.load_network() for run in (run_a, run_b)]
    for name, net in zip(names, nets, strict=True):
        verify(net).raise_if_violated()
        if (net.n_in, net.n_out, net.dt) != (task.n_in, task.n_out, task.dt):
            raise ValueError(
                f"the network of {name} has {net.n_in} inputs, {net.n_out} outputs and dt {net.dt:g} ms; "
                f"the task has {task.n_in}, {task.n_out} and {task.dt:g} ms."
            )
    # Folding twice: other trials than those of `analyze`, whose numbers these are not.
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(run_a.config.seed), ANALYSIS_STREAM), 1)
    key_trial, key_noise = jax.random.split(key)
    trial = task.trials(repeats, key=key_trial)
    if noise and nets[0].n_rec != nets[1].n_rec:
        notes.append("The networks differ in size, so that each has noise of its own.")
    sides = [_side(name, net, task, trial, key_noise if noise else None) for name, net in zip(names, nets, strict=True)]
    trials = _trials(task, trial)
    out = run_b.path / "compare" / run_a.path.resolve().name if out is None else Path(out)
    if units is None:
        units = kept_units(run_a, run_b)
    numbers = {
        "folder": str(out),
        "names": list(names),
        "paths": [str(run.path) for run in (run_a, run_b)],
        "task": {**run_a.config.task, "dt": task.dt},
        "n_trials": trial.batch_size,
        "repeats": repeats,
        "noise": noise,
        "notes": notes,
        "similarity": _similarity(sides, trials, units),
        "networks": [_network(side, task, trial, trials, run_a) for side in sides],
    }
    numbers = without_nan(numbers)
    out = run_b.path / "compare" / run_a.path.resolve().name if out is None else Path(out)
    figures = draw_comparison(sides, trials)
    for name, figure in figures.items():
        with atomic_file(out / f"{name}.png") as stream:
            plotting.save_png(figure, stream)
    write_text(out / "compare.json", json.dumps(numbers, indent=2) + "\n")
    write_text(out / "compare.md", comparison_text(numbers, list(figures)))
    write_text(out / "compare.html", comparison_page(numbers, out, list(figures)))
    return numbers


def kept_units(run_a: Run, run_b: Run) -> list[int] | None:
    """Units of A that the units of B are, if B was condensed from A."""
    if not run_b.condensation.is_file():
        return None
    record = json.loads(run_b.condensation.read_text(encoding="utf-8"))
    return record["units"] if record["source"] == str(run_a.path.resolve()) else None


def comparable(run_a: Run, run_b: Run) -> Comparability:
    """Task for comparing two runs, that of A.

    Raises
    ------
    ValueError
        If the tasks differ in kind, inputs, outputs, loss or step.
    """
    a, b = run_a.config.make_task(), run_b.config.make_task()
    if type(a) is not type(b):
        raise ValueError(
            f"the runs have different tasks, {type(a).__name__} and {type(b).__name__}; "
            "only networks with the same inputs and outputs can be compared."
        )
    for what in ("n_in", "n_out", "input_channels", "output_channels", "loss", "dt"):
        first, second = getattr(a, what), getattr(b, what)
        if first != second:
            raise ValueError(
                f"the tasks differ in {what}: {first} and {second}; "
                "only networks with the same inputs, outputs and step can be compared."
            )
    names = [field.name for field in dataclasses.fields(a)]
    differing = [name for name in names if getattr(a, name) != getattr(b, name)]
    notes = [f"The tasks differ in {', '.join(differing)}; all trials are of A's task."] if differing else []
    return Comparability(a, notes)


def _names(run_a: Run, run_b: Run) -> tuple[str, str]:
    """Names of the directories, with as many parents as tell them apart."""
    first, second = (run.path.resolve().parts for run in (run_a, run_b))
    for n in range(1, min(len(first), len(second)) + 1):
        if first[-n:] != second[-n:]:
            return "/".join(first[-n:]), "/".join(second[-n:])
    return first[-1], f"{second[-1]} (again)"


def _side(name: str, net: RateRNN, task: Task, trial: Trial, key: jax.Array | None) -> Side:
    activity = net.predict(trial.inputs, key=key, noise=key is not None)
    types = net.is_excitatory if net.is_excitatory.any() else None
    rates, outputs = np.asarray(activity.rates), np.asarray(activity.outputs)
    inside = np.asarray(trial.inside)
    start, stop = _production(trial)
    ramp = produced = timing = curve = None
    if start is not None and int((stop - start).min()) >= 3:
        ramp = analysis.ramp_index(rates, start, stop, conditions=_groups(trial)[0])
    if hasattr(task, "produced_time"):
        produced = np.asarray(task.produced_time(activity.outputs, trial))
        timing = analysis.scalar_variability(produced, np.asarray(trial.conditions["interval"]))
    if {"coherence", "choice"} <= trial.conditions.keys() and hasattr(task, "choice"):
        chosen = np.asarray(task.choice(activity.outputs, trial))
        coherence = np.asarray(trial.conditions["coherence"])
        if np.unique(coherence[chosen >= 0]).size > 1:
            curve = analysis.psychometric(coherence, chosen)
    try:
        components = analysis.pca(rates, mask=inside)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    spectrum = analysis.spectrum(net.W_rec, excitatory=types)
    return Side(name, net, rates, outputs, types, components, spectrum, ramp, produced, timing, curve)


def _trials(task: Task, trial: Trial) -> Trials:
    values, label, unit = _groups(trial)
    return Trials(
        groups=values,
        label=label,
        unit=unit,
        inside=np.asarray(trial.inside),
        scored=np.asarray(trial.mask) > 0,
        targets=np.asarray(trial.targets) if task.loss == "mse" else None,
        onset=_production(trial)[0],
        interval=np.asarray(trial.conditions["interval"]) if "interval" in trial.conditions else None,
        channels=task.output_channels,
        dt=task.dt,
    )


def _groups(trial: Trial) -> tuple[np.ndarray, str, str]:
    """Condition of each trial for the figures, its name and unit."""
    for name, (label, unit) in GROUPINGS.items():
        if name in trial.conditions:
            return np.asarray(trial.conditions[name], np.float64), label, unit
    return np.zeros(trial.batch_size), "all trials", ""


def _production(trial: Trial) -> tuple[Any, Any]:
    """Steps at which production begins and ends, (B,) each; None where the task has no such epoch."""
    if PRODUCTION not in trial.epochs:
        return None, None
    span = np.asarray(trial.epochs[PRODUCTION])
    return span[:, 0], span[:, 1]


def _similarity(sides: Sequence[Side], trials: Trials, units: Sequence[int] | np.ndarray | None) -> dict[str, Any]:
    a, b = sides
    found = analysis.compare(
        a.rates,
        b.rates,
        a.outputs,
        b.outputs,
        a.net.W_rec,
        b.net.W_rec,
        mask=trials.inside,
        output_mask=trials.scored,
        units=units,
    )
    return {
        "output_nrmse": found.output_nrmse,
        "rate_nrmse": found.rate_nrmse,
        "cka": found.cka,
        "procrustes_degrees": float(np.degrees(found.procrustes)),
        "n_angles": found.n_angles,
        "angles_degrees": np.degrees(found.angles).tolist(),
        "unit_angles_degrees": np.degrees(found.unit_angles).tolist(),
        "aligned_nrmse": {"a_from_b": float(found.aligned_nrmse[0]), "b_from_a": float(found.aligned_nrmse[1])},
        "spectrum_distance": found.spectrum_distance,
    }


def _network(side: Side, task: Task, trial: Trial, trials: Trials, reference: Run) -> dict[str, Any]:
    outputs = jax.numpy.asarray(side.outputs)
    loss = LOSSES[reference.config.training.loss or task.loss]
    numbers: dict[str, Any] = {
        "n_rec": side.net.n_rec,
        "n_excitatory": int(side.net.is_excitatory.sum()),
        "loss": float(loss(outputs, trial)),
        "accuracy": float(task.accuracy(outputs, trial)),
        "participation_ratio": side.components.participation_ratio,
        "n_components": {f"{f:.0%}": side.components.n_for(f) for f in (0.9, 0.95, 0.99)},
        "spectral_radius": side.spectrum.spectral_radius,
        "spectral_abscissa": side.spectrum.spectral_abscissa,
    }
    if side.psychometric is not None:
        numbers["psychometric"] = {name: float(getattr(side.psychometric, name)) for name in ("bias", "width")}
    if side.timing is not None:
        numbers["timing"] = {name: np.asarray(value).tolist() for name, value in side.timing._asdict().items()}
    if side.ramp is not None:
        ramp = side.ramp
        numbers["ramp_index"] = {"mean": ramp.mean, "median": ramp.median, "n_silent": ramp.n_silent}
        numbers["scaling"] = _scaling(side, trial, trials)
    return numbers


def _scaling(side: Side, trial: Trial, trials: Trials) -> dict[str, float] | None:
    """Scaling in phase and in absolute time; None where all intervals are the same."""
    start, stop = _production(trial)
    if np.unique(stop - start).size < 2:
        return None
    found = analysis.temporal_scaling(side.rates, start, stop, trials.groups)
    return {"scaled": found.scaled_mean, "absolute": found.absolute_mean}
