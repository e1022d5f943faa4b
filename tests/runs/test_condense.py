"""Condensing trained runs: stages, resuming, what is refused, figures, and the command."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from click.testing import CliRunner

from eicon import key
from eicon.cli import main
from eicon.models import Connectivity, RateRNN, verify
from eicon.runs import (
    Protocol,
    _condense,
    condense_run,
    create_run,
    open_run,
    parse_recipe,
    read_condensation,
    train_run,
)
from eicon.runs._condense import stages
from eicon.runs._condense_figures import _preferred, draw_condensation
from eicon.runs._condense_purpose import purpose_of
from eicon.studies import condense_network
from eicon.studies._condense import output_error
from eicon.studies._responses import Responses
from eicon.tasks import FlipFlop, PerceptualDecision

TIMING = """
seed = 3
[task]
name = "CueSetGo"
intervals = [200.0, 300.0, 400.0]
wait = 100.0
[network]
n_rec = 16
sigma_rec = 0.05
activation = "tanh"
[training]
steps = 15
batch_size = 8
learning_rate = 0.01
validate_every = 15
validation_repeats = 2
"""
PLAIN = Protocol(to=8, every=5, retrain=0, repeats=2)
MATCHED = replace(PLAIN, retrain=2, match=1.0)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A run of sixteen units; tests must not change it."""
    run = create_run(tmp_path_factory.mktemp("source") / "large", parse_recipe(TIMING))
    train_run(run, progress=False)
    return run


@pytest.fixture(scope="module")
def plain(source, tmp_path_factory):
    """Without retraining, to eleven and eight units; tests must not change it."""
    return condense_run(source, PLAIN, tmp_path_factory.mktemp("plain") / "small", progress=False)


@pytest.fixture(scope="module")
def matched(source, tmp_path_factory):
    """With retraining, to as many units; tests must not change it."""
    return condense_run(source, MATCHED, tmp_path_factory.mktemp("matched") / "small", progress=False)


@pytest.fixture
def copy(plain, tmp_path):
    """That can be changed."""
    return open_run(shutil.copytree(plain.path, tmp_path / "copy"))


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def state(net):
    return {name: np.asarray(value).tobytes() for name, value in net.parameters().items()}


def results(run):
    """What a condensation made, beside the time of writing."""
    return {name: content for name, content in files(run.path).items() if name.name != "run.json"}


def test_sizes():
    assert Protocol(to=60, every=20).sizes(100) == [80, 60]
    assert Protocol(to=50, every=20).sizes(100) == [80, 60, 50]
    assert Protocol(to=99).sizes(100) == [99]
    assert Protocol(to=1, every=100).sizes(100) == [1]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"to": 0}, r"to >= 1, every >= 1, retrain >= 0 and repeats >= 1; got 0, 10, 100 and 10"),
        ({"every": 0}, "got 5, 0, 100 and 10"),
        ({"retrain": -1}, "got 5, 10, -1 and 10"),
        ({"repeats": 0}, "got 5, 10, 100 and 0"),
        ({"method": "magic"}, "unknown method 'magic'; allowed: subset, merge"),
        ({"similarity": "taste"}, "unknown similarity 'taste'; allowed: pca, correlation"),
        ({"learning_rate": 0.0}, "learning_rate must be > 0, or None for that of the run; got 0"),
        ({"match": -1.0}, "match must be >= 0, the strength of activity matching; got -1"),
        ({"match": float("nan")}, "match must be >= 0"),
        ({"match": 1.0, "retrain": 0}, "match needs retraining, during which activity is matched; got retrain = 0"),
    ],
)
def test_impossible_protocols_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        Protocol(**({"to": 5} | options))


def test_result_is_a_run_whose_network_is_the_last_stage(source, plain):
    names = {str(name) for name in files(plain.path)}
    assert names == {"condense.json", "config.toml", "network.npz", "run.json", "stages/11.npz", "stages/8.npz"}
    run = open_run(plain.path)
    assert run.recipe == source.recipe
    nets = list(stages(run))
    assert [net.n_rec for net in nets] == [11, 8]
    assert state(run.load_network()) == state(nets[-1])
    assert all(verify(net).ok for net in nets)
    record = run.read_record()
    assert (record["status"], record["steps"]) == ("condensed", 0)
    original = source.load_network()
    units = read_condensation(run)["units"]
    assert units == sorted(set(units))
    np.testing.assert_array_equal(nets[-1].is_excitatory, original.is_excitatory[units])


def test_record_says_what_was_measured(source, plain):
    record = read_condensation(plain)
    assert record.keys() == {"source", "protocol", "units", "original", "stages"}
    assert record["source"] == str(source.path.resolve())
    assert Protocol(**record["protocol"]) == PLAIN
    assert [stage["size"] for stage in record["stages"]] == PLAIN.sizes(16) == [11, 8]
    measured = {"size", "output_error", "with_noise", "without_noise", "spectral_radius", "cka", "n_components"}
    measured |= {"ramp_index"}
    assert record["original"].keys() == measured
    assert record["original"]["size"] == 16
    assert record["original"]["output_error"] == 0.0
    assert record["original"]["cka"] == pytest.approx(1.0)
    for stage in record["stages"]:
        assert stage.keys() == measured | {"reconstruction_error", "before_retraining", "noise_misfit"}
        assert stage["before_retraining"] == {name: stage[name] for name in measured}
        assert stage["with_noise"].keys() == {"loss", "accuracy", "timing_error"}
        assert 0 < stage["output_error"] < 2
    errors = [stage["reconstruction_error"] for stage in record["stages"]]
    assert 0 < errors[0] < errors[1] < 1


def test_error_is_that_of_the_outputs_on_contexts_between_the_trained_ones(source, plain):
    """By hand, from the printed equation of the error; the trials are found again from the key."""
    task = replace(source.recipe.make_task(), intervals=(250.0, 350.0), contexts=(0.4375, 0.8125))
    key = jax.random.split(jax.random.fold_in(jax.random.key(3), 0xC0))[0]
    trial = task.trials(2, key=key)
    assert trial.batch_size == 4
    nets = [source.load_network(), *stages(plain)]
    inside = np.asarray(trial.mask) > 0
    made = [np.asarray(net.predict(trial.inputs, noise=False).outputs, np.float64)[inside] for net in nets]
    for outputs, stage in zip(made[1:], read_condensation(plain)["stages"], strict=True):
        error = np.sqrt(((outputs - made[0]) ** 2).sum() / ((made[0] - made[0].mean(axis=0)) ** 2).sum())
        assert stage["output_error"] == pytest.approx(error, rel=1e-6)
        loss = ((outputs - np.asarray(trial.targets)[inside]) ** 2).mean()
        assert stage["without_noise"]["loss"] == pytest.approx(loss, rel=1e-5)


def test_retraining_is_recorded_and_changes_the_network(source, matched):
    record = read_condensation(matched)
    for stage, net in zip(record["stages"], stages(matched), strict=True):
        assert np.isfinite(stage["retraining_loss"])
        assert stage["output_error"] != stage["before_retraining"]["output_error"]
        assert net.n_rec == stage["size"] == stage["before_retraining"]["size"]
        assert verify(net).ok
    assert matched.read_record()["steps"] == 4


def test_source_stays_as_it_is(source, plain, matched):
    """A run trained again from the same configuration is the same, and holds no more files."""
    names = {str(name) for name in files(source.path)}
    assert names == {
        "config.toml",
        "network.npz",
        "best.npz",
        "history.csv",
        "run.json",
        "run.npz",
        "checkpoints/latest.npz",
    }


@pytest.mark.battery
def test_interrupted_and_continued_is_the_same_as_at_once(source, plain, tmp_path, monkeypatch):

    stage, calls = _condense._stage, []

    def interrupted(*arguments):
        calls.append(arguments[4])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return stage(*arguments)

    out = tmp_path / "small"
    with monkeypatch.context() as patch:
        patch.setattr(_condense, "_stage", interrupted)
        with pytest.raises(KeyboardInterrupt):
            condense_run(source, PLAIN, out, progress=False)
        assert calls == [11, 8]
        assert not (out / "network.npz").exists()
        assert [s["size"] for s in read_condensation(open_run(out))["stages"]] == [11]
        condense_run(source, PLAIN, out, progress=False)
        assert calls == [11, 8, 8]
        assert results(open_run(out)) == results(plain)
        condense_run(source, PLAIN, out, progress=False)
        assert calls == [11, 8, 8], "nothing was left to do"
    assert results(open_run(out)) == results(plain)


def test_retraining_continues_after_a_stage(source, matched, tmp_path):
    """A run killed while it wrote the second stage: its network is there, and the record does not know it yet."""

    copy = shutil.copytree(matched.path, tmp_path / "copy")
    record, original = read_condensation(matched), source.load_network()
    purpose, without = purpose_of(source, original, 2), replace(MATCHED, retrain=0, match=0.0)
    first = jax.random.fold_in(jax.random.fold_in(jax.random.key(3), 0xC0), 1)
    units = _condense._stage(purpose, without, original, np.arange(16), 11, first)[1]["units"]
    (copy / "condense.json").write_text(json.dumps(record | {"stages": record["stages"][:1], "units": units}))
    (copy / "network.npz").unlink()
    (copy / "stages" / "8.npz").write_bytes(b"half a file")
    assert results(condense_run(source, MATCHED, copy, progress=False)) == results(matched)


def test_something_else_in_the_directory_is_refused_and_kept(source, copy, tmp_path):
    before = files(copy.path)
    for other in (replace(PLAIN, to=7), replace(PLAIN, dale=False), replace(PLAIN, noise=0.2)):
        with pytest.raises(FileExistsError, match="contains a different condensation; choose another --out"):
            condense_run(source, other, copy.path, progress=False)
    twin = open_run(shutil.copytree(source.path, tmp_path / "twin"))
    with pytest.raises(FileExistsError, match="contains a different condensation"):
        condense_run(twin, PLAIN, copy.path, progress=False)
    assert files(copy.path) == before
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="already exists and is not empty; choose another --out"):
        condense_run(source, PLAIN, foreign, progress=False)
    assert [path.name for path in foreign.iterdir()] == ["thesis.txt"]
    with pytest.raises(FileExistsError, match="not empty"):
        condense_run(source, PLAIN, source.path, progress=False)


def test_what_cannot_be_condensed_leaves_nothing(source, tmp_path):
    new = create_run(tmp_path / "new", source.recipe)
    with pytest.raises(FileNotFoundError, match="no trained network yet"):
        condense_run(new, PLAIN, tmp_path / "out", progress=False)
    with pytest.raises(ValueError, match="the network has 16 units; condensing it to 16 would remove none"):
        condense_run(source, replace(PLAIN, to=16), tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


def test_default_directories(source):
    from eicon.runs._condense import default_directory

    for protocol, name in ((PLAIN, "subset-8"), (MATCHED, "subset-8-matched")):
        assert default_directory(source, protocol) == source.path / "condensed" / name
    assert default_directory(source, Protocol(to=5, method="merge")).name == "merge-5-retrained"


def test_units_that_say_nothing_of_their_own_go_first(source, tmp_path):
    """Six units that are one: down to eleven nothing is lost."""
    net = source.load_network()
    for name in ("raw_rec", "raw_in"):
        variable = getattr(net, name)
        values = np.array(variable.value)
        values[:, 1:6] = values[:, :1]
        if name == "raw_rec":
            values[:6, :6] = 0.0
        variable.value = values
    x0 = np.array(net.x0.value)
    x0[1:6] = x0[0]
    net.x0.value = x0
    twin = open_run(shutil.copytree(source.path, tmp_path / "twin"))
    net = net.with_settings(sigma_rec=0.0, sigma_in=0.0)
    net.save(twin.network)
    result = condense_run(twin, PLAIN, progress=False)
    eleven, eight = read_condensation(result)["stages"]
    assert (eleven["size"], eight["size"]) == (11, 8)
    assert eleven["output_error"] < 1e-4 < eight["output_error"]


@pytest.mark.battery
def test_rates_before_the_first_step_count():
    """Two units act on the first step alone and are silent ever after, two never act: these go first."""
    n = 8
    rng = np.random.default_rng(0)
    weights = {
        "recurrent": rng.normal(size=(n, n)) * np.where(np.arange(n) < 4, -1, 1) / n,
        "input": np.abs(rng.normal(size=(1, n))),
        "readout": rng.normal(size=(n, 1)),
    }
    weights["input"][0, :4] = -3.0
    weights["recurrent"][:, :4] = 0.0
    dense = [Connectivity.dense(*shape) for shape in ((n, n), (1, n), (n, 1))]
    x0 = [1.0, 1.0, -1.0, -1.0, 0.1, 0.1, 0.1, 0.1]
    net = RateRNN(*dense, weights=weights, x0=x0, tau=20.0, dt=20.0)
    inputs = np.abs(rng.normal(size=(20, 10, 1))).astype(np.float32)
    assert (net.predict(inputs).rates[:, :, :4] == 0).all()
    made = condense_network(net, inputs, 5).condensation
    assert len({0, 1} & set(made.kept)) == 1  # one of the two can speak for both
    assert made.measured_error < 1e-5


@pytest.mark.battery
def test_produced_times_that_do_not_exist_have_no_error(source, tmp_path):
    net = source.load_network()
    net.raw_out.value = 1e-6 * net.raw_out.value
    twin = open_run(shutil.copytree(source.path, tmp_path / "twin"))
    net.save(twin.network)
    result = condense_run(twin, Protocol(to=8, every=8, retrain=0, repeats=2), progress=False)
    assert read_condensation(result)["original"]["with_noise"]["timing_error"] is None


@pytest.mark.battery
def test_figures(plain, matched):
    import matplotlib.pyplot as plt

    from eicon.runs._condense_figures import _errors

    paths = draw_condensation(matched)
    assert {path.name for path in paths} == {"condensation.png", "units.png", "stages.png", "wiring.png"}
    assert all(path.parent == matched.figures and path.read_bytes()[:4] == b"\x89PNG" for path in paths)
    shutil.rmtree(matched.figures)
    of_matched, of_plain = (_errors(read_condensation(run), "outputs") for run in (matched, plain))
    assert len(of_matched.lines) > len(of_plain.lines)
    plt.close("all")


def test_units_of_the_wiring_diagram_are_grouped_by_what_they_prefer():
    task = PerceptualDecision()
    trial = task.trials(3, key=key(0))
    for_0 = np.asarray(trial.conditions["coherence"]) > 0
    rates = np.zeros((*trial.inputs.shape[:2], 5))
    rates[:, :, 0], rates[:, :, 1] = np.where(for_0, 1.0, 0.2), np.where(for_0, 0.0, 0.1)
    rates[:, :, 3] = np.where(for_0, 1.0, 0.9)
    rates[:, :, 4] = np.asarray(trial.during("decision")) * np.where(for_0, 0.0, 0.5)  # in the answer
    made = SimpleNamespace(rates=rates, outputs=np.zeros(trial.targets.shape))
    assert _preferred(Responses(None, task, trial, made)) == [
        "choice 0",
        "choice 1",
        "silent",
        "unselective",
        "choice 1",
    ]
    task = FlipFlop(n_bits=2)
    trial = task.trials(20, key=key(0))
    bits = np.asarray(trial.targets)
    rates = np.stack([np.maximum(bits[..., 0], 0), np.maximum(-bits[..., 1], 0), 0 * bits[..., 0] + 1], axis=-1)
    made = SimpleNamespace(rates=rates, outputs=bits)
    assert _preferred(Responses(None, task, trial, made)) == ["bit 0 high", "bit 1 low", "unselective"]


def test_figures_need_a_condensation_and_its_source(source, copy):
    with pytest.raises(FileNotFoundError, match="is not a condensed run: it has no condense.json"):
        draw_condensation(source)
    record = read_condensation(copy) | {"source": "/nowhere"}
    (copy.path / "condense.json").write_text(json.dumps(record))
    with pytest.raises(FileNotFoundError, match="no run directory"):
        draw_condensation(copy)


@pytest.mark.battery
def test_result_is_analysed_reported_and_compared_as_what_it_is(source, copy, invoke, monkeypatch):
    analyzed = invoke("analyze", copy.path, "--repeats", 2, "--json")
    assert analyzed.exit_code == 0, analyzed.output
    numbers = json.loads(analyzed.stdout)
    assert numbers["certificate"]["ok"]
    assert numbers["training"] == {"steps": 0, "seconds": 0.0}
    assert "report.html" in invoke("report", copy.path).stdout
    page = (copy.path / "report.html").read_text(encoding="utf-8")
    net = copy.load_network()
    assert f"8 rate units, {net.is_excitatory.mean():.0%} excitatory" in page
    assert "condensed from large" in page
    assert "eicon condense large --to 8 --every 5 --retrain 0 --method subset --out copy" in page
    monkeypatch.setattr("eicon.pages._compare.draw_comparison", lambda *_: {})
    compared = invoke("compare", source.path, copy.path, "--repeats", 2, "--json")
    assert compared.exit_code == 0, compared.output
    numbers = json.loads(compared.stdout)
    assert [network["n_rec"] for network in numbers["networks"]] == [16, 8]
    assert numbers["similarity"]["rate_nrmse"] is not None  # which unit is which is known


def test_training_does_not_replace_a_condensed_network(copy):
    before = files(copy.path)
    with pytest.raises(FileExistsError, match="contains a condensed network"):
        train_run(copy, progress=False)
    assert files(copy.path) == before


@pytest.mark.battery
def test_command_prints_a_table_or_json(source, invoke, monkeypatch):
    from eicon.runs import _condense_figures

    drawn = []
    monkeypatch.setattr(_condense_figures, "draw_condensation", lambda run, **_: drawn.append(run.path.name))
    words = ("--quiet", "condense", source.path, "--to", 11, "--every", 5, "--retrain", 0, "--out", "small")
    said = invoke(*words)
    assert said.exit_code == 0, said.output
    lines = said.stdout.splitlines()
    assert lines[0].split() == ["units", "output", "error", "CKA", "loss", "accuracy"]
    assert [line.split()[0] for line in lines[1:3]] == ["16", "11"]
    assert lines[3] == "Network: small/network.npz"
    assert lines[4] == f"Compare with: eicon compare {source.path} small"
    assert drawn == ["small"]
    printed = json.loads(invoke(*words, "--json").stdout)
    assert printed == read_condensation(open_run("small"))
    assert Protocol(**printed["protocol"]) == Protocol(to=11, every=5, retrain=0)


def test_options_reach_the_protocol(source, invoke, monkeypatch):
    """Nothing is computed: the command is asked what it would do."""
    from eicon import runs

    asked = []

    def stop(run, protocol, out, progress):
        asked.append(protocol)
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "condense_run", stop)
    words = ("condense", source.path, "--to", 5)
    said = invoke(*words)
    assert said.exit_code == 130
    assert "Interrupted. Progress is saved; resume with: the same command" in said.stderr
    invoke(
        *words,
        "--every",
        3,
        "--retrain",
        7,
        "--learning-rate",
        0.01,
        "--match-activity",
        "--match-strength",
        0.5,
        "--free",
    )
    invoke(*words, "--method", "merge", "--similarity", "correlation", "--incoming", "averaged")
    assert asked == [
        Protocol(to=5),
        Protocol(to=5, every=3, retrain=7, learning_rate=0.01, match=0.5, dale=False),
        Protocol(to=5, method="merge", similarity="correlation", incoming="averaged"),
    ]


def test_command_says_errors_in_one_line(source, invoke, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    for words, text in (
        (("absent", "--to", 5), "there is no run directory absent"),
        ((source.path, "--to", 16), "the network has 16 units; condensing it to 16 would remove none"),
        ((source.path, "--to", 5, "--out", "mine"), "mine already exists and is not empty"),
    ):
        result = invoke("condense", *words)
        assert result.exit_code == 1
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
        assert text in result.stderr
    for words in ((source.path,), (source.path, "--to", 0), (source.path, "--to", 5, "--method", "prune")):
        assert invoke("condense", *words).exit_code == 2
    usage = invoke("condense", source.path, "--to", 5, "--match-activity", "--retrain", 0)
    assert usage.exit_code == 2
    assert "--match-activity needs --retrain" in usage.stderr


def test_help_names_the_methods_that_there_are():
    from eicon.analysis._condense import INCOMING, METHODS
    from eicon.analysis._merging import SIMILARITIES

    options = {option.name: option.type for option in main.commands["condense"].params}
    assert tuple(options["method"].choices) == METHODS
    assert tuple(options["similarity"].choices) == SIMILARITIES
    assert tuple(options["incoming"].choices) == INCOMING


FREE = TIMING.replace("[network]", "[network]\ndale = false\nbias = true")


def test_networks_without_dale():
    recipe = parse_recipe(FREE)
    assert parse_recipe(recipe.to_toml()).completed() == recipe.completed()
    assert 'kind = "free"' in recipe.to_toml()
    assert parse_recipe(TIMING).network.kind == "dale"
    recipe.check()
    net = recipe.make_network(recipe.make_task())
    assert not net.is_excitatory.any()
    certificate = verify(net)
    assert (certificate.ok, certificate.n_free) == (True, 16)
    for weights in (net.W_rec, net.W_in, net.W_out):
        assert (np.asarray(weights) < 0).any()
        assert (np.asarray(weights) > 0).any()
    assert (net.n_rec, net.sigma_rec, net.activation.name, net.b_rec is not None) == (16, 0.05, "tanh", True)
    assert certificate.spectral_radius == pytest.approx(1.5, rel=1e-4)
    again = recipe.make_network(recipe.make_task())
    assert state(again) == state(net)
    with pytest.raises(ValueError, match=r"dt must be > 0 and at most tau"):
        parse_recipe(FREE.replace("n_rec = 16", "n_rec = 16\ntau = 10.0")).check_network()


def test_an_error_does_not_look_at_what_is_masked():
    """A network diverged only if it did so where the mask counts."""
    rng = np.random.default_rng(0)
    wanted, found = rng.normal(size=(2, 9, 4, 2))
    mask = rng.random((9, 4)) < 0.7
    garbage = np.where(mask[:, :, None], found, np.nan)
    assert output_error(wanted, garbage, mask=mask) == output_error(wanted, found, mask=mask)
    assert np.isfinite(output_error(wanted, garbage, mask=mask))
    assert output_error(wanted, garbage) == float("inf")
    assert output_error(wanted, np.where(mask[:, :, None], np.inf, found), mask=mask) == float("inf")
