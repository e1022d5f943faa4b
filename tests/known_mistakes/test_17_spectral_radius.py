"""Mistake 17: the spectral radius is set before mask and signs, or with a routine for symmetric matrices."""

import jax
import numpy as np
import pytest

from eicon.models import Connectivity, RateRNN

N, ASKED = 30, 1.1
SIGN = np.where(np.arange(N) < 24, 1, -1)
MASK = (np.random.default_rng(0).random((N, N)) < 0.3) & ~np.eye(N, dtype=bool)
SPARSE_DALE = Connectivity(SIGN, MASK, np.zeros((N, N)))


def check(weights: np.ndarray) -> None:
    assert np.abs(np.linalg.eigvals(np.asarray(weights, np.float64))).max() == pytest.approx(ASKED, rel=1e-5)


def before_mask_and_sign() -> np.ndarray:
    raw = np.random.default_rng(1).gamma(2.0, size=(N, N))
    raw *= ASKED / np.abs(np.linalg.eigvals(raw)).max()
    return SIGN[:, None] * raw * MASK


def as_if_symmetric() -> np.ndarray:
    weights = SIGN[:, None] * np.random.default_rng(1).gamma(2.0, size=(N, N)) * MASK
    return weights * ASKED / np.abs(np.linalg.eigvalsh(weights)).max()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("connectivity", [Connectivity.dense(N, N), Connectivity.dale(N), SPARSE_DALE])
def test_ours(connectivity, seed):
    net = RateRNN(connectivity, Connectivity.dense(2, N), Connectivity.dense(N, 2), spectral_radius=ASKED, seed=seed)
    check(np.asarray(net.W_rec))


@pytest.mark.parametrize("wrong", [before_mask_and_sign, as_if_symmetric])
def test_the_wrong_versions_fail(wrong):
    with pytest.raises(AssertionError):
        check(wrong())


def test_keys_are_seeds_and_not_global_state():
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    RateRNN.dale(2, 10, 2, seed=jax.random.key(0).size)
    np.testing.assert_array_equal(state, np.random.get_state()[1])  # noqa: NPY002
