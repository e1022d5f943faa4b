"""Numbers of neurons per region."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float64, Int
from numpy.typing import ArrayLike


def neurons_per_region(
    densities: ArrayLike,
    *,
    total: int | None = None,
    method: Literal["ratio", "rank"] = "ratio",
    smallest: int = 1,
    missing: Literal["error", "median", "smallest"] = "error",
    names: Sequence[str] | None = None,
) -> Int[np.ndarray, "n_regions"]:
    """Turn densities of neurons into numbers of neurons.

    Parameters
    ----------
    densities : (n_regions,) array
        Neurons per volume or area, in any unit, > 0; NaN where unknown. Repeated values are fine.
    total : int, optional
        Total number of neurons. The counts add up to it exactly: every region gets the integer part of its share,
        and the remaining neurons go to the largest fractions (the first region in a tie). None: the least dense
        region gets `smallest` neurons, and the others a proportional number, rounded.
    method : {"ratio", "rank"}
        In proportion to density, or to its rank: 1 for the lowest value, 2 for the next, and so on; equal
        densities share a rank.
    smallest : int
        Least number of neurons in a region, >= 1.
    missing : {"error", "median", "smallest"}
        Treatment of an unknown density: reject it, or use the median or the lowest of the known ones.
    names : sequence of str, optional
        Names of the regions, for the error message.

    Returns
    -------
    (n_regions,) int array
        Numbers of neurons, for `expand`.

    Raises
    ------
    ValueError
        If a density is not positive, infinite, or NaN when `missing` is "error"; if no density is known; or if
        `total` is too small for `smallest` neurons in each region.

    Examples
    --------
    >>> neurons_per_region([100.0, 50.0, 50.0, 200.0]).tolist()
    [2, 1, 1, 4]
    >>> neurons_per_region([100.0, 50.0, 50.0, 200.0], method="rank").tolist()
    [2, 1, 1, 3]
    >>> neurons_per_region([100.0, np.nan, 50.0], total=10, missing="median").tolist()
    [5, 3, 2]
    """
    known = _filled(densities, missing, names)
    if smallest < 1:
        raise ValueError(f"smallest must be at least 1 neuron; got {smallest}.")
    if method == "rank":
        known = np.unique(known, return_inverse=True)[1] + 1.0
    elif method != "ratio":
        raise ValueError(f"unknown method {method!r}; allowed: ratio, rank.")
    if total is None:
        return np.round(known / known.min() * smallest).astype(np.int64)
    if total < smallest * len(known):
        raise ValueError(
            f"total must be at least {smallest * len(known)}, {smallest} for each of {len(known)} regions; got {total}."
        )
    return _apportion(known, total, smallest)


def _filled(densities: ArrayLike, missing: str, names: Sequence[str] | None) -> Float64[np.ndarray, "n"]:
    values = np.array(densities, np.float64)
    if values.ndim != 1 or not values.size:
        raise ValueError(f"densities must be (n_regions,); got shape {values.shape}.")
    if names is not None and len(names) != len(values):
        raise ValueError(f"names must be one for each of {len(values)} densities; got {len(names)}.")
    if missing not in ("error", "median", "smallest"):
        raise ValueError(f"unknown value {missing!r} for missing; allowed: error, median, smallest.")
    unknown = np.isnan(values)
    if unknown.all():
        raise ValueError(f"all {len(values)} densities are NaN; give the numbers of neurons themselves.")
    if unknown.any() and missing == "error":
        where = [str(i) if names is None else names[i] for i in np.flatnonzero(unknown).tolist()]
        raise ValueError(
            f"{len(where)} of {len(values)} densities are NaN: {'region' if names is not None else 'index'} "
            f"{', '.join(where)}. Give their values, or choose a fill with missing='median' or 'smallest'."
        )
    wrong = ~unknown & ~((values > 0) & np.isfinite(values))
    if wrong.any():
        i = np.flatnonzero(wrong)[0]
        raise ValueError(f"densities must be > 0 and finite, or NaN where unknown; got {values[i]} at index {i}.")
    values[unknown] = np.median(values[~unknown]) if missing == "median" else values[~unknown].min()
    return values


def _apportion(shares: Float64[np.ndarray, "n"], total: int, smallest: int) -> Int[np.ndarray, "n"]:
    """Distribute by largest remainder among regions whose share exceeds `smallest`; the others get `smallest`."""
    counts = np.full(len(shares), smallest)
    rest = np.ones(len(shares), bool)
    while True:
        quota = np.zeros(len(shares))
        spare = total - smallest * int((~rest).sum())
        quota[rest] = spare * (shares[rest] / shares[rest].sum())
        below = rest & (quota < smallest * (1 - 1e-12))
        if not below.any():
            break
        rest &= ~below
    # Round first: 3 of 10 could otherwise become 2.9999999999999996.
    quota = np.round(quota, 9)
    counts[rest] = np.floor(quota[rest]).astype(np.int64)
    fraction = np.where(rest, quota - np.floor(quota), -1.0)
    counts[np.argsort(-fraction, kind="stable")[: total - counts.sum()]] += 1
    return counts
