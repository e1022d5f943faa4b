"""Gradient training in compiled chunks of many steps."""

import os
import time
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from .._brainpy import bm, bp
from ..models import Leaky, RateRNN
from ..models._cells import State
from ..models._network import Parameters
from ..tasks import Task
from ._checkpoint import read_checkpoint
from ._checks import check_fit
from ._history import History
from ._losses import Loss
from ._optimizers import clipped, describe_optimizer, make_optimizer, optimizer_state
from ._regularizers import Regularizer
from ._session import NonFiniteLoss, Session, label
from ._vanishing import VanishingGradient, currents_cotangents


class Trainer(Session):
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
        `WeightPenalty`, `RatePenalty`, `VanishingGradient` or functions of (network, activity, trial).
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
        regularizers: Sequence[Regularizer | VanishingGradient] = (),
        clip_norm: float | None = 1.0,
        batch_size: int = 32,
        validation_repeats: int = 20,
        seed: int = 0,
    ):
        check_fit(net, task, clip_norm, batch_size)
        penalties = [r for r in regularizers if not isinstance(r, VanishingGradient)]
        super().__init__(net, task, loss, penalties, validation_repeats, seed)
        self.batch_size, self.clip_norm = batch_size, clip_norm
        self._trained = net.trainable_variables()
        self.optimizer = make_optimizer(optimizer, learning_rate, self._trained)
        self._variables: dict[str, bm.Variable] = {**net.variables(), **optimizer_state(self.optimizer)}
        self.history = History()
        self._vanishing = [r for r in regularizers if isinstance(r, VanishingGradient)]
        if self._vanishing and not isinstance(net.cell, Leaky):
            raise ValueError(
                f"VanishingGradient is defined for currents that leak, with the cell Leaky alone; got {net.cell!r}."
            )
        probed = 1 if self._vanishing else None
        self._gradient = bm.grad(
            self._objective, grad_vars=self._trained, argnums=probed, has_aux=True, return_value=True
        )
        self._chunk = bm.jit(self._run_chunk)
        self._setup = {
            "task": label(task),
            "optimizer": describe_optimizer(self.optimizer),
            "loss": label(self.loss),
            "regularizers": [label(regularizer) for regularizer in regularizers],
            "clip_norm": clip_norm,
            "batch_size": batch_size,
            "validation_repeats": validation_repeats,
            "seed": seed,
            "network": net.constants,
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
        snapshots: str | os.PathLike[str] | None = None,
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
        snapshots : path, optional
            Directory in which the network is kept as it was at step 0, every ``checkpoint_every`` steps (at
            validations) and at the end: ``step_00000.npz`` and so on, which `eicon.models.load` reads. A resumed
            training writes the same files as one that was not interrupted.
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
        self._loop(
            steps,
            stop_when=stop_when,
            validate_every=validate_every,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
            snapshots=snapshots,
            progress=progress,
        )
        return self.history

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

    def _objective(
        self, step_key: jax.Array, probe: jax.Array | None = None
    ) -> tuple[jax.Array, tuple[jax.Array, State]]:
        key_trial, key_noise = jax.random.split(step_key)
        trial = self.task.sample(key_trial, self.batch_size)
        network = self.net.network
        inputs = trial.inputs.astype(network.dtype)
        activity = network.run(inputs, key_noise if network.noisy else None, current=probe)
        total = self.loss(activity.outputs, trial)
        for regularizer in self.regularizers:
            total = total + regularizer(network, activity, trial)
        return total, (self.task.accuracy(activity.outputs, trial), activity.states)

    def _gradients(self, step_key: jax.Array) -> tuple[dict[str, jax.Array], jax.Array, jax.Array]:
        if not self._vanishing:
            gradients, loss, (accuracy, _) = self._gradient(step_key)
            return gradients, loss, accuracy
        n_steps = jax.eval_shape(lambda key: self.task.sample(key, 1), step_key).n_steps
        network = self.net.network
        probe = jnp.zeros((n_steps, self.batch_size, self.net.n_rec), network.dtype)
        (gradients, of_received), loss, (accuracy, states) = self._gradient(step_key, probe)
        cotangents = currents_cotangents(network, of_received)
        recurrent = {name: value for name, value in network.values().items() if name.endswith("_rec")}

        def omega(raw: Parameters) -> jax.Array:
            changed = network.replaced(raw)
            values = [penalty(changed, states["x"], cotangents) for penalty in self._vanishing]
            return jnp.sum(jnp.stack(values))

        value, by_weights = jax.value_and_grad(omega)(recurrent)
        trained = {name: gradients[name] + by_weights[name] for name in recurrent if name in gradients}
        return {**gradients, **trained}, loss + value, accuracy

    def _run_step(self, step: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        gradients, loss, accuracy = self._gradients(jax.random.fold_in(self._key, step))
        gradients, norm = clipped(gradients, self.clip_norm)
        self.optimizer.update(gradients)
        return loss, accuracy, norm

    def _run_chunk(self, first: jax.Array, n: jax.Array, room: jax.Array) -> jax.Array:
        """Do some steps; loss, accuracy and norm of each, (S, 3), in an array that there is room for.

        Their number ``n`` is not known to the compiler, which would take a loop of a single step apart, and round its
        sums in another way than those of longer ones.
        """

        def one(i: jax.Array, records: jax.Array) -> tuple[jax.Array, jax.Array]:
            found = jnp.stack([value.astype(records.dtype) for value in self._run_step(first + i)])
            return i + 1, records.at[i].set(found)

        return bm.while_loop(one, lambda i, _: i < n, (jnp.uint32(0), room))[1]

    def _advance(self, n: int, *, validate: bool) -> None:
        before, history_before = self._snapshot(), self.history
        start = time.perf_counter()
        try:
            room = jnp.zeros((n, 3), self.net.network.dtype)
            records = self._chunk(jnp.uint32(self.step), jnp.uint32(n), room)
            loss, accuracy, norm = np.asarray(bm.as_jax(records)).T
            self._check_finite(loss, norm)
            seconds_before = self.history.seconds[-1] if self.step else 0.0
            seconds = seconds_before + (time.perf_counter() - start) * np.arange(1, n + 1) / n
            history = self.history.extended(loss=loss, accuracy=accuracy, grad_norm=norm, seconds=seconds)
            self.history = self._validated(history) if validate else history
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


def _typed_like(current: jax.Array, value: np.ndarray) -> jax.Array:
    # Optimizers count steps in weakly typed scalars; strong ones would have every chunk compiled once more.
    return jnp.asarray(value.item()) if current.weak_type and value.ndim == 0 else jnp.asarray(value)
