"""Mistake 22: resumed training loses the optimizer's state, its key or its step."""

import brainpy as bp
import jax
import numpy as np
import pytest

from eicon.models import RateRNN
from eicon.training import Trainer
from eicon.training.results import History


def trainer(task, seed=1):
    """Make a trainer with a schedule, noise and Adam: everything that a resumed training could lose."""
    net = RateRNN.dale(2, 10, 2, sigma_rec=0.1, seed=seed)
    return Trainer(net, task, learning_rate=bp.optim.ExponentialDecayLR(0.01, 30, 0.5), batch_size=4, seed=3)


def state(training: Trainer) -> dict[str, bytes]:
    values = {name: np.asarray(value).tobytes() for name, value in training.net.parameters().items()}
    history = training.history
    return values | {f"last 50 of {n}": history[n][-50:].tobytes() for n in ("loss", "accuracy", "grad_norm")}


def check(resumed: Trainer, uninterrupted: dict[str, bytes]) -> None:
    """Compare the weights after 100 steps without a break, and the history of the last 50, bit for bit."""
    found = state(resumed)
    assert {name for name in found if found[name] != uninterrupted[name]} == set()


@pytest.fixture(scope="module")
def uninterrupted(task) -> dict[str, bytes]:
    whole = trainer(task)
    whole.fit(100, progress=False)
    return state(whole)


@pytest.fixture(scope="module")
def checkpoint(task, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "checkpoint.npz"
    trainer(task).fit(50, checkpoint=path, progress=False)
    return path


@pytest.fixture(scope="module")
def fresh(task) -> Trainer:
    """Return a trainer with different initial weights, as in a new process; the checkpoint must replace them."""
    return trainer(task, seed=7)


def test_ours(fresh, checkpoint, uninterrupted):
    fresh.resume(checkpoint)
    assert fresh.step == 50
    fresh.fit(50, progress=False)
    assert fresh.step == 100
    check(fresh, uninterrupted)
    weights = np.asarray(fresh.net.raw_rec.value)
    fresh.resume(checkpoint)
    assert not np.array_equal(weights, fresh.net.raw_rec.value)


def test_resuming_without_the_state_of_the_optimizer_fails(task, fresh, checkpoint, uninterrupted):
    start = trainer(task)._state
    fresh.resume(checkpoint)
    assert len(jax.tree.leaves(start)) > 3
    fresh._state = start
    fresh.fit(50, progress=False)
    with pytest.raises(AssertionError):
        check(fresh, uninterrupted)


def test_resuming_without_the_step_fails(fresh, checkpoint, uninterrupted):
    fresh.resume(checkpoint)
    fresh._history = History()
    fresh.fit(50, progress=False)
    with pytest.raises(AssertionError):
        check(fresh, uninterrupted)


def test_a_second_fit_that_starts_from_scratch_fails(task, fresh, checkpoint, uninterrupted):
    fresh.resume(checkpoint)
    for name, variable in RateRNN.dale(2, 10, 2, seed=1).variables().items():
        fresh.net.variables()[name].value = variable.value
    fresh.fit(50, progress=False)
    with pytest.raises(AssertionError):
        check(fresh, uninterrupted)
