"""How alike two networks move on the same trials: NRMSE, linear CKA, Procrustes and subspace angles.

All measures take rates or outputs of the two networks in the *same* trials. `nrmse` needs matching units; the
others compare geometry and take networks of different sizes, whatever the order of their units.
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy import linalg

from .._numbers import whole
from ._arrays import as_mask, require_finite

RANK_TOLERANCE = 1e-6
"""Singular values below this fraction of the largest count as zero: rates are float32 numbers."""


def nrmse(reference: ArrayLike, other: ArrayLike, *, mask: ArrayLike | None = None) -> float:
    r"""Normalised root mean squared error of `other` against `reference`, unit by unit.

    .. math:: \mathrm{NRMSE} = \sqrt{\frac{\sum (a - b)^2}{\sum (a - \bar a)^2}}

    with both sums over the unmasked samples (steps x trials) and all units (or outputs), and the mean
    :math:`\bar a` of each unit of the reference over those samples. 0 is equality, 1 is as bad as the means.

    Parameters
    ----------
    reference : (T, B, n) array
        Outputs, or rates, of the reference.
    other : (T, B, n) array
        Of the other network, in the same order of outputs or units. For a condensed network that has kept
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
    a, b = _samples("reference", reference, mask), _samples("other", other, mask)
    _check_same_trials("reference", reference, "other", other)
    if a.shape != b.shape:
        raise ValueError(
            f"`reference` and `other` must have as many units; got {a.shape[1]} and {b.shape[1]}. "
            "Take the matching units of the reference, or compare geometry with linear_cka."
        )
    spread = linalg.norm(_centred("reference", a))
    return float(linalg.norm(a - b) / spread)


def linear_cka(a: ArrayLike, b: ArrayLike, *, mask: ArrayLike | None = None) -> float:
    r"""Linear centred kernel alignment of two networks' activity.

    .. math:: \mathrm{CKA} = \frac{\|A^T B\|_F^2}{\|A^T A\|_F \, \|B^T B\|_F}

    for activity ``A (S, N_a)``, ``B (S, N_b)`` of the S unmasked samples (steps x trials), centred per unit. 1
    for trajectories that are equal up to rotation and one scale, 0 for uncorrelated ones.

    Parameters
    ----------
    a : (T, B, N_a) array
        Rates of one network.
    b : (T, B, N_b) array
        Rates of the other in the same trials.
    mask : (T, B) array of bool or 0/1, optional
        Steps that count; masked values may be NaN.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If shapes do not match, an unmasked value is not finite, fewer than two samples are left, or one of
        the networks does not vary.

    Notes
    -----
    Kornblith, Norouzi, Lee & Hinton (2019), ICML, eq. 4. Products are taken between units where there are fewer
    units than samples, and between samples otherwise; both give the same number. CKA weighs directions by
    their variance squared, so that it is blind to small components: see also `subspace_angles`.

    Examples
    --------
    >>> rates = np.random.default_rng(0).normal(size=(5, 4, 3))
    >>> round(linear_cka(rates, 2.0 * rates[:, :, ::-1]), 6)
    1.0
    """
    first, second = _pair(a, b, mask)
    if max(first.shape[1], second.shape[1]) > len(first):
        gram_a, gram_b = first @ first.T, second @ second.T
        return float(np.sum(gram_a * gram_b) / (linalg.norm(gram_a) * linalg.norm(gram_b)))
    cross = linalg.norm(first.T @ second) ** 2
    return float(cross / (linalg.norm(first.T @ first) * linalg.norm(second.T @ second)))


def procrustes_distance(a: ArrayLike, b: ArrayLike, *, mask: ArrayLike | None = None) -> float:
    r"""Angle between two networks' trajectories after the best rotation of one onto the other, in radians.

    .. math:: \theta = \min_Q \arccos \langle A, B Q \rangle = \arccos \|A^T B\|_*

    for activity ``A``, ``B`` (samples x units), centred per unit and divided by its Frobenius norm, Q orthogonal and
    :math:`\|.\|_*` the sum of singular values. The network with fewer units gets zeros for the missing ones.

    Parameters
    ----------
    a : (T, B, N_a) array
        Rates of one network.
    b : (T, B, N_b) array
        Rates of the other in the same trials.
    mask : (T, B) array of bool or 0/1, optional
        Steps that count; masked values may be NaN.

    Returns
    -------
    float
        In [0, pi/2] rad; 0 for trajectories that are equal up to rotation and one scale.

    Raises
    ------
    ValueError
        As `linear_cka`.

    Notes
    -----
    The angular distance of Williams, Kunz, Kornblith & Linderman (2021), NeurIPS, eq. 7: a metric. The
    disparity of `scipy.spatial.procrustes` is ``sin(theta)^2``.

    Examples
    --------
    >>> circle = np.exp(2j * np.pi * np.arange(8) / 8)[:, None, None]
    >>> line, ellipse = circle.real, np.concatenate([circle.real, circle.imag], axis=2)
    >>> round(procrustes_distance(line, ellipse) / np.pi, 6)
    0.25
    """
    first, second = _pair(a, b, mask)
    first, second = first / linalg.norm(first), second / linalg.norm(second)
    width = max(first.shape[1], second.shape[1])
    first, second = (np.pad(x, ((0, 0), (0, width - x.shape[1]))) for x in (first, second))
    left, _, right = linalg.svd(first.T @ second)
    # The chord keeps the digits that arccos loses near 1.
    chord = linalg.norm(first - second @ (left @ right).T)
    return float(2.0 * np.arcsin(min(0.5 * chord, 1.0)))


def subspace_angles(
    a: ArrayLike,
    b: ArrayLike,
    n_components: int | float,
    *,
    mask: ArrayLike | None = None,
    units: ArrayLike | None = None,
) -> Float[np.ndarray, "k"]:
    """Principal angles between the leading components of two networks, ascending, in radians.

    Two networks do not share their units, but they share their samples (steps x trials). Without `units` the angles
    are those between the two k-dimensional spaces of *time courses*: the left singular vectors ``U_a (S, k)``,
    ``U_b (S, k)`` of the centred activity. Their cosines, the singular values of ``U_a^T U_b``, are the canonical
    correlations between the first k principal components of the one and of the other.

    With `units` the networks share these units, and the angles are those between the two k-dimensional spaces of
    *units*: the first k components of ``a[:, :, units]`` and of ``b``, as `scipy.linalg.subspace_angles`.

    Parameters
    ----------
    a : (T, B, N_a) array
        Rates of one network.
    b : (T, B, N_b) array
        Rates of the other in the same trials.
    n_components : int
        Number k of components of each.
    mask : (T, B) array of bool or 0/1, optional
        Steps that count; masked values may be NaN.
    units : (N_b,) array of int, optional
        Unit j of `b` is unit ``units[j]`` of `a`, for instance the units that a condensed network kept.

    Returns
    -------
    (k,) float array
        In [0, pi/2] rad.

    Raises
    ------
    ValueError
        As `linear_cka`; if `n_components` is larger than the rank of one of the two; if `units` does not match.

    Notes
    -----
    Björck & Golub (1973), Math Comput 27:579; canonical correlations of components as in Gallego et al. (2018),
    Nat Commun 9:4233.

    Examples
    --------
    >>> a = np.random.default_rng(0).normal(size=(5, 4, 3))
    >>> (subspace_angles(a, a[:, :, ::-1], 2) < 1e-6).tolist()
    [True, True]
    """
    first, second = np.asarray(a), np.asarray(b)
    if units is not None:
        first = first[:, :, _as_units(units, first, second)]
    centred = _pair(first, second, mask)
    bases = [_basis(name, x, n_components) for name, x in zip("ab", centred, strict=True)]
    side = 0 if units is None else 1
    return linalg.subspace_angles(bases[0][side], bases[1][side])[::-1].copy()


def aligned_nrmse(
    reference: ArrayLike, other: ArrayLike, n_components: int | float, *, mask: ArrayLike | None = None
) -> float:
    r"""NRMSE of the reference's leading components as the best affine function of the other network's.

    The first k principal components ``P_a (S, k)`` of the reference are predicted by least squares from the first k
    of the other, ``P_b W + c``; the result is the NRMSE of that prediction,

    .. math:: \sqrt{1 - \sum_i s_i^2 \|U_b^T u_i\|^2 / \sum_i s_i^2}

    with the singular values :math:`s_i` and left singular vectors :math:`u_i` of the reference.

    Parameters
    ----------
    reference : (T, B, N_a) array
        Rates of the reference.
    other : (T, B, N_b) array
        Rates of the other network in the same trials.
    n_components : int
        Number k of components of each.
    mask : (T, B) array of bool or 0/1, optional
        Steps that count; masked values may be NaN.

    Returns
    -------
    float
        In [0, 1]: 0 if the other's components determine the reference's. Not symmetric, as large components of
        the reference weigh more; fitted and measured on the same samples.

    Raises
    ------
    ValueError
        As `subspace_angles`.

    Examples
    --------
    >>> a = np.random.default_rng(0).normal(size=(5, 4, 2))
    >>> round(aligned_nrmse(a, a @ np.array([[1.0, 5.0], [0.0, 0.1]]) + 3.0, 2), 6)
    0.0
    """
    first, second = _pair(reference, other, mask)
    left, _, singular = _basis("reference", first, n_components)
    target = left * singular
    basis = _basis("other", second, n_components)[0]
    return float(linalg.norm(target - basis @ (basis.T @ target)) / linalg.norm(singular))


def _pair(
    a: ArrayLike, b: ArrayLike, mask: ArrayLike | None
) -> tuple[Float[np.ndarray, "S N_a"], Float[np.ndarray, "S N_b"]]:
    """Centred samples of both."""
    first, second = _samples("a", a, mask), _samples("b", b, mask)
    _check_same_trials("a", a, "b", b)
    return _centred("a", first), _centred("b", second)


def _samples(name: str, values: ArrayLike, mask: ArrayLike | None) -> Float[np.ndarray, "S N"]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 3 or 0 in array.shape:
        raise ValueError(
            f"`{name}` must be a non-empty (T, B, N) array; got shape {array.shape}. "
            "For one trial pass values[:, None, :]."
        )
    samples = array[as_mask("mask", mask, (array.shape[0], array.shape[1]))]
    if len(samples) < 2:
        raise ValueError(f"`mask` must leave at least 2 samples (steps x trials); got {len(samples)}.")
    require_finite(name, samples)
    return samples


def _check_same_trials(name_a: str, a: ArrayLike, name_b: str, b: ArrayLike) -> None:
    first, second = np.shape(a), np.shape(b)
    if first[:2] != second[:2]:
        raise ValueError(
            f"`{name_a}` and `{name_b}` must hold the same trials, (T, B); got {first[:2]} and {second[:2]}. "
            "Run both networks on the same inputs."
        )


def _centred(name: str, samples: Float[np.ndarray, "S N"]) -> Float[np.ndarray, "S N"]:
    if (samples == samples[0]).all():
        raise ValueError(f"`{name}` must vary; got {len(samples)} identical samples. The network may be silent.")
    return samples - samples.mean(axis=0)


def _as_units(units: ArrayLike, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    index = np.asarray(units)
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


def _basis(
    name: str, centred: Float[np.ndarray, "S N"], k: int | float
) -> tuple[Float[np.ndarray, "S k"], Float[np.ndarray, "N k"], Float[np.ndarray, "k"]]:
    """First k left and right singular vectors, and singular values."""
    k = whole(k, "`n_components`")
    left, singular, right = linalg.svd(centred, full_matrices=False)
    rank = int(np.count_nonzero(singular > RANK_TOLERANCE * singular[0]))
    if not 1 <= k <= rank:
        raise ValueError(
            f"`n_components` must be in 1..{rank}, the rank of the activity of `{name}`; got {k}. "
            "Components of no variance have no direction."
        )
    return left[:, :k], right[:k].T, singular[:k]
