"""Losses and penalties against numpy loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import Connectivity, RateRNN
from eicon.models.results import Activity
from eicon.tasks import Trial
from eicon.training import RatePenalty, WeightPenalty, cross_entropy, mean_squared_error
from eicon.training._losses import LOSSES

from .tiny import make_net

T, B, N_OUT, N = 7, 4, 3, 10
RNG = np.random.default_rng(0)
OUTPUTS = RNG.normal(size=(T, B, N_OUT)).astype(np.float32)
TARGETS = {
    "mse": RNG.normal(size=(T, B, N_OUT)).astype(np.float32),
    "cross_entropy": RNG.integers(0, N_OUT, (T, B)).astype(np.int32),
}
ENDS = np.array([7, 5, 3, 6])
MASK = ((np.arange(T)[:, None] < ENDS) & (RNG.random((T, B)) < 0.8)).astype(np.float32)


def make_trial(targets: np.ndarray, mask: np.ndarray = MASK) -> Trial:
    n_steps = len(mask)
    epochs = {"first": np.stack([0 * ENDS, ENDS - 2], axis=1), "last": np.stack([ENDS - 2, ENDS], axis=1)}
    return Trial(
        jnp.zeros((n_steps, B, 2)),
        jnp.asarray(targets),
        jnp.asarray(mask),
        {},
        {name: jnp.asarray(span) for name, span in epochs.items()},
    )


def by_hand(name: str) -> float:
    total, count = 0.0, 0
    for t, b in np.ndindex(T, B):
        if not MASK[t, b]:
            continue
        count += 1
        z = OUTPUTS[t, b].astype(np.float64)
        if name == "mse":
            total += np.mean((z - TARGETS[name][t, b]) ** 2)
        else:
            total += np.log(np.exp(z).sum()) - z[TARGETS[name][t, b]]
    return total / count


def test_table():
    assert {"mse": mean_squared_error, "cross_entropy": cross_entropy} == LOSSES


@pytest.mark.parametrize("name", LOSSES)
def test_value(name):
    loss = LOSSES[name](jnp.asarray(OUTPUTS), make_trial(TARGETS[name]))
    assert float(loss) == pytest.approx(by_hand(name), rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_masked_steps_can_be_appended_or_filled_with_anything(name):
    """Known mistake 21."""
    more, targets = 5, TARGETS[name]
    outputs = np.concatenate([OUTPUTS, np.full((more, B, N_OUT), 1e3, np.float32)])
    longer = np.concatenate([targets, np.zeros((more, *targets.shape[1:]), targets.dtype)])
    mask = np.concatenate([MASK, np.zeros((more, B), np.float32)])
    loss = LOSSES[name](jnp.asarray(outputs), make_trial(longer, mask))
    assert float(loss) == pytest.approx(by_hand(name), rel=1e-5)
    gradient = jax.grad(LOSSES[name])(jnp.asarray(outputs), make_trial(longer, mask))
    assert not np.asarray(gradient)[mask == 0].any()
    assert np.asarray(gradient)[mask == 1].any(axis=1).all()


@pytest.mark.parametrize("name", LOSSES)
def test_nothing_scored_is_no_loss(name):
    assert float(LOSSES[name](jnp.asarray(OUTPUTS), make_trial(TARGETS[name], 0 * MASK))) == 0.0


def test_cross_entropy_of_large_outputs_is_finite():
    trial = make_trial(np.zeros((T, B), np.int32))
    outputs = jnp.asarray(np.tile(np.float32([-1e4, 1e4, 0.0]), (T, B, 1)))
    assert float(cross_entropy(outputs, trial)) == pytest.approx(2e4)


def activity_of(rates: np.ndarray) -> Activity:
    return Activity(jnp.asarray(OUTPUTS), jnp.asarray(rates), {"x": jnp.asarray(rates)})


@pytest.fixture(scope="module")
def net() -> RateRNN:
    """Dale's law, no autapses, and three recurrent weights that are fixed at 2 (or -2)."""
    dale = Connectivity.dale(N)
    entries = np.zeros((N, N), bool)
    entries[[0, 1, 9], [5, 6, 7]] = True
    readout = Connectivity.excitatory_only(dale.sign, N_OUT)
    return RateRNN(dale.frozen(2.0 * dale.sign[:, None] * entries, entries), Connectivity.dense(2, N), readout, seed=4)


@pytest.mark.parametrize("matrix", ["input", "recurrent", "readout"])
@pytest.mark.parametrize("power", [1, 2])
def test_weight_penalty_is_on_effective_weights(net, matrix, power):
    # Raw entries without a connection, and the sign of raw ones, are nothing that the network uses.
    parameters = {name: value + 0.5 for name, value in net.parameters().items()}
    penalty = WeightPenalty(0.3, power=power, matrix=matrix)
    raw = {"input": "raw_in", "recurrent": "raw_rec", "readout": "raw_out"}[matrix]
    values = np.asarray(parameters[raw], np.float64)
    total, count = 0.0, 0
    for i, j in np.ndindex(*values.shape):
        if matrix == "recurrent" and i == j:
            continue
        if matrix == "readout" and i >= 8:
            continue
        weight = 2.0 if matrix == "recurrent" and (i, j) in [(0, 5), (1, 6), (9, 7)] else values[i, j]
        total += abs(weight) ** power
        count += 1
    trial = make_trial(TARGETS["mse"])
    got = penalty(net.network.replaced(parameters), activity_of(RNG.random((T, B, N)).astype(np.float32)), trial)
    assert float(got) == pytest.approx(0.3 * total / count, rel=1e-5)


def test_weight_penalty_pulls_only_at_trainable_weights(net):
    activity, trial = activity_of(np.zeros((T, B, N), np.float32)), make_trial(TARGETS["mse"])
    penalty = WeightPenalty(1.0, power=1)
    gradient = jax.grad(lambda p: penalty(net.network.replaced(p), activity, trial))(net.parameters())
    pulled = np.asarray(gradient["raw_rec"]) != 0
    np.testing.assert_array_equal(pulled, net.recurrent.connectivity.mask)
    assert not np.asarray(gradient["raw_in"]).any()


def test_rate_penalty_ignores_padding():
    net, trial = make_net(), make_trial(TARGETS["mse"])
    rates = RNG.random((T, B, N)).astype(np.float32)
    squares = [np.mean(rates[t, b].astype(np.float64) ** 2) for b in range(B) for t in range(ENDS[b])]
    penalty = RatePenalty(0.7)
    wanted = pytest.approx(0.7 * np.mean(squares), rel=1e-5)
    assert float(penalty(net.network, activity_of(rates), trial)) == wanted
    rates[np.arange(T)[:, None] >= ENDS] = 1e3
    assert float(penalty(net.network, activity_of(rates), trial)) == wanted


@pytest.mark.parametrize("strength", [-0.1, float("nan")])
@pytest.mark.parametrize("kind", [WeightPenalty, RatePenalty])
def test_negative_strength(kind, strength):
    with pytest.raises(ValueError, match="strength of a penalty must be >= 0; got"):
        kind(strength)


def test_unknown_power_or_matrix():
    with pytest.raises(ValueError, match="power must be 1 or 2; got 3"):
        WeightPenalty(1.0, power=3)
    with pytest.raises(ValueError, match="unknown matrix 'rec'; allowed: input, recurrent, readout"):
        WeightPenalty(1.0, matrix="rec")
