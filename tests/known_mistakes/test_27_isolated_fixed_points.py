"""Mistake 27: a fixed point far from all others is deleted as an outlier."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from eicon.analysis import fixed_points

CORNERS = np.array(list(itertools.product([-1.0, 1.0], repeat=3)))
START = np.random.default_rng(0).uniform(-1.5, 1.5, (600, 3))


def ideal_flip_flop(x):
    return x + 0.1 * (-x + jnp.tanh(2.0 * x))


def ours():
    return fixed_points(ideal_flip_flop, START, dt=10.0, tau=100.0).positions


def without_outliers():
    """Delete points without a neighbour within some distance, as published."""
    positions = ours()
    distance = cdist(positions, positions) + np.where(np.eye(len(positions)), np.inf, 0.0)
    return positions[distance.min(axis=1) < 0.5]


def check(find) -> None:
    found = find()
    assert len(found) == 27
    assert (cdist(0.9575040240772687 * CORNERS, found).min(axis=1) < 1e-9).all()


def test_all_corners_survive():
    check(ours)


def test_the_wrong_version_fails():
    with pytest.raises(AssertionError):
        check(without_outliers)
