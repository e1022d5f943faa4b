"""Profile of the similarity of two networks in a task, in several respects, each with its null and ceiling."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from tqdm.auto import tqdm

from .. import analysis
from .._key import as_generator
from .._numbers import whole
from ..analysis._compare import NONE
from ..analysis.results import FixedPoints, Similarity
from ..models import Drive, RateRNN, Silence
from ..models._network import stacked
from ..models._perturbation import Perturbation
from ..models.results import Activity
from ..tasks import Task, Trial
from ..tasks._check import check_task
from ._compare import N_PERMUTATIONS, beside, check_network
from ._dynamics import dynamics_of, longest_epoch
from ._responses import analysis_key, behaviour_of, rows_of

PROFILE_STREAM = 2
LEADING = 5
"""Number of eigenvalues that are compared."""
DURATIONS = ("delay", "stimulus", "fixation", "rest", "wait", "item", "window")
"""Fields of tasks that are durations."""
LONGER = 1.5
STRENGTHS = (0.5, 1.5)
"""Factors of all inputs."""
NOISIER = (2.0, 4.0)
"""Factors of a network's own noise."""
DRIVE = 0.5
"""Currents that drive units, in standard deviations of the currents of all units in the task."""
MOST_ROWS = 12
"""Most conditions of a task that are distinguished outside the trained range."""
RESPECTS = ("activity", "outputs", "answers", "fixed_points", "eigenvalues", "perturbations", "generalisation")
DISTANCES = ("outputs", "eigenvalues")
"""Respects that are smaller for networks that are more alike."""
ROUNDING = 1e-9
FEWEST = 3
"""Fewest perturbations, or conditions, that can be compared."""


class Profile(NamedTuple):
    """Similarity of two networks in seven respects; NaN where there is nothing to compare.

    Attributes
    ----------
    activity : Similarity
        Linear CKA of the rates without noise; 1: equal up to rotation and scale.
    outputs : Similarity
        NRMSE of b's outputs against a's, without noise; 0: equal.
    answers : Similarity
        Trial-by-trial agreement under noise, beyond what the accuracies in each condition predict, from -1 to 1
        (`eicon.analysis.behaviour.error_consistency`).
    fixed_points : Similarity
        Fraction of the fixed points that have a partner of the same stability at the same place, 0 to 1
        (`eicon.analysis.similarity.match_points`); inputs are held as in the longest epoch.
    eigenvalues : Similarity
        Distances between the largest eigenvalues of the recurrent weights times the mean slopes of the units, matched
        one to one, relative to the sizes of both, from 0 (equal) to 1. The null permutes each unit's outgoing weights
        in b over its targets.
    perturbations : Similarity
        Concordance of the effects of silencing a fraction or all of each type, and of driving it, in each epoch
        (`eicon.analysis.similarity.effect_similarity`); 1: each perturbation affects both equally. The effects are the
        change of the score, and ``d / (1 + d)`` for a change d of the outputs in units of their standard deviation,
        which is 1 where activity grows without bound; the score is then 0.
    generalisation : Similarity
        Concordance of the scores outside the trained range: longer epochs, weaker and stronger inputs, more noise, and
        the task's own held-out conditions; 1: both fail, and succeed, in the same conditions.
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

    def likeness(self, respect: str) -> float:
        """Return the place of a value between the mean of its null, 0, and its ceiling, 1.

        NaN where the ceiling is not more similar than the null's 95 % limit: two networks that are the same could then
        not be told from unrelated ones, for instance by answers if neither makes errors.
        """
        found = getattr(self, respect)
        sign = -1.0 if respect in DISTANCES else 1.0
        limit = max(sign * found.null_95, sign * found.chance)
        if not sign * found.ceiling > limit + ROUNDING:
            return float("nan")
        return float((found.value - found.chance) / (found.ceiling - found.chance))


class Profiles(NamedTuple):
    """Similarity of all pairs of n networks.

    Attributes
    ----------
    names : tuple of str
    pairs : dict of (str, str) to Profile
        Profile of each pair; the network named first is the reference.
    """

    names: tuple[str, ...]
    pairs: dict[tuple[str, str], Profile]

    def matrix(self, respect: str) -> Float[np.ndarray, "n n"]:
        """Return the likeness of all pairs in one respect: 0 at the null's mean, 1 at the ceiling and on the diagonal.

        NaN where it is undefined (see `Profile.likeness`), and for pairs that were not compared.
        """
        found = np.where(np.eye(len(self.names)) > 0, 1.0, np.nan)
        place = {name: i for i, name in enumerate(self.names)}
        for (a, b), pair in self.pairs.items():
            found[place[a], place[b]] = found[place[b], place[a]] = pair.likeness(respect)
        return found

    def overall(self) -> Float[np.ndarray, "n n"]:
        """Return the mean likeness over the respects in which it is defined."""
        every = np.stack([self.matrix(respect) for respect in RESPECTS])
        known = np.isfinite(every)
        n = known.sum(axis=0)
        return np.where(n > 0, np.where(known, every, 0.0).sum(axis=0) / np.maximum(n, 1), np.nan)


class _Probe(NamedTuple):
    """Behaviour of one network; its effects and scores with their standard errors."""

    net: RateRNN
    still: Activity
    answers: tuple[np.ndarray, np.ndarray]
    points: FixedPoints
    slopes: np.ndarray
    effects: np.ndarray
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
    """Compare two networks on a task in seven respects.

    Parameters
    ----------
    net_a, net_b : RateRNN
        Networks, which may differ in size; a is the reference.
    task : Task
    label : str
        Label by which units are silenced and driven together; all units together, if the two networks have no values
        of the label in common.
    repeats : int
        Trials per condition, 2 or more.
    candidates : int
        Starts of the search for fixed points.
    n_permutations : int
        Number of permutations for the nulls; 0 for none.
    seed : int
        Fixes trials, noise and permutations.

    Returns
    -------
    Profile

    Raises
    ------
    ValueError
        If a network is silent or differs from the task in inputs, outputs or step.
    """
    options: dict[str, Any] = {"label": label, "repeats": repeats, "candidates": candidates}
    found = profiles({"a": net_a, "b": net_b}, task, **options, n_permutations=n_permutations, seed=seed)
    return found.pairs["a", "b"]


def profiles(
    nets: Mapping[str, RateRNN],
    task: Task,
    *,
    label: str = "type",
    repeats: int | float = 10,
    candidates: int | float = 128,
    n_permutations: int | float = N_PERMUTATIONS,
    seed: int | float = 0,
    pairs: Iterable[tuple[str, str]] | None = None,
    progress: bool = False,
) -> Profiles:
    """Compare all pairs of several networks in seven respects; each network is simulated once.

    Parameters
    ----------
    nets : mapping of str to RateRNN
        Two or more networks.
    task, label, repeats, candidates, n_permutations, seed
        See `profile`; ``label`` is used if all networks share values of it.
    pairs : iterable of (str, str), optional
        Pairs to compare, with the reference first; by default all.
    progress : bool
        Show a progress bar (on stderr).

    Returns
    -------
    Profiles

    Raises
    ------
    ValueError
        For the reasons given at `profile`, fewer than two networks, or unknown names in a pair.
    """
    check_task(task)
    if len(nets) < 2:
        raise ValueError(f"`nets` must contain two networks or more; got {len(nets)}.")
    for name, net in nets.items():
        check_network(name, net, task)
    repeats = whole(repeats, "`repeats`")
    if repeats < 2:
        raise ValueError(f"`repeats` must be at least 2, or errors cannot be estimated; got {repeats}.")
    key_trial, key_noise, key_points, key_beyond = jax.random.split(analysis_key(seed, PROFILE_STREAM), 4)
    trial, shared = task.trials(repeats, key=key_trial), _shared(nets.values(), label)
    options: dict[str, Any] = {"n_permutations": n_permutations, "rng": seed}
    probes, found = {}, {}
    names = list(combinations(nets, 2) if pairs is None else pairs)
    if unknown := {name for pair in names for name in pair} - set(nets):
        raise ValueError(f"`pairs` name {sorted(unknown)}; the networks are {', '.join(nets)}.")
    with tqdm(total=len(nets) + len(names), unit="step", disable=None if progress else True) as bar:
        for number, (name, net) in enumerate(nets.items()):
            keys = [jax.random.fold_in(key, number) for key in (key_noise, key_beyond)]
            still = net.predict(trial.inputs, noise=False)
            probes[name] = _Probe(
                net,
                still,
                _answers(net, task, trial, keys[0]),
                dynamics_of(net, task, key=key_points, candidates=candidates).points,
                _slopes(net, still, np.asarray(trial.inside)),
                _effects(net, task, trial, label, shared, keys[0]),
                _scores(net, task, repeats, key_beyond, keys[1]),
            )
            bar.update()
        effects = list(dict(_perturbations(net, trial, label, shared, 1.0)))
        for a, b in names:
            found[a, b] = _compared(probes[a], probes[b], task, trial, effects, options)
            bar.update()
    return Profiles(tuple(nets), found)


def _compared(
    a: _Probe, b: _Probe, task: Task, trial: Trial, names: Sequence[str], options: Mapping[str, Any]
) -> Profile:
    found = analysis.compare(
        *(np.asarray(one.still.rates) for one in (a, b)),
        *(np.asarray(one.still.outputs) for one in (a, b)),
        mask=np.asarray(trial.inside),
        output_mask=np.asarray(trial.mask) > 0,
        **options,
    )
    noisy = a.net.network.noisy or b.net.network.noisy
    states = [np.asarray(stacked(one.still.states), np.float64) for one in (a, b)]
    longest = np.asarray(trial.during(longest_epoch(trial)))
    scores = [np.concatenate(list(one.scores.values()), axis=1) for one in (a, b)]
    return Profile(
        found.cka._replace(ceiling=1.0),
        found.output_nrmse._replace(ceiling=0.0),
        analysis.behaviour.error_consistency(
            a.answers[0],
            b.answers[0],
            strata=rows_of(task, trial),
            again=(a.answers[1], b.answers[1]) if noisy else None,
            **options,
        ),
        analysis.similarity.match_points(a.points, b.points, *states, mask=longest, **options).similarity,
        _eigenvalues((a.net, b.net), (a.slopes, b.slopes), options["n_permutations"], options["rng"]),
        _concordance(a.effects, b.effects, options),
        _concordance(scores[0], scores[1], options),
        dict(zip(names, np.stack([a.effects[0, :, 0], b.effects[0, :, 0]], axis=1), strict=True)),
        {name: np.nanmean([a.scores[name][0], b.scores[name][0]], axis=1) for name in a.scores},
    )


def _concordance(a: np.ndarray, b: np.ndarray, options: Mapping[str, Any]) -> Similarity:
    """Compare values with their standard errors, (2, K) or (2, K, M), or return none if too few are known in both."""
    known = ~np.isnan(a[0] + b[0]).reshape(a.shape[1], -1).any(axis=1)
    if known.sum() < FEWEST:
        return NONE
    return analysis.similarity.effect_similarity(a[0], b[0], errors_a=a[1], errors_b=b[1], **options)


def as_numbers(found: Profile) -> dict[str, Any]:
    """Return a profile as numbers, JSON-compatible except for NaN: respects with statistics, effects and scores."""
    parts = found._asdict()
    lists = {name: {k: v.tolist() for k, v in parts.pop(name).items()} for name in ("effects", "scores")}
    return {name: {"value": one.value, **beside(one)} for name, one in parts.items()} | lists


def _answers(net: RateRNN, task: Task, trial: Trial, key: jax.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return choices, or right and wrong answers in tasks without choices, in two runs; NaN if nothing is right."""
    found = []
    for one in jax.random.split(key):
        given = behaviour_of(task, net.predict(trial.inputs, key=one).outputs, trial)
        answers = given.score >= 0.5 if given.choice is None else given.choice
        found.append(np.where(np.isnan(given.score), np.nan, answers))
    return found[0], found[1]


def _eigenvalues(
    nets: tuple[RateRNN, RateRNN], slopes: tuple[np.ndarray, np.ndarray], n_permutations: int | float, seed: int | float
) -> Similarity:
    n, rng = whole(n_permutations, "`n_permutations`"), as_generator(seed, "`seed`")
    weights = [np.asarray(net.W_rec, np.float64) for net in nets]
    k = min(LEADING, *(net.n_rec for net in nets))
    reference = _leading(weights[0] * slopes[0][:, None], k)
    if not np.abs(reference).max() > 0:
        return NONE

    def distance(w: np.ndarray) -> float:
        other = _leading(w * slopes[1][:, None], k)
        apart = np.abs(reference[:, None] - other[None])
        matched = apart[linear_sum_assignment(apart)].sum()
        return float(matched / (np.abs(reference).sum() + np.abs(other).sum()))

    value, null = distance(weights[1]), np.array([distance(rng.permuted(weights[1], axis=1)) for _ in range(n)])
    p = (1 + np.count_nonzero(null <= value * (1 + 1e-9))) / (1 + n) if n else float("nan")
    edge = float(np.percentile(null, 5)) if n else float("nan")
    return Similarity(value, null, 0.0, k, p, edge, value, "targets")


def _leading(matrix: np.ndarray, k: int) -> np.ndarray:
    """Return the largest eigenvalues; a large network has more near 0, which do not come from the recurrence."""
    values = np.linalg.eigvals(matrix)
    return values[np.argsort(-np.abs(values), kind="stable")[:k]]


def _slopes(net: RateRNN, activity: Activity, inside: np.ndarray) -> np.ndarray:
    """Return the mean slope of each unit's signal by its current, over visited states; 1 for cells without currents."""
    if "x" not in activity.states:
        return np.ones(net.n_rec)

    def sent(x: jax.Array) -> jax.Array:
        return net.network.send({**activity.states, "x": x})

    x = activity.states["x"]
    return np.asarray(jax.jvp(sent, (x,), (jnp.ones_like(x),))[1])[inside].mean(axis=0).astype(np.float64)


def _effects(net: RateRNN, task: Task, trial: Trial, label: str, shared: Sequence[str], key: jax.Array) -> np.ndarray:
    """Return effects of K perturbations and standard errors, (2, K, 2): on the score, and on the outputs."""
    before, inside = net.predict(trial.inputs, key=key), np.asarray(trial.inside)
    spread = float(np.asarray(stacked(before.states))[inside].std())
    score, outputs, rows = _score(task, before.outputs, trial), np.asarray(before.outputs), []
    for _, perturbation in _perturbations(net, trial, label, shared, DRIVE * spread):
        after = net.perturb(trial, perturbation, key=key).outputs
        rows.append(np.stack([_score(task, after, trial) - score, _apart(outputs, np.asarray(after), inside)]))
    return np.stack(_means(np.array(rows)))


def _apart(outputs: np.ndarray, after: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return the change of outputs (T, B, n) in each trial, from 0 to 1 (see `Profile.perturbations`)."""
    scale = float(outputs[inside].std(dtype=np.float64))
    changed = np.where(inside[..., None], after.astype(np.float64) - outputs, 0.0)
    size = np.sqrt((changed**2).sum(axis=(0, 2)) / inside.sum(axis=0))
    unbounded = ~np.isfinite(size)
    size[unbounded] = 0.0
    return np.where(unbounded, 1.0, size / np.maximum(size + scale, np.finfo(float).tiny))


def _score(task: Task, outputs: Any, trial: Trial) -> np.ndarray:
    """Return the score of each trial; 0 where the outputs overflow."""
    score = behaviour_of(task, outputs, trial).score
    lost = (~np.isfinite(np.asarray(outputs)).all(axis=2) & np.asarray(trial.inside)).any(axis=0)
    return np.where(lost & ~np.isnan(score), 0.0, score)


def _shared(nets: Iterable[RateRNN], label: str) -> list[str]:
    """Return the values of a label shared by units of all networks."""
    values = [set(map(str, net.units.get(label, []))) for net in nets]
    return sorted(set.intersection(*values) - {""})


def _perturbations(
    net: RateRNN, trial: Trial, label: str, shared: Sequence[str], current: float
) -> Iterator[tuple[str, Perturbation]]:
    """Yield the perturbations of the units of each of these label values, or of all units if there are none."""
    for name in shared or ["all"]:
        units: Any = {label: name} if shared else np.arange(net.n_rec)
        for epoch in trial.epochs:
            for dose in (0.3, 1.0):
                yield f"silence {dose:.0%} of {name}, {epoch}", Silence(units, epoch, dose=dose)
            for sign in (1, -1):
                yield f"drive {name} {sign:+d}, {epoch}", Drive(units, sign * current, epoch)


def _scores(net: RateRNN, task: Task, repeats: int, key: jax.Array, key_noise: jax.Array) -> dict[str, np.ndarray]:
    """Return mean scores and their standard errors, (2, K), in each condition of extensions of a task."""
    found = {}
    for name, extended, strength, noise in _extensions(task):
        trial = extended.trials(repeats, key=key)
        trial = trial._replace(inputs=strength * trial.inputs)
        rows = rows_of(extended, trial) % MOST_ROWS
        louder = net.with_settings(sigma_rec=noise * net.sigma_rec, sigma_in=noise * net.sigma_in)
        score = _score(extended, louder.predict(trial.inputs, key=key_noise).outputs, trial)
        found[name] = np.transpose([_means(score[rows == row]) for row in np.unique(rows)])
    return found


def _means(values: np.ndarray) -> tuple[Any, Any]:
    """Return means over trials, the last axis, and their standard errors; unscored trials are left out."""
    there = ~np.isnan(values)
    n = np.where(there.sum(axis=-1) > 1, there.sum(axis=-1), np.nan)
    mean = np.where(there, values, 0.0).sum(axis=-1) / n
    square = np.where(there, (values - mean[..., None]) ** 2, 0.0).sum(axis=-1)
    return mean, np.sqrt(square / (n - 1) / n)


def _extensions(task: Task) -> Iterator[tuple[str, Task, float, float]]:
    """Yield name, task, factor of the inputs, and factor of the noise."""
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
