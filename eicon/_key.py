"""Random keys and generators from seeds."""

from typing import TYPE_CHECKING, Any

from ._numbers import whole

if TYPE_CHECKING:
    import jax
    import numpy as np


def key(seed: int | float) -> "jax.Array":
    """Make a random key, for arguments ``key``; the same seed always gives the same numbers.

    Parameters
    ----------
    seed : int
        In 0..2**64 - 1; all of its bits count. A whole float is accepted as an integer.

    Returns
    -------
    jax.Array
        For a seed below 2**32, the key of ``jax.random.key``.

    Raises
    ------
    TypeError
        If the seed is not a whole number.
    ValueError
        For a negative or larger seed.

    Examples
    --------
    >>> import eicon
    >>> eicon.PerceptualDecision().sample(eicon.key(0), 4).inputs.shape
    (60, 4, 2)
    """
    import jax
    import numpy as np

    number = whole(seed, "a seed")
    if not 0 <= number < 2**64:
        raise ValueError(f"a seed must be a whole number in 0..2**64 - 1; got {number}.")
    words = np.array([number >> 32, number & 0xFFFFFFFF], np.uint32)
    return jax.random.wrap_key_data(jax.device_put(words), impl="threefry2x32")


def split(key: "jax.Array", n: int = 2) -> list["jax.Array"]:
    """Return the keys of `jax.random.split`, computed on the host without compilation."""
    import jax
    import numpy as np

    if not _is_threefry(key):
        return list(jax.random.split(key, n))
    return [jax.random.wrap_key_data(jax.device_put(row)) for row in _threefry(_words(key), np.arange(n))]


def keys_of_steps(key: "jax.Array", steps: "np.ndarray", parts: int = 2) -> "np.ndarray":
    """Return the data of the keys of `jax.random.split` of ``jax.random.fold_in(key, step)``, computed on the host.

    Returns
    -------
    numpy.ndarray of uint32, shape (n_steps, parts + 1, 2)
        These data, followed by those of ``fold_in(fold_in(key, step), 1)``.
    """
    import jax
    import numpy as np

    if not _is_threefry(key):
        made = [jax.random.fold_in(key, step) for step in steps]
        listed = [[*jax.random.split(one, parts), jax.random.fold_in(one, 1)] for one in made]
        return np.array([[jax.random.key_data(one) for one in row] for row in listed])
    folded, which = _threefry(_words(key), steps), (*range(parts), 1)
    return _threefry(np.repeat(folded, len(which), axis=0).T, np.tile(which, len(folded))).reshape(-1, len(which), 2)


def _is_threefry(key: "jax.Array") -> bool:
    import jax

    known = str(jax.random.key_impl(key)) in ("fry", "threefry2x32")
    partitionable = getattr(jax.config, "jax_threefry_partitionable", False)
    return known and partitionable and not isinstance(key, jax.core.Tracer)


def _words(key: "jax.Array") -> "np.ndarray":
    import jax
    import numpy as np

    return np.asarray(jax.random.key_data(key))


def _threefry(key: "np.ndarray", counters: "np.ndarray") -> "np.ndarray":
    """Return both words of Threefry-2x32 (20 rounds) for ``(0, counter)``, (n, 2), for one key (2,) or n keys (2, n).

    Source: Salmon et al. (2011), "Parallel random numbers: as easy as 1, 2, 3", SC11.
    """
    import numpy as np

    first, second = np.uint32(key[0]), np.uint32(key[1])
    schedule = (first, second, first ^ second ^ np.uint32(0x1BD11BDA))
    with np.errstate(over="ignore"):
        right = np.asarray(counters, np.uint32) + second
        left = np.zeros_like(right) + first
        for block in range(5):
            for rotation in ((13, 15, 26, 6), (17, 29, 16, 24))[block % 2]:
                left = left + right
                right = ((right << np.uint32(rotation)) | (right >> np.uint32(32 - rotation))) ^ left
            left = left + schedule[(block + 1) % 3]
            right = right + schedule[(block + 2) % 3] + np.uint32(block + 1)
    return np.stack([left, right], axis=1)


def as_key(value: Any, name: str = "key") -> "jax.Array":
    """Return a random key from a JAX key, old or new, or from a seed.

    Raises
    ------
    TypeError
        If it is neither, or contains several keys.
    ValueError
        For a seed that `key` rejects.
    """
    import jax
    import jax.numpy as jnp
    import numpy as np

    if isinstance(value, jax.Array | np.ndarray):
        value = jnp.asarray(value)
        if jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key) and value.shape == ():
            return value
        if value.dtype == np.uint32 and value.shape in ((2,), (4,)):  # of jax.random.PRNGKey
            return value
    elif not isinstance(value, bool) and isinstance(value, int | float | np.integer | np.floating):
        return key(whole(value, "a seed"))
    shown = f"an array of type {value.dtype}, shape {value.shape}" if hasattr(value, "dtype") else repr(value)
    raise TypeError(f"{name} must be a seed (a whole number) or one JAX key, such as eicon.key(0); got {shown:.80}.")


def as_generator(value: Any, name: str = "rng") -> "np.random.Generator":
    """Return a NumPy generator from a generator, which continues, or from anything that NumPy accepts as a seed.

    Raises
    ------
    TypeError
        If it is neither: 2.5, text, a bool, a key of JAX.
    ValueError
        If the seed is negative.
    """
    import numpy as np

    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        seed = whole(value, name)
        if seed < 0:
            raise ValueError(f"{name} must be a seed >= 0; got {seed}.")
        return np.random.default_rng(seed)
    try:
        if not isinstance(value, bool | np.bool_):
            return np.random.default_rng(value)
    except (TypeError, ValueError):
        pass
    raise TypeError(
        f"{name} must be a seed (a whole number) or a generator, such as np.random.default_rng(0); "
        f"got {type(value).__name__}."
    )
