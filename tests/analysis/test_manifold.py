"""Shapes of sets of points that are known, in many dimensions and with some noise."""

import numpy as np
import pytest

from eicon.analysis import manifold

RNG = np.random.default_rng(1)
ANGLE = RNG.uniform(-np.pi, np.pi, 90)


def embedded(points, noise=0.01):
    """The same points in a random subspace of 20 dimensions."""
    points = np.asarray(points, float)
    axes = np.linalg.qr(RNG.normal(size=(20, points.shape[1])))[0]
    return points @ axes.T + noise * RNG.normal(size=(len(points), 20)) / np.sqrt(20)


def arc(angle):
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


SETS = {
    "line": (np.stack([RNG.uniform(-1, 1, 60)] * 2, axis=1), "line", 1),
    "ring": (arc(ANGLE), "ring", 1),
    "ellipse": (arc(ANGLE) * [2.0, 1.0], "ring", 1),
    "horseshoe": (arc(ANGLE * 0.7), "line", 1),
    "plane": (RNG.uniform(-1, 1, (150, 2)), "plane", 2),
    "ball": (RNG.uniform(-1, 1, (300, 3)), "volume", 3),
    "corners": (np.array(np.meshgrid(*[[-1, 0, 1]] * 3)).reshape(3, -1).T, "points", 0),
    "few": (RNG.normal(size=(4, 2)), "points", 0),
    "one": (np.zeros((1, 2)), "points", 0),
}


@pytest.mark.parametrize("name", SETS)
def test_shapes(name):
    points, shape, dimension = SETS[name]
    found = manifold(embedded(points))
    assert (found.shape, found.dimension) == (shape, dimension)
    assert len(found.members) == len(points)
    assert found.n_pieces == (1 if shape != "points" else len(points))


def test_points_apart_from_a_ring_do_not_count():
    found = manifold(embedded(np.concatenate([arc(ANGLE), [[0.0, 0.0], [1.8, 0.0]]])))
    assert found.shape == "ring"
    assert sorted(found.members) == list(range(90))
    assert found.n_pieces == 3


@pytest.mark.parametrize("length", [0.1, 0.3, 0.5, 0.8])
def test_a_short_line_far_from_other_points_is_no_ring(length):
    short = np.stack([RNG.uniform(0, length, 60), np.zeros(60)], axis=1)
    found = manifold(embedded(np.concatenate([short, [[1.0, 1.0], [-1.0, 1.0]]]), noise=0.01 * length))
    assert (found.shape, found.n_pieces) == ("line", 3)
    assert sorted(found.members) == list(range(60))


def test_angles_around_a_ring():
    found = manifold(arc(ANGLE))
    turned = np.exp(1j * (found.coordinate - ANGLE[found.members]))
    mirrored = np.exp(1j * (found.coordinate + ANGLE[found.members]))
    assert max(np.abs(turned.mean()), np.abs(mirrored.mean())) > 0.99
    assert (np.diff(found.coordinate) >= 0).all()


def test_length_along_a_curved_line():
    angle = RNG.permutation(np.linspace(0, 0.75 * 2 * np.pi, 200))
    found = manifold(arc(angle))
    assert found.coordinate[0] == 0
    np.testing.assert_allclose(found.coordinate[-1], angle.max(), rtol=0.02)
    assert abs(np.corrcoef(angle[found.members], found.coordinate)[0, 1]) > 0.9999


def test_points_that_all_coincide_are_no_ring():
    assert manifold(np.zeros((20, 3))).shape == "points"


@pytest.mark.parametrize(
    ("positions", "gap", "message"),
    [
        (np.zeros(3), 0.1, r"`positions` must be a finite, non-empty \(P, N\) array; got shape \(3,\)"),
        (np.zeros((0, 3)), 0.1, "non-empty"),
        ([[np.nan]], 0.1, "finite"),
        (np.zeros((3, 2)), 0.5, r"`gap` must be in \(0, 0\.5\).*got 0\.5"),
    ],
)
def test_errors(positions, gap, message):
    with pytest.raises(ValueError, match=message):
        manifold(positions, gap=gap)
