"""Square matrices in tables: rows and columns of names, and of weights."""

import re
from collections.abc import Sequence

import numpy as np

from ._columns import ends, identifiers, unnamed
from ._formats import Matrix
from ._orientation import RECTANGULAR
from ._tables import DECIMAL_COMMA, MISSING, NotANumberError, Table, checked_ids, is_number, numbers, of_width, ragged

_BEFORE_COUNT = re.compile(r"(V|X|Var|Column|Unnamed: )(?=\d+$)")


def matrix_of_table(
    table: Table,
    header: bool | None = None,
    decimal: str | None = None,
    units: int | None = None,
    missing: bool = False,
) -> Matrix:
    """Read weights with the orientation of the file, and the names in its first row or column; see `read_matrix`.

    ``units`` is the number of units, if known; ``missing`` whether blanks are to be filled.
    """
    first, starts, body = _lines(table, decimal)
    header = header if table.header is None else True
    rows, width = len(starts) + 1, body.shape[1] + 1
    corner, origin = first[0] if len(first) == width else "", table.origin
    if width == 1 and rows > 1:
        raise ValueError(
            f"{origin} has only one column, read with the delimiter {table.delimiter!r}. Is the delimiter right?"
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
    if len(square) == 2:  # all cells are numbers: names in both, or in neither
        diagonal = len(starts) > 0 and np.isnan(np.diagonal(body)).all()
        if units == rows or (units == rows - 1 and first[1:] == starts):
            square = [(units < rows, units < rows)]
        elif corner == "" and not (missing and diagonal):
            square = [(True, True)]
        elif corner == "" or (numbered and corner.lower() in ("0", "0.0", "-1", "nan", "na")):
            raise ValueError(
                f"{origin}: its first row and column are the same whole numbers; are they ids ({rows - 1} units) or "
                f"weights ({rows} units)? Pass header=True or header=False."
            )
        else:
            square = [(False, False)]
    elif square in ([(True, False)], [(False, True)]) and header is None and units != rows - square[0][0]:
        along, rest = (
            (first, body)
            if square[0][0]
            else ([corner, *starts], np.vstack([_along(table, first[1:], decimal, row=True), body]))
        )
        if all(map(_numeric, along)) and not _ids(along, rest):
            square = []
    if not square:
        raise ValueError(_not_square(table, first, starts, rows, width))
    by_row_names, by_column_names = square[0]
    if not by_row_names:
        body = np.vstack([_along(table, first[1:], decimal, row=True), body])
        starts = [first[0], *starts]
    weights = body
    if by_row_names and by_column_names and len(body) > 2:
        if all(a[-1].any() and np.allclose(a[-1], a[:-1].sum(0), atol=0) for a in (body, body.T)):
            raise ValueError(
                f"{origin}: its last row and column, {starts[-1]!r}, are the sums of the others; remove them."
            )
    elif not by_column_names:
        weights = np.column_stack([_along(table, starts, decimal), body])
    columns = (first[1:] if by_column_names and len(first) == width else first) if by_row_names else None
    return Matrix(weights, agreed(origin, columns, starts if by_column_names else None))


def agreed(origin: str, columns: Sequence[str] | None, rows: Sequence[str] | None) -> list[str] | None:
    """Return the names of the units, given those of columns and rows; running numbers are not names."""
    if columns is None or rows is None:
        names = rows if columns is None else columns
        return None if names is None else checked_ids(names, origin)
    columns, rows = checked_ids(columns, origin), checked_ids(rows, origin)
    if columns == rows or all(re.fullmatch(r"[\w.]+", name) for name in columns):  # as in R, MATLAB
        mine, others = ([re.sub(r"[\W_]", "", name.lower()).removeprefix("x") for name in n] for n in (rows, columns))
        if columns == rows or (mine == others and len({*mine}) == len(mine)):
            return rows
    counts = [[str(i + start) for i in range(len(rows))] for start in (0, 1)]
    if rows in counts or [_BEFORE_COUNT.sub("", name) for name in columns] in counts:
        return columns if rows in counts else rows
    i = next((i for i, (a, b) in enumerate(zip(columns, rows, strict=False)) if a != b), len(rows))
    remedy = "sort them in the same order" if sorted(columns) == sorted(rows) else "they must be the same units"
    column, row = (repr(names[i]) if i < len(names) else "none" for names in (columns, rows))
    raise ValueError(
        f"{origin}: the names of columns and rows differ at position {i + 1} ({column} and {row}); {remedy}."
    )


def _lines(table: Table, decimal: str | None) -> tuple[list[str], list[str], np.ndarray]:
    """Return the first line, the first cell of every other line, and the numbers that follow those."""
    sample = table.sample()
    if not (sample or table.header):
        raise ValueError(f"{table.origin} contains no matrix: it is empty.")
    first, sample = (sample[0], sample[1:]) if table.header is None else (table.header, sample)
    width = len(sample[0]) if sample else len(first)
    short = len(first) == width - 1 and first[0] != ""  # R's convention
    if len(first) != width and not (short and (table.delimiter != "," or not all(_numeric(row[0]) for row in sample))):
        hint = ragged(sample[0], len(first), table.delimiter)
        raise ValueError(f"{table.origin}: its first line has {len(first)} columns, the next one {width}{hint}.")
    index = unnamed(first[0]) and identifiers(first[1:2]) == [0]  # next to the column of ids
    index = index and [row[0] for row in sample[:2]] in (["0", "1"], ["1", "2"])
    starts: list[str] = []
    parts = [np.zeros((0, width - index - 1))]
    for lines, rows in of_width(table, width, "the lines before have", skip=table.header is None):
        rows = [row[index:] for row in rows]
        starts += [row[0] for row in rows]
        try:
            parts.append(numbers([cell for row in rows for cell in row[1:]], decimal).reshape(len(rows), -1))
        except NotANumberError as error:
            row, column = divmod(error.place, width - index - 1)
            counted = column == 0 and unnamed(first[0]) and all(map(_numeric, starts))
            hint = "; is the first column an index instead of names? Remove it" if counted else ""
            hint = f"; {_LIST}" if is_list([first, *rows]) else hint
            raise ValueError(
                f"{table.origin}, line {lines[row]}, column {column + 2 + index}: {error}{hint}."
            ) from None
    return first[index:], starts, np.vstack(parts)


_LIST = "a list of connections is read with read_edges"


def is_list(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first lines of a table are a list of connections: by header, or two names and a number."""
    if not rows or ends(rows[0]):
        return bool(rows)
    columns = list(zip(*(rows[1:] or rows), strict=False))
    names = [any(not is_number(cell) for cell in column) for column in columns]
    return names in ([True, True], [True, True, False])


def _numeric(cell: str) -> bool:
    return is_number(cell) or cell.lower() in MISSING


def _along(table: Table, cells: Sequence[str], decimal: str | None, row: bool = False) -> np.ndarray:
    """Return the numbers of the first row or column."""
    try:
        return numbers(cells, decimal)
    except NotANumberError as error:
        raise ValueError(f"{table.origin}, line {1 if row else error.place + 1}: {error}.") from None


def _ids(names: Sequence[str], rest: np.ndarray) -> bool:
    """Return whether names are different whole numbers, in order or larger than any weight."""
    if len(names) < 2 or len(set(names)) < len(names) or not all(name.isdecimal() for name in names):
        return False
    values = [int(name) for name in names]
    ordered = len(values) > 2 and values == sorted(values)
    return ordered or min(values) > float(np.nanmax(rest, initial=0.0))


def _not_square(table: Table, first: list[str], starts: list[str], rows: int, width: int) -> str:
    if is_list(table.sample()):
        return f"{table.origin} contains lines of source, target and weight, not a matrix: {_LIST}."
    by_row = not all(map(_numeric, first[1:] or first)) or first[0] == "" or len(first) < width
    by_column = not all(map(_numeric, starts)) or first[0] == "" or len(first) < width
    columns = (first[1:] if by_column and len(first) == width else first) if by_row else None
    common = [name for name in columns or () if by_column and name in {*starts}]
    lone = ", ".join(sorted({*(columns or ())} ^ {*starts})[:3])
    hints = {
        f"; {len(common)} names are both rows and columns, and some are only one of them ({lone})": len(common) > 1,
        "; if whole numbers in its first line or column are ids, pass header=True": (
            not by_row and not by_column and abs(rows - width) == 1
        ),
        DECIMAL_COMMA: table.delimiter == "," and width > rows and all(c.isdecimal() for c in first[1:] + starts),
        f"; {_LIST}": width in (2, 3) and rows > width,
    }
    return (
        f"{table.origin} has {rows - by_row} rows and {width - by_column} columns, which is not a square matrix. "
        f"{RECTANGULAR}{''.join(hint for hint, fits in hints.items() if fits)}."
    )
