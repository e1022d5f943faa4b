"""Every cell with every kind of weights: small networks, what is measured of them, the printed equations in numpy."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from eicon.models import Activation, Adapting, Connectivity, Edges, Leaky, LowRank, Network, Plastic, RateRNN
from eicon.models.cells import FREE, POSITIVE, TIME, UNIT, Bound, Cell
from eicon.models.results import Activity
from eicon.models.weights import Dense, Weights

from ..user.tired import Tired, elu

N_IN, N, N_OUT, T, B = 3, 8, 2, 6, 3
H = 1e-5
"""Step of the central differences."""
AREAS = np.array(["V1", "V1", "V1", "PFC", "PFC", "PFC", "PFC", "PFC"])

CELLS: dict[str, Cell] = {
    "relu": Leaky("relu"),
    "tanh": Leaky("tanh"),
    "softplus": Leaky("softplus"),
    "gains": Leaky("softplus", gain=True, input_gain=True, slope=True),
    "adapting": Adapting(Leaky("tanh", input_gain=True)),
    "plastic": Plastic(Leaky("softplus"), hz=30.0),
    "plastic-adapting": Plastic(Adapting(Leaky("sigmoid", gain=True)), hz=50.0),
    "adapting-plastic": Adapting(Plastic(Leaky("rectified_tanh"), hz=50.0)),
    "tired": Tired(elu(alpha=0.5)),
}
Three = tuple[Weights | Connectivity, Weights | Connectivity, Weights | Connectivity]


def _dense(n_in: int, n_out: int) -> Three:
    return Connectivity.dense(N, N), Connectivity.dense(n_in, N), Connectivity.dense(N, n_out)


def _dale(n_in: int, n_out: int) -> Three:
    """Signs, a mask, fixed entries and all maps to positive weights."""
    rng = np.random.default_rng(5)
    sign = np.array([1, 1, 1, 1, 0, -1, -1, -1])
    mask = rng.random((N, N)) < 0.7
    fixed = np.where(~mask & (rng.random((N, N)) < 0.5), np.where(sign == 0, 0.3, sign * 0.4)[:, None], 0.0)
    inwards = Connectivity(np.ones(n_in), rng.random((n_in, N)) < 0.8, np.zeros((n_in, N)), "softplus")
    outwards = Connectivity.excitatory_only(np.where(sign == 0, -1, sign), n_out, positive="relu")
    return Connectivity(sign, mask, fixed), inwards, outwards


def connections(n_pre: int, n_post: int, number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """So many different ones, in no order."""
    chosen = np.random.default_rng(seed).permutation(n_pre * n_post)[:number]
    return np.divmod(chosen, n_post)


def _edges(n_in: int, n_out: int) -> Three:
    return (
        Edges.of(*connections(N, N, 25, 0), (N, N), seed=1),
        Edges.of(*connections(n_in, N, 10, 1), (n_in, N), seed=2),
        Edges.of(*connections(N, n_out, 7, 2), (N, n_out), seed=3),
    )


def _signed_edges(n_in: int, n_out: int) -> Three:
    """Scales, signs of which some differ within a row, and groups of connections that share a value."""
    rng = np.random.default_rng(6)
    pre, post = connections(N, N, 30, 3)
    sign = np.where(pre < 5, 1, -1)
    sign[pre == 4] = rng.choice([-1, 0, 1], (pre == 4).sum())
    group = np.where(sign == 0, "free", np.char.add(AREAS[pre], AREAS[post]))
    recurrent = Edges.of(
        pre, post, (N, N), scale=rng.integers(1, 6, 30) / 3, sign=sign, group=group, positive="softplus", seed=4
    )
    inwards = Edges.of(*connections(n_in, N, 9, 4), (n_in, N), sign=1, scale=2.0, seed=5)
    return recurrent, inwards, Edges.of(*connections(N, n_out, 6, 5), (N, n_out), group=[0] * 6, seed=6)


def _low_rank(n_in: int, n_out: int) -> Three:
    return (
        LowRank.drawn(N, 2, size=2.0, seed=1),
        LowRank.drawn(n_in, 1, n_post=N, seed=2),
        LowRank.drawn(N, 1, n_post=n_out, seed=3),
    )


WEIGHTS: dict[str, Callable[[int, int], Three]] = {
    "dense": _dense,
    "dale": _dale,
    "edges": _edges,
    "signed-edges": _signed_edges,
    "low-rank": _low_rank,
}
SHARED = {"dense": (), "dale": ("area",), "edges": ("all",), "signed-edges": ("area", None), "low-rank": (None, "type")}
"""Labels within which parameters are shared, in turn."""


def _legal(bound: Bound, rng: np.random.Generator, size: int) -> np.ndarray:
    if bound is TIME:
        return rng.uniform(30.0, 150.0, size)
    if bound is POSITIVE:
        return rng.uniform(0.5, 1.5, size)
    if bound is UNIT:
        return rng.uniform(0.2, 0.8, size)
    assert bound is FREE
    return rng.normal(size=size) / 2


def make(cell: str, weights: str, *, n_in: int = N_IN, n_out: int = N_OUT, **options: Any) -> RateRNN:
    """Network of which everything is trained, at values that are no defaults."""
    rng = np.random.default_rng(7)
    parameters, share = {}, {}
    labels = {"area": AREAS}
    three = WEIGHTS[weights](n_in, n_out)
    types = np.asarray(three[0].sign)
    for i, (name, parameter) in enumerate(CELLS[cell].parameters(N).items()):
        by = SHARED[weights][i % len(SHARED[weights])] if SHARED[weights] else None
        values = _legal(parameter.bound, rng, N)
        if by is not None:
            groups = {"area": AREAS, "type": types, "all": np.zeros(N)}[by]
            share[name], values = by, values[np.unique(groups, return_inverse=True)[1]]
        parameters[name] = values
    net = RateRNN(
        *three,
        cell=CELLS[cell],
        parameters=parameters,
        share=share,
        train=["recurrent", "input", "readout", "bias", "readout_bias", *parameters],
        units=labels,
        spectral_radius=1.2,
        seed=2,
        **options,
    )
    for name in ("b_rec", "b_out"):
        getattr(net, name).value = jnp.asarray(0.3 + rng.normal(size=getattr(net, name).shape) / 3, net.network.dtype)
    return net


class Leaves(NamedTuple):
    """All that a loss can be differentiated by; the offset of the state is negative, since w begins at its bound."""

    values: dict[str, jax.Array]
    inputs: jax.Array
    current: jax.Array
    offset: dict[str, jax.Array]


def leaves_of(network: Network, n_steps: int = T, n_trials: int = B) -> Leaves:
    rng = np.random.default_rng(8)
    state = network.initial((n_trials,))
    return Leaves(
        jax.tree.map(jnp.asarray, network.values()),
        jnp.asarray(rng.normal(size=(n_steps, n_trials, network.n_in)), network.dtype),
        jnp.asarray(rng.normal(size=(n_steps, n_trials, network.n_rec)) / 5, network.dtype),
        {name: jnp.asarray(-rng.gamma(9.0, 0.005, value.shape), network.dtype) for name, value in state.items()},
    )


Run = Callable[[Network, Leaves, Any], Activity]


def fast(network: Network, leaves: Leaves, key: Any, forward_mode: bool = False) -> Activity:
    """By the network itself."""
    initial = network.initial((leaves.inputs.shape[1],))
    return network.run(
        leaves.inputs,
        key,
        current=leaves.current,
        initial={name: value + leaves.offset[name] for name, value in initial.items()},
        forward_mode=forward_mode,
    )


def forward(network: Network, leaves: Leaves, key: Any) -> Activity:
    """By the network itself, for differentiation in forward mode."""
    return fast(network, leaves, key, forward_mode=True)


def plain(network: Network, leaves: Leaves, key: Any) -> Activity:
    """By a scan over the network's step, which JAX differentiates."""

    def step(state: Any, received: jax.Array) -> Any:
        state = network.advance(state, received)
        rate = network.rate(state)
        return state, (network.read_out(rate), rate, state)

    initial = network.initial((leaves.inputs.shape[1],))
    initial = {name: value + leaves.offset[name] for name, value in initial.items()}
    return Activity(*jax.lax.scan(step, initial, network.drive(leaves.inputs, key) + leaves.current)[1])


def loss(network: Network, leaves: Leaves, key: Any, run: Run) -> tuple[jax.Array, Activity]:
    """Number to which outputs, rates and all states contribute."""
    activity = run(network.replaced(leaves.values), leaves, key)
    rng = np.random.default_rng(9)
    parts = [activity.outputs, activity.rates**2, *(activity.states[name] for name in sorted(activity.states))]
    sums = [jnp.sum(part * rng.normal(size=part.shape).astype(part.dtype)) for part in parts]
    return sum(sums[1:], start=sums[0]), activity


class Measured(NamedTuple):
    """Activity in two ways, and gradients in four."""

    fast: Activity
    plain: Activity
    by_hand: Leaves
    by_autodiff: Leaves
    by_differences: Leaves
    tangent: Leaves
    along: jax.Array


@partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True})
def _measure(network: Network, leaves: Leaves, tangent: Leaves, key: Any) -> Measured:
    flat, unravel = ravel_pytree(leaves)

    def difference(direction: jax.Array) -> jax.Array:
        ahead, behind = (loss(network, unravel(flat + s * direction), key, plain)[0] for s in (H, -H))
        return (ahead - behind) / (2 * H)

    def gradient(run: Run) -> tuple[Leaves, Activity]:
        return jax.grad(lambda x: loss(network, x, key, run), has_aux=True)(leaves)

    by_hand, activity = gradient(fast)
    by_autodiff, expected = gradient(plain)
    return Measured(
        activity,
        expected,
        by_hand,
        by_autodiff,
        unravel(jax.lax.map(difference, jnp.eye(flat.size))),
        tangent,
        jax.jvp(lambda x: loss(network, x, key, forward)[0], (leaves,), (tangent,))[1],
    )


def measure(network: Network, n_steps: int = T, n_trials: int = B) -> Measured:
    """All of it, in one program; in float64."""
    leaves = leaves_of(network, n_steps, n_trials)
    flat, unravel = ravel_pytree(leaves)
    tangent = unravel(jnp.asarray(np.random.default_rng(10).normal(size=flat.size)))
    return _measure(network, leaves, tangent, jax.random.key(1))


def inner(a: Any, b: Any) -> float:
    """Sum of products over all leaves."""
    return float(ravel_pytree(a)[0] @ ravel_pytree(b)[0])


# What follows is written from the docstrings, entry by entry, and uses nothing of the package but names and values.

MAPS: dict[str, Callable[[float], float]] = {
    "abs": abs,
    "relu": lambda v: max(v, 0.0),
    "softplus": lambda v: float(np.log1p(np.exp(v))),
}
FORMULAS: dict[str, Callable[[float], float]] = {
    "relu": lambda x: max(x, 0.0),
    "tanh": lambda x: float(np.tanh(x)),
    "softplus": lambda x: float(np.log(1 + np.exp(x))),
    "sigmoid": lambda x: float(1 / (1 + np.exp(-x))),
    "rectified_tanh": lambda x: float(np.tanh(max(x, 0.0))),
    "elu": lambda x: x if x > 0 else 0.5 * (float(np.exp(x)) - 1),
}


def numpy_matrix(weights: Weights) -> np.ndarray:
    """Effective weights of any kind."""
    found = np.zeros(weights.shape)
    if isinstance(weights, Dense):
        given, raw = weights.connectivity, np.asarray(weights.raw)
        for i, j in np.ndindex(*found.shape):
            value = float(raw[i, j])
            if given.sign[i]:
                value = given.sign[i] * MAPS[given.positive](value)
            found[i, j] = value if given.mask[i, j] else given.fixed[i, j]
    elif isinstance(weights, LowRank):
        left, right = np.asarray(weights.left), np.asarray(weights.right)
        for i, j in np.ndindex(*found.shape):
            found[i, j] = sum(left[i, k] * right[k, j] for k in range(left.shape[1]))
    else:
        assert isinstance(weights, Edges)
        for e, (i, j) in enumerate(zip(weights.layout.pre, weights.layout.post, strict=True)):
            value = float(weights.raw[e if weights.group is None else weights.group[e]])
            sign = 0 if weights.signs is None else float(weights.signs[e])
            value = sign * MAPS[weights.positive](value) if sign else value
            found[i, j] = value * (1 if weights.scale is None else float(weights.scale[e]))
    return found


def numpy_parameter(name: str, network: Network) -> list[float]:
    """Value of each unit of a trained parameter."""
    given = network.parameters[name]
    raw = np.asarray(given.raw, np.float64)
    softplus = np.log1p(np.exp(raw))
    if given.bound is TIME:
        raw = network.dt + 100 * softplus
    elif given.bound is POSITIVE:
        raw = softplus
    elif given.bound is UNIT:
        raw = 1 / (1 + np.exp(-raw))
    return [float(raw[j if given.group is None else given.group[j]]) for j in range(len(AREAS))]


def activation_of(cell: Any) -> Activation:
    return cell.activation if hasattr(cell, "activation") else activation_of(cell.inner)


def hz_of(cell: Any) -> float:
    return cell.hz if hasattr(cell, "hz") else hz_of(cell.inner)


Unit = dict[str, float]


def unit_rate(cell: Any, p: Mapping[str, float], s: Unit) -> float:
    f = FORMULAS[activation_of(cell).name]
    return p.get("gain", 1.0) * f(p.get("slope", 1.0) * s["x"])


def unit_step(cell: Any, p: Mapping[str, float], s: Unit, received: float, dt: float) -> Unit:
    """Euler step of the printed derivatives."""
    r, slopes = unit_rate(cell, p, s), {}
    if isinstance(cell, Tired):
        slopes["x"] = (-s["x"] + received - 0.3 * s["a"]) / p["tau"]
        slopes["a"] = (-s["a"] + r) / 150
    else:
        if "a" in s:
            received = received - p["beta"] * s["a"]
            slopes["a"] = (-s["a"] + r) / p["tau_a"]
        if "u" in s:
            spikes = r * hz_of(cell) / 1000
            slopes["u"] = (p["U"] - s["u"]) / p["tau_f"] + p["U"] * (1 - s["u"]) * spikes
            slopes["w"] = (1 - s["w"]) / p["tau_d"] - s["u"] * s["w"] * spikes
        slopes["x"] = (-s["x"] + p.get("input_gain", 1.0) * received) / p["tau"]
    after = {name: s[name] + dt * slopes[name] for name in s}
    return {name: min(max(v, 0.0), 1.0) if name in ("u", "w") else v for name, v in after.items()}


def unit_start(cell: Any, p: Mapping[str, float], names: Any) -> Unit:
    start = {"x": p.get("x0", 0.1), "a": 0.0, "u": p.get("U", 0.0), "w": 1.0}
    return {name: start[name] for name in names}


def numpy_run(network: Network, inputs: np.ndarray) -> Activity:
    """Outputs, rates and states without noise, unit by unit."""
    w, w_in, w_out = (numpy_matrix(weights) for weights in (network.recurrent, network.input, network.readout))
    b_rec, b_out = (np.asarray(network.parameters[name].raw) for name in ("b_rec", "b_out"))
    names = [name for name in network.parameters if not name.startswith("b_")]
    numbers = {name: numpy_parameter(name, network) for name in names}
    p = [{name: numbers[name][j] for name in names} for j in range(len(w))]
    cell, n = network.cell, len(w)
    variables = sorted(cell.initial({k: jnp.ones(()) for k in names}, ()))
    outputs, rates = [], []
    states: dict[str, list[np.ndarray]] = {name: [] for name in variables}
    now = [[unit_start(cell, p[j], variables) for j in range(n)] for _ in range(inputs.shape[1])]
    for given in inputs:
        for b, units in enumerate(now):
            sent = [unit_rate(cell, p[i], s) * s.get("u", 1.0) * s.get("w", 1.0) for i, s in enumerate(units)]
            following = []
            for j in range(n):
                received = b_rec[j] + sum(sent[i] * w[i, j] for i in range(n))
                received += sum(given[b, k] * w_in[k, j] for k in range(len(w_in)))
                following.append(unit_step(cell, p[j], units[j], received, network.dt))
            now[b] = following
        rates.append(np.array([[unit_rate(cell, p[j], s) for j, s in enumerate(units)] for units in now]))
        outputs.append(np.array([[sum(r * w_out[:, k]) + b_out[k] for k in range(w_out.shape[1])] for r in rates[-1]]))
        for name in variables:
            states[name].append(np.array([[s[name] for s in units] for units in now]))
    return Activity(np.array(outputs), np.array(rates), {name: np.array(v) for name, v in states.items()})  # type: ignore[arg-type]
