"""Every cell with every kind of weights: one step, three ways to run it, gradients of every leaf, files, bounds."""

import copy
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eicon
from eicon.models import Adapting, Connectivity, Edges, Leaky, LowRank, Plastic, RateRNN
from eicon.models.cells import POSITIVE, TIME, UNIT, Parameter
from eicon.models.weights import Dense
from eicon.training import OPTIMIZERS, Trainer, VanishingGradient

from . import battery
from .battery import AREAS, CELLS, N_IN, N_OUT, WEIGHTS, B, N, T, connections, make, numpy_matrix

pytestmark = pytest.mark.battery

DIAGONAL = {
    ("relu", "dense"),
    ("tanh", "signed-edges"),
    ("softplus", "low-rank"),
    ("gains", "dale"),
    ("adapting", "edges"),
    ("plastic", "dense"),
    ("plastic-adapting", "signed-edges"),
    ("tired", "dale"),
}
every_pair = pytest.mark.parametrize(
    ("cell", "weights"),
    [
        pytest.param(cell, weights, marks=() if (cell, weights) in DIAGONAL else pytest.mark.slow)
        for cell in CELLS
        for weights in WEIGHTS
    ],
)
some_pairs = pytest.mark.parametrize(("cell", "weights"), sorted(DIAGONAL))
every_cell = pytest.mark.parametrize("cell", CELLS)
every_weights = pytest.mark.parametrize("weights", WEIGHTS)


def test_the_diagonal_has_all_cells_but_one_and_all_weights():
    assert {cell for cell, _ in DIAGONAL} == set(CELLS) - {"adapting-plastic"}
    assert {weights for _, weights in DIAGONAL} == set(WEIGHTS)


def assert_close(ours: Any, expected: Any, tolerance: float) -> None:
    """Leaf by leaf, relative to the largest number of each; there is one."""
    given, structure = jax.tree_util.tree_flatten_with_path(ours)
    assert structure == jax.tree.structure(expected)
    for (path, a), b in zip(given, jax.tree.leaves(expected), strict=True):
        scale = float(jnp.abs(b).max())
        assert scale > 1e-6, jax.tree_util.keystr(path)
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale, err_msg=jax.tree_util.keystr(path))


# One step, three ways to run it


@every_pair
def test_gradients_of_every_leaf(cell, weights, x64):
    """Raw weights, parameters of the cell, biases, inputs, currents and the initial state, under noise."""
    network = make(cell, weights, sigma_rec=0.1, sigma_in=0.05).network
    found = battery.measure(network)
    assert found.by_hand.values.keys() == network.values().keys()
    assert_close(found.fast, found.plain, 1e-12)
    assert_close(found.by_hand, found.by_differences, 1e-6)
    assert_close(found.by_hand, found.by_autodiff, 1e-10)
    assert float(found.along) == pytest.approx(battery.inner(found.by_hand, found.tangent), rel=1e-10)


@pytest.mark.parametrize(("n_steps", "n_trials"), [(1, 1), (2, 1), (1, 2)])
@pytest.mark.parametrize(
    ("cell", "weights"),
    [
        pytest.param("gains", "edges"),
        pytest.param("plastic-adapting", "dale"),
        pytest.param("adapting-plastic", "signed-edges", marks=pytest.mark.slow),
        pytest.param("tired", "low-rank", marks=pytest.mark.slow),
    ],
)
def test_shortest_runs(cell, weights, n_steps, n_trials, x64):
    """With one step no loop runs backwards; one trial, one output."""
    found = battery.measure(make(cell, weights, n_out=1).network, n_steps, n_trials)
    assert found.fast.outputs.shape == (n_steps, n_trials, 1)
    for ours, expected in zip(jax.tree.leaves(found.by_hand), jax.tree.leaves(found.by_autodiff), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-13)
    for ours, expected in zip(jax.tree.leaves(found.by_hand), jax.tree.leaves(found.by_differences), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-8)


def inputs_of(net: RateRNN, n_steps: int = T, n_trials: int = B) -> jax.Array:
    values = np.random.default_rng(3).normal(size=(n_steps, n_trials, net.n_in))
    return jnp.asarray(values, net.network.dtype)


@every_pair
def test_update_equals_run(cell, weights):
    net = make(cell, weights)
    inputs = inputs_of(net)
    activity = net.predict(inputs)
    net.reset_state(B)
    outputs = bm.for_loop(net.update, inputs)
    last = {name: value[-1] for name, value in activity.states.items()}
    assert_close((outputs, net.rates, net.state), (activity.outputs, activity.rates[-1], last), 1e-6)
    assert all(value.dtype == jnp.float32 for value in jax.tree.leaves(activity))


@pytest.mark.parametrize(("cell", "weights"), [("plastic-adapting", "edges"), ("gains", "low-rank")])
def test_a_run_under_changes_that_change_nothing_is_the_run(cell, weights):
    network = make(cell, weights, sigma_rec=0.1).network
    inputs, key = jnp.ones((T, B, N_IN), jnp.float32), jax.random.key(0)
    expected = network.run(inputs, key)
    start = network.initial((B,))
    cut = (jnp.zeros((T, B), bool), network.recurrent.between([(np.ones(N, bool), np.ones(N, bool))]))
    changed = network.run(
        inputs, key, gate=jnp.ones((T, B, N)), current=jnp.zeros((T, B, N)), cuts=[cut], initial=start, reset=(0, start)
    )
    assert_close(changed, expected, 1e-6)


@every_pair
def test_run_equals_the_printed_equations(cell, weights, x64):
    net = make(cell, weights)
    inputs = inputs_of(net)
    assert_close(net.predict(inputs), battery.numpy_run(net.network, np.asarray(inputs)), 1e-12)
    assert_close(net.W_rec, battery.numpy_matrix(net.recurrent), 1e-12)


@every_cell
def test_error_falls_with_the_first_power_of_dt(cell, x64):
    net = make(cell, "dense")
    duration, steps = 64.0, (4.0, 2.0, 1.0, 1 / 32)

    @jax.jit
    def last(network, given):
        states = network.run(jnp.broadcast_to(given, (round(duration / network.dt), *given.shape))).states
        return jnp.stack([states[name][-1] for name in sorted(states)])

    given = jnp.asarray(np.random.default_rng(4).normal(size=(2, net.n_in)))
    found = [last(net.with_settings(dt=dt).network, given) for dt in steps]
    errors = [float(jnp.abs(x - found[-1]).max()) for x in found[:-1]]
    assert errors[0] < 0.2
    assert np.polyfit(np.log(steps[:-1]), np.log(errors), 1)[0] == pytest.approx(1.0, abs=0.1)


# Off is off


def plain_net(**options: Any) -> RateRNN:
    rng = np.random.default_rng(0)
    return RateRNN(
        Connectivity.dense(N, N),
        Connectivity.dense(3, N),
        Connectivity.dense(N, 2),
        tau=np.linspace(40, 120, N),
        x0=rng.normal(size=N),
        seed=1,
        **options,
    )


@pytest.mark.parametrize(
    ("cell", "parameters"),
    [
        (Leaky("tanh", gain=True, input_gain=True, slope=True), {}),
        (Adapting(Leaky("tanh")), {"beta": 0.0}),
        (Plastic(Leaky("tanh"), hz=0.0), {"U": 1.0}),
        (Plastic(Adapting(Leaky("tanh")), hz=0.0), {"U": 1.0, "beta": 0.0}),
    ],
    ids=["gains of 1", "beta 0", "hz 0", "both"],
)
def test_a_cell_whose_mechanism_is_off_is_the_leaky_one(cell, parameters):
    expected, net = plain_net(activation="tanh"), plain_net(cell=cell, parameters=parameters)
    inputs = inputs_of(net)
    ours, plain = net.predict(inputs), expected.predict(inputs)
    for name in ("outputs", "rates", "currents"):
        assert_close(getattr(ours, name), getattr(plain, name), 1e-6)


@pytest.mark.parametrize("kind", ["edges", "low-rank", "grouped edges"])
def test_weights_without_limits_are_the_dense_ones(kind):
    expected = plain_net(activation="tanh")
    w = np.asarray(expected.W_rec, np.float64)
    pre, post = (a.ravel() for a in np.indices(w.shape))
    weights = {
        "edges": lambda: Edges.of(pre, post, w.shape, weights=w.ravel()),
        "grouped edges": lambda: Edges.of(
            pre, post, w.shape, weights=w.ravel(), group=np.arange(w.size)[::-1], sign=np.sign(w).ravel(), scale=2.0
        ),
        "low-rank": lambda: LowRank.of_matrix(w, len(w)),
    }[kind]()
    network = replace(expected.network, recurrent=weights)
    inputs = inputs_of(expected)
    assert_close(network.run(inputs), expected.predict(inputs), 1e-6)
    np.testing.assert_allclose(weights.matrix(), w, atol=1e-6)


# Files


@every_pair
def test_a_saved_network_is_the_same_bit_for_bit(cell, weights, tmp_path):
    net = make(cell, weights, sigma_rec=0.1, noise_covariance=0.5 * np.eye(N) + 0.5)
    net.save(tmp_path / "net.npz")
    inputs, key = inputs_of(net), jax.random.key(3)
    expected = net.predict(inputs, key=key)
    for other in (eicon.load(tmp_path / "net.npz"), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):  # noqa: S301
        assert jax.tree.structure(other.network) == jax.tree.structure(net.network)
        for a, b in zip(jax.tree.leaves(other.network), jax.tree.leaves(net.network), strict=True):
            assert np.asarray(a).dtype == np.asarray(b).dtype
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
        assert other.trainable_variables().keys() == net.trainable_variables().keys()
        assert other.constants == net.constants
        assert repr(other) == repr(net)
        for a, b in zip(jax.tree.leaves(other.predict(inputs, key=key)), jax.tree.leaves(expected), strict=True):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


# What is kept, whatever an optimiser does


def kept(net: RateRNN) -> dict[str, Any]:
    """Fixed entries, absent ones and signs of all weights."""
    found = {}
    for role in ("recurrent", "input", "readout"):
        weights = getattr(net, role)
        matrix = np.asarray(weights.matrix())
        if isinstance(weights, Dense):
            found[role] = (
                matrix[~weights.connectivity.mask].tobytes(),
                np.sign(matrix * weights.sign[:, None]).min() >= 0,
            )
        elif isinstance(weights, Edges):
            signs = np.zeros(len(weights.layout.pre)) if weights.signs is None else np.asarray(weights.signs)
            absent = np.ones(matrix.shape, bool)
            absent[weights.layout.pre, weights.layout.post] = False
            found[role] = matrix[absent].tobytes(), (signs * np.asarray(weights.effective()) >= 0).all()
    return found


@pytest.mark.parametrize("weights", ["dale", "signed-edges"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_signs_masks_and_fixed_entries_hold_under_every_optimizer(optimizer, weights):
    """Large steps against what the constraints want, with weight decay."""
    net = make("plastic-adapting", weights)
    before, values = kept(net), net.parameters()
    trained = net.trainable_variables()
    assert trained.keys() == net.network.values().keys()
    made = OPTIMIZERS[optimizer](lr=0.3, train_vars=trained, weight_decay=0.01)
    rng = np.random.default_rng(0)
    for _ in range(3):
        made.update(
            {n: jnp.asarray(np.sign(v.value) * rng.gamma(2.0, 1.0, v.shape), v.dtype) for n, v in trained.items()}
        )
    assert kept(net) == before
    assert all(held for _, held in before.values())
    assert eicon.verify(net).ok
    for name, value in values.items():
        assert (np.asarray(trained[name].value) != np.asarray(value)).any(), name


@pytest.mark.battery
@some_pairs
def test_training_keeps_all_constraints(cell, weights):
    task = eicon.PerceptualDecision(
        fixation=40.0, stimulus=eicon.tasks.TruncatedExponential(60.0, 40.0, 120.0), decision=60.0
    )
    net = make(cell, weights, n_in=task.n_in, dt=task.dt)
    before = kept(net)
    history = Trainer(net, task, learning_rate=0.3, batch_size=4, validation_repeats=1).fit(6, progress=False)
    assert np.isfinite(history.loss).all()
    assert kept(net) == before
    assert eicon.verify(net).ok


@pytest.mark.parametrize("size", [30.0, 1e3, 1e6, 1e30])
@pytest.mark.parametrize("cell", ["gains", "plastic-adapting"])
def test_parameters_stay_legal_after_huge_steps(cell, size, tmp_path):
    for direction in (1.0, -1.0):
        net = make(cell, "dale")
        declared = net.cell.parameters(N)
        for name in declared:
            variable = net.trainable_variables()[name]
            variable.value = jnp.full(variable.shape, direction * size, variable.dtype)
        for name, (_, bound) in declared.items():
            found = net.parameter(name)
            if bound is TIME:
                assert (found >= net.dt).all()
            elif bound is POSITIVE:
                assert (found > 0).all()
            elif bound is UNIT:
                assert ((found >= 0) & (found <= 1)).all()
        assert eicon.verify(net).ok
        net.save(tmp_path / "net.npz")


# Parameters that units share, and their names


def three(n_in: int = N_IN, n_out: int = N_OUT) -> tuple[Connectivity, Connectivity, Connectivity]:
    return Connectivity.dense(N, N), Connectivity.dense(n_in, N), Connectivity.dense(N, n_out)


def test_one_value_per_unit_is_in_the_order_of_the_units():
    """Even where every unit has a label of its own, which is then no order of labels."""
    names, tau = np.array(list("hgfedcba")), np.linspace(40.0, 110.0, N)
    net = RateRNN(*three(), tau=tau, units={"name": names}, share={"tau": "name"}, train=["tau"])
    np.testing.assert_allclose(net.tau, tau, rtol=1e-6)
    np.testing.assert_allclose(net.with_settings(tau=tau[::-1]).tau, tau[::-1], rtol=1e-6)
    given = dict(zip(names.tolist(), tau.tolist(), strict=True))
    by_name = RateRNN(*three(), parameters={"tau": given}, units={"name": names}, share={"tau": "name"})
    np.testing.assert_allclose(by_name.tau, tau, rtol=1e-6)


def test_shared_values_that_differ_are_refused():
    tau = np.linspace(40.0, 110.0, N)
    for label in ("area", "all"):
        with pytest.raises(ValueError, match="tau is shared within groups of units, but differs within one"):
            RateRNN(*three(), tau=tau, units={"area": AREAS}, share={"tau": label})
    net = RateRNN(*three(), tau=50.0, units={"area": AREAS}, share={"tau": "area"})
    with pytest.raises(ValueError, match="tau is shared"):
        net.with_settings(tau=tau)


def odd(name: str, state: str = "x") -> Any:
    """Leaky unit with a parameter and a state of these names."""

    @dataclass(frozen=True)
    class Odd:
        def parameters(self, n):
            return {"tau": Parameter(100.0, TIME), name: Parameter(1.0, POSITIVE)}

        def initial(self, p, shape):
            return {state: jnp.zeros(shape)}

        def rate(self, p, s):
            return p[name] * jnp.tanh(s[state])

        send = rate

        def step(self, p, s, received, dt):
            return {state: s[state] + dt / p["tau"] * (received - s[state])}

    return Odd()


@pytest.mark.parametrize("name", ["units", "noise_key", "x", "state", "network", "_names", "rates", "mode", "W_rec"])
def test_parameters_and_states_may_be_called_as_attributes_of_a_network(name):
    net = RateRNN(*three(), cell=odd(name, "x" if name == "x" else name + "_"), train=[name], units={"area": AREAS})
    other = RateRNN(*three(), cell=odd("gain", name), train=["gain"], units={"area": AREAS})
    inputs = inputs_of(net)
    for each in (net, other):
        each.reset_state(B)
        each.update(inputs[0])
        assert (each.units["area"] == AREAS).all()
        assert each.network.n_rec == N
    np.testing.assert_array_equal(net.predict(inputs).rates, other.predict(inputs).rates)
    np.testing.assert_allclose(net.parameter(name), 1.0)


@pytest.mark.parametrize("name", ["b_rec", "b_out", "bias", "recurrent", "raw_rec"])
def test_parameters_cannot_be_called_as_what_every_network_has(name):
    with pytest.raises(ValueError, match=f"parameter of the cell Odd cannot be named '{name}', a part of every"):
        RateRNN(*three(), cell=odd(name))


# Cells that are refused


@dataclass(frozen=True)
class Written:
    """A leaky unit, of which some method is written as ``what`` says."""

    what: Any = ""

    def parameters(self, n):
        return {"tau": 100.0 if self.what == "a bare number" else Parameter(100.0, TIME)}

    def initial(self, p, shape):
        values = {"a scalar": 0.0, "parameters": 0.0 * p["tau"], "integers": jnp.zeros(shape, int)}
        return {"x": values.get(self.what, jnp.zeros(shape))}

    def rate(self, p, s):
        return s["x"].sum(-1) if self.what == "one rate" else jnp.tanh(s["x"])

    def send(self, p, s):
        return s["x"].sum(-1) if self.what == "one signal" else self.rate(p, s)

    def step(self, p, s, received, dt):
        x = s["x"] + dt / p["tau"] * (received - s["x"])
        return {"y" if self.what == "another name" else "x": x[..., 0] if self.what == "one unit" else x}


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (
            "a bare number",
            r"Written.parameters must return Parameter\(value, bound\) for each name; got 100.0 for 'tau'",
        ),
        ("a scalar", r"Written.initial: 'x' must be floating-point numbers of the shape of the state, here \(2, 8\)"),
        ("parameters", r"Written.initial: 'x' .* got float32 of shape \(1, 8\)"),
        ("integers", r"Written.initial: 'x' .* got int32 of shape \(2, 8\)"),
        ("one rate", r"Written.rate must be .* got float32 of shape \(2,\)"),
        ("one signal", r"Written.send must be .* got float32 of shape \(2,\)"),
        ("one unit", r"Written.step: 'x' must be .* got float32 of shape \(2,\)"),
        ("another name", r"Written.step must return the variables of Written.initial, \['x'\]; got \['y'\]"),
    ],
)
def test_cells_whose_methods_do_not_fit_are_refused(what, message):
    with pytest.raises(ValueError, match=message):
        RateRNN(*three(), cell=Written(what))
    with pytest.raises(ValueError, match=message):
        RateRNN(*three(), cell=Written()).with_settings(cell=Written(what))


def test_what_is_no_cell_is_refused():
    with pytest.raises(ValueError, match=r"a cell has the methods .* Did you pass the class"):
        RateRNN(*three(), cell=Written)
    with pytest.raises(ValueError, match=r"frozen dataclass, @dataclass\(frozen=True\), .* Written cannot: .*ndarray"):
        RateRNN(*three(), cell=Written(np.ones(3)))


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (Adapting(CELLS["tired"]), "Adapting cannot wrap a Tired: the name 'a' occurs in both"),
        (Adapting(CELLS["adapting"]), "Adapting cannot wrap a Adapting: the name"),
        (Plastic(CELLS["plastic-adapting"]), "Plastic cannot wrap a Plastic: the name"),
    ],
    ids=["variable", "adapting twice", "plastic twice"],
)
def test_cells_that_would_share_a_variable_are_not_wrapped(cell, message):
    """One would overwrite the other's."""
    with pytest.raises(ValueError, match=message):
        RateRNN(*three(), cell=cell)


def test_cells_that_no_loading_could_find_are_not_saved(tmp_path):
    net = RateRNN(*three(), cell=odd("gain"))
    with pytest.raises(ValueError, match="the cell Odd is defined inside a function, where loading cannot find it"):
        net.save(tmp_path / "net.npz")
    net = RateRNN(*three(), cell=Written((1, 2)))
    with pytest.raises(ValueError, match=r"the settings of a saved cell must be .*; got \(1, 2\)"):
        net.save(tmp_path / "net.npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("what", [None, True, 2, 0.5, "words", Leaky("tanh"), CELLS["tired"].activation])
def test_settings_of_a_cell_are_saved(what, tmp_path):
    RateRNN(*three(), cell=Written(what)).save(tmp_path / "net.npz")
    found = eicon.load(tmp_path / "net.npz").cell
    assert found == Written(what)
    assert type(found.what) is type(what)


def test_a_file_names_no_class_that_is_no_cell(tmp_path, monkeypatch):
    """Nothing but a cell is made of what stands in a file."""
    RateRNN(*three(), cell=Written("words")).save(tmp_path / "net.npz")
    monkeypatch.setattr(f"{__name__}.Written", lambda **fields: pytest.fail("called"))
    with pytest.raises(ValueError, match=r"saved with the cell Written .*; import the file that defines it first"):
        eicon.load(tmp_path / "net.npz")


def test_a_cell_with_other_settings_or_parameters_than_the_saved_one_is_refused(tmp_path, monkeypatch):
    RateRNN(*three(), cell=Written("words")).save(tmp_path / "net.npz")

    @dataclass(frozen=True)
    class Fewer(Written):
        def parameters(self, n):
            return {}

    @dataclass(frozen=True)
    class Other:
        word: str = ""
        parameters, initial, rate, send, step = (
            getattr(Written, name) for name in ("parameters", "initial", "rate", "send", "step")
        )

    for kind, message in (
        (Fewer, r"saved with a different cell Fewer, with tau; the cell now has no parameters"),
        (Other, r"saved with a different cell Written, which had what; the cell in test_cells_and_weights.py does not"),
    ):
        monkeypatch.setattr(f"{__name__}.Written", kind)
        with pytest.raises(ValueError, match=message):
            eicon.load(tmp_path / "net.npz")


# Weights as lists of connections


@pytest.mark.parametrize("shape", [(7, 5), (5, 7), (1, 6), (6, 1)])
def test_products_of_edges_are_those_of_the_dense_matrix(shape, x64):
    rng = np.random.default_rng(0)
    weights = Edges.of(*connections(*shape, shape[0] * shape[1] * 2 // 3, 1), shape, scale=2.0, seed=1)
    matrix, product = numpy_matrix(weights), weights.product()
    for leading in [(), (1,), (2, 5)]:
        r, g = (rng.normal(size=(*leading, n)) for n in shape)
        np.testing.assert_allclose(product.send(jnp.asarray(r)), r @ matrix, atol=1e-12)
        np.testing.assert_allclose(product.pull(jnp.asarray(g)), g @ matrix.T, atol=1e-12)
        found = product.outer(jnp.asarray(r), jnp.asarray(g)).values
        expected = r.reshape(-1, shape[0]).T @ g.reshape(-1, shape[1])
        np.testing.assert_allclose(found, expected[weights.layout.pre, weights.layout.post], atol=1e-12)


def test_products_of_edges_can_be_differentiated(x64):
    """By raw values, through `send` and `pull`, in both modes; against a dense matrix."""
    weights = Edges.of(*connections(6, 5, 17, 1), (6, 5), sign=1, positive="softplus", seed=1)
    dense = Dense(jnp.zeros((6, 5)))
    rng = np.random.default_rng(0)
    r, g = jnp.asarray(rng.normal(size=(4, 6))), jnp.asarray(rng.normal(size=(4, 5)))

    def loss(product):
        return jnp.sum(product.pull(g) ** 3) + jnp.sum(product.send(r) ** 3)

    def by_edges(raw):
        return loss(replace(weights, raw=raw).product())

    def by_matrix(raw):
        values = jax.nn.softplus(raw)
        matrix = jnp.zeros((6, 5)).at[weights.layout.pre, weights.layout.post].set(values)
        return loss(replace(dense, raw=matrix).product())

    along = (jnp.asarray(rng.normal(size=17)),)
    first = [jax.grad(f)(weights.raw) for f in (by_edges, by_matrix)]
    assert_close(*first, 1e-12)
    assert_close(*(jax.jvp(f, (weights.raw,), along)[1] for f in (by_edges, by_matrix)), 1e-12)


@every_weights
def test_weights_between_some_units(weights):
    made = make("relu", weights).recurrent
    rng = np.random.default_rng(0)
    pairs = [(rng.random(N) < 0.5, rng.random(N) < 0.5) for _ in range(2)]
    chosen = sum(np.outer(*pair) for pair in pairs) > 0
    np.testing.assert_allclose(
        made.between(pairs).send(jnp.eye(N)), np.where(chosen, made.matrix(), 0.0), rtol=1e-6, atol=1e-7
    )
    np.testing.assert_array_equal(made.between([]).send(jnp.eye(N)), np.zeros((N, N)))


@every_weights
def test_sizes_are_those_of_the_weights_that_exist(weights):
    net = make("relu", weights)
    for role in ("recurrent", "input", "readout"):
        made = getattr(net, role)
        values, number = made.sizes()
        matrix = np.asarray(made.matrix())
        assert float(jnp.sum(values**2)) == pytest.approx(float((matrix**2).sum()), rel=1e-5)
        exists = made.connectivity.exists.sum() if isinstance(made, Dense) else (matrix != 0).sum()
        assert number == exists


def test_groups_share_a_value_and_its_gradient(x64):
    pre, post, group = [0, 1, 2, 3], [1, 2, 3, 0], ["a", "b", "a", "b"]
    weights = Edges.of(pre, post, (4, 4), group=group, sign=[1, -1, 1, 1], scale=[1.0, 2.0, 3.0, 4.0], seed=3)
    a, b = np.asarray(weights.raw)
    matrix = np.asarray(weights.matrix())
    np.testing.assert_allclose(matrix[pre, post], [a, -2 * b, 3 * a, 4 * b])
    r, g = (jnp.asarray(np.random.default_rng(i).normal(size=(5, 4))) for i in (0, 1))
    found = jax.grad(lambda raw: jnp.sum(g * replace(weights, raw=raw).product().send(r)))(weights.raw)
    each = np.asarray(r.T @ g)[pre, post] * np.array([1, -2, 3, 4])
    np.testing.assert_allclose(found, [each[0] + each[2], each[1] + each[3]], rtol=1e-12)


def test_one_value_for_signed_and_free_connections():
    weights = Edges.of([0, 1], [2, 1], (3, 3), group=[0, 0], sign=[0, -1], positive="softplus")
    value = float(weights.raw[0])
    np.testing.assert_allclose(weights.effective(), [-np.log1p(np.exp(value)), value], rtol=1e-6)


def test_the_order_of_connections_does_not_matter():
    pre, post = connections(N, N, 20, 1)
    given = {"weights": np.arange(1.0, 21), "sign": np.ones(20), "scale": np.linspace(1, 2, 20), "group": np.arange(20)}
    first = Edges.of(pre, post, (N, N), **given)
    turned = Edges.of(pre[::-1], post[::-1], (N, N), **{name: value[::-1] for name, value in given.items()})
    np.testing.assert_array_equal(first.matrix(), turned.matrix())


def test_units_whose_connections_agree_have_a_sign():
    pre, post, sign = [0, 0, 1, 1, 2, 2, 3], [1, 2, 0, 2, 0, 1, 0], [1, 1, -1, -1, 1, -1, 0]
    weights = Edges.of(pre, post, (5, 5), sign=sign)
    assert weights.sign.tolist() == [1, -1, 0, 0, 0]
    net = RateRNN(weights, Connectivity.dense(1, 5), Connectivity.dense(5, 1))
    found = eicon.verify(net)
    assert (found.n_excitatory, found.n_inhibitory, found.n_free) == (1, 1, 3)
    assert net.units["type"].tolist() == ["E", "I", "", "", ""]
    assert found.ok
    assert found.matrices["recurrent"].density == 7 / 25


def test_verify_finds_wrong_edges():
    weights = Edges.of([0, 1, 2], [1, 1, 0], (3, 3), sign=[1, -1, 0], scale=1.0)
    given = RateRNN(weights, Connectivity.dense(1, 3), Connectivity.dense(3, 1))
    wrong = replace(weights, scale=jnp.asarray([jnp.nan, -1.0, 1.0]))  # of 2 -> 0, 0 -> 1 and 1 -> 1
    parts = given.parts()
    broken = RateRNN.of_parts(parts._replace(network=replace(parts.network, recurrent=wrong)))
    report = eicon.verify(broken).matrices["recurrent"]
    assert (report.not_finite, report.wrong_sign, report.autapses, report.ok) == (1, 1, 1, False)
    with pytest.raises(eicon.models.ConstraintError, match="1 weights contradict the sign.*1 weights are NaN"):
        eicon.verify(broken).raise_if_violated()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"pre": [0, 0], "post": [2, 2]},
            "1 connections are given twice, the first 0 -> 2; add their weights, or omit one",
        ),
        ({"pre": [0]}, r"pre and post must be two lists of equal length.*\(1,\) and \(2,\)"),
        ({"pre": [], "post": []}, "pre and post must be two lists"),
        ({"pre": [0, 3]}, r"pre must be whole numbers in 0\.\.2; got 0 to 3"),
        ({"post": [0, -1]}, r"post must be whole numbers in 0\.\.2; got -1 to 0"),
        ({"pre": [0.0, 1.0]}, "pre must be whole numbers"),
        ({"sign": [1, -1], "weights": [0.5, 0.5]}, "1 weights contradict the sign of their connection"),
        ({"sign": [1, 2]}, "signs must be -1, 0 or 1"),
        ({"scale": [1, 0]}, "scale must be > 0; got 0. Pass the signs of connections as sign"),
        ({"scale": [1, np.nan]}, "scale must be finite"),
        ({"group": ["a"]}, r"group must have one entry per connection, shape \(2,\); got \(1,\)"),
        ({"group": ["a", "a"], "weights": [1.0, 2.0]}, "weights of one group must be equal, except for scale"),
        ({"positive": "exp"}, "unknown map 'exp' to non-negative weights; allowed: abs, relu, softplus"),
    ],
)
def test_edges_that_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Edges.of(**({"pre": [0, 1], "post": [1, 2], "shape": (3, 3)} | change))


def test_weights_that_do_not_fit_a_network_are_refused():
    edges, inwards, outwards = Edges.of([0], [1], (N, N)), Connectivity.dense(2, N), Connectivity.dense(N, 2)
    with pytest.raises(ValueError, match="Edges already has values; omit them from `weights`"):
        RateRNN(edges, inwards, outwards, weights={"recurrent": np.eye(N)})
    with pytest.raises(ValueError, match=r"recurrent connectivity must be square .*\(8, 7\)"):
        RateRNN(Edges.of([0], [1], (N, 7)), inwards, outwards)
    with pytest.raises(ValueError, match="input connectivity must be"):
        RateRNN(edges, LowRank.drawn(2, 1), outwards)


def test_edges_that_are_not_trained_stay():
    net = RateRNN(Edges.of([0, 1], [1, 2], (N, N), trainable=False), *three()[1:])
    assert "raw_rec" not in net.trainable_variables()
    assert net.trainable_variables().keys() == {"raw_in", "raw_out"}
    loaded = RateRNN.of_parts(net.parts())
    assert not loaded.recurrent.trainable


def test_the_vanishing_gradient_of_edges_is_that_of_the_dense_matrix(x64):
    pre, post = connections(N, N, 25, 0)
    weights = Edges.of(pre, post, (N, N), seed=1)
    network = RateRNN(weights, *three()[1:], activation="tanh", seed=1).network
    dense = replace(network, recurrent=Dense(weights.matrix()))
    rng = np.random.default_rng(0)
    x, cotangents = (jnp.asarray(rng.normal(size=(T, B, N))) for _ in range(2))
    given = {"activity": None, "trial": None, "currents": x, "cotangents": cotangents}
    found, expected = (
        jax.value_and_grad(lambda raw, n=n: VanishingGradient()(n.replaced({"raw_rec": raw}), **given))(n.recurrent.raw)
        for n in (network, dense)
    )
    assert float(found[0]) == pytest.approx(float(expected[0]), rel=1e-12)
    assert_close(found[1], expected[1][weights.layout.pre, weights.layout.post], 1e-12)


def shapes_in(jaxpr: Any) -> Iterator[tuple[int, ...]]:
    """Of all arrays that a program makes."""
    for equation in jaxpr.eqns:
        yield from (tuple(getattr(made.aval, "shape", ())) for made in equation.outvars)
        for parameter in equation.params.values():
            for one in parameter if isinstance(parameter, tuple | list) else [parameter]:
                if hasattr(one, "jaxpr"):
                    yield from shapes_in(one.jaxpr)
                elif hasattr(one, "eqns"):
                    yield from shapes_in(one)


def test_a_large_sparse_network_never_makes_a_dense_matrix(tmp_path):
    n, m = 6000, 20_000
    rng = np.random.default_rng(0)
    pre, post = np.divmod(np.unique(rng.integers(0, n * n, m)), n)
    net = RateRNN(
        Edges.of(pre, post, (n, n), sign=np.where(pre < 4800, 1, -1), scale=rng.integers(1, 9, len(pre))),
        Edges.of(*connections(2, n, 500, 0), (2, n)),
        Edges.of(*connections(n, 2, 500, 1), (n, 2)),
        cell=Adapting(Leaky("relu")),
        train=["recurrent", "input", "readout", "tau", "beta"],
    )
    inputs = jnp.ones((4, 2, 2), jnp.float32)

    def loss(values):
        activity = net.network.replaced(values).run(inputs)
        return jnp.sum(activity.outputs**2) + jnp.sum(activity.rates)

    gradient = jax.jit(jax.grad(loss))
    program = gradient.trace(net.network.values())
    largest = max(np.prod(shape, dtype=np.int64) for shape in shapes_in(program.jaxpr.jaxpr))
    assert largest <= 8 * m
    assert program.lower().compile().memory_analysis().temp_size_in_bytes < n * n
    found = gradient(net.network.values())
    assert all(np.isfinite(g).all() and (g != 0).any() for g in found.values())

    certificate = eicon.verify(net)
    assert certificate.ok
    assert certificate.n_inhibitory > 500
    assert np.isnan(certificate.spectral_radius)
    net.save(tmp_path / "net.npz")
    assert eicon.load(tmp_path / "net.npz").constants == net.constants
    for ask in (net.held, lambda: net.W_rec):
        with pytest.raises(
            ValueError,
            match="dense matrix of 6000 x 6000 numbers; with sparse and low-rank weights this is limited to 5000",
        ):
            ask()


# Weights of low rank


def test_low_rank_weights(x64):
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(7, 2)), rng.normal(size=(2, 5))
    weights = LowRank.of(left, right)
    np.testing.assert_allclose(weights.matrix(), left @ right, rtol=1e-12)
    assert weights.shape == (7, 5)
    r, g = rng.normal(size=(3, 2, 7)), rng.normal(size=(3, 2, 5))
    outer = np.einsum("tbi,tbj->ij", r, g)
    product = weights.product()
    np.testing.assert_allclose(product.send(jnp.asarray(r)), r @ left @ right, rtol=1e-10)
    np.testing.assert_allclose(product.pull(jnp.asarray(g)), g @ right.T @ left.T, rtol=1e-10)
    found = product.outer(jnp.asarray(r), jnp.asarray(g))
    np.testing.assert_allclose(found.left, outer @ right.T, rtol=1e-10)
    np.testing.assert_allclose(found.right, left.T @ outer, rtol=1e-10)


def test_the_closest_matrix_of_a_rank():
    matrix = np.random.default_rng(0).normal(size=(6, 4))
    u, s, v = np.linalg.svd(matrix, full_matrices=False)
    for rank in (1, 3, 4):
        weights = LowRank.of_matrix(matrix, rank)
        np.testing.assert_allclose(weights.matrix(), (u[:, :rank] * s[:rank]) @ v[:rank], atol=1e-6)
        np.testing.assert_allclose(weights.left.T @ weights.left, weights.right @ weights.right.T, atol=1e-6)


@pytest.mark.parametrize(
    ("make_them", "message"),
    [
        (lambda: LowRank.drawn(8, 0), "n and rank must be at least 1 and size > 0; got 8, 0"),
        (lambda: LowRank.of_matrix(np.eye(3), 4), r"rank must be in 1\.\.3; got 4"),
        (lambda: LowRank.of(np.ones((3, 2)), np.ones((3, 2))), r"left must be \(n_pre, K\) and right \(K, n_post\)"),
        (lambda: LowRank.of(np.full((3, 1), np.nan), np.ones((1, 3))), "weights must be finite"),
    ],
)
def test_low_rank_weights_that_are_refused(make_them, message):
    with pytest.raises(ValueError, match=message):
        make_them()
