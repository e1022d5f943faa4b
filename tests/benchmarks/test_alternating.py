"""Versions and cells in turn: order, statistics, and the whole script at tiny sizes."""

import argparse
import json
import re

import numpy as np
import pytest

from benchmarks import alternating, report


class Told:
    """A worker that writes down what it was told; one unit takes as long as it says."""

    def __init__(self, name, log, takes):
        self.name, self.log, self.takes = name, log, takes

    def tell(self, **request):
        self.log.append((self.name, request))

    def hear(self):
        return self.takes

    def ask(self, *, run, times):
        self.log.append((self.name, run, times))
        return self.takes * times


def options(**given):
    return argparse.Namespace(**{"alternations": 20, "starts": 2, "block": 1.0, "threads": 1, **given})


def test_pairs_are_in_turn_and_in_either_order():
    log = []
    workers = {"then": Told("then", log, 0.3), "now": Told("now", log, 0.25)}
    case = {"work": "steps", "unit": 5}
    blocks = alternating.alternate(workers, {"then": case, "now": case}, options(), seed=0)
    built, runs = log[:2], log[2:]
    assert built == [("then", {"build": "then", "case": case}), ("now", {"build": "now", "case": case})]
    assert len(runs) == 20  # half of the alternations for each of two starts
    pairs = [tuple(worker for worker, _, _ in runs[i : i + 2]) for i in range(0, 20, 2)]
    assert set(pairs) == {("then", "now"), ("now", "then")}
    assert {times for _, _, times in runs} == {4}  # 1 s of the slower, for both
    np.testing.assert_allclose(blocks["then"], [0.06] * 10)
    np.testing.assert_allclose(blocks["now"], [0.05] * 10)


def test_interval_is_over_pairs():
    drift = np.exp(np.random.default_rng(1).normal(0, 1, 21))
    found = alternating.interval(1.1 * drift, drift)
    # Drawn independently, the medians would differ by more than the drift of the machine.
    np.testing.assert_allclose(list(found.values()), 1.1)


def test_interval_covers_the_ratio():
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(100):
        over, under = 1.2 * rng.gamma(50, size=30), rng.gamma(50, size=30)
        found = alternating.interval(over, under)
        assert found["low"] <= found["ratio"] <= found["high"]
        inside += found["low"] <= 1.2 <= found["high"]
    assert inside >= 88


def test_a_worker_with_another_eicon_is_found(tmp_path):
    with (
        alternating.Worker(tmp_path, 1) as worker,
        pytest.raises(RuntimeError, match=r"a worker ended: RuntimeError: eicon was to come from .*; it came from"),
    ):
        worker.hear()


@pytest.mark.parametrize(("asked", "complaint"), [(["--alternations", "0"], "at least 1"), (["--n", "-5"], "--n")])
def test_nothing_to_do_is_refused(asked, complaint, capsys):
    with pytest.raises(SystemExit):
        alternating.parse(asked)
    assert complaint in capsys.readouterr().err


def test_markdown_tables():
    assert report.markdown({"a": "{x:.1f}", "b": "{y}"}, [{"x": 1, "y": 2}]) == "| a | b |\n|---|---|\n| 1.0 | 2 |"


@pytest.mark.slow
def test_all_of_it_at_tiny_sizes(tmp_path):
    record, page = tmp_path / "times.json", tmp_path / "page.md"
    assert alternating.main(["--quick", "--out", str(record), "--page", str(page)]) == 0
    found = json.loads(record.read_text("utf-8"))
    assert {name: len(rows) for name, rows in found["tables"].items()} == {"steps": 1, "epochs": 1, "cells": 6}
    for name, blocks in found["seconds"].items():
        assert blocks.keys() == (set(alternating.CELLS) if name.startswith("cells") else {"then", "now"})
        assert all(len(times) == 2 and min(times) > 0 for times in blocks.values())
    text = page.read_text("utf-8")
    assert len(re.findall(r"^\| 10 \| relu \| [\d.]+ \| [\d.]+ \| [\d.]+ \| [\d.]+ - [\d.]+ \|", text, flags=re.M)) == 2
    assert text.count("| Plastic |") == 2
    assert "\nCommit " in text
    assert "`python -m benchmarks.alternating --quick" in text
