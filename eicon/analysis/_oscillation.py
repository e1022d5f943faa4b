"""Amplitude and period of an output that oscillates."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from .._numbers import real
from ._arrays import ALSO_TRIALS, as_dt, by_name, numbers


class Oscillation(NamedTuple):
    """Amplitude and period of an oscillation, over K whole expected periods.

    Attributes
    ----------
    amplitude : (K,) float
        ``|c_k|``, mean over trials, with ``c_k = (2 i / S) sum_s output[k S + s] exp(-2 pi i s / S)``, s = 1 ... S: the
        amplitude of a sine of the expected period. NaN where an output is NaN.
    period : float
        ``expected / (1 + drift / 2 pi)``, ms, where ``drift`` is the slope over k of the phase of ``c_k``, mean over
        trials; NaN if the amplitude is not above `smallest` in every period, so that the phase is undefined.
    """

    amplitude: Float[np.ndarray, "K"]
    period: float


def oscillation(
    outputs: ArrayLike, expected: float | int, dt: float | int, *, smallest: float | int = 0.2
) -> Oscillation:
    """Measure how strongly an output oscillates near an expected period, and its true period.

    Parameters
    ----------
    outputs : (T, B) array
        One output in each trial, time-major. Steps after the last whole period are left out.
    expected : float
        Expected period, ms. The measured one must differ by less than half of its frequency.
    dt : float
        Step, ms.
    smallest : float
        Amplitude up to which an output does not count as oscillating, and has no period.

    Returns
    -------
    Oscillation

    Raises
    ------
    ValueError
        If `outputs` is not (T, B) or shorter than two periods, or a period has fewer than three steps.

    Examples
    --------
    >>> time = 2.0 * np.arange(1, 2001)
    >>> result = oscillation(0.9 * np.sin(2 * np.pi * time / 404)[:, None], 400.0, 2.0)
    >>> result.amplitude.size, round(float(result.amplitude[-1]), 2), round(result.period)
    (10, 0.9, 404)
    """
    values = numbers("outputs", by_name("outputs", outputs, (("time",), ALSO_TRIALS)))
    if not real(expected, "`expected`") >= 3 * as_dt(dt):
        raise ValueError(f"`expected` must be a period of at least three steps of {dt:g} ms; got {expected:g} ms.")
    if np.isnan(least := real(smallest, "`smallest`")):
        raise ValueError("`smallest` must be an amplitude; got NaN.")
    steps = round(expected / dt)
    if values.ndim != 2 or not values.shape[1] or len(values) < 2 * steps:
        raise ValueError(
            f"`outputs` must be (T, B) with at least two periods of {steps} steps; got shape {values.shape}. "
            "Of several outputs, pass one, outputs[:, :, k]."
        )
    n = len(values) // steps
    cut = values[: n * steps].reshape(n, steps, -1)
    turning = np.exp(-2j * np.pi * np.arange(1, steps + 1) / steps)
    component = 2j / steps * np.einsum("kst,s->kt", cut, turning)
    amplitude = np.abs(component).mean(axis=1)
    if not amplitude.min() > least:
        return Oscillation(amplitude, np.nan)
    drift = np.polyfit(np.arange(n), np.unwrap(np.angle(component), axis=0), 1)[0].mean()
    return Oscillation(amplitude, float(expected / (1 + drift / (2 * np.pi))))
