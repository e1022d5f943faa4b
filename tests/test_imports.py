"""Imports go one way, and importing eicon is cheap."""

import ast
import importlib
import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "eicon"

# What each room may import of eicon. Files beside the rooms (`_files.py` ...) are open to all and import none.
BELOW = {
    "analysis": set(),
    "connectomes": set(),
    "tasks": set(),
    "recordings": set(),
    "models": {"connectomes", "tasks"},
    "training": {"connectomes", "tasks", "recordings", "models"},
    "plotting": {"analysis"},
    "studies": {"connectomes", "tasks", "recordings", "models", "training", "analysis"},
    "exchange": {"connectomes", "tasks", "recordings", "models", "training", "analysis"},
}
BELOW["runs"] = {*BELOW["studies"], "studies", "plotting", "exchange"}
BELOW["pages"] = {*BELOW["runs"], "runs"}
BELOW["reproduce"] = {*BELOW["pages"], "pages"}
BELOW["cli"] = {*BELOW["reproduce"], "reproduce"}
ROOMS = tuple(BELOW)
OLD = ("experiments",)
"""Import paths of 0.1.0 that lead to the new ones; nothing of eicon takes them."""
FIGURES = {"matplotlib", "seaborn", "pandas", "plotly"}


def modules_imported(path: Path, root: Path = ROOT) -> set[str]:
    """Full names of all modules that a file, or the stub beside it, imports anywhere, relative imports resolved."""
    package = ["eicon", *path.relative_to(root).parent.parts]
    found = set()
    texts = [file.read_text(encoding="utf-8") for file in (path, path.with_suffix(".pyi")) if file.is_file()]
    for node in itertools.chain.from_iterable(ast.walk(ast.parse(text)) for text in texts):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *(node.module.split(".") if node.module else [])])
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def rooms_imported(path: Path, root: Path = ROOT) -> set[str]:
    """Rooms of eicon that a file uses; files beside the rooms do not count, other names do by themselves."""
    found = set()
    for name in modules_imported(path, root):
        parts = name.split(".")
        if parts[0] == "eicon" and not (len(parts) > 1 and parts[1].startswith("_")):
            found.add(parts[1] if len(parts) > 1 and parts[1] in (*ROOMS, *OLD) else "eicon")
    return found


def room_of(path: Path, root: Path = ROOT) -> str:
    first = path.relative_to(root).parts[0]
    return first if first in ROOMS else ""


def violations(root: Path = ROOT) -> list[str]:
    lines = []
    for path in sorted(root.rglob("*.py")):
        room, name = room_of(path, root), path.relative_to(root)
        if room:
            wrong = rooms_imported(path, root) - BELOW[room] - {room}
            lines += [f"{name} imports {other}" for other in sorted(wrong)]
        elif name.parts[0].startswith("_") and name.name not in ("__init__.py", "__main__.py"):
            lines += [f"{name} imports {other}" for other in sorted(rooms_imported(path, root))]
        if room != "plotting" and not (room == "reproduce" and name.name.startswith("_draw_")):
            figures = {module.split(".")[0] for module in modules_imported(path, root)} & FIGURES
            lines += [f"{name} imports {module}" for module in sorted(figures)]
    return lines


def graph(root: Path = ROOT) -> dict[str, set[str]]:
    """Files of eicon by name of module, and those that each imports, be it inside a function or for types alone."""
    files = {}
    for path in root.rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        files[".".join(["eicon", *(parts[:-1] if parts[-1] == "__init__" else parts)])] = path
    return {
        name: {found for found in (_file(module, files) for module in modules_imported(path, root)) if found} - {name}
        for name, path in files.items()
    }


def _file(module: str, files: dict[str, Path]) -> str | None:
    """File that a module or a name of it comes from: not the `__init__` of the packages that it lies in."""
    if module in files:
        return module
    home = module.rpartition(".")[0]
    return home if home in files else None


def circles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Sets of files that import each other, directly or through others: strongly connected components."""

    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            new = imports.get(waiting.pop(), set()) - seen
            seen |= new
            waiting += new
        return seen

    reach = {name: reachable(name) for name in imports}
    found = {frozenset(other for other in reach[name] if name in reach[other]) for name in imports}
    return sorted(sorted(circle) for circle in found if circle)


def test_imports_go_one_way():
    assert violations() == []


def test_there_is_no_circle():
    assert circles(graph()) == []


def test_a_circle_is_found(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("")
    (tmp_path / "models" / "__init__.pyi").write_text("from ._a import f as f\n")
    (tmp_path / "models" / "_a.py").write_text("from ._b import g\n")
    (tmp_path / "models" / "_b.py").write_text("def g():\n    from ._c import h\n")
    (tmp_path / "models" / "_c.py").write_text("if TYPE_CHECKING:\n    from ._a import f\n")
    assert circles(graph(tmp_path)) == [["eicon.models._a", "eicon.models._b", "eicon.models._c"]]


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("tasks/_new.py", "from ..models import RateRNN", "tasks/_new.py imports models"),
        ("tasks/_new.py", "from .. import models", "tasks/_new.py imports models"),
        ("tasks/_new.py", "import eicon.models._noise", "tasks/_new.py imports models"),
        ("models/_new.py", "def f():\n    from ..training import Trainer", "models/_new.py imports training"),
        ("models/_new.py", "from ..analysis import pca", "models/_new.py imports analysis"),
        ("analysis/_new.py", "from eicon.models import verify", "analysis/_new.py imports models"),
        ("analysis/_new.py", "from eicon import RateRNN", "analysis/_new.py imports eicon"),
        ("analysis/deep/_new.py", "from ...tasks import Trial", "analysis/deep/_new.py imports tasks"),
        ("analysis/_new.py", "import matplotlib.pyplot as plt", "analysis/_new.py imports matplotlib"),
        ("models/_new.py", "import pandas", "models/_new.py imports pandas"),
        ("runs/_new.py", "from matplotlib.axes import Axes", "runs/_new.py imports matplotlib"),
        ("reproduce/new/_new.py", "import matplotlib.pyplot as plt", "reproduce/new/_new.py imports matplotlib"),
        ("training/_new.py", "import plotly.graph_objects", "training/_new.py imports plotly"),
        ("plotting/_new.py", "from ..models import RateRNN", "plotting/_new.py imports models"),
        ("training/_new.py", "from ..studies import dt_report", "training/_new.py imports studies"),
        ("studies/_new.py", "from ..runs import open_run", "studies/_new.py imports runs"),
        ("studies/_new.py", "from ..plotting import plot_loss", "studies/_new.py imports plotting"),
        ("runs/_new.py", "from ..pages import write_report", "runs/_new.py imports pages"),
        ("pages/_new.py", "from ..reproduce import song2016", "pages/_new.py imports reproduce"),
        ("reproduce/new/_new.py", "from ...cli import main", "reproduce/new/_new.py imports cli"),
        ("runs/_new.py", "from ..experiments import run", "runs/_new.py imports experiments"),
        ("_files.py", "from .models import load", "_files.py imports models"),
    ],
)
def test_a_wrong_import_is_found(file, line, complaint, tmp_path):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"import numpy\nfrom .._files import save_arrays\n{line}\n" if "/" in file else line)
    assert violations(tmp_path) == [complaint]


IMPORTS = """
import importlib, json, sys
found = {}
def note(stage):
    found[stage] = sorted({name.partition(".")[0] for name in sys.modules} | {"matplotlib.pyplot"} & set(sys.modules))
def use(room):
    module = importlib.import_module(room)
    for name in module.__all__:
        getattr(module, name)
import eicon; note("eicon")
import eicon.cli; note("eicon.cli")
from click.testing import CliRunner
assert CliRunner().invoke(eicon.cli.main, ["--help"]).exit_code == 0; note("help")
use("eicon.analysis"); note("eicon.analysis")
import matplotlib as mpl
before = mpl.rcParams.copy()  # which leaves an unresolved backend alone; dict() would resolve it
use("eicon.plotting"); note("eicon.plotting")
found["settings of matplotlib stay"] = mpl.rcParams.copy() == before
import numpy as np, jax, brainpy
state, before = np.random.get_state()[1].tobytes(), dict(jax.config.values)
for room in ("models", "tasks", "training", "studies", "exchange", "runs", "pages", "reproduce.song2016"):
    use(f"eicon.{room}")
found["random state stays"] = np.random.get_state()[1].tobytes() == state
found["settings of JAX changed"] = [name for name, value in jax.config.values.items() if before.get(name) != value]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def imported():
    """Which packages are there after using all names of one room after the other in a new process, and what changed."""
    done = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("stage", "heavy"),
    [
        ("eicon", {"brainpy", "jax", "matplotlib", "seaborn", "pandas"}),
        ("eicon.cli", {"brainpy", "jax", "matplotlib", "seaborn", "pandas"}),
        ("help", {"brainpy", "jax", "matplotlib", "numpy", "pydantic"}),
        ("eicon.analysis", {"brainpy", "jax", "matplotlib", "seaborn"}),
        ("eicon.plotting", {"brainpy", "jax", "matplotlib.pyplot", "plotly"}),
    ],
)
def test_importing_is_cheap(imported, stage, heavy):
    assert heavy & set(imported[stage]) == set()


def test_importing_chooses_no_backend_and_no_settings_of_figures(imported):
    assert "matplotlib.pyplot" not in imported["eicon.plotting"]
    assert imported["settings of matplotlib stay"]


def test_a_file_that_imports_from_its_own_room_is_in_a_circle(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("")
    (tmp_path / "models" / "__init__.pyi").write_text("from ._a import f as f\n")
    (tmp_path / "models" / "_a.py").write_text("from . import g\n")
    assert circles(graph(tmp_path)) == [["eicon.models", "eicon.models._a"]]


STUBS = sorted(ROOT.rglob("__init__.pyi"))


def test_every_room_has_a_stub():
    rooms = {path.parent for path in ROOT.rglob("__init__.py")} - {
        *(ROOT / name for name in ("cli", "experiments", "connectomes/data"))
    }
    assert {path.parent for path in STUBS} == rooms


@pytest.mark.parametrize("stub", STUBS, ids=lambda stub: stub.parent.name)
def test_names_of_a_room_are_those_that_type_checkers_know(stub):
    room = importlib.import_module(".".join(["eicon", *stub.parent.relative_to(ROOT).parts]))
    nodes = ast.parse(stub.read_text(encoding="utf-8")).body
    assert {type(node) for node in nodes} == {ast.ImportFrom}
    assert all(alias.asname == alias.name for node in nodes for alias in node.names)
    assert sorted(alias.name for node in nodes for alias in node.names) == dir(room) == sorted(room.__all__)
    for name in dir(room):
        assert getattr(room, name) is not None
    with pytest.raises(AttributeError, match=f"module '{room.__name__}' has no attribute 'nothing'"):
        _ = room.nothing


def test_importing_every_room_leaves_no_trace(imported):
    """No global random state is touched and no JAX setting changed."""
    assert imported["random state stays"]
    assert imported["settings of JAX changed"] == []
