"""Tables from text of many styles, data frames and Arrow files, read as blocks of lines of cells."""

import bz2
import codecs
import csv
import gzip
import importlib
import lzma
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from .._files import check_unpacked, named
from ._columns import ends, identifiers, unnamed

Block = tuple[Sequence[int], Sequence[Sequence[str]]]
"""Line numbers, and the cells of these lines."""
LONGEST_LINE = 2**27
CHARACTERS = 2**21
"""Number of characters read at a time."""
READ = "connectomes are read from text, npy, npz, MATLAB, GraphML, GEXF, Feather and Parquet files"
CELLS = 500_000
"""Number of cells kept as text at a time."""
SAMPLE = 200
"""Number of lines from which the delimiter is determined."""
UNPACKERS: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
PACKING_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError)
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    **dict.fromkeys((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE), "utf-16"),
}

MISSING = {"", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "nd", "n.d.", "-", "--", ".", "?"}
DECIMAL_COMMA = "; a common cause is a decimal comma ('0,77'): write points, or separate cells by semicolons"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", re.ASCII | re.I)
_WORDS = {"true": 1.0, "false": 0.0}
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.ASCII | re.I)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}((,\d{3}){2,}|(,\d{3})+\.\d*|(\.\d{3})+,\d*)", re.ASCII)
_ROUNDED = re.compile(r"\d(\.\d+)?e\+\d+", re.I)
_FLOAT = re.compile(r"\d+\.0+")
_BLANK = " \t\r\f\v;,|"
"""Characters of empty lines, including those written by Excel."""


class NotANumberError(ValueError):
    """A cell that should be a number: its index among the cells given, and the likely cause."""

    def __init__(self, place: int, cell: str, hint: str = "") -> None:
        super().__init__(f"{cell!r} is not a number{hint}")
        self.place = place


@dataclass(frozen=True)
class Table:
    """Lines of cells; every call of ``blocks`` returns the same lines.

    ``header`` contains the names of the columns where known; in text, they may be in the first line.
    """

    origin: str
    blocks: Callable[[], Iterator[Block]]
    header: list[str] | None = None
    delimiter: str = ""

    def first(self) -> list[str]:
        """Return the cells of the first line."""
        for _, rows in self.blocks():
            return list(rows[0])
        raise ValueError(f"{self.origin} contains no connections: it is empty.")

    def sample(self) -> list[list[str]]:
        """Return the first lines."""
        return [list(row) for _, rows in islice(self.blocks(), 1) for row in rows[:SAMPLE]]


def text_table(path: str | os.PathLike[str], delimiter: str | None = None, encoding: str | None = None) -> Table:
    """Open a table in a text file, compressed or not; empty lines and comments are skipped."""
    path = Path(path)
    check_packed(path)
    encoding = encoding or _encoding(path)
    numbers_of, head = next(text_lines(path, encoding), ([], []))
    said = re.fullmatch(r'"?sep=(.)"?', head[0]) if head else None  # Excel's convention
    start = 1 if said else 0
    numbers_of, head = numbers_of[start : start + SAMPLE], head[start : start + SAMPLE]
    delimiter = delimiter or (said[1] if said else _delimiter(path, head))
    sample = _split(path, numbers_of, head, delimiter)
    quote = "'" if sample and all(re.fullmatch("'.*'", cell) for cell in sample[0]) else '"'
    filled = max((i + 1 for row in sample for i, cell in enumerate(row) if cell), default=0)  # Excel adds empty cells
    longer = any(len(row) > filled for row in sample)

    def blocks() -> Iterator[Block]:
        skip = start
        for lines, texts in text_lines(path, encoding):
            rows = _split(path, lines[skip:], texts[skip:], delimiter, quote)
            yield lines[skip:], [row if any(row[filled:]) else row[:filled] for row in rows] if longer else rows
            skip = 0

    return Table(path.name, blocks if sample else lambda: iter(()), delimiter=delimiter)


def columns_table(origin: str, columns: Mapping[str, Sequence[Any]]) -> Table:
    """Make a table from named columns of values of any type."""
    length = len(next(iter(columns.values()), ()))
    step = max(1, CELLS // max(1, len(columns)))

    def blocks() -> Iterator[Block]:
        for start in range(0, length, step):
            parts = [list(map(as_text, column[start : start + step])) for column in columns.values()]
            yield range(start + 1, start + 1 + len(parts[0])), list(zip(*parts, strict=True))

    return Table(origin, blocks, [as_text(name) for name in columns])


def frame_table(frame: Any, index: bool = False) -> Table:
    """Make a table from a data frame of pandas; its index can be the first column, if no column contains names."""
    named = any(name is not None for name in frame.index.names) and not {*frame.index.names} & {*frame.columns}
    frame = frame.reset_index() if named else frame
    there = frame.astype(object).where(frame.notna(), None)
    columns = {str(name): there.iloc[:, i].tolist() for i, name in enumerate(frame.columns)}
    if len(columns) < len(frame.columns):
        raise ValueError("several columns of the data frame have the same name; rename them.")
    name = next(iter(columns), "")
    numeric = all(cell == "" or is_number(cell) for cell in map(as_text, columns.get(name, ())))
    if index and numeric and not (named or unnamed(name)):
        columns = {"": frame.index.tolist(), **columns}
    table = columns_table("the data frame", columns)
    return table if index or list(frame.columns) != list(range(len(columns))) else replace(table, header=None)


def package(name: str, else_: str) -> Any:
    """Import an optional module."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ImportError(else_) from None


def arrow_columns(path: Path, kind: str) -> dict[str, list[Any]]:
    """Read the columns of a Feather or Parquet file with pyarrow."""
    how = "which the package pyarrow reads: pip install pyarrow, or save the table as CSV"
    reader = package(f"pyarrow.{kind}", f"{path} is a {kind.capitalize()} file, {how}.")
    with named(path, f"{kind.capitalize()} file"):
        if kind == "parquet":
            said = reader.read_metadata(path)
            check_unpacked(path, 8 * said.num_rows * said.num_columns, path.stat().st_size)
        table = reader.read_table(path)
        table.validate(full=True)  # otherwise a wrong offset crashes the process
        index = (table.schema.pandas_metadata or {}).get("index_columns", ())  # pandas writes these last
        names = sorted(table.column_names, key=lambda name: name not in index)
        return {name: table.column(name).to_pylist() for name in names}


def as_text(value: Any) -> str:
    """Convert a value to text; "" if it is missing."""
    return "" if value is None or value != value else str(value)


def is_number(cell: str) -> bool:
    """Return whether a cell is a number (possibly with a decimal comma), unlike ``1_0``."""
    return bool(_NUMBER.fullmatch(cell) or _DECIMAL_COMMA.fullmatch(cell)) or cell.lower() in _WORDS


def numbers(cells: Sequence[str], decimal: str | None = None) -> np.ndarray:
    """Convert cells to numbers, NaN where missing; raise NotANumberError at the first that is not a number."""
    if decimal != "," and not any("_" in cell for cell in cells):
        try:
            return np.fromiter(map(float, cells), np.float64, len(cells))
        except ValueError:
            pass
    commas = [i for i, cell in enumerate(cells) if "," in cell]
    if commas:
        point = next((cell for cell in cells if "." in cell and is_number(cell)), None)
        wrong = next((i for i in commas if not _DECIMAL_COMMA.fullmatch(cells[i])), None)
        thousands = decimal is None and all(_THOUSANDS.fullmatch(cells[i]) for i in commas)
        if decimal == "." or point is not None or wrong is not None or thousands:
            hint = "; its comma may be a decimal comma or a thousands separator: pass decimal=',' or remove it"
            place = commas[0] if wrong is None else wrong
            hint = "; remove its thousands separators" if _GROUPED.fullmatch(cells[place]) else hint
            raise NotANumberError(place, cells[place], hint)
        cells = [cell.replace(",", ".") for cell in cells]
    words = _WORDS | dict.fromkeys(MISSING, np.nan)
    bad = next((i for i, cell in enumerate(cells) if cell.lower() not in words and not _NUMBER.fullmatch(cell)), None)
    if bad is not None:
        raise NotANumberError(bad, cells[bad])
    return np.array([words[cell.lower()] if cell.lower() in words else float(cell) for cell in cells])


def checked_ids(names: Sequence[str], origin: str) -> list[str]:
    """Return the names of units, ids without the ``.0`` of floats; raise an error if digits were lost."""
    lost = next((name for name in names if _ROUNDED.fullmatch(name)), None)
    if lost is None:
        large = [(name, int(float(name))) for name in names if len(name) > 15 and _FLOAT.fullmatch(name)]
        large += [(name, int(name)) for name in names if len(name) > 16 and name.isdecimal()]
        exact = [i for _, i in large if i > 2**56]
        through_floats = len(exact) > 1 and all(int(float(i)) == i or i % 1000 == 0 for i in exact)
        lost = next((name for name, i in large if i > 2**53 and ("." in name or (through_floats and i > 2**56))), None)
    if lost is not None:
        raise ValueError(
            f"{origin}: ids such as {lost} lost digits in floating-point numbers or a spreadsheet; read "
            "the original as text or as 64-bit integers (in pandas, dtype=str) and write it again."
        )
    missing = [name for name in names if name.lower() in MISSING]
    if missing and len(missing) < len(names) and all(name.isdecimal() for name in names if name not in missing):
        raise ValueError(f"{origin}: an id is missing: {missing[0]!r} among numbers; omit such lines.")
    if odd := next((name for name in names if re.search("[\x80-\x9f]|Ã[\x80-¿]", name)), ""):
        raise ValueError(f"{origin}: {odd!r} has a different encoding, such as 'utf-8' or 'cp1252'; pass encoding=.")
    if "" in names:
        raise ValueError(f"{origin}: the name of unit {names.index('') + 1} of {len(names)} is empty.")
    floats = {name for name in names if _FLOAT.fullmatch(name)}
    ids = floats and (len(floats) == len(set(names)) or any(name.isdecimal() for name in names))
    return [name.partition(".")[0] if ids and name in floats else name for name in names]


def unpacker(path: Path) -> Any:
    """Return the function that opens a file, which may be compressed."""
    with path.open("rb") as stream:
        head = stream.read(6)
    return next((unpack for magic, unpack in UNPACKERS.items() if head.startswith(magic)), open)


def check_packed(path: Path) -> None:
    """Reject text that decompresses to far more than its file, before parsing it."""
    if (unpack := unpacker(path)) is not open:
        unpacked, packed = 0, path.stat().st_size
        try:
            with unpack(path, "rb") as stream:
                while block := stream.read(CHARACTERS):
                    check_unpacked(path, unpacked := unpacked + len(block), packed)
        except PACKING_ERRORS as error:
            raise ValueError(f"{path} is damaged, or was not copied completely ({error}).") from error


def head_of(path: Path) -> bytes:
    """Return the first bytes of a file, decompressed."""
    unpack = unpacker(path)
    try:
        with unpack(path, "rb") as stream:
            return stream.read(4096)
    except PACKING_ERRORS as error:
        raise ValueError(f"{path} is damaged, or was not copied completely ({error}).") from error


def _encoding(path: Path) -> str:
    head = head_of(path)
    return next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), "utf-8")


def text_lines(path: Path, encoding: str = "") -> Iterator[tuple[Sequence[int], list[str]]]:
    """Yield blocks of line numbers and texts, without empty lines and comments."""
    number, rest, encoding = 1, "", encoding or _encoding(path)
    try:
        codecs.lookup(encoding)
        with unpacker(path)(path, "rt", newline=None, encoding=encoding) as stream:
            while text := stream.read(CHARACTERS):
                *lines, rest = (rest + (text.removeprefix("\ufeff") if number == 1 else text)).split("\n")
                if len(rest) > LONGEST_LINE or "\0" in text:
                    raise ValueError(f"{path} is not text{_fitting(path)}; {READ}.")
                if (block := _kept(path, number, lines))[1]:
                    yield block
                number += len(lines)
        if (block := _kept(path, number, [rest]))[1]:
            yield block
    except LookupError:
        raise ValueError(f"there is no encoding {encoding!r}; common ones are 'utf-8', 'latin-1', 'utf-16'.") from None
    except UnicodeError:
        raise ValueError(_undecodable(path, encoding)) from None
    except PACKING_ERRORS as error:
        raise ValueError(f"{path} is damaged, or was not copied completely ({error}).") from error


def _kept(path: Path, number: int, lines: list[str]) -> tuple[Sequence[int], list[str]]:
    start = 0
    while number == 1 and start < len(lines) and (lines[start][:1] in "#%" or not lines[start].strip(_BLANK)):
        start += 1
    kept = [i for i in range(start, len(lines)) if not lines[i].startswith("#") and lines[i].strip(_BLANK)]
    odd = next((i for i in range(start, len(lines)) if re.match(r"#\w", lines[i])), None)
    if odd is not None:
        raise ValueError(
            f"{path.name}, line {number + odd}: is {lines[odd][:20]!r} a comment or a name? Start comments with '# ', "
            "and put such names in quotation marks."
        )
    above = kept[0] - 1 if number == 1 and kept else -1
    if above >= 0:  # numpy.savetxt writes the header as a comment
        header, line = (re.split(r"[\s,;|]+", lines[i].strip("#% \t")) for i in (above, kept[0]))
        if len(header) == len(line) > 1 and not ends(line) and (ends(header) or identifiers(header)):
            kept, lines[above] = [above, *kept], lines[above].lstrip("#% \t")
    if len(kept) == len(lines):
        return range(number, number + len(lines)), lines
    return [number + i for i in kept], [lines[i] for i in kept]


def _undecodable(path: Path, encoding: str) -> str:
    """Describe the first line that is not in an encoding, and the encoding that fits."""
    if b"\0" in head_of(path):
        return f"{path} is not text{_fitting(path)}; {READ}."
    with unpacker(path)(path, "rb") as stream:
        lines = enumerate(iter(lambda: stream.readline(CHARACTERS), b""), start=1)
        wrong = ((i, line) for i, line in lines if "\ufffd" in line.decode(encoding, "replace"))
        number, line = next(wrong, (1, b""))
    return f"{path}, line {number} is not encoded as {encoding}{_fitting(path, line)}."


def _fitting(path: Path, line: bytes = b"") -> str:
    """Suggest an encoding in which a line consists of words."""
    head = head_of(path)
    for order in ("le", "be") if b"\0" in head else ():
        text = head[: len(head) // 2 * 2].decode(f"utf-16-{order}", "replace")
        if "\0" not in text and 2 * sum(map(str.isascii, text)) > len(text):
            return f"; encoding='utf-16-{order}' fits"
    for encoding in ("utf-8", "latin-1", "cp1252", "mac_roman", "cp850"):
        text = line.decode(encoding, "replace")
        words = re.sub(r"[^\W\d_]{2,}|(?<=\s)[\u2010-\u201f](?=\s)", "", text)  # and dashes
        found = re.search(r"\w*[^\0-\x7f]\w*", text)
        letters = found and (len(found[0]) == 1 or all(c.isalpha() or c.isascii() for c in found[0]))
        if found and letters and words.isascii() and not re.search("[a-z][À-ÖØ-Þ]", text):
            return f"; encoding={encoding!r} fits: {found[0]!r}"
    return "; pass its encoding, for example encoding='cp1252'" if line else ""


def _delimiter(path: Path, lines: Sequence[str]) -> str:
    """Find the delimiter that gives all lines the same number of cells; the first may lack the corner."""
    for delimiter in "\t;,| ":
        try:
            rows = _split(path, range(len(lines)), lines, delimiter)
        except ValueError:
            continue
        widths = [len(row) for row in rows]
        several = len(set(widths[1:])) <= 1 and min(widths, default=0) > 1 and widths[0] in (widths[-1], widths[-1] - 1)
        if several and not (delimiter == "," and any(re.search(r"\d\s+[-+]?\d", cell) for row in rows for cell in row)):
            return delimiter
    return next((d for d in "\t;," if any(d in line for line in lines)), " ")


def _split(
    path: Path, numbers_of: Sequence[int], texts: Sequence[str], delimiter: str, quote: str = '"'
) -> list[list[str]]:
    block = "\n".join(texts)
    if quote not in block:
        rows = [text.split(None if delimiter == " " else delimiter) for text in texts]
    else:
        given = [text.strip().replace("\t", " ") for text in texts] if delimiter == " " else texts
        try:
            rows = list(csv.reader(given, delimiter=delimiter, quotechar=quote, skipinitialspace=True))
        except (csv.Error, TypeError) as error:
            raise ValueError(
                f"{path}, line {numbers_of[0]} ff.: cannot be split by {delimiter!r} ({error})."
            ) from error
    if len(rows) != len(texts):
        number = next((n for n, t in zip(numbers_of, texts, strict=True) if t.count(quote) % 2), numbers_of[0])
        raise ValueError(f"{path}, line {number}: a quotation mark is not closed on its line.")
    spaces = " " in block or not block.isascii() or (delimiter != "\t" and "\t" in block)
    return [[cell.strip() for cell in row] for row in rows] if spaces and delimiter != " " else rows


def ragged(row: Sequence[str], width: int, delimiter: str) -> str:
    """Suggest a cause for a line with a different number of cells."""
    digits = len(row) > width and any(a.isdecimal() and b.isdecimal() for a, b in pairwise(row))
    if digits and delimiter == ",":
        return DECIMAL_COMMA
    return "; a title must start with #, and empty cells need delimiters"


def of_width(table: Table, width: int, unlike: str, skip: int = 0) -> Iterator[Block]:
    """Yield blocks after the first lines; reject a line with a different number of cells."""
    for lines, rows in table.blocks():
        lines, rows, skip = lines[skip:], rows[skip:], 0
        if not {len(row) for row in rows} <= {width}:
            number, row = next((n, r) for n, r in zip(lines, rows, strict=True) if len(r) != width)
            hint = ragged(row, width, table.delimiter)
            raise ValueError(f"{table.origin}, line {number} has {len(row)} columns, but {unlike} {width}{hint}.")
        if rows:
            yield lines, rows
