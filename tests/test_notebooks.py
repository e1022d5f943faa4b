"""Every notebook runs from top to bottom in a directory of its own, and holds the outputs that its text speaks of."""

import ast
import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

QUICK = "EICON_QUICK"
"""Variable that makes notebooks small: everything runs, little is learned."""

# Cell by cell, as Jupyter does: there is no file that a process started by a notebook could import again.
RUN = """
import json, pathlib, sys
space = {"__name__": "__main__"}
for number, cell in enumerate(json.loads(pathlib.Path(sys.argv[1]).read_text("utf-8"))["cells"]):
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), f"cell {number}", "exec"), space)
"""

ALLOWED = {"eicon", "matplotlib", "numpy"} | set(sys.stdlib_module_names)
UNAVOIDABLE = {
    "01_train_and_read": {"brainpy"},  # the published example is in BrainPy
    "07_own_task_own_connectome": {"jax"},  # a task of one's own is written in JAX
    "08_cluster": {"dask"},  # its LocalCluster stands for a real one
}
LARGEST, LARGEST_ANIMATED = 400_000, 900_000
PLACE = re.compile(r"(?:/(?:home|root|tmp|work|Users|private)/|[A-Z]:\\\\)\S*")
LINK = re.compile(r"\]\((\.\./[^)#]+)")

STORED = {
    "01_train_and_read": (
        "the example: 50 of 50 units send weights of both signs",
        "here: 0 of 50 units send weights of both signs",
        "the example: correlation of two trials 1.00",
        "here: correlation of two trials 0.00",
        "Dale's law, masks and fixed weights hold: True",
    ),
    "04_fixed_points": ("'saddle-1': 12, 'saddle-2': 6, 'saddle-3': 1, 'stable': 8",),
    "06_song2016_figures": ("[DOES NOT HOLD] Tuning changes", "[holds] All eight sequences are executed"),
    "07_own_task_own_connectome": ("accuracy 100.0% after", "constraints hold: True"),
    "08_cluster": ("15 of 15 runs are finished; those from before were left alone: True", "the same bits: True"),
}
"""Stored outputs that the text of a notebook builds on."""


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def code_cells(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def output_text(notebook: dict) -> str:
    """What was printed, and the values that cells ended with."""
    parts = []
    for output in (output for cell in code_cells(notebook) for output in cell["outputs"]):
        parts += output.get("text", []), output.get("data", {}).get("text/plain", [])
    return "\n".join("".join(part) for part in parts)


def imported(notebook: dict) -> set[str]:
    """Packages that a notebook imports."""
    found = set()
    for node in ast.walk(ast.parse("\n".join("".join(cell["source"]) for cell in code_cells(notebook)))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def complaints(notebook: dict, name: str = "") -> list[str]:
    """What is wrong about the form of a notebook."""
    first = notebook["cells"][0]
    lines = [] if first["cell_type"] == "markdown" and first["source"][0].startswith("# ") else ["no title"]
    foreign = imported(notebook) - ALLOWED - UNAVOIDABLE.get(name, set())
    lines += [f"imports {package}" for package in sorted(foreign)]
    cells = code_cells(notebook)
    counts = [cell["execution_count"] for cell in cells]
    if counts != list(range(1, len(cells) + 1)):
        lines.append(f"executed in the order {counts}")
    outputs = [output for cell in cells for output in cell["outputs"]]
    if not any("image/png" in output.get("data", {}) for output in outputs):
        lines.append("no figures")
    lines += ["an error" for output in outputs if output["output_type"] == "error"]
    lines += ["warnings" for output in outputs if output.get("name") == "stderr"]
    lines += [f"the path {place}" for place in PLACE.findall(output_text(notebook))]
    animated = any("text/html" in output.get("data", {}) for output in outputs)
    size = len(json.dumps(notebook, indent=1))
    if size > (LARGEST_ANIMATED if animated else LARGEST):
        lines.append(f"{size} bytes")
    return lines


@pytest.mark.battery
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(path)],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "agg", QUICK: "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir()), "a notebook leaves nothing behind where it runs"


def test_there_are_notebooks():
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05", "05", "05", "05", "06", "07", "08"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_notebook_is_in_order(path):
    assert complaints(read(path), path.stem) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_lead_somewhere(path):
    text = "".join(line for cell in read(path)["cells"] if cell["cell_type"] == "markdown" for line in cell["source"])
    assert [link for link in LINK.findall(text) if not (FOLDER / link).exists()] == []


@pytest.mark.parametrize("name", STORED)
def test_stored_outputs_are_those_of_the_text(name):
    text = output_text(read(FOLDER / f"{name}.ipynb"))
    assert [line for line in STORED[name] if line not in text] == []


def test_condensing_went_as_its_text_says():
    text = output_text(read(FOLDER / "03_condensing.ipynb"))
    merge, subset = (
        {int(size): float(error) for size, error in re.findall(r"(\d+): ([\d.]+)", line)}
        for line in re.findall(r"^(?:merge look-alikes|subset) .*: .*$", text, re.MULTILINE)
    )
    assert merge[90] > 0.1 > 0.06 > subset[20], "merging loses the behaviour, and a fifth of the units keeps it"
    row = r"^(original|merged|subset|subset, matched) +(\d+) +[\d.]+ +[\d.]+ +([\d.]+) +([\d.]+)$"
    last = {name: (int(size), float(ramps)) for name, size, ramps, _ in re.findall(row, text, re.MULTILINE)}
    assert {name: size for name, (size, _) in last.items()} == {
        "original": 100,
        "merged": 50,
        "subset": 20,
        "subset, matched": 20,
    }
    assert last["merged"][1] > last["original"][1] > max(last["subset"][1], last["subset, matched"][1])


def test_own_task_and_connectome_take_forty_lines():
    """Of the cells up to the training: no imports, no docstring, no print."""
    cells = code_cells(read(FOLDER / "07_own_task_own_connectome.ipynb"))
    end = next(i for i, cell in enumerate(cells) if ".fit(" in "".join(cell["source"]))
    source = "\n".join("".join(cell["source"]) for cell in cells[1 : end + 1])
    lines = [line.strip() for line in source.splitlines() if line.strip()]
    assert 30 < len([line for line in lines if not line.startswith(("#", '"""', "print("))]) <= 40


def with_output(notebook: dict, **output) -> dict:
    code_cells(notebook)[-1]["outputs"].append(output)
    return notebook


def with_source(notebook: dict, source: str) -> dict:
    code_cells(notebook)[-1]["source"] = [source]
    return notebook


def with_count(notebook: dict, count: int | None) -> dict:
    code_cells(notebook)[0]["execution_count"] = count
    return notebook


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda n: with_source(n, "import jax"), "imports jax"),
        (lambda n: with_source(n, "def f():\n    from pandas.io import json"), "imports pandas"),
        (lambda n: with_count(n, 2), "executed in the order [2]"),
        (lambda n: with_count(n, None), "executed in the order [None]"),
        (lambda n: with_output(n, output_type="error", ename="ValueError"), "an error"),
        (lambda n: with_output(n, output_type="stream", name="stderr", text=["Warning\n"]), "warnings"),
        (lambda n: with_output(n, output_type="stream", name="stdout", text=["in /Users/me/x\n"]), "/Users/me/x"),
        (lambda n: with_output(n, output_type="display_data", data={"text/plain": "x" * LARGEST}), "bytes"),
        (lambda n: code_cells(n)[0].update(outputs=[]) or n, "no figures"),
        (lambda n: {"cells": n["cells"][1:]}, "no title"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(change, complaint):
    picture = {"output_type": "display_data", "data": {"image/png": "iVBO", "text/plain": ["<Figure>"]}}
    sound = {
        "cells": [
            {"cell_type": "markdown", "source": ["# Why?"]},
            {"cell_type": "code", "execution_count": 1, "source": ["import os, eicon.tasks"], "outputs": [picture]},
        ]
    }
    assert complaints(sound) == []
    (found,) = complaints(change(copy.deepcopy(sound)))
    assert complaint in found
