import itertools

import numpy as np
import pytest
from scipy import stats

from eicon.analysis.behaviour import accuracy_by_duration


def simulated(n=4000, seed=0, rise=0.1):
    """Accuracy that grows by `rise` with each doubling of the duration from 100 ms, for the stronger level twice so."""
    rng = np.random.default_rng(seed)
    duration = 100.0 * 2.0 ** rng.uniform(0.0, 3.0, n)
    strength = rng.choice([3.2, 12.8], n)
    p = 0.5 + rise * np.log2(duration / 100.0) * np.where(strength > 10, 1.0, 0.5)
    return duration, strength, rng.random(n) < p


def test_fractions_are_those_counted_one_by_one():
    duration, strength, correct = simulated(n=300)
    edges = [120.0, 200.0, 350.0, 600.0]
    result = accuracy_by_duration(duration, strength, correct, edges)
    for row, level in enumerate((3.2, 12.8)):
        for d, (low, high) in enumerate(itertools.pairwise(edges)):
            group = correct[(strength == level) & (duration >= low) & (duration < high)]
            assert result.n[row, d] == group.size
            assert result.p[row, d] == pytest.approx(group.mean())
            interval = stats.binomtest(int(group.sum()), group.size).proportion_ci(0.95, method="wilson")
            np.testing.assert_allclose(result.ci[row, d], interval, atol=1e-9)
    assert result.n_outside == np.count_nonzero((duration < 120) | (duration > 600))
    for d, (low, high) in enumerate(itertools.pairwise(edges)):
        assert result.duration[d] == pytest.approx(duration[(duration >= low) & (duration < high)].mean())


def test_gain_is_the_planted_one_and_grows_with_strength():
    result = accuracy_by_duration(*simulated(n=20000), [100.0, 200.0, 400.0, 800.0])
    np.testing.assert_allclose(result.gain, [0.05, 0.1], atol=0.012)
    assert (result.p_value < 1e-6).all()
    assert (np.diff(result.p, axis=1) > 0).all()


def test_gain_is_the_slope_of_a_regression_and_the_p_value_that_of_a_permutation_test():
    duration, strength, correct = simulated(n=120, rise=0.03)
    result = accuracy_by_duration(duration, strength, correct, [50.0, 1000.0])
    rng = np.random.default_rng(1)
    for row, level in enumerate((3.2, 12.8)):
        x, y = np.log2(duration[strength == level]), correct[strength == level].astype(float)
        line = stats.linregress(x, y)
        assert result.gain[row] == pytest.approx(line.slope)
        shuffled = np.array([rng.permutation(y) @ (x - x.mean()) for _ in range(4000)])
        assert result.p_value[row] == pytest.approx(np.mean(shuffled >= y @ (x - x.mean())), abs=0.03)


def test_p_values_are_uniform_without_a_trend():
    p = [accuracy_by_duration(*simulated(n=200, seed=s, rise=0.0), [50.0, 900.0]).p_value for s in range(100)]
    assert stats.kstest(np.concatenate(p), "uniform").pvalue > 0.01


def test_edges_the_last_of_which_is_included_and_empty_bins():
    result = accuracy_by_duration([100.0, 200.0, 300.0], [1.0] * 3, [1, 0, 1], [100.0, 200.0, 250.0, 300.0])
    assert result.n.tolist() == [[1, 1, 1]]
    empty = accuracy_by_duration([100.0, 300.0], [1.0] * 2, [1, 0], [100.0, 200.0, 250.0, 300.0])
    assert empty.n.tolist() == [[1, 0, 1]]
    assert np.isnan(empty.p[0, 1])
    assert np.isnan(empty.ci[0, 1]).all()
    assert np.isnan(empty.duration[1])


def test_left_out_trials_and_levels_without_a_trend():
    duration, correct = [100.0, 200.0, 100.0, 200.0, 400.0], [1, 1, 0, 1, np.nan]
    result = accuracy_by_duration(duration, [1.0, 1.0, 2.0, 2.0, 1.0], correct, [50.0, 300.0])
    assert result.n.tolist() == [[2], [2]]
    assert result.n_outside == 0
    assert result.gain.tolist() == [0.0, 1.0]
    assert np.isnan(result.z[0])
    same = accuracy_by_duration([100.0, 100.0], [1.0, 1.0], [0, 1], [50.0, 300.0])
    assert np.isnan(same.gain[0])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (([0.0, 5.0], [1.0, 1.0], [1, 0], [0.0, 10.0]), r"`duration` must be > 0 ms; got 0 in some trials"),
        (([1.0, 5.0], [1.0], [1, 0], [0.0, 10.0]), r"`strength` must have shape \(B,\) = \(2,\)"),
        (([1.0, 5.0], [-1.0, 1.0], [1, 0], [0.0, 10.0]), r"`strength` must be >= 0"),
        (
            ([1.0, 5.0], [1.0, 1.0], [1, 0], [10.0, 0.0]),
            r"`edges` must be at least two ascending.*got \[10",
        ),
        (([1.0, 5.0], [1.0, 1.0], [1, 0], [10.0]), r"`edges` must be at least two ascending"),
        (
            ([0.1, 0.5], [1.0, 1.0], [1, 0], [10.0, 20.0]),
            r"`edges` must contain some trials; got 10 to 20 ms, and durations from 0.1 to 0.5 ms",
        ),
    ],
)
def test_errors(arguments, text):
    with pytest.raises(ValueError, match=text):
        accuracy_by_duration(*arguments)


def test_left_out_trials_are_counted_and_nearly_equal_strengths_are_one_level():
    result = accuracy_by_duration(
        [100, 110, 400, 900, 120], [0.3, 0.1 + 0.2, 0.3, 0.3, 0.3], [0, 1, 1, 1, np.nan], [50, 200, 800]
    )
    assert (result.n_outside, result.n_left_out) == (1, 1)
    assert result.levels.tolist() == [0.3]
    assert result.n.tolist() == [[2, 1]]
