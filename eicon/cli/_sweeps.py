"""Grids of runs: sweep, plot."""

import json
import math
import os
import sys
import tomllib
from pathlib import Path
from typing import Any

import click

from .._hints import hint
from .._one_thread import ONE_THREAD
from ._common import Command, command, errors, json_option


def set_option(function: Any) -> Any:
    """Option ``--set KEY=VALUE``, any number of times."""
    said = "Any key of the recipe, e.g. network.tau=50."
    return click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help=said)(function)


@command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Directory of the sweep.  [default: as RECIPE says]")
@click.option("--workers", type=click.IntRange(min=0), help="Processes; 0: only this one.  [default: one per core]")
@click.option("--scheduler", metavar="ADDRESS", help="Use the dask cluster of this scheduler.")
@click.option("--epochs", type=click.IntRange(min=1), help="Instead of the recipe's.")
@click.option("--repeats", type=click.IntRange(min=1, max=100_000), help="So many seeds, from the recipe's on.")
@click.option("--seed", type=click.IntRange(min=0), help="Instead of the recipe's.")
@click.option("--connectomes", type=click.Path(path_type=Path), help="Folder with connectome files.")
@click.option("--compat", type=click.Choice(["bio_rnn_mem"]), help="Repeat what the published code does.")
@set_option
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@json_option
@click.pass_context
def sweep(
    context: click.Context,
    recipe: Path,
    out: Path | None,
    workers: int | None,
    scheduler: str | None,
    epochs: int | None,
    repeats: int | None,
    seed: int | None,
    connectomes: Path | None,
    compat: str | None,
    changes: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Train a grid of networks.

    RECIPE is a TOML file or a config.ini of bio_rnn_mem. The same command goes on with a sweep that was stopped: only
    what is missing is done. Every cell of the grid is a run, on which every command works.

    \b
    Examples:
      eicon sweep recipe.toml --workers 2
      eicon sweep config.ini --compat bio_rnn_mem --epochs 50 --out results/published
      eicon sweep recipe.toml --scheduler tls://node1:8786
    """
    if workers is not None and scheduler is not None:
        raise click.UsageError("--workers are processes on this machine; --scheduler has workers of its own.")
    if workers == 0 and "jax" not in sys.modules:
        os.environ.update(ONE_THREAD)  # the same bits as in several processes
    with errors(context, again=hint("eicon", *sys.argv[1:])):
        changed = changes_of(changes)
        from ..runs import read_recipe

        settings = read_recipe(recipe, kind="sweep", compat=compat)
        from .._files import without_nan
        from ..runs import create_sweep, run_sweep
        from ..runs._explain import explanation
        from ..runs._sweep import check_inputs
        from ..runs._sweep_directory import Sweep

        given = {
            "training.epochs": epochs,
            "seed": seed,
            "connectome.folder": None if connectomes is None else str(connectomes),
        }
        wanted = {key: value for key, value in given.items() if value is not None} | changed
        if repeats is not None:
            old = "repeat" in settings.grid
            first = 0 if old else wanted.pop("seed", settings.seed)
            wanted["grid.repeat" if old else "grid.seed"] = tuple(range(first, first + repeats))
        if wanted:
            settings = settings.with_changes(wanted)
            settings.check()
        path = out or default_out(recipe)
        if not context.obj["quiet"]:
            how = ", as published (compat bio_rnn_mem)" if settings.compat else ""
            click.echo(f"{explanation(settings).headline}{how}; in {path}", err=True)
            if settings.task.get("pictures") == "digits-latents":
                click.echo(
                    "No latents are named; these are 50 principal components of scikit-learn's digits. "
                    "For others: --set task.pictures=FILE.npz",
                    err=True,
                )
        if dry_run:
            check_inputs(Sweep(path, settings))
            click.echo(settings.completed().to_toml())
            return
        summaries = run_sweep(
            create_sweep(path, settings), workers=workers, scheduler=scheduler, progress=not context.obj["quiet"]
        )
        if as_json:
            click.echo(json.dumps(without_nan(summaries), indent=2, allow_nan=False))
            return
        _say_summaries(summaries)
        click.echo(f"Results: {path}\nLook at them with: {hint('eicon', 'plot', path)}")


class SeveralLabels(Command):
    """Command whose ``--labels`` takes all words up to the next option."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Put ``--labels`` before each of its words, which is how click takes several."""
        spelled: list[str] = []
        inside = False
        for word in args:
            if word == "--labels":
                inside = True
            elif inside and not word.startswith("-"):
                spelled += ["--labels", word]
            else:
                inside = False
                spelled.append(word)
        return super().parse_args(context, spelled)


OUTCOMES = ("accuracy", "loss", "steps")


@command(cls=SeveralLabels)
@click.argument("sweeps", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "--labels",
    multiple=True,
    metavar="LABEL ...",
    help="One per sweep, after the sweeps.  [default: their directories' names]",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Directory for the figures.  [default: FIRST SWEEP/figures]"
)
@click.option("--outcome", type=click.Choice(OUTCOMES), default="accuracy", show_default=True)
@click.option("--ylabel", default="loss", show_default=True, help="Name of the loss.")
@json_option
@click.pass_context
def plot(
    context: click.Context,
    sweeps: tuple[Path, ...],
    labels: tuple[str, ...],
    out: Path | None,
    outcome: str,
    ylabel: str,
    as_json: bool,
) -> None:
    """Draw what sweeps found, over their choices and as curves.

    OUTCOME over each key of the grid (every run a point), and the interactions of two keys; curves of loss and
    accuracy as means over seeds with one standard deviation; box plots of every run's smallest loss, its epoch, the
    epoch at which 99 % of the fall was done, and the best accuracy. Several sweeps, of the same grid, are drawn side
    by side. All numbers are in losses.csv, too.

    \b
    Examples:
      eicon plot results/choices
      eicon plot results/bio results/random --labels bio random
    """
    with errors(context):
        names = list(labels) or [path.name for path in sweeps]
        if len(names) != len(sweeps) or len(set(names)) < len(names):
            raise ValueError(f"--labels must hold one different label per sweep ({len(sweeps)}); got {names}.")
        from ..runs import open_sweep

        opened = [open_sweep(path) for path in sweeps]
        from .._files import atomic_file, csv_table, write_text
        from ..plotting import plot_choices, plot_interactions, plot_loss_boxes, plot_loss_curves
        from ..plotting._files import save_png
        from ..plotting._sweep import run_milestones
        from ..runs import sweep_results

        results = {name: sweep_results(found) for name, found in zip(names, opened, strict=True)}
        for name, data in results.items():
            if not data["finished"].any():
                raise ValueError(f"no run of {name!r} is finished yet.")
        folder = out or sweeps[0] / "figures"
        drawings = {"boxes": plot_loss_boxes(results, ylabel=ylabel)}
        for quantity, label in (("loss", ylabel), ("accuracy", None)):
            pages = plot_loss_curves(results, quantity=quantity, ylabel=label)
            for i, page in enumerate(pages):
                drawings[quantity if len(pages) == 1 else f"{quantity}{i + 1}"] = page
        for name, data in results.items():
            suffix = "" if len(results) == 1 else f"_{name}"
            drawings[f"choices{suffix}"] = plot_choices(data, outcome=outcome)
            if (drawn := plot_interactions(data, outcome=outcome)) is not None:
                drawings[f"interactions{suffix}"] = drawn
        for name, drawing in drawings.items():
            with atomic_file(folder / f"{name}.png") as stream:
                save_png(drawing, stream)
        write_text(folder / "losses.csv", csv_table(_rows(results, run_milestones)))
        finished = {name: int(data["finished"].sum()) for name, data in results.items()}
        written = [str(folder / f"{name}.png") for name in drawings]
        if as_json:
            about = {"finished": finished, "figures": written, "table": str(folder / "losses.csv")}
            click.echo(json.dumps(about, indent=2))
            return
        for name, data in results.items():
            click.echo(f"{name}: {finished[name]} of {data['finished'].size} runs")
        for figure in written:
            click.echo(f"Figure: {figure}")
        click.echo(f"Table: {folder / 'losses.csv'}")


@command("plot-losses", cls=SeveralLabels, hidden=True)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, required=True)
@click.option("--labels", multiple=True)
@click.option("--out", type=click.Path(path_type=Path))
@click.option("--ylabel", default="loss")
@json_option
@click.pass_context
def plot_losses(context: click.Context, words: tuple[str, ...], **options: Any) -> None:
    """Do what `eicon plot` does; the old name goes in 0.3.0."""
    click.echo("plot-losses is called plot now; the old name goes in 0.3.0.", err=True)
    context.invoke(plot, sweeps=tuple(map(Path, words)), **options)


def changes_of(texts: tuple[str, ...]) -> dict[str, Any]:
    """Dotted keys and values of ``--set``."""
    return dict(map(_change, texts))


def _change(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set wants KEY=VALUE, e.g. network.remap=off; got {text!r}.")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return key, value


def default_out(recipe: Path) -> Path:
    """Directory for what a recipe makes, where nothing is said."""
    from ..runs._read import results_path

    return results_path(recipe) or Path("results") / recipe.stem


def _say_summaries(summaries: list[dict[str, Any]]) -> None:
    groups: dict[str, list[dict[str, Any]]] = {}
    for summary in summaries:
        varied = {key: value for key, value in summary["combination"].items() if key not in ("seed", "repeat")}
        name = ", ".join(f"{key.rpartition('.')[2]} {value}" for key, value in varied.items())
        groups.setdefault(name or "all runs", []).append(summary)
    for name, group in groups.items():
        losses = [loss for summary in group if math.isfinite(loss := summary["best_validation_loss"])]
        accuracy = max(summary["best_validation_accuracy"] for summary in group)
        diverged = sum(summary["diverged"] for summary in group)
        said = [f"smallest validation loss {min(losses):.3g} to {max(losses):.3g}"] if losses else []
        said += [f"best accuracy {accuracy:.1%}"] if losses else []
        said += [f"{diverged} of {len(group)} diverged"] if diverged else []
        click.echo(f"{name}: {', '.join(said)}")


def _rows(results: dict[str, Any], run_milestones: Any) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for i, (label, data) in enumerate(results.items()):
        dims = data["finished"].dims
        values = run_milestones(data)
        if i == 0:
            rows.append(["label", *dims, "initial_spectral_radius", "null_loss", *values])
        facts = [data[name].values.ravel() for name in ("initial_spectral_radius", "null_loss")]
        labels = [[data[dim].values[j] for dim, j in zip(dims, place, strict=True)] for place in _places(data)]
        columns = [*facts, *(value.ravel() for value in values.values())]
        rows += [[label, *where, *(float(column[j]) for column in columns)] for j, where in enumerate(labels)]
    return rows


def _places(data: Any) -> Any:
    import numpy as np

    return np.ndindex(*data["finished"].shape)
