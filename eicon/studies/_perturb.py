"""What becomes of the behaviour when units are silenced or driven, or projections cut."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np

from .. import analysis
from .._key import as_key
from ..models import Cut, Drive, RateRNN, Silence
from ..models._perturbation import Perturbation
from ..tasks import NO_CHOICE, Task, Trial
from ..tasks._check import check_task
from ._responses import Answers, behaviour_of, evidence_of, psychometric_of, rows_of


class PerturbationEffect(NamedTuple):
    """Behaviour under a perturbation, on the same trials and with the same noise as without.

    Attributes
    ----------
    name : of the perturbation; "none" comes first
    accuracy, worst : mean score, and that in the condition in which it is lowest
    changed : fraction of trials whose choice differs from that without perturbation; NaN in tasks without a choice
    no_choice : fraction of trials without a choice; NaN likewise
    bias, width : of the psychometric curve, in the unit of the task's evidence; NaN in tasks without, or if the fit
        does not exist
    mean_rate : over units, and steps inside of the trials
    """

    name: str
    accuracy: float
    worst: float
    changed: float
    no_choice: float
    bias: float
    width: float
    mean_rate: float


def perturbation_effects(
    net: RateRNN,
    task: Task,
    perturbations: Mapping[str, Sequence[Perturbation]],
    *,
    repeats: int | float = 50,
    key: jax.Array | int,
) -> list[PerturbationEffect]:
    """Behaviour of a network without and with each of some perturbations.

    Parameters
    ----------
    net : RateRNN
    task : Task
    perturbations : mapping of str to sequence of Perturbation
        Those of one name act together.
    repeats : int
        Trials per condition.
    key : jax.Array
        Fixes trials and noise, the same for all.

    Raises
    ------
    ValueError
        As `RateRNN.perturb`.
    """
    check_task(task)
    key_trial, key_noise = jax.random.split(as_key(key))
    trial = task.trials(repeats, key=key_trial)
    before: np.ndarray | None = None
    effects = []
    for name, several in {"none": (), **perturbations}.items():
        activity = net.perturb(trial, *several, key=key_noise)
        behaviour = behaviour_of(task, activity.outputs, trial)
        before = behaviour.choice if name == "none" else before
        effects.append(_effect(name, task, trial, behaviour, np.asarray(activity.rates), before))
    return effects


def parse_perturbation(kind: str, text: str, epoch: str | None) -> Perturbation:
    """Perturbation in words, as the command line takes it.

    Parameters
    ----------
    kind : {"silence", "drive", "cut"}
    text : str
        Units for silence, ``UNITS:CURRENT`` for drive, ``UNITS>UNITS`` for cut; units are a type (``I``), labels
        (``area=motor,type=E``) or indices (``0,5,7``).
    epoch : str, optional

    Raises
    ------
    ValueError
        If the text cannot be read.
    """
    if kind == "silence":
        return Silence(_units(text), epoch)
    if kind == "drive":
        units, colon, current = text.rpartition(":")
        try:
            return Drive(_units(units), float(current) if colon else float("nan"), epoch)
        except ValueError as error:
            raise ValueError(f"a drive is UNITS:CURRENT, e.g. E:0.5; got {text!r}.") from error
    source, arrow, target = text.partition(">")
    if not arrow:
        raise ValueError(f"a cut is UNITS>UNITS, e.g. 'area=sensory>area=motor'; got {text!r}.")
    return Cut(_units(source), _units(target), epoch)


def _units(text: str) -> str | dict[str, str] | list[int]:
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


def _effect(
    name: str,
    task: Task,
    trial: Trial,
    behaviour: Answers,
    rates: np.ndarray,
    before: np.ndarray | None,
) -> PerturbationEffect:
    by_condition = analysis.behaviour.accuracy_by_condition(behaviour.score, rows_of(task, trial))
    chosen, inside = behaviour.choice, np.asarray(trial.inside)
    bias = width = changed = no_choice = float("nan")
    if chosen is not None and before is not None:
        changed, no_choice = float(np.mean(chosen != before)), float(np.mean(chosen == NO_CHOICE))
        evidence = evidence_of(task, trial)
        curve = None if evidence is None else psychometric_of(evidence, behaviour)
        if curve is not None:
            bias, width = curve.bias, curve.width
    return PerturbationEffect(
        name=name,
        accuracy=float(np.nanmean(behaviour.score)),
        worst=float(np.nanmin(by_condition.mean)),
        changed=changed,
        no_choice=no_choice,
        bias=bias,
        width=width,
        mean_rate=float(rates[inside].mean()),
    )
