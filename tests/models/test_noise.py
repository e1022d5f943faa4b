"""Normal numbers from fused Threefry: the bits of JAX, the moments of a normal distribution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import erfinv

from eicon.models._noise import normal

KEYS = [0, 1, 2**31, 2**32 - 1]
whole = jax.jit(normal, static_argnums=1)


@pytest.mark.parametrize("seed", KEYS)
@pytest.mark.parametrize("shape", [(), (7,), (0, 4), (10, 100, 33)])
def test_bits_are_those_of_jax(seed, shape):
    """From the 32 bits of `jax.random.bits`, in float64: sqrt(2) erfinv of the middle of one of 2^24 equal cells."""
    key = jax.random.key(seed)
    bits = np.asarray(jax.jit(jax.random.bits, static_argnums=1)(key, shape)).astype(np.float64)
    uniform = 2 * (np.floor(bits / 2**8) + 0.5) / 2**24 - 1
    ours = whole(key, shape)
    assert ours.shape == shape
    assert ours.dtype == jnp.float32
    np.testing.assert_allclose(ours, np.sqrt(2) * erfinv(uniform), rtol=1e-5, atol=1e-6)


def test_values_are_those_of_jax_but_for_its_coarser_grid():
    """JAX keeps 23 of the 32 bits and takes the lower end of a cell, we keep 24 and take its middle.

    The uniform numbers differ by at most half a cell of 2^-22, so the normal ones differ by that times the slope
    of the quantile function, sqrt(pi / 2) exp(x^2 / 2).
    """
    key = jax.random.key(3)
    ours, theirs = (np.asarray(f(key, (200_000,)), np.float64) for f in (normal, jax.random.normal))
    extent = np.maximum(np.abs(ours), np.abs(theirs))
    slope = np.sqrt(np.pi / 2) * np.exp(extent**2 / 2)
    assert (np.abs(ours - theirs) <= 1e-6 * extent + 2**-22 * slope + 1e-7).all()
    assert np.abs(ours - theirs)[extent < 2].max() < 5e-6
    assert np.abs(ours - theirs)[extent < 4].max() < 1e-3


def test_a_raw_key_is_a_typed_key():
    np.testing.assert_array_equal(normal(jax.random.PRNGKey(5), (10,)), normal(jax.random.key(5), (10,)))


def test_float64_is_left_to_jax(x64):
    key = jax.random.key(0)
    ours = normal(key, (3, 4), jnp.float64)
    assert ours.dtype == jnp.float64
    np.testing.assert_array_equal(ours, jax.random.normal(key, (3, 4), jnp.float64))


def test_inside_jit_vmap_and_scan():
    keys = jax.random.split(jax.random.key(0), 3)
    expected = np.stack([normal(k, (5,)) for k in keys])
    np.testing.assert_allclose(jax.jit(jax.vmap(lambda k: normal(k, (5,))))(keys), expected, atol=1e-6)
    np.testing.assert_allclose(jax.lax.map(lambda k: normal(k, (5,)), keys), expected, atol=1e-6)


@pytest.fixture(scope="module")
def numbers():
    return np.asarray(whole(jax.random.key(11), (1_000_000,)), np.float64)


def test_distribution(numbers):
    assert stats.kstest(numbers, "norm").pvalue > 0.001
    assert 4.2 < np.abs(numbers).max() < 6.2
    assert np.isfinite(numbers).all()


@pytest.mark.parametrize("power", range(1, 7))
def test_moments(power, numbers):
    moment = {1: 0, 2: 1, 3: 0, 4: 3, 5: 0, 6: 15}[power]
    spread = {2: 3, 4: 105, 6: 10395, 1: 1, 3: 15, 5: 945}[power] - moment**2
    assert np.mean(numbers**power) == pytest.approx(moment, abs=4 * np.sqrt(spread / numbers.size))


def test_the_two_extreme_cells_are_finite_and_opposite():
    """The middles of the first and last of 2^24 cells; the uniform number never rounds to -1 or 1."""
    bits = jnp.array([0, 2**32 - 1], jnp.uint32)
    uniform = (bits >> 8).astype(jnp.float32) * jnp.float32(2**-23) + jnp.float32(2**-24 - 1)
    assert float(uniform[0]) == -float(uniform[1]) == 2.0**-24 - 1


def test_neighbouring_keys_and_split_keys_are_uncorrelated():
    n = 100_000
    keys = [*(jax.random.key(s) for s in range(4)), *jax.random.split(jax.random.key(0), 2)]
    keys += [jax.random.fold_in(jax.random.key(0), s) for s in (2, 3)]  # fold_in(key, i) is split(key, n)[i]
    samples = np.stack([np.asarray(whole(k, (n,))) for k in keys])
    correlation = np.corrcoef(samples)[np.triu_indices(len(keys), 1)]
    assert np.abs(correlation).max() < 5 / np.sqrt(n)


def test_a_sequence_is_not_correlated_with_itself(numbers):
    n = numbers.size
    for lag in (1, 2, 3, 100, 2**16):
        assert abs(np.mean(numbers[lag:] * numbers[:-lag])) < 4.5 / np.sqrt(n - lag), lag
