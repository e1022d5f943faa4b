"""Writing and explaining recipes: recipe."""

import json
from pathlib import Path

import click

from ._common import command, errors, json_option, option_given
from ._sweeps import changes_of, set_option

KINDS = ("dale", "free", "populations", "connectome")
KIND_HELP = """Kind of network of a new recipe. dale: excitatory and inhibitory units; free: weights of either sign;
populations: named populations and the projections between them; connectome: the wiring of a connectome."""


@command()
@click.argument("recipe", type=click.Path(path_type=Path), required=False)
@click.option("--explain", is_flag=True, help="Describe what RECIPE will compute, without computing it.")
@click.option("--convert", is_flag=True, help="Write RECIPE in the current format, with every default.")
@click.option(
    "--task", default="PerceptualDecision", show_default=True, help="Task of a new recipe, one of `eicon tasks`."
)
@click.option("--kind", type=click.Choice(KINDS), default="dale", show_default=True, help=KIND_HELP)
@click.option("--out", type=click.Path(path_type=Path), help="File to write to.  [default: standard output]")
@set_option
@json_option
@click.pass_context
def recipe(
    context: click.Context,
    recipe: Path | None,
    explain: bool,
    convert: bool,
    task: str,
    kind: str,
    out: Path | None,
    changes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write a recipe to start from, or explain an existing one.

    Without RECIPE, a commented file with all keys is written. --explain prints the size of the networks, the number of
    runs and a rough estimate of their duration; it trains nothing. --convert also reads recipes of eicon 0.1.0, and a
    config.ini of bio_rnn_mem (the code of Goulas et al. 2021, Neural Networks 142: 608).

    \b
    Examples:
      eicon recipe --task DelayedMatchToSample --out recipe.toml
      eicon recipe --kind connectome --out worm.toml
      eicon recipe --explain worm.toml
      eicon recipe --convert config.ini --out recipe.toml
    """
    if explain and convert:
        raise click.UsageError("--explain and --convert cannot be combined.")
    if (explain or convert) and recipe is None:
        raise click.UsageError(f"--{'explain' if explain else 'convert'} needs RECIPE.")
    if recipe is not None and not (explain or convert):
        raise click.UsageError("RECIPE needs --explain or --convert; without RECIPE, a new recipe is written.")
    if recipe is None and changes:
        raise click.UsageError("--set changes an existing RECIPE; give it with --explain or --convert.")
    if recipe is not None and (unused := option_given(context, "task", "kind")):
        raise click.UsageError(f"{unused} is for new recipes; to change RECIPE, use --set.")
    with errors(context):
        if recipe is None:
            from ..runs._start import commented

            _write(commented(task, kind), out)
            return
        from ..runs import read_recipe

        found = read_recipe(recipe)
        if changes:
            found = found.with_changes(changes_of(changes))
        if convert:
            _write(found.completed().to_toml(), out)
            return
        from ..runs._explain import explanation

        said = explanation(found)
        if as_json:
            click.echo(json.dumps({"runs": said.n_runs, "seconds": said.seconds, "bytes": said.bytes}, indent=2))
            return
        click.echo("\n".join([said.headline, *said.lines]))


def _write(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text.rstrip())
        return
    if out.exists():
        raise FileExistsError(f"{out} already exists; choose another --out.")
    from .._files import write_text

    write_text(out, text)
    click.echo(f"Recipe: {out}")
