"""One optimizer step against a gradient written by hand, and the optimizers' battery."""

import brainpy as bp
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import verify
from eicon.training import RatePenalty, WeightPenalty

from ..tasks.drawn import sampler
from .tiny import (
    EVERY_OPTIMIZER,
    NEVER,
    SameTrials,
    assert_same_history,
    assert_same_state,
    fit,
    make_net,
    make_task,
    make_trainer,
    state,
)

QUIET = {"sigma_rec": 0.0, "sigma_in": 0.0}


def loss_by_hand(parameters, trial, net, rate=0.0, weight=0.0):
    """The printed equation step by step, the masked mean squared error, and both penalties."""
    n = net.n_rec
    sign = jnp.asarray([1.0] * 8 + [-1.0] * 2)[:, None]
    w_rec = sign * jnp.abs(parameters["raw_rec"]) * (1 - jnp.eye(n))
    w_in = jnp.abs(parameters["raw_in"])
    w_out = jnp.concatenate([jnp.abs(parameters["raw_out"][:8]), jnp.zeros((2, net.n_out))])
    alpha = net.dt / 100.0
    x = jnp.tile(parameters["x0"][None], (trial.batch_size, 1))
    ends = trial.epochs["decision"][:, 1]

    def step(x, t):
        received = jnp.maximum(x, 0.0) @ w_rec + trial.inputs[t] @ w_in + parameters["b_rec"][None]
        x = (1 - alpha) * x + alpha * received
        r = jnp.maximum(x, 0.0)
        z = r @ w_out + parameters["b_out"][None]
        error = jnp.sum(trial.mask[t] * jnp.mean((z - trial.targets[t]) ** 2, axis=1))
        return x, (error, jnp.sum((ends > t) * jnp.mean(r**2, axis=1)))

    error, squares = (values.sum() for values in jax.lax.scan(step, x, jnp.arange(trial.n_steps))[1])
    loss = error / jnp.sum(trial.mask)
    return loss + rate * squares / ends.sum() + weight * jnp.sum(jnp.abs(w_rec)) / (n * (n - 1))


@pytest.mark.parametrize(
    ("clip_norm", "penalised"), [(1e3, False), (0.02, True)], ids=["plain", "clipped, with penalties"]
)
def test_a_step_of_sgd_is_the_gradient_written_by_hand(clip_norm, penalised):
    net = make_net(**QUIET)
    task = make_task(SameTrials)
    rate, weight = (0.5, 0.3) if penalised else (0.0, 0.0)
    penalties = [RatePenalty(rate), WeightPenalty(weight, power=1)] if penalised else []
    trainer = make_trainer(net, task, optimizer="sgd", learning_rate=0.5, clip_norm=clip_norm, penalties=penalties)
    before = net.parameters()
    history = fit(trainer, 1, validate_every=NEVER)
    trial = sampler(task)(jax.random.key(0), trainer.trials.batch_size)
    assert bool((trial.mask.sum(axis=0) < trial.n_steps).any()), "padding is part of this test"
    by_hand = jax.jit(jax.value_and_grad(lambda parameters: loss_by_hand(parameters, trial, net, rate, weight)))
    loss, gradient = by_hand(before)
    norm = np.sqrt(sum(float(jnp.sum(g.astype(jnp.float32) ** 2)) for g in gradient.values()))
    assert (norm > 2 * clip_norm) == penalised
    scale = clip_norm / norm if penalised else 1.0
    assert float(history.loss[0]) == pytest.approx(float(loss), rel=1e-5)
    assert float(history.grad_norm[0]) == pytest.approx(norm, rel=1e-4)
    after = net.parameters()
    for name, value in before.items():
        update = -0.5 * scale * gradient[name]
        assert jnp.abs(update).max() > 1e-5
        np.testing.assert_allclose(after[name] - value, update, rtol=1e-3, atol=1e-6)
    moved = np.sqrt(sum(float(jnp.sum((after[name] - before[name]) ** 2)) for name in before))
    assert moved == pytest.approx(0.5 * scale * norm, rel=1e-3)


def test_learning_rate_of_a_schedule_decays_at_every_step_and_survives_a_checkpoint(tmp_path):
    """All gradients are clipped, so that an update's norm is learning rate times clip_norm."""
    optimizer = bp.optim.SGD(lr=bp.optim.ExponentialDecayLR(1.0, decay_steps=1, decay_rate=0.5))
    trainer = make_trainer(optimizer=optimizer, clip_norm=0.01)
    names = list(trainer.net.parameters())

    def moves(n: int) -> list[float]:
        norms = []
        for _ in range(n):
            before = state(trainer)
            assert fit(trainer, 1, validate_every=NEVER).grad_norm[-1] > 0.02
            norms.append(np.sqrt(sum(np.sum((state(trainer)[k] - before[k]) ** 2) for k in names)))
        return norms

    assert moves(2) == pytest.approx([0.01, 0.005], rel=1e-3)
    trainer.save_checkpoint(tmp_path / "at_2.npz")
    first = moves(2)
    assert first == pytest.approx([0.0025, 0.00125], rel=1e-3)
    trainer.resume(tmp_path / "at_2.npz")
    assert moves(2) == first


@pytest.mark.parametrize("name", EVERY_OPTIMIZER)
def test_every_optimizer_learns_keeps_the_constraints_and_resumes_exactly(name, tmp_path):
    net = make_net(**QUIET)
    trainer = make_trainer(net, make_task(SameTrials), optimizer=name)
    before = {key: value.copy() for key, value in state(trainer).items()}
    path = tmp_path / "checkpoint.npz"
    first = fit(trainer, 20, validate_every=NEVER, checkpoint=path)
    assert first.loss[-1] < 0.98 * first.loss[0]
    assert all((state(trainer)[key] != before[key]).any() for key in net.trainable_variables())
    verify(net).raise_if_violated()
    second = fit(trainer, 20, validate_every=NEVER)
    assert second.loss[-1] < first.loss[-1]
    verify(net).raise_if_violated()
    wanted = state(trainer)
    trainer.resume(path)
    assert_same_history(trainer.history, first)
    assert_same_history(fit(trainer, 20, validate_every=NEVER), second)
    assert_same_state(state(trainer), wanted)
