"""What a memory task asks a network to hold, read out of its units through the delay."""

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
"""What is held is cut into thirds where it has more levels."""
MOST_PER_CLASS = 60
"""Trials of each class that decoders see, at most."""
DELAY_BINS = 4


class Held(NamedTuple):
    """What is held, and how well.

    Attributes
    ----------
    condition : Condition
    words : str
        What its classes are, for figures.
    epoch : str
        Through which it is held.
    decoding : Decoding
    start : float
        Time from the onset of that epoch to the first step that was decoded, ms; negative, since that lies before.
    by_delay : AccuracyByCondition or None
        Mean score by the duration of that epoch in ms, in quarters of the trials where there are many durations; None
        where all trials have the same.
    """

    condition: Condition
    words: str
    epoch: str
    decoding: analysis.results.Decoding
    start: float
    by_delay: analysis.results.AccuracyByCondition | None


def held_in(given: Responses, behaviour: Answers, *, seed: int | float) -> Held | None:
    """Decode what a task says is held, from before the delay to the end of the shortest delay.

    Parameters
    ----------
    given : Responses
    behaviour : Answers
        In these trials.
    seed : int
        Fixes the folds.

    Returns
    -------
    Held or None
        None in a task that holds nothing, and where there are too few trials or rates do not vary.

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
    earlier = min(before // size, MOST_BINS) * size  # whole bins, so that one begins with the delay
    rates = aligned.values[before - earlier : before + length]
    if np.ptp(rates, axis=1).max() == 0:
        return None
    rng = np.random.default_rng(np.asarray(jax.random.key_data(analysis_key(seed, HELD_STREAM))).tolist())
    # Trials come sorted by condition, which is no order in time.
    order = rng.permutation(chosen.size)
    decoding = _decoded(rates[:, order], classes[chosen][order], rng, size)
    words = f"thirds of {name}" if thirds else name
    return Held(what, words, epoch, decoding, -earlier * task.dt, _by_delay(behaviour, span, task.dt))


def _decoded(
    rates: Float[np.ndarray, "T B N"], classes: Int[np.ndarray, "B"], rng: np.random.Generator, size: int
) -> analysis.results.Decoding:
    """Decoding in which trials that are alike to the digit, as without noise, are held out together if they can be."""
    flat = rates.transpose(1, 0, 2).reshape(classes.size, -1)
    copies = np.unique(flat, axis=0, return_inverse=True)[1].reshape(-1)
    pairs = np.unique(np.stack([classes, copies]), axis=1)[0]
    can = bool(np.unique(pairs, return_counts=True)[1].min() >= FOLDS)
    if can:
        return analysis.decode(rates, classes, rng=rng, groups=copies, folds=FOLDS, bin_steps=size)
    with warnings.catch_warnings():
        # A network without noise has one response to each condition; there is nothing else to hold out.
        warnings.filterwarnings("ignore", "[0-9]+ of [0-9]+ trials are copies")
        return analysis.decode(rates, classes, rng=rng, folds=FOLDS, bin_steps=size)


def _classes(what: Condition) -> tuple[Int[np.ndarray, "B"], bool]:
    """Class of each trial, -1 for none, and whether classes are thirds of the trials."""
    values = what.numbers
    known = np.isfinite(values)
    levels, index = np.unique(values[known], return_inverse=True)
    classes = np.full(values.size, -1)
    thirds = levels.size > MOST_CLASSES
    classes[known] = np.searchsorted(np.quantile(values[known], [1 / 3, 2 / 3]), values[known]) if thirds else index
    return classes, thirds


def _balanced(classes: Int[np.ndarray, "B"]) -> Int[np.ndarray, "b"]:
    """The first trials of each class that has enough of them; none where fewer than two classes have."""
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
    """Durations, as they are where there are few, or else the mean in each quarter of the trials, to whole ms."""
    if np.unique(durations).size <= 2 * DELAY_BINS:
        return durations
    bins = np.searchsorted(np.quantile(durations, np.arange(1, DELAY_BINS) / DELAY_BINS), durations)
    means = {one: np.round(durations[bins == one].mean()) for one in np.unique(bins)}
    return np.array([means[one] for one in bins])
