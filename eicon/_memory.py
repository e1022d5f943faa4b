"""Release of memory between the jobs of a long process."""

import ctypes
import gc
import sys

LOWERED = (("jax._src.pjit", "_pjit_lower"), ("jax._src.interpreters.pxla", "_cached_lowering_to_hlo"))
"""JAX's caches of programs that are not yet compiled. No public function clears them alone."""


def give_back() -> None:
    """Free memory that is only needed for compilation; compiled programs are kept.

    JAX keeps the source of every program in addition to its compiled code, 1.2 MB each, however small; and the C
    library keeps memory that the compiler freed. Versions without these caches or functions are left alone.
    """
    gc.collect()
    for module, name in LOWERED:
        clear = getattr(getattr(sys.modules.get(module), name, None), "cache_clear", None)
        if clear is not None:
            clear()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
