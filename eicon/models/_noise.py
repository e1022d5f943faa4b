"""Gaussian noise, fast enough not to dominate a simulation step."""

import math

import jax
import jax.numpy as jnp
from jax.extend.random import threefry_2x32


def normal(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> jax.Array:
    r"""Draw independent standard normal numbers.

    The same generator as `jax.random.normal` (Threefry-2x32 on a counter, then the inverse error
    function), but both output words of every Threefry block are used, which halves its cost. In float64
    it *is* `jax.random.normal`. In float32 the numbers come from a grid of :math:`2^{24}` uniform values,
    so that :math:`|z| < 5.5`.

    Parameters
    ----------
    key : jax.Array
        A typed or raw Threefry key.
    shape : tuple of int
    dtype : dtype, optional
        float32 or float64.

    Returns
    -------
    jax.Array, shape ``shape``
    """
    size = math.prod(shape)
    if jnp.dtype(dtype) != jnp.float32 or size >= 2**32:
        return jax.random.normal(key, shape, dtype)
    words = key if jnp.issubdtype(key.dtype, jnp.uint32) else jax.random.key_data(key)
    bits = threefry_2x32(words, jax.lax.iota(jnp.uint32, size))
    uniform = (bits >> 8).astype(jnp.float32) * jnp.float32(2**-23) + jnp.float32(2**-24 - 1)
    return (jnp.float32(math.sqrt(2)) * jax.lax.erf_inv(uniform)).reshape(shape)
