"""Intrinsic timescales: durations of a unit's fluctuations around its mean."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy import optimize

from .._numbers import real
from ._arrays import Rates, Span, as_dt, as_rates, as_span, require_finite

_FEWEST_LAGS = 4
_GRID = 60


class Timescales(NamedTuple):
    """Exponential fits to the autocorrelation of N units over trials; L lags.

    Attributes
    ----------
    tau : (N,) float
        Timescale of each unit, ms; NaN where there is no fit.
    amplitude, offset : (N,) float
        A and B of ``R(lag) = A exp(-lag / tau) + B``.
    r_squared : (N,) float
        Fraction of the variance of R over lags that the fit explains, lags weighted as in the fit.
    population_tau : float
        Timescale of the autocorrelation averaged over units, ms.
    population_amplitude, population_offset, population_r_squared : float
        Other results of the population fit.
    autocorrelation : (L, N) float
        R of each unit; NaN at lags at which it has no pair of steps that vary over trials.
    lags : (L,) float
        Lags from one step on, ms.
    n_failed : int
        Units without a fit: constant ones, those whose autocorrelation does not fall, and those for which the search
        for tau ends at its bounds (a tenth of a step, ten windows).
    n_constant : (N,) int
        Number of steps of each unit left out because all trials are equal, such as the first one of a network that
        starts from one state.
    """

    tau: Float[np.ndarray, "N"]
    amplitude: Float[np.ndarray, "N"]
    offset: Float[np.ndarray, "N"]
    r_squared: Float[np.ndarray, "N"]
    population_tau: float
    population_amplitude: float
    population_offset: float
    population_r_squared: float
    autocorrelation: Float[np.ndarray, "L N"]
    lags: Float[np.ndarray, "L"]
    n_failed: int
    n_constant: Int[np.ndarray, "N"]


def timescales(
    rates: Rates,
    dt: float | int,
    *,
    window: Span = None,
    max_lag: float | int | None = None,
) -> Timescales:
    """Fit the decay of each unit's autocorrelation over trials.

    Parameters
    ----------
    rates : (T, B, N) array
        Firing rates, time-major; trials of the same condition, at least three. Different conditions are signal that
        does not decay: analyse them separately, or subtract their averages first.
    dt : float
        Step, ms.
    window : (start, stop) or slice, optional
        Steps of the period to analyse, such as the fixation before a stimulus; None takes all.
    max_lag : float, optional
        Longest lag of the fit, ms; None takes all that the window has.

    Returns
    -------
    Timescales

    Raises
    ------
    ValueError
        If shapes do not match, rates are not finite, the window has fewer than five steps, `max_lag` fewer than four,
        or there are fewer than three trials.

    Notes
    -----
    Murray et al. (2014), Nat Neurosci 17:1661: R(lag) is the correlation over trials of a unit's rates at two steps,
    averaged over all pairs of steps that far apart; the fit starts at one step, since lag 0 contains all fast noise. A
    step at which all trials are equal has no correlation and is left out. Lags are weighted by their number of pairs.
    For each tau, A and B are the least-squares solution; tau is searched on a grid and then refined.

    In a short window with few trials, the offset B can hardly be distinguished from a slow decay, so that estimates
    scatter widely and unevenly: most are too short, some far too long. For units of one Ornstein-Uhlenbeck process,
    windows of 10, 5, 2 and 1 tau gave medians of 0.98, 1.04, 0.90 and 0.90 tau with deviations of 0.11, 0.18, 0.47 and
    0.51 tau between units for 100 trials, and of 1.01, 0.97, 1.04 and 1.01 tau with 0.07, 0.08, 0.16 and 0.29 tau for
    500. The mean of a short window is not removed, which is what shortens timescales found within single trials. Slow
    changes from trial to trial, and trials of several conditions, raise B and, if they are not constant, tau.

    Examples
    --------
    >>> import numpy as np
    >>> rng, rates = np.random.default_rng(0), np.zeros((60, 400, 3))
    >>> for step in range(1, 60):
    ...     rates[step] = 0.8 * rates[step - 1] + 0.6 * rng.normal(size=(400, 3))
    >>> result = timescales(rates, 10.0, window=(20, 60))  # tau = -10 ms / log(0.8) = 44.8 ms
    >>> bool(abs(result.population_tau / 44.8 - 1) < 0.1)
    True
    """
    values, step = as_rates(rates), as_dt(dt)
    start, stop = as_span(window, len(values), fewest=_FEWEST_LAGS + 1)
    values = values[start:stop]
    require_finite("rates", values)
    if values.shape[1] < 3:
        raise ValueError(
            f"`rates` must have at least 3 trials, ideally 100; got {values.shape[1]}. Correlations are over trials."
        )
    longest = len(values) - 1
    if max_lag is not None:
        # NaN, infinity and numbers too large for an int are out of range
        longest = int(np.nan_to_num(np.floor(real(max_lag, "`max_lag`") / step + 1e-9), posinf=len(values)))
    if not _FEWEST_LAGS <= longest < len(values):
        raise ValueError(
            f"`max_lag` must be {_FEWEST_LAGS * step:g} to {(len(values) - 1) * step:g} ms, within the window; got "
            f"{max_lag}. A window of several timescales is needed."
        )
    lags = np.arange(1, longest + 1) * step
    found = [_autocorrelation(unit, longest) for unit in np.moveaxis(values, 2, 0)]
    correlation, pairs = np.stack([one for one, _, _ in found], axis=1), np.stack([n for _, n, _ in found], axis=1)
    fits = np.array([_fit(lags, one, n.astype(float)) for one, n in zip(correlation.T, pairs.T, strict=True)])
    n_units = (pairs > 0).sum(axis=1)
    mean = np.divide(np.nansum(correlation, axis=1), n_units, out=np.full(longest, np.nan), where=n_units > 0)
    tau, amplitude, offset, quality = fits.T.copy()
    n_failed = int(np.count_nonzero(np.isnan(tau)))
    population = _fit(lags, mean, pairs.sum(axis=1).astype(float))
    n_constant = np.array([constant for _, _, constant in found])
    return Timescales(tau, amplitude, offset, quality, *population, correlation, lags, n_failed, n_constant)


def _autocorrelation(
    unit: Float[np.ndarray, "T B"], longest: int
) -> tuple[Float[np.ndarray, "L"], Int[np.ndarray, "L"], int]:
    """Return the correlation over trials of pairs of steps, averaged at each lag from 1 on, and the number of pairs.

    The last value is the number of steps without a correlation, where all trials are equal.
    """
    centred = unit - unit.mean(axis=1, keepdims=True)
    size = np.sqrt(np.mean(centred**2, axis=1))
    varies = size > 1e-12 * np.abs(unit).max()
    scaled = np.divide(centred, size[:, None], out=np.zeros_like(centred), where=varies[:, None])
    products, both = scaled @ scaled.T / unit.shape[1], np.outer(varies, varies)
    total = np.array([np.diagonal(products, lag).sum() for lag in range(1, longest + 1)])
    n = np.array([np.count_nonzero(np.diagonal(both, lag)) for lag in range(1, longest + 1)])
    mean = np.divide(total, n, out=np.full(longest, np.nan), where=n > 0)
    return mean, n, int(np.count_nonzero(~varies))


def _fit(
    lags: Float[np.ndarray, "L"], values: Float[np.ndarray, "L"], weights: Float[np.ndarray, "L"]
) -> tuple[float, float, float, float]:
    """Return tau, A, B and R^2 of ``A exp(-lag / tau) + B``; NaN where there is no fit."""
    none = (np.nan, np.nan, np.nan, np.nan)
    known = np.isfinite(values)
    if np.count_nonzero(known) < _FEWEST_LAGS:
        return none
    lags, values, weights = lags[known], values[known], weights[known]
    bounds = np.log(lags[0] / 10.0), np.log(10.0 * lags[-1])
    grid = np.linspace(*bounds, _GRID)
    errors = [_solve(np.exp(one), lags, values, weights)[2] for one in grid]
    best = int(np.argmin(errors))
    if best in (0, _GRID - 1):
        return none
    found = optimize.minimize_scalar(
        lambda one: _solve(np.exp(one), lags, values, weights)[2],
        bounds=(grid[best - 1], grid[best + 1]),
        method="bounded",
        options={"xatol": 1e-8},
    )
    amplitude, offset, error = _solve(float(np.exp(found.x)), lags, values, weights)
    spread = float(np.sum(weights * (values - np.average(values, weights=weights)) ** 2))
    if amplitude <= 0.0 or spread == 0.0:
        return none
    return float(np.exp(found.x)), amplitude, offset, 1.0 - error / spread


def _solve(
    tau: float, lags: Float[np.ndarray, "L"], values: Float[np.ndarray, "L"], weights: Float[np.ndarray, "L"]
) -> tuple[float, float, float]:
    """Solve weighted least squares for A and B at a given tau; return also the squared error."""
    shape = np.exp(-lags / tau)
    x, y = shape - np.average(shape, weights=weights), values - np.average(values, weights=weights)
    power = float(np.sum(weights * x**2))
    amplitude = float(np.sum(weights * x * y)) / power if power > 0.0 else 0.0
    offset = float(np.average(values, weights=weights) - amplitude * np.average(shape, weights=weights))
    return amplitude, offset, float(np.sum(weights * (y - amplitude * x) ** 2))
