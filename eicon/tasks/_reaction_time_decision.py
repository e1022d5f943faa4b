"""Perceptual decision with free reaction time: which stream is stronger? (Song, Yang & Wang 2016)."""

from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ._base import NO_CHOICE, Behaviour, Trial
from ._choice_task import ChoiceTask
from ._coherence import CoherenceScale, excess, settle_coherence, unit_of

SONG2016 = 3.2
"""Ratio of the coherence in per cent of dots to that on the scale of Song et al."""


@dataclass(frozen=True)
class ReactionTimeDecision(ChoiceTask):
    r"""Two-alternative decision on random-dot motion, with a free reaction time.

    *Fixation* (baseline input), *stimulus* (evidence for both choices and the start cue), *decision* (both inputs
    continue, and the output of the right choice is at its high target). The motion is shown for ``stimulus`` ms, to
    the end of the trial; the epoch called *stimulus* is its first part, ``free`` ms in which outputs are not scored.
    Input to choice :math:`k` is :math:`u_0 + (1 \pm c / 100) / 2` during the motion, for coherence :math:`c` in per
    cent, that of the start cue :math:`u_0 + 1`. On catch trials neither motion nor start cue appears and both outputs
    must stay low throughout.

    The choice is the output that first reaches the threshold after the onset of the motion. If both reach it in the
    same step, or neither does, there is no choice.

    Parameters
    ----------
    dt : float
        Step in ms.
    catch : bool
        Whether `sample` gives catch trials, with probability 1 / (n_conditions + 1).
    baseline, low, high : float
        Baseline input, and the outputs' low and high targets.
    coherence : tuple of float
        Motion coherences in per cent of dots, in (0, 100].
    fixation, stimulus, free : float
        Durations in ms: of fixation, of the motion, and of that part of the motion in which outputs are not scored.
    threshold : float
        Output at which a choice is made, above ``low`` and at most ``high``.
    coherence_scale : {"dots", "song2016"}, optional
        ``"dots"``: coherence in per cent of dots. ``"song2016"``: coherence as in the equation of Song et al. and in
        eicon 0.1.0, where inputs are :math:`u_0 + (1 \pm 3.2\, c / 100) / 2`; in (0, 31.25], and by default 1, 2, 4, 8
        and 16, which are the same stimuli. If omitted, coherence is in per cent of dots, with a warning for
        levels that 0.1.0 would have interpreted differently.

    Raises
    ------
    ValueError
        If there is no coherence level or one is out of range, if the scale is unknown, if an epoch is shorter than half
        a step, if ``free`` leaves no time for the decision, or if the threshold is not between the targets.

    References
    ----------
    Song, Yang & Wang (2016), PLoS Comput Biol 12(2): e1004792; Roitman & Shadlen (2002), J Neurosci 22: 9475-9489.

    Examples
    --------
    >>> task = ReactionTimeDecision(coherence=(51.2,))
    >>> trial = task.trials(1, key=jax.random.key(0))
    >>> trial.inputs.shape, trial.epochs["decision"][0].tolist()
    ((55, 2, 3), [20, 55])
    >>> task.choice(trial.targets, trial).tolist(), task.reaction_time(trial.targets, trial).tolist()
    ([0, 1], [320.0, 320.0])
    """

    input_channels: ClassVar[tuple[str, ...]] = ("evidence for 0", "evidence for 1", "start")
    criterion: ClassVar[float] = 0.85
    neutral: ClassVar[float] = 0.0
    sorts: ClassVar[tuple[str, ...]] = ("coherence",)
    aligned_to: ClassVar[str] = "stimulus"

    high: float = 1.2
    coherence: tuple[float, ...] = (3.2, 6.4, 12.8, 25.6, 51.2)
    fixation: float = 100.0
    stimulus: float = 1000.0
    free: float = 300.0
    threshold: float = 1.0
    coherence_scale: CoherenceScale | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        settle_coherence(self, SONG2016)
        self._check_durations("fixation", "stimulus", "free")
        if not self.stimulus - self.free >= self.dt:
            raise ValueError(
                f"free must end at least one step of dt {self.dt:g} ms before the stimulus does; "
                f"got free {self.free:g}, stimulus {self.stimulus:g} ms."
            )
        if not self.low < self.threshold <= self.high:
            raise ValueError(
                f"threshold must be above the low target {self.low:g} and at most the high one {self.high:g}; "
                f"got {self.threshold:g}."
            )

    @property
    def evidence(self) -> tuple[str, str]:  # type: ignore[override]
        """Signed coherence, and its unit on the task's scale."""
        return "coherence", unit_of(self.coherence_scale)

    @property
    def evidence_range(self) -> tuple[float, float]:
        """All dots for choice 1, or for choice 0."""
        most = 100 / SONG2016 if self.coherence_scale == "song2016" else 100.0
        return -most, most

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return signed ``coherence`` (positive: evidence for choice 0) and the right ``choice``."""
        levels = np.array(self.coherence, np.float32)
        signed = np.concatenate([levels, -levels])
        return {"coherence": signed, "choice": (signed < 0).astype(np.int32)}

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Build trials of given ``coherence``, ``choice`` and ``catch``."""
        scaled = excess(conditions["coherence"], self.coherence_scale, SONG2016)
        motion = jnp.stack([(1 + scaled) / 2, (1 - scaled) / 2, jnp.ones_like(scaled)], axis=1)
        epochs = {"fixation": self.fixation, "stimulus": self.free, "decision": self.stimulus - self.free}
        return self._trial(key, conditions, epochs, {"stimulus": motion, "decision": motion})

    def choice(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return the output that reaches the threshold first, (B,); -1 if neither does, or both in the same step."""
        first = self._first_steps(outputs, trial)
        decided = first[:, 0] != first[:, 1]
        return jnp.where(decided, jnp.argmin(first, axis=1), NO_CHOICE)

    def reaction_time(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return the time from the onset of the motion to the end of the step in which the threshold is reached.

        Parameters
        ----------
        outputs : array, shape (T, B, 2)
        trial : Trial

        Returns
        -------
        jax.Array, shape (B,)
            In ms; NaN where there is no choice.
        """
        onset = trial.epochs["stimulus"][:, 0]
        first = self._first_steps(outputs, trial).min(axis=1)
        chosen = self.choice(outputs, trial) != NO_CHOICE
        return jnp.where(chosen, (first + 1 - onset) * self.dt, jnp.nan)

    def behaviour(self, outputs: jax.Array, trial: Trial) -> Behaviour:
        """Return the behaviour, see `Task.behaviour`; the time is `reaction_time`."""
        return super().behaviour(outputs, trial)._replace(time=self.reaction_time(outputs, trial))

    def _first_steps(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return the step in which each output reaches the threshold, (B, 2); the number of steps if it never does."""
        asked = trial.during("stimulus") | trial.during("decision")
        reached = (outputs >= self.threshold) & asked[:, :, None]
        return jnp.where(reached.any(axis=0), jnp.argmax(reached, axis=0), trial.n_steps)
