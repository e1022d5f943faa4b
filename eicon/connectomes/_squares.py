"""Square matrices in tables: which row and column hold names, and which hold weights."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ._columns import ends, unnamed
from ._formats import Matrix
from ._orientation import RECTANGULAR
from ._tables import DECIMAL_COMMA, MISSING, NotANumberError, Table, checked_ids, flat, is_number, numbers, widths_agree

_DEFAULT_COLUMN = re.compile(r"(V|X|Var|Column|Unnamed: )?(\d+)")


class _Lines(NamedTuple):
    """A text apart: its first line, the first cell of each other line, and the numbers beside those."""

    first: list[str]
    starts: list[str]
    body: np.ndarray


def matrix_of_table(
    table: Table,
    header: bool | None = None,
    decimal: str | None = None,
    units: int | None = None,
    missing: bool = False,
) -> Matrix:
    """Weights as in the file, and the names in its first row or column.

    Parameters
    ----------
    header : bool, optional
        Whether the first row, and the first column if the shape says so, hold names.
    units : int, optional
        How many there are, if that is known.
    missing : bool
        Whether missing values are meant to be filled.
    """
    first, starts, body = _lines(table, decimal)
    header = header if table.header is None else True
    rows, width = len(starts) + 1, body.shape[1] + 1
    corner, origin = first[0] if len(first) == width else "", table.origin
    if width == 1 and rows > 1:
        raise ValueError(
            f"{origin} has one column only. Is the delimiter right? It was taken to be {table.delimiter!r}."
        )
    if len(first) < width:
        by_row, by_column = {True}, {True}
    else:
        words = any(not _numeric(cell) for cell in first[1:])
        by_row = {header} if header is not None else {True} if words else {True, False}
        by_column = {True} if not all(map(_numeric, starts)) else {True, False}
        if header is False:
            by_column = {False}
    square = [(h, c) for h in by_row for c in by_column if rows - h == width - c and (h or c or _numeric(corner))]
    numbered = first[1:] == starts and _ids(starts, body)
    if len(square) == 2:  # numbers all over: names in both, or in neither
        diagonal = len(starts) > 0 and np.isnan(np.diagonal(body)).all()
        if units == rows or (units == rows - 1 and first[1:] == starts):
            square = [(units < rows, units < rows)]
        elif corner == "" and not (missing and diagonal):
            square = [(True, True)]
        elif corner == "" or (numbered and corner.lower() in ("0", "0.0", "-1", "nan", "na")):
            raise ValueError(
                f"{origin}: its first row and column are the same whole numbers; are they ids ({rows - 1} units) or "
                f"weights ({rows} units)? Say header=True or header=False."
            )
        else:
            square = [(False, False)]
    elif square in ([(True, False)], [(False, True)]) and header is None and units != rows - square[0][0]:
        along, rest = (first, body) if square[0][0] else ([corner, *starts], np.vstack([_row(table, first), body]))
        if all(map(_numeric, along)) and not _ids(along, rest):
            square = []
    if not square:
        raise ValueError(_not_square(table, first, starts, rows, width))
    by_row_names, by_column_names = square[0]
    if not by_row_names:
        body = np.vstack([_row(table, first, decimal), body])
        starts = [first[0], *starts]
    weights = body
    if not by_column_names:
        try:
            weights = np.column_stack([numbers(starts, decimal), body])
        except NotANumberError as error:
            raise ValueError(f"{origin}: row {error.place + 1}: {error}.") from None
    columns = (first[1:] if by_column_names and len(first) == width else first) if by_row_names else None
    return Matrix(weights, agreed(origin, columns, starts if by_column_names else None))


def agreed(origin: str, columns: Sequence[str] | None, rows: Sequence[str] | None) -> list[str] | None:
    """Names of the units, from those of columns and rows; numbers that a program puts there are no names.

    Raises
    ------
    ValueError
        If columns and rows are named differently, or in another order.
    """
    if columns is None or rows is None:
        names = rows if columns is None else columns
        return None if names is None else checked_ids(names, origin)
    columns, rows = checked_ids(columns, origin), checked_ids(rows, origin)
    if columns == rows or [re.sub("^[Xx]", "", name) for name in columns] == rows:
        return rows
    if rows in ([str(i + start) for i in range(len(rows))] for start in (0, 1)):
        return columns
    counted = [_DEFAULT_COLUMN.fullmatch(name) for name in columns]
    if [int(found[2]) if found else -1 for found in counted] in (list(range(len(rows))), list(range(1, len(rows) + 1))):
        return rows
    i = next((i for i, (a, b) in enumerate(zip(columns, rows, strict=False)) if a != b), len(rows))
    raise ValueError(
        f"{origin}: the names of columns and rows differ from place {i + 1} on "
        f"({list(columns[i : i + 1])} and {list(rows[i : i + 1])}); put them into the same order."
    )


def _lines(table: Table, decimal: str | None) -> _Lines:
    first: list[str] = list(table.header or ())
    starts: list[str] = []
    parts: list[np.ndarray] = []
    width = len(first)
    for block in table.blocks():
        lines, rows = list(block[0]), [list(row) for row in block[1]]
        if not first:
            first = rows.pop(0)
            del lines[0]
            width = len(rows[0]) if rows else len(first)
            short = len(first) == width - 1 and first[0] != ""  # as R writes it
            short = short and (table.delimiter != "," or not all(_numeric(row[0]) for row in rows))
            if len(first) != width and not short:
                raise ValueError(
                    f"{table.origin}: its first line has {len(first)} columns, the next one {width}"
                    f"{DECIMAL_COMMA if table.delimiter == ',' else ''}."
                )
        if not rows:
            continue
        widths_agree(table, (lines, rows), width, "the lines before have")
        starts += [row[0] for row in rows]
        try:
            parts.append(numbers(flat(rows, 1), decimal).reshape(len(rows), width - 1))
        except NotANumberError as error:
            row, column = divmod(error.place, width - 1)
            index = column == 0 and unnamed(first[0]) and all(map(_numeric, starts))
            hint = "; is the first column an index, which is no name? Take it out" if index else ""
            hint = f"; {_LIST}" if is_list([first, *rows]) else hint
            raise ValueError(f"{table.origin}, line {lines[row]}, column {column + 2}: {error}{hint}.") from None
    if not first:
        raise ValueError(f"{table.origin} holds no matrix: it is empty.")
    return _Lines(first, starts, np.vstack(parts) if parts else np.zeros((0, len(first) - 1)))


_LIST = "a list of connections is read by read_edges"


def is_list(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first lines of a table are a list of connections: by their header, or two names and a number."""
    if not rows or ends(rows[0]):
        return bool(rows)
    columns = list(zip(*(rows[1:] or rows), strict=False))
    names = [any(not is_number(cell) for cell in column) for column in columns]
    return names in ([True, True], [True, True, False])


def _numeric(cell: str) -> bool:
    return is_number(cell) or cell.lower() in MISSING


def _row(table: Table, first: list[str], decimal: str | None = None) -> np.ndarray:
    try:
        return numbers(first[1:], decimal)[None]
    except NotANumberError as error:
        raise ValueError(f"{table.origin}, line 1: {error}.") from None


def _ids(names: Sequence[str], rest: np.ndarray) -> bool:
    """Whether whole numbers, all different, are in order, or larger than any weight."""
    if len(names) < 2 or len(set(names)) < len(names) or not all(name.isdecimal() for name in names):
        return False
    values = [int(name) for name in names]
    ordered = len(values) > 2 and values == sorted(values)
    return ordered or min(values) > float(np.nanmax(rest, initial=0.0))


def _not_square(table: Table, first: list[str], starts: list[str], rows: int, width: int) -> str:
    if is_list(table.sample()):
        return f"{table.origin} holds no matrix, but lines of source, target and weight: {_LIST}."
    by_row = not all(map(_numeric, first[1:] or first)) or first[0] == "" or len(first) < width
    by_column = not all(map(_numeric, starts)) or first[0] == "" or len(first) < width
    columns = (first[1:] if by_column and len(first) == width else first) if by_row else None
    text = _rectangular(table.origin, rows - by_row, width - by_column, starts if by_column else None, columns)
    whole = table.delimiter == "," and width > rows and all(cell.isdecimal() for cell in first[1:] + starts)
    return text.removesuffix(".") + (f"{DECIMAL_COMMA}." if whole else ".")


def _rectangular(
    origin: str, rows: int, columns: int, row_names: Sequence[str] | None, column_names: Sequence[str] | None
) -> str:
    ways = RECTANGULAR
    common = [name for name in column_names or () if name in set(row_names or ())]
    if common and len(common) > 1:
        ways += (
            f"; {len(common)} names are both rows and columns ({', '.join(common[:3])} ...): table.loc[common, common]"
        )
    if row_names is None and column_names is None and abs(rows - columns) == 1:
        ways += "; if whole numbers in its first line or column are ids, say header=True"
    return f"{origin} holds {rows} rows and {columns} columns, which is no square matrix. {ways}."
