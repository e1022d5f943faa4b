"""What curves of choices have in common: counts per level, Wilson intervals and binomial maximum likelihood."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import special

FLAT = 1e-6
"""Log-likelihoods closer than this are taken as equal when asking whether the data determine a curve at all."""
MAX_LAPSE = 0.4
MIN_LAPSE = 1e-9
"""Smallest lapse rate that is searched; a curve without lapses is fitted by itself."""
_Z = float(special.ndtri(0.975))
_MAX_ITERATIONS = 200
_TRIED, _KEPT = 10, 8
"""After so many iterations, so many of the starts are followed further."""
_NO_GAIN = 1e-14
"""Log-likelihood that the next step may promise when the search ends."""


class Terms(NamedTuple):
    """Probability p of success and q of failure at L levels, for S sets of P parameters each."""

    log_p: Float[np.ndarray, "S L"]
    log_q: Float[np.ndarray, "S L"]
    by_p: Float[np.ndarray, "S P L"]
    """``d log p / d theta``."""
    by_q: Float[np.ndarray, "S P L"]
    """``d log q / d theta``."""


Model = Callable[[Float[np.ndarray, "S P"]], Terms]


class Fit(NamedTuple):
    """Parameters and their log-likelihood; `converged` if the data determine them."""

    value: float
    theta: Float[np.ndarray, "P"]
    converged: bool


def counts(
    levels: Float[np.ndarray, "B"], success: Bool[np.ndarray, "B"]
) -> tuple[Float[np.ndarray, "L"], Int[np.ndarray, "L"], Float[np.ndarray, "L"]]:
    """Distinct levels, ascending, with the number of trials and of successes at each."""
    distinct, index = np.unique(levels, return_inverse=True)
    return distinct, np.bincount(index), np.bincount(index, weights=success).astype(np.float64)


def wilson(k: Float[np.ndarray, "*L"], n: Int[np.ndarray, "*L"]) -> Float[np.ndarray, "*L 2"]:
    """95 % intervals of k successes in n trials (Wilson 1927, J Am Stat Assoc 22:209); NaN without trials."""
    trials = np.where(n > 0, n, np.nan)
    centre = (k + _Z**2 / 2) / (trials + _Z**2)
    half = _Z / (trials + _Z**2) * np.sqrt(k * (trials - k) / trials + _Z**2 / 4)
    # At the ends the formula gives 0 and 1 but for rounding.
    low, high = np.where(k == 0, 0.0 * trials, centre - half), np.where(k == trials, 1.0, centre + half)
    return np.stack([low, high], axis=-1)


def log_likelihood(terms: Terms, n: Int[np.ndarray, "L"], k: Float[np.ndarray, "L"]) -> Float[np.ndarray, "S"]:
    """``sum_l k_l log p_l + (n_l - k_l) log q_l`` for each set of parameters."""
    # Where nothing was counted, the log may be -inf.
    success = np.where(k > 0, k * np.where(k > 0, terms.log_p, 0.0), 0.0)
    failure = np.where(n > k, (n - k) * np.where(n > k, terms.log_q, 0.0), 0.0)
    return (success + failure).sum(axis=1)


def information(terms: Terms, n: Int[np.ndarray, "L"]) -> Float[np.ndarray, "S P P"]:
    """Expected Fisher information of the parameters."""
    p, q = n * np.exp(terms.log_p), n * np.exp(terms.log_q)
    return np.einsum("sl,sal,sbl->sab", p, terms.by_p, terms.by_p) + np.einsum(
        "sl,sal,sbl->sab", q, terms.by_q, terms.by_q
    )


def standard_errors(model: Model, theta: Float[np.ndarray, "P"], n: Int[np.ndarray, "L"]) -> Float[np.ndarray, "P"]:
    """Square roots of the diagonal of the inverse Fisher information."""
    covariance = np.linalg.pinv(information(model(theta[None]), n)[0], hermitian=True)
    return np.sqrt(np.clip(np.diag(covariance), 0.0, None))


def maximise(
    model: Model,
    n: Int[np.ndarray, "L"],
    k: Float[np.ndarray, "L"],
    starts: Float[np.ndarray, "S P"],
    low: Sequence[float],
    high: Sequence[float],
) -> Fit:
    """Best of the maxima that damped Fisher scoring finds from all starts together, within bounds.

    `converged` is whether the first two parameters, those of place and steepness, are inside their bounds.
    """
    bounds = np.asarray(low), np.asarray(high)
    theta = np.clip(starts, *bounds)
    damping = np.full(len(theta), 1e-2)
    terms = model(theta)
    value = log_likelihood(terms, n, k)
    for iteration in range(_MAX_ITERATIONS):
        if iteration == _TRIED:
            kept = np.argsort(value)[-_KEPT:]
            theta, damping, value, terms = theta[kept], damping[kept], value[kept], Terms(*(one[kept] for one in terms))
        gradient = terms.by_p @ k + terms.by_q @ (n - k)
        fisher = information(terms, n)
        candidate = np.clip(theta + _step(gradient, fisher, damping, theta, bounds), *bounds)
        move = candidate - theta
        promised = np.einsum("sp,sp->s", gradient, move) - 0.5 * np.einsum("sp,spq,sq->s", move, fisher, move)
        done = (np.abs(promised) < _NO_GAIN) & (damping < 100.0) | (damping > 1e10)
        if done.all():
            break
        new_terms = model(candidate)
        new_value = log_likelihood(new_terms, n, k)
        gain = new_value - value
        better = gain >= -1e-13 * np.abs(value)  # rounding is no loss
        # A step that brings less than it promised is too long: the real curvature is above the expected one.
        factor = np.where(
            better & (gain > 0.75 * promised), 0.1, np.where(better & (gain > 0.25 * promised), 1.0, 10.0)
        )
        theta = np.where(better[:, None], candidate, theta)
        value = np.where(better, new_value, value)
        terms = Terms(*(np.where(_like(better, new), new, old) for new, old in zip(new_terms, terms, strict=True)))
        damping = np.clip(damping * factor, 1e-9, None)
    best = int(value.argmax())
    inside = (theta[best] > bounds[0]) & (theta[best] < bounds[1])
    return Fit(float(value[best]), theta[best], bool(inside[:2].all()))


def simplest(fits: Sequence[Fit]) -> Fit:
    """Best of fits that go from the simplest to the richest; a richer one must really be better."""
    best = fits[0]
    for fit in fits[1:]:
        if fit.value > best.value + FLAT:
            best = fit
    return best


def candidates(
    model: Model, n: Int[np.ndarray, "L"], k: Float[np.ndarray, "L"], thetas: Float[np.ndarray, "S P"]
) -> Fit:
    """Most likely one of given sets of parameters, as a fit that the data do not determine."""
    values = log_likelihood(model(thetas), n, k)
    best = int(values.argmax())
    return Fit(float(values[best]), thetas[best], False)


def _step(
    gradient: Float[np.ndarray, "S P"],
    fisher: Float[np.ndarray, "S P P"],
    damping: Float[np.ndarray, "S"],
    theta: Float[np.ndarray, "S P"],
    bounds: tuple[Float[np.ndarray, "P"], Float[np.ndarray, "P"]],
) -> Float[np.ndarray, "S P"]:
    """Damped scoring step; parameters at a bound that the gradient points out of do not turn the others' steps."""
    held = ((theta <= bounds[0]) & (gradient < 0)) | ((theta >= bounds[1]) & (gradient > 0))
    free = ~held
    matrix = fisher * (free[:, :, None] & free[:, None, :])
    diagonal = np.einsum("spp->sp", matrix)
    # The constant keeps steps finite where the likelihood is flat.
    scale = 1e-6 * np.maximum(diagonal.max(axis=1, keepdims=True), 1e-6)
    added = damping[:, None] * (diagonal + scale) + np.where(held, 1.0, 1e-12)
    matrix = matrix + added[:, :, None] * np.eye(theta.shape[1])
    return np.linalg.solve(matrix, gradient[..., None])[..., 0]


def _like(chosen: Bool[np.ndarray, "S"], array: np.ndarray) -> np.ndarray:
    """Add axes to `chosen` until it broadcasts against `array`."""
    return chosen.reshape(-1, *(1,) * (array.ndim - 1))
