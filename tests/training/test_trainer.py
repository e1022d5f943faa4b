"""How a training goes: chunks, validation, stopping, interruptions, failures, progress."""

import io
import sys

import brainpy as bp
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import Connectivity, RateRNN
from eicon.tasks import PerceptualDecision
from eicon.training import AccuracyReached, LossReached, NonFiniteLoss, RatePenalty, cross_entropy
from eicon.training._checkpoint import read_history
from eicon.training._evaluation import Validation

from .tiny import (
    NEVER,
    Interruption,
    SameTrials,
    assert_same_history,
    assert_same_state,
    evaluation,
    fit,
    make_net,
    make_task,
    make_trainer,
    put,
    script,
    start_of,
    state,
)


@pytest.mark.parametrize("chunk", [pytest.param(1, marks=pytest.mark.battery), 10])
def test_results_do_not_depend_on_the_chunk_length(trainer, reference, chunk):
    fit(trainer, 20, validate_every=chunk)
    assert_same_state(state(trainer), reference[0])
    for name in ("loss", "accuracy", "grad_norm"):
        np.testing.assert_array_equal(getattr(trainer.history, name), getattr(reference[1], name))
    assert trainer.history.validation_step.tolist() == list(range(chunk, 21, chunk))


def test_history_of_a_fit(reference):
    history = reference[1]
    assert history.n_steps == 20
    assert history.validation_step.tolist() == [5, 10, 15, 20]
    assert (np.diff(history.seconds) > 0).all()
    assert np.isfinite(history.loss).all()
    assert (history.grad_norm > 0).all()
    accuracy = history.accuracy[np.isfinite(history.accuracy)]
    assert ((accuracy >= 0) & (accuracy <= 1)).all()


def test_every_step_has_trials_and_noise_of_its_own(trainer):
    """With parameters that stay as they are, only trials and noise make losses differ."""
    before = start_of(trainer)
    losses = []
    for _ in range(3):
        put(trainer, before)
        losses.append(fit(trainer, 1).loss[-1])
    assert len(set(losses)) == 3


def test_same_seed_same_bits(trainer, twin, reference):
    put(twin, start_of(trainer))
    fit(twin, 20)
    assert_same_state(state(twin), reference[0])
    assert_same_history(twin.history, reference[1])


def test_another_seed_gives_another_training(reference):
    other = make_trainer(seed=4)
    assert (fit(other, 3, validate_every=NEVER).loss != reference[1].loss[:3]).all()


def test_a_second_fit_continues(trainer, reference):
    first = fit(trainer, 8)
    assert first.n_steps == trainer.step == 8
    second = fit(trainer, 12)
    assert second.n_steps == trainer.step == 20
    assert_same_state(state(trainer), reference[0])
    assert_same_history(second, reference[1])
    assert (np.diff(second.seconds) > 0).all()


def test_no_steps(trainer):
    before = state(trainer)
    assert fit(trainer, 0).n_steps == 0
    assert_same_state(state(trainer), before)


def test_network_trains_in_place(trainer):
    before = np.asarray(trainer.net.W_rec)
    fit(trainer, 5)
    assert (np.asarray(trainer.net.W_rec) != before).any()


def test_validation_is_what_the_network_does_on_balanced_trials(trainer):
    fit(trainer, 5)
    trial, _, key = evaluation(trainer)[1:4]
    assert not trial.conditions["catch"].any()
    assert np.unique(np.asarray(trial.conditions["coherence"]), return_counts=True)[1].tolist() == [2] * 4
    outputs = np.asarray(trainer.net.predict(trial.inputs, key=key).outputs)
    error = ((outputs - np.asarray(trial.targets)) ** 2).mean(axis=2)
    loss = error[np.asarray(trial.mask) == 1].mean()
    right = []
    for b in range(trial.batch_size):
        start, stop = np.asarray(trial.epochs["decision"])[b]
        right.append(outputs[start:stop, b].mean(axis=0).argmax() == int(trial.conditions["choice"][b]))
    shown = np.asarray(trial.conditions["coherence"])
    worst = min(np.mean([score for score, c in zip(right, shown, strict=True) if c == level]) for level in set(shown))
    found = trainer.validate()
    assert found == pytest.approx((loss, np.mean(right), worst), rel=1e-5)
    assert (found.loss, found.accuracy, found.worst) == found
    for name in ("loss", "accuracy", "worst"):
        assert getattr(trainer.history, f"validation_{name}")[-1] == getattr(found, name)


SCORES = np.random.default_rng(4).random(12).astype(np.float32)


class Scripted(SameTrials):
    """Whose validation trials come in an order of their own, and are answered as `SCORES` say."""

    def trials(self, repeats=10, *, key):
        weak, strong = self.coherence
        signed = np.array([weak, strong, -weak, -weak, strong, -strong, -strong, weak, -weak, strong, -strong, weak])
        return self.trials_of(coherence=signed, key=key)

    def correct(self, outputs, trial):
        return jnp.asarray(SCORES) + 0 * outputs[0, :, 0]


def test_worst_accuracy_is_that_of_a_condition_in_whatever_order_trials_come():
    trainer = make_trainer(task=make_task(Scripted))
    shown = np.asarray(evaluation(trainer).trial.conditions["coherence"])
    by_condition = {level: SCORES[shown == level] for level in np.unique(shown)}
    assert {len(scores) for scores in by_condition.values()} == {3}
    worst = min(scores.mean() for scores in by_condition.values())
    assert worst - SCORES.min() > 0.05
    assert abs(worst - min(SCORES.reshape(3, 4).mean(axis=0))) > 0.05
    assert abs(worst - min(SCORES.reshape(4, 3).mean(axis=1))) > 0.05
    found = trainer.validate()
    assert (found.accuracy, found.worst) == pytest.approx((SCORES.mean(), worst), rel=1e-6)


def test_stop_when_is_asked_after_each_validation_and_obeyed_at_once(trainer):
    asked = []

    def stop(history):
        asked.append(history.n_steps)
        return history.n_steps >= 10

    assert fit(trainer, 100, stop_when=stop).n_steps == 10
    assert asked == [5, 10]
    fit(trainer, 3, stop_when=stop)
    assert asked == [5, 10], "no validation was made, so there was nothing to ask"


def test_stops_at_the_first_validation_that_reaches_the_accuracy(trainer, monkeypatch):
    script(monkeypatch, (Validation(0.1, x, 0.0) for x in (0.9, 0.5, 0.8, 0.9, 1.0)))
    history = fit(trainer, 100, stop_when=AccuracyReached(0.85, window=2))
    assert history.validation_step.tolist() == [5, 10, 15, 20]


@pytest.mark.parametrize("stop", [AccuracyReached(0.85, window=2, worst=True), LossReached(0.16, window=2)])
def test_stops_at_the_first_validation_that_reaches_the_worst_accuracy_or_the_loss(trainer, monkeypatch, stop):
    script(monkeypatch, (Validation(1 - x, 0.0, x) for x in (0.9, 0.5, 0.8, 0.9, 1.0)))
    assert fit(trainer, 100, stop_when=stop).validation_step.tolist() == [5, 10, 15, 20]


@pytest.mark.parametrize(
    ("name", "after"),
    [("_write", False), ("_write", True), ("_check_finite", True), ("_validate", False), ("_validate", True)],
)
def test_interrupt_leaves_a_consistent_state_and_a_checkpoint(trainer, twin, reference, at_10, tmp_path, name, after):
    path = tmp_path / "checkpoint.npz"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, name, Interruption(trainer, name, 3, after))
        with pytest.raises(KeyboardInterrupt):
            fit(trainer, 20, checkpoint=path)
    assert trainer.step == 10
    assert_same_state(state(trainer), at_10[0])
    assert_same_history(read_history(path), at_10[1])
    fit(trainer, 10)
    assert_same_state(state(trainer), reference[0])
    twin.resume(path)
    assert twin.step == 10
    fit(twin, 10)
    assert_same_state(state(twin), reference[0])
    assert_same_history(twin.history, reference[1])


def test_interrupt_between_chunks(trainer, reference, tmp_path):
    def stop(history):
        if history.n_steps == 10:
            raise KeyboardInterrupt
        return False

    path = tmp_path / "checkpoint.npz"
    with pytest.raises(KeyboardInterrupt):
        fit(trainer, 20, stop_when=stop, checkpoint=path)
    trainer.resume(path)
    fit(trainer, 10)
    assert_same_state(state(trainer), reference[0])


def make_exploding():
    """Its ninth update is absurd, so that the tenth loss is not finite."""
    schedule = bp.optim.PiecewiseConstantLR([7], [1e-3, 1e30])
    return make_trainer(optimizer=bp.optim.SGD(lr=schedule), clip_norm=None)


def at_0(folder):
    path = folder / "at_0.npz"
    make_exploding().save_checkpoint(path)
    return path


@pytest.fixture(scope="module")
def exploding():
    return make_exploding()


def test_non_finite_loss_names_the_step_and_goes_back(exploding, tmp_path):
    path = tmp_path / "checkpoint.npz"
    fit(exploding, 5, checkpoint=path, checkpoint_every=5)
    before, written = state(exploding), path.read_bytes()
    text = r"became NaN or infinite at step 10; the network was restored to step 5.*learning_rate too high"
    with pytest.raises(NonFiniteLoss, match=text) as caught:
        fit(exploding, 20, checkpoint=path, checkpoint_every=5)
    assert isinstance(caught.value, FloatingPointError)
    assert exploding.step == 5
    assert_same_state(state(exploding), before)
    assert path.read_bytes() == written
    exploding.resume(path)
    assert_same_state(state(exploding), before)


def test_steps_before_a_non_finite_loss_are_written(exploding, tmp_path):
    """The failure comes before any checkpoint was due; what was good is kept all the same."""
    path = tmp_path / "checkpoint.npz"
    exploding.resume(at_0(tmp_path))
    with pytest.raises(NonFiniteLoss):
        fit(exploding, 20, checkpoint=path)
    assert read_history(path).n_steps == 5


def test_a_loss_that_is_nan_from_the_beginning():
    net = make_net()
    trainer = make_trainer(net, loss=lambda outputs, trial: jnp.nan * outputs.sum())
    before = state(trainer)
    with pytest.raises(NonFiniteLoss, match="at step 1; the network was restored to step 0"):
        fit(trainer, 2, validate_every=NEVER)
    assert_same_state(state(trainer), before)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "progress", "shown"), [(Terminal, True, True), (Terminal, False, False), (io.StringIO, True, False)]
)
def test_progress_is_shown_only_in_a_terminal(trainer, monkeypatch, capfd, stream, progress, shown):
    monkeypatch.setattr(sys, "stderr", stream())
    fit(trainer, 5, progress=progress)
    text = sys.stderr.getvalue()
    if shown:
        assert "5/5" in text
        assert "loss=" in text
    else:
        assert text == ""
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"steps": -1}, "fit needs steps >= 0, .* got -1, 5 and 50"),
        ({"steps": 1, "validate_every": 0}, "got 1, 0 and 0"),
        ({"steps": 1, "checkpoint_every": 0}, "got 1, 5 and 0"),
    ],
)
def test_impossible_fits_are_refused(trainer, options, text):
    with pytest.raises(ValueError, match=text):
        fit(trainer, **options)
    assert trainer.step == 0


def frozen_net():
    nets = make_net(train_x0=False, bias=False, readout_bias=False)
    parts = {
        "recurrent": nets.recurrent.connectivity.frozen(nets.W_rec),
        "input": nets.input.connectivity.frozen(nets.W_in),
        "readout": nets.readout.connectivity.frozen(nets.W_out),
    }
    return RateRNN(**parts)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: make_trainer(RateRNN.dale(3, 10, 2)),
            "the task has 2 inputs and 2 outputs, but the network has 3 inputs and 2 outputs",
        ),
        (lambda: make_trainer(RateRNN.dale(2, 10, 1)), "but the network has 2 inputs and 1 outputs"),
        (lambda: make_trainer(task=make_task(dt=10.0)), r"same dt; got 20 and 10 ms. net.with_settings\(dt=10\)"),
        (lambda: make_trainer(batch_size=0), "batch_size must be at least 1; got 0"),
        (lambda: make_trainer(clip_norm=0.0), "clip_norm must be > 0, or None for no clipping; got 0"),
        (lambda: make_trainer(clip_norm=-1.0), "clip_norm must be > 0, .* got -1"),
        (lambda: make_trainer(loss="mean"), "unknown loss 'mean'; allowed: mse, cross_entropy, or a function"),
        (lambda: make_trainer(optimizer="Adam"), "unknown optimiser 'Adam'; allowed: adam, adamw, rmsprop"),
        (lambda: make_trainer(learning_rate=0.0), "learning_rate must be > 0 and finite; got 0"),
        (lambda: make_trainer(learning_rate=-0.1), "learning_rate must be > 0 and finite; got -0.1"),
        (lambda: make_trainer(learning_rate=float("nan")), "learning_rate must be > 0 and finite; got nan"),
        (lambda: make_trainer(validation_repeats=0), "repeats must be at least 1; got 0"),
        (lambda: make_trainer(frozen_net()), "nothing to train: every weight is fixed"),
        (
            lambda: make_trainer(learning_rate=bp.optim.StepLR(0.1, 10)),
            "StepLR advances once per epoch, but training counts steps",
        ),
        (
            lambda: make_trainer(optimizer=bp.optim.Adam(lr=bp.optim.ExponentialLR(0.1, 0.9))),
            "ExponentialLR advances once per epoch.*Use a call-based schedule",
        ),
        (
            lambda: make_trainer(optimizer=bp.optim.SGD(0.1, train_vars=make_net().trainable_variables())),
            "the optimiser already trains other variables; make it without train_vars",
        ),
    ],
)
def test_impossible_trainings_are_refused(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_unusual_but_possible():
    """A single trial at a step, one trainable matrix, a custom loss and penalty."""
    net = make_net(train_x0=False, bias=False, readout_bias=False)
    parts = (net.recurrent.connectivity.frozen(net.W_rec), net.input.connectivity.frozen(net.W_in))
    partly = RateRNN(*parts, Connectivity.excitatory_only(net.recurrent.connectivity.sign, 2))
    trainer = make_trainer(
        partly,
        PerceptualDecision(fixation=20.0, stimulus=40.0, decision=40.0),
        batch_size=1,
        loss=lambda outputs, trial: jnp.mean(outputs**2),
        penalties=[
            lambda network, activity, trial: jnp.mean(network.readout.raw**2),
            RatePenalty(0.1),
        ],
    )
    recurrent = np.asarray(partly.W_rec)
    fit(trainer, 2, validate_every=NEVER)
    np.testing.assert_array_equal(np.asarray(partly.W_rec), recurrent)
    assert set(trainer._trained) == {"raw_out"}


@pytest.mark.battery
def test_task_of_brainpy_datasets():
    """Whole trials that are drawn in numpy on the host, class labels, cross-entropy."""
    import brainpy_datasets as bd

    from eicon.tasks import from_brainpy_datasets

    dataset = bd.cognitive.RatePerceptualDecisionMaking(dt=20.0, t_stimulus=200.0)
    task = from_brainpy_datasets(dataset)
    net = RateRNN.dale(3, 10, 3, free_readout=True, readout_bias=True)
    trainer = make_trainer(net, task, learning_rate=0.05)
    history = fit(trainer, 30, validate_every=15)
    assert trainer.loss is cross_entropy
    assert history.validation_loss[-1] < history.validation_loss[0] < np.log(3) + 0.2
    trial = evaluation(trainer).trial
    label = np.asarray(trial.conditions["label"])
    right = np.asarray(task.correct(net.predict(trial.inputs).outputs, trial))
    assert history.validation_worst[-1] == pytest.approx(min(right[label == k].mean() for k in set(label)), rel=1e-5)
    assert jax.tree.all(jax.tree.map(lambda v: bool(jnp.isfinite(v).all()), net.parameters()))
