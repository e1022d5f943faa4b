import numpy as np
import pytest
from matplotlib.colors import to_hex

from eicon import analysis, plotting
from eicon.plotting._phase_plane import NULLCLINE_COLORS

from .reading import line

RNG = np.random.default_rng(0)
N = 6


def test_phase_plane_of_two_units():
    result = analysis.phase_plane(lambda s: np.stack([s[:, 1], -s[:, 0]], 1) / 10, [0, 0], np.eye(2), (-1, 1, -2, 2))
    path = RNG.normal(size=(9, 2, 2))
    ax = plotting.plot_phase_plane(result, trajectories=path, fixed_points=[[0, 0], [0.5, 1]], stable=[True, False])
    drawn = [one for one in ax.lines if len(one.get_xdata()) == 9]
    np.testing.assert_allclose(drawn[1].get_xydata(), path[:, 1])
    np.testing.assert_allclose(line(ax, "stable fixed point").get_xydata(), [[0, 0]])
    np.testing.assert_allclose(line(ax, "unstable fixed point").get_xydata(), [[0.5, 1.0]])
    assert line(ax, "unstable fixed point").get_markerfacecolor() == "#ffffff"
    nullclines = [one for one in ax.collections if np.shape(one.get_linewidth())[0] and one.get_linewidth()[0] == 1.6]
    for lines, colour, wanted in zip(nullclines, NULLCLINE_COLORS, result.nullclines, strict=True):
        np.testing.assert_allclose(lines.get_segments(), wanted)
        assert to_hex(lines.get_color()[0]).upper() == colour
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1.0, 1.0), (-2.0, 2.0))
    arrows = plotting.plot_phase_plane(result, streamlines=False).collections[0]
    np.testing.assert_allclose(np.hypot(arrows.U, arrows.V).max(), 1.0)
    row, column = 3, 17
    at = row * 21 + column
    wanted = result.velocity[row, column] / np.hypot(*result.velocity[row, column])
    np.testing.assert_allclose([arrows.U[at], arrows.V[at]], wanted)
    np.testing.assert_allclose(arrows.get_array()[at], np.sqrt(2 * result.speed[row, column]))


def test_phase_plane_of_a_large_network_projects_what_it_draws():
    axes = np.linalg.qr(RNG.normal(size=(5, 2)))[0].T
    result = analysis.phase_plane(lambda s: -s, np.ones(5), axes, (-1, 1, -1, 1), n=5)
    points = RNG.normal(size=(2, 5))
    ax = plotting.plot_phase_plane(result, fixed_points=points, names=("PC 1", "PC 2"))
    np.testing.assert_allclose(line(ax, "fixed point").get_xydata(), (points - 1) @ axes.T)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("PC 1", "PC 2")
    still = analysis.phase_plane(lambda s: 0 * s, np.zeros(5), axes, (-1, 1, -1, 1), n=5)
    plotting.plot_phase_plane(still).figure.canvas.draw()
    assert plotting.plot_phase_plane(still).get_xlabel() == "direction 1"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: plotting.plot_phase_plane(
                analysis.phase_plane(lambda s: -s, [0, 0], np.eye(2), (-1, 1, -1, 1), n=3),
                fixed_points=[[0, 0]],
                stable=[1],
            ),
            r"`fixed_points` must be \(M, N\) and `stable` \(M,\) bools; got 2 axes and int64",
        ),
        (
            lambda: plotting.plot_phase_plane(
                analysis.phase_plane(lambda s: -s, [0, 0], np.eye(2), (-1, 1, -1, 1), n=3), trajectories=[0, 0]
            ),
            r"`trajectories` must be \(T, N\) or \(T, B, N\); got 1 axes",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
