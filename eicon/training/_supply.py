"""Sources of training trials: drawn at every step, or a fixed set in batches."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .._numbers import whole
from ..tasks import Trial

MEANS = ("steps", "batches")


class Run(NamedTuple):
    """Consecutive steps with batches of one size.

    Attributes
    ----------
    stack : index of the supply's stack of batches; None if trials are drawn
    place : index of the first step's batch in the stack
    n : number of steps
    """

    stack: int | None
    place: int
    n: int


@dataclass(frozen=True)
class Sampled:
    """Random trials, drawn at every step from only the step number and the trainer's seed.

    Parameters
    ----------
    batch_size : int
        Trials per step.
    same : bool
        Use the same trials and the same noise in every step.
    """

    stacks: ClassVar[tuple[Trial, ...]] = ()

    batch_size: int = 32
    same: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "batch_size", at_least_one(self.batch_size))

    def runs(self, step: int, n: int) -> Iterator[Run]:
        """Yield the steps from ``step`` on, in one run."""
        yield Run(None, 0, n)

    def describe(self) -> Any:
        """Return the settings, JSON-compatible."""
        return {"kind": "sampled", "batch_size": self.batch_size, "same": self.same}


@dataclass(frozen=True, eq=False)
class Fixed:
    """A fixed set of trials, in batches in the same order in every epoch; the last batch may be smaller.

    Parameters
    ----------
    train, validation : Trial
        Trials to train on, and to validate on; see `split_trials`.
    batch_size : int
        Trials per step.
    mean : {"steps", "batches"}
        Average that is the loss of an epoch and of the validation trials: each scored step counts equally ("steps"), or
        each batch, whatever its size ("batches").
    """

    train: Trial
    validation: Trial
    batch_size: int = 128
    mean: str = "steps"

    def __post_init__(self) -> None:
        object.__setattr__(self, "batch_size", at_least_one(self.batch_size))
        if self.mean not in MEANS:
            raise ValueError(f"unknown mean {self.mean!r}; allowed: {', '.join(MEANS)}.")
        for name in ("train", "validation"):
            trials = getattr(self, name)
            if not isinstance(trials, Trial):
                raise TypeError(f"{name} must be trials, from task.trials or split_trials; got {trials!r:.60}.")
            if not trials.batch_size:
                raise ValueError(f"{name} contains no trials.")

    def describe(self) -> Any:
        """Return settings and digests of the trials, JSON-compatible."""
        digests = [_digest(trials) for trials in (self.train, self.validation)]
        return {"kind": "fixed", "trials": digests, "batch_size": self.batch_size, "mean": self.mean}

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch."""
        return -(-self.train.batch_size // self.batch_size)

    @cached_property
    def stacks(self) -> tuple[Trial, ...]:
        """Stacks of batches of one size each, on a leading axis."""
        n, size, there = self.train.batch_size, self.batch_size, jax.device_get(self.train)
        batches = [part(there, slice(start, start + size)) for start in range(0, n, size)]
        groups = [group for group in (batches[: n // size], batches[n // size :]) if group]
        return tuple(jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *group) for group in groups)

    def runs(self, step: int, n: int) -> Iterator[Run]:
        """Yield the steps from ``step`` on, in runs of batches of one size."""
        sizes = [stack.mask.shape[0] for stack in self.stacks]
        if len(sizes) == 1:
            yield Run(0, step % sizes[0], n)  # across consecutive epochs
            return
        starts = np.concatenate([[0], np.cumsum(sizes)])
        while n > 0:
            place = step % starts[-1]
            stack = int(np.searchsorted(starts, place, "right")) - 1
            now = min(n, int(starts[stack + 1] - place))
            yield Run(stack, int(place - starts[stack]), now)
            step, n = step + now, n - now

    def by_epoch(self, history: Any) -> dict[str, np.ndarray]:
        """Return curves over the E completed epochs, each (E,).

        ``train_loss`` and ``train_accuracy`` are means over the epoch's batches, each measured before its update of the
        network; ``validation_loss`` and ``validation_accuracy`` are measured after the epoch, NaN without a validation;
        ``seconds`` is the time.
        """
        k = self.steps_per_epoch
        n = history.n_steps // k
        scored = [np.asarray(stack.mask, float).sum(axis=(1, 2)) for stack in self.stacks]
        sizes = [np.full(stack.mask.shape[0], stack.mask.shape[2], float) for stack in self.stacks]
        weights = {"loss": np.concatenate(scored), "accuracy": np.concatenate(sizes)}
        curves = {}
        for name, weight in weights.items():
            weight = np.ones(k) if self.mean == "batches" else weight
            curves[f"train_{name}"] = history[name][: n * k].reshape(n, k) @ weight / weight.sum()
        ends = np.arange(1, n + 1) * k
        for name in ("validation_loss", "validation_accuracy"):
            found = dict(zip(history.validation_step.tolist(), history[name], strict=True))
            curves[name] = np.array([found.get(end, np.nan) for end in ends.tolist()])
        return curves | {"seconds": history.seconds[ends - 1]}


def at_least_one(batch_size: Any) -> int:
    """Check the number of trials of a step."""
    n = whole(batch_size, "batch_size")
    if n < 1:
        raise ValueError(f"batch_size must be at least 1; got {n}.")
    return n


def _digest(trials: Trial) -> str:
    content = hashlib.sha256()
    for array in (trials.inputs, trials.targets, trials.mask):
        content.update(np.asarray(array).tobytes())
    return content.hexdigest()[:16]


def part(trials: Trial, chosen: Any) -> Trial:
    """Return some of the trials, by an index or slice of the axis of trials."""
    conditions = {name: values[chosen] for name, values in trials.conditions.items()}
    epochs = {name: spans[chosen] for name, spans in trials.epochs.items()}
    return Trial(trials.inputs[:, chosen], trials.targets[:, chosen], trials.mask[:, chosen], conditions, epochs)


def split_trials(trials: Trial, train_size: float, *, key: jax.Array) -> tuple[Trial, Trial]:
    """Divide trials at random into ``round(train_size * n)`` to train on and the others to validate with.

    Parameters
    ----------
    trials : Trial
    train_size : float
        Fraction to train on, in (0, 1).
    key : jax.Array
        Random key of the division.

    Returns
    -------
    (Trial, Trial)
        Trials to train on, and to validate with.

    Raises
    ------
    ValueError
        If a part would be empty.
    """
    n = trials.batch_size
    n_train = round(train_size * n)
    if not 0 < n_train < n:
        raise ValueError(f"train_size {train_size} of {n} trials leaves {n_train} to train on; both parts need trials.")
    order = np.asarray(jax.random.permutation(key, n))
    return _cut(trials, order[:n_train]), _cut(trials, order[n_train:])


def _cut(trials: Trial, chosen: np.ndarray) -> Trial:
    """Return some of the trials, keeping the order of conditions and epochs."""

    def take(values: Any, axis: int = 0) -> Any:
        # NumPy cuts trials up: JAX would compile, and keep, a program for every slice of every shape.
        cut = np.take(np.asarray(values), chosen, axis=axis)
        return jnp.asarray(cut) if isinstance(values, jax.Array) else cut

    conditions = {name: take(values) for name, values in trials.conditions.items()}
    epochs = {name: take(spans) for name, spans in trials.epochs.items()}
    return Trial(take(trials.inputs, 1), take(trials.targets, 1), take(trials.mask, 1), conditions, epochs)
