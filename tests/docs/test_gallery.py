"""The page of all figures: complete, drawn by what it says, and compared with the last release."""

import json
import re
from pathlib import Path

import click
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from eicon import plotting
from eicon.cli import main
from studies import gallery

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = DOCS / "images" / "gallery"
PAGE = (DOCS / "gallery.md").read_text("utf-8")
MOVING = ("neuron", "two_neurons", "respiration", "ring")
ELSEWHERE = {"demo": "analyze", "reproduce song2016": "docs/results/song2016.md"}
ELSEWHERE |= {"recording show": "docs/howto/fit_recordings.md", "reproduce beiran2025": "docs/results/beiran2025.md"}
"""Commands whose figures are those of another one, or on a page of their own."""


def test_every_figure_of_a_function_has_a_picture_beside_its_call():
    calls = gallery.calls()
    assert len(calls) >= 50
    missing = [name for name in calls if f"(images/gallery/{name}.png)\n\n`{calls[name]}`" not in PAGE]
    assert missing == []


def test_every_command_that_draws_is_on_the_page():
    def drawing(group, before=()):
        for name, command in group.commands.items():
            if isinstance(command, click.Group):
                yield from drawing(command, (*before, name))
            elif "style" in {one.name for one in command.params} and not command.hidden:
                yield " ".join((*before, name))

    shown = {line.removeprefix("eicon ") for line in re.findall(r"`(eicon [^`]+)`", PAGE)}
    missing = [name for name in drawing(main) if name not in ELSEWHERE and not any(s.startswith(name) for s in shown)]
    assert missing == []


def test_pictures_are_those_of_the_page():
    shown = re.findall(r"\(images/gallery/([^)]+)\)", PAGE)
    assert len(shown) == len(set(shown))
    assert set(shown) == {path.name for path in PICTURES.glob("*.png")}
    assert sum(path.stat().st_size for path in PICTURES.glob("*.png")) < 6e6
    sheets = [name for name in shown if name.startswith("_")]
    for grey in (name for name in sheets if name.startswith("_grey")):
        with Image.open(PICTURES / grey) as picture:
            levels = np.asarray(picture.convert("RGB"))
        assert (levels == levels[..., :1]).all()
    assert len(sheets) >= 2


@pytest.mark.parametrize(("moved", "changed"), [(0, False), (40, True)])
def test_a_change_is_told_from_the_same_picture_drawn_again(tmp_path, moved, changed):
    for folder, shift in (("before", 0), ("after", moved)):
        figure, ax = plt.subplots(figsize=(4.0, 3.0))
        ax.fill_between([0, 30], [0, 30], color="black")
        ax.plot(np.arange(100), np.arange(100) + shift)
        if shift:
            ax.fill_between([0, 100], [100, 100], color="black")
        plotting.save_figures(tmp_path / folder, {"one": figure})
    found = gallery.changes(tmp_path / "before", tmp_path / "after")
    assert ("one" in found) == changed
    sheet = gallery.beside(tmp_path / "before", tmp_path / "after", list(found))
    assert (sheet is not None) == changed


def test_new_and_lost_figures_are_changes(tmp_path):
    for folder, names in (("before", "ab"), ("after", "bc")):
        (tmp_path / folder).mkdir()
        for name in names:
            Image.new("RGB", (48, 30), "white").save(tmp_path / folder / f"{name}.png")
    assert gallery.changes(tmp_path / "before", tmp_path / "after") == {"c": "new", "a": "gone"}
    sheet = gallery.beside(tmp_path / "before", tmp_path / "after", ["a", "c"])
    assert sheet.width == 2 * gallery.WIDTH + 30


@pytest.mark.battery
def test_functions_draw_what_the_page_shows(tmp_path, record_property):
    """A difference is a decision: it is reported, and `make gallery` shows both; a figure that is lost is refused."""
    drawn = gallery.draw_functions(tmp_path)
    (tmp_path / "small").mkdir()
    for picture in drawn:
        gallery.small(picture.files["notebook"]).save(tmp_path / "small" / f"{picture.name}.png")
    functions = {path.stem for path in PICTURES.glob("[!_]*.png")} & set(gallery.calls())
    found = gallery.changes(PICTURES, tmp_path / "small")
    found = {name: how for name, how in found.items() if name in functions or how == "new"}
    record_property("changed figures", json.dumps(found))
    assert {name for name, how in found.items() if how in ("new", "gone")} == set()


@pytest.mark.battery
def test_a_small_gallery_is_drawn_by_the_command(tmp_path):
    assert gallery.main(["--quick", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "docs" / "gallery.md").read_text("utf-8")
    assert set(re.findall(r"!\[([a-z_]+)\]", text)) == {"activity", "loss", "show_celegans", *MOVING}
    assert "`eicon connectomes show celegans`" in text
    assert (tmp_path / "docs" / "images" / "gallery" / "_grey_1.png").is_file()
