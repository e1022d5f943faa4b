"""Optimisers by name, BrainPy's and optax's against each other, and learning rates step by step."""

import brainpy as bp
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from eicon.training import OPTIMIZERS, Gradient
from eicon.training._optimizers import adopted_optimizer, named_optimizer, rate_of
from eicon.training.results import History
from eicon.training.schedules import SCHEDULES, Cosine, Exponential, Plateau, WarmUp

from .tiny import NEVER, assert_same_history, assert_same_state, fit, make_net, make_trainer, state

RNG = np.random.default_rng(0)
VALUES = {"a": RNG.normal(size=(3, 2)).astype(np.float32), "b": RNG.normal(size=4).astype(np.float32)}
GRADIENTS = [{name: RNG.normal(size=v.shape).astype(np.float32) for name, v in VALUES.items()} for _ in range(6)]


def by_brainpy(kind, rate):
    """As a user of BrainPy has it: variables that the optimiser changes."""
    variables = {name: bp.math.TrainVar(value) for name, value in VALUES.items()}
    optimizer = kind(lr=rate, train_vars=variables)
    for gradients in GRADIENTS:
        optimizer.update({name: jnp.asarray(value) for name, value in gradients.items()})
    return {name: np.asarray(variable.value) for name, variable in variables.items()}


def by_function(optimizer, rate):
    """In one vector where that is allowed."""
    as_one = not optimizer.by_layer

    def seen(by_name):
        return {"all": jnp.concatenate([jnp.ravel(by_name[k]) for k in "ab"])} if as_one else by_name

    values = {name: jnp.asarray(value) for name, value in seen(VALUES).items()}
    inner, step = (
        jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)), optimizer.start(values)),
        jax.jit(optimizer.step),
    )
    for gradients in GRADIENTS:
        values, inner = step(seen(gradients), inner, values, jnp.float32(rate))
    if not as_one:
        return values
    return {"a": values["all"][:6].reshape(3, 2), "b": values["all"][6:]}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_brainpy(name):
    wanted = by_brainpy(OPTIMIZERS[name], 0.03)
    for optimizer in (named_optimizer(name, {}), adopted_optimizer(OPTIMIZERS[name](lr=0.5))):
        found = by_function(optimizer, 0.03)
        for key, value in wanted.items():
            assert np.abs(value - VALUES[key]).max() > 1e-6
            np.testing.assert_allclose(found[key], value, rtol=1e-5, atol=1e-6, err_msg=key)


def test_adam_by_name_of_brainpy_and_of_optax_are_one():
    """With an epsilon that is nothing: BrainPy adds it before the correction of the second moment, optax after it."""
    learners = {
        "name": Gradient("adam", 0.01, options={"eps": 1e-14}),
        "brainpy": Gradient(bp.optim.Adam(lr=0.01, eps=1e-14)),
        "optax": Gradient(optax.adam(0.01, eps=1e-14)),
    }
    found = {}
    for name, learner in learners.items():
        trainer = make_trainer(learner=learner)
        fit(trainer, 10, validate_every=NEVER)
        found[name] = trainer.net.parameters(), trainer.history
    values, history = found["name"]
    assert np.abs(values["raw_rec"] - make_net().parameters()["raw_rec"]).max() > 0.01
    for other in ("brainpy", "optax"):
        for key, value in values.items():
            np.testing.assert_allclose(found[other][0][key], value, rtol=0, atol=1e-6, err_msg=f"{other}, {key}")
        np.testing.assert_allclose(found[other][1].loss, history.loss, rtol=1e-5)


def test_optax_with_a_state_of_its_own_resumes_exactly(tmp_path):
    def make(**options):
        chain = optax.chain(optax.scale_by_adam(), optax.scale_by_schedule(lambda step: -0.01 / (1 + step)))
        return make_trainer(learner=Gradient(chain, clip_norm=None), **options)

    whole, parts = make(), make()
    fit(whole, 8)
    fit(parts, 4, checkpoint=tmp_path / "c.npz")
    resumed = make(net=make_net(seed=5))
    resumed.resume(tmp_path / "c.npz")
    fit(resumed, 4)
    assert_same_state(state(resumed), state(whole))


STEPS = np.arange(12)
RATES = {
    "warm-up": (WarmUp(0.5, 4), 0.5 * np.minimum(1, (STEPS + 1) / 4)),
    "cosine": (Cosine(0.5, 8, end=0.1), 0.1 + 0.4 * 0.5 * (1 + np.cos(np.pi * np.minimum(STEPS / 8, 1)))),
    "cosine, warm-up": (
        Cosine(0.5, 8, warm_up=3),
        0.25 * (1 + np.cos(np.pi * np.clip((STEPS - 3) / 5, 0, 1))) * np.minimum(1, (STEPS + 1) / 3),
    ),
    "exponential": (Exponential(0.5, 3, 0.25), 0.5 * 0.25 ** (STEPS / 3)),
    "by name": ({"schedule": "exponential", "rate": 0.5, "steps": 3}, 0.5 * 0.5 ** (STEPS / 3)),
    "function": (lambda step: 1 / (1 + step), 1 / (1 + STEPS)),
    "optax": (optax.linear_schedule(0.5, 0.1, 6), 0.5 - 0.4 * np.minimum(STEPS / 6, 1)),
    "brainpy": (bp.optim.PolynomialDecayLR(0.5, 6, 0.1), 0.1 + 0.4 * (1 - np.minimum(STEPS, 6) / 6)),
    "number": (np.float32(0.5), np.full(12, 0.5)),
    "array": (jnp.asarray(0.5), np.full(12, 0.5)),
}  # fmt: skip


@pytest.mark.parametrize("name", RATES)
def test_rates_are_those_of_their_formulas(name):
    given, wanted = RATES[name]
    rate, schedule, plateau = rate_of(given)
    found = [rate * (1.0 if schedule is None else float(jnp.asarray(schedule(jnp.int32(step))))) for step in STEPS]
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)
    assert plateau is None


@pytest.mark.parametrize(
    "name",
    ["cosine, warm-up", *(pytest.param(name, marks=pytest.mark.battery) for name in ("optax", "brainpy", "by name"))],
)
def test_each_step_has_its_own_rate(name):
    """All gradients are clipped, so that the norm of a change is the rate times clip_norm."""
    given, wanted = RATES[name]
    trainer = make_trainer(learner=Gradient("sgd", given, clip_norm=0.001))
    moved = []
    for _ in range(7):
        before = trainer.net.parameters()
        assert fit(trainer, 1, validate_every=NEVER).grad_norm[-1] > 0.002
        moved.append(np.sqrt(sum(float(((v - before[k]) ** 2).sum()) for k, v in trainer.net.parameters().items())))
    np.testing.assert_allclose(moved, 0.001 * wanted[:7], rtol=5e-3, atol=2e-7)


def history_of(*stages):
    """Validations at every step."""
    losses, stage = np.concatenate(stages), np.repeat(np.arange(len(stages)), [len(stage) for stage in stages])
    n = len(losses)
    zeros = {name: np.zeros(n) for name in ("loss", "accuracy", "grad_norm", "seconds", "compile_seconds")}
    found = {"validation_step": np.arange(1, n + 1), "validation_loss": losses}
    found |= {name: np.zeros(n) for name in ("validation_accuracy", "validation_worst", "validation_seconds")}
    return History(zeros | found | {"stage": stage})


@pytest.mark.parametrize(
    ("stages", "times"),
    [
        ([[3.0, 2.0, 1.0]], 0),
        ([[1.0, 2.0]], 0),
        ([[1.0, 2.0, 2.0]], 1),
        ([[1.0, 1.0, 1.0, 1.0, 1.0]], 2),
        ([[1.0, 2.0, 0.5, 2.0, 2.0, 0.4, 3.0]], 1),
        ([[1.0, np.nan, np.nan]], 1),
        ([[1.0, 2.0], [5.0, 4.0]], 0),
        ([[1.0, 2.0, 2.0], [5.0, 6.0, 6.0]], 2),
    ],
)
def test_plateaus_are_counted(stages, times):
    assert Plateau(0.1, 0.5, validations=2).scale(history_of(*stages)) == 0.5**times


def test_a_plateau_resumed_in_its_middle_is_the_uninterrupted_one(tmp_path):
    def make(seed):
        return make_trainer(make_net(seed=seed), learning_rate=Plateau(0.1, 0.5, validations=2))

    whole, parts, resumed = make(1), make(1), make(2)
    history = fit(whole, 18, validate_every=2)
    scale = Plateau(0.1, 0.5, 2).scale(history)
    assert scale < 1, "there must be plateaus"
    assert float(whole._state["rate"]) == pytest.approx(0.1 * scale)
    for steps in (6, 3, 4, 5):
        fit(parts, steps, validate_every=2)
        parts.save_checkpoint(tmp_path / "c.npz")
        resumed.resume(tmp_path / "c.npz")
        assert float(resumed._state["rate"]) == float(parts._state["rate"])
    assert_same_state(state(resumed), state(whole))
    assert_same_history(resumed.history, history)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: Gradient("adam", {"schedule": "step"}), ValueError, "unknown schedule 'step'; allowed: warm_up"),
        (lambda: Gradient("adam", "fast"), TypeError, "learning_rate must be a number, a schedule .* got 'fast'"),
        (lambda: Gradient("adam", True), TypeError, "learning_rate must be a number"),
        (lambda: Gradient("adam", float("inf")), ValueError, "learning_rate must be > 0 and finite; got inf"),
        (lambda: Gradient(optax.adam(0.1), 0.1), ValueError, "are only for an optimiser given by name"),
        (lambda: Gradient(optax.adam), TypeError, "optimizer must be a name"),
        (lambda: Gradient("adam", options={"rho": 0.9}), ValueError, "optimiser 'adam' has no option rho; allowed: "),
        (lambda: WarmUp(0.0, 3), ValueError, "the learning rate must be > 0 and finite; got 0.0"),
        (lambda: WarmUp(0.1, 0), ValueError, "a schedule lasts at least one step; got 0"),
        (lambda: Cosine(0.1, 3, warm_up=3), ValueError, "a cosine needs 0 <= warm_up < steps and end >= 0; got 3, 3"),
        (lambda: Exponential(0.1, 3, 1.5), ValueError, r"factor must be in \(0, 1\]; got 1.5"),
        (lambda: Plateau(0.1, 1.0), ValueError, r"factor must be in \(0, 1\); got 1.0"),
    ],
)  # fmt: skip
def test_impossible_learners_are_refused(make, error, text):
    with pytest.raises(error, match=text) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_all_schedules_are_tested():
    assert {type(given).__name__ for given, _ in RATES.values()} | {"Plateau"} >= {
        s.__name__ for s in SCHEDULES.values()
    }
