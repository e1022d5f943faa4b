"""Common parts of the two-alternative tasks of Song, Yang & Wang (2016)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp

from ._base import Behaviour, Task, Trial, forced_choice, score_choice, within
from ._timing import Duration, as_duration, draw_steps, longest, whole_steps


@dataclass(frozen=True)
class ChoiceTask(Task):
    """Base of tasks with two outputs, one of which goes up in the last epoch, ``decision``.

    All inputs have a baseline at all times. Outputs are scored during ``fixation`` (both low) and ``decision`` (the
    right one high), but not in between. On catch trials, an additional condition,
    nothing is shown, and both outputs must stay low throughout.
    """

    output_channels: ClassVar[tuple[str, ...]] = ("choice 0", "choice 1")
    chance: ClassVar[float] = 1 / 2

    catch: bool = True
    baseline: float = 0.2
    low: float = 0.2
    high: float = 1.0

    @property
    def catch_probability(self) -> float:
        """``1 / (n_conditions + 1)``, or 0 without catch trials."""
        return 1 / (self.n_conditions + 1) if self.catch else 0.0

    def _check_durations(self, *names: str) -> None:
        """Convert fields to durations and check that every epoch has at least one step."""
        for name in names:
            duration = as_duration(name, getattr(self, name))
            whole_steps(name, longest(duration), self.dt)
            object.__setattr__(self, name, duration)

    def _trial(
        self,
        key: jax.Array,
        conditions: dict[str, jax.Array],
        epochs: Mapping[str, Duration],
        shown: Mapping[str, jax.Array],
    ) -> Trial:
        """Build trials of consecutive epochs, each of which adds its inputs (B, n_in) to the baseline."""
        catch, choice = conditions["catch"], conditions["choice"]
        n_steps = sum(whole_steps(name, longest(duration), self.dt) for name, duration in epochs.items())
        start, spans = jnp.zeros(catch.shape, jnp.int32), {}
        for name, key_epoch in zip(epochs, jax.random.split(key, len(epochs)), strict=True):
            stop = start + draw_steps(epochs[name], self.dt, key_epoch, catch.shape[0])
            spans[name] = jnp.stack([start, stop], axis=1)
            start = stop
        during = {name: within(span, n_steps) for name, span in spans.items()}

        inputs = jnp.full((n_steps, catch.shape[0], self.n_in), self.baseline)
        for name, values in shown.items():
            inputs = inputs + jnp.where(during[name][:, :, None] & ~catch[None, :, None], values[None], 0.0)
        is_chosen = (choice[:, None] == jnp.arange(2)[None]) & ~catch[:, None]
        high = during["decision"][:, :, None] & is_chosen[None]
        inside = within(jnp.stack([jnp.zeros_like(start), start], axis=1), n_steps)
        scored = during["fixation"] | during["decision"] | (inside & catch[None])
        return Trial(
            inputs=inputs.astype(float),
            targets=jnp.where(high, self.high, self.low).astype(float),
            mask=scored.astype(float),
            conditions=conditions,
            epochs=spans,
        )

    def choice(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return the output with the higher mean in the decision epoch, (B,); -1 for a tie."""
        return forced_choice(trial.mean_over("decision", outputs))

    def behaviour(self, outputs: jax.Array, trial: Trial) -> Behaviour:
        """Return the behaviour, see `Task.behaviour`."""
        choice = self.choice(outputs, trial)
        score = score_choice(choice, trial.conditions["choice"], 2)
        return Behaviour(jnp.where(trial.conditions["catch"], jnp.nan, score), choice)
