"""Random keys, without a word about JAX."""

from typing import TYPE_CHECKING, Any

from ._numbers import whole

if TYPE_CHECKING:
    import jax
    import numpy as np


def key(seed: int | float) -> "jax.Array":
    """Random key, for whatever takes ``key``: one seed gives the same numbers each time.

    Parameters
    ----------
    seed : int
        In 0..2**64 - 1; all of its bits count. A float that is whole is taken for the integer.

    Returns
    -------
    jax.Array
        For a seed below 2**32 that of ``jax.random.key``.

    Raises
    ------
    TypeError
        If the seed is no whole number.
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
    """Keys that `jax.random.split` makes of one, on the host, where nothing must be compiled for them."""
    import jax
    import numpy as np

    if not _is_threefry(key):
        return list(jax.random.split(key, n))
    return [jax.random.wrap_key_data(jax.device_put(row)) for row in _threefry(_words(key), np.arange(n))]


def keys_of_steps(key: "jax.Array", steps: "np.ndarray", parts: int = 2) -> "np.ndarray":
    """Data of the keys that `jax.random.split` makes of ``jax.random.fold_in(key, step)``, on the host.

    Returns
    -------
    numpy.ndarray of uint32, shape (n_steps, parts + 1, 2)
        Those, and last that of ``fold_in(fold_in(key, step), 1)``.
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
    """Both words that Threefry-2x32 with 20 rounds makes of ``(0, counter)``, (n, 2); of one key (2,), or of n (2, n).

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
    """Random key from one of JAX, old or new, or from a seed.

    Raises
    ------
    TypeError
        If it is neither, or several keys.
    ValueError
        For a seed that `key` refuses.
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
    raise TypeError(f"{name} must be a seed (a whole number) or one key of JAX, as from eicon.key(0); got {shown:.80}.")


def as_generator(value: Any, name: str = "rng") -> "np.random.Generator":
    """Generator of NumPy from one, which goes on where it is, or from a seed or whatever else NumPy takes for one.

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
        f"{name} must be a seed (a whole number) or a generator, as from np.random.default_rng(0); "
        f"got {type(value).__name__}."
    )
