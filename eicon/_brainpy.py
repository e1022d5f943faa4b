"""BrainPy, imported without losing JAX's double precision.

Importing BrainPy switches ``jax_enable_x64`` off, whatever the environment says. All of eicon takes BrainPy from here.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import jax


def _wide() -> bool:
    """Whether all of the process computes in double precision, and not only what is inside ``jax.enable_x64``."""
    if os.environ.get("JAX_ENABLE_X64", "").lower() in ("1", "true", "on", "yes"):
        return True
    with ThreadPoolExecutor(1) as pool:  # contexts are those of a thread
        return bool(pool.submit(jax.config.read, "jax_enable_x64").result())


_WIDE = _wide()

with jax.enable_x64(_WIDE):
    import brainpy as bp
    import brainpy.math as bm

if _WIDE:
    bm.enable_x64()

__all__ = ["bm", "bp"]
