"""Directions across a delay: the ring, matches, categories and eye movements, against formulas and loops."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.runs import parse_recipe
from eicon.tasks import (
    NO_CHOICE,
    DelayedMatchToCategory,
    DelayedMatchToSample,
    DelayedResponse,
    Task,
    Trial,
    TruncatedExponential,
    Uniform,
)
from eicon.tasks._ring import ring_directions, ring_inputs

KEY = jax.random.key(3)
DELAY = Uniform(min=200.0, max=600.0)


def numpy_sample(task: Task, batch_size: int = 40) -> Trial:
    return jax.tree.map(np.asarray, jax.jit(task.sample, static_argnums=1)(KEY, batch_size))


def tuned(degrees: float, n_channels: int, concentration: float) -> np.ndarray:
    """Von Mises bumps, channel by channel."""
    preferred = [360.0 * i / n_channels for i in range(n_channels)]
    return np.array([math.exp(concentration * (math.cos(math.radians(degrees - p)) - 1)) for p in preferred])


@pytest.mark.parametrize(("n_channels", "concentration"), [(16, 2.5), (3, 0.5), (7, 20.0)])
def test_ring_inputs_are_von_mises_bumps(n_channels, concentration):
    degrees = [0.0, 17.0, 45.0, 180.0, 301.5, 359.0, 361.0]
    wanted = [tuned(angle, n_channels, concentration) for angle in degrees]
    np.testing.assert_allclose(ring_inputs(jnp.array(degrees), n_channels, concentration), wanted, rtol=1e-4)


def test_ring_has_its_highest_response_at_the_preferred_direction_and_half_of_it_44_degrees_away():
    preferred = ring_directions(16)
    np.testing.assert_array_equal(preferred, np.arange(0, 360, 22.5))
    response = np.asarray(ring_inputs(jnp.asarray(preferred), 16, 2.5))
    np.testing.assert_array_equal(response.argmax(axis=1), np.arange(16))
    np.testing.assert_allclose(np.diag(response), 1.0)
    assert float(ring_inputs(jnp.array([44.0]), 16, 2.5)[0, 0]) == pytest.approx(0.5, abs=0.01)


def test_three_channels_tell_all_directions_apart():
    response = np.asarray(ring_inputs(jnp.arange(0.0, 360.0, 5.0), 3, 2.5))
    distance = np.linalg.norm(response[:, None] - response[None], axis=2) + np.eye(len(response))
    assert distance.min() > 0.01


def test_input_channels_are_named_by_their_direction():
    task = DelayedMatchToSample(n_channels=8)
    assert task.input_channels[:4] == ("fixation", "direction 0", "direction 45", "direction 90")
    assert (task.n_in, task.output_channels) == (9, ("match", "non-match"))


MATCHING = [
    DelayedMatchToSample(delay=DELAY, n_channels=9, concentration=4.0, baseline=0.1, low=0.3, high=0.9),
    DelayedMatchToSample(dt=5.0, n_directions=3, delay=60.0),
    DelayedMatchToCategory(delay=DELAY, stimulus=400.0),
]


@pytest.mark.parametrize("task", MATCHING)
def test_matching_trials_are_those_of_the_docstring(task):
    trial = numpy_sample(task)
    inputs = np.full(trial.inputs.shape, task.baseline)
    targets = np.full(trial.targets.shape, task.low)
    mask = np.zeros(trial.mask.shape)
    for b in range(trial.batch_size):
        begin, end = ({name: int(span[b, i]) for name, span in trial.epochs.items()} for i in (0, 1))
        for name, duration in (("fixation", 100.0), ("sample", task.stimulus), ("test", task.stimulus)):
            assert (end[name] - begin[name]) * task.dt == duration
        assert (end["delay"] - begin["delay"]) * task.dt == trial.conditions["delay"][b]
        inputs[: end["test"], b, 0] += 1
        for name in ("sample", "test"):
            bump = tuned(trial.conditions[name][b], task.n_channels, task.concentration)
            inputs[begin[name] : end[name], b, 1:] += bump
        targets[begin["decision"] : end["decision"], b, trial.conditions["choice"][b]] = task.high
        mask[: end["fixation"], b] = mask[begin["decision"] : end["decision"], b] = 1
    np.testing.assert_allclose(trial.inputs, inputs, rtol=1e-4)
    np.testing.assert_allclose(trial.targets, targets, rtol=1e-6)
    np.testing.assert_array_equal(trial.mask, mask)


def test_random_delays_fill_their_range():
    delays = numpy_sample(DelayedMatchToSample(delay=DELAY), 500).conditions["delay"]
    assert set(np.unique(delays)) == set(np.arange(200.0, 601.0, 20.0))
    assert set(numpy_sample(DelayedMatchToSample()).conditions["delay"]) == {1000.0}


@pytest.mark.parametrize("n", [2, 5, 8])
def test_half_of_the_samples_are_followed_by_themselves_and_the_others_by_all_others(n):
    grid = DelayedMatchToSample(n_directions=n).condition_grid()
    pairs = np.zeros((n, n), int)
    for sample, test, foil, choice in zip(*(grid[name] for name in ("sample", "test", "foil", "choice")), strict=True):
        assert sample != foil
        assert choice == (0 if sample == test else 1)
        pairs[round(sample * n / 360), round(test * n / 360)] += 1
    np.testing.assert_array_equal(pairs, np.where(np.eye(n), n - 1, 1))
    assert (grid["choice"] == 0).mean() == 0.5


@pytest.mark.parametrize(("n", "boundary"), [(12, 45.0), (8, 350.0), (6, -100.0), (2, 90.0), (4, 1000.0)])
def test_categories_are_the_sides_of_the_boundary(n, boundary):
    task = DelayedMatchToCategory(n_directions=n, boundary=boundary)
    grid = task.condition_grid()

    def side(degrees: float) -> bool:
        """Left of somebody who looks along the boundary."""
        return math.sin(math.radians(degrees - boundary)) > 0

    pairs = set()
    for sample, test, category, choice in zip(*grid.values(), strict=True):
        assert category == (0 if side(sample) else 1)
        assert choice == (0 if side(sample) == side(test) else 1)
        pairs.add((float(sample), float(test)))
    assert len(pairs) == n**2 == task.n_conditions
    assert (grid["choice"] == 0).mean() == 0.5
    assert (grid["category"] == 0).mean() == 0.5
    np.testing.assert_array_equal(task.category(grid["sample"]), grid["category"])


def test_category_of_directions_at_and_around_the_boundary():
    task = DelayedMatchToCategory()
    assert task.category([45.0, 45.1, 224.9, 225.1, 359.0, 0.0, 44.9]).tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert task.category(90.0).shape == ()
    opposite = DelayedMatchToCategory(boundary=225.0)
    np.testing.assert_array_equal(opposite.category(np.arange(0, 360, 10)), 1 - task.category(np.arange(0, 360, 10)))
    np.testing.assert_array_equal(opposite.condition_grid()["choice"], task.condition_grid()["choice"])


@pytest.mark.parametrize("make", [DelayedMatchToSample, DelayedMatchToCategory])
def test_choice_is_read_from_the_decision_only(make):
    task = make(delay=DELAY)
    trial = task.sample(KEY, 40)
    decision = np.asarray(trial.during("decision"))
    outputs = np.where(decision[:, :, None], [0.4, 0.5], [9.0, -9.0]).astype(np.float32)
    assert set(task.choice(jnp.asarray(outputs), trial).tolist()) == {1}
    assert set(task.choice(jnp.asarray(outputs[:, :, ::-1]), trial).tolist()) == {0}
    outputs[:, :, 1] = outputs[:, :, 0]
    assert set(task.choice(jnp.asarray(outputs), trial).tolist()) == {NO_CHOICE}


def test_nothing_is_shown_in_a_catch_trial():
    trial = numpy_sample(DelayedMatchToSample(catch=True, n_directions=2, baseline=0.1), 200)
    catch = trial.conditions["catch"]
    assert 10 < catch.sum() < 80  # one in five
    assert (trial.inputs[:, catch] == np.float32(0.1)).all()
    assert (trial.inputs[:, ~catch] > 1).any(axis=(0, 2)).all()


@pytest.mark.parametrize("dt", [20.0, 5.0])
def test_delayed_response_trials_are_those_of_the_docstring(dt):
    task = DelayedResponse(dt=dt, n_directions=6, n_channels=8, concentration=1.5, cue=260.0, baseline=0.1)
    trial = numpy_sample(task)
    inputs, targets = np.full(trial.inputs.shape, 0.1), np.zeros(trial.targets.shape)
    for b in range(trial.batch_size):
        begin, end = ({name: int(span[b, i]) for name, span in trial.epochs.items()} for i in (0, 1))
        for name, duration in (("fixation", 100.0), ("cue", 260.0), ("response", 300.0)):
            assert (end[name] - begin[name]) * dt == duration
        assert 800 <= trial.conditions["delay"][b] == (end["delay"] - begin["delay"]) * dt <= 1200
        degrees = trial.conditions["direction"][b]
        assert degrees == 60 * trial.conditions["choice"][b]
        inputs[: begin["response"], b, 0] += 1
        inputs[begin["cue"] : end["cue"], b, 1:] += tuned(degrees, 8, 1.5)
        place = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        targets[begin["response"] : end["response"], b] = place
    np.testing.assert_allclose(trial.inputs, inputs, rtol=1e-4)
    np.testing.assert_allclose(trial.targets, targets, atol=1e-6)
    np.testing.assert_array_equal(trial.mask, trial.inside)


def looking(task: DelayedResponse, trial: Trial, degrees: np.ndarray, reach: float = 1.0) -> jax.Array:
    """Outputs that go to a place in the response, and somewhere else before and after."""
    angle = np.radians(degrees)
    place = reach * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    during = np.asarray(trial.during("response"))[:, :, None]
    return jnp.asarray(np.where(during, place, [-3.0, 7.0]), jnp.float32)


@pytest.mark.parametrize("reach", [0.51, 1.0, 30.0])
def test_angle_is_where_the_eye_looks_in_the_response(reach):
    task = DelayedResponse()
    trial = task.sample(KEY, 40)
    degrees = np.random.default_rng(0).uniform(0, 360, 40)
    angle = task.angle(looking(task, trial, degrees, reach), trial)
    np.testing.assert_allclose(angle, degrees, atol=1e-2)


def test_angle_is_that_of_the_mean_position():
    task = DelayedResponse(delay=200.0, response=200.0)
    trial = task.sample(KEY, 2)
    outputs = np.zeros((trial.n_steps, 2, 2), np.float32)
    outputs[-10:-6, :, 0], outputs[-6:, :, 1] = 2.0, 2.0
    np.testing.assert_allclose(task.angle(jnp.asarray(outputs), trial), math.degrees(math.atan2(6, 4)), rtol=1e-5)


def test_an_eye_that_stays_nearer_to_the_fixation_point_does_not_choose():
    task = DelayedResponse()
    trial = task.sample(KEY, 40)
    outputs = looking(task, trial, np.full(40, 30.0), 0.49)
    assert np.isnan(task.angle(outputs, trial)).all()
    assert set(task.choice(outputs, trial).tolist()) == {NO_CHOICE}


@pytest.mark.parametrize("off", [0.0, 22.0, -22.0, 23.0, -23.0, 180.0])
def test_movement_is_right_if_no_other_direction_is_nearer(off):
    task = DelayedResponse()
    trial = task.sample(KEY, 40)
    outputs = looking(task, trial, np.asarray(trial.conditions["direction"]) + off)
    np.testing.assert_array_equal(task.correct(outputs, trial), abs(off) < 22.5)
    chosen = np.asarray(trial.conditions["choice"]) + {22.0: 0, -22.0: 0, 23.0: 1, -23.0: -1}.get(off, off / 45)
    np.testing.assert_array_equal(task.choice(outputs, trial), chosen % 8)


RING = [
    ({"n_directions": 1}, "n_directions must be at least 2; got 1"),
    ({"n_channels": 2}, "n_channels must be at least 3, to distinguish all directions; got 2"),
    ({"concentration": 0.0}, "concentration must be > 0 and finite; got 0.0"),
    ({"concentration": float("inf")}, "concentration must be > 0 and finite; got inf"),
    ({"concentration": float("nan")}, "concentration must be > 0 and finite; got nan"),
    ({"fixation": 9.0}, "fixation of 9 ms is shorter than half a step of dt 20 ms"),
    ({"delay": 0.0}, "delay must last longer than 0 ms and be finite; got 0.0"),
    ({"delay": Uniform(min=0.0, max=9.0)}, "delay of 9 ms is shorter than half a step of dt 20 ms"),
]


@pytest.mark.parametrize("make", [DelayedMatchToSample, DelayedMatchToCategory, DelayedResponse])
@pytest.mark.parametrize(("options", "text"), RING)
def test_impossible_rings_and_epochs_are_refused(make, options, text):
    with pytest.raises(ValueError, match=text):
        make(**options)


@pytest.mark.parametrize(
    ("make", "options", "text"),
    [
        (DelayedMatchToSample, {"stimulus": 5.0}, "stimulus of 5 ms is shorter than half a step"),
        (DelayedMatchToSample, {"decision": -1.0}, "decision must last longer than 0 ms and be finite; got -1.0"),
        (DelayedMatchToCategory, {"n_directions": 7}, "n_directions must be even, for categories of equal size; got 7"),
        (
            DelayedMatchToCategory,
            {"boundary": 60.0},
            "boundary must run between the directions, which are the multiples of 30 degrees; got 60",
        ),
        (DelayedMatchToCategory, {"boundary": -90.0}, "multiples of 30 degrees; got -90"),
        (DelayedMatchToCategory, {"boundary": 359.9999}, "boundary must run between the directions"),
        (DelayedMatchToCategory, {"boundary": float("nan")}, "boundary must be a finite direction .degrees.; got nan"),
        (DelayedResponse, {"cue": 0.0}, "cue must last longer than 0 ms and be finite; got 0.0"),
        (DelayedResponse, {"response": 9.0}, "response of 9 ms is shorter than half a step"),
    ],
)
def test_impossible_tasks_are_refused(make, options, text):
    with pytest.raises(ValueError, match=text):
        make(**options)


@pytest.mark.parametrize(
    ("lines", "task"),
    [
        (
            "name = 'DelayedMatchToSample'\nn_directions = 4\ndelay = {mean = 300, min = 50, max = 900}",
            DelayedMatchToSample(n_directions=4, delay=TruncatedExponential(mean=300.0, min=50.0, max=900.0)),
        ),
        (
            "name = 'DelayedMatchToCategory'\nboundary = 20.0\ndelay = {min = 50, max = 900}",
            DelayedMatchToCategory(boundary=20.0, delay=Uniform(min=50.0, max=900.0)),
        ),
        ("name = 'DelayedResponse'\ndelay = 700.0\ncue = 200.0", DelayedResponse(delay=700.0, cue=200.0)),
        ("name = 'DelayedResponse'", DelayedResponse()),
    ],
)
def test_a_configuration_can_hold_the_tasks_and_keeps_them(lines, task):
    config = parse_recipe("[task]\n" + lines)
    assert config.make_task() == task
    assert parse_recipe(config.to_toml()) == config
