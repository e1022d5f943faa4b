"""Every block of the tutorial runs as printed, and does what the text around it says."""

from pathlib import Path

import numpy as np
import pytest

import eicon

from .pages import DOCS, blocks_of, importable
from .tutorials import run_tutorial

PAGE = DOCS / "tutorial.md"


def test_blocks_are_found():
    blocks = blocks_of(PAGE)
    assert [block.file for block in blocks if block.file] == ["brighter.py", "areas.csv", "small.toml"]
    assert sum(block.language == "python" for block in blocks) >= 10
    assert sum(block.language == "console" for block in blocks) == 2


@pytest.mark.battery
def test_tutorial_runs(tmp_path, monkeypatch):
    # training differs between types of machines
    names = run_tutorial(PAGE, monkeypatch, tmp_path, tolerance=0.5, whole=1)
    shown = PAGE.read_text("utf-8")  # and therefore printed
    assert "True 32 E 8 I\n" in shown
    certificate = names["certificate"]
    assert (certificate.ok, certificate.n_excitatory, certificate.n_inhibitory) == (True, 32, 8)
    assert "areas.csv: rows = source, as in the file" in shown
    assert shown.count(" mean |d'| in the delay") == shown.count("\nwithout ") == 4

    # "weights between areas stay what they are"
    matrix = np.array([[0, 0.7, 0.2, 0], [0.3, 0, 0.6, 0.1], [0.1, 0.2, 0, 0.6], [0, 0.1, 0.5, 0]])
    cortex = names["cortex"]
    between = cortex.weights.reshape(4, 10, 4, 10).sum(axis=(1, 3)) * (1 - np.eye(4))
    np.testing.assert_allclose(between, matrix, rtol=1e-5)
    # "connections exist where the connectome has them and nowhere else"; "each neuron's outputs have one sign"
    weights = np.asarray(names["net"].W_rec)
    assert (weights[cortex.weights == 0] == 0).all()
    assert (weights[cortex.sign > 0] >= 0).all()
    assert (weights[cortex.sign < 0] <= 0).all()
    # "the lights enter V1 and PFC answers"
    area = names["net"].units["region"]
    assert (np.asarray(names["net"].W_in)[:, area != "V1"] == 0).all()
    assert (np.asarray(names["net"].W_out)[area != "PFC"] == 0).all()

    accuracy = float(names["task"].accuracy(names["activity"].outputs, names["trial"]))
    assert accuracy > 0.8
    assert names["small"].n_rec == 16
    assert float(names["task"].accuracy(names["outputs"], names["trial"])) > accuracy - 0.1
    assert eicon.verify(names["small"]).ok
    for file in (
        "choices.png",
        "paths.png",
        "brighter.mat",
        "brighter_weights/weights.npz",
        "results/small/network.npz",
    ):
        assert (tmp_path / file).stat().st_size > 1000, file
    assert (eicon.load("brighter.npz").W_rec == names["net"].W_rec).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [*sorted((DOCS / "howto").glob("*.md")), DOCS / "concepts.md"], ids=lambda page: page.stem
)
def test_python_of_the_howto_pages_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    importable(monkeypatch, tmp_path, page)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names = {"__name__": "__main__"}
    for block in blocks_of(page):
        if block.file:
            Path(block.file).write_text(block.text, "utf-8")
        elif block.language == "python":
            try:
                exec(compile(block.text, page.name, "exec"), names)  # noqa: S102
            except (ImportError, FileNotFoundError) as error:  # extras, or files of bio2art
                pytest.skip(str(error))
