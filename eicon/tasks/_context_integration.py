"""Context-dependent integration: judge one of two modalities, as the context says (Song, Yang & Wang 2016)."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ._base import Trial, check_levels
from ._choice_task import ChoiceTask

STIMULUS_SCALE = 5.0


@dataclass(frozen=True)
class ContextIntegration(ChoiceTask):
    r"""Two-alternative decision on the motion or on the colour of dots, the other of which is to be ignored.

    *Fixation* (baseline input), *stimulus* (evidence for both choices in both modalities, and the cue of the context),
    *decision* (the output of the right choice goes up). The evidence of a modality for choice :math:`k` is
    :math:`u_0 + (1 \pm 5\, c / 100) / 2` during the stimulus, for its coherence :math:`c` in per cent, and that of the
    cue :math:`u_0 + 1`; all inputs are :math:`u_0` otherwise. In context 0 the right choice is that of the motion, in
    context 1 that of the colour. Outputs are scored during fixation and decision; on catch trials neither stimulus
    nor cue comes and both outputs must stay low throughout.

    Parameters
    ----------
    dt : float
        Step in ms.
    catch : bool
        Whether `sample` gives catch trials, with probability 1 / (n_conditions + 1).
    baseline, low, high : float
        Baseline input, and the outputs' low and high targets.
    coherence : tuple of float
        Coherences of both modalities in per cent, in (0, 20]; all of their combinations are conditions.
    fixation, stimulus, decision : float
        Durations in ms.

    Raises
    ------
    ValueError
        If there is no coherence level or one is out of range, or if an epoch is shorter than half a step.

    References
    ----------
    Song, Yang & Wang (2016), PLoS Comput Biol 12(2): e1004792; Mante, Sussillo, Shenoy & Newsome (2013), Nature 503:
    78-84.

    Examples
    --------
    >>> task = ContextIntegration()
    >>> task.n_conditions
    72
    >>> trial = ContextIntegration(coherence=(10.0,)).trials(1, key=jax.random.key(0))
    >>> trial.inputs.shape
    (60, 8, 6)
    >>> [int(trial.conditions[name][1]) for name in ("context", "motion", "colour", "choice")]
    [0, 10, -10, 0]
    """

    input_channels: ClassVar[tuple[str, ...]] = (
        "context motion",
        "context colour",
        "motion 0",
        "motion 1",
        "colour 0",
        "colour 1",
    )

    coherence: tuple[float, ...] = (1.0, 3.0, 10.0)
    fixation: float = 100.0
    stimulus: float = 800.0
    decision: float = 300.0

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "coherence", tuple(float(c) for c in self.coherence))
        check_levels("coherence", self.coherence, 0.0, 100 / STIMULUS_SCALE)
        self._check_durations("fixation", "stimulus", "decision")

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Context, signed coherence of ``motion`` and ``colour`` (positive: for choice 0), and the right ``choice``."""
        levels = np.array(self.coherence, np.float32)
        signed = np.concatenate([levels, -levels])
        context, motion, colour = (
            values.ravel() for values in np.meshgrid(np.arange(2, dtype=np.int32), signed, signed, indexing="ij")
        )
        attended = np.where(context == 0, motion, colour)
        return {"context": context, "motion": motion, "colour": colour, "choice": (attended < 0).astype(np.int32)}

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Trials of given ``context``, ``motion``, ``colour``, ``choice`` and ``catch``."""
        cues = [(conditions["context"] == context).astype(float) for context in (0, 1)]
        evidence = [
            (1 + sign * STIMULUS_SCALE * conditions[modality] / 100) / 2
            for modality in ("motion", "colour")
            for sign in (1, -1)
        ]
        epochs = {name: getattr(self, name) for name in ("fixation", "stimulus", "decision")}
        return self._trial(key, conditions, epochs, {"stimulus": jnp.stack([*cues, *evidence], axis=1)})
