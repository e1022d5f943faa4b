"""Evaluation of a network on balanced trials: loss, accuracy, and accuracy in the worst condition."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from .._device import on_device
from .._users import users_code
from ..models import Network
from ..models._network import Parameters
from ..models.results import Activity
from ..tasks import Task, Trial
from ..tasks._check import check_scores, check_trials
from ._learner import Method
from ._losses import Loss, loss_of, takes_activity
from ._optimizers import State
from ._penalties import Penalty
from ._program import Program, compiled, waited
from ._recorded import Fit, as_fit, seen
from ._supply import part


class Validation(NamedTuple):
    """Result of `Trainer.validate`: loss (without penalties), accuracy, and accuracy in the worst condition."""

    loss: float
    accuracy: float
    worst: float


class Making(NamedTuple):
    """Recipe for balanced trials."""

    task: Task
    repeats: int

    def trials(self, key: jax.Array) -> Trial:
        """Make balanced trials, with every condition `repeats` times."""
        return self.task.trials(self.repeats, key=key)


class Forward(NamedTuple):
    """Recipe for running a network.

    Attributes
    ----------
    whole : whether rates and states are needed, too
    fit : the task, if it is that of a recording, which does not score the outputs
    """

    whole: bool
    fit: Fit | None = None

    def run(self, values: Parameters, network: Network, inputs: jax.Array, key: jax.Array) -> Activity:
        """Run the network; rates and states are left out where they are not needed."""
        changed = network.replaced(values)
        activity = seen(self.fit, changed.run(inputs.astype(changed.dtype), key if changed.noisy else None))
        return activity if self.whole else Activity(activity.outputs, activity.rates[:, :, :0], {})


class Scoring(NamedTuple):
    """Recipe for scoring the activity of a network.

    Attributes
    ----------
    task : Task
    loss : function of (outputs, trial) or (outputs, trial, activity)
    size : number of trials in each of the parts whose plain mean counts; None: all trials are one
    """

    task: Task
    loss: Loss
    size: int | None

    def scores(self, activity: Activity, trial: Trial) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Return loss and accuracy of all trials, and the score of each (B,); the activity may outlast the trials."""
        activity = jax.tree.map(lambda leaf: leaf[: trial.n_steps], activity)
        size = trial.batch_size if self.size is None else self.size
        parts = [slice(start, start + size) for start in range(0, trial.batch_size, size)]
        found = [(jax.tree.map(lambda leaf, p=p: leaf[:, p], activity), part(trial, p)) for p in parts]
        loss = jnp.stack([loss_of(self.loss, *both) for both in found]).mean()
        with users_code(f"the scoring of the task {type(self.task).__name__}"):
            accuracy = jnp.stack([self.task.accuracy(a.outputs, t) for a, t in found]).mean()
            return loss, accuracy, self.task.correct(activity.outputs, trial)


class Evaluation(NamedTuple):
    """Trials on which networks are measured, on the device.

    Attributes
    ----------
    scoring : Scoring
    trial : Trial
    inputs : those of the trials, padded (`padded`) where other trials may share the compiled network
    key : random key of the noise
    conditions : which trials are of each condition, bool (n_conditions, B)
    often : whether it runs often enough for its programs to be fully optimised
    """

    scoring: Scoring
    trial: Trial
    inputs: jax.Array
    key: jax.Array
    conditions: np.ndarray
    often: bool = False

    @classmethod
    def of(
        cls, task: Task, loss: Loss, trial: Trial, key: jax.Array, size: int | None = None, *, often: bool = False
    ) -> "Evaluation":
        """Evaluation on given trials."""
        names = task.condition_grid() if trial.conditions else ()  # those of a recording are unknown
        shown = [np.asarray(trial.conditions[name]) for name in names if name in trial.conditions]
        rows = np.stack([np.zeros(trial.batch_size), *shown], axis=1)
        found, which = np.unique(rows, axis=0, return_inverse=True)
        conditions = np.arange(len(found))[:, None] == which.reshape(1, -1)
        trial = jax.tree.map(on_device, trial)
        inputs = trial.inputs if often else padded(trial.inputs)
        return cls(Scoring(task, loss, size), trial, inputs, key, conditions, often)

    def prepare(self, values: Parameters, network: Network) -> tuple[Any, Any]:
        """Compile the run of the network, and its scoring."""
        forward = Forward(takes_activity(self.scoring.loss), as_fit(self.scoring.task))
        quick = not self.often
        run = compiled(Forward.run, forward, values, network, self.inputs, self.key, quick=quick)
        return run, compiled(Scoring.scores, self.scoring, run.shapes, self.trial, quick=quick)

    def validation(self, values: Parameters, network: Network, programs: Any = None) -> tuple[Validation, float]:
        """Measure a network with the result of `prepare`; return also the seconds spent waiting for the compiler."""
        (run, slow), (scores, slower) = (waited(found) for found in programs or self.prepare(values, network))
        found = scores(run(values, network, self.inputs, self.key), self.trial)
        return self.measured(*found), slow + slower

    def measured(self, loss: Any, accuracy: Any, of_trials: Any) -> Validation:
        """Make a validation from the result of `Scoring`."""
        of_trials = np.asarray(of_trials)
        check_scores(self.scoring.task, of_trials, self.trial.batch_size)
        asked = np.where(np.isnan(of_trials), 0.0, self.conditions)
        n = asked.sum(axis=1)
        worst = np.min((np.nan_to_num(of_trials) * asked).sum(axis=1)[n > 0] / n[n > 0], initial=np.inf)
        return Validation(float(loss), float(accuracy), float(worst))


class Epochs(NamedTuple):
    """Whole epochs of given trials, each followed by a validation, in one program.

    Attributes
    ----------
    task, loss, penalties, method : as in `eicon.training._program.Program`
    size : as in `Scoring`
    """

    task: Task
    loss: Loss
    penalties: tuple[Penalty, ...]
    method: Method
    size: int | None

    def run(
        self,
        values: Parameters,
        state: State,
        network: Network,
        stacks: tuple[Trial, ...],
        validation: Trial,
        keys: jax.Array,
        key: jax.Array,
        first: jax.Array,
        n: jax.Array,
    ) -> tuple[Parameters, State, jax.Array, tuple[jax.Array, ...], jax.Array]:
        """Do ``n`` epochs from step ``first`` on, with their keys (rows, steps, 2, 2), and one for the validations.

        Returns values, state, the record (rows * steps, columns), the result of `Scoring` after each epoch (rows, ...),
        and the values at that time, as vectors (rows, P).
        """
        start, unravel = ravel_pytree(values)
        program, scoring = (
            Program(self.task, self.loss, self.penalties, self.method),
            Scoring(self.task, self.loss, self.size),
        )
        forward, (rows, n_steps) = Forward(takes_activity(self.loss), as_fit(self.task)), keys.shape[:2]

        def scores(vector: jax.Array) -> tuple[jax.Array, ...]:
            return scoring.scores(forward.run(unravel(vector), network, validation.inputs, key), validation)

        def epoch(e: jax.Array, carried: Any) -> Any:
            learning, found, kept = carried
            at = 0
            for stack in stacks:

                def one(i: jax.Array, learning: Any, stack: Trial = stack, at: int = at) -> Any:
                    trial, row = jax.tree.map(lambda leaf: leaf[i], stack), e * n_steps + at + i
                    return program.step(unravel, network, trial, keys[e, at + i], first + row, row, learning)

                learning = jax.lax.fori_loop(jnp.uint32(0), jnp.uint32(stack.mask.shape[0]), one, learning)
                at += stack.mask.shape[0]
            found = jax.tree.map(lambda row, value: row.at[e].set(value), found, scores(learning[0]))
            return learning, found, kept.at[e].set(learning[0])

        records = jnp.zeros((rows * n_steps, len(self.method.columns)), network.dtype)
        room = jax.tree.map(lambda s: jnp.zeros((rows, *s.shape), s.dtype), jax.eval_shape(scores, start))
        carried = ((start, state, records), room, jnp.zeros((rows, start.size), start.dtype))
        (vector, state, records), found, kept = jax.lax.fori_loop(jnp.uint32(0), n, epoch, carried)
        return unravel(vector), state, records, found, kept


def balanced(task: Task, repeats: int, key: jax.Array, loss: str | None) -> tuple[Trial, float]:
    """Make and check balanced trials; return also the seconds of compilation."""
    seconds = 0.0
    try:
        program, seconds = waited(compiled(Making.trials, Making(task, repeats), key, quick=True))
        trial = program(key)
    except Exception:
        # Trials drawn on the host cannot be compiled, and errors are clearer outside the compiler.
        trial = task.trials(repeats, key=key)
    check_trials(task, trial, loss=loss)
    return trial, seconds


def padded(inputs: Any) -> jax.Array:
    """Pad inputs (T, B, n) with zeros at their end, so that trials of similar lengths share a compiled program.

    At most a quarter is added: lengths are rounded up to four values per octave.
    """
    n, step = inputs.shape[0], 1
    while n > 8 * step:
        step *= 2
    return on_device(np.pad(np.asarray(inputs), ((0, -n % step), (0, 0), (0, 0))))
