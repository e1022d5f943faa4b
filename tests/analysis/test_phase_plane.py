import jax.numpy as jnp
import numpy as np
import pytest

from eicon.analysis import phase_plane

SPIRAL = np.array([[-0.1, 0.3], [-0.3, -0.1]])


def spiral(states):
    return states @ SPIRAL


def test_a_linear_flow_of_two_units():
    result = phase_plane(spiral, [0.0, 0.0], np.eye(2), (-1, 2, -3, 1), n=5)
    assert result.x.tolist() == [-1.0, -0.25, 0.5, 1.25, 2.0]
    assert result.y.tolist() == [-3.0, -2.0, -1.0, 0.0, 1.0]
    for row, y in enumerate(result.y):
        for column, x in enumerate(result.x):
            wanted = np.array([x, y]) @ SPIRAL
            np.testing.assert_allclose(result.velocity[row, column], wanted, atol=1e-15)
            assert result.speed[row, column] == pytest.approx(0.5 * np.sum(wanted**2))
    np.testing.assert_allclose(result.project([[3.0, 4.0]]), [[3.0, 4.0]])


def test_nullclines_of_a_linear_flow_are_its_lines():
    """dx/dt = -0.1 x - 0.3 y and dy/dt = 0.3 x - 0.1 y: each segment lies on its line, and together they cross it."""
    result = phase_plane(spiral, [0.0, 0.0], np.eye(2), (-1, 1, -1, 1), n=8)
    for lines, weights in zip(result.nullclines, SPIRAL.T, strict=True):
        np.testing.assert_allclose(lines @ weights, 0.0, atol=1e-12)
        length = np.linalg.norm(lines[:, 1] - lines[:, 0], axis=1).sum()
        inside = 2.0 * np.linalg.norm(weights) / np.abs(weights).max()  # from side to side of the square
        assert length == pytest.approx(inside)


def test_nullcline_of_a_curve_is_closed_and_where_it_should_be():
    def circle(states):
        return np.stack([np.sum(states**2, axis=1) - 1.0, np.ones(len(states))], axis=1)

    result = phase_plane(circle, [0.0, 0.0], np.eye(2), (-1.5, 1.5, -1.5, 1.5), n=62)
    lines, none = result.nullclines
    assert none.shape == (0, 2, 2)
    np.testing.assert_allclose(np.linalg.norm(lines, axis=-1), 1.0, atol=1e-3)
    assert np.linalg.norm(lines[:, 1] - lines[:, 0], axis=1).sum() == pytest.approx(2 * np.pi, rel=2e-3)
    ends, counts = np.unique(np.round(lines.reshape(-1, 2), 9), axis=0, return_counts=True)
    assert (counts == 2).all()  # every end meets another
    assert len(ends) == len(lines)


def test_turned_axes_keep_the_nullclines_of_the_units():
    angle = 0.4
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    result = phase_plane(spiral, [0.5, -0.2], axes, (-1, 1, -1, 1), n=6)
    for lines, weights in zip(result.nullclines, SPIRAL.T, strict=True):
        assert len(lines)
        states = np.array([0.5, -0.2]) + lines @ axes
        np.testing.assert_allclose(states @ weights, 0.0, atol=1e-12)
    state = np.array([0.5, -0.2]) + result.x[1] * axes[0] + result.y[4] * axes[1]
    np.testing.assert_allclose(result.velocity[4, 1], axes @ (state @ SPIRAL))
    np.testing.assert_allclose(result.project(state), [result.x[1], result.y[4]])


def test_plane_of_a_large_network():
    rng = np.random.default_rng(0)
    weights, origin = rng.normal(size=(20, 20)), rng.normal(size=20)
    axes = np.linalg.qr(rng.normal(size=(20, 2)))[0].T

    def flow(states):
        return (-states + jnp.tanh(states) @ weights) / 50.0

    result = phase_plane(flow, origin, axes, (-1, 1, -2, 2), n=4)
    state = origin + result.x[3] * axes[0] + result.y[1] * axes[1]
    whole = (-state + np.tanh(state) @ weights) / 50.0
    np.testing.assert_allclose(result.velocity[1, 3], axes @ whole, rtol=1e-4)
    assert result.speed[1, 3] == pytest.approx(0.5 * whole @ whole, rel=1e-4)
    assert result.speed[1, 3] > 2 * 0.5 * np.sum(result.velocity[1, 3] ** 2)  # most of it leaves the plane
    assert result.nullclines is None
    assert result.project(rng.normal(size=(7, 3, 20))).shape == (7, 3, 2)


def good(**options):
    return {"flow": spiral, "origin": np.zeros(2), "axes": np.eye(2), "extent": (-1, 1, -1, 1)} | options


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"origin": np.zeros(3)}, r"`origin` must be \(N,\) and `axes` \(2, N\), as rows; got \(3,\) and \(2, 2\)"),
        ({"axes": 2.0 * np.eye(2)}, r"`axes` must be orthonormal.*\[\[4.0, 0.0\], \[0.0, 4.0\]\]"),
        ({"axes": [[1.0, 0.0], [0.6, 0.8]]}, "Use numpy.linalg.qr"),
        ({"extent": (1, -1, -1, 1)}, r"`extent` must be .*got \(1, -1, -1, 1\) and 21"),
        ({"extent": (-1, 1, 1, 1)}, r"`extent` must be"),
        ({"n": 1}, "`n` at least 2; got .* and 1"),
        ({"flow": lambda s: s[0]}, r"\(M, N\) = \(441, 2\); got \(2,\).*Vectorise"),
        ({"flow": lambda s: s * np.nan}, "`flow` must be finite; got 882 NaN"),
    ],
)
def test_errors(options, text):
    with pytest.raises(ValueError, match=text):
        phase_plane(**good(**options))


def test_projection_of_other_states_is_refused():
    with pytest.raises(ValueError, match=r"`states` must have N = 2 units on the last axis; got shape \(4, 3\)"):
        phase_plane(**good()).project(np.zeros((4, 3)))
