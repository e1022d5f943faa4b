r"""Dimension, not size, their Fig. 3: number of recorded units needed in networks of rank two of different size.

A teacher of N units with :math:`r = g \tanh(x + b)` has weights

.. math:: W = \frac{2}{N}\, n m, \qquad n_1 = s (2 m_1 + 1.5\, m_2), \qquad n_2 = s (2 m_2 - 1.5\, m_1)

with normal :math:`m` (Mastrogiuseppe & Ostojic 2018), a random sign :math:`s` of each unit, and gains that are larger
where :math:`s = 1` (1.25 to 1.75) than elsewhere (0.25 to 0.75). The gains make activity rotate in the plane of
:math:`m_1` and :math:`m_2` for any N: with gains independent of the signs, activity decays. The teacher is not trained.
A pulse at a random time starts each trial, always in the same direction, so that a single unit shows one projection of
one orbit.
"""

import jax.numpy as jnp
import numpy as np

from ...models import Connectivity, LowRank, RateRNN
from ...tasks import Trial
from .._parts import Keep, Measures, Part
from ._students import follow
from ._teachers import Shown, shown
from ._units import Shifted

GROWTH, ROTATION = 2.0, 1.5


def rotating(seed: int, n: int) -> RateRNN:
    """Make a teacher of rank two."""
    rng = np.random.default_rng([seed, n])
    m = rng.normal(size=(2, n))
    sign = rng.permutation(np.where(np.arange(n) < n // 2, 1.0, -1.0))
    left = sign * np.stack([GROWTH * m[0] + ROTATION * m[1], GROWTH * m[1] - ROTATION * m[0]])
    w_in = m[:1] + 0.5 * rng.normal(size=(1, n))
    numbers = {"tau": 100.0, "gain": 1 + sign * rng.uniform(0.25, 0.75, n), "shift": rng.normal(0, 0.5, n)}
    weights = {"input": w_in, "readout": m.T / n}
    return RateRNN(
        LowRank.of(2 * left.T / n, m),
        Connectivity.dense(1, n),
        Connectivity.dense(n, 2),
        cell=Shifted("tanh"),
        dt=10.0,
        parameters=numbers,
        train=("gain", "shift"),
        weights=weights,
        seed=seed,
    )


def pulses(teacher: RateRNN, n_trials: int, n_steps: int, rng: np.random.Generator) -> Shown:
    """Run a teacher in trials with a pulse of 100 ms at 200 to 500 ms; the targets are its own outputs."""
    onset = rng.integers(20, 51, n_trials)
    step = np.arange(n_steps)[:, None]
    inputs = ((step >= onset) & (step < onset + 10))[:, :, None].astype(float)
    outputs = teacher.predict(inputs, noise=False).outputs
    epochs = {"trial": jnp.tile(jnp.array([0, n_steps]), (n_trials, 1))}
    conditions = {"catch": jnp.zeros(n_trials, bool)}
    return shown(teacher, Trial(jnp.asarray(inputs), outputs, jnp.ones((n_steps, n_trials)), conditions, epochs))


def fit_rotating(part: Part, keep: Keep) -> Measures:
    """Fit a student of a teacher of rank two."""
    teacher = rotating(part["seed"], part["n"])
    rngs = [np.random.default_rng([part["seed"], part["n"], i]) for i in (1, 2)]
    fitted, fresh = (pulses(teacher, part["trials"], part["n_steps"], rng) for rng in rngs)
    return follow(part, keep, teacher, fitted, fresh)
