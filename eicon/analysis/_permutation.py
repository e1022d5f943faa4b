"""Permutations of labels between trials, under the hypothesis that they are unrelated to the activity."""

from typing import Literal

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike
from scipy import stats

from ._arrays import as_labels, levels_of

Correction = Literal["holm", "fdr"]
CORRECTIONS = ("holm", "fdr")


def group_of(name: str, groups: ArrayLike | None, n_trials: int) -> Int[np.ndarray, "B"] | None:
    """Return the number of each trial's group."""
    return None if groups is None else levels_of(as_labels(name, groups, n_trials))[1]


def is_between(index: Int[np.ndarray, "B"], groups: Int[np.ndarray, "B"] | None) -> bool:
    """Return True if all trials of each group have one label, so that labels can be exchanged only between groups."""
    return groups is not None and len(np.unique(groups)) == len(np.unique(np.stack([groups, index]), axis=1).T)


def permuted(
    index: Int[np.ndarray, "B"],
    generator: np.random.Generator,
    groups: Int[np.ndarray, "B"] | None = None,
    within: Int[np.ndarray, "B"] | None = None,
) -> Int[np.ndarray, "B"]:
    """Permute labels once.

    Without groups, labels of trials are exchanged; with groups of one label each, labels of whole groups; with groups
    of several labels, labels of trials within each group. Only trials with equal values of `within` exchange labels.
    """
    if groups is None and within is None:
        return generator.permutation(index)
    between = is_between(index, groups)
    units = np.arange(index.size) if groups is None or not between else groups
    places = np.zeros(index.size, np.int64) if within is None else within
    if groups is not None and not between:
        places = np.unique(np.stack([places, groups]), axis=1, return_inverse=True)[1].reshape(-1)
    _, first, unit = np.unique(units, return_index=True, return_inverse=True)
    labels, place = index[first], places[first]
    for one in np.unique(place):
        members = np.flatnonzero(place == one)
        labels[members] = labels[generator.permutation(members)]
    return labels[unit]


def corrected(p_values: Float[np.ndarray, "..."], correction: Correction | None) -> Float[np.ndarray, "..."]:
    """Correct probabilities for the number of tests; NaN does not count as a test."""
    if correction not in (None, *CORRECTIONS):
        raise ValueError(f"`correction` must be one of {', '.join(CORRECTIONS)}, or None; got {correction!r}.")
    known = ~np.isnan(p_values)
    if correction is None or not known.any():
        return p_values
    found = p_values.copy()
    found[known] = (_holm if correction == "holm" else stats.false_discovery_control)(p_values[known])
    return found


def _holm(p_values: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    order = np.argsort(p_values, kind="stable")
    stepped = np.maximum.accumulate(p_values[order] * np.arange(p_values.size, 0, -1))
    found = np.empty_like(p_values)
    found[order] = np.minimum(stepped, 1.0)
    return found


def shuffle_test(
    ranks: Shaped[np.ndarray, "B N"],
    index: Int[np.ndarray, "B"],
    n_permutations: int,
    generator: np.random.Generator,
    groups: Int[np.ndarray, "B"] | None,
) -> Float[np.ndarray, "N"]:
    """Compute the two-sided p of the area under the ROC curve of two labels, from the ranks of B trials."""
    labels = np.stack([index, *(permuted(index, generator, groups) for _ in range(n_permutations))])
    first = (labels == 0).astype(np.float64)
    n0 = first.sum(axis=1, keepdims=True)
    n1 = index.size - n0
    distance = np.abs((first @ ranks - n0 * (n0 + 1) / 2) / (n0 * n1) - 0.5)
    # Rounding must not separate equal values.
    extreme = (distance[1:] >= distance[0] - 1e-9).sum(axis=0)
    return np.asarray((1 + extreme) / (1 + n_permutations), np.float64)
