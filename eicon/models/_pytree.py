"""Dataclasses as pytrees of JAX."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import jax

_T = TypeVar("_T", bound=type)


def pytree(*, leaves: Sequence[str], static: Sequence[str] = ()) -> Callable[[_T], _T]:
    """Decorate a frozen dataclass whose ``leaves`` are numbers; its ``static`` fields decide the compiled program.

    JAX fills the fields with traced objects, which type checkers (in the tests) must ignore.
    """

    def made(kind: _T) -> _T:
        kind.__no_type_check__ = True  # type: ignore[attr-defined]
        return jax.tree_util.register_dataclass(kind, data_fields=list(leaves), meta_fields=list(static))

    return made
