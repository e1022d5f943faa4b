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
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(got, wanted)
