import numpy as np
import pytest
from scipy import optimize

from eicon.analysis import _timescales
from eicon.analysis.coding import timescales


def ornstein_uhlenbeck(tau, dt, n_steps, n_trials, seed=0):
    """Stationary from the first step; tau (N,) in ms."""
    rng, tau = np.random.default_rng(seed), np.atleast_1d(tau)
    decay = np.exp(-dt / tau)
    x = rng.normal(size=(n_trials, tau.size))
    steps = []
    for _ in range(n_steps):
        steps.append(x)
        x = decay * x + np.sqrt(1 - decay**2) * rng.normal(size=x.shape)
    return np.stack(steps)


def test_known_timescales_are_found():
    tau = np.array([50.0, 50.0, 100.0, 100.0, 200.0, 200.0])
    result = timescales(ornstein_uhlenbeck(tau, 10.0, 150, 1000), 10.0)
    np.testing.assert_allclose(result.tau, tau, rtol=0.12)
    np.testing.assert_allclose(result.amplitude, 1.0, atol=0.06)
    np.testing.assert_allclose(result.offset, 0.0, atol=0.05)
    assert (result.r_squared > 0.98).all()
    assert result.n_failed == 0
    assert result.lags.tolist() == [10.0 * k for k in range(1, 150)]


def test_population_is_that_of_the_mean_autocorrelation():
    result = timescales(ornstein_uhlenbeck(np.full(20, 80.0), 10.0, 60, 200), 10.0)
    assert result.population_tau == pytest.approx(80.0, rel=0.06)
    mean, weights = result.autocorrelation.mean(axis=1), 60 - result.lags / 10.0

    def curve(lag, tau, amplitude, offset):
        return amplitude * np.exp(-lag / tau) + offset

    wanted, _ = optimize.curve_fit(curve, result.lags, mean, p0=(50.0, 1.0, 0.0), sigma=1 / np.sqrt(weights))
    found = (result.population_tau, result.population_amplitude, result.population_offset)
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
    left = np.sum(weights * (mean - curve(result.lags, *wanted)) ** 2)
    spread = np.sum(weights * (mean - np.average(mean, weights=weights)) ** 2)
    assert result.population_r_squared == pytest.approx(1 - left / spread, rel=1e-6)


def test_autocorrelation_by_brute_force():
    rates = np.random.default_rng(0).normal(size=(7, 9, 2)).cumsum(axis=0) + 5.0
    result = timescales(rates, 5.0)
    for unit in range(2):
        for lag in range(1, 7):
            pairs = [np.corrcoef(rates[t, :, unit], rates[t + lag, :, unit])[0, 1] for t in range(7 - lag)]
            assert result.autocorrelation[lag - 1, unit] == pytest.approx(np.mean(pairs), rel=1e-10)
    np.testing.assert_allclose(timescales(rates, 5.0, max_lag=20.0).autocorrelation, result.autocorrelation[:4])


def test_private_noise_lowers_the_amplitude_and_not_the_timescale():
    clean = ornstein_uhlenbeck(np.full(15, 100.0), 10.0, 80, 300)
    noisy = clean + np.random.default_rng(5).normal(size=clean.shape)
    result = timescales(noisy, 10.0)
    assert result.population_tau == pytest.approx(100.0, rel=0.1)
    assert result.population_amplitude == pytest.approx(0.5, abs=0.03)


def test_differences_between_trials_that_stay_become_the_offset():
    rates = ornstein_uhlenbeck(np.full(15, 60.0), 10.0, 80, 300)
    rates += np.random.default_rng(6).normal(size=(1, 300, 15))
    result = timescales(rates, 10.0)
    assert result.population_offset == pytest.approx(0.5, abs=0.05)
    assert result.population_tau == pytest.approx(60.0, rel=0.12)


def test_the_mean_over_trials_is_no_fluctuation():
    rates = ornstein_uhlenbeck(np.full(10, 60.0), 10.0, 50, 200)
    ramp = np.linspace(0.0, 30.0, 50)[:, None, None]
    np.testing.assert_allclose(timescales(rates + ramp, 10.0).tau, timescales(rates, 10.0).tau, rtol=1e-6)


def test_short_windows_scatter_but_are_hardly_biased():
    """What the docstring says, against autocorrelations within trials, which a short window shortens by much."""
    tau, dt = 100.0, 5.0
    rates = ornstein_uhlenbeck(np.full(60, tau), dt, 200, 200, seed=3)
    wide, narrow = timescales(rates, dt), timescales(rates, dt, window=(80, 120))
    assert np.median(wide.tau) == pytest.approx(tau, rel=0.05)
    assert 0.75 * tau < np.nanmedian(narrow.tau) < 1.1 * tau
    assert np.nanstd(narrow.tau) > 2 * np.std(wide.tau)
    assert narrow.population_tau == pytest.approx(tau, rel=0.2)
    inside = rates[80:120] - rates[80:120].mean(axis=0)
    lags = np.arange(1, 20)
    within = [np.mean(inside[:-lag] * inside[lag:]) / np.mean(inside**2) for lag in lags]
    crossing = lags[np.argmax(np.array(within) < np.exp(-1))] * dt
    assert crossing < 0.6 * tau  # e-folding without an offset


def test_window_is_cut_out():
    rates = ornstein_uhlenbeck([60.0, 90.0], 10.0, 60, 50)
    whole, part = timescales(rates, 10.0, window=(20, 50)), timescales(rates[20:50], 10.0)
    np.testing.assert_array_equal(whole.autocorrelation, part.autocorrelation)
    assert whole.lags.size == 29


def test_units_without_a_fit_are_counted():
    rates = ornstein_uhlenbeck(np.full(5, 50.0), 10.0, 40, 300)
    rates[:, :, 1] = 3.0  # constant
    rates[10, :, 2] = 0.0  # constant over trials at one step
    alternating = np.random.default_rng(0).normal(size=300) * (-1.0) ** np.arange(40)[:, None]
    rates[:, :, 3] = alternating + 0.1 * np.random.default_rng(1).normal(size=(40, 300))
    result = timescales(rates, 10.0)
    assert np.isnan(result.tau[[1, 3]]).all()
    assert result.n_failed == 2
    assert result.n_constant.tolist() == [0, 40, 1, 0, 0]
    for part in (result.amplitude, result.offset, result.r_squared):
        np.testing.assert_array_equal(np.isnan(part), np.isnan(result.tau))
    assert np.isnan(result.autocorrelation[:, 1]).all()
    assert np.isfinite(result.population_tau)
    silent = timescales(np.zeros((10, 5, 2)), 10.0)
    assert silent.n_failed == 2
    assert np.isnan(silent.population_tau)


def test_a_constant_step_is_left_out_and_the_rest_fitted():
    rates = ornstein_uhlenbeck(np.full(5, 80.0), 10.0, 60, 500)
    clean = timescales(rates, 10.0)
    rates[0], rates[30] = 0.0, 7.0  # all trials start from one state, and are reset once
    result = timescales(rates, 10.0)
    np.testing.assert_allclose(result.tau, clean.tau, rtol=0.1)
    assert result.n_constant.tolist() == [2] * 5
    assert result.population_tau == pytest.approx(80.0, rel=0.1)
    pairs = [np.corrcoef(rates[t, :, 0], rates[t + 3, :, 0])[0, 1] for t in range(57) if not {t, t + 3} & {0, 30}]
    assert result.autocorrelation[2, 0] == pytest.approx(np.mean(pairs), rel=1e-10)
    few = timescales(np.where(np.arange(60)[:, None, None] % 2, rates, 1.0), 10.0)  # every odd lag has no pair
    assert np.isnan(few.autocorrelation[::2]).all()
    np.testing.assert_allclose(few.tau, clean.tau, rtol=0.3)


def test_what_is_a_fit_and_what_is_not():
    lags, weights = np.arange(1, 30) * 10.0, np.arange(29.0, 0.0, -1.0)
    tau, amplitude, offset, quality = _timescales._fit(lags, 0.7 * np.exp(-lags / 42.0) - 0.1, weights)
    np.testing.assert_allclose((tau, amplitude, offset, quality), (42.0, 0.7, -0.1, 1.0), rtol=1e-5)
    for values in (1.0 - np.exp(-lags / 50.0), 1.0 - lags / 1000.0, np.zeros(29), np.full(29, np.nan)):
        assert np.isnan(_timescales._fit(lags, values, weights)).all()  # rises, falls without end, does neither


RATES = ornstein_uhlenbeck([50.0], 10.0, 20, 10)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: timescales(RATES[:, 0], 10.0), r"`rates` must be a non-empty \(T, B, N\) array"),
        (lambda: timescales(RATES * np.nan, 10.0), "`rates` must be finite"),
        (lambda: timescales(RATES, 0.0), "`dt` must be positive"),
        (lambda: timescales(RATES, 10.0, window=(0, 4)), r"`window` must be .* more than 4 steps; got \(0, 4\)"),
        (lambda: timescales(RATES, 10.0, window=(5, 25)), r"T = 20 .*got \(5, 25\). It counts steps, not ms"),
        (lambda: timescales(RATES[:, :2], 10.0), "at least 3 trials, ideally 100; got 2"),
        (lambda: timescales(RATES, 10.0, max_lag=30.0), "`max_lag` must be 40 to 190 ms, within the window; got 30.0"),
        (lambda: timescales(RATES, 10.0, max_lag=200.0), "got 200.0"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
