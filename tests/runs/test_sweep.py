"""Running a sweep: the same bits wherever it runs, whatever was there before."""

import json
import logging
import shutil
import subprocess

import numpy as np
import pytest

from eicon.models import LowRank, RateRNN, load
from eicon.models.initial import spectral_radius
from eicon.runs import ConfigError, SweepError, create_sweep, open_sweep, parse_sweep, run_sweep
from eicon.runs import _sweep_run as sweep_run
from eicon.runs._sweep_config import override
from eicon.runs._sweep_run import SweepRun, make_network, make_neurons, read_record
from eicon.runs.results import Sweep
from eicon.training import _program

from .sweeping import assert_same_bits, bits, finish, finished, litter, start


@pytest.fixture
def copy(finished_sweep, tmp_path):
    """A finished sweep that may be changed."""
    shutil.copytree(finished_sweep.path, tmp_path / "copy")
    return open_sweep(tmp_path / "copy")


@pytest.fixture
def here(tmp_path, small_connectome):
    """Directory of tiny sweeps in this process, by their changes."""

    def make(name="new", **changes):
        text = "[training]\nepochs = 2\nrepeats = 1\nn_trials = 10\n[task]\nname = 'SequenceMemory'\npattern_length = 2"
        settings = {"connectome.name": str(small_connectome)} | {k.replace("__", "."): v for k, v in changes.items()}
        sweep = create_sweep(tmp_path / name, override(parse_sweep(text), settings))
        run_sweep(sweep, workers=0, progress=False)
        return sweep

    return make


def test_each_run_has_its_curves_settings_and_network(finished_sweep):
    runs = finished_sweep.runs()
    assert len(runs) == 4
    for run in runs:
        arrays, header = read_record(run.record)
        assert {"train_loss", "validation_loss", "train_accuracy", "validation_accuracy", "seconds"} == set(arrays)
        assert all(len(curve) == 4 for curve in arrays.values())
        assert header["settings"]["training"]["learning_rate"] == run.combination["training.learning_rate"]
        assert (header["n_rec"], header["repeat"], header["diverged"]) == (12, run.repeat, False)
        assert load(run.network).n_rec == 12
    losses = {read_record(run.record)[0]["validation_loss"].tobytes() for run in runs}
    assert len(losses) == 4
    assert litter(finished_sweep.path) == []


def test_combinations_share_random_numbers_and_repeats_do_not(finished_sweep):
    first, again, other, _ = finished_sweep.runs()
    task = first.settings.make_task()
    assert first.settings != other.settings
    same = [make_neurons(run).weights.tobytes() for run in (first, other)]
    assert same[0] == same[1] != make_neurons(again).weights.tobytes()
    weights = [np.asarray(make_network(run, task).W_rec).tobytes() for run in (first, other, again)]
    assert weights[0] == weights[1] != weights[2]


def test_a_second_start_does_nothing_and_says_the_same(copy):
    before = {path: path.stat().st_mtime_ns for path in copy.path.rglob("*.npz")}
    summaries = run_sweep(copy, workers=0, progress=False)
    assert {path: path.stat().st_mtime_ns for path in copy.path.rglob("*.npz")} == before
    assert [summary["repeat"] for summary in summaries] == [0, 1, 0, 1]
    assert all(0 < summary["best_validation_loss"] <= summary["validation_loss"] for summary in summaries)
    json.dumps(summaries, allow_nan=False)


def test_a_deleted_run_is_done_again_with_the_same_bits_and_no_other_is(copy, finished_sweep):
    gone = copy.runs()[1]
    shutil.rmtree(gone.path)
    before = {run.path: run.record.stat().st_ino for run in copy.runs() if run.done}
    assert len(before) == 3
    run_sweep(copy, workers=0, progress=False)
    assert_same_bits(copy.path, finished_sweep.path)
    assert {path: (path / "run.npz").stat().st_ino for path in before} == before


@pytest.mark.battery
def test_more_repeats_and_values_do_only_what_is_new(copy, finished_sweep, monkeypatch):
    done = []
    train = sweep_run._train
    monkeypatch.setattr(sweep_run, "_train", lambda run, directory: (done.append(run.path), train(run, directory)))
    changes = {"training.repeats": 3, "grid.training.learning_rate": [0.001, 0.02, 0.01]}
    larger = create_sweep(copy.path, override(copy.config, changes))
    run_sweep(larger, workers=0, progress=False)
    assert len(done) == 5
    old = bits(finished_sweep.path)
    assert {name: value for name, value in bits(copy.path).items() if name in old} == old


@pytest.mark.battery
@pytest.mark.parametrize("workers", [1, 2])
def test_a_cluster_gives_the_bits_of_this_process(workers, finished_sweep, sweep_toml, tmp_path, monkeypatch, capfd):
    """And leaves neither files in the current directory, nor messages, nor changed log levels."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    levels = {name: logging.getLogger(name).level for name in list(logging.root.manager.loggerDict)}
    sweep = create_sweep("../cluster", parse_sweep(sweep_toml))
    summaries = run_sweep(sweep, workers=workers, progress=False)
    assert_same_bits(tmp_path / "cluster", finished_sweep.path)
    drop = ("seconds",)
    for ours, theirs in zip(summaries, run_sweep(finished_sweep, workers=0, progress=False), strict=True):
        assert {k: v for k, v in ours.items() if k not in drop} == {k: v for k, v in theirs.items() if k not in drop}
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert litter(tmp_path / "cluster") == []
    assert capfd.readouterr() == ("", "")
    assert {name: logging.getLogger(name).level for name in levels} == levels


@pytest.mark.battery
def test_another_sweep_is_faster(finished_sweep, sweep_toml, tmp_path, monkeypatch):
    """It does everything while the first run of this one is being written."""
    sweep = create_sweep(tmp_path / "shared", parse_sweep(sweep_toml))
    train, other = sweep_run._train, []

    def slow(run, directory):
        if not other:
            other.append(None)
            other.extend(run_sweep(sweep, workers=0, progress=False))
        train(run, directory)

    monkeypatch.setattr(sweep_run, "_train", slow)
    summaries = run_sweep(sweep, workers=0, progress=False)
    assert summaries == other[1:]
    assert len(summaries) == 4
    assert_same_bits(tmp_path / "shared", finished_sweep.path)
    assert litter(tmp_path / "shared") == []


@pytest.mark.battery
def test_two_sweeps_at_once_on_one_directory(finished_sweep, sweep_toml, tmp_path):
    (tmp_path / "sweep.toml").write_text(sweep_toml)
    words = ("--quiet", "sweep", tmp_path / "sweep.toml", "--out", tmp_path / "shared", "--workers", 0, "--json")
    both = [start(*words) for _ in range(2)]
    answers = [finish(process) for process in both]
    assert [answer[0] for answer in answers] == [0, 0], answers
    assert_same_bits(tmp_path / "shared", finished_sweep.path)
    assert litter(tmp_path / "shared") == []
    assert len(json.loads(answers[0][1])) == 4


@pytest.mark.battery
def test_stored_networks_are_complete_after_a_resume(here, tmp_path, monkeypatch):
    """The checkpoint of a killed run holds the last state only; earlier networks must come from elsewhere."""
    whole = here("whole", training__epochs=6, training__store_every=2)
    assert [path.name for path in sorted((whole.runs()[0].path / "networks").iterdir())] == [
        "epoch=0.npz",
        "epoch=2.npz",
        "epoch=4.npz",
        "epoch=5.npz",
    ]
    original, calls = sweep_run.Trainer.fit, []

    def killed(trainer, steps, **options):
        original(trainer, steps, **options)
        calls.append(trainer.step // trainer.trials.steps_per_epoch)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return trainer.history

    with monkeypatch.context() as patch:
        patch.setattr(sweep_run.Trainer, "fit", killed)
        with pytest.raises(KeyboardInterrupt):
            here("killed", training__epochs=6, training__store_every=2)
    assert calls == [1, 3, 5]
    assert finished(tmp_path / "killed") == []
    again = here("killed", training__epochs=6, training__store_every=2)
    assert_same_bits(again.path, whole.path)
    assert sorted(path.name for path in again.path.iterdir()) == ["runs", "sweep.toml"]


def test_networks_that_differ_in_their_numbers_are_compiled_once(here):
    """Repeats, null models, remaps, spectral radii and learning rates; another activation is another program."""
    _program._kept.clear()
    changes = {
        "training__repeats": 2,
        "grid__connectome__null": ["none", "permute"],
        "grid__network__spectral_radius": [0.0, 0.5],
        "grid__training__learning_rate": [0.01, 0.001],
    }
    here("many", **changes)
    names = [wanted[0] for wanted in _program._kept]
    assert names.count("Epochs.run") == 1
    here("others", grid__network__activation=["relu", "tanh"])
    assert [wanted[0] for wanted in _program._kept].count("Epochs.run") == 2


def test_a_run_that_diverges_is_recorded(here):
    sweep = here(training__learning_rate=1e30, training__optimizer="sgd", training__store_every=1)
    (summary,) = run_sweep(sweep, workers=0, progress=False)
    assert summary["diverged"]
    assert not sweep.runs()[0].network.exists()
    arrays, _ = read_record(sweep.runs()[0].record)
    assert all(len(curve) == 2 and np.isnan(curve[-1]) for curve in arrays.values())


def test_the_default_sweep_uses_the_weights_within_regions_that_were_measured(tmp_path):
    from eicon.connectomes import load as load_connectome

    (run, *_) = create_sweep(tmp_path / "worm", parse_sweep("")).runs()
    worm = load_connectome("celegans").weights
    np.testing.assert_array_equal(make_neurons(run).weights, np.where(np.eye(302, dtype=bool), 0, worm))
    settings = override(run_sweep_config(run), {"connectome.autapses": True})
    (kept, *_) = create_sweep(tmp_path / "autapses", settings).runs()
    np.testing.assert_array_equal(make_neurons(kept).weights, worm)


def run_sweep_config(run: SweepRun):
    return open_sweep(run.root).config


def test_a_damaged_record_is_named(copy):
    record = copy.runs()[2].record
    record.write_bytes(record.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"learning_rate=0\.001/repeat=0/run\.npz.*truncated"):
        run_sweep(copy, workers=0, progress=False)


def test_a_directory_in_the_way_is_named_and_left_alone(copy):
    run = copy.runs()[3]
    run.record.unlink()
    (run.path / "notes.txt").write_text("mine")
    message = r"repeat=1 is not empty and holds no finished run; remove it\. 3 of 4 runs are finished and kept"
    with pytest.raises(SweepError, match=message):
        run_sweep(copy, workers=0, progress=False)
    assert (run.path / "notes.txt").read_text() == "mine"


def test_litter_of_killed_processes_of_this_machine_is_removed(copy):
    import os
    import socket

    done = subprocess.Popen(["true"])
    done.wait()
    folder = copy.runs()[0].path.parent
    names = {
        f".repeat=0.{socket.gethostname()}.{done.pid}.aaaa.part": False,
        f".repeat=0.{socket.gethostname()}.{os.getpid()}.aaaa.part": True,
        f".repeat=0.elsewhere.{done.pid}.aaaa.part": True,
    }
    for name in names:
        (folder / name).mkdir()
    (copy.path / "checkpoints").mkdir()
    for name, age in ((".a.npz.x.part", 9e3), (".b.npz.x.part", 0)):
        (copy.path / "checkpoints" / name).write_text("half")
        written = (copy.path / "checkpoints" / name).stat().st_mtime - age
        os.utime(copy.path / "checkpoints" / name, (written, written))
    run_sweep(copy, workers=0, progress=False)
    assert {name: (folder / name).exists() for name in names} == names
    assert [path.name for path in (copy.path / "checkpoints").iterdir()] == [".b.npz.x.part"]


def test_without_dask_the_message_says_what_to_install(copy, monkeypatch):
    import sys

    shutil.rmtree(copy.runs()[0].path)
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(SweepError, match=r"need dask: pip install 'eicon\[sweep\]' \(or --workers 0\)"):
        run_sweep(copy, workers=1, progress=False)


# pretrained networks


def test_pretrained_from_a_file_and_from_a_sweep(here, tmp_path):
    old = here("old", grid__training__learning_rate=[0.01, 0.1], training__store_every=1)
    for path, index in ((str(old.path), 1), (str(old.runs()[0].network), 0)):
        settings = {
            "pretrained.path": path,
            "grid.training.learning_rate": [0.01, 0.1],
            "training.epochs": 1,
            "seed": 9,
        }
        config = override(old.config, settings)
        run = create_sweep(tmp_path / f"new{index}", config).runs()[index]
        task = run.settings.make_task()
        net = make_network(run, task)
        source = load(old.runs()[index].network)
        for name in ("W_rec", "W_in", "b_rec"):
            given, wanted = getattr(net, name, None), getattr(source, name, None)
            if wanted is not None:
                np.testing.assert_array_equal(np.asarray(given), np.asarray(wanted), err_msg=name)
        assert not np.array_equal(np.asarray(net.W_out), np.asarray(source.W_out))
        bare = create_sweep(tmp_path / f"bare{index}", override(config, {"pretrained.path": ""})).runs()[index]
        np.testing.assert_array_equal(np.asarray(net.W_out), np.asarray(make_network(bare, task).W_out))


def test_pretrained_networks_of_other_epochs_and_repeats(here, tmp_path):
    old = here("old", training__epochs=4, training__store_every=2, training__repeats=2)
    for epoch, repeat, file in (
        (0, 1, "networks/epoch=0.npz"),
        (2, 0, "networks/epoch=2.npz"),
        (3, 1, "network.npz"),
        (-1, 0, "network.npz"),
    ):
        wanted = {"pretrained.path": str(old.path), "pretrained.epoch": epoch, "pretrained.repeat": repeat}
        run = create_sweep(tmp_path / f"{epoch}{repeat}", override(old.config, wanted)).runs()[0]
        net = make_network(run, run.settings.make_task())
        source = load(old.runs()[repeat].path / file)
        np.testing.assert_array_equal(np.asarray(net.W_rec), np.asarray(source.W_rec))
    wanted = {"pretrained.path": str(old.path), "pretrained.epoch": 1}
    with pytest.raises(
        ConfigError, match=r"no network of repeat 0 after epoch 1; stored: epochs 0, 2, 3 \(-1 is the l"
    ):
        create_sweep(tmp_path / "missing", override(old.config, wanted))
    with pytest.raises(ConfigError, match=r"no network of repeat 7 after epoch 1"):
        create_sweep(tmp_path / "missing", override(old.config, wanted | {"pretrained.repeat": 7}))
    assert not (tmp_path / "missing").exists()


def test_a_frozen_pretrained_network_keeps_its_recurrent_weights(here):
    old = here("old")
    source = np.asarray(load(old.runs()[0].network).W_rec)
    for name, freeze in (("frozen", True), ("free", False)):
        settings = {"pretrained__path": str(old.path), "network__freeze": freeze, "training__learning_rate": 0.1}
        trained = np.asarray(load(here(name, **settings).runs()[0].network).W_rec)
        assert np.array_equal(trained, source) == freeze
        np.testing.assert_array_equal(trained != 0, source != 0)


def test_a_pretrained_network_gets_the_constants_of_the_sweep(here, tmp_path):
    """Weights, biases and initial state are those of the file; time constants, activation and noise are not."""
    old = here("old")
    given = load(old.runs()[0].network)
    path = tmp_path / "given.npz"
    given.with_settings(tau=np.linspace(200.0, 300.0, given.n_rec), x0=0.7, sigma_rec=0.3, activation="softplus").save(
        path
    )
    config = override(old.config, {"pretrained.path": str(path)})
    run = create_sweep(tmp_path / "new", config).runs()[0]
    net = make_network(run, run.settings.make_task())
    bare = make_network(create_sweep(tmp_path / "bare", old.config).runs()[0], run.settings.make_task())
    assert (net.tau.tolist(), net.cell, net.sigma_rec) == (bare.tau.tolist(), bare.cell, bare.sigma_rec)
    np.testing.assert_array_equal(net.x0.value, np.full(net.n_rec, 0.7, np.float32))
    np.testing.assert_array_equal(net.W_rec, given.W_rec)
    assert set(net.trainable_variables()) == set(bare.trainable_variables())


def test_pretrained_weights_of_low_rank_are_refused(here, tmp_path):
    old = here("old")
    given = load(old.runs()[0].network)
    weights = LowRank.drawn(given.n_rec, 2)
    RateRNN(weights, given.input, given.readout, tau=100.0, bias=True).save(tmp_path / "given.npz")
    run = create_sweep(tmp_path / "new", override(old.config, {"pretrained.path": str(tmp_path / "given.npz")})).runs()[
        0
    ]
    with pytest.raises(ConfigError, match=r"given.npz has LowRank weights; those of a sweep are Dense\."):
        make_network(run, run.settings.make_task())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"connectome.neurons": 3}, r"has 2 inputs and 6 units; this sweep's networks have 2 and 18"),
        ({"task": {"name": "PictureNBack"}}, r"has 2 inputs and 6 units; this sweep's networks have 65 and 6"),
    ],
)
def test_pretrained_networks_of_other_sizes_are_refused(changes, message, here, tmp_path):
    old = here("old")
    config = override(old.config, {"pretrained.path": str(old.path), **changes})
    with pytest.raises(ConfigError, match=message):
        run_sweep(create_sweep(tmp_path / "new", config), workers=0, progress=False)
    assert finished(tmp_path / "new") == []


def test_pretrained_grids_must_be_in_the_same_order(here, tmp_path):
    old = here("old", grid__training__learning_rate=[0.01, 0.1])
    config = override(old.config, {"pretrained.path": str(old.path), "grid.training.learning_rate": [0.1, 0.01]})
    with pytest.raises(
        ConfigError, match=r"in the same place of .* has training\.learning_rate 0\.01, and here .* 0\.1"
    ):
        create_sweep(tmp_path / "new", config)
    more = override(config, {"grid.training.learning_rate": [0.01, 0.1, 0.2]})
    with pytest.raises(ConfigError, match=r"has 2 combinations, fewer than this sweep"):
        create_sweep(tmp_path / "new", more)
    with pytest.raises(ConfigError, match=r"nowhere is neither a network file nor a sweep's directory"):
        create_sweep(tmp_path / "new", override(config, {"pretrained.path": str(tmp_path / "nowhere")}))


# compat = "bio_rnn_mem"


@pytest.fixture
def marmoset(tmp_path, bio2art):
    """First run of the published sweep, by its changes."""

    def make(**changes):
        settings = {
            "connectome.name": "Marmoset_Normalized",
            "connectome.folder": str(bio2art),
            "connectome.neurons": 4,
            "compat": "bio_rnn_mem",
        }
        config = override(parse_sweep(""), settings | {k.replace("__", "."): v for k, v in changes.items()})
        return Sweep(tmp_path, config).runs()

    return make


@pytest.mark.battery
def test_published_initial_spectral_radius(marmoset):
    """Remapped about .87 (repeats: .83 to 1.03), not remapped about .44."""
    for remap, low, high in (("magnitude", 0.83, 1.03), ("off", 0.38, 0.50)):
        for run in marmoset(network__remap=remap, training__repeats=2):
            net = make_network(run, run.settings.make_task())
            assert low < spectral_radius(np.asarray(net.W_rec)) < high, (remap, run.repeat)


@pytest.mark.battery
def test_published_expansion_is_shared_by_repeats_and_combinations(marmoset):
    runs = marmoset(training__repeats=2, grid__network__activation=["relu", "tanh"])
    expansions = [make_neurons(run).weights for run in runs]
    assert len({weights.tobytes() for weights in expansions}) == 1
    assert (expansions[0] > 0).sum() == 23004
    others = [make_neurons(run).weights.tobytes() for run in marmoset(training__repeats=2, compat="")]
    assert len(set(others)) == 2
    nulls = [make_neurons(run) for run in marmoset(training__repeats=2, connectome__null="permute")]
    assert not np.array_equal(nulls[0].weights, nulls[1].weights), "random_w is drawn again for every repeat"
    np.testing.assert_array_equal(np.sort(nulls[0].weights, axis=None), np.sort(expansions[0], axis=None))


@pytest.mark.battery
def test_published_gamanut_is_used_as_it_stands_in_the_file(marmoset, bio2art):
    """Its rows are targets; the published code takes them for sources, and the others' files are sources already."""
    stored = np.load(bio2art / "C_Mouse_Gamanut_Normalized.npy")
    for compat, wanted in (("bio_rnn_mem", stored), ("", stored.T)):
        (run, *_) = marmoset(connectome__name="mouse_gamanut", connectome__neurons=3, compat=compat)
        blocks = make_neurons(run).weights.astype(np.float64).reshape(19, 3, 19, 3).sum(axis=(1, 3))
        off = ~np.eye(19, dtype=bool)
        np.testing.assert_allclose(blocks[off], wanted[off], rtol=1e-5)


@pytest.mark.battery
def test_published_training(small_connectome, tmp_path, monkeypatch):
    from eicon.runs._published import published_network

    seen, trainer = [], sweep_run.Trainer
    monkeypatch.setattr(
        sweep_run,
        "Trainer",
        lambda net, *words, **options: (seen.append((net, options)), trainer(net, *words, **options))[1],
    )
    made = []
    monkeypatch.setattr(
        sweep_run,
        "published_network",
        lambda *words, **options: (made.append(options), published_network(*words, **options))[1],
    )
    settings = {
        "connectome.name": str(small_connectome),
        "compat": "bio_rnn_mem",
        "training.epochs": 1,
        "training.repeats": 1,
        "training.n_trials": 10,
        "training.optimizer": "rmsprop",
        "network.init": "xavier",
        "task.pattern_length": 2,
    }
    run_sweep(create_sweep(tmp_path / "new", override(parse_sweep(""), settings)), workers=0, progress=False)
    ((net, options),) = seen
    learner = options["learner"]
    assert options["trials"].mean == "batches"
    assert learner.options == {"rho": 0.99, "epsilon": 1e-16}
    assert learner.clip_norm is None
    assert learner.factors == {"b_rec": 2.0}
    assert (made[0]["init"], made[0]["remapped"]) == ("xavier", True)
    assert set(np.asarray(net.tau)) == {net.dt}
