"""Mistake 25: trials are cut by a fixed window, without a mask and without their conditions."""

from collections.abc import Callable

import jax
import numpy as np
import pytest

from eicon.tasks import Trial, from_neurogym

from ..tasks.standin import Decision

N = 40


def ours(batch_size: int) -> Trial:
    return jax.tree.map(np.asarray, from_neurogym(Decision()).sample(jax.random.key(0), batch_size))


def windows(batch_size: int, steps: int = 34) -> Trial:
    """Concatenate trials and cut windows from them, as neurogym's Dataset does."""
    env = Decision()
    env.seed(0)
    inputs, targets = [], []
    while sum(map(len, inputs)) < steps * batch_size:
        env.new_trial()
        inputs.append(env.ob)
        targets.append(env.gt)
    row, asked = np.concatenate(inputs)[: steps * batch_size], np.concatenate(targets)[: steps * batch_size]
    inside = np.tile([[0, steps]], (batch_size, 1))
    return Trial(
        inputs=row.reshape(batch_size, steps, -1).swapaxes(0, 1),
        targets=asked.reshape(batch_size, steps).T,
        mask=np.ones((steps, batch_size), np.float32),
        conditions={},
        epochs={"trial": inside},
    )


def unmasked(batch_size: int) -> Trial:
    trial = ours(batch_size)
    return trial._replace(mask=np.ones_like(trial.mask))


def cut(batch_size: int) -> Trial:
    trial = ours(batch_size)
    return trial._replace(inputs=trial.inputs[:25], targets=trial.targets[:25], mask=trial.mask[:25])


def without_information(batch_size: int) -> Trial:
    return ours(batch_size)._replace(conditions={})


def check(make: Callable[[int], Trial]) -> None:
    """Check that each trial starts with fixation, is scored to the end of a whole decision, and has its conditions."""
    trial = make(N)
    for b in range(N):
        length = int(trial.mask[:, b].sum())
        assert trial.mask[:length, b].all()
        assert trial.inputs[:5, b, 0].all()  # 100 ms of fixation
        answers = np.flatnonzero(trial.targets[:, b])
        assert answers.tolist() == list(range(length - 5, length))  # 100 ms of decision, at the end
        assert trial.targets[length - 1, b] == trial.conditions["ground_truth"][b]
        assert length == trial.epochs["decision"][b, 1]
    assert len({int(end) for end in trial.epochs["decision"][:, 1]}) > 5


def test_ours():
    check(ours)


@pytest.mark.parametrize("wrong", [windows, unmasked, cut, without_information], ids=lambda f: f.__name__)
def test_the_wrong_versions_fail(wrong):
    with pytest.raises((AssertionError, KeyError)):
        check(wrong)
