"""Principal components of population activity, and averages per condition."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import ArrayLike
from scipy import linalg

from .._numbers import real, whole
from ._arrays import (
    ALSO_TRIALS,
    Rates,
    as_labels,
    as_mask,
    as_projected,
    as_rates,
    by_name,
    is_constant,
    is_named,
    levels_of,
    named_like,
    numbers,
    rates_of,
    require_finite,
    steps_of,
)


class PCA(NamedTuple):
    """Principal components of rates; k components are kept out of M = min(N, S - 1), S the number of samples.

    Attributes
    ----------
    mean : (N,) float
        Mean rate of each unit over the samples (unmasked steps x trials).
    components : (k, N) float
        Orthonormal rows, by descending variance; the entry of largest modulus in each row is positive.
    explained_variance : (M,) float
        Eigenvalues of the covariance ``X^T X / (S - 1)``, descending; all M of them whatever k is.
    explained_ratio : (M,) float
        ``explained_variance / sum(explained_variance)``.
    trajectories : (T, B, k) float
        ``(rates - mean) @ components.T``, at masked steps too; from a DataArray, one with time, trial and component.
    participation_ratio : float
        ``(sum l)^2 / sum l^2`` over the eigenvalues l: 1 for a line, N for a round cloud (Gao et al. 2017).
    """

    mean: Float[np.ndarray, "N"]
    components: Float[np.ndarray, "k N"]
    explained_variance: Float[np.ndarray, "M"]
    explained_ratio: Float[np.ndarray, "M"]
    trajectories: Float[np.ndarray, "T B k"]
    participation_ratio: float

    def n_for(self, fraction: float) -> int:
        """Return the smallest number of components that explains at least `fraction` of the variance.

        Parameters
        ----------
        fraction : float
            In (0, 1], for instance 0.9.

        Returns
        -------
        int
            Counted over all M eigenvalues, so it may be larger than the k components kept.

        Raises
        ------
        ValueError
            If `fraction` is outside (0, 1].
        """
        if not 0.0 < real(fraction, "`fraction`") <= 1.0:
            raise ValueError(f"`fraction` must be in (0, 1]; got {fraction}. Divide percentages by 100.")
        # 1e-12 absorbs the rounding of the cumulative sum, which otherwise may never reach exactly 1.
        return int(np.argmax(np.cumsum(self.explained_ratio) >= fraction - 1e-12)) + 1

    def project(self, rates: Rates) -> Any:
        """Return ``(rates - mean) @ components.T`` (..., k) for other rates (..., N), in the same coordinates.

        From a DataArray, return one with the dimension component in place of unit.

        Raises
        ------
        ValueError
            If the last axis of `rates` is not N.
        """
        scores = (as_projected(rates, self.mean.size, "components") - self.mean) @ self.components.T
        return named_like(rates, scores, (..., "component"))


class ConditionAverage(NamedTuple):
    """Averages over the trials of each condition.

    Functions that take rates accept it directly, with conditions as trials.

    Attributes
    ----------
    average : (C, T, ...) float
        Mean over the unmasked trials of the condition; NaN at steps where none is left. From a DataArray, one with
        condition, time and what follows.
    levels : (C,)
        The distinct conditions, ascending.
    n : (C, T) int
        Number of trials behind each average.
    """

    average: Float[np.ndarray, "C T ..."]
    levels: Shaped[np.ndarray, "C"]
    n: Int[np.ndarray, "C T"]

    @property
    def rates(self) -> Float[np.ndarray, "T C ..."]:
        """Averages with the steps first, (T, C, ...), like rates with conditions as trials."""
        return np.swapaxes(np.asarray(self.average), 0, 1)

    @property
    def inside(self) -> Bool[np.ndarray, "T C"]:
        """True where there is an average."""
        return self.n.T > 0


def pca(rates: Rates, *, mask: ArrayLike | None = None, n_components: int | float | None = None) -> PCA:
    """Find the principal components of rates over all steps and trials.

    Parameters
    ----------
    rates : (T, B, N) array
        Firing rates, time-major; or an object with rates, such as condition averages.
    mask : (T, B) array of bool or 0/1, optional
        Steps that enter the fit; padded steps are False. Trajectories include all steps.
    n_components : int, optional
        Number k of components to keep, 1 to min(N, S - 1); None keeps all.

    Returns
    -------
    PCA

    Raises
    ------
    ValueError
        If shapes do not match, fewer than two samples are unmasked, the rates do not vary, an unmasked rate
        is not finite, or `n_components` is out of range.

    Notes
    -----
    Eigenvectors of the covariance (not of the correlation: rates share one unit). The participation ratio is
    that of Gao et al. (2017), bioRxiv 214262.

    Examples
    --------
    >>> import numpy as np
    >>> line = np.linspace(-1.0, 1.0, 5)[:, None, None] * np.array([3.0, -4.0])
    >>> result = pca(line, n_components=1)
    >>> result.components.round(3).tolist(), result.n_for(0.99)
    ([[-0.6, 0.8]], 1)
    """
    values = as_rates(rates)
    n_steps, n_trials, n_units = values.shape
    samples = values[as_mask("mask", steps_of(rates, mask), (n_steps, n_trials))]
    n_samples = len(samples)
    if n_samples < 2:
        raise ValueError(
            f"`mask` must leave at least 2 samples (steps x trials); got {n_samples}. The mask may be inverted."
        )
    require_finite("rates", samples)
    if is_constant(samples):
        raise ValueError(f"`rates` must vary; got {n_samples} identical samples. The network may be silent.")
    n_max = min(n_units, n_samples - 1)
    n_kept = n_max if n_components is None else whole(n_components, "`n_components`")
    if not 1 <= n_kept <= n_max:
        raise ValueError(
            f"`n_components` must be in 1..{n_max}, min(N, samples - 1); got {n_components}. "
            f"There are {n_units} units and {n_samples} samples."
        )
    mean = samples.mean(axis=0)
    centred = samples - mean
    variance, vectors = linalg.eigh(centred.T @ centred / (n_samples - 1))
    variance = np.clip(variance[::-1][:n_max], 0.0, None)
    components = _fix_signs(vectors.T[::-1][:n_kept])
    ratio = variance / variance.sum()
    trajectories = named_like(rates, (values - mean) @ components.T, ("time", "trial", "component"))
    return PCA(mean, components, variance, ratio, trajectories, float(1.0 / np.sum(ratio**2)))


def condition_average(values: Rates, conditions: ArrayLike, mask: ArrayLike | None = None) -> ConditionAverage:
    """Average over the trials of each condition, for instance trajectories per signed coherence.

    Parameters
    ----------
    values : (T, B, ...) array
        Rates, outputs or trajectories, time-major.
    conditions : (B,) array
        One number or label per trial; numbers that differ by less than 1e-6 of their range count as one condition.
    mask : (T, B) array of bool or 0/1, optional
        Steps to include; masked values may be NaN.

    Returns
    -------
    ConditionAverage

    Raises
    ------
    ValueError
        If shapes do not match or a condition is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> result = condition_average(np.array([[1.0, 3.0, 10.0]]), [0, 0, 5])
    >>> result.average.tolist(), result.levels.tolist()
    ([[2.0], [10.0]], [0, 5])
    """
    array, names = _with_names(values)
    if array.ndim < 2 or not array.size:
        raise ValueError(f"`values` must be a non-empty (T, B, ...); got shape {array.shape}. Arrays are time-major.")
    labels = as_labels("conditions", conditions, array.shape[1], shape=array.shape)
    included = as_mask("mask", steps_of(values, mask), (array.shape[0], array.shape[1]))
    levels, index = levels_of(labels)
    averages, counts = zip(
        *(_masked_mean(array[:, index == i], included[:, index == i]) for i in range(levels.size)), strict=True
    )
    average = np.stack(averages)
    if names:
        average = named_like(values, average, ("condition", "time", *names[2:]), condition=levels)
    return ConditionAverage(average, levels, np.stack(counts))


def _with_names(values: Rates) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return values with the steps first and the trials second, and the names of their dimensions, if any."""
    given: Any = rates_of(values)
    if not is_named(given):
        return numbers("values", given), ()
    others = tuple((str(dim),) for dim in given.dims if dim not in ("time", *ALSO_TRIALS))
    ordered = by_name("values", given, (("time",), ALSO_TRIALS, *others))
    return numbers("values", ordered), tuple(str(dim) for dim in ordered.dims)


def _masked_mean(
    values: Float[np.ndarray, "T b *rest"], included: Bool[np.ndarray, "T b"]
) -> tuple[Float[np.ndarray, "T *rest"], Int[np.ndarray, "T"]]:
    """Return the mean over trials of the included entries, NaN where there are none, and their number."""
    extra = (1,) * (values.ndim - 2)
    total = np.where(included.reshape(included.shape + extra), values, 0.0).sum(axis=1)
    count = included.sum(axis=1)
    divisor = np.where(count > 0, count, np.nan).reshape(count.shape + extra)
    return total / divisor, count


def _fix_signs(rows: Float[np.ndarray, "k N"]) -> Float[np.ndarray, "k N"]:
    """Flip rows so that the entry of largest modulus is positive; the sign of an eigenvector is arbitrary."""
    largest = np.take_along_axis(rows, np.abs(rows).argmax(axis=1, keepdims=True), axis=1)
    return rows * np.sign(largest)
