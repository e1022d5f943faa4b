"""Networks without some of their units: what is left does what it did beside silenced ones, and can be trained."""

import jax
import numpy as np
import pytest

from eicon.models import Edges, RateRNN, Silence, load, save, verify
from eicon.tasks import PerceptualDecision
from eicon.training import Trainer

from .battery import AREAS, N, make

TASK = PerceptualDecision()
TRIAL = TASK.trials(1, key=4)
REMOVED = [1, 4, 6]
LEFT = ~np.isin(np.arange(N), REMOVED)
PAIRS = [
    ("relu", "dale"),
    ("adapting", "edges"),
    ("plastic", "dense"),
    ("gains", "signed-edges"),
    ("tanh", "low-rank"),
]


@pytest.mark.battery
@pytest.mark.parametrize(("cell", "weights"), PAIRS)
def test_what_is_left_does_what_it_did_beside_silenced_units(cell, weights, tmp_path):
    net = make(cell, weights, n_in=TASK.n_in)
    small = net.without(REMOVED)
    assert (small.n_in, small.n_rec, small.n_out) == (net.n_in, N - len(REMOVED), net.n_out)
    alone = small.predict(TRIAL.inputs, noise=False)
    beside = net.perturb(TRIAL, Silence(REMOVED), noise=False)
    scale = float(np.abs(beside.rates).max())
    np.testing.assert_allclose(alone.rates, beside.rates[:, :, LEFT], rtol=1e-4, atol=1e-5 * scale)
    for name, values in alone.states.items():
        np.testing.assert_allclose(values, beside.states[name][:, :, LEFT], rtol=1e-4, atol=1e-5 * scale)
    np.testing.assert_allclose(alone.outputs, beside.outputs, rtol=1e-4, atol=1e-5 * scale)
    assert np.abs(np.asarray(alone.outputs) - np.asarray(net.predict(TRIAL.inputs, noise=False).outputs)).max() > 1e-3
    assert small.units["area"].tolist() == AREAS[LEFT].tolist()
    assert type(small.recurrent) is type(net.recurrent)
    assert set(small.trainable_variables()) == set(net.trainable_variables())
    np.testing.assert_allclose(small.recurrent.matrix(), net.recurrent.matrix()[LEFT][:, LEFT], rtol=1e-6, atol=1e-7)
    for name in net.network.parameters.keys() - {"b_out"}:
        values = [n.network.parameters[name].effective(20.0, np.float32) for n in (small, net)]
        np.testing.assert_array_equal(values[0], values[1][LEFT])
    assert verify(small).ok
    save(small, tmp_path / "small.npz")
    assert load(tmp_path / "small.npz").constants == small.constants


def test_constraints_and_noise_stay():
    covariance = 0.2 + 0.8 * np.eye(10)
    net = RateRNN.dale(2, 10, 2, sigma_rec=0.1, noise_covariance=covariance, seed=1)
    small = net.without("I", cells=0.5)
    assert small.is_excitatory.tolist() == [True] * 8 + [False]
    np.testing.assert_array_equal(small.noise_covariance, covariance[:9, :9])
    assert not np.diag(small.W_rec).any(), "there were no autapses"
    assert net.n_rec == 10
    frozen = RateRNN.from_connectome(np.asarray(net.W_rec).clip(0), 2, 2, freeze=True)
    assert "raw_rec" not in frozen.without([0]).trainable_variables()


@pytest.mark.battery
def test_a_network_learns_again_after_a_lesion():
    """A fifth of the units of a trained network are taken away; training makes up for it."""
    net = RateRNN.dale(TASK.n_in, 20, TASK.n_out, seed=1)
    Trainer(net, TASK, learning_rate=0.01, seed=0).fit(150, progress=False)
    trial = TASK.trials(10, key=5)

    def loss(network):
        outputs = network.predict(trial.inputs, noise=False).outputs
        return float((((outputs - trial.targets) ** 2).mean(axis=2) * trial.mask).sum() / trial.mask.sum())

    small = net.without("E", cells=0.25)
    assert small.n_rec == 16
    before, lesioned = loss(net), loss(small)
    Trainer(small, TASK, learning_rate=0.01, seed=1).fit(150, progress=False)
    assert verify(small).ok
    assert lesioned > 1.5 * before
    assert loss(small) < 0.7 * lesioned


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net: net.without(np.ones(N, bool)), "all 8 units would be removed; at least one must be left"),
        (lambda net: net.without("X"), "no unit has type 'X'"),
        (lambda net: net.without({"area": "V1"}, cells=0), r"cells is the fraction of the units .* in \(0, 1\]; got 0"),
    ],
)
def test_impossible_lesions_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(make("relu", "dense"))


def test_a_network_that_nothing_could_be_read_out_of_is_refused():
    with pytest.raises(ValueError, match="no readout connection would be left"):
        RateRNN.dale(2, n_rec=10, n_out=1).without("E")


def test_a_sparse_network_without_connections_is_refused():
    edges = Edges.of([0, 1], [1, 2], (3, 3))
    net = RateRNN(edges, Edges.of([0], [2], (1, 3)), Edges.of([2], [0], (3, 1)))
    with pytest.raises(ValueError, match="no recurrent connection would be left; silence the units, or remove fewer"):
        net.without([1])
    assert jax.tree.leaves(net.without([0]).recurrent.matrix())[0].shape == (2, 2)
