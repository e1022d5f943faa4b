"""Psychometric curves: choice fractions with intervals, and a cumulative-Gaussian fit."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike
from scipy import special

from ._arrays import as_choice, as_flag, as_vector, levels_of, numbers, plain, require_finite
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

Bounds = tuple[float, float, float]
_LOG_DENSITY_0 = -0.5 * np.log(2.0 * np.pi)


class Psychometric(NamedTuple):
    """Choices against signed coherence; coherence > 0 is evidence for choice 0.

    The fitted curve is ``p(c) = lapse + (1 - 2 lapse) Phi((c - bias) / width)``.

    Attributes
    ----------
    levels : (L,) float
        Distinct signed coherences, ascending, in the unit of the input (usually %).
    n : (L,) int
        Trials with a choice at each level.
    p : (L,) float
        Fraction of trials with choice 0 among those with a choice.
    ci : (L, 2) float
        Wilson 95 % interval of `p`, lower and upper (Wilson 1927, J Am Stat Assoc 22:209).
    bias : float
        Coherence at which both choices are equally likely.
    width : float
        Standard deviation of the cumulative Gaussian: small means sensitive. Same unit as the levels.
    lapse : float
        Error rate at overwhelming evidence, the same for both sides; 0 unless it was fitted.
    bias_se, width_se : float
        Standard errors from the Fisher information, with that of the lapse rate where it was fitted, even if it is
        0; NaN if not `converged`. For intervals use `bias_ci` and `width_ci`: estimates of a width are skewed.
    log_likelihood : float
        ``sum_k n_k (p_k log p(c_k) + (1 - p_k) log(1 - p(c_k)))`` at the fit.
    converged : bool
        False if the data do not determine the fit: a step (perfect separation; width then at its lower
        bound, a hundredth of the smallest gap between levels) or no increase at all (width at its upper
        bound, a hundred times the range of levels).
    lapse_fitted : bool
        Whether a lapse rate was fitted.
    n_left_out : int
        Trials without a choice.
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
    lapse_fitted: bool
    n_left_out: int

    @property
    def bias_ci(self) -> Float[np.ndarray, "2"]:
        """95 % interval of `bias` by the profile likelihood, computed on access.

        Infinite at an end that the data do not determine, as for a curve that hardly rises. The other parameters,
        including the lapse rate if it is fitted, are those that suit each bias best.
        """
        return self._intervals()[0]

    @property
    def width_ci(self) -> Float[np.ndarray, "2"]:
        """95 % interval of `width` by the profile likelihood, computed on access.

        From 0 where a step is not excluded, to infinity where a flat line is not. Its coverage is right from 200 trials
        on and nearly so with fewer; see the table in ``docs/results/calibration.md``.
        """
        return np.exp(self._intervals()[1])

    def _intervals(self) -> Float[np.ndarray, "2 2"]:
        middle, span, low, high = _scale(self.levels)
        theta = np.array([(self.bias - middle) / span, np.log(self.width / span)])
        free = 3 if self.lapse_fitted else 2
        if self.lapse_fitted:
            theta = np.append(theta, max(self.lapse, MIN_LAPSE))
        scaled = (self.levels - middle) / span
        found = profile_intervals(
            lambda values: _terms(scaled, values), self.n, self.p * self.n, theta, low[:free], high[:free]
        )
        return found * [[span], [1.0]] + [[middle], [np.log(span)]]

    def predict(self, coherence: ArrayLike | float | int) -> np.ndarray:
        """Return the fitted probability of choice 0 at any signed coherence, elementwise."""
        z = (np.asarray(coherence, dtype=np.float64) - self.bias) / self.width
        return np.asarray(self.lapse + (1.0 - 2.0 * self.lapse) * special.ndtr(z))

    @property
    def is_monotone(self) -> bool:
        """True if `p` never decreases with coherence."""
        return bool((np.diff(self.p) >= 0.0).all())

    @property
    def is_monotone_within_error(self) -> bool:
        """True if `p` at no level is below that at a lower level by more than the 95 % intervals."""
        highest_low = np.maximum.accumulate(self.ci[:, 0])
        return bool((self.ci[1:, 1] >= highest_low[:-1]).all())

    @property
    def follows_evidence(self) -> bool:
        """True if choices rise with the evidence.

        The fitted curve must go from below 1/4 at the lowest level to above 3/4 at the highest, and
        `is_monotone_within_error` must be True.
        """
        lowest, highest = self.predict(self.levels[[0, -1]])
        return self.is_monotone_within_error and bool(lowest < 0.25 and highest > 0.75)


def psychometric(
    coherence: ArrayLike, choice: ArrayLike, *, n: ArrayLike | None = None, lapse: bool = False
) -> Psychometric:
    """Compute the fraction of choice 0 per signed coherence, and fit a cumulative Gaussian by maximum likelihood.

    Parameters
    ----------
    coherence : (B,) array
        Signed coherence of each trial in any unit; positive favours choice 0, negative choice 1.
        Values that differ by less than a millionth of their range count as one level.
    choice : (B,) array of int
        0 or 1; -1 or NaN, no answer, leaves a trial out. With `n`, the number of trials with choice 0.
    n : (B,) array of int, optional
        Trials with a choice at each entry, for counted trials.
    lapse : bool
        Fit a symmetric lapse rate in [0, 0.4] too. Intervals and standard errors then need many trials with strong
        evidence, which alone distinguish lapses from a wide curve.

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
    lapse, signed = as_flag("lapse", lapse, " A lapse rate is fitted, not given."), numbers("coherence", coherence)
    if signed.ndim != 1:
        raise ValueError(f"`coherence` must be (B,), one signed value per trial; got shape {signed.shape}.")
    if n is None:
        answers = plain("choice", choice)
        if answers.dtype.kind == "f":
            refuse_fractions("choice", answers)
        chosen = as_choice(answers, len(signed))
        used = chosen >= 0
        require_finite("coherence", signed[used])
        counted = counts(signed, chosen == 0, used)
    else:
        require_finite("coherence", signed)
        counted = aggregated(signed, "choice", choice, n)
    levels, total, k, n_left_out = counted
    if len(levels) < 2:
        raise ValueError(
            f"`coherence` must have at least 2 levels among trials with a choice; got {len(levels)}. "
            "All trials may be left out, or the coherence is unsigned and constant."
        )
    fit = _fit(levels, total, k, lapse)
    bias, width = float(fit.theta[0]), float(np.exp(fit.theta[1]))
    rate = float(fit.theta[2]) if fit.theta.size == 3 else 0.0
    bias_se, width_se = np.nan, np.nan
    if fit.converged:
        # Without an observed lapse, assume half a lapsed trial: at a lapse rate of 0, its error would be 0.
        theta = np.append(fit.theta[:2], max(rate, 0.5 / total.sum())) if lapse else fit.theta
        errors = standard_errors(lambda values: _terms(levels, values), theta, total)
        bias_se, width_se = float(errors[0]), float(errors[1]) * width
    return Psychometric(
        levels,
        total,
        k / total,
        wilson(k, total),
        bias,
        width,
        rate,
        bias_se,
        width_se,
        fit.value,
        fit.converged,
        lapse,
        n_left_out,
    )


def psychometric_or_none(coherence: ArrayLike, choice: ArrayLike) -> Psychometric | None:
    """`psychometric`; None if fewer than two levels have a choice, as for a network that hardly ever chooses."""
    signed, chosen = as_vector("coherence", coherence), np.asarray(choice)
    answered = chosen >= 0  # a network may always give the same answer, or none
    if levels_of(signed[answered])[0].size < 2:
        return None
    return psychometric(signed[answered], chosen[answered])._replace(n_left_out=int(np.count_nonzero(~answered)))


def _terms(levels: Float[np.ndarray, "L"], theta: Float[np.ndarray, "S P"]) -> Terms:
    """Curves with the parameters (bias, log width[, lapse])."""
    bias, width = theta[:, :1], np.exp(theta[:, 1:2])
    lapse = theta[:, 2:3] if theta.shape[1] == 3 else np.zeros_like(bias)
    z = (levels - bias) / width
    slope = np.log1p(-2.0 * lapse)
    floor = np.log(lapse, out=np.full_like(lapse, -np.inf), where=lapse > 0.0)
    log_p = np.logaddexp(floor, slope + special.log_ndtr(z))
    log_q = np.logaddexp(floor, slope + special.log_ndtr(-z))
    log_density = slope - 0.5 * z**2 + _LOG_DENSITY_0
    by_z_p, by_z_q = np.exp(log_density - log_p), -np.exp(log_density - log_q)
    by_p, by_q = [-by_z_p / width, -by_z_p * z], [-by_z_q / width, -by_z_q * z]
    if theta.shape[1] == 3:
        more = 1.0 - 2.0 * special.ndtr(z)
        by_p.append(more * np.exp(-log_p))
        by_q.append(-more * np.exp(-log_q))
    return Terms(log_p, log_q, np.stack(by_p, axis=1), np.stack(by_q, axis=1))


def _fit(levels: Float[np.ndarray, "L"], n: Int[np.ndarray, "L"], k: Float[np.ndarray, "L"], lapse: bool) -> Fit:
    """Select the best of a step (width -> 0), a flat line (width -> infinity) and the curves between them."""
    fits = [_best_flat(levels, n, k)]
    if _is_step(n, k):
        fits.append(_best_step(levels, n, k, lapse=False))
    fits.append(_interior(levels, n, k, with_lapse=False))
    if lapse:
        fits += [_best_step(levels, n, k, lapse=True), _interior(levels, n, k, with_lapse=True)]
    return simplest(fits)


def _is_step(n: Int[np.ndarray, "L"], k: Float[np.ndarray, "L"]) -> bool:
    """Return True if no level with a success is below one with a failure; otherwise a step is never most likely."""
    successes, failures = np.flatnonzero(k > 0), np.flatnonzero(k < n)
    return not successes.size or not failures.size or bool(successes[0] >= failures[-1])


def _width_bounds(levels: Float[np.ndarray, "L"]) -> tuple[float, float]:
    return float(np.diff(levels).min()) / 100.0, float(np.ptp(levels)) * 100.0


def _scale(levels: Float[np.ndarray, "L"]) -> tuple[float, float, Bounds, Bounds]:
    """Middle and range of levels, and the bounds of (bias, log width, lapse) in units of that range."""
    middle, span = float(levels.mean()), float(np.ptp(levels))
    narrow, wide = (limit / span for limit in _width_bounds(levels))
    return middle, span, (-10.0, float(np.log(narrow)), MIN_LAPSE), (10.0, float(np.log(wide)), MAX_LAPSE)


def _interior(
    levels: Float[np.ndarray, "L"], n: Int[np.ndarray, "L"], k: Float[np.ndarray, "L"], *, with_lapse: bool
) -> Fit:
    """Maximum within bounds, searched with the bias in units of the range of levels."""
    middle, span, low, high = _scale(levels)
    scaled = (levels - middle) / span
    starts = [_line(scaled, n, k), [0.0, np.log(0.1)], [0.0, np.log(0.5)]]
    if with_lapse:
        widths = np.log([0.03, 0.1, 0.3, 1.0])
        starts = [[bias, width, rate] for rate in (0.02, 0.2) for bias in np.linspace(-0.5, 0.5, 5) for width in widths]
    free = len(starts[0])
    found = maximise(lambda theta: _terms(scaled, theta), n, k, np.array(starts), low[:free], high[:free])
    place = np.array([middle + span * found.theta[0], found.theta[1] + np.log(span), *found.theta[2:]])
    return found._replace(theta=place)


def _line(levels: Float[np.ndarray, "L"], n: Int[np.ndarray, "L"], k: Float[np.ndarray, "L"]) -> list[float]:
    """Bias and log width of the line through the quantiles of the fractions, from which the search starts."""
    quantile = special.ndtri((k + 0.5) / (n + 1.0))
    slope, height = np.polyfit(levels, quantile, 1, w=np.sqrt(n))
    slope = max(float(slope), 0.1)
    return [float(np.clip(-height / slope, -1.0, 1.0)), -float(np.log(slope))]


def _best_step(levels: Float[np.ndarray, "L"], n: Int[np.ndarray, "L"], k: Float[np.ndarray, "L"], lapse: bool) -> Fit:
    """Most likely curve of the smallest width: a step between levels, beyond them, or through one."""
    width, _ = _width_bounds(levels)
    gap = 100.0 * width
    edges = np.concatenate([[levels[0] - gap / 2], (levels[1:] + levels[:-1]) / 2, [levels[-1] + gap / 2]])
    thetas = []
    for place in (*edges, *levels):
        rate = [_lapse_beside(levels, n, k, place)] if lapse else []
        thetas.append([_through(levels, n, k, place, width, sum(rate)), np.log(width), *rate])
    return candidates(lambda theta: _terms(levels, theta), n, k, np.array(thetas))


def _lapse_beside(
    levels: Float[np.ndarray, "L"], n: Int[np.ndarray, "L"], k: Float[np.ndarray, "L"], place: float
) -> float:
    """Fraction of choices against a step at `place`, without those at the step itself."""
    wrong = np.where(levels > place, n - k, np.where(levels < place, k, 0.0)).sum()
    return float(np.clip(wrong / max(n[levels != place].sum(), 1), MIN_LAPSE, MAX_LAPSE))


def _through(
    levels: Float[np.ndarray, "L"],
    n: Int[np.ndarray, "L"],
    k: Float[np.ndarray, "L"],
    place: float,
    width: float,
    rate: float,
) -> float:
    """Bias of a step at `place`; if that is a level, the step is moved to have the fraction found there."""
    at = levels == place
    if not at.any():
        return place
    fraction = (float((k / n)[at][0]) - rate) / (1.0 - 2.0 * rate)
    return place - width * float(special.ndtri(np.clip(fraction, 1e-12, 1.0 - 1e-12)))


def _best_flat(levels: Float[np.ndarray, "L"], n: Int[np.ndarray, "L"], k: Float[np.ndarray, "L"]) -> Fit:
    """Most likely curve of the largest width: nearly the overall fraction at every level."""
    _, width = _width_bounds(levels)
    fraction = float(np.clip(k.sum() / n.sum(), 1e-6, 1.0 - 1e-6))
    place = np.array([[float(levels.mean() - width * special.ndtri(fraction)), np.log(width)]])
    return candidates(lambda theta: _terms(levels, theta), n, k, place)
