"""Trainer: combines a source of trials with a learner."""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from tqdm.auto import tqdm

from .._brainpy import bm
from .._device import on_device
from .._key import key as key_of
from .._key import keys_of_steps, split
from .._numbers import whole
from ..models import RateRNN, save
from ..models._network import Network, Parameters
from ..models._parts import Parts
from ..models._thread import ensure_defaults
from ..recordings import Recording
from ..tasks import Task, Trial
from ..tasks._check import check_trials
from ._checkpoint import Checkpoint, label, read_checkpoint, refuse_other, write_checkpoint
from ._checks import check_fit
from ._curriculum import Curriculum, Stage, criterion_of
from ._evaluation import Epochs, Evaluation, Validation, balanced
from ._history import History
from ._learner import Gradient, Learner
from ._losses import Loss, as_loss
from ._optimizers import State
from ._penalties import Penalty, as_penalties, needs
from ._program import Drawing, Program, compiled
from ._recorded import VALIDATE_EVERY, WORK, Fit, fixed_of
from ._signals import DeferredSignals
from ._summary import summary
from ._supply import Fixed, Sampled
from ._vanishing import check_leaky

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 30.0
SHARE = 1 / 10
"""Default limit on the share of training time spent on validations."""
MOST_REPEATS = 20
MOST_BYTES = 32 * 2**20
"""Most memory for trials drawn at a time."""

Rule = Callable[[History], bool]


class NonFiniteLoss(FloatingPointError):  # noqa: N818
    """The loss or gradient became NaN or infinite; the network was restored to its earlier state."""


class Best(NamedTuple):
    """The best network so far by validation: its number of steps, and its trained values."""

    step: int
    rank: tuple[float, float]
    values: Parameters


class Trainer:
    """Train a network on a task, or fit it to a recording.

    A step takes trials from ``trials`` and changes the network with ``learner``, within compiled chunks of many steps;
    Python runs only between chunks. Trials and noise of step ``s`` are fixed by the seed and ``s`` alone, so that a run
    that was stopped and resumed anywhere is bit for bit the same as an uninterrupted one. Trainings whose
    networks differ only in their numbers (seed, masks, connections, learning rate) share compiled code.

    The short form has ``optimizer``, ``learning_rate``, ``clip_norm``, ``batch_size`` and ``regularizers``; the long
    form ``learner``, ``trials`` and ``penalties``.

    Parameters
    ----------
    net : RateRNN
        Network, whose trainable variables are changed in place.
    task : Task, Curriculum or Recording
        Task with the same number of inputs and outputs as the network and the same ``dt``. Units of a recording are
        found in the network by name (label ``name``, or else their number); trained parameters are chosen when the
        network is made, ``train=("gain", "bias")``.
    held_out : Recording, optional
        Trials of a recording for validations, by default those that are fitted.
    learner : Learner, optional
        Learner: `Gradient`, by default, or `HessianFree`.
    trials : Sampled or Fixed, optional
        Source of trials: by default `Sampled`, random trials at every step.
    loss : str or callable, optional
        ``"mse"``, ``"cross_entropy"`` or a function of (outputs, trial), which may have a third parameter
        ``activity``; default: the task's. For a recording, ``"mse"`` (the default), ``"variance"`` (squared errors,
        divided by each unit's variance) or ``"poisson"`` (the default for counts).
    penalties : sequence of callable
        `WeightPenalty`, `RatePenalty`, `VanishingGradient`, `ActivityMatch` or functions of
        (network, activity, trial); a single one needs no list.
    optimizer, learning_rate, clip_norm : optional
        Shorthand for ``learner=Gradient(optimizer, learning_rate, clip_norm)``.
    batch_size : int, optional
        Shorthand for ``trials=Sampled(batch_size)``; for a recording, trials of a step, by default all.
    regularizers : optional
        Synonym of ``penalties``.
    validation_repeats : int, optional
        Trials per condition in a validation; by default up to 20, limited to a tenth of the training's time.
    seed : int
        Seed of trials and noise.

    Raises
    ------
    ValueError, TypeError
        If network, task and trials do not match, the task's arrays are wrong, nothing is trainable, an option is out of
        range, or a setting is given twice.

    Examples
    --------
    >>> import eicon
    >>> task = eicon.PerceptualDecision()
    >>> net = eicon.RateRNN.dale(n_in=2, n_rec=20, n_out=2, seed=0)
    >>> trainer = Trainer(net, task, learning_rate=0.01, batch_size=8)
    >>> history = trainer.fit(20, progress=False)
    >>> history.n_steps, len(history["loss"])
    (20, 20)
    """

    def __init__(
        self,
        net: RateRNN,
        task: Task | Curriculum | Recording,
        *,
        held_out: Recording | None = None,
        learner: Learner | None = None,
        trials: Sampled | Fixed | None = None,
        loss: str | Loss | None = None,
        penalties: Penalty | Sequence[Penalty] | None = None,
        optimizer: Any = None,
        learning_rate: Any = None,
        clip_norm: Any = ...,
        batch_size: int | float | None = None,
        regularizers: Penalty | Sequence[Penalty] | None = None,
        validation_repeats: int | float | None = None,
        seed: int | float = 0,
    ):
        ensure_defaults()
        if isinstance(task, Recording):
            _refuse_beside(trials, loss)
            task, trials = fixed_of(net, task, held_out, cast(Any, loss), batch_size)
            loss = batch_size = None
        elif held_out is not None:
            raise ValueError("held_out is only for a recording; a task has its own validation trials.")
        stages = _stages(task)
        for stage in stages:
            check_fit(net, stage.task)
        self.net = net
        self.learner = _learner(learner, optimizer, learning_rate, clip_norm)
        self.trials = _trials(trials, batch_size, self.learner)
        self.penalties = as_penalties(_one(penalties, regularizers, "penalties", "regularizers", ()))
        self.learner.check(self.trials.batch_size, self.penalties)
        if any(needs(penalty) for penalty in self.penalties):
            check_leaky(net.cell)
        self._history = History()
        self._given_loss = None if loss is None else as_loss(loss)
        self._repeats = None if validation_repeats is None else whole(validation_repeats, "validation_repeats")
        self._seed = whole(seed, "seed")
        self._key, key_validation = split(key_of(self._seed))
        self._key_trials, self._key_noise = split(key_validation)
        self._stages: list[Stage] = []
        self._evaluations: list[Evaluation] = []
        self._at, self._first = 0, 0
        self._owed: list[str] = []
        self._compile_seconds = self._validation_seconds = 0.0
        self._best: Best | None = None
        self._constants = net.constants
        self._random = isinstance(self.trials, Sampled) or net.network.noisy or self.learner.method().random
        self._programs: dict[int | None, tuple[Any, Any]] = {}
        self._measuring: Any = None
        self._epochs: Any = None
        self._before: Any = None
        for stage in stages:
            self._add(stage)
        self._rows = self._most_rows()
        self._trained = tuple(sorted(net.trainable_variables()))
        self._state = self.learner.start(self._values())

    def __setattr__(self, name: str, value: Any) -> None:
        advice = {
            "task": "fit(steps, task=...) trains a different one from then on",
            "learning_rate": "make a trainer with Gradient(learning_rate=...), or a schedule of training.schedules",
        }
        if not name.startswith("_") and (name in self.__dict__ or "_stages" in self.__dict__):
            said = advice.get(name, "it is compiled into the step; make a new Trainer of the same network")
            raise AttributeError(f"{name} of a trainer cannot be assigned: {said}.")
        super().__setattr__(name, value)

    @property
    def history(self) -> History:
        """Record of all steps so far."""
        return self._history

    @property
    def task(self) -> Task:
        """Task of the current stage."""
        return self._stages[self._at].task

    @property
    def loss(self) -> Loss:
        """Loss of the current stage, as a function."""
        return self._loss_of(self.task)

    @property
    def step(self) -> int:
        """Steps done so far."""
        return self.history.n_steps

    @property
    def validate_every(self) -> int:
        """Default number of steps between validations in `fit`."""
        if isinstance(self.trials, Fixed):
            k = self.trials.steps_per_epoch
            return k * -(-VALIDATE_EVERY // k) if isinstance(self.task, Fit) else k
        usual = self.learner.validate_every
        if self._repeats is not None:
            return usual
        # If even one trial of each condition would take too long.
        return usual * max(1, int(np.ceil(self._evaluations[self._at].trial.batch_size / self._affordable)))

    @property
    def stage_history(self) -> History:
        """Record of the current stage."""
        number = self._first + self._at
        return self.history.of_stage(number) if number else self.history

    @property
    def validation_trials(self) -> Trial:
        """Trials of a validation in the current stage."""
        return self._evaluations[self._at].trial

    @property
    def best(self) -> RateRNN | None:
        """Best network of the current stage by validation, as a copy; None before the first validation.

        Networks are ranked by accuracy, or by the measure of the task's criterion; among equals, by the smallest loss.
        """
        if self._best is None:
            return None
        parts = self.net.parts()
        return RateRNN.of_parts(Parts(parts.network.replaced(self._best.values), parts.trained, parts.units))

    @property
    def best_step(self) -> int | None:
        """Number of steps of `best`."""
        return None if self._best is None else self._best.step

    def summary(self) -> str:
        """Summarise the training in a few lines, with likely causes if it failed."""
        return summary(self)

    def __repr__(self) -> str:
        return self.summary()

    def fit(
        self,
        steps: int | float,
        *,
        task: Task | Curriculum | None = None,
        stop_when: Rule | str | Sequence[Rule] | None = None,
        validate_every: int | float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int | float | None = None,
        snapshots: str | os.PathLike[str] | None = None,
        restore: str = "last",
        callback: Callable[["Trainer"], Any] | None = None,
        progress: bool = True,
    ) -> History:
        """Train for (at most) a number of further steps.

        Parameters
        ----------
        steps : int
        task : Task or Curriculum, optional
            A different task from now on, in a separate stage: the learner's state, the steps and the random stream
            continue.
        stop_when : callable, "criterion", or sequence of them, optional
            Called with the history of the current stage after each validation, such as `AccuracyReached` or `Patience`.
            ``"criterion"`` uses the task's own.
        validate_every : int, optional
            Steps between validations; by default an epoch of `Fixed` trials, else 50 steps (1 for `HessianFree`), or
            more if the validation trials would take more than a tenth of the time.
        checkpoint : path, optional
            File that the training state is written to every ``checkpoint_every`` steps (at validations), at the end,
            and when training is interrupted or fails; `resume` reads it.
        checkpoint_every : int, optional
            Steps between writes; by default ten times ``validate_every``.
        snapshots : path, optional
            Directory in which the network is saved at step 0, every ``checkpoint_every`` steps (at validations) and at
            the end, as ``step_00000.npz`` and so on, for `eicon.models.load`. A resumed training writes the same files
            as an uninterrupted one.
        restore : {"last", "best"}
            Network left in ``net`` at the end: the last, or the best by validation (see `best`).
        callback : callable, optional
            Called with this trainer after every validation, e.g. to draw curves during training.
        progress : bool
            Show a progress bar; without a terminal, log a line (level INFO) every half minute.

        Returns
        -------
        History
            History of all steps so far, including resumed ones.

        Raises
        ------
        NonFiniteLoss
            If a loss or gradient is NaN or infinite; network and checkpoint stay as they were before that chunk of
            steps.
        KeyboardInterrupt
            On Ctrl-C, after the current chunk of steps and the checkpoint are complete (a second Ctrl-C does not
            wait for the chunk).
        """
        ensure_defaults()
        timed = ("seconds", "compile_seconds", "validation_seconds")
        before = [float(np.nan_to_num(self.history[name][-1])) if self.step else 0.0 for name in timed]
        clock, (self._compile_seconds, self._validation_seconds) = _Clock(before[0]), before[1:]
        self._turn_to(task)
        every = self.validate_every if validate_every is None else whole(validate_every, "validate_every")
        save_every = 10 * every if checkpoint_every is None else whole(checkpoint_every, "checkpoint_every")
        steps = whole(steps, "steps")
        if steps < 0 or every < 1 or save_every < 1:
            raise ValueError(
                "fit needs steps >= 0, validate_every >= 1 and checkpoint_every >= 1; "
                f"got {steps}, {every} and {save_every}."
            )
        if restore not in ("last", "best"):
            raise ValueError(f"restore must be 'last' or 'best'; got {restore!r}.")
        rules = _rules(stop_when)
        last = self.step + steps
        saved_at, told_at = self.step, time.monotonic()
        network = self._placed()
        shown = tqdm(total=last, initial=saved_at, unit="step", disable=None if progress else True)
        with DeferredSignals() as signals, shown as bar:
            try:
                if snapshots is not None and not self.step:
                    self._keep_snapshot(snapshots)
                self._prepare(network, last, every, clock)
                while (done := self.step) < last:
                    signals.deliver()
                    alone = rules or callback is not None or snapshots is not None
                    epochs = self._epochs_at_once(every, last, save_every, alone=bool(alone))
                    n = epochs * every if epochs else min(last - done, every - done % every, self._rows)
                    validated = (done + n) % every == 0
                    if epochs:
                        self._advance_epochs(network, epochs, clock)
                    else:
                        self._advance(network, n, clock, validate=validated)
                    bar.update(n)
                    if not bar.disable:
                        bar.set_postfix(self._progress(), refresh=False)
                    elif progress and time.monotonic() - told_at > SECONDS_BETWEEN_LINES:
                        shown_now = ", ".join(f"{name} {value}" for name, value in self._progress().items())
                        logger.info("step %d of %d: %s", self.step, last, shown_now)
                        told_at = time.monotonic()
                    # At fixed steps, wherever training was interrupted, and before the checkpoint that resumes it.
                    if snapshots is not None and self.step // save_every > done // save_every:
                        self._keep_snapshot(snapshots)
                    at, over = self._at, validated and self._over(rules)
                    if self._at != at:
                        self._prepare(network, last, every, clock)
                    if checkpoint is not None and self.step - saved_at >= save_every:
                        self.save_checkpoint(checkpoint)
                        saved_at = self.step
                    if validated and callback is not None:
                        callback(self)
                    if over:
                        break
                if snapshots is not None:
                    self._keep_snapshot(snapshots)
            finally:
                if checkpoint is not None and saved_at != self.step:
                    self.save_checkpoint(checkpoint)
        if restore == "best" and self._best is not None:
            self._write(self._best.values)
        return self.history

    def validate(self, task: Task | None = None) -> Validation:
        """Measure the network on the validation trials, with noise, or on balanced trials of a different task.

        Trials of similar lengths share one compiled network: an evaluation over many delays compiles it once.
        """
        if task is None:
            evaluation = self._evaluations[self._at]
        else:
            check_fit(self.net, task)
            evaluation = self._evaluation(task)
        return evaluation.validation(self._values(), self._placed())[0]

    def save_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Write the whole training state to one file, atomically."""
        variables, learner = jax.device_get((self.net.parameters(), flat(self._state)))
        best = {} if self._best is None else jax.device_get(self._best.values)
        if self._best is not None:
            best = {**best, "step": np.asarray(self._best.step), "rank": np.asarray(self._best.rank)}
        setup = {**self._setup(), "at": self._at, "first": self._first, "before": self._before}
        write_checkpoint(path, Checkpoint(variables, learner, best, self.history, setup))

    def resume(self, path: str | os.PathLike[str], *, other_settings: bool = False) -> None:
        """Restore the state from a checkpoint of this training.

        Parameters
        ----------
        path : path
        other_settings : bool
            Continue from the network and history of a training with other settings (learner, loss, penalties, task,
            seed), in a separate stage; the checkpoints of this training record those settings.

        Raises
        ------
        FileNotFoundError, ValueError
            If the file is missing, damaged, or from a training with other settings or, with ``other_settings``, of a
            different network.
        """
        found, setup = read_checkpoint(path), self._setup()
        given = found.setup
        stages = list(given.get("stages", []))
        n_known = min(len(stages), len(self._stages))
        if other_settings:
            refuse_other(path, given, {"network": setup["network"]})
        else:
            told = {**given, "stages": stages[:n_known]}
            refuse_other(path, told, {**setup, "stages": setup["stages"][:n_known] if n_known else setup["stages"]})
        variables = self.net.variables()
        if {n: v.shape for n, v in found.variables.items()} != {n: v.shape for n, v in variables.items()}:
            raise ValueError(f"{path} has different variables from this network.")
        if other_settings:
            self._before = {key: value for key, value in given.items() if key != "network"}
            self._first = int(found.history.stage[-1]) + 1 if found.history.n_steps else 0
        else:
            self._state = unflat(path, found.learner, self._state)
            self._before, self._first = given.get("before"), int(given.get("first", 0))
            self._at, self._owed = int(given.get("at", 0)), stages[len(self._stages) :]
        for name, variable in variables.items():
            variable.value = jnp.asarray(found.variables[name], variable.dtype)
        self._history, self._best = found.history, None
        if found.best and not other_settings:
            kept = dict(found.best)
            step, rank = int(kept.pop("step")), kept.pop("rank").tolist()
            self._best = Best(step, tuple(rank), {name: jnp.asarray(value) for name, value in kept.items()})

    def _setup(self) -> dict[str, Any]:
        """Return the settings that a checkpoint must match."""
        return {
            "stages": [label(stage.task) for stage in self._stages],
            "learner": self.learner.describe(),
            "trials": self.trials.describe(),
            "loss": "the task's" if self._given_loss is None else label(self._given_loss),
            "penalties": [label(penalty) for penalty in self.penalties],
            "validation_repeats": self._repeats,
            "seed": self._seed,
            "network": self._constants,
        }

    def _values(self) -> Parameters:
        variables = self.net.variables()
        return {name: bm.as_jax(variables[name].value) for name in self._trained}

    def _write(self, values: Parameters) -> None:
        variables = self.net.variables()
        for name, value in values.items():
            variables[name].value = value

    def _placed(self) -> Network:
        """Return the network with all its numbers on the device."""
        return jax.tree.map(on_device, self.net.network)

    def _add(self, stage: Stage) -> None:
        """Add a stage, whose trials are checked."""
        self._stages.append(stage)
        if isinstance(self.trials, Fixed):
            for given in (self.trials.train, self.trials.validation):
                if not isinstance(stage.task, Fit):
                    check_trials(stage.task, given, loss=self._loss_name(stage.task))
            size = self.trials.batch_size if self.trials.mean == "batches" else None
            loss = self._loss_of(stage.task)
            evaluation = Evaluation.of(stage.task, loss, self.trials.validation, self._key_noise, size, often=True)
        else:
            evaluation = self._evaluation(stage.task)
        self._evaluations.append(evaluation)

    def _evaluation(self, task: Task) -> Evaluation:
        """Make the evaluation on balanced trials of a task."""
        repeats = self._repeats
        if repeats is None:
            repeats = min(MOST_REPEATS, max(1, int(self._affordable / task.n_conditions)))
        trial, seconds = balanced(task, repeats, self._key_trials, self._loss_name(task))
        self._compile_seconds += seconds
        return Evaluation.of(task, self._loss_of(task), trial, self._key_noise)

    def _most_rows(self) -> int:
        """Return the number of steps whose trials are drawn at a time."""
        trial = self._evaluations[0].trial
        if isinstance(self.trials, Fixed):
            work = trial.n_steps * self.trials.batch_size * self.net.n_rec
            return int(np.clip(WORK // work, 1, self.learner.at_once))
        size = sum(leaf.nbytes for leaf in (trial.inputs, trial.targets, trial.mask)) / trial.batch_size
        return int(np.clip(MOST_BYTES // (size * self.trials.batch_size), 1, self.learner.at_once))

    @property
    def _affordable(self) -> float:
        """Return the number of validation trials that take the allowed share of the time at the usual interval."""
        learner = self.learner
        return SHARE / (1 - SHARE) * learner.validate_every * self.trials.batch_size * learner.passes

    def _loss_of(self, task: Task) -> Loss:
        return as_loss(task.loss) if self._given_loss is None else self._given_loss

    def _loss_name(self, task: Task) -> str | None:
        return task.loss if self._given_loss is None else None

    def _turn_to(self, task: Task | Curriculum | None) -> None:
        """Start the stages of a given task, or continue those that were started."""
        stages = [] if task is None else _stages(task)
        labels = [label(stage.task) for stage in stages]
        past = self._owed[: max(0, len(self._owed) - len(labels))]
        if self._owed and (labels != self._owed[len(past) :] or self._at < len(self._stages) + len(past)):
            raise ValueError(
                f"this training was resumed after fit(..., task=...), in {self._owed[-1]}: pass this task to fit."
            )
        if labels == [label(stage.task) for stage in self._stages[len(self._stages) - len(stages) :]]:
            return
        for stage in stages:
            check_fit(self.net, stage.task)
        if not self._owed:
            self._at, self._best = len(self._stages), None
        self._owed = []
        for shown in past:
            self._stages.append(Stage(cast(Task, _Past(shown))))
            self._evaluations.append(cast(Evaluation, None))
        for stage in stages:
            self._add(stage)

    def _over(self, rules: Sequence[Rule | str]) -> bool:
        """Return whether training is over after a validation; a curriculum's next stage starts here."""
        history = self.stage_history
        criterion = self._stages[self._at].criterion
        if criterion is not None and criterion(history):
            if self._at == len(self._stages) - 1:
                return True
            self._at, self._best = self._at + 1, None
            return False
        return any((criterion_of(self.task) if isinstance(rule, str) else rule)(history) for rule in rules)

    def _keys(self, step: int, n: int) -> np.ndarray:
        """Return data of the random keys of steps: for trials, noise, and learner; (rows, 3, 2)."""
        keys = np.zeros((self._rows, 3, 2), np.uint32)
        same = isinstance(self.trials, Sampled) and self.trials.same
        if n and self._random:
            keys[:n] = keys_of_steps(self._key, np.zeros(n, int) if same else np.arange(step, step + n))
        return keys

    def _stepping(self, network: Network, stack: int | None) -> tuple[Any, Any]:
        """Return the compiled steps, and the drawing of their trials (None if trials are fixed)."""
        if stack not in self._programs:
            keys, number = self._keys(0, 0), np.uint32(0)
            draw, trials = None, self.trials.stacks[stack] if stack is not None else None
            if isinstance(self.trials, Sampled):
                drawing = Drawing(self.task, self.trials)
                draw = compiled(Drawing.draw, drawing, keys[:, 0], number, quick=True)
                trials = draw.shapes
            program = Program(self.task, self.loss, self.penalties, self.learner.method())
            given = self._values(), self._state, network, trials, keys[:, 1:], number, number, number
            self._programs[stack] = compiled(Program.steps, program, *given), draw
        return self._programs[stack]

    def _prepare(self, network: Network, last: int, every: int, clock: "_Clock") -> None:
        """Start compiling all initial programs at the same time, the slowest first."""
        begun = clock.now()
        self._programs, self._measuring, self._epochs = {}, None, None
        if self._epochs_at_once(every, last, every, alone=True):
            return
        if last > self.step:
            self._stepping(network, next(iter(self.trials.runs(self.step, 1))).stack)
        if last // every > self.step // every:
            self._measuring = self._evaluations[self._at].prepare(self._values(), network)
        self._compile_seconds += clock.now() - begun

    def _advance(self, network: Network, n: int, clock: "_Clock", *, validate: bool) -> None:
        """Do ``n`` steps and append them to the history; after an error, nothing has changed."""
        values = self._values()
        before = values, self._state, self.history, self._best
        try:
            rows: list[np.ndarray] = []
            ends: list[np.ndarray] = []
            compiling: list[np.ndarray] = []
            step = self.step
            for run in self.trials.runs(step, n):
                begun = clock.now()
                steps, draw = (found and found.result() for found in self._stepping(network, run.stack))
                ready = clock.now()
                self._compile_seconds += ready - begun
                keys, numbers = self._keys(step, run.n), (np.uint32(step), np.uint32(run.place), np.uint32(run.n))
                trials = draw(keys[:, 0], numbers[2]) if draw else self.trials.stacks[run.stack or 0]
                given = values, self._state, network, trials, keys[:, 1:], *numbers
                values, self._state, records = steps(*given)
                rows.append(np.asarray(records)[: run.n])
                ends.append(ready + (clock.now() - ready) * np.arange(1, run.n + 1) / run.n)
                compiling.append(np.full(run.n, self._compile_seconds))
                step += run.n
            self._write(values)
            record = dict(zip(self.learner.method().columns, np.concatenate(rows).T, strict=True))
            self._check_finite(record)
            self._history = self.history.extended(
                **record,
                stage=np.full(n, self._first + self._at),
                seconds=np.concatenate(ends),
                compile_seconds=np.concatenate(compiling),
                validation_seconds=np.full(n, self._validation_seconds),
            )
            if validate:
                self._validate(network, clock)
                self._state = self.learner.validated(self._state, self.history)
        except BaseException:
            # Together, or an interrupt in between would pair weights with the history of a different step.
            self._write(before[0])
            _, self._state, self._history, self._best = before
            raise

    def _epochs_at_once(self, every: int, last: int, save_every: int, *, alone: bool) -> int:
        """Return the number of epochs to do in one call, 0 if steps must be done separately."""
        step = self.step
        if not isinstance(self.trials, Fixed) or every != self.trials.steps_per_epoch or step % every:
            return 0
        alone = alone or self._stages[self._at].criterion is not None or self.learner.watches
        most = min(1 if alone else self._room, (last - step) // every)
        return min(most, max(1, (save_every - step % save_every) // every))

    @property
    def _room(self) -> int:
        """Return the number of epochs whose networks are kept at a time, to find the best."""
        size = sum(value.nbytes for value in self._values().values())
        return int(np.clip(MOST_BYTES // (2 * size), 1, 64))

    def _keys_of_epochs(self, n: int, k: int) -> np.ndarray:
        """Return data of the random keys of noise and learner in ``n`` epochs of ``k`` steps; (rows, k, 2, 2)."""
        keys = np.zeros((self._room, k, 2, 2), np.uint32)
        if self._random:
            keys[:n] = keys_of_steps(self._key, np.arange(self.step, self.step + n * k))[:, 1:].reshape(n, k, 2, 2)
        return keys

    def _advance_epochs(self, network: Network, n: int, clock: "_Clock") -> None:
        """Do ``n`` epochs with their validations, and append them to the history; after an error, nothing has changed.

        The time of the validations is estimated from the numbers of trials.
        """
        assert isinstance(self.trials, Fixed)
        before = self._values()
        k, evaluation, method = self.trials.steps_per_epoch, self._evaluations[self._at], self.learner.method()
        keys = self._keys_of_epochs(n, k)
        trials = self.trials.stacks, evaluation.trial
        given = before, self._state, network, *trials, keys, self._key_noise, np.uint32(self.step), np.uint32(n)
        begun = clock.now()
        if self._epochs is None:
            size = evaluation.scoring.size
            epochs = Epochs(self.task, self.loss, self.penalties, method, size)
            self._epochs = compiled(Epochs.run, epochs, *given).result()
        ready = clock.now()
        self._compile_seconds += ready - begun
        values, state, records, scores, kept = self._epochs(*given)
        record = dict(zip(method.columns, np.asarray(records)[: n * k].T, strict=True))
        bad = ~(np.isfinite(record["loss"]) & np.isfinite(record["grad_norm"]))
        if bad.any():
            if (good := int(np.argmax(bad)) // k) > 0:
                self._advance_epochs(network, good, clock)  # the same bits, up to the last epoch that was finite
            self._check_finite({name: column[good * k :] for name, column in record.items()})
        found = [evaluation.measured(*(np.asarray(part)[e] for part in scores)) for e in range(n)]
        took = (clock.now() - ready) / (n * k)
        share = evaluation.trial.batch_size / (
            evaluation.trial.batch_size + self.learner.passes * self.trials.train.batch_size
        )
        done = np.arange(1, n * k + 1)
        ranks = [_rank(validation, self.task) for validation in found]
        top = max(range(n), key=lambda e: ranks[e])
        best = self._best
        if best is None or ranks[top] > best.rank:
            best = Best(self.step + (top + 1) * k, ranks[top], unraveled(np.asarray(kept[top]), before))
        history = self.history.extended(
            **record,
            stage=np.full(n * k, self._first + self._at),
            seconds=ready + took * done,
            compile_seconds=np.full(n * k, self._compile_seconds),
            validation_seconds=self._validation_seconds + share * took * k * (done // k),
            validation_step=self.step + k * np.arange(1, n + 1),
            **{f"validation_{name}": [getattr(v, name) for v in found] for name in Validation._fields},
        )
        # Together, and only now that everything is known: an interrupt can only come before.
        self._write(values)
        self._state, self._history, self._best = state, history, best
        self._validation_seconds += share * took * k * n
        self._state = self.learner.validated(self._state, history)

    def _check_finite(self, record: Mapping[str, np.ndarray]) -> None:
        bad = ~(np.isfinite(record["loss"]) & np.isfinite(record["grad_norm"]))
        if bad.any():
            step = self.step + int(np.argmax(bad)) + 1
            raise NonFiniteLoss(
                f"loss or gradient became NaN or infinite at step {step}; the network was restored to step "
                f"{self.step}. Likely causes: learning_rate too high, no clip_norm, NaN in the task's inputs or in the "
                "initial weights, or weights under which activity explodes."
            )

    def _validate(self, network: Network, clock: "_Clock") -> None:
        """Append a validation of the current network."""
        begun, values = clock.now(), self._values()
        found, compiling = self._evaluations[self._at].validation(values, network, self._measuring)
        if self._best is None or _rank(found, self.task) > self._best.rank:
            self._best = Best(self.step, _rank(found, self.task), values)
        self._compile_seconds += compiling
        self._validation_seconds += clock.now() - begun - compiling
        self._history = self.history.until(
            seconds=clock.now(), compile_seconds=self._compile_seconds, validation_seconds=self._validation_seconds
        ).extended(
            validation_step=self.step, **{f"validation_{name}": value for name, value in found._asdict().items()}
        )

    def _keep_snapshot(self, folder: str | os.PathLike[str]) -> None:
        save(self.net, Path(folder) / f"step_{self.step:05d}.npz")

    def _progress(self) -> dict[str, str]:
        history = self.history
        shown = {"loss": f"{np.mean(history.loss[-50:]):.4g}"}
        if len(history.validation_accuracy):
            shown[self.task.score_name] = f"{history.validation_accuracy[-1]:.1%}"
        return shown | ({"damping": f"{history['damping'][-1]:.3g}"} if "damping" in history else {})


class _Past:
    """Placeholder for a task that was trained before a checkpoint and is not needed to resume."""

    def __init__(self, shown: str) -> None:
        self._shown = shown

    def __repr__(self) -> str:
        return self._shown


class _Clock:
    """Wall time since training started."""

    def __init__(self, before: float) -> None:
        self._start = time.perf_counter() - before

    def now(self) -> float:
        return time.perf_counter() - self._start


def _rank(found: Validation, task: Task) -> tuple[float, float]:
    """Return the rank of a validation; larger is better."""
    wanted = getattr(found, task.criterion_of)
    first = -wanted if task.criterion_of == "loss" else wanted
    return (first if np.isfinite(first) else -np.inf, -found.loss if np.isfinite(found.loss) else -np.inf)


def _rules(stop_when: Any) -> tuple[Any, ...]:
    rules = () if stop_when is None else (stop_when,) if callable(stop_when) else stop_when
    rules = tuple(rules) if isinstance(rules, list | tuple) else (rules,)
    for rule in rules:
        if not (callable(rule) or rule == "criterion"):
            raise TypeError(f"stop_when is a rule, e.g. AccuracyReached(0.9), or 'criterion'; got {rule!r:.60}.")
    return rules


def _stages(task: Task | Curriculum) -> list[Stage]:
    return [Stage(*stage) for stage in task.stages] if isinstance(task, Curriculum) else [Stage(task)]


def _one(long: Any, short: Any, name: str, other: str, default: Any) -> Any:
    """Return the value given under one of two names."""
    if long is not None and short is not None:
        raise ValueError(f"{name} and {other} are synonyms; give only one of them.")
    return default if long is None and short is None else short if long is None else long


def _refuse_beside(trials: Any, loss: Any) -> None:
    if trials is not None:
        raise ValueError("a recording has its own trials; leave out `trials`, and pass batch_size for smaller batches.")
    if not isinstance(loss, str | None):
        raise TypeError(f"the loss of a recording must be a name; got {loss!r:.60}. A penalty can be any function.")


def _learner(learner: Any, optimizer: Any, learning_rate: Any, clip_norm: Any) -> Learner:
    given = {"optimizer": optimizer, "learning_rate": learning_rate}
    said = {name: value for name, value in given.items() if value is not None}
    if clip_norm is not ...:
        said["clip_norm"] = clip_norm
    if learner is None:
        return Gradient(**said)
    if isinstance(learner, type) or not hasattr(learner, "method"):
        raise TypeError(f"learner must be Gradient(...), HessianFree(...) or a similar object; got {learner!r:.60}.")
    if said:
        raise ValueError(f"{', '.join(said)} and learner set the same thing; give only {learner!r:.60}.")
    return learner


def _trials(trials: Any, batch_size: Any, learner: Learner) -> Sampled | Fixed:
    if trials is None:
        return Sampled(learner.batch_size if batch_size is None else batch_size)
    if not isinstance(trials, Sampled | Fixed):
        raise TypeError(f"trials must be Sampled(batch_size) or Fixed(train, validation); got {trials!r:.60}.")
    if batch_size is not None:
        raise ValueError("batch_size and trials set the same thing; give only trials.")
    return trials


def flat(state: State) -> dict[str, jax.Array]:
    """Return the arrays of a learner's state by name."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(state)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


def unflat(path: str | os.PathLike[str], found: Mapping[str, np.ndarray], like: State) -> State:
    """Restore the state of a learner from its arrays."""
    wanted = flat(like)
    if {name: value.shape for name, value in found.items()} != {name: value.shape for name, value in wanted.items()}:
        raise ValueError(f"{path} has a learner state that does not match this training; was the learner changed?")
    leaves = [jnp.asarray(found[name], value.dtype) for name, value in wanted.items()]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def unraveled(vector: np.ndarray, like: Parameters) -> Parameters:
    """Return values by name from one vector of all of them."""
    ends = np.cumsum([like[name].size for name in sorted(like)])
    parts = np.split(vector, ends[:-1])
    return {name: on_device(part.reshape(like[name].shape)) for name, part in zip(sorted(like), parts, strict=True)}
