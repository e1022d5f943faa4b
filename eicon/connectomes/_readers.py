"""Readers of a user's own files: matrices, lists of connections, and what `Connectome.save` wrote."""

import csv
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from .._files import load_arrays
from ._bio2art import read_npy
from ._connectome import KIND, VERSION, Connectome
from ._orientation import Rows, oriented


def read_npz(path: str | os.PathLike[str]) -> Connectome:
    """Connectome that `Connectome.save` wrote.

    Parameters
    ----------
    path : path

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or holds no connectome.
    """
    arrays, header = load_arrays(path, kind=KIND, version=VERSION)
    try:
        names = tuple(header["names"])
        weights = np.zeros((len(names), len(names)))
        weights[arrays["source"], arrays["target"]] = arrays["weight"]
        return Connectome(
            weights,
            names,
            sign=arrays["sign"],
            labels={key: tuple(column) for key, column in header["labels"].items()},
            coordinates=arrays.get("coordinates"),
            densities=arrays.get("densities"),
            **{key: header[key] for key in ("name", "species", "citation", "licence", "provenance")},
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} is no complete eicon connectome ({error}).") from error


def read_matrix(
    path: str | os.PathLike[str],
    *,
    rows: Rows,
    names: tuple[str, ...] | list[str] | None = None,
    delimiter: str | None = None,
    name: str | None = None,
    species: str = "",
    citation: str = "",
    licence: str = "",
) -> Connectome:
    r"""Connectome from a square matrix in a CSV, TSV or npy file.

    In a text file, a first row and a first column of names are recognised by holding something else than
    numbers. If all names are numbers they cannot be told from weights: take them out, and give them here.

    Parameters
    ----------
    path : path
    rows : {"source", "target", "symmetric"}
        What a row of the file is. No file says it, and there is no usual choice: look it up in its paper.
    names : sequence of str, optional
        Names of the units; default those in the file, else numbers from 1.
    delimiter : str, optional
        Default: the first of tab, comma and semicolon in the first line, else white space.
    name : str, optional
        Identifier; default the file's name.
    species, citation, licence : str

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "injections.csv")
    >>> _ = path.write_text("injected,V1,LM\nV1,0,0.1\nLM,0.4,0\n")
    >>> fractions = read_matrix(path, rows="target")
    >>> float(fractions.weights[fractions.names.index("V1"), fractions.names.index("LM")])
    0.4
    >>> fractions.provenance
    'injections.csv: rows = target, turned on reading'
    >>> folder.cleanup()
    """
    path = Path(path)
    if path.suffix == ".npy":
        matrix, found = read_npy(path), None
    else:
        matrix, found = _matrix(path, list(_cells(path, delimiter)))
    weights, provenance = oriented(matrix, rows, path.name)
    given = names if names is not None else found
    return Connectome(
        weights,
        tuple(str(i + 1) for i in range(len(weights))) if given is None else tuple(given),
        name=path.stem if name is None else name,
        species=species,
        citation=citation,
        licence=licence,
        provenance=provenance,
    )


def read_edges(
    path: str | os.PathLike[str],
    *,
    source: int | str = 0,
    target: int | str = 1,
    weight: int | str | None = 2,
    delimiter: str | None = None,
    header: bool | None = None,
    duplicates: Literal["error", "sum"] = "error",
    name: str | None = None,
    species: str = "",
    citation: str = "",
    licence: str = "",
) -> Connectome:
    """Connectome from a list of connections, one per line of a CSV or TSV file.

    Units are those that occur, in order of first appearance (of a line's source before its target). Every
    line counts. Empty lines and lines that begin with ``#`` are skipped.

    Parameters
    ----------
    path : path
    source, target, weight : int or str
        Columns, by place from 0 or by the name in the header. ``weight=None``: each connection weighs 1.
    delimiter : str, optional
        As in `read_matrix`.
    header : bool, optional
        Whether the first line holds names of columns. Default: yes if columns are given by name, or if its
        weight is no number.
    duplicates : {"error", "sum"}
        What to do with a pair that is listed twice. Lists of single synapses want "sum"; elsewhere a
        repeated pair is more often a mistake, such as two kinds of synapse in one file.
    name : str, optional
        Identifier; default the file's name.
    species, citation, licence : str

    Raises
    ------
    ValueError
        With the number of the line, if it has too few columns, an empty name, or no number >= 0 as weight.
    """
    path = Path(path)
    if duplicates not in ("error", "sum"):
        raise ValueError(f"duplicates must be 'error' or 'sum'; got {duplicates!r}.")
    lines = _cells(path, delimiter)
    first = next(lines, None)
    if first is None:
        raise ValueError(f"{path} holds no connections: it is empty.")
    columns = {"source": source, "target": target, "weight": weight}
    by_name = any(isinstance(column, str) for column in columns.values())
    if header is None:
        header = by_name or (isinstance(weight, int) and weight < len(first[1]) and not _is_number(first[1][weight]))
    places = {k: _place(path, k, c, first[1] if header else None) for k, c in columns.items() if c is not None}
    if not header:
        lines = itertools.chain([first], lines)
    edges, units = _edges(path, lines, places, duplicates)
    weights = np.zeros((len(units), len(units)))
    for (i, j), value in edges.items():
        weights[i, j] = value
    return Connectome(
        weights,
        tuple(units),
        name=path.stem if name is None else name,
        species=species,
        citation=citation,
        licence=licence,
        provenance=f"{path.name}: list of connections from column {source} to column {target}",
    )


def _edges(
    path: Path, lines: Iterator[tuple[int, list[str]]], places: dict[str, int], duplicates: str
) -> tuple[dict[tuple[int, int], float], dict[str, int]]:
    """Weight of each pair of units, and the number of each unit."""
    edges: dict[tuple[int, int], float] = {}
    units: dict[str, int] = {}
    for number, cells in lines:
        if len(cells) <= max(places.values()):
            raise ValueError(
                f"{path}, line {number}: column {max(places.values())} is missing, the line has {len(cells)} columns; "
                "give `weight=None` for a list without weights, or the right delimiter."
            )
        ends = cells[places["source"]], cells[places["target"]]
        if not all(ends):
            raise ValueError(f"{path}, line {number}: the name of the source or of the target is empty.")
        value = _weight(path, number, cells[places["weight"]]) if "weight" in places else 1.0
        pair = units.setdefault(ends[0], len(units)), units.setdefault(ends[1], len(units))
        if pair in edges and duplicates == "error":
            raise ValueError(
                f"{path}, line {number}: {ends[0]} -> {ends[1]} is listed before; say duplicates='sum' to add "
                "them, or take one kind of connection out of the file."
            )
        edges[pair] = edges.get(pair, 0.0) + value
    if not edges:
        raise ValueError(f"{path} holds no connections, only a header.")
    return edges, units


def _weight(path: Path, number: int, text: str) -> float:
    value = float(text) if _is_number(text) else np.nan
    if not 0 <= value < np.inf:
        raise ValueError(f"{path}, line {number}: the weight must be a number >= 0; got {text!r}.")
    return value


def _place(path: Path, role: str, column: int | str, header: list[str] | None) -> int:
    if isinstance(column, int):
        if column < 0:
            raise ValueError(f"columns are counted from 0; got {role}={column}.")
        return column
    if header is None or column not in header:
        raise ValueError(f"{path} has no column {column!r} for the {role}; its first line is {header or 'no header'}.")
    return header.index(column)


def _cells(path: Path, delimiter: str | None) -> Iterator[tuple[int, list[str]]]:
    """Number and stripped cells of each line that is neither empty nor a comment."""
    with path.open(newline="", encoding="utf-8-sig") as stream:
        lines = ((i, line) for i, line in enumerate(stream, start=1) if line.strip() and not line.startswith("#"))
        for number, line in lines:
            if delimiter is None:
                delimiter = next((d for d in "\t,;" if d in line), " ")
            cells = line.split() if delimiter == " " else next(csv.reader([line], delimiter=delimiter))
            yield number, [cell.strip() for cell in cells]


def _matrix(path: Path, lines: list[tuple[int, list[str]]]) -> tuple[np.ndarray, list[str] | None]:
    """Numbers of a text file, and the names in its first row or column."""
    if not lines:
        raise ValueError(f"{path} holds no matrix: it is empty.")
    first = lines[0][1]
    header = None if all(map(_is_number, first[1:] or first)) else lines.pop(0)[1]
    names = None
    if not all(_is_number(cells[0]) for _, cells in lines):
        names = [cells.pop(0) for _, cells in lines]
        if header is not None and len(header) == len(lines) + 1:
            header = header[1:]
    for number, cells in lines:
        wrong = next((cell for cell in cells if not _is_number(cell)), None)
        if wrong is not None or len(cells) != len(lines):
            raise ValueError(
                f"{path}, line {number}: expected {len(lines)} numbers, as there are rows; got {len(cells)} columns"
                f"{'' if wrong is None else f', one of them {wrong!r}'}. Is the delimiter right?"
            )
    if header is not None and names is not None and header != names:
        i = next((i for i, (a, b) in enumerate(zip(header, names, strict=False)) if a != b), len(names))
        raise ValueError(
            f"{path}: the names of columns and rows differ from place {i + 1} on "
            f"({header[i : i + 1]} and {names[i : i + 1]}); put them into the same order."
        )
    return np.array([[float(cell) for cell in cells] for _, cells in lines]), names or header


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
