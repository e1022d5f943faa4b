import json

import numpy as np
import pytest
from click.testing import CliRunner

from eicon import analysis
from eicon.cli import main
from eicon.models import RateRNN, save
from eicon.pages import compare_runs, comparison_tables
from eicon.pages._compare_many import compare_many_runs
from eicon.pages._compare_text import LIKENESS, RESPECTS
from eicon.runs import create_run, parse_recipe
from eicon.studies._compare import AGAIN

pytestmark = pytest.mark.battery

TIMING = """
seed = {seed}
task = {{name = "CueSetGo", intervals = {intervals}}}
[network]
n_rec = {n}
sigma_rec = 0.05
"""


RECIPE = """
format = 2
[task]
name = "PerceptualDecision"
[network]
kind = "dale"
n_rec = 8
[training]
steps = 2
validate_every = 2
[grid]
seed = [0, 1, 2]
"""


def untrained(folder, name, n, *, seed=0, intervals=(400.0, 600.0), ramp=1.0):
    """A run with a network that was never trained, scaled so that its output may reach the threshold."""
    run = create_run(folder / name, parse_recipe(TIMING.format(seed=seed, n=n, intervals=list(intervals))))
    task = run.recipe.make_task()
    net = run.recipe.make_network(task)
    net.raw_out.value = net.raw_out.value * ramp
    save(net, run.network)
    return run


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two timing runs of 12 and 8 units, and their comparison."""
    folder = tmp_path_factory.mktemp("pair")
    runs = untrained(folder, "large", 12, ramp=5.0), untrained(folder, "small", 8, seed=1, ramp=40.0)
    return *runs, compare_runs(*runs, repeats=3, n_permutations=9)


@pytest.fixture
def no_figures(monkeypatch):
    """Figures take most of the time of a comparison; tests of numbers do without."""
    monkeypatch.setattr("eicon.pages._compare.draw_comparison", lambda *_: {})


@pytest.fixture(scope="module")
def decision(tmp_path_factory):
    """A decision run with a network that was never trained."""
    run = create_run(tmp_path_factory.mktemp("decision") / "decision", parse_recipe("[network]\nn_rec = 20\n"))
    save(run.recipe.make_network(run.recipe.make_task()), run.network)
    return run


def test_a_run_against_itself_is_equal(pair, no_figures, tmp_path):
    run = pair[0]
    numbers = compare_runs(run, run, tmp_path / "self", repeats=3, units=np.arange(12))
    likeness = numbers["similarity"]
    assert likeness["output_nrmse"] == likeness["rate_nrmse"] == likeness["spectrum_distance"] == 0.0
    assert likeness["cka"] == pytest.approx(1.0)
    assert likeness["procrustes_degrees"] == pytest.approx(0.0, abs=1e-5)
    assert max(likeness["angles_degrees"] + likeness["unit_angles_degrees"]) < 1e-3
    assert numbers["networks"][0] == numbers["networks"][1]
    assert numbers["names"] == ["large", "large (again)"]
    assert "angles of unit spaces" in [row[0] for row in comparison_tables(numbers).likeness]


def test_networks_of_different_size_are_compared_on_the_same_trials(pair):
    _, b, numbers = pair
    folder = b.path / "compare" / "large"
    assert json.loads((folder / "compare.json").read_text()) == numbers
    assert [network["n_rec"] for network in numbers["networks"]] == [12, 8]
    names = {"outputs", "produced_times", "ramp_index", "spectra", "trajectories", "variance", "accuracy_by_condition"}
    assert {path.stem for path in folder.glob("*.png")} == names
    for tested in (one for one in numbers["similarity"]["tested"].values() if one is not None):
        assert set(tested) == {"chance", "null_95", "ceiling", "p", "n", "permuted"}
    tables = comparison_tables(numbers)
    assert {len(row) for row in tables.likeness} == {len(LIKENESS)}
    text = (folder / "compare.md").read_text(encoding="utf-8")
    assert all(f"({name}.png)" in text for name in names)
    page = (folder / "compare.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == len(names)
    for network in numbers["networks"]:
        assert network["timing"]["intervals"] == [400.0, 600.0]
        assert np.add(network["timing"]["n"], network["timing"]["n_missing"]).tolist() == [3, 3]
        assert 0.0 <= network["ramp_index"]["median"] <= 1.0
        assert network["scaling"]["scaled"] <= 1.0
    assert numbers["similarity"]["rate_nrmse"] is None
    assert numbers["noise"] is False


def test_numbers_are_those_of_the_analysis_on_the_same_trials(pair):
    """By hand, without the functions of the comparison: the trials are found again from the key."""
    import jax

    a, b, numbers = pair
    task = a.recipe.make_task()
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(a.recipe.seed), 0xA11), 1)
    trial = task.trials(3, key=jax.random.split(key)[0])
    activities = [run.load_network().predict(trial.inputs, noise=False) for run in (a, b)]
    mask = np.asarray(trial.mask) > 0
    first, second = (np.asarray(activity.outputs, np.float64)[mask] for activity in activities)
    nrmse = np.sqrt(np.sum((first - second) ** 2) / np.sum((first - first.mean()) ** 2))
    assert numbers["similarity"]["output_nrmse"] == pytest.approx(nrmse)
    losses = [np.mean((np.asarray(x.outputs - trial.targets)[mask]) ** 2) for x in activities]
    np.testing.assert_allclose([network["loss"] for network in numbers["networks"]], losses, rtol=1e-5)
    for activity, network in zip(activities, numbers["networks"], strict=True):
        produced = np.asarray(task.produced_time(activity.outputs, trial))
        asked = np.asarray(trial.conditions["interval"])
        times = [produced[(asked == level) & np.isfinite(produced)] for level in (400.0, 600.0)]
        assert network["timing"]["n"] == [len(group) for group in times]
        for group, mean in zip(times, network["timing"]["mean"], strict=True):
            assert mean == (pytest.approx(group.mean()) if len(group) else None)
    start, stop = np.asarray(trial.epochs["production"]).T
    ramp = analysis.ramp_index(activities[1].rates, start, stop, conditions=asked)
    assert numbers["networks"][1]["ramp_index"]["median"] == pytest.approx(ramp.median)


def test_noise_is_the_same_for_networks_of_one_size(pair, no_figures, tmp_path):
    a, b, quiet = pair
    twin = compare_runs(a, a, tmp_path / "twin", repeats=3, noise=True)
    assert twin["similarity"]["output_nrmse"] == 0.0
    assert twin["noise"] is True
    noisy = compare_runs(a, b, tmp_path / "noisy", repeats=3, noise=True)
    assert noisy["notes"] == ["The networks differ in size, so each has its own noise.", AGAIN]
    assert noisy["similarity"]["tested"]["cka"]["ceiling"] < 1.0
    assert quiet["similarity"]["tested"]["cka"]["ceiling"] is None
    assert noisy["networks"][0]["loss"] != quiet["networks"][0]["loss"]


def test_other_parameters_of_the_task_are_taken_from_a_and_said(pair, no_figures, tmp_path):
    a = pair[0]
    other = untrained(tmp_path, "other", 8, intervals=(500.0, 700.0))
    numbers = compare_runs(a, other, tmp_path / "out", repeats=3)
    assert numbers["notes"] == ["The tasks differ in intervals; all trials are of A's task."]
    assert numbers["networks"][1]["timing"]["intervals"] == [400.0, 600.0]
    assert numbers["notes"][0] in (tmp_path / "out" / "compare.md").read_text()


def test_decision_runs_get_psychometric_curves(decision, tmp_path):
    numbers = compare_runs(decision, decision, tmp_path / "out", repeats=2)
    assert {path.stem for path in (tmp_path / "out").glob("*.png")} == {
        "outputs",
        "psychometric",
        "spectra",
        "trajectories",
        "variance",
    }
    assert "bias" in numbers["networks"][0]["psychometric"]
    assert "timing" not in numbers["networks"][0]


def test_tasks_without_conditions_to_sort_by_show_the_mean(tmp_path):
    config = "[task]\nname = 'SequenceMemory'\npattern_length = 2\n[network]\nn_rec = 8\n"
    run = create_run(tmp_path / "memory", parse_recipe(config))
    save(run.recipe.make_network(run.recipe.make_task()), run.network)
    compare_runs(run, run, repeats=2)
    assert (run.path / "compare" / "memory" / "outputs.png").is_file()


def test_runs_that_cannot_be_compared_are_refused(pair, decision, tmp_path):
    a = pair[0]
    with pytest.raises(ValueError, match="different tasks, CueSetGo and PerceptualDecision; only networks"):
        compare_runs(a, decision)
    coarse = TIMING.format(seed=0, n=4, intervals=[400.0, 600.0]).replace('"CueSetGo"', '"CueSetGo", dt = 10.0')
    with pytest.raises(ValueError, match=r"the tasks differ in dt: 20.0 and 10.0"):
        compare_runs(a, create_run(tmp_path / "coarse", parse_recipe(coarse)))
    new = create_run(tmp_path / "new", a.recipe)
    with pytest.raises(FileNotFoundError, match="no trained network yet"):
        compare_runs(a, new)
    save(RateRNN.dale(3, n_rec=5, n_out=1, dt=20.0), new.network)
    with pytest.raises(ValueError, match="the network of new has 3 inputs, 1 outputs and dt 20 ms; the task has 2, 1"):
        compare_runs(a, new)
    silent = RateRNN.dale(2, n_rec=5, n_out=1, dt=20.0)
    silent.x0.value, silent.raw_in.value = -np.ones(5, np.float32), np.zeros((2, 5), np.float32)
    save(silent, new.network)
    with pytest.raises(ValueError, match="new: `rates` must vary.*silent"):
        compare_runs(a, new)
    assert not (new.path / "compare").exists()


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])


def test_command_prints_tables_or_json(pair, no_figures, invoke, tmp_path):
    a, b, numbers = pair
    said = invoke("compare", a.path, b.path, "--repeats", 3, "--permutations", 9, "--out", "mine")
    assert said.exit_code == 0, said.output
    lines = said.stdout.splitlines()
    assert lines[0].split() == ["A:", "large", "B:", "small"]
    assert lines[1].split() == ["units", "12", "8"]
    assert any(line.startswith("output NRMSE  ") for line in lines)
    assert lines[-1] == "All on one page: mine/compare.html"
    assert (tmp_path / "mine" / "compare.html").is_file()
    words = ("compare", a.path, b.path, "--repeats", 3, "--permutations", 9, "--out", "mine", "--json")
    printed = json.loads(invoke(*words).stdout)
    assert printed["similarity"] == numbers["similarity"]


def test_command_says_errors_in_one_line(pair, decision, invoke):
    for words, text in (
        ((pair[0].path, "absent"), "there is no run directory absent"),
        ((pair[0].path, decision.path), "the runs have different tasks"),
    ):
        result = invoke("compare", *words)
        assert result.exit_code == 1
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
        assert text in result.stderr
    assert invoke("compare", pair[0].path).exit_code == 2


def test_many_runs_are_a_matrix(pair, invoke, tmp_path):
    a, b, numbers = pair
    third = untrained(tmp_path, "third", 8, seed=4, ramp=20.0)
    words = ("compare", a.path, b.path, third.path, "--repeats", 3, "--permutations", 9, "--out", "many")
    said = invoke(*words, "--noise", "--format", "pdf")
    assert said.exit_code == 0, said.output
    lines = said.stdout.splitlines()
    assert lines[0] == f"Note: {AGAIN}"
    assert lines[1].split("  ")[0] == ""
    assert [line.split("  ")[0] for line in lines[2:5]] == ["large and small", "large and third", "small and third"]
    assert lines[-1] == "All on one page: many/compare.html"
    many = tmp_path / "many"
    found = json.loads((many / "compare.json").read_text())
    for measure in ("cka", "procrustes"):
        assert {path.suffix for path in many.glob(f"matrix_{measure}.*")} == {".png", ".pdf", ".csv"}
        for what in ("value", "chance", "null_95", "p", "ceiling", "n"):
            matrix = found["similarity"][measure][what]
            assert np.shape(matrix) == (3, 3)
            assert matrix[0][2] == matrix[2][0] is not None
    assert (many / "compare.html").read_text().count("data:image/png;base64,") == 2
    # The value of a pair is that of the page of the two.
    quiet = compare_many_runs([a, b, third], tmp_path / "quiet", repeats=3, n_permutations=9)
    assert quiet["similarity"]["cka"]["value"][0][1] == pytest.approx(numbers["similarity"]["cka"])
    assert quiet["similarity"]["cka"]["ceiling"][0][1] is None
    assert "many" not in {path.name for path in third.path.iterdir()}


def test_many_runs_of_different_tasks_are_refused(pair, decision):
    with pytest.raises(ValueError, match="different tasks, CueSetGo and PerceptualDecision"):
        compare_many_runs([*pair[:2], decision])


def test_profile_stands_in_numbers_tables_and_pages(decision, no_figures, tmp_path):
    numbers = compare_runs(decision, decision, tmp_path / "out", repeats=2, n_permutations=4, same_way=True)
    found = json.loads((tmp_path / "out" / "compare.json").read_text(encoding="utf-8"))["profile"]
    assert found == numbers["profile"]
    assert found["activity"]["value"] == pytest.approx(1.0, abs=1e-3)
    assert found["outputs"]["value"] == pytest.approx(0.0, abs=1e-6)
    assert found["fixed_points"]["value"] == 1.0
    assert len(found["effects"]["silence 100% of E, stimulus"]) == 2
    rows = comparison_tables(numbers).profile
    assert [row[0].replace(" ", "_") for row in rows] == list(RESPECTS)
    assert all(len(row) == len(LIKENESS) for row in rows)
    for name in ("compare.md", "compare.html"):
        assert "The same way?" in (tmp_path / "out" / name).read_text(encoding="utf-8")


def test_profile_is_asked_for(pair):
    assert pair[2]["profile"] is None
    assert comparison_tables(pair[2]).profile == []


def test_many_profiles_are_a_tree_and_a_table(decision, invoke, tmp_path):
    """A decision network, itself again and another one: the two that are the same are nearest."""
    other = create_run(tmp_path / "other", parse_recipe("seed = 1\n[network]\nn_rec = 20\n"))
    save(other.recipe.make_network(other.recipe.make_task()), other.network)
    words = ("compare", decision.path, other.path, decision.path, "--profile", "--repeats", 2, "--permutations", 4)
    said = invoke(*words, "--out", "three")
    assert said.exit_code == 0, said.output
    found = json.loads((tmp_path / "three" / "compare.json").read_text(encoding="utf-8"))["profile"]
    assert found["overall"][0][2] == max(found["overall"][i][j] for i in range(3) for j in range(i))
    assert found["likeness"]["activity"][0][2] == pytest.approx(1.0, abs=1e-3)
    assert [(one["a"], one["b"]) for one in found["pairs"]] == [
        ("decision", "other"),
        ("decision", "decision (again)"),
        ("other", "decision (again)"),
    ]
    line = next(one for one in said.stdout.splitlines() if "the mean" not in one and "generalisation" in one)
    assert line.split()[-1] == "mean"
    for name in ("compare.md", "compare.html"):
        assert "The same way?" in (tmp_path / "three" / name).read_text(encoding="utf-8")
    assert (tmp_path / "three" / "profiles.png").is_file()


def test_runs_of_a_sweep_are_compared(invoke, tmp_path):
    (tmp_path / "recipe.toml").write_text(RECIPE)
    made = invoke("sweep", "recipe.toml", "--out", "sweep", "--workers", 0)
    assert made.exit_code == 0, made.output
    said = invoke("compare", "sweep", "--repeats", 2, "--permutations", 4)
    assert said.exit_code == 0, said.output
    found = json.loads((tmp_path / "sweep" / "compare" / "compare.json").read_text(encoding="utf-8"))
    assert found["names"] == ["seed=0", "seed=1", "seed=2"]
    for cell in sorted((tmp_path / "sweep" / "runs" / "all").iterdir())[1:]:
        (cell / "run.npz").unlink()
    refused = invoke("compare", "sweep")
    assert refused.exit_code == 1
    assert "1 finished runs of 3; two are needed" in refused.stderr
