"""Construction, settings and bad inputs of the network class."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.exchange import to_numpy
from eicon.models import Activation, Adapting, Connectivity, Edges, Leaky, LowRank, Plastic, RateRNN

DENSE, IN, OUT = Connectivity.dense(6, 6), Connectivity.dense(2, 6), Connectivity.dense(6, 1)


def make(**options):
    return RateRNN(DENSE, IN, OUT, **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RateRNN(IN, IN, OUT), r"recurrent connectivity must be square \(n_rec, n_rec\); got \(2, 6\)"),
        (lambda: RateRNN(DENSE, Connectivity.dense(2, 5), OUT), r"input .* \(n_in, n_rec\) with n_rec 6; got \(2, 5\)"),
        (lambda: RateRNN(DENSE, IN, Connectivity.dense(5, 1)), r"readout .* with n_rec 6; got \(5, 1\)"),
        (lambda: make(tau=np.ones(5)), r"tau must be one number or one per unit, shape \(6,\), .*got shape \(5,\)"),
        (lambda: make(tau=0.0), r"tau must be > 0 \(ms\); got 0"),
        (lambda: make(tau=np.array([100.0] * 5 + [-1.0])), r"tau must be > 0 \(ms\); got -1"),
        (lambda: make(tau=float("nan")), r"tau must be > 0 \(ms\); got nan"),
        (lambda: make(dt=101.0), r"dt must be > 0 and at most tau \(ms\), otherwise .*; got dt 101 and tau 100"),
        (lambda: make(dt=30.0, tau=np.array([20.0] + [100.0] * 5)), "got dt 30 and tau 20"),
        (lambda: make(dt=0.0), "got dt 0 and tau 100"),
        (lambda: make(dt=-1.0), "got dt -1 and tau 100"),
        (lambda: make(dt=float("nan")), "got dt nan"),
        (lambda: make(sigma_rec=-0.1), r"sigma_rec must be >= 0 \(.* does not depend on dt\); got -0.1"),
        (lambda: make(sigma_in=float("nan")), "sigma_in must be >= 0 .* got nan"),
        (lambda: make(sigma_in=float("inf")), "sigma_in must be >= 0 .* got inf"),
        (lambda: make(activation="swish"), "unknown activation 'swish'; allowed: relu, tanh, softplus, sigmoid, "),
        (lambda: make(activation={"exponent": 2.0}), r"an activation needs a 'name'; got only \['exponent'\]"),
        (lambda: make(activation={"name": "relu", "gain": 2.0}), "'relu' has no parameter 'gain'; allowed: none"),
        (lambda: Activation("power_law", (("slope", 1.0),)), "no parameter 'slope'; allowed: exponent, gain"),
        (lambda: Activation("power_law", (("gain", 0.0),)), "'power_law': gain must be > 0; got 0.0"),
        (lambda: make(weights={"W": np.ones((6, 6))}), "weights has no entry 'W'; allowed: recurrent, input, readout"),
        (lambda: make(weights={"recurrent": np.ones((6, 5))}), r"must have shape \(6, 6\) .*; got \(6, 5\)"),
        (lambda: make(units={"region": np.array(["V1"])}), r"units\['region'\] .* shape \(6,\); got \(1,\)"),
        (lambda: make(units={"type": np.array(["E"] * 6)}), "the units' type follows from the signs"),
        (lambda: RateRNN.dale(2, 10, 2, e_ratio=0.0), r"e_ratio must be in \(0, 1\).*got 0.0"),
        (lambda: RateRNN.dale(2, 10, 2, e_ratio=1.5), r"e_ratio must be in \(0, 1\).*got 1.5"),
        (lambda: RateRNN.dale(2, 10, 2, e_ratio=0.99), "leaves 10 E and 0 I"),
        (lambda: RateRNN.dale(0, 10, 2), "n_in must be at least 1; got 0"),
        (lambda: RateRNN.dale(2, 0, 2), "n_rec must be at least 1; got 0"),
        (lambda: RateRNN.dale(2, 10, 0), "n_out must be at least 1; got 0"),
        (lambda: RateRNN.dale(2, 10, 2, positive="exp"), "unknown map 'exp'"),
        (lambda: make(spectral_radius=-1.0), "spectral_radius must be > 0; got -1"),
    ],
)  # fmt: skip
def test_construction_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_effective_weights_cannot_be_set():
    with pytest.raises(
        AttributeError, match=r"W_rec is computed from raw .* weights={'recurrent': .* net\.raw_rec\.value"
    ):
        make().W_rec = np.zeros((6, 6))


TYPES = {"cell": np.array(list("AABBBC"))}
GAINS = Leaky("tanh", gain=True)
SPARSE = Edges.of([0, 1], [1, 0], (6, 6), weights=[0.1, 0.2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make(train="tau"), r"train is a list of names; got the single string 'tau'; write \['tau'\]"),
        (
            lambda: make(train=["gain"]),
            r"allowed: recurrent, input, readout, bias, readout_bias, tau, x0. Use Leaky\(gain=True\)",
        ),
        (lambda: make(train=["W_rec"]), "train has no entry 'W_rec' with the cell Leaky; allowed: recurrent, input,"),
        (
            lambda: make(parameters={"beta": 1.0}),
            "parameters has no entry 'beta' with the cell Leaky; allowed: tau, x0, bias, readout_bias.",
        ),
        (
            lambda: make(share={"slope": "type"}),
            r"share has no entry 'slope' .*; allowed: tau, x0, bias. Use Leaky\(slope=True\)",
        ),
        (lambda: make(tau=50.0, parameters={"tau": 60.0}), "tau is given twice, as an argument and in parameters"),
        (
            lambda: make(cell=GAINS, activation="relu"),
            r"give the activation to the cell, Leaky\(activation\), .*got both",
        ),
        (
            lambda: make(cell=Leaky),
            "a cell has the methods parameters, initial, rate, send and step; got .*Did you pass the class",
        ),
        (lambda: make(cell=GAINS, parameters={"gain": 0.0}), "gain must be > 0; got 0"),
        (lambda: make(cell=GAINS, parameters={"gain": np.array([1.0] * 5 + [-2.0])}), "gain must be > 0; got -2"),
        (lambda: make(cell=GAINS, parameters={"gain": "much"}), "gain must be one number or several; got 'much'"),
        (lambda: make(cell=Plastic(GAINS), parameters={"U": 1.5}), r"U must be in \[0, 1\]; got 1.5"),
        (lambda: make(cell=Plastic(GAINS), parameters={"U": np.nan}), r"U must be in \[0, 1\]; got nan"),
        (lambda: make(cell=Plastic(GAINS, hz=-1.0)), "hz, the spikes per second .* must be >= 0; got -1"),
        (
            lambda: make(cell=Plastic(GAINS), parameters={"tau_f": 5.0}),
            "otherwise the Euler step overshoots; got dt 20 and tau_f 5",
        ),
        (lambda: make(cell=Adapting(GAINS), parameters={"tau_a": -5.0}), r"tau_a must be > 0 \(ms\); got -5"),
        (lambda: make(x0=np.inf), "x0 must be finite; got inf"),
        (
            lambda: make(tau=20.0, train=["tau"]),
            "tau cannot be trained from 20, the edge of its range .*start inside",
        ),
        (lambda: make(cell=Plastic(GAINS), parameters={"U": 1.0}, train=["U"]), "U cannot be trained from 1, the edge"),
        (
            lambda: make(parameters={"tau": {"A": 50.0, "B": 60.0}}),
            r"tau has a value for each of A, B; name the label .*share=\{'tau': 'type'\}",
        ),
        (lambda: make(share={"tau": "area"}), "tau cannot be shared by 'area'; units have the labels type, or 'all'"),
        (
            lambda: make(parameters={"tau": {"A": 50.0}}, share={"tau": "cell"}, units=TYPES),
            r"tau needs one value for each cell.*\['A', 'B', 'C'\]",
        ),
        (
            lambda: make(tau=np.ones(2), share={"tau": "cell"}, units=TYPES),
            r"one per group of units that share it, shape \(3,\), in ms; got shape \(2,\)",
        ),
        (
            lambda: make(tau=np.linspace(50, 60, 6), share={"tau": "cell"}, units=TYPES),
            "tau is shared within groups of units, but",
        ),
        (
            lambda: RateRNN(SPARSE, IN, OUT, weights={"recurrent": np.eye(6)}),
            "Edges already has values; omit them",
        ),
        (
            lambda: RateRNN(LowRank.drawn(6, 2, n_post=5), IN, OUT),
            r"recurrent connectivity must be square .*; got \(6, 5\)",
        ),
    ],
)
def test_cells_and_parameters_that_do_not_fit_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_parameters_are_per_unit_per_label_or_one_for_all():
    each = np.linspace(50.0, 100.0, 6)
    assert make(tau=each).tau.tolist() == each.tolist()
    assert make(tau=70.0).tau.tolist() == [70.0] * 6
    shared = make(parameters={"tau": {"C": 90.0, "A": 50.0, "B": 60.0}}, share={"tau": "cell"}, units=TYPES)
    assert shared.tau.tolist() == [50.0] * 2 + [60.0] * 3 + [90.0]
    repeated = make(tau=np.array([50.0] * 2 + [60.0] * 3 + [90.0]), share={"tau": "cell"}, units=TYPES)
    assert repeated.tau.tolist() == shared.tau.tolist()
    own = make(tau=each, share={"tau": "name"}, units={"name": np.array(list("fedcba"))})
    assert own.tau.tolist() == each.tolist(), "where each unit has a label of its own, values are still those of units"
    trained = make(
        parameters={"tau": {"A": 50.0, "B": 60.0, "C": 90.0}}, share={"tau": "cell"}, units=TYPES, train=["tau"]
    )
    assert trained.raw_tau.shape == (3,)
    np.testing.assert_allclose(trained.tau, shared.tau, rtol=1e-6)
    assert make(share={"tau": "all"}, train=["tau"]).raw_tau.shape == (1,)
    assert make(cell=GAINS, share={"gain": "all"}).parameter("gain").tolist() == [1.0] * 6
    with pytest.raises(ValueError, match="the cell has no parameter 'beta'; it has tau, x0, gain"):
        make(cell=GAINS).parameter("beta")


def test_biases_are_given_and_shared_like_parameters():
    kinds = ["a", "b", "a", "b", "c", "c"]
    net = make(
        parameters={"bias": {"a": 0.5, "b": -1.0, "c": 2.0}, "readout_bias": 2.0},
        share={"bias": "kind"},
        units={"kind": kinds},
        train=("recurrent", "bias"),
    )
    assert {name: v.size for name, v in net.trainable_variables().items()} == {"raw_rec": 36, "b_rec": 3}
    np.testing.assert_array_equal(net.parameter("b_rec"), [0.5, -1.0, 0.5, -1.0, 2.0, 2.0])
    np.testing.assert_array_equal(net.parameter("b_out"), [2.0])
    each = make(parameters={"bias": net.parameter("b_rec"), "readout_bias": 2.0})
    inputs = np.random.default_rng(0).random((5, 2, net.n_in))
    np.testing.assert_array_equal(net.predict(inputs).outputs, each.predict(inputs).outputs)
    np.testing.assert_array_equal(to_numpy(net)["b_rec"], net.parameter("b_rec"))


def test_what_is_trained_has_a_name():
    net = make(cell=Plastic(GAINS), train=("recurrent", "tau", "gain", "U", "bias", "x0"))
    assert set(net.trainable_variables()) == {"raw_rec", "tau", "gain", "U", "b_rec", "x0"}
    assert set(net.variables()) == {*net.trainable_variables(), "raw_in", "raw_out"}
    assert set(make(train=()).trainable_variables()) == set()
    assert set(RateRNN(SPARSE, LowRank.drawn(2, 1, n_post=6), OUT).trainable_variables()) == {
        "raw_rec",
        "left_in",
        "right_in",
        "raw_out",
    }


def test_cells_are_changed_by_with_settings():
    net = make(cell=Leaky("tanh", gain=True), train=("recurrent", "gain", "tau"))
    other = net.with_settings(cell=Leaky("softplus", gain=True), sigma_rec=0.2)
    assert other.activation.name == "softplus"
    assert net.with_settings(activation="relu").cell == Leaky("relu", gain=True)
    assert net.with_settings(gain=2.0).parameter("gain") == pytest.approx([2.0] * 6)
    assert net.with_settings(gain=2.0).trainable_variables().keys() == net.trainable_variables().keys()
    for name, value in net.parameters().items():
        np.testing.assert_array_equal(other.parameters()[name], value)
    with pytest.raises(ValueError, match="the cell has different parameters, tau, x0; the network has tau, x0, gain"):
        net.with_settings(cell=Leaky("tanh"))
    with pytest.raises(ValueError, match="to change the activation of a Plastic, pass a different cell"):
        make(cell=Plastic(GAINS)).with_settings(activation="relu")
    with pytest.raises(ValueError, match="gain must be > 0; got -1"):
        net.with_settings(gain=-1.0)
    with pytest.raises(ValueError, match="got dt 100 and tau 90"):
        make(tau=90.0, cell=GAINS).with_settings(dt=100.0)


def test_a_transposed_matrix_is_recognised():
    sign = np.where(np.arange(10) < 8, 1.0, -1.0)
    rows_signed = sign[:, None] * (1 - np.eye(10))
    weights = {"recurrent": rows_signed}
    np.testing.assert_array_equal(RateRNN.dale(2, 10, 2, weights=weights).W_rec, rows_signed)
    with pytest.raises(ValueError, match=r"32 weights contradict the sign of their row, .*is the matrix transposed\?"):
        RateRNN.dale(2, 10, 2, weights={"recurrent": rows_signed.T})


@pytest.fixture(scope="module")
def quiet():
    return RateRNN.dale(3, 10, 2)


@pytest.mark.parametrize("shape", [(5, 3), (5, 2, 4), (5, 2, 3, 1), (3,)])
def test_predict_refuses_other_shapes(shape, quiet):
    with pytest.raises(ValueError, match=r"inputs must have shape \(T, B, n_in\) = \(T, B, 3\); got \("):
        quiet.predict(np.zeros(shape, np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_predict_refuses_nan(value, quiet):
    inputs = np.zeros((5, 2, 3), np.float32)
    inputs[2, 1, 0] = value
    with pytest.raises(ValueError, match="inputs must be finite; got NaN or infinity"):
        quiet.predict(inputs)


@pytest.mark.parametrize("shape", [(2, 4), (3, 3), (4,)])
def test_update_refuses_other_shapes(shape, quiet):
    quiet.reset_state(2)
    with pytest.raises(ValueError, match=r"\(B, n_in\) = \(2, 3\); got .*reset_state\(B\) sets the number of trials"):
        quiet.update(np.zeros(shape, np.float32))


def test_a_noisy_network_asks_for_a_key(inputs):
    net = RateRNN.dale(3, 10, 2, sigma_in=0.1)
    with pytest.raises(ValueError, match=r"noisy \(sigma_rec 0, sigma_in 0.1\): pass key=eicon.key\(0\), or noise=F"):
        net.predict(inputs)
    silent = RateRNN.dale(3, 10, 2).predict(inputs)
    for quiet in (net.predict(inputs, noise=False), net.predict(inputs, noise=False, key=jax.random.key(0))):
        assert quiet.states.keys() == silent.states.keys() == {"x"}
        for values in ("outputs", "rates", "currents"):
            np.testing.assert_array_equal(getattr(quiet, values), getattr(silent, values))


def test_labels_of_units():
    units = {"region": np.array(["V1"] * 6 + ["PFC"] * 4)}
    net = RateRNN.dale(2, 10, 2, units=units)
    assert net.units["type"].tolist() == ["E"] * 8 + ["I"] * 2
    assert net.units["region"].tolist() == ["V1"] * 6 + ["PFC"] * 4
    assert net.is_excitatory.tolist() == [True] * 8 + [False] * 2
    assert make().units["type"].tolist() == [""] * 6
    assert not make().is_excitatory.any()


def test_dale_reads_excitatory_units_alone_and_keeps_what_is_positive_positive():
    net = RateRNN.dale(2, 10, 3)
    assert (np.asarray(net.W_out)[8:] == 0).all()
    assert (np.asarray(net.W_out)[:8] > 0).all()
    assert (np.asarray(net.W_in) > 0).all()
    free = RateRNN.dale(2, 10, 3, free_input=True, free_readout=True)
    assert (np.asarray(free.W_in) < 0).any()
    assert (np.asarray(free.W_out)[:8] < 0).any()
    assert (np.asarray(free.W_out)[8:] == 0).all()


def test_trainable_variables_are_what_was_asked():
    assert set(make().trainable_variables()) == {"raw_rec", "raw_in", "raw_out"}
    every = make(bias=True, readout_bias=True, train_x0=True)
    assert set(every.trainable_variables()) == set(every.variables())
    frozen = DENSE.frozen(np.ones((6, 6)))
    assert set(RateRNN(frozen, IN, OUT).trainable_variables()) == {"raw_in", "raw_out"}


@pytest.mark.parametrize(
    "changes",
    [
        {"dt": 5.0},
        {"sigma_rec": 0.3, "sigma_in": 0.1},
        {"tau": 200.0},
        {"activation": "tanh"},
        {"tau": np.full(10, 90.0)},
    ],
)
def test_with_settings_keeps_parameters_and_original(changes, make_net):
    net = make_net()
    before = {name: np.asarray(v.value).tobytes() for name, v in net.vars().items()}
    settings = {name: getattr(net, name) for name in ("dt", "sigma_rec", "sigma_in", "activation")}
    tau = net.tau.copy()
    other = net.with_settings(**changes)
    for name, value in net.parameters().items():
        assert np.asarray(other.parameters()[name]).tobytes() == np.asarray(value).tobytes(), name
    assert set(other.trainable_variables()) == set(net.trainable_variables())
    assert other.units.keys() == net.units.keys()
    assert other.units["region"].tolist() == net.units["region"].tolist()
    assert before == {name: np.asarray(v.value).tobytes() for name, v in net.vars().items()}
    assert settings == {name: getattr(net, name) for name in settings}
    np.testing.assert_array_equal(net.tau, tau)
    for name, value in changes.items():
        if name == "activation":
            assert other.activation == Activation(value)
        else:
            np.testing.assert_array_equal(getattr(other, name), value)
    other.raw_rec.value = jnp.zeros_like(other.raw_rec.value)
    assert np.asarray(net.raw_rec.value).any()


def test_with_settings_refuses_what_is_not_a_setting(quiet):
    with pytest.raises(
        ValueError,
        match="'n_rec' cannot be changed in a network; allowed: activation, cell, dt, sigma_rec, .*tau, x0",
    ):
        quiet.with_settings(n_rec=3)
    with pytest.raises(ValueError, match="got dt 500 and tau 100"):
        quiet.with_settings(dt=500.0)


@pytest.mark.battery
def test_a_finer_step_changes_what_a_trained_network_does_only_a_little(make_net):
    net = make_net(activation="softplus", spectral_radius=0.8, tau=100.0)
    stimulus = np.random.default_rng(0).normal(size=(1, 3, 3)).astype(np.float32)
    coarse, fine, finest = (
        np.asarray(net.with_settings(dt=dt).predict(np.repeat(stimulus, round(400 / dt), axis=0)).outputs)[-1]
        for dt in (20.0, 5.0, 2.5)
    )
    assert np.abs(fine - finest).max() < 0.4 * np.abs(coarse - finest).max() < 0.4 * np.abs(finest).max()
