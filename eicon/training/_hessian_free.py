"""Hessian-free training: Newton-like steps from Gauss-Newton products and conjugate gradients."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from .._numbers import whole
from ..models._network import Parameters
from ..models.results import Activity
from ._history import History
from ._learner import Step
from ._losses import loss_of
from ._newton_step import Options, Problem, newton_step
from ._newton_step import State as NewtonState
from ._objective import Objective
from ._optimizers import State
from ._penalties import Penalty, needs
from ._supply import part

DAMPING, DIRECTION = "damping", "direction"


@dataclass(frozen=True, kw_only=True)
class HessianFree(Options):
    r"""Learn by Hessian-free optimisation (Martens 2010; Martens & Sutskever 2011, 2012).

    Around the weights :math:`w`, an iteration replaces the objective by

    .. math:: m(p) = f(w) + \nabla f^T p + \tfrac12 p^T (G + \lambda I + \lambda \mu R) p

    with the Gauss-Newton matrix :math:`G` of loss and penalties, damping :math:`\lambda`, and structural damping
    :math:`p^T R p`: the squared change of the hidden rates, summed over units and averaged over trials and steps.
    Conjugate gradients (CG) minimise it approximately, from the last iteration's :math:`p`, shortened by
    ``warm_start``, preconditioned by :math:`(\mathrm{diag}(G) + \lambda)^{3/4}`. Then the best of the last iterates
    is chosen, a line search shortens it, and :math:`\lambda` is multiplied by 2/3 or 3/2 according to how well the
    undamped model predicted the change of the objective.

    A step is one iteration. Penalties contribute to gradient and curvature, but those that need gradients themselves
    (`VanishingGradient`) have no curvature and are rejected. The loss should be convex in the outputs.

    Constraints are part of the network, as they are for `Trainer`: steps are in the raw weights, masked and fixed
    entries have neither gradient nor curvature and stay, and signs hold by construction. A step that takes a raw
    weight through zero is reflected by ``positive="abs"``, and stops at zero with ``"relu"`` (from which no
    gradient-based method can move it); the quadratic model ignores both, but the line search and the damping, which
    evaluate the network itself, do not.

    Parameters
    ----------
    curvature_trials : int, optional
        Number of a step's trials used for the curvature (with the same noise); by default all.
    max_cg_iterations : int
    cg_tolerance : float
        CG ends when the relative progress per iteration falls below this value.
    damping : float
        Initial :math:`\lambda`; 0 stays 0.
    structural_damping : float
        Structural damping :math:`\mu`.
    warm_start : float
        Fraction of the previous direction from which CG starts, in [0, 1].
    n_probes : int
        Random probes for the preconditioner's diagonal, each as expensive as half a CG iteration; 0: no
        preconditioner.

    Raises
    ------
    ValueError
        If an option is out of range.

    References
    ----------
    Martens (2010), ICML; Martens & Sutskever (2011), ICML; Martens & Sutskever (2012), Neural Networks: Tricks of the
    Trade, 479-535; Chapelle & Erhan (2011), NIPS workshop on deep learning (preconditioner).

    Examples
    --------
    >>> from eicon.models import RateRNN
    >>> from eicon.tasks import SequenceMemory
    >>> from eicon.training import Sampled, Trainer
    >>> task = SequenceMemory(pattern_length=2)
    >>> net = RateRNN.dale(n_in=2, n_rec=10, n_out=1, tau=20.0, seed=1)
    >>> trainer = Trainer(net, task, learner=HessianFree(max_cg_iterations=10), trials=Sampled(16))
    >>> history = trainer.fit(3, progress=False)
    >>> bool(history.loss[-1] < history.loss[0])
    True
    """

    curvature_trials: int | None = None

    batch_size: ClassVar[int] = 64
    validate_every: ClassVar[int] = 1
    at_once: ClassVar[int] = 1
    passes: ClassVar[float] = 20.0
    random: ClassVar[bool] = True
    watches: ClassVar[bool] = False
    columns: ClassVar[tuple[str, ...]] = (
        *("loss", "accuracy", "grad_norm", "damping"),
        *("cg_iterations", "reduction_ratio", "step_size"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.curvature_trials is not None:
            object.__setattr__(self, "curvature_trials", whole(self.curvature_trials, "curvature_trials"))

    def method(self) -> "HessianFree":
        """Compiled part: all but the initial damping, which is part of the state."""
        return replace(self, damping=1.0)

    def check(self, batch_size: int, penalties: Sequence[Penalty]) -> None:
        """See `Learner`."""
        if any(needs(penalty) for penalty in penalties):
            raise ValueError("a penalty that needs gradients, like VanishingGradient, has no curvature: use Gradient.")
        n = self.curvature_trials
        if n is not None and not 1 <= n <= batch_size:
            raise ValueError(f"curvature_trials must be in [1, batch size], here {batch_size}; got {n}.")

    def start(self, values: Parameters) -> State:
        """Return the initial damping, and the starting point of conjugate gradients."""
        vector, _ = ravel_pytree(values)
        return {DAMPING: jnp.asarray(self.damping, vector.dtype), DIRECTION: jnp.zeros_like(vector)}

    def validated(self, state: State, history: History) -> State:
        """Return the state after a validation, unchanged."""
        return state

    def describe(self) -> Any:
        """Return all settings, JSON-compatible."""
        return {"kind": "hessian_free", **asdict(self)}

    def step(self, objective: Objective, vector: jax.Array, state: State, step: jax.Array, key: jax.Array) -> Step:
        """Do one iteration."""
        before = NewtonState(vector, state[DAMPING], state[DIRECTION])
        after, record = newton_step(_problem(objective, self.curvature_trials), before, key, self)
        return Step(after.values, {DAMPING: after.damping, DIRECTION: after.direction}, record)


def _problem(objective: Objective, n: int | None) -> Problem:
    trial = objective.trial
    n = trial.batch_size if n is None else min(n, trial.batch_size)  # the last batch of an epoch may be smaller
    first = part(trial, slice(n))

    def run(vector: jax.Array, forward_mode: bool) -> tuple[Parameters, Activity]:
        return objective.unravel(vector), objective.run_first(vector, n, forward_mode=forward_mode)[1]

    def convex(values: Parameters, activity: Activity) -> jax.Array:
        return objective.total(objective.network.replaced(values), activity, first)

    def scored(vector: jax.Array) -> tuple[jax.Array, jax.Array]:
        total, (accuracy, _) = objective.scored(vector)
        return total, accuracy

    return Problem(
        objective=scored,
        run=run,
        convex=convex,
        loss=lambda activity: loss_of(objective.loss, activity, first),
        trial=first,
    )
