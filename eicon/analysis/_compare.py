"""Comparison of two networks, or of a network and data, by all similarity measures; and of many pairs by one."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike
from scipy import stats

from . import _measures as measures
from ._arrays import Rates, as_rates, steps_of
from ._pairing import Both, Permuted, both
from ._pca import pca
from ._similarity import (
    PERMUTATIONS,
    Maker,
    PrincipalAngles,
    Similarity,
    _as_units,
    judged,
    linear_cka,
    matched,
    n_components_of,
    pair_of,
    procrustes_distance,
    rsa,
    unit_angles,
)
from ._spectrum import spectrum

FRACTIONS = (0.9, 0.95, 0.99)
DIRECTIONS = 64
Overall = Literal["cka", "procrustes", "rsa"]
OVERALL = {"cka": linear_cka, "procrustes": procrustes_distance, "rsa": rsa}
NONE = Similarity(np.nan, np.zeros(0), np.nan, 0, np.nan, np.nan, np.nan, "")
"""Similarity where the input was not given."""


class Comparison(NamedTuple):
    """Similarity of two networks; in arrays with two rows, the first belongs to a, the second to b.

    Attributes
    ----------
    cka : Similarity
        Linear CKA of the rates, about 0 to 1 (see `linear_cka`).
    procrustes : Similarity
        Procrustes angle of the rates, 0 to pi/2 rad (see `procrustes_distance`).
    rsa : Similarity
        Correlation of distances between trials or conditions (see `rsa`); all NaN with fewer than three of them.
    n_angles : int
        Number k of leading components compared by `cca`, `angles` and `aligned_nrmse`.
    cca : Similarity
        Mean canonical correlation of the first k components, held out (see `cca`).
    angles : PrincipalAngles
        Principal angles between time courses of the first k components, (k,), ascending, rad (see `subspace_angles`).
    aligned_nrmse : (Similarity, Similarity)
        NRMSE of a's first k components predicted linearly from b's, and of b's from a's (see `aligned_nrmse`).
    output_nrmse : Similarity
        NRMSE of b's outputs against a's (formula: see `nrmse`); all NaN unless outputs were given.
    rate_nrmse : Similarity
        NRMSE of b's rates against those of the same units of a; all NaN unless `units` were given.
    unit_angles : PrincipalAngles or None
        Angles between the first k components in the space of the shared units; None unless `units` were given.
    participation_ratio : (2,) float
        See `PCA`.
    n_components : (2, 3) int
        Numbers of principal components for 90, 95 and 99 % of the variance.
    spectral_radius, spectral_abscissa : (2,) float
        ``max |lambda|`` and ``max Re(lambda)`` of the effective recurrent weights; NaN unless these were given.
    spectrum_distance : float
        Sliced Wasserstein-1 distance of the two clouds of eigenvalues in the complex plane: the 1-d distance of their
        projections, averaged over 64 directions. A shift by s gives ``2 s / pi``. NaN without weights.
    """

    cka: Similarity
    procrustes: Similarity
    rsa: Similarity
    n_angles: int
    cca: Similarity
    angles: PrincipalAngles
    aligned_nrmse: tuple[Similarity, Similarity]
    output_nrmse: Similarity
    rate_nrmse: Similarity
    unit_angles: PrincipalAngles | None
    participation_ratio: Float[np.ndarray, "2"]
    n_components: Int[np.ndarray, "2 3"]
    spectral_radius: Float[np.ndarray, "2"]
    spectral_abscissa: Float[np.ndarray, "2"]
    spectrum_distance: float


def compare(
    rates_a: Rates,
    rates_b: Rates,
    outputs_a: ArrayLike | None = None,
    outputs_b: ArrayLike | None = None,
    weights_a: ArrayLike | None = None,
    weights_b: ArrayLike | None = None,
    *,
    mask: Any = None,
    output_mask: ArrayLike | None = None,
    conditions: Any = None,
    n_components: int | float | None = None,
    units: ArrayLike | None = None,
    permute: Permuted | None = None,
    n_permutations: int | float = PERMUTATIONS,
    rng: np.random.Generator | int | float = 0,
) -> Comparison:
    """Compare two networks, or a network and recordings, by all measures of `eicon.analysis.similarity`.

    Rates are enough; outputs and weights add what they allow. All measures of the rates share their permutations.

    Parameters
    ----------
    rates_a, rates_b : (T, B, N_a) and (T, B, N_b) arrays
        Rates of both in the same trials, or with `conditions` in trials of the same conditions. A DataArray is read by
        its names; of the result of a network's `predict`, the rates are used.
    outputs_a, outputs_b : (T, B, n_out) arrays, optional
        Outputs of both, in the same trials.
    weights_a, weights_b : (N_a, N_a) and (N_b, N_b) arrays, optional
        Effective recurrent weights ``W[pre, post]``.
    mask : (T, B) array of bool or 0/1, or a pair of them, optional
        Steps that count for the rates; padded steps are False.
    output_mask : (T, B) array of bool or 0/1, optional
        Steps that count for the outputs; None takes `mask`.
    conditions : (B,) array of labels, or a pair of them, optional
        Rates are averaged over the trials of each condition: pass ``(labels_a, labels_b)`` for trials that are not the
        same, such as an animal's and a network's. Repeats then give noise ceilings.
    n_components : int, optional
        Number k of components for canonical correlations, angles and alignment. None takes the smaller of the two
        networks' numbers for 95 % of the variance.
    units : (N_b,) array of int, optional
        Unit j of b is unit ``units[j]`` of a, for instance the units that a condensed network kept.
    permute : {"trials", "conditions", "time"}, optional
        See `linear_cka`.
    n_permutations : int
        Number of permutations; 0 for none.
    rng : int or numpy Generator
        Source of permutations and of the halves of repeats.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If shapes do not match, an unmasked value is not finite, one of the networks is silent, or
        `n_components` is larger than the rank of its activity.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rates = rng.random((6, 8, 4))
    >>> order = [2, 0, 3, 1]  # the same network with its units in another order
    >>> result = compare(rates, rates[:, :, order], units=order)
    >>> round(result.cka.value, 6), result.cka.p, round(result.cka.chance, 1), result.rate_nrmse.value
    (1.0, 0.005, 0.0, 0.0)
    """
    options: dict[str, Any] = {"permute": permute, "n_permutations": n_permutations, "rng": rng}
    given = both(rates_a, rates_b, mask, conditions)
    pair = pair_of(given)
    components = [pca(values[:, None]) for values in (given.a, given.b)]
    counts = np.array([[one.n_for(fraction) for fraction in FRACTIONS] for one in components])
    k = n_components_of(int(counts[:, 1].min()) if n_components is None else n_components, pair)
    makers: dict[str, Maker] = {
        "cka": measures.cka if given.samples.n >= 4 else lambda one: measures.cka(one, debiased=False),
        "procrustes": measures.procrustes,
        "cca": lambda one: measures.cca(one, k),
        "angles": lambda one: measures.angles(one, k),
        "a_from_b": lambda one: measures.aligned(one, k),
        "b_from_a": lambda one: measures.aligned(one, k, reverse=True),
    }
    if given.samples.n >= 3:
        makers["rsa"] = measures.rsa
    found = judged(given, makers, pair, **options)
    shared, angles = NONE, None
    if units is not None:
        first, second = as_rates(rates_a, "a"), as_rates(rates_b, "b")
        same = both(first[:, :, _as_units(units, first, second)], second, mask, conditions)
        angles = unit_angles(same, k, n_permutations, rng)
        shared = _error(same, options)
    output = NONE
    if outputs_a is not None or outputs_b is not None:
        if outputs_a is None or outputs_b is None:
            lacking = "outputs_a" if outputs_a is None else "outputs_b"
            raise ValueError(f"`{lacking}` must be given too; got outputs of the other network only.")
        scored = steps_of(rates_a, mask) if output_mask is None else output_mask
        # The result of a network's `predict` has rates and outputs: here the outputs are meant.
        seen_a, seen_b = (getattr(one, "outputs", one) for one in (outputs_a, outputs_b))
        output = _error(both(seen_a, seen_b, scored, names=("reference", "other")), options)
    spectra = [None if weights is None else spectrum(weights) for weights in (weights_a, weights_b)]
    apart = np.nan
    if spectra[0] is not None and spectra[1] is not None:
        apart = _sliced_distance(spectra[0].eigenvalues, spectra[1].eigenvalues)
    return Comparison(
        cka=found["cka"].similarity,
        procrustes=found["procrustes"].similarity,
        rsa=found["rsa"].similarity if "rsa" in found else NONE,
        n_angles=k,
        cca=found["cca"].similarity,
        angles=found["angles"].angles,
        aligned_nrmse=(found["a_from_b"].similarity, found["b_from_a"].similarity),
        output_nrmse=output,
        rate_nrmse=shared,
        unit_angles=angles,
        participation_ratio=np.array([one.participation_ratio for one in components]),
        n_components=counts,
        spectral_radius=np.array([np.nan if one is None else one.spectral_radius for one in spectra]),
        spectral_abscissa=np.array([np.nan if one is None else one.spectral_abscissa for one in spectra]),
        spectrum_distance=apart,
    )


def _error(given: Both, options: dict[str, Any]) -> Similarity:
    return judged(given, {"error": measures.error}, matched(given), **options)["error"].similarity


class SimilarityMatrix(NamedTuple):
    """One measure of each pair of K networks or recordings; matrices are symmetric, and NaN where undefined.

    Attributes
    ----------
    names : (K,) tuple of str
    measure : {"cka", "procrustes", "rsa"}
    value : (K, K) float
        Measure of each pair; on the diagonal, of each with itself.
    chance, null_95, p, ceiling : (K, K) float
        Mean of the null, its 95 % limit, p (of each pair separately) and the noise ceiling; NaN on the
        diagonal.
    n : (K, K) int
        Trials or conditions.
    permuted : str
        What was permuted: trials, conditions or time; several, if pairs differ.
    """

    names: tuple[str, ...]
    measure: Overall
    value: Float[np.ndarray, "K K"]
    chance: Float[np.ndarray, "K K"]
    null_95: Float[np.ndarray, "K K"]
    p: Float[np.ndarray, "K K"]
    ceiling: Float[np.ndarray, "K K"]
    n: Int[np.ndarray, "K K"]
    permuted: str


def compare_many(
    rates: Mapping[str, Rates],
    *,
    measure: Overall = "cka",
    mask: Any = None,
    conditions: Any = None,
    permute: Permuted | None = None,
    n_permutations: int | float = PERMUTATIONS,
    rng: np.random.Generator | int | float = 0,
) -> SimilarityMatrix:
    """Compare all pairs of several networks and recordings by one measure.

    Parameters
    ----------
    rates : mapping of name to (T, B, N) array
        Rates of each in the same trials, or with `conditions` in trials of the same conditions.
    measure : {"cka", "procrustes", "rsa"}
        `linear_cka`, `procrustes_distance` or `rsa`.
    mask : (T, B) array of bool or 0/1, or a mapping of name to one, optional
        Steps that count.
    conditions : (B,) array of labels, or a mapping of name to one, optional
        Rates are averaged over the trials of each condition.
    permute : {"trials", "conditions", "time"}, optional
        See `linear_cka`.
    n_permutations : int
        Number of permutations; 0 for none.
    rng : int or numpy Generator
        Source of permutations and of the halves of repeats.

    Returns
    -------
    SimilarityMatrix

    Raises
    ------
    ValueError
        If there are fewer than two, or for the reasons given at the measure.

    Notes
    -----
    With many pairs some p are small by chance: of 45 pairs of 10 unrelated networks, 2 have
    p <= 0.05.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rates = rng.normal(size=(5, 20, 3))
    >>> found = compare_many({"one": rates, "turned": rates[:, :, ::-1], "noise": rng.normal(size=(5, 20, 3))})
    >>> abs(found.value).round(1).tolist()
    [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if not isinstance(rates, Mapping) or len(rates) < 2:
        raise ValueError("`rates` must be a mapping of at least two names to arrays (T, B, N).")
    if measure not in get_args(Overall):
        raise ValueError(f"`measure` must be one of {', '.join(get_args(Overall))}; got {measure!r}.")
    names, K = tuple(rates), len(rates)
    matrices = {what: np.full((K, K), np.nan) for what in ("value", "chance", "null_95", "p", "ceiling")}
    counts, permuted = np.zeros((K, K), dtype=int), set()
    for i, j in combinations(range(K), 2):
        pair = (names[i], names[j])
        try:
            found = OVERALL[measure](
                *(rates[name] for name in pair),
                mask=_of_each(mask, pair),
                conditions=_of_each(conditions, pair),
                permute=permute,
                n_permutations=n_permutations,
                rng=rng,
            )
        except (ValueError, TypeError) as error:
            raise type(error)(f"{pair[0]} (a) and {pair[1]} (b): {error}") from None
        for what, matrix in matrices.items():
            matrix[i, j] = matrix[j, i] = getattr(found, what)
        counts[i, j] = counts[j, i] = found.n
        permuted.add(found.permuted)
    np.fill_diagonal(matrices["value"], 0.0 if measure == "procrustes" else 1.0)
    return SimilarityMatrix(names, measure, **matrices, n=counts, permuted=", ".join(sorted(permuted)))


def _of_each(given: Any, pair: Sequence[str]) -> Any:
    """Return the values for two networks, from one value for all or from a mapping."""
    return tuple(given[name] for name in pair) if isinstance(given, Mapping) else given


def _sliced_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Mean over directions of the plane of the Wasserstein-1 distance of the projected points."""
    turns = np.exp(1j * np.pi * (np.arange(DIRECTIONS) + 0.5) / DIRECTIONS)
    return float(np.mean([stats.wasserstein_distance((first * t).real, (second * t).real) for t in turns]))
