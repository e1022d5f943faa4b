"""Two runs side by side: compare."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from ._common import command, errors, json_option


@command()
@click.argument("run_a", type=click.Path(path_type=Path))
@click.argument("run_b", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Directory.  [default: RUN_B/compare/NAME_OF_A]")
@click.option("--repeats", type=click.IntRange(min=2), default=20, show_default=True, help="Trials per condition.")
@click.option("--noise", is_flag=True, help="Run the networks with their noise, from the same key.")
@click.option("--seed", type=click.IntRange(min=0), help="Of the trials and their noise.  [default: that of RUN_A]")
@json_option
@click.pass_context
def compare(
    context: click.Context,
    run_a: Path,
    run_b: Path,
    out: Path | None,
    repeats: int,
    noise: bool,
    seed: int | None,
    as_json: bool,
) -> None:
    """Compare two trained runs on the same trials.

    Compared are behaviour, trajectories and spectra. RUN_A is the reference. Networks may differ in size, not in the
    inputs and outputs of their task.

    \b
    Example:
      eicon compare results/teacher results/condensed
    """
    with errors(context, None):
        from ..runs import open_run

        of_a, of_b = open_run(run_a).with_seed(seed), open_run(run_b)
        from ..pages import compare_runs, comparison_tables

        numbers = compare_runs(of_a, of_b, out, repeats=repeats, noise=noise)
        if as_json:
            click.echo(json.dumps(numbers, indent=2))
            return
        for note in numbers["notes"]:
            click.echo(f"Note: {note}")
        tables = comparison_tables(numbers)
        _say(("", *(f"{side}: {name}" for side, name in zip("AB", numbers["names"], strict=True))), tables.networks)
        _say(("", "B against A", ""), tables.likeness)
        click.echo(f"All on one page: {Path(numbers['folder']) / 'compare.html'}")


def _say(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(2)]
    for line in lines:
        click.echo("  ".join([line[0].ljust(widths[0]), line[1].ljust(widths[1]), line[2]]).rstrip())
    click.echo()
