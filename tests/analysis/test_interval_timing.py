import numpy as np
import pytest

from eicon.analysis import ramp_index, scalar_variability, temporal_scaling

INTERVALS = np.array([30, 40, 60])  # steps
CONDITION = np.array([1, 0, 2, 0, 1, 2])
START = np.array([5, 9, 2, 7, 3, 6])
STOP = START + INTERVALS[CONDITION]
T, B = 70, 6


def fill(course, *, n=1):
    """Rates (T, B, n) that hold ``course(step since start + 1, interval in steps)`` in the epoch, rubbish elsewhere."""
    rates = np.full((T, B, n), 1e3)
    for trial in range(B):
        steps = np.arange(1, STOP[trial] - START[trial] + 1.0)
        rates[START[trial] : STOP[trial], trial] = course(steps, INTERVALS[CONDITION[trial]]).reshape(-1, n)
    return rates


def test_a_ramp_is_a_ramp_whatever_its_slope_in_each_condition():
    result = ramp_index(fill(lambda t, i: 3.0 * t / i - 1.0), START, STOP, conditions=CONDITION)
    np.testing.assert_allclose(result.r_squared, 1.0, atol=1e-12)
    np.testing.assert_allclose(result.slope[:, 0], 3.0 / INTERVALS)
    assert result.levels.tolist() == [0, 1, 2]
    assert result.mean == result.median == pytest.approx(1.0)
    assert result.n_silent == 0


@pytest.mark.parametrize("cycles", [1, 2, 3])
def test_sinusoids_have_the_value_of_the_integral(cycles):
    """Of sin(2 pi k t) on [0, 1] a line explains 6 / (pi k)^2; of cosines nothing."""
    rates = np.stack([f(2 * np.pi * cycles * (np.arange(4000) + 0.5) / 4000) for f in (np.sin, np.cos)], axis=-1)
    result = ramp_index(rates[:, None], 0, 4000)
    np.testing.assert_allclose(result.r_squared, [6 / (np.pi * cycles) ** 2, 0.0], atol=1e-6)


def test_ramps_are_fitted_as_by_polyfit_and_weighted_by_variance():
    rng = np.random.default_rng(0)
    rates = rng.normal(size=(T, B, 4)).cumsum(axis=0) * np.arange(1.0, B + 1)[:, None]
    result = ramp_index(rates, START, STOP)
    sse, sst = np.zeros(4), np.zeros(4)
    for trial in range(B):
        course = rates[START[trial] : STOP[trial], trial]
        steps = np.arange(len(course))
        for unit in range(4):
            line = np.polyfit(steps, course[:, unit], 1)
            assert result.slope[trial, unit] == pytest.approx(line[0])
            sse[unit] += np.sum((np.polyval(line, steps) - course[:, unit]) ** 2)
        sst += len(course) * course.var(axis=0)
    np.testing.assert_allclose(result.r_squared, 1 - sse / sst, rtol=1e-9)
    assert result.mean == pytest.approx(1 - sse.sum() / sst.sum())
    assert result.median == pytest.approx(np.median(1 - sse / sst))


def test_trials_of_a_condition_are_averaged_before_the_fit():
    noise = np.where(np.array([0, 0, 0, 1, 1, 1])[:, None], 1.0, -1.0) * np.array([1, -1] * (T // 2))
    rates = fill(lambda t, i: t / i)[..., 0]
    wiggly = rates.copy()
    for trial in range(B):  # each condition has one trial of either sign
        epoch = slice(START[trial], STOP[trial])
        wiggly[epoch, trial] += noise[trial, : STOP[trial] - START[trial]]
    averaged = ramp_index(wiggly[..., None], START, STOP, conditions=CONDITION)
    assert averaged.mean == pytest.approx(1.0)
    assert ramp_index(wiggly[..., None], START, STOP).mean < 0.5


def test_silent_and_constant_units_are_nan_and_count_nowhere():
    rates = fill(lambda t, i: np.stack([t / i, 0 * t, 0 * t + 0.7, (t / i) ** 2], axis=-1), n=4).astype(np.float32)
    result = ramp_index(rates, START, STOP, conditions=CONDITION)
    assert np.isnan(result.r_squared).tolist() == [False, True, True, False]
    assert result.n_silent == 2
    assert result.median == pytest.approx(result.r_squared[[0, 3]].mean())
    silent = ramp_index(np.zeros((5, 2, 3)), 0, 5)
    assert np.isnan([silent.mean, silent.median, *silent.r_squared]).all()
    scaling = temporal_scaling(rates, START, STOP, CONDITION)
    assert np.isnan(scaling.scaled).tolist() == np.isnan(scaling.absolute).tolist() == [False, True, True, False]
    assert scaling.scaled_median == pytest.approx(scaling.scaled[[0, 3]].mean())


def bump(x):
    return np.exp(-(((x - 0.4) / 0.2) ** 2))


def test_stretched_courses_scale_and_are_not_absolute():
    result = temporal_scaling(fill(lambda t, i: bump(t / i)), START, STOP, CONDITION)
    assert result.scaled[0] == pytest.approx(1.0, abs=1e-4)
    assert result.absolute[0] < 0.8
    assert result.profiles.shape == (3, 50, 1)
    bound = (1 / 30) ** 2 / 8 * 2 / 0.2**2  # of linear interpolation: h^2 max|f''| / 8
    np.testing.assert_allclose(result.profiles[:, :, 0] - bump(result.phase), 0.0, atol=bound)


def test_courses_in_absolute_time_are_absolute_and_do_not_scale():
    result = temporal_scaling(fill(lambda t, i: bump(t / 40)), START, STOP, CONDITION)
    assert result.absolute[0] == pytest.approx(1.0, abs=1e-12)
    assert result.scaled[0] < 0.8


def test_scaling_of_ramps_has_its_closed_form():
    """Ramps g t of gains g and one phase: scaled index by hand; straight lines survive interpolation exactly."""
    gains = np.array([1.0, 2.0, 4.0])
    rates = fill(lambda t, i: gains[np.searchsorted(INTERVALS, i)] * t / i)
    result = temporal_scaling(rates, START, STOP, CONDITION, n_phases=20)
    phase = np.linspace(1 / 30, 1.0, 20)
    between = gains.var() * np.mean(phase**2)
    total = np.mean(gains**2) * np.mean(phase**2) - (gains.mean() * phase.mean()) ** 2
    assert result.scaled[0] == pytest.approx(1 - between / total, rel=1e-10)
    time = np.arange(1, 31)
    speed = gains / INTERVALS
    between = speed.var() * np.mean(time**2)
    total = np.mean(speed**2) * np.mean(time**2) - (speed.mean() * time.mean()) ** 2
    assert result.absolute[0] == pytest.approx(1 - between / total, rel=1e-10)


def test_network_means_weigh_units_by_variance():
    rates = fill(lambda t, i: np.stack([100 * bump(t / i), bump(t / 40)], axis=-1), n=2)
    result = temporal_scaling(rates, START, STOP, CONDITION)
    assert result.scaled_mean == pytest.approx(result.scaled[0], abs=1e-3)
    assert result.scaled_median == pytest.approx(result.scaled.mean())
    assert result.absolute_median == pytest.approx(result.absolute.mean())


@pytest.mark.parametrize("weber", [0.05, 0.2])
def test_weber_fraction_is_recovered(weber):
    rng = np.random.default_rng(0)
    interval = np.repeat([400.0, 800.0, 1200.0], 4000)
    result = scalar_variability(interval * (1.05 + weber * rng.normal(size=interval.size)), interval)
    assert result.weber == pytest.approx(weber / 1.05, rel=0.03)
    assert result.slope == pytest.approx(weber / 1.05, rel=0.08)
    assert result.intercept == pytest.approx(0.0, abs=8.0)
    np.testing.assert_allclose(result.bias, 0.05 * result.intervals, rtol=0.2)
    assert result.n.tolist() == [4000] * 3


def test_regressions_against_lstsq_and_missing_trials():
    rng = np.random.default_rng(1)
    interval = np.tile([300.0, 500.0, 700.0, 900.0, 1100.0], 6)
    produced = interval + rng.normal(size=30) * (20 + 0.1 * interval)
    produced[interval == 900.0] = np.nan
    produced[np.flatnonzero(interval == 1100.0)[1:]] = np.nan
    result = scalar_variability(produced, interval)
    assert result.n.tolist() == [6, 6, 6, 0, 1]
    assert result.n_missing.tolist() == [0, 0, 0, 6, 5]
    assert np.isnan(result.mean).tolist() == [False, False, False, True, False]
    assert np.isnan(result.sd).tolist() == [False, False, False, True, True]
    mean = [produced[interval == i].mean() for i in (300.0, 500.0, 700.0)]
    sd = [produced[interval == i].std(ddof=1) for i in (300.0, 500.0, 700.0)]
    assert result.weber == pytest.approx(np.linalg.lstsq(np.array(mean)[:, None], np.array(sd), rcond=None)[0][0])
    np.testing.assert_allclose([result.slope, result.intercept], np.polyfit(mean, sd, 1))
    nothing = scalar_variability([np.nan, np.nan], [100.0, 200.0])
    assert np.isnan([nothing.weber, nothing.slope, nothing.intercept, *nothing.mean]).all()
    at_once = scalar_variability(np.zeros(4), [100.0, 100.0, 200.0, 200.0])  # the output begins above its threshold
    assert at_once.bias.tolist() == [-100.0, -200.0]
    assert np.isnan([at_once.weber, at_once.slope]).all()


RATES = np.random.default_rng(0).random((8, 4, 2))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: ramp_index(RATES[0], 0, 4), r"`rates` must be a non-empty \(T, B, N\) array"),
        (lambda: ramp_index(RATES, 0.5, 4), r"`start` must be an integer.*got float64, shape \(\).*by dt"),
        (lambda: ramp_index(RATES, 0, [4, 4]), r"`stop` must be.*\(B,\) = \(4,\).*got int64, shape \(2,\)"),
        (lambda: ramp_index(RATES, 0, 9), r"stop <= T = 8; got start from 0, stop to 9"),
        (lambda: ramp_index(RATES, -1, 5), r"got start from -1"),
        (lambda: ramp_index(RATES, 2, 4), r"at least 3 steps.*shortest 2"),
        (lambda: ramp_index(RATES * np.nan, 0, 8), r"`rates` must be finite"),
        (lambda: ramp_index(RATES, 0, 8, conditions=[0, 1]), r"`conditions` must have shape \(B,\) = \(4,\)"),
        (
            lambda: temporal_scaling(RATES, 0, 8, [0, 0, 1, 1]),
            r"two epochs of different durations; got 2 conditions, durations \[8\] steps",
        ),
        (lambda: temporal_scaling(RATES, 0, [8, 8, 5, 5], [0, 0, 1, 1], n_phases=2), "`n_phases` must be >= 3; got 2"),
        (lambda: scalar_variability([1.0], [1.0, 2.0]), r"vectors \(B,\), one per trial; got \(1,\) and \(2,\)"),
        (lambda: scalar_variability([], []), "non-empty vectors"),
        (lambda: scalar_variability([1.0], [0.0]), r"`interval` must be positive and finite \(ms\)"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
