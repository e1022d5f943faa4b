import numpy as np
import pytest

from eicon.analysis.behaviour import threshold_crossing


def by_hand(outputs, threshold, start, dt, inside):
    """Trial after trial, step after step."""
    n_steps, n_trials, n = outputs.shape
    result = []
    for b in range(n_trials):
        found = (-1, np.nan, -1)
        for t in range(start[b], n_steps):
            over = [k for k in range(n) if inside[t, b] and outputs[t, b, k] >= threshold]
            if over:
                found = (over[0], (t - start[b] + 1) * dt, t) if len(over) == 1 else found
                break
        result.append(found)
    return [np.array(column) for column in zip(*result, strict=True)]


@pytest.mark.parametrize("n", [1, 2, 4])
def test_random_walks_give_what_a_loop_finds(n):
    rng = np.random.default_rng(n)
    outputs = np.cumsum(rng.normal(0.02, 0.15, (40, 300, n)), axis=0)
    start, inside = rng.integers(0, 15, 300), np.arange(40)[:, None] < rng.integers(16, 41, 300)
    outputs[~inside] = np.nan
    choice, time, step = by_hand(outputs, 0.6, start, 5.0, inside)
    result = threshold_crossing(outputs, 0.6, start, 5.0, inside=inside)
    np.testing.assert_array_equal(result.choice, choice)
    np.testing.assert_array_equal(result.time, time)
    np.testing.assert_array_equal(result.step, step)
    assert 0 < (choice >= 0).sum() < 300
    assert result.tied.any() == (n > 1)
    assert not result.tied[choice >= 0].any()


def test_crossings_before_the_start_do_not_count():
    outputs = np.zeros((6, 1, 2))
    outputs[1, 0, 0] = outputs[4, 0, 1] = 2.0
    assert threshold_crossing(outputs, 1.0, 0, 10.0).choice.tolist() == [0]
    late = threshold_crossing(outputs, 1.0, [2], 10.0)
    assert (late.choice.tolist(), late.time.tolist(), late.step.tolist()) == ([1], [30.0], [4])


def test_an_output_that_equals_the_threshold_has_reached_it():
    assert threshold_crossing(np.ones((1, 1, 1)), 1.0, 0, 1.0).choice.tolist() == [0]


def test_interpolation_finds_the_time_at_which_a_line_crosses():
    slopes = np.array([0.013, 0.02, 0.0331])
    outputs = np.zeros((30, 3, 2))
    outputs[:, :, 1] = slopes * (np.arange(30)[:, None] + 1) * 4.0  # the output of step t is that of (t + 1) dt
    result = threshold_crossing(outputs, 1.0, 0, 4.0, interpolate=True)
    np.testing.assert_allclose(result.time, 1.0 / slopes)
    coarse = threshold_crossing(outputs, 1.0, 0, 4.0).time
    assert (coarse >= result.time - 1e-9).all()
    assert (coarse - result.time < 4.0).all()


def test_interpolation_at_the_start():
    """An output that was there before takes no time; in the first step of all, nothing is known about before."""
    outputs = np.full((4, 2, 1), 1.5)
    assert threshold_crossing(outputs, 1.0, [0, 2], 10.0, interpolate=True).time.tolist() == [10.0, 0.0]
    assert threshold_crossing(outputs, 1.0, [0, 2], 10.0).time.tolist() == [10.0, 10.0]


def test_padding_before_the_first_step_is_not_interpolated_from():
    outputs = np.full((3, 1, 1), 2.0)
    outputs[0] = np.nan
    inside = np.array([[False], [True], [True]])
    result = threshold_crossing(outputs, 1.0, 0, 10.0, inside=inside, interpolate=True)
    assert result.time.tolist() == [20.0]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((np.zeros((3, 2)), 1.0, 0, 5.0), r"`outputs` must be a non-empty \(T, B, n\) array; got shape \(3, 2\)"),
        ((np.zeros((3, 2, 1)), 1.0, 3, 5.0), r"`start` must be within the trial, 0 <= start < T = 3; got 3 to 3"),
        ((np.zeros((3, 2, 1)), 1.0, -1, 5.0), r"`start` must be within the trial.*got -1 to -1"),
        ((np.zeros((3, 2, 1)), 1.0, 20.0, 5.0), r"`start` must be within the trial.*got 20 to 20. It counts steps"),
        ((np.zeros((3, 2, 1)), 1.0, 0.5, 5.0), r"`start` must be an integer.*got float64.*Divide times in ms by dt"),
        ((np.zeros((3, 2, 1)), 1.0, [0, 1, 2], 5.0), r"`start` must be.*\(B,\) = \(2,\).*shape \(3,\)"),
        ((np.zeros((3, 2, 1)), np.nan, 0, 5.0), r"`threshold` must be finite; got nan"),
        ((np.zeros((3, 2, 1)), 1.0, 0, 0.0), r"`dt` must be positive and finite \(ms\); got 0"),
        ((np.full((3, 2, 1), np.inf), 1.0, 0, 5.0), r"`outputs` must be finite; got 6 NaN or infinite"),
    ],
)
def test_errors(arguments, text):
    with pytest.raises(ValueError, match=text):
        threshold_crossing(*arguments)
