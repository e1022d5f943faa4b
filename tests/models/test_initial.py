"""Initial weights: spectral radius, balance and outliers, by numpy's eigenvalues."""

import jax
import numpy as np
import pytest

from eicon.models import Connectivity, RateRNN
from eicon.models._initial import feedforward_weights, recurrent_weights
from eicon.models.initial import spectral_radius

KEY = jax.random.key(0)


def largest_eigenvalue(matrix):
    return np.abs(np.linalg.eigvals(np.asarray(matrix, np.float64))).max()


def masked(connectivity, density, seed=0):
    keep = np.random.default_rng(seed).random(connectivity.shape) < density
    return Connectivity(connectivity.sign, connectivity.mask & keep, connectivity.fixed, connectivity.positive)


def beside_fixed(connectivity, seed=0):
    """A tenth of the entries fixed at small values."""
    rng = np.random.default_rng(seed)
    chosen = connectivity.mask & (rng.random(connectivity.shape) < 0.1)
    signs = np.where(
        connectivity.sign[:, None] == 0, rng.choice([-1, 1], connectivity.shape), connectivity.sign[:, None]
    )
    return Connectivity(
        connectivity.sign, connectivity.mask & ~chosen, np.where(chosen, 0.02 * signs, 0), connectivity.positive
    )


DALE = Connectivity.dale(30)
CASES = {
    "dense": Connectivity.dense(30, 30),
    "dale": DALE,
    "dale, autapses": Connectivity.dale(30, 0.5, autapses=True),
    "dale, softplus": Connectivity.dale(30, positive="softplus"),
    "dale, sparse": masked(DALE, 0.3),
    "dale, fixed": beside_fixed(DALE),
    "sparse, fixed": beside_fixed(masked(DALE, 0.3)),
    "dense, fixed": beside_fixed(Connectivity.dense(30, 30)),
    "excitatory only": Connectivity.dense(30, 30, sign=1),
}


@pytest.mark.parametrize("radius", [0.5, 1.5])
@pytest.mark.parametrize("name", CASES)
def test_effective_matrix_has_the_radius_that_was_asked(name, radius):
    connectivity = CASES[name]
    weights = recurrent_weights(connectivity, radius, key=KEY)
    assert largest_eigenvalue(weights) == pytest.approx(radius, rel=1e-6)
    assert spectral_radius(weights) == pytest.approx(radius, rel=1e-6)
    assert (weights[~connectivity.exists] == 0).all()
    fixed = connectivity.fixed != 0
    np.testing.assert_array_equal(weights[fixed], connectivity.fixed[fixed])
    assert (connectivity.sign[:, None] * weights >= 0).all()


@pytest.mark.parametrize("name", CASES)
def test_network_keeps_the_radius(name):
    connectivity = CASES[name]
    net = RateRNN(connectivity, Connectivity.dense(2, 30), Connectivity.dense(30, 2), spectral_radius=1.2)
    assert largest_eigenvalue(net.W_rec) == pytest.approx(1.2, rel=1e-5)


@pytest.mark.parametrize("n", [20, 100])
def test_excitation_and_inhibition_of_every_unit_cancel(n):
    connectivity = Connectivity.dale(n)
    weights = recurrent_weights(connectivity, 1.0, key=KEY)
    np.testing.assert_allclose(weights.sum(axis=0), 0, atol=1e-9)
    for rows in (connectivity.sign > 0, connectivity.sign < 0):
        totals = weights[rows].sum(axis=1)
        np.testing.assert_allclose(totals, totals.mean(), rtol=1e-6)


def predicted_radius(weights, sign):
    """Rajan & Abbott (2006): square root of the summed row variances, entries taken about their type's mean."""
    variances = [weights[sign == s].var() for s in (1, -1)]
    return np.sqrt(sum(v * (sign == s).sum() for v, s in zip(variances, (1, -1), strict=True)))


def unbalanced(connectivity):
    sizes = np.random.default_rng(0).gamma(2.0, size=connectivity.shape)
    return connectivity.sign[:, None] * sizes * connectivity.mask


def test_no_eigenvalue_far_outside_of_the_random_matrix_circle():
    """A single draw of 160 E and 40 I units fluctuates by some 10 % (1.0-1.4); so does a Gaussian matrix."""
    connectivity = Connectivity.dale(200)
    matrices = [recurrent_weights(connectivity, 1.0, key=jax.random.key(seed)) for seed in range(5)]
    ratios = np.array([largest_eigenvalue(w) / predicted_radius(w, connectivity.sign) for w in matrices])
    assert np.median(ratios) < 1.2
    assert ratios.max() < 1.5
    assert ratios.min() > 0.8
    naive = unbalanced(connectivity)
    assert largest_eigenvalue(naive) > 3 * predicted_radius(naive, connectivity.sign)


def test_keys_matter_and_are_all_that_matters():
    first, again, other = (recurrent_weights(DALE, 1.0, key=jax.random.key(k)) for k in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.any((first == other) & DALE.mask)


def test_seed_fixes_the_network():
    first, again, other = (RateRNN.dale(2, 10, 2, seed=s) for s in (1, 1, 2))
    for name, value in first.parameters().items():
        np.testing.assert_array_equal(value, again.parameters()[name])
    assert not np.array_equal(first.raw_rec.value, other.raw_rec.value)
    assert not np.array_equal(first.noise_key.value, other.noise_key.value)


def test_feedforward_scales():
    free = feedforward_weights(Connectivity.dense(400, 50), key=KEY)
    assert free.std() == pytest.approx(1 / 20, rel=0.05)
    signed = feedforward_weights(Connectivity.dense(400, 50, sign=-1), key=KEY)
    assert (signed <= 0).all()
    assert signed.mean() == pytest.approx(-1 / 400, rel=0.05)
    sparse = feedforward_weights(masked(Connectivity.dense(400, 50, sign=1), 0.1), key=KEY)
    assert sparse[sparse != 0].mean() == pytest.approx(1 / 40, rel=0.1)


def test_a_wholly_fixed_matrix_is_taken_as_it_is():
    weights = np.array([[0, 1], [1, 0]], np.float32)
    frozen = Connectivity.dense(2, 2).frozen(weights)
    np.testing.assert_array_equal(recurrent_weights(frozen, 5.0, key=KEY), weights)


FEEDFORWARD = Connectivity(np.zeros(4, int), np.triu(np.ones((4, 4), bool), 1), np.zeros((4, 4)))
STRONG = Connectivity(np.zeros(4, int), ~np.eye(4, dtype=bool), 2 * np.eye(4))


@pytest.mark.parametrize(
    ("connectivity", "radius", "message"),
    [
        (DALE, 0.0, "spectral_radius must be > 0; got 0.0"),
        (DALE, float("nan"), "spectral_radius must be > 0; got nan"),
        (FEEDFORWARD, 1.5, "spectral_radius 1.5 cannot be reached: .* contain no loop"),
        (STRONG, 1.5, "spectral_radius 1.5 cannot be reached: the fixed entries alone have 2"),
    ],
)
def test_errors(connectivity, radius, message):
    with pytest.raises(ValueError, match=message):
        recurrent_weights(connectivity, radius, key=KEY)
    with pytest.raises(ValueError, match=message):
        RateRNN(
            connectivity, Connectivity.dense(1, connectivity.shape[0]), Connectivity.dense(connectivity.shape[0], 1),
            spectral_radius=radius,
        )  # fmt: skip


def test_error_where_the_loops_are_all_fixed():
    fixed = np.zeros((3, 3))
    fixed[0, 1] = fixed[1, 0] = 0.5
    mask = np.zeros((3, 3), bool)
    mask[0, 2] = True
    with pytest.raises(ValueError, match="cannot be reached by scaling the trainable entries"):
        recurrent_weights(Connectivity(np.zeros(3, int), mask, fixed), 1.0, key=KEY)
