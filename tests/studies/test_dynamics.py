"""Dynamics of networks whose fixed points and exponents can be written down, and of runs on the command line."""

import json
import re
import shutil
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest
from click.testing import CliRunner
from scipy.optimize import brentq

from eicon import plotting
from eicon.cli import main
from eicon.models import Connectivity, RateRNN, verify
from eicon.pages import write_report
from eicon.runs import DynamicsRequest, create_run, open_run, parse_recipe, train_run
from eicon.runs._dynamics import (
    DYNAMICS_STREAM,
    _eigenvalue,
    exponent_numbers,
    fixed_point_numbers,
    run_dynamics,
)
from eicon.runs._dynamics_words import dynamics_words
from eicon.studies import dynamics_of, exponents_of, held_inputs
from eicon.studies._dynamics import agreeing, longest_epoch
from eicon.tasks import ContextIntegration, FlipFlop, Trial

pytestmark = pytest.mark.slow

GAIN, DT, TAU = 1.5, 10.0, 50.0
CONTEXT = ContextIntegration(coherence=(0.1, 32.0))
TASK = FlipFlop(dt=DT, n_bits=2, n_windows=4)


def bits_network(pulses=(2.0, 2.0)):
    """Two units that keep themselves up or down, ``tau dx/dt = -x + 1.5 tanh x``, and read out as the bits."""
    return RateRNN(
        Connectivity.dense(2, 2),
        Connectivity.dense(2, 2),
        Connectivity.dense(2, 2),
        activation="tanh",
        tau=TAU,
        dt=DT,
        sigma_rec=0.05,
        weights={"recurrent": GAIN * np.eye(2), "input": np.diag(pulses), "readout": np.eye(2)},
    )


STATE = brentq(lambda x: -x + GAIN * np.tanh(x), 0.1, 3.0)
SLOPE = (GAIN / np.cosh(STATE) ** 2 - 1.0) / TAU  # eigenvalue at the stable states, 1/ms
FREE = (GAIN - 1.0) / TAU  # at 0


@pytest.fixture(scope="module")
def network():
    return bits_network()


@pytest.fixture(scope="module")
def dynamics(network):
    return dynamics_of(network, TASK, key=jax.random.key(0), candidates=60, jitter=1.0)


def trial_of(inputs, epochs, **conditions):
    inputs = np.asarray(inputs, np.float32)
    n_steps, n_trials, _ = inputs.shape
    targets = np.zeros((n_steps, n_trials, 1), np.float32)
    spans = {name: np.asarray(span, np.int32) for name, span in epochs.items()}
    named = {"catch": np.zeros(n_trials, bool), **conditions}
    return Trial(
        *map(jnp.asarray, (inputs, targets, targets[:, :, 0])),
        *({name: jnp.asarray(values) for name, values in group.items()} for group in (named, spans)),
    )


# the input of an epoch


def test_held_input_is_the_mean_over_trials_of_medians_within_the_epoch():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(12, 4, 3)).astype(np.float32)
    inputs[:, :, 2] = 0.25
    spans = [[2, 7], [3, 12], [1, 4], [5, 6]]
    trial = trial_of(inputs, {"one": spans}, side=[0, 1, 1, 0])
    held = held_inputs(trial, "one", conditions={"side": 1})
    pieces = [inputs[start:stop, b].astype(np.float64) for b, (start, stop) in enumerate(spans) if b in (1, 2)]
    medians = [np.median(piece, axis=0) for piece in pieces]
    np.testing.assert_allclose(held.inputs, np.mean(medians, axis=0), rtol=1e-6)
    assert held.inputs[2] == 0.25
    within = np.sqrt(np.mean([piece.var(axis=0) for piece in pieces], axis=0))
    assert held.within == pytest.approx(within.max(), rel=1e-6)
    assert held.between == pytest.approx(np.std(medians, axis=0).max(), rel=1e-6)
    assert (held.trials.tolist(), held.epoch, held.conditions) == ([1, 2], "one", {"side": 1.0})


def test_trials_without_the_epoch_do_not_count():
    inputs = np.stack([np.full((5, 1), value) for value in (1.0, 3.0)], axis=1)
    trial = trial_of(inputs, {"one": [[0, 5], [2, 2]]})
    assert held_inputs(trial, "one").inputs.tolist() == [1.0]
    with pytest.raises(ValueError, match="the epoch 'one' has no step in any of these 1 trials"):
        held_inputs(trial_of(inputs[:, 1:], {"one": [[2, 2]]}), "one")


@pytest.fixture(scope="module")
def trial():
    return CONTEXT.trials(1, key=jax.random.key(0))


def test_context_integration_is_held_at_its_cue_and_at_no_evidence(trial):
    for context in (0, 1):
        held = held_inputs(trial, "stimulus", conditions={"context": context})
        cue = np.array([context == 0, context == 1, 0.5, 0.5, 0.5, 0.5], float)
        np.testing.assert_allclose(held.inputs - float(trial.inputs[0, 0, 0]), cue, atol=1e-6)
        assert held.within == 0.0
        assert held.between == pytest.approx(0.005 * np.std([0.1, 32.0, -0.1, -32.0]), rel=1e-5)
        assert (np.asarray(trial.conditions["context"])[held.trials] == context).all()
        assert len(held.trials) == 16
    assert held_inputs(trial, "fixation").between == 0.0


def test_decimals_of_conditions_may_be_those_of_float32(trial):
    agree = agreeing(trial, {"motion": 0.1, "context": 1})
    assert agree.sum() == 4
    np.testing.assert_allclose(np.asarray(trial.conditions["motion"])[agree], 0.1, rtol=1e-6)


def test_the_longest_epoch_is_taken():
    spans = {"late": [[6, 9], [6, 9]], "long": [[0, 6], [0, 4]], "uneven": [[0, 1], [0, 8]]}
    assert longest_epoch(trial_of(np.zeros((10, 2, 1)), spans)) == "long"


@pytest.mark.parametrize(
    ("epoch", "conditions", "text"),
    [
        ("dealy", None, "these trials have no epoch 'dealy'; they have fixation, stimulus, decision"),
        ("stimulus", {"contxt": 1}, "no condition 'contxt'; they have context, motion, colour, choice, catch"),
        ("stimulus", {"context": 2}, "no trial has context = 2; it is one of 0, 1"),
        ("stimulus", {"motion": 2.5}, "no trial has motion = 2.5; it is one of -32, -0.1, 0.1, 32"),
        ("stimulus", {"context": 0, "motion": 32, "choice": 1}, "context = 0, motion = 32, choice = 1 together"),
    ],
)
def test_unknown_epochs_and_conditions_are_refused_in_words(epoch, conditions, text, trial):
    with pytest.raises(ValueError, match=re.escape(text)):
        held_inputs(trial, epoch, conditions=conditions)


# fixed points


def test_a_hand_built_memory_has_nine_fixed_points_where_they_must_be(dynamics):
    points = dynamics.points
    assert points.counts() == {"stable": 4, "saddle-1": 4, "unstable": 1}
    expected = {(a, b) for a in (-STATE, 0.0, STATE) for b in (-STATE, 0.0, STATE)}
    for position in points.positions:
        nearest = min(expected, key=lambda one: np.hypot(*(np.array(one) - position)))
        np.testing.assert_allclose(position, nearest, atol=1e-6)
        expected.remove(nearest)
    assert not expected
    np.testing.assert_allclose(dynamics.outputs, np.tanh(points.positions), atol=1e-6)
    assert {tuple(sign) for sign in np.sign(dynamics.outputs[:4])} == {(-1, -1), (-1, 1), (1, -1), (1, 1)}
    assert (points.dt, points.tau) == (DT, TAU)


def test_searches_start_around_states_of_the_epoch(network, dynamics):
    assert (dynamics.held.epoch, dynamics.held.inputs.tolist()) == ("bits", [0.0, 0.0])
    assert dynamics.points.n_candidates.sum() == 60
    rest = dynamics_of(network, TASK, key=jax.random.key(0), epoch="rest", candidates=60, jitter=0.0)
    # Driven by noise alone for ten steps from 0.1, where the memory is empty
    assert np.isfinite(rest.paths[:10]).all()
    assert np.isnan(rest.paths[10:]).all()
    assert np.nanstd(rest.paths) < np.nanstd(dynamics.paths) / 3
    assert np.isnan(dynamics.paths[:10]).all()
    assert np.isfinite(dynamics.paths[10:]).all()


def test_distance_is_that_to_states_visited_without_the_jitter(network):
    found = dynamics_of(network, TASK, key=jax.random.key(0), candidates=60, jitter=3.0)
    states = found.paths[10:].reshape(-1, 2)
    spread = np.sqrt(np.mean(np.sum((states - states.mean(axis=0)) ** 2, axis=1)))
    brute = [np.min(np.linalg.norm(states - point, axis=1)) / spread for point in found.points.positions]
    np.testing.assert_allclose(found.distance, brute, rtol=1e-6)


def test_jitter_is_in_standard_deviations_of_each_unit(monkeypatch):
    from eicon.studies import _dynamics

    seen = []
    plain = _dynamics.fixed_points

    def spy(step, candidates, **options):
        seen.append(np.array(candidates))
        return plain(step, candidates[:60], **options)

    monkeypatch.setattr(_dynamics, "fixed_points", spy)
    uneven = bits_network((2.0, 0.4))
    for jitter in (0.0, 0.5):
        found = dynamics_of(uneven, TASK, key=jax.random.key(0), candidates=2000, jitter=jitter)
    without, _, with_jitter, _ = seen
    states = found.paths[10:].reshape(-1, 2)
    assert {tuple(row) for row in without} <= {tuple(row) for row in states}
    assert len({tuple(row) for row in without}) > 1900
    assert states[:, 0].std() > 1.3 * states[:, 1].std()
    np.testing.assert_allclose((with_jitter - without).std(axis=0), 0.5 * states.std(axis=0), rtol=0.06)


def test_same_key_same_points_and_the_network_stays_as_it_was(network, dynamics):
    before = {name: np.asarray(value).tobytes() for name, value in network.parameters().items()}
    state, noise = np.asarray(network.x.value).copy(), np.asarray(network.noise_key.value).copy()
    again = dynamics_of(network, TASK, key=jax.random.key(0), candidates=60, jitter=1.0)
    exponents_of(network, TASK, key=jax.random.key(0), n_steps=50)
    np.testing.assert_array_equal(again.points.positions, dynamics.points.positions)
    assert {name: np.asarray(value).tobytes() for name, value in network.parameters().items()} == before
    np.testing.assert_array_equal(network.x.value, state)
    np.testing.assert_array_equal(network.noise_key.value, noise)


def test_a_line_attractor_is_recognised():
    """``x + y`` hardly moves where tanh is nearly straight, ``x - y`` decays."""
    net = RateRNN(
        Connectivity.dense(2, 2),
        Connectivity.dense(1, 2),
        Connectivity.dense(2, 1),
        activation="tanh",
        tau=TAU,
        dt=DT,
        sigma_rec=0.02,
        weights={"recurrent": np.full((2, 2), 0.5), "input": np.array([[0.1, 0.1]]), "readout": np.ones((2, 1))},
    )
    task = FlipFlop(dt=DT, n_bits=1, n_windows=4)
    found = dynamics_of(net, task, key=jax.random.key(0), candidates=60)
    assert found.manifold is not None
    assert (found.manifold.shape, found.manifold.dimension) == ("line", 1)
    spots = found.still.positions[found.flat]
    np.testing.assert_allclose(spots[:, 0], spots[:, 1], atol=0.01)
    assert np.ptp(spots[:, 0]) > 0.4
    numbers = fixed_point_numbers(found, task)
    words = "\n".join(dynamics_words({"fixed_points": numbers}))
    wanted = f"{len(found.manifold.members)} of {len(found.flat)} slow points (q < 0.01) are connected and form a line."
    assert wanted in words


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"candidates": 0}, "`candidates` must be at least 1; got 0"),
        ({"jitter": -1.0}, r"`jitter` must be >= 0 .*got -1"),
        ({"epoch": "delay"}, "no epoch 'delay'; they have rest, bits"),
    ],
)
def test_wrong_requests(options, text, network):
    with pytest.raises(ValueError, match=text):
        dynamics_of(network, TASK, key=jax.random.key(0), **options)


def test_numbers_of_the_points(dynamics):
    numbers = json.loads(json.dumps(fixed_point_numbers(dynamics, TASK)))
    assert list(numbers["counts"].items()) == [("stable", 4), ("saddle-1", 4), ("unstable", 1)]
    assert numbers["held_input"] == {"pulses 0": 0.0, "pulses 1": 0.0}
    assert numbers["input_sd_within_epoch"] > 0.1
    assert (numbers["candidates"], numbers["not_converged"]["candidates"]) == (60, 0)
    stable, saddle = numbers["points"][0], numbers["points"][4]
    for point, leading, grows in ((stable, SLOPE, False), (saddle, FREE, True)):
        first = point["eigenvalues"][0]
        assert first["flow_per_ms"] == pytest.approx([leading, 0.0], abs=1e-7)
        assert first["step"] == pytest.approx([1.0 + DT * leading, 0.0], abs=1e-6)
        assert first["time_constant_ms"] == pytest.approx(1.0 / abs(leading), rel=1e-5)
        assert first["grows"] is grows
    assert (saddle["stability"], saddle["unstable_directions"], len(saddle["eigenvalues"])) == ("saddle-1", 1, 2)
    assert stable["distance"] < 0.05
    assert set(stable["outputs"]) == {"bit 0", "bit 1"}
    assert numbers["slow_points"]["shape"] == "points"
    assert numbers["points_not_listed"] == 0


def test_a_complex_mode_has_a_time_constant_and_a_period():
    mode = _eigenvalue(-0.01 + 0.05j, 0.9 + 0.5j)
    assert mode["time_constant_ms"] == pytest.approx(100.0)
    assert mode["period_ms"] == pytest.approx(2 * np.pi / 0.05)
    assert (mode["flow_per_ms"], mode["step"], mode["grows"]) == ([-0.01, 0.05], [0.9, 0.5], False)
    still = _eigenvalue(0j, 1 + 0j)
    assert (still["time_constant_ms"], still["period_ms"]) == (np.inf, np.inf)


def test_searches_that_fail_are_told(network):
    hasty = dynamics_of(network, TASK, key=jax.random.key(0), candidates=60, max_steps=1)
    lost = hasty.points.kind == "unconverged"
    assert lost.any()
    numbers = fixed_point_numbers(hasty, TASK)
    assert numbers["not_converged"]["points"] == lost.sum()
    assert numbers["not_converged"]["candidates"] == hasty.points.n_candidates[lost].sum()
    assert numbers["not_converged"]["q"] == [hasty.points.q[lost].min(), hasty.points.q[lost].max()]
    assert len(numbers["points"]) == (~lost).sum()
    said = "\n".join(dynamics_words({"fixed_points": numbers}))
    assert f"{numbers['not_converged']['candidates']} of 60 searches did not converge" in said


# Lyapunov exponents


def test_exponents_of_the_memory_are_those_of_its_stable_states(network):
    found = exponents_of(network, TASK, key=jax.random.key(0), n_steps=400)
    expected = np.log(1.0 + DT * SLOPE) / DT
    np.testing.assert_allclose(found.autonomous.exponents, [expected, expected], rtol=1e-3)
    assert found.autonomous.map == "autonomous"


def test_exponents_along_trials_are_mean_growth_without_noise(network):
    found = exponents_of(network, TASK, key=jax.random.key(0), n_steps=50, n_exponents=5)
    key_trial = jax.random.split(jax.random.split(jax.random.key(0))[0])[0]
    inputs = np.asarray(TASK.trials(128, key=key_trial).inputs, np.float64)
    steps, before = inputs.shape[0], inputs.shape[0] // 5
    rates = []
    for one in np.unique(np.linspace(0, 127, 10).astype(int)):
        x, logs = np.asarray(network.x0.value, np.float64), []
        for u in inputs[:, one]:
            logs.append(np.log(1.0 + DT / TAU * (GAIN / np.cosh(x) ** 2 - 1.0)))
            x = x + DT / TAU * (-x + GAIN * np.tanh(x) + 2.0 * u)
        rates.append(np.sort(np.mean(logs[before:], axis=0) / DT)[::-1])
    # Their sum is exact; each alone is, once the tangent vectors have settled
    assert found.driven.sum() == pytest.approx(np.mean(rates, axis=0).sum(), rel=1e-6)
    np.testing.assert_allclose(found.driven, np.mean(rates, axis=0), rtol=0.01)
    np.testing.assert_allclose(found.driven_error, np.std(rates, axis=0, ddof=1) / np.sqrt(10), rtol=0.1)
    assert (found.n_trials, found.n_steps) == (10, steps - before)
    numbers = json.loads(json.dumps(exponent_numbers(found, TASK)))
    assert numbers["driven"]["exponents_per_ms"] == found.driven.tolist()
    assert numbers["autonomous"]["ms"] == 50 * DT


def exponent_words(value, error):
    found = {"exponents_per_ms": [value], "standard_error_per_ms": [error], "trials": 10}
    return dynamics_words({"lyapunov": {"epoch": "stimulus", "autonomous": found, "driven": found}})[0]


def test_exponents_in_words():
    assert "+0.004 ± 0.001 1/ms, nearby states diverge" in exponent_words(0.004, 0.001)
    assert "-0.004 ± 0.001 1/ms, nearby states converge" in exponent_words(-0.004, 0.001)
    assert "not clearly different from 0" in exponent_words(0.004, 0.0021)
    assert "-0.004 1/ms, not clearly" in exponent_words(-0.004, None)
    assert "removes all differences" in exponent_words(None, None)


# runs


RUN = """
seed = 1
[task]
name = "FlipFlop"
n_bits = 1
n_windows = 3
[network]
dale = false
n_rec = 8
activation = "tanh"
[training]
steps = 20
batch_size = 8
validate_every = 10
validation_repeats = 5
checkpoint_every = 10
snapshots = true
"""
WORDS = ("--repeats", 5, "--fixed-points", "--lyapunov", "--spectra", "--candidates", 20)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    run = create_run(tmp_path_factory.mktemp("dynamics") / "bits", parse_recipe(RUN))
    train_run(run, progress=False)
    return run


def invoke(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def analysed(trained):
    before = trained.network.read_bytes()
    done = invoke("analyze", trained.path, *WORDS, "--json")
    assert done.exit_code == 0, done.output
    assert trained.network.read_bytes() == before
    assert verify(trained.load_network()).ok
    return done


def test_analyze_prints_pure_json_and_writes_numbers_and_figures(trained, analysed):
    numbers = json.loads(analysed.stdout)
    assert numbers == json.loads((trained.path / "analysis.json").read_text())
    assert sum(numbers["fixed_points"]["counts"].values()) >= 1
    assert numbers["fixed_points"]["candidates"] == 20
    assert len(numbers["lyapunov"]["autonomous"]["exponents_per_ms"]) == 5
    assert numbers["spectra"]["training"]["steps"] == [0, 10, 20]
    assert set(numbers["spectra"]["by_epoch"]) == {"rest", "bits"}
    names = {path.name for path in trained.figures.iterdir()}
    wanted = ("fixed_points", "modes", "lyapunov", "trajectory_spectra", "training_spectra")
    assert {f"{name}.png" for name in wanted} <= names
    assert "fixed_points.html" in names
    assert numbers["fixed_points"]["interactive"] is True
    assert "Analysing" in analysed.stderr


def test_spectra_are_those_of_the_mean_trajectory_and_of_the_snapshots(trained, analysed):
    numbers = json.loads(analysed.stdout)["spectra"]
    first = np.linalg.eigvals(np.asarray(trained.recipe.make_network(trained.recipe.make_task()).W_rec, np.float64))
    last = np.linalg.eigvals(np.asarray(trained.load_network().W_rec, np.float64))
    radius = numbers["training"]["spectral_radius"]
    assert radius[0] == pytest.approx(np.abs(first).max(), rel=1e-5)
    assert radius[2] == pytest.approx(np.abs(last).max(), rel=1e-5)
    net, task = trained.load_network(), trained.recipe.make_task()
    key = jax.random.fold_in(jax.random.key(trained.recipe.seed), DYNAMICS_STREAM)
    key_trial, key_noise = jax.random.split(key)
    trial = task.trials(100, key=key_trial)
    currents = np.asarray(net.predict(trial.inputs, key=key_noise).currents, np.float64)
    weights = np.asarray(net.W_rec, np.float64)
    leading, growing = [], []
    for x in currents.mean(axis=1):
        flow = np.linalg.eigvals((weights / np.cosh(x)[:, None] ** 2 - np.eye(8)) / 100.0).real
        leading.append(flow.max())
        growing.append((flow > 0).sum())
    assert numbers["largest_real_part_per_ms"]["max"] == pytest.approx(max(leading), abs=1e-7)
    assert numbers["growing_directions"] == {"mean": np.mean(growing), "max": max(growing)}
    start, stop = np.asarray(trial.epochs["bits"][0])
    wanted = np.mean(leading[start:stop])
    assert numbers["by_epoch"]["bits"]["largest_real_part_per_ms"] == pytest.approx(wanted, abs=1e-7)
    assert wanted != pytest.approx(np.mean(leading[:start]), abs=1e-6)


def test_report_shows_them_with_captions_and_a_link(trained, analysed):
    page = write_report(trained).read_text(encoding="utf-8")
    for wanted in (
        "Segments are the unstable directions of saddles",
        "Lyapunov exponent, along 10 trials",
        "growing directions",
    ):
        assert wanted in page
    assert page.count("data:image/png;base64,") == 9
    assert 'href="figures/fixed_points.html"' in page


def test_without_the_options_nothing_is_added_and_old_figures_are_not_reported(trained, analysed, tmp_path):
    copy = open_run(shutil.copytree(trained.path, tmp_path / "copy"))
    done = invoke("--quiet", "analyze", copy.path, "--repeats", 5)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "Fixed points" not in done.stdout
    assert set(json.loads((copy.path / "analysis.json").read_text())) == {
        *("seed", "certificate", "accuracy", "chance", "figures"),
        *("training", "activity", "spectrum", "outputs"),
    }
    page = write_report(copy).read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 4
    assert "fixed_points" not in page


def test_the_summary_in_words_and_how_to_get_plotly(trained, analysed, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    copy = shutil.copytree(trained.path, tmp_path / "copy")
    (copy / "figures" / "fixed_points.html").unlink()
    shutil.rmtree(copy / "snapshots")
    done = invoke("analyze", copy, "--repeats", 5, "--fixed-points", "--spectra", "--candidates", 20, "--epoch", "rest")
    assert done.exit_code == 0, done.output
    assert "Fixed points, constant input as in 'rest': " in done.stdout
    assert "need a run with snapshots = true" in done.stdout
    assert "The input is not constant" not in done.stdout
    assert 'which needs plotly: pip install -e ".[interactive]" in the clone' in done.stderr
    assert not (copy / "figures" / "fixed_points.html").exists()
    assert "figures/fixed_points.html" not in write_report(open_run(copy)).read_text()
    assert "fixed points:" in done.stderr  # progress


def test_conditions_reach_the_analysis(trained):
    """An untrained network of the size of the run's, which shares its compiled code."""
    dense = [Connectivity.dense(*shape) for shape in ((8, 8), (CONTEXT.n_in, 8), (8, CONTEXT.n_out))]
    net = RateRNN(*dense, activation="tanh", sigma_rec=0.1)
    request = DynamicsRequest(True, True, True, "stimulus", {"context": 1.0}, 20)
    found = run_dynamics(trained, net, CONTEXT, request)
    for section in ("fixed_points", "lyapunov", "spectra"):
        assert found.numbers[section]["conditions"] == {"context": 1.0}
    held = found.numbers["fixed_points"]["held_input"]
    assert held["context colour"] - held["context motion"] == pytest.approx(1.0)
    assert found.numbers["fixed_points"]["trials"] == found.numbers["lyapunov"]["trials"] == 64
    assert found.numbers["spectra"]["trials"] == 48
    assert "context = 1: " in dynamics_words(found.numbers)[0]
    json.dumps(found.numbers, allow_nan=False)
    plt.close("all")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--fixed-points", "--epoch", "dealy"), "these trials have no epoch 'dealy'; they have rest, bits."),
        (("--lyapunov", "--epoch", "dealy"), "these trials have no epoch 'dealy'; they have rest, bits."),
        (("--fixed-points", "--condition", "side=1"), "have no condition 'side'; they have n_bits, catch."),
        (("--spectra", "--condition", "n_bits=2"), "no trial has n_bits = 2; it is one of 1."),
    ],
)
def test_unknown_names_are_one_line_and_write_nothing(words, text, trained, analysed):
    before = (trained.path / "analysis.json").read_bytes()
    done = invoke("--quiet", "analyze", trained.path, "--repeats", 5, *words)
    assert done.exit_code == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert text in done.stderr
    assert (trained.path / "analysis.json").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--epoch", "bits"), "--epoch needs --fixed-points or --lyapunov"),
        (("--spectra", "--epoch", "bits"), "--epoch needs --fixed-points or --lyapunov"),
        (("--condition", "n_bits=1"), "--condition needs one of these"),
        (("--lyapunov", "--candidates", "5"), "--candidates needs --fixed-points"),
        (("--fixed-points", "--condition", "n_bits"), "--condition takes NAME=VALUE with a number"),
        (("--fixed-points", "--condition", "side=left"), "got 'side=left'"),
    ],
)
def test_options_without_their_use(words, text, trained):
    done = invoke("analyze", trained.path, *words)
    assert done.exit_code == 2
    assert text in " ".join(done.stderr.split())


def test_the_shipped_flip_flop_is_what_it_says():
    text = (Path(plotting.__file__).parents[1] / "runs" / "configs" / "flip_flop.toml").read_text()
    recipe = parse_recipe(text)
    task = recipe.make_task()
    assert (task.n_bits, recipe.network.n_rec, recipe.network.kind) == (3, 100, "free")
    assert recipe.training.snapshots
    recipe.check()
    recipe.check_network()
