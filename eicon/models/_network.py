"""A network as a value: all its numbers in one pytree, and its Euler step."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from .._key import as_key
from ._cells import Cell, Numbers, State
from ._noise import Noise, normal
from ._parameters import Values
from ._pytree import pytree
from ._rollout import scan_trajectory, trajectory
from ._weights import Dense, Product, Weights, replaced

ROLES = {"recurrent": "rec", "input": "in", "readout": "out"}
"""Weights of a network, and suffixes of the names of their values (``raw_rec``)."""
BIASES = ("b_rec", "b_out")

Parameters = dict[str, jax.Array]
"""Trainable values of a network, by name."""


class Activity(NamedTuple):
    """Activity of a network in trials, time-major.

    Attributes
    ----------
    outputs : (T, B, n_out) readout ``z = r W_out + b_out``
    rates : (T, B, N)
    states : dict of (T, B, N), all variables of the units after each step
    """

    outputs: jax.Array
    rates: jax.Array
    states: State

    @property
    def currents(self) -> jax.Array:
        """``x`` of the states, (T, B, N)."""
        if "x" not in self.states:
            raise AttributeError(f"this cell has no current x; its states are {', '.join(self.states)}.")
        return self.states["x"]


class Changes(NamedTuple):
    """Interventions on a running network; see `Network.run`.

    Attributes
    ----------
    gate : (T, B, N) factor of the rates and of the signals sent, or None
    current : (T, B, N) added to the input of the units, or None
    cuts : pairs of (T, B), the fraction of the transmitted signal that is lost, and the product of the weights
    initial : state (B, N) at the start, or None
    reset : step (an integer) after which the state is set, and that state (B, N), or None
    """

    gate: Any = None
    current: Any = None
    cuts: Sequence[tuple[jax.Array, Product]] = ()
    initial: State | None = None
    reset: tuple[Any, State] | None = None


@pytree(leaves=["recurrent", "input", "readout", "parameters", "noise"], static=["cell", "dt"])
@dataclass(frozen=True, eq=False)
class Network:
    r"""All numbers of a network, as one frozen pytree.

    The structure (cell, ``dt``, shapes, which constraints there are) decides the compiled program; all numbers are
    leaves. Networks of one structure share compiled code, and `jax.tree.map`, `jax.grad` and `jax.vmap` (of dense
    networks) work on them.

    .. math::

        s_t = \mathrm{step}(p, s_{t-1}, q_{t-1} W_{rec} + (u_t + \eta_t) W_{in} + b + \xi_t), \qquad
        z_t = r_t W_{out} + b_{out}

    Attributes
    ----------
    recurrent, input, readout : Weights
        (N, N), (n_in, N) and (N, n_out).
    parameters : dict of str to Values
        Parameters of the cell, and the biases ``b_rec`` and ``b_out`` if there are any.
    noise : Noise
    cell : Cell
    dt : float
        Step in ms.
    """

    recurrent: Weights
    input: Weights
    readout: Weights
    parameters: dict[str, Values]
    noise: Noise
    cell: Cell
    dt: float

    n_in = property(lambda self: self.input.shape[0], doc="Number of input channels.")
    n_rec = property(lambda self: self.recurrent.shape[0], doc="Number of recurrent units.")
    n_out = property(lambda self: self.readout.shape[1], doc="Number of outputs.")
    dtype = property(lambda self: jax.tree.leaves(self.recurrent)[0].dtype, doc="Precision of the computation.")
    noisy = property(lambda self: self.noise.noisy, doc="True if there is noise.")

    def values(self) -> Parameters:
        """Return trainable values by name: raw weights, parameters of the cell, biases."""
        weights = {
            f"{field}_{short}": getattr(getattr(self, role), field)
            for role, short in ROLES.items()
            for field in getattr(self, role).trained
        }
        return weights | {name: values.raw for name, values in self.parameters.items()}

    def replaced(self, values: Mapping[str, Any]) -> "Network":
        """Return the network with other values, named as in `values`; unknown names are rejected."""
        changed: dict[str, Any] = {}
        left = dict(values)
        for role, short in ROLES.items():
            weights = getattr(self, role)
            new = {field: left.pop(f"{field}_{short}") for field in weights.trained if f"{field}_{short}" in left}
            changed[role] = replaced(weights, new) if new else weights
        parameters = {
            name: replace(old, raw=left.pop(name)) if name in left else old for name, old in self.parameters.items()
        }
        if left:
            raise ValueError(f"a network has no {', '.join(sorted(left))}; it has {', '.join(self.values())}.")
        for name, old in self.values().items():
            got, wanted = jnp.shape(values.get(name, old)), jnp.shape(old)
            if got[len(got) - len(wanted) :] != wanted:  # more axes in front are those of stacked networks
                raise ValueError(f"{name} must have the shape {wanted}; got {got}.")
        return replace(self, **changed, parameters=parameters)

    def split(self, trained: Any) -> tuple[Parameters, "Network"]:
        """Return the values of these names and the network; ``network.replaced(values)`` joins them again."""
        values = self.values()
        return {name: values[name] for name in trained}, self

    def astype(self, dtype: Any) -> "Network":
        """Return the network with all floating-point numbers in this precision."""

        def cast(leaf: Any) -> Any:
            return jnp.asarray(leaf, dtype) if jnp.issubdtype(jnp.result_type(leaf), jnp.floating) else leaf

        return jax.tree.map(cast, self)

    def _effective(self, name: str) -> jax.Array:
        return self.parameters[name].effective(self.dt, self.dtype)

    def numbers(self, ndim: int = 1) -> Numbers:
        """Return effective parameters of the cell, (1, ..., 1, N) with ``ndim`` axes."""
        return {
            name: self._effective(name).reshape((1,) * (ndim - 1) + (self.n_rec,))
            for name in self.parameters
            if name not in BIASES
        }

    def initial(self, shape: tuple[int, ...] = ()) -> State:
        """Return the state at the start of trials, ``(*shape, N)``."""
        return self.cell.initial(self.numbers(len(shape) + 1), (*shape, self.n_rec))

    def rate(self, state: State) -> jax.Array:
        """Return the rates of a state, (..., N)."""
        return self.cell.rate(self.numbers(_ndim(state)), state)

    def send(self, state: State) -> jax.Array:
        """Return the signal that enters the recurrent weights in a state, (..., N)."""
        return self.cell.send(self.numbers(_ndim(state)), state)

    def drive(self, inputs: jax.Array, key: jax.Array | int | None = None) -> jax.Array:
        """Return the sum of input, bias and noise, without recurrent input; (..., n_in) to (..., N)."""
        dtype = inputs.dtype
        key_rec, key_in = (None, None) if key is None else jax.random.split(as_key(key))
        tau = self._effective("tau") if "tau" in self.parameters else None
        if key_in is not None and self.noise.sigma_in is not None:
            scale = self.noise.sigma_in * jnp.sqrt(2.0 if tau is None else 2 * tau.mean() / self.dt)
            inputs = inputs + jnp.asarray(scale, dtype) * normal(key_in, inputs.shape, dtype)
        received = self.input.product().send(inputs)
        if "b_rec" in self.parameters:
            received = received + jnp.broadcast_to(self._effective("b_rec"), received.shape)
        if key_rec is not None and self.noise.sigma_rec is not None:
            scale = self.noise.sigma_rec * jnp.sqrt(2.0 if tau is None else 2 * tau / self.dt)
            noise = self.noise.correlated(normal(key_rec, received.shape, dtype))
            received = received + jnp.broadcast_to(jnp.asarray(scale, dtype), received.shape) * noise
        return received

    def read_out(self, rates: jax.Array) -> jax.Array:
        """Return outputs for given rates; (..., N) to (..., n_out)."""
        outputs = self.readout.product().send(rates)
        if "b_out" in self.parameters:
            outputs = outputs + jnp.broadcast_to(self._effective("b_out"), outputs.shape)
        return outputs

    def advance(self, state: State, drive: jax.Array) -> State:
        """Advance a state by one Euler step, given all input except the recurrent one; both (..., N)."""
        p = self.numbers(_ndim(state))
        received = self.recurrent.product().send(self.send(state)) + drive
        return self.cell.step(p, state, received, self.dt)

    def step(self, state: State, inputs: jax.Array, key: jax.Array | int | None = None) -> State:
        """Advance a state by one Euler step; ``inputs`` (..., n_in); without a key there is no noise."""
        return self.advance(state, self.drive(inputs, key))

    def run(
        self,
        inputs: ArrayLike,
        key: jax.Array | int | None = None,
        *,
        gate: jax.Array | None = None,
        current: jax.Array | None = None,
        cuts: Sequence[tuple[jax.Array, Product]] = (),
        initial: State | None = None,
        reset: tuple[int | jax.Array, State] | None = None,
        forward_mode: bool = False,
    ) -> Activity:
        """Run whole trials.

        Parameters
        ----------
        inputs : array (T, B, n_in)
        key : jax.Array, optional
            Random key of the noise; without it there is no noise.
        gate : array (T, B, N), optional
            Factor of the rates, for other units and for the readout; 0 silences.
        current : array (T, B, N), optional
            Current that is added to the input of the units.
        cuts : sequence of ((T, B) array, Product)
            Fraction of the signal that is lost in each step and trial (a mask: all of it), and the weights that
            transmit it, selected by ``network.recurrent.between(...)``.
        initial : dict of arrays (B, N), optional
            State at the start, instead of the network's own.
        reset : (int, dict of arrays (B, N)), optional
            Number of steps, in [0, T], after which the state is set, and that state.
        forward_mode : bool
            Use the plain scan, which `jax.jvp` can differentiate.

        Returns
        -------
        Activity

        Raises
        ------
        ValueError
            If a state lacks a variable of the cell, or a step lies outside the trial.
        """
        inputs = jnp.asarray(inputs, self.dtype)
        for what, state in (("initial", initial), ("reset", None if reset is None else reset[1])):
            if state is not None and state.keys() != set(names := state_names(self)):
                raise ValueError(f"{what} must have {', '.join(names)} of all units; got {', '.join(state)}.")
        if reset is not None and isinstance(reset[0], int) and not 0 <= reset[0] <= inputs.shape[0]:
            raise ValueError(f"the state is reset after 0..{inputs.shape[0]} steps; got {reset[0]}.")
        shape = (*inputs.shape[:2], self.n_rec)
        for what, given in (("gate", gate), ("current", current)):
            if given is not None and np.shape(given) != shape:
                raise ValueError(f"{what} must have shape (T, B, N) = {shape}; got {np.shape(given)}.")
        if any(np.shape(during) != shape[:2] for during, _ in cuts):
            raise ValueError(f"cuts need a mask or fractions of shape (T, B) = {shape[:2]}.")
        changes = Changes(gate, current, tuple(cuts), initial, reset)
        return _run(self, inputs, None if key is None else as_key(key), changes, forward_mode)

    def constants(self, variable: Sequence[str]) -> dict[str, Any]:
        """Describe everything except the values of these names; JSON-compatible, with digests of large arrays."""
        flat, _ = jax.tree_util.tree_flatten_with_path(self)
        content = hashlib.sha256()
        skipped = {id(leaf) for name, leaf in self.values().items() if name in set(variable)}
        for path, leaf in flat:
            if id(leaf) not in skipped:
                array = np.asarray(leaf)
                content.update(f"{jax.tree_util.keystr(path)} {array.dtype} {array.shape}".encode() + array.tobytes())
        return {
            "shape": [self.n_in, self.n_rec, self.n_out],
            "cell": repr(self.cell),
            "dt": float(self.dt),
            "sigma_rec": self.noise.sigma_rec or 0.0,
            "sigma_in": self.noise.sigma_in or 0.0,
            "parameters": {name: v.trained for name, v in self.parameters.items()},
            "weights": {role: _described(getattr(self, role)) for role in ROLES},
            "numbers": content.hexdigest()[:16],
        }


def _described(weights: Weights) -> dict[str, Any]:
    return {"kind": type(weights).__name__, **weights.settings()}


def _ndim(state: State) -> int:
    return next(iter(state.values())).ndim


@partial(jax.jit, static_argnums=(4,))
def _run(network: Network, inputs: jax.Array, key: jax.Array | None, changes: Changes, forward_mode: bool) -> Activity:
    drive = network.drive(inputs, key)
    if changes.current is not None:
        drive = drive + changes.current
    return run_drive(network, drive, changes, forward_mode=forward_mode)


def run_drive(network: Network, drive: jax.Array, changes: Changes | None = None, *, forward_mode: bool) -> Activity:
    """Run trials, given the non-recurrent input of the units, (T, B, N); see `Network.run`."""
    changes = Changes() if changes is None else changes
    initial = network.initial((drive.shape[1],)) if changes.initial is None else changes.initial
    p, weights = network.numbers(2), network.recurrent.product()
    if changes.gate is None and not changes.cuts and changes.reset is None:
        roll = scan_trajectory if forward_mode else trajectory
        states, rates = roll(network.cell, network.dt, p, weights, initial, drive)
    else:
        states, rates = _changed(network, p, weights, initial, drive, changes)
    return Activity(network.read_out(rates), rates, states)


def _changed(
    network: Network, p: Numbers, weights: Product, initial: State, drive: jax.Array, changes: Changes
) -> tuple[State, jax.Array]:
    """Compute states and rates under interventions, by a plain scan."""
    cell, dt = network.cell, network.dt
    gates = jnp.ones_like(drive) if changes.gate is None else jnp.asarray(changes.gate, drive.dtype)
    lost = [product for _, product in changes.cuts]

    def set_state(state: State, done: Any) -> State:
        if changes.reset is None:
            return state
        when, new = changes.reset
        return {name: jnp.where(done == when, new[name], value) for name, value in state.items()}

    def step(carry: Any, given: Any) -> Any:
        state, gate_before = carry
        done, received, gate, cut = given
        sent = cell.send(p, state) * gate_before
        received = weights.send(sent) + received
        for now, product in zip(cut, lost, strict=True):
            received = received - jnp.where(now[:, None] != 0, now[:, None] * product.send(sent), 0.0)
        state = set_state(cell.step(p, state, received, dt), done)
        return (state, gate), (state, cell.rate(p, state) * gate)

    cut = [jnp.asarray(now, drive.dtype) for now, _ in changes.cuts]
    given = (jnp.arange(1, drive.shape[0] + 1), drive, gates, cut)
    return jax.lax.scan(step, (set_state(initial, 0), gates[0]), given)[1]


def held_step(network: Network, inputs: Any) -> jax.tree_util.Partial:
    """Return one noiseless step of state vectors (..., S N), with inputs (n_in,) held constant; see `RateRNN.held`."""
    return jax.tree_util.Partial(_held, plain(network), inputs)


def driven_step(network: Network) -> jax.tree_util.Partial:
    """Return one noiseless step of state vectors, as a function of the states and the inputs (..., n_in)."""
    return jax.tree_util.Partial(_driven, plain(network))


def plain(network: Network) -> Network:
    """Convert to float64 with dense weights and no constraints, for analyses; reject large sparse networks."""
    with jax.enable_x64(True):
        exact = network.astype(np.float64)
        dense: Any = {role: Dense(getattr(exact, role).matrix()) for role in ROLES}
        return replace(exact, **dense, noise=Noise())


def _held(network: Network, inputs: Any, x: Any) -> jax.Array:
    x = jnp.asarray(x)
    exact = network.astype(x.dtype)
    state = unstacked(exact, x)
    drive = exact.drive(jnp.asarray(inputs, x.dtype))
    return stacked(exact.advance(state, jnp.broadcast_to(drive, next(iter(state.values())).shape)))


def _driven(network: Network, x: Any, inputs: Any) -> jax.Array:
    x = jnp.asarray(x)
    exact = network.astype(x.dtype)
    return stacked(exact.step(unstacked(exact, x), jnp.asarray(inputs, x.dtype)))


def state_names(network: Network) -> list[str]:
    """Return the names of a state's variables, in the order of `stacked`."""
    return sorted(jax.eval_shape(network.initial))


def stacked(state: State) -> jax.Array:
    """Concatenate the variables of a state, (..., S N)."""
    parts = [state[name] for name in sorted(state)]
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts, axis=-1)


def unstacked(network: Network, x: jax.Array) -> State:
    """Split concatenated variables (..., S N) into a state."""
    names = state_names(network)
    if x.shape[-1] != len(names) * network.n_rec:
        raise ValueError(
            f"states must have shape (..., {len(names) * network.n_rec}), with {', '.join(names)} of each of the "
            f"{network.n_rec} units; got {x.shape}."
        )
    return dict(zip(names, jnp.split(x, len(names), axis=-1), strict=True))
