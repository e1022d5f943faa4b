"""The how-to of fitting recordings runs as it is printed, in fewer steps, and the null model does worse."""

import json
import re
import runpy
import shlex

import pytest
from click.testing import CliRunner

from eicon.cli import main
from eicon.runs import sweep_results

from .pages import DOCS, blocks_of

PAGE = DOCS / "howto" / "fit_recordings.md"
BLOCKS = blocks_of(PAGE)
SCRIPT = next(block.text for block in BLOCKS if block.language == "sh")
LEFT = (
    "fitted/fit.json",
    "fitted/fit.csv",
    "fitted/analysis.json",
    "fitted/report.html",
    "fitted/figures/traces.png",
    "fits/figures/unrecorded.png",
    "fits/runs/n_units=30,null=none/seed=0/network.npz",
)


def test_the_page_is_what_the_text_says():
    assert [block.file for block in BLOCKS if block.file] == ["make_session.py", "unrecorded.toml"]
    assert all(re.match(r"set -e|eicon |python make_session.py", line) for line in SCRIPT.splitlines())
    for picture in re.findall(r"!\[.*\]\((.*)\)", PAGE.read_text("utf-8")):
        assert (PAGE.parent / picture).stat().st_size > 10_000


@pytest.mark.battery
def test_the_page_runs_and_the_null_does_worse(tmp_path, monkeypatch):
    pytest.importorskip("pynwb")
    for block in BLOCKS:
        if block.file:
            text = block.text.replace("steps = 400", "steps = 120").replace("[0, 1, 2]", "[0]")
            (tmp_path / block.file).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    said = ""
    for line in SCRIPT.replace("--workers 1", "--workers 0").splitlines():
        if line.startswith("python "):
            runpy.run_path(line.split()[1])
        elif line.startswith("eicon "):
            done = CliRunner().invoke(main, shlex.split(line)[1:])
            assert done.exit_code == 0, f"{line}: {done.output}"
            said += done.stdout
    results = tmp_path / "results"
    for file in LEFT:
        assert (results / file).stat().st_size > 100, file
    assert "fit: session.nwb, 8 of 40 units, 68 trials, 22 held out, 2 inputs" in said
    assert "Fitted to 30 of 40 units (rate) in 68 trials of 75 steps of 20 ms, 22 trials held out" in said
    assert "  null: rewire, 8: " in said
    data = sweep_results(results / "fits").squeeze("seed")
    r, error = data["unrecorded_held_out_r"], 1 - data["unrecorded_held_out_r2"]
    for n in (8, 30):
        assert r.sel(null="none", n_units=n) > 0.4
        assert r.sel(null="none", n_units=n) > r.sel(null="rewire", n_units=n) + 0.2
        assert error.sel(null="none", n_units=n) < 0.5 * error.sel(null="rewire", n_units=n)
    measured = json.loads((results / "fitted" / "fit.json").read_text())["measures"]
    assert measured["recorded_held_out_r"] > 0.6
