"""Behaviour under perturbations, and their words on the command line."""

import json

import jax
import numpy as np
import pytest
from click.testing import CliRunner

from eicon.cli import main
from eicon.models import Cut, Drive, RateRNN, Silence
from eicon.runs import perturb_run
from eicon.studies import perturbation_effects
from eicon.studies._perturb import parse_perturbation
from eicon.tasks import SequenceMemory


@pytest.fixture(scope="module")
def network(trained_run):
    return trained_run[0].load_network()


@pytest.fixture(scope="module")
def task(trained_run):
    return trained_run[0].recipe.make_task()


@pytest.fixture(scope="module")
def effects(network, task):
    reads = np.asarray(network.W_out)
    perturbations = {
        "all silent": [Silence(np.arange(network.n_rec))],
        "nothing": [Drive("E", 0.0)],
        "choice 0 helped": [Drive(reads[:, 0] > reads[:, 1], 5.0, "decision")],
        "choice 1 helped": [Drive(reads[:, 1] > reads[:, 0], 5.0, "decision")],
    }
    found = perturbation_effects(network, task, perturbations, repeats=10, key=jax.random.key(1))
    return {effect.name: effect for effect in found}


def test_without_perturbation_it_is_what_the_network_does(network, task, effects):
    key_trial, key_noise = jax.random.split(jax.random.key(1))
    trial = task.trials(10, key=key_trial)
    activity = network.predict(trial.inputs, key=key_noise)
    assert effects["none"].accuracy == pytest.approx(float(task.accuracy(activity.outputs, trial)))
    score = np.asarray(task.correct(activity.outputs, trial)).reshape(10, -1)
    assert effects["none"].worst == pytest.approx(score.mean(axis=0).min())
    assert effects["none"].changed == 0.0
    assert effects["none"].mean_rate == pytest.approx(float(activity.rates.mean()), rel=1e-4)


def test_a_perturbation_of_nothing_changes_nothing(effects):
    np.testing.assert_array_equal(effects["nothing"][1:], effects["none"][1:])


def test_a_silent_network_makes_no_choice(effects):
    silent = effects["all silent"]
    assert (silent.no_choice, silent.accuracy, silent.worst, silent.mean_rate) == (1.0, 0.5, 0.5, 0.0)
    assert np.isnan(silent.width)


def test_helping_one_choice_moves_the_psychometric_curve(effects):
    """The more choice 1 is helped, the more coherence choice 0 needs."""
    zero, one = effects["choice 0 helped"], effects["choice 1 helped"]
    assert max(zero.changed, one.changed) > 0.3
    assert zero.bias < one.bias


def test_words():
    assert parse_perturbation("silence", "I", None).units == "I"
    silence = parse_perturbation("silence", "area=motor, type=E", "stimulus")
    assert (silence.units, silence.epoch) == ({"area": "motor", "type": "E"}, "stimulus")
    drive = parse_perturbation("drive", "0,5,7:-0.25", None)
    assert isinstance(drive, Drive)
    assert (drive.units, drive.current) == ([0, 5, 7], -0.25)
    cut = parse_perturbation("cut", "area=motor>I", None)
    assert isinstance(cut, Cut)
    assert (cut.source, cut.target) == ({"area": "motor"}, "I")


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("drive", "I", "a drive is UNITS:CURRENT"),
        ("drive", "I:much", "a drive is UNITS:CURRENT"),
        ("cut", "I", "a cut is UNITS>UNITS"),
        ("silence", "I,3", "units are a type"),
        ("silence", "", "units are a type"),
    ],
)
def test_words_that_cannot_be_read_are_refused(kind, text, message):
    with pytest.raises(ValueError, match=message):
        parse_perturbation(kind, text, None)


def test_of_a_run_the_trials_are_fixed(trained_run):
    run, _ = trained_run
    one, two = (perturb_run(run, {"I": [Silence("I", "stimulus")]}, repeats=10) for _ in range(2))
    assert str(one) == str(two)


def test_the_command(trained_run):
    run, _ = trained_run
    words = ["perturb", str(run.path), "--silence", "I", "--drive", "E:0.1", "--epoch", "stimulus", "--repeats", "10"]
    shown = CliRunner().invoke(main, words)
    assert shown.exit_code == 0, shown.output
    assert [line.split()[0] for line in shown.stdout.splitlines()] == ["perturbation", "none", "silence", "drive"]
    listed = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
    assert [effect["name"] for effect in listed] == ["none", "silence I (stimulus)", "drive E:0.1 (stimulus)"]
    nothing = CliRunner().invoke(main, ["perturb", str(run.path)])
    assert nothing.exit_code == 2
    unknown = CliRunner().invoke(main, ["perturb", str(run.path), "--silence", "X"])
    assert (unknown.exit_code, unknown.stderr.count("\n")) == (1, 1)
    assert "no unit has type 'X'" in unknown.stderr


def test_a_task_without_a_choice_has_none():
    """The columns that need one are NaN there."""
    task = SequenceMemory()
    net = RateRNN.dale(task.n_in, 10, task.n_out, dt=task.dt)
    (none,) = perturbation_effects(net, task, {}, repeats=1, key=jax.random.key(0))
    assert np.isnan([none.changed, none.no_choice, none.bias, none.width]).all()
