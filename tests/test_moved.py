"""What could be imported from eicon 0.1.0 can still be imported, with a warning where it has moved."""

import importlib
import inspect
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

pytestmark = pytest.mark.battery

OLD = Path(__file__).parent / "data" / "names_0.1.0.txt"


def old_names():
    rooms = {}
    for line in OLD.read_text("utf-8").splitlines():
        if heading := re.fullmatch(r"\[(.+)\]", line):
            names = rooms.setdefault(heading[1], [])
        elif not line.startswith("#"):
            names += line.split()
    return rooms


ROOMS = old_names()

GONE = {
    "eicon.models": {"CONSTANTS", "Constraint", "Parameters", "RateEquation", "build"},
    "eicon.training": {"EpochTrainer", "EpochHistory", "HessianFreeHistory"},
}
"""Parts of the closed equation of 0.1.0, in place of which there are `Network` and its weights; and of trainers, of
which there is one now."""


def test_the_list_is_whole():
    assert sum(len(names) for names in ROOMS.values()) == 380


@pytest.mark.parametrize("room", list(ROOMS))
def test_old_names_are_there_or_say_where_they_are(room):
    module = importlib.import_module(room)
    for name in ROOMS[room]:
        if name in GONE.get(room, ()):
            assert not hasattr(module, name)
            continue
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value = getattr(module, name)
        assert value is not None, name
        if name in dir(module) and not room.startswith("eicon.experiments"):
            assert caught == [], name
            continue
        (warning,) = caught
        assert warning.category is DeprecationWarning
        old = re.escape(f"{room}.{name}")
        said = re.fullmatch(
            rf"{old} (is no longer public|is now (?P<new>\S+)); the old path will be removed in 0\.3\.0\.",
            str(warning.message),
        )
        assert said, warning.message
        if said["new"]:
            home, _, new = said["new"].rpartition(".")
            with warnings.catch_warnings(action="error"):
                assert getattr(importlib.import_module(home), new) is value
            assert new in dir(importlib.import_module(home))


def test_what_is_no_longer_public_is_nowhere_public():
    """A name whose warning gives no new path must not have one."""
    public = {}
    for room in ("analysis", "connectomes", "exchange", "models", "models.circuits", "plotting", "tasks", "training"):
        module = importlib.import_module(f"eicon.{room}")
        for file in [module, *(getattr(module, name) for name in dir(module))]:
            if inspect.ismodule(file) and file.__name__.startswith("eicon."):
                public |= {name: file.__name__ for name in dir(file) if not name.startswith("_")}
    for room in ROOMS:
        module = importlib.import_module(room)
        for name in set(ROOMS[room]) - GONE.get(room, set()):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                value = getattr(module, name)
            if caught and "is no longer public" in str(caught[0].message) and name in public:
                assert getattr(importlib.import_module(public[name]), name) is not value, name


def test_old_paths_work_in_import_statements():
    code = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "import eicon, eicon.analysis\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    eicon.analysis.PCA, eicon.experiments.Run\n"
        "print({warning.filename for warning in caught}, len(caught))\n"
        "from eicon.analysis import PCA, weibull\n"
        "from eicon.experiments import open_run\n"
        "from eicon.experiments.song2016 import Row\n"
        "from eicon.models import Perturbation\n"
        "print(eicon.experiments.open_run is open_run, PCA is eicon.analysis.results.PCA)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["{'<string>'}", "2", "True", "True"]


def test_nothing_else_is_there():
    import eicon.experiments

    with pytest.raises(AttributeError, match=r"module 'eicon\.experiments' has no attribute 'nothing'"):
        _ = eicon.experiments.nothing
