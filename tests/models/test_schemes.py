"""Initial weights in the bounds of the literature, connection by connection."""

import jax
import numpy as np
import pytest
from scipy import stats

from eicon.models import Connectivity, RateRNN
from eicon.models.initial import SCHEMES, uniform_weights
from eicon.runs._published import published_network

N_PRE, N_POST, N_REC = 120, 80, 100
DALE = np.where(np.arange(N_PRE) < 90, 1, -1)
SIGNS = {"free": np.zeros(N_PRE, int), "dale": DALE, "mixed": np.arange(N_PRE) % 3 - 1}
MASKS = {"dense": np.ones((N_PRE, N_POST), bool), "sparse": np.random.default_rng(5).random((N_PRE, N_POST)) < 0.3}


def bound(scheme: str, mask: np.ndarray, n_rec: int) -> np.ndarray:
    """In words of the docstring, one connection after the other."""
    bounds = np.zeros(mask.shape)
    for i, j in np.argwhere(mask):
        sources, targets = np.count_nonzero(mask[:, j]), np.count_nonzero(mask[i])
        bounds[i, j] = {
            "default": 1 / np.sqrt(n_rec),
            "he": np.sqrt(6 / sources),
            "xavier": np.sqrt(6 / (sources + targets)),
        }[scheme]
    return bounds


def relative(weights: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Existing weights as fractions of their bounds."""
    return weights[bounds > 0] / bounds[bounds > 0]


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("signs", SIGNS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_uniform_within_the_bound_of_each_connection(scheme, signs, mask):
    sign, exists = SIGNS[signs], MASKS[mask]
    connectivity = Connectivity(sign, exists, np.zeros(exists.shape))
    weights = uniform_weights(connectivity, scheme, n_rec=N_REC, key=jax.random.key(0))
    bounds = bound(scheme, exists, N_REC)
    fractions = relative(weights, bounds)
    assert 0.998 < np.abs(fractions).max() <= 1
    assert stats.kstest(np.abs(fractions), stats.uniform(0, 1).cdf).pvalue > 0.01
    assert (weights[~exists] == 0).all()
    rows = np.broadcast_to(sign[:, None], exists.shape)
    assert (np.sign(weights) == rows)[exists & (rows != 0)].all()
    free = weights[exists & (rows == 0)]
    if free.size:
        fractions = free / bounds[exists & (rows == 0)]
        assert stats.kstest(fractions, stats.uniform(-1, 2).cdf).pvalue > 0.01


def test_fixed_entries_keep_their_value_and_count_as_connections():
    fixed = np.zeros((6, 4))
    fixed[0, 0], mask = 0.25, np.zeros((6, 4), bool)
    mask[1:4, 0] = mask[1, 1:3] = True
    connectivity = Connectivity(np.zeros(6, int), mask, fixed)
    many = [uniform_weights(connectivity, "he", n_rec=6, key=jax.random.key(seed)) for seed in range(400)]
    assert all(weights[0, 0] == 0.25 for weights in many)
    largest = np.abs(many).max(axis=0)
    np.testing.assert_allclose(largest[1:4, 0], np.sqrt(6 / 4), rtol=0.03)
    np.testing.assert_allclose(largest[1, 1:3], np.sqrt(6 / 1), rtol=0.03)
    assert np.count_nonzero(largest) == 6


def test_same_key_same_bits():
    dense = Connectivity.dense(5, 5)
    first, again, other = (uniform_weights(dense, "he", n_rec=5, key=jax.random.key(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()


def test_unknown_scheme_is_refused():
    with pytest.raises(ValueError, match=r"unknown initialisation 'lecun'; allowed: default, he, xavier\."):
        uniform_weights(Connectivity.dense(2, 2), "lecun", n_rec=2, key=jax.random.key(0))


ANATOMY = np.random.default_rng(1).random((60, 60)) * (np.random.default_rng(2).random((60, 60)) < 0.4)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_networks_use_what_was_asked_whatever_their_activation(scheme, activation):
    net = RateRNN.from_connectome(ANATOMY, 30, 20, init=scheme, activation=activation, seed=3)
    matrices = {"recurrent": net.W_rec, "input": net.W_in, "readout": net.W_out}
    masks = {"recurrent": ANATOMY > 0, "input": np.ones((30, 60), bool), "readout": np.ones((60, 20), bool)}
    for role in ("input", "readout"):
        fractions = relative(np.asarray(matrices[role], np.float64), bound(scheme, masks[role], 60))
        assert 0.99 < np.abs(fractions).max() <= 1 + 1e-6, role
        assert stats.kstest(fractions, stats.uniform(-1, 2).cdf).pvalue > 0.01, role
    drawn = np.sort(np.abs(np.asarray(matrices["recurrent"])[masks["recurrent"]]))
    bounds = bound(scheme, masks["recurrent"], 60)
    assert 0.9 * bounds.max() < drawn.max() <= bounds.max() * (1 + 1e-6)
    for bias in (net.b_rec.value, net.b_out.value):
        assert np.abs(bias).max() <= 1 / np.sqrt(60)
        assert np.std(bias) == pytest.approx(1 / np.sqrt(3 * 60), rel=0.35)


def test_without_remapping_each_recurrent_connection_keeps_its_own_bound():
    net = RateRNN.from_connectome(ANATOMY, 2, 1, init="he", remap="off", seed=3)
    fractions = relative(np.asarray(net.W_rec, np.float64), bound("he", ANATOMY > 0, 60))
    assert 0.99 < np.abs(fractions).max() <= 1 + 1e-6
    assert stats.kstest(fractions, stats.uniform(-1, 2).cdf).pvalue > 0.01


def published(activation: str, init: str, **options) -> RateRNN:
    settings = {"remapped": False, "freeze": False, "dt": 20.0, "rng": np.random.default_rng(0)} | options
    return published_network(ANATOMY, 30, 20, activation=activation, init=init, **settings)


@pytest.mark.parametrize("asked", ["default", "he", "xavier"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_published_code_goes_by_the_activation_instead(activation, asked):
    net = published(activation, asked)
    used = asked if asked == "default" else {"relu": "he", "tanh": "xavier"}[activation]
    rows = {"recurrent": (60, 60), "input": (60, 30), "readout": (20, 60)}
    for role, matrix in (("recurrent", net.W_rec), ("input", net.W_in), ("readout", net.W_out)):
        n_rows, n_columns = rows[role]
        expected = {"default": 60**-0.5, "he": (6 / n_rows) ** 0.5, "xavier": (6 / (n_rows + n_columns)) ** 0.5}[used]
        values = np.asarray(matrix, np.float64)
        values = values[values != 0]
        assert stats.kstest(values, stats.uniform(-expected, 2 * expected).cdf).pvalue > 0.01, role
        assert 0.99 * expected < np.abs(values).max() <= expected * (1 + 1e-6), role
    assert np.abs(net.b_out.value).max() <= 60**-0.5
    both = np.abs(net.b_rec.value)  # the sum of the two biases that there are
    assert 60**-0.5 < both.max() <= 2 * 60**-0.5


def test_the_published_network_can_be_remapped_and_frozen():
    net = published("relu", "default", remapped=True, freeze=True)
    assert not net.recurrent.connectivity.trainable
    weights = np.asarray(net.W_rec).T[ANATOMY > 0]
    assert stats.spearmanr(ANATOMY[ANATOMY > 0], weights).statistic == pytest.approx(1)
    assert (np.asarray(net.W_rec).T[ANATOMY == 0] == 0).all()
