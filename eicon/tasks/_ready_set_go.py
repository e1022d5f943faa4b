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
    r"""Timing: the interval between two pulses is shown, and is to be produced after the second one.

    *Wait* (fixation input alone, for a random time), *estimation* (begins with the ready pulse and lasts the interval),
    *production* (begins with the set pulse; the output rises linearly from 0 and reaches 1, "go", at its end), *after*
    (the ramp goes on, so that the threshold is passed and not touched), *late* (not scored; until twice ``after`` after
    the longest interval from set, so that go can be heard if it comes too late). The fixation input is 1 from the begin
    of a trial to its end. All outputs but those of the last epoch are scored; until set their target is 0. The state
    after step ``t`` is that of time ``(t + 1) dt``: a ramp of interval :math:`I` is
    :math:`((t + 1 - s) \Delta t) / I` when set comes at step :math:`s`. The time between the pulses is the interval
    rounded to whole steps.

    The produced time of a trial is when its output reaches 1 after set. It is right if no other interval of the task is
    nearer to it than the one that was shown, and if it misses that one by no more than a part ``tolerance`` of it. A
    network that does not listen to the pulses is thus right in one of ``len(intervals)`` trials at best, which is also
    the score of one that never reaches 1.

    Parameters
    ----------
    dt : float
        Step in ms.
    intervals : tuple of float
        Durations in ms, ascending, at least two; those of the published short range by default, see `long`.
    wait : float, Uniform or TruncatedExponential
        Time before ready in ms.
    pulse : float
        Duration of the ready pulse and of the set pulse in ms, shorter than the shortest interval.
    after : float
        How long the ramp goes on in ms.
    tolerance : float
        Largest error of a right produced time, as a part of the interval, > 0; infinite for none.

    Raises
    ------
    ValueError
        For less than two intervals, intervals out of order or not finite, a pulse that lasts the shortest interval
        or longer, a tolerance of 0 or less, and epochs shorter than half a step.

    References
    ----------
    Jazayeri & Shadlen (2010), Nat Neurosci 13: 1020-1026; Sohn, Narain, Meirhaeghe & Jazayeri (2019), Neuron 103:
    934-947, whose intervals these are.

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
        """With the intervals of the published long range, 800 to 1200 ms."""
        return cls(intervals=(800.0, 900.0, 1000.0, 1100.0, 1200.0), **options)

    @property
    def chance(self) -> float:  # type: ignore[override]
        """One of the intervals."""
        return 1 / len(self.intervals)

    @property
    def criterion(self) -> float:  # type: ignore[override]
        """Half-way between chance and 1."""
        return (self.chance + 1) / 2

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Interval in ms, and its place among the intervals (``choice``)."""
        return {
            "interval": np.array(self.intervals, np.float32),
            "choice": np.arange(len(self.intervals), dtype=np.int32),
        }

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Trials of given ``interval``; their ``wait`` in ms is added."""
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
        """Time from set until the output reaches 1, in ms, between steps by interpolation; NaN if it never does.

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
        """Place of the interval nearest to the produced time, (B,); -1 where none was produced."""
        return self.behaviour(outputs, trial).choice  # type: ignore[return-value]

    def behaviour(self, outputs: jax.Array, trial: Trial) -> Behaviour:
        """See `Task.behaviour`; the score is 1 where the produced time is nearest to the interval and near enough."""
        interval, time = trial.conditions["interval"], self.produced_time(outputs, trial)
        choice = nearest_interval(time, self.intervals)
        score = score_choice(choice, trial.conditions["choice"], len(self.intervals))
        return Behaviour(jnp.where(jnp.abs(time - interval) > self.tolerance * interval, 0.0, score), choice, time)
