"""Directions on a ring, and inputs tuned to them."""

import math

import jax
import jax.numpy as jnp
import numpy as np


def ring_directions(n: int) -> np.ndarray:
    """Return equally spaced directions in degrees, starting at 0; float32, shape (n,)."""
    return (np.arange(n) * 360 / n).astype(np.float32)


def ring_channels(n: int) -> tuple[str, ...]:
    """Return names of n channels, by their preferred directions."""
    return tuple(f"direction {direction:g}" for direction in ring_directions(n))


def ring_inputs(degrees: jax.Array, n_channels: int, concentration: float) -> jax.Array:
    r"""Return tuned responses :math:`\exp(\kappa (\cos(\theta - \phi_i) - 1))` to directions (B,); (B, n_channels).

    The preferred directions :math:`\phi_i` are equally spaced; a channel responds to its own with 1.
    """
    difference = jnp.deg2rad(degrees[:, None] - jnp.asarray(ring_directions(n_channels))[None])
    return jnp.exp(concentration * (jnp.cos(difference) - 1))


def check_ring(n_directions: int, n_channels: int, concentration: float) -> None:
    """Check that a ring has enough directions and channels, and tuning."""
    if n_directions < 2:
        raise ValueError(f"n_directions must be at least 2; got {n_directions}.")
    if n_channels < 3:
        raise ValueError(f"n_channels must be at least 3, to distinguish all directions; got {n_channels}.")
    if not 0 < concentration < math.inf:
        raise ValueError(f"concentration must be > 0 and finite; got {concentration}.")
