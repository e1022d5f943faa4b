import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.analysis import _lyapunov, lyapunov


def lorenz(x):
    """One Runge-Kutta step of 0.01."""

    def flow(x):
        return jnp.stack([10 * (x[1] - x[0]), x[0] * (28 - x[2]) - x[1], x[0] * x[1] - 8 / 3 * x[2]])

    a = flow(x)
    b = flow(x + 0.005 * a)
    c = flow(x + 0.005 * b)
    return x + 0.01 / 6 * (a + 2 * b + 2 * c + flow(x + 0.01 * c))


def tanh_network(n, gain, seed=0, dt_over_tau=0.1):
    weights = gain * np.random.default_rng(seed).normal(size=(n, n)) / np.sqrt(n)

    def step(x, u=0.0):
        return x + dt_over_tau * (-x + jnp.tanh(x) @ weights + u)

    return step


@pytest.mark.parametrize("qr_every", [1, 5])
def test_exponents_of_a_linear_map_are_the_logarithms_of_its_eigenvalues(qr_every):
    matrix = np.random.default_rng(1).normal(size=(6, 6)) / 2.0
    values = np.linalg.eigvals(matrix)
    assert np.count_nonzero(values.imag)  # complex pairs share an exponent
    result = lyapunov(lambda x: matrix @ x, np.ones(6) / 1e3, dt=5.0, n_steps=2000, qr_every=qr_every)
    np.testing.assert_allclose(result.exponents, np.sort(np.log(np.abs(values)) / 5.0)[::-1], atol=2e-3)
    assert result.exponents.sum() == pytest.approx(np.log(np.abs(np.linalg.det(matrix))) / 5.0, abs=1e-12)
    assert result.mean_log_det == pytest.approx(result.exponents.sum(), abs=1e-12)
    assert result.map == "autonomous"


def test_real_eigenvalues_are_found_to_rounding():
    basis = np.random.default_rng(2).normal(size=(4, 4))
    values = np.array([1.1, -0.9, 0.5, 0.01])
    matrix = basis @ np.diag(values) @ np.linalg.inv(basis)
    result = lyapunov(lambda x: matrix @ x, np.zeros(4), dt=2.0, n_steps=400, transient=400)
    np.testing.assert_allclose(result.exponents, np.log(np.abs(values)) / 2.0, atol=1e-10)
    assert (result.standard_error < 1e-10).all()


def test_lorenz_system():
    result = lyapunov(lorenz, [1.0, 1.0, 1.0], dt=0.01, n_steps=150_000, transient=5_000, qr_every=10)
    assert result.exponents[0] == pytest.approx(0.906, abs=0.01)
    assert result.exponents[1] == pytest.approx(0.0, abs=0.003)
    divergence = -(10 + 1 + 8 / 3)
    assert result.exponents.sum() == pytest.approx(divergence, abs=2e-4)  # an RK4 step is not the flow
    assert result.mean_log_det == pytest.approx(divergence, abs=2e-4)
    assert result.exponents.sum() == pytest.approx(result.mean_log_det, abs=1e-10)
    by_hand = 2 + result.exponents[:2].sum() / abs(result.exponents[2])
    assert result.kaplan_yorke == pytest.approx(by_hand, abs=1e-12)
    assert result.kaplan_yorke == pytest.approx(2.062, abs=0.001)
    assert 0.001 < result.standard_error[0] < 0.02
    assert np.abs(result.exponents[0] - 0.9056) < 4 * result.standard_error[0]


def test_leading_exponent_is_the_growth_of_a_small_difference():
    """An independent way: two orbits in numpy, brought together again at each step (Benettin's first)."""
    step = tanh_network(30, 6.0)
    weights = 6.0 * np.random.default_rng(0).normal(size=(30, 30)) / np.sqrt(30)
    x = np.random.default_rng(5).normal(size=30)
    other, grown = x + 1e-8 * np.eye(30)[0], []
    for index in range(4000):
        x, other = (y + 0.1 * (-y + np.tanh(y) @ weights) for y in (x, other))
        gap = np.linalg.norm(other - x)
        other = x + (other - x) * 1e-8 / gap
        grown += [np.log(gap / 1e-8)] if index >= 1000 else []
    start = np.random.default_rng(5).normal(size=30)
    result = lyapunov(step, start, dt=10.0, n_steps=3000, transient=1000, n_exponents=2)
    assert result.exponents[0] == pytest.approx(np.mean(grown) / 10.0, abs=5e-5)
    assert result.exponents[0] > 5e-4


def test_random_network_is_quiet_below_gain_one_and_chaotic_well_above():
    x0 = np.random.default_rng(9).normal(size=100)
    quiet = lyapunov(tanh_network(100, 0.5), x0, dt=10.0, n_steps=500, n_exponents=1, qr_every=5)
    chaotic = lyapunov(tanh_network(100, 5.0), x0, dt=10.0, n_steps=2000, n_exponents=1, qr_every=5)
    weights = 0.5 * np.random.default_rng(0).normal(size=(100, 100)) / 10.0
    slowest = np.log(np.abs(1 + 0.1 * (np.linalg.eigvals(weights) - 1)).max()) / 10.0  # at rest, where it ends
    assert quiet.exponents[0] == pytest.approx(slowest, abs=1e-4)
    assert quiet.exponents[0] < -0.003
    assert chaotic.exponents[0] > 0.0015
    assert chaotic.exponents[0] > 5 * chaotic.standard_error[0]


def test_all_exponents_of_a_network_add_up_to_the_mean_log_det():
    result = lyapunov(tanh_network(20, 2.0), np.ones(20), dt=10.0, n_steps=600, qr_every=3)
    assert result.exponents.sum() == pytest.approx(result.mean_log_det, abs=1e-13)
    weights = 2.0 * np.random.default_rng(0).normal(size=(20, 20)) / np.sqrt(20)
    x, total = np.ones(20), 0.0
    for index in range(120 + 600):
        slope = 1 - np.tanh(x) ** 2
        total += np.linalg.slogdet(0.9 * np.eye(20) + 0.1 * slope[:, None] * weights)[1] if index >= 120 else 0.0
        x = x + 0.1 * (-x + np.tanh(x) @ weights)
    assert result.mean_log_det == pytest.approx(total / 6000.0, abs=1e-5)


def test_strong_input_suppresses_chaos():
    step, x0 = tanh_network(100, 5.0), np.random.default_rng(9).normal(size=100)
    time = np.arange(2500)[:, None] * 10.0
    wave = np.cos(2 * np.pi * time / 500.0 + np.random.default_rng(3).uniform(0, 2 * np.pi, 100))

    def driven(strength):
        options = {"dt": 10.0, "n_steps": 2000, "n_exponents": 1, "qr_every": 5}
        return lyapunov(step, x0, inputs=strength * wave, **options)

    weak, strong = driven(0.0), driven(20.0)
    alone = lyapunov(step, x0, dt=10.0, n_steps=2000, transient=500, n_exponents=1, qr_every=5)
    assert weak.exponents[0] == pytest.approx(alone.exponents[0], abs=1e-12)
    assert weak.exponents[0] > 1e-3
    assert strong.exponents[0] < -1e-3
    assert (weak.map, alone.map) == ("driven", "autonomous")


def test_inputs_are_taken_in_their_order():
    """x -> u x: the exponent is the mean of log |u|, without the transient's."""
    u = np.random.default_rng(0).uniform(0.5, 2.0, size=(60, 1))
    result = lyapunov(lambda x, u: u[0] * x, [1.0], dt=2.0, n_steps=40, inputs=u)
    assert result.exponents[0] == pytest.approx(np.log(u[20:]).mean() / 2.0, abs=1e-14)
    np.testing.assert_allclose(result.running[:, 0], np.cumsum(np.log(u[20:, 0])) / result.time, rtol=1e-12)
    assert result.time.tolist() == (2.0 * np.arange(1, 41)).tolist()
    assert result.state[0] == pytest.approx(np.prod(u))
    means = np.log(u[20:, 0]).reshape(10, 4).mean(axis=1) / 2.0
    assert result.standard_error[0] == pytest.approx(means.std(ddof=1) / np.sqrt(10))
    assert np.isnan(lyapunov(lambda x, u: u[0] * x, [1.0], dt=2.0, n_steps=19, inputs=u[:19]).standard_error[0])


def test_kaplan_yorke_dimension():
    def dimension(values, **options):
        factors = np.exp(np.array(values))
        return lyapunov(lambda x: factors * x, 0.0 * factors, dt=1.0, n_steps=40, transient=100, **options).kaplan_yorke

    assert dimension([0.3, -0.1, -0.8]) == pytest.approx(2 + 0.2 / 0.8)
    assert dimension([-0.2, -0.5]) == 0.0
    assert dimension([0.2, -0.1]) == 2.0
    assert np.isnan(dimension([0.3, -0.1, -0.8], n_exponents=2))
    assert np.isnan(lyapunov(lambda x: 0.5 * x, np.ones(2), dt=1.0, n_steps=4, n_exponents=1).mean_log_det)


def test_a_direction_that_is_wiped_out_is_no_error():
    result = lyapunov(lambda x: jnp.stack([2.0 * x[0], 0.0 * x[1]]), np.zeros(2), dt=1.0, n_steps=10)
    assert result.exponents[0] == pytest.approx(np.log(2.0))
    assert result.exponents[1] == -np.inf


def test_float32_arrays_inside_take_part_in_float64():
    weights = (np.random.default_rng(0).normal(size=(8, 8)) / 3).astype(np.float32)
    results = []
    for matrix in (jnp.asarray(weights), weights, weights.astype(np.float64)):
        results.append(lyapunov(lambda x, m=matrix: jnp.tanh(m @ x) + 0.5 * x, np.ones(8), dt=1.0, n_steps=100))
    assert not jax.config.read("jax_enable_x64")
    assert all(one.exponents.dtype == one.state.dtype == np.float64 for one in results)
    np.testing.assert_allclose(results[0].exponents, results[2].exponents, atol=1e-12)
    np.testing.assert_allclose(results[1].exponents, results[2].exponents, atol=1e-12)
    rounded = lyapunov(lambda x: (jnp.tanh(weights @ x) + 0.5 * x).astype(jnp.float32), np.ones(8), dt=1.0, n_steps=100)
    np.testing.assert_allclose(rounded.exponents, results[2].exponents, atol=1e-4)


def test_a_function_is_compiled_once_but_what_it_holds_is_read_each_time():
    traced = []
    holder = {"scale": np.array([2.0, 0.5])}

    @jax.jit
    def inner(x):
        return 1.0 * x

    def step(x):
        return inner(x) * holder["scale"]

    def exponents(n_steps=8):
        result = lyapunov(step, [1.0, 1.0], dt=1.0, n_steps=n_steps, transient=40)
        traced.append(_lyapunov._compiled.cache_info().misses)
        return np.exp(result.exponents)

    np.testing.assert_allclose(exponents(), [2.0, 0.5])
    holder["scale"] = np.array([3.0, 0.25])
    np.testing.assert_allclose(exponents(), [3.0, 0.25])
    assert traced[0] == traced[1]
    run = _lyapunov._compiled
    before = run.cache_info().hits
    exponents()
    assert run.cache_info().hits == before + 1


def test_functions_that_look_alike_are_not_mistaken_for_each_other():
    """The text of a trace does not show the constants of jitted functions within."""

    def make(factor):
        inner = jax.jit(lambda x: x * np.full(2, factor))
        return lambda x: inner(x)

    for factor in (2.0, 0.5):
        result = lyapunov(make(factor), [1.0, 1.0], dt=1.0, n_steps=4)
        np.testing.assert_allclose(np.exp(result.exponents), factor)


def good(**options):
    return {"dt": 1.0, "n_steps": 10, **options}


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: lyapunov(lorenz, np.ones((2, 3)), **good()), ValueError, r"`x0` must be one state \(N,\).*\(2, 3\)"),
        (lambda: lyapunov(lorenz, [1.0, np.nan, 0.0], **good()), ValueError, "`x0` must be finite"),
        (lambda: lyapunov(lorenz, np.ones(3), **good(dt=0.0)), ValueError, "`dt` must be positive"),
        (
            lambda: lyapunov(lorenz, np.ones(3), **good(n_exponents=4)),
            ValueError,
            "`n_exponents` must be in 1..N = 3; got 4",
        ),
        (
            lambda: lyapunov(lorenz, np.ones(3), **good(qr_every=3)),
            ValueError,
            "must be multiples of `qr_every`.*got 10, 0 and 3",
        ),
        (lambda: lyapunov(lorenz, np.ones(3), **good(transient=-1)), ValueError, "got 10, -1 and 1"),
        (lambda: lyapunov(lorenz, np.ones(3), **good(n_steps=0)), ValueError, "got 0, 0 and 1"),
        (
            lambda: lyapunov(lambda x: x[:2], np.ones(3), **good()),
            ValueError,
            r"`step` must return one float array \(N,\) = \(3,\).*got float64 \(2,\). It works on one trial",
        ),
        (lambda: lyapunov(lambda x: (x, x), np.ones(3), **good()), ValueError, r"got float64 \(3,\), float64 \(3,\)"),
        (lambda: lyapunov(lambda x: x > 0, np.ones(3), **good()), ValueError, r"got bool \(3,\)"),
        (
            lambda: lyapunov(lambda x, u: x, np.ones(3), **good(inputs=np.ones(5))),
            ValueError,
            r"`inputs` must be \(T, n_in\).*got shape \(5,\)",
        ),
        (
            lambda: lyapunov(lambda x, u: x, np.ones(3), **good(inputs=np.ones((12, 1)), transient=5)),
            ValueError,
            r"`inputs` must have transient \+ n_steps = 15 steps; got 12",
        ),
        (lambda: lyapunov(lambda x, u: x, np.ones(3), **good(inputs=np.ones((5, 1)))), ValueError, "got 10, -5 and 1"),
        (
            lambda: lyapunov(lambda x: 1e200 * x, np.ones(3), **good(qr_every=2)),
            FloatingPointError,
            "became NaN or infinite within the first 2 steps. The map may diverge.*`qr_every` = 2",
        ),
        (
            lambda: lyapunov(lambda x: x**3, 3.0 * np.ones(1), **good()),
            FloatingPointError,
            "within the first [678] steps",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_silence_of_a_large_random_network_becomes_unstable_at_gain_one(seed):
    """N = 1000, as in docs/results/lyapunov.md: at the origin the sign changes at 1 within 5 %; chaos begins later."""
    J = np.random.default_rng(seed).normal(size=(1000, 1000)) / np.sqrt(1000)
    gain = {}

    def step(x):
        return x + 0.1 * (-x + jnp.tanh(x) @ (gain["g"] * J))

    def leading(g, x0):
        gain["g"] = g
        return lyapunov(step, x0, dt=10.0, n_steps=5000, transient=2500, n_exponents=1, qr_every=10)

    below, above = (leading(g, np.zeros(1000)).exponents[0] for g in (0.95, 1.05))
    assert below < 0 < above
    assert 0.95 - 0.1 * below / (above - below) == pytest.approx(1.0, abs=0.05)
    start = np.random.default_rng(seed + 50).normal(size=1000)
    assert leading(0.95, start).exponents[0] < 0
    chaotic = leading(1.5, start)
    assert chaotic.exponents[0] > 3 * chaotic.standard_error[0]
