"""Files of figures: text that stays text, the same file twice, and the numbers beside them."""

import csv
import re
import zlib

import matplotlib.pyplot as plt
import numpy as np
import pytest

from eicon import analysis, plotting
from eicon.plotting._files import write_figure

RNG = np.random.default_rng(0)
COHERENCE = np.repeat([-6.0, -3.0, 3.0, 6.0], 20)
CURVE = analysis.psychometric(COHERENCE, (RNG.random(80) > 0.5 + COHERENCE / 20).astype(int))


def rows_of(path):
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def saved(tmp_path, form, **options):
    with plotting.style("paper"):
        figure = plotting.plot_psychometric(CURVE)
    (path,) = plotting.save_figures(tmp_path, {"curve": figure}, form=form, **options)
    return path


def test_type_in_pdf_is_truetype(tmp_path):
    content = saved(tmp_path, "pdf").read_bytes()
    streams = [
        zlib.decompress(one) for one in re.findall(rb"FlateDecode.*?stream\r?\n(.*?)\r?\nendstream", content, re.S)
    ]
    assert b"/CIDFontType2" in content
    assert not re.search(rb"/Subtype\s*/Type3", content + b"".join(streams))
    assert any(re.search(rb"BT\s.*T[jJ]", one, re.S) for one in streams)  # text is set, not drawn


def test_text_in_svg_is_text(tmp_path):
    text = saved(tmp_path, "svg").read_text("utf-8")
    assert ">fraction of choice 0</text>" in text
    assert "<dc:date>" not in text


@pytest.mark.parametrize("form", ["png", "pdf", "svg"])
def test_the_same_figure_makes_the_same_file(tmp_path, form):
    first = saved(tmp_path / "a", form)
    second = saved(tmp_path / "b", form)
    assert first.name == f"curve.{form}"
    assert first.read_bytes() == second.read_bytes()
    assert plt.get_fignums() == []


def test_the_style_and_dpi_decide_the_size_of_pictures(tmp_path):
    assert plt.imread(saved(tmp_path / "a", "png")).shape[1] == int(85 / 25.4 * 300)
    assert plt.imread(saved(tmp_path / "b", "png", dpi=100)).shape[1] == int(85 / 25.4 * 100)


def test_a_preview_lies_beside_what_no_page_can_show(tmp_path):
    saved(tmp_path, "pdf", preview=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curve.csv", "curve.pdf", "curve.png"]


@pytest.mark.unchecked
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"form": "jpg"}, "must be one of png, pdf, svg; got 'jpg'"),
        ({"form": "png", "dpi": 0}, "between 10 and 10000 dots per inch; got 0"),
    ],
)
def test_other_forms_are_refused_before_anything_is_written(tmp_path, options, said):
    with pytest.raises(ValueError, match=said):
        saved(tmp_path, **options)
    assert list(tmp_path.iterdir()) == []


def test_the_table_of_a_psychometric_curve_has_its_points(tmp_path):
    found = rows_of(saved(tmp_path, "png").with_suffix(".csv"))
    points = [row for row in found if row["mark"] == "interval"]
    np.testing.assert_allclose([float(row["x"]) for row in points], CURVE.levels)
    np.testing.assert_allclose([float(row["y"]) for row in points], CURVE.p, rtol=1e-6)
    low_high = [[float(row["lower"]), float(row["upper"])] for row in points]
    np.testing.assert_allclose(low_high, CURVE.ci, rtol=1e-5, atol=1e-9)
    assert {row["x_label"] for row in found} == {points[0]["x_label"]} != {""}
    assert {row["y_label"] for row in found} == {"fraction of choice 0"}
    curve = np.array([[float(row["x"]), float(row["y"])] for row in found if row["mark"] == "line"])
    np.testing.assert_allclose(CURVE.predict(curve[:, 0]), curve[:, 1], rtol=1e-4)
    assert [float(row["y"]) for row in found if row["mark"] == "horizontal line"] == [0.5]


def table(figure, tmp_path):
    write_figure(tmp_path / "one.png", figure)
    return rows_of(tmp_path / "one.csv")


def test_series_are_named_by_legends_bars_of_levels_and_dashes(tmp_path):
    courses = np.arange(12.0).reshape(2, 6)
    drawn = plotting.similarity.plot_outputs(
        courses, [600.0, 900.0], np.arange(6.0), targets=courses, label="interval", unit="ms"
    )
    named = {row["series"] for row in table(drawn, tmp_path)}
    assert named == {f"interval (ms) {level}{dash}" for level in (600, 900) for dash in ("", " (dashed)")}
    types = np.arange(9) < 6
    bars = table(
        plotting.similarity.plot_ramp_index(analysis.ramp_index(RNG.random((15, 4, 9)), 0, 15), types), tmp_path
    )
    counted = {name: [float(row["y"]) for row in bars if row["series"] == name] for name in ("excitatory (6)",)}
    assert sum(counted["excitatory (6)"]) == 6.0


def test_maps_bands_bars_and_names_of_places_are_written(tmp_path):
    figure, (left, right) = plt.subplots(1, 2)
    left.imshow(np.array([[1.0, np.nan], [3.0, 4.0]]), extent=(0.0, 20.0, 0.0, 2.0), origin="lower")
    left.set_title("map")
    right.bar([0, 1], [2.0, 5.0], label="units")
    right.set_xticks([0, 1], ["E", "I"])
    right.fill_between([0.0, 1.0], [1.0, 2.0], [3.0, 4.0], label="range")
    right.axvspan(2.0, 3.0)
    found = table(figure, tmp_path)
    cells = [[float(row[name]) for name in ("x", "y", "value")] for row in found if row["mark"] == "map"]
    assert cells == [[5.0, 0.5, 1.0], [5.0, 1.5, 3.0], [15.0, 1.5, 4.0]]
    assert {row["panel"] for row in found} == {"1: map", "2"}
    bars = [(row["series"], row["x_name"], float(row["y"])) for row in found if row["mark"] == "bar"]
    assert bars == [("units", "E", 2.0), ("units", "I", 5.0)]
    bands = [[float(row[name]) for name in ("x", "lower", "upper")] for row in found if row["mark"] == "band"]
    assert bands == [[0.0, 1.0, 3.0], [1.0, 2.0, 4.0]]
    assert [(row["lower"], row["upper"]) for row in found if row["mark"] == "span of x"] == [("2.0", "3.0")]


def test_a_large_matrix_is_named_and_not_written(tmp_path):
    figure, ax = plt.subplots()
    ax.imshow(np.zeros((400, 300)))
    (row,) = table(figure, tmp_path)
    assert (row["mark"], row["value"]) == ("map", "")
    assert "400 x 300 cells are too many" in row["series"]


def test_errors_across_are_intervals_of_x(tmp_path):
    figure, ax = plt.subplots()
    ax.errorbar([2.0], [1.0], xerr=[[0.5], [1.0]], label="delay")
    (row,) = table(figure, tmp_path)
    assert (row["series"], float(row["lower"]), float(row["upper"])) == ("delay", 1.5, 3.0)


def test_text_that_a_spreadsheet_would_run_is_quoted(tmp_path):
    figure, ax = plt.subplots()
    ax.plot([0, 1], [0, 1], label="=1+1")
    assert {row["series"] for row in table(figure, tmp_path)} == {"'=1+1"}
