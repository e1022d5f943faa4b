"""The bare core of a training step in eicon: only forward scan, backward scan and weight gradient."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import problem
from eicon.models import Leaky
from eicon.models._rollout import trajectory
from eicon.models._weights import Matrix


def build(n_rec: int) -> Callable[[int], None]:
    """Return the function that runs k of them, each on the weights from the previous one."""
    key_w, key_drive, key_loss = jax.random.split(jax.random.key(problem.SEED), 3)
    shape = (problem.T, problem.B, n_rec)
    weights = Matrix(jax.random.normal(key_w, (n_rec, n_rec)) / np.sqrt(n_rec))
    drive = 0.1 / problem.ALPHA * jax.random.normal(key_drive, shape)
    cotangent = jax.random.normal(key_loss, shape)
    parameters = {"tau": jnp.full((1, n_rec), problem.TAU), "x0": jnp.zeros((1, n_rec))}
    cell = Leaky("relu")

    @jax.jit
    def steps(k: int, weights: Matrix, drive: jax.Array, cotangent: jax.Array) -> Matrix:
        initial = cell.initial(parameters, shape[1:])

        def step(_: int, weights: Matrix) -> Matrix:
            _, pull_back = jax.vjp(lambda w: trajectory(cell, problem.DT, parameters, w, initial, drive)[1], weights)
            return jax.tree.map(lambda value, by: value - 1e-9 * by, weights, pull_back(cotangent)[0])

        return jax.lax.fori_loop(0, k, step, weights)

    def run(k: int) -> None:
        jax.block_until_ready(steps(k, weights, drive, cotangent))

    return run
