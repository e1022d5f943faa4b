"""Mistake 23: epochs are out of order, so no observer could solve the task from the inputs so far."""

import dataclasses
from collections.abc import Callable, Iterator

import jax.numpy as jnp
import numpy as np
import pytest

from eicon.tasks import (
    TASKS,
    FlipFlop,
    HexMotion,
    NBack,
    PerceptualDecision,
    PictureNBack,
    PulseAccumulation,
    ReadySetGo,
    SequenceMemory,
    Task,
    Trial,
)
from eicon.tasks._table import make

from ..tasks import drawn
from ..tasks.drawn import compiled

pytestmark = pytest.mark.battery

CHANCE = {
    "PerceptualDecision": 0.5,
    "SequenceMemory": 1 / 3,
    "NBack": 0.5,
    "PictureNBack": 0.5,
    "CueSetGo": 1 / 6,
    "ReactionTimeDecision": 0.5,
    "ParametricMemory": 0.5,
    "ContextIntegration": 0.5,
    "MultisensoryIntegration": 0.5,
    "SequenceExecution": 1 / 8,
    "SineWave": 0.0,
    "DelayedMatchToSample": 0.5,
    "DelayedMatchToCategory": 0.5,
    "DelayedResponse": 1 / 8,
    "ReadySetGo": 1 / 5,
    "FlipFlop": 0.5,
    "PulseAccumulation": 0.5,
    "HexMotion": 1 / 8,
}
VARIANTS = {name: make(name) for name in TASKS} | {"PerceptualDecision, variable": PerceptualDecision.variable()}


def balanced(task: Task) -> Trial:
    return drawn.balanced(task, 2, 0)


def ideal_outputs(trial: Trial) -> np.ndarray:
    """Return, for each step, the mean target of all trials with the same inputs so far: the best causal observer."""
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
    return outputs.astype(np.float32)


def check(task: Task, trial: Trial) -> None:
    """Check that the ideal observer, which knows only the inputs so far, is always right about all scored targets."""
    outputs = ideal_outputs(trial)
    assert float(compiled(task).accuracy(outputs, trial)) == 1.0
    if trial.targets.ndim == 3:
        missed = np.abs(outputs - trial.targets) * trial.mask[..., None]
        assert float(missed.max()) < 1e-5


def recall(inputs: Iterator[np.ndarray]) -> Iterator[list[float]]:
    """Remember the value of each step until the cue comes, and then return them in order."""
    heard: list[float] = []
    for cue, value in inputs:
        if not cue:
            heard.append(value)
        yield [0.0]
        if cue:
            break
    for _, value in zip(inputs, heard, strict=False):
        yield [value]


def compare(inputs: Iterator[np.ndarray], n_back: int, cue_with_item: bool) -> Iterator[list[float]]:
    """Remember the item of each step until the cue comes, and then report whether the last one was there n before."""
    seen: list[bytes] = []
    for cue, *item in inputs:
        if cue_with_item or not cue:
            seen.append(np.array(item).tobytes())
        yield [0.0, 0.0, 0.0]
        if cue:
            break
    for _ in inputs:
        yield [0.0, 0.0, 1.0] if seen[-1] == seen[-1 - n_back] else [0.0, 1.0, 0.0]


def watch(inputs: Iterator[np.ndarray], places: np.ndarray) -> Iterator[np.ndarray]:
    """Return, for every column with six neighbours, the product of the change and the gradient of luminance."""
    away = places[None] - places[:, None]  # (columns, columns, 2)
    near = np.abs((away**2).sum(axis=2) - 1) < 1e-6
    gradient = np.where((near & (near.sum(axis=1) == 6)[:, None])[..., None], away / 3, 0.0)
    before = None
    for light in inputs:
        change = 0.0 if before is None else before - light
        slope = np.einsum("abx,b->ax", gradient, light if before is None else (before + light) / 2)
        yield (np.reshape(change, (-1, 1)) * slope).ravel()
        before = light


OBSERVERS = {
    "HexMotion": (HexMotion(), lambda u: watch(u, HexMotion().positions)),
    "SequenceMemory": (SequenceMemory(pattern_length=5), recall),
    "NBack": (NBack(n_back=3, trial_length=6), lambda u: compare(u, 3, cue_with_item=True)),
    "PictureNBack": (PictureNBack(n_back=3, trial_length=6), lambda u: compare(u, 3, cue_with_item=False)),
}
"""Tasks whose trials all differ from the first step on, each with an observer that only remembers or watches."""


def last_signs(inputs: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Report the sign of the last pulse on each input, from its first step on."""
    bits = np.zeros(3)
    for pulses in inputs:
        bits = np.where(pulses == 0, bits, np.sign(pulses))
        yield bits


def count(inputs: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Add up the pulses of either side, and report the side with more when the fixation input is off."""
    heard = np.zeros(2)
    for fixation, *pulses in inputs:
        heard += np.array(pulses) > 0.5
        yield np.zeros(2) if fixation > 0.5 else (heard == heard.max()).astype(float)


def reproduce(inputs: Iterator[np.ndarray]) -> Iterator[list[float]]:
    """Count the steps from ready to set, and then let as many pass."""
    waited = passed = 0
    for _, ready, set_ in inputs:
        passed += bool(passed or set_)
        waited += bool((waited or ready) and not passed)
        yield [passed / waited if passed else 0.0]


STREAMS = {
    "FlipFlop": (FlipFlop(), last_signs),
    "PulseAccumulation": (PulseAccumulation(), count),
    "ReadySetGo": (ReadySetGo(), reproduce),
}
"""Tasks whose inputs are pulses at random times, each with an observer that only follows the instructions."""


def some(task: Task) -> Trial:
    return drawn.sample(task, 40, 0)


def check_by_memory(
    task: Task, observer: Callable[[Iterator[np.ndarray]], Iterator[list[float]]], trial: Trial
) -> None:
    """Check that an observer that must answer each step before it sees the next one is always right."""
    outputs = np.zeros((trial.n_steps, 40, task.n_out), np.float32)
    for b in range(40):
        for t, answer in enumerate(observer(iter(trial.inputs[:, b]))):
            outputs[t, b] = answer
    assert float(compiled(task).accuracy(outputs, trial)) == 1.0


@pytest.mark.parametrize("name", STREAMS)
def test_observer_that_follows_the_pulses_scores_one(name):
    task, observer = STREAMS[name]
    check_by_memory(task, observer, some(task))


@pytest.mark.parametrize("name", STREAMS)
def test_answers_that_are_asked_for_before_the_pulses_have_come_fail(name):
    task, observer = STREAMS[name]
    too_early = some(task)._replace(inputs=np.roll(some(task).inputs, 16, axis=0))
    with pytest.raises(AssertionError):
        check_by_memory(task, observer, too_early)


def out_of_order(trial: Trial) -> Trial:
    """Move the decision before the stimulus."""
    fixation, stimulus = (int(trial.epochs[name][0, 1]) for name in ("fixation", "stimulus"))
    decision = trial.n_steps - stimulus

    def reordered(values):
        return np.concatenate([values[:fixation], values[stimulus:], values[fixation:stimulus]])

    last = np.full(trial.batch_size, trial.n_steps, np.int32)
    first = np.full_like(last, fixation)
    epochs = trial.epochs | {
        "decision": np.stack([first, first + decision], axis=1),
        "stimulus": np.stack([first + decision, last], axis=1),
    }
    return trial._replace(
        inputs=reordered(trial.inputs), targets=reordered(trial.targets), mask=reordered(trial.mask), epochs=epochs
    )


@pytest.mark.parametrize("name", VARIANTS)
def test_ideal_observer_scores_one(name):
    check(VARIANTS[name], balanced(VARIANTS[name]))


@pytest.mark.parametrize("name", VARIANTS)
def test_silent_network_scores_chance(name):
    task = VARIANTS[name]
    trial = balanced(task)
    silence = np.zeros((trial.n_steps, trial.batch_size, task.n_out), np.float32)
    assert float(compiled(task).accuracy(silence, trial)) == pytest.approx(CHANCE[name.split(",")[0]], abs=1e-6)


@pytest.mark.parametrize("name", VARIANTS)
def test_catch_trials_can_be_told_from_the_others(name):
    """Test random trials, in which the ideal observer also meets trials without a stimulus."""
    task = VARIANTS[name]
    trial = drawn.sample(task, 100, 0)
    if task.catch_probability:
        assert trial.conditions["catch"].any()
    assert float(compiled(task).accuracy(ideal_outputs(trial), trial)) == 1.0


def test_every_task_of_memory_has_an_observer():
    """Check that trials of one condition start alike, except in tasks with an observer of their own."""
    beginnings = {name: np.unique(balanced(VARIANTS[name]).inputs[0], axis=0) for name in TASKS}
    unlike = {name for name, first in beginnings.items() if len(first) > make(name).n_conditions}
    assert unlike == set(OBSERVERS)


@pytest.mark.parametrize("name", OBSERVERS)
def test_observer_that_remembers_scores_one(name):
    task, observer = OBSERVERS[name]
    check_by_memory(task, observer, some(task))


def test_motion_that_is_shown_backwards_is_taken_for_its_opposite():
    task, observer = OBSERVERS["HexMotion"]
    trial = some(task)
    with pytest.raises(AssertionError):
        check_by_memory(task, observer, trial._replace(inputs=trial.inputs[::-1]))


@pytest.mark.parametrize("name", [name for name in OBSERVERS if name != "HexMotion"])
@pytest.mark.parametrize("by", [-1, 1])
def test_a_response_that_is_asked_for_at_the_wrong_time_fails(name, by):
    task, observer = OBSERVERS[name]

    class AtTheWrongTime(type(task)):
        def recalled(self, values):
            return super().recalled(jnp.roll(values, -by, axis=0))

    wrong = AtTheWrongTime(**dataclasses.asdict(task))
    trial = some(task)
    rolled = {name: np.roll(getattr(trial, name), by, axis=0) for name in ("targets", "mask")}
    epochs = trial.epochs | {"response": trial.epochs["response"] + np.int32(by)}
    with pytest.raises(AssertionError):
        check_by_memory(wrong, observer, trial._replace(**rolled, epochs=epochs))


def test_the_wrong_version_fails():
    task = VARIANTS["PerceptualDecision"]
    trial = out_of_order(balanced(task))
    assert float(compiled(task).accuracy(trial.targets, trial)) == 1.0  # copying the targets is not a test
    with pytest.raises(AssertionError):
        check(task, trial)
