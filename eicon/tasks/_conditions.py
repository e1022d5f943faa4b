"""Completion of partially given conditions."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def completed(task: Any, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Complete the conditions of trials from the task's grid; each (B,), including ``catch``.

    A missing condition is filled in if all matching conditions of the grid agree on it. A given value that is in the
    grid matches only itself; any other value matches the nearest ones on either side, or, for evidence with a known
    neutral value, all evidence for the same choice.

    Raises
    ------
    ValueError
        See `Task.trials_of`.
    """
    kind, grid = type(task).__name__, {name: np.asarray(values) for name, values in task.condition_grid().items()}
    if unknown := sorted(given.keys() - grid.keys() - {"catch"}):
        raise ValueError(
            f"{kind} has no condition {', '.join(unknown)}; its conditions are {', '.join(grid)} and catch."
        )
    values = {name: _read(task, name, grid.get(name, np.zeros(1, bool)), value) for name, value in given.items()}
    if values.get("catch", np.zeros(1, bool)).any() and not task.catch_probability:
        raise ValueError(f"{kind} has no catch trials; got catch=True.")
    try:
        arrays = np.broadcast_arrays(*values.values(), np.zeros(1))
    except ValueError:
        sizes = ", ".join(f"{name} {value.size}" for name, value in values.items())
        raise ValueError(f"conditions must have one value, or one for each trial; got {sizes}.") from None
    whole = dict(zip(values, arrays, strict=False))
    whole.setdefault("catch", np.zeros(arrays[-1].shape, bool))
    shown = {name: value for name, value in whole.items() if name != "catch"}
    evidence = None if task.evidence is None else task.evidence[0]
    like = {
        name: _alike(value, grid[name], task.neutral if name == evidence else math.nan) for name, value in shown.items()
    }
    rows = _all(like, arrays[-1].size, task.n_conditions)
    for name in grid:
        side = shown[evidence] - task.neutral if name == "choice" and evidence in shown else np.zeros(1)
        if name not in shown and np.abs(side).min() > 0:
            whole[name] = (side < 0).astype(grid[name].dtype)
        elif name not in shown:
            whole[name] = _agreed(kind, name, grid[name], rows, shown)
        elif grid[name].dtype.kind in "biu" and len(shown) > 1:
            others = {other: value for other, value in shown.items() if other != name}
            _refuse_contradiction(name, grid[name], _all({o: like[o] for o in others}, *rows.shape), shown)
    return {name: whole[name] for name in (*grid, "catch")}


def _read(task: Any, name: str, levels: np.ndarray, given: Any) -> np.ndarray:
    """Convert values of a condition (n,) to the type of the grid."""
    kind, values = type(task).__name__, np.atleast_1d(np.asarray(given))
    if values.ndim != 1 or not values.size or values.dtype.kind not in "biuf" or not np.isfinite(values).all():
        raise ValueError(
            f"{name} must be finite numbers, one for all trials or one for each (B,); got {np.asarray(given)!r}."
        )
    if name == "catch":
        levels = np.array([False, True])
    nearest = levels[np.abs(values[:, None].astype(float) - levels[None].astype(float)).argmin(axis=1)]
    known = np.isclose(values.astype(float), nearest.astype(float), rtol=1e-5, atol=0)
    off = values[~known]
    if not off.size:
        return nearest
    distinct = np.unique(levels)
    low, high = (distinct[0], distinct[-1])
    if levels.dtype.kind in "biu" or task.n_conditions == 1:
        few = ", ".join(f"{level:g}" for level in distinct.astype(float)[:12]) + (", ..." if distinct.size > 12 else "")
        raise ValueError(f"{name} must be one of {few} in this {kind}; got {off[0]:g}.")
    if task.evidence is not None and name == task.evidence[0]:
        low, high = task.evidence_range
    if not ((low <= off) & (off <= high)).all():
        raise ValueError(f"{name} must lie in [{low:g}, {high:g}] in this {kind}; got {off[0]:g}.")
    return np.where(known, nearest, values).astype(levels.dtype)


def _alike(values: np.ndarray, levels: np.ndarray, neutral: float) -> np.ndarray:
    """Return whether each condition of the grid matches the given value of each trial, (B, n_conditions)."""
    if math.isfinite(neutral):
        same, side = levels[None] == values[:, None], np.sign(values - neutral)[:, None]
        same_side = (np.sign(levels - neutral)[None] == side) | (side == 0)
        return np.where(same.any(axis=1, keepdims=True), same, same_side)
    distinct = np.unique(levels)
    above = np.minimum(np.searchsorted(distinct, values), distinct.size - 1)
    below = np.maximum(np.searchsorted(distinct, values, side="right") - 1, 0)
    return (levels[None] == distinct[above][:, None]) | (levels[None] == distinct[below][:, None])


def _all(like: Mapping[str, np.ndarray], n_trials: int, n_conditions: int) -> np.ndarray:
    return np.logical_and.reduce([np.ones((n_trials, n_conditions), bool), *like.values()])


def _agreed(kind: str, name: str, levels: np.ndarray, rows: np.ndarray, given: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the value on which all conditions that match a trial agree, (B,)."""
    first = levels[rows.argmax(axis=1)]
    sure = rows.any(axis=1) & (~rows | (levels[None] == first[:, None])).all(axis=1)
    if sure.all():
        return first
    asked = _words(given, int((~sure).argmax()))
    why = f"does not follow from {asked}" if asked else "is not given"
    few = ", ".join(f"{level:g}" for level in np.unique(levels).astype(float)[:12])
    raise ValueError(f"{name} {why} in {kind}: specify it as well, e.g. {name}={levels[0].item():g} (levels: {few}).")


def _refuse_contradiction(name: str, levels: np.ndarray, rows: np.ndarray, given: Mapping[str, np.ndarray]) -> None:
    """Reject a value that contradicts all conditions matching the other values of its trial."""
    possible = (rows & (levels[None] == given[name][:, None])).any(axis=1) | ~rows.any(axis=1)
    if possible.all():
        return
    trial = int((~possible).argmax())
    right = ", ".join(f"{level:g}" for level in np.unique(levels[rows[trial]]).astype(float))
    others = {other: values for other, values in given.items() if other != name}
    raise ValueError(f"{name} is {right} for {_words(others, trial)}; got {float(given[name][trial]):g}.")


def _words(given: Mapping[str, np.ndarray], trial: int) -> str:
    return ", ".join(f"{name} {float(values[trial]):g}" for name, values in given.items())
