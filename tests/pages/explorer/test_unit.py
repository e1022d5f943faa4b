"""What the page says of each unit, against numpy and runs in which one unit is silenced."""

import json
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from eicon.models import RateRNN, Silence, save
from eicon.pages import _explore_unit as unit_module
from eicon.pages._explore import _original
from eicon.pages._explore_unit import members_of, silenced, unit_contents
from eicon.runs import create_run, parse_recipe
from eicon.studies import condense_network
from eicon.studies._responses import Responses, analysis_key, responses
from eicon.tasks import PerceptualDecision, Uniform

SEED, REPEATS = 3, 4
RECIPE = """
seed = 3
[task]
name = "PerceptualDecision"
coherence = [4.0, 16.0]
coherence_scale = "song2016"
stimulus = { min = 100.0, max = 200.0 }
[network]
n_rec = 12
"""
AREAS = np.array(["in", "in", "in", "out"] * 3)


def areas(net: RateRNN) -> RateRNN:
    parts = net.parts()
    return RateRNN.of_parts(parts._replace(units={**parts.units, "area": AREAS}))


class Pair(SimpleNamespace):
    """A condensed network beside its original one, and what a page says of its units."""

    original: Responses
    small: Responses
    facts: dict
    arrays: dict


@pytest.fixture(scope="module")
def pair() -> Pair:
    task = PerceptualDecision(coherence=(4.0, 16.0), stimulus=Uniform(100.0, 200.0), coherence_scale="song2016")
    net = areas(RateRNN.dale(task.n_in, 12, task.n_out, sigma_rec=0.1, seed=1))
    original = responses(net, task, REPEATS, seed=SEED)
    small = condense_network(net, original.trial.inputs, 5, mask=np.asarray(original.trial.inside), key=0).net
    given = responses(small, task, REPEATS, seed=SEED)
    facts, arrays = unit_contents(given, seed=SEED, original=net)
    return Pair(original=original, small=given, facts=facts, arrays=arrays)


def held(pair: Pair, unit: int) -> np.ndarray:
    return pair.arrays["members"][slice(*pair.arrays["member_start"][unit : unit + 2])]


def conditions_of(given: Responses) -> np.ndarray:
    """Of each trial, by the coherences themselves."""
    signed = np.asarray(given.trial.conditions["coherence"])
    return np.searchsorted(np.unique(signed), signed)


def scores(net: RateRNN, task, trial, activity) -> np.ndarray:
    """Of each trial; a guess where no unit that is read out is active when the network is asked."""
    read = np.asarray(net.W_out).any(axis=1)
    silent = (np.asarray(activity.rates)[:, :, read] == 0).all(axis=2)
    spoken = jax.numpy.where(silent[..., None], 0.0, activity.outputs)
    none = np.asarray(task.behaviour(spoken, trial).choice) == -1
    return np.where(none, 0.5, np.asarray(task.correct(activity.outputs, trial)))


@pytest.mark.battery
def test_members_are_those_that_the_label_names(pair: Pair):
    labels = pair.small.net.units["represents"]
    assert len(labels) == 5
    for unit, label in enumerate(labels):
        assert sorted(held(pair, unit)) == sorted(map(int, str(label).replace(",", " ").split()))
        assert pair.facts["represents"][unit] == [str(i) for i in held(pair, unit)]
    assert len(set(pair.arrays["members"])) == len(pair.arrays["members"])
    assert pair.facts["original"]["labels"]["area"] == AREAS.tolist()
    assert pair.facts["original"]["labels"]["type"] == ["E"] * 10 + ["I"] * 2
    json.dumps(pair.facts, allow_nan=False)


@pytest.mark.battery
def test_weights_are_summed_by_label_and_sign(pair: Pair):
    net, arrays = pair.small.net, pair.arrays
    w, column = np.asarray(net.W_rec, float), 0
    assert [label["name"] for label in pair.facts["labels"]] == ["type", "area"]
    for label in pair.facts["labels"]:
        assert set(label["values"]) == set(net.units[label["name"]])
        for value in label["values"]:
            there = [j for j in range(5) if net.units[label["name"]][j] == value]
            for i in range(5):
                for sign in (1, -1):
                    sent = sum(w[i, j] for j in there if sign * w[i, j] > 0)
                    received = sum(w[j, i] for j in there if sign * w[j, i] > 0)
                    place = (i, column, 0 if sign > 0 else 1)
                    assert (arrays["sent"][place], arrays["received"][place]) == pytest.approx((sent, received))
            column += 1
    assert arrays["sent"].shape == (5, column, 2)


@pytest.mark.battery
def test_tuning_is_the_mean_rate_of_each_condition(pair: Pair):
    for given, found, units in (
        (pair.small, pair.arrays["tuning"], np.arange(5)),
        (pair.original, pair.arrays["member_tuning"], pair.arrays["members"]),
    ):
        inside, rates, of = np.asarray(given.trial.inside), np.asarray(given.activity.rates), conditions_of(given)
        assert not inside.all()  # durations vary
        for c in range(4):
            columns = [b for b in range(rates.shape[1]) if of[b] == c]
            for row, unit in enumerate(units):
                one = np.concatenate([rates[inside[:, b], b, unit] for b in columns])
                assert found[row, c] == pytest.approx(one.mean(dtype=float), rel=1e-5)


@pytest.mark.battery
def test_correlations_are_those_of_mean_trajectories(pair: Pair):
    def trajectory(given: Responses, unit: int) -> np.ndarray:
        inside, rates, of = (
            np.asarray(given.trial.inside),
            np.asarray(given.activity.rates, float),
            conditions_of(given),
        )
        steps = [(c, t) for c in range(4) for t in range(len(rates)) if inside[t, of == c].any()]
        return np.array([rates[t, (of == c) & inside[t], unit].mean() for c, t in steps])

    found = iter(pair.arrays["member_correlation"])
    for unit in range(5):
        for member in held(pair, unit):
            expected = np.corrcoef(trajectory(pair.small, unit), trajectory(pair.original, member))[0, 1]
            assert next(found) == pytest.approx(expected, abs=1e-5)


@pytest.mark.battery
@pytest.mark.parametrize("which", ["small", "original"])
def test_silencing_is_that_of_perturbed_runs(pair: Pair, which: str):
    given, name = getattr(pair, which), "silenced" if which == "small" else "original"
    net, task, trial, _ = given
    key, inside, of = jax.random.split(analysis_key(SEED))[1], np.asarray(trial.inside), conditions_of(given)
    intact = np.asarray(net.predict(trial.inputs, key=key).outputs, float)
    spread = np.sqrt(np.mean((intact[inside] - intact[inside].mean(axis=0)) ** 2))
    groups = [[unit] for unit in range(5)] if which == "small" else [held(pair, unit).tolist() for unit in range(5)]
    assert which == "small" or max(map(len, groups)) > 1
    for row, group in enumerate([*groups, []]):
        ways = [Silence(group)] if group else []
        outputs = net.perturb(trial, *ways, key=key).outputs
        score = scores(net, task, trial, net.perturb(trial, *ways, key=key))
        assert pair.arrays[f"{name}_accuracy"][row] == pytest.approx(score.mean(), abs=1e-6)
        assert pair.arrays[f"{name}_score"][row] == pytest.approx([score[of == c].mean() for c in range(4)], abs=1e-6)
        outputs = np.asarray(outputs, float)
        change = np.sqrt(np.mean((outputs - intact)[inside] ** 2)) / spread
        assert pair.arrays[f"{name}_change"][row] == pytest.approx(change, rel=1e-4, abs=1e-5)
        if which == "original":
            continue
        low, step = pair.arrays["silenced_scale"][row]
        for c in range(4):
            for t in range(len(outputs)):
                there = (of == c) & inside[t]
                if there.any():
                    code = pair.arrays["silenced_outputs"][row, c, t]
                    np.testing.assert_allclose(
                        low + step * code, outputs[t, there].mean(axis=0), atol=0.51 * step + 1e-6
                    )
    assert pair.arrays[f"{name}_change"][:5].max() > 0.1  # silencing does something
    assert pair.arrays[f"{name}_change"][5] == 0


@pytest.mark.battery
def test_a_unit_that_reaches_nothing_changes_nothing():
    task = PerceptualDecision(coherence=(4.0, 16.0), stimulus=100.0, coherence_scale="song2016")
    net = RateRNN.dale(task.n_in, 4, task.n_out, sigma_rec=0.1, seed=0)
    w, out = np.asarray(net.W_rec).copy(), np.asarray(net.W_out).copy()
    w[2], out[2] = 0.0, 0.0
    net.raw_rec.value, net.raw_out.value = w, out
    found, _ = silenced(responses(net, task, 2, seed=0), [np.array([i]) for i in range(4)], 0)
    assert found.change[2] == 0
    assert (found.change[[0, 1, 3]] > 0).all()


@pytest.mark.battery
def test_programs_are_compiled_once_for_all_units(pair: Pair):
    before = unit_module._run_silenced._cache_size()
    silenced(pair.small, [np.array([unit]) for unit in (4, 1)], SEED)
    silenced(pair.small, [np.array([0, 2, 3])], SEED)
    assert unit_module._run_silenced._cache_size() == before


@pytest.mark.battery
def test_outputs_are_thinned_and_trials_fewer_where_there_is_no_room(pair: Pair, monkeypatch):
    monkeypatch.setattr(unit_module, "OUTPUT_BYTES", pair.arrays["silenced_outputs"].size // 3)
    thin, stride = silenced(pair.small, [np.array([unit]) for unit in range(5)], SEED)
    full, one = silenced(pair.small, [], SEED)
    size = pair.arrays["silenced_outputs"].size
    assert (stride, one) == (-(-size // (size // 3)), 1)
    np.testing.assert_array_equal(thin.outputs[-1], full.outputs[-1][:, ::stride])
    steps, trials, n = np.shape(pair.small.activity.rates)
    monkeypatch.setattr(unit_module, "MOST_RATES", steps * trials * n // REPEATS)
    fewer = unit_module._fewer(pair.small, pair.small.net, SEED)
    assert fewer.trial.batch_size == trials // REPEATS
    monkeypatch.setattr(unit_module, "MOST_UNITS", 4)
    facts, arrays = unit_contents(pair.small, seed=SEED, original="it was lost")
    assert facts["silencing"] is None
    assert (facts["original"], facts["missing"]) == (None, "it was lost")
    assert not any("silenced" in name or "original" in name for name in arrays)


def labelled(**units) -> dict[str, np.ndarray]:
    first = next(iter(units.values()))
    return {"type": np.array(["E"] * len(first))} | {name: np.array(labels) for name, labels in units.items()}


def test_members_are_found_by_name_and_through_two_condensations():
    small = labelled(represents=["c, a", "b"])
    assert [m.tolist() for m in members_of(small, labelled(name=["a", "b", "c", "d"]))] == [[0, 2], [1]]
    assert [m.tolist() for m in members_of(small, labelled(represents=["b", "a, c"]))] == [[1], [0]]
    by_index = labelled(represents=["0, 2", "1"])
    assert [m.tolist() for m in members_of(by_index, labelled(type=["E", "E", "I"]))] == [[0, 2], [1]]


def test_networks_that_do_not_belong_together_are_refused():
    small = labelled(represents=["c, a", "b"])
    with pytest.raises(
        ValueError, match=r"has no unit 'b': the condensed network was not made from it, or it has changed\."
    ):
        members_of(small, labelled(name=["a", "c"]))
    with pytest.raises(ValueError, match="was condensed in a different way"):
        members_of(small, labelled(represents=["a, b", "c"]))


@pytest.mark.battery
def test_the_original_run_is_found_or_it_is_said_why_not(pair: Pair, tmp_path):
    recipe = parse_recipe(RECIPE)
    source, run = create_run(tmp_path / "whole", recipe), create_run(tmp_path / "small", recipe)
    net = pair.small.net
    assert "is not a condensed run" in _original(run, net)
    (run.path / "condense.json").write_text(json.dumps({"source": str(source.path)}))
    assert "has no trained network yet" in _original(run, net)
    save(pair.original.net, source.network)
    found = _original(run, net)
    np.testing.assert_array_equal(np.asarray(found.W_rec), np.asarray(pair.original.net.W_rec))
    assert not isinstance(_original(run.with_seed(7), net), str)  # other trials, the same runs
    (source.path / "config.toml").write_text(
        (source.path / "config.toml").read_text().replace("n_rec = 12", "n_rec = 13")
    )
    assert _original(run, net) == f"{source.path} now contains a run with a different recipe"
    (run.path / "condense.json").write_text(json.dumps({"source": str(tmp_path / "gone")}))
    assert _original(run, net) == f"there is no run directory {tmp_path / 'gone'}"
