"""Reading a condition out of a population: cross-validated decoding at each time, and across times."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import ArrayLike

from .._key import as_generator
from .._numbers import whole
from ._arrays import as_labels, as_rates, require_finite

Decoder = Literal["lda", "logistic", "ridge"]
DECODERS = ("lda", "logistic", "ridge")
FLOOR = 1e-6
"""Least variance of units within a class for LDA, in parts of that of all trials."""


class Decoding(NamedTuple):
    """How well a condition can be read out of held-out trials; S time bins, C classes.

    Attributes
    ----------
    accuracy : (S,) float
        Balanced accuracy, the mean over classes of the fraction of its trials that were recognised, of decoders that
        were trained and tested in the same bin.
    generalisation : (S, S) float
        The same of decoders trained in one bin (rows) and tested in another (columns); its diagonal is `accuracy`.
    chance : (S,) float
        Mean accuracy after permuting the labels; 1 / C if no permutations were asked for.
    chance_95 : (S,) float
        Percentile 95 of it over the permutations; NaN without.
    p : (S,) float
        ``(1 + permutations at least as good) / (1 + permutations)``, each bin by itself; NaN without.
    steps : (S, 2) int
        First step of each bin, and the step after its last.
    classes : (C,)
        The distinct labels, ascending.
    """

    accuracy: Float[np.ndarray, "S"]
    generalisation: Float[np.ndarray, "S S"]
    chance: Float[np.ndarray, "S"]
    chance_95: Float[np.ndarray, "S"]
    p: Float[np.ndarray, "S"]
    steps: Int[np.ndarray, "S 2"]
    classes: Shaped[np.ndarray, "C"]


def decode(
    rates: ArrayLike,
    labels: ArrayLike,
    *,
    rng: np.random.Generator | int | float,
    folds: int | float = 5,
    decoder: Decoder = "lda",
    bin_steps: int | float = 1,
    n_permutations: int | float = 0,
) -> Decoding:
    """Decode a condition from the rates of single trials, at each time and across times.

    Parameters
    ----------
    rates : (T, B, N) array
        Firing rates, time-major.
    labels : (B,) array
        What is decoded, one label per trial; at least two different ones, each on at least `folds` trials.
    rng : numpy Generator or int
        Source of folds and permutations, or its seed.
    folds : int
        Parts the trials are cut into, each with its share of every class; each part is held out once.
    decoder : {"lda", "logistic", "ridge"}
        Linear discriminants with shrinkage of the covariance after Ledoit & Wolf, logistic regression or ridge
        regression on the classes, on units standardised by their mean and deviation in the training trials of the bin.
    bin_steps : int
        Steps that are averaged into a bin; a remainder at the end is left out.
    n_permutations : int
        Permutations of the labels for the chance level, each with folds of its own. The time they take is as many
        times that of the decoding itself.

    Returns
    -------
    Decoding

    Raises
    ------
    ValueError
        If shapes do not match, a rate is not finite, a class has fewer trials than folds, or an option is out of range.

    Notes
    -----
    A trial is predicted once, by decoders that saw it neither for their weights nor for the standardisation. Across
    times, the same trials are held out in all bins: rates are correlated in time, and a decoder must not have seen the
    trial it is tested on in any bin. King & Dehaene (2014), Trends Cogn Sci 18:203. Classes weigh equally in the
    accuracy, and for LDA in the decoder too (priors); the others weight trials accordingly.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.repeat(["left", "right"], 20)
    >>> rates = np.random.default_rng(0).normal(size=(3, 40, 5))
    >>> rates[1:, labels == "right", 0] += 5.0
    >>> decode(rates, labels, rng=0).accuracy.round(1).tolist()
    [0.4, 1.0, 1.0]
    """
    values = as_rates(rates)
    require_finite("rates", values)
    folds, bin_steps = whole(folds, "`folds`"), whole(bin_steps, "`bin_steps`")
    n_permutations, generator = whole(n_permutations, "`n_permutations`"), as_generator(rng, "`rng`")
    classes, index = _checked_labels(labels, values.shape[1], folds)
    if not 1 <= bin_steps <= len(values) or n_permutations < 0 or decoder not in DECODERS:
        raise ValueError(
            f"`bin_steps` must be in 1..T = {len(values)}, `n_permutations` >= 0 and `decoder` one of "
            f"{', '.join(DECODERS)}; got {bin_steps}, {n_permutations} and {decoder!r}."
        )
    starts = np.arange(0, len(values) - bin_steps + 1, bin_steps)
    binned = values[: starts[-1] + bin_steps].reshape(starts.size, bin_steps, *values.shape[1:]).mean(axis=1)
    predicted = _predict(binned, index, folds, decoder, generator, across=True)
    generalisation = _balanced(predicted == index, index)
    accuracy = np.diagonal(generalisation).copy()
    edges = np.stack([starts, starts + bin_steps], axis=1)
    if not n_permutations:
        unknown = np.full(starts.size, np.nan)
        chance = np.full(starts.size, 1.0 / classes.size)
        return Decoding(accuracy, generalisation, chance, unknown, unknown.copy(), edges, classes)
    null = np.empty((n_permutations, starts.size))
    for row in null:
        permuted = generator.permutation(index)
        guessed = _predict(binned, permuted, folds, decoder, generator, across=False)
        row[:] = _balanced(guessed == permuted, permuted)
    p = (1 + (null >= accuracy).sum(axis=0)) / (1 + n_permutations)
    return Decoding(accuracy, generalisation, null.mean(axis=0), np.percentile(null, 95, axis=0), p, edges, classes)


def _checked_labels(
    labels: ArrayLike, n_trials: int, folds: int
) -> tuple[Shaped[np.ndarray, "C"], Int[np.ndarray, "B"]]:
    classes, index, counts = np.unique(as_labels("labels", labels, n_trials), return_inverse=True, return_counts=True)
    if classes.size < 2 or folds < 2 or counts.min() < folds:
        raise ValueError(
            f"`labels` need at least two classes with at least `folds` (>= 2) trials each; got {classes.size} classes, "
            f"the smallest of {counts.min()} trials, and {folds} folds. Labels may be graded: bin them first."
        )
    return classes, index


def _predict(
    binned: Float[np.ndarray, "S B N"],
    index: Int[np.ndarray, "B"],
    folds: int,
    decoder: Decoder,
    generator: np.random.Generator,
    *,
    across: bool,
) -> Int[np.ndarray, "S *R B"]:
    """Class of each trial by a decoder that did not see it: (S, B), or across bins (S trained, S tested, B)."""
    n_bins, n_trials, n_units = binned.shape
    predicted = np.empty((n_bins, n_bins, n_trials) if across else (n_bins, n_trials), dtype=np.int64)
    for held_out in _folds(index, folds, generator):
        for place, rates in enumerate(binned):
            mean, size = rates[~held_out].mean(axis=0), rates[~held_out].std(axis=0)
            size[size == 0.0] = 1.0
            model = _decoder(decoder, int(index.max()) + 1)
            model.fit((rates[~held_out] - mean) / size, index[~held_out])
            if across:
                tested = binned[:, held_out].reshape(-1, n_units)
                predicted[place][:, held_out] = model.predict((tested - mean) / size).reshape(n_bins, -1)
            else:
                predicted[place][held_out] = model.predict((rates[held_out] - mean) / size)
    return predicted


def _folds(index: Int[np.ndarray, "B"], folds: int, generator: np.random.Generator) -> Iterator[Bool[np.ndarray, "B"]]:
    """Held-out trials of each fold, in which every class has its share."""
    fold = np.empty(index.size, dtype=np.int64)
    offset = 0
    for value in range(index.max() + 1):
        members = generator.permutation(np.flatnonzero(index == value))
        # The remainders of the classes go to different folds, so that these are of nearly the same size.
        fold[members] = (np.arange(members.size) + offset) % folds
        offset += members.size
    for one in range(folds):
        yield fold == one


class _Shrunk:
    """Covariance of the trials of a class, shrunk after Ledoit & Wolf; what scikit-learn estimates it with."""

    covariance_: Float[np.ndarray, "N N"]

    def fit(self, values: Float[np.ndarray, "B N"]) -> "_Shrunk":
        from sklearn.covariance import ledoit_wolf

        size = values.std(axis=0)
        shrunk = ledoit_wolf((values - values.mean(axis=0)) / np.where(size > 0, size, 1.0))[0]
        # Without the floor, a network without noise, whose trials of a class are all the same, would have no classes.
        self.covariance_ = size[:, None] * shrunk * size[None] + FLOOR * np.eye(size.size)
        return self


def _decoder(name: Decoder, n_classes: int) -> Any:
    # sklearn takes a second to load, which only who decodes should wait for.
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LogisticRegression, RidgeClassifier

    if name == "lda":
        equal = np.full(n_classes, 1.0 / n_classes)
        return LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=_Shrunk(), priors=equal)
    if name == "logistic":
        return LogisticRegression(class_weight="balanced", max_iter=1000)
    return RidgeClassifier(class_weight="balanced")


def _balanced(correct: Bool[np.ndarray, "... B"], index: Int[np.ndarray, "B"]) -> Float[np.ndarray, "..."]:
    """Mean over classes of the fraction of trials that are correct."""
    return np.mean([correct[..., index == value].mean(axis=-1) for value in range(index.max() + 1)], axis=0)
