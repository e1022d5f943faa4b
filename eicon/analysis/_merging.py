"""Merging of similar units: pair by pair, or as clusters."""

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster import hierarchy
from scipy.spatial import distance

SIMILARITIES = ("pca", "correlation")


def unit_distances(
    samples: Float[np.ndarray, "K N"], similarity: str, n_components: int, kind: Int[np.ndarray, "N"]
) -> Float[np.ndarray, "N N"]:
    """Compute the dissimilarity of the activities of all pairs of units, (N, N).

    "pca": distance between the units' loadings on the first principal components (scaled by the components'
    standard deviations); "correlation": ``1 - correlation`` (0 with a silent unit). Units of different kinds are
    farther from each other than any two of the same kind.
    """
    if similarity == "pca":
        _, values, axes = np.linalg.svd(samples, full_matrices=False)
        apart = distance.squareform(distance.pdist(axes[:n_components].T * values[:n_components]))
    else:
        norm = np.linalg.norm(samples, axis=0)
        scaled = samples / np.where(norm > 0, norm, 1.0)
        apart = 1.0 - scaled.T @ scaled
    apart = np.where(kind[:, None] == kind[None], apart, 10.0 * apart.max() + 1.0)
    apart = (apart + apart.T) / 2
    np.fill_diagonal(apart, 0.0)
    return apart


def merge_pairs(apart: Float[np.ndarray, "N N"], strength: Float[np.ndarray, "N"], size: int) -> Int[np.ndarray, "N"]:
    """Merge the two most similar remaining units repeatedly; the stronger of the two stays.

    Returns
    -------
    winner : (N,) the unit that each unit was merged into (itself, if it stays)
    """
    apart = apart.copy()
    np.fill_diagonal(apart, np.inf)
    winner = np.arange(len(apart))
    for _ in range(len(apart) - size):
        first, second = np.unravel_index(np.argmin(apart), apart.shape)
        loser, stays = (first, second) if strength[first] < strength[second] else (second, first)
        winner[winner == loser] = stays
        apart[loser], apart[:, loser] = np.inf, np.inf
    return winner


def clusters(apart: Float[np.ndarray, "N N"], strength: Float[np.ndarray, "N"], size: int) -> Int[np.ndarray, "N"]:
    """Cluster units (average linkage), and return for each unit the most central unit of its cluster, (N,).

    Among equally central units, such as both of a pair, the stronger one is taken.
    """
    tree = hierarchy.linkage(distance.squareform(apart, checks=False), "average")
    labels = hierarchy.cut_tree(tree, n_clusters=size)[:, 0]
    winner = np.empty(len(labels), np.intp)
    for label in range(size):
        members = np.flatnonzero(labels == label)
        members = members[np.argsort(-strength[members], kind="stable")]
        winner[members] = members[apart[np.ix_(members, members)].sum(axis=1).argmin()]
    return winner
