"""A trained run as an interactive page: explore."""

import json
import webbrowser
from pathlib import Path

import click

from ._common import command, errors, json_option, run_argument, seed_option


@command()
@run_argument
@click.option("--no-open", is_flag=True, help="Only write the page.")
@click.option(
    "--repeats", type=click.IntRange(min=1), help="Trials per condition.  [default: about 200 trials in total]"
)
@seed_option
@json_option
@click.pass_context
def explore(
    context: click.Context, run: Path, no_open: bool, repeats: int | None, seed: int | None, as_json: bool
) -> None:
    """Explore a trained RUN in the browser.

    RUN/explore.html shows linked views of weights, rates, trajectories and behaviour, with a slider that condenses the
    network. It is one self-contained file that works offline.

    \b
    Examples:
      eicon explore results/demo
      eicon explore results/demo --no-open --repeats 50
    """
    with errors(context):
        from ..runs import open_run

        opened = open_run(run).with_seed(seed)
        from ..pages import explore_run

        written = explore_run(opened, repeats=repeats, progress=not context.obj["quiet"])
        if as_json:
            click.echo(json.dumps(written._asdict(), indent=2))
            return
        click.echo(f"Page: {written.path} ({written.size / 1e6:.1f} MB)")
        if not no_open and not webbrowser.open(Path(written.path).resolve().as_uri()):
            click.echo("No browser could be started here; open the page yourself.", err=True)
