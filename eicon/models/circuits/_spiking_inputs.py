"""Inputs of spiking neurons: combined channels, Poisson events, and the random drive of the course notebook."""

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from ..._key import as_generator
from ..._numbers import whole
from ._circuit import require_positive

CHANNELS = ("ampa", "nmda", "inhibition", "current", "hyperpolarization")
"""Inputs of a spiking neuron: events per step (the first three), a current in nA, an inhibition in mV."""

CURRENT_RANGE, INHIBITION_RANGE = (-0.3, 0.7), (0.0, 100.0)
"""Limits of the uniform numbers of `random_drive`: nA and mV."""


def spiking_inputs(
    steps: int | float,
    batch_size: int | float = 1,
    *,
    ampa: ArrayLike = 0.0,
    nmda: ArrayLike = 0.0,
    inhibition: ArrayLike = 0.0,
    current: ArrayLike = 0.0,
    hyperpolarization: ArrayLike = 0.0,
) -> Float[np.ndarray, "T B 5"]:
    """Combine the `CHANNELS` of a spiking neuron in one array.

    Parameters
    ----------
    steps, batch_size : int
        T and B, >= 1.
    ampa, nmda, inhibition : array
        Presynaptic events in each step (counts), of any shape that broadcasts to (T, B).
    current : array
        External current, nA, likewise.
    hyperpolarization : array
        External inhibition, mV, likewise; positive values lower the potential.

    Returns
    -------
    (T, B, 5) float array

    Raises
    ------
    ValueError
        If a channel does not broadcast to (T, B).

    Examples
    --------
    >>> spiking_inputs(3, 2, current=[0.1, 0.2])[0, :, 3].tolist()
    [0.1, 0.2]
    """
    steps, batch_size = whole(steps, "`steps`"), whole(batch_size, "`batch_size`")
    channels = []
    for name, value in zip(CHANNELS, (ampa, nmda, inhibition, current, hyperpolarization), strict=True):
        array = np.asarray(value, dtype=np.float64)
        try:
            channels.append(np.broadcast_to(array, (steps, batch_size)))
        except ValueError:
            raise ValueError(
                f"`{name}` must broadcast to (T, B) = ({steps}, {batch_size}); got shape {array.shape}. "
                "A time course of one trial is values[:, None]."
            ) from None
    return np.stack(channels, axis=2)


def poisson_events(
    rate: float | int, steps: int | float, dt: float | int, *, seed: int | float, batch_size: int | float = 1
) -> Float[np.ndarray, "T B"]:
    """Count the events of a Poisson process in each step.

    Parameters
    ----------
    rate : float
        Events/s, >= 0; for many synapses, the sum of their rates.
    steps : int
        Number of steps T.
    dt : float
        Step, ms.
    seed : int
        Fixes the random numbers.
    batch_size : int
        Number of independent trials.

    Returns
    -------
    (T, B) float array
        Counts.

    Raises
    ------
    ValueError
        If the rate is negative, or the step is not positive.

    Examples
    --------
    >>> poisson_events(0.0, 4, 0.1, seed=0).ravel().tolist()
    [0.0, 0.0, 0.0, 0.0]
    """
    steps, batch_size = whole(steps, "`steps`"), whole(batch_size, "`batch_size`")
    if not (rate >= 0.0 and np.isfinite(rate)):
        raise ValueError(f"`rate` must be >= 0 and finite (events/s); got {rate}.")
    require_positive("dt", float(dt), "ms")
    return as_generator(seed, "`seed`").poisson(rate * dt / 1000.0, (steps, batch_size)).astype(np.float64)


def random_drive(
    duration: float | int,
    dt: float | int,
    *,
    seed: int | float,
    batch_size: int | float = 1,
    hold: float | int = 1.0,
) -> Float[np.ndarray, "T B 5"]:
    """Make the course notebook's input: a uniform random current and a uniform random inhibition.

    The current is uniform in `CURRENT_RANGE`, the inhibition in `INHIBITION_RANGE`. Both are redrawn every `hold`
    ms (the notebook's step was 1 ms), so that a finer `dt` does not average them out.

    Parameters
    ----------
    duration : float
        Duration, ms; the number of steps is rounded.
    dt : float
        Step, ms.
    seed : int
        Fixes the random numbers.
    batch_size : int
        Number of independent trials.
    hold : float
        Duration of each number, ms, a whole number of steps.

    Returns
    -------
    (T, B, 5) float array
        Inputs, see `spiking_inputs`.

    Raises
    ------
    ValueError
        If a time is not positive, or `hold` is not a whole number of steps.

    Examples
    --------
    >>> random_drive(5.0, 0.5, seed=0).shape
    (10, 1, 5)
    """
    for name, value in (("duration", duration), ("dt", dt), ("hold", hold)):
        require_positive(name, float(value), "ms")
    steps, each = max(1, round(duration / dt)), round(hold / dt)
    if each < 1 or abs(each * dt - hold) > 1e-6 * dt:
        raise ValueError(f"`hold` must be a whole number of steps of {dt:g} ms; got {hold:g} ms.")
    draws, batch_size = -(-steps // each), whole(batch_size, "`batch_size`")
    uniform = as_generator(seed, "`seed`").random((2, draws, batch_size)).repeat(each, axis=1)
    current, inhibition = (
        low + (high - low) * part[:steps]
        for (low, high), part in zip((CURRENT_RANGE, INHIBITION_RANGE), uniform, strict=True)
    )
    return spiking_inputs(steps, batch_size, current=current, hyperpolarization=inhibition)
