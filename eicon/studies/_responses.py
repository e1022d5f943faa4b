"""Balanced trials, a network's responses in them with its noise, and the task's description of both."""

import math
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from .. import analysis
from .._key import key as key_of
from ..analysis._arrays import levels_of
from ..analysis._psychometric import psychometric_or_none
from ..models import RateRNN
from ..models.results import Activity
from ..tasks import Task, Trial
from ..tasks._check import check_behaviour, check_task

ANALYSIS_STREAM = 0xA11
"""Folded into a seed, so that analysed trials differ from the trained ones."""
MOST_LEVELS = 24
"""Most levels of a condition by which trials are sorted."""


class Responses(NamedTuple):
    """Balanced trials and the network's activity in them, with its noise."""

    net: RateRNN
    task: Task
    trial: Trial
    activity: Activity


class Condition(NamedTuple):
    """A condition of trials.

    Attributes
    ----------
    name, unit : str
        Name and unit; the unit is empty if there is none.
    values : (B,) array
        Value of each trial.
    """

    name: str
    unit: str
    values: Shaped[np.ndarray, "B"]

    @property
    def label(self) -> str:
        """Name for figures: *signed*, if values lie on both sides of 0."""
        signed = self.values.dtype != bool and self.values.min() < 0 < self.values.max()
        return f"signed {self.name}" if signed else self.name

    @property
    def numbers(self) -> Float[np.ndarray, "B"]:
        """Values as real numbers."""
        return self.values.astype(np.float64)


class Answers(NamedTuple):
    """Answers of a network in each trial: a `Behaviour` on the host.

    Attributes
    ----------
    score, choice, time : (B,)
        As in `Behaviour`.
    """

    score: Shaped[np.ndarray, "B"]
    choice: Int[np.ndarray, "B"] | None = None
    time: Float[np.ndarray, "B"] | None = None


class TwoClasses(NamedTuple):
    """Trials in two classes, between which units may discriminate.

    Attributes
    ----------
    labels : (B,) int
        0, 1, or -1 for neither.
    first : str
        Description of class 0.
    sort : str or None
        Condition whose two levels are the classes; None if the classes are the choices favoured by the evidence.
    """

    labels: Int[np.ndarray, "B"]
    first: str
    sort: str | None = None


def analysis_key(seed: int | float, *streams: int) -> jax.Array:
    """Return a key for trials and noise, different from those of the training; each further stream gives a new one."""
    key = jax.random.fold_in(key_of(seed), ANALYSIS_STREAM)
    for stream in streams:
        key = jax.random.fold_in(key, stream)
    return key


def unit_types(net: RateRNN) -> np.ndarray | None:
    """Return which units are excitatory, (N,) bool; None without Dale's law."""
    return net.is_excitatory if net.is_excitatory.any() else None


def responses(net: RateRNN, task: Task, repeats: int | float, *, seed: int | float) -> Responses:
    """Run a network on every condition ``repeats`` times, with its noise.

    Parameters
    ----------
    net : RateRNN
    task : Task
    repeats : int
        Trials per condition.
    seed : int
        Fixes trials and noise.

    Returns
    -------
    Responses
    """
    check_task(task)
    key_trial, key_noise = jax.random.split(analysis_key(seed))
    trial = task.trials(repeats, key=key_trial)
    return Responses(net, task, trial, net.predict(trial.inputs, key=key_noise))


def outputs_and_targets(given: Responses) -> tuple[Float[np.ndarray, "T B n"], Float[np.ndarray, "T B n"]]:
    """Return outputs and targets; for labels, their probabilities."""
    outputs, targets = np.asarray(given.activity.outputs), np.asarray(given.trial.targets)
    if targets.ndim == 3:
        return outputs, targets
    return np.asarray(jax.nn.softmax(outputs, axis=-1)), np.eye(outputs.shape[2])[targets]


def behaviour_of(task: Task, outputs: jax.Array, trial: Trial) -> Answers:
    """Return the answers of a network in each trial, checked to be a `Behaviour` of these trials."""
    found = task.behaviour(outputs, trial)
    check_behaviour(task, found, trial.batch_size)
    choice, time = (None if values is None else np.asarray(values) for values in (found.choice, found.time))
    return Answers(np.asarray(found.score), choice, time)


def condition(task: Task, trial: Trial, name: str, said: str) -> Condition:
    """Return a condition that a task names.

    Parameters
    ----------
    task : Task
    trial : Trial
    name : str
    said : str
        Attribute of the task that names the condition, for the error.

    Raises
    ------
    ValueError
        If the trials have no such condition.
    """
    if name not in trial.conditions:
        raise ValueError(
            f"{type(task).__name__}.{said} names the condition {name!r}, which its trials do not have; "
            f"they have {', '.join(trial.conditions)}."
        )
    unit = task.evidence[1] if task.evidence and task.evidence[0] == name else task.condition_units.get(name, "")
    return Condition(name, unit, np.asarray(trial.conditions[name]))


def evidence_of(task: Task, trial: Trial) -> Condition | None:
    """Return the evidence for choice 0; None if the task names no condition as evidence."""
    return None if task.evidence is None else condition(task, trial, task.evidence[0], "evidence")


def strength_of(task: Task, evidence: Condition) -> Float[np.ndarray, "B"] | None:
    """Return the distance of the evidence from its neutral value; None if that is unknown."""
    if math.isnan(task.neutral):
        return None
    # Levels on both sides that are equal up to single-precision rounding count as one.
    levels, index = levels_of(np.abs(evidence.numbers - task.neutral))
    return np.where(index >= 0, levels[index], np.nan)


def sorted_by(task: Task, trial: Trial) -> list[Condition]:
    """Return the varying conditions by which trials are sorted; the evidence, if a task with evidence names none."""
    names = task.sorts or (() if task.evidence is None else (task.evidence[0],))
    found = [condition(task, trial, name, "sorts") for name in names]
    return [one for one in found if _sorts(one)]


def _sorts(one: Condition) -> bool:
    return bool(np.isfinite(one.numbers).all() and 1 < levels_of(one.values)[0].size <= MOST_LEVELS)


def two_classes(task: Task, trial: Trial) -> TwoClasses | None:
    """Split trials by the evidence for choice 0 or 1, or by the first condition with two levels; None without."""
    evidence = evidence_of(task, trial)
    if evidence is not None and not math.isnan(task.neutral):
        labels = np.sign(task.neutral - evidence.numbers).astype(np.int64)  # -1 for choice 0, 1 for choice 1
        return TwoClasses(np.array([-1, 1, 0])[labels], "choice 0")
    for one in sorted_by(task, trial):
        levels, index = levels_of(one.values)
        if levels.size == 2:
            return TwoClasses(index.astype(np.int64), f"{one.name} {level_name(levels[0])}", one.name)
    return None


def level_name(level: object) -> str:
    """Return a level of a condition in words: numbers short, truth values as yes and no."""
    return ("yes" if level else "no") if isinstance(level, bool | np.bool_) else f"{level:g}"


def psychometric_of(evidence: Condition, behaviour: Answers) -> analysis.results.Psychometric | None:
    """Fit choices of 0, as opposed to others, against the evidence; None if fewer than two levels have a choice."""
    assert behaviour.choice is not None
    return psychometric_or_none(evidence.numbers, np.minimum(behaviour.choice, 1))


def window_of(task: Task, trial: Trial) -> Bool[np.ndarray, "T B"]:
    """Return the steps of the epoch to which the task aligns its trials; all steps, if it names none."""
    return np.asarray(trial.inside if task.aligned_to is None else trial.during(task.aligned_to))


def onset_of(task: Task, trial: Trial) -> Int[np.ndarray, "B"] | None:
    """Return the step of each trial at which time is 0; None for the start."""
    return None if task.aligned_to is None else span_of(task, trial, task.aligned_to)[:, 0]


def span_of(task: Task, trial: Trial, epoch: str) -> Int[np.ndarray, "B 2"]:
    """Return the first step of a named epoch and the step after its last one, for each trial."""
    if epoch not in trial.epochs:
        raise ValueError(
            f"{type(task).__name__} names the epoch {epoch!r}, which its trials do not have; "
            f"they have {', '.join(trial.epochs) or 'none'}."
        )
    return np.asarray(trial.epochs[epoch])


def timed_span(task: Task, trial: Trial) -> Int[np.ndarray, "B 2"] | None:
    """Return the steps in which a requested time is produced; None in other tasks, or with fewer than three steps."""
    if task.asked_time is None or task.aligned_to is None:
        return None
    span = span_of(task, trial, task.aligned_to)
    return span if (span[:, 1] - span[:, 0]).min() >= 3 else None


def rows_of(task: Task, trial: Trial) -> Int[np.ndarray, "B"]:
    """Return the row of the task's grid of conditions for each trial."""
    grid = {name: values for name, values in task.condition_grid().items() if name in trial.conditions}
    rows = np.stack([np.asarray(values, np.float64) for values in grid.values()], axis=1)
    given = np.stack([np.asarray(trial.conditions[name], np.float64) for name in grid], axis=1)
    return np.abs(given[:, None] - rows[None]).sum(axis=2).argmin(axis=1)


class Aligned(NamedTuple):
    """Aligned values of trials.

    Attributes
    ----------
    time : (T,) float
        Time of each step, ms.
    inside : (T, B) bool
        Whether a step lies in its trial.
    values : (T, B, ...) array
    """

    time: Float[np.ndarray, "T"]
    inside: Bool[np.ndarray, "T B"]
    values: Shaped[np.ndarray, "T B ..."]


def align_trials(
    values: Shaped[np.ndarray, "T B ..."],
    inside: Bool[np.ndarray, "T B"],
    onset: Int[np.ndarray, "B"] | None,
    dt: float,
) -> Aligned:
    """Align trials to a step of each, or to their start if it is None.

    Before the onset, only steps that all trials have are kept. The state after step t belongs to time ``(t + 1) dt``.
    """
    n_steps, n_trials = inside.shape
    if onset is None:
        return Aligned(np.arange(n_steps) * dt, inside, values)
    before = int(onset.min())
    step = np.arange(n_steps)[:, None] + (onset - before)
    column = np.arange(n_trials)
    within = (step < n_steps) & inside[np.minimum(step, n_steps - 1), column]
    kept = within.any(axis=1)
    time = (np.arange(n_steps) - before + 1) * dt
    return Aligned(time[kept], within[kept], values[np.minimum(step, n_steps - 1), column][kept])


def condition_means(
    values: Shaped[np.ndarray, "T B ..."], levels: Shaped[np.ndarray, "B"], inside: Bool[np.ndarray, "T B"]
) -> analysis.results.ConditionAverage:
    """Average over the trials of each level; NaN where half of its trials or more are over, to avoid jumps."""
    mean = analysis.condition_average(values, levels, inside)
    few = 2 * mean.n <= mean.n.max(axis=1, keepdims=True)
    return mean._replace(
        average=np.where(few.reshape(few.shape + (1,) * (mean.average.ndim - 2)), np.nan, mean.average)
    )
