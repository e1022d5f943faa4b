"""Other steps: means, sums and what lies between."""

import numpy as np
import pytest

from eicon.recordings import Recording, resampled

RNG = np.random.default_rng(3)
RATES = RNG.random((12, 2, 3))


def test_whole_multiples_are_means_of_what_was_observed():
    given = RATES.copy()
    given[1, 0, 0] = given[6:9, 1, 2] = np.nan
    found = resampled(Recording(given, dt=5.0, source="lab"), 15.0)
    assert found.activity.shape == (4, 2, 3)
    assert found.activity[0, 0, 0] == pytest.approx((given[0, 0, 0] + given[2, 0, 0]) / 2)
    assert np.isnan(found.activity[2, 1, 2])
    np.testing.assert_allclose(found.activity[3], given[9:12].mean(axis=0))
    assert found.source == "lab; resampled from 5 to 15 ms (averaged)"


def test_counts_are_summed_and_need_all_steps():
    counts = RNG.poisson(2.0, (10, 2, 1)).astype(float)
    mask = np.arange(10)[:, None] < np.array([10, 5])
    found = resampled(Recording(counts, dt=10, mask=mask, observed="counts"), 20)
    np.testing.assert_array_equal(found.activity[:, 0, 0], counts[:, 0, 0].reshape(5, 2).sum(axis=1))
    assert found.mask.sum(axis=0).tolist() == [5, 2]
    with pytest.raises(ValueError, match="a new step must be a whole multiple of 10 ms; got 15 ms. Read .* bin=15"):
        resampled(Recording(counts, dt=10, observed="counts"), 15)


@pytest.mark.parametrize("dt", [2.0, 7.0, 13.0])
def test_what_is_linear_in_time_stays_so(dt):
    """Means over steps of a ramp are its values at their middles."""
    ramp = (np.arange(40) + 0.5)[:, None, None] * 10.0
    found = resampled(Recording(ramp, dt=10.0), dt)
    middles = (np.arange(found.n_steps) + 0.5) * dt
    inside = (middles >= 5) & (middles <= 395)
    np.testing.assert_allclose(found.activity[inside, 0, 0], middles[inside])
    assert found.n_steps == int(400 // dt)
    assert found.source == f"resampled from 10 to {dt:g} ms (linear between steps)"


def test_inputs_keep_their_area():
    shown = np.zeros((12, 1, 1))
    shown[3:7] = 2.0
    found = resampled(Recording(RATES[:, :1], dt=10.0, inputs=shown), 8.0)
    assert found.inputs.sum() * 8 == pytest.approx(80.0)
    np.testing.assert_allclose(found.inputs[3:5, 0, 0], [0.5, 2.0])


def test_there_and_back():
    once = resampled(Recording(RATES, dt=10.0), 5.0)
    inner = resampled(once, 10.0).activity[1:-1]
    np.testing.assert_allclose(inner, (RATES[:-2] + 6 * RATES[1:-1] + RATES[2:]) / 8)
    assert resampled(once, 5.0) is once


def test_a_step_lies_in_a_trial_as_a_whole():
    mask = np.arange(12)[:, None] < np.array([12, 7])
    found = resampled(Recording(RATES, dt=10.0, mask=mask), 15.0)
    assert found.mask.sum(axis=0).tolist() == [8, 4]  # 70 ms hold 4 steps of 15


@pytest.mark.parametrize("dt", [0.0, -1.0, 200.0, float("nan")])
def test_steps_that_are_none(dt):
    with pytest.raises(ValueError, match="dt must be > 0 and at most the recording's 120 ms; got"):
        resampled(Recording(RATES, dt=10.0), dt)


def test_a_short_trial_ends_as_it_does_alone():
    mask = (np.arange(12)[:, None] >= [0, 2]) & (np.arange(12)[:, None] < [12, 7])
    for dt in (2.0, 7.0, 13.0):
        found = resampled(Recording(RATES, dt=10.0, mask=mask), dt)
        alone = resampled(Recording(RATES[:7, 1:], dt=10.0, mask=mask[:7, 1:]), dt)
        np.testing.assert_array_equal(found.activity[: alone.n_steps, 1], alone.activity[:, 0])
        np.testing.assert_array_equal(np.isfinite(found.activity[:, 1, 0]), found.mask[:, 1])
    with pytest.raises(ValueError, match="would take .* GiB"):
        resampled(Recording(RATES, dt=10.0), 1e-8)
