"""Sequence memory: hold a few values and recall them in order (Goulas, Damicelli & Hilgetag 2021)."""

import math
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ._base import Behaviour, Task, Trial, consecutive, forced_choice, item_steps, score_choice
from ._timing import whole_steps


@dataclass(frozen=True)
class SequenceMemory(Task):
    r"""Recall of a sequence of random values after a cue.

    *Sequence* (:math:`p` items: values drawn from :math:`U(low, high)`), *delay* (no input; only where ``delay`` is
    not 0), *cue* (one item: the cue input is 1 and the value input 0), *response* (:math:`p` items without input: the
    output repeats the values in order, one per item). Outputs are scored only in the response. An output that
    is the same in all trials has at best a mean squared error of :math:`(high - low)^2 / 12`, the variance of the
    values: `null_loss`.

    Each recalled item is also a choice among the :math:`p` values of its trial: the one nearest to the mean output
    during the item. A trial's score is the fraction of items with the right choice. Constant outputs
    are nearest to the same value throughout, and score exactly the chance level :math:`1 / p`.

    Parameters
    ----------
    dt : float
        Step in ms.
    pattern_length : int
        Number of values :math:`p`, at least 2 (a single value leaves no choice to score).
    low, high : float
        Range of the values.
    item : float
        Duration of each item in ms; ``item == dt`` (and no delay) gives the published trials.
    delay : float
        Time between sequence and cue in ms; 0 for none.

    Raises
    ------
    ValueError
        If the sequence is too short, the range is empty, an item is shorter than half a step, or the delay is negative
        or, though not 0, shorter than half a step.

    Notes
    -----
    With items of a single step, a default network learns the task with one setting, ``RateRNN.dale(...,
    tau=task.dt)``: units without memory, as published. The bundled configuration
    ``sequence_memory.toml`` uses it.

    References
    ----------
    Goulas, Damicelli & Hilgetag (2021), Neural Networks 142: 608-618, doi 10.1016/j.neunet.2021.07.011.

    Examples
    --------
    >>> task = SequenceMemory(pattern_length=3)
    >>> trial = task.sample(jax.random.key(0), batch_size=4)
    >>> trial.inputs.shape, trial.epochs["response"][0].tolist()
    ((7, 4, 2), [4, 7])
    >>> bool((trial.targets[4:, :, 0] == trial.inputs[:3, :, 1]).all())
    True
    >>> f"{task.null_loss:.4f}"
    '0.0833'
    """

    input_channels: ClassVar[tuple[str, ...]] = ("cue", "value")
    output_channels: ClassVar[tuple[str, ...]] = ("value",)
    aligned_to: ClassVar[str] = "response"

    pattern_length: int = 3
    low: float = 0.0
    high: float = 1.0
    item: float = 20.0
    delay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pattern_length < 2:
            raise ValueError(f"pattern_length must be at least 2; got {self.pattern_length}.")
        if not -math.inf < self.low < self.high < math.inf:
            raise ValueError(f"values need finite low < high; got low {self.low}, high {self.high}.")
        item_steps(self.item, self.dt)
        if not 0 <= self.delay < math.inf:
            raise ValueError(f"delay must be >= 0 (ms) and finite; got {self.delay}.")
        if self.delay > 0:
            whole_steps("delay", self.delay, self.dt)

    @property
    def holds(self) -> tuple[str, str]:  # type: ignore[override]
        """The first value, through the delay, or through the cue where there is no delay."""
        return "first value", "delay" if self.delay else "cue"

    @property
    def null_loss(self) -> float:
        """Mean squared error of the mean value; see `Task.null_loss`."""
        return (self.high - self.low) ** 2 / 12

    @property
    def chance(self) -> float:  # type: ignore[override]
        """Reciprocal of the number of values."""
        return 1 / self.pattern_length

    @property
    def criterion(self) -> float:  # type: ignore[override]
        """Half-way between chance and 1."""
        return (self.chance + 1) / 2

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return a single condition; everything else is random."""
        return {"pattern_length": np.array([self.pattern_length], np.int32)}

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Build trials of random values; add the ``first value``."""
        p, steps, batch_size = self.pattern_length, item_steps(self.item, self.dt), conditions["catch"].shape[0]
        # Always drawn in single precision, to make trials independent of the precision.
        values = jax.random.uniform(key, (p, batch_size), jnp.float32, self.low, self.high).astype(float)
        n_items = {"sequence": p, "cue": 1, "response": p}
        blank = jnp.zeros((2 * p + 1, batch_size))
        cue, value = blank.at[p].set(1.0), blank.at[:p].set(values)
        target, mask = blank.at[p + 1 :].set(values), blank.at[p + 1 :].set(1.0)
        trial = Trial(
            inputs=jnp.repeat(jnp.stack([cue, value], axis=2), steps, axis=0),
            targets=jnp.repeat(target[:, :, None], steps, axis=0),
            mask=jnp.repeat(mask, steps, axis=0),
            conditions={**conditions, "first value": values[0]},
            epochs=consecutive({name: n * steps for name, n in n_items.items()}, batch_size),
        )
        return _delayed(trial, p * steps, whole_steps("delay", self.delay, self.dt)) if self.delay else trial

    def recalled(self, values: jax.Array) -> jax.Array:
        """Average values (T, B, 1), such as outputs or targets, over each item of the response, (p, B)."""
        p, steps = self.pattern_length, item_steps(self.item, self.dt)
        start = (p + 1) * steps + (whole_steps("delay", self.delay, self.dt) if self.delay else 0)
        response = values[start : start + p * steps, :, 0]
        return response.reshape(p, steps, -1).mean(axis=1)

    def behaviour(self, outputs: jax.Array, trial: Trial) -> Behaviour:
        """Return the behaviour; the score is the fraction of items whose output is nearest to the right value."""
        p = self.pattern_length
        shown = self.recalled(trial.targets)
        distance = jnp.abs(self.recalled(outputs)[:, None] - shown[None])  # (recalled, shown, B)
        score = [score_choice(forced_choice(-distance[i].T), jnp.asarray(i), p) for i in range(p)]
        return Behaviour(jnp.stack(score).mean(axis=0))


def _delayed(trial: Trial, at: int, steps: int) -> Trial:
    """Insert the given number of steps without input, target and score as the delay epoch."""

    def longer(values: jax.Array) -> jax.Array:
        return jnp.concatenate([values[:at], jnp.zeros((steps, *values.shape[1:]), values.dtype), values[at:]])

    sequence, cue, response = (trial.epochs[name] for name in ("sequence", "cue", "response"))
    epochs = {"sequence": sequence, "delay": jnp.stack([sequence[:, 1], cue[:, 0] + steps], axis=1)}
    return trial._replace(
        inputs=longer(trial.inputs),
        targets=longer(trial.targets),
        mask=longer(trial.mask),
        epochs={**epochs, "cue": cue + steps, "response": response + steps},
    )
