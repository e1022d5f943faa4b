"""Ctrl-C and SIGTERM as one `KeyboardInterrupt`, which is raised where it is not lost."""

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

SECONDS_OF_ONE_INTERRUPT = 3.0
"""Signals that follow one another this fast are one: the second does not disturb what the first one lets be saved."""
SECONDS_BETWEEN_LOOKS = 0.05
IMPORTS = "<frozen importlib._bootstrap>"
DEAF = ("_xla_gc_callback", "__del__")
"""Functions, the first one of JAX, whose exceptions are printed and dropped."""
told = False
"""Whether the user was told that this process was interrupted, and it is about to end."""


class Received:
    """What signals did inside of `interrupts`."""

    def __init__(self) -> None:
        self.last = -float("inf")
        self.waits = False

    def seconds_ago(self) -> float:
        """Seconds since the last signal that raised; infinite without one."""
        return time.monotonic() - self.last

    def settle(self) -> None:
        """Raise `KeyboardInterrupt` for a signal that still waits, or whose exception something dropped."""
        if self.waits or math.isfinite(self.last):
            raise KeyboardInterrupt


@contextlib.contextmanager
def interrupts(*numbers: int) -> Iterator[Received]:
    """Raise `KeyboardInterrupt` for signals, and yield what is known of them.

    A signal that this process was told to ignore, as those of background jobs are, stays ignored. One that comes while
    a module is being imported, or memory is being freed, waits for the end of that: there an exception would be
    dropped, or turned into another one. Whoever is done calls `Received.settle`, as it may wait until then.

    Parameters
    ----------
    *numbers : int
        Signals.
    """
    received = Received()

    def interrupt(number: int, frame: FrameType | None) -> None:
        received.waits = _is_deaf(frame)
        if received.waits:
            again = threading.Timer(SECONDS_BETWEEN_LOOKS, _send_again, (number,))
            again.daemon = True
            again.start()
        elif received.seconds_ago() > SECONDS_OF_ONE_INTERRUPT:
            received.last = time.monotonic()
            raise KeyboardInterrupt

    heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield received
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
