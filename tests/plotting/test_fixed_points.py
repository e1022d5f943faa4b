"""Fixed points in a plane or in space, and their modes: where they stand, and what the figures say of them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex, to_rgb

from eicon import plotting
from eicon.analysis.results import FixedPoints
from eicon.plotting._fixed_points import KINDS, REACH
from eicon.plotting._fixed_points_page import fixed_points_page
from eicon.plotting._style import coherence_cmap

N, TAU, DT = 5, 100.0, 20.0
RNG = np.random.default_rng(0)
AXES, ORIGIN = np.linalg.qr(RNG.normal(size=(N, N)))[0][:3], RNG.normal(size=N)


def made_up(kind, unstable, marginal):
    """Points with modes along the axes of the units; growing ones first."""
    n = len(kind)
    flow = np.array([[0.004] * u + [0.0] * m + [-0.01] * (N - u - m) for u, m in zip(unstable, marginal, strict=True)])
    flow = flow.astype(complex) - 0.001 * np.arange(N) * (flow < 0)
    modes = np.stack([np.eye(N, dtype=complex)] * n)
    return FixedPoints(
        positions=RNG.normal(size=(n, N)),
        q=np.full(n, 1e-20),
        kind=np.array(kind),
        n_unstable=np.array(unstable),
        n_marginal=np.array(marginal),
        n_unstable_step=np.array(unstable),
        flow_eigenvalues=flow,
        step_eigenvalues=1.0 + DT * flow,
        right=modes,
        left=np.stack([RNG.normal(size=(N, N)) + 0j] * n),
        n_candidates=np.ones(n, int),
        distance=np.zeros(n),
        point_of=np.arange(n),
        dt=DT,
        tau=TAU,
    )


POINTS = made_up(
    ["fixed"] * 7 + ["slow", "slow", "unconverged", "unconverged"],
    [0, 0, 1, 2, 3, 5, 0, 1, 0, 2, 0],
    [0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0],
)
SHOWN = ("stable (2)", "saddle-1 (1)", "saddle-2 (1)", "saddle-3 (1)", "unstable (1)", "marginal (1)")
SHOWN += ("slow (2)", "not converged (2)")
PATHS = RNG.normal(size=(6, 4, N))
PATHS[4:, 1] = np.nan


def entries(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.fixture(scope="module")
def page():
    return fixed_points_page(
        POINTS, axes=AXES, origin=ORIGIN, trajectories=PATHS, title="Points <of> a & b", names=["PC 1", "PC 2", "PC 3"]
    )


def test_each_stability_has_a_colour_and_a_marker_of_its_own_and_is_counted():
    ax = plotting.plot_fixed_points(POINTS, axes=AXES, origin=ORIGIN)
    assert entries(ax) == [*SHOWN, "unstable modes"]
    for values in zip(*KINDS, strict=True):
        if isinstance(values[0], str):
            assert len(set(values)) == len(KINDS)
    taken = {to_hex(kind.color).upper() for kind in KINDS}
    assert not taken & {plotting.E_COLOR, plotting.I_COLOR}
    # apart in lightness or hue for those who see no difference of red and green, too
    rough = [np.array(to_rgb(kind.color)) @ np.array([[0.6, 0.0], [0.4, 0.0], [0.0, 1.0]]) for kind in KINDS]
    assert min(np.linalg.norm(a - b) for i, a in enumerate(rough) for b in rough[:i]) > 0.04


def test_saddles_with_many_unstable_directions_share_a_marker():
    points = made_up(["fixed"] * 3, [3, 4, 4], [0, 0, 0])
    assert entries(plotting.plot_fixed_points(points, axes=AXES)) == ["saddle-3 or more (3)", "unstable modes"]


def test_points_stand_where_they_project_to():
    where = (POINTS.positions - ORIGIN) @ AXES.T
    for dimensions in (2, 3):
        ax = plotting.plot_fixed_points(POINTS, axes=AXES, origin=ORIGIN, dimensions=dimensions, modes=False)
        drawn = [np.stack(line.get_data_3d() if dimensions == 3 else line.get_data(), axis=1) for line in ax.lines]
        expected = [where[:2], *where[2:7, None], where[7:9], where[9:]]
        for points, wanted in zip(drawn, expected, strict=True):
            np.testing.assert_allclose(points, wanted[:, :dimensions])
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("axis 1", "axis 2")
        if dimensions == 3:
            assert ax.get_zlabel() == "axis 3"


def test_modes_are_the_growing_directions_of_saddles_both_ways():
    ax = plotting.plot_fixed_points(POINTS, axes=AXES, origin=ORIGIN)
    (lines,) = [one for one in ax.collections if isinstance(one, LineCollection)]
    segments = np.array(lines.get_segments())
    where = ((POINTS.positions - ORIGIN) @ AXES.T)[:, :2]
    expected = [(2, 0), (3, 0), (3, 1), (4, 0), (4, 1), (4, 2)]
    assert len(segments) == len(expected)
    reach = REACH * np.ptp(where, axis=0).max()
    for segment, (point, mode) in zip(segments, expected, strict=True):
        np.testing.assert_allclose(segment.mean(axis=0), where[point], atol=1e-12)
        np.testing.assert_allclose(segment[1] - segment[0], 2 * reach * AXES[:2, mode], atol=1e-12)


def test_a_pair_of_complex_modes_is_drawn_by_its_real_and_imaginary_part():
    right, flow = POINTS.right.copy(), POINTS.flow_eigenvalues.copy()
    right[3, :, 0] = (np.eye(N)[0] + 1j * np.eye(N)[1]) / np.sqrt(2)
    right[3, :, 1] = right[3, :, 0].conj()
    flow[3, :2] = 0.004 + np.array([1j, -1j]) * 0.01
    twin = POINTS._replace(right=right, flow_eigenvalues=flow)
    ax = plotting.plot_fixed_points(twin, axes=np.eye(N)[:2])
    segments = np.array(ax.collections[0].get_segments())[1:3]
    along = segments[:, 1] - segments[:, 0]
    np.testing.assert_allclose(np.abs(along) / np.abs(along).max(), np.eye(2), atol=1e-12)


def test_trajectories_are_grey_or_coloured_by_condition():
    ax = plotting.plot_fixed_points(POINTS, axes=AXES, origin=ORIGIN, trajectories=PATHS, modes=False)
    for trial in range(4):
        np.testing.assert_allclose(ax.lines[trial].get_xydata(), ((PATHS[:, trial] - ORIGIN) @ AXES[:2].T))
    assert len({to_hex(line.get_color()) for line in ax.lines[:4]}) == 1
    ax = plotting.plot_fixed_points(POINTS, axes=AXES, trajectories=PATHS, levels=[5, -1, 5, 2])
    colours = [to_hex(line.get_color()) for line in ax.lines[:4]]
    assert colours[0] == colours[2]
    assert len(set(colours)) == 3
    assert colours[1] == to_hex(coherence_cmap()(0.0))


def test_a_figure_in_space_has_its_labels_and_legend_on_the_page():
    names = ("PC 1 (40 %)", "PC 2 (30 %)", "PC 3 (20 %)")
    ax = plotting.plot_fixed_points(POINTS, axes=AXES, origin=ORIGIN, trajectories=PATHS, dimensions=3, names=names)
    figure = ax.figure
    figure.canvas.draw()
    box, page = figure.get_tightbbox(), figure.get_size_inches()
    assert min(box.x0, box.y0) >= -0.01
    assert box.x1 <= page[0] + 0.01
    assert box.y1 <= page[1] + 0.01
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()) == names
    given = plt.figure().add_subplot(projection="3d")
    assert plotting.plot_fixed_points(POINTS, axes=AXES, dimensions=3, ax=given) is given


def test_modes_show_both_spectra_with_their_borders_and_units():
    figure = plotting.plot_modes(POINTS, 3)
    flow, step = figure.axes
    assert (flow.get_xlabel(), step.get_xlabel()) == ("Re λ (1/ms)", "Re μ (no unit)")
    assert (flow.get_title(), step.get_title()) == ("flow", "one step of 20 ms")
    assert entries(flow) == ["Re λ = 0", "decays (3)", "grows (2)"]
    assert entries(step) == ["|μ| = 1", "decays (3)", "grows (2)"]
    assert figure.get_suptitle() == "point 3: saddle-2, q = 1.0e-20"
    border = flow.lines[0]
    assert list(border.get_xdata()) == [0.0, 0.0]
    (circle,) = step.patches
    assert (circle.center, circle.radius) == ((0.0, 0.0), 1.0)
    for ax, values in ((flow, POINTS.flow_eigenvalues[3]), (step, POINTS.step_eigenvalues[3])):
        drawn = [line.get_xydata() for line in ax.lines if line.get_linestyle() == "None"]
        found = np.concatenate(drawn)
        np.testing.assert_allclose(np.sort(found[:, 0]), np.sort(values.real))
        np.testing.assert_allclose(drawn[1][:, 0], values[:2].real)
        low, high = ax.get_xlim()
        assert low < found[:, 0].min()
        assert found[:, 0].max() < high
    assert step.get_xlim()[0] < -1.0 < 1.0 < step.get_xlim()[1]


def test_a_fast_oscillation_decays_in_the_flow_and_grows_in_the_step():
    flow = POINTS.flow_eigenvalues.copy()
    flow[0, :2] = -0.001 + np.array([1j, -1j]) * 0.05
    figure = plotting.plot_modes(POINTS._replace(flow_eigenvalues=flow, step_eigenvalues=1.0 + DT * flow), 0)
    assert entries(figure.axes[0])[1:] == ["decays (5)", "grows (0)"]
    assert entries(figure.axes[1])[1:] == ["decays (3)", "grows (2)"]


def test_an_axes_of_other_dimensions_is_refused():
    flat = plt.figure().add_subplot()
    with pytest.raises(ValueError, match=r"`ax` must have 3 dimensions: .*projection='3d'"):
        plotting.plot_fixed_points(POINTS, axes=AXES, dimensions=3, ax=flat)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: plotting.plot_fixed_points(POINTS, axes=AXES, dimensions=4), "`dimensions` must be 2 or 3; got 4"),
        (lambda: plotting.plot_fixed_points(POINTS, axes=AXES.T), r"`axes` must be \(k, N\).*N = 5.*got \(5, 3\)"),
        (lambda: plotting.plot_fixed_points(POINTS, axes=AXES[:1]), r"with k >= 2.*got \(1, 5\)"),
        (lambda: plotting.plot_fixed_points(POINTS, axes=AXES, origin=[0.0]), r"and `origin` \(N,\); got .*\(1,\)"),
        (lambda: plotting.plot_fixed_points(POINTS, axes=AXES, names=["a"]), "`names` must label 2 axes; got 1"),
        (
            lambda: plotting.plot_fixed_points(POINTS, axes=AXES, trajectories=PATHS[:, 0]),
            r"`trajectories` must be \(T, B, N\), N = 5; got shape \(6, 5\)",
        ),
        (
            lambda: plotting.plot_fixed_points(POINTS, axes=AXES, trajectories=PATHS, levels=[1, 2]),
            r"`levels` must contain one value per trial, \(4,\); got shape \(2,\)",
        ),
        (lambda: plotting.plot_modes(POINTS, 11), "`index` must be among the points, 0 to 10; got 11"),
        (lambda: plotting.plot_modes(POINTS, -1), "got -1"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
