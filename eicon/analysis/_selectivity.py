"""Choice preference of units: d' and the area under the ROC curve."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike
from scipy import stats

from .._key import as_generator
from .._numbers import whole
from ._arrays import Rates, Window, as_choice, as_excitatory, as_rates, as_window, require_finite
from ._permutation import Correction, corrected, group_of, shuffle_test


class Selectivity(NamedTuple):
    """Choice selectivity of every unit; positive d' and AUC > 0.5 mean a preference for choice 0.

    Attributes
    ----------
    d_prime : (N,) float
        ``(m0 - m1) / sqrt((v0 + v1) / 2)``, with mean and (population) variance over all samples, that is
        steps x trials in the window, of the trials with that choice. 0 where ``m0 == m1`` (silent or constant
        units included); +-inf where the means differ and neither choice has any variance. Never NaN.
    auc : (N,) float
        ``(#{r0 > r1} + #{r0 == r1} / 2) / (n0 n1)`` over all pairs of trials, one of each choice, where r is
        the rate averaged over the window of a trial.
    order : (N,) int
        Indices that sort units by ascending d': all E units first, then all I units.
    n_trials : (2,) int
        Number of trials with choice 0 and choice 1.
    excitatory : (N,) bool or None
        The unit types used for `order`, in the original order of units.
    p_value : (N,) float
        Probability of an `auc` this far from 0.5 (two-sided) if choices were unrelated to the rate,
        ``(1 + #{permuted >= found}) / (1 + n_permutations)``, after the requested `correction`. 1 for units
        that do not vary; NaN without permutations.
    n_left_out : int
        Trials without a choice.
    """

    d_prime: Float[np.ndarray, "N"]
    auc: Float[np.ndarray, "N"]
    order: Int[np.ndarray, "N"]
    n_trials: Int[np.ndarray, "2"]
    excitatory: Bool[np.ndarray, "N"] | None
    p_value: Float[np.ndarray, "N"]
    n_left_out: int


def selectivity(
    rates: Rates,
    choice: ArrayLike,
    *,
    window: Window = None,
    excitatory: ArrayLike | None = None,
    n_permutations: int | float = 0,
    rng: np.random.Generator | int | float | None = None,
    groups: ArrayLike | None = None,
    correction: Correction | None = None,
) -> Selectivity:
    """Measure how well each unit distinguishes the two choices, and whether better than chance.

    Parameters
    ----------
    rates : (T, B, N) array
        Firing rates, time-major. Samples outside the window or of left-out trials are ignored.
    choice : (B,) array of int
        0 or 1; -1 or NaN leaves a trial out (catch trial, no answer).
    window : None, slice, (start, stop) or (T, B) bool array
        The steps (not ms) used: all, the same for every trial, or per trial for epochs of variable duration.
    excitatory : (N,) bool array, optional
        True for E units. None sorts all units as one group.
    n_permutations : int
        Permutations of the choices for `Selectivity.p_value`, such as 999; they take milliseconds.
    rng : numpy Generator or int, optional
        Source of the permutations, or its seed; required if there are permutations.
    groups : (B,) array, optional
        Trials that are not independent of each other, such as those of a session, of a block, or copies of one trial.
        Choices are permuted between whole groups if all trials of each group have the same one, otherwise within
        groups.
    correction : {"holm", "fdr"}, optional
        Correction over units: Holm's, for the probability of any false alarm, or Benjamini & Hochberg's, for the
        fraction of false ones among those found. With N units, Holm's needs more than 20 N permutations to find any at
        0.05.

    Returns
    -------
    Selectivity

    Raises
    ------
    ValueError
        If shapes do not match, a choice has no trials, the window is empty (for any used trial), or a used
        rate is not finite, or permutations have no `rng`.

    Notes
    -----
    ``|d'|`` is not a test: of units with pure noise, 30 % reach 0.5 with 20 trials of one step, and 16 % with 10
    trials of 25 correlated steps. Count the units with ``p_value < 0.05`` instead, which treats the trial as the
    sample, whatever its number of steps. The test requires trials that are exchangeable if choices do not matter:
    choices that come in blocks, while rates drift slowly, need `groups`.

    d' of the stimulus period as in Song, Yang & Wang (2016), PLoS Comput Biol 12:e1004792, without the small
    constant that the published notebooks add to the variance. The AUC is the Mann-Whitney U over ``n0 n1``
    (Green & Swets 1966); its permutation test is exact, with or without ties.

    Examples
    --------
    >>> import numpy as np
    >>> rates = np.array([[[1.0, 5.0], [2.0, 5.0], [4.0, 5.0], [5.0, 5.0]]])
    >>> result = selectivity(rates, [1, 1, 0, 0])
    >>> result.d_prime.tolist(), result.auc.tolist()
    ([6.0, 0.0], [1.0, 0.5])
    >>> noise = np.random.default_rng(0).normal(size=(1, 20, 1000))
    >>> tested = selectivity(noise, np.arange(20) % 2, n_permutations=999, rng=0)
    >>> bool(np.mean(np.abs(tested.d_prime) >= 0.5) > 0.25), bool(np.mean(tested.p_value < 0.05) < 0.07)
    (True, True)
    """
    values = as_rates(rates)
    n_steps, n_trials, n_units = values.shape
    chosen = as_choice(choice, n_trials)
    types = as_excitatory(excitatory, n_units)
    selected = as_window(window, (n_steps, n_trials))
    n_permutations = whole(n_permutations, "`n_permutations`")
    if n_permutations < 0 or (n_permutations > 0 and rng is None):
        raise ValueError(
            f"`n_permutations` must be >= 0, and > 0 only with `rng`; got {n_permutations} and {rng}. "
            "Pass a seed, so that the p-values are reproducible."
        )
    group = group_of("groups", groups, n_trials)
    counts = np.array([np.count_nonzero(chosen == 0), np.count_nonzero(chosen == 1)])
    for label in (0, 1):
        if counts[label] == 0:
            raise ValueError(
                f"`choice` must contain both choices; got none of {n_trials} trials with choice {label}. "
                "The network may always choose the same side, or all trials are left out."
            )
    samples = [values[selected & (chosen == label)] for label in (0, 1)]
    require_finite("rates", samples[0])
    require_finite("rates", samples[1])
    means = _trial_means(values, selected, chosen)
    d_prime = _d_prime(samples[0], samples[1])
    used = chosen >= 0
    index, ranks = chosen[used], stats.rankdata(means[used], method="average", axis=0)
    p_value = np.full(n_units, np.nan)
    if n_permutations:
        exchanged = None if group is None else group[used]
        p_value = shuffle_test(ranks, index, n_permutations, as_generator(rng, "`rng`"), exchanged)
    return Selectivity(
        d_prime,
        _auc(ranks, index),
        _order(d_prime, types),
        counts,
        types,
        corrected(p_value, correction),
        int(np.count_nonzero(~used)),
    )


def _trial_means(
    values: Float[np.ndarray, "T B N"], selected: Bool[np.ndarray, "T B"], chosen: Int[np.ndarray, "B"]
) -> Float[np.ndarray, "B N"]:
    """Average each used trial over its window; left-out trials give 0 and are ignored."""
    n_steps = np.where(chosen >= 0, selected.sum(axis=0), 1)
    if (n_steps == 0).any():
        raise ValueError(
            "`window` must select a step in every trial with a choice; "
            f"got none in {np.count_nonzero(n_steps == 0)} trials. Set their choice to -1 to leave them out."
        )
    used = (selected & (chosen >= 0))[..., None]
    # Relative to one sample per unit, averages of a constant unit are exactly equal whatever the durations.
    reference = values[tuple(np.argwhere(used[..., 0])[0])]
    return np.where(used, values - reference, 0.0).sum(axis=0) / n_steps[:, None]


def _moments(samples: Float[np.ndarray, "S N"]) -> tuple[Float[np.ndarray, "N"], Float[np.ndarray, "N"]]:
    """Mean and population variance, exact (no rounding residue) for units that do not vary."""
    constant = samples.min(axis=0) == samples.max(axis=0)
    mean = np.where(constant, samples[0], samples.mean(axis=0))
    return mean, np.where(constant, 0.0, samples.var(axis=0))


def _d_prime(first: Float[np.ndarray, "S0 N"], second: Float[np.ndarray, "S1 N"]) -> Float[np.ndarray, "N"]:
    mean0, var0 = _moments(first)
    mean1, var1 = _moments(second)
    difference = mean0 - mean1
    spread = np.sqrt((var0 + var1) / 2.0)
    without_noise = np.where(difference == 0.0, 0.0, np.copysign(np.inf, difference))
    return np.divide(difference, spread, out=without_noise, where=spread > 0.0)


def _auc(ranks: Float[np.ndarray, "B N"], index: Int[np.ndarray, "B"]) -> Float[np.ndarray, "N"]:
    n0, n1 = np.count_nonzero(index == 0), np.count_nonzero(index == 1)
    u = ranks[index == 0].sum(axis=0) - n0 * (n0 + 1) / 2
    return u / (n0 * n1)


def _order(d_prime: Float[np.ndarray, "N"], types: Bool[np.ndarray, "N"] | None) -> Int[np.ndarray, "N"]:
    if types is None:
        return np.argsort(d_prime, kind="stable")
    return np.lexsort((d_prime, ~types))
