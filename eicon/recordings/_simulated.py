"""Recordings of a simulated teacher."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._given import as_inputs, numbers, plain
from .._key import as_generator
from .._numbers import real, whole
from ._recording import OBSERVED, Recording, as_mask, positive, signal_of


def simulated(
    activity: Any,
    dt: float | int,
    *,
    units: Sequence[Any] | ArrayLike | None = None,
    inputs: Any = None,
    mask: ArrayLike | None = None,
    conditions: Mapping[str, Any] | None = None,
    observed: str = "rate",
    noise: float | int = 0.0,
    seed: int | np.random.Generator = 0,
    hz: float | int = 1.0,
    decay: float | int | None = None,
) -> Recording:
    r"""Simulate an experimental recording of a network's activity.

    Parameters
    ----------
    activity : Activity
        Result of ``net.predict(inputs)``, or an array (T, B, N) of rates.
    dt : float
        Step of the network in ms.
    units : sequence, optional
        Whole numbers: indices of the recorded units. Text: names of all N units. By default all, named 0 to N-1.
    inputs : array (T, B, n_in), or Trial
        Stimuli.
    mask : array of bool (T, B), optional
        Steps inside each trial.
    conditions : mapping of str to array (B,), optional
        Conditions of the trials.
    observed : {"rate", "current", "counts", "calcium", "output"}
        Counts are drawn from a Poisson distribution of mean :math:`\max(r, 0)\,\mathrm{hz}\,dt / 1000`. Calcium is
        :math:`c_t = e^{-dt/\tau} c_{t-1} + (1 - e^{-dt/\tau}) r_t` with :math:`c_{-1} = r_0`, where :math:`\tau` is
        `decay`.
    noise : float
        Standard deviation of measurement noise, normal and independent in each step, relative to that of each unit
        over steps and trials.
    seed : int or numpy Generator
        Seed of measurement noise and counts.
    hz : float
        Spikes per second that correspond to a rate of 1, for counts.
    decay : float, optional
        Time constant in ms, for calcium.

    Returns
    -------
    Recording

    Raises
    ------
    ValueError
        If a unit does not exist, noise is negative, or noise is given for counts, which are already random.

    Examples
    --------
    >>> rates = np.random.default_rng(0).random((50, 8, 5))
    >>> simulated(rates, 10.0, units=[0, 3], inputs=np.zeros((50, 8, 1)), noise=0.1)
    Recording(2 units, 8 trials of 50 steps of 10 ms, rate, 100% observed)
    """
    if observed not in OBSERVED:
        raise ValueError(f"observed must be one of {', '.join(OBSERVED)}; got {observed!r}.")
    values = numbers("activity", getattr(activity, signal_of(observed), activity))
    if values.ndim != 3:
        raise ValueError(f"activity must be (T, B, N); got shape {values.shape}.")
    level, rng = real(noise, "noise"), as_generator(seed, "seed")
    if not level >= 0 or (level and observed == "counts"):
        counted = " of counts, which are already random," if observed == "counts" else ""
        raise ValueError(f"noise{counted} must be {'0' if counted else '>= 0'}; got {level:g}.")
    inside = np.ones(values.shape[:2], bool) if mask is None else as_mask(mask, values.shape[:2])
    chosen, names = _units(units, values.shape[2])
    values = values[:, :, chosen]
    if observed == "counts":
        mean = np.maximum(values, 0.0) * (positive("hz", hz, "spikes per second") * positive("dt", dt, "ms") / 1000)
        known = np.isfinite(mean)
        values = np.where(known, rng.poisson(np.where(known, mean, 0.0)), np.nan)
    if observed == "calcium":
        if decay is None:
            raise ValueError("calcium needs decay, the time constant of its kernel in ms, e.g. decay=400.")
        values = _through(values, np.exp(-positive("dt", dt, "ms") / positive("decay", decay, "ms")))
    if level:
        seen = np.isfinite(values) & inside[:, :, None]
        spread = np.where(seen, values, np.nan)
        spread[:, :, ~seen.any(axis=(0, 1))] = 0.0  # numpy warns about the spread of empty arrays
        values = values + level * np.nanstd(spread, axis=(0, 1)) * rng.standard_normal(values.shape)
    said = f", measurement noise of {level:g} standard deviations" if level else ""
    return Recording(
        values,
        dt,
        units=names,
        inputs=None if inputs is None else np.asarray(as_inputs(inputs)),
        mask=inside,
        conditions=conditions or {},
        observed=observed,
        hz=hz,
        decay=decay if observed == "calcium" else None,
        source=f"simulated{said}",
    )


def _units(given: Any, n: int) -> tuple[Any, list[str]]:
    """Return indices and names of the recorded units."""
    if given is None:
        return slice(None), [str(i) for i in range(n)]
    found = plain("units", list(given) if isinstance(given, tuple) else given)
    if found.dtype.kind == "U":
        if found.shape != (n,):
            raise ValueError(
                f"names must be those of all {n} units; got {found.size}. Select units afterwards with .of_units()."
            )
        return slice(None), found.tolist()
    places = [whole(i, "the number of a unit") for i in np.ravel(found).tolist()]
    if wrong := [i for i in places if not 0 <= i < n]:
        raise ValueError(f"units must be in 0..{n - 1}; got {wrong[0]}.")
    return places, [str(i) for i in places]


def _through(rates: np.ndarray, kept: float) -> np.ndarray:
    """Filter rates with an exponential kernel, assuming their first value before the trial."""
    from scipy.signal import lfilter

    return lfilter([1 - kept], [1, -kept], rates, axis=0, zi=kept * rates[:1])[0]
