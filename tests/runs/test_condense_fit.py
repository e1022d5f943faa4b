"""Condensing runs that were fitted to a recording: numbers by hand, resuming, retraining, and what is refused."""

import json
import shutil
from dataclasses import replace

import jax
import numpy as np
import pytest
from click.testing import CliRunner

from eicon.cli import main
from eicon.models import RateRNN, load, verify
from eicon.recordings import files, simulated
from eicon.runs import Protocol, Recipe, _condense, condense_run, create_run, open_run, read_condensation, train_run
from eicon.runs._condense import stages
from eicon.runs._condense_figures import draw_condensation
from eicon.runs._fit import write_fit
from eicon.studies import match_noise
from eicon.studies._condense import reading

N, DT = 12, 10.0
PLAIN = Protocol(to=6, every=4, retrain=0)
ONE_STEP = Protocol(to=8, retrain=1)
MATCHED = replace(PLAIN, retrain=2, match=0.5)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A folder with recordings of a network whose units have no names, in trials of two lengths."""
    folder = tmp_path_factory.mktemp("lab")
    teacher = RateRNN.dale(2, N, 3, activation="softplus", dt=DT, tau=40.0, seed=1)
    teacher.save(folder / "teacher.npz")
    inputs = np.random.default_rng(0).normal(size=(10, 6, 2)).cumsum(axis=0)
    mask = np.ones((10, 6), bool)
    mask[7:, ::2] = False
    activity = teacher.predict(inputs, noise=False)
    for observed, options in {"rate": {"noise": 0.1}, "counts": {"hz": 200.0}, "calcium": {"decay": 50.0}}.items():
        recording = simulated(activity, DT, inputs=inputs, mask=mask, observed=observed, **options)
        files.write(folder / f"{observed}.npz", recording)
    for observed in ("current", "output"):
        files.write(folder / f"{observed}.npz", simulated(activity, DT, inputs=inputs, observed=observed))
    return folder


def recipe(lab, observed="rate", recording=None, **tables):
    table = {"file": str(lab / f"{observed}.npz"), "n_units": 5, "held_out": 0.34, **(recording or {})}
    network = {"n_rec": N, "activation": "softplus", "parameters": {"tau": 40.0}, **tables.pop("network", {})}
    training = {"steps": 5, "validate_every": 5}
    return Recipe.model_validate({"recording": table, "network": network, "training": training, **tables})


def fitted(folder, of):
    run = create_run(folder, of)
    train_run(run, progress=False)
    return run


@pytest.fixture(scope="module")
def source(lab, tmp_path_factory):
    """A run of a fit to five of twelve units, as it is before its first step; tests must not change it."""
    run = create_run(tmp_path_factory.mktemp("source") / "fit", recipe(lab))
    net = run.recipe.make_network(run.recipe.make_task())
    net.save(run.network)
    write_fit(run.path, run.recipe, net)
    return run


@pytest.fixture(scope="module")
def plain(source, tmp_path_factory):
    """Without retraining, to eight and six units; tests must not change it."""
    return condense_run(source, PLAIN, tmp_path_factory.mktemp("plain") / "small", progress=False)


@pytest.fixture
def invoke(monkeypatch):
    from eicon.runs import _condense_figures

    monkeypatch.setattr(_condense_figures, "draw_condensation", lambda *_, **__: [])
    return lambda *words: CliRunner().invoke(main, ["--quiet", *map(str, words)])


def simulation(net, inputs):
    """Rates (T, B, N) and outputs, step by step as in the equations."""
    weights = [np.asarray(w, np.float64) for w in (net.W_in, net.W_rec, net.W_out)]
    bias, shift = (0.0 if b is None else np.asarray(b, np.float64) for b in (net.b_rec, net.b_out))
    x = np.zeros((inputs.shape[1], net.n_rec)) + np.asarray(net.parameter("x0"), np.float64)
    alpha, rates = DT / np.asarray(net.parameter("tau"), np.float64), []
    for u in inputs:
        x = (1 - alpha) * x + alpha * (np.log1p(np.exp(x)) @ weights[1] + u @ weights[0] + bias)
        rates.append(np.log1p(np.exp(x)))
    return np.stack(rates), np.stack(rates) @ weights[2] + shift


def similarity(a, b):
    """Linear CKA of samples (S, n)."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return (a.T @ b).__pow__(2).sum() / np.sqrt((a.T @ a).__pow__(2).sum() * (b.T @ b).__pow__(2).sum())


def contents(run):
    """What a condensation made, beside the time of writing."""
    found = {path.relative_to(run.path): path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if name.name != "run.json"}


def test_numbers_are_those_of_a_simulation_by_hand(source, plain):
    """Errors, similarity and predictions in the held-out trials, and in those that were fitted."""
    given, original = source.recipe.make_recording(), source.load_network()
    held_out, known = given.held_out, given.known
    fitted_units = np.isin(np.arange(N).astype(str), given.units)
    assert (held_out.n_trials, known.n_trials, fitted_units.sum()) == (2, 4, 5)
    rates = simulation(original, held_out.inputs)[0][held_out.mask]
    record = read_condensation(plain)
    assert [stage["size"] for stage in record["stages"]] == [8, 6]
    for net, stage in zip(stages(plain), record["stages"], strict=True):
        assert (net.n_rec, net.n_out) == (stage["size"], N)
        own, rebuilt = (values[held_out.mask] for values in simulation(net, held_out.inputs))
        error = np.sqrt(((rebuilt - rates) ** 2).sum() / ((rates - rates.mean(axis=0)) ** 2).sum())
        assert stage["output_error"] == pytest.approx(error, rel=1e-4)
        assert 1e-3 < error < 1
        assert stage["cka"] == pytest.approx(similarity(rates, own), rel=1e-4)
        assert stage["measures"] == stage["before_retraining"]["measures"]
        for name, part in (("held_out", held_out), ("fitted", known)):
            model, data = simulation(net, part.inputs)[1][part.mask], part.activity[part.mask]
            score = 1 - ((model - data) ** 2).sum(axis=0) / ((data - data.mean(axis=0)) ** 2).sum(axis=0)
            r = np.array([np.corrcoef(model[:, i], data[:, i])[0, 1] for i in range(N)])
            for which, units in (("recorded", fitted_units), ("unrecorded", ~fitted_units)):
                assert stage["measures"][f"{which}_{name}_r2"] == pytest.approx(np.median(score[units]), abs=1e-4)
                assert stage["measures"][f"{which}_{name}_r"] == pytest.approx(r[units].mean(), abs=1e-4)


def test_the_whole_network_has_the_measures_of_the_fit(source, plain):
    record = read_condensation(plain)
    whole, fit = record["original"], json.loads(source.fit.read_text())["measures"]
    assert (whole["size"], whole["output_error"], whole["cka"]) == (N, 0.0, pytest.approx(1.0))
    assert whole["measures"].keys() == fit.keys()
    for name, value in fit.items():
        assert whole["measures"][name] == pytest.approx(value, rel=1e-5), name
    assert record["stages"][-1]["measures"]["recorded_held_out_r2"] != fit["recorded_held_out_r2"]
    assert "with_noise" not in whole


def test_result_is_a_run_of_units_with_their_names(source, plain):
    run = open_run(plain.path)
    assert run.recipe == source.recipe
    net, units = run.load_network(), read_condensation(run)["units"]
    assert verify(net).ok
    assert net.units["name"].tolist() == [str(i) for i in units]  # which number 0 to 5 are other units
    for unit, words in zip(units, net.units["represents"], strict=True):
        assert str(unit) in words.replace(",", " ").split()
    np.testing.assert_array_equal(net.units["type"], source.load_network().units["type"][units])


def test_recorded_units_alone_are_retrained_and_what_the_fit_trained(source, plain, tmp_path):
    """The loss of the first step is that of the network before it, on the units that were fitted."""
    result = condense_run(source, ONE_STEP, tmp_path / "small", progress=False)
    before, after = next(stages(plain)), result.load_network()
    given = source.recipe.make_recording().fitted
    places = [int(name) for name in given.units]
    missed = simulation(before, given.inputs)[1][given.mask][:, places] - given.activity[given.mask]
    stage = read_condensation(result)["stages"][0]
    assert stage["retraining_loss"] == pytest.approx((missed**2).mean(), rel=1e-4)
    assert stage["before_retraining"]["output_error"] == read_condensation(plain)["stages"][0]["output_error"]
    assert sorted(source.load_network().trainable_variables()) == ["raw_in", "raw_rec"]
    for name in ("W_out", "b_out", "b_rec"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name), err_msg=name)
    for name in ("W_rec", "W_in"):
        assert (getattr(after, name) != getattr(before, name)).any(), name


@pytest.mark.battery
def test_stages_go_on_after_the_last_one(source, tmp_path, monkeypatch):
    at_once = condense_run(source, MATCHED, tmp_path / "at_once", progress=False)
    stage, calls = _condense._stage, []

    def interrupted(*arguments):
        calls.append(arguments[4])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return stage(*arguments)

    out = tmp_path / "small"
    monkeypatch.setattr(_condense, "_stage", interrupted)
    with pytest.raises(KeyboardInterrupt):
        condense_run(source, MATCHED, out, progress=False)
    assert not (out / "network.npz").exists()
    condense_run(source, MATCHED, out, progress=False)
    assert calls == [8, 6, 6]
    assert contents(open_run(out)) == contents(at_once)


def test_the_command_says_what_becomes_of_recorded_and_unrecorded_units(source, invoke, tmp_path):
    words = ("condense", source.path, "--to", 6, "--every", 4, "--retrain", 0, "--out", tmp_path / "small")
    said = invoke(*words)
    assert said.exit_code == 0, said.output
    lines = said.stdout.splitlines()
    assert lines[0].split() == ["units", "output", "error", "CKA", "recorded", "R2", "unrecorded", "R2"]
    record = read_condensation(open_run(tmp_path / "small"))
    rows = [record["original"], *record["stages"]]
    assert [line.split()[0] for line in lines[1:4]] == ["12", "8", "6"]
    for line, row in zip(lines[1:4], rows, strict=True):
        shown = (row["measures"][f"{which}_held_out_r2"] for which in ("recorded", "unrecorded"))
        assert line.split()[3:] == [f"{value:.3f}" for value in shown]
    assert lines[5] == f"Compare with: eicon compare {tmp_path / 'small'} {source.recipe.recording.file}"
    assert json.loads(invoke(*words, "--json").stdout) == record


def test_a_condensed_fit_is_condensed_further(source, plain, tmp_path):
    copy = open_run(shutil.copytree(plain.path, tmp_path / "copy"))
    smaller = condense_run(copy, Protocol(to=4, retrain=0), progress=False)
    net, record = smaller.load_network(), read_condensation(smaller)
    assert (net.n_rec, net.n_out) == (4, N)
    assert record["original"]["measures"] == read_condensation(plain)["stages"][-1]["measures"]
    names = [read_condensation(plain)["units"][i] for i in record["units"]]
    assert net.units["name"].tolist() == [str(name) for name in names]
    assert 0 < record["stages"][0]["output_error"] < 1
    (copy.path / "condense.json").write_text(json.dumps(read_condensation(copy) | {"source": "/nowhere"}))
    with pytest.raises(FileNotFoundError, match="there is no run directory /nowhere"):
        condense_run(copy, Protocol(to=3, retrain=0), progress=False)


def test_a_condensed_fit_is_not_analysed_as_a_fit(plain, invoke):
    said = invoke("analyze", plain.path)
    assert (said.exit_code, len(said.stderr.splitlines())) == (1, 1)
    assert "is a condensed fit, whose outputs are the rates of all units" in said.stderr


def test_what_is_refused(lab, source, invoke, tmp_path):
    refused = {("--seed", "3"): "leave out --seed", ("--within", "area"): "units have no label 'area'"}
    for words, text in refused.items():
        said = invoke("condense", source.path, "--to", 6, "--out", tmp_path / "small", *words)
        assert (said.exit_code, text in said.stderr, len(said.stderr.splitlines())) == (1, True, 1), said.output
    run = create_run(tmp_path / "currents", recipe(lab, "current", {"held_out": None}))
    load(lab / "teacher.npz").save(run.network)
    said = invoke("condense", run.path, "--to", 6)
    assert (said.exit_code, "was fitted to currents" in said.stderr, len(said.stderr.splitlines())) == (1, True, 1)
    assert not (run.path / "condensed").exists()


@pytest.mark.battery
def test_a_changed_recording_is_refused(lab, tmp_path):
    shutil.copy(lab / "rate.npz", tmp_path / "rate.npz")
    run = create_run(tmp_path / "fit", recipe(tmp_path))
    load(lab / "teacher.npz").save(run.network)
    shutil.copy(lab / "output.npz", tmp_path / "rate.npz")
    with pytest.raises(ValueError, match="changed after the run was made"):
        condense_run(run, PLAIN, tmp_path / "small", progress=False)
    assert not (tmp_path / "small").exists()


@pytest.mark.battery
@pytest.mark.parametrize("observed", ["counts", "calcium", "output"])
def test_whatever_was_observed(lab, observed, tmp_path):
    table = {"n_units": 2} if observed == "output" else {}
    run = fitted(tmp_path / "fit", recipe(lab, observed, table))
    result = condense_run(run, Protocol(to=6, retrain=3), progress=False)
    record, net = read_condensation(result), result.load_network()
    fit = json.loads(run.fit.read_text())["measures"]
    assert record["original"]["measures"] == pytest.approx(fit, rel=1e-4)
    (stage,) = record["stages"]
    assert stage["measures"] != stage["before_retraining"]["measures"]
    assert net.n_out == (3 if observed == "output" else N)
    assert 0 < stage["before_retraining"]["output_error"] < 1
    assert verify(net).ok
    draw_condensation(result)


@pytest.mark.battery
def test_noise_is_matched_along_the_components_of_the_rates(lab, tmp_path):
    """Not in all rates, as few units cannot have the private noise of each."""
    run = create_run(tmp_path / "fit", recipe(lab, network={"sigma_rec": 0.3}))
    load(lab / "teacher.npz").with_settings(sigma_rec=0.3).save(run.network)
    one_stage = Protocol(to=6, every=6, retrain=0, repeats=3)
    results = [
        condense_run(run, replace(one_stage, match_noise=m), tmp_path / str(m), progress=False) for m in (True, False)
    ]
    (matched, own), (net, small) = zip(*((read_condensation(r), r.load_network()) for r in results), strict=True)
    known, whole = run.recipe.make_recording().known, run.load_network()
    rates = simulation(whole, known.inputs)[0][known.mask]
    _, sizes, components = np.linalg.svd(rates - rates.mean(axis=0))
    n = int((np.cumsum(sizes**2) / (sizes**2).sum() < 0.99).sum()) + 1
    axes = components[:n].T
    assert 1 < n < 6
    inputs, mask = np.tile(known.inputs, (1, 3, 1)), np.tile(known.mask, (1, 3))
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(0), 0xC0), 1)
    found = match_noise(
        reading(small, np.asarray(small.W_out) @ axes),
        reading(whole, axes),
        own["units"],
        inputs,
        mask=mask,
        key=jax.random.fold_in(jax.random.split(key)[1], 1),
    )
    np.testing.assert_allclose(net.noise_covariance, found.net.noise_covariance, atol=1e-3)
    assert matched["stages"][0]["noise_misfit"] == pytest.approx(found.misfit, rel=1e-3)
    assert found.misfit < found.misfit_before
    assert small.noise_covariance is None
    assert "noise_misfit" not in own["stages"][0]


@pytest.mark.battery
def test_beside_a_task_the_task_is_what_counts(lab, invoke, tmp_path):
    task = {"name": "PerceptualDecision", "dt": DT}
    both = recipe(lab, recording={"beside_task": 0.5, "n_units": 5}, task=task, trials={"batch_size": 4})
    run = fitted(tmp_path / "both", both)
    words = ("condense", run.path, "--to", 8, "--every", 4, "--retrain", 2, "--out", tmp_path / "small")
    said = invoke(*words)
    assert said.exit_code == 0, said.output
    assert f"Condensed and retrained for the task alone, without {lab / 'rate.npz'}." in said.stdout
    result = open_run(tmp_path / "small")
    assert (result.recipe.recording.file, result.recipe.task["name"]) == ("", "PerceptualDecision")
    assert "with_noise" in read_condensation(result)["stages"][0]
    before = contents(result)
    assert invoke(*words).exit_code == 0
    assert contents(result) == before  # nothing was left to do


@pytest.mark.battery
def test_figures(source, plain, lab):
    import matplotlib.pyplot as plt

    from eicon.runs._condense_figures import _predictions

    copy = open_run(shutil.copytree(plain.path, plain.path.parent / "drawn"))
    paths = draw_condensation(copy)
    assert {path.name for path in paths} == {"condensation.png", "predictions.png", "units.png", "wiring.png"}
    record = read_condensation(plain)
    lines = {line.get_label(): line.get_xydata() for line in _predictions(record).lines}
    for which in ("recorded", "unrecorded"):
        scores = [row["measures"][f"{which}_held_out_r2"] for row in (record["original"], *record["stages"])]
        np.testing.assert_allclose(lines[f"{which} units"], np.transpose([[12, 8, 6], 1 - np.array(scores)]))
    plt.close("all")
