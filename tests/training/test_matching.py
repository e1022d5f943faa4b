"""Activity matching: the penalty by its formula, whom it moves, and that it brings activity nearer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import RateRNN
from eicon.training import ActivityMatch

from ..tasks.drawn import sampler
from .tiny import fit, make_net, make_task, make_trainer

TASK = make_task()
TRIAL = sampler(TASK)(jax.random.key(0), 6)


@pytest.fixture(scope="module")
def teacher():
    return make_net(seed=5)


@pytest.fixture(scope="module")
def student():
    """Four units."""
    return RateRNN.dale(2, 4, 2, e_ratio=0.75, sigma_rec=0.15, seed=1)


def penalty(match, net, trial=TRIAL, **options):
    activity = net.predict(trial.inputs, **({"noise": False} | options))
    return match(net.network, activity, trial)


def test_a_teacher_matches_itself(teacher):
    assert penalty(ActivityMatch(teacher, np.arange(10)), teacher) == 0.0
    assert penalty(ActivityMatch(teacher, np.arange(10)), teacher, noise=True, key=jax.random.key(0)) > 0.0
    assert penalty(ActivityMatch(teacher, np.arange(10)[::-1]), teacher) > 0.0


def test_penalty_is_its_formula_over_the_steps_inside(teacher, student):
    units = np.array([7, 0, 3, 3])
    end = np.max([np.asarray(span)[:, 1] for span in TRIAL.epochs.values()], axis=0)
    assert len(set(end)) > 1, "some trials must be padded"
    wanted = np.asarray(teacher.predict(TRIAL.inputs, noise=False).rates, np.float64)
    made = np.asarray(student.predict(TRIAL.inputs, noise=False).rates, np.float64)
    missed = spread = 0.0
    for i, u in enumerate(units):
        inside = np.concatenate([wanted[: end[b], b, u] for b in range(6)])
        missed += sum(((made[: end[b], b, i] - wanted[: end[b], b, u]) ** 2).sum() for b in range(6))
        spread += ((inside - inside.mean()) ** 2).sum()
    assert penalty(ActivityMatch(teacher, units, 2.5), student) == pytest.approx(2.5 * missed / spread, rel=1e-5)
    assert penalty(ActivityMatch(teacher, units, 0.0), student) == 0.0


def test_padded_steps_say_nothing(teacher, student):
    match = ActivityMatch(teacher, np.arange(4))
    activity = student.predict(TRIAL.inputs, noise=False)
    outside = ~TRIAL.inside[:, :, None]
    garbage = activity._replace(rates=jnp.where(outside, 1e3, activity.rates))
    first, second = (match(student.network, a, TRIAL) for a in (activity, garbage))
    assert first == second


def test_teacher_is_that_of_the_time_of_making_and_is_not_moved(student):
    teacher = make_net(seed=5)
    match = ActivityMatch(teacher, np.arange(4))
    before = penalty(match, student)
    teacher.raw_in.value = 2 * teacher.raw_in.value
    assert penalty(match, student) == before

    def loss(parameters):
        network = student.network.replaced(parameters)
        return match(network, network.run(TRIAL.inputs), TRIAL)

    gradient = jax.grad(loss)(student.parameters())
    assert gradient.keys() == student.parameters().keys()
    assert all(np.abs(gradient[name]).max() > 0 for name in ("raw_rec", "raw_in", "x0"))
    assert not np.asarray(gradient["raw_out"]).any()


def test_units_are_copied(teacher):
    units = np.arange(4)
    match = ActivityMatch(teacher, units)
    units[:] = 9
    assert match.units.tolist() == [0, 1, 2, 3]


def test_repr_says_what_it_is_and_not_where(teacher):
    match = ActivityMatch(teacher, np.arange(4), 0.5)
    assert repr(match) == "ActivityMatch(strength=0.5, n_units=4, teacher_n_rec=10)"


@pytest.mark.parametrize(
    ("units", "strength", "text"),
    [
        ([0, 10], 1.0, r"units must be indices in 0..9 of the teacher's units; got array\(\[ 0, 10\]\)"),
        ([-1, 0], 1.0, r"units must be indices in 0..9"),
        ([], 1.0, "units must be indices"),
        ([[0, 1]], 1.0, "units must be indices"),
        ([0.0, 1.5], 1.0, "units must be indices"),
        ([True, False], 1.0, "units must be indices"),
        ([0, 1], -1.0, "strength of a penalty must be >= 0; got -1"),
        ([0, 1], float("nan"), "strength of a penalty must be >= 0; got nan"),
    ],
)
def test_what_cannot_be_matched_is_refused(teacher, units, strength, text):
    with pytest.raises(ValueError, match=text):
        ActivityMatch(teacher, np.array(units), strength)


def test_a_network_of_another_size_is_refused(teacher, student):
    with pytest.raises(ValueError, match="the network has 4 units, but follows 1 of the teacher"):
        penalty(ActivityMatch(teacher, np.arange(1)), student)


@pytest.mark.battery
def test_training_with_it_brings_the_activity_nearer(teacher):
    net = RateRNN.dale(2, 4, 2, e_ratio=0.75, sigma_rec=0.02, train_x0=True, seed=1)
    match = ActivityMatch(teacher, np.array([0, 3, 5, 9]), 1.0)
    before = penalty(match, net)
    trainer = make_trainer(net, TASK, learning_rate=0.03, penalties=[match], loss=lambda z, trial: 0.0 * jnp.mean(z))
    fit(trainer, 40, validate_every=40)
    assert penalty(match, net) < 0.5 * before
