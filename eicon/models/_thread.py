"""Defaults of BrainPy 2.8, which are per thread, and set only in the thread that imports it."""

import jax
import jax.numpy as jnp

from .._brainpy import bm


def ensure_defaults() -> None:
    """Give this thread BrainPy's defaults, if it has none (workers of dask run in threads)."""
    try:
        bm.get_mode()
    except KeyError:
        wide = jax.config.read("jax_enable_x64")
        bm.set(
            mode=bm.nonbatching_mode,
            membrane_scaling=bm.IdScaling(),
            dt=0.1,
            bool_=jnp.bool_,
            int_=jnp.int64 if wide else jnp.int32,
            float_=jnp.float64 if wide else jnp.float32,
            complex_=jnp.complex128 if wide else jnp.complex64,
            bp_object_as_pytree=False,
            numpy_func_return="bp_array",
        )
