"""Arrays on the device, without a program that is compiled to put them there."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def on_device(value: Any, dtype: Any = None) -> jax.Array:
    """Array of JAX with these values, a copy; unlike `jnp.asarray`, nothing is compiled for each new shape.

    Parameters
    ----------
    value : array, number
    dtype : dtype, optional
        By default that of the value (in single precision if JAX computes in it).
    """
    if isinstance(value, jax.Array):
        return value if dtype is None or value.dtype == dtype else jnp.asarray(value, dtype)
    return jax.device_put(value if dtype is None else np.asarray(value, jnp.dtype(dtype)))
