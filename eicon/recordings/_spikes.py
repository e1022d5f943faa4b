"""Binning and smoothing of spike times in the windows of trials."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

REACH = 6.0
"""Cut-off of a kernel, in widths; beyond it a Gaussian has 2e-9 of its mass."""
KERNELS = ("gaussian", "boxcar", "exponential", "none")


class Kernel(NamedTuple):
    """Contribution of a spike at time 0 to the rate, given by its integrals.

    Attributes
    ----------
    before, after : float
        Extent before and after the spike, ms.
    mass : function
        Fraction of the kernel before a time, 0 to 1.
    integral : function
        Integral of `mass` from minus infinity to a time.
    """

    before: float
    after: float
    mass: Callable[[np.ndarray], np.ndarray]
    integral: Callable[[np.ndarray], np.ndarray]


def kernel_of(name: str, width: float, causal: bool) -> Kernel:
    """Make a kernel: Gaussian of sd `width`, boxcar that is `width` wide, or exponential of time constant `width`."""
    shapes = {"boxcar": _boxcar, "exponential": _exponential}
    before, after, mass, integral = shapes.get(name, _gaussian)(causal)
    return Kernel(before * width, after * width, lambda t: mass(t / width), lambda t: width * integral(t / width))


def _boxcar(causal: bool) -> Kernel:
    after = 1.0 if causal else 0.5

    def mass(z: np.ndarray) -> np.ndarray:
        return np.clip(z + 1 - after, 0.0, 1.0)

    return Kernel(1 - after, after, mass, lambda z: mass(z) ** 2 / 2 + np.maximum(z - after, 0.0))


def _exponential(_: bool) -> Kernel:
    def mass(z: np.ndarray) -> np.ndarray:
        return -np.expm1(-np.maximum(z, 0.0))

    return Kernel(0.0, 4 * REACH, mass, lambda z: np.maximum(z, 0.0) - mass(z))


def _gaussian(causal: bool) -> Kernel:
    def integral(z: np.ndarray) -> np.ndarray:
        return z * ndtr(z) + np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)

    if not causal:
        return Kernel(REACH, REACH, ndtr, integral)
    start = integral(np.zeros(1))

    def later(z: np.ndarray) -> np.ndarray:
        return 2 * (integral(np.maximum(z, 0.0)) - start) - np.maximum(z, 0.0)

    return Kernel(0.0, REACH, lambda z: 2 * ndtr(np.maximum(z, 0.0)) - 1, later)


def counts_of(times: np.ndarray, trial: np.ndarray, n_trials: int, edges: np.ndarray) -> np.ndarray:
    """Count the spikes of each step and trial (T, B); a step contains those in [start, stop).

    Parameters
    ----------
    times, trial : arrays (n,)
        Time of each spike relative to the event, ms, and its trial.
    n_trials : int
    edges : array (T + 1,)
    """
    T = len(edges) - 1
    step = np.searchsorted(np.round(edges, 6), times, side="right") - 1  # 3 * 0.1 is above 0.3
    inside = (step >= 0) & (step < T)
    return np.bincount(step[inside] * n_trials + trial[inside], minlength=T * n_trials).reshape(T, n_trials)


def rates_of(times: np.ndarray, trial: np.ndarray, n_trials: int, edges: np.ndarray, kernel: Kernel) -> np.ndarray:
    """Return smoothed spikes per ms (T, B): the mean over each step of the sum of kernels, exact for any step.

    Parameters
    ----------
    times, trial, n_trials, edges
        Same as for `counts_of`.
    kernel : Kernel
    """
    T, step = len(edges) - 1, edges[1] - edges[0]
    first = np.floor((times - kernel.before - edges[0]) / step).astype(np.int64)
    span = int(np.ceil((kernel.before + kernel.after) / step)) + 2
    at = first[:, None] + np.arange(span + 1)
    mass = kernel.mass(edges[0] + at * step - times[:, None])
    mass[:, 0], mass[:, -1] = 0.0, 1.0
    steps = at[:, :-1]
    inside = (steps >= 0) & (steps < T)
    place = np.where(inside, steps * n_trials + trial[:, None], 0)
    weight = np.where(inside, np.diff(mass, axis=1), 0.0)
    return np.bincount(place.ravel(), weight.ravel(), T * n_trials).reshape(T, n_trials) / step


def part_within(kernel: Kernel, edges: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the mean over each step of the part of a kernel inside the known period of each trial, (T, B).

    Where kernels extend beyond this period, rates are divided by this part.

    Parameters
    ----------
    kernel : Kernel
    edges : array (T + 1,)
    known : array (B, 2)
        Start and end of the known period of each trial, ms.
    """
    since, until = (np.diff(kernel.integral(edges[:, None] - edge), axis=0) for edge in known.T)
    return (since - until) / (edges[1] - edges[0])


def check_ascending(name: str, times: np.ndarray) -> None:
    """Check that spike times are finite and do not decrease."""
    if not np.isfinite(times).all():
        raise ValueError(f"spike times of unit {name} must be finite; got NaN or infinity.")
    if (steps := np.flatnonzero(np.diff(times) < 0)).size:
        i = int(steps[0])
        raise ValueError(
            f"spike times of unit {name} must not decrease; got {times[i]:g} and then {times[i + 1]:g} ms, at position "
            f"{i + 1}. Were units or trials joined without being sorted?"
        )


def within(times: np.ndarray, events: np.ndarray, window: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Find the spikes of a session in the windows around events: times relative to the event, and trials.

    Windows may overlap; a spike belongs to every window that contains it.
    """
    low = np.searchsorted(times, events + window[0] - 1e-6)
    n = np.maximum(np.searchsorted(times, events + window[1] + 1e-6) - low, 0)
    trial = np.repeat(np.arange(len(events)), n)
    place = np.arange(n.sum()) + np.repeat(low - np.concatenate([[0], np.cumsum(n)[:-1]]), n)
    return np.round(times[place] - events[trial], 6), trial
