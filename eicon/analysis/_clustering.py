"""Do units that prefer the same choice connect more strongly? (Song, Yang & Wang 2016, fig. 2)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class ChoiceClustering(NamedTuple):
    """Recurrent weights between selective units, by their preferences.

    Attributes
    ----------
    excitatory : mean weight E -> E between units of the same preference, divided by that of opposite preference
    inhibitory : mean weight I -> E onto the same preference, divided by that onto the opposite one
    n_selective : (E, I) numbers of units with ``|d'|`` above the threshold

    Above 1 for excitation, two populations support themselves; below 1 for inhibition, each suppresses
    the other. NaN where a group is empty or its weights are all zero.
    """

    excitatory: float
    inhibitory: float
    n_selective: tuple[int, int]


def choice_clustering(
    weights: ArrayLike, d_prime: ArrayLike, excitatory: ArrayLike, *, threshold: float = 0.5
) -> ChoiceClustering:
    """Compare weights within and between the two groups of choice-selective units.

    Parameters
    ----------
    weights : array, shape (N, N)
        Effective recurrent weights ``[pre, post]``.
    d_prime : array, shape (N,)
        As from `selectivity`.
    excitatory : bool array, shape (N,)
    threshold : float
        Units with ``|d'|`` below it are left out.

    Raises
    ------
    ValueError
        If shapes do not match.

    Examples
    --------
    >>> w = np.array([[0.0, 3.0, 1.0], [3.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    >>> choice_clustering(w, [2.0, 2.0, -2.0], [True, True, True]).excitatory
    3.0
    """
    w, d, e = np.abs(np.asarray(weights, float)), np.asarray(d_prime, float), np.asarray(excitatory, bool)
    if w.shape != (d.size, d.size) or e.shape != d.shape:
        raise ValueError(
            "weights must be (N, N), d_prime and excitatory (N,) of the same N; "
            f"got {w.shape}, {d.shape} and {e.shape}."
        )
    selective = np.abs(d) >= threshold
    same = np.sign(d)[:, None] == np.sign(d)[None, :]
    off_diagonal = ~np.eye(d.size, dtype=bool)

    def ratio(sources: np.ndarray) -> float:
        pairs = (sources & selective)[:, None] & (e & selective)[None, :] & off_diagonal
        within, between = w[pairs & same], w[pairs & ~same]
        if not within.size or not between.size or not between.any():
            return float("nan")
        return float(within.mean() / between.mean())

    return ChoiceClustering(ratio(e), ratio(~e), (int((selective & e).sum()), int((selective & ~e).sum())))
