"""Sweeps: sweep, plot-losses."""

import csv
import io
import json
import math
import os
import shlex
import sys
import tomllib
from pathlib import Path
from typing import Any

import click

from .._one_thread import ONE_THREAD
from ._common import Command, command, errors, json_option


@command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Directory of the sweep.  [default: as CONFIG says]")
@click.option("--workers", type=click.IntRange(min=0), help="Processes; 0: only this one.  [default: one per core]")
@click.option("--scheduler", metavar="ADDRESS", help="Use the dask cluster of this scheduler.")
@click.option("--epochs", type=click.IntRange(min=1), help="Instead of the configuration's.")
@click.option("--repeats", type=click.IntRange(min=1), help="Instead of the configuration's.")
@click.option("--seed", type=click.IntRange(min=0), help="Instead of the configuration's.")
@click.option("--connectomes", type=click.Path(path_type=Path), help="Folder with connectome files.")
@click.option("--compat", type=click.Choice(["bio_rnn_mem"]), help="Repeat what the published code does.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Any other key, e.g. network.remap=off.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@json_option
@click.pass_context
def sweep(
    context: click.Context,
    config: Path,
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

    CONFIG is a TOML file or a config.ini of bio_rnn_mem. The same command goes on with a sweep that was stopped: only
    what is missing is done.

    \b
    Examples:
      eicon sweep config.ini --workers 2
      eicon sweep config.ini --compat bio_rnn_mem --epochs 50 --out results/published
      eicon sweep sweep.toml --scheduler tcp://node1:8786
    """
    if workers is not None and scheduler is not None:
        raise click.UsageError("--workers belongs to a cluster on this machine; --scheduler has workers of its own.")
    if workers == 0 and "jax" not in sys.modules:
        os.environ.update(ONE_THREAD)  # the same bits as on a cluster
    with errors(context, again=_again(context)):
        from .._files import without_nan
        from ..runs import create_sweep, read_sweep, run_sweep
        from ..runs._sweep import check_files
        from ..runs._sweep_config import SweepConfig, override

        settings: SweepConfig = read_sweep(config, compat=compat)  # type: ignore[arg-type]
        given = {
            "training.epochs": epochs,
            "training.repeats": repeats,
            "seed": seed,
            "connectome.folder": None if connectomes is None else str(connectomes),
        }
        wanted = {key: value for key, value in given.items() if value is not None}
        wanted |= dict(_change(text) for text in changes)
        if wanted:
            settings = override(settings, wanted)
        path = out or _default_out(config)
        n_combinations = len(list(settings.combinations()))
        text = f"{n_combinations} combinations x {settings.training.repeats} repeats, {settings.training.epochs} epochs"
        if not context.obj["quiet"]:
            how = "as published (compat bio_rnn_mem)" if settings.compat else "with eicon's defaults"
            click.echo(f"{text}, {how}; in {path}", err=True)
            if settings.task.get("pictures") == "digits-latents":
                click.echo(
                    "No latents are named; these are 50 principal components of scikit-learn's digits. "
                    "For others: --set task.pictures=FILE.npz",
                    err=True,
                )
        if dry_run:
            check_files(settings)
            click.echo(settings.to_toml())
            return
        summaries = run_sweep(
            create_sweep(path, settings), workers=workers, scheduler=scheduler, progress=not context.obj["quiet"]
        )
        if as_json:
            click.echo(json.dumps(without_nan(summaries), indent=2, allow_nan=False))
            return
        _say_summaries(summaries)
        click.echo(f"Results: {path}\nLook at them with: eicon plot-losses {path}")


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


@command("plot-losses", cls=SeveralLabels)
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
@click.option("--ylabel", default="loss", show_default=True, help="Name of the loss.")
@json_option
@click.pass_context
def plot_losses(
    context: click.Context,
    sweeps: tuple[Path, ...],
    labels: tuple[str, ...],
    out: Path | None,
    ylabel: str,
    as_json: bool,
) -> None:
    """Draw the losses of sweeps side by side.

    Sweeps must have the same grid. Curves are means over repeats with one standard deviation, per combination; box
    plots show every run's smallest loss, its epoch, the epoch at which 99 % of the fall was done, and the best
    accuracy (also in losses.csv).

    \b
    Example:
      eicon plot-losses results/bio results/random --labels bio random
    """
    with errors(context):
        from .._files import atomic_file, write_text
        from ..plotting import plot_loss_boxes, plot_loss_curves
        from ..plotting._files import save_png
        from ..plotting._sweep import run_milestones
        from ..runs import sweep_results

        names = list(labels) or [path.name for path in sweeps]
        if len(names) != len(sweeps) or len(set(names)) < len(names):
            raise ValueError(f"--labels must hold one different label per sweep ({len(sweeps)}); got {names}.")
        results = {name: sweep_results(path) for name, path in zip(names, sweeps, strict=True)}
        for name, data in results.items():
            if not data["finished"].any():
                raise ValueError(f"no run of {name!r} is finished yet.")
        folder = out or sweeps[0] / "figures"
        drawings = {"boxes": plot_loss_boxes(results, ylabel=ylabel)}
        for quantity, label in (("loss", ylabel), ("accuracy", None)):
            pages = plot_loss_curves(results, quantity=quantity, ylabel=label)
            for i, page in enumerate(pages):
                drawings[quantity if len(pages) == 1 else f"{quantity}{i + 1}"] = page
        for name, drawing in drawings.items():
            with atomic_file(folder / f"{name}.png") as stream:
                save_png(drawing, stream)
        write_text(folder / "losses.csv", _table(results, run_milestones))
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


def _again(context: click.Context) -> str:
    return shlex.join(["eicon", *sys.argv[1:]])


def _change(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set wants KEY=VALUE, e.g. network.remap=off; got {text!r}.")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value


def _default_out(config: Path) -> Path:
    from ..runs._sweep_file import results_path

    return results_path(config) or Path("results") / config.stem


def _say_summaries(summaries: list[dict[str, Any]]) -> None:
    groups: dict[str, list[dict[str, Any]]] = {}
    for summary in summaries:
        name = ", ".join(f"{key.rpartition('.')[2]} {value}" for key, value in summary["combination"].items())
        groups.setdefault(name or "all runs", []).append(summary)
    for name, group in groups.items():
        losses = [loss for summary in group if math.isfinite(loss := summary["best_validation_loss"])]
        accuracy = max(summary["best_validation_accuracy"] for summary in group)
        diverged = sum(summary["diverged"] for summary in group)
        said = [f"smallest validation loss {min(losses):.3g} to {max(losses):.3g}"] if losses else []
        said += [f"best accuracy {accuracy:.1%}"] if losses else []
        said += [f"{diverged} of {len(group)} diverged"] if diverged else []
        click.echo(f"{name}: {', '.join(said)}")


def _table(results: dict[str, Any], run_milestones: Any) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for i, (label, data) in enumerate(results.items()):
        dims = data["finished"].dims
        values = run_milestones(data)
        if i == 0:
            writer.writerow(["label", *dims, "initial_spectral_radius", "null_loss", *values])
        stacked = data[["initial_spectral_radius", "null_loss"]].stack(run=dims)
        for j, where in enumerate(stacked["run"].values):
            facts = [float(stacked[name].values[j]) for name in ("initial_spectral_radius", "null_loss")]
            writer.writerow([label, *where, *facts, *(float(value[j]) for value in values.values())])
    return text.getvalue()
