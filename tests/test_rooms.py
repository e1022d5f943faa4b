"""Each room of eicon holds what its name says."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "eicon"

OF_NO_ANALYSIS = {
    *("_activity", "_connectivity", "_connectome", "_eye", "_overview", "_ramps"),  # trials, weights
    *("_wiring_diagram", "_wiring_layout"),  # weights
    *("_choices", "_fitted", "_perturb", "_profiles", "_recording", "_stiffness", "_sweep"),  # of studies, files
    *("circuits", "_circuits", "_circuit_motion"),  # simulations of `models.circuits`
    *("_animation", "_files", "_numbers", "_parts", "_style"),  # what figures are made with
    "_fixed_points_page",  # the figures of `_fixed_points` once more, in the browser
}
"""Files of `plotting` that belong to no file of `analysis`."""


def names(room: Path) -> set[str]:
    return {path.stem for path in room.glob("*.py")} - {"__init__"}


def astray(root: Path = ROOT) -> list[str]:
    """Files of `plotting` without a file of `analysis` of that name, and exceptions that are none any more."""
    figures, analyses = names(root / "plotting"), names(root / "analysis")
    return sorted(figures - analyses - OF_NO_ANALYSIS) + sorted(OF_NO_ANALYSIS & analyses)


def file_handling(path: Path) -> set[str]:
    """What a source file uses to read or write files."""
    used: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            used |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            used |= {(node.module or "").partition(".")[0], *(alias.name for alias in node.names)}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            used.add(node.func.id)
        elif isinstance(node, ast.Attribute):
            used.add(node.attr)
    return used & {"open", "os", "io", "pathlib", "shutil", "tempfile", "_files", "Path", "load", "save", "tofile"}


def test_plotting_mirrors_analysis():
    assert astray() == []
    assert names(ROOT / "plotting") >= OF_NO_ANALYSIS


@pytest.mark.parametrize(
    ("analysis", "plotting", "found"),
    [
        ("_tuning", "_tuning", []),
        ("_tuning", "_tunings", ["_tunings"]),
        ("_tuning", "_style", []),
        ("_eye", "_eye", ["_eye"]),
    ],
)
def test_a_figure_astray_is_found(analysis, plotting, found, tmp_path):
    for room, name in (("analysis", analysis), ("plotting", plotting)):
        (tmp_path / room).mkdir()
        (tmp_path / room / f"{name}.py").touch()
    assert astray(tmp_path) == found


def test_tests_of_figures_mirror_the_figures():
    tests = {path.stem.removeprefix("test") for path in Path(__file__).parent.glob("plotting/test_*.py")}
    assert tests - names(ROOT / "plotting") == {"_art_editor", "_plotting"}  # of the whole room


@pytest.mark.parametrize("room", ["analysis", "studies"])
def test_rooms_of_pure_functions_touch_no_files(room):
    assert {path.name: found for path in (ROOT / room).rglob("*.py") if (found := file_handling(path))} == {}


def test_file_handling_is_found(tmp_path):
    path = tmp_path / "one.py"
    path.write_text("from pathlib import Path\nfrom ..models import load\nPath('a').open()\nopen('b')\n")
    assert file_handling(path) == {"pathlib", "Path", "load", "open"}
