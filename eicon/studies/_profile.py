"""Whether two networks do a task the same way: a profile of likenesses, each beside its null and its ceiling."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import linear_sum_assignment

from .. import analysis
from .._key import as_generator
from .._numbers import whole
from ..analysis._compare import NONE
from ..analysis.results import Similarity
from ..models import Drive, RateRNN, Silence
from ..models._network import stacked
from ..models._perturbation import Perturbation
from ..models.results import Activity
from ..tasks import Task, Trial
from ..tasks._check import check_task
from ._compare import N_PERMUTATIONS, beside, check_network
from ._dynamics import dynamics_of
from ._responses import Answers, analysis_key, behaviour_of, rows_of

PROFILE_STREAM = 2
LEADING = 5
"""Eigenvalues that are compared."""
DURATIONS = ("delay", "stimulus", "fixation", "rest", "wait", "item", "window")
"""Fields of tasks that say how long something lasts."""
LONGER = 1.5
STRENGTHS = (0.5, 1.5)
"""Factors of all inputs."""
NOISIER = (2.0, 4.0)
"""Factors of a network's own noise."""
DRIVE = 0.5
"""Currents that drive units, in standard deviations of the currents of all units in the task."""
MOST_ROWS = 12
"""Conditions of a task that are told apart outside of the trained range."""


class Profile(NamedTuple):
    """How alike two networks are, in seven respects; NaN where there is nothing to compare.

    Attributes
    ----------
    activity : Similarity
        Linear CKA of the rates without noise; 1: equal up to rotation and scale.
    outputs : Similarity
        NRMSE of b's outputs against a's, without noise; 0: equal.
    answers : Similarity
        Agreement trial by trial under noise, beyond what accuracies in each condition predict, from -1 to 1
        (`eicon.analysis.behaviour.error_consistency`).
    fixed_points : Similarity
        Part of the fixed points that have a partner of the same stability at the same place, 0 to 1
        (`eicon.analysis.similarity.match_points`); inputs are held as in the longest epoch.
    eigenvalues : Similarity
        Mean distance of the leading eigenvalues of the recurrent weights times the mean slopes of the units, matched
        one to one, over the mean size of those of a; 0: equal. The null permutes what each unit of b sends over its
        targets.
    perturbations : Similarity
        Concordance of the effects on score and outputs of silencing a part or all of each type, and of driving it, in
        each epoch (`eicon.analysis.similarity.effect_similarity`); 1: each does the same to both.
    generalisation : Similarity
        Concordance of the scores outside of what was trained: longer epochs, weaker and stronger inputs, more noise,
        and the task's own held-out conditions; 1: both fail, and succeed, at the same.
    effects : dict of str to (2,) array
        Change of the score of a and b by each perturbation.
    scores : dict of str to (2,) array
        Mean score of a and b in each extension of the task.
    """

    activity: Similarity
    outputs: Similarity
    answers: Similarity
    fixed_points: Similarity
    eigenvalues: Similarity
    perturbations: Similarity
    generalisation: Similarity
    effects: dict[str, np.ndarray]
    scores: dict[str, np.ndarray]


def profile(
    net_a: RateRNN,
    net_b: RateRNN,
    task: Task,
    *,
    label: str = "type",
    repeats: int | float = 10,
    candidates: int | float = 128,
    n_permutations: int | float = N_PERMUTATIONS,
    seed: int | float = 0,
) -> Profile:
    """Compare how two networks do a task, in seven respects.

    Parameters
    ----------
    net_a, net_b : RateRNN
        They may differ in size; a is the reference.
    task : Task
    label : str
        Label by which units are silenced and driven together; by all units, where the two networks have no label in
        common.
    repeats : int
        Trials per condition, 2 or more.
    candidates : int
        Starts of the search for fixed points.
    n_permutations : int
        For the nulls; 0 for none.
    seed : int
        Fixes trials, noise and permutations.

    Returns
    -------
    Profile

    Raises
    ------
    ValueError
        If a network is silent or has other inputs, outputs or step than the task.
    """
    check_task(task)
    for name, net in (("a", net_a), ("b", net_b)):
        check_network(name, net, task)
    repeats = whole(repeats, "`repeats`")
    if repeats < 2:
        raise ValueError(f"`repeats` must be at least 2, or nothing is known of errors; got {repeats}.")
    key_trial, key_noise, key_points, key_beyond = jax.random.split(analysis_key(seed, PROFILE_STREAM), 4)
    trial = task.trials(repeats, key=key_trial)
    nets = net_a, net_b
    options: dict[str, Any] = {"n_permutations": n_permutations, "rng": seed}
    inside, scored = np.asarray(trial.inside), np.asarray(trial.mask) > 0
    still = [net.predict(trial.inputs, noise=False) for net in nets]
    found = analysis.compare(
        *(np.asarray(one.rates) for one in still),
        *(np.asarray(one.outputs) for one in still),
        mask=inside,
        output_mask=scored,
        **options,
    )
    names, effects, errors = _effects(nets, task, trial, label, key_noise)
    scores = _scores(nets, task, repeats, key_beyond)
    by_row = np.concatenate(list(scores.values()), axis=2)
    return Profile(
        found.cka._replace(ceiling=1.0),
        found.output_nrmse._replace(ceiling=0.0),
        _answers(nets, task, trial, key_noise, options),
        _points(nets, task, trial, still, candidates, key_points, options),
        _eigenvalues(nets, still, inside, n_permutations, seed),
        analysis.similarity.effect_similarity(*effects, errors_a=errors[0], errors_b=errors[1], **options),
        analysis.similarity.effect_similarity(*by_row[0], errors_a=by_row[1, 0], errors_b=by_row[1, 1], **options),
        dict(zip(names, effects[:, :, 0].T, strict=True)),
        {name: np.nanmean(values[0], axis=1) for name, values in scores.items()},
    )


def as_numbers(found: Profile) -> dict[str, Any]:
    """A profile, JSON-compatible but for NaN: each respect with what stands beside it, effects and scores."""
    parts = found._asdict()
    lists = {name: {k: v.tolist() for k, v in parts.pop(name).items()} for name in ("effects", "scores")}
    return {name: {"value": one.value, **beside(one)} for name, one in parts.items()} | lists


def _answers(
    nets: tuple[RateRNN, RateRNN], task: Task, trial: Trial, key: jax.Array, options: Mapping[str, Any]
) -> Similarity:
    """Choices where the task has some, and right and wrong answers elsewhere, in two runs of each network."""
    keys = jax.random.split(key, 4)
    runs = [
        _answer(behaviour_of(task, net.predict(trial.inputs, key=one).outputs, trial))
        for net, one in zip((*nets, *nets), keys, strict=True)
    ]
    again = None if not any(net.network.noisy for net in nets) else (runs[2], runs[3])
    return analysis.behaviour.error_consistency(*runs[:2], strata=rows_of(task, trial), again=again, **options)


def _answer(given: Answers) -> np.ndarray:
    """NaN where nothing is right."""
    answers = given.score >= 0.5 if given.choice is None else given.choice
    return np.where(np.isnan(given.score), np.nan, answers)


def _points(
    nets: tuple[RateRNN, RateRNN],
    task: Task,
    trial: Trial,
    still: list[Activity],
    candidates: int | float,
    key: jax.Array,
    options: Mapping[str, Any],
) -> Similarity:
    found = [dynamics_of(net, task, key=key, candidates=candidates) for net in nets]
    states = [np.asarray(stacked(one.states), np.float64) for one in still]
    mask = np.asarray(trial.during(found[0].held.epoch))
    return analysis.similarity.match_points(*(one.points for one in found), *states, mask=mask, **options).similarity


def _eigenvalues(
    nets: tuple[RateRNN, RateRNN],
    still: list[Activity],
    inside: np.ndarray,
    n_permutations: int | float,
    seed: int | float,
) -> Similarity:
    n, rng = whole(n_permutations, "`n_permutations`"), as_generator(seed, "`seed`")
    slopes = [_slopes(net, activity, inside) for net, activity in zip(nets, still, strict=True)]
    weights = [np.asarray(net.W_rec, np.float64) for net in nets]
    k = min(LEADING, *(net.n_rec for net in nets))
    reference = _leading(weights[0] * slopes[0][:, None], k)
    size = np.abs(reference).mean()
    if not size > 0:
        return NONE

    def distance(w: np.ndarray) -> float:
        apart = np.abs(reference[:, None] - _leading(w * slopes[1][:, None], k)[None])
        return float(apart[linear_sum_assignment(apart)].mean() / size)

    value, null = distance(weights[1]), np.array([distance(rng.permuted(weights[1], axis=1)) for _ in range(n)])
    p = (1 + np.count_nonzero(null <= value * (1 + 1e-9))) / (1 + n) if n else float("nan")
    edge = float(np.percentile(null, 5)) if n else float("nan")
    return Similarity(value, null, 0.0, k, p, edge, value, "targets")


def _leading(matrix: np.ndarray, k: int) -> np.ndarray:
    """Eigenvalues with the largest real parts."""
    values = np.linalg.eigvals(matrix)
    return values[np.argsort(-values.real, kind="stable")[:k]]


def _slopes(net: RateRNN, activity: Activity, inside: np.ndarray) -> np.ndarray:
    """Mean slope of each unit's signal by its current, over what is visited; 1 for a cell without a current."""
    if "x" not in activity.states:
        return np.ones(net.n_rec)

    def sent(x: jax.Array) -> jax.Array:
        return net.network.send({**activity.states, "x": x})

    x = activity.states["x"]
    return np.asarray(jax.jvp(sent, (x,), (jnp.ones_like(x),))[1])[inside].mean(axis=0).astype(np.float64)


def _effects(
    nets: tuple[RateRNN, RateRNN], task: Task, trial: Trial, label: str, key: jax.Array
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names (K), effects and their standard errors (2, K, 2): change of the score, and of the outputs (relative)."""
    found, errors = [], []
    shared = _shared(nets, label)
    names = list(dict(_perturbations(nets[0], trial, label, shared, 1.0)))
    for net, one in zip(nets, jax.random.split(key), strict=True):
        before = net.predict(trial.inputs, key=one)
        inside = np.asarray(trial.inside)
        spread = float(np.asarray(stacked(before.states))[inside].std())
        score, outputs = behaviour_of(task, before.outputs, trial).score, np.asarray(before.outputs)
        scale = outputs[inside].std()
        rows = []
        for _, perturbation in _perturbations(net, trial, label, shared, DRIVE * spread):
            after = net.perturb(trial, perturbation, key=one)
            changed = np.where(inside[..., None], np.asarray(after.outputs) - outputs, 0.0)
            apart = np.sqrt((changed**2).sum(axis=(0, 2)) / inside.sum(axis=0)) / scale
            rows.append(np.stack([behaviour_of(task, after.outputs, trial).score - score, apart]))
        means, deviations = _means(np.array(rows))
        found.append(means)
        errors.append(deviations)
    return names, np.array(found), np.array(errors)


def _shared(nets: tuple[RateRNN, RateRNN], label: str) -> list[str]:
    """Values of a label that units of both networks have."""
    a, b = (set(map(str, net.units.get(label, []))) for net in nets)
    return sorted((a & b) - {""})


def _perturbations(
    net: RateRNN, trial: Trial, label: str, shared: Sequence[str], current: float
) -> Iterator[tuple[str, Perturbation]]:
    """What is done to the units of each of these values of a label, or to all where there are none."""
    for name in shared or ["all"]:
        units: Any = {label: name} if shared else np.arange(net.n_rec)
        for epoch in trial.epochs:
            for dose in (0.3, 1.0):
                yield f"silence {dose:.0%} of {name}, {epoch}", Silence(units, epoch, dose=dose)
            for sign in (1, -1):
                yield f"drive {name} {sign:+d}, {epoch}", Drive(units, sign * current, epoch)


def _scores(nets: tuple[RateRNN, RateRNN], task: Task, repeats: int, key: jax.Array) -> dict[str, np.ndarray]:
    """Mean scores, and their standard errors, (2, 2, K), of both networks in each condition of extensions of a task."""
    found = {}
    for name, extended, strength, noise in _extensions(task):
        trial = extended.trials(repeats, key=key)
        trial = trial._replace(inputs=strength * trial.inputs)
        rows = rows_of(extended, trial) % MOST_ROWS
        both = []
        for net, one in zip(nets, jax.random.split(key), strict=True):
            louder = net.with_settings(sigma_rec=noise * net.sigma_rec, sigma_in=noise * net.sigma_in)
            score = behaviour_of(extended, louder.predict(trial.inputs, key=one).outputs, trial).score
            both.append(np.transpose([_means(score[rows == row]) for row in np.unique(rows)]))
        found[name] = np.array(both).swapaxes(0, 1)
    return found


def _means(values: np.ndarray) -> tuple[Any, Any]:
    """Means over trials, the last axis, and their standard errors; trials in which nothing is scored are left out."""
    there = ~np.isnan(values)
    n = np.where(there.sum(axis=-1) > 1, there.sum(axis=-1), np.nan)
    mean = np.where(there, values, 0.0).sum(axis=-1) / n
    square = np.where(there, (values - mean[..., None]) ** 2, 0.0).sum(axis=-1)
    return mean, np.sqrt(square / (n - 1) / n)


def _extensions(task: Task) -> Iterator[tuple[str, Task, float, float]]:
    """Name, task, factor of the inputs, factor of the noise."""
    yield "as trained", task, 1.0, 1.0
    if (held_out := task.held_out()) != task:
        yield "held out", held_out, 1.0, 1.0
    for strength in STRENGTHS:
        yield f"inputs x {strength:g}", task, strength, 1.0
    for noise in NOISIER:
        yield f"noise x {noise:g}", task, 1.0, noise
    for field in dataclasses.fields(task):
        value = getattr(task, field.name)
        if field.name in DURATIONS and isinstance(value, float) and value > 0:
            longer = task.dt * round(LONGER * value / task.dt)
            try:
                yield f"{field.name} x {LONGER:g}", dataclasses.replace(task, **{field.name: longer}), 1.0, 1.0
            except ValueError:  # longer than another duration allows
                continue
