"""The smaller network that a condensation describes: what it keeps, and what it computes."""

import functools

import jax
import numpy as np
import pytest

from eicon.analysis import condense
from eicon.analysis._condense import METHODS
from eicon.models import Connectivity, RateRNN, load, save, verify
from eicon.studies import condense_network
from eicon.tasks import PerceptualDecision
from eicon.training import Trainer

N, SIZE = 12, 8
RNG = np.random.default_rng(0)
DALE = np.where(np.arange(N) < 9, 1, -1)
ANATOMY = RNG.lognormal(size=(N, N)) * (RNG.random((N, N)) < 0.6) * ~np.eye(N, dtype=bool)
INPUTS = RNG.normal(size=(12, 10, 2)).astype(np.float32)
INPUTS.flags.writeable = False
LABELS = {"region": np.array(list("AABBCCDDEEFF"))}
COMMON = {"sigma_rec": 0.2, "units": LABELS, "seed": 1}


def make(kind, activation):
    if kind == "free":
        parts = Connectivity.dense(N, N), Connectivity.dense(2, N), Connectivity.dense(N, 2)
        return RateRNN(*parts, activation=activation, bias=True, **COMMON)
    if kind == "dale":
        options = {"activation": activation, "train_x0": True, "x0": 0.3, "spectral_radius": 1.0}
        return RateRNN.dale(2, N, 2, e_ratio=0.75, **options, **COMMON)
    return RateRNN.from_connectome(
        ANATOMY, 2, 2, sign=DALE, activation=activation, tau=np.linspace(40.0, 120.0, N), **COMMON
    )


NETS = {f"{k}-{a}": make(k, a) for k in ("free", "dale", "connectome") for a in ("relu", "tanh")}


def state(net):
    return {name: np.asarray(value).tobytes() for name, value in net.parameters().items()}


@functools.cache
def rates(name):
    return np.asarray(NETS[name].predict(INPUTS, key=jax.random.key(0)).rates)


def condensation(name, net, size, method):
    """Without the runs that `condense_network` adds."""
    sign = net.recurrent.connectivity.sign
    return condense(rates(name), net.W_rec, net.W_out, size, method=method, sign=sign if sign.any() else None)


def outputs(net, inputs=INPUTS):
    return np.asarray(net.predict(inputs, noise=False).outputs)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NETS)
def test_every_method_makes_every_network_a_smaller_one(name, method, tmp_path):
    net = NETS[name]
    before = state(net)
    found = condensation(name, net, SIZE, method)
    small = net.condensed(found)
    assert state(net) == before
    assert verify(small).ok
    assert (small.n_in, small.n_rec, small.n_out) == (2, SIZE, 2)
    sign = net.recurrent.connectivity.sign[found.kept]
    np.testing.assert_array_equal(small.recurrent.connectivity.sign, sign)
    assert (sign[:, None] * np.asarray(small.W_rec) >= 0).all()
    np.testing.assert_allclose(small.tau, net.tau @ found.incoming)
    if method == "cluster":
        covariance = found.incoming.T @ found.incoming
        np.testing.assert_allclose(small.noise_covariance, covariance, err_msg="averages of independent noise")
    else:
        assert small.noise_covariance is None
    np.testing.assert_array_equal(small.units["region"], net.units["region"][found.kept])
    np.testing.assert_array_equal(small.units["type"], net.units["type"][found.kept])
    for one, label in enumerate(small.units["represents"]):
        np.testing.assert_array_equal(np.array(label.split(", "), int), np.flatnonzero(found.groups == one))
    assert (small.activation, small.dt, small.sigma_rec, small.sigma_in) == (net.activation, net.dt, 0.2, 0.0)
    np.testing.assert_allclose(small.W_rec, found.recurrent, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(small.W_out, found.readout, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(small.W_in, np.asarray(net.W_in, float) @ found.incoming, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(small.x0, np.asarray(net.x0.value) @ found.incoming, rtol=1e-5)
    old_bias = np.zeros(N) if net.b_rec is None else np.asarray(net.b_rec.value)
    bias = np.zeros(SIZE) if small.b_rec is None else np.asarray(small.b_rec.value)
    np.testing.assert_allclose(bias, old_bias @ found.incoming + found.bias, rtol=1e-5, atol=1e-7)
    assert (small.b_out is not None) == (net.b_out is not None or found.readout_bias.any())
    if name.startswith("dale"):
        assert not np.asarray(small.W_out)[~small.is_excitatory].any()
        assert not small.readout.connectivity.mask[~small.is_excitatory].any()
    save(small, tmp_path / "small.npz")
    again = load(tmp_path / "small.npz")
    assert state(again) == state(small)
    assert again.constants == small.constants


@pytest.mark.parametrize("name", ["dale-relu", pytest.param("connectome-tanh", marks=pytest.mark.battery)])
def test_what_was_condensed_is_trained_on(name):
    small = condense_network(NETS[name], INPUTS, SIZE).net
    assert {"raw_rec", "raw_in", "raw_out", "b_rec", "b_out"} <= set(small.trainable_variables())
    assert ("x0" in small.trainable_variables()) == name.startswith("dale")
    before = state(small)
    assert np.isfinite(outputs(small)).all()
    task = PerceptualDecision(fixation=40.0, stimulus=40.0, decision=40.0)
    Trainer(small, task, batch_size=4, validation_repeats=1, learning_rate=0.01).fit(2, progress=False)
    after = state(small)
    assert all(after[variable] != before[variable] for variable in small.trainable_variables())
    assert verify(small).ok


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NETS)
def test_all_units_are_the_same_network_again_and_again(name, method):
    net = NETS[name]
    same = net.condensed(condensation(name, net, N, method))
    np.testing.assert_array_equal(outputs(same), outputs(net))
    again = same.condensed(condensation(name, same, N, method))
    assert state(again) == state(same)
    assert again.constants == same.constants


def duplicated(sign, dtype=np.float32, **options):
    """Network of ten units of which units 0, 1, 2 are one unit, and 3, 4 and 8, 9: they share what they receive."""
    rng = np.random.default_rng(3)
    of = np.array([0, 0, 0, 3, 3, 5, 6, 7, 8, 8])
    weights = {"recurrent": 0.6 * rng.normal(size=(10, 10)), "input": rng.normal(size=(2, 10))}
    readout = rng.normal(size=(10, 2))
    if sign is not None:
        weights["recurrent"] = sign[:, None] * np.abs(weights["recurrent"])
        readout = np.abs(readout) * (sign > 0)[:, None]
    weights = {role: matrix[:, of] for role, matrix in weights.items()} | {"readout": readout}
    signs = np.zeros(10, int) if sign is None else sign
    parts = Connectivity.dense(10, 10, sign=signs), Connectivity.dense(2, 10)
    tau = np.linspace(50.0, 100.0, 10)[of]
    last = Connectivity.excitatory_only(signs, 2)
    return RateRNN(*parts, last, weights=weights, tau=tau, x0=rng.normal(size=10)[of], activation="tanh", **options), of


@pytest.mark.parametrize("sign", [None, np.where(np.arange(10) < 7, 1, -1)], ids=["free", "dale"])
def test_copies_of_units_are_found_and_the_rest_runs_as_before(sign, x64):
    net, of = duplicated(sign)
    small, found = condense_network(net, INPUTS)
    assert found.size == 6
    np.testing.assert_array_equal(of[found.kept][found.groups], of)
    assert found.reconstruction_error < 1e-12
    assert found.measured_error < 1e-12
    other = np.random.default_rng(9).normal(size=INPUTS.shape)
    np.testing.assert_allclose(outputs(small, other), outputs(net, other), atol=1e-11)
    whole, part = (np.asarray(n.predict(other, noise=False).rates) for n in (net, small))
    np.testing.assert_allclose(part, whole[:, :, found.kept], atol=1e-11)


def test_copies_of_units_in_float32():
    net, of = duplicated(None, bias=True, readout_bias=True)
    bias = np.random.default_rng(0).normal(size=10).astype(np.float32)
    net.b_rec.value, net.b_out.value = bias[of], np.array([0.5, -0.5], np.float32)
    small, found = condense_network(net, INPUTS)
    assert found.size == 6
    assert found.measured_error < 3e-6
    np.testing.assert_allclose(small.b_rec.value, bias[of][found.kept], atol=1e-6)
    np.testing.assert_allclose(small.b_out.value, [0.5, -0.5], atol=1e-6)


def reordered(net, order):
    """Same network with its units in another order."""
    roles = {"recurrent": net.W_rec, "input": net.W_in, "readout": net.W_out}
    weights = {role: np.asarray(matrix) for role, matrix in roles.items()}
    weights["recurrent"] = weights["recurrent"][np.ix_(order, order)]
    weights["input"], weights["readout"] = weights["input"][:, order], weights["readout"][order]
    readout = net.readout.connectivity
    parts = (
        Connectivity.dense(N, N, sign=net.recurrent.sign[order]),
        Connectivity.dense(2, N, sign=net.input.sign),
        Connectivity(readout.sign[order], readout.mask[order], readout.fixed[order]),
    )
    x0 = np.asarray(net.x0.value)[order]
    return RateRNN(*parts, weights=weights, tau=net.tau[order], x0=x0, activation=net.activation)


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"random"}))
def test_the_order_of_the_units_changes_no_output(method):
    net = NETS["dale-tanh"].with_settings(sigma_rec=0.0)
    order = np.random.default_rng(2).permutation(N)
    mixed = reordered(net, order)
    np.testing.assert_allclose(outputs(mixed), outputs(net), atol=1e-5)
    first, second = (condense_network(n, INPUTS, SIZE, method=method) for n in (net, mixed))
    np.testing.assert_array_equal(np.sort(order[second.condensation.kept]), first.condensation.kept)
    np.testing.assert_allclose(outputs(second.net), outputs(first.net), atol=1e-4)


def hand(net, **changes):
    """A condensation to the first two units."""
    rates = net.predict(INPUTS, key=jax.random.key(0)).rates
    found = condense(rates, net.W_rec, net.W_out, 2, method="magnitude")
    return found._replace(**changes)


LETTERS = np.array(list("abcdefghijkl"))


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ({"neuron": np.char.add("RIM ", LETTERS)}, ["RIM a, RIM c, RIM l", "RIM b"]),
        ({"unit": np.char.add(LETTERS, ",1")}, ["0, 2, 11", "1"]),
        ({"name": np.where(LETTERS == "d", "", LETTERS)}, ["0, 2, 11", "1"]),
        ({"name": np.where(LETTERS == "d", "a", LETTERS)}, ["0, 2, 11", "1"]),
        ({}, ["0, 2, 11", "1"]),
        ({"name": np.where(LETTERS == "d", "", LETTERS), "unit": LETTERS}, ["0, 2, 11", "1"]),
    ],
    ids=["spaces", "commas", "missing", "twice", "none", "the first of two"],
)
def test_names_of_represented_units_can_be_told_apart(names, wanted):
    groups = np.array([0, 1, 0, *[-1] * 8, 0])
    net = RateRNN.dale(2, N, 2, units=names, seed=1)
    found = hand(net, kept=np.array([0, 1]), groups=groups)
    assert net.condensed(found).units["represents"].tolist() == wanted
    np.testing.assert_array_equal(found.unrepresented, np.arange(3, 11))


@pytest.mark.parametrize("names", [{}, {"name": np.char.add("RIM ", LETTERS)}], ids=["indices", "names"])
def test_units_of_the_first_network_are_named_over_all_stages(names):
    net = RateRNN.dale(2, N, 2, units=names, seed=1, sigma_rec=0.2)
    called = names.get("name", np.arange(N).astype(str))
    holder, now = np.arange(N), net
    for size in (9, 6, 3):
        now, found = condense_network(now, INPUTS, size, method="magnitude" if size == 6 else "merge")
        assert (found.unrepresented.size > 0) == (size == 6), "which deletes units"
        holder = np.where(holder < 0, -1, found.groups[holder])
        wanted = [set(called[holder == one]) for one in range(size)]
        assert [set(label.split(", ")) for label in now.units["represents"]] == wanted
    assert (holder < 0).any()


def test_biases_are_made_only_where_they_are_asked_for():
    net = NETS["dale-relu"]
    assert net.b_rec is net.b_out is None
    plain = net.condensed(hand(net))
    assert plain.b_rec is plain.b_out is None
    with_one = net.condensed(hand(net, bias=np.array([0.0, 0.5])))
    np.testing.assert_array_equal(with_one.b_rec.value, np.array([0.0, 0.5], np.float32))
    assert with_one.b_out is None
    assert "b_rec" in with_one.trainable_variables()
    other = net.condensed(hand(net, readout_bias=np.array([1.0, 0.0])))
    assert other.b_rec is None
    np.testing.assert_array_equal(other.b_out.value, np.array([1.0, 0.0], np.float32))


def test_frozen_recurrent_weights_stay_frozen():
    net = RateRNN.from_connectome(ANATOMY, 2, 2, sign=DALE, freeze=True, seed=1)
    small, found = condense_network(net, INPUTS, SIZE)
    assert not small.recurrent.connectivity.trainable
    assert "raw_rec" not in small.trainable_variables()
    np.testing.assert_allclose(small.W_rec, found.recurrent, rtol=1e-6)
    assert verify(small).ok
    assert state(condense_network(small, INPUTS, SIZE).net) == state(small)
    np.testing.assert_array_equal(outputs(condense_network(net, INPUTS, N).net), outputs(net))


def test_all_pairs_can_connect_and_what_was_read_out_can_be_again():
    net = NETS["dale-relu"]
    # Non-negative least squares makes zeros; they are still connections.
    small = net.condensed(hand(net, kept=np.array([0, 11]), recurrent=np.zeros((2, 2)), readout=np.zeros((2, 2))))
    assert small.is_excitatory.tolist() == [True, False]
    assert small.recurrent.connectivity.mask.all()
    assert small.input.connectivity.mask.all()
    assert small.readout.connectivity.mask.tolist() == [[True, True], [False, False]]


def test_inputs_that_do_not_exist_stay_away_from_units_that_stay():
    there = np.ones((2, N), bool)
    there[0, :6] = False
    parts = Connectivity.dense(N, N), Connectivity(np.zeros(2, int), there, np.zeros((2, N))), Connectivity.dense(N, 2)
    net = RateRNN(*parts, activation="tanh", seed=2)
    small, found = condense_network(net, INPUTS, SIZE)
    np.testing.assert_array_equal(small.input.connectivity.mask, there[:, found.kept])
    small, found = condense_network(net, INPUTS, 3, method="merge", incoming="averaged")
    reached = [[there[k, found.groups == q].any() for q in range(3)] for k in range(2)]
    np.testing.assert_array_equal(small.input.connectivity.mask, reached)


def test_dale_networks_that_are_read_out_with_both_signs():
    net = RateRNN.dale(2, N, 2, free_readout=True, free_input=True, activation="tanh", seed=1)
    small, found = condense_network(net, INPUTS, 9)
    assert verify(small).ok
    readout = np.asarray(small.W_out)
    assert (readout < 0).any()
    assert not readout[~small.is_excitatory].any()
    assert found.measured_error < 0.2


def test_without_dale_rows_are_free_where_their_weights_are_of_both_signs():
    net = NETS["dale-tanh"]
    small, found = condense_network(net, INPUTS, SIZE, dale=False)
    sign = net.recurrent.connectivity.sign[found.kept]
    mixed = (sign[:, None] * found.recurrent < 0).any(axis=1)
    assert mixed.any()
    np.testing.assert_array_equal(small.recurrent.connectivity.sign, np.where(mixed, 0, sign))
    np.testing.assert_allclose(small.W_rec, found.recurrent, rtol=1e-6)
    bound = condense_network(net, INPUTS, SIZE)
    assert found.reconstruction_error <= bound.condensation.reconstruction_error


@pytest.mark.parametrize("positive", ["relu", "softplus"])
def test_other_maps_to_positive_weights(positive):
    net = RateRNN.dale(2, N, 2, positive=positive, seed=1)
    found = condensation("dale-tanh", net, SIZE, "subset")
    small = net.condensed(found)
    assert small.recurrent.connectivity.positive == positive
    np.testing.assert_allclose(small.W_rec, found.recurrent, rtol=1e-5, atol=1e-6)
    assert verify(small).ok


def test_recording_is_repeatable_and_keeps_its_noise_to_itself():
    net = NETS["dale-relu"]
    first, again = (condense_network(net, INPUTS, 6) for _ in range(2))
    assert state(first.net) == state(again.net)
    other = condense_network(net, INPUTS, 6, key=jax.random.key(1))
    assert state(other.net) != state(first.net)
    loud = condense_network(net, INPUTS, 6, noise=1.0)
    rates = np.asarray(net.predict(INPUTS, key=jax.random.key(0)).rates)
    initial = np.broadcast_to(net.activation(net.x0.value), rates[:1].shape)
    seen = np.concatenate([initial, rates])
    expected = condense(seen, net.W_rec, net.W_out, 6, sign=net.recurrent.connectivity.sign)
    np.testing.assert_array_equal(loud.condensation.recurrent, expected.recurrent)
    assert net.sigma_rec == loud.net.sigma_rec == 0.2


def test_measured_error_is_that_of_the_outputs_on_the_test_trials():
    net = NETS["dale-tanh"]
    mask = np.random.default_rng(0).random(INPUTS.shape[:2]) < 0.7
    held_out = np.random.default_rng(5).normal(size=(12, 10, 2)).astype(np.float32)
    for options, inputs, used in (
        ({"mask": mask}, INPUTS, mask),
        ({"mask": mask, "test_inputs": held_out}, held_out, np.ones_like(mask)),
        ({"test_inputs": held_out, "test_mask": mask}, held_out, mask),
    ):
        small, found = condense_network(net, INPUTS, 5, **options)
        wanted, made = (outputs(n, inputs)[used].astype(float) for n in (net, small))
        error = np.sqrt(((made - wanted) ** 2).sum() / ((wanted - wanted.mean(axis=0)) ** 2).sum())
        assert found.measured_error == pytest.approx(error)


@pytest.mark.parametrize("noise", [-0.1, 1.5, float("nan")])
def test_noise_that_cannot_be_is_refused(noise):
    with pytest.raises(ValueError, match=r"noise must be in \[0, 1\], a fraction of the network's own noise; got"):
        condense_network(NETS["dale-relu"], INPUTS, 6, noise=noise)


def test_a_condensation_of_another_network_is_refused():
    found = condense_network(NETS["dale-relu"], INPUTS, 6).condensation
    with pytest.raises(
        ValueError, match="belongs to 12 units and 2 outputs, but the network has 10 units and 2 outputs"
    ):
        RateRNN.dale(2, 10, 2).condensed(found)
    with pytest.raises(
        ValueError, match="belongs to 12 units and 2 outputs, but the network has 12 units and 1 outputs"
    ):
        RateRNN.dale(2, 12, 1).condensed(found)


def test_a_silent_network_is_refused():
    net = RateRNN.dale(2, N, 2, x0=-1.0)
    net.raw_in.value = np.zeros((2, N), np.float32)
    with pytest.raises(ValueError, match="`rates` must vary.*silent"):
        condense_network(net, INPUTS, 6)
