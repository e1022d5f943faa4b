"""eicon's `Trainer` on the same problem: chunks of steps in one call, noise per step, trial and unit."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import problem
from eicon.models import RateRNN
from eicon.tasks import Task, Trial
from eicon.training import Trainer

STEPS_PER_CALL = 50


@dataclass(frozen=True)
class FixedBatches(Task):
    """The prepared batches as a task, so that sampling costs a look-up, as in the other variants."""

    input_channels = ("fixation", "choice 0", "choice 1")
    output_channels = ("fixation", "choice 0", "choice 1")
    loss = "cross_entropy"

    def condition_grid(self) -> dict[str, np.ndarray]:
        """One condition per batch."""
        return {"batch": np.arange(problem.N_BATCHES)}

    def sample(self, key: jax.Array, batch_size: int) -> Trial:
        """One of the prepared batches."""
        which = jax.random.randint(key, (), 0, problem.N_BATCHES)
        return self.build(key, {"batch": jnp.full(batch_size, which)})

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Build trial i from the one at place i, modulo their number, in the requested batch."""
        inputs, labels = (jnp.asarray(np.stack(part)) for part in zip(*problem.batches(), strict=True))
        which = conditions["batch"]
        place = jnp.arange(len(which)) % problem.B
        whole = jnp.tile(jnp.array([[0, problem.T]]), (len(which), 1))
        mask = jnp.ones((problem.T, len(which)))
        return Trial(
            inputs[which, :, place].swapaxes(0, 1), labels[which, :, place].T, mask, {**conditions}, {"trial": whole}
        )

    def correct(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Score the class at the last step: 1 if it is right."""
        return (jnp.argmax(outputs[-1], axis=1) == trial.targets[-1]).astype(jnp.float32)


def build(n_rec: int) -> Callable[[int], None]:
    """Return the function that runs k training steps."""
    net = RateRNN.dale(
        problem.N_IN,
        n_rec,
        problem.N_OUT,
        e_ratio=problem.E_RATIO,
        tau=problem.TAU,
        dt=problem.DT,
        sigma_rec=problem.SIGMA_REC,
        bias=True,
        readout_bias=True,
        free_input=True,
        free_readout=True,
        spectral_radius=1.0,
        x0=0.0,
        seed=problem.SEED,
    )
    trainer = Trainer(net, FixedBatches(dt=problem.DT), learning_rate=problem.LEARNING_RATE, batch_size=problem.B)

    def run(k: int) -> None:
        trainer.fit(k, validate_every=STEPS_PER_CALL, progress=False)

    return run
