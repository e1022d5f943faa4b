"""Oculomotor delayed response: look where the cue was (Funahashi, Bruce & Goldman-Rakic 1989)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ._base import NO_CHOICE, Behaviour, Task, Trial, consecutive, score_choice, within
from ._ring import check_ring, ring_channels, ring_directions, ring_inputs
from ._timing import Duration, Uniform, as_duration, draw_steps, longest, whole_steps

DELAY = Uniform(min=800.0, max=1200.0)
REACH = 0.5


@dataclass(frozen=True)
class DelayedResponse(Task):
    r"""Memory-guided eye movement to one of several places on a circle around the fixation point.

    *Fixation* (fixation input alone), *cue* (a direction), *delay* (fixation input alone, for a random time),
    *response* (the fixation input goes off, and the eye moves). The fixation input is :math:`u_0 + 1` until the
    response. The cue in direction :math:`\theta` is coded by tuned inputs
    :math:`u_0 + \exp(\kappa (\cos(\theta - \phi_i) - 1))` with equally spaced preferred directions :math:`\phi_i`; all
    inputs are :math:`u_0` otherwise. The two outputs are the position of the eye: the origin until the response, and
    :math:`(\cos \theta, \sin \theta)` during the response. Outputs are scored throughout.

    The gaze is the mean position of the eye in the response epoch. If the gaze is nearer to the fixation point than to
    the circle, no movement was made, and there is no choice; otherwise the choice is the nearest direction.

    Parameters
    ----------
    dt : float
        Step in ms.
    n_directions : int
        Number of directions, equally spaced from 0 degrees, at least 2.
    n_channels : int
        Number of tuned inputs, at least 3.
    concentration : float
        Sharpness :math:`\kappa` of the tuning; 2.5 halves the response at 44 degrees from the preferred direction.
    fixation, cue, response : float
        Durations in ms.
    delay : float, Uniform or TruncatedExponential
        Time between cue and response in ms.
    baseline : float
        Baseline input.

    Raises
    ------
    ValueError
        If there are too few directions or channels, the concentration is not positive and finite, or an epoch is
        shorter than half a step.

    References
    ----------
    Funahashi, Bruce & Goldman-Rakic (1989), J Neurophysiol 61: 331-349.

    Examples
    --------
    >>> task = DelayedResponse(delay=1000.0)
    >>> trial = task.trials(1, key=jax.random.key(0))
    >>> trial.inputs.shape, trial.epochs["response"][0].tolist()
    ((82, 8, 17), [67, 82])
    >>> task.angle(trial.targets, trial).round().tolist()
    [0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0]
    """

    output_channels: ClassVar[tuple[str, ...]] = ("eye x", "eye y")
    criterion: ClassVar[float] = 0.85
    sorts: ClassVar[tuple[str, ...]] = ("direction",)
    aligned_to: ClassVar[str] = "cue"
    condition_units: ClassVar[Mapping[str, str]] = {"direction": "deg"}
    holds: ClassVar[tuple[str, str]] = ("direction", "delay")

    n_directions: int = 8
    n_channels: int = 16
    concentration: float = 2.5
    fixation: float = 100.0
    cue: float = 250.0
    delay: Duration = DELAY
    response: float = 300.0
    baseline: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ring(self.n_directions, self.n_channels, self.concentration)
        for name in ("fixation", "cue", "delay", "response"):
            duration = as_duration(name, getattr(self, name))
            whole_steps(name, longest(duration), self.dt)
            object.__setattr__(self, name, duration)

    @property
    def input_channels(self) -> tuple[str, ...]:  # type: ignore[override]
        """The fixation input and the tuned inputs."""
        return ("fixation", *ring_channels(self.n_channels))

    @property
    def chance(self) -> float:  # type: ignore[override]
        """Reciprocal of the number of directions."""
        return 1 / self.n_directions

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return the direction of the cue in degrees, and its index among the directions (``choice``)."""
        return {
            "direction": ring_directions(self.n_directions),
            "choice": np.arange(self.n_directions, dtype=np.int32),
        }

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Build trials of given ``direction``; add their ``delay`` in ms."""
        direction = conditions["direction"]
        durations = {name: getattr(self, name) for name in ("fixation", "cue", "delay", "response")}
        n_steps = sum(whole_steps(name, longest(duration), self.dt) for name, duration in durations.items())
        steps = {name: draw_steps(d, self.dt, key, direction.shape[0]) for name, d in durations.items()}
        epochs = consecutive(steps)
        during = {name: within(span, n_steps) for name, span in epochs.items()}
        hold = during["fixation"] | during["cue"] | during["delay"]
        tuned = ring_inputs(direction, self.n_channels, self.concentration)
        ring = jnp.where(during["cue"][:, :, None], tuned[None], 0.0)
        angle = jnp.deg2rad(direction)
        place = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
        return Trial(
            inputs=(self.baseline + jnp.concatenate([hold[:, :, None], ring], axis=2)).astype(float),
            targets=jnp.where(during["response"][:, :, None], place[None], 0.0).astype(float),
            mask=(hold | during["response"]).astype(float),
            conditions={**conditions, "delay": steps["delay"] * self.dt},
            epochs=epochs,
        )

    def angle(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return the direction of the gaze in the response, in [0, 360) degrees; NaN where the eye does not move.

        Parameters
        ----------
        outputs : array, shape (T, B, 2)
        trial : Trial

        Returns
        -------
        jax.Array, shape (B,)
        """
        x, y = trial.mean_over("response", outputs).T
        moved = jnp.hypot(x, y) >= REACH
        return jnp.where(moved, jnp.mod(jnp.rad2deg(jnp.arctan2(y, x)), 360.0), jnp.nan)

    def choice(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return the index of the direction nearest to the gaze, (B,); -1 where the eye does not move."""
        angle = self.angle(outputs, trial)
        nearest = jnp.round(angle * self.n_directions / 360) % self.n_directions
        return jnp.where(jnp.isnan(angle), NO_CHOICE, nearest).astype(jnp.int32)

    def behaviour(self, outputs: jax.Array, trial: Trial) -> Behaviour:
        """Return the behaviour; the score is 1 where the direction nearest to the gaze is that of the cue."""
        choice = self.choice(outputs, trial)
        return Behaviour(score_choice(choice, trial.conditions["choice"], self.n_directions), choice)
