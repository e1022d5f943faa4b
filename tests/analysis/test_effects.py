from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from eicon.analysis.similarity import effect_similarity


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def lin(a, b):
    """Lin's coefficient by its definition."""
    covariance = np.mean((a - a.mean()) * (b - b.mean()))
    return 2 * covariance / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)


def debiased(a, b):
    """Carrasco & Jover's, from components of variance."""
    K, s = len(a), np.cov(a, b)
    shift = (a.mean() - b.mean()) ** 2 - (s[0, 0] + s[1, 1] - 2 * s[0, 1]) / K
    return 2 * s[0, 1] / (s[0, 0] + s[1, 1] + shift)


def test_concordance_against_its_definitions(rng):
    a = 5.0 + rng.normal(size=9)
    b = 0.6 * a + rng.normal(size=9) + 2.0
    found = effect_similarity(a, b)
    assert found.plain == pytest.approx(lin(a, b), rel=1e-10)
    assert found.value == pytest.approx(debiased(a, b), rel=1e-10)
    assert effect_similarity(b, a).value == pytest.approx(found.value, rel=1e-10)
    assert effect_similarity(1e6 + a, 1e6 + b).value == pytest.approx(found.value, rel=1e-6)
    assert (found.n, found.permuted, len(found.null)) == (9, "perturbations", 199)


def test_size_and_shift_count_unlike_in_a_correlation(rng):
    a = rng.normal(size=8)
    assert effect_similarity(a, a).value == 1.0
    values = [effect_similarity(a, b).value for b in (2 * a, a / 4, a + 1.0, -a)]
    assert all(value < 0.9 for value in values)
    assert values[3] < 0
    for b in (2 * a, a / 4, a + 1.0):
        assert stats.pearsonr(a, b)[0] == pytest.approx(1.0)


def test_each_measure_weighs_the_same_whatever_its_unit(rng):
    a, b = rng.normal(size=(2, 7, 2))
    b[:, 0] = a[:, 0] + 0.1 * b[:, 0]
    single = [effect_similarity(a[:, m], b[:, m]).value for m in (0, 1)]
    units = np.array([1000.0, 1e-3])
    assert effect_similarity(a * units, b * units).value == pytest.approx(np.mean(single), rel=1e-9)
    same = np.full((7, 1), 0.1 + 0.2)  # a measure that nothing changes in either network says nothing
    with_constant = effect_similarity(np.hstack([a, same]), np.hstack([b, same]))
    assert with_constant.value == pytest.approx(np.mean(single), rel=1e-9)
    only_a = effect_similarity(np.hstack([a, 0 * same]), np.hstack([b, a[:, :1]]))
    assert only_a.value == pytest.approx(np.sum(single) / 3, rel=1e-9)
    nothing = effect_similarity(same[:, 0], same[:, 0], errors_a=same[:, 0], errors_b=same[:, 0])
    assert np.isnan([nothing.value, nothing.p, nothing.ceiling]).all()


def test_p_is_exact_for_few_perturbations(rng):
    a, b = rng.normal(size=(2, 5))
    b += a
    values = np.array([debiased(a, b[list(order)]) for order in permutations(range(5))])
    found = effect_similarity(a, b, n_permutations=10)
    np.testing.assert_allclose(np.sort(found.null), np.sort(values[1:]), rtol=1e-9)
    assert found.p == pytest.approx(np.mean(values >= values[0] - 1e-12))
    assert effect_similarity(a[:3], a[:3]).p == pytest.approx(1 / 6)
    assert np.isnan(effect_similarity(a, b, n_permutations=0).p)


def test_within_kinds_what_a_kind_does_to_all_is_no_likeness(rng):
    strength = np.repeat([0.1, 0.5, 1.0], 10)
    a, b = -strength + 0.1 * rng.normal(size=(2, 30))
    assert effect_similarity(a, b).value > 0.8
    within = effect_similarity(a, b, strata=strength)
    assert abs(within.value) < 0.4
    assert within.p > 0.05
    parts = [(a[strength == one], b[strength == one]) for one in (0.1, 0.5, 1.0)]
    observed = sum(np.sum((x - y) ** 2) for x, y in parts)
    expected = sum(sum(np.sum((x[i] - np.delete(y, i)) ** 2) for i in range(10)) / 9 for x, y in parts)
    assert within.value == pytest.approx(1 - observed / expected, rel=1e-10)
    alone = effect_similarity([1, 2, 4, 9.0], [2, 1, 3, 9.0], strata=[0, 0, 0, 1])
    assert (alone.n, alone.n_left_out) == (3, 1)


def test_missing_effects_are_left_out(rng):
    a, b = rng.normal(size=(2, 8, 2))
    a[1, 0], b[4, 1] = np.nan, np.nan
    kept = np.delete(np.arange(8), [1, 4])
    found = effect_similarity(a, b, errors_a=0 * a, errors_b=0 * b + 0.1)
    assert (found.n, found.n_left_out) == (6, 2)
    wanted = effect_similarity(a[kept], b[kept], errors_a=0 * a[kept], errors_b=0 * kept[:, None] + np.full(2, 0.1))
    assert (found.value, found.p, found.ceiling) == (wanted.value, wanted.p, wanted.ceiling)


def test_ceiling_by_hand(rng):
    truth = rng.normal(size=12)
    noise = effect_similarity(truth, truth, errors_a=np.full(12, 5.0), errors_b=np.full(12, 5.0))
    assert noise.ceiling == 0.0
    assert effect_similarity(truth, truth, errors_a=0 * truth, errors_b=0 * truth).ceiling == 1.0
    a, b = rng.normal(size=(2, 12, 2))
    found = effect_similarity(a, b, errors_a=0.3 + 0 * a, errors_b=0.5 + 0 * b).ceiling
    wanted = np.sqrt((1 - 0.09 / a.var(axis=0, ddof=1)) * (1 - 0.25 / b.var(axis=0, ddof=1))).mean()
    assert found == pytest.approx(wanted, rel=1e-10)


@pytest.mark.battery
def test_ceiling_is_what_two_noisy_copies_reach(rng):
    """Mean over data sets: the ceiling from standard errors is the value of networks of equal true effects."""
    truth, sizes = rng.normal(size=12), np.array([0.5, 0.3])
    twins, ceilings, others = [], [], []
    for _ in range(200):
        a, b = truth + sizes[:, None] * rng.normal(size=(2, 12))
        one = effect_similarity(a, b, errors_a=np.full(12, 0.5), errors_b=np.full(12, 0.3), n_permutations=0)
        twins.append(one.value)
        ceilings.append(one.ceiling)
        others.append(effect_similarity(a, rng.permutation(truth) + 0.3 * rng.normal(size=12), n_permutations=0).value)
    spread = truth.var(ddof=1)
    assert np.mean(ceilings) == pytest.approx(spread / np.sqrt((spread + 0.25) * (spread + 0.09)), abs=0.03)
    assert np.mean(twins) == pytest.approx(np.mean(ceilings), abs=0.03)
    assert np.mean(others) == pytest.approx(0.0, abs=0.06)


def test_one_perturbation_that_does_something_else_is_told_apart(rng):
    a = rng.normal(size=10)
    b = a.copy()
    b[3] -= 2.0
    found = effect_similarity(a, b, errors_a=np.full(10, 0.1), errors_b=np.full(10, 0.1))
    assert found.p < 0.05
    assert found.value < 0.85 < found.ceiling


@pytest.mark.battery
@pytest.mark.parametrize(("K", "M", "shape"), [(5, 1, "normal"), (5, 3, "skewed"), (20, 2, "normal")])
def test_false_alarms(rng, K, M, shape):
    draw = rng.normal if shape == "normal" else rng.exponential
    n = 300
    found = sum(
        effect_similarity(draw(size=(K, M)), draw(size=(K, M)), n_permutations=99, rng=rng).p <= 0.05 for _ in range(n)
    )
    low, high = stats.binom.ppf([0.001, 0.999], n, 0.05)
    assert low <= found <= high


@pytest.mark.unchecked
def test_refusals():
    a = np.arange(4.0)
    for call, text in (
        (lambda: effect_similarity(a, a[:3]), r"of equal shape; got \(4,\) and \(3,\)"),
        (lambda: effect_similarity(a[:2], a[:2]), "must have at least 3 perturbations .* got 2 of 2"),
        (lambda: effect_similarity(a[None, None], a), r"`effects_a` must be a non-empty \(K,\) or \(K, M\) array"),
        (lambda: effect_similarity(a / 0 + np.inf, a), "`effects_a` must be finite"),
        (lambda: effect_similarity(a, a, errors_a=a), "`errors_b` must be given too"),
        (lambda: effect_similarity(a, a, errors_a=a, errors_b=a[:2]), r"`errors_b` must have one .* got shape \(2,\)"),
        (lambda: effect_similarity(a, a, errors_a=-a, errors_b=a), "`errors_a` must be >= 0; got -3"),
        (lambda: effect_similarity(a, a, errors_a=a * np.nan, errors_b=a), "`errors_a` must be finite"),
    ):
        with np.errstate(all="ignore"), pytest.raises(ValueError, match=text):
            call()
