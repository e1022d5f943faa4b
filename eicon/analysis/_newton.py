"""Zeros of a vector field from many starting points at once: Levenberg-Marquardt with CGLS for its linear systems.

All points of a batch advance together, so that a Jacobian-vector product of the batch is one matrix product; no
Jacobian is ever formed. Finished points are replaced by waiting ones.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from tqdm import tqdm

INNER = 100
"""Most CGLS iterations for one step: a better solution of a far-off linear system is not worth its cost."""
ACCURACY = 1e-3
"""Accuracy of linear solutions; a coarser one saves time on smooth networks but loses zeros of `relu` networks."""
ROUND = 4
"""Steps between two checks for finished points."""
TRUST = 1e-2
"""Damping at the start, as a fraction of |F|."""
MEMORY = 10
"""A bold step may increase |F|, but not beyond all of the last values: this allows steps across kinks."""
PATIENCE = 25
"""Steps without progress after which a bold point becomes careful, and a careful one is given up."""
BOTTOM = 1e-6
"""``|J^T F| / |F|`` at which a local minimum of the speed is reached."""

Field = jax.tree_util.Partial
Linear = Callable[[jax.Array], Any]


class _State(NamedTuple):
    x: Any  # (B, N)
    trust: Any  # (B,) factor of the damping
    recent: Any  # (B, MEMORY) norms of F at the last states
    best: Any  # (B, N) state with the smallest norm so far
    least: Any  # (B,) the smallest norm
    idle: Any  # (B,) steps since the smallest norm last fell by a hundredth
    careful: Any  # (B,) whether every step has to go down
    done: Any  # (B,)


def field_of(step: Callable[[Any], Any], scale: float) -> Field:
    """``F(x) = (step(x) - x) scale``, which jit treats as the same function if `step` and its shapes are the same."""
    partial = step if isinstance(step, Field) else Field(step)
    return Field(_moved, partial, np.float64(scale))


def _moved(step: Field, scale: Any, x: Any) -> jax.Array:
    return (jnp.asarray(step(x), x.dtype) - x) * scale


def find_zeros(
    field: Field,
    start: Float[np.ndarray, "M N"],
    *,
    tol: float,
    slow: float,
    max_steps: int,
    batch: int,
    progress: bool,
) -> Float[np.ndarray, "M N"]:
    """Return where all points end: at ``|F|^2 / 2 < tol``, at a minimum of the speed, or after ``max_steps`` steps.

    ``slow``: singular values of the Jacobian below this are not followed.
    """
    n_points, n = start.shape
    batch = min(batch, n_points)
    ends, rows, steps, started = start.copy(), np.full(batch, -1), np.zeros(batch, int), 0
    number = np.zeros(batch)
    state = _State(
        x=np.zeros((batch, n)),
        trust=number.copy(),
        recent=np.zeros((batch, MEMORY)),
        best=np.zeros((batch, n)),
        least=number.copy(),
        idle=np.zeros(batch, int),
        careful=np.zeros(batch, bool),
        done=np.ones(batch, bool),
    )
    with tqdm(total=n_points, disable=not progress, desc="fixed points", leave=False) as bar:
        while started < n_points or (rows >= 0).any():
            free = np.flatnonzero(rows < 0)[: n_points - started]
            rows[free] = np.arange(started, started + free.size)
            state.x[free], state.best[free], steps[free] = start[rows[free]], start[rows[free]], 0
            state.trust[free], state.recent[free], state.least[free] = TRUST, 0.0, np.inf
            state.idle[free], state.careful[free], state.done[free] = 0, False, False
            started += free.size
            state = _State(*(np.array(part) for part in _advance(field, state, tol, slow)))
            steps += ROUND
            leaving = np.flatnonzero((rows >= 0) & (state.done | (steps >= max_steps)))
            ends[rows[leaving]] = state.best[leaving]
            rows[leaving], state.done[leaving] = -1, True
            bar.update(leaving.size)
    return ends


@jax.jit
def _advance(field: Field, state: _State, tol: jax.Array, slow: jax.Array) -> _State:
    return jax.lax.fori_loop(0, ROUND, lambda _, current: _step(field, current, tol, slow), state)


def _step(field: Field, state: _State, tol: jax.Array, slow: jax.Array) -> _State:
    """Take one damped Gauss-Newton step with every unfinished point.

    The damping ``trust |F|`` shortens a step and turns it towards the gradient, the more so the less the last one
    achieved; it vanishes with F, which keeps convergence superlinear even where zeros are not isolated. A point without
    progress returns to its best state and becomes careful: its steps must then lower q, as a local minimum of q that is
    not a zero is found by descent only.
    """
    value, push = jax.linearize(field, state.x)
    pull = _transposed(push, state.x)
    gradient = pull(value)
    norm = row_norm(value)
    damping = jnp.maximum(state.trust * norm, slow**2)
    step = _cgls(push, pull, value, gradient, damping, state.done)
    trial = state.x + step
    reached = row_norm(field(trial))
    recent = jnp.concatenate([norm[:, None], state.recent[:, :-1]], axis=1)
    limit = jnp.where(state.careful, norm, 0.999 * jnp.max(recent, axis=1))
    taken = jnp.isfinite(reached) & (reached < limit)
    promised = norm**2 - row_norm(value + push(step)) ** 2
    paid = taken & (~state.careful | (norm**2 - reached**2 > 0.5 * promised))
    trust = state.trust * jnp.where(paid, 0.2, jnp.where(taken, 1.0, 4.0))

    better = norm < state.least
    idle = jnp.where(norm < 0.99 * state.least, 0, state.idle + 1)
    bottom = row_norm(gradient) <= jnp.maximum(slow, BOTTOM) * norm
    lost = (idle > PATIENCE) | ~jnp.isfinite(norm)
    done = state.done | (0.5 * norm**2 < tol) | bottom | (lost & state.careful)
    back = lost & ~state.careful & ~done
    best = jnp.where(better[:, None], state.x, state.best)
    return _State(
        x=jnp.where(back[:, None], best, jnp.where((taken & ~done)[:, None], trial, state.x)),
        trust=jnp.where(back, TRUST, jnp.clip(trust, 1e-12, 1e12)),
        recent=jnp.where(taken[:, None], recent, state.recent),
        best=best,
        least=jnp.where(better, norm, state.least),
        idle=jnp.where(back, 0, idle),
        careful=state.careful | back,
        done=done,
    )


def _cgls(
    push: Linear,
    pull: Linear,
    value: jax.Array,
    gradient: jax.Array,
    damping: jax.Array,
    skip: jax.Array,
) -> jax.Array:
    """Solve ``(J^T J + damping) d = -J^T F`` for every row, to a relative residual of `ACCURACY`."""
    start = jnp.sum(gradient**2, axis=1)
    goal = ACCURACY**2 * start

    def unfinished(carry: tuple) -> jax.Array:
        return (carry[0] < INNER) & jnp.any(carry[-1] > goal)

    def iterate(carry: tuple) -> tuple:
        i, d, residual, p, gamma = carry
        active = gamma > goal
        q = push(p)
        length = jnp.where(active, gamma / (jnp.sum(q**2, axis=1) + damping * jnp.sum(p**2, axis=1)), 0.0)
        d = d + length[:, None] * p
        residual = residual - length[:, None] * q
        s = pull(residual) - damping[:, None] * d
        following = jnp.where(active, jnp.sum(s**2, axis=1), gamma)
        turn = following / jnp.where(gamma > 0, gamma, 1.0)
        return i + 1, d, residual, jnp.where(active[:, None], s + turn[:, None] * p, p), following

    carry = (0, jnp.zeros_like(value), -value, -gradient, jnp.where(skip, 0.0, start))
    return jax.lax.while_loop(unfinished, iterate, carry)[1]


@jax.jit
def speed(field: Field, x: jax.Array) -> tuple[jax.Array]:
    """``|F|`` of every row, (M,)."""
    return (row_norm(field(x)),)


@jax.jit
def speed_and_slope(field: Field, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """``|F|`` and ``|J^T F|`` of every row, both (M,)."""
    value, push = jax.linearize(field, x)
    return row_norm(value), row_norm(_transposed(push, x)(value))


@jax.jit
def linearised(field: Field, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """F (M, N) and ``dF_j / dx_i`` (M, N, N), j first, at every row of x."""
    return field(x), jax.vmap(jax.jacfwd(lambda state: field(state[None])[0]))(x)


def row_norm(values: jax.Array) -> jax.Array:
    """Norm of every row."""
    return jnp.sqrt(jnp.sum(values**2, axis=1))


def _transposed(push: Linear, x: jax.Array) -> Linear:
    transposed = jax.linear_transpose(push, x)
    return lambda cotangent: transposed(cotangent)[0]
