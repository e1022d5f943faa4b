"""Dimensions of activity: linear ones, those reproduced over trials, and those of a curved set."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numpy.typing import ArrayLike
from scipy import linalg
from scipy.spatial import distance

from .._key import as_generator
from .._numbers import whole
from ._arrays import Rates, as_labels, as_mask, as_rates, steps_of
from ._pca import condition_average, pca

_FEWEST = 20  # fewest points for an estimate of the intrinsic dimension
_KEPT = 0.9  # fraction of the ratios of distances: the largest ones depart from the law (Facco et al.)


class Dimensionality(NamedTuple):
    """Dimensions of rates, counted in three ways.

    Attributes
    ----------
    participation_ratio : float
        ``(sum l)^2 / sum l^2`` over the eigenvalues l of the covariance of all samples.
    n_90, n_95, n_99 : int
        Fewest principal components that explain 90, 95 and 99 % of the variance of all samples, noise included.
    explained_ratio : (M,) float
        Fraction of the variance of each component, descending.
    n_signal : int or None
        The number k of components for which `split_error` is least: those of the averages of half of the trials whose
        signal exceeds their remaining noise. 0 if nothing is reproduced; None without conditions.
    split_error : (K + 1,) float
        ``|X2 - X1 U_k U_k^T|^2 / |X2|^2`` for k = 0, 1, ... K, where X1 and X2 are averages per condition of halves of
        the trials and U_k the first k components of X1; the mean over splits. Empty without conditions.
    two_nn : float
        Intrinsic dimension of the set of states, curved or not; NaN with fewer than 20 distinct states.
    n_points : int
        Number of distinct states that enter `two_nn`.
    """

    participation_ratio: float
    n_90: int
    n_95: int
    n_99: int
    explained_ratio: Float[np.ndarray, "M"]
    n_signal: int | None
    split_error: Float[np.ndarray, "K1"]
    two_nn: float
    n_points: int


def dimensionality(
    rates: Rates,
    *,
    conditions: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    n_splits: int | float = 20,
    max_points: int | float = 2000,
    rng: np.random.Generator | int | float = 0,
) -> Dimensionality:
    """Count the dimensions of rates.

    Parameters
    ----------
    rates : (T, B, N) array
        Firing rates, time-major.
    conditions : (B,) array, optional
        Trials with the same label are repeats that differ by noise only; at least two of each.
    mask : (T, B) array of bool or 0/1, optional
        Steps that count; padded steps are False.
    n_splits : int
        Number of random splits of the trials into halves.
    max_points : int
        Maximum number of states, drawn at random, that enter `two_nn`, whose cost is quadratic. For few, finely sampled
        smooth trajectories, the neighbours of a state are the steps before and after it, at nearly equal distances,
        which looks like a high dimension: draw fewer, so that the states lie apart in time.
    rng : numpy Generator or int
        Source of splits and of the draw, or its seed.

    Returns
    -------
    Dimensionality

    Raises
    ------
    ValueError
        If shapes do not match, rates do not vary or are not finite, a condition has one trial, or an option is out of
        range.

    Notes
    -----
    Participation ratio: Gao et al. (2017), bioRxiv 214262. Noise adds variance in all directions, so that the counts
    of components grow with it; the split halves, as in the cross-validated components of Stringer et al. (2019), Nature
    571:361, detect only what is reproduced. A component is counted when it helps to predict one half from the other, so
    more trials uncover more of them. `two_nn`: Facco, d'Errico, Rodriguez & Laio (2017), Sci Rep 7:12140. For points of
    locally even density in d dimensions the ratio mu of the distances to the second and to the first neighbour has
    ``P(mu > m) = m^-d``; d is the slope through the origin of ``-log P`` on ``log mu``, without the largest 10 %.

    Examples
    --------
    >>> import numpy as np
    >>> angle = np.random.default_rng(0).uniform(0, 2 * np.pi, (50, 4))
    >>> result = dimensionality(np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=2))
    >>> round(result.participation_ratio), result.n_99, round(result.two_nn)
    (2, 2, 1)
    """
    values = as_rates(rates)
    included = as_mask("mask", steps_of(rates, mask), (values.shape[0], values.shape[1]))
    n_splits, max_points = whole(n_splits, "`n_splits`"), whole(max_points, "`max_points`")
    if n_splits < 1 or max_points < _FEWEST:
        raise ValueError(f"`n_splits` must be >= 1 and `max_points` >= {_FEWEST}; got {n_splits} and {max_points}.")
    components = pca(values, mask=included, n_components=1)
    generator = as_generator(rng, "`rng`")
    error = np.zeros(0)
    if conditions is not None:
        labels = as_labels("conditions", conditions, values.shape[1], shape=values.shape)
        error = np.mean([_split_error(values, labels, included, generator) for _ in range(n_splits)], axis=0)
    states = np.unique(values[included], axis=0)
    if len(states) > max_points:
        states = states[generator.choice(len(states), max_points, replace=False)]
    return Dimensionality(
        components.participation_ratio,
        components.n_for(0.90),
        components.n_for(0.95),
        components.n_for(0.99),
        components.explained_ratio,
        None if conditions is None else int(np.argmin(error)),
        error,
        _two_nn(states),
        len(states),
    )


def _split_error(
    values: Float[np.ndarray, "T B N"],
    labels: Shaped[np.ndarray, "B"],
    included: Bool[np.ndarray, "T B"],
    generator: np.random.Generator,
) -> Float[np.ndarray, "K1"]:
    """Return the squared error for one half of the trials, both ways, by the number of components of the other half."""
    half = np.zeros(labels.size, dtype=int)  # 0: left out where the number of trials is odd
    for level in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == level))
        size = members.size // 2
        if not size:
            raise ValueError(
                f"every condition needs at least 2 trials; got 1 of {level}. "
                "Separating noise from signal takes repeats: label the trials by what was shown, not one by one."
            )
        half[members[:size]], half[members[size : 2 * size]] = 1, 2
    first, second = (
        condition_average(values[:, half == part], labels[half == part], included[:, half == part]).average.reshape(
            -1, values.shape[2]
        )
        for part in (1, 2)
    )
    known = np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
    if known.sum() < 2:
        raise ValueError("`mask` must leave at least 2 steps in both halves of the trials; got fewer.")
    first, second = first[known] - first[known].mean(axis=0), second[known] - second[known].mean(axis=0)
    return (_prediction_error(first, second) + _prediction_error(second, first)) / 2


def _prediction_error(first: Float[np.ndarray, "S N"], second: Float[np.ndarray, "S N"]) -> Float[np.ndarray, "K1"]:
    """``|X2 - X1 U_k U_k^T|^2 / |X2|^2`` for all k."""
    directions = linalg.svd(first, full_matrices=False)[2].T
    ours, theirs = first @ directions, second @ directions
    total = np.sum(second**2)
    change = np.sum(ours**2 - 2.0 * ours * theirs, axis=0)
    return 1.0 + np.concatenate([[0.0], np.cumsum(change)]) / (total if total > 0.0 else 1.0)


def _two_nn(states: Float[np.ndarray, "n N"]) -> float:
    if len(states) < _FEWEST:
        return np.nan
    ratios = np.empty(len(states))
    for start in range(0, len(states), 500):  # in blocks, as all distances together may be large
        lengths = np.partition(distance.cdist(states[start : start + 500], states), (0, 1, 2), axis=1)
        ratios[start : start + 500] = lengths[:, 2] / lengths[:, 1]  # 0 is the distance to the state itself
    kept = int(_KEPT * ratios.size)
    x = np.log(np.sort(ratios)[:kept])
    y = -np.log1p(-np.arange(1, kept + 1) / ratios.size)
    return float(np.sum(x * y) / np.sum(x**2)) if x[-1] > 0.0 else np.nan
