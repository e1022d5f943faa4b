"""Edge of stability: strength of recurrent weights at which a network forgets slowly, for any activation."""

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ._activations import Activation

SCALES = np.geomspace(0.5, 4.0, 16)
N_INPUTS = 8
STEPS, SETTLED = 300, 200
N_SEEN, SEEN = len(SCALES) * N_INPUTS, slice(20, 60)
"""Inputs and steps over which rates are averaged: the same numbers as for the edge, to share a compiled program."""
BOUND, LARGEST = 30.0, 1e3
"""Largest permitted current, and the value to which currents are clipped at scales that are too large."""


@lru_cache(maxsize=16)
def _with_slope(activation: Activation) -> Any:
    """Return a function for rates and slopes at currents, compiled once for an activation."""
    return jax.jit(lambda x: jax.jvp(activation, (x,), (jnp.ones_like(x),)))


def edge_of_stability(
    drawn: np.ndarray, fixed: np.ndarray, into: np.ndarray, activation: Activation, alpha: np.ndarray, x0: np.ndarray
) -> float:
    """Find the smallest scale at which perturbations no longer decay, or the largest without runaway activity.

    The network is simulated for each of `SCALES` with ``N_INPUTS`` constant inputs, drawn from U(0, 1) in each channel,
    together with a small perturbation. The mean growth of the logarithm of the perturbation after `SETTLED` steps is
    the largest Lyapunov exponent. At rest the exponent is 0 if the gain matrix (slope of the activation times weights)
    has the leading real part 1. The scale with exponent 0 is interpolated between two scales; if there is none, the
    scale of the slowest decay is used. The result is at most the last of `SCALES` at which all currents stay within
    ``BOUND``.

    Parameters
    ----------
    drawn, fixed : array, shape (N, N)
        Recurrent weights are ``fixed + scale * drawn``.
    into : array, shape (n_in, N)
        Input weights.
    activation : Activation
    alpha : array, shape (N,)
        ``dt / tau``; steps of less than 0.1 are lengthened to it, here and in `mean_rates`.
    x0 : array, shape (N,)
        Current at the start.

    Returns
    -------
    float
    """
    rng, drive = _drive(into, N_INPUTS)
    drive = np.tile(drive, (len(SCALES), 1))
    scale = np.repeat(SCALES, N_INPUTS)[:, None].astype(np.float32)
    drawn, fixed, alpha = drawn.astype(np.float32), fixed.astype(np.float32), np.maximum(alpha, 0.1).astype(np.float32)
    slope_of = _with_slope(activation)
    x = np.broadcast_to(x0, drive.shape).astype(np.float32)
    v = rng.standard_normal(drive.shape).astype(np.float32)
    growth, peak = np.zeros(len(drive)), np.zeros(len(drive))
    for step in range(STEPS):
        rate, slope = (np.asarray(value) for value in slope_of(x))
        sent = np.concatenate([rate, slope * v])
        received = np.tile(scale, (2, 1)) * (sent @ drawn) + (sent @ fixed if fixed.any() else 0)
        x = np.clip(x + alpha * (received[: len(x)] + drive - x), -LARGEST, LARGEST)
        peak = np.maximum(peak, np.abs(x).max(axis=1))
        v = v + alpha * (received[len(x) :] - v)
        size = np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-30)
        v = v / size
        growth += np.log(size[:, 0]) * (step >= SETTLED)
    exponent = growth.reshape(len(SCALES), N_INPUTS).mean(axis=1) / (STEPS - SETTLED)
    tame = np.logical_and.accumulate(peak.reshape(len(SCALES), N_INPUTS).max(axis=1) < BOUND)
    return min(_edge(exponent), float(SCALES[max(int(tame.sum()) - 1, 0)]))


def _edge(exponent: np.ndarray) -> float:
    """Return the scale at which the exponent becomes 0, or is largest."""
    if exponent.max() < 0:
        return float(SCALES[exponent.argmax()])
    first = int(np.argmax(exponent >= 0))
    if not first:
        return float(SCALES[0])
    return float(np.interp(0.0, exponent[first - 1 : first + 1], SCALES[first - 1 : first + 1]))


def mean_rates(
    recurrent: np.ndarray, into: np.ndarray, activation: Activation, alpha: np.ndarray, x0: np.ndarray
) -> np.ndarray:
    """Return rates for ``N_SEEN`` constant inputs, drawn from U(0, 1) in each channel, averaged over steps ``SEEN``.

    Parameters are those of `edge_of_stability`, with the whole matrix of recurrent weights.

    Returns
    -------
    ndarray, shape (N_SEEN, N)
    """
    _, drive = _drive(into, N_SEEN)
    recurrent, alpha = recurrent.astype(np.float32), np.maximum(alpha, 0.1).astype(np.float32)
    x, total = np.broadcast_to(x0, drive.shape).astype(np.float32), np.zeros(drive.shape)
    for step in range(SEEN.stop):
        rate = np.asarray(_with_slope(activation)(x)[0])
        total += rate * (step >= SEEN.start)
        x = np.clip(x + alpha * (rate @ recurrent + drive - x), -LARGEST, LARGEST)
    return total / (SEEN.stop - SEEN.start)


def _drive(into: np.ndarray, n: int) -> tuple[np.random.Generator, np.ndarray]:
    """Return currents (n, N) of constant inputs, which depend on the size of the network, not on its seed."""
    rng = np.random.default_rng(into.shape[1])
    return rng, (rng.uniform(0, 1, (n, len(into))) @ into).astype(np.float32)
