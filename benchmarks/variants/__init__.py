"""The table of variants.

A variant is a module with ``build(n_rec: int) -> Callable[[int], None]``. ``build`` sets the network up,
and the function that it returns runs k training steps and waits for their end. Two optional names add
to this: k is always a multiple of ``STEPS_PER_CALL`` (module level, default 1), and ``note`` (an
attribute of the returned function) is one line for the report. The first call runs ``STEPS_PER_CALL``
steps, and "start" in the report is the time from the start of the process to the end of this call.
"""

from typing import NamedTuple

BENCH = 'pip install -e ".[bench]"'


class Variant(NamedTuple):
    """Module of a variant, the optional package that it needs, and the command that installs that package."""

    module: str
    requires: str | None = None
    install: str = BENCH


VARIANTS: dict[str, Variant] = {
    "torch": Variant("torch_loop", requires="torch"),
    "torch-hoisted": Variant("torch_hoisted", requires="torch"),
    "neuralrnn": Variant(
        "neuralrnn_ei",
        requires="neuralrnn",
        # Not in the extra: its dependencies include an old neurogym, Jupyter and Gym, none of which is needed here.
        install=f"{BENCH} gymnasium && pip install --no-deps neuralrnn==0.4.0",
    ),
    "seed": Variant("brainpy_seed"),
    "eicon": Variant("eicon_trainer"),
    "core": Variant("eicon_core"),
    "limit": Variant("matmul_limit"),
}
