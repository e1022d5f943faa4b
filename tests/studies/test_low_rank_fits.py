"""Tasks of the paper, measures against closed forms, and a page that says what the results are."""

from pathlib import Path

import jax
import numpy as np
import pytest
from sklearn.metrics import r2_score

from eicon.models import Connectivity, LowRank
from eicon.recordings import Recording
from eicon.reproduce._parts import read_results
from studies import low_rank_fits as study

pytestmark = pytest.mark.battery

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "low_rank_fits.jsonl"
TASKS = {name: teacher.task for name, teacher in study.TEACHERS.items()}


@pytest.mark.parametrize("name", TASKS)
def test_targets_are_right_and_their_opposite_is_wrong(name):
    trial = TASKS[name].sample(0, 50)
    assert float(TASKS[name].accuracy(trial.targets, trial)) == 1
    assert float(TASKS[name].accuracy(-trial.targets, trial)) == 0


@pytest.mark.parametrize(("name", "scored"), [("memory", 100), ("context", 20), ("match", 1000)])
def test_trials_are_scored_as_long_as_in_the_paper(name, scored):
    trial = TASKS[name].sample(1, 50)
    np.testing.assert_array_equal(np.asarray(trial.mask).sum(axis=0) * study.DT, scored)
    seconds = {"memory": 2.4, "context": 1.36, "match": 5.1}
    assert trial.n_steps * study.DT / 1000 == pytest.approx(seconds[name])


def test_what_is_shown_is_what_is_asked():
    key = jax.random.key(0)
    trial = study.Frequencies(study.DT, noise=0.0).trials(1, key=key)
    shown = np.asarray(trial.inputs)[:, :, 0] / study.AS_LARGE
    first, second = (
        shown[5],
        np.array([values[np.flatnonzero(values)[-1]] if values.any() else 0 for values in shown.T]),
    )
    told = trial.conditions
    middle = (study.LOWEST + study.HIGHEST) / 2
    np.testing.assert_allclose(first, (np.asarray(told["f1"]) - middle) / 24, atol=1e-6)
    clear = np.asarray(told["f2"]) != middle
    np.testing.assert_allclose(second[clear], (np.asarray(told["f2"])[clear] - middle) / 24, atol=1e-6)
    np.testing.assert_allclose(
        np.asarray(trial.targets).sum(axis=0)[:, 0] / 5, (told["f1"] - told["f2"]) / 24, atol=1e-6
    )
    same = study.Matches(study.DT, noise=0.0).trials(1, key=key)
    np.testing.assert_array_equal(np.sign(np.asarray(same.targets).sum(axis=0))[:, 0], [1, -1, -1, 1])
    attended = study.Contexts(study.DT, noise=0.0).trials(1, key=key)
    evidence = np.asarray(attended.inputs)[30, :, :2]
    context = np.asarray(attended.conditions["context"])
    np.testing.assert_array_equal(np.asarray(attended.targets)[-1, :, 0], np.sign(evidence[np.arange(72), context]))
    np.testing.assert_allclose(np.asarray(attended.inputs)[30, np.arange(72), 2 + context], 1.0)


def test_noise_is_that_of_a_step():
    weights = {"recurrent": np.zeros((500, 500)), "input": np.zeros((1, 500)), "readout": np.zeros((500, 1))}
    net = study.network_of(Connectivity.dense(500, 500), TASKS["memory"], 500, weights, noise=0.05)
    first = np.asarray(net.predict(np.zeros((2, 40, 1)), key=0, noise=True).rates)
    currents = np.arctanh(first)
    start = currents[0] if currents[0].any() else currents[1]
    assert start.std() == pytest.approx(0.05, rel=0.03)


def test_effective_weights_leave_out_what_activity_does_not_reach():
    rng, n = np.random.default_rng(0), 30
    task = TASKS["memory"]
    right, w_in = rng.normal(size=(2, n)), rng.normal(size=(1, n))
    reached = np.concatenate([right, w_in])
    inside = reached.T @ rng.normal(size=(3, 2))
    outside = rng.normal(size=(n, 2))
    outside -= reached.T @ np.linalg.lstsq(reached.T, outside, rcond=None)[0]
    weights = {"input": w_in, "readout": np.zeros((n, 1))}
    net, other = (
        study.network_of(LowRank.of(left / n, right), task, n, weights) for left in (inside, inside + outside)
    )
    np.testing.assert_allclose(study.effective(net), inside / n @ right, atol=1e-5)
    np.testing.assert_allclose(study.effective(other), study.effective(net), atol=1e-5)
    assert study.correlation(net.W_rec, other.W_rec) < 0.99
    with pytest.raises(TypeError, match="low rank"):
        study.effective(study.teacher_of(study.TEACHERS["match"], 10, 0, rank=0))


def test_r2_is_that_of_all_values():
    rng = np.random.default_rng(0)
    true, found = rng.normal(size=(5, 4, 3)) + np.arange(3), rng.normal(size=(5, 4, 3))
    assert study.r2(found, true) == pytest.approx(r2_score(true.ravel(), found.ravel()))


def test_fits_start_from_modes_that_sustain_themselves():
    rng, n = np.random.default_rng(0), 20
    directions = np.linalg.qr(rng.normal(size=(n, 2)))[0]
    rates = np.tanh(rng.normal(size=(30, 4, 2)) @ directions.T * 0.5)
    weights = study.modes_of(Recording(rates, 20.0), 2)
    np.testing.assert_allclose(np.asarray(weights.matrix()), directions @ directions.T, atol=1e-5)


def test_a_status_follows_the_interval():
    assert study.reached([0.95, 0.96, 0.97], 0.958)[0] == "reproduced"
    assert study.reached([0.90, 0.90, 0.901], 0.958)[0] == "not reproduced"
    status, low, high = study.reached([1.0, 2.0, 3.0], 4.0)
    assert (status, low, high) == (
        "reproduced",
        pytest.approx(2 - 4.3027 / 3**0.5, abs=1e-3),
        pytest.approx(4.484, abs=1e-3),
    )


def test_areas_are_connected_by_excitatory_units_alone():
    net = study.two_areas(20, study.PerceptualDecision(), density=0.5, seed=0)
    weights, area, kind = np.asarray(net.W_rec), np.asarray(net.units["area"]), np.asarray(net.units["type"])
    crossing = weights[(kind == "I")][:, area == "second"][area[kind == "I"] == "first"]
    assert crossing.size
    assert not crossing.any()
    there = weights[(kind == "E") & (area == "first")][:, area == "second"]
    assert 0.3 < (there > 0).mean() < 0.7


def test_the_page_says_what_the_results_are():
    lines = read_results(RESULTS)
    teachers, others = study.parts_of(study.FULL)
    wanted = {part["name"]: {k: v for k, v in part.items() if k != "name"} for part in (*teachers, *others)}
    assert {line["name"] for line in lines} <= set(wanted)
    assert all(line["settings"] == wanted[line["name"]] for line in lines)
    text = RESULTS.with_suffix(".md").read_text(encoding="utf-8")
    assert text.startswith(study.page(lines, len(wanted)))
