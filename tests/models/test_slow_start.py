"""The slow start: stability, balance, signs and masks, and the balanced start of 0.1.0 beside it."""

import hashlib

import jax
import numpy as np
import pytest

from eicon.models import Connectivity, Population, RateRNN
from eicon.models._activations import Activation
from eicon.models._edge import edge_of_stability
from eicon.models._initial import slow_input_weights, slow_recurrent_weights
from eicon.models.initial import spectral_radius

BALANCED = "3e49512b2b53cfb1ed01a10296cdca8ce996e65cfbe0eaf83dddcfce87153eaa"
"""Digest of the weights that 0.1.0 draws for this network."""
KEY = jax.random.key(0)
CHAIN = Connectivity(np.zeros(4, int), np.triu(np.ones((4, 4), bool), 1), np.zeros((4, 4)))


def leading(matrix):
    return np.linalg.eigvals(np.asarray(matrix, np.float64)).real.max()


def test_inhibition_and_its_excitation_are_stronger():
    connectivity = Connectivity.dale(50)
    weights, excitatory = slow_recurrent_weights(connectivity, key=KEY), connectivity.sign > 0
    ee, ei = (weights[excitatory][:, to].sum(axis=0).mean() for to in (excitatory, ~excitatory))
    ie, ii = (-weights[~excitatory][:, to].sum(axis=0).mean() for to in (excitatory, ~excitatory))
    np.testing.assert_allclose([ei / ee, ie / ee, ii / ee], 1.15, rtol=1e-3)
    assert leading(weights) == pytest.approx(1.0, rel=1e-6)
    assert (connectivity.sign[:, None] * weights >= 0).all()
    assert not np.diag(weights).any()


@pytest.mark.parametrize("sign", [0, 1])
def test_input_weights_have_mean_square_one_over_n(sign):
    weights = slow_input_weights(Connectivity.dense(8, 500, sign=sign), key=KEY)
    assert np.mean(weights**2) == pytest.approx(1 / 8, rel=1e-6)
    assert (weights >= 0).all() if sign else (weights < 0).any()


def test_linear_network_is_scaled_to_a_leading_real_part_of_one():
    drawn = slow_recurrent_weights(Connectivity.dense(40, 40), key=KEY)
    nothing = np.zeros((40, 40))  # no input: tanh stays at 0, where its slope is 1
    scale = edge_of_stability(drawn, nothing, nothing[:1], Activation("tanh"), np.full(40, 0.2), nothing[0])
    assert leading(scale * drawn) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("free_readout", [False, True])
def test_outputs_have_the_size_of_targets(free_readout):
    net = RateRNN.dale(3, 100, 2, free_readout=free_readout, seed=1)
    inputs = np.random.default_rng(0).uniform(0, 1, (1, 64, 3)).repeat(60, axis=0).astype(np.float32)
    rates = np.asarray(net.predict(inputs, noise=False).rates, np.float64)[20:].mean(axis=0)
    assert np.median(np.abs(rates @ np.asarray(net.W_out))) == pytest.approx(
        0.45, rel=0.2
    )  # other inputs than at the start


def test_the_default_is_slow_and_a_radius_asks_for_the_balanced_start():
    same = {"n_in": 2, "n_rec": 10, "n_out": 2, "seed": 3}
    for options, other in (({}, {"start": "slow"}), ({"spectral_radius": 1.0}, {"start": "balanced"})):
        one, two = (RateRNN.dale(**same, **given) for given in (options, other))
        np.testing.assert_array_equal(one.W_rec, two.W_rec)
    assert RateRNN.dale(**same, spectral_radius=1.0).b_out is None


@pytest.mark.parametrize("activation", ["relu", "softplus"])
def test_perturbations_neither_explode_nor_vanish(activation):
    net = RateRNN.dale(3, 50, 2, activation=activation, start="slow", seed=1)
    inputs = np.random.default_rng(0).uniform(0, 1, (1, 16, 3)).repeat(300, axis=0).astype(np.float32)
    activity = net.predict(inputs, noise=False)
    largest = np.abs(np.asarray(activity.outputs)).max(axis=(0, 2))
    assert np.median(largest) < 5
    assert largest.max() < 100, "one of other inputs than those of the start may grow for the six seconds of this run"
    rest = np.asarray(activity.currents)[-1]
    slopes = np.asarray(net.activation.derivative(jax.numpy.asarray(rest)))
    leads = [leading(slope[:, None] * np.asarray(net.W_rec)) for slope in slopes]
    assert 0.7 < np.mean(leads) < 1.5


@pytest.mark.parametrize("seed", range(5))
def test_no_input_makes_activity_run_away(seed):
    """Broad weights differ much from seed to seed: some networks would have one input on which they explode."""
    net = RateRNN.dale(3, 100, 2, seed=seed)
    inputs = np.random.default_rng(seed).uniform(0, 1, (1, 32, 3)).repeat(200, axis=0).astype(np.float32)
    assert np.median(np.abs(net.predict(inputs, noise=False).currents).max(axis=(0, 2))) < 30


def test_wirings_without_loops_or_signs():
    for recurrent in (CHAIN, Connectivity.dense(4, 4, sign=1), Connectivity.dense(4, 4)):
        net = RateRNN(recurrent, Connectivity.dense(1, 4), Connectivity.dense(4, 1), start="slow")
        assert np.isfinite(np.asarray(net.W_rec)).all()


def test_fixed_weights_keep_their_values():
    fixed = np.zeros((20, 20))
    fixed[0, 5] = 0.3
    dale = Connectivity.dale(20)
    mask = dale.mask & (fixed == 0)
    parts = Connectivity(dale.sign, mask, fixed), Connectivity.dense(2, 20), Connectivity.dense(20, 1)
    net = RateRNN(*parts, start="slow")
    assert np.asarray(net.W_rec)[0, 5] == np.float32(0.3)


def test_balanced_start_is_that_of_0_1_0():
    net = RateRNN.dale(2, 10, 2, start="balanced", seed=3)
    digest = hashlib.sha256(b"".join(np.asarray(w).tobytes() for w in (net.W_rec, net.W_in, net.W_out))).hexdigest()
    assert digest == BALANCED
    assert net.b_out is None
    assert spectral_radius(np.asarray(net.W_rec)) == pytest.approx(1.0, rel=1e-5)
    areas = RateRNN.from_populations([Population("E", 8, "E"), Population("I", 4, "I")], 2, 1, spectral_radius=1.5)
    assert areas.b_out is None
    assert spectral_radius(np.asarray(areas.W_rec)) == pytest.approx(1.5, rel=1e-5)


def test_non_negative_readouts_have_a_bias_in_the_slow_start():
    assert RateRNN.dale(2, 10, 2, start="slow").b_out is not None
    assert RateRNN.dale(2, 10, 2, start="slow", readout_bias=False).b_out is None
    assert RateRNN.dale(2, 10, 2, start="slow", free_readout=True).b_out is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": "fast"}, "unknown start 'fast'; allowed: slow, balanced"),
        ({"start": "slow", "spectral_radius": 1.5}, "start 'slow' sets the strength of the weights itself"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        RateRNN.dale(2, 10, 2, **options)
