"""Two linear neurons against the matrix exponential, and their pulses."""

import numpy as np
import pytest
from scipy.linalg import expm

from eicon.models.circuits import TwoNeuron, pulse_protocol, simulate
from eicon.models.circuits._circuit import METHODS
from eicon.models.circuits._two_neuron import PULSES

WEIGHTS = np.array([[0.0, 0.8], [0.8, 0.0]])
TAU = 4.0
FLOW = (WEIGHTS.T - np.eye(2)) / TAU


def exact(u, dt, v=(0.0, 0.0)):
    """State at the end of each step of constant inputs (T, 2), by matrix exponentials."""
    state, kept = np.array(v), []
    propagator = expm(FLOW * dt)
    for row in u:
        rest = -np.linalg.solve(FLOW, row / TAU)
        state = rest + propagator @ (state - rest)
        kept.append(state)
    return np.array(kept)


def test_activity_is_that_of_the_matrix_exponential():
    u = pulse_protocol(0.25, seed=1)
    run = simulate(TwoNeuron(dt=0.25), u)
    np.testing.assert_allclose(run.outputs[:, 0], exact(u[:, 0], 0.25), atol=5e-7)
    np.testing.assert_array_equal(run.outputs, run.states["v"])


@pytest.mark.parametrize("direction", [(1.0, 1.0), (1.0, -1.0)], ids=["sum", "difference"])
def test_each_mode_decays_with_its_time_constant(direction):
    """Fitted to simulated activity after a pulse along the mode; the other mode stays silent."""
    u = pulse_protocol(0.1, seed=0, directions=[direction])
    run = simulate(TwoNeuron(), u)
    along = run.outputs[:, 0] @ np.array(direction) / np.sqrt(2)
    across = run.outputs[:, 0] @ np.array([direction[1], -direction[0]])
    expected = TAU / (1 - 0.8 * direction[1])
    after = (run.time > 42.0) & (run.time < 42.0 + 2 * expected)
    slope = np.polyfit(run.time[after], np.log(along[after]), 1)[0]
    assert -1 / slope == pytest.approx(expected, rel=0.01)
    assert -1 / slope == pytest.approx(expected, rel=1e-5)
    assert np.abs(across).max() < 1e-12
    # gain of a pulse that is long against the mode: 1 / (1 - eigenvalue)
    constant = simulate(TwoNeuron(), list(direction), duration=200.0).outputs[-1, 0]
    np.testing.assert_allclose(constant, np.array(direction) / (1 - 0.8 * direction[1]), rtol=1e-4)


def test_modes_are_those_of_the_weights():
    modes = TwoNeuron(tau=5.0).modes()
    np.testing.assert_allclose(modes.eigenvalues, [0.8, -0.8])
    np.testing.assert_allclose(modes.eigenvectors, np.array([[1, 1], [1, -1]]) / np.sqrt(2))
    np.testing.assert_allclose(modes.time_constants, [25.0, 5.0 / 1.8])
    uneven = np.array([[0.3, -0.4], [-0.4, -0.3]])
    found = TwoNeuron(uneven).modes()
    np.testing.assert_allclose(uneven @ found.eigenvectors, found.eigenvectors * found.eigenvalues, atol=1e-12)
    assert found.eigenvalues[0] > found.eigenvalues[1]
    assert TwoNeuron([[0.0, 1.0], [1.0, 0.0]]).modes().time_constants[0] == np.inf


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.battery
def test_every_method_converges_with_its_order(method):
    order = {"euler": 1, "exp_euler": 1, "rk3": 3, "heun3": 3, "ralston3": 3, "ssprk3": 3}.get(method, 2)
    order = 4 if method in ("rk4", "ralston4", "rk4_38rule") else order
    ends = {}
    for dt in (0.5, 0.25):
        u = np.broadcast_to([1.0, -0.3], (round(8 / dt), 1, 2))
        ends[dt] = np.abs(simulate(TwoNeuron(dt=dt, method=method), u).outputs[-1, 0] - exact(u[:, 0], dt)[-1]).max()
    assert np.log2(ends[0.5] / ends[0.25]) == pytest.approx(order, abs=0.35)


def test_exponential_euler_solves_the_leak_exactly():
    """BrainPy, given the whole right-hand side, would take the column sums of the Jacobian for its diagonal."""
    first = simulate(TwoNeuron(dt=1.0, method="exp_euler"), [1.0, 0.0], duration=2.0).outputs[:, 0]
    leak = np.exp(-1.0 / TAU)
    one = (1 - leak) * np.array([1.0, 0.0])
    np.testing.assert_allclose(first, [one, leak * one + (1 - leak) * (one @ WEIGHTS + [1.0, 0.0])], rtol=1e-12)


def test_pulses_are_the_notebooks():
    u = pulse_protocol(1.0, seed=3)[:, 0]
    assert len(u) == 800
    expected = [(1, 0), (0, 1), (1, 1), (-1, 0), (0, -1), (-1, -1), (0.5**0.5, -(0.5**0.5))]
    on = np.zeros(800, bool)
    for number, direction in enumerate(expected):
        pulse = slice(30 + 100 * number, 40 + 100 * number)
        np.testing.assert_allclose(u[pulse], np.broadcast_to(direction, (10, 2)))
        on[pulse] = True
    assert len(PULSES) == 8
    last = u[730:740]
    assert (last == last[0]).all()
    assert ((last >= 0) & (last < 1)).all()
    on[730:740] = True
    assert (u[~on] == 0).all()
    assert not np.array_equal(pulse_protocol(1.0, seed=4)[735], u[735:736])
    np.testing.assert_array_equal(pulse_protocol(1.0, seed=3)[:, 0], u)


@pytest.mark.parametrize("dt", [0.1, 0.3, 1 / 3, 0.7])
def test_pulses_last_ten_ms_at_every_step(dt):
    u = pulse_protocol(dt, seed=0)[:, 0]
    for number in range(8):
        start = 30 + 100 * number
        on = np.flatnonzero((np.abs(u).sum(axis=1) > 0) & (np.abs(np.arange(len(u)) * dt - start) < 50))
        assert on[0] * dt == pytest.approx(start, abs=dt)
        assert on[0] * dt > start - 1e-3
        assert len(on) * dt == pytest.approx(10.0, abs=dt)


def test_noise_keeps_its_deviation_when_the_step_changes():
    for dt in (0.5, 4.0):
        run = simulate(TwoNeuron(np.zeros((2, 2)), dt=dt, sigma=0.5, seed=1), np.zeros((1000, 20, 2)))
        assert run.outputs[100:].std() == pytest.approx(0.5, rel=0.02)
    one, other = run.outputs[:, 0, 0], run.outputs[:, 1, 0]
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.1
    assert abs(np.corrcoef(one, run.outputs[:, 0, 1])[0, 1]) < 0.1


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: TwoNeuron([[0.0, 0.8], [0.5, 0.0]]),
            "`weights` must be a finite symmetric (2, 2) array, W[pre, post]",
        ),
        (lambda: TwoNeuron(np.zeros((3, 3))), "`weights` must be a finite symmetric (2, 2) array"),
        (lambda: TwoNeuron(tau=0.0), "`tau` must be positive and finite (ms); got 0.0."),
        (lambda: pulse_protocol(0.0, seed=0), "`dt` must be positive and finite (ms); got 0.0."),
        (
            lambda: pulse_protocol(seed=0, directions=[1.0, 2.0]),
            "`directions` must have shape (P, 2), one row per pulse; got (2,).",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call()
    assert text in str(caught.value)
