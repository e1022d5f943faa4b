"""Record of a training as named arrays, and stopping rules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._files import csv_table

STEPS = ("loss", "accuracy", "grad_norm", "stage", "seconds", "compile_seconds", "validation_seconds")
VALIDATIONS = ("validation_step", "validation_loss", "validation_accuracy", "validation_worst")
WHOLE = {"stage": np.int64, "validation_step": np.int64, "cg_iterations": np.int64}
"""Columns of whole numbers."""


class History(Mapping[str, np.ndarray]):
    """Record of a training: a mapping of named arrays, which are also attributes.

    Attributes
    ----------
    loss, accuracy, grad_norm : (S,) at each step, on that step's trials; ``grad_norm`` is taken before clipping,
        ``loss`` includes penalties, and ``accuracy`` is the mean score, or for a fit to a recording the explained
        variance
    stage : (S,) index of the trained task in a sequence of stages, counted from 0
    seconds : (S,) total wall time since training started, summed over resumed sessions
    compile_seconds, validation_seconds : (S,) parts of ``seconds`` spent compiling and validating
    validation_step : (V,) steps done before each validation
    validation_loss, validation_accuracy : (V,) on the validation trials
    validation_worst : (V,) accuracy in the condition in which it is lowest
    damping, cg_iterations, reduction_ratio, step_size : (S,) further columns of the learner; these are from
        `eicon.training.HessianFree`
    """

    def __init__(self, arrays: Mapping[str, ArrayLike] | None = None) -> None:
        given = dict(arrays or {})
        self._arrays = {name: np.zeros(0, WHOLE.get(name, float)) for name in (*STEPS, *VALIDATIONS)}
        self._arrays |= {name: np.asarray(values, WHOLE.get(name, float)) for name, values in given.items()}
        for names in ([name for name in self._arrays if name not in VALIDATIONS], VALIDATIONS):
            if len({self._arrays[name].shape for name in names}) > 1 or self._arrays[names[0]].ndim != 1:
                shapes = ", ".join(f"{name} {self._arrays[name].shape}" for name in names)
                raise ValueError(f"columns of a history must be equally long lists; got {shapes}.")

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __getattr__(self, name: str) -> np.ndarray:
        arrays = self.__dict__.get("_arrays", {})
        if name not in arrays:
            raise AttributeError(f"a history has no {name!r}; it has {', '.join(arrays)}.")
        return arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        if not self.n_steps:
            return "History(no steps)"
        last = [f"loss {np.mean(self.loss[-50:]):.4g}"]
        if len(self.validation_accuracy):
            last.append(f"validation score {self.validation_accuracy[-1]:.3g}")
        return f"History({self.n_steps} steps in {self.seconds[-1]:.1f} s, {', '.join(last)})"

    @property
    def n_steps(self) -> int:
        """Steps done so far."""
        return len(self._arrays["loss"])

    def extended(self, **values: ArrayLike) -> "History":
        """Return a longer history; each value is appended to its column.

        Columns of a learner are NaN (or 0, for counts) in steps of a different one.
        """
        longer = dict(self._arrays)
        for name, new in values.items():
            before = longer.get(name, _unknown(name, self.n_steps))
            longer[name] = np.concatenate([before, np.atleast_1d(np.asarray(new, before.dtype))])
        n = len(longer["loss"])
        for name in longer.keys() - {*STEPS, *VALIDATIONS}:
            longer[name] = np.append(longer[name], _unknown(name, n - len(longer[name])))
        made = History.__new__(History)
        made._arrays = longer
        return made

    def until(self, **values: float) -> "History":
        """Return the history with different values for its last step."""
        longer = dict(self._arrays)
        for name, value in values.items():
            longer[name] = np.append(longer[name][:-1], value)
        made = History.__new__(History)
        made._arrays = longer
        return made

    def of_stage(self, stage: int) -> "History":
        """Return the part of one stage; its ``validation_step`` still counts from the start of training."""
        steps = self.stage == stage
        first = int(np.argmax(steps)) if steps.any() else self.n_steps
        made = (self.validation_step > first) & (self.validation_step <= first + int(steps.sum()))
        return History({name: values[made if name in VALIDATIONS else steps] for name, values in self._arrays.items()})

    def to_csv(self) -> str:
        """Return a table with a row for each step; validation columns are empty for steps without one."""
        validated = {int(step): i for i, step in enumerate(self.validation_step)}
        validation = VALIDATIONS[1:]
        timed = ("seconds", "compile_seconds", "validation_seconds")
        numbers = [name for name in self if name not in (*VALIDATIONS, *timed)]
        rows: list[list[Any]] = [["step", *numbers, *timed, *validation]]
        for i in range(self.n_steps):
            at = validated.get(i + 1)
            row = [_printed(self[name][i]) for name in numbers] + [f"{self[name][i]:.3f}" for name in timed]
            rows.append([i + 1, *row, *("" if at is None else _printed(self[name][at]) for name in validation)])
        return csv_table(rows)


def _unknown(name: str, n: int) -> np.ndarray:
    """Return a column for ``n`` steps in which it was not recorded."""
    return np.zeros(n, np.int64) if name in WHOLE else np.full(n, np.nan)


def _printed(value: Any) -> str:
    """Format a number with the fewest digits that restore it, in single precision if it has no more."""
    if np.issubdtype(type(value), np.integer):
        return str(value)
    with np.errstate(over="ignore"):
        single = np.float32(value)
    return str(single if single == value or np.isnan(value) else np.float64(value))


@dataclass(frozen=True)
class AccuracyReached:
    """Stop when the mean of the last ``window`` validation accuracies is at least ``threshold``.

    With ``worst``, the accuracy in the worst condition counts.
    """

    threshold: float
    window: int = 5
    worst: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise ValueError(f"threshold must be in (0, 1], a fraction; got {self.threshold}.")
        if not self.window >= 1:
            raise ValueError(f"window must be at least 1; got {self.window}.")

    def __call__(self, history: History) -> bool:
        """Return True if training can stop."""
        last = (history.validation_worst if self.worst else history.validation_accuracy)[-self.window :]
        return len(last) == self.window and float(np.mean(last)) >= self.threshold


@dataclass(frozen=True)
class LossReached:
    """Stop when the mean of the last ``window`` validation losses is at most ``threshold``."""

    threshold: float
    window: int = 5

    def __post_init__(self) -> None:
        if not self.threshold > 0:
            raise ValueError(f"threshold must be > 0; got {self.threshold}.")
        if not self.window >= 1:
            raise ValueError(f"window must be at least 1; got {self.window}.")

    def __call__(self, history: History) -> bool:
        """Return True if training can stop."""
        last = history.validation_loss[-self.window :]
        return len(last) == self.window and float(np.mean(last)) <= self.threshold


@dataclass(frozen=True)
class Patience:
    """Stop when none of the last ``validations`` was better than the best before them.

    Parameters
    ----------
    validations : int
        Number of validations to wait for.
    of : {"loss", "accuracy", "worst"}
        Quantity that must improve.
    least : float
        Smallest improvement that counts.
    """

    validations: int = 20
    of: str = "loss"
    least: float = 0.0

    def __post_init__(self) -> None:
        if self.validations < 1 or not self.least >= 0:
            raise ValueError(f"patience needs validations >= 1 and least >= 0; got {self.validations}, {self.least}.")
        if self.of not in ("loss", "accuracy", "worst"):
            raise ValueError(f"patience watches the validation's loss, accuracy or worst; got {self.of!r}.")

    def __call__(self, history: History) -> bool:
        """Return True if training can stop."""
        values = history[f"validation_{self.of}"]
        values = -values if self.of == "loss" else values
        if len(values) <= self.validations:
            return False
        best, recent = values[: -self.validations], values[-self.validations :]
        if not np.isfinite(best).any():
            return False
        return not (recent > np.nanmax(best) + self.least).any()
