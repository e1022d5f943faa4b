"""The ``eicon`` command; heavy imports happen inside the commands that need them."""

import logging
import sys

import click

from .. import __version__
from ._common import INTERRUPTED as INTERRUPTED
from ._compare import compare
from ._condense import condense
from ._connectomes import connectomes
from ._probes import dt_report, perturb
from ._reproduce import reproduce
from ._runs import analyze, demo, report, tasks, train
from ._sweeps import plot_losses, sweep


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `eicon demo`; it takes about two minutes.",
)
@click.version_option(__version__, prog_name="eicon")
@click.option("--debug", is_flag=True, help="Show the whole trace of an error.")
@click.option("--quiet", is_flag=True, help="No progress bar, only the result.")
@click.pass_context
def main(context: click.Context, debug: bool, quiet: bool) -> None:
    """Train excitatory-inhibitory rate networks and see what they learned."""
    context.obj = {"debug": debug, "quiet": quiet}
    logging.basicConfig(level=logging.WARNING if quiet else logging.INFO, format="%(message)s", stream=sys.stderr)
    for noisy in ("jax", "matplotlib", "absl"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


COMMANDS = (
    demo,
    train,
    analyze,
    report,
    perturb,
    dt_report,
    compare,
    condense,
    reproduce,
    tasks,
    connectomes,
    sweep,
    plot_losses,
)
for command in COMMANDS:
    main.add_command(command)
