"""Runs side by side: compare."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ._common import Form, command, errors, figure_options, json_option


@command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN_A RUN_B [RUN_C ...]")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory.  [default: RUN_B/compare/NAME_OF_A, or compare in the last of more than two]",
)
@click.option("--repeats", type=click.IntRange(min=2), default=20, show_default=True, help="Trials per condition.")
@click.option("--noise", is_flag=True, help="Run the networks twice with their noise: gives noise ceilings.")
@click.option(
    "--permutations", type=click.IntRange(min=0), default=99, show_default=True, help="Of trials, for the nulls."
)
@click.option("--seed", type=click.IntRange(min=0), help="Of the trials and their noise.  [default: that of RUN_A]")
@figure_options
@json_option
@click.pass_context
def compare(
    context: click.Context,
    runs: tuple[Path, ...],
    out: Path | None,
    repeats: int,
    noise: bool,
    permutations: int,
    seed: int | None,
    form: Form,
    dpi: float | None,
    as_json: bool,
) -> None:
    """Compare trained runs on the same trials.

    Of two, compared are behaviour, trajectories and spectra, RUN_A being the reference; of more than two, the
    trajectories of each two, as a matrix. Each number of likeness stands beside its null, and with --noise beside the
    noise ceiling. Networks may differ in size, not in the inputs and outputs of their task.

    \b
    Examples:
      eicon compare results/teacher results/condensed
      eicon compare results/first results/second results/third --noise
    """
    with errors(context, None):
        if len(runs) < 2:
            raise click.UsageError("compare needs at least two runs, RUN_A and RUN_B.")
        from ..runs import open_run

        opened = [open_run(runs[0]).with_seed(seed), *map(open_run, runs[1:])]
        options: dict[str, Any] = {"repeats": repeats, "noise": noise, "n_permutations": permutations}
        options |= {"form": form, "dpi": dpi}
        if len(opened) == 2:
            _two(opened[0], opened[1], out, options, as_json)
        else:
            _many(opened, out, options, as_json)


def _two(run_a: Any, run_b: Any, out: Path | None, options: dict[str, Any], as_json: bool) -> None:
    from ..pages import compare_runs, comparison_tables
    from ..pages._compare_text import LIKENESS

    numbers = compare_runs(run_a, run_b, out, **options)
    if as_json:
        click.echo(json.dumps(numbers, indent=2))
        return
    tables = comparison_tables(numbers)
    names = (f"{side}: {name}" for side, name in zip("AB", numbers["names"], strict=True))
    _say(numbers, [(("", *names), tables.networks), (("B against A", *LIKENESS[1:]), tables.likeness)])


def _many(runs: Sequence[Any], out: Path | None, options: dict[str, Any], as_json: bool) -> None:
    from ..pages._compare_many import compare_many_runs, rows_of_pairs

    numbers = compare_many_runs(runs, out, **options)
    if as_json:
        click.echo(json.dumps(numbers, indent=2))
        return
    _say(numbers, [rows_of_pairs(numbers)])


def _say(numbers: dict[str, Any], tables: Sequence[tuple[Sequence[str], Sequence[Sequence[str]]]]) -> None:
    for note in numbers["notes"]:
        click.echo(f"Note: {note}")
    for head, rows in tables:
        lines = [head, *rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        for line in lines:
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        click.echo()
    click.echo(f"All on one page: {Path(numbers['folder']) / 'compare.html'}")
