"""Context-dependent integration: judge the modality that the context selects (Song, Yang & Wang 2016)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ._base import Trial
from ._choice_task import ChoiceTask
from ._coherence import CoherenceScale, excess, settle_coherence, unit_of

SONG2016 = 5.0
"""Ratio of the coherence in per cent of dots to that on the scale of Song et al."""


@dataclass(frozen=True)
class ContextIntegration(ChoiceTask):
    r"""Two-alternative decision on the motion or the colour of dots, ignoring the other.

    *Fixation* (baseline input), *stimulus* (evidence for both choices in both modalities, and the cue of the context),
    *decision* (the output of the right choice goes up). The evidence of a modality for choice :math:`k` is
    :math:`u_0 + (1 \pm c / 100) / 2` during the stimulus, for its coherence :math:`c` in per cent, and that of the
    cue :math:`u_0 + 1`; all inputs are :math:`u_0` otherwise. In context 0 the right choice is that of the motion, in
    context 1 that of the colour. Outputs are scored during fixation and decision; on catch trials neither stimulus
    nor cue appears and both outputs must stay low throughout.

    Parameters
    ----------
    dt : float
        Step in ms.
    catch : bool
        Whether `sample` gives catch trials, with probability 1 / (n_conditions + 1).
    baseline, low, high : float
        Baseline input, and the outputs' low and high targets.
    coherence : tuple of float
        Coherences of both modalities in per cent of dots, in (0, 100]; all combinations are conditions.
    fixation, stimulus, decision : float
        Durations in ms.
    coherence_scale : {"dots", "song2016"}, optional
        ``"dots"``: coherence in per cent of dots. ``"song2016"``: coherence as in the equation of Song et al. and in
        eicon 0.1.0, where inputs are :math:`u_0 + (1 \pm 5\, c / 100) / 2`; in (0, 20], and by default 1, 3 and 10,
        which are the same stimuli. If omitted, coherence is in per cent of dots, with a warning for levels
        that 0.1.0 would have interpreted differently.

    Raises
    ------
    ValueError
        If there is no coherence level or one is out of range, if the scale is unknown, or if an epoch is shorter than
        half a step.

    References
    ----------
    Song, Yang & Wang (2016), PLoS Comput Biol 12(2): e1004792; Mante, Sussillo, Shenoy & Newsome (2013), Nature 503:
    78-84.

    Examples
    --------
    >>> task = ContextIntegration()
    >>> task.n_conditions
    72
    >>> trial = ContextIntegration(coherence=(50.0,)).trials(1, key=jax.random.key(0))
    >>> trial.inputs.shape
    (60, 8, 6)
    >>> [int(trial.conditions[name][1]) for name in ("context", "motion", "colour", "choice")]
    [0, 50, -50, 0]
    """

    input_channels: ClassVar[tuple[str, ...]] = (
        "context motion",
        "context colour",
        "motion 0",
        "motion 1",
        "colour 0",
        "colour 1",
    )
    criterion: ClassVar[float] = 0.9
    neutral: ClassVar[float] = 0.0
    sorts: ClassVar[tuple[str, ...]] = ("context", "motion", "colour")
    aligned_to: ClassVar[str] = "stimulus"

    coherence: tuple[float, ...] = (5.0, 15.0, 50.0)
    fixation: float = 100.0
    stimulus: float = 800.0
    decision: float = 300.0
    coherence_scale: CoherenceScale | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        settle_coherence(self, SONG2016)
        self._check_durations("fixation", "stimulus", "decision")

    @property
    def evidence(self) -> tuple[str, str]:  # type: ignore[override]
        """Coherence of the modality that the context selects, and its unit on the task's scale."""
        return "attended coherence", unit_of(self.coherence_scale)

    @property
    def condition_units(self) -> Mapping[str, str]:  # type: ignore[override]
        """Units of both coherences, on the task's scale."""
        return dict.fromkeys(("motion", "colour"), unit_of(self.coherence_scale))

    @property
    def evidence_range(self) -> tuple[float, float]:
        """All dots for choice 1, or for choice 0."""
        most = 100 / SONG2016 if self.coherence_scale == "song2016" else 100.0
        return -most, most

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return context, signed coherence of ``motion`` and ``colour`` (positive: choice 0), and right ``choice``."""
        levels = np.array(self.coherence, np.float32)
        signed = np.concatenate([levels, -levels])
        context, motion, colour = (
            values.ravel() for values in np.meshgrid(np.arange(2, dtype=np.int32), signed, signed, indexing="ij")
        )
        attended = np.where(context == 0, motion, colour)
        return {"context": context, "motion": motion, "colour": colour, "choice": (attended < 0).astype(np.int32)}

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Build trials of given ``context``, ``motion``, ``colour``, ``choice`` and ``catch``.

        The trials' conditions also contain the ``attended coherence`` of the modality that the context selects: the
        evidence for choice 0.
        """
        cues = [(conditions["context"] == context).astype(float) for context in (0, 1)]
        evidence = [
            (1 + sign * excess(conditions[modality], self.coherence_scale, SONG2016)) / 2
            for modality in ("motion", "colour")
            for sign in (1, -1)
        ]
        epochs = {name: getattr(self, name) for name in ("fixation", "stimulus", "decision")}
        trial = self._trial(key, conditions, epochs, {"stimulus": jnp.stack([*cues, *evidence], axis=1)})
        attended = jnp.where(conditions["context"] == 0, conditions["motion"], conditions["colour"])
        return trial._replace(conditions={**trial.conditions, "attended coherence": attended})
