"""Published suites: reproduce."""

import json
from pathlib import Path

import click

from ._common import Form, Group, errors, figure_options, json_option


@click.group(cls=Group)
def reproduce() -> None:
    """Reproduce the networks and figures of a paper."""


@reproduce.command()
@click.option("--figure", "figures", type=int, multiple=True, help="1 to 9; may be given again.  [default: all]")
@click.option("--seeds", type=click.IntRange(min=1), help="Networks per model.  [default: 5 or 3]")
@click.option("--quick", is_flag=True, help="Small networks that hardly train, to see that everything runs.")
@click.option("--out", type=click.Path(path_type=Path), help="[default: results/song2016, or results/song2016-quick]")
@click.option("--workers", type=click.IntRange(min=0), help="Processes; 0: only this one.  [default: one per core]")
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
    """Song, Yang & Wang (2016): train the networks, draw the figures, write OUT/index.html.

    Networks that are trained already are loaded; after an interrupt the same command goes on. All of it takes about
    an hour on two cores.

    \b
    Examples:
      eicon reproduce song2016 --figure 2
      eicon reproduce song2016 --quick
      eicon reproduce song2016 --figure 7 --seeds 1
    """
    with errors(context, None, again="the same command"):
        from .._files import read_json
        from ..reproduce import song2016 as suite
        from ..reproduce.song2016._models import models_of

        models_of(figures)  # refuses what is no figure
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
