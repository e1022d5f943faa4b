"""Moving edges and gratings, as seen by the hexagonal eye of a fly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from .._hexagon import columns, positions
from ._base import Behaviour, Task, Trial, check_levels, consecutive, forced_choice, score_choice
from ._timing import as_duration, longest, whole_steps

KINDS = ("on", "off", "grating")
REACH = 1.0
"""Distance from the centre of a column, in columns, within which an edge moves in front of it."""
FINEST = 2.0
"""Wavelength in columns at and below which the direction of a grating is ambiguous."""


@dataclass(frozen=True)
class HexMotion(Task):
    r"""Local direction of motion on a hexagonal grid of columns.

    *Still* (a stationary edge or grating), *motion* (the pattern moves at a constant speed, in a direction that the
    stationary picture does not reveal). Inputs are the luminances of the columns, :math:`(1 + c\, w) / 2` for a
    contrast :math:`c`: a grating is a sine wave :math:`w`; at an ON edge :math:`w` goes from -1 to 1 over the width of
    one column, at an OFF edge from 1 to -1. Each column has two outputs, the x and y components of the direction of
    motion in front of it, which are 0 where nothing moves. An edge moves in front of the columns less than one column
    away, a grating in front of all. Outputs are scored during the motion.

    The answer to a trial is the direction nearest to the sum of the outputs over all columns and the whole motion, and
    the score is 1 for the right one of ``n_directions``.

    Edges start where they stay in view throughout the motion, or in the middle if they are too fast.

    Parameters
    ----------
    dt : float
        Step in ms.
    extent : int
        Number of columns from the middle to the border; in total there are n = 3 extent (extent + 1) + 1. The published
        model of the optic lobe has an extent of 15.
    n_directions : int
        Number of directions, evenly spaced from 0 degrees (to the right), counter-clockwise.
    kinds : tuple of str
        ``"on"`` and ``"off"`` edges, and ``"grating"``.
    speeds : tuple of float
        Speeds in columns per second; a column of the fly's eye covers about 5 degrees.
    wavelength : float
        Wavelength of gratings, in columns, > 2.
    contrast : float
        Michelson contrast, in (0, 1].
    still, motion : float
        Durations in ms. With the defaults a trial has 19 steps.

    Raises
    ------
    ValueError
        If a number is out of range, a kind is unknown, an epoch is shorter than half a step, or gratings would seem to
        move backwards because they advance by half a wavelength or more in a step.

    References
    ----------
    Lappalainen et al. (2024), Nature 634: 1132-1140, the source of the coordinates.

    Examples
    --------
    >>> task = HexMotion(extent=2)
    >>> trial = task.sample(jax.random.key(0), batch_size=4)
    >>> trial.inputs.shape, trial.targets.shape
    ((19, 4, 19), (19, 4, 38))
    >>> edge = task.trials_of(direction=90.0, kind=0, speed=5.0, key=0)
    >>> moving = task.flow(edge.targets)[-1, 0]  # (columns, 2)
    >>> [float(component) for component in moving[moving.any(axis=1)][0]]
    [0.0, 1.0]
    """

    criterion: ClassVar[float] = 0.85
    sorts: ClassVar[tuple[str, ...]] = ("direction",)
    aligned_to: ClassVar[str] = "motion"
    condition_units: ClassVar[Mapping[str, str]] = {"direction": "deg", "speed": "columns/s"}

    extent: int = 4
    n_directions: int = 8
    kinds: tuple[str, ...] = KINDS
    speeds: tuple[float, ...] = (5.0, 10.0)
    wavelength: float = 6.0
    contrast: float = 0.8
    still: float = 80.0
    motion: float = 300.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("extent", 1), ("n_directions", 2)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}; got {getattr(self, name)}.")
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown or not self.kinds or len(set(self.kinds)) < len(self.kinds):
            raise ValueError(f"kinds must be one or more of {', '.join(KINDS)}, all different; got {self.kinds!r}.")
        check_levels("speeds", self.speeds, 0, np.inf)
        check_levels("contrast", (self.contrast,), 0, 1)
        if not FINEST < self.wavelength < np.inf:
            raise ValueError(f"wavelength must be > {FINEST:g} columns; got {self.wavelength:g}.")
        step = max(self.speeds) * self.dt / 1000
        if "grating" in self.kinds and not step < self.wavelength / 2:
            raise ValueError(
                f"a grating of {self.wavelength:g} columns at {max(self.speeds):g} columns/s advances by {step:g} "
                f"columns in a step of {self.dt:g} ms: at half a wavelength or more, it would seem to move backwards."
            )
        for name in ("still", "motion"):
            whole_steps(name, longest(as_duration(name, getattr(self, name))), self.dt)

    @property
    def chance(self) -> float:  # type: ignore[override]
        """Reciprocal of the number of directions."""
        return 1 / self.n_directions

    @property
    def columns(self) -> np.ndarray:
        """Coordinates (u, v) of the columns, (n, 2), in the order of the inputs."""
        return columns(self.extent)

    @property
    def positions(self) -> np.ndarray:
        """Positions (x, y) of the columns, (n, 2), where neighbours are 1 apart; x to the right, y upwards."""
        return positions(self.columns)

    @property
    def input_channels(self) -> tuple[str, ...]:  # type: ignore[override]
        """Luminance of each column."""
        return tuple(f"light {u}/{v}" for u, v in self.columns)

    @property
    def output_channels(self) -> tuple[str, ...]:  # type: ignore[override]
        """Motion to the right and upwards in each column."""
        return tuple(f"{axis} {u}/{v}" for u, v in self.columns for axis in ("right", "up"))

    @property
    def directions(self) -> np.ndarray:
        """Unit vectors of the directions, (n_directions, 2)."""
        angle = 2 * np.pi * np.arange(self.n_directions) / self.n_directions
        return np.round(np.stack([np.cos(angle), np.sin(angle)], axis=1), 12)

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return ``direction`` in degrees, its index ``choice``, ``kind`` (0 ON, 1 OFF edge, 2 grating), ``speed``."""
        kinds = [KINDS.index(kind) for kind in self.kinds]
        choice, kind, speed = np.meshgrid(np.arange(self.n_directions), kinds, self.speeds, indexing="ij")
        return {
            "direction": (choice.ravel() * 360 / self.n_directions).astype(np.float32),
            "choice": choice.ravel().astype(np.int32),
            "kind": kind.ravel().astype(np.int32),
            "speed": speed.ravel().astype(np.float32),
        }

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Build trials of given ``choice``, ``kind`` and ``speed``; ``start`` is the initial position, in columns."""
        speed, kind = conditions["speed"], conditions["kind"]
        still, motion = (whole_steps(name, getattr(self, name), self.dt) for name in ("still", "motion"))
        moving = jnp.arange(1 - still, motion + 1)[:, None]  # number of steps moved so far, where > 0
        heading = jnp.asarray(self.directions)[conditions["choice"]]  # (B, 2)
        grating = kind == KINDS.index("grating")

        in_view = jnp.maximum(np.sqrt(0.75) * self.extent - speed * self.motion / 1000, 0.0)
        start = jax.random.uniform(key, speed.shape, minval=-1.0) * jnp.where(grating, self.wavelength / 2, in_view)
        front = start[None] + speed[None] * jnp.maximum(moving, 0) * (self.dt / 1000)  # (T, B)
        behind = front[:, :, None] - (heading @ jnp.asarray(self.positions).T)[None]  # (T, B, n), in columns
        edge = jnp.where(kind == KINDS.index("off"), -1.0, 1.0)[None, :, None] * jnp.clip(2 * behind, -1.0, 1.0)
        wave = jnp.where(grating[None, :, None], jnp.sin(2 * jnp.pi * behind / self.wavelength), edge)

        scored = jnp.broadcast_to(moving > 0, front.shape)
        moves = scored[:, :, None] & (grating[None, :, None] | (jnp.abs(behind) < REACH))
        targets = jnp.where(moves[..., None], heading[None, :, None], 0.0)
        return Trial(
            inputs=((1 + self.contrast * wave) / 2).astype(float),
            targets=targets.reshape(*front.shape, self.n_out).astype(float),
            mask=scored.astype(float),
            conditions={**conditions, "start": start},
            epochs=consecutive({"still": still, "motion": motion}, len(speed)),
        )

    def flow(self, outputs: jax.Array) -> jax.Array:
        """Return the motion in each column, decoded from outputs (T, B, n_out): (T, B, n, 2), right and upwards."""
        return outputs.reshape(*outputs.shape[:-1], -1, 2)

    def choice(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return the index of the direction nearest to the sum of all outputs, (B,); -1 for none."""
        whole = self.flow(trial.mean_over("motion", outputs)).mean(axis=1)
        return forced_choice(whole @ jnp.asarray(self.directions, whole.dtype).T)

    def behaviour(self, outputs: jax.Array, trial: Trial) -> Behaviour:
        """Return the behaviour, see `Task.behaviour`."""
        choice = self.choice(outputs, trial)
        return Behaviour(score_choice(choice, trial.conditions["choice"], self.n_directions), choice)
