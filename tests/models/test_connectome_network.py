"""Networks on a wiring diagram: orientation, spectral radius, freezing, and threads."""

import importlib.metadata
import threading
from collections.abc import Callable

import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.connectomes import Connectome, expand
from eicon.models import Connectivity, Edges, RateRNN, verify
from eicon.tasks import PerceptualDecision, SequenceMemory
from eicon.training import Fixed, Trainer, split_trials

N = 20
RNG = np.random.default_rng(0)
ANATOMY = RNG.lognormal(size=(N, N)) * (RNG.random((N, N)) < 0.4) * ~np.eye(N, dtype=bool)
THERE = ANATOMY > 0
DALE = np.where(np.arange(N) < 16, 1, -1)


def largest_eigenvalue(matrix) -> float:
    return float(np.abs(np.linalg.eigvals(np.asarray(matrix, np.float64))).max())


@pytest.mark.parametrize("init", ["balanced", "default", "he", "xavier"])
def test_connections_are_those_of_the_anatomy_row_to_column(init):
    net = RateRNN.from_connectome(ANATOMY, 3, 2, init=init)
    np.testing.assert_array_equal(np.asarray(net.W_rec) != 0, THERE)
    assert np.asarray(net.W_in).shape == (3, N)
    assert np.asarray(net.W_out).shape == (N, 2)
    assert (np.asarray(net.W_in) != 0).all()
    assert (np.asarray(net.W_out) != 0).all()


REMAPPED = [(0, "magnitude"), (0, "off"), (0, "signed"), (DALE, "magnitude"), (DALE, "off")]


@pytest.mark.parametrize("freeze", [False, True])
@pytest.mark.parametrize(("sign", "remap"), REMAPPED)
@pytest.mark.parametrize("radius", [0.4, 1.3])
def test_spectral_radius_is_that_of_the_effective_matrix_after_remapping(radius, sign, remap, freeze):
    for init in ("balanced", "default"):
        options = {"sign": sign, "init": init, "remap": remap, "freeze": freeze}
        net = RateRNN.from_connectome(ANATOMY, 2, 1, spectral_radius=radius, **options)
        assert largest_eigenvalue(net.W_rec) == pytest.approx(radius, rel=1e-5)
        assert verify(net).ok


def test_without_a_radius_balanced_has_that_of_the_remapped_draw():
    """Remapping moves it; only unremapped is it the 1 that was drawn."""
    off = RateRNN.from_connectome(ANATOMY, 2, 1, remap="off")
    assert largest_eigenvalue(off.W_rec) == pytest.approx(1, rel=1e-5)
    assert largest_eigenvalue(RateRNN.from_connectome(ANATOMY, 2, 1).W_rec) != pytest.approx(1, rel=1e-2)


def test_scaling_keeps_the_drawn_pattern():
    drawn, scaled = (RateRNN.from_connectome(ANATOMY, 2, 1, init="he", spectral_radius=r) for r in (None, 0.5))
    ratio = np.asarray(scaled.W_rec)[THERE] / np.asarray(drawn.W_rec)[THERE]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
    np.testing.assert_array_equal(scaled.W_in, drawn.W_in)


def test_same_seed_same_bits():
    first, again, other = (RateRNN.from_connectome(ANATOMY, 2, 1, init="he", seed=seed) for seed in (1, 1, 2))
    for name, value in first.parameters().items():
        np.testing.assert_array_equal(value, again.parameters()[name])
        if name != "x0":
            assert (np.asarray(value) != np.asarray(other.parameters()[name])).any(), name


def test_frozen_recurrent_weights_do_not_learn_and_are_the_ones_drawn():
    free, frozen = (RateRNN.from_connectome(ANATOMY, 2, 1, seed=1, freeze=freeze) for freeze in (False, True))
    np.testing.assert_array_equal(free.W_rec, frozen.W_rec)
    assert set(free.trainable_variables()) == {"raw_rec", "raw_in", "raw_out", "b_rec", "b_out"}
    assert set(frozen.trainable_variables()) == {"raw_in", "raw_out", "b_rec", "b_out"}


def test_options_of_the_network_are_passed_on():
    labels = np.arange(N) // 4
    net = RateRNN.from_connectome(
        ANATOMY, 2, 1, sign=DALE, positive="softplus", bias=False, readout_bias=False, x0=0.3, tau=40.0,
        sigma_rec=0.1, activation="tanh", units={"region": labels},
    )  # fmt: skip
    assert net.b_rec is None
    assert net.b_out is None
    assert net.sigma_rec == 0.1
    assert net.recurrent.connectivity.positive == "softplus"
    np.testing.assert_allclose(net.x0.value, 0.3)
    np.testing.assert_array_equal(net.units["region"], labels)
    np.testing.assert_array_equal(net.is_excitatory, DALE > 0)
    assert verify(net).ok


CHAIN = [[0.0, 1.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("anatomy", "options", "message"),
    [
        (ANATOMY[:5], {}, r"anatomy must be square, weights\[source, target\]; got shape \(5, 20\)"),
        (ANATOMY[0], {}, r"anatomy must be square, weights\[source, target\]; got shape \(20,\)"),
        (-ANATOMY, {}, "anatomy must have finite weights >= 0, and at least one connection"),
        (0 * ANATOMY, {}, "anatomy must have finite weights >= 0, and at least one connection"),
        (np.where(THERE, ANATOMY, np.nan), {}, "anatomy must have finite weights >= 0"),
        (np.where(THERE, np.inf, 0), {}, "anatomy must have finite weights >= 0"),
        (ANATOMY, {"init": "lecun"}, "unknown initialisation 'lecun'"),
        (ANATOMY, {"start": "slow"}, "drawn according to `init`; got start 'slow' as well"),
        (ANATOMY, {"remap": "rank"}, "unknown remap 'rank'"),
        (ANATOMY, {"remap": "signed", "sign": DALE}, "the signs of 20 of the 20 units are given; use 'magnitude', or"),
        (ANATOMY, {"spectral_radius": 0.0}, "spectral_radius must be > 0; got 0.0"),
        (CHAIN, {"init": "he", "spectral_radius": 1.0}, "spectral_radius 1.0 cannot be reached: .* no loop"),
        (ANATOMY, {"sign": 2}, "signs must be -1, 0 or 1"),
    ],
)
def test_errors_say_what_is_wrong(anatomy, options, message):
    with pytest.raises(ValueError, match=message):
        RateRNN.from_connectome(anatomy, 2, 1, **options)


def test_a_chain_without_loops_needs_no_radius():
    net = RateRNN.from_connectome(CHAIN, 2, 1, init="default")
    assert (np.asarray(net.W_rec) != 0).tolist() == [[False, True], [False, False]]


def responds(net: RateRNN, sources: np.ndarray, n_steps: int = 8) -> np.ndarray:
    """Units whose current ever changes when the units ``sources`` (bool) receive an impulse at the first step."""
    net.raw_in.value = jnp.asarray(np.stack([sources, np.zeros(len(sources))]), jnp.float32)
    inputs = np.zeros((n_steps, 2, 2), np.float32)
    inputs[0, 0, 0] = 1.0
    currents = np.asarray(net.predict(inputs, noise=False).currents)
    return (currents[:, 0] != currents[:, 1]).any(axis=0)


def test_impulses_follow_the_expanded_connections():
    """Three regions A -> B -> C, with connections within A and B."""
    regions = np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    expanded = expand(regions, 4, seed=1)
    net = RateRNN.from_connectome(np.asarray(expanded.weights), 2, 1, activation="tanh", units={"r": expanded.region})
    reached = {
        name: sorted({int(r) for r in expanded.region[responds(net, expanded.region == i)]})
        for i, name in enumerate("ABC")
    }
    assert reached == {"A": [0, 1, 2], "B": [1, 2], "C": [2]}


def in_a_new_thread(work: Callable[[], object]) -> object:
    """What ``work`` returns, or the exception that it raises."""
    results: list[object] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return results[0]


def test_brainpy_before_2_9_has_no_defaults_in_new_threads():
    """Why `ensure_defaults` exists; where BrainPy has them, it is not needed any more."""
    version = tuple(int(part) for part in importlib.metadata.version("brainpy").split(".")[:2])
    result = in_a_new_thread(bm.get_mode)
    assert isinstance(result, KeyError) is (version < (2, 9))


TASK = SequenceMemory(pattern_length=2)
TRIALS = split_trials(jax.jit(lambda key: TASK.trials(12, key=key))(jax.random.key(0)), 0.5, key=jax.random.key(1))


def make() -> RateRNN:
    return RateRNN.from_connectome(ANATOMY[:6, :6], 2, 1, init="he", tau=20.0, seed=1)


def trainer_of(net: RateRNN) -> Trainer:
    return Trainer(net, TASK, trials=Fixed(*TRIALS))


def train(net: RateRNN) -> np.ndarray:
    return trainer_of(net).fit(2, progress=False).loss


def test_networks_are_built_and_trained_in_new_threads_with_the_same_result():
    """The first one is also compiled there."""
    net, trainer = make(), trainer_of(make())
    ways = {
        "trainer from the main thread": lambda: trainer.fit(2, progress=False).loss,
        "network from the main thread": lambda: train(net),
        "all in the thread": lambda: train(make()),
    }
    losses = {name: in_a_new_thread(way) for name, way in ways.items()}
    expected = train(make())
    assert np.isfinite(expected).all()
    for name, loss in losses.items():
        np.testing.assert_array_equal(loss, expected, err_msg=name)


def test_new_threads_have_the_precision_of_the_main_thread(x64):
    def precision() -> tuple[str, str]:
        with jax.enable_x64(True):
            net = RateRNN(Connectivity.dense(3, 3), Connectivity.dense(1, 3), Connectivity.dense(3, 1))
            return str(net.x0.dtype), str(np.dtype(bm.float_))

    of_net, of_brainpy = in_a_new_thread(precision)
    assert of_net == "float64"
    # BrainPy 2.9 gives new threads what the main one has; BrainPy 2.8 leaves it to eicon.
    assert of_brainpy in {"float64", str(np.dtype(bm.float_))}


def cortex(n_per_region=4, **options) -> Connectome:
    regions = Connectome(
        [[0, 2, 1, 0], [1, 0, 3, 0], [0, 1, 0, 2], [1, 0, 1, 0]], ("V1", "V2", "PPC", "PFC"), name="cortex"
    )
    return regions.expanded(n_per_region, seed=0, **options).signed(0.75, seed=0)


def test_a_connectome_brings_signs_labels_and_names_and_a_task_the_sizes():
    task, wiring = SequenceMemory(), cortex()
    net = RateRNN.from_connectome(wiring, task, input_to={"region": "V1"}, readout_from={"region": "PFC", "type": "E"})
    assert (net.n_in, net.n_rec, net.n_out, net.dt) == (task.n_in, 16, task.n_out, task.dt)
    np.testing.assert_array_equal(net.units["region"], wiring.labels["region"])
    np.testing.assert_array_equal(net.units["name"], wiring.names)
    np.testing.assert_array_equal(net.is_excitatory, wiring.sign > 0)
    np.testing.assert_array_equal(np.asarray(net.W_rec) != 0, wiring.weights > 0)
    assert (np.asarray(net.W_in) != 0).any(axis=0).tolist() == [name.startswith("V1") for name in wiring.names]
    read = (np.asarray(net.W_out) != 0).any(axis=1)
    assert read.tolist() == [n.startswith("PFC") and s > 0 for n, s in zip(wiring.names, wiring.sign, strict=True)]
    assert verify(net).ok


@pytest.mark.parametrize("init", ["balanced", "he"])
@pytest.mark.parametrize("freeze", [False, True])
def test_storage_does_not_change_the_network(init, freeze):
    options = {"init": init, "freeze": freeze, "spectral_radius": 1.2, "seed": 3}
    dense, edges = (RateRNN.from_connectome(cortex(), 2, 1, storage=s, **options) for s in ("dense", "edges"))
    assert type(edges.recurrent) is Edges
    np.testing.assert_allclose(edges.W_rec, dense.W_rec, rtol=1e-6)
    np.testing.assert_array_equal(edges.W_in, dense.W_in)
    inputs = np.random.default_rng(0).random((5, 3, 2)).astype(np.float32)
    expected = dense.predict(inputs, noise=False).outputs
    np.testing.assert_allclose(edges.predict(inputs, noise=False).outputs, expected, rtol=2e-5, atol=1e-6)
    assert edges.recurrent.trainable != freeze
    from_array = RateRNN.from_connectome(cortex().weights, 2, 1, sign=cortex().sign, **options)
    np.testing.assert_array_equal(dense.W_rec, from_array.W_rec)


def test_weights_as_counted_have_one_gain_for_all():
    wiring = cortex()
    net = RateRNN.from_connectome(wiring, 2, 1, gain="all", spectral_radius=0.9)
    signed = wiring.weights * wiring.sign[:, None]
    expected = signed * 0.9 / np.abs(np.linalg.eigvals(signed)).max()
    np.testing.assert_allclose(net.W_rec, expected, rtol=1e-5)
    assert net.recurrent.raw.shape == (1,)
    frozen = RateRNN.from_connectome(wiring, 2, 1, gain="all", freeze=True)
    assert "raw_rec" not in frozen.trainable_variables()


def test_gains_per_pair_of_labels_are_in_the_order_of_labels():
    wiring = cortex()
    net = RateRNN.from_connectome(wiring, 2, 1, gain="region")
    region = np.unique(wiring.labels["region"], return_inverse=True)[1]
    there = sorted({(region[i], region[j]) for i, j in zip(wiring.source, wiring.target, strict=True)})
    assert net.recurrent.raw.shape == (len(there),)
    chosen = there.index((region[0], region[5]))
    before = np.asarray(net.W_rec)
    net.raw_rec.value = net.raw_rec.value.at[chosen].mul(2.0)
    changed = np.asarray(net.W_rec) != before
    np.testing.assert_array_equal(changed, (before != 0) & np.outer(region == region[0], region == region[5]))


def test_units_of_both_signs_are_stored_as_edges():
    source, target = np.array([0, 0, 1, 2]), np.array([1, 2, 0, 0])
    mixed = Connectome.of_edges(source, target, [3, 1, 2, 2], tuple("abc"), edge_sign=[1, -1, 1, -1])
    net = RateRNN.from_connectome(mixed, 2, 1)
    assert np.sign(net.W_rec).tolist() == [[0, 1, -1], [1, 0, 0], [-1, 0, 0]]
    with pytest.raises(ValueError, match="units with connections of both signs can be stored only as edges"):
        RateRNN.from_connectome(mixed, 2, 1, storage="dense")


@pytest.mark.battery
def test_large_connectomes_are_drawn_as_edges_by_the_same_law():
    n, rng = 2500, np.random.default_rng(0)
    pairs = rng.choice(n * n, 40 * n, replace=False)
    source, target = pairs // n, pairs % n
    sign = np.where(np.arange(n) < 0.8 * n, 1, -1)
    wiring = Connectome.of_edges(source, target, rng.lognormal(size=len(pairs)), tuple(map(str, range(n))), sign=sign)
    net = RateRNN.from_connectome(wiring, 2, 1, spectral_radius=0.8)
    assert type(net.recurrent) is Edges
    weights = np.asarray(net.W_rec, np.float64)
    assert np.abs(np.linalg.eigvals(weights)).max() == pytest.approx(0.8, rel=0.02)
    np.testing.assert_array_equal(np.sign(weights), wiring.weights.astype(bool) * sign[:, None])
    balanced = np.asarray(RateRNN.from_connectome(wiring, 2, 1, remap="off").W_rec, np.float64)
    assert np.abs(balanced.sum(axis=0)).max() < 1e-4 * np.abs(balanced).sum(axis=0).min()
    sent = np.abs(balanced).sum(axis=1)
    assert np.ptp(sent[sign > 0]) < 0.01 * sent[sign > 0].mean()
    rank = np.corrcoef(
        np.argsort(np.argsort(np.abs(weights[source, target]))),
        np.argsort(np.argsort(wiring.adjacency[source, target])),
    )
    assert rank[0, 1] > 0.999


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((SequenceMemory(), 2), {}, "SequenceMemory defines the number of outputs; got n_out 2 as well"),
        ((2,), {}, "n_out is missing"),
        ((2, 1), {"sign": 1}, "signs come from the connectome"),
        ((2, 1), {"storage": "sparse"}, "unknown storage 'sparse'; allowed: dense, edges"),
        ((2, 1), {"gain": "type_of_cell"}, "gain must be 'all' or a label of the units"),
        ((2, 1), {"gain": "all", "storage": "dense"}, "a gain can be stored only as edges"),
    ],
)
def test_what_is_refused_beside_a_connectome(arguments, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        RateRNN.from_connectome(cortex(), *arguments, **options)


@pytest.mark.unchecked
def test_what_comes_first_is_the_connectome():
    task = PerceptualDecision()
    with pytest.raises(TypeError, match=r"expected a connectome, then the task; got PerceptualDecision as the connect"):
        RateRNN.from_connectome(task, ANATOMY)
    with pytest.raises(TypeError, match=r"got 'a\.csv'\. Load it first, eicon\.connectomes\.load\('a\.csv'\)"):
        RateRNN.from_connectome("a.csv", task)


@pytest.mark.unchecked
def test_a_class_of_tasks_is_refused():
    with pytest.raises(ValueError, match="SequenceMemory is a class; pass an instance"):
        RateRNN.from_connectome(cortex(), SequenceMemory)


@pytest.mark.battery
def test_counted_weights_need_all_signs():
    unsigned = cortex()._with(sign=np.zeros(16, int))
    with pytest.raises(ValueError, match="need the sign of every source; 16 are unknown. Fill them in"):
        RateRNN.from_connectome(unsigned, 2, 1, gain="all")
