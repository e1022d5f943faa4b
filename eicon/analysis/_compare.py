"""Two networks on the same trials: all measures of likeness at once."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike
from scipy import stats

from .._numbers import whole
from ._pca import pca
from ._similarity import aligned_nrmse, linear_cka, nrmse, procrustes_distance, subspace_angles
from ._spectrum import spectrum

FRACTIONS = (0.9, 0.95, 0.99)
DIRECTIONS = 64


class Comparison(NamedTuple):
    """How alike two networks are; in arrays of two rows the first belongs to a, the second to b.

    Attributes
    ----------
    output_nrmse : float
        NRMSE of b's outputs against a's (formula: see `nrmse`).
    cka : float
        Linear CKA of the rates, 0 to 1 (see `linear_cka`).
    procrustes : float
        Procrustes angle of the rates, 0 to pi/2 rad (see `procrustes_distance`).
    n_angles : int
        Number k of leading components compared by `angles` and `aligned_nrmse`.
    angles : (k,) float
        Principal angles between time courses of the first k components, ascending, rad (see `subspace_angles`).
    aligned_nrmse : (2,) float
        NRMSE of a's first k components predicted linearly from b's, and of b's from a's (see `aligned_nrmse`).
    rate_nrmse : float
        NRMSE of b's rates against those of the same units of a; NaN unless `units` were given.
    unit_angles : (k or 0,) float
        Principal angles between the first k components in the space of the shared units, ascending, rad; empty unless
        `units` were given.
    participation_ratio : (2,) float
        See `PCA`.
    n_components : (2, 3) int
        Numbers of principal components for 90, 95 and 99 % of the variance.
    spectral_radius, spectral_abscissa : (2,) float
        ``max |lambda|`` and ``max Re(lambda)`` of the effective recurrent weights.
    spectrum_distance : float
        Sliced Wasserstein-1 distance of the two clouds of eigenvalues in the complex plane: the 1-d distance of their
        projections, averaged over 64 directions. A shift by s gives ``2 s / pi``.
    """

    output_nrmse: float
    cka: float
    procrustes: float
    n_angles: int
    angles: Float[np.ndarray, "k"]
    aligned_nrmse: Float[np.ndarray, "2"]
    rate_nrmse: float
    unit_angles: Float[np.ndarray, "j"]
    participation_ratio: Float[np.ndarray, "2"]
    n_components: Int[np.ndarray, "2 3"]
    spectral_radius: Float[np.ndarray, "2"]
    spectral_abscissa: Float[np.ndarray, "2"]
    spectrum_distance: float


def compare(
    rates_a: ArrayLike,
    rates_b: ArrayLike,
    outputs_a: ArrayLike,
    outputs_b: ArrayLike,
    weights_a: ArrayLike,
    weights_b: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    output_mask: ArrayLike | None = None,
    n_components: int | float | None = None,
    units: ArrayLike | None = None,
) -> Comparison:
    """Compare what two networks do on the same trials, and their recurrent weights.

    Parameters
    ----------
    rates_a, rates_b : (T, B, N_a) and (T, B, N_b) arrays
        Rates of both in the same trials.
    outputs_a, outputs_b : (T, B, n_out) arrays
        Outputs of both.
    weights_a, weights_b : (N_a, N_a) and (N_b, N_b) arrays
        Effective recurrent weights ``W[pre, post]``.
    mask : (T, B) array of bool or 0/1, optional
        Steps that count for the rates; padded steps are False.
    output_mask : (T, B) array of bool or 0/1, optional
        Steps that count for the outputs; None takes `mask`.
    n_components : int, optional
        Number k of components for angles and alignment. None takes the smaller of the two networks' numbers for 95 %
        of the variance.
    units : (N_b,) array of int, optional
        Unit j of b is unit ``units[j]`` of a, for instance the units that a condensed network kept.

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
    >>> rates, weights, readout = rng.random((6, 5, 4)), rng.normal(size=(4, 4)), rng.normal(size=(4, 1))
    >>> order = [2, 0, 3, 1]  # the same network with its units in another order
    >>> shuffled = weights[np.ix_(order, order)]
    >>> outputs = rates @ readout
    >>> result = compare(rates, rates[:, :, order], outputs, outputs, weights, shuffled, units=order)
    >>> round(result.cka, 6), result.output_nrmse, result.rate_nrmse, round(result.spectrum_distance, 6)
    (1.0, 0.0, 0.0, 0.0)
    """
    a, b = np.asarray(rates_a), np.asarray(rates_b)
    output = nrmse(outputs_a, outputs_b, mask=mask if output_mask is None else output_mask)
    cka = linear_cka(a, b, mask=mask)
    components = [pca(rates, mask=mask) for rates in (a, b)]
    counts = np.array([[one.n_for(fraction) for fraction in FRACTIONS] for one in components])
    k = int(counts[:, 1].min()) if n_components is None else whole(n_components, "`n_components`")
    shared, unit_angles = np.nan, np.zeros(0)
    if units is not None:
        unit_angles = subspace_angles(a, b, k, mask=mask, units=units)
        shared = nrmse(a[:, :, np.asarray(units)], b, mask=mask)
    spectra = [spectrum(weights) for weights in (weights_a, weights_b)]
    return Comparison(
        output_nrmse=output,
        cka=cka,
        procrustes=procrustes_distance(a, b, mask=mask),
        n_angles=k,
        angles=subspace_angles(a, b, k, mask=mask),
        aligned_nrmse=np.array([aligned_nrmse(a, b, k, mask=mask), aligned_nrmse(b, a, k, mask=mask)]),
        rate_nrmse=shared,
        unit_angles=unit_angles,
        participation_ratio=np.array([one.participation_ratio for one in components]),
        n_components=counts,
        spectral_radius=np.array([one.spectral_radius for one in spectra]),
        spectral_abscissa=np.array([one.spectral_abscissa for one in spectra]),
        spectrum_distance=_sliced_distance(spectra[0].eigenvalues, spectra[1].eigenvalues),
    )


def _sliced_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Mean over directions of the plane of the Wasserstein-1 distance of the projected points."""
    turns = np.exp(1j * np.pi * (np.arange(DIRECTIONS) + 0.5) / DIRECTIONS)
    return float(np.mean([stats.wasserstein_distance((first * t).real, (second * t).real) for t in turns]))
