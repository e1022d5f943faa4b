"""Networks kept along a training: at the same steps, with the same bits, whether it was interrupted or not."""

import numpy as np
import pytest

from eicon.analysis.spectra import training_spectra
from eicon.models import load
from eicon.training import HessianFree, Sampled, Trainer

from .tiny import fit, make_net, make_task, rewind, state


def kept(folder):
    """What is in each file."""
    return {path.name: load(path).parameters() for path in sorted(folder.iterdir())}


def assert_same(first, second):
    assert list(first) == list(second)
    for name, values in first.items():
        assert all((np.asarray(values[k]) == np.asarray(second[name][k])).all() for k in values), name


@pytest.fixture
def whole(trainer, tmp_path):
    """Of 20 steps without interruption."""
    fit(trainer, 20, snapshots=tmp_path / "whole", checkpoint_every=10)
    return kept(tmp_path / "whole")


@pytest.fixture
def at_0(_trainer_at_0):
    """What `rewind` takes to begin anew."""
    return _trainer_at_0


def test_start_every_so_many_steps_and_end(trainer, at_10, whole, tmp_path):
    assert list(whole) == ["step_00000.npz", "step_00010.npz", "step_00020.npz"]
    np.testing.assert_array_equal(whole["step_00010.npz"]["raw_rec"], at_10[0]["raw_rec"])
    np.testing.assert_array_equal(whole["step_00020.npz"]["raw_rec"], state(trainer)["raw_rec"])
    np.testing.assert_array_equal(whole["step_00000.npz"]["raw_rec"], np.asarray(make_net().parameters()["raw_rec"]))
    nets = [load(path) for path in sorted((tmp_path / "whole").iterdir())]
    spectra = training_spectra([np.asarray(net.W_rec) for net in nets], [0, 10, 20], excitatory=nets[0].is_excitatory)
    assert len(set(spectra.radius)) == 3


def test_training_is_the_same_without_them(trainer, reference, whole):
    assert (state(trainer)["raw_rec"] == reference[0]["raw_rec"]).all()
    assert (trainer.history.loss == reference[1].loss).all()


def test_interrupted_training_keeps_the_same_files(at_0, twin, whole, tmp_path):
    """The checkpoint of the interruption, at step 15, leaves no file of its own and moves no other."""
    options = {"snapshots": tmp_path / "parts", "checkpoint": tmp_path / "c.npz", "checkpoint_every": 10}

    def interrupt(history):
        if history.n_steps == 15:
            raise KeyboardInterrupt
        return False

    start = {name: np.asarray(value) for name, value in whole["step_00000.npz"].items()}
    with pytest.raises(KeyboardInterrupt):
        fit(rewind(*at_0), 20, stop_when=interrupt, **options)
    assert (start["raw_rec"] == kept(tmp_path / "parts")["step_00000.npz"]["raw_rec"]).all()
    assert list(kept(tmp_path / "parts")) == ["step_00000.npz", "step_00010.npz"]
    twin.resume(tmp_path / "c.npz")
    assert twin.step == 15
    fit(twin, 5, **options)
    assert_same(kept(tmp_path / "parts"), whole)
    fit(twin, 0, **options)
    assert_same(kept(tmp_path / "parts"), whole)


def test_a_file_is_there_before_the_checkpoint_that_is_resumed_from(trainer, tmp_path, monkeypatch):
    """Or training killed between the two would never write it."""
    there = []
    monkeypatch.setattr(Trainer, "save_checkpoint", lambda *_: there.append(sorted(kept(tmp_path / "s"))))
    fit(trainer, 15, snapshots=tmp_path / "s", checkpoint=tmp_path / "c.npz", checkpoint_every=10)
    assert [names[-1] for names in there] == ["step_00010.npz", "step_00015.npz"]


def test_steps_that_validations_skip_and_early_ends(trainer, tmp_path):
    """Chunks end at multiples of 5: the first end at or after a multiple of 7 is kept."""
    fit(trainer, 25, snapshots=tmp_path / "s", checkpoint_every=7, stop_when=lambda history: history.n_steps == 20)
    assert list(kept(tmp_path / "s")) == [f"step_{step:05d}.npz" for step in (0, 10, 15, 20)]


def test_nothing_is_kept_unless_asked(trainer, tmp_path):
    fit(trainer, 5, checkpoint=tmp_path / "c.npz", checkpoint_every=5)
    assert [path.name for path in tmp_path.iterdir()] == ["c.npz"]


@pytest.mark.battery
def test_hessian_free_keeps_them_too(tmp_path):
    learner = HessianFree(max_cg_iterations=2, n_probes=0)
    trainer = Trainer(make_net(), make_task(), learner=learner, trials=Sampled(8), validation_repeats=2)
    trainer.fit(3, snapshots=tmp_path / "s", checkpoint_every=2, progress=False)
    assert list(kept(tmp_path / "s")) == [f"step_{step:05d}.npz" for step in (0, 2, 3)]
    np.testing.assert_array_equal(kept(tmp_path / "s")["step_00003.npz"]["raw_rec"], trainer.net.raw_rec.value)
