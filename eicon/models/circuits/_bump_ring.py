"""A ring attractor that remembers the position of its stimulus."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from ..._brainpy import bm
from ..._numbers import whole
from ._circuit import LeakyCircuit, require_positive
from ._rate_ring import as_angles
from ._ring import ring_angles, ring_distance


class BumpRing(LeakyCircuit):
    r"""Continuous attractor with divisive normalisation, Wu, Hamaguchi & Amari (2008).

    .. math::

        \tau \dot u_j = -u_j + \sum_i r_i J_{ij} + I_j, \qquad
        r_i = \frac{[u_i]_+^2}{1 + k \sum_l [u_l]_+^2}, \qquad
        J_{ij} = \frac{J_0}{\sqrt{2 \pi} a} e^{-d_{ij}^2 / 2 a^2}

    with the distance d on the ring. Without input, :math:`u = U_0 e^{-d^2 / 4 a^2}` about any angle is stationary:
    a bump of u of standard deviation :math:`\sqrt 2 a`, and one of r of standard deviation a (`amplitude`,
    `width`).

    Parameters
    ----------
    n : int
        Number of units, >= 3.
    a : float
        Width of the weights, rad; small against pi.
    J0 : float
        Strength of the weights.
    k : float
        Strength of the divisive inhibition.
    tau : float
        Time constant, ms.
    dt : float
        Step, ms.
    method : str
        Integrator of BrainPy.
    sigma : float
        Noise: standard deviation of u without recurrence.
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
    Wu, Hamaguchi & Amari (2008), Neural Computation 20:994; for the lag Fung, Wong & Wu (2010), ibid. 22:752.

    Examples
    --------
    >>> ring = BumpRing()
    >>> round(ring.amplitude, 2), round(ring.width, 4)
    (22.56, 0.7071)
    """

    states: ClassVar[tuple[str, ...]] = ("u",)

    def __init__(
        self,
        n: int | float = 512,
        *,
        a: float = 0.5,
        J0: float = 4.0,
        k: float = 0.1,
        tau: float = 1.0,
        dt: float = 0.1,
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
        for label, value in (("a", a), ("J0", J0), ("k", k)):
            require_positive(label, value)
        self.a, self.J0, self.k = float(a), float(J0), float(k)
        self.angles = ring_angles(n)
        apart = ring_distance(self.angles[:, None], self.angles[None, :])
        self.weights = J0 / (np.sqrt(2.0 * np.pi) * a) * np.exp(-0.5 * (apart / a) ** 2)
        self.reset_state(self.mode)

    def initial(self) -> dict[str, ArrayLike]:
        """Return the silent state."""
        return {"u": np.zeros(self.n_in)}

    def rates(self, u: jax.Array | np.ndarray) -> jax.Array:
        """Return firing rates r for synaptic inputs u, shape (..., N)."""
        squared = jnp.maximum(u, 0.0) ** 2
        return squared / (1.0 + self.k * squared.sum(axis=-1, keepdims=True))

    def drive(self, x: jax.Array, inputs: jax.Array) -> jax.Array:
        """Return recurrent and external input, r J + I."""
        return self.rates(x) @ jnp.asarray(self.weights, x.dtype) + inputs

    def stimulus(self, angle: ArrayLike, strength: ArrayLike = 1.0) -> Float[np.ndarray, "T B N"]:
        """Make an input with the shape of the bump, ``strength exp(-d^2 / 4 a^2)``.

        Parameters
        ----------
        angle : (T, B) array
            Angle at each step, rad.
        strength : array
            Height at each step, of a shape that broadcasts to (T, B); 0 for no stimulus.

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
        apart = ring_distance(self.angles, place[:, :, None])
        return size[:, :, None] * np.exp(-0.25 * (apart / self.a) ** 2)

    @property
    def width(self) -> float:
        """Standard deviation of the resting bump of u, sqrt(2) a, rad."""
        return float(np.sqrt(2.0) * self.a)

    @property
    def amplitude(self) -> float:
        r"""Height of the resting bump of u, the larger root of :math:`1 + q U^2 = \rho J_0 U / \sqrt 2`.

        Here :math:`\rho = N / 2 \pi` and :math:`q = k \rho \sqrt{2 \pi} a`. NaN if there is no bump, that is if k
        exceeds :math:`\rho J_0^2 / (8 \sqrt{2 \pi} a)`.
        """
        density = self.n_in / (2.0 * np.pi)
        q, half = self.k * density * np.sqrt(2.0 * np.pi) * self.a, density * self.J0 / np.sqrt(8.0)
        return float((half + np.sqrt(half**2 - q)) / q) if half**2 >= q else float("nan")

    def lag(self, speed: float, strength: float) -> float:
        r"""Return the lag of the bump behind a weak stimulus that moves at a constant speed, to first order.

        A stimulus that is small relative to the bump moves it by :math:`\tau \dot s = (\alpha / U_0)(\phi - s)`,
        so the lag is :math:`\omega \tau U_0 / \alpha`.

        Parameters
        ----------
        speed : float
            rad/ms.
        strength : float
            Height of the stimulus, small relative to `amplitude`.

        Returns
        -------
        float
            Lag in rad; beyond about `a` the bump can no longer follow.
        """
        return speed * self.tau * self.amplitude / strength
