"""Bins and kernels, beside numpy's histogram and closed forms."""

import numpy as np
import pytest
from scipy import integrate

from eicon.recordings._spikes import counts_of, kernel_of, part_within, rates_of, within

RNG = np.random.default_rng(0)
DENSITIES = {
    ("gaussian", False): lambda t, w: np.exp(-(t**2) / (2 * w**2)) / (w * np.sqrt(2 * np.pi)),
    ("gaussian", True): lambda t, w: (t >= 0) * 2 * np.exp(-(t**2) / (2 * w**2)) / (w * np.sqrt(2 * np.pi)),
    ("boxcar", False): lambda t, w: (np.abs(t) <= w / 2) / w,
    ("boxcar", True): lambda t, w: ((t >= 0) & (t <= w)) / w,
    ("exponential", True): lambda t, w: (t >= 0) * np.exp(-np.maximum(t, 0) / w) / w,
}
"""What a spike at time 0 adds to the rate."""
KERNELS = pytest.mark.parametrize(("name", "causal"), DENSITIES)


def test_counts_are_those_of_numpy():
    edges = -100 + np.arange(51) * 7.0
    times, trial = RNG.uniform(-150, 300, 500), RNG.integers(0, 4, 500)
    found = counts_of(times, trial, 4, edges)
    for b in range(4):
        np.testing.assert_array_equal(found[:, b], np.histogram(times[trial == b], edges)[0])


def test_a_spike_on_an_edge_belongs_to_the_step_that_begins_there():
    edges = np.arange(4) * 10.0
    found = counts_of(np.array([0.0, 10.0, 20.0, 30.0, -1e-9]), np.zeros(5, int), 1, edges)
    assert found[:, 0].tolist() == [1, 1, 1]


def test_edges_in_seconds_are_not_missed_by_rounding():
    """0.57 s are 569.9999999999999 ms in binary."""
    times = np.round(np.arange(100) * 0.01 * 1000, 6)
    relative, trial = within(times, np.array([0.0]), (0.0, 1000.0))
    assert counts_of(relative, trial, 1, np.arange(101) * 10.0).ravel().tolist() == [1] * 100


@KERNELS
def test_a_rate_is_the_mean_of_the_kernel_over_the_step(name, causal):
    width, spike, edges = 13.0, 47.3, np.arange(31) * 10.0
    density = DENSITIES[name, causal]
    found = rates_of(np.array([spike]), np.array([0]), 1, edges, kernel_of(name, width, causal))[:, 0]
    jumps = [spike - width / 2, spike, spike + width / 2, spike + width]
    for k, rate in enumerate(found):
        low, high = edges[k : k + 2]
        inside = [jump for jump in jumps if low < jump < high]
        area = integrate.quad(lambda t: density(t - spike, width), low, high, points=inside or None)[0]
        assert rate == pytest.approx(area / 10.0, abs=1e-9)


@KERNELS
@pytest.mark.parametrize("step", [1.0, 10.0, 200.0])
def test_kernels_keep_the_number_of_spikes_and_causal_ones_nothing_before(name, causal, step):
    edges = np.arange(int(4000 / step) + 1) * step
    times = np.sort(RNG.uniform(1500, 2000, 20))
    found = rates_of(times, np.zeros(20, int), 1, edges, kernel_of(name, 30.0, causal))[:, 0]
    assert found.sum() * step == pytest.approx(20, abs=1e-6)
    if causal:
        assert found[edges[1:] <= times[0]].sum() == 0


@KERNELS
def test_the_integral_is_that_of_the_mass(name, causal):
    kernel = kernel_of(name, 20.0, causal)
    for t in (-30.0, -3.0, 5.0, 12.0, 70.0):
        area = integrate.quad(lambda x: kernel.mass(np.array([x]))[0], -400.0, t, points=[-10, 0, 10, 20], limit=200)[0]
        assert kernel.integral(np.array([t]))[0] == pytest.approx(area, abs=1e-6)


@KERNELS
def test_ends_of_trials_are_normalised_by_what_lies_within(name, causal):
    """Spikes of a constant rate, of which only those of the trial are known, give that rate up to its ends."""
    edges, known = np.arange(21) * 10.0, np.array([[0.0, 200.0], [0.0, 120.0]])
    times = np.arange(0.005, 200.0, 0.01)  # 100 per ms
    of_second = times[times < 120.0]
    all_times = np.concatenate([times, of_second])
    trial = np.repeat([0, 1], [len(times), len(of_second)])
    kernel = kernel_of(name, 25.0, causal)
    found = rates_of(all_times, trial, 2, edges, kernel) / np.maximum(part_within(kernel, edges, known), 1e-9)
    np.testing.assert_allclose(found[:, 0], 100.0, rtol=1e-4)
    np.testing.assert_allclose(found[:12, 1], 100.0, rtol=1e-4)


def test_windows_may_overlap():
    times, events = np.array([10.0, 20.0, 30.0]), np.array([0.0, 15.0])
    relative, trial = within(times, events, (0.0, 25.0))
    assert relative.tolist() == [10.0, 20.0, 5.0, 15.0]
    assert trial.tolist() == [0, 0, 1, 1]
