"""The tutorial "Starting from an experiment" runs as it is printed, and the wiring predicts more than its null."""

import re

import numpy as np
import pytest

from .pages import DOCS, blocks_of
from .tutorials import run_tutorial

PAGE = DOCS / "tutorials" / "experiment.md"


def test_blocks_are_found():
    blocks = blocks_of(PAGE)
    assert [block.file for block in blocks if block.file] == ["make_files.py"]
    assert sum(block.language == "python" for block in blocks) == 6
    assert sum(block.language == "text" for block in blocks) == 2


@pytest.mark.battery
def test_the_page_runs(tmp_path, monkeypatch):
    names = run_tutorial(PAGE, monkeypatch, tmp_path, tolerance=0)
    for file in ("session.npz", "wiring.csv", "cells.csv", "traces.png"):
        assert (tmp_path / file).stat().st_size > 100, file
    # "unrecorded neurons R2 0.52, r 0.77"
    numbers = names["numbers"]
    assert numbers["recorded_held_out_r2"] > 0.6
    assert 0.2 < numbers["unrecorded_held_out_r2"] < names["others"] < 1
    assert numbers["unrecorded_held_out_r"] > 0.6
    # "better in all five pairs"
    rows = re.findall(r"^\| (\d) \| (-?[\d.]+) \| (-?[\d.]+) \|$", PAGE.read_text("utf-8"), flags=re.M)
    shown = np.array(rows, float)[:, 1:]
    assert (np.array(names["r"]["wiring"]) > np.array(names["r"]["null"]) + 0.1).all()
    np.testing.assert_allclose(
        np.mean([names["r"]["wiring"], names["r"]["null"]], axis=1), shown.mean(axis=0), atol=0.15
    )
    assert names["answer"].p == 1 / 16
    net, wiring = names["net"], names["wiring"]
    assert (np.asarray(net.W_rec)[wiring.weights == 0] == 0).all()
