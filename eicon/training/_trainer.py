"""Gradient training in compiled chunks of many steps."""

import logging
import os
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
from tqdm.auto import tqdm

from ..models import Parameters, RateRNN
from ..tasks import Task
from ._checkpoint import read_checkpoint, write_checkpoint
from ._checks import check_fit
from ._history import History
from ._losses import LOSSES, Loss
from ._optimizers import clipped, describe_optimizer, make_optimizer, optimizer_state
from ._regularizers import Regularizer
from ._signals import DeferredSignals

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 30.0


class NonFiniteLoss(FloatingPointError):  # noqa: N818
    """The loss or gradient became NaN or infinite; the network is back where it was before."""


class Trainer:
    """Trains a network on a task.

    Trials are sampled and gradients applied inside compiled chunks of many steps; Python is only reached
    between chunks. Step ``s`` draws its trials and noise from the trainer's key folded with ``s`` alone, so
    that a run that was stopped and resumed anywhere gives the same bits as one that was not.

    Parameters
    ----------
    net : RateRNN
        Its trainable variables are changed in place.
    task : Task
        With as many inputs and outputs as the network and the same ``dt``.
    optimizer : str or bp.optim.Optimizer
        A name (adam, adamw, rmsprop, momentum, nesterov, adagrad, sgd) or an instance made without variables.
    learning_rate : float or bp.optim.Scheduler
        For a named optimizer.
    loss : str or callable, optional
        ``"mse"``, ``"cross_entropy"`` or a function of (outputs, trial); default: the task's.
    regularizers : sequence
        `WeightPenalty`, `RatePenalty` or functions of (equation, parameters, activity, trial).
    clip_norm : float or None
        Largest norm of the whole gradient.
    batch_size : int
        Trials per step.
    validation_repeats : int
        Trials per condition in a validation.
    seed : int
        Fixes trials and noise.

    Raises
    ------
    ValueError
        If network and task do not fit, nothing is trainable, or an option is out of range.
    """

    def __init__(
        self,
        net: RateRNN,
        task: Task,
        *,
        optimizer: str | bp.optim.Optimizer = "adam",
        learning_rate: float | bp.optim.Scheduler = 1e-3,
        loss: str | Loss | None = None,
        regularizers: Sequence[Regularizer] = (),
        clip_norm: float | None = 1.0,
        batch_size: int = 32,
        validation_repeats: int = 20,
        seed: int = 0,
    ):
        check_fit(net, task, clip_norm, batch_size)
        self.net, self.task = net, task
        self.batch_size, self.clip_norm = batch_size, clip_norm
        self.regularizers = tuple(regularizers)
        loss = task.loss if loss is None else loss
        if isinstance(loss, str) and loss not in LOSSES:
            raise ValueError(f"unknown loss {loss!r}; allowed: {', '.join(LOSSES)}, or a function.")
        self.loss: Loss = LOSSES[loss] if isinstance(loss, str) else loss
        self._trained = net.trainable_variables()
        self.optimizer = make_optimizer(optimizer, learning_rate, self._trained)
        self._variables: dict[str, bm.Variable] = {**net.variables(), **optimizer_state(self.optimizer)}
        self.history = History()
        self._key, key_validation = jax.random.split(jax.random.key(seed))
        key_trials, self._key_validation_noise = jax.random.split(key_validation)
        self._validation_trials = task.trials(validation_repeats, key=key_trials)
        self._gradient = bm.grad(self._objective, grad_vars=self._trained, has_aux=True, return_value=True)
        self._chunk = bm.jit(self._run_chunk)
        self._evaluate = jax.jit(self._run_evaluation)
        self._setup = {
            "task": _label(task),
            "optimizer": describe_optimizer(self.optimizer),
            "loss": _label(self.loss),
            "regularizers": [_label(regularizer) for regularizer in self.regularizers],
            "clip_norm": clip_norm,
            "batch_size": batch_size,
            "validation_repeats": validation_repeats,
            "seed": seed,
            "network": {**net.equation.constants, "trained": sorted(net.trainable_variables())},
        }

    @property
    def step(self) -> int:
        """Steps done so far."""
        return self.history.n_steps

    def fit(
        self,
        steps: int,
        *,
        stop_when: Callable[[History], bool] | None = None,
        validate_every: int = 50,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int = 500,
        progress: bool = True,
    ) -> History:
        """Train for (at most) so many more steps.

        Parameters
        ----------
        steps : int
        stop_when : callable, optional
            Given the history after each validation; e.g. `AccuracyReached`.
        validate_every : int
            Steps between validations on balanced trials; also the length of a compiled chunk.
        checkpoint : path, optional
            File that the training state is written to every ``checkpoint_every`` steps (at validations), at
            the end, and when training is interrupted or fails; `resume` reads it.
        progress : bool
            Show a progress bar; where there is no terminal, log a line (level INFO) every half minute.

        Returns
        -------
        History
            Of all steps so far, resumed ones included.

        Raises
        ------
        NonFiniteLoss
            If a loss or gradient is NaN or infinite; network and checkpoint stay as they were before that
            chunk of steps.
        KeyboardInterrupt
            On Ctrl-C, after the chunk of steps at hand was done and the checkpoint written (a second Ctrl-C
            does not wait for the chunk).
        """
        if steps < 0 or validate_every < 1 or checkpoint_every < 1:
            raise ValueError(
                "fit needs steps >= 0, validate_every >= 1 and checkpoint_every >= 1; "
                f"got {steps}, {validate_every} and {checkpoint_every}."
            )
        last_step = self.step + steps
        saved_at = self.step
        told_at = time.monotonic()
        shown = tqdm(total=last_step, initial=self.step, unit="step", disable=None if progress else True)
        with DeferredSignals() as signals, shown as bar:
            try:
                while self.step < last_step:
                    signals.deliver()
                    n = min(validate_every - self.step % validate_every, last_step - self.step)
                    self._advance(n, validate=(self.step + n) % validate_every == 0)
                    bar.update(n)
                    bar.set_postfix(self._summary(), refresh=False)
                    if progress and bar.disable and time.monotonic() - told_at > SECONDS_BETWEEN_LINES:
                        logger.info("step %d of %d, %s", self.step, last_step, self._summary())
                        told_at = time.monotonic()
                    if checkpoint is not None and self.step - saved_at >= checkpoint_every:
                        self.save_checkpoint(checkpoint)
                        saved_at = self.step
                    if stop_when is not None and self.step % validate_every == 0 and stop_when(self.history):
                        break
            finally:
                if checkpoint is not None and saved_at != self.step:
                    self.save_checkpoint(checkpoint)
        return self.history

    def save_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Write the whole training state (weights, optimizer, step, history) to one file, atomically."""
        write_checkpoint(path, jax.device_get(self._snapshot()), self.history, self._setup)

    def resume(self, path: str | os.PathLike[str]) -> None:
        """Go back to the state in a checkpoint of the same training.

        Raises
        ------
        FileNotFoundError, ValueError
            If the file is missing, damaged, or of a training with other settings.
        """
        shapes = {name: variable.shape for name, variable in self._variables.items()}
        values, history = read_checkpoint(path, shapes, self._setup, History)
        self._restore({name: _typed_like(self._variables[name].value, value) for name, value in values.items()})
        self.history = history

    def validate(self) -> tuple[float, float]:
        """Loss (without penalties) and accuracy on the balanced validation trials, with noise."""
        loss, accuracy = self._evaluate(self.net.parameters())
        return float(loss), float(accuracy)

    def _run_evaluation(self, parameters: Parameters) -> tuple[jax.Array, jax.Array]:
        equation, trial = self.net.equation, self._validation_trials
        key = self._key_validation_noise if equation.noisy else None
        outputs = equation.simulate(parameters, trial.inputs, key).outputs
        return self.loss(outputs, trial), self.task.accuracy(outputs, trial)

    def _objective(self, step_key: jax.Array) -> tuple[jax.Array, jax.Array]:
        key_trial, key_noise = jax.random.split(step_key)
        trial = self.task.sample(key_trial, self.batch_size)
        parameters = self.net.parameters()
        equation = self.net.equation
        activity = equation.simulate(parameters, trial.inputs, key_noise if equation.noisy else None)
        total = self.loss(activity.outputs, trial)
        for regularizer in self.regularizers:
            total = total + regularizer(equation, parameters, activity, trial)
        return total, self.task.accuracy(activity.outputs, trial)

    def _run_step(self, step: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        gradients, loss, accuracy = self._gradient(jax.random.fold_in(self._key, step))
        gradients, norm = clipped(gradients, self.clip_norm)
        self.optimizer.update(gradients)
        return loss, accuracy, norm

    def _run_chunk(self, steps: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        return bm.for_loop(self._run_step, steps)

    def _advance(self, n: int, *, validate: bool) -> None:
        before, history_before = self._snapshot(), self.history
        start = time.perf_counter()
        try:
            records = self._chunk(jnp.arange(self.step, self.step + n, dtype=jnp.uint32))
            loss, accuracy, norm = (np.asarray(bm.as_jax(record)) for record in records)
            self._check_finite(loss, norm)
            seconds_before = self.history.seconds[-1] if self.step else 0.0
            seconds = seconds_before + (time.perf_counter() - start) * np.arange(1, n + 1) / n
            history = self.history.extended(loss=loss, accuracy=accuracy, grad_norm=norm, seconds=seconds)
            if validate:
                validation_loss, validation_accuracy = self.validate()
                history = history.extended(
                    validation_step=history.n_steps,
                    validation_loss=validation_loss,
                    validation_accuracy=validation_accuracy,
                )
            self.history = history
        except BaseException:
            # Together, or an interrupt in between would pair weights with the history of another step.
            self._restore(before)
            self.history = history_before
            raise

    def _check_finite(self, loss: np.ndarray, norm: np.ndarray) -> None:
        bad = ~(np.isfinite(loss) & np.isfinite(norm))
        if bad.any():
            step = self.step + int(np.argmax(bad)) + 1
            raise NonFiniteLoss(
                f"loss or gradient became NaN or infinite at step {step}; the network was put back to step "
                f"{self.step}. Likely causes: learning_rate too high, no clip_norm, or NaN in the task's inputs."
            )

    def _snapshot(self) -> dict[str, jax.Array]:
        return {name: variable.value for name, variable in self._variables.items()}

    def _restore(self, values: dict[str, jax.Array]) -> None:
        for name, variable in self._variables.items():
            variable.value = values[name]

    def _summary(self) -> dict[str, str]:
        recent = self.history.loss[-50:]
        summary = {"loss": f"{recent.mean():.4f}"}
        if len(self.history.validation_accuracy):
            summary["accuracy"] = f"{self.history.validation_accuracy[-1]:.1%}"
        return summary


def _label(value: Any) -> str:
    # The repr of a function holds its address, which another process does not have.
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def _typed_like(current: jax.Array, value: np.ndarray) -> jax.Array:
    # Optimizers count steps in weakly typed scalars; strong ones would have every chunk compiled once more.
    return jnp.asarray(value.item()) if current.weak_type and value.ndim == 0 else jnp.asarray(value)
