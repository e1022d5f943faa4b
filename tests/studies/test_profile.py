"""Profiles of networks that are the same, and of pairs that differ in one respect."""

from dataclasses import replace

import numpy as np
import pytest

from eicon.analysis._compare import NONE
from eicon.analysis.results import Similarity
from eicon.models import Connectivity, RateRNN
from eicon.models.weights import Dense
from eicon.studies import profile, profiles
from eicon.studies._profile import (
    RESPECTS,
    Profile,
    Profiles,
    _apart,
    _concordance,
    _eigenvalues,
    _extensions,
    _perturbations,
    _shared,
    _slopes,
)
from eicon.tasks import CueSetGo, FlipFlop, PerceptualDecision
from eicon.training import Trainer

TASK = PerceptualDecision(coherence=(6.4, 51.2), fixation=60.0, stimulus=300.0, decision=100.0)
N = 24
ORDER = np.random.default_rng(0).permutation(N)
AREA = np.where(np.arange(N) % 2 == 0, "even", "odd")


def permuted(net):
    """The same network, with its units in another order."""
    parts = net.parts()
    old = parts.network

    def matrix(weights, rows, columns):
        was, cut = weights.connectivity, np.ix_(rows, columns)
        made = Connectivity(was.sign[rows], was.mask[cut], was.fixed[cut], was.positive)
        return Dense.make(made, np.asarray(weights.matrix())[cut])

    weights = {
        "recurrent": matrix(old.recurrent, ORDER, ORDER),
        "input": matrix(old.input, np.arange(net.n_in), ORDER),
        "readout": matrix(old.readout, ORDER, np.arange(net.n_out)),
    }
    parameters = {
        name: replace(one, raw=np.asarray(one.raw)[ORDER]) if np.shape(one.raw) == (N,) else one
        for name, one in old.parameters.items()
    }
    units = {name: labels[ORDER] for name, labels in parts.units.items() if name != "type"}
    return net.of_parts(parts._replace(network=replace(old, **weights, parameters=parameters), units=units))


def relabelled(net, area):
    parts = net.parts()
    return net.of_parts(parts._replace(units={**parts.units, "area": area}))


@pytest.fixture(scope="module")
def nets():
    found = []
    for seed in (0, 1):
        net = RateRNN.dale(TASK.n_in, N, TASK.n_out, sigma_rec=0.15, seed=seed, units={"area": AREA})
        Trainer(net, TASK, learning_rate=0.01, seed=seed).fit(120, progress=False)
        found.append(net)
    return found


@pytest.mark.battery
def test_a_network_and_its_permuted_copy_are_the_same_in_all_respects(nets):
    found = profile(nets[0], permuted(nets[0]), TASK, repeats=20, candidates=64)
    assert found.activity.value == pytest.approx(1.0, abs=1e-3)
    assert found.outputs.value == pytest.approx(0.0, abs=1e-3)
    assert found.eigenvalues.value == pytest.approx(0.0, abs=1e-3)
    assert found.fixed_points.value == 1.0
    assert found.perturbations.value > 0.95
    assert found.answers.value == pytest.approx(found.answers.ceiling, abs=0.3)
    assert found.generalisation.value == pytest.approx(found.generalisation.ceiling, abs=0.2)
    tested = found.activity, found.outputs, found.eigenvalues, found.perturbations, found.generalisation
    assert [one.p for one in tested] == [0.01] * 5


@pytest.mark.battery
def test_another_network_is_not(nets):
    found = profile(*nets, TASK, repeats=20, candidates=64)
    assert found.outputs.value > 0.05
    assert found.eigenvalues.value > 0.05
    assert found.activity.value < 0.99
    assert found.perturbations.value < 0.95
    assert found.effects.keys() == dict(_perturbations(nets[0], TASK.sample(0, 2), "type", "EI", 1.0)).keys()
    assert set(found.scores) == {name for name, *_ in _extensions(TASK)}


@pytest.mark.battery
def test_many_networks_are_compared_as_each_two_are(nets):
    """A network, its copy and another: the copies are nearest, and pairs have the numbers of `profile`."""
    named = {"one": nets[0], "copy": permuted(nets[0]), "other": nets[1]}
    found = profiles(named, TASK, repeats=20, candidates=64, n_permutations=19)
    assert list(found.pairs) == [("one", "copy"), ("one", "other"), ("copy", "other")]
    for respect in RESPECTS:
        matrix = found.matrix(respect)
        np.testing.assert_array_equal(matrix, matrix.T)
        np.testing.assert_array_equal(np.diag(matrix), 1.0)
        assert matrix[0, 1] == pytest.approx(found.pairs["one", "copy"].likeness(respect), nan_ok=True)
    overall = found.overall()
    assert overall[0, 1] > overall[0, 2] + 0.1
    assert overall[0, 1] > 0.8
    few = Profiles(found.names, {("one", "copy"): found.pairs["one", "copy"]})
    assert few.overall()[0, 1] == overall[0, 1]
    assert np.isnan(few.overall()[0, 2])
    alone = profile(nets[0], named["copy"], TASK, repeats=20, candidates=64, n_permutations=19)
    for respect in ("activity", "outputs", "fixed_points", "eigenvalues", "perturbations", "generalisation"):
        one, other = getattr(alone, respect), getattr(found.pairs["one", "copy"], respect)
        assert one.value == pytest.approx(other.value), respect


@pytest.mark.battery
def test_only_what_differs_is_found_different(nets):
    """The same network but for one thing: which units are perturbed together, or how noisy they are."""
    others = relabelled(nets[0], np.where(np.arange(N) < N // 2, "even", "odd"))
    labels = profile(nets[0], others, TASK, label="area", candidates=64)
    noise = profile(nets[0], nets[0].with_settings(sigma_rec=0.6), TASK, candidates=64)
    same = profile(nets[0], permuted(nets[0]), TASK, label="area", candidates=64)
    for found in (labels, noise, same):
        assert found.activity.value == pytest.approx(1.0, abs=1e-3)
        assert found.outputs.value == pytest.approx(0.0, abs=1e-3)
        assert found.eigenvalues.value == pytest.approx(0.0, abs=1e-3)
    assert labels.perturbations.value < same.perturbations.value - 0.1
    noisy, quiet = noise.scores["as trained"]
    assert quiet < noisy
    assert noise.generalisation.value < same.generalisation.value - 0.1


def test_eigenvalues_have_a_closed_form():
    """Of diagonal weights of linear units: their leading entries, at distances that are known."""
    eye = Connectivity.dense(6, 6), Connectivity.dense(1, 6), Connectivity.dense(6, 1)
    a, b = (
        RateRNN(*eye, activation="relu", weights={"recurrent": np.diag(values)}, x0=1.0)
        for values in ([0.9, 0.8, 0.7, 0.6, 0.5, 0.1], [0.5, 0.9, 0.8, 0.7, 0.4, 0.1])
    )
    inputs = np.ones((5, 2, 1), np.float32)
    still, inside = [net.predict(inputs) for net in (a, b)], np.ones((5, 2), bool)
    rates = [np.asarray(one.rates)[inside] for one in still]
    if not all((one > 0).all() for one in rates):
        pytest.fail("the slopes of these units are 1 only while they are active")
    slopes = tuple(_slopes(net, one, inside) for net, one in zip((a, b), still, strict=True))
    found = _eigenvalues((a, b), slopes, 19, 0)
    assert found.value == pytest.approx(0.2 / (3.5 + 3.3), rel=1e-5)
    assert found.n == 5
    assert found.null.shape == (19,)
    assert found.p <= 0.1


NULL = np.array([0.1, 0.2, 0.2, 0.3])


def with_one(respect, value, null, ceiling, null_95):
    """A profile in which one respect is known."""
    none = dict.fromkeys(RESPECTS, NONE)
    one = Similarity(value, null, ceiling, 5, 0.1, null_95, value, "trials")
    return Profile(**none | {respect: one}, effects={}, scores={})


def test_likeness_is_between_null_and_ceiling():
    assert with_one("activity", 0.7, NULL, 1.0, 0.3).likeness("activity") == pytest.approx((0.7 - 0.2) / 0.8)
    assert with_one("outputs", 0.1, 1.2 - NULL, 0.0, 0.9).likeness("outputs") == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("ceiling", "null", "null_95"),
    [
        (0.3, NULL, 0.3),  # the same networks would be as alike as 5 % of unrelated ones
        (0.25, NULL, 0.3),
        (0.1, NULL, 0.3),  # even less, where reliability is estimated from few errors: likeness was far above 1
        (0.05, np.array([0.0] * 19 + [2.0]), 0.0),  # a null whose mean is above its 95 % limit
        (np.nan, NULL, 0.3),
        (1.0, np.zeros(0), np.nan),
    ],
)
def test_likeness_is_undefined_where_the_same_networks_would_look_unrelated(ceiling, null, null_95):
    assert np.isnan(with_one("answers", 0.2, null, ceiling, null_95).likeness("answers"))
    assert np.isnan(with_one("outputs", -0.2, -null, -ceiling, -null_95).likeness("outputs"))


def test_undefined_likenesses_do_not_count():
    pair = with_one("activity", 0.7, NULL, 1.0, 0.3)
    unknown = pair._replace(answers=Similarity(0.5, NULL, 0.3, 5, 0.1, 0.3, 0.5, "trials"))
    overall = [Profiles(("a", "b"), {("a", "b"): one}).overall()[0, 1] for one in (pair, unknown)]
    np.testing.assert_allclose(overall, (0.7 - 0.2) / 0.8)


def test_change_of_outputs_has_a_closed_form():
    """Of outputs with standard deviation 1: by 0, 1, 3 and without bound."""
    outputs, inside = np.ones((4, 5, 2), np.float32), np.ones((4, 5), bool)
    outputs[:2] = -1.0
    after = outputs.copy()
    after[:, 1, 0] += 1.0  # of one output
    after[:, 2, 1] -= 3.0
    after[3, 3], after[3, 4, 0] = np.inf, np.nan
    np.testing.assert_allclose(_apart(outputs, after, inside), [0.0, 0.5, 0.75, 1.0, 1.0])
    inside[3] = False
    np.testing.assert_allclose(_apart(outputs, after, inside)[3:], 0.0)
    np.testing.assert_array_equal(_apart(np.zeros((4, 5, 2)), np.zeros((4, 5, 2)), inside), 0.0)


def test_a_network_that_explodes_under_a_drive_is_compared():
    """Its outputs become infinite: their effect is 1, the score is 0, and all perturbations are compared."""

    def net(w):
        weights = {"recurrent": np.diag([0.9, 0.9, w]), "input": np.eye(2, 3), "readout": np.eye(3, 2) + 0.1}
        shapes = [Connectivity.dense(*one.shape) for one in weights.values()]
        options = {"activation": "relu", "tau": TASK.dt, "dt": TASK.dt, "sigma_rec": 0.01, "bias": True, "x0": 0.0}
        return RateRNN(*shapes, weights=weights, parameters={"b_rec": np.array([0.0, 0.0, -0.1])}, **options)

    calm, wild = net(0.0), net(1e10)
    found = profile(calm, wild, TASK, repeats=4, candidates=8, n_permutations=19)
    names = [name for name in found.effects if name.startswith("drive all +1")]
    assert np.isfinite(list(found.effects.values())).all()
    before = found.scores["as trained"][1]
    for name in names:
        assert found.effects[name][1] == pytest.approx(-before, abs=0.1), name
    assert found.perturbations.n == len(found.effects)
    assert found.perturbations.value < 0.9
    same = profile(wild, wild, TASK, repeats=4, candidates=8, n_permutations=19)
    assert same.perturbations.value > 0.95


def test_too_few_known_effects_are_not_compared():
    values = np.full((2, 4, 2), np.nan)
    values[:, :2] = 0.1
    assert _concordance(values, values, {"n_permutations": 3, "rng": 0}).n == 0


def test_extensions_are_those_that_a_task_can_have():
    names = [name for name, *_ in _extensions(TASK)]
    assert names == [
        *("as trained", "inputs x 0.5", "inputs x 1.5", "noise x 2", "noise x 4"),
        *("fixation x 1.5", "stimulus x 1.5"),
    ]
    assert "held out" in [name for name, *_ in _extensions(CueSetGo())]
    longer = {name: task for name, task, *_ in _extensions(FlipFlop())}["rest x 1.5"]
    assert longer.rest == 160.0


@pytest.mark.battery
def test_units_are_perturbed_by_labels_that_both_networks_have(nets):
    trial = TASK.sample(0, 2)
    assert _shared(tuple(nets), "area") == ["even", "odd"]
    names = list(dict(_perturbations(nets[0], trial, "area", ["even", "odd"], 1.0)))
    assert len(names) == 2 * 3 * 4
    assert names[0] == "silence 30% of even, fixation"
    alone = relabelled(nets[1], np.full(N, "elsewhere"))
    assert _shared([nets[0], alone], "area") == []
    every = dict(_perturbations(alone, trial, "area", [], 1.0))
    assert all(" all" in name for name in every)
    assert all(len(one.units) == N for one in every.values())


@pytest.mark.battery
def test_what_is_refused(nets):
    with pytest.raises(ValueError, match="`repeats` must be at least 2"):
        profile(*nets, TASK, repeats=1)
    with pytest.raises(ValueError, match="the network of b has"):
        profile(nets[0], RateRNN.dale(5, 8, 2), TASK)
    with pytest.raises(ValueError, match=r"name \['c'\]; the networks are a, b"):
        profiles({"a": nets[0], "b": nets[1]}, TASK, pairs=[("a", "c")])
    with pytest.raises(ValueError, match="two networks or more; got 1"):
        profiles({"a": nets[0]}, TASK)
