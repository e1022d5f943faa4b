import numpy as np
import pytest
from scipy import stats

from eicon.analysis import psychometric
from eicon.analysis.behaviour import multisensory_ratio

pytestmark = pytest.mark.battery

RATES = np.arange(9.0, 17.0)


def simulated(sigma=(2.0, 3.0, 1.5), n=400, seed=0, boundary=12.5, labels=(0, 1, 2)):
    rng = np.random.default_rng(seed)
    rate = np.tile(np.repeat(RATES, n), 3)
    modality = np.repeat(np.array(labels), RATES.size * n)
    width = np.repeat(sigma, RATES.size * n)
    choice = (rng.random(rate.size) > stats.norm.cdf((rate - boundary) / width)).astype(int)
    return rate, modality, choice


@pytest.fixture(scope="module")
def planted():
    return multisensory_ratio(*simulated(), rng=0, n_resamples=100)


def test_planted_widths_and_their_ratio_are_recovered(planted):
    result = planted
    assert result.converged
    assert (np.abs(result.sigma - [2.0, 3.0, 1.5]) < 3 * result.sigma_se).all()
    assert result.predicted == pytest.approx((1 / 2.0**2 + 1 / 3.0**2) ** -0.5, rel=0.05)
    ratio = (1 / 1.5**2) / (1 / 2.0**2 + 1 / 3.0**2)
    assert result.ratio_ci[0] < ratio < result.ratio_ci[1]
    assert result.ratio == pytest.approx((result.predicted / result.sigma[2]) ** 2)
    assert result.ratio == pytest.approx(ratio, rel=0.15)
    assert all(curve.bias == pytest.approx(12.5, abs=0.3) for curve in result.curves)


def test_an_optimal_observer_has_ratio_1_and_one_that_uses_the_better_sense_less():
    optimal = (2.0**-2 + 3.0**-2) ** -0.5
    best = multisensory_ratio(*simulated((2.0, 3.0, optimal), seed=1), rng=0, n_resamples=40)
    assert best.ratio_ci[0] < 1.0 < best.ratio_ci[1]
    single = multisensory_ratio(*simulated((2.0, 2.0, 2.0)), rng=0, n_resamples=40)
    assert single.ratio_ci[1] < 1.0
    assert single.ratio == pytest.approx(0.5, abs=0.1)


def test_interval_agrees_with_the_delta_method(planted):
    result = planted
    s, e = result.sigma, result.sigma_se
    information = s**-2.0
    # d log ratio: -2 ds_va / s_va + 2 sum_k (information_k / total) ds_k / s_k
    weights = np.array([information[0], information[1], -(information[0] + information[1])]) / information[:2].sum()
    se = result.ratio * 2 * np.sqrt(np.sum((weights * e / s) ** 2))
    assert np.diff(result.ratio_ci)[0] == pytest.approx(3.92 * se, rel=0.25)


def test_curves_are_those_of_each_modality_and_labels_may_be_names():
    rate, modality, choice = simulated(n=60)
    names = np.array(["v", "a", "va"])[modality]
    result = multisensory_ratio(rate, names, choice, labels=("v", "a", "va"), rng=0, n_resamples=10)
    for place, curve in enumerate(result.curves):
        alone = psychometric(rate[modality == place], choice[modality == place])
        assert (curve.width, curve.bias) == (alone.width, alone.bias)
    again = multisensory_ratio(rate, modality, choice, rng=0, n_resamples=10)
    assert again.ratio == result.ratio
    swapped = multisensory_ratio(rate, modality, choice, labels=(1, 0, 2), rng=0, n_resamples=10)
    assert swapped.sigma.tolist() == again.sigma[[1, 0, 2]].tolist()
    same = multisensory_ratio(rate, modality, choice, rng=0, n_resamples=10)
    np.testing.assert_array_equal(again.ratio_ci, same.ratio_ci)


def test_trials_without_a_choice_or_of_other_modalities_do_not_count():
    rate, modality, choice = simulated(n=60)
    result = multisensory_ratio(rate, modality, choice, rng=0, n_resamples=10)
    more = [np.concatenate(pair) for pair in ((rate, rate), (modality, modality), (choice, np.full(choice.size, -1)))]
    again = multisensory_ratio(*more, rng=0, n_resamples=10)
    assert again.ratio == result.ratio
    np.testing.assert_array_equal(again.ratio_ci, result.ratio_ci)
    other = [np.concatenate(pair) for pair in ((rate, rate[:50]), (modality, np.full(50, 7)), (choice, choice[:50]))]
    assert multisensory_ratio(*other, rng=0, n_resamples=10).ratio == result.ratio


def test_a_sense_that_says_nothing_leaves_the_ratio_open():
    rate, modality, choice = simulated(n=40)
    choice = np.where(modality == 2, (rate < 12.5).astype(int), choice)
    result = multisensory_ratio(rate, modality, choice, rng=0, n_resamples=10)
    assert not result.converged
    assert np.isnan(result.ratio)
    assert np.isnan(result.ratio_ci).all()
    assert result.n_failed == 10


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda r, m, c: (r, m, c + 1), r"`choice` must contain only 0 or 1, and -1 or NaN for no answer"),
        (lambda r, m, c: (r, m[1:], c), r"`modality` must have shape \(B,\) = \(240,\)"),
        (lambda r, m, c: (r, m + 1, c), r"`labels` must name three different.*\(0, 1, 2\), and modalities \[1, 2, 3\]"),
        (lambda r, m, c: (np.full(r.size, 12.0), m, c), r"at least 2 levels among trials with a choice; got 1"),
    ],
)
def test_errors(change, text):
    with pytest.raises(ValueError, match=text):
        multisensory_ratio(*change(*simulated(n=10)), rng=0, n_resamples=10)
