"""Tasks trained one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..tasks import Task
from ._history import AccuracyReached, History, LossReached

Criterion = Callable[[History], bool]


class Stage(NamedTuple):
    """A task, and the rule that ends it, such as `AccuracyReached`; None if only the number of steps ends it."""

    task: Task
    criterion: Criterion | None = None


@dataclass(frozen=True)
class Curriculum:
    """Tasks trained one after the other; the optimiser's state, the steps and the random stream continue.

    A stage ends at the validation at which its criterion, evaluated on the history of that stage, is met. The
    criterion of the last stage ends the training.

    Parameters
    ----------
    stages : sequence of (Task, criterion)
        Stages with the same channels and steps ``dt``; the last criterion may be None.

    Raises
    ------
    ValueError
        If there is no stage, tasks do not match, or a stage before the last has no criterion.

    Examples
    --------
    >>> from eicon.tasks import DelayedMatchToSample
    >>> from eicon.training import AccuracyReached
    >>> delays = [(DelayedMatchToSample(delay=delay), AccuracyReached(0.9)) for delay in (200.0, 500.0, 1000.0)]
    >>> len(Curriculum(delays).stages)
    3
    """

    stages: Sequence[Any]

    def __post_init__(self) -> None:
        stages = tuple(Stage(*stage) if isinstance(stage, tuple | list) else Stage(stage) for stage in self.stages)
        object.__setattr__(self, "stages", stages)
        if not stages:
            raise ValueError("a curriculum needs at least one stage: (task, criterion).")
        first = stages[0].task
        for i, (task, criterion) in enumerate(stages):
            if not isinstance(task, Task):
                raise TypeError(f"stage {i} of a curriculum must be (task, criterion); got {task!r:.60} as its task.")
            if (task.n_in, task.n_out, task.dt) != (first.n_in, first.n_out, first.dt):
                raise ValueError(
                    f"all tasks of a curriculum must have the same channels and dt; stage {i} has {task.n_in} inputs, "
                    f"{task.n_out} outputs and {task.dt:g} ms, stage 0 {first.n_in}, {first.n_out} and {first.dt:g}."
                )
            if criterion is None and i < len(stages) - 1:
                raise ValueError(f"stage {i} of a curriculum has no criterion, and would never end.")


def criterion_of(task: Task) -> AccuracyReached | LossReached:
    """Return the rule for a task's own criterion.

    Raises
    ------
    ValueError
        If the task has no criterion.
    """
    if not np.isfinite(task.criterion):
        raise ValueError(f"{type(task).__name__} has no criterion; stop_when needs a rule, e.g. AccuracyReached(0.9).")
    if task.criterion_of == "loss":
        return LossReached(task.criterion)
    return AccuracyReached(task.criterion, worst=task.criterion_of == "worst")
