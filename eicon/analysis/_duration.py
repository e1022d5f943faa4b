"""Accuracy against the duration of the stimulus, which rises if the network keeps collecting evidence."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike
from scipy import special

from ._arrays import as_correct, as_strength, levels_of, numbers
from ._binomial import wilson


class AccuracyByDuration(NamedTuple):
    """Fractions correct per strength and bin of durations; L strengths, D bins.

    Attributes
    ----------
    levels : (L,) float
        Distinct strengths, ascending, in the unit of the input.
    edges : (D + 1,) float
        Bins ``edges[d] <= duration < edges[d + 1]``, ms; the last one includes its upper edge.
    duration : (D,) float
        Mean duration of the trials in each bin, ms; NaN for empty bins.
    n : (L, D) int
        Number of trials.
    p : (L, D) float
        Fraction correct; NaN without trials.
    ci : (L, D, 2) float
        Wilson 95 % interval of `p` (Wilson 1927, J Am Stat Assoc 22:209).
    gain : (L,) float
        Change of accuracy per doubling of the duration: slope of the least-squares line of ``correct`` (0, 1) on
        ``log2(duration)``, over all trials within the edges. NaN if durations do not vary.
    z : (L,) float
        ``sum (x - mean x) correct / sqrt(m (1 - m) sum (x - mean x)^2)``, x = log2(duration) and m the mean of
        correct: the score test of a trend (Cochran-Armitage without bins). NaN if there are no errors, or errors only.
    p_value : (L,) float
        Probability of a `z` this high without a trend, one-sided.
    n_outside : int
        Trials whose duration is outside the edges.
    n_left_out : int
        Trials that are neither right nor wrong.
    """

    levels: Float[np.ndarray, "L"]
    edges: Float[np.ndarray, "D1"]
    duration: Float[np.ndarray, "D"]
    n: Int[np.ndarray, "L D"]
    p: Float[np.ndarray, "L D"]
    ci: Float[np.ndarray, "L D 2"]
    gain: Float[np.ndarray, "L"]
    z: Float[np.ndarray, "L"]
    p_value: Float[np.ndarray, "L"]
    n_outside: int
    n_left_out: int


def accuracy_by_duration(
    duration: ArrayLike, strength: ArrayLike, correct: ArrayLike, edges: ArrayLike
) -> AccuracyByDuration:
    """Compute the accuracy in bins of stimulus duration, for each strength of the evidence.

    Parameters
    ----------
    duration : (B,) array
        Duration of the stimulus in each trial, ms, > 0.
    strength : (B,) array
        Strength of the evidence, >= 0 in any unit, such as the modulus of a signed coherence.
    correct : (B,) array of bool or 0/1
        Whether the choice was right; NaN leaves a trial out.
    edges : (D + 1,) array
        Ascending edges of the bins, ms.

    Returns
    -------
    AccuracyByDuration

    Raises
    ------
    ValueError
        If shapes do not match, edges do not ascend, a duration or strength is out of range, or no trial is within the
        edges.

    Notes
    -----
    After fig. 2 of Song, Yang & Wang (2016), PLoS Comput Biol 12:e1004792; trend test of Armitage (1955), Biometrics
    11:375.

    Examples
    --------
    >>> result = accuracy_by_duration([100, 110, 400, 420], [3.2] * 4, [0, 1, 1, 1], [50, 200, 800])
    >>> result.p.tolist(), result.duration.tolist(), round(float(result.gain[0]), 2)
    ([[0.5, 1.0]], [105.0, 410.0], 0.27)
    """
    times = as_strength(duration, "duration")
    if not (times > 0).all():
        raise ValueError("`duration` must be > 0 ms; got 0 in some trials. Leave out trials without a stimulus.")
    values, right = as_strength(strength), as_correct(correct, times.size)
    if values.shape != times.shape:
        raise ValueError(f"`strength` must have shape (B,) = {times.shape}, one per trial; got {values.shape}.")
    borders = numbers("edges", edges)
    if borders.ndim != 1 or borders.size < 2 or not (np.diff(borders) > 0).all():
        raise ValueError(f"`edges` must be at least two ascending times in ms; got {borders.tolist()}.")
    bins = np.searchsorted(borders, times, side="right") - 1
    bins[times == borders[-1]] = borders.size - 2
    counted = ~np.isnan(right)
    inside = (bins >= 0) & (bins < borders.size - 1)
    used = inside & counted
    if not used.any():
        raise ValueError(
            f"`edges` must contain some trials; got {borders[0]:g} to {borders[-1]:g} ms, and durations from "
            f"{times.min():g} to {times.max():g} ms. All trials may be left out, or the unit is not ms."
        )
    levels, row = levels_of(values[used])
    shape = levels.size, borders.size - 1
    n, k = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    np.add.at(n, (row, bins[used]), 1)
    np.add.at(k, (row, bins[used]), right[used])
    per_bin = np.bincount(bins[used], minlength=shape[1])
    total = np.bincount(bins[used], weights=times[used], minlength=shape[1])
    centres = np.divide(total, per_bin, out=np.full(shape[1], np.nan), where=per_bin > 0)
    p = np.divide(k, n, out=np.full(shape, np.nan), where=n > 0)
    trends = [_trend(np.log2(times[used][row == place]), right[used][row == place]) for place in range(levels.size)]
    gain, z = np.array(trends).T
    outside, left_out = (int(np.count_nonzero(trials)) for trials in (counted & ~inside, ~counted))
    ci, p_value = wilson(k, n), special.ndtr(-z)
    return AccuracyByDuration(levels, borders, centres, n, p, ci, gain, z, p_value, outside, left_out)


def _trend(x: Float[np.ndarray, "b"], correct: Float[np.ndarray, "b"]) -> tuple[float, float]:
    """Return the slope of the line of `correct` on x, and the z-score against no trend."""
    centred, mean = x - x.mean(), correct.mean()
    spread = float(centred @ centred)
    if not np.ptp(x) > 0.0:
        return np.nan, np.nan
    variance = mean * (1.0 - mean) * spread
    product = float(centred @ correct)
    return product / spread, product / np.sqrt(variance) if variance > 0.0 else np.nan
