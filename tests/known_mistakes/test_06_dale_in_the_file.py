"""Mistake 6: Dale's law holds in the forward pass alone, and the saved weights violate it."""

import numpy as np
import pytest

from eicon.models import load, verify
from eicon.training import OPTIMIZERS


def check(weights: np.ndarray, sign: np.ndarray) -> None:
    """Check weights as read from a file."""
    assert ((sign[:, None] * weights) < 0).mean() == 0


class ForwardOnly:
    """Network that clips in the forward pass, trains, and saves the unclipped weights."""

    def __init__(self, sign: np.ndarray):
        rng = np.random.default_rng(0)
        self.sign = sign
        self.weights = 0.1 * sign[:, None] * rng.gamma(2.0, size=(len(sign), len(sign)))

    def effective(self) -> np.ndarray:
        return self.sign[:, None] * np.maximum(self.sign[:, None] * self.weights, 0)

    def train(self, steps: int) -> None:
        rng = np.random.default_rng(1)
        target = rng.normal(size=self.weights.shape)
        for _ in range(steps):
            self.weights -= 0.1 * (self.effective() - target)

    def save(self, path) -> None:
        np.savez(path, weights=self.weights)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_trained_network_passes_after_save_and_load(optimizer, trained, tmp_path):
    net = trained(optimizer).net
    net.save(tmp_path / "net.npz")
    back = load(tmp_path / "net.npz")
    check(np.asarray(back.W_rec), back.recurrent.connectivity.sign)
    assert verify(back).ok
    np.testing.assert_array_equal(back.W_rec, net.W_rec)


def test_the_wrong_version_fails(tmp_path):
    sign = np.where(np.arange(10) < 8, 1, -1)
    wrong = ForwardOnly(sign)
    wrong.save(tmp_path / "before.npz")
    check(np.load(tmp_path / "before.npz")["weights"], sign)
    wrong.train(200)
    check(wrong.effective(), sign)
    wrong.save(tmp_path / "after.npz")
    with pytest.raises(AssertionError):
        check(np.load(tmp_path / "after.npz")["weights"], sign)
