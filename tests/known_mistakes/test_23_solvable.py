"""Mistake 23: epochs out of order, so that no observer could solve the task from what it has seen so far."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.tasks import TASKS, PerceptualDecision, Task, Trial, make

CHANCE = {"PerceptualDecision": 0.5}
KEY = jax.random.key(0)
VARIANTS = {name: make(name) for name in TASKS} | {"PerceptualDecision, variable": PerceptualDecision.variable()}


@functools.cache
def balanced(task: Task) -> Trial:
    return task.trials(2, key=KEY)


def ideal_outputs(trial: Trial) -> jax.Array:
    """At each step the mean target of all trials whose inputs were the same so far: the best causal observer."""
    inputs, targets = np.asarray(trial.inputs), np.asarray(trial.targets, np.float64)
    if targets.ndim == 2:
        targets = np.eye(int(targets.max()) + 1)[targets.astype(int)]
    outputs = np.empty_like(targets)
    history = [0] * trial.batch_size
    for t in range(trial.n_steps):
        names: dict[tuple[int, bytes], int] = {}
        history = [names.setdefault((h, u.tobytes()), len(names)) for h, u in zip(history, inputs[t], strict=True)]
        same = np.equal.outer(history, history)
        outputs[t] = same @ targets[t] / same.sum(axis=1, keepdims=True)
    return jnp.asarray(outputs, jnp.float32)


def check(task: Task) -> None:
    """The ideal observer, which knows only the inputs until now, is always right and misses no scored target."""
    trial = balanced(task)
    outputs = ideal_outputs(trial)
    assert float(task.accuracy(outputs, trial)) == 1.0
    if trial.targets.ndim == 3:
        missed = jnp.abs(outputs - trial.targets) * trial.mask[..., None]
        assert float(missed.max()) < 1e-5


class OutOfOrder(PerceptualDecision):
    """The decision is asked for before the stimulus has come."""

    def build(self, key, conditions):
        trial = super().build(key, conditions)
        fixation, stimulus = (int(trial.epochs[name][0, 1]) for name in ("fixation", "stimulus"))
        decision = trial.n_steps - stimulus

        def reordered(values):
            return jnp.concatenate([values[:fixation], values[stimulus:], values[fixation:stimulus]])

        last = jnp.full((trial.batch_size,), trial.n_steps)
        first = jnp.full_like(last, fixation)
        epochs = trial.epochs | {
            "decision": jnp.stack([first, first + decision], axis=1),
            "stimulus": jnp.stack([first + decision, last], axis=1),
        }
        return trial._replace(
            inputs=reordered(trial.inputs), targets=reordered(trial.targets), mask=reordered(trial.mask), epochs=epochs
        )


@pytest.mark.parametrize("name", VARIANTS)
def test_ideal_observer_scores_one(name):
    check(VARIANTS[name])


@pytest.mark.parametrize("name", VARIANTS)
def test_silent_network_scores_chance(name):
    task = VARIANTS[name]
    trial = balanced(task)
    silence = jnp.zeros((trial.n_steps, trial.batch_size, task.n_out))
    assert float(task.accuracy(silence, trial)) == pytest.approx(CHANCE[name.split(",")[0]], abs=1e-6)


@pytest.mark.parametrize("name", VARIANTS)
def test_catch_trials_can_be_told_from_the_others(name):
    """In random trials, where the ideal observer also meets trials without a stimulus."""
    task = VARIANTS[name]
    trial = jax.jit(lambda key: task.sample(key, 100))(KEY)
    if task.catch_probability:
        assert trial.conditions["catch"].any()
    assert float(task.accuracy(ideal_outputs(trial), trial)) == 1.0


def test_the_wrong_version_fails():
    task = OutOfOrder()
    trial = balanced(task)
    assert float(task.accuracy(trial.targets, trial)) == 1.0  # copying the targets is no test
    with pytest.raises(AssertionError):
        check(task)
