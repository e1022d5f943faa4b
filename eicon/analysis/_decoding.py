"""Cross-validated decoding of a condition from a population, at each time and across times."""

import warnings
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import ArrayLike
from scipy import special
from tqdm.auto import tqdm

from .._key import as_generator
from .._numbers import whole
from ._arrays import Rates, as_labels, as_mask, as_rates, levels_of, require_finite, silent_below, steps_of
from ._permutation import group_of, is_between, permuted

Decoder = Literal["lda", "logistic", "ridge"]
DECODERS = ("lda", "logistic", "ridge")
FLOOR = 1e-6
"""Minimum variance of units within a class for LDA, as a fraction of that of all trials."""
_SURE = 1e-4
"""Warn of the order of trials if its probability by chance is below this."""


class Decoding(NamedTuple):
    """Decoding of a condition from held-out trials; S time bins, C classes.

    Attributes
    ----------
    accuracy : (S,) float
        Balanced accuracy, the mean over classes of the fraction of its trials that were decoded correctly, for decoders
        trained and tested in the same bin. Guessing gives 1 / C however unequal the classes are. NaN where there
        are too few trials.
    generalisation : (S, S) float
        The same for decoders trained in one bin (rows) and tested in another (columns); its diagonal is `accuracy`.
    chance : (S,) float
        Mean accuracy after permuting the labels; 1 / C without permutations.
    chance_95 : (S,) float
        95th percentile of the accuracy over the permutations; NaN without permutations.
    p : (S,) float
        ``(1 + permutations at least as good) / (1 + permutations)``, of each bin separately; NaN without permutations.
    steps : (S, 2) int
        First step of each bin, and the step after its last.
    classes : (C,)
        The distinct labels, ascending.
    n : (S, C) int
        Trials of each class that have steps in the bin.
    """

    accuracy: Float[np.ndarray, "S"]
    generalisation: Float[np.ndarray, "S S"]
    chance: Float[np.ndarray, "S"]
    chance_95: Float[np.ndarray, "S"]
    p: Float[np.ndarray, "S"]
    steps: Int[np.ndarray, "S 2"]
    classes: Shaped[np.ndarray, "C"]
    n: Int[np.ndarray, "S C"]


class _Trials(NamedTuple):
    """Trials to decode."""

    binned: Float[np.ndarray, "S B N"]
    inside: Bool[np.ndarray, "S B"]
    groups: Int[np.ndarray, "B"] | None
    across: Int[np.ndarray, "B"] | None
    folds: int
    decoder: Decoder


def decode(
    rates: Rates,
    labels: ArrayLike,
    *,
    rng: np.random.Generator | int | float,
    folds: int | float = 5,
    decoder: Decoder = "lda",
    bin_steps: int | float = 1,
    n_permutations: int | float = 0,
    mask: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    across: ArrayLike | None = None,
    progress: bool = False,
) -> Decoding:
    """Decode a condition from the rates of single trials, at each time, across times, and across contexts.

    Parameters
    ----------
    rates : (T, B, N) array
        Firing rates, time-major.
    labels : (B,) array
        Condition to decode, one label per trial; at least two classes, each with at least `folds` trials (or groups).
    rng : numpy Generator or int
        Source of folds and permutations, or its seed.
    folds : int
        Number of parts that the trials are split into, each with a share of every class; each part is held out once.
    decoder : {"lda", "logistic", "ridge"}
        Linear discriminants with shrinkage of the covariance after Ledoit & Wolf, logistic regression or ridge
        regression on the classes, on units standardised by their mean and deviation in the training trials of the bin.
        Ridge is the fast choice, for hundreds of units and many permutations: it takes a tenth of the time of the
        others, and logistic regression takes longest.
    bin_steps : int
        Steps that are averaged into a bin; a remainder at the end is left out.
    n_permutations : int
        Permutations of the labels for the chance level, each with its own folds. Each permutation takes as long as the
        decoding itself.
    mask : (T, B) array of bool or 0/1, optional
        Steps that are used, for trials of different length. A bin averages those of its steps that are used, over the
        trials that have any.
    groups : (B,) array, optional
        Trials that are not independent of each other, such as those of a session or of a block, or copies of one trial.
        A group is held out as a whole. Labels are permuted between whole groups if all trials of each group have the
        same label, otherwise within groups.
    across : (B,) array, optional
        Context of each trial: decoders are trained in all contexts but one and tested in that one, each in turn,
        instead of in `folds`. An accuracy well above chance means that the condition is represented in the same way in
        all contexts. Labels are permuted within contexts.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Decoding

    Raises
    ------
    ValueError
        If shapes do not match, a used rate is not finite, a class has fewer trials (or groups) than folds, a context
        lacks a class, or an option is out of range.

    Warns
    -----
    UserWarning
        If trials are copies of each other, as of a network without noise, or if the labels come in blocks while rates
        drift from trial to trial, and `groups` do not account for it.

    Notes
    -----
    A trial is predicted once, by decoders that used it neither for their weights nor for the standardisation. Across
    times, the same trials are held out in all bins: rates are correlated in time, and a decoder must not be trained on
    its test trial in any bin. King & Dehaene (2014), Trends Cogn Sci 18:203; across contexts, Bernardi et al.
    (2020), Cell 183:954. Classes weigh equally in the accuracy, and for LDA in the decoder too (priors); the others
    weight trials accordingly.

    Accuracy and p are valid if trials are exchangeable: if labels were unrelated to the rates, every order of them
    would be equally likely. Trials are not exchangeable if one of them occurs several times, or if labels came in
    blocks while the rates drifted: a decoder then recognises the copy, or the time within the session, and random
    labels seem to be decoded (with blocks of 10 trials and an autocorrelation of .95 from trial to trial, p <= .05 in
    40 % of cases). `groups` of dependent trials restore exchangeability. Labels that alternate from block to block are
    not exchangeable with any groups.

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
    n_steps, n_trials = values.shape[:2]
    used = as_mask("mask", steps_of(rates, mask), (n_steps, n_trials))
    require_finite("rates", values[used])
    folds, bin_steps = whole(folds, "`folds`"), whole(bin_steps, "`bin_steps`")
    n_permutations, generator = whole(n_permutations, "`n_permutations`"), as_generator(rng, "`rng`")
    classes, index = levels_of(as_labels("labels", labels, n_trials, shape=values.shape))
    if not 1 <= bin_steps <= n_steps or n_permutations < 0 or decoder not in DECODERS:
        raise ValueError(
            f"`bin_steps` must be in 1..T = {n_steps}, `n_permutations` >= 0 and `decoder` one of "
            f"{', '.join(DECODERS)}; got {bin_steps}, {n_permutations} and {decoder!r}."
        )
    edges, binned, inside = _bins(values, used, bin_steps)
    group, context = group_of("groups", groups, n_trials), group_of("across", across, n_trials)
    trials = _Trials(binned, inside, group, context, folds, decoder)
    _check_folds(trials, index, classes.size)
    _warn_of_dependence(trials, index)
    bar = tqdm(total=1 + n_permutations, unit="decoding", desc="decoding", disable=None if progress else True)
    with bar:
        predicted = _predict(trials, index, generator, across_bins=True)
        bar.update()
        generalisation = _balanced(predicted, index, inside)
        accuracy = np.diagonal(generalisation).copy()
        chance = np.full(len(edges), 1.0 / classes.size)
        percentile, p = np.full((2, len(edges)), np.nan)
        if n_permutations:
            null = np.empty((n_permutations, len(edges)))
            for row in null:
                other = permuted(index, generator, group, context)
                row[:] = _balanced(_predict(trials, other, generator, across_bins=False), other, inside)
                bar.update()
            # Rounding must not separate equal values; NaN is not evidence.
            as_good = np.count_nonzero(~(null < accuracy - 1e-9), axis=0)
            p = np.where(np.isnan(accuracy), np.nan, (1 + as_good) / (1 + n_permutations))
            chance, percentile = null.mean(axis=0), np.percentile(null, 95, axis=0)
    n = np.stack([np.count_nonzero(inside & (index == value), axis=1) for value in range(classes.size)], axis=1)
    return Decoding(accuracy, generalisation, chance, percentile, p, edges, classes, n)


def _bins(
    values: Float[np.ndarray, "T B N"], used: Bool[np.ndarray, "T B"], bin_steps: int
) -> tuple[Int[np.ndarray, "S 2"], Float[np.ndarray, "S B N"], Bool[np.ndarray, "S B"]]:
    """First and last step of each bin, means over its steps that are used, and trials that have any."""
    starts = np.arange(0, len(values) - bin_steps + 1, bin_steps)
    stop = starts[-1] + bin_steps
    count = used[:stop].reshape(starts.size, bin_steps, -1).sum(axis=1)
    known = np.where(used[:stop, :, None], values[:stop], 0.0)
    total = known.reshape(starts.size, bin_steps, *values.shape[1:]).sum(axis=1)
    return np.stack([starts, starts + bin_steps], axis=1), total / np.maximum(count, 1)[..., None], count > 0


def _check_folds(trials: _Trials, index: Int[np.ndarray, "B"], n_classes: int) -> None:
    units, what = (np.arange(index.size), "trials") if trials.groups is None else (trials.groups, "groups")
    counts = [np.unique(units[index == value]).size for value in range(n_classes)]
    fewest = min(counts, default=0)
    if n_classes < 2 or trials.folds < 2 or (trials.across is None and fewest < trials.folds):
        more = "Labels may be graded: bin them first." if trials.groups is None else "Use fewer folds."
        raise ValueError(
            f"`labels` need at least two classes with at least `folds` (>= 2) {what} each; got {n_classes} classes, "
            f"the smallest of {fewest} {what}, and {trials.folds} folds. {more}"
        )
    if trials.across is None:
        return
    pairs = np.unique(np.stack([trials.across, index]), axis=1)
    n_contexts = np.unique(trials.across).size
    if n_contexts < 2 or pairs.shape[1] < n_contexts * n_classes:
        raise ValueError(
            f"`across` must name at least two contexts, with trials of each of the {n_classes} classes; got "
            f"{n_contexts} contexts and {pairs.shape[1]} of {n_contexts * n_classes} combinations. Without a class in "
            "each, a decoder would be tested on classes that it was not trained for."
        )
    if trials.groups is not None and not is_between(trials.across, trials.groups):
        raise ValueError(
            "each of `groups` must lie in one context of `across`, or it would be in both training and test; got "
            "groups in several. Decode within each group separately instead."
        )


def _warn_of_dependence(trials: _Trials, index: Int[np.ndarray, "B"]) -> None:
    """Warn if trials are copies of each other, or if labels come in blocks and neighbouring trials are alike."""
    n_trials = index.size
    alive = trials.inside.all(axis=0)
    flat = np.concatenate(list(trials.binned), axis=1)
    # Rounding, as of float32, does not make trials distinct; large rates do not hide differences in small ones.
    scale = silent_below(np.abs(trials.binned).max(axis=(0, 1)))
    ticks = np.divide(trials.binned, scale, out=np.zeros_like(trials.binned), where=scale > 0)
    rounded = np.concatenate([np.concatenate(list(ticks.round()), axis=1) + 0.0, trials.inside.T], axis=1)
    copy = np.unique(rounded, axis=0, return_inverse=True)[1].reshape(-1)
    own = np.arange(n_trials) if trials.groups is None else trials.groups
    split = np.unique(np.stack([copy, own]), axis=1)[0]
    shared = np.isin(copy, np.flatnonzero(np.bincount(split) > 1))
    if shared.any():
        warnings.warn(
            f"{np.count_nonzero(shared)} of {n_trials} trials are copies of others, which a decoder recognises "
            "whatever their label: record networks with noise, or pass `groups=` with one value for all copies of a "
            "trial.",
            UserWarning,
            stacklevel=3,
        )
    elif trials.groups is None and trials.across is None and alive.sum() > 2 * trials.folds:
        likeness = _likeness_of_neighbours(flat[alive], index[alive])
        if likeness > special.ndtri(1 - _SURE) and _blocks(index) < special.ndtri(_SURE):
            warnings.warn(
                "the labels come in blocks of trials, and neighbouring trials with one label are alike, as if rates "
                "drifted: a decoder may recognise the time, not the label. Pass `groups=` with the block, or whatever "
                "such trials have in common.",
                UserWarning,
                stacklevel=3,
            )


def _likeness_of_neighbours(flat: Float[np.ndarray, "B M"], index: Int[np.ndarray, "B"]) -> float:
    """Compute how much more alike successive trials with one label are than others with it, in standard errors."""
    rest = flat.copy()
    for value in np.unique(index):
        rest[index == value] -= rest[index == value].mean(axis=0)
    size = np.sqrt(np.mean(rest**2, axis=0))
    rest = rest[:, size > 0] / size[size > 0]
    product = rest @ rest.T
    same = np.flatnonzero(index[1:] == index[:-1])
    off = ~np.eye(index.size, dtype=bool) & (index[:, None] == index)
    spread = float(product[off].std()) if off.any() else 0.0
    if same.size < 10 or not spread > 0:
        return 0.0
    return float((product[same, same + 1].mean() - product[off].mean()) / spread * np.sqrt(same.size))


def _blocks(index: Int[np.ndarray, "B"]) -> float:
    """Compute how many more changes of label there are between trials than in random order, in standard errors."""
    alike = float(np.sum((np.bincount(index) / index.size) ** 2))
    changes, expected = np.count_nonzero(np.diff(index)), (index.size - 1) * (1.0 - alike)
    return float((changes - expected) / np.sqrt(max(expected * alike, 1e-12)))


def _predict(
    trials: _Trials, index: Int[np.ndarray, "B"], generator: np.random.Generator, *, across_bins: bool
) -> Float[np.ndarray, "S *R B"]:
    """Return whether each trial was decoded correctly when held out: (S, B), or (S trained, S tested, B).

    NaN where the training trials lack a class.
    """
    binned, inside = trials.binned, trials.inside
    n_bins, n_trials, n_units = binned.shape
    correct = np.full((n_bins, n_bins, n_trials) if across_bins else (n_bins, n_trials), np.nan)
    for held_out in _folds(trials, index, generator):
        for place, rates in enumerate(binned):
            trained, tested = inside[place] & ~held_out, held_out if across_bins else inside[place] & held_out
            if np.bincount(index[trained], minlength=index.max() + 1).min() < 1 or not tested.any():
                continue
            mean, size = rates[trained].mean(axis=0), rates[trained].std(axis=0)
            size[size == 0.0] = 1.0
            model = _decoder(trials.decoder, int(index.max()) + 1)
            model.fit((rates[trained] - mean) / size, index[trained])
            if across_bins:
                guessed = model.predict((binned[:, tested].reshape(-1, n_units) - mean) / size).reshape(n_bins, -1)
                correct[place][:, tested] = guessed == index[tested]
            else:
                correct[place][tested] = model.predict((rates[tested] - mean) / size) == index[tested]
    return correct


def _folds(
    trials: _Trials, index: Int[np.ndarray, "B"], generator: np.random.Generator
) -> Iterator[Bool[np.ndarray, "B"]]:
    """Yield the held-out trials of each fold: a context, or whole groups with a share of every class."""
    if trials.across is not None:
        for context in np.unique(trials.across):
            yield trials.across == context
        return
    units = np.arange(index.size) if trials.groups is None else trials.groups
    _, first, unit = np.unique(units, return_index=True, return_inverse=True)
    # Groups with several classes are dealt out together.
    sort = index[first] if trials.groups is None or is_between(index, trials.groups) else np.zeros(first.size, np.int64)
    fold = np.empty(first.size, dtype=np.int64)
    offset = 0
    for value in range(sort.max() + 1):
        members = generator.permutation(np.flatnonzero(sort == value))
        # The remainders of the classes go to different folds, so that these are of nearly the same size.
        fold[members] = (np.arange(members.size) + offset) % trials.folds
        offset += members.size
    for one in range(trials.folds):
        yield (fold == one)[unit]


class _Shrunk:
    """Covariance of the trials of a class, shrunk after Ledoit & Wolf; an estimator for scikit-learn."""

    covariance_: Float[np.ndarray, "N N"]

    def fit(self, values: Float[np.ndarray, "B N"]) -> "_Shrunk":
        from sklearn.covariance import ledoit_wolf

        size = values.std(axis=0)
        shrunk = ledoit_wolf((values - values.mean(axis=0)) / np.where(size > 0, size, 1.0))[0]
        # Without the floor, a network without noise, whose trials of a class are all the same, would have no classes.
        self.covariance_ = size[:, None] * shrunk * size[None] + FLOOR * np.eye(size.size)
        return self


class _Ridge:
    """Ridge regression on the classes with a penalty of 1, like scikit-learn's RidgeClassifier, but ten times as fast.

    The checks of RidgeClassifier take longer than the solution, which matters for a thousand permutations.
    """

    def __init__(self, n_classes: int) -> None:
        self._n_classes = n_classes

    def fit(self, values: Float[np.ndarray, "B N"], index: Int[np.ndarray, "B"]) -> None:
        weight = 1.0 / np.bincount(index, minlength=self._n_classes)[index] * len(index) / self._n_classes
        target = np.where(index[:, None] == np.arange(self._n_classes), 1.0, -1.0)
        self._mean, offset = (np.average(part, axis=0, weights=weight) for part in (values, target))
        root = np.sqrt(weight)[:, None]
        x, y = root * (values - self._mean), root * (target - offset)
        if len(x) < x.shape[1]:
            self._coefficients = x.T @ np.linalg.solve(x @ x.T + np.eye(len(x)), y)
        else:
            self._coefficients = np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ y)
        self._offset = offset

    def predict(self, values: Float[np.ndarray, "B N"]) -> Int[np.ndarray, "B"]:
        return np.argmax((values - self._mean) @ self._coefficients + self._offset, axis=1)


def _decoder(name: Decoder, n_classes: int) -> Any:
    if name == "ridge":
        return _Ridge(n_classes)
    # Importing scikit-learn takes a second: only for those who decode.
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LogisticRegression

    if name == "lda":
        equal = np.full(n_classes, 1.0 / n_classes)
        return LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=_Shrunk(), priors=equal)
    return LogisticRegression(class_weight="balanced", max_iter=1000)


def _balanced(
    correct: Float[np.ndarray, "... B"], index: Int[np.ndarray, "B"], inside: Bool[np.ndarray, "S B"]
) -> Float[np.ndarray, "..."]:
    """Mean over classes of the fraction of trials with steps in the tested bin that are correct; NaN without any."""
    fractions = []
    for value in range(index.max() + 1):
        counted = inside & (index == value)
        n = counted.sum(axis=-1)
        total = np.where(counted, correct, 0.0).sum(axis=-1)
        fractions.append(np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0))
    return np.mean(fractions, axis=0)
