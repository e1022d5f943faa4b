"""Selection of units to record, so that the activity of the others can be predicted."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike
from scipy import linalg

from .._numbers import whole
from ._arrays import as_flag, as_matrix, whole_array
from ._fits import unit_factors

_KNOWN = 1e-12
"""Remaining squared length of a row, relative to the largest, below which the chosen rows determine it: rounding."""
_TIED = 1e-9
_SINGULAR = 1e-12
"""Smallest allowed singular value of ``I - J``, relative to the largest."""


def next_units(
    weights: Any,
    n: int | float,
    *,
    n_modes: int | float | None = None,
    gains: ArrayLike | None = None,
    given: ArrayLike = (),
    worst: bool = False,
) -> Int[np.ndarray, "n"]:
    r"""Rank units by how informative their activity is about that of all others.

    In a linear network, errors :math:`\delta` in the activity of units, from unknown gains and biases, reach all units
    as errors :math:`K \delta`, with

    .. math:: K = (I - J)^{-1} J, \qquad J_{ij} = W_{ji}\, g_j,

    where J is target by source. Recording unit i fixes the component of :math:`\delta` along the row :math:`k_i`. The
    next unit is the one whose row is best aligned with the leading modes, the right singular vectors :math:`v_m` of K,

    .. math:: \sum_m \sigma_m^2 \frac{(k_i \cdot v_m)^2}{|k_i|^2},

    and its row is then projected out of all others. Over all modes, this is the squared error that recording the unit
    removes.

    Parameters
    ----------
    weights : (N, N) array
        ``W[pre, post]``, or a network with such weights. For a nonlinear network, pass the derivative of the units'
        input with respect to the activity of others, at a typical state.
    n : int
        Number of units to choose.
    n_modes : int, optional
        Number of leading modes that count, in each step those of the remaining rows; by default all.
    gains : (N,) array, optional
        Factor of each unit's output, :math:`g` above: its gain, times the derivative of the activation.
    given : array of int, optional
        Units that are recorded already.
    worst : bool
        Choose the least informative unit each time.

    Returns
    -------
    (n,) array of int
        Units in the order in which to record them. It does not depend on `n`.

    Raises
    ------
    ValueError
        If ``I - J`` is singular, so that the network has no response of finite size, or a number is out of range.

    Notes
    -----
    Criterion of Beiran & Litwin-Kumar (2025), Nature Neuroscience, "Prediction of neural activity in
    connectome-constrained recurrent networks". Among equally well aligned units, the one with the largest row comes
    first; units that respond to nothing, or whose activity the chosen units determine, come last.

    Examples
    --------
    Two chains: the unit where both end is the most informative.

    >>> weights = np.zeros((5, 5))
    >>> weights[0, 1] = weights[1, 4] = weights[2, 3] = weights[3, 4] = 0.9
    >>> next_units(weights, 1)
    array([4])
    """
    matrix = as_matrix(weights, "weights")
    size = len(matrix)
    rows = (unit_factors("gains", gains, size)[:, None] * matrix).T
    first = whole_array("given", given) if np.size(given) else np.zeros(0, dtype=np.int64)
    if first.ndim != 1 or first.dtype.kind not in "iu" or np.unique(first).size < first.size:
        raise ValueError(f"`given` must be different units, indices (k,); got {np.asarray(given)!r:.60}.")
    if first.size and not (first.min() >= 0 and first.max() < size):
        raise ValueError(f"`given` must be indices in 0..{size - 1}; got {first.min()} to {first.max()}.")
    number, worst = whole(n, "`n`"), as_flag("worst", worst)
    if not 1 <= number <= size - first.size:
        raise ValueError(f"`n` must be in 1..{size - first.size}, the units that are left; got {number}.")
    modes = size if n_modes is None else whole(n_modes, "`n_modes`")
    if not 1 <= modes <= size:
        raise ValueError(f"`n_modes` must be in 1..{size}; got {modes}.")
    responses = _responses(rows)
    # Only scalar products of rows matter: projecting one out of all others is one outer product.
    products = responses @ responses.T
    floor = _KNOWN * max(float(np.diag(products).max()), np.finfo(float).tiny)
    sizes = np.diag(products).copy()
    for unit in first:
        products = _without(products, int(unit), floor)
    left = np.setdiff1d(np.arange(size), first)
    order = []
    for _ in range(number):
        score = _alignment(products, modes, floor)[left]
        best = score.min() if worst else score.max()
        tied = left[np.abs(score - best) <= _TIED * max(abs(best), floor)]
        row = np.diag(products)[tied]
        row = np.where(row > floor, row, 0.0)
        place = np.argmin(sizes[tied]) if worst else np.lexsort((-sizes[tied], -row))[0]
        unit = int(tied[place])
        order.append(unit)
        left = left[left != unit]
        products = _without(products, unit, floor)
    return np.array(order)


def _responses(rows: Float[np.ndarray, "N N"]) -> Float[np.ndarray, "N N"]:
    """``(I - J)^-1 J``."""
    system = np.eye(len(rows)) - rows
    values = np.linalg.svd(system, compute_uv=False)
    if values[-1] <= _SINGULAR * values[0]:
        raise ValueError(
            f"`weights` must leave I - J invertible; got a smallest singular value of {values[-1]:.3g}, "
            f"{values[-1] / values[0]:.3g} of the largest. An eigenvalue of J is 1: the network integrates, and its "
            "response has no finite size. Scale the weights down, or pass those of a state with smaller gains."
        )
    return np.linalg.solve(system, rows)


def _without(products: Float[np.ndarray, "N N"], unit: int, floor: float) -> Float[np.ndarray, "N N"]:
    """Scalar products of rows after the row of a unit was projected out."""
    if products[unit, unit] <= floor:
        return products
    column = products[:, unit]
    left = products - np.outer(column, column) / products[unit, unit]
    left[unit] = left[:, unit] = 0.0
    return left


def _alignment(products: Float[np.ndarray, "N N"], n_modes: int, floor: float) -> Float[np.ndarray, "N"]:
    """Squared singular values times squared cosines between rows and right singular vectors, summed over modes.

    With the singular vectors U of the rows, a row's product with mode m is ``U_im s_m``, and the products are
    ``U s^2 U^T``.
    """
    size = np.diag(products)
    if n_modes == len(products):
        overlap = np.einsum("ij,ij->i", products, products)
    else:
        last = len(products) - 1
        values, vectors = linalg.eigh(products, subset_by_index=[last + 1 - n_modes, last])
        overlap = vectors**2 @ np.clip(values, 0.0, None) ** 2
    return np.divide(overlap, size, out=np.zeros(size.size), where=size > floor)
