"""Recordings in the shell: what is in a file, and a run beside it."""

import json

import jax
import numpy as np
import pytest
from click.testing import CliRunner

from eicon.cli import main
from eicon.recordings import Recording, files, read, simulated

from .labs import add_trials, add_units, session, spike_trains, write_nwb


def run(*words):
    return CliRunner().invoke(main, list(map(str, words)))


@pytest.fixture(scope="module")
def spikes(tmp_path_factory):
    pytest.importorskip("pynwb")
    nwb = session()
    add_trials(nwb)
    add_units(nwb, spike_trains())
    return write_nwb(tmp_path_factory.mktemp("session") / "spikes.nwb", nwb)


def test_a_recording_is_said_in_ten_lines_and_drawn(spikes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ("--align-to", "go_time", "--window", "-200:300", "--kernel", "boxcar", "--width", 80, "--names", "cell")
    done = run("recording", "show", spikes, *options, "--format", "svg", "--save", "a.npz")
    assert done.exit_code == 0, done.output
    lines = dict(line.split(": ", 1) for line in done.output.splitlines())
    assert len(lines) == 10
    assert lines["Recording"] == "rates of 3 units in 3 trials"
    assert "boxcar kernel of width 80 ms, in steps of 10 ms, in spikes/s, aligned to go_time" in lines["Source"]
    assert lines["Time"] == "50 steps of 10 ms, from -200 to 300 ms"
    assert lines["Trials"] == "500 ms each"
    assert lines["Conditions"].startswith("side (left: 1, right: 2); coherence (0.1: 1, ")
    assert lines["Units"].startswith("n0, n1, n2; region (M1: 1, V1: 2)")
    assert lines["Inputs"] == "none"
    assert {path.name for path in tmp_path.iterdir()} == {"a.npz", "spikes.svg", "spikes_numbers.csv"}
    assert read("a.npz").units == ("n0", "n1", "n2")


def test_numbers_of_a_recording(spikes, tmp_path):
    options = ("--observed", "counts", "--bin", 100, "--condition", "side", "--out", tmp_path / "a.png", "--json")
    done = run("recording", "show", spikes, *options)
    found = json.loads(done.output)
    direct = read(spikes, observed="counts", bin=100)
    assert found["mean"] == pytest.approx(np.nanmean(direct.activity))
    assert found["steps_of_trials"] == [20, 15, 20, 10]
    assert list(found["conditions"]) == ["side"]
    assert found["observed_fraction"] == 1.0


def test_numbers_are_json_whatever_is_unknown(tmp_path):
    given = Recording(np.ones((3, 2, 1)), dt=10.0, conditions={"coherence": [0.5, np.nan]})
    files.write(tmp_path / "a.npz", given)
    done = run("recording", "show", tmp_path / "a.npz", "--out", tmp_path / "a.png", "--json")
    assert json.loads(done.output, parse_constant=pytest.fail)["conditions"] == {"coherence": [0.5, None]}


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (("--window", "300"), 2, "--window takes FROM:TO in ms, such as -200:800"),
        (("--bin", "0.01"), 1, "error: bin is in ms and must be at least 0.1"),
        (("--by", "cell"), 1, "error: --by must be a condition of 1 to 6 levels"),
        (("--align-to", "reward"), 1, "spikes.nwb: align_to: the trials have no column 'reward'"),
    ],
)
def test_errors_are_one_line(options, code, text, spikes):
    done = run("recording", "show", spikes, *options)
    assert done.exit_code == code
    assert text in done.output


def test_figures_are_not_put_among_the_tables_of_a_recording(tmp_path, monkeypatch):
    (tmp_path / "1.csv").write_text("time_ms,a\n0,1.5\n10,2.5\n")
    monkeypatch.chdir(tmp_path)
    done = run("recording", "show", ".")
    assert done.exit_code == 2
    assert "would be among the tables of the recording; pass --out with another folder" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["1.csv"]


@pytest.fixture(scope="module")
def recorded(trained_run, tmp_path_factory):
    """Half of the units of a trained network, measured with noise, and those of another one, at random."""
    path = tmp_path_factory.mktemp("recorded")
    task, net = trained_run[0].recipe.make_task(), trained_run[0].load_network()
    trial = task.trials(3, key=jax.random.key(7))
    conditions = {name: np.asarray(values) for name, values in trial.conditions.items()}
    options = {"inputs": trial.inputs, "mask": np.asarray(trial.inside), "conditions": conditions, "noise": 0.3}
    done = net.predict(trial.inputs, noise=False)
    files.write(path / "own.npz", simulated(done, task.dt, units=range(10), **options))
    other = np.random.default_rng(0).random((trial.n_steps, trial.batch_size, 10))
    files.write(path / "other.npz", simulated(other, task.dt, **options))
    files.write(path / "no_inputs.npz", simulated(done, task.dt))
    return path


@pytest.mark.battery
def test_a_run_is_compared_with_a_recording(trained_run, recorded):
    words = ("compare", trained_run[0].path)
    options = ("--permutations", 19, "--json")
    own, other = (json.loads(run(*words, recorded / name, *options).output) for name in ("own.npz", "other.npz"))
    assert own["n_units"] == [20, 10]
    cka = own["likeness"]["cka"]
    assert cka["value"] > max(0.9, cka["null_95"])
    assert cka["p"] == pytest.approx(0.05)
    assert cka["value"] <= cka["ceiling"] + 0.05
    assert other["likeness"]["cka"]["value"] < 0.3
    assert own["likeness"]["a_from_b"]["value"] < other["likeness"]["a_from_b"]["value"]
    text = run(*words, recorded / "own.npz", "--permutations", 19).output
    assert "20 units of the network and 10 recorded ones" in text
    assert "linear CKA" in text


def test_a_recording_has_trials_of_its_own(trained_run, recorded):
    done = run("compare", trained_run[0].path, recorded / "own.npz", "--repeats", 3)
    assert done.exit_code == 2
    assert "--repeats is only for comparisons of runs" in done.output
    done = run("compare", trained_run[0].path, recorded / "no_inputs.npz")
    assert done.exit_code == 1
    assert "the recording has no inputs, and the network needs" in done.output
