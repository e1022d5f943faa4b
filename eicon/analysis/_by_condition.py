"""Mean score of the trials of each condition."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike

from ._arrays import as_labels, levels_of, numbers
from ._binomial import wilson


class AccuracyByCondition(NamedTuple):
    """Mean scores; L levels of a condition.

    Attributes
    ----------
    levels : (L,)
        Distinct values of the condition, ascending.
    n : (L,) int
        Trials with a score.
    mean : (L,) float
        Mean score of these trials; NaN without trials.
    ci : (L, 2) float
        95 % interval of `mean`, lower and upper; NaN without trials.
    n_left_out : int
        Trials without a score.
    """

    levels: Shaped[np.ndarray, "L"]
    n: Int[np.ndarray, "L"]
    mean: Float[np.ndarray, "L"]
    ci: Float[np.ndarray, "L 2"]
    n_left_out: int


def accuracy_by_condition(score: ArrayLike, condition: ArrayLike) -> AccuracyByCondition:
    """Compute the mean score at each level of a condition, with 95 % intervals.

    Parameters
    ----------
    score : (B,) array
        Score of each trial, 0 to 1; NaN leaves a trial out.
    condition : (B,) array
        One number or label per trial.

    Returns
    -------
    AccuracyByCondition

    Raises
    ------
    ValueError
        If shapes do not match or a score is not in [0, 1].

    Notes
    -----
    Wilson (1927), J Am Stat Assoc 22:209, with the sum of the scores as the number of successes. For scores between 0
    and 1 the intervals are conservative: no variable in [0, 1] varies more than a binary one of the same mean.

    Examples
    --------
    >>> result = accuracy_by_condition([1.0, 0.0, 1.0, 1.0], [45, 45, 90, 90])
    >>> result.levels.tolist(), result.mean.tolist(), result.ci[0].round(2).tolist()
    ([45, 90], [0.5, 1.0], [0.09, 0.91])
    """
    scores = numbers("score", score)
    if scores.ndim != 1:
        raise ValueError(f"`score` must be (B,), one score per trial; got shape {scores.shape}.")
    labels = as_labels("condition", condition, len(scores))
    used = ~np.isnan(scores)
    if ((scores[used] < 0) | (scores[used] > 1)).any():
        raise ValueError(
            f"`score` must lie in [0, 1]; got {scores[used].min():g} to {scores[used].max():g}. Are they in per cent?"
        )
    levels, index = levels_of(labels)
    n = np.bincount(index[used], minlength=levels.size)
    total = np.bincount(index[used], weights=scores[used], minlength=levels.size)
    mean = np.divide(total, n, out=np.full(levels.size, np.nan), where=n > 0)
    return AccuracyByCondition(levels, n, mean, wilson(total, n), int(np.count_nonzero(~used)))
