import numpy as np
import pytest

from eicon.analysis.fits import population_currents

T, B, N = 9, 4, 7
RNG = np.random.default_rng(1)
WEIGHTS, RATES = RNG.normal(size=(N, N)), RNG.normal(size=(T, B, N))
LABELS = np.array(["b", "a", "a", "c", "b", "a", "b"])


def test_currents_are_those_of_each_population_and_sum_to_the_whole_input():
    result = population_currents(WEIGHTS, RATES, LABELS)
    assert result.names.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(result.current.sum(axis=0), RATES @ WEIGHTS, atol=1e-12)
    from_b = np.einsum("tbi,ij->tbj", RATES[..., [0, 4, 6]], WEIGHTS[[0, 4, 6]])
    np.testing.assert_allclose(result.current[1], from_b, atol=1e-12)
    np.testing.assert_allclose(result.between("b", "a"), from_b[..., [1, 2, 5]], atol=1e-12)


def test_shares_by_brute_force_within_the_mask():
    mask = np.arange(T)[:, None] < np.array([9, 5, 7, 2])
    result = population_currents(WEIGHTS, np.where(mask[:, :, None], RATES, np.nan), LABELS, mask=mask)
    assert np.isnan(result.current[:, ~mask]).all()
    wanted = np.zeros((3, 3))
    units = {name: [i for i in range(N) if LABELS[i] == name] for name in "abc"}
    for a, sources in enumerate(units.values()):
        for b, targets in enumerate(units.values()):
            for unit in targets:
                current = RATES[..., sources] @ WEIGHTS[sources, unit]
                wanted[a, b] += current[mask].var()
    np.testing.assert_allclose(result.share, wanted / wanted.sum(axis=0))
    np.testing.assert_allclose(result.share.sum(axis=0), 1.0)


def test_a_population_without_varying_input_has_no_shares():
    weights = WEIGHTS.copy()
    weights[:, LABELS == "c"] = 0.0
    share = population_currents(weights, RATES, LABELS).share
    assert np.isnan(share[:, 2]).all()
    assert np.isfinite(share[:, :2]).all()
    constant = np.full((T, B, N), 0.1) * (1 + np.arange(N))  # their variance is rounding
    assert np.isnan(population_currents(WEIGHTS, constant, LABELS).share).all()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"rates": RATES[..., :5]}, r"`rates` must have N = 7 units, as `weights`; got shape \(9, 4, 5\)"),
        ({"labels": LABELS[:4]}, r"`labels` must name the population of each unit, shape \(N,\) = \(7,\), by text"),
        ({"mask": np.zeros((T, B), bool)}, "`mask` must select at least one step"),
        ({"rates": np.where(np.arange(N) == 1, np.nan, RATES)}, "`rates` must be finite"),
    ],
)
def test_refused(change, text):
    arguments = {"weights": WEIGHTS, "rates": RATES, "labels": LABELS} | change
    with pytest.raises(ValueError, match=text):
        population_currents(**arguments)


def test_unknown_populations_are_refused():
    with pytest.raises(ValueError, match="no population 'd'; there are a, b, c"):
        population_currents(WEIGHTS, RATES, LABELS).between("d", "a")
