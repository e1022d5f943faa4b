import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import Connectivity, RateRNN, _equation
from eicon.models._noise import normal

INPUTS = np.ones((3, 2, 2), np.float32)


def test_networks_that_differ_only_in_weights_share_compiled_code():
    first, second = (RateRNN.dale(2, 8, 2, seed=seed) for seed in (0, 1))
    assert first.equation == second.equation
    assert hash(first.equation) == hash(second.equation)
    a = first.predict(INPUTS, noise=False).outputs
    compiled = _equation._compiled(first.equation, False)
    before = compiled._cache_size()
    b = second.predict(INPUTS, noise=False).outputs
    assert _equation._compiled(second.equation, False) is compiled
    assert compiled._cache_size() == before
    assert not np.array_equal(a, b)


@pytest.mark.parametrize(
    "changes",
    [{"dt": 10.0}, {"sigma_rec": 0.1}, {"sigma_in": 0.1}, {"activation": "tanh"}, {"tau": np.linspace(50, 100, 8)}],
)
def test_equations_with_other_constants_differ(changes):
    net = RateRNN.dale(2, 8, 2)
    assert net.with_settings(**changes).equation != net.equation


@pytest.mark.parametrize(
    "other", [{"e_ratio": 0.5}, {"autapses": True}, {"positive": "softplus"}, {"free_input": True}]
)
def test_equations_with_other_constraints_differ(other):
    assert RateRNN.dale(2, 8, 2, **other).equation != RateRNN.dale(2, 8, 2).equation


def test_weights_where_no_connection_is_are_refused():
    weights = np.zeros((4, 4))
    weights[1, 1] = 0.5
    with pytest.raises(ValueError, match=r"1 weights lie where no connection is, .* \[1, 1\]; set them to zero"):
        Connectivity.dale(4, 0.5).raw(weights)


def test_weights_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="weights must be finite"):
        Connectivity.dense(2, 2).raw(np.array([[0.0, np.nan], [0.0, 0.0]]))


def test_fixed_entries_may_be_among_the_weights():
    weights = np.array([[0.0, 0.3], [0.7, 0.0]])
    frozen = Connectivity.dense(2, 2).frozen(weights, weights == 0.3)
    raw = jnp.asarray(frozen.raw(weights), np.float32)
    np.testing.assert_array_equal(frozen.effective(raw), weights.astype(np.float32))


def test_with_settings_keeps_the_noise_stream():
    net = RateRNN.dale(2, 8, 2, sigma_rec=0.2, seed=3)
    copy = net.with_settings(dt=20.0)
    np.testing.assert_array_equal(net.update(INPUTS[0, :1]), copy.update(INPUTS[0, :1]))


def test_noise_of_other_generators_is_left_to_jax():
    key = jax.random.key(0, impl="rbg")
    np.testing.assert_array_equal(normal(key, (7,)), jax.random.normal(key, (7,)))
