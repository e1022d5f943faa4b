r"""The fast path: many Euler steps of the rate equation in one scan, with a hand-written gradient.

.. math:: x_t = d \odot x_{t-1} + r_{t-1} W + u_t, \qquad r_t = f(x_t)

Everything that does not depend on :math:`x` (effective weights, input drive, noise, readout) is computed
outside of the scan. The backward scan yields only :math:`\lambda_t = dL/dx_t`,

.. math:: \lambda_t = g^x_t + d \odot \lambda_{t+1} + f'(x_t) \odot (g^r_t + \lambda_{t+1} W^T),

for gradients :math:`g^x, g^r` of the loss with respect to currents and rates; the weight gradient is then one
product over all steps and trials, :math:`\sum_t r_t^T \lambda_{t+1}`.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

Function = Callable[[jax.Array], jax.Array]
Trajectory = tuple[jax.Array, jax.Array]


def scan_trajectory(x0: jax.Array, weights: jax.Array, drive: jax.Array, decay: jax.Array, f: Function) -> Trajectory:
    """Currents and rates after each step, by a plain scan (differentiable in forward and reverse mode).

    Parameters
    ----------
    x0 : jax.Array, shape (B, N)
        Currents before the first step.
    weights : jax.Array, shape (N, N)
        Effective weights ``[pre, post]``, each column already multiplied by its unit's ``dt / tau``.
    drive : jax.Array, shape (T, B, N)
        What is added at each step: input, bias and noise, already scaled by ``dt / tau``.
    decay : jax.Array, shape (N,)
        ``1 - dt / tau``.
    f : callable
        Transfer function, elementwise.

    Returns
    -------
    currents, rates : jax.Array, shape (T, B, N)
    """
    decay = jnp.broadcast_to(decay, x0.shape)

    def step(state: Trajectory, u: jax.Array) -> tuple[Trajectory, Trajectory]:
        x, r = state
        x = decay * x + r @ weights + u
        state = (x, f(x))
        return state, state

    return jax.lax.scan(step, (x0, f(x0)), drive)[1]


@functools.partial(jax.custom_vjp, nondiff_argnums=(4,))
def trajectory(x0: jax.Array, weights: jax.Array, drive: jax.Array, decay: jax.Array, f: Function) -> Trajectory:
    """Same as `scan_trajectory`, with the fast reverse-mode gradient (reverse mode only)."""
    return scan_trajectory(x0, weights, drive, decay, f)


def _forward(x0, weights, drive, decay, f):
    xs, rs = scan_trajectory(x0, weights, drive, decay, f)
    return (xs, rs), (x0, weights, decay, xs, rs)


def _backward(f, saved, cotangents):
    x0, weights, decay, xs, rs = saved
    transposed = weights.T
    leak = jnp.broadcast_to(decay, x0.shape)

    def before(later, x, from_rate):
        (through_rate,) = jax.vjp(f, x)[1](from_rate + later @ transposed)
        return leak * later + through_rate

    def step(later, at_step):
        x, from_current, from_rate = at_step
        total = from_current + before(later, x, from_rate)
        return total, (total, later)

    first, (totals, laters) = jax.lax.scan(step, jnp.zeros_like(x0), (xs, *cotangents), reverse=True)
    d_x0 = before(first, x0, jnp.zeros_like(x0))
    n = weights.shape[0]
    d_weights = rs.reshape(-1, n).T @ laters.reshape(-1, n) + f(x0).T @ first
    d_decay = jnp.sum(xs * laters, axis=(0, 1)) + jnp.sum(x0 * first, axis=0)
    return d_x0, d_weights, totals, d_decay


trajectory.defvjp(_forward, _backward)
