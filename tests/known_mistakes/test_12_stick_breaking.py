"""Mistake 12: breaking uniform fractions off the rest gives the largest of 12 parts 62 % of the weight."""

import numpy as np
import pytest

from eicon.connectomes._expand import expand

PARTS, DRAWS = 12, 2000

# Mean of the largest of n parts that divide 1 uniformly (n - 1 uniform cuts): the harmonic number H_n over n.
FAIR = sum(1 / i for i in range(1, PARTS + 1)) / PARTS


def check(parts: np.ndarray) -> None:
    """Check that ``parts`` (draws, 12) add up to 1, none is 0, and the largest is no larger than fair."""
    np.testing.assert_allclose(parts.sum(axis=1), 1.0, rtol=1e-6)
    assert (parts > 0).all()
    assert parts.max(axis=1).mean() == pytest.approx(FAIR, abs=0.01)


def wrong() -> np.ndarray:
    rng = np.random.default_rng(0)
    made = []
    for _ in range(DRAWS):
        remains, parts = 1.0, []
        for _ in range(PARTS - 1):
            parts.append(rng.uniform(0.0, remains))
            remains -= parts[-1]
        made.append(rng.permutation([*parts, remains]))
    return np.array(made)


def ours(partition: str) -> np.ndarray:
    """Blocks of 3 x 4 neurons, all connected."""
    n = 51
    weights = np.zeros((n, n))
    weights[0, 1:] = 1.0
    counts = np.full(n, 4)
    counts[0] = 3
    made = []
    for seed in range(DRAWS // (n - 1)):
        block = expand(weights, counts, target_sparsity=1.0, intrinsic=False, partition=partition, seed=seed).weights
        made.append(block[:3, 3:].reshape(3, n - 1, 4).swapaxes(0, 1).reshape(n - 1, PARTS))
    return np.concatenate(made).astype(np.float64)


def test_ours():
    check(ours("random"))


def test_ours_at_any_size():
    """Check that at 64 neurons per region the published way loses 97 % of connections in float32, and ours none."""
    made = expand([[0.0, 1e-5], [0.0, 0.0]], 64, target_sparsity=0.8, intrinsic=False, partition="random")
    assert made.n_connections == 64 * 51
    assert made.weights.sum(dtype=np.float64) == pytest.approx(1e-5, rel=1e-6)


def test_the_wrong_version_fails():
    with pytest.raises(AssertionError):
        check(wrong())


def test_the_published_variant_is_there_by_name():
    parts = ours("stick-breaking")
    assert parts.max(axis=1).mean() == pytest.approx(wrong().max(axis=1).mean(), abs=0.02)
    assert parts.max(axis=1).mean() == pytest.approx(0.62, abs=0.02)
