"""Locks that allow one writer per directory, and are taken over from processes that have died.

The lock is the file ``.lock``, JSON with the owner's process, machine and command. A process that finds a lock checks
whether its owner is still alive. This is impossible for other machines; therefore the owner touches its lock every
minute, and a lock that was not touched for 15 minutes counts as abandoned. The next owner removes unfinished files.
"""

import contextlib
import json
import os
import shlex
import shutil
import socket
import sys
import tempfile
import threading
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LOCK = ".lock"
BOOT = "/proc/sys/kernel/random/boot_id"
BEAT, DEAD_AFTER = 60.0, 900.0
"""Seconds between two signs of life, and until a lock of another machine without one counts as abandoned."""

_held: dict[Path, str] = {}
"""Directories locked by this process, and the token of each lock."""


class DirectoryInUseError(ValueError):
    """Error: another process writes into the directory."""


class DirectoryLostError(FileNotFoundError):
    """Error: a directory, or its lock, was removed while this process wrote into it."""


@contextlib.contextmanager
def directory_lock(path: str | os.PathLike[str], what: str = "run") -> Iterator[None]:
    """Lock a directory for writing, making it if necessary.

    Only one process can have the lock. The lock of a killed process is taken over, and its unfinished files
    (``.NAME.*.part``) are removed. Forked processes inherit the lock, but never release it.

    Parameters
    ----------
    path : path
    what : str
        Name of the kind of directory, for errors.

    Raises
    ------
    DirectoryInUseError
        If another process, or another part of this one, has the lock.
    """
    directory = Path(os.path.realpath(path))
    made = not directory.exists()
    directory.mkdir(parents=True, exist_ok=True)
    lock, mine = directory / LOCK, _me()
    _acquire(lock, mine, f"the {what} {path}")
    _held[directory] = mine["token"]
    done = threading.Event()
    try:
        threading.Thread(target=_beat, args=(lock, mine["token"], done), daemon=True).start()
        _clean(directory, lock.stat().st_mtime)
        yield
    finally:
        done.set()
        if os.getpid() == mine["pid"]:
            _held.pop(directory, None)
            _release(lock, mine["token"])
            if made:
                with contextlib.suppress(OSError):  # unless something was written
                    directory.rmdir()


def refuse_lost(target: Path) -> None:
    """Refuse to write into a directory that was removed after this process locked it.

    Raises
    ------
    DirectoryLostError
        Raised instead of making a new directory without the other files.
    """
    place = Path(os.path.realpath(target.parent)) if _held else target
    for directory, token in _held.items():
        if place.is_relative_to(directory) and (_read(directory / LOCK) or {}).get("token") != token:
            raise DirectoryLostError(
                f"{directory} was removed, renamed or taken over while this process wrote into it; "
                f"{target.name} was not written."
            )


def _acquire(lock: Path, mine: dict[str, Any], what: str) -> None:
    """Make the lock, or replace that of a dead owner.

    An abandoned lock is replaced by the process that has the lock of its token, so only by one process; that second
    lock can be abandoned and replaced in the same way.
    """
    for _ in range(100):
        if _created(lock, mine):
            return
        owner = _read(lock)
        if owner is None:  # released in between
            continue
        if not _dead(lock, owner):
            raise DirectoryInUseError(_refusal(lock, owner, what))
        turn = lock.with_name(f"{LOCK}.{owner['token']}")
        _acquire(turn, mine | {"token": uuid.uuid4().hex}, what)
        try:
            if (_read(lock) or {}).get("token") == owner["token"]:  # no other process was first
                with _written(lock, mine) as new:
                    os.replace(new, lock)
                return
        finally:
            turn.unlink(missing_ok=True)
    raise DirectoryInUseError(f"{what} has a lock, {lock}, that can be neither read nor made; delete it.")


def _created(lock: Path, mine: dict[str, Any]) -> bool:
    """Make the lock with its content, and return whether there was none before."""
    with _written(lock, mine) as new:
        try:
            os.link(new, lock)
        except FileExistsError:
            return False
        except OSError:  # a file system without links
            try:
                handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
            except FileExistsError:
                return False
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(mine, stream)
    return True


@contextlib.contextmanager
def _written(lock: Path, mine: dict[str, Any]) -> Iterator[str]:
    handle, new = tempfile.mkstemp(dir=lock.parent, prefix=f".{lock.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(mine, stream)
            stream.flush()
            os.fsync(stream.fileno())
        yield new
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new)


def _read(lock: Path) -> dict[str, Any] | None:
    """Return the content of a lock; None if there is none. The token of an unreadable lock comes from its bytes."""
    try:
        data = lock.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    with contextlib.suppress(ValueError, RecursionError):
        owner = json.loads(data)
        if isinstance(owner, dict) and str(owner.get("token")).isalnum() and isinstance(owner.get("pid"), int):
            return owner
    return {"token": f"unreadable{zlib.crc32(data)}"}


def _me() -> dict[str, Any]:
    return {
        "token": uuid.uuid4().hex,
        "pid": os.getpid(),
        "started": _started(os.getpid()),
        "host": socket.gethostname(),
        "boot": _line(BOOT),
        "processes": _space(),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])[:500],
    }


def _dead(lock: Path, owner: dict[str, Any]) -> bool:
    """Return whether an owner has ended for certain."""
    here = owner.get("host") == socket.gethostname() and os.name == "posix"  # elsewhere no harmless signal exists
    if here and owner.get("boot") != _line(BOOT):
        return True  # the machine was restarted
    if here and owner.get("processes") == _space():
        return not _alive(int(owner["pid"]), owner.get("started"))
    with contextlib.suppress(FileNotFoundError), _written(lock, {}) as now:  # by the clock of the file system
        return os.stat(now).st_mtime - lock.stat().st_mtime > DEAD_AFTER
    return False


def _alive(pid: int, started: Any) -> bool:
    """Return whether a process of this machine is alive, and not a different one with the same number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it belongs to another user
        pass
    now = _started(pid)
    return now != "dead" and (not started or not now or now == started)


def _started(pid: int) -> str:
    """Return the start time of a process, "dead" if it only waits for its parent, "" if unknown."""
    line = _line(f"/proc/{pid}/stat").rpartition(")")[2].split()  # its name may contain anything
    if len(line) < 20:
        return ""
    return "dead" if line[0] in "ZX" else line[19]


def _space() -> str:
    """Return the name space of process numbers, because those of other containers are meaningless here."""
    with contextlib.suppress(OSError):
        return os.readlink("/proc/self/ns/pid")
    return ""


def _line(path: str) -> str:
    with contextlib.suppress(OSError):
        return Path(path).read_text("utf-8", "replace").strip()
    return ""


def _refusal(lock: Path, owner: dict[str, Any], what: str) -> str:
    if "pid" not in owner:
        return f"{what} has a lock, {lock}, that cannot be read; delete it if no process writes there."
    who = "this process" if owner["pid"] == os.getpid() else f"process {owner['pid']}"
    if owner.get("host") != socket.gethostname():
        who = f"{who} on {owner.get('host')}"
        then = f"it counts as ended {DEAD_AFTER / 60:.0f} minutes after its last sign of life, or delete {lock}"
    else:
        then = "wait for it, or end it first"
    return f"{what} is being written by {who} ({owner.get('command', '')}); {then}."


def _beat(lock: Path, token: str, done: threading.Event) -> None:
    """Touch the lock regularly, as a sign of life for other machines."""
    while not done.wait(BEAT):
        with contextlib.suppress(OSError):
            if (_read(lock) or {}).get("token") == token:
                os.utime(lock)


def _release(lock: Path, token: str) -> None:
    if (_read(lock) or {}).get("token") == token:
        lock.unlink(missing_ok=True)


def _clean(directory: Path, before: float) -> None:
    """Remove unfinished files older than this lock, except in subdirectories with their own lock."""
    for folder, folders, files in os.walk(directory):
        here = Path(folder)
        if here != directory and LOCK in files:
            folders.clear()
            continue
        left = [name for name in (*folders, *files) if name.startswith(".") and name.endswith(".part")]
        for name in (*left, *(name for name in files if name.startswith(f"{LOCK}."))):
            part = here / name
            with contextlib.suppress(OSError):
                if part.lstat().st_mtime > before:
                    continue
                if name in folders:
                    folders.remove(name)
                    shutil.rmtree(part)
                else:
                    part.unlink()
