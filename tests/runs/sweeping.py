"""What the tests of sweeps share: comparison bit by bit, and the command in a process of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

from eicon._files import HEADER

PATIENCE = 600.0


def bits(root: Path) -> dict[str, bytes]:
    """All networks and curves of all runs; how long it took is the one thing that may differ."""
    found = {}
    for path in sorted((root / "runs").rglob("*.npz")):
        if path.name == "history.npz" or "checkpoints" in path.parts:  # which are made of times, too
            continue
        with np.load(path, allow_pickle=False) as archive:
            for name in archive.files:
                if name != "seconds":
                    array = archive[name]
                    found[f"{path.relative_to(root / 'runs')}: {name}"] = (
                        _without_times(array) if name == HEADER else array.tobytes()
                    )
    return found


def _without_times(header: np.ndarray) -> bytes:
    said = json.loads(bytes(header))
    said.pop("checksum")
    said["arrays"].pop("seconds", None)
    return json.dumps(said).encode()


def assert_same_bits(first: Path, second: Path) -> None:
    one, two = bits(first), bits(second)
    assert one, f"no run in {first}"
    assert one.keys() == two.keys()
    different = [name for name in one if one[name] != two[name]]
    assert not different, f"not bit-identical: {different}"


def litter(root: Path) -> list[str]:
    """Whatever is not a finished run."""
    of_run = {"config.toml", "network.npz", "best.npz", "history.npz", "run.npz", "run.json"}
    whole = {"sweep.toml", *of_run}
    files = [path for path in root.rglob("*") if path.is_file()]
    return sorted(str(path.relative_to(root)) for path in files if path.name not in whole or ".part" in str(path))


def start(*words: object, **options: object) -> subprocess.Popen:
    """The command ``eicon`` in a process group of its own."""
    command = [sys.executable, "-m", "eicon", *map(str, words)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    return subprocess.Popen(command, **pipes, **options)


def finish(process: subprocess.Popen, patience: float = PATIENCE) -> tuple[int, str, str]:
    """Exit code, stdout and stderr."""
    try:
        out, error = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        kill_group(process)
        out, error = process.communicate()
        raise AssertionError(f"still running after {patience} s:\n{out}\n{error}") from None
    return process.returncode, out, error


def kill_group(process: subprocess.Popen) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def until(condition: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {patience} s"
        time.sleep(0.02)


def workers_of(process: subprocess.Popen) -> list[psutil.Process]:
    """Worker processes of a sweep on this machine, or of a nanny of dask."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        names = ("eicon.runs._workers", "spawn_main")
        return [child for child in children if any(name in " ".join(child.cmdline()) for name in names)]
    except psutil.NoSuchProcess:
        return []


def finished(root: Path) -> list[Path]:
    return sorted((root / "runs").glob("*/repeat=*/run.npz"))


def started(root: Path) -> list[Path]:
    """Runs that are being trained, or were when their process was killed."""
    begun = (path.parent for path in (root / "runs").glob("*/repeat=*/run.json"))
    return sorted(path for path in begun if not (path / "run.npz").is_file())
