"""What a training says about itself: facts of those that worked, and causes of those that did not."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pytest

import eicon
from eicon.tasks import DelayedMatchToSample, FlipFlop, PerceptualDecision, SequenceMemory
from eicon.training import Fixed, split_trials
from eicon.training._summary import _of_readout, causes, memory_ms, still_falls

EASY = PerceptualDecision(coherence=(51.2,), coherence_scale="dots", fixation=40.0, stimulus=200.0, decision=100.0)


def trained(task, steps, n_rec=20, every=20, **options):
    of_net = {"spectral_radius", "weights", "readout_bias"} & options.keys()
    net_options = {name: options.pop(name) for name in of_net}
    net = eicon.RateRNN.dale(task.n_in, n_rec, task.n_out, sigma_rec=0.1, seed=0, **net_options)
    trainer = eicon.Trainer(net, task, **({"batch_size": 16} | options))
    trainer.fit(steps, progress=False, validate_every=min(every, max(steps, 1)))
    return trainer


def test_before_training():
    assert str(trained(EASY, 0)) == "Not trained yet: PerceptualDecision, 20 units."


def test_a_training_that_worked():
    trainer = trained(EASY, 300, learning_rate=0.01)
    said = trainer.summary()
    assert said.startswith("300 steps of PerceptualDecision in ")
    assert "20 units, 16 trials per step" in said
    assert "(accuracy of 85%) was reached" in said
    assert f"best at step {trainer.best_step:,}" in said
    assert "cause" not in said


def test_one_validation_is_said_to_be_few():
    said = trained(EASY, 300, learning_rate=0.01, every=300).summary()
    assert "(accuracy of 85%) is judged by the mean of 5 validations; there was only 1." in said
    assert "cause" not in said


def test_negative_targets_that_a_readout_cannot_reach():
    """Excitatory units alone are read, so that the low state of a bit is out of reach without a bias."""
    task = FlipFlop(n_bits=1)
    cause = "targets go down to -1, and outputs cannot be negative"
    assert cause in trained(task, 20, spectral_radius=0.9).summary()
    assert cause not in trained(task, 20, spectral_radius=0.9, readout_bias=True).summary()
    assert cause not in trained(PerceptualDecision(), 20).summary()
    shapes = ((20, 20), (task.n_in, 20), (20, task.n_out))
    free = eicon.RateRNN(*(eicon.Connectivity.dense(*shape) for shape in shapes))
    assert _of_readout(free, task.trials(2, key=eicon.key(0))) == []


def test_too_few_steps():
    said = trained(EASY, 20).summary()
    assert "was not reached" in said
    assert "too few steps: 20" in said


@dataclass(frozen=True)
class ScoredBeforeTheStimulus(PerceptualDecision):
    def build(self, key, conditions):
        trial = super().build(key, conditions)
        return trial._replace(mask=trial.during("fixation").astype(float))


@dataclass(frozen=True)
class ScoredTooEarly(PerceptualDecision):
    """Targets that differ stand where the mask scores, but the choice is read out later."""

    def build(self, key, conditions):
        trial = super().build(key, conditions)
        early = trial.during("stimulus")
        right = jnp.where(trial.conditions["choice"][None, :, None] == jnp.arange(2)[None, None], self.high, self.low)
        targets = jnp.where(early[:, :, None], right, trial.targets)
        return trial._replace(mask=early.astype(float), targets=targets)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (ScoredBeforeTheStimulus, "the targets are the same in all trials"),
        (ScoredTooEarly, "leaves out the steps on which the accuracy depends"),
    ],
)
def test_a_wrong_mask_is_the_only_cause_that_is_named(task, words):
    trainer = trained(task(), 20)
    (cause,) = causes(trainer, learned=False)
    assert cause.startswith("the mask scores")
    assert words in cause


def test_a_network_that_forgets():
    task = DelayedMatchToSample(n_directions=2, n_channels=4, delay=600.0, stimulus=200.0)
    said = trained(task, 60, spectral_radius=0.1).summary()
    assert "has not left chance (50%)" in said
    assert "the network forgets" in said


def test_a_start_that_explodes():
    task = SequenceMemory(pattern_length=3)
    rng = np.random.default_rng(0)
    strong = {"recurrent": np.where(np.eye(20), 0.0, 1.0) * np.r_[np.full(16, 1.0), np.full(4, -0.5)][:, None]}
    strong["recurrent"] *= rng.uniform(0.9, 1.1, (20, 20))
    trainer = trained(task, 5, weights=strong, learning_rate=1e-6)
    assert any("initial weights under which activity explodes" in cause for cause in causes(trainer, learned=False))


def test_memory_of_a_linear_network_is_that_of_its_slowest_mode():
    """An active relu unit that excites itself with w decays with tau / (1 - w)."""
    net = eicon.RateRNN(
        eicon.Connectivity.dense(2, 2),
        eicon.Connectivity.dense(2, 2),
        eicon.Connectivity.dense(2, 2),
        tau=100.0,
        dt=1.0,
        weights={"recurrent": np.diag([0.5, 0.2]), "input": np.ones((2, 2))},
    )
    task = PerceptualDecision(dt=1.0, stimulus=20.0, fixation=10.0, decision=10.0)
    trial = task.trials(1, key=eicon.key(0))
    states = net.predict(trial.inputs, noise=False).states
    expected = -1.0 / np.log(1 - 1.0 / 100 * (1 - 0.5))
    assert memory_ms(net, trial, states) == pytest.approx(expected, rel=1e-4)
    assert expected == pytest.approx(200, rel=0.01)


def test_whether_a_loss_still_falls():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.01, 500)
    assert still_falls(1 + noise) is None
    assert still_falls(np.linspace(2, 1, 500) + noise) is not None
    assert still_falls(np.linspace(1, 2, 500) + noise) is None
    assert still_falls(np.ones(4)) is None
    false = sum(still_falls(1 + rng.normal(0, 0.2, 300)) is not None for _ in range(300))
    assert false <= 6


@pytest.mark.battery
def test_a_training_on_fixed_trials_has_a_summary_too():
    task = SequenceMemory(pattern_length=3)
    train, validation = split_trials(task.trials(40, key=eicon.key(0)), 0.8, key=eicon.key(1))
    trainer = trained(task, 6, trials=Fixed(train, validation, batch_size=16), batch_size=None)
    assert "Validation accuracy" in trainer.summary()
