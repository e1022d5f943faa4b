"""Mistake 2: the same recurrent noise in every trial of a batch."""

import brainpy.math as bm
import jax
import numpy as np
import pytest

from eicon.models import Connectivity, RateRNN

T, B, N = 60, 4, 10
NOTHING = Connectivity(np.zeros(N, int), np.zeros((N, N), bool), np.zeros((N, N)))


def network(**options):
    return RateRNN(NOTHING, Connectivity.dense(2, N), Connectivity.dense(N, 1), x0=0.0, dt=100.0, **options)


def check(noise: np.ndarray) -> None:
    """Check that in ``noise`` (T, B, N) no two trials, units or steps are correlated."""
    bound = 5 / np.sqrt(noise.size / noise.shape[1])
    for axis in range(3):
        rows = np.moveaxis(noise, axis, 0).reshape(noise.shape[axis], -1)
        correlation = np.corrcoef(rows)[np.triu_indices(len(rows), 1)]
        assert np.abs(correlation).max() < max(bound, 5 / np.sqrt(rows.shape[1])), axis


def wrong(key: jax.Array) -> np.ndarray:
    """One number per unit, broadcast over the batch."""
    noise = jax.random.normal(key, (T, 1, N))
    return np.asarray(jax.numpy.broadcast_to(noise, (T, B, N)))


@pytest.mark.parametrize("source", ["sigma_rec", "sigma_in"])
def test_predict(source):
    net = network(**{source: 0.5})
    noise = np.asarray(net.predict(np.zeros((T, B, 2), np.float32), key=jax.random.key(0)).currents)
    if source == "sigma_in":  # each unit receives both channels: back to the channels
        noise = noise @ np.linalg.pinv(np.asarray(net.W_in))
    check(noise)


def test_update():
    net = network(sigma_rec=0.5)
    net.reset_state(B)

    def step(u):
        net.update(u)
        return net.x.value

    check(np.asarray(bm.as_jax(bm.for_loop(step, np.zeros((T, B, 2), np.float32)))))


def test_the_wrong_version_fails():
    with pytest.raises(AssertionError):
        check(wrong(jax.random.key(0)))
