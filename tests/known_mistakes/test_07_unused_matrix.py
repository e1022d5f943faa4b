"""Mistake 7: the excitatory-inhibitory matrix is built but never used."""

import numpy as np
import pytest

from eicon.models import Connectivity, RateRNN

N = 10
SIGNS = [np.where(np.arange(N) < n_e, 1, -1) for n_e in (8, 5)]
INPUTS = np.random.default_rng(0).uniform(size=(5, 3, 2)).astype(np.float32)
RAW = np.random.default_rng(1).uniform(0.1, 1, (N, N)).astype(np.float32)


def check(run) -> None:
    """Check that the effective matrix and outputs from ``run(sign)`` both depend on the sign vector."""
    (first, z_first), (second, z_second) = (run(sign) for sign in SIGNS)
    assert (np.sign(first) != np.sign(second)).any()
    assert not np.allclose(z_first, z_second)


def ours(sign):
    mask = ~np.eye(N, dtype=bool)
    net = RateRNN(
        Connectivity(sign, mask, np.zeros((N, N))), Connectivity.dense(2, N, sign=1), Connectivity.dense(N, 1)
    )
    net.raw_rec.value = RAW
    return np.asarray(net.W_rec), np.asarray(net.predict(INPUTS).outputs)


def wrong(sign):
    weights = {"raw": RAW, "signed": sign[:, None] * RAW}
    x, outputs = np.zeros((3, N)), []
    for u in INPUTS:
        x = 0.8 * x + 0.2 * (np.maximum(x, 0) @ weights["raw"] + u.sum(axis=1, keepdims=True))
        outputs.append(np.maximum(x, 0).sum(axis=1))
    return weights["raw"], np.array(outputs)


def test_ours():
    check(ours)


def test_the_wrong_version_fails():
    with pytest.raises(AssertionError):
        check(wrong)
