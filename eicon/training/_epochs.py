"""Training on a fixed set of trials, in epochs, as the memory experiments of Goulas et al. (2021) do."""

import hashlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from tqdm.auto import tqdm

from .._brainpy import bm
from .._key import key as key_of
from ..models import Network, RateRNN
from ..models._thread import ensure_defaults
from ..tasks import Task, Trial
from ._checkpoint import read_checkpoint, write_checkpoint
from ._checks import check_fit
from ._history import EpochHistory
from ._losses import LOSSES
from ._optimizers import clipped, make_optimizer, optimizer_state
from ._signals import DeferredSignals

logger = logging.getLogger(__name__)

MEANS: tuple[str, ...] = ("steps", "batches")
SECOND_BIAS = "b_rec_second"
EPOCHS_PER_CALL = 50
PROGRAMS_KEPT = 8
CURVES = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")

Values = dict[str, jax.Array]


@dataclass(frozen=True)
class _Program:
    """All that is compiled in; networks and trials that differ only in their numbers share it."""

    task: Task
    loss: str
    optimizer: str
    options: tuple[tuple[str, float], ...]
    trained: tuple[str, ...]
    batch_size: int
    mean: str
    clip_norm: float | None

    def outputs(self, network: Network, values: Values, trials: Trial, key: jax.Array) -> jax.Array:
        """What the network answers with these values, (T, B, n_out)."""
        known = {name: values[name] for name in network.values() if name in values}
        if SECOND_BIAS in values:
            known["b_rec"] = known["b_rec"] + values[SECOND_BIAS]
        changed = network.replaced(known)
        return changed.run(trials.inputs.astype(changed.dtype), key if changed.noisy else None).outputs

    def scores(self, outputs: jax.Array, trials: Trial) -> tuple[jax.Array, jax.Array]:
        """Loss and accuracy of all trials: over all scored steps, or (as published) the plain mean over batches."""
        size = self.batch_size if self.mean == "batches" else trials.batch_size
        parts = [slice(start, start + size) for start in range(0, trials.batch_size, size)]
        batches = [(outputs[:, part], _part(trials, part)) for part in parts]
        losses = jnp.stack([LOSSES[self.loss](z, batch) for z, batch in batches])
        return losses.mean(), jnp.stack([self.task.accuracy(z, batch) for z, batch in batches]).mean()


@lru_cache(maxsize=PROGRAMS_KEPT)
def _compiled(
    program: _Program, structure: Any, shapes: tuple[tuple[int, ...], ...]
) -> Callable[..., tuple[Values, jax.Array]]:
    """Epochs with networks and trials of these shapes, compiled; 14 MB each, so that JAX must not keep all."""
    return jax.jit(partial(_train_and_validate, program))


def _run_epochs(
    program: _Program,
    values: Values,
    network: Network,
    batches: tuple[Trial, ...],
    validation: Trial,
    *rest: jax.Array,
) -> tuple[Values, jax.Array]:
    shapes = tuple(np.shape(leaf) for leaf in jax.tree.leaves((network, batches, validation)))
    return _compiled(program, jax.tree.structure(network), shapes)(values, network, batches, validation, *rest)


def _train_and_validate(
    program: _Program,
    values: Values,
    network: Network,
    batches: tuple[Trial, ...],
    validation: Trial,
    key: jax.Array,
    first_epoch: jax.Array,
    n_epochs: jax.Array,
) -> tuple[Values, jax.Array]:
    """Run up to `EPOCHS_PER_CALL` epochs; each of ``batches`` holds batches of one size on its leading axis."""
    trained = {name: bm.TrainVar(values[name]) for name in program.trained}
    optimizer = make_optimizer(program.optimizer, bm.Variable(values["lr"]), trained, **dict(program.options))
    variables = {**trained, **optimizer_state(optimizer)}
    constants = {name: value for name, value in values.items() if name not in variables}

    def objective(weights: Values, trials: Trial, batch_key: jax.Array) -> tuple[jax.Array, jax.Array]:
        outputs = program.outputs(network, {**constants, **weights}, trials, batch_key)
        return LOSSES[program.loss](outputs, trials), program.task.accuracy(outputs, trials)

    def learn(state: Values, batch: tuple[Trial, jax.Array]) -> tuple[Values, tuple[jax.Array, jax.Array]]:
        for name, variable in variables.items():
            variable.value = state[name]
        weights = {name: state[name] for name in trained}
        scores, gradients = jax.value_and_grad(objective, has_aux=True)(weights, *batch)
        optimizer.update(clipped(gradients, program.clip_norm)[0])
        return {name: _like(state[name], variable.value) for name, variable in variables.items()}, scores

    def epoch(i: jax.Array, carried: tuple[Values, jax.Array]) -> tuple[Values, jax.Array]:
        state, records = carried
        epoch_key = jax.random.fold_in(key, first_epoch + i)
        losses, accuracies, steps, sizes = [], [], [], []
        for place, stack in enumerate(batches):
            n, n_trials = stack.mask.shape[0], stack.mask.shape[2]
            keys = jax.random.split(jax.random.fold_in(epoch_key, place), n)
            state, (loss, accuracy) = jax.lax.scan(learn, state, (stack, keys))
            losses.append(loss)
            accuracies.append(accuracy)
            steps.append(stack.mask.astype(loss.dtype).sum(axis=(1, 2)))
            sizes.append(jnp.full(n, n_trials, loss.dtype))
        weights = [jnp.concatenate(parts) for parts in (steps, sizes)]
        if program.mean == "batches":
            weights = [jnp.ones_like(weight) for weight in weights]
        learning = [
            jnp.sum(jnp.concatenate(parts) * weight) / weight.sum()
            for parts, weight in zip((losses, accuracies), weights, strict=True)
        ]
        outputs = program.outputs(
            network, {**constants, **state}, validation, jax.random.fold_in(epoch_key, len(batches))
        )
        scores = jnp.stack([*learning, *program.scores(outputs, validation)])
        return state, records.at[i].set(scores)

    state = {name: values[name] for name in variables}
    records = jnp.full((EPOCHS_PER_CALL, len(CURVES)), jnp.nan, values["lr"].dtype)
    state, records = jax.lax.fori_loop(0, n_epochs, epoch, (state, records))
    return {**values, **state}, records


def _like(before: jax.Array, after: jax.Array) -> jax.Array:
    return jax.lax.convert_element_type(bm.as_jax(after), before.dtype)


class EpochTrainer:
    """Trains a network on a fixed set of trials and validates it on others after every epoch.

    Batches come in the same order in every epoch, and the last one may be smaller. Compiled code is shared by all
    networks of the same sizes, whatever their connections, weights, trials and learning rate are.

    Parameters
    ----------
    net : RateRNN
        Its trainable variables are changed in place by `fit`.
    task : Task
        Scores the trials.
    train, validation : Trial
        Fixed trials.
    optimizer : str
        A name; see `eicon.training.OPTIMIZERS`.
    optimizer_options : mapping, optional
        E.g. ``{"rho": 0.99}`` for rmsprop.
    learning_rate : float
    loss : str, optional
        ``"mse"`` or ``"cross_entropy"``; default: the task's.
    batch_size : int
        Trials per step.
    clip_norm : float or None
        Largest norm of the whole gradient.
    mean : {"steps", "batches"}
        What an epoch's loss is: the mean over all scored steps, or over batches, be they large or small.
    second_bias : array (N,), optional
        Initial value of a second recurrent bias beside the network's, trained like it, as PyTorch's recurrent
        networks have it; `fit` ends by adding it to the network's.
    seed : int
        Fixes the noise of noisy networks.

    Raises
    ------
    ValueError
        If network, task and trials do not fit, or an option is out of range.
    """

    def __init__(
        self,
        net: RateRNN,
        task: Task,
        train: Trial,
        validation: Trial,
        *,
        optimizer: str = "adam",
        optimizer_options: Mapping[str, float] | None = None,
        learning_rate: float = 1e-3,
        loss: str | None = None,
        batch_size: int = 128,
        clip_norm: float | None = None,
        mean: str = "steps",
        second_bias: np.ndarray | None = None,
        seed: int = 0,
    ):
        ensure_defaults()
        loss = task.loss if loss is None else loss
        check_fit(net, task, clip_norm, batch_size)
        _check(task, train, validation, loss, mean, learning_rate)
        self.net, self.task, self.history = net, task, EpochHistory()
        trained = tuple(sorted(net.trainable_variables()))
        self._values: Values = dict(net.parameters())
        if second_bias is not None:
            if "b_rec" not in trained:
                raise ValueError("second_bias needs a network with a bias of its own.")
            self._values[SECOND_BIAS] = jnp.asarray(second_bias, self._values["b_rec"].dtype)
            trained = (*trained, SECOND_BIAS)
        options = tuple(sorted((optimizer_options or {}).items()))
        self._program = _Program(
            task,
            loss,
            optimizer,
            options,
            trained,
            batch_size,
            mean,
            clip_norm,
        )
        dtype = net.network.dtype
        rate = bm.Variable(jnp.asarray(learning_rate, dtype))
        variables = {name: bm.TrainVar(self._values[name]) for name in trained}
        made = make_optimizer(optimizer, rate, variables, **dict(options))
        self._values |= {name: variable.value for name, variable in optimizer_state(made).items()}
        self._values = {name: jax.lax.convert_element_type(value, value.dtype) for name, value in self._values.items()}
        self._network = net.network
        self._batches, self._validation = _stacked(train, batch_size), validation
        self._key = key_of(seed)
        with_second = second_bias is not None
        settings = [loss, optimizer, dict(options), learning_rate, batch_size, clip_norm, mean, with_second, seed]
        self._setup = {
            "network": net.constants,
            "task": repr(task),
            "trials": [_digest(train), _digest(validation)],
            "training": settings,
        }

    @property
    def epoch(self) -> int:
        """Epochs done so far."""
        return self.history.n_epochs

    def fit(
        self,
        epochs: int,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_seconds: float = 60.0,
        progress: bool = True,
    ) -> EpochHistory:
        """Train for so many more epochs.

        A loss that becomes NaN or infinite ends the training; the record then holds NaN to its end.

        Parameters
        ----------
        epochs : int
        checkpoint : path, optional
            File that the training state is written to when so many seconds went by since the last time, and when
            training is interrupted; `resume` reads it.
        checkpoint_seconds : float
        progress : bool
            Show a progress bar.

        Returns
        -------
        EpochHistory
            Of all epochs so far.
        """
        if epochs < 0:
            raise ValueError(f"fit needs epochs >= 0; got {epochs}.")
        ensure_defaults()
        last, saved_at = self.epoch + epochs, time.monotonic()
        shown = tqdm(total=last, initial=self.epoch, unit="epoch", disable=None if progress else True)
        with DeferredSignals() as signals, shown as bar:
            try:
                while self.epoch < last and not self.diverged:
                    signals.deliver()
                    n = min(EPOCHS_PER_CALL, last - self.epoch)
                    self._advance(n)
                    bar.update(n)
                    bar.set_postfix({"validation loss": f"{self.history.validation_loss[-1]:.3g}"}, refresh=False)
                    if checkpoint is not None and time.monotonic() - saved_at > checkpoint_seconds:
                        self.save_checkpoint(checkpoint)
                        saved_at = time.monotonic()
            except KeyboardInterrupt:
                self._write_back()
                if checkpoint is not None:
                    self.save_checkpoint(checkpoint)
                raise
        missing = np.full(last - self.epoch, np.nan)
        self.history = self.history.extended(**dict.fromkeys(self.history.to_arrays(), missing))
        self._write_back()
        return self.history

    @property
    def diverged(self) -> bool:
        """Whether a loss became NaN or infinite."""
        return not np.isfinite(self.history.train_loss).all()

    def save_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Write the whole training state to one file, atomically."""
        write_checkpoint(path, jax.device_get(self._values), self.history, self._setup)

    def resume(self, path: str | os.PathLike[str]) -> None:
        """Go back to the state in a checkpoint of the same training.

        Raises
        ------
        FileNotFoundError, ValueError
            If the file is missing, damaged, or of a training with other settings.
        """
        shapes = {name: value.shape for name, value in self._values.items()}
        values, self.history = read_checkpoint(path, shapes, self._setup, EpochHistory)
        self._values = {name: jnp.asarray(value, self._values[name].dtype) for name, value in values.items()}
        self._write_back()

    def _advance(self, n: int) -> None:
        start = time.perf_counter()
        values, records = _run_epochs(
            self._program,
            self._values,
            self._network,
            self._batches,
            self._validation,
            self._key,
            jnp.uint32(self.epoch),
            jnp.int32(n),
        )
        arrays = dict(zip(CURVES, _without_rest(np.asarray(records)[:n]).T, strict=True))
        before = self.history.seconds[-1] if self.epoch else 0.0
        seconds = before + (time.perf_counter() - start) * np.arange(1, n + 1) / n
        # Together, and only now that the epochs are computed: an interrupt strikes while they are waited for.
        self._values, self.history = values, self.history.extended(**arrays, seconds=seconds)

    def _write_back(self) -> None:
        for name, variable in self.net.variables().items():
            second = self._values[SECOND_BIAS] if name == "b_rec" and SECOND_BIAS in self._values else 0.0
            variable.value = self._values[name] + second


def split_trials(trials: Trial, train_size: float, *, key: jax.Array) -> tuple[Trial, Trial]:
    """Divide trials at random into ``round(train_size * n)`` to train on and the others to validate with.

    Parameters
    ----------
    trials : Trial
    train_size : float
        Part to train on, in (0, 1).
    key : jax.Array
        Random key of the division.

    Returns
    -------
    (Trial, Trial)
        To train on, and to validate with.

    Raises
    ------
    ValueError
        If a part would be empty.
    """
    n = trials.batch_size
    n_train = round(train_size * n)
    if not 0 < n_train < n:
        raise ValueError(f"train_size {train_size} of {n} trials leaves {n_train} to train on; both parts need some.")
    order = np.asarray(jax.random.permutation(key, n))
    return _cut(trials, order[:n_train]), _cut(trials, order[n_train:])


def _cut(trials: Trial, chosen: np.ndarray) -> Trial:
    """Some of the trials, where they were; the order of conditions and epochs stays."""

    def take(values: Any, axis: int = 0) -> Any:
        # NumPy cuts trials up: JAX would compile, and keep, a program for every slice of every shape.
        part = np.take(np.asarray(values), chosen, axis=axis)
        return jnp.asarray(part) if isinstance(values, jax.Array) else part

    conditions = {name: take(values) for name, values in trials.conditions.items()}
    epochs = {name: take(spans) for name, spans in trials.epochs.items()}
    return Trial(take(trials.inputs, 1), take(trials.targets, 1), take(trials.mask, 1), conditions, epochs)


def _without_rest(records: np.ndarray) -> np.ndarray:
    """Curves (E, 4) with NaN for the accuracies of NaN outputs, and for all after the epoch that diverged."""
    known = np.repeat(~np.isnan(records[:, ::2]), 2, axis=1)
    diverged = np.flatnonzero(~np.isfinite(records[:, 0]))
    if diverged.size:
        known[diverged[0] + 1 :] = False
    return np.where(known, records, np.nan)


def _part(trials: Trial, chosen: Any) -> Trial:
    conditions = {name: values[chosen] for name, values in trials.conditions.items()}
    epochs = {name: spans[chosen] for name, spans in trials.epochs.items()}
    return Trial(trials.inputs[:, chosen], trials.targets[:, chosen], trials.mask[:, chosen], conditions, epochs)


def _digest(trials: Trial) -> str:
    content = hashlib.sha256()
    for part in (trials.inputs, trials.targets, trials.mask):
        content.update(np.asarray(part).tobytes())
    return content.hexdigest()[:16]


def _stacked(trials: Trial, batch_size: int) -> tuple[Trial, ...]:
    n_full, there = trials.batch_size // batch_size, jax.device_get(trials)
    batches = [_part(there, slice(start, start + batch_size)) for start in range(0, trials.batch_size, batch_size)]
    groups = [group for group in (batches[:n_full], batches[n_full:]) if group]
    return tuple(jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *group) for group in groups)


def _check(task: Task, train: Trial, validation: Trial, loss: str, mean: str, learning_rate: float) -> None:
    for name, trials in (("train", train), ("validation", validation)):
        if trials.inputs.shape[2] != task.n_in or not trials.batch_size:
            raise ValueError(
                f"{name} trials must have inputs (T, B, n_in) with n_in {task.n_in}; got {trials.inputs.shape}."
            )
    if loss not in LOSSES:
        raise ValueError(f"unknown loss {loss!r}; allowed: {', '.join(LOSSES)}.")
    if mean not in MEANS:
        raise ValueError(f"unknown mean {mean!r}; allowed: {', '.join(MEANS)}.")
    if not learning_rate > 0:
        raise ValueError(f"learning_rate must be > 0; got {learning_rate}.")
