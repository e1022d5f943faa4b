"""Reaction time against the strength of the evidence, with the curve of a bounded random walk."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike
from scipy import optimize, stats

from ._arrays import as_correct, as_strength, as_vector, levels_of
from ._trend import trend

_FLAT = 1e-6
_FEW = 10
"""Levels with fewer trials get the standard deviation of all levels together."""


class Chronometric(NamedTuple):
    """Reaction times per strength of evidence; L levels; first row correct trials, second row errors.

    The fitted curve, through the means of correct trials, is ``t(c) = A / (k c) tanh(A k c) + t0``, with
    ``t(0) = A^2 + t0``.

    Attributes
    ----------
    levels : (L,) float
        Distinct strengths, ascending, in the unit of the input.
    n : (2, L) int
        Trials with a reaction time.
    n_missing : (L,) int
        Trials without a reaction time (no choice).
    mean : (2, L) float
        Mean reaction time, ms; NaN without trials.
    ci : (2, L, 2) float
        95 % interval of the mean, ``mean -+ t_{n-1}(0.975) sd / sqrt(n)``; NaN for fewer than two trials.
    median : (2, L) float
        Median reaction time, ms; NaN without trials.
    median_ci : (2, L, 2) float
        Order statistics that enclose the median with at least 95 % probability whatever the distribution; NaN for
        fewer than six trials, which are too few for that.
    bound : float
        A, half the distance between the bounds in units of the noise, sqrt(ms).
    sensitivity : float
        k, drift per unit of strength, in units of the noise, 1 / (strength sqrt(ms)).
    residual_time : float
        t0, non-decision time, ms.
    bound_se, sensitivity_se, residual_time_se : float
        Standard errors, from the standard errors of the means; NaN if reaction times never differ within a level.
        Fit and errors are NaN if not `converged`.
    converged : bool
        Whether the means determine the curve: at least three levels, and the best of the curves that fall is neither a
        parabola (k -> 0) nor a hyperbola (k -> infinity).
    rho, p_value : float
        Spearman's rank correlation of reaction time and strength over correct trials, and the probability of a
        correlation this low if they were independent (one-sided); NaN if either is constant.
    slope, slope_p_value : float
        Slope of the least-squares line through the reaction times of correct trials against log2 of a strength > 0, ms
        per doubling of the strength, and the probability of a slope this steep without a dependence (two-sided t test);
        NaN for fewer than three trials, or if either is constant.
    n_left_out : int
        Trials with a reaction time that are neither right nor wrong.
    """

    levels: Float[np.ndarray, "L"]
    n: Int[np.ndarray, "2 L"]
    n_missing: Int[np.ndarray, "L"]
    mean: Float[np.ndarray, "2 L"]
    ci: Float[np.ndarray, "2 L 2"]
    median: Float[np.ndarray, "2 L"]
    median_ci: Float[np.ndarray, "2 L 2"]
    bound: float
    sensitivity: float
    residual_time: float
    bound_se: float
    sensitivity_se: float
    residual_time_se: float
    converged: bool
    rho: float
    p_value: float
    slope: float
    slope_p_value: float
    n_left_out: int

    def predict(self, strength: ArrayLike | float | int) -> np.ndarray:
        """Return the fitted mean reaction time at any strength >= 0, elementwise; NaN if not converged."""
        c = np.asarray(strength, dtype=np.float64)
        ratio = _tanh_ratio(self.bound * self.sensitivity * c.reshape(-1)).reshape(c.shape)
        return np.asarray(self.bound**2 * ratio + self.residual_time)

    @property
    def is_decreasing(self) -> bool:
        """True if the mean of correct trials never increases with strength."""
        mean = self.mean[0][self.n[0] > 0]
        return bool((np.diff(mean) <= 0.0).all())


class _Curve(NamedTuple):
    chi2: float
    amplitude: float
    offset: float


def chronometric(strength: ArrayLike, reaction_time: ArrayLike, correct: ArrayLike) -> Chronometric:
    """Summarise reaction times per strength of evidence, correct and error trials apart, and fit their fall.

    Parameters
    ----------
    strength : (B,) array
        Strength of the evidence in each trial, >= 0 in any unit, such as the modulus of a signed coherence.
    reaction_time : (B,) array
        ms; NaN where no choice was made, as from `threshold_crossing`.
    correct : (B,) array of bool or 0/1
        Whether the choice was right; ignored where there is no reaction time. NaN leaves a trial out.

    Returns
    -------
    Chronometric

    Raises
    ------
    ValueError
        If shapes do not match, a strength is negative or not finite, a reaction time is infinite or negative, or no
        trial has one.

    Notes
    -----
    Palmer, Huk & Shadlen (2005), J Vis 5:376, eq. for the mean decision time of a diffusion between two bounds;
    weighted least squares, weights 1 / (standard error of the mean)^2.

    Examples
    --------
    >>> strength = np.repeat([1.0, 4.0, 16.0], 3)
    >>> time = np.array([600.0, 640.0, 620.0, 500.0, 540.0, 700.0, 300.0, 310.0, np.nan])
    >>> result = chronometric(strength, time, [1, 1, 1, 1, 1, 0, 1, 1, 0])
    >>> result.mean[0].tolist(), result.n_missing.tolist(), result.is_decreasing
    ([620.0, 520.0, 305.0], [0, 0, 1], True)
    """
    values = as_strength(strength)
    times = as_vector("reaction_time", reaction_time, values.size)
    answered = ~np.isnan(times)
    right = as_correct(np.where(answered, as_vector("correct", correct, values.size), np.nan), values.size)
    if not answered.any() or np.isinf(times).any() or (times[answered] < 0).any():
        raise ValueError(
            f"`reaction_time` must be >= 0 ms and finite in some trials, NaN in those without a choice; got "
            f"{np.count_nonzero(answered)} numbers, the smallest {np.min(times[answered], initial=np.inf):g}. "
            "The network may never have reached the threshold."
        )
    levels, index = levels_of(values)
    values = levels[index]
    missing = np.bincount(index[~answered], minlength=len(levels))
    groups = [[times[(right == kind) & (index == place)] for place in range(len(levels))] for kind in (1, 0)]
    n, mean, ci, median, median_ci = (
        np.array([[one(group) for group in row] for row in groups])
        for one in (len, _mean, _mean_interval, _median, _median_interval)
    )
    fit, errors = _fit(levels, groups[0])
    falling = trend(values[right == 1], times[right == 1], alternative="less")
    line = _line(values[right == 1], times[right == 1])
    return Chronometric(
        levels,
        n,
        missing,
        mean,
        ci,
        median,
        median_ci,
        float(fit[0]),
        float(fit[1]),
        float(fit[2]),
        float(errors[0]),
        float(errors[1]),
        float(errors[2]),
        bool(np.isfinite(fit).all()),
        falling.rho,
        falling.p_value,
        *line,
        int(np.count_nonzero(answered & np.isnan(right))),
    )


def _mean(group: Float[np.ndarray, "n"]) -> float:
    return float(group.mean()) if group.size else np.nan


def _median(group: Float[np.ndarray, "n"]) -> float:
    return float(np.median(group)) if group.size else np.nan


def _mean_interval(group: Float[np.ndarray, "n"]) -> tuple[float, float]:
    if group.size < 2:
        return np.nan, np.nan
    half = float(stats.t.ppf(0.975, group.size - 1) * group.std(ddof=1) / np.sqrt(group.size))
    return float(group.mean()) - half, float(group.mean()) + half


def _median_interval(group: Float[np.ndarray, "n"]) -> tuple[float, float]:
    """Order statistics: the r-th smallest and r-th largest, with ``P(Binomial(n, 1/2) < r) <= 0.025``."""
    below = int(stats.binom.ppf(0.025, group.size, 0.5)) if group.size else 0
    # ppf gives the first count whose cumulative probability is at least 0.025: one less is still below it.
    if below < 1:
        return np.nan, np.nan
    ordered = np.sort(group)
    return float(ordered[below - 1]), float(ordered[-below])


def _line(strength: Float[np.ndarray, "n"], times: Float[np.ndarray, "n"]) -> tuple[float, float]:
    """Slope of the reaction time against log2 of the strength, and its p."""
    strength, times = strength[strength > 0], times[strength > 0]
    if times.size < 3 or np.ptp(times) == 0.0 or np.ptp(strength) == 0.0:
        return np.nan, np.nan
    found = stats.linregress(np.log2(strength), times)
    return float(found.slope), float(found.pvalue)


def _tanh_ratio(x: Float[np.ndarray, "L"]) -> Float[np.ndarray, "L"]:
    """``tanh(x) / x``, 1 at 0."""
    return np.divide(np.tanh(x), x, out=np.ones_like(x), where=x != 0.0)


def _fit(
    levels: Float[np.ndarray, "L"], groups: list[Float[np.ndarray, "_"]]
) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
    """(A, k, t0) and their standard errors; NaN where the means do not determine them."""
    unknown = np.full(3, np.nan)
    used: Bool[np.ndarray, L] = np.array([group.size > 0 for group in groups])
    c, means = levels[used], np.array([group.mean() for group in groups if group.size])
    if c.size < 3:
        return unknown, unknown
    error, known = _standard_errors([group for group in groups if group.size])

    def curve(log_rate: float) -> _Curve:
        return _amplitude_and_offset(_tanh_ratio(np.exp(log_rate) * c), means, error)

    # t(c) = D tanh(g c) / (g c) + t0 with g = A k and D = A^2 is linear in D and t0.
    grid = np.linspace(np.log(0.01 / c[-1]), np.log(100.0 / c[c > 0][0]), 200)
    chi2 = np.array([curve(value).chi2 for value in grid])
    place = int(chi2.argmin())
    if place in (0, grid.size - 1):
        return unknown, unknown
    found = optimize.minimize_scalar(
        lambda value: curve(value).chi2, bounds=(grid[place - 1], grid[place + 1]), method="bounded"
    )
    best = curve(float(found.x))
    if not best.amplitude > 0.0 or best.chi2 > min(chi2[0], chi2[-1]) - _FLAT:
        return unknown, unknown
    bound = np.sqrt(best.amplitude)
    fit = np.array([bound, np.exp(found.x) / bound, best.offset])
    return fit, _parameter_errors(fit, c, error) if known else unknown


def _standard_errors(groups: list[Float[np.ndarray, "_"]]) -> tuple[Float[np.ndarray, "L"], bool]:
    """Standard error of each mean, and whether it is known at all; otherwise levels count by trials."""
    n = np.array([group.size for group in groups])
    squares = np.array([np.sum((group - group.mean()) ** 2) for group in groups])
    freedom = int((n - 1).sum())
    pooled = np.sqrt(squares.sum() / freedom) if freedom > 0 else 0.0
    if not pooled > 0.0:
        return 1.0 / np.sqrt(n), False
    own = np.sqrt(squares / np.maximum(n - 1, 1))
    sd = np.where((n >= _FEW) & (own > 0.0), own, pooled)
    return sd / np.sqrt(n), True


def _amplitude_and_offset(
    shape: Float[np.ndarray, "L"], means: Float[np.ndarray, "L"], error: Float[np.ndarray, "L"]
) -> _Curve:
    """Weighted least squares of ``means = D shape + t0`` with D >= 0."""
    weight = error**-2 / np.sum(error**-2)
    centred, mean = shape - weight @ shape, weight @ means
    amplitude = max(float(weight @ (centred * means) / (weight @ centred**2)), 0.0)
    offset = float(mean - amplitude * (weight @ shape))
    return _Curve(float(np.sum(((means - amplitude * shape - offset) / error) ** 2)), amplitude, offset)


def _parameter_errors(
    fit: Float[np.ndarray, "3"], c: Float[np.ndarray, "L"], error: Float[np.ndarray, "L"]
) -> Float[np.ndarray, "3"]:
    """Square roots of the diagonal of ``(J' W J)^-1``, J the derivatives of the curve with respect to (A, k, t0)."""
    bound, k, _ = fit
    x = bound * k * c
    ratio, fall = _tanh_ratio(x), np.cosh(np.clip(x, -350.0, 350.0)) ** -2.0
    jacobian = np.stack([bound * (ratio + fall), bound**2 / k * (fall - ratio), np.ones_like(c)], axis=1)
    scaled = jacobian / error[:, None]
    return np.sqrt(np.clip(np.diag(np.linalg.pinv(scaled.T @ scaled, hermitian=True)), 0.0, None))
