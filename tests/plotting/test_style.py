"""Styles of figures: sizes in print, type, colours of the settings in force."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

from eicon import plotting
from eicon.plotting._parts import category_looks, level_colours
from eicon.plotting._style import angle_cmap, coherence_cmap, fit, foreground, neutral, panel_letters, reference

RATES = np.random.default_rng(0).random((20, 12))
TYPES = np.arange(12) < 9


def activity(**options):
    return plotting.plot_activity(RATES, TYPES, 20.0, **options)


@pytest.mark.parametrize(("name", "label", "ticks", "inches"), [("paper", 7, 7, 85 / 25.4), ("talk", 17, 16, 7.0)])
def test_styles_set_type_and_width(name, label, ticks, inches):
    before = dict(mpl.rcParams)
    with plotting.style(name):
        assert mpl.rcParams["font.size"] == ticks
        assert mpl.rcParams["figure.figsize"][0] == pytest.approx(inches)
        ax = activity()
    assert dict(mpl.rcParams) == before
    ax.figure.canvas.draw()  # ticks are made here, after the style
    assert ax.figure.get_size_inches()[0] == pytest.approx(inches)
    assert ax.xaxis.label.get_fontsize() == label
    assert {text.get_fontsize() for text in [*ax.get_xticklabels(), *ax.get_yticklabels()]} == {ticks}
    widths = {tick.tick1line.get_markeredgewidth() for tick in ax.xaxis.get_major_ticks()}
    assert len(widths) == 1


@pytest.mark.parametrize(
    ("inches", "mm"), [(3.0, 85), (4.0, 85), (4.4, 85), (5.0, 114), (5.9, 114), (6.2, 180), (12, 180)]
)
def test_a_figure_in_print_takes_the_column_in_which_its_type_has_room(inches, mm):
    figure = plt.figure(figsize=(inches, 3.0))
    with plotting.style("paper"):
        fit(figure)
    wide, high = figure.get_size_inches() * 25.4
    assert wide == pytest.approx(mm)
    assert high >= 0.75 * 3.0 * 25.4 - 1e-6


def test_no_figure_is_higher_than_a_page():
    figure = plt.figure(figsize=(4.0, 40.0))
    with plotting.style("paper"):
        fit(figure)
    assert figure.get_size_inches()[1] * 25.4 == pytest.approx(225)


def test_the_width_of_print_can_be_chosen():
    with plotting.style("paper", width=114):
        assert activity().figure.get_size_inches()[0] * 25.4 == pytest.approx(114)
        with plotting.style():
            assert activity().figure.get_size_inches()[0] * 25.4 == pytest.approx(114)
    assert activity().figure.get_size_inches()[0] == 4.0


def test_a_given_axes_keeps_its_size():
    figure, ax = plt.subplots(figsize=(5.0, 2.0))
    with plotting.style("paper"):
        activity(ax=ax)
    assert figure.get_size_inches().tolist() == [5.0, 2.0]


@pytest.mark.unchecked
@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"name": "poster"}, "`name` must be one of paper, talk, notebook; got 'poster'"),
        ({"name": "paper", "width": 100}, "`width` must be 85, 114 or 180"),
        ({"width": 85}, 'with the style "paper"; got 85 with "notebook"'),
    ],
)
def test_other_styles_are_refused(wanted, said):
    with pytest.raises(ValueError, match=said), plotting.style(**wanted):
        pass


def test_letters_of_panels_are_there_in_print_only():
    def letters(name):
        with plotting.style(name):
            _, axes = plt.subplots(1, 3)
            panel_letters(axes)
            panel_letters(axes[:1])  # one panel has no letter
        return [text.get_text() for ax in axes for text in ax.texts]

    assert letters("paper") == ["a", "b", "c"]
    assert letters("notebook") == letters("talk") == []


def test_greys_lie_between_the_colours_in_force():
    assert (foreground(), neutral(), reference()) == ("#000000", "#555555", "#999999")
    with plt.style.context("dark_background"):
        assert (foreground(), neutral(), reference()) == ("#ffffff", "#aaaaaa", "#666666")


def contrast(colour, ground):
    """Of the recommendation for readable pages: 1 to 21."""

    def light(one):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(one)]
        return np.dot(linear, (0.2126, 0.7152, 0.0722))

    high, low = sorted((light(colour), light(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_lines_show_on_a_dark_background():
    with plt.style.context("dark_background"):
        figure = plotting.plot_loss(np.linspace(2, 1, 20))
        bars = plotting.behaviour.plot_times(np.linspace(300, 500, 40))
        shown = [figure.axes[0].lines[-1].get_color(), *(patch.get_edgecolor() for patch in bars.patches)]
        assert to_hex(figure.get_facecolor()) == "#000000"
        assert min(contrast(colour, "#000000") for colour in shown) > 4.5
        unstable = activity().texts
        assert all(contrast(text.get_color(), "#000000") > 4.5 for text in unstable)


def test_angles_go_around_a_circle_and_other_levels_by_rank():
    levels = np.arange(0.0, 360.0, 45.0)
    around = level_colours(levels, "sample (deg)")
    np.testing.assert_allclose(around, angle_cmap()(levels / 360.0))
    near, far = np.abs(around[0] - around[-1]).sum(), np.abs(around[0] - around[4]).sum()
    assert near < 0.6 * far
    np.testing.assert_allclose(around, level_colours(np.deg2rad(levels), "sample (rad)"))
    np.testing.assert_allclose(level_colours(levels, "interval (ms)"), coherence_cmap()(np.linspace(0, 1, 8)))


def test_sixteen_categories_look_different():
    for n in (16, 40):
        assert len({tuple(sorted(look.items())) for look in category_looks(n)}) == n


def test_labels_carry_the_unit_that_was_given_and_no_other():
    courses = np.random.default_rng(1).normal(size=(4, 5, 2))
    ax = plotting.plot_pc_trajectories(courses, np.arange(4) * 90.0, label="sample (deg)")
    assert ax.child_axes[0].get_ylabel() == "sample (deg)"
    first = ax.lines[0].get_color()
    assert to_hex(first) == to_hex(angle_cmap()(0.0))


def test_many_units_are_a_matrix_and_nan_sets_no_scale():
    rates = np.random.default_rng(2).random((30, 200))
    rates[3, 5] = np.nan
    ax = plotting.plot_activity(rates, np.arange(200) < 160, 10.0)
    (image,) = ax.images
    assert image.get_array().shape == (200, 30)
    assert image.get_clim() == (0.0, pytest.approx(np.nanmax(rates)))
    assert np.ma.filled(image.get_array(), np.nan)[np.isnan(rates).any(0).argmax() :].size
    assert np.isnan(np.ma.filled(image.get_array(), np.nan)).sum() == 1
    assert [text.get_text() for text in ax.get_yticklabels()] == ["E (160)", "I (40)"]
    signed = plotting.plot_activity(rates - 0.5, None, 10.0).images[0]
    assert signed.get_clim()[0] == -signed.get_clim()[1]
