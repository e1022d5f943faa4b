"""Connectomes: list, show."""

import json
from pathlib import Path
from typing import Literal

import click

from ._common import FOLDER_HELP, Form, Group, errors, figure_options, json_option

MOST_NAMES = 1000
"""Largest number of units that are listed."""
FOLDER = click.option("--folder", type=click.Path(path_type=Path), help=FOLDER_HELP)


def _names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from ..connectomes import available

    names = [entry.name for entry in available(context.params.get("folder"))]
    return [name for name in names if name.startswith(incomplete)]


@click.group(cls=Group)
def connectomes() -> None:
    """List and show wiring diagrams."""


@connectomes.command("list")
@FOLDER
@json_option
@click.pass_context
def list_connectomes(context: click.Context, folder: Path | None, as_json: bool) -> None:
    """List all known connectomes, and how to get missing ones.

    Those that come with eicon or are installed are listed first. The names are those that recipes and
    `eicon connectomes show` take.

    \b
    Examples:
      eicon connectomes list
      eicon connectomes list --folder bio2art/connectomes
    """
    with errors(context):
        from ..connectomes import available

        entries = available(folder)
        if as_json:
            click.echo(json.dumps([entry._asdict() for entry in entries], indent=2))
            return
        for here in (True, False):
            chosen = [entry for entry in entries if bool(entry.where) == here]
            if chosen:
                click.secho("Available:" if here else "\nNot installed:", bold=True)
            for entry in chosen:
                click.secho(f"  {entry.name}", bold=True, nl=False)
                click.echo(f"  {entry.species}, {entry.n} units, {entry.orientation}")
                click.echo(f"      {entry.source}; licence: {entry.licence}")
                click.echo(f"      {entry.where if here else 'get it: ' + entry.how_to_get}")


def _conditions(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, list[str]]:
    where: dict[str, list[str]] = {}
    for column, equal, value in (text.partition("=") for text in given):
        if not equal:
            raise click.BadParameter(f"expected COLUMN=VALUE, such as type=chemical; got {column!r}.")
        where.setdefault(column, []).append(value)
    return where


@connectomes.command()
@click.argument("name", shell_complete=_names)
@FOLDER
@click.option(
    "--rows",
    type=click.Choice(["source", "target", "symmetric"]),
    help="Content of a row in your own matrix: the connections from one unit (source), or those to it (target).",
)
@click.option(
    "--sum",
    "duplicates",
    flag_value="sum",
    help="Add up the weights of connections that occur more than once in your own list.",
)
@click.option(
    "--where",
    multiple=True,
    callback=_conditions,
    metavar="COLUMN=VALUE",
    help="Read only lines of your own list with this value; repeatable.",
)
@click.option("--missing", type=click.FloatRange(min=0), help="Weight of blank entries.  [default: they are an error]")
@click.option("--variable", help="Name of the array, in a file with several.")
@click.option("--encoding", help="Encoding of a text file.  [default: UTF-8]")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Image file; its extension sets the format.  [default: NAME.png]"
)
@figure_options
@json_option
@click.pass_context
def show(
    context: click.Context,
    name: str,
    folder: Path | None,
    rows: Literal["source", "target", "symmetric"] | None,
    duplicates: str | None,
    where: dict[str, list[str]],
    missing: float | None,
    variable: str | None,
    encoding: str | None,
    out: Path | None,
    form: Form,
    dpi: float | None,
    as_json: bool,
) -> None:
    """Describe a connectome, and draw its matrix, degrees and weights.

    NAME is one of `eicon connectomes list`, or your own file with a matrix or a list of connections: text, npy, npz,
    MATLAB, GraphML, GEXF, Feather or Parquet. A matrix needs --rows.

    \b
    Examples:
      eicon connectomes show celegans
      eicon connectomes show macaque --folder bio2art/connectomes
      eicon connectomes show injections.csv --rows target
      eicon connectomes show connections.csv.gz --sum
      eicon connectomes show celegans --style paper --format pdf
    """
    with errors(context):
        from ..connectomes import load

        options: dict[str, Any] = {
            "duplicates": duplicates,
            "missing": missing,
            "where": where,
            "variable": variable,
            "encoding": encoding,
        }
        given = {key: value for key, value in options.items() if value not in (None, {})}
        connectome = load(name, folder, rows=rows, **given)
        from ..plotting import plot_connectome
        from ..plotting._files import write_figure

        drawn = plot_connectome(connectome)
        path = out or Path(f"{connectome.name}.{form}")
        if not path.suffix:
            path = path.with_name(f"{path.name}.{form}")
        write_figure(path, drawn, dpi=dpi, numbers=path.with_name(f"{path.stem}_numbers.csv"))  # NAME.csv may be data
        if as_json:
            about = {
                "name": connectome.name,
                "species": connectome.species,
                "source": connectome.citation,
                "licence": connectome.licence,
                "file": connectome.provenance,
                "n": len(connectome.names),
                "connections": connectome.n_connections,
                "reciprocated": connectome.reciprocity,
                "units": list(connectome.names),
                "picture": str(path),
            }
            click.echo(json.dumps(about, indent=2))
            return
        click.echo(str(connectome))
        more = f" and {connectome.n - MOST_NAMES} more" if connectome.n > MOST_NAMES else ""
        click.echo("Units: " + ", ".join(connectome.names[:MOST_NAMES]) + more)
        click.echo(f"Picture: {path}")
