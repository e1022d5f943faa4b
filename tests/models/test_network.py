"""A network as a value: what it holds, what decides its program, how it runs, and how it is copied and shown."""

import copy
import dataclasses
import inspect
import json
import multiprocessing
import pickle
import pydoc

import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eicon
from eicon.analysis import fixed_points
from eicon.models import (
    Adapting,
    Connectivity,
    Drive,
    Edges,
    Leaky,
    LowRank,
    Network,
    Plastic,
    Population,
    RateRNN,
    Silence,
    activation,
    load,
    save,
)
from eicon.models._noise import normal
from eicon.studies import dt_report
from eicon.tasks import PerceptualDecision
from eicon.training._curvature import gauss_newton

INPUTS = np.ones((3, 2, 2), np.float32)
TRACED = []


@activation
def traced(x, size=1.0):
    """Counts how often JAX goes through it, which it does for every program that it compiles."""
    TRACED.append(x.shape)
    return size * jnp.tanh(x)


def pickled(value, **options):
    """Written as a pickle and read again."""
    return pickle.loads(pickle.dumps(value, **options))  # noqa: S301


# What decides the program.


def compiled_anew(run):
    """Whether JAX traced the activation again."""
    before = len(TRACED)
    run()
    return len(TRACED) > before


SIGNED = np.where(np.arange(8) < 5, 1, -1)


def of_a_kind(**options):
    """A network of one structure; what is given are numbers."""
    rng = np.random.default_rng(options.pop("numbers", 0))
    sign, density = options.pop("sign", SIGNED), options.pop("density", 0.5)
    mask = rng.random((8, 8)) < density
    fixed = np.where(mask | (rng.random((8, 8)) < 0.5), 0.0, 0.1 * sign[:, None])
    settings = {
        "activation": traced(size=0.5),
        "tau": rng.uniform(40.0, 100.0, 8),
        "sigma_rec": rng.uniform(0.1, 0.2),
        "bias": True,
        "noise_covariance": np.diag(rng.uniform(0.5, 1.0, 8)),
    }
    positive = options.pop("positive", "abs")
    recurrent = Connectivity(sign, mask, fixed, positive)
    input = Connectivity.dense(2, 8, sign=options.pop("sign_in", 1))
    return RateRNN(recurrent, input, Connectivity.dense(8, 2), **(settings | options))


NUMBERS = {
    "weights": {"seed": 5},
    "numbers, masks, fixed entries, noise and its covariance": {"numbers": 3},
    "signs": {"sign": -SIGNED},
    "signs of inputs": {"sign_in": -1},
    "time constants": {"tau": 60.0},
    "initial currents": {"x0": 0.7},
    "labels": {"units": {"area": np.array(list("AABBCCDD"))}},
    "a name": {"name": "another"},
}
STRUCTURE = {
    "cell": {"activation": traced(size=0.25)},
    "cell with gains": {"activation": None, "cell": Leaky(traced(size=0.5), gain=True)},
    "dt": {"dt": 10.0},
    "map": {"positive": "softplus"},
    "no mask": {"density": 1.0},
    "no signs": {"sign": 0 * SIGNED},
    "input noise": {"sigma_in": 0.1},
    "no noise": {"sigma_rec": 0.0},
    "no covariance": {"noise_covariance": None},
    "no bias": {"bias": False},
    "readout bias": {"readout_bias": True},
    "trained time constants": {"train": ("recurrent", "tau")},
    "shared time constants": {"tau": 60.0, "share": {"tau": "all"}},
}


@pytest.mark.parametrize("other", NUMBERS)
def test_networks_that_differ_only_in_numbers_share_compiled_code(other):
    key = jax.random.key(0)
    first, second = of_a_kind(), of_a_kind(**NUMBERS[other])
    assert jax.tree.structure(first.network) == jax.tree.structure(second.network)
    a = first.predict(INPUTS, key=key).outputs
    assert not compiled_anew(lambda: first.predict(2 * INPUTS, key=jax.random.key(1)))
    assert not compiled_anew(lambda: second.predict(INPUTS, key=key))
    b = second.predict(INPUTS, key=key).outputs
    assert np.array_equal(a, b) == (other in ("labels", "a name"))


@pytest.mark.parametrize("other", STRUCTURE)
def test_networks_of_another_structure_do_not(other):
    first, second = of_a_kind(), of_a_kind(**STRUCTURE[other])
    assert jax.tree.structure(first.network) != jax.tree.structure(second.network)
    first.predict(INPUTS, key=jax.random.key(0))
    assert compiled_anew(lambda: second.predict(INPUTS, key=jax.random.key(0)))
    assert not compiled_anew(lambda: second.predict(INPUTS, key=jax.random.key(0)))


def test_other_shapes_are_compiled_anew():
    net = of_a_kind()
    net.predict(INPUTS, noise=False)
    assert compiled_anew(lambda: net.predict(np.ones((3, 5, 2)), noise=False))
    assert compiled_anew(lambda: net.predict(np.ones((4, 2, 2)), noise=False))
    larger = RateRNN.dale(2, 9, 2, activation=traced())
    same = RateRNN.dale(2, 9, 2, activation=traced(), seed=1)
    assert compiled_anew(lambda: larger.predict(INPUTS))
    assert not compiled_anew(lambda: same.predict(INPUTS))


def test_training_copies_and_files_do_not_compile_anew(tmp_path):
    net = of_a_kind()
    net.predict(INPUTS, key=jax.random.key(0))
    net.raw_rec.value = 2 * net.raw_rec.value
    net.save(tmp_path / "net.npz")
    others = [net, copy.deepcopy(net), pickled(net), load(tmp_path / "net.npz"), net.with_settings()]
    for other in others:
        assert not compiled_anew(lambda other=other: other.predict(INPUTS, key=jax.random.key(0)))


# Values by name.


def rich(**options):
    """A network with all that could be trained, whatever is."""
    cell = Adapting(Leaky("tanh", gain=True))
    sparse = Edges.of([0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0], (6, 6), weights=[0.1, -0.2, 0.3, -0.4, 0.5, -0.6])
    settings = {"cell": cell, "bias": True, "train": ("recurrent", "readout", "tau", "x0"), "seed": 3}
    return RateRNN(sparse, LowRank.drawn(2, 1, n_post=6), Connectivity.dense(6, 2), **(settings | options))


def test_values_have_names_and_go_round():
    network = rich().network
    values = network.values()
    weights = {"raw_rec", "left_in", "right_in", "raw_out"}
    assert values.keys() == weights | {"tau", "x0", "gain", "tau_a", "beta", "b_rec"}
    same = network.replaced(values)
    assert jax.tree.structure(same) == jax.tree.structure(network)
    for ours, theirs in zip(*map(jax.tree.leaves, (same, network)), strict=True):
        assert ours is theirs
    assert network.replaced({}).values().keys() == values.keys()


def test_a_value_is_replaced_and_no_other():
    network, inputs = rich().network, np.ones((12, 2, 2), np.float32)
    before, outputs = network.values(), np.asarray(network.run(inputs).outputs)
    for name, value in before.items():
        other = network.replaced({name: 2 * value + 0.125})
        for key, found in other.values().items():
            np.testing.assert_array_equal(found, 2 * value + 0.125 if key == name else before[key], err_msg=key)
        assert other.noise is network.noise
        assert np.abs(other.run(inputs).outputs - outputs).max() > 1e-5, name


@pytest.mark.unchecked
def test_a_value_of_another_shape_is_refused_and_stacked_values_are_not():
    network = rich().network
    for name, value in network.values().items():
        stacked = network.replaced({name: np.stack([value, value])})
        assert stacked.values()[name].shape == (2, *value.shape)
        with pytest.raises(ValueError, match=rf"^{name} must have the shape .*; got "):
            network.replaced({name: np.ones((*value.shape[:-1], 3))})


def test_the_network_of_a_shell_holds_what_its_variables_hold():
    net = rich()
    assert net.variables().keys() == {"raw_rec", "left_in", "right_in", "raw_out", "tau", "x0", "b_rec"}
    assert net.trainable_variables().keys() == {"raw_rec", "raw_out", "tau", "x0", "b_rec"}
    for variable in net.variables().values():
        variable.value = variable.value + 0.5
    for name, variable in net.variables().items():
        np.testing.assert_array_equal(net.network.values()[name], variable.value)
    np.testing.assert_allclose(net.tau, 20.0 + 100 * np.log1p(np.exp(net.raw_tau.value)), rtol=1e-6)
    with pytest.raises(dataclasses.FrozenInstanceError):
        net.network.dt = 5.0


@pytest.mark.parametrize("unknown", [("raw_in",), ("left_in", "U"), ("b_out",), ("",)])
def test_unknown_names_are_refused(unknown):
    wrong, values = unknown[-1], {name: jnp.zeros(()) for name in unknown}
    with pytest.raises(ValueError, match=rf"a network has no {wrong}; it has raw_rec, left_in, right_in, raw_out, tau"):
        rich().network.replaced(values)
    with pytest.raises(KeyError):
        rich().network.split(unknown)


def test_values_are_split_and_put_together():
    network = rich().network
    values, rest = network.split(["tau", "raw_out"])
    assert values.keys() == {"tau", "raw_out"}
    np.testing.assert_array_equal(rest.replaced(values).run(INPUTS).outputs, network.run(INPUTS).outputs)


# Set-ups are equal or not.


@pytest.mark.parametrize(
    "changes",
    [
        {"dt": 10.0},
        {"sigma_rec": 0.1},
        {"sigma_in": 0.1},
        {"activation": "tanh"},
        {"tau": np.linspace(50, 100, 8)},
        {"cell": Leaky("softplus")},
    ],
)
def test_other_settings_are_another_set_up(changes):
    net = RateRNN.dale(2, 8, 2)
    assert net.with_settings(**changes).constants != net.constants
    assert net.with_settings(**changes).constants == net.with_settings(**changes).constants


@pytest.mark.parametrize(
    "other",
    [
        {"e_ratio": 0.5},
        {"autapses": True},
        {"positive": "softplus"},
        {"free_input": True},
        {"free_readout": True},
        {"bias": True},
        {"train_x0": True},
        {"train": ("recurrent",)},
        {"train": ("recurrent", "input", "readout", "tau")},
    ],
)
def test_other_constraints_are_another_set_up(other):
    assert RateRNN.dale(2, 8, 2, **other).constants != RateRNN.dale(2, 8, 2).constants


def test_other_numbers_of_variables_are_the_same_set_up(tmp_path):
    net, other = (RateRNN.dale(2, 8, 2, seed=seed, x0=x0, bias=True) for seed, x0 in ((0, 0.1), (1, 0.4)))
    assert net.constants == other.constants
    assert json.loads(json.dumps(net.constants)) == net.constants
    save(net, tmp_path / "net.npz")
    for same in (load(tmp_path / "net.npz"), copy.deepcopy(net), net.with_settings()):
        assert same.constants == net.constants


# Weights that are given.


def test_weights_where_no_connection_is_are_refused():
    weights = np.zeros((4, 4))
    weights[1, 1] = 0.5
    with pytest.raises(
        ValueError, match=r"1 weights are non-zero where no connection exists, .* \[1, 1\]; set them to zero"
    ):
        Connectivity.dale(4, 0.5).raw(weights)


def test_weights_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="weights must be finite"):
        Connectivity.dense(2, 2).raw(np.array([[0.0, np.nan], [0.0, 0.0]]))


def test_fixed_entries_may_be_among_the_weights():
    weights = np.array([[0.0, 0.3], [0.7, 0.0]])
    frozen = Connectivity.dense(2, 2).frozen(weights, weights == 0.3)
    made = eicon.models.weights.Dense.make(frozen, weights)
    np.testing.assert_array_equal(made.effective(), weights.astype(np.float32))


# Noise.


def test_with_settings_keeps_the_noise_stream():
    net = RateRNN.dale(2, 8, 2, sigma_rec=0.2, seed=3)
    copy = net.with_settings(dt=20.0)
    np.testing.assert_array_equal(net.update(INPUTS[0, :1]), copy.update(INPUTS[0, :1]))


def test_noise_of_other_generators_is_left_to_jax():
    key = jax.random.key(0, impl="rbg")
    np.testing.assert_array_equal(normal(key, (7,)), jax.random.normal(key, (7,)))


@pytest.mark.parametrize("seed", [0, 1, 7, 2**31 - 1, 2**31, 2**32 - 1])
def test_small_seeds_keep_the_stream_of_jax(seed):
    ours, theirs = eicon.key(seed), jax.random.key(seed)
    np.testing.assert_array_equal(jax.random.key_data(ours), jax.random.key_data(theirs))
    np.testing.assert_array_equal(jax.random.normal(ours, (5,)), jax.random.normal(theirs, (5,)))


@pytest.mark.parametrize(("one", "other"), [(3, 2**32 + 3), (0, 2**32), (0, 2**63), (2**64 - 1, 2**32 - 1)])
def test_all_bits_of_a_seed_count(one, other):
    nets = [RateRNN.dale(2, 8, 2, readout_bias=False, seed=seed, sigma_rec=0.1) for seed in (one, other)]
    for name, value in nets[0].parameters().items():
        if name != "x0":
            assert (np.asarray(value) != nets[1].parameters()[name]).any(), name
    assert (nets[0].noise_key.value != nets[1].noise_key.value).any()
    again = RateRNN.dale(2, 8, 2, seed=other)
    np.testing.assert_array_equal(again.W_rec, nets[1].W_rec)


UNITS = [Population("E", 6, "E"), Population("I", 2, "I")]


@pytest.mark.parametrize("seed", [-1, 2**64, -(2**40)])
@pytest.mark.parametrize(
    "make",
    [
        eicon.key,
        lambda seed: RateRNN.dale(2, 8, 2, seed=seed),
        lambda seed: RateRNN.from_connectome(np.ones((4, 4)), 2, 2, seed=seed),
        lambda seed: RateRNN.from_populations(UNITS, 2, 2, seed=seed),
    ],
    ids=["key", "dale", "connectome", "populations"],
)
def test_seeds_out_of_range_are_refused(seed, make):
    with pytest.raises(ValueError, match=rf"a seed must be a whole number in 0..2\*\*64 - 1; got {seed}\."):
        make(seed)


@pytest.mark.parametrize("seed", [0.5, "3", None])
def test_seeds_that_are_no_whole_numbers_are_refused(seed):
    with pytest.raises(TypeError):
        eicon.key(seed)


# One run, and what can be done during it.

N, T, B = 7, 6, 3


@pytest.fixture(scope="module")
def net():
    rng = np.random.default_rng(3)
    dale = Connectivity.dale(N, 0.7)
    net = RateRNN(
        dale.frozen(0.4 * dale.sign[:, None] * np.ones((N, N)), rng.random((N, N)) < 0.2),
        Connectivity.dense(2, N),
        Connectivity.dense(N, 2),
        activation="tanh",
        tau=np.linspace(40.0, 120.0, N),
        x0=rng.normal(size=N),
        bias=True,
        readout_bias=True,
        sigma_rec=0.1,
        seed=2,
    )
    for variable in (net.b_rec, net.b_out):
        variable.value = rng.normal(size=variable.shape).astype(np.float32)
    return net


@pytest.fixture(scope="module")
def stimulus():
    return np.random.default_rng(4).normal(size=(T, B, 2)).astype(np.float32)


def by_hand(net, inputs, *, factor=1.0, gate=None, current=None, cuts=(), initial=None, reset=None):
    """Outputs, rates and currents of a leaky network with tanh, step by step and trial by trial, in float64.

    ``factor`` multiplies the current after each step; cuts are matrices of bool and when they are cut.
    """
    alpha = net.dt / net.tau
    w_rec, w_in, w_out = (np.asarray(w, np.float64) for w in (net.W_rec, net.W_in, net.W_out))
    b_rec, b_out = (np.zeros(1) if v is None else np.asarray(v.value, np.float64) for v in (net.b_rec, net.b_out))
    n_steps, n_trials = inputs.shape[:2]
    outputs, rates, currents = (np.zeros((n_steps, n_trials, n)) for n in (net.n_out, net.n_rec, net.n_rec))
    for b in range(n_trials):
        x = np.asarray(net.x0.value, np.float64) if initial is None else initial[b].astype(np.float64)
        if reset is not None and reset[0] == 0:
            x = reset[1][b]
        r = np.tanh(x) * (1.0 if gate is None else gate[0, b])
        for t in range(n_steps):
            weights = w_rec.copy()
            for during, entries in cuts:
                if during[t, b]:
                    weights[entries] = 0.0
            received = r @ weights + inputs[t, b].astype(np.float64) @ w_in + b_rec
            if current is not None:
                received = received + current[t, b]
            x = factor * ((1 - alpha) * x + alpha * received)
            if reset is not None and reset[0] == t + 1:
                x = reset[1][b]
            r = np.tanh(x) * (1.0 if gate is None else gate[t, b])
            currents[t, b], rates[t, b], outputs[t, b] = x, r, r @ w_out + b_out
    return outputs, rates, currents


def assert_run(activity, wanted, tolerance=2e-6):
    for ours, expected in zip((activity.outputs, activity.rates, activity.currents), wanted, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=0, atol=tolerance * np.abs(expected).max())


RNG = np.random.default_rng(5)
GATE = RNG.uniform(0.0, 2.0, (T, B, N)) * (RNG.random((T, B, N)) < 0.7)
CURRENT = RNG.normal(size=(T, B, N))
STATE = RNG.normal(size=(B, N))
ON_DEVICE = jnp.asarray(STATE, jnp.float32)
DURING = RNG.random((2, T, B)) < 0.5
PAIRS = [(RNG.random(N) < 0.5, RNG.random(N) < 0.5) for _ in range(3)]
ENTRIES = np.outer(*PAIRS[0]) | np.outer(*PAIRS[1])
OTHERS = np.outer(*PAIRS[2]) & ~ENTRIES


def cuts_of(net):
    """Two, of which no connection is in both."""
    one = net.network.recurrent.between(PAIRS[:2])
    sources = [(np.arange(N) == i, OTHERS[i]) for i in range(N)]
    return [(jnp.asarray(DURING[0]), one), (jnp.asarray(DURING[1]), net.network.recurrent.between(sources))]


CHANGES = {
    "nothing": {},
    "gate": {"gate": GATE},
    "current": {"current": CURRENT},
    "cut": {"cuts": [(DURING[0], ENTRIES)]},
    "two cuts": {"cuts": [(DURING[0], ENTRIES), (DURING[1], OTHERS)]},
    "initial": {"initial": STATE},
    **{f"reset {t}": {"reset": (t, STATE)} for t in (0, 1, 4, T)},
    "all": {
        "gate": GATE,
        "current": CURRENT,
        "cuts": [(DURING[0], ENTRIES), (DURING[1], OTHERS)],
        "initial": STATE,
        "reset": (3, -STATE),
    },
}


def as_given(net, changes):
    """What `Network.run` takes of changes that `by_hand` takes."""
    single = {name: jnp.asarray(changes[name], jnp.float32) for name in ("gate", "current") if name in changes}
    if "initial" in changes:
        single["initial"] = {"x": jnp.asarray(changes["initial"], jnp.float32)}
    if "reset" in changes:
        when, state = changes["reset"]
        single["reset"] = (when, {"x": jnp.asarray(state, jnp.float32)})
    return single | {"cuts": cuts_of(net)[: len(changes.get("cuts", ()))]}


@pytest.mark.parametrize("kind", CHANGES)
def test_runs_are_the_plain_loop(kind, net, stimulus):
    assert ENTRIES.any()
    assert OTHERS.any()
    activity = net.network.run(stimulus, **as_given(net, CHANGES[kind]))
    wanted = by_hand(net, stimulus, **CHANGES[kind])
    assert_run(activity, wanted)
    if kind != "nothing":
        assert np.abs(wanted[2] - by_hand(net, stimulus)[2]).max() > 0.1
    assert activity.states.keys() == {"x"}


def test_a_reset_takes_a_step_as_a_number_of_the_program(net, stimulus):
    """All moments share one program, and can be mapped over."""
    state = {"x": ON_DEVICE}
    many = jax.vmap(lambda when: net.network.run(stimulus, reset=(when, state)).states["x"])(jnp.arange(T + 1))
    for when in range(T + 1):
        wanted = by_hand(net, stimulus, reset=(when, STATE))[2]
        np.testing.assert_allclose(many[when], wanted, rtol=0, atol=2e-6 * np.abs(wanted).max())


@pytest.mark.parametrize("forward_mode", [False, True])
def test_changes_have_gradients(forward_mode, net, stimulus, x64):
    """Of all that is done to the network, by finite differences of the plain loop in float64."""
    changes = {"gate": GATE, "current": CURRENT, "initial": STATE, "reset": (3, -STATE)}
    rng = np.random.default_rng(6)
    network = net.network.astype(float)
    directions = {name: rng.normal(size=changes[name].shape) for name in ("gate", "current", "initial")}
    directions["reset"] = rng.normal(size=STATE.shape)
    weight = rng.normal(size=(T, B, N))

    def moved(h):
        further = {name: changes[name] + h * directions[name] for name in ("gate", "current", "initial")}
        return further | {"reset": (3, -STATE + h * directions["reset"])}

    def loss(h):
        given = moved(h)
        given["initial"], given["reset"] = {"x": given["initial"]}, (3, {"x": given["reset"][1]})
        activity = network.run(jnp.asarray(stimulus, float), forward_mode=forward_mode, **given)
        return jnp.sum(weight * activity.rates)

    grown, shrunk = (float(np.sum(weight * by_hand(net, stimulus, **moved(h))[1])) for h in (1e-6, -1e-6))
    derivative = jax.jacfwd(loss)(0.0) if forward_mode else jax.grad(loss)(0.0)
    assert float(derivative) == pytest.approx((grown - shrunk) / 2e-6, rel=1e-5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"initial": {"y": ON_DEVICE}}, "initial must have x of all units; got y"),
        ({"initial": {"x": ON_DEVICE, "a": ON_DEVICE}}, "initial must have x of all units; got x, a"),
        ({"reset": (2, {})}, "reset must have x of all units; got "),
        ({"reset": (7, {"x": ON_DEVICE})}, r"the state is reset after 0..6 steps; got 7"),
        ({"reset": (-1, {"x": ON_DEVICE})}, r"the state is reset after 0..6 steps; got -1"),
    ],
)
def test_impossible_states_are_refused(given, message, net, stimulus):
    with pytest.raises(ValueError, match=message):
        net.network.run(stimulus, **given)


def test_steps_of_a_network_are_a_run(net, stimulus):
    """The value itself is a dynamical system: `step`, `rate` and `read_out` are what `run` does."""
    network = net.network
    state, key = network.initial((B,)), jax.random.key(3)
    run = network.run(stimulus[:1], key)
    noisy = network.advance(state, network.drive(jnp.asarray(stimulus[:1]), key)[0])
    np.testing.assert_allclose(run.states["x"][0], noisy["x"], rtol=1e-6, atol=1e-6)
    activity = network.run(stimulus)
    for t in range(T):
        state = network.step(state, jnp.asarray(stimulus[t]))
        np.testing.assert_allclose(state["x"], activity.states["x"][t], rtol=1e-5, atol=1e-6)
        rates = network.rate(state)
        np.testing.assert_allclose(rates, activity.rates[t], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(network.read_out(rates), activity.outputs[t], rtol=1e-5, atol=1e-6)


def test_a_cell_without_a_current_says_so(net, stimulus):
    activity = net.network.run(stimulus)
    without = activity._replace(states={"v": activity.states["x"]})
    with pytest.raises(AttributeError, match="this cell has no current x; its states are v"):
        _ = without.currents


# The Euler step stands once.


@dataclasses.dataclass(frozen=True, repr=False)
class Scaled(Leaky):
    """A leaky cell whose every step is multiplied by a factor."""

    factor: float = 1.0

    def step(self, p, s, received, dt):
        """That of the leaky cell, times the factor."""
        return {"x": self.factor * super().step(p, s, received, dt)["x"]}


TASK = PerceptualDecision(fixation=40.0, stimulus=60.0, decision=60.0)
FACTOR = 0.9


@pytest.fixture(scope="module")
def scaled(net):
    """The same network with the changed step, without noise."""
    return net.with_settings(cell=Scaled("tanh", factor=FACTOR), sigma_rec=0.0)


def test_a_changed_step_changes_update(scaled, net, stimulus):
    wanted = by_hand(net, stimulus, factor=FACTOR)
    scaled.reset_state(B)
    for t in range(T):
        outputs = scaled.update(stimulus[t])
        np.testing.assert_allclose(outputs, wanted[0][t], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(scaled.x.value, wanted[2][t], rtol=1e-5, atol=1e-5)
    assert np.abs(wanted[2] - by_hand(net, stimulus)[2]).max() > 0.1


def test_a_changed_step_changes_runs(scaled, net, stimulus):
    wanted = by_hand(net, stimulus, factor=FACTOR)
    assert_run(scaled.predict(stimulus), wanted)
    assert_run(scaled.predict(stimulus, forward_mode=True), wanted)
    scaled.reset_state(B)
    np.testing.assert_allclose(bm.for_loop(scaled.update, stimulus), wanted[0], rtol=1e-5, atol=1e-5)


def test_a_changed_step_changes_gradients_and_newton_products(scaled, net, stimulus, x64):
    """Against finite differences of the plain loop with respect to the initial currents."""
    network = scaled.network.astype(float)
    x0, h = np.asarray(net.x0.value, np.float64), 1e-6
    basis = np.eye(N)

    def outputs(x):
        return by_hand(net, stimulus, factor=FACTOR, initial=np.tile(x, (B, 1)))[0]

    jacobian = np.stack([(outputs(x0 + h * e) - outputs(x0 - h * e)) / (2 * h) for e in basis])
    wanted = np.einsum("ktbo,tbo->k", jacobian, outputs(x0))

    def run(x, forward_mode):
        values = {"x0": x}
        return values, network.replaced(values).run(jnp.asarray(stimulus, float), forward_mode=forward_mode)

    def loss(values, activity):
        return jnp.sum(activity.outputs**2) / 2

    np.testing.assert_allclose(jax.grad(lambda x: loss(*run(x, False)))(jnp.asarray(x0)), wanted, rtol=1e-6)
    product = gauss_newton(run, loss, jnp.asarray(x0))
    vector = np.random.default_rng(7).normal(size=N)
    expected = np.einsum("ktbo,ltbo,l->k", jacobian, jacobian, vector)
    np.testing.assert_allclose(product(jnp.asarray(vector)), expected, rtol=1e-6)


def test_a_changed_step_changes_the_held_step_and_fixed_points(scaled, net):
    held, states = scaled.held([0.3, -0.2]), np.random.default_rng(8).normal(size=(5, N)).astype(np.float32)
    inputs = np.tile(np.array([0.3, -0.2], np.float32), (1, 5, 1))
    np.testing.assert_allclose(held(states), by_hand(net, inputs, factor=FACTOR, initial=states)[2][0], atol=2e-6)
    found = fixed_points(held, states, dt=scaled.dt, tau=float(scaled.tau.mean()))
    assert found.kind[0] == "fixed"
    fixed = found.positions[:1]
    after = by_hand(net, inputs[:, :1], factor=FACTOR, initial=fixed)[2][0]
    np.testing.assert_allclose(after, fixed, atol=1e-5)
    assert np.abs(by_hand(net, inputs[:, :1], initial=fixed)[2][0] - fixed).max() > 1e-3


def test_a_changed_step_changes_perturbed_runs(scaled, net):
    trial = TASK.sample(jax.random.key(0), B)
    inputs = np.asarray(trial.inputs)
    gate, current = np.ones((len(inputs), B, N)), np.zeros((len(inputs), B, N))
    gate[np.asarray(trial.during("stimulus"))] = np.arange(N) != 2
    current[np.asarray(trial.during("decision"))] = 0.5 * (np.arange(N) < 3)
    ours = scaled.perturb(trial, Silence([2], "stimulus"), Drive([0, 1, 2], 0.5, "decision"))
    assert_run(ours, by_hand(net, inputs, factor=FACTOR, gate=gate, current=current))


def test_a_changed_step_changes_the_report_of_dt(scaled, net):
    """Its mean rate at each step size is that of the plain loop on the same trials."""
    plain = net.with_settings(sigma_rec=0.0)
    task = PerceptualDecision(fixation=40.0, stimulus=40.0, decision=40.0)
    rows = dt_report(scaled, task, (20.0, 10.0), repeats=1)
    for row in rows:
        trial = dataclasses.replace(task, dt=row.dt).trials(1, key=jax.random.key(0))
        finer = plain.with_settings(dt=row.dt)
        inside = np.asarray(trial.inside)[:, :, None]
        mean = {
            factor: (by_hand(finer, np.asarray(trial.inputs), factor=factor)[1] * inside).mean(axis=2).sum(axis=0)
            / inside[:, :, 0].sum(axis=0)
            for factor in (FACTOR, 1.0)
        }
        assert row.mean_rate == pytest.approx(mean[FACTOR].mean(), rel=1e-4)
        assert row.mean_rate != pytest.approx(mean[1.0].mean(), rel=1e-2)


# Shown, copied, sent elsewhere.


def test_three_lines_say_what_it_is():
    net = RateRNN.from_populations(
        [Population("a", 6, "E", "S"), Population("b", 3, "E", "M"), Population("c", 2, "I", "M"), Population("d", 1)],
        2,
        3,
        cell=Adapting(Leaky("tanh", gain=True)),
        train=("recurrent", "readout", "gain"),
        bias=True,
        sigma_rec=0.15,
        dt=10.0,
    )
    assert str(net) == repr(net)
    assert str(net).splitlines() == [
        "RateRNN of 12 units (9 E, 2 I, 1 of either sign) in 3 areas, 2 inputs and 3 outputs",
        "  cell Adapting(inner=Leaky(tanh, gain=True)), dt 10 ms, weights Dense, noise 0.15 (units) and 0 (input)",
        "  trained: b_rec, gain, raw_out, raw_rec",
    ]
    plain = str(RateRNN.dale(2, 10, 2)).splitlines()
    assert plain == [
        "RateRNN of 10 units (8 E, 2 I), 2 inputs and 2 outputs",
        "  cell Leaky(relu), dt 20 ms, weights Dense",
        "  trained: b_out, raw_in, raw_out, raw_rec",
    ]
    assert str(RateRNN.dale(2, 10, 2, train=())).splitlines()[-1] == "  trained: nothing"
    assert "weights Dense, Edges, LowRank" in str(rich())


COPIES = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": pickled,
    "old pickle": lambda net: pickled(net, protocol=2),
}
NETWORKS = {
    "dale": lambda: RateRNN.dale(
        2, 8, 2, sigma_rec=0.1, sigma_in=0.05, bias=True, units={"area": np.array(list("AABBCCDD"))}, seed=3
    ),
    "rich": rich,
    "plastic": lambda: RateRNN.dale(
        2,
        8,
        2,
        cell=Plastic(Leaky("softplus"), hz=30.0),
        sigma_rec=0.1,
        noise_covariance=np.eye(8) / 2 + 0.5,
        train=("input", "tau_f", "U"),
        share={"tau_f": "type", "U": "all"},
        mode=bm.TrainingMode(4),
    ),
}


def bits(net):
    """All that a network is, as bytes and names."""
    return {
        "network": [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(net.network)],
        "kind": jax.tree.structure(net.network),
        "state": {name: np.asarray(value).tobytes() for name, value in net.state.items()},
        "key": np.asarray(net.noise_key.value).tobytes(),
        "trained": sorted(net.trainable_variables()),
        "variables": sorted(net.variables()),
        "units": {name: labels.tolist() for name, labels in net.units.items()},
        "constants": net.constants,
        "mode": repr(net.mode),
        "types": [(type(leaf), np.asarray(leaf).dtype) for leaf in jax.tree.leaves(net.network)],
    }


def moved(name):
    """A network away from its beginning: other values, a state of three trials, a used stream of noise."""
    net = NETWORKS[name]()
    for variable in net.trainable_variables().values():
        variable.value = variable.value + 0.1
    net.reset_state(3, key=jax.random.key(8))
    for _ in range(2):
        net.update(np.ones((3, 2), np.float32))
    return net


def activity(net):
    """What it does next, and on whole trials, as bytes."""
    steps = [np.asarray(net.update(np.ones((3, 2), np.float32))).tobytes() for _ in range(2)]
    run = net.predict(INPUTS, key=jax.random.key(1))
    return [*steps, *(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(run))]


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_copy_is_the_same_to_the_last_bit(name, how, tmp_path):
    net = moved(name)
    before = bits(net)
    other = COPIES[how](net)
    assert bits(other) == bits(net) == before
    assert type(other) is RateRNN
    assert activity(other) == activity(net)
    for name_, variable in other.trainable_variables().items():
        variable.value = variable.value * 0
        assert np.asarray(net.variables()[name_].value).any(), "the copy is a network of its own"
    save(net, tmp_path / "net.npz")
    save(COPIES[how](net), tmp_path / "copy.npz")
    assert (tmp_path / "copy.npz").read_bytes() == (tmp_path / "net.npz").read_bytes()


def test_networks_as_values_are_copied_too():
    network = moved("plastic").network
    for other in (copy.deepcopy(network), pickled(network)):
        assert isinstance(other, Network)
        assert jax.tree.structure(other) == jax.tree.structure(network)
        np.testing.assert_array_equal(other.run(INPUTS).outputs, network.run(INPUTS).outputs)


@pytest.mark.battery
def test_other_processes_get_the_same_network():
    """By the context "spawn": the child starts anew, and imports what it needs."""
    net = moved("plastic")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        back = pool.apply(pickle.loads, (pickle.dumps(net),))
        outputs = pool.apply(net.predict, (INPUTS,), {"noise": False}).outputs
    assert bits(back) == bits(net)
    assert np.asarray(outputs).tobytes() == np.asarray(net.predict(INPUTS, noise=False).outputs).tobytes()
    assert activity(back) == activity(net)


def test_help_shows_signatures_as_they_are_written():
    lines = pydoc.plain(pydoc.render_doc(RateRNN)).splitlines()
    text = " ".join(line.removeprefix(" |").strip() for line in lines).replace("( ", "(")  # 3.13 breaks long ones
    assert "numpy._typing" not in text.split("Methods inherited from brainpy")[0]
    for part in (
        "tau: ArrayLike | Mapping[str, float] | None = None",
        "recurrent: Connectivity | Weights",
        "cell: Cell | None = None",
        "activation: Activation | str | Mapping[str, Any] | None = None",
        "weights: Mapping[str, ArrayLike] | None = None",
        "mode: Mode | None = None",
        "dt: float = 20.0",
    ):
        assert part in text
    assert "predict(self, inputs: Any, *, key: Array | int | None = None, noise: bool = True" in text
    assert "from_connectome(connectome: ArrayLike | Connectome, n_in: int | float | Task, n_out: int | float" in text
    assert "perturb(self, trial: Trial, *perturbations: Perturbation, key" in text


def test_annotations_themselves_stay_what_checkers_read():
    """Names are for the eye; `typing.get_type_hints` still finds types."""
    hint = inspect.get_annotations(inspect.unwrap(RateRNN.__init__), eval_str=True)["noise_covariance"]
    assert hint == eicon.models._rate_rnn.ArrayLike | None


# Double precision.


@pytest.mark.battery
@pytest.mark.parametrize("name", NETWORKS)
def test_in_double_precision_everything_stays_double(name, x64, tmp_path):
    net = moved(name)
    net.save(tmp_path / "net.npz")
    for other in (net, copy.deepcopy(net), load(tmp_path / "net.npz")):
        for leaf in jax.tree.leaves((other.network, other.state, other.parameters(), other.W_rec, other.rates)):
            assert np.asarray(leaf).dtype.kind in "ib" or np.asarray(leaf).dtype == np.float64
        for leaf in jax.tree.leaves(other.predict(INPUTS, key=jax.random.key(0))):
            assert leaf.dtype == np.float64
        other.reset_state(2)
        assert other.update(INPUTS[0]).dtype == np.float64
    finer = net.with_settings(dt=5.0)
    for key in net.cell.parameters(net.n_rec):
        np.testing.assert_allclose(finer.parameter(key), net.parameter(key), rtol=1e-14, atol=1e-300)


def test_precision_can_be_changed(net, stimulus, x64):
    exact = net.network.astype(np.float64)
    assert exact.dtype == np.float64
    single = exact.astype(np.float32)
    assert single.dtype == np.float32
    for leaf in jax.tree.leaves(single):
        assert np.asarray(leaf).dtype in (np.float32, np.int32, np.bool_)
    outputs = by_hand(net, stimulus)[0]
    np.testing.assert_allclose(exact.run(jnp.asarray(stimulus, float)).outputs, outputs, rtol=1e-12, atol=1e-12)


def test_finer_steps_keep_trained_values():
    net = moved("plastic")
    finer = net.with_settings(dt=5.0)
    assert finer.dt == 5.0
    for name in net.cell.parameters(8):
        np.testing.assert_allclose(finer.parameter(name), net.parameter(name), rtol=2e-6)
    for name in ("raw_rec", "raw_in", "raw_out", "U"):
        np.testing.assert_array_equal(finer.parameters()[name], net.parameters()[name])
    assert finer.trainable_variables().keys() == net.trainable_variables().keys()
