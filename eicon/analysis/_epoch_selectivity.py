"""Choice preference of units, epoch by epoch."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from .._key import as_generator
from ._arrays import Rates, as_rates, whole_array
from ._permutation import Correction, corrected
from ._selectivity import selectivity


class EpochSelectivity(NamedTuple):
    """Selectivity in each of K epochs; positive d' and AUC > 0.5 mean a preference for choice 0.

    Attributes
    ----------
    names : (K,) tuple of str
        The epochs, in the order given.
    d_prime, auc : (K, N) float
        As `Selectivity.d_prime` and `Selectivity.auc`, with the steps of the epoch as the window.
    order : (K, N) int
        As `Selectivity.order`.
    correlation : (K, K) float
        Pearson correlation between epochs of d' over the units in which both are finite: near 1 if units keep their
        preference. NaN for fewer than two such units, or if d' is the same in all.
    p_value : (K, N) float
        As `Selectivity.p_value`, corrected over units and epochs if requested; NaN without permutations.
    n_left_out : int
        Trials without a choice.
    """

    names: tuple[str, ...]
    d_prime: Float[np.ndarray, "K N"]
    auc: Float[np.ndarray, "K N"]
    order: Int[np.ndarray, "K N"]
    correlation: Float[np.ndarray, "K K"]
    p_value: Float[np.ndarray, "K N"]
    n_left_out: int


def dprime_by_epoch(
    rates: Rates,
    choice: ArrayLike,
    epochs: Mapping[str, ArrayLike | tuple[int, int]],
    *,
    excitatory: ArrayLike | None = None,
    n_permutations: int | float = 0,
    rng: np.random.Generator | int | float | None = None,
    groups: ArrayLike | None = None,
    correction: Correction | None = None,
) -> EpochSelectivity:
    """Measure how well each unit distinguishes the two choices in each epoch of the trial.

    Parameters
    ----------
    rates : (T, B, N) array
        Firing rates, time-major.
    choice : (B,) array of int
        0 or 1; -1 or NaN, no answer, leaves a trial out.
    epochs : mapping of name to (B, 2) or (2,) array of int
        First step and the step after the last one, as `Trial.epochs`.
    excitatory : (N,) bool array, optional
        True for E units, for `order`.
    n_permutations, rng, groups, correction
        See `selectivity`, for the probabilities; each epoch has its own permutations.

    Returns
    -------
    EpochSelectivity

    Raises
    ------
    ValueError
        If there is no epoch, one leaves the trial or is empty, or for the reasons given at `selectivity`.

    Notes
    -----
    Like fig. 4 of Song, Yang & Wang (2016), PLoS Comput Biol 12:e1004792, for sensory and decision epochs.

    Examples
    --------
    >>> rates = np.array([[[1.0], [2.0], [4.0], [5.0]], [[4.0], [5.0], [2.0], [1.0]]])
    >>> result = dprime_by_epoch(rates, [1, 1, 0, 0], {"early": [0, 1], "late": [1, 2]})
    >>> result.names, result.d_prime[:, 0].tolist()
    (('early', 'late'), [6.0, -6.0])
    """
    values = as_rates(rates)
    if not isinstance(epochs, Mapping) or not epochs:
        raise ValueError(f"`epochs` must be a mapping of names to steps, with at least one epoch; got {epochs!r:.60}.")
    n_steps, n_trials = values.shape[:2]
    generator = None if rng is None else as_generator(rng, "`rng`")
    found = []
    for name, given in epochs.items():
        spans = _spans(name, given, n_trials, n_steps)
        steps = np.arange(n_steps)[:, None]
        window = (steps >= spans[:, 0]) & (steps < spans[:, 1])
        found.append(
            selectivity(
                values,
                choice,
                window=window,
                excitatory=excitatory,
                n_permutations=n_permutations,
                rng=generator,
                groups=groups,
            )
        )
    d_prime = np.stack([one.d_prime for one in found])
    correlation = np.array([[_correlation(a, b) for b in d_prime] for a in d_prime])
    auc, order = np.stack([one.auc for one in found]), np.stack([one.order for one in found])
    p_value = corrected(np.stack([one.p_value for one in found]), correction)
    return EpochSelectivity(tuple(epochs), d_prime, auc, order, correlation, p_value, found[0].n_left_out)


def _spans(name: str, given: ArrayLike | tuple[int, int], n_trials: int, n_steps: int) -> Int[np.ndarray, "B 2"]:
    spans = whole_array(f"epochs[{name!r}]", given)
    if spans.shape not in ((2,), (n_trials, 2)) or not np.issubdtype(spans.dtype, np.integer):
        raise ValueError(
            f"`epochs[{name!r}]` must be integers (start, stop) in steps, shape (2,) or (B, 2) = ({n_trials}, 2); got "
            f"{spans.dtype}, shape {spans.shape}. Divide times in ms by dt."
        )
    spans = np.broadcast_to(spans, (n_trials, 2))
    if (spans[:, 0] < 0).any() or (spans[:, 1] > n_steps).any() or (spans[:, 1] <= spans[:, 0]).any():
        raise ValueError(
            f"`epochs[{name!r}]` must be 0 <= start < stop <= T = {n_steps} in every trial; got start from "
            f"{spans[:, 0].min()}, stop to {spans[:, 1].max()}, shortest {(spans[:, 1] - spans[:, 0]).min()}. "
            "Divide times in ms by dt."
        )
    return spans


def _correlation(a: Float[np.ndarray, "N"], b: Float[np.ndarray, "N"]) -> float:
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 2 or np.ptp(a[both]) == 0.0 or np.ptp(b[both]) == 0.0:
        return np.nan
    return float(np.corrcoef(a[both], b[both])[0, 1])
