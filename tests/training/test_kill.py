"""A training that is killed at random moments and resumed gives the bits of one that was not."""

import json
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

pytestmark = pytest.mark.battery

ROOT = Path(__file__).parents[2]
STEPS = 120
PATIENCE = 240.0
FIRST = {"curriculum": kill_worker.STAGE}
"""Steps before which a training is not killed: a curriculum is, in its second stage."""


AHEAD = 2
"""Checkpoints that a training may write before the process that kills it has seen them, however slow that one is."""


def start(kind: str, checkpoint: Path, cache: Path, stdin: int = subprocess.DEVNULL) -> subprocess.Popen:
    """What one process has compiled the next one need not; what is killed while it writes there harms no other test."""
    command = [sys.executable, "-m", "tests.training.kill_worker", kind, str(checkpoint), str(STEPS)]
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(cache)}
    pipes = {"stdin": stdin, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, env=environment, bufsize=0, **pipes)


def finish(process: subprocess.Popen) -> None:
    _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, error.decode()


def kill_at_random(kind: str, checkpoint: Path, rng: np.random.Generator, cache: Path, most: int = 18) -> int:
    """Kill a training a moment after some more checkpoints of its own; the step that the checkpoint holds then."""
    process = start(kind, checkpoint, cache, subprocess.PIPE)
    try:
        process.stdin.write(b"." * AHEAD)
        deadline, left = time.monotonic() + PATIENCE, rng.integers(1, most)
        file, since, apart = identity(checkpoint), time.monotonic(), 0.0
        while left > 0:
            while identity(checkpoint) == file:
                assert process.poll() is None, f"ended before it was killed: {process.communicate()[1].decode()}"
                assert time.monotonic() < deadline, "no checkpoint"
                time.sleep(5e-4)
            file, since, apart = identity(checkpoint), time.monotonic(), time.monotonic() - since
            left -= kind not in FIRST or read_history(checkpoint).n_steps >= FIRST[kind]
            process.stdin.write(b".")
        time.sleep(rng.uniform(0, min(apart, 0.03)))  # anywhere in a chunk, a validation, or the writing of a file
        assert process.poll() is None, "the training ended before it was killed"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdin.close()
        process.stderr.close()
    assert process.returncode == -signal.SIGKILL
    return read_history(checkpoint).n_steps


def identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def everything(checkpoint: Path) -> dict[str, bytes]:
    """All arrays and the header; how long it took is the one thing that may differ, and checksums of that."""
    with np.load(checkpoint, allow_pickle=False) as archive:
        found = {name: archive[name].tobytes() for name in archive.files if not name.endswith("seconds")}
    header = json.loads(found["header.json"])
    header["arrays"] = {name: about for name, about in header["arrays"].items() if name in found}
    return found | {"header.json": json.dumps(header | {"checksum": 0}).encode()}


def check(got: Path, wanted: Path, killed_at: object) -> None:
    found, expected = everything(got), everything(wanted)
    assert found.keys() == expected.keys()
    assert len(np.frombuffer(expected["history/loss"], np.float64)) == STEPS
    different = [name for name in expected if found[name] != expected[name]]
    assert not different, f"killed at {killed_at}: {different} differ"
    history = read_history(got)
    assert (np.diff(history.seconds) > 0).all()
    assert ((history.compile_seconds + history.validation_seconds) <= history.seconds).all()


@pytest.mark.parametrize("kind", kill_worker.WORK)
def test_a_kill(kind, tmp_path):
    """All but the training that is killed are done here: importing JAX once more takes longer than they do."""
    killed, whole = tmp_path / "killed.npz", tmp_path / "uninterrupted.npz"
    at = kill_at_random(kind, killed, np.random.default_rng(), tmp_path / "compiled")
    assert 0 < at < STEPS
    assert kind not in FIRST or FIRST[kind] <= at < 2 * FIRST[kind]
    for checkpoint in (killed, whole):
        kill_worker.main(kind, checkpoint, STEPS)
    check(killed, whole, at)


@pytest.mark.slow  # two to three minutes for each kind
@pytest.mark.parametrize("kind", kill_worker.WORK)
def test_ten_kills(kind, tmp_path):
    """One after the other; with ``-o log_cli=true --log-cli-level=INFO`` it tells where they were."""
    rng, killed, whole = np.random.default_rng(), tmp_path / "killed.npz", tmp_path / "uninterrupted.npz"
    cache = tmp_path / "compiled"
    steps = [kill_at_random(kind, killed, rng, cache, most=3 if kind in FIRST else 4) for _ in range(10)]
    assert (np.diff(steps) > 0).all(), f"a resumed training went back: {steps}"
    half_written = len(list(tmp_path.glob(".*.part")))
    logging.getLogger(__name__).info("killed at steps %s, %d times while writing", steps, half_written)
    for checkpoint in (killed, whole):
        finish(start(kind, checkpoint, cache))
    check(killed, whole, steps)
