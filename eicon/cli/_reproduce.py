"""Reproduction of published work: reproduce."""

import json
from pathlib import Path

import click

from ._common import Form, Group, errors, figure_options, json_option


@click.group(cls=Group)
def reproduce() -> None:
    """Reproduce the networks and figures of a paper."""


@reproduce.command()
@click.option(
    "--figure",
    "figures",
    type=int,
    multiple=True,
    help="Number of a figure, 2 to 8 as in the paper; 1: the first example of pycog, the paper's code; 9: a comparison "
    "of training methods. Repeatable.  [default: all]",
)
@click.option(
    "--seeds", type=click.IntRange(min=1), help="Networks per model.  [default: 5 in figures 2, 3 and 9; else 3]"
)
@click.option("--quick", is_flag=True, help="Small networks with little training, to check that everything runs.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Directory of all results.  [default: results/song2016, or results/song2016-quick]",
)
@click.option(
    "--workers", type=click.IntRange(min=0), help="Worker processes; 0: run in this process.  [default: one per core]"
)
@figure_options
@json_option
@click.pass_context
def song2016(
    context: click.Context,
    figures: tuple[int, ...],
    seeds: int | None,
    quick: bool,
    out: Path | None,
    workers: int | None,
    form: Form,
    dpi: float | None,
    as_json: bool,
) -> None:
    """Song, Yang & Wang (2016): train networks and draw figures.

    OUT/index.html shows all figures. Repeat the same command to resume after an interruption: networks in OUT that are
    already trained are not trained again. All figures together take about an hour on two cores.

    \b
    Examples:
      eicon reproduce song2016 --figure 2
      eicon reproduce song2016 --quick
      eicon reproduce song2016 --figure 7 --seeds 1
    """
    with errors(context, again="the same command"):
        from .._files import read_json
        from ..reproduce import song2016 as suite
        from ..reproduce.song2016._models import models_of

        models_of(figures)  # rejects unknown figures
        path = out or Path("results") / ("song2016-quick" if quick else "song2016")
        progress = not context.obj["quiet"]
        page = suite.reproduce(
            path, figures, seeds=seeds, quick=quick, workers=workers, progress=progress, form=form, dpi=dpi
        )
        results = read_json(page.parent / "results.json", "table of results")
        if as_json:
            click.echo(json.dumps(results, indent=2))
            return
        for row in results["rows"]:
            mark = "reached" if row["done"] else "not reached"
            click.echo(
                f"{row['model']:>12} seed {row['seed']}: {row['reached']:.3f}, {mark} ({row['asked']}); "
                f"{row['trials']} trials, {row['seconds']:.0f} s"
            )
        click.echo(f"Gallery: {page}")


@reproduce.command()
@click.option(
    "--figure",
    "figures",
    type=int,
    multiple=True,
    help="Figure, 1 to 6; repeatable.  [default: 1 to 4, with --data also 5 and 6]",
)
@click.option("--quick", is_flag=True, help="Tiny networks with little training, to check that everything runs.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Directory of all results.  [default: results/beiran2025, or results/beiran2025-quick]",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with the wiring diagrams that figures 5 and 6 need: larva_premotor.h5 and zebrafish_*.mat.",
)
@click.option(
    "--minutes", type=click.FloatRange(min=0), help="Stop after this many minutes; repeat the command to resume."
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Worker processes; 0: run in this process.",
)
@figure_options
@json_option
@click.pass_context
def beiran2025(
    context: click.Context,
    figures: tuple[int, ...],
    quick: bool,
    out: Path | None,
    data: Path | None,
    minutes: float | None,
    workers: int,
    form: Form,
    dpi: float | None,
    as_json: bool,
) -> None:
    """Beiran & Litwin-Kumar (2025): predict unrecorded neurons.

    Students, networks with the wiring of a simulated teacher network, are fitted to the activity of some of its units.
    The command trains teachers and students, draws the figures, and prints whether each claim of the paper holds, fails
    or is undecided. Repeat the same command to resume after an interruption, or after --minutes have passed:
    finished parts are kept. Figures 1 to 4 take about five hours on one core.

    \b
    Examples:
      eicon reproduce beiran2025 --quick
      eicon reproduce beiran2025 --figure 2 --minutes 60 --workers 2
      eicon reproduce beiran2025 --figure 5 --data FOLDER
    """
    with errors(context, again="the same command"):
        from .._files import without_nan
        from ..reproduce.beiran2025 import reproduce as make
        from ..reproduce.beiran2025._claims import record

        path = out or Path("results") / ("beiran2025-quick" if quick else "beiran2025")
        progress = not (context.obj["quiet"] or as_json)
        found = make(
            path,
            figures,
            data=data,
            quick=quick,
            workers=workers,
            minutes=minutes,
            progress=progress,
            form=form,
            dpi=dpi,
        )
        if as_json:
            click.echo(json.dumps(without_nan([record(claim) for claim in found]), indent=2))
            return
        for claim in found:
            click.echo(f"{claim.status:>9}: {claim.text}")
        click.echo(f"Figures and table: {path}")
