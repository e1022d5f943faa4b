"""Readers of a user's own files: matrices, lists of connections, and files written by `Connectome.save`."""

import os
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from .._files import load_arrays, named
from ._connectome import KIND, LARGEST_HEADER, VERSION, Connectome
from ._formats import MATRICES, Matrix, is_sparse, kind_of, open_table
from ._graphs import Graph, graph_file, graph_of_object
from ._lists import columns_of, headed, lines_of, twice
from ._names import read_names
from ._orientation import Rows, empty_half, oriented
from ._squares import is_list, matrix_of_table
from ._tables import Table, checked_ids, columns_table
from ._tvb import tvb_matrix
from ._units import Units, read_units, some

_MATRICES = {**MATRICES, "tvb": tvb_matrix}
_AS_USUAL: dict[str, int | str | None] = {"source": None, "target": None, "weight": "weight"}


def read_npz(path: str | os.PathLike[str]) -> Connectome:
    """Read a connectome that `Connectome.save` wrote.

    Parameters
    ----------
    path : path

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or does not contain a connectome.
    """
    arrays, header = load_arrays(path, kind=KIND, version=VERSION, largest_header=LARGEST_HEADER)
    with named(path, "eicon connectome"):
        if header["version"] > 1 and "edge_sign" not in arrays:
            raise KeyError("edge_sign")
        names = tuple(_listed(header["names"], "names"))
        return Connectome.of_edges(
            arrays["source"],
            arrays["target"],
            arrays["weight"],
            names,
            sign=arrays["sign"],
            labels={key: _listed(column, key) for key, column in header["labels"].items()},
            **{key: arrays.get(key) for key in ("coordinates", "densities", "edge_sign")},
            **{key: _text(header[key]) for key in ("name", "species", "citation", "licence", "provenance")},
        )


def _listed(texts: Any, name: str) -> list[str]:
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{name} must be a list of texts; got {texts!r:.80}")
    return texts


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected a text; got {value!r:.80}")
    return value


def read_matrix(
    path: Any,
    *,
    rows: Rows,
    names: Sequence[str] | str | os.PathLike[str] | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    decimal: Literal[".", ","] | None = None,
    encoding: str | None = None,
    missing: float | None = None,
    variable: str | None = None,
    units: Units | str | os.PathLike[str] | None = None,
    name: str | None = None,
    species: str = "",
    citation: str = "",
    licence: str = "",
) -> Connectome:
    r"""Read a connectome from a square matrix: an array, or a file in any of many formats.

    Formats are recognised by content: text (CSV, TSV, white space; also packed by gzip, bzip2 or xz), npy, npz (also of
    scipy.sparse), MATLAB (version 7.3 with the extra ``exchange``), HDF5, zips in TVB's layout, Feather and Parquet
    (with pyarrow), GraphML, GEXF; arrays, sparse matrices, data frames of pandas and graphs of networkx.

    In a text file, names in the first row and column are recognised, and even numbers (ids) if the shape or an empty
    corner implies names. Ambiguous files raise an error that names the missing argument.

    Parameters
    ----------
    path : path, array, sparse matrix, pandas.DataFrame or networkx graph
    rows : {"source", "target", "symmetric"}
        Meaning of a row of the file. Files do not state it, and there is no common convention: look it up in the paper.
        (Rows of zips in TVB's layout are usually targets; graphs are directed themselves, and take "source".)
    names : sequence of str or path, optional
        Names of the units in the order of the rows, or a text file with one per line. Default: those in the file, else
        numbers from 1.
    header : bool, optional
        Whether the first row of a text file, and the first column if the shape implies it, contain names.
    delimiter : str, optional
        Default: the delimiter that gives all lines the same number of cells: tab, semicolon, comma, or else white
        space.
    decimal : {".", ","}, optional
        Default: a comma within numbers is a decimal comma, unless it could be a thousands separator.
    encoding : str, optional
        Encoding such as "latin-1"; default UTF-8, or UTF-16 with a byte-order mark.
    missing : float, optional
        Weight of blank, NA and NaN entries, usually 0; by default they are rejected.
    variable : str, optional
        Name of the array, in a file that contains several.
    units : Units or path, optional
        Labels, coordinates and signs by name, see `read_units`.
    name : str, optional
        Identifier; by default the name of the file.
    species, citation, licence : str

    Raises
    ------
    ValueError
        If an entry is not a number (with line and column), the matrix is not square, or its names do not agree.

    Warns
    -----
    UserWarning
        If all connections lie on one side of the diagonal; see `Connectome.symmetrised`.

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
    kind, origin, about = kind_of(path), _origin(path), _about(path, name, species, citation, licence)
    if kind == "graph":
        if rows == "target":
            raise ValueError(f"{origin} is a graph, whose connections have directions: pass rows='source'.")
        made = _connected(_graph(path), _AS_USUAL, units=units, about=about)
        oriented(made.adjacency, rows, origin)
        return made
    if isinstance(names, str | os.PathLike):
        names = read_names(names)
    given = None if names is None else [str(unit) for unit in names]
    if kind in _MATRICES:
        found = _binary(path, kind, variable)
    else:
        table = open_table(path, delimiter, encoding, index=True)
        found = matrix_of_table(table, header, decimal, None if given is None else len(given), missing is not None)
    if given and found.names is not None and sorted(given) == sorted(found.names) and given != list(found.names):
        raise ValueError(f"{origin} contains these names in a different order; omit `names`.")
    given = given or (None if found.names is None else list(found.names))
    said = f"{origin} (TVB treats rows as targets)" if kind == "tvb" else origin
    weights, provenance = oriented(_filled(found.weights, given, missing, origin), rows, said)
    if half := empty_half(weights, fewest=3):
        warnings.warn(f"{origin}: {half}; if it is meant to be symmetric, call .symmetrised().", stacklevel=2)
    units_of_rows = [str(i + 1) for i in range(weights.shape[0])] if given is None else checked_ids(given, origin)
    known: dict[str, Any] = {"coordinates": found.coordinates, **_known(units, units_of_rows)}
    note = f"{provenance}; {found.note}".rstrip("; ")
    try:
        return Connectome(weights, units_of_rows, provenance=note, **known, **about)
    except ValueError as error:
        raise ValueError(f"{origin}: {error}") from None


def read_edges(
    path: Any,
    *,
    source: int | str | None = None,
    target: int | str | None = None,
    weight: int | str | None = "weight",
    header: bool | None = None,
    delimiter: str | None = None,
    decimal: Literal[".", ","] | None = None,
    encoding: str | None = None,
    missing: float | None = None,
    duplicates: Literal["error", "sum"] = "error",
    where: Mapping[str, Any] | None = None,
    neurons: Sequence[Any] | np.ndarray | str | os.PathLike[str] | None = None,
    units: Units | str | os.PathLike[str] | None = None,
    sign: str | None = None,
    signs: Mapping[str, int] | None = None,
    name: str | None = None,
    species: str = "",
    citation: str = "",
    licence: str = "",
) -> Connectome:
    r"""Read a connectome from a list of connections, one per line, or from a graph.

    If there is a header, columns are found by their usual names, in any order (pre and post, source and target, from
    and to, ``pre_root_id``, ``bodyId_pre`` ...; weight, syn_count, synapses, FLN ...). Without a header, the columns
    are source, target and weight. Ambiguous files raise an error; nothing is guessed. Ids of any length stay exact.

    Units are all those that occur, in order of first appearance (the source of a line before its target).
    Empty lines and comments (``# ...``) are skipped; a comment above the first line that names the columns is read.

    Parameters
    ----------
    path : path, pandas.DataFrame, networkx graph, or array, shape (M, 2) or (M, 3)
        Files may be text (also compressed), Feather, Parquet, GraphML, GEXF or npy.
    source, target, weight : int or str, optional
        Columns, by name or by index from 0. ``weight=None``: each line has weight 1.
    header : bool, optional
        Whether the first line contains names of columns. Default: True if it does not look like the others.
    delimiter, decimal, encoding : str, optional
        As in `read_matrix`.
    missing : float, optional
        Weight of blank and NA entries, usually 0; by default they are rejected.
    duplicates : {"error", "sum"}
        Treatment of a pair that is listed twice. Lists by neuropil and lists of single synapses need "sum";
        elsewhere a repeated pair is more often a mistake, such as two kinds of synapse in one file.
    where : mapping, optional
        Lines to read: value, or list of values, of each named column: ``{"type": "chemical"}``.
    neurons : sequence or path, optional
        All units in the desired order, including those without connections; or a text file with one per line.
    units : Units or path, optional
        Labels, coordinates and signs by id, see `read_units`.
    sign : str, optional
        Column of signs or transmitters. Lines of one pair are weighted by their weights. Units with connections of
        both signs get sign 0, and each of their connections has its own sign.
    signs : mapping of str to {1, -1, 0}, optional
        Meaning of each value: ``{"ACH": 1, "GABA": -1, "GLUT": -1}``. Not needed for 1 and -1, or E and I.
    name : str, optional
        Identifier; by default the name of the file.
    species, citation, licence : str

    Raises
    ------
    ValueError
        If the meaning of a column is ambiguous, or a pair is listed twice; and, with its number, if a line has too
        few or too many columns, an empty name, or a weight that is not a number >= 0.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "connections.csv")
    >>> _ = path.write_text("post,pre,neuropil,syn_count\nb,a,AL,6\nb,a,LH,7\nc,b,AL,2\n")
    >>> flies = read_edges(path, duplicates="sum", neurons=["a", "b", "c", "d"])
    >>> flies.names, flies.weight.tolist()
    (('a', 'b', 'c', 'd'), [13.0, 2.0])
    >>> folder.cleanup()
    """
    if duplicates not in ("error", "sum"):
        raise ValueError(f"duplicates must be 'error' or 'sum'; got {duplicates!r}.")
    if hasattr(path, "to_frame"):  # a series of pandas, indexed by pairs
        path = path.to_frame(path.name or "weight")
    kind = kind_of(path)
    if kind == "graph":
        graph = _graph(path)
    elif kind in ("npy", "array"):
        graph = Graph(_array_table(_binary(path, kind, None).weights, _origin(path)), None, {})
    elif kind in _MATRICES:
        raise ValueError(f"{path} contains a matrix: use read_matrix. Lists are read from text, tables or graphs.")
    else:
        graph = Graph(open_table(path, delimiter, encoding), None, {})
    return _connected(
        graph,
        {"source": source, "target": target, "weight": weight},
        header=header,
        duplicates=duplicates,
        neurons=neurons,
        units=units,
        about=_about(path, name, species, citation, licence),
        **{"decimal": decimal, "missing": missing, "where": where, "sign": sign, "signs": signs},
    )


def is_edge_list(path: Path, delimiter: str | None = None, encoding: str | None = None) -> bool:
    """Return whether a file is a list of connections, not a matrix, judged by its kind or first lines."""
    kind = kind_of(path)
    if kind not in ("text", "feather", "parquet"):
        return kind == "graph"
    table = open_table(path, delimiter, encoding)
    return is_list([*([] if table.header is None else [table.header]), *table.sample()])


def _connected(
    graph: Graph,
    asked: Mapping[str, int | str | None],
    *,
    header: bool | None = None,
    duplicates: str = "error",
    neurons: Sequence[Any] | np.ndarray | str | os.PathLike[str] | None = None,
    units: Units | str | os.PathLike[str] | None,
    about: Mapping[str, str],
    **options: Any,
) -> Connectome:
    """Make a connectome from a list of connections."""
    if graph.nodes is not None and graph.table.header == ["source", "target"]:
        asked = {**asked, "weight": None}
    table = headed(graph.table, asked, header)
    columns = columns_of(table, asked)
    lines = lines_of(table, columns, **options)
    names = checked_ids(lines.units, table.origin)
    neurons = read_names(neurons) if isinstance(neurons, str | os.PathLike) else neurons
    nodes = None if graph.nodes is None else checked_ids(graph.nodes, table.origin)
    order = checked_ids([str(neuron) for neuron in neurons], "neurons") if neurons is not None else nodes
    order = list(dict.fromkeys(names)) if order is None else order
    place = {unit: i for i, unit in enumerate(order)}
    if len(place) < len(order):
        raise ValueError(f"neurons occur more than once: {some([u for u, k in Counter(order).items() if k > 1])}.")
    if unknown := [unit for unit in names if unit not in place]:
        raise ValueError(
            f"units of {table.origin} are not among the {len(order)} neurons: {some(unknown)}; add them to `neurons`, "
            "and take a subset afterwards."
        )
    numbered = np.array([place[unit] for unit in names], np.int64)
    pairs, first, of_line = np.unique(
        numbered[lines.source] * len(order) + numbered[lines.target], return_index=True, return_inverse=True
    )
    if duplicates == "error" and len(first) < len(of_line):
        again = int(np.setdiff1d(np.arange(len(of_line)), first)[0])
        raise ValueError(twice(table, columns, int(lines.line[first[of_line[again]]]), int(lines.line[again])))
    pre, post = np.divmod(pairs, len(order))
    sign = np.sign(np.bincount(of_line, lines.sign * lines.weight)).astype(np.int8)
    labels = Units(tuple(nodes or ()), graph.labels, None, None, partial=True).of(order)["labels"]
    known = _known(units, order)
    known["labels"] = labels | known.get("labels", {})
    if options.get("sign") is not None:
        excites, inhibits = (np.bincount(pre[sign == s], minlength=len(order)) > 0 for s in (1, -1))
        known |= {"sign": excites.astype(np.int8) - inhibits, "edge_sign": sign if (excites & inhibits).any() else None}
    named = [
        columns[role] if table.header is None else table.header[columns[role] or 0] for role in ("source", "target")
    ]
    where = "".join(f", where {key} is {value}" for key, value in (options.get("where") or {}).items())
    added = "; lines of the same pair added up" if len(first) < len(of_line) else ""
    return Connectome.of_edges(
        pre,
        post,
        np.bincount(of_line, lines.weight),
        order,
        provenance=f"{table.origin}: list of connections from column {named[0]} to column {named[1]}{where}{added}",
        **known,
        **about,
    )


def _known(units: Units | str | os.PathLike[str] | None, names: Sequence[str]) -> dict[str, Any]:
    """Return what a table, if any, contains about the units."""
    units = read_units(units) if isinstance(units, str | os.PathLike) else units
    return {} if units is None else units.of(names)


def _origin(source: Any) -> str:
    return Path(source).name if isinstance(source, str | os.PathLike) else f"the {kind_of(source)}"


def _about(source: Any, name: str | None, species: str, citation: str, licence: str) -> dict[str, Any]:
    path = Path(source) if isinstance(source, str | os.PathLike) else Path()
    stem = Path(path.stem).stem if path.suffix.lower() in (".gz", ".bz2", ".xz") else path.stem
    return {"name": stem if name is None else name, "species": species, "citation": citation, "licence": licence}


def _graph(source: Any) -> Graph:
    return graph_file(Path(source)) if isinstance(source, str | os.PathLike) else graph_of_object(source)


def _binary(source: Any, kind: str, variable: str | None) -> Matrix:
    return _MATRICES[kind](source if kind == "array" else Path(source), variable)


def _array_table(array: Any, origin: str) -> Table:
    """Convert an array of numbers to a list of connections; units are given by number."""
    if isinstance(array, np.ndarray) and array.dtype.names:
        return columns_table(origin, {name: array[name].tolist() for name in array.dtype.names})
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.shape[1] not in (2, 3):
        raise ValueError(
            f"{origin} must be a list of shape (M, 2) or (M, 3): source, target and weight; got {np.shape(array)}. A "
            "matrix is read with read_matrix."
        )
    if array.dtype.kind == "f" and (array[:, :2] % 1 > 0).any():
        raise ValueError(f"{origin}: units must be given as whole numbers; a matrix is read with read_matrix.")
    return columns_table(origin, dict(zip(("source", "target", "weight"), array.T.tolist(), strict=False)))


def _filled(weights: Any, names: Sequence[str] | None, missing: float | None, origin: str) -> Any:
    """Convert weights to real numbers, with missing ones filled."""
    if weights.dtype == object:
        with named(origin, "matrix of numbers"):
            weights = weights.astype(np.float64)
    if weights.dtype.kind in "biu":
        return weights.astype(np.float64)
    values = weights.data if is_sparse(weights) else weights
    if values.dtype.kind != "f" or not (absent := np.isnan(values)).any():
        return weights
    if missing is not None:
        filled = np.where(absent, missing, values)
        return type(weights)((filled, weights.indices, weights.indptr), weights.shape) if is_sparse(weights) else filled
    place = [int(axis[0]) for axis in (weights != weights).nonzero()]
    row, column = (str(i + 1) if names is None or i >= len(names) else names[i] for i in place[:2])
    raise ValueError(
        f"{origin}: the matrix has missing entries ({int(absent.sum())}; the first in row {row}, column {column}); "
        "pass missing=0 to read them as no connection."
    )
