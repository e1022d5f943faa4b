"""Transfer of arrays to the device without compiling a program."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def on_device(value: Any, dtype: Any = None) -> jax.Array:
    """Copy values to a JAX array; unlike `jnp.asarray`, without compiling for each new shape.

    Parameters
    ----------
    value : array, number
    dtype : dtype, optional
        By default that of the value (in single precision if JAX uses it).
    """
    if isinstance(value, jax.Array):
        return value if dtype is None or value.dtype == dtype else jnp.asarray(value, dtype)
    return jax.device_put(value if dtype is None else np.asarray(value, jnp.dtype(dtype)))
