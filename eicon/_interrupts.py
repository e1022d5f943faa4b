"""Conversion of Ctrl-C and SIGTERM to a single `KeyboardInterrupt`, raised only where it is not lost."""

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

SECONDS_OF_ONE_INTERRUPT = 3.0
"""Time within which repeated signals count as one, so that the second does not disturb saving after the first."""
SECONDS_BETWEEN_LOOKS = 0.05
IMPORTS = "<frozen importlib._bootstrap>"
DEAF = ("_xla_gc_callback", "__del__")
"""Functions (the first one of JAX) whose exceptions are printed and dropped."""
told = False
"""True if the user was told about the interrupt and the process is about to end."""


class Received:
    """State of signals inside `interrupts`."""

    def __init__(self) -> None:
        self.last = -float("inf")
        self.waits = False

    def seconds_ago(self) -> float:
        """Return the seconds since the last signal that raised; infinite without one."""
        return time.monotonic() - self.last

    def settle(self) -> None:
        """Raise `KeyboardInterrupt` for a pending signal, or one whose exception was dropped."""
        if self.waits or math.isfinite(self.last):
            raise KeyboardInterrupt


@contextlib.contextmanager
def interrupts(*numbers: int) -> Iterator[Received]:
    """Raise `KeyboardInterrupt` for signals, and yield their state.

    Signals that the process already ignores, as in background jobs, stay ignored. A signal during the import of a
    module or the release of memory waits until that is finished, because an exception would be dropped or changed
    there. At the end, the caller must call `Received.settle`, because a signal may still be pending.

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
        signal.pthread_kill(threading.main_thread().ident or 0, number)  # also wakes up the main thread
    else:
        signal.raise_signal(number)


def _is_deaf(frame: FrameType | None) -> bool:
    """Return whether an exception raised at the place of a signal would be lost."""
    while frame is not None:
        if frame.f_code.co_filename == IMPORTS or frame.f_code.co_name in DEAF:
            return True
        frame = frame.f_back
    return False
