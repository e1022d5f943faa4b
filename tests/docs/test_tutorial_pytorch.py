"""The tutorial "Coming from PyTorch" runs as it is printed; its blocks for PyTorch run where there is PyTorch."""

import runpy

import pytest

import eicon

from .pages import DOCS, blocks_of
from .tutorials import run_tutorial

PAGE = DOCS / "tutorials" / "pytorch.md"


def test_blocks_are_found():
    blocks = blocks_of(PAGE)
    files = [block.file for block in blocks if block.file]
    assert files == ["with_torch.py", "without_torch.py", "loop_torch.py", "back_in_torch.py"]
    for block in blocks:
        if block.file:
            compile(block.text, block.file, "exec")
    assert sum(block.language == "text" for block in blocks) == 6


@pytest.mark.battery
def test_the_page_runs_without_torch(tmp_path, monkeypatch):
    names = run_tutorial(PAGE, monkeypatch, tmp_path, tolerance=0)
    _check(names, tmp_path)


@pytest.mark.battery
def test_the_page_runs_with_torch(tmp_path, monkeypatch, capsys):
    torch = pytest.importorskip("torch")
    change = {"python without_torch.py": "python with_torch.py"}
    names = run_tutorial(PAGE, monkeypatch, tmp_path, tolerance=0, instead=change)
    _check(names, tmp_path)
    for script in ("loop_torch.py", "back_in_torch.py"):
        runpy.run_path(script)
    assert capsys.readouterr().out == "same outputs: True\n"
    parts = eicon.exchange.torch_rnn(names["net"])
    again = eicon.exchange.from_torch_rnn(parts.rnn, parts.readout)
    assert (again.W_rec == names["net"].W_rec).all()
    assert isinstance(parts.rnn, torch.nn.RNN)


def _check(names, folder):
    # "in one line", "it rejects others"
    with pytest.raises(ValueError, match="signs cannot be taken from the rows"):
        eicon.exchange.from_numpy(
            names["saved"]["weight_hh_l0"],
            names["saved"]["weight_ih_l0"],
            names["saved"]["weight"],
            orientation="post, pre",
            sign="rows",
            **names["options"],
        )
    for name in ("for_torch/weights.npz", "for_torch/simulate_torch.py", "for_numpy/simulate.py"):
        assert (folder / name).stat().st_size > 500
    assert eicon.exchange.read_numpy("for_torch").n_rec == 50
