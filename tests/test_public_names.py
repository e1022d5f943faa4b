"""The rooms stay small: names are counted as ``python -m studies.public_names`` does."""

import importlib.util
from pathlib import Path

import pytest

import eicon

ROOT = Path(__file__).parents[1]


def load_script():
    spec = importlib.util.spec_from_file_location("public_names", ROOT / "studies" / "public_names.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_rooms_have_fewer_than_220_names():
    found = load_script().public_names(ROOT / "eicon")
    rooms = [name for name in found if (ROOT / Path(*name.split("."))).is_dir()]
    assert 150 < sum(len(found[room]) for room in rooms) < 220


def test_names_are_those_that_a_module_has(tmp_path):
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "__init__.py").write_text(
        "from typing import Any\nfrom . import deep as deep\nfrom ._base import Task as Task\n"
        "if TYPE_CHECKING:\n    from ._base import Trial\n"
        "TASKS: dict = {}\n_HIDDEN = 1\ndef make():\n    from ._other import inner\n    local = 1\n"
    )
    assert load_script().public_names(tmp_path) == {"eicon.tasks": {"Task", "Trial", "TASKS", "make"}}


def test_a_name_of_another_package_is_pointed_to():
    with pytest.raises(AttributeError, match=r"has no attribute 'FlipFlop'\. Did you mean eicon\.tasks\.FlipFlop\?"):
        eicon.FlipFlop  # noqa: B018
