"""Lists of connections in tables: which column is what, which lines count, and what is listed twice."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from ._columns import KINDS, ends, plain, unnamed, weights_in
from ._tables import DECIMAL_COMMA, MISSING, Block, NotANumberError, Table, is_number, numbers, widths_agree
from ._units import signs_of, some

Column = int | str | None
_AS_LIST = {"source": 0, "target": 1, "weight": 2}


class Lines(NamedTuple):
    """Lines of a list: number in the file, units by number, weight, and sign."""

    line: np.ndarray
    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    sign: np.ndarray
    units: list[str]


def headed(table: Table, asked: Mapping[str, Column], header: bool | None) -> Table:
    """Table with its header apart from the lines, if it has one."""
    if table.header is not None:
        return table
    first, sample = table.first(), table.sample()[1:]
    named = any(isinstance(column, str) for role, column in asked.items() if (role, column) != ("weight", "weight"))
    if header is False or (header is None and not named and not _is_header(first, sample, asked["weight"])):
        return replace(table, blocks=lambda: _of_width(table, table.blocks(), len(first), "the first line has"))
    counted = [[str(i + start) for i in range(len(sample))] for start in (0, 1)]
    index = len(sample) > 1 and table.delimiter != "," and {len(row) for row in sample} == {len(first) + 1}
    index = index and [row[0] for row in sample] in counted  # as R writes it: no name for its column of numbers

    def body() -> Iterator[Block]:
        skip = 1
        for lines, rows in table.blocks():
            if len(rows) > skip:
                yield lines[skip:], rows[skip:]
            skip = 0

    if not named and next(body(), None) is None:
        raise ValueError(f"{table.origin} holds no connections, only a header.")
    names = [*([""] if index else []), *first]
    return replace(table, header=names, blocks=lambda: _of_width(table, body(), len(names), "the header has"))


def columns_of(table: Table, asked: Mapping[str, Column]) -> dict[str, int | None]:
    """Place of the columns of source, target and weight.

    Raises
    ------
    ValueError
        If the header does not say it, or says another thing.
    """
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
    taken = {role: _asked_for(origin, header, role, column, found) for role, column in asked.items()}
    for role in ("source", "target"):
        if taken[role] is None:
            several = sorted({header[i] for pair in pairs for i in pair})
            raise ValueError(
                f"{origin}: which column is the {role}? Its header is {some(header, 12)}"
                f"{': ' + ', '.join(several) + ' could be' if several else ''}; say source= and target=, by name "
                "(a matrix is read by read_matrix)."
            )
    if asked["weight"] is not None and taken["weight"] is None:
        raise ValueError(
            f"{origin}: which column holds the weights? Its header is {some(header, 12)}; say weight=, by name, or "
            "weight=None if every line counts 1."
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
    """Lines that count, with units numbered in order of first appearance."""
    origin, header = table.origin, table.header
    sign_place = None if sign is None else place_of(table, "signs", sign)
    wanted = {place_of(table, "lines wanted", key): _texts(value) for key, value in (where or {}).items()}
    used = {sign_place, *columns.values(), *wanted}
    mixed = [i for i, name in enumerate(header or ()) if plain(name) in KINDS and i not in used]
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
        if not texts & met[i]:
            there = some(sorted(met[i]), 10)
            raise ValueError(f"{origin}: no line has {some(sorted(texts))} as {(header or [])[i]}; there are {there}.")
    for i in mixed:
        if len(met[i]) > 1:
            name, kinds = (header or [])[i], sorted(met[i])
            raise ValueError(
                f"{origin} mixes {some(kinds)} as {name}; say which to read: where={{{name!r}: {kinds[0]!r}}}, or "
                "a list of them."
            )
    if not parts:
        raise ValueError(f"{origin} holds no connections, only a header.")
    numbered, source, target, weights, kinds_of = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Lines(numbered, source, target, weights, kinds_of, list(units))


def twice(table: Table, columns: Mapping[str, int | None], first: int, again: int) -> str:
    """What to say about a pair that is listed in two lines: in what they differ, and what can be done."""
    rows = {
        n: row for lines, block in table.blocks() for n, row in zip(lines, block, strict=True) if n in (first, again)
    }
    before, now, header = rows[first], rows[again], table.header or []
    pair = f"{now[columns['source'] or 0]} -> {now[columns['target'] or 0]}"
    differ = [
        i for i, name in enumerate(header) if before[i] != now[i] and not unnamed(name) and i != columns["weight"]
    ]
    begin = f"{table.origin}, line {again}: {pair} is listed before"
    if not differ:
        return f"{begin}; say duplicates='sum' to add them, or take one kind of connection out of the file."
    name, value = header[differ[0]], before[differ[0]]
    return (
        f"{begin}, with another {name} (line {first}: {value!r}, now {now[differ[0]]!r}); say duplicates='sum' to add "
        f"them, or where={{{name!r}: {value!r}}} to read one kind."
    )


def place_of(table: Table, role: str, column: str) -> int:
    """Place of a column of this name."""
    if column not in (table.header or ()):
        header = table.first() if table.header is None else table.header
        raise ValueError(f"{table.origin} has no column {column!r} for the {role}; its first line is {header}.")
    return (table.header or []).index(column)


def _is_header(first: list[str], sample: list[list[str]], weight: Column) -> bool:
    """Whether the first line holds no number, and names columns or stands above numbers."""
    if ends(first):
        return True
    if any(is_number(cell) or re.fullmatch(r"[\d_.,]+", cell) or (cell and cell.lower() in MISSING) for cell in first):
        return False
    numeric = [all(is_number(row[i]) for row in sample if i < len(row)) for i in range(len(first))]
    place = 2 if weight == "weight" else weight
    return (bool(sample) and any(numeric)) or (isinstance(place, int) and place < len(first))


def _by_place(table: Table, asked: Mapping[str, Column]) -> dict[str, int | None]:
    """Columns of a table without a header: three, or those that are said."""
    first = table.first()
    said = {role: column for role, column in asked.items() if (role, column) != ("weight", "weight")}
    named = next(((role, column) for role, column in said.items() if isinstance(column, str)), None)
    if named:
        place_of(table, named[0], named[1])
    found = {role: _AS_LIST[role] if column in (None, "weight") else column for role, column in asked.items()}
    places: dict[str, int | None] = {role: place for role, place in found.items() if isinstance(place, int)}
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
            f"{DECIMAL_COMMA if digits else ''}; say which is what (source=0, target=1, weight={len(first) - 1}), or "
            "read a matrix by read_matrix."
        )
    return places


def _asked_for(
    origin: str, header: Sequence[str], role: str, column: Column, found: Mapping[str, Sequence[int]]
) -> int | None:
    """Place of a column in a table with a header, None if it is not known."""
    usual = found[role][0] if len(found[role]) == 1 else None
    if column is None or ((role, column) == ("weight", "weight") and "weight" not in header):
        return usual if column is not None or role != "weight" else None
    if isinstance(column, str):
        if column not in header:
            raise ValueError(f"{origin} has no column {column!r} for the {role}; its first line is {list(header)}.")
        if list(header).count(column) > 1:
            raise ValueError(f"{origin} has {list(header).count(column)} columns {column!r}; say their place, from 0.")
        return list(header).index(column)
    if column >= len(header):
        raise ValueError(
            f"{origin} has {len(header)} columns, {some(header, 12)}; got {role}={column}, counted from 0."
        )
    others = [name for name, places in found.items() if name != role and list(places) == [column]]
    if (usual is not None and usual != column and role != "weight") or others or unnamed(header[column]):
        meant = f" and {header[usual]!r} seems to be the {role}" if usual is not None else ""
        raise ValueError(
            f"{origin}: column {column} is called {header[column]!r}{meant}; say {role}= by name, or header=False if "
            "the first line is no header."
        )
    return column


def _of_width(table: Table, blocks: Iterator[Block], width: int, unlike: str) -> Iterator[Block]:
    for block in blocks:
        widths_agree(table, block, width, unlike)
        yield block


def _weights(
    origin: str, lines: Sequence[int], cells: Sequence[str], decimal: str | None, missing: float | None
) -> np.ndarray:
    try:
        weight = numbers(cells, decimal)
    except NotANumberError as error:
        hint = str(error).partition(" is no number")[2]
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
            hint = "; it is missing, which missing=0 reads as no connection"
        elif weight[wrong] < 0:
            hint = "; a sign belongs into a column of its own, which sign= names"
    raise ValueError(f"{origin}, line {lines[wrong]}: the weight must be a number >= 0; got {cells[wrong]!r}{hint}.")


def _texts(value: Any) -> set[str]:
    return {str(v) for v in ([value] if isinstance(value, str) or not np.iterable(value) else value)}
