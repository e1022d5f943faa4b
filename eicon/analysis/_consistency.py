"""Agreement of two networks' answers trial by trial, beyond what their accuracies predict."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import permutations, product
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from .._key import as_generator
from .._numbers import whole
from ._arrays import as_labels, as_vector, levels_of
from ._similarity import PERMUTATIONS, Similarity, _tested

MOST_EXACT = 1_000
"""Largest number of orders for which all of them form the null."""
CELLS = 1_000_000
"""Most numbers that permuted samples may occupy at once."""


class Strata(NamedTuple):
    """Samples that are compared: those that are not alone in their stratum, sorted by strata.

    Attributes
    ----------
    samples : (n,) indices into the given samples
    stratum : (n,) stratum of each sample, ascending
    start : (S,) index of the first sample of each stratum
    """

    samples: Int[np.ndarray, "n"]
    stratum: Int[np.ndarray, "n"]
    start: Int[np.ndarray, "S"]


class Differences(NamedTuple):
    """Squared differences of two sets of samples, summed over samples: for each of m columns, and each of P orders.

    Attributes
    ----------
    observed : (..., m) of samples that are paired
    expected : (..., m) of each sample from the other samples of its stratum, on average
    plain : (..., m) of each sample from all samples of its stratum, including its partner
    """

    observed: Float[np.ndarray, "*P m"]
    expected: Float[np.ndarray, "*P m"]
    plain: Float[np.ndarray, "*P m"]


Agreement = Callable[[Float[np.ndarray, "*P m"], Float[np.ndarray, "*P m"]], Float[np.ndarray, "*P"]]
"""Agreement from observed and expected differences; 1 where none are observed."""


def stratified(strata: ArrayLike | None, known: np.ndarray) -> Strata:
    """Return the strata of the known samples; a single stratum without labels."""
    index = np.zeros(known.size, int) if strata is None else levels_of(as_labels("strata", strata, known.size))[1]
    samples = np.flatnonzero(known)
    samples = samples[np.argsort(index[samples], kind="stable")]
    _, place, count = np.unique(index[samples], return_inverse=True, return_counts=True)
    kept = count[place] > 1
    found = np.unique(place[kept], return_inverse=True, return_index=True)
    return Strata(samples[kept], found[2], found[1])


def differences(
    x: Float[np.ndarray, "n m"], y: Float[np.ndarray, "*P n m"], start: Int[np.ndarray, "S"]
) -> Differences:
    """Squared differences of samples sorted by strata, each of at least two; `y` in one order, or in several."""
    if not len(x):
        return Differences(*np.zeros((3, *y.shape[:-2], y.shape[-1])))
    summed = partial(np.add.reduceat, indices=start, axis=-2)
    n = np.diff(start, append=len(x))[:, None]
    together = summed((x - y) ** 2)
    x, y = x - x[0], y - x[0]  # shared leading digits would cost precision
    every = n * (summed(x**2) + summed(y**2)) - 2.0 * summed(x) * summed(y)
    return Differences(together.sum(axis=-2), ((every - together) / (n - 1)).sum(axis=-2), (every / n).sum(axis=-2))


def orders_within(
    stratum: Int[np.ndarray, "n"], n_permutations: int, rng: np.random.Generator, at_once: int
) -> Iterator[Int[np.ndarray, "P n"]]:
    """Yield orders of sorted samples within strata, several at once: random ones, or all others if few."""
    sizes = np.bincount(stratum)
    if n_permutations and sum(math.lgamma(int(size) + 1) for size in sizes) <= math.log(MOST_EXACT):
        every = product(*(permutations(np.flatnonzero(stratum == one)) for one in range(sizes.size)))
        next(every)  # skip the original order
        listed = [np.concatenate(parts) for parts in every]
        yield np.array(listed, int).reshape(len(listed), stratum.size)
        return
    for begin in range(0, n_permutations, at_once):
        drawn = rng.random((min(at_once, n_permutations - begin), stratum.size))
        yield np.lexsort((drawn, np.broadcast_to(stratum, drawn.shape)), axis=-1)


def judged_agreement(
    x: Float[np.ndarray, "n m"],
    y: Float[np.ndarray, "n m"],
    strata: Strata,
    agreement: Agreement,
    n_permutations: int | float,
    rng: Any,
) -> Similarity:
    """Measure the agreement of samples sorted by strata, against that of samples exchanged within strata."""
    n, generator = whole(n_permutations, "`n_permutations`"), as_generator(rng, "`rng`")
    if n < 0:
        raise ValueError(f"`n_permutations` must be >= 0; got {n}.")
    found = differences(x, y, strata.start)
    value = float(agreement(found.observed, found.expected))
    null = [np.zeros(0)]
    for orders in orders_within(strata.stratum, n, generator, max(1, CELLS // max(x.size, 1))):
        one = differences(x, y[orders], strata.start)
        null.append(agreement(one.observed, one.expected))
    values = np.concatenate(null)
    p, null_95 = _tested(value, values, smaller=False)
    plain = float(agreement(found.observed, found.plain))
    return Similarity(value, values, float("nan"), len(x), float(p), float(null_95), plain, "")


def error_consistency(
    correct_a: ArrayLike,
    correct_b: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    again: Any = None,
    n_permutations: int | float = PERMUTATIONS,
    rng: np.random.Generator | int | float = 0,
) -> Similarity:
    r"""Measure the trial-by-trial agreement of two networks beyond what their accuracies predict (error consistency).

    Cohen's kappa of right and wrong answers, or of choices, in the same trials:

    .. math:: \kappa = \frac{c_{obs} - c_{exp}}{1 - c_{exp}}

    with the fraction :math:`c_{obs}` of trials in which both give the same answer, and the fraction :math:`c_{exp}` in
    which they would if each answered at random with its own accuracy. Two networks of accuracy .9 agree in 82 % of
    the trials without having anything in common.

    Parameters
    ----------
    correct_a, correct_b : (B,) array of bool, 0/1 or int
        Answers of the two networks in the same trials: right or wrong, or whole numbers that name choices. Every
        number is a separate answer, including -1 for none. NaN in either leaves a trial out, as where no answer is
        right (catch trials).
    strata : (B,) array of labels, optional
        Conditions of the trials. Chance is then computed within each condition, so that conditions that are hard for
        both do not count as agreement. A trial that is alone in its condition is left out.
    again : (again_a, again_b), two (B,) arrays, optional
        Answers of both networks in a second run of the same trials, with different noise, for the ceiling.
    n_permutations : int
        Number of permutations; 0 for none.
    rng : int or numpy Generator
        Source of permutations.

    Returns
    -------
    Similarity
        1 for equal answers in all trials, 0 on average for answers that are independent in each condition, below 0 for
        opposite ones. Its `value` takes chance from different trials of a condition; ``plain`` is the published
        form, which takes it from all of them and is lower where conditions have few trials. NaN if both networks give
        one and the same answer in all trials of each condition, since chance is then 1.
        ``n_left_out`` counts trials without an answer (NaN) and those alone in their condition.

    Raises
    ------
    ValueError
        If lengths do not match, an answer is not a whole number, or none is left.

    Notes
    -----
    Geirhos, Meding & Wichmann (2020), NeurIPS 33:13890; kappa: Cohen (1960), Educ Psychol Meas 20:37. Over conditions
    the fractions are means over trials, each with the chance of its condition. A condition in which both are always
    right does not count; one in which only one network is counts with kappa 0. With unequal accuracies kappa
    stays below 1.

    Chance from different trials is :math:`(n c_{exp} - c_{obs}) / (n - 1)` in a condition of n trials: it leaves 1 and
    the mean of the null, 0, unchanged, and removes the bias in between to first order in 1/n.

    The null exchanges the answers of `b` among the trials of each condition; all exchanges, if there are at most 1000.

    The ceiling is :math:`\sqrt{\kappa_{aa'} \kappa_{bb'}}`, with the consistency of each network with itself in the
    other run. Geirhos et al. compare with the consistency of pairs of people instead, which is lowered by individual
    differences. If the noise of the two networks is independent, no expected kappa is above this ceiling (by
    Cauchy-Schwarz, in any number of conditions and choices), and two networks that answer each trial with the same
    probabilities reach it.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> easy = np.repeat([True, False], 200)
    >>> a, b = (rng.random((2, 400)) < np.where(easy, 0.95, 0.55))  # only the easy trials are shared
    >>> round(error_consistency(a, b).value, 2), round(error_consistency(a, b, strata=easy).value, 2)
    (0.23, 0.02)
    >>> error_consistency(a, a).value
    1.0
    """
    given = [_answers("correct_a", correct_a)]
    n = given[0].size
    given.append(_answers("correct_b", correct_b, n))
    if again is not None:
        if not isinstance(again, tuple | list) or len(again) != 2:
            raise ValueError(
                "`again` must be a pair, answers of a and of b in a second run of the same trials; "
                f"got {type(again).__name__}."
            )
        given += [_answers(f"again[{place}]", one, n) for place, one in enumerate(again)]
    answers = np.stack(given)
    known = ~np.isnan(answers).any(axis=0)
    if not known.any():
        raise ValueError("`correct_a` and `correct_b` must have a trial that both answer; NaN leaves a trial out.")
    groups = stratified(strata, known)
    levels = np.unique(answers[:, known])
    sides = [(one[groups.samples, None] == levels).astype(np.float64) for one in answers]
    found = judged_agreement(sides[0], sides[1], groups, _kappa, n_permutations, rng)
    ceiling = float("nan")
    if again is not None:
        own = [differences(sides[place], sides[place + 2], groups.start) for place in (0, 1)]
        ceiling = math.prod(np.clip(_kappa(one.observed, one.expected), 0.0, 1.0) for one in own) ** 0.5
    return found._replace(ceiling=float(ceiling), permuted="trials", n_left_out=n - found.n)


def _kappa(observed: Float[np.ndarray, "*P m"], expected: Float[np.ndarray, "*P m"]) -> Float[np.ndarray, "*P"]:
    """Compute kappa from squared differences of indicators of answers: 2 for each trial in which they differ."""
    differ, chance = observed.sum(axis=-1), expected.sum(axis=-1)
    return np.asarray(1.0 - np.divide(differ, chance, out=np.full(np.shape(chance), np.nan), where=chance > 0))


def _answers(name: str, values: Any, n_trials: int | None = None) -> Float[np.ndarray, "B"]:
    array = as_vector(name, values, n_trials)
    odd = array[~np.isnan(array) & (np.isinf(array) | (np.floor(array) != array))]
    if odd.size:
        raise ValueError(
            f"`{name}` must contain True/False, 0/1, whole numbers for choices, or NaN (left out); got {odd[0]:g}. "
            "Scores in between must be counted as right or wrong first."
        )
    return array
