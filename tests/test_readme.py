"""The example in the README runs as printed."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def example(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.S)
    assert len(blocks) == 1
    path = tmp_path / "example.py"
    path.write_text(blocks[0], encoding="utf-8")
    return path


def test_example_is_fifteen_lines(example):
    lines = [line for line in example.read_text().splitlines() if line.strip()]
    assert len(lines) <= 15


def test_example_runs_and_learns(example, monkeypatch, capsys):
    monkeypatch.chdir(example.parent)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names = runpy.run_path(str(example))
    printed = capsys.readouterr().out
    assert float(re.search(r"accuracy ([\d.]+)", printed)[1]) > 0.8
    assert printed.endswith("hold: True\n")
    assert (example.parent / "psychometric.png").stat().st_size > 5000
    import eicon

    assert (eicon.load("network.npz").W_rec == names["net"].W_rec).all()
