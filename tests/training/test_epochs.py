"""Training on fixed trials, in epochs: its numbers by an independent code, its bits, its interruptions, its errors."""

import dataclasses
import functools
import logging
import os
import signal
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import Connectivity, RateRNN, verify
from eicon.runs._published import published_network
from eicon.tasks import NBack, SequenceMemory, Task, Trial
from eicon.training import EpochTrainer, _epochs, split_trials
from eicon.training.results import EpochHistory

from .numpy_epochs import NumpyTraining, Trials
from .tiny import EVERY_OPTIMIZER

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


def make_trainer(net: RateRNN | None = None, trials: tuple[Trial, Trial] | None = None, **options: Any) -> EpochTrainer:
    train, validation = trials or make_trials(SEQUENCE)
    settings = {"batch_size": BATCH, "learning_rate": 0.01, "seed": 3} | options
    return EpochTrainer(net or make_net(), SEQUENCE, train, validation, **settings)


def fit(trainer: EpochTrainer, epochs: int, **options: Any) -> EpochHistory:
    return trainer.fit(epochs, progress=False, **options)


def state(trainer: EpochTrainer) -> dict[str, bytes]:
    """All bits: of the trainer, and of the network."""
    values = {name: np.asarray(value).tobytes() for name, value in trainer._values.items()}
    return values | {f"net.{name}": np.asarray(value).tobytes() for name, value in trainer.net.parameters().items()}


def assert_same(first: EpochTrainer, second: EpochTrainer) -> None:
    for name in EXACT:
        assert getattr(first.history, name).tobytes() == getattr(second.history, name).tobytes(), name
    bits, others = state(first), state(second)
    assert bits.keys() == others.keys()
    assert [name for name in bits if bits[name] != others[name]] == []


# ------------------------------------------------------------------------------------------------------ its numbers


def published(task: Task, activation: str) -> tuple[RateRNN, np.ndarray | None]:
    options = {"init": "default", "remapped": True, "freeze": False, "dt": task.dt, "rng": np.random.default_rng(1)}
    return published_network(ANATOMY, task.n_in, task.n_out, activation=activation, **options)


def ours(task: Task, **options: Any) -> tuple[RateRNN, np.ndarray | None]:
    return make_net(task, sigma_rec=0.0, **options), None


@dataclasses.dataclass(frozen=True)
class Case:
    task: Task
    make: Callable[[], tuple[RateRNN, np.ndarray | None]]
    settings: dict[str, Any]


TORCH_RMSPROP = {"rho": 0.99, "epsilon": 1e-16}
CASES = {
    "published, sequence, relu, adam": Case(
        SEQUENCE, lambda: published(SEQUENCE, "relu"), {"optimizer": "adam", "mean": "batches", "learning_rate": 0.01}
    ),
    "published, n-back, tanh, rmsprop": Case(
        N_BACK,
        lambda: published(N_BACK, "tanh"),
        {"optimizer": "rmsprop", "options": TORCH_RMSPROP, "mean": "batches", "learning_rate": 0.003},
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


@pytest.fixture
def records(monkeypatch) -> list[np.ndarray]:
    """All numbers that compiled epochs return."""
    kept, compiled = [], _epochs._run_epochs

    def keep(*arguments):
        values, record = compiled(*arguments)
        kept.extend(np.asarray(record)[: int(arguments[-1])])
        return values, record

    monkeypatch.setattr(_epochs, "_run_epochs", keep)
    return kept


@pytest.mark.parametrize("name", CASES)
def test_every_number_is_that_of_an_independent_code(name, records, x64):
    case = CASES[name]
    net, second_bias = case.make()
    recurrent = np.asarray(net.W_rec)
    train, validation = make_trials(case.task)
    reference = NumpyTraining.of(net, case.task, second_bias, batch_size=BATCH, **case.settings)
    before = {key: value.copy() for key, value in reference.values.items()}
    trainer = EpochTrainer(net, case.task, train, validation, second_bias=second_bias, **ours_of(case.settings))
    fit(trainer, 2)
    history = fit(trainer, 3)
    expected = np.array([reference.epoch(Trials.of(train), Trials.of(validation)) for _ in range(5)])

    assert records[0].dtype == np.float64
    np.testing.assert_allclose(np.array(records)[:, ::2], expected[:, ::2], rtol=0, atol=1e-10)
    np.testing.assert_allclose(np.array(records)[:, 1::2], expected[:, 1::2], rtol=1e-6)  # scores are float32
    for i, curve in enumerate(EXACT):
        np.testing.assert_allclose(getattr(history, curve), expected[:, i], rtol=1e-6, err_msg=curve)
    assert len(np.unique(expected[:, 0])) == len(np.unique(expected[:, 2])) == 5
    final = dict(reference.values)
    if second_bias is not None:
        final["b_rec"] = final["b_rec"] + final.pop("b_second")
    for key, value in net.parameters().items():
        assert value.dtype == jnp.float64
        np.testing.assert_allclose(value, final[key], rtol=0, atol=1e-9, err_msg=key)
        assert (np.abs(final[key] - before[key]).max() > 1e-3) == (key in net.trainable_variables()), key
    assert (np.asarray(net.W_rec).tobytes() == recurrent.tobytes()) == name.startswith("frozen")
    assert verify(net).ok


def ours_of(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of the reference, as `EpochTrainer` takes them."""
    options = {"optimizer_options" if name == "options" else name: value for name, value in settings.items()}
    return {"batch_size": BATCH, **options}


def test_rmsprop_with_torchs_epsilon(records, x64):
    """PyTorch adds 1e-8 outside of the root, and 1e-16 inside of it is nearly the same."""
    case = CASES["published, n-back, tanh, rmsprop"]
    net, second_bias = case.make()
    train, validation = make_trials(case.task)
    settings = case.settings | {"optimizer": "rmsprop of torch"}
    reference = NumpyTraining.of(net, case.task, second_bias, batch_size=BATCH, **settings)
    fit(EpochTrainer(net, case.task, train, validation, second_bias=second_bias, **ours_of(case.settings)), 5)
    expected = np.array([reference.epoch(Trials.of(train), Trials.of(validation)) for _ in range(5)])
    np.testing.assert_allclose(records, expected, rtol=1e-5)
    np.testing.assert_allclose(net.raw_rec.value, reference.values["raw_rec"], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("batch_size", "sizes"), [(8, [8, 8, 4]), (10, [10, 10]), (20, [20]), (1000, [20])])
def test_batches_keep_the_order_of_the_trials(batch_size, sizes):
    groups = [np.asarray(group.inputs) for group in make_trainer(batch_size=batch_size)._batches]
    batches = [batch for group in groups for batch in group]
    assert [batch.shape[1] for batch in batches] == sizes
    np.testing.assert_array_equal(np.concatenate(batches, axis=1), make_trials(SEQUENCE)[0].inputs)


@pytest.mark.battery
def test_a_task_is_learned():
    loss = fit(make_trainer(learning_rate=0.02), 200).validation_loss
    assert loss[-1] < 0.9 * SEQUENCE.null_loss < loss[0]


# --------------------------------------------------------------------------------------------------------- its bits


def test_same_seed_same_bits_and_in_parts():
    whole, again, parts = make_trainer(), make_trainer(), make_trainer()
    fit(whole, 6)
    fit(again, 6)
    assert_same(whole, again)
    assert fit(parts, 2).n_epochs == parts.epoch == 2
    fit(parts, 0)
    fit(parts, 4)
    assert_same(whole, parts)
    assert (np.diff(parts.history.seconds) > 0).all()
    assert (whole.history.train_loss != fit(make_trainer(seed=4), 6).train_loss).all()


def test_parts_need_not_be_those_of_the_compiled_calls():
    whole, parts = make_trainer(), make_trainer()
    fit(whole, 60)
    for epochs in (7, 50, 3):
        fit(parts, epochs)
    assert_same(whole, parts)
    assert whole.epoch == 60


def test_every_epoch_validation_and_batch_has_noise_of_its_own():
    """With a learning rate of nothing, only the noise makes losses differ."""
    train, validation = make_trials(SEQUENCE)
    history = fit(make_trainer(learning_rate=1e-30), 5)
    assert len(set(history.train_loss.tolist())) == 5
    assert len(set(history.validation_loss.tolist())) == 5
    order = np.array([*range(8, 16), *range(8), *range(16, 20)])
    exchanged = make_trainer(trials=(_epochs._part(train, order), validation), learning_rate=1e-30)
    assert fit(exchanged, 1).train_loss[0] != pytest.approx(history.train_loss[0], rel=1e-5)


def test_network_is_trained_in_place_and_no_epochs_change_nothing():
    trainer = make_trainer()
    before = state(trainer)
    assert fit(trainer, 0).n_epochs == 0
    assert state(trainer) == before
    fit(trainer, 1)
    changed = {name for name, bits in state(trainer).items() if bits != before[name]}
    assert {f"net.{name}" for name in trainer.net.trainable_variables()} <= changed


def test_the_network_shows_the_sum_of_both_biases():
    second = np.linspace(-1, 1, N)
    net = make_net()
    net.b_rec.value = jnp.full(N, 0.5)
    trainer = make_trainer(net, second_bias=second)
    for _ in range(2):
        fit(trainer, 0)
        np.testing.assert_allclose(net.b_rec.value, 0.5 + second, rtol=1e-6)


def compilations(caplog: pytest.LogCaptureFixture, work: Callable[[], object]) -> int:
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="jax"), jax.log_compiles(True):
        work()
    return sum("Compiling jit(_train_and_validate)" in record.getMessage() for record in caplog.records)


def test_other_connections_weights_trials_and_learning_rates_are_not_compiled_again(caplog):
    def other(seed: int, rate: float) -> EpochTrainer:
        rng = np.random.default_rng(seed)
        anatomy = rng.random((N, N)) * (rng.random((N, N)) < 0.8)
        net = RateRNN.from_connectome(anatomy, 2, 1, sign=rng.permutation(DALE), init="he", seed=seed)
        return make_trainer(net, make_trials(SEQUENCE, seed=seed), learning_rate=rate, batch_size=7, seed=seed)

    trainers = [other(0, 0.01), other(1, 0.1), other(2, 0.001)]
    assert compilations(caplog, lambda: fit(trainers[0], 3)) == 1
    assert compilations(caplog, lambda: [fit(trainer, 2) for trainer in trainers]) == 0
    assert compilations(caplog, lambda: fit(trainers[0], 60)) == 0


# ------------------------------------------------------------------------------------------------ what is held fixed


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
    fit(make_trainer(net, optimizer=optimizer, optimizer_options={"weight_decay": 0.01}, learning_rate=0.1), 20)
    after, learns = np.asarray(net.W_rec), (ANATOMY > 0) & ~frozen
    assert before[frozen].tobytes() == after[frozen].tobytes()
    assert (after[ANATOMY == 0] == 0).all()
    assert (before[learns] != after[learns]).all()
    assert (after * DALE[:, None] >= 0).all()
    if optimizer != "adagrad":
        assert (raw * np.asarray(net.raw_rec.value) < 0).any(), "hard enough that raw weights change their sign"
    assert verify(net).ok


# ------------------------------------------------------------------------------------------- checkpoints, interrupts


def test_resumed_training_is_the_uninterrupted_one(tmp_path):
    whole, first = make_trainer(), make_trainer()
    fit(whole, 6)
    fit(first, 4)
    first.save_checkpoint(tmp_path / "c.npz")
    resumed = make_trainer(make_net(seed=8, x0=0.5))
    resumed.resume(tmp_path / "c.npz")
    assert resumed.epoch == 4
    assert_same(resumed, first)
    fit(resumed, 2)
    assert_same(resumed, whole)
    assert (np.diff(resumed.history.seconds) > 0).all()


def test_an_untrained_x0_is_resumed_in_the_network_too(tmp_path):
    make_trainer(make_net(train_x0=False, x0=0.1)).save_checkpoint(tmp_path / "c.npz")
    other = make_trainer(make_net(train_x0=False, x0=0.7))
    other.resume(tmp_path / "c.npz")
    np.testing.assert_array_equal(other.net.x0.value, np.float32(0.1))
    np.testing.assert_array_equal(other._values["x0"], np.float32(0.1))


OTHERS = {
    "optimizer": lambda: make_trainer(optimizer="sgd"),
    "options": lambda: make_trainer(optimizer_options={"beta1": 0.8}),
    "learning rate": lambda: make_trainer(learning_rate=0.02),
    "batch size": lambda: make_trainer(batch_size=9),
    "clip norm": lambda: make_trainer(clip_norm=1.0),
    "mean": lambda: make_trainer(mean="batches"),
    "seed": lambda: make_trainer(seed=4),
    "second bias": lambda: make_trainer(second_bias=np.zeros(N)),
    "what is trained": lambda: make_trainer(make_net(train_x0=False)),
    "noise": lambda: make_trainer(make_net(sigma_rec=0.1)),
    "connections": lambda: make_trainer(
        RateRNN.from_connectome(ANATOMY.T, 2, 1, sign=DALE, sigma_rec=0.05, tau=40.0, activation="tanh", train_x0=True)
    ),
}


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
    what = "network" if name in ("what is trained", "noise", "connections") else "training"
    with pytest.raises(ValueError, match=rf"c.npz belongs to another training: {what} differ \({what} is .* there and"):
        other.resume(checkpoint)
    assert state(other) == before
    assert other.epoch == 0


def test_a_checkpoint_of_other_trials_is_refused(checkpoint):
    task = SequenceMemory()
    validation, train = make_trials(task)
    other = EpochTrainer(make_net(), task, train, validation, batch_size=BATCH, learning_rate=0.01, seed=3)
    with pytest.raises(ValueError, match="belongs to another training: .*trials"):
        other.resume(checkpoint)


def test_a_checkpoint_of_another_task_or_none_is_refused(checkpoint, tmp_path):
    task = SequenceMemory(pattern_length=2)
    train, validation = make_trials(task)
    other = EpochTrainer(make_net(), task, train, validation, batch_size=BATCH, learning_rate=0.01, seed=3)
    with pytest.raises(ValueError, match=r"task, trials differ \(task is 'SequenceMemory.* there"):
        other.resume(checkpoint)
    with pytest.raises(FileNotFoundError, match="no eicon checkpoint file"):
        other.resume(tmp_path / "none.npz")
    (tmp_path / "half.npz").write_bytes(checkpoint.read_bytes()[:500])
    with pytest.raises(ValueError, match="is not an eicon checkpoint file, or it is truncated"):
        other.resume(tmp_path / "half.npz")


@pytest.mark.usefixtures("interrupts_raise")
def test_an_interrupt_waits_for_the_epochs_at_hand_and_saves_them(tmp_path, monkeypatch):
    whole = make_trainer()
    fit(whole, 150)
    stopped, compiled, calls = make_trainer(), _epochs._run_epochs, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return compiled(*arguments)

    monkeypatch.setattr(_epochs, "_run_epochs", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(stopped, 150, checkpoint=tmp_path / "c.npz")
    assert stopped.epoch == 100
    resumed = make_trainer(make_net(seed=9))
    resumed.resume(tmp_path / "c.npz")
    assert_same(resumed, stopped)
    for trainer in (resumed, stopped):
        fit(trainer, 50)
        assert_same(trainer, whole)


@pytest.mark.usefixtures("interrupts_raise")
def test_a_second_interrupt_gives_up_the_epochs_at_hand(tmp_path, monkeypatch):
    """It strikes while results are waited for; what is saved is the state before, with its own record."""
    trainer, before = make_trainer(), make_trainer()
    compiled = _epochs._run_epochs

    class Impatient:
        def __array__(self, *_: object, **__: object) -> np.ndarray:
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)
            return np.zeros((50, 4))

    monkeypatch.setattr(_epochs, "_run_epochs", lambda *arguments: (compiled(*arguments)[0], Impatient()))
    with pytest.raises(KeyboardInterrupt):
        fit(trainer, 5, checkpoint=tmp_path / "c.npz")
    monkeypatch.undo()
    assert trainer.epoch == 0
    assert_same(trainer, before)
    resumed = make_trainer()
    resumed.resume(tmp_path / "c.npz")
    assert_same(resumed, before)


def test_checkpoints_are_written_when_it_is_time(tmp_path):
    trainer = make_trainer()
    fit(trainer, 5, checkpoint=tmp_path / "c.npz")
    assert not (tmp_path / "c.npz").exists(), "finished before the first minute was over"
    fit(trainer, 5, checkpoint=tmp_path / "c.npz", checkpoint_seconds=0.0)
    resumed = make_trainer()
    resumed.resume(tmp_path / "c.npz")
    assert_same(resumed, trainer)


# ----------------------------------------------------------------------------------------------------- what can fail


def test_a_run_that_diverges_ends_with_nan():
    whole, parts = (make_trainer(learning_rate=1e30) for _ in range(2))
    history = fit(whole, 70)
    assert whole.diverged
    assert history.n_epochs == whole.epoch == 70
    end = int(np.flatnonzero(~np.isfinite(history.train_loss))[0])
    assert end < 10
    for name, curve in history.to_arrays().items():
        assert len(curve) == 70
        if name != "seconds":
            assert np.isnan(curve[end + 1 :]).all(), name
    for part in ("train", "validation"):
        unknown = np.isnan(getattr(history, f"{part}_loss"))
        assert np.isnan(getattr(history, f"{part}_accuracy")[unknown]).all()

    fit(parts, end + 1)
    fit(parts, 69 - end)
    for name in EXACT:
        np.testing.assert_array_equal(getattr(parts.history, name), getattr(history, name))
    assert fit(whole, 5).n_epochs == 75
    assert np.isnan(whole.history.validation_loss[-5:]).all()


def test_a_run_that_does_not_diverge_says_so():
    trainer = make_trainer()
    assert not trainer.diverged
    assert np.isfinite(fit(trainer, 3).train_loss).all()
    assert not trainer.diverged


def frozen_as_a_whole() -> RateRNN:
    nothing = [
        Connectivity(np.zeros(n, int), np.zeros((n, m), bool), np.zeros((n, m))) for n, m in ((N, N), (2, N), (N, 1))
    ]
    return RateRNN(*nothing)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make_trainer(make_net(N_BACK)), "task has 2 inputs and 1 outputs, but the network has 2 .* 3 outputs"),
        (lambda: make_trainer(make_net(dt=10.0)), "must have the same dt; got 10 and 20 ms"),
        (lambda: make_trainer(optimizer="lion"), "unknown optimizer 'lion'; allowed: adam"),
        (lambda: make_trainer(loss="hinge"), "unknown loss 'hinge'; allowed: mse, cross_entropy"),
        (lambda: make_trainer(mean="trials"), "unknown mean 'trials'; allowed: steps, batches"),
        (lambda: make_trainer(batch_size=0), "batch_size must be at least 1; got 0"),
        (lambda: make_trainer(learning_rate=0.0), "learning_rate must be > 0; got 0.0"),
        (lambda: make_trainer(learning_rate=float("nan")), "learning_rate must be > 0; got nan"),
        (lambda: make_trainer(frozen_as_a_whole()), "nothing to train: every weight is fixed"),
        (
            lambda: make_trainer(make_net(bias=False), second_bias=np.zeros(N)),
            "second_bias needs a network with a bias",
        ),
        (lambda: fit(make_trainer(), -1), "fit needs epochs >= 0; got -1"),
        (
            lambda: make_trainer(
                trials=(_epochs._part(make_trials(SEQUENCE)[0], slice(0, 0)), make_trials(SEQUENCE)[1])
            ),
            r"train trials must have inputs \(T, B, n_in\) with n_in 2; got \(7, 0, 2\)",
        ),
    ],
)
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


def test_the_record_starts_empty_and_grows():
    history = EpochHistory()
    assert history.n_epochs == 0
    longer = history.extended(**{name: [0.5, 0.25] for name in history.to_arrays()})
    assert (history.n_epochs, longer.n_epochs) == (0, 2)
    assert longer.train_loss.dtype == np.float64
    assert longer.seconds.dtype == np.float64
