"""State space of task variables: regression axes (targeted dimensionality reduction)."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import ArrayLike

from .._numbers import whole
from ._arrays import (
    Rates,
    as_labels,
    as_mask,
    as_projected,
    as_rates,
    levels_of,
    named_like,
    require_finite,
    silent_below,
    steps_of,
)
from ._pca import condition_average, pca
from ._regress import as_design, as_regressors, fewest_trials, regress

_DEPENDENT = 1e-6


class RegressionAxes(NamedTuple):
    """Axes of population activity, one per task variable; P regressors, C conditions.

    Z-scored rates are ``z = (rate - mean) * scale``.

    Attributes
    ----------
    names : (P,) tuple of str
        The regressors, in the order in which the axes were made orthogonal.
    axes : (P, N) float
        Orthonormal rows, the Q of ``raw.T = Q R`` with a positive diagonal of R: z grows along an axis as its
        variable grows. The first axis is the first raw one; each further axis is the part of its raw axis orthogonal to
        the earlier ones.
    raw : (P, N) float
        The axes before orthogonalisation: denoised coefficients at `best_step`, scaled to length 1.
    best_step : (P,) int
        The step at which the norm of the denoised coefficients of each variable is largest.
    coefficients : (T, P, N) float
        Regression coefficients of z, in standard deviations per unit of the regressor, before denoising; NaN at steps
        with too few trials.
    norm : (T, P) float
        Norm of the denoised coefficients at each step; NaN likewise.
    independence : (P,) float
        ``R_pp``: length of the orthogonal part of each raw axis, 1 if orthogonal to all earlier ones, near 0 if it lies
        in their span.
    trajectories : (C, T, P) float
        Condition averages on the axes; NaN at steps without a trial of the condition. From a DataArray, one with
        condition, time and axis.
    levels : (C,)
        The conditions, ascending.
    values : (C, P) float
        Mean of each regressor over the trials of a condition.
    explained : (P,) float
        Fraction of the variance of the condition averages (over conditions and steps, all units) along each axis.
    n_pcs : int
        Number of principal components of the condition averages kept in denoising; N without denoising.
    mean, scale : (N,) float
        Mean and 1 / standard deviation of each unit over unmasked steps and trials; scale 0 for silent units.
    """

    names: tuple[str, ...]
    axes: Float[np.ndarray, "P N"]
    raw: Float[np.ndarray, "P N"]
    best_step: Int[np.ndarray, "P"]
    coefficients: Float[np.ndarray, "T P N"]
    norm: Float[np.ndarray, "T P"]
    independence: Float[np.ndarray, "P"]
    trajectories: Float[np.ndarray, "C T P"]
    levels: Shaped[np.ndarray, "C"]
    values: Float[np.ndarray, "C P"]
    explained: Float[np.ndarray, "P"]
    n_pcs: int
    mean: Float[np.ndarray, "N"]
    scale: Float[np.ndarray, "N"]

    def project(self, rates: Rates) -> Any:
        """Return ``((rates - mean) * scale) @ axes.T`` (..., P) of rates (..., N), such as other averages.

        From a DataArray, return one with the dimension axis in place of unit.

        Raises
        ------
        ValueError
            If the last axis of `rates` is not N.
        """
        scores = ((as_projected(rates, self.mean.size, "axes") - self.mean) * self.scale) @ self.axes.T
        return named_like(rates, scores, (..., "axis"), axis=list(self.names))


def regression_axes(
    rates: Rates,
    regressors: Any,
    *,
    conditions: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    n_pcs: int | float | None = 12,
    min_fraction: float | int = 0.5,
) -> RegressionAxes:
    """Find one direction of population activity per task variable, and the trajectories in their space.

    Parameters
    ----------
    rates : (T, B, N) array
        Firing rates, time-major.
    regressors : mapping of name to (B,) array, or DataFrame
        Task variables of each trial, such as choice (-1, 1), signed coherences and context; a constant is added. Their
        scale and offset do not matter, their sign sets that of the axis, and their order that of
        orthogonalisation.
    conditions : (B,) array, optional
        One label per trial; the averages over the trials of each are used for denoising and are projected. None takes
        each combination of regressor values as a condition.
    mask : (T, B) array of bool or 0/1, optional
        Steps that are used; padded steps are False and may be NaN.
    n_pcs : int, optional
        Number of principal components of the condition averages that the coefficients are projected on (denoising), at
        least the number of regressors; fewer if there are not that many. None skips denoising.
    min_fraction : float
        Steps with a smaller fraction of all trials are not regressed: at the end of trials of variable duration, few
        trials would give large, noisy coefficients.

    Returns
    -------
    RegressionAxes

    Raises
    ------
    ValueError
        If shapes do not match, a used value is not finite, a regressor is constant or follows linearly from others
        (over all trials, or at every step), no unit varies, or an axis lies in the span of the earlier ones.

    Notes
    -----
    Mante, Sussillo, Shenoy & Newsome (2013), Nature 503:78, supplementary sections 6.5-6.7; used by Song, Yang & Wang
    (2016), PLoS Comput Biol 12:e1004792. Demixed PCA (Kobak et al. 2016) is not offered: the package of its authors
    (dPCA 1.0.5, from 2020) is not maintained for current versions of numpy and Python.

    Examples
    --------
    >>> signal, choice = np.array([-1.0, 1.0, -1.0, 1.0] * 2), np.array([-1.0, -1.0, 1.0, 1.0] * 2)
    >>> rates = np.stack([2 * signal, choice, np.zeros(8)], axis=1)[None]
    >>> result = regression_axes(rates, {"signal": signal, "choice": choice})
    >>> result.axes.round(3).tolist(), result.explained.round(3).tolist()
    ([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [0.5, 0.5])
    """
    values = as_rates(rates)
    n_steps, n_trials = values.shape[:2]
    given = as_regressors(regressors, n_trials)
    design = as_design(given, n_trials)
    n_pcs = None if n_pcs is None else whole(n_pcs, "`n_pcs`")
    if n_pcs is not None and n_pcs < len(given):
        raise ValueError(f"`n_pcs` must be at least the number of regressors, {len(given)}; got {n_pcs}.")
    included = as_mask("mask", steps_of(rates, mask), (n_steps, n_trials))
    mean, scale = _standard(values[included])
    columns = np.stack(list(given.values()), axis=1)
    if conditions is None:
        labels = _combinations(columns)
    else:
        labels = as_labels("conditions", conditions, n_trials, shape=values.shape)
    fewest = fewest_trials(n_trials, len(given), min_fraction)
    coefficients = regress(values, design, included, fewest) * scale
    if np.isnan(coefficients).all():
        raise ValueError(
            f"`mask` must leave a step with {fewest} of the {n_trials} trials, which determine all coefficients; "
            "got none. There may be too few trials, or `min_fraction` is too high."
        )
    average = condition_average(values, labels, included)
    activity = (average.average - mean) * scale
    used = (average.n > 0) & ~np.isnan(coefficients[:, 0, 0])
    denoised, kept = _denoise(coefficients, activity, used, n_pcs)
    norm = np.linalg.norm(denoised, axis=2)
    best = np.nanargmax(norm, axis=0)
    raw, axes, independence = _orthogonal(denoised[best, np.arange(len(given))], tuple(given))
    samples = activity[used] - activity[used].mean(axis=0)
    explained = np.sum((samples @ axes.T) ** 2, axis=0) / np.sum(samples**2)
    means = np.stack([columns[labels == level].mean(axis=0) for level in average.levels])
    return RegressionAxes(
        tuple(given),
        axes,
        raw,
        best,
        coefficients,
        norm,
        independence,
        named_like(rates, activity @ axes.T, ("condition", "time", "axis"), condition=average.levels, axis=list(given)),
        average.levels,
        means,
        explained,
        kept,
        mean,
        scale,
    )


def _standard(samples: Float[np.ndarray, "S N"]) -> tuple[Float[np.ndarray, "N"], Float[np.ndarray, "N"]]:
    """Return mean and 1 / standard deviation of each unit, 0 for silent ones."""
    if not len(samples):
        raise ValueError("`mask` must leave some step of some trial; got none. The mask may be inverted.")
    require_finite("rates", samples)
    sd = samples.std(axis=0)
    varies = sd > silent_below(np.abs(samples).max(axis=0))
    if not varies.any():
        raise ValueError("`rates` must vary; got only constant units. The network may be silent.")
    return samples.mean(axis=0), np.divide(1.0, sd, out=np.zeros_like(sd), where=varies)


def _combinations(columns: Float[np.ndarray, "B P"]) -> Int[np.ndarray, "B"]:
    """Number the combinations of regressor values."""
    levels = np.stack([levels_of(column)[1] for column in columns.T], axis=1)
    return np.unique(levels, axis=0, return_inverse=True)[1].reshape(-1)


def _denoise(
    coefficients: Float[np.ndarray, "T P N"],
    activity: Float[np.ndarray, "C T N"],
    used: Bool[np.ndarray, "C T"],
    n_pcs: int | None,
) -> tuple[Float[np.ndarray, "T P N"], int]:
    """Project coefficients on the leading principal components of the condition averages; return also their number."""
    n_units, n_samples = activity.shape[2], int(used.sum())
    if n_pcs is None:
        return coefficients, n_units
    kept = min(n_pcs, n_units, n_samples - 1)
    found = pca(np.where(used[..., None], activity, 0.0), mask=used, n_components=kept)
    return coefficients @ found.components.T @ found.components, kept


def _orthogonal(
    vectors: Float[np.ndarray, "P N"], names: tuple[str, ...]
) -> tuple[Float[np.ndarray, "P N"], Float[np.ndarray, "P N"], Float[np.ndarray, "P"]]:
    """Return unit vectors, the orthonormal ones made from them in order, and the length of the part that each adds."""
    length = np.linalg.norm(vectors, axis=1)
    raw = np.divide(vectors, length[:, None], out=np.zeros_like(vectors), where=length[:, None] > 0.0)
    q, r = np.linalg.qr(raw.T)
    new = np.abs(np.diag(r)) if len(r) == len(names) else np.zeros(len(names))
    if (new < _DEPENDENT).any():
        name = names[int(np.argmax(new < _DEPENDENT))]
        raise ValueError(
            f"each regressor must have its own axis; got nothing new for {name!r}. "
            "No unit may depend on it, all units may mix it with others in one way, or n_pcs is too small."
        )
    return raw, (q * np.sign(np.diag(r))).T + 0.0, new
