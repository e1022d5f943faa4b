"""What the figures of dynamics show: the numbers of the results, and not others."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from eicon import analysis, plotting
from eicon.plotting._phase_plane import NULLCLINE_COLORS

RNG = np.random.default_rng(0)


def line(ax, label):
    (found,) = [candidate for candidate in ax.lines if candidate.get_label() == label]
    return found


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


EXPONENTS = np.array([0.002, 0.0, -0.0104, -0.2, -0.3])
LYAPUNOV = analysis.results.Lyapunov(
    EXPONENTS,
    np.array([1e-4, 2e-4, np.nan, 1e-3, 1e-3]),
    EXPONENTS * (1 + 5 / np.arange(1, 101))[:, None],
    np.arange(1, 101) * 20.0,
    np.nan,
    2.19,
    np.zeros(7),
    "autonomous",
)


def test_lyapunov_shows_estimates_over_time_and_errors():
    ax = plotting.plot_lyapunov(LYAPUNOV, n_exponents=3)
    assert legend(ax) == ["λ1 = 0.002", "λ2 = 0", "λ3 = −0.0104"]  # noqa: RUF001
    assert ax.get_legend().get_title().get_text() == "3 of 7 exponents, dimension 2.19"
    for index, label in enumerate(legend(ax)):
        np.testing.assert_array_equal(
            line(ax, label).get_xydata(), np.column_stack([LYAPUNOV.time, LYAPUNOV.running[:, index]])
        )
    bands = [(box.get_y(), box.get_y() + box.get_height()) for box in ax.patches]
    np.testing.assert_allclose(bands, [(0.0019, 0.0021), (-0.0002, 0.0002)], atol=1e-12)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (ms)", "Lyapunov exponent (1/ms)")
    low, high = ax.get_ylim()
    assert low < -0.0104 * 1.5
    assert low > -0.05  # the first estimates, five times as large, do not set the frame
    assert high > 0.002
    slow = LYAPUNOV._replace(time=LYAPUNOV.time * 100, kaplan_yorke=np.nan)
    ax = plotting.plot_lyapunov(slow)
    assert ax.get_xlabel() == "time (s)"
    assert ax.get_xlim() == (0.0, 200.0)
    assert "dimension not known" in ax.get_legend().get_title().get_text()
    wiped = LYAPUNOV._replace(running=np.where(np.arange(5) == 4, -np.inf, LYAPUNOV.running))
    plotting.plot_lyapunov(wiped, n_exponents=5).figure.canvas.draw()


N = 6
WEIGHTS = RNG.normal(size=(N, N))
GAINS = RNG.random((4, N))
TIME = np.arange(4) * 20.0


@pytest.mark.parametrize("dt", [None, 20.0])
def test_trajectory_spectra(dt):
    result = analysis.spectra.trajectory_spectra(WEIGHTS, GAINS, 100.0, dt=dt)
    figure = plotting.spectra.plot_trajectory_spectra(result, TIME, since="go")
    plane, top, bottom = figure.axes[:3]
    (dots,) = [one for one in plane.collections if len(one.get_offsets()) == 4 * N]
    values = result.eigenvalues.reshape(-1)
    np.testing.assert_allclose(dots.get_offsets(), np.column_stack([values.real, values.imag]))
    np.testing.assert_array_equal(dots.get_array(), np.repeat(TIME, N))
    leading = line(top, "leading eigenvalue").get_ydata()
    np.testing.assert_array_equal(leading, result.radius if dt else result.abscissa)
    np.testing.assert_allclose(line(top, "random matrix").get_ydata(), result.center + result.random_radius)
    assert top.get_ylabel() == ("max |λ|" if dt else "max Re λ (1/ms)")
    assert plane.get_xlabel() == ("Re λ" if dt else "Re λ (1/ms)")
    np.testing.assert_array_equal(bottom.lines[0].get_ydata(), result.n_unstable)
    assert bottom.get_xlabel() == "time since go (ms)"
    uneven = analysis.spectra.trajectory_spectra(WEIGHTS, GAINS, np.linspace(10, 20, N))
    assert "random matrix" not in legend(plotting.spectra.plot_trajectory_spectra(uneven, TIME).axes[1])


def test_training_spectra():
    result = analysis.spectra.training_spectra(np.stack([WEIGHTS, 2 * WEIGHTS, 3 * WEIGHTS - 2]), [0, 100, 300])
    plane, top, bottom = plotting.spectra.plot_training_spectra(result).axes[:3]
    for label, values in (
        ("max |λ|", result.radius),
        ("max Re λ", result.abscissa),
        ("random matrix", result.random_radius),
    ):
        np.testing.assert_array_equal(line(top, label).get_xydata(), np.column_stack([result.steps, values]))
    np.testing.assert_array_equal(bottom.lines[0].get_xydata(), np.column_stack([result.steps, result.n_outliers]))
    assert plane.patches[0].radius == pytest.approx(result.random_radius[-1])
    assert plane.collections[0].get_array()[-1] == 300
    one = analysis.spectra.training_spectra(WEIGHTS[None], [7])
    plotting.spectra.plot_training_spectra(one).canvas.draw()


def test_dimensionality_marks_the_signal_components():
    ratio = np.array([0.6, 0.3, 0.08, 0.02])
    result = analysis.results.Dimensionality(2.2, 2, 3, 4, ratio, 2, np.array([1.0, 0.5, 0.2, 0.25, 0.3]), 1.8, 400)
    ax = plotting.coding.plot_dimensionality(result)
    np.testing.assert_allclose(line(ax, "all samples").get_ydata(), [0.0, 0.6, 0.9, 0.98, 1.0])
    np.testing.assert_allclose(line(ax, "split halves").get_ydata(), [0.0, 0.5, 0.8, 0.75, 0.7])
    (ring,) = [one for one in ax.lines if one.get_markersize() == 9]
    np.testing.assert_allclose(ring.get_xydata(), [[2, 0.8]])
    text = ax.texts[0].get_text()
    for part in ("signal components 2", "participation ratio 2.2", "90, 95, 99 %: 2, 3, 4", "(TwoNN) 1.8"):
        assert part in text
    short = plotting.coding.plot_dimensionality(result._replace(n_signal=None, split_error=np.zeros(0)), n_components=2)
    assert legend(short) == ["all samples"]
    assert line(short, "all samples").get_xdata().tolist() == [0, 1, 2]


DECODING = analysis.results.Decoding(
    np.array([0.5, 0.9, 0.8]),
    np.array([[0.5, 0.6, 0.4], [0.55, 0.9, 0.7], [0.2, 0.6, 0.8]]),
    np.full(3, 0.5),
    np.full(3, 0.6),
    np.array([0.5, 0.01, 0.2]),
    np.array([[0, 2], [2, 4], [4, 6]]),
    np.array([0, 1]),
)


def test_decoding_over_time():
    ax = plotting.coding.plot_decoding(DECODING, 10.0, start=-20.0, since="cue")
    # bins of two steps, at -20 and -10, 0 and 10, 20 and 30 ms
    np.testing.assert_allclose(line(ax, "2 classes").get_xydata(), [[-15, 0.5], [5, 0.9], [25, 0.8]])
    np.testing.assert_allclose(line(ax, "p < 0.05").get_xydata(), [[5, 0.9]])
    assert ax.get_xlabel() == "time since cue (ms)"
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (0.5, 0.6)
    plain = plotting.coding.plot_decoding(DECODING._replace(chance_95=np.full(3, np.nan), p=np.full(3, np.nan)), 10.0)
    assert legend(plain) == ["chance", "2 classes"]


def test_generalisation_has_training_up_and_test_across():
    ax = plotting.coding.plot_generalisation(DECODING, 10.0, start=-20.0, events=[0.0])
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), DECODING.generalisation)
    assert image.origin == "lower"
    assert image.get_extent() == [-25.0, 35.0, -25.0, 35.0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("test time (ms)", "train time (ms)")
    low, high = image.get_clim()
    assert (low + high) / 2 == pytest.approx(0.5)  # chance is white
    assert [one.get_xdata()[0] for one in ax.lines if one.get_xdata()[0] == one.get_xdata()[1]] == [0.0]
    ten = DECODING._replace(classes=np.arange(10))
    low, high = plotting.coding.plot_generalisation(ten, 10.0).images[0].get_clim()
    assert (low + high) / 2 == pytest.approx(0.1)
    assert high == pytest.approx(1.0)


def test_timescales_by_type_with_the_fit_of_the_population():
    lags = np.arange(1, 21) * 10.0
    units = np.exp(-lags[:, None] / np.array([50.0, 60.0, 200.0])) + 0.1
    units = np.concatenate([units, np.full((20, 1), np.nan)], axis=1)
    tau = np.array([50.0, 60.0, 200.0, np.nan])
    result = analysis.results.Timescales(tau, tau, tau, tau, 80.0, 0.9, 0.05, 0.99, units, lags, 1)
    ax = plotting.coding.plot_timescales(result, excitatory=[True, True, False, False])
    e, i = ax.collections
    assert to_hex(e.get_color()[0]).upper() == plotting.E_COLOR
    assert to_hex(i.get_color()[0]).upper() == plotting.I_COLOR
    np.testing.assert_allclose(e.get_segments()[1], np.column_stack([lags, units[:, 1]]))
    assert legend(ax) == [
        "excitatory (median 55 ms)",
        "inhibitory (median 200 ms)",
        "population",
        "exponential, 80 ms",
    ]
    assert ax.get_legend().get_title().get_text() == "1 of 4 units without a fit"
    np.testing.assert_allclose(line(ax, "population").get_ydata(), units[:, :3].mean(axis=1))
    x, y = line(ax, "exponential, 80 ms").get_data()
    np.testing.assert_allclose(y, 0.9 * np.exp(-x / 80.0) + 0.05)
    nothing = result._replace(population_tau=np.nan, autocorrelation=np.full((20, 4), np.nan))
    assert legend(plotting.coding.plot_timescales(nothing)) == ["population"]


def test_phase_plane_of_two_units():
    result = analysis.phase_plane(lambda s: np.stack([s[:, 1], -s[:, 0]], 1) / 10, [0, 0], np.eye(2), (-1, 1, -2, 2))
    path = RNG.normal(size=(9, 2, 2))
    ax = plotting.plot_phase_plane(result, trajectories=path, fixed_points=[[0, 0], [0.5, 1]], stable=[True, False])
    drawn = [one for one in ax.lines if len(one.get_xdata()) == 9]
    np.testing.assert_allclose(drawn[1].get_xydata(), path[:, 1])
    np.testing.assert_allclose(line(ax, "stable fixed point").get_xydata(), [[0, 0]])
    np.testing.assert_allclose(line(ax, "unstable fixed point").get_xydata(), [[0.5, 1.0]])
    assert line(ax, "unstable fixed point").get_markerfacecolor() == "white"
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


def test_dynamical_similarity():
    first, second = np.array([0.9 + 0.3j, 0.9 - 0.3j]), np.array([1.2 + 0.1j, 0.2 - 0.1j])
    result = analysis.results.DynamicalSimilarity(0.1234, "angular", 2, first, second)
    ax = plotting.similarity.plot_dynamical_similarity(result, names=("before", "after"))
    for name, values in (("before", first), ("after", second)):
        np.testing.assert_allclose(line(ax, name).get_xydata(), np.column_stack([values.real, values.imag]))
    assert ax.get_legend().get_title().get_text() == "angular distance 0.12 rad"
    assert ax.get_xlim()[1] > 1.2
    assert ax.patches[0].radius == 1.0


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: plotting.plot_lyapunov(LYAPUNOV, n_exponents=0), "`n_exponents` must be >= 1; got 0"),
        (
            lambda: plotting.spectra.plot_trajectory_spectra(
                analysis.spectra.trajectory_spectra(WEIGHTS, GAINS, 1.0), TIME[::-1]
            ),
            r"`time` must be \(4,\) ascending",
        ),
        (
            lambda: plotting.coding.plot_dimensionality(
                analysis.results.Dimensionality(1.0, 1, 1, 1, np.ones(1), None, np.zeros(0), 1.0, 30), n_components=0
            ),
            "`n_components` must be >= 1; got 0",
        ),
        (lambda: plotting.coding.plot_decoding(DECODING, 0.0), "`dt` must be positive"),
        (lambda: plotting.coding.plot_generalisation(DECODING, -1.0), "`dt` must be positive"),
        (
            lambda: plotting.coding.plot_timescales(
                analysis.coding.timescales(RNG.normal(size=(9, 9, 2)), 1.0), excitatory=np.ones(3, bool)
            ),
            r"`excitatory` must be bools, shape \(N,\) = \(2,\)",
        ),
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
