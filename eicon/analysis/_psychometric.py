"""Psychometric curves: choice fractions with intervals, and a cumulative-Gaussian fit."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from ._arrays import as_choice, require_finite

# Log-likelihoods closer than this are taken as equal when asking whether the data determine the width at all.
_FLAT = 1e-6
_MAX_LAPSE = 0.4


class Psychometric(NamedTuple):
    """Choices against signed coherence; coherence > 0 is evidence for choice 0.

    The fitted curve is ``p(c) = lapse + (1 - 2 lapse) Phi((c - bias) / width)``.

    Attributes
    ----------
    levels : (L,) float
        Distinct signed coherences, ascending, in the unit they came in (usually %).
    n : (L,) int
        Trials with a choice at each level.
    p : (L,) float
        Fraction of them with choice 0.
    ci : (L, 2) float
        Wilson 95 % interval of `p`, lower and upper (Wilson 1927, J Am Stat Assoc 22:209).
    bias : float
        Coherence at which both choices are equally likely.
    width : float
        Standard deviation of the cumulative Gaussian: small is sensitive. Same unit as the levels.
    lapse : float
        Error rate at overwhelming evidence, the same for both sides; 0 unless it was fitted.
    bias_se, width_se : float
        Standard errors from the Fisher information; NaN if not `converged`.
    log_likelihood : float
        ``sum_k n_k (p_k log p(c_k) + (1 - p_k) log(1 - p(c_k)))`` at the fit.
    converged : bool
        False if the data do not determine the fit: a step (perfect separation; width then at its lower
        bound, a hundredth of the smallest gap between levels) or no increase at all (width at its upper
        bound, a hundred times the range of levels).
    """

    levels: Float[np.ndarray, "L"]
    n: Int[np.ndarray, "L"]
    p: Float[np.ndarray, "L"]
    ci: Float[np.ndarray, "L 2"]
    bias: float
    width: float
    lapse: float
    bias_se: float
    width_se: float
    log_likelihood: float
    converged: bool

    def predict(self, coherence: ArrayLike | float | int) -> np.ndarray:
        """Return the fitted probability of choice 0 at any signed coherence, elementwise."""
        z = (np.asarray(coherence, dtype=np.float64) - self.bias) / self.width
        return np.asarray(self.lapse + (1.0 - 2.0 * self.lapse) * special.ndtr(z))

    @property
    def is_monotone(self) -> bool:
        """Whether `p` never decreases with coherence."""
        return bool((np.diff(self.p) >= 0.0).all())


class _Fit(NamedTuple):
    log_likelihood: float
    bias: float
    width: float
    lapse: float
    converged: bool


def psychometric(coherence: ArrayLike, choice: ArrayLike, *, lapse: bool = False) -> Psychometric:
    """Fraction of choice 0 per signed coherence, with a maximum-likelihood cumulative Gaussian.

    Parameters
    ----------
    coherence : (B,) array
        Signed coherence of each trial in any unit; positive favours choice 0, negative choice 1.
    choice : (B,) array of int
        0 or 1; -1 leaves a trial out.
    lapse : bool
        Fit a symmetric lapse rate in [0, 0.4] too.

    Returns
    -------
    Psychometric

    Raises
    ------
    ValueError
        If shapes do not match, a coherence is not finite, or fewer than two levels have a choice.

    Notes
    -----
    Binomial maximum likelihood as in Wichmann & Hill (2001), Percept Psychophys 63:1293.

    Examples
    --------
    >>> import numpy as np
    >>> coherence = np.repeat([-10.0, 0.0, 10.0], 4)
    >>> result = psychometric(coherence, [1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 0, 1])
    >>> result.p.tolist(), round(float(result.predict(0.0)), 3)
    ([0.25, 0.5, 0.75], 0.5)
    """
    signed = np.asarray(coherence, dtype=np.float64)
    if signed.ndim != 1:
        raise ValueError(f"`coherence` must be (B,), one signed value per trial; got shape {signed.shape}.")
    chosen = as_choice(choice, len(signed))
    used = chosen >= 0
    require_finite("coherence", signed[used])
    levels, index = np.unique(signed[used], return_inverse=True)
    if len(levels) < 2:
        raise ValueError(
            f"`coherence` must have at least 2 levels among trials with a choice; got {len(levels)}. "
            "All trials may be left out, or the coherence is unsigned and constant."
        )
    n = np.bincount(index)
    k = np.bincount(index, weights=chosen[used] == 0)
    fit = _fit(levels, n, k, lapse)
    bias_se, width_se = _standard_errors(levels, n, fit)
    return Psychometric(
        levels,
        n,
        k / n,
        _wilson(k, n),
        fit.bias,
        fit.width,
        fit.lapse,
        bias_se,
        width_se,
        fit.log_likelihood,
        fit.converged,
    )


def _wilson(k: Float[np.ndarray, "L"], n: Int[np.ndarray, "L"]) -> Float[np.ndarray, "L 2"]:
    intervals = [
        stats.binomtest(int(successes), int(trials)).proportion_ci(0.95, method="wilson")
        for successes, trials in zip(k, n, strict=True)
    ]
    return np.array([(interval.low, interval.high) for interval in intervals])


def _log_likelihood(
    levels: Float[np.ndarray, "L"],
    n: Int[np.ndarray, "L"],
    k: Float[np.ndarray, "L"],
    bias: float,
    width: float,
    lapse: float = 0.0,
) -> tuple[float, Float[np.ndarray, "3"]]:
    """Log-likelihood and its gradient with respect to (bias, log width, lapse)."""
    z = (levels - bias) / width
    slope, floor = np.log1p(-2.0 * lapse), np.log(lapse) if lapse > 0.0 else -np.inf
    log_p = np.logaddexp(floor, slope + special.log_ndtr(z))
    log_q = np.logaddexp(floor, slope + special.log_ndtr(-z))
    log_density = slope + stats.norm.logpdf(z)
    by_z = k * np.exp(log_density - log_p) - (n - k) * np.exp(log_density - log_q)
    by_lapse = 0.0
    if lapse > 0.0:
        by_lapse = np.sum((k * np.exp(-log_p) - (n - k) * np.exp(-log_q)) * (1.0 - 2.0 * special.ndtr(z)))
    gradient = np.array([-by_z.sum() / width, -(by_z * z).sum(), by_lapse])
    return float(np.sum(k * log_p + (n - k) * log_q)), gradient


def _fit(levels: Float[np.ndarray, "L"], n: Int[np.ndarray, "L"], k: Float[np.ndarray, "L"], lapse: bool) -> _Fit:
    """Best of the interior optimum, a step (width -> 0) and a flat line (width -> infinity)."""
    interior = _maximise(levels, n, k, with_lapse=False)
    if lapse:
        with_lapse = _maximise(levels, n, k, with_lapse=True)
        if with_lapse.log_likelihood > interior.log_likelihood + _FLAT:
            interior = with_lapse
    step, flat = _best_step(levels, n, k, lapse), _best_flat(levels, n, k)
    limit = step if step.log_likelihood >= flat.log_likelihood else flat
    return limit if limit.log_likelihood >= interior.log_likelihood - _FLAT else interior


def _width_bounds(levels: Float[np.ndarray, "L"]) -> tuple[float, float]:
    return float(np.diff(levels).min()) / 100.0, float(np.ptp(levels)) * 100.0


def _maximise(
    levels: Float[np.ndarray, "L"], n: Int[np.ndarray, "L"], k: Float[np.ndarray, "L"], *, with_lapse: bool
) -> _Fit:
    """Quasi-Newton ascent in (bias, log width[, lapse]), with the bias in units of the range of levels."""
    middle, span = float(levels.mean()), float(np.ptp(levels))
    narrow, wide = _width_bounds(levels)
    free = 3 if with_lapse else 2

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        rate = float(theta[2]) if with_lapse else 0.0
        value, gradient = _log_likelihood(levels, n, k, middle + span * theta[0], float(np.exp(theta[1])), rate)
        return -value / n.sum(), -gradient[:free] * np.array([span, 1.0, 1.0])[:free] / n.sum()

    bounds = [(-10.0, 10.0), (np.log(narrow), np.log(wide)), (1e-9, _MAX_LAPSE)][:free]
    starts = [
        np.array([bias, np.log(span * width), 0.05][:free])
        for bias in np.linspace(-0.5, 0.5, 9)
        for width in (0.03, 0.1, 0.3, 1.0, 3.0)
    ]
    start = min(starts, key=lambda theta: loss(theta)[0])
    found = optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-9}
    )
    inside = all(low < x < high for x, (low, high) in zip(found.x[:2], bounds, strict=False))
    rate = float(found.x[2]) if with_lapse else 0.0
    bias, width = middle + span * float(found.x[0]), float(np.exp(found.x[1]))
    return _Fit(-float(found.fun) * int(n.sum()), bias, width, rate, inside)


def _best_step(levels: Float[np.ndarray, "L"], n: Int[np.ndarray, "L"], k: Float[np.ndarray, "L"], lapse: bool) -> _Fit:
    """Most likely curve of the smallest width: a step between levels, beyond them, or through one."""
    width, _ = _width_bounds(levels)
    gap = 100.0 * width
    edges = np.concatenate([[levels[0] - gap / 2], (levels[1:] + levels[:-1]) / 2, [levels[-1] + gap / 2]])
    mixed = (k > 0) & (k < n)
    through = levels[mixed] - width * special.ndtri(k[mixed] / n[mixed])
    fits = []
    for bias in np.concatenate([edges, through]):
        rates = [0.0]
        if lapse:
            side = np.where(levels > bias, n - k, k)
            rates.append(min(float(side.sum() / n.sum()), _MAX_LAPSE))
        fits += [
            _Fit(_log_likelihood(levels, n, k, bias, width, rate)[0], float(bias), width, rate, False) for rate in rates
        ]
    return max(fits, key=lambda fit: fit.log_likelihood)


def _best_flat(levels: Float[np.ndarray, "L"], n: Int[np.ndarray, "L"], k: Float[np.ndarray, "L"]) -> _Fit:
    """Most likely curve of the largest width: nearly the overall fraction at every level."""
    _, width = _width_bounds(levels)
    fraction = float(np.clip(k.sum() / n.sum(), 1e-6, 1.0 - 1e-6))
    bias = float(levels.mean() - width * special.ndtri(fraction))
    return _Fit(_log_likelihood(levels, n, k, bias, width)[0], bias, width, 0.0, False)


def _standard_errors(levels: Float[np.ndarray, "L"], n: Int[np.ndarray, "L"], fit: _Fit) -> tuple[float, float]:
    """Square roots of the diagonal of the inverse expected Fisher information, for bias and width."""
    if not fit.converged:
        return np.nan, np.nan
    z = (levels - fit.bias) / fit.width
    p = fit.lapse + (1.0 - 2.0 * fit.lapse) * special.ndtr(z)
    density = (1.0 - 2.0 * fit.lapse) * stats.norm.pdf(z) / fit.width
    columns = [-density, -density * z]
    if fit.lapse > 0.0:
        columns.append(1.0 - 2.0 * special.ndtr(z))
    slopes = np.stack(columns)
    variance = p * (1.0 - p)
    weight = np.divide(n, variance, out=np.zeros_like(variance), where=variance > 0.0)
    covariance = np.linalg.pinv((slopes * weight) @ slopes.T)
    return float(np.sqrt(covariance[0, 0])), float(np.sqrt(covariance[1, 1]))
