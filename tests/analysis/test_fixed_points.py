"""Fixed points against systems whose zeros, kinds and modes are known."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import linalg, optimize

from eicon.analysis import _newton, fixed_points, manifold
from eicon.analysis.spectra import jacobian_spectrum
from eicon.models import RateRNN

RNG = np.random.default_rng(0)
DT, TAU = 2.0, 20.0


def flow_step(flow):
    """One Euler step of ``tau dx/dt = flow(x)``."""
    return lambda x: x + DT / TAU * flow(x)


def find(flow, candidates, **options):
    return fixed_points(flow_step(flow), candidates, **{"dt": DT, "tau": TAU, **options})


def two_states(x):
    return -x + jnp.tanh(2.0 * x)


def test_an_ideal_flip_flop_of_three_bits():
    bit = optimize.brentq(lambda x: np.tanh(2 * x) - x, 0.5, 1.5, xtol=1e-15)
    points = find(two_states, RNG.uniform(-1.5, 1.5, (600, 3)))
    expected = np.array(list(itertools.product([-bit, 0.0, bit], repeat=3)))
    assert points.positions.shape == (27, 3)
    for where in expected:
        index = np.argmin(np.abs(points.positions - where).max(axis=1))
        np.testing.assert_allclose(points.positions[index], where, atol=1e-12)
        assert points.n_unstable[index] == np.sum(where == 0)
    assert points.counts() == {"stable": 8, "saddle-1": 12, "saddle-2": 6, "unstable": 1}
    assert (points.kind == "fixed").all()
    assert (points.q < 1e-24).all()
    np.testing.assert_array_equal(np.bincount(points.point_of), points.n_candidates)
    assert (np.diff(points.n_unstable) >= 0).all()
    growth = {0: 2 * (1 - bit**2) - 1, 1: 1.0}
    rates = points.flow_eigenvalues * TAU
    np.testing.assert_allclose(rates[0], growth[0], atol=1e-9)
    np.testing.assert_allclose(rates[-1], growth[1], atol=1e-9)
    np.testing.assert_allclose(points.step_eigenvalues, 1 + DT * points.flow_eigenvalues, rtol=1e-12)


def test_modes_of_a_linear_network():
    matrix = RNG.normal(size=(6, 6)) / 3
    drive = RNG.normal(size=6)
    points = find(lambda x: -x + x @ matrix + drive[None], RNG.normal(size=(5, 6)), n_modes=6)
    np.testing.assert_allclose(points.positions, np.linalg.solve(np.eye(6) - matrix.T, drive)[None], atol=1e-10)
    jacobian = (matrix.T - np.eye(6)) / TAU
    values, right, left = points.flow_eigenvalues[0], points.right[0], points.left[0]
    np.testing.assert_allclose(np.sort_complex(values), np.sort_complex(linalg.eigvals(jacobian)), atol=1e-12)
    assert (np.diff(values.real) <= 1e-15).all()
    np.testing.assert_allclose(jacobian @ right, right * values, atol=1e-12)
    np.testing.assert_allclose(left.conj().T @ jacobian, values[:, None] * left.conj().T, atol=1e-12)
    np.testing.assert_allclose(left.conj().T @ right, np.eye(6), atol=1e-9)
    np.testing.assert_allclose(linalg.norm(right, axis=0), 1)
    np.testing.assert_allclose((np.eye(6) + DT * jacobian) @ right, right * points.step_eigenvalues[0], atol=1e-12)


def test_few_modes_are_the_leading_ones():
    matrix = np.diag([0.5, -0.3, 0.9])
    points = find(lambda x: -x + x @ matrix, RNG.normal(size=(4, 3)), n_modes=2)
    assert points.right.shape == points.left.shape == (1, 3, 2)
    np.testing.assert_allclose(np.abs(points.right[0]), np.eye(3)[:, [2, 0]], atol=1e-12)


def test_a_rate_network_with_its_inputs_held():
    net = RateRNN.dale(2, 20, 2, activation="tanh", spectral_radius=0.8, sigma_rec=0.1, bias=True, seed=3)
    points = fixed_points(net.held([0.3, 1.0]), RNG.normal(size=(20, 20)), dt=net.dt, tau=100.0)
    assert points.stability == ["stable"]
    settled = net.predict(np.tile(np.float32([0.3, 1.0]), (400, 1, 1)), noise=False)
    np.testing.assert_allclose(points.positions[0], settled.currents[-1, 0], atol=1e-5)
    gain = 1 - np.tanh(points.positions[0]) ** 2
    for dt, found in ((None, points.flow_eigenvalues), (net.dt, points.step_eigenvalues)):
        expected = jacobian_spectrum(net.W_rec, gain, net.tau, dt=dt).eigenvalues
        np.testing.assert_allclose(np.sort_complex(found[0]), np.sort_complex(expected), atol=1e-7)


def test_a_mode_that_decays_in_the_flow_and_grows_in_the_step():
    decay, turn = 0.1, 3.0
    rotation = np.array([[0.0, turn], [-turn, 0.0]])
    points = find(lambda x: -decay * x + x @ rotation, RNG.normal(size=(4, 2)), dt=TAU / 10)
    assert np.abs(1 + (-decay + 1j * turn) / 10) > 1
    assert points.stability == ["stable"]
    assert points.n_unstable_step.tolist() == [2]


def test_marginal_directions():
    points = find(lambda x: jnp.stack([0.005 * x[:, 0], -x[:, 1]], axis=1), RNG.normal(size=(3, 2)))
    assert points.stability == ["marginal"]
    assert points.n_marginal.tolist() == [1]
    strict = find(lambda x: jnp.stack([0.005 * x[:, 0], -x[:, 1]], axis=1), RNG.normal(size=(3, 2)), marginal=0.0)
    assert strict.stability == ["saddle-1"]


def test_the_ghost_of_a_saddle_node_is_slow_not_fixed():
    points = find(lambda x: x**2 + 0.01, np.linspace(-1, 1, 8)[:, None])
    assert points.kind.tolist() == ["slow"]
    assert points.stability == ["slow, marginal"]
    np.testing.assert_allclose(points.positions, 0, atol=1e-4)
    np.testing.assert_allclose(points.q, 0.01**2 / 2, rtol=1e-6)


def test_q_is_in_units_of_tau_whatever_the_step():
    q = [
        fixed_points(lambda x, dt=dt: x + dt / 50 * (x**2 + 0.01), [[0.2]], dt=dt, tau=50.0).q[0] for dt in (1.0, 10.0)
    ]
    np.testing.assert_allclose(q, 0.01**2 / 2, rtol=1e-6)


def test_what_has_not_converged_says_so():
    points = find(two_states, RNG.uniform(-1.5, 1.5, (10, 3)), max_steps=1)
    assert (points.kind == "unconverged").any()
    words = np.array(points.stability)
    assert (words[points.kind == "unconverged"] == "not converged").all()
    assert (points.q[points.kind == "unconverged"] >= 1e-12).all()


def test_points_of_different_kinds_stay_apart():
    ends, q = np.array([[0.0], [1e-6], [2e-6]]), np.array([1e-20, 1e-5, 1e-21])
    from eicon.analysis._zeros import distinct

    kept, point_of = distinct(ends, q, np.array([0, 2, 0]), 1e-3, lambda first, second: first[:, 0] < 1.0)
    assert kept.tolist() == [2, 1]
    assert point_of.tolist() == [0, 1, 0]
    apart, each = distinct(ends, q, np.array([0, 0, 0]), 1e-3, lambda first, second: first[:, 0] > 1.0)
    assert (apart.tolist(), each.tolist()) == ([2, 0, 1], [1, 2, 0])


@pytest.mark.parametrize("n", [1, 3])
def test_a_candidate_far_away_merges_nothing(n):
    """20 candidates around the zeros and one at 5000: three zeros, 27 in three dimensions (1 and 1 before)."""
    near = np.linspace(-1, 1, 20)[:, None] if n == 1 else RNG.uniform(-1.5, 1.5, (400, 3))
    points = find(two_states, np.concatenate([near, np.full((1, n), 5000.0)]))
    assert len(points.positions) == 3**n
    assert points.counts()["stable"] == 2**n
    assert np.abs(points.positions).max() < 1.0


def test_points_of_different_stability_never_merge_however_wide_the_tolerance():
    points = find(two_states, np.linspace(-1.5, 1.5, 21)[:, None], same_within=10.0)
    np.testing.assert_allclose(np.sort(points.positions[:, 0]), [-0.9575, 0.0, 0.9575], atol=1e-4)
    assert points.stability == ["stable", "stable", "unstable"]
    close = find(lambda x: (x - 1.0) * (x - 1.02) * 2, np.linspace(0.0, 1.1, 23)[:, None], same_within=0.1)
    assert close.stability == ["stable", "unstable"]


@pytest.mark.parametrize("floor", [1e-7, 1e-9, 1e-12])
def test_a_small_speed_is_no_zero(floor):
    points = find(lambda x: floor + x**2, np.linspace(-1, 1, 8)[:, None])
    assert set(points.kind) == {"slow"}
    assert floor**2 / 2 <= points.q.min() < 1e-12
    plane = find(lambda x: jnp.stack([-x[:, 0], floor + x[:, 1] ** 2], axis=1), RNG.uniform(-1, 1, (9, 2)))
    assert "fixed" not in set(plane.kind)


def test_a_zero_without_a_slope_is_fixed():
    points = find(lambda x: x**2, np.linspace(-1, 1, 8)[:, None])
    assert points.stability == ["marginal"]
    np.testing.assert_allclose(points.positions, 0.0, atol=1e-5)


def test_an_isolated_point_far_away_is_kept_and_said_to_be_far():
    # Zeros at 0, 1 and 20; only one candidate leads to the last.
    points = find(lambda x: -x * (x - 1) * (x - 20) / 20, [[-0.1], [0.1], [0.9], [1.1], [15.0]])
    assert points.positions[:, 0].round(9).tolist().count(20.0) == 1
    far = np.argmax(points.positions[:, 0])
    np.testing.assert_allclose(points.distance[far], 5.0)
    assert points.n_candidates[far] == 1


def test_the_batch_changes_nothing():
    candidates = np.linspace(-2, 2, 21)[:, None]
    whole = find(two_states, candidates)
    parts = find(two_states, candidates, batch=4)
    np.testing.assert_allclose(parts.positions, whole.positions, atol=1e-12)
    np.testing.assert_array_equal(parts.point_of, whole.point_of)


def test_kinks_are_crossed():
    """Units inhibit each other through rectification; the zeros follow from the four linear pieces."""
    matrix, drive = np.array([[0.2, -2.5], [-2.5, 0.2]]), np.array([1.0, 1.0])
    expected = []
    for active in itertools.product([0.0, 1.0], repeat=2):
        x = np.linalg.solve(np.eye(2) - (matrix * np.array(active)[:, None]).T, drive)
        if ((x > 0) == np.array(active, bool)).all():
            expected.append(x)
    assert len(expected) == 3
    points = find(lambda x: -x + jax.nn.relu(x) @ matrix + drive[None], RNG.uniform(-3, 3, (40, 2)))
    assert (points.kind == "fixed").all()
    found = points.positions[np.lexsort(points.positions.T)]
    np.testing.assert_allclose(found, np.array(expected)[np.lexsort(np.array(expected).T)], atol=1e-12)


@pytest.mark.battery
def test_float32_inside_of_the_step_limits_q_but_breaks_nothing():
    weights = np.float32(RNG.normal(size=(5, 5)) / 4)

    def flow(x, precision):
        x = x.astype(precision)
        return -x + jnp.tanh(x) @ weights.astype(precision) + 0.5

    single = find(partial(flow, precision=jnp.float32), np.zeros((1, 5)))
    double = find(partial(flow, precision=jnp.float64), np.zeros((1, 5)))
    assert single.q[0] < 1e-10
    np.testing.assert_allclose(single.positions, double.positions, atol=1e-5)
    assert double.q[0] < 1e-24


def test_networks_of_one_size_share_compiled_code():
    def run(seed):
        net = RateRNN.dale(1, 7, 1, activation="tanh", seed=seed)
        return fixed_points(net.held(), RNG.normal(size=(6, 7)), dt=net.dt, tau=100.0)

    run(0)
    before = _newton._advance._cache_size()
    run(1)
    assert _newton._advance._cache_size() == before


def test_a_line_attractor():
    integrator = np.linalg.qr(RNG.normal(size=(12, 12)))[0]
    matrix = integrator @ np.diag([1.0, *RNG.uniform(-0.5, 0.5, 11)]) @ integrator.T
    start = RNG.uniform(-2, 2, (60, 1)) * integrator[:, 0] + 0.1 * RNG.normal(size=(60, 12))
    points = find(lambda x: -x + x @ matrix, start)
    assert set(points.stability) == {"marginal"}
    shape = manifold(points.positions)
    assert (shape.shape, shape.dimension, len(shape.members)) == ("line", 1, len(points.q))
    np.testing.assert_allclose(np.abs(points.right[0, :, 0] @ integrator[:, 0]), 1, atol=1e-9)


def test_a_nearly_neutral_line_is_left_alone_on_request():
    """``x`` creeps to 0 and ``y`` runs there: with `slow`, points drop onto the line and stay."""
    start = np.stack([np.linspace(-1, 1, 30), RNG.uniform(-1, 1, 30)], axis=1)
    creep = lambda x: jnp.stack([-0.01 * x[:, 0], -x[:, 1]], axis=1)  # noqa: E731
    assert len(find(creep, start).q) == 1
    points = find(creep, start, slow=0.05)
    assert set(points.kind) <= {"slow", "fixed"}
    assert np.abs(points.positions[:, 1]).max() < 0.05
    shape = manifold(points.positions)
    assert shape.shape == "line"
    np.testing.assert_allclose(shape.coordinate[-1], 2.0, rtol=0.1)


def test_a_ring_attractor():
    angle = 2 * np.pi * np.arange(24) / 24
    matrix = 4 / 24 * np.cos(angle[:, None] - angle)
    toward = np.linspace(-np.pi, np.pi, 80)
    points = find(lambda x: -x + jnp.tanh(x) @ matrix, 2 * np.cos(toward[:, None] - angle))
    assert {"marginal", "slow, marginal"} >= set(points.stability)  # 48 zeros, hardly any motion between them
    ring = points.n_marginal == 1
    assert ring.sum() > 60
    shape = manifold(points.positions[ring])
    assert (shape.shape, shape.dimension) == ("ring", 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"candidates": np.zeros(3)}, r"`candidates` must be a non-empty \(M, N\) array of states; got shape \(3,\)"),
        ({"candidates": np.zeros((0, 3))}, r"got shape \(0, 3\)"),
        ({"candidates": [[np.nan]]}, "`candidates` must be finite"),
        ({"dt": 0.0}, r"`dt` must be positive and finite \(ms\); got 0\.0"),
        ({"tau": -1.0}, r"`tau` must be positive and finite \(ms\); got -1\.0"),
        ({"dt": 20.0, "tau": 0.1}, r"`tau` must be at least dt, both in ms; got tau 0.1 and dt 20. Is tau in seconds?"),
        ({"tau": [20.0, 100.0]}, r"`tau` must be one time constant; got 2, from 20 to 100 ms"),
        ({"tol": 0.0}, "`tol` must be positive"),
        ({"slow": -0.1}, r"`slow` must be >= 0; got -0\.1"),
        ({"same_within": -1.0}, "`same_within` must be >= 0"),
        ({"n_modes": 0}, "`n_modes` must be at least 1"),
        ({"max_steps": 0}, "`max_steps` must be at least 1"),
        (
            {"step": lambda x: x[0]},
            r"`step` must map states \(M, N\) = \(2, 3\) to the same shape; got \(3,\).*jax.vmap",
        ),
        ({"step": lambda x: x * jnp.nan}, "`step` returned NaN or infinity at a candidate"),
    ],
)
def test_errors(options, message):
    given = {"step": lambda x: 0.9 * x, "candidates": np.ones((2, 3)), "dt": 1.0, "tau": 1.0, **options}
    with pytest.raises(ValueError, match=message):
        fixed_points(given.pop("step"), given.pop("candidates"), **given)
