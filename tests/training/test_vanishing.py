"""The vanishing-gradient penalty: its value, its gradient, and what a training with it does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import RateRNN
from eicon.training import HessianFree, RatePenalty, VanishingGradient

from ..tasks.drawn import sampler
from .tiny import (
    NEVER,
    SameTrials,
    assert_same_history,
    assert_same_state,
    fit,
    make_net,
    make_task,
    make_trainer,
    rewind,
    start_of,
    state,
)

pytestmark = pytest.mark.battery

T, B, N = 5, 3, 6
QUIET = {"sigma_rec": 0.0, "sigma_in": 0.0}
SLOPES = {
    "relu": lambda x: (x > 0).astype(float),
    "tanh": lambda x: 1 / np.cosh(x) ** 2,
    "softplus": lambda x: 1 / (1 + np.exp(-x)),
}


def effective(raw, n_e):
    """Dale's law without autapses, by the map "abs"."""
    n = len(raw)
    sign = np.where(np.arange(n) < n_e, 1.0, -1.0)
    return sign[:, None] * np.abs(raw) * (1 - np.eye(n))


def omega_by_hand(weights, alpha, currents, cotangents, slope, bound=1e-20):
    """A plain double loop over steps and trials."""
    found = []
    for t in range(len(currents) - 1):
        for b in range(currents.shape[1]):
            later = cotangents[t + 1, b]
            size = later @ later
            if size > 0 and size >= bound:
                earlier = (1 - alpha) * later + slope(currents[t, b]) * (weights @ (alpha * later))
                found.append((earlier @ earlier / size - 1) ** 2)
    return np.mean(found) if found else 0.0


def sample(seed=0):
    """Currents and gradients of very different sizes; one gradient is 0 and one below the bound of 1e-6."""
    rng = np.random.default_rng(seed)
    currents, cotangents = rng.normal(size=(2, T, B, N))
    cotangents *= 10.0 ** rng.uniform(-2, 1, size=(T, B, 1))
    cotangents[2, 1], cotangents[3, 0] = 0.0, 1e-5 * cotangents[3, 0]
    return currents, cotangents


def given(currents, cotangents):
    """What it is called with; neither the activity nor the trial matters."""
    needed = {"currents": jnp.asarray(currents), "cotangents": jnp.asarray(cotangents)}
    return {"activity": None, "trial": None, **needed}


def make_small(activation="relu", **options):
    return RateRNN.dale(
        2, N, 1, e_ratio=2 / 3, tau=np.linspace(40.0, 120.0, N), activation=activation, seed=2, **options
    )


@pytest.mark.parametrize("activation", SLOPES)
@pytest.mark.parametrize("bound", [0.0, 1e-20, 1e-6, 1e9])
def test_value_is_a_double_loop_over_steps_and_trials(activation, bound, x64):
    net = make_small(activation)
    currents, cotangents = sample()
    penalty = VanishingGradient(1.7, bound)
    weights = effective(np.asarray(net.raw_rec.value), 4)
    wanted = 1.7 * omega_by_hand(weights, 20.0 / net.tau, currents, cotangents, SLOPES[activation], bound)
    found = penalty(net.network, **given(currents, cotangents))
    assert found.shape == ()
    assert float(found) == pytest.approx(wanted, rel=1e-9)
    assert (wanted == 0) == (bound == 1e9)


def test_only_what_is_below_the_bound_is_left_out(x64):
    """Neither what its entries are, nor what their currents are, matters; and they do not count in the mean."""
    net = make_small()
    currents, cotangents = sample()
    penalty = VanishingGradient(1.0, bound=1e-6)
    value = float(penalty(net.network, **given(currents, cotangents)))
    cotangents[3, 0] *= -7
    currents[2, 0] = currents[1, 1] = currents[-1] = 99.0
    cotangents[0] = 1e6
    again = float(penalty(net.network, **given(currents, cotangents)))
    assert again == pytest.approx(value, rel=1e-12)
    assert float(penalty(net.network, **given(np.zeros((T, B, N)), np.zeros((T, B, N))))) == 0


def test_a_single_unit_by_hand(x64):
    """Its gradient is multiplied by 1 - alpha + alpha w f'(x) at each step."""
    net = RateRNN.from_connectome([[1.0]], 1, 1, sign=1, tau=80.0, activation="tanh", spectral_radius=2.5)
    x = jnp.array([0.3, -0.7])[:, None, None]
    factor = 0.75 + 0.25 * 2.5 / np.cosh(0.3) ** 2
    found = VanishingGradient(2.0)(net.network, **given(x, np.full((2, 1, 1), 1e-8)))
    assert float(found) == pytest.approx(2 * (factor**2 - 1) ** 2, rel=1e-9)


def finite_differences(f, raw, h=1e-6):
    gradient = np.zeros_like(raw)
    for i, j in np.ndindex(*raw.shape):
        step = np.zeros_like(raw)
        step[i, j] = h
        gradient[i, j] = (f(raw + step) - f(raw - step)) / (2 * h)
    return gradient


@pytest.mark.parametrize("activation", SLOPES)
def test_gradient_is_that_of_the_formula_with_all_but_the_weights_held(activation, x64):
    net = make_small(activation)
    currents, cotangents = sample(1)
    raw = np.asarray(net.raw_rec.value)

    def by_hand(raw):
        return omega_by_hand(effective(raw, 4), 20.0 / net.tau, currents, cotangents, SLOPES[activation], 1e-6)

    def ours(parameters):
        penalty = VanishingGradient(1.0, bound=1e-6)
        return penalty(net.network.replaced(parameters), **given(currents, cotangents))

    found = jax.grad(ours)(net.parameters())
    np.testing.assert_allclose(found["raw_rec"], finite_differences(by_hand, raw), rtol=1e-5, atol=1e-6)
    assert np.abs(found["raw_rec"]).max() > 0.01
    assert not any(np.asarray(value).any() for name, value in found.items() if name != "raw_rec")


@pytest.mark.parametrize(("strength", "bound"), [(-0.1, 0.0), (float("nan"), 0.0), (1.0, -1e-20), (1.0, float("nan"))])
def test_impossible_penalties_are_refused(strength, bound):
    with pytest.raises(ValueError, match="strength and bound of a vanishing-gradient penalty must be >= 0; got"):
        VanishingGradient(strength, bound)


def test_defaults_are_the_papers():
    assert VanishingGradient() == VanishingGradient(strength=2.0, bound=1e-20)


def test_second_order_training_refuses_it():
    text = "a penalty that needs gradients, like VanishingGradient, has no curvature: use Gradient"
    with pytest.raises(ValueError, match=text):
        make_trainer(learner=HessianFree(), penalties=[RatePenalty(0.1), VanishingGradient()])


def with_injections(net, parameters, trial, rate):
    """Objective as a function of numbers that are added to each current, and the currents; a plain scan."""
    alpha = net.dt / 100.0
    sign = jnp.asarray([1.0] * 8 + [-1.0] * 2)[:, None]
    w_rec = sign * jnp.abs(parameters["raw_rec"]) * (1 - jnp.eye(10))
    w_in = jnp.abs(parameters["raw_in"])
    w_out = jnp.concatenate([jnp.abs(parameters["raw_out"][:8]), jnp.zeros((2, 2))])
    ends = trial.epochs["decision"][:, 1]
    steps = jnp.arange(trial.n_steps)

    def objective(injected):
        def step(x, given):
            t, u, e = given
            x = (1 - alpha) * x + alpha * (jnp.maximum(x, 0) @ w_rec + u @ w_in + parameters["b_rec"][None]) + e
            return x, (x, jnp.sum((ends > t) * jnp.mean(jnp.maximum(x, 0) ** 2, axis=1)))

        x0 = jnp.tile(parameters["x0"][None], (trial.batch_size, 1))
        currents, squares = jax.lax.scan(step, x0, (steps, trial.inputs, injected))[1]
        z = jnp.maximum(currents, 0) @ w_out + parameters["b_out"][None, None]
        error = jnp.sum(trial.mask * jnp.mean((z - trial.targets) ** 2, axis=2)) / jnp.sum(trial.mask)
        return error + rate * squares.sum() / ends.sum(), currents

    zero = jnp.zeros((trial.n_steps, trial.batch_size, 10))
    (value, currents), cotangents = jax.jit(jax.value_and_grad(objective, has_aux=True))(zero)
    return float(value), np.asarray(currents, np.float64), np.asarray(cotangents, np.float64)


BOUND = 2.56e-4
PENALTIES = {
    "none": [RatePenalty(0.3)],
    "strength 0": [RatePenalty(0.3), VanishingGradient(0.0)],
    "two": [VanishingGradient(5.0), RatePenalty(0.3), VanishingGradient(2.0, bound=BOUND)],
}


@pytest.fixture(scope="module")
def one_step():
    """What one step of plain gradient descent did, for each set of penalties: trainer, before, after."""
    found = {}
    for name, penalties in PENALTIES.items():
        net = make_net(**QUIET)
        before = {key: np.asarray(value) for key, value in net.parameters().items()}
        trainer = make_trainer(
            net, make_task(SameTrials), optimizer="sgd", learning_rate=1.0, clip_norm=None, penalties=penalties
        )
        fit(trainer, 1, validate_every=NEVER)
        found[name] = trainer, before, {key: np.asarray(value) for key, value in net.parameters().items()}
    return found


def update(one_step, kind, name):
    _, before, after = one_step[kind]
    return after[name] - before[name]


def test_a_step_is_that_of_the_loss_and_of_the_formula(one_step):
    """Gradients with respect to currents by injections into a plain scan; the penalty's by finite differences."""
    trainer, before, _ = one_step["two"]
    trial = sampler(trainer.task)(jax.random.key(0), trainer.trials.batch_size)
    assert bool((trial.mask.sum(axis=0) < trial.n_steps).any()), "padding is part of this test"
    loss, currents, cotangents = with_injections(trainer.net, before, trial, 0.3)
    sizes = (cotangents[1:] ** 2).sum(axis=2)
    counted = [int((sizes >= bound).sum()) for bound in (1e-20, BOUND)]
    assert 0 < counted[1] < counted[0] < sizes.size, "both bounds leave out some"

    def by_hand(raw):
        given = effective(raw, 8), 0.2, currents, cotangents, SLOPES["relu"]
        return 5.0 * omega_by_hand(*given, bound=1e-20) + 2.0 * omega_by_hand(*given, bound=BOUND)

    raw = before["raw_rec"].astype(np.float64)
    history = trainer.history
    assert float(history.loss[0]) == pytest.approx(loss + by_hand(raw), rel=1e-5)
    assert by_hand(raw) > 0.05
    moved = update(one_step, "two", "raw_rec") - update(one_step, "none", "raw_rec")
    np.testing.assert_allclose(moved, -finite_differences(by_hand, raw, 1e-5), rtol=1e-3, atol=2e-6)
    assert np.abs(moved).max() > 1e-3
    assert float(one_step["none"][0].history.loss[0]) == pytest.approx(loss, rel=1e-5)


def test_no_other_parameter_feels_it(one_step):
    for name in ("raw_in", "raw_out", "b_rec", "b_out", "x0"):
        plain = update(one_step, "none", name)
        assert np.abs(plain).max() > 1e-4
        np.testing.assert_allclose(update(one_step, "two", name), plain, rtol=1e-4, atol=1e-7)


def test_the_norm_is_that_of_the_whole_gradient(one_step):
    for trainer, before, after in one_step.values():
        norm = np.sqrt(sum(((after[name] - before[name]) ** 2).sum() for name in before))
        assert float(trainer.history.grad_norm[0]) == pytest.approx(norm, rel=1e-4)


def test_strength_0_is_no_penalty(one_step):
    """To rounding: another program is compiled."""
    for name in one_step["none"][1]:
        np.testing.assert_allclose(one_step["strength 0"][2][name], one_step["none"][2][name], rtol=1e-6, atol=1e-7)
    for field in ("loss", "accuracy", "grad_norm"):
        found, wanted = (getattr(one_step[kind][0].history, field) for kind in ("strength 0", "none"))
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_training_with_it_is_another_one_keeps_constraints_and_resumes_exactly(tmp_path, trainer):
    """With noise, catch trials and clipping; `trainer` is the same without it."""
    penalised = make_trainer(penalties=[VanishingGradient()])
    at_0 = start_of(penalised)
    path = tmp_path / "at_5.npz"
    fit(penalised, 5, checkpoint=path)
    fit(penalised, 5)
    wanted, history = state(penalised), penalised.history
    for name in penalised.net.trainable_variables():
        assert (wanted[name] != np.asarray(at_0.values[name])).any()
    assert (np.diag(penalised.net.W_rec) == 0).all()
    rewind(penalised, at_0)
    penalised.resume(path)
    assert penalised.step == 5
    fit(penalised, 5)
    assert_same_state(state(penalised), wanted)
    assert_same_history(penalised.history, history)
    fit(trainer, 10)
    assert (history.loss > trainer.history.loss + 0.01).sum() > 5
    assert (wanted["raw_rec"] != state(trainer)["raw_rec"]).any()
    with pytest.raises(ValueError, match="belongs to a different training: penalties differ"):
        trainer.resume(path)
    with pytest.raises(ValueError, match=r"penalties differ .*strength=2.0.* there and .*strength=1.0"):
        make_trainer(penalties=[VanishingGradient(1.0)]).resume(path)


def test_weights_that_are_not_trained_do_not_feel_it():
    net = make_net(**QUIET)
    frozen = RateRNN(net.recurrent.connectivity.frozen(net.W_rec), net.input.connectivity, net.readout.connectivity)
    trainer = make_trainer(frozen, make_task(SameTrials), penalties=[VanishingGradient()])
    recurrent = np.asarray(frozen.W_rec)
    assert np.isfinite(fit(trainer, 1, validate_every=NEVER).loss).all()
    assert set(trainer._trained) == {"raw_in", "raw_out"}
    np.testing.assert_array_equal(frozen.W_rec, recurrent)
