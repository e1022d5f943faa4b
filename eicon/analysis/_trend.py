"""Test for a rise or fall of one quantity with another."""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy import stats

from ._arrays import as_alpha, numbers


class Trend(NamedTuple):
    """Rank correlation of two quantities; NaN for fewer than three pairs, or if one of the two does not vary.

    Attributes
    ----------
    rho : float
        Spearman's rank correlation, -1 to 1: falling or rising.
    p_value : float
        Probability from ``t = rho sqrt((n - 2) / (1 - rho^2))`` with n - 2 degrees of freedom.
    n : int
        Pairs without NaN or infinite values.
    n_left_out : int
        Pairs with NaN or infinite values.
    """

    rho: float
    p_value: float
    n: int
    n_left_out: int

    def rises(self, alpha: float = 0.05) -> bool:
        """Return whether the second quantity rises with the first, ``rho > 0`` and ``p_value < alpha``."""
        return self.rho > 0 and self.p_value < as_alpha(alpha)

    def falls(self, alpha: float = 0.05) -> bool:
        """Return whether the second quantity falls as the first rises, ``rho < 0`` and ``p_value < alpha``."""
        return self.rho < 0 and self.p_value < as_alpha(alpha)


def trend(x: ArrayLike, y: ArrayLike, *, alternative: Literal["two-sided", "less", "greater"] = "two-sided") -> Trend:
    """Test whether one quantity rises or falls with another, whatever the form of the dependence.

    Parameters
    ----------
    x, y : (B,) arrays
        Pairs of values; a pair with NaN or an infinite value is left out. Values with the same first 12 digits are
        equal, as 0.3 and 0.1 + 0.2 are.
    alternative : {"two-sided", "less", "greater"}
        What is tested against independence: a dependence of either sign, a falling one, or a rising one.

    Returns
    -------
    Trend

    Raises
    ------
    ValueError
        If `x` and `y` are not vectors of one length.

    Notes
    -----
    Spearman (1904), Am J Psychol 15:72.

    Examples
    --------
    >>> result = trend([1.0, 2.0, 3.0, 4.0, np.nan], [1.0, 8.0, 27.0, 64.0, 0.0])
    >>> round(result.rho, 6), result.n, result.rises()
    (1.0, 4, True)
    """
    first, second = numbers("x", x), numbers("y", y)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(
            f"`x` and `y` must be vectors (B,) of one length; got shapes {first.shape} and {second.shape}."
        )
    known = np.isfinite(first) & np.isfinite(second)
    n, left_out = int(known.sum()), int((~known).sum())
    first, second = _rounded(first[known]), _rounded(second[known])
    if first.size < 3 or np.ptp(first) == 0.0 or np.ptp(second) == 0.0:
        return Trend(np.nan, np.nan, n, left_out)
    found = stats.spearmanr(first, second, alternative=alternative)
    return Trend(float(found.statistic), float(found.pvalue), n, left_out)


def _rounded(values: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    """Values with 12 digits, and 0 for what is left when larger ones cancel."""
    size = np.abs(values)
    digits = np.array([float(f"{value:.11e}") for value in values])
    return np.where(size > 1e-15 * size.max(initial=0.0), digits, 0.0)
