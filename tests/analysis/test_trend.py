import itertools
import re

import numpy as np
import pytest
from scipy import integrate, special, stats

from eicon.analysis.behaviour import trend


def ranks(values):
    """Mean places of all values, by counting pairs."""
    return np.array([np.sum(values < v) + (np.sum(values == v) + 1) / 2 for v in values])


def tail(rho, n):
    """P(|t| >= that of rho) from the density of Student's t."""
    freedom, t = n - 2, abs(rho) * np.sqrt((n - 2) / (1 - rho**2))
    scale = special.gamma((freedom + 1) / 2) / (np.sqrt(freedom * np.pi) * special.gamma(freedom / 2))
    return 2 * integrate.quad(lambda u: scale * (1 + u * u / freedom) ** (-(freedom + 1) / 2), t, np.inf)[0]


def test_numbers_are_those_of_ranks_and_students_density():
    rng = np.random.default_rng(0)
    for n in (5, 12, 40):
        x, y = rng.integers(0, 6, n).astype(float), rng.normal(size=n)
        result = trend(x, y)
        rho = np.corrcoef(ranks(x), ranks(y))[0, 1]
        assert result.rho == pytest.approx(rho)
        assert result.p_value == pytest.approx(tail(rho, n), rel=1e-6)
        assert result.n == n


def test_p_values_are_nearly_those_of_all_orders():
    x, y = np.arange(7.0), np.array([0.3, 0.1, 0.9, 0.4, 1.5, 0.8, 1.1])
    orders = np.array([np.corrcoef(x, ranks(np.array(one)))[0, 1] for one in itertools.permutations(y)])
    for alternative, extreme in (
        ("two-sided", np.abs(orders) >= abs(orders[0]) - 1e-9),
        ("less", orders <= orders[0] + 1e-9),
        ("greater", orders >= orders[0] - 1e-9),
    ):
        assert trend(x, y, alternative=alternative).p_value == pytest.approx(extreme.mean(), abs=0.03)


def test_p_values_are_uniform_without_a_trend():
    rng = np.random.default_rng(1)
    p = [trend(*rng.normal(size=(2, 30))).p_value for _ in range(200)]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_a_trend_rises_or_falls():
    x = np.arange(20.0)
    assert trend(x, x**3).rises(0.01)
    assert not trend(x, x**3).falls()
    assert trend(x, -(x**3)).falls(0.01)
    weak = trend(x, x + 40 * np.sin(7 * x))
    assert weak.p_value > 0.001
    assert weak.rises(1.0) != weak.falls(1.0)
    assert not weak.rises(0.001)
    assert not weak.falls(0.001)


def test_nothing_is_said_of_what_does_not_vary():
    x = np.arange(20.0)
    for result in (trend(x, np.zeros(20)), trend(np.zeros(20), x), trend(x, np.where(x == 3, np.nan, 1.0))):
        assert np.isnan([result.rho, result.p_value]).all()
        assert not result.rises(1.0)
        assert not result.falls(1.0)
    assert trend([1.0, 2.0], [1.0, 2.0]) == pytest.approx((np.nan, np.nan, 2, 0), nan_ok=True)


def test_pairs_that_are_not_finite_are_left_out():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 12))
    with_gaps = trend([*x, np.nan, 1.0, np.inf], [*y, 0.0, np.nan, 9.0])
    assert with_gaps == trend(x, y)._replace(n_left_out=3)


def test_lengths_that_differ_are_refused():
    with pytest.raises(ValueError, match=re.escape("must be vectors (B,) of one length; got shapes (3,) and (2,)")):
        trend([1.0, 2.0, 3.0], [1.0, 2.0])
