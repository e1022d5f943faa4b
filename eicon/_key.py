"""Random keys, without a word about JAX."""

import operator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jax


def key(seed: int) -> "jax.Array":
    """Random key, for whatever takes ``key``: one seed gives the same numbers each time.

    Parameters
    ----------
    seed : int
        In 0..2**64 - 1; all of its bits count.

    Returns
    -------
    jax.Array
        For a seed below 2**32 that of ``jax.random.key``.

    Raises
    ------
    ValueError
        For a negative or larger seed.

    Examples
    --------
    >>> import eicon
    >>> eicon.PerceptualDecision().sample(eicon.key(0), 4).inputs.shape
    (60, 4, 2)
    """
    import jax
    import jax.numpy as jnp

    number = operator.index(seed)
    if not 0 <= number < 2**64:
        raise ValueError(f"a seed must be a whole number in 0..2**64 - 1; got {number}.")
    words = jnp.array([number >> 32, number & 0xFFFFFFFF], jnp.uint32)
    return jax.random.wrap_key_data(words, impl="threefry2x32")
