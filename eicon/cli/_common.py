"""What all commands share: errors in one line, exit codes, and Ctrl-C."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

INTERRUPTED = 130


@contextlib.contextmanager
def errors(context: click.Context, run: Path | None = None, *, again: str = "") -> Iterator[None]:
    """Turn expected errors into one line and an exit code; SIGTERM is treated like Ctrl-C.

    ``again``: the command that goes on after an interrupt.
    """

    def terminate(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    except KeyboardInterrupt:
        click.echo("\nInterrupted.", err=True, nl=False)
        if run is not None and (run / "checkpoints" / "latest.npz").is_file():
            again = f"eicon demo --out {run}" if context.info_name == "demo" else f"eicon train --resume {run}"
        if again:
            click.echo(f" Everything up to there is saved; go on with: {again}", err=True, nl=False)
        click.echo(err=True)
        sys.exit(INTERRUPTED)
    except (ValueError, OSError, FloatingPointError, TypeError, RuntimeError) as error:
        if context.obj["debug"]:
            raise
        click.secho("error: ", fg="red", err=True, nl=False)
        click.echo(" ".join(str(error).split()), err=True)
        sys.exit(1)
    finally:
        signal.signal(signal.SIGTERM, previous)
