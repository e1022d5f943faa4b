"""What a long process gives back between one job and the next."""

import ctypes
import gc
import sys

LOWERED = (("jax._src.pjit", "_pjit_lower"), ("jax._src.interpreters.pxla", "_cached_lowering_to_hlo"))
"""JAX's caches of programs that are not yet compiled. No public function clears them alone."""


def give_back() -> None:
    """Free what is needed only to compile; nothing that is compiled already will be compiled again.

    JAX keeps the source of every program beside its compiled code, 1.2 MB each, however small; and the C library keeps
    what the compiler freed. Where a version of JAX has no such caches, or a C library no such function, they stay.
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
