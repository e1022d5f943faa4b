"""Cue-set-go: produce the time that a context specifies (Wang, Narain, Hosseini & Jazayeri 2018)."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ._base import Behaviour, Task, Trial, consecutive, score_choice, within
from ._intervals import check_intervals, nearest_interval, ramp, time_to_threshold
from ._timing import Duration, TruncatedExponential, as_duration, draw_steps, longest, whole_steps

WAIT = TruncatedExponential(mean=200.0, min=100.0, max=600.0)


@dataclass(frozen=True)
class CueSetGo(Task):
    r"""Timing: a constant context input sets how fast the output must rise after a brief set pulse.

    *Wait* (context input alone, for a random time), *production* (starts with the set pulse; the output rises
    linearly from 0 and reaches 1, "go", at the end), *after* (the ramp continues, to cross the threshold
    instead of only touching it). Each context represents one interval; contexts between the trained ones represent
    intermediate intervals. Outputs are scored throughout. The state after step ``t`` is that of time ``(t + 1) dt``:
    a ramp of interval :math:`I` is :math:`((t + 1 - s) \Delta t) / I` when set comes at step :math:`s`.

    The produced time of a trial is the time from set until the output reaches 1. The choice is the interval
    of the task nearest to the produced time; a network that never reaches 1 makes no choice, and scores chance.

    Parameters
    ----------
    dt : float
        Step in ms.
    intervals : tuple of float
        Durations in ms, ascending, at least two.
    contexts : tuple of float, optional
        Context input of each interval, ascending or descending; None spreads levels linearly over [0.25, 1]
        by duration.
    wait : float or TruncatedExponential
        Time before the set pulse in ms.
    pulse : float
        Duration of the set pulse in ms, at most the shortest interval.
    after : float
        Time for which the ramp continues, in ms.

    Raises
    ------
    ValueError
        If there are fewer than two intervals, intervals or contexts are out of order or not finite, a pulse outlasts
        the shortest interval, or an epoch is shorter than half a step.

    References
    ----------
    Wang, Narain, Hosseini & Jazayeri (2018), Nat Neurosci 21: 102-110; Mita et al. (2009).

    Examples
    --------
    >>> task = CueSetGo()
    >>> trial = task.trials(1, key=jax.random.key(0))
    >>> task.produced_time(trial.targets, trial).round().tolist()
    [600.0, 720.0, 840.0, 960.0, 1080.0, 1200.0]
    >>> task.interpolated().intervals
    (660.0, 780.0, 900.0, 1020.0, 1140.0)
    """

    input_channels: ClassVar[tuple[str, ...]] = ("context", "set")
    output_channels: ClassVar[tuple[str, ...]] = ("ramp",)
    sorts: ClassVar[tuple[str, ...]] = ("interval",)
    aligned_to: ClassVar[str] = "production"
    condition_units: ClassVar[Mapping[str, str]] = {"interval": "ms"}
    asked_time: ClassVar[str] = "interval"

    intervals: tuple[float, ...] = (600.0, 720.0, 840.0, 960.0, 1080.0, 1200.0)
    contexts: tuple[float, ...] | None = None
    wait: Duration = WAIT
    pulse: float = 60.0
    after: float = 100.0

    def __post_init__(self) -> None:
        super().__post_init__()
        intervals = check_intervals(self.intervals, self.dt)
        contexts = self.contexts
        if contexts is None:
            contexts = tuple(float(c) for c in np.interp(intervals, [intervals[0], intervals[-1]], [0.25, 1.0]))
        contexts = tuple(float(context) for context in contexts)
        rises = np.diff(contexts)
        finite = all(map(math.isfinite, contexts))
        if not finite or len(contexts) != len(intervals) or not (np.all(rises > 0) or np.all(rises < 0)):
            raise ValueError(
                f"contexts must have one finite level per interval, all ascending or all descending; got {contexts}."
            )
        for name in ("pulse", "after"):
            whole_steps(name, longest(as_duration(name, getattr(self, name))), self.dt)
        if self.pulse > intervals[0]:
            raise ValueError(f"pulse must not outlast the shortest interval {intervals[0]:g} ms; got {self.pulse:g}.")
        wait = as_duration("wait", self.wait)
        whole_steps("wait", longest(wait), self.dt)
        for name, value in (("intervals", intervals), ("contexts", contexts), ("wait", wait)):
            object.__setattr__(self, name, value)

    def interpolated(self) -> "CueSetGo":
        """Return the task with contexts and intervals half-way between neighbours, which are held out for testing."""
        if len(self.intervals) < 3:
            raise ValueError(f"interpolated contexts need a task of at least three intervals; got {self.intervals}.")
        assert self.contexts is not None
        return replace(self, intervals=_midpoints(self.intervals), contexts=_midpoints(self.contexts))

    def held_out(self) -> "CueSetGo":
        """Return the task with interpolated contexts, see `interpolated`; the task itself if it has two intervals."""
        return self.interpolated() if len(self.intervals) > 2 else self

    @property
    def chance(self) -> float:  # type: ignore[override]
        """Reciprocal of the number of intervals."""
        return 1 / len(self.intervals)

    @property
    def criterion(self) -> float:  # type: ignore[override]
        """Half-way between chance and 1."""
        return (self.chance + 1) / 2

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return the interval in ms, its context level, and its index among the intervals (``choice``)."""
        return {
            "interval": np.array(self.intervals, np.float32),
            "context": np.array(self.contexts, np.float32),
            "choice": np.arange(len(self.intervals), dtype=np.int32),
        }

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Build trials of given ``interval`` and ``context``."""
        interval, context = conditions["interval"], conditions["context"]
        batch_size = interval.shape[0]
        pulse, after = whole_steps("pulse", self.pulse, self.dt), whole_steps("after", self.after, self.dt)
        last = whole_steps("an interval", self.intervals[-1], self.dt)
        n_steps = whole_steps("wait", longest(self.wait), self.dt) + last + after
        onset = draw_steps(self.wait, self.dt, key, batch_size)
        steps = jnp.round(interval / self.dt).astype(jnp.int32)
        epochs = consecutive({"wait": onset, "production": steps, "after": jnp.full_like(onset, after)})
        inside = within(jnp.stack([jnp.zeros_like(onset), epochs["after"][:, 1]], axis=1), n_steps)
        set_pulse = within(jnp.stack([onset, onset + pulse], axis=1), n_steps)
        target = jnp.where(inside, ramp(onset, interval, n_steps, self.dt), 0.0)
        return Trial(
            inputs=jnp.stack([jnp.where(inside, context[None], 0.0), set_pulse], axis=2).astype(float),
            targets=target[:, :, None].astype(float),
            mask=inside.astype(float),
            conditions={**conditions, "wait": onset * self.dt},
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
        """Return the behaviour; the score is 1 where the produced time is nearest to the target interval."""
        time = self.produced_time(outputs, trial)
        choice = nearest_interval(time, self.intervals)
        return Behaviour(score_choice(choice, trial.conditions["choice"], len(self.intervals)), choice, time)


def _midpoints(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple((a + b) / 2 for a, b in itertools.pairwise(values))
