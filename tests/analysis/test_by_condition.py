"""Mean scores by condition, against counting and against intervals of SciPy."""

import numpy as np
import pytest
from scipy import stats

from eicon.analysis.behaviour import accuracy_by_condition


def test_means_and_numbers_are_those_of_the_trials():
    rng = np.random.default_rng(0)
    score, level = rng.choice([0.0, 0.5, 1.0, np.nan], 200), rng.choice([45.0, 90.0, -30.0], 200)
    result = accuracy_by_condition(score, level)
    assert result.levels.tolist() == [-30.0, 45.0, 90.0]
    for one, n, mean in zip(result.levels, result.n, result.mean, strict=True):
        trials = [s for s, c in zip(score, level, strict=True) if c == one and not np.isnan(s)]
        assert (n, mean) == (len(trials), pytest.approx(np.mean(trials)))


def test_intervals_of_right_and_wrong_are_those_of_scipy():
    score, level = np.array([1, 1, 1, 0, 0, 1, 1, 1, 1], float), np.array([0] * 5 + [1] * 4)
    result = accuracy_by_condition(score, level)
    for (low, high), k, n in zip(result.ci, (3, 4), (5, 4), strict=True):
        wanted = stats.binomtest(k, n).proportion_ci(method="wilson")
        assert (low, high) == pytest.approx((wanted.low, wanted.high), abs=1e-9)


def test_intervals_of_scores_in_between_hold_the_mean_often_enough():
    rng = np.random.default_rng(1)
    covered = []
    for _ in range(400):
        result = accuracy_by_condition(rng.beta(2.0, 1.0, 20), np.zeros(20))
        covered.append(result.ci[0, 0] < 2 / 3 < result.ci[0, 1])
    assert np.mean(covered) > 0.95


def test_a_level_without_scores_has_no_mean():
    result = accuracy_by_condition([np.nan, 1.0], [0, 1])
    assert result.n.tolist() == [0, 1]
    assert np.isnan(result.mean[0])
    assert np.isnan(result.ci[0]).all()


def test_truth_stays_truth():
    assert accuracy_by_condition([1.0, 0.0], [True, False]).levels.dtype == bool


@pytest.mark.parametrize(
    ("score", "condition", "text"),
    [
        ([1.0, 50.0], [0, 1], r"must lie in \[0, 1\]; got 1 to 50. Are they in per cent"),
        ([[1.0]], [0], r"must be \(B,\), one score per trial; got shape \(1, 1\)"),
        ([1.0], [0, 1], r"`condition` must have shape \(B,\) = \(1,\)"),
    ],
)
def test_what_is_no_score_is_refused(score, condition, text):
    with pytest.raises(ValueError, match=text):
        accuracy_by_condition(score, condition)


def test_left_out_trials_are_counted_and_nearly_equal_levels_are_one():
    result = accuracy_by_condition([1.0, 0.0, np.nan], [0.3, 0.1 + 0.2, 0.3])
    assert result.n_left_out == 1
    assert (result.levels.tolist(), result.n.tolist()) == ([0.3], [2])
