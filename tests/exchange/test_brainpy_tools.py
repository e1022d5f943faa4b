"""BrainPy's own trainer, runner and finder of fixed points on a RateRNN, beside what eicon computes itself."""

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.analysis import fixed_points
from eicon.models import Connectivity, RateRNN

pytestmark = pytest.mark.battery

rng = np.random.default_rng(0)
INPUTS = rng.normal(size=(8, 4, 3)).astype(np.float32)
TARGETS = rng.normal(size=(8, 4, 2)).astype(np.float32)


def small(**options):
    return RateRNN.dale(3, 10, 2, activation="tanh", mode=bm.TrainingMode(4), free_readout=True, seed=1, **options)


def squared_error(outputs, targets):
    return bm.mean((outputs - targets) ** 2)


def bptt(net, optimizer):
    return bp.BPTT(net, loss_fun=squared_error, optimizer=optimizer, data_first_axis="T")


def loss_of(net):
    return float(((np.asarray(net.predict(INPUTS).outputs) - TARGETS) ** 2).mean())


def test_bptt_lowers_the_loss_and_keeps_the_signs():
    net = small()
    before = loss_of(net)
    trainer = bptt(net, bp.optim.Adam(lr=0.02))
    trainer.fit([(INPUTS, TARGETS)] * 40, num_epoch=1, num_report=-1)
    assert loss_of(net) < 0.8 * before
    assert (np.asarray(net.W_rec)[net.is_excitatory] >= 0).all()
    assert (np.asarray(net.W_rec)[~net.is_excitatory] <= 0).all()


def test_one_step_of_bptt_is_one_step_along_our_gradient():
    net = small()
    start = {name: np.asarray(value) for name, value in net.parameters().items()}

    def loss(parameters):
        outputs = net.network.replaced(parameters).run(jnp.asarray(INPUTS)).outputs
        return jnp.mean((outputs - TARGETS) ** 2)

    gradient = jax.grad(loss)({name: net.parameters()[name] for name in net.trainable_variables()})
    bptt(net, bp.optim.SGD(lr=0.1)).fit([(INPUTS, TARGETS)], num_epoch=1, num_report=-1)
    assert set(gradient) == {"raw_in", "raw_rec", "raw_out"}
    for name, slope in gradient.items():
        assert np.abs(slope).max() > 1e-3, name
        np.testing.assert_allclose(net.parameters()[name], start[name] - 0.1 * slope, rtol=1e-5, atol=1e-6)


def test_monitors_of_a_runner_are_the_trajectories():
    net = small(x0=0.3)
    monitors = {"x": net.x, "r": lambda: net.rates}
    runner = bp.DSRunner(net, monitors=monitors, progress_bar=False, data_first_axis="T")
    outputs = runner.predict(inputs=INPUTS, reset_state=True)
    expected = net.predict(INPUTS)
    np.testing.assert_allclose(bm.as_jax(outputs), expected.outputs, atol=1e-6)
    np.testing.assert_allclose(runner.mon["x"], expected.currents, atol=1e-6)
    np.testing.assert_allclose(runner.mon["r"], expected.rates, atol=1e-6)
    assert np.abs(expected.currents[0] - expected.currents[-1]).max() > 0.1


@pytest.fixture(scope="module")
def bistable():
    """Network with two attractors and a saddle between them, under a small input."""
    pattern = np.sign(np.random.default_rng(0).normal(size=(1, 8)))
    weights = 1.8 * pattern.T @ pattern / 8 + 0.03 * np.random.default_rng(1).normal(size=(8, 8))
    dense = Connectivity.dense(8, 8)
    sizes = (dense, Connectivity.dense(2, 8), Connectivity.dense(8, 1))
    return RateRNN(*sizes, activation="tanh", weights={"recurrent": weights}, seed=0)


HELD = np.array([0.05, -0.02], np.float32)
STARTS = np.random.default_rng(2).normal(size=(24, 8)).astype(np.float32)


def by_the_step(net):
    return bp.analysis.SlowPointFinder(net.held(HELD), f_type="discrete", verbose=False), lambda x: x


def by_the_system(net):
    net.reset_state(1)
    finder = bp.analysis.SlowPointFinder(net, args=(jnp.asarray(HELD)[None],), target_vars={"x": net.x}, verbose=False)
    return finder, lambda x: {"x": x}


@pytest.mark.parametrize("way", [by_the_step, by_the_system])
def test_slow_point_finder_finds_the_same_points(way, bistable):
    ours = fixed_points(bistable.held(HELD), STARTS, dt=bistable.dt, tau=100.0)
    assert ours.counts() == {"saddle-1": 1, "stable": 2}
    finder, named = way(bistable)
    # Descent along the slope of the speed seldom ends on a saddle from afar.
    starts = jnp.concatenate([jnp.asarray(STARTS), jnp.asarray(ours.positions + 0.02, jnp.float32)])
    options = {"tolerance": 1e-12, "num_batch": 200, "num_opt": 1000}
    finder.find_fps_with_gd_method(named(starts), optimizer=bp.optim.Adam(lr=0.02), **options)
    finder.filter_loss(1e-9)
    found = finder.fixed_points
    found = np.asarray(found["x"] if isinstance(found, dict) else found)
    distance = np.abs(found[:, None] - ours.positions[None]).max(axis=2)
    assert distance.min(axis=1).max() < 2e-3
    assert set(distance.argmin(axis=1)) == {0, 1, 2}
    jacobian = np.asarray(finder.compute_jacobians(named(jnp.asarray(ours.positions, jnp.float32)), plot=False))
    for matrix, eigenvalues in zip(jacobian, ours.step_eigenvalues, strict=True):
        np.testing.assert_allclose(np.sort(np.linalg.eigvals(matrix).real), np.sort(eigenvalues.real), atol=1e-4)
