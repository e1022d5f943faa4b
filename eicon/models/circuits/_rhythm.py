"""Times, period and phases of a rhythm."""

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from ..._numbers import whole as as_whole


def onsets(time: ArrayLike, signal: ArrayLike, *, level: float | None = None) -> Float[np.ndarray, "K"]:
    """Find the times at which a signal crosses a level upwards, interpolated between steps.

    Parameters
    ----------
    time : (T,) array
        ms, ascending.
    signal : (T,) array
        Signal, for instance the output of one population.
    level : float, optional
        Level; None for the middle between the smallest and the largest value.

    Returns
    -------
    (K,) float array
        ms.

    Raises
    ------
    ValueError
        If shapes do not match or a value is not finite.

    Examples
    --------
    >>> onsets([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 0.0, 2.0], level=0.5).tolist()
    [0.5, 2.25]
    """
    times, values = np.asarray(time, dtype=np.float64), np.asarray(signal, dtype=np.float64)
    if times.ndim != 1 or times.shape != values.shape or times.size < 2 or not np.isfinite(values).all():
        raise ValueError(
            f"`time` and `signal` must be finite (T,) arrays, T >= 2; got shapes {times.shape} and {values.shape}. "
            "Take one trial and one population."
        )
    middle = 0.5 * (values.min() + values.max()) if level is None else level
    before = np.flatnonzero((values[:-1] < middle) & (values[1:] >= middle))
    part = (middle - values[before]) / (values[before + 1] - values[before])
    return times[before] + part * (times[before + 1] - times[before])


def period(time: ArrayLike, signal: ArrayLike, *, level: float | None = None, cycles: int | float = 3) -> float:
    """Return the mean duration of the last cycles of a signal, from one onset (see `onsets`) to the next.

    Parameters
    ----------
    time : (T,) array
        ms, ascending.
    signal : (T,) array
        One trial of one population, without the initial transient, which would affect the level.
    level : float, optional
        Same as for `onsets`.
    cycles : int
        Number of cycles averaged, >= 1.

    Returns
    -------
    float
        ms.

    Raises
    ------
    ValueError
        If there are fewer than `cycles` complete cycles.

    Examples
    --------
    >>> t = np.arange(0.0, 60.0, 0.01)
    >>> round(period(t, np.sin(2 * np.pi * t / 7.0)), 4)
    7.0
    """
    crossings = onsets(time, signal, level=level)
    whole = max(crossings.size - 1, 0)
    cycles = as_whole(cycles, "`cycles`")
    if not 1 <= cycles <= whole:
        raise ValueError(
            f"`cycles` must be >= 1 and at most the {whole} complete ones of the signal; got {cycles}. "
            "Run longer; a signal that does not oscillate has no period."
        )
    return float((crossings[-1] - crossings[-1 - cycles]) / cycles)


def phases(outputs: ArrayLike, *, silent: float = 0.05) -> Int[np.ndarray, "T B"]:
    """Assign a phase of breathing to each step: that of the leading population among early-I, post-I and aug-E.

    The leading population is the one whose output is the largest fraction of its own peak in the trial. Pre-I is
    excluded because it starts to rise long before inspiration; where it bursts alone (one-phase rhythm), all steps are
    phase 0. At a transition between two populations the third may lead for a few ms.

    Parameters
    ----------
    outputs : (T, B, 4) array
        Outputs of a `RespiratoryRhythm`, over whole cycles.
    silent : float
        Populations whose peak is below this never lead.

    Returns
    -------
    (T, B) int array
        0 inspiration (early-I), 1 post-inspiration (post-I), 2 late expiration (aug-E).

    Raises
    ------
    ValueError
        If there are not four populations.

    Examples
    --------
    >>> phases([[[0.6, 0.5, 0.2, 0.0]], [[0.0, 0.1, 0.1, 0.3]]]).ravel().tolist()
    [0, 2]
    """
    values = np.asarray(outputs, dtype=np.float64)
    if values.ndim != 3 or values.shape[2] != 4 or not len(values):
        raise ValueError(f"`outputs` must have shape (T, B, 4), of a RespiratoryRhythm; got {values.shape}.")
    peaks = values[:, :, 1:].max(axis=0)
    relative = np.where(peaks < silent, 0.0, values[:, :, 1:] / np.maximum(peaks, 1e-300))
    return np.argmax(relative, axis=2)
