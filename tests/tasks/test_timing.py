"""Random durations against scipy's truncated exponential, and steps against rounding by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from eicon.tasks import TruncatedExponential
from eicon.tasks._timing import as_duration, draw_steps, longest, whole_steps


@pytest.mark.parametrize(("mean", "low", "high"), [(330.0, 80.0, 1500.0), (600.0, 0.0, 300.0), (50.0, 200.0, 3000.0)])
def test_distribution(mean, low, high):
    values = np.asarray(TruncatedExponential(mean, low, high).sample(jax.random.key(1), (20_000,)))
    wanted = stats.truncexpon(b=(high - low) / mean, loc=low, scale=mean)
    assert values.min() >= low
    assert values.max() <= high
    assert stats.kstest(values, wanted.cdf).pvalue > 1e-3
    # The same test sees a mean that is 5 % off.
    wrong = stats.truncexpon(b=(high - low) / (1.05 * mean), loc=low, scale=1.05 * mean)
    assert stats.kstest(values, wrong.cdf).pvalue < stats.kstest(values, wanted.cdf).pvalue


def test_hazard_is_flat_until_the_bound():
    """What the truncated exponential is for: having waited tells nothing about how long it still takes."""
    values = np.asarray(TruncatedExponential(100.0, 50.0, 5000.0).sample(jax.random.key(2), (50_000,)))
    left = [(values[values > t] - t).mean() for t in (50.0, 150.0, 250.0)]
    np.testing.assert_allclose(left, 100.0, rtol=0.03)


def test_steps_are_rounded_durations():
    duration, key = TruncatedExponential(330.0, 80.0, 1500.0), jax.random.key(4)
    steps = np.asarray(draw_steps(duration, 20.0, key, 500))
    milliseconds = np.asarray(duration.sample(key, (500,)))
    assert np.abs(steps * 20.0 - milliseconds).max() <= 10.0
    assert steps.min() >= 4
    assert steps.max() <= 75


def test_random_duration_takes_at_least_a_step():
    steps = draw_steps(TruncatedExponential(1.0, 0.0, 30.0), 20.0, jax.random.key(0), 200)
    assert jnp.unique(steps).tolist() == [1]


def test_fixed_duration_is_the_same_in_every_trial():
    assert draw_steps(100.0, 20.0, jax.random.key(0), 3).tolist() == [5, 5, 5]


@pytest.mark.parametrize(
    ("duration", "dt", "steps"), [(100.0, 20.0, 5), (11.0, 20.0, 1), (109.0, 20.0, 5), (0.5, 0.5, 1)]
)
def test_whole_steps(duration, dt, steps):
    assert whole_steps("epoch", duration, dt) == steps


def test_longest_and_as_duration():
    random = TruncatedExponential(330.0, 80.0, 1500.0)
    assert longest(random) == 1500.0
    assert longest(40.0) == 40.0
    assert as_duration("stimulus", {"mean": 330.0, "min": 80.0, "max": 1500.0}) == random
    assert as_duration("stimulus", random) is random
    assert as_duration("stimulus", 40) == 40.0


@pytest.mark.parametrize(
    ("mean", "low", "high"),
    [
        (0.0, 80.0, 1500.0),
        (330.0, -1.0, 1500.0),
        (330.0, 80.0, 80.0),
        (330.0, 1500.0, 80.0),
        (330.0, 80.0, float("inf")),
        (float("nan"), 80.0, 1500.0),
    ],
)
def test_impossible_distributions_are_refused(mean, low, high):
    text = r"a truncated exponential needs finite mean > 0 and 0 <= min < max \(ms\); got mean"
    with pytest.raises(ValueError, match=text):
        TruncatedExponential(mean, low, high)
