"""Condensation of a trained run: condense."""

import json
from pathlib import Path
from typing import Any

import click

from .._hints import hint
from ._common import Form, command, errors, figure_options, json_option, run_argument

MATCH_STRENGTH = 0.1


@command()
@run_argument
@click.option("--to", type=click.IntRange(min=1), required=True, help="Number of units of the condensed network.")
@click.option("--every", type=click.IntRange(min=1), default=10, show_default=True, help="Units removed per stage.")
@click.option(
    "--retrain",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Training steps after each stage; 0: none.",
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(min=0, min_open=True),
    help="Learning rate of retraining.  [default: the run's]",
)
@click.option(
    "--match-activity", is_flag=True, help="Penalise deviations from the original network's activity while retraining."
)
@click.option(
    "--match-strength",
    type=click.FloatRange(min=0, min_open=True),
    help="Weight of the penalty of --match-activity; the loss of the task has 1.  [default: 0.1]",
)
@click.option(
    "--method",
    type=click.Choice(["subset", "merge", "cluster", "magnitude", "random"]),
    default="subset",
    show_default=True,
    help="subset: kept units represent the others; merge: merge similar units pairwise; cluster: average clusters of "
    "units; magnitude, random: baselines that delete the weakest or random units.",
)
@click.option(
    "--similarity",
    type=click.Choice(["pca", "correlation"]),
    default="pca",
    show_default=True,
    help="Similarity of units for merge and cluster: by loadings on principal components, or by correlation.",
)
@click.option(
    "--incoming",
    type=click.Choice(["kept", "averaged"]),
    default="kept",
    show_default=True,
    help="Incoming weights for merge: those of the stronger unit, or the average.",
)
@click.option(
    "--within",
    metavar="LABEL",
    default="",
    help="Let units represent only units with the same value of LABEL, e.g. type.",
)
@click.option("--free", is_flag=True, help="Drop Dale's law: new weights may have either sign.")
@click.option(
    "--own-noise",
    is_flag=True,
    help="Keep the noise of the units. By default it is adapted after each stage, to affect the condensed network as "
    "noise affects the original.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Directory of the new run.  [default: RUN/condensed/METHOD-TO...]"
)
@click.option("--seed", type=click.IntRange(min=0), help="Seed of trials, noise and retraining.  [default: the run's]")
@figure_options
@json_option
@click.pass_context
def condense(
    context: click.Context,
    run: Path,
    to: int,
    every: int,
    retrain: int,
    learning_rate: float | None,
    match_activity: bool,
    match_strength: float | None,
    method: str,
    similarity: str,
    incoming: str,
    within: str,
    free: bool,
    own_noise: bool,
    out: Path | None,
    seed: int | None,
    form: Form,
    dpi: float | None,
    as_json: bool,
) -> None:
    """Make a trained RUN smaller, a few units at a time.

    Each stage removes --every units and then retrains the network, until --to units are left. The result is a new run
    directory; RUN stays unchanged. Repeat the same command to resume after an interruption: finished stages are kept.

    If RUN was fitted to a recording, the condensed network has the rates of all original units as outputs, and
    is retrained on those of the fitted units. If RUN was trained on a task and a recording, the recording is not used.

    \b
    Examples:
      eicon condense results/first --to 40 --every 10 --retrain 100 --match-activity
      eicon condense results/first --to 60 --every 20 --retrain 0
      eicon condense results/first --to 100 --method merge   # pairwise merging
    """
    with errors(context, again="the same command"):
        if match_activity and not retrain:
            raise click.UsageError("--match-activity needs --retrain, the steps in which it is matched.")
        if match_strength is not None and not match_activity:
            raise click.UsageError("--match-strength belongs to --match-activity.")
        from ..runs import open_run

        opened = open_run(run).with_seed(seed)
        from ..runs import Protocol, condense_run, read_condensation
        from ..runs._condense_figures import draw_condensation

        protocol = Protocol(
            to=to,
            every=every,
            retrain=retrain,
            learning_rate=learning_rate,
            match=(match_strength or MATCH_STRENGTH) if match_activity else 0.0,
            method=method,
            similarity=similarity,
            incoming=incoming,
            within=within,
            dale=not free,
            match_noise=not own_noise,
        )
        result = condense_run(opened, protocol, out, progress=not context.obj["quiet"])
        draw_condensation(result, form=form, dpi=dpi)
        record = read_condensation(result)
        if as_json:
            click.echo(json.dumps(record, indent=2))
            return
        click.echo(table(record))
        recording = opened.recipe.recording.file
        if recording and not opened.recipe.is_fit:
            click.echo(f"Condensed and retrained for the task alone, without {recording}.")
        compared = (result.path, recording) if opened.recipe.is_fit else (run, result.path)
        click.echo(f"Network: {result.network}\nCompare with: {hint('eicon', 'compare', *compared)}")


def table(record: dict[str, Any]) -> str:
    """Return one line per stage: units, output error, CKA, and loss and accuracy with noise or R2 of units."""
    rows = [_row(record, stage) for stage in [record["original"], *record["stages"]]]
    widths = {title: max(8, len(title)) for title in rows[0]}
    shown = [{title: title for title in widths}, *rows]
    return "\n".join(" ".join(f"{row[title]:>{width}}" for title, width in widths.items()) for row in shown)


def _row(record: dict[str, Any], stage: dict[str, Any]) -> dict[str, str]:
    row = {"units": str(stage["size"])}
    row |= {"output error": _shown(stage["output_error"], ".3f"), "CKA": _shown(stage["cka"], ".3f")}
    if "measures" not in stage:
        noisy = stage["with_noise"]
        return {**row, "loss": _shown(noisy["loss"], ".2e"), "accuracy": _shown(noisy["accuracy"], ".1%")}
    from ..runs._condense import trials_of

    for which in ("recorded", "unrecorded"):
        if (name := f"{which}_{trials_of(record)}_r2") in record["original"]["measures"]:
            none = "none" if name in stage["measures"] else "diverged"
            row[f"{which} R2"] = _shown(stage["measures"].get(name), ".3f", none)
    return row


def _shown(value: float | None, form: str, none: str = "diverged") -> str:
    return none if value is None else format(value, form)
