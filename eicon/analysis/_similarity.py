"""Similarity of networks' activity: NRMSE, CKA, Procrustes, canonical correlations and distances between conditions.

All measures take rates or outputs of the two networks in the *same* trials, or in the same conditions. `nrmse` needs
matching units; the others compare geometry and accept networks of different sizes, whatever the order of their units.
All but `nrmse`, where 1 is the level of the mean, return a `Similarity`: the value, with its null for trials that are
not paired, and the ceiling set by noise.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy import linalg
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # which scikit-learn needs

from .._key import as_generator
from .._numbers import whole
from . import _measures as measures
from ._arrays import Rates, as_flag, as_rates, is_constant, whole_array
from ._measures import Measure, Pair, Value
from ._pairing import Both, Permuted, both, what_is_permuted

PERMUTATIONS = 199
"""Default number of permutations; the smallest p is then 0.005."""
Maker = Callable[[Pair], Measure]


class Similarity(NamedTuple):
    """Similarity of two networks, with its null and its noise ceiling.

    Attributes
    ----------
    value : float
        Debiased if a debiased form is known; see each function. An unbiased estimate may lie outside the range of the
        estimated quantity.
    null : (P,) float
        Values after permutations: for networks that are unrelated except for what all trials share.
    ceiling : float
        Value for two networks that differ only by the noise of single trials. It needs repeats: `conditions` with two
        or more trials each in both, or what a function asks for instead; otherwise it is NaN.
    n : int
        Number of independent samples: trials, or conditions; steps where there are fewer than 4 trials.
    p : float
        ``(1 + permutations at least as similar) / (1 + P)``; NaN without permutations.
    null_95 : float
        Limit that 5 % of the permutations exceed in similarity; NaN without permutations.
    plain : float
        The value before debiasing.
    permuted : str
        What was permuted: trials, conditions or time.
    n_left_out : int
        Trials of conditions that the other network lacks.
    """

    value: float
    null: Float[np.ndarray, "P"]
    ceiling: float
    n: int
    p: float
    null_95: float
    plain: float
    permuted: str
    n_left_out: int = 0

    @property
    def chance(self) -> float:
        """Mean of the null; NaN without permutations."""
        return float(self.null.mean()) if self.null.size else float("nan")


class PrincipalAngles(NamedTuple):
    """Angles between two networks' leading components, each with its null.

    Attributes
    ----------
    value : (k,) float
        Ascending, rad.
    null : (P, k) float
        Angles after permutations.
    ceiling, p, null_95 : (k,) float
        As in `Similarity`, for each angle separately.
    n, permuted, n_left_out
        As in `Similarity`; ``permuted`` may be "units".
    """

    value: Float[np.ndarray, "k"]
    null: Float[np.ndarray, "P k"]
    ceiling: Float[np.ndarray, "k"]
    n: int
    p: Float[np.ndarray, "k"]
    null_95: Float[np.ndarray, "k"]
    permuted: str
    n_left_out: int = 0

    @property
    def chance(self) -> Float[np.ndarray, "k"]:
        """Mean of the null, (k,); NaN without permutations."""
        return self.null.mean(axis=0) if len(self.null) else np.full(self.value.shape, np.nan)


class Found(NamedTuple):
    """Numbers of one measure, for `Similarity` or `PrincipalAngles`."""

    value: Value
    plain: Value
    null: np.ndarray
    ceiling: Value
    p: Value
    null_95: Value
    n: int
    permuted: str
    n_left_out: int

    @property
    def similarity(self) -> Similarity:
        """Return the numbers as a `Similarity`."""
        return Similarity(
            float(self.value),
            self.null,
            float(self.ceiling),
            self.n,
            float(self.p),
            float(self.null_95),
            float(self.plain),
            self.permuted,
            self.n_left_out,
        )

    @property
    def angles(self) -> PrincipalAngles:
        """Return the numbers as `PrincipalAngles`."""
        value, ceiling = np.asarray(self.value), np.broadcast_to(self.ceiling, np.shape(self.value)).copy()
        p, null_95 = np.asarray(self.p), np.asarray(self.null_95)
        return PrincipalAngles(value, self.null, ceiling, self.n, p, null_95, self.permuted, self.n_left_out)


def judged(
    given: Both,
    makers: Mapping[str, Maker],
    pair: Pair,
    permute: Permuted | None,
    n_permutations: int | float,
    rng: Any,
) -> dict[str, Found]:
    """Compute measures of a pair, with the same permutations for all of them."""
    n, generator = whole(n_permutations, "`n_permutations`"), as_generator(rng, "`rng`")
    if n < 0:
        raise ValueError(f"`n_permutations` must be >= 0; got {n}.")
    permuted = what_is_permuted(given.samples, permute)
    made = {name: maker(pair) for name, maker in makers.items()}
    with threadpool_limits(1, "blas"):  # matrices are small: threads would wait for each other most of the time
        values = measures.judge(pair, made, permuted, n, generator)
        ceilings = measures.ceilings(given, pair, makers, made, generator)
    found = {}
    for name, one in values.items():
        p, null_95 = _tested(one.value, one.null, made[name].smaller)
        found[name] = Found(
            one.value, one.plain, one.null, ceilings[name], p, null_95, given.samples.n, permuted, given.n_left_out
        )
    return found


def _tested(value: Value, null: np.ndarray, smaller: bool) -> tuple[Value, Value]:
    """Return p, and the value that 5 % of the permutations exceed."""
    if not len(null):
        nothing = np.full(np.shape(value), np.nan)
        return nothing, nothing
    near = 1e-9 * (1.0 + np.abs(value))  # a permutation that changes nothing differs by rounding
    less_alike = null > value + near if smaller else null < value - near
    p = (1 + np.count_nonzero(~less_alike, axis=0)) / (1 + len(null))
    return np.where(np.isnan(value), np.nan, p), np.percentile(null, 5 if smaller else 95, axis=0)


def pair_of(given: Both, names: tuple[str, str] = ("a", "b")) -> Pair:
    """Return both networks in their principal components."""
    with threadpool_limits(1, "blas"):
        return measures.paired(given.a, given.b, given.samples, names, given.noise)


def nrmse(reference: Rates, other: Rates, *, mask: ArrayLike | None = None) -> float:
    r"""Compute the normalised root mean squared error of `other` against `reference`, unit by unit.

    .. math:: \mathrm{NRMSE} = \sqrt{\frac{\sum (a - b)^2}{\sum (a - \bar a)^2}}

    with both sums over the unmasked samples (steps x trials) and all units (or outputs), and the mean
    :math:`\bar a` of each unit of the reference over those samples. 0 is equality, 1 is as bad as the means. NRMSE is
    an error with its own reference level, not a similarity; `eicon.analysis.compare` gives it with a null.

    Parameters
    ----------
    reference : (T, B, n) array
        Outputs, or rates, of the reference.
    other : (T, B, n) array
        Outputs, or rates, of the other network, in the same order. For a condensed network that has kept
        ``units`` of the reference pass ``reference[:, :, units]`` first.
    mask : (T, B) array of bool or 0/1, optional
        Steps that count; masked values may be NaN.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If shapes do not match, an unmasked value is not finite, fewer than two samples are left, or the
        reference does not vary.

    Examples
    --------
    >>> ramp = np.linspace(-1.0, 1.0, 11)[:, None, None]
    >>> round(nrmse(ramp, 0.9 * ramp), 6)
    0.1
    """
    pair = matched(both(reference, other, mask, names=("reference", "other")))
    return float(measures.error(pair).at(measures.Crossed(pair)))


def matched(given: Both) -> Pair:
    """Return samples of matching units, without the means of the reference."""
    a, b = given.a, given.b
    if a.shape != b.shape:
        raise ValueError(
            f"`reference` and `other` must have the same number of units; got {a.shape[1]} and {b.shape[1]}. "
            "Take the matching units of the reference, or compare geometry with linear_cka."
        )
    if is_constant(a):
        raise ValueError(f"`reference` must vary; got {len(a)} identical samples. The network may be silent.")
    return Pair(a - a.mean(axis=0), b - a.mean(axis=0), given.samples)


def linear_cka(
    a: Rates,
    b: Rates,
    *,
    mask: Any = None,
    conditions: Any = None,
    debiased: bool = True,
    permute: Permuted | None = None,
    n_permutations: int | float = PERMUTATIONS,
    rng: np.random.Generator | int | float = 0,
) -> Similarity:
    r"""Compute the linear centred kernel alignment of two networks' activity.

    .. math:: \mathrm{CKA} = \frac{\mathrm{HSIC}(A, B)}{\sqrt{\mathrm{HSIC}(A, A) \, \mathrm{HSIC}(B, B)}}, \qquad
        \mathrm{HSIC}_{plain}(A, B) = \|A^T B\|_F^2

    for activity ``A (S, N_a)``, ``B (S, N_b)`` of the S unmasked samples (steps x trials), centred per unit. 1
    for trajectories that are equal up to rotation and one scale, 0 for uncorrelated ones.

    The plain form is far from 0 for independent noise: about .65 for 40 samples of 60 and 100 units. By default the
    three terms are therefore unbiased estimates, which use only pairs of samples from *different trials* (or
    conditions), as the steps of one trial depend on one another.

    Parameters
    ----------
    a : (T, B, N_a) array
        Rates of one network.
    b : (T, B, N_b) array
        Rates of the other in the same trials.
    mask : (T, B) array of bool or 0/1, or a pair of them, optional
        Steps that count; masked values may be NaN.
    conditions : (B,) array of labels, or a pair of them, optional
        Activity is averaged over the trials of each condition. The two may then have different trials, such as an
        animal's and a network's: pass ``(labels_a, labels_b)``. Without it, both have the same trials.
    debiased : bool
        False uses the plain form, which is in [0, 1].
    permute : {"trials", "conditions", "time"}, optional
        What the null exchanges: whole trials, whole conditions (with `conditions`), or time, shifting each trial
        circularly. By default trials or conditions, and time if there are too few of them (a single trial).
    n_permutations : int
        Number of permutations; 0 for none.
    rng : int or numpy Generator
        Source of permutations and of the halves of repeats.

    Returns
    -------
    Similarity
        At most 1 on average; about 0, above or below, for unrelated activity.

    Raises
    ------
    ValueError
        If shapes do not match, an unmasked value is not finite, fewer than four samples are left, or one of
        the networks does not vary.

    Notes
    -----
    Kornblith, Norouzi, Lee & Hinton (2019), ICML, eq. 4. The unbiased estimate is that of Song, Smola, Gretton, Bedo &
    Borgwardt (2012), J Mach Learn Res 13:1393, with blocks of samples in place of samples; CKA needs it when there are
    many units and few samples: Murphy, Zylberberg & Fyshe (2024), arXiv:2405.01012. With fewer than four trials each
    step counts as a separate sample; smooth activity then leaves a bias, which the null shows.

    Time courses common to all trials make networks similar, whatever the trials. They contribute to the value and to
    the null by permutation of trials, so that a p of 0.5 with a large value means: similar in nothing else. For
    activity without such a course, as in a single recording without trials, permute time.

    CKA weights directions by their variance squared and is therefore blind to small components: see also
    `subspace_angles`. The noise ceiling is :math:`\sqrt{h_a h_b}` with :math:`h = \mathrm{HSIC}(A_1, A_2) /
    \mathrm{HSIC}(A, A)` of averages over halves of the trials of each condition.

    Examples
    --------
    >>> rates = np.random.default_rng(0).normal(size=(5, 8, 3))
    >>> same = linear_cka(rates, 2.0 * rates[:, :, ::-1])
    >>> round(same.value, 6), same.p
    (1.0, 0.005)
    >>> noise = np.random.default_rng(1).normal(size=(1, 40, 160))
    >>> found = linear_cka(noise[:, :, :60], noise[:, :, 60:])
    >>> round(found.plain, 2), abs(found.value) < 0.05, found.p > 0.05
    (0.64, True, True)
    """
    debiased, given = as_flag("debiased", debiased), both(a, b, mask, conditions)
    makers: dict[str, Maker] = {"cka": lambda pair: measures.cka(pair, debiased=debiased)}
    return judged(given, makers, pair_of(given), permute, n_permutations, rng)["cka"].similarity


def procrustes_distance(
    a: Rates,
    b: Rates,
    *,
    mask: Any = None,
    conditions: Any = None,
    permute: Permuted | None = None,
    n_permutations: int | float = PERMUTATIONS,
    rng: np.random.Generator | int | float = 0,
) -> Similarity:
    r"""Compute the angle between two networks' trajectories after the best rotation of one onto the other, in radians.

    .. math:: \theta = \min_Q \arccos \langle A, B Q \rangle = \arccos \|A^T B\|_*

    for activity ``A``, ``B`` (samples x units), centred per unit and divided by its Frobenius norm, Q orthogonal and
    :math:`\|.\|_*` the sum of singular values. The network with fewer units is padded with zeros.

    Parameters
    ----------
    a : (T, B, N_a) array
        Rates of one network.
    b : (T, B, N_b) array
        Rates of the other in the same trials.
    mask : (T, B) array of bool or 0/1, or a pair of them, optional
        Steps that count; masked values may be NaN.
    conditions : (B,) array of labels, or a pair of them, optional
        Activity is averaged over the trials of each condition. The two may then have different trials, such as an
        animal's and a network's: pass ``(labels_a, labels_b)``. Without it, both have the same trials.
    permute : {"trials", "conditions", "time"}, optional
        What the null exchanges: whole trials, whole conditions (with `conditions`), or time, shifting each trial
        circularly. By default trials or conditions, and time if there are too few of them (a single trial).
    n_permutations : int
        Number of permutations; 0 for none.
    rng : int or numpy Generator
        Source of permutations and of the halves of repeats.

    Returns
    -------
    Similarity
        The value is in [0, pi/2] rad; 0 for trajectories that are equal up to rotation and one scale. Smaller means
        more similar. No unbiased form is known: with many units and few samples, the best rotation finds small angles
        even between independent noise, so that the value means nothing without the null.

    Raises
    ------
    ValueError
        For the reasons given at `linear_cka`.

    Notes
    -----
    The angular distance of Williams, Kunz, Kornblith & Linderman (2021), NeurIPS, eq. 7, is a metric. The
    disparity of `scipy.spatial.procrustes` is ``sin(theta)^2``. For the noise ceiling, the cosine is treated as a
    correlation: of halves of the repeats, extrapolated to all of them by the Spearman-Brown formula.

    Examples
    --------
    >>> circle = np.exp(2j * np.pi * np.arange(8) / 8)[:, None, None]
    >>> line, ellipse = circle.real, np.concatenate([circle.real, circle.imag], axis=2)
    >>> round(procrustes_distance(line, ellipse).value / np.pi, 6)
    0.25
    """
    given = both(a, b, mask, conditions)
    return judged(given, {"angle": measures.procrustes}, pair_of(given), permute, n_permutations, rng)[
        "angle"
    ].similarity


def subspace_angles(
    a: Rates,
    b: Rates,
    n_components: int | float,
    *,
    mask: Any = None,
    units: ArrayLike | None = None,
    conditions: Any = None,
    permute: Permuted | None = None,
    n_permutations: int | float = PERMUTATIONS,
    rng: np.random.Generator | int | float = 0,
) -> PrincipalAngles:
    """Compute the principal angles between the leading components of two networks, ascending, in radians.

    Two networks do not share their units, but they share their samples (steps x trials). Without `units` the angles
    are those between the two k-dimensional spaces of *time courses*: the left singular vectors ``U_a (S, k)``,
    ``U_b (S, k)`` of the centred activity. Their cosines, the singular values of ``U_a^T U_b``, are the canonical
    correlations between the first k principal components of both networks, on the samples that they are
    fitted to; `cca` gives those of held-out trials.

    With `units` the networks share these units, and the angles are those between the two k-dimensional spaces of
    *units*: the first k components of ``a[:, :, units]`` and of ``b``, as `scipy.linalg.subspace_angles`. The null
    then permutes the units of `b`.

    Parameters
    ----------
    a : (T, B, N_a) array
        Rates of one network.
    b : (T, B, N_b) array
        Rates of the other in the same trials.
    n_components : int
        Number k of components of each.
    mask : (T, B) array of bool or 0/1, or a pair of them, optional
        Steps that count; masked values may be NaN.
    units : (N_b,) array of int, optional
        Unit j of `b` is unit ``units[j]`` of `a`, for instance the units that a condensed network kept.
    conditions : (B,) array of labels, or a pair of them, optional
        See `linear_cka`.
    permute : {"trials", "conditions", "time"}, optional
        What the null exchanges: whole trials, whole conditions (with `conditions`), or time, shifting each trial
        circularly. By default trials or conditions, and time if there are too few of them (a single trial).
    n_permutations : int
        Number of permutations; 0 for none.
    rng : int or numpy Generator
        Source of permutations and of the halves of repeats.

    Returns
    -------
    PrincipalAngles
        In [0, pi/2] rad.

    Raises
    ------
    ValueError
        For the reasons given at `linear_cka`, if `n_components` exceeds the rank of either, or if `units` does not
        match.

    Notes
    -----
    Björck & Golub (1973), Math Comput 27:579; canonical correlations of components as in Gallego et al. (2018),
    Nat Commun 9:4233.

    Examples
    --------
    >>> a = np.random.default_rng(0).normal(size=(5, 4, 3))
    >>> (subspace_angles(a, a[:, :, ::-1], 2).value < 1e-6).tolist()
    [True, True]
    """
    if units is not None:
        first, second = as_rates(a, "a"), as_rates(b, "b")
        shared = first[:, :, _as_units(units, first, second)]
        return unit_angles(both(shared, second, mask, conditions), n_components, n_permutations, rng)
    given = both(a, b, mask, conditions)
    pair = pair_of(given)
    k = n_components_of(n_components, pair)
    makers: dict[str, Maker] = {"angles": lambda one: measures.angles(one, k)}
    return judged(given, makers, pair, permute, n_permutations, rng)["angles"].angles


def unit_angles(given: Both, n_components: int | float, n_permutations: int | float, rng: Any) -> PrincipalAngles:
    """Compute the angles between the spaces of units of two networks that have the same units."""
    n, generator = whole(n_permutations, "`n_permutations`"), as_generator(rng, "`rng`")
    sides = [measures.coordinates(name, values) for name, values in (("a", given.a), ("b", given.b))]
    k = _as_k(n_components, {name: side.scores.shape[1] for name, side in zip("ab", sides, strict=True)})
    first, second = (side.components[:, :k] for side in sides)
    value = linalg.subspace_angles(first, second)[::-1].copy()
    shuffled = [linalg.subspace_angles(first, second[generator.permutation(len(second))])[::-1] for _ in range(n)]
    null = np.array(shuffled).reshape(n, k)
    p, null_95 = (np.asarray(one) for one in _tested(value, null, smaller=True))
    return PrincipalAngles(value, null, np.full(k, np.nan), len(second), p, null_95, "units", given.n_left_out)


def cca(
    a: Rates,
    b: Rates,
    n_components: int | float,
    *,
    mask: Any = None,
    conditions: Any = None,
    permute: Permuted | None = None,
    n_permutations: int | float = PERMUTATIONS,
    rng: np.random.Generator | int | float = 0,
) -> Similarity:
    """Compute the mean canonical correlation of two networks' leading components, in held-out trials.

    Activity is reduced to the first k principal components of each network (singular vector CCA). Directions in which
    these correlate most are fitted to four fifths of the trials, and their correlations are measured in the remaining
    fifth, five times; the value is the mean over components and fifths. The correlations of the fitted samples, which
    are high even for noise, are ``plain``.

    Parameters
    ----------
    a : (T, B, N_a) array
        Rates of one network.
    b : (T, B, N_b) array
        Rates of the other in the same trials.
    n_components : int
        Number k of components of each; enough to explain most of the variance, and far fewer than trials.
    mask : (T, B) array of bool or 0/1, or a pair of them, optional
        Steps that count; masked values may be NaN.
    conditions : (B,) array of labels, or a pair of them, optional
        Activity is averaged over the trials of each condition. The two may then have different trials, such as an
        animal's and a network's: pass ``(labels_a, labels_b)``. Without it, both have the same trials.
    permute : {"trials", "conditions", "time"}, optional
        What the null exchanges: whole trials, whole conditions (with `conditions`), or time, shifting each trial
        circularly. By default trials or conditions, and time if there are too few of them (a single trial).
    n_permutations : int
        Number of permutations; 0 for none.
    rng : int or numpy Generator
        Source of permutations and of the halves of repeats.

    Returns
    -------
    Similarity
        1 if the components of one are linear functions of those of the other, about 0 for unrelated ones.

    Raises
    ------
    ValueError
        For the reasons given at `subspace_angles`.

    Notes
    -----
    Raghu, Gilmer, Yosinski & Sohl-Dickstein (2017), NeurIPS. With fewer than four trials, fifths are stretches of time.
    Every component has the same weight, however small its variance, in contrast to CKA.

    Examples
    --------
    >>> a = np.random.default_rng(0).normal(size=(5, 20, 3))
    >>> round(cca(a, a @ np.array([[1.0, 5.0, 0.0], [0.0, 0.1, 2.0], [1.0, 0.0, 1.0]]), 3).value, 6)
    1.0
    """
    given = both(a, b, mask, conditions)
    pair = pair_of(given)
    k = n_components_of(n_components, pair)
    makers: dict[str, Maker] = {"cca": lambda one: measures.cca(one, k)}
    return judged(given, makers, pair, permute, n_permutations, rng)["cca"].similarity


def rsa(
    a: Rates,
    b: Rates,
    *,
    mask: Any = None,
    conditions: Any = None,
    permute: Permuted | None = None,
    n_permutations: int | float = PERMUTATIONS,
    rng: np.random.Generator | int | float = 0,
) -> Similarity:
    r"""Correlate two networks' distances between conditions (representational similarity analysis).

    Distances are squared Euclidean distances between the activity of all pairs of conditions (or trials), over all
    units and shared steps, per step. Noise makes every distance larger, and more so where trials are few. With repeats
    the mean of :math:`\langle x_{ir} - x_{jr}, x_{is} - x_{js} \rangle` over different trials r and s is taken, in
    which the noise of a trial is never multiplied by itself (cross-validated distances); it may be negative.

    Parameters
    ----------
    a : (T, B, N_a) array
        Rates of one network.
    b : (T, B, N_b) array
        Rates of the other in the same trials.
    mask : (T, B) array of bool or 0/1, or a pair of them, optional
        Steps that count; masked values may be NaN.
    conditions : (B,) array of labels, or a pair of them, optional
        Activity is averaged over the trials of each condition. The two may then have different trials, such as an
        animal's and a network's: pass ``(labels_a, labels_b)``. Without it, both have the same trials.
    permute : {"trials", "conditions", "time"}, optional
        What the null exchanges: whole trials, whole conditions (with `conditions`), or time, shifting each trial
        circularly. By default trials or conditions, and time if there are too few of them (a single trial).
    n_permutations : int
        Number of permutations; 0 for none.
    rng : int or numpy Generator
        Source of permutations and of the halves of repeats.

    Returns
    -------
    Similarity
        Pearson's correlation over the pairs of conditions; ``plain`` is that of distances between averages.

    Raises
    ------
    ValueError
        For the reasons given at `linear_cka`, if there are fewer than three conditions, or all distances are equal.

    Notes
    -----
    Kriegeskorte, Mur & Bandettini (2008), Front Syst Neurosci 2:4; cross-validated distances: Walther et al. (2016),
    NeuroImage 137:188, here with all pairs of trials as folds. If the noise of units differs much, divide units by its
    standard deviation first. Distances that share a condition depend on one another: only the null, which permutes
    whole conditions, gives a p. The noise ceiling is that of `linear_cka`, with the covariance of distances for HSIC.

    Examples
    --------
    >>> a = np.random.default_rng(0).normal(size=(5, 8, 3))
    >>> round(rsa(a, 3.0 * a[:, :, ::-1] + 1.0).value, 6)
    1.0
    """
    given = both(a, b, mask, conditions)
    if given.samples.n < 3:
        raise ValueError(f"RSA needs at least 3 trials or conditions; got {given.samples.n}.")
    return judged(given, {"rsa": measures.rsa}, pair_of(given), permute, n_permutations, rng)["rsa"].similarity


def aligned_nrmse(
    reference: Rates,
    other: Rates,
    n_components: int | float,
    *,
    mask: Any = None,
    conditions: Any = None,
    permute: Permuted | None = None,
    n_permutations: int | float = PERMUTATIONS,
    rng: np.random.Generator | int | float = 0,
) -> Similarity:
    r"""Compute the NRMSE of the reference's leading components as the best affine function of the other network's.

    The first k principal components ``P_a (S, k)`` of the reference are predicted by least squares from the first k
    of the other, ``P_b W + c``, with ``W`` fitted to four fifths of the trials and applied to the remaining fifth; the
    result is the NRMSE of that prediction over all trials. Fitted and measured on the same samples it would be

    .. math:: \sqrt{1 - \sum_i s_i^2 \|U_b^T u_i\|^2 / \sum_i s_i^2}

    with the singular values :math:`s_i` and left singular vectors :math:`u_i` of the reference (``plain``).

    Parameters
    ----------
    reference : (T, B, N_a) array
        Rates of the reference.
    other : (T, B, N_b) array
        Rates of the other network in the same trials.
    n_components : int
        Number k of components of each.
    mask : (T, B) array of bool or 0/1, or a pair of them, optional
        Steps that count; masked values may be NaN.
    conditions : (B,) array of labels, or a pair of them, optional
        Activity is averaged over the trials of each condition. The two may then have different trials, such as an
        animal's and a network's: pass ``(labels_a, labels_b)``. Without it, both have the same trials.
    permute : {"trials", "conditions", "time"}, optional
        What the null exchanges: whole trials, whole conditions (with `conditions`), or time, shifting each trial
        circularly. By default trials or conditions, and time if there are too few of them (a single trial).
    n_permutations : int
        Number of permutations; 0 for none.
    rng : int or numpy Generator
        Source of permutations and of the halves of repeats.

    Returns
    -------
    Similarity
        0 if the other's components determine the reference's, about 1 or more for unrelated ones. Not symmetric, as
        large components of the reference weigh more.

    Raises
    ------
    ValueError
        For the reasons given at `subspace_angles`.

    Examples
    --------
    >>> a = np.random.default_rng(0).normal(size=(5, 8, 2))
    >>> round(aligned_nrmse(a, a @ np.array([[1.0, 5.0], [0.0, 0.1]]) + 3.0, 2).value, 6)
    0.0
    """
    names = ("reference", "other")
    given = both(reference, other, mask, conditions, names)
    pair = pair_of(given, names)
    k = n_components_of(n_components, pair, names)
    makers: dict[str, Maker] = {"aligned": lambda one: measures.aligned(one, k)}
    return judged(given, makers, pair, permute, n_permutations, rng)["aligned"].similarity


def n_components_of(value: int | float, pair: Pair, names: tuple[str, str] = ("a", "b")) -> int:
    """Check the number of components against the ranks of both networks."""
    return _as_k(value, {name: side.shape[1] for name, side in zip(names, (pair.x, pair.y), strict=True)})


def _as_k(value: int | float, ranks: Mapping[str, int]) -> int:
    k = whole(value, "`n_components`")
    for name, rank in ranks.items():
        if not 1 <= k <= rank:
            raise ValueError(
                f"`n_components` must be in 1..{rank}, the rank of the activity of `{name}`; got {k}. "
                "Components without variance have no direction."
            )
    return k


def _as_units(units: ArrayLike, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    index = whole_array("units", units)
    valid = (
        index.ndim == 1
        and np.issubdtype(index.dtype, np.integer)
        and b.ndim == a.ndim == 3
        and index.size == b.shape[2]
        and np.unique(index).size == index.size
    )
    if not valid or not index.size or index.min() < 0 or index.max() >= a.shape[2]:
        raise ValueError(
            f"`units` must name, for each of the N_b = {b.shape[-1]} units of `b`, a different unit of `a` in "
            f"0..{a.shape[-1] - 1}; got {index.dtype}, shape {index.shape}."
        )
    return index
