"""Counts, seeds and keys as users give them: whole floats and numbers of NumPy are taken, the rest gets one line."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eicon
from eicon import analysis, connectomes, studies
from eicon._key import as_generator, as_key
from eicon._numbers import whole
from eicon.analysis import behaviour, coding, similarity
from eicon.connectomes import nulls
from eicon.models import Connectivity, Edges, LowRank, Population, RateRNN, circuits
from eicon.models.initial import recurrent_weights
from eicon.tasks import FlipFlop

RNG = np.random.default_rng(0)
RATES = RNG.random((20, 12, 4))
LABELS = np.repeat([0, 1], 6)
WEIGHTS = RNG.normal(size=(4, 4))
D_PRIME = np.array([1.0, 2.0, -1.0, -2.0])
STRENGTH, CHOICE = np.tile([-2.0, -1.0, 0.0, 1.0, 2.0], 12), np.tile([1, 1, 0, 0, 0, 1, 0, 1, 0, 0], 6)
SQUARE = np.ones((4, 4)) - np.eye(4)
POINTS = np.arange(4.0)[:, None]
START, STOP = np.zeros(12, int), np.repeat([10, 20], 6)


def halved(x):
    return 0.5 * x


def network(**options):
    return RateRNN.dale(2, 6, 1, sigma_rec=0.1, **options)


NET = network(seed=1)
INPUTS = np.zeros((3, 2, 2), np.float32)
RING = circuits.RateRing(4, sigma=0.1)

COUNTS = {
    "decode folds": lambda n: analysis.decode(RATES, LABELS, rng=0, folds=n),
    "decode bin_steps": lambda n: analysis.decode(RATES[:4], LABELS, rng=0, folds=2, bin_steps=n),
    "decode n_permutations": lambda n: analysis.decode(RATES[:1], LABELS, rng=0, folds=2, n_permutations=n),
    "pca n_components": lambda n: analysis.pca(RATES, n_components=n),
    "choice_clustering n_permutations": lambda n: analysis.choice_clustering(
        WEIGHTS, D_PRIME, np.ones(4, bool), n_permutations=n, rng=0
    ),
    "signed_clustering n_permutations": lambda n: coding.signed_clustering(WEIGHTS, D_PRIME, rng=0, n_permutations=n),
    "compare n_components": lambda n: analysis.compare(RATES, RATES, RATES, RATES, WEIGHTS, WEIGHTS, n_components=n),
    "condense size": lambda n: analysis.condense(RATES, WEIGHTS, WEIGHTS, n),
    "condense n_components": lambda n: analysis.condense(RATES, WEIGHTS, WEIGHTS, 2, method="merge", n_components=n),
    "dimensionality n_splits": lambda n: coding.dimensionality(RATES, conditions=LABELS, n_splits=n),
    "dimensionality max_points": lambda n: coding.dimensionality(RATES, max_points=10 * n if n == 3 else n),
    "regression_axes n_pcs": lambda n: coding.regression_axes(RATES, {"x": LABELS}, n_pcs=n),
    "temporal_scaling n_phases": lambda n: analysis.temporal_scaling(RATES, START, STOP, LABELS, n_phases=n),
    "bootstrap n_resamples": lambda n: behaviour.bootstrap(
        analysis.psychometric, STRENGTH, CHOICE, parameters=("bias",), rng=0, n_resamples=n
    ),
    "subspace_angles n_components": lambda n: similarity.subspace_angles(RATES, RATES, n),
    "aligned_nrmse n_components": lambda n: similarity.aligned_nrmse(RATES, RATES, n),
    "phase_plane n": lambda n: analysis.phase_plane(halved, [0.0, 0.0], np.eye(2), (-1, 1, -1, 1), n=n),
    "fixed_points max_steps": lambda n: analysis.fixed_points(halved, POINTS, dt=1, tau=1, max_steps=n),
    "fixed_points n_modes": lambda n: analysis.fixed_points(halved, POINTS, dt=1, tau=1, n_modes=n),
    "fixed_points batch": lambda n: analysis.fixed_points(halved, POINTS, dt=1, tau=1, batch=n),
    "lyapunov n_steps": lambda n: analysis.lyapunov(halved, [1.0], dt=1, n_steps=n),
    "lyapunov n_exponents": lambda n: analysis.lyapunov(halved, [1.0] * 3, dt=1, n_steps=9, n_exponents=n),
    "lyapunov transient": lambda n: analysis.lyapunov(halved, [1.0], dt=1, n_steps=9, transient=n),
    "lyapunov qr_every": lambda n: analysis.lyapunov(halved, [1.0], dt=1, n_steps=9, qr_every=n),
    "dense n_pre": lambda n: Connectivity.dense(n, 2).mask,
    "dense n_post": lambda n: Connectivity.dense(2, n).mask,
    "dale n": lambda n: Connectivity.dale(n, 0.6).mask,
    "dale n_post": lambda n: Connectivity.dale(4, n_post=n).mask,
    "excitatory_only n_post": lambda n: Connectivity.excitatory_only([1, -1], n).mask,
    "RateRNN.dale n_in": lambda n: RateRNN.dale(n, 6, 1).W_in,
    "RateRNN.dale n_rec": lambda n: RateRNN.dale(1, n, 1, e_ratio=0.6).W_in,
    "RateRNN.dale n_out": lambda n: RateRNN.dale(1, 6, n).W_out,
    "from_populations n_in": lambda n: RateRNN.from_populations([Population("A", 3)], n, 1).W_in,
    "from_populations n_out": lambda n: RateRNN.from_populations([Population("A", 3)], 1, n).W_out,
    "from_connectome n_in": lambda n: RateRNN.from_connectome(SQUARE, n, 1).W_in,
    "from_connectome n_out": lambda n: RateRNN.from_connectome(SQUARE, 1, n).W_out,
    "LowRank.drawn n": lambda n: LowRank.drawn(n, 1).matrix(),
    "LowRank.drawn rank": lambda n: LowRank.drawn(5, n).matrix(),
    "LowRank.of_matrix rank": lambda n: LowRank.of_matrix(WEIGHTS, n).matrix(),
    "RateRing n": lambda n: circuits.RateRing(n).weights,
    "BumpRing n": lambda n: circuits.BumpRing(n).weights,
    "spiking_inputs steps": lambda n: circuits.spiking_inputs(n),
    "poisson_events steps": lambda n: circuits.poisson_events(100.0, n, 0.1, seed=0),
    "poisson_events batch_size": lambda n: circuits.poisson_events(100.0, 5, 0.1, seed=0, batch_size=n),
    "rewire rounds": lambda n: nulls.rewire(SQUARE, seed=0, rounds=n),
}
"""Every door that takes a count, by the count's name; 3 is a count that all of them take."""

SEEDS = {
    "key": lambda seed: jax.random.key_data(eicon.key(seed)),
    "decode": lambda seed: analysis.decode(RATES[:2], LABELS, rng=seed, folds=2),
    "bootstrap": lambda seed: behaviour.bootstrap(
        analysis.psychometric, STRENGTH, CHOICE, parameters=("bias",), rng=seed, n_resamples=4
    ),
    "dimensionality": lambda seed: coding.dimensionality(RATES, conditions=LABELS, rng=seed),
    "signed_clustering": lambda seed: coding.signed_clustering(WEIGHTS, D_PRIME, rng=seed, n_permutations=9),
    "lyapunov": lambda seed: analysis.lyapunov(halved, [1.0] * 3, dt=1, n_steps=9, rng=seed),
    "condense": lambda seed: analysis.condense(RATES, WEIGHTS, WEIGHTS, 2, method="random", seed=seed),
    "RateRNN": lambda seed: network(seed=seed).W_rec,
    "from_populations": lambda seed: RateRNN.from_populations([Population("A", 4)], 1, 1, seed=seed).W_rec,
    "Edges.of": lambda seed: Edges.of([0, 1], [1, 0], (2, 2), seed=seed).matrix(),
    "LowRank.drawn": lambda seed: LowRank.drawn(4, 1, seed=seed).matrix(),
    "poisson_events": lambda seed: circuits.poisson_events(1e4, 50, 0.1, seed=seed),
    "assign_signs": lambda seed: connectomes.assign_signs(np.zeros(9, int), seed=seed),
    "expand": lambda seed: connectomes.expand(SQUARE, neurons=2, partition="random", seed=seed).weights,
    "permute": lambda seed: nulls.permute(RNG_FREE, seed=seed),
}
RNG_FREE = np.arange(16.0).reshape(4, 4)

KEYS = {
    "predict": lambda key: NET.predict(INPUTS, key=key).outputs,
    "Network.run": lambda key: NET.network.run(INPUTS, key).outputs,
    "Network.drive": lambda key: NET.network.drive(jnp.asarray(INPUTS), key),
    "reset_state": lambda key: (NET.reset_state(2, key=key), np.asarray(NET.noise_key.value))[1],
    "recurrent_weights": lambda key: recurrent_weights(Connectivity.dense(4, 4), 1.0, key=key),
    "simulate": lambda key: circuits.simulate(RING, [0.1] * 4, duration=0.05, batch_size=2.0, key=key).outputs,
}


def same(first, second):
    jax.tree.map(np.testing.assert_array_equal, first, second)


@pytest.mark.parametrize("door", COUNTS)
def test_a_count_may_be_a_whole_float(door):
    same(COUNTS[door](3.0), COUNTS[door](3))


@pytest.mark.parametrize("wrong", [2.5, True])
@pytest.mark.parametrize("door", COUNTS)
def test_what_is_no_count_gets_one_line(door, wrong):
    name = door.rpartition(" ")[2].removeprefix("n_").removesuffix("n")
    with pytest.raises(TypeError, match=rf"{name}.* must be a whole number; got {wrong!r}\.$"):
        COUNTS[door](wrong)


@pytest.mark.parametrize("door", SEEDS)
def test_a_seed_may_be_a_whole_float(door):
    same(SEEDS[door](3.0), SEEDS[door](3))


@pytest.mark.parametrize("door", KEYS)
def test_a_key_may_be_a_seed(door):
    same(KEYS[door](3), KEYS[door](jax.random.key(3)))


@pytest.mark.parametrize("value", [8, 8.0, np.int64(8), np.float32(8), np.uint8(8)])
def test_whole_numbers(value):
    assert whole(value, "n") == 8
    assert type(whole(value, "n")) is int


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2.5, "2.5"),
        (np.float32(0.5), "0.5"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ("3", "'3'"),
        (True, "True"),
        (np.True_, "np.True_"),
        (None, "None"),
        (np.arange(3), "an array of shape (3,)"),
        ([3], "[3]"),
        (3 + 0j, "(3+0j)"),
    ],
)
def test_what_is_no_whole_number(value, shown):
    with pytest.raises(TypeError, match=re.escape("`folds` must be a whole number; got ") + ".*" + re.escape(shown)):
        whole(value, "`folds`")


@pytest.mark.parametrize("value", [3, 3.0, np.int64(3), np.random.default_rng(3), np.random.PCG64(3)])
def test_generators(value):
    assert as_generator(value).random() == np.random.default_rng(3).random()


@pytest.mark.parametrize("value", ["3", True, jax.random.key(0), 2.5])
def test_what_is_no_seed_of_a_generator(value):
    with pytest.raises(TypeError, match="`rng` must be a (seed|whole number)"):
        as_generator(value, "`rng`")


def test_a_negative_seed_of_a_generator():
    with pytest.raises(ValueError, match="`rng` must be a seed >= 0; got -1"):
        as_generator(-1.0, "`rng`")


def test_keys_of_jax_pass():
    for made in (jax.random.key(3), jax.random.PRNGKey(3), np.asarray(jax.random.PRNGKey(3))):
        assert jax.random.uniform(as_key(made)) == jax.random.uniform(jax.random.key(3))
    assert jax.jit(lambda key: jax.random.uniform(as_key(key)))(jax.random.key(3)).shape == ()


@pytest.mark.parametrize("value", ["3", None, True, np.arange(3), jax.random.split(jax.random.key(0))])
def test_what_is_no_key(value):
    with pytest.raises(TypeError, match=r"key must be a seed \(a whole number\) or one JAX key, such as eicon.key"):
        as_key(value)


RATES_OVER_TRIALS = RNG.normal(size=(30, 20, 2))


@pytest.mark.parametrize("window", [slice(5, 20), (5, 20), (5.0, 20.0), slice(-25, -10)])
def test_timescales_take_a_slice_of_steps(window):
    found = coding.timescales(RATES_OVER_TRIALS, 10.0, window=window)
    np.testing.assert_array_equal(
        found.autocorrelation, coding.timescales(RATES_OVER_TRIALS[5:20], 10.0).autocorrelation
    )


@pytest.mark.unchecked
@pytest.mark.parametrize(
    ("window", "words"),
    [
        (slice(0, 20, 2), "`window` must be (start, stop) or a slice of consecutive steps; got slice(0, 20, 2)."),
        ((5, 20, 2), "`window` must be (start, stop) or a slice of consecutive steps; got (5, 20, 2)."),
        (20, "`window` must be (start, stop) or a slice of consecutive steps; got 20."),
        ((2.5, 20), "`window` must be a whole number; got 2.5."),
        ((5, 300), "0 <= start < stop <= T = 30 and more than 4 steps; got (5, 300). It counts steps, not ms"),
    ],
)
def test_windows_that_are_refused(window, words):
    with pytest.raises((TypeError, ValueError), match=re.escape(words)):
        coding.timescales(RATES_OVER_TRIALS, 10.0, window=window)


@pytest.mark.unchecked
def test_a_slice_is_no_window_in_ms():
    with pytest.raises(
        ValueError, match=r"`window` must be \(from, to\) in ms, relative to the event; got slice\(0, 5"
    ):
        coding.align(RATES, 3, 20.0, window=slice(0, 5))


@pytest.mark.unchecked
@pytest.mark.parametrize("n", [3.0, np.int64(3), np.float32(3)])
def test_numbers_of_units_may_be_whole_floats(n):
    assert Population("A", n) == Population("A", 3)
    assert RateRNN.from_populations([Population("A", n)], n, n).W_out.shape == (3, 3)


@pytest.mark.unchecked
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Population("A", 2.5), "n of population 'A' must be a whole number; got 2.5."),
        (lambda: Population("A", "3"), "n of population 'A' must be a whole number; got '3'."),
        (lambda: RateRNN.dale("2", 6, 1), "n_in must be a whole number; got '2'."),
        (
            lambda: RateRNN.from_populations([Population("A", 3)], "two", 1),
            "the number of inputs must be a whole number",
        ),
        (lambda: analysis.decode(RATES, LABELS, rng=0, folds="3"), "`folds` must be a whole number; got '3'."),
        (lambda: analysis.decode(RATES, LABELS, rng="3"), "`rng` must be a seed (a whole number) or a generator"),
        (lambda: NET.predict(INPUTS, key="3"), "key must be a seed (a whole number) or one JAX key"),
    ],
)
def test_text_in_place_of_a_number(make, words):
    with pytest.raises(TypeError, match=re.escape(words)):
        make()


@pytest.mark.unchecked
@pytest.mark.parametrize(
    "study",
    [
        lambda net, task: studies.perturbation_effects(net, task, {}, key=0),
        lambda net, task: studies.dt_report(net, task),
        lambda net, task: studies.compare_networks(net, net, task),
        lambda net, task: studies.dynamics_of(net, task, key=0),
        lambda net, task: studies.exponents_of(net, task, key=0),
    ],
)
def test_studies_of_a_class_or_with_swapped_arguments(study):
    with pytest.raises(TypeError, match=r"FlipFlop is a class, but a task is an instance; call it: FlipFlop"):
        study(NET, FlipFlop)
    with pytest.raises(TypeError, match=r"it is a network, which comes before the task: swap the two argume"):
        study(FlipFlop(), NET)


def test_a_study_takes_seeds_and_whole_floats():
    task = FlipFlop(n_bits=2, n_windows=2)
    net, key = RateRNN.dale(2, 6, 2), jax.random.key(3)
    same(
        studies.perturbation_effects(net, task, {}, repeats=2.0, key=3),
        studies.perturbation_effects(net, task, {}, repeats=2, key=key),
    )


def test_a_loss_of_a_study_returns_one_number():
    task = FlipFlop(n_bits=2, n_windows=2)
    net = RateRNN.dale(2, 6, 2)

    def by_trial(outputs, trial):
        return outputs.mean(axis=(0, 2))

    with pytest.raises(ValueError, match=r"by_trial` returned an array of shape \(2,\); it must return one number"):
        studies.compare_networks(net, net, task, repeats=2, loss=by_trial)
