"""Mistake 26: observation and target are off by one step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import RateRNN
from eicon.tasks import TASKS, PerceptualDecision, Trial
from eicon.tasks._table import make

from ..tasks import drawn

# In steps of 5 ms, so items of 20 ms have inner steps, at which nothing may change.
VARIANTS = {name: make(name, dt=5.0) for name in TASKS}
VARIANTS["PerceptualDecision, variable"] = PerceptualDecision.variable()
ITEM_BY_ITEM = {
    "SequenceMemory": {"sequence": 4, "response": 4},
    "NBack": {"sequence": 4},
    "PictureNBack": {"sequence": 4},
}
"""Epochs that consist of items, with the steps of an item."""
PART_BY_PART = {
    "CueSetGo": {"inputs": {"production": 12}, "targets": {"production": 1, "after": 1}},
    "SineWave": {"targets": {"wave": 1}},
    "ReadySetGo": {
        "inputs": {"estimation": 12, "production": 12},
        "targets": {"production": 1, "after": 1},
    },
    "FlipFlop": {"inputs": {"bits": 20}, "targets": {"bits": 40}, "mask": {"bits": 20}},
    "PulseAccumulation": {"inputs": {"stimulus": 4}},
    "HexMotion": {"inputs": {"motion": 1}, "targets": {"motion": 1}},
}
"""The same for inputs (e.g. the set pulse of 12 steps) and targets (a ramp, a wave) that change separately."""


def balanced(variant: str) -> Trial:
    return drawn.balanced(VARIANTS[variant], 2, 0)


def check(variant: str, trial: Trial) -> None:
    """Check that inputs, targets and mask of a trial change only where an epoch or item starts or ends."""
    bounds = np.concatenate(list(trial.epochs.values()), axis=1).tolist()
    for name, steps in ITEM_BY_ITEM.get(variant, {}).items():
        for b, (start, stop) in enumerate(trial.epochs[name]):
            bounds[b] += range(start, stop, steps)
    for name in ("inputs", "targets", "mask"):
        values = getattr(trial, name).reshape(trial.n_steps, trial.batch_size, -1)
        changed = (values[1:] != values[:-1]).any(axis=2)
        assert changed.any(), name
        parts = PART_BY_PART.get(variant, {}).get(name, {})
        for b in range(trial.batch_size):
            onsets = set(np.flatnonzero(changed[:, b]) + 1)
            within = {t for epoch, n in parts.items() for t in range(*map(int, trial.epochs[epoch][b]), n)}
            assert onsets <= within | set(bounds[b]), (name, b)


@pytest.mark.parametrize("name", VARIANTS)
def test_changes_are_where_epochs_begin(name):
    check(name, balanced(name))


def test_stimulus_and_choice_begin_with_their_epochs():
    task, trial = VARIANTS["PerceptualDecision, variable"], balanced("PerceptualDecision, variable")
    assert len(np.unique(trial.epochs["decision"][:, 0])) > 3
    for b in range(trial.batch_size):
        heard = np.flatnonzero((trial.inputs[:, b] != np.float32(task.baseline)).any(axis=1))
        asked = np.flatnonzero((trial.targets[:, b] == np.float32(task.high)).any(axis=1))
        assert [heard[0], heard[-1] + 1] == trial.epochs["stimulus"][b].tolist()
        assert [asked[0], asked[-1] + 1] == trial.epochs["decision"][b].tolist()


@pytest.mark.parametrize("name", ITEM_BY_ITEM)
def test_targets_and_mask_of_memory_begin_with_the_response(name):
    trial = jax.tree.map(jnp.asarray, drawn.sample(VARIANTS[name], 20, 0))
    response = np.asarray(trial.during("response"))
    assert not np.asarray(trial.inputs)[response].any()
    np.testing.assert_array_equal(trial.mask, response)
    targets = trial.targets.reshape(trial.n_steps, 20, -1)
    np.testing.assert_array_equal((targets != 0).any(axis=2), response)
    np.testing.assert_array_equal(trial.inputs[:, :, 0], trial.during("cue"))


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("shifted", ["inputs", "targets", "mask"])
@pytest.mark.parametrize("by", [-1, 1])
def test_the_wrong_versions_fail(name, shifted, by):
    trial = balanced(name)
    off_by_one = trial._replace(**{shifted: np.roll(getattr(trial, shifted), by, axis=0)})
    with pytest.raises(AssertionError):
        check(name, off_by_one)


def check_network(run) -> None:
    """Check that the output of a step depends on the input of that step, and not on the next one."""
    silence = np.full((6, 1, 2), 0.5, np.float32)
    pulse = silence.copy()
    pulse[3] += 1
    changed = (np.asarray(run(pulse)) != np.asarray(run(silence))).any(axis=(1, 2))
    assert changed.tolist() == [False] * 3 + [True] * 3


def test_network_answers_in_the_step_of_its_input():
    net = RateRNN.dale(2, 10, 2)

    def by_update(inputs):
        net.reset_state(1)
        return np.stack([net.update(u) for u in inputs])

    check_network(lambda inputs: net.predict(inputs).outputs)
    check_network(by_update)


def test_network_that_is_read_out_before_its_step_fails():
    net = RateRNN.dale(2, 10, 2)

    def late(inputs):
        outputs = np.asarray(net.predict(inputs).outputs)
        return np.concatenate([outputs[:1], outputs[:-1]])

    with pytest.raises(AssertionError):
        check_network(late)
