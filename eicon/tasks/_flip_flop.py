"""Flip-flop: remember the sign of the last pulse on each of several channels (Sussillo & Barak 2013)."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ._base import Behaviour, Task, Trial, consecutive
from ._timing import as_duration, longest, whole_steps

ANSWER = 0.5


@dataclass(frozen=True)
class FlipFlop(Task):
    r"""Memory of several bits, each of which is set by pulses on its own input.

    *Rest* (no input; all outputs 0), *bits* (pulses of +1 or -1 on the inputs, which are 0 otherwise; each output is
    the sign of the last pulse on its input). The second epoch consists of windows of equal length. In the first window
    every input has a pulse, which sets all bits; in each later window an input has a pulse with probability
    ``probability``, independently of everything else. Pulses start with their window, last ``pulse`` ms, and are
    positive or negative with equal probability. Outputs are scored throughout, except for a time ``settling`` from the
    start of each pulse on any of the inputs.

    An output is read as +1 or -1 if it is nearer to that value than to 0, and as 0 otherwise. A trial's score is the
    fraction of right readings over all bits and the scored steps of the second epoch; a reading of 0 counts 1/2.

    Parameters
    ----------
    dt : float
        Step in ms.
    n_bits : int
        Number of inputs, and of outputs, at least 1.
    n_windows : int
        Number of windows, at least 2.
    probability : float
        Probability of a pulse, per input and window after the first, in (0, 1]; pulses come at a rate of
        ``probability / window``.
    rest, window, pulse : float
        Durations in ms; a pulse is shorter than a window.
    settling : float
        Unscored time in ms after the start of a pulse; shorter than a window, 0 for none.

    Raises
    ------
    ValueError
        If there is no bit, or fewer than two windows; the probability is not in (0, 1]; an epoch or a pulse is shorter
        than half a step; or a pulse or the settling lasts as long as a window.

    References
    ----------
    Sussillo & Barak (2013), Neural Comput 25: 626-649.

    Examples
    --------
    >>> task = FlipFlop(n_bits=2, n_windows=3)
    >>> trial = task.sample(jax.random.key(0), batch_size=4)
    >>> trial.inputs.shape, trial.epochs["bits"][0].tolist()
    ((35, 4, 2), [5, 35])
    >>> bool((trial.targets[5:15] == trial.inputs[5:6]).all())  # the first window has the sign of its pulses
    True
    """

    chance: ClassVar[float] = 1 / 2
    criterion: ClassVar[float] = 0.9
    aligned_to: ClassVar[str] = "bits"

    n_bits: int = 3
    n_windows: int = 10
    probability: float = 0.3
    rest: float = 100.0
    window: float = 200.0
    pulse: float = 100.0
    settling: float = 100.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_bits < 1:
            raise ValueError(f"n_bits must be at least 1; got {self.n_bits}.")
        if self.n_windows < 2:
            raise ValueError(f"n_windows must be at least 2, or no bit could change; got {self.n_windows}.")
        if not 0 < self.probability <= 1:
            raise ValueError(f"probability must lie in (0, 1]; got {self.probability}.")
        for name in ("rest", "window", "pulse"):
            whole_steps(name, longest(as_duration(name, getattr(self, name))), self.dt)
        if not self.settling >= 0:
            raise ValueError(f"settling must be >= 0 (ms); got {self.settling}.")
        for name in ("pulse", "settling"):
            duration = getattr(self, name)
            if not duration < self.window or round(duration / self.dt) >= self._steps("window"):
                raise ValueError(
                    f"{name} must be shorter than a window of {self.window:g} ms, by at least a step of dt "
                    f"{self.dt:g} ms; got {duration:g}."
                )

    @property
    def input_channels(self) -> tuple[str, ...]:  # type: ignore[override]
        """Pulses of each bit."""
        return tuple(f"pulses {i}" for i in range(self.n_bits))

    @property
    def output_channels(self) -> tuple[str, ...]:  # type: ignore[override]
        """The bits."""
        return tuple(f"bit {i}" for i in range(self.n_bits))

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return a single condition; everything else is random."""
        return {"n_bits": np.array([self.n_bits], np.int32)}

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Build trials of random pulses."""
        batch_size, (key_comes, key_sign) = conditions["catch"].shape[0], jax.random.split(key)
        shape = (self.n_windows, batch_size, self.n_bits)
        comes = jax.random.bernoulli(key_comes, self.probability, shape).at[0].set(True)
        sign = jnp.where(jax.random.bernoulli(key_sign, 0.5, shape), 1.0, -1.0)
        last = jax.lax.cummax(jnp.where(comes, jnp.arange(self.n_windows)[:, None, None], 0), axis=0)
        bits = jnp.take_along_axis(sign, last, axis=0)

        rest, window = self._steps("rest"), self._steps("window")
        into = jnp.tile(jnp.arange(window), self.n_windows)
        pulses, state, disturbed = (
            jnp.repeat(values, window, axis=0) for values in (jnp.where(comes, sign, 0.0), bits, comes.any(axis=2))
        )
        pulses = jnp.where((into < self._steps("pulse"))[:, None, None], pulses, 0.0)
        scored = ~disturbed | (into >= round(self.settling / self.dt))[:, None]
        return Trial(
            inputs=jnp.pad(pulses, ((rest, 0), (0, 0), (0, 0))).astype(float),
            targets=jnp.pad(state, ((rest, 0), (0, 0), (0, 0))).astype(float),
            mask=jnp.pad(scored, ((rest, 0), (0, 0)), constant_values=True).astype(float),
            conditions=dict(conditions),
            epochs=consecutive({"rest": rest, "bits": self.n_windows * window}, batch_size),
        )

    def bits(self, outputs: jax.Array) -> jax.Array:
        """Read the outputs at each step.

        Parameters
        ----------
        outputs : array, shape (T, B, n_bits)

        Returns
        -------
        jax.Array, shape (T, B, n_bits)
            +1 or -1, or 0 where an output is nearer to 0 than to either.
        """
        return jnp.where(jnp.abs(outputs) < ANSWER, 0.0, jnp.sign(outputs))

    def behaviour(self, outputs: jax.Array, trial: Trial) -> Behaviour:
        """Return the behaviour; the score is the fraction of right readings over bits and scored steps."""
        said = self.bits(outputs)
        right = jnp.where(said == 0, 0.5, (said == trial.targets).astype(float)).mean(axis=2)
        scored = (trial.mask != 0) & trial.during("bits")
        return Behaviour(jnp.where(scored, right, 0.0).sum(axis=0) / scored.sum(axis=0))

    def _steps(self, name: str) -> int:
        return whole_steps(name, getattr(self, name), self.dt)
