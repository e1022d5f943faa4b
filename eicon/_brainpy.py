"""Import of BrainPy that keeps JAX's double precision and does not need a writable home directory.

Importing BrainPy switches ``jax_enable_x64`` off, regardless of the environment, and fails unless it can make a folder
for compiled kernels. All of eicon imports BrainPy from here.
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
    """Use a temporary folder for kernels if the home directory does not exist or is not writable."""
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
    """Return whether the whole process uses double precision, not only code inside ``jax.enable_x64``."""
    if os.environ.get("JAX_ENABLE_X64", "").lower() in ("1", "true", "on", "yes"):
        return True
    with ThreadPoolExecutor(1) as pool:  # contexts belong to a thread
        return bool(pool.submit(jax.config.read, "jax_enable_x64").result())


_make_folder_of_kernels()
_WIDE = _wide()

with jax.enable_x64(_WIDE):
    import brainpy as bp
    import brainpy.math as bm

if _WIDE:
    bm.enable_x64()

__all__ = ["bm", "bp"]
