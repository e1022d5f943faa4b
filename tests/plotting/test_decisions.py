"""What is drawn of behaviour, of activity around events, of state space, tuning and movements."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from eicon import analysis, plotting
from eicon.plotting._chronometry import SENSE_COLORS
from eicon.plotting._style import coherence_cmap

RNG = np.random.default_rng(0)
STRENGTH = np.tile([1.0, 2.0, 4.0, 8.0, 16.0], 40)
CORRECT = RNG.random(200) < 1 / (1 + np.exp(-0.4 * STRENGTH))
TIME = 250.0 + 18.0 / (0.012 * STRENGTH) * np.tanh(18.0 * 0.012 * STRENGTH) + 20.0 * RNG.normal(size=200)
TIME[3] = np.nan
N, N_E = 10, 7
EXCITATORY = np.arange(N) < N_E
CHOICE = np.arange(40) % 2
RATES = RNG.random((20, 40, N)) + 0.3 * (CHOICE == 0)[:, None] * RNG.normal(size=N)
LEVELS = np.array([-10.0, -3.0, 3.0, 10.0])


def containers(ax):
    """Points and intervals of the error bars, by label."""
    return {
        one.get_label(): (one[0].get_xydata(), np.array([b[:, 1] for b in one[2][0].get_segments()]))
        for one in ax.containers
    }


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_weibull_curve_goes_through_the_predicted_values_on_a_logarithmic_axis():
    result = analysis.behaviour.weibull(STRENGTH, CORRECT)
    ax = plotting.behaviour.plot_weibull(result)
    x, y = max(ax.lines, key=lambda one: len(one.get_xdata())).get_data()
    np.testing.assert_allclose(y, result.predict(x))
    ((points, intervals),) = containers(ax).values()
    np.testing.assert_allclose(points, np.stack([result.levels, result.p], axis=1))
    np.testing.assert_allclose(intervals, result.ci, atol=1e-12)
    assert ax.get_xscale() == "log"
    assert ax.get_xticks().tolist() == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("coherence (%)", "fraction correct")
    assert f"threshold {result.threshold:.2g} %" in ax.texts[0].get_text()
    with_zero = plotting.behaviour.plot_weibull(
        analysis.behaviour.weibull(np.where(STRENGTH == 1, 0.0, STRENGTH), CORRECT), label="net"
    )
    assert with_zero.get_xscale() == "linear"
    assert legend_texts(with_zero) == ["net"]
    step = analysis.behaviour.weibull([1.0, 1.0, 2.0, 2.0], [0, 1, 1, 1])
    assert "not determined" in plotting.behaviour.plot_weibull(step).texts[0].get_text()


def test_close_levels_do_not_all_get_a_tick():
    levels = np.repeat([1.0, 1.01, 1.02, 50.0, 51.0], 10)
    ax = plotting.behaviour.plot_weibull(analysis.behaviour.weibull(levels, np.arange(50) % 3 > 0))
    assert ax.get_xticks().tolist() == [1.0, 50.0]


def test_chronometric_shows_correct_trials_errors_and_those_without_a_choice():
    result = analysis.behaviour.chronometric(STRENGTH, TIME, CORRECT)
    ax = plotting.behaviour.plot_chronometric(result)
    curve = max(ax.lines, key=lambda one: len(one.get_xdata()))
    np.testing.assert_allclose(curve.get_ydata(), result.predict(curve.get_xdata()))
    drawn = containers(ax)
    np.testing.assert_allclose(drawn["correct"][0], np.stack([result.levels, result.mean[0]], axis=1))
    np.testing.assert_allclose(drawn["correct"][1], result.ci[0], atol=1e-9)
    known = result.n[1] > 0
    np.testing.assert_allclose(drawn["errors"][0][:, 1], result.mean[1][known])
    assert legend_texts(ax) == ["correct", "errors", "1 without a choice"]
    assert ax.get_ylabel() == "reaction time (ms)"
    alone = plotting.behaviour.plot_chronometric(result, errors=False, label="teacher", color="#009988")
    assert legend_texts(alone) == ["teacher", "1 without a choice"]
    flat = analysis.behaviour.chronometric(STRENGTH, np.where(np.isnan(TIME), np.nan, 400.0), CORRECT)
    assert max(len(one.get_xdata()) for one in plotting.behaviour.plot_chronometric(flat).lines) <= 5


def test_accuracy_by_duration_has_a_line_per_strength_without_empty_bins():
    duration = RNG.uniform(100.0, 800.0, 200)
    duration[(STRENGTH == 16.0) & (duration > 400.0)] = 150.0
    result = analysis.behaviour.accuracy_by_duration(duration, STRENGTH, CORRECT, [100.0, 200.0, 400.0, 800.0])
    ax = plotting.behaviour.plot_accuracy_by_duration(result)
    lines = [one for one in ax.lines if one.get_linestyle() == "-" and len(one.get_xdata()) > 1]
    assert [len(one.get_xdata()) for one in lines] == [3, 3, 3, 3, 2]
    for row, one in enumerate(lines):
        known = result.n[row] > 0
        np.testing.assert_allclose(one.get_ydata(), result.p[row][known])
        np.testing.assert_allclose(one.get_xdata(), result.duration[known], rtol=0.03)
        assert to_hex(one.get_color()) == to_hex(coherence_cmap()(row / 4))
    assert ax.get_xlabel() == "stimulus duration (ms)"
    (bar,) = ax.child_axes
    assert bar.get_ylabel() == "coherence (%)"


def test_multisensory_shows_three_curves_and_the_ratio():
    rate = np.tile(np.repeat([9.0, 12.0, 15.0], 40), 3)
    choice = (RNG.random(360) > 1 / (1 + np.exp(-(rate - 12.5) / np.repeat([2.0, 2.0, 1.0], 120)))).astype(int)
    result = analysis.behaviour.multisensory_ratio(rate, np.repeat([0, 1, 2], 120), choice, rng=0, n_resamples=20)
    ax = plotting.behaviour.plot_multisensory(result, boundary=12.5)
    assert [text.split(",")[0] for text in legend_texts(ax)] == ["visual", "auditory", "both"]
    assert f"{result.ratio:.2f} [{result.ratio_ci[0]:.2f}, {result.ratio_ci[1]:.2f}]" in ax.texts[-1].get_text()
    curves = [one for one in ax.lines if len(one.get_xdata()) == 401]
    for curve, found, colour in zip(curves, result.curves, SENSE_COLORS, strict=True):
        np.testing.assert_allclose(curve.get_ydata(), found.predict(curve.get_xdata()))
        assert to_hex(curve.get_color()) == colour.lower()
    assert ax.get_xlabel() == "rate (events/s)"
    unknown = plotting.behaviour.plot_multisensory(result._replace(converged=False), names=("a", "b", "c"))
    assert "not determined" in unknown.texts[-1].get_text()
    assert not {plotting.E_COLOR, plotting.I_COLOR} & set(SENSE_COLORS)


def psth(levels=None):
    return analysis.coding.psth(
        RATES, np.tile(LEVELS, 10) if levels is None else levels, 4, 20.0, window=(-80.0, 320.0)
    )


def test_psth_has_a_line_with_its_error_per_condition():
    result = psth()
    ax = plotting.coding.plot_psth(result, 2)
    lines = [one for one in ax.lines if len(one.get_xdata()) == result.time.size]
    assert len(lines) == len(ax.collections) == 4
    for row, (one, band) in enumerate(zip(lines, ax.collections, strict=True)):
        np.testing.assert_array_equal(one.get_ydata(), result.average[row, :, 2])
        edge = band.get_paths()[0].vertices
        sem = np.nan_to_num(result.sem[row, :, 2])
        assert edge[:, 1].max() == pytest.approx(np.nanmax(result.average[row, :, 2] + sem))
    assert ax.get_xlabel() == "time since stimulus onset (ms)"
    assert ax.child_axes[0].get_ylabel() == "signed coherence (%)"
    named = plotting.coding.plot_psth(psth(np.where(CHOICE == 0, "left", "right")), 2, since="response")
    assert legend_texts(named) == ["left", "right"]
    assert named.child_axes == []


def test_heatmap_has_a_row_per_unit_in_order_scaled_to_its_range():
    result = psth()
    ax = plotting.coding.plot_psth_heatmap(result, excitatory=EXCITATORY)
    course = result.average.mean(axis=0)
    order = analysis.coding.sort_by_peak(course, excitatory=EXCITATORY)
    low, high = np.nanmin(course, axis=0), np.nanmax(course, axis=0)
    shown = np.ma.filled(ax.images[0].get_array(), np.nan)
    assert np.isnan(shown[:, -1]).all()  # after the end of all trials
    np.testing.assert_allclose(shown, ((course - low) / (high - low)).T[order])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["E", "I"]
    left, right, bottom, top = ax.images[0].get_extent()
    assert (left, right, bottom, top) == (-90.0, 330.0, 9.5, -0.5)
    one = plotting.coding.plot_psth_heatmap(result, condition=1, order=np.arange(N)[::-1])
    chosen = result.average[1]
    scaled = (chosen - np.nanmin(chosen, axis=0)) / (np.nanmax(chosen, axis=0) - np.nanmin(chosen, axis=0))
    np.testing.assert_allclose(np.ma.filled(one.images[0].get_array(), np.nan), scaled.T[::-1])


def test_dprime_scatter_is_blue_and_red_with_identity_line():
    result = analysis.coding.dprime_by_epoch(
        RATES, CHOICE, {"fixation": (0, 4), "stimulus": (4, 12), "decision": (12, 20)}
    )
    ax = plotting.coding.plot_dprime_by_epoch(result, x="stimulus", excitatory=EXCITATORY)
    e, i = (one for one in ax.lines if one.get_marker() == "o")
    np.testing.assert_array_equal(e.get_xydata(), result.d_prime[[1, 2]][:, :N_E].T)
    np.testing.assert_array_equal(i.get_xydata(), result.d_prime[[1, 2]][:, N_E:].T)
    assert (e.get_color(), i.get_color()) == (plotting.E_COLOR, plotting.I_COLOR)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("d' in stimulus", "d' in decision")
    assert ax.texts[0].get_text() == f"r = {result.correlation[1, 2]:.2f}"
    odd = result._replace(d_prime=np.where(np.arange(N) == 0, np.inf, result.d_prime))
    assert legend_texts(plotting.coding.plot_dprime_by_epoch(odd)) == ["unit", "1 infinite, not shown"]


def test_state_space_has_panels_of_one_scale_and_colours_by_level():
    paths = RNG.normal(size=(4, 9, 3)).cumsum(axis=1)
    paths[0, 7:] = np.nan
    panels = {"motion context": (paths, LEVELS), "colour context": (paths[1:3] / 2, LEVELS[1:3])}
    figure = plotting.coding.plot_state_space(panels, names=("choice", "motion", "colour"), axes=(2, 0), dt=20.0)
    first, second = figure.axes[:2]
    assert [ax.get_title() for ax in (first, second)] == list(panels)
    assert first.get_xlim() == second.get_xlim()
    curves = [one for one in first.lines if one.get_linestyle() == "-" and len(one.get_xdata()) in (7, 9)]
    for row, curve in enumerate(curves):
        end = 7 if row == 0 else 9
        np.testing.assert_array_equal(curve.get_xydata(), paths[row, :end][:, [2, 0]])
        assert to_hex(curve.get_color()) == to_hex(coherence_cmap()(row / 3))
    halves = [one for one in second.lines if one.get_linestyle() == "-" and len(one.get_xdata()) == 9]
    assert [to_hex(one.get_color()) for one in halves] == [to_hex(one.get_color()) for one in curves[1:3]]
    assert (figure.get_supxlabel(), figure.get_supylabel()) == ("colour axis (s.d.)", "choice axis (s.d.)")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["start", "end", "every 100 ms"]
    three = plotting.coding.plot_state_space({str(k): (paths, LEVELS) for k in range(3)}, names=("a", "b", "c"))
    assert [ax.get_visible() for ax in three.axes[:4]] == [True, True, True, False]


def test_tuning_curves_are_coloured_by_direction():
    stimulus = np.tile([10.0, 14.0, 18.0, 22.0], 10)
    rates = np.stack([stimulus, -stimulus, np.abs(stimulus - 16.0)], axis=1) + 0.1 * RNG.normal(size=(40, 3))
    result = analysis.coding.tuning(rates, stimulus)
    ax = plotting.coding.plot_tuning(result)
    rising, falling = (one[0] for one in ax.containers)
    np.testing.assert_array_equal(rising.get_xydata(), np.stack([result.levels, result.curve[:, 0]], axis=1))
    np.testing.assert_array_equal(falling.get_ydata(), result.curve[:, 1])
    assert rising.get_color() != falling.get_color()
    assert legend_texts(ax) == ["rising (1 of 3 units)", "falling (1 of 3 units)"]
    assert ax.get_xlabel() == "frequency (Hz)"
    (peaked,) = plotting.coding.plot_tuning(result, units=[2]).containers
    assert to_hex(peaked[0].get_color()) == "#555555"


def test_tuning_correlation_is_a_matrix_over_time():
    result = analysis.coding.tuning_correlation(RATES, np.tile(LEVELS, 10), steps=[2, 6, 10, 14])
    ax = plotting.coding.plot_tuning_correlation(result, result.steps * 20.0, epochs={"f1": (40.0, 120.0)}, since="f1")
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), result.correlation)
    assert image.get_extent() == [0.0, 320.0, 0.0, 320.0]
    assert image.origin == "lower"
    assert image.get_clim() == (-1.0, 1.0)
    assert [text.get_text() for text in ax.texts] == ["f1"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time since f1 (ms)",) * 2


def test_eye_paths_have_a_panel_per_sequence_and_a_line_per_trial():
    targets = np.repeat(RNG.choice([-0.5, 0.0, 0.5], (4, 6, 2)), 5, axis=0)
    outputs = targets + 0.02 * RNG.normal(size=targets.shape)
    mask = np.arange(20)[:, None] < np.array([20, 20, 20, 15, 20, 20])
    figure = plotting.behaviour.plot_eye_paths(
        outputs, [0, 0, 1, 1, 2, 2], targets=targets, mask=mask, titles={0: "5-1-0", 1: "3-1-2", 2: "3-7-8"}
    )
    panels = figure.axes
    assert [ax.get_title() for ax in panels] == ["5-1-0", "3-1-2", "3-7-8"]
    for ax, trials in zip(panels, ((0, 1), (2, 3), (4, 5)), strict=True):
        paths = [one for one in ax.lines if one.get_linestyle() == "-" and len(one.get_xdata()) > 1]
        for one, trial in zip(paths, trials, strict=True):
            np.testing.assert_array_equal(one.get_xydata(), outputs[mask[:, trial], trial])
        (goal,) = [one for one in ax.lines if one.get_linestyle() == "--"]
        np.testing.assert_array_equal(goal.get_xydata(), targets[mask[:, trials[0]], trials[0]])
        assert ax.get_aspect() == 1.0
    plain = plotting.behaviour.plot_eye_paths(outputs, [3, 3, 3, 4, 4, 4], dots=[[0.0, 0.0]])
    assert [ax.get_title() for ax in plain.axes] == ["sequence 3", "sequence 4"]


SELECTIVE = analysis.coding.dprime_by_epoch(RATES, CHOICE, {"a": (0, 4)})
PATHS = np.zeros((2, 5, 3))
SENSES = analysis.behaviour.multisensory_ratio(
    np.tile([1.0, 2.0], 30), np.repeat([0, 1, 2], 20), np.arange(60) % 3 % 2, rng=0, n_resamples=2
)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: plotting.coding.plot_psth(psth(), 10), r"`unit` must be one of 0..9; got 10"),
        (lambda: plotting.coding.plot_psth_heatmap(psth(), condition=4), r"`condition` must be one of 0..3; got 4"),
        (lambda: plotting.coding.plot_psth_heatmap(psth(), order=[0, 0, 1]), r"`order` must be a permutation of 0..9"),
        (
            lambda: plotting.coding.plot_psth_heatmap(psth(), order=np.arange(N), excitatory=~EXCITATORY),
            r"`order` must put all E units before all I units",
        ),
        (
            lambda: plotting.coding.plot_dprime_by_epoch(SELECTIVE, x="b"),
            r"`x` and `y` must be among the epochs a; got 'b'",
        ),
        (lambda: plotting.coding.plot_dprime_by_epoch(SELECTIVE, excitatory=[True]), r"`excitatory` must be bools"),
        (
            lambda: plotting.coding.plot_state_space({"a": (PATHS, [1.0])}, names=("x", "y", "z")),
            r"`panels\['a'\]` must be trajectories \(C, T, P\) with P = 3 names.*got \(2, 5, 3\) and \(1,\)",
        ),
        (lambda: plotting.coding.plot_state_space({}, names=("x",)), r"`panels` must hold at least one.*got 0 panels"),
        (
            lambda: plotting.coding.plot_state_space({"a": (PATHS, [1.0, 2.0])}, names=("x", "y", "z"), axes=(0, 3)),
            r"`axes` among the 3 names; got 1 panels, 2 columns and axes \(0, 3\)",
        ),
        (
            lambda: plotting.coding.plot_state_space(
                {"a": (PATHS, [1.0, 2.0])}, names=("x", "y", "z"), dt=20.0, dot_every=5
            ),
            r"`dot_every` must be at least one step.*got 5, dt = 20.0 ms",
        ),
        (
            lambda: plotting.coding.plot_tuning(analysis.coding.tuning(RATES, np.tile(LEVELS, 10)), units=[10]),
            r"`units` must be among 0..9; got \[10\]",
        ),
        (
            lambda: plotting.coding.plot_tuning_correlation(
                analysis.coding.tuning_correlation(RATES, np.tile(LEVELS, 10)), np.arange(20.0) ** 2
            ),
            r"`time` must be one time per step, \(20,\), at least two, ascending in equal steps; got shape \(20,\)",
        ),
        (
            lambda: plotting.behaviour.plot_multisensory(SENSES, names=("a", "b")),
            r"`names` must name the first sense, the second",
        ),
        (
            lambda: plotting.behaviour.plot_eye_paths(PATHS, [0, 1, 2]),
            r"`outputs` must be \(T, B, 2\).*got \(2, 5, 3\) and \(3,\)",
        ),
        (
            lambda: plotting.behaviour.plot_eye_paths(PATHS[:, :, :2], np.zeros(5), targets=PATHS),
            r"`targets` must be \(2, 5, 2\), .*got \(2, 5, 3\)",
        ),
        (
            lambda: plotting.behaviour.plot_eye_paths(PATHS[:, :, :2], np.zeros(5), dots=[1.0, 2.0]),
            r"`dots` must be \(D, 2\)",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
