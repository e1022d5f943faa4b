"""Connection strength among units that prefer the same choice (Song, Yang & Wang 2016, fig. 2)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from .._key import as_generator
from .._numbers import real, whole
from ._arrays import as_excitatory, in_order, numbers, plain, require_finite


class ChoiceClustering(NamedTuple):
    """Recurrent weights between selective units, by their preferences.

    Attributes
    ----------
    excitatory : mean weight E -> E between units of the same preference, divided by that of opposite preference
    inhibitory : mean weight I -> E onto the same preference, divided by that onto the opposite one
    n_selective : (E, I) numbers of units compared: those with ``|d'|`` at or above the threshold, or `selective`
    means : (2, 2) mean moduli of the weights; rows E -> E and I -> E, columns same and opposite preference
    p_excitatory : probability of a difference same - opposite this high in E -> E if preferences were unrelated to
        weights, ``(1 + #{shuffled >= found}) / (1 + n_permutations)``; NaN without permutations
    p_inhibitory : probability of a difference this low in I -> E

    Above 1 for excitation, two populations support themselves; below 1 for inhibition, each suppresses
    the other. NaN where a group is empty or its weights are all zero.
    """

    excitatory: float
    inhibitory: float
    n_selective: tuple[int, int]
    means: Float[np.ndarray, "2 2"]
    p_excitatory: float
    p_inhibitory: float


class SignedClustering(NamedTuple):
    """Signed weights among selective units of one type, or of a network without types, by their preferences.

    Attributes
    ----------
    difference : float
        Mean weight between units of the same preference minus that between units of opposite preference, in standard
        deviations of the weights between different selective units; NaN if fewer than two units prefer one of the
        choices, or all weights are the same.
    p_value : float
        Probability of a difference this high if preferences were unrelated to weights,
        ``(1 + #{shuffled >= found}) / (1 + n_permutations)``; NaN likewise.
    """

    difference: float
    p_value: float


def choice_clustering(
    weights: ArrayLike,
    d_prime: ArrayLike,
    excitatory: ArrayLike,
    *,
    threshold: float = 0.5,
    selective: ArrayLike | None = None,
    n_permutations: int | float = 0,
    rng: np.random.Generator | int | float | None = None,
) -> ChoiceClustering:
    """Compare weights within and between the two groups of choice-selective units.

    Parameters
    ----------
    weights : array, shape (N, N)
        Effective recurrent weights ``[pre, post]``.
    d_prime : array, shape (N,)
        Selectivity d' of each unit, such as `Selectivity.d_prime`.
    excitatory : bool array, shape (N,)
    threshold : float
        Units with ``|d'|`` below it are left out. The threshold is not a test: see `selectivity`.
    selective : (N,) bool array, optional
        Units that are compared instead of those beyond the threshold, such as ``selectivity(...).p_value < 0.05``.
    n_permutations : int
        Number of shuffles of the preferences, among the selective E units and among the selective I units, for the
        p-values.
    rng : numpy Generator or int, optional
        Source of the shuffling, or its seed; needed with permutations.

    Raises
    ------
    ValueError
        If shapes do not match, or permutations have no `rng`.

    Examples
    --------
    >>> w = np.array([[0.0, 3.0, 1.0], [3.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    >>> choice_clustering(w, [2.0, 2.0, -2.0], [True, True, True]).excitatory
    3.0
    """
    w, d = _weights_and_preferences(weights, d_prime)
    w, e = np.abs(w), as_excitatory(excitatory, d.size)
    if e is None:
        raise ValueError("`excitatory` must be bools (N,); got None. Without types, use `signed_clustering`.")
    n_permutations = whole(n_permutations, "`n_permutations`")
    if n_permutations < 0 or (n_permutations > 0 and rng is None):
        raise ValueError(
            f"`n_permutations` must be >= 0, and > 0 only with `rng`; got {n_permutations} and {rng}. "
            "Pass a seed, so that the p-values are reproducible."
        )
    compared = _compared(d, threshold, selective)
    targets, others = np.flatnonzero(e & compared), np.flatnonzero(~e & compared)
    preference = np.sign(d)
    means = np.stack([_means(w, source, targets, preference) for source in (targets, others)])
    ratio_e, ratio_i = (float(same / opposite) if opposite > 0 else np.nan for same, opposite in means)
    p_values = [np.nan, np.nan]
    if n_permutations:
        found = means[:, 0] - means[:, 1]
        shuffled = _shuffled(w, targets, others, preference, n_permutations, as_generator(rng, "`rng`"))
        for row, sign in ((0, 1.0), (1, -1.0)):
            if np.isfinite(found[row]):
                # Rounding must not separate equal values.
                margin = 1e-12 * np.abs(means[row]).max()
                extreme = np.count_nonzero(sign * (shuffled[:, row] - found[row]) >= -margin)
                p_values[row] = (1 + extreme) / (1 + n_permutations)
    return ChoiceClustering(ratio_e, ratio_i, (targets.size, others.size), means, p_values[0], p_values[1])


def signed_clustering(
    weights: ArrayLike,
    d_prime: ArrayLike,
    *,
    rng: np.random.Generator | int | float,
    threshold: float = 0.5,
    selective: ArrayLike | None = None,
    n_permutations: int | float = 999,
) -> SignedClustering:
    """Compare signed weights within and between the two groups of choice-selective units, whatever their types.

    `choice_clustering` compares moduli by type; this function also suits networks without Dale's law, where the same
    preference may go with more positive weights and opposite preferences with more negative ones.

    Parameters
    ----------
    weights : array, shape (N, N)
        Effective recurrent weights ``[pre, post]`` among the units that are compared, such as the excitatory ones.
    d_prime : array, shape (N,)
        Selectivity d' of each unit, such as `Selectivity.d_prime`.
    rng : numpy Generator or int
        Source of the shuffling, or its seed.
    threshold : float
        Units with ``|d'|`` below it are left out. The threshold is not a test: see `selectivity`.
    selective : (N,) bool array, optional
        Units that are compared instead of those beyond the threshold, such as ``selectivity(...).p_value < 0.05``.
    n_permutations : int
        Number of shuffles of the preferences among the selective units.

    Returns
    -------
    SignedClustering

    Raises
    ------
    ValueError
        If shapes do not match, or there is no permutation.

    Examples
    --------
    >>> preference = np.repeat([1.0, -1.0], 4)
    >>> w = np.outer(preference, preference) + np.random.default_rng(0).normal(size=(8, 8))
    >>> result = signed_clustering(w, preference, rng=0)
    >>> round(result.difference, 1), result.p_value < 0.05
    (1.6, True)
    """
    w, d = _weights_and_preferences(weights, d_prime)
    n_permutations, generator = whole(n_permutations, "`n_permutations`"), as_generator(rng, "`rng`")
    if n_permutations < 1:
        raise ValueError(f"`n_permutations` must be at least 1 (999 is typical); got {n_permutations}.")
    compared = np.flatnonzero(_compared(d, threshold, selective))
    side = np.sign(d[compared])
    among = w[np.ix_(compared, compared)]
    off = ~np.eye(compared.size, dtype=bool)
    if min((side > 0).sum(), (side < 0).sum()) < 2 or not (spread := float(among[off].std())) > 0:
        return SignedClustering(np.nan, np.nan)

    def difference(sides: np.ndarray) -> float:
        same = sides[:, None] == sides
        return float(among[same & off].mean() - among[~same].mean()) / spread

    found = difference(side)
    shuffled = np.array([difference(generator.permutation(side)) for _ in range(n_permutations)])
    # Rounding must not separate equal values.
    p_value = (1 + np.count_nonzero(shuffled >= found - 1e-9)) / (1 + n_permutations)
    return SignedClustering(found, float(p_value))


def _weights_and_preferences(
    weights: ArrayLike, d_prime: ArrayLike
) -> tuple[Float[np.ndarray, "N N"], Float[np.ndarray, "N"]]:
    w, d = numbers("weights", in_order(weights)), numbers("d_prime", d_prime)
    if d.ndim != 1 or w.shape != (d.size, d.size):
        raise ValueError(f"`weights` must be (N, N) and `d_prime` (N,) of the same N; got {w.shape} and {d.shape}.")
    require_finite("weights", w)
    return w, d


def _compared(d: Float[np.ndarray, "N"], threshold: float, selective: ArrayLike | None) -> Bool[np.ndarray, "N"]:
    """Select the units to compare; those without a preference belong to neither side."""
    sided = (d != 0) & ~np.isnan(d)
    if selective is None:
        if not real(threshold, "`threshold`") >= 0.0:
            raise ValueError(f"`threshold` must be >= 0, a bound on |d'|; got {threshold}.")
        return sided & (np.abs(d) >= threshold)
    given = plain("selective", selective)
    if given.dtype != np.bool_ or given.shape != d.shape:
        raise ValueError(
            f"`selective` must be bools (N,) = {d.shape}; got {given.dtype}, shape {given.shape}. "
            "From probabilities, pass p_value < 0.05."
        )
    return given & sided


def _means(
    w: Float[np.ndarray, "N N"], sources: np.ndarray, targets: np.ndarray, preference: Float[np.ndarray, "N"]
) -> Float[np.ndarray, "2"]:
    """Mean weight between units of the same and of opposite preference, without self-connections."""
    block = w[np.ix_(sources, targets)]
    pairs: Bool[np.ndarray, "s t"] = sources[:, None] != targets[None, :]
    same = preference[sources][:, None] == preference[targets][None, :]
    return np.array([block[pairs & group].mean() if (pairs & group).any() else np.nan for group in (same, ~same)])


def _shuffled(
    w: Float[np.ndarray, "N N"],
    excitatory: np.ndarray,
    inhibitory: np.ndarray,
    preference: Float[np.ndarray, "N"],
    n_permutations: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "R 2"]:
    """Difference same - opposite of E -> E and I -> E with preferences shuffled within both types."""
    result = np.empty((n_permutations, 2))
    for row in result:
        mixed = preference.copy()
        for group in (excitatory, inhibitory):
            mixed[group] = rng.permutation(preference[group])
        for column, sources in enumerate((excitatory, inhibitory)):
            same, opposite = _means(w, sources, excitatory, mixed)
            row[column] = same - opposite
    return result
