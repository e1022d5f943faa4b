"""Sine wave: an oscillation driven by a constant input, the first example of Song, Yang & Wang (2016)."""

import math
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ._base import Behaviour, Task, Trial, within
from ._rmse import rmse
from ._timing import Uniform, draw_steps, longest, whole_steps

TOLERANCE = 0.3


@dataclass(frozen=True)
class SineWave(Task):
    r"""Oscillation driven by a constant input.

    *Wave* (the drive is on, and the output follows :math:`\sin(2 \pi t / P)` with :math:`t` from the start of the
    trial), for a random time. The output is scored throughout; after the end of a trial the input is 0. The state
    after step ``t`` is that of time ``(t + 1) dt``. A trial is right if its root mean squared error is below 0.3:
    that of a silent output is 0.7.

    Parameters
    ----------
    dt : float
        Step in ms.
    period : float
        Period :math:`P` of the wave in ms, at least four steps.
    periods : (float, float)
        Shortest and longest trial, in periods; lengths between them are equally probable.
    baseline : float
        The drive, not 0.

    Raises
    ------
    ValueError
        If the period is shorter than four steps, the lengths of trials are not an ascending range > 0, or the
        drive is 0 or not finite.

    References
    ----------
    Song, Yang & Wang (2016), PLoS Comput Biol 12(2): e1004792.

    Examples
    --------
    >>> task = SineWave()
    >>> trial = task.sample(jax.random.key(0), batch_size=4)
    >>> trial.inputs.shape
    (240, 4, 1)
    >>> [f"{value:.2f}" for value in trial.targets[jax.numpy.array([19, 39, 59, 79]), 0, 0]]
    ['1.00', '0.00', '-1.00', '-0.00']
    """

    input_channels: ClassVar[tuple[str, ...]] = ("drive",)
    output_channels: ClassVar[tuple[str, ...]] = ("wave",)
    chance: ClassVar[float] = 0.0
    criterion: ClassVar[float] = 0.9
    aligned_to: ClassVar[str] = "wave"

    dt: float = 10.0
    period: float = 800.0
    periods: tuple[float, float] = (2.0, 3.0)
    baseline: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 4 * self.dt <= self.period < math.inf:
            raise ValueError(f"period must be finite, at least four steps of dt {self.dt:g} ms; got {self.period:g}.")
        periods = tuple(float(n) for n in self.periods)
        if len(periods) != 2 or not 0 < periods[0] <= periods[1] < math.inf:
            raise ValueError(f"periods must be the shortest and the longest trial, > 0 and ascending; got {periods}.")
        if self.baseline == 0 or not math.isfinite(self.baseline):
            raise ValueError(f"baseline drives the wave and must be finite and not 0; got {self.baseline:g}.")
        object.__setattr__(self, "periods", periods)
        whole_steps("the shortest trial", periods[0] * self.period, self.dt)

    @property
    def duration(self) -> float | Uniform:
        """Duration of trials, in ms."""
        low, high = (n * self.period for n in self.periods)
        return low if low == high else Uniform(low, high)

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return a single condition, the ``period`` in ms; the duration of trials is random."""
        return {"period": np.array([self.period], np.float32)}

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Build trials of random ``duration``, given in ms among the conditions."""
        batch_size = conditions["catch"].shape[0]
        n_steps = whole_steps("the longest trial", longest(self.duration), self.dt)
        stop = draw_steps(self.duration, self.dt, key, batch_size)
        span = jnp.stack([jnp.zeros_like(stop), stop], axis=1)
        inside = within(span, n_steps)
        wave = np.sin(2 * np.pi * np.arange(1, n_steps + 1) * self.dt / self.period)
        return Trial(
            inputs=jnp.where(inside, self.baseline, 0.0)[:, :, None].astype(float),
            targets=jnp.where(inside, jnp.asarray(wave)[:, None], 0.0)[:, :, None].astype(float),
            mask=inside.astype(float),
            conditions={**conditions, "duration": stop * self.dt},
            epochs={"wave": span},
        )

    def behaviour(self, outputs: jax.Array, trial: Trial) -> Behaviour:
        """Return the behaviour, see `Task.behaviour`; the score is 1 where the root mean squared error is below 0.3."""
        return Behaviour((self.rmse(outputs, trial) < TOLERANCE).astype(float))

    def rmse(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return the root mean squared error of each trial over its scored steps, (B,).

        Parameters
        ----------
        outputs : array, shape (T, B, 1)
        trial : Trial

        Returns
        -------
        jax.Array, shape (B,)
        """
        return rmse(outputs, trial)
