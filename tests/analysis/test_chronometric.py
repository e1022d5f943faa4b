import numpy as np
import pytest
from scipy import optimize, stats

from eicon.analysis.behaviour import bootstrap, chronometric

LEVELS = np.array([0.0, 1.0, 2.0, 4.0, 8.0, 16.0])


def curve(c, bound, sensitivity, residual):
    x = bound * sensitivity * np.asarray(c, float)
    return np.where(x == 0, bound**2, bound**2 * np.tanh(x) / np.where(x == 0, 1, x)) + residual


def diffusion(n, bound, sensitivity, residual, levels, dt=1.0, seed=0):
    """First passage of a random walk of unit noise per sqrt(ms) between -bound and bound."""
    rng = np.random.default_rng(seed)
    strength = np.repeat(levels, n)
    time, done = np.full(strength.size, np.nan), np.zeros(strength.size)
    place = np.zeros(strength.size)
    for step in range(1, 6000):
        running = done == 0
        if not running.any():
            break
        place[running] += sensitivity * strength[running] * dt + np.sqrt(dt) * rng.normal(size=running.sum())
        hit = running & (np.abs(place) >= bound)
        time[hit], done[hit] = step * dt + residual, np.sign(place[hit])
    return strength, time, np.where(done == 0, np.nan, done > 0)


def noisy(n=200, seed=0, levels=LEVELS, sd=0.1, parameters=(20.0, 0.01, 250.0)):
    rng = np.random.default_rng(seed)
    strength = np.repeat(levels, n)
    mean = curve(strength, *parameters)
    return strength, mean * (1 + sd * rng.normal(size=mean.size)), np.ones(mean.size)


def test_planted_curve_is_recovered_within_its_interval():
    result = chronometric(*noisy())
    assert result.converged
    assert abs(result.bound - 20.0) < 3 * result.bound_se < 2.0
    assert abs(result.sensitivity - 0.01) < 3 * result.sensitivity_se < 2e-3
    assert abs(result.residual_time - 250.0) < 3 * result.residual_time_se < 30.0
    expected = curve(LEVELS, result.bound, result.sensitivity, result.residual_time)
    np.testing.assert_allclose(result.predict(LEVELS), expected)
    assert result.predict(0.0) == pytest.approx(result.bound**2 + result.residual_time)


def test_a_simulated_diffusion_has_the_parameters_it_was_made_with():
    strength, time, correct = diffusion(400, 20.0, 0.01, 250.0, LEVELS[1:])
    result = chronometric(strength, time, correct)
    assert result.converged
    # Steps of 1 ms overshoot the bound by about 0.58 of the noise per step.
    assert result.bound == pytest.approx(20.6, abs=3 * result.bound_se + 0.3)
    assert result.sensitivity == pytest.approx(0.01, abs=3 * result.sensitivity_se)
    assert result.residual_time == pytest.approx(250.0, abs=3 * result.residual_time_se)
    assert result.rho < -0.3
    assert result.p_value < 1e-10
    # Errors of an unbiased diffusion take as long as correct choices.
    np.testing.assert_allclose(result.mean[1, :3], result.mean[0, :3], rtol=0.12)
    assert (np.diff(result.n[1]) < 0).all()


def test_fit_is_the_minimum_found_by_an_independent_search():
    strength, time, correct = noisy(n=40, seed=3)
    result = chronometric(strength, time, correct)
    groups = [time[strength == level] for level in LEVELS]
    means, sem = np.array([g.mean() for g in groups]), np.array([g.std(ddof=1) / np.sqrt(g.size) for g in groups])
    best, covariance = optimize.curve_fit(curve, LEVELS, means, [15.0, 0.02, 200.0], sigma=sem, absolute_sigma=True)
    np.testing.assert_allclose([result.bound, result.sensitivity, result.residual_time], np.abs(best), rtol=1e-4)
    errors = [result.bound_se, result.sensitivity_se, result.residual_time_se]
    np.testing.assert_allclose(errors, np.sqrt(np.diag(covariance)), rtol=1e-3)


def test_standard_errors_match_the_spread_over_repeated_experiments():
    fits = [chronometric(*noisy(n=50, seed=seed)) for seed in range(40)]
    for name in ("bound", "sensitivity", "residual_time"):
        spread = np.std([getattr(fit, name) for fit in fits])
        assert np.mean([getattr(fit, f"{name}_se") for fit in fits]) == pytest.approx(spread, rel=0.3)


def test_bootstrap_agrees():
    data = noisy(n=100)
    result = chronometric(*data)
    varied = bootstrap(chronometric, *data, parameters=("bound", "residual_time"), rng=0, n_resamples=40)
    np.testing.assert_allclose(varied.se, [result.bound_se, result.residual_time_se], rtol=0.35)


def test_means_medians_and_intervals_by_hand():
    rng = np.random.default_rng(0)
    strength, time = rng.choice([2.0, 8.0], 60), rng.normal(500.0, 80.0, 60)
    correct, missing = rng.random(60) < 0.7, rng.random(60) < 0.15
    time[missing] = np.nan
    result = chronometric(strength, time, correct)
    assert result.levels.tolist() == [2.0, 8.0]
    for c, level in enumerate(result.levels):
        assert result.n_missing[c] == np.count_nonzero(missing & (strength == level))
        for row, kind in enumerate((True, False)):
            group = np.sort(time[(strength == level) & (correct == kind) & ~missing])
            assert result.n[row, c] == group.size
            assert result.mean[row, c] == pytest.approx(group.mean())
            assert result.median[row, c] == pytest.approx(np.median(group))
            interval = stats.t.interval(0.95, group.size - 1, group.mean(), stats.sem(group))
            np.testing.assert_allclose(result.ci[row, c], interval)
            if group.size >= 6:
                low, high = (int(np.flatnonzero(group == edge)[0]) for edge in result.median_ci[row, c])
                assert low + high == group.size - 1
                # The median lies between the order statistics unless at most `low` values are on one side of it.
                assert 2 * stats.binom.cdf(low, group.size, 0.5) <= 0.05
                assert 2 * stats.binom.cdf(low + 1, group.size, 0.5) > 0.05
            else:
                assert np.isnan(result.median_ci[row, c]).all()
    test = stats.spearmanr(strength[correct & ~missing], time[correct & ~missing], alternative="less")
    assert result.rho == pytest.approx(test.statistic)
    assert result.p_value == pytest.approx(test.pvalue)
    line = stats.linregress(np.log2(strength[correct & ~missing]), time[correct & ~missing])
    assert result.slope == pytest.approx(line.slope)
    assert result.slope_p_value == pytest.approx(line.pvalue)


def test_slope_is_in_ms_per_doubling_and_leaves_out_a_strength_of_0():
    strength = np.repeat([0.0, 1.0, 2.0, 4.0], 5)
    time = 700.0 - 60.0 * np.log2(np.where(strength > 0, strength, 8.0)) + np.tile([-2.0, -1.0, 0.0, 1.0, 2.0], 4)
    result = chronometric(strength, time, np.ones(20))
    assert result.slope == pytest.approx(-60.0)
    assert result.slope_p_value < 1e-6
    for few in (
        chronometric([1.0, 2.0], [500.0, 400.0], [1, 1]),
        chronometric([1.0] * 4, [5.0, 6.0, 7.0, 8.0], [1] * 4),
    ):
        assert np.isnan([few.slope, few.slope_p_value]).all()


def test_intervals_of_the_median_cover_it():
    rng = np.random.default_rng(1)
    covered = []
    for _ in range(150):
        time = rng.exponential(300.0, 25) + 200.0
        low, high = chronometric(np.ones(25), time, np.ones(25)).median_ci[0, 0]
        covered.append(low <= 200.0 + 300.0 * np.log(2.0) <= high)
    assert np.mean(covered) > 0.91


def test_times_without_noise_are_fitted_without_errors():
    result = chronometric(*noisy(n=3, sd=0.0))
    assert result.converged
    np.testing.assert_allclose([result.bound, result.sensitivity, result.residual_time], [20.0, 0.01, 250.0], rtol=1e-3)
    assert np.isnan([result.bound_se, result.sensitivity_se, result.residual_time_se]).all()


@pytest.mark.parametrize(
    "means",
    [
        [500.0, 500.0, 500.0, 500.0, 500.0, 500.0],
        [400.0, 420.0, 440.0, 460.0, 480.0, 500.0],
        [500.0, 499.0, 496.0, 484.0, 436.0, 244.0],  # a parabola, as for drifts too small
    ],
    ids=["constant", "rising", "parabola"],
)
def test_curves_that_do_not_bend_as_they_should_are_not_determined(means):
    jitter = np.tile([-1.0, 1.0], 30)
    result = chronometric(np.repeat(LEVELS, 10), np.repeat(means, 10) + jitter, np.ones(60))
    assert not result.converged
    assert np.isnan([result.bound, result.sensitivity, result.residual_time, result.bound_se]).all()
    assert np.isnan(result.predict([1.0, 2.0])).all()


def test_a_hyperbola_does_not_determine_the_time_without_evidence():
    """Far beyond the bend, all sensitivities give one curve."""
    strength = np.repeat(LEVELS[1:], 10)
    result = chronometric(strength, 200.0 + 300.0 / strength + np.tile([-1.0, 1.0], 25), np.ones(50))
    assert not result.converged


def test_the_best_falling_curve_is_found_where_a_rising_one_would_fit_better():
    means = [520.0, 500.0, 405.0, 400.0, 402.0, 560.0]
    result = chronometric(np.repeat(LEVELS, 10), np.repeat(means, 10) + np.tile([-40.0, 40.0], 30), np.ones(60))
    assert result.converged
    assert result.predict(0.0) > result.predict(16.0)
    assert not result.is_decreasing


def test_two_levels_are_not_enough_for_the_curve_but_for_the_trend():
    strength, time, correct = noisy(levels=np.array([1.0, 16.0]))
    result = chronometric(strength, time, correct)
    assert not result.converged
    assert result.is_decreasing
    assert result.p_value < 1e-6


def test_a_level_without_correct_trials_is_skipped():
    strength, time, correct = noisy()
    correct[strength == 2.0] = 0
    result = chronometric(strength, time, correct)
    assert np.isnan(result.mean[0, 2])
    assert result.mean[1, 2] > 0
    assert result.converged
    assert result.is_decreasing


def test_correctness_of_trials_without_a_choice_is_not_looked_at():
    strength, time, correct = noisy(n=20)
    time[::7] = np.nan
    spoilt = np.where(np.arange(120) % 7 == 0, 0.5, correct)
    assert (
        chronometric(strength, time, spoilt).mean.tolist()[0] == chronometric(strength, time, correct).mean.tolist()[0]
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (([-1.0, 1.0], [300.0, 400.0], [1, 1]), r"`strength` must be >= 0"),
        (([1.0, 1.0], [300.0], [1, 1]), r"`reaction_time` must be \(B,\) = \(2,\).*got shape \(1,\)"),
        (([1.0, 1.0], [np.nan, np.nan], [1, 1]), r"`reaction_time` must be >= 0 ms.*got 0 numbers"),
        (([1.0, 1.0], [-5.0, 300.0], [1, 1]), r"`reaction_time` must be .*got 2 numbers, the smallest -5"),
        (([1.0, 1.0], [np.inf, 300.0], [1, 1]), r"`reaction_time` must be >= 0 ms and finite"),
        (([1.0, 1.0], [200.0, 300.0], [0.5, 1]), r"`correct` must contain only"),
    ],
)
def test_errors(arguments, text):
    with pytest.raises(ValueError, match=text):
        chronometric(*arguments)


def test_left_out_trials_are_counted_and_nearly_equal_strengths_are_one_level():
    times = np.array([600.0, 640.0, 500.0, np.nan, 520.0])
    result = chronometric([0.3, 0.1 + 0.2, 0.6, 0.6, 0.6], times, [1, 1, 1, 0, np.nan])
    assert result.n_left_out == 1
    assert result.n_missing.tolist() == [0, 1]
    assert (result.levels.tolist(), result.n[0].tolist()) == ([0.3, 0.6], [2, 1])
