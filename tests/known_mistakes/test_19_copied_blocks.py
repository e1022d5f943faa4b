"""Mistake 19: blocks of the initial matrix are copies of each other, because each was drawn from the same seed."""

import jax
import numpy as np
import pytest

from eicon.models import Connectivity, RateRNN
from eicon.models.initial import recurrent_weights

N, BLOCK = 40, 10


def check(weights: np.ndarray) -> None:
    """Correlate all pairs of off-diagonal 10 x 10 blocks (the diagonal ones lack their autapses), in absolute value."""
    starts = range(0, len(weights), BLOCK)
    blocks = [np.abs(weights[i : i + BLOCK, j : j + BLOCK]).ravel() for i in starts for j in starts if i != j]
    correlation = np.corrcoef(blocks)[np.triu_indices(len(blocks), 1)]
    assert np.abs(correlation).max() < 5 / np.sqrt(BLOCK**2)


def wrong() -> np.ndarray:
    rows = []
    for _ in range(N // BLOCK):
        rng = np.random.default_rng(0)
        rows.append(np.hstack([rng.gamma(2.0, size=(BLOCK, BLOCK)) for _ in range(N // BLOCK)]))
    return np.vstack(rows)


@pytest.mark.parametrize("connectivity", [Connectivity.dense(N, N), Connectivity.dale(N, 0.5)])
@pytest.mark.parametrize("seed", range(3))
def test_ours(connectivity, seed):
    check(recurrent_weights(connectivity, 1.0, key=jax.random.key(seed)))


def test_matrices_of_one_network_are_not_copies_either():
    square = Connectivity.dense(20, 20)
    net = RateRNN(square, square, square)
    matrices = [np.asarray(w).ravel() for w in (net.W_in, net.W_rec, net.W_out)]
    assert np.abs(np.corrcoef(matrices)[np.triu_indices(3, 1)]).max() < 5 / 20


def test_the_wrong_version_fails():
    with pytest.raises(AssertionError):
        check(wrong())
