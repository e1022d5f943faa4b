"""Sweeps whose processes are killed, whose disk is full, or whose scheduler is gone: nothing is lost or half done.

What needs processes of its own is a battery; interrupts, full disks and wrong addresses are tried in this one, too.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from click.testing import CliRunner

from eicon.cli import main
from eicon.runs import _run

from .sweeping import (
    assert_same_bits,
    finish,
    finished,
    kill_group,
    litter,
    start,
    started,
    until,
    workers_of,
)

pytestmark = pytest.mark.battery

RUNS = 6
ORPHAN_SECONDS = 30.0


@pytest.fixture(scope="session")
def kill_toml(sweep_toml, tmp_path_factory):
    """A sweep of six runs that take a second or so each."""
    path = tmp_path_factory.mktemp("kill") / "sweep.toml"
    path.write_text(sweep_toml.replace("epochs = 4", "epochs = 3000").replace("repeats = 2", "repeats = 3"))
    return path


@pytest.fixture(scope="session")
def uninterrupted(kill_toml):
    out = kill_toml.parent / "uninterrupted"
    code, _, error = finish(start("--quiet", "sweep", kill_toml, "--out", out, "--workers", 0))
    assert code == 0, error
    return out


@pytest.fixture
def begin(kill_toml, tmp_path):
    """Start the sweep; whatever still runs in the end is killed."""
    running = []

    def start_sweep(*words, out=tmp_path / "sweep"):
        running.append(start("--quiet", "sweep", kill_toml, "--out", out, *words, cwd=tmp_path))
        return running[-1]

    yield start_sweep
    for process in running:
        kill_group(process)
        process.communicate()


@pytest.fixture
def here(sweep_toml, tmp_path, monkeypatch):
    """The command on a small sweep, in this process: exit code, stdout and stderr."""
    path = tmp_path / "small.toml"
    path.write_text(sweep_toml)

    def sweep(*words, out=tmp_path / "sweep"):
        given = ["--quiet", "sweep", str(path), "--out", str(out), *map(str, words)]
        monkeypatch.setattr(sys, "argv", ["eicon", *given])
        done = CliRunner().invoke(main, given)
        return done.exit_code, done.stdout, done.stderr

    return sweep


def one_line(error: str) -> str:
    """The error; there must be nothing else."""
    assert error.startswith("error: "), error
    assert error.count("\n") == 1, error
    return error


def go_on(process: subprocess.Popen, condition) -> None:
    """Wait for a condition, or the end of the sweep."""
    until(lambda: condition() or process.poll() is not None, "progress")


def test_a_worker_is_killed_and_the_sweep_finishes_by_itself(begin, uninterrupted, tmp_path):
    out = tmp_path / "sweep"
    process = begin("--workers", 2)
    go_on(process, lambda: started(out))
    victim = workers_of(process)[0]
    victim.send_signal(signal.SIGKILL)
    code, _, error = finish(process)
    assert (code, error) == (0, "")
    assert_same_bits(out, uninterrupted)
    assert litter(out) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sweep"], "something else was left here"


@pytest.mark.slow
def test_workers_are_killed_five_times(begin, uninterrupted, tmp_path):
    out, rng, killed = tmp_path / "sweep", np.random.default_rng(), 0
    process = begin("--workers", 2)
    for i in range(5):
        go_on(process, lambda n=i: len(finished(out)) >= n)
        go_on(process, lambda: workers_of(process) and started(out))
        if process.poll() is not None:
            break
        with contextlib.suppress(psutil.NoSuchProcess):
            rng.choice(workers_of(process)).send_signal(signal.SIGKILL)
            killed += 1
    code, _, error = finish(process)
    assert (code, error) == (0, "")
    assert killed >= 3
    assert_same_bits(out, uninterrupted)


@pytest.mark.slow
def test_a_run_whose_workers_always_die_is_named(small_connectome, tmp_path):
    """As when there is too little memory for it."""
    code = f"""
from eicon.runs import Recipe, SweepError, _sweep, create_sweep, run_sweep
import killer
_sweep.do_job = killer.die
connectome = {{"name": {str(small_connectome)!r}}}
recipe = Recipe(network={{"kind": "connectome"}}, connectome=connectome, grid={{"seed": (0,)}})
try:
    run_sweep(create_sweep("sweep", recipe), workers=1, progress=False)
except SweepError as error:
    print(error)
"""
    (tmp_path / "main.py").write_text(code)
    (tmp_path / "killer.py").write_text("import os\ndef die(run):\n    os.kill(os.getpid(), 9)\n")
    done = subprocess.run([sys.executable, "main.py"], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert re.match(
        r"run all/seed=0: 4 processes died in succession during this run(; is there enough memory|, the "
        r"last one by SIGKILL.*)\. 0 of 1 runs are finished and kept in sweep; repeat the sweep",
        done.stdout,
    ), done.stdout + done.stderr
    assert done.stderr == ""


@pytest.mark.slow
def test_the_whole_sweep_is_killed_three_times(begin, uninterrupted, tmp_path):
    out, counts = tmp_path / "sweep", []
    for i in range(3):
        process = begin("--workers", 2)
        go_on(process, lambda n=i + 1: len(finished(out)) >= n and started(out))
        workers = workers_of(process)
        assert len(workers) == 2, finish(process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        _, alive = psutil.wait_procs(workers, timeout=ORPHAN_SECONDS)
        assert not alive, "orphans"
        counts.append(len(finished(out)))
        for path in finished(out):
            with np.load(path, allow_pickle=False) as archive:
                assert {"seconds", "validation_loss"} <= set(archive.files)
            assert (path.parent / "network.npz").is_file()
    assert started(out), "unfinished runs are beside the finished ones, without curves"
    assert counts == sorted(counts)
    assert counts[-1] < RUNS
    code, _, error = finish(begin("--workers", 2))
    assert (code, error) == (0, "")
    assert_same_bits(out, uninterrupted)
    assert litter(out) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_says_how_to_go_on(number, here, signals_spare_tests, finished_sweep, tmp_path, monkeypatch):
    """When all of the second run is written but its curves, by which a run counts as finished."""
    out, write, written = tmp_path / "sweep", _run._write_curves, []

    def interrupted(run, *words, **options):
        written.append(run.path)
        if len(written) == 2:
            os.kill(os.getpid(), number)
        write(run, *words, **options)

    with monkeypatch.context() as patch:
        patch.setattr(_run, "_write_curves", interrupted)
        code, _, error = here("--workers", 0)
    assert code == 130, error
    again = f"eicon --quiet sweep {tmp_path / 'small.toml'} --out {out} --workers 0"
    assert error == f"\nInterrupted. Progress is saved; resume with: {again}\n"
    assert started(out) == written[1:]
    assert [path.parent for path in finished(out)] == written[:1]
    assert here("--workers", 0)[::2] == (0, "")
    assert_same_bits(out, finished_sweep.path)
    assert litter(out) == []


def kept(out):
    """Whether runs have begun, and each of them has a state to go on from."""
    return (paths := list(started(out))) and all((path / "checkpoints" / "latest.npz").is_file() for path in paths)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_says_how_to_go_on(number, begin, interrupts_raise, kill_toml, tmp_path):
    out = tmp_path / "sweep"
    process = begin("--workers", 2 if number == signal.SIGINT else 0)
    go_on(process, lambda: kept(out))
    workers = workers_of(process)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # a terminal sends it to all
    else:
        process.send_signal(number)
    code, _, error = finish(process)
    assert code == 130, error
    said = error.split("resume with: ")
    assert said[0] == "\nInterrupted. Progress is saved; "
    assert said[1].startswith(f"eicon --quiet sweep {kill_toml} --out {out} --workers ")
    assert said[1].count("\n") == 1
    assert not psutil.wait_procs(workers, timeout=ORPHAN_SECONDS)[1]
    assert kept(out)
    assert not (out / ".lock").exists()


# external clusters


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers under nannies, each in a process of its own."""
    folder, processes = tmp_path / "cluster", []
    folder.mkdir()
    dask = Path(sys.executable).with_name("dask")
    local = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    where = folder / "scheduler.json"
    words = ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", where]
    processes.append(subprocess.Popen([dask, *map(str, words)], **local))
    for _ in range(2):
        words = ["worker", "--scheduler-file", where, "--nthreads", "1", "--no-dashboard", "--local-directory", folder]
        processes.append(subprocess.Popen([dask, *map(str, words)], **local))
    until(where.is_file, "a scheduler")

    until(lambda: "address" in where.read_text(), "its address")
    yield json.loads(where.read_text())["address"], processes
    for process in processes:
        kill_group(process)
        process.wait()


@pytest.mark.slow
def test_an_external_worker_is_killed(begin, cluster, uninterrupted, tmp_path):
    address, (_, nanny, other) = cluster
    out = tmp_path / "sweep"
    process = begin("--scheduler", address)
    go_on(process, lambda: len(finished(out)) >= 1)
    (worker,) = workers_of(nanny)
    worker.send_signal(signal.SIGKILL)  # its nanny starts another one
    go_on(process, lambda: len(finished(out)) >= 3)
    kill_group(other)  # a whole node is gone
    code, _, error = finish(process)
    assert (code, error.count("\n")) == (0, 1)
    assert "anybody who can reach its port" in error or "TLS" in error
    assert_same_bits(out, uninterrupted)


@pytest.mark.slow
def test_an_external_scheduler_is_killed(begin, cluster, uninterrupted, tmp_path):
    address, (scheduler, *_) = cluster
    out = tmp_path / "sweep"
    process = begin("--scheduler", address)
    go_on(process, lambda: len(finished(out)) >= 2)
    scheduler.send_signal(signal.SIGKILL)
    code, _, error = finish(process)
    assert code == 1
    assert "the connection to the scheduler was lost" in one_line(error.partition("\n")[2])  # after a warning
    assert "of 6 runs are finished and kept in" in error
    kept = {path: path.stat().st_mtime_ns for path in finished(out)}
    assert len(kept) >= 2
    code, _, error = finish(begin("--workers", 0))
    assert (code, error) == (0, "")
    assert_same_bits(out, uninterrupted)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "127.0.0.1"])
def test_a_wrong_scheduler_address(address, here):
    code, _, error = here("--scheduler", address)
    assert code == 1
    assert f"no dask scheduler answers at {address} (" in one_line(error)


# disks


def mounted(options: str, source: str, place: Path) -> contextlib.ExitStack:
    done = subprocess.run(["mount", *options.split(), source, str(place)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")
    stack = contextlib.ExitStack()
    stack.callback(subprocess.run, ["umount", "-l", str(place)], check=True)
    return stack


@pytest.fixture
def small_disk(tmp_path):
    if not hasattr(os, "geteuid") or os.geteuid() or not shutil.which("mount"):
        pytest.skip("mounting a small disk needs root")
    place = tmp_path / "disk"
    place.mkdir()
    with mounted("-t tmpfs -o size=512k", "tmpfs", place):
        yield place


def test_a_full_disk(here, small_disk, finished_sweep):
    """Finished runs are kept, and when there is space the others are done."""
    out = small_disk / "sweep"
    filler = small_disk / "filler"
    filler.write_bytes(bytes(384 * 1024))
    code, _, error = here("--workers", 0, out=out)
    assert code == 1
    assert "No space left on device" in one_line(error)
    assert "of 4 runs are finished and kept in" in error
    kept = {path: path.stat().st_mtime_ns for path in finished(out)}
    assert 1 <= len(kept) < 4
    assert not list(out.rglob("*.part"))
    filler.unlink()
    code, _, error = here("--workers", 0, out=out)
    assert (code, error) == (0, "")
    assert litter(out) == []
    assert_same_bits(out, finished_sweep.path)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_a_read_only_folder(here, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    code, _, error = here("--workers", 0, out=small_disk / "sweep")
    assert code == 1
    assert "Read-only file system" in one_line(error)
    assert list(small_disk.iterdir()) == []
