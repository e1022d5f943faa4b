"""Decoding of the memory content of a task from the network's units during the delay."""

import warnings
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int, Shaped

from .. import analysis
from ._responses import Answers, Condition, Responses, align_trials, analysis_key, condition, span_of

HELD_STREAM = 2
"""Folded in after the stream of analyses, for the folds of the decoders."""
FOLDS = 5
MOST_BINS = 24
MOST_CLASSES = 12
"""Memory content with more levels is split into thirds."""
MOST_PER_CLASS = 60
"""Most trials of each class used by decoders."""
DELAY_BINS = 4


class Held(NamedTuple):
    """Memory content, and its decoding.

    Attributes
    ----------
    condition : Condition
    words : str
        Names of the classes, for figures.
    epoch : str
        Epoch during which the content is held.
    decoding : Decoding
    start : float
        Time from the onset of that epoch to the first decoded step, ms; negative, since decoding starts earlier.
    by_delay : AccuracyByCondition or None
        Mean score by the duration of that epoch in ms, in quarters of the trials if there are many durations; None if
        all trials have the same duration.
    """

    condition: Condition
    words: str
    epoch: str
    decoding: analysis.results.Decoding
    start: float
    by_delay: analysis.results.AccuracyByCondition | None


def held_in(given: Responses, behaviour: Answers, *, seed: int | float) -> Held | None:
    """Decode the memory content named by a task, from before the delay to the end of the shortest delay.

    Parameters
    ----------
    given : Responses
    behaviour : Answers
        Behaviour in these trials.
    seed : int
        Seed of the folds.

    Returns
    -------
    Held or None
        None in a task without memory, with too few trials, or if rates do not vary.

    Raises
    ------
    ValueError
        If the task names a condition or an epoch that its trials do not have.
    """
    _, task, trial, activity = given
    if task.holds is None:
        return None
    name, epoch = task.holds
    what = condition(task, trial, name, "holds")
    span = span_of(task, trial, epoch)
    classes, thirds = _classes(what)
    chosen = _balanced(np.where(span[:, 1] > span[:, 0], classes, -1))
    if chosen.size == 0:
        return None
    onset, length = span[chosen, 0], int((span[chosen, 1] - span[chosen, 0]).min())
    inside = np.ones((trial.n_steps, chosen.size), bool)
    aligned = align_trials(np.asarray(activity.rates)[:, chosen], inside, onset, task.dt)
    before = int(onset.min())
    size = min(-(-(before + length) // MOST_BINS), length)
    earlier = min(before // size, MOST_BINS) * size  # whole bins, so that one starts with the delay
    rates = aligned.values[before - earlier : before + length]
    if np.ptp(rates, axis=1).max() == 0:
        return None
    rng = np.random.default_rng(np.asarray(jax.random.key_data(analysis_key(seed, HELD_STREAM))).tolist())
    # Trials are sorted by condition, not in temporal order.
    order = rng.permutation(chosen.size)
    decoding = _decoded(rates[:, order], classes[chosen][order], rng, size)
    words = f"thirds of {name}" if thirds else name
    return Held(what, words, epoch, decoding, -earlier * task.dt, _by_delay(behaviour, span, task.dt))


def _decoded(
    rates: Float[np.ndarray, "T B N"], classes: Int[np.ndarray, "B"], rng: np.random.Generator, size: int
) -> analysis.results.Decoding:
    """Decode, holding out identical trials (as without noise) together if possible."""
    flat = rates.transpose(1, 0, 2).reshape(classes.size, -1)
    copies = np.unique(flat, axis=0, return_inverse=True)[1].reshape(-1)
    pairs = np.unique(np.stack([classes, copies]), axis=1)[0]
    can = bool(np.unique(pairs, return_counts=True)[1].min() >= FOLDS)
    if can:
        return analysis.decode(rates, classes, rng=rng, groups=copies, folds=FOLDS, bin_steps=size)
    with warnings.catch_warnings():
        # A network without noise has one response per condition; nothing else can be held out.
        warnings.filterwarnings("ignore", "[0-9]+ of [0-9]+ trials are copies")
        return analysis.decode(rates, classes, rng=rng, folds=FOLDS, bin_steps=size)


def _classes(what: Condition) -> tuple[Int[np.ndarray, "B"], bool]:
    """Return the class of each trial, -1 for none, and whether classes are thirds of the trials."""
    values = what.numbers
    known = np.isfinite(values)
    levels, index = np.unique(values[known], return_inverse=True)
    classes = np.full(values.size, -1)
    thirds = levels.size > MOST_CLASSES
    classes[known] = np.searchsorted(np.quantile(values[known], [1 / 3, 2 / 3]), values[known]) if thirds else index
    return classes, thirds


def _balanced(classes: Int[np.ndarray, "B"]) -> Int[np.ndarray, "b"]:
    """Return the first trials of each class with enough of them; none if fewer than two classes have enough."""
    members = [np.flatnonzero(classes == one)[:MOST_PER_CLASS] for one in np.unique(classes[classes >= 0])]
    enough = [trials for trials in members if trials.size >= FOLDS]
    return np.sort(np.concatenate(enough)) if len(enough) > 1 else np.zeros(0, np.int64)


def _by_delay(
    behaviour: Answers, span: Int[np.ndarray, "B 2"], dt: float
) -> analysis.results.AccuracyByCondition | None:
    durations = (span[:, 1] - span[:, 0]) * dt
    binned = _middles(durations)
    if np.unique(binned).size < 2:
        return None
    return analysis.behaviour.accuracy_by_condition(np.asarray(behaviour.score), binned)


def _middles(durations: Float[np.ndarray, "B"]) -> Shaped[np.ndarray, "B"]:
    """Return durations, unchanged if there are few, or else the mean in each quarter of the trials, in whole ms."""
    if np.unique(durations).size <= 2 * DELAY_BINS:
        return durations
    bins = np.searchsorted(np.quantile(durations, np.arange(1, DELAY_BINS) / DELAY_BINS), durations)
    means = {one: np.round(durations[bins == one].mean()) for one in np.unique(bins)}
    return np.array([means[one] for one in bins])
