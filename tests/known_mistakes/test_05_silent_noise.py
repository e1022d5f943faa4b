"""Mistake 5: noise that vanishes in one mode, or is drawn once and stays constant in time."""

import brainpy.math as bm
import jax
import numpy as np
import pytest

from eicon.models import Connectivity, RateRNN

T, B, N, SIGMA = 100, 50, 10, 0.3
MODES = {"nonbatching": bm.NonBatchingMode(), "batching": bm.BatchingMode(B), "training": bm.TrainingMode(B)}
NOTHING = Connectivity(np.zeros(N, int), np.zeros((N, N), bool), np.zeros((N, N)))


def check(currents: np.ndarray) -> None:
    """Check that at alpha = 1 currents (T, B, N) are sqrt(2) sigma times white noise, over time and over trials."""
    for axis in (0, 1):
        std = currents.std(axis=axis)
        assert std.mean() == pytest.approx(np.sqrt(2) * SIGMA, rel=0.03), axis
        assert std.min() > 0


def run(way: str, mode: bm.Mode) -> np.ndarray:
    net = RateRNN(
        NOTHING, Connectivity.dense(1, N), Connectivity.dense(N, 1),
        tau=20.0, dt=20.0, sigma_rec=SIGMA, x0=0.0, mode=mode,
    )  # fmt: skip
    silence = np.zeros((T, B, 1), np.float32)
    if way == "predict":
        return np.asarray(net.predict(silence, key=jax.random.key(0)).currents)
    net.reset_state(B)

    def step(u):
        net.update(u)
        return net.x.value

    return np.asarray(bm.as_jax(bm.for_loop(step, silence)))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", ["predict", "update"])
def test_ours_in_every_mode(way, mode):
    check(run(way, MODES[mode]))


def test_ours_inside_a_gradient():
    """Check that the function differentiated by the trainer has the noise of `predict`: same key, same numbers."""
    net = RateRNN(
        NOTHING, Connectivity.dense(1, N), Connectivity.dense(N, 1), tau=20.0, dt=20.0, sigma_rec=SIGMA, x0=0.0
    )
    silence, key = np.zeros((T, B, 1), np.float32), jax.random.key(0)

    def loss(parameters):
        currents = net.network.replaced(parameters).run(jax.numpy.asarray(silence), key).currents
        return currents.sum(), currents

    _, inside = jax.grad(loss, has_aux=True)(net.parameters())
    check(np.asarray(inside))
    np.testing.assert_allclose(inside, net.predict(silence, key=key).currents, atol=1e-6)


def wrong_in_eval(training: bool) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(T, B, N))
    return np.sqrt(2) * SIGMA * noise * training


def wrong_in_time() -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(1, B, N))
    return np.sqrt(2) * SIGMA * np.repeat(noise, T, axis=0)


def test_the_wrong_versions_fail():
    check(wrong_in_eval(training=True))
    with pytest.raises(AssertionError):
        check(wrong_in_eval(training=False))
    with pytest.raises(AssertionError):
        check(wrong_in_time())
