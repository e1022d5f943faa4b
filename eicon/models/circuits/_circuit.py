"""Base of all small circuits: a step by an integrator of BrainPy, state with a batch axis, noise from a key."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
from numpy.typing import ArrayLike

from ..._brainpy import bm, bp
from ..._key import as_key
from ..._key import key as key_of
from .._thread import ensure_defaults

RUNGE_KUTTA = (
    "euler",
    "midpoint",
    "heun2",
    "ralston2",
    "rk2",
    "rk3",
    "heun3",
    "ralston3",
    "ssprk3",
    "rk4",
    "ralston4",
    "rk4_38rule",
)
"""Explicit Runge-Kutta methods of BrainPy with a fixed step."""

METHODS = (*RUNGE_KUTTA, "exp_euler")
"""Names allowed as `method` of a circuit, unless `Circuit.methods` differs."""


class Circuit(bp.DynamicalSystem):
    """Abstract small dynamical system that takes one input array and returns one output array per step.

    A subclass names its state variables in `states`, returns their initial values in `initial`, and advances
    them in `advance`; `read_out` computes the output. All arrays have a leading batch axis B.

    Parameters
    ----------
    n_in : int
        Number of input channels.
    dt : float
        Step, ms.
    method : str
        Integrator of BrainPy, one of `METHODS`.
    sigma : float
        Standard deviation of the noise, >= 0, in the unit of the variable to which it is added.
    seed : int
        Fixes the noise, unless `reset_state` is given a key.
    name, mode
        Same as for every BrainPy system.

    Raises
    ------
    ValueError
        If step or noise is out of range, or the method is unknown.
    """

    states: ClassVar[tuple[str, ...]] = ()
    """Names of the state variables, attributes that are `bm.Variable` objects with a batch axis."""

    methods: ClassVar[tuple[str, ...]] = METHODS
    """Integrators that the equations allow."""

    def __init__(
        self,
        *,
        n_in: int,
        dt: float,
        method: str,
        sigma: float = 0.0,
        seed: int | float = 0,
        name: str | None = None,
        mode: bm.Mode | None = None,
    ):
        ensure_defaults()
        super().__init__(name=name, mode=mode)
        require_positive("dt", dt, "ms")
        if not (sigma >= 0.0 and math.isfinite(sigma)):
            raise ValueError(f"`sigma` must be >= 0 and finite (standard deviation of the noise); got {sigma}.")
        if method not in self.methods:
            raise ValueError(
                f"`method` of {type(self).__name__} must be one of {', '.join(self.methods)}; got {method!r}."
            )
        self.n_in, self.dt, self.method, self.sigma = n_in, float(dt), method, float(sigma)
        self.noise_key = bm.Variable(jax.random.key_data(key_of(seed)))

    def initial(self) -> dict[str, ArrayLike]:
        """Return the initial values of the state, for one trial."""
        raise NotImplementedError

    def advance(self, inputs: jax.Array) -> None:
        """Advance the state from t to t + dt; `inputs` (B, n_in) are constant in between."""
        raise NotImplementedError

    def read_out(self) -> jax.Array:
        """Return the outputs of the current state, shape (B, n_out)."""
        raise NotImplementedError

    def default_inputs(self) -> ArrayLike:
        """Return the default inputs (n_in,) of a run: zeros."""
        return jnp.zeros(self.n_in)

    def reset_state(self, batch_or_mode: int | bm.Mode | None = None, *, key: jax.Array | int | None = None) -> None:
        """Reset the state to `initial` for a batch of trials (default 1); a ``key`` also restarts the noise."""
        if isinstance(batch_or_mode, bm.Mode):
            batch_or_mode = batch_or_mode.batch_size if isinstance(batch_or_mode, bm.BatchingMode) else None
        if key is not None:
            self.noise_key.value = jax.random.key_data(as_key(key))
        for name, value in self.initial().items():
            one = jnp.asarray(value)
            self.set_state(name, jnp.tile(one, (int(batch_or_mode or 1),) + (1,) * one.ndim))

    def set_state(self, name: str, value: jax.Array) -> None:
        """Set a state variable to a value, with the batch axis first."""
        present = self.__dict__.get(name)
        # BrainPy would assign to the existing variable, and rejects a different precision.
        if present is not None and present.dtype != value.dtype:
            del self.__dict__[name]
        setattr(self, name, bm.Variable(value, batch_axis=0))

    def update(self, inputs: ArrayLike) -> jax.Array:
        """Advance by one step.

        Parameters
        ----------
        inputs : array, shape (B, n_in), or (n_in,) for a single trial
            Held constant during the step.

        Returns
        -------
        jax.Array, shape (B, n_out)
            Outputs at the end of the step.

        Raises
        ------
        ValueError
            If inputs have the wrong shape.
        """
        first = getattr(self, self.states[0])
        given = jnp.atleast_2d(jnp.asarray(bm.as_jax(inputs), first.dtype))
        if given.shape != (first.shape[0], self.n_in):
            raise ValueError(
                f"inputs of one step must have shape (B, n_in) = ({first.shape[0]}, {self.n_in}); got {given.shape}. "
                "reset_state(B) sets the number of trials."
            )
        self.advance(given)
        return self.read_out()

    def with_noise(self, value: jax.Array, tau: float | jax.Array) -> jax.Array:
        """Add one step of noise, such that a leaky variable of time constant `tau` (ms) gets the deviation `sigma`."""
        if self.sigma == 0.0:
            return value
        key, following = jax.random.split(jax.random.wrap_key_data(self.noise_key.value))
        self.noise_key.value = jax.random.key_data(following)
        # Exact for a leak: the stationary deviation is the same for every dt.
        size = self.sigma * jnp.sqrt(-jnp.expm1(-2.0 * self.dt / tau))
        return value + size * jax.random.normal(key, value.shape, value.dtype)


class LeakyCircuit(Circuit):
    r"""Abstract circuit with one leaky variable per unit, :math:`\tau \dot x = -x + F(x, u)`, with F in `drive`.

    Runge-Kutta methods evaluate F at their inner points. Exponential Euler freezes F during a step and solves the
    leak exactly. BrainPy's own integrator of the whole right-hand side would be wrong: it uses the sum over a column
    of the Jacobian as its diagonal, which is the leak only of uncoupled units.
    """

    def __init__(
        self,
        *,
        tau: float,
        n_in: int,
        dt: float,
        method: str,
        sigma: float,
        seed: int | float,
        name: str | None,
        mode: bm.Mode | None,
    ):
        super().__init__(n_in=n_in, dt=dt, method=method, sigma=sigma, seed=seed, name=name, mode=mode)
        require_positive("tau", tau, "ms")
        self.tau = float(tau)
        frozen = method not in RUNGE_KUTTA
        self.integral = bp.odeint(self._leak if frozen else self._flow, method=method)

    def drive(self, x: jax.Array, inputs: jax.Array) -> jax.Array:
        """Return F(x, u), the values to which the units relax, shape (B, N)."""
        raise NotImplementedError

    def _flow(self, x, t, inputs):
        return (self.drive(x, inputs) - x) / self.tau

    def _leak(self, x, t, drive):
        return (drive - x) / self.tau

    def advance(self, inputs: jax.Array) -> None:
        """Advance by one step of the integrator, then add noise."""
        state = getattr(self, self.states[0])
        forcing = inputs if self.method in RUNGE_KUTTA else self.drive(state.value, inputs)
        following = self.integral(state.value, 0.0, forcing, dt=self.dt)
        state.value = self.with_noise(bm.as_jax(following), self.tau)

    def read_out(self) -> jax.Array:
        """Return the variable itself."""
        return getattr(self, self.states[0]).value


def require_positive(name: str, value: float, unit: str = "") -> None:
    """Raise ValueError unless `value` is positive and finite."""
    if not (value > 0.0 and math.isfinite(value)):
        shown = f" ({unit})" if unit else ""
        raise ValueError(f"`{name}` must be positive and finite{shown}; got {value}.")
