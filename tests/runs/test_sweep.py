"""Running a sweep: the same bits wherever it runs, whatever was there before."""

import json
import logging
import os
import shutil
import subprocess

import numpy as np
import pytest

from eicon._lock import LOCK, DirectoryInUseError, _me
from eicon.models import LowRank, RateRNN, load
from eicon.models.initial import spectral_radius
from eicon.runs import (
    ConfigError,
    SweepError,
    _recipe,
    _run,
    analyze_run,
    create_sweep,
    open_run,
    open_sweep,
    parse_recipe,
    run_sweep,
)
from eicon.runs._run import read_curves
from eicon.runs.results import Sweep
from eicon.training import _program

from .sweeping import assert_same_bits, bits, finish, finished, litter, start

SMALL = """
format = 2
[task]
name = "SequenceMemory"
pattern_length = 2
[network]
kind = "connectome"
storage = "dense"
[connectome]
signs = "free"
[trials]
kind = "fixed"
n = 10
batch_size = 128
[training]
epochs = 2
[grid]
repeat = [0]
"""


@pytest.fixture
def copy(finished_sweep, tmp_path):
    """A finished sweep that may be changed."""
    shutil.copytree(finished_sweep.path, tmp_path / "copy")
    return open_sweep(tmp_path / "copy")


@pytest.fixture
def here(tmp_path, small_connectome):
    """Directory of tiny sweeps in this process, by their changes."""

    def make(name="new", **changes):
        settings = {"connectome.name": str(small_connectome)} | {k.replace("__", "."): v for k, v in changes.items()}
        sweep = create_sweep(tmp_path / name, parse_recipe(SMALL).with_changes(settings))
        run_sweep(sweep, workers=0, progress=False)
        return sweep

    return make


def test_each_run_has_its_curves_settings_and_network(finished_sweep):
    runs = list(finished_sweep.runs())
    assert len(runs) == 4
    for index, run in enumerate(runs):
        arrays, header = read_curves(run.curves)
        names = {"train_loss", "validation_loss", "train_accuracy", "validation_accuracy", "seconds", "step"}
        assert names == set(arrays)
        assert all(len(curve) == 4 for curve in arrays.values())
        combination = finished_sweep.combination(index)
        assert header["recipe"]["learner"]["learning_rate"] == combination["learner.learning_rate"]
        assert header["recipe"]["repeat"] == combination["repeat"] == run.recipe.repeat
        assert (header["n_rec"], header["diverged"], header["axis"]) == (12, False, "epoch")
        assert load(run.network).n_rec == 12
    losses = {read_curves(run.curves)[0]["validation_loss"].tobytes() for run in runs}
    assert len(losses) == 4
    assert litter(finished_sweep.path) == []


def test_every_cell_is_a_run(finished_sweep, copy):
    """That is opened, loaded, analysed, and taken further, as any other."""
    for cell in finished_sweep.runs():
        run = open_run(cell.path)
        assert run.recipe == cell.recipe.completed()
        assert run.recipe.grid == {}
        assert (run.done, run.read_record()["status"]) == (True, "trained")
        history, curves = run.history(), read_curves(run.curves)[0]
        assert history.n_steps == run.read_record()["steps"] == curves["step"][-1]
        np.testing.assert_array_equal(history.validation_loss, curves["validation_loss"])
        assert run.load_network().n_rec == 12
    numbers = analyze_run(open_run(copy.folder(2)), repeats=3)
    assert numbers["training"]["steps"] == history.n_steps
    assert "loss" in numbers["figures"]
    with pytest.raises(ValueError, match="is a run of a sweep, which keeps no training state"):
        _run.with_steps(open_run(copy.folder(2)), 100)


def test_combinations_share_random_numbers_and_repeats_do_not(finished_sweep):
    first, again, other, _ = (run.recipe for run in finished_sweep.runs())
    task = first.make_task()
    assert first.learner != other.learner
    same = [recipe.make_connectome().weights.tobytes() for recipe in (first, other)]
    assert same[0] == same[1] != again.make_connectome().weights.tobytes()
    weights = [np.asarray(recipe.make_network(task).W_rec).tobytes() for recipe in (first, other, again)]
    assert weights[0] == weights[1] != weights[2]


def test_a_second_start_does_nothing_and_says_the_same(copy):
    before = {path: path.stat().st_mtime_ns for path in copy.path.rglob("*.npz")}
    summaries = run_sweep(copy, workers=0, progress=False)
    assert {path: path.stat().st_mtime_ns for path in copy.path.rglob("*.npz")} == before
    assert [summary["combination"]["repeat"] for summary in summaries] == [0, 1, 0, 1]
    assert all(0 < summary["best_validation_loss"] <= summary["validation_loss"] for summary in summaries)
    json.dumps(summaries, allow_nan=False)


def test_a_deleted_run_is_done_again_with_the_same_bits_and_no_other_is(copy, finished_sweep):
    shutil.rmtree(copy.folder(1))
    before = {run.path: run.curves.stat().st_ino for run in copy.runs() if run.done}
    assert len(before) == 3
    run_sweep(copy, workers=0, progress=False)
    assert_same_bits(copy.path, finished_sweep.path)
    assert {path: (path / "run.npz").stat().st_ino for path in before} == before


@pytest.mark.battery
def test_more_repeats_and_values_do_only_what_is_new(copy, finished_sweep, monkeypatch):
    done = []
    train = _run._train
    monkeypatch.setattr(_run, "_train", lambda run, *words: (done.append(run.path), train(run, *words))[1])
    changes = {"grid.repeat": (0, 1, 2), "grid.learner.learning_rate": (0.001, 0.02, 0.01)}
    larger = create_sweep(copy.path, copy.recipe.with_changes(changes))
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
    sweep = create_sweep("../cluster", parse_recipe(sweep_toml, kind="sweep"))
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
def test_a_second_sweep_is_refused_while_the_first_is_done(here, monkeypatch):
    """And a lock whose process is gone is taken over."""
    train, refused = _run._train, []

    def slow(run, *words):
        sweep = open_sweep(run.path.parents[2])
        with pytest.raises(DirectoryInUseError) as error:
            run_sweep(sweep, workers=0, progress=False)
        refused.append(str(error.value))
        return train(run, *words)

    with monkeypatch.context() as patch:
        patch.setattr(_run, "_train", slow)
        sweep = here()
    assert len(refused) == 1
    assert f"the sweep {sweep.path} is being written by this process" in refused[0]
    assert litter(sweep.path) == []


@pytest.mark.battery
def test_two_sweeps_at_once_on_one_directory(finished_sweep, sweep_toml, tmp_path):
    (tmp_path / "sweep.toml").write_text(sweep_toml.replace("epochs = 4", "epochs = 3000"))
    words = ("--quiet", "sweep", tmp_path / "sweep.toml", "--out", tmp_path / "shared", "--workers", 0, "--json")
    both = [start(*words) for _ in range(2)]
    answers = sorted(finish(process) for process in both)
    assert [answer[0] for answer in answers] == [0, 1], answers
    assert "is being written by process" in answers[1][2]
    assert answers[1][2].count("\n") == 1
    assert litter(tmp_path / "shared") == []
    assert len(json.loads(answers[0][1])) == 4


@pytest.mark.battery
def test_stored_networks_are_complete_after_a_resume(here, tmp_path, monkeypatch):
    """The checkpoint of a killed run holds the last state only; earlier networks must come from elsewhere."""
    whole = here("whole", training__epochs=6, training__store_every=2)
    assert [path.name for path in sorted((whole.folder(0) / "networks").iterdir())] == [
        "epoch=0.npz",
        "epoch=2.npz",
        "epoch=4.npz",
        "epoch=5.npz",
    ]
    original, calls = _run.Trainer.fit, []

    def killed(trainer, steps, **options):
        original(trainer, steps, **options)
        calls.append(trainer.step // trainer.trials.steps_per_epoch)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return trainer.history

    with monkeypatch.context() as patch:
        patch.setattr(_run.Trainer, "fit", killed)
        with pytest.raises(KeyboardInterrupt):
            here("killed", training__epochs=6, training__store_every=2)
    assert calls == [1, 3, 5]
    assert finished(tmp_path / "killed") == []
    again = here("killed", training__epochs=6, training__store_every=2)
    assert_same_bits(again.path, whole.path)
    assert sorted(path.name for path in again.path.iterdir()) == ["runs", "sweep.toml"]
    assert not (again.folder(0) / "checkpoints").exists()


@pytest.mark.battery
def test_networks_that_differ_in_their_numbers_are_compiled_once(here):
    """Repeats, null models, remaps, spectral radii and learning rates; another activation is another program."""
    _program._kept.clear()
    changes = {
        "grid__connectome__null": ("none", "permute"),
        "grid__network__spectral_radius": ("drawn", 0.5),
        "grid__learner__learning_rate": (0.01, 0.001),
        "grid__repeat": (0, 1),
    }
    here("many", **changes)
    names = [wanted[0] for wanted in _program._kept]
    assert names.count("Epochs.run") == 1
    here("others", grid__network__activation=("relu", "tanh"))
    assert [wanted[0] for wanted in _program._kept].count("Epochs.run") == 2


@pytest.mark.battery
def test_a_run_that_diverges_is_recorded(here):
    sweep = here(learner__learning_rate=1e30, learner__optimizer="sgd", training__store_every=1)
    (summary,) = run_sweep(sweep, workers=0, progress=False)
    assert summary["diverged"]
    (run,) = sweep.runs()
    assert run.done
    assert not run.network.exists()
    with pytest.raises(FileNotFoundError, match="diverged, so there is no network"):
        open_run(run.path).load_network()
    arrays, _ = read_curves(run.curves)
    assert arrays.pop("step").tolist() == [1, 2]
    assert all(len(curve) == 2 and np.isnan(curve[-1]) for curve in arrays.values())


def test_the_default_sweep_uses_the_weights_within_regions_that_were_measured():
    from eicon.connectomes import load as load_connectome

    recipe = parse_recipe("", kind="sweep")
    worm = load_connectome("celegans").weights
    np.testing.assert_array_equal(recipe.cell(0).make_connectome().weights, np.where(np.eye(302, dtype=bool), 0, worm))
    kept = recipe.with_changes({"connectome.autapses": True}).cell(0)
    np.testing.assert_array_equal(kept.make_connectome().weights, worm)


def test_a_damaged_record_is_named(copy):
    curves = copy.run(2).curves
    curves.write_bytes(curves.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"learning_rate=0\.001/repeat=0/run\.npz.*truncated"):
        run_sweep(copy, workers=0, progress=False)


def test_a_directory_in_the_way_is_named_and_left_alone(copy):
    path = copy.folder(3)
    shutil.rmtree(path)
    path.mkdir()
    (path / "notes.txt").write_text("mine")
    message = (
        r"^run learning_rate=0\.001/repeat=1: .*repeat=1 is not empty and is not a run; remove it\. 3 of 4 runs are "
        r"finished and kept in .*repeat the sweep .*: eicon sweep \S+sweep\.toml --out"
    )
    with pytest.raises(SweepError, match=message):
        run_sweep(copy, workers=0, progress=False)
    assert [(inner.name, inner.read_text()) for inner in path.iterdir()] == [("notes.txt", "mine")]


def test_what_a_killed_process_left_is_removed_and_its_lock_taken_over(copy):
    done = subprocess.Popen(["true"])
    done.wait()
    old = [copy.path / ".sweep.toml.x.part", copy.folder(0) / ".run.json.x.part"]
    for path in old:
        path.write_text("half")
        os.utime(path, (1e9, 1e9))
    (copy.path / LOCK).write_text(json.dumps(_me() | {"pid": done.pid, "started": "1"}))
    run_sweep(copy, workers=0, progress=False)
    assert not any(path.exists() for path in [*old, copy.path / LOCK])


# pretrained networks


@pytest.mark.battery
def test_pretrained_from_a_file_and_from_a_sweep(here, tmp_path):
    old = here("old", grid__learner__learning_rate=(0.01, 0.1), training__store_every=1)
    for path, index in ((str(old.path), 1), (str(old.run(0).network), 0), (str(old.folder(0)), 0)):
        name = f"new{index}{path[-4:]}"
        changes = {"pretrained.path": path, "training.epochs": 1, "seed": 9}
        recipe = old.recipe.with_changes(changes)
        run = create_sweep(tmp_path / name, recipe).run(index)
        task = run.recipe.make_task()
        net = run.recipe.make_network(task)
        source = load(old.run(index).network)
        for name in ("W_rec", "W_in", "b_rec"):
            given, wanted = getattr(net, name, None), getattr(source, name, None)
            if wanted is not None:
                np.testing.assert_array_equal(np.asarray(given), np.asarray(wanted), err_msg=name)
        assert not np.array_equal(np.asarray(net.W_out), np.asarray(source.W_out))
        bare = recipe.with_changes({"pretrained.path": ""}).cell(index).make_network(task)
        np.testing.assert_array_equal(np.asarray(net.W_out), np.asarray(bare.W_out))


@pytest.mark.battery
def test_pretrained_networks_of_other_epochs_and_repeats(here, tmp_path):
    old = here("old", training__epochs=4, training__store_every=2, grid__repeat=(0, 1))
    for epoch, repeat, file in (
        (0, 1, "networks/epoch=0.npz"),
        (2, 0, "networks/epoch=2.npz"),
        (3, 1, "network.npz"),
        (-1, 0, "network.npz"),
    ):
        wanted = {"pretrained.path": str(old.path), "pretrained.epoch": epoch, "pretrained.repeat": repeat}
        recipe = create_sweep(tmp_path / f"{epoch}{repeat}", old.recipe.with_changes(wanted)).run(0).recipe
        net = recipe.make_network(recipe.make_task())
        source = load(old.folder(repeat) / file)
        np.testing.assert_array_equal(np.asarray(net.W_rec), np.asarray(source.W_rec))
    wanted = {"pretrained.path": str(old.path), "pretrained.epoch": 1}
    with pytest.raises(
        ConfigError, match=r"no network of repeat 0 after epoch 1; stored: epochs 0, 2, 3 \(-1 is the l"
    ):
        create_sweep(tmp_path / "missing", old.recipe.with_changes(wanted))
    with pytest.raises(ConfigError, match=r"has 2 repeats; repeat 7 \(counted from 0\) does not exist"):
        create_sweep(tmp_path / "missing", old.recipe.with_changes(wanted | {"pretrained.repeat": 7}))
    assert not (tmp_path / "missing").exists()


@pytest.mark.battery
def test_a_frozen_pretrained_network_keeps_its_recurrent_weights(here):
    old = here("old")
    source = np.asarray(load(old.run(0).network).W_rec)
    for name, freeze in (("frozen", True), ("free", False)):
        settings = {"pretrained__path": str(old.path), "network__freeze": freeze, "learner__learning_rate": 0.1}
        trained = np.asarray(load(here(name, **settings).run(0).network).W_rec)
        assert np.array_equal(trained, source) == freeze
        np.testing.assert_array_equal(trained != 0, source != 0)


def test_a_pretrained_network_gets_the_constants_of_the_sweep(here, tmp_path):
    """Weights, biases and initial state are those of the file; time constants, activation and noise are not."""
    old = here("old")
    given = load(old.run(0).network)
    path = tmp_path / "given.npz"
    given.with_settings(tau=np.linspace(200.0, 300.0, given.n_rec), x0=0.7, sigma_rec=0.3, activation="softplus").save(
        path
    )
    recipe = old.recipe.with_changes({"pretrained.path": str(path)}).cell(0)
    net = recipe.make_network(recipe.make_task())
    bare = old.recipe.cell(0).make_network(recipe.make_task())
    assert (net.tau.tolist(), net.cell, net.sigma_rec) == (bare.tau.tolist(), bare.cell, bare.sigma_rec)
    np.testing.assert_array_equal(net.x0.value, np.full(net.n_rec, 0.7, np.float32))
    np.testing.assert_array_equal(net.W_rec, given.W_rec)
    assert set(net.trainable_variables()) == set(bare.trainable_variables())


def test_pretrained_weights_of_low_rank_are_refused(here, tmp_path):
    old = here("old")
    given = load(old.run(0).network)
    weights = LowRank.drawn(given.n_rec, 2)
    RateRNN(weights, given.input, given.readout, tau=100.0, bias=True).save(tmp_path / "given.npz")
    recipe = old.recipe.with_changes({"pretrained.path": str(tmp_path / "given.npz")}).cell(0)
    with pytest.raises(ConfigError, match=r"given.npz has LowRank weights; they must be Dense\."):
        recipe.make_network(recipe.make_task())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"connectome.neurons": 3}, r"has 2 inputs and 6 units; this recipe's networks have 2 and 18"),
        ({"task": {"name": "PictureNBack"}}, r"has 2 inputs and 6 units; this recipe's networks have 65 and 6"),
    ],
)
def test_pretrained_networks_of_other_sizes_are_refused(changes, message, here, tmp_path):
    old = here("old")
    recipe = old.recipe.with_changes({"pretrained.path": str(old.path), **changes})
    with pytest.raises(ConfigError, match=message):
        run_sweep(create_sweep(tmp_path / "new", recipe), workers=0, progress=False)
    assert finished(tmp_path / "new") == []


@pytest.mark.battery
def test_pretrained_grids_must_be_in_the_same_order(here, tmp_path):
    old = here("old", grid__learner__learning_rate=(0.01, 0.1))
    recipe = old.recipe.with_changes({"pretrained.path": str(old.path), "grid.learner.learning_rate": (0.1, 0.01)})
    with pytest.raises(
        ConfigError, match=r"at the same index in .* has learner\.learning_rate 0\.01, but here .* 0\.1"
    ):
        create_sweep(tmp_path / "new", recipe)
    more = recipe.with_changes({"grid.learner.learning_rate": (0.01, 0.1, 0.2)})
    with pytest.raises(ConfigError, match=r"has 2 combinations, fewer than this sweep"):
        create_sweep(tmp_path / "new", more)
    with pytest.raises(ConfigError, match=r"nowhere is neither a network file, nor the directory of a run or a sweep"):
        create_sweep(tmp_path / "new", recipe.with_changes({"pretrained.path": str(tmp_path / "nowhere")}))


# compat = "bio_rnn_mem"


@pytest.fixture
def marmoset(tmp_path, bio2art):
    """First run of the published sweep, by its changes."""

    def make(**changes):
        settings = {
            "connectome.name": "Marmoset_Normalized",
            "connectome.folder": str(bio2art),
            "connectome.neurons": 4,
        }
        recipe = parse_recipe(f"compat = '{changes.pop('compat', 'bio_rnn_mem')}'", kind="sweep")
        changes = {k.replace("__", "."): v for k, v in changes.items()}
        return list(Sweep(tmp_path, recipe.with_changes(settings | changes)).runs())

    return make


@pytest.mark.battery
def test_published_initial_spectral_radius(marmoset):
    """Remapped about .87 (repeats: .83 to 1.03), not remapped about .44."""
    for remap, low, high in (("magnitude", 0.83, 1.03), ("off", 0.38, 0.50)):
        for run in marmoset(network__remap=remap, grid__repeat=(0, 1)):
            net = run.recipe.make_network(run.recipe.make_task())
            assert low < spectral_radius(np.asarray(net.W_rec)) < high, (remap, run.recipe.repeat)


@pytest.mark.battery
def test_published_expansion_is_shared_by_repeats_and_combinations(marmoset):
    runs = marmoset(grid__network__activation=("relu", "tanh"), grid__repeat=(0, 1))
    expansions = [run.recipe.make_connectome().weights for run in runs]
    assert len({weights.tobytes() for weights in expansions}) == 1
    assert (expansions[0] > 0).sum() == 23004
    others = [run.recipe.make_connectome().weights.tobytes() for run in marmoset(grid__repeat=(0, 1), compat="")]
    assert len(set(others)) == 2
    nulls = [run.recipe.make_connectome() for run in marmoset(grid__repeat=(0, 1), connectome__null="permute")]
    assert not np.array_equal(nulls[0].weights, nulls[1].weights), "random_w is drawn again for every repeat"
    np.testing.assert_array_equal(np.sort(nulls[0].weights, axis=None), np.sort(expansions[0], axis=None))


@pytest.mark.battery
def test_published_gamanut_is_used_as_it_stands_in_the_file(marmoset, bio2art):
    """Its rows are targets; the published code takes them for sources, and the others' files are sources already."""
    stored = np.load(bio2art / "C_Mouse_Gamanut_Normalized.npy")
    for compat, wanted in (("bio_rnn_mem", stored), ("", stored.T)):
        (run, *_) = marmoset(connectome__name="mouse_gamanut", connectome__neurons=3, compat=compat)
        blocks = run.recipe.make_connectome().weights.astype(np.float64).reshape(19, 3, 19, 3).sum(axis=(1, 3))
        off = ~np.eye(19, dtype=bool)
        np.testing.assert_allclose(blocks[off], wanted[off], rtol=1e-5)


@pytest.mark.battery
def test_published_training(small_connectome, tmp_path, monkeypatch):
    from eicon.runs._published import published_network

    seen, trainer = [], _recipe.Trainer
    monkeypatch.setattr(
        _recipe,
        "Trainer",
        lambda net, *words, **options: (seen.append((net, options)), trainer(net, *words, **options))[1],
    )
    made = []
    monkeypatch.setattr(
        _recipe,
        "published_network",
        lambda *words, **options: (made.append(options), published_network(*words, **options))[1],
    )
    settings = {
        "connectome.name": str(small_connectome),
        "training.epochs": 1,
        "grid.repeat": (0,),
        "trials.n": 10,
        "network.init": "xavier",
        "task.pattern_length": 2,
    }
    text = "compat = 'bio_rnn_mem'\n[training]\noptimizer = 'rmsprop'\n"  # with PyTorch's options, in format 1
    recipe = parse_recipe(text, kind="sweep").with_changes(settings)
    run_sweep(create_sweep(tmp_path / "new", recipe), workers=0, progress=False)
    ((net, options),) = seen
    learner = options["learner"]
    assert options["trials"].mean == "batches"
    assert learner.options == {"rho": 0.99, "epsilon": 1e-16}
    assert learner.clip_norm is None
    assert learner.factors == {"b_rec": 2.0}
    assert (made[0]["init"], made[0]["remapped"]) == ("xavier", True)
    assert set(np.asarray(net.tau)) == {net.dt}
