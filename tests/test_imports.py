"""Imports go one way, and importing eicon is cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "eicon"
ROOMS = ("connectomes", "models", "tasks", "training", "analysis", "plotting", "exchange", "experiments")

# What each room may import of eicon; `_files` is open to all.
ALLOWED = {
    "connectomes": set(),
    "tasks": set(),
    "analysis": set(),
    "models": {"connectomes", "tasks"},
    "training": {"connectomes", "tasks", "models"},
    "plotting": {"analysis"},
    "exchange": {"connectomes", "tasks", "models"},
    "experiments": set(ROOMS) | {"eicon"},
}
COMMAND = ("cli", "__main__.py")
FIGURES = {"matplotlib", "seaborn", "pandas", "plotly"}


def modules_imported(path: Path, root: Path = ROOT) -> set[str]:
    """Full names of all modules that a file imports anywhere, relative imports resolved."""
    package = ["eicon", *path.relative_to(root).parent.parts]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *(node.module.split(".") if node.module else [])])
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def rooms_imported(path: Path, root: Path = ROOT) -> set[str]:
    """Rooms of eicon that a file uses; a name of the package itself counts as "eicon"."""
    found = set()
    for name in modules_imported(path, root):
        parts = name.split(".")
        if parts[0] == "eicon":
            found.add(parts[1] if len(parts) > 1 and parts[1] in (*ROOMS, "_files") else "eicon")
    return found


def violations(root: Path = ROOT) -> list[str]:
    lines = []
    for path in sorted(root.rglob("*.py")):
        room = path.relative_to(root).parts[0]
        if room in ROOMS:
            wrong = rooms_imported(path, root) - ALLOWED[room] - {room, "_files"}
            lines += [f"{path.relative_to(root)} imports {name}" for name in sorted(wrong)]
        elif path.name == "_files.py":
            lines += [f"_files.py imports {name}" for name in sorted(rooms_imported(path, root))]
        elif room not in COMMAND and "experiments" in rooms_imported(path, root):
            lines.append(f"{path.name} imports experiments")
        if room not in COMMAND and "eicon.cli" in {n[:9] for n in modules_imported(path, root)}:
            lines.append(f"{path.relative_to(root)} imports cli")
        if room not in ("plotting", "experiments"):
            figures = {name.split(".")[0] for name in modules_imported(path, root)} & FIGURES
            lines += [f"{path.relative_to(root)} imports {name}" for name in sorted(figures)]
    return lines


def test_imports_go_one_way():
    assert violations() == []


def test_experiments_leave_drawing_to_the_plotting_room():
    """Closing or saving a figure is theirs, the drawing libraries themselves are not."""
    for path in (ROOT / "experiments").rglob("*.py"):
        assert not {name.split(".")[0] for name in modules_imported(path)} & {"seaborn", "pandas", "plotly"}, path


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("tasks/_new.py", "from ..models import RateRNN", "tasks/_new.py imports models"),
        ("tasks/_new.py", "from .. import models", "tasks/_new.py imports models"),
        ("tasks/_new.py", "import eicon.models._noise", "tasks/_new.py imports models"),
        ("models/_new.py", "def f():\n    from ..training import Trainer", "models/_new.py imports training"),
        ("analysis/_new.py", "from eicon.models import verify", "analysis/_new.py imports models"),
        ("analysis/_new.py", "from eicon import RateRNN", "analysis/_new.py imports eicon"),
        ("analysis/deep/_new.py", "from ...tasks import Trial", "analysis/deep/_new.py imports tasks"),
        ("analysis/_new.py", "import matplotlib.pyplot as plt", "analysis/_new.py imports matplotlib"),
        ("models/_new.py", "import pandas", "models/_new.py imports pandas"),
        ("training/_new.py", "import plotly.graph_objects", "training/_new.py imports plotly"),
        ("plotting/_new.py", "from ..models import RateRNN", "plotting/_new.py imports models"),
        ("training/_new.py", "from ..experiments import run", "training/_new.py imports experiments"),
        ("__init__.py", "from .experiments import run", "__init__.py imports experiments"),
        ("_files.py", "from .models import load", "_files.py imports models"),
        ("experiments/_new.py", "from ..cli import main", "experiments/_new.py imports cli"),
    ],
)
def test_a_wrong_import_is_found(file, line, complaint, tmp_path):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"import numpy\nfrom .._files import save_arrays\n{line}\n" if "/" in file else line)
    assert violations(tmp_path) == [complaint]


@pytest.mark.parametrize("module", ["eicon", "eicon.cli"])
def test_importing_is_cheap(module):
    heavy = {"brainpy", "jax", "matplotlib", "seaborn", "pandas"}
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_headline_names_are_those_declared_for_type_checkers():
    import eicon

    tree = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8"))
    declared = {
        a.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level for a in node.names
    }
    assert declared <= set(dir(eicon))
    for name in dir(eicon):
        assert getattr(eicon, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = eicon.nothing


def test_importing_every_room_leaves_no_trace():
    """No global random state is touched and no JAX setting changed."""
    code = (
        "import numpy as np, jax, brainpy\n"
        "state = np.random.get_state()[1].tobytes(); before = dict(jax.config.values)\n"
        "import eicon.models, eicon.tasks, eicon.training, eicon.analysis, eicon.plotting, eicon.exchange\n"
        "changed = [k for k, v in jax.config.values.items() if before.get(k) != v]\n"
        "print(np.random.get_state()[1].tobytes() == state, changed)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "[]"]
