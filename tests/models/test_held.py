"""One noiseless step with inputs held equals what the network does."""

import jax
import numpy as np
import pytest

from eicon.models import RateRNN
from eicon.models.cells import ACTIVATIONS

RNG = np.random.default_rng(0)
STATES = RNG.normal(size=(3, 8)).astype(np.float32)


def make(activation="relu"):
    tau = np.linspace(40.0, 120.0, 8)
    options = {"activation": activation, "tau": tau, "start": "balanced", "bias": True}
    return RateRNN.dale(2, 8, 2, sigma_rec=0.3, sigma_in=0.1, seed=4, **options)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_equals_a_step_of_the_network(activation):
    net = make(activation)
    net.b_rec.value = RNG.normal(size=8)
    quiet = net.with_settings(sigma_rec=0.0, sigma_in=0.0)
    quiet.reset_state(3)
    quiet.x.value = STATES
    quiet.update(np.tile([0.4, -0.2], (3, 1)))
    found = net.held([0.4, -0.2])(STATES)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, quiet.x.value, rtol=1e-5, atol=1e-6)


def test_no_input_is_none():
    net = make()
    np.testing.assert_array_equal(net.held()(STATES), net.held([0.0, 0.0])(STATES))


@pytest.mark.usefixtures("x64")
def test_in_double_precision():
    net = make("tanh")
    weights = np.asarray(net.network.astype(float).recurrent.matrix())
    states, alpha = STATES.astype(float), net.dt / net.tau
    expected = (1 - alpha) * states + alpha * (np.tanh(states) @ weights)
    found = net.held()(states)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_a_single_state_and_other_shapes():
    step = make().held([1.0, 0.0])
    np.testing.assert_allclose(step(STATES[0]), step(STATES)[0], rtol=1e-6)
    assert step(np.zeros((2, 3, 8), np.float32)).shape == (2, 3, 8)


def test_steps_of_networks_of_one_kind_are_one_function_to_jit():
    first, second = make().held(), make().held([1.0, 1.0])
    assert jax.tree.structure(first) == jax.tree.structure(second)
    assert jax.tree.structure(first) != jax.tree.structure(make("tanh").held())


def test_later_training_does_not_reach_it():
    net = make()
    step = net.held()
    before = np.asarray(step(STATES))
    net.raw_rec.value = 2 * net.raw_rec.value
    np.testing.assert_array_equal(step(STATES), before)


@pytest.mark.parametrize("inputs", [np.zeros(3), np.zeros((1, 2)), [np.nan, 0.0]])
def test_errors(inputs):
    with pytest.raises(
        ValueError,
        match=r"held inputs must be finite and have shape \(n_in,\) = \(2,\).*a single step of a single trial",
    ):
        make().held(inputs)
