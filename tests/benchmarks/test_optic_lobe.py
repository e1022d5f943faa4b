"""The optic lobe beside flyvis: the page of what was measured, and the whole script with a tiny eye."""

import argparse
import json
import sys

import pytest

from benchmarks import optic_lobe

FACTS = {"cpu": "a processor", "cores": 2, "load_average_1min": 0.1, "versions": {"python": "3.11"}}


def found(**seconds):
    return {
        name: {"built": 1.0, "first": 2.0, "loss": 0.5, "peak_mb": 600.0, "seconds": of} for name, of in seconds.items()
    }


def test_ratios_are_of_the_same_run():
    times = found(
        eicon={"step": [0.1, 0.2, 0.3], "forward": [0.1] * 3, "rest": [0.1] * 3},
        flyvis={"step": [1.0, 0.8, 0.9], "forward": [0.4] * 3},
    )
    text = optic_lobe.page(times, argparse.Namespace(extent=15, repeats=3), FACTS)
    assert "| training step: forward, backward, Adam | 0.200 | 0.900 | 0.100, 0.800 | 4.50 |" in text
    assert "| forward alone | 0.100 | 0.400 | 0.100, 0.400 | 4.00 | 4.00 - 4.00 |" in text


def test_losses_that_differ_are_an_error(monkeypatch):
    class Told:
        def __init__(self, library, interpreter, extent):
            self.loss = {"eicon": 0.5, "flyvis": 0.6}[library]

        def hear(self):
            return {"loss": self.loss}

        def seconds(self, run):
            return 1.0

        def peak_mb(self):
            return 1.0

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(optic_lobe, "Lobe", Told)
    with pytest.raises(ArithmeticError, match=r"losses differ: 0\.5 and 0\.6"):
        optic_lobe.measure(argparse.Namespace(flyvis=sys.executable, extent=1, repeats=1))


@pytest.mark.battery
def test_without_flyvis_eicon_is_timed_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("EICON_FLYVIS", raising=False)
    record, page = tmp_path / "times.json", tmp_path / "page.md"
    assert optic_lobe.main(["--extent", "1", "--repeats", "2", "--out", str(record), "--page", str(page)]) == 0
    assert "only eicon is timed" in capsys.readouterr().err
    written = json.loads(record.read_text("utf-8"))
    assert written["eicon"]["seconds"].keys() == optic_lobe.STEPS.keys()
    assert "flyvis was not timed" in page.read_text("utf-8")
