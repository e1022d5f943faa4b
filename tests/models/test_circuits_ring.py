"""Ring attractors against closed forms, and where a bump is."""

import numpy as np
import pytest
from scipy.optimize import fsolve

from eicon.models import circuits
from eicon.models.circuits import BumpRing, RateRing, bump, ring_distance, simulate


def numpy_ring_step(a, angles, stimulus, dt, w0=0.9, w1=1.0, threshold=2.0):
    """One Euler step, unit by unit."""
    n, following = len(a), np.empty_like(a)
    for j in range(n):
        received = sum(a[i] * (w0 + w1 * np.cos(angles[i] - angles[j])) for i in range(n)) / n
        following[j] = a[j] + dt * (-a[j] + max(received + stimulus[j] - threshold, 0.0))
    return following


def test_rate_ring_steps_as_its_equation():
    ring = RateRing(9, dt=0.05, method="euler")
    place = np.array([[0.3], [0.4], [2.0], [-3.0]])
    inputs = ring.stimulus(place)
    np.testing.assert_allclose(inputs[:, 0], 2.0 + np.cos(ring.angles - place), rtol=1e-12)
    run = simulate(ring, inputs)
    a = np.zeros(9)
    for t in range(4):
        a = numpy_ring_step(a, ring.angles, inputs[t, 0], 0.05)
        np.testing.assert_allclose(run.outputs[t, 0], a, rtol=1e-12, atol=1e-14)
    assert run.outputs[-1].max() > 0.0


def test_rate_ring_has_every_angle_once_and_every_weight():
    """The notebook's has the first angle twice and an empty last row and column."""
    ring = RateRing(100)
    assert len(np.unique(np.round(np.exp(1j * ring.angles), 9))) == 100
    np.testing.assert_allclose(np.diff(ring.angles), 2 * np.pi / 100)
    np.testing.assert_allclose(ring.weights.sum(axis=0), 0.9, rtol=1e-12)
    np.testing.assert_allclose(ring.weights, np.roll(ring.weights, (7, 7), axis=(0, 1)), atol=1e-15)


def test_resting_bump_is_that_of_the_closed_form():
    """Half width, height and mean from the two equations of the stationary bump, solved by another method."""
    ring = RateRing(400, dt=0.05)
    run = simulate(ring, ring.stimulus(np.full((1000, 1), 0.8)))
    a = run.outputs[-1, 0]

    def equations(unknown):  # mean activity and its first Fourier coefficient on a fine grid
        theta = np.linspace(-np.pi, np.pi, 20001)[:-1]
        shape = np.maximum(0.9 * unknown[0] + (unknown[1] + 1.0) * np.cos(theta), 0.0)
        return [shape.mean() - unknown[0], (shape * np.cos(theta)).mean() - unknown[1]]

    mean, first = fsolve(equations, [1.0, 1.0])
    expected = ring.bump()
    assert expected.mean == pytest.approx(mean, rel=1e-5)
    assert expected.height == pytest.approx(0.9 * mean + first + 1.0, rel=1e-5)
    assert expected.half_width == pytest.approx(np.arccos(-0.9 * mean / (first + 1.0)), rel=1e-5)
    assert expected.lag == 0.0
    assert a.mean() == pytest.approx(expected.mean, rel=1e-3)
    assert a.max() == pytest.approx(expected.height, rel=1e-3)
    active = np.abs(ring_distance(ring.angles, 0.8)) < expected.half_width - 0.02
    silent = np.abs(ring_distance(ring.angles, 0.8)) > expected.half_width + 0.02
    assert (a[active] > 0).all()
    assert a[silent].max() < 1e-9
    assert bump(a).center == pytest.approx(0.8, abs=1e-3)


SPEEDS = (0.1, -0.5, 2 * np.pi)
"""The last is the notebook's: once around the ring per time constant."""


@pytest.fixture(scope="module")
def moving():
    """A ring, times, and what it does where its input moves with these speeds, one per trial."""
    ring, time = RateRing(dt=0.02), 0.02 * np.arange(1, 2001)
    return ring, time, simulate(ring, ring.stimulus(np.outer(time - 0.01, SPEEDS)))  # the middle of each step


@pytest.mark.parametrize("trial", range(3), ids=lambda trial: f"{SPEEDS[trial]:g}")
def test_bump_follows_a_moving_input_with_the_lag_of_the_closed_form(trial, moving):
    (ring, time, run), speed = moving, SPEEDS[trial]
    place = bump(run.outputs[1500:, trial]).center
    behind = ring_distance(speed * time[1500:], place)
    expected = ring.bump(speed)
    np.testing.assert_allclose(behind, expected.lag, atol=2e-3)
    assert abs(expected.lag) > 0.1
    assert np.sign(expected.lag) == np.sign(speed)
    assert run.outputs[-1, trial].mean() == pytest.approx(expected.mean, rel=2e-3)
    turned = np.unwrap(place)[-1] - np.unwrap(place)[0]
    assert turned / (time[-1] - time[1500]) == pytest.approx(speed, rel=1e-3)


@pytest.mark.battery
def test_without_a_tuned_input_the_ring_is_even():
    ring = RateRing(20, dt=0.05)
    even = simulate(ring, ring.stimulus(np.zeros((400, 1)), 0.0)).outputs[-1]
    assert np.ptp(even) < 1e-12
    assert not simulate(RateRing(20, h0=1.0), duration=1.0).outputs.any()


@pytest.fixture(scope="module")
def remembered():
    """A stimulus for 20 tau, then nothing for 100 tau; three places, one of them on the seam."""
    ring = BumpRing()
    steps, places = 1200, np.array([0.3333, -2.0, np.pi - 0.01])
    strength = np.where(np.arange(steps) < 200, 10.0, 0.0)[:, None]
    return ring, places, simulate(ring, ring.stimulus(np.tile(places, (steps, 1)), strength))


@pytest.mark.battery
def test_bump_persists_and_does_not_drift(remembered):
    ring, places, run = remembered
    located = bump(np.maximum(run.outputs, 0.0))
    assert np.abs(ring_distance(located.center[200:], places)).max() < 1e-3
    assert np.abs(ring_distance(located.center[-1], located.center[200])).max() < 1e-5
    np.testing.assert_allclose(located.height[-1], ring.amplitude, rtol=1e-3)


@pytest.mark.battery
def test_bump_has_the_width_and_shape_of_the_closed_form(remembered):
    """Of u: standard deviation sqrt(2) a about the centre, as a second moment and by its curvature; of r: a."""
    ring, places, run = remembered
    final = np.maximum(run.outputs[-1], 0.0)
    np.testing.assert_allclose(bump(final).width, np.sqrt(2) * 0.5, rtol=0.005)
    np.testing.assert_allclose(bump(final).width, 0.7071, atol=3e-4)
    np.testing.assert_allclose(bump(np.asarray(ring.rates(final))).width, 0.5, rtol=1e-3)
    assert ring.width == pytest.approx(0.70710678)
    for trial, place in enumerate(places):
        away = ring_distance(ring.angles, place)
        near = np.abs(away) < 1.0
        curvature = np.polyfit(away[near], np.log(final[trial, near]), 2)[0]
        assert np.sqrt(-0.5 / curvature) == pytest.approx(0.7071, rel=0.005)
        np.testing.assert_allclose(final[trial], ring.amplitude * np.exp(-(away**2)), atol=0.01 * ring.amplitude)


def test_amplitude_solves_the_equation_of_the_resting_bump():
    ring = BumpRing(128, k=2.0, a=0.4, J0=3.0)
    density, u = 128 / (2 * np.pi), ring.amplitude
    normalised = u**2 / (1 + 2.0 * density * np.sqrt(2 * np.pi) * 0.4 * u**2)
    assert density * 3.0 * normalised / np.sqrt(2) == pytest.approx(u)
    critical = density * 9.0 / (8 * np.sqrt(2 * np.pi) * 0.4)
    assert np.isnan(BumpRing(128, k=1.01 * critical, a=0.4, J0=3.0).amplitude)
    at_limit = BumpRing(128, k=0.999 * critical, a=0.4, J0=3.0)
    assert at_limit.amplitude > 0


def test_bump_dies_where_inhibition_is_too_strong():
    ring = BumpRing(64, k=30.0, a=0.5)
    assert np.isnan(ring.amplitude)
    strength = np.where(np.arange(400) < 100, 5.0, 0.0)[:, None]
    assert simulate(ring, ring.stimulus(np.zeros((400, 1)), strength)).outputs[-1].max() < 1e-3


@pytest.mark.parametrize("speed", [0.002, -0.004])
def test_bump_follows_a_weak_stimulus_at_the_predicted_distance(speed):
    ring = BumpRing(128)
    steps = 3000
    time = ring.dt * np.arange(1, steps + 1)
    strength = np.where(np.arange(steps) < 200, 20.0, 1.0)[:, None]
    run = simulate(ring, ring.stimulus((speed * (time - ring.dt / 2))[:, None], strength))
    place = bump(np.maximum(run.outputs[:, 0], 0.0)).center
    assert ring.lag(speed, 1.0) == pytest.approx(speed * ring.amplitude)
    assert ring_distance(speed * time[-1], place[-1]) == pytest.approx(ring.lag(speed, 1.0), rel=0.08)
    assert (place[-1] - place[-1001]) / (1000 * ring.dt) == pytest.approx(speed, rel=0.01)


def test_bump_ring_steps_as_its_equation():
    rng, n = np.random.default_rng(0), 12
    ring = BumpRing(n, a=0.7, J0=2.0, k=0.3, tau=2.0, dt=0.1, method="euler")
    inputs = rng.normal(size=(3, 2, n))
    run = simulate(ring, inputs)
    u = np.zeros((2, n))
    for t in range(3):
        squared = np.where(u > 0, u, 0.0) ** 2
        rates = squared / (1 + 0.3 * squared.sum(axis=1, keepdims=True))
        received = np.zeros_like(u)
        for i, j in np.ndindex(n, n):
            apart = min(abs(i - j), n - abs(i - j)) * 2 * np.pi / n
            received[:, j] += rates[:, i] * 2.0 / (np.sqrt(2 * np.pi) * 0.7) * np.exp(-(apart**2) / (2 * 0.49))
        u = u + 0.1 / 2.0 * (-u + received + inputs[t])
        np.testing.assert_allclose(run.outputs[t], u, rtol=1e-10, atol=1e-12)


def test_stimulus_has_its_height_and_width_at_each_angle():
    ring = BumpRing(200)
    shape = ring.stimulus([[0.0, 3.0], [1.0, -3.0]], [[2.0], [0.5]])
    assert shape.shape == (2, 2, 200)
    located = bump(shape)
    np.testing.assert_allclose(located.center, [[0.0, 3.0], [1.0, -3.0]], atol=1e-6)
    np.testing.assert_allclose(located.height, [[2.0, 2.0], [0.5, 0.5]], rtol=1e-3)
    np.testing.assert_allclose(located.width, np.sqrt(0.5), rtol=1e-3)


def test_bump_is_the_angle_of_the_population_vector():
    angles = -np.pi + 2 * np.pi * np.arange(50) / 50
    for place in (0.1, 3.1, -3.1, -1.7):
        activity = np.exp(4.0 * np.cos(angles - place))
        found = bump(activity)
        assert found.center == pytest.approx(place, abs=1e-9)
        away = (angles - place + np.pi) % (2 * np.pi) - np.pi
        assert found.width == pytest.approx(np.sqrt((activity * away**2).sum() / activity.sum()))
        assert found.height == activity.max()
    nothing = bump(np.zeros((2, 5)))
    assert np.isnan(nothing.center).all()
    assert np.isnan(bump(np.ones(6)).center)
    assert bump(np.ones((3, 4, 6))).height.shape == (3, 4)


def test_distance_goes_the_shorter_way():
    np.testing.assert_allclose(
        ring_distance([3.0, -3.0, 0.5, 7.0], [-3.0, 3.0, 0.2, 0.0]), [6 - 2 * np.pi, 2 * np.pi - 6, 0.3, 7 - 2 * np.pi]
    )


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: RateRing(2), "`n` must be at least 3 units, so that angles differ in direction; got 2."),
        (lambda: BumpRing(2), "`n` must be at least 3 units"),
        (lambda: BumpRing(8, k=0.0), "`k` must be positive and finite; got 0.0."),
        (lambda: BumpRing(8, a=-1.0), "`a` must be positive and finite; got -1.0."),
        (lambda: RateRing(8, tau=0.0), "`tau` must be positive and finite (ms); got 0.0."),
        (lambda: RateRing(8).stimulus([0.0, 1.0]), "`angle` must have shape (T, B), in rad; got (2,)."),
        (lambda: BumpRing(8).stimulus([0.0, 1.0]), "For one trial pass angle[:, None]."),
        (lambda: RateRing(8, h0=1.0).bump(), "needs `h0` equal to `threshold`; got 1.0 and 2.0."),
        (lambda: RateRing(8, w0=1.2).bump(), "no finite bump: it needs w0 < 1"),
        (lambda: RateRing(8, w1=4.0).bump(), "got 0.9 and 4.0."),
        (lambda: bump([1.0, 2.0]), "`activity` must have at least 3 units on its last axis; got shape (2,)."),
        (lambda: bump([1.0, -2.0, 0.0]), "`activity` must be finite and >= 0; got negative values"),
        (lambda: bump([1.0, np.nan, 0.0]), "`activity` must be finite and >= 0"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call()
    assert text in str(caught.value)


def test_exports():
    assert {"BumpRing", "RateRing", "bump", "ring_distance"} <= set(dir(circuits))
    assert {"Bump", "RingBump"} <= set(dir(circuits.results))
