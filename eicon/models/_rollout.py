r"""The fast path: many Euler steps of the rate equation in one scan, with a hand-written gradient.

.. math:: x_t = d \odot x_{t-1} + f(x_{t-1}) W + u_t

Everything that does not depend on :math:`x` (effective weights, input drive, noise, readout) is computed
outside of the scan. The backward scan yields only :math:`\lambda_t = dL/dx_t`; the weight gradient is then
one product over all steps and trials, :math:`\sum_t f(x_{t-1})^T \lambda_t`.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

Function = Callable[[jax.Array], jax.Array]


def scan_currents(x0: jax.Array, weights: jax.Array, drive: jax.Array, decay: jax.Array, f: Function) -> jax.Array:
    """Currents after each step, by a plain scan (differentiable in forward and reverse mode).

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
    jax.Array, shape (T, B, N)
    """
    decay = jnp.broadcast_to(decay, x0.shape)

    def step(x: jax.Array, u: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = decay * x + f(x) @ weights + u
        return x, x

    return jax.lax.scan(step, x0, drive)[1]


@functools.partial(jax.custom_vjp, nondiff_argnums=(4,))
def currents(x0: jax.Array, weights: jax.Array, drive: jax.Array, decay: jax.Array, f: Function) -> jax.Array:
    """Same as `scan_currents`, with the fast reverse-mode gradient (reverse mode only)."""
    return scan_currents(x0, weights, drive, decay, f)


def _forward(x0, weights, drive, decay, f):
    xs = scan_currents(x0, weights, drive, decay, f)
    return xs, (x0, weights, decay, xs)


def _backward(f, saved, cotangent):
    x0, weights, decay, xs = saved
    transposed = weights.T
    previous = jnp.concatenate([x0[None], xs[:-1]])
    leak = jnp.broadcast_to(decay, x0.shape)

    def step(from_later, at_step):
        x, from_loss = at_step
        total = from_loss + from_later
        (through_rate,) = jax.vjp(f, x)[1](total @ transposed)
        return leak * total + through_rate, total

    d_x0, totals = jax.lax.scan(step, jnp.zeros_like(x0), (previous, cotangent), reverse=True)
    n = weights.shape[0]
    d_weights = f(previous).reshape(-1, n).T @ totals.reshape(-1, n)
    d_decay = jnp.sum(previous * totals, axis=(0, 1))
    return d_x0, d_weights, totals, d_decay


currents.defvjp(_forward, _backward)
