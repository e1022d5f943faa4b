"""Mistake 31: outputs that reach the threshold in the same step are scored as choice 1."""

import numpy as np
import pytest

from eicon.analysis.behaviour import threshold_crossing

# Trial 0: output 0 first; 1: output 1 first; 2: both in one step; 3: in one step, output 1 higher; 4: neither.
OUTPUTS = np.zeros((5, 5, 2))
OUTPUTS[2:, 0, 0] = OUTPUTS[3:, 0, 1] = OUTPUTS[2:, 1, 1] = OUTPUTS[3:, 2] = OUTPUTS[3:, 3, 0] = 1.1
OUTPUTS[3:, 3, 1] = 1.4


def check(score) -> None:
    choice, time = score(OUTPUTS, 1.0, 20.0)
    assert choice.tolist() == [0, 1, -1, -1, -1]
    assert np.isnan(time).tolist() == [False, False, True, True, True]
    assert time[:2].tolist() == [60.0, 60.0]
    # It does not matter which output is called 0.
    mirrored, _ = score(OUTPUTS[:, :, ::-1], 1.0, 20.0)
    np.testing.assert_array_equal(mirrored, np.where(choice < 0, choice, 1 - choice))


def ours(outputs, threshold, dt):
    crossing = threshold_crossing(outputs, threshold, 0, dt)
    return crossing.choice, crossing.time


def test_ties_are_no_choice():
    check(ours)
    assert threshold_crossing(OUTPUTS, 1.0, 0, 20.0).tied.tolist() == [False, False, True, True, False]


def ties_are_choice_1(outputs, threshold, dt):
    when = np.where((outputs >= threshold).any(axis=0), (outputs >= threshold).argmax(axis=0), np.inf)
    choice = np.where(when[:, 0] < when[:, 1], 0, 1)
    nobody = np.isinf(when).all(axis=1)
    return np.where(nobody, -1, choice), np.where(nobody, np.nan, (when.min(axis=1) + 1) * dt)


def the_higher_output_wins(outputs, threshold, dt):
    choice, time = ties_are_choice_1(outputs, threshold, dt)
    step = (outputs >= threshold).any(axis=2).argmax(axis=0)
    return np.where(choice < 0, -1, outputs[step, np.arange(len(step))].argmax(axis=1)), time


@pytest.mark.parametrize("wrong", [ties_are_choice_1, the_higher_output_wins])
def test_the_wrong_versions_fail(wrong):
    with pytest.raises(AssertionError):
        check(wrong)
