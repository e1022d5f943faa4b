"""One iteration of Hessian-free training, as a pure function."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .._numbers import real, whole
from ..models._network import Parameters
from ..models.results import Activity
from ..tasks import Trial
from ._conjugate_gradient import backtrack, conjugate_gradient, line_search, next_damping
from ._curvature import gauss_newton, probed_diagonal, rate_change

EXPONENT = 0.75


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings of `eicon.training.HessianFree`."""

    max_cg_iterations: int = 50
    cg_tolerance: float = 5e-4
    damping: float = 1.0
    structural_damping: float = 0.0
    warm_start: float = 0.95
    n_probes: int = 10

    def __post_init__(self) -> None:
        for name in ("max_cg_iterations", "n_probes"):
            object.__setattr__(self, name, whole(getattr(self, name), name))
        if self.max_cg_iterations < 1:
            raise ValueError(f"max_cg_iterations must be at least 1; got {self.max_cg_iterations}.")
        if self.n_probes < 0:
            raise ValueError(f"n_probes must be >= 0; got {self.n_probes}.")
        for name in ("cg_tolerance", "damping", "structural_damping", "warm_start"):
            object.__setattr__(self, name, real(getattr(self, name), name))
        for name in ("cg_tolerance", "damping", "structural_damping"):
            value = getattr(self, name)
            if not 0 <= value < np.inf:
                raise ValueError(f"{name} must be >= 0 and finite; got {value}.")
        if not 0 <= self.warm_start <= 1:
            raise ValueError(f"warm_start must be in [0, 1]; got {self.warm_start}.")


class Problem(NamedTuple):
    """Problem of an iteration, with fixed trials and noise. Curvature is computed only on the first trials.

    Attributes
    ----------
    objective : from values (P,) to the loss with penalties and the accuracy, of all trials
    run : from values (P,), and whether forward mode is needed, to values and activity of the first trials
    convex : from values and activity to the loss with penalties of the first trials
    loss : from activity to the loss of the first trials
    trial : the first trials
    """

    objective: Callable[[jax.Array], tuple[jax.Array, jax.Array]]
    run: Callable[[jax.Array, bool], tuple[Parameters, Activity]]
    convex: Callable[[Parameters, Activity], jax.Array]
    loss: Callable[[Activity], jax.Array]
    trial: Trial


class State(NamedTuple):
    """State passed from one iteration to the next.

    Attributes
    ----------
    values : (P,) trained values
    damping : ()
    direction : (P,) final point of conjugate gradients
    """

    values: jax.Array
    damping: jax.Array
    direction: jax.Array


def newton_step(problem: Problem, state: State, key: jax.Array, options: Options) -> tuple[State, dict[str, jax.Array]]:
    """Do one iteration; return the next state, and its record (columns of `eicon.training.results.History`)."""
    values, damping = state.values, state.damping
    (loss, accuracy), gradient = jax.value_and_grad(problem.objective, has_aux=True)(values)
    undamped = gauss_newton(problem.run, problem.convex, values)
    iterates = conjugate_gradient(
        _damped(problem, state, undamped, options.structural_damping),
        -gradient,
        options.warm_start * state.direction,
        _preconditioner(problem, state, key, options.n_probes),
        max_iterations=options.max_cg_iterations,
        tolerance=options.cg_tolerance,
    )

    def displaced(step: jax.Array) -> jax.Array:
        return problem.objective(values + step)[0]

    step, reached = backtrack(displaced, iterates)
    slope = jnp.vdot(gradient, step)
    promised = slope + 0.5 * jnp.vdot(step, undamped(step))
    ratio = (reached - loss) / promised
    size = line_search(displaced, loss, reached, slope, step)
    record = {
        "loss": loss,
        "accuracy": accuracy,
        "grad_norm": jnp.linalg.norm(gradient),
        "damping": damping,
        "cg_iterations": iterates.n,
        "reduction_ratio": ratio,
        "step_size": size,
    }
    after = State(values + size * step, next_damping(damping, ratio), iterates.points[iterates.last])
    return after, record


def _damped(
    problem: Problem, state: State, undamped: Callable[[jax.Array], jax.Array], stiffness: float
) -> Callable[[jax.Array], jax.Array]:
    """Return the product with the matrix of the minimised model."""
    values, damping = state.values, state.damping
    if not stiffness:
        return lambda v: undamped(v) + damping * v

    def convex(parameters: Parameters, activity: Activity) -> jax.Array:
        return problem.convex(parameters, activity) + damping * stiffness * rate_change(activity, problem.trial)

    product = gauss_newton(problem.run, convex, values)
    return lambda v: product(v) + damping * v


def _preconditioner(problem: Problem, state: State, key: jax.Array, n_probes: int) -> jax.Array:
    if not n_probes:
        return jnp.ones_like(state.values)

    activity = problem.run(state.values, False)[1]

    def outputs(values: jax.Array) -> jax.Array:
        return problem.run(values, False)[1].outputs

    def loss(outputs: jax.Array) -> jax.Array:
        return problem.loss(activity._replace(outputs=outputs))

    diagonal = probed_diagonal(outputs, loss, state.values, key, n_probes) + state.damping
    # Entries without curvature and damping (masked ones, undamped) have no gradient either; any number will do.
    return jnp.where(diagonal > 0, diagonal, 1.0) ** EXPONENT
