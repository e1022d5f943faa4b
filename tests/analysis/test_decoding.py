import warnings

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from tqdm.auto import tqdm

from eicon.analysis import _decoding, decode
from eicon.analysis._decoding import DECODERS

RNG = np.random.default_rng(0)
T, B, N = 6, 40, 8
LABELS = np.arange(B) % 2
RATES = RNG.normal(size=(T, B, N))
RATES[2:4, LABELS == 1, 0] += 4.0
RATES[4:, LABELS == 1, 1] += 4.0


def given(rates, folds=5, decoder="lda", *, inside=None, groups=None, across=None):
    inside = np.ones(rates.shape[:2], bool) if inside is None else inside
    return _decoding._Trials(rates, inside, groups, across, folds, decoder)


@pytest.mark.parametrize("decoder", DECODERS)
def test_time_of_information_and_its_generalisation(decoder):
    result = decode(RATES, LABELS, rng=0, decoder=decoder)
    assert (result.accuracy[:2] < 0.75).all()
    assert (result.accuracy[2:] > 0.8).all()
    np.testing.assert_array_equal(np.diagonal(result.generalisation), result.accuracy)
    assert result.generalisation[2, 3] > 0.8  # the same unit
    assert result.generalisation[4, 5] > 0.8
    assert result.generalisation[2, 4] == pytest.approx(0.5, abs=0.2)  # another one
    assert result.generalisation[4, 2] == pytest.approx(0.5, abs=0.2)
    assert result.steps.tolist() == [[t, t + 1] for t in range(T)]
    assert result.classes.tolist() == [0, 1]


def test_rows_are_where_it_was_trained_and_columns_where_it_was_tested():
    """In bin 0 one unit carries the label, in bin 1 two do: who learned of one in 0 gets by in 1, not the reverse."""
    rates = np.random.default_rng(1).normal(size=(2, 200, 2))
    labels = np.arange(200) % 2
    rates += 6.0 * (labels[:, None] - 0.5) * np.array([[[1.0, 0.0]], [[1.0, 1.0]]])
    rates[0, :, 1] *= 20.0  # loud in bin 0, where it says nothing; to who learned in bin 1 it says half
    result = decode(rates, labels, rng=0).generalisation
    assert result[0, 0] > 0.98
    assert result[1, 1] > 0.98
    assert result[0, 1] > 0.98
    assert result[1, 0] < 0.8


def by_hand(rates, labels, fold, model):
    """Balanced accuracy of held-out folds in plain loops, everything fitted on the other trials."""
    correct = np.zeros(labels.size, bool)
    for one in np.unique(fold):
        out = fold == one
        mean, size = rates[~out].mean(axis=0), rates[~out].std(axis=0)
        model.fit((rates[~out] - mean) / size, labels[~out])
        correct[out] = model.predict((rates[out] - mean) / size) == labels[out]
    return np.mean([correct[labels == value].mean() for value in np.unique(labels)])


@pytest.mark.parametrize(
    ("decoder", "model"),
    [
        ("lda", LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[1 / 3] * 3)),
        ("logistic", LogisticRegression(class_weight="balanced", max_iter=1000)),
        ("ridge", RidgeClassifier(class_weight="balanced")),
    ],
)
def test_accuracy_is_that_of_plain_cross_validation(decoder, model):
    rng = np.random.default_rng(3)
    labels = rng.permutation(np.repeat([0, 1, 2], [30, 12, 9]))
    rates = rng.normal(size=(2, 51, 5)) * 10.0 + 5.0
    rates[:, labels == 1, 0] += 12.0
    rates[1, labels == 2, 1] += 20.0
    fold = np.zeros(51, int)
    for number, held_out in enumerate(_decoding._folds(given(rates, 4), labels, np.random.default_rng(9))):
        fold[held_out] = number
    result = decode(rates, labels, rng=9, folds=4, decoder=decoder)
    np.testing.assert_allclose(result.accuracy, [by_hand(one, labels, fold, model) for one in rates], rtol=1e-12)


def test_folds_hold_each_trial_out_once_with_its_share_of_every_class():
    index = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [23, 11, 6]))
    folds = list(_decoding._folds(given(RATES), index, np.random.default_rng(1)))
    assert (np.sum(folds, axis=0) == 1).all()
    for value, count in ((0, 23), (1, 11), (2, 6)):
        sizes = [np.count_nonzero(index[one] == value) for one in folds]
        assert set(sizes) <= {count // 5, count // 5 + 1}
    assert {one.sum() for one in folds} == {8}
    other = list(_decoding._folds(given(RATES), index, np.random.default_rng(2)))
    assert any((a != b).any() for a, b in zip(folds, other, strict=True))


@pytest.mark.parametrize("decoder", DECODERS)
def test_pure_noise_of_many_units_gives_chance(decoder):
    """With more units than trials, any look at the held-out trials, in this bin or another, would show."""
    accuracy = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        noise = np.repeat(rng.normal(size=(1, 40, 60)), 2, axis=0)  # both bins alike
        accuracy.append(decode(noise, np.arange(40) % 2, rng=rng, folds=4, decoder=decoder).generalisation)
    # A single accuracy has a standard deviation of 0.1 here, the mean one of 0.03.
    np.testing.assert_allclose(np.mean(accuracy, axis=0), 0.5, atol=0.12)


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_held_out_trial_changes_nothing_for_those_held_out_with_it(decoder):
    """Neither through the weights nor through mean and deviation of the units, in no bin."""
    labels = np.arange(40) % 2
    rates = np.random.default_rng(2).normal(size=(2, 40, 5)) + 0.5 * labels[:, None]
    (together, *_) = _decoding._folds(given(rates, 4), labels, np.random.default_rng(7))
    changed, first = rates.copy(), np.flatnonzero(together)[0]
    changed[:, first] = 1e4 * np.array([1.0, -1.0, 1.0, -1.0, 1.0])
    before, after = (
        _decoding._predict(given(values, 4, decoder), labels, np.random.default_rng(7), across_bins=True)
        for values in (rates, changed)
    )
    others = together.copy()
    others[first] = False
    np.testing.assert_array_equal(before[:, :, others], after[:, :, others])
    assert (before[:, :, ~together] != after[:, :, ~together]).any()


def test_unequal_classes_give_no_accuracy_for_nothing():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [180, 20])
    for decoder in DECODERS:
        result = decode(rng.normal(size=(1, 200, 3)), labels, rng=0, decoder=decoder)
        assert result.accuracy[0] == pytest.approx(0.5, abs=0.16)  # 20 trials of the smaller class
    shifted = rng.normal(size=(1, 200, 3))
    shifted[:, labels == 1, 0] += 1.5
    for decoder in DECODERS:  # without equal weights the small class would hardly be chosen: accuracy 0.55
        assert decode(shifted, labels, rng=0, decoder=decoder).accuracy[0] > 0.65


def test_chance_level_and_p_by_permutation():
    result = decode(RATES, LABELS, rng=0, n_permutations=19, decoder="ridge")
    np.testing.assert_allclose(result.chance, 0.5, atol=0.08)
    assert (result.chance_95 > result.chance).all()
    assert (result.p[2:] == 1 / 20).all()
    assert (result.p[:2] > 0.05).all()
    without = decode(RATES, LABELS, rng=0, decoder="ridge")
    np.testing.assert_array_equal(without.accuracy, result.accuracy)
    assert without.chance.tolist() == [0.5] * T
    assert np.isnan(without.p).all()
    assert np.isnan(without.chance_95).all()


def test_permuted_accuracies_are_those_of_permuted_labels():
    generator = np.random.default_rng(4)
    index = LABELS.astype(np.int64)
    trials = given(RATES, decoder="ridge")
    _decoding._predict(trials, index, generator, across_bins=True)
    rows = []
    for _ in range(3):
        permuted = generator.permutation(index)
        found = _decoding._predict(trials, permuted, generator, across_bins=False)
        rows.append([np.mean([one[permuted == value].mean() for value in (0, 1)]) for one in found])
    result = decode(RATES, LABELS, rng=4, decoder="ridge", n_permutations=3)
    np.testing.assert_allclose(result.chance, np.mean(rows, axis=0))
    np.testing.assert_allclose(result.chance_95, np.percentile(rows, 95, axis=0))
    again = decode(RATES, LABELS, rng=4, decoder="ridge", n_permutations=3)
    np.testing.assert_array_equal(result.chance, again.chance)
    np.testing.assert_allclose(result.p, (1 + np.sum(np.array(rows) >= result.accuracy, axis=0)) / 4)


def test_bins_are_means_over_steps():
    result = decode(RATES, LABELS, rng=0, bin_steps=4)
    assert result.steps.tolist() == [[0, 4]]  # two steps are left over
    averaged = decode(RATES[:4].mean(axis=0, keepdims=True), LABELS, rng=0)
    np.testing.assert_array_equal(result.accuracy, averaged.accuracy)


def test_labels_may_be_words_and_silent_units_do_no_harm():
    words = np.array(["go", "stop"])[LABELS]
    silent = np.concatenate([RATES, np.zeros((T, B, 2))], axis=2)
    result = decode(silent, words, rng=0)
    assert result.classes.tolist() == ["go", "stop"]
    np.testing.assert_allclose(result.accuracy[2:], decode(RATES, LABELS, rng=0).accuracy[2:], atol=0.1)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: decode(RATES[0], LABELS, rng=0), r"`rates` must be a non-empty \(T, B, N\) array"),
        (lambda: decode(RATES * np.nan, LABELS, rng=0), "`rates` must be finite"),
        (lambda: decode(RATES, LABELS[:5], rng=0), r"`labels` must have shape \(B,\) = \(40,\)"),
        (lambda: decode(RATES, 0 * LABELS, rng=0), "got 1 classes, the smallest of 40 trials, and 5 folds"),
        (lambda: decode(RATES, np.arange(40), rng=0), "got 40 classes, the smallest of 1 trials.*bin them first"),
        (lambda: decode(RATES, LABELS, rng=0, folds=1), "and 1 folds"),
        (lambda: decode(RATES, LABELS, rng=0, bin_steps=7), r"`bin_steps` must be in 1..T = 6.*got 7, 0 and 'lda'"),
        (lambda: decode(RATES, LABELS, rng=0, n_permutations=-1), "got 1, -1 and 'lda'"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_unknown_decoders_are_named():
    with pytest.raises(Exception, match="svm"):
        decode(RATES, LABELS, rng=0, decoder="svm")


@pytest.mark.parametrize("decoder", DECODERS)
def test_trials_without_noise_are_told_apart_and_a_word_is_said(decoder):
    """Row 1: at chance where classes are perfectly separable."""
    rates = np.zeros((1, 20, 3))
    rates[:, 10:] = 1.0
    with pytest.warns(UserWarning, match="20 of 20 trials are copies of others.*record networks with noise"):
        result = decode(rates, np.repeat([0, 1], 10), rng=0, decoder=decoder)
    assert result.accuracy.tolist() == [1.0]


def test_of_classes_without_noise_the_nearest_mean_wins():
    means = np.random.default_rng(0).normal(size=(3, 4))
    with pytest.warns(UserWarning, match="copies"):
        result = decode(np.repeat(means, 6, axis=0)[None], np.repeat([0, 1, 2], 6), rng=0)
    assert result.accuracy.tolist() == [1.0]


def copies(seed=0, times=3):
    """Random labels of 30 trials of 40 units, each trial several times."""
    rng = np.random.default_rng(seed)
    origin = np.repeat(np.arange(30), times)
    return rng.normal(size=(1, 30, 40))[:, origin], rng.permutation(np.arange(30) % 2)[origin], origin


def test_copies_of_trials_are_decoded_at_chance_with_groups_and_named_without():
    """Row 7: random labels, each trial three times: accuracy .86, p .048."""
    with_groups, without, p = [], [], []
    for seed in range(8):
        rates, labels, origin = copies(seed)
        with pytest.warns(UserWarning, match=r"90 of 90 trials are copies of others.*pass `groups=`"):
            without.append(decode(rates, labels, rng=seed).accuracy[0])
        found = decode(rates, labels, rng=seed, groups=origin, n_permutations=19, decoder="ridge")
        with_groups.append(found.accuracy[0])
        p.append(found.p[0])
    assert np.mean(without) > 0.8
    assert np.mean(with_groups) == pytest.approx(0.5, abs=0.1)  # standard error .035
    assert np.mean(np.array(p) <= 0.05) <= 0.25


def drifting(seed, block, n=80, correlation=0.95, units=5):
    """Random labels of blocks, and rates that drift from trial to trial."""
    rng = np.random.default_rng(seed)
    blocks = np.arange(n) // block
    labels = rng.permutation(np.arange(blocks.max() + 1) % 2)[blocks]
    rates = np.empty((n, units))
    rates[0] = rng.normal(size=units)
    for i in range(1, n):
        rates[i] = correlation * rates[i - 1] + np.sqrt(1 - correlation**2) * rng.normal(size=units)
    return rates[None], labels, blocks


def test_labels_in_blocks_on_a_slow_drift_are_named():
    """Row 7: labels in two blocks on a slow drift were decoded with .99."""
    rates, labels, _ = drifting(0, 40, correlation=0.99)
    with pytest.warns(UserWarning, match="come in blocks.*drifted.*Pass `groups=`"):
        assert decode(rates, labels, rng=0).accuracy[0] > 0.9
    rates, labels, _ = drifting(0, 10)
    with pytest.warns(UserWarning, match="come in blocks"):
        decode(rates, labels, rng=0)


def test_blocks_without_a_drift_and_drifts_without_blocks_are_not_named():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(20):
            rng = np.random.default_rng(seed)
            decode(rng.normal(size=(2, 80, 5)), np.repeat([0, 1], 40), rng=0, decoder="ridge")
            rates, labels, _ = drifting(seed, 1)
            decode(rates, labels, rng=0, decoder="ridge")


@pytest.mark.battery
def test_whole_blocks_are_left_out_and_permuted():
    """Row 20: P(p <= .05) was .40 for labels in blocks of 10 and an AR(.95) drift."""
    alone, together = [], []
    for seed in range(100):
        rates, labels, blocks = drifting(seed, 10, n=120)
        options = {"rng": seed, "decoder": "ridge", "n_permutations": 19}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            alone.append(decode(rates, labels, **options).p[0])
        together.append(decode(rates, labels, groups=blocks, **options).p[0])
    assert np.mean(np.array(alone) <= 0.05) > 0.2
    assert np.mean(np.array(together) <= 0.05) < 0.12  # standard error .02


def test_groups_never_straddle_a_fold():
    rng = np.random.default_rng(0)
    groups = rng.permutation(np.repeat(np.arange(14), rng.integers(1, 6, 14)))
    pure, mixed = (np.arange(14) % 2)[groups], rng.integers(0, 2, groups.size)
    for index in (pure, mixed):
        trials = given(np.zeros((1, groups.size, 2)), 4, groups=groups)
        folds = np.array(list(_decoding._folds(trials, index, np.random.default_rng(1))))
        assert (folds.sum(axis=0) == 1).all()
        fold = folds.argmax(axis=0)
        assert all(np.unique(fold[groups == group]).size == 1 for group in range(14))
        assert set(np.bincount(fold[np.unique(groups, return_index=True)[1]])) <= {3, 4}


def test_sessions_with_both_classes_keep_their_labels_in_permutations():
    """Rates and numbers of the classes differ between sessions: without groups p finds the session."""
    rng = np.random.default_rng(0)
    session = np.repeat(np.arange(6), 20)
    labels = rng.permuted(np.arange(20) < np.array([15, 5, 15, 5, 15, 5])[:, None], axis=1).reshape(-1).astype(int)
    rates = rng.normal(size=(1, 120, 4)) + 3.0 * (session % 2)[:, None]
    options = {"rng": 1, "folds": 3, "decoder": "ridge", "n_permutations": 39}
    assert decode(rates, labels, **options).p[0] <= 0.05
    within = decode(rates, labels, groups=session, **options)
    assert within.p[0] > 0.05
    assert within.chance[0] > 0.65  # what the session alone tells


def test_trials_of_different_length():
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(60) % 2)
    length = np.where(np.arange(60) < 40, 8, 4)
    rates = rng.normal(size=(8, 60, 4)) + 3.0 * labels[:, None] * (np.arange(8) >= 2)[:, None, None]
    mask = np.arange(8)[:, None] < length
    rates[~mask] = np.nan
    result = decode(rates, labels, rng=0, mask=mask, bin_steps=2)
    assert (result.accuracy[1:] > 0.9).all()
    assert result.accuracy[0] < 0.75
    assert result.n.sum(axis=1).tolist() == [60, 60, 40, 40]
    assert result.n[2].tolist() == np.bincount(labels[:40]).tolist()
    alone = decode(rates[:, :40], labels[:40], rng=0, bin_steps=2)
    np.testing.assert_allclose(result.accuracy[2:], alone.accuracy[2:], atol=0.1)
    with pytest.raises(ValueError, match="`rates` must be finite"):
        decode(rates, labels, rng=0)
    # A bin is the mean over those of its steps that are in the trial.
    np.testing.assert_allclose(decode(rates, labels, rng=0, mask=mask, bin_steps=8).accuracy,
        decode(np.nanmean(rates, axis=0)[None], labels, rng=0).accuracy)  # fmt: skip


def test_bins_in_which_a_class_is_over_have_no_accuracy():
    labels = np.arange(40) % 2
    mask = np.ones((T, B), bool)
    mask[4:, labels == 1] = False
    result = decode(RATES, labels, rng=0, mask=mask, n_permutations=3)
    assert np.isfinite(result.accuracy[:4]).all()
    assert np.isnan(result.accuracy[4:]).all()
    assert np.isnan(result.p[4:]).all()
    assert np.isnan(result.generalisation[:, 4:]).all()


def test_across_contexts():
    """Unit 0 carries the label in both contexts, unit 1 with opposite sign in each."""
    rng = np.random.default_rng(0)
    context, labels = np.arange(80) // 2 % 2, np.arange(80) % 2
    sign = 2.0 * labels - 1.0
    noise = rng.normal(size=(3, 80, 6))
    noise[1, :, 0] += 2.0 * sign
    noise[2, :, 1] += 2.0 * sign * (2.0 * context - 1.0)
    names = np.array(["colour", "motion"])[context]
    result = decode(noise, labels, rng=0, across=names, n_permutations=19)
    assert result.accuracy[0] == pytest.approx(0.5, abs=0.2)
    assert result.accuracy[1] > 0.9
    assert result.accuracy[2] < 0.1  # decoded in each context, and the other way round in the other
    assert decode(noise[2:, context == 0], labels[context == 0], rng=0).accuracy[0] > 0.9
    assert result.p[1] == 1 / 20
    trials = given(noise, across=context)
    assert [fold.tolist() for fold in _decoding._folds(trials, labels, rng)] == [
        (context == c).tolist() for c in (0, 1)
    ]


@pytest.mark.parametrize(("n_trials", "n_units"), [(40, 90), (90, 12)])
def test_ridge_is_that_of_scikit_learn(n_trials, n_units):
    rng = np.random.default_rng(0)
    for n_classes in (2, 3):
        index = rng.permutation(np.minimum(np.arange(n_trials) % (n_classes + 1), n_classes - 1))  # unequal
        x = rng.normal(size=(n_trials, n_units)) + 0.5 * index[:, None]
        ours, theirs = _decoding._Ridge(n_classes), RidgeClassifier(class_weight="balanced").fit(x, index)
        ours.fit(x, index)
        other = rng.normal(size=(500, n_units)) + 0.3
        assert 0.1 < np.mean(theirs.predict(other) == 0) < 0.9
        np.testing.assert_array_equal(ours.predict(other), theirs.predict(other))


def test_a_progress_line_is_drawn_only_on_request(monkeypatch):
    asked = []

    def bar(**options):
        asked.append(options)
        return tqdm(**options | {"disable": True})

    monkeypatch.setattr(_decoding, "tqdm", bar)
    for progress in (False, True):
        decode(RATES, LABELS, rng=0, decoder="ridge", n_permutations=2, progress=progress)
    assert [one["total"] for one in asked] == [3, 3]
    # None: shown on a terminal, and not in a file, as everywhere in eicon.
    assert [one["disable"] for one in asked] == [True, None]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"groups": np.arange(B) // 10}, "smallest of 4 groups, and 5 folds. Use fewer folds"),
        ({"groups": np.arange(B - 1)}, r"`groups` must have shape \(B,\) = \(40,\)"),
        ({"across": LABELS}, "got 2 contexts and 2 of 4 combinations"),
        ({"across": np.zeros(B)}, "got 1 contexts and 2 of 2 combinations"),
        ({"across": np.arange(B) // 2 % 2, "groups": np.arange(B) // 4}, "`groups` must lie in one context"),
        ({"mask": np.ones((B, T))}, r"`mask` must have shape \(T, B\) = \(6, 40\)"),
    ],
)
def test_wrong_groups_contexts_and_masks_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        decode(RATES, LABELS, rng=0, **options)
