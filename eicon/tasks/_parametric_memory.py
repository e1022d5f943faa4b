"""Parametric working memory: was the first of two vibrations faster? (Song, Yang & Wang 2016)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ._base import Trial
from ._choice_task import ChoiceTask
from ._timing import Duration, Uniform

OFFSET, SCALE = 0.4, 0.8
DELAY = Uniform(min=2500.0, max=3500.0)


@dataclass(frozen=True)
class ParametricMemory(ChoiceTask):
    r"""Comparison of two frequencies with a delay between them.

    *Fixation* (baseline input), *f1* (first frequency), *delay* (baseline input, for a random time), *f2* (second
    frequency), *decision* (the output of the right choice goes up: 0 if the first frequency is higher, 1 if the second
    is). One input grows with the frequency :math:`f` and one falls:
    :math:`u_0 + 0.4 + 0.8\, (f - f_{min}) / (f_{max} - f_{min})` and
    :math:`u_0 + 0.4 + 0.8\, (f_{max} - f) / (f_{max} - f_{min})`, where :math:`f_{min}` and :math:`f_{max}` are the
    lowest and highest frequency in ``pairs``. Outputs are scored during fixation and decision; on catch trials
    no frequency appears and both outputs must stay low throughout.

    Parameters
    ----------
    dt : float
        Step in ms.
    catch : bool
        Whether `sample` gives catch trials, with probability 1 / (n_conditions + 1).
    baseline, low, high : float
        Baseline input, and the outputs' low and high targets.
    pairs : tuple of (float, float)
        Pairs of different frequencies in Hz, each shown in both orders.
    fixation, f1, f2, decision : float
        Durations in ms.
    delay : float, Uniform or TruncatedExponential
        Time between the frequencies in ms.

    Raises
    ------
    ValueError
        If there is no pair, if one does not consist of two different finite frequencies, or if an epoch is shorter than
        half a step.

    References
    ----------
    Song, Yang & Wang (2016), PLoS Comput Biol 12(2): e1004792; Romo, Brody, Hernández & Lemus (1999), Nature 399:
    470-473; Barak, Tsodyks & Romo (2010), J Neurosci 30: 9424-9430.

    Examples
    --------
    >>> task = ParametricMemory(delay=500.0)
    >>> trial = task.trials(1, key=jax.random.key(0))
    >>> trial.inputs.shape, trial.epochs["f2"][0].tolist()
    ((95, 10, 2), [55, 80])
    >>> [f"{value:.2f}" for value in trial.inputs[60, 0]]  # 10 Hz, after 18 Hz
    ['0.60', '1.40']
    """

    input_channels: ClassVar[tuple[str, ...]] = ("positively tuned", "negatively tuned")
    criterion: ClassVar[float] = 0.85
    criterion_of: ClassVar[str] = "worst"
    evidence: ClassVar[tuple[str, str]] = ("difference", "Hz")
    neutral: ClassVar[float] = 0.0
    sorts: ClassVar[tuple[str, ...]] = ("f1", "f2")
    aligned_to: ClassVar[str] = "f1"
    condition_units: ClassVar[Mapping[str, str]] = {"f1": "Hz", "f2": "Hz"}
    holds: ClassVar[tuple[str, str]] = ("f1", "delay")

    pairs: tuple[tuple[float, float], ...] = (
        (18.0, 10.0),
        (22.0, 14.0),
        (26.0, 18.0),
        (30.0, 22.0),
        (34.0, 26.0),
    )
    fixation: float = 100.0
    f1: float = 500.0
    delay: Duration = DELAY
    f2: float = 500.0
    decision: float = 300.0

    def __post_init__(self) -> None:
        super().__post_init__()
        pairs = tuple(tuple(float(f) for f in pair) for pair in self.pairs)
        if not pairs:
            raise ValueError("the task is empty: pairs contains no pair of frequencies.")
        for pair in pairs:
            if len(pair) != 2 or not all(map(math.isfinite, pair)) or pair[0] == pair[1]:
                raise ValueError(f"each pair must be two different finite frequencies; got {pair}.")
        object.__setattr__(self, "pairs", pairs)
        self._check_durations("fixation", "f1", "delay", "f2", "decision")

    @property
    def frequency_range(self) -> tuple[float, float]:
        """Lowest and highest frequency in Hz."""
        return min(map(min, self.pairs)), max(map(max, self.pairs))

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return first and second frequency in Hz, ``f1`` and ``f2``, and the right ``choice``."""
        pairs = np.array(self.pairs, np.float32)
        f1, f2 = np.concatenate([pairs, pairs[:, ::-1]]).T
        return {"f1": f1, "f2": f2, "choice": (f1 < f2).astype(np.int32)}

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Build trials of given ``f1``, ``f2``, ``choice`` and ``catch``.

        The trials' conditions also contain the ``delay`` in ms and the ``difference`` f1 - f2 in Hz, the evidence for
        choice 0.
        """
        epochs = {name: getattr(self, name) for name in ("fixation", "f1", "delay", "f2", "decision")}
        shown = {name: self._tuned(conditions[name]) for name in ("f1", "f2")}
        trial = self._trial(key, conditions, epochs, shown)
        start, stop = trial.epochs["delay"].T
        told = {"delay": (stop - start) * self.dt, "difference": conditions["f1"] - conditions["f2"]}
        return trial._replace(conditions={**trial.conditions, **told})

    def _tuned(self, frequency: jax.Array) -> jax.Array:
        """Return the contribution of a frequency to both inputs; (B, 2)."""
        lowest, highest = self.frequency_range
        place = (frequency - lowest) / (highest - lowest)
        return OFFSET + SCALE * jnp.stack([place, 1 - place], axis=1)
