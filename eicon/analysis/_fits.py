"""Quality of fits: prediction of activity, unit by unit, and recovery of the parameters of a network."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import ArrayLike

from ._arrays import (
    SILENT,
    Rates,
    as_labels,
    as_mask,
    as_matrix,
    as_rates,
    numbers,
    plain,
    require_finite,
    silent_below,
)


class FitSummary(NamedTuple):
    """One number per measure, over units.

    Attributes
    ----------
    mse, normalised_mse, r2, r : float
        As in `UnitFit`; NaN if no unit has one.
    n : int
        Units that were observed.
    """

    mse: float
    normalised_mse: float
    r2: float
    r: float
    n: int


class UnitFit(NamedTuple):
    """Prediction of each of N units; NaN for units that were not observed.

    Attributes
    ----------
    mse : (N,) float
        Mean squared error over observed values.
    normalised_mse : (N,) float
        `mse` divided by the variance of the unit; NaN for units that are constant.
    r2 : (N,) float
        ``1 - mse / variance`` of the values that are compared: 0 for a prediction of each unit's mean, negative for a
        worse one. NaN for units that are constant.
    r : (N,) float
        Pearson correlation, with its sign: -1 for a mirrored trace. 0 if the prediction is constant, NaN if the unit is
        constant.
    condition_r2 : (N,) float
        ``r2`` of predicting each trial by the mean, step by step, of the other trials of its condition, over the values
        for which there is one; NaN without conditions, and where no condition has two trials.
    n : (N,) int
        Observed values.
    n_constant : int
        Number of observed units that are constant, for which `r2` and `r` are undefined.
    """

    mse: Float[np.ndarray, "N"]
    normalised_mse: Float[np.ndarray, "N"]
    r2: Float[np.ndarray, "N"]
    r: Float[np.ndarray, "N"]
    condition_r2: Float[np.ndarray, "N"]
    n: Int[np.ndarray, "N"]
    n_constant: int

    def mean(self, units: Any = None) -> FitSummary:
        """Return means over units: all, or indices, a slice, or bools (N,); units without a measure are left out."""
        return self._over(np.mean, units)

    def median(self, units: Any = None) -> FitSummary:
        """Return medians over units, like `mean`; a single badly predicted unit does not dominate them."""
        return self._over(np.median, units)

    def _over(self, reduce: Any, units: Any) -> FitSummary:
        chosen = slice(None) if units is None else units if isinstance(units, slice) else np.asarray(units)
        if isinstance(chosen, np.ndarray) and chosen.dtype.kind not in "biu":
            chosen = chosen.astype(np.intp)  # [] is a list of floats

        def of(values: Float[np.ndarray, "N"]) -> float:
            row = values[chosen]
            return float(reduce(known)) if (known := row[np.isfinite(row)]).size else np.nan

        n = int(np.count_nonzero(self.n[chosen]))
        return FitSummary(of(self.mse), of(self.normalised_mse), of(self.r2), of(self.r), n)


class Recovery(NamedTuple):
    """Agreement of fitted numbers with the true ones.

    Attributes
    ----------
    r2 : float
        ``1 - sum (fitted - true)^2 / sum (true - mean true)^2``, of the numbers as they are: no line is fitted, and no
        outlier is left out. 1 is perfect, 0 as good as the true mean for all. NaN if all true numbers are equal.
    r : float
        Pearson correlation, which ignores a wrong scale and offset; 0 if all fitted numbers are equal.
    error : float
        Root mean squared error, in the unit of the numbers.
    slope : float
        Slope of the regression line of fitted on true: below 1 where fits shrink towards the mean.
    n : int
        Numbers compared.
    groups : dict of str to Recovery
        The same for each label, if there are any.
    """

    r2: float
    r: float
    error: float
    slope: float
    n: int
    groups: dict[str, "Recovery"]


def unit_fit(
    predicted: Rates,
    observed: Rates,
    *,
    mask: ArrayLike | None = None,
    conditions: ArrayLike | None = None,
    variance_of: Rates | None = None,
) -> UnitFit:
    """Measure error, explained variance and signed correlation of the prediction of each unit.

    Parameters
    ----------
    predicted : (T, B, N) array
        Activity of a model; finite wherever there is an observation.
    observed : (T, B, N) array
        NaN where nothing was observed: at a step, in a trial, or for a whole unit.
    mask : (T, B) array of bool or 0/1, optional
        Steps that count; padded steps are False.
    conditions : (B,) array, optional
        Condition of each trial, for `UnitFit.condition_r2`, which a prediction beyond the condition must exceed.
    variance_of : (T', B', N) array, optional
        Activity whose variances over its finite values divide the errors in `normalised_mse`, for instance that of the
        fitted trials when held-out ones are compared; by default `observed`. `r2` does not depend on it.

    Returns
    -------
    UnitFit

    Raises
    ------
    ValueError
        If shapes do not match, nothing was observed, or a value is infinite or is not predicted.

    Notes
    -----
    Variances and means are those of the compared values. A unit whose standard deviation is below a millionth
    of its largest value counts as constant.

    Examples
    --------
    >>> trace = np.sin(np.arange(50) / 5)[:, None, None]
    >>> observed = np.concatenate([trace, trace, np.full_like(trace, np.nan)], axis=2)
    >>> result = unit_fit(np.concatenate([trace, -trace, trace], axis=2), observed)
    >>> result.r.round(6), result.n
    (array([ 1., -1., nan]), array([50, 50,  0]))
    >>> bool(result.r2[1] < 0), result.mean([0]).r2
    (True, 1.0)
    """
    model, data = as_rates(predicted, "predicted"), as_rates(observed, "observed")
    if model.shape != data.shape:
        more = " Unrecorded units are NaN in it: recording.placed(names) makes such an array."
        raise ValueError(f"`observed` must have the shape of `predicted`, {model.shape}; got {data.shape}.{more}")
    seen = as_mask("mask", mask, data.shape[:2])[:, :, None] & ~np.isnan(data)
    if not seen.any():
        raise ValueError("`observed` has no value to compare: all are NaN, or outside the mask.")
    require_finite("observed", data[seen])
    require_finite("predicted", model[seen])
    n = seen.sum(axis=(0, 1))
    y, x = _centred(data, seen), _centred(model, seen)
    total, spread = (y**2).sum(axis=(0, 1)), (x**2).sum(axis=(0, 1))
    missed = np.where(seen, model - np.where(seen, data, 0.0), 0.0)
    error = (missed**2).sum(axis=(0, 1))
    known, varies = n > 0, ~_constant(data, seen)
    mse = _over(error, n, known)
    scale = _variance(data, seen)
    if variance_of is not None:
        other = as_rates(variance_of, "variance_of")
        if other.shape[2] != n.size:
            raise ValueError(f"`variance_of` must have N = {n.size} units, as `predicted`; got {other.shape[2]}.")
        scale = _variance(other, np.isfinite(other))
    moves = spread > (SILENT * np.abs(np.where(seen, model, 0.0)).max(axis=(0, 1))) ** 2 * n
    r = _over((x * y).sum(axis=(0, 1)), np.sqrt(np.where(moves, spread, 1.0) * total), varies)
    return UnitFit(
        mse=mse,
        normalised_mse=_over(mse, scale, known),
        r2=1.0 - _over(error, total, varies),
        r=np.where(varies & ~moves, 0.0, np.clip(r, -1.0, 1.0)),
        condition_r2=_condition_r2(data, seen, conditions),
        n=n.astype(np.int64),
        n_constant=int(np.count_nonzero(known & ~varies)),
    )


def _centred(values: Float[np.ndarray, "T B N"], seen: Bool[np.ndarray, "T B N"]) -> Float[np.ndarray, "T B N"]:
    """Deviations from each unit's mean over observed values, and 0 elsewhere."""
    kept = np.where(seen, values, 0.0)
    mean = kept.sum(axis=(0, 1)) / np.maximum(seen.sum(axis=(0, 1)), 1)
    return np.where(seen, kept - mean, 0.0)


def _constant(values: Float[np.ndarray, "T B N"], seen: Bool[np.ndarray, "T B N"]) -> Bool[np.ndarray, "N"]:
    """Units without variance among observed values; unobserved units are included."""
    size = np.abs(np.where(seen, values, 0.0)).max(axis=(0, 1))
    sd = np.sqrt((_centred(values, seen) ** 2).sum(axis=(0, 1)) / np.maximum(seen.sum(axis=(0, 1)), 1))
    return sd <= silent_below(size)


def _variance(values: Float[np.ndarray, "T B N"], seen: Bool[np.ndarray, "T B N"]) -> Float[np.ndarray, "N"]:
    """Variance of each unit over observed values; NaN for constant units."""
    total = (_centred(values, seen) ** 2).sum(axis=(0, 1))
    return _over(total, seen.sum(axis=(0, 1)), ~_constant(values, seen))


def _over(
    values: Float[np.ndarray, "N"], by: Shaped[np.ndarray, "N"], where: Bool[np.ndarray, "N"]
) -> Float[np.ndarray, "N"]:
    return np.divide(values, by, out=np.full(values.shape, np.nan), where=where & (by > 0))


def _condition_r2(
    data: Float[np.ndarray, "T B N"], seen: Bool[np.ndarray, "T B N"], conditions: ArrayLike | None
) -> Float[np.ndarray, "N"]:
    if conditions is None:
        return np.full(data.shape[2], np.nan)
    labels = as_labels("conditions", conditions, data.shape[1], shape=data.shape)
    kept = np.where(seen, data, 0.0)
    missed, compared = np.zeros(data.shape), np.zeros(data.shape, dtype=bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        here, inside = kept[:, members], seen[:, members]
        others = inside.sum(axis=1, keepdims=True) - inside
        mean = (here.sum(axis=1, keepdims=True) - here) / np.maximum(others, 1)
        compared[:, members] = inside & (others > 0)
        missed[:, members] = here - mean
    error = (np.where(compared, missed, 0.0) ** 2).sum(axis=(0, 1))
    return 1.0 - _over(error, (_centred(data, compared) ** 2).sum(axis=(0, 1)), ~_constant(data, compared))


def recovery(
    fitted: ArrayLike, true: ArrayLike, *, by: ArrayLike | None = None, where: ArrayLike | None = None
) -> Recovery:
    """Compare fitted gains, biases, time constants or weights with the true ones.

    Parameters
    ----------
    fitted, true : arrays of one shape
        One number per unit (N,), or per connection, such as weights (N, N).
    by : array of the same shape, optional
        Labels, such as the types of units, for separate measures of each.
    where : array of bool of the same shape, optional
        Entries that count: for weights, the existing connections, ``true != 0``, as zeros elsewhere are known.

    Returns
    -------
    Recovery

    Raises
    ------
    ValueError
        If shapes do not match, numbers are not finite, or fewer than two are left.

    Notes
    -----
    `Recovery.r2` is the Nash-Sutcliffe efficiency over all numbers, the definition of the benchmark connectome-gnn
    (Allier et al.) before outliers are left out. If weights and gains were both free, only their products are
    determined: compare `effective_connectivity`.

    Examples
    --------
    >>> result = recovery([1.1, 1.9, 3.0], [1.0, 2.0, 3.0])
    >>> round(result.r2, 6), round(result.slope, 6), result.n
    (0.99, 0.95, 3)
    """
    ours, theirs = numbers("fitted", fitted), numbers("true", true)
    if ours.shape != theirs.shape:
        raise ValueError(f"`fitted` and `true` must have one shape; got {ours.shape} and {theirs.shape}.")
    chosen = np.ones(ours.shape, dtype=bool)
    if where is not None:
        chosen = plain("where", where)
        if chosen.dtype != np.bool_ or chosen.shape != ours.shape:
            raise ValueError(
                f"`where` must be bools of the shape of `true`, {ours.shape}; got {chosen.dtype}, shape {chosen.shape}."
            )
    labels = None if by is None else plain("by", by)
    if labels is not None and labels.shape != ours.shape:
        raise ValueError(f"`by` must have the shape of `true`, {ours.shape}; got {labels.shape}.")
    if chosen.sum() < 2:
        raise ValueError(f"`fitted` and `true` must leave at least 2 numbers to compare; got {int(chosen.sum())}.")
    require_finite("fitted", ours[chosen])
    require_finite("true", theirs[chosen])
    groups: dict[str, Recovery] = {}
    if labels is not None:
        known = labels[chosen]
        groups = {
            str(label): _recovered(ours[chosen][known == label], theirs[chosen][known == label])
            for label in np.unique(known)
        }
    return _recovered(ours[chosen], theirs[chosen])._replace(groups=groups)


def _recovered(fitted: Float[np.ndarray, "n"], true: Float[np.ndarray, "n"]) -> Recovery:
    x, y = true - true.mean(), fitted - fitted.mean()
    total, spread = float(x @ x), float(y @ y)
    missed = fitted - true
    error = float(missed @ missed)
    same = total <= (1e-12 * np.abs(true).max()) ** 2 * true.size
    flat = spread <= (1e-12 * np.abs(fitted).max()) ** 2 * true.size
    return Recovery(
        r2=np.nan if same else 1.0 - error / total,
        r=np.nan if same else 0.0 if flat else float(np.clip(x @ y / np.sqrt(total * spread), -1.0, 1.0)),
        error=float(np.sqrt(error / true.size)),
        slope=np.nan if same else float(x @ y / total),
        n=true.size,
        groups={},
    )


def effective_connectivity(
    weights: Any, gain: ArrayLike | None = None, slope: ArrayLike | None = None
) -> Float[np.ndarray, "N N"]:
    r"""Compute products of weights and gains, which activity determines even if it determines neither alone.

    .. math:: J_{ij} = g_i\, W_{ij}\, s_j

    Parameters
    ----------
    weights : (N, N) array
        ``W[pre, post]``, or a network with such weights.
    gain : (N,) array, optional
        Factor :math:`g` of each unit's rate, hence of its output; by default 1.
    slope : (N,) array, optional
        Factor :math:`s` within the activation, hence of the unit's input (like ``input_gain``); by default 1.

    Returns
    -------
    (N, N) array
        ``J[pre, post]``.

    Raises
    ------
    ValueError
        If shapes do not match or numbers are not finite.

    Notes
    -----
    With :math:`r = g f(v)`, :math:`v = s x`, the equation :math:`\tau \dot v_j = -v_j + \sum_i f(v_i) J_{ij} + s_j
    (u W_{in} + b)_j` holds for any activation: networks with the same J and the same products of slopes with
    input weights and biases have the same v. A gain is distinguished from the weights of its unit by the size of the
    unit's rate, which must be recorded. For a ReLU, factors can also be moved from `slope` to `gain`.

    Examples
    --------
    >>> effective_connectivity([[0.0, 2.0], [1.0, 0.0]], [0.5, 3.0])
    array([[0., 1.],
           [3., 0.]])
    """
    matrix = as_matrix(weights, "weights")
    return unit_factors("gain", gain, len(matrix))[:, None] * matrix * unit_factors("slope", slope, len(matrix))


def unit_factors(name: str, values: ArrayLike | None, n: int) -> Float[np.ndarray, "N"]:
    """Return one factor per unit, from one number, N numbers, or None (which means 1)."""
    array = np.ones(n) if values is None else numbers(name, values)
    if array.shape not in ((), (n,)):
        raise ValueError(f"`{name}` must be one number or one per unit, shape ({n},); got shape {array.shape}.")
    require_finite(name, array)
    return np.broadcast_to(array, (n,))
