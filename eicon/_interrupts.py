"""Ctrl-C and SIGTERM as one `KeyboardInterrupt`, which is raised where it is not lost."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

SECONDS_OF_ONE_INTERRUPT = 3.0
"""Signals that follow one another this fast are one: the second does not disturb what the first one lets be saved."""
SECONDS_BETWEEN_LOOKS = 0.05
IMPORTS = "<frozen importlib._bootstrap>"
DEAF = ("_xla_gc_callback", "__del__")
"""Functions, the first one of JAX, whose exceptions are printed and dropped."""
told = False
"""Whether the user was told that this process was interrupted, and it is about to end."""


@contextlib.contextmanager
def interrupts(*numbers: int) -> Iterator[Callable[[], float]]:
    """Raise `KeyboardInterrupt` for signals, and yield what says how many seconds ago that was.

    A signal that this process was told to ignore, as those of background jobs are, stays ignored. One that comes while
    a module is being imported, or memory is being freed, waits for the end of that: there an exception would be
    dropped, or turned into another one.

    Parameters
    ----------
    *numbers : int
        Signals.
    """
    last = -float("inf")

    def since() -> float:
        return time.monotonic() - last

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal last
        if _is_deaf(frame):
            again = threading.Timer(SECONDS_BETWEEN_LOOKS, _send_again, (number,))
            again.daemon = True
            again.start()
        elif since() > SECONDS_OF_ONE_INTERRUPT:
            last = time.monotonic()
            raise KeyboardInterrupt

    heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield since
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _send_again(number: int) -> None:
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)  # wakes it up, too
    else:
        signal.raise_signal(number)


def _is_deaf(frame: FrameType | None) -> bool:
    """Whether an exception that is raised where a signal came would be lost."""
    while frame is not None:
        if frame.f_code.co_filename == IMPORTS or frame.f_code.co_name in DEAF:
            return True
        frame = frame.f_back
    return False
