"""Checkpoints: exact resume, and refusal of what does not belong to the training."""

import brainpy as bp
import jax.numpy as jnp
import numpy as np
import pytest

from eicon._files import save_arrays
from eicon.models import Connectivity, RateRNN, save
from eicon.training import (
    RatePenalty,
    Trainer,
    VanishingGradient,
    WeightPenalty,
    cross_entropy,
)
from eicon.training._checkpoint import read_history
from eicon.training._trainer import flat
from eicon.training.results import History

from .tiny import (
    assert_same_history,
    assert_same_state,
    fit,
    make_net,
    make_task,
    make_trainer,
    rewind,
    start_of,
    state,
)


@pytest.fixture(scope="module")
def checkpoint(_trainer_at_0, at_10, tmp_path_factory):
    """Written after ten steps."""
    trainer = _trainer_at_0[0]
    rewind(*_trainer_at_0)
    fit(trainer, 10)
    assert_same_state(state(trainer), at_10[0])
    trainer._history = at_10[1]
    path = tmp_path_factory.mktemp("checkpoints") / "at_10.npz"
    trainer.save_checkpoint(path)
    return path


def test_resumed_training_is_the_uninterrupted_one(twin, reference, checkpoint, at_10):
    """Known mistake 22: 20 steps = 10, resume in another trainer with other weights, 10."""
    assert (state(twin)["raw_rec"] != at_10[0]["raw_rec"]).any()
    twin.resume(checkpoint)
    assert twin.step == 10
    assert_same_state(state(twin), at_10[0])
    np.testing.assert_array_equal(twin.history.seconds, at_10[1].seconds)
    fit(twin, 10)
    assert_same_state(state(twin), reference[0])
    assert_same_history(twin.history, reference[1])
    assert (np.diff(twin.history.seconds) > 0).all()


def test_resume_does_not_change_what_compiled_chunks_take(trainer, checkpoint):
    """A weakly typed counter that came back strongly typed would have every chunk compiled again."""

    def types() -> dict[str, tuple]:
        values, learner = start_of(trainer)
        named = {**values, **flat(learner)}
        return {name: (value.dtype, value.shape, value.weak_type) for name, value in named.items()}

    before = types()
    assert len(before) > len(trainer.net.parameters()) + 3
    trainer.resume(checkpoint)
    assert types() == before


def test_resume_in_the_middle_of_a_chunk(trainer, twin, reference, tmp_path):
    fit(trainer, 13, checkpoint=tmp_path / "at_13.npz")
    twin.resume(tmp_path / "at_13.npz")
    fit(twin, 7)
    assert_same_state(state(twin), reference[0])
    assert_same_history(twin.history, reference[1])


def test_when_checkpoints_are_written(trainer, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(Trainer, "save_checkpoint", lambda self, path: written.append((str(path), self.step)))
    fit(trainer, 25, checkpoint=tmp_path / "c.npz", checkpoint_every=10)
    assert written == [(str(tmp_path / "c.npz"), step) for step in (10, 20, 25)]
    fit(trainer, 5)
    assert len(written) == 3


def test_what_is_in_a_checkpoint(trainer, checkpoint):
    with np.load(checkpoint, allow_pickle=False) as archive:
        names = set(archive.files)
        assert all(archive[name].dtype.hasobject is False for name in archive.files)
        size = sum(value.size for value in trainer.net.trainable_variables().values())
        assert [archive[f"learner/optimizer.all_{moment}"].size for moment in "mv"] == [size] * 2
    assert {f"variables/{name}" for name in trainer.net.variables()} <= names
    assert {f"best/{name}" for name in (*trainer.net.trainable_variables(), "step", "rank")} <= names
    assert {f"history/{name}" for name in History()} <= names
    assert {"learner/rate", "learner/optimizer.step"} <= names


def test_history_can_be_read_alone(checkpoint, at_10):
    assert_same_history(read_history(checkpoint), at_10[1])


def other_mask():
    recurrent = Connectivity.dale(10)
    mask = recurrent.mask.copy()
    mask[0, 1] = False
    return Connectivity(recurrent.sign, mask, recurrent.fixed)


def custom(recurrent=None, **options):
    learns = {"train_x0": True, "bias": True, "readout_bias": True, "sigma_rec": 0.15, "sigma_in": 0.01}
    plain = make_net()
    input_, readout = plain.input.connectivity, plain.readout.connectivity
    return RateRNN(recurrent or plain.recurrent.connectivity, input_, readout, **(learns | options))


OTHERS = {
    "stages": lambda: make_trainer(task=make_task(decision=80.0)),
    "stages, catch trials of the task": lambda: make_trainer(task=make_task(catch=False)),
    "learner": lambda: make_trainer(optimizer="sgd"),
    "learner, its learning rate": lambda: make_trainer(learning_rate=0.02),
    "learner, its weight decay": lambda: make_trainer(optimizer=bp.optim.Adam(0.01, weight_decay=0.1)),
    "learner, its schedule": lambda: make_trainer(learning_rate=bp.optim.ExponentialDecayLR(0.01, 10, 0.9)),
    "loss": lambda: make_trainer(loss=cross_entropy),
    "penalties": lambda: make_trainer(penalties=[RatePenalty(0.1)]),
    "penalties, vanishing gradient": lambda: make_trainer(penalties=[VanishingGradient()]),
    "penalties, several": lambda: make_trainer(penalties=[WeightPenalty(0.1), RatePenalty(0.1)]),
    "learner, clip_norm": lambda: make_trainer(clip_norm=None),
    "trials": lambda: make_trainer(batch_size=9),
    "validation_repeats": lambda: make_trainer(validation_repeats=3),
    "seed": lambda: make_trainer(seed=4),
    "network": lambda: make_trainer(make_net(sigma_rec=0.1)),
    "network, its noise covariance": lambda: make_trainer(make_net(noise_covariance=np.eye(10))),
    "network, its activation": lambda: make_trainer(make_net(activation="tanh")),
    "network, its mask": lambda: make_trainer(custom(other_mask())),
    "network, its positive map": lambda: make_trainer(make_net(positive="softplus")),
    "network, what it learns": lambda: make_trainer(make_net(train_x0=False)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_checkpoint_of_another_training_is_refused_and_the_difference_named(checkpoint, name):
    other = OTHERS[name]()
    before = state(other)
    what = name.partition(",")[0]
    with pytest.raises(
        ValueError, match=rf"at_10.npz belongs to a different training: {what} differ \({what} is .* there"
    ):
        other.resume(checkpoint)
    assert_same_state(state(other), before)
    assert other.step == 0


def test_all_differences_are_named(checkpoint):
    with pytest.raises(
        ValueError, match=r"learner, trials, seed differ \(learner is .*'clip_norm': 1.0.* there and .*'clip_norm': 2.0"
    ):
        make_trainer(seed=4, batch_size=2, clip_norm=2.0).resume(checkpoint)


def test_order_of_time_constants_matters(tmp_path):
    tau = np.linspace(40.0, 120.0, 10)
    make_trainer(make_net(tau=tau)).save_checkpoint(tmp_path / "c.npz")
    with pytest.raises(ValueError, match="network differ"):
        make_trainer(make_net(tau=tau[::-1])).resume(tmp_path / "c.npz")
    make_trainer(make_net(tau=tau, seed=9)).resume(tmp_path / "c.npz")


def test_functions_are_compared_by_name_and_not_by_address(tmp_path):
    """Another process defines the same function anew, at another address."""

    def define():
        def smooth(network, activity, trial):
            return jnp.mean(activity.rates)

        def loss(outputs, trial):
            return jnp.mean(outputs**2)

        return {"penalties": [smooth], "loss": loss}

    first, second = define(), define()
    assert repr(first["loss"]) != repr(second["loss"])
    make_trainer(**first).save_checkpoint(tmp_path / "c.npz")
    make_trainer(**second).resume(tmp_path / "c.npz")
    with pytest.raises(ValueError, match="penalties differ"):
        make_trainer(**{**second, "penalties": [second["loss"]]}).resume(tmp_path / "c.npz")


def refuse(trainer, path, text, error=ValueError):
    before = state(trainer)
    with pytest.raises(error, match=text):
        trainer.resume(path)
    assert_same_state(state(trainer), before)
    assert trainer.history.n_steps == 0


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_truncated_checkpoint_is_refused(trainer, checkpoint, tmp_path, share):
    whole = checkpoint.read_bytes()
    path = tmp_path / "part.npz"
    path.write_bytes(whole[: int(share * len(whole))])
    refuse(trainer, path, "part.npz is not an eicon checkpoint file, or it is truncated")


def test_damaged_checkpoint_is_refused(trainer, checkpoint, tmp_path):
    damaged = bytearray(checkpoint.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    path = tmp_path / "damaged.npz"
    path.write_bytes(damaged)
    refuse(trainer, path, r"damaged.npz is damaged, or not a valid eicon checkpoint \(Bad CRC-32 for")


def test_foreign_files_are_refused(trainer, tmp_path):
    save(trainer.net, tmp_path / "network.npz")
    refuse(trainer, tmp_path / "network.npz", "contains 'eicon.network', not an eicon checkpoint")
    np.savez(tmp_path / "numpy.npz", a=np.zeros(3))
    refuse(trainer, tmp_path / "numpy.npz", "was not written by eicon")
    (tmp_path / "text.npz").write_text("hello")
    refuse(trainer, tmp_path / "text.npz", "is not an eicon checkpoint file")
    refuse(trainer, tmp_path / "none.npz", "no eicon checkpoint file at", FileNotFoundError)


def test_pickles_are_not_executed(trainer, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    header = np.frombuffer(b'{"format": "eicon.checkpoint", "version": 2}', np.uint8)
    bomb = {"header.json": header, "bomb": np.array([Bomb()], object)}
    np.savez(tmp_path / "bomb.npz", allow_pickle=True, **bomb)
    refuse(trainer, tmp_path / "bomb.npz", "bomb.npz is damaged, .* contains Python objects, which are never loaded")
    assert not (tmp_path / "exploded").exists()


def test_incomplete_checkpoint_is_refused(trainer, checkpoint, tmp_path):
    with np.load(checkpoint) as archive:
        arrays = {name: archive[name] for name in archive.files}
    for missing, text in (
        ("history/loss", "is incomplete: it lacks 'history/loss'"),
        ("variables/raw_rec", "is incomplete: it lacks 'variables/raw_rec'"),
    ):
        path = tmp_path / "incomplete.npz"
        np.savez(path, **{name: value for name, value in arrays.items() if name != missing})
        refuse(trainer, path, text)


def test_a_failed_write_leaves_the_old_checkpoint(trainer, checkpoint, tmp_path, monkeypatch):
    path = tmp_path / "c.npz"
    path.write_bytes(checkpoint.read_bytes())

    def full(stream, *_, **__):
        stream.write(b"half a file")
        raise OSError("no space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(OSError, match="no space left"):
        trainer.save_checkpoint(path)
    assert path.read_bytes() == checkpoint.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["c.npz"]


def of_version_1(path, trainer):
    """What 0.1.0 wrote: the same layout with version 1, and a history in single precision."""
    trainer.save_checkpoint(path)
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files if name != "header.json"}
    single = {name: a.astype(np.float32) for name, a in arrays.items() if name.startswith("history/") and a.ndim}
    single |= {name: arrays[name] for name in ("history/seconds", "history/validation_step")}
    save_arrays(path, arrays | single, kind="checkpoint", version=1, header={"setup": {}})


def test_a_checkpoint_of_0_1_0_is_refused_and_its_history_read(trainer, tmp_path):
    path = tmp_path / "old.npz"
    fit(trainer, 10)
    history = trainer.history
    of_version_1(path, trainer)
    assert_same_history(read_history(path), history)
    assert {values.dtype for values in read_history(path).values()} == {np.dtype(float), np.dtype(int)}
    trainer._history = History()
    with pytest.raises(ValueError, match="old.npz was written by eicon 0.1.0, whose trainings") as caught:
        trainer.resume(path)
    assert "\n" not in str(caught.value)
    assert trainer.step == 0


def test_history_survives_the_file(trainer, tmp_path):
    history = History().extended(
        loss=[0.1, 0.2], accuracy=[np.nan, 0.5], grad_norm=[1.0, 2.0], stage=[0, 1], seconds=[1e-9, 1.0 / 3.0],
        compile_seconds=[0.0, 1e-9], validation_seconds=[0.0, 1.0 / 7.0], reduction_ratio=[-0.5, np.inf],
        validation_step=[2], validation_loss=[0.3], validation_accuracy=[np.nan], validation_worst=[np.inf],
    )  # fmt: skip
    trainer._history = history
    trainer.save_checkpoint(tmp_path / "c.npz")
    loaded = read_history(tmp_path / "c.npz")
    for name, values in history.items():
        assert loaded[name].dtype == values.dtype
        assert loaded[name].tobytes() == values.tobytes()
