"""Connectomes: list, show."""

import json
from pathlib import Path

import click

from ._common import Group, errors, json_option

FOLDER = click.option("--folder", type=click.Path(path_type=Path), help="Folder with connectome files of bio2art.")


def _names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from ..connectomes import available

    names = [entry.name for entry in available(context.params.get("folder"))]
    return [name for name in names if name.startswith(incomplete)]


@click.group(cls=Group)
def connectomes() -> None:
    """Wiring diagrams: what is available, and what they look like."""


@connectomes.command("list")
@FOLDER
@json_option
@click.pass_context
def list_connectomes(context: click.Context, folder: Path | None, as_json: bool) -> None:
    """List all connectomes that eicon knows, and how to get those that are not here.

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
                click.secho("Here:" if here else "\nNot here yet:", bold=True)
            for entry in chosen:
                click.secho(f"  {entry.name}", bold=True, nl=False)
                click.echo(f"  {entry.species}, {entry.n} units, {entry.orientation}")
                click.echo(f"      {entry.source}; licence: {entry.licence}")
                click.echo(f"      {entry.where if here else 'get it: ' + entry.how_to_get}")


@connectomes.command()
@click.argument("name", shell_complete=_names)
@FOLDER
@click.option("--out", type=click.Path(path_type=Path), help="Picture to write.  [default: NAME.png]")
@json_option
@click.pass_context
def show(context: click.Context, name: str, folder: Path | None, out: Path | None, as_json: bool) -> None:
    """Say what a connectome is, and draw its matrix, degrees and weights.

    \b
    Examples:
      eicon connectomes show celegans
      eicon connectomes show macaque --folder bio2art/connectomes
    """
    with errors(context):
        from .._files import atomic_file
        from ..connectomes import load
        from ..plotting import plot_connectome
        from ..plotting._files import save_png

        connectome = load(name, folder)
        present = connectome.weights > 0
        reciprocal = float((present & present.T).sum() / present.sum())
        drawn = plot_connectome(
            connectome.weights, connectome.names, connectome.sign, title=f"{connectome.name} ({connectome.species})"
        )
        path = out or Path(f"{connectome.name}.png")
        with atomic_file(path) as stream:
            save_png(drawn, stream)
        if as_json:
            about = {
                "name": connectome.name,
                "species": connectome.species,
                "source": connectome.citation,
                "licence": connectome.licence,
                "file": connectome.provenance,
                "n": len(connectome.names),
                "connections": int(present.sum()),
                "reciprocated": reciprocal,
                "units": list(connectome.names),
                "picture": str(path),
            }
            click.echo(json.dumps(about, indent=2))
            return
        click.echo(repr(connectome))
        click.echo(f"Source: {connectome.citation}\nLicence: {connectome.licence}\nFile: {connectome.provenance}")
        click.echo(f"Reciprocated connections: {reciprocal:.0%}")
        click.echo("Units: " + ", ".join(connectome.names))
        click.echo(f"Picture: {path}")
