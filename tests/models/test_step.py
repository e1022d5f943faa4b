"""The Euler step against the printed equation, in independent numpy code."""

import re
from pathlib import Path

import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import Activation, Connectivity, RateRNN
from eicon.models.cells import ACTIVATIONS

SIGMA = 0.3
TAU = 20.0


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activation_equals_its_formula(activation, reference_activation):
    x = np.linspace(-4, 4, 81)
    rates = Activation(activation)(jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(rates, reference_activation(activation, x), atol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_derivative_of_the_activation_equals_finite_differences(activation, reference_activation, x64):
    x = np.linspace(-3.05, 3.05, 20)
    h = 1e-6
    difference = reference_activation(activation, x + h) - reference_activation(activation, x - h)
    np.testing.assert_allclose(Activation(activation).derivative(jnp.asarray(x)), difference / (2 * h), atol=1e-8)


def test_power_law_has_a_finite_gradient_at_and_below_zero():
    root = Activation("power_law", (("exponent", 0.5), ("gain", 3.0)))
    x = jnp.array([-1.0, 0.0, 4.0])
    np.testing.assert_allclose(root(x), [0, 0, 6])
    np.testing.assert_allclose(root.derivative(x), [0, 0, 0.75])


@pytest.mark.parametrize("activation", ["relu", "tanh", "power_law"])
def test_predict_equals_the_printed_equation(activation, make_net, reference, inputs):
    net = make_net(activation=activation, spectral_radius=0.9)
    activity = net.predict(inputs)
    for values, expected in zip(("outputs", "rates", "currents"), reference(net, inputs), strict=True):
        np.testing.assert_allclose(getattr(activity, values), expected, rtol=1e-5, atol=1e-5)


def test_update_equals_the_printed_equation(make_net, reference, inputs):
    net = make_net(positive="softplus", activation="softplus")
    outputs, rates, currents = reference(net, inputs)
    net.reset_state(inputs.shape[1])
    for t in range(3):
        z = net.update(inputs[t])
        np.testing.assert_allclose(z, outputs[t], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(net.x.value, currents[t], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(net.rates, rates[t], rtol=1e-5, atol=1e-5)


def test_alpha_one_without_noise_is_the_elman_network(inputs):
    net = RateRNN(
        Connectivity.dense(6, 6), Connectivity.dense(3, 6), Connectivity.dense(6, 2),
        activation="tanh", tau=20.0, dt=20.0, bias=True, x0=0.0, seed=3,
    )  # fmt: skip
    net.b_rec.value = np.linspace(-1, 1, 6).astype(np.float32)
    w, u, v, b = (np.asarray(a, np.float64) for a in (net.W_rec, net.W_in, net.W_out, net.b_rec.value))
    hidden = np.zeros((inputs.shape[1], 6))
    outputs = []
    for step in inputs:
        hidden = np.tanh(step @ u + hidden @ w + b)
        outputs.append(hidden @ v)
    np.testing.assert_allclose(net.predict(inputs).outputs, outputs, atol=1e-5)


@pytest.mark.parametrize("dt", [1.0, 5.0, 20.0])
@pytest.mark.parametrize("source", ["sigma_rec", "sigma_in"])
def test_stationary_std_equals_the_closed_form(dt, source, uncoupled):
    net = uncoupled(tau=TAU, dt=dt, **{source: SIGMA})
    n_trials, n_steps = 1000, int(6 * TAU / dt)
    silence = np.zeros((n_steps, n_trials, net.n_in), np.float32)
    x = np.asarray(net.predict(silence, key=jax.random.key(4)).currents)[-1]
    expected = SIGMA / np.sqrt(1 - dt / TAU / 2)
    assert x.std() == pytest.approx(expected, rel=4 / np.sqrt(2 * x.size))
    assert abs(x.mean()) < 4 * expected / np.sqrt(x.size)


def table_of_the_step():
    text = (Path(__file__).parents[2] / "docs" / "concepts.md").read_text()
    rows = re.findall(r"^\| (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", text, re.MULTILINE)
    return [tuple(float(number) for number in row) for row in rows]


@pytest.mark.parametrize(("dt", "std", "correlation", "tau"), table_of_the_step())
def test_what_depends_on_the_step_is_what_the_docs_say(dt, std, correlation, tau, uncoupled):
    net = uncoupled(tau=100.0, dt=dt, sigma_rec=SIGMA)
    silence = np.zeros((round(700 / dt), 2000, net.n_in), np.float32)
    x = np.asarray(net.predict(silence, key=jax.random.key(8)).currents)[round(500 / dt) :]
    later = round(100 / dt)
    assert x[-1].std() / SIGMA == pytest.approx(std, abs=4 * std / np.sqrt(2 * x[0].size))
    found = [np.corrcoef(x[t].ravel(), x[t + later].ravel())[0, 1] for t in range(len(x) - later)]
    assert np.mean(found) == pytest.approx(correlation, abs=0.015)
    assert -100 / np.log(np.mean(found)) == pytest.approx(tau, rel=0.05)
    assert -dt / np.log1p(-dt / 100) == pytest.approx(tau, abs=0.06)


def test_the_table_of_the_step_has_four_rows():
    assert [row[0] for row in table_of_the_step()] == [5, 10, 20, 50]


@pytest.mark.battery
def test_stationary_std_of_units_with_time_constants_of_their_own(uncoupled):
    tau = np.linspace(10.0, 40.0, 10)
    net = uncoupled(tau=tau, dt=10.0, sigma_rec=SIGMA)
    x = np.asarray(net.predict(np.zeros((30, 3000, 10), np.float32), key=jax.random.key(5)).currents)[-1]
    np.testing.assert_allclose(x.std(axis=0), SIGMA / np.sqrt(1 - 10.0 / tau / 2), rtol=4 / np.sqrt(2 * 3000))


def test_input_noise_is_scaled_by_the_mean_time_constant(uncoupled):
    tau = np.linspace(10.0, 40.0, 10)
    net = uncoupled(tau=tau, dt=10.0, sigma_in=SIGMA)
    x = np.asarray(net.predict(np.zeros((1, 3000, 10), np.float32), key=jax.random.key(6)).currents)[0]
    expected = 10.0 / tau * SIGMA * np.sqrt(2 * tau.mean() / 10.0)
    np.testing.assert_allclose(x.std(axis=0), expected, rtol=4 / np.sqrt(2 * 3000))


def test_noise_of_update_has_the_same_std(uncoupled):
    net = uncoupled(tau=TAU, dt=5.0, sigma_rec=SIGMA)
    net.reset_state(500, key=jax.random.key(7))
    bm.for_loop(net.update, np.zeros((24, 500, 10), np.float32))
    x = np.asarray(net.x.value)
    assert x.std() == pytest.approx(SIGMA / np.sqrt(1 - 0.125), rel=4 / np.sqrt(2 * x.size))


def test_same_key_same_noise_and_another_key_other_noise(uncoupled):
    net = uncoupled(sigma_rec=SIGMA, sigma_in=SIGMA)
    silence = np.zeros((4, 3, 10), np.float32)
    first, again, other = (net.predict(silence, key=jax.random.key(k)).currents for k in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.any(np.asarray(first) == np.asarray(other))


def test_recurrent_and_input_noise_are_not_the_same_numbers(uncoupled):
    silence = np.zeros((20, 20, 10), np.float32)
    key = jax.random.key(0)
    by_rec = np.asarray(uncoupled(tau=TAU, sigma_rec=SIGMA).predict(silence, key=key).currents)
    by_in = np.asarray(uncoupled(tau=TAU, sigma_in=SIGMA).predict(silence, key=key).currents)
    assert abs(np.corrcoef(by_rec.ravel(), by_in.ravel())[0, 1]) < 4 / np.sqrt(by_rec.size)


def test_reset_state_with_a_key_restarts_the_noise(uncoupled):
    net = uncoupled(sigma_rec=SIGMA)
    runs = []
    for key in (jax.random.key(1), jax.random.key(1), None):
        net.reset_state(2, key=key)
        net.update(np.zeros((2, 10), np.float32))
        runs.append(np.asarray(net.x.value))
    assert np.array_equal(runs[0], runs[1])
    assert not np.any(runs[1] == runs[2])
