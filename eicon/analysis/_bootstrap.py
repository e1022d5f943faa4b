"""Intervals of the parameters of any fit, by resampling trials."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Shaped
from numpy.typing import ArrayLike
from scipy import special

from .._key import as_generator
from .._numbers import whole
from ._arrays import levels_of, plain

_MAX_FAILED = 0.05
_MOST_PARTS = 50
"""Parts of the data that are left out in turn."""
_TAILS = special.ndtri([0.025, 0.975])


class Bootstrap(NamedTuple):
    """Parameters of a fit and how they vary over R resampled data sets; P parameters.

    Attributes
    ----------
    names : (P,) tuple of str
        The parameters.
    estimate : (P,) float
        Fitted to the data as they are.
    se : (P,) float
        Standard deviation over the resampled data sets that determine the fit; NaN for fewer than two.
    ci : (P, 2) float
        95 % interval, bias-corrected and accelerated (BCa): percentiles of `samples`, chosen to correct for a skewed
        or biased estimate. NaN if more than 5 % do not determine the fit, since these could lie beyond either end.
    samples : (R, P) float
        Parameters of each resampled data set; NaN where it does not determine the fit.
    n_failed : int
        Number of resampled data sets that do not determine the fit.
    """

    names: tuple[str, ...]
    estimate: Float[np.ndarray, "P"]
    se: Float[np.ndarray, "P"]
    ci: Float[np.ndarray, "P 2"]
    samples: Float[np.ndarray, "R P"]
    n_failed: int


def bootstrap(
    fit: Callable[..., Any],
    *arrays: ArrayLike,
    parameters: Sequence[str],
    rng: np.random.Generator | int | float,
    strata: ArrayLike | None = None,
    n_resamples: int | float = 1000,
) -> Bootstrap:
    """Resample trials with replacement and fit again, for the intervals of any fit.

    Parameters
    ----------
    fit : callable
        Called with the resampled arrays; returns something with the parameters as attributes, for instance
        `psychometric`, `weibull` or `chronometric`, or a function that calls one with options. A result whose
        `converged` is False, or a ValueError, counts as a data set that does not determine the fit.
    *arrays : (B, ...) arrays
        Data of the fit, one entry per trial.
    parameters : sequence of str
        Names of the numbers taken from the result, such as ``("bias", "width")``.
    rng : numpy Generator or int
        Source of the resampling, or its seed. A Generator is advanced.
    strata : (B,) array, optional
        Trials are exchanged only within equal labels, such as sessions, so that every data set has the same number of
        each. Labels with a single trial, which could not vary, are pooled into one stratum. A stratum of m trials
        varies too little by a factor of ``sqrt((m - 1) / m)``: use few, large strata, not the levels of a stimulus.
        None exchanges all trials.
    n_resamples : int
        Number R of data sets.

    Returns
    -------
    Bootstrap

    Raises
    ------
    ValueError
        If arrays differ in length, a parameter is not a number, `n_resamples` < 2, or `fit` rejects the data
        themselves.

    Notes
    -----
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, section 14.3, with the acceleration from leaving out up
    to 50 random parts of the trials in turn, which takes up to 50 further fits. The coverage of such intervals is
    measured in ``docs/results/calibration.md``.

    Trials must be independent. If they share noise, as in one slowly drifting session, or are copies of each other,
    resample sessions instead.

    Examples
    --------
    >>> from eicon.analysis import psychometric
    >>> coherence = np.repeat([-10.0, 0.0, 10.0], 40)
    >>> choice = np.tile([1] * 4 + [0], 24)
    >>> choice[80:] = 1 - choice[80:]
    >>> result = bootstrap(psychometric, coherence, choice, parameters=("bias", "width"), rng=0, n_resamples=50)
    >>> bool((result.ci[:, 0] < result.estimate).all()), bool((result.estimate < result.ci[:, 1]).all())
    (True, True)
    """
    n_resamples, generator = whole(n_resamples, "`n_resamples`"), as_generator(rng, "`rng`")
    data = [plain(f"array {place}", array) for place, array in enumerate(arrays)]
    if not callable(fit):
        raise TypeError(f"`fit` must be a function of the arrays; got {type(fit).__name__}.")
    if not data or any(array.ndim < 1 or len(array) != len(data[0]) or not len(array) for array in data):
        raise ValueError(
            f"the arrays must have one entry per trial, in the same number; got {[a.shape for a in data]}. "
            "Transpose time-major arrays (T, B, N) so that trials come first."
        )
    if n_resamples < 2:
        raise ValueError(f"`n_resamples` must be at least 2 (1000 is typical); got {n_resamples}.")
    n_trials = len(data[0])
    groups = [np.arange(n_trials)] if strata is None else _groups(plain("strata", strata), n_trials)
    estimate = _numbers(fit(*data), parameters)
    samples = np.full((n_resamples, len(parameters)), np.nan)
    for sample in samples:
        drawn = np.concatenate([group[generator.integers(0, group.size, group.size)] for group in groups])
        sample[:] = _refitted(fit, data, drawn, parameters)
    known = samples[np.isfinite(samples).all(axis=1)]
    n_failed = n_resamples - len(known)
    se = known.std(axis=0, ddof=1) if len(known) > 1 else np.full(len(parameters), np.nan)
    ci = np.full((len(parameters), 2), np.nan)
    if n_failed <= _MAX_FAILED * n_resamples:
        parts = np.array_split(generator.permutation(n_trials), min(n_trials, n_resamples, _MOST_PARTS))
        without = [_refitted(fit, data, np.delete(np.arange(n_trials), part), parameters) for part in parts]
        ci = _corrected(estimate, known, np.array(without))
    return Bootstrap(tuple(parameters), estimate, se, ci, samples, n_failed)


def _refitted(
    fit: Callable[..., Any], data: Sequence[np.ndarray], trials: np.ndarray, parameters: Sequence[str]
) -> Float[np.ndarray, "P"]:
    """Parameters of a fit to some of the trials; NaN where these do not determine it."""
    try:
        result = fit(*(array[trials] for array in data))
    except ValueError:
        return np.full(len(parameters), np.nan)
    return _numbers(result, parameters) if getattr(result, "converged", True) else np.full(len(parameters), np.nan)


def _corrected(
    estimate: Float[np.ndarray, "P"], samples: Float[np.ndarray, "R P"], without: Float[np.ndarray, "J P"]
) -> Float[np.ndarray, "P 2"]:
    """Intervals from percentiles that are shifted by the bias of the estimate and by its skewness."""
    below = ((samples < estimate).mean(axis=0) + (samples <= estimate).mean(axis=0)) / 2
    edge = 0.5 / len(samples)
    shift = special.ndtri(np.clip(below, edge, 1.0 - edge))
    influence = np.nan_to_num(np.nanmean(without, axis=0) - without) if np.isfinite(without).any() else 0.0 * without
    size = np.sum(influence**2, axis=0) ** 1.5
    acceleration = np.divide(np.sum(influence**3, axis=0), 6.0 * size, out=np.zeros(size.shape), where=size > 0)
    found = []
    for place, (z, a) in enumerate(zip(shift, acceleration, strict=True)):
        moved = z + (z + _TAILS) / np.maximum(1.0 - a * (z + _TAILS), 1e-3)
        found.append(np.quantile(samples[:, place], special.ndtr(moved)))
    return np.array(found)


def _groups(labels: Shaped[np.ndarray, "*B"], n_trials: int) -> list[np.ndarray]:
    """Trials of each stratum."""
    if labels.shape != (n_trials,):
        raise ValueError(f"`strata` must have shape (B,) = ({n_trials},), one label per trial; got {labels.shape}.")
    _, index = levels_of(labels)
    groups = [np.flatnonzero(index == value) for value in range(-1, index.max() + 1)]
    single = [group for group in groups if group.size == 1]
    pooled = [np.concatenate(single)] if single else []
    return pooled + [group for group in groups if group.size > 1]


def _numbers(result: Any, parameters: Sequence[str]) -> Float[np.ndarray, "P"]:
    values = []
    for name in parameters:
        value = np.asarray(getattr(result, name, None))
        if value.ndim != 0 or not np.issubdtype(value.dtype, np.number):
            raise ValueError(
                f"`parameters` must name numbers in the result of the fit; got {name!r}, which is not a number. "
                f"The result is a {type(result).__name__}."
            )
        values.append(float(value))
    return np.array(values)
