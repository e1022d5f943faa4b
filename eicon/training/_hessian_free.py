"""Hessian-free training: Newton-like steps from Gauss-Newton products and conjugate gradients."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from .._brainpy import bm
from ..models import RateRNN
from ..models.results import Activity
from ..tasks import Task, Trial
from ._checkpoint import read_checkpoint
from ._checks import check_fit
from ._curvature import run_first
from ._history import History, _empty
from ._losses import Loss
from ._newton_step import Options, Problem, State, newton_step
from ._regularizers import Regularizer
from ._session import NonFiniteLoss, Session, label
from ._vanishing import VanishingGradient

Values = dict[str, jax.Array]
DAMPING, DIRECTION = "damping", "direction"


@dataclass(frozen=True)
class HessianFreeHistory(History):
    """Record of Hessian-free training; a step is one iteration.

    Attributes
    ----------
    loss, accuracy, grad_norm : (S,) before the iteration's step, on its trials; penalties included in ``loss``
    damping : (S,) the iteration's
    cg_iterations : (S,) of conjugate gradients
    reduction_ratio : (S,) by how much the loss fell, divided by what the quadratic model had promised
    step_size : (S,) chosen by the line search; 0 where no step was taken
    seconds, validation_step, validation_loss, validation_accuracy, validation_worst : as in `History`
    """

    damping: np.ndarray = field(default_factory=_empty)
    cg_iterations: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    reduction_ratio: np.ndarray = field(default_factory=_empty)
    step_size: np.ndarray = field(default_factory=_empty)


class HessianFree(Session):
    r"""Trains a network on a task by Hessian-free optimisation (Martens 2010; Martens & Sutskever 2011, 2012).

    Around the weights :math:`w`, an iteration replaces the objective by

    .. math:: m(p) = f(w) + \nabla f^T p + \tfrac12 p^T (G + \lambda I + \lambda \mu R) p

    with the Gauss-Newton matrix :math:`G` of loss and penalties, damping :math:`\lambda`, and structural damping
    :math:`p^T R p`: the squared change of the hidden rates, summed over units and averaged over trials and steps.
    Conjugate gradients (CG) minimise it approximately, from the last iteration's :math:`p`, shortened by
    ``warm_start``, preconditioned by :math:`(\mathrm{diag}(G) + \lambda)^{3/4}`. Then the best of the last iterates
    is chosen, a line search shortens it, and :math:`\lambda` is multiplied by 2/3 or 3/2 according to how well the
    undamped model foretold the change of the objective.

    All of an iteration is compiled; it draws its trials and noise from the trainer's key folded with its number
    alone, so that a run that was stopped and resumed anywhere gives the same bits as one that was not.

    Constraints are part of the network, as they are for `Trainer`: steps are in the raw weights, masked and fixed
    entries have neither gradient nor curvature and stay, and signs hold by construction. A step that takes a raw
    weight through zero is reflected by ``positive="abs"``, and stops at zero with ``"relu"`` (from where no method
    that uses gradients brings it back); the quadratic model does not see either, the line search and the damping,
    which evaluate the network itself, do.

    Parameters
    ----------
    net : RateRNN
        Its trainable variables are changed in place.
    task : Task
        With as many inputs and outputs as the network and the same ``dt``.
    loss : str or callable, optional
        ``"mse"``, ``"cross_entropy"`` or a function of (outputs, trial) that is convex in the outputs; default: the
        task's.
    regularizers : sequence
        As for `Trainer`, but no `VanishingGradient`; they contribute to gradient and curvature.
    batch_size : int
        Trials of an iteration: for gradient, backtracking and line search.
    curvature_batch_size : int, optional
        How many of them the curvature is computed of (their noise is the same); default: all.
    max_cg_iterations : int
    cg_tolerance : float
        CG ends when the relative progress per iteration falls below it.
    damping : float
        Initial :math:`\lambda`; 0 stays 0.
    structural_damping : float
        :math:`\mu`.
    warm_start : float
        Factor in [0, 1] of the last direction, where CG begins.
    n_probes : int
        Random probes for the preconditioner's diagonal, each as expensive as half a CG iteration; 0: no
        preconditioner.
    fixed_trials : bool
        Same trials and noise in every iteration.
    validation_repeats : int
        Trials per condition in a validation.
    seed : int
        Fixes trials and noise.

    Raises
    ------
    ValueError
        If network and task do not fit, nothing is trainable, or an option is out of range.

    References
    ----------
    Martens (2010), ICML; Martens & Sutskever (2011), ICML; Martens & Sutskever (2012), Neural Networks: Tricks of the
    Trade, 479-535; Chapelle & Erhan (2011), NIPS workshop on deep learning (preconditioner).

    Examples
    --------
    >>> from eicon.tasks import SequenceMemory
    >>> net = RateRNN.dale(n_in=2, n_rec=10, n_out=1, tau=20.0, seed=1)
    >>> trainer = HessianFree(net, SequenceMemory(pattern_length=2), batch_size=16, max_cg_iterations=10)
    >>> history = trainer.fit(3, progress=False)
    >>> bool(history.loss[-1] < history.loss[0])
    True
    """

    def __init__(
        self,
        net: RateRNN,
        task: Task,
        *,
        loss: str | Loss | None = None,
        regularizers: Sequence[Regularizer] = (),
        batch_size: int = 64,
        curvature_batch_size: int | None = None,
        max_cg_iterations: int = 50,
        cg_tolerance: float = 5e-4,
        damping: float = 1.0,
        structural_damping: float = 0.0,
        warm_start: float = 0.95,
        n_probes: int = 10,
        fixed_trials: bool = False,
        validation_repeats: int = 20,
        seed: int = 0,
    ):
        check_fit(net, task, None, batch_size)
        if any(isinstance(regularizer, VanishingGradient) for regularizer in regularizers):
            raise ValueError("VanishingGradient is a penalty of gradients, for Trainer alone; it has no curvature.")
        self.options = Options(
            batch_size,
            batch_size if curvature_batch_size is None else curvature_batch_size,
            max_cg_iterations,
            cg_tolerance,
            damping,
            structural_damping,
            warm_start,
            n_probes,
            fixed_trials,
        )
        super().__init__(net, task, loss, regularizers, validation_repeats, seed)
        self.history = HessianFreeHistory()
        self._trained = sorted(net.trainable_variables())
        flat, _ = ravel_pytree({name: net.parameters()[name] for name in self._trained})
        self._variables: dict[str, bm.Variable] = {
            **net.variables(),
            DAMPING: bm.Variable(jnp.asarray(damping, flat.dtype)),
            DIRECTION: bm.Variable(jnp.zeros_like(flat)),
        }
        self._iterate = jax.jit(self._run_iteration)
        self._setup = {
            "task": label(task),
            "optimizer": {"name": "hessian_free", **asdict(self.options)},
            "loss": label(self.loss),
            "regularizers": [label(regularizer) for regularizer in self.regularizers],
            "validation_repeats": validation_repeats,
            "seed": seed,
            "network": net.constants,
        }

    unit = "iteration"
    history: HessianFreeHistory

    @property
    def iteration(self) -> int:
        """Iterations done so far."""
        return self.history.n_steps

    @property
    def damping(self) -> float:
        """Damping of the next iteration."""
        return float(self._variables[DAMPING].value)

    def fit(
        self,
        iterations: int,
        *,
        stop_when: Callable[[History], bool] | None = None,
        validate_every: int = 1,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int = 10,
        snapshots: str | os.PathLike[str] | None = None,
        progress: bool = True,
    ) -> HessianFreeHistory:
        """Train for (at most) so many more iterations.

        Parameters
        ----------
        iterations : int
        stop_when : callable, optional
            Given the history after each validation; e.g. `AccuracyReached`.
        validate_every : int
            Iterations between validations on balanced trials.
        checkpoint : path, optional
            File that the training state is written to every ``checkpoint_every`` iterations, at the end, and when
            training is interrupted or fails; `resume` reads it.
        snapshots : path, optional
            Directory in which the network is kept as it was at iteration 0, every ``checkpoint_every`` iterations (at
            validations) and at the end: ``step_00000.npz`` and so on, which `eicon.models.load` reads. A resumed
            training writes the same files as one that was not interrupted.
        progress : bool
            Show a progress bar; where there is no terminal, log a line (level INFO) every half minute.

        Returns
        -------
        HessianFreeHistory
            Of all iterations so far, resumed ones included.

        Raises
        ------
        NonFiniteLoss
            If a loss or gradient is NaN or infinite; network and checkpoint stay as they were before that iteration.
        KeyboardInterrupt
            On Ctrl-C, after the iteration at hand was done and the checkpoint written (a second Ctrl-C does not
            wait for the iteration).
        """
        self._loop(
            iterations,
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
        values, history = read_checkpoint(path, shapes, self._setup, HessianFreeHistory)
        assert isinstance(history, HessianFreeHistory)
        self._restore({name: jnp.asarray(value, self._variables[name].dtype) for name, value in values.items()})
        self.history = history

    def _problem(self, fixed: Values, unravel: Callable[[jax.Array], Values], key: jax.Array, dtype: Any) -> Problem:
        key_trial, key_noise = jax.random.split(key)
        net, n = self.net.network, self.options.curvature_batch_size
        trial = self.task.sample(key_trial, self.options.batch_size)
        inputs, noise = trial.inputs.astype(dtype), key_noise if net.noisy else None
        first = _first(trial, n)

        def run(vector: jax.Array, n: int, forward_mode: bool) -> tuple[Values, Activity]:
            values = {**fixed, **unravel(vector)}
            return values, run_first(net.replaced(values), inputs, noise, n, forward_mode=forward_mode)

        def total(values: Values, activity: Activity, trial: Trial) -> jax.Array:
            value, network = self.loss(activity.outputs, trial), net.replaced(values)
            for regularizer in self.regularizers:
                value = value + regularizer(network, activity, trial)
            return value

        def objective(vector: jax.Array) -> tuple[jax.Array, jax.Array]:
            values, activity = run(vector, trial.batch_size, False)
            return total(values, activity, trial), self.task.accuracy(activity.outputs, trial)

        return Problem(
            objective=objective,
            run=lambda vector, forward_mode: run(vector, n, forward_mode),
            convex=lambda values, activity: total(values, activity, first),
            loss=lambda outputs: self.loss(outputs, first),
            trial=first,
        )

    def _run_iteration(self, state: Values, iteration: jax.Array) -> tuple[Values, Values]:
        key = jax.random.fold_in(self._key, jnp.uint32(0) if self.options.fixed_trials else iteration)
        vector, unravel = ravel_pytree({name: state[name] for name in self._trained})
        fixed = {name: value for name, value in state.items() if name not in (DAMPING, DIRECTION)}
        problem = self._problem(fixed, unravel, key, vector.dtype)
        before = State(vector, state[DAMPING], state[DIRECTION])
        after, record = newton_step(problem, before, jax.random.fold_in(key, 1), self.options)
        return {**fixed, **unravel(after.values), DAMPING: after.damping, DIRECTION: after.direction}, record

    def _chunk_length(self, left: int, to_validation: int) -> int:
        return 1

    def _advance(self, n: int, *, validate: bool) -> None:
        before, history_before = self._snapshot(), self.history
        start = time.perf_counter()
        try:
            after, records = self._iterate(before, jnp.uint32(self.iteration))
            record = {name: np.asarray(value) for name, value in records.items()}
            self._check_finite(record)
            self._restore(after)
            seconds = (self.history.seconds[-1] if self.iteration else 0.0) + time.perf_counter() - start
            history = self.history.extended(**record, seconds=seconds)
            self.history = self._validated(history) if validate else history
        except BaseException:
            # Together, or an interrupt in between would pair weights with the history of another iteration.
            self._restore(before)
            self.history = history_before
            raise

    def _check_finite(self, record: dict[str, np.ndarray]) -> None:
        if not (np.isfinite(record["loss"]) and np.isfinite(record["grad_norm"])):
            raise NonFiniteLoss(
                f"loss or gradient is NaN or infinite in iteration {self.iteration + 1}; the network is as it was "
                f"after iteration {self.iteration}. Likely causes: NaN in the task's inputs or in the initial weights, "
                "or weights under which activity explodes."
            )

    def _summary(self) -> dict[str, str]:
        return {**super()._summary(), "loss": f"{self.history.loss[-1]:.4g}", "damping": f"{self.damping:.3g}"}


def _first(trial: Trial, n: int) -> Trial:
    def part(values: dict[str, jax.Array]) -> dict[str, jax.Array]:
        return {name: value[:n] for name, value in values.items()}

    return Trial(
        trial.inputs[:, :n], trial.targets[:, :n], trial.mask[:, :n], part(trial.conditions), part(trial.epochs)
    )
