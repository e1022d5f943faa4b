"""One way to run all circuits, and BrainPy's own ways."""

import brainpy as bp
import brainpy.math as bm
import jax
import numpy as np
import pytest

from eicon.models import circuits
from eicon.models.circuits import simulate
from eicon.models.circuits._circuit import Circuit

MEMBERS = {
    "SpikingNeuron": lambda **options: circuits.SpikingNeuron(**options),
    "ExponentialDriveNeuron": lambda **options: circuits.ExponentialDriveNeuron(**options),
    "TwoNeuron": lambda **options: circuits.TwoNeuron(**options),
    "RespiratoryRhythm": lambda **options: circuits.RespiratoryRhythm(**options),
    "RateRing": lambda **options: circuits.RateRing(12, **options),
    "BumpRing": lambda **options: circuits.BumpRing(24, **options),
}
RNG = np.random.default_rng(0)


def inputs_of(system, trials=3, steps=12):
    return RNG.random((steps, trials, system.n_in)).astype(np.float32)


def test_every_circuit_is_in_the_table():
    found = {name for name, value in vars(circuits).items() if isinstance(value, type) and issubclass(value, Circuit)}
    assert found - {"Circuit"} == set(MEMBERS)


@pytest.mark.battery
@pytest.mark.parametrize("name", MEMBERS)
def test_all_ways_to_run_agree(name):
    system = MEMBERS[name]()
    inputs = inputs_of(system)
    run = simulate(system, inputs)
    assert run.outputs.shape[:2] == (12, 3)
    np.testing.assert_allclose(run.time, system.dt * np.arange(1, 13))
    ends = {state: np.array(getattr(system, state).value) for state in system.states}

    system.reset_state(3)
    update = bm.jit(system.update)
    by_hand = np.stack([update(u) for u in inputs])
    np.testing.assert_allclose(by_hand, run.outputs, rtol=1e-4, atol=1e-4)
    for state, end in ends.items():
        assert run.states[state].shape[:2] == (12, 3)
        np.testing.assert_allclose(getattr(system, state).value, end, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(end, run.states[state][-1], rtol=1e-6)

    runner = bp.DSRunner(system, monitors=list(system.states), progress_bar=False, data_first_axis="T")
    system.reset_state(3)
    np.testing.assert_allclose(bm.as_jax(runner.predict(inputs=inputs)), by_hand, rtol=1e-4, atol=1e-4)
    first = system.states[0]
    np.testing.assert_allclose(runner.mon[first], run.states[first], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.battery
def test_trials_do_not_mix_and_one_may_come_alone(name):
    system = MEMBERS[name]()
    inputs = inputs_of(system)
    together = simulate(system, inputs).outputs
    system.reset_state()
    update = bm.jit(system.update)
    np.testing.assert_allclose(update(inputs[0, 1])[0], together[0, 1], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(update(inputs[1, 1])[0], together[1, 1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.battery
def test_noise_is_off_by_default_and_differs_between_trials(name):
    quiet, noisy = MEMBERS[name](), MEMBERS[name](sigma=0.1, seed=7)
    inputs = np.zeros((12, 3, quiet.n_in))
    state = quiet.states[0]
    without, one = (simulate(system, inputs).states[state][-1].reshape(3, -1) for system in (quiet, noisy))
    assert (without == without[0]).all()
    assert 0.0 < np.abs(one - without).max() < 1.0
    assert not (one == without).any()
    assert len(np.unique(one)) == one.size


def test_noise_comes_from_the_key_or_the_seed():
    inputs = np.zeros((5, 3, 2))

    def end(system, **options):
        return simulate(system, inputs, **options).outputs[-1]

    noisy = circuits.TwoNeuron(sigma=0.1, seed=7)
    first, second = end(noisy), end(noisy)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, end(circuits.TwoNeuron(sigma=0.1, seed=7)))
    assert not np.array_equal(first, end(circuits.TwoNeuron(sigma=0.1, seed=8)))
    one = end(noisy, key=jax.random.key(1))
    np.testing.assert_array_equal(end(noisy, key=jax.random.key(1)), one)
    assert not np.array_equal(end(noisy, key=jax.random.key(2)), one)


def test_runs_in_float64_and_leaves_the_settings_and_the_precision_of_the_system():
    system = circuits.TwoNeuron()
    run = simulate(system, [1.0, 0.0], duration=1.0)
    assert run.outputs.dtype == np.float64
    assert system.v.dtype == np.float32
    assert not jax.config.jax_enable_x64
    assert np.asarray(system.update([1.0, 0.0])).dtype == np.float32


def test_constant_inputs_are_repeated_for_every_step_and_trial():
    system = circuits.TwoNeuron()
    by_duration = simulate(system, [1.0, 0.5], duration=2.0, batch_size=3).outputs
    full = simulate(system, np.broadcast_to([1.0, 0.5], (20, 3, 2))).outputs
    np.testing.assert_array_equal(by_duration, full)
    pair = simulate(system, [[1.0, 0.5], [0.0, 1.0]], duration=2.0).outputs
    np.testing.assert_array_equal(pair[:, 0], full[:, 0])
    assert pair.shape == (20, 2, 2)
    assert not simulate(system, duration=2.0).outputs.any()


@pytest.mark.parametrize("mode", [bm.BatchingMode(4), bm.TrainingMode(4)])
def test_a_batching_mode_sets_the_number_of_trials(mode):
    assert circuits.TwoNeuron(mode=mode).v.shape == (4, 2)
    assert circuits.TwoNeuron().v.shape == (1, 2)


@pytest.mark.parametrize(
    ("inputs", "options", "text"),
    [
        (
            np.zeros((5, 1, 3)),
            {},
            "`inputs` must have shape (T, B, 2), or (2,) or (B, 2) with a duration; got (5, 1, 3).",
        ),
        (np.zeros((0, 1, 2)), {}, "`inputs` must have shape (T, B, 2)"),
        (1.0, {"duration": 1.0}, "`inputs` must have shape (T, B, 2)"),
        ([np.nan, 0.0], {"duration": 1.0}, "`inputs` must be finite; got NaN or infinity."),
        ([1.0, 0.0], {}, "`duration` belongs to constant inputs; got duration = None and inputs of shape (2,)."),
        (np.zeros((5, 1, 2)), {"duration": 1.0}, "`duration` belongs to constant inputs; got duration = 1.0"),
        ([1.0, 0.0], {"duration": 0.25}, "`duration` must be a whole number of steps of 0.1 ms; got 0.25 ms."),
        ([1.0, 0.0], {"duration": 0.0}, "`duration` must be a whole number of steps of 0.1 ms; got 0 ms."),
        ([1.0, 0.0], {"duration": 1.0, "batch_size": 0}, "`batch_size` must be positive, and omitted if"),
        ([[1.0, 0.0]], {"duration": 1.0, "batch_size": 2}, "inputs of shape (1, 2)."),
    ],
)
def test_errors(inputs, options, text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        simulate(circuits.TwoNeuron(), inputs, **options)
    assert text in str(caught.value)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_method_that_brainpy_cannot_apply_is_refused(name):
    with pytest.raises(ValueError, match=f"`method` of {name} must be one of euler, .*; got 'rkf45'"):
        MEMBERS[name](method="rkf45")
