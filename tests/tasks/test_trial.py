"""Steps of epochs and means over them, against loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.tasks import Trial, consecutive

T, B = 9, 4
EPOCHS = {
    "wait": np.array([[0, 2], [0, 1], [0, 3], [0, 0]]),
    "go": np.array([[2, 9], [1, 5], [3, 4], [0, 8]]),
}


@pytest.fixture
def trial():
    epochs = {name: jnp.asarray(span) for name, span in EPOCHS.items()}
    return Trial(jnp.zeros((T, B, 3)), jnp.zeros((T, B, 2)), jnp.ones((T, B)), {}, epochs)


def test_sizes(trial):
    assert (trial.n_steps, trial.batch_size) == (T, B)


@pytest.mark.parametrize("name", EPOCHS)
def test_during(trial, name):
    wanted = [[EPOCHS[name][b, 0] <= t < EPOCHS[name][b, 1] for b in range(B)] for t in range(T)]
    np.testing.assert_array_equal(trial.during(name), wanted)


def test_inside_ends_with_the_last_epoch(trial):
    wanted = [[t < max(EPOCHS["wait"][b, 1], EPOCHS["go"][b, 1]) for b in range(B)] for t in range(T)]
    np.testing.assert_array_equal(trial.inside, wanted)


@pytest.mark.parametrize("name", EPOCHS)
def test_mean_over(trial, name):
    values = np.random.default_rng(0).normal(size=(T, B, 2)).astype(np.float32)
    wanted = np.zeros((B, 2))  # an empty epoch has mean 0
    for b, (start, stop) in enumerate(EPOCHS[name]):
        if stop > start:
            wanted[b] = values[start:stop, b].mean(axis=0)
    np.testing.assert_allclose(trial.mean_over(name, jnp.asarray(values)), wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", EPOCHS)
def test_mean_over_an_epoch_selects(trial, name):
    """What is outside of it may be NaN, and has no gradient."""
    values = jnp.asarray(np.random.default_rng(0).normal(size=(T, B, 2)).astype(np.float32))
    garbage = jnp.where(trial.during(name)[:, :, None], values, jnp.nan)
    np.testing.assert_array_equal(trial.mean_over(name, garbage), trial.mean_over(name, values))
    gradient = jax.grad(lambda z: jnp.sum(trial.mean_over(name, z) ** 2))(garbage)
    np.testing.assert_array_equal(np.asarray(gradient).any(axis=2), trial.during(name))


def test_unknown_epoch(trial):
    with pytest.raises(ValueError, match="these trials have no epoch 'delay'; they have wait, go"):
        trial.during("delay")
    with pytest.raises(ValueError, match="no epoch 'delay'"):
        trial.mean_over("delay", trial.targets)


def test_epochs_follow_each_other():
    fixed = consecutive({"cue": 2, "delay": 3}, batch_size=2)
    assert {name: span.tolist() for name, span in fixed.items()} == {"cue": [[0, 2]] * 2, "delay": [[2, 5]] * 2}
    mixed = consecutive({"cue": 2, "delay": jnp.array([1, 4]), "go": 3})
    assert {name: span.tolist() for name, span in mixed.items()} == {
        "cue": [[0, 2], [0, 2]],
        "delay": [[2, 3], [2, 6]],
        "go": [[3, 6], [6, 9]],
    }
    with pytest.raises(ValueError, match="epochs of equal length in all trials need batch_size"):
        consecutive({"cue": 2})
