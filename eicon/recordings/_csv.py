"""Text tables: one file per trial, or one long table of all trials, with a table of trials beside them."""

import csv
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._files import read_text
from ._arrays import padded, trials_at_zero
from ._cut import Spikes, Stack, Table, inputs_of, table_of
from ._options import OF_TRIALS, Options

LARGEST = 2**30
"""Bytes of a table that are read."""
TRIALS = "trials.csv"
TIME = re.compile(r"time(_ms|_s| \(ms\)| \(s\))?", re.I)


def read_csv(path: str | os.PathLike[str], options: Options) -> Stack | Spikes:
    """Trials of a folder, or of one long table."""
    path = Path(path)
    files = sorted((p for p in path.iterdir() if p.suffix.lower() == ".csv"), key=_natural) if path.is_dir() else [path]
    beside = next((p for p in (path if path.is_dir() else path.parent).iterdir() if p.name.lower() == TRIALS), None)
    files = [file for file in files if file != beside]
    if options.series is not None:
        files = [file for file in files if options.series in (file.name, file.stem)]
    if not files:
        asked = f" called {options.series}" if options.series else ""
        raise ValueError(f"{path} has no tables of trials: no file .csv{asked} beside {TRIALS}.")
    tables = [_table(file) for file in files]
    columns = {} if beside is None else _columns(beside, *_table(beside))
    head = [name.lower() for name in tables[0][0]]
    if len(files) == 1 and set(head) == {"unit", "time"}:
        return _spikes(files[0], tables[0], columns, options)
    options.refuse(str(path), "trials that are cut already", OF_TRIALS)
    if len(files) == 1 and "trial" in head:
        files, tables, ids = _by_trial(files[0], *tables[0])
    else:
        ids = [file.stem for file in files]
        lacking = next((file for file, (names, _) in zip(files, tables, strict=True) if names != tables[0][0]), None)
        if lacking is not None:
            raise ValueError(f"{lacking}: all trials must have the same columns, those of {files[0].name}.")
    return _stack(path, files, tables, ids, columns, options)


def _natural(path: Path) -> list[Any]:
    """Order in which trial_2 stands before trial_10."""
    return [int(part) if part.isdigit() else part.lower() for part in re.split(r"(\d+)", path.name)]


Lines = tuple[list[str], list[list[str]]]


def _table(path: Path) -> Lines:
    """Names of the columns, and the cells below them."""
    text = read_text(path, "table", largest=LARGEST)
    rows = [
        row for row in csv.reader(text.splitlines(), delimiter=_delimiter(text)) if any(cell.strip() for cell in row)
    ]
    if len(rows) < 2:
        raise ValueError(f"{path} must have a line with names and one line per step; got {len(rows)} lines.")
    names = [cell.strip() for cell in rows[0]]
    if _are_numbers(names):
        raise ValueError(f"{path}: the first line must name the columns; got numbers, {', '.join(names[:4])}.")
    if odd := next((i for i, row in enumerate(rows) if len(row) != len(names)), None):
        raise ValueError(f"{path}, line {odd + 1}: {len(rows[odd])} cells; the first line names {len(names)} columns.")
    if len(set(names)) < len(names):
        raise ValueError(f"{path}: columns must have different names; got {', '.join(names[:8])}.")
    return names, rows[1:]


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _are_numbers(cells: Sequence[str]) -> bool:
    try:
        _ = [float(cell) for cell in cells]
    except ValueError:
        return False
    return True


def _columns(path: Path, names: list[str], rows: list[list[str]]) -> dict[str, np.ndarray]:
    """Columns of a table of trials, of numbers or of text."""
    found = {}
    for i, name in enumerate(names):
        cells = [row[i].strip() for row in rows]
        filled = [cell or "nan" for cell in cells]
        found[name] = np.array([float(cell) for cell in filled]) if _are_numbers(filled) else np.array(cells)
    return found


def _numbers(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> np.ndarray:
    """Cells as numbers; empty ones are NaN."""
    values = np.empty((len(rows), len(names)))
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            try:
                values[i, j] = float(cell) if cell.strip() else np.nan
            except ValueError:
                raise ValueError(f"{path}, row {i + 2}, column {names[j]!r}: {cell!r} is no number.") from None
    return values


def _by_trial(path: Path, names: list[str], rows: list[list[str]]) -> tuple[list[Path], list[Lines], list[str]]:
    """A long table as one for each of its trials, in the order in which they begin."""
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
    at = next((i for i, name in enumerate(names) if TIME.fullmatch(name)), None)
    values = [_numbers(file, *table) for file, table in zip(files, tables, strict=True)]
    dt, start = options.dt, 0.0
    if at is not None:
        dt, start = _times(path, names[at], [one[:, at] for one in values], options)
        values = [np.delete(one, at, axis=1) for one in values]
        names = [*names[:at], *names[at + 1 :]]
    elif dt is None:
        raise ValueError(f"{path}: nothing says how long a step is: there is no column time; pass dt, in ms.")
    if not names:
        raise ValueError(f"{files[0]} has no columns of units beside the times.")
    activity, mask = padded(str(path), values)
    table = _of_trials(path, columns, ids, options)
    T, B, _ = activity.shape
    made = Stack(str(path), activity, float(dt or 0.0), names, mask, start=start, observed=options.observed or "rate")
    made.conditions = table.conditions(options.conditions)
    made.said = f"tables of {B} trials"
    made.inputs, made.channels = inputs_of(options, trials_at_zero(table, T, B, made.dt, mask), {})
    return made


def _times(path: Path, name: str, times: list[np.ndarray], options: Options) -> tuple[float, float]:
    """Step and start of trials, ms, from their column of times."""
    said = {"time_ms": "ms", "time (ms)": "ms", "time_s": "s", "time (s)": "s"}.get(name.lower())
    factor = options.factor(said, f"{path}: column {name!r}")
    steps = np.concatenate([np.diff(one) for one in times])
    if not steps.size or not np.isfinite(steps).all() or steps.min() <= 0:
        raise ValueError(f"{path}: times must ascend in each trial, and a trial must have two steps or more.")
    if np.ptp(steps) > 0.01 * np.median(steps):
        raise ValueError(f"{path}: steps must be equal; got {steps.min():g} to {steps.max():g} in column {name!r}.")
    starts = [float(one[0]) for one in times]
    dt = float(np.round(np.median(steps) * factor, 6))
    if options.dt is not None and abs(options.dt - dt) > 0.01 * dt:
        raise ValueError(f"{path}: dt={options.dt:g} ms, and steps in column {name!r} have {dt:g} ms.")
    if np.ptp(starts) * factor > 0.01 * dt:  # times of a session
        return dt, 0.0
    return dt, float(np.round(starts[0] * factor, 6))


def _of_trials(path: Path, columns: dict[str, np.ndarray], ids: list[str], options: Options) -> Table:
    """Table of trials in the order of the trials that were read, by its column ``trial`` if there is one."""
    if not columns:
        return Table(n=len(ids))
    n = len(next(iter(columns.values())))
    key = next((name for name in columns if name.lower() == "trial"), None)
    if key is not None:
        rows = {_plain_id(value): i for i, value in enumerate(columns[key].tolist())}
        if lacking := [one for one in ids if _plain_id(one) not in rows]:
            raise ValueError(
                f"{path}: {TRIALS} has no row for trial {lacking[0]!r}; it has {', '.join(list(rows)[:8])}."
            )
        order = np.array([rows[_plain_id(one)] for one in ids])
        columns = {name: values[order] for name, values in columns.items() if name != key}
    elif n != len(ids):
        raise ValueError(
            f"{path}: {TRIALS} has {n} rows, and there are {len(ids)} trials; a column trial says which is which."
        )
    return table_of(columns, options.factor("ms", "") if options.unit_of_time else 1.0)


def _plain_id(value: Any) -> str:
    """Name of a trial, by its number if it has one: 3, 3.0, "trial_003"."""
    text = str(value)
    found = re.fullmatch(r"\D*0*(\d+)(\.0)?", text)
    return found[1] if found else text


def _spikes(path: Path, table: Lines, columns: dict[str, np.ndarray], options: Options) -> Spikes:
    """Spike times of a session, a row each, with its unit; trials.csv says where trials are."""
    if not columns:
        raise ValueError(
            f"{path} holds spike times, and there is no {TRIALS} beside it, with start_time and stop_time."
        )
    factor = options.factor(None, str(path))
    names, rows = table
    unit, time = ([name.lower() for name in names].index(what) for what in ("unit", "time"))
    times = _numbers(path, [names[time]], [[row[time]] for row in rows])[:, 0]
    of = np.array([row[unit].strip() for row in rows])
    units = sorted(set(of.tolist()), key=lambda name: _natural(Path(name)))
    listed = [np.round(times[of == name] * factor, 6) for name in units]
    return Spikes(str(path), listed, units, {}, table_of(columns, factor))
