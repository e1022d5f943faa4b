"""Units of the paper, whose currents do not contain their own gains and biases."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from ...models import Connectivity, RateRNN
from ...models._activations import as_activation
from ...models._cells import Numbers, State
from ...models.cells import FREE, POSITIVE, TIME, Parameter


@dataclass(frozen=True)
class Shifted:
    r"""Leaky unit whose bias acts within its activation.

    .. math:: \tau \dot x = -x + I, \qquad r = g\, f(x + b)

    In `eicon.models.Leaky`, the bias is part of the received current; after a few time constants rates are the same,
    but the current :math:`x` then contains the bias. Here, gain and bias of a unit affect its own current only through
    other units.

    Parameters are ``tau`` (ms), ``x0``, ``gain`` :math:`g` > 0 and ``shift`` :math:`b`.

    Parameters
    ----------
    activation : str, mapping or Activation
    """

    activation: Any = "softplus"

    def __post_init__(self) -> None:
        object.__setattr__(self, "activation", as_activation(self.activation))

    def parameters(self, n: int) -> dict[str, Parameter]:
        """Declare ``tau``, ``x0``, ``gain`` and ``shift``."""
        return {
            "tau": Parameter(100.0, TIME),
            "x0": Parameter(0.0),
            "gain": Parameter(1.0, POSITIVE),
            "shift": Parameter(0.0, FREE),
        }

    def initial(self, p: Numbers, shape: tuple[int, ...]) -> State:
        """Return ``x = x0``."""
        return {"x": jnp.broadcast_to(p["x0"], shape)}

    def rate(self, p: Numbers, s: State) -> jax.Array:
        """Return ``gain f(x + shift)``."""
        return p["gain"] * self.activation(s["x"] + p["shift"])

    send = rate

    def step(self, p: Numbers, s: State, received: jax.Array, dt: float) -> State:
        """Make one Euler step."""
        alpha = dt / p["tau"]
        return {"x": (1 - alpha) * s["x"] + alpha * received}


def with_units(
    net: RateRNN,
    *,
    train: tuple[str, ...] = ("gain", "shift"),
    recurrent: tuple[Connectivity, np.ndarray] | None = None,
    **changed: ArrayLike,
) -> RateRNN:
    """Copy a network with different trained values, gains or biases of units, or recurrent weights."""
    value = net.network
    numbers = {name: net.parameter(name) for name in ("tau", "x0", "gain", "shift")} | changed
    if "b_out" in value.parameters:
        numbers["readout_bias"] = net.parameter("b_out")
    weights: Any = {} if recurrent is None else {"weights": {"recurrent": recurrent[1]}}
    matrix: Any = value.recurrent if recurrent is None else recurrent[0]
    return RateRNN(
        matrix, value.input, value.readout, cell=value.cell, dt=net.dt, parameters=numbers, train=train, **weights
    )


def permuted(net: RateRNN, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the gains and biases of a network, permuted among units of the same type."""
    gain, shift = (np.asarray(net.parameter(name), np.float64) for name in ("gain", "shift"))
    kind = net.units["type"]
    return permuted_within(gain, kind, rng), permuted_within(shift, kind, rng)


def permuted_within(values: np.ndarray, kind: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Permute values within each type of unit."""
    order = np.arange(len(values))
    for one in np.unique(kind):
        members = np.flatnonzero(kind == one)
        order[members] = rng.permutation(members)
    return values[order]
