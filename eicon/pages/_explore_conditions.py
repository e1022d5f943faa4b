"""Conditions of the trials on a page, and their groupings."""

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, Shaped

from ..tasks import Task, Trial

SHOWN_AT_ONCE = 24
"""Largest number of groups in a figure; there may be more conditions."""
MOST_CONDITIONS = 150


class Conditions(NamedTuple):
    """C conditions that occur, ascending by their values.

    Attributes
    ----------
    values : name -> (C,)
        Values that differ between conditions; those in `names` identify a condition.
    names : tuple of str
    of_trial : (B,) int
        Condition of each trial.
    """

    values: dict[str, Shaped[np.ndarray, "C"]]
    names: tuple[str, ...]
    of_trial: Int[np.ndarray, "B"]

    @property
    def n(self) -> int:
        """Number of conditions."""
        return int(self.of_trial.max()) + 1

    def label(self, condition: int) -> str:
        """Return the values of a condition in words."""
        return words(self.names, [self.values[name][condition] for name in self.names]) or "all trials"


class Grouping(NamedTuple):
    """Grouping of conditions.

    Attributes
    ----------
    name : str
    group : list of int
        Group of each condition.
    labels : list of str
        Label of each group, in full.
    heading : str
        Common part of the labels that `short` omits.
    short : list of str
        Values of each group, without names.
    shade : list of float
        Place of each group's colour in a sequence, 0 to 1.
    dash : list of int
        Kind of each group's line.
    """

    name: str
    group: list[int]
    labels: list[str]
    heading: str
    short: list[str]
    shade: list[float]
    dash: list[int]


def conditions_of(task: Task, trial: Trial) -> Conditions:
    """Return the conditions of balanced trials, as defined by the task's grid."""
    grid = {name: np.asarray(trial.conditions[name]) for name in task.condition_grid() if name in trial.conditions}
    varying = {name: values for name, values in grid.items() if (values != values[0]).any()}
    if not varying:
        return Conditions({}, (), np.zeros(trial.batch_size, np.int64))
    ranks = np.stack([np.unique(values, return_inverse=True)[1] for values in varying.values()], axis=1)
    names = list(varying)
    for name in reversed(list(varying)):  # those that are determined by others, such as the right choice, come last
        rest = [other for other in names if other != name]
        columns = [list(varying).index(other) for other in rest]
        if rest and len(np.unique(ranks[:, columns], axis=0)) == len(np.unique(ranks, axis=0)):
            names = rest
    columns = [list(varying).index(name) for name in names]
    _, first, index = np.unique(ranks[:, columns], axis=0, return_index=True, return_inverse=True)
    return Conditions({name: values[first] for name, values in varying.items()}, tuple(names), index.ravel())


def groupings(conditions: Conditions) -> list[Grouping]:
    """Return groupings of conditions: individually, by one of their values, by two, or all trials together."""
    found: dict[tuple[int, ...], Grouping] = {}
    for grouping in _candidates(conditions):
        found.setdefault(tuple(grouping.group), grouping)
    return list(found.values())


def default_grouping(found: list[Grouping]) -> int:
    """Return the index of the grouping with the most groups that a figure can distinguish."""
    sizes = [len(grouping.labels) for grouping in found]
    return max(range(len(found)), key=lambda i: sizes[i] if sizes[i] <= SHOWN_AT_ONCE else 0)


def words(names: tuple[str, ...], values: list[Any]) -> str:
    """Return ``name value, name value``, with short numbers, and yes or no for truth values."""
    return ", ".join(f"{name} {_said(value)}" for name, value in zip(names, values, strict=True))


def _said(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    # A true minus sign, as in figures
    return f"{value:g}".replace("-", "\N{MINUS SIGN}") if np.issubdtype(type(value), np.number) else str(value)


def _candidates(conditions: Conditions) -> Iterator[Grouping]:
    if conditions.values and conditions.n <= MOST_CONDITIONS:
        yield _by(conditions, conditions.names)._replace(name="each condition")
    for number in (1, 2):
        for names in itertools.combinations(conditions.values, number):
            grouping = _by(conditions, names)
            if 1 < len(grouping.labels) <= SHOWN_AT_ONCE:
                yield grouping
    yield Grouping("all trials", [0] * conditions.n, ["all trials"], "", ["all trials"], [0.0], [0])


def _by(conditions: Conditions, names: tuple[str, ...]) -> Grouping:
    ranks = np.stack([np.unique(conditions.values[name], return_inverse=True)[1] for name in names], axis=1)
    _, first, group = np.unique(ranks, axis=0, return_index=True, return_inverse=True)
    values = [[conditions.values[name][i] for name in names] for i in first]
    labels = [words(names, row) for row in values]
    short = [", ".join(_said(value) for value in row) for row in values]
    last = ranks[first, -1]
    shade = last / max(last.max(), 1)
    dash = ranks[first, 0] % 3 if len(names) > 1 else np.zeros(len(first), int)
    return Grouping(
        " and ".join(names), group.ravel().tolist(), labels, ", ".join(names), short, shade.tolist(), dash.tolist()
    )
