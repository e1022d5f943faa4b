from itertools import permutations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from eicon.analysis.behaviour import error_consistency


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def by_loops(a, b, strata):
    """Kappa with chance from pairs of different trials of a stratum, all pairs one by one."""
    agree, chance, n = 0.0, 0.0, 0
    for one in set(strata):
        members = [i for i in range(len(a)) if strata[i] == one]
        if len(members) > 1:
            n += len(members)
            agree += sum(a[i] == b[i] for i in members)
            others = [a[i] == b[j] for i in members for j in members if i != j]
            chance += len(members) * sum(others) / len(others)
    return (agree - chance) / (n - chance)


@pytest.mark.parametrize("n_answers", [2, 4])
def test_kappa_against_sklearn_and_a_loop_over_pairs_of_trials(rng, n_answers):
    a = rng.integers(0, n_answers, 90)
    b = np.where(rng.random(90) < 0.4, a, rng.integers(0, n_answers, 90))
    strata = rng.integers(0, 7, 90)
    strata[0] = 99  # alone
    found = error_consistency(a, b, n_permutations=0)
    assert found.plain == pytest.approx(cohen_kappa_score(a, b), rel=1e-12)
    assert found.value == pytest.approx(by_loops(a, b, np.zeros(90)), rel=1e-12)
    assert (found.n, found.n_left_out, found.permuted) == (90, 0, "trials")
    within = error_consistency(a, b, strata=strata, n_permutations=0)
    assert within.value == pytest.approx(by_loops(a, b, strata), rel=1e-12)
    assert (within.n, within.n_left_out) == (89, 1)
    swapped = error_consistency(b, a, strata=strata.astype(str), n_permutations=0)
    assert swapped.value == pytest.approx(within.value, rel=1e-12)
    # answers that have no name in common neither agree nor would by chance
    assert error_consistency(b, a + 10, strata=strata, n_permutations=0).value == 0.0


def test_chance_is_that_of_each_condition():
    """Two conditions, each without any agreement beyond chance: kappa is 0 within, and by hand 0.36 over both."""
    a = np.repeat([1, 0], 50) ^ np.tile([0, 0, 0, 0, 1], 20)
    b = np.repeat([1, 0], 50) ^ np.repeat(np.tile([0, 0, 0, 0, 1], 4), 5)
    condition = np.repeat(["easy", "hard"], 50)
    assert error_consistency(a, b, strata=condition).plain == pytest.approx(0.0, abs=1e-12)
    assert error_consistency(a, b).plain == pytest.approx((0.68 - 0.5) / 0.5, rel=1e-12)


def test_few_trials_of_a_condition_leave_no_bias(rng):
    """Each answers its condition at .5, and copies the other in every second trial: kappa is .5 by construction."""
    strata = np.repeat(np.arange(5000), 4)
    a = rng.random(20_000) < 0.5
    b = np.where(rng.random(20_000) < 0.5, a, rng.random(20_000) < 0.5)
    found = error_consistency(a, b, strata=strata, n_permutations=0)
    assert found.value == pytest.approx(0.5, abs=0.03)
    # each trial is one of the four pairs that chance is taken from: it is 3/4 * .5 + 1/4 * .75
    chance = 0.5625
    assert found.plain == pytest.approx((0.75 - chance) / (1 - chance), abs=0.03)


def test_all_orders_of_few_trials_are_the_null():
    a, b = np.array([1, 1, 0, 0, 1, 0]), np.array([1, 0, 0, 0, 1, 1])
    values = [by_loops(a, b[list(order)], np.zeros(6)) for order in permutations(range(6))]
    found = error_consistency(a, b)
    assert len(found.null) == 719
    assert found.p == pytest.approx(np.mean(np.array(values) >= values[0] - 1e-9), rel=1e-12)
    strata = np.array([0, 0, 0, 1, 1, 1])
    within = error_consistency(a, b, strata=strata)
    orders = [(*x, *(3 + np.array(y))) for x in permutations(range(3)) for y in permutations(range(3))]
    values = np.array([by_loops(a, b[list(order)], strata) for order in orders])
    np.testing.assert_allclose(np.sort(within.null), np.sort(values[1:]), atol=1e-12)


def test_what_is_always_right_has_no_errors_to_be_consistent_in():
    right, other = np.ones(20, bool), np.arange(20) % 4 > 0
    nothing = error_consistency(right, right)
    assert np.isnan([nothing.value, nothing.plain, nothing.p, nothing.null_95]).all()
    assert error_consistency(right, other).value == 0.0
    assert np.isnan(error_consistency(right, other, again=(right, other)).ceiling)
    condition = np.repeat([0, 1], 20)
    a, b = np.concatenate([right, other]), np.concatenate([right, other[::-1]])
    with_easy = error_consistency(a, b, strata=condition, n_permutations=0)
    assert with_easy.value == pytest.approx(error_consistency(other, other[::-1], n_permutations=0).value, rel=1e-12)
    assert error_consistency(other, ~other).value < -0.4
    alone = error_consistency(other, other, strata=np.arange(20))
    assert np.isnan(alone.value)
    assert (alone.n, alone.n_left_out) == (0, 20)


def test_trials_without_an_answer(rng):
    a, b = (rng.random((2, 40)) < 0.7).astype(float)
    missing_a, missing_b = a.copy(), b.copy()
    missing_a[:3], missing_b[5] = np.nan, np.nan
    kept = np.r_[3:5, 6:40]
    found = error_consistency(missing_a, missing_b, rng=1)
    same = error_consistency(a[kept], b[kept], rng=1)
    assert found.value == same.value
    assert found.n_left_out == 4
    np.testing.assert_array_equal(found.null, same.null)
    # none (-1) is an answer: nobody's answer in the same trials is an agreement, of one alone a disagreement
    a[:10], b[:10] = -1, -1
    assert error_consistency(a, b).value > same.value
    assert error_consistency(a, np.where(b < 0, 1, b)).value < error_consistency(a, b).value


@pytest.mark.parametrize("n_answers", [2, 3, 5])
def test_no_expected_kappa_is_above_the_ceiling(rng, n_answers):
    """Exactly, from the probabilities of answers: Cauchy-Schwarz within and over conditions."""

    def kappa(p, q, strata):
        agree, chance = np.sum(p * q), 0.0
        for one in np.unique(strata):
            inside = strata == one
            chance += inside.sum() * np.sum(p[inside].mean(axis=0) * q[inside].mean(axis=0))
        return (agree - chance) / (len(p) - chance)

    slack, strata = [], np.repeat([0, 1, 2], 20)
    for _ in range(300):
        p = rng.dirichlet(np.full(n_answers, 0.5), size=(2, 60))
        p[1] = p[0] ** rng.uniform(0.3, 3) if rng.random() < 0.5 else 0.7 * p[0] + 0.3 * p[1]
        p[1] /= p[1].sum(axis=1, keepdims=True)
        slack.append(np.sqrt(kappa(p[0], p[0], strata) * kappa(p[1], p[1], strata)) - kappa(p[0], p[1], strata))
        assert kappa(p[0], p[0], strata) <= 1.0
    assert min(slack) > -1e-12
    assert min(slack) < 0.05


def runs_of(rng, *probabilities):
    return [rng.random(one.size) < one for one in probabilities]


def test_twins_reach_the_ceiling_and_networks_that_err_elsewhere_do_not(rng):
    """Accuracy is the same in all conditions; only which trials are hard differs."""
    condition = np.repeat(np.arange(4), 500)
    p = rng.beta(2, 1, size=2000)
    elsewhere = np.concatenate([rng.permutation(p[condition == one]) for one in range(4)])
    expected = p.var() / (p.mean() * (1 - p.mean()))  # kappa of two runs: their covariance over the variance
    a, again_a, twin, again_twin = runs_of(rng, p, p, p, p)
    found = error_consistency(a, twin, strata=condition, again=(again_a, again_twin))
    assert found.ceiling == pytest.approx(expected, abs=0.06)
    assert found.value == pytest.approx(found.ceiling, abs=0.08)
    assert found.p == 0.005
    other, again_other = runs_of(rng, elsewhere, elsewhere)
    apart = error_consistency(a, other, strata=condition, again=(again_a, again_other))
    assert abs(apart.value) < 0.08 < apart.ceiling
    assert apart.p > 0.05
    itself = error_consistency(a, a, strata=condition, again=(a, a))
    assert (itself.value, itself.ceiling) == (1.0, 1.0)
    assert error_consistency(a, ~a, again=(~a, a)).ceiling == 0.0


def rejected(rng, n, stratify):
    """How many of n pairs of networks with p <= .05, that share only which conditions are hard."""
    condition = np.tile(np.arange(4), 30)
    accuracy = np.array([0.55, 0.7, 0.85, 0.97])[condition]
    found = 0
    for _ in range(n):
        a, b = runs_of(rng, accuracy, accuracy)
        more = {"strata": condition} if stratify else {}
        found += error_consistency(a, b, n_permutations=99, rng=rng, **more).p <= 0.05
    return found


@pytest.mark.battery
def test_false_alarms(rng):
    low, high = stats.binom.ppf([0.001, 0.999], 300, 0.05)
    # ties, which count as at least as alike, make it somewhat fewer than 5 %
    assert low / 2 <= rejected(rng, 300, stratify=True) <= high
    assert rejected(rng, 60, stratify=False) > stats.binom.ppf(0.9999, 60, 0.05)


@pytest.mark.unchecked
def test_refusals():
    right = np.array([True, False, True, True])
    for call, text in (
        (lambda: error_consistency(right, right[:3]), r"`correct_b` must be \(B,\) = \(4,\).* got shape \(3,\)"),
        (lambda: error_consistency(right, [0.5, 1, 0, 1]), r"`correct_b` must contain True/False.* got 0.5. Scores in"),
        (lambda: error_consistency(right, [np.inf, 1, 0, 1]), r"`correct_b` must contain True/False.* got inf"),
        (lambda: error_consistency(right, right * np.nan), "must have a trial that both answer"),
        (lambda: error_consistency(right, right, again=right), "`again` must be a pair, .* got ndarray"),
        (lambda: error_consistency(right, right, again=(right, right[:2])), r"`again\[1\]` must be"),
        (lambda: error_consistency(right, right, strata=[1, 2]), r"`strata` must have shape \(B,\) = \(4,\)"),
        (lambda: error_consistency(right, right, n_permutations=-1), "`n_permutations` must be >= 0; got -1"),
    ):
        with pytest.raises(ValueError, match=text):
            call()
