"""The limit: the three large products of a training step, ``3 * 2 * T * B * N^2`` flops, and nothing else.

Forward ``(T*B, N) @ (N, N)``, backward ``(T*B, N) @ (N, N)`` and weight gradient ``(N, T*B) @ (T*B, N)``, in
float32. No recurrent network can reach it, as it pretends that all time steps are known at once.

The products are chained, ``W <- R.T @ ((R @ W) @ I)`` with orthonormal ``R``, so that the compiler can
neither drop them nor hoist them out of the loop, and the numbers keep their size in runs of any length.
"""

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import problem

PROBE_STEPS = 5
PROBES = 5


def operands(n_rec: int) -> list[np.ndarray]:
    """Return ``W (N, N)``, ``R (T*B, N)``, identity ``(N, N)`` and ``R.T``, contiguous float32."""
    rng = np.random.default_rng(problem.SEED)
    rows = problem.T * problem.B
    tall = rng.standard_normal((max(rows, n_rec), min(rows, n_rec)))
    basis = np.linalg.qr(tall)[0]
    r = basis if n_rec <= rows else basis.T
    w = rng.standard_normal((n_rec, n_rec))
    return [np.ascontiguousarray(a, dtype=np.float32) for a in (w, r, np.eye(n_rec), r.T)]


def with_jax(w: np.ndarray, r: np.ndarray, eye: np.ndarray, r_t: np.ndarray) -> Callable[[int], None]:
    """Return the k-step function on XLA's products."""

    @jax.jit
    def chain(k: int, w: jax.Array, r: jax.Array, eye: jax.Array, r_t: jax.Array) -> jax.Array:
        return jax.lax.fori_loop(0, k, lambda _, w: r_t @ ((r @ w) @ eye), w)

    on_device = [jnp.asarray(a) for a in (w, r, eye, r_t)]
    return lambda k: jax.block_until_ready(chain(k, *on_device))


def with_numpy(w: np.ndarray, r: np.ndarray, eye: np.ndarray, r_t: np.ndarray) -> Callable[[int], None]:
    """Return the k-step function on numpy's BLAS, without allocation inside the loop."""
    forward, backward, gradient = np.empty_like(r), np.empty_like(r), w.copy()

    def run(k: int) -> None:
        for _ in range(k):
            np.matmul(r, gradient, out=forward)
            np.matmul(forward, eye, out=backward)
            np.matmul(r_t, backward, out=gradient)

    return run


def fastest_probe(run: Callable[[int], None]) -> float:
    """Return the shortest time of a few short warm runs."""
    run(PROBE_STEPS)
    times = []
    for _ in range(PROBES):
        start = time.perf_counter()
        run(PROBE_STEPS)
        times.append(time.perf_counter() - start)
    return min(times)


def build(n_rec: int) -> Callable[[int], None]:
    """Return the faster of the two on this machine; its `note` says which."""
    arrays = operands(n_rec)
    runs = {"jax": with_jax(*arrays), "numpy": with_numpy(*arrays)}
    name = min(runs, key=lambda name: fastest_probe(runs[name]))

    def run(k: int) -> None:
        runs[name](k)

    run.note = f"BLAS: {name}"
    return run
