"""Milestones of loss curves, against a loop."""

import numpy as np
import pytest

from eicon.analysis.behaviour import milestones


def by_hand(curve):
    """The definitions, one number after the other."""
    known = [(i + 1, value) for i, value in enumerate(curve) if np.isfinite(value)]
    if not known:
        return np.nan, np.nan, np.nan
    low = min(value for _, value in known)
    low_epoch = next(epoch for epoch, value in known if value == low)
    first = known[0][1]
    fall = next(epoch for epoch, value in known if value <= first - 0.99 * (first - low))
    return low, low_epoch, fall


def test_against_a_loop():
    rng = np.random.default_rng(0)
    curves = np.cumsum(rng.normal(-0.1, 1.0, (40, 30)), axis=1)
    curves[rng.random(curves.shape) < 0.2] = np.nan
    curves[:3] = np.nan
    curves[3, 10:] = np.nan
    curves[4, 5:] = np.inf
    found = milestones(curves.reshape(8, 5, 30))
    assert found.min_loss.shape == (8, 5)
    np.testing.assert_array_equal(np.stack([np.ravel(part) for part in found], axis=1), [by_hand(c) for c in curves])


@pytest.mark.parametrize(
    ("curve", "wanted"),
    [
        ([1.0, 0.5, 0.0, 0.0], (0.0, 3, 3)),
        ([1.0, 0.01, 0.0], (0.0, 3, 2)),
        ([0.2, 0.3, 0.4], (0.2, 1, 1)),
        ([0.5], (0.5, 1, 1)),
        ([0.5, 0.5], (0.5, 1, 1)),
        ([np.nan, 2.0, 1.0], (1.0, 3, 3)),
        ([np.nan, np.nan], (np.nan, np.nan, np.nan)),
        ([3, 2, 1], (1.0, 3, 3)),
    ],
)
def test_cases(curve, wanted):
    np.testing.assert_array_equal(milestones(curve), wanted)


def test_no_epochs():
    with pytest.raises(ValueError, match=r"`loss` must contain at least one epoch; got shape \(3, 0\)"):
        milestones(np.zeros((3, 0)))
    with pytest.raises(ValueError, match=r"`loss` must contain at least one epoch; got shape \(\)"):
        milestones(1.0)
