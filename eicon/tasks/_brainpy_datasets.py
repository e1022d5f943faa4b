"""Cognitive tasks of the `brainpy_datasets` package, unchanged."""

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from .._key import as_key
from .._numbers import whole
from ._base import Behaviour, Task, Trial, as_repeats, forced_choice, score_choice


@dataclass(frozen=True)
class BrainPyDatasetsTask(Task):
    """A `brainpy_datasets` cognitive task with complete, masked trials determined by a key.

    The package draws trials in numpy with its own generators; here every batch reseeds them from its key, and
    the same key gives the same trials. Trials are padded to the greatest possible length.

    Parameters
    ----------
    dataset : brainpy_datasets.cognitive.CognitiveTask
        E.g. ``RatePerceptualDecisionMaking(dt=20.)``.
    n_steps : int
        Number of steps of the longest trial.
    """

    input_channels: ClassVar[tuple[str, ...]] = ()
    output_channels: ClassVar[tuple[str, ...]] = ()
    loss: ClassVar[str] = "cross_entropy"
    sorts: ClassVar[tuple[str, ...]] = ("label",)
    aligned_to: ClassVar[str] = "trial"

    dataset: Any = None
    n_steps: int = 0

    @property
    def n_in(self) -> int:
        """Number of input channels."""
        return int(self.dataset.num_inputs)

    @property
    def n_out(self) -> int:
        """Number of classes."""
        return int(self.dataset.num_outputs)

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return a single condition, because the package does not report the conditions of trials."""
        return {"label": np.arange(self.n_out)}

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Draw one random trial per given condition (the package cannot produce particular conditions)."""
        return self.sample(key, len(next(iter(conditions.values()))))

    def sample(self, key: jax.Array | int, batch_size: int | float) -> Trial:
        """Draw random trials; jittable (the package's numpy code runs on the host)."""
        batch_size = whole(batch_size, "batch_size")
        shape = (self.n_steps, batch_size)
        result = (
            jax.ShapeDtypeStruct((*shape, self.n_in), jnp.result_type(float)),
            jax.ShapeDtypeStruct(shape, np.int32),
            jax.ShapeDtypeStruct((batch_size,), np.int32),
        )

        def draw(words: jax.Array | np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            return self._draw(np.asarray(words), batch_size)

        inputs, labels, lengths = jax.pure_callback(draw, result, jax.random.key_data(as_key(key)))
        inside = jnp.arange(self.n_steps)[:, None] < lengths[None]
        last = jnp.take_along_axis(labels, lengths[None] - 1, axis=0)[0]
        trial = jnp.stack([jnp.zeros_like(lengths), lengths], axis=1)
        return Trial(inputs, labels, inside.astype(float), {"label": last}, {"trial": trial})

    def trials(self, repeats: int | float = 10, *, key: jax.Array | int) -> Trial:
        """Draw ``repeats`` times as many random trials as there are classes, but at least 100."""
        return self.sample(key, max(100, as_repeats(repeats) * self.n_out))

    def in_steps_of(self, dt: float) -> "BrainPyDatasetsTask":
        """Reject any step other than that of the dataset, in which its trials are drawn."""
        if dt != self.dt:
            raise ValueError(
                f"{type(self.dataset).__name__} draws its trials in steps of {self.dt:g} ms, not {dt:g} ms: create "
                "a dataset with this step, and make a task from it."
            )
        return self

    def trials_of(self, repeats: int | float = 1, *, key: jax.Array | int, **conditions: Any) -> Trial:
        """Raise an error: the package draws the conditions of its trials itself."""
        raise ValueError(
            f"brainpy_datasets draws the conditions of its trials itself and cannot produce "
            f"{', '.join(conditions) or 'particular ones'}: use `trials`, and select by its conditions."
        )

    def _draw(self, words: np.ndarray, batch_size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        for offset, generator in enumerate(_generators(self.dataset)):
            generator.seed([int(w) for w in words] + [offset])
        inputs = np.zeros((self.n_steps, batch_size, self.n_in), jnp.result_type(float))
        labels = np.zeros((self.n_steps, batch_size), np.int32)
        lengths = np.zeros(batch_size, np.int32)
        for b in range(batch_size):
            x, y = self.dataset.sample_a_trial(b)[:2]
            if len(x) > self.n_steps:
                raise ValueError(f"a trial has {len(x)} steps, more than n_steps {self.n_steps}; give max_duration.")
            inputs[: len(x), b], labels[: len(x), b], lengths[b] = x, y, len(x)
        return inputs, labels, lengths

    def choice(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return the most probable class at the last step of each trial, (B,); -1 for a tie."""
        at_end = (trial.epochs["trial"][:, 1] - 1)[None, :, None]
        return forced_choice(jnp.take_along_axis(outputs, at_end, axis=0)[0])

    def behaviour(self, outputs: jax.Array, trial: Trial) -> Behaviour:
        """Return the behaviour, see `Task.behaviour`; the choice is the class at the last step."""
        choice = self.choice(outputs, trial)
        return Behaviour(score_choice(choice, trial.conditions["label"], self.n_out), choice)


def from_brainpy_datasets(dataset: Any, *, max_duration: float | None = None) -> BrainPyDatasetsTask:
    """Make a `Task` from a `brainpy_datasets` cognitive task with class labels as targets.

    Parameters
    ----------
    dataset : brainpy_datasets.cognitive.CognitiveTask
    max_duration : float, optional
        Longest trial in ms; required only if the dataset has an unbounded random duration.

    Raises
    ------
    TypeError
        If ``dataset`` is not such a task, or its targets are not one class label per step.
    ValueError
        If the longest trial is unknown, or the dataset's trials contradict its description.
    """
    wanted = ("sample_a_trial", "num_inputs", "num_outputs", "dt", "rng")
    lacking = [name for name in wanted if not hasattr(dataset, name)]
    if lacking:
        raise TypeError(
            f"expected a cognitive task of brainpy_datasets, e.g. RatePerceptualDecisionMaking(dt=20.); "
            f"got {type(dataset).__name__}, which has no {', '.join(lacking)}."
        )
    if max_duration is not None:
        n_steps = int(np.ceil(max_duration / dataset.dt))
    else:
        durations = {name: _longest(value) for name, value in vars(dataset).items() if name.startswith("t_")}
        unbounded = [name for name, value in durations.items() if not np.isfinite(value)]
        if unbounded or not durations:
            raise ValueError(
                f"the longest trial is unknown ({', '.join(unbounded) or 'no durations'}); give max_duration in ms."
            )
        n_steps = sum(int(value / dataset.dt) for value in durations.values())
    inputs, labels = (np.asarray(part) for part in dataset.sample_a_trial(0)[:2])
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise TypeError(f"only class labels per step are supported; the targets have shape {labels.shape}.")
    if inputs.shape != (len(labels), dataset.num_inputs):
        raise ValueError(
            f"{type(dataset).__name__} declares {dataset.num_inputs} inputs, but the inputs of a trial of "
            f"{len(labels)} steps have shape {inputs.shape}."
        )
    if len(inputs) > n_steps:
        raise ValueError(
            f"a trial of {type(dataset).__name__} has {len(inputs)} steps, but its durations (or max_duration) allow "
            f"{n_steps}; give the longest trial in ms as max_duration."
        )
    return BrainPyDatasetsTask(dt=float(dataset.dt), dataset=dataset, n_steps=n_steps)


def _longest(value: Any) -> float:
    if not callable(value):
        return float(value)
    return float(getattr(value, "_max", np.inf))


def _generators(dataset: Any) -> list[np.random.RandomState]:
    owners = [dataset, *(value for name, value in sorted(vars(dataset).items()) if name.startswith("t_"))]
    found = [getattr(owner, "rng", getattr(owner, "_rng", None)) for owner in owners]
    return [generator for generator in found if isinstance(generator, np.random.RandomState)]
