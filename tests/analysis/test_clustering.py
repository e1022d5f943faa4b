import itertools

import numpy as np
import pytest
from scipy import stats

from eicon.analysis import choice_clustering
from eicon.analysis.coding import signed_clustering


def brute_force(weights, d_prime, excitatory, from_excitatory, threshold):
    within, between = [], []
    for i, j in itertools.permutations(range(len(d_prime)), 2):
        if excitatory[i] != from_excitatory or not excitatory[j]:
            continue
        if min(abs(d_prime[i]), abs(d_prime[j])) < threshold:
            continue
        (within if d_prime[i] * d_prime[j] > 0 else between).append(abs(weights[i, j]))
    return np.mean(within) / np.mean(between)


def test_against_a_loop_over_pairs():
    rng = np.random.default_rng(0)
    weights, d_prime, excitatory = rng.normal(size=(30, 30)), rng.normal(size=30), np.arange(30) < 22
    result = choice_clustering(weights, d_prime, excitatory, threshold=0.3)
    assert result.excitatory == pytest.approx(brute_force(weights, d_prime, excitatory, True, 0.3))
    assert result.inhibitory == pytest.approx(brute_force(weights, d_prime, excitatory, False, 0.3))
    selective = np.abs(d_prime) >= 0.3
    assert result.n_selective == (selective[:22].sum(), selective[22:].sum())


def test_rows_send():
    weights = np.zeros((4, 4))
    weights[3, 0], weights[3, 1] = -2.0, -6.0
    result = choice_clustering(weights, [1.0, -1.0, 1.0, 1.0], [True, True, True, False])
    assert result.inhibitory == pytest.approx(((2.0 + 0.0) / 2) / 6.0)


def test_nan_where_there_is_nothing_to_compare():
    result = choice_clustering(np.ones((3, 3)), [1.0, 1.0, 1.0], [True, True, True])
    assert np.isnan(result.excitatory)
    assert np.isnan(result.inhibitory)


def planted(strength, seed=0, n=24, n_e=18):
    """Weights that depend on preferences by `strength`, positive for E -> E and negative for I -> E."""
    rng = np.random.default_rng(seed)
    d_prime, excitatory = rng.choice([-1.0, 1.0], n) * rng.uniform(0.6, 2.0, n), np.arange(n) < n_e
    same = np.sign(d_prime)[:, None] == np.sign(d_prime)
    weights = rng.gamma(2.0, 1.0, (n, n)) * np.where(same, 1.0 + strength, 1.0)
    weights[n_e:] = -rng.gamma(2.0, 1.0, (n - n_e, n)) * np.where(same[n_e:], 1.0, 1.0 + strength)
    return weights, d_prime, excitatory


def test_means_are_those_behind_the_ratios():
    result = choice_clustering(*planted(1.0))
    assert result.excitatory == pytest.approx(result.means[0, 0] / result.means[0, 1])
    assert result.inhibitory == pytest.approx(result.means[1, 0] / result.means[1, 1])
    assert np.isnan([result.p_excitatory, result.p_inhibitory]).all()


def test_permutations_find_planted_clusters_and_nothing_else():
    result = choice_clustering(*planted(1.0), n_permutations=200, rng=0)
    assert result.p_excitatory == pytest.approx(1 / 201)
    assert result.p_inhibitory == pytest.approx(1 / 201)
    against = choice_clustering(*planted(-0.5), n_permutations=200, rng=0)
    assert against.p_excitatory > 0.95
    assert against.p_inhibitory > 0.95
    p = [choice_clustering(*planted(0.0, seed=seed), n_permutations=60, rng=seed) for seed in range(60)]
    for values in ([one.p_excitatory for one in p], [one.p_inhibitory for one in p]):
        assert stats.kstest(values, "uniform").pvalue > 0.01


def test_p_value_is_that_of_all_permutations():
    weights, d_prime, excitatory = planted(0.4, n=7, n_e=7)
    preference, differences = np.sign(d_prime), []
    for shuffled in itertools.permutations(preference):
        values = {True: [], False: []}
        for i, j in itertools.permutations(range(7), 2):
            values[shuffled[i] == shuffled[j]].append(weights[i, j])
        differences.append(np.mean(values[True]) - np.mean(values[False]))
    found = differences[0]  # the first permutation is the preferences as they are
    exact = np.mean(np.array(differences) >= found - 1e-12)
    result = choice_clustering(weights, d_prime, excitatory, n_permutations=3000, rng=0)
    assert result.p_excitatory == pytest.approx(exact, abs=0.03)


def test_permutations_need_a_seed():
    with pytest.raises(ValueError, match=r"`n_permutations` must be >= 0, and > 0 only with `rng`; got 10 and None"):
        choice_clustering(*planted(1.0), n_permutations=10)


def test_shapes_that_do_not_match():
    with pytest.raises(ValueError, match=r"`weights` must be \(N, N\).*got \(2, 3\) and \(2,\)"):
        choice_clustering(np.ones((2, 3)), [1.0, 1.0], [True, True])
    with pytest.raises(ValueError, match=r"`excitatory` must be bools, shape \(N,\) = \(2,\)"):
        choice_clustering(np.ones((2, 2)), [1.0, 1.0], [True, True, False])
    with pytest.raises(ValueError, match=r"`selective` must be bools.*pass p_value < 0.05"):
        choice_clustering(np.ones((2, 2)), [1.0, 1.0], [True, True], selective=[0.01, 0.2])


def test_types_go_through_the_same_door_as_those_of_selectivity():
    """Row 5: signs and letters were all taken as excitatory."""
    w = np.random.default_rng(0).normal(size=(3, 3))
    for types in ([True, True, False], [1, 1, -1], ["E", "E", "I"]):
        assert choice_clustering(w, [2, 2, -2], types).n_selective == (2, 1)
    for types in ([1, 0, -1], [0.5, 1.0, -1.0], ["E", "", "I"], ["exc", "exc", "inh"]):
        with pytest.raises((ValueError, TypeError), match="`excitatory` must be bools"):
            choice_clustering(w, [2, 2, -2], types)


def test_units_may_be_chosen_by_a_test_instead_of_a_threshold():
    rng = np.random.default_rng(0)
    weights, d_prime, excitatory = rng.normal(size=(30, 30)), rng.normal(size=30), np.arange(30) < 22
    by_threshold = choice_clustering(weights, d_prime, excitatory, threshold=0.7, n_permutations=20, rng=0)
    given = choice_clustering(weights, d_prime, excitatory, selective=np.abs(d_prime) >= 0.7, n_permutations=20, rng=0)
    for one, other in zip(given, by_threshold, strict=True):
        np.testing.assert_array_equal(one, other)
    signed_ = [
        signed_clustering(weights, d_prime, rng=0, **options)
        for options in ({"threshold": 0.7}, {"selective": np.abs(d_prime) >= 0.7})
    ]
    assert signed_[0] == signed_[1]
    nobody = choice_clustering(weights, np.zeros(30), excitatory, selective=np.ones(30, bool))
    assert nobody.n_selective == (0, 0)


def signed(strength, n=20, seed=0):
    """Weights of both signs that are more positive by `strength` among units of the same preference."""
    rng = np.random.default_rng(seed)
    d_prime = np.where(np.arange(n) % 2, -1.0, 1.0) * rng.uniform(0.6, 2.0, n)
    same = np.sign(d_prime)[:, None] == np.sign(d_prime)
    return rng.normal(size=(n, n)) + strength * same, d_prime


def test_signed_difference_is_that_of_a_loop_over_pairs_of_selective_units():
    weights, d_prime = signed(0.4)
    d_prime[:4] *= 0.1
    values = {True: [], False: []}
    for i, j in itertools.permutations(range(4, 20), 2):
        values[d_prime[i] * d_prime[j] > 0].append(weights[i, j])
    found = (np.mean(values[True]) - np.mean(values[False])) / np.std(values[True] + values[False])
    assert signed_clustering(weights, d_prime, rng=0).difference == pytest.approx(found)


def test_signed_p_value_is_that_of_all_permutations():
    weights, d_prime = signed(0.6, n=8)
    differences = []
    for shuffled in sorted(set(itertools.permutations(np.sign(d_prime)))):
        values = {True: [], False: []}
        for i, j in itertools.permutations(range(8), 2):
            values[shuffled[i] == shuffled[j]].append(weights[i, j])
        differences.append((np.mean(values[True]) - np.mean(values[False]), shuffled == tuple(np.sign(d_prime))))
    found = next(difference for difference, own in differences if own)
    exact = np.mean([difference >= found - 1e-12 for difference, _ in differences])
    assert 0.01 < exact < 0.5
    result = signed_clustering(weights, d_prime, rng=0, n_permutations=3000)
    assert result.p_value == pytest.approx(exact, abs=0.03)


def test_signed_clusters_are_told_from_chance():
    result = signed_clustering(*signed(1.0), rng=0)
    assert result.difference > 0.5
    assert result.p_value < 0.01
    assert signed_clustering(*signed(-1.0), rng=0).p_value > 0.99
    p = [signed_clustering(*signed(0.0, seed=seed), rng=seed, n_permutations=60).p_value for seed in range(60)]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_signed_is_nan_where_there_is_nothing_to_compare():
    weights, d_prime = signed(1.0)
    for one in ((weights, np.abs(d_prime)), (weights, 0.1 * d_prime), (np.ones((20, 20)), d_prime)):
        assert np.isnan(signed_clustering(*one, rng=0)).all()


def test_signed_refuses_what_does_not_match():
    with pytest.raises(ValueError, match=r"`weights` must be \(N, N\).*got \(2, 3\) and \(2,\)"):
        signed_clustering(np.ones((2, 3)), [1.0, 1.0], rng=0)
    with pytest.raises(ValueError, match=r"`n_permutations` must be at least 1 \(999 is typical\); got 0"):
        signed_clustering(*signed(1.0), rng=0, n_permutations=0)
