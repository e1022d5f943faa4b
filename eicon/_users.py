"""Errors of user code that JAX traces, in one line that names the line of the user's file."""

import linecache
import os
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jax

_NUMPY = "NumPy (or another library that is not JAX) was given a value that is not known yet: use jax.numpy instead"
_IF = (
    "a decision in Python (if, while, and, or, not, min, max) depends on a value that is not known yet: "
    "use jnp.where instead of if, and & | ~ instead of and, or, not"
)
_NUMBER = (
    "float(), int(), .item() or a function of math was given a value that is not known yet: keep it an array, "
    "and use functions of jax.numpy"
)
_INDEX = (
    "a list was indexed, or range() was called, with a value that is not known yet: index an array of jax.numpy, "
    "and use jax.lax.fori_loop for loops"
)
_SHAPE = "a shape depends on a value that is not known yet: shapes are fixed when a program is compiled"
_SELECT = "x[condition] has a length that is not known yet: use jnp.where(condition, x, 0)"
_KEPT = "a value of an earlier call was kept, in a global, an attribute or a list: return it instead"
_ASSIGNED = "arrays of JAX cannot be assigned to: write x = x.at[i].set(value) instead of x[i] = value"

_LIBRARIES = {"eicon", "jax", "jaxlib", "numpy", "brainpy", "scipy", "jaxtyping", "beartype"}
_FOLDERS = tuple(
    {os.path.realpath(sysconfig.get_path(kind)) + os.sep for kind in ("purelib", "platlib", "stdlib", "platstdlib")}
)


@contextmanager
def users_code(what: str) -> Iterator[None]:
    """Explain in one line why JAX cannot trace a user's callable; all other errors pass.

    Parameters
    ----------
    what : str
        Name of the code, e.g. ``"the loss `f`"`` (`named`), the start of the message.

    Raises
    ------
    TypeError
        Replaces JAX's errors about values that are unknown while a program is compiled. Frames of JAX are omitted; the
        original error is its ``__context__``.
    """
    try:
        yield
    except Exception as error:
        cause = _cause(error)
        if cause is None:
            raise
        raise TypeError(f"{what} cannot be compiled{_where(error.__traceback__)}: {cause}.") from None


def named(kind: str, function: Any) -> str:
    """Return kind and name of a user's callable, for errors: ``the loss `f` ``, ``the loss `Ridge` ``."""
    name = getattr(function, "__qualname__", None) or type(function).__name__
    return f"the {kind} `{name.rpartition('<locals>.')[2]}`"


def scalar(value: Any, name: str) -> "jax.Array":
    """Check that a user's callable returned one real number, and return it as an array of shape ().

    Parameters
    ----------
    value
        Returned value.
    name : str
        Name of the callable, for the error (`named`).

    Raises
    ------
    TypeError
        If it is not a number: None, a tuple, a text, a complex number.
    ValueError
        If it is an array whose shape is not ().
    """
    import jax.numpy as jnp

    if value is None:
        raise TypeError(f"{name} returned None; it must return one number: is a return missing?")
    if isinstance(value, tuple | list | dict | str | set):
        raise TypeError(f"{name} returned a {type(value).__name__}; it must return one number, without anything else.")
    try:
        array = jnp.asarray(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} returned {type(value).__name__}; it must return one number.") from None
    if array.shape != ():
        raise ValueError(
            f"{name} returned an array of shape {array.shape}; it must return one number, "
            "e.g. the jnp.mean of what it returned."
        )
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        raise TypeError(f"{name} returned a complex number; it must return a real one.")
    return array if jnp.issubdtype(array.dtype, jnp.floating) else array.astype(float)


def _cause(error: Exception) -> str | None:
    for begins, words in (("JAX arrays are immutable", _ASSIGNED), ("Shapes must be 1D sequences of concrete", _SHAPE)):
        if isinstance(error, TypeError) and str(error).startswith(begins):
            return words
    if "jax" not in sys.modules:
        return None
    from jax import errors

    # The first match counts, because errors about truth values are a subclass of those about concrete values.
    table: tuple[tuple[type[Exception], str], ...] = (
        (errors.TracerArrayConversionError, _NUMPY),
        (errors.TracerBoolConversionError, _IF),
        (errors.TracerIntegerConversionError, _INDEX),
        (errors.NonConcreteBooleanIndexError, _SELECT),
        (errors.UnexpectedTracerError, _KEPT),
        (errors.ConcretizationTypeError, _NUMBER),
    )
    return next((words for kind, words in table if isinstance(error, kind)), None)


def _where(found: TracebackType | None) -> str:
    """Return the location of the innermost user frame: file, line and text."""
    theirs = ""
    for frame, line in traceback.walk_tb(found):
        path = frame.f_code.co_filename
        module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if module in _LIBRARIES or os.path.realpath(path).startswith(_FOLDERS):
            continue
        text = linecache.getline(path, line, frame.f_globals).strip()
        theirs = f" ({Path(path).name}, line {line}{f': {text}' if text else ''})"
    return theirs
