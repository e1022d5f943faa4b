"""Arrays from users: of NumPy, JAX, pandas or xarray, or lists."""

from typing import Any

import numpy as np
from jaxtyping import Shaped


def plain(name: str, values: Any) -> np.ndarray:
    """Return `values` as a numpy array of bools, numbers or text; missing ones (None, NaN, pandas' NA) as NaN.

    Raises
    ------
    TypeError
        For masked and sparse arrays, and for values that are neither numbers nor text.
    ValueError
        For lists whose rows have different lengths.
    """
    if hasattr(values, "held"):
        raise TypeError(f"`{name}` must be an array; got a network. Pass its activity in trials, net.predict(trial).")
    if hasattr(values, "_fields"):
        fields = ", ".join(values._fields[:6])
        raise TypeError(f"`{name}` must be an array; got {type(values).__name__}. Pass one of its arrays ({fields}).")
    parts = values if isinstance(values, list | tuple) else (values,)
    if any(isinstance(part, np.ma.MaskedArray) for part in parts):
        raise TypeError(
            f"`{name}` must not be a masked array, whose masked values would be used; leave out such trials, pass a "
            "`mask` if the function has one, or use NaN from .filled(numpy.nan)."
        )
    if values is None or isinstance(values, dict | set) or hasattr(values, "tocsr"):
        shown = "None" if values is None else f"a {type(values).__name__}"
        more = " Convert a sparse array with .toarray()." if hasattr(values, "tocsr") else ""
        raise TypeError(f"`{name}` must be an array; got {shown}.{more}")
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"`{name}` must be one array; got rows of different lengths.") from None
    except TypeError:
        raise TypeError(f"`{name}` must be an array; got {type(values).__name__}.") from None
    if array.dtype.kind == "T":  # numpy's text of variable length
        array = array.astype(object)
    if array.dtype.kind == "V" and array.dtype.names is None:
        if not np.can_cast(array.dtype, np.float64):
            raise TypeError(f"`{name}` must contain numbers or text; got {array.dtype}.")
        return array.astype(np.float64)  # bfloat16 and similar types, unknown to numpy
    return _unboxed(name, array) if array.dtype.kind == "O" else array


def _unboxed(name: str, array: np.ndarray) -> np.ndarray:
    """Convert an array of objects to floats or text."""
    items = list(array.ravel())
    missing = [
        item is None or type(item).__name__ in ("NAType", "NaTType") or (isinstance(item, float) and item != item)
        for item in items
    ]
    known = [item for item, none in zip(items, missing, strict=True) if not none]
    if known and not any(missing) and np.asarray(known).dtype.kind in "biu":
        return np.asarray(known).reshape(array.shape)
    if all(isinstance(item, bool | int | float | np.bool_ | np.integer | np.floating) for item in known):
        found = [np.nan if none else float(item) for item, none in zip(items, missing, strict=True)]
        return np.array(found, dtype=np.float64).reshape(array.shape)
    if all(isinstance(item, str) for item in known):
        if any(missing):
            raise ValueError(
                f"`{name}` must have a label for each trial; got {sum(missing)} without (None or NA). "
                "Leave out such trials first."
            )
        return array.astype(np.str_)
    kinds = sorted({type(item).__name__ for item in known})
    raise TypeError(f"`{name}` must contain numbers or text; got objects ({', '.join(kinds[:4])}).")


def numbers(name: str, values: Any, dtype: Any = np.float64) -> Shaped[np.ndarray, "..."]:
    """Return `values` as an array of any shape, of float64, or of its own type for ``dtype=None``; NaN is allowed.

    Raises
    ------
    TypeError
        If it does not contain real numbers.
    """
    array = plain(name, values)
    if array.dtype.kind == "c":
        raise TypeError(f"`{name}` must be real; got complex numbers. Pass .real or abs().")
    if array.dtype.kind in "USmM" or array.dtype.names:
        raise TypeError(f"`{name}` must contain numbers; got {array.dtype}.")
    return array if dtype is None else array.astype(dtype)


def is_named(values: Any) -> bool:
    """Return whether `values` is an xarray DataArray."""
    return hasattr(values, "dims") and hasattr(values, "coords") and hasattr(values, "transpose")


def by_name(name: str, values: Any, dims: tuple[tuple[str, ...], ...]) -> Any:
    """Return a DataArray with its dimensions in the order of `dims`, each with several allowed names.

    Anything else is returned unchanged.
    """
    if not is_named(values):
        return values
    names = [str(dim) for dim in values.dims]
    order = [next((dim for dim in allowed if dim in names), None) for allowed in dims]
    wanted = ", ".join(allowed[0] for allowed in dims)
    if lacking := [allowed[0] for allowed, dim in zip(dims, order, strict=True) if dim is None]:
        raise ValueError(
            f"`{name}` must have the dimensions {wanted}; got {', '.join(names) or 'none'}, without {lacking[0]}. "
            f"To keep a single {lacking[0]} as a dimension use isel({lacking[0]}=[0]); change other names by .rename()."
        )
    if unknown := [dim for dim in names if dim not in order]:
        raise ValueError(
            f"`{name}` must have the dimensions {wanted}; got {', '.join(names)}. "
            f"Select or average over {unknown[0]} first."
        )
    return values.transpose(*order)


def as_inputs(given: Any) -> Any:
    """Return the inputs of trials: from an object with ``inputs``, such as a `Trial`, an array, or a DataArray by name.

    Raises
    ------
    TypeError
        For masked arrays, complex numbers, text and objects.
    ValueError
        For a DataArray with dimensions other than time, trial and input.
    """
    inputs = given.inputs if hasattr(given, "inputs") else given
    if type(inputs).__module__.startswith(("jax", "brainpy")):
        return inputs
    return numbers("inputs", by_name("inputs", inputs, (("time",), ("trial",), ("input",))), dtype=None)
