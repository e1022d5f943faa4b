"""What all commands share: options, errors in one line, exit codes, and Ctrl-C."""

import contextlib
import functools
import logging
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from .._cache import use_cache

INTERRUPTED = 130
EXPECTED = (ValueError, OSError, ArithmeticError, TypeError, RuntimeError, ImportError)
"""What eicon raises for input that cannot be used; anything else is a fault of eicon's own."""


def _remember(context: click.Context, option: click.Parameter, given: bool) -> None:
    settings = context.ensure_object(dict)
    settings[option.name] = settings.get(option.name, False) or given


def shared_options() -> list[click.Option]:
    """``--quiet`` and ``--debug``, which stand before or after the name of a command."""
    shared: dict[str, Any] = {"is_flag": True, "expose_value": False, "callback": _remember}
    return [
        click.Option(["--quiet"], help="No progress, only the result.", **shared),
        click.Option(["--debug"], help="Show the whole trace of an error.", **shared),
    ]


class Command(click.Command):
    """Command with the options that all share."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += shared_options()


class Group(click.Group):
    """Group of such commands, listed in the order in which they are used."""

    command_class = Command

    def list_commands(self, context: click.Context) -> list[str]:
        """Names, in order of definition."""
        return list(self.commands)


command = functools.partial(click.command, cls=Command)
run_argument = click.argument("run", type=click.Path(path_type=Path, file_okay=False))
json_option = click.option("--json", "as_json", is_flag=True, help="Print all results as JSON, and nothing else.")
seed_option = click.option(
    "--seed", type=click.IntRange(min=0), help="Of the trials and their noise.  [default: the run's]"
)


@contextlib.contextmanager
def errors(context: click.Context, run: Path | None = None, *, again: str = "") -> Iterator[None]:
    """Turn errors into one line and an exit code; SIGTERM is treated like Ctrl-C.

    ``again``: the command that goes on after an interrupt.
    """

    def terminate(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    _log(context)
    use_cache()
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
    except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
        raise
    except Exception as error:
        if context.obj["debug"]:
            raise
        said = " ".join(str(error).split())
        if not isinstance(error, EXPECTED):
            said = f"{type(error).__name__}: {said} (a fault of eicon; --debug shows where. Please report it.)"
        click.secho("error: ", fg="red", err=True, nl=False)
        click.echo(said, err=True)
        sys.exit(1)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _log(context: click.Context) -> None:
    level = logging.WARNING if context.obj["quiet"] else logging.INFO
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger().setLevel(level)
    for noisy in ("jax", "matplotlib", "absl"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
