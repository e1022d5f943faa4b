from typing import NamedTuple

import numpy as np
import pytest
from scipy import optimize, stats

from eicon.analysis import psychometric
from eicon.analysis.behaviour import bootstrap, weibull

pytestmark = pytest.mark.battery

LEVELS = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])


def curve(c, threshold, slope, lapse=0.0):
    return 1 - lapse - (0.5 - lapse) * np.exp(-((c / threshold) ** slope))


def trials(levels, n, k):
    """Trials with k of n correct at each level."""
    strength = np.repeat(levels, n)
    correct = np.concatenate([np.repeat([1, 0], [hits, total - hits]) for total, hits in zip(n, k, strict=True)])
    return strength, correct


def planted(threshold, slope, lapse=0.0, n=2000, seed=0, levels=LEVELS):
    k = np.random.default_rng(seed).binomial(n, curve(levels, threshold, slope, lapse))
    return trials(levels, np.full(levels.size, n), k)


@pytest.mark.parametrize(("threshold", "slope"), [(6.0, 1.5), (12.0, 0.7), (3.0, 3.0)])
def test_planted_curve_is_recovered_within_its_interval(threshold, slope):
    result = weibull(*planted(threshold, slope))
    assert result.converged
    assert result.lapse == 0.0
    assert abs(result.threshold - threshold) < 3 * result.threshold_se < 0.2 * threshold
    assert abs(result.slope - slope) < 3 * result.slope_se < 0.3 * slope
    np.testing.assert_allclose(result.predict(LEVELS), curve(LEVELS, result.threshold, result.slope), rtol=1e-12)
    assert result.predict(0.0) == pytest.approx(0.5)
    assert result.predict(1e6) == pytest.approx(1.0)


def test_planted_lapse_is_recovered():
    strength, correct = planted(5.0, 2.0, lapse=0.06, n=4000)
    result, plain = weibull(strength, correct, lapse=True), weibull(strength, correct)
    assert result.lapse == pytest.approx(0.06, abs=0.006)
    assert abs(result.threshold - 5.0) < 3 * result.threshold_se
    assert plain.slope < 1.5
    assert result.log_likelihood > plain.log_likelihood + 10.0
    np.testing.assert_allclose(result.predict(LEVELS), curve(LEVELS, result.threshold, result.slope, result.lapse))


@pytest.mark.parametrize("lapse", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_fit_is_the_maximum_found_by_an_independent_search(lapse, seed):
    strength, correct = planted(6.0, 1.6, 0.05, n=60, seed=seed)

    def loss(theta):
        p = curve(strength, np.exp(theta[0]), np.exp(theta[1]), np.clip(theta[2], 0.0, 0.4) if lapse else 0.0)
        return -np.sum(np.log(np.maximum(np.where(correct, p, 1 - p), 1e-300)))

    starts = [[np.log(6.0), np.log(1.6), 0.05], [1.0, 1.0, 0.01]]
    options = {"xatol": 1e-9, "fatol": 1e-11, "maxiter": 5000}
    found = [optimize.minimize(loss, s[: 2 + lapse], method="Nelder-Mead", options=options) for s in starts]
    best = min(found, key=lambda one: one.fun)
    result = weibull(strength, correct, lapse=lapse)
    assert result.log_likelihood == pytest.approx(-best.fun, rel=1e-8)
    assert result.threshold == pytest.approx(np.exp(best.x[0]), rel=1e-3)
    assert result.slope == pytest.approx(np.exp(best.x[1]), rel=1e-3)


def test_standard_errors_match_the_spread_over_repeated_experiments():
    fits = [weibull(*planted(6.0, 1.5, n=150, seed=seed)) for seed in range(50)]
    for name in ("threshold", "slope"):
        spread = np.std([getattr(fit, name) for fit in fits])
        claimed = np.mean([getattr(fit, f"{name}_se") for fit in fits])
        assert claimed == pytest.approx(spread, rel=0.25)


@pytest.mark.parametrize("lapse", [False, True])
def test_a_step_has_a_place_but_no_slope(lapse):
    result = weibull(*trials(LEVELS[:4], [20] * 4, [10, 10, 20, 20]), lapse=lapse)
    assert not result.converged
    assert 2.0 < result.threshold < 4.0
    assert result.slope == pytest.approx(20.0 / np.log(2.0))
    assert np.isnan([result.threshold_se, result.slope_se]).all()
    np.testing.assert_allclose(result.predict(LEVELS[:4]), [0.5, 0.5, 1.0, 1.0], atol=1e-6)


def test_a_step_through_a_level_reproduces_its_fraction_and_lapses():
    result = weibull(*trials(LEVELS[:4], [20] * 4, [10, 15, 20, 20]))
    assert not result.converged
    np.testing.assert_allclose(result.predict(LEVELS[:4]), [0.5, 0.75, 1.0, 1.0], atol=1e-6)
    lapsing = weibull(*trials(LEVELS[:4], [20] * 4, [10, 15, 19, 19]), lapse=True)
    assert not lapsing.converged
    assert lapsing.lapse == pytest.approx(0.05)
    np.testing.assert_allclose(lapsing.predict(LEVELS[:4]), [0.5, 0.75, 0.95, 0.95], atol=1e-6)


def test_perfect_and_chance_performance_do_not_converge():
    perfect = weibull(*trials(LEVELS, [10] * 6, [10] * 6))
    assert not perfect.converged
    np.testing.assert_allclose(perfect.predict(LEVELS), 1.0, atol=0.02)
    chance = weibull(*trials(LEVELS, [20] * 6, [10] * 6))
    assert not chance.converged
    np.testing.assert_allclose(chance.predict(LEVELS), 0.5, atol=0.02)
    falling = weibull(*trials(LEVELS, [20] * 6, [18, 17, 16, 14, 13, 12]))
    assert not falling.converged
    assert not falling.is_monotone
    np.testing.assert_allclose(falling.predict(LEVELS), 0.75, atol=0.03)


def test_strength_zero_is_at_chance_whatever_the_fit():
    strength, correct = planted(6.0, 1.5, n=200)
    with_zero = weibull(np.concatenate([strength, np.zeros(50)]), np.concatenate([correct, np.arange(50) % 2]))
    result = weibull(strength, correct)
    assert with_zero.threshold == pytest.approx(result.threshold, rel=1e-6)
    assert with_zero.log_likelihood == pytest.approx(result.log_likelihood + 50 * np.log(0.5))
    assert with_zero.levels[0] == 0.0


def test_unit_of_strength_scales_the_threshold_only():
    strength, correct = planted(6.0, 1.5, n=200)
    result, fraction = weibull(strength, correct), weibull(strength / 100, correct)
    assert fraction.threshold == pytest.approx(result.threshold / 100, rel=1e-6)
    assert fraction.slope == pytest.approx(result.slope, rel=1e-6)


def test_left_out_trials_do_not_count():
    strength, correct = planted(6.0, 1.5, n=50)
    left_out = np.where(np.arange(300) % 3 == 0, np.nan, correct)
    result, kept = (
        weibull(strength, left_out),
        weibull(strength[np.arange(300) % 3 > 0], correct[np.arange(300) % 3 > 0]),
    )
    assert result.n.sum() == 200
    assert result.threshold == kept.threshold


def test_bootstrap_agrees_with_the_fisher_information_and_covers_the_truth():
    data = planted(6.0, 1.5, n=200)
    result = weibull(*data)
    varied = bootstrap(weibull, *data, parameters=("threshold", "slope"), rng=1, n_resamples=100)
    np.testing.assert_array_equal(varied.estimate, [result.threshold, result.slope])
    np.testing.assert_allclose(varied.se, [result.threshold_se, result.slope_se], rtol=0.25)
    assert (varied.ci[:, 0] < [6.0, 1.5]).all()
    assert (varied.ci[:, 1] > [6.0, 1.5]).all()
    np.testing.assert_allclose(np.diff(varied.ci)[:, 0], 3.92 * varied.se, rtol=0.3)
    assert varied.n_failed == 0
    assert varied.samples.shape == (100, 2)


def test_bootstrap_is_reproducible_and_keeps_the_trials_of_each_stratum():
    data, seen = planted(6.0, 1.5, n=20), []

    def fit(strength, correct):
        seen.append(np.unique(strength, return_counts=True)[1].tolist())
        return weibull(strength, correct)

    def resampled(seed, **options):
        seen.clear()
        return bootstrap(fit, *data, parameters=("slope",), rng=seed, n_resamples=10, **options), seen[: 1 + 10]

    first, given = resampled(3, strata=data[0])
    assert all(counts == [20] * 6 for counts in given)
    second, _ = resampled(np.random.default_rng(3), strata=data[0])
    np.testing.assert_array_equal(first.samples, second.samples)
    np.testing.assert_array_equal(first.ci, second.ci)
    assert not np.array_equal(first.samples, resampled(4, strata=data[0])[0].samples)
    _, given = resampled(3)
    assert [20] * 6 not in given[1:]


def test_bootstrap_of_the_mean_has_the_closed_form_standard_error():
    class Mean(NamedTuple):
        mean: float

    data = np.random.default_rng(0).normal(3.0, 2.0, 400)
    result = bootstrap(lambda x: Mean(float(x.mean())), data, parameters=("mean",), rng=0, strata=np.zeros(400))
    assert result.se[0] == pytest.approx(data.std() / 20, rel=0.08)
    assert result.ci[0] == pytest.approx(data.mean() + np.array([-1.96, 1.96]) * data.std() / 20, abs=0.02)


def test_bootstrap_interval_is_the_bca_interval_of_scipy():
    """Of a skewed statistic, where percentiles alone miss."""
    data = np.random.default_rng(5).exponential(size=40)

    class Spread(NamedTuple):
        log_sd: float

    ours = bootstrap(lambda x: Spread(float(np.log(x.std()))), data, parameters=("log_sd",), rng=0, n_resamples=4000)
    theirs = stats.bootstrap((data,), lambda x: np.log(np.std(x)), n_resamples=4000, rng=1, vectorized=False)
    np.testing.assert_allclose(ours.ci[0], theirs.confidence_interval, rtol=0.06)
    assert np.abs(ours.ci[0] - np.percentile(ours.samples, [2.5, 97.5])).max() > 0.05  # which percentiles are not


@pytest.mark.parametrize("strengths", ["continuous", "five levels that differ by rounding"])
def test_strata_of_one_trial_are_pooled(strengths):
    """Row 2: every trial was a stratum of its own, and the standard error 1e-15."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-8.0, 8.0, 200) if strengths == "continuous" else np.tile(np.linspace(-8.0, 8.0, 5), 40)
    x = x + rng.uniform(-1e-6, 1e-6, 200)
    choice = (rng.random(200) > stats.norm.cdf((x - 0.5) / 3.0)).astype(int)
    single = psychometric(x, choice)
    for strata in (None, x, np.arange(200)):
        varied = bootstrap(psychometric, x, choice, parameters=("bias", "width"), rng=0, strata=strata, n_resamples=150)
        np.testing.assert_allclose(varied.se, [single.bias_se, single.width_se], rtol=0.3)


def test_bootstrap_counts_data_sets_that_do_not_determine_the_fit_and_then_has_no_interval():
    step = trials([-2.0, -1.0, 1.0, 2.0], [10] * 4, [0, 1, 10, 10])
    result = bootstrap(psychometric, step[0], 1 - step[1], parameters=("bias", "width"), rng=0, n_resamples=40)
    assert 2 < result.n_failed <= 40
    assert np.isnan(result.samples).all(axis=1).sum() == result.n_failed
    assert np.isnan(result.ci).all()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: weibull([-1.0, 2.0], [0, 1]), r"`strength` must be >= 0; got values down to -1.*pass abs\(\)"),
        (lambda: weibull([1.0, np.inf], [0, 1]), r"`strength` must be finite; got 1 NaN or infinite"),
        (lambda: weibull(np.ones((2, 2)), np.ones(4)), r"`strength` must be non-empty \(B,\).*got shape \(2, 2\)"),
        (lambda: weibull([1.0, 2.0], [0, 1, 1]), r"`correct` must be \(B,\) = \(2,\).*got shape \(3,\)"),
        (
            lambda: weibull([1.0, 2.0], [0, 0.5]),
            r"`correct` must be one answer per trial; got fractions such as 0.5.*n=n",
        ),
        (
            lambda: weibull([1.0, 2.0], [0, 2.0]),
            r"`correct` must contain only True/False, 0/1 or NaN.*Scores in between",
        ),
        (lambda: weibull([1.0, 2.0], [3, 0.5], n=[4, 4]), r"with `n`, `correct` must be whole numbers from 0 to n"),
        (lambda: weibull([1.0, 2.0], [3, 5], n=[4, 4]), r"with `n`, `correct` must be whole numbers from 0 to n"),
        (lambda: weibull([0.0, 2.0, 3.0], [0, 1, np.nan]), r"at least 2 positive levels .*; got \[0.0, 2.0\]"),
        (
            lambda: bootstrap(weibull, *planted(6.0, 1.5, n=9), parameters=("width",), rng=0),
            r"`parameters` must name numbers in the result of the fit; got 'width'.*The result is a Weibull",
        ),
        (
            lambda: bootstrap(weibull, *planted(6.0, 1.5, n=9), parameters=("p",), rng=0),
            r"`parameters` must name numbers.*got 'p'",
        ),
        (lambda: bootstrap(weibull, np.ones(3), np.ones(4), parameters=("slope",), rng=0), r"one entry per trial"),
        (
            lambda: bootstrap(weibull, *planted(6.0, 1.5, n=9), parameters=("slope",), rng=0, n_resamples=1),
            r"`n_resamples` must be at least 2 \(1000 is typical\); got 1",
        ),
        (
            lambda: bootstrap(weibull, *planted(6.0, 1.5, n=9), parameters=("slope",), rng=0, strata=[1, 2]),
            r"`strata` must have shape \(B,\) = \(54,\).*got \(2,\)",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_trials_that_were_counted_before_give_the_same_fit():
    strength, correct = planted(6.0, 1.5, n=30, seed=3)
    k = [correct[strength == level].sum() for level in LEVELS]
    for lapse in (False, True):
        single, together = weibull(strength, correct, lapse=lapse), weibull(LEVELS, k, n=[30] * 6, lapse=lapse)
        for got, wanted in zip(together, single, strict=True):
            np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(weibull(LEVELS, np.divide(k, 30) * 30, n=np.full(6, 30.0)).p, single.p)


def test_left_out_trials_are_counted_and_nearly_equal_strengths_are_one_level():
    strength, correct = [0.1 + 0.2, 0.3, 0.3, 0.6, 0.6, 0.6], [0, 1, np.nan, 1, 1, 0]
    result = weibull(strength, correct)
    assert result.n_left_out == 1
    assert result.levels.tolist() == [0.3, 0.6]
    assert result.n.tolist() == [2, 3]


@pytest.mark.parametrize("lapse", [False, True])
def test_profile_intervals_are_those_of_a_fine_grid(lapse):
    strength, correct = planted(6.0, 1.5, n=100, seed=2, lapse=0.03)
    result = weibull(strength, correct, lapse=lapse)
    log_threshold, log_slope = np.linspace(np.log(1.0), np.log(40.0), 140), np.linspace(np.log(0.2), np.log(12.0), 140)
    lapses = np.linspace(0.0, 0.2, 21) if lapse else np.zeros(1)
    a, b, rate = np.meshgrid(log_threshold, log_slope, lapses, indexing="ij")
    value = np.zeros(a.shape)
    for c, n, p in zip(result.levels, result.n, result.p, strict=True):
        right = curve(c, np.exp(a), np.exp(b), rate)
        value += n * (p * np.log(right) + (1 - p) * np.log(np.maximum(1 - right, 1e-300)))
    inside = 2 * (result.log_likelihood - value) < stats.chi2.ppf(0.95, 1)
    for ci, grid, axes in ((result.threshold_ci, log_threshold, (1, 2)), (result.slope_ci, log_slope, (0, 2))):
        within = grid[inside.any(axis=axes)]
        np.testing.assert_allclose(np.log(ci), [within[0], within[-1]], atol=0.06)


def test_a_step_has_no_upper_end_of_its_slope():
    result = weibull(*trials([1.0, 2.0, 4.0, 8.0], [10] * 4, [5, 5, 10, 10]))
    assert not result.converged
    assert np.isinf(result.slope_ci[1])
    assert 0.5 < result.slope_ci[0] < 20.0
