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
    assert result.output_nrmse.value == result.rate_nrmse.value == 0.0
    np.testing.assert_allclose([result.cka.value, result.rsa.value, result.cca.value], 1.0)
    assert result.procrustes.value == pytest.approx(0.0, abs=1e-12)
    near = [*result.angles.value, *result.unit_angles.value, *(one.value for one in result.aligned_nrmse)]
    np.testing.assert_allclose(near, 0.0, atol=1e-6)
    assert result.cka.p == result.output_nrmse.p == result.rate_nrmse.p == 0.005
    assert result.output_nrmse.chance > 0.5
    assert result.spectrum_distance == pytest.approx(0.0, abs=1e-10)
    for pair in (result.participation_ratio, result.n_components, result.spectral_radius, result.spectral_abscissa):
        np.testing.assert_allclose(pair[0], pair[1])


def same(found, expected):
    for one, other in zip(found, expected, strict=True):
        if isinstance(one, str):
            assert one == other
        else:
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_rates_alone_are_enough(network):
    rates, _, _ = network
    result = compare(rates, rates[:, :, ::-1], n_permutations=9)
    assert result.cka.value == pytest.approx(1.0)
    for none in (result.output_nrmse, result.rate_nrmse):
        assert np.isnan([none.value, none.chance, none.p, none.ceiling]).all()
    assert result.unit_angles is None
    assert np.isnan([*result.spectral_radius, *result.spectral_abscissa, result.spectrum_distance]).all()


def test_data_and_a_network_are_compared_by_their_conditions():
    """Other trials, in another order, with noise, read by names: an animal's and a network's."""
    xarray = pytest.importorskip("xarray")
    rng = np.random.default_rng(0)
    means = rng.normal(size=(10, 8, 6))
    labels = rng.permutation(np.repeat(np.arange(8), 6))
    animal = rng.poisson(3.0 * np.exp(0.4 * means[:, labels])).astype(float)
    recorded = xarray.DataArray(animal.transpose(1, 2, 0), dims=("trial", "unit", "time"))
    network = means[:, np.repeat(np.arange(8), 2)] + 0.1 * rng.normal(size=(10, 16, 6))
    result = compare(recorded, network, conditions=(labels, np.repeat(np.arange(8), 2)), n_permutations=39)
    assert result.cka.n == 8
    for one in (result.cka, result.rsa, result.cca):
        assert one.chance < one.null_95 < one.value < one.ceiling + 0.1
        assert one.p == pytest.approx(1 / 40)
    assert result.procrustes.value < result.procrustes.null_95


def test_every_number_is_that_of_its_own_function(network):
    rates, outputs, weights = network
    rng = np.random.default_rng(3)
    other, other_outputs = np.tanh(rates[:, :, :4] / 3), outputs + rng.normal(size=outputs.shape)
    small = weights[:4, :4]
    mask, scored = rng.random((15, 8)) < 0.8, rng.random((15, 8)) < 0.5
    units = np.arange(4)
    options = {"mask": mask, "n_permutations": 19, "permute": "time"}
    result = compare(rates, other, outputs, other_outputs, weights, small, output_mask=scored, units=units, **options)
    assert result.output_nrmse.value == analysis.similarity.nrmse(outputs, other_outputs, mask=scored)
    assert result.rate_nrmse.value == analysis.similarity.nrmse(rates[:, :, :4], other, mask=mask)
    for name, own in (("cka", "linear_cka"), ("procrustes", "procrustes_distance"), ("rsa", "rsa")):
        same(getattr(result, name), getattr(analysis.similarity, own)(rates, other, **options))
    first, second = (analysis.pca(x, mask=mask) for x in (rates, other))
    k = min(first.n_for(0.95), second.n_for(0.95))
    assert result.n_angles == k == len(result.angles.value) == len(result.unit_angles.value)
    same(result.cca, analysis.similarity.cca(rates, other, k, **options))
    same(result.angles, analysis.similarity.subspace_angles(rates, other, k, **options))
    same(result.unit_angles, analysis.similarity.subspace_angles(rates, other, k, units=units, **options))
    same(result.aligned_nrmse[0], analysis.similarity.aligned_nrmse(rates, other, k, **options))
    turned = analysis.similarity.aligned_nrmse(other, rates, k, **options)  # which permutes the other network
    assert result.aligned_nrmse[1].value == pytest.approx(turned.value)
    assert result.n_components.tolist() == [[x.n_for(f) for f in (0.9, 0.95, 0.99)] for x in (first, second)]
    np.testing.assert_allclose(result.participation_ratio, [first.participation_ratio, second.participation_ratio])
    assert result.spectral_radius[1] == pytest.approx(np.abs(np.linalg.eigvals(small)).max())
    assert result.spectral_abscissa[0] == pytest.approx(np.linalg.eigvals(weights).real.max())


def test_outputs_take_the_mask_of_the_rates_and_no_units_give_no_unit_numbers(network):
    rates, outputs, weights = network
    mask = np.random.default_rng(0).random((15, 8)) < 0.5
    noisy = outputs + np.arange(8.0)[:, None]
    result = compare(rates, rates, outputs, noisy, weights, weights, mask=mask, n_components=2)
    assert result.output_nrmse.value == analysis.similarity.nrmse(outputs, noisy, mask=mask)
    assert np.isnan(result.rate_nrmse.value)
    assert result.unit_angles is None
    assert result.n_angles == result.angles.value.size == 2


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
    with pytest.raises(ValueError, match="`reference` and `other` must have the same number of units; got 2 and 1"):
        compare(rates, rates, outputs, outputs[:, :, :1], weights, weights)
    with pytest.raises(ValueError, match="`matrix` must be square"):
        compare(rates, rates, outputs, outputs, weights, weights[:3])
    with pytest.raises(ValueError, match=r"must be in 1..6, the rank of the activity of `a`; got 7"):
        compare(rates, rates, outputs, outputs, weights, weights, n_components=7)
    with pytest.raises(ValueError, match="`b` must vary.*silent"):
        compare(rates, np.zeros_like(rates), outputs, outputs, weights, weights)
