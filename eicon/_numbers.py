"""Numbers from users: real and whole numbers of any type."""

from typing import Any

import numpy as np


def real(value: Any, name: str) -> float:
    """Return a number of any type as a float: 1, 0.5, np.float32(0.5), a 0-d array.

    Parameters
    ----------
    value : int, float or array of shape ()
    name : str
        Of the parameter, for the error.

    Raises
    ------
    TypeError
        If it is not a real number: a bool, text, None, an array of several.

    Examples
    --------
    >>> real(np.float32(0.5), "rate"), real(np.asarray(2), "rate")
    (0.5, 2.0)
    """
    kind = getattr(getattr(value, "dtype", None), "kind", "f" if isinstance(value, int | float) else "O")
    shape: tuple[int, ...] = getattr(value, "shape", ())
    if isinstance(value, bool) or kind not in "iuf" or shape:
        raise TypeError(f"{name} must be a number; got {value!r:.80}.")
    return float(value)


def whole(value: Any, name: str) -> int:
    """Return a whole number from an int or a whole float, of Python or NumPy: 8, 1e3, np.int64(3).

    Parameters
    ----------
    value : int or float
    name : str
        Of the parameter, for the error.

    Raises
    ------
    TypeError
        If it is not a whole number: 2.5, NaN, a bool, text, None, an array.

    Examples
    --------
    >>> whole(1e3, "steps"), whole(np.int32(3), "steps")
    (1000, 3)
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        shape = getattr(value, "shape", ())
        shown = f"an array of shape {shape}" if shape else repr(value)
        raise TypeError(f"{name} must be a whole number; got {shown:.80}.")
    if isinstance(value, float | np.floating) and not float(value).is_integer():
        raise TypeError(f"{name} must be a whole number; got {value!s}.")
    return int(value)
