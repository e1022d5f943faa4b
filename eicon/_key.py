"""Random keys, without a word about JAX."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jax


def key(seed: int) -> "jax.Array":
    """Random key, for whatever takes ``key``: one seed gives the same numbers each time.

    Parameters
    ----------
    seed : int

    Returns
    -------
    jax.Array
        As of ``jax.random.key``.

    Examples
    --------
    >>> import eicon
    >>> eicon.PerceptualDecision().sample(eicon.key(0), 4).inputs.shape
    (60, 4, 2)
    """
    import jax

    return jax.random.key(seed)
