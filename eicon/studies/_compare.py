"""Comparison of two networks on the same trials of a task: behaviour and similarity."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from .. import analysis
from .._users import named, scalar
from ..models import RateRNN, verify
from ..tasks import Task, Trial
from ..tasks._check import check_task
from ..training._losses import LOSSES, Loss
from ._responses import (
    Answers,
    Condition,
    analysis_key,
    behaviour_of,
    condition,
    evidence_of,
    onset_of,
    psychometric_of,
    sorted_by,
    strength_of,
    timed_span,
    unit_types,
)

COMPARISON_STREAM = 1
"""Folded in after the stream of analyses, for trials different from those of `responses`."""
N_PERMUTATIONS = 99
"""Default number of permutations; the smallest p is then 0.01."""
AGAIN = "With noise, each network runs twice; its rates are the averages of both runs."


class Comparability(NamedTuple):
    """Task on which two networks are compared, with notes for the reader."""

    task: Task
    notes: list[str]


class Side(NamedTuple):
    """One of the two networks and its results; None where they do not apply to the task."""

    name: str
    net: RateRNN
    rates: np.ndarray
    outputs: np.ndarray
    excitatory: np.ndarray | None
    components: analysis.results.PCA
    spectrum: analysis.results.Spectrum
    behaviour: Answers
    ramp: analysis.results.RampIndex | None = None
    timing: analysis.results.ScalarVariability | None = None
    psychometric: analysis.results.Psychometric | None = None


class Trials(NamedTuple):
    """Properties of the trials for a report.

    Attributes
    ----------
    groups, label, unit
        Values by which trials are grouped, with their name and unit.
    evidence, sorts
        Conditions, as named by the task.
    strength, neutral
        Properties of the evidence: its distance from the value at which neither choice is correct, if known, and that
        value.
        Mean score of guesses.
    onset, since
        Step to which trials are aligned, None for their start, and the epoch that starts there.
    interval
        Requested time, None if there is none.
    """

    groups: np.ndarray
    label: str
    unit: str
    evidence: Condition | None
    sorts: list[Condition]
    strength: np.ndarray | None
    neutral: float
    chance: float
    inside: np.ndarray
    scored: np.ndarray
    targets: np.ndarray | None
    onset: np.ndarray | None
    since: str
    interval: np.ndarray | None
    channels: tuple[str, ...]
    dt: float


class NetworkComparison(NamedTuple):
    """Two networks on the same trials.

    Attributes
    ----------
    sides : tuple of Side
        The networks A and B with their results.
    trials : Trials
    similarity : dict
        Similarities, JSON-compatible except for NaN.
    networks : list of dict
        Numbers of each network, likewise.
    n_trials : int
    notes : list of str
        Notes for the reader.
    """

    sides: tuple[Side, Side]
    trials: Trials
    similarity: dict[str, Any]
    networks: list[dict[str, Any]]
    n_trials: int
    notes: list[str]


def compare_networks(
    net_a: RateRNN,
    net_b: RateRNN,
    task: Task,
    *,
    names: tuple[str, str] = ("A", "B"),
    repeats: int | float = 20,
    noise: bool = False,
    units: Sequence[int] | np.ndarray | None = None,
    loss: Loss | None = None,
    seed: int | float = 0,
    n_permutations: int | float = N_PERMUTATIONS,
) -> NetworkComparison:
    """Compare two networks on the same trials.

    Each similarity comes with its null, from permuted trials, and with `noise` also with its noise ceiling: each
    network then runs twice, and its rates are averages of both runs.

    Parameters
    ----------
    net_a, net_b : RateRNN
        Networks, which may differ in size; A is the reference of every error.
    task : Task
    names : tuple of str
        Names of the two networks, for errors and reports.
    repeats : int
        Trials per condition.
    noise : bool
        Run the networks with their noise, from the same key (networks of the same size then get the same noise), and a
        second time from a different key.
    units : (N_b,) array of int, optional
        Unit j of B is unit ``units[j]`` of A: adds the error of single units and angles in the space of units.
    loss : Loss, optional
        Loss to report; by default that of the task.
    seed : int
        Fixes trials, noise and permutations.
    n_permutations : int
        Number of permutations of trials, for the nulls; 0 for none.

    Returns
    -------
    NetworkComparison

    Raises
    ------
    ValueError
        If a network is silent or differs from the task in inputs, outputs or step, or `units` does not match.
    """
    check_task(task)
    for name, net in zip(names, (net_a, net_b), strict=True):
        check_network(name, net, task)
    key_trial, key_noise = jax.random.split(analysis_key(seed, COMPARISON_STREAM))
    trial = task.trials(repeats, key=key_trial)
    differ = noise and net_a.n_rec != net_b.n_rec
    notes = ["The networks differ in size, so each has its own noise."] if differ else []
    notes += [AGAIN] if noise else []
    key = key_noise if noise else None
    sides = (_side(names[0], net_a, task, trial, key), _side(names[1], net_b, task, trial, key))
    trials = _trials(task, trial)
    again = [rates_again(side.net, trial, key_noise) for side in sides] if noise else None
    similarity = _similarity(sides, trials, units, again, {"n_permutations": n_permutations, "rng": seed})
    networks = [_network(side, task, trial, trials, loss or LOSSES[task.loss]) for side in sides]
    return NetworkComparison(sides, trials, similarity, networks, trial.batch_size, notes)


def check_network(name: str, net: RateRNN, task: Task) -> None:
    """Reject a network that is broken, or made for a different task."""
    verify(net).raise_if_violated()
    if (net.n_in, net.n_out, net.dt) != (task.n_in, task.n_out, task.dt):
        raise ValueError(
            f"the network of {name} has {net.n_in} inputs, {net.n_out} outputs and dt {net.dt:g} ms; "
            f"the task has {task.n_in}, {task.n_out} and {task.dt:g} ms."
        )


def rates_again(net: RateRNN, trial: Trial, key_noise: jax.Array) -> np.ndarray:
    """Return the rates of a second run of the same trials, with different noise."""
    return np.asarray(net.predict(trial.inputs, key=jax.random.fold_in(key_noise, 1)).rates)


def comparable(a: Task, b: Task) -> Comparability:
    """Return the task for comparing the networks of two tasks, that of A.

    Raises
    ------
    ValueError
        If the tasks differ in kind, inputs, outputs, loss or step.
    """
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


def _side(name: str, net: RateRNN, task: Task, trial: Trial, key: jax.Array | None) -> Side:
    activity = net.predict(trial.inputs, key=key, noise=key is not None)
    types = unit_types(net)
    rates, outputs = np.asarray(activity.rates), np.asarray(activity.outputs)
    inside = np.asarray(trial.inside)
    behaviour, evidence = behaviour_of(task, activity.outputs, trial), evidence_of(task, trial)
    ramp = timing = curve = None
    timed = timed_span(task, trial)
    if timed is not None:
        ramp = analysis.ramp_index(rates, timed[:, 0], timed[:, 1], conditions=_groups(task, trial)[0])
    if task.asked_time is not None and behaviour.time is not None:
        interval = condition(task, trial, task.asked_time, "asked_time").numbers
        timing = analysis.scalar_variability(behaviour.time, interval)
    if evidence is not None and behaviour.choice is not None:
        curve = psychometric_of(evidence, behaviour)
    try:
        components = analysis.pca(rates, mask=inside)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    spectrum = analysis.spectrum(net.W_rec, excitatory=types)
    return Side(name, net, rates, outputs, types, components, spectrum, behaviour, ramp, timing, curve)


def _trials(task: Task, trial: Trial) -> Trials:
    values, label, unit = _groups(task, trial)
    evidence = evidence_of(task, trial)
    asked = None if task.asked_time is None else condition(task, trial, task.asked_time, "asked_time").numbers
    return Trials(
        groups=values,
        label=label,
        unit=unit,
        evidence=evidence,
        strength=None if evidence is None else strength_of(task, evidence),
        sorts=sorted_by(task, trial),
        neutral=task.neutral,
        chance=task.chance,
        inside=np.asarray(trial.inside),
        scored=np.asarray(trial.mask) > 0,
        targets=np.asarray(trial.targets) if task.loss == "mse" else None,
        onset=onset_of(task, trial),
        since=task.aligned_to or "",
        interval=asked,
        channels=task.output_channels,
        dt=task.dt,
    )


def _groups(task: Task, trial: Trial) -> tuple[np.ndarray, str, str]:
    """Return the group of each trial, and the name and unit of the grouping."""
    for one in sorted_by(task, trial):
        return one.values, one.label, one.unit
    return np.zeros(trial.batch_size), "all trials", ""


def _similarity(
    sides: Sequence[Side],
    trials: Trials,
    units: Sequence[int] | np.ndarray | None,
    again: Sequence[np.ndarray] | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    a, b = sides
    rates, mask, conditions = [a.rates, b.rates], trials.inside, None
    if again is not None:
        rates = [np.concatenate(both, axis=1) for both in zip(rates, again, strict=True)]
        mask, conditions = np.tile(mask, (1, 2)), np.tile(np.arange(mask.shape[1]), 2)
    found = analysis.compare(
        rates[0],
        rates[1],
        a.outputs,
        b.outputs,
        a.net.W_rec,
        b.net.W_rec,
        mask=mask,
        output_mask=trials.scored,
        conditions=conditions,
        units=units,
        **options,
    )
    tested: dict[str, Any] = {
        "output_nrmse": beside(found.output_nrmse),
        "rate_nrmse": beside(found.rate_nrmse),
        "cka": beside(found.cka),
        "rsa": beside(found.rsa),
        "procrustes_degrees": beside(found.procrustes, 180.0 / np.pi),
        "cca": beside(found.cca),
        "angles_degrees": beside(found.angles, 180.0 / np.pi),
        "unit_angles_degrees": None if found.unit_angles is None else beside(found.unit_angles, 180.0 / np.pi),
        "a_from_b": beside(found.aligned_nrmse[0]),
        "b_from_a": beside(found.aligned_nrmse[1]),
    }
    return {
        "output_nrmse": found.output_nrmse.value,
        "rate_nrmse": found.rate_nrmse.value,
        "cka": found.cka.value,
        "cka_plain": found.cka.plain,
        "rsa": found.rsa.value,
        "procrustes_degrees": float(np.degrees(found.procrustes.value)),
        "n_angles": found.n_angles,
        "cca": found.cca.value,
        "angles_degrees": np.degrees(found.angles.value).tolist(),
        "unit_angles_degrees": [] if found.unit_angles is None else np.degrees(found.unit_angles.value).tolist(),
        "aligned_nrmse": {"a_from_b": found.aligned_nrmse[0].value, "b_from_a": found.aligned_nrmse[1].value},
        "spectrum_distance": found.spectrum_distance,
        "tested": tested,
    }


def beside(
    found: analysis.results.Similarity | analysis.results.PrincipalAngles, scale: float | int = 1.0
) -> dict[str, Any]:
    """Return the statistics that accompany a value, JSON-compatible except for NaN."""
    numbers = {what: getattr(found, what) for what in ("chance", "null_95", "ceiling")}
    scaled = {what: (scale * np.asarray(value)).tolist() for what, value in numbers.items()}
    return {**scaled, "p": np.asarray(found.p).tolist(), "n": found.n, "permuted": found.permuted}


def _network(side: Side, task: Task, trial: Trial, trials: Trials, loss: Loss) -> dict[str, Any]:
    outputs = jax.numpy.asarray(side.outputs)
    numbers: dict[str, Any] = {
        "n_rec": side.net.n_rec,
        "n_excitatory": int(side.net.is_excitatory.sum()),
        "loss": float(scalar(loss(outputs, trial), named("loss", loss))),
        "accuracy": float(task.accuracy(outputs, trial)),
        "participation_ratio": side.components.participation_ratio,
        "n_components": {f"{f:.0%}": side.components.n_for(f) for f in (0.9, 0.95, 0.99)},
        "spectral_radius": side.spectrum.spectral_radius,
        "spectral_abscissa": side.spectrum.spectral_abscissa,
    }
    if side.psychometric is not None:
        numbers["psychometric"] = {name: float(getattr(side.psychometric, name)) for name in ("bias", "width")}
        numbers["psychometric"]["unit"] = "" if trials.evidence is None else trials.evidence.unit
    if side.timing is not None:
        numbers["timing"] = {name: np.asarray(value).tolist() for name, value in side.timing._asdict().items()}
    elif side.behaviour.time is not None:
        times = side.behaviour.time[np.isfinite(side.behaviour.time)]
        numbers["reaction_time"] = {
            "median": float(np.median(times)) if times.size else float("nan"),
            "n_missing": int(side.behaviour.time.size - times.size),
        }
    if side.ramp is not None:
        ramp = side.ramp
        numbers["ramp_index"] = {"mean": ramp.mean, "median": ramp.median, "n_silent": ramp.n_silent}
        numbers["scaling"] = _scaling(side, task, trial, trials)
    return numbers


def _scaling(side: Side, task: Task, trial: Trial, trials: Trials) -> dict[str, float] | None:
    """Return the scaling in phase and in absolute time; None if all intervals are the same."""
    timed = timed_span(task, trial)
    if timed is None or np.unique(timed[:, 1] - timed[:, 0]).size < 2:
        return None
    found = analysis.temporal_scaling(side.rates, timed[:, 0], timed[:, 1], trials.groups)
    return {"scaled": found.scaled_mean, "absolute": found.absolute_mean}
