"""The ``eicon`` command; heavy imports happen inside the commands that need them."""

import os

import click

from .._version import version_line
from ._common import INTERRUPTED as INTERRUPTED
from ._common import Group, shared_options
from ._compare import compare
from ._completion import completion
from ._condense import condense
from ._connectomes import connectomes
from ._explore import explore
from ._export import export
from ._probes import dt_report, lesion, perturb
from ._recipes import recipe
from ._recordings import recording
from ._reproduce import reproduce
from ._runs import analyze, demo, fit, report, tasks, train
from ._sweeps import plot, plot_losses, sweep

EXAMPLES = """Examples:
  eicon demo
  eicon train recipe.toml --out results/first
  eicon analyze results/first --fixed-points
  eicon condense results/first --to 40

Exit codes: 0 done; 1 error, reported in one line; 2 wrong usage; 130 interrupted, saved."""


def _print_version(context: click.Context, option: click.Parameter, given: bool) -> None:
    if given and not context.resilient_parsing:
        click.echo(f"eicon, version {version_line()}")
        context.exit()


@click.group(
    "eicon",
    cls=Group,
    params=shared_options(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\n" + EXAMPLES.replace("\n\n", "\n\n\b\n"),
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show version and date, and exit.",
)
@click.pass_context
def main(context: click.Context) -> None:
    """Train excitatory-inhibitory rate networks and analyse what they learned.

    RECIPE is a TOML file that describes task, network and training. RUN is a run directory: the recipe, the trained
    network and all results of one training. SWEEP is a directory of runs over all combinations in a recipe's grid.
    """
    if os.environ.get("NO_COLOR"):
        context.color = False


COMMANDS = (
    demo,
    recipe,
    train,
    fit,
    sweep,
    plot,
    analyze,
    report,
    explore,
    perturb,
    lesion,
    dt_report,
    compare,
    condense,
    export,
    reproduce,
    tasks,
    connectomes,
    recording,
    plot_losses,
    completion,
)
for command in COMMANDS:
    main.add_command(command)
