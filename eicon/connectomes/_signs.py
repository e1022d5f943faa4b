"""Assignment of excitatory and inhibitory neurons."""

import numpy as np
from jaxtyping import Float64, Int, Int8
from numpy.typing import ArrayLike

from .._key import as_generator


def assign_signs(
    region: ArrayLike,
    e_ratio: ArrayLike = 0.8,
    *,
    seed: int | float | np.random.Generator,
    known: ArrayLike | None = None,
) -> Int8[np.ndarray, "N"]:
    """Make a fraction of the neurons of every region excitatory, and the others inhibitory.

    Parameters
    ----------
    region : (N,) int array
        Region of each neuron, from 0; `Expansion.region`.
    e_ratio : float or (n_regions,) array
        Fraction of excitatory neurons in each region, in [0, 1].
    seed : int or numpy.random.Generator
    known : (N,) int array, optional
        +1 or -1 for neurons whose sign is known (from their transmitter), 0 for the others. Known signs are kept,
        and the others chosen to bring the region as close as possible to its number.

    Returns
    -------
    (N,) int8 array
        +1 excitatory, -1 inhibitory.

    Raises
    ------
    ValueError
        If a shape does not match, a region is negative, or a fraction or sign is not allowed.

    Notes
    -----
    A region of k neurons has ``floor(e_ratio * k)`` excitatory neurons, or one more. The extra neurons go to the
    regions with the largest remainders, in random order among ties, until the total is right: with one
    neuron in each of 55 regions, 44 are excitatory.

    Examples
    --------
    >>> assign_signs([0, 0, 0, 0, 0, 1, 1, 1, 1, 1], seed=1).reshape(2, 5).sum(axis=1).tolist()
    [3, 3]
    >>> int((assign_signs(range(55), seed=0) > 0).sum())
    44
    """
    regions = _as_regions(region)
    rng = as_generator(seed, "seed")
    size = np.bincount(regions)
    excitatory = _excitatory(size, _as_ratios(e_ratio, len(size)), rng)
    signs = np.zeros(len(regions), np.int8)
    if known is not None:
        signs[:] = _as_signs(known, len(regions))
        excitatory -= np.bincount(regions[signs > 0], minlength=len(size))
    open_ = np.flatnonzero(signs == 0)
    order = rng.permutation(open_)
    order = order[np.argsort(regions[order], kind="stable")]
    first = np.searchsorted(regions[order], regions[order])
    signs[order] = np.where(np.arange(len(order)) - first < excitatory[regions[order]], 1, -1)
    return signs


def _excitatory(
    size: Int[np.ndarray, "n"], ratios: Float64[np.ndarray, "n"], rng: np.random.Generator
) -> Int[np.ndarray, "n"]:
    # Round first: 29 % of 100 would otherwise become 28.999999999999996.
    quota = np.round(size * ratios, 9)
    counts = np.floor(quota).astype(np.int64)
    more = round(float(quota.sum())) - int(counts.sum())
    order = rng.permutation(len(size))
    order = order[np.argsort(-(quota - counts)[order], kind="stable")]
    counts[order[:more]] += 1
    return counts


def _as_regions(region: ArrayLike) -> Int[np.ndarray, "N"]:
    regions = np.asarray(region)
    if regions.ndim != 1 or not regions.size or regions.dtype.kind not in "iu":
        raise ValueError(
            f"region must be (N,) integers, the region of each neuron; got {regions.dtype} of shape {regions.shape}."
        )
    if regions.min() < 0:
        raise ValueError(f"regions are numbered from 0; got {regions.min()}.")
    return regions.astype(np.int64)


def _as_ratios(e_ratio: ArrayLike, n: int) -> Float64[np.ndarray, "n"]:
    ratios = np.asarray(e_ratio, np.float64)
    if ratios.shape not in ((), (n,)):
        raise ValueError(f"e_ratio must be one number or ({n},), one for each region; got shape {ratios.shape}.")
    if not ((ratios >= 0) & (ratios <= 1)).all():
        got = f"{ratios:g}" if ratios.shape == () else f"{ratios.min():g} to {ratios.max():g}"
        raise ValueError(f"e_ratio must be in [0, 1], the fraction of excitatory neurons; got {got}.")
    return np.broadcast_to(ratios, (n,))


def _as_signs(known: ArrayLike, n: int) -> Int8[np.ndarray, "N"]:
    signs = np.asarray(known)
    if signs.shape != (n,):
        raise ValueError(f"known must be ({n},), one sign for each neuron; got shape {signs.shape}.")
    if not np.isin(signs, (-1, 0, 1)).all():
        raise ValueError(f"known signs must be -1, 0 (unknown) or 1; got {sorted({float(s) for s in signs})}.")
    return signs.astype(np.int8)
