"""Mistake 24: no go cue after a delay of random length, so the time of the answer cannot be known."""

import numpy as np
import pytest

from eicon.tasks import CueSetGo, DelayedResponse, PerceptualDecision, ReadySetGo, Task, Trial, from_neurogym

from ..tasks import drawn
from ..tasks.drawn import compiled
from ..tasks.standin import Decision

OURS = {
    "PerceptualDecision": PerceptualDecision.variable(),
    "DelayedResponse": DelayedResponse(),
    "CueSetGo": CueSetGo(),
    "ReadySetGo": ReadySetGo(),
    "neurogym with a go cue": from_neurogym(Decision(sigma=0.0)),
}


def ideal_outputs(trial: Trial) -> np.ndarray:
    """Return, for each step, the mean target of all trials with the same inputs so far."""
    inputs, targets = np.asarray(trial.inputs), np.asarray(trial.targets, np.float64)
    if targets.ndim == 2:
        targets = np.eye(int(targets.max()) + 1)[targets.astype(int)]
    outputs, inside = np.empty_like(targets), np.asarray(trial.inside)
    for t in range(trial.n_steps):
        heard = np.moveaxis(inputs[: t + 1], 1, 0).reshape(trial.batch_size, -1)
        same = (heard[:, None] == heard[None]).all(axis=2) & inside[t][None]
        outputs[t] = same @ targets[t] / np.maximum(same.sum(axis=1, keepdims=True), 1)
    return outputs.astype(np.float32)


def check(task: Task) -> None:
    """Check that the ideal observer, which knows only the inputs so far, misses no scored target."""
    trial = drawn.sample(task, 60, 0)
    outputs = ideal_outputs(trial)
    targets = np.eye(task.n_out)[trial.targets] if trial.targets.ndim == 2 else trial.targets
    assert float((np.abs(outputs - targets) * trial.mask[:, :, None]).max()) < 1e-5
    assert float(compiled(task).accuracy(outputs, trial)) == 1.0


@pytest.mark.parametrize("name", OURS)
def test_ours(name):
    check(OURS[name])


@pytest.fixture(scope="module")
def without_a_cue():
    """Trials of neurogym's ContextDecisionMaking, converted as they are."""
    return from_neurogym(Decision(cue=False, sigma=0.0), allow_unknown_timing=True)


def test_the_wrong_version_fails(without_a_cue):
    with pytest.raises(AssertionError):
        check(without_a_cue)


def test_the_observer_knows_what_to_answer_there_and_not_when(without_a_cue):
    trial = drawn.sample(without_a_cue, 60, 0)
    outputs = ideal_outputs(trial)
    onset = np.asarray(trial.epochs["decision"])[:, 0]
    certainty = outputs[onset, np.arange(60)].max(axis=1)
    assert np.mean(certainty < 0.9) > 0.5
    label = np.asarray(trial.conditions["label"])
    assert (outputs[onset, np.arange(60), 3 - label] == 0).all()  # never the wrong side


def test_it_is_refused_in_words():
    text = "no observation indicates when to answer: .* so the timing cannot be learned. Give delay a fixed"
    with pytest.raises(ValueError, match=text):
        from_neurogym(Decision(cue=False))
