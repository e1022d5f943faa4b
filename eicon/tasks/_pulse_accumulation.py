"""Pulse accumulation: which of two trains had more pulses? (Brunton, Botvinick & Brody 2013)."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ._base import Behaviour, Task, Trial, check_levels, consecutive, forced_choice, score_choice, within
from ._timing import Duration, Uniform, as_duration, draw_steps, longest, whole_steps

STIMULUS = Uniform(min=500.0, max=1000.0)


@dataclass(frozen=True)
class PulseAccumulation(Task):
    r"""Two-alternative decision on the number of random pulses.

    *Fixation* (fixation input alone), *stimulus* (pulses for both choices, for a random time), *decision* (the fixation
    input goes off, and the output of the choice with more pulses goes up). The fixation input is
    :math:`u_0 + 1` until the decision, the other two are :math:`u_0 + 1` during a pulse and :math:`u_0` otherwise.
    Outputs are scored during fixation (both low) and decision, but not during the stimulus.

    The stimulus is divided into bins of ``pulse`` ms, whatever the step, and each side has at most one pulse in a
    bin, which fills it: with probability ``rate * pulse``, independently of all other bins and of the other side. This
    is a Poisson train at the resolution of a bin; rates are exact, and counts are binomial. If both counts are
    equal, one pulse is removed from the side with the lower rate (if it has any) and one added to the other
    (if it has an empty bin), which ensures a right answer; this answer depends on the pulses, not on the rates.

    Conditions of the grid contain only the rates: pairs of rates with the same ``total``, with either side ahead. The
    numbers of pulses, and the right ``choice``, are random given the rates, and are added to the trials' conditions.

    Parameters
    ----------
    dt : float
        Step in ms, of which ``pulse`` is a multiple.
    rates : tuple of float
        Higher rate of each pair in Hz, in (``total`` / 2, ``total``].
    total : float
        Sum of both rates in Hz.
    pulse : float
        Duration of a pulse, and of a bin, in ms.
    fixation, decision : float
        Durations in ms.
    stimulus : float, Uniform or TruncatedExponential
        Duration in ms, rounded to whole bins; at least one.
    baseline, low, high : float
        Baseline input, and the outputs' low and high targets.

    Raises
    ------
    ValueError
        If there is no rate or one is out of range, if more than one pulse per bin would be needed, if the step does not
        divide a pulse, or if an epoch is shorter than half a step or the stimulus shorter than half a pulse.

    References
    ----------
    Brunton, Botvinick & Brody (2013), Science 340: 95-98; Erlich, Brunton, Duan, Hanks & Brody (2015), eLife 4: e05457.

    Examples
    --------
    >>> task = PulseAccumulation(rates=(26.0,))
    >>> trial = task.trials(2, key=jax.random.key(0))
    >>> trial.conditions["difference"].tolist()
    [12.0, -12.0, 12.0, -12.0]
    >>> heard = (trial.inputs[:, :, 1:] - task.baseline).sum(axis=0).round()
    >>> bool((heard.argmax(axis=1) == trial.conditions["choice"]).all())
    True
    """

    input_channels: ClassVar[tuple[str, ...]] = ("fixation", "pulses for 0", "pulses for 1")
    output_channels: ClassVar[tuple[str, ...]] = ("choice 0", "choice 1")
    chance: ClassVar[float] = 1 / 2
    criterion: ClassVar[float] = 0.75
    evidence: ClassVar[tuple[str, str]] = ("difference", "Hz")
    neutral: ClassVar[float] = 0.0
    sorts: ClassVar[tuple[str, ...]] = ("difference",)
    aligned_to: ClassVar[str] = "stimulus"

    rates: tuple[float, ...] = (26.0, 31.0, 37.0, 39.0)
    total: float = 40.0
    pulse: float = 20.0
    fixation: float = 100.0
    stimulus: Duration = STIMULUS
    decision: float = 300.0
    baseline: float = 0.2
    low: float = 0.2
    high: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        as_duration("pulse", self.pulse)
        steps = self.pulse / self.dt
        if round(steps) < 1 or abs(steps - round(steps)) > 1e-6:
            raise ValueError(f"pulse must be a whole number of steps of dt {self.dt:g} ms; got {self.pulse:g}.")
        object.__setattr__(self, "rates", tuple(float(rate) for rate in self.rates))
        check_levels("rates", self.rates, self.total / 2, self.total)
        if max(self.rates) * self.pulse > 1000:
            raise ValueError(
                f"rates must leave at most one pulse per bin of {self.pulse:g} ms, {1000 / self.pulse:g} Hz; "
                f"got {max(self.rates):g}."
            )
        for name in ("fixation", "stimulus", "decision"):
            duration = as_duration(name, getattr(self, name))
            whole_steps(name, longest(duration), self.dt)
            object.__setattr__(self, name, duration)
        if longest(self.stimulus) < self.pulse:
            raise ValueError(
                f"stimulus must last at least one pulse of {self.pulse:g} ms; got {longest(self.stimulus):g}."
            )

    @property
    def evidence_range(self) -> tuple[float, float]:
        """Differences at which both rates are at least 0, and at most one pulse per bin."""
        most = min(self.total, 2000 / self.pulse - self.total)
        return -most, most

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return the signed ``difference`` of the rates in Hz (positive: more pulses for choice 0)."""
        difference = 2 * np.array(self.rates, np.float32) - np.float32(self.total)
        return {"difference": np.concatenate([difference, -difference])}

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Build trials of given ``difference``; add ``pulses_0``, ``pulses_1``, ``choice`` and ``duration`` in ms."""
        difference = conditions["difference"]
        batch_size, (key_duration, key_pulses) = difference.shape[0], jax.random.split(key)
        n_bins = draw_steps(self.stimulus, self.pulse, key_duration, batch_size)
        pulses = self._draw(key_pulses, difference, n_bins)
        counts = pulses.sum(axis=0, dtype=jnp.int32)
        choice = forced_choice(counts)

        per_bin = whole_steps("pulse", self.pulse, self.dt)
        fixation, decision = (whole_steps(name, getattr(self, name), self.dt) for name in ("fixation", "decision"))
        n_steps = fixation + pulses.shape[0] * per_bin + decision
        epochs = consecutive(
            {
                "fixation": jnp.full((batch_size,), fixation, jnp.int32),
                "stimulus": n_bins * per_bin,
                "decision": jnp.full((batch_size,), decision, jnp.int32),
            }
        )
        during = {name: within(span, n_steps) for name, span in epochs.items()}
        hold = during["fixation"] | during["stimulus"]
        heard = jnp.pad(jnp.repeat(pulses, per_bin, axis=0), ((fixation, decision), (0, 0), (0, 0)))
        high = during["decision"][:, :, None] & (choice[:, None] == jnp.arange(2)[None])[None]
        told = {"pulses_0": counts[:, 0], "pulses_1": counts[:, 1], "choice": choice}
        return Trial(
            inputs=(self.baseline + jnp.concatenate([hold[:, :, None], heard], axis=2)).astype(float),
            targets=jnp.where(high, self.high, self.low).astype(float),
            mask=(during["fixation"] | during["decision"]).astype(float),
            conditions={**conditions, **told, "duration": n_bins * self.pulse},
            epochs=epochs,
        )

    def choice(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return the output with the higher mean in the decision epoch, (B,); -1 for a tie."""
        return forced_choice(trial.mean_over("decision", outputs))

    def behaviour(self, outputs: jax.Array, trial: Trial) -> Behaviour:
        """Return the behaviour, see `Task.behaviour`; the score is 1 where the choice is the side with more pulses."""
        choice = self.choice(outputs, trial)
        return Behaviour(score_choice(choice, trial.conditions["choice"], 2), choice)

    def _draw(self, key: jax.Array, difference: jax.Array, n_bins: jax.Array) -> jax.Array:
        """Draw whether each bin has a pulse for each choice, (bins, B, 2); counts are never equal."""
        signed = jnp.stack([difference, -difference], axis=1)[None]
        bins = whole_steps("stimulus", longest(self.stimulus), self.pulse)
        chance = jax.random.uniform(key, (bins, *signed.shape[1:]), jnp.float32)
        inside = jnp.arange(bins)[:, None, None] < n_bins[None, :, None]
        pulses = (chance < (self.total + signed) / 2 * (self.pulse / 1000)) & inside
        counts = pulses.sum(axis=0, keepdims=True)
        tied, ahead = counts[:, :, :1] == counts[:, :, 1:], signed > 0
        room = inside & ~pulses
        # Using the same draws: remove the pulse closest to not occurring, and add the one closest to occurring.
        goes = pulses & _is_highest(jnp.where(pulses, chance, -1.0))
        added = room & _is_highest(jnp.where(room, -chance, -2.0))
        return (pulses & ~(goes & tied & ~ahead)) | (added & tied & ahead)


def _is_highest(values: jax.Array) -> jax.Array:
    """Return whether each of (bins, B, 2) is the first maximum over the bins."""
    return jnp.arange(values.shape[0])[:, None, None] == jnp.argmax(values, axis=0)[None]
