import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression

from eicon.analysis.coding import align, tuned_fractions, tuning, tuning_correlation

LEVELS = np.array([10.0, 14.0, 18.0, 22.0, 26.0])


def population(n_trials=200, noise=1.0, seed=0):
    """Rising, falling, single-peaked and untuned units, five of each."""
    rng = np.random.default_rng(seed)
    f = rng.choice(LEVELS, n_trials)
    shapes = [f / 4, -f / 4, -((f - 17.0) ** 2) / 10, np.zeros(n_trials)]
    rates = np.repeat(np.stack(shapes, axis=1), 5, axis=1) + noise * rng.normal(size=(n_trials, 20))
    return rates, f


def test_numbers_are_those_of_scipy_unit_by_unit():
    rates, f = population()
    result = tuning(rates, f)
    for unit in range(20):
        line = stats.linregress(f, rates[:, unit])
        assert result.slope[unit] == pytest.approx(line.slope, abs=1e-12)
        assert result.intercept[unit] == pytest.approx(line.intercept, abs=1e-10)
        assert result.r_squared[unit] == pytest.approx(line.rvalue**2, abs=1e-12)
        test = stats.spearmanr(f, rates[:, unit])
        assert result.rho[unit] == pytest.approx(test.statistic, abs=1e-12)
        assert result.p_value[unit] == pytest.approx(test.pvalue, rel=1e-6)
        for row, level in enumerate(LEVELS):
            group = rates[f == level, unit]
            assert result.curve[row, unit] == pytest.approx(group.mean())
            assert result.sem[row, unit] == pytest.approx(stats.sem(group))
    assert result.n.tolist() == [np.count_nonzero(f == level) for level in LEVELS]


def test_monotone_units_are_told_from_peaked_and_untuned_ones():
    result = tuning(*population())
    assert result.monotone[:10].all()
    assert not result.monotone[10:15].any()
    assert result.monotone[15:].sum() <= 1
    assert result.fraction_monotone == pytest.approx(result.monotone.mean())
    assert (result.rho[:5] > 0.8).all()
    assert (result.rho[5:10] < -0.8).all()
    assert (result.one_way[:10] > 0.95).all()
    assert (result.one_way[10:15] < 0.5).all()


def test_an_asymmetric_peak_is_significant_but_not_monotone():
    f = np.repeat(LEVELS, 20)
    rates = np.interp(f, LEVELS, [0.0, 3.0, 6.0, 5.0, 2.5])[:, None] + 0.01 * np.random.default_rng(0).normal(
        size=(100, 1)
    )
    result = tuning(rates, f)
    assert result.p_value[0] < 0.01
    assert result.one_way[0] == pytest.approx(2.5 / 9.5, abs=0.01)
    assert not result.monotone[0]


def test_false_positives_have_the_level_asked_for():
    rng = np.random.default_rng(2)
    result = tuning(rng.normal(size=(60, 2000)), rng.choice(LEVELS, 60))
    assert np.mean(result.p_value < 0.05) == pytest.approx(0.05, abs=0.015)
    assert stats.kstest(result.p_value, "uniform").pvalue > 0.01


def test_rates_of_steps_are_averaged_over_the_window():
    rng = np.random.default_rng(0)
    rates, f = rng.normal(size=(8, 30, 3)), rng.choice(LEVELS, 30)
    by_window, by_hand = tuning(rates, f, window=(2, 5)), tuning(rates[2:5].mean(axis=0), f)
    np.testing.assert_allclose(by_window.slope, by_hand.slope)
    each = np.arange(8)[:, None] < rng.integers(1, 9, 30)
    spoilt = np.where(each[..., None], rates, np.nan)
    means = np.nanmean(spoilt, axis=0)
    np.testing.assert_allclose(tuning(spoilt, f, window=each).rho, tuning(means, f).rho)


def test_silent_units_are_nan_and_do_not_count():
    rates, f = population()
    rates[:, 15:] = 0.3
    result = tuning(rates, f)
    for values in (result.rho, result.p_value, result.r_squared, result.one_way):
        assert np.isnan(values[15:]).all()
    assert result.slope[15:] == pytest.approx(0.0)
    assert result.fraction_monotone == pytest.approx(10 / 15)
    assert np.isnan(tuning(np.ones((10, 2)), np.arange(10.0)).fraction_monotone)


def turning(n_trials=300, noise=0.3, seed=0):
    """Units keep their tuning for six steps, and have an unrelated one afterwards; a second variable has its own."""
    rng = np.random.default_rng(seed)
    f1, f2 = rng.choice(LEVELS, n_trials), rng.choice(LEVELS, n_trials)
    first, second, other = rng.normal(size=(3, 40))
    gain = np.where(np.arange(12)[:, None] < 6, first, second)
    rates = gain[:, None] * f1[:, None] + other * f2[:, None] + noise * rng.normal(size=(12, n_trials, 40))
    return rates, f1, f2, np.stack([first, second, other])


def test_slopes_are_those_of_sklearn_and_their_correlation_that_of_numpy():
    rates, f1, f2, _ = turning()
    result = tuning_correlation(rates, f1, others=f2)
    design = np.stack([f1, f2], axis=1)
    expected = np.stack([LinearRegression().fit(design, step).coef_[:, 0] for step in rates])
    np.testing.assert_allclose(result.slope, expected, atol=1e-10)
    np.testing.assert_allclose(result.correlation, np.corrcoef(expected), atol=1e-10)
    assert result.steps.tolist() == list(range(12))


def test_kept_tuning_has_correlation_1_and_turned_one_that_of_the_planted_gains():
    rates, f1, f2, gains = turning()
    result = tuning_correlation(rates, f1, others=f2)
    assert (result.correlation[:6, :6] > 0.99).all()
    assert (result.correlation[6:, 6:] > 0.99).all()
    np.testing.assert_allclose(result.correlation[:6, 6:], np.corrcoef(gains[0], gains[1])[0, 1], atol=0.02)
    opposite = tuning_correlation(np.concatenate([rates, -rates]), f1).correlation
    assert opposite[0, 12] == pytest.approx(-1.0)


def test_a_correlated_second_stimulus_is_allowed_for():
    rates, f1, f2, gains = turning(noise=0.0)
    mixed = f1 + 0.1 * f2
    alone = tuning_correlation(rates, mixed).slope[0]
    allowed = tuning_correlation(rates, mixed, others=f2[:, None]).slope[0]
    np.testing.assert_allclose(allowed, gains[0], atol=1e-9)
    assert np.abs(alone - gains[0]).max() > 0.05


def test_masked_steps_and_chosen_steps():
    rates, f1, f2, _ = turning()
    event = np.random.default_rng(5).integers(0, 6, 300)
    aligned = align(rates, event, 20.0, window=(0, 220))
    result = tuning_correlation(aligned.values, f1, others=f2, mask=aligned.inside)
    assert np.isfinite(result.slope[:6]).all()
    assert np.isnan(result.slope[-1]).all()
    assert np.isnan(result.correlation[-1]).all()
    assert np.isfinite(result.correlation[:6, :6]).all()
    some = tuning_correlation(rates, f1, others=f2, steps=[8, 2])
    assert some.steps.tolist() == [8, 2]
    whole = tuning_correlation(rates, f1, others=f2)
    np.testing.assert_allclose(some.correlation, whole.correlation[np.ix_([8, 2], [8, 2])])


def test_steps_at_which_all_units_do_the_same_have_no_correlation():
    rates, f1, _, _ = turning(noise=0.0)
    rates[3] = 0.0
    result = tuning_correlation(rates, f1)
    assert np.isnan(result.correlation[3]).all()
    assert np.isfinite(result.correlation[2, 4])


RATES, F = population(n_trials=20)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: tuning(RATES, F[1:]), r"`stimulus` must be \(B,\) = \(20,\).*got shape \(19,\)"),
        (lambda: tuning(RATES, np.ones(20)), r"`stimulus` must have at least 2 levels and 4 trials; got 1 and 20"),
        (lambda: tuning(RATES[:3], F[:3]), r"`stimulus` must have at least 2 levels and 4 trials"),
        (lambda: tuning(RATES, F, window=(0, 3)), r"`window` needs rates \(T, B, N\); got \(B, N\)"),
        (lambda: tuning(RATES[None], F, window=np.arange(20)[None] > 3), r"got none in 4 trials"),
        (lambda: tuning(RATES * np.nan, F), r"`rates` must be finite; got 400"),
        (lambda: tuning(np.zeros(4), F), r"`rates` must be a non-empty \(T, B, N\) array"),
        (lambda: tuning_correlation(RATES[None], F, steps=[0, 1]), r"`steps` must be integers in 0..0; got \[0, 1\]"),
        (lambda: tuning_correlation(RATES[None], F, steps=[0.5]), r"`steps` must be integers"),
        (
            lambda: tuning_correlation(RATES[None], F, others=np.ones((3, 20))),
            r"`others` must be .* shape \(3, 20\)",
        ),
        (lambda: tuning_correlation(RATES[None], F, others=2 * F), r"`regressors` must be linearly independent"),
        (lambda: tuning_correlation(RATES[None], F * np.nan), r"`regressors\['stimulus'\]` must be finite"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_dependence_of_any_form_is_found_by_an_analysis_of_variance():
    rates, f = population(n_trials=60, noise=6.0)
    result = tuning(rates, f)
    by_scipy = [stats.f_oneway(*(rates[f == level, i] for level in LEVELS)).pvalue for i in range(20)]
    np.testing.assert_allclose(result.p_any, by_scipy, rtol=1e-9)
    peaked = tuning(*population())
    assert (peaked.p_any[10:15] < 1e-6).all()
    assert (peaked.p_any[15:] > 0.01).all()


def test_dependence_at_the_ends_of_what_can_be_tested():
    result = tuning([[1.0, 2.0, 0.0], [1.0, 2.0, 0.0], [3.0, 2.0, 0.0], [3.0, 2.0, 0.0]], [1.0, 1.0, 2.0, 2.0])
    assert result.p_any.tolist() == [0.0, 1.0, 1.0]
    assert np.isnan(tuning(np.eye(4), np.arange(4.0)).p_any).all()


def test_fractions_are_those_of_pearsons_test_unit_by_unit():
    rng = np.random.default_rng(2)
    f = np.repeat(LEVELS, 6)
    rates = (
        rng.normal(size=(3, 30, 100))
        + np.outer(f - 18, np.linspace(-0.1, 0.2, 100)) * np.array([0, 1, 2])[:, None, None]
    )
    result = tuned_fractions(rates, f, alpha=0.02)
    for t in range(3):
        tests = [stats.pearsonr(f, rates[t, :, i]) for i in range(100)]
        assert result.rising[t] == np.mean([one.pvalue < 0.02 and one.statistic > 0 for one in tests])
        assert result.falling[t] == np.mean([one.pvalue < 0.02 and one.statistic < 0 for one in tests])
    assert result.rising[2] > result.rising[1] > result.rising[0]


def test_fractions_need_trials_that_differ():
    with pytest.raises(ValueError, match="must vary over at least 3 trials; got 1 levels in 5"):
        tuned_fractions(np.ones((2, 5, 3)), np.ones(5))
    with pytest.raises(ValueError, match="`rates` must be finite; got 1 NaN"):
        tuned_fractions(np.where(np.arange(30).reshape(2, 5, 3) == 7, np.nan, 1.0), np.arange(5.0))


def test_correction_over_units_is_that_of_the_uncorrected_probabilities():
    rng = np.random.default_rng(0)
    stimulus = np.tile([10.0, 14.0, 18.0, 22.0], 10)
    rates = rng.normal(size=(40, 30))
    rates[:, :5] += 0.15 * stimulus[:, None]
    plain, holm, fdr = (tuning(rates, stimulus, correction=how) for how in (None, "holm", "fdr"))
    for name in ("p_value", "p_any"):
        p = getattr(plain, name)
        np.testing.assert_allclose(getattr(fdr, name), stats.false_discovery_control(p))
        order = np.argsort(p)
        steps = np.maximum.accumulate((30 - np.arange(30)) * p[order])
        np.testing.assert_allclose(getattr(holm, name)[order], np.minimum(steps, 1.0))
    assert holm.fraction_monotone <= plain.fraction_monotone
    assert (holm.monotone <= (holm.p_value < 0.05)).all()
    with pytest.raises(Exception, match="bonferroni"):
        tuning(rates, stimulus, correction="bonferroni")


def test_nearly_equal_stimuli_are_one_level():
    result = tuning(np.arange(8.0)[:, None], [0.3, 0.1 + 0.2, 0.3, 0.1 + 0.2, 0.6, 0.6, 0.6, 0.6])
    assert result.n.tolist() == [4, 4]


def test_silent_units_are_no_tests():
    rates = np.random.default_rng(0).normal(size=(20, 4))
    rates[:, 3] = 1.0
    result = tuning(rates, np.tile([1.0, 2.0], 10), correction="holm")
    alone = tuning(rates[:, :3], np.tile([1.0, 2.0], 10), correction="holm")
    np.testing.assert_array_equal(result.p_value, [*alone.p_value, np.nan])
