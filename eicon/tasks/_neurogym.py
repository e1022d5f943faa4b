"""Trial-based tasks of the `neurogym` package, unchanged."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from .._key import as_key
from .._numbers import whole
from ._base import Behaviour, Task, Trial, as_repeats, forced_choice, score_choice
from ._neurogym_env import (
    Condition,
    WholeTrial,
    channel_names,
    conditions_of,
    longest_trial,
    one_trial,
    outermost,
    reseed,
    unknown_timing,
)

N_SEEN = 60
"""Number of trials examined when a task is made."""
TOLERATED = 0.05
"""Largest fraction of trials whose timing may be unknown."""


@dataclass(frozen=True)
class NeurogymTask(Task):
    """A `neurogym` task with complete, masked trials determined by a key; made by `from_neurogym`.

    The package draws trials in numpy with its own generators; here every batch reseeds them from its key, and
    the same key gives the same trials. Trials are padded to the greatest possible length. The environment belongs to
    the task: do not step it elsewhere at the same time.

    Parameters
    ----------
    env : neurogym.TrialEnv
    n_steps : int
        Number of steps of the longest trial.
    periods : tuple of str
        Epochs of the trials, other than ``trial`` itself.
    described : tuple of Condition
        Conditions that are read from the information on a trial.
    left_out : tuple of str
        Information that is neither a number nor a text, and does not become a condition.
    decision : str
        Period whose answer is scored.
    steady : bool
        Whether one answer is right throughout that period.
    scored : tuple of str
        Periods included in the mask; empty for whole trials.
    one_hot : bool
        Whether targets are one-hot outputs for the mean squared error instead of labels for the cross-entropy.
    """

    sorts: ClassVar[tuple[str, ...]] = ("label",)

    env: Any = None
    n_steps: int = 0
    periods: tuple[str, ...] = ()
    described: tuple[Condition, ...] = ()
    left_out: tuple[str, ...] = ()
    decision: str = ""
    steady: bool = True
    scored: tuple[str, ...] = ()
    one_hot: bool = False

    @property
    def loss(self) -> str:  # type: ignore[override]
        """``"cross_entropy"`` of labels, or ``"mse"`` of one-hot targets."""
        return "mse" if self.one_hot else "cross_entropy"

    @property
    def input_channels(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of the observations."""
        space = self.env.unwrapped.observation_space
        return channel_names(space, int(space.shape[0]), "input")

    @property
    def output_channels(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of the actions."""
        space = self.env.unwrapped.action_space
        return channel_names(space, int(space.n), "action")

    @property
    def aligned_to(self) -> str:  # type: ignore[override]
        """The period of the decision."""
        return self.decision

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return the right answers as conditions, because the package does not list its conditions."""
        return {"label": np.arange(self.n_out)}

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Draw one random trial per given condition (the package cannot produce particular conditions)."""
        return self.sample(key, len(next(iter(conditions.values()))))

    def trials(self, repeats: int | float = 10, *, key: jax.Array | int) -> Trial:
        """Draw ``repeats`` times as many random trials as there are actions, but at least about 100."""
        return self.sample(key, max(as_repeats(repeats), -(-100 // self.n_out)) * self.n_out)

    def sample(self, key: jax.Array | int, batch_size: int | float) -> Trial:
        """Draw random trials; jittable (the package's numpy code runs on the host)."""
        batch_size = whole(batch_size, "batch_size")
        # Built by numpy on the host throughout: each operation on the device would be compiled separately.
        result = self._struct(batch_size)

        def draw(words: jax.Array | np.ndarray) -> Trial:
            reseed(self.env, [int(word) for word in np.asarray(words)])
            drawn = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), result)
            for b in range(batch_size):
                self._put(drawn, b, one_trial(self.env))
            return drawn

        return jax.pure_callback(draw, result, jax.random.key_data(as_key(key)))

    def in_steps_of(self, dt: float) -> "NeurogymTask":
        """Return a task of the same environment, created again with a different step, in ms.

        Raises
        ------
        ValueError
            If the environment was not made by name, and cannot be created again.
        """
        if dt == self.dt:
            return self
        spec = getattr(self.env, "spec", None)
        if spec is None:
            raise ValueError(
                f"{type(self.env.unwrapped).__name__} draws its trials in steps of {self.dt:g} ms, and cannot be "
                f"created again in steps of {dt:g} ms because it was not made by name; pass the name to from_neurogym."
            )
        env = _made(spec.id, {**spec.kwargs, "dt": dt})
        settings: dict[str, Any] = {"decision": self.decision, "scored": self.scored, "one_hot": self.one_hot}
        return from_neurogym(env, **settings, max_duration=self.n_steps * self.dt, allow_unknown_timing=True)

    def trials_of(self, repeats: int | float = 1, *, key: jax.Array | int, **conditions: Any) -> Trial:
        """Raise an error: the package draws the conditions of its trials itself."""
        raise ValueError(
            f"neurogym draws the conditions of its trials itself and cannot produce "
            f"{', '.join(conditions) or 'particular ones'}: use `trials`, and select by its conditions."
        )

    def _struct(self, batch_size: int) -> Any:
        """Return the shapes and types of a batch."""
        struct: Any = jax.ShapeDtypeStruct
        shape, precision = (self.n_steps, batch_size), jnp.result_type(float)
        described = {condition.name: condition.dtype for condition in self.described} | {"label": "int32"}
        return Trial(
            inputs=struct((*shape, self.n_in), precision),
            targets=struct((*shape, self.n_out), precision) if self.one_hot else struct(shape, np.int32),
            mask=struct(shape, precision),
            conditions={name: struct((batch_size,), dtype) for name, dtype in described.items()},
            epochs={name: struct((batch_size, 2), np.int32) for name in (*self.periods, "trial")},
        )

    def _put(self, drawn: Trial, b: int, whole: WholeTrial) -> None:
        """Write a trial into a batch of zeros."""
        length = len(whole.labels)
        if length > self.n_steps:
            raise ValueError(
                f"a trial has {length} steps, but the longest expected has {self.n_steps}, and trials are never "
                f"truncated; pass max_duration (ms), at least {length * self.dt:g}."
            )
        inputs, targets, mask = (np.asarray(drawn[i]) for i in range(3))
        inputs[:length, b] = whole.observations
        targets[:length, b] = np.eye(self.n_out)[whole.labels] if self.one_hot else whole.labels
        spans = whole.spans | {"trial": (0, length)}
        for name, span in drawn.epochs.items():
            np.asarray(span)[b] = spans.get(name, (0, 0))
        for name in self.scored or ("trial",):
            mask[slice(*spans.get(name, (0, 0))), b] = 1
        for condition in self.described:
            np.asarray(drawn.conditions[condition.name])[b] = condition.number(whole.info)
        last = max(spans.get(self.decision, (0, 0))[1] - 1, 0)
        np.asarray(drawn.conditions["label"])[b] = whole.labels[last]

    def choice(self, outputs: jax.Array, trial: Trial) -> jax.Array:
        """Return the action with the largest mean output in the period of the decision, (B,); -1 for a tie."""
        return forced_choice(trial.mean_over(self.decision, outputs))

    def behaviour(self, outputs: jax.Array, trial: Trial) -> Behaviour:
        """Return the behaviour, see `Task.behaviour`.

        If the right answer changes within the period of the decision (as for a response in the middle), the score is
        the fraction of steps with the right answer, averaged over the answers that are right at some time.
        """
        choice = self.choice(outputs, trial)
        if self.steady:
            return Behaviour(score_choice(choice, trial.conditions["label"], self.n_out), choice)
        labels = jnp.argmax(trial.targets, axis=2) if self.one_hot else trial.targets
        steps = outputs.reshape(-1, self.n_out)
        right = score_choice(forced_choice(steps), labels.reshape(-1), self.n_out).reshape(labels.shape)
        asked = (labels[:, :, None] == jnp.arange(self.n_out)[None, None]) & trial.during(self.decision)[:, :, None]
        count = asked.sum(axis=0)
        fraction = jnp.where(asked, right[:, :, None], 0.0).sum(axis=0) / jnp.maximum(count, 1)
        return Behaviour(fraction.sum(axis=1) / jnp.maximum((count > 0).sum(axis=1), 1), choice)


def from_neurogym(
    env: Any,
    *,
    env_kwargs: Mapping[str, Any] | None = None,
    decision: str | None = None,
    scored: tuple[str, ...] = (),
    one_hot: bool = False,
    max_duration: float | None = None,
    allow_unknown_timing: bool = False,
) -> NeurogymTask:
    """Make a `Task` from a trial-based `neurogym` environment with a ground truth for each step.

    Observation and ground truth of a step stay together. Epochs are the environment's periods, and its information
    on a trial becomes conditions: numbers unchanged, texts as indices, tuples as ``name[0]``, ``name[1]``.

    Parameters
    ----------
    env : neurogym.TrialEnv or str
        Environment or its name, such as ``"PerceptualDecisionMaking-v0"``.
    env_kwargs : mapping, optional
        Settings of an environment given by name, e.g. ``{"dt": 20}``.
    decision : str, optional
        Period whose answer is scored; by default ``decision``, or else the one in which the ground truth most often
        differs from that of the first step.
    scored : tuple of str
        Periods whose steps are scored in training; by default all steps of a trial. Padding is never scored.
    one_hot : bool
        Whether targets are one-hot outputs (mean squared error) instead of labels (cross-entropy).
    max_duration : float, optional
        Longest trial in ms; required only if a random duration has no known bound.
    allow_unknown_timing : bool
        Whether to accept tasks in which nothing indicates when to answer.

    Returns
    -------
    NeurogymTask

    Raises
    ------
    TypeError
        If it is not such an environment, its actions are not numbered, or a wrapper changes the results of ``step``.
    ValueError
        If it has no ground truth, its trials depend on earlier ones, periods do not exist, the longest trial is
        unknown, or nothing indicates when to answer.
    ImportError
        If an environment is given by name, and neurogym is not installed.

    Examples
    --------
    A network for the task takes its sizes and step: ``RateRNN.dale(task.n_in, 50, task.n_out, dt=task.dt)``.
    """
    if isinstance(env, str):
        env = _made(env, dict(env_kwargs or {}))
    elif env_kwargs:
        raise ValueError("env_kwargs apply only to an environment given by name; this one already exists.")
    maker = outermost(env)
    space = maker.unwrapped.action_space
    if not hasattr(space, "n") or len(np.shape(maker.unwrapped.observation_space.sample())) != 1:
        raise TypeError(
            f"only numbered actions (Discrete) and one-dimensional observations of numbers are supported; "
            f"{type(maker.unwrapped).__name__} has {type(space).__name__} actions and observations of shape "
            f"{np.shape(maker.unwrapped.observation_space.sample())}."
        )
    trials = _seen(maker)
    periods = tuple(dict.fromkeys(name for trial in trials for name in trial.spans if name != "trial"))
    decision = _decision(trials, periods) if decision is None else decision
    for name in (decision, *scored):
        if name not in (*periods, "trial"):
            raise ValueError(f"{type(maker.unwrapped).__name__} has no period {name!r}; it has {', '.join(periods)}.")
    described, left_out = conditions_of(trials)
    dt = float(maker.unwrapped.dt)
    n_steps = longest_trial(maker, trials) if max_duration is None else int(np.ceil(max_duration / dt))
    if not allow_unknown_timing:
        _refuse_unknown_timing(maker)
    return NeurogymTask(
        dt=dt,
        env=maker,
        n_steps=n_steps,
        periods=periods,
        described=tuple(condition for condition in described if condition.name != "label"),
        left_out=tuple(left_out),
        decision=decision,
        steady=all(len(set(t.labels[slice(*t.spans.get(decision, (0, 0)))].tolist())) <= 1 for t in trials),
        scored=tuple(scored),
        one_hot=one_hot,
    )


def _made(name: str, options: dict[str, Any]) -> Any:
    try:
        neurogym = importlib.import_module("neurogym")
    except ImportError as error:
        raise ImportError(
            f"the environment {name!r} needs neurogym, which is not installed or does not import ({error}): "
            'pip install -e ".[neurogym]" in the clone of eicon, preferably in a separate environment, because '
            "neurogym pins old versions."
        ) from error
    return neurogym.make(name, **options)


def _seen(maker: Any) -> list[WholeTrial]:
    """Draw a few trials, and check that the same seed gives the same trials twice."""
    drawn = []
    for _ in range(2):
        reseed(maker, [0, 0])
        drawn.append([one_trial(maker) for _ in range(N_SEEN)])
    for first, second in zip(*drawn, strict=True):
        same = first.spans == second.spans and np.array_equal(first.labels, second.labels)
        if not (same and np.array_equal(first.observations, second.observations)):
            raise ValueError(
                f"{type(maker.unwrapped).__name__} gives different trials from the same seed: they depend on earlier "
                "trials (blocks, a schedule), or on a generator that `seed` does not reach."
            )
    return drawn[0]


def _decision(trials: list[WholeTrial], periods: tuple[str, ...]) -> str:
    if "decision" in periods:
        return "decision"

    def departing(name: str) -> float:
        steps = [t.labels[slice(*t.spans.get(name, (0, 0)))] != t.labels[0] for t in trials]
        return float(np.concatenate(steps).mean()) if sum(map(len, steps)) else 0.0

    return max(periods, key=departing) if periods else "trial"


def _refuse_unknown_timing(maker: Any) -> None:
    reseed(maker, [0, 1])
    unknown = unknown_timing(maker)
    if unknown > TOLERATED:
        timing = maker.unwrapped.timing
        random = [name for name, value in timing.items() if not isinstance(value, int | float)]
        raise ValueError(
            f"in {unknown:.0%} of the trials of {type(maker.unwrapped).__name__} no observation indicates when "
            "to answer: trials with the same observations up to then ask at different times, so the timing cannot be "
            f"learned. Give {', '.join(random) or 'the periods before'} a fixed duration (timing={{...}}), use a task "
            "with a go cue, or pass allow_unknown_timing=True to accept it."
        )
