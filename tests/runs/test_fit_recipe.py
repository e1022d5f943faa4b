"""Recipes that fit a recording: which units and trials, which network, and runs that are ordinary ones."""

import csv
import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from eicon.cli import main
from eicon.connectomes import Connectome
from eicon.models import Leaky, RateRNN, load
from eicon.recordings import Recording, files, simulated
from eicon.runs import ConfigError, Recipe, analyze_run, create_run, open_run, parse_recipe, sweep_results, train_run
from eicon.runs._explain import explanation
from eicon.runs._fit import rows_of_units
from eicon.runs._recipe import validated
from eicon.runs._recipe_tables import RecordingTable
from eicon.runs._recorded import checksum, divided
from eicon.runs._seeds import Seeds
from eicon.studies._fit import fit_measures
from eicon.training import Trainer
from eicon.training._recorded import Fit, FollowRecording

N, DT = 12, 10.0
NAMES = [f"n{i}" for i in range(N)]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A folder with a connectome, a network on it, and a recording of that."""
    folder = tmp_path_factory.mktemp("lab")
    rng = np.random.default_rng(0)
    sign = np.where(np.arange(N) < 8, 1, -1)
    counts = np.where((rng.random((N, N)) < 0.5) & ~np.eye(N, dtype=bool), rng.integers(1, 6, (N, N)), 0)
    rows = [f"{NAMES[i]},{NAMES[j]},{counts[i, j]},{sign[i]}" for i, j in zip(*np.nonzero(counts), strict=True)]
    (folder / "wiring.csv").write_text("\n".join(["source,target,weight,sign", *rows]), "utf-8")
    net = RateRNN.from_connectome(
        Connectome(counts, NAMES, sign=sign),
        2,
        1,
        dt=DT,
        cell=Leaky("softplus", gain=True),
        parameters={"gain": rng.uniform(0.5, 1.5, N), "bias": rng.normal(0, 0.5, N)},
        units={"region": list("aabbccaabbcc")},
        train=["gain", "bias"],
        seed=1,
    )
    net.save(folder / "teacher.npz")
    inputs = np.repeat(rng.normal(size=(6, 8, 2)), 5, axis=0)
    activity = net.predict(inputs, noise=False)
    conditions = {"side": np.arange(8) % 2}
    shown = {"inputs": inputs, "conditions": conditions}
    files.write(folder / "rates.npz", simulated(activity, DT, units=NAMES, noise=0.05, **shown))
    files.write(folder / "output.npz", simulated(activity, DT, observed="output", **shown))
    return folder


def recipe(lab, recording=None, **tables):
    """A fit of gains and biases that were shuffled."""
    said = {
        "recording": {"file": str(lab / "rates.npz"), "n_units": 4, "held_out": 0.25, **(recording or {})},
        "network": {"train": ("gain", "bias")},
        "pretrained": {"path": str(lab / "teacher.npz"), "keep": "all", "shuffle": ("gain", "bias")},
        "learner": {"learning_rate": 0.05},
        "training": {"steps": 40, "validate_every": 10, "checkpoint_every": 10},
        **tables,
    }
    return Recipe.model_validate({name: table for name, table in said.items() if table is not None})


def on_wiring(lab, recording=None, **tables):
    """A fit of a network on the connectome."""
    network = {"kind": "connectome", "cell_options": {"gain": True}, "activation": "softplus", "gain": "all"}
    wiring = {"name": str(lab / "wiring.csv"), "rows": "source", "read": {"sign": "sign"}}
    network["train"] = ("gain", "bias", "input")
    return recipe(lab, recording, network=network, connectome=wiring, pretrained=None, **tables)


# Tables.


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ({"task": {"name": "PerceptualDecision"}}, r"\[task\] and \[recording\] are both given"),
        ({"stages": [{"task": {}}]}, "stages: not available in a fit to a recording"),
        ({"trials": {"kind": "fixed"}}, "trials.kind: not available in a fit to a recording; the trials are those"),
        ({"training": {"loss": "mse"}}, "set recording.loss instead"),
        ({"training": {"stop": "criterion"}}, "use training.stop_loss instead"),
        ({"training": {"validation_repeats": 3}}, "training.validation_repeats: not available in a fit to a recording"),
        (
            {"lesion": {"path": "x", "units": "E"}, "pretrained": None},
            "lesion.path: not available in a fit to a recording",
        ),
        ({"recording": {"n_units": 3}}, r"\[recording\] needs `file`"),
        ({"recording": {"file": "a", "units": ("b",), "order": ("b",)}}, "units and order both name the fitted units"),
        ({"recording": {"file": "a", "n_units": 0}}, "recording.n_units: must be greater than or equal to 1"),
        ({"recording": {"file": "a", "loss": "huber"}}, "recording.loss: must be 'mse', 'variance' or"),
        ({"recording": {"file": "a", "held_out": 1.0}}, "recording.held_out: must be less than 1"),
        ({"pretrained": {"keep": "all"}}, "give pretrained.path"),
        ({"network": {"n_rec": 5}}, "\\[network\\] may contain only `train`; got 'n_rec'"),
    ],
)
def test_tables_that_do_not_go_together_are_refused(lab, tables, says):
    whole = recipe(lab).tables() | tables
    given = {name: table for name, table in whole.items() if table is not None}
    with pytest.raises(ConfigError, match=says) as caught:
        validated(given, "recipe")
    assert "\n" not in str(caught.value)


def test_a_completed_recipe_holds_the_file_with_its_checksum_and_no_task(lab, monkeypatch):
    monkeypatch.chdir(lab)
    found = recipe(lab, {"file": "rates.npz"}).absolute().completed()
    assert found.recording.file == str(lab / "rates.npz")
    assert found.recording.sha256 == checksum(str(lab / "rates.npz"))
    text = found.to_toml()
    assert "[task]" not in text
    assert parse_recipe(text) == found == found.completed()
    assert "batch_size" not in text  # all trials of the recording


def test_a_folder_has_a_checksum_of_its_contents(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.csv").write_text("x")
    (tmp_path / "a" / "2.csv").write_text("y")
    before = checksum(str(tmp_path / "a"))
    (tmp_path / "a" / "2.csv").rename(tmp_path / "a" / "3.csv")
    assert checksum(str(tmp_path / "a")) != before
    with pytest.raises(ConfigError, match=r"recording.file: there is no .*gone"):
        checksum(str(tmp_path / "gone"))


# Which units, which trials.


def cut(lab, seed=0, **table):
    return divided(RecordingTable(file=str(lab / "rates.npz"), **table), Seeds(seed, None))


def test_units_are_drawn_with_the_seed_and_fewer_of_them_are_among_more(lab):
    drawn = {n: cut(lab, n_units=n).units for n in (2, 5, 12)}
    assert [len(units) for units in drawn.values()] == [2, 5, 12]
    assert set(drawn[2]) < set(drawn[5]) < set(drawn[12]) == set(NAMES)
    assert len({cut(lab, seed, n_units=3).units for seed in range(6)}) > 3
    assert cut(lab).units == tuple(NAMES)
    assert cut(lab, n_units=2, order=("n7", "n3", "n1")).units == ("n3", "n7")
    assert cut(lab, units=("n9", "n2")).fitted.units == ("n2", "n9")


def test_held_out_trials_are_the_same_for_any_number_of_units(lab):
    one, other = cut(lab, n_units=1, held_out=0.25), cut(lab, n_units=6, held_out=0.25)
    assert (one.known.n_trials, one.held_out.n_trials, one.validation.units) == (6, 2, one.units)
    np.testing.assert_array_equal(one.held_out.inputs, other.held_out.inputs)
    assert cut(lab).held_out is None
    assert cut(lab, dt=20.0).known.dt == 20.0


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"n_units": 13}, "recording.n_units: .*rates.npz has 12 units; got 13"),
        ({"units": ("n1", "x9")}, "recording.units: x9: no such unit; the recording has n0, n1"),
        ({"order": ("x9",), "n_units": 1}, "recording.order: x9: no such unit"),
        ({"order": ("n1",), "n_units": 2}, "recording.order: must name at least n_units = 2 units; got 1"),
        ({"held_out": 0.01}, "recording.held_out: .* neither part may be empty"),
        ({"dt": 1e9}, "recording.dt: dt must be"),
        ({"read": {"colour": 1}}, "recording.file: .*colour"),
        ({"sha256": "0" * 64}, "rates.npz changed after the run was made"),
    ],
)
def test_what_the_recording_does_not_have_is_refused(lab, table, says):
    with pytest.raises(ConfigError, match=says) as caught:
        cut(lab, **table)
    assert "\n" not in str(caught.value)


# What is made.


def test_a_fit_has_the_inputs_and_the_step_of_the_recording_and_one_output(lab):
    made = recipe(lab, pretrained=None, network={"n_rec": N, "train": ("input",)}, recording={"units": ()})
    whole = Recording(np.zeros((30, 8, N)), DT, inputs=np.zeros((30, 8, 2)))
    assert whole.units == tuple(map(str, range(N)))  # as those of a network without names
    with pytest.raises(ConfigError, match=r"recording: 4 of the 4 recorded units are not among the network's"):
        made.make()
    task, net, trainer = recipe(lab).make()
    assert isinstance(task, Fit)
    assert trainer.task is task
    assert (net.n_in, net.n_out, net.n_rec, net.dt, trainer.trials.batch_size) == (2, 1, N, DT, 6)
    assert trainer.trials.validation.batch_size == 2
    assert np.isfinite(np.asarray(trainer.trials.train.targets)).any(axis=(0, 1)).sum() == 4
    drawn = on_wiring(lab)
    drawn = drawn.model_copy(update={"network": drawn.network.model_copy(update={"train": None})})
    assert sorted(drawn.make().network.trainable_variables()) == ["b_rec", "raw_in", "raw_rec"]
    again = parse_recipe(drawn.completed().to_toml())
    assert sorted(again.make().network.trainable_variables()) == ["b_rec", "raw_in", "raw_rec"]
    outputs = recipe(lab, {"file": str(lab / "output.npz"), "n_units": None}).make()
    assert (outputs.task.observed, outputs.network.n_out) == ("output", 1)


def test_pretrained_values_are_shuffled_within_a_label(lab):
    teacher, net = load(lab / "teacher.npz"), recipe(lab).make().network
    other = recipe(lab, seed=1).make().network
    by_region = recipe(lab)
    by_region = by_region.with_changes({"pretrained.shuffle_by": "region", "pretrained.shuffle": ["gain"]}).make()[1]
    for name, value in (("gain", lambda net: net.parameter("gain")), ("bias", lambda net: np.asarray(net.b_rec))):
        true, found = value(teacher), value(net)
        assert (true != found).any(), name
        assert (value(other) != found).any(), name
        for types in "EI":
            members = teacher.units["type"] == types
            np.testing.assert_allclose(np.sort(found[members]), np.sort(true[members]), rtol=1e-6)
    gains = [np.argsort(value) for value in (net.parameter("gain"), teacher.parameter("gain"))]
    biases = [np.argsort(np.asarray(one.b_rec)) for one in (net, teacher)]
    assert (gains[0][np.argsort(gains[1])] != biases[0][np.argsort(biases[1])]).any()  # each by itself
    np.testing.assert_array_equal(np.asarray(by_region.b_rec), np.asarray(teacher.b_rec))
    for label in "abc":
        members = teacher.units["region"] == label
        np.testing.assert_allclose(
            np.sort(by_region.parameter("gain")[members]), np.sort(teacher.parameter("gain")[members]), rtol=1e-6
        )
    np.testing.assert_array_equal(net.W_rec, teacher.W_rec)
    np.testing.assert_array_equal(net.W_out, teacher.W_out)
    assert sorted(net.trainable_variables()) == ["b_rec", "gain"]


def test_of_a_whole_pretrained_network_other_values_are_trained(lab):
    changed = recipe(lab).with_changes({"network.train": ["tau", "recurrent"], "pretrained.shuffle": []})
    net, teacher = changed.make().network, load(lab / "teacher.npz")
    assert sorted(net.trainable_variables()) == ["raw_rec", "tau"]
    np.testing.assert_allclose(net.tau, teacher.tau, rtol=1e-6)
    inputs = np.ones((5, 1, 2))
    np.testing.assert_allclose(
        net.predict(inputs, noise=False).rates, teacher.predict(inputs, noise=False).rates, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"network.train": ["slope"]},
            "network.train: the pretrained network has no 'slope'; allowed: recurrent",
        ),
        ({"pretrained.shuffle": ["slope"]}, "pretrained.shuffle: units have no individual values of 'slope'"),
        ({"pretrained.shuffle_by": "layer"}, "pretrained.shuffle_by: units have no label 'layer'; their labels are"),
        ({"recording.dt": 20.0}, r"has 2 inputs and 1 outputs in steps of 10 ms; expected 2 and 1, in steps of 20 ms"),
        ({"pretrained.path": "gone"}, "pretrained.path: gone is neither"),
    ],
)
def test_a_pretrained_network_that_does_not_fit_is_refused(lab, changes, says):
    with pytest.raises(ConfigError, match=says):
        recipe(lab).with_changes(changes).make()


def test_beside_a_task_a_recording_is_a_penalty(lab):
    task = {"name": "PerceptualDecision", "dt": DT}
    both = on_wiring(lab, {"beside_task": 0.5}, task=task, trials={"batch_size": 4})
    assert both.completed().task["name"] == "PerceptualDecision"
    made = both.make()
    assert made.network.n_out == 2
    (penalty,) = made.trainer.penalties
    assert isinstance(penalty, FollowRecording)
    assert (penalty.strength, penalty.recording.n_units, penalty.recording.n_trials) == (0.5, 4, 6)


def test_a_fit_is_explained(lab):
    said = explanation(recipe(lab).with_changes({"grid.recording.n_units": [1, 2, 3]}))
    assert said.n_runs == 3
    assert said.headline.startswith("3 runs of 40 steps of 6 trials, 12 units")
    assert said.lines[0] == "fit: rates.npz, 1 of 12 units, 6 trials, 2 held out, 2 inputs, 1 outputs, 30 time steps"


def test_a_grid_over_units_nulls_and_seeds(lab):
    grid = {"recording.n_units": (2, 5), "connectome.null": ("none", "permute"), "seed": (0, 1)}
    swept = on_wiring(lab, grid=grid)
    cells = list(swept.cells())
    assert [(cell.recording.n_units, cell.connectome.null, cell.seed) for cell in cells][:3] == [
        (2, "none", 0),
        (2, "none", 1),
        (2, "permute", 0),
    ]
    swept.check()
    nets = [cell.make().network for cell in (cells[0], cells[2])]
    assert nets[0].units["name"].tolist() == nets[1].units["name"].tolist()
    assert (np.asarray(nets[0].W_rec) != np.asarray(nets[1].W_rec)).any()


# Runs.


@pytest.fixture(scope="module")
def done(lab, tmp_path_factory):
    """A run that was fitted."""
    run = create_run(tmp_path_factory.mktemp("fits") / "fit", recipe(lab))
    train_run(run, progress=False)
    return run


def test_a_fitted_run_holds_its_measures(lab, done):
    numbers = json.loads(done.fit.read_text())
    given, net = done.recipe.make_recording(), done.load_network()
    again = fit_measures(net, given.known, recorded=list(given.units), held_out=given.held_out)
    assert numbers["measures"] == pytest.approx(again.numbers())
    assert numbers["fitted_units"] == list(given.units)
    assert numbers["trained"] == {"bias": N, "gain": N}
    assert numbers["recording"]["file"] == str(lab / "rates.npz")
    reference = float(np.median(again.fitted.condition_r2[again.unrecorded]))
    assert numbers["condition_r2"]["unrecorded"] == pytest.approx(reference)
    rows = list(csv.DictReader((done.path / "fit.csv").read_text("utf-8").splitlines()))
    assert [row["unit"] for row in rows] == NAMES
    assert [row["unit"] for row in rows if row["fitted"] == "1"] == list(given.units)
    assert float(rows[3]["r_held_out"]) == pytest.approx(again.held_out.r[3])
    before = fit_measures(recipe(lab).make().network, given.known, recorded=list(given.units)).numbers()
    assert numbers["measures"]["recorded_fitted_r2"] > before["recorded_fitted_r2"]


def test_outputs_have_no_types_even_if_there_are_as_many_as_units():
    net = RateRNN.dale(1, 4, 4, seed=0)
    outputs = np.random.default_rng(0).random((5, 2, 4))
    found = fit_measures(net, Recording(outputs, net.dt, inputs=np.ones((5, 2, 1)), observed="output"))
    assert [row[1] for row in rows_of_units(net, "output", found)[1:]] == [""] * 4
    assert [row[1] for row in rows_of_units(net, "rate", found)[1:]] == ["E", "E", "E", "I"]


def test_a_fit_that_was_killed_goes_on_to_the_same_bits(lab, done, tmp_path, monkeypatch):
    run, save, saved = create_run(tmp_path / "fit", done.recipe), Trainer.save_checkpoint, []

    def dies(trainer, path):
        save(trainer, path)
        saved.append(trainer.step)
        if len(saved) == 2:
            raise SystemExit(9)

    monkeypatch.setattr(Trainer, "save_checkpoint", dies)
    with pytest.raises(SystemExit):
        train_run(run, progress=False)
    assert saved[:2] == [10, 20]
    assert not run.network.exists()
    monkeypatch.setattr(Trainer, "save_checkpoint", save)
    train_run(open_run(run.path), progress=False)
    one, other = (np.load(path.network, allow_pickle=False) for path in (run, done))
    assert set(one) == set(other)
    for name in set(one) - {"header.json"}:
        np.testing.assert_array_equal(one[name], other[name])
    assert json.loads(run.fit.read_text())["measures"] == json.loads(done.fit.read_text())["measures"]
    np.testing.assert_array_equal(run.history().validation_loss, done.history().validation_loss)


def test_a_changed_recording_is_refused_when_a_run_goes_on(lab, tmp_path):
    shutil.copy(lab / "rates.npz", tmp_path / "rates.npz")
    run = create_run(tmp_path / "fit", recipe(lab, {"file": str(tmp_path / "rates.npz")}))
    shutil.copy(lab / "output.npz", tmp_path / "rates.npz")
    assert open_run(run.path).recipe.recording.n_units == 4  # it can be looked at
    result = CliRunner().invoke(main, ["fit", "--resume", str(run.path)])
    assert result.exit_code == 1
    assert "rates.npz changed after the run was made" in result.stderr
    assert len(result.stderr.splitlines()) == 1


PROBES = {
    "perturb": ["--silence", "I"],
    "explore": ["--no-open"],
    "dt-report": [],
    "export": ["--to", "xarray"],
    "compare": ["{run}"],
    "analyze": ["--fixed-points"],
    "lesion": ["--units", "I", "--out", "{run}-lesion"],
}


@pytest.mark.parametrize("command", list(PROBES))
def test_what_needs_a_task_says_so_in_one_line(done, command):
    options = [option.format(run=done.path) for option in PROBES[command]]
    result = CliRunner().invoke(main, ["--quiet", command, str(done.path), *options])
    assert result.exit_code == 1, result.output
    (line,) = result.stderr.splitlines()
    assert "fitted to a recording" in line
    assert ("eicon analyze reports" in line) == (command not in ("analyze", "lesion"))


@pytest.mark.battery
def test_the_recording_of_a_fit_is_compared_as_its_recipe_reads_it(lab, tmp_path):
    known = files.read(lab / "rates.npz")
    np.savez(tmp_path / "raw.npz", rates=known.activity, shown=known.inputs, cells=NAMES)
    read = {"series": "rates", "axes": "time trial unit", "dt": DT, "names": "cells", "inputs": "shown"}
    run = create_run(tmp_path / "fit", recipe(lab, {"file": str(tmp_path / "raw.npz"), "read": read}))
    load(lab / "teacher.npz").save(run.network)
    result = CliRunner().invoke(main, ["compare", str(run.path), str(tmp_path / "raw.npz"), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["n_units"], found["n_trials"]) == ([N, N], 8)
    assert found["likeness"]["cka"]["value"] > 0.9
    with np.load(tmp_path / "raw.npz") as arrays:
        np.savez(tmp_path / "other.npz", **arrays, more=1)
    result = CliRunner().invoke(main, ["compare", str(run.path), str(tmp_path / "other.npz")])
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)


def test_the_seed_of_a_fit_cannot_be_another_one(done):
    result = CliRunner().invoke(main, ["analyze", str(done.path), "--seed", "3"])
    assert (result.exit_code, "leave out --seed" in result.stderr) == (1, True)


@pytest.mark.battery
def test_a_fitted_run_is_analysed_and_reported(done):
    numbers = analyze_run(done)
    figures = {"traces", "predictions", "fitted_values", "stiffness", "currents", "activity", "spectrum", "loss"}
    assert set(numbers["figures"]) == figures
    assert all((done.figures / f"{name}.png").stat().st_size > 5000 for name in figures)
    fit = numbers["fit"]
    assert fit["stiffness"]["n_trained"] == 2 * N
    assert 1 <= fit["stiffness"]["n_fixed"] <= 2 * N
    assert fit["currents"]["label"] == "region"
    np.testing.assert_allclose(np.sum(fit["currents"]["share"], axis=0), 1.0)
    assert fit["measures"] == json.loads(done.fit.read_text())["measures"]
    result = CliRunner().invoke(main, ["report", str(done.path)])
    assert result.exit_code == 0, result.output
    page = (done.path / "report.html").read_text("utf-8")
    assert "fitted to 4 of 12 units in 6 trials of rates.npz for 40 steps" in page
    assert "R², unrecorded units, held-out trials" in page
    assert 'id="traces"' in page
    assert "Loss and explained variance at each step, and explained variance in validation trials." in page
    assert "ccuracy" not in page
    assert "explained variance" in (done.figures / "loss.csv").read_text("utf-8")


@pytest.mark.battery
def test_a_run_beside_a_task_is_analysed_with_both(lab, tmp_path):
    task = {"name": "PerceptualDecision", "dt": DT}
    training = {"steps": 20, "validation_repeats": 2, "validate_every": 10}
    both = on_wiring(lab, {"beside_task": 0.5}, task=task, trials={"batch_size": 4}, training=training)
    run = create_run(tmp_path / "both", both)
    train_run(run, progress=False)
    numbers = analyze_run(run, repeats=2)
    assert {"accuracy", "choice", "fit"} <= set(numbers)
    assert {"psychometric", "traces"} <= set(numbers["figures"])
    assert numbers["fit"]["measures"]["recorded_fitted_r"] > 0


@pytest.mark.battery
def test_a_sweep_of_fits_shows_the_unrecorded_error_beside_nulls(lab, tmp_path):
    grid = {"recording.n_units": (2, 5), "connectome.null": ("none", "permute"), "seed": (0, 1)}
    (tmp_path / "sweep.toml").write_text(on_wiring(lab, grid=grid).to_toml(), "utf-8")
    out = tmp_path / "swept"
    result = CliRunner().invoke(main, ["sweep", str(tmp_path / "sweep.toml"), "--out", str(out), "--workers", "0"])
    assert result.exit_code == 0, result.output
    assert "n_units 2, null none: smallest validation loss" in result.stdout
    assert "R2 of unrecorded units" in result.stdout
    data = sweep_results(out)
    assert data["unrecorded_held_out_r2"].dims == ("n_units", "null", "seed")
    assert data["validation_loss"].dims[-1] == "validation"
    run = open_run(next((out / "runs").glob("n_units=5,null=permute/seed=1")))
    found = json.loads(run.fit.read_text())["measures"]["unrecorded_held_out_r2"]
    assert data["unrecorded_held_out_r2"].sel(n_units=5, null="permute", seed=1).item() == pytest.approx(found)
    result = CliRunner().invoke(main, ["plot", str(out)])
    assert result.exit_code == 0, result.output
    assert "squared error / variance (median) and r (mean) of unrecorded units, held-out trials" in result.stdout
    assert "  null: permute, 2: " in result.stdout
    assert "  explained variance, original minus permute: " in result.stdout
    assert "ccuracy" not in result.stdout
    figures = out / "figures"
    assert all((figures / f"{name}.png").stat().st_size > 5000 for name in ("unrecorded", "explained_variance"))
    assert not [file.name for file in figures.glob("*.csv") if "ccuracy" in file.read_text("utf-8")]
    result = CliRunner().invoke(main, ["plot", str(run.path)])
    assert "explained variance" in (run.figures / "learning.csv").read_text("utf-8"), result.output
    analyze_run(run)
    assert CliRunner().invoke(main, ["report", str(run.path)]).exit_code == 0
    assert "ccuracy" not in (run.path / "report.html").read_text("utf-8")


# The command.


def test_fit_and_train_are_one_command(lab, done, tmp_path):
    (tmp_path / "fit.toml").write_text(recipe(lab).to_toml(), "utf-8")
    result = CliRunner().invoke(main, ["--quiet", "fit", str(tmp_path / "fit.toml"), "--out", str(tmp_path / "a")])
    assert result.exit_code == 0, result.output
    assert "Fitted to 4 of 12 units (rate) in 6 trials of 30 steps of 10 ms, 2 trials held out" in result.stdout
    assert "Fitted values: bias (12), gain (12)" in result.stdout
    assert "Unrecorded units: fitted trials R2 " in result.stdout
    assert "the mean of the other trials of a condition: R2 " in result.stdout
    again = CliRunner().invoke(main, ["--quiet", "train", "--resume", str(tmp_path / "a"), "--json"])
    told = json.loads(again.stdout)
    assert told["trained_now"] is False
    assert told["fit"]["measures"] == json.loads(done.fit.read_text())["measures"]  # of the same recipe


def test_fit_needs_a_recording(tmp_path):
    (tmp_path / "plain.toml").write_text("format = 2\n", "utf-8")
    result = CliRunner().invoke(main, ["fit", str(tmp_path / "plain.toml"), "--out", str(tmp_path / "a")])
    assert result.exit_code == 1
    assert "has no table [recording] with a `file`; use eicon train to train it on its task" in result.stderr
    assert not (tmp_path / "a").exists()
