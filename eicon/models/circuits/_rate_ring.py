"""A ring of rectified rate units whose bump follows its input."""

from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from ..._brainpy import bm
from ..._numbers import whole
from ._circuit import LeakyCircuit
from ._ring import ring_angles, ring_distance


class RingBump(NamedTuple):
    """Stationary or steadily moving bump of a `RateRing`, in closed form for many units.

    Attributes
    ----------
    half_width : float
        Angle from the centre at which rates become 0, rad.
    height : float
        Rate at the centre of the bump's drive; the highest rate of a stationary bump.
    mean : float
        Mean rate of all units.
    lag : float
        Angle by which the bump lags behind the input, rad.
    """

    half_width: float
    height: float
    mean: float
    lag: float


class RateRing(LeakyCircuit):
    r"""Ring of rectified rate units with broad recurrent excitation.

    .. math::

        \tau \dot a_j = -a_j + \Bigl[\sum_i a_i W_{ij} + h_j - T\Bigr]_+, \qquad
        W_{ij} = \bigl(w_0 + w_1 \cos(\theta_i - \theta_j)\bigr) / N

    `stimulus` makes the input :math:`h_j = h_0 + h_1 \cos(\theta_j - \phi)` for a moving angle :math:`\phi`.

    The original course notebook spaces angles by :math:`2 \pi / (N - 1)`, which gives the first and the
    last unit the same angle, and its loops over weights end one short, which leaves the last unit without connections.
    Its input moves by one unit per step, once around the ring per time constant, and the bump lags
    far behind. Here angles are spaced by :math:`2 \pi / N` and all weights exist.

    Parameters
    ----------
    n : int
        Number of units, >= 3.
    w0, w1 : float
        Mean and tuned recurrent weight. Bumps stay finite if ``w0 < 1`` and w1 is not too large (see `bump`).
    h0, h1 : float
        Mean and tuned input.
    threshold : float
        Threshold T.
    tau : float
        Time constant, ms.
    dt : float
        Step, ms.
    method : str
        Integrator of BrainPy.
    sigma : float
        Noise: standard deviation of a rate without recurrence. A rate may then be negative.
    seed : int
        Fixes the noise.
    name, mode
        Same as for every BrainPy system.

    Raises
    ------
    ValueError
        If there are fewer than 3 units, or a parameter is out of range.

    References
    ----------
    Ben-Yishai, Bar-Or & Sompolinsky (1995), PNAS 92:3844, for the ring and its closed form.

    Examples
    --------
    >>> from eicon.models.circuits import bump, simulate
    >>> ring = RateRing()
    >>> run = simulate(ring, ring.stimulus(np.full((2000, 1), 0.5)))
    >>> float(bump(run.outputs[-1, 0]).center.round(3))
    0.5
    """

    states: ClassVar[tuple[str, ...]] = ("a",)

    def __init__(
        self,
        n: int | float = 100,
        *,
        w0: float = 0.9,
        w1: float = 1.0,
        h0: float = 2.0,
        h1: float = 1.0,
        threshold: float = 2.0,
        tau: float = 1.0,
        dt: float = 0.01,
        method: str = "rk4",
        sigma: float = 0.0,
        seed: int | float = 0,
        name: str | None = None,
        mode: bm.Mode | None = None,
    ):
        n = whole(n, "`n`")
        if n < 3:
            raise ValueError(f"`n` must be at least 3 units, so that angles differ in direction; got {n}.")
        super().__init__(tau=tau, n_in=n, dt=dt, method=method, sigma=sigma, seed=seed, name=name, mode=mode)
        self.w0, self.w1, self.h0, self.h1, self.threshold = w0, w1, h0, h1, threshold
        self.angles = ring_angles(n)
        self.weights = (w0 + w1 * np.cos(self.angles[:, None] - self.angles[None, :])) / n
        self.reset_state(self.mode)

    def initial(self) -> dict[str, ArrayLike]:
        """Return the silent state."""
        return {"a": np.zeros(self.n_in)}

    def drive(self, x: jax.Array, inputs: jax.Array) -> jax.Array:
        """Return the rectified sum of recurrent and external input above threshold."""
        return jnp.maximum(x @ jnp.asarray(self.weights, x.dtype) + inputs - self.threshold, 0.0)

    def default_inputs(self) -> ArrayLike:
        """Return the mean input h0, without a preferred position."""
        return np.full(self.n_in, self.h0)

    def stimulus(self, angle: ArrayLike, strength: ArrayLike = 1.0) -> Float[np.ndarray, "T B N"]:
        """Make an input with its peak at an angle.

        Parameters
        ----------
        angle : (T, B) array
            Angle at each step, rad.
        strength : array
            Factor of `h1` at each step, of a shape that broadcasts to (T, B); 0 leaves the mean input.

        Returns
        -------
        (T, B, N) float array

        Raises
        ------
        ValueError
            If the angles are not (T, B).
        """
        place = as_angles(angle)
        size = np.broadcast_to(np.asarray(strength, np.float64), place.shape)
        return self.h0 + self.h1 * size[:, :, None] * np.cos(ring_distance(self.angles, place[:, :, None]))

    def bump(self, speed: float = 0.0) -> RingBump:
        r"""Return the bump for an input that moves at a constant speed (rad/ms), in closed form.

        With :math:`h_0 = T` a bump is :math:`L [\cos\theta - \cos\theta_c]_+` filtered by the leak. Its half width
        solves :math:`-\cos\theta_c = w_0 f_0`, and with the Fourier coefficients
        :math:`f_0 = (\sin\theta_c - \theta_c \cos\theta_c) / \pi` and
        :math:`f_1 = (\theta_c - \sin\theta_c \cos\theta_c) / (2 \pi)` the mode
        :math:`A_1 = f_1 (w_1 A_1 + h_1) / (1 + i \omega \tau)` gives height and lag.

        Raises
        ------
        ValueError
            If h0 differs from the threshold, or no finite bump exists.
        """
        if self.h0 != self.threshold:
            raise ValueError(
                f"the closed form needs `h0` equal to `threshold`; got {self.h0} and {self.threshold}. "
                "Simulate instead."
            )

        def mean(c):
            return (np.sin(c) - c * np.cos(c)) / np.pi

        # At pi the whole ring is active: cos is -1 and f0 is 1.
        edge = np.pi if self.w0 >= 1.0 else float(brentq(lambda c: np.cos(c) + self.w0 * mean(c), 1e-9, np.pi))
        tuned = (edge - np.sin(edge) * np.cos(edge)) / (2.0 * np.pi)
        if self.w0 >= 1.0 or tuned * self.w1 >= 1.0:
            raise ValueError(
                f"no finite bump: it needs w0 < 1 and w1 < 1 / f1 = {1.0 / tuned:.3g}; got {self.w0} and {self.w1}."
            )
        mode = tuned * self.h1 / (1.0 + 1j * speed * self.tau - tuned * self.w1)
        size = abs(self.w1 * mode + self.h1)
        return RingBump(edge, float(size * (1.0 - np.cos(edge))), float(size * mean(edge)), float(-np.angle(mode)))


def as_angles(angle: ArrayLike) -> Float[np.ndarray, "T B"]:
    """Return `angle` as a float64 array (T, B)."""
    place = np.asarray(angle, dtype=np.float64)
    if place.ndim != 2:
        raise ValueError(
            f"`angle` must have shape (T, B), in rad; got {place.shape}. For one trial pass angle[:, None]."
        )
    return place
