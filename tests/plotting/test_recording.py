import matplotlib.pyplot as plt
import numpy as np
import pytest

from eicon.plotting._recording import MOST_TRIALS, plot_recording
from eicon.recordings import Recording

RNG = np.random.default_rng(0)
T, B, M = 30, 60, 8
TIME = -100 + np.arange(T) * 20.0
PEAKS = np.linspace(0, 400, M)
SIDE = np.where(np.arange(B) % 3 == 0, "left", "right")
LENGTHS = np.where(np.arange(B) % 2, T, 20)


@pytest.fixture(scope="module")
def recording():
    course = np.exp(-((TIME[:, None] - PEAKS[::-1]) ** 2) / 5000)
    activity = course[:, None] * (1 + (SIDE == "left")[:, None]) + 0.1 * RNG.normal(size=(T, B, M))
    activity[:, :, 3] = np.nan
    conditions = {"number": np.arange(B), "side": SIDE, "level": np.arange(B) % 4 / 4}
    mask = np.arange(T)[:, None] < LENGTHS
    return Recording(activity, 20, units=list("abcdefgh"), mask=mask, conditions=conditions, start=-100)


def panels(figure):
    return {ax.get_title(loc="left"): ax for ax in figure.axes}


def test_all_units_are_shown_by_their_peaks(recording):
    figure = plot_recording(recording, since="go")
    image = figure.axes[0].images[0].get_array()
    assert image.shape == (M - 1, T)  # one unit was never observed
    peaks = np.argmax(np.ma.filled(image, 0), axis=1)
    assert (np.diff(peaks) >= 0).all()
    assert figure.axes[0].get_xlabel() == "time since go (ms)"
    assert [title for title in panels(figure) if title.startswith("unit ")] == ["unit f", "unit e", "unit c"]


def test_thick_lines_are_means_of_conditions(recording):
    figure = plot_recording(recording)
    title, ax = next((title, ax) for title, ax in panels(figure).items() if title.startswith("unit "))
    unit = recording.units.index(title[-1])
    labelled = {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}
    assert list(labelled) == ["left", "right"]
    for level, line in labelled.items():
        expected = np.nanmean(recording.activity[:, level == SIDE, unit], axis=1)
        np.testing.assert_allclose(line.get_ydata(), expected)
    thin = [line for line in ax.lines if line.get_linewidth() < 0.5]
    assert len(thin) == B / 2 <= MOST_TRIALS
    assert figure.legends[0].get_title().get_text() == "side"


def test_bars_are_as_long_as_trials(recording):
    ax = panels(plot_recording(recording, by="level"))["lengths of trials"]
    bars = {round(bar.get_y() + bar.get_height() / 2): bar for bar in ax.patches}
    assert [bars[trial].get_width() for trial in range(B)] == (LENGTHS * 20.0).tolist()
    assert {bar.get_x() for bar in bars.values()} == {-100.0}
    assert len({bar.get_facecolor() for bar in bars.values()}) == 4


def test_without_conditions_there_is_no_legend():
    figure = plot_recording(Recording(RNG.random((5, 2, 1)), 10.0, observed="calcium", decay=100))
    assert not figure.legends
    assert "calcium (a.u.)" in {ax.get_ylabel() for ax in figure.axes}
    plt.close(figure)


def test_trials_of_one_step_are_drawn():
    figure = plot_recording(Recording(RNG.random((1, 4, 2)), 10.0))
    figure.draw_without_rendering()
    plt.close(figure)


@pytest.mark.parametrize("by", ["nothing", "number"])
def test_a_condition_of_many_levels_has_no_colours(by, recording):
    text = rf"`by` must be a condition of 1 to 6 levels; got '{by}'. There are: number \(60 levels\), side \(2 levels\)"
    with pytest.raises(ValueError, match=text):
        plot_recording(recording, by=by)
