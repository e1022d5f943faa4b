"""The respiratory rhythm against an independent right-hand side and a stiff solver."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from eicon.models import circuits
from eicon.models.circuits import CONDITIONS, POPULATIONS, RespiratoryRhythm, onsets, period, phases, simulate

pytestmark = pytest.mark.battery

PUBLISHED = {
    "three-phase": 2518.5,
    "two-phase": 3331.3,
    "one-phase": 1250.8,
    "three-phase, no NaP": 1919.5,
    "two-phase, no NaP": 5718.8,
}


def right_hand_side(t, y, d, g_nap):
    """Population by population, as the paper prints it (ModelDB 125529)."""
    v, h, m = y[:4], y[4], np.concatenate([[np.nan], y[5:]])
    f = [1 / (1 + np.exp(-(v[i] + 30) / (8 if i == 0 else 4))) for i in range(4)]
    inhibition = [
        0.3 * f[2] + 0.2 * f[3],
        0.05 * f[2] + 0.35 * f[3],
        0.25 * f[1] + 0.1 * f[3],
        0.35 * f[1] + 0.35 * f[2],
    ]
    excitation = [
        0.115 * d[0] + 0.07 * d[1] + 0.025 * d[2],
        0.4 * f[0] + 0.3 * d[0] + 0.3 * d[1],
        0.63 * d[0],
        0.33 * d[0] + 0.4 * d[1],
    ]
    dv, dm = np.zeros(4), np.zeros(3)
    for i in range(4):
        current = 2.8 * (v[i] + 60) + 10 * excitation[i] * v[i] + 60 * inhibition[i] * (v[i] + 75)
        if i == 0:
            current += g_nap / (1 + np.exp(-(v[0] + 40) / 6)) * h * (v[0] - 50)
            current += 5 / (1 + np.exp(-(v[0] + 29) / 4)) ** 4 * (v[0] + 85)
        else:
            current += 10 * m[i] * (v[i] + 85)
            dm[i - 1] = ({1: 0.9, 2: 1.3, 3: 0.9}[i] * f[i] - m[i]) / {1: 2000, 2: 1000, 3: 2000}[i]
        dv[i] = -current / 20
    dh = (1 / (1 + np.exp((v[0] + 48) / 6)) - h) / (6000 / np.cosh((v[0] + 48) / 12))
    return np.concatenate([dv, [dh], dm])


def stiff(condition, duration, **options):
    start = RespiratoryRhythm().initial()
    return solve_ivp(
        right_hand_side,
        (0.0, duration),
        np.concatenate([start["V"], [start["h"]], start["m"]]),
        method="LSODA",
        rtol=1e-8,
        atol=1e-10,
        args=(condition.drives, condition.g_NaP),
        **options,
    )


def run_of(name, duration, dt=0.5):
    condition = CONDITIONS[name]
    return simulate(RespiratoryRhythm(g_NaP=condition.g_NaP, dt=dt), list(condition.drives), duration=duration)


@pytest.fixture(scope="module")
def long_run():
    """Of each condition the time and the outputs (T, 1, 4) of 30 s: conditions of one conductance are run as trials."""
    found = {}
    for g_nap in {condition.g_NaP for condition in CONDITIONS.values()}:
        names = [name for name, condition in CONDITIONS.items() if condition.g_NaP == g_nap]
        drives = [list(CONDITIONS[name].drives) for name in names]
        run = simulate(RespiratoryRhythm(g_NaP=g_nap, dt=0.5), drives, duration=30000.0)
        found |= {name: run._replace(outputs=run.outputs[:, [i]], states={}) for i, name in enumerate(names)}
    return found


@pytest.mark.parametrize("name", CONDITIONS)
def test_period_is_the_published_one(name, long_run):
    run = long_run[name]
    late = run.time > 6000.0
    for population in (0, 1):
        measured = period(run.time[late], run.outputs[late, 0, population])
        assert measured == pytest.approx(PUBLISHED[name], rel=0.01)
        assert measured == pytest.approx(PUBLISHED[name], abs=0.2)


def test_the_table_of_conditions_is_whole():
    assert set(CONDITIONS) == set(PUBLISHED)


def test_time_course_is_that_of_a_stiff_solver():
    run = run_of("three-phase", 1500.0, dt=0.1)
    solution = stiff(CONDITIONS["three-phase"], 1500.0, t_eval=run.time[99::100])
    mine = np.concatenate([run.states["V"][:, 0], run.states["h"], run.states["m"][:, 0]], axis=1)
    np.testing.assert_allclose(mine[99::100], solution.y.T, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        run.outputs[:, 0], 1 / (1 + np.exp(-(run.states["V"][:, 0] + 30) / np.array([8, 4, 4, 4]))), rtol=1e-12
    )


@pytest.mark.parametrize("name", ["two-phase", "one-phase", "three-phase, no NaP"])
def test_flow_is_that_of_the_equations_in_other_conditions(name):
    """One small Euler step from states all over the range."""
    rng, condition = np.random.default_rng(0), CONDITIONS[name]
    system = RespiratoryRhythm(g_NaP=condition.g_NaP, dt=1e-3, method="euler")
    V, h, m = rng.uniform(-80, 0, (6, 4)), rng.random(6), rng.random((6, 3))
    system.reset_state(6)
    for state, value in (("V", V), ("h", h), ("m", m)):
        system.set_state(state, jnp.asarray(value, jnp.float32))
    flow = np.array(
        [right_hand_side(0, np.concatenate([V[k], [h[k]], m[k]]), condition.drives, condition.g_NaP) for k in range(6)]
    )
    derivative = system._voltage(
        system.V.value, 0.0, system.h.value, system.m.value, jnp.tile(jnp.array(condition.drives), (6, 1))
    )
    np.testing.assert_allclose(derivative, flow[:, :4], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(system._inactivation(system.h.value, 0.0, system.V.value), flow[:, 4], rtol=1e-4)
    np.testing.assert_allclose(
        system._adaptation(system.m.value, 0.0, system.V.value), flow[:, 5:], rtol=1e-4, atol=1e-8
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", CONDITIONS)
def test_period_is_that_of_a_stiff_solver(name):
    duration = 30000.0
    solution = stiff(CONDITIONS[name], duration, max_step=20.0)
    output = 1 / (1 + np.exp(-(solution.y[0] + 30) / 8))
    late = solution.t > 6000.0
    expected = period(solution.t[late], output[late])
    run = run_of(name, duration)
    late = run.time > 6000.0
    assert period(run.time[late], run.outputs[late, 0, 0]) == pytest.approx(expected, rel=2e-4)
    assert expected == pytest.approx(PUBLISHED[name], rel=1e-3)


def test_three_phases_follow_each_other_and_two_phases_leave_out_post_inspiration(long_run):
    run = long_run["three-phase"]
    late = (run.time > 1000.0) & (run.time <= 9000.0)
    pre, early, post, late_e = (onsets(run.time[late], run.outputs[late, 0, k])[:2] for k in range(4))
    assert early[0] == pytest.approx(pre[0], abs=5.0)
    order = phases(run.outputs[late])[:, 0]
    starts = np.flatnonzero(np.diff(order, prepend=-1))
    long = np.diff(starts, append=order.size) * 0.5 > 100.0  # they change over within some ms
    lasting = [k for k, _ in itertools.groupby(order[starts[long]].tolist())]
    assert set(itertools.pairwise(lasting)) == {(0, 1), (1, 2), (2, 0)}
    assert (np.diff(starts, append=order.size)[~long] * 0.5).sum() < 0.02 * order.size * 0.5
    cycle = sorted([(pre[0], 0), *((x, 2) for x in post), *((x, 3) for x in late_e)])
    assert [k for x, k in cycle if pre[0] <= x < pre[1]] == [0, 2, 3]

    run = long_run["two-phase"]
    late = (run.time > 1000.0) & (run.time <= 9000.0)
    assert run.outputs[late, 0, 2].max() < 1e-3
    assert set(np.unique(phases(run.outputs[late]))) == {0, 2}

    run = long_run["one-phase"]
    late = (run.time > 1500.0) & (run.time <= 6000.0)
    assert run.outputs[late, 0, 2:].max() < 1e-3
    assert np.ptp(run.outputs[late, 0, 0]) > 0.3
    assert set(np.unique(phases(run.outputs[late]))) == {0}


def test_pre_i_bursts_alone_only_with_persistent_sodium(long_run):
    with_it = long_run["one-phase"]
    without = simulate(RespiratoryRhythm(g_NaP=0.0, dt=0.5), [0.0, 0.0, 1.0], duration=6000.0)
    assert np.ptp(with_it.outputs[(with_it.time > 4000.0) & (with_it.time <= 6000.0), 0, 0]) > 0.3
    assert np.ptp(without.outputs[without.time > 4000.0, 0, 0]) < 1e-3


def test_default_drives_are_on():
    np.testing.assert_array_equal(
        simulate(RespiratoryRhythm(), duration=5.0).outputs,
        simulate(RespiratoryRhythm(), [1.0] * 3, duration=5.0).outputs,
    )
    assert POPULATIONS == ("pre-I", "early-I", "post-I", "aug-E")


def test_noise_on_the_membrane_has_its_deviation():
    """By leak alone: no drive, no output, no adaptation."""
    system = RespiratoryRhythm(g_NaP=0.0, dt=0.5, sigma=0.2, seed=2)
    V = simulate(system, [0.0, 0.0, 0.0], duration=8000.0, batch_size=20).states["V"][12000:]
    assert V[:, :, 2].std() == pytest.approx(0.2, rel=0.04)


def test_onsets_are_interpolated_upward_crossings():
    time = np.arange(0.0, 40.0, 0.5)
    signal = 2.0 + np.sin(2 * np.pi * (time - 3.0) / 10.0)
    np.testing.assert_allclose(onsets(time, signal), [3.0, 13.0, 23.0, 33.0], atol=0.02)
    np.testing.assert_allclose(onsets(time, signal, level=2.5), np.array([3.0, 13.0, 23.0, 33.0]) + 10 / 12, atol=0.03)
    assert period(time, signal) == pytest.approx(10.0, abs=1e-6)
    assert period(np.append(time, [60.0, 70.0]), np.append(signal, [0.0, 4.0]), level=2.0, cycles=1) == pytest.approx(
        32.0, abs=0.1
    )


def test_phases_go_by_the_share_of_the_peak_and_leave_out_the_silent():
    outputs = np.zeros((4, 2, 4))
    outputs[:, 0, 1] = [0.8, 0.2, 0.1, 0.0]
    outputs[:, 0, 2] = [0.0, 0.4, 0.2, 0.1]
    outputs[:, 0, 3] = [0.0, 0.05, 0.08, 0.1]
    outputs[:, 0, 0] = [0.0, 0.0, 0.0, 0.9]
    outputs[:, 1, 1] = [0.5, 0.1, 0.1, 0.1]
    outputs[:, 1, 2] = [0.0, 0.0, 0.04, 0.04]
    assert phases(outputs)[:, 0].tolist() == [0, 1, 2, 2]
    assert phases(outputs)[:, 1].tolist() == [0, 0, 0, 0]
    assert phases(outputs, silent=0.01)[:, 1].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: RespiratoryRhythm(g_NaP=-1.0), "`g_NaP` must be >= 0 and finite (nS); got -1.0."),
        (lambda: RespiratoryRhythm(method="exp_euler"), "`method` of RespiratoryRhythm must be one of euler, midpoint"),
        (lambda: onsets([0.0, 1.0], [0.0, 1.0, 2.0]), "must be finite (T,) arrays, T >= 2; got shapes (2,) and (3,)."),
        (lambda: onsets([0.0, 1.0], [0.0, np.nan]), "`time` and `signal` must be finite (T,) arrays"),
        (
            lambda: period([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 0.0, 1.0]),
            "`cycles` must be >= 1 and at most the 1 complete ones of the signal; got 3. Run longer",
        ),
        (lambda: period([0.0, 1.0], [0.0, 0.0], cycles=0), "at most the 0 complete ones of the signal; got 0."),
        (lambda: phases(np.zeros((3, 4))), "`outputs` must have shape (T, B, 4), of a RespiratoryRhythm; got (3, 4)."),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call()
    assert text in str(caught.value)


def test_conditions_cannot_be_changed():
    with pytest.raises(TypeError, match="does not support item assignment"):
        circuits.CONDITIONS["three-phase"] = CONDITIONS["two-phase"]
