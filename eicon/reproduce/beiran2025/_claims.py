"""Claims of the paper, each compared with intervals over seeds, from the lines of results alone."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy import stats

RECOVERED = 0.1
"""Squared error, relative to variance, below which activity counts as recovered and a task as solved."""
SMALL = 0.2
"""Fraction of units below which the number of recorded units counts as small."""
GROWS = 0.5
"""Exponent of N above which the number of units needed counts as growing with N; 1 is proportional."""
WRONG = 0.5
"""R2 below which gains count as wrong."""
LEVEL = 0.95

Line = Mapping[str, Any]
Status = Literal["holds", "fails", "undecided"]


class Interval(NamedTuple):
    """Mean over seeds with its interval of 95 % (Student's t); unbounded for fewer than two seeds.

    Attributes
    ----------
    mean, low, high : for errors geometric mean, and interval of the logarithm
    n : seeds
    """

    mean: float
    low: float
    high: float
    n: int


class Requirement(NamedTuple):
    """Condition of a claim.

    Attributes
    ----------
    what : measured quantity, in words
    interval : interval of the measured quantity
    side : required side of the bound
    bound : bound of the claim
    """

    what: str
    interval: Interval
    side: Literal["below", "above"]
    bound: float

    @property
    def met(self) -> bool | None:
        """True if the whole interval is on the required side; None if it contains the bound."""
        under, over = self.interval.high < self.bound, self.interval.low > self.bound
        if not (under or over):
            return None
        return under if self.side == "below" else over


class Claim(NamedTuple):
    """Claim and its status.

    Attributes
    ----------
    text : the claim
    status : "holds" if all conditions are met, "fails" if one is not, "undecided" otherwise
    conditions : its conditions
    """

    text: str
    status: Status
    conditions: list[Requirement]


def claims(lines: Sequence[Line]) -> list[Claim]:
    """Return the status of the four claims; conditions without measurements are undecided."""
    readout, unconstrained = lines_of(lines, kind="readout"), lines_of(lines, kind="unconstrained")
    recorded = {"kind": "recorded", "order": "random", "observed": "current"}
    students, rotating = (lines_of(lines, group=group, **recorded) for group in ("student", "rotating"))
    numbers = recorded_numbers(students)
    few, many = (numbers[0], numbers[-1]) if numbers else (0, 0)
    n = max((line["settings"]["n"] for line in students), default=0)
    unrecorded = "error of unrecorded units"
    at_few, at_many = (errors(lines_of(students, m=m)) for m in (few, many))
    return [
        judged(
            "Students trained on the readout alone reach the task, but not the activity of the teacher.",
            Requirement("error of the task", errors(readout, "task_error"), "below", RECOVERED),
            Requirement(unrecorded, errors(readout), "above", RECOVERED),
        ),
        judged(
            "The error of unrecorded units falls steeply at a small number of recorded ones, which does not grow with "
            "the size of the network.",
            Requirement(f"{unrecorded}, M = {few}", at_few, "above", RECOVERED),
            Requirement(f"{unrecorded}, M = {many}", at_many, "below", RECOVERED),
            Requirement("units needed, of all", interval(_needed(students, n)), "below", SMALL),
            Requirement("exponent of N, rank two", interval(_exponents(rotating)), "below", GROWS),
        ),
        judged(
            "Students with unconstrained weights never reach the activity of unrecorded units.",
            *(
                Requirement(f"{unrecorded}, M = {m}", errors(lines_of(unconstrained, m=m)), "above", RECOVERED)
                for m in recorded_numbers(unconstrained) or [0]
            ),
        ),
        judged(
            "Activity is recovered while gains stay wrong.",
            Requirement(f"{unrecorded}, M = {many}", at_many, "below", RECOVERED),
            Requirement("R2 of gains", interval(_final(lines_of(students, m=many), "gain_r2")), "below", WRONG),
        ),
    ]


def errors(lines: Iterable[Line], name: str = "unrecorded_fresh_error") -> Interval:
    """Return the interval of an error at the end of training, over seeds."""
    return geometric(_final(lines, name))


def geometric(values: np.ndarray) -> Interval:
    """Return the geometric mean of values > 0 with the interval of their logarithms."""
    found = interval(np.log(values))
    mean, low, high = np.exp(found[:3]).tolist()
    return Interval(mean, low, high, found.n)


def judged(text: str, *conditions: Requirement) -> Claim:
    """Judge a claim by its conditions."""
    met = [condition.met for condition in conditions]
    status: Status = "fails" if False in met else "undecided" if None in met else "holds"
    return Claim(text, status, list(conditions))


def interval(values: np.ndarray) -> Interval:
    """Return the mean over seeds with its interval."""
    n = len(values)
    if n < 2:
        return Interval(float(values[0]) if n else np.nan, -np.inf, np.inf, n)
    mean, half = values.mean(), stats.t.ppf((1 + LEVEL) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n)
    return Interval(float(mean), float(mean - half), float(mean + half), n)


def last(line: Line) -> Mapping[str, Any]:
    """Return the measures of a student at the end of training."""
    by_step = line["measures"]["by_step"]
    return by_step[max(by_step, key=int)]


def needed(numbers: Sequence[int], values: Sequence[float], bound: float = RECOVERED) -> float:
    """Return the number of recorded units at which errors fall below a bound.

    Between two numbers it is interpolated, logarithms by logarithms; it is the first number if its error is below, and
    twice the last one if none is.
    """
    x, y = np.log(np.asarray(numbers, float)), np.log(np.asarray(values, float))
    below = np.flatnonzero(y < np.log(bound))
    if not below.size:
        return float(2 * numbers[-1])
    i = int(below[0])
    if i == 0:
        return float(numbers[0])
    share = (np.log(bound) - y[i - 1]) / (y[i] - y[i - 1])
    return float(np.exp(x[i - 1] + share * (x[i] - x[i - 1])))


def record(claim: Claim) -> dict[str, Any]:
    """Return a claim as JSON-compatible data, except for infinite bounds."""
    conditions = [c._asdict() | {"interval": c.interval._asdict(), "met": c.met} for c in claim.conditions]
    return {"text": claim.text, "status": claim.status, "conditions": conditions}


def text(found: Sequence[Claim]) -> str:
    """Return a table of claims, in Markdown."""
    rows = ["| claim | status | measured, and what it has to be |", "|---|---|---|"]
    for claim in found:
        shown = "; ".join(f"{c.what} {cell(c.interval)}, {c.side} {c.bound:g}" for c in claim.conditions)
        rows.append(f"| {claim.text} | {claim.status} | {shown} |")
    return "\n".join(rows) + "\n"


def cell(of: Interval) -> str:
    """Format mean and interval for a table."""
    if of.n < 2:
        return f"{of.mean:.3g} (one seed)" if of.n else "not measured"
    return f"{of.mean:.3g} [{of.low:.3g}, {of.high:.3g}]"


def lines_of(lines: Iterable[Line], **wanted: Any) -> list[Line]:
    """Return the lines of parts with these settings."""
    return [line for line in lines if all(line["settings"].get(name) == value for name, value in wanted.items())]


def recorded_numbers(lines: Iterable[Line]) -> list[int]:
    """Return the numbers M of recorded units, ascending."""
    return sorted({line["settings"]["m"] for line in lines})


def _final(lines: Iterable[Line], name: str) -> np.ndarray:
    return np.array([last(line)[name] for line in lines], float)


def _by(lines: Iterable[Line], key: Callable[[Line], Any]) -> dict[Any, list[Line]]:
    found: dict[Any, list[Line]] = {}
    for line in lines:
        found.setdefault(key(line), []).append(line)
    return dict(sorted(found.items()))


def _complete(lines: Iterable[Line]) -> list[Line]:
    """Return the students of teachers whose students are finished for all numbers of recorded units."""
    of_teachers = _by(lines, lambda line: (line["settings"]["seed"], line["settings"]["n"])).values()
    most = max(map(len, of_teachers), default=0)
    return [line for students in of_teachers if len(students) == most for line in students]


def _needed_by(lines: Iterable[Line]) -> float:
    ordered = sorted(lines, key=lambda line: line["settings"]["m"])
    values = [last(line)["unrecorded_fresh_error"] for line in ordered]
    return needed([line["settings"]["m"] for line in ordered], values)


def _needed(students: Iterable[Line], n: int) -> np.ndarray:
    """Return the fraction of units needed, by seed."""
    by_seed = _by(_complete(students), lambda line: line["settings"]["seed"])
    return np.array([_needed_by(of_seed) / n for of_seed in by_seed.values()])


def _exponents(rotating: Iterable[Line]) -> np.ndarray:
    """Return the exponent of N in the number of units needed, by seed."""
    found = []
    for of_seed in _by(_complete(rotating), lambda line: line["settings"]["seed"]).values():
        by_size = _by(of_seed, lambda line: line["settings"]["n"])
        if len(by_size) > 1:
            counts = [_needed_by(of_size) for of_size in by_size.values()]
            found.append(np.polyfit(np.log(list(by_size)), np.log(counts), 1)[0])
    return np.array(found)
