"""Multisensory integration: is a visual, auditory or combined rate high? (Song, Yang & Wang 2016)."""

import math
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ._base import Trial
from ._choice_task import ChoiceTask

OFFSET, SCALE = 0.5, 0.6
VISUAL, AUDITORY = 0, 1


@dataclass(frozen=True)
class MultisensoryIntegration(ChoiceTask):
    r"""Two-alternative decision on the rate of visual, auditory or combined events.

    *Fixation* (baseline input), *stimulus* (the rate, in one modality or in both), *decision* (the output of the right
    choice goes up: 0 if the rate is above the boundary, 1 if it is below). Each modality has an input that grows with
    the rate :math:`f` and one that falls, :math:`u_0 + 0.5 + 0.6\, (f - f_{min}) / (f_{max} - f_{min})` and
    :math:`u_0 + 0.5 + 0.6\, (f_{max} - f) / (f_{max} - f_{min})`; those of an absent modality stay at :math:`u_0`.
    Outputs are scored during fixation and decision; on catch trials no stimulus appears and both outputs must stay
    low throughout.

    Parameters
    ----------
    dt : float
        Step in ms.
    catch : bool
        Whether `sample` gives catch trials, with probability 1 / (n_conditions + 1).
    baseline, low, high : float
        Baseline input, and the outputs' low and high targets.
    rates : tuple of float
        Rates in events per second, inside ``scale_range``.
    boundary : float
        Rate between the choices, inside ``scale_range``; no rate may equal it.
    scale_range : (float, float)
        Rates :math:`f_{min}` and :math:`f_{max}` that set the scale of the inputs.
    fixation, stimulus, decision : float
        Durations in ms.

    Raises
    ------
    ValueError
        If there is no rate, if one or the boundary is out of range, if one equals the boundary, or if an epoch is
        shorter than half a step.

    References
    ----------
    Song, Yang & Wang (2016), PLoS Comput Biol 12(2): e1004792; Raposo, Kaufman & Churchland (2014), Nat Neurosci 17:
    1784-1792.

    Examples
    --------
    >>> task = MultisensoryIntegration()
    >>> task.n_conditions
    24
    >>> trial = MultisensoryIntegration(rates=(19.0,)).trials(1, key=jax.random.key(0))
    >>> for inputs in trial.inputs[20]:
    ...     print(" ".join(f"{value:.1f}" for value in inputs))
    1.3 0.2 0.7 0.2
    0.2 1.3 0.2 0.7
    1.3 1.3 0.7 0.7
    """

    input_channels: ClassVar[tuple[str, ...]] = ("visual +", "auditory +", "visual -", "auditory -")
    criterion: ClassVar[float] = 0.9
    evidence: ClassVar[tuple[str, str]] = ("rate", "events/s")
    sorts: ClassVar[tuple[str, ...]] = ("rate", "modality")
    aligned_to: ClassVar[str] = "stimulus"

    rates: tuple[float, ...] = (9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0)
    boundary: float = 12.5
    scale_range: tuple[float, float] = (6.0, 19.0)
    fixation: float = 100.0
    stimulus: float = 1000.0
    decision: float = 300.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("rates", "scale_range"):
            object.__setattr__(self, name, tuple(float(rate) for rate in getattr(self, name)))
        if len(self.scale_range) != 2 or not -math.inf < self.scale_range[0] < self.scale_range[1] < math.inf:
            raise ValueError(f"scale_range must be two finite rates, the lower one first; got {self.scale_range}.")
        if not self.rates:
            raise ValueError("the task is empty: rates contains no rate.")
        lowest, highest = self.scale_range
        for name, rates in (("rates", self.rates), ("boundary", (self.boundary,))):
            if not all(lowest <= rate <= highest for rate in rates):
                raise ValueError(
                    f"{name} must lie in scale_range [{lowest:g}, {highest:g}]; "
                    f"got {', '.join(f'{rate:g}' for rate in rates)}."
                )
        if self.boundary in self.rates:
            raise ValueError(
                f"no rate may equal the boundary {self.boundary:g}, where no choice is right; "
                f"got {', '.join(f'{rate:g}' for rate in self.rates)}."
            )
        self._check_durations("fixation", "stimulus", "decision")

    @property
    def neutral(self) -> float:  # type: ignore[override]
        """The boundary."""
        return self.boundary

    @property
    def evidence_range(self) -> tuple[float, float]:
        """The rates in ``scale_range``."""
        return self.scale_range

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return ``modality`` (0 visual, 1 auditory, 2 both), ``rate`` in events per second, and right ``choice``."""
        modality, rate = np.meshgrid(np.arange(3, dtype=np.int32), np.array(self.rates, np.float32), indexing="ij")
        return {
            "modality": modality.ravel(),
            "rate": rate.ravel(),
            "choice": (rate.ravel() < self.boundary).astype(np.int32),
        }

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Build trials of given ``modality``, ``rate``, ``choice`` and ``catch``."""
        lowest, highest = self.scale_range
        place = (conditions["rate"] - lowest) / (highest - lowest)
        seen, heard = conditions["modality"] != AUDITORY, conditions["modality"] != VISUAL
        rising, falling = OFFSET + SCALE * place, OFFSET + SCALE * (1 - place)
        present = jnp.stack([seen, heard, seen, heard], axis=1)
        shown = jnp.where(present, jnp.stack([rising, rising, falling, falling], axis=1), 0.0)
        epochs = {name: getattr(self, name) for name in ("fixation", "stimulus", "decision")}
        return self._trial(key, conditions, epochs, {"stimulus": shown})
