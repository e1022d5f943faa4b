"""Deferral of Ctrl-C until it is safe."""

import signal
import threading
from types import FrameType


class DeferredSignals:
    """Hold back Ctrl-C (and SIGTERM, where Python handles it) until `deliver`; a second one acts at once.

    An interrupt inside a destructor or a garbage-collection callback is swallowed by Python,
    and one inside an update leaves it incomplete. Outside the main thread this does nothing.
    """

    def __init__(self) -> None:
        self._previous: dict[int, signal.Handlers | int | object] = {}
        self._pending: tuple[int, FrameType | None] | None = None

    def __enter__(self) -> "DeferredSignals":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                handler = signal.getsignal(number)
                if callable(handler):
                    self._previous[number] = handler
                    signal.signal(number, self._remember)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        if error[0] is None:
            self.deliver()

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self._pending is None:
            self._pending = (number, frame)
        else:
            self._pending = None
            self._act(number, frame)

    def _act(self, number: int, frame: FrameType | None) -> None:
        handler = self._previous[number]
        assert callable(handler)
        handler(number, frame)

    def deliver(self) -> None:
        """Let a deferred signal act now."""
        if self._pending is not None:
            pending, self._pending = self._pending, None
            self._act(*pending)
