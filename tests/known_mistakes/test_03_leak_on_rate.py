"""Mistake 3: the leak is applied to the rectified rate instead of the current."""

import numpy as np
import pytest

from eicon.models import RateRNN

NET = {"n_in": 2, "n_rec": 10, "n_out": 2}


def check(step, net: RateRNN) -> None:
    """Check that ``step(x, u)`` is an Euler step of tau dx/dt = -x + [x]+ W + u W_in, from currents of both signs."""
    rng = np.random.default_rng(0)
    w, w_in, alpha = np.asarray(net.W_rec), np.asarray(net.W_in), net.dt / net.tau
    x, u = rng.normal(size=(3, 10)).astype(np.float32), rng.normal(size=(3, 2)).astype(np.float32)
    slope = (-x + np.where(x > 0, x, 0) @ w + u @ w_in) / net.tau
    assert alpha[0] == pytest.approx(0.2)
    np.testing.assert_allclose(step(x, u), x + net.dt * slope, atol=1e-5)


def test_ours():
    net = RateRNN.dale(**NET)

    def step(x, u):
        net.reset_state(3)
        net.x.value = x
        net.update(u)
        return net.x.value

    check(step, net)


def test_the_wrong_version_fails():
    net = RateRNN.dale(**NET)

    def step(x, u):
        h, alpha = np.maximum(x, 0), 0.2
        return (1 - alpha) * h + alpha * (h @ np.asarray(net.W_rec) + u @ np.asarray(net.W_in))

    with pytest.raises(AssertionError):
        check(step, net)
