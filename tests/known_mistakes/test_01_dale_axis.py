"""Mistake 1: Dale's sign on the wrong axis, so that every unit has outgoing weights of both signs."""

import numpy as np
import pytest

from eicon.training import OPTIMIZERS


def check(weights: np.ndarray, excitatory: np.ndarray) -> None:
    """Check that with input ``r @ weights`` E units lower the input of no unit and I units raise that of none."""
    rates = np.random.default_rng(0).uniform(0.1, 1, len(excitatory))
    for unit, excites in enumerate(excitatory):
        raised = rates.copy()
        raised[unit] += 1
        change = raised @ weights - rates @ weights
        assert (change >= -1e-6).all() if excites else (change <= 1e-6).all(), unit
        assert np.abs(change).max() > 0


def wrong(raw: np.ndarray, excitatory: np.ndarray) -> np.ndarray:
    """Return weights whose mask signs columns."""
    mask = np.tile(np.where(excitatory, 1, -1), (len(excitatory), 1)) * (1 - np.eye(len(excitatory)))
    return np.abs(raw) * mask


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_rows_keep_their_sign_with_every_optimizer(optimizer, trained):
    result = trained(optimizer)
    weights, excitatory = np.asarray(result.net.W_rec), result.net.is_excitatory
    assert not np.array_equal(weights, result.before)
    check(weights, excitatory)
    with pytest.raises(AssertionError):
        check(wrong(np.asarray(result.net.raw_rec.value), excitatory), excitatory)


def test_training_was_hard_enough_to_need_the_constraint(trained):
    raw = np.asarray(trained("adam").net.raw_rec.value)
    assert (raw < 0).sum() > 5
