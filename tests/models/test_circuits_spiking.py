"""Spiking neurons against closed forms: rates, postsynaptic potentials, order of the integrators."""

import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import circuits
from eicon.models.circuits import ExponentialDriveNeuron, SpikingNeuron, simulate, spiking_inputs

REST, THRESHOLD, TAU, R, REFRACTORY = -72.3, -48.6, 24.5, 353.0, 10.0
KICKS = {"ampa": (6.3, "w_ampa", 0.02), "nmda": (81.5, "w_nmda", 0.01), "inhibition": (20.0, "w_inh", 5.0)}


def spike_steps(run, trial=0):
    return np.flatnonzero(run.outputs[:, trial, 0])


def test_spikes_come_at_the_steps_of_the_closed_form():
    """Exponential Euler is exact here, so the interval in steps is known: refractory steps, then the rise."""
    dt, currents = 0.05, np.array([0.07, 0.1, 0.3, 0.7])
    run = simulate(SpikingNeuron(dt=dt, method="exp_euler"), spiking_inputs(8000, 4, current=currents))
    for trial, current in enumerate(currents):
        steps = spike_steps(run, trial)
        rise = int(np.ceil(TAU * np.log(R * current / (R * current - (THRESHOLD - REST))) / dt))
        assert steps[0] == rise - 1  # the step that ends at rise * dt has the number rise - 1
        assert set(np.diff(steps)) == {rise + int(REFRACTORY / dt)}


@pytest.mark.parametrize("method", ["rk4", "exp_euler"])
def test_rate_is_that_of_the_closed_form_for_all_currents_and_inhibition(method):
    currents, held = np.array([0.05, 0.068, 0.1, 0.2, 0.5, 0.4]), np.array([0.0, 0.0, 0.0, 10.0, 40.0, 140.0])
    reached = R * currents - held
    with np.errstate(invalid="ignore"):
        interval = REFRACTORY + TAU * np.log(reached / (reached - (THRESHOLD - REST)))
    expected = np.where(reached > THRESHOLD - REST, 1000.0 / interval, 0.0)
    assert expected[[0, 5]].tolist() == [0.0, 0.0]
    neuron = SpikingNeuron(dt=0.025, method=method)
    np.testing.assert_allclose(neuron.firing_rate(currents, held), expected, rtol=1e-6)
    run = simulate(neuron, spiking_inputs(16000, 6, current=currents, hyperpolarization=held))
    for trial, rate in enumerate(expected):
        intervals = np.diff(spike_steps(run, trial)) * neuron.dt
        if rate:
            np.testing.assert_allclose(1000.0 / intervals.mean(), rate, rtol=2e-3)
        else:
            assert not run.outputs[:, trial].any()


@pytest.mark.parametrize("channel", KICKS)
def test_postsynaptic_potential_is_a_difference_of_exponentials(channel):
    tau, name, size = KICKS[channel]
    run = simulate(SpikingNeuron(**{name: size}), spiking_inputs(2000, **{channel: (np.arange(2000) == 300)[:, None]}))
    since = run.time - 300 * 0.1
    with np.errstate(over="ignore"):
        shape = np.where(since > 0, tau / (tau - TAU) * (np.exp(-since / tau) - np.exp(-since / TAU)), 0.0)
    expected = shape * (-size if channel == "inhibition" else R * size)
    assert np.abs(expected).max() > 1.0
    np.testing.assert_allclose(run.states["V"][:, 0] - REST, expected, atol=1e-8)


def test_two_events_in_a_step_count_twice():
    one, two = (
        simulate(SpikingNeuron(w_ampa=0.01), spiking_inputs(200, ampa=n * (np.arange(200) == 5)[:, None]))
        for n in (1, 2)
    )
    np.testing.assert_allclose(two.states["V"] - REST, 2 * (one.states["V"] - REST), atol=1e-10)


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("exp_euler", 1), ("midpoint", 2), ("rk3", 3), ("rk4", 4)])
@pytest.mark.battery
def test_error_falls_with_the_order_of_the_integrator(method, order):
    tau, duration = 6.3, 32.0
    exact = REST + R * 0.02 * tau / (tau - TAU) * (np.exp(-duration / tau) - np.exp(-duration / TAU))
    errors = []
    for dt in (0.5, 0.25) if order == 2 else (1.0, 0.5):
        steps = int(duration / dt)
        neuron = SpikingNeuron(dt=dt, method=method, w_ampa=0.02)
        run = simulate(neuron, spiking_inputs(steps, ampa=(np.arange(steps) == 0)[:, None]))
        errors.append(abs(run.states["V"][-1, 0] - exact))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)


def test_refractory_neuron_stays_at_rest_while_its_synapses_decay():
    steps = np.arange(600)
    drive = spiking_inputs(600, current=0.3 * (steps < 300)[:, None], ampa=5 * (steps == 0)[:, None])
    run = simulate(SpikingNeuron(w_ampa=0.1), drive)
    first = spike_steps(run)[0]
    held = slice(first, first + 101)
    assert (run.states["V"][held, 0] == REST).all()
    assert run.states["V"][first + 101, 0] > REST
    assert run.states["refractory_steps"][held, 0].tolist() == [100 - k for k in range(101)]
    np.testing.assert_allclose(run.states["I_ampa"][:, 0], 0.5 * np.exp(-run.time / 6.3), rtol=1e-6)
    assert run.states["V"][:, 0].max() <= THRESHOLD


def test_without_refractory_period_it_fires_as_fast_as_it_rises():
    neuron = SpikingNeuron(refractory=0.0, dt=0.05, method="exp_euler")
    run = simulate(neuron, spiking_inputs(2000, current=0.5))
    rise = int(np.ceil(TAU * np.log(R * 0.5 / (R * 0.5 - (THRESHOLD - REST))) / 0.05))
    assert set(np.diff(spike_steps(run))) == {rise}


@pytest.mark.battery
def test_membrane_noise_has_its_deviation_at_every_step_size():
    for dt in (0.5, 2.0):
        neuron = SpikingNeuron(dt=dt, sigma=2.0, V_threshold=1000.0, refractory=0.0, seed=3)
        V = simulate(neuron, spiking_inputs(800, 40)).states["V"][int(150 / dt) :]
        assert V.std() == pytest.approx(2.0, rel=0.04)
        lag = round(TAU / dt)
        both = np.mean((V[:-lag] - REST) * (V[lag:] - REST)) / 4.0
        assert both == pytest.approx(np.exp(-lag * dt / TAU), abs=0.06)


@pytest.mark.battery
def test_exponential_drive_fires_as_its_closed_form_and_is_linear_in_the_limit():
    delta, currents = 60.0, np.array([0.04, 0.06, 0.1])
    neuron = ExponentialDriveNeuron(delta=delta, dt=0.05)
    reached = delta * np.expm1(R * currents / delta)
    with np.errstate(invalid="ignore"):
        interval = REFRACTORY + TAU * np.log(reached / (reached - (THRESHOLD - REST)))
    expected = np.where(reached > THRESHOLD - REST, 1000.0 / interval, 0.0)
    assert expected[0] == 0.0
    assert (expected[1:] > 1.2 * SpikingNeuron().firing_rate(currents[1:])).all()
    np.testing.assert_allclose(neuron.firing_rate(currents), expected, rtol=1e-5)
    run = simulate(neuron, spiking_inputs(6000, 3, current=currents))
    for trial in (1, 2):
        assert 1000.0 / (np.diff(spike_steps(run, trial)).mean() * 0.05) == pytest.approx(expected[trial], rel=4e-3)
    inputs = circuits.random_drive(300.0, 0.1, seed=0)
    linear, straight = (
        simulate(one, inputs).states["V"] for one in (ExponentialDriveNeuron(delta=1e9), SpikingNeuron())
    )
    np.testing.assert_allclose(linear, straight, atol=1e-4)
    # without input it stays at rest, which the printed equation does not
    assert (simulate(neuron, duration=50.0).states["V"] == REST).all()


def test_random_drive_is_the_notebooks_and_does_not_depend_on_the_step():
    fine, coarse = (circuits.random_drive(4000.0, dt, seed=5, batch_size=3) for dt in (0.25, 1.0))
    np.testing.assert_array_equal(fine[::4], coarse)
    np.testing.assert_array_equal(fine[3::4], coarse)
    assert (fine[:, :, :3] == 0).all()
    current, inhibition = coarse[:, :, 3].ravel(), coarse[:, :, 4].ravel()
    for values, low, high in ((current, -0.3, 0.7), (inhibition, 0.0, 100.0)):
        assert low <= values.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < values.max() <= high
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.01 * (high - low))
    assert abs(np.corrcoef(current, inhibition)[0, 1]) < 0.05
    assert abs(np.corrcoef(current[:-3], current[3:])[0, 1]) < 0.05
    assert not np.array_equal(circuits.random_drive(40.0, 1.0, seed=6, batch_size=3), coarse[:40])


def test_random_drive_makes_the_neuron_of_the_notebook_fire():
    """The notebook's own loop, with its step of 1 ms, in numpy."""
    inputs = circuits.random_drive(4000.0, 1.0, seed=2)
    V, held, expected = REST, 0, []
    for _, _, _, current, inhibition in inputs[:, 0]:
        V = V + (REST - V + R * current - inhibition) / TAU
        V, held = (REST, held - 1) if held else (V, 0)
        expected.append(V > THRESHOLD)
        if V > THRESHOLD:
            V, held = REST, 10
    run = simulate(SpikingNeuron(dt=1.0, method="euler"), inputs)
    assert sum(expected) > 20
    np.testing.assert_array_equal(run.outputs[:, 0, 0], expected)


def test_poisson_events_have_their_rate_and_variance():
    counts = circuits.poisson_events(500.0, 20000, 0.5, seed=1, batch_size=4)
    assert counts.shape == (20000, 4)
    assert counts.mean() == pytest.approx(0.25, rel=0.02)
    assert counts.var() == pytest.approx(0.25, rel=0.03)
    assert np.abs(np.corrcoef(counts.T) - np.eye(4)).max() < 0.03


def test_mean_potential_under_poisson_events_is_that_of_campbell():
    """Mean of filtered Poisson events: rate times the area of one postsynaptic potential, R w tau_s."""
    events = circuits.poisson_events(400.0, 30000, 0.5, seed=4, batch_size=4)
    run = simulate(SpikingNeuron(dt=0.5, V_threshold=1e4, w_nmda=0.001), spiking_inputs(30000, 4, nmda=events))
    assert run.states["V"][1200:].mean() - REST == pytest.approx(R * 0.001 * 0.4 * 81.5, rel=0.03)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: SpikingNeuron(tau_m=0.0), "`tau_m` must be positive and finite (ms); got 0.0."),
        (lambda: SpikingNeuron(tau_nmda=-1.0), "`tau_nmda` must be positive and finite (ms); got -1.0."),
        (lambda: SpikingNeuron(R=float("nan")), "`R` must be positive and finite (MOhm); got nan."),
        (lambda: SpikingNeuron(V_threshold=-80.0), "`V_threshold` must be above `V_rest` (mV); got -80.0 and -72.3."),
        (lambda: SpikingNeuron(dt=0.3), "`refractory` must be a whole number of steps of 0.3 ms, >= 0; got 10 ms."),
        (lambda: SpikingNeuron(method="rk9"), "`method` of SpikingNeuron must be one of euler, midpoint, "),
        (lambda: SpikingNeuron(sigma=-1.0), "`sigma` must be >= 0 and finite"),
        (lambda: SpikingNeuron(dt=-0.1), "`dt` must be positive and finite (ms); got -0.1."),
        (lambda: ExponentialDriveNeuron(delta=0.0), "`delta` must be positive and finite (mV); got 0.0."),
        (lambda: spiking_inputs(5, 2, ampa=np.ones(5)), "`ampa` must broadcast to (T, B) = (5, 2); got shape (5,)."),
        (lambda: circuits.poisson_events(-1.0, 5, 0.1, seed=0), "`rate` must be >= 0 and finite (events/s); got -1.0."),
        (lambda: circuits.poisson_events(1.0, 5, 0.0, seed=0), "`dt` must be positive and finite (ms); got 0.0."),
        (
            lambda: circuits.random_drive(5.0, 0.3, seed=0),
            "`hold` must be a whole number of steps of 0.3 ms; got 1 ms.",
        ),
        (lambda: circuits.random_drive(0.0, 0.1, seed=0), "`duration` must be positive and finite (ms); got 0.0."),
        (lambda: SpikingNeuron().update(jnp.zeros((2, 5))), "must have shape (B, n_in) = (1, 5); got (2, 5)."),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call()
    assert text in str(caught.value)
