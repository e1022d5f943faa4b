"""Cue-set-go: produce the time that a context asks for (Wang, Narain, Hosseini & Jazayeri 2018)."""

import itertools
import math
from dataclasses import dataclass, replace
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ._base import NO_CHOICE, Task, Trial, score_choice, within
from ._timing import Duration, TruncatedExponential, as_duration, draw_steps, longest, whole_steps

THRESHOLD = 1.0
WAIT = TruncatedExponential(mean=200.0, min=100.0, max=600.0)
WAIT = TruncatedExponential(mean=200.0, min=100.0, max=600.0)


@dataclass(frozen=True)
class CueSetGo(Task):
    r"""Timing: a constant context input says how fast the output has to rise after a brief set pulse.

    *Wait* (context input alone, for a random time), *production* (begins with the set pulse; the output rises
    linearly from 0 and reaches 1, "go", at its end), *after* (the ramp goes on, so that the threshold is passed
    and not touched). Each context stands for one interval; contexts between the trained ones ask for the
    intervals between. Outputs are scored throughout. The state after step ``t`` is that of time ``(t + 1) dt``:
    a ramp of interval :math:`I` is :math:`((t + 1 - s) \Delta t) / I` when set comes at step :math:`s`.

    The produced time of a trial is when its output reaches 1 after set. As a choice, it stands for the interval
    of the task nearest to it; a network that never reaches 1 says nothing, and scores chance.

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
        Time before set in ms.
    pulse : float
        Duration of the set pulse in ms, at most the shortest interval.
    after : float
        How long the ramp goes on, in ms.

    Raises
    ------
    ValueError
        For less than two intervals, intervals or contexts out of order or not finite, a pulse that outlasts the
        shortest interval, and epochs shorter than half a step.

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

    intervals: tuple[float, ...] = (600.0, 720.0, 840.0, 960.0, 1080.0, 1200.0)
    contexts: tuple[float, ...] | None = None
    wait: Duration = WAIT
    pulse: float = 60.0
    after: float = 100.0

    def __post_init__(self) -> None:
        super().__post_init__()
        intervals = tuple(float(interval) for interval in self.intervals)
        if len(intervals) < 2 or not all(0 < interval < math.inf for interval in intervals):
            raise ValueError(f"intervals must hold at least two durations > 0 ms; got {intervals}.")
        steps = [whole_steps("an interval", interval, self.dt) for interval in intervals]
        if sorted(set(steps)) != steps:
            raise ValueError(f"intervals must ascend, by at least one step of dt {self.dt:g} ms; got {intervals}.")
        contexts = self.contexts
        if contexts is None:
            contexts = tuple(float(c) for c in np.interp(intervals, [intervals[0], intervals[-1]], [0.25, 1.0]))
        contexts = tuple(float(context) for context in contexts)
        rises = np.diff(contexts)
        finite = all(map(math.isfinite, contexts))
        if not finite or len(contexts) != len(intervals) or not (np.all(rises > 0) or np.all(rises < 0)):
            raise ValueError(
                f"contexts must hold one finite level per interval, all ascending or all descending; got {contexts}."
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
        """Same task with the contexts, and intervals, half-way between each two neighbours: held out for testing."""
        if len(self.intervals) < 3:
            raise ValueError(f"interpolated contexts need a task of at least three intervals; got {self.intervals}.")
        assert self.contexts is not None
        return replace(self, intervals=_midpoints(self.intervals), contexts=_midpoints(self.contexts))

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Interval in ms, its context level, and its place among the intervals (``choice``)."""
        return {
            "interval": np.array(self.intervals, np.float32),
            "context": np.array(self.contexts, np.float32),
            "choice": np.arange(len(self.intervals), dtype=np.int32),
        }

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Trials of given ``interval`` and ``context``."""
        interval, context = conditions["interval"], conditions["context"]
        batch_size = interval.shape[0]
        pulse, after = whole_steps("pulse", self.pulse, self.dt), whole_steps("after", self.after, self.dt)
        last = whole_steps("an interval", self.intervals[-1], self.dt)
        n_steps = whole_steps("wait", longest(self.wait), self.dt) + last + after
        onset = draw_steps(self.wait, self.dt, key, batch_size)
        go = onset + jnp.round(interval / self.dt).astype(jnp.int32)
        epochs = {
            "wait": jnp.stack([jnp.zeros_like(onset), onset], axis=1),
            "production": jnp.stack([onset, go], axis=1),
            "after": jnp.stack([go, go + after], axis=1),
        }
        inside = within(jnp.stack([jnp.zeros_like(onset), go + after], axis=1), n_steps)
        set_pulse = within(jnp.stack([onset, onset + pulse], axis=1), n_steps)
        since_set = jnp.arange(1, n_steps + 1)[:, None] - onset[None]
        # By the interval itself, not by its steps: where it is no multiple of dt, 1 is passed between two steps.
        ramp = jnp.maximum(since_set, 0) * self.dt / interval[None]
        return Trial(
            inputs=jnp.stack([jnp.where(inside, context[None], 0.0), set_pulse], axis=2).astype(jnp.float32),
            targets=jnp.where(inside, ramp, 0.0)[:, :, None].astype(jnp.float32),
            mask=inside.astype(jnp.float32),
            conditions={**conditions, "wait": onset * self.dt},
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
        z = outputs[:, :, 0]
        onset = trial.epochs["production"][:, 0]
        step = jnp.arange(trial.n_steps)[:, None]
        reached = (z >= THRESHOLD) & (step >= onset[None]) & trial.inside
        first = jnp.argmax(reached, axis=0)
        before = jnp.take_along_axis(z, jnp.maximum(first - 1, 0)[None], axis=0)[0]
        at = jnp.take_along_axis(z, first[None], axis=0)[0]
        late = jnp.where(before < THRESHOLD, (at - THRESHOLD) / (at - before), 1.0)
        return jnp.where(reached.any(axis=0), (first + 1 - late - onset) * self.dt, jnp.nan)

    def choice(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Place of the interval nearest to the produced time, (B,); -1 where none was produced."""
        produced = self.produced_time(outputs, trial)
        distance = jnp.abs(produced[:, None] - jnp.asarray(self.intervals, produced.dtype)[None])
        return jnp.where(jnp.isnan(produced), NO_CHOICE, jnp.argmin(distance, axis=1))

    def correct(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """See `Task.correct`; 1 where the produced time is nearest to the interval that was asked for."""
        return score_choice(self.choice(outputs, trial), trial.conditions["choice"], len(self.intervals))


def _midpoints(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple((a + b) / 2 for a, b in itertools.pairwise(values))
