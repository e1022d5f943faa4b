"""Known mistakes 1 to 3 in the network of BrainPy's notebook Song_2016_EI_RNN.

The notebook is written for an older BrainPy. `benchmarks/variants/brainpy_seed.py` has its network on today's BrainPy,
operation by operation; that is what runs here, from the root of a clone of eicon:

    python -m tests.known_mistakes.evidence.brainpy_notebook
"""

# ruff: noqa: T201

import brainpy.math as bm
import jax.numpy as jnp
import numpy as np

from benchmarks import problem
from benchmarks.variants.brainpy_seed import SeedRNN


def main() -> None:
    """Print one line for each mistake."""
    with bm.environment(mode=bm.TrainingMode(batch_size=problem.B)):
        net = SeedRNN(50)
    used = np.asarray(bm.as_jax(bm.abs(net.w_rec) * net.mask))
    mixed = ((used > 0).any(axis=1) & (used < 0).any(axis=1)).sum()
    print(f"1: units of 50 with outgoing weights of both signs (rows of h @ W): {mixed}")

    net.w_rec.value, net.b_rec.value = 0 * net.w_rec.value, 0 * net.b_rec.value
    h = bm.asarray(np.full((problem.B, 50), 5.0, np.float32))
    noise = np.asarray(bm.as_jax(net.cell(jnp.zeros((problem.B, problem.N_IN)), h)))
    print(f"2: largest difference of the noise between {problem.B} trials: {np.ptp(noise, axis=0).max():.3f}")

    net.noise_std = 0.0
    h, strong = bm.asarray(np.zeros((problem.B, 50), np.float32)), np.full((problem.B, problem.N_IN), -50.0, np.float32)
    net.w_in.value = jnp.ones_like(bm.as_jax(net.w_in))
    for _ in range(20):
        h = net.cell(jnp.asarray(strong), h)
    weak = np.asarray(bm.as_jax(net.cell(jnp.full((problem.B, problem.N_IN), 1.0), h)))
    print(f"3: first rate after 400 ms of strong inhibition ends: {weak.max():.2f}; by the printed equation: 0.00")


if __name__ == "__main__":
    main()
