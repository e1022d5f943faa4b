"""Shared parts of all commands: options, errors in one line, exit codes, and Ctrl-C."""

import contextlib
import functools
import logging
import re
import shlex
import signal
import sys
import warnings
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
"""Errors that eicon raises for invalid input; anything else is a bug in eicon."""


def _remember(context: click.Context, option: click.Parameter, given: bool) -> None:
    settings = context.ensure_object(dict)
    settings[option.name] = settings.get(option.name, False) or given


def _trust(context: click.Context, option: click.Parameter, given: bool) -> None:
    if given:
        from ..runs._own_code import trust

        trust()


_TRUSTS: dict[str, Any] = {"callback": _trust}


def shared_options() -> list[click.Option]:
    """``--quiet``, ``--debug`` and ``--trust``, which may be given before or after the name of a command."""
    shared: dict[str, Any] = {"is_flag": True, "expose_value": False, "callback": _remember}
    return [
        click.Option(["--quiet"], help="Print only the result, no progress.", **shared),
        click.Option(["--debug"], help="Show the full traceback of an error.", **shared),
        click.Option(
            ["--trust"],
            help="Import Python code that a recipe names (file.py:Class) even if it lies in a run directory or has "
            "changed since the run was made; without this option, such code is rejected.",
            **shared | _TRUSTS,
        ),
    ]


class Command(click.Command):
    """Command with the shared options."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += shared_options()


class Group(click.Group):
    """Group of commands with the shared options, listed in the order of use."""

    command_class = Command

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command on any console."""
        use_console()
        return super().main(*args, **kwargs)

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names in order of definition."""
        return list(self.commands)


command = functools.partial(click.command, cls=Command)
run_argument = click.argument("run", type=click.Path(path_type=Path, file_okay=False))
json_option = click.option("--json", "as_json", is_flag=True, help="Print all results as JSON and nothing else.")
seed_option = click.option(
    "--seed", type=click.IntRange(min=0), help="Seed of the trials and their noise.  [default: the run's]"
)

FOLDER_HELP = """Folder with the connectome files of bio2art, C_NAME.npy.  [default: $EICON_CONNECTOMES, or that of an
installed bio2art]"""

Form = Literal["png", "pdf", "svg"]
"""File formats of figures, as in `eicon.plotting.save_figures`; that package imports matplotlib."""


def figure_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--format``, ``--dpi`` and ``--style`` for a command that draws.

    The command receives ``form`` and ``dpi`` for `eicon.plotting.save_figures`, and runs with the chosen style.
    """

    @click.option(
        "--format",
        "form",
        type=click.Choice(["png", "pdf", "svg"]),
        default="png",
        show_default=True,
        help="File format of the figures. The numbers drawn are saved as a .csv file in the same directory.",
    )
    @click.option("--dpi", type=click.FloatRange(10, 10_000), help="Dots per inch.  [default: 150; 300 in paper style]")
    @click.option(
        "--style",
        type=click.Choice(["notebook", "paper", "talk"]),
        default="notebook",
        show_default=True,
        help="Style of the figures; paper figures are 85, 114 or 180 mm wide, in 7 pt type.",
    )
    @functools.wraps(function)
    def styled(*args: Any, style: str, **options: Any) -> Any:
        if style == "notebook":  # the default of eicon.plotting; no need to import matplotlib
            return function(*args, **options)
        from ..plotting import style as in_style

        with in_style(style):  # type: ignore[arg-type]  # one of the choices above
            return function(*args, **options)

    return styled


@contextlib.contextmanager
def errors(context: click.Context, run: Path | None = None, *, again: str = "") -> Iterator[None]:
    """Turn errors into one line and an exit code; treat SIGTERM like Ctrl-C, and two in quick succession as one.

    ``again``: the command that resumes after an interruption.
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
            if received.seconds_ago() < SECONDS_OF_ONE_INTERRUPT:  # compiled code turns an interrupt into an error
                _say_interrupted(context, run, again)
            if context.obj["debug"]:
                raise
            platform = why_no_platform()
            said = platform or in_shell_words(" ".join(str(error).split()), context)
            if not isinstance(error, EXPECTED) and platform is None:
                said = (
                    f"{type(error).__name__}: {said} (this is a bug in eicon; rerun with --debug and please report it)"
                )
            click.secho("error: ", fg="red", err=True, nl=False)
            click.echo(said, err=True)
            sys.exit(1)


def in_shell_words(text: str, context: click.Context) -> str:
    """Return a message of eicon with its Python arguments as the options of the command: ``--rows source``."""
    options = {option.name: option for option in context.command.params if isinstance(option, click.Option)}
    names = "|".join(map(re.escape, filter(None, options)))

    def option(match: re.Match[str]) -> str:
        found = options[match[1]]
        value = "" if found.is_flag or match.lastindex == 1 else f" {shlex.quote(match[match.lastindex or 1])}"
        return found.opts[0] + value

    text = re.sub(rf"(?<![\w.-])({names})=(?:'([^'{{}}]*)'|([\w.]*\w))", option, text)
    return re.sub(rf"`({names})`", option, text)


def option_given(context: click.Context, *names: str) -> str:
    """Return the first of these options that was given, as the user types it; "" if none was."""
    options = {option.name: option.opts[0] for option in context.command.params}
    source = click.core.ParameterSource.COMMANDLINE
    return next((options[name] for name in names if context.get_parameter_source(name) is source), "")


def _say_interrupted(context: click.Context, run: Path | None, again: str) -> NoReturn:
    click.echo("\nInterrupted.", err=True, nl=False)
    if run is not None and (run / "checkpoints" / "latest.npz").is_file():
        demo = context.info_name == "demo"
        again = hint("eicon", "demo", "--out", run) if demo else hint("eicon", "train", "--resume", run)
    if again:
        click.echo(f" Progress is saved; resume with: {again}", err=True, nl=False)
    click.echo(err=True)
    _interrupts.told = True  # later signals end the process without a second message
    sys.exit(INTERRUPTED)


def _log(context: click.Context) -> None:
    level = logging.WARNING if context.obj["quiet"] else logging.INFO
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger().setLevel(level)
    warnings.formatwarning = lambda message, *_, **__: f"warning: {message}\n"  # without a line of eicon's source
    for noisy in ("jax", "absl", "fontTools"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
