import numpy as np
import pytest
from scipy import ndimage

from eicon.analysis.coding import dimensionality

N = 30


def noisy(rank, noise, seed=0, n_conditions=6, n_trials=10, n_steps=20):
    """Trajectories of known rank, one per condition, with noise on single trials."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n_steps, n_conditions, rank))
    directions = np.linalg.qr(rng.normal(size=(N, rank)))[0]
    conditions = np.repeat(np.arange(n_conditions), n_trials)
    signal = (latent @ directions.T)[:, conditions]
    return signal + noise * rng.normal(size=signal.shape), conditions


def test_components_and_participation_ratio_against_numpy():
    values = np.random.default_rng(0).normal(size=(40, 5, 6)) * np.array([5.0, 3.0, 2.0, 1.5, 1.0, 0.1])
    result = dimensionality(values)
    power = np.linalg.eigvalsh(np.cov(values.reshape(-1, 6).T))[::-1]
    held = np.cumsum(power) / power.sum()
    assert result.participation_ratio == pytest.approx(power.sum() ** 2 / np.sum(power**2))
    wanted = tuple(int(np.searchsorted(held, level)) + 1 for level in (0.9, 0.95, 0.99))
    assert (result.n_90, result.n_95, result.n_99) == wanted
    assert len(set(wanted)) == 3
    np.testing.assert_allclose(np.cumsum(result.explained_ratio), held)
    assert result.n_signal is None
    assert result.split_error.size == 0


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_split_halves_count_the_components_of_the_signal(rank):
    rates, conditions = noisy(rank, 0.5)
    result = dimensionality(rates, conditions=conditions)
    assert result.n_signal == rank
    assert result.n_95 > 2 * rank + 5  # the noise of single trials fills the space
    assert result.split_error[0] == pytest.approx(1.0)
    assert result.split_error.shape == (N + 1,)


def test_noise_alone_has_no_signal_components():
    rates, conditions = noisy(3, 0.0)
    noise = np.random.default_rng(1).normal(size=rates.shape)
    assert dimensionality(noise, conditions=conditions).n_signal == 0
    assert dimensionality(rates, conditions=conditions).n_signal == 3


def test_split_error_by_brute_force():
    """Two trials of each condition can be halved in one way only, up to order, which both directions undo."""
    rates, _ = noisy(2, 0.3, n_conditions=1, n_trials=2, n_steps=12)
    result = dimensionality(rates, conditions=[7, 7], n_splits=3)
    halves = [rates[:, i] - rates[:, i].mean(axis=0) for i in (0, 1)]
    wanted = np.zeros(13)
    for one, other in (halves, halves[::-1]):
        vectors = np.linalg.svd(one)[2]
        for k in range(13):
            projector = vectors[:k].T @ vectors[:k]
            wanted[k] += 0.5 * np.sum((other - one @ projector) ** 2) / np.sum(other**2)
    np.testing.assert_allclose(result.split_error, wanted, rtol=1e-9)


def test_more_trials_uncover_weaker_components():
    few, many = (noisy(6, 4.0, n_trials=n) for n in (4, 60))
    assert dimensionality(few[0], conditions=few[1]).n_signal < 6
    assert dimensionality(many[0], conditions=many[1]).n_signal == 6


@pytest.mark.parametrize("dimension", [1, 2, 4])
def test_intrinsic_dimension_of_curved_sets(dimension):
    """Points on a torus of that dimension, bent into many: linear dimensions are twice as many or more."""
    rng = np.random.default_rng(dimension)
    angles = rng.uniform(0, 2 * np.pi, size=(1500, 1, dimension))
    embedded = np.concatenate([np.cos(angles), np.sin(angles), 0.3 * np.cos(2 * angles)], axis=2)
    turned = embedded @ np.linalg.qr(rng.normal(size=(N, 3 * dimension)))[0].T
    result = dimensionality(turned)
    assert result.two_nn == pytest.approx(dimension, rel=0.12)
    assert result.n_95 >= 2 * dimension
    assert result.n_points == 1500


def test_two_nn_law_against_exact_ratios():
    """Neighbours on a line at distances whose ratios are known: the slope is that of numpy's least squares."""
    rng = np.random.default_rng(0)
    centres = 1000.0 * np.arange(40)
    first, ratio = rng.uniform(1.0, 2.0, 40), rng.uniform(1.0, 3.0, 40)
    points = np.concatenate([centres, centres - first, centres + first * ratio])
    lengths = np.sort(np.abs(points[:, None] - points), axis=1)
    mu = np.sort(lengths[:, 2] / lengths[:, 1])[:108]
    y = -np.log(1 - np.arange(1, 109) / 120)
    slope = np.linalg.lstsq(np.log(mu)[:, None], y, rcond=None)[0][0]
    result = dimensionality(np.column_stack([points, 0 * points])[:, None])
    assert result.two_nn == pytest.approx(slope, rel=1e-12)


def test_finely_sampled_trajectories_need_a_draw():
    """What the docstring warns of: a smooth path in three dimensions, all of its steps and some of them."""
    path = ndimage.gaussian_filter1d(np.random.default_rng(0).normal(size=(2000, 3)), 10, axis=0, mode="wrap")[:, None]
    assert dimensionality(path).two_nn > 8.0
    drawn = [dimensionality(path, max_points=60, rng=seed).two_nn for seed in range(10)]
    assert 2.0 < np.mean(drawn) < 3.5


def test_equal_states_count_once_and_few_give_no_dimension():
    states = np.random.default_rng(0).normal(size=(19, 1, 3))
    result = dimensionality(np.tile(states, (5, 2, 1)))
    assert result.n_points == 19
    assert np.isnan(result.two_nn)
    more = np.random.default_rng(0).normal(size=(300, 1, 3))
    repeated = dimensionality(np.tile(more, (1, 3, 1)))
    assert repeated.two_nn == dimensionality(more).two_nn
    assert repeated.n_points == 300
    assert dimensionality(more, max_points=100).n_points == 100


def test_masked_steps_do_not_count():
    rates, conditions = noisy(2, 0.3)
    mask = np.ones(rates.shape[:2], bool)
    mask[15:, conditions > 2] = False
    padded = rates.copy()
    padded[~mask] = np.nan
    result = dimensionality(padded, conditions=conditions, mask=mask)
    assert result.n_signal == 2
    assert result.n_points == mask.sum()
    cut = dimensionality(rates[:15], conditions=conditions)
    mask[15:] = False
    again = dimensionality(np.where(mask[:, :, None], rates, np.nan), conditions=conditions, mask=mask)
    np.testing.assert_allclose(again.split_error, cut.split_error, rtol=1e-9)
    assert again.two_nn == pytest.approx(cut.two_nn)


def test_seed_fixes_the_splits():
    rates, conditions = noisy(3, 1.0)
    first, second, other = (dimensionality(rates, conditions=conditions, n_splits=2, rng=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.split_error, second.split_error)
    assert (first.split_error[1:] != other.split_error[1:]).any()


RATES, CONDITIONS = noisy(2, 0.3)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: dimensionality(RATES[0]), r"`rates` must be a non-empty \(T, B, N\) array"),
        (lambda: dimensionality(RATES, conditions=np.arange(60)), "at least 2 trials; got 1 of 0.*not one by one"),
        (lambda: dimensionality(RATES, conditions=[0, 1]), r"`conditions` must have shape \(B,\) = \(60,\)"),
        (lambda: dimensionality(RATES, n_splits=0), "got 0 and 2000"),
        (lambda: dimensionality(RATES, max_points=5), "`max_points` >= 20; got 20 and 5"),
        (lambda: dimensionality(RATES * np.nan), "`rates` must be finite"),
        (
            lambda: dimensionality(
                RATES, conditions=CONDITIONS, mask=np.arange(20)[:, None] < np.where(np.arange(60) < 1, 2, 0)
            ),
            "`mask` must leave at least 2 steps in both halves",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
