"""``python -m eicon`` is the ``eicon`` command."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn


def main() -> None:
    """Run the command; until it handles signals itself, they end it without a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    from .cli import main as command

    command(prog_name="eicon")


def _end(number: int, frame: FrameType | None) -> NoReturn:
    told = getattr(sys.modules.get("eicon._interrupts"), "told", False)
    if sys.stderr is not None and not told:
        os.write(2, b"\nInterrupted.\n")
    os._exit(130)


if __name__ == "__main__":
    main()
