import numpy as np
import pytest

from eicon.analysis.behaviour import threshold_crossing
from eicon.analysis.coding import align, psth, sort_by_peak

RNG = np.random.default_rng(0)
T, B, N = 20, 30, 4
RATES = RNG.random((T, B, N))
EVENT = RNG.integers(-1, T, B)
LENGTH = RNG.integers(10, T + 1, B)
INSIDE = np.arange(T)[:, None] < LENGTH
CONDITION = RNG.choice([-5.0, 5.0, 15.0], B)


def test_alignment_is_a_shift_of_every_trial():
    result = align(RATES, EVENT, 10.0, window=(-40.0, 60.0), inside=INSIDE)
    assert result.time.tolist() == [10.0 * k for k in range(-4, 7)]
    assert result.trials.tolist() == [b for b in range(B) if EVENT[b] >= 0]
    for j, b in enumerate(result.trials):
        for w, k in enumerate(range(-4, 7)):
            t = EVENT[b] + k
            there = 0 <= t < LENGTH[b]
            assert result.inside[w, j] == there
            if there:
                np.testing.assert_array_equal(result.values[w, j], RATES[t, b])
            else:
                assert np.isnan(result.values[w, j]).all()


def test_averages_are_those_of_the_aligned_trials():
    aligned = align(RATES, EVENT, 10.0, window=(-50.0, 50.0), inside=INSIDE)
    result = psth(RATES, CONDITION, EVENT, 10.0, window=(-50.0, 50.0), inside=INSIDE)
    assert result.levels.tolist() == [-5.0, 5.0, 15.0]
    assert result.n_left_out == np.count_nonzero(EVENT < 0)
    for c, level in enumerate(result.levels):
        trials = aligned.values[:, CONDITION[aligned.trials] == level]
        for w in range(len(result.time)):
            there = trials[w][np.isfinite(trials[w][:, 0])]
            assert result.n[c, w] == len(there)
            if len(there) > 0:
                np.testing.assert_allclose(result.average[c, w], there.mean(axis=0))
            else:
                assert np.isnan(result.average[c, w]).all()
            if len(there) > 1:
                np.testing.assert_allclose(result.sem[c, w], there.std(axis=0, ddof=1) / np.sqrt(len(there)))
            else:
                assert np.isnan(result.sem[c, w]).all()


def test_activity_locked_to_the_response_is_seen_only_when_aligned_to_it():
    onset, response = np.full(200, 5), 10 + np.random.default_rng(1).integers(0, 25, 200)
    bump = np.exp(-(((np.arange(50)[:, None] - response) / 2.0) ** 2))
    outputs = np.where(np.arange(50)[:, None] >= response, 1.0, 0.0)[:, :, None]
    crossing = threshold_crossing(outputs, 1.0, onset, 20.0)
    assert crossing.step.tolist() == response.tolist()
    labels = np.zeros(200)
    to_response = psth(bump[:, :, None], labels, crossing.step, 20.0, window=(-200, 200))
    to_stimulus = psth(bump[:, :, None], labels, onset, 20.0, window=(0, 800))
    assert to_response.time[to_response.average[0, :, 0].argmax()] == 0.0
    assert to_response.average.max() == pytest.approx(1.0)
    assert to_stimulus.average.max() < 0.3


def test_values_outside_the_trial_are_never_looked_at():
    spoilt = np.where(INSIDE[..., None], RATES, np.nan)
    first = psth(RATES, CONDITION, 2, 10.0, window=(0, 500), inside=INSIDE)
    second = psth(spoilt, CONDITION, 2, 10.0, window=(0, 500), inside=INSIDE)
    np.testing.assert_array_equal(first.average, second.average)
    assert (first.n[:, -1] == 0).all()


@pytest.mark.parametrize(("window", "steps"), [((-0.3, 0.3), 7), ((0.0, 0.0), 1), ((-0.25, 0.25), 5), ((0.3, 0.7), 5)])
def test_ends_of_the_window_are_included_despite_rounding(window, steps):
    assert align(RATES, 10, 0.1, window=window).time.size == steps


def test_peaks_sort_a_sequence_that_was_shuffled():
    centres = np.random.default_rng(2).permutation(12)
    course = np.exp(-((np.arange(12)[:, None] - centres) ** 2) / 4.0)
    assert centres[sort_by_peak(course)].tolist() == list(range(12))
    types = np.arange(12) % 3 > 0
    order = sort_by_peak(np.stack([course, course]), excitatory=types)
    assert types[order].tolist() == [True] * 8 + [False] * 4
    assert (np.diff(centres[order][:8]) > 0).all()
    assert (np.diff(centres[order][8:]) > 0).all()


def test_peaks_are_those_of_the_mean_over_conditions_and_flat_units_come_last():
    average = np.zeros((2, 3, 3))
    average[0, :, 0], average[1, :, 0] = [5.0, 0.0, 0.0], [0.0, 0.0, 6.0]
    average[:, 1, 1], average[:, :, 2] = 1.0, 3.0
    average[0, 1, 0] = np.nan
    assert sort_by_peak(average).tolist() == [1, 0, 2]
    late = np.array([[np.nan, np.nan], [1.0, 3.0], [2.0, 1.0]])
    assert sort_by_peak(late).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: psth(RATES, CONDITION, T, 10.0, window=(0, 10)),
            r"`event` must be steps 0..19, or -1 \(left out\); got 20 to 20",
        ),
        (lambda: psth(RATES, CONDITION, -1, 10.0, window=(0, 10)), r"`event` must occur in some trial; got -1 in all"),
        (lambda: psth(RATES, CONDITION, 10.5, 10.0, window=(0, 10)), r"`event` must be an integer.*float64"),
        (lambda: psth(RATES, CONDITION, 3, 10.0, window=(50, 20)), r"`window` must be \(from, to\) in ms.*\(50, 20\)"),
        (lambda: psth(RATES, CONDITION, 3, 10.0, window=(1, 9)), r"`window` must be.*a step of 10 ms between them"),
        (lambda: psth(RATES, CONDITION, 3, -1.0, window=(0, 9)), r"`dt` must be positive"),
        (lambda: psth(RATES, CONDITION[:-1], 3, 10.0, window=(0, 9)), r"`conditions` must have shape \(B,\) = \(30,\)"),
        (lambda: psth(RATES, CONDITION * np.nan, 3, 10.0, window=(0, 9)), r"`conditions` must not be NaN"),
        (lambda: psth(RATES * np.inf, CONDITION, 3, 10.0, window=(0, 9)), r"`rates` must be finite"),
        (lambda: align(RATES[0], 3, 10.0, window=(0, 9)), r"`values` must be a non-empty \(T, B, n\) array"),
        (
            lambda: align(RATES, 3, 10.0, window=(0, 9), inside=INSIDE.T),
            r"`inside` must have shape \(T, B\) = \(20, 30\)",
        ),
        (lambda: sort_by_peak(np.zeros(3)), r"`average` must be non-empty \(W, N\) or \(C, W, N\); got shape \(3,\)"),
        (lambda: sort_by_peak(np.full((2, 2), np.nan)), r"`average` must contain some finite values"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
