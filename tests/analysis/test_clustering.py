import itertools

import numpy as np
import pytest

from eicon.analysis import choice_clustering


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


def test_shapes_that_do_not_match():
    with pytest.raises(ValueError, match=r"weights must be \(N, N\).*got \(2, 3\), \(2,\) and \(2,\)"):
        choice_clustering(np.ones((2, 3)), [1.0, 1.0], [True, True])
