"""Processes that work for a sweep: what they are given is done, whoever dies, and nobody else reaches them."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from eicon._cache import FOLDER, cache_settings
from eicon._one_thread import ONE_THREAD
from eicon.runs import _workers
from eicon.runs._workers import WorkersDied, run_many

from . import working
from .sweeping import kill_group, until

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0
LISTENING = "00010000"
"""Flag of a Unix socket in /proc/net/unix on which somebody may connect."""


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


@pytest.fixture(autouse=True)
def _none_is_left():
    before = set(children())
    yield
    until(lambda: set(children()) <= before, "the end of all processes", PATIENCE)


@pytest.fixture
def script(tmp_path):
    """A script in a process group of its own, whose standard input is not a terminal."""
    running = []

    def start(code: str) -> subprocess.Popen:
        (tmp_path / "main.py").write_text(code)
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        running.append(subprocess.Popen([sys.executable, "main.py"], cwd=tmp_path, env=environment, **options))
        return running[-1]

    yield start
    for process in running:
        kill_group(process)
        process.communicate()


def started(folder: Path) -> list[Path]:
    return list(folder.glob("*.started"))


@pytest.mark.parametrize("workers", [0, 1, 2, None])
def test_results_and_what_is_called_with_them(workers):
    done = []
    found = list(run_many(working.square, range(5), workers=workers, on_done=lambda *pair: done.append(pair)))
    assert sorted(found) == [(0, 0), (1, 1), (2, 4), (3, 9), (4, 16)]
    assert done == found
    if workers in (0, 1):
        assert found == sorted(found)
    assert list(run_many(working.square, [], workers=workers)) == []


def test_what_is_done_first_comes_first():
    assert [index for index, _ in run_many(working.late, range(3), workers=2)][-1] == 0


def test_no_more_processes_than_items_one_thread_each_and_prints_are_no_answers(capfd):
    found = [result for _, result in run_many(working.told, range(3), workers=8)]
    assert 1 <= len({result["pid"] for result in found}) <= 3
    assert {result["threads"] for result in found} == {"1"}
    assert {result["ignored"] for result in found} == {signal.SIG_IGN}
    assert capfd.readouterr() == ("", "said by a worker\n" * 3)


@pytest.mark.parametrize("workers", [0, 2])
def test_errors_come_back_with_the_index_of_their_item(workers):
    with pytest.raises(ValueError, match="invalid literal for int") as caught:
        list(run_many(int, ["1", "2", "x"], workers=workers))
    assert caught.value.index == 2
    if workers:
        assert "In another process: Traceback" in caught.value.__notes__[0]
    kind = RuntimeError if workers else working.AwkwardError
    with pytest.raises(kind, match=r"does not survive being sent") as caught:
        list(run_many(working.awkward, [1, 2, 3], workers=workers))
    assert caught.value.index == 1
    if workers:
        assert str(caught.value) == "AwkwardError: does not survive being sent"


def test_a_function_that_would_end_the_process_is_an_error():
    with pytest.raises(RuntimeError, match="^SystemExit: 3\n"):
        list(run_many(sys.exit, [3], workers=1))


def test_a_result_that_cannot_be_sent_is_an_error():
    with pytest.raises(TypeError, match="not JSON serializable"):
        list(run_many(open, [os.devnull], workers=1))
    with pytest.raises(TypeError, match="not JSON serializable"):
        list(run_many(str, [Path()], workers=1))


@pytest.mark.parametrize("times", [1, 3])
def test_an_item_whose_process_is_killed_is_tried_again(times, tmp_path):
    folders = [tmp_path / "a" / "0", tmp_path / "b" / str(times), tmp_path / "c" / "0"]
    for folder in folders:
        folder.mkdir(parents=True)
    assert sorted(run_many(working.killed_at_first, list(map(str, folders)), workers=2)) == [(0, 0), (1, times), (2, 0)]


def test_an_item_whose_processes_always_die_is_named(tmp_path):
    (tmp_path / "9").mkdir()
    why = "4 processes died in succession during this run; is there enough memory$"
    with pytest.raises(WorkersDied, match=why) as caught:
        list(run_many(working.killed_at_first, [str(tmp_path / "9")], workers=1))
    assert caught.value.index == 0
    assert len(list((tmp_path / "9").iterdir())) == 4


@pytest.mark.parametrize(
    ("code", "why"), [(-signal.SIGKILL, "memory"), (-signal.SIGSEGV, "by SIGSEGV"), (3, "with exit code 3")]
)
def test_why_a_process_died(code, why):
    assert _workers._cause(code).endswith(why)


def test_a_process_that_is_killed_while_it_waits_is_replaced():
    results = run_many(working.told, range(3), workers=1)
    pids = []
    for _, result in results:
        pids.append(result["pid"])
        for child in children():
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    assert len(pids) == 3


def test_processes_have_the_cache_of_one_thread_where_there_is_one(monkeypatch, tmp_path):
    for name, value in {"EICON_CACHE": "on", "XDG_CACHE_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    for name in (FOLDER, *ONE_THREAD):
        monkeypatch.delenv(name, raising=False)
    assert dict(run_many(os.getenv, [FOLDER], workers=1)) == {0: None}
    ours = cache_settings(os.environ)[FOLDER]
    monkeypatch.setenv(FOLDER, ours)
    theirs = dict(run_many(os.getenv, [FOLDER], workers=1))[0]
    assert Path(theirs).parent == Path(ours).parent
    assert theirs == cache_settings(os.environ | ONE_THREAD)[FOLDER] != ours


@pytest.fixture
def interrupted_at(tmp_path):
    """Ctrl-C once so many items have been started, however long that takes on a busy machine."""
    wanted, before = [], signal.getsignal(signal.SIGALRM)

    def look(*_):
        if len(started(tmp_path)) >= wanted[0]:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise KeyboardInterrupt

    def begin(items):
        wanted.append(items)
        signal.signal(signal.SIGALRM, look)
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)

    yield begin
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("function", [working.saves, working.denies])
def test_what_is_left_early_is_ended_and_saved(function, tmp_path, interrupted_at):
    interrupted_at(2)
    with pytest.raises(KeyboardInterrupt):
        next(run_many(function, [str(tmp_path)] * 3, workers=2))
    late = time.time() - max(path.stat().st_mtime for path in started(tmp_path))
    assert late < 0.5 * _workers.SECONDS_TO_SAVE
    assert len(started(tmp_path)) == 2
    assert len(list(tmp_path.glob("*.saved"))) == 2 * (function is working.saves)


def test_what_does_not_end_is_killed(tmp_path, monkeypatch, interrupted_at):
    monkeypatch.setattr(_workers, "SECONDS_TO_SAVE", 0.2)
    processes = _workers._Processes()
    processes._take()
    until(lambda: children(), "a process")
    processes.end()
    with pytest.raises(RuntimeError, match="all processes were ended"):
        processes.run({"function": "tests.runs.working:square", "item": 1}, 0)
    interrupted_at(1)
    with pytest.raises(KeyboardInterrupt):
        next(run_many(working.stubborn, [str(tmp_path)], workers=1))
    assert started(tmp_path)


LONG = """
from eicon.runs._workers import run_many
from tests.runs.working import saves
try:
    list(run_many(saves, ["", "", ""], workers=2))
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_in_the_terminal_saves_and_leaves_none_behind(script, tmp_path, interrupts_raise):
    process = script(LONG)
    until(lambda: len(started(tmp_path)) == 2, "the start", PATIENCE)
    workers = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=PATIENCE) == ("interrupted\n", "")
    assert not any(worker.is_running() for worker in workers)
    assert len(list(tmp_path.glob("*.saved"))) == 2


@pytest.mark.battery
def test_processes_whose_parent_is_killed_end_by_themselves(script, tmp_path):
    process = script(LONG.replace("saves", "stubborn"))
    until(lambda: len(started(tmp_path)) == 2, "the start", PATIENCE)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    start = time.monotonic()
    assert psutil.wait_procs(workers, timeout=PATIENCE)[1] == []
    assert time.monotonic() - start < 5.0
    assert len(workers) == 2


@pytest.mark.parametrize("how", ["script", "stdin", "-c"])
def test_no_guard_is_needed_and_the_script_runs_once(how, tmp_path):
    code = (
        "print('once')\nfrom eicon.runs._workers import run_many\n"
        "print(sorted(run_many(abs, [-1, -2], workers=2)))\n"
        "def mine(number): return number\n"
        "try: list(run_many(mine, [1], workers=1))\n"
        "except RuntimeError as error: print(error)\n"
    )
    (tmp_path / "main.py").write_text(code)
    (tmp_path / "json.py").write_text("raise SystemError('a file of the user, with an unlucky name')\n")
    words = {"script": ["-P", "main.py"], "stdin": ["-P", "-"], "-c": ["-P", "-c", code]}[how]
    done = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, input=code, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.stderr == ""
    once, found, error = done.stdout.splitlines()
    assert (once, found) == ("once", "[(0, 1), (1, 2)]")
    assert "other processes cannot import functions that a script or notebook defines" in error
    assert "move it to a module" in error


def listening(pids: set[int]) -> list[str]:
    """Everything that somebody else could connect to: ports, and Unix sockets that listen or have a name."""
    found = []
    for pid in pids:
        process = psutil.Process(pid)
        found += [str(one) for one in process.net_connections("inet")]
        for one in process.net_connections("unix"):
            if one.laddr:
                found.append(str(one))
        inodes = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.exists()}
        for line in Path(f"/proc/{pid}/net/unix").read_text().splitlines()[1:]:
            _, _, _, flags, _, _, inode, *name = line.split()
            if f"socket:[{inode}]" in inodes and (flags == LISTENING or name):
                found.append(line)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="sockets are looked up in /proc")
def test_there_is_nothing_to_connect_to(script, tmp_path):
    """A second user of the machine reaches neither a port nor a named socket, nor the pipes (row H1)."""
    process = script(LONG)
    until(lambda: len(started(tmp_path)) == 2, "the start", PATIENCE)
    pids = {process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))}
    assert len(pids) == 3
    assert listening(pids) == []
    with socket.socket(socket.AF_UNIX) as abstract, socket.socket() as port:
        abstract.bind(f"\0eicon-{os.getpid()}")
        abstract.listen()
        port.bind(("127.0.0.1", 0))
        port.listen()
        assert len(listening({os.getpid()})) >= 2, "what listens is found"


# dask's clusters


@pytest.fixture(scope="module", params=["tcp", "tls"])
def cluster(request, tmp_path_factory):
    """Address of a scheduler with one worker, and dask's settings for those who may connect."""
    folder, processes = tmp_path_factory.mktemp("cluster"), []
    words, settings = [], {}
    if request.param == "tls":
        if not shutil.which("openssl"):
            pytest.skip("certificates are made with openssl, which is not there")
        make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=eicon -keyout key.pem -out cert.pem"
        subprocess.run(make.split(), cwd=folder, check=True, capture_output=True)
        cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
        words = ["--tls-ca-file", cert, "--tls-cert", cert, "--tls-key", key]
        files = {"ca-file": cert} | {f"client.{name}": file for name, file in (("cert", cert), ("key", key))}
        settings = {f"distributed.comm.tls.{name}": file for name, file in files.items()}
    where, dask = folder / "scheduler.json", Path(sys.executable).with_name("dask")
    here = f"{request.param}://127.0.0.1"
    for more in (
        ["scheduler", "--host", here, "--port", "0", "--no-dashboard"],
        ["worker", "--host", here, "--nthreads", "1", "--no-dashboard", "--no-nanny", "--local-directory", folder],
    ):
        command = [dask, *map(str, more), "--scheduler-file", where, *words]
        options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        processes.append(subprocess.Popen(command, cwd=folder, env=environment, **options))
        until(lambda: where.is_file() and "address" in where.read_text(), "a scheduler", PATIENCE)
    yield json.loads(where.read_text())["address"], settings
    for process in processes:
        kill_group(process)
        process.wait()


@pytest.mark.battery
def test_a_cluster_does_it_and_a_port_without_tls_is_named(cluster, caplog):
    import dask

    address, settings = cluster
    with dask.config.set(settings):
        assert sorted(run_many(working.square, [1, 2, 3], scheduler=address)) == [(0, 1), (1, 4), (2, 9)]
        with pytest.raises(ValueError, match="invalid literal") as caught:
            list(run_many(int, ["1", "x"], scheduler=address))
    assert caught.value.index == 1
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    if address.startswith("tls://"):
        assert warned == []
        with pytest.raises(ConnectionError, match="no dask scheduler answers at tls://"):
            list(run_many(working.square, [1], scheduler=address))
    else:
        assert len(warned) == 2
        assert "can run code as you" in warned[0]
        assert "distributed.comm.tls" in warned[0]


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "127.0.0.1"])
def test_no_scheduler_answers(address, monkeypatch):
    import dask

    monkeypatch.setattr(_workers, "SECONDS_TO_CONNECT", 1.0)
    with pytest.raises(ConnectionError, match=rf"^no dask scheduler answers at {address} \("):
        next(run_many(working.square, [1], scheduler=address))
    assert dask.config.get("scheduler", None) is None, "xarray and dask would look for a cluster from here on"
