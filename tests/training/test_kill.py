"""A training that is killed at random moments and resumed gives the bits of one that was not."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from eicon.training._checkpoint import read_history

from . import kill_worker

WORKER = Path(__file__).with_name("kill_worker.py")
STEPS = 240
PATIENCE = 120.0


def start(checkpoint: Path) -> subprocess.Popen:
    command = [sys.executable, str(WORKER), str(checkpoint), str(STEPS)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen) -> None:
    _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, error


def kill_at_random(checkpoint: Path, rng: np.random.Generator) -> int:
    """Kill a training a moment after some more checkpoints of its own; the step that the checkpoint holds then."""
    process = start(checkpoint)
    try:
        file, deadline = identity(checkpoint), time.monotonic() + PATIENCE
        for _ in range(rng.integers(1, 25)):
            while identity(checkpoint) == file:
                assert process.poll() is None, f"ended before it was killed: {process.communicate()[1]}"
                assert time.monotonic() < deadline, "no checkpoint"
                time.sleep(5e-4)
            file = identity(checkpoint)
        time.sleep(rng.uniform(0, 0.03))  # anywhere in a chunk, in a validation, or in the writing of a file
        assert process.poll() is None, "the training ended before it was killed"
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    return read_history(checkpoint).n_steps


def identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def everything(checkpoint: Path) -> dict[str, bytes]:
    """All arrays and the header; how long it took is the one thing that may differ."""
    with np.load(checkpoint, allow_pickle=False) as archive:
        return {name: archive[name].tobytes() for name in archive.files if name != "history/seconds"}


def check(folder: Path, chains: int, kills: int) -> list[list[int]]:
    uninterrupted = start(folder / "uninterrupted.npz")
    steps = []
    try:
        rng = np.random.default_rng()
        for chain in range(chains):
            checkpoint = folder / f"killed_{chain}.npz"
            steps.append([kill_at_random(checkpoint, rng) for _ in range(kills)])
            assert steps[-1][0] > 0
            assert (np.diff(steps[-1]) > 0).all(), f"a resumed training went back: {steps[-1]}"
            assert steps[-1][-1] < STEPS
            finish(start(checkpoint))
        finish(uninterrupted)
    finally:
        uninterrupted.kill()
        uninterrupted.communicate()
    wanted = everything(folder / "uninterrupted.npz")
    assert len(np.frombuffer(wanted["history/loss"], np.float64)) == STEPS
    for chain in range(chains):
        got = everything(folder / f"killed_{chain}.npz")
        different = [name for name in wanted if got[name] != wanted[name]]
        assert not different, f"killed at {steps[chain]}: {different} differ"
        assert got.keys() == wanted.keys()
        history = read_history(folder / f"killed_{chain}.npz")
        assert (np.diff(history.seconds) > 0).all()
    return steps


@pytest.mark.battery
def test_a_kill(tmp_path):
    """All but the training that is killed are done here: importing JAX once more takes longer than they do."""
    killed, whole = tmp_path / "killed.npz", tmp_path / "uninterrupted.npz"
    assert 0 < kill_at_random(killed, np.random.default_rng()) < STEPS
    for checkpoint in (killed, whole):
        kill_worker.main(checkpoint, STEPS)
    got, wanted = everything(killed), everything(whole)
    assert got.keys() == wanted.keys()
    assert [name for name in wanted if got[name] != wanted[name]] == []
    assert len(np.frombuffer(wanted["history/loss"], np.float64)) == STEPS
    assert (np.diff(read_history(killed).seconds) > 0).all()


@pytest.mark.battery
def test_two_kills(tmp_path):
    check(tmp_path, chains=1, kills=2)


@pytest.mark.slow
def test_twelve_kills(tmp_path):
    """With ``-o log_cli=true --log-cli-level=INFO`` it tells where the kills were."""
    steps = check(tmp_path, chains=4, kills=3)
    half_written = len(list(tmp_path.glob(".*.part")))
    logging.getLogger(__name__).info("killed at steps %s, %d times while writing", steps, half_written)
