"""Behaviour of a network for the explorer: choices against evidence, and scores and times of conditions."""

from typing import Any

import numpy as np

from .._files import without_nan
from ..runs._sections import MOST_CURVES, sections_of
from ..studies._responses import (
    Answers,
    Condition,
    Responses,
    behaviour_of,
    evidence_of,
    level_name,
    psychometric_of,
    sorted_by,
)
from ._explore_conditions import Conditions

FIT_POINTS = 60


def behaviour(given: Responses, conditions: Conditions) -> dict[str, Any]:
    """Return scores of all conditions, and `choice_curves` and times if the task has them, JSON-compatible."""
    task, trial = given.task, given.trial
    found = behaviour_of(task, given.activity.outputs, trial)
    asked = {section.name for section in sections_of(task, trial, found)}
    score, n_scored = means_of(found.score, conditions)
    numbers: dict[str, Any] = {
        "accuracy": float(task.accuracy(given.activity.outputs, trial)),
        "score": score,
        "n_scored": n_scored,
        "curves": [],
        "time": None,
    }
    evidence = evidence_of(task, trial)
    if evidence is not None and "choice" in asked:
        numbers["curves"] = choice_curves(conditions, evidence, sorted_by(task, trial), found)
    if found.time is not None and "times" in asked:
        numbers["time"], numbers["n_timed"] = means_of(found.time, conditions)
    return without_nan(numbers)


def means_of(values: Any, conditions: Conditions) -> tuple[list[float], list[int]]:
    """Return means over the trials of each condition that have a value, and their numbers."""
    numbers = np.asarray(values, float)
    sums = np.bincount(conditions.of_trial, np.nan_to_num(numbers), conditions.n)
    counted = np.bincount(conditions.of_trial, ~np.isnan(numbers), conditions.n)
    mean = np.divide(sums, counted, out=np.full(conditions.n, np.nan), where=counted > 0)
    return mean.tolist(), counted.astype(int).tolist()


def choice_curves(
    conditions: Conditions, evidence: Condition, sorts: list[Condition], found: Answers
) -> list[dict[str, Any]]:
    """Make sets of psychometric curves over the evidence, named ``x``.

    A set contains a curve for each level of a condition that sorts trials (``by``), or a single curve.

    Parameters
    ----------
    conditions : Conditions
        Conditions of the page, to which the points of the curves are linked.
    evidence : Condition
    sorts : list of Condition
    found : Answers
        Answers with choices.
    """
    splits: list[Condition | None] = [
        one for one in sorts if one.name != evidence.name and np.unique(one.values).size <= MOST_CURVES
    ]
    sets = []
    for split in [*splits, None]:
        levels = [None] if split is None else list(np.unique(split.values))
        made = []
        for level in levels:
            here = np.ones(len(evidence.values), bool) if split is None else split.values == level
            label = "all trials" if split is None else f"{split.name} {level_name(level)}"
            made.append(_curve(evidence, found, here, label, conditions))
        if any(curve["x"] for curve in made):
            sets.append({"x": evidence.name, "by": None if split is None else split.name, "curves": made})
    return sets


def _curve(evidence: Condition, found: Answers, here: np.ndarray, label: str, conditions: Conditions) -> dict[str, Any]:
    """Return the points of a curve and its fit; no points if the network hardly ever chooses."""
    curve: dict[str, Any] = {"label": label, "x": [], "n": [], "p": [], "ci": [], "fit": None, "conditions": []}
    assert found.choice is not None
    part = evidence._replace(values=evidence.values[here])
    fitted = psychometric_of(part, Answers(found.score[here], found.choice[here]))
    if fitted is None:
        return curve
    curve |= {"x": fitted.levels.tolist(), "n": fitted.n.tolist(), "p": fitted.p.tolist(), "ci": fitted.ci.tolist()}
    of_trial = conditions.of_trial[here]
    curve["conditions"] = [np.unique(of_trial[part.numbers == level]).tolist() for level in fitted.levels]
    at = np.linspace(fitted.levels[0], fitted.levels[-1], FIT_POINTS)
    curve["fit"] = {
        "x": at.tolist(),
        "p": fitted.predict(at).tolist(),
        "bias": fitted.bias,
        "width": fitted.width,
        "converged": fitted.converged,
    }
    return curve
