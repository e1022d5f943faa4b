"""Arrays as users give them: of NumPy, JAX, pandas or xarray, or lists."""

from typing import Any

import numpy as np
from jaxtyping import Shaped


def plain(name: str, values: Any) -> np.ndarray:
    """Return `values` as a numpy array of bools, numbers or text; missing ones (None, NaN, pandas' NA) as NaN.

    Raises
    ------
    TypeError
        For masked and sparse arrays, and for anything that is neither number nor text.
    ValueError
        For lists whose rows have different lengths.
    """
    if hasattr(values, "held"):
        raise TypeError(f"`{name}` must be an array; got a network. Pass what it does in trials, net.predict(trial).")
    if hasattr(values, "_fields"):
        fields = ", ".join(values._fields[:6])
        raise TypeError(f"`{name}` must be an array; got {type(values).__name__}. Pass one of its arrays ({fields}).")
    parts = values if isinstance(values, list | tuple) else (values,)
    if any(isinstance(part, np.ma.MaskedArray) for part in parts):
        raise TypeError(
            f"`{name}` must not be a masked array, whose hidden values would count; "
            "leave such trials out, pass a `mask` where there is one, or NaN from .filled(numpy.nan)."
        )
    if values is None or isinstance(values, dict | set) or hasattr(values, "tocsr"):
        shown = "None" if values is None else f"a {type(values).__name__}"
        more = " Of a sparse array pass .toarray()." if hasattr(values, "tocsr") else ""
        raise TypeError(f"`{name}` must be an array; got {shown}.{more}")
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"`{name}` must be one array; got rows of different lengths.") from None
    except TypeError:
        raise TypeError(f"`{name}` must be an array; got {type(values).__name__}.") from None
    if array.dtype.kind == "T":  # numpy's text of any length
        array = array.astype(object)
    if array.dtype.kind == "V" and array.dtype.names is None:
        if not np.can_cast(array.dtype, np.float64):
            raise TypeError(f"`{name}` must hold numbers or text; got {array.dtype}.")
        return array.astype(np.float64)  # bfloat16 and its kind, which numpy does not know
    return _unboxed(name, array) if array.dtype.kind == "O" else array


def _unboxed(name: str, array: np.ndarray) -> np.ndarray:
    """Array of objects as one of floats, or of text."""
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
                "Leave such trials out first."
            )
        return array.astype(np.str_)
    kinds = sorted({type(item).__name__ for item in known})
    raise TypeError(f"`{name}` must hold numbers or text; got objects ({', '.join(kinds[:4])}).")


def numbers(name: str, values: Any, dtype: Any = np.float64) -> Shaped[np.ndarray, "..."]:
    """Return `values` as an array of any shape, of float64, or of its own type for ``dtype=None``; NaN may be in it.

    Raises
    ------
    TypeError
        If it holds no real numbers.
    """
    array = plain(name, values)
    if array.dtype.kind == "c":
        raise TypeError(f"`{name}` must be real; got complex numbers. Pass .real, if the rest is rounding, or abs().")
    if array.dtype.kind in "USmM" or array.dtype.names:
        raise TypeError(f"`{name}` must hold numbers; got {array.dtype}.")
    return array if dtype is None else array.astype(dtype)


def is_named(values: Any) -> bool:
    """Whether `values` is an xarray DataArray."""
    return hasattr(values, "dims") and hasattr(values, "coords") and hasattr(values, "transpose")


def by_name(name: str, values: Any, dims: tuple[tuple[str, ...], ...]) -> Any:
    """Return a DataArray with its dimensions in the order of `dims`, for each of which several names may do.

    Anything else is returned as it is.
    """
    if not is_named(values):
        return values
    names = [str(dim) for dim in values.dims]
    order = [next((dim for dim in allowed if dim in names), None) for allowed in dims]
    wanted = ", ".join(allowed[0] for allowed in dims)
    if lacking := [allowed[0] for allowed, dim in zip(dims, order, strict=True) if dim is None]:
        raise ValueError(
            f"`{name}` must have the dimensions {wanted}; got {', '.join(names) or 'none'}, without {lacking[0]}. "
            f"One {lacking[0]} is kept as a dimension by isel({lacking[0]}=[0]); other names are changed by .rename()."
        )
    if unknown := [dim for dim in names if dim not in order]:
        raise ValueError(
            f"`{name}` must have the dimensions {wanted}; got {', '.join(names)}. "
            f"Select or average over {unknown[0]} first."
        )
    return values.transpose(*order)


def as_inputs(given: Any) -> Any:
    """Inputs of trials: those of what has some, such as a `Trial`, and of a DataArray (time, trial, input) by name.

    Raises
    ------
    TypeError
        For masked arrays, complex numbers, text and objects.
    ValueError
        For a DataArray with other dimensions.
    """
    inputs = given.inputs if hasattr(given, "inputs") else given
    if type(inputs).__module__.startswith(("jax", "brainpy")):
        return inputs
    return numbers("inputs", by_name("inputs", inputs, (("time",), ("trial",), ("input",))), dtype=None)
