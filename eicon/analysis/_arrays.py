"""The door of the analysis room: inputs become checked float64, bool or int numpy arrays here.

Nothing in this module writes into what it is given; `np.asarray` of a read-only buffer is never modified
by the callers either.
"""

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import ArrayLike

from .._numbers import whole

SILENT = 1e-6
"""A unit whose standard deviation is below this fraction of the largest modulus of all rates counts as silent."""

Span = slice | tuple[int | float, int | float] | None
Window = slice | tuple[int | float, int | float] | ArrayLike | None


def as_rates(rates: ArrayLike) -> Shaped[np.ndarray, "T B N"]:
    """Return `rates` as a float64 array (T, B, N); finiteness is left to the caller, who knows the mask."""
    array = np.asarray(rates, dtype=np.float64)
    if array.ndim != 3 or 0 in array.shape:
        raise ValueError(
            f"`rates` must be a non-empty (T, B, N) array; got shape {array.shape}. "
            "For one trial pass rates[:, None, :]."
        )
    return array


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
    array = np.asarray(mask)
    if array.shape != shape:
        raise ValueError(
            f"`{name}` must have shape (T, B) = {shape}; got {array.shape}. "
            "Arrays are time-major: steps first, trials second."
        )
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"`{name}` must hold only True/False or 0/1; got other values, as in a weighted mask.")
    return array.astype(bool)


def as_window(window: Window, shape: tuple[int, int]) -> Bool[np.ndarray, "T B"]:
    """Return the bool array (T, B) that `window` (None, slice, (start, stop) in steps, bools) stands for."""
    steps = shape[0]
    if isinstance(window, tuple):
        window = slice(*as_span(window, steps))
    if isinstance(window, slice):
        selected = np.zeros(shape, dtype=bool)
        selected[window] = True
    else:
        selected = as_mask("window", window, shape)
    if not selected.any():
        raise ValueError(
            f"`window` must select at least one of the T = {steps} steps; got the empty {window!r:.60}. "
            "It counts steps, not ms: divide times by dt."
        )
    return selected


def as_span(window: Span, n_steps: int, fewest: int = 1) -> tuple[int, int]:
    """Return the first step, and the step after the last one, that `window` (None, slice, (start, stop)) stands for."""
    if isinstance(window, slice) and window.step in (None, 1):
        edges = [None if edge is None else whole(edge, "`window`") for edge in (window.start, window.stop)]
        start, stop, _ = slice(*edges).indices(n_steps)
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


def as_choice(choice: ArrayLike, n_trials: int) -> Int[np.ndarray, "B"]:
    """Return `choice` as an int array (B,) holding 0, 1 or -1 (left out)."""
    array = np.asarray(choice)
    if array.shape != (n_trials,):
        raise ValueError(
            f"`choice` must have shape (B,) = ({n_trials},), one per trial; got {array.shape}. "
            "Per-step labels have to be reduced to one choice per trial first."
        )
    if not np.isin(array, (-1, 0, 1)).all():
        raise ValueError(
            f"`choice` must hold only 0, 1 or -1 (left out); got values {np.unique(array)[:6].tolist()}. "
            "Labels that count from 1 need 1 subtracted."
        )
    return array.astype(np.int64)


def as_excitatory(excitatory: ArrayLike | None, n_units: int) -> Bool[np.ndarray, "N"] | None:
    """Return `excitatory` as a bool array (N,), or None."""
    if excitatory is None:
        return None
    array = np.asarray(excitatory)
    if array.dtype != np.bool_ or array.shape != (n_units,):
        raise ValueError(
            f"`excitatory` must be bools, shape (N,) = ({n_units},); got {array.dtype}, shape {array.shape}. "
            "From Dale signs, pass sign > 0."
        )
    return array.copy()


def as_matrix(matrix: ArrayLike) -> Shaped[np.ndarray, "N N"]:
    """Return `matrix` as a finite float64 array (N, N)."""
    array = np.asarray(matrix, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.size == 0:
        raise ValueError(
            f"`matrix` must be square (N, N), W[pre, post]; got shape {array.shape}. "
            "Only recurrent weights have a spectrum, input and readout weights have not."
        )
    require_finite("matrix", array)
    return array


def as_series(name: str, values: ArrayLike) -> Float[np.ndarray, "T B _"]:
    """Return `values` as a non-empty float64 array (T, B, n); finiteness is left to the caller."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 3 or 0 in array.shape:
        raise ValueError(
            f"`{name}` must be a non-empty (T, B, n) array; got shape {array.shape}. "
            "Arrays are time-major: steps first, trials second; a single channel is values[:, :, None]."
        )
    return array


def as_steps(name: str, steps: ArrayLike, n_trials: int) -> Int[np.ndarray, "B"]:
    """Return one step (for all trials) or (B,) steps as an int array (B,)."""
    array = np.asarray(steps)
    if array.shape not in ((), (n_trials,)) or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"`{name}` must be an integer, or (B,) = ({n_trials},) of them, in steps; "
            f"got {array.dtype}, shape {array.shape}. Divide times in ms by dt."
        )
    return np.broadcast_to(array, (n_trials,)).astype(np.int64)


def as_labels(name: str, labels: ArrayLike, n_trials: int) -> Shaped[np.ndarray, "B"]:
    """Return one label per trial as an array (B,) without NaN."""
    array = np.asarray(labels)
    if array.shape != (n_trials,):
        raise ValueError(
            f"`{name}` must have shape (B,) = ({n_trials},), one per trial; got {array.shape}. "
            "Per-step values have to be reduced to one per trial first."
        )
    if np.issubdtype(array.dtype, np.inexact) and np.isnan(array).any():
        raise ValueError(f"`{name}` must not be NaN; got NaN for some trials. Leave such trials out first.")
    return array


def as_vector(name: str, values: ArrayLike, n_trials: int | None = None) -> Float[np.ndarray, "B"]:
    """Return one number per trial as a float64 array (B,); finiteness is left to the caller."""
    array = np.asarray(values, dtype=np.float64)
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
            "`correct` must hold only True/False, 0/1 or NaN (left out); got other values. "
            "Scores in between, as for trials without a choice, must be set to NaN or counted as errors first."
        )
    return array


def as_dt(dt: float | int) -> float:
    """Return the step in ms."""
    if not 0 < dt < np.inf:
        raise ValueError(f"`dt` must be positive and finite (ms); got {dt}.")
    return float(dt)
