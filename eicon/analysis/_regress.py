"""Linear regression of every unit on trial variables, at every step; shared by several analyses."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from .._numbers import real
from ._arrays import as_vector, levels_of, require_finite


def as_regressors(regressors: Any, n_trials: int) -> dict[str, Float[np.ndarray, "B"]]:
    """Return finite values (B,) by name, from a mapping or from the columns of a pandas DataFrame."""
    if not (hasattr(regressors, "keys") and hasattr(regressors, "__getitem__")):
        raise TypeError(
            "`regressors` must be a mapping of names to (B,) values, or a DataFrame with a row for each trial; got "
            f'{type(regressors).__name__}. Name the variables, as in {{"choice": choice}}.'
        )
    columns = {}
    for key in regressors.keys():  # noqa: SIM118  # a DataFrame has keys too
        name = str(key)
        columns[name] = as_vector(f"regressors[{name!r}]", regressors[key], n_trials)
        require_finite(f"regressors[{name!r}]", columns[name])
    if not columns:
        raise ValueError("`regressors` must name at least one variable; got an empty mapping.")
    return columns


def as_design(regressors: Any, n_trials: int) -> Float[np.ndarray, "B P"]:
    """Return the regressors as columns, centred, with nothing else; reject constant and dependent ones."""
    columns = []
    for name, column in as_regressors(regressors, n_trials).items():
        if levels_of(column)[0].size < 2:
            raise ValueError(
                f"`regressors[{name!r}]` must vary over trials; got {column[0]:g} in all of them. "
                "A constant is added to the regression anyway."
            )
        columns.append(column - column.mean())
    design = np.stack(columns, axis=1)
    if np.linalg.matrix_rank(design / np.linalg.norm(design, axis=0)) < design.shape[1]:
        raise ValueError(
            f"`regressors` must be linearly independent; got dependent ones among {', '.join(map(str, regressors))}. "
            "One variable may follow from others, as the correct choice does from the sign of a coherence."
        )
    return design


def fewest_trials(n_trials: int, n_regressors: int, fraction: float | int) -> int:
    """Fewest trials for a regression at a step: the given fraction of all, with one degree of freedom left."""
    if not 0 <= real(fraction, "`min_fraction`") <= 1:
        raise ValueError(f"`min_fraction` must be in [0, 1]; got {fraction}. It is a fraction of the trials.")
    return max(int(np.ceil(fraction * n_trials)), n_regressors + 2)


def regress(
    values: Float[np.ndarray, "T B N"],
    design: Float[np.ndarray, "B P"],
    included: Bool[np.ndarray, "T B"],
    fewest: int,
) -> Float[np.ndarray, "T P N"]:
    """Compute the least-squares coefficients of ``values[t, b] = sum_p design[b, p] coef[t, p] + constant[t]``.

    Steps with fewer than `fewest` included trials, or trials that do not determine the coefficients, give NaN.
    Values that are not included are ignored.
    """
    n_steps, _, n_units = values.shape
    result = np.full((n_steps, design.shape[1], n_units), np.nan)
    solved: dict[bytes, Float[np.ndarray, "P b"] | None] = {}
    for t, trials in enumerate(included):
        if trials.sum() < fewest:
            continue
        key = trials.tobytes()
        if key not in solved:
            solved[key] = _solver(design[trials])
        solver = solved[key]
        if solver is not None:
            result[t] = solver @ values[t, trials]
    return result


def _solver(design: Float[np.ndarray, "b P"]) -> Float[np.ndarray, "P b"] | None:
    """Return the matrix that gives the coefficients, except the constant; None if they are not determined."""
    full = np.column_stack([design, np.ones(len(design))])
    if np.linalg.matrix_rank(full / np.maximum(np.linalg.norm(full, axis=0), 1e-300)) < full.shape[1]:
        return None
    return np.linalg.pinv(full)[:-1]
