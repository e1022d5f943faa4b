"""Figures of the suite: they are drawn whatever the networks do, and their signatures can hold and can fail."""

import json
import math
from dataclasses import replace

import jax
import numpy as np
import pytest

from eicon.models import save
from eicon.plotting._files import save_png
from eicon.reproduce.song2016 import _draw_areas, _draw_context, _draw_memory, _draw_sequences
from eicon.reproduce.song2016 import _trials as trials_module
from eicon.reproduce.song2016._draw_decision import _timed, _varied
from eicon.reproduce.song2016._draw_sinewave import measure as measure_wave
from eicon.reproduce.song2016._figures import figure_result
from eicon.reproduce.song2016._models import FIGURES, MODELS, model_recipe
from eicon.reproduce.song2016._signatures import largest_p, signature, span
from eicon.runs import create_run, open_run
from eicon.studies._responses import ANALYSIS_STREAM
from eicon.tasks import SineWave

pytestmark = pytest.mark.battery

TRAINED = FIGURES[9]


def make_runs(folder, names, change=None):
    """Untrained quick networks of some models, changed or not."""
    runs = {}
    for name in names:
        run = create_run(folder / name / "seed0", model_recipe(name, 0, quick=True))
        net = run.recipe.make_network(run.recipe.make_task())
        if change is not None:
            change(net)
        save(net, run.network)
        runs[name] = [run]
    return runs


def silence(net):
    for name, variable in net.variables().items():
        variable.value = variable.value * 0 - (1.0 if name == "x0" else 0.0)


@pytest.fixture(scope="module")
def runs(quick, tmp_path_factory):
    """A quick network of every model: those of figure 9 are trained for 40 steps, the others are not."""
    trained = {name: [open_run(quick / "runs" / name / "seed0")] for name in TRAINED}
    return make_runs(tmp_path_factory.mktemp("runs"), set(MODELS) - set(TRAINED)) | trained


@pytest.fixture(scope="module")
def silent(tmp_path_factory):
    """Networks whose units never fire but by noise, and whose outputs are 0: no choice at all."""
    return make_runs(tmp_path_factory.mktemp("silent"), MODELS, silence)


def oracle(run, repeats=20):
    """Trials of a network that does what is asked."""
    trials = trials_module.run_trials(run, repeats, keep_rates=False)
    return replace(trials, outputs=np.asarray(trials.trial.targets))


def numbers_in(value):
    if isinstance(value, dict):
        return [number for inner in value.values() for number in numbers_in(inner)]
    if isinstance(value, list):
        return [number for inner in value for number in numbers_in(inner)]
    return [value]


def check(result, folder):
    """What every figure has to be; its pictures are drawn and closed."""
    assert result.signatures
    assert len({s.claim for s in result.signatures}) == len(result.signatures)
    for s in result.signatures:
        assert isinstance(s.holds, bool)
        assert s.claim.endswith(".")
        assert s.measured.endswith(".")
        assert "nan" not in s.measured.split()
        json.dumps(s.values, allow_nan=False)
        numbers = [number for number in numbers_in(s.values) if number is not None and not isinstance(number, str)]
        assert all(math.isfinite(number) for number in numbers)
    assert result.drawings.keys() == result.captions.keys()
    assert result.drawings
    for name, drawing in result.drawings.items():
        with open(folder / f"{name}.png", "wb") as stream:
            save_png(drawing, stream)
        assert result.captions[name].endswith(".")


@pytest.mark.parametrize(
    "figure", [pytest.param(figure, marks=[] if figure == 1 else pytest.mark.battery) for figure in FIGURES]
)
def test_every_figure_of_untrained_networks(runs, figure, tmp_path):
    result = figure_result(figure, {name: runs[name] for name in FIGURES[figure]}, repeats=2)
    check(result, tmp_path)
    holding = {s.claim for s in result.signatures if s.holds}
    if figure == 5:
        assert any("preserves the prescribed structure" in claim for claim in holding)
    if figure in (1, 2, 4, 6, 7, 8, 9):
        assert not holding


@pytest.mark.parametrize("figure", [figure for figure in FIGURES if figure != 9])
def test_silent_networks_hold_nothing_and_raise_nothing(silent, figure, tmp_path):
    result = figure_result(figure, {name: silent[name] for name in FIGURES[figure]}, repeats=2)
    check(result, tmp_path)
    assert not any(s.holds for s in result.signatures)


def test_what_cannot_be_drawn_is_refused(runs):
    with pytest.raises(ValueError, match=r"there is no figure 10; allowed: 1, 2"):
        figure_result(10, runs, repeats=2)
    with pytest.raises(ValueError, match="repeats must be at least 1; got 0"):
        figure_result(1, runs, repeats=0)
    with pytest.raises(ValueError, match="needs trained networks of 'rdm_rt'; got rdm_varstim"):
        figure_result(2, {"rdm_varstim": runs["rdm_varstim"]}, repeats=2)


def test_trials_are_what_the_network_does_in_parts_or_not(runs, tmp_path, monkeypatch):
    """Without noise, trials that are run in parts are those of the whole batch."""
    run = create_run(tmp_path / "quiet", runs["rdm_dense"][0].recipe)
    net = runs["rdm_dense"][0].load_network().with_settings(sigma_rec=0.0, sigma_in=0.0)
    save(net, run.network)
    task = run.recipe.make_task()
    one_repeat = 4 * 60 * 20 * task.n_conditions
    monkeypatch.setattr(trials_module, "CHUNK_BYTES", 2.3 * one_repeat)
    monkeypatch.setattr(trials_module, "RATES_BYTES", 2.5 * one_repeat)
    trials = trials_module.run_trials(run, 5)
    whole = net.predict(trials.trial.inputs, noise=False)
    np.testing.assert_allclose(trials.outputs, whole.outputs, atol=1e-6)
    assert trials.rates.shape == (60, 2 * task.n_conditions, 20)
    np.testing.assert_allclose(trials.rates, np.asarray(whole.rates)[:, : 2 * task.n_conditions], atol=1e-6)
    rated = trials.rated
    assert rated.choice.tolist() == trials.choice[: 2 * task.n_conditions].tolist()
    assert rated.during("stimulus").shape == rated.rates.shape[:2]
    assert trials_module.run_trials(run, 2, keep_rates=False).rates.size == 0


def test_trials_and_noise_come_from_the_seed_and_the_stream(runs):
    run = runs["rdm_varstim"][0]
    first, again, other = (trials_module.run_trials(run, 2, stream=stream) for stream in (0, 0, 1))
    np.testing.assert_array_equal(first.outputs, again.outputs)
    assert not np.array_equal(first.condition("duration"), other.condition("duration"))
    key = jax.random.fold_in(jax.random.key(run.recipe.seed), ANALYSIS_STREAM)
    analysed = run.recipe.make_task().trials(2, key=jax.random.split(key)[0])
    assert not np.array_equal(first.condition("duration"), np.asarray(analysed.conditions["duration"]))


def test_signatures_hold_if_all_flags_do_and_there_are_some():
    assert signature("c", "m", [True, np.True_]).holds
    assert not signature("c", "m", []).holds
    assert not signature("c", "m", [True, None]).holds
    values = signature("c", "m", [True], a=np.array([1.0, np.nan]), b={"x": np.float32(0.5)}, c=[np.inf, 3]).values
    assert values == {"a": [1.0, None], "b": {"x": 0.5}, "c": [None, 3]}


def test_words_for_numbers():
    assert span([0.1, None, 0.34, np.nan]) == "0.10 to 0.34"
    assert span([0.301, 0.304]) == "0.30"
    assert span([np.nan, None]) == "not measurable"
    assert [largest_p([1e-5, 1e-9]), largest_p([0.02]), largest_p([0.02, 0.3])] == [
        "p < 0.001",
        "p = 0.02",
        "p up to 0.3",
    ]


def test_the_period_of_a_wave_is_found(runs):
    task = SineWave(dt=2.0, periods=(13.0, 13.0))
    trial = task.trials(2, key=jax.random.key(0))
    time = 2.0 * np.arange(1, trial.n_steps + 1)
    outputs = np.repeat(0.9 * np.sin(2 * np.pi * time / 808.0)[:, None, None], 2, axis=1)
    wave = measure_wave(
        trials_module.FigureTrials(0, runs["sinewave"][0].load_network(), task, trial, outputs, outputs[:, :0])
    )
    assert wave.period == pytest.approx(808.0, abs=0.1)
    assert wave.amplitude == pytest.approx(np.full(13, 0.9), abs=0.01)
    assert wave.trained == 3.0
    asked = np.sin(2 * np.pi * time / 800.0)[:1200]
    assert wave.within == pytest.approx(np.sqrt(np.mean((outputs[:1200, 0, 0] - asked) ** 2)))
    assert wave.goes_on(0.02)
    assert not wave.goes_on(0.005)


def test_networks_that_do_what_is_asked_have_the_signatures_of_behaviour(runs):
    context = _draw_context.measure_behaviour(oracle(runs["mante"][0]))
    assert context.selects
    assert context.accuracy == 1.0
    assert _draw_context.behaviour_signature([context]).holds
    assert _draw_memory._behaviour([_draw_memory._accuracy(oracle(runs["romo"][0], 2))]).holds
    sequences = _draw_sequences._measure(oracle(runs["lee"][0], 2))
    assert sequences.error == 0.0
    assert _draw_sequences._accurate([sequences]).holds
    assert _draw_sequences._right([sequences]).holds
    assert _varied(oracle(runs["rdm_varstim"][0])).accuracy == 1.0
    timed = _timed(oracle(runs["rdm_rt"][0]))
    assert timed.accuracy == 1.0
    assert timed.times.mean[0].tolist() == [320.0] * 5
    assert math.isnan(timed.times.slope)


def test_choices_by_the_wrong_modality_do_not_select(runs):
    trials = oracle(runs["mante"][0])
    context, motion = trials.condition("context"), trials.condition("motion")
    wrong = np.where(context == 0, trials.condition("colour"), motion) < 0
    outputs = np.stack([~wrong, wrong], axis=1)[None].repeat(len(trials.outputs), axis=0).astype(np.float32)
    assert not _draw_context.measure_behaviour(replace(trials, outputs=outputs)).selects


def test_axes_find_what_rates_show(runs):
    """Units that show one variable each, with noise: all shares are large; mixed up, they are not."""
    trials = oracle(runs["mante"][0], 4)
    rng = np.random.default_rng(0)
    columns = [np.where(trials.choice == 0, 1.0, -1.0)]
    columns += [trials.condition(name).astype(float) for name in ("motion", "colour")]
    columns += [np.where(trials.condition("context") == 1, 1.0, -1.0)]
    signals = np.stack([column / np.abs(column).max() for column in columns], axis=1)
    rates = 5.0 + signals[None] + 0.1 * rng.normal(size=(60, len(signals), 4))
    found = _draw_context.measure_space(replace(trials, rates=rates))
    assert found.auc_choice > 0.99
    assert found.auc_context > 0.99
    assert found.own.min() > 0.9
    assert found.angle > 80
    assert all(found.represented[c][1 - c].rises() for c in (0, 1))
    mixed = rates @ np.linalg.qr(np.ones((4, 4)) + 0.05 * rng.normal(size=(4, 4)))[0][:, :1] @ np.ones((1, 4))
    mixed = mixed + 0.5 * rng.normal(size=rates.shape)
    assert _draw_context.measure_space(replace(trials, rates=mixed)).own.min() < 0.75


def test_a_lost_connection_is_found(runs):
    run = runs["mante_areas"][0]
    net = run.load_network()
    whole = _draw_areas._connections(net, run.recipe)
    assert (whole.wanted == whole.got).all()
    assert whole.got.sum() == np.count_nonzero(np.asarray(net.W_rec))
    pre, post = np.argwhere(np.asarray(net.W_rec))[7]
    net.raw_rec.value = net.raw_rec.value.at[pre, post].set(0.0)
    assert (_draw_areas._connections(net, run.recipe).got != whole.wanted).sum() == 1
