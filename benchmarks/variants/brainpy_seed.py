"""The BrainPy notebook "Training excitatory-inhibitory recurrent network", on today's BrainPy.

The computation has the structure of the published page: the effective weight and the readout are computed
inside each step, the loss runs `bm.for_loop` over `update`, and one `bm.jit` call trains on one batch. Two
properties are kept because the page itself is timed: the noise vector is drawn once per step and shared by
all trials of the batch (1/16 of the random numbers that the other variants draw), and the signs are laid
along the second axis of a matrix used as ``h @ W``, that is, along the *receiving* units.
"""

from collections.abc import Callable
from itertools import cycle

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import problem


class SeedRNN(bp.DynamicalSystem):
    """E-I network with `update`, `cell` and `readout` as in the notebook."""

    def __init__(self, n_rec: int) -> None:
        super().__init__()
        self.n_rec = n_rec
        self.n_exc = int(problem.E_RATIO * n_rec)
        self.noise_std = (2 * problem.ALPHA) ** 0.5 * problem.SIGMA_REC
        self.rng = bm.random.RandomState(problem.SEED)
        n_inh = n_rec - self.n_exc

        sign = np.repeat([1.0, -1.0], [self.n_exc, n_inh])
        self.mask = bm.asarray(sign * (1 - np.eye(n_rec)), dtype=bm.float_)

        kaiming = bp.init.KaimingUniform(scale=1.0, seed=problem.SEED)
        self.w_in = bm.TrainVar(bp.init.parameter(kaiming, (problem.N_IN, n_rec)))
        self.w_rec = bm.TrainVar(bp.init.parameter(kaiming, (n_rec, n_rec)))
        self.w_rec[:, : self.n_exc] /= self.n_exc / n_inh
        bound = n_rec**-0.5
        self.b_rec = bm.TrainVar(self.rng.uniform(-bound, bound, n_rec))
        bound = self.n_exc**-0.5
        self.w_out = bm.TrainVar(bp.init.parameter(kaiming, (self.n_exc, problem.N_OUT)))
        self.b_out = bm.TrainVar(self.rng.uniform(-bound, bound, problem.N_OUT))
        self.reset_state(self.mode)

    def reset_state(self, batch_size: bm.Mode | int) -> None:
        """Set state and output to zero."""
        self.h = bp.init.variable_(bm.zeros, self.n_rec, batch_size)
        self.o = bp.init.variable_(bm.zeros, problem.N_OUT, batch_size)

    def cell(self, u: jax.Array, h: bm.Variable) -> jax.Array:
        """Return the next rates ``(B, N)``."""
        drive = u @ self.w_in + h @ (bm.abs(self.w_rec) * self.mask) + self.b_rec
        state = h * (1 - problem.ALPHA) + drive * problem.ALPHA
        state += self.noise_std * self.rng.randn(self.n_rec)
        return bm.relu(state)

    def readout(self, h: jax.Array) -> jax.Array:
        """Return the outputs ``(B, N_OUT)`` of excitatory rates."""
        return h @ self.w_out + self.b_out

    def update(self, u: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Advance one time step."""
        self.h.value = self.cell(u, self.h)
        self.o.value = self.readout(self.h[:, : self.n_exc])
        return self.h.value, self.o.value

    @bm.cls_jit
    def predict(self, us: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Run a batch of trials from rest."""
        self.h[:] = 0.0
        return bm.for_loop(self.update, us)

    def loss(self, us: jax.Array, ys: jax.Array) -> jax.Array:
        """Cross-entropy over all steps and trials."""
        _, os = self.predict(us)
        return bp.losses.cross_entropy_loss(os.reshape((-1, os.shape[-1])), ys.flatten())


def build(n_rec: int) -> Callable[[int], None]:
    """Return the function that runs k training steps."""
    with bm.environment(mode=bm.TrainingMode(batch_size=problem.B)):
        net = SeedRNN(n_rec)
    weights = net.train_vars().unique()
    opt = bp.optim.Adam(lr=problem.LEARNING_RATE, train_vars=weights)
    grad_fn = bm.grad(net.loss, grad_vars=weights, return_value=True)

    @bm.jit
    def train(xs: jax.Array, ys: jax.Array) -> jax.Array:
        grads, loss = grad_fn(xs, ys)
        opt.update(grads)
        return loss

    data = [(jnp.asarray(xs), jnp.asarray(ys)) for xs, ys in problem.batches()]
    stream = cycle(data)

    def run(k: int) -> None:
        for _ in range(k):
            loss = train(*next(stream))
        if not np.isfinite(float(loss)):
            raise FloatingPointError(f"the loss is {float(loss)}")

    return run
