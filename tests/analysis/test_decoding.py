import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from eicon.analysis import _decoding, decode
from eicon.analysis._decoding import DECODERS

RNG = np.random.default_rng(0)
T, B, N = 6, 40, 8
LABELS = np.arange(B) % 2
RATES = RNG.normal(size=(T, B, N))
RATES[2:4, LABELS == 1, 0] += 4.0
RATES[4:, LABELS == 1, 1] += 4.0


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
    for number, held_out in enumerate(_decoding._folds(labels, 4, np.random.default_rng(9))):
        fold[held_out] = number
    result = decode(rates, labels, rng=9, folds=4, decoder=decoder)
    np.testing.assert_allclose(result.accuracy, [by_hand(one, labels, fold, model) for one in rates], rtol=1e-12)


def test_folds_hold_each_trial_out_once_with_its_share_of_every_class():
    index = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [23, 11, 6]))
    folds = list(_decoding._folds(index, 5, np.random.default_rng(1)))
    assert (np.sum(folds, axis=0) == 1).all()
    for value, count in ((0, 23), (1, 11), (2, 6)):
        sizes = [np.count_nonzero(index[one] == value) for one in folds]
        assert set(sizes) <= {count // 5, count // 5 + 1}
    assert {one.sum() for one in folds} == {8}
    other = list(_decoding._folds(index, 5, np.random.default_rng(2)))
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
    (together, *_) = _decoding._folds(labels, 4, np.random.default_rng(7))
    changed, first = rates.copy(), np.flatnonzero(together)[0]
    changed[:, first] = 1e4 * np.array([1.0, -1.0, 1.0, -1.0, 1.0])
    before, after = (
        _decoding._predict(values, labels, 4, decoder, np.random.default_rng(7), across=True)
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
    _decoding._predict(RATES, index, 5, "ridge", generator, across=True)
    rows = []
    for _ in range(3):
        permuted = generator.permutation(index)
        guessed = _decoding._predict(RATES, permuted, 5, "ridge", generator, across=False)
        rows.append(_decoding._balanced(guessed == permuted, permuted))
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
