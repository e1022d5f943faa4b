"""A leaky spiking neuron with fast and slow excitatory currents, and inhibition."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from ..._brainpy import bm, bp
from ._circuit import Circuit, require_positive
from ._spiking_inputs import CHANNELS


class LeakyNeuron(Circuit):
    """Abstract neuron with leak, synapses, threshold and refractory period; subclasses define `drive`.

    The parameters are those of `SpikingNeuron`.
    """

    states: ClassVar[tuple[str, ...]] = ("V", "I_ampa", "I_nmda", "V_inh", "refractory_steps", "spike")

    def __init__(
        self,
        *,
        V_rest: float = -72.3,
        V_threshold: float = -48.6,
        tau_m: float = 24.5,
        R: float = 353.0,
        refractory: float = 10.0,
        tau_ampa: float = 6.3,
        tau_nmda: float = 81.5,
        tau_inh: float = 20.0,
        w_ampa: float = 0.05,
        w_nmda: float = 0.01,
        w_inh: float = 5.0,
        dt: float = 0.1,
        method: str = "rk4",
        sigma: float = 0.0,
        seed: int | float = 0,
        name: str | None = None,
        mode: bm.Mode | None = None,
    ):
        super().__init__(n_in=len(CHANNELS), dt=dt, method=method, sigma=sigma, seed=seed, name=name, mode=mode)
        for label, value in (("tau_m", tau_m), ("tau_ampa", tau_ampa), ("tau_nmda", tau_nmda), ("tau_inh", tau_inh)):
            require_positive(label, value, "ms")
        require_positive("R", R, "MOhm")
        if not V_threshold > V_rest:
            raise ValueError(
                f"`V_threshold` must be above `V_rest` (mV); got {V_threshold} and {V_rest}. It would fire forever."
            )
        steps = round(refractory / dt)
        if steps < 0 or abs(steps * dt - refractory) > 1e-6 * dt:
            raise ValueError(f"`refractory` must be a whole number of steps of {dt:g} ms, >= 0; got {refractory:g} ms.")
        self.V_rest, self.V_threshold, self.tau_m, self.R = V_rest, V_threshold, tau_m, R
        self.refractory, self._held = refractory, steps
        self.tau_ampa, self.tau_nmda, self.tau_inh = tau_ampa, tau_nmda, tau_inh
        self.w_ampa, self.w_nmda, self.w_inh = w_ampa, w_nmda, w_inh
        self.integral = bp.odeint(self._equations(), method=method)
        self.reset_state(self.mode)

    def drive(self, potential: jax.Array | np.ndarray) -> jax.Array:
        """Return the asymptotic depolarisation (mV) for a current with ``potential = R I`` (mV)."""
        raise NotImplementedError

    def _equations(self) -> bp.JointEq:
        def dV(V, t, I_ampa, I_nmda, V_inh, current, hyperpolarization):  # noqa: N802
            depolarised = self.drive(self.R * (I_ampa + I_nmda + current))
            return (self.V_rest - V + depolarised - V_inh - hyperpolarization) / self.tau_m

        def dI_ampa(I_ampa, t):  # noqa: N802
            return -I_ampa / self.tau_ampa

        def dI_nmda(I_nmda, t):  # noqa: N802
            return -I_nmda / self.tau_nmda

        def dV_inh(V_inh, t):  # noqa: N802
            return -V_inh / self.tau_inh

        return bp.JointEq(dV, dI_ampa, dI_nmda, dV_inh)

    def initial(self) -> dict[str, ArrayLike]:
        """Return the resting state, without synaptic currents, ready to fire."""
        analogue = {"V": self.V_rest, "I_ampa": 0.0, "I_nmda": 0.0, "V_inh": 0.0}
        return {**analogue, "refractory_steps": 0, "spike": False}

    def advance(self, inputs: jax.Array) -> None:
        """Add events, integrate the membrane, and fire if it is above threshold at the end of the step."""
        ampa, nmda, inhibition, current, hyperpolarization = inputs.T
        V, I_ampa, I_nmda, V_inh = self.integral(
            self.V.value,
            self.I_ampa.value + self.w_ampa * ampa,
            self.I_nmda.value + self.w_nmda * nmda,
            self.V_inh.value + self.w_inh * inhibition,
            0.0,
            current,
            hyperpolarization,
            dt=self.dt,
        )
        waiting = self.refractory_steps.value > 0
        V = jnp.where(waiting, self.V_rest, self.with_noise(bm.as_jax(V), self.tau_m))
        fires = self.V_threshold < V
        self.V.value = jnp.where(fires, self.V_rest, V)
        self.I_ampa.value, self.I_nmda.value, self.V_inh.value = I_ampa, I_nmda, V_inh
        left = jnp.where(fires, self._held, jnp.maximum(self.refractory_steps.value - 1, 0))
        self.refractory_steps.value = left.astype(self.refractory_steps.dtype)
        self.spike.value = fires

    def read_out(self) -> jax.Array:
        """Return whether the neuron fired in the step, bool, shape (B, 1)."""
        return self.spike.value[:, None]

    def firing_rate(self, current: ArrayLike, hyperpolarization: ArrayLike = 0.0) -> Float[np.ndarray, "*shape"]:
        r"""Return the rate for a constant current, in closed form.

        With ``D = drive(R I) - V_inh`` the rate is :math:`1 / (t_{ref} + \tau_m \ln (D / (D - (V_{thr} - V_{rest}))))`,
        and 0 if D does not exceed the distance to threshold.

        Parameters
        ----------
        current : array
            Current in nA, any shape.
        hyperpolarization : array
            Constant inhibition, mV, of a shape that broadcasts with the current.

        Returns
        -------
        float array
            Spikes/s.

        Examples
        --------
        >>> SpikingNeuron().firing_rate([0.05, 0.1, 0.7]).round(1).tolist()
        [0.0, 26.8, 80.2]
        """
        potential = np.asarray(self.R * np.asarray(current, np.float64))
        reached = np.asarray(self.drive(potential), np.float64) - np.asarray(hyperpolarization, np.float64)
        distance = self.V_threshold - self.V_rest
        with np.errstate(divide="ignore", invalid="ignore"):
            interval = self.refractory - self.tau_m * np.log1p(-distance / reached)
            return np.where(reached > distance, 1000.0 / interval, 0.0)


class SpikingNeuron(LeakyNeuron):
    r"""Leaky spiking neuron with AMPA and NMDA currents and inhibition, Tesileanu, Olveczky & Balasubramanian (2017).

    .. math::

        \tau_m \dot V = V_r - V + R (I_{AMPA} + I_{NMDA} + I) - V_{inh} - h

    Each presynaptic event raises its current (or :math:`V_{inh}`) by a fixed amount, which decays exponentially. V
    above threshold at the end of a step is a spike: V is reset to rest and stays there for the refractory period, while
    synaptic currents continue to decay. A spike is an event; `eicon.plotting` draws its shape.

    Inputs are the `CHANNELS`: events per step on AMPA, NMDA and inhibitory synapses, a current I (nA) and an
    inhibition h (mV); `spiking_inputs` combines them.

    Parameters
    ----------
    V_rest, V_threshold : float
        Rest (and reset) and threshold, mV.
    tau_m : float
        Membrane time constant, ms.
    R : float
        Input resistance, MOhm; times nA it is mV.
    refractory : float
        Refractory period, ms, a whole number of steps.
    tau_ampa, tau_nmda, tau_inh : float
        Decay of the two currents and of inhibition, ms.
    w_ampa, w_nmda : float
        Current of one event, nA.
    w_inh : float
        Inhibition of one event, mV.
    dt : float
        Step, ms.
    method : str
        Integrator of BrainPy; ``"exp_euler"`` is exact for constant currents.
    sigma : float
        Membrane noise: standard deviation of V without a threshold, mV.
    seed : int
        Fixes the noise.
    name, mode
        Same as for every BrainPy system.

    Raises
    ------
    ValueError
        If a parameter is out of range, or the refractory period is not a whole number of steps.

    References
    ----------
    Tesileanu, Olveczky & Balasubramanian (2017), eLife 6:e20944; the numbers are those of its student neurons.

    Examples
    --------
    >>> from eicon.models.circuits import simulate, spiking_inputs
    >>> run = simulate(SpikingNeuron(), spiking_inputs(10000, current=0.1))
    >>> int(run.outputs.sum())
    27
    """

    def drive(self, potential: jax.Array | np.ndarray) -> jax.Array:
        """Return the potential itself (Ohm's law)."""
        return jnp.asarray(potential)


class ExponentialDriveNeuron(LeakyNeuron):
    r"""Spiking neuron whose depolarisation grows exponentially with the current.

    .. math::

        \tau_m \dot V = V_r - V + \Delta (e^{R (I_{AMPA} + I_{NMDA} + I) / \Delta} - 1) - V_{inh} - h

    This is an interpretation of the course notebook's "other possible way",
    :math:`V_i = V_{i-1} + e^{R (I_{AMPA} + I_{NMDA}) / \tau_m} - V_{inh}`, which cannot be correct as written. Its
    exponent is in mV/ms instead of dimensionless, and a bare exponential is added to mV. Without input it adds 1 at
    every step, so V grows without bound, faster with shorter steps; there is no leak, and the listed resting potential
    is not used. Here the exponent is divided by a voltage :math:`\Delta`, zero current has no effect, and
    the leak is restored. For small currents, or :math:`\Delta \to \infty`, the neuron is `SpikingNeuron`.

    Parameters
    ----------
    delta : float
        Voltage of the exponential, mV.
    **options
        Options of `SpikingNeuron`.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> linear, exponential = ExponentialDriveNeuron(delta=1e6), ExponentialDriveNeuron(delta=100.0)
    >>> linear.firing_rate(0.1).round(1), exponential.firing_rate(0.1).round(1)
    (np.float64(26.8), np.float64(33.2))
    """

    def __init__(self, *, delta: float = 100.0, **options):
        require_positive("delta", delta, "mV")
        self.delta = float(delta)
        super().__init__(**options)

    def drive(self, potential: jax.Array | np.ndarray) -> jax.Array:
        """Return an exponential of the potential, with slope 1 at 0."""
        return self.delta * jnp.expm1(potential / self.delta)
