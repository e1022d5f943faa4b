"""Figures of a timing task: what is drawn where, and in which colour."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from eicon import analysis, plotting

RNG = np.random.default_rng(0)
T, C, N, DT = 12, 3, 5, 20.0
LABELS = np.array([900.0, 600.0, 1200.0])
SET = np.array([2, 4, 3])
STEP = np.arange(T)[:, None]
MASK = (STEP < SET + 7).astype(np.float32)
CONTEXT = np.broadcast_to([0.6, 0.3, 1.0], (T, C))
PULSE = ((STEP >= SET) & (STEP < SET + 2)).astype(float)
INPUTS = np.stack([CONTEXT, PULSE], axis=2)
TARGETS = np.maximum(STEP + 1 - SET, 0) * DT / LABELS
OUTPUTS = TARGETS + 0.01 * RNG.normal(size=(T, C))
RATES = RNG.normal(size=(T, C, N))
EXCITATORY = np.array([True, True, False, True, False])
ALIGNED = {"set_step": SET, "mask": MASK}


def ramps(**options):
    return plotting.plot_ramps(INPUTS, TARGETS[:, :, None], OUTPUTS, LABELS, DT, **options)


def curves(ax, dash="-"):
    """The curves of the conditions among the lines of an Axes; not what marks set and threshold."""
    return [one for one in ax.lines if len(one.get_xdata()) > 2 and one.get_linestyle() == dash]


def colours(lines):
    return [to_hex(one.get_color()) for one in lines]


def test_three_panels_show_inputs_target_and_network_from_set_to_the_end_of_each_trial():
    figure = ramps(**ALIGNED)
    inputs, target, network, bar = figure.axes
    assert [ax.get_ylabel() for ax in (inputs, target, network)] == ["input", "target", "network output"]
    assert figure.get_supxlabel() == "time since set (ms)"
    ranks = np.argsort(LABELS)
    for ax, values in ((inputs, CONTEXT), (target, TARGETS), (network, OUTPUTS)):
        for line, c in zip(curves(ax), ranks, strict=True):
            inside = np.flatnonzero(MASK[:, c])
            np.testing.assert_array_equal(line.get_xdata(), (inside + 1 - SET[c]) * DT)
            np.testing.assert_array_equal(line.get_ydata(), values[inside, c])
        assert colours(curves(ax)) == colours(curves(network))
    assert len(set(colours(curves(network)))) == C
    assert target.get_ylim() == network.get_ylim()
    assert [text.get_text() for text in bar.get_yticklabels()] == ["600", "900", "1200"]
    assert bar.get_ylabel() == "interval (ms)"


def test_a_ramp_is_drawn_at_1_when_its_interval_is_over():
    for line, interval in zip(curves(ramps(set_step=SET).axes[1]), np.sort(LABELS), strict=True):
        x, y = line.get_data()
        np.testing.assert_allclose(y[x >= 0] * interval, x[x >= 0])


def test_pulse_begins_at_zero_and_is_grey_where_it_is_the_same_in_all():
    aligned = curves(ramps(**ALIGNED).axes[0], "--")
    assert len(set(colours(aligned))) == 1
    assert {one.get_drawstyle() for one in aligned} == {"steps-pre"}
    for line in aligned:
        x, y = line.get_data()
        assert x[y > 0].tolist() == [DT, 2 * DT]  # held from 0 to 40 ms
    apart = ramps(mask=MASK)
    assert len(set(colours(curves(apart.axes[0], "--")))) == C
    assert apart.get_supxlabel() == "time (ms)"
    assert [text.get_text() for text in apart.axes[0].get_legend().get_texts()] == ["context", "set"]


def test_one_condition_has_no_colour_bar_and_no_threshold_no_line():
    one = plotting.plot_ramps(INPUTS[:, :1], TARGETS[:, :1], OUTPUTS[:, :1], LABELS[:1], DT, threshold=None)
    assert len(one.axes) == 3
    assert [len(ax.lines) for ax in one.axes] == [2, 1, 1]


def test_grid_has_a_panel_per_network_with_its_error_and_the_scale_of_the_targets():
    outputs = {"original": OUTPUTS, "5 merged": OUTPUTS * 0.5, "10 merged": OUTPUTS + 50.0, "none": OUTPUTS * np.nan}
    figure = plotting.plot_outputs_grid(outputs, TARGETS, LABELS, DT, columns=3, **ALIGNED)
    panels = figure.axes[:4]
    assert [ax.get_title() for ax in panels] == list(outputs)
    wanted = [
        analysis.similarity.nrmse(TARGETS[..., None], z[..., None], mask=MASK) for z in list(outputs.values())[:3]
    ]
    assert [ax.texts[0].get_text() for ax in panels] == [*(f"NRMSE {e:.2g}" for e in wanted), "NRMSE nan"]
    assert len({ax.get_ylim() for ax in panels}) == 1
    assert panels[0].get_ylim()[1] < 1.0
    for ax in panels:
        assert len(curves(ax)) == C
        dashed = [one for one in ax.lines if len(one.get_xdata()) > 2 and one not in curves(ax)]
        assert colours(dashed) == colours(curves(ax))
        for line, c in zip(dashed, np.argsort(LABELS), strict=True):
            np.testing.assert_array_equal(line.get_ydata(), TARGETS[MASK[:, c] > 0, c])
    assert (panels[0].get_subplotspec().rowspan.start, panels[3].get_subplotspec().rowspan.start) == (0, 1)


def test_errors_of_the_grid_can_be_given():
    figure = plotting.plot_outputs_grid(
        {"a": OUTPUTS}, TARGETS, LABELS, DT, errors={"a": 0.25, "b": 1.0}, error_name="loss"
    )
    assert figure.axes[0].texts[0].get_text() == "loss 0.25"


def test_units_have_a_panel_each_with_the_colour_of_their_type():
    figure = plotting.plot_units(RATES, LABELS, DT, [4, 0, 3], excitatory=EXCITATORY, **ALIGNED)
    panels = figure.axes[:3]
    assert [ax.get_title() for ax in panels] == ["unit 4 (I)", "unit 0 (E)", "unit 3 (E)"]
    types = [plotting.I_COLOR, plotting.E_COLOR, plotting.E_COLOR]
    assert [to_hex(ax.title.get_color()).upper() for ax in panels] == types
    for ax, k in zip(panels, (4, 0, 3), strict=True):
        for line, c in zip(curves(ax), np.argsort(LABELS), strict=True):
            np.testing.assert_array_equal(line.get_ydata(), RATES[MASK[:, c] > 0, c, k])
    assert plotting.plot_units(RATES, LABELS, DT, [2]).axes[0].get_title() == "unit 2"


@pytest.mark.parametrize(
    "draw",
    [
        ramps,
        lambda figure: plotting.plot_units(RATES, LABELS, DT, [1, 2], figure=figure),
        lambda figure: plotting.plot_outputs_grid({"a": OUTPUTS}, TARGETS, LABELS, DT, figure=figure),
    ],
)
def test_draws_into_the_figure_given(draw):
    figure = plt.figure(layout="constrained")
    assert draw(figure=figure) is figure
    assert plt.get_fignums() == [figure.number]
    figure.canvas.draw()


def test_inputs_are_not_written_to():
    arrays = [np.array(a) for a in (INPUTS, TARGETS, OUTPUTS, LABELS, SET, MASK, RATES)]
    before = [a.tobytes() for a in arrays]
    for a in arrays:
        a.flags.writeable = False
    plotting.plot_ramps(*arrays[:4], DT, set_step=arrays[4], mask=arrays[5])
    plotting.plot_units(arrays[6], arrays[3], DT, [0])
    plotting.plot_outputs_grid({"a": arrays[2]}, arrays[1], arrays[3], DT, mask=arrays[5])
    assert [a.tobytes() for a in arrays] == before


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: plotting.plot_ramps(INPUTS, TARGETS, OUTPUTS, LABELS, DT, channels=("context",)),
            "(T, C, n_in) with a name in `channels` for each of n_in; got shape (12, 3, 2) and 1 names",
        ),
        (
            lambda: plotting.plot_ramps(INPUTS, TARGETS[:-1], OUTPUTS, LABELS, DT),
            "`targets` must be (T, C) = (12, 3) or (T, C, 1); got shape (11, 3)",
        ),
        (
            lambda: plotting.plot_ramps(INPUTS, TARGETS, INPUTS, LABELS, DT),
            "`outputs` must be (T, C) = (12, 3) or (T, C, 1); got shape (12, 3, 2). From several outputs, pass one",
        ),
        (
            lambda: plotting.plot_ramps(INPUTS, TARGETS, OUTPUTS, LABELS[:2], DT),
            "`labels` must contain one level per trial, (3,); got (2,). Pass one trial of each condition",
        ),
        (lambda: ramps(set_step=3), "`set_step` must contain one step per trial, (3,); got ()"),
        (lambda: ramps(mask=MASK[:, 0]), "`mask` must be (T, C) = (12, 3); got (12,)"),
        (
            lambda: plotting.plot_ramps(INPUTS, TARGETS, OUTPUTS, LABELS, 0.0),
            "`dt` must be positive (ms); got 0.0",
        ),
        (
            lambda: plotting.plot_outputs_grid({}, TARGETS, LABELS, DT),
            "`outputs` must contain at least one network; got none",
        ),
        (
            lambda: plotting.plot_outputs_grid({"a": OUTPUTS, "b": OUTPUTS[1:]}, TARGETS, LABELS, DT),
            "`outputs['b']` must be (T, C) = (12, 3) or (T, C, 1); got shape (11, 3)",
        ),
        (
            lambda: plotting.plot_outputs_grid({"a": OUTPUTS}, TARGETS, LABELS, DT, errors={}),
            "`errors` must have one for each of `outputs`; got none for a",
        ),
        (
            lambda: plotting.plot_outputs_grid({"a": OUTPUTS}, TARGETS, LABELS, DT, columns=0),
            "`columns` must be at least 1; got 0",
        ),
        (lambda: plotting.plot_units(OUTPUTS, LABELS, DT, [0]), "`rates` must be (T, C, N), one trial per condition"),
        (lambda: plotting.plot_units(RATES, LABELS, DT, [0, 5]), "`units` must be indices in 0..4; got [0, 5]"),
        (lambda: plotting.plot_units(RATES, LABELS, DT, []), "`units` must be indices in 0..4; got []"),
        (
            lambda: plotting.plot_units(RATES, LABELS, DT, [0], excitatory=np.ones(5)),
            "`excitatory` must be bools, shape (N,) = (5,); got float64, shape (5,). From Dale signs, pass sign > 0",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        call()
    assert plt.get_fignums() == []
