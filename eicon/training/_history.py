"""What happened during training, as arrays."""

import csv
import io
from dataclasses import dataclass, field, fields, replace
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike


def _empty() -> np.ndarray:
    return np.zeros(0)


R = TypeVar("R", bound="_Record")


class _Record:
    """Arrays that grow."""

    def extended(self: R, **values: ArrayLike) -> R:
        """Longer record; each value is appended to its field."""
        joined = {}
        for name, new in values.items():
            old = getattr(self, name)
            joined[name] = np.concatenate([old, np.atleast_1d(np.asarray(new, old.dtype))])
        return replace(self, **joined)  # type: ignore[type-var]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Fields by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]


@dataclass(frozen=True)
class EpochHistory(_Record):
    """Record of training on fixed trials.

    Attributes
    ----------
    train_loss, train_accuracy : (E,) over the epoch's batches, each before it changed the network
    validation_loss, validation_accuracy : (E,) after the epoch
    seconds : (E,) wall time since the beginning of training, compilation included, summed over resumed sessions
    """

    train_loss: np.ndarray = field(default_factory=_empty)
    train_accuracy: np.ndarray = field(default_factory=_empty)
    validation_loss: np.ndarray = field(default_factory=_empty)
    validation_accuracy: np.ndarray = field(default_factory=_empty)
    seconds: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def n_epochs(self) -> int:
        """Epochs done so far."""
        return len(self.train_loss)


@dataclass(frozen=True)
class History(_Record):
    """Training record.

    Attributes
    ----------
    loss, accuracy, grad_norm : (S,) at each step, on that step's batch; ``grad_norm`` is taken before clipping
    seconds : (S,) wall time since the beginning of training, summed over resumed sessions
    validation_step : (V,) steps done when a validation was made
    validation_loss, validation_accuracy : (V,) on the balanced validation trials
    validation_worst : (V,) accuracy in the condition in which it is lowest
    """

    loss: np.ndarray = field(default_factory=_empty)
    accuracy: np.ndarray = field(default_factory=_empty)
    grad_norm: np.ndarray = field(default_factory=_empty)
    seconds: np.ndarray = field(default_factory=lambda: np.zeros(0))
    validation_step: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    validation_loss: np.ndarray = field(default_factory=_empty)
    validation_accuracy: np.ndarray = field(default_factory=_empty)
    validation_worst: np.ndarray = field(default_factory=_empty)

    @property
    def n_steps(self) -> int:
        """Steps done so far."""
        return len(self.loss)

    def to_csv(self) -> str:
        """One row a step; validation columns are empty where none was made."""
        validated = {int(s): i for i, s in enumerate(self.validation_step)}
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        validation = [name for name in self.to_arrays() if name.startswith("validation_") and name != "validation_step"]
        writer.writerow(["step", "loss", "accuracy", "grad_norm", "seconds", *validation])
        for i in range(self.n_steps):
            numbers = [_printed(values[i]) for values in (self.loss, self.accuracy, self.grad_norm)]
            at = validated.get(i + 1)
            found = ["" if at is None else _printed(getattr(self, name)[at]) for name in validation]
            writer.writerow([i + 1, *numbers, f"{self.seconds[i]:.3f}", *found])
        return out.getvalue()


def _printed(value: float) -> str:
    """Fewest digits that give the number back, in single precision if it has no more."""
    with np.errstate(over="ignore"):
        single = np.float32(value)
    return str(single if single == value or np.isnan(value) else np.float64(value))


@dataclass(frozen=True)
class AccuracyReached:
    """Stop when the mean of the last ``window`` validation accuracies is at least ``threshold``.

    With ``worst``, the accuracy that counts is that in the condition in which it is lowest.
    """

    threshold: float
    window: int = 5
    worst: bool = False

    def __post_init__(self) -> None:
        if not (0 < self.threshold <= 1 and self.window >= 1):
            raise ValueError(
                f"a stop criterion needs threshold in (0, 1] and window >= 1; got {self.threshold} and {self.window}."
            )

    def __call__(self, history: History) -> bool:
        """Whether training can stop."""
        last = (history.validation_worst if self.worst else history.validation_accuracy)[-self.window :]
        return len(last) == self.window and float(np.mean(last)) >= self.threshold


@dataclass(frozen=True)
class LossReached:
    """Stop when the mean of the last ``window`` validation losses is at most ``threshold``."""

    threshold: float
    window: int = 5

    def __post_init__(self) -> None:
        if not (self.threshold > 0 and self.window >= 1):
            raise ValueError(
                f"a stop criterion needs threshold > 0 and window >= 1; got {self.threshold} and {self.window}."
            )

    def __call__(self, history: History) -> bool:
        """Whether training can stop."""
        last = history.validation_loss[-self.window :]
        return len(last) == self.window and float(np.mean(last)) <= self.threshold
