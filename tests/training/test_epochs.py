"""Training on fixed trials, in epochs: its numbers by an independent code, its bits, its interruptions, its errors."""

import dataclasses
import functools
import os
import signal
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import RateRNN, verify
from eicon.runs._published import BIAS_FACTORS, published_network
from eicon.tasks import NBack, SequenceMemory, Task, Trial
from eicon.training import Fixed, Gradient, NonFiniteLoss, Trainer, split_trials
from eicon.training._checkpoint import read_history
from eicon.training._supply import part
from eicon.training.results import History

from .numpy_epochs import NumpyTraining, Trials
from .tiny import EVERY_OPTIMIZER, assert_same_history, assert_same_state, state

N = 6
RNG = np.random.default_rng(0)
ANATOMY = RNG.lognormal(size=(N, N)) * (RNG.random((N, N)) < 0.7) * ~np.eye(N, dtype=bool)
DALE = np.array([1, 1, 1, 1, -1, -1])
SEQUENCE = SequenceMemory(pattern_length=3)
N_BACK = NBack(n_back=1, trial_length=3)
BATCH = 8
"""Of 20 trials: 8, 8 and 4."""
EXACT = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")


def make_trials(task: Task, n_train: int = 20, n_validation: int = 9, seed: int = 0) -> tuple[Trial, Trial]:
    return _made_trials(task, n_train, n_validation, seed, jnp.result_type(float))


@functools.cache
def _made_trials(task: Task, n_train: int, n_validation: int, seed: int, precision: np.dtype) -> tuple[Trial, Trial]:
    n = n_train + n_validation
    trials = task.sample(jax.random.key(seed), n)
    return split_trials(trials, n_train / n, key=jax.random.key(seed + 1))


def make_net(task: Task = SEQUENCE, **options: Any) -> RateRNN:
    """Everything at once: Dale's law, a mask, noise, a leak, a trained x0."""
    settings = {"sign": DALE, "sigma_rec": 0.05, "tau": 40.0, "train_x0": True, "activation": "tanh", "seed": 1}
    return RateRNN.from_connectome(ANATOMY, task.n_in, task.n_out, **(settings | options))


def make_trainer(
    net: RateRNN | None = None,
    trials: tuple[Trial, Trial] | None = None,
    task: Task = SEQUENCE,
    **options: Any,
) -> Trainer:
    """Options of the trials, of the optimiser, and of the trainer."""
    supply = {"batch_size": BATCH} | _taken(options, "batch_size", "mean")
    learner = {"learning_rate": 0.01, "clip_norm": None}
    learner |= _taken(options, "optimizer", "learning_rate", "clip_norm", "options", "factors")
    fixed = Fixed(*(trials or make_trials(task)), **supply)
    return Trainer(net or make_net(task), task, trials=fixed, learner=Gradient(**learner), **({"seed": 3} | options))


def _taken(options: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: options.pop(name) for name in names if name in options}


def fit(trainer: Trainer, epochs: int, **options: Any) -> dict[str, np.ndarray]:
    """Curves over all epochs so far."""
    return curves(trainer, trainer.fit(epochs * trainer.trials.steps_per_epoch, progress=False, **options))


def curves(trainer: Trainer, history: History | None = None) -> dict[str, np.ndarray]:
    return trainer.trials.by_epoch(trainer.history if history is None else history)


def assert_same(first: Trainer, second: Trainer) -> None:
    assert_same_history(first.history, second.history)
    assert_same_state(state(first), state(second))


# ------------------------------------------------------------------------------------------------------ its numbers


def published(task: Task, activation: str) -> RateRNN:
    options = {"init": "default", "remapped": True, "freeze": False, "dt": task.dt, "rng": np.random.default_rng(1)}
    return published_network(ANATOMY, task.n_in, task.n_out, activation=activation, **options)


def ours(task: Task, **options: Any) -> RateRNN:
    return make_net(task, sigma_rec=0.0, **options)


@dataclasses.dataclass(frozen=True)
class Case:
    task: Task
    make: Callable[[], RateRNN]
    settings: dict[str, Any]
    two_biases: bool = False
    """Whether the independent code has two biases with one gradient: here they are one, their sum."""


TORCH_RMSPROP = {"rho": 0.99, "epsilon": 1e-16}
CASES = {
    "published, sequence, relu, adam": Case(
        SEQUENCE,
        lambda: published(SEQUENCE, "relu"),
        {"optimizer": "adam", "mean": "batches", "learning_rate": 0.01},
        two_biases=True,
    ),
    "published, n-back, tanh, rmsprop": Case(
        N_BACK,
        lambda: published(N_BACK, "tanh"),
        {"optimizer": "rmsprop", "options": TORCH_RMSPROP, "mean": "batches", "learning_rate": 0.003},
        two_biases=True,
    ),
    "dale, leak, clipped, sequence, sgd": Case(
        SEQUENCE,
        lambda: ours(SEQUENCE, tau=np.linspace(30.0, 80.0, N), x0=0.2),
        {"optimizer": "sgd", "mean": "steps", "learning_rate": 0.3, "clip_norm": 0.5},
    ),
    "frozen, n-back, relu, adam": Case(
        N_BACK,
        lambda: ours(N_BACK, freeze=True, activation="relu", train_x0=False, x0=0.1),
        {"optimizer": "adam", "mean": "steps", "learning_rate": 0.02},
    ),
}


def expected_of(net: RateRNN, case: Case, trials: tuple[Trial, Trial], n: int, **others: Any) -> tuple[Any, np.ndarray]:
    """The independent code, and its curves (n, 4)."""
    second = np.full(N, 0.25) if case.two_biases else None
    settings = {"batch_size": BATCH, **case.settings, **others}
    reference = NumpyTraining.of(net, case.task, second, **settings)
    if second is not None:
        reference.values["b_rec"] -= second
    return reference, np.array([reference.epoch(*map(Trials.of, trials)) for _ in range(n)])


@pytest.mark.battery
@pytest.mark.parametrize("name", CASES)
def test_every_number_is_that_of_an_independent_code(name, x64):
    case = CASES[name]
    net = case.make()
    recurrent = np.asarray(net.W_rec)
    before = {key: np.asarray(value) for key, value in net.parameters().items()}
    trials = make_trials(case.task)
    reference, expected = expected_of(net, case, trials, 5)
    trainer = make_trainer(net, trials, case.task, **case.settings, factors=BIAS_FACTORS if case.two_biases else {})
    fit(trainer, 2)
    found = fit(trainer, 3)
    for i, curve in enumerate(EXACT):
        tolerance = {"rtol": 0, "atol": 1e-10} if curve.endswith("loss") else {"rtol": 1e-6}  # scores are float32
        np.testing.assert_allclose(found[curve], expected[:, i], **tolerance, err_msg=curve)
    assert len(np.unique(expected[:, 0])) == len(np.unique(expected[:, 2])) == 5
    final = dict(reference.values)
    if "b_second" in final:
        final["b_rec"] = final["b_rec"] + final.pop("b_second")
    for key, value in net.parameters().items():
        assert value.dtype == jnp.float64
        np.testing.assert_allclose(value, final[key], rtol=0, atol=1e-9, err_msg=key)
        assert (np.abs(final[key] - before[key]).max() > 1e-3) == (key in net.trainable_variables()), key
    assert (np.asarray(net.W_rec).tobytes() == recurrent.tobytes()) == name.startswith("frozen")
    assert verify(net).ok


@pytest.mark.battery
def test_rmsprop_with_torchs_epsilon(x64):
    """PyTorch adds 1e-8 outside of the root, and 1e-16 inside of it is nearly the same."""
    case = CASES["published, n-back, tanh, rmsprop"]
    net, trials = case.make(), make_trials(case.task)
    reference, expected = expected_of(net, case, trials, 5, optimizer="rmsprop of torch")
    found = fit(
        make_trainer(net, trials, case.task, **case.settings, factors=BIAS_FACTORS if case.two_biases else {}), 5
    )
    np.testing.assert_allclose(np.stack([found[name] for name in EXACT], axis=1), expected, rtol=1e-5)
    np.testing.assert_allclose(net.raw_rec.value, reference.values["raw_rec"], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("batch_size", "sizes"), [(8, [8, 8, 4]), (10, [10, 10]), (20, [20]), (1000, [20])])
def test_batches_keep_the_order_of_the_trials(batch_size, sizes):
    groups = [np.asarray(group.inputs) for group in Fixed(*make_trials(SEQUENCE), batch_size=batch_size).stacks]
    batches = [batch for group in groups for batch in group]
    assert [batch.shape[1] for batch in batches] == sizes
    np.testing.assert_array_equal(np.concatenate(batches, axis=1), make_trials(SEQUENCE)[0].inputs)


@pytest.mark.battery
def test_a_task_is_learned():
    loss = fit(make_trainer(learning_rate=0.02), 200)["validation_loss"]
    assert loss[-1] < 0.9 * SEQUENCE.null_loss < loss[0]


# --------------------------------------------------------------------------------------------------------- its bits


def test_same_seed_same_bits_and_in_parts():
    whole, again, parts = make_trainer(), make_trainer(), make_trainer()
    fit(whole, 6)
    fit(again, 6)
    assert_same(whole, again)
    assert len(fit(parts, 2)["train_loss"]) == 2
    assert parts.step == 6
    fit(parts, 0)
    fit(parts, 4)
    assert_same(whole, parts)
    assert (np.diff(parts.history.seconds) > 0).all()
    assert (curves(whole)["train_loss"] != fit(make_trainer(seed=4), 6)["train_loss"]).all()


def test_parts_need_not_be_whole_epochs():
    whole, parts = make_trainer(), make_trainer()
    fit(whole, 60)
    for steps in (7, 50, 64, 59):
        parts.fit(steps, progress=False)
    assert_same(whole, parts)
    assert whole.step == 180


def test_curves_are_means_over_the_batches_of_an_epoch():
    """Weighted by scored steps and by trials, or all alike; and NaN where no validation was made."""
    for mean, weights in (("steps", [8, 8, 4]), ("batches", [1, 1, 1])):
        trainer = make_trainer(mean=mean)
        history = trainer.fit(10, validate_every=6, progress=False)
        found = trainer.trials.by_epoch(history)
        for name in ("loss", "accuracy"):
            by_step = history[name][:9].reshape(3, 3)
            np.testing.assert_allclose(found[f"train_{name}"], np.average(by_step, axis=1, weights=weights), rtol=1e-12)
            np.testing.assert_array_equal(
                found[f"validation_{name}"], [np.nan, history[f"validation_{name}"][0], np.nan]
            )
        np.testing.assert_array_equal(found["seconds"], history.seconds[[2, 5, 8]])


def test_every_batch_and_epoch_has_noise_of_its_own():
    """With a learning rate of nothing, only the noise makes losses differ; validations are always the same."""
    train, validation = make_trials(SEQUENCE)
    found = fit(make_trainer(learning_rate=1e-30), 5)
    assert len(set(found["train_loss"].tolist())) == 5
    assert len(set(found["validation_loss"].tolist())) == 1
    order = np.array([*range(8, 16), *range(8), *range(16, 20)])
    exchanged = make_trainer(trials=(part(train, order), validation), learning_rate=1e-30)
    assert fit(exchanged, 1)["train_loss"][0] != pytest.approx(found["train_loss"][0], rel=1e-5)


def test_network_is_trained_in_place_and_no_steps_change_nothing():
    trainer = make_trainer()
    before = state(trainer)
    assert len(fit(trainer, 0)["train_loss"]) == 0
    assert_same_state(state(trainer), before)
    fit(trainer, 1)
    after = state(trainer)
    changed = {name for name in after if after[name].tobytes() != before[name].tobytes()}
    assert set(trainer.net.trainable_variables()) <= changed


@pytest.mark.parametrize("optimizer", EVERY_OPTIMIZER)
def test_frozen_entries_signs_and_masks_survive_every_optimizer_with_weight_decay(optimizer):
    start = make_net(sigma_rec=0.0)
    frozen = (ANATOMY > 0) & (np.random.default_rng(1).random((N, N)) < 0.4)
    net = RateRNN(
        start.recurrent.connectivity.frozen(start.W_rec, frozen), start.input.connectivity, start.readout.connectivity,
        weights={"recurrent": start.W_rec, "input": start.W_in, "readout": start.W_out},
        bias=True, readout_bias=True, activation="tanh", tau=40.0,
    )  # fmt: skip
    before, raw = np.asarray(net.W_rec), np.asarray(net.raw_rec.value)
    fit(make_trainer(net, optimizer=optimizer, options={"weight_decay": 0.01}, learning_rate=0.1), 20)
    after, learns = np.asarray(net.W_rec), (ANATOMY > 0) & ~frozen
    assert before[frozen].tobytes() == after[frozen].tobytes()
    assert (after[ANATOMY == 0] == 0).all()
    assert (before[learns] != after[learns]).all()
    assert (after * DALE[:, None] >= 0).all()
    if optimizer not in ("adagrad", "adadelta", "lars"):  # whose steps are small
        assert (raw * np.asarray(net.raw_rec.value) < 0).any(), "hard enough that raw weights change their sign"
    assert verify(net).ok


# ------------------------------------------------------------------------------------------- checkpoints, interrupts


@pytest.mark.parametrize("steps", [12, 10])
def test_resumed_training_is_the_uninterrupted_one(tmp_path, steps):
    whole, first = make_trainer(), make_trainer()
    fit(whole, 6)
    first.fit(steps, progress=False)
    first.save_checkpoint(tmp_path / "c.npz")
    resumed = make_trainer(make_net(seed=8, x0=0.5))
    resumed.resume(tmp_path / "c.npz")
    assert resumed.step == steps
    assert_same(resumed, first)
    resumed.fit(18 - steps, progress=False)
    assert_same(resumed, whole)
    assert (np.diff(resumed.history.seconds) > 0).all()


def test_an_untrained_x0_is_resumed_in_the_network_too(tmp_path):
    make_trainer(make_net(train_x0=False, x0=0.1)).save_checkpoint(tmp_path / "c.npz")
    other = make_trainer(make_net(train_x0=False, x0=0.7))
    other.resume(tmp_path / "c.npz")
    np.testing.assert_array_equal(other.net.x0.value, np.float32(0.1))


OTHERS = {
    "learner": lambda: make_trainer(optimizer="sgd"),
    "learner, options": lambda: make_trainer(options={"beta1": 0.8}),
    "learner, learning rate": lambda: make_trainer(learning_rate=0.02),
    "learner, clip norm": lambda: make_trainer(clip_norm=1.0),
    "learner, factors": lambda: make_trainer(factors={"raw_rec": 2.0}),
    "trials, batch size": lambda: make_trainer(batch_size=9),
    "trials, mean": lambda: make_trainer(mean="batches"),
    "trials, others": lambda: make_trainer(trials=make_trials(SEQUENCE, seed=5)),
    "trials, exchanged": lambda: make_trainer(trials=make_trials(SEQUENCE)[::-1]),
    "trials, sampled": lambda: Trainer(make_net(), SEQUENCE, learner=Gradient("adam", 0.01, None), seed=3),
    "seed": lambda: make_trainer(seed=4),
    "network, what is trained": lambda: make_trainer(make_net(train_x0=False)),
    "network, noise": lambda: make_trainer(make_net(sigma_rec=0.1)),
    "network, connections": lambda: make_trainer(
        RateRNN.from_connectome(ANATOMY.T, 2, 1, sign=DALE, sigma_rec=0.05, tau=40.0, activation="tanh", train_x0=True)
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("epochs") / "c.npz"
    trainer = make_trainer()
    fit(trainer, 1)
    trainer.save_checkpoint(path)
    return path


@pytest.mark.parametrize("name", OTHERS)
def test_a_checkpoint_of_another_training_is_refused(name, checkpoint):
    other = OTHERS[name]()
    before = state(other)
    what = name.partition(",")[0]
    with pytest.raises(
        ValueError, match=rf"c.npz belongs to a different training: {what} differ \({what} is .* there and"
    ):
        other.resume(checkpoint)
    assert_same_state(state(other), before)
    assert other.step == 0


def test_a_checkpoint_of_another_task_is_refused(checkpoint):
    task = SequenceMemory(pattern_length=2)
    other = make_trainer(make_net(task), task=task)
    with pytest.raises(ValueError, match=r"stages, trials differ \(stages is \['SequenceMemory.* there"):
        other.resume(checkpoint)


def ONE_BY_ONE(trainer: Trainer) -> None:  # noqa: N802
    """A callback, that makes `fit` do each epoch by itself."""


class Struck:
    """The keys of epochs, at whose n-th making Ctrl-C comes once or twice, in the middle of an epoch."""

    def __init__(self, trainer: Trainer, n: int, times: int):
        self.keys, self.n, self.times = trainer._keys_of_epochs, n, times

    def __call__(self, n: int, k: int) -> np.ndarray:
        self.n -= 1
        for _ in range(self.times * (self.n == 0)):
            os.kill(os.getpid(), signal.SIGINT)
        return self.keys(n, k)


@pytest.mark.usefixtures("interrupts_raise")
def test_an_interrupt_waits_for_the_steps_at_hand_and_saves_them(tmp_path):
    whole, stopped = make_trainer(), make_trainer()
    fit(whole, 6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stopped, "_keys_of_epochs", Struck(stopped, 2, 1))
        with pytest.raises(KeyboardInterrupt):
            fit(stopped, 6, checkpoint=tmp_path / "c.npz", callback=ONE_BY_ONE)
    assert stopped.step == 6
    assert stopped.history.validation_step.tolist() == [3, 6]
    resumed = make_trainer(make_net(seed=9))
    resumed.resume(tmp_path / "c.npz")
    assert_same(resumed, stopped)
    for trainer in (resumed, stopped):
        fit(trainer, 4)
        assert_same(trainer, whole)


@pytest.mark.usefixtures("interrupts_raise")
def test_a_second_interrupt_gives_up_the_steps_at_hand(tmp_path):
    """What is saved is the state before, with its own record."""
    trainer, before = make_trainer(), make_trainer()
    fit(before, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "_keys_of_epochs", Struck(trainer, 2, 2))
        with pytest.raises(KeyboardInterrupt):
            fit(trainer, 5, checkpoint=tmp_path / "c.npz", callback=ONE_BY_ONE)
    assert trainer.step == 3
    assert_same(trainer, before)
    resumed = make_trainer()
    resumed.resume(tmp_path / "c.npz")
    assert_same(resumed, before)


# ----------------------------------------------------------------------------------------------------- what can fail


def test_a_run_that_diverges_says_so_and_goes_back(tmp_path):
    trainer = make_trainer(learning_rate=1e30)
    with pytest.raises(NonFiniteLoss, match="became NaN or infinite at step"):
        fit(trainer, 20, checkpoint=tmp_path / "c.npz")
    kept = fit(make_trainer(learning_rate=1e30), trainer.step // 3)
    for name in EXACT:
        assert curves(trainer)[name].tobytes() == kept[name].tobytes()
    assert np.isfinite(trainer.history.loss).all()
    assert trainer.step < 30
    assert trainer.step == 0 or read_history(tmp_path / "c.npz").n_steps == trainer.step


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make_trainer(make_net(N_BACK)), "task has 2 inputs and 1 outputs, but the network has 2 .* 3 outputs"),
        (lambda: make_trainer(make_net(dt=10.0)), "must have the same dt; got 10 and 20 ms"),
        (lambda: make_trainer(mean="trials"), "unknown mean 'trials'; allowed: steps, batches"),
        (lambda: make_trainer(batch_size=0), "batch_size must be at least 1; got 0"),
        (lambda: make_trainer(factors={"raw_re": 2.0}), "factors of raw_re; trained are b_out, b_rec, raw_in, raw_out"),
        (lambda: Fixed(*(part(trial, slice(0, 0)) for trial in make_trials(SEQUENCE))), "train contains no trials"),
        (lambda: make_trainer(trials=make_trials(SequenceMemory(pattern_length=2))[:1] * 2, task=N_BACK), "targets"),
    ],
)  # fmt: skip
def test_errors_say_what_is_wrong(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# ------------------------------------------------------------------------------------------------------------- split


@pytest.mark.parametrize(("train_size", "n_train"), [(0.8, 8), (0.5, 5), (0.25, 2), (0.05001, 1), (0.94, 9)])
def test_a_split_keeps_every_trial_whole_and_once(train_size, n_train):
    trials = N_BACK.trials(5, key=jax.random.key(0))
    parts = split_trials(trials, train_size, key=jax.random.key(1))
    assert [part.batch_size for part in parts] == [n_train, 10 - n_train]

    def rows(trial: Trial) -> list[bytes]:
        leaves = [trial.inputs, trial.targets, trial.mask]
        per_trial = [[np.asarray(leaf)[:, b].tobytes() for leaf in leaves] for b in range(trial.batch_size)]
        for values in [*trial.conditions.values(), *trial.epochs.values()]:
            for b, row in enumerate(per_trial):
                row.append(np.asarray(values)[b].tobytes())
        return [b"".join(row) for row in per_trial]

    dealt = [row for part in parts for row in rows(part)]
    assert len(set(dealt)) == 10
    assert sorted(dealt) == sorted(rows(trials))


@pytest.mark.battery
def test_splits_are_random_and_reproducible():
    trials = SEQUENCE.trials(40, key=jax.random.key(0))
    first, again, other = (split_trials(trials, 0.5, key=jax.random.key(seed))[0].inputs for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (np.asarray(first) != np.asarray(other)).any()
    assert (np.asarray(first) != np.asarray(trials.inputs[:, :20])).any()


@pytest.mark.parametrize("train_size", [0.0, 0.01, 0.99, 1.0, 1.5, -0.5])
def test_a_split_with_an_empty_part_is_refused(train_size):
    with pytest.raises(ValueError, match=rf"train_size {train_size} of 10 trials leaves -?\d+ to train on; both parts"):
        split_trials(N_BACK.trials(5, key=jax.random.key(0)), train_size, key=jax.random.key(1))
