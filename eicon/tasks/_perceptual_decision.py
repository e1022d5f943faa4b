"""Perceptual decision-making: which of two noisy streams is stronger? (Song, Yang & Wang 2016, fig. 2)."""

from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ._base import Behaviour, Task, Trial, forced_choice, score_choice, within
from ._coherence import CoherenceScale, excess, settle_coherence, unit_of
from ._timing import Duration, TruncatedExponential, as_duration, draw_steps, longest, whole_steps

SONG2016 = 3.2
"""Ratio of the coherence in per cent of dots to that on the scale of Song et al."""


@dataclass(frozen=True)
class PerceptualDecision(Task):
    r"""Two-alternative decision on random-dot motion.

    *Fixation* (baseline input), *stimulus* (evidence for both choices), *decision* (the output of the right
    choice goes up). Input to choice :math:`k` is :math:`u_0 + (1 \pm c / 100) / 2` during the stimulus
    and :math:`u_0` otherwise, for coherence :math:`c` in per cent. Outputs are scored during fixation (both
    low) and decision, but not during the stimulus. On catch trials no stimulus
    appears and both outputs must stay low throughout. The noise of the evidence is the network's ``sigma_in``.

    Parameters
    ----------
    dt : float
        Step in ms.
    coherence : tuple of float
        Motion coherences in per cent of dots, in (0, 100].
    fixation, decision : float
        Durations in ms.
    stimulus : float or TruncatedExponential
        Duration in ms; `variable` uses the published random duration.
    catch : bool
        Whether `sample` gives catch trials, with probability 1 / (n_conditions + 1).
    baseline, low, high : float
        Baseline input, and the outputs' low and high targets.
    coherence_scale : {"dots", "song2016"}, optional
        ``"dots"``: coherence in per cent of dots. ``"song2016"``: coherence as in the equation of Song et al. and in
        eicon 0.1.0, where inputs are :math:`u_0 + (1 \pm 3.2\, c / 100) / 2`; in (0, 31.25], and by default 1, 2, 4, 8
        and 16, which are the same stimuli. If omitted, coherence is in per cent of dots, with a warning for
        levels that 0.1.0 would have interpreted differently.

    Raises
    ------
    ValueError
        If there is no coherence level or one is out of range, if the scale is unknown, or if an epoch is shorter than
        half a step.

    References
    ----------
    Song, Yang & Wang (2016), PLoS Comput Biol 12(2): e1004792; Roitman & Shadlen (2002).

    Examples
    --------
    >>> task = PerceptualDecision()
    >>> trial = task.sample(jax.random.key(0), batch_size=4)
    >>> trial.inputs.shape, sorted(trial.epochs)
    ((60, 4, 2), ['decision', 'fixation', 'stimulus'])
    """

    input_channels: ClassVar[tuple[str, ...]] = ("evidence for 0", "evidence for 1")
    output_channels: ClassVar[tuple[str, ...]] = ("choice 0", "choice 1")
    chance: ClassVar[float] = 1 / 2
    criterion: ClassVar[float] = 0.85
    neutral: ClassVar[float] = 0.0
    sorts: ClassVar[tuple[str, ...]] = ("coherence",)
    aligned_to: ClassVar[str] = "stimulus"

    coherence: tuple[float, ...] = (3.2, 6.4, 12.8, 25.6, 51.2)
    fixation: float = 100.0
    stimulus: Duration = 800.0
    decision: float = 300.0
    catch: bool = True
    baseline: float = 0.2
    low: float = 0.2
    high: float = 1.0
    coherence_scale: CoherenceScale | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        settle_coherence(self, SONG2016)
        for epoch in ("fixation", "stimulus", "decision"):
            duration = as_duration(epoch, getattr(self, epoch))
            whole_steps(epoch, longest(duration), self.dt)
            object.__setattr__(self, epoch, duration)

    @classmethod
    def variable(cls, **options) -> "PerceptualDecision":
        """Make the task with the published stimulus duration: truncated exponential, mean 330 ms in [80, 1500] ms."""
        return cls(stimulus=TruncatedExponential(mean=330.0, min=80.0, max=1500.0), **options)

    @property
    def catch_probability(self) -> float:
        """``1 / (n_conditions + 1)``, or 0 without catch trials."""
        return 1 / (self.n_conditions + 1) if self.catch else 0.0

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
        catch, choice = conditions["catch"], conditions["choice"]
        batch_size = catch.shape[0]
        fixation = whole_steps("fixation", self.fixation, self.dt)
        decision = whole_steps("decision", self.decision, self.dt)
        n_steps = fixation + whole_steps("stimulus", longest(self.stimulus), self.dt) + decision
        duration = draw_steps(self.stimulus, self.dt, key, batch_size)
        onset = jnp.full((batch_size,), fixation, jnp.int32)
        epochs = {
            "fixation": jnp.stack([jnp.zeros_like(onset), onset], axis=1),
            "stimulus": jnp.stack([onset, onset + duration], axis=1),
            "decision": jnp.stack([onset + duration, onset + duration + decision], axis=1),
        }
        during = {name: within(span, n_steps) for name, span in epochs.items()}

        signed = jnp.stack([conditions["coherence"], -conditions["coherence"]], axis=1)
        evidence = jnp.where(catch[:, None], 0.0, (1 + excess(signed, self.coherence_scale, SONG2016)) / 2)
        inputs = self.baseline + jnp.where(during["stimulus"][:, :, None], evidence[None], 0.0)

        is_chosen = (choice[:, None] == jnp.arange(2)[None]) & ~catch[:, None]
        high = during["decision"][:, :, None] & is_chosen[None]
        scored = jnp.where(
            catch[None],
            during["fixation"] | during["stimulus"] | during["decision"],
            during["fixation"] | during["decision"],
        )
        return Trial(
            inputs=inputs.astype(float),
            targets=jnp.where(high, self.high, self.low).astype(float),
            mask=scored.astype(float),
            conditions={**conditions, "duration": duration * self.dt},
            epochs=epochs,
        )

    def choice(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return the output with the higher mean in the decision epoch, (B,); -1 for a tie."""
        return forced_choice(trial.mean_over("decision", outputs))

    def behaviour(self, outputs: jax.Array, trial: Trial) -> Behaviour:
        """Return the behaviour, see `Task.behaviour`."""
        choice = self.choice(outputs, trial)
        score = score_choice(choice, trial.conditions["choice"], 2)
        return Behaviour(jnp.where(trial.conditions["catch"], jnp.nan, score), choice)
