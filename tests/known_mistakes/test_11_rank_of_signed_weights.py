"""Mistake 11: *signed* weights are assigned by anatomical rank, so weak connections become strongly inhibitory."""

import numpy as np
import pytest
from scipy import stats

from eicon.models import RateRNN
from eicon.runs._published import published_network

N = 60
RNG = np.random.default_rng(0)
ANATOMY = RNG.lognormal(size=(N, N)) * (RNG.random((N, N)) < 0.4)
THERE = ANATOMY > 0


def check(weights: np.ndarray) -> None:
    """Check that a stronger connection has a larger initial weight, whatever its sign."""
    np.testing.assert_array_equal(weights != 0, THERE)
    assert stats.spearmanr(ANATOMY[THERE], np.abs(weights[THERE])).statistic == pytest.approx(1)
    weak, strong = (ANATOMY[THERE] < np.quantile(ANATOMY[THERE], q) for q in (0.1, 0.9))
    assert np.abs(weights[THERE])[weak].max() < np.abs(weights[THERE])[~strong].min()
    assert 0.4 < (weights[THERE][weak] < 0).mean() < 0.6


def published() -> np.ndarray:
    """Return the published weights in the anatomy's orientation."""
    options = {"activation": "relu", "init": "default", "remapped": True, "freeze": False, "dt": 20.0}
    net = published_network(ANATOMY, 2, 1, rng=np.random.default_rng(1), **options)
    return np.asarray(net.W_rec, np.float64).T


def by_name() -> np.ndarray:
    net = RateRNN.from_connectome(ANATOMY, 2, 1, init="default", remap="signed")
    return np.asarray(net.W_rec, np.float64)


def as_in_the_code() -> np.ndarray:
    """Restate `map_weights_to_template` in three lines."""
    weights = np.zeros((N, N))
    order = np.argsort(-ANATOMY[THERE])
    weights[THERE] = -np.sort(-RNG.uniform(-1, 1, THERE.sum()))[np.argsort(order)]
    return weights


@pytest.mark.parametrize("init", ["balanced", "default", "he", "xavier"])
def test_ours(init):
    check(np.asarray(RateRNN.from_connectome(ANATOMY, 2, 1, init=init).W_rec, np.float64))


@pytest.mark.parametrize("wrong", [published, by_name, as_in_the_code])
def test_the_wrong_version_fails(wrong):
    weights = wrong()
    with pytest.raises(AssertionError):
        check(weights)
    assert stats.spearmanr(ANATOMY[THERE], weights[THERE]).statistic == pytest.approx(1)
    assert abs(stats.spearmanr(ANATOMY[THERE], np.abs(weights[THERE])).statistic) < 0.1
    weakest = ANATOMY[THERE] < np.quantile(ANATOMY[THERE], 0.1)
    assert (weights[THERE][weakest] < np.quantile(weights[THERE], 0.1) + 1e-9).all()
