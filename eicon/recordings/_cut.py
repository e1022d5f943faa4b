"""Windows around events, which cut a session into trials that are padded and masked."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .._given import plain
from .._hints import listed
from ._options import OF_SERIES, OF_SPIKES, STEP, Options
from ._recording import EXACT, spans_of
from ._spikes import Kernel, check_ascending, counts_of, kernel_of, part_within, rates_of, within

MOST_VALUES = 2**29
"""Largest number of values in a recording, 4 GiB."""
MOST_LISTED = 20
"""Number of recordings in a file that an error lists."""
FASTEST, SLOWEST = 1000.0, 0.1
"""Mean rate of all units, and rate of the most active, in spikes/s, that suggest a wrong unit of time."""
TIMES = re.compile(r"(^|_)(time|times|start|stop|onset|offset|begin|end)s?$", re.I)
"""Names of columns that contain times."""


@dataclass
class Table:
    """One row per trial.

    Attributes
    ----------
    columns : name -> (B,)
        Columns; times are in ms.
    times : names of the columns that contain times
    n : int
    unit_known : bool
        Whether the file, or `unit_of_time`, gives the unit of its times; otherwise they are unchanged.
    """

    columns: dict[str, np.ndarray] = field(default_factory=dict)
    times: frozenset[str] = frozenset()
    n: int = 0
    unit_known: bool = True

    def column(self, name: str, what: str) -> np.ndarray:
        """Return the values of a column, or raise an error that lists the columns."""
        return column_of(self.columns, name, f"{what}: the trials")

    def numbers(self, name: str, what: str) -> np.ndarray:
        """Return a column of numbers."""
        values = self.column(name, what)
        if values.dtype.kind not in "biuf":
            raise ValueError(f"{what}: the column {name!r} of the trials contains text; numbers are needed.")
        return values.astype(np.float64)

    def with_starts(self) -> "Table":
        """Return the table for spike times relative to start_time, which is set to 0 if it is missing."""
        return replace(
            self, columns={"start_time": np.zeros(self.n), **self.columns}, times=self.times | {"start_time"}
        )

    def conditions(self, wanted: Any) -> dict[str, np.ndarray]:
        """Return the columns of conditions: those requested, or all that are not times."""
        if isinstance(wanted, Mapping):
            return {str(name): np.asarray(values) for name, values in wanted.items()}
        names = [name for name in self.columns if name not in self.times] if wanted is None else wanted
        return {str(name): self.column(name, "conditions") for name in names}

    def of(self, kept: np.ndarray) -> "Table":
        """Select some of the trials."""
        return replace(self, columns={name: values[kept] for name, values in self.columns.items()}, n=len(kept))


def column_of(columns: Mapping[str, Any], name: str, whose: str) -> Any:
    """Return the values of a column, or raise an error that lists the columns."""
    if name not in columns:
        raise ValueError(f"{whose} have no column {name!r}; their columns are {', '.join(columns) or 'none'}.")
    return columns[name]


def table_of(
    columns: Mapping[str, Any], options: Options, factor: float | None, *, n: int = 0, said: Collection[str] = ()
) -> Table:
    """Make a table of ``n`` trials; times are converted to ms by ``factor``, if their unit is known.

    Times are columns named by `said` or used as times in the options, columns with names of times (``start_time``,
    ``go_onset``), or columns with all numbers between the start and the end of their trials in a session. Columns
    without one number or text per trial are omitted.
    """
    said = {*said, *options.times()}
    found: dict[str, np.ndarray] = {}
    for name, values in columns.items():
        try:
            column = plain(name, values)
        except (TypeError, ValueError):
            continue
        if column.ndim == 1 and column.dtype.kind in "biufUS":
            found[name] = column.astype(str) if column.dtype.kind == "S" else column
    n = len(next(iter(found.values()))) if found else n
    edges = [found.get(name, np.zeros(0)) for name in ("start_time", "stop_time")]
    begin, end = (one if one.size and one.dtype.kind in "iuf" else np.full(n, np.nan) for one in edges)
    of_session = n > 2 and len(np.unique(begin)) > 1  # not trials that all start at 0
    times = set()
    for name, column in found.items():
        if column.dtype.kind not in "iuf":
            continue
        known = np.isfinite(column) & of_session & (column.dtype.kind == "f")
        inside = known.any() and ((column >= begin) & (column <= end))[known].all()
        if name in said or TIMES.search(name) or inside:
            times.add(name)
            found[name] = np.round(column * (factor or 1.0), 6)
    return Table(found, frozenset(times), n, factor is not None)


@dataclass
class Windows:
    """Steps of all trials on one axis, relative to each trial's event.

    Attributes
    ----------
    events : (B,) ms
    edges : (T + 1,) ms
    mask : (T, B)
    kept : (B,) rows of the trials that have the event
    table : Table of these trials
    said : str
    """

    events: np.ndarray
    edges: np.ndarray
    mask: np.ndarray
    kept: np.ndarray
    table: Table
    said: str

    @property
    def step(self) -> float:
        """Length of a step, ms."""
        return float(self.edges[1] - self.edges[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of steps and trials."""
        return len(self.edges) - 1, len(self.events)


def windows(table: Table, options: Options, step: float, n_units: int) -> Windows:
    """Place a window around the event of each trial."""
    events = table.numbers(options.align_to, "align_to")
    asked = (None, None) if options.window is None else options.window
    spans, needed = np.empty((n_all := len(events), 2)), {options.align_to: None}
    for i, (edge, name) in enumerate(zip(asked, ("start_time", "stop_time"), strict=True)):
        if edge is None and name not in table.columns:
            raise ValueError(
                f"the trials have no {name}; pass window=(from, to) in ms, relative to {options.align_to}."
            )
        spans[:, i] = table.numbers(name, "window") - events if edge is None else edge
        needed |= {name: None} if edge is None else {}
    kept, names = np.flatnonzero(np.isfinite(events + spans.sum(axis=1))), " or ".join(needed)
    if not kept.size:
        raise ValueError(f"no trial has a {names}: the column contains only NaN.")
    table, events, spans = table.of(kept), events[kept], spans[kept]
    if (empty := np.flatnonzero(spans[:, 1] <= spans[:, 0])).size:
        i = int(empty[0])
        raise ValueError(
            f"the window of trial {kept[i]} is empty: it goes from {spans[i, 0]:g} to {spans[i, 1]:g} ms relative to "
            f"{options.align_to}."
        )
    low = float(spans[:, 0].min()) if asked[0] is None else asked[0]
    if asked[0] is None:
        low = float(np.floor(low / step + EXACT)) * step
    n = int(np.floor((float(spans[:, 1].max()) - low) / step + EXACT))
    if n < 1:
        raise ValueError(
            f"the longest window has {spans[:, 1].max() - low:g} ms, less than one step of {step:g} ms; windows and "
            "steps are in ms. Did you mean seconds?"
        )
    check_size(n, len(events), n_units)
    edges = low + np.arange(n + 1) * step
    slack = EXACT * step
    mask = (edges[:-1, None] >= spans[:, 0] - slack) & (edges[1:, None] <= spans[:, 1] + slack)
    said = f"aligned to {options.align_to}, from {edges[0]:g} to {edges[-1]:g} ms"
    if abs(low / step - round(low / step)) > EXACT:
        said += ", time 0 within a step"
    if left := n_all - len(kept):
        said += f"; {left} of {n_all} trials without {names} left out"
    return Windows(events, edges, mask, kept, table, said)


def check_size(T: int, B: int, M: int) -> None:
    """Check that a recording fits into memory."""
    if T * B * M > MOST_VALUES:
        raise ValueError(
            f"{T} steps of {B} trials of {M} units would take {8 * T * B * M / 2**30:.0f} GiB; use longer steps (bin),"
            " a shorter window, or fewer trials. Windows and bins are in ms."
        )


def observed_of(where: str, values: np.ndarray, options: Options) -> str:
    """Return the observed quantity: by default rates, unless the values are whole numbers, which may be counts."""
    if options.observed is not None:
        return options.observed
    seen = values[np.isfinite(values)]
    if seen.size and seen.min() >= 0 and seen.max() > 0 and not (seen % 1).any():
        raise ValueError(
            f"{where} contains only whole numbers, {seen.min():g} to {seen.max():g}: pass observed='counts' if they "
            "are spikes per step, or observed='rate' if not."
        )
    return "rate"


@dataclass
class Stack:
    """Trials in the layout of a recording."""

    where: str
    activity: np.ndarray
    dt: float
    units: Any
    mask: np.ndarray | None = None
    labels: dict[str, Any] = field(default_factory=dict)
    conditions: dict[str, Any] = field(default_factory=dict)
    inputs: Any = None
    channels: Any = None
    start: float = 0.0
    observed: str = "rate"
    said: str = ""

    def fill(self, options: Options, table: Table, events: Any = 0.0, variables: Iterable[str] = ()) -> None:
        """Add conditions and inputs to already cut trials, whose times are relative to events (B,) ms."""
        self.conditions = table.conditions(options.conditions)
        if options.inputs is None or self.inputs is not None:
            return
        T, B, _ = self.activity.shape
        mask = np.ones((T, B), bool) if self.mask is None else self.mask
        edges = self.start + np.arange(T + 1) * self.dt
        place = Windows(np.zeros(B) + events, edges, mask, np.arange(B), table, "")
        self.inputs, self.channels = _inputs(options, place, dict.fromkeys(variables))


def only_one(
    where: Any,
    names: Sequence[str],
    fitting: Sequence[str],
    series: str | None,
    about: Callable[[str], str],
    what: tuple[str, str] = ("variable", "arrays of activity"),
    example: str | None = None,
) -> str:
    """Select the recording in a file: the only one that fits, or an error that lists those available."""
    if len(fitting) == 1:
        return fitting[0]
    n, example = len(fitting) or "no", fitting[0] if fitting else example
    held = f"{n} {what[1]}" if series is None else f"{n} {what[0]}{' called' if fitting else ''} {series!r}"
    there = listed([f"{name} ({about(name)})" for name in names], MOST_LISTED) or "nothing readable"
    how = f"; select one, as in series={example!r}" if example else ""
    raise ValueError(f"{where} contains {held}; it has {there}{how}.")


def regular(
    where: str, what: str, times: Sequence[np.ndarray], factor: float, options: Options
) -> tuple[float, np.ndarray]:
    """Return the step of trials, and the first time of each, ms, given their times."""
    steps = np.concatenate([np.diff(one.astype(np.float64)) for one in times])
    if not steps.size or not np.isfinite(steps).all() or steps.min() <= 0:
        raise ValueError(f"{where}: times must increase in each trial, and a trial must have at least two steps.")
    if np.ptp(steps) > 0.01 * np.median(steps):
        raise ValueError(f"{where}: steps must be equal; got {steps.min():g} to {steps.max():g} in {what}.")
    dt = options.step(float(np.round(np.median(steps) * factor, 6)), where, what)
    return dt, np.round(np.array([one[0] for one in times]) * factor, 6)


@dataclass
class Spikes:
    """Spike times in ms of each unit: of a session, or relative to the event, a list of one array per trial.

    ``stimuli`` are those of the file, None for those not requested; ``known`` are options that apply to the file in
    addition to those of all spikes.
    """

    where: str
    times: list[Any]
    units: list[str]
    labels: dict[str, Any]
    table: Table
    stimuli: Mapping[str, "Series | None"] = field(default_factory=dict)
    observed_in: list[np.ndarray] | None = None
    of_trials: bool = False
    known: tuple[str, ...] = ()

    def stack(self, options: Options) -> Stack:
        """Return the spikes in the windows of trials, counted or smoothed."""
        options.refuse(self.where, "spike times", (*OF_SPIKES, *self.known))
        step = STEP if options.bin is None else options.bin
        place = windows(self.table, options, step, len(self.times))
        T, B = place.shape
        zero = place.events  # the trial's event on the time axis of its spikes
        if self.of_trials:
            zero = zero - place.table.numbers("start_time", "spike times of trials")
            if not np.isfinite(zero).all():
                raise ValueError(f"{self.where}: a trial lacks start_time, the reference of its spike times.")
        self._check(zero + place.edges[0], zero + place.edges[-1], options)
        observed = options.observed or "rate"
        counted = observed == "counts" or options.kernel == "none"
        if observed not in ("rate", "counts"):
            raise ValueError(f"{self.where} has spike times; observed must be 'rate' or 'counts'; got {observed!r}.")
        kernel = kernel_of(options.kernel, options.width, options.causal)
        activity = np.empty((T, B, len(self.times)))
        reach = (0.0, 0.0) if counted else (kernel.after, kernel.before)
        session, within_trial = np.zeros((0, 2)) if self.of_trials else self._session(), _known(place)
        seen_of: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}  # many units have the same intervals
        edges, ends = place.edges[:, None] + place.events, False
        for i, times in enumerate(self.times):
            spans = _joined(self.observed_in[i]) if self.observed_in is not None else session
            if self.of_trials:
                chosen = [times[row] for row in place.kept]
                trial = np.repeat(np.arange(B), [len(one) for one in chosen])
                relative = np.round(np.concatenate(chosen) - zero[trial], 6)
                inside = (relative >= within_trial[trial, 0]) & (relative < within_trial[trial, 1])
                relative, trial = relative[inside], trial[inside]
            else:
                far = (place.edges[0] - reach[0], place.edges[-1] + reach[1])
                relative, trial = within(times[_inside(spans, times, times)], place.events, far)
            if (key := spans.tobytes()) not in seen_of:
                known = [within_trial] if self.of_trials else [span - place.events[:, None] for span in spans]
                seen = np.ones((T, B), bool) if self.of_trials else _inside(spans, edges[:-1], edges[1:])
                seen_of[key] = seen, np.ones((T, B)) if counted else _part(place, kernel, known)
            seen, part = seen_of[key]
            if counted:
                activity[:, :, i] = counts_of(relative, trial, B, place.edges)
            else:
                activity[:, :, i] = rates_of(relative, trial, B, place.edges, kernel) / part
                ends |= bool((part < 0.99)[seen & place.mask].any())
            activity[~seen, i] = np.nan
        if observed == "rate":
            activity *= 1000.0 / (options.hz * (step if counted else 1.0))
        how = f"counted in bins of {step:g} ms" if counted else _smoothing(options, step, ends)
        per = "" if observed == "counts" else f", in spikes/s{'' if options.hz == 1 else f' divided by {options.hz:g}'}"
        cut = self.observed_in is None and (np.isnan(activity[:, :, 0]) & place.mask).any()
        beyond = f"; nothing is known before {session[0, 0]:g} and after {session[0, 1]:g} ms" if cut else ""
        said = f"spikes {how}{per}, {place.said}{beyond}{'' if self.of_trials else _overlap(place)}"
        return _stacked(self, options, place, step, activity, observed, said)

    def _session(self) -> np.ndarray:
        """Return the known period of units without intervals: from 0 or earlier to the last spike or trial, (1, 2)."""
        trials = [self.table.columns[name] for name in ("start_time", "stop_time") if name in self.table.columns]
        known = np.concatenate([np.zeros(1), *self.times, *trials])
        return np.array([[np.nanmin(known), np.nanmax(known)]])

    def _check(self, begins: np.ndarray, ends: np.ndarray, options: Options) -> None:
        """Check that spikes are sorted, and in the same unit of time as windows (B,) with the given starts and ends."""
        flat = []
        for name, times in zip(self.units, self.times, strict=True):
            for one in times if self.of_trials else [times]:
                check_ascending(name, one)
                flat.append(one)
        n, M, begin, end = sum(map(len, flat)), len(self.times), float(begins.min()), float(ends.max())
        if not n:
            raise ValueError(f"{self.where} contains no spikes: all {M} units are empty.")
        first, last = min(one.min() for one in flat if len(one)), max(one.max() for one in flat if len(one))
        if last < 20 < end - begin and end >= 1000:
            raise ValueError(
                f"{self.where}: all {n} spikes lie between {first:g} and {last:g} ms, but the windows go to {end:g} ms."
                " Are spike times in seconds? Pass unit_of_time='s'."
            )
        _check_place(self.where, f"{n} spikes", (first, last), (begin, end), len(begins))
        per_second = 1000 / max((last - first) * (len(begins) if self.of_trials else 1), 1e-3)
        if n >= 50 and n / M * per_second > FASTEST:
            raise ValueError(
                f"{self.where}: units fire {n / M * per_second:.0f} spikes/s on average, which is impossible. Are "
                "spike times in seconds? Pass unit_of_time='s'."
            )
        slow = n >= 10 and max(map(np.size, flat)) * per_second < SLOWEST and not self.of_trials
        if slow and (options.unit_of_time is None or (len(begins) > 1 and last > 100 * end)):
            raise ValueError(
                f"{self.where}: no unit fires more often than once in {1 / SLOWEST:g} s, in the "
                f"{(last - first) / 1000:.0f} s of all spikes. Are spike times, or those of trials, in ms? Pass "
                "unit_of_time='ms', or 's' if the rates are right."
            )


def _check_place(
    where: str, what: str, data: tuple[float, float], windows: tuple[float, float], n_windows: int
) -> None:
    """Check that windows contain data, and do not extend far beyond them: times (first, last) in ms."""
    none = data[1] < windows[0] or data[0] >= windows[1]
    if none or (n_windows > 1 and windows[1] > 100 * data[1] > 0):
        kind = what.split()[-1]
        raise ValueError(
            f"{where}: {f'none of the {what} lies' if none else f'few {kind} lie'} in a window: {kind} are between "
            f"{data[0]:g} and {data[1]:g} ms, windows between {windows[0]:g} and {windows[1]:g} ms. Are both in the "
            "same unit of time?"
        )


def _known(place: Windows) -> np.ndarray:
    """Return the first and last time of each trial, (B, 2), relative to its event."""
    return place.edges[spans_of(place.mask)].T


def _overlap(place: Windows) -> str:
    """Describe how many windows start before an earlier one has ended."""
    since, until = (place.events[:, None] + _known(place))[np.argsort(place.events, kind="stable")].T
    n = int((since[1:] < np.maximum.accumulate(until)[:-1] - EXACT).sum())
    return f"; {n} of {len(since)} windows overlap an earlier one, with which they share data" if n else ""


def _joined(spans: np.ndarray) -> np.ndarray:
    """Sort spans (n, 2) by their starts, and merge those that touch or overlap."""
    if not len(spans):
        return spans
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    stops = np.maximum.accumulate(spans[:, 1])
    first = np.append(True, spans[1:, 0] > stops[:-1] + EXACT)
    return np.stack([spans[first, 0], stops[np.append(first[1:], True)]], axis=1)


def _inside(spans: np.ndarray, since: np.ndarray, until: np.ndarray) -> np.ndarray:
    """Return whether times from `since` to `until`, of any shape, lie within one of the `_joined` spans (n, 2)."""
    if not len(spans):
        return np.zeros(np.shape(since), bool)
    at = np.searchsorted(spans[:, 0], since + EXACT, side="right") - 1
    return (at >= 0) & (until <= spans[at, 1] + EXACT)


def _part(place: Windows, kernel: Kernel, known: Sequence[np.ndarray]) -> np.ndarray:
    """Return the part (T, B) of a kernel that lies where spikes are known, between times (B, 2); 1 if none does."""
    part = np.zeros(place.shape)
    for one in known:
        near = (one[:, 1] > place.edges[0] - kernel.after) & (one[:, 0] < place.edges[-1] + kernel.before)
        part[:, near] += part_within(kernel, place.edges, one[near])
    return np.where(part > EXACT, part, 1.0)


def _smoothing(options: Options, step: float, ends: bool) -> str:
    side = "causal " if options.causal and options.kernel != "exponential" else ""
    measure = {"gaussian": "sd", "boxcar": "width", "exponential": "time constant"}[options.kernel]
    edge = ", normalised at the ends of what is known" if ends else ""
    name = {"gaussian": "Gaussian", "exponential": "causal exponential"}.get(options.kernel, options.kernel)
    return f"smoothed with a {side}{name} kernel of {measure} {options.width:g} ms{edge}, in steps of {step:g} ms"


@dataclass
class Series:
    """Samples of a session: values (S, M) at ascending times (S,) in ms."""

    where: str
    values: np.ndarray
    time: np.ndarray
    units: list[str]
    labels: dict[str, Any] = field(default_factory=dict)
    table: Table = field(default_factory=Table)
    stimuli: Mapping[str, "Series | None"] = field(default_factory=dict)
    observed: str = "rate"
    dt: float | None = None
    shown: str | None = None

    @property
    def step(self) -> float:
        """Median time between samples, ms."""
        return self.dt or float(np.round(np.median(np.diff(self.time)), 6))

    def _averages(self, step: float) -> bool:
        """Return whether a step contains two or more samples."""
        return step >= 2 * self.step * (1 - EXACT)

    def sampled(self, place: Windows) -> np.ndarray:
        """Return values (T, B, M) at the steps of windows; NaN where there are none.

        Steps of two or more samples get the mean of the samples in [start, stop); shorter ones the value at their
        start, interpolated linearly between successive samples.
        """
        at = (place.edges[:-1, None] + place.events).ravel()
        if self._averages(place.step):
            return self._means(at, place.step).reshape(*place.shape, -1)
        return self._between(at).reshape(*place.shape, -1)

    def _means(self, at: np.ndarray, step: float) -> np.ndarray:
        seen = np.isfinite(self.values)
        sums, counts = (
            np.concatenate([np.zeros((1, one.shape[1])), np.cumsum(one, axis=0)])
            for one in (np.where(seen, self.values, 0.0), seen.astype(np.float64))
        )
        slack = EXACT * self.step
        low, high = (np.searchsorted(self.time, edge - slack) for edge in (at, at + step))
        n = counts[high] - counts[low]
        return np.where(n > 0, (sums[high] - sums[low]) / np.where(n > 0, n, 1.0), np.nan)

    def _between(self, at: np.ndarray) -> np.ndarray:
        last = len(self.time) - 1
        low = np.clip(np.searchsorted(self.time, at + EXACT * self.step, side="right") - 1, 0, last)
        high = np.minimum(low + 1, last)
        gap = self.time[high] - self.time[low]
        part = (at - self.time[low]) / np.where(gap > 0, gap, self.step)
        part = np.where(np.abs(part) < EXACT, 0.0, part)[:, None]
        beyond = (part[:, 0] < 0) | ((part[:, 0] > 0) & ((high == low) | (gap > 1.5 * self.step)))
        higher = np.where(part > 0, self.values[high], 0.0)
        found = (1 - part) * self.values[low] + part * higher
        found[beyond] = np.nan
        return found

    def stack(self, options: Options) -> Stack:
        """Return the samples in the windows of trials."""
        options.refuse(self.where, "a series of samples", OF_SERIES)
        if len(self.time) < 2 or not (np.diff(self.time) > 0).all():
            raise ValueError(
                f"{self.where}: its samples must have at least two times, in increasing order; got {self.time[:3]}."
            )
        step = self.step if options.bin is None else options.bin
        place = windows(self.table, options, step, self.values.shape[1])
        activity = self.sampled(place)
        ends = float(place.events.min() + place.edges[0]), float(place.events.max() + place.edges[-1])
        _check_place(self.where, f"{len(self.time)} samples", (self.time[0], self.time[-1]), ends, len(place.events))
        known = options.observed or self.observed != "rate" or self.shown is not None
        observed = options.observed or self.observed if known else observed_of(self.where, self.values, options)
        how = "means of" if self._averages(step) else "linear between"
        said = f"steps of {step:g} ms, {how} samples every {self.step:g} ms; {place.said}{_overlap(place)}"
        return _stacked(self, options, place, step, activity, observed, said)


def _stacked(
    source: Spikes | Series, options: Options, place: Windows, step: float, activity: Any, observed: str, said: str
) -> Stack:
    made = Stack(source.where, activity, step, source.units, place.mask, source.labels, observed=observed, said=said)
    made.conditions, made.start = place.table.conditions(options.conditions), float(place.edges[0])
    made.inputs, made.channels = _inputs(options, place, source.stimuli, getattr(source, "shown", None))
    return made


def _inputs(
    options: Options, place: Windows, stimuli: Mapping[str, Series | None], default: str | None = None
) -> tuple[Any, Any]:
    """Return inputs (T, B, n_in) and their names, from an array, a stimulus of the file, or pulses in the trials."""
    given = default if options.inputs is None else options.inputs
    if isinstance(given, str):
        if (found := stimuli.get(given)) is None:
            there = ", ".join(stimuli) or "none"
            raise ValueError(f"inputs: there is no stimulus {given!r} in the file; its stimuli are {there}.")
        return np.nan_to_num(found.sampled(place), nan=0.0), found.units
    if isinstance(given, Mapping) and given:
        shown = [_pulses(name, spec, place) for name, spec in given.items()]
        return np.stack(shown, axis=2), [str(name) for name in given]
    return given, None


def _pulses(name: str, spec: Any, place: Windows) -> np.ndarray:
    """Make an input (T, B) that has an amplitude between two times of each trial, and is 0 elsewhere.

    A step that a pulse covers partially gets that fraction of the amplitude. A trial without one of the times gets no
    pulse.
    """
    what, table, edges = f"inputs[{name!r}]", place.table, place.edges
    if isinstance(spec, str) or not hasattr(spec, "__len__") or len(spec) not in (2, 3):
        raise ValueError(f"{what} must be (start column, stop column or ms after start[, amplitude]); got {spec!r}.")
    if not table.unit_known:
        raise ValueError(f"{what}: the unit of the times of trials is unknown; pass unit_of_time='s' or 'ms'.")
    start = table.numbers(spec[0], what) - place.events
    stop = table.numbers(spec[1], what) - place.events if isinstance(spec[1], str) else start + float(spec[1])
    height: Any = 1.0 if len(spec) == 2 else spec[2]
    height = table.numbers(height, what) if isinstance(height, str) else float(height)
    known = np.isfinite(start) & np.isfinite(stop) & np.isfinite(height)
    start, stop, height = (np.where(known, value, 0.0) for value in (start, stop, height))
    covered = np.clip(np.minimum(edges[1:, None], stop) - np.maximum(edges[:-1, None], start), 0.0, None)
    if known.any() and not covered.any():
        raise ValueError(
            f"{what}: no pulse lies in a trial: the first is from {start[known][0]:g} to {stop[known][0]:g} ms, but "
            f"trials are from {edges[0]:g} to {edges[-1]:g} ms. Are both in the same unit of time?"
        )
    return covered / place.step * height
