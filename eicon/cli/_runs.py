"""Single runs: demo, train, analyze, report, tasks."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .._hints import hint
from .._optional import install
from ._common import Form, command, errors, figure_options, json_option, run_argument, seed_option
from ._sweeps import changes_of, default_out, set_option

NO_PAGE = f"Skipped the interactive fixed-point page, which needs plotly: {install('interactive')}."

SIZES = (("in", "input"), ("out", "output"), ("conditions", "condition"))
"""Sizes of a task in `eicon tasks`, each with its noun."""


@command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("results/demo"), show_default=True, help="Run directory."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of weights, trials and noise."
)
@figure_options
@json_option
@click.pass_context
def demo(context: click.Context, out: Path, seed: int, form: Form, dpi: float | None, as_json: bool) -> None:
    """Train, analyse and report an example network.

    The network learns a perceptual decision task; OUT/report.html shows the results. Repeat the command to resume an
    interrupted demo.

    \b
    Examples:
      eicon demo
      eicon demo --out results/second --seed 1
    """
    with errors(context, out):
        from ..runs._directory import refuse_taken

        there = (out / "config.toml").is_file()
        if not there:
            refuse_taken(out)
        from ..runs import create_run, open_run
        from ..runs._read import demo_recipe

        run = open_run(out) if there else create_run(out, demo_recipe(seed))
        if run.recipe != demo_recipe(seed).completed():
            raise FileExistsError(f"{out} contains a run with different settings; choose another --out.")
        _train(context, run)
        if not context.obj["quiet"]:
            click.echo("Analysing ...", err=True)
        from ..runs import analyze_run

        numbers = analyze_run(run, form=form, dpi=dpi)
        page = _report(run)
        if as_json:
            click.echo(json.dumps({**numbers, "report": str(page)}, indent=2))
        else:
            _say_results(numbers)
            click.echo(f"Report: {page}")


def _training_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument and options of the commands that train."""
    path: Any = click.Path(path_type=Path)
    options = (
        click.argument("recipe", type=path, required=False),
        click.option("--out", type=path, help="New run directory.  [default: results/NAME OF RECIPE]"),
        click.option("--resume", type=path, metavar="RUN", help="Resume an unfinished run."),
        click.option("--from", "origin", type=path, metavar="RUN", help="Start a new run from a trained one."),
        click.option(
            "--steps", type=click.IntRange(min=1), help="Training steps of the run in total.  [default: the recipe's]"
        ),
        click.option(
            "--learning-rate",
            "--lr",
            type=click.FloatRange(min=0, min_open=True),
            help="Learning rate.  [default: the recipe's]",
        ),
        click.option("--seed", type=click.IntRange(min=0), help="Random seed.  [default: the recipe's]"),
        set_option,
        json_option,
        click.pass_context,
    )
    for option in reversed(options):
        function = option(function)
    return function


@command()
@_training_options
def train(context: click.Context, **options: Any) -> None:
    """Train a network, or resume a run.

    RECIPE is a TOML file that lists only what differs from the defaults; `eicon recipe` writes a template. With
    --resume, RUN is continued to the end set in its recipe, or to --steps steps in total.

    With --from, a new run starts with the last weights of RUN, and with a new optimiser; RUN stays unchanged. Its
    settings are those of RECIPE, which must describe the same network, or those of RUN if RECIPE is omitted; the other
    options change them.

    \b
    Examples:
      eicon train recipe.toml --out results/first
      eicon train recipe.toml --set network.n_rec=50 --seed 1
      eicon train --resume results/first --steps 5000
      eicon train --from results/first --out results/slower --learning-rate 1e-4
    """
    _run_training(context, **options)


@command()
@_training_options
def fit(context: click.Context, **options: Any) -> None:
    """Fit a network to a recording.

    RECIPE has a table [recording] that names the recording and the units to fit. The command trains like `eicon train`,
    with the same options. At the end, it prints how well recorded and unrecorded units are predicted, in fitted and in
    held-out trials. fit.json in the run directory contains the same numbers, fit.csv those of each unit.

    \b
    Examples:
      eicon fit fit.toml --out results/fit
      eicon fit fit.toml --set recording.n_units=20 --seed 1
      eicon fit --resume results/fit --steps 5000
    """
    _run_training(context, **options, fits=True)


def _run_training(
    context: click.Context,
    recipe: Path | None,
    out: Path | None,
    resume: Path | None,
    origin: Path | None,
    steps: int | None,
    learning_rate: float | None,
    seed: int | None,
    changes: tuple[str, ...],
    as_json: bool,
    fits: bool = False,
) -> None:
    if resume is not None and (recipe is not None or origin is not None):
        raise click.UsageError("--resume RUN cannot be combined with RECIPE or --from, which belong to a new run.")
    if recipe is None and resume is None and origin is None:
        raise click.UsageError("give RECIPE, --resume RUN or --from RUN.")
    if resume is not None and ((out, seed, learning_rate) != (None, None, None) or changes):
        raise click.UsageError(
            "--out, --seed, --learning-rate and --set belong to a new run; --resume takes them from the run. "
            "To continue with different settings, start a new run with --from RUN."
        )
    if origin is not None and recipe is None and out is None:
        raise click.UsageError("--from RUN needs --out, the directory of the new run.")
    with errors(context, resume or out):
        wanted = changes_of(changes)
        given = {"training.steps": steps, "learner.learning_rate": learning_rate, "seed": seed}
        wanted |= {name: value for name, value in given.items() if value is not None}
        from ..runs import open_run, read_recipe
        from ..runs._directory import refuse_taken
        from ..runs._text import read_text

        if resume is not None:
            run = open_run(resume)
            _refuse_no_recording(resume, run.recipe, fits)
            if steps is not None and steps != run.recipe.training.steps:
                from ..runs._run import with_steps

                run = with_steps(run, steps)
        else:
            path = out or default_out(Path() if recipe is None else recipe)
            if recipe is not None and recipe.exists():
                read_text(recipe)  # rejects what is not a file before the path of the run is checked
            refuse_taken(path, "fit" if fits else "train")
            settings = open_run(origin).recipe if origin is not None else None
            settings = read_recipe(recipe) if recipe is not None else settings
            assert settings is not None
            if steps is not None and settings.training.epochs is not None:
                raise ValueError("--steps: this recipe counts epochs; --set training.epochs=N changes their number.")
            if origin is not None:
                wanted["continued_from"] = str(origin)
            from ..runs import create_run

            settings = settings.with_changes(wanted) if wanted else settings
            _refuse_no_recording(recipe or origin, settings, fits)
            run = create_run(path, settings)
        try:
            done = _train(context, run)
        except Exception:
            if resume is None:
                from ..runs._directory import discard_untrained

                discard_untrained(run.path)
            raise
        if as_json:
            about = {"run": str(run.path), "network": str(run.network), "trained_now": done.trained}
            measured = {} if done.fit is None else {"fit": done.fit}
            click.echo(json.dumps({**run.read_record(), **about, **measured}, indent=2))
            return
        click.echo(done.summary)
        if done.fit is not None:
            from ..runs._fit import fit_words

            for line in fit_words(done.fit):
                click.echo(line)
        if done.trained:
            click.echo(f"Trained: {run.network}")
        click.echo(f"Analyse it with: {hint('eicon', 'analyze', run.path)}")


@command()
@run_argument
@click.option("--repeats", type=click.IntRange(min=2), default=50, show_default=True, help="Trials per condition.")
@click.option("--fixed-points", is_flag=True, help="Find fixed points, with the input held constant.")
@click.option(
    "--lyapunov", is_flag=True, help="Compute Lyapunov exponents, with the input held constant and along whole trials."
)
@click.option(
    "--spectra",
    is_flag=True,
    help="Compute eigenvalues: of the Jacobian along the mean trajectory and, if the recipe sets "
    "training.snapshots = true, of the recurrent weights during training.",
)
@click.option(
    "--epoch",
    help="For --fixed-points and --lyapunov: epoch of the trial whose input is held constant.  [default: the longest]",
)
@click.option(
    "--condition",
    "conditions",
    multiple=True,
    metavar="NAME=VALUE",
    help="For --fixed-points, --lyapunov and --spectra: use only trials with this value of a condition; repeatable.",
)
@click.option(
    "--candidates",
    type=click.IntRange(min=1),
    help="For --fixed-points: number of states from which the search starts.  [default: 512]",
)
@seed_option
@figure_options
@json_option
@click.pass_context
def analyze(
    context: click.Context,
    run: Path,
    repeats: int,
    fixed_points: bool,
    lyapunov: bool,
    spectra: bool,
    epoch: str | None,
    conditions: tuple[str, ...],
    candidates: int | None,
    seed: int | None,
    form: Form,
    dpi: float | None,
    as_json: bool,
) -> None:
    """Analyse a trained RUN; write figures/ and analysis.json.

    Both are written to RUN. They cover training, behaviour, activity and weights; --fixed-points, --lyapunov and
    --spectra add the dynamics.

    \b
    Examples:
      eicon analyze results/first
      eicon analyze results/first --fixed-points --epoch stimulus
      eicon analyze results/first --style paper --format pdf
      eicon analyze results/context --fixed-points --lyapunov --condition context=1
    """
    asked = fixed_points or lyapunov or spectra
    if (conditions and not asked) or (epoch and not (fixed_points or lyapunov)) or (candidates and not fixed_points):
        raise click.UsageError(
            "--epoch needs --fixed-points or --lyapunov; --condition needs one of these or --spectra; "
            "--candidates needs --fixed-points."
        )
    agreed = dict(_condition(text) for text in conditions)
    with errors(context):
        from ..runs import open_run

        opened = open_run(run).with_seed(seed)
        from ..runs import DynamicsRequest, analyze_run
        from ..runs._dynamics_words import dynamics_words

        progress = not context.obj["quiet"]
        request = DynamicsRequest(fixed_points, lyapunov, spectra, epoch, agreed, candidates or 512, progress)
        if asked and progress:
            click.echo("Analysing ...", err=True)
        numbers = analyze_run(opened, repeats=repeats, dynamics=request if asked else None, form=form, dpi=dpi)
        if fixed_points and not numbers["fixed_points"]["interactive"] and progress:
            click.echo(NO_PAGE, err=True)
        if as_json:
            click.echo(json.dumps(numbers, indent=2))
        else:
            _say_results(numbers)
            for line in dynamics_words(numbers):
                click.echo(line)
            click.echo(f"Figures: {run / 'figures'}\nMake a report with: {hint('eicon', 'report', run)}")
            if not opened.recipe.is_fit:
                click.echo(f"Explore it interactively with: {hint('eicon', 'explore', run)}")


@command()
@run_argument
@json_option
@click.pass_context
def report(context: click.Context, run: Path, as_json: bool) -> None:
    """Write report.html for an analysed RUN.

    RUN/report.html is one self-contained page with the figures and numbers of `eicon analyze`.

    \b
    Example:
      eicon report results/first
    """
    with errors(context):
        from ..runs import open_run

        page = _report(open_run(run))
        click.echo(json.dumps({"report": str(page)}) if as_json else page)


@command()
@json_option
@click.pass_context
def tasks(context: click.Context, as_json: bool) -> None:
    """List the tasks and their parameters.

    The parameters are shown with their defaults; a recipe sets them in the table [task].

    \b
    Examples:
      eicon tasks
      eicon tasks --json
    """
    with errors(context):
        from ..tasks._table import describe

        described = describe()
        if as_json:
            click.echo(json.dumps(described, indent=2))
            return
        for name, about in described.items():
            click.secho(name, bold=True, nl=False)
            click.echo(f"  {about['summary']}")
            sizes = (counted(about[f"n_{what}"], noun) for what, noun in SIZES)
            click.echo(f"  {', '.join(sizes)}")
            for parameter, value in about["parameters"].items():
                click.echo(f"    {parameter} = {value}")


def counted(n: int, noun: str) -> str:
    """Return a number with its noun, which is singular for one."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _refuse_no_recording(source: Any, recipe: Any, fits: bool) -> None:
    if fits and not recipe.recording.file:
        raise ValueError(f"{source} has no table [recording] with a `file`; use eicon train to train it on its task.")


def _condition(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise click.UsageError(
            f"--condition takes NAME=VALUE with a number, such as context=1; got {text!r}."
        ) from None


def _train(context: click.Context, run: Any) -> Any:
    from ..runs._run import run_training

    return run_training(run, progress=not context.obj["quiet"])


def _report(run: Any) -> Path:
    from ..pages import write_report

    return write_report(run)


def _say_results(numbers: dict[str, Any]) -> None:
    from ..runs._sections import behaviour_words

    training = numbers["training"]
    if "fit" in numbers:
        from ..runs._fit import fit_words

        for line in fit_words(numbers["fit"]):
            click.echo(line)
    if "accuracy" not in numbers:
        click.echo(f"Steps {training['steps']}, {training['seconds']:.0f} s")
        _say_certificate(numbers["certificate"])
        return
    chance = "" if numbers["chance"] is None else f" (chance {numbers['chance']:.1%})"
    click.echo(f"Steps {training['steps']}, {training['seconds']:.0f} s; accuracy {numbers['accuracy']:.1%}{chance}")
    for line in behaviour_words(numbers):
        click.echo(line)
    _say_certificate(numbers["certificate"])


def _say_certificate(certificate: dict[str, Any]) -> None:
    click.echo(
        f"Constraints: {'all hold' if certificate['ok'] else '; '.join(certificate['problems'])} "
        f"(spectral radius {certificate['spectral_radius']:.3f})"
    )
