"""Common parts of the tasks that compare two directions across a delay."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp

from ._base import Trial
from ._choice_task import ChoiceTask
from ._ring import check_ring, ring_channels, ring_inputs
from ._timing import Duration

MATCH, NON_MATCH = 0, 1
EPOCHS = {"fixation": "fixation", "sample": "stimulus", "delay": "delay", "test": "stimulus", "decision": "decision"}
"""Epochs in temporal order, and the parameters that set their durations."""


@dataclass(frozen=True)
class DelayedMatchTask(ChoiceTask):
    """Base of tasks with two successive directions; subclasses define which directions match."""

    output_channels: ClassVar[tuple[str, ...]] = ("match", "non-match")
    criterion: ClassVar[float] = 0.85
    aligned_to: ClassVar[str] = "sample"
    condition_units: ClassVar[Mapping[str, str]] = {"sample": "deg", "test": "deg"}
    holds: ClassVar[tuple[str, str]] = ("sample", "delay")

    catch: bool = False
    n_directions: int = 8
    n_channels: int = 16
    concentration: float = 2.5
    fixation: float = 100.0
    stimulus: float = 500.0
    delay: Duration = 1000.0
    decision: float = 300.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ring(self.n_directions, self.n_channels, self.concentration)
        self._check_durations("fixation", "stimulus", "delay", "decision")

    @property
    def input_channels(self) -> tuple[str, ...]:  # type: ignore[override]
        """The fixation input and the tuned inputs."""
        return ("fixation", *ring_channels(self.n_channels))

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Build trials of given ``sample``, ``test``, ``choice`` and ``catch``; add their ``delay`` in ms."""
        nothing = jnp.zeros((conditions["catch"].shape[0], self.n_channels))
        seen = {"fixation": nothing, "delay": nothing}
        for name in ("sample", "test"):
            seen[name] = ring_inputs(conditions[name], self.n_channels, self.concentration)
        shown = {name: jnp.pad(values, ((0, 0), (1, 0)), constant_values=1.0) for name, values in seen.items()}
        epochs = {name: getattr(self, duration) for name, duration in EPOCHS.items()}
        trial = self._trial(key, conditions, epochs, shown)
        start, stop = trial.epochs["delay"].T
        return trial._replace(conditions={**trial.conditions, "delay": (stop - start) * self.dt})
