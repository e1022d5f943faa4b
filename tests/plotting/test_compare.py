import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgba

from eicon import analysis, plotting
from eicon.plotting._compare import PAIR_COLORS
from eicon.plotting._style import coherence_cmap

TIME = np.arange(6) * 20.0
CURVES = np.arange(18.0).reshape(3, 6)
LEVELS = np.array([800.0, 600.0, 1200.0])
RATES = np.random.default_rng(0).random((9, 4, 8))
RAMP = analysis.ramp_index(np.where(np.arange(8) == 3, 1.0, RATES), 0, 9)
EXCITATORY = np.arange(8) < 6
INTERVAL = np.repeat([600.0, 1200.0], 4)
PRODUCED = np.array([590.0, 610.0, 650.0, np.nan, 1100.0, 1250.0, 1300.0, 1150.0])
TIMING = analysis.scalar_variability(PRODUCED, INTERVAL)


def test_outputs_go_by_level_with_dashed_targets():
    ax = plotting.similarity.plot_outputs(CURVES, LEVELS, TIME, targets=CURVES + 1, channel="ramp", since="set")
    solid = [one for one in ax.lines if one.get_linestyle() == "-"]
    dashed = [one for one in ax.lines if one.get_linestyle() == "--"]
    for rank, condition in enumerate([1, 0, 2]):  # from the lowest to the highest level
        np.testing.assert_array_equal(solid[rank].get_xydata(), np.column_stack([TIME, CURVES[condition]]))
        np.testing.assert_array_equal(dashed[rank].get_ydata(), CURVES[condition] + 1)
        colour = to_hex(coherence_cmap()(rank / 2))
        assert to_hex(solid[rank].get_color()) == to_hex(dashed[rank].get_color()) == colour
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time since set (ms)", "ramp (a.u.)")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["network", "target"]
    (bar,) = ax.child_axes
    assert bar.get_ylabel() == "interval (ms)"
    assert [text.get_text() for text in bar.get_yticklabels()] == ["600", "800", "1200"]


def test_a_single_condition_needs_no_bar():
    ax = plotting.similarity.plot_outputs(CURVES[:1], [0.0], TIME)
    assert ax.child_axes == []
    assert ax.get_legend() is None
    assert ax.get_xlabel() == "time (ms)"
    paths = np.zeros((1, 5, 2))
    assert plotting.plot_pc_trajectories(paths, [0.0]).child_axes == []
    named = plotting.plot_pc_trajectories(np.zeros((2, 5, 2)), [1.0, 2.0], label="interval", unit="ms")
    assert named.child_axes[0].get_ylabel() == "interval (ms)"


def test_variance_explained_is_cumulative_in_percent():
    ax = plotting.similarity.plot_variance_explained([[0.5, 0.3, 0.2], [0.9, 0.1]], ["a", "b"], most=2)
    first, second = (one for one in ax.lines if one.get_label() in ("a", "b"))
    np.testing.assert_allclose(first.get_xydata(), [[1, 50], [2, 80]])
    np.testing.assert_allclose(second.get_xydata(), [[1, 90], [2, 100]])
    assert (first.get_color(), second.get_color()) == PAIR_COLORS
    assert not {plotting.E_COLOR, plotting.I_COLOR} & set(PAIR_COLORS)


def test_ramp_index_counts_every_active_unit_once_e_blue_i_red():
    ax = plotting.similarity.plot_ramp_index(RAMP, EXCITATORY, bins=10)
    e, i = ax.containers
    assert sum(bar.get_height() for bar in e) == 5
    assert sum(bar.get_height() for bar in i) == 2
    assert e[0].get_facecolor() == to_rgba(plotting.E_COLOR)
    assert i[0].get_facecolor() == to_rgba(plotting.I_COLOR)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert sorted(texts) == sorted(
        ["excitatory (6)", "inhibitory (2)", f"median {RAMP.median:.2f}", "1 silent, not shown"]
    )
    silent = analysis.ramp_index(np.zeros((5, 2, 8)), 0, 5)
    assert sum(bar.get_height() for bar in plotting.similarity.plot_ramp_index(silent).patches) == 0


def test_produced_times_show_trials_means_and_what_was_asked_for():
    ax = plotting.similarity.plot_produced_times(PRODUCED, INTERVAL, TIMING, label="teacher", shift=-10.0)
    line, dots = ax.lines[:2]
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
    np.testing.assert_array_equal(dots.get_xydata(), np.column_stack([INTERVAL - 10, PRODUCED]))
    points, _, (bars,) = ax.containers[0]
    np.testing.assert_allclose(points.get_xydata(), np.column_stack([[590.0, 1190.0], TIMING.mean]))
    halves = [np.ptp(bar[:, 1]) / 2 for bar in bars.get_segments()]
    np.testing.assert_allclose(halves, TIMING.sd)
    plotting.similarity.plot_produced_times(PRODUCED + 50, INTERVAL, TIMING, label="b", color="#EE7733", ax=ax)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["asked for", *(f"{name}, Weber {TIMING.weber:.3f}, 1 without" for name in ("teacher", "b"))]
    assert ax.get_ylabel() == "interval produced (ms)"


def test_pairs_share_their_limits_unless_told_not_to():
    draws = [[lambda ax: ax.plot([0, 1], [0, 1]), lambda ax: ax.plot([2, 5], [-3, 0])]]
    figure = plotting.similarity.plot_pair(draws, ["a", "b"])
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["a", "b"]
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    assert figure.axes[0].get_xlim()[0] <= 0 < 5 <= figure.axes[0].get_xlim()[1]
    assert figure.axes[1].get_ylim()[0] <= -3 < 1 <= figure.axes[1].get_ylim()[1]
    free = plotting.similarity.plot_pair(draws, ["a", "b"], share=False)
    assert free.axes[0].get_xlim() != free.axes[1].get_xlim()


def test_matrices_of_a_pair_stay_the_right_way_up():
    draws = [[lambda ax, n=n: ax.imshow(np.eye(n)) for n in (4, 6)]]
    figure = plotting.similarity.plot_pair(draws, ["a", "b"])
    for ax in figure.axes:
        assert ax.get_ylim() == (5.5, -0.5)
        assert ax.get_xlim() == (-0.5, 5.5)


def test_spectra_of_a_pair_have_one_scale_and_titles_clear_of_legends():
    rng = np.random.default_rng(0)
    spectra = [analysis.spectrum(scale * rng.normal(size=(30, 30)) / 5) for scale in (1, 3)]
    draws = [[lambda ax, s=s: plotting.plot_spectrum(s, ax=ax) for s in spectra]]
    figure = plotting.similarity.plot_pair(draws, ["a", "b"])
    figure.canvas.draw()
    first, second = figure.axes
    assert first.get_xlim() == second.get_xlim()
    assert np.ptp(first.get_xlim()) == pytest.approx(np.ptp(first.get_ylim()))
    for ax in figure.axes:
        (title,) = [one for one in ax.get_children() if getattr(one, "get_text", str)() in ("a", "b")]
        assert title.get_window_extent().y0 >= ax.get_legend().get_window_extent().y1 - 1


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: plotting.similarity.plot_outputs(CURVES[0], LEVELS, TIME),
            r"got \(6,\), \(3,\) and \(6,\). Take one output",
        ),
        (lambda: plotting.similarity.plot_outputs(CURVES, LEVELS, TIME, targets=CURVES[:2]), r"\(3, 6\); got \(2, 6\)"),
        (
            lambda: plotting.similarity.plot_variance_explained([[1.0]] * 3, ["a"] * 3),
            "one or two networks.*got 3 and 3 names",
        ),
        (lambda: plotting.similarity.plot_variance_explained([[1.0]], []), "got 1 and 0 names"),
        (lambda: plotting.similarity.plot_ramp_index(RAMP, np.ones(8)), r"`excitatory` must be bools.*got float64"),
        (lambda: plotting.similarity.plot_produced_times([1.0], [1.0, 2.0], TIMING), r"got \(1,\) and \(2,\)"),
        (lambda: plotting.similarity.plot_pair([], ["a", "b"]), r"got 0 rows"),
        (lambda: plotting.similarity.plot_pair([[print]], ["a", "b"]), r"got 1 rows of \[1\] and 2 names"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
