"""Mistake 20: frozen weights move, because only their gradient is masked."""

import brainpy as bp
import brainpy.math as bm
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.training import OPTIMIZERS

from ..training.tiny import EVERY_OPTIMIZER


def check(before: np.ndarray, after: np.ndarray, frozen: np.ndarray) -> None:
    """Check that frozen entries keep their bits, and that the others have learned."""
    assert frozen.any()
    assert before[frozen].tobytes() == after[frozen].tobytes()
    assert (before[~frozen] != after[~frozen]).mean() > 0.5


def wrong(optimizer: bp.optim.Optimizer, frozen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Set the gradients of frozen entries to zero, but pass all weights to the optimizer."""
    rng = np.random.default_rng(0)
    weights = bm.TrainVar(jnp.asarray(rng.normal(size=frozen.shape), jnp.float32))
    before = np.asarray(weights.value)
    optimizer.register_train_vars({"w": weights})
    for _ in range(3):
        optimizer.update({"w": jnp.asarray(np.where(frozen, 0, rng.normal(size=frozen.shape)), jnp.float32)})
    return before, np.asarray(weights.value)


@pytest.mark.parametrize("optimizer", EVERY_OPTIMIZER)
def test_ours_with_every_optimizer_and_weight_decay(optimizer, trained):
    result = trained(optimizer)
    absent = ~result.net.recurrent.connectivity.exists
    after = np.asarray(result.net.W_rec)
    check(result.before[~absent], after[~absent], result.frozen[~absent])
    assert (after[absent] == 0).all()


@pytest.mark.parametrize("optimizer", EVERY_OPTIMIZER)
def test_the_wrong_version_fails(optimizer, trained):
    frozen = trained(optimizer).frozen
    before, after = wrong(OPTIMIZERS[optimizer](lr=0.1, weight_decay=0.01), frozen)
    with pytest.raises(AssertionError):
        check(before, after, frozen)
