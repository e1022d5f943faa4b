"""Input checks for `eicon.analysis`: inputs become checked float64, bool or int numpy arrays.

Nothing in this module writes into its inputs, and callers never modify the `np.asarray` of a read-only buffer.
The same rules apply to every input: masked arrays, complex numbers, text and objects that are not numbers are
rejected where numbers are expected; pandas columns are accepted, with NA as NaN; an xarray DataArray is read by the
names of its dimensions, which are those that `eicon.exchange` writes; of anything with ``rates`` (the result of a
network's `predict`, a dataset from `to_xarray`, condition averages), the rates are used.
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import ArrayLike

from .._given import by_name as by_name
from .._given import is_named as is_named
from .._given import numbers as numbers
from .._given import plain as plain
from .._numbers import real, whole

SILENT = 1e-6
"""A unit whose standard deviation is below this fraction of the largest modulus of its rates counts as silent."""
LEVEL = 1e-6
"""Numbers that differ by less than this fraction of their range count as one level."""
NO_ANSWER = -1
ALSO_TRIALS = ("trial", "condition")
LAST = ("unit", "component", "output", "input")
"""Names of the last dimension of a (T, B, n) array."""


@runtime_checkable
class HasRates(Protocol):
    """Anything with rates (T, B, N), such as the result of a network's `predict`."""

    @property
    def rates(self) -> Any:
        """Rates (T, B, N)."""


Span = slice | tuple[int | float, int | float] | None
Window = slice | tuple[int | float, int | float] | ArrayLike | None
Rates = ArrayLike | HasRates


def named_like(source: Any, values: np.ndarray, dims: tuple[Any, ...], **new: Any) -> Any:
    """Return `values` as a DataArray with the coordinates of `source` if that has named dimensions, else unchanged.

    ``dims``: a leading ellipsis stands for all dimensions of `source` except that of the units.
    ``new``: coordinates of dimensions, in place of those of `source`.
    """
    source = rates_of(source)
    if not is_named(source):
        return values
    if "trial" not in source.dims:
        dims = tuple("condition" if dim == "trial" else dim for dim in dims)
    if dims[0] is ...:
        dims = (*(str(dim) for dim in source.dims if dim not in LAST), *dims[1:])
    kept = {
        name: coordinate
        for name, coordinate in source.coords.items()
        if set(coordinate.dims) <= set(dims) - set(new)
        and all(values.shape[dims.index(dim)] == source.sizes[dim] for dim in coordinate.dims)
    }
    return type(source)(values, dims=dims, coords={**kept, **new})


def rates_of(given: Any) -> Any:
    """Return the rates of an object that has ``rates``; return anything else, such as an array, unchanged."""
    return given.rates if hasattr(given, "rates") and not hasattr(given, "held") else given


def as_rates(rates: Any, name: str = "rates") -> Float[np.ndarray, "T B N"]:
    """Return `rates` as a float64 array (T, B, N); finiteness is left to the caller, who knows the mask.

    A DataArray is read by the names time, trial (or condition) and unit; of an object with ``rates``, these are used.
    """
    array = numbers(name, by_name(name, rates_of(rates), (("time",), ALSO_TRIALS, LAST)))
    if array.ndim != 3 or 0 in array.shape:
        raise ValueError(
            f"`{name}` must be a non-empty (T, B, N) array; got shape {array.shape}. "
            f"For one trial pass {name}[:, None, :]."
        )
    return array


def as_projected(rates: Any, n_units: int, found: str) -> Float[np.ndarray, "... N"]:
    """Return `rates` (..., N) as float64, for directions in the space of `n_units` that were found earlier."""
    rates = rates_of(rates)
    if is_named(rates) and (units := [dim for dim in rates.dims if dim in LAST]):
        rates = rates.transpose(..., *units)
    values = numbers("rates", rates)
    if values.ndim == 0 or values.shape[-1] != n_units:
        raise ValueError(
            f"`rates` must have N = {n_units} units on the last axis; got shape {values.shape}. "
            f"Project only the network that the {found} were fitted on."
        )
    return values


def steps_of(rates: Any, mask: Any) -> Any:
    """Return `mask`, or without one the steps marked as inside by `rates` itself (aligned trials, averages)."""
    return getattr(rates, "inside", None) if mask is None else mask


def is_constant(samples: Float[np.ndarray, "S ..."]) -> bool:
    """Return True if samples are equal up to the rounding of means."""
    return bool((np.ptp(samples, axis=0) <= 1e-12 * np.abs(samples).max()).all())


def as_alpha(alpha: Any) -> float:
    """Return the level of a test, in (0, 1]."""
    if not 0.0 < (level := real(alpha, "`alpha`")) <= 1.0:
        raise ValueError(f"`alpha` must be in (0, 1], such as 0.05; got {alpha}. Divide percentages by 100.")
    return level


def as_flag(name: str, value: Any, more: str = "") -> bool:
    """Return a bool; reject anything else, which would count as True."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"`{name}` must be True or False; got {value!r:.40}.{more}")
    return bool(value)


def whole_array(name: str, values: Any) -> Shaped[np.ndarray, "..."]:
    """Return integers, or floats that are whole, as an int array; return anything else unchanged."""
    array = plain(name, values)
    is_whole = array.dtype.kind in "iu" or (
        array.dtype.kind == "f" and np.isfinite(array).all() and not (array % 1).any()
    )
    return array.astype(np.int64) if is_whole else array


def require_finite(name: str, values: np.ndarray) -> None:
    """Raise ValueError if any of `values` is NaN or infinite."""
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise ValueError(
            f"`{name}` must be finite; got {bad} NaN or infinite values among the {values.size} used. "
            "The network may have diverged, or padded steps are not masked out."
        )


def as_mask(name: str, mask: ArrayLike | None, shape: tuple[int, int]) -> Bool[np.ndarray, "T B"]:
    """Return a bool array (T, B) from bools or zeros and ones; None means every step of every trial."""
    if mask is None:
        return np.ones(shape, dtype=bool)
    array = plain(name, by_name(name, mask, (("time",), ALSO_TRIALS)))
    if array.shape != shape:
        more = "Arrays are time-major: steps first, trials second."
        if array.shape == shape[::-1]:
            more = f"It would fit rates with the first two axes exchanged: are the rates (B, T, N)? {more}"
        raise ValueError(f"`{name}` must have shape (T, B) = {shape}; got {array.shape}. {more}")
    if array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise ValueError(f"`{name}` must contain only True/False or 0/1; got other values, as in a weighted mask.")
    return array.astype(bool)


def as_window(window: Window, shape: tuple[int, int]) -> Bool[np.ndarray, "T B"]:
    """Return the bool array (T, B) that `window` (None, slice, (start, stop) in steps, bools) stands for."""
    steps = shape[0]
    if isinstance(window, tuple):
        window = slice(*as_span(window, steps))
    if isinstance(window, slice):
        selected = np.zeros(shape, dtype=bool)
        step = None if window.step is None else whole(window.step, "`window`")
        selected[slice(*_edges(window, steps), step)] = True
    else:
        selected = as_mask("window", window, shape)
    if not selected.any():
        raise ValueError(
            f"`window` must select at least one of the T = {steps} steps; got the empty {window!r:.60}. "
            "It counts steps, not ms: divide times by dt."
        )
    return selected


def _edges(window: slice, n_steps: int) -> tuple[int | None, int | None]:
    """Start and stop of a slice, which may count from the end, but not go beyond it."""
    start, stop = (None if edge is None else whole(edge, "`window`") for edge in (window.start, window.stop))
    if max(start or 0, stop or 0) > n_steps:
        raise ValueError(
            f"`window` must lie within the T = {n_steps} steps; got {window}. "
            "It counts steps, not ms: divide times by dt."
        )
    return start, stop


def as_span(window: Span, n_steps: int, fewest: int = 1) -> tuple[int, int]:
    """Return the first step, and the step after the last one, that `window` (None, slice, (start, stop)) stands for."""
    if isinstance(window, slice) and window.step in (None, 1):
        start, stop, _ = slice(*_edges(window, n_steps)).indices(n_steps)
    elif window is None:
        start, stop = 0, n_steps
    elif isinstance(window, tuple | list) and len(window) == 2:
        start, stop = (whole(edge, "`window`") for edge in window)
    else:
        raise ValueError(f"`window` must be (start, stop) or a slice of consecutive steps; got {window!r:.60}.")
    if not 0 <= start < stop <= n_steps or stop - start < fewest:
        more = f" and more than {fewest - 1} steps" if fewest > 1 else ""
        raise ValueError(
            f"`window` must be (start, stop) with 0 <= start < stop <= T = {n_steps}{more}; got ({start}, {stop}). "
            "It counts steps, not ms: divide times by dt."
        )
    return start, stop


def as_choice(choice: Any, n_trials: int, *, n_choices: int | None = 2) -> Int[np.ndarray, "B"]:
    """Return `choice` as an int array (B,): 0, 1, ..., or -1 for no answer (also given as NaN, None or pandas' NA).

    ``n_choices``: number of choices; None for any number.
    """
    array = plain("choice", choice)
    if array.shape != (n_trials,):
        raise ValueError(
            f"`choice` must have shape (B,) = ({n_trials},), one per trial; got {array.shape}. "
            "Reduce per-step labels to one choice per trial first."
        )
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`choice` must contain whole numbers >= 0, -1 for no answer; got {array.dtype}.")
    none = np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.shape, dtype=bool)
    answers = np.where(none, NO_ANSWER, array)
    found = np.unique(answers)
    if found.tolist() == [-1, 1] and not none.any():
        raise ValueError(
            "`choice` must contain whole numbers >= 0, -1 for no answer; got only -1 and 1, of which half would be "
            "left out. If -1 is the other choice, pass (choice > 0)."
        )
    odd = (found < NO_ANSWER) | (found % 1 != 0)
    if odd.any() or (n_choices is not None and found.size and found[-1] >= n_choices):
        allowed = "whole numbers >= 0" if n_choices is None else " or ".join(map(str, range(n_choices)))
        more = "Subtract 1 from labels that count from 1." if not odd.any() else "Stimulus levels are not choices."
        raise ValueError(
            f"`choice` must contain only {allowed}, and -1 or NaN for no answer (left out); "
            f"got values {found[:6].tolist()}. {more}"
        )
    return answers.astype(np.int64)


def as_excitatory(excitatory: ArrayLike | None, n_units: int) -> Bool[np.ndarray, "N"] | None:
    """Return `excitatory` as a bool array (N,), or None; it may be given as Dale signs, or as the letters E and I."""
    if excitatory is None:
        return None
    array = plain("excitatory", excitatory)
    if array.dtype.kind == "i" and array.size and np.isin(array, (-1, 1)).all():
        array = array > 0
    elif array.dtype.kind == "U" and array.size and np.isin(array, ("E", "I")).all():
        array = array == "E"
    if array.dtype != np.bool_ or array.shape != (n_units,):
        raise ValueError(
            f"`excitatory` must be bools, shape (N,) = ({n_units},); got {array.dtype}, shape {array.shape}. "
            'From Dale signs with zeros, pass sign > 0; from other labels, types == "E".'
        )
    return array.copy()


def as_matrix(matrix: Any, name: str = "matrix", *, complex_too: bool = False) -> Shaped[np.ndarray, "N N"]:
    """Return `matrix` as a finite array (N, N), float64, or complex128 where that is allowed and it is complex.

    Of a network, or anything else with ``recurrent`` weights, these weights are used.
    """
    if not hasattr(matrix, "__array__"):
        matrix = getattr(matrix, "recurrent", matrix)
        matrix = matrix.matrix() if callable(getattr(matrix, "matrix", None)) else matrix
    matrix = in_order(matrix)
    is_complex = complex_too and plain(name, matrix).dtype.kind == "c"
    array = np.array(matrix, dtype=np.complex128) if is_complex else numbers(name, matrix)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.size == 0:
        raise ValueError(
            f"`{name}` must be square (N, N), W[pre, post]; got shape {array.shape}. "
            "Only recurrent weights have a spectrum; input and readout weights do not."
        )
    require_finite(name, array)
    return array


def in_order(weights: Any) -> Any:
    """Order the weights [pre, post] of a DataArray with these dimensions, or of a table with named units, by name."""
    if is_named(weights) and set(weights.dims) == {"pre", "post"}:
        return weights.transpose("pre", "post")
    if hasattr(weights, "columns") and hasattr(weights, "index"):
        rows, columns = list(weights.index), list(weights.columns)
        if rows != columns and len(set(rows)) == len(rows) == len(columns) and set(rows) == set(columns):
            return weights[rows]
    return weights


def as_series(name: str, values: Any) -> Float[np.ndarray, "T B _"]:
    """Return `values` as a non-empty float64 array (T, B, n); finiteness is left to the caller."""
    array = numbers(name, by_name(name, rates_of(values), (("time",), ALSO_TRIALS, LAST)))
    if array.ndim != 3 or 0 in array.shape:
        raise ValueError(
            f"`{name}` must be a non-empty (T, B, n) array; got shape {array.shape}. "
            "Arrays are time-major: steps first, trials second; a single channel is values[:, :, None]."
        )
    return array


def require_function(name: str, function: Any, usage: str) -> None:
    """Raise TypeError unless `function` is a function; a network is rejected, being ambiguous."""
    if hasattr(function, "held") or not callable(function):
        raise TypeError(f"`{name}` must be a function of states; got {type(function).__name__}. {usage}")


def silent_below(largest: Float[np.ndarray, "N"]) -> Float[np.ndarray, "N"]:
    """Standard deviation up to which each unit counts as silent, from the largest modulus of its rates.

    `SILENT` times that, or times the level that half of the active units reach: huge rates in one unit affect no other.
    """
    active = largest[largest > 0.0]
    return SILENT * np.maximum(largest, np.median(active) if active.size else 0.0)


def as_steps(name: str, steps: ArrayLike, n_trials: int) -> Int[np.ndarray, "B"]:
    """Return one step (for all trials) or (B,) steps as an int array (B,); NaN as -1."""
    array = plain(name, steps)
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), -1.0, array)
    array = whole_array(name, array)
    if array.shape not in ((), (n_trials,)) or array.dtype.kind not in "iu":
        raise ValueError(
            f"`{name}` must be an integer, or (B,) = ({n_trials},) of them, in steps; "
            f"got {array.dtype}, shape {array.shape}. Divide times in ms by dt."
        )
    return np.broadcast_to(array, (n_trials,)).astype(np.int64)


def as_labels(
    name: str, labels: Any, n_trials: int, *, shape: tuple[int, ...] | None = None
) -> Shaped[np.ndarray, "B"]:
    """Return one label per trial as an array (B,) without NaN; numbers that are nearly equal become one.

    ``shape``: shape of the rates, for the error message.
    """
    array = plain(name, labels)
    if array.shape != (n_trials,):
        more = "Reduce per-step values to one per trial first."
        if shape is not None and array.shape == shape[:1]:
            more = (
                f"Their number is the number of steps of the rates {shape}: arrays are time-major, (T, B, N); these "
                "may be (B, T, N)."
            )
        elif shape is not None and array.shape == shape[2:3]:
            more = (
                f"Their number is the number of units of the rates {shape}: arrays are (T, B, N); these may be in "
                "a different order."
            )
        raise ValueError(f"`{name}` must have shape (B,) = ({n_trials},), one per trial; got {array.shape}. {more}")
    if array.dtype.kind not in "biufUS":
        raise TypeError(f"`{name}` must contain real numbers or text; got {array.dtype}.")
    if array.dtype.kind == "f":
        if np.isnan(array).any():
            raise ValueError(f"`{name}` must not be NaN; got NaN for some trials. Leave such trials out first.")
        levels, index = levels_of(array)
        return levels[index]
    return array


def levels_of(values: ArrayLike) -> tuple[Shaped[np.ndarray, "L"], Int[np.ndarray, "B"]]:
    """Return the distinct values, ascending, and for each of `values` the index of its level.

    Floats that differ by less than `LEVEL` of their range (or by no more than float32 rounding) are one level: the most
    frequent of them, or of equally frequent ones the one with the fewest digits. If all are whole, like dates and
    subject numbers, none are rounded, and all distinct values are levels. NaN is not a level; its index is -1.
    """
    array = np.asarray(values)
    if array.dtype.kind != "f" or not array.size:
        levels, index = np.unique(array, return_inverse=True)
        return levels, index.reshape(array.shape)
    array = array.astype(np.float64) + 0.0  # no -0
    known = ~np.isnan(array)
    if not known.any():
        return array[:0], np.full(array.shape, -1)
    single, place, count = np.unique(array[known], return_inverse=True, return_counts=True)
    finite = single[np.isfinite(single)]
    within = max(LEVEL * np.ptp(finite), 1e-7 * np.abs(finite).max()) if finite.size else 0.0
    if not (finite % 1).any() or (np.diff(single) > within).all():
        index = np.full(array.shape, -1)
        index[known] = place.reshape(-1)
        return single, index
    firsts = [0]
    while (following := int(np.searchsorted(single, single[firsts[-1]] + within, side="right"))) < single.size:
        firsts.append(max(following, firsts[-1] + 1))
    stops = [*firsts[1:], single.size]
    levels = single[[_one_of(single, count, range(*span)) for span in zip(firsts, stops, strict=True)]]
    index = np.full(array.shape, -1)
    index[known] = (np.searchsorted(firsts, np.arange(single.size), side="right") - 1)[place.reshape(-1)]
    return levels, index


def _one_of(values: np.ndarray, count: np.ndarray, members: range) -> int:
    if len(members) == 1:
        return members[0]
    return max(members, key=lambda i: (count[i], -len(repr(float(values[i])))))


def as_vector(name: str, values: Any, n_trials: int | None = None) -> Float[np.ndarray, "B"]:
    """Return one number per trial as a float64 array (B,); finiteness is left to the caller."""
    array = numbers(name, values)
    if array.ndim != 1 or not array.size or (n_trials is not None and array.size != n_trials):
        wanted = "non-empty (B,)" if n_trials is None else f"(B,) = ({n_trials},)"
        raise ValueError(f"`{name}` must be {wanted}, one number per trial; got shape {array.shape}.")
    return array


def as_strength(strength: ArrayLike, name: str = "strength") -> Float[np.ndarray, "B"]:
    """Return unsigned, finite stimulus strengths (B,)."""
    array = as_vector(name, strength)
    require_finite(name, array)
    if (array < 0).any():
        raise ValueError(
            f"`{name}` must be >= 0; got values down to {array.min():g}. "
            "It is the size of the evidence: pass abs() of a signed coherence."
        )
    return array


def as_correct(correct: ArrayLike, n_trials: int) -> Float[np.ndarray, "B"]:
    """Return (B,) floats: 1 right, 0 wrong, NaN left out."""
    array = as_vector("correct", correct, n_trials)
    if not (np.isnan(array) | (array == 0) | (array == 1)).all():
        raise ValueError(
            "`correct` must contain only True/False, 0/1 or NaN (left out); got other values. "
            "Scores in between, as for trials without a choice, must be set to NaN or counted as errors first."
        )
    return array


def as_dt(dt: Any) -> float:
    """Return the step in ms."""
    if not 0 < (step := real(dt, "`dt`")) < np.inf:
        raise ValueError(f"`dt` must be positive and finite (ms); got {dt}.")
    return step


def as_tau(tau: Any, dt: Any, name: str = "tau") -> float:
    """Return the time constant in ms, checked against steps of `dt` ms; one, or several that are equal.

    Raises
    ------
    ValueError
        If the time constant is shorter than the step, which no leaky unit allows, or the constants differ.
    """
    array = numbers(name, tau)
    if not array.size or not np.isfinite(array).all() or (array <= 0).any():
        raise ValueError(f"`{name}` must be positive and finite (ms); got {tau}.")
    # 1e-5 accepts constants that were equal in float32
    if np.ptp(array) > 1e-5 * array.max():
        raise ValueError(
            f"`{name}` must be one time constant; got {array.size}, from {array.min():g} to {array.max():g} ms. "
            "To use one for all units, pass net.tau.mean()."
        )
    found, step = float(array.flat[0]), as_dt(dt)
    require_same_unit(step, found, name)
    return found


def require_same_unit(dt: float, tau: float, name: str = "tau") -> None:
    """Raise ValueError if the shortest time constant is shorter than the step: one of them is not in ms."""
    if tau < dt * (1 - 1e-5):
        raise ValueError(
            f"`{name}` must be at least dt, both in ms; got {name} {tau:g} and dt {dt:g}. Is {name} in seconds?"
        )
