"""Networks of low rank fitted to trained networks (Valente, Pillow & Ostojic 2022), and currents between two areas.

    python -m studies.low_rank_fits --minutes 90

Budget: 90 minutes of one core; ``--minutes`` stops earlier, and the next call resumes from there.

*Same rank* (their Table 1): teachers of rank 2 (parametric memory) and rank 1 (context-dependent integration), fitted
with networks of the same rank. *Full rank* (their Fig. 2): teachers of full rank trained on delayed match to sample,
fitted with networks of rank 1 to 5. *Two areas*: a teacher of two areas under Dale's law, fitted with a network with
known areas and signs but unknown connections; the currents between populations of both are compared.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eicon.analysis.fits import population_currents, unit_fit
from eicon.models import Connectivity, LowRank, Population, Projection, RateRNN, load, save
from eicon.plotting import style
from eicon.recordings import Recording
from eicon.reproduce._parts import Keep, Measures, Part, run_parts
from eicon.reproduce.beiran2025._claims import interval
from eicon.tasks import PerceptualDecision, Task, Trial
from eicon.training import Trainer
from eicon.training._recorded import predicted
from eicon.training.schedules import Cosine
from studies.common import Places, new_parser, places, versions

DT, TAU = 20.0, 100.0
NOISE_OF_FITS = 0.05
"""Noise of a step that teachers have in the trials that are fitted, in units of the current."""
DIFFERENCES = (-24, -16, -8, 8, 16, 24)
LEVELS = (-0.4, -0.2, -0.1, 0.1, 0.2, 0.4)
LOWEST, HIGHEST = 10, 34
AS_LARGE = 10.0


@dataclass(frozen=True)
class Signed(Task):
    """Task with one output, whose sign is the choice; the inputs are noisy at all steps.

    Inputs are ten times those of the paper, and their weights a tenth, so that one learning rate suits all weights.

    Parameters
    ----------
    noise : float
        Standard deviation of the inputs' noise, which is independent at each step.
    """

    output_channels: ClassVar[tuple[str, ...]] = ("choice",)
    chance: ClassVar[float] = 0.5

    noise: float = 0.0

    def correct(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return True for trials whose mean output over the scored steps has the sign of the target."""
        scored = trial.mask[:, :, None]
        return ((outputs * scored).sum(axis=0) * (trial.targets * scored).sum(axis=0) > 0)[:, 0].astype(float)

    def _trial(self, key: jax.Array, shown: jax.Array, target: jax.Array, scored: jax.Array, **told: Any) -> Trial:
        inputs = AS_LARGE * (shown + self.noise * jax.random.normal(key, shown.shape))
        targets = jnp.where(scored, target[None], 0.0)[:, :, None]
        return Trial(inputs, targets, scored.astype(float), told, {})


def during(start: Any, ms: float, total: float, n: int) -> jax.Array:
    """Return True for the steps of n trials within a duration from ``start``, both in ms: bool (T, n, 1)."""
    step = jnp.arange(round(total / DT))[:, None]
    first = jnp.broadcast_to(jnp.asarray(start) // DT, (n,))[None]
    return ((step >= first) & (step < first + round(ms / DT)))[:, :, None]


@dataclass(frozen=True)
class Frequencies(Signed):
    """Two frequencies, 0.5 to 2 s apart: the output is their difference."""

    input_channels: ClassVar[tuple[str, ...]] = ("frequency",)

    noise: float = 0.01

    def condition_grid(self) -> dict[str, np.ndarray]:
        """All pairs of frequencies in Hz that differ by 8, 16 or 24."""
        pairs = [(f, f + d) for d in DIFFERENCES for f in range(LOWEST, HIGHEST + 1) if LOWEST <= f + d <= HIGHEST]
        f1, f2 = np.array(pairs, np.float32).T
        return {"f1": f1, "f2": f2}

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """See `Task`."""
        f1, f2 = ((conditions[f] - (LOWEST + HIGHEST) / 2) / (HIGHEST - LOWEST) for f in ("f1", "f2"))
        delay_key, noise_key = jax.random.split(key)
        second = 200 + jax.random.uniform(delay_key, f1.shape, minval=500, maxval=2000)
        first, later = (during(start, 100, 2400, len(f1)) for start in (100, second))
        scored = during(second + 100, 100, 2400, len(f1))[:, :, 0]
        shown = first * f1[None, :, None] + later * f2[None, :, None]
        return self._trial(noise_key, shown, f1 - f2, scored, **conditions)


@dataclass(frozen=True)
class Contexts(Signed):
    """Two kinds of evidence and two cues, one of which selects the relevant kind."""

    input_channels: ClassVar[tuple[str, ...]] = ("colour", "motion", "colour counts", "motion counts")

    noise: float = 0.1

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Context, and strength of both kinds of evidence."""
        context, colour, motion = np.meshgrid([0, 1], LEVELS, LEVELS, indexing="ij")
        return {"context": context.ravel(), "colour": colour.ravel(), "motion": motion.ravel()}

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """See `Task`."""
        context, n = conditions["context"], len(conditions["context"])
        evidence = jnp.stack([conditions["colour"], conditions["motion"]], axis=1)
        cue = AS_LARGE * 0.1 * during(100, 1240, 1360, n) * jax.nn.one_hot(context, 2)[None]
        target = jnp.sign(jnp.where(context == 0, evidence[:, 0], evidence[:, 1]))
        scored = during(1340, 20, 1360, n)[:, :, 0]
        trial = self._trial(key, during(440, 800, 1360, n) * evidence[None], target, scored, **conditions)
        return trial._replace(inputs=jnp.concatenate([trial.inputs, cue], axis=2))


@dataclass(frozen=True)
class Matches(Signed):
    """Two stimuli, each A or B, 0.5 to 3 s apart: the output indicates whether they are the same."""

    input_channels: ClassVar[tuple[str, ...]] = ("A", "B")

    noise: float = 0.03

    def condition_grid(self) -> dict[str, np.ndarray]:
        """First and second stimulus."""
        return {"first": np.array([0, 0, 1, 1]), "second": np.array([0, 1, 0, 1])}

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """See `Task`."""
        first, second = conditions["first"], conditions["second"]
        delay_key, noise_key = jax.random.split(key)
        later = 600 + jax.random.uniform(delay_key, first.shape, minval=500, maxval=3000)
        one, two = (during(start, 500, 5100, len(first)) for start in (100, later))
        shown = one * jax.nn.one_hot(first, 2)[None] + two * jax.nn.one_hot(second, 2)[None]
        scored = during(later + 500, 1000, 5100, len(first))[:, :, 0]
        return self._trial(noise_key, shown, jnp.where(first == second, 1.0, -1.0), scored, **conditions)


class Teacher(NamedTuple):
    """Settings of a teacher, and the paper's values of fits to it.

    Attributes
    ----------
    task : task that it is trained on
    n : number of units (512 in the paper)
    rank : rank of the teacher; 0: full
    noise : noise of each step, in training
    rate, steps : learning rate and steps of its training with Adam; the rate falls along a cosine
    before : steps of training a network of full rank, of which a teacher of low rank is the best approximation
    ranks : ranks of the fits
    tested : noise of a step, of teacher and fit, in the trials for the paper's R2
    r2, connectivity : reported values for each of the ranks; connectivity only for teachers of low rank
    """

    task: Signed
    n: int
    rank: int
    noise: float
    rate: float
    steps: int
    before: int
    ranks: tuple[int, ...]
    tested: tuple[float, float]
    r2: tuple[float, ...]
    connectivity: tuple[float, ...] = ()


TEACHERS = {
    "memory": Teacher(Frequencies(DT), 512, 2, 0.005, 4.4e-4, 900, 150, (2,), (0.01, 0.0), (0.958,), (0.929,)),
    "context": Teacher(Contexts(DT), 512, 1, 0.05, 1e-3, 2000, 0, (1,), (0.03, 0.03), (0.925,), (0.991,)),
    "match": Teacher(
        Matches(DT), 256, 0, 0.05, 1e-4, 600, 0, (1, 2, 3, 4, 5), (0.05, 0.05), (0.451, 0.982, 0.988, 0.989, 0.989)
    ),
}


class Sizes(NamedTuple):
    """Sizes and numbers of everything."""

    seeds: int = 3
    n: int | None = None
    """Units of the teachers, if different from `TEACHERS`."""
    teacher: int | None = None
    """Steps of their training, if different from `TEACHERS`."""
    fit: int = 1500
    rate: float = 5e-3
    trials: int = 800
    tested: int = 200
    area: int = 50
    """Units of an area."""
    areas: tuple[int, int] = (1500, 6000)
    """Steps of the teacher of two areas, and of the fit."""


FULL = Sizes()
QUICK = Sizes(1, 16, 10, 10, 5e-3, 16, 8, 10, (10, 10))


def teacher_of(teacher: Teacher, n: int, seed: int, *, rank: int, like: RateRNN | None = None) -> RateRNN:
    """Untrained network: independent normal weights, or those of a given network, at a lower rank."""
    rng, task = np.random.default_rng(seed), teacher.task
    weights = {
        "input": rng.normal(0, 1 / AS_LARGE, (task.n_in, n)),
        "readout": rng.normal(0, (4 if rank else 1) / n, (n, 1)),
    }
    recurrent: Connectivity | LowRank
    if like is not None:
        recurrent = LowRank.of_matrix(like.W_rec, rank)
        weights = {"input": like.W_in, "readout": like.W_out}
    elif rank:
        recurrent = LowRank.drawn(n, rank, seed=seed)
    else:
        recurrent, weights["recurrent"] = Connectivity.dense(n, n), rng.normal(0, 1.2 / np.sqrt(n), (n, n))
    return network_of(recurrent, task, n, weights, noise=teacher.noise)


def network_of(
    recurrent: Connectivity | LowRank, task: Signed, n: int, weights: Mapping[str, Any], **options: Any
) -> RateRNN:
    """Network of tanh units at rest, with the given noise of each step."""
    noise = options.pop("noise", 0.0)
    parts = (recurrent, Connectivity.dense(task.n_in, n), Connectivity.dense(n, 1))
    options = {"train": ("recurrent", "input", "readout"), **options}
    return RateRNN(
        *parts, activation="tanh", tau=TAU, dt=DT, x0=0.0, sigma_rec=sigma_of(noise), weights=weights, **options
    )


def sigma_of(noise: float) -> float:
    """The network's ``sigma_rec`` for noise of this standard deviation in each step of a current."""
    return noise / float(np.sqrt(2 * DT / TAU))


def teach(part: Part, keep: Keep) -> Measures:
    """Train a teacher, and write it into the folder."""
    teacher, seed, steps = TEACHERS[part["task"]], part["seed"], part["steps"]
    options: dict[str, Any] = {"clip_norm": 1.0, "validation_repeats": 1, "seed": seed}
    like = None
    if teacher.before:
        like = teacher_of(teacher, part["n"], seed, rank=0)
        before = min(teacher.before, steps)
        keep.fit(Trainer(like, teacher.task, learning_rate=teacher.rate, **options), before, stage="_before")
    net = teacher_of(teacher, part["n"], seed, rank=teacher.rank, like=like)
    trainer = Trainer(net, teacher.task, learning_rate=Cosine(teacher.rate, steps), **options)
    keep.fit(trainer, steps)
    save(net, keep.folder / part["makes"])
    return {"accuracy": accuracy(net, teacher.task)}


def accuracy(net: RateRNN, task: Signed) -> float:
    """Fraction of right choices without noise in the units."""
    trial = task.sample(10_000, 400)
    return float(task.accuracy(net.predict(trial.inputs, noise=False).outputs, trial))


def recorded(net: RateRNN, task: Signed, n: int, noise: float, seed: int) -> Recording:
    """Rates of all units of a network, with noise at each step, in random trials."""
    inputs = task.sample(seed, n).inputs
    noisy = net.with_settings(sigma_rec=sigma_of(noise))
    rates = noisy.predict(inputs, key=seed + 1, noise=noise > 0).rates
    return Recording(np.asarray(rates, np.float64), DT, inputs=inputs, source=f"teacher, noise {noise:g}")


def fit(part: Part, keep: Keep) -> Measures:
    """Fit a network of low rank to a teacher, and compare the two in new trials."""
    teacher, seed, rank = TEACHERS[part["task"]], part["seed"], part["rank"]
    net, n, task = load(keep.folder / part["teacher"]), part["n"], teacher.task
    train = recorded(net, task, part["trials"], NOISE_OF_FITS, 100 * seed)
    clean = recorded(net, task, part["tested"], 0.0, 100 * seed + 50)
    rng = np.random.default_rng(1000 + seed)
    weights = {"input": rng.normal(0, 1 / AS_LARGE, (task.n_in, n)), "readout": net.W_out}
    student = network_of(modes_of(train, rank), task, n, weights, train=("recurrent", "input"))
    rates = Cosine(part["rate"], part["steps"])
    some = clean.of_trials(slice(32))
    trainer = Trainer(student, train, held_out=some, batch_size=32, learning_rate=rates, clip_norm=1.0, seed=seed)
    keep.fit(trainer, part["steps"], every=min(250, part["steps"]))
    save(student, keep.folder / f"{part['name']}_net.npz")
    noise, other = teacher.tested
    noisy = recorded(net, task, part["tested"], noise, 100 * seed + 50)
    measures = {
        "r2": r2(predicted(student, clean), clean.activity),
        "r2_units": float(np.nanmedian(unit_fit(predicted(student, clean), clean.activity).r2)),
        "r2_noise": r2(
            predicted(student.with_settings(sigma_rec=sigma_of(other)), noisy, key=seed if other else None),
            noisy.activity,
        ),
        "r2_ceiling": r2(clean.activity, noisy.activity),
        "accuracy": accuracy(student, task),
    }
    if teacher.rank:
        measures |= {
            "connectivity": correlation(net.W_rec, student.W_rec),
            "effective": correlation(effective(net), effective(student)),
        }
    return measures


def modes_of(recording: Recording, rank: int) -> LowRank:
    """Return initial weights: the leading directions of the recorded currents, each sustained by itself.

    From random weights, as in the paper, a fit to delayed match to sample needs many more steps than this study has to
    leave the plateau of a network that is driven by its inputs alone.
    """
    currents = np.arctanh(np.clip(recording.activity, -0.99, 0.99)).reshape(-1, recording.n_units)
    directions = np.linalg.eigh(currents.T @ currents)[1][:, -rank:]
    return LowRank.of(directions, directions.T)


def r2(found: np.ndarray, true: np.ndarray) -> float:
    """Fraction of the variance of all values, around one common mean, that is predicted."""
    return float(1 - ((found - true) ** 2).sum() / ((true - true.mean()) ** 2).sum())


def effective(net: RateRNN) -> np.ndarray:
    r"""Part of the weights of a low-rank network that acts on its activity, (N, N) ``[pre, post]``.

    Currents stay in the span of the weights from modes and inputs to the units, :math:`m_k` and the rows of
    :math:`W_{in}`. The weights from the units to the modes, :math:`n_k`, are projected onto it.
    """
    weights = net.network.recurrent
    if not isinstance(weights, LowRank):
        raise TypeError("effective weights are those of a network of low rank.")
    left, right = np.asarray(weights.left, np.float64), np.asarray(weights.right, np.float64)
    basis, _ = np.linalg.qr(np.concatenate([right, np.asarray(net.W_in, np.float64)]).T)
    return basis @ (basis.T @ left) @ right


def correlation(one: Any, other: Any) -> float:
    """Correlation between the entries of two matrices."""
    return float(np.corrcoef(np.ravel(one), np.ravel(other))[0, 1])


AREAS = ("first", "second")
GROUPS = ("first E", "first I", "second E", "second I")


def two_areas(n: int, task: Task, *, density: float, seed: int, **options: Any) -> RateRNN:
    """Network of two areas, connected in both directions by excitatory units alone."""
    excitatory = round(0.8 * n)
    populations = [
        Population(f"{area} {kind}", m, kind, area)
        for area in AREAS
        for kind, m in (("E", excitatory), ("I", n - excitatory))
    ]
    within = [Projection(f"{area}*", f"{area}*") for area in AREAS]
    between = [Projection(f"{a} E", f"{b}*", density=density) for a, b in (AREAS, AREAS[::-1])]
    return RateRNN.from_populations(
        populations,
        task.input_channels,
        task.output_channels,
        recurrent=[*within, *between],
        input=[Projection("*", "first E")],
        readout=[Projection("second E")],
        dt=task.dt,
        seed=seed,
        **options,
    )


def areas(part: Part, keep: Keep) -> Measures:
    """Fit a teacher of two areas, and decompose the currents of both."""
    seed, n = part["seed"], part["n"]
    task = PerceptualDecision()
    net = two_areas(n, task, density=0.2, seed=seed, sigma_rec=0.1)
    trainer = Trainer(net, task, learning_rate=2e-3, validation_repeats=1, seed=seed)
    keep.fit(trainer, part["steps"][0], stage="_teacher")
    trials = [task.sample(10_000 + seed + i, m) for i, m in enumerate((part["trials"], part["tested"]))]
    train, held_out = (
        Recording(net.predict(trial.inputs, noise=False).rates, task.dt, inputs=trial.inputs) for trial in trials
    )
    student = two_areas(n, task, density=1.0, seed=1000 + seed, train=("recurrent", "input"))
    rates = Cosine(part["rate"], part["steps"][1])
    fitting = Trainer(student, train, held_out=held_out, batch_size=32, learning_rate=rates, seed=seed)
    keep.fit(fitting, part["steps"][1])
    groups = np.asarray([f"{a} {k}" for a, k in zip(net.units["area"], net.units["type"], strict=True)])
    found, true = (
        population_currents(np.asarray(one.W_rec), predicted(one, held_out), groups) for one in (student, net)
    )
    pairs = [(a, b) for a in GROUPS for b in GROUPS if a[:5] == b[:5] or a.endswith("E")]
    between = {f"{a} to {b}": (true.between(a, b), found.between(a, b)) for a, b in pairs}
    longest = int(np.argmax(np.asarray(trials[1].mask).sum(axis=0)))
    return {
        "accuracy": float(task.accuracy(net.predict(trials[1].inputs, noise=False).outputs, trials[1])),
        "r2": r2(predicted(student, held_out), held_out.activity),
        "r2_units": float(np.nanmedian(unit_fit(predicted(student, held_out), held_out.activity).r2)),
        "weights": correlation(net.W_rec, student.W_rec),
        "currents": {pair: correlation(*arrays) for pair, arrays in between.items()},
        "share": true.share.tolist(),
        "share_fit": found.share.tolist(),
        "traces": {
            pair: [np.round(array[:, longest].mean(axis=1), 4).tolist() for array in arrays]
            for pair, arrays in between.items()
        },
    }


def do(part: Part, keep: Keep) -> Measures:
    """Do a part of this study."""
    return {"teacher": teach, "fit": fit, "areas": areas}[part["kind"]](part, keep)


def parts_of(sizes: Sizes) -> tuple[list[Part], list[Part]]:
    """List the teachers, and then the parts that need them."""
    shared = {"rate": sizes.rate, "trials": sizes.trials, "tested": sizes.tested}
    teachers, others = [], []
    for name, teacher in TEACHERS.items():
        n, steps = sizes.n or teacher.n, sizes.teacher or teacher.steps
        for seed in range(sizes.seeds):
            of = {"task": name, "n": n, "seed": seed}
            made = f"{name}_{seed}_net.npz"
            teachers.append({"name": f"{name}_{seed}", "kind": "teacher", **of, "steps": steps, "makes": made})
            how = {"kind": "fit", "teacher": made, "steps": sizes.fit, **of, **shared}
            others += [{"name": f"{name}_{seed}_rank{rank}", "rank": rank, **how} for rank in teacher.ranks]
    how = {"kind": "areas", "n": sizes.area, "steps": list(sizes.areas), **shared}
    others += [{"name": f"areas_{seed}", "seed": seed, **how} for seed in range(sizes.seeds)]
    return teachers, others


def reached(values: Sequence[float], published: float) -> tuple[str, float, float]:
    """Return whether the interval of the mean over seeds (Student's t, 95 %) reaches a value, and its two ends."""
    if len(values) < FULL.seeds:
        return f"{len(values)} of {FULL.seeds} seeds", min(values), max(values)
    found = interval(np.asarray(values, float))
    return "reproduced" if found.high >= published else "not reproduced", found.low, found.high


class Row(NamedTuple):
    """A value of the paper, and those found.

    Attributes
    ----------
    task, rank : task and rank of the fits
    what : ``r2`` or ``effective``
    published : the paper's value
    values : value of each seed
    measures : all measures of each seed
    """

    task: str
    rank: int
    what: str
    published: float
    values: list[float]
    measures: list[Mapping[str, Any]]


def rows_of(lines: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Values to compare, for the finished fits."""
    fits: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for line in lines:
        if line["settings"]["kind"] == "fit":
            fits.setdefault((line["settings"]["task"], line["settings"]["rank"]), []).append(line["measures"])
    return [
        Row(name, rank, what, published[k], [m[key] for m in fits[name, rank]], fits[name, rank])
        for name, teacher in TEACHERS.items()
        for k, rank in enumerate(teacher.ranks)
        for what, key, published in (("r2", "r2_noise", teacher.r2), ("effective", "effective", teacher.connectivity))
        if published and (name, rank) in fits
    ]


WORDS = {"memory": "parametric memory", "context": "context-dependent integration", "match": "delayed match to sample"}


def page(lines: Sequence[Mapping[str, Any]], n_parts: int) -> str:
    """Results in words and tables."""
    text = [
        "# Networks of low rank fitted to trained networks",
        "",
        "Valente, Pillow & Ostojic (2022), NeurIPS 35, *Extracting computational mechanisms from neural data using "
        "low-rank RNNs* (LINT). A network of tanh units is trained on a task; a network of low rank is then fitted "
        "to the rates of all its units, by its recurrent and input weights only. Tasks, noise and sizes are those of "
        "the paper and of the settings published by its authors, except that teachers of delayed match to sample "
        f"have {TEACHERS['match'].n} instead of 512 units, and fits take {FULL.fit:,} instead of 1,250 to 25,000 "
        "steps.",
        "",
        "The teachers of the first two tasks have the rank of the fits, those of delayed match to sample have full "
        "rank, as in the settings behind the published values. R2 is computed over all rates in 200 new trials, "
        "relative to their common mean. *As published*: teacher and fit have the noise of the paper's networks in "
        "these trials; private noise of the teacher's units cannot be predicted and limits this R2 (*ceiling*: the "
        "teacher without noise predicts the teacher with noise). *Without noise*: neither has noise.",
        "",
        "*Effective connectivity*: in a network of rank K, currents stay in the span of the K output vectors of the "
        "modes and of the input weights. The input vectors of the modes are projected onto this span, separately for "
        "teacher and fit; the correlation is that between the entries of the resulting matrices. The correlation of "
        "the complete matrices is also given.",
        "",
        "| task | rank | measure | published | mean over seeds (95 %) | status |",
        "|---|---|---|---|---|---|",
    ]
    rows = rows_of(lines)
    for row in rows:
        status, low, high = reached(row.values, row.published)
        what = "R2 of rates" if row.what == "r2" else "effective connectivity"
        mean = f"{np.mean(row.values):.3f} ({low:.3f} to {high:.3f})"
        text.append(f"| {WORDS[row.task]} | {row.rank} | {what} | {row.published:.3f} | {mean} | {status} |")
    text += [
        "",
        "| task | rank | R2 without noise | as published | ceiling | effective | whole matrices | accuracy |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row.what == "r2":
            keys = ("r2", "r2_noise", "r2_ceiling", "effective", "connectivity", "accuracy")
            cells = [" ".join(f"{m[key]:.3f}" for m in row.measures if key in m) for key in keys]
            text.append(f"| {WORDS[row.task]} | {row.rank} | {' | '.join(cells)} |")
    text += [
        "",
        "One number per seed. The accuracy is that of the fitted network with the teacher's readout, which was not "
        "fitted.",
        "",
        "Tried on one seed: from random weights as in the paper, 1,000 steps of Adam at rates of 0.002 and 0.005 "
        "leave fits to delayed match to sample at an R2 of 0.37 to 0.38 (rank 1 and 2), which is the R2 of a network "
        "driven only by its inputs. All fits here start from the leading directions of the recorded currents, each "
        "with self-sustaining dynamics.",
        "",
        "![R2 and connectivity](../images/low_rank_fits.png)",
        "",
        "## Two areas, no connection known",
        "",
        "A teacher of two areas under Dale's law, connected by excitatory units alone (density 0.2), was trained on "
        "a perceptual decision; the first area receives the input and the second is read out. The fit uses the areas "
        "and the signs, and has all connections that these allow. Currents between populations are compared in new "
        "trials.",
        "",
        "| seed | R2 of rates | median R2 of a unit | weights (correlation) | currents within | currents between |",
        "|---|---|---|---|---|---|",
    ]
    for line in lines:
        if line["settings"]["kind"] == "areas":
            m = line["measures"]
            within, between = (
                [r for pair, r in m["currents"].items() if _within(pair) is own] for own in (True, False)
            )
            cells = (m["r2"], m["r2_units"], m["weights"], np.mean(within), np.mean(between))
            text.append(f"| {line['settings']['seed']} | {' | '.join(f'{value:.3f}' for value in cells)} |")
    done = "" if len(lines) == n_parts else f" {len(lines)} of {n_parts} parts are done."
    text += [
        "",
        "Currents: mean correlation, over pairs of populations within an area or between areas, of the current from "
        "one population to each unit of the other.",
        "",
        "![currents between populations](../images/low_rank_currents.png)",
        "",
        f"Parts: [low_rank_fits.jsonl](low_rank_fits.jsonl).{done}",
    ]
    return "\n".join(text) + "\n"


def _within(pair: str) -> bool:
    source, target = pair.split(" to ")
    return source.split()[0] == target.split()[0]


def draw_fits(lines: Sequence[Mapping[str, Any]]) -> Figure:
    """R2 by rank, and that of fits of the teacher's rank; effective connectivity."""
    rows = rows_of(lines)
    with style("paper", width=180):
        figure, axes = plt.subplots(1, 3, figsize=(7.09, 2.2), width_ratios=(1.4, 1, 1))
        for row in (row for row in rows if row.task == "match"):
            _points(axes[0], row.rank, row)
        axes[0].plot(TEACHERS["match"].ranks, TEACHERS["match"].r2, "k_", ms=9, label="published")
        axes[0].set(
            xlabel="rank of the fit", ylabel="R² of rates", xticks=TEACHERS["match"].ranks, title=WORDS["match"]
        )
        for axis, what in ((axes[1], "r2"), (axes[2], "effective")):
            chosen = [row for row in rows if row.task != "match" and row.what == what]
            for x, row in enumerate(chosen):
                _points(axis, x, row)
                axis.plot(x, row.published, "k_", ms=9)
            names = [f"{row.task}\n(rank {row.rank})" for row in chosen]
            axis.set_xticks(range(len(chosen)), names)
            axis.set_xlim(-0.5, max(len(chosen), 1) - 0.4)
            axis.set_ylim(top=1.005)
        axes[1].set_ylabel("R² of rates")
        axes[2].set_ylabel("effective connectivity (r)")
        handles, labels = axes[0].get_legend_handles_labels()
        unique = dict(zip(labels, handles, strict=True))
        figure.legend(unique.values(), unique.keys(), loc="outside lower center", ncols=3)
    return figure


def _points(axis: Axes, x: int, row: Row) -> None:
    """Values of each seed, and R2 without noise to their right."""
    axis.plot([x] * len(row.values), row.values, "o", ms=3, color="#0077BB", label="with noise")
    if row.what == "r2":
        clean = [m["r2"] for m in row.measures]
        axis.plot([x + 0.15] * len(clean), clean, "o", ms=3, color="#009988", label="without noise")


def draw_currents(line: Mapping[str, Any]) -> Figure:
    """Fractions of currents between populations, and their mean in one trial, for teacher and fit."""
    m = line["measures"]
    shown = ("first E to second E", "second E to first E", "first I to first E", "second I to second E")
    with style("paper", width=180):
        figure, axes = plt.subplot_mosaic(
            [["teacher", "fit", shown[0], shown[1]], ["teacher", "fit", shown[2], shown[3]]],
            figsize=(7.09, 2.6),
            width_ratios=(1.1, 1.1, 1, 1),
        )
        for name, key in (("teacher", "share"), ("fit", "share_fit")):
            image = axes[name].imshow(np.array(m[key], float).T, vmin=0, vmax=1, cmap="Blues")
            axes[name].set_xticks(range(4), GROUPS, rotation=90)
            axes[name].set_yticks(range(4), GROUPS if name == "teacher" else [])
            axes[name].set(title=name, xlabel="from")
        axes["teacher"].set_ylabel("to")
        both = [axes["teacher"], axes["fit"]]
        figure.colorbar(image, ax=both, label="share of the variance", shrink=0.6)
        for pair in shown:
            time = np.arange(len(m["traces"][pair][0])) * DT / 1000
            for trace, color, name in zip(m["traces"][pair], ("0.3", "#EE7733"), ("teacher", "fit"), strict=True):
                axes[pair].plot(time, trace, color=color, label=name)
            axes[pair].set_title(pair)
        for pair in shown[2:]:
            axes[pair].set_xlabel("time (s)")
        for pair in (shown[0], shown[2]):
            axes[pair].set_ylabel("mean current")
        handles = axes[shown[0]].get_legend_handles_labels()
        figure.legend(*handles, loc="outside upper right", ncols=2)
    return figure


def run(where: Places, sizes: Sizes, workers: int, minutes: float | None) -> None:
    """Run the missing parts, and write the page of the finished ones."""
    teachers, others = parts_of(sizes)
    results = where.pages / "low_rank_fits.jsonl"
    begun = time.time()
    lines = run_parts(teachers, do, results, where.out, workers=workers, minutes=minutes)
    if len(lines) < len(teachers):
        return
    left = None if minutes is None else max(minutes - (time.time() - begun) / 60, 0.0)
    lines += run_parts(others, do, results, where.out, workers=workers, minutes=left)
    draw_fits(lines).savefig(where.images / "low_rank_fits.png", dpi=200)
    of_areas = [line for line in lines if line["settings"]["kind"] == "areas"]
    if of_areas:
        draw_currents(of_areas[0]).savefig(where.images / "low_rank_currents.png", dpi=200)
    commits = ", ".join(sorted({str(line["commit"]) for line in lines}))
    footer = f"\n`python -m studies.low_rank_fits`; commit {commits}, {versions()}.\n"
    text = page(lines, len(teachers) + len(others)) + footer
    (where.pages / "low_rank_fits.md").write_text(text, encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study."""
    parser = new_parser("low_rank_fits", __doc__)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="stop after this many minutes; the next call resumes")
    options = parser.parse_args(argv)
    run(places("low_rank_fits", options), QUICK if options.quick else FULL, options.workers, options.minutes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
