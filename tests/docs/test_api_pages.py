"""Every public name is on an API page, and says what it takes and gives."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

import eicon

from .pages import DOCS

ROOMS = sorted(
    room
    for page in (DOCS / "api").glob("*.rst")
    for room in re.findall(r"^\.\. module:: (\S+)$", page.read_text("utf-8"), flags=re.M)
)
"""Rooms, and those of their files that have a name without underscore."""

# Say in a sentence what they take or give; sections may be added, and the name then taken out.
IN_A_SENTENCE = {
    "eicon.exchange": {
        *("from_xarray", "read_mat", "read_nwb", "to_numpy", "to_torch", "torch_rnn", "write_torch"),
    },
    "eicon.exchange.files": {"read_netcdf", "read_zarr", "write_netcdf", "write_zarr"},
    "eicon.pages": {"write_report"},
    "eicon.runs": {
        *("analyze_run", "create_run", "create_sweep", "open_run", "open_sweep", "parse_recipe", "read_recipe"),
        *("perturb_run", "read_condensation", "train_run"),
    },
    "eicon.reproduce.beiran2025": {"claims"},
    "eicon.reproduce.song2016": {"model_recipe", "rows", "summary", "train_models"},
}


def public(room):
    """Names that a room exports."""
    module = importlib.import_module(room)
    names = {name for name in dir(module) if not name.startswith("_")}
    return {name for name in names if not inspect.ismodule(getattr(module, name))}


def files_of(room):
    """Public files of a room: what the users of its functions need more rarely."""
    folder = Path(importlib.import_module(room).__file__).parent
    return {f"{room}.{path.stem}" for path in folder.glob("[!_]*.py") if "from ._" in path.read_text("utf-8")}


def listed(room):
    for page in (DOCS / "api").glob("*.rst"):
        text = page.read_text("utf-8")
        if f".. module:: {room}\n" in text:
            lists = re.findall(rf"\.\. eicon-api:: {re.escape(room)}\n\n((?:   .+\n)+)", text)
            return " ".join(lists).split()
    raise AssertionError(room)


def test_every_room_has_a_page():
    rooms = {f"eicon.{name}" for name in dir(eicon) if inspect.ismodule(getattr(eicon, name))} - {"eicon.reproduce"}
    rooms |= {"eicon.models.circuits", "eicon.reproduce.song2016", "eicon.reproduce.beiran2025"}
    assert set(ROOMS) == {"eicon", *rooms, *(file for room in rooms for file in files_of(room))}


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "eicon"])
def test_every_public_name_is_on_its_page_once(room):
    names = listed(room)
    assert len(names) == len(set(names))
    assert public(room) == set(names)


def test_headline_names_are_on_the_first_page():
    text = (DOCS / "api" / "index.rst").read_text("utf-8")
    for name in public("eicon"):
        assert f"`eicon.{name}`" in text, name


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "eicon"])
def test_functions_say_what_they_take_and_give(room):
    module = importlib.import_module(room)
    silent = set()
    for name in public(room):
        value = getattr(module, name)
        if inspect.isfunction(value) and says_too_little(value):
            silent.add(name)
    assert silent <= IN_A_SENTENCE.get(room, set())


def says_too_little(function):
    """Whether a parameter is not named, or a result neither described nor a class of eicon or a figure."""
    text, signature = inspect.getdoc(function) or "", inspect.signature(function)
    given = signature.return_annotation
    home = given if isinstance(given, str) else inspect.isclass(given) and given.__module__
    known = given is None or (bool(home) and home.startswith(("eicon", "matplotlib")))
    unnamed = [name for name in signature.parameters if not re.search(rf"\b{name}\b", text)]
    return bool(unnamed) or not (known or "Returns\n-------" in text)


def test_a_silent_function_is_found():
    def silent(rates, window):
        """Something about rates."""

    def half(rates) -> list:
        """Something about rates."""

    def well(rates) -> list:
        """Something about rates.

        Returns
        -------
        list
        """

    assert [says_too_little(f) for f in (silent, half, well)] == [True, True, False]


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "eicon"])
def test_public_classes_have_docstrings_of_their_own(room):
    module = importlib.import_module(room)
    for name in public(room):
        value = getattr(module, name)
        if inspect.isclass(value):
            assert value.__doc__, name
            assert not value.__doc__.startswith(f"{name}("), name
