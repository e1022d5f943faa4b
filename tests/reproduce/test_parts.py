"""Studies as lists of parts: each is done once, and goes on where it was after a kill or the end of time."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from eicon.models import load, save
from eicon.reproduce._parts import append_result, read_results, run_parts
from tests.reproduce._trained_parts import STEPS, train, trained


def parts(n):
    return [{"name": f"part{i}", "seed": i} for i in range(n)]


def doubled(part, keep):
    if part["seed"] == part.get("fails"):
        raise ValueError("no such seed")
    with open(keep.folder / "calls.txt", "a") as stream:
        stream.write(part["name"] + "\n")
    return {"twice": 2 * part["seed"], "array": np.arange(2), "nothing": float("nan")}


def calls(folder):
    return (folder / "calls.txt").read_text().split()


def test_parts_are_done_once(tmp_path):
    results = tmp_path / "results.jsonl"
    first = run_parts(parts(2), doubled, results, tmp_path, workers=0)
    again = run_parts(parts(3), doubled, results, tmp_path, workers=0)
    assert calls(tmp_path) == ["part0", "part1", "part2"]
    assert again[:2] == first
    assert [line["measures"]["twice"] for line in again] == [0, 2, 4]
    line = read_results(results)[2]
    assert line["name"] == "part2"
    assert line["settings"] == {"seed": 2}
    assert line["seconds"] >= 0
    assert line["measures"]["array"] == [0, 1]
    assert line["measures"]["nothing"] is None


def test_a_part_whose_file_is_gone_is_done_again(tmp_path):
    makes = [{"name": "part0", "seed": 0, "makes": "calls.txt"}]
    for _ in range(2):
        run_parts(makes, doubled, tmp_path / "results.jsonl", tmp_path, workers=0)
    assert calls(tmp_path) == ["part0"]
    (tmp_path / "calls.txt").unlink()
    run_parts(makes, doubled, tmp_path / "results.jsonl", tmp_path, workers=0)
    assert calls(tmp_path) == ["part0"]
    assert len(read_results(tmp_path / "results.jsonl")) == 1


def test_other_settings_are_refused(tmp_path):
    run_parts(parts(1), doubled, tmp_path / "results.jsonl", tmp_path, workers=0)
    with pytest.raises(ValueError, match="contains part0 with different settings"):
        run_parts([{"name": "part0", "seed": 5}], doubled, tmp_path / "results.jsonl", tmp_path, workers=0)
    with pytest.raises(ValueError, match="part0 more than once"):
        run_parts(parts(1) * 2, doubled, tmp_path / "results.jsonl", tmp_path, workers=0)


def test_one_that_fails_does_not_stop_the_others(tmp_path):
    given = [part | {"fails": 0} for part in parts(2)]
    with pytest.raises(RuntimeError, match="part0 failed: ValueError: no such seed"):
        run_parts(given, doubled, tmp_path / "results.jsonl", tmp_path, workers=0)
    assert [line["name"] for line in read_results(tmp_path / "results.jsonl")] == ["part1"]


def test_half_a_line_is_dropped(tmp_path):
    path = tmp_path / "results.jsonl"
    line = {"name": "a", "settings": {}, "measures": {}}
    append_result(path, line)
    with open(path, "a") as stream:
        stream.write('{"name": "b", "sett')
    assert read_results(path) == [line]
    append_result(path, line | {"name": "c"})
    assert [found["name"] for found in read_results(path)] == ["a", "c"]
    path.write_text("{}\n")
    with pytest.raises(ValueError, match="line 1: not the result of a part"):
        read_results(path)


def test_without_time_nothing_is_begun(tmp_path):
    assert run_parts(parts(2), doubled, tmp_path / "results.jsonl", tmp_path, workers=0, minutes=0) == []
    assert not (tmp_path / "calls.txt").exists()


@pytest.mark.battery
def test_time_ends_within_a_part_and_it_goes_on(tmp_path, monkeypatch):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    (one,) = run_parts(parts(1), train, whole / "results.jsonl", whole, workers=0)
    clock = iter(range(1000, 9999))
    with monkeypatch.context() as patch:  # a second per look: some steps are done, not all
        patch.setattr(time, "time", lambda: next(clock))
        assert run_parts(parts(1), train, cut / "results.jsonl", cut, workers=0, minutes=6 / 60) == []
    notes = json.loads((cut / "part0.json").read_text())
    assert 0 < len(notes) < len(one["measures"]["losses"])
    (other,) = run_parts(parts(1), train, cut / "results.jsonl", cut, workers=0)
    assert other["measures"] == one["measures"]
    save(trained(0, None), tmp_path / "once.npz")
    found, wanted = load(cut / "network0.npz"), load(tmp_path / "once.npz")
    np.testing.assert_array_equal(found.W_rec, wanted.W_rec)


@pytest.mark.battery
def test_killed_study_goes_on_bit_for_bit(tmp_path):
    """The process that leads, and then one that trains, are killed where they are."""
    script = (
        "from eicon.reproduce._parts import run_parts; from tests.reproduce._trained_parts import train; import sys; "
        "run_parts([{'name': 'part0', 'seed': 0, 'slow': 0.1}], train, sys.argv[1] + '/results.jsonl', sys.argv[1])"
    )
    folder = tmp_path / "killed"
    command = [sys.executable, "-c", script, str(folder)]
    root = Path(__file__).parents[2]
    leader = subprocess.Popen(command, cwd=root)
    checkpoint = folder / "part0.npz"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert checkpoint.exists()
    assert not (folder / "results.jsonl").exists()
    os.kill(leader.pid, signal.SIGKILL)
    leader.wait()
    time.sleep(3)  # the process that trains notices, and ends
    assert not (folder / "results.jsonl").exists()
    subprocess.run(command, cwd=root, check=True)
    (line,) = read_results(folder / "results.jsonl")
    save(trained(0, None), tmp_path / "once.npz")
    found, wanted = load(folder / "network0.npz"), load(tmp_path / "once.npz")
    np.testing.assert_array_equal(found.W_rec, wanted.W_rec)
    assert sorted(map(int, line["measures"]["losses"])) == list(range(0, STEPS + 1, 5))
