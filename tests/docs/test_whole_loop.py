"""The whole loop of the how-to page runs as it is printed, and its network is that of the text in Python."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import eicon

from .pages import DOCS, blocks_of, importable

PAGE = DOCS / "howto" / "whole_loop.md"
BLOCKS = blocks_of(PAGE)
SCRIPT = next(block.text for block in BLOCKS if block.language == "sh")
PYTHON = next(block.text for block in BLOCKS if block.language == "python" and not block.file)

LEFT = (
    "sweep/figures/choices.png",
    "sweep/figures/losses.csv",
    "sweep/runs/null=none/seed=0/analysis.json",
    "sweep/runs/null=none/seed=0/figures/fixed_points.png",
    "sweep/runs/null=none/seed=0/report.html",
    "sweep/runs/null=none/seed=1/network.npz",
    "sweep/runs/null=rewire/seed=1/network.npz",
    "small/network.npz",
    "small/compare/seed=0/compare.html",
    "compared/compare.html",
    "small/export/numpy/weights.npz",
    "small/explore.html",
)


def test_the_page_is_what_the_text_says():
    assert [block.file for block in BLOCKS if block.file] == ["areas.csv", "brighter.py", "recipe.toml"]
    assert all(line == "set -e" or line.startswith("eicon ") for line in SCRIPT.splitlines())
    assert len(PYTHON.splitlines()) <= 25


@pytest.mark.battery
def test_whole_loop_runs(tmp_path, monkeypatch):
    for block in BLOCKS:
        if block.file:
            (tmp_path / block.file).write_text(block.text, "utf-8")
    surroundings = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    done = subprocess.run(
        ["sh", "-c", SCRIPT], cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("4 runs of 400 steps of 16 trials, 40 units")
    for file in LEFT:
        assert (tmp_path / file).stat().st_size > 100, file
    assert eicon.load(tmp_path / "small" / "network.npz").n_rec == 20

    monkeypatch.chdir(tmp_path)
    importable(monkeypatch, tmp_path, PAGE)
    names = {"__name__": "__main__"}
    exec(compile(PYTHON, PAGE.name, "exec"), names)  # noqa: S102
    net, same = names["net"], names["same"]
    for matrix in ("W_rec", "W_in", "W_out"):
        np.testing.assert_array_equal(getattr(net, matrix), getattr(same, matrix))
    np.testing.assert_array_equal(net.b_rec, same.b_rec)
    other = eicon.load("sweep/runs/null=none/seed=0/network.npz")
    assert (other.W_rec != same.W_rec).any()  # the null model is another network
