"""Paired differences: the test against all changes of signs, the interval against the test, both over many draws."""

import itertools

import numpy as np
import pytest

from eicon.analysis.behaviour import paired_difference

RNG = np.random.default_rng(3)


def p_by_hand(differences):
    """All 2 ** n changes of signs, one by one."""
    observed = abs(differences.sum())
    signs = itertools.product([1, -1], repeat=len(differences))
    extreme = [abs(np.dot(sign, differences)) >= observed * (1 - 1e-9) for sign in signs]
    return np.mean(extreme)


@pytest.mark.parametrize("n", [2, 3, 5, 6, 9])
def test_p_is_that_of_all_changes_of_signs(n):
    first, second = RNG.normal(0.4, 1, n), RNG.normal(0, 1, n)
    found = paired_difference(first, second)
    assert found.p == pytest.approx(p_by_hand(first - second))
    assert found.difference == pytest.approx((first - second).mean())
    swapped = paired_difference(second, first)
    assert swapped.p == pytest.approx(found.p)
    np.testing.assert_allclose(swapped.ci, -found.ci[::-1])


@pytest.mark.parametrize("n", [6, 8, 11])
def test_the_interval_holds_what_the_test_does_not_reject(n):
    first = RNG.normal(0.5, 1, n)
    found = paired_difference(first, np.zeros(n))
    for end, inwards in zip(found.ci, (1, -1), strict=True):
        assert paired_difference(first, np.full(n, end + 1e-6 * inwards)).p > 1 - found.level - 1e-9
        assert paired_difference(first, np.full(n, end - 1e-6 * inwards)).p <= 1 - found.level + 1e-9


def test_few_pairs_say_which_level_they_reach():
    levels = {n: paired_difference(RNG.normal(size=n), np.zeros(n)).level for n in (2, 3, 4, 5, 6, 7)}
    assert levels == {2: 0.5, 3: 0.75, 4: 0.875, 5: 0.9375, 6: 1 - 2 / 64, 7: 1 - 6 / 128}
    values = np.array([0.1, -0.2, 0.5])
    found = paired_difference(values, np.zeros(3))
    np.testing.assert_array_equal(found.ci, [-0.2, 0.5])
    one = paired_difference([0.3], [0.1])
    assert (one.n, one.p) == (1, 1.0)
    assert np.isnan([*one.ci, one.level]).all()


def test_many_pairs_are_drawn_and_agree_with_the_normal_theory():
    values = RNG.normal(0.2, 1, 60)
    found = paired_difference(values, np.zeros(60), rng=1)
    error = values.std(ddof=1) / np.sqrt(60)
    np.testing.assert_allclose(found.ci, values.mean() + np.array([-2, 2]) * error, atol=0.2 * error)
    assert found.level == 0.95
    assert str(found) == str(paired_difference(values, np.zeros(60), rng=1))


def test_missing_runs_leave_pairs_out():
    found = paired_difference([1.0, np.nan, 3.0, 2.0], [0.0, 1.0, np.nan, 1.0])
    assert (found.n, found.n_left_out) == (2, 2)
    np.testing.assert_array_equal(found.differences, [1.0, 1.0])


@pytest.mark.parametrize(("n", "simulations"), [(6, 1000), (12, 600), (25, 200)])
def test_intervals_cover_and_false_alarms_are_as_stated(n, simulations):
    """With a difference of 0.3 and noise of heavy tails; limits are three standard errors of the simulation."""
    rng = np.random.default_rng(n)
    covered, alarms = 0, 0
    for i in range(simulations):
        noise = rng.laplace(size=n)
        covered += bool(np.prod(np.sign(paired_difference(noise + 0.3, np.zeros(n), rng=i).ci - 0.3)) < 0)
        alarms += paired_difference(noise, np.zeros(n), rng=i).p <= 0.05
    level = paired_difference(np.arange(n), np.zeros(n)).level
    spread = 3 * np.sqrt(level * (1 - level) / simulations)
    assert abs(covered / simulations - level) < spread
    assert alarms / simulations < 0.05 + 3 * np.sqrt(0.05 * 0.95 / simulations)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([1.0, 2.0], [1.0], "`first` and `second` must have one value per pair; got 2 and 1 values"),
        ([np.nan], [1.0], "no pair has two finite values"),
        ([[1.0]], [[1.0]], "`first` must be"),
    ],
)
def test_what_is_no_pair_is_refused(first, second, message):
    with pytest.raises(ValueError, match=message):
        paired_difference(first, second)
