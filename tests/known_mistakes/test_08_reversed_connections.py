"""Mistake 8: a matrix `W[source, target]` is copied into a `[target, source]` weight; connections run backwards."""

import jax.numpy as jnp
import numpy as np
import pytest

from eicon.connectomes import expand
from eicon.models import RateRNN
from eicon.runs._published import published_network

A, B = 0, 1
REGIONS = np.array([[0.0, 1.0], [0.0, 0.0]])
"""Connections from A to B only."""
EXPANDED = expand(REGIONS, 4, seed=1)
N_STEPS = 12


def check(build) -> None:
    """Check that an impulse in ``build(anatomy)``, a network, reaches exactly the units to which the anatomy leads."""
    reached = reach(build(np.asarray(EXPANDED.weights, np.float64)), EXPANDED.region == A)
    assert reached[EXPANDED.region == B].all()
    reached = reach(build(np.asarray(EXPANDED.weights, np.float64)), EXPANDED.region == B)
    assert not reached[EXPANDED.region == A].any()
    for seed in range(3):
        anatomy = sparse_graph(seed)
        for i in range(len(anatomy)):
            source = np.arange(len(anatomy)) == i
            np.testing.assert_array_equal(reach(build(anatomy), source), downstream(anatomy, source))


def sparse_graph(seed: int, n: int = 8) -> np.ndarray:
    rng = np.random.default_rng(seed)
    anatomy = rng.random((n, n)) * (rng.random((n, n)) < 0.13)
    anatomy[0, 1] = anatomy[1, 0] = 1.0
    return anatomy


def downstream(anatomy: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Find the units of ``source`` and those at the ends of all paths along ``anatomy[source, target]``."""
    found = set(np.flatnonzero(source).tolist())
    while True:
        following = found | {j for i in found for j in np.flatnonzero(anatomy[i]).tolist()}
        if following == found:
            return np.isin(np.arange(len(anatomy)), sorted(found))
        found = following


def reach(net: RateRNN, source: np.ndarray) -> np.ndarray:
    """Find the units whose current changes when those of ``source`` receive an impulse: real dynamics, two trials."""
    net.raw_in.value = jnp.asarray(source[None], jnp.float32)
    inputs = np.zeros((N_STEPS, 2, 1), np.float32)
    inputs[0, 0] = 1.0
    currents = np.asarray(net.predict(inputs).currents)
    return (currents[:, 0] != currents[:, 1]).any(axis=0)


def ours(anatomy):
    return RateRNN.from_connectome(anatomy, 1, 1, init="he", activation="tanh", tau=20.0)


def wrong(anatomy):
    rng = np.random.default_rng(0)
    options = {"activation": "tanh", "init": "he", "remapped": True, "freeze": False, "dt": 20.0}
    return published_network(anatomy, 1, 1, rng=rng, **options)


def test_ours():
    check(ours)


def test_the_wrong_version_fails():
    with pytest.raises(AssertionError):
        check(wrong)


def test_the_published_network_does_the_opposite():
    """Check that the published network passes if every connection is reversed first."""
    check(lambda anatomy: wrong(anatomy.T))
    reached = reach(wrong(np.asarray(EXPANDED.weights, np.float64)), EXPANDED.region == B)
    assert reached[EXPANDED.region == A].all()


def test_they_are_equal_in_symmetric_anatomies():
    """Show why symmetric anatomies do not reveal the mistake."""
    anatomy = sparse_graph(0) + sparse_graph(0).T
    for i in range(len(anatomy)):
        source = np.arange(len(anatomy)) == i
        np.testing.assert_array_equal(reach(ours(anatomy), source), reach(wrong(anatomy), source))
