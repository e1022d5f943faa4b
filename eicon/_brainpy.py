"""BrainPy, imported without losing JAX's double precision, whether or not there is a home to write to.

Importing BrainPy switches ``jax_enable_x64`` off, whatever the environment says, and makes a folder for compiled
kernels, without which it cannot be imported. All of eicon takes BrainPy from here.
"""

import atexit
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax

_KERNELS = "BRAINEVENT_CACHE_DIR"


def _make_folder_of_kernels() -> None:
    """Where there is no home, or it cannot be written, a folder of this process stands in for the one in it."""
    if os.environ.get(_KERNELS):
        return
    try:
        folder = Path.home() / ".cache" / "brainevent"
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return
    except (OSError, RuntimeError):
        pass
    os.environ[_KERNELS] = tempfile.mkdtemp(prefix="eicon-kernels-")
    atexit.register(shutil.rmtree, os.environ[_KERNELS], ignore_errors=True)


def _wide() -> bool:
    """Whether all of the process computes in double precision, and not only what is inside ``jax.enable_x64``."""
    if os.environ.get("JAX_ENABLE_X64", "").lower() in ("1", "true", "on", "yes"):
        return True
    with ThreadPoolExecutor(1) as pool:  # contexts are those of a thread
        return bool(pool.submit(jax.config.read, "jax_enable_x64").result())


_make_folder_of_kernels()
_WIDE = _wide()

with jax.enable_x64(_WIDE):
    import brainpy as bp
    import brainpy.math as bm

if _WIDE:
    bm.enable_x64()

__all__ = ["bm", "bp"]
