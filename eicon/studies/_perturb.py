"""Behaviour when units are silenced or driven, or projections cut."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from .. import analysis
from .._key import as_key
from ..analysis._binomial import wilson
from ..models import Cut, Drive, RateRNN, Silence
from ..models._perturbation import Perturbation, perturbed_trials, with_dose
from ..models.results import Activity
from ..tasks import NO_CHOICE, Task, Trial
from ..tasks._check import check_task
from ._responses import Answers, behaviour_of, evidence_of, psychometric_of, rows_of


class PerturbationEffect(NamedTuple):
    """Behaviour under a perturbation, on the same trials and with the same noise as without.

    Fractions are those of the trials in which the perturbation acts. Intervals are 95 % intervals (lower, upper) of
    Wilson (1927); around scores between 0 and 1 they are conservative. Values are NaN if a task has no choice.

    Attributes
    ----------
    name : name of the perturbation; "none" comes first
    dose : factor of the strength; 0 for "none"
    n_trials : scored trials in which the perturbation acts
    correct, wrong, no_answer : fractions of trials, whose sum is 1. A trial has no answer if its choice is none, or
        would be none without the constant output of the readout while no unit that is read out is active. A task that
        scores a choice in part adds the part to ``correct``, and the rest to ``wrong``
    correct_ci, wrong_ci, no_answer_ci : intervals
    changed, changed_ci : fraction of trials whose choice differs from that without perturbation
    accuracy, accuracy_ci : mean score of the task, in which a trial without an answer scores as much as a guess
    worst : mean score in the condition in which it is lowest
    bias, width : of the psychometric curve, in the unit of the task's evidence; NaN in tasks without, or if the fit
        does not exist
    mean_rate : over units, and steps inside the trials
    """

    name: str
    dose: float
    n_trials: int
    correct: float
    correct_ci: tuple[float, float]
    wrong: float
    wrong_ci: tuple[float, float]
    no_answer: float
    no_answer_ci: tuple[float, float]
    changed: float
    changed_ci: tuple[float, float]
    accuracy: float
    accuracy_ci: tuple[float, float]
    worst: float
    bias: float
    width: float
    mean_rate: float


def perturbation_effects(
    net: RateRNN,
    task: Task,
    perturbations: Mapping[str, Perturbation | Sequence[Perturbation]],
    *,
    doses: Sequence[float | int] | ArrayLike | None = None,
    repeats: int | float = 50,
    key: jax.Array | int,
) -> list[PerturbationEffect]:
    """Measure the behaviour of a network without and with each perturbation, at each dose.

    Parameters
    ----------
    net : RateRNN
    task : Task
    perturbations : mapping of str to Perturbation or sequence of Perturbation
        Perturbations with one name act together. Behaviour is measured in trials in which at least one of them acts.
    doses : sequence of float, optional
        Factors of the strength of all perturbations: fractions for `Silence` and `Cut`, factors of the current for
        `Drive`. By default, perturbations act at their given strength.
    repeats : int
        Trials per condition.
    key : jax.Array
        Fixes trials and noise, the same for all.

    Returns
    -------
    list of PerturbationEffect
        Behaviour without a perturbation first, then with each perturbation in the order of the doses.
        `eicon.plotting.behaviour.plot_perturbations` draws the list.

    Raises
    ------
    ValueError
        For the reasons given at `RateRNN.perturb`, or for doses that are not finite numbers.

    Examples
    --------
    >>> from eicon.tasks import PerceptualDecision
    >>> task = PerceptualDecision()
    >>> net = RateRNN.dale(task.n_in, 10, task.n_out)
    >>> effects = perturbation_effects(net, task, {"all": Silence(range(10))}, doses=[0, 0.5, 1], repeats=2, key=0)
    >>> [(effect.name, effect.dose) for effect in effects]
    [('none', 0.0), ('all', 0.0), ('all', 0.5), ('all', 1.0)]
    >>> effects[-1].no_answer, effects[-1].wrong
    (1.0, 0.0)
    """
    check_task(task)
    factors = _doses(doses)
    key_trial, key_noise = jax.random.split(as_key(key))
    trial = task.trials(repeats, key=key_trial)
    every = np.ones(trial.batch_size, bool)
    activity = net.perturb(trial, key=key_noise)
    before = _answers(net, task, trial, activity)
    effects = [_effect("none", 0.0, task, trial, before, np.asarray(activity.rates), before, every)]
    for name, given in perturbations.items():
        several = [given] if isinstance(given, Perturbation) else list(given)
        acts = np.any([perturbed_trials(one, trial) for one in several], axis=0) if several else every
        for dose in factors:
            activity = net.perturb(trial, *(with_dose(one, dose) for one in several), key=key_noise)
            answers = _answers(net, task, trial, activity)
            effects.append(_effect(name, dose, task, trial, answers, np.asarray(activity.rates), before, acts))
    return effects


def _doses(doses: Sequence[float | int] | ArrayLike | None) -> list[float]:
    factors = np.ones(1) if doses is None else np.asarray(doses, np.float64)
    if factors.ndim != 1 or not factors.size or not np.isfinite(factors).all():
        raise ValueError(f"doses must be a list of finite numbers, e.g. [0, 0.5, 1]; got {doses!r:.60}.")
    return [float(factor) for factor in factors]


def parse_perturbation(kind: str, text: str, epoch: str | None, **how: Any) -> Perturbation:
    """Parse a perturbation from the words of the command line.

    Parameters
    ----------
    kind : {"silence", "drive", "cut"}
    text : str
        Units for silence, ``UNITS:CURRENT`` for drive, ``UNITS>UNITS`` for cut; units are a type (``I``), labels
        (``area=motor,type=E``) or indices (``0,5,7``).
    epoch : str, optional
    **how
        Fields common to all perturbations: ``window``, ``trials``, ``cells``, ``ramp``, ``seed``.

    Raises
    ------
    ValueError
        If the text cannot be read.
    """
    if kind == "silence":
        return Silence(parse_units(text), epoch, **how)
    if kind == "drive":
        units, _, current = text.rpartition(":")
        try:
            size = float(current)
        except ValueError as error:
            raise ValueError(f"--drive takes UNITS:CURRENT, e.g. E:0.5; got {text!r}.") from error
        return Drive(parse_units(units), size, epoch, **how)
    source, arrow, target = text.partition(">")
    if not arrow:
        raise ValueError(f"--cut takes UNITS>UNITS, e.g. 'area=sensory>area=motor'; got {text!r}.")
    return Cut(parse_units(source), parse_units(target), epoch, **how)


def parse_units(text: str) -> str | dict[str, str] | list[int]:
    """Parse units from words: a type, labels or indices; see `parse_perturbation`."""
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise ValueError(f"units are a type (I), labels (area=motor,type=E) or indices (0,5,7); got {text!r}.")
    if all(part.isdecimal() for part in parts):
        return [int(part) for part in parts]
    if all("=" in part for part in parts):
        pairs = [part.partition("=") for part in parts]
        return {name.strip(): value.strip() for name, _, value in pairs}
    if len(parts) == 1:
        return parts[0]
    raise ValueError(f"units are a type (I), labels (area=motor,type=E) or indices (0,5,7); got {text!r}.")


def _answers(net: RateRNN, task: Task, trial: Trial, activity: Activity) -> Answers:
    """Return the answers in each trial; none in those in which only a constant readout favours a choice."""
    outputs = np.asarray(activity.outputs)
    found = behaviour_of(task, activity.outputs, trial)
    at_rest = np.asarray(net.network.read_out(jnp.zeros(net.n_rec, outputs.dtype)))
    if found.choice is None or not at_rest.any():
        return found
    silent = (outputs == at_rest).all(axis=2)
    if not silent.any():
        return found
    without = behaviour_of(task, jnp.where(silent[:, :, None], 0.0, outputs), trial)
    assert without.choice is not None
    none = (without.choice == NO_CHOICE) | (silent | ~np.asarray(trial.inside)).all(axis=0)
    score, choice = np.where(none, without.score, found.score), np.where(none, NO_CHOICE, found.choice)
    return Answers(score, choice, None if found.time is None else np.where(none, np.nan, found.time))


def _effect(
    name: str,
    dose: float,
    task: Task,
    trial: Trial,
    answers: Answers,
    rates: np.ndarray,
    before: Answers,
    acts: np.ndarray,
) -> PerturbationEffect:
    """Compute the behaviour in the trials ``acts`` (B,), compared with the behaviour before."""
    score, chosen = answers.score[acts], answers.choice
    scored = np.isfinite(score)
    n = int(scored.sum())
    by_condition = analysis.behaviour.accuracy_by_condition(score, rows_of(task, trial)[acts])
    bias = width = float("nan")
    counts: dict[str, float] = dict.fromkeys(("correct", "wrong", "no_answer", "changed"), float("nan"))
    if chosen is not None and before.choice is not None:
        answered = chosen[acts] != NO_CHOICE
        counts = {
            "correct": float(score[scored & answered].sum()),
            "wrong": float((1.0 - score[scored & answered]).sum()),
            "no_answer": float((scored & ~answered).sum()),
            "changed": float((chosen != before.choice)[acts][scored].sum()),
        }
        evidence, spoken = evidence_of(task, trial), acts & (chosen != NO_CHOICE)
        if evidence is not None and spoken.any():
            part = evidence._replace(values=evidence.values[spoken])
            curve = psychometric_of(part, Answers(answers.score[spoken], chosen[spoken]))
            if curve is not None:
                bias, width = curve.bias, curve.width
    fractions = {which: _fraction(count, n) for which, count in counts.items()}
    both: dict[str, Any] = {which: value for which, (value, _) in fractions.items()}
    both |= {f"{which}_ci": interval for which, (_, interval) in fractions.items()}
    accuracy, accuracy_ci = _fraction(float(score[scored].sum()), n)
    return PerturbationEffect(
        name=name,
        dose=dose,
        n_trials=n,
        **both,
        accuracy=accuracy,
        accuracy_ci=accuracy_ci,
        worst=float(np.nanmin(by_condition.mean)) if n else float("nan"),
        bias=bias,
        width=width,
        mean_rate=float(rates[np.asarray(trial.inside) & acts].mean()),
    )


def _fraction(count: float, n: int) -> tuple[float, tuple[float, float]]:
    """Return a fraction of n trials, and its interval."""
    if not n or np.isnan(count):
        return float("nan"), (float("nan"), float("nan"))
    low, high = wilson(np.array(count), np.array(n)).tolist()
    return count / n, (low, high)
