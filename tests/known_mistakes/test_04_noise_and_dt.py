"""Mistake 4: the size of the noise changes with dt."""

import jax
import numpy as np
import pytest

from eicon.models import Connectivity, RateRNN

TAU, SIGMA, N, B = 20.0, 0.3, 10, 500


def check(run) -> None:
    """Check the std of the last currents from ``run(dt, n_steps)``, in units with noise alone, by the closed form.

    Euler's x' = (1 - a) x + sqrt(2 a) sigma xi has variance sigma^2 / (1 - a / 2), which is sigma^2 as dt falls.
    """
    for dt in (1.0, 5.0, 20.0):
        x = np.asarray(run(dt, int(6 * TAU / dt)))
        expected = SIGMA / np.sqrt(1 - dt / TAU / 2)
        assert x.std() == pytest.approx(expected, rel=4 / np.sqrt(2 * x.size)), dt


def ours(dt: float, n_steps: int) -> np.ndarray:
    nothing = Connectivity(np.zeros(N, int), np.zeros((N, N), bool), np.zeros((N, N)))
    net = RateRNN(nothing, Connectivity.dense(1, N), Connectivity.dense(N, 1), tau=TAU, dt=dt, sigma_rec=SIGMA, x0=0.0)
    silence = np.zeros((n_steps, B, 1), np.float32)
    return np.asarray(net.predict(silence, key=jax.random.key(0)).currents)[-1]


def wrong(scale):
    def run(dt: float, n_steps: int) -> np.ndarray:
        rng, alpha = np.random.default_rng(0), dt / TAU
        x = np.zeros((B, N))
        for _ in range(n_steps):
            x = (1 - alpha) * x + scale(alpha) * SIGMA * rng.normal(size=x.shape)
        return x

    return run


def test_ours():
    check(ours)


def test_the_check_accepts_an_independent_right_version():
    check(wrong(lambda alpha: np.sqrt(2 * alpha)))


@pytest.mark.parametrize("scale", [lambda a: a, lambda a: np.sqrt(2) * a**0.25], ids=["alpha", "fourth root"])
def test_the_wrong_versions_fail(scale):
    with pytest.raises(AssertionError):
        check(wrong(scale))
