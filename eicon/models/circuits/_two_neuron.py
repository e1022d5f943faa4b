"""Two linear neurons, and pulses that reveal their two modes."""

from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from ..._brainpy import bm
from ..._key import as_generator
from ._circuit import LeakyCircuit, require_positive

PULSES = (
    "neuron 1",
    "neuron 2",
    "both",
    "-neuron 1",
    "-neuron 2",
    "-both",
    "difference",
    "random",
)
"""Names of the pulses of `pulse_protocol`, in their order."""

FIRST_PULSE, PULSE_EVERY, PULSE_LENGTH = 30.0, 100.0, 10.0
"""Times of `pulse_protocol`, ms."""


class Modes(NamedTuple):
    """Modes of a symmetric linear network.

    Attributes
    ----------
    eigenvalues : (N,) float
        Eigenvalues of the weights, descending.
    eigenvectors : (N, N) float
        Columns, of length 1; the largest component is positive.
    time_constants : (N,) float
        ``tau / (1 - eigenvalue)``, the decay time of each mode, ms; infinite or negative if it does not decay.
    """

    eigenvalues: Float[np.ndarray, "N"]
    eigenvectors: Float[np.ndarray, "N N"]
    time_constants: Float[np.ndarray, "N"]


class TwoNeuron(LeakyCircuit):
    r"""Two linear neurons that excite each other.

    .. math::

        \tau \dot v = -v + v W + u

    With the course notebook's weights ``[[0, 0.8], [0.8, 0]]`` the sum of the two rates is a slow mode
    (:math:`\tau / (1 - 0.8)` = 20 ms) that amplifies its input fivefold, and their difference a fast one
    (:math:`\tau / (1 + 0.8)` = 2.2 ms).

    Parameters
    ----------
    weights : array (2, 2)
        ``W[pre, post]``, symmetric.
    tau : float
        Time constant, ms.
    dt : float
        Step, ms.
    method : str
        Integrator of BrainPy.
    sigma : float
        Noise: standard deviation of a rate without recurrence.
    seed : int
        Fixes the noise.
    name, mode
        Same as for every BrainPy system.

    Raises
    ------
    ValueError
        If weights have the wrong shape or are not symmetric, or a parameter is out of range.

    References
    ----------
    Seung (1996), PNAS 93:13339, on modes and persistence in linear networks; the numbers are the notebook's.

    Examples
    --------
    >>> TwoNeuron().modes().time_constants.round(2).tolist()
    [20.0, 2.22]
    """

    states: ClassVar[tuple[str, ...]] = ("v",)

    def __init__(
        self,
        weights: ArrayLike = ((0.0, 0.8), (0.8, 0.0)),
        *,
        tau: float = 4.0,
        dt: float = 0.1,
        method: str = "rk4",
        sigma: float = 0.0,
        seed: int | float = 0,
        name: str | None = None,
        mode: bm.Mode | None = None,
    ):
        super().__init__(tau=tau, n_in=2, dt=dt, method=method, sigma=sigma, seed=seed, name=name, mode=mode)
        given = np.array(weights, dtype=np.float64)
        if given.shape != (2, 2) or not np.isfinite(given).all() or not np.allclose(given, given.T):
            raise ValueError(
                f"`weights` must be a finite symmetric (2, 2) array, W[pre, post]; got {given.tolist()}. "
                "Only symmetric weights have orthogonal modes."
            )
        self.weights = given
        self.reset_state(self.mode)

    def initial(self) -> dict[str, ArrayLike]:
        """Return the silent state."""
        return {"v": np.zeros(2)}

    def drive(self, x: jax.Array, inputs: jax.Array) -> jax.Array:
        """Return recurrent and external input, v W + u."""
        return x @ jnp.asarray(self.weights, x.dtype) + inputs

    def modes(self) -> Modes:
        """Return eigenvectors of the weights with their time constants, slowest first."""
        values, vectors = np.linalg.eigh(self.weights)
        values, vectors = values[::-1], vectors[:, ::-1]
        largest = vectors[np.argmax(np.abs(vectors.round(12)), axis=0), np.arange(2)]
        with np.errstate(divide="ignore"):
            return Modes(values, vectors * np.sign(largest), self.tau / (1.0 - values))


def pulse_protocol(
    dt: float | int = 0.1, *, seed: int, directions: ArrayLike | None = None
) -> Float[np.ndarray, "T 1 2"]:
    """Make the course notebook's input: short pulses in different directions of the plane of two neurons.

    Pulse k (see `PULSES`) starts at ``30 + 100 k`` ms and lasts 10 ms; the protocol takes 800 ms. The first six have
    size 1 in each neuron that they drive, the seventh is the eigenvector of the difference of rates
    (length 1), and the last is uniform in [0, 1) for each neuron.

    Parameters
    ----------
    dt : float
        Step, ms.
    seed : int
        Fixes the last pulse.
    directions : (P, 2) array, optional
        Pulses to use instead, at the same times.

    Returns
    -------
    (T, 1, 2) float array

    Raises
    ------
    ValueError
        If the step is not positive, or `directions` have the wrong shape.

    Examples
    --------
    >>> u = pulse_protocol(1.0, seed=0)
    >>> u.shape, u[135, 0].tolist()
    ((800, 1, 2), [0.0, 1.0])
    """
    require_positive("dt", float(dt), "ms")
    if directions is None:
        fixed = np.array([(1, 0), (0, 1), (1, 1), (-1, 0), (0, -1), (-1, -1), np.array((1, -1)) / np.sqrt(2)])
        pulses = np.vstack([fixed, as_generator(seed, "`seed`").random((1, 2))])
    else:
        pulses = np.array(directions, dtype=np.float64)
        if pulses.ndim != 2 or pulses.shape[1] != 2 or not len(pulses):
            raise ValueError(f"`directions` must have shape (P, 2), one row per pulse; got {pulses.shape}.")
    time = dt * np.arange(round(PULSE_EVERY * len(pulses) / dt))
    # Slightly early, so that rounding of k dt does not move an edge.
    since = time - FIRST_PULSE + dt * 1e-6
    index = np.floor(since / PULSE_EVERY).astype(int)
    on = (since >= 0.0) & (since - index * PULSE_EVERY < PULSE_LENGTH)
    return np.where(on[:, None], pulses[index], 0.0)[:, None, :]
