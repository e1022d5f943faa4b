"""Mistake 18: a Dale matrix whose excitation and inhibition are not balanced has one huge eigenvalue."""

import jax
import numpy as np
import pytest

from eicon.models import Connectivity
from eicon.models.initial import recurrent_weights

DALE = Connectivity.dale(200)


def check(matrices: list[np.ndarray]) -> None:
    """Compare with the circle of Rajan & Abbott (2006): half of the draws lie within 1.2 radii, all within 1.5."""
    ratios = []
    for weights in matrices:
        excitatory, inhibitory = weights[DALE.sign > 0], weights[DALE.sign < 0]
        radius = np.sqrt(len(excitatory) * excitatory.var() + len(inhibitory) * inhibitory.var())
        ratios.append(np.abs(np.linalg.eigvals(weights)).max() / radius)
    assert np.median(ratios) < 1.2
    assert max(ratios) < 1.5


def wrong(seed: int, gain: float) -> np.ndarray:
    sizes = np.random.default_rng(seed).gamma(2.0, size=(200, 200))
    return np.where(DALE.sign > 0, 1.0, -gain)[:, None] * sizes * DALE.mask


def test_ours():
    check([recurrent_weights(DALE, 1.0, key=jax.random.key(seed)) for seed in range(5)])


@pytest.mark.parametrize("gain", [1.0, 3.0])
def test_the_wrong_version_fails(gain):
    with pytest.raises(AssertionError):
        check([wrong(seed, gain) for seed in range(3)])
