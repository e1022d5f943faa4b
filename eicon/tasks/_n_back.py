"""N-back: was the last item the same as the one n before? (Goulas, Damicelli & Hilgetag 2021)."""

import math
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ._base import Behaviour, Task, Trial, consecutive, forced_choice, item_steps, score_choice

NON_MATCH, MATCH = 1, 2


@dataclass(frozen=True)
class NBackTask(Task):
    """Base of all n-back tasks: the question, the time of the answer, and its score.

    The answer is the class with the largest mean output in the response epoch: 1 for a non-match, 2 for a match.
    Class 0 represents the steps that are not scored, and is never right, but counts as a choice:
    independent random outputs are right in a third of the trials. Tied outputs (a silent network)
    are not a choice, and score the chance level 1/2.
    """

    output_channels: ClassVar[tuple[str, ...]] = ("none", "non-match", "match")
    loss: ClassVar[str] = "cross_entropy"
    chance: ClassVar[float] = 1 / 2
    criterion: ClassVar[float] = 0.75
    sorts: ClassVar[tuple[str, ...]] = ("match",)
    aligned_to: ClassVar[str] = "response"

    n_back: int = 2
    trial_length: int = 5
    item: float = 20.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.n_back < self.trial_length:
            raise ValueError(
                f"n_back must be at least 1 and less than trial_length; "
                f"got n_back {self.n_back}, trial_length {self.trial_length}."
            )
        item_steps(self.item, self.dt)

    @property
    def null_loss(self) -> float:
        """Cross-entropy of two equally probable classes, ln 2; see `Task.null_loss`."""
        return math.log(2)

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return whether the last item and the one ``n_back`` before are the same."""
        return {"match": np.array([False, True])}

    def _trial(self, items: jax.Array, n_items: dict[str, int], conditions: dict[str, jax.Array]) -> Trial:
        """Build trials from inputs (items, B, n_in), scored in the last item."""
        steps, match = item_steps(self.item, self.dt), conditions["match"]
        blank = jnp.zeros(items.shape[:2], jnp.int32)
        labels = blank.at[-1].set(jnp.where(match, MATCH, NON_MATCH))
        return Trial(
            inputs=jnp.repeat(items.astype(float), steps, axis=0),
            targets=jnp.repeat(labels, steps, axis=0),
            mask=jnp.repeat(blank.at[-1].set(1).astype(float), steps, axis=0),
            conditions=conditions,
            epochs=consecutive({name: n * steps for name, n in n_items.items()}, match.shape[0]),
        )

    def choice(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return the class with the largest mean output in the response epoch, (B,); -1 for a tie."""
        return forced_choice(trial.mean_over("response", outputs))

    def behaviour(self, outputs: jax.Array, trial: Trial) -> Behaviour:
        """Return the behaviour, see `Task.behaviour`."""
        choice, right = self.choice(outputs, trial), jnp.where(trial.conditions["match"], MATCH, NON_MATCH)
        return Behaviour(score_choice(choice, right, 2), choice)


@dataclass(frozen=True)
class NBack(NBackTask):
    """N-back with random values.

    *Sequence* (``trial_length - 1`` items: values drawn from U(0, 1)), *cue* (one item: the last value, together with
    a cue input of 1), *response* (one item without input, the only one that is scored). On match trials the last
    value equals that ``n_back`` items before. Half of the trials match: chance is 1/2, with a loss of ln 2.

    Parameters
    ----------
    dt : float
        Step in ms.
    n_back : int
        Distance to the compared item, in items, at least 1.
    trial_length : int
        Number of values, more than ``n_back``.
    item : float
        Duration of each item in ms; ``item == dt`` gives the published trials.

    Raises
    ------
    ValueError
        If ``n_back`` is not between 1 and ``trial_length - 1``, or an item is shorter than half a step.

    Notes
    -----
    With items of a single step, a default network learns the task with two settings, ``RateRNN.dale(..., tau=task.dt,
    free_input=True)``: units without memory, as published, and input weights of either sign, which make
    differences between items available. The bundled configuration ``n_back.toml`` uses them.

    References
    ----------
    Goulas, Damicelli & Hilgetag (2021), Neural Networks 142: 608-618, doi 10.1016/j.neunet.2021.07.011.

    Examples
    --------
    >>> trial = NBack(n_back=2, trial_length=5).trials(1, key=jax.random.key(0))
    >>> trial.inputs.shape, trial.conditions["match"].tolist()
    ((6, 2, 2), [False, True])
    >>> (trial.inputs[4, :, 1] == trial.inputs[2, :, 1]).tolist()
    [False, True]
    >>> trial.targets[-1].tolist()
    [1, 2]
    """

    input_channels: ClassVar[tuple[str, ...]] = ("cue", "value")
    holds: ClassVar[tuple[str, str]] = ("compared value", "cue")

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Build trials of given ``match``; add the ``compared value``, with which the last one is compared."""
        match, last = conditions["match"], self.trial_length - 1
        values = jax.random.uniform(key, (self.trial_length, match.shape[0]), jnp.float32)
        values = values.at[last - self.n_back].set(jnp.where(match, values[last], values[last - self.n_back]))
        cue = jnp.zeros_like(values).at[last].set(1.0)
        items = jnp.pad(jnp.stack([cue, values], axis=2), ((0, 1), (0, 0), (0, 0)))
        told = {**conditions, "compared value": values[last - self.n_back]}
        return self._trial(items, {"sequence": last, "cue": 1, "response": 1}, told)
