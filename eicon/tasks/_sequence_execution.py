"""Sequence execution: move the eyes along the sequence that a cue specifies (Song, Yang & Wang 2016)."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ._base import Behaviour, Task, Trial, consecutive, forced_choice, score_choice
from ._rmse import rmse
from ._timing import as_duration, longest, whole_steps

POSITIONS = np.array([(x, y) for y in (0.5, 0.0, -0.5) for x in (-0.5, 0.0, 0.5)])
"""Positions of the dots, (9, 2): x and y, numbered row by row from the upper left."""
START = 4
SEQUENCES = np.array(
    [(5, 1, 0), (3, 1, 2), (3, 7, 8), (5, 7, 6), (5, 1, 2), (3, 1, 0), (3, 7, 6), (5, 7, 8)],
    np.int32,
)
"""Dots that each sequence visits after the central dot, (8, 3)."""
NEXT = {4: (3, 5), 3: (1, 7), 5: (1, 7), 1: (0, 2), 7: (6, 8)}
"""The two dots that the eye can go to, by its current dot."""
MOVEMENTS = ("movement 1", "movement 2", "movement 3")
GAZE = np.column_stack([np.full((len(SEQUENCES), 2), START), SEQUENCES]).T
"""Dot to look at in each epoch, intertrial and fixation included, (5, 8)."""
OPTIONS = np.array([[NEXT[int(dot)] for dot in dots] for dots in GAZE[1:-1]], np.int32)
"""Dots that each movement of each sequence can go to, (3, 8, 2)."""


@dataclass(frozen=True)
class SequenceExecution(Task):
    """Three eye movements over a grid of nine dots, in one of eight sequences.

    *Intertrial* (only the cue of the sequence is on; not scored), *fixation* (the central dot comes on, and the eye
    rests on it), *movement 1* to *movement 3* (the current dot and the two possible next dots are on; the
    eye goes to the next dot of the sequence). The cue of the sequence is on throughout. A dot or cue that is on adds
    1 to its input, above the baseline that all inputs have at all times. Dots are numbered row by row::

        0 1 2     y =  0.5
        3 4 5     y =  0
        6 7 8     y = -0.5

    with x = -0.5, 0, 0.5, and the sequences are 5-1-0, 3-1-2, 3-7-8, 5-7-6, 5-1-2, 3-1-0, 3-7-6 and 5-7-8.

    A movement is right if the mean of the outputs over its last half is nearer to the right dot than to the other
    possible dot; half-way between them it scores chance. A trial is right if all three movements
    are. There are no catch trials.

    Parameters
    ----------
    dt : float
        Step in ms.
    intertrial, fixation, movement : float
        Durations in ms; ``movement`` is that of each of the three movements.
    baseline : float
        Baseline input.

    Raises
    ------
    ValueError
        If an epoch is shorter than half a step.

    References
    ----------
    Song, Yang & Wang (2016), PLoS Comput Biol 12(2): e1004792; Averbeck & Lee (2007), J Neurosci 27: 2204-2211.

    Examples
    --------
    >>> task = SequenceExecution()
    >>> trial = task.trials(1, key=jax.random.key(0))
    >>> trial.inputs.shape, trial.epochs["movement 1"][0].tolist()
    ((175, 8, 17), [100, 125])
    >>> trial.targets[jax.numpy.array([99, 100, 125, 150]), 0].tolist()  # sequence 0: 4, then 5-1-0
    [[0.0, 0.0], [0.5, 0.0], [0.0, 0.5], [-0.5, 0.5]]
    """

    input_channels: ClassVar[tuple[str, ...]] = (
        *(f"dot {dot}" for dot in range(9)),
        *(f"sequence {sequence}" for sequence in range(8)),
    )
    output_channels: ClassVar[tuple[str, ...]] = ("eye x", "eye y")
    chance: ClassVar[float] = 1 / 8
    criterion: ClassVar[float] = 0.05**2
    criterion_of: ClassVar[str] = "loss"
    sorts: ClassVar[tuple[str, ...]] = ("sequence",)
    aligned_to: ClassVar[str] = "movement 1"

    intertrial: float = 1000.0
    fixation: float = 1000.0
    movement: float = 500.0
    baseline: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("intertrial", "fixation", "movement"):
            whole_steps(name, longest(as_duration(name, getattr(self, name))), self.dt)

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return the number of the ``sequence``, 0 to 7."""
        return {"sequence": np.arange(len(SEQUENCES), dtype=np.int32)}

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Build trials of given ``sequence``, which contain nothing random."""
        sequence = conditions["sequence"]
        steps = {name: whole_steps(name, getattr(self, name), self.dt) for name in ("intertrial", "fixation")}
        steps |= dict.fromkeys(MOVEMENTS, whole_steps("movement", self.movement, self.dt))
        epoch = np.repeat(np.arange(len(steps)), list(steps.values()))
        cues = np.tile(np.eye(len(SEQUENCES)), (len(steps), 1, 1))
        inputs = self.baseline + np.concatenate([_shown_dots(), cues], axis=2)
        scored = np.tile((epoch > 0).astype(float)[:, None], (1, sequence.shape[0]))
        return Trial(
            inputs=jnp.asarray(inputs[epoch])[:, sequence],
            targets=jnp.asarray(POSITIONS[GAZE[epoch]])[:, sequence],
            mask=jnp.asarray(scored),
            conditions=dict(conditions),
            epochs=consecutive(steps, sequence.shape[0]),
        )

    def choices(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return the dot that each movement goes to, of the two possible; -1 half-way between them.

        Parameters
        ----------
        outputs : array, shape (T, B, 2)
        trial : Trial

        Returns
        -------
        jax.Array, shape (3, B)
        """
        chosen = []
        for name, options in zip(MOVEMENTS, OPTIONS, strict=True):
            dots = jnp.asarray(options)[trial.conditions["sequence"]]
            start, stop = trial.epochs[name].T
            last_half = jnp.stack([stop - jnp.maximum(1, (stop - start) // 2), stop], axis=1)
            gaze = trial._replace(epochs={name: last_half}).mean_over(name, outputs)
            distance = jnp.square(gaze[:, None] - jnp.asarray(POSITIONS)[dots]).sum(axis=2)
            nearest = forced_choice(-distance)
            dot = jnp.take_along_axis(dots, jnp.maximum(nearest, 0)[:, None], axis=1)[:, 0]
            chosen.append(jnp.where(nearest < 0, nearest, dot))
        return jnp.stack(chosen)

    def behaviour(self, outputs: jax.Array, trial: Trial) -> Behaviour:
        """Return the behaviour, see `Task.behaviour`; the score is 1 where all three movements go to the right dot."""
        right = jnp.asarray(SEQUENCES.T)[:, trial.conditions["sequence"]]
        return Behaviour(score_choice(self.choices(outputs, trial), right, 2).prod(axis=0))

    def rmse(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return the root mean squared error of each trial over scored steps and outputs, (B,); published goal 0.05.

        Parameters
        ----------
        outputs : array, shape (T, B, 2)
        trial : Trial

        Returns
        -------
        jax.Array, shape (B,)
        """
        return rmse(outputs, trial)


def _shown_dots() -> np.ndarray:
    """Return which dots are on in each epoch of each sequence, (5, 8, 9)."""
    dots = np.zeros((len(GAZE), len(SEQUENCES), len(POSITIONS)))
    dots[1, :, START] = 1
    for movement, (here, options) in enumerate(zip(GAZE[1:-1], OPTIONS, strict=True)):
        on = np.column_stack([here, options])
        np.put_along_axis(dots[2 + movement], on, 1.0, axis=1)
    return dots
