"""The respiratory rhythm of Rubin et al. (2009): four alternating populations in the brain stem."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import sigmoid
from numpy.typing import ArrayLike

from ..._brainpy import bm, bp
from ._circuit import RUNGE_KUTTA, Circuit

POPULATIONS = ("pre-I", "early-I", "post-I", "aug-E")
"""Populations, in the order of their arrays."""


class Condition(NamedTuple):
    """One of the published states of the rhythm.

    Attributes
    ----------
    g_NaP : float
        Persistent sodium conductance of pre-I, nS.
    drives : tuple of 3 float
        Tonic excitation from pons, retrotrapezoid nucleus and raphe.
    """

    g_NaP: float  # noqa: N815
    drives: tuple[float, float, float]


CONDITIONS: Mapping[str, Condition] = MappingProxyType(
    {
        "three-phase": Condition(5.0, (1.0, 1.0, 1.0)),
        "two-phase": Condition(5.0, (0.0, 1.0, 1.0)),
        "one-phase": Condition(5.0, (0.0, 0.0, 1.0)),
        "three-phase, no NaP": Condition(0.0, (1.0, 1.0, 1.0)),
        "two-phase, no NaP": Condition(0.0, (0.0, 1.0, 1.0)),
    }
)
"""Rhythm with all drives, without the pons, without pons and retrotrapezoid nucleus, and with blocked sodium."""

# Conductances (nS), capacitance (pF) and reversal potentials (mV).
CAPACITANCE = 20.0
G_K, G_AD, G_L, G_SYN_E, G_SYN_I = 5.0, 10.0, 2.8, 10.0, 60.0
E_NA, E_K, E_L, E_SYN_E, E_SYN_I = 50.0, -85.0, -60.0, 0.0, -75.0
# Output f(V) = 1 / (1 + exp(-(V - V_HALF) / SLOPE)), mV.
V_HALF, SLOPE = -30.0, np.array([8.0, 4.0, 4.0, 4.0])
# Adaptation of early-I, post-I and aug-E: ms, and the level that full output drives it to.
TAU_AD, K_AD = np.array([2000.0, 1000.0, 2000.0]), np.array([0.9, 1.3, 0.9])
TAU_H_MAX = 6000.0
# All [pre, post]: pre-I excites early-I, the three others inhibit each other and pre-I.
EXCITATION = np.array([[0.0, 0.4, 0.0, 0.0], [0.0] * 4, [0.0] * 4, [0.0] * 4])
INHIBITION = np.array([[0.0] * 4, [0.0, 0.0, 0.25, 0.35], [0.3, 0.05, 0.0, 0.35], [0.2, 0.35, 0.1, 0.0]])
DRIVE = np.array([[0.115, 0.3, 0.63, 0.33], [0.07, 0.3, 0.0, 0.4], [0.025, 0.0, 0.0, 0.0]])
# On the three-phase cycle, as pre-I rises.
START_V, START_H, START_M = np.array([-36.82, -33.58, -42.0, -41.19]), 0.3413, np.array([0.1649, 0.1947, 0.0832])


class RespiratoryRhythm(Circuit):
    r"""Respiratory central pattern generator, Rubin et al. (2009), with the parameters of ModelDB 125529.

    For population i with output :math:`f_i = 1 / (1 + e^{-(V_i + 30) / k_i})`, conductances in nS and C in pF:

    .. math::

        C \dot V_i &= -I_i - g_L (V_i - E_L) - g_{synE} \Bigl(\sum_j f_j a_{ji} + \sum_m d_m c_{mi}\Bigr)
                      (V_i - E_{synE}) - g_{synI} \sum_j f_j b_{ji} (V_i - E_{synI}) \\
        I_1 &= g_{NaP} m(V_1) h (V_1 - E_{Na}) + g_K m_K(V_1)^4 (V_1 - E_K), \qquad
        \tau_h(V_1) \dot h = h_\infty(V_1) - h \\
        I_i &= g_{AD} m_i (V_i - E_K), \qquad \tau_{AD,i} \dot m_i = k_{AD,i} f_i - m_i \qquad (i > 1)

    Population 1 (pre-I) excites early-I and bursts intrinsically through its persistent sodium current; early-I, post-I
    and aug-E inhibit each other and adapt. Inputs are the three drives d (pons, retrotrapezoid nucleus, raphe);
    `CONDITIONS` names those of the paper with their g_NaP. Outputs are f, in the order of `POPULATIONS`.

    The original course notebook has g_NaP = 0, uses the voltage of early-I in the adaptation current
    of every population, does not keep h from one step to the next, and exchanges k_AD of post-I and aug-E
    (here 0.9, 1.3, 0.9); its rhythm has different periods.

    Parameters
    ----------
    g_NaP : float
        Persistent sodium conductance of pre-I, nS, >= 0.
    dt : float
        Step, ms; 0.5 still gives the periods of `CONDITIONS` to 1e-5.
    method : str
        Runge-Kutta method of BrainPy.
    sigma : float
        Membrane noise: standard deviation of V by leak alone, mV.
    seed : int
        Fixes the noise.
    name, mode
        Same as for every BrainPy system.

    Raises
    ------
    ValueError
        If a parameter is out of range, or the method is unknown.

    References
    ----------
    Rubin, Shevtsova, Ermentrout, Smith & Rybak (2009), J Neurophysiol 101:2146.

    Examples
    --------
    >>> from eicon.models.circuits import simulate
    >>> run = simulate(RespiratoryRhythm(dt=0.5), duration=1000.0)
    >>> run.outputs.shape, run.states["V"].shape
    ((2000, 1, 4), (2000, 1, 4))
    """

    states: ClassVar[tuple[str, ...]] = ("V", "h", "m")
    methods: ClassVar[tuple[str, ...]] = RUNGE_KUTTA

    def __init__(
        self,
        *,
        g_NaP: float = 5.0,
        dt: float = 0.1,
        method: str = "rk4",
        sigma: float = 0.0,
        seed: int | float = 0,
        name: str | None = None,
        mode: bm.Mode | None = None,
    ):
        super().__init__(n_in=3, dt=dt, method=method, sigma=sigma, seed=seed, name=name, mode=mode)
        if not (g_NaP >= 0.0 and np.isfinite(g_NaP)):
            raise ValueError(f"`g_NaP` must be >= 0 and finite (nS); got {g_NaP}.")
        self.g_NaP = float(g_NaP)
        self.integral = bp.odeint(bp.JointEq(self._voltage, self._inactivation, self._adaptation), method=method)
        self.reset_state(self.mode)

    def initial(self) -> dict[str, ArrayLike]:
        """Return a point on the three-phase cycle, at the onset of inspiration."""
        return {"V": START_V, "h": START_H, "m": START_M}

    def default_inputs(self) -> ArrayLike:
        """Return all three drives, switched on."""
        return np.ones(3)

    def _voltage(self, V, t, h, m, drives):
        f, first = outputs(V), V[:, 0]
        excitation = f @ _like(EXCITATION, V) + drives @ _like(DRIVE, V)
        inhibition = f @ _like(INHIBITION, V)
        sodium = self.g_NaP * sigmoid((first + 40.0) / 6.0) * h * (first - E_NA)
        potassium = G_K * sigmoid((first + 29.0) / 4.0) ** 4 * (first - E_K)
        own = jnp.concatenate([(sodium + potassium)[:, None], G_AD * m * (V[:, 1:] - E_K)], axis=1)
        synaptic = G_SYN_E * excitation * (V - E_SYN_E) + G_SYN_I * inhibition * (V - E_SYN_I)
        return -(own + G_L * (V - E_L) + synaptic) / CAPACITANCE

    def _inactivation(self, h, t, V):
        first = V[:, 0]
        tau = TAU_H_MAX / jnp.cosh((first + 48.0) / 12.0)
        return (sigmoid(-(first + 48.0) / 6.0) - h) / tau

    def _adaptation(self, m, t, V):
        return (_like(K_AD, V)[None] * outputs(V)[:, 1:] - m) / _like(TAU_AD, V)[None]

    def advance(self, inputs: jax.Array) -> None:
        """Advance by one step of the integrator, then add noise to V."""
        V, h, m = self.integral(self.V.value, self.h.value, self.m.value, 0.0, inputs, dt=self.dt)
        self.V.value = self.with_noise(bm.as_jax(V), CAPACITANCE / G_L)
        self.h.value, self.m.value = h, m

    def read_out(self) -> jax.Array:
        """Return the outputs f of the populations, shape (B, 4)."""
        return outputs(self.V.value)


def outputs(V: jax.Array) -> jax.Array:
    """Return the output of each population at its voltage (B, 4), mV."""
    return sigmoid((V - V_HALF) / _like(SLOPE, V)[None])


def _like(values: np.ndarray, array: jax.Array) -> jax.Array:
    return jnp.asarray(values, array.dtype)
