r"""Cells: the dynamics of single units.

A cell is a frozen dataclass with five methods, elementwise over units (`Cell`). A cell contains settings; the numbers
of its units are in the network. `Leaky` is the equation of Song, Yang & Wang (2016); `Adapting` and `Plastic` wrap
another cell.
"""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from .._users import users_code
from ._activations import Activation, as_activation
from ._parameters import POSITIVE, TIME, UNIT, Parameter

State = dict[str, jax.Array]
"""Variables of all units by name, each (..., N)."""
Numbers = dict[str, jax.Array]
"""Parameters by name, of shapes that broadcast with those of the state."""


@runtime_checkable
class Cell(Protocol):
    """Dynamics of a unit between two steps; elementwise over units.

    Implementations are frozen dataclasses, so that equal cells share compiled programs, and use `jax.numpy`.
    ``p`` contains the values of the parameters by name, ``s`` the state: a dict of arrays whose last axis is that of
    the units.
    """

    def parameters(self, n: int) -> dict[str, Parameter]:
        """Return the parameters of ``n`` units, with their defaults and bounds."""
        ...

    def initial(self, p: Numbers, shape: tuple[int, ...]) -> State:
        """Return the state at the start of a trial, arrays of this shape."""
        ...

    def rate(self, p: Numbers, s: State) -> jax.Array:
        """Return the rate, which is recorded and read out."""
        ...

    def send(self, p: Numbers, s: State) -> jax.Array:
        """Return the signal sent to the recurrent weights: the rate (``send = rate``), unless synapses modify it."""
        ...

    def step(self, p: Numbers, s: State, received: jax.Array, dt: float) -> State:
        """Return the state ``dt`` ms later.

        ``received`` is ``send @ W + u @ W_in + b + noise``; the rate is that before the step.
        """
        ...


@dataclass(frozen=True, repr=False)
class Leaky:
    r"""Leaky unit, Song, Yang & Wang (2016) eqs. 1-3.

    .. math:: \tau \dot x = -x + g_{in}\, I, \qquad r = g\, f(s\, x)

    Parameters are ``tau`` (ms) and ``x0`` (the current at the start of a trial), and optionally three factors, which
    are 1 by default and stay > 0 to preserve Dale's law: ``gain`` :math:`g` of the rate, ``input_gain``
    :math:`g_{in}` of the total input of the unit, and ``slope`` :math:`s` of the argument of the activation.

    Parameters
    ----------
    activation : str, mapping or Activation
    gain, input_gain, slope : bool
        Whether units have this parameter.

    Examples
    --------
    >>> sorted(Leaky("tanh", gain=True).parameters(10))
    ['gain', 'tau', 'x0']
    """

    activation: Any = "relu"
    gain: bool = False
    input_gain: bool = False
    slope: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "activation", as_activation(self.activation))

    def __repr__(self) -> str:
        numbers = "".join(f", {name}={value:g}" for name, value in self.activation.parameters)
        extra = "".join(f", {name}=True" for name in ("gain", "input_gain", "slope") if getattr(self, name))
        return f"Leaky({self.activation.name}{numbers}{extra})"

    def parameters(self, n: int) -> dict[str, Parameter]:
        """Return ``tau``, ``x0``, and the gains that were requested."""
        found = {"tau": Parameter(100.0, TIME), "x0": Parameter(0.1)}
        return found | {
            name: Parameter(1.0, POSITIVE) for name in ("gain", "input_gain", "slope") if getattr(self, name)
        }

    def initial(self, p: Numbers, shape: tuple[int, ...]) -> State:
        """Return ``x = x0``."""
        return {"x": jnp.broadcast_to(p["x0"], shape)}

    def rate(self, p: Numbers, s: State) -> jax.Array:
        """Return ``gain f(slope x)``."""
        rate = self.activation(p["slope"] * s["x"] if self.slope else s["x"])
        return p["gain"] * rate if self.gain else rate

    send = rate

    def step(self, p: Numbers, s: State, received: jax.Array, dt: float) -> State:
        """Advance by one Euler step."""
        alpha = dt / p["tau"]
        if self.input_gain:
            received = p["input_gain"] * received
        return {"x": (1 - alpha) * s["x"] + alpha * received}


@dataclass(frozen=True)
class Adapting:
    r"""Spike-frequency adaptation: a variable that follows the rate is subtracted from the input of the unit.

    .. math:: \tau_a \dot a = -a + r, \qquad I \to I - \beta a

    Parameters are ``tau_a`` (ms), ``beta`` (of either sign; 0 turns adaptation off), and those of the ``inner`` cell.
    """

    inner: Cell

    def parameters(self, n: int) -> dict[str, Parameter]:
        """Return the parameters of the inner cell, ``tau_a`` and ``beta``."""
        own = {"tau_a": Parameter(500.0, TIME), "beta": Parameter(0.5)}
        return _joined(self, self.inner.parameters(n), own)

    def initial(self, p: Numbers, shape: tuple[int, ...]) -> State:
        """Return the state of the inner cell, and ``a = 0``."""
        state = self.inner.initial(p, shape)
        return _joined(self, state, {"a": jnp.zeros(shape, _dtype(state))})

    def rate(self, p: Numbers, s: State) -> jax.Array:
        """Return the rate of the inner cell."""
        return self.inner.rate(p, s)

    def send(self, p: Numbers, s: State) -> jax.Array:
        """Return the signal of the inner cell."""
        return self.inner.send(p, s)

    def step(self, p: Numbers, s: State, received: jax.Array, dt: float) -> State:
        """Advance the inner cell and the adaptation by one Euler step."""
        a = s["a"] + dt / p["tau_a"] * (self.rate(p, s) - s["a"])
        return {**self.inner.step(p, s, received - p["beta"] * s["a"], dt), "a": a}


@dataclass(frozen=True)
class Plastic:
    r"""Short-term plasticity of outgoing synapses (Mongillo, Barak & Tsodyks 2008; Masse et al. 2019).

    .. math::

        \dot u = \frac{U - u}{\tau_f} + U (1 - u) r, \qquad \dot w = \frac{1 - w}{\tau_d} - u w r

    The unit sends :math:`u w r`; its rate :math:`r` is recorded and read out. Parameters are ``U`` (0 to 1), ``tau_f``
    and ``tau_d`` (ms), and those of the ``inner`` cell. As published, both variables are clipped to [0, 1], because
    an Euler step could leave this range at high rates.

    Parameters
    ----------
    inner : Cell
    hz : float
        Spikes per second that correspond to a rate of 1, >= 0: 1 as published, 20 to 50 in a network whose rates lie
        between 0 and 1; 0 turns plasticity off.
    """

    inner: Cell
    hz: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.hz < float("inf"):
            raise ValueError(f"hz, the spikes per second that correspond to a rate of 1, must be >= 0; got {self.hz}.")

    def parameters(self, n: int) -> dict[str, Parameter]:
        """Return the parameters of the inner cell, ``U``, ``tau_f`` and ``tau_d``."""
        own = {"U": Parameter(0.2, UNIT), "tau_f": Parameter(1500.0, TIME), "tau_d": Parameter(200.0, TIME)}
        return _joined(self, self.inner.parameters(n), own)

    def initial(self, p: Numbers, shape: tuple[int, ...]) -> State:
        """Return ``u = U`` and ``w = 1``: synapses at rest."""
        state = self.inner.initial(p, shape)
        return _joined(self, state, {"u": jnp.broadcast_to(p["U"], shape), "w": jnp.ones(shape, _dtype(state))})

    def rate(self, p: Numbers, s: State) -> jax.Array:
        """Return the rate of the inner cell."""
        return self.inner.rate(p, s)

    def send(self, p: Numbers, s: State) -> jax.Array:
        """Return ``u w`` times the signal of the inner cell."""
        return s["u"] * s["w"] * self.inner.send(p, s)

    def step(self, p: Numbers, s: State, received: jax.Array, dt: float) -> State:
        """Advance unit and synapses by one Euler step; rates are in spikes per ms."""
        spikes, u, w = self.hz / 1000 * self.rate(p, s), s["u"], s["w"]
        du = (p["U"] - u) / p["tau_f"] + p["U"] * (1 - u) * spikes
        dw = (1 - w) / p["tau_d"] - u * w * spikes
        return {
            **self.inner.step(p, s, received, dt),
            "u": _within(u + dt * du),
            "w": _within(w + dt * dw),
        }


def as_cell(cell: Any, activation: Any) -> Cell:
    """Return the cell of a network: the given one, or a leaky one with an activation.

    Raises
    ------
    ValueError
        If both are given, or the cell is not a cell.
    """
    if cell is None:
        return Leaky("relu" if activation is None else activation)
    if activation is not None:
        raise ValueError("give the activation to the cell, Leaky(activation), or omit the cell; got both.")
    if isinstance(cell, type) or not isinstance(cell, Cell):
        raise ValueError(
            f"a cell has the methods parameters, initial, rate, send and step; got {cell!r:.80}. "
            "Did you pass the class instead of an instance?"
        )
    try:
        hash(cell)  # otherwise it could not be compiled
    except TypeError as error:
        raise ValueError(
            f"a cell is a frozen dataclass, @dataclass(frozen=True), of settings that can be hashed; "
            f"{type(cell).__name__} cannot: {error}."
        ) from error
    return cell


def declared_by(cell: Cell, n: int, dt: float) -> dict[str, Parameter]:
    """Check that the methods of a cell are consistent, and return its parameters.

    Raises
    ------
    ValueError
        If a parameter is not a `Parameter`, or a method returns the wrong variables or shapes.
    """
    name, shape = type(cell).__name__, (2, n)
    declared = cell.parameters(n)
    for key, parameter in declared.items():
        if not isinstance(parameter, Parameter):
            raise ValueError(
                f"{name}.parameters must return Parameter(value, bound) for each name; got {parameter!r} for {key!r}."
            )

    def every(p: Numbers) -> Any:
        state = cell.initial(p, shape)
        received = jnp.zeros(shape)
        return state, {"rate": cell.rate(p, state), "send": cell.send(p, state)}, cell.step(p, state, received, dt)

    numbers = dict.fromkeys(declared, jax.ShapeDtypeStruct((1, n), jnp.result_type(float)))
    with users_code(f"the cell `{name}`"):
        state, seen, after = jax.eval_shape(every, numbers)
    made = {f"initial: {key!r}": value for key, value in state.items()}
    for what, value in (made | seen | {f"step: {key!r}": value for key, value in after.items()}).items():
        if value.shape != shape or not jnp.issubdtype(value.dtype, jnp.floating):
            raise ValueError(
                f"{name}.{what} must be floating-point numbers of the shape of the state, here {shape}; "
                f"got {value.dtype} of shape {value.shape}."
            )
    if state.keys() != after.keys():
        raise ValueError(
            f"{name}.step must return the variables of {name}.initial, {sorted(state)}; got {sorted(after)}."
        )
    return declared


def activation_of(cell: Cell) -> Activation:
    """Return the activation of a cell, or of the one that it wraps.

    Raises
    ------
    AttributeError
        If it has none.
    """
    found, inner = getattr(cell, "activation", None), getattr(cell, "inner", None)
    if isinstance(found, Activation):
        return found
    if inner is None:
        raise AttributeError(f"a cell of the type {type(cell).__name__} has no activation.")
    return activation_of(inner)


def _joined(cell: Any, inner: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Join parameters or variables of a cell and of the one that it wraps; reject names that occur in both."""
    for name in inner.keys() & own.keys():
        raise ValueError(
            f"{type(cell).__name__} cannot wrap a {type(cell.inner).__name__}: the name {name!r} occurs in both."
        )
    return {**inner, **own}


def _dtype(state: State) -> Any:
    return next(iter(state.values())).dtype


def _within(v: jax.Array) -> jax.Array:
    """Clip to [0, 1]; unlike that of `jnp.clip`, the gradient at the edge, where a synapse rests, is 1."""
    return jnp.where(v > 1, 1.0, jnp.where(v < 0, 0.0, v))
