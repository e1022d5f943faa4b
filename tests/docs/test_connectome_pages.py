"""Pages about connectomes run as printed, and do what the text around the code says."""

import ast
import shutil
from pathlib import Path

import numpy as np
import pytest

from eicon.connectomes import Connectome

from .pages import DOCS, blocks_of, run_page

BIO2ART = Path(__file__).parents[3] / "shared" / "connectomes" / "bio2art"
pytestmark = pytest.mark.battery


def test_own_connectome(tmp_path, monkeypatch):
    names = run_page(DOCS / "howto/own_connectome.md", monkeypatch, tmp_path)
    assert names["neurons"].n == 40
    assert names["counted"].recurrent.raw.shape == (8,)


def test_null_models(tmp_path, monkeypatch, finished_sweep):
    shutil.copytree(finished_sweep.path, tmp_path / "results" / "bio")
    names = run_page(DOCS / "howto/null_models.md", monkeypatch, tmp_path)
    assert {type(wiring) for wiring in names["wirings"].values()} == {Connectome}
    assert type(names["net"].recurrent).__name__ == "Edges"
    for wiring in names["wirings"].values():
        assert wiring.names == names["larva"].names
        assert wiring.n_connections == names["larva"].n_connections


def test_optic_lobe(tmp_path, monkeypatch):
    names = run_page(DOCS / "howto/optic_lobe.md", monkeypatch, tmp_path)
    assert sum(v.size for v in names["net"].trainable_variables().values()) == 604 + 65 + 65 + 16
    assert names["history"]["loss"][-1] < names["history"]["loss"][0]
    assert (tmp_path / "columns.png").stat().st_size > 1000


@pytest.mark.skipif(not BIO2ART.is_dir(), reason="needs the files of bio2art in ../shared")
def test_ten_lines_from_a_connectome_to_selective_neurons(tmp_path, monkeypatch, capsys):
    page = DOCS / "howto/cortex.md"
    lines = [line for line in blocks_of(page)[0].text.splitlines() if line and "import" not in line]
    assert len(lines) <= 10
    monkeypatch.setenv("EICON_CONNECTOMES", str(BIO2ART))
    names = run_page(page, monkeypatch, tmp_path)
    accuracy = names["task"].accuracy(names["activity"].outputs, names["trial"])
    assert float(accuracy) > 0.8
    assert "null model 'rewire', seed 1" in names["wiring"].provenance
    printed = [ast.literal_eval(line) for line in capsys.readouterr().out.replace("np.float64", "").splitlines()]
    assert len(printed) == 2
    assert all(np.isfinite(list(regions.values())).all() for regions in printed)
