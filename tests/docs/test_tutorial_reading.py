"""The tutorial "Reading someone else's network" runs as it is printed, and its seeds differ as the text says."""

import re

import numpy as np
import pytest

from .pages import DOCS, blocks_of
from .tutorials import run_tutorial

PAGE = DOCS / "tutorials" / "reading.md"
LEFT = ("theirs/report.html", "theirs/analysis.json", "theirs/run.json", "theirs/history.csv", "theirs/best.npz")


def test_blocks_are_found():
    blocks = blocks_of(PAGE)
    assert [block.file for block in blocks if block.file] == ["theirs.toml"]
    assert sum(block.language == "console" for block in blocks) == 4
    assert sum(block.language == "text" for block in blocks) == 2


@pytest.mark.battery
def test_the_page_runs(tmp_path, monkeypatch):
    names = run_tutorial(PAGE, monkeypatch, tmp_path, tolerance=0.01)
    for file in (*LEFT, "quick/index.html", "quick/figures/fig9_learning.png"):
        assert (tmp_path / file).stat().st_size > 100, file
    # "The direction of the effect survives ... Its size does not."
    rows = re.findall(
        r"^\| (\d)(?: \(theirs\))? \| ([\d.]+) \| ([\d.]+) \| [\d.]+ \| \d+ \|$", PAGE.read_text(), flags=re.M
    )
    assert [int(seed) for seed, _, _ in rows] == [*range(3, 9)]
    np.testing.assert_allclose(names["accuracies"], [float(row[1]) for row in rows], atol=0.06)
    assert min(names["ratios"]) > 1
    assert max(names["ratios"]) > 2 * np.median(names["ratios"])
    assert 1 < np.exp(names["low"]) < 2.7 < np.exp(names["high"])
    assert int(np.argmax(names["ratios"])) == int(np.argmax([float(row[2]) for row in rows])) == 1
