"""Subsets of units that represent the others: choice of units, and least squares."""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import linalg, optimize

RESOLUTION = 1e-7
"""Units whose remaining activity is below this fraction of their own (in amplitude) count as explained."""


def compressed(rates: Float[np.ndarray, "S N"]) -> Float[np.ndarray, "K N"]:
    """Return centred rates with the same inner products in at most N rows: the triangular factor of a QR."""
    centred = rates - rates.mean(axis=0)
    return (
        centred
        if len(centred) <= centred.shape[1]
        else linalg.qr(centred, mode="r", overwrite_a=True)[0][: centred.shape[1]]
    )


def choose(
    samples: Float[np.ndarray, "K N"],
    targets: Float[np.ndarray, "K M"],
    size: int | None,
    tolerance: float,
    kind: Int[np.ndarray, "N"],
) -> tuple[Int[np.ndarray, "n"], Float[np.ndarray, "n"]]:
    """Choose units one at a time, each time the one that explains most of the remaining targets.

    Orthogonal forward selection (Chen, Cowan & Grant 1991). The products of the remaining samples and targets
    are updated, not recomputed, so that each choice costs O(N (K + M)).

    Parameters
    ----------
    samples : (K, N) centred activity, a column per unit
    targets : (K, M) centred
    size : number of units; None continues until ``tolerance`` is reached
    tolerance : relative error, square root of the remaining fraction of the samples' variance
    kind : of each unit; at least one unit of each kind (that varies) is chosen

    Returns
    -------
    chosen : (n,) units in the order of choice; fewer than ``size`` if these explain all others exactly
    error : (n,) relative error of the samples after each choice
    """
    total = np.einsum("kn,kn->n", samples, samples)
    power, exact = total.copy(), total.copy()
    product = np.asfortranarray(samples.T @ targets)
    basis = np.empty((len(samples), 0))
    errors: list[float] = []
    chosen: list[int] = []
    available = power > RESOLUTION**2 * power.max()
    while available.any() and (size is None or len(chosen) < size):
        gain = np.einsum("nm,nm->n", product, product)
        missing = available & ~np.isin(kind, kind[chosen])
        last = size is not None and 0 < size - len(chosen) <= len(np.unique(kind[missing]))
        allowed = missing if last else available
        unit = int(np.argmax(np.where(allowed, gain / np.where(available, power, 1.0), -1.0)))
        direction = _orthogonal(samples[:, unit], basis)
        basis = np.column_stack([basis, direction])
        of_samples = direction @ samples
        product = linalg.blas.dger(-1.0, of_samples, direction @ targets, a=product, overwrite_a=1)
        power = np.maximum(power - of_samples**2, 0.0)
        chosen.append(unit)
        available[unit], power[unit] = False, 0.0
        lost = available & (power < 1e-6 * exact)  # a difference of large numbers; computed anew
        left = samples[:, lost] - basis @ (basis.T @ samples[:, lost])
        power[lost] = exact[lost] = np.einsum("kn,kn->n", left, left)
        available &= power > RESOLUTION**2 * total
        errors.append(float(np.sqrt(power.sum() / total.sum())))
        if size is None and errors[-1] <= tolerance and not (available & ~np.isin(kind, kind[chosen])).any():
            break
    return np.array(chosen, np.intp), np.array(errors)


def _orthogonal(values: Float[np.ndarray, "K"], basis: Float[np.ndarray, "K k"]) -> Float[np.ndarray, "K"]:
    """Return the unit vector along the part of ``values`` outside an orthonormal basis; twice, against rounding."""
    for _ in range(2):
        values = values - basis @ (values @ basis)
    return values / linalg.norm(values)


def least_squares(
    samples: Float[np.ndarray, "K n"],
    targets: Float[np.ndarray, "K M"],
    prior: Float[np.ndarray, "n M"],
    ridge: float,
) -> Float[np.ndarray, "n M"]:
    """Find the coefficients that minimise the squared error plus ``ridge`` times the squared distance from ``prior``.

    ``ridge`` is in units of the mean squared norm of the samples' columns.
    """
    rows, right = _with_prior(samples, targets, prior, ridge)
    return linalg.lstsq(rows, right, lapack_driver="gelsy")[0]


def signed_least_squares(
    samples: Float[np.ndarray, "K n"],
    targets: Float[np.ndarray, "K M"],
    prior: Float[np.ndarray, "n M"],
    ridge: float,
    sign: Int[np.ndarray, "n M"],
    allowed: Bool[np.ndarray, "n M"],
) -> Float[np.ndarray, "n M"]:
    """Solve `least_squares` with coefficients of given sign (0: either), and 0 where they are not allowed.

    Active-set non-negative least squares (Lawson & Hanson 1974, in scipy) on the triangular factor; a coefficient of
    either sign is the difference of two.
    """
    rows, right = _with_prior(samples, targets, prior, ridge)
    orthogonal, factor = linalg.qr(rows, mode="economic", overwrite_a=True)
    right = orthogonal.T @ right
    found = np.zeros_like(prior)
    for column in range(right.shape[1]):
        use = np.flatnonzero(allowed[:, column])
        if not use.size:
            continue
        signs = sign[use, column]
        free = signs == 0
        matrix = np.hstack([factor[:, use] * np.where(free, 1, signs), -factor[:, use[free]]])
        solution = optimize.nnls(matrix, right[:, column], maxiter=50 * matrix.shape[1])[0]
        found[use, column] = solution[: use.size] * np.where(free, 1, signs)
        found[use[free], column] -= solution[use.size :]
    return found


def _with_prior(
    samples: np.ndarray, targets: np.ndarray, prior: np.ndarray, ridge: float
) -> tuple[np.ndarray, np.ndarray]:
    n = samples.shape[1]
    scale = np.sqrt(ridge * np.mean(np.einsum("kn,kn->n", samples, samples)))
    return np.vstack([samples, scale * np.eye(n)]), np.vstack([targets, scale * prior])
