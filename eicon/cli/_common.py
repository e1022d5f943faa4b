"""What all commands share: options, errors in one line, exit codes, and Ctrl-C."""

import contextlib
import functools
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NoReturn

import click

from .. import _interrupts
from .._cache import use_cache
from .._hints import hint
from .._interrupts import SECONDS_OF_ONE_INTERRUPT, interrupts
from ._surroundings import use_console, use_settings, why_no_platform

INTERRUPTED = 130
EXPECTED = (ValueError, OSError, ArithmeticError, TypeError, RuntimeError, ImportError, MemoryError)
"""What eicon raises for input that cannot be used; anything else is a bug in eicon."""


def _remember(context: click.Context, option: click.Parameter, given: bool) -> None:
    settings = context.ensure_object(dict)
    settings[option.name] = settings.get(option.name, False) or given


def _trust(context: click.Context, option: click.Parameter, given: bool) -> None:
    if given:
        from ..runs._own_code import trust

        trust()


_TRUSTS: dict[str, Any] = {"callback": _trust}


def shared_options() -> list[click.Option]:
    """``--quiet``, ``--debug`` and ``--trust``, which stand before or after the name of a command."""
    shared: dict[str, Any] = {"is_flag": True, "expose_value": False, "callback": _remember}
    return [
        click.Option(["--quiet"], help="No progress, only the result.", **shared),
        click.Option(["--debug"], help="Show the whole trace of an error.", **shared),
        click.Option(["--trust"], help="Import the code that a run names, wherever it lies.", **shared | _TRUSTS),
    ]


class Command(click.Command):
    """Command with the options that all share."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += shared_options()


class Group(click.Group):
    """Group of such commands, listed in the order in which they are used."""

    command_class = Command

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command, on whatever console there is."""
        use_console()
        return super().main(*args, **kwargs)

    def list_commands(self, context: click.Context) -> list[str]:
        """Names, in order of definition."""
        return list(self.commands)


command = functools.partial(click.command, cls=Command)
run_argument = click.argument("run", type=click.Path(path_type=Path, file_okay=False))
json_option = click.option("--json", "as_json", is_flag=True, help="Print all results as JSON, and nothing else.")
seed_option = click.option(
    "--seed", type=click.IntRange(min=0), help="Of the trials and their noise.  [default: the run's]"
)

Form = Literal["png", "pdf", "svg"]
"""Of figures, as `eicon.plotting.save_figures` has them; that room imports matplotlib."""


def figure_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--format``, ``--dpi`` and ``--style`` for a command that draws.

    The command gets ``form`` and ``dpi``, for `eicon.plotting.save_figures`; it runs in the style.
    """

    @click.option(
        "--format",
        "form",
        type=click.Choice(["png", "pdf", "svg"]),
        default="png",
        show_default=True,
        help="Of the figures; each has its numbers beside it, in a file .csv.",
    )
    @click.option("--dpi", type=click.FloatRange(10, 10_000), help="Dots per inch.  [default: 150; 300 in paper style]")
    @click.option(
        "--style",
        type=click.Choice(["notebook", "paper", "talk"]),
        default="notebook",
        show_default=True,
        help="Of the figures; paper: 85, 114 or 180 mm wide, type of 7 pt.",
    )
    @functools.wraps(function)
    def styled(*args: Any, style: str, **options: Any) -> Any:
        if style == "notebook":  # in force already; matplotlib is not imported for it
            return function(*args, **options)
        from ..plotting import style as in_style

        with in_style(style):  # type: ignore[arg-type]  # one of the choices above
            return function(*args, **options)

    return styled


@contextlib.contextmanager
def errors(context: click.Context, run: Path | None = None, *, again: str = "") -> Iterator[None]:
    """Turn errors into one line and an exit code; SIGTERM is treated like Ctrl-C, and two in a row as one.

    ``again``: the command that goes on after an interrupt.
    """
    _log(context)
    use_settings()
    use_cache()
    with interrupts(signal.SIGINT, signal.SIGTERM) as received:
        try:
            yield
            received.settle()
        except KeyboardInterrupt:
            _say_interrupted(context, run, again)
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:
            if received.seconds_ago() < SECONDS_OF_ONE_INTERRUPT:  # which compiled code makes an error of
                _say_interrupted(context, run, again)
            if context.obj["debug"]:
                raise
            platform = why_no_platform()
            said = platform or " ".join(str(error).split())
            if not isinstance(error, EXPECTED) and platform is None:
                said = (
                    f"{type(error).__name__}: {said} (this is a bug in eicon; rerun with --debug and please report it)"
                )
            click.secho("error: ", fg="red", err=True, nl=False)
            click.echo(said, err=True)
            sys.exit(1)


def _say_interrupted(context: click.Context, run: Path | None, again: str) -> NoReturn:
    click.echo("\nInterrupted.", err=True, nl=False)
    if run is not None and (run / "checkpoints" / "latest.npz").is_file():
        demo = context.info_name == "demo"
        again = hint("eicon", "demo", "--out", run) if demo else hint("eicon", "train", "--resume", run)
    if again:
        click.echo(f" Progress is saved; resume with: {again}", err=True, nl=False)
    click.echo(err=True)
    _interrupts.told = True  # a signal that comes from now on says nothing more
    sys.exit(INTERRUPTED)


def _log(context: click.Context) -> None:
    level = logging.WARNING if context.obj["quiet"] else logging.INFO
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger().setLevel(level)
    for noisy in ("jax", "absl", "fontTools"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
