import numpy as np
import pytest

from eicon.analysis import condition_average, pca


@pytest.fixture
def rates():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(5, 5)) * [5.0, 3.0, 1.0, 0.3, 0.1]
    return rng.normal(size=(12, 9, 5)) @ mixing.T + rng.normal(size=5)


def test_matches_the_singular_value_decomposition(rates):
    result = pca(rates)
    flat = rates.reshape(-1, 5)
    centred = flat - flat.mean(axis=0)
    _, singular, rows = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(result.explained_variance, singular**2 / (len(flat) - 1), rtol=1e-10)
    np.testing.assert_allclose(np.abs(np.sum(result.components * rows, axis=1)), 1.0, rtol=1e-10)
    np.testing.assert_allclose(result.explained_ratio.sum(), 1.0, rtol=1e-12)
    np.testing.assert_allclose(result.mean, flat.mean(axis=0), rtol=1e-12)


def test_components_are_orthonormal_signed_and_rebuild_the_rates(rates):
    result = pca(rates)
    np.testing.assert_allclose(result.components @ result.components.T, np.eye(5), atol=1e-12)
    for row in result.components:
        assert row[np.abs(row).argmax()] > 0
    np.testing.assert_allclose(result.trajectories @ result.components + result.mean, rates, atol=1e-10)
    np.testing.assert_allclose(result.project(rates[:, 3]), result.trajectories[:, 3], rtol=1e-12)


def test_sign_does_not_depend_on_the_order_of_samples(rates):
    first, second = pca(rates), pca(rates[::-1, ::-1])
    np.testing.assert_allclose(first.components, second.components, atol=1e-8)


def test_masked_steps_do_not_enter_the_fit_but_have_trajectories(rates):
    mask = np.arange(12)[:, None] < np.array([12, 12, 12, 10, 9, 8, 7, 6, 5])
    padded = np.where(mask[..., None], rates, 1e6)
    fitted, reference = pca(padded, mask=mask), pca(rates, mask=mask)
    np.testing.assert_array_equal(fitted.components, reference.components)
    np.testing.assert_allclose(fitted.mean, rates[mask].mean(axis=0), rtol=1e-12)
    assert fitted.trajectories.shape == (12, 9, 5)
    expected = (padded[11, 8] - fitted.mean) @ fitted.components.T
    np.testing.assert_allclose(fitted.trajectories[11, 8], expected, rtol=1e-10)
    assert not np.allclose(pca(padded).mean, fitted.mean)


@pytest.mark.parametrize("dimension", [1, 3, 5])
def test_participation_ratio_counts_equal_dimensions(dimension):
    corners = np.concatenate([np.eye(5)[:dimension], -np.eye(5)[:dimension]])
    assert pca(corners[:, None]).participation_ratio == pytest.approx(dimension, rel=1e-12)


def test_n_for_counts_all_components_even_if_few_are_kept():
    scale = np.sqrt([8.0, 1.0, 0.6, 0.4])  # cumulative: 0.80, 0.90, 0.96, 1.00
    corners = np.concatenate([np.diag(scale), -np.diag(scale)])[:, None]
    result = pca(corners, n_components=1)
    assert result.components.shape == (1, 4)
    assert result.trajectories.shape == (8, 1, 1)
    counts = [result.n_for(fraction) for fraction in (0.5, 0.79, 0.8001, 0.89, 0.95, 0.99, 1.0)]
    assert counts == [1, 1, 2, 2, 3, 4, 4]


def test_n_for_everything_survives_the_rounding_of_the_sum(rates):
    tenths = np.full(10, 0.1)
    assert np.cumsum(tenths)[-1] < 1.0
    assert pca(rates)._replace(explained_ratio=tenths).n_for(1.0) == 10


def test_fewer_samples_than_units_gives_samples_minus_one_components():
    rates = np.random.default_rng(1).normal(size=(4, 1, 10))
    result = pca(rates)
    assert result.components.shape == (3, 10)
    np.testing.assert_allclose(result.trajectories @ result.components + result.mean, rates, atol=1e-12)


@pytest.mark.parametrize(
    ("rates", "options", "text"),
    [
        (np.zeros((3, 4)), {}, r"`rates` must be a non-empty \(T, B, N\) array; got shape \(3, 4\)"),
        (np.ones((3, 4, 2)), {}, r"`rates` must vary; got 12 identical samples.*silent"),
        (np.full((3, 4, 2), np.nan), {}, r"`rates` must be finite; got 24 NaN or infinite.*diverged"),
        (np.eye(3)[:, None], {"n_components": 3}, r"`n_components` must be in 1\.\.2.*got 3"),
        (np.eye(3)[:, None], {"n_components": 0}, r"`n_components` must be in 1\.\.2.*got 0"),
        (
            np.eye(3)[:, None],
            {"mask": np.ones((1, 3))},
            r"`mask` must have shape \(T, B\) = \(3, 1\); got \(1, 3\)",
        ),
        (
            np.eye(3)[:, None],
            {"mask": [[1], [0], [0]]},
            r"`mask` must leave at least 2 samples.*got 1.*inverted",
        ),
    ],
)
def test_errors(rates, options, text):
    with pytest.raises(ValueError, match=text):
        pca(rates, **options)


def test_errors_of_the_methods(rates):
    result = pca(rates)
    with pytest.raises(ValueError, match=r"`fraction` must be in \(0, 1\]; got 95.*Divide percentages"):
        result.n_for(95.0)
    with pytest.raises(ValueError, match=r"must have N = 5 units on the last axis; got shape \(2, 4\)"):
        result.project(np.zeros((2, 4)))


def test_condition_average_equals_a_loop_over_trials_and_steps():
    rng = np.random.default_rng(3)
    values, conditions = rng.normal(size=(6, 20, 3)), rng.choice([-3.2, 0.0, 3.2], 20)
    mask = rng.random((6, 20)) < 0.6
    mask[5, conditions == 0.0] = False
    result = condition_average(np.where(mask[..., None], values, np.nan), conditions, mask)
    assert result.levels.tolist() == [-3.2, 0.0, 3.2]
    for c, level in enumerate(result.levels):
        for t in range(6):
            kept = [values[t, b] for b in range(20) if conditions[b] == level and mask[t, b]]
            assert result.n[c, t] == len(kept)
            expected = sum(kept) / len(kept) if kept else np.full(3, np.nan)
            np.testing.assert_allclose(result.average[c, t], expected, rtol=1e-12)
    assert np.isnan(result.average[1, 5]).all()


def test_condition_average_takes_values_without_units_and_string_labels():
    result = condition_average(np.arange(6.0).reshape(2, 3), np.array(["go", "stop", "go"]))
    assert result.levels.tolist() == ["go", "stop"]
    assert result.average.tolist() == [[1.0, 4.0], [1.0, 4.0]]


@pytest.mark.parametrize(
    ("values", "conditions", "text"),
    [
        (np.zeros(3), np.zeros(3), r"`values` must be a non-empty \(T, B, \.\.\.\); got shape \(3,\)"),
        (np.zeros((4, 3)), np.zeros(4), r"`conditions` must have shape \(B,\) = \(3,\).*got \(4,\)"),
        (np.zeros((4, 3)), np.full(3, np.nan), r"`conditions` must not be NaN"),
    ],
)
def test_condition_average_errors(values, conditions, text):
    with pytest.raises(ValueError, match=text):
        condition_average(values, conditions)
