"""What processes are given to do in the tests of `eicon.runs._workers`; they import this module, and nothing heavy."""

import os
import signal
import time
from pathlib import Path


def square(number: int) -> int:
    return number**2


def late(number: int) -> int:
    """The first item takes longest."""
    time.sleep(0.4 if number == 0 else 0.0)
    return number


def told(number: int) -> dict[str, object]:
    """What the process looks like from inside."""
    print("said by a worker")  # noqa: T201, as tasks of users do
    return {"pid": os.getpid(), "threads": os.environ["OMP_NUM_THREADS"], "ignored": signal.getsignal(signal.SIGINT)}


def awkward(number: int) -> int:
    if number == 2:
        raise AwkwardError(number, "does not survive being sent")
    return number


class AwkwardError(Exception):
    def __init__(self, number: int, why: str):
        super().__init__(why)


def killed_at_first(path: str) -> int:
    """Processes that are at it are killed until there are as many marks as the folder's name says."""
    folder = Path(path)
    marks = len(list(folder.iterdir()))
    if marks < int(folder.name):
        (folder / str(marks)).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return marks


def saves(path: str) -> None:
    """Work for a long time, and write something when interrupted."""
    folder = Path(path)
    try:
        (folder / f"{os.getpid()}.started").touch()
        time.sleep(60)
    except KeyboardInterrupt:
        (folder / f"{os.getpid()}.saved").touch()
        raise


def stubborn(path: str) -> None:
    """Do not end when interrupted."""
    while True:
        (Path(path) / f"{os.getpid()}.started").touch()
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            continue


def denies(path: str) -> None:
    """Make another error of an interrupt."""
    folder = Path(path)
    try:
        (folder / f"{os.getpid()}.started").touch()
        time.sleep(60)
    except KeyboardInterrupt:
        raise RuntimeError("what compiled code makes of it") from None
