"""Hessian-free training: products against explicit matrices, the solver against numpy, and how a training goes."""

from dataclasses import fields

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from eicon.models import Connectivity, RateRNN, verify
from eicon.tasks import SequenceMemory
from eicon.training import (
    AccuracyReached,
    HessianFree,
    NonFiniteLoss,
    RatePenalty,
    Sampled,
    Trainer,
    WeightPenalty,
    cross_entropy,
    mean_squared_error,
)
from eicon.training._checkpoint import read_history
from eicon.training._conjugate_gradient import (
    Iterates,
    backtrack,
    conjugate_gradient,
    line_search,
    next_damping,
    stored_iterations,
)
from eicon.training._curvature import gauss_newton, probed_diagonal, rate_change, run_first
from eicon.training._evaluation import Validation
from eicon.training._hessian_free import _problem
from eicon.training._newton_step import Problem, State, _damped
from eicon.training._objective import Objective

from ..tasks.drawn import sampler
from .tiny import (
    Interruption,
    SameTrials,
    assert_same_history,
    assert_same_state,
    make_net,
    make_task,
    make_trainer,
    put,
    rewind,
    script,
    start_of,
    state,
)

N, N_OUT, BATCH = 5, 2, 3
LEARNS = {"bias": True, "readout_bias": True, "train_x0": True, "seed": 1}


def free(activation):
    parts = (Connectivity.dense(N, N), Connectivity.dense(2, N), Connectivity.dense(N, N_OUT))
    return RateRNN(*parts, activation=activation, **LEARNS)


def masked():
    """Some entries absent, some fixed, rows of every sign."""
    rng = np.random.default_rng(0)
    mask = rng.random((N, N)) < 0.6
    fixed = np.where(~mask & (rng.random((N, N)) < 0.5), 0.3, 0.0)
    sign = np.array([1, 1, -1, 0, 0])
    recurrent = Connectivity(sign, mask, np.where(sign[:, None] < 0, -fixed, fixed))
    return RateRNN(recurrent, Connectivity.dense(2, N), Connectivity.dense(N, N_OUT), activation="tanh", **LEARNS)


MASKED = "masked, fixed, mixed signs"
NETS = {
    "free, tanh": lambda: free("tanh"),
    "free, relu": lambda: free("relu"),
    "Dale, abs": lambda: RateRNN.dale(2, N, N_OUT, **LEARNS),
    "Dale, softplus": lambda: RateRNN.dale(2, N, N_OUT, positive="softplus", **LEARNS),
    MASKED: masked,
}


class Tiny:
    """A network on a few padded trials; all of it as functions of one vector, in float64."""

    def __init__(self, net, loss="mse", key=None):
        self.net, self.network, self.key = net, net.network, key
        trial = sampler(make_task())(jax.random.key(5), BATCH)
        labels = trial.targets.argmax(axis=2) if loss == "cross_entropy" else trial.targets
        self.trial = trial._replace(inputs=trial.inputs.astype(float), targets=labels)
        self.loss = {"mse": mean_squared_error, "cross_entropy": cross_entropy}[loss]
        trained = net.trainable_variables()
        self.vector, self.unravel = ravel_pytree({name: net.parameters()[name] for name in trained})
        assert self.vector.dtype == jnp.float64

    def parameters(self, vector):
        return {**self.net.parameters(), **self.unravel(vector)}

    def run(self, vector, forward_mode, n=BATCH):
        parameters = self.parameters(vector)
        network = self.network.replaced(parameters)
        return parameters, run_first(network, self.trial.inputs, self.key, n, forward_mode=forward_mode)

    def convex(self, parameters, activity):
        return self.loss(activity.outputs, self.trial)

    def by_hand(self, vector):
        """Outputs and rates, by the printed step."""
        parameters = self.parameters(vector)
        network, activation, alpha = self.network.replaced(parameters), self.net.activation, self.net.dt / self.net.tau
        w_rec, w_in, w_out = (getattr(network, role).effective() for role in ("recurrent", "input", "readout"))

        def step(x, inputs):
            received = activation(x) @ w_rec + inputs @ w_in + parameters["b_rec"][None]
            x = (1 - alpha)[None] * x + alpha[None] * received
            rates = activation(x)
            return x, (rates @ w_out + parameters["b_out"][None], rates)

        return jax.lax.scan(step, jnp.tile(parameters["x0"][None], (BATCH, 1)), self.trial.inputs)[1]

    def explicit(self):
        """Gauss-Newton matrices of the loss and of `rate_change`, from dense Jacobians and Hessians written out."""
        mask, inside = np.asarray(self.trial.mask), np.asarray(self.trial.inside, float)
        both = jax.jit(lambda v: (self.by_hand(v)[0], jax.jacfwd(self.by_hand)(v)))
        outputs, (jacobian, of_rates) = jax.tree.map(np.asarray, both(self.vector))
        weight = mask / mask.sum()
        hessian = np.zeros((*outputs.shape, N_OUT))
        for t, b in np.ndindex(mask.shape):
            if self.loss is mean_squared_error:
                hessian[t, b] = weight[t, b] * 2 / N_OUT * np.eye(N_OUT)
            else:
                p = np.exp(np.asarray(outputs[t, b]))
                p /= p.sum()
                hessian[t, b] = weight[t, b] * (np.diag(p) - np.outer(p, p))
        loss = np.einsum("tbip,tbij,tbjq->pq", jacobian, hessian, jacobian)
        return loss, np.einsum("tbip,tb,tbiq->pq", of_rates, inside / inside.sum(), of_rates)


def as_matrix(make, n, *arguments):
    """Dense form of the product that ``make`` returns."""
    return np.asarray(jax.jit(lambda *a: jax.vmap(make(*a))(jnp.eye(n)))(*arguments))


def matrix_of(tiny, convex=None):
    return as_matrix(lambda: gauss_newton(tiny.run, convex or tiny.convex, tiny.vector), len(tiny.vector))


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        *(pytest.param(name, "mse", marks=[] if name == MASKED else pytest.mark.battery) for name in NETS),
        ("free, relu", "cross_entropy"),
        pytest.param(MASKED, "cross_entropy", marks=pytest.mark.battery),
    ],
)
def test_products_are_those_of_the_explicit_matrix(name, loss, x64):
    tiny = Tiny(NETS[name](), loss)
    assert 0 < tiny.trial.mask.sum() < tiny.trial.mask.size
    wanted, structural = tiny.explicit()

    def damped(stiffness):
        def convex(parameters, activity):
            return tiny.convex(parameters, activity) + stiffness * rate_change(activity, tiny.trial)

        return gauss_newton(tiny.run, convex, tiny.vector)

    got, stiff = (as_matrix(damped, len(tiny.vector), jnp.float64(stiffness)) for stiffness in (0.0, 0.7))
    tolerance = {"rtol": 1e-7, "atol": 1e-9 * np.abs(wanted).max()}
    np.testing.assert_allclose(got, wanted, **tolerance)
    np.testing.assert_allclose(stiff, wanted + 0.7 * structural, **tolerance)
    assert np.abs(got).max() > 1e-3
    assert np.abs(structural).max() > 1e-3
    np.testing.assert_allclose(got, got.T, atol=1e-12)
    assert np.linalg.eigvalsh(got).min() > -1e-12


def test_damping_of_the_model_is_plain_and_structural(x64):
    tiny = Tiny(free("tanh"))
    wanted, structural = tiny.explicit()
    problem = Problem(None, tiny.run, tiny.convex, None, tiny.trial)
    before = State(tiny.vector, jnp.float64(0.3), jnp.zeros_like(tiny.vector))
    n = len(tiny.vector)

    def product(mu):
        return _damped(problem, before, gauss_newton(tiny.run, tiny.convex, tiny.vector), mu)

    for mu in (0.0, 2.0):
        got = as_matrix(lambda mu=mu: product(mu), n)
        np.testing.assert_allclose(got, wanted + 0.3 * np.eye(n) + 0.3 * mu * structural, rtol=1e-7, atol=1e-9)


def test_entries_that_do_not_exist_have_no_curvature(x64):
    tiny = Tiny(masked())
    exists = {name: np.ones(value.shape, bool) for name, value in tiny.net.trainable_variables().items()}
    exists["raw_rec"] = tiny.net.recurrent.connectivity.mask
    exists = np.asarray(ravel_pytree({k: jnp.asarray(v, float) for k, v in exists.items()})[0], bool)
    got = matrix_of(tiny)
    assert (~exists).sum() > 3
    assert not got[~exists].any()
    assert (np.diag(got)[exists] > 0).mean() > 0.8


def test_penalties_have_their_own_curvature(x64):
    tiny = Tiny(free("tanh"))
    weights, rates = WeightPenalty(0.3), RatePenalty(0.5)

    def convex(parameters, activity):
        both = [r(tiny.network.replaced(parameters), activity, tiny.trial) for r in (weights, rates)]
        return tiny.convex(parameters, activity) + sum(both)

    loss, change = tiny.explicit()
    recurrent = {k: jnp.full(v.shape, float(k == "raw_rec")) for k, v in tiny.net.trainable_variables().items()}
    wanted = loss + 0.5 * 2 / N * change + np.diag(ravel_pytree(recurrent)[0]) * 0.3 * 2 / N**2
    got = matrix_of(tiny, convex)
    np.testing.assert_allclose(got, wanted, rtol=1e-7, atol=1e-9 * np.abs(wanted).max())


def test_the_first_trials_keep_their_noise(x64):
    tiny = Tiny(make_net(), key=jax.random.key(4))
    every = tiny.network.run(tiny.trial.inputs, tiny.key)
    for forward_mode in (True, False):
        some = jax.jit(lambda v, forward_mode=forward_mode: tiny.run(v, forward_mode, 2)[1])(tiny.vector)
        for a, b in zip(jax.tree.leaves(some), jax.tree.leaves(every), strict=True):
            np.testing.assert_allclose(a, b[:, :2], rtol=1e-12)


def test_probes_estimate_the_diagonal(x64):
    tiny = Tiny(free("tanh"))
    wanted = np.diag(tiny.explicit()[0])

    def estimate(n):
        def outputs(v):
            return tiny.run(v, False)[1].outputs

        found = jax.jit(lambda v: probed_diagonal(outputs, lambda z: tiny.loss(z, tiny.trial), v, jax.random.key(0), n))
        return np.asarray(found(tiny.vector))

    np.testing.assert_allclose(estimate(4000), wanted, rtol=0.2, atol=1e-3 * wanted.max())
    assert (estimate(1) >= 0).all()


def quadratic_problem(n=12, condition=1e3):
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((n, n)))[0]
    scales = np.exp(rng.standard_normal(n))
    a = scales[:, None] * (basis * np.geomspace(1, condition, n) @ basis.T) * scales[None]
    return a, rng.standard_normal(n)


def solve(a, b, *, start=None, diagonal=None, max_iterations=100, tolerance=0.0):
    n = len(b)
    start = jnp.zeros(n) if start is None else jnp.asarray(start)
    diagonal = jnp.ones(n) if diagonal is None else jnp.asarray(diagonal)
    matrix = jnp.asarray(a)
    run = jax.jit(conjugate_gradient, static_argnums=0, static_argnames=("max_iterations", "tolerance"))
    options = {"max_iterations": max_iterations, "tolerance": tolerance}
    return run(lambda v: matrix @ v, jnp.asarray(b), start, diagonal, **options)


@pytest.mark.parametrize("preconditioned", [False, True])
def test_conjugate_gradients_solve(x64, preconditioned):
    a, b = quadratic_problem()
    found = solve(a, b, diagonal=np.diag(a) if preconditioned else None)
    np.testing.assert_allclose(found.points[found.last], np.linalg.solve(a, b), rtol=1e-6)
    values = np.asarray(found.values)[: int(found.n) + 1]
    x = np.linalg.solve(a, b)
    assert values[-1] == pytest.approx(0.5 * x @ a @ x - b @ x, rel=1e-9)
    assert (np.diff(values[:12]) < 0).all()
    kept = stored_iterations(100)
    for j in range(int(found.last)):
        point = np.asarray(found.points[j])
        assert 0.5 * point @ a @ point - b @ point == pytest.approx(values[kept[j]], rel=1e-9, abs=1e-12)


def test_iterates_are_those_of_the_krylov_spaces(x64):
    """After k iterations, the minimum over the preconditioned Krylov space of dimension k."""
    a, b = quadratic_problem()
    m = np.diag(a)
    for k in (1, 3, 6):
        found = solve(a, b, diagonal=m, max_iterations=k)
        space = np.stack([np.linalg.matrix_power(a / m[:, None], i) @ (b / m) for i in range(k)], axis=1)
        space = np.linalg.qr(space)[0]
        wanted = space @ np.linalg.solve(space.T @ a @ space, space.T @ b)
        assert int(found.n) == k
        np.testing.assert_allclose(found.points[found.last], wanted, rtol=1e-6)


def test_stop_is_that_of_martens(x64):
    a, b = quadratic_problem(60, 300.0)
    values = np.asarray(solve(a, b, max_iterations=150).values)
    for tolerance in (1e-2, 1e-3):
        for wanted in range(1, 150):
            k = max(10, wanted // 10)
            if wanted > k and (values[wanted] - values[wanted - k]) / values[wanted] < k * tolerance:
                break
        assert 11 < wanted < 149
        assert int(solve(a, b, max_iterations=150, tolerance=tolerance).n) == wanted


def test_start_is_used_where_it_helps(x64):
    a, b = quadratic_problem()
    x = np.linalg.solve(a, b)
    near, far = solve(a, b, start=0.9 * x, max_iterations=1), solve(a, b, start=-x, max_iterations=1)
    zero = solve(a, b, max_iterations=1)
    assert near.values[0] == pytest.approx(0.5 * 0.81 * x @ a @ x - 0.9 * b @ x)
    assert near.values[1] < zero.values[1]
    np.testing.assert_array_equal(far.points, zero.points)


def test_no_curvature_ends_the_search(x64):
    found = solve(np.diag([1.0, -1.0]), np.ones(2))
    assert int(found.n) == 0
    np.testing.assert_array_equal(found.points[found.last], 0.0)
    assert int(solve(np.eye(2), np.zeros(2)).n) == 0
    assert int(solve(np.eye(2), np.ones(2)).n) == 1


@pytest.mark.parametrize("n", [1, 2, 50, 250])
def test_stored_iterations(n):
    kept = stored_iterations(n)
    assert kept[0] == 1
    assert kept[-1] == n
    assert (np.diff(kept) > 0).all()
    assert (kept[1:] <= np.ceil(1.3 * kept[:-1] + 1)).all()


@pytest.mark.parametrize(
    ("objectives", "last", "wanted"),
    [
        ([5, 4, 3, 2, 1], 4, 4),
        ([5, 4, 1, 2, 3], 4, 2),
        ([1, 2, 3, 4, 5], 4, 0),
        ([0, 9, 2, 3, -5], 3, 2),
        ([3, 2, np.nan, np.inf, np.nan], 4, 1),
        ([3, 9, 9], 0, 0),
    ],
)
def test_backtracking_picks_the_iterate(objectives, last, wanted):
    table = jnp.asarray(objectives, jnp.float32)
    points = jnp.arange(len(objectives), dtype=jnp.float32)[:, None]
    iterates = Iterates(points, jnp.int32(last), jnp.int32(0), table)
    step, best = backtrack(lambda x: table[x[0].astype(int)], iterates)
    assert (int(step[0]), float(best)) == (wanted, objectives[wanted])


@pytest.mark.parametrize(
    ("far", "wanted"), [(1.0, 1.0), (0.5, 0.8**4), (0.01, 0.8**21), (np.nan, 0.0), (0.0, 0.0)], ids=str
)
def test_line_search(far, wanted):
    """A wall: beyond ``far`` the objective, which falls with slope -2, is infinite or NaN."""

    def objective(step):
        return jnp.where(step[0] <= far, -2.0 * step[0], jnp.inf if far < 1 else jnp.nan)

    direction = jnp.ones(1)
    size = line_search(objective, jnp.float32(0), objective(direction), jnp.float32(-2), direction)
    assert float(size) == pytest.approx(wanted)


def test_line_search_wants_more_than_any_decrease():
    size = line_search(lambda s: -1e-3 * s[0], jnp.float32(0), jnp.float32(-1e-3), jnp.float32(-1), jnp.ones(1))
    assert float(size) == 0


@pytest.mark.parametrize(
    ("ratio", "factor"),
    [(-5.0, 1.5), (0.2, 1.5), (0.25, 1.0), (0.5, 1.0), (0.75, 1.0), (0.8, 2 / 3), (2.0, 2 / 3), (np.nan, 1.5)],
)
def test_damping_rule(ratio, factor):
    assert float(next_damping(jnp.float32(6.0), jnp.float32(ratio))) == pytest.approx(6 * factor)


def make_hf(net=None, task=None, batch_size=16, same=False, **options):
    """Options of the learner, and of the trainer."""
    learner = {"max_cg_iterations": 15, "n_probes": 2}
    learner |= {field.name: options.pop(field.name) for field in fields(HessianFree) if field.name in options}
    return make_trainer(net, task, learner=HessianFree(**learner), trials=Sampled(batch_size, same=same), **options)


def fit(trainer, n, **options):
    return trainer.fit(n, progress=False, **options)


def make_full(**options):
    return make_hf(curvature_trials=8, structural_damping=0.1, penalties=[RatePenalty(0.01)], **options)


@pytest.fixture(scope="module")
def _trainer_at_0():
    trainer = make_full()
    return trainer, start_of(trainer)


@pytest.fixture(scope="module")
def _twin_at_0():
    twin = make_full(net=make_net(seed=2))
    return twin, start_of(twin)


@pytest.fixture
def trainer(_trainer_at_0):
    return rewind(*_trainer_at_0)


@pytest.fixture
def twin(_twin_at_0):
    return rewind(*_twin_at_0)


@pytest.fixture(scope="module")
def reference(_trainer_at_0):
    """State and history after six iterations without any interruption."""
    trainer = rewind(*_trainer_at_0)
    fit(trainer, 6)
    return state(trainer), trainer.history


def assert_same(first, second):
    assert_same_history(first, second)
    for name in ("damping", "cg_iterations", "reduction_ratio", "step_size"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes(), name


def test_undamped_iteration_solves_the_least_squares_of_the_readout(x64):
    """Only the readout learns: the model is exact."""
    plain = make_net(sigma_rec=0.0, sigma_in=0.0)
    n_out = plain.n_out
    net = RateRNN(
        plain.recurrent.connectivity.frozen(plain.W_rec),
        plain.input.connectivity.frozen(plain.W_in),
        Connectivity.dense(10, n_out),
        activation="tanh",
        readout_bias=True,
        seed=4,
    )
    trainer = make_hf(net, make_task(SameTrials), damping=0.0, max_cg_iterations=400, cg_tolerance=0.0, batch_size=40)
    trial = sampler(trainer.task)(jax.random.key(0), 40)
    rates = np.asarray(net.predict(trial.inputs, noise=False).rates)
    scored = np.asarray(trial.mask) == 1
    design = np.concatenate([rates[scored], np.ones((scored.sum(), 1))], axis=1)
    wanted, *_ = np.linalg.lstsq(design, np.asarray(trial.targets, np.float64)[scored], rcond=None)
    residual = design @ wanted - np.asarray(trial.targets)[scored]
    history = fit(trainer, 1)
    assert history.reduction_ratio[0] == pytest.approx(1.0, rel=1e-5)
    assert history.step_size[0] == 1.0
    fit(trainer, 1)
    assert history.loss[0] > 2 * np.mean(residual**2)
    assert trainer.history.loss[1] == pytest.approx(np.mean(residual**2), rel=1e-5)
    np.testing.assert_allclose(net.predict(trial.inputs, noise=False).outputs[scored], design @ wanted, atol=1e-3)
    assert trainer.history.damping.tolist() == [0.0, 0.0]
    assert float(trainer._state["damping"]) == 0.0


@pytest.mark.battery
def test_gradient_is_that_of_the_trainer():
    """Same seed: the same trials, noise and penalties."""
    options = {"batch_size": 16, "penalties": [RatePenalty(0.5), WeightPenalty(0.3)]}
    hf, other = make_hf(**options), make_trainer(optimizer="sgd", learning_rate=1.0, clip_norm=None, **options)
    vector, unravel = ravel_pytree(hf._values())
    before = hf.net.parameters()
    trial_key, noise_key = jax.random.split(jax.random.fold_in(hf._key, 0))
    trial = sampler(hf.task)(trial_key, 16)

    @jax.jit
    def gradient_of(vector):
        objective = Objective(unravel, hf.task, hf.loss, hf.penalties, hf.net.network, trial, noise_key)
        problem = _problem(objective, None)
        return jax.value_and_grad(problem.objective, has_aux=True)(vector)

    (loss, accuracy), gradient = gradient_of(vector)
    history, own = (fit(trainer, 1, validate_every=10) for trainer in (other, hf))
    for found in (history, own):
        assert (float(loss), float(accuracy)) == pytest.approx((found.loss[0], found.accuracy[0]), rel=1e-5)
        assert float(jnp.linalg.norm(gradient)) == pytest.approx(found.grad_norm[0], rel=1e-4)
    for name, value in unravel(gradient).items():
        np.testing.assert_allclose(other.net.parameters()[name], before[name] - value, rtol=1e-4, atol=1e-5)


def masked_learner():
    recurrent = masked().recurrent.connectivity
    return RateRNN(recurrent, Connectivity.dense(2, N), Connectivity.dense(N, 2), bias=True, seed=1)


LEARNING_NETS = {
    "masked": masked_learner,
    "Dale, abs": lambda: make_net(positive="abs"),
    "Dale, relu": lambda: make_net(positive="relu"),
}


@pytest.mark.battery
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(make, id=name, marks=[] if name == "masked" else pytest.mark.battery)
        for name, make in LEARNING_NETS.items()
    ],
)
def test_loss_falls_and_the_constraints_hold(make):
    net = make()
    before = state(trainer := make_hf(net, same=True, damping=0.1))
    fixed = np.asarray(net.W_rec)[~net.recurrent.connectivity.mask]
    history = fit(trainer, 8)
    assert (np.diff(history.loss) <= 0).all(), "trials and noise are the same: the line search allows no rise"
    assert history.loss[-1] < 0.7 * history.loss[0]
    assert history.validation_loss[-1] < history.validation_loss[0]
    verify(net).raise_if_violated()
    np.testing.assert_array_equal(np.asarray(net.W_rec)[~net.recurrent.connectivity.mask], fixed)
    after = state(trainer)
    assert all((after[key] != before[key]).any() for key in net.trainable_variables())
    absent = ~net.recurrent.connectivity.mask
    np.testing.assert_array_equal(after["raw_rec"][absent], before["raw_rec"][absent])


@pytest.mark.battery
def test_cross_entropy_learns():
    task = SequenceMemory(pattern_length=2)

    def loss(outputs, trial):
        labels = (trial.targets[..., 0] > 0.5).astype(jnp.int32)
        return cross_entropy(jnp.concatenate([-outputs, outputs], axis=2), trial._replace(targets=labels))

    net = RateRNN.dale(2, 20, 1, tau=20.0, bias=True, readout_bias=True, free_input=True, free_readout=True, seed=1)
    history = fit(make_hf(net, task, loss=loss, batch_size=64, damping=0.1, max_cg_iterations=30), 15)
    assert history.loss[-1] < 0.8 * history.loss[0]
    assert np.isfinite(history.reduction_ratio).all()


@pytest.mark.battery
def test_damping_follows_the_recorded_ratio(reference):
    history = reference[1]
    factor = history.damping[1:] / history.damping[:-1]
    ratio = history.reduction_ratio[:-1]
    wanted = np.where(ratio < 0.25, 1.5, np.where(ratio > 0.75, 2 / 3, 1.0))
    np.testing.assert_allclose(factor, wanted, rtol=1e-6)
    assert history.damping[0] == 1.0
    assert ((history.cg_iterations >= 1) & (history.cg_iterations <= 15)).all()
    assert history.cg_iterations.dtype == np.int64


@pytest.mark.battery
def test_every_iteration_has_trials_of_its_own_unless_they_are_fixed(trainer):
    def losses(t):
        before = start_of(t)
        found = []
        for _ in range(2):
            put(t, before)
            found.append(fit(t, 1).loss[-1])
        return found

    first, second = losses(trainer)
    assert first != second
    third, fourth = losses(make_full(same=True, seed=4))
    assert third == fourth != first


@pytest.mark.battery
def test_same_seed_same_bits(trainer, twin, reference):
    put(twin, start_of(trainer))
    fit(twin, 6)
    assert_same_state(state(twin), reference[0])
    assert_same(twin.history, reference[1])


@pytest.mark.battery
def test_resumed_training_is_the_uninterrupted_one(trainer, twin, reference, tmp_path):
    fit(trainer, 3, checkpoint=tmp_path / "at_3.npz")
    assert (state(twin)["raw_rec"] != state(trainer)["raw_rec"]).any()
    twin.resume(tmp_path / "at_3.npz")
    assert twin.step == 3
    assert_same_state(state(twin), state(trainer))
    assert state(twin)["learner.direction"].any()
    fit(twin, 3)
    assert_same_state(state(twin), reference[0])
    assert_same(twin.history, reference[1])
    assert (np.diff(twin.history.seconds) > 0).all()
    trainer.resume(tmp_path / "at_3.npz")
    assert_same_history(read_history(tmp_path / "at_3.npz"), trainer.history)


@pytest.mark.battery
@pytest.mark.parametrize(
    ("options", "different"),
    [
        ({"structural_damping": 0.2}, "learner"),
        ({"damping": 2.0}, "learner"),
        ({"same": True}, "trials"),
        ({"loss": cross_entropy}, "loss"),
        ({"seed": 4}, "seed"),
        ({"task": make_task(catch=False)}, "stages"),
        ({"net": make_net(activation="tanh")}, "network"),
    ],
)
def test_checkpoint_of_another_training_is_refused(trainer, tmp_path, options, different):
    trainer.save_checkpoint(tmp_path / "c.npz")
    settings = {"curvature_trials": 8, "structural_damping": 0.1, "penalties": [RatePenalty(0.01)]}
    with pytest.raises(ValueError, match=f"belongs to a different training: {different} differ"):
        make_hf(**(settings | options)).resume(tmp_path / "c.npz")
    with pytest.raises(ValueError, match="belongs to a different training"):
        make_trainer().resume(tmp_path / "c.npz")


@pytest.mark.battery
@pytest.mark.parametrize(("name", "after"), [("_write", False), ("_write", True), ("_validate", True)])
def test_interrupt_leaves_a_consistent_state_and_a_checkpoint(trainer, twin, reference, tmp_path, name, after):
    path = tmp_path / "checkpoint.npz"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, name, Interruption(trainer, name, 3, after))
        with pytest.raises(KeyboardInterrupt):
            fit(trainer, 6, checkpoint=path)
    assert trainer.step == 2
    twin.resume(path)
    fit(twin, 4)
    assert_same_state(state(twin), reference[0])
    fit(trainer, 4)
    assert_same_state(state(trainer), reference[0])


def test_validations_checkpoints_and_stops(trainer, monkeypatch, tmp_path):
    written, asked = [], []
    monkeypatch.setattr(Trainer, "save_checkpoint", lambda self, path: written.append(self.step))
    history = fit(trainer, 5, validate_every=2, checkpoint=tmp_path / "c.npz", checkpoint_every=2)
    assert history.validation_step.tolist() == [2, 4]
    assert written == [2, 4, 5]
    assert trainer.validate().loss != history.validation_loss[-1]
    fit(trainer, 9, validate_every=2, stop_when=lambda h: asked.append(h.n_steps) or h.n_steps >= 8)
    assert asked == [6, 8]
    assert fit(trainer, 0).n_steps == trainer.step == 8
    script(monkeypatch, (Validation(0.1, x, 0.0) for x in (0.5, 0.9, 0.9, 1.0)))
    assert fit(trainer, 9, stop_when=AccuracyReached(0.85, window=2)).n_steps == 11


def test_non_finite_loss_names_the_iteration_and_goes_back(trainer, tmp_path):
    path = tmp_path / "c.npz"
    fit(trainer, 1, checkpoint=path)
    trainer.net.raw_rec.value = trainer.net.raw_rec.value.at[0, 1].set(jnp.inf)
    before, written = state(trainer), path.read_bytes()
    with pytest.raises(NonFiniteLoss, match="infinite at step 2; the network was restored to step 1"):
        fit(trainer, 3, checkpoint=path)
    assert trainer.step == 1
    assert_same_state(state(trainer), before)
    assert path.read_bytes() == written


@pytest.mark.battery
@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: make_hf(RateRNN.dale(3, 10, 2)), "but the network has 3 inputs and 2 outputs"),
        (lambda: make_hf(task=make_task(dt=10.0)), "same dt; got 20 and 10 ms"),
        (lambda: make_hf(batch_size=0), "batch_size must be at least 1; got 0"),
        (lambda: make_hf(curvature_trials=17), r"must be in \[1, batch size\], here 16; got 17"),
        (lambda: make_hf(curvature_trials=0), r"curvature_trials must be in .* got 0"),
        (lambda: make_hf(max_cg_iterations=0), "max_cg_iterations must be at least 1; got 0"),
        (lambda: make_hf(n_probes=-1), "n_probes must be >= 0; got -1"),
        (lambda: make_hf(damping=-1.0), "damping must be >= 0 and finite; got -1"),
        (lambda: make_hf(damping=float("nan")), "damping must be >= 0 and finite; got nan"),
        (lambda: make_hf(cg_tolerance=-0.1), "cg_tolerance must be >= 0 and finite; got -0.1"),
        (lambda: make_hf(structural_damping=float("inf")), "structural_damping must be >= 0 and finite; got inf"),
        (lambda: make_hf(warm_start=1.1), r"warm_start must be in \[0, 1\]; got 1.1"),
        (lambda: make_hf(loss="mean"), "unknown loss 'mean'; allowed: mse, cross_entropy, or a function"),
        (lambda: fit(make_hf(), -1), "fit needs steps >= 0, .* got -1, 1 and 10"),
        (lambda: fit(make_hf(), 1, validate_every=0), "got 1, 0 and 0"),
        (lambda: fit(make_hf(), 1, checkpoint_every=0), "got 1, 1 and 0"),
    ],
)
def test_impossible_trainings_are_refused(make, text):
    with pytest.raises(ValueError, match=text):
        make()
