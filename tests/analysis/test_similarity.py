import numpy as np
import pytest
from scipy import linalg, spatial

from eicon.analysis import pca
from eicon.analysis.similarity import aligned_nrmse, linear_cka, nrmse, procrustes_distance, subspace_angles

T, B = 12, 9
GEOMETRY = {"cka": linear_cka, "procrustes": procrustes_distance}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def rates(rng):
    return rng.normal(size=(T, B, 6)) @ (rng.normal(size=(6, 6)) * [5.0, 3.0, 2.0, 1.0, 0.5, 0.2]) + rng.normal(size=6)


def flat(x):
    x = x.reshape(-1, x.shape[-1])
    return x - x.mean(axis=0)


def rotation(rng, n):
    return np.linalg.qr(rng.normal(size=(n, n)))[0]


def hsic_cka(a, b):
    """Kernel alignment by its definition: centred Gram matrices of all pairs of samples."""
    centre = np.eye(T * B) - 1 / (T * B)
    k, m = (centre @ (x.reshape(T * B, -1) @ x.reshape(T * B, -1).T) @ centre for x in (a, b))
    return np.trace(k @ m) / np.sqrt(np.trace(k @ k) * np.trace(m @ m))


@pytest.mark.parametrize("n", [1, 4, 6, T * B + 5])
def test_cka_is_the_ratio_of_kernel_hsics(rates, rng, n):
    other = np.tanh(rates @ rng.normal(size=(6, n)) * 0.2)
    assert linear_cka(rates, other) == pytest.approx(hsic_cka(rates, other), rel=1e-10)
    assert linear_cka(other, rates) == pytest.approx(linear_cka(rates, other), rel=1e-12)


def test_cka_of_two_units_is_the_squared_correlation(rng):
    a, b = rng.normal(size=(2, T, B, 1))
    assert linear_cka(a, b) == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1] ** 2, rel=1e-10)


def test_rotation_scale_shift_and_order_of_units_change_nothing(rates, rng):
    moved = 7.0 * rates @ rotation(rng, 6) + rng.normal(size=6)
    shuffled = rates[:, :, rng.permutation(6)]
    embedded = np.concatenate([rates, np.zeros((T, B, 3))], axis=2) @ rotation(rng, 9)
    for other in (rates, moved, shuffled, embedded):
        assert linear_cka(rates, other) == pytest.approx(1.0, abs=1e-12)
        assert procrustes_distance(rates, other) == pytest.approx(0.0, abs=1e-12)
        np.testing.assert_allclose(subspace_angles(rates, other, 3), 0.0, atol=1e-7)
        assert aligned_nrmse(rates, other, 3) == pytest.approx(0.0, abs=1e-7)
    stretched = rates * [1.0, 1.0, 1.0, 1.0, 1.0, 30.0]
    assert linear_cka(rates, stretched) < 0.9
    assert procrustes_distance(rates, stretched) > 0.2


@pytest.mark.parametrize("n", [2, 6, 8])
def test_procrustes_angle_against_scipy(rates, rng, n):
    other = np.tanh(rates @ rng.normal(size=(6, n)) * 0.2)
    wide = max(n, 6)
    a, b = (np.pad(flat(x), ((0, 0), (0, wide - x.shape[2]))) for x in (rates, other))
    angle = procrustes_distance(rates, other)
    assert np.sin(angle) ** 2 == pytest.approx(spatial.procrustes(a, b)[2], rel=1e-10)
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    turn, _ = linalg.orthogonal_procrustes(b, a)
    assert np.cos(angle) == pytest.approx(np.sum(a * (b @ turn)), rel=1e-10)
    assert procrustes_distance(other, rates) == pytest.approx(angle, rel=1e-12)


def test_procrustes_angle_is_a_metric(rng):
    x, y, z = rng.normal(size=(3, T, B, 4))
    assert procrustes_distance(x, z) <= procrustes_distance(x, y) + procrustes_distance(y, z)


def test_orthogonal_time_courses_are_as_far_as_can_be():
    phase = 2 * np.pi * np.arange(T) / T
    a, b = (np.tile(f(phase)[:, None, None], (1, B, 1)) for f in (np.cos, np.sin))
    assert linear_cka(a, b) == pytest.approx(0.0, abs=1e-12)
    assert procrustes_distance(a, b) == pytest.approx(np.pi / 2)
    np.testing.assert_allclose(subspace_angles(a, b, 1), np.pi / 2)
    assert aligned_nrmse(a, b, 1) == pytest.approx(1.0)


def test_angles_are_the_canonical_correlations_of_the_components(rates, rng):
    other = np.tanh(rates @ rng.normal(size=(6, 5)) * 0.2)
    scores = [flat(pca(x, n_components=3).trajectories) for x in (rates, other)]
    # Canonical correlations by their definition: eigenvalues of Saa^-1 Sab Sbb^-1 Sba.
    aa, ab, bb = scores[0].T @ scores[0], scores[0].T @ scores[1], scores[1].T @ scores[1]
    squared = np.linalg.eigvals(np.linalg.solve(aa, ab) @ np.linalg.solve(bb, ab.T)).real
    angles = subspace_angles(rates, other, 3)
    np.testing.assert_allclose(np.cos(angles) ** 2, np.sort(squared)[::-1], rtol=1e-8)
    assert (np.diff(angles) > 0).all()


def test_angles_in_the_space_of_units_against_components(rates, rng):
    units = np.array([4, 0, 3, 1])
    other = rates[:, :, units] + 0.3 * rng.normal(size=(T, B, 4))
    bases = [pca(x, n_components=2).components.T for x in (rates[:, :, units], other)]
    expected = linalg.subspace_angles(*bases)[::-1]
    np.testing.assert_allclose(subspace_angles(rates, other, 2, units=units), expected, rtol=1e-8)
    turned = rates @ rotation(rng, 6)  # the same time courses in other units
    np.testing.assert_allclose(subspace_angles(rates, turned, 2), 0.0, atol=1e-7)
    assert subspace_angles(rates, turned, 2, units=np.arange(6)).max() > 0.3


def test_aligned_nrmse_is_the_residual_of_a_regression(rates, rng):
    other = np.tanh(rates @ rng.normal(size=(6, 5)) * 0.2) + 2.0
    target = pca(rates, n_components=2).trajectories.reshape(-1, 2)
    predictors = pca(other, n_components=2).trajectories.reshape(-1, 2)
    design = np.column_stack([predictors, np.ones(T * B)])
    fitted = design @ np.linalg.lstsq(design, target, rcond=None)[0]
    expected = np.sqrt(np.sum((fitted - target) ** 2) / np.sum((target - target.mean(axis=0)) ** 2))
    assert aligned_nrmse(rates, other, 2) == pytest.approx(expected, rel=1e-10)
    assert 0.05 < expected < 0.95
    assert aligned_nrmse(other, rates, 2) != pytest.approx(expected, rel=1e-3)


def test_nrmse_is_normalised_by_the_variance_of_the_reference(rates, rng):
    other = rates + rng.normal(size=rates.shape)
    error = variance = 0.0
    for unit in range(6):
        error += np.sum((rates[..., unit] - other[..., unit]) ** 2)
        variance += T * B * np.var(rates[..., unit])
    assert nrmse(rates, other) == pytest.approx(np.sqrt(error / variance), rel=1e-12)
    means = np.broadcast_to(rates.mean(axis=(0, 1)), rates.shape)
    assert nrmse(rates, means) == pytest.approx(1.0)
    assert nrmse(rates, rates) == 0.0
    assert nrmse(rates, 3.0 * rates - 2.0 * means) == pytest.approx(2.0)


def test_masked_samples_count_nowhere(rates, rng):
    other = np.tanh(rates @ rng.normal(size=(6, 6)) * 0.2)
    mask = rng.random((T, B)) < 0.7
    calls = [*GEOMETRY.values(), nrmse]
    calls += [lambda a, b, **k: subspace_angles(a, b, 2, **k), lambda a, b, **k: aligned_nrmse(a, b, 2, **k)]
    broken = [np.where(mask[..., None], x, np.nan) for x in (rates, other)]
    for call in calls:
        expected = call(rates[mask][:, None], other[mask][:, None])
        np.testing.assert_allclose(call(*broken, mask=mask), expected, rtol=1e-12)
        assert not np.allclose(call(rates, other), expected)


ONES = np.arange(24.0).reshape(3, 4, 2)


@pytest.mark.parametrize("call", [linear_cka, procrustes_distance, lambda a, b, **k: subspace_angles(a, b, 1, **k)])
@pytest.mark.parametrize(
    ("a", "b", "mask", "text"),
    [
        (ONES[0], ONES, None, r"`a` must be a non-empty \(T, B, N\) array; got shape \(4, 2\)"),
        (ONES, ONES[:, :3], None, r"`a` and `b` must hold the same trials, \(T, B\); got \(3, 4\) and \(3, 3\)"),
        (ONES, np.ones((3, 4, 5)), None, r"`b` must vary; got 12 identical samples. The network may be silent"),
        (ONES, ONES * np.nan, None, r"`b` must be finite; got 24 NaN"),
        (ONES, ONES, np.zeros((3, 4)), r"`mask` must leave at least 2 samples.*got 0"),
        (ONES, ONES, np.ones((4, 3)), r"`mask` must have shape \(T, B\) = \(3, 4\); got \(4, 3\)"),
    ],
)
def test_errors(call, a, b, mask, text):
    with pytest.raises(ValueError, match=text):
        call(a, b, mask=mask)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: nrmse(ONES, ONES[:, :, :1]), "must have as many units; got 2 and 1. Take the matching units"),
        (lambda: nrmse(np.ones((3, 4, 1)), ONES[:, :, :1]), "`reference` must vary"),
        (lambda: subspace_angles(ONES, ONES, 2), r"must be in 1..1, the rank of the activity of `a`; got 2"),
        (lambda: aligned_nrmse(ONES, ONES, 0), r"the rank of the activity of `reference`; got 0"),
        (lambda: subspace_angles(ONES, ONES, 1, units=[0]), r"for each of the N_b = 2 units.*got int64, shape \(1,\)"),
        (lambda: subspace_angles(ONES, ONES, 1, units=[0, 0]), "a different unit of `a` in 0..1"),
        (lambda: subspace_angles(ONES, ONES, 1, units=[0, 2]), "a different unit of `a` in 0..1"),
        (lambda: subspace_angles(ONES, ONES, 1, units=[True, False]), "got bool"),
        (lambda: subspace_angles(ONES[0], ONES, 1, units=[0, 1]), "`units` must name"),
    ],
)
def test_errors_of_one_measure(call, text):
    with pytest.raises(ValueError, match=text):
        call()
