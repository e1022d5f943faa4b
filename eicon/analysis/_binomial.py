"""Tools shared by all choice curves: counts per level, intervals, and binomial maximum likelihood."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike
from scipy import special

from ._arrays import as_vector, levels_of

FLAT = 1e-6
"""Log-likelihoods closer than this are taken as equal when asking whether the data determine a curve at all."""
MAX_LAPSE = 0.4
MIN_LAPSE = 1e-9
"""Smallest lapse rate searched; a curve without lapses is fitted separately."""
_Z = float(special.ndtri(0.975))
_MAX_ITERATIONS = 200
_TRIED, _KEPT = 10, 8
"""Number of iterations for all starts, and number of starts followed further."""
_NO_GAIN = 1e-14
"""Gain in log-likelihood predicted for the next step, below which the search ends."""
_MAX_ENDS = 40
"""Most evaluations in the search for one end of an interval."""


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


class Counts(NamedTuple):
    """Trials and successes at L distinct levels, ascending, and how many trials were left out."""

    levels: Float[np.ndarray, "L"]
    n: Int[np.ndarray, "L"]
    k: Float[np.ndarray, "L"]
    n_left_out: int


def counts(levels: Float[np.ndarray, "B"], success: Bool[np.ndarray, "B"], used: Bool[np.ndarray, "B"]) -> Counts:
    """Count single trials; nearly equal levels count as one."""
    distinct, index = levels_of(levels[used])
    n, k = np.bincount(index), np.bincount(index, weights=success[used]).astype(np.float64)
    return Counts(distinct, n, k, int(np.count_nonzero(~used)))


def aggregated(levels: Float[np.ndarray, "B"], name: str, successes: ArrayLike, n: ArrayLike) -> Counts:
    """Add up counted trials: `successes` of `n` at each entry; entries without trials, or NaN, are left out."""
    k, total = as_vector(name, successes, levels.size), as_vector("n", n, levels.size)
    used = np.isfinite(k) & (total > 0)
    whole = np.abs(k - np.round(k)) < 1e-6
    counted = total[~np.isnan(total)]
    if (counted % 1 != 0).any() or (counted < 0).any() or not (whole & (k >= 0) & (k <= total))[used].all():
        raise ValueError(
            f"with `n`, `{name}` must be whole numbers from 0 to n; got {name} {k[used][:4].tolist()} with n "
            f"{total[used][:4].tolist()}. For fractions, pass fraction * n."
        )
    distinct, index = levels_of(levels[used])
    found = (np.bincount(index, weights=values[used], minlength=distinct.size) for values in (total, np.round(k)))
    n_found, k_found = found
    return Counts(distinct, n_found.astype(np.int64), k_found, int(np.nansum(total[~used])))


def refuse_fractions(name: str, values: Float[np.ndarray, "B"]) -> None:
    """Raise ValueError if `values` are fractions of trials, where single trials are expected."""
    known = values[~np.isnan(values)]
    if known.size and (known >= 0).all() and (known <= 1).all() and (known % 1 != 0).any():
        raise ValueError(
            f"`{name}` must be one answer per trial; got fractions such as {known[known % 1 != 0][0]:g}. "
            f"For counted trials, pass the counts: {name}=fraction * n, n=n."
        )


def wilson(k: Float[np.ndarray, "*L"], n: Int[np.ndarray, "*L"]) -> Float[np.ndarray, "*L 2"]:
    """95 % intervals of k successes in n trials (Wilson 1927, J Am Stat Assoc 22:209); NaN without trials."""
    trials = np.where(n > 0, n, np.nan)
    centre = (k + _Z**2 / 2) / (trials + _Z**2)
    half = _Z / (trials + _Z**2) * np.sqrt(k * (trials - k) / trials + _Z**2 / 4)
    # At the ends the formula gives 0 and 1 up to rounding.
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

    `converged` is True if the first two parameters, location and steepness, are inside their bounds.
    """
    bounds = np.asarray(low), np.asarray(high)
    theta, value = _climb(model, n, k, starts, bounds, np.zeros(starts.shape, dtype=bool), kept=_KEPT)
    best = int(value.argmax())
    inside = (theta[best] > bounds[0]) & (theta[best] < bounds[1])
    return Fit(float(value[best]), theta[best], bool(inside[:2].all()))


def _climb(
    model: Model,
    n: Int[np.ndarray, "L"],
    k: Float[np.ndarray, "L"],
    starts: Float[np.ndarray, "S P"],
    bounds: tuple[Float[np.ndarray, "P"], Float[np.ndarray, "P"]],
    fixed: Bool[np.ndarray, "S P"],
    *,
    kept: int | None = None,
    no_gain: float = _NO_GAIN,
) -> tuple[Float[np.ndarray, "K P"], Float[np.ndarray, "K"]]:
    """Run damped Fisher scoring within bounds, except for fixed parameters; return the kept points and values."""
    theta = np.clip(starts, *bounds)
    damping = np.full(len(theta), 1e-2)
    terms = model(theta)
    value = log_likelihood(terms, n, k)
    for iteration in range(_MAX_ITERATIONS):
        if iteration == _TRIED and kept is not None:
            best = np.argsort(value)[-kept:]
            theta, damping, value, fixed = theta[best], damping[best], value[best], fixed[best]
            terms = Terms(*(one[best] for one in terms))
        gradient = terms.by_p @ k + terms.by_q @ (n - k)
        fisher = information(terms, n)
        candidate = np.clip(theta + _step(gradient, fisher, damping, theta, bounds, fixed), *bounds)
        move = candidate - theta
        promised = np.einsum("sp,sp->s", gradient, move) - 0.5 * np.einsum("sp,spq,sq->s", move, fisher, move)
        done = (np.abs(promised) < no_gain) & (damping < 100.0) | (damping > 1e10)
        if done.all():
            break
        new_terms = model(candidate)
        new_value = log_likelihood(new_terms, n, k)
        gain = new_value - value
        better = gain >= -1e-13 * np.abs(value)  # rounding is not a loss
        # A step that gains less than predicted is too long: the real curvature is above the expected one.
        factor = np.where(
            better & (gain > 0.75 * promised), 0.1, np.where(better & (gain > 0.25 * promised), 1.0, 10.0)
        )
        theta = np.where(better[:, None], candidate, theta)
        value = np.where(better, new_value, value)
        terms = Terms(*(np.where(_like(better, new), new, old) for new, old in zip(new_terms, terms, strict=True)))
        damping = np.clip(damping * factor, 1e-9, None)
    return theta, value


def profile_intervals(
    model: Model,
    n: Int[np.ndarray, "L"],
    k: Float[np.ndarray, "L"],
    theta: Float[np.ndarray, "P"],
    low: Sequence[float],
    high: Sequence[float],
) -> Float[np.ndarray, "2 2"]:
    """95 % intervals of the first two parameters by the profile likelihood; infinite where a bound is not excluded.

    An interval contains the values at which twice the log-likelihood, maximised over the other parameters, falls by
    less than the 95th percentile of chi2 with one degree of freedom. `theta` maximises the likelihood.
    """
    bounds = np.asarray(low, np.float64), np.asarray(high, np.float64)
    rows, which, upper = np.arange(4), np.array([0, 0, 1, 1]), np.array([False, True, False, True])
    best = np.clip(theta, *bounds)
    top = float(log_likelihood(model(best[None]), n, k)[0])
    fixed = np.zeros((4, best.size), dtype=bool)
    fixed[rows, which] = True
    centre, limit = best[which], np.where(upper, bounds[1][which], bounds[0][which])
    least, most = np.minimum(centre, limit), np.maximum(centre, limit)
    inner, outer, done = centre.copy(), limit.copy(), np.zeros(4, dtype=bool)
    tried = np.clip(centre + np.where(upper, _Z, -_Z) * standard_errors(model, best, n)[which], least, most)
    places = np.tile(best, (4, 1))
    for _ in range(_MAX_ENDS):
        starts = places.copy()
        starts[rows, which] = tried
        found, values = _climb(model, n, k, starts, bounds, fixed, no_gain=1e-8)
        root = np.sqrt(np.maximum(2.0 * (top - values), 0.0))
        within = root < _Z
        # Searches start within the interval, since outside it the likelihood may be too flat to climb.
        places = np.where(within[:, None], found, places)
        inner, outer = np.where(within, tried, inner), np.where(within, outer, tried)
        done |= (np.abs(root - _Z) < 1e-3) | (within & (tried == limit)) | (np.abs(outer - inner) < 1e-9)
        if done.all():
            break
        # The root of the deviance is nearly linear in the distance: this gives the next point to try.
        guess = centre + (tried - centre) * np.clip(_Z / np.maximum(root, 1e-9), 0.3, 3.0)
        beyond = np.where(upper, (guess >= outer) | (guess <= inner), (guess <= outer) | (guess >= inner))
        guess = np.where(beyond & (outer == limit) & within, limit, np.where(beyond, (inner + outer) / 2, guess))
        tried = np.where(done, tried, guess)
    ends = np.where(within & (tried == limit), np.where(upper, np.inf, -np.inf), tried)
    return ends.reshape(2, 2)


def simplest(fits: Sequence[Fit]) -> Fit:
    """Select the best of fits ordered from simplest to richest; a richer one must be clearly better."""
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
    fixed: Bool[np.ndarray, "S P"],
) -> Float[np.ndarray, "S P"]:
    """Damped scoring step; parameters at a bound that the gradient points beyond do not affect the other steps."""
    held = fixed | ((theta <= bounds[0]) & (gradient < 0)) | ((theta >= bounds[1]) & (gradient > 0))
    free = ~held
    matrix = fisher * (free[:, :, None] & free[:, None, :])
    diagonal = np.einsum("spp->sp", matrix)
    # The constant keeps steps finite where the likelihood is flat.
    scale = 1e-6 * np.maximum(diagonal.max(axis=1, keepdims=True), 1e-6)
    added = damping[:, None] * (diagonal + scale) + np.where(held, 1.0, 1e-12)
    matrix = matrix + added[:, :, None] * np.eye(theta.shape[1])
    return np.where(fixed, 0.0, np.linalg.solve(matrix, gradient[..., None])[..., 0])


def _like(chosen: Bool[np.ndarray, "S"], array: np.ndarray) -> np.ndarray:
    """Add axes to `chosen` until it broadcasts against `array`."""
    return chosen.reshape(-1, *(1,) * (array.ndim - 1))
