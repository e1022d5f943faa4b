import numpy as np
import pytest

from eicon import analysis
from eicon.analysis import compare


@pytest.fixture
def network():
    """Rates, outputs and weights of six units."""
    rng = np.random.default_rng(1)
    rates = np.cumsum(rng.normal(size=(15, 8, 6)), axis=0)
    return rates, rates @ rng.normal(size=(6, 2)), rng.normal(size=(6, 6))


def test_a_network_and_its_shuffled_copy_are_the_same(network):
    rates, outputs, weights = network
    order = np.random.default_rng(2).permutation(6)
    shuffled = weights[np.ix_(order, order)]
    result = compare(rates, rates[:, :, order], outputs, outputs, weights, shuffled, units=order)
    assert result.output_nrmse == result.rate_nrmse == 0.0
    assert result.cka == pytest.approx(1.0)
    assert result.procrustes == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose([*result.angles, *result.unit_angles, *result.aligned_nrmse], 0.0, atol=1e-6)
    assert result.spectrum_distance == pytest.approx(0.0, abs=1e-10)
    for pair in (result.participation_ratio, result.n_components, result.spectral_radius, result.spectral_abscissa):
        np.testing.assert_allclose(pair[0], pair[1])


def test_every_number_is_that_of_its_own_function(network):
    rates, outputs, weights = network
    rng = np.random.default_rng(3)
    other, other_outputs = np.tanh(rates[:, :, :4] / 3), outputs + rng.normal(size=outputs.shape)
    small = weights[:4, :4]
    mask, scored = rng.random((15, 8)) < 0.8, rng.random((15, 8)) < 0.5
    units = np.arange(4)
    result = compare(rates, other, outputs, other_outputs, weights, small, mask=mask, output_mask=scored, units=units)
    assert result.output_nrmse == analysis.similarity.nrmse(outputs, other_outputs, mask=scored)
    assert result.cka == analysis.similarity.linear_cka(rates, other, mask=mask)
    assert result.procrustes == analysis.similarity.procrustes_distance(rates, other, mask=mask)
    assert result.rate_nrmse == analysis.similarity.nrmse(rates[:, :, :4], other, mask=mask)
    first, second = (analysis.pca(x, mask=mask) for x in (rates, other))
    k = min(first.n_for(0.95), second.n_for(0.95))
    assert result.n_angles == k == len(result.angles) == len(result.unit_angles)
    np.testing.assert_array_equal(result.angles, analysis.similarity.subspace_angles(rates, other, k, mask=mask))
    assert result.aligned_nrmse[0] == analysis.similarity.aligned_nrmse(rates, other, k, mask=mask)
    assert result.aligned_nrmse[1] == analysis.similarity.aligned_nrmse(other, rates, k, mask=mask)
    assert result.n_components.tolist() == [[x.n_for(f) for f in (0.9, 0.95, 0.99)] for x in (first, second)]
    assert result.participation_ratio.tolist() == [first.participation_ratio, second.participation_ratio]
    assert result.spectral_radius[1] == pytest.approx(np.abs(np.linalg.eigvals(small)).max())
    assert result.spectral_abscissa[0] == pytest.approx(np.linalg.eigvals(weights).real.max())


def test_outputs_take_the_mask_of_the_rates_and_no_units_give_no_unit_numbers(network):
    rates, outputs, weights = network
    mask = np.random.default_rng(0).random((15, 8)) < 0.5
    noisy = outputs + np.arange(8.0)[:, None]
    result = compare(rates, rates, outputs, noisy, weights, weights, mask=mask, n_components=2)
    assert result.output_nrmse == analysis.similarity.nrmse(outputs, noisy, mask=mask)
    assert np.isnan(result.rate_nrmse)
    assert result.unit_angles.size == 0
    assert result.n_angles == result.angles.size == 2


@pytest.mark.parametrize("shift", [0.5, -2.0])
def test_spectrum_distance_of_a_shift_and_of_another_size(network, shift):
    rates, outputs, weights = network
    twice = np.kron(np.eye(2), weights)  # every eigenvalue twice
    shifted = twice + shift * np.eye(12)
    both = np.concatenate([rates, rates], axis=2)
    assert compare(rates, both, outputs, outputs, weights, twice).spectrum_distance == pytest.approx(0.0, abs=1e-9)
    moved = compare(rates, both, outputs, outputs, weights, shifted)
    assert moved.spectrum_distance == pytest.approx(2 * abs(shift) / np.pi, rel=1e-3)


def test_errors_come_from_the_measures(network):
    rates, outputs, weights = network
    with pytest.raises(ValueError, match="`reference` and `other` must have as many units; got 2 and 1"):
        compare(rates, rates, outputs, outputs[:, :, :1], weights, weights)
    with pytest.raises(ValueError, match="`matrix` must be square"):
        compare(rates, rates, outputs, outputs, weights, weights[:3])
    with pytest.raises(ValueError, match=r"must be in 1..6, the rank of the activity of `a`; got 7"):
        compare(rates, rates, outputs, outputs, weights, weights, n_components=7)
    with pytest.raises(ValueError, match="`b` must vary.*silent"):
        compare(rates, np.zeros_like(rates), outputs, outputs, weights, weights)
