"""Mistake 10: a region's internal weight, meant to be a share of its output, is computed from its input."""

import numpy as np
import pytest

from eicon.connectomes._expand import expand

REGIONS = np.array([[0.0, 0.7, 0.2], [0.1, 0.0, 0.0], [0.0, 0.4, 0.0]])
SHARE, K = 0.8, 5


def check(block_sums: np.ndarray) -> None:
    """Check that each region keeps its share of the total output of its neurons; between regions nothing changes."""
    np.testing.assert_allclose(np.diagonal(block_sums) / block_sums.sum(axis=1), SHARE, rtol=1e-6)
    np.testing.assert_allclose(block_sums[~np.eye(3, dtype=bool)], REGIONS[~np.eye(3, dtype=bool)], rtol=1e-6)


def wrong() -> np.ndarray:
    return REGIONS + np.diag(SHARE / (1 - SHARE) * np.sum(REGIONS, 0))


def ours(**options) -> np.ndarray:
    weights = expand(REGIONS, K, intrinsic_share=SHARE, **options).weights
    return weights.reshape(3, K, 3, K).sum(axis=(1, 3), dtype=np.float64)


@pytest.mark.parametrize("partition", ["equal", "random"])
def test_ours(partition):
    check(ours(partition=partition))


def test_the_wrong_version_fails():
    with pytest.raises(AssertionError):
        check(wrong())


def test_the_published_variant_is_there_by_name():
    np.testing.assert_allclose(ours(intrinsic_of="incoming"), wrong(), rtol=1e-6)
