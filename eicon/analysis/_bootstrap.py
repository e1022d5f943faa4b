"""Intervals of the parameters of any fit, by resampling trials."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Shaped
from numpy.typing import ArrayLike

from .._key import as_generator
from .._numbers import whole

_MAX_FAILED = 0.05


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
        Percentiles 2.5 and 97.5 over them; NaN if more than 5 % do not determine the fit, since these would be
        beyond one end or the other.
    samples : (R, P) float
        Parameters of each resampled data set; NaN where it does not determine the fit.
    n_failed : int
        Number of those.
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
        Source of the resampling, or its seed. A Generator moves on.
    strata : (B,) array, optional
        Trials are exchanged only within equal labels. None takes the first array, usually the strength of the
        stimulus, so that every data set has as many trials of each level.
    n_resamples : int
        Number R of data sets.

    Returns
    -------
    Bootstrap

    Raises
    ------
    ValueError
        If arrays differ in length, a parameter is not a number, `n_resamples` < 2, or `fit` refuses the data
        themselves.

    Notes
    -----
    Percentile intervals, Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.

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
    data = [np.asarray(array) for array in arrays]
    if not data or any(array.ndim < 1 or len(array) != len(data[0]) or not len(array) for array in data):
        raise ValueError(
            f"the arrays must have one entry per trial, in the same number; got {[a.shape for a in data]}. "
            "Time-major arrays (T, B, N) must be turned so that trials come first."
        )
    if n_resamples < 2:
        raise ValueError(f"`n_resamples` must be at least 2, better 1000; got {n_resamples}.")
    groups = _groups(data[0] if strata is None else np.asarray(strata), len(data[0]))
    estimate = _numbers(fit(*data), parameters)
    samples = np.full((n_resamples, len(parameters)), np.nan)
    for sample in samples:
        drawn = np.concatenate([group[generator.integers(0, group.size, group.size)] for group in groups])
        try:
            result = fit(*(array[drawn] for array in data))
        except ValueError:
            continue
        if getattr(result, "converged", True):
            sample[:] = _numbers(result, parameters)
    known = samples[np.isfinite(samples).all(axis=1)]
    n_failed = n_resamples - len(known)
    se = known.std(axis=0, ddof=1) if len(known) > 1 else np.full(len(parameters), np.nan)
    ci = np.full((len(parameters), 2), np.nan)
    if n_failed <= _MAX_FAILED * n_resamples:
        ci = np.percentile(known, [2.5, 97.5], axis=0).T
    return Bootstrap(tuple(parameters), estimate, se, ci, samples, n_failed)


def _groups(labels: Shaped[np.ndarray, "*B"], n_trials: int) -> list[np.ndarray]:
    """Trials of each stratum."""
    if labels.shape != (n_trials,):
        raise ValueError(
            f"`strata` must have shape (B,) = ({n_trials},), one label per trial; got {labels.shape}. "
            "The first array is used if it is not given."
        )
    _, index = np.unique(labels, return_inverse=True)
    return [np.flatnonzero(index == value) for value in range(index.max() + 1)]


def _numbers(result: Any, parameters: Sequence[str]) -> Float[np.ndarray, "P"]:
    values = []
    for name in parameters:
        value = np.asarray(getattr(result, name, None))
        if value.ndim != 0 or not np.issubdtype(value.dtype, np.number):
            raise ValueError(
                f"`parameters` must name numbers in the result of the fit; got {name!r}, which is none. "
                f"The result is a {type(result).__name__}."
            )
        values.append(float(value))
    return np.array(values)
