"""Mistake 21: the loss is averaged over steps that are masked out, so its scale depends on the padding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import RateRNN
from eicon.models.results import Activity
from eicon.tasks import Trial
from eicon.training import RatePenalty
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
    """Appended masked steps, whatever the outputs do there, change nothing."""
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
