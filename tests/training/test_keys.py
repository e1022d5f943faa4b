"""Keys that are made on the host are those that JAX makes."""

import jax
import numpy as np
import pytest

import eicon
from eicon._key import keys_of_steps, split

SEEDS = (0, 7, 2**32 - 1, 2**32, 2**64 - 1)


def bits(key):
    return np.asarray(jax.random.key_data(key))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_split(seed, n):
    wanted = jax.random.split(eicon.key(seed), n)
    found = split(eicon.key(seed), n)
    assert len(found) == n
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(bits(one), bits(other))
        assert jax.random.normal(one) == jax.random.normal(other)


@pytest.mark.parametrize("seed", SEEDS)
def test_keys_of_steps(seed):
    key, steps = eicon.key(seed), [0, 1, 999, 2**31, 2**32 - 1]
    found = keys_of_steps(key, np.array(steps))
    assert found.shape == (5, 3, 2)
    for row, step in zip(found, steps, strict=True):
        folded = jax.random.fold_in(key, np.uint32(step))
        np.testing.assert_array_equal(row[:2], bits(jax.random.split(folded)))
        np.testing.assert_array_equal(row[2], bits(jax.random.fold_in(folded, 1)))


@pytest.mark.parametrize("parts", [1, 3])
def test_parts(parts):
    found = keys_of_steps(eicon.key(3), np.arange(2), parts)
    assert found.shape == (2, parts + 1, 2)
    np.testing.assert_array_equal(found[1, :-1], bits(jax.random.split(jax.random.fold_in(eicon.key(3), 1), parts)))


@pytest.mark.parametrize("kind", ["rbg", "not partitionable"])
def test_keys_of_other_kinds_are_those_of_jax(kind):
    partitionable = jax.config.jax_threefry_partitionable
    try:
        jax.config.update("jax_threefry_partitionable", kind == "rbg" and partitionable)
        key = jax.random.key(3, impl="rbg") if kind == "rbg" else jax.random.key(3)
        wanted = jax.random.split(jax.random.fold_in(key, 4))
        np.testing.assert_array_equal(keys_of_steps(key, np.array([4]))[0, :2], bits(wanted))
        np.testing.assert_array_equal([bits(one) for one in split(key)], bits(jax.random.split(key)))
    finally:
        jax.config.update("jax_threefry_partitionable", partitionable)
