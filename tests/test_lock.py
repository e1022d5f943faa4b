"""One writer per directory: with real processes that are killed, race for a dead one's lock, or are somebody else."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eicon import _lock
from eicon._files import atomic_file, write_text
from eicon._lock import LOCK, DirectoryInUseError, DirectoryLostError, directory_lock

OWNER = """
import signal, sys, time
from eicon._lock import directory_lock
def stop(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, stop)
with directory_lock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""
TAKER = """
import sys, time
from eicon._lock import DirectoryInUseError, directory_lock
print("ready", flush=True)
sys.stdin.readline()
try:
    with directory_lock(sys.argv[1]):
        print("held", flush=True)
        sys.stdin.readline()
except DirectoryInUseError as error:
    print("refused", error, flush=True)
"""


def process(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def owner(tmp_path, interrupts_raise):
    """Another process that holds the directory."""
    child = process(OWNER, tmp_path)
    assert child.stdout.readline() == "held\n"
    yield child
    child.kill()
    child.wait()
    child.stdin.close()
    child.stdout.close()


def refusal(path):
    with pytest.raises(DirectoryInUseError) as caught, directory_lock(path):
        pass
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    return text


def names(path):
    return sorted(p.name for p in path.iterdir())


def test_the_second_writer_is_refused_while_the_first_lives(owner, tmp_path):
    text = refusal(tmp_path)
    assert f"is being written by process {owner.pid} (-c " in text
    assert text.endswith("; wait for it, or end it first.")
    assert names(tmp_path) == [LOCK]


def test_a_lock_is_given_back(tmp_path):
    with directory_lock(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
        assert "is being written by this process" in refusal(tmp_path)
    with pytest.raises(RuntimeError, match="broken"), directory_lock(tmp_path):
        raise RuntimeError("broken")
    assert names(tmp_path) == []
    with directory_lock(tmp_path):
        pass


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT])
def test_signals_that_end_a_process_give_it_back(signal_, owner, tmp_path):
    owner.send_signal(signal_)
    owner.wait(10)
    assert names(tmp_path) == []


def test_the_lock_of_a_killed_process_is_taken_over(owner, tmp_path):
    owner.kill()
    if os.path.isdir("/proc/self"):  # there, one that nobody has waited for is known to be dead, too
        time.sleep(0.2)
    else:
        owner.wait()
    with directory_lock(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
    assert names(tmp_path) == []


def test_a_process_that_got_the_number_of_a_dead_one_is_not_its_owner(tmp_path):
    if not _lock._started(os.getpid()):
        pytest.skip("this platform does not tell when a process was started")
    lock = {**_lock._me(), "pid": os.getppid()}
    (tmp_path / LOCK).write_text(json.dumps(lock | {"started": _lock._started(os.getppid())}))
    assert f"by process {os.getppid()} " in refusal(tmp_path)
    (tmp_path / LOCK).write_text(json.dumps(lock | {"started": "1"}))
    with directory_lock(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()


def test_a_lock_from_before_the_machine_was_started_anew_is_dead(tmp_path):
    (tmp_path / LOCK).write_text(json.dumps({**_lock._me(), "boot": "an earlier one"}))
    with directory_lock(tmp_path):
        pass


@pytest.mark.parametrize("change", [{"host": "elsewhere"}, {"processes": "pid:[1]"}])
def test_on_another_machine_only_signs_of_life_count(change, tmp_path):
    """Or in another container, whose process numbers mean nothing here."""
    lock = tmp_path / LOCK
    lock.write_text(json.dumps({**_lock._me(), "pid": 2**22 + 1, **change}))
    text = refusal(tmp_path)
    if "host" in change:
        assert "process 4194305 on elsewhere" in text
        assert "counts as ended 15 minutes after its last sign of life" in text
    past = time.time() - _lock.DEAD_AFTER - 10
    os.utime(lock, (past, past))
    with directory_lock(tmp_path):
        pass


def test_an_owner_gives_signs_of_life(tmp_path, monkeypatch):
    monkeypatch.setattr(_lock, "BEAT", 0.05)
    with directory_lock(tmp_path):
        os.utime(tmp_path / LOCK, (0, 0))
        deadline = time.monotonic() + 10
        while (tmp_path / LOCK).stat().st_mtime == 0:
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.mark.parametrize("text", ["", "no lock", "[1]", '{"pid": "x", "token": "y"}', '{"pid": 1, "token": "../x"}'])
def test_a_lock_that_cannot_be_read_is_refused_until_it_is_old(text, tmp_path):
    (tmp_path / LOCK).write_text(text)
    assert "cannot be read; delete it if no process writes there" in refusal(tmp_path)
    os.utime(tmp_path / LOCK, (0, 0))
    with directory_lock(tmp_path):
        pass
    assert names(tmp_path) == []


def dead_lock(path):
    child = process(OWNER, path)
    assert child.stdout.readline() == "held\n"
    child.kill()
    child.communicate()


@pytest.mark.parametrize("claimed", [False, True])
def test_of_several_takers_exactly_one_wins(claimed, tmp_path):
    """Also where an earlier taker was killed in the middle of taking over."""
    takers = [process(TAKER, tmp_path) for _ in range(4)]
    for taker in takers:
        assert taker.stdout.readline() == "ready\n"
    for _ in range(3):
        (tmp_path / LOCK).unlink(missing_ok=True)
        dead_lock(tmp_path)
        if claimed:
            dead = json.loads((tmp_path / LOCK).read_text())
            (tmp_path / f"{LOCK}.{dead['token']}").write_text(json.dumps(dead | {"token": "c0ffee"}))
        for taker in takers:
            taker.stdin.write("go\n")
            taker.stdin.flush()
        said = [taker.stdout.readline() for taker in takers]
        assert sum(line == "held\n" for line in said) == 1, said
        assert all(line.startswith(("held", "refused")) for line in said)
        for taker in takers:
            taker.communicate("done\n")
        takers = [process(TAKER, tmp_path) for _ in range(4)]
        for taker in takers:
            assert taker.stdout.readline() == "ready\n"
        assert names(tmp_path) == []
    for taker in takers:
        taker.kill()
        taker.communicate()


def test_a_forked_child_does_not_give_it_back(tmp_path):
    code = f"""
import os, sys
from eicon._lock import directory_lock
with directory_lock({str(tmp_path)!r}):
    if not (child := os.fork()):
        sys.exit()  # leaves the block
    os.waitpid(child, 0)
    print(os.path.exists({str(tmp_path / LOCK)!r}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
    assert names(tmp_path) == []


def test_a_directory_is_made_and_goes_if_nothing_was_written(tmp_path):
    with pytest.raises(RuntimeError), directory_lock(tmp_path / "new"):
        raise RuntimeError
    assert names(tmp_path) == []
    with directory_lock(tmp_path / "new"):
        write_text(tmp_path / "new" / "a", "b")
    assert names(tmp_path / "new") == ["a"]


def test_what_an_earlier_owner_left_half_written_is_removed(tmp_path):
    """Whatever is newer than the lock is being written, and a directory with a lock of its own is somebody else's."""
    for place in (".", "figures", "cells/a", "cells/locked"):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / ".config.toml.x3k.part").write_text("half")
        (tmp_path / place / "config.part").write_text("a user's own")
    (tmp_path / "cells" / ".b.x.part" / "deep").mkdir(parents=True)
    (tmp_path / "cells" / "locked" / LOCK).write_text("{}")
    (tmp_path / ".lock.deadbeef").write_text("{}")
    for path in tmp_path.rglob("*"):
        os.utime(path, (1e9, 1e9))
    (tmp_path / ".now.x.part").write_text("being written")
    os.utime(tmp_path / ".now.x.part", (4e9, 4e9))
    with directory_lock(tmp_path):
        left = sorted(
            str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if ".part" in p.name or "lock" in p.name
        )
    assert left == [
        *(".lock", ".now.x.part", "cells/a/config.part", "cells/locked", "cells/locked/.config.toml.x3k.part"),
        *("cells/locked/.lock", "cells/locked/config.part", "config.part", "figures/config.part"),
    ]


@pytest.mark.parametrize("how", ["removed", "renamed", "lock deleted", "taken over"])
def test_nothing_is_written_into_a_directory_that_was_lost(how, tmp_path):
    run = tmp_path / "run"
    with directory_lock(run):
        write_text(run / "figures" / "a", "b")
        if how == "removed":
            shutil.rmtree(run)
        elif how == "renamed":
            run.rename(tmp_path / "other")
        elif how == "lock deleted":
            (run / LOCK).unlink()
        else:
            (run / LOCK).write_text(json.dumps({**_lock._me(), "token": "other"}))
        with pytest.raises(DirectoryLostError, match=r"run was removed, renamed or taken over .*; b was not written"):
            write_text(run / "figures" / "b", "c")
        write_text(tmp_path / "elsewhere", "is free")
        assert not (run / "figures" / "b").exists()
        assert run.exists() == (how in ("lock deleted", "taken over"))
    if how == "taken over":
        assert (run / LOCK).exists()  # it is not ours


def test_links_to_a_directory_are_the_directory(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to("run")
    with directory_lock(tmp_path / "link"):
        refusal(tmp_path / "run")
        with atomic_file(tmp_path / "run" / "a") as stream:
            stream.write(b"a")


def test_a_file_system_without_links(tmp_path, monkeypatch):
    def none(*_):
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", none)
    with directory_lock(tmp_path):
        refusal(tmp_path)
    assert names(tmp_path) == []


def test_who_the_owner_is(tmp_path):
    with directory_lock(Path(tmp_path)):
        owner = json.loads((tmp_path / LOCK).read_text())
    assert owner["host"] == socket.gethostname()
    assert owner["pid"] == os.getpid()
    assert owner.keys() == {"token", "pid", "started", "host", "boot", "processes", "command"}
