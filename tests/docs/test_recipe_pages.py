"""Recipes on pages are recipes, the page of choices says what its recipe does, and no old name is forgotten."""

import importlib
import re
import warnings

import pytest

from eicon.runs import parse_recipe
from eicon.runs._explain import explanation
from eicon.runs._start import keys_page

from ..test_moved import GONE, ROOMS
from .pages import DOCS, blocks_of, pages

BLOCKS = [
    (page, block)
    for page in pages()
    for block in blocks_of(page)
    if block.language == "toml" and "brighter.py:" not in block.text and "session.nwb" not in block.text
]
CHOICES = next(block for page, block in BLOCKS if page.name == "choices.md")
OLD = (DOCS / "coming_from_0_1.md").read_text("utf-8")


def as_recipe(text):
    return parse_recipe(text if text.startswith("format") else f"format = 2\n{text}", "block")


@pytest.mark.parametrize(("page", "block"), BLOCKS, ids=lambda part: getattr(part, "stem", "block"))
def test_recipe_of_a_page_is_one(page, block):
    recipe = as_recipe(block.text)
    assert recipe.completed().n_cells == recipe.n_cells
    recipe.cell(0).check_network()


def test_every_key_has_a_row_with_a_meaning():
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*) \|$", keys_page(), flags=re.M)
    assert len(rows) > 90
    assert {"null", "density", "symmetrise", "penalties", "stop_loss", "warm_start"} <= {name for name, *_ in rows}
    for name, kind, _, means in rows:
        assert re.fullmatch(r"[A-Z0-9\"`].*[.]", means), (name, means)
        assert kind, name
        assert "``" not in means, (name, means)


def test_choices_are_explained_as_48_runs():
    recipe = as_recipe(CHOICES.text)
    said = explanation(recipe)
    assert said.n_runs == 48
    assert said.headline.startswith("48 runs of 120 steps of 16 trials, 302 units")
    assert list(recipe.grid) == [
        *("connectome.density", "connectome.symmetrise", "connectome.signs", "connectome.null", "seed")
    ]


def test_the_values_that_leave_a_connectome_as_it_is_do_so():
    recipe = as_recipe(CHOICES.text)
    as_it_is = recipe.cell(0).make_connectome()
    none = recipe.with_changes({"connectome.density": 0.5, "connectome.symmetrise": "none", "connectome.null": "none"})
    left_out = parse_recipe('format = 2\n[network]\nkind = "connectome"').make_connectome()
    for other in (left_out, none.cell(0).make_connectome()):
        assert (as_it_is.weights == other.weights).all()
    sparse = recipe.with_changes({"connectome.density": 0.02}).cell(0).make_connectome()
    assert sparse.n_connections == round(0.02 * 302 * 301)


@pytest.mark.battery
def test_a_cell_of_the_choices_trains():
    recipe = as_recipe(CHOICES.text)
    _, net, trainer = recipe.cell(recipe.n_cells - 1).make()
    history = trainer.fit(60, validate_every=20, progress=False)
    assert net.n_rec == 302
    assert history.validation_loss[-1] < 0.7 * history.validation_loss[0]


def rows_of(room):
    """Names on the page by where they are now, in the section of a room of 0.1.0."""
    section = OLD.partition(f"### `{room}`\n")[2].partition("\n### ")[0]
    found = {}
    for home, names in re.findall(r"^\| (`[\w.]+`|no longer public) \| (.+) \|$", section, flags=re.M):
        found |= dict.fromkeys(re.findall(r"`(\w+)`", names), home.strip("`"))
    return found


@pytest.mark.parametrize("room", list(ROOMS))
def test_every_old_name_is_unchanged_or_on_the_page(room):
    module, said = importlib.import_module(room), rows_of(room)
    expected = {}
    for name in set(ROOMS[room]) - GONE.get(room, set()):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            getattr(module, name)
        if caught:
            new = re.search(r"is now (\S+);", str(caught[0].message))
            home = "no longer public" if new is None else new[1].removesuffix(f".{name}")
            expected[name] = home
    assert said == expected
    for name in GONE.get(room, ()):
        assert f"`{name}`" in OLD.partition("### `eicon.training` and `eicon.models`: removed")[2]


def test_keys_of_format_1_are_those_of_the_page():
    from eicon.runs._format1 import _MOVED

    section = OLD.partition("| format 1 | recipe |")[2].partition("\n\n")[0]
    for old, new in _MOVED.items():
        table, _, name = old.partition(".")
        assert re.search(rf"`(?:{table}\.)?{name}\b", section), old
        assert not new or re.search(rf"`(?:{new.partition('.')[0]}\.)?{new.partition('.')[2]}\b", section), new
