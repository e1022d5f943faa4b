"""Teachers: networks that respond to a pulse with two cycles of a sine, and trials for students."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from ..._files import load_arrays, save_arrays
from ..._key import key as key_of
from ...models import Connectivity, Population, Projection, RateRNN
from ...recordings import Recording
from ...tasks import Task, Trial
from ...training import Gradient, Trainer
from ...training.schedules import Cosine
from .._parts import Keep, Measures, Part
from ._units import Shifted

CELL = Shifted("softplus")
TRAINED = ("recurrent", "input", "readout", "readout_bias", "gain", "shift")
FITTED, FRESH = 1000, 2000
"""Keys of the trials for fitting and for testing students, to which the teacher's seed is added."""


@dataclass(frozen=True)
class Cycling(Task):
    r"""Two cycles of a sine after a pulse, whose channel sets the phase.

    A pulse of one time constant :math:`\tau` comes :math:`t_0` = 2 to 5 :math:`\tau` after the start, in one of two
    channels; the target is :math:`\pm \sin(3 (t - t_0) / \tau)` for two cycles, and 0 before and afterwards. In a fifth
    of the trials there is no pulse.

    Parameters
    ----------
    dt : float
        Step in ms.
    tau : float
        Time constant in ms.
    n_steps : int
        Steps of a trial.
    """

    input_channels: ClassVar[tuple[str, ...]] = ("pulse +", "pulse -")
    output_channels: ClassVar[tuple[str, ...]] = ("wave",)
    chance: ClassVar[float] = 0.0
    criterion: ClassVar[float] = 0.9
    catch_probability: ClassVar[float] = 0.2
    sorts: ClassVar[tuple[str, ...]] = ("channel",)

    dt: float = 10.0
    tau: float = 100.0
    n_steps: int = 200

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return the channel of the pulse."""
        return {"channel": np.array([0, 1], np.int32)}

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Make trials with random onset."""
        per_tau = self.tau / self.dt
        n = conditions["catch"].shape[0]
        onset = jnp.round(per_tau * jax.random.uniform(key, (n,), minval=2.0, maxval=5.0))
        since = (jnp.arange(self.n_steps)[:, None] - onset[None]) / per_tau
        shown = ~conditions["catch"][None] & (since >= 0)
        pulse = (shown & (since < 1)).astype(float)
        phase = jnp.where(conditions["channel"] == 0, 1.0, -1.0)
        wave = jnp.where(shown & (3 * since < 4 * math.pi), phase[None] * jnp.sin(3 * since), 0.0)
        of_channel = jax.nn.one_hot(conditions["channel"], 2)
        return Trial(
            inputs=pulse[:, :, None] * of_channel[None],
            targets=wave[:, :, None],
            mask=jnp.ones((self.n_steps, n)),
            conditions={**conditions, "onset": onset * self.dt},
            epochs={"trial": jnp.tile(jnp.array([0, self.n_steps]), (n, 1))},
        )

    def correct(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return the fraction of each trial's target variance that outputs explain, (B,); NaN without a pulse."""
        missed = ((outputs - trial.targets) ** 2).sum(axis=(0, 2))
        total = ((trial.targets - trial.targets.mean(axis=0, keepdims=True)) ** 2).sum(axis=(0, 2))
        score = jnp.clip(1 - missed / jnp.where(total > 0, total, 1.0), 0.0, 1.0)
        return jnp.where(trial.conditions["catch"], jnp.nan, score)


def new_teacher(seed: int, n: int) -> RateRNN:
    """Make an untrained teacher: 70 % excitatory units, half of all pairs connected, heterogeneous units."""
    populations = [Population("E", round(0.7 * n), "E"), Population("I", n - round(0.7 * n), "I")]
    recurrent = Connectivity.areas(populations, populations, [Projection(density=0.5)], seed=seed)
    rng = np.random.default_rng(seed)
    return RateRNN(
        recurrent,
        Connectivity.dense(2, n),
        Connectivity.dense(n, 1),
        cell=CELL,
        dt=10.0,
        parameters={"tau": 100.0, "x0": 0.0, "gain": rng.uniform(0.5, 1.5, n), "shift": rng.normal(0, 0.5, n)},
        train=TRAINED,
        seed=seed,
    )


def write_network(net: RateRNN, path: Path) -> None:
    """Write the parameters of a network, for `read_numbers`."""
    save_arrays(path, jax.device_get(net.parameters()), kind="beiran2025-network", version=1, header={})


def read_numbers(net: RateRNN, path: Path) -> RateRNN:
    """Set the parameters of a network made with the same settings from a file, and return the network."""
    arrays, _ = load_arrays(path, kind="beiran2025-network", version=1)
    for name, variable in net.variables().items():
        variable.value = jnp.asarray(arrays[name])
    return net


class Shown(NamedTuple):
    """Trials of a teacher.

    Attributes
    ----------
    currents, rates, outputs : currents and rates of all units, and the readout
    trial : trial of the task
    """

    currents: Recording
    rates: Recording
    outputs: Recording
    trial: Trial


def shown(net: RateRNN, trial: Trial) -> Shown:
    """Run a network in trials."""
    activity = net.predict(trial.inputs, noise=False)
    values = {"current": activity.currents, "rate": activity.rates, "output": activity.outputs}
    inputs = np.asarray(trial.inputs)
    made = [Recording(np.asarray(v), dt=net.dt, inputs=inputs, observed=name) for name, v in values.items()]
    currents, rates, outputs = made
    return Shown(currents, rates, outputs, trial)


def teach(part: Part, keep: Keep) -> Measures:
    """Train a teacher, and write its parameters."""
    task = Cycling(n_steps=part["n_steps"])
    net = new_teacher(part["seed"], part["n"])
    learner = Gradient("adam", learning_rate=Cosine(part["rate"], part["steps"], warm_up=10))
    trainer = Trainer(net, task, learner=learner, batch_size=part["batch"], validation_repeats=1, seed=part["seed"])
    keep.fit(trainer, part["steps"])
    write_network(net, keep.folder / part["makes"])
    trial = task.sample(key_of(FRESH + part["seed"]), part["trials"])
    seen = shown(net, trial)
    return {
        "task_error": task_error(seen.outputs.activity, trial),
        "rate": float(seen.rates.activity.mean()),
        "dimension": participation_ratio(seen.currents.activity),
        "gain_sd": float(net.parameter("gain").std()),
        "shift_sd": float(net.parameter("shift").std()),
        "train_seconds": float(trainer.history.seconds[-1]),
    }


def teacher_of(part: Part, keep: Keep) -> RateRNN:
    """Return the teacher of a student.

    Raises
    ------
    FileNotFoundError
        If it is not trained yet.
    """
    return read_numbers(new_teacher(part["seed"], part["n"]), keep.folder / f"teacher{part['seed']}_network.npz")


def task_error(outputs: ArrayLike, trial: Trial) -> float:
    """Return the mean squared error of outputs (T, B, 1), divided by the variance of the targets."""
    targets = np.asarray(trial.targets)
    return float(np.mean((np.asarray(outputs) - targets) ** 2) / targets.var())


def participation_ratio(activity: np.ndarray) -> float:
    """Return the participation ratio of activity (T, B, N): squared sum of its PC variances over the sum of squares."""
    flat = activity.reshape(-1, activity.shape[2])
    variances = np.linalg.eigvalsh(np.cov(flat.T))
    return float(variances.sum() ** 2 / (variances**2).sum())
