"""The table of variants.

A variant is a module with ``build(n_rec: int) -> Callable[[int], None]``. ``build`` sets the network up,
and the function that it returns runs k training steps and comes back when they are done. Two optional
names refine that: ``STEPS_PER_CALL`` (module level, default 1) is the chunk of which k is always a
multiple, and ``note`` (an attribute of the returned function) is one line for the report. The first call
is one chunk long, and "start" in the report is the time from the start of the process to its end.
"""

from typing import NamedTuple


class Variant(NamedTuple):
    """Where a variant lives and which optional package it needs."""

    module: str
    requires: str | None = None


VARIANTS: dict[str, Variant] = {
    "torch": Variant("torch_loop", requires="torch"),
    "torch-hoisted": Variant("torch_hoisted", requires="torch"),
    "seed": Variant("brainpy_seed"),
    "eicon": Variant("eicon_trainer"),
    "core": Variant("eicon_core"),
    "limit": Variant("matmul_limit"),
}
