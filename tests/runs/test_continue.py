"""Runs that go on: resumed, with more steps, from the network of another run, and through stages."""

import json
import os
import shutil
import subprocess

import pytest
from click.testing import CliRunner

from eicon._lock import LOCK, _me
from eicon.cli import main
from eicon.models import load
from eicon.runs import create_run, open_run, parse_recipe, train_run
from eicon.runs._run import read_curves
from eicon.training import NonFiniteLoss, Trainer
from eicon.training._checkpoint import read_history


def same(first, second):
    one, two = (load(path).parameters() for path in (first, second))
    return one.keys() == two.keys() and all((one[name] == two[name]).all() for name in one)


@pytest.fixture
def first(trained_run, tmp_path, monkeypatch):
    """A copy of a trained run, in ``first`` of the current directory."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained_run[0].path, tmp_path / "first")
    return open_run("first")


@pytest.fixture
def train(first):
    """The command, quiet: its output, and its one line of an error."""

    def invoke(*words, code=0):
        result = CliRunner().invoke(main, ["--quiet", "train", *map(str, words)])
        assert result.exit_code == code, result.output
        assert code != 1 or result.stderr.count("\n") == 1
        return result.stdout if code == 0 else result.stderr

    return invoke


def test_there_is_nothing_to_do_for_a_finished_run(train, first):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in first.path.rglob("*") if path.is_file()}
    said = train("--resume", "first")
    assert said == (
        "Nothing to do: first has its 60 steps; to train longer: eicon train --resume first --steps M.\n"
        "Analyse it with: eicon analyze first\n"
    )
    assert json.loads(train("--resume", "first", "--json"))["trained_now"] is False
    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in first.path.rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.battery
def test_more_steps_give_the_bits_of_one_long_training(train, first, tiny_toml, tmp_path):
    said = train("--resume", "first", "--steps", 80)
    assert "80 steps of PerceptualDecision" in said
    assert "Trained: first/network.npz" in said
    assert open_run("first").recipe.training.steps == 80
    (tmp_path / "long.toml").write_text(tiny_toml)
    train("long.toml", "--steps", 80, "--out", "long")
    assert same("first/network.npz", "long/network.npz")
    assert same("first/best.npz", "long/best.npz")
    assert "first has 80 steps already; --steps must be at least as many, got 70." in train(
        "--resume", "first", "--steps", 70, code=1
    )
    assert open_run("first").recipe.training.steps == 80


def test_a_run_that_stopped_by_its_rules_is_finished(tiny_toml, tmp_path, monkeypatch):
    """By a criterion or by patience; and more steps are no reason to go on."""
    monkeypatch.chdir(tmp_path)
    for name, line in (("reached", "stop_loss = 1e3\nstop_window = 1"), ("patient", "patience = 1")):
        text = tiny_toml.replace("learning_rate = 0.01", "learning_rate = 1e-30") + line
        run = create_run(name, parse_recipe(text))
        _, _, history = train_run(run, progress=False)
        assert history.n_steps == (20 if name == "reached" else 40)
        said = CliRunner().invoke(main, ["--quiet", "train", "--resume", name, "--steps", "70"]).stdout
        assert f"the training of {name} ended after {history.n_steps} of 70 steps, as its recipe specifies" in said
        assert read_history(run.checkpoint).n_steps == history.n_steps


def test_the_best_network_is_kept_and_can_be_the_one_of_the_run(first, tiny_toml, tmp_path):
    record = first.read_record()
    kept = create_run("best", parse_recipe(tiny_toml + 'restore = "best"\n'))
    net, _, history = train_run(kept, progress=False)
    assert same("best/best.npz", "best/network.npz")
    assert same("first/best.npz", "best/best.npz")
    at = history.validation_step.tolist().index(record["best_step"])
    assert history.validation_accuracy[at] == history.validation_accuracy.max()
    assert all((net.parameters()[name] == value).all() for name, value in load("best/network.npz").parameters().items())
    (kept.path / "network.npz").unlink()  # as when the run was killed before it was written
    train_run(open_run("best"), progress=False)
    assert same("best/best.npz", "best/network.npz")


def test_another_training_goes_on_from_a_run(train, first):
    said = train("--from", "first", "--out", "second", "--learning-rate", "1e-3", "--steps", 40)
    assert "Trained: second/network.npz" in said
    second = open_run("second")
    assert (second.recipe.continued_from, second.recipe.learner.learning_rate) == ("first", 1e-3)
    assert second.read_record()["continued_from"] == {"run": "first", "steps": 60}
    assert second.read_record()["steps"] == 100
    history = read_history(second.checkpoint)
    assert history.stage.tolist() == [0] * 60 + [1] * 40
    assert history.loss[:60].tolist() == read_history(first.checkpoint).loss.tolist()
    assert "Nothing to do: second has its 40 steps" in train("--resume", "second")
    shutil.rmtree("first")  # whatever becomes of that one
    train("--resume", "second", "--steps", 60)
    assert second.read_record()["steps"] == 120


def test_going_on_from_a_run_is_the_same_wherever_it_is_interrupted(train, first, monkeypatch):
    words = ("--from", "first", "--learning-rate", "1e-3", "--steps", 40)
    train(*words, "--out", "whole")
    advance, at = Trainer._advance, [60, 80]
    monkeypatch.setattr(Trainer, "_advance", _stopping(advance, at))
    train(*words, "--out", "parts", code=1)
    train("--resume", "parts", code=1)
    train("--resume", "parts")
    assert at == []
    assert same("whole/network.npz", "parts/network.npz")
    assert same("whole/best.npz", "parts/best.npz")


def _stopping(advance, at):
    def stopped(trainer, *words, **options):
        if trainer.step in at:
            at.remove(trainer.step)
            raise NonFiniteLoss("as if")
        advance(trainer, *words, **options)

    return stopped


def test_what_cannot_be_gone_on_from(train, first, tiny_toml, tmp_path):
    (tmp_path / "other.toml").write_text(tiny_toml.replace("n_rec = 20", "n_rec = 30"))
    said = train("other.toml", "--from", "first", "--out", "second", code=1)
    assert said == (
        "error: the network of first differs from that of the recipe: shape ([2, 20, 2] there, [2, 30, 2] here).\n"
    )
    assert "there is no run directory absent" in train("--from", "absent", "--out", "second", code=1)
    first.checkpoint.unlink()
    assert "first has no training state to continue from" in train("--from", "first", "--out", "second", code=1)
    assert not (tmp_path / "second").exists()
    for words in (
        ("--from", "first"),
        ("--from", "first", "--resume", "first"),
        ("--resume", "first", "--learning-rate", "0.1"),
        ("--resume", "first", "other.toml"),
    ):
        train(*words, code=2)


STAGES = """
[[stages]]
task = {stimulus = 400.0}
stop_loss = 1e3
stop_window = 1
[[stages]]
task = {stimulus = 600.0}
stop_loss = 1e3
stop_window = 2
"""


def test_stages_in_a_configuration(tiny_toml, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = tiny_toml.replace("steps = 60", "steps = 100") + "stop_loss = 1e3\nstop_window = 2" + STAGES
    whole = create_run("whole", parse_recipe(text))
    _, task, history = train_run(whole, progress=False)
    assert task.stimulus == 800.0
    assert history.stage.tolist() == [0] * 20 + [1] * 40 + [2] * 40
    assert "Nothing to do" in CliRunner().invoke(main, ["train", "--resume", "whole"]).stdout
    parts = create_run("parts", parse_recipe(text))
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_advance", _stopping(Trainer._advance, [40]))
        with pytest.raises(NonFiniteLoss):
            train_run(parts, progress=False)
    train_run(open_run("parts"), progress=False)
    assert same("whole/network.npz", "parts/network.npz")
    assert read_history(parts.checkpoint).stage.tolist() == history.stage.tolist()


# one writer per directory


def test_a_second_training_of_a_run_is_refused_and_the_lock_of_a_dead_one_taken_over(train, first, monkeypatch):
    advance, refused = Trainer._advance, []

    def interrupted(trainer, *words, **options):
        refused.append(train("--resume", "first", "--steps", 80, code=1))
        advance(trainer, *words, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_advance", interrupted)
        train("--resume", "first", "--steps", 80)
    assert len(refused) == 1
    assert refused[0].startswith("error: the run first is being written by this process (")
    assert open_run("first").read_record()["steps"] == 80
    gone = subprocess.Popen(["true"])
    gone.wait()
    (first.path / LOCK).write_text(json.dumps(_me() | {"pid": gone.pid, "started": "1"}))
    (first.path / ".run.json.x.part").write_text("half")
    os.utime(first.path / ".run.json.x.part", (1e9, 1e9))
    train("--resume", "first", "--steps", 100)
    assert open_run("first").read_record()["steps"] == 100
    assert not [path for path in first.path.rglob("*") if path.name == LOCK or path.name.endswith(".part")]


def test_a_directory_that_is_removed_during_training_is_an_error_and_not_made_anew(train, first, monkeypatch):
    advance = Trainer._advance

    def removed(trainer, *words, **options):
        shutil.rmtree("first", ignore_errors=True)
        advance(trainer, *words, **options)

    monkeypatch.setattr(Trainer, "_advance", removed)
    said = train("--resume", "first", "--steps", 80, code=1)
    assert "first was removed, renamed or taken over while this process wrote into it" in said
    assert not first.path.exists()


# what the command changes in a recipe


def test_settings_of_a_new_run(train, tiny_toml, tmp_path):
    (tmp_path / "tiny.toml").write_text(tiny_toml)
    changes = ("--set", "network.tau=50", "--set", "task.stimulus=400.0", "--set", "learner.optimizer=rmsprop")
    train("tiny.toml", "--out", "new", "--steps", 20, "--seed", 5, "--learning-rate", "0.02", *changes)
    recipe = open_run("new").recipe
    assert (recipe.training.steps, recipe.seed, recipe.network.tau) == (20, 5, 50.0)
    assert (recipe.learner.learning_rate, recipe.learner.optimizer, recipe.task["stimulus"]) == (0.02, "rmsprop", 400.0)
    assert recipe == recipe.completed()
    assert open_run("new").history().n_steps == 20
    assert "network.taw: unknown key" in train("tiny.toml", "--out", "other", "--set", "network.taw=50", code=1)
    assert "--set takes KEY=VALUE" in train("tiny.toml", "--out", "other", "--set", "network.tau", code=2)
    train("--resume", "new", "--set", "network.tau=20.0", code=2)
    assert not (tmp_path / "other").exists()


@pytest.mark.battery
def test_a_recipe_with_a_grid_is_one_of_a_sweep(train, tiny_toml, tmp_path):
    (tmp_path / "grid.toml").write_text("format = 2\n[network]\nn_rec = 10\n[grid]\nseed = [0, 1, 2]\n")
    said = train("grid.toml", "--out", "new", code=1)
    assert said == "error: the recipe has a grid of 3 runs; `eicon sweep` trains all of them.\n"
    (tmp_path / "one.toml").write_text("format = 2\n[network]\nn_rec = 10\n")
    said = train("one.toml", "--out", "new", "--set", "grid.seed=[0, 1]", code=1)
    assert "the recipe has a grid of 2 runs" in said
    assert not (tmp_path / "new").exists()
    epochs = "format = 2\n[task]\nname = 'SequenceMemory'\n[network]\nn_rec = 10\n[trials]\nkind = 'fixed'\nn = 10\n"
    (tmp_path / "epochs.toml").write_text(epochs + "[training]\nepochs = 2\n")
    said = train("epochs.toml", "--out", "new", "--steps", 5, code=1)
    assert said == "error: --steps: this recipe counts epochs; --set training.epochs=N changes their number.\n"
    train("epochs.toml", "--out", "new", "--set", "training.epochs=3")
    run = open_run("new")
    assert run.history().n_steps == run.read_record()["steps"] == 3
    assert len(read_curves(run.curves)[0]["validation_loss"]) == 3
    assert "Nothing to do" in train("--resume", "new")
