"""Figures and animations of small circuits, and what is written of them."""

import base64
import io
import itertools
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.animation import FuncAnimation
from matplotlib.colors import to_hex
from PIL import Image

from eicon import plotting

pytestmark = pytest.mark.battery

TIME = np.arange(1, 121) * 0.5
V = -72.3 + 10 * np.sin(TIME / 5.0)
SPIKES = np.isin(np.arange(120), (30, 80))
V[(np.arange(120) >= 30) & (np.arange(120) <= 50)] = -72.3
PATH = np.stack([np.sin(TIME / 9), np.cos(TIME / 7)], axis=1)
INPUTS = np.where(np.arange(120)[:, None] < 60, [[1.0, -0.5]], 0.0)
MODES = np.array([[1.0, 1.0], [1.0, -1.0]]) / np.sqrt(2)
OUTPUTS = np.abs(np.stack([np.sin(TIME / 8 + k) for k in range(4)], axis=1)) * 0.9
PHASES = (np.arange(120) // 15) % 3
ANGLES = -np.pi + 2 * np.pi * np.arange(24) / 24
PLACE = 0.15 * TIME
ACTIVITY = np.exp(3 * (np.cos(ANGLES - PLACE[:, None]) - 1))

PLOTS = {
    "membrane": lambda: plotting.circuits.plot_membrane(TIME, V, SPIKES).figure,
    "two_neurons": lambda: (
        plotting.circuits.plot_two_neurons(PATH, eigenvectors=MODES, names=("sum", "difference")).figure
    ),
    "respiration": lambda: plotting.circuits.plot_respiration(TIME, OUTPUTS, phases=PHASES, title="three-phase"),
    "ring": lambda: plotting.circuits.plot_ring(TIME, ACTIVITY, angle=PLACE, center=PLACE - 0.2).figure,
}
MOVING = {
    "membrane": lambda **options: plotting.circuits.animate_membrane(TIME, V, SPIKES, window=20.0, **options),
    "two_neurons": lambda **options: plotting.circuits.animate_two_neurons(
        TIME, PATH, INPUTS, eigenvectors=MODES, **options
    ),
    "respiration": lambda **options: plotting.circuits.animate_respiration(
        TIME, OUTPUTS, phases=PHASES, window=20.0, **options
    ),
    "ring": lambda **options: plotting.circuits.animate_ring(TIME, ACTIVITY, angle=PLACE, **options),
}


def show(animation, frame):
    """Draw one picture, as a viewer would."""
    figure = animation._fig
    figure.canvas.draw()  # starts it, with the first picture
    animation._draw_frame(frame)
    figure.canvas.draw()
    return figure


def legend_texts(holder):
    return [text.get_text() for text in holder.get_texts()]


@pytest.mark.parametrize("name", PLOTS)
def test_figures_change_no_settings_and_cut_nothing_off(name):
    before = dict(mpl.rcParams)
    figure = PLOTS[name]()
    figure.canvas.draw()
    assert dict(mpl.rcParams) == before
    assert figure.get_size_inches()[0] * figure.dpi == pytest.approx(600)
    box, page = figure.get_tightbbox(), figure.get_size_inches()
    assert min(box.x0, box.y0) >= -0.01
    assert box.x1 <= page[0] + 0.01
    assert box.y1 <= page[1] + 0.01


@pytest.mark.parametrize("name", MOVING)
def test_every_picture_fits_and_settings_stay(name):
    before = dict(mpl.rcParams)
    animation = MOVING[name](frames=5)
    assert isinstance(animation, FuncAnimation)
    assert animation._save_count == 5
    for frame in (0, 2, 4):
        figure = show(animation, frame)
        box, page = figure.get_tightbbox(), figure.get_size_inches()
        assert min(box.x0, box.y0) >= -0.01
        assert box.x1 <= page[0] + 0.01
        assert box.y1 <= page[1] + 0.01
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", MOVING)
def test_draws_into_the_figure_given(name):
    figure = plt.figure()
    animation = MOVING[name](frames=2, figure=figure)
    assert show(animation, 1) is figure
    assert plt.get_fignums() == [figure.number]


def test_spikes_are_drawn_with_overshoot_and_recovery():
    drawn = plotting.circuits.spike_shape(TIME, V, SPIKES, peak=40.0, undershoot=12.0, recovery=5.0)
    assert (drawn[SPIKES] == 40.0).all()
    for spike in (30, 80):
        for later in range(1, 25):
            dip = 12.0 * max(0.0, 1 - later * 0.5 / 5.0)
            assert drawn[spike + later] == pytest.approx(V[spike + later] - dip)
    np.testing.assert_array_equal(drawn[:30], V[:30])
    np.testing.assert_array_equal(plotting.circuits.spike_shape(TIME, V, np.zeros(120, bool)), V)


def test_membrane_shows_trace_threshold_rest_and_rate():
    ax = plotting.circuits.plot_membrane(TIME, V, SPIKES, V_threshold=-50.0, V_rest=-70.0)
    trace, threshold, rest = ax.lines
    np.testing.assert_array_equal(trace.get_ydata(), plotting.circuits.spike_shape(TIME, V, SPIKES))
    assert threshold.get_ydata() == [-50.0, -50.0]
    assert rest.get_ydata() == [-70.0, -70.0]
    assert legend_texts(ax.get_legend()) == ["threshold", "rest"]
    assert ax.get_legend().get_title().get_text() == "33.3 spikes/s"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (ms)", "membrane potential (mV)")


def test_membrane_scrolls_to_the_end():
    animation = MOVING["membrane"](frames=5)
    ax = show(animation, 4).axes[0]
    assert ax.get_xlim() == pytest.approx((40.0, 60.6))
    assert ax.lines[-1].get_xydata()[0].tolist() == pytest.approx(
        [60.0, plotting.circuits.spike_shape(TIME, V, SPIKES)[-1]]
    )
    show(animation, 0)
    assert ax.get_xlim() == pytest.approx((0.5, 21.1))
    assert ax.lines[0].get_xdata()[-1] == 20.5


def test_plane_shows_path_and_modes():
    ax = plotting.circuits.plot_two_neurons(PATH, eigenvectors=MODES, names=("sum", "difference"))
    path = ax.lines[-1]
    np.testing.assert_array_equal(path.get_xydata(), PATH)
    for line, mode in zip((ax.lines[2], ax.lines[3]), MODES.T, strict=True):
        along = np.diff(line.get_xydata(), axis=0)[0]
        assert abs(along @ mode) == pytest.approx(np.linalg.norm(along))
    assert legend_texts(ax.get_legend()) == ["sum", "difference"]
    assert ax.get_aspect() == 1.0
    assert ax.get_xlim()[1] > np.abs(PATH).max()
    assert plotting.circuits.plot_two_neurons(PATH).get_legend() is None


def test_point_and_arrow_are_where_rates_and_inputs_are():
    animation = plotting.circuits.animate_two_neurons(TIME, PATH, INPUTS, trail=10.0, frames=120)
    left, right = show(animation, 40).axes
    behind, point = left.lines[-2:]
    assert point.get_xydata()[0].tolist() == PATH[40].tolist()
    np.testing.assert_array_equal(behind.get_xydata(), PATH[20:41])
    arrow, tip = right.lines[-2:]
    assert arrow.get_xydata().tolist() == [[0.0, 0.0], [1.0, -0.5]]
    assert tip.get_xydata().tolist() == [[1.0, -0.5]]
    assert right.get_title() == f"{TIME[40]:.0f} ms"
    show(animation, 100)
    assert right.lines[-1].get_xydata().tolist() == [[0.0, 0.0]]


def test_respiration_has_a_panel_each_and_tints_the_phases():
    figure = plotting.circuits.plot_respiration(TIME, OUTPUTS, phases=PHASES, title="three-phase")
    assert [ax.get_ylabel() for ax in figure.axes] == ["pre-I", "early-I", "post-I", "aug-E"]
    colours = [to_hex(ax.lines[0].get_color()).upper() for ax in figure.axes]
    assert colours[0] == plotting.E_COLOR
    assert colours[1] == plotting.I_COLOR
    assert len(set(colours)) == 4
    for ax, signal in zip(figure.axes, OUTPUTS.T, strict=True):
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), signal)
        spans = sorted((p.get_x(), p.get_x() + p.get_width(), to_hex(p.get_facecolor()).upper()) for p in ax.patches)
        assert len(spans) == 8
        for k, (start, stop, colour) in enumerate(spans):
            assert start == TIME[15 * k]
            assert stop == TIME[min(15 * (k + 1), 119)]
            assert colour == colours[1 + k % 3]
    (legend,) = figure.legends
    assert legend_texts(legend) == ["inspiration", "post-inspiration", "late expiration"]
    assert legend.get_title().get_text() == "three-phase"
    assert figure.axes[-1].get_xlabel() == "time (ms)"
    assert not plotting.circuits.plot_respiration(TIME, OUTPUTS).legends


def test_respiration_scrolls_with_a_dot_on_each_line():
    animation = MOVING["respiration"](frames=3)
    axes = show(animation, 2).axes
    assert axes[0].get_xlim() == pytest.approx((40.0, 60.0))
    for ax, signal in zip(axes, OUTPUTS.T, strict=True):
        assert ax.lines[-1].get_xydata()[0].tolist() == pytest.approx([60.0, signal[-1]])
    show(animation, 0)
    assert axes[0].get_xlim() == pytest.approx((0.5, 20.5))


def test_ring_shows_units_at_their_angles_and_breaks_paths_at_the_seam():
    ax = plotting.circuits.plot_ring(TIME, ACTIVITY, angle=PLACE, center=PLACE - 0.2, label="u")
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), ACTIVITY.T)
    left, right, bottom, top = image.get_extent()
    middles = bottom + (np.arange(24) + 0.5) * (top - bottom) / 24
    np.testing.assert_allclose(middles, ANGLES, atol=1e-12)
    assert (left, right) == pytest.approx((0.25, 60.25))
    given, centre = ax.lines
    shown = given.get_ydata()
    jumps = np.flatnonzero(np.isnan(shown))
    assert jumps.size == np.count_nonzero(np.abs(np.diff((PLACE + np.pi) % (2 * np.pi))) > np.pi) == 1
    rest = ~np.isnan(shown)
    np.testing.assert_allclose(np.exp(1j * shown[rest]), np.exp(1j * PLACE[rest]))
    assert legend_texts(ax.get_legend()) == ["input", "bump"]
    assert centre.get_linestyle() == "--"
    assert ax.get_ylabel() == "angle (rad)"


def test_ring_animation_bulges_where_the_activity_is():
    animation = MOVING["ring"](frames=120)
    circle, flat = show(animation, 70).axes
    outline = circle.lines[1].get_xydata()
    radius = np.hypot(*outline.T)
    np.testing.assert_allclose(radius[:-1], 1 + 0.6 * ACTIVITY[70] / ACTIVITY.max())
    largest = outline[np.argmax(radius)]
    assert np.arctan2(largest[1], largest[0]) == pytest.approx(ANGLES[np.argmax(ACTIVITY[70])])
    outside = circle.lines[2].get_xydata()[0]
    assert np.arctan2(outside[1], outside[0]) == pytest.approx((PLACE[70] + np.pi) % (2 * np.pi) - np.pi)
    np.testing.assert_array_equal(flat.lines[0].get_ydata()[:-1], ACTIVITY[70])
    assert flat.lines[1].get_xdata()[0] == pytest.approx((PLACE[70] + np.pi) % (2 * np.pi) - np.pi)
    hidden = plotting.circuits.animate_ring(TIME, ACTIVITY, frames=2)
    assert np.isnan(show(hidden, 1).axes[1].lines[1].get_xdata()).all()


@pytest.mark.parametrize("ending", [".gif", ".webp"])
def test_pictures_in_a_file_are_all_there_and_move(ending, tmp_path):
    path = plotting.circuits.save_animation(MOVING["ring"](frames=4), tmp_path / f"new/ring{ending}", fps=10)
    assert plt.get_fignums() == []
    assert [p.name for p in path.parent.iterdir()] == [f"ring{ending}"]
    with Image.open(path) as image:
        assert image.n_frames == 4
        pictures = []
        for frame in range(4):
            image.seek(frame)
            pictures.append(np.asarray(image.convert("RGB"), dtype=float))
        assert image.info["duration"] == 100
    assert pictures[0].shape == (280, 560, 3)
    assert (pictures[0][:3, :3] == 255).all(), "white stays white"
    assert all(np.abs(one - other).max() > 50 for one, other in itertools.pairwise(pictures))


def test_page_needs_nothing_from_elsewhere(tmp_path):
    path = plotting.circuits.save_animation(MOVING["two_neurons"](frames=3), tmp_path / "two.html", fps=10)
    page = path.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert 'charset="utf-8"' in page
    assert not re.search(r"https?:|<link|<script src|import|url\(", page)
    pictures = re.findall(r'"([A-Za-z0-9+/=]{200,})"', page)
    assert len(pictures) == 3
    with Image.open(io.BytesIO(base64.b64decode(pictures[1]))) as image:
        assert image.size == (560, 300)
        assert image.convert("RGB").getpixel((1, 1)) == (255, 255, 255)
    assert re.search(r'type="range" min="0" max="2"', page)
    assert "}, 100);" in page, "ten pictures a second"
    (name,) = re.findall(r'<div id="([^"]+)"', page)
    assert f'getElementById("{name}")' in page
    assert plt.get_fignums() == []


def test_notebooks_are_shown_the_page_once():
    shown = plotting.circuits.inline(MOVING["ring"](frames=2))
    assert shown._repr_html_() == str(shown)
    assert "<script" in shown
    assert shown == plotting.circuits.inline(MOVING["ring"](frames=2)), "the same each time"
    assert shown[:40] != plotting.circuits.inline(MOVING["ring"](frames=3))[:40], "a name for each"
    assert re.fullmatch(r"<animation, \d\.\d MB of HTML>", repr(shown))
    assert plt.get_fignums() == []


def test_a_failing_animation_leaves_the_old_file(tmp_path):
    path = tmp_path / "ring.gif"
    path.write_bytes(b"old")
    figure = plt.figure()

    def fail(frame):
        if frame:
            raise RuntimeError("no picture")

    with pytest.raises(RuntimeError, match="no picture"):
        plotting.circuits.save_animation(FuncAnimation(figure, fail, frames=2, init_func=list), path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["ring.gif"]


def test_other_endings_and_a_missing_ffmpeg_are_said_in_words(tmp_path, monkeypatch):
    animation = MOVING["ring"](frames=2)
    with pytest.raises(ValueError, match=r"`path` must end in .html, .gif, .webp or .mp4; got 'ring.avi'."):
        plotting.circuits.save_animation(animation, tmp_path / "ring.avi")
    monkeypatch.setattr("matplotlib.animation.writers.is_available", lambda name: name != "ffmpeg")
    with pytest.raises(ValueError, match=r".mp4 needs ffmpeg, which is not installed here; .html, .gif and .webp work"):
        plotting.circuits.save_animation(animation, tmp_path / "ring.mp4")
    assert not list(tmp_path.iterdir())
    show(animation, 0)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: plotting.circuits.plot_membrane(TIME, V[:5], SPIKES),
            "must have one shape (T,), T >= 2; got (120,), (5,) and",
        ),
        (
            lambda: plotting.circuits.spike_shape([1.0], [1.0], [0]),
            "`time`, `V` and `spikes` must have one shape (T,), T >= 2",
        ),
        (
            lambda: plotting.circuits.plot_two_neurons(PATH[:, :1]),
            "`v` must have shape (T, 2); got (120, 1). Pass one trial.",
        ),
        (
            lambda: plotting.circuits.plot_two_neurons(PATH, eigenvectors=MODES, names=("a",)),
            "`eigenvectors` must have shape (2, 2), columns, and `names` two entries or none; got (2, 2) and 1.",
        ),
        (
            lambda: plotting.circuits.animate_two_neurons(TIME[:9], PATH, INPUTS),
            "`time`, `v` and `inputs` must have equally many steps; got (9,), 120, 120.",
        ),
        (
            lambda: plotting.circuits.plot_respiration(TIME, OUTPUTS[:, :3]),
            "`outputs` must have shape (T, 4) and `phases` (T,) with T = 120",
        ),
        (
            lambda: plotting.circuits.plot_respiration(TIME, OUTPUTS, phases=PHASES[:4]),
            "got (120, 4), (4,) and 4 names.",
        ),
        (
            lambda: plotting.circuits.plot_ring(TIME[:5], ACTIVITY),
            "`time` must be one time per step, (120,), at least two; got",
        ),
        (
            lambda: plotting.circuits.plot_ring(TIME, ACTIVITY[:, :2]),
            "`activity` must have shape (T, N) with N >= 3 units",
        ),
        (
            lambda: plotting.circuits.plot_ring(TIME, ACTIVITY, angle=PLACE[:7]),
            "`angle` and `center` must have shape (T,)",
        ),
        (
            lambda: plotting.circuits.animate_ring(TIME, ACTIVITY, angle=PLACE[:7]),
            "`angle` must have shape (T,) = (120,)",
        ),
        (
            lambda: plotting.circuits.animate_ring(TIME[:4], ACTIVITY),
            "`time` must be one time per step, (120,); got shape (4,).",
        ),
        (lambda: plotting.circuits.animate_ring(TIME, ACTIVITY, frames=1), "`frames` must be at least 2; got 1."),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call()
    assert text in str(caught.value)
