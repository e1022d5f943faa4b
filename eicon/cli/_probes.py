"""Trained runs under other conditions: perturb and dt-report."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ._common import command, errors, json_option, run_argument, seed_option


@command()
@run_argument
@click.option("--silence", multiple=True, metavar="UNITS", help="Rates are 0.")
@click.option("--drive", multiple=True, metavar="UNITS:CURRENT", help="A constant current is added.")
@click.option("--cut", multiple=True, metavar="UNITS>UNITS", help="Connections transmit nothing.")
@click.option("--epoch", help="Of the trial, e.g. stimulus.  [default: all of it]")
@click.option("--repeats", type=click.IntRange(min=1), default=50, show_default=True, help="Trials per condition.")
@seed_option
@json_option
@click.pass_context
def perturb(
    context: click.Context,
    run: Path,
    silence: tuple[str, ...],
    drive: tuple[str, ...],
    cut: tuple[str, ...],
    epoch: str | None,
    repeats: int,
    seed: int | None,
    as_json: bool,
) -> None:
    """Behaviour of a trained RUN under perturbations.

    Trials and noise are the same as without. UNITS are a type (I), labels (area=motor,type=E) or indices (0,5,7).
    Each option given is a perturbation of its own.

    \b
    Examples:
      eicon perturb results/first --silence I --epoch stimulus
      eicon perturb results/first --drive E:0.2 --drive I:0.2
      eicon perturb results/areas --cut "area=motor>area=sensory"
    """
    with errors(context, run):
        asked = {"silence": silence, "drive": drive, "cut": cut}
        if not any(asked.values()):
            raise click.UsageError("give at least one of --silence, --drive and --cut.")
        from ..runs import open_run

        opened = open_run(run).with_seed(seed)
        from .._files import without_nan
        from ..runs import perturb_run
        from ..studies._perturb import parse_perturbation

        perturbations = {
            f"{kind} {text}" + (f" ({epoch})" if epoch else ""): [parse_perturbation(kind, text, epoch)]
            for kind, texts in asked.items()
            for text in texts
        }
        effects = perturb_run(opened, perturbations, repeats=repeats)
        if as_json:
            click.echo(json.dumps([without_nan(effect._asdict()) for effect in effects], indent=2))
            return
        columns = ("accuracy", "worst", "changed", "no choice", "bias (%)", "width (%)", "mean rate")
        forms = (".1%", ".1%", ".1%", ".1%", ".2f", ".2f", ".3g")
        click.echo(_table("perturbation", columns, forms, [(effect[0], effect[1:]) for effect in effects]))


@command("dt-report")
@run_argument
@click.option(
    "--dt", "dts", type=click.FloatRange(min=0, min_open=True), multiple=True, help="ms.  [default: 20, 2 and 0.5]"
)
@click.option("--repeats", type=click.IntRange(min=2), default=50, show_default=True, help="Trials per condition.")
@seed_option
@json_option
@click.pass_context
def dt_report(
    context: click.Context, run: Path, dts: tuple[float, ...], repeats: int, seed: int | None, as_json: bool
) -> None:
    """Check a trained RUN in steps of several sizes.

    The exit code is 1 if their statistics do not agree.

    \b
    Examples:
      eicon dt-report results/first
      eicon dt-report results/first --dt 20 --dt 1
    """
    with errors(context, run):
        from ..runs import open_run

        opened = open_run(run).with_seed(seed)
        from .._files import without_nan, write_text
        from ..studies import dt_report

        rows = dt_report(
            opened.load_network(),
            opened.recipe.make_task(),
            dts or (20.0, 2.0, 0.5),
            repeats=repeats,
            seed=opened.recipe.seed,
        )
        text = json.dumps([without_nan(row._asdict()) for row in rows], indent=2)
        write_text(run / "dt_report.json", text + "\n")
        if as_json:
            click.echo(text)
        else:
            columns = ("accuracy", "mean rate", "output error", "width (%)", "agrees")
            values = [
                (
                    f"{row.dt:g}",
                    (row.accuracy, row.mean_rate, row.output_error, row.psychometric_width, str(row.agrees)),
                )
                for row in rows
            ]
            click.echo(_table("dt (ms)", columns, (".1%", ".4f", ".1%", ".2f", "s"), values))
        if not all(row.agrees for row in rows):
            context.exit(1)


def _table(first: str, columns: Sequence[str], forms: Sequence[str], rows: Sequence[tuple[str, Sequence[Any]]]) -> str:
    width = max(len(first), *(len(name) for name, _ in rows))
    lines = [" ".join([f"{first:<{width}}", *(f"{column:>12}" for column in columns)])]
    for name, values in rows:
        shown = [_cell(value, form) for value, form in zip(values, forms, strict=True)]
        lines.append(" ".join([f"{name:<{width}}", *(f"{cell:>12}" for cell in shown)]))
    return "\n".join(lines)


def _cell(value: Any, form: str) -> str:
    return "-" if value != value else format(value, form)  # NaN
