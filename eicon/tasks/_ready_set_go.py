"""Ready-set-go: measure an interval, and reproduce it (Jazayeri & Shadlen 2010)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ._base import Behaviour, Task, Trial, consecutive, score_choice, within
from ._intervals import check_intervals, nearest_interval, ramp, time_to_threshold
from ._timing import Duration, TruncatedExponential, as_duration, draw_steps, longest, whole_steps

WAIT = TruncatedExponential(mean=200.0, min=100.0, max=600.0)


@dataclass(frozen=True)
class ReadySetGo(Task):
    r"""Timing: the interval between two pulses must be reproduced after the second pulse.

    *Wait* (fixation input alone, for a random time), *estimation* (starts with the ready pulse and lasts the interval),
    *production* (starts with the set pulse; the output rises linearly from 0 and reaches 1, "go", at the end), *after*
    (the ramp continues, to cross the threshold instead of only touching it), *late* (not scored; until twice ``after``
    after the longest interval from set, to detect a late go). The fixation input is 1 throughout a trial. Outputs are
    scored in all epochs but the last; until set their target is 0. The state after step ``t`` is that of time
    ``(t + 1) dt``: a ramp of interval :math:`I` is :math:`((t + 1 - s) \Delta t) / I` when set comes at step
    :math:`s`. The time between the pulses is the interval rounded to whole steps.

    The produced time of a trial is the time from set until the output reaches 1. It is right if the interval shown is
    the nearest interval of the task, and the relative error is at most ``tolerance``. A network that ignores the pulses
    is thus right in at most one of ``len(intervals)`` trials, which is also the score of one that never reaches 1.

    Parameters
    ----------
    dt : float
        Step in ms.
    intervals : tuple of float
        Durations in ms, ascending, at least two; by default those of the published short range, see `long`.
    wait : float, Uniform or TruncatedExponential
        Time before the ready pulse in ms.
    pulse : float
        Duration of the ready pulse and of the set pulse in ms, shorter than the shortest interval.
    after : float
        Time for which the ramp continues, in ms.
    tolerance : float
        Largest relative error of a right produced time, > 0; infinite for no limit.

    Raises
    ------
    ValueError
        If there are fewer than two intervals, intervals are out of order or not finite, a pulse is as long as the
        shortest interval or longer, the tolerance is not > 0, or an epoch is shorter than half a step.

    References
    ----------
    Jazayeri & Shadlen (2010), Nat Neurosci 13: 1020-1026; Sohn, Narain, Meirhaeghe & Jazayeri (2019), Neuron 103:
    934-947, the source of the intervals.

    Examples
    --------
    >>> task = ReadySetGo()
    >>> trial = task.trials(1, key=jax.random.key(0))
    >>> (trial.epochs["production"] - trial.epochs["estimation"])[:, 0].tolist()
    [24, 28, 32, 36, 40]
    >>> task.produced_time(trial.targets, trial).round().tolist()
    [480.0, 560.0, 640.0, 720.0, 800.0]
    """

    input_channels: ClassVar[tuple[str, ...]] = ("fixation", "ready", "set")
    output_channels: ClassVar[tuple[str, ...]] = ("ramp",)
    sorts: ClassVar[tuple[str, ...]] = ("interval",)
    aligned_to: ClassVar[str] = "production"
    condition_units: ClassVar[Mapping[str, str]] = {"interval": "ms"}
    asked_time: ClassVar[str] = "interval"

    intervals: tuple[float, ...] = (480.0, 560.0, 640.0, 720.0, 800.0)
    wait: Duration = WAIT
    pulse: float = 60.0
    after: float = 100.0
    tolerance: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        intervals = check_intervals(self.intervals, self.dt)
        for name in ("pulse", "after"):
            whole_steps(name, longest(as_duration(name, getattr(self, name))), self.dt)
        if whole_steps("pulse", self.pulse, self.dt) >= whole_steps("an interval", intervals[0], self.dt):
            raise ValueError(
                f"pulse must be shorter than the shortest interval {intervals[0]:g} ms; got {self.pulse:g}."
            )
        if not self.tolerance > 0:
            raise ValueError(f"tolerance must be > 0; got {self.tolerance}.")
        wait = as_duration("wait", self.wait)
        whole_steps("wait", longest(wait), self.dt)
        object.__setattr__(self, "intervals", intervals)
        object.__setattr__(self, "wait", wait)

    @classmethod
    def long(cls, **options) -> "ReadySetGo":
        """Make the task with the intervals of the published long range, 800 to 1200 ms."""
        return cls(intervals=(800.0, 900.0, 1000.0, 1100.0, 1200.0), **options)

    @property
    def chance(self) -> float:  # type: ignore[override]
        """Reciprocal of the number of intervals."""
        return 1 / len(self.intervals)

    @property
    def criterion(self) -> float:  # type: ignore[override]
        """Half-way between chance and 1."""
        return (self.chance + 1) / 2

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return the interval in ms, and its index among the intervals (``choice``)."""
        return {
            "interval": np.array(self.intervals, np.float32),
            "choice": np.arange(len(self.intervals), dtype=np.int32),
        }

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Build trials of given ``interval``; add their ``wait`` in ms."""
        interval = conditions["interval"]
        pulse, after = whole_steps("pulse", self.pulse, self.dt), whole_steps("after", self.after, self.dt)
        last = whole_steps("an interval", self.intervals[-1], self.dt)
        n_steps = whole_steps("wait", longest(self.wait), self.dt) + 2 * (last + after)
        wait = draw_steps(self.wait, self.dt, key, interval.shape[0])
        steps = jnp.round(interval / self.dt).astype(jnp.int32)
        epochs = consecutive(
            {
                "wait": wait,
                "estimation": steps,
                "production": steps,
                "after": jnp.full_like(wait, after),
                "late": last + after - steps,
            }
        )
        ready, set_ = epochs["estimation"][:, 0], epochs["production"][:, 0]
        pulses = [within(jnp.stack([onset, onset + pulse], axis=1), n_steps) for onset in (ready, set_)]
        inside, scored = (
            within(jnp.stack([jnp.zeros_like(wait), epochs[name][:, 1]], axis=1), n_steps) for name in ("late", "after")
        )
        target = jnp.where(scored, ramp(set_, interval, n_steps, self.dt), 0.0)
        return Trial(
            inputs=jnp.stack([inside, *pulses], axis=2).astype(float),
            targets=target[:, :, None].astype(float),
            mask=scored.astype(float),
            conditions={**conditions, "wait": wait * self.dt},
            epochs=epochs,
        )

    def produced_time(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return the time from set until the output reaches 1, in ms, interpolated between steps; NaN if never.

        Parameters
        ----------
        outputs : array, shape (T, B, 1)
        trial : Trial

        Returns
        -------
        jax.Array, shape (B,)
        """
        return time_to_threshold(outputs, trial, "production", self.dt)

    def choice(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return the index of the interval nearest to the produced time, (B,); -1 where none was produced."""
        return self.behaviour(outputs, trial).choice  # type: ignore[return-value]

    def behaviour(self, outputs: jax.Array, trial: Trial) -> Behaviour:
        """Return the behaviour; the score is 1 where the produced time is nearest to the interval, within tolerance."""
        interval, time = trial.conditions["interval"], self.produced_time(outputs, trial)
        choice = nearest_interval(time, self.intervals)
        score = score_choice(choice, trial.conditions["choice"], len(self.intervals))
        return Behaviour(jnp.where(jnp.abs(time - interval) > self.tolerance * interval, 0.0, score), choice, time)
