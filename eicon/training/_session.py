"""What the trainers of random trials share: validation, the loop with its checkpoints, and the way back."""

import logging
import os
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from tqdm.auto import tqdm

from .._brainpy import bm
from .._key import key as key_of
from ..models import RateRNN, save
from ..models._network import Parameters
from ..tasks import Task, Trial
from ._checkpoint import write_checkpoint
from ._history import History
from ._losses import LOSSES, Loss
from ._regularizers import Regularizer
from ._signals import DeferredSignals

R = TypeVar("R", bound=History)

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 30.0


class NonFiniteLoss(FloatingPointError):  # noqa: N818
    """The loss or gradient became NaN or infinite; the network is back where it was before."""


class Validation(NamedTuple):
    """What `Session.validate` measures: loss (without penalties), accuracy, and that in the worst condition."""

    loss: float
    accuracy: float
    worst: float


class Session(ABC):
    """A network that is being trained on random trials of a task.

    A subclass fills `_variables` (all that a checkpoint holds) and `_setup` (what it must have been made with), and
    says how to `_advance`.
    """

    unit = "step"
    history: History
    _variables: dict[str, bm.Variable]
    _setup: dict[str, Any]

    def __init__(
        self,
        net: RateRNN,
        task: Task,
        loss: str | Loss | None,
        regularizers: Sequence[Regularizer],
        validation_repeats: int,
        seed: int,
    ):
        loss = task.loss if loss is None else loss
        if isinstance(loss, str) and loss not in LOSSES:
            raise ValueError(f"unknown loss {loss!r}; allowed: {', '.join(LOSSES)}, or a function.")
        self.net, self.task = net, task
        self.loss: Loss = LOSSES[loss] if isinstance(loss, str) else loss
        self.regularizers = tuple(regularizers)
        self._key, key_validation = jax.random.split(key_of(seed))
        key_trials, self._key_validation_noise = jax.random.split(key_validation)
        self._validation_trials = task.trials(validation_repeats, key=key_trials)
        self._conditions = _by_condition(task, self._validation_trials)
        self._evaluate = jax.jit(self._run_evaluation)

    @abstractmethod
    def _advance(self, n: int, *, validate: bool) -> None:
        """Do ``n`` steps and append them to the history; after an error all is as before."""

    def _chunk_length(self, left: int, to_validation: int) -> int:
        """Steps to do at a time."""
        return min(left, to_validation)

    def save_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Write the whole training state to one file, atomically."""
        write_checkpoint(path, jax.device_get(self._snapshot()), self.history, self._setup)

    def validate(self) -> Validation:
        """Measure the network on the balanced validation trials, with noise."""
        return Validation(*(float(value) for value in self._evaluate(self.net.parameters())))

    def _run_evaluation(self, parameters: Parameters) -> tuple[jax.Array, jax.Array, jax.Array]:
        network, trial = self.net.network.replaced(parameters), self._validation_trials
        inputs = trial.inputs.astype(network.dtype)
        outputs = network.run(inputs, self._key_validation_noise if network.noisy else None).outputs
        correct = self.task.correct(outputs, trial)[None]
        by_condition = jnp.nanmean(jnp.where(self._conditions, correct, jnp.nan), axis=1)
        return self.loss(outputs, trial), self.task.accuracy(outputs, trial), by_condition.min()

    def _validated(self, history: R) -> R:
        """History with a validation of the network as it is now."""
        found = self.validate()
        return history.extended(
            validation_step=history.n_steps,
            validation_loss=found.loss,
            validation_accuracy=found.accuracy,
            validation_worst=found.worst,
        )

    def _loop(
        self,
        steps: int,
        *,
        stop_when: Callable[[History], bool] | None,
        validate_every: int,
        checkpoint: str | os.PathLike[str] | None,
        checkpoint_every: int,
        snapshots: str | os.PathLike[str] | None,
        progress: bool,
    ) -> None:
        if steps < 0 or validate_every < 1 or checkpoint_every < 1:
            raise ValueError(
                f"fit needs {self.unit}s >= 0, validate_every >= 1 and checkpoint_every >= 1; "
                f"got {steps}, {validate_every} and {checkpoint_every}."
            )
        last = self.history.n_steps + steps
        saved_at = self.history.n_steps
        told_at = time.monotonic()
        shown = tqdm(total=last, initial=saved_at, unit=self.unit, disable=None if progress else True)
        with DeferredSignals() as signals, shown as bar:
            try:
                if snapshots is not None and not self.history.n_steps:
                    self._keep_snapshot(snapshots)
                while (done := self.history.n_steps) < last:
                    signals.deliver()
                    n = self._chunk_length(last - done, validate_every - done % validate_every)
                    validated = (done + n) % validate_every == 0
                    self._advance(n, validate=validated)
                    bar.update(n)
                    bar.set_postfix(self._summary(), refresh=False)
                    if progress and bar.disable and time.monotonic() - told_at > SECONDS_BETWEEN_LINES:
                        logger.info("%s %d of %d, %s", self.unit, self.history.n_steps, last, self._summary())
                        told_at = time.monotonic()
                    # At fixed steps, wherever training was interrupted, and before the checkpoint that it resumes from.
                    if snapshots is not None and self.history.n_steps // checkpoint_every > done // checkpoint_every:
                        self._keep_snapshot(snapshots)
                    if checkpoint is not None and self.history.n_steps - saved_at >= checkpoint_every:
                        self.save_checkpoint(checkpoint)
                        saved_at = self.history.n_steps
                    if stop_when is not None and validated and stop_when(self.history):
                        break
                if snapshots is not None:
                    self._keep_snapshot(snapshots)
            finally:
                if checkpoint is not None and saved_at != self.history.n_steps:
                    self.save_checkpoint(checkpoint)

    def _keep_snapshot(self, folder: str | os.PathLike[str]) -> None:
        save(self.net, Path(folder) / f"step_{self.history.n_steps:05d}.npz")

    def _snapshot(self) -> dict[str, jax.Array]:
        return {name: variable.value for name, variable in self._variables.items()}

    def _restore(self, values: dict[str, jax.Array]) -> None:
        for name, variable in self._variables.items():
            variable.value = values[name]

    def _summary(self) -> dict[str, str]:
        recent = self.history.loss[-50:]
        summary = {"loss": f"{np.mean(recent):.4g}"}
        if len(self.history.validation_accuracy):
            summary["accuracy"] = f"{self.history.validation_accuracy[-1]:.1%}"
        return summary


def _by_condition(task: Task, trials: Trial) -> np.ndarray:
    """Which trials are of each condition that there is, bool (n_conditions, B)."""
    shown = [np.asarray(trials.conditions[name]) for name in task.condition_grid() if name in trials.conditions]
    rows = np.stack([np.zeros(trials.batch_size), *shown], axis=1)
    found, which = np.unique(rows, axis=0, return_inverse=True)
    return np.arange(len(found))[:, None] == which.reshape(1, -1)


def label(value: Any) -> str:
    """Representation that is the same in every process: that of a function holds its address."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
