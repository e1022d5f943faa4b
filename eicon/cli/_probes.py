"""Trained runs under changed conditions: perturb, lesion and dt-report."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from .._hints import hint
from ._common import command, errors, figure_options, json_option, option_given, run_argument, seed_option

FRACTION = click.FloatRange(min=0, max=1, min_open=True)


@command()
@run_argument
@click.option("--silence", multiple=True, metavar="UNITS", help="Set the rates of UNITS to 0.")
@click.option(
    "--drive", multiple=True, metavar="UNITS:CURRENT", help="Add a constant CURRENT to UNITS; it may be negative."
)
@click.option(
    "--cut", multiple=True, metavar="UNITS>UNITS", help="Block the connections from the first to the second UNITS."
)
@click.option("--epoch", help="Epoch of the perturbation, e.g. stimulus.  [default: the whole trial]")
@click.option(
    "--window",
    metavar="START:STOP",
    help='Interval of the perturbation in ms from the start of the trial or of --epoch; without STOP ("500:"), until '
    "the end of the trial.",
)
@click.option(
    "--trials", type=FRACTION, help="Fraction of the trials that are perturbed, drawn at random.  [default: all]"
)
@click.option(
    "--cells",
    type=FRACTION,
    help="Fraction of the UNITS (with --cut, of the first ones) that are perturbed, drawn at random.  [default: all]",
)
@click.option(
    "--ramp", metavar="MS or RISE:FALL", help="Duration of a linear rise at the start and fall at the end, in ms."
)
@click.option(
    "--dose",
    "doses",
    metavar="DOSE,DOSE...",
    help="Strengths to compare, e.g. 0,.1,.2,1: fractions by which rates (--silence) or connections (--cut) are "
    "reduced, or factors on CURRENT; draws a dose curve.",
)
@click.option("--repeats", type=click.IntRange(min=1), default=50, show_default=True, help="Trials per condition.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory of the dose curve.  [default: RUN/figures]",
)
@figure_options
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
    window: str | None,
    trials: float | None,
    cells: float | None,
    ramp: str | None,
    doses: str | None,
    repeats: int,
    out: Path | None,
    form: Any,
    dpi: float | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Measure the behaviour of a trained RUN under perturbations.

    Trials and noise are the same with and without a perturbation. UNITS are a type (I), labels (area=motor,type=E: the
    units that have all of them) or indices (0,5,7). Every --silence, --drive and --cut is a perturbation of its own,
    measured separately; the other options apply to all of them.

    The table gives the percentage of perturbed trials with a correct answer, a wrong answer or no answer, which add up
    to 100 %, and with an answer that changed compared with the same trial without perturbation. Brackets contain 95 %
    intervals. Tasks without a choice have their score instead.

    \b
    Examples:
      eicon perturb results/first --silence I --epoch stimulus
      eicon perturb results/first --silence E --cells 0.3 --trials 0.5 --window 500:800 --ramp 0:100
      eicon perturb results/first --silence E --dose 0,0.25,0.5,0.75,1
      eicon perturb results/areas --cut "area=motor>area=sensory"
    """
    with errors(context):
        asked = {"silence": silence, "drive": drive, "cut": cut}
        if not any(asked.values()):
            raise click.UsageError("give at least one of --silence, --drive and --cut.")
        if doses is None and (unused := option_given(context, "out", "form", "dpi", "style")):
            raise click.UsageError(f"{unused} applies to the dose curve; it needs --dose DOSE,DOSE...")
        how: dict[str, Any] = {"trials": trials, "cells": cells}
        how |= {"window": None if window is None else _window(window), "ramp": None if ramp is None else _ramp(ramp)}
        factors = None if doses is None else _numbers("--dose", doses, ",")
        from ..runs import open_run

        opened = open_run(run).with_seed(seed)
        from .._files import without_nan
        from ..runs import perturb_run
        from ..studies._perturb import parse_perturbation

        given = {name: value for name, value in how.items() if value is not None} | {"seed": opened.recipe.seed}
        said = ", ".join(word for word in (epoch, None if window is None else f"{window} ms") if word)
        try:
            perturbations = {
                f"{kind} {text}" + (f" ({said})" if said else ""): parse_perturbation(kind, text, epoch, **given)
                for kind, texts in asked.items()
                for text in texts
            }
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        effects = perturb_run(opened, perturbations, doses=factors, repeats=repeats)
        figures = []
        if factors is not None:
            from ..plotting import save_figures
            from ..plotting.behaviour import plot_perturbations

            folder = run / "figures" if out is None else out
            figures = save_figures(folder, {"dose_curve": plot_perturbations(effects)}, form=form, dpi=dpi)
        if as_json:
            click.echo(json.dumps([without_nan(effect._asdict()) for effect in effects], indent=2))
            return
        click.echo(_effects(effects))
        for figure in figures:
            click.echo(f"Figure: {figure}")


def _effects(effects: Sequence[Any]) -> str:
    """Return a table of behaviour: fractions of answers, or the score of a task without a choice."""
    choice = effects[0].no_answer == effects[0].no_answer  # not NaN
    fractions = ("correct", "wrong", "no_answer", "changed") if choice else ("accuracy",)
    dosed = len({(effect.name, effect.dose) for effect in effects}) > len({effect.name for effect in effects})
    rows = []
    for effect in effects:
        cells = [f"{effect.dose:g}"] if dosed else []
        for name in fractions:
            low, high = getattr(effect, f"{name}_ci")
            value = getattr(effect, name)
            cells.append("-" if value != value else f"{value:.1%} [{100 * low:.0f}, {100 * high:.0f}]")
        cells += [_cell(effect.bias, ".2f"), _cell(effect.width, ".2f")] if choice else []
        rows.append([effect.name, *cells, _cell(effect.mean_rate, ".3g"), str(effect.n_trials)])
    titles = ["perturbation", *(["dose"] if dosed else []), *(name.replace("_", " ") for name in fractions)]
    titles += [*(["bias", "width"] if choice else []), "mean rate", "trials"]
    return _aligned([titles, *rows])


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [f"{row[0]:<{widths[0]}}", *(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )


def _numbers(option: str, text: str, between: str) -> list[float]:
    try:
        return [float(part) for part in text.split(between)]
    except ValueError:
        raise click.UsageError(f"{option} takes numbers with {between!r} between them; got {text!r}.") from None


def _window(text: str) -> tuple[float | None, float | None]:
    parts = text.split(":")
    if len(parts) != 2:
        raise click.UsageError(f"--window takes START:STOP in ms, e.g. 500:800, 500: or :800; got {text!r}.")
    start, stop = (_numbers("--window", part, ":")[0] if part.strip() else None for part in parts)
    return start, stop


def _ramp(text: str) -> float | tuple[float, float]:
    times = _numbers("--ramp", text, ":")
    if len(times) > 2:
        raise click.UsageError(f"--ramp takes one time in ms, or RISE:FALL; got {text!r}.")
    return times[0] if len(times) == 1 else (times[0], times[1])


@command()
@run_argument
@click.option(
    "--units",
    required=True,
    metavar="UNITS",
    help="Units to remove: a type (I), labels (area=motor) or indices (0,5,7).",
)
@click.option("--cells", type=FRACTION, help="Fraction of the UNITS that are removed, drawn at random.  [default: all]")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Directory of the new run."
)
@click.option(
    "--steps", type=click.IntRange(min=1), help="Steps of later retraining.  [default: those of RUN's recipe]"
)
@click.option(
    "--seed", type=click.IntRange(min=0), help="Seed of the choice of UNITS and of retraining.  [default: RUN's]"
)
@json_option
@click.pass_context
def lesion(
    context: click.Context,
    run: Path,
    units: str,
    cells: float | None,
    out: Path,
    steps: int | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Remove units from a trained RUN, as a new run.

    The new run contains the remaining network and the settings of RUN, which stays unchanged. Perturb or compare it as
    it is, or retrain it with train --resume.

    \b
    Examples:
      eicon lesion results/first --units E --cells 0.3 --out results/lesioned
      eicon train --resume results/lesioned
    """
    with errors(context):
        from ..runs import open_run

        opened = open_run(run)
        from ..runs._lesion import lesion_run
        from ..studies._perturb import parse_units

        made = lesion_run(opened, parse_units(units), out, cells=cells or 1.0, steps=steps, seed=seed)
        net, before = made.load_network(), opened.load_network()
        if as_json:
            about = {"run": str(made.path), "network": str(made.network), "units": net.n_rec, "removed_from": str(run)}
            click.echo(json.dumps(about | {"removed": before.n_rec - net.n_rec}, indent=2))
            return
        click.echo(f"{before.n_rec - net.n_rec} of {before.n_rec} units removed, {net.n_rec} left: {made.network}")
        click.echo(f"Retrain with: {hint('eicon', 'train', '--resume', made.path)}")


@command("dt-report")
@run_argument
@click.option(
    "--dt",
    "dts",
    type=click.FloatRange(min=0, min_open=True),
    multiple=True,
    help="Time step in ms; give two or more.  [default: 20, 2 and 0.5]",
)
@click.option("--repeats", type=click.IntRange(min=2), default=50, show_default=True, help="Trials per condition.")
@seed_option
@json_option
@click.pass_context
def dt_report(
    context: click.Context, run: Path, dts: tuple[float, ...], repeats: int, seed: int | None, as_json: bool
) -> None:
    """Check a trained RUN with several step sizes.

    The same weights are simulated with each time step, and each result is compared with that of the largest step,
    which must be a multiple of every other step. Two steps agree if accuracies differ by at most 0.03, mean rates
    by at most 8 %, and mean outputs by at most 5 % of their range; for accuracy and rate, 3 standard errors of the
    difference are allowed if that is more. If a step does not agree, the exit code is 1. RUN/dt_report.json
    contains all numbers.

    \b
    Examples:
      eicon dt-report results/first
      eicon dt-report results/first --dt 20 --dt 1
    """
    with errors(context):
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
