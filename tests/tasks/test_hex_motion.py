"""Motion on a hexagonal grid: what moves where, and what must not be told before it moves."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eicon
from eicon._hexagon import columns, positions
from eicon.tasks import NO_CHOICE, HexMotion

from .drawn import sample

pytestmark = pytest.mark.battery

ON, OFF, GRATING = 0, 1, 2


@pytest.mark.parametrize(("extent", "n"), [(0, 1), (1, 7), (2, 19), (8, 217), (15, 721)])
def test_columns_fill_a_hexagon_whose_neighbours_are_one_apart(extent, n):
    found = columns(extent)
    brute = [(u, v) for u, v in itertools.product(range(-extent, extent + 1), repeat=2) if abs(u + v) <= extent]
    assert found.tolist() == [list(uv) for uv in brute]
    assert len(found) == n == 3 * extent * (extent + 1) + 1
    if extent:
        distance = np.linalg.norm(positions(found)[:, None] - positions(found)[None], axis=2)
        near = np.sort(distance, axis=1)[:, 1]
        np.testing.assert_allclose(near, 1.0)
        middle = int(np.flatnonzero((found == 0).all(axis=1))[0])
        assert (np.abs(distance[middle] - 1) < 1e-9).sum() == 6
        assert distance[middle].max() == pytest.approx(extent)


def test_channels_and_steps_of_the_published_model():
    task = HexMotion(extent=15)
    assert (task.n_in, task.n_out) == (721, 1442)
    assert task.input_channels[0] == "light -15/0"
    assert task.output_channels[:2] == ("right -15/0", "up -15/0")
    trial = jax.eval_shape(lambda key: task.sample(key, 4), jax.random.key(0))
    assert (trial.inputs.shape, trial.targets.shape) == ((19, 4, 721), (19, 4, 1442))


@pytest.mark.parametrize("kind", [ON, OFF])
@pytest.mark.parametrize("direction", [0.0, 90.0, 225.0])
@pytest.mark.parametrize("speed", [5.0, 10.0])
def test_an_edge_moves_at_its_speed_in_its_direction(kind, direction, speed):
    task = HexMotion(extent=6, speeds=(5.0, 10.0))
    trial = task.trials_of(direction=direction, kind=kind, speed=speed, key=3)
    light, angle = np.asarray(trial.inputs)[:, 0], np.deg2rad(direction)
    along = task.positions @ [np.cos(angle), np.sin(angle)]
    passed = light > 0.5 if kind == ON else light < 0.5
    for step in range(19):
        front = float(trial.conditions["start"][0]) + speed * max(step - 3, 0) * 0.02
        clear = np.abs(along - front) > 1e-3
        np.testing.assert_array_equal(passed[step][clear], (along < front)[clear])
        moving = np.asarray(task.flow(trial.targets))[step, 0]
        wanted = (np.abs(along - front) < 1) & (step >= 4)
        np.testing.assert_allclose(moving, wanted[:, None] * [np.cos(angle), np.sin(angle)], atol=1e-6)
        assert wanted.any() == (step >= 4)
    assert light.min() == pytest.approx(0.1)
    assert light.max() == pytest.approx(0.9)


def test_a_grating_moves_everywhere_and_has_its_wavelength_and_frequency():
    task = HexMotion(extent=5, wavelength=5.0, contrast=1.0, speeds=(12.5,), motion=1000.0)
    trial = task.trials_of(direction=0.0, kind=GRATING, speed=12.5, key=1)
    light = 2 * np.asarray(trial.inputs)[4:, 0] - 1
    time, x = 0.02 * np.arange(1, 51)[:, None], task.positions[:, 0]
    phase = 2 * np.pi * (12.5 * time - x) / 5  # 2.5 cycles/s
    fit = np.stack([np.sin(phase).ravel(), np.cos(phase).ravel()], axis=1)
    residual = np.linalg.lstsq(fit, light.ravel(), rcond=None)[1]
    assert residual < 1e-6
    np.testing.assert_array_equal(task.flow(trial.targets)[4:, 0], np.broadcast_to([1.0, 0.0], (50, 91, 2)))


def test_the_picture_that_stands_does_not_tell_the_direction():
    """The same pictures come before a motion and, with the other kind of edge or phase, before its opposite."""
    task = HexMotion(extent=3, n_directions=2, speeds=(5.0,))
    trial = sample(task, 4000, 0)
    still, kind, choice = trial.inputs[0], trial.conditions["kind"], trial.conditions["choice"]
    np.testing.assert_array_equal(trial.inputs[:4], np.broadcast_to(still, (4, *still.shape)))
    edges = kind != GRATING
    lit = still @ task.positions[:, 0]
    for one in (still.mean(axis=1), lit):
        means = [one[edges & (choice == c)].mean() for c in (0, 1)]
        assert abs(means[0] - means[1]) < 4 * one[edges].std() / np.sqrt(edges.sum() / 4)
    right_lit_on = lit[(kind == ON) & (choice == 0)].mean()
    assert right_lit_on < 0 < lit[(kind == OFF) & (choice == 0)].mean()  # bright behind an ON edge


def test_choice_is_the_nearest_direction_to_the_sum_of_outputs():
    task = HexMotion(extent=1, n_directions=6)
    trial = task.trials_of(direction=60.0, kind=ON, speed=5.0, key=0)
    angle = np.deg2rad([60, 89, 91, 29, 355])
    for degrees, wanted in zip(angle, [1, 1, 2, 0, 0], strict=True):
        outputs = np.zeros(trial.targets.shape, np.float32)
        outputs[4:, 0, :2] = np.cos(degrees), np.sin(degrees)  # one column says it
        outputs[:4] = 9.0  # and before the motion nothing counts
        outputs = jnp.asarray(outputs)
        assert int(task.choice(outputs, trial)[0]) == wanted
        assert float(task.correct(outputs, trial)[0]) == (wanted == 1)
    assert int(task.choice(0 * outputs, trial)[0]) == NO_CHOICE
    assert float(task.correct(0 * outputs, trial)[0]) == pytest.approx(1 / 6)


def test_too_fast_edges_start_in_the_middle():
    task = HexMotion(extent=2, speeds=(50.0,), kinds=("on",))
    assert not np.asarray(task.sample(0, 50).conditions["start"]).any()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"extent": 0}, "extent must be at least 1; got 0"),
        ({"n_directions": 1}, "n_directions must be at least 2; got 1"),
        ({"kinds": ("bar",)}, r"kinds must be one or more of on, off, grating, all different; got \('bar',\)"),
        ({"kinds": ()}, "one or more of"),
        ({"kinds": ("on", "on")}, "must be one or more of"),
        ({"speeds": ()}, "the task is empty: speeds contains no level"),
        ({"speeds": (-5.0,)}, r"speeds must lie in \(0, inf\]; got -5"),
        ({"contrast": 80.0}, r"contrast must lie in \(0, 1\]; got 80"),
        ({"wavelength": 2.0}, "wavelength must be > 2 columns; got 2"),
        ({"speeds": (200.0,)}, "a grating of 6 columns at 200 columns/s advances by 4 columns in a step of 20 ms"),
        ({"motion": 5.0}, "motion"),
    ],
)
def test_what_makes_no_motion_is_refused(options, text):
    with pytest.raises(ValueError, match=text):
        HexMotion(**options)


def test_fast_edges_without_gratings_are_allowed():
    assert HexMotion(speeds=(200.0,), kinds=("on", "off")).n_conditions == 16


def test_it_trains_by_name():
    assert eicon.tasks.TASKS["HexMotion"] is HexMotion
