"""Lists of connections in tables: roles of columns, selection of lines, and repeated pairs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from ._columns import KINDS, ends, plain, unnamed, weights_in
from ._tables import DECIMAL_COMMA, MISSING, NotANumberError, Table, is_number, numbers, of_width
from ._units import signs_of, some

Column = int | str | None
_AS_LIST: dict[str, int | None] = {"source": 0, "target": 1, "weight": 2}


class Lines(NamedTuple):
    """Lines of a list: number in the file, indices of units, weight, and sign."""

    line: np.ndarray
    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    sign: np.ndarray
    units: list[str]


def headed(table: Table, asked: Mapping[str, Column], header: bool | None) -> Table:
    """Separate the header of a table, if there is one, from its lines."""
    if table.header is not None:
        return table
    first, sample = table.first(), table.sample()[1:]
    named = any(isinstance(column, str) for role, column in asked.items() if (role, column) != ("weight", "weight"))
    if header is False or (header is None and not named and not _is_header(first, sample, asked["weight"])):
        return replace(table, blocks=lambda: of_width(table, len(first), "the first line has"))
    counted = [[str(i + start) for i in range(len(sample))] for start in (0, 1)]
    commas = table.delimiter == "," and all(row[-2:-1] and row[-2].isdecimal() for row in sample)
    index = len(sample) > 1 and not commas and {len(row) for row in sample} == {len(first) + 1}
    index = index and [row[0] for row in sample] in counted  # R's convention: no name for the column of row numbers
    if not (named or sample):
        raise ValueError(f"{table.origin} contains no connections, only a header.")
    names = [*([""] if index else []), *first]
    return replace(table, header=names, blocks=lambda: of_width(table, len(names), "the header has", skip=1))


def columns_of(table: Table, asked: Mapping[str, Column]) -> dict[str, int | None]:
    """Find the columns of source, target and weight."""
    origin, header = table.origin, table.header
    for role, column in asked.items():
        if isinstance(column, int) and column < 0:
            raise ValueError(f"columns are counted from 0; got {role}={column}.")
    if header is None:
        return _by_place(table, asked)
    pairs, weights = ends(header), weights_in(header)
    found: dict[str, list[int]] = {"source": [], "target": [], "weight": weights}
    if len(pairs) == 1:
        found["source"], found["target"] = [pairs[0][0]], [pairs[0][1]]
    taken = {role: _asked_for(table, role, column, found) for role, column in asked.items()}
    several = ", ".join(sorted({header[i] for pair in pairs for i in pair}))
    could = dict.fromkeys(("source", "target"), f": {several} could be" if several else "")
    for role, place in taken.items():
        if place is None and (role in could or asked[role] is not None):
            which = f"is the {role}" if role in could else "contains the weights"
            remedy = "weight= (of read_edges), by name, or weight=None if every line counts 1"
            remedy = "source= and target=, by name (a matrix is read with read_matrix)" if role in could else remedy
            raise ValueError(
                f"{origin}: which column {which}? Its header is {some(header, 12)}{could.get(role, '')}; pass {remedy}."
            )
    return taken


def lines_of(
    table: Table,
    columns: Mapping[str, int | None],
    *,
    decimal: str | None = None,
    missing: float | None = None,
    where: Mapping[str, Any] | None = None,
    sign: str | None = None,
    signs: Mapping[str, int] | None = None,
) -> Lines:
    """Read the selected lines, with units numbered in order of first appearance."""
    origin, header = table.origin, table.header or []
    sign_place = None if sign is None else place_of(table, "signs", sign)
    wanted = {place_of(table, "lines wanted", key): _texts(value) for key, value in (where or {}).items()}
    used = {sign_place, *columns.values(), *wanted}
    mixed = [i for i, name in enumerate(header) if plain(name) in KINDS and i not in used]
    met: dict[int, set[str]] = {i: set() for i in (*mixed, *wanted)}
    units: dict[str, int] = {}
    parts = []
    for lines, rows in table.blocks():
        for i, values in met.items():
            values.update(row[i] for row in rows)
        if wanted:
            kept = [k for k, row in enumerate(rows) if all(row[i] in values for i, values in wanted.items())]
            lines, rows = [lines[k] for k in kept], [rows[k] for k in kept]
            if not rows:
                continue
        pre, post = ([row[place] for row in rows] for place in (columns["source"] or 0, columns["target"] or 0))
        for unit in dict.fromkeys(chain.from_iterable(zip(pre, post, strict=True))):
            if unit not in units:
                units[unit] = len(units)
        both = [np.fromiter(map(units.__getitem__, column), np.int32, len(column)) for column in (pre, post)]
        if "" in units:
            line = lines[int(np.argmax((both[0] == units[""]) | (both[1] == units[""])))]
            raise ValueError(f"{origin}, line {line}: the name of the source or of the target is empty.")
        weight, kind = np.ones(len(rows)), np.zeros(len(rows), np.int8)
        if (place := columns["weight"]) is not None:
            weight = _weights(origin, lines, [row[place] for row in rows], decimal, missing)
        if sign_place is not None:
            kind = signs_of([row[sign_place] for row in rows], signs, f"{origin}, column {sign}")
        parts.append((np.asarray(lines, np.int64), *both, weight, kind))
    for i, texts in wanted.items():
        if absent := sorted(texts - met[i]):
            there = some(sorted(met[i]), 10)
            raise ValueError(f"{origin}: no line has {some(absent)} as {header[i]}; its values are {there}.")
    for i in mixed:
        kinds = sorted(met[i])
        both_ways = [kind for kind in kinds if kind.lower() == "undirected"]  # as Gephi writes it
        if both_ways or len(kinds) > 1:
            what = "lists bidirectional connections" if both_ways else f"mixes {some(kinds)} as {header[i]}"
            then = ", and call .symmetrised()" if both_ways else ", or a list of them"
            raise ValueError(
                f"{origin} {what}; select those to read: where={{{header[i]!r}: {(both_ways or kinds)[0]!r}}}{then}."
            )
    if not parts:
        raise ValueError(f"{origin} contains no connections, only a header.")
    numbered, source, target, weights, kinds_of = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Lines(numbered, source, target, weights, kinds_of, list(units))


def twice(table: Table, columns: Mapping[str, int | None], first: int, again: int) -> str:
    """Compose the message on a pair that is listed in two lines: their difference, and the remedy."""
    rows = dict(line for block in table.blocks() for line in zip(*block, strict=True) if line[0] in (first, again))
    begin = f"{table.origin}, line {again}: {rows[again][columns['source'] or 0]} -> "
    begin += f"{rows[again][columns['target'] or 0]} is listed more than once"
    for i, (name, before, now) in enumerate(zip(table.header or (), rows[first], rows[again], strict=False)):
        if before != now and not unnamed(name) and i != columns["weight"]:
            return (
                f"{begin}, with a different {name} (line {first}: {before!r}, now {now!r}); pass duplicates='sum' to "
                f"add them, or where={{{name!r}: {before!r}}} to read one kind."
            )
    return f"{begin}; pass duplicates='sum' to add them, or remove one kind of connection from the file."


def place_of(table: Table, role: str, column: str) -> int:
    """Return the index of the only column of this name."""
    header, count = table.header or table.first(), (table.header or []).count(column)
    if count == 0:
        raise ValueError(f"{table.origin} has no column {column!r} for the {role}; its first line is {header}.")
    if count > 1:
        raise ValueError(f"{table.origin} has {count} columns {column!r}; give the index of one, from 0.")
    return header.index(column)


def _is_header(first: list[str], sample: list[list[str]], weight: Column) -> bool:
    """Return whether the first line contains no number, and names columns or is followed by numbers."""
    if ends(first):
        return True
    if any(is_number(cell) or re.fullmatch(r"[\d_.,]+", cell) or (cell and cell.lower() in MISSING) for cell in first):
        return False
    numeric = [all(is_number(row[i]) for row in sample if i < len(row)) for i in range(len(first))]
    place = 2 if weight == "weight" else weight
    return (bool(sample) and any(numeric)) or (isinstance(place, int) and place < len(first))


def _by_place(table: Table, asked: Mapping[str, Column]) -> dict[str, int | None]:
    """Return the columns of a table without a header: the first three, or those given."""
    first = table.first()
    said = {role: column for role, column in asked.items() if (role, column) != ("weight", "weight")}
    for role, column in said.items():
        if isinstance(column, str):
            place_of(table, role, column)
    places = {role: column if isinstance(column, int) else _AS_LIST[role] for role, column in asked.items()}
    places["weight"] = None if asked["weight"] is None else places["weight"]
    last = max(place for place in places.values() if place is not None)
    if last >= len(first):
        raise ValueError(
            f"{table.origin}, line 1: column {last} is missing, the line has {len(first)} columns; give `weight=None` "
            "for a list without weights, or the right delimiter."
        )
    if len(first) > 3 and (len(said) < 3 or None in (asked["source"], asked["target"])):
        digits = table.delimiter == "," and all(cell.isdecimal() for row in table.sample() for cell in row[-2:])
        raise ValueError(
            f"{table.origin} has {len(first)} columns and no header: source, target and weight are expected"
            f"{DECIMAL_COMMA if digits else ''}; name the columns (source=0, target=1, weight={len(first) - 1}), or "
            "read a matrix with read_matrix."
        )
    return places


def _asked_for(table: Table, role: str, column: Column, found: Mapping[str, Sequence[int]]) -> int | None:
    """Return the index of a column in a table with a header, None if it is unknown."""
    origin, header = table.origin, table.header or []
    usual = found[role][0] if len(found[role]) == 1 else None
    if column is None or ((role, column) == ("weight", "weight") and "weight" not in header):
        return usual if column is not None or role != "weight" else None
    if isinstance(column, str):
        return place_of(table, role, column)
    if column >= len(header):
        raise ValueError(
            f"{origin} has {len(header)} columns, {some(header, 12)}; got {role}={column}, counted from 0."
        )
    others = [name for name, places in found.items() if name != role and list(places) == [column]]
    if (usual is not None and usual != column and role != "weight") or others or unnamed(header[column]):
        meant = f" and {header[usual]!r} seems to be the {role}" if usual is not None else ""
        raise ValueError(
            f"{origin}: column {column} is called {header[column]!r}{meant}; pass {role}= by name, or header=False if "
            "the first line is not a header."
        )
    return column


def _weights(
    origin: str, lines: Sequence[int], cells: Sequence[str], decimal: str | None, missing: float | None
) -> np.ndarray:
    try:
        weight = numbers(cells, decimal)
    except NotANumberError as error:
        hint = str(error).partition(" is not a number")[2]
        wrong = error.place
    else:
        hint = ""
        if missing is not None:
            weight = np.where(np.isnan(weight), missing, weight)
        bad = ~((weight >= 0) & (weight < np.inf))
        if not bad.any():
            return weight
        wrong = int(bad.argmax())
        if np.isnan(weight[wrong]):
            hint = "; it is missing: pass missing=0 to read it as no connection"
        elif weight[wrong] < 0:
            hint = "; a sign belongs in a column of its own, named by sign="
    raise ValueError(f"{origin}, line {lines[wrong]}: the weight must be a number >= 0; got {cells[wrong]!r}{hint}.")


def _texts(value: Any) -> set[str]:
    return {str(v) for v in ([value] if isinstance(value, str) or not np.iterable(value) else value)}
