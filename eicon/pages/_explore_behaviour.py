"""What a network does in a task, for a page: choices against evidence, and scores of conditions."""

from typing import Any

import numpy as np
from jaxtyping import Int

from .._files import without_nan
from ..analysis._psychometric import psychometric_or_none
from ..studies._responses import Responses
from ..tasks import Trial
from ._explore_conditions import Conditions, words

MOST_CURVES = 4
"""Values of a condition by which curves are told apart."""
EVIDENCE = -0.7
"""Correlation of ranks with the right choice (0 or 1) below which a value is taken for evidence for choice 0."""
FIT_POINTS = 60


def behaviour(given: Responses, conditions: Conditions) -> dict[str, Any]:
    """Scores of all conditions, and `choice_curves` where the task has two choices; JSON-compatible."""
    outputs, trial = given.activity.outputs, given.trial
    score = np.asarray(given.task.correct(outputs, trial), float)
    sums = np.bincount(conditions.of_trial, np.nan_to_num(score), conditions.n)
    scored = np.bincount(conditions.of_trial, ~np.isnan(score), conditions.n)
    right, curves = right_choice(trial), []
    if right is not None and hasattr(given.task, "choice"):
        curves = choice_curves(conditions, right, np.asarray(given.task.choice(outputs, trial)))
    mean = np.divide(sums, scored, out=np.full(conditions.n, np.nan), where=scored > 0)
    return without_nan(
        {
            "accuracy": float(given.task.accuracy(outputs, trial)),
            "score": mean.tolist(),
            "n_scored": scored.astype(int).tolist(),
            "curves": curves,
        }
    )


def right_choice(trial: Trial) -> np.ndarray | None:
    """Right choice of each trial, 0, 1, or -1 for none; None in tasks that do not ask for one of two."""
    if "choice" not in trial.conditions:
        return None
    right = np.asarray(trial.conditions["choice"])
    both = np.issubdtype(right.dtype, np.integer) and set(np.unique(right[right >= 0]).tolist()) == {0, 1}
    return right if both else None


def choice_curves(
    conditions: Conditions, right: Int[np.ndarray, "B"], chosen: Int[np.ndarray, "B"]
) -> list[dict[str, Any]]:
    """Sets of psychometric curves, each over one value ``x`` of the conditions.

    A set has a curve for each value of another condition (``by``), or a single one. Values are taken for evidence if
    the right choice changes with them.

    Parameters
    ----------
    conditions : Conditions
    right, chosen : (B,) array of int
        0, 1, or -1 for none.
    """
    values = {name: np.asarray(v, float) for name, v in conditions.values.items() if name != "choice"}
    if {"f1", "f2"} <= values.keys():
        values["f1 \N{MINUS SIGN} f2"] = values["f1"] - values["f2"]
    sets = []
    for name, value in values.items():
        x = value[conditions.of_trial]
        for split in [*(other for other in conditions.values if other not in (name, "choice")), None]:
            parts = np.zeros(conditions.n) if split is None else np.asarray(conditions.values[split])
            levels = np.unique(parts)
            members = [parts[conditions.of_trial] == level for level in levels]
            if len(levels) > MOST_CURVES or not any(_is_evidence(x[m], right[m]) for m in members):
                continue
            labels = ["all trials"] if split is None else [words((split,), [level]) for level in levels]
            made = [_curve(x[m], chosen[m], label) for m, label in zip(members, labels, strict=True)]
            for curve, level in zip(made, levels, strict=True):
                curve["conditions"] = [np.flatnonzero((value == at) & (parts == level)).tolist() for at in curve["x"]]
            if any(curve["x"] for curve in made):
                sets.append({"x": name, "by": split, "curves": made})
    return sets


def _is_evidence(x: np.ndarray, right: np.ndarray) -> bool:
    used = right >= 0
    x, right = x[used], right[used]
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(right) == 0:
        return False
    ranks = np.unique(x, return_inverse=True)[1]
    return bool(np.corrcoef(ranks, right)[0, 1] < EVIDENCE)


def _curve(x: np.ndarray, chosen: np.ndarray, label: str) -> dict[str, Any]:
    """Points of a curve and its fit; no points where the network hardly ever chooses."""
    curve: dict[str, Any] = {"label": label, "x": [], "n": [], "p": [], "ci": [], "fit": None}
    found = psychometric_or_none(x, chosen)
    if found is None:
        return curve
    curve |= {"x": found.levels.tolist(), "n": found.n.tolist(), "p": found.p.tolist(), "ci": found.ci.tolist()}
    at = np.linspace(found.levels[0], found.levels[-1], FIT_POINTS)
    curve["fit"] = {
        "x": at.tolist(),
        "p": found.predict(at).tolist(),
        "bias": found.bias,
        "width": found.width,
        "converged": found.converged,
    }
    return curve
