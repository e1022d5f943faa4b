"""Sweeps, or grids of runs: sweep, plot."""

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
from ._common import FOLDER_HELP, Command, command, errors, figure_options, json_option


def set_option(function: Any) -> Any:
    """Add the option ``--set KEY=VALUE``, which may be repeated."""
    said = "Set any key of the recipe, e.g. network.tau=50; repeatable."
    return click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help=said)(function)


@command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Directory of the sweep.  [default: results/NAME OF RECIPE, or the one that a config.ini names]",
)
@click.option(
    "--workers", type=click.IntRange(min=0), help="Worker processes; 0: run in this process.  [default: one per core]"
)
@click.option("--scheduler", metavar="ADDRESS", help="Train on the workers of the dask cluster with this scheduler.")
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help="Training epochs, passes through a fixed set of trials; recipes that draw new trials have none.  "
    "[default: the recipe's]",
)
@click.option(
    "--repeats",
    type=click.IntRange(min=1, max=100_000),
    help="Networks per combination, with consecutive seeds that start with the recipe's.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Random seed.  [default: the recipe's]")
@click.option("--connectomes", type=click.Path(path_type=Path), help=FOLDER_HELP)
@click.option(
    "--compat",
    type=click.Choice(["bio_rnn_mem"]),
    help="Compute everything as the published code bio_rnn_mem does, including its bugs.",
)
@set_option
@click.option("--dry-run", is_flag=True, help="Print the full recipe and train nothing.")
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

    RECIPE is a TOML file with a table [grid], which lists several values for some keys; a config.ini of bio_rnn_mem
    (the code of Goulas et al. 2021, Neural Networks 142: 608); or bio_vs_random, a recipe that comes with eicon. One
    network is trained for each combination of the values, and saved in its own run directory, OUT/runs/..., that all
    other commands accept. Repeat the same command to resume an interrupted sweep: only unfinished runs are trained.

    \b
    Examples:
      eicon sweep recipe.toml --workers 2
      eicon sweep config.ini --compat bio_rnn_mem --epochs 50 --out results/published
      eicon sweep recipe.toml --scheduler tls://node1:8786
    """
    if workers is not None and scheduler is not None:
        raise click.UsageError(
            "--workers starts processes on this machine; --scheduler has its own workers. Give only one of them."
        )
    if workers == 0 and "jax" not in sys.modules:
        os.environ.update(ONE_THREAD)  # so that results are bit-for-bit those of several processes
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
                    "The recipe names no latents; using 50 principal components of scikit-learn's digits. "
                    "To use others: --set task.pictures=FILE.npz",
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
        click.echo(f"Results: {path}\nPlot them with: {hint('eicon', 'plot', path)}")


class SeveralLabels(Command):
    """Command with an option ``--labels`` that takes all words up to the next option."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Repeat ``--labels`` before each of its words, the form that click expects."""
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
    help="Names in the figures, one per sweep; give this option after SWEEPS. For run directories: runs with the same "
    "label share a curve.  [default: directory names]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory for the figures.  [default: FIRST SWEEP/figures]",
)
@click.option(
    "--outcome",
    type=click.Choice(OUTCOMES),
    default="accuracy",
    show_default=True,
    help="Outcome of a run: best validation accuracy, smallest validation loss, or number of steps trained.",
)
@click.option("--ylabel", default="loss", show_default=True, help="Label of the loss axis.")
@figure_options
@json_option
@click.pass_context
def plot(
    context: click.Context,
    sweeps: tuple[Path, ...],
    labels: tuple[str, ...],
    out: Path | None,
    outcome: str,
    ylabel: str,
    form: Any,
    dpi: float | None,
    as_json: bool,
) -> None:
    """Draw the results of sweeps.

    SWEEPS are directories written by `eicon sweep`. The figures show

    \b
    - the outcome (--outcome) against each key of the grid, one point per run,
      and the interactions of two keys;
    - learning curves: mean and one standard deviation over seeds;
    - box plots over runs: smallest validation loss, the epoch of this minimum,
      the epoch at which 99 % of the decrease was reached, and best accuracy
      (in fits to a recording, explained variance).

    Several sweeps of the same grid are drawn side by side. losses.csv contains all numbers.

    Does the wiring matter? If the grid contains null models, each run on the connectome is paired with the run on the
    null model that has the same seed and otherwise the same settings. Without null models, runs of the first sweep are
    paired with those of the others. The figure null_models and the table differences.csv show the mean differences with
    95 % intervals, next to the accuracy of guesses (chance) and the loss of the best outputs that are the same in all
    trials (no memory).

    For fits to a recording with recording.n_units in the grid, a figure shows the error of the units that were not
    fitted against the number of fitted units.

    SWEEPS may also be run directories, such as those of several seeds. The only figure then shows their learning
    curves: mean and one standard deviation over runs.

    \b
    Examples:
      eicon plot results/choices
      eicon plot results/bio results/random --labels bio random
      eicon plot results/first results/second
    """
    with errors(context):
        if all((path / "config.toml").is_file() and not (path / "sweep.toml").is_file() for path in sweeps):
            _plot_runs(sweeps, labels, out, form, dpi, as_json)
            return
        _refuse_mixed(sweeps)
        names = list(labels) or [path.name for path in sweeps]
        if len(names) != len(sweeps) or len(set(names)) < len(names):
            raise ValueError(f"--labels needs one unique label per sweep ({len(sweeps)}); got {names}.")
        from ..runs import open_sweep

        opened = [open_sweep(path) for path in sweeps]
        from .._files import csv_table, without_nan, write_text
        from ..plotting import plot_loss_boxes, plot_loss_curves, save_figures
        from ..plotting._fitted import fit_curves, plot_fit_sweep
        from ..plotting._paired import paired_runs, rows_of_pairs, words
        from ..plotting._sweep import run_milestones, score_of
        from ..plotting.behaviour import plot_choices, plot_interactions, plot_paired_differences
        from ..runs import sweep_results

        results = {name: sweep_results(found) for name, found in zip(names, opened, strict=True)}
        for name, data in results.items():
            if not data["finished"].any():
                raise ValueError(f"no run of {name!r} is finished yet.")
        folder = out or sweeps[0] / "figures"
        fits: dict[str, Any] = {}
        drawings: dict[str, Any] = {"boxes": plot_loss_boxes(results, ylabel=ylabel)}
        score = score_of(results)
        for quantity, label, file in (("loss", ylabel, "loss"), ("accuracy", None, score.replace(" ", "_"))):
            pages = plot_loss_curves(results, quantity=quantity, ylabel=label)
            for i, page in enumerate(pages):
                drawings[file if len(pages) == 1 else f"{file}{i + 1}"] = page
        for name, data in results.items():
            suffix = "" if len(results) == 1 else f"_{name}"
            drawings[f"choices{suffix}"] = plot_choices(data, outcome=outcome)
            if (drawn := plot_interactions(data, outcome=outcome)) is not None:
                drawings[f"interactions{suffix}"] = drawn
            if (curves := fit_curves(data)) is not None:
                fits[name] = curves
                drawings[f"unrecorded{suffix}"] = plot_fit_sweep(curves)
        pairs = {one: paired_runs(results, one) for one in dict.fromkeys(("accuracy", "loss", outcome))}
        if (compared := plot_paired_differences(results, outcomes=list(pairs))) is not None:
            drawings["null_models"] = compared
        written = [str(path) for path in save_figures(folder, drawings, form=form, dpi=dpi)]
        tables = {"losses": _rows(results, run_milestones, score)}
        if compared is not None:
            tables["differences"] = rows_of_pairs(pairs, score)
        for name, rows in tables.items():
            write_text(folder / f"{name}.csv", csv_table(rows))
        finished = {name: int(data["finished"].sum()) for name, data in results.items()}
        if as_json:
            about: dict[str, Any] = {"finished": finished, "figures": written, "table": str(folder / "losses.csv")}
            if compared is not None:
                header, *body = tables["differences"]
                about["differences"] = without_nan([dict(zip(header, row, strict=True)) for row in body])
            click.echo(json.dumps(about, indent=2))
            return
        for name, data in results.items():
            click.echo(f"{name}: {finished[name]} of {data['finished'].size} runs")
        for name, curves in fits.items():
            what = f"squared error / variance (median) and r (mean) of unrecorded units, {curves.trials} trials"
            click.echo(f"{name}: {what}, by number of fitted units, with 95 % intervals over seeds")
            for line in curves.words():
                click.echo(f"  {line}")
        if compared is not None:
            click.echo("Does the wiring matter?")
            for one, found in pairs.items():
                for pair in found:
                    click.echo(f"  {words(one, pair, score)}")
            for line in _learned_nothing(pairs):
                click.echo(f"  {line}")
        for figure in written:
            click.echo(f"Figure: {figure}")
        for name in tables:
            click.echo(f"Table: {folder / name}.csv")


def _learned_nothing(pairs: dict[str, Any]) -> list[str]:
    """Warn about networks that are no better than no memory, for which the comparison means little."""
    found = []
    for pair in pairs.get("loss", ())[:1]:
        samples = {pair.original: pair.first} | {other.null: other.second for other in pairs["loss"]}
        for name, values in samples.items():
            known = [value for value in values.tolist() if math.isfinite(value)]
            worse = sum(value >= pair.no_memory for value in known)
            if worse:
                found.append(
                    f"{name}: {worse} of {len(known)} runs did not get below {pair.no_memory:.3g}, the loss without "
                    "memory (the mean of the targets)."
                )
    return found


def _refuse_mixed(paths: tuple[Path, ...]) -> None:
    """Reject a mixture of runs and sweeps, and missing directories."""
    for path in paths:
        if not path.is_dir():
            raise ValueError(f"there is no directory {path}; eicon plot takes directories of sweeps, or of runs.")
    runs = [str(path) for path in paths if not (path / "sweep.toml").is_file() and (path / "config.toml").is_file()]
    if runs:
        raise ValueError(f"eicon plot takes sweeps or runs, not both at once; {runs} are runs.")


def _plot_runs(
    paths: tuple[Path, ...], labels: tuple[str, ...], out: Path | None, form: Any, dpi: float | None, as_json: bool
) -> None:
    """Draw learning curves of runs as one band, or as one band per label."""
    from ..plotting import plot_loss, save_figures
    from ..runs import open_run

    if labels and len(labels) != len(paths):
        raise ValueError(f"--labels needs one label per run ({len(paths)}); got {list(labels)}.")
    runs = [open_run(path) for path in paths]
    for run in runs:
        if not (run.checkpoint.is_file() or (run.path / "history.npz").is_file()):
            again = hint("eicon", "train", "--resume", run.path)
            raise ValueError(f"{run.path} has no learning curve, because it is not trained yet. Train it with: {again}")
    groups: dict[str, list[Any]] = {}
    for run, label in zip(runs, labels or [""] * len(runs), strict=True):
        groups.setdefault(label, []).append(run.history())
    tasks = [run.recipe.make_task() for run in runs]
    chances, scores = {task.chance for task in tasks}, {task.score_name for task in tasks}
    chance = chances.pop() if len(chances) == 1 else math.nan
    score = scores.pop() if len(scores) == 1 else "score"
    drawing = plot_loss(groups if labels else groups[""], chance=chance if math.isfinite(chance) else None, score=score)
    (figure,) = save_figures(out or paths[0] / "figures", {"learning": drawing}, form=form, dpi=dpi)
    click.echo(json.dumps({"figures": [str(figure)]}, indent=2) if as_json else f"Figure: {figure}")


@command("plot-losses", cls=SeveralLabels, hidden=True)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, required=True)
@click.option("--labels", multiple=True)
@click.option("--out", type=click.Path(path_type=Path))
@click.option("--ylabel", default="loss")
@json_option
@click.pass_context
def plot_losses(context: click.Context, words: tuple[str, ...], **options: Any) -> None:
    """Run `eicon plot`; this old name will be removed in 0.3.0."""
    click.echo("plot-losses is now called plot; the old name will be removed in 0.3.0.", err=True)
    context.invoke(plot, sweeps=tuple(map(Path, words)), **options)


def changes_of(texts: tuple[str, ...]) -> dict[str, Any]:
    """Return the dotted keys and values of ``--set``."""
    return dict(map(_change, texts))


def _change(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--set takes KEY=VALUE, e.g. network.tau=50; got {text!r}.")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return key, value


def default_out(recipe: Path) -> Path:
    """Return the default directory for the results of a recipe."""
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
        score = max(summary["best_validation_accuracy"] for summary in group)
        diverged = sum(summary["diverged"] for summary in group)
        said = []
        if losses:
            said = [f"smallest validation loss {min(losses):.3g} to {max(losses):.3g}{_without_memory(group, losses)}"]
            said += _predicted(group) or [f"best {group[0].get('score', 'accuracy')} {score:.1%}{_guessed(group)}"]
        elif diverged < len(group):
            said = ["no validation has been run; the recipe's training.validate_every exceeds its steps"]
        said += [f"{diverged} of {len(group)} diverged"] if diverged else []
        click.echo(f"{name}: {', '.join(said)}")


def _predicted(group: list[dict[str, Any]]) -> list[str]:
    """Describe R2 of recorded units (median over units), in held-out trials if any; empty for a task."""
    said = []
    for which in ("recorded", "unrecorded"):
        keys = (f"{which}_{trials}_r2" for trials in ("held_out", "fitted"))
        key = next((key for key in keys if any(key in summary.get("fit", {}) for summary in group)), None)
        found = [value for summary in group if (value := summary.get("fit", {}).get(key)) is not None]
        if found:
            said.append(f"R2 of {which} units {min(found):.3f} to {max(found):.3f}")
    return said


def _without_memory(group: list[dict[str, Any]], losses: list[float]) -> str:
    """Compare the losses with that of the best answer that ignores the trial, if it is the same for all runs."""
    level = _shared(group, "null_loss")
    if level is None:
        return ""
    worse = sum(loss >= level for loss in losses)
    if not worse:
        return f" (no memory: {level:.3g})"
    which = "" if worse == len(losses) else f"{worse} of {len(losses)} "
    return f" ({which}no better than no memory, {level:.3g})"


def _guessed(group: list[dict[str, Any]]) -> str:
    level = _shared(group, "chance")
    return "" if level is None else f" (chance {level:.1%})"


def _shared(group: list[dict[str, Any]], name: str) -> float | None:
    values = {summary.get(name) for summary in group}
    value = values.pop() if len(values) == 1 else None
    return None if value is None or not math.isfinite(value) else float(value)


def _rows(results: dict[str, Any], run_milestones: Any, score: str) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for i, (label, data) in enumerate(results.items()):
        dims = data["finished"].dims
        values = run_milestones(data)
        if i == 0:
            names = [name.replace("accuracy", score.replace(" ", "_")) for name in values]
            rows.append(["label", *dims, "initial_spectral_radius", "null_loss", *names])
        facts = [data[name].values.ravel() for name in ("initial_spectral_radius", "null_loss")]
        labels = [[data[dim].values[j] for dim, j in zip(dims, place, strict=True)] for place in _places(data)]
        columns = [*facts, *(value.ravel() for value in values.values())]
        rows += [[label, *where, *(float(column[j]) for column in columns)] for j, where in enumerate(labels)]
    return rows


def _places(data: Any) -> Any:
    import numpy as np

    return np.ndindex(*data["finished"].shape)
