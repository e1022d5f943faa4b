"""Preconditioned conjugate gradients for Hessian-free training, and the use of their iterates."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

Product = Callable[[jax.Array], jax.Array]
Objective = Callable[[jax.Array], jax.Array]

SPACING = 1.3
SHRINK, SUFFICIENT, TRIES = 0.8, 1e-2, 40


class Iterates(NamedTuple):
    """Iterates of conjugate gradients.

    Attributes
    ----------
    points : (K, P) iterates 1, 2, 3, 4, 5, 7, 9, ...; entry ``last`` is the final one, later ones are not used
    last : () index of the final iterate
    n : () iterations done
    values : (max + 1,) quadratic after each iteration, the first before any
    """

    points: jax.Array
    last: jax.Array
    n: jax.Array
    values: jax.Array


class _State(NamedTuple):
    i: jax.Array
    running: jax.Array
    x: jax.Array
    residual: jax.Array
    direction: jax.Array
    product: jax.Array
    values: jax.Array
    points: jax.Array


def stored_iterations(max_iterations: int) -> np.ndarray:
    """Return which iterates are kept: geometrically spaced ones, and the last possible one."""
    n = math.ceil(math.log(max_iterations, SPACING)) + 1
    spaced = np.ceil(SPACING ** np.arange(n)).astype(int)
    return np.unique(np.minimum(spaced, max_iterations))


def conjugate_gradient(
    product: Product,
    b: jax.Array,
    start: jax.Array,
    diagonal: jax.Array,
    *,
    max_iterations: int,
    tolerance: float,
) -> Iterates:
    r"""Minimise :math:`\phi(x) = \frac12 x^T A x - b^T x`.

    A custom loop, because those of `jax.scipy` and lineax return only the last iterate and stop by the residual.
    It ends after iteration i if :math:`\phi` fell by less than ``k * tolerance`` of itself in the last
    ``k = max(10, i / 10)`` iterations (Martens 2010, section 4.4), or where no positive curvature is left.

    Parameters
    ----------
    product : callable
        Function from v (P,) to A v; A is positive semidefinite.
    b : jax.Array, shape (P,)
    start : jax.Array, shape (P,)
        Starting point, replaced by zero unless :math:`\phi` is negative there, so that every iterate is a descent
        direction.
    diagonal : jax.Array, shape (P,)
        Diagonal of the preconditioner, > 0.
    max_iterations : int
    tolerance : float

    Returns
    -------
    Iterates
    """
    slot_of = jnp.asarray(np.searchsorted(stored_iterations(max_iterations), np.arange(max_iterations + 1)))

    def quadratic(x: jax.Array, residual: jax.Array) -> jax.Array:
        return -0.5 * jnp.vdot(x, b + residual)

    def goes_on(s: _State) -> jax.Array:
        return s.running & (s.i < max_iterations)

    def iterate(s: _State) -> _State:
        a_direction = product(s.direction)
        curvature = jnp.vdot(s.direction, a_direction)
        usable = (curvature > 0) & jnp.isfinite(curvature) & (s.product > 0)
        alpha = jnp.where(usable, s.product / jnp.where(usable, curvature, 1.0), 0.0)
        x, residual = s.x + alpha * s.direction, s.residual - alpha * a_direction
        scaled = residual / diagonal
        new = jnp.vdot(residual, scaled)
        i = s.i + usable
        value = quadratic(x, residual)
        values = s.values.at[i].set(value)
        k = jnp.maximum(10, i // 10)
        stalled = (i > k) & (value < 0) & (value - s.values[i - k] > k * tolerance * value)
        direction = scaled + new / jnp.where(usable, s.product, 1.0) * s.direction
        return _State(i, usable & ~stalled, x, residual, direction, new, values, s.points.at[slot_of[i]].set(x))

    residual = b - product(start)
    useful = quadratic(start, residual) < 0
    x = jnp.where(useful, start, 0.0)
    residual = jnp.where(useful, residual, b)
    scaled = residual / diagonal
    values = jnp.full(max_iterations + 1, jnp.nan, b.dtype).at[0].set(quadratic(x, residual))
    points = jnp.zeros((len(stored_iterations(max_iterations)), len(b)), b.dtype).at[0].set(x)
    i = jnp.zeros((), jnp.int32)
    begin = _State(i, jnp.asarray(True), x, residual, scaled, jnp.vdot(residual, scaled), values, points)
    end = jax.lax.while_loop(goes_on, iterate, begin)
    return Iterates(end.points, slot_of[end.i], end.i, end.values)


def backtrack(objective: Objective, iterates: Iterates) -> tuple[jax.Array, jax.Array]:
    """Step back from the last iterate for as long as the objective falls; return the iterate and its objective."""

    def goes_on(state: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
        j, _, falling = state
        return falling & (j > 0)

    def earlier(state: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array, jax.Array]:
        j, best, _ = state
        value = objective(iterates.points[j - 1])
        value = jnp.where(jnp.isfinite(value), value, jnp.inf)
        falling = (value < best) | jnp.isinf(best)
        return jnp.where(falling, j - 1, j), jnp.where(falling, value, best), falling

    none = jnp.asarray(jnp.inf, iterates.points.dtype)
    j, best, _ = jax.lax.while_loop(goes_on, earlier, (iterates.last + 1, none, jnp.asarray(True)))
    return iterates.points[j], best


def line_search(
    objective: Objective, before: jax.Array, after: jax.Array, slope: jax.Array, direction: jax.Array
) -> jax.Array:
    r"""Find the largest of 1, 0.8, 0.64, ... for which a direction lowers the objective enough (Armijo), or 0.

    Enough is :math:`f(\alpha p) \leq f(0) + 0.01\, \alpha\, \nabla f^T p`.

    Parameters
    ----------
    objective : callable
        Function of a displacement (P,).
    before, after : jax.Array, scalars
        Objective at 0 and at ``direction``.
    slope : jax.Array, scalar
        Gradient at 0 times ``direction``.
    direction : jax.Array, shape (P,)

    Returns
    -------
    jax.Array, scalar
    """

    def fails(i: jax.Array, value: jax.Array) -> jax.Array:
        return ~(value <= before + SUFFICIENT * SHRINK**i * jnp.minimum(slope, 0.0))

    def goes_on(state: tuple[jax.Array, jax.Array]) -> jax.Array:
        return fails(*state) & (state[0] < TRIES)

    def shrink(state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        i = state[0] + 1
        return i, objective(SHRINK**i * direction)

    i, value = jax.lax.while_loop(goes_on, shrink, (jnp.zeros((), jnp.int32), after))
    return jnp.where(fails(i, value), 0.0, SHRINK ** i.astype(after.dtype)).astype(after.dtype)


def next_damping(damping: jax.Array, reduction_ratio: jax.Array) -> jax.Array:
    """Adapt the damping (Levenberg-Marquardt): times 3/2 if the reduction ratio is < 1/4 or NaN, 2/3 above 3/4."""
    trusted = jnp.where(reduction_ratio > 0.75, damping * (2 / 3), damping)
    return jnp.where(reduction_ratio >= 0.25, trusted, damping * 1.5)
