"""Every kind of trials with learner: exact resume, what is refused, and what a training says of itself."""

import time

import brainpy as bp
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import Leaky, RateRNN, verify
from eicon.training import (
    Fixed,
    Gradient,
    HessianFree,
    NonFiniteLoss,
    Patience,
    RatePenalty,
    Sampled,
    Trainer,
    VanishingGradient,
    mean_squared_error,
)
from eicon.training._evaluation import Forward, Validation, padded

from .tiny import (
    KINDS,
    NEVER,
    Interruption,
    assert_same_history,
    assert_same_state,
    evaluation,
    fit,
    fixed,
    make_kind,
    make_net,
    make_task,
    make_trainer,
    put,
    rewind,
    script,
    start_of,
    state,
)

ALL = pytest.mark.parametrize("kind", KINDS)


def assert_same(first: Trainer, second: Trainer) -> None:
    assert_same_state(state(first), state(second))
    assert_same_history(first.history, second.history)


# ------------------------------------------------------------------------------------------------------- exact resume


@pytest.mark.battery
@ALL
def test_a_training_in_parts_is_the_whole_one(kind, tmp_path):
    """In every kind of trials and learner; also chunks of other lengths and another order of calls."""
    whole, first = make_kind(kind), make_kind(kind)
    fit(whole, 10, validate_every=4)
    fit(first, 5, validate_every=4, checkpoint=tmp_path / "c.npz")
    resumed = make_kind(kind, make_net(seed=5))
    resumed.resume(tmp_path / "c.npz")
    assert_same(resumed, first)
    for trainer in (resumed, first):
        fit(trainer, 5, validate_every=4)
        assert_same(trainer, whole)
    np.testing.assert_array_equal(resumed.history.stage, 0)
    assert verify(resumed.net).ok
    assert resumed.best_step == whole.best_step
    assert_same_values(resumed.best, whole.best)


def assert_same_values(first: RateRNN, second: RateRNN) -> None:
    for name, value in first.parameters().items():
        np.testing.assert_array_equal(value, second.parameters()[name])


@pytest.mark.battery
@ALL
def test_chunks_of_other_lengths_give_the_same_bits(kind):
    once, often = make_kind(kind), make_kind(kind)
    fit(once, 7, validate_every=NEVER)
    for steps in (1, 2, 1, 3):
        fit(often, steps, validate_every=1)
    assert_same_state(state(once), state(often))
    for name in ("loss", "accuracy", "grad_norm"):
        np.testing.assert_array_equal(once.history[name], often.history[name])


@pytest.mark.battery
@ALL
def test_non_finite_losses_put_everything_back(kind):
    trainer = make_kind(kind)
    fit(trainer, 4, validate_every=2)
    raw = trainer.net.raw_in.value
    trainer.net.raw_in.value = raw.at[0, 0].set(jnp.nan)
    before, history, best = state(trainer), trainer.history, trainer.best_step
    with pytest.raises(NonFiniteLoss, match="at step 5; the network was restored to step 4"):
        fit(trainer, 4, validate_every=2)
    assert_same_state(state(trainer), before)
    assert trainer.history is history
    assert trainer.best_step == best
    trainer.net.raw_in.value = raw
    other = make_kind(kind)
    fit(other, 4, validate_every=2)
    for again in (trainer, other):
        fit(again, 2, validate_every=2)
    assert_same(trainer, other)


# ------------------------------------------------------------------------------------------ what is refused, and taken


@pytest.mark.parametrize("name", ["task", "loss", "trials", "learner", "penalties", "net", "history", "step"])
@pytest.mark.parametrize("other", ["batch_size", "learning_rate", "clip_norm", "optimizer"])
def test_nothing_can_be_assigned(trainer, name, other):
    for one in (name, other):
        before = getattr(trainer, one, None)
        with pytest.raises(AttributeError, match=f"{one} of a trainer cannot be assigned: ") as caught:
            setattr(trainer, one, before)
        assert "\n" not in str(caught.value)
        assert getattr(trainer, one, None) is before or one in ("loss", "history", "step", "task")


@pytest.mark.parametrize(
    ("name", "advice"),
    [("task", r"fit\(steps, task=\.\.\.\)"), ("learning_rate", "schedule"), ("loss", "a new Trainer")],
)
def test_advice_where_something_is_assigned(trainer, name, advice):
    with pytest.raises(AttributeError, match=advice):
        setattr(trainer, name, None)


def plain(**options):
    return Trainer(make_net(), make_task(), validation_repeats=1, **options)


@pytest.mark.unchecked
@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"learner": Gradient(), "optimizer": "adam"}, ValueError, "optimizer and learner set the same"),
        ({"learner": Gradient(), "learning_rate": 0.1}, ValueError, "learning_rate and learner set the same"),
        ({"learner": HessianFree(), "clip_norm": None}, ValueError, "clip_norm and learner set the same"),
        ({"learner": Gradient(), "optimizer": "sgd", "clip_norm": 2}, ValueError, "optimizer, clip_norm and learner"),
        ({"trials": Sampled(4), "batch_size": 4}, ValueError, "batch_size and trials set the same thing"),
        ({"penalties": [], "regularizers": []}, ValueError, "penalties and regularizers are synonyms"),
        ({"learner": Gradient}, TypeError, r"learner must be Gradient\(\.\.\.\), HessianFree\(\.\.\.\) or a similar"),
        ({"learner": "adam"}, TypeError, "learner must be Gradient"),
        ({"trials": 32}, TypeError, r"trials must be Sampled\(batch_size\) or Fixed\(train, validation\); got 32"),
        ({"loss": 3}, TypeError, r"a loss is a name or a function of \(outputs, trial\); got 3"),
        ({"penalties": 3}, TypeError, "penalties must be functions"),
        ({"regularizers": "l2"}, TypeError, r"penalties must be functions of .* got 'l2'"),
        (
            {"optimizer": bp.optim.Adam(0.01), "learning_rate": 0.5},
            ValueError,
            "optimiser given by name; this Adam has its own",
        ),
        ({"penalties": [RatePenalty]}, TypeError, r"penalties must be functions of .* e.g. RatePenalty\(0.1\)"),
        ({"batch_size": 2.5}, TypeError, "batch_size must be a whole number; got 2.5"),
        ({"batch_size": True}, TypeError, "batch_size must be a whole number; got True"),
        ({"clip_norm": "1"}, TypeError, "clip_norm must be a number"),
        ({"clip_norm": float("nan")}, ValueError, "clip_norm must be > 0"),
    ],
)
def test_what_is_refused(options, error, text):
    with pytest.raises(error, match=text) as caught:
        plain(**options)
    assert "\n" not in str(caught.value)


@pytest.mark.unchecked
@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (
            lambda: Fixed(make_task(), make_task()),
            TypeError,
            "train must be trials, from task.trials or split_trial",
        ),
        (lambda: fixed(batch_size=0), ValueError, "batch_size must be at least 1; got 0"),
        (lambda: Patience(0), ValueError, "patience needs validations >= 1 and least >= 0; got 0, 0.0"),
        (lambda: Patience(of="worse"), ValueError, "patience watches the validation's loss, accuracy or worst; got"),
        (
            lambda: Trainer(make_task(), make_net()),
            TypeError,
            "expected a task; got .* network, which comes before the task: swap the two arguments",
        ),
    ],
)
def test_what_else_is_refused(make, error, text):
    with pytest.raises(error, match=text) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.unchecked
@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"restore": "first"}, ValueError, "restore must be 'last' or 'best'; got 'first'"),
        ({"stop_when": 0.9}, TypeError, "stop_when is a rule"),
        ({"stop_when": "accuracy"}, TypeError, r"stop_when is a rule, e.g. AccuracyReached\(0.9\), or 'criterion'"),
        ({"validate_every": 2.5}, TypeError, "validate_every must be a whole number; got 2.5"),
        ({"steps": "many"}, TypeError, "steps must be a whole number; got 'many'"),
    ],
)
def test_fits_that_are_refused(trainer, options, error, text):
    with pytest.raises(error, match=text):
        trainer.fit(**({"steps": 1, "progress": False} | options))
    assert trainer.step == 0


def test_short_and_long_form_are_one():
    short = plain(optimizer="sgd", learning_rate=0.1, clip_norm=None, batch_size=8, regularizers=RatePenalty(0.1))
    learner = Gradient("sgd", 0.1, clip_norm=None)
    long = plain(learner=learner, trials=Sampled(8), penalties=[RatePenalty(0.1)])
    assert short._setup() == long._setup()
    assert (short.learner, short.trials, short.penalties) == (long.learner, long.trials, long.penalties)
    assert (plain().learner, plain().trials) == (Gradient(), Sampled(32))
    assert plain(learner=HessianFree()).trials == Sampled(64)


@pytest.mark.unchecked
@pytest.mark.parametrize(
    "number",
    [float, np.float32, np.float64, np.int64, jnp.asarray, np.asarray],
    ids=["float", "float32", "float64", "int64", "jax", "numpy"],
)
def test_numbers_may_be_of_any_kind(trainer, number, tmp_path):
    """And what they are is kept in a checkpoint, from which a training with plain numbers goes on."""
    n = 1e1 if number in (jnp.asarray, np.asarray) else number(10)
    size = 8.0 if number in (jnp.asarray, np.asarray) else number(8)
    rate = number(0.5) if number is not np.int64 else 0.5
    odd = plain(learning_rate=rate, clip_norm=number(1), batch_size=size, seed=size, regularizers=RatePenalty(0.0))
    even = plain(learning_rate=0.5, clip_norm=1.0, batch_size=8, seed=8, regularizers=RatePenalty(0.0))
    assert odd._setup() == even._setup()
    assert odd.learner.method() == even.learner.method()
    odd.save_checkpoint(tmp_path / "c.npz")
    even.resume(tmp_path / "c.npz")
    assert fit(trainer, n, validate_every=size).n_steps == 10


@pytest.mark.unchecked
@pytest.mark.parametrize("number", [np.float32, np.float64, jnp.asarray], ids=["float32", "float64", "jax"])
def test_options_of_learners_may_be_of_any_kind(number, tmp_path):
    learners = [
        (Gradient(options={"eps": number(0.5)}, factors={"b_rec": number(2.0)}),) * 2,
        (Gradient(options={"eps": 0.5}, factors={"b_rec": 2.0}),) * 2,
        (HessianFree(damping=number(0.5), warm_start=number(0.5)), HessianFree(damping=0.5, warm_start=0.5)),
    ]
    for given, other in (learners[0][:1] + learners[1][:1], learners[2]):
        plain(learner=given).save_checkpoint(tmp_path / "c.npz")
        plain(learner=other).resume(tmp_path / "c.npz")
        assert given.method() == other.method()


# ------------------------------------------------------------------------------------- penalties, losses, what they see


class Needing:
    """A penalty of what it asks for."""

    def __init__(self, *names):
        self.needs = frozenset(names)

    def __call__(self, network, activity, trial, **given):
        assert given.keys() == self.needs
        assert {value.shape for value in given.values()} == {activity.rates.shape}
        for name in given:
            given[name] = jax.lax.stop_gradient(given[name])
        return sum(jnp.mean(value**2) for value in given.values()) * jnp.mean(network.recurrent.effective() ** 2)


@pytest.mark.parametrize("names", [("currents",), ("cotangents",), ("currents", "cotangents")])
def test_penalties_are_given_what_they_need(names):
    trainer = make_trainer(penalties=Needing(*names), optimizer="sgd", learning_rate=1e-6)
    plain = make_trainer(optimizer="sgd", learning_rate=1e-6)
    with_it, without = (fit(one, 2, validate_every=NEVER).loss for one in (trainer, plain))
    assert (with_it > without).all()


def test_what_cannot_be_needed_is_refused():
    with pytest.raises(ValueError, match="needs weights; allowed: cotangents, currents"):
        make_trainer(penalties=[Needing("weights")])
    other = RateRNN.dale(2, 10, 2, cell=Leaky("tanh", gain=True))
    make_trainer(other, penalties=[Needing("currents")])


def test_a_loss_may_take_the_activity():
    def with_rates(outputs, trial, activity):
        return mean_squared_error(outputs, trial) + 0.3 * jnp.mean(activity.rates**2)

    def as_penalty(network, activity, trial):
        return 0.3 * jnp.mean(activity.rates**2)

    by_loss, by_penalty = make_trainer(loss=with_rates), make_trainer(penalties=as_penalty)
    for trainer in (by_loss, by_penalty):
        fit(trainer, 5)
    np.testing.assert_allclose(by_loss.history.loss, by_penalty.history.loss, rtol=1e-5)
    for name, value in by_loss.net.parameters().items():
        np.testing.assert_allclose(value, by_penalty.net.parameters()[name], rtol=1e-3, atol=1e-5)
    assert by_loss.history.validation_loss[0] > by_penalty.history.validation_loss[0], "the loss of a validation, too"


@pytest.mark.battery
def test_a_loss_with_the_activity_and_hessian_free():
    def with_rates(outputs, trial, activity):
        return mean_squared_error(outputs, trial) + 0.3 * jnp.mean(activity.rates**2)

    trainer = make_kind("sampled, Hessian-free", loss=with_rates)
    assert np.isfinite(fit(trainer, 2, validate_every=1).loss).all()


# ----------------------------------------------------------------------------------------------- best, rules, callbacks


def validations(*losses):
    return [Validation(loss, 0.5, 0.5) for loss in losses]


def test_the_best_network_is_kept(trainer, monkeypatch):
    kept = {}

    def keep(trained):
        kept[trained.step] = {name: np.asarray(v) for name, v in trained.net.parameters().items()}

    assert trainer.best is None
    assert trainer.best_step is None
    script(monkeypatch, validations(0.5, 0.2, 0.3, 0.2))
    fit(trainer, 20, callback=keep)
    assert list(kept) == [5, 10, 15, 20]
    assert trainer.best_step == 10
    for name, value in trainer.best.parameters().items():
        np.testing.assert_array_equal(value, kept[10][name])
    assert trainer.best.n_rec == 10
    assert (kept[20]["raw_rec"] == np.asarray(trainer.net.raw_rec.value)).all(), "the last one is left"


def test_accuracy_ranks_before_loss(trainer, monkeypatch):
    script(monkeypatch, [Validation(0.5, 0.9, 0.8), Validation(0.1, 0.8, 0.8), Validation(0.4, 0.9, 0.8)])
    fit(trainer, 15)
    assert trainer.best_step == 15
    script(monkeypatch, [Validation(np.nan, np.nan, np.nan)])
    fit(trainer, 5)
    assert trainer.best_step == 15


def test_the_best_network_can_be_restored(trainer, reference, at_10, monkeypatch):
    script(monkeypatch, validations(0.5, 0.2, 0.3, 0.4))
    fit(trainer, 20, restore="best")
    for name, value in trainer.net.parameters().items():
        np.testing.assert_array_equal(value, at_10[0][name])
    assert trainer.step == 20


def test_the_best_network_survives_a_checkpoint(trainer, twin, monkeypatch, tmp_path):
    script(monkeypatch, validations(0.5, 0.2, 0.3))
    fit(trainer, 15, checkpoint=tmp_path / "c.npz")
    twin.resume(tmp_path / "c.npz")
    assert twin.best_step == 10
    for name, value in twin.best.parameters().items():
        np.testing.assert_array_equal(value, trainer.best.parameters()[name])
    script(monkeypatch, validations(0.25, 0.1))
    fit(twin, 5)
    assert twin.best_step == 10
    fit(twin, 5)
    assert twin.best_step == 25


def patient(losses, **options):
    n, zeros = len(losses), np.zeros(len(losses))
    from eicon.training.results import History

    found = {
        "validation_step": np.arange(1, n + 1),
        "validation_loss": losses,
        "validation_accuracy": -np.array(losses),
    }
    return Patience(**options)(History(found | {"validation_worst": zeros}))


@pytest.mark.parametrize(
    ("losses", "options", "over"),
    [
        ([3.0, 2.0, 1.0], {"validations": 2}, False),
        ([1.0, 2.0, 3.0], {"validations": 2}, True),
        ([1.0, 2.0], {"validations": 2}, False),
        ([1.0, 2.0, 0.9], {"validations": 2}, False),
        ([1.0, 2.0, 0.9], {"validations": 2, "least": 0.2}, True),
        ([1.0, 1.0, 1.0], {"validations": 2}, True),
        ([np.nan, np.nan, np.nan], {"validations": 2}, False),
        ([1.0, np.nan, np.nan], {"validations": 2}, True),
        ([1.0, 2.0, 3.0], {"validations": 2, "of": "accuracy"}, True),
        ([3.0, 2.0, 1.0], {"validations": 2, "of": "accuracy"}, False),
    ],
)
def test_patience(losses, options, over):
    assert patient(losses, **options) == over


def test_patience_ends_a_training(trainer, monkeypatch):
    script(monkeypatch, validations(0.5, 0.2, 0.3, 0.4, 0.1))
    assert fit(trainer, 50, stop_when=Patience(2)).n_steps == 20


def test_callbacks_come_after_validations_and_before_the_end(trainer, tmp_path):
    seen = []
    path = tmp_path / "c.npz"
    fit(trainer, 12, checkpoint=path, checkpoint_every=5, callback=lambda t: seen.append((t is trainer, t.step)))
    assert seen == [(True, 5), (True, 10)]

    def fails(trained):
        raise RuntimeError("no disk")

    with pytest.raises(RuntimeError, match="no disk"):
        fit(trainer, 10, checkpoint=path, callback=fails)
    assert trainer.step == 15
    assert_resumes(trainer, path)


def assert_resumes(trainer, path):
    wanted = state(trainer)
    trainer.resume(path)
    assert_same_state(state(trainer), wanted)


def test_criterion_of_the_task(trainer, monkeypatch):
    task = make_task()
    assert 0.5 < task.criterion <= 1
    script(monkeypatch, [Validation(0.1, 0.99, 0.99)] * 9)
    assert fit(trainer, 50, stop_when="criterion").n_steps == 25


# ---------------------------------------------------------------------------------------------------------------- time


@pytest.mark.battery
@pytest.mark.parametrize("kind", ["sampled, gradient", "fixed, gradient"])
def test_seconds_are_wall_time(kind):
    """Also of a structure that has yet to be compiled, and with validations at every step."""
    trainer = make_kind(kind, make_net(activation="softplus"), penalties=RatePenalty(0.2))
    start = time.perf_counter()
    history = fit(trainer, 300, validate_every=1)
    wall = time.perf_counter() - start
    assert history.seconds[-1] == pytest.approx(wall, rel=0.05)
    assert (np.diff(history.seconds) > 0).all()
    for name in ("compile_seconds", "validation_seconds"):
        assert (np.diff(history[name]) >= 0).all()
        assert 0 < history[name][-1] < history.seconds[-1]
    assert ((history.compile_seconds + history.validation_seconds) <= history.seconds).all()
    start, before = time.perf_counter(), history.seconds[-1]
    history = fit(trainer, 100, validate_every=1)
    assert history.seconds[-1] - before == pytest.approx(time.perf_counter() - start, rel=0.1)
    assert history.compile_seconds[-1] - history.compile_seconds[299] < 0.5 * (history.seconds[-1] - before)


def test_what_is_compiled_apart_from_a_fit_is_not_part_of_it(tmp_path):
    """Making a trainer, another task's validation, and a chunk that was given up."""
    first = make_trainer(validation_repeats=3)
    second = make_trainer(validation_repeats=3)
    fit(first, 5)
    second.validate(make_task(fixation=100.0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(second, "_write", Interruption(second, "_write", 1, False))
        with pytest.raises(KeyboardInterrupt):
            fit(second, 5)
    for _ in range(5):
        history = fit(second, 1, validate_every=1)
    assert ((history.compile_seconds + history.validation_seconds) <= history.seconds).all()


def test_seconds_go_on_where_a_checkpoint_left_off(trainer, twin, tmp_path):
    before = fit(trainer, 10, checkpoint=tmp_path / "c.npz")
    twin.resume(tmp_path / "c.npz")
    time.sleep(0.3)
    start = time.perf_counter()
    history = fit(twin, 5)
    assert history.seconds[-1] - before.seconds[-1] == pytest.approx(time.perf_counter() - start, abs=0.05)
    for name in ("seconds", "compile_seconds", "validation_seconds"):
        np.testing.assert_array_equal(history[name][:10], before[name])
        assert (np.diff(history[name]) >= 0).all()


# --------------------------------------------------------------------------------------------------------- evaluations


@pytest.mark.parametrize("noise", [0.0, 0.15])
def test_padding_of_validation_trials_changes_nothing(noise):
    net = make_net(sigma_rec=noise, sigma_in=noise)
    trainer = make_trainer(net, make_task(fixation=120.0))
    found = evaluation(trainer)
    n = found.trial.n_steps
    assert n < found.inputs.shape[0] <= 1.25 * n
    assert (np.asarray(found.inputs[:n]) == np.asarray(found.trial.inputs)).all()
    assert not np.asarray(found.inputs[n:]).any()
    run = jax.jit(lambda inputs: Forward(True).run(trainer._values(), net.network, inputs, found.key))
    with_padding, without = run(found.inputs), run(found.trial.inputs)
    np.testing.assert_array_equal(with_padding.outputs[:n], without.outputs)
    np.testing.assert_array_equal(with_padding.rates[:n], without.rates)
    loss, accuracy = (
        mean_squared_error(without.outputs, found.trial),
        trainer.task.accuracy(without.outputs, found.trial),
    )
    assert trainer.validate()[:2] == pytest.approx((float(loss), float(accuracy)), rel=1e-6)


def test_padded_lengths():
    lengths = [padded(np.zeros((n, 1, 1), np.float32)).shape[0] for n in range(1, 2000)]
    assert all(n <= m <= 1.25 * n for n, m in enumerate(lengths, 1))
    assert len(set(lengths)) < 45


def test_validations_take_a_small_part_of_the_time_by_default():
    for kind in KINDS:
        trainer = make_kind(kind, validation_repeats=None)
        trials = evaluation(trainer).trial.batch_size
        steps, learner = trainer.validate_every, trainer.learner
        if kind.startswith("sampled"):
            assert trials <= 0.12 * steps * trainer.trials.batch_size * learner.passes
            assert trials % trainer.task.n_conditions == 0
        else:
            assert steps == trainer.trials.steps_per_epoch == 2


def test_other_tasks_can_be_validated(trainer):
    same = trainer.validate(make_task())
    assert same == trainer.validate()
    other = trainer.validate(make_task(fixation=100.0, coherence=(51.2,)))
    assert other != same
    with pytest.raises(ValueError, match="must have the same dt"):
        trainer.validate(make_task(dt=10.0))


def test_rewinding_is_complete(trainer):
    """Or tests would not be independent."""
    start, before = start_of(trainer), state(trainer)
    fit(trainer, 6)
    put(trainer, start_of(trainer))
    rewind(trainer, start)
    assert_same_state(state(trainer), before)
    assert (trainer.step, trainer.best) == (0, None)


def test_vanishing_gradient_is_one_of_the_penalties():
    assert VanishingGradient().needs == {"currents", "cotangents"}
    assert make_trainer(penalties=VanishingGradient()).penalties == (VanishingGradient(),)
