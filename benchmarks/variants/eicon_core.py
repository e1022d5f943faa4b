"""The bare core of a training step in eicon: forward scan, backward scan and weight gradient, nothing else."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import problem
from eicon.models import Activation
from eicon.models._rollout import trajectory


def build(n_rec: int) -> Callable[[int], None]:
    """Return the function that runs k of them, each on the weights that the one before left."""
    key_w, key_drive, key_loss = jax.random.split(jax.random.key(problem.SEED), 3)
    shape = (problem.T, problem.B, n_rec)
    weights = problem.ALPHA * jax.random.normal(key_w, (n_rec, n_rec)) / np.sqrt(n_rec)
    drive = 0.1 * jax.random.normal(key_drive, shape)
    cotangent = jax.random.normal(key_loss, shape)
    x0 = jnp.zeros(n_rec)
    decay = jnp.full(n_rec, 1 - problem.ALPHA)
    relu = Activation("relu")

    @jax.jit
    def steps(k: int, weights: jax.Array, drive: jax.Array, cotangent: jax.Array) -> jax.Array:
        def step(_: int, weights: jax.Array) -> jax.Array:
            _, pull_back = jax.vjp(lambda w: trajectory(x0, w, drive, decay, relu)[1], weights)
            return weights - 1e-9 * pull_back(cotangent)[0]

        return jax.lax.fori_loop(0, k, step, weights)

    def run(k: int) -> None:
        jax.block_until_ready(steps(k, weights, drive, cotangent))

    return run
