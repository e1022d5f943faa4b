"""Mistake 21: the loss is averaged over steps that are masked out, so its scale depends on the padding.

A related mistake: the loss is multiplied by the mask, so NaN in an unscored step makes the loss, or its gradient, NaN.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import RateRNN
from eicon.models.results import Activity
from eicon.tasks import Trial
from eicon.training import ActivityMatch, RatePenalty
from eicon.training._curvature import rate_change
from eicon.training._losses import LOSSES

T, B, N_OUT = 6, 4, 3


def batch(loss: str) -> tuple[jax.Array, Trial]:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, N_OUT, (T, B)) if loss == "cross_entropy" else rng.normal(size=(T, B, N_OUT))
    trial = Trial(
        inputs=jnp.zeros((T, B, 2)),
        targets=jnp.asarray(targets, jnp.int32 if loss == "cross_entropy" else jnp.float32),
        mask=jnp.asarray(rng.random((T, B)) < 0.7, jnp.float32),
        conditions={},
        epochs={"trial": jnp.tile(jnp.array([[0, T]]), (B, 1))},
    )
    return jnp.asarray(rng.normal(size=(T, B, N_OUT)), jnp.float32), trial


def padded(array: jax.Array, steps: int, value: float) -> np.ndarray:
    return np.concatenate([array, np.full((steps, *array.shape[1:]), value, array.dtype)])


def check(loss, outputs: jax.Array, trial: Trial) -> None:
    """Check that appended masked steps change nothing, whatever the outputs are there."""
    whole = jax.jit(loss)
    expected = float(whole(outputs, trial))
    assert expected > 0.1
    for steps in (1, 10, 100):
        longer = trial._replace(
            inputs=padded(trial.inputs, steps, 0),
            targets=padded(trial.targets, steps, 1),
            mask=padded(trial.mask, steps, 0),
        )
        assert float(whole(padded(outputs, steps, 9.0), longer)) == pytest.approx(expected, rel=1e-5)


def wrong(outputs: jax.Array, trial: Trial) -> jax.Array:
    return jnp.mean((outputs - trial.targets) ** 2 * trial.mask[..., None])


@pytest.mark.parametrize("loss", LOSSES)
def test_ours(loss):
    check(LOSSES[loss], *batch(loss))


def test_our_rate_penalty():
    network = RateRNN.dale(2, 10, 3).network
    penalty = RatePenalty(1.0)

    def loss(rates: jax.Array, trial: Trial) -> jax.Array:
        return penalty(network, Activity(rates, rates, {"x": rates}), trial)

    check(loss, *batch("mse"))


def test_the_wrong_version_fails():
    with pytest.raises(AssertionError):
        check(wrong, *batch("mse"))


def test_a_batch_without_scored_steps_costs_nothing():
    outputs, trial = batch("mse")
    assert float(LOSSES["mse"](outputs, trial._replace(mask=jnp.zeros_like(trial.mask)))) == 0


ENDS = jnp.array([6, 4, 5, 2])


def ending(trial: Trial) -> Trial:
    """Return the same trials with different ends."""
    span = jnp.stack([jnp.zeros_like(ENDS), ENDS], axis=1)
    return trial._replace(mask=trial.mask * trial._replace(epochs={"trial": span}).inside, epochs={"trial": span})


def check_nan(scalar, values: jax.Array, counts: jax.Array) -> None:
    """Check that NaN in unscored steps changes nothing and has no gradient, and that scored steps have one."""
    whole = jax.jit(jax.value_and_grad(scalar))
    expected, wanted = whole(values)
    found, gradient = whole(jnp.where(counts[:, :, None], values, jnp.nan))
    assert float(found) == float(expected) > 0.1
    np.testing.assert_array_equal(gradient, wanted)
    assert np.isfinite(gradient).all()
    assert np.asarray(gradient).any(axis=2).sum() > B
    assert not np.asarray(gradient)[~np.asarray(counts)].any()


def losses_of(loss: str):
    outputs, trial = batch(loss)
    trial = ending(trial)
    scored = trial.mask != 0
    if loss == "mse":
        trial = trial._replace(targets=jnp.where(scored[:, :, None], trial.targets, jnp.nan))
    else:
        trial = trial._replace(targets=jnp.where(scored, trial.targets, -(10**6)))
    return outputs, trial, scored


@pytest.mark.parametrize("loss", LOSSES)
def test_masked_outputs_and_targets_may_be_nan(loss):
    outputs, trial, scored = losses_of(loss)
    check_nan(lambda z: LOSSES[loss](z, trial), outputs, scored)


def penalties():
    teacher = RateRNN.dale(2, 5, 3, seed=1)
    network = RateRNN.dale(2, 3, 3).network

    def of(penalty):
        return lambda rates, trial: penalty(network, Activity(rates, rates, {"x": rates}), trial)

    return {
        "rates": of(RatePenalty(1.0)),
        "match": of(ActivityMatch(teacher, np.arange(3))),
        "structural damping": of(lambda network, activity, trial: rate_change(activity, trial)),
    }


@pytest.mark.parametrize("name", ["rates", "match", "structural damping"])
def test_activity_after_the_end_of_a_trial_may_be_nan(name):
    outputs, trial = batch("mse")
    rng = np.random.default_rng(1)
    trial = ending(trial)._replace(inputs=jnp.asarray(rng.normal(size=(T, B, 2)), jnp.float32))
    penalty = penalties()[name]
    check_nan(lambda rates: penalty(rates, trial), outputs, trial.inside)


def multiplied(outputs: jax.Array, trial: Trial) -> jax.Array:
    return jnp.sum(jnp.mean((outputs - trial.targets) ** 2, axis=-1) * trial.mask) / jnp.sum(trial.mask)


def selected_late(outputs: jax.Array, trial: Trial) -> jax.Array:
    """Return a loss with the right value, in whose gradient 0 times NaN reappears."""
    squares = jnp.mean((outputs - trial.targets) ** 2, axis=-1)
    return jnp.sum(jnp.where(trial.mask != 0, squares, 0.0)) / jnp.sum(trial.mask)


@pytest.mark.parametrize("wrong_mask", [multiplied, selected_late])
def test_the_wrong_masks_fail(wrong_mask):
    outputs, trial, scored = losses_of("mse")
    clean = ending(batch("mse")[1])
    assert float(wrong_mask(outputs, clean)) == pytest.approx(float(LOSSES["mse"](outputs, clean)), rel=1e-6)
    with pytest.raises(AssertionError):
        check_nan(lambda z: wrong_mask(z, trial), outputs, scored)
