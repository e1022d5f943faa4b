"""Directions on a ring, and inputs that are tuned to them."""

import math

import jax
import jax.numpy as jnp
import numpy as np


def ring_directions(n: int) -> np.ndarray:
    """Equally spaced directions in degrees, the first one 0; float32, shape (n,)."""
    return (np.arange(n) * 360 / n).astype(np.float32)


def ring_channels(n: int) -> tuple[str, ...]:
    """Names of n channels, by their preferred directions."""
    return tuple(f"direction {direction:g}" for direction in ring_directions(n))


def ring_inputs(degrees: jax.Array, n_channels: int, concentration: float) -> jax.Array:
    r"""Tuned responses :math:`\exp(\kappa (\cos(\theta - \phi_i) - 1))` to directions (B,); (B, n_channels).

    The preferred directions :math:`\phi_i` are equally spaced; at its own one a channel responds with 1.
    """
    difference = jnp.deg2rad(degrees[:, None] - jnp.asarray(ring_directions(n_channels))[None])
    return jnp.exp(concentration * (jnp.cos(difference) - 1))


def check_ring(n_directions: int, n_channels: int, concentration: float) -> None:
    """Refuse a ring with too few directions or channels, or without tuning."""
    if n_directions < 2:
        raise ValueError(f"n_directions must be at least 2; got {n_directions}.")
    if n_channels < 3:
        raise ValueError(f"n_channels must be at least 3, so that no two directions look alike; got {n_channels}.")
    if not 0 < concentration < math.inf:
        raise ValueError(f"concentration must be > 0 and finite; got {concentration}.")
