"""Comparison of runs with each other or with a recording: compare."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ._common import Form, command, errors, figure_options, json_option, option_given


@command()
@click.argument(
    "runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN_A RUN_B [RUN_C ...] | SWEEP"
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory for page, figures and numbers.  [default: RUN_B/compare/NAME_OF_A; for more runs, LAST_RUN/compare "
    "or SWEEP/compare]",
)
@click.option("--repeats", type=click.IntRange(min=2), default=20, show_default=True, help="Trials per condition.")
@click.option("--noise", is_flag=True, help="Run every network twice, with its noise, to compute noise ceilings.")
@click.option(
    "--permutations",
    type=click.IntRange(min=0),
    default=99,
    show_default=True,
    help="Permutations of the trials for the null distributions.",
)
@click.option("--profile", is_flag=True, help="Also compare how the networks solve the task; see above.")
@click.option(
    "--seed", type=click.IntRange(min=0), help="Seed of the trials and their noise.  [default: that of RUN_A]"
)
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
    profile: bool,
    seed: int | None,
    form: Form,
    dpi: float | None,
    as_json: bool,
) -> None:
    """Compare trained runs on the same trials.

    Two runs are compared in behaviour, in the trajectories of their activity, and in the eigenvalues of their recurrent
    weights, with RUN_A as the reference. For more than two, a matrix shows how similar the trajectories of each pair
    are. Each similarity is given with its null distribution, and with --noise also with its noise ceiling, the value
    for two networks that differ only by noise. Networks may differ in size, but must have the same inputs and
    outputs. SWEEP stands for all its finished runs.

    With --profile, networks are also compared in their answers trial by trial, their fixed points, the effects of the
    same perturbations, and their behaviour beyond the trained range; more than two are drawn as a dendrogram.

    If a file with a recording takes the place of RUN_B, the network of RUN_A runs in the recorded trials, with the
    recorded inputs, and its activity is compared with the recorded activity. Only --permutations, --seed and --json
    apply. A recording to which RUN_A was fitted is read with the settings in the recipe of RUN_A. Files other than
    an npz of eicon may need options such as --axes or --dt: convert them first, with `eicon recording show FILE ...
    --save FILE.npz`.

    \b
    Examples:
      eicon compare results/teacher results/condensed --profile
      eicon compare results/first recordings/session.npz
      eicon compare results/first results/second results/third --noise
      eicon compare results/sweep --profile
    """
    with errors(context):
        if len(runs) == 1 and (runs[0] / "sweep.toml").is_file():
            from ..runs import open_sweep

            sweep, done = open_sweep(runs[0]), open_sweep(runs[0]).done()
            if sum(done) < 2:
                raise ValueError(f"{runs[0]} has {sum(done)} finished runs of {len(done)}; two are needed.")
            out = sweep.path / "compare" if out is None else out
            runs = tuple(sweep.folder(i) for i, finished in enumerate(done) if finished)
        if len(runs) < 2:
            raise click.UsageError("compare needs at least two runs, RUN_A and RUN_B, or a run and a recording.")
        if len(runs) == 2 and runs[1].is_file():
            if unused := option_given(context, "out", "repeats", "noise", "profile", "form", "dpi", "style"):
                raise click.UsageError(f"{unused} is only for comparisons of runs; a recording defines its own trials.")
            _recording(runs[0], runs[1], permutations, seed, as_json)
            return
        from ..runs import open_run

        opened = [open_run(runs[0]).with_seed(seed), *map(open_run, runs[1:])]
        options: dict[str, Any] = {"repeats": repeats, "noise": noise, "n_permutations": permutations}
        options |= {"form": form, "dpi": dpi}
        options["same_way"] = profile
        if len(opened) == 2:
            _two(opened[0], opened[1], out, options, as_json)
        else:
            _many(opened, out, options | {"progress": not context.obj["quiet"]}, as_json)


def _two(run_a: Any, run_b: Any, out: Path | None, options: dict[str, Any], as_json: bool) -> None:
    from ..pages import compare_runs, comparison_tables
    from ..pages._compare_text import LIKENESS

    numbers = compare_runs(run_a, run_b, out, **options)
    if as_json:
        click.echo(json.dumps(numbers, indent=2))
        return
    tables = comparison_tables(numbers)
    names = (f"{side}: {name}" for side, name in zip("AB", numbers["names"], strict=True))
    shown = [(("", *names), tables.networks), (("B against A", *LIKENESS[1:]), tables.likeness)]
    _say(numbers, [*shown, *([(("the same way?", *LIKENESS[1:]), tables.profile)] if tables.profile else [])])


MEASURES = {
    "cka": ("linear CKA", "debiased; 1 equal up to rotation and scale"),
    "rsa": ("RSA", "1 equal distances between trials"),
    "procrustes_degrees": ("Procrustes angle", "0° equal up to rotation and scale"),
    "cca": ("CCA of {} components", "1 equal up to a linear map, in held-out trials"),
    "a_from_b": ("network's {} from recorded ones", "NRMSE of the best linear map, held out"),
    "b_from_a": ("recorded {} from the network's", "NRMSE of the best linear map, held out"),
}
"""Measures between a network and a recording, and how to read them."""


def _recording(path: Path, file: Path, permutations: int, seed: int | None, as_json: bool) -> None:
    from .._files import without_nan
    from ..recordings import read
    from ..runs import open_run
    from ..runs._recorded import checksum, read_of
    from ..studies._compare import beside
    from ..studies._compare_recording import compare_recording

    run = open_run(path).with_seed(seed)
    table = run.recipe.recording
    own = bool(table.file) and checksum(str(file)) == table.sha256  # so the recipe has the options to read it
    given = read_of(table) if own else read(file)
    made = compare_recording(run.load_network(), given, n_permutations=permutations, seed=run.recipe.seed)
    found = made.found
    likeness = dict(
        zip(MEASURES, (found.cka, found.rsa, found.procrustes, found.cca, *found.aligned_nrmse), strict=True)
    )
    scales = {name: 180 / math.pi if name.endswith("degrees") else 1.0 for name in likeness}
    numbers: dict[str, Any] = {
        "names": [str(path), str(file)],
        "n_units": list(made.n_units),
        "n_trials": made.n_trials,
        "n_angles": found.n_angles,
        "n_permutations": permutations,
        "notes": made.notes,
        "likeness": {n: {"value": one.value * scales[n], **beside(one, scales[n])} for n, one in likeness.items()},
    }
    if as_json:
        click.echo(json.dumps(without_nan(numbers), indent=2))
        return
    for note in made.notes:
        click.echo(f"Note: {note}")
    click.echo(f"{made.n_units[0]} units of the network and {made.n_units[1]} recorded ones in {made.n_trials} trials.")
    rows: list[tuple[str, ...]] = [("network against recording", "value", "null", "ceiling", "how to read it")]
    rows += [_row(name, one, found.n_angles) for name, one in numbers["likeness"].items()]
    click.echo(_aligned(rows))


def _row(measure: str, numbers: dict[str, Any], n: int) -> tuple[str, ...]:
    """Return the cells of a measure: its value, the mean and upper 5 % point of the null, and the ceiling."""
    value, chance, edge, ceiling = (
        "none" if numbers[key] != numbers[key] else f"{numbers[key]:.3g}"
        for key in ("value", "chance", "null_95", "ceiling")
    )
    what, how = MEASURES[measure]
    return what.format(n), value, "none" if chance == "none" else f"{chance} ({edge})", ceiling, how


def _many(runs: Sequence[Any], out: Path | None, options: dict[str, Any], as_json: bool) -> None:
    from ..pages._compare_many import compare_many_runs, rows_of_pairs, rows_of_profiles

    numbers = compare_many_runs(runs, out, **options)
    if as_json:
        click.echo(json.dumps(numbers, indent=2))
        return
    _say(numbers, [rows_of_pairs(numbers), *([rows_of_profiles(numbers)] if numbers["profile"] else [])])


def _say(numbers: dict[str, Any], tables: Sequence[tuple[Sequence[str], Sequence[Sequence[str]]]]) -> None:
    for note in numbers["notes"]:
        click.echo(f"Note: {note}")
    for head, rows in tables:
        click.echo(_aligned([head, *rows]))
        click.echo()
    click.echo(f"All on one page: {Path(numbers['folder']) / 'compare.html'}")


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
