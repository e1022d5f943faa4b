import numpy as np
import pytest
from scipy import stats

from eicon.analysis import selectivity
from eicon.analysis.coding import dprime_by_epoch

RNG = np.random.default_rng(0)
CHOICE = np.arange(60) % 2
ONSET = RNG.integers(2, 6, 60)
EPOCHS = {"stimulus": np.stack([ONSET, ONSET + 5], axis=1), "decision": np.stack([ONSET + 5, ONSET + 8], axis=1)}
PREFERENCE = RNG.normal(size=(2, 10))


def rates():
    steps = np.arange(16)[:, None]
    early = (steps >= EPOCHS["stimulus"][:, 0]) & (steps < EPOCHS["stimulus"][:, 1])
    late = (steps >= EPOCHS["decision"][:, 0]) & (steps < EPOCHS["decision"][:, 1])
    sign = np.where(CHOICE == 0, 1.0, -1.0)[:, None]
    mean = early[..., None] * sign * PREFERENCE[0] + late[..., None] * sign * PREFERENCE[1]
    return mean + np.random.default_rng(1).normal(size=mean.shape)


def test_each_epoch_is_selectivity_in_its_window():
    values, types = rates(), np.arange(10) < 7
    result = dprime_by_epoch(values, CHOICE, EPOCHS, excitatory=types)
    assert result.names == ("stimulus", "decision")
    steps = np.arange(16)[:, None]
    for row, spans in enumerate(EPOCHS.values()):
        window = (steps >= spans[:, 0]) & (steps < spans[:, 1])
        alone = selectivity(values, CHOICE, window=window, excitatory=types)
        np.testing.assert_array_equal(result.d_prime[row], alone.d_prime)
        np.testing.assert_array_equal(result.auc[row], alone.auc)
        np.testing.assert_array_equal(result.order[row], alone.order)


def test_planted_preferences_of_each_epoch_are_found():
    result = dprime_by_epoch(rates(), CHOICE, EPOCHS)
    np.testing.assert_allclose(result.d_prime, 2 * PREFERENCE, atol=0.5)
    expected = np.corrcoef(PREFERENCE)[0, 1]
    np.testing.assert_allclose(result.correlation, [[1.0, expected], [expected, 1.0]], atol=0.1)


def test_one_span_serves_all_trials_and_infinite_units_do_not_enter_the_correlation():
    values = rates()
    values[:, :, 0] = np.where(CHOICE == 0, 1.0, 0.0)
    result = dprime_by_epoch(values, CHOICE, {"a": (0, 8), "b": np.tile([0, 8], (60, 1))})
    np.testing.assert_array_equal(result.d_prime[0], result.d_prime[1])
    assert np.isinf(result.d_prime[:, 0]).all()
    np.testing.assert_allclose(result.correlation, 1.0)
    same = dprime_by_epoch(np.ones((4, 60, 3)), CHOICE, {"a": (0, 2), "b": (2, 4)})
    assert np.isnan(same.correlation).all()


@pytest.mark.parametrize(
    ("epochs", "text"),
    [
        ({}, r"`epochs` must be a mapping of names to steps, with at least one epoch; got {}"),
        ({"a": (3, 3)}, r"`epochs\['a'\]` must be 0 <= start < stop <= T = 16.*start from 3, stop to 3, shortest 0"),
        ({"a": (0, 17)}, r"`epochs\['a'\]` must be 0 <= start < stop <= T = 16"),
        ({"a": (-1, 4)}, r"`epochs\['a'\]` must be 0 <= start.*got start from -1"),
        ({"a": [0.5, 4.0]}, r"`epochs\['a'\]` must be integers .*got float64.*Divide times in ms by dt"),
        ({"a": [0.0, 100.0]}, r"`epochs\['a'\]` must be 0 <= start < stop <= T = 16.*Divide times in ms by dt"),
        ({"a": np.zeros((3, 2), int)}, r"`epochs\['a'\]` must be integers.*\(60, 2\); got int64, shape \(3, 2\)"),
    ],
)
def test_errors(epochs, text):
    with pytest.raises(ValueError, match=text):
        dprime_by_epoch(rates(), CHOICE, epochs)


def test_probabilities_are_those_of_each_epoch_and_corrected_over_all():
    rng = np.random.default_rng(0)
    choice = np.tile([0, 1], 15)
    rates = rng.normal(size=(6, 30, 8))
    rates[3:, :, 0] += 2.0 * choice
    epochs = {"early": (0, 3), "late": (3, 6)}
    result = dprime_by_epoch(rates, choice, epochs, n_permutations=199, rng=0)
    generator = np.random.default_rng(0)
    for row, span in zip(result.p_value, epochs.values(), strict=True):
        np.testing.assert_array_equal(
            row, selectivity(rates, choice, window=span, n_permutations=199, rng=generator).p_value
        )
    assert result.p_value[1, 0] == 1 / 200
    fdr = dprime_by_epoch(rates, choice, epochs, n_permutations=199, rng=0, correction="fdr")
    np.testing.assert_allclose(fdr.p_value, stats.false_discovery_control(result.p_value.ravel()).reshape(2, 8))
    assert np.isnan(dprime_by_epoch(rates, choice, epochs).p_value).all()
    without = dprime_by_epoch(rates, np.where(np.arange(30) < 4, -1, choice), epochs)
    assert without.n_left_out == 4
