import numpy as np
import pytest
from scipy import optimize, stats

from eicon.analysis import psychometric
from eicon.analysis._psychometric import psychometric_or_none

LEVELS = np.array([-51.2, -25.6, -12.8, -6.4, -3.2, 0.0, 3.2, 6.4, 12.8, 25.6, 51.2])


def trials(levels, n, k):
    """Trials with k of n choices of 0 at each level."""
    coherence = np.repeat(levels, n)
    choice = np.concatenate([np.repeat([0, 1], [hits, total - hits]) for total, hits in zip(n, k, strict=True)])
    return coherence, choice


def planted(bias, width, lapse=0.0, n=2000, seed=0):
    k = np.random.default_rng(seed).binomial(n, lapse + (1 - 2 * lapse) * stats.norm.cdf(LEVELS, bias, width))
    return trials(LEVELS, np.full(LEVELS.size, n), k)


@pytest.mark.parametrize(("bias", "width"), [(0.0, 10.0), (-4.0, 6.0), (8.0, 40.0)])
def test_planted_gaussian_is_recovered_within_its_interval(bias, width):
    result = psychometric(*planted(bias, width))
    assert result.converged
    assert abs(result.bias - bias) < 3 * result.bias_se < 2.5
    assert abs(result.width - width) < 3 * result.width_se < 4.0
    assert result.lapse == 0.0


def test_standard_errors_match_the_spread_over_repeated_experiments():
    fits = [psychometric(*planted(2.0, 12.0, n=60, seed=seed)) for seed in range(80)]
    for name in ("bias", "width"):
        spread = np.std([getattr(fit, name) for fit in fits])
        claimed = np.mean([getattr(fit, f"{name}_se") for fit in fits])
        assert claimed == pytest.approx(spread, rel=0.25)


def test_planted_lapse_is_recovered_and_ignoring_it_widens_the_curve():
    coherence, choice = planted(1.0, 8.0, lapse=0.05, n=4000)
    result, plain = psychometric(coherence, choice, lapse=True), psychometric(coherence, choice)
    assert result.lapse == pytest.approx(0.05, abs=0.006)
    assert abs(result.width - 8.0) < 3 * result.width_se
    assert plain.width > 10.0
    assert result.log_likelihood > plain.log_likelihood + 10.0


def test_fit_is_the_maximum_found_by_an_independent_search():
    coherence, choice = planted(3.0, 9.0, n=40)
    sign = np.where(choice == 0, 1.0, -1.0)

    def loss(theta):
        return -np.sum(stats.norm.logcdf(sign * (coherence - theta[0]) / np.exp(theta[1])))

    best = optimize.minimize(loss, [0.0, 2.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
    result = psychometric(coherence, choice)
    assert result.bias == pytest.approx(best.x[0], abs=1e-4)
    assert result.width == pytest.approx(np.exp(best.x[1]), rel=1e-4)
    assert result.log_likelihood == pytest.approx(-best.fun, rel=1e-9)


def test_positive_coherence_favours_choice_0_and_left_out_trials_do_not_count():
    result = psychometric([-1.0, -1.0, 1.0, 1.0, 1.0, 5.0], [1, 1, 0, 0, 1, -1])
    assert result.levels.tolist() == [-1.0, 1.0]
    assert result.n.tolist() == [2, 3]
    np.testing.assert_allclose(result.p, [0.0, 2 / 3])
    assert result.predict(1.0) > 0.5


def test_wilson_interval_by_hand():
    coherence, choice = trials([0.0, 1.0], [10, 10], [7, 10])
    z = 1.959963984540054
    centre, half = (7 + z**2 / 2) / (10 + z**2), z / (10 + z**2) * np.sqrt(7 * 3 / 10 + z**2 / 4)
    result = psychometric(coherence, choice)
    np.testing.assert_allclose(result.ci[0], [centre - half, centre + half], rtol=1e-10)
    np.testing.assert_allclose(result.ci[0], [0.3968, 0.8922], atol=1e-4)
    np.testing.assert_allclose(result.ci[1], [10 / (10 + z**2), 1.0], rtol=1e-10)


@pytest.mark.parametrize("lapse", [False, True])
def test_perfect_separation_reports_a_step_between_the_levels(lapse):
    result = psychometric(*trials([-10.0, -2.0, 4.0, 10.0], [9] * 4, [0, 0, 9, 9]), lapse=lapse)
    assert not result.converged
    assert result.width == pytest.approx(6.0 / 100)  # the smallest gap is 6
    assert result.bias == pytest.approx(1.0)
    assert result.log_likelihood == pytest.approx(0.0, abs=1e-9)
    assert np.isnan([result.bias_se, result.width_se]).all()
    np.testing.assert_allclose(result.predict(result.levels), [0, 0, 1, 1], atol=1e-12)
    assert result.is_monotone


def test_step_through_one_level_reproduces_its_fraction():
    result = psychometric(*trials([-10.0, 0.0, 10.0], [8] * 3, [0, 2, 8]))
    assert not result.converged
    np.testing.assert_allclose(result.predict(result.levels), [0.0, 0.25, 1.0], atol=1e-9)


def test_step_with_lapses_has_no_width_but_a_lapse_rate():
    result = psychometric(*trials([-10.0, -5.0, 5.0, 10.0], [20] * 4, [1, 1, 19, 19]), lapse=True)
    assert not result.converged
    assert result.lapse == pytest.approx(0.05)
    np.testing.assert_allclose(result.predict(result.levels), result.p, atol=1e-9)


def test_step_through_a_level_with_lapses_is_not_taken_for_a_width():
    result = psychometric(*trials([-10.0, -5.0, 0.0, 5.0, 10.0], [20] * 5, [1, 1, 7, 19, 19]), lapse=True)
    assert not result.converged
    assert result.lapse == pytest.approx(0.05)
    np.testing.assert_allclose(result.predict(result.levels), result.p, atol=1e-9)


def test_lapse_that_does_not_help_is_left_out():
    coherence, choice = trials([-10.0, 10.0], [20, 20], [4, 15])
    result, plain = psychometric(coherence, choice, lapse=True), psychometric(coherence, choice)
    assert result.converged
    assert result.lapse == 0.0
    assert result.width == plain.width


@pytest.mark.parametrize("lapse", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_no_search_from_elsewhere_finds_a_better_fit_of_few_trials(lapse, seed):
    rng = np.random.default_rng(seed)
    levels = np.sort(rng.normal(0.0, 20.0, 6))
    coherence, choice = trials(levels, [12] * 6, rng.binomial(12, 0.1 + 0.8 * stats.norm.cdf(levels, 3.0, 12.0)))
    sign = np.where(choice == 0, 1.0, -1.0)

    def loss(theta):
        rate = np.clip(theta[2], 0.0, 0.4) if lapse else 0.0
        p = rate + (1 - 2 * rate) * stats.norm.cdf(sign * (coherence - theta[0]) / np.exp(theta[1]))
        return -np.sum(np.log(np.maximum(p, 1e-300)))

    starts = [[bias, np.log(width), 0.05][: 2 + lapse] for bias in (-10.0, 5.0) for width in (2.0, 20.0)]
    best = min(optimize.minimize(loss, start, method="Nelder-Mead", options={"maxiter": 2000}).fun for start in starts)
    assert psychometric(coherence, choice, lapse=lapse).log_likelihood >= -best - 1e-6


def test_one_sided_choices_are_fitted_by_a_curve_that_is_one_everywhere():
    result = psychometric(*trials([-5.0, 5.0], [4, 4], [4, 4]))
    assert not result.converged
    np.testing.assert_allclose(result.predict(result.levels), 1.0, atol=1e-12)
    assert result.bias < -5.0


def test_decreasing_fractions_give_a_flat_curve_at_the_overall_fraction():
    result = psychometric(*trials([-10.0, 0.0, 10.0], [20] * 3, [16, 12, 8]))
    assert not result.converged
    assert not result.is_monotone
    assert result.width == pytest.approx(2000.0)
    np.testing.assert_allclose(result.predict(result.levels), 0.6, atol=0.01)


def test_levels_in_fractions_give_the_same_curve_as_in_percent():
    coherence, choice = planted(3.0, 9.0, n=100)
    percent, fraction = psychometric(coherence, choice), psychometric(coherence / 100, choice)
    assert percent.bias == pytest.approx(100 * fraction.bias, rel=1e-4)
    assert percent.width == pytest.approx(100 * fraction.width, rel=1e-4)


@pytest.mark.parametrize(
    ("coherence", "choice", "text"),
    [
        (np.zeros((2, 3)), np.zeros(6, int), r"`coherence` must be \(B,\).*got shape \(2, 3\)"),
        (np.zeros(3), np.zeros(4, int), r"`choice` must have shape \(B,\) = \(3,\).*got \(4,\)"),
        (np.array([1.0, np.nan]), np.array([0, 1]), r"`coherence` must be finite; got 1 NaN"),
        (
            np.array([3.0, 3.0, 5.0]),
            np.array([0, 1, -1]),
            r"at least 2 levels among trials with a choice; got 1",
        ),
    ],
)
def test_errors(coherence, choice, text):
    with pytest.raises(ValueError, match=text):
        psychometric(coherence, choice)


def test_no_choice_at_all_is_refused_in_words():
    with pytest.raises(ValueError, match="at least 2 levels among trials with a choice; got 0"):
        psychometric([-1.0, 1.0], [-1, -1])


def test_choices_that_follow_the_evidence():
    levels = np.array([-8.0, -2.0, 2.0, 8.0])

    def curve(*fractions):
        return psychometric(*trials(levels, [100] * 4, [round(100 * fraction) for fraction in fractions]))

    assert curve(0.02, 0.3, 0.7, 0.98).follows_evidence
    assert curve(0.0, 0.0, 1.0, 1.0).follows_evidence  # a step: its width is not determined
    assert not curve(0.4, 0.45, 0.55, 0.6).follows_evidence  # too flat
    assert not curve(0.98, 0.7, 0.3, 0.02).follows_evidence
    within = curve(0.02, 0.5, 0.47, 0.98)
    assert within.is_monotone_within_error
    assert not within.is_monotone
    assert not curve(0.02, 0.7, 0.3, 0.98).is_monotone_within_error
    assert not curve(0.02, 0.7, 0.3, 0.98).follows_evidence


def test_intervals_are_compared_with_all_lower_levels():
    """Small steps down between neighbours add up."""
    levels = np.arange(5.0)
    falling = psychometric(*trials(levels, [100] * 5, [62, 57, 52, 47, 42]))
    brute = all(falling.ci[j, 1] >= falling.ci[i, 0] for i in range(5) for j in range(i + 1, 5))
    assert not brute
    assert not falling.is_monotone_within_error
    assert psychometric(*trials(levels[:2], [100] * 2, [62, 57])).is_monotone_within_error


def test_choices_at_fewer_than_two_levels_have_no_curve():
    assert psychometric_or_none([1.0, 2.0, 3.0], [-1, 0, -1]) is None
    assert psychometric_or_none([1.0, 1.0], [1, 0]) is None
    found, expected = psychometric_or_none([-1.0, 1.0, 5.0], [1, 0, -1]), psychometric([-1.0, 1.0], [1, 0])
    assert found.n_left_out == 1
    for got, wanted in zip(found[:-1], expected[:-1], strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("lapse", [False, True])
def test_trials_that_were_counted_before_give_the_same_fit(lapse):
    """Row 8: (level, k, n), in any order, with levels that come twice."""
    coherence, choice = planted(3.0, 9.0, n=30)
    k, n = np.array([np.sum(choice[coherence == level] == 0) for level in LEVELS]), np.full(LEVELS.size, 30)
    single = psychometric(coherence, choice, lapse=lapse)
    mixed = np.random.default_rng(0).permutation(2 * LEVELS.size)
    doubled = [np.concatenate(pair)[mixed] for pair in ((LEVELS, LEVELS), (k // 2, k - k // 2), (n // 2, n - n // 2))]
    for levels, successes, trials in ((LEVELS, k, n), (LEVELS, k / 30 * 30, n.astype(float)), doubled):
        for got, wanted in zip(psychometric(levels, successes, n=trials, lapse=lapse), single, strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_no_answer_is_minus_1_or_nan_and_is_counted():
    coherence, choice = [-2.0, -2.0, 1.0, 1.0, 1.0], np.array([1.0, 1.0, 0.0, 1.0, np.nan])
    result = psychometric(coherence, choice)
    assert result.n_left_out == 1
    assert result.n.tolist() == [2, 2]
    other = psychometric(coherence, np.where(np.isnan(choice), -1, choice).astype(int))
    np.testing.assert_array_equal(result.p, other.p)
    counted = psychometric([-2.0, 1.0, 3.0], [0, 1, np.nan], n=[2, 2, 5])
    assert (counted.n_left_out, counted.n.tolist()) == (5, [2, 2])


@pytest.mark.parametrize(
    "levels",
    [
        np.array([-0.3, 0.0, 0.1 + 0.2, -(0.1 + 0.2), 0.0, 0.3]),
        np.concatenate([np.array([-0.3, 0.0, 0.3], np.float32).astype(float), [-0.3, 0.0, 0.3]]),
        np.array([-0.3, 0.0, 0.3, -0.3 + 2e-7, 2e-7, 0.3 - 2e-7]),
    ],
    ids=["rounding", "float32 beside float64", "jitter of a millionth"],
)
def test_nearly_equal_strengths_are_one_level(levels):
    """Row 6: a step function "converged" with a width of 5.6e-19."""
    coherence = np.tile(levels, 20)
    choice = (np.random.default_rng(0).random(120) > stats.norm.cdf(coherence / 0.3)).astype(int)
    result = psychometric(coherence, choice)
    assert result.n.tolist() == [40, 40, 40]
    np.testing.assert_allclose(result.levels, [-0.3, 0.0, 0.3], atol=3e-7)
    step = psychometric(coherence, (coherence < 0.15).astype(int))
    assert not step.converged


@pytest.mark.parametrize(
    ("choice", "n", "text"),
    [
        (
            [0.2, 0.8],
            None,
            r"`choice` must be one answer per trial; got fractions such as 0.2.*choice=fraction \* n, n=n",
        ),
        ([0.2, 0.8], [5, 5], r"with `n`, `choice` must be whole numbers from 0 to n; got choice \[0.2, 0.8\]"),
        ([6, 1], [5, 5], "with `n`, `choice` must be whole numbers from 0 to n"),
        ([1, 1], [5.5, 5], "with `n`, `choice` must be whole numbers from 0 to n"),
        ([-1, 1], [5, 5], "with `n`, `choice` must be whole numbers from 0 to n"),
        ([1, 1], [5], r"`n` must be \(B,\) = \(2,\)"),
        ([-1, 1], None, r"got only -1 and 1.*pass \(choice > 0\)"),
        ([1, 2], None, "Subtract 1 from labels that count from 1"),
    ],
)
def test_counts_that_are_none_are_refused(choice, n, text):
    with pytest.raises(ValueError, match=text):
        psychometric([-1.0, 1.0], choice, n=n)


@pytest.mark.battery
@pytest.mark.parametrize(("n", "lapse"), [(3, False), (20, False), (60, True)])
@pytest.mark.parametrize("seed", range(3))
def test_profile_intervals_are_those_of_a_fine_grid(n, lapse, seed):
    levels = np.linspace(-8.0, 8.0, 7)
    k = np.random.default_rng(seed).binomial(n, 0.02 + 0.96 * stats.norm.cdf(levels, 0.5, 3.0))
    result = psychometric(levels, k, n=[n] * 7, lapse=lapse)
    biases, log_widths = np.linspace(-6.0, 6.0, 241), np.linspace(np.log(0.03), np.log(100.0), 241)
    best = np.full((241, 241), -np.inf)
    for rate in np.linspace(0.0, 0.2, 41) if lapse else [0.0]:
        value = np.zeros(best.shape)
        for level, hits in zip(levels, k, strict=True):
            z = (level - biases[:, None]) / np.exp(log_widths)
            for count, sign in ((hits, 1), (n - hits, -1)):
                value += count * np.logaddexp(
                    np.log(max(rate, 1e-300)), np.log1p(-2 * rate) + stats.norm.logcdf(sign * z)
                )
        best = np.maximum(best, value)
    inside = 2 * (result.log_likelihood - best) < stats.chi2.ppf(0.95, 1)
    biases, widths = biases[inside.any(axis=1)], np.exp(log_widths)[inside.any(axis=0)]
    np.testing.assert_allclose(result.bias_ci, [biases[0], biases[-1]], atol=0.1)
    ends = np.clip(result.width_ci, 0.03, 100.0)
    np.testing.assert_allclose(np.log(ends), np.log([widths[0], widths[-1]]), atol=0.08)


def test_intervals_of_curves_that_the_data_do_not_determine_are_open():
    step = psychometric([-10.0, -2.0, 4.0, 10.0], [0, 0, 9, 9], n=[9] * 4)
    assert step.width_ci[0] == 0.0
    assert 0.1 < step.width_ci[1] < 10.0
    assert -4.0 < step.bias_ci[0] < step.bias_ci[1] < 6.0
    flat = psychometric([-10.0, 0.0, 10.0], [10, 9, 11], n=[20] * 3)
    assert np.isinf(flat.width_ci[1])
    assert np.isinf(flat.bias_ci).all()


def test_the_error_of_a_width_does_not_forget_a_lapse_rate_that_came_out_as_0():
    """Row 18: with lapses fitted and an estimate of exactly 0 the intervals held the width in .771."""
    levels, n = np.array([-8.0, -4.0, 0.0, 4.0, 8.0]), [20] * 5
    k = [0, 2, 9, 18, 20]
    free, without = psychometric(levels, k, n=n, lapse=True), psychometric(levels, k, n=n)
    assert free.lapse == 0.0
    assert free.width == without.width
    assert free.width_se > 1.05 * without.width_se
    assert free.width_ci[0] < 0.95 * without.width_ci[0]


def test_intervals_of_width_and_bias_hold_the_truth_at_their_rate():
    """A small piece of ``python -m studies.calibration``; true bias .5, width 3, 200 trials."""
    rng, levels = np.random.default_rng(18), np.linspace(-8.0, 8.0, 8)
    hits = rng.binomial(25, stats.norm.cdf(levels, 0.5, 3.0), size=(200, 8))
    fits = [psychometric(levels, k, n=[25] * 8) for k in hits]
    for name, truth in (("width", 3.0), ("bias", 0.5)):
        low, high = np.array([getattr(fit, f"{name}_ci") for fit in fits]).T
        # Standard error of the rate: .015.
        assert 0.91 <= np.mean((low <= truth) & (truth <= high)) <= 0.99
        assert max(np.mean(low > truth), np.mean(high < truth)) < 0.06
