r"""The fast path: many Euler steps of the rate equation in one loop, with a hand-written gradient.

.. math:: x_t = d \odot x_{t-1} + r_{t-1} W + u_t, \qquad r_t = f(x_t)

Everything that does not depend on :math:`x` (effective weights, input drive, noise, readout) is computed
outside of the loop. The backward loop yields only :math:`\lambda_t = dL/dx_t`,

.. math:: \lambda_t = g^x_t + d \odot \lambda_{t+1} + f'(x_t) \odot (g^r_t + \lambda_{t+1} W^T),

for gradients :math:`g^x, g^r` of the loss with respect to currents and rates; the weight gradient is then one
product over all steps and trials, :math:`\sum_t r_t^T \lambda_{t+1}`. All trials begin in the same state, so that
the first step needs a product with one row only, and the backward loop one product less than there are steps.
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
    x0 : jax.Array, shape (N,)
        Currents before the first step, the same in all trials.
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
    decay = jnp.broadcast_to(decay, drive.shape[1:])
    x0 = jnp.broadcast_to(x0, drive.shape[1:])

    def step(state: Trajectory, u: jax.Array) -> tuple[Trajectory, Trajectory]:
        x, r = state
        x = decay * x + r @ weights + u
        state = (x, f(x))
        return state, state

    return jax.lax.scan(step, (x0, f(x0)), drive)[1]


@functools.partial(jax.custom_vjp, nondiff_argnums=(4,))
def trajectory(x0: jax.Array, weights: jax.Array, drive: jax.Array, decay: jax.Array, f: Function) -> Trajectory:
    """Same as `scan_trajectory`, with the fast reverse-mode gradient (reverse mode only)."""
    leak = jnp.broadcast_to(decay, drive.shape[1:])
    x = drive[0] + jnp.broadcast_to(decay * x0 + f(x0) @ weights, drive.shape[1:])
    r = f(x)

    def step(t: jax.Array, state: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        x, r, xs, rs = state
        x = leak * x + r @ weights + _at(xs, t)
        r = f(x)
        return x, r, _put(xs, t, x), _put(rs, t, r)

    # Currents take the place of the drive, step by step.
    first = (x, r, _put(drive, 0, x), _put(jnp.zeros_like(drive), 0, r))
    _, _, xs, rs = jax.lax.fori_loop(1, drive.shape[0], step, first)
    return xs, rs


def _forward(x0, weights, drive, decay, f):
    xs, rs = trajectory(x0, weights, drive, decay, f)
    return (xs, rs), (x0, weights, decay, xs, rs)


def _backward(f, saved, cotangents):
    x0, weights, decay, xs, rs = saved
    from_currents, from_rates = cotangents
    last = xs.shape[0] - 1
    transposed = weights.T
    leak = jnp.broadcast_to(decay, xs.shape[1:])

    def through(x, gradient):
        return jax.vjp(f, x)[1](gradient)[0]

    def step(i, state):
        later, totals = state
        t = last - 1 - i
        total = _at(totals, t) + leak * later + through(_at(xs, t), _at(from_rates, t) + later @ transposed)
        return total, _put(totals, t, total)

    total = from_currents[last] + through(xs[last], from_rates[last])
    first, totals = jax.lax.fori_loop(0, last, step, (total, _put(from_currents, last, total)))
    of_first = first.sum(axis=0)
    d_x0 = decay * of_first + through(x0, of_first @ transposed)
    n = weights.shape[0]
    d_weights = rs[:-1].reshape(-1, n).T @ totals[1:].reshape(-1, n) + jnp.outer(f(x0), of_first)
    d_decay = jnp.sum(xs[:-1] * totals[1:], axis=(0, 1)) + x0 * of_first
    return d_x0, d_weights, totals, d_decay


def _at(values, t):
    return jax.lax.dynamic_index_in_dim(values, t, keepdims=False)


def _put(values, t, value):
    return jax.lax.dynamic_update_index_in_dim(values, value, t, 0)


trajectory.defvjp(_forward, _backward)
