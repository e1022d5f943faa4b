"""Networks with plastic synapses, and with trained time constants and gains, in everything that eicon does."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eicon
from eicon import analysis, exchange, studies
from eicon.exchange import simulate
from eicon.models import Cut, Drive, Leaky, Plastic, RateRNN, Silence, verify
from eicon.runs import DynamicsRequest, Recipe
from eicon.runs._dynamics import _spectra
from eicon.runs._run import Run
from eicon.tasks import FlipFlop, PerceptualDecision, Trial
from eicon.training import Fixed, HessianFree, RatePenalty, Sampled, Trainer, VanishingGradient, WeightPenalty

pytestmark = pytest.mark.slow

N, DT = 8, 20.0
KEY = jax.random.key(0)
TASK = PerceptualDecision(coherence=(12.8, 51.2), fixation=60.0, stimulus=200.0, decision=100.0)
WEIGHTS = ("recurrent", "input", "readout")


@dataclasses.dataclass(frozen=True)
class SameTrials(PerceptualDecision):
    """Whose trials are the same at every step."""

    def sample(self, key: jax.Array, batch_size: int) -> Trial:
        return super().sample(jax.random.key(7), batch_size)


SAME = SameTrials(coherence=(51.2,), fixation=60.0, stimulus=200.0, decision=100.0)


def plastic(**options) -> RateRNN:
    """Synapses that facilitate, or depress, a different one for each unit."""
    own = {"U": np.linspace(0.1, 0.7, N), "tau_f": np.linspace(1500.0, 200.0, N), "tau_d": np.linspace(200.0, 900.0, N)}
    settings = {"parameters": own, "tau": 60.0, "x0": 0.1, "sigma_rec": 0.05, "bias": True, "seed": 1}
    learned = {"train": (*WEIGHTS, "bias", "U", "tau_d")}
    return RateRNN.dale(2, N, 2, cell=Plastic(Leaky("tanh"), hz=50.0), **(settings | learned | options))


def tuned(**options) -> RateRNN:
    """Time constants by type and gains for each unit, trained."""
    settings = {"share": {"tau": "type"}, "tau": {"E": 100.0, "I": 60.0}, "sigma_rec": 0.05, "seed": 2}
    learned = {"train": (*WEIGHTS, "tau", "gain", "x0")}
    return RateRNN.dale(2, N, 2, cell=Leaky("softplus", gain=True), **(settings | learned | options))


NETS = {"plastic": plastic, "trained tau and gain": tuned}
LEARN = {"plastic": ("raw_U", "raw_tau_d", "b_rec"), "trained tau and gain": ("tau", "gain", "x0")}
of_both = pytest.mark.parametrize("name", NETS)


def by_gradient(net):
    penalties = [RatePenalty(0.01), WeightPenalty(0.01)]
    trainer = Trainer(net, SAME, learning_rate=0.01, batch_size=8, validation_repeats=2, penalties=penalties)
    return trainer.fit(30, validate_every=15, progress=False).loss


def by_epochs(net):
    trials = SAME.sample(KEY, 16)
    trainer = Trainer(net, SAME, trials=Fixed(trials, trials, batch_size=8), learning_rate=0.01)
    return trainer.trials.by_epoch(trainer.fit(30, progress=False))["train_loss"]


def by_curvature(net):
    learner = HessianFree(max_cg_iterations=10, n_probes=2, damping=0.1)
    trainer = Trainer(net, SAME, learner=learner, trials=Sampled(8, same=True), validation_repeats=2)
    return trainer.fit(4, progress=False).loss


@pytest.mark.parametrize("train", [by_gradient, by_epochs, by_curvature])
@of_both
def test_loss_falls_and_all_that_is_trained_moves_and_stays_legal(name, train):
    net = NETS[name]()
    before = {key: np.array(value) for key, value in net.parameters().items()}
    loss = train(net)
    assert loss[-1] < 0.8 * loss[0]
    verify(net).raise_if_violated()
    after = net.parameters()
    moved = {key for key in before if (np.asarray(after[key]) != before[key]).any()}
    assert moved == set(net.trainable_variables())
    assert len(moved) == len(net.parts().trained) >= 5
    if name == "plastic":
        assert ((net.parameter("U") > 0) & (net.parameter("U") < 1)).all()
        assert (net.parameter("tau_d") >= DT).all()
    else:
        assert len(set(net.tau.tolist())) == 2, "one for each type"
        assert (net.tau >= DT).all()
        assert (net.parameter("gain") > 0).all()


@of_both
def test_a_resumed_training_is_the_uninterrupted_one(name, tmp_path):
    def made(seed):
        return Trainer(NETS[name](seed=seed), TASK, batch_size=4, validation_repeats=1)

    whole, other = made(1), made(9)
    whole.fit(3, validate_every=3, progress=False)
    whole.save_checkpoint(tmp_path / "c.npz")
    other.resume(tmp_path / "c.npz")
    for trainer in (whole, other):
        trainer.fit(3, validate_every=3, progress=False)
    for key, value in whole.net.parameters().items():
        assert np.asarray(value).tobytes() == np.asarray(other.net.parameters()[key]).tobytes(), key
    assert whole.history.loss.tobytes() == other.history.loss.tobytes()


def test_the_vanishing_gradient_of_plastic_synapses_is_refused():
    with pytest.raises(
        ValueError, match="a penalty needs gradients of currents that leak, of the cell Leaky; got Plastic"
    ):
        Trainer(plastic(), TASK, penalties=[VanishingGradient()])


@of_both
def test_saved_and_loaded_it_does_the_same_bits(name, tmp_path):
    net = NETS[name]()
    net.save(tmp_path / "net.npz")
    back = eicon.load(tmp_path / "net.npz")
    inputs = TASK.sample(KEY, 4).inputs
    for one, other in zip(*(jax.tree.leaves(n.predict(inputs, key=KEY)) for n in (net, back)), strict=True):
        np.testing.assert_array_equal(one, other)
    assert back.constants == net.constants
    assert set(back.trainable_variables()) == set(net.trainable_variables())


# ------------------------------------------------------------------------------------------------------ condensation

INPUTS = np.random.default_rng(3).normal(size=(40, 12, 2)).astype(np.float32)


def doubled(net: RateRNN) -> RateRNN:
    """Each unit twice, with half of its outgoing weights."""
    twice = np.tile(np.arange(N), 2)
    weights = {
        "recurrent": np.asarray(net.W_rec)[np.ix_(twice, twice)] / 2,
        "input": np.asarray(net.W_in)[:, twice],
        "readout": np.asarray(net.W_out)[twice] / 2,
    }
    sign = net.recurrent.sign[twice]
    made = RateRNN(
        eicon.Connectivity(sign, np.ones((2 * N, 2 * N), bool), np.zeros((2 * N, 2 * N))),
        eicon.Connectivity.dense(2, 2 * N),
        eicon.Connectivity.dense(2 * N, 2),
        weights=weights,
        cell=net.cell,
        parameters={name: net.parameter(name)[twice] for name in net.cell.parameters(N)},
    )
    np.testing.assert_allclose(made.predict(INPUTS).outputs, net.predict(INPUTS, noise=False).outputs, atol=1e-5)
    return made


@of_both
def test_all_units_kept_reproduce_the_outputs(name):
    net = NETS[name]()
    small = studies.condense_network(net, INPUTS, N)
    assert small.net.n_rec == N
    assert small.condensation.measured_error < 1e-5
    assert small.net.cell == net.cell
    for parameter in net.cell.parameters(N):
        np.testing.assert_allclose(small.net.parameter(parameter), net.parameter(parameter), rtol=1e-6)


@pytest.mark.parametrize("method", ["subset", "merge", "cluster"])
@pytest.mark.parametrize("dale", [True, False])
@of_both
def test_copies_condense_to_one_of_each(name, dale, method):
    net = NETS[name](**({"bias": False, "train": WEIGHTS} if name == "plastic" else {}), sigma_rec=0.0)
    twice = doubled(net)
    small = studies.condense_network(twice, INPUTS, N, dale=dale, method=method)
    assert sorted(small.condensation.kept % N) == list(range(N))
    assert small.condensation.measured_error < 1e-3
    verify(small.net).raise_if_violated()
    states = small.net.predict(INPUTS, noise=False).states
    assert states.keys() == net.predict(INPUTS, noise=False).states.keys()


def test_currents_are_those_of_what_synapses_let_through():
    """The weights of kept units are least squares of ``u w r``, which goes through them, and not of the rates."""
    net = plastic(sigma_rec=0.2)
    small = studies.condense_network(net, INPUTS, N - 2, ridge=0.0, dale=False)
    kept = small.condensation.kept
    activity = net.with_settings(sigma_rec=0.1).predict(INPUTS, key=jax.random.key(0))
    start = net.network.initial((INPUTS.shape[1],))
    u, w, x = (np.concatenate([start[name][None], activity.states[name]]).astype(float) for name in "uwx")
    rates = np.tanh(x)
    sent = u * w * rates
    assert (u * w).std() > 0.05
    currents = sent @ np.asarray(net.W_rec, np.float64)[:, kept]
    missed = currents - sent[..., kept] @ small.condensation.recurrent - small.condensation.bias
    missed, sent, rates = (values.reshape(-1, values.shape[-1]) for values in (missed, sent, rates))

    def correlation(values):
        return np.abs(np.corrcoef(missed.T, values[:, kept].T)[: len(kept), len(kept) :]).max()

    assert missed.std() > 0.01 * currents.std()
    assert np.abs(missed.mean(axis=0)).max() < 1e-4 * currents.std()
    assert correlation(sent) < 1e-3
    assert correlation(rates) > 0.05


# ---------------------------------------------------------------------------------------------------------- dynamics

MEMORY = FlipFlop(n_bits=2, n_windows=4)


@pytest.fixture(scope="module", params=list(NETS))
def quiet(request) -> RateRNN:
    """With one fixed point at rest, or few."""
    return NETS[request.param](spectral_radius=0.7)


def test_fixed_points_are_those_of_the_whole_state(quiet):
    dynamics = studies.dynamics_of(quiet, MEMORY, key=KEY, candidates=20)
    width = N * len(quiet.state)
    assert width == (3 * N if isinstance(quiet.cell, Plastic) else N)
    points = dynamics.points
    found = points.positions[points.q < 1e-10]
    assert len(found) >= 1
    assert found.shape[1] == width
    assert points.right.shape[1] == width
    state = dict(zip(sorted(quiet.state), np.split(found, len(quiet.state), axis=1), strict=True))
    with jax.enable_x64(True):
        network = quiet.network.astype(np.float64)
        inputs = np.broadcast_to(dynamics.held.inputs, (len(found), 2))
        after = network.step({name: jnp.asarray(value) for name, value in state.items()}, jnp.asarray(inputs))
        for name, value in state.items():
            np.testing.assert_allclose(after[name], value, atol=1e-6, err_msg=name)
        rate = np.asarray(network.rate(after))
    if isinstance(quiet.cell, Plastic):  # the equations of the synapses at rest, by hand
        spikes, u_rest = 0.05 * rate, quiet.parameter("U")
        facilitation = (
            u_rest * (1 / quiet.parameter("tau_f") + spikes) / (1 / quiet.parameter("tau_f") + u_rest * spikes)
        )
        wanted = np.clip(facilitation, 0, 1)
        np.testing.assert_allclose(state["u"], wanted, atol=1e-5)
        np.testing.assert_allclose(state["w"], 1 / (1 + quiet.parameter("tau_d") * wanted * spikes), atol=1e-5)


def test_exponents_at_a_fixed_point_are_those_of_its_jacobian(quiet):
    found = studies.exponents_of(quiet, MEMORY, key=KEY, n_exponents=3, n_steps=600)
    step = quiet.held(found.held.inputs)
    with jax.enable_x64(True):
        start = jnp.concatenate([jnp.asarray(v[0], float) for _, v in sorted(quiet.state.items())])
        state = jax.jit(lambda x: jax.lax.fori_loop(0, 4000, lambda _, x: step(x), x))(start)
        assert np.abs(np.asarray(step(state) - state)).max() < 1e-9, "it comes to rest"
        eigenvalues = np.linalg.eigvals(np.asarray(jax.jacobian(step)(state)))
    wanted = np.sort(np.log(np.abs(eigenvalues)))[::-1][:3] / DT
    np.testing.assert_allclose(found.autonomous.exponents, wanted, rtol=0.02)
    assert (wanted < 0).all()
    assert found.driven.shape == (3,)
    assert np.isfinite(found.driven).all()


def test_spectra_along_trials_have_all_gains(tmp_path, monkeypatch):
    """They are those of the network's own step, linearised at the mean currents."""
    rng = np.random.default_rng(0)
    gains = {name: rng.uniform(0.5, 2.0, N) for name in ("gain", "input_gain", "slope")}
    cell = Leaky("tanh", gain=True, input_gain=True, slope=True)
    net = RateRNN.dale(2, N, 2, cell=cell, parameters=gains, tau=rng.uniform(40.0, 90.0, N), sigma_rec=0.1, seed=1)
    given = {}
    found = analysis.spectra.trajectory_spectra
    monkeypatch.setattr(
        analysis.spectra, "trajectory_spectra", lambda *a, **o: given.setdefault("along", found(*a, **o))
    )
    numbers = _spectra(Run(tmp_path, Recipe()), net, TASK, DynamicsRequest(), KEY, {})
    assert numbers["trials"] >= 100
    key_trial, key_noise = jax.random.split(KEY)
    trial = TASK.trials(25, key=key_trial)
    mean = np.asarray(net.predict(trial.inputs, key=key_noise).currents, np.float64).mean(axis=1)
    with jax.enable_x64(True):
        step = jax.jit(jax.jacobian(net.held()))
        for t in (0, 5, 12):
            flow = (np.asarray(step(jnp.asarray(mean[t]))) - np.eye(N)) / DT
            largest = np.linalg.eigvals(flow).real.max()
            assert given["along"].abscissa[t] == pytest.approx(largest, rel=1e-4)


def test_spectra_along_trials_of_plastic_synapses_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"need leaky cells \(eicon.models.Leaky\); this network has Plas"):
        _spectra(Run(tmp_path, Recipe()), plastic(), TASK, DynamicsRequest(), KEY, {})


# -------------------------------------------------------------------------------------- steps, perturbations, exports


@of_both
def test_finer_steps_agree(name):
    net = NETS[name](sigma_rec=0.02)
    rows = studies.dt_report(net, TASK, (20.0, 5.0), repeats=10)
    assert rows[1].agrees
    fine = net.with_settings(dt=5.0)
    for parameter in net.cell.parameters(N):
        np.testing.assert_allclose(fine.parameter(parameter), net.parameter(parameter), rtol=1e-5, err_msg=parameter)
    assert set(fine.trainable_variables()) == set(net.trainable_variables())


@of_both
def test_units_that_are_silent_are_those_whose_connections_are_cut(name):
    net = NETS[name]()
    trial = TASK.sample(KEY, 4)
    units = [0, 3]
    silent = net.perturb(trial, Silence(units), key=KEY)
    cut = net.perturb(trial, Cut(units, np.arange(N)), key=KEY)
    others = np.setdiff1d(np.arange(N), units)
    np.testing.assert_allclose(silent.rates[..., others], cut.rates[..., others], atol=1e-6)
    assert not np.asarray(silent.rates)[..., units].any()
    assert np.abs(silent.rates[..., others] - net.predict(trial.inputs, key=KEY).rates[..., others]).max() > 1e-3
    driven = net.perturb(trial, Drive([1], 0.5, epoch="stimulus"), key=KEY)
    plain = net.perturb(trial, key=KEY)
    before = trial.epochs["stimulus"][0, 0]
    np.testing.assert_array_equal(driven.rates[:before], plain.rates[:before])
    assert (driven.rates[before + 1, :, 1] > plain.rates[before + 1, :, 1]).all()


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("export", [exchange.to_numpy, exchange.torch_rnn])
def test_what_other_programs_cannot_run_is_refused(name, export):
    net = NETS[name]()
    with pytest.raises(ValueError, match="a network of .* cannot be exported: simulators of other") as caught:
        export(net)
    assert "\n" not in str(caught.value)
    assert net.cell.__class__.__name__ in str(caught.value)


def test_trained_time_constants_are_exported_as_they_are():
    net = RateRNN.dale(2, N, 2, activation="tanh", tau=np.linspace(40.0, 90.0, N), train=(*WEIGHTS, "tau"), seed=1)
    net.variables()["tau"].value = net.variables()["tau"].value + 0.3
    plain = exchange.to_numpy(net)
    np.testing.assert_allclose(plain["tau"], net.tau)
    assert (plain["tau"] > np.linspace(40.0, 90.0, N) + 5).all()
    for found, wanted in zip(
        simulate.simulate(plain, INPUTS),
        [getattr(net.predict(INPUTS), k) for k in ("outputs", "rates", "currents")],
        strict=True,
    ):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_comparison_of_a_plastic_network_with_itself_and_with_another():
    net = plastic()
    same = studies.compare_networks(net, net, TASK, repeats=3)
    other = studies.compare_networks(net, plastic(seed=5), TASK, repeats=3)
    assert same.similarity["cka"] == pytest.approx(1.0, abs=1e-6)
    assert other.similarity["cka"] < 0.999
