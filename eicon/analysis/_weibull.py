"""Accuracy against the strength of the evidence: fractions correct with intervals, and a Weibull fit."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from ._arrays import as_correct, as_flag, as_strength, plain
from ._binomial import (
    MAX_LAPSE,
    MIN_LAPSE,
    Fit,
    Terms,
    aggregated,
    candidates,
    counts,
    maximise,
    profile_intervals,
    refuse_fractions,
    simplest,
    standard_errors,
    wilson,
)

# Beyond this exponent, the probability of an error is the lapse rate to machine precision.
_MAX_EXPONENT = 20.0
Bounds = tuple[float, float, float]


class Weibull(NamedTuple):
    """Accuracy against unsigned strength, with two choices.

    The fitted curve is ``p(c) = 1 - lapse - (0.5 - lapse) exp(-(c / threshold)^slope)``.

    Attributes
    ----------
    levels : (L,) float
        Distinct strengths, ascending, in the unit of the input.
    n : (L,) int
        Trials at each level.
    p : (L,) float
        Fraction of correct trials.
    ci : (L, 2) float
        Wilson 95 % interval of `p`, lower and upper (Wilson 1927, J Am Stat Assoc 22:209).
    threshold : float
        alpha: strength at which, without lapses, ``1 - 0.5 / e`` = 0.816 are correct. Same unit as the levels.
    slope : float
        beta: steepness on a logarithmic axis of strength.
    lapse : float
        Error rate at overwhelming evidence; 0 unless it was fitted.
    threshold_se, slope_se : float
        Standard errors from the Fisher information, with that of the lapse rate where it was fitted, even if it is
        0; NaN if not `converged`. For intervals use `threshold_ci` and `slope_ci`: both estimates are skewed.
    log_likelihood : float
        ``sum_k n_k (p_k log p(c_k) + (1 - p_k) log(1 - p(c_k)))`` at the fit.
    converged : bool
        False if the data do not determine the fit: a step (`slope` at its upper bound, ``20 / log`` of the smallest
        ratio of neighbouring strengths) or no increase at all (at its lower bound, ``0.05 / log`` of the largest).
    lapse_fitted : bool
        Whether a lapse rate was fitted.
    n_left_out : int
        Trials that are neither right nor wrong.
    """

    levels: Float[np.ndarray, "L"]
    n: Int[np.ndarray, "L"]
    p: Float[np.ndarray, "L"]
    ci: Float[np.ndarray, "L 2"]
    threshold: float
    slope: float
    lapse: float
    threshold_se: float
    slope_se: float
    log_likelihood: float
    converged: bool
    lapse_fitted: bool
    n_left_out: int

    @property
    def threshold_ci(self) -> Float[np.ndarray, "2"]:
        """95 % interval of `threshold` by the profile likelihood, computed on access.

        0 or infinite at an end that the data do not determine, as for a curve that hardly rises.
        """
        return np.exp(self._intervals()[0])

    @property
    def slope_ci(self) -> Float[np.ndarray, "2"]:
        """95 % interval of `slope` by the profile likelihood, computed on access.

        From 0 where a flat line is not excluded, to infinity where a step is not.
        """
        return np.exp(self._intervals()[1])

    def _intervals(self) -> Float[np.ndarray, "2 2"]:
        theta, free = np.log([self.threshold, self.slope]), 3 if self.lapse_fitted else 2
        if self.lapse_fitted:
            theta = np.append(theta, max(self.lapse, MIN_LAPSE))
        low, high = _bounds(self.levels)
        return profile_intervals(
            lambda values: _terms(self.levels, values), self.n, self.p * self.n, theta, low[:free], high[:free]
        )

    def predict(self, strength: ArrayLike | float | int) -> np.ndarray:
        """Return the fitted probability of a correct choice at any strength >= 0, elementwise."""
        levels = np.asarray(strength, dtype=np.float64)
        parameters = np.log([[self.threshold, self.slope]])
        if self.lapse > 0.0:
            parameters = np.column_stack([parameters, [[self.lapse]]])
        return np.exp(_terms(levels.reshape(-1), parameters).log_p).reshape(levels.shape)

    @property
    def is_monotone(self) -> bool:
        """True if `p` never decreases with strength."""
        return bool((np.diff(self.p) >= 0.0).all())


def weibull(strength: ArrayLike, correct: ArrayLike, *, n: ArrayLike | None = None, lapse: bool = False) -> Weibull:
    """Compute the fraction correct per strength of evidence, and fit a Weibull curve by maximum likelihood.

    Parameters
    ----------
    strength : (B,) array
        Strength of the evidence in each trial, >= 0 in any unit, such as the modulus of a signed coherence. Values that
        differ by less than a millionth of their range count as one level.
    correct : (B,) array of bool or 0/1
        Whether the choice was right; NaN leaves a trial out. With `n`, the number of right choices.
    n : (B,) array of int, optional
        Trials at each entry, for counted trials.
    lapse : bool
        Fit a lapse rate in [0, 0.4] too.

    Returns
    -------
    Weibull

    Raises
    ------
    ValueError
        If shapes do not match, a strength is negative or not finite, or fewer than two positive levels have trials.

    Notes
    -----
    Quick (1974), Kybernetik 16:65; binomial maximum likelihood as in Wichmann & Hill (2001), Percept Psychophys
    63:1293. Strength 0 enters the likelihood, but is at chance whatever the parameters are.

    Examples
    --------
    >>> strength = np.repeat([2.0, 8.0, 32.0], 20)
    >>> correct = np.concatenate([np.arange(20) < right for right in (11, 15, 20)])
    >>> result = weibull(strength, correct)
    >>> result.p.tolist(), result.converged, round(float(result.predict(result.threshold)), 3)
    ([0.55, 0.75, 1.0], True, 0.816)
    """
    lapse, values = as_flag("lapse", lapse, " A lapse rate is fitted, not given."), as_strength(strength)
    if n is None:
        given = plain("correct", correct)
        if given.dtype.kind == "f":
            refuse_fractions("correct", given)
        right = as_correct(given, values.size)
        counted = counts(values, right == 1, ~np.isnan(right))
    else:
        counted = aggregated(values, "correct", correct, n)
    levels, total, k, n_left_out = counted
    if np.count_nonzero(levels > 0) < 2:
        raise ValueError(
            f"`strength` must have at least 2 positive levels among trials that count; got {levels.tolist()}. "
            "All trials may be left out, or there is one level of evidence only."
        )
    fit = _fit(levels, total, k, lapse)
    threshold, slope = (float(value) for value in np.exp(fit.theta[:2]))
    rate = float(fit.theta[2]) if fit.theta.size == 3 else 0.0
    threshold_se, slope_se = np.nan, np.nan
    if fit.converged:
        # As in `psychometric`: at a lapse rate of 0, its error would be 0.
        theta = np.append(fit.theta[:2], max(rate, 0.5 / total.sum())) if lapse else fit.theta
        errors = standard_errors(lambda values: _terms(levels, values), theta, total)
        threshold_se, slope_se = float(errors[0]) * threshold, float(errors[1]) * slope
    return Weibull(
        levels,
        total,
        k / total,
        wilson(k, total),
        threshold,
        slope,
        rate,
        threshold_se,
        slope_se,
        fit.value,
        fit.converged,
        lapse,
        n_left_out,
    )


def _terms(levels: Float[np.ndarray, "L"], theta: Float[np.ndarray, "S P"]) -> Terms:
    """Curves with the parameters (log threshold, log slope[, lapse])."""
    slope = np.exp(theta[:, 1:2])
    lapse = theta[:, 2:3] if theta.shape[1] == 3 else np.zeros_like(slope)
    log_levels = np.log(levels, out=np.full_like(levels, -np.inf), where=levels > 0.0)
    exponent = np.clip(slope * (log_levels - theta[:, :1]), -700.0, _MAX_EXPONENT)
    power = np.exp(exponent)
    guess = np.log(0.5 - lapse) - power  # logarithm of the probability of an error without a lapse
    floor = np.log(lapse, out=np.full_like(lapse, -np.inf), where=lapse > 0.0)
    log_q = np.logaddexp(floor, guess)
    log_p = np.log1p(-np.exp(log_q))
    fall = np.exp(guess + exponent)  # -dq / d exponent
    by_p_exponent, by_q_exponent = fall * np.exp(-log_p), -np.exp(guess + exponent - log_q)
    by_p, by_q = ([-slope * one, exponent * one] for one in (by_p_exponent, by_q_exponent))
    if theta.shape[1] == 3:
        more = -np.expm1(-power)
        by_p.append(-more * np.exp(-log_p))
        by_q.append(more * np.exp(-log_q))
    return Terms(log_p, log_q, np.stack(by_p, axis=1), np.stack(by_q, axis=1))


def _slope_bounds(levels: Float[np.ndarray, "L"]) -> tuple[float, float]:
    places = np.log(levels[levels > 0])
    return 0.05 / float(np.ptp(places)), 20.0 / float(np.diff(places).min())


def _bounds(levels: Float[np.ndarray, "L"]) -> tuple[Bounds, Bounds]:
    """Return the smallest and largest (log threshold, log slope, lapse)."""
    places, margin = np.log(levels[levels > 0]), float(np.log(1e3))
    shallow, steep = np.log(_slope_bounds(levels))
    return (float(places[0]) - margin, float(shallow), MIN_LAPSE), (float(places[-1]) + margin, float(steep), MAX_LAPSE)


def _fit(levels: Float[np.ndarray, "L"], n: Int[np.ndarray, "L"], k: Float[np.ndarray, "L"], lapse: bool) -> Fit:
    """Select the best of a flat line (slope -> 0), a step (slope -> infinity) and the curves between them."""
    places = np.log(levels[levels > 0])
    low, high = _bounds(levels)
    span = places[-1] - places[0]
    starts = np.array(
        [
            [place, np.log(slope), rate]
            for rate in (0.02, 0.2)
            for place in np.linspace(places[0] - span / 4, places[-1] + span / 4, 5)
            for slope in (0.5, 1.5, 5.0, 15.0)
        ]
    )
    fits = [_best_flat(levels, n, k)]
    for lapses in (False, True) if lapse else (False,):
        free = 3 if lapses else 2
        some = starts[: 20 * (free - 1), :free]
        fits.append(_best_step(levels, n, k, lapses))
        fits.append(maximise(lambda theta: _terms(levels, theta), n, k, some, low[:free], high[:free]))
    return simplest(fits)


def _best_step(levels: Float[np.ndarray, "L"], n: Int[np.ndarray, "L"], k: Float[np.ndarray, "L"], lapse: bool) -> Fit:
    """Most likely curve of the largest slope: chance up to a level, without errors (but lapses) beyond."""
    places = np.log(levels[levels > 0])
    _, steep = _slope_bounds(levels)
    gap = 20.0 / steep
    edges = np.concatenate([[places[0] - gap / 2], (places[1:] + places[:-1]) / 2, [places[-1] + gap / 2]])
    positive = levels > 0
    total, wrong = n[positive], (n - k)[positive]
    thetas = []
    for place in (*edges, *places):
        beyond, at, rate, shift = places > place, places == place, [], 0.0
        if lapse:
            rate.append(float(np.clip(wrong[beyond].sum() / max(total[beyond].sum(), 1), MIN_LAPSE, MAX_LAPSE)))
        if at.any():
            # Through a level, the step is moved so that the curve has the fraction found there.
            left = (float((wrong / total)[at][0]) - sum(rate)) / (0.5 - sum(rate))
            shift = float(np.log(-np.log(np.clip(left, 1e-12, 1.0 - 1e-12)))) / steep
        thetas.append([place - shift, np.log(steep), *rate])
    return candidates(lambda theta: _terms(levels, theta), n, k, np.array(thetas))


def _best_flat(levels: Float[np.ndarray, "L"], n: Int[np.ndarray, "L"], k: Float[np.ndarray, "L"]) -> Fit:
    """Most likely curve of the smallest slope: nearly the overall fraction at every level, chance or above."""
    places = np.log(levels[levels > 0])
    shallow, _ = _slope_bounds(levels)
    positive = levels > 0
    wrong = float(np.clip(1.0 - k[positive].sum() / n[positive].sum(), 0.01, 0.49))
    place = float(np.clip(places.mean() - np.log(-np.log(2.0 * wrong)) / shallow, -700.0, 700.0))
    return candidates(lambda theta: _terms(levels, theta), n, k, np.array([[place, np.log(shallow)]]))
