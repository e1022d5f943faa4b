"""The examples in the README run as printed."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def blocks():
    found = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.S)
    assert len(found) == 4
    return found


@pytest.fixture
def example(tmp_path, blocks):
    """All examples after each other, as one script."""
    path = tmp_path / "example.py"
    path.write_text("".join(blocks), encoding="utf-8")
    return path


def test_first_example_is_fifteen_lines(blocks):
    assert len([line for line in blocks[0].splitlines() if line.strip()]) <= 15


@pytest.mark.battery
def test_example_runs_and_learns(example, monkeypatch, capsys):
    monkeypatch.chdir(example.parent)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names = runpy.run_path(str(example))
    printed = capsys.readouterr().out
    assert float(re.search(r"accuracy ([\d.]+)", printed)[1]) > 0.8
    assert "hold: True\n" in printed
    assert names["small"].n_rec == 25
    assert names["result"].measured_error < 0.1
    assert "unit 7 is now represented by unit" in printed
    assert (names["points"].kind == "fixed").any()
    silenced = names["areas"].select({"area": "motor", "type": "I"})
    assert (names["silent"].rates[10, :, silenced] == 0).all()
    assert not (names["deaf"].outputs == names["silent"].outputs).all()
    assert (example.parent / "psychometric.png").stat().st_size > 5000
    import eicon

    assert (eicon.load("network.npz").W_rec == names["net"].W_rec).all()
