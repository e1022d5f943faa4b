"""Mistake 28: points at which the search gave up are reported as stable fixed points."""

import jax.numpy as jnp
import numpy as np
import pytest

from eicon.analysis import fixed_points

START = np.random.default_rng(0).uniform(-1.5, 1.5, (20, 3))


def flow(x):
    return -x + jnp.tanh(2.0 * x)


def given_up():
    return fixed_points(lambda x: x + 0.1 * flow(x), START, dt=10.0, tau=100.0, max_steps=1)


def ours():
    points = given_up()
    return points.positions, points.q, points.stability


def by_eigenvalues_alone():
    """Classify by the eigenvalues alone, wherever the search ended, as published."""
    points = given_up()
    stable = (points.flow_eigenvalues.real < 0).all(axis=1)
    return points.positions, points.q, ["stable" if s else "unstable" for s in stable]


def check(find) -> None:
    positions, q, words = find()
    speed = np.sum(np.asarray(flow(positions)) ** 2, axis=1) / 2
    np.testing.assert_allclose(q, speed, rtol=1e-2, atol=1e-12)  # flow is in float32 here
    moving = speed > 1e-6
    assert moving.any()
    assert {word for word, moves in zip(words, moving, strict=True) if moves} == {"not converged"}


def test_every_point_says_how_fast_it_moves_and_unconverged_is_a_class():
    check(ours)


def test_the_wrong_version_fails():
    with pytest.raises(AssertionError):
        check(by_eigenvalues_alone)
