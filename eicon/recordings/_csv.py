"""Text tables: one file per trial, or one long table of all trials, accompanied by a table of trials."""

import csv
import io
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._files import named, read_text
from ._arrays import padded
from ._cut import Spikes, Stack, Table, observed_of, regular, table_of
from ._options import MS, OF_TRIALS, Options

LARGEST = 2**30
"""Largest size of a table, in bytes."""
TRIALS = "trials.csv"
TIME = re.compile(r"time(?:[ _]?[(\[]?(ms|s)[)\]]?)?", re.I)
NO_UNIT = re.compile(
    r"|(t|time.*|timestamps?|frames?|samples?|steps?|index|unnamed: \d+)([ _]?[(\[]?(ms|s|sec)[)\]]?)?", re.I
)
"""Names of columns that are unlikely to be units: times and indices, such as the unnamed index of pandas."""
MISSING = ("", "na", "nan")


def read_csv(path: str | os.PathLike[str], options: Options) -> Stack | Spikes:
    """Read trials from a folder, or from one long table."""
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    beside = next((file for file in folder.iterdir() if file.name.lower() == TRIALS), None)
    files = [file for file in path.iterdir() if file.suffix.lower() == ".csv"] if path.is_dir() else [path]
    files = sorted((file for file in files if file != beside), key=lambda file: _natural(file.name))
    if options.series is not None:
        files = [file for file in files if options.series in (file.name, file.stem)]
    if not files:
        asked = f" called {options.series}" if options.series else ""
        raise ValueError(f"{path} has no tables of trials: no .csv file{asked} next to {TRIALS}.")
    tables = [_table(file) for file in files]
    columns = {} if beside is None else _columns(beside, *_table(beside))
    at = _place_of_time(tables[0][0])
    head = ["time" if i == at else name.lower() for i, name in enumerate(tables[0][0])]
    if len(files) == 1 and {"unit", "time"} <= {*head} <= {"unit", "time", "trial"}:
        return _spikes(files[0], tables[0], head, columns, options)
    if "unit" in head:
        raise ValueError(
            f"{files[0]} has a column unit: except for spikes (unit, time), a table has one column per unit; in pandas,"
            " table.pivot(index=['trial', 'time'], columns='unit', values=...).reset_index()."
        )
    options.refuse(str(path), "trials that are already cut", OF_TRIALS)
    if len(files) == 1 and "trial" in head:
        files, tables, ids = _by_trial(files[0], *tables[0])
    else:
        ids = [file.stem for file in files]
        lacking = next((file for file, (names, _) in zip(files, tables, strict=True) if names != tables[0][0]), None)
        if lacking is not None:
            raise ValueError(f"{lacking}: all trials must have the same columns, those of {files[0].name}.")
    return _stack(path, files, tables, ids, columns, options)


def _natural(name: str) -> tuple[list[Any], str]:
    """Return a sort key that puts trial_2 before trial_10."""
    return [int(part) if part.isdecimal() else part.lower() for part in re.split(r"(\d+)", name)], name


def _place_of_time(names: Sequence[str]) -> int | None:
    return next((i for i, name in enumerate(names) if TIME.fullmatch(name)), None)


Lines = tuple[list[str], list[list[str]]]


def _table(path: Path) -> Lines:
    """Read the names of the columns, and the cells below them."""
    text = read_text(path, "table", largest=LARGEST)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    with named(path, "table"):
        found = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    rows = [row for row in found if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        raise ValueError(f"{path} must have a line of names and one line per step; got {len(rows)} lines.")
    names = [cell.strip() for cell in rows[0]]
    if _are_numbers(names):
        raise ValueError(f"{path}: the first line must name the columns; got numbers, {', '.join(names[:4])}.")
    if odd := next((i for i, row in enumerate(rows) if len(row) != len(names)), None):
        raise ValueError(f"{path}, line {odd + 1}: {len(rows[odd])} cells; the first line names {len(names)} columns.")
    if len({name.lower() for name in names}) < len(names):
        raise ValueError(f"{path}: columns must have different names; got {', '.join(names[:8])}.")
    return names, rows[1:]


def _are_numbers(cells: Sequence[str]) -> bool:
    try:
        return all("_" not in cell and float(cell) is not None for cell in cells)  # float reads 1_0 as 10
    except ValueError:
        return False


def _columns(path: Path, names: list[str], rows: list[list[str]]) -> dict[str, np.ndarray]:
    """Read the columns of a table of trials, as numbers or text."""
    found = {}
    for i, name in enumerate(names):
        cells = [row[i].strip() for row in rows]
        filled = ["nan" if cell.lower() in MISSING else cell for cell in cells]
        found[name] = np.array([float(cell) for cell in filled]) if _are_numbers(filled) else np.array(cells)
    return found


def _numbers(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> np.ndarray:
    """Convert cells to numbers; empty cells become NaN."""
    values = np.empty((len(rows), len(names)))
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            try:
                values[i, j] = np.nan if cell.strip().lower() in MISSING else float(cell.replace("_", "x"))
            except ValueError:
                more = " Write 1.5 for 1,5." if re.fullmatch(r"\s*-?\d*,\d+\s*", cell) else ""
                raise ValueError(
                    f"{path}, row {i + 2}, column {names[j]!r}: {cell[:40]!r} is not a number.{more}"
                ) from None
    return values


def _by_trial(path: Path, names: list[str], rows: list[list[str]]) -> tuple[list[Path], list[Lines], list[str]]:
    """Split a long table into one per trial, in the order of the starts of trials."""
    at = [name.lower() for name in names].index("trial")
    found: dict[str, list[list[str]]] = {}
    for row in rows:
        found.setdefault(row[at].strip(), []).append([*row[:at], *row[at + 1 :]])
    left = [*names[:at], *names[at + 1 :]]
    return [path] * len(found), [(left, lines) for lines in found.values()], list(found)


def _stack(
    path: Path,
    files: list[Path],
    tables: list[Lines],
    ids: list[str],
    columns: dict[str, np.ndarray],
    options: Options,
) -> Stack:
    names = tables[0][0]
    at = _place_of_time(names)
    if odd := [name for i, name in enumerate(names) if i != at and NO_UNIT.fullmatch(name)]:
        raise ValueError(
            f"{files[0]}: the column {odd[0]!r} looks like times or an index, but every column except time is a unit. "
            "Rename it to time_ms or time_s, or remove it (in pandas, to_csv(..., index=False))."
        )
    values = [_numbers(file, *table) for file, table in zip(files, tables, strict=True)]
    dt, starts, of_trials = options.dt, np.zeros(len(values)), options.factor_or_none()
    if at is not None:
        factor, of_trials = _factors(path, names[at], options)
        dt, starts = regular(str(path), f"column {names[at]!r}", [one[:, at] for one in values], factor, options)
        values = [np.delete(one, at, axis=1) for one in values]
        names = [*names[:at], *names[at + 1 :]]
    elif dt is None:
        raise ValueError(f"{path}: the length of a step is unknown, as there is no column 'time'; pass `dt` in ms.")
    if not names:
        raise ValueError(f"{files[0]} has no columns of units, only times.")
    activity, mask = padded(str(path), values)
    table, matched = _of_trials(path, columns, ids, of_trials, options)
    of_session = bool(np.ptp(starts) > 0.01 * dt)  # then each trial starts at 0
    made = Stack(str(path), activity, dt, names, mask, start=0.0 if of_session else float(starts[0]))
    made.observed = observed_of(str(path), activity, options)
    made.said = f"tables of {len(ids)} trials{matched}{', whose first steps are at 0' if of_session else ''}"
    made.fill(options, table, starts if of_session else 0.0)
    return made


def _factors(path: Path, name: str, options: Options) -> tuple[float, float | None]:
    """Return the unit in ms of a column of times, possibly given by its name, and that of the table of trials."""
    found = TIME.fullmatch(name)
    said = found[1].lower() if found and found[1] else None
    return MS[said] if said else options.factor(None, f"{path}: column {name!r}"), options.factor_or_none(said)


def _of_trials(
    path: Path, columns: dict[str, np.ndarray], ids: list[str], factor: float | None, options: Options
) -> tuple[Table, str]:
    """Read the table of trials in the order of the trials read, matched by its column ``trial`` if it has one."""
    if not columns:
        return table_of({}, options, factor, n=len(ids)), ""
    n = len(next(iter(columns.values())))
    key = next((name for name in columns if name.lower() == "trial"), None)
    if key is None:
        if n != len(ids):
            raise ValueError(
                f"{path}: {TRIALS} has {n} rows, but there are {len(ids)} trials; match them with a column trial."
            )
        return table_of(columns, options, factor), f", in the order of the rows of {TRIALS}"
    rows = _rows(path, columns[key].tolist(), ids)
    left = f", {TRIALS} has {n - len(ids)} more" if n > len(ids) else ""
    return table_of({name: values[rows] for name, values in columns.items() if name != key}, options, factor), left


def _rows(path: Path, listed: list[Any], ids: list[str]) -> np.ndarray:
    """Return the row of each trial, by name or by number: 3, 3.0 or "trial_003"."""
    for name in (str, _plain_id):
        rows = {name(value): i for i, value in enumerate(listed)}
        if len(rows) == len(listed) and {*map(name, ids)} <= {*rows} and len({*map(name, ids)}) == len(ids):
            return np.array([rows[name(one)] for one in ids])
    lacking = [one for one in ids if _plain_id(one) not in {*map(_plain_id, listed)}]
    has = f"no row for trial {lacking[0]!r}" if lacking else f"several candidates for trial {ids[0]!r}"
    raise ValueError(f"{path}: {TRIALS} has {has}; it has {', '.join(map(str, listed[:8]))}.")


def _plain_id(value: Any) -> str:
    """Return the name of a trial, or its number if it has one: 3, 3.0, "trial_003"."""
    text = str(value)
    found = re.fullmatch(r"\D*0*(\d+)(\.0)?", text)
    return found[1] if found else text


def _spikes(path: Path, lines: Lines, head: Sequence[str], columns: dict[str, np.ndarray], options: Options) -> Spikes:
    """Read spike times, one row each with its unit: of a session, or, with a trial, relative to its start."""
    names, rows = lines
    at = head.index("time")
    factor, of_trials = _factors(path, names[at], options)
    times = np.round(_numbers(path, [names[at]], [[row[at]] for row in rows])[:, 0] * factor, 6)
    of = np.array([row[head.index("unit")].strip() for row in rows])
    units = sorted(set(of.tolist()), key=_natural)
    if "trial" not in head:
        if not columns:
            raise ValueError(
                f"{path} contains spike times, which need a {TRIALS} with start_time and stop_time in the same folder."
            )
        table = table_of(columns, options, of_trials)
        return Spikes(str(path), [times[of == name] for name in units], units, {}, table)
    trial = np.array([row[head.index("trial")].strip() for row in rows])
    order = sorted(set(trial.tolist()), key=_natural)
    key = next((name for name in columns if name.lower() == "trial"), None)
    ids = order if key is None else [str(value) for value in columns[key].tolist()]  # including trials without spikes
    trials, _ = _of_trials(path, columns, ids, of_trials, options)
    row_of = dict(zip(order, _rows(path, ids, order), strict=True))
    at_row = np.array([row_of[one] for one in trial.tolist()])
    listed_of = [[np.sort(times[(of == name) & (at_row == i)]) for i in range(len(ids))] for name in units]
    return Spikes(str(path), listed_of, units, {}, trials.with_starts(), of_trials=True)
