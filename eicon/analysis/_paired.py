"""Comparison of paired values by the mean difference, with an exact interval and test."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from .._key import as_generator
from ._arrays import as_vector

MOST_EXACT = 16
"""Largest number of pairs for which all subsets are used."""
N_DRAWN = 9_999
"""Number of subsets, and of changes of signs, drawn for more pairs."""
LEVEL = 0.95


class PairedDifference(NamedTuple):
    """Mean difference of pairs; n pairs.

    Attributes
    ----------
    difference : float
        Mean of the first minus the second.
    ci : (2,) float
        Interval of the difference, lower and upper; NaN with fewer than two pairs.
    level : float
        Coverage of the interval: at least .95, or ``1 - 2 ** (1 - n)`` with fewer than six pairs, the most that these
        allow.
    p : float
        Two-sided probability of a mean difference of at least this size if the signs of the differences
        were random. The smallest value possible is ``2 ** (1 - n)`` with up to 16 pairs, and 1e-4 with more.
    differences : (n,) float
        Difference of each pair.
    n : int
        Number of pairs.
    n_left_out : int
        Number of pairs with one or both values missing.
    """

    difference: float
    ci: Float[np.ndarray, "2"]
    level: float
    p: float
    differences: Float[np.ndarray, "n"]
    n: int
    n_left_out: int


def paired_difference(
    first: ArrayLike, second: ArrayLike, *, rng: np.random.Generator | int | float = 0
) -> PairedDifference:
    """Compute the mean difference of pairs, with an exact interval and an exact test.

    Parameters
    ----------
    first, second : (B,) array
        Values of both members of each pair, e.g. accuracies of networks on a connectome and on a null model, with the
        same seeds and settings. NaN leaves a pair out.
    rng : numpy Generator or int
        Source of the draws with more than 16 pairs, or its seed.

    Returns
    -------
    PairedDifference

    Raises
    ------
    ValueError
        If the lengths differ, or no pair is left.

    Notes
    -----
    The test changes the signs of the differences (Fisher 1935), all :math:`2^n` times, or, with more than 16 pairs,
    at random: ``p = (1 + #{null >= value}) / (1 + number drawn)``. The limits of the interval are those differences
    that this test would not reject; they are order statistics of the means of all subsets of the pairs, or of subsets
    drawn at random (Hartigan 1969, J Am Stat Assoc 64:1303). Both are exact for differences that are symmetric about
    their mean, as between two exchangeable runs, however few there are.

    Examples
    --------
    >>> result = paired_difference([0.9, 0.8, 0.85, 0.9, 0.7, 0.8], [0.8, 0.75, 0.7, 0.8, 0.65, 0.7])
    >>> round(result.difference, 4), result.p, [round(float(end), 3) for end in result.ci]
    (0.0917, 0.03125, [0.05, 0.15])
    """
    one, other = as_vector("first", first), as_vector("second", second)
    if one.shape != other.shape:
        raise ValueError(f"`first` and `second` must have one value per pair; got {one.size} and {other.size} values.")
    differences = one - other
    known = differences[np.isfinite(differences)]
    n = known.size
    if not n:
        raise ValueError("no pair has two finite values; runs that diverged, or are missing, leave no pair.")
    sums, sizes = _subsets(known, as_generator(rng, "`rng`"))
    mean = float(known.mean())
    p = _p(known, sums)
    left_out = differences.size - n
    if n == 1:
        return PairedDifference(mean, np.full(2, np.nan), float("nan"), p, known, n, left_out)
    means = np.sort(sums / sizes)
    total = means.size + 1
    k = max(1, int((1 - LEVEL) / 2 * total))
    ci = np.array([means[k - 1], means[total - k - 1]])
    return PairedDifference(mean, ci, 1 - 2 * k / total, p, known, n, left_out)


def _subsets(
    differences: Float[np.ndarray, "n"], rng: np.random.Generator
) -> tuple[Float[np.ndarray, "S"], Float[np.ndarray, "S"]]:
    """Return sums and sizes of non-empty subsets: all of them, or a random sample."""
    n = differences.size
    if n <= MOST_EXACT:
        members = (np.arange(1, 2**n)[:, None] >> np.arange(n)) & 1
    else:
        members = rng.integers(0, 2, (N_DRAWN, n))
        members[~members.any(axis=1)] = 1
    return members @ differences, members.sum(axis=1).astype(np.float64)


def _p(differences: Float[np.ndarray, "n"], sums: Float[np.ndarray, "S"]) -> float:
    """Return p; changing all signs but a subset's turns the sum into twice the subset's sum minus the sum of all."""
    total = differences.sum()
    slack = 1e-9 * np.abs(differences).sum()  # sums of the same numbers in a different order count as equal
    extreme = np.abs(2 * sums - total) >= abs(total) - slack
    if differences.size <= MOST_EXACT:  # the empty subset changes all signs, which is as extreme
        return float((np.count_nonzero(extreme) + 1) / 2**differences.size)
    return float((1 + np.count_nonzero(extreme)) / (1 + sums.size))
