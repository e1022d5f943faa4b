"""The rate equation itself: constants and pure functions, no state."""

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ._activations import Activation
from ._connectivity import Connectivity
from ._noise import as_covariance, covariance_root, normal
from ._rollout import scan_trajectory, trajectory

Parameters = dict[str, jax.Array]

PROGRAMS_KEPT = 32

CONSTANTS = ("activation", "tau", "dt", "sigma_rec", "sigma_in", "noise_covariance")
"""Constants of a `RateEquation` beside its connectivities."""


class Activity(NamedTuple):
    """What a network did, time-major.

    Attributes
    ----------
    outputs : (T, B, n_out) readout ``z = r W_out + b_out``
    rates : (T, B, N) ``r = f(x)``
    currents : (T, B, N) ``x``
    """

    outputs: jax.Array
    rates: jax.Array
    currents: jax.Array


@dataclass(frozen=True, eq=False)
class RateEquation:
    r"""Constants of a rate network and its Euler step (Song, Yang & Wang 2016, eqs. 1-3).

    .. math::

        x_t &= (1 - \alpha) x_{t-1} + \alpha (r_{t-1} W_{rec} + (u_t + \eta_t) W_{in} + b)
               + \sqrt{2 \alpha}\, \sigma_{rec} \xi_t, \qquad \alpha = \Delta t / \tau \\
        r_t &= f(x_t), \qquad z_t = r_t W_{out} + b_{out}

    with :math:`\xi_t, \eta_t / (\sqrt{2 / \alpha}\, \sigma_{in})` standard normal, independent for every step,
    trial and unit (or input channel). Where :math:`\tau` differs between units, the mean one scales :math:`\eta`.
    A ``noise_covariance`` (N, N) is that of :math:`\xi_t` over units, the unit matrix by default; an isolated unit
    then has the stationary variance :math:`C_{ii} \sigma_{rec}^2 / (1 - \alpha / 2)`.

    Two equations with the same constants are equal, so that networks that differ only in their weights share
    compiled code.
    """

    recurrent: Connectivity
    input: Connectivity
    readout: Connectivity
    activation: Activation = field(default_factory=lambda: Activation("relu"))
    tau: np.ndarray = field(default_factory=lambda: np.array(100.0))
    dt: float = 20.0
    sigma_rec: float = 0.0
    sigma_in: float = 0.0
    noise_covariance: np.ndarray | None = None

    def __post_init__(self) -> None:
        n = self.recurrent.shape[0]
        if self.recurrent.shape != (n, n):
            raise ValueError(f"recurrent connectivity must be square (n_rec, n_rec); got {self.recurrent.shape}.")
        if self.input.shape[1] != n:
            raise ValueError(f"input connectivity must be (n_in, n_rec) with n_rec {n}; got {self.input.shape}.")
        if self.readout.shape[0] != n:
            raise ValueError(f"readout connectivity must be (n_rec, n_out) with n_rec {n}; got {self.readout.shape}.")
        tau = np.array(self.tau, dtype=np.float64)
        if tau.shape not in ((), (n,)):
            raise ValueError(f"tau must be one number or one per unit, shape ({n},), in ms; got shape {tau.shape}.")
        if not (np.isfinite(tau).all() and (tau > 0).all()):
            raise ValueError(f"tau must be > 0 (ms); got {tau.min():g}.")
        if not 0 < self.dt <= tau.min():
            raise ValueError(
                f"dt must be in (0, tau] (ms), or the Euler step overshoots; got dt {self.dt:g} and tau {tau.min():g}."
            )
        for name in ("sigma_rec", "sigma_in"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(
                    f"{name} must be >= 0 (a noise standard deviation that does not depend on dt); got {value}."
                )
        tau = np.broadcast_to(tau, (n,))
        object.__setattr__(self, "tau", tau)
        if self.noise_covariance is not None:
            object.__setattr__(self, "noise_covariance", as_covariance(self.noise_covariance, n))

    @functools.cached_property
    def constants(self) -> dict[str, Any]:
        """All constants in JSON-compatible form, large matrices by their digests."""
        return {
            "shape": [self.n_in, self.n_rec, self.n_out],
            "connectivity": [c.digest for c in (self.input, self.recurrent, self.readout)],
            "activation": self.activation.to_dict(),
            "tau": self.tau.tolist() if len(set(self.tau)) > 1 else float(self.tau[0]),
            "dt": float(self.dt),
            "sigma_rec": float(self.sigma_rec),
            "sigma_in": float(self.sigma_in),
            "noise_covariance": None if self.noise_covariance is None else _digest(self.noise_covariance),
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RateEquation) and self.constants == other.constants

    def __hash__(self) -> int:
        return hash(repr(self.constants))

    @property
    def n_in(self) -> int:
        """Number of input channels."""
        return self.input.shape[0]

    @property
    def n_rec(self) -> int:
        """Number of recurrent units."""
        return self.recurrent.shape[0]

    @property
    def n_out(self) -> int:
        """Number of outputs."""
        return self.readout.shape[1]

    @property
    def alpha(self) -> np.ndarray:
        """``dt / tau`` of each unit, shape (N,)."""
        return self.dt / self.tau

    @property
    def noisy(self) -> bool:
        """Whether trials differ by noise."""
        return self.sigma_rec > 0 or self.sigma_in > 0

    def drive(self, parameters: Parameters, inputs: jax.Array, key: jax.Array | None) -> jax.Array:
        """What each unit's current receives at each step besides recurrence and leak; shape (..., N).

        ``inputs`` has shape (..., n_in); with ``key`` None there is no noise.
        """
        dtype = inputs.dtype
        alpha = self.alpha.astype(dtype)
        key_rec, key_in = (None, None) if key is None else jax.random.split(key)
        if key_in is not None and self.sigma_in > 0:
            scale = self.sigma_in * np.sqrt(2 * self.tau.mean() / self.dt)
            inputs = inputs + dtype.type(scale) * normal(key_in, inputs.shape, dtype)
        weights = self.input.effective(parameters["raw_in"])
        received = _product(inputs, weights * jnp.broadcast_to(alpha, weights.shape))
        if "b_rec" in parameters:
            received = received + jnp.broadcast_to(alpha * parameters["b_rec"], received.shape)
        if key_rec is not None and self.sigma_rec > 0:
            scale = (self.sigma_rec * np.sqrt(2 * self.alpha)).astype(dtype)
            noise = normal(key_rec, received.shape, dtype)
            if self.noise_covariance is not None:
                noise = _product(noise, jnp.asarray(covariance_root(self.noise_covariance), dtype))
            received = received + noise * jnp.broadcast_to(scale, received.shape)
        return received

    def scaled_weights(self, parameters: Parameters) -> jax.Array:
        """Effective recurrent weights, each column multiplied by its unit's alpha; shape (N, N)."""
        weights = self.recurrent.effective(parameters["raw_rec"])
        return weights * jnp.broadcast_to(self.alpha.astype(weights.dtype), weights.shape)

    def read_out(self, parameters: Parameters, rates: jax.Array) -> jax.Array:
        """Outputs of rates; (..., N) to (..., n_out)."""
        outputs = _product(rates, self.readout.effective(parameters["raw_out"]))
        if "b_out" in parameters:
            outputs = outputs + jnp.broadcast_to(parameters["b_out"], outputs.shape)
        return outputs

    def step(self, parameters: Parameters, x: jax.Array, inputs: jax.Array, key: jax.Array | None) -> jax.Array:
        """Currents one Euler step later; ``x`` (..., N), ``inputs`` (..., n_in)."""
        recurrent = self.activation(x) @ self.scaled_weights(parameters)
        decay = jnp.broadcast_to((1 - self.alpha).astype(x.dtype), x.shape)
        return decay * x + recurrent + self.drive(parameters, inputs, key)

    def simulate(
        self,
        parameters: Parameters,
        inputs: jax.Array,
        key: jax.Array | None = None,
        probe: jax.Array | None = None,
        *,
        forward_mode: bool = False,
    ) -> Activity:
        """Whole trials; ``inputs`` (T, B, n_in).

        ``probe`` (T, B, N) is added to the currents at each step: the gradient at probe 0 is that with respect to the
        currents. ``forward_mode`` takes the scan that `jax.jvp` can go through.
        """
        return _compiled(self, forward_mode)(parameters, inputs, key, probe)

    def _simulate(
        self,
        forward_mode: bool,
        parameters: Parameters,
        inputs: jax.Array,
        key: jax.Array | None,
        probe: jax.Array | None,
    ) -> Activity:
        decay = jnp.asarray(1 - self.alpha, inputs.dtype)
        roll = scan_trajectory if forward_mode else trajectory
        drive = self.drive(parameters, inputs, key)
        currents, rates = roll(
            parameters["x0"],
            self.scaled_weights(parameters),
            drive if probe is None else drive + probe,
            decay,
            self.activation,
        )
        return Activity(self.read_out(parameters, rates), rates, currents)


@functools.lru_cache(maxsize=PROGRAMS_KEPT)
def _compiled(equation: RateEquation, forward_mode: bool) -> Callable[..., Activity]:
    """Compiled simulation of an equation; were it a static argument, JAX would keep every equation there ever was."""
    return jax.jit(functools.partial(equation._simulate, forward_mode))


def _digest(matrix: np.ndarray) -> str:
    return hashlib.sha256(matrix.tobytes()).hexdigest()[:16]


def _product(values: jax.Array, weights: jax.Array) -> jax.Array:
    """``values @ weights`` over the last axis; flattened, because its gradient is then one plain product too."""
    flat = values.reshape(-1, values.shape[-1]) @ weights
    return flat.reshape(*values.shape[:-1], weights.shape[-1])
