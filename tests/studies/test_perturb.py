"""Behaviour under perturbations, and their words on the command line."""

import json

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from eicon.cli import main
from eicon.models import Cut, Drive, RateRNN, Silence
from eicon.models._perturbation import perturbed_trials
from eicon.plotting.behaviour import plot_perturbations
from eicon.runs import ConfigError, open_run, perturb_run
from eicon.studies import perturbation_effects
from eicon.studies._perturb import parse_perturbation
from eicon.tasks import TASKS, SequenceMemory

pytestmark = pytest.mark.battery


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
    assert str(effects["nothing"]._replace(name="none", dose=0.0)) == str(effects["none"])


def test_a_silent_network_gives_no_answer_and_no_wrong_one(effects):
    silent = effects["all silent"]
    assert (silent.no_answer, silent.wrong, silent.correct, silent.mean_rate) == (1.0, 0.0, 0.0, 0.0)
    assert (silent.accuracy, silent.worst) == (0.5, 0.5), "the task counts it as a guess"
    assert silent.no_answer_ci[0] > 0.95
    assert np.isnan(silent.width)


NO_CHOICES = {"SequenceMemory", "SequenceExecution", "SineWave", "FlipFlop"}


@pytest.mark.parametrize("name", sorted(TASKS))
def test_in_every_choice_task_a_silent_network_gives_no_answer(name):
    """Although its readout has biases that favour a choice; also if it is silent only when it is asked."""
    task = TASKS[name]()
    net = RateRNN.dale(task.n_in, 5, task.n_out, dt=task.dt, readout_bias=True, seed=1)
    net.b_out.value = jnp.linspace(0.1, 0.9, task.n_out, dtype=jnp.float32)
    silent = perturbation_effects(net, task, {"all": Silence(range(5))}, repeats=1, key=0)[1]
    if name in NO_CHOICES:
        assert np.isnan([silent.no_answer, silent.wrong, silent.correct]).all()
        return
    assert (silent.no_answer, silent.wrong, silent.correct) == (1.0, 0.0, 0.0)
    assert silent.accuracy == pytest.approx(task.chance, abs=1e-6)
    if "decision" in task.trials(1, key=0).epochs and name not in ("ReactionTimeDecision",):
        late = perturbation_effects(net, task, {"late": Silence(range(5), "decision")}, repeats=1, key=0)[1]
        assert late.no_answer == 1.0


def test_fractions_are_those_of_the_choices_with_intervals_by_hand(network, task, effects):
    key_trial, key_noise = jax.random.split(jax.random.key(1))
    trial = task.trials(10, key=key_trial)
    outputs = network.predict(trial.inputs, key=key_noise).outputs
    right = np.asarray(task.choice(outputs, trial)) == np.asarray(trial.conditions["choice"])
    none = effects["none"]
    assert (none.n_trials, none.correct, none.wrong, none.no_answer) == (100, right.mean(), 1 - right.mean(), 0.0)
    wilson = stats.binomtest(int(right.sum()), 100).proportion_ci(method="wilson")
    np.testing.assert_allclose(none.correct_ci, wilson, atol=1e-9)
    for effect in effects.values():
        assert effect.correct + effect.wrong + effect.no_answer == pytest.approx(1.0)
        for name in ("correct", "wrong", "no_answer", "changed", "accuracy"):
            low, high = getattr(effect, f"{name}_ci")
            assert low <= getattr(effect, name) <= high


def test_the_effect_is_that_of_the_trials_that_are_perturbed(network, task):
    part = Silence("E", trials=0.3, cells=0.5, seed=4)
    both = {"some": part, "both": [part, Silence("I", trials=[0, 1])]}
    some, two = perturbation_effects(network, task, both, repeats=10, key=1)[1:]
    assert some.n_trials == 30
    trial = task.trials(10, key=jax.random.split(jax.random.key(1))[0])
    acts = perturbed_trials(part, trial)
    assert two.n_trials == int((acts | np.isin(np.arange(100), [0, 1])).sum())
    activity = network.perturb(trial, Silence("E", cells=0.5, seed=4), key=jax.random.split(jax.random.key(1))[1])
    score = np.asarray(task.correct(activity.outputs, trial))[acts]
    assert some.accuracy == pytest.approx(score.mean())
    assert some.mean_rate == pytest.approx(float(np.asarray(activity.rates)[:, acts].mean()), rel=1e-4)


@pytest.fixture(scope="module")
def curve(network, task):
    named = {"E": Silence("E"), "drive": Drive("I", 1.0, "stimulus")}
    return perturbation_effects(network, task, named, doses=[0, 0.25, 1], repeats=10, key=1)


def test_a_dose_curve_begins_where_nothing_happens(curve, network, task):
    names = [(effect.name, effect.dose) for effect in curve]
    assert names == [("none", 0.0), *((name, dose) for name in ("E", "drive") for dose in (0.0, 0.25, 1.0))]
    none, *rest = curve
    for effect in rest[0], rest[3]:
        assert str(effect._replace(name="none")) == str(none)
    assert rest[2].correct < rest[0].correct, "without E there is no input to the readout"
    alone = perturbation_effects(network, task, {"E": Silence("E", dose=0.25)}, repeats=10, key=1)[1]
    assert str(alone._replace(dose=0.25)) == str(rest[1])


def test_a_dose_curve_is_drawn_with_its_numbers(curve):
    figure = plot_perturbations(curve, dose="fraction silenced")
    panels = [ax for ax in figure.axes if ax.get_visible()]
    assert [ax.get_title() for ax in panels] == ["E", "drive"]
    assert [ax.get_xlabel() for ax in panels] == ["fraction silenced"] * 2
    for ax, name in zip(panels, ("E", "drive"), strict=True):
        drawn = {one.get_label(): one[0].get_xydata() for one in ax.containers}
        assert set(drawn) == {"correct", "wrong", "no answer"}
        wanted = [(effect.dose, effect.wrong) for effect in curve if effect.name == name]
        np.testing.assert_allclose(drawn["wrong"], wanted)
    side_by_side = plot_perturbations(curve[:2])
    assert [text.get_text() for text in side_by_side.axes[0].get_xticklabels()] == ["none", "E"]
    with pytest.raises(ValueError, match="there is no effect of a perturbation to draw"):
        plot_perturbations(curve[:1])
    plt.close("all")


@pytest.mark.parametrize("doses", [[], [0.1, float("nan")], 0.5])
def test_impossible_doses_are_refused(network, task, doses):
    with pytest.raises(ValueError, match="doses must be a list of finite numbers"):
        perturbation_effects(network, task, {"E": Silence("E")}, doses=doses, repeats=1, key=1)


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
        ("drive", "I", "--drive takes UNITS:CURRENT"),
        ("drive", "I:much", "--drive takes UNITS:CURRENT"),
        ("cut", "I", "--cut takes UNITS>UNITS"),
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


def test_the_command_takes_windows_subsets_ramps_and_doses(trained_run, tmp_path):
    run, _ = trained_run
    words = [
        "perturb",
        str(run.path),
        "--silence",
        "E",
        "--epoch",
        "stimulus",
        "--window",
        "100:500",
        "--repeats",
        "10",
    ]
    words += ["--cells", "0.5", "--trials", "0.4", "--ramp", "0:100", "--dose", "0,.5,1", "--out", str(tmp_path)]
    shown = CliRunner().invoke(main, [*words, "--format", "pdf"])
    assert shown.exit_code == 0, shown.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dose_curve.csv", "dose_curve.pdf"]
    header, _, *rows = shown.stdout.splitlines()
    assert header.split()[:4] == ["perturbation", "dose", "correct", "wrong"]
    assert [row.split()[-1] for row in rows[:3]] == ["40"] * 3
    named = "silence E (stimulus, 100:500 ms)"
    listed = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
    how = {"window": (100, 500), "cells": 0.5, "trials": 0.4, "ramp": (0, 100), "seed": run.recipe.seed}
    wanted = perturb_run(run, {named: Silence("E", "stimulus", **how)}, doses=[0, 0.5, 1], repeats=10)
    assert [effect["correct"] for effect in listed] == [effect.correct for effect in wanted]
    assert listed[1]["correct_ci"] == list(wanted[1].correct_ci)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--window", "500"], 2, "--window takes START:STOP in ms, e.g. 500:800"),
        (["--window", "a:b"], 2, "--window takes numbers"),
        (["--dose", "0;1"], 2, "--dose takes numbers with ',' between them; got '0;1'"),
        (["--ramp", "1:2:3"], 2, "--ramp takes one time in ms, or RISE:FALL"),
        (["--trials", "2"], 2, "2.0 is not in the range"),
        (["--window", "800:500"], 2, "a window must end after it starts"),
        (["--window", "9000:"], 1, "no step lies in the window (9000, None) ms"),
    ],
)
def test_wrong_words_of_the_command_are_told(trained_run, words, code, message):
    done = CliRunner().invoke(main, ["perturb", str(trained_run[0].path), "--silence", "E", *words])
    assert done.exit_code == code
    assert message in " ".join(done.stderr.split())


def test_a_lesion_is_a_run_that_can_be_looked_at_and_trained_on(trained_run, tmp_path):
    run, _ = trained_run
    out = tmp_path / "lesioned"
    words = ["lesion", str(run.path), "--units", "E", "--cells", "0.25", "--out", str(out), "--steps", "20"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "4 of 20 units removed, 16 left" in done.stdout
    made = open_run(out)
    wanted = run.load_network().without("E", cells=0.25, seed=run.recipe.seed)
    np.testing.assert_array_equal(made.load_network().W_rec, wanted.W_rec)
    assert made.read_record()["status"] == "lesioned"
    assert perturb_run(made, {}, repeats=2)[0].n_trials == 20
    trained = CliRunner().invoke(main, ["--quiet", "train", "--resume", str(out), "--json"])
    assert trained.exit_code == 0, trained.output
    assert json.loads(trained.stdout)["steps"] == 20
    after = open_run(out).load_network()
    assert after.n_rec == 16
    assert np.abs(np.asarray(after.W_rec) - np.asarray(wanted.W_rec)).max() > 1e-4
    again = CliRunner().invoke(main, words)
    assert (again.exit_code, again.stderr.count("\n")) == (1, 1)


def test_lesions_can_be_a_grid_and_are_checked(trained_run, tmp_path):
    run, _ = trained_run
    lesion = {"path": str(run.path), "units": "E"}
    recipe = run.recipe.with_changes({"lesion": lesion, "grid.lesion.cells": [0.25, 0.5]})
    assert [cell.make_network(cell.make_task()).n_rec for cell in recipe.cells()] == [16, 12]
    with pytest.raises(ConfigError, match="a lesion needs both path .* and units"):
        run.recipe.with_changes({"lesion.path": str(run.path)})
    for change, message in (
        ({"lesion": {**lesion, "units": "X"}}, "lesion: no unit has type 'X'"),
        ({"lesion": {**lesion, "path": str(tmp_path)}}, "neither a network file nor the directory of a trained run"),
        (
            {"lesion": {**lesion, "cells": 0.5}, "task": {"name": "SequenceMemory"}},
            "lesion: .* has 2 inputs and 2 outputs in steps of 20",
        ),
    ):
        with pytest.raises(ConfigError, match=message):
            run.recipe.with_changes(change).check_network()


def test_a_task_without_a_choice_has_none():
    """The columns that need one are NaN there."""
    task = SequenceMemory()
    net = RateRNN.dale(task.n_in, 10, task.n_out, dt=task.dt)
    (none,) = perturbation_effects(net, task, {}, repeats=1, key=jax.random.key(0))
    assert np.isnan([none.changed, none.no_answer, none.correct, none.bias, none.width]).all()
