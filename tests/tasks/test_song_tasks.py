"""The other tasks of Song, Yang & Wang (2016): their numbers by hand, and trials and scores written out in loops."""

import dataclasses
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy import stats

from eicon.runs import ConfigError, parse_recipe
from eicon.tasks import (
    NO_CHOICE,
    ContextIntegration,
    MultisensoryIntegration,
    ParametricMemory,
    ReactionTimeDecision,
    SequenceExecution,
    SineWave,
    Task,
    Trial,
    TruncatedExponential,
    Uniform,
)
from eicon.tasks._table import make
from eicon.tasks._timing import as_duration, draw_steps, longest

KEY = jax.random.key(7)
BATCH = 80
TYPES = [
    ReactionTimeDecision,
    ParametricMemory,
    ContextIntegration,
    MultisensoryIntegration,
    SequenceExecution,
    SineWave,
]
CHOICE_TYPES = TYPES[:4]


def sample(task: Task, batch_size: int = BATCH) -> Trial:
    drawn = jax.jit(task.sample, static_argnums=1)(KEY, batch_size)
    return jax.tree.map(np.asarray, drawn)


def validation(task: Task) -> Trial:
    return jax.tree.map(np.asarray, jax.jit(lambda key: task.trials(1, key=key))(KEY))


def on_device(trial: Trial) -> Trial:
    return jax.tree.map(jnp.asarray, trial)


# Durations


def test_uniform_durations_are_uniform():
    values = np.asarray(Uniform(2500.0, 3500.0).sample(jax.random.key(1), (20_000,)))
    assert values.min() >= 2500
    assert values.max() <= 3500
    assert stats.kstest(values, stats.uniform(2500, 1000).cdf).pvalue > 1e-3
    assert stats.kstest(values, stats.uniform(2500, 1050).cdf).pvalue < 1e-3


@pytest.mark.parametrize("dt", [1.0, 20.0, 50.0])
def test_uniform_steps_are_rounded_durations_that_do_not_depend_on_dt(dt):
    duration = Uniform(100.0, 900.0)
    milliseconds = np.asarray(duration.sample(KEY, (300,)))
    steps = np.asarray(draw_steps(duration, dt, KEY, 300))
    assert steps.dtype == np.int32
    assert np.abs(steps * dt - milliseconds).max() <= dt / 2 + 1e-3
    assert len(np.unique(steps)) > 10


def test_uniform_duration_takes_at_least_a_step():
    assert jnp.unique(draw_steps(Uniform(0.0, 9.0), 20.0, KEY, 100)).tolist() == [1]


def test_uniform_duration_from_a_mapping():
    assert longest(Uniform(10.0, 70.0)) == 70.0
    assert as_duration("delay", {"min": 10.0, "max": 70.0}) == Uniform(10.0, 70.0)
    assert as_duration("delay", Uniform(10.0, 70.0)) == Uniform(10.0, 70.0)
    random = TruncatedExponential(mean=30.0, min=10.0, max=70.0)
    assert as_duration("delay", {"mean": 30.0, "min": 10.0, "max": 70.0}) == random


@pytest.mark.parametrize(
    ("low", "high"), [(-1.0, 5.0), (5.0, 5.0), (6.0, 5.0), (0.0, math.inf), (math.nan, 5.0), (0.0, math.nan)]
)
def test_impossible_uniform_durations_are_refused(low, high):
    text = rf"a uniform duration needs finite 0 <= min < max \(ms\); got min {low}, max {high}"
    with pytest.raises(ValueError, match=text):
        Uniform(low, high)


# What the papers say


@pytest.mark.parametrize("dt", [20.0, 10.0])
@pytest.mark.parametrize(
    ("task_type", "spans"),
    [
        (ReactionTimeDecision, {"fixation": (0, 100), "stimulus": (100, 400), "decision": (400, 1100)}),
        (ContextIntegration, {"fixation": (0, 100), "stimulus": (100, 900), "decision": (900, 1200)}),
        (MultisensoryIntegration, {"fixation": (0, 100), "stimulus": (100, 1100), "decision": (1100, 1400)}),
        (
            SequenceExecution,
            {
                "intertrial": (0, 1000),
                "fixation": (1000, 2000),
                "movement 1": (2000, 2500),
                "movement 2": (2500, 3000),
                "movement 3": (3000, 3500),
            },
        ),
    ],
)
def test_epochs_in_milliseconds(task_type, spans, dt):
    trial = validation(task_type(dt=dt))
    assert {name: {tuple(pair) for pair in (span * dt).tolist()} for name, span in trial.epochs.items()} == {
        name: {span} for name, span in spans.items()
    }
    assert trial.n_steps * dt == max(stop for _, stop in spans.values())


@pytest.mark.parametrize("dt", [20.0, 10.0])
def test_epochs_of_parametric_memory_in_milliseconds(dt):
    trial = sample(ParametricMemory(dt=dt))
    spans = {name: span * dt for name, span in trial.epochs.items()}
    delay = spans["delay"] @ [-1, 1]
    assert (spans["fixation"] == [0, 100]).all()
    assert (spans["f1"] == [100, 600]).all()
    assert (spans["delay"][:, 0] == 600).all()
    np.testing.assert_array_equal(spans["f2"], np.stack([600 + delay, 1100 + delay], axis=1))
    np.testing.assert_array_equal(spans["decision"], np.stack([1100 + delay, 1400 + delay], axis=1))
    np.testing.assert_array_equal(trial.conditions["delay"], delay)
    assert delay.min() >= 2500
    assert delay.max() <= 3500
    assert delay.std() > 200
    assert trial.n_steps * dt == 100 + 500 + 3500 + 500 + 300


@pytest.mark.parametrize(
    ("task", "conditions", "shown"),
    [
        # (1 +- 51.2 / 100) / 2 and the start cue
        (
            ReactionTimeDecision(),
            {"coherence": 51.2},
            {"stimulus": [0.956, 0.444, 1.2], "decision": [0.956, 0.444, 1.2]},
        ),
        (ReactionTimeDecision(), {"coherence": -3.2}, {"stimulus": [0.684, 0.716, 1.2], "fixation": [0.2] * 3}),
        # (18 - 10) / 24 = 1/3
        (
            ParametricMemory(delay=100.0),
            {"f1": 18, "f2": 10},
            {"f1": [0.6 + 0.8 / 3, 1.4 - 0.8 / 3], "delay": [0.2, 0.2], "f2": [0.6, 1.4]},
        ),
        (ParametricMemory(), {"f1": 26, "f2": 34}, {"f2": [1.4, 0.6], "decision": [0.2, 0.2]}),
        # (1 +- 50 / 100) / 2, (1 +- 15 / 100) / 2
        (
            ContextIntegration(),
            {"context": 0, "motion": 50, "colour": -15},
            {"stimulus": [1.2, 0.2, 0.95, 0.45, 0.625, 0.775], "decision": [0.2] * 6},
        ),
        (
            ContextIntegration(),
            {"context": 1, "motion": -5, "colour": 50},
            {"stimulus": [0.2, 1.2, 0.675, 0.725, 0.95, 0.45], "fixation": [0.2] * 6},
        ),
        # 0.6 * (9 - 6) / 13
        (
            MultisensoryIntegration(),
            {"modality": 0, "rate": 9},
            {"stimulus": [0.7 + 1.8 / 13, 0.2, 0.7 + 6 / 13, 0.2], "decision": [0.2] * 4},
        ),
        (
            MultisensoryIntegration(),
            {"modality": 1, "rate": 16},
            {"stimulus": [0.2, 0.7 + 6 / 13, 0.2, 0.7 + 1.8 / 13]},
        ),
        (MultisensoryIntegration(rates=(6.0,)), {"modality": 2, "rate": 6}, {"stimulus": [0.7, 0.7, 1.3, 1.3]}),
    ],
)
def test_inputs_are_those_worked_out_by_hand(task, conditions, shown):
    trial = validation(task)
    same = [trial.conditions[name] == value for name, value in conditions.items()]
    (b,) = np.flatnonzero(np.logical_and.reduce(same))
    for epoch, wanted in shown.items():
        start, stop = trial.epochs[epoch][b]
        np.testing.assert_allclose(trial.inputs[start:stop, b], np.tile(wanted, (stop - start, 1)), rtol=1e-6)


def test_published_conditions():
    coherences = ReactionTimeDecision().condition_grid()["coherence"]
    assert sorted(set(np.abs(coherences).tolist())) == pytest.approx([3.2, 6.4, 12.8, 25.6, 51.2], rel=1e-6)
    grid = ParametricMemory().condition_grid()
    pairs = [(18, 10), (22, 14), (26, 18), (30, 22), (34, 26)]
    got = set(zip(*(grid[name].tolist() for name in ("f1", "f2", "choice")), strict=True))
    assert got == {(*pair, 0) for pair in pairs} | {(*pair[::-1], 1) for pair in pairs}
    grid = ContextIntegration().condition_grid()
    got = set(zip(*(grid[name].tolist() for name in ("context", "motion", "colour", "choice")), strict=True))
    levels = (-50, -15, -5, 5, 15, 50)
    assert got == {(c, *pair, int(pair[c] < 0)) for c in (0, 1) for pair in itertools.product(levels, levels)}
    assert len(grid["choice"]) == 72
    grid = MultisensoryIntegration().condition_grid()
    got = set(zip(*(grid[name].tolist() for name in ("modality", "rate", "choice")), strict=True))
    assert got == {(m, rate, int(rate <= 12)) for m in range(3) for rate in range(9, 17)}
    assert len(grid["choice"]) == 24
    trained = MultisensoryIntegration(rates=tuple(range(6, 20)))
    assert trained.n_conditions == 42
    assert trained.rates[-1] == trained.scale_range[1]
    assert [make(t.__name__).catch_probability for t in TYPES] == [1 / 11, 1 / 11, 1 / 73, 1 / 25, 0, 0]
    assert [make(t.__name__).dt for t in TYPES] == [20, 20, 20, 20, 20, 10]


@pytest.mark.parametrize("task_type", CHOICE_TYPES)
def test_targets_and_scored_steps_written_out(task_type):
    """What comes between fixation and decision is scored in catch trials only."""
    task = task_type(baseline=0.1, low=-0.5, high=2.0)
    trial = sample(task)
    assert trial.conditions["catch"].any()
    for b in range(BATCH):
        catch, choice = trial.conditions["catch"][b], trial.conditions["choice"][b]
        fixation, decision = trial.epochs["fixation"][b], trial.epochs["decision"][b]
        for t in range(trial.n_steps):
            answering = decision[0] <= t < decision[1]
            wanted = [2.0 if answering and not catch and k == choice else -0.5 for k in (0, 1)]
            assert trial.targets[t, b].tolist() == wanted
            assert trial.mask[t, b] == (t < fixation[1] or answering or (catch and t < decision[1]))
            if t < fixation[1] or t >= decision[1] or catch:
                assert (trial.inputs[t, b] == np.float32(0.1)).all()


@pytest.mark.parametrize("task_type", CHOICE_TYPES[1:])
def test_choice_is_the_higher_mean_in_the_decision_epoch(task_type):
    task = task_type()
    trial = sample(task)
    outputs = np.random.default_rng(0).normal(size=trial.targets.shape).astype(np.float32)
    right = []
    for b in range(BATCH):
        start, stop = trial.epochs["decision"][b]
        mean = outputs[start:stop, b].mean(axis=0)
        right.append(np.nan if trial.conditions["catch"][b] else mean.argmax() == trial.conditions["choice"][b])
    np.testing.assert_array_equal(np.asarray(task.correct(jnp.asarray(outputs), on_device(trial))), right)


# Reaction times


@pytest.fixture(scope="module")
def reaction() -> ReactionTimeDecision:
    return ReactionTimeDecision()


@pytest.mark.parametrize(
    ("first", "second", "choice", "time"),
    [
        (15, None, 0, 220.0),  # ten whole steps after the motion came in step 5, and the one of the crossing
        (None, 15, 1, 220.0),
        (30, 31, 0, 520.0),
        (31, 30, 1, 520.0),
        (30, 30, NO_CHOICE, np.nan),
        (5, 5, NO_CHOICE, np.nan),
        (None, None, NO_CHOICE, np.nan),
        (5, 20, 0, 20.0),
        (54, None, 0, 1000.0),
        (0, 54, 0, 20.0),  # already above the threshold when the motion comes
    ],
)
def test_choice_and_reaction_time_of_outputs_that_cross_at_a_known_step(reaction, first, second, choice, time):
    trial = on_device(validation(reaction))
    outputs = np.full((55, 10, 2), 0.99, np.float32)
    for output, step in enumerate((first, second)):
        if step is not None:
            outputs[step:, :, output] = 1.0
    assert reaction.choice(jnp.asarray(outputs), trial).tolist() == [choice] * 10
    np.testing.assert_allclose(reaction.reaction_time(jnp.asarray(outputs), trial), [time] * 10)
    right = trial.conditions["choice"] == choice
    score = np.full(10, 0.5) if choice == NO_CHOICE else right
    np.testing.assert_array_equal(reaction.correct(jnp.asarray(outputs), trial), score)


def test_crossings_that_end_before_the_motion_comes_do_not_count(reaction):
    trial = on_device(validation(reaction))
    outputs = np.zeros((55, 10, 2), np.float32)
    outputs[:5, :, 1] = 3.0
    outputs[40, :, 0] = 1.5
    assert reaction.choice(jnp.asarray(outputs), trial).tolist() == [0] * 10
    assert reaction.reaction_time(jnp.asarray(outputs), trial).tolist() == [36 * 20.0] * 10


def test_it_is_the_first_crossing_and_not_the_higher_output(reaction):
    trial = on_device(validation(reaction))
    outputs = np.zeros((55, 10, 2), np.float32)
    outputs[20:22, :, 1] = 1.01
    outputs[22:, :, 0] = 9.0
    assert reaction.choice(jnp.asarray(outputs), trial).tolist() == [1] * 10
    assert reaction.reaction_time(jnp.asarray(outputs), trial).tolist() == [16 * 20.0] * 10


@pytest.mark.parametrize("options", [{}, {"dt": 10.0, "threshold": 0.6, "high": 0.9, "fixation": 200.0}])
def test_reaction_times_equal_a_loop_over_all_steps(options):
    task = ReactionTimeDecision(**options)
    trial = on_device(sample(task, 40))
    outputs = np.random.default_rng(1).normal(0.1, 0.35, trial.targets.shape).astype(np.float32)
    onset = int((200 if options else 100) / task.dt)
    choices, times = [], []
    for b in range(40):
        choice, time = NO_CHOICE, np.nan
        for t in range(onset, trial.n_steps):
            above = [k for k in (0, 1) if outputs[t, b, k] >= task.threshold]
            if above:
                if len(above) == 1:
                    choice, time = above[0], (t + 1 - onset) * task.dt
                break
        choices.append(choice)
        times.append(time)
    assert len(set(choices)) > 1
    assert np.isfinite(times).sum() > 10
    np.testing.assert_array_equal(task.choice(jnp.asarray(outputs), trial), choices)
    np.testing.assert_allclose(task.reaction_time(jnp.asarray(outputs), trial), times)


# Sequences of eye movements


PATHS = ("5-1-0", "3-1-2", "3-7-8", "5-7-6", "5-1-2", "3-1-0", "3-7-6", "5-7-8")
SCREEN = {
    0: (-0.5, 0.5),
    1: (0.0, 0.5),
    2: (0.5, 0.5),
    3: (-0.5, 0.0),
    4: (0.0, 0.0),
    5: (0.5, 0.0),
    6: (-0.5, -0.5),
    7: (0.0, -0.5),
    8: (0.5, -0.5),
}
EPOCHS = ("intertrial", "fixation", "movement 1", "movement 2", "movement 3")
MOVES = EPOCHS[2:]


def path(sequence: int) -> list[int]:
    return [int(dot) for dot in PATHS[sequence].split("-")]


@pytest.mark.parametrize("baseline", [0.2, 0.0])
def test_sequences_written_out(baseline):
    on = {5: {1, 5, 7}, 3: {1, 3, 7}, 1: {0, 1, 2}, 7: {6, 7, 8}}
    trial = validation(SequenceExecution(baseline=baseline))
    assert trial.conditions["sequence"].tolist() == list(range(8))
    for sequence in range(8):
        first, second, third = path(sequence)
        dots = [set(), {4}, {3, 4, 5}, on[first], on[second]]
        gaze = [4, 4, first, second, third]
        for epoch, lit, dot in zip(EPOCHS, dots, gaze, strict=True):
            wanted = np.full(17, baseline, np.float32)
            wanted[[*lit, 9 + sequence]] += 1
            for t in range(*trial.epochs[epoch][sequence]):
                np.testing.assert_allclose(trial.inputs[t, sequence], wanted, rtol=1e-6)
                if epoch != "intertrial":
                    assert trial.targets[t, sequence].tolist() == list(SCREEN[dot])
                assert trial.mask[t, sequence] == (epoch != "intertrial")


def gaze_at(trial: Trial, dots: list[list[int]]) -> np.ndarray:
    """Outputs that look at three dots, one list of them per trial."""
    outputs = np.zeros(trial.targets.shape, np.float32)
    for b, visited in enumerate(dots):
        for name, dot in zip(MOVES, visited, strict=True):
            start, stop = trial.epochs[name][b]
            outputs[start:stop, b] = SCREEN[dot]
    return outputs


@pytest.fixture(scope="module")
def eyes() -> SequenceExecution:
    return SequenceExecution()


def test_choices_of_sequences_are_the_dots_that_are_looked_at(eyes):
    trial = validation(eyes)
    outputs = gaze_at(trial, [path(sequence) for sequence in range(8)])
    assert eyes.choices(jnp.asarray(outputs), trial).T.tolist() == [path(sequence) for sequence in range(8)]
    assert eyes.correct(jnp.asarray(outputs), on_device(trial)).tolist() == [1.0] * 8


@pytest.mark.parametrize("movement", range(3))
def test_one_movement_to_the_other_dot_makes_a_trial_wrong(eyes, movement):
    other = {3: 5, 5: 3, 1: 7, 7: 1, 0: 2, 2: 0, 6: 8, 8: 6}
    trial = validation(eyes)
    visited = [path(sequence) for sequence in range(8)]
    for dots in visited:
        dots[movement] = other[dots[movement]]
    outputs = jnp.asarray(gaze_at(trial, visited))
    assert eyes.choices(outputs, trial).T.tolist() == visited
    assert eyes.correct(outputs, on_device(trial)).tolist() == [0.0] * 8


@pytest.mark.parametrize("movement", range(3))
def test_an_eye_that_does_not_move_is_right_by_chance(eyes, movement):
    trial = validation(eyes)
    visited = [path(sequence) for sequence in range(8)]
    for dots in visited:
        dots[movement] = [4, *dots][movement]
    outputs = jnp.asarray(gaze_at(trial, visited))
    assert eyes.choices(outputs, trial)[movement].tolist() == [NO_CHOICE] * 8
    assert eyes.correct(outputs, on_device(trial)).tolist() == [0.5] * 8


def test_only_the_dots_that_the_eye_can_go_to_count(eyes):
    """Dot 8 is on in the last movement of some sequences only; before that, and in the others, a neighbour is meant."""
    trial = validation(eyes)
    outputs = jnp.asarray(gaze_at(trial, [[8, 8, 8]] * 8))
    last = [2 if path(sequence)[1] == 1 else 8 for sequence in range(8)]
    assert eyes.choices(outputs, trial).T.tolist() == [[5, 7, dot] for dot in last]


def test_gaze_that_always_is_at_the_same_place_scores_chance(eyes):
    trial = validation(eyes)
    outputs = jnp.full(trial.targets.shape, 0.2)
    assert eyes.correct(outputs, on_device(trial)).tolist() == [0, 0, 0, 0, 1, 0, 0, 0]  # 5-1-2


@pytest.mark.parametrize("dt", [20.0, 10.0])
def test_only_the_last_half_of_a_movement_counts(dt):
    """Of 25 steps the last 12, of 50 the last 25; their mean, and not the last one of them."""
    task = SequenceExecution(dt=dt)
    trial = validation(task)
    steps = round(500 / dt)
    right = gaze_at(trial, [path(sequence) for sequence in range(8)])
    early, half, late = (right.copy() for _ in range(3))
    for name in MOVES:
        start, stop = trial.epochs[name][0]
        middle = stop - steps // 2
        assert stop - start == steps
        early[start:middle] *= -99
        half[middle, :] *= -(steps // 2 - 1) * 1.1
        late[middle + 1 : stop, :] *= -0.1
        late[middle, :] *= (steps // 2) * 0.2
    assert float(task.accuracy(jnp.asarray(early), on_device(trial))) == 1.0
    assert float(task.accuracy(jnp.asarray(half), on_device(trial))) == 0.0
    assert float(task.accuracy(jnp.asarray(late), on_device(trial))) == 1.0


def test_error_of_sequences_is_that_of_the_scored_steps(eyes):
    trial = sample(eyes, 20)
    outputs = np.random.default_rng(0).normal(size=trial.targets.shape).astype(np.float32)
    wanted = np.sqrt(np.square(outputs[50:] - trial.targets[50:]).mean(axis=(0, 2)))
    np.testing.assert_allclose(eyes.rmse(jnp.asarray(outputs), trial), wanted, rtol=1e-5)
    assert not np.asarray(eyes.rmse(jnp.asarray(trial.targets), trial)).any()


# Sine wave


def test_wave_in_closed_form():
    trial = sample(SineWave())
    stop = trial.epochs["wave"][:, 1]
    assert stop.min() >= 160
    assert stop.max() <= 240
    assert trial.n_steps == 240
    assert len(np.unique(stop)) > 20
    np.testing.assert_array_equal(trial.conditions["duration"], stop * 10.0)
    for b in range(BATCH):
        for milliseconds, value in ((200, 1), (400, 0), (600, -1), (800, 0), (1000, 1), (1500, -math.sqrt(0.5))):
            assert trial.targets[milliseconds // 10 - 1, b, 0] == pytest.approx(value, abs=1e-6)
        assert (trial.inputs[: stop[b], b] == np.float32(0.2)).all()
        assert (trial.mask[: stop[b], b] == 1).all()
        for values in (trial.inputs, trial.targets, trial.mask[:, :, None]):
            assert not values[stop[b] :, b].any()


def test_length_period_and_drive_of_the_wave_follow_the_options():
    trial = sample(SineWave(dt=5.0, period=100.0, periods=(4.0, 4.0), baseline=1.0), 3)
    assert trial.inputs.shape == (80, 3, 1)
    assert (trial.inputs == 1).all()
    assert (trial.epochs["wave"] == [0, 80]).all()
    np.testing.assert_allclose(trial.targets[:, 0, 0], np.sin(np.arange(1, 81) * np.pi / 10), atol=1e-6)


def test_error_of_the_wave_and_what_is_right():
    task = SineWave()
    trial = sample(task)
    inside = trial.mask[:, :, None]
    noise = np.random.default_rng(0).normal(size=trial.targets.shape).astype(np.float32)
    wanted = [
        np.sqrt(np.square(noise[:stop, b] - trial.targets[:stop, b]).mean())
        for b, (_, stop) in enumerate(trial.epochs["wave"])
    ]
    np.testing.assert_allclose(task.rmse(jnp.asarray(noise), trial), wanted, rtol=1e-5)
    for offset, right in ((0.29, 1.0), (-0.29, 1.0), (0.31, 0.0)):
        outputs = trial.targets + np.float32(offset) + np.float32(5) * (1 - inside)
        np.testing.assert_allclose(task.rmse(jnp.asarray(outputs), trial), abs(offset), rtol=1e-4)
        assert task.correct(jnp.asarray(outputs), trial).tolist() == [right] * BATCH


# Options


@pytest.mark.parametrize(
    ("task_type", "options", "text"),
    [
        (ReactionTimeDecision, {"coherence": ()}, "the task is empty: coherence contains no level"),
        (ReactionTimeDecision, {"coherence": (101.0,)}, r"coherence must lie in \(0, 100\]; got 101"),
        (ReactionTimeDecision, {"fixation": 9.0}, "fixation of 9 ms is shorter than half a step"),
        (ReactionTimeDecision, {"stimulus": math.inf}, "stimulus must last longer than 0 ms and be finite; got inf"),
        (ReactionTimeDecision, {"free": 0.0}, "free must last longer than 0 ms and be finite; got 0"),
        (
            ReactionTimeDecision,
            {"free": 990.0},
            "free must end at least one step of dt 20 ms before the stimulus does; got free 990, stimulus 1000 ms",
        ),
        (ReactionTimeDecision, {"free": 1000.0}, "got free 1000, stimulus 1000 ms"),
        (
            ReactionTimeDecision,
            {"threshold": 0.2},
            "threshold must be above the low target 0.2 and at most the high one 1.2; got 0.2",
        ),
        (ReactionTimeDecision, {"threshold": 1.3}, "threshold must be above .*; got 1.3"),
        (ReactionTimeDecision, {"threshold": math.nan}, "threshold must be above .*; got nan"),
        (ReactionTimeDecision, {"high": 0.9}, "threshold must be above .* at most the high one 0.9; got 1"),
        (ParametricMemory, {"pairs": ()}, "the task is empty: pairs contains no pair of frequencies"),
        (
            ParametricMemory,
            {"pairs": ((10.0, 20.0), (14.0, 14.0))},
            r"each pair must be two different finite frequencies; got \(14\.0, 14\.0\)",
        ),
        (ParametricMemory, {"pairs": ((10.0, math.nan),)}, r"two different finite frequencies; got \(10\.0, nan\)"),
        (ParametricMemory, {"delay": Uniform(1.0, 9.0)}, "delay of 9 ms is shorter than half a step"),
        (ParametricMemory, {"delay": -1.0}, "delay must last longer than 0 ms and be finite; got -1"),
        (ParametricMemory, {"f2": 9.0}, "f2 of 9 ms is shorter than half a step"),
        (ContextIntegration, {"coherence": (1.0, 100.5)}, r"coherence must lie in \(0, 100\]; got 1, 100\.5"),
        (ContextIntegration, {"coherence": ()}, "the task is empty: coherence contains no level"),
        (ContextIntegration, {"stimulus": 9.0}, "stimulus of 9 ms is shorter than half a step"),
        (MultisensoryIntegration, {"rates": ()}, "the task is empty: rates contains no rate"),
        (
            MultisensoryIntegration,
            {"rates": (9.0, 12.5)},
            r"no rate may equal the boundary 12\.5, where no choice is right; got 9, 12\.5",
        ),
        (MultisensoryIntegration, {"rates": (5.0, 9.0)}, r"rates must lie in scale_range \[6, 19\]; got 5, 9"),
        (MultisensoryIntegration, {"rates": (math.nan,)}, r"rates must lie in scale_range \[6, 19\]; got nan"),
        (MultisensoryIntegration, {"boundary": 20.0}, r"boundary must lie in scale_range \[6, 19\]; got 20"),
        (
            MultisensoryIntegration,
            {"scale_range": (19.0, 6.0)},
            r"scale_range must be two finite rates, the lower one first; got \(19\.0, 6\.0\)",
        ),
        (MultisensoryIntegration, {"decision": 9.0}, "decision of 9 ms is shorter than half a step"),
        (SequenceExecution, {"movement": 9.0}, "movement of 9 ms is shorter than half a step of dt 20"),
        (SequenceExecution, {"intertrial": 0.0}, "intertrial must last longer than 0 ms and be finite; got 0"),
        (SequenceExecution, {"fixation": math.inf}, "fixation must last longer than 0 ms and be finite; got inf"),
        (SineWave, {"period": 39.0}, "period must be finite, at least four steps of dt 10 ms; got 39"),
        (SineWave, {"period": math.inf}, "period must be finite, at least four steps of dt 10 ms; got inf"),
        (
            SineWave,
            {"periods": (3.0, 2.0)},
            r"periods must be the shortest and the longest trial, > 0 and ascending; got \(3\.0, 2\.0\)",
        ),
        (SineWave, {"periods": (0.0, 2.0)}, r"> 0 and ascending; got \(0\.0, 2\.0\)"),
        (SineWave, {"periods": (0.001, 2.0)}, "the shortest trial of 0.8 ms is shorter than half a step"),
        (SineWave, {"baseline": 0.0}, "baseline drives the wave and must be finite and not 0; got 0"),
        (SineWave, {"baseline": math.nan}, "baseline drives the wave and must be finite and not 0; got nan"),
    ],
)
def test_impossible_tasks_are_refused(task_type, options, text):
    with pytest.raises(ValueError, match=text):
        task_type(**options)


def test_limits_of_the_options_are_allowed():
    assert ReactionTimeDecision(threshold=1.2, free=980.0).threshold == 1.2
    assert ReactionTimeDecision(coherence=(100.0,)).n_conditions == 2
    assert ContextIntegration(coherence=(100.0,)).n_conditions == 8
    assert MultisensoryIntegration(rates=(6.0, 19.0)).n_conditions == 6
    assert SineWave(period=40.0).period == 40.0


CONFIGS = {
    "ReactionTimeDecision": 'coherence = [4.0]\ncoherence_scale = "dots"\nfree = 200.0\nthreshold = 0.9',
    "ParametricMemory": "pairs = [[10.0, 20.0]]\ndelay = {min = 100.0, max = 300.0}\nf1 = 200.0",
    "ContextIntegration": 'coherence = [5.0]\ncoherence_scale = "song2016"\ncatch = false',
    "MultisensoryIntegration": "rates = [6, 19]\nboundary = 10\nscale_range = [5, 20]",
    "SequenceExecution": "intertrial = 100.0\nbaseline = 0.0",
    "SineWave": "dt = 5.0\nperiod = 400.0\nperiods = [1, 2]",
}


@pytest.mark.parametrize("task_type", TYPES)
def test_a_configuration_can_hold_the_parameters_and_keeps_them(task_type):
    name = task_type.__name__
    config = parse_recipe(f"[task]\nname = '{name}'\n{CONFIGS[name]}")
    task = config.make_task()
    assert type(task) is task_type
    assert task != task_type()
    assert parse_recipe(config.to_toml()).make_task() == task
    for kept in (task, task_type()):
        assert TypeAdapter(task_type).validate_python(dataclasses.asdict(kept)) == kept


def test_random_delays_of_a_configuration():
    def delay(table: str) -> object:
        return parse_recipe(f"[task]\nname = 'ParametricMemory'\ndelay = {table}").make_task().delay

    assert delay("{min = 100, max = 300}") == Uniform(100.0, 300.0)
    assert delay("{mean = 9, min = 100, max = 300}") == TruncatedExponential(9.0, 100.0, 300.0)
    for wrong, text in (
        ("{mean = -9, min = 100, max = 300}", "a truncated exponential needs .*got mean -9"),
        ("{maen = 9, min = 100, max = 300}", "task.delay.Uniform.maen: unknown key"),
        ("{min = 300, max = 100}", "a uniform duration needs .*got min 300.0, max 100.0"),
    ):
        with pytest.raises(ConfigError, match=text):
            delay(wrong)
