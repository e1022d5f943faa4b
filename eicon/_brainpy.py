"""BrainPy, imported without losing JAX's double precision.

Importing BrainPy switches ``jax_enable_x64`` off, whatever the environment says. All of eicon takes BrainPy from here.
"""

import os

import jax

_WIDE = jax.config.read("jax_enable_x64") or os.environ.get("JAX_ENABLE_X64", "").lower() in ("1", "true", "on", "yes")

import brainpy as bp  # noqa: E402
import brainpy.math as bm  # noqa: E402

if _WIDE:
    bm.enable_x64()

__all__ = ["bm", "bp"]
