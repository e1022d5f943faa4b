"""Connectomes: list, show."""

import json
from pathlib import Path

import click

from ._common import errors

FOLDER = click.option("--folder", type=click.Path(path_type=Path), help="Folder with connectome files of bio2art.")


@click.group()
def connectomes() -> None:
    """Wiring diagrams: what is available, and what they look like."""


@connectomes.command("list")
@FOLDER
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def list_connectomes(context: click.Context, folder: Path | None, as_json: bool) -> None:
    """List all connectomes that eicon knows, and how to get those that are not here."""
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
@click.argument("name")
@FOLDER
@click.option("--out", type=click.Path(path_type=Path), help="Picture to write.  [default: NAME.png]")
@click.pass_context
def show(context: click.Context, name: str, folder: Path | None, out: Path | None) -> None:
    """Say what a connectome is, and draw its matrix, degrees and weights.

    \b
    Examples:
      eicon connectomes show celegans
      eicon connectomes show macaque --folder bio2art/connectomes
    """
    with errors(context):
        from .._files import atomic_file
        from ..connectomes import load
        from ..plotting import plot_connectome, save_png

        connectome = load(name, folder)
        click.echo(repr(connectome))
        for label, text in (
            ("Source", connectome.citation),
            ("Licence", connectome.licence),
            ("File", connectome.provenance),
        ):
            click.echo(f"{label}: {text}")
        reciprocal = ((connectome.weights > 0) & (connectome.weights.T > 0)).sum() / (connectome.weights > 0).sum()
        click.echo(f"Reciprocated connections: {reciprocal:.0%}")
        click.echo("Units: " + ", ".join(connectome.names))
        drawn = plot_connectome(
            connectome.weights, connectome.names, connectome.sign, title=f"{connectome.name} ({connectome.species})"
        )
        path = out or Path(f"{connectome.name}.png")
        with atomic_file(path) as stream:
            save_png(drawn, stream)
        click.echo(f"Picture: {path}")
