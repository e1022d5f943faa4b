"""Separation of the axes of task variables: how exclusively each axis shows its own variable."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from ._arrays import Rates, as_mask, as_rates, require_finite, steps_of
from ._regress import as_design
from ._regression_axes import RegressionAxes


class AxisSeparation(NamedTuple):
    """Separation of task variables on the axes; P axes, V variables.

    Attributes
    ----------
    unique : (P, V) float
        ``R2(all variables) - R2(all but this one)`` of single-trial activity on the axis at `step`: the fraction
        of variance that only this variable explains. NaN where the activity does not vary.
    own_share : (P,) float
        ``unique[p, own] / sum_v unique[p, v]``: 1 if the axis shows only its own variable. NaN if nothing
        is explained.
    step : (P,) int
        `RegressionAxes.best_step`.
    axes, variables : tuple of str
        Names of rows and columns.
    """

    unique: Float[np.ndarray, "P V"]
    own_share: Float[np.ndarray, "P"]
    step: Int[np.ndarray, "P"]
    axes: tuple[str, ...]
    variables: tuple[str, ...]


def axis_separation(
    axes: RegressionAxes, rates: Rates, regressors: Any, *, mask: ArrayLike | None = None
) -> AxisSeparation:
    """Measure which variables the activity on each axis depends on, at the step where the axis was found.

    Parameters
    ----------
    axes : RegressionAxes
        Axes found in the same network.
    rates : (T, B, N) array
        Single trials, aligned like those used to find the axes; different trials, for an unbiased measure.
    regressors : mapping of name to (B,) array, or DataFrame
        Task variables, including those of the axes.
    mask : (T, B) array of bool or 0/1, optional
        Steps that are used.

    Returns
    -------
    AxisSeparation

    Raises
    ------
    ValueError
        If shapes do not match, a variable of the axes is missing, a regressor is constant or dependent on others,
        there are too few trials at a step, or a used value is not finite.

    Examples
    --------
    >>> from eicon.analysis.coding import regression_axes
    >>> signal, choice = np.array([-1.0, 1.0, -1.0, 1.0] * 2), np.array([-1.0, -1.0, 1.0, 1.0] * 2)
    >>> rates = np.stack([2 * signal + choice, choice, np.zeros(8)], axis=1)[None]
    >>> found = regression_axes(rates, {"signal": signal, "choice": choice})
    >>> axis_separation(found, rates, {"signal": signal, "choice": choice}).unique.round(3).tolist()
    [[0.8, 0.2], [0.0, 1.0]]
    """
    values = as_rates(rates)
    n_steps, n_trials, _ = values.shape
    missing = [name for name in axes.names if name not in regressors]
    if missing or n_steps <= axes.best_step.max():
        raise ValueError(
            f"`regressors` must name {', '.join(axes.names)} and `rates` reach step {axes.best_step.max()}; "
            f"got {', '.join(regressors)} and T = {n_steps}. The axes belong to other trials."
        )
    design, included = as_design(regressors, n_trials), as_mask("mask", steps_of(rates, mask), (n_steps, n_trials))
    unique = np.full((len(axes.names), design.shape[1]), np.nan)
    for p, t in enumerate(axes.best_step):
        trials = included[t]
        require_finite("rates", values[t, trials])
        activity = axes.project(values[t, trials])[:, p]
        unique[p] = _unique_r2(activity, design[trials])
    own = unique[np.arange(len(axes.names)), [list(regressors).index(name) for name in axes.names]]
    total = unique.sum(axis=1)
    share = np.divide(own, total, out=np.full(total.shape, np.nan), where=total > 0.0)
    return AxisSeparation(unique, share, axes.best_step.copy(), axes.names, tuple(regressors))


def _unique_r2(activity: Float[np.ndarray, "b"], design: Float[np.ndarray, "b V"]) -> Float[np.ndarray, "V"]:
    """Fraction of variance that each column explains beyond all others together."""
    centred, columns = activity - activity.mean(), design - design.mean(axis=0)
    n_variables = columns.shape[1]
    if len(centred) < n_variables + 2 or np.linalg.matrix_rank(columns) < n_variables:
        raise ValueError(
            f"`mask` must leave trials that determine all coefficients where an axis was found; got {len(centred)} "
            f"trials for {n_variables} variables."
        )
    total = centred @ centred

    def residual(chosen: Float[np.ndarray, "b K"]) -> float:
        rest = centred - chosen @ np.linalg.lstsq(chosen, centred)[0] if chosen.shape[1] else centred
        return float(rest @ rest)

    everything = residual(columns)
    lost = [residual(np.delete(columns, v, axis=1)) - everything for v in range(n_variables)]
    return np.maximum(lost, 0.0) / total if total > 0.0 else np.full(n_variables, np.nan)
