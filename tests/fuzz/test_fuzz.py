"""The fuzzing script: what it damages, that it can find anything, and that it finds nothing."""

import json

import numpy as np
import pytest

from eicon import _files

from . import __main__ as fuzz
from .mutations import BYTES, dropped, flipped
from .targets import Target


def test_some_files_of_every_kind():
    findings, counts = fuzz.run(250, seed=1)
    assert findings == []
    assert counts["refused"] > 150
    assert counts[""] > 10


@pytest.mark.battery
def test_ten_thousand_files():
    findings, counts = fuzz.run(10_000, seed=0)
    assert findings == []
    assert counts["refused"] > 7_000


def careless(path):
    """A reader such as version 0.1.0 had in places."""
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def test_it_finds_what_a_careless_reader_lets_pass(tmp_path, monkeypatch):
    _files.save_arrays(tmp_path / "a.npz", {"x": np.arange(3.0), "y": np.ones(2)}, kind="a", version=1, header={})
    data = (tmp_path / "a.npz").read_bytes()
    target = Target("careless", "a.npz", data, careless, (*BYTES, dropped))
    text = Target("text", "a.json", b'{"a": [1, 2], "b": "c"}', lambda path: json.loads(path.read_text()), BYTES)
    monkeypatch.setattr(fuzz, "targets", lambda folder: [target, text])
    findings, _ = fuzz.run(300, seed=0)
    kinds = " ".join(finding.what for finding in findings)
    assert "unnamed" in kinds
    assert "raw BadZipFile" in kinds
    assert "accepted with other content" in kinds


def test_a_case_can_be_repeated():
    rng = [np.random.default_rng([3, 7]) for _ in range(2)]
    data = bytes(range(200))
    assert flipped(data, rng[0]) == flipped(data, rng[1]) != data
