import numpy as np
import pytest

from eicon.analysis import spectrum
from eicon.analysis.spectra import jacobian, jacobian_spectrum


def test_circular_law():
    n = 400
    weights = 0.8 * np.random.default_rng(0).normal(size=(n, n)) / np.sqrt(n)
    result = spectrum(weights)
    assert result.map == "matrix"
    assert result.is_stable is None
    assert result.random_radius == pytest.approx(0.8, rel=0.01)
    assert result.spectral_radius == pytest.approx(result.random_radius, rel=0.05)
    assert result.outliers.size == 0
    # eigenvalues fill the disc evenly: half of them lie within radius / sqrt(2)
    assert np.mean(np.abs(result.eigenvalues) < 0.8 / np.sqrt(2)) == pytest.approx(0.5, abs=0.05)


def test_rajan_abbott_radius_with_unequal_variances():
    # the edge of so uneven a matrix is blurred: 6 % beyond the circle at N = 400, 3 % here, 0 in the limit
    n, n_e, std_e, std_i = 800, 640, 0.02, 0.10
    rng = np.random.default_rng(1)
    std = np.where(np.arange(n) < n_e, std_e, std_i)
    weights = std[:, None] * rng.normal(size=(n, n))
    weights -= weights.mean(axis=1, keepdims=True)  # balanced, so that the means make no outlier
    excitatory = np.arange(n) < n_e
    shuffled = rng.permutation(n)
    result = spectrum(weights[np.ix_(shuffled, shuffled)], excitatory=excitatory[shuffled])
    formula = np.sqrt(n * (0.8 * std_e**2 + 0.2 * std_i**2))
    assert result.random_radius == pytest.approx(formula, rel=0.02)
    assert result.spectral_radius == pytest.approx(formula, rel=0.05)


def test_e_and_i_means_do_not_enter_the_radius_but_one_population_would_mix_them():
    weights = np.array([[1.0, 1.0], [-3.0, -3.0]])
    assert spectrum(weights, excitatory=[True, False]).random_radius == 0.0
    # one population: entries 1, 1, -3, -3 have variance 4, times N = 2
    assert spectrum(weights).random_radius == pytest.approx(np.sqrt(8.0))


def test_planted_outlier_is_found_at_its_place():
    n = 300
    weights = 0.5 * np.random.default_rng(2).normal(size=(n, n)) / np.sqrt(n) + 2.0 / n
    result = spectrum(weights)
    assert result.outliers.tolist() == [0]
    assert result.eigenvalues[0] == pytest.approx(2.0, abs=0.1)
    assert spectrum(weights, outlier_factor=10.0).outliers.size == 0


def test_eigenvalues_are_sorted_and_match_the_characteristic_polynomial():
    weights = np.random.default_rng(3).normal(size=(4, 4))
    result = spectrum(weights)
    roots = np.roots(np.poly(weights))
    assert (np.diff(np.abs(result.eigenvalues)) <= 1e-12).all()
    np.testing.assert_allclose(np.sort_complex(result.eigenvalues), np.sort_complex(roots), atol=1e-9)
    assert result.spectral_radius == pytest.approx(np.abs(roots).max())
    assert result.spectral_abscissa == pytest.approx(roots.real.max())


def test_leaky_unit_has_minus_one_over_tau_and_one_minus_alpha():
    flow = jacobian_spectrum([[0.0]], gain=1.0, tau=100.0)
    assert flow.map == "continuous"
    assert flow.eigenvalues.tolist() == [-0.01]
    assert flow.is_stable is True
    step = jacobian_spectrum([[0.0]], gain=1.0, tau=100.0, dt=20.0)
    assert step.map == "discrete"
    np.testing.assert_allclose(step.eigenvalues, [0.8], rtol=1e-14)
    assert step.is_stable is True
    assert flow.outliers.size == step.outliers.size == 0


def test_stability_threshold_belongs_to_the_map():
    # self-excitation 1.5 grows in both maps; at -30 the flow decays, an Euler step of alpha = 0.2 does not
    assert jacobian_spectrum([[1.5]], 1.0, 100.0).is_stable is False
    assert jacobian_spectrum([[1.5]], 1.0, 100.0, dt=20.0).is_stable is False
    assert jacobian_spectrum([[-30.0]], 1.0, 100.0).is_stable is True
    assert jacobian_spectrum([[-30.0]], 1.0, 100.0, dt=20.0).is_stable is False


@pytest.mark.parametrize("dt", [None, 5.0])
def test_jacobian_equals_finite_differences_of_the_network_with_distinct_tau(dt):
    weights = np.array([[0.4, 1.7], [-2.3, 0.2]])
    tau, x, drive = np.array([20.0, 100.0]), np.array([0.3, -0.6]), np.array([0.1, 0.5])

    def network(state):
        derivative = np.zeros(2)
        for post in range(2):
            recurrent = sum(np.tanh(state[pre]) * weights[pre, post] for pre in range(2))
            derivative[post] = (-state[post] + recurrent + drive[post]) / tau[post]
        return derivative if dt is None else state + dt * derivative

    h = 1e-5
    numeric = np.stack([(network(x + h * e) - network(x - h * e)) / (2 * h) for e in np.eye(2)], axis=1)
    gain = 1.0 - np.tanh(x) ** 2
    np.testing.assert_allclose(jacobian(weights, gain, tau, dt=dt), numeric, rtol=1e-7)
    result = jacobian_spectrum(weights, gain, tau, dt=dt)
    expected = np.sort_complex(np.linalg.eigvals(numeric))
    np.testing.assert_allclose(np.sort_complex(result.eigenvalues), expected, rtol=1e-7)
    assert np.isnan([result.random_radius, result.center]).all()
    assert result.outliers.size == 0


def test_jacobian_circle_with_unequal_gains():
    n, tau = 400, 50.0
    rng = np.random.default_rng(4)
    excitatory = np.arange(n) < 300
    weights = np.where(excitatory, 0.03, 0.09)[:, None] * rng.normal(size=(n, n))
    gain = rng.uniform(0.0, 1.0, n)
    flow = jacobian_spectrum(weights, gain, tau, excitatory=excitatory)
    distance = np.abs(flow.eigenvalues + 1 / tau).max()
    assert flow.center == pytest.approx(-1 / tau)
    assert flow.random_radius == pytest.approx(distance, rel=0.07)
    step = jacobian_spectrum(weights, gain, tau, dt=10.0, excitatory=excitatory)
    assert step.center == pytest.approx(0.8)
    assert step.random_radius == pytest.approx(10.0 * flow.random_radius)


@pytest.mark.parametrize(
    ("matrix", "options", "text"),
    [
        (np.zeros((2, 3)), {}, r"`matrix` must be square \(N, N\), W\[pre, post\]; got shape \(2, 3\)"),
        (np.full((2, 2), np.inf), {}, r"`matrix` must be finite; got 4 NaN or infinite"),
        (np.eye(2), {"excitatory": [True]}, r"`excitatory` must be bools, shape \(N,\) = \(2,\)"),
        (np.eye(2), {"outlier_factor": 0.9}, r"`outlier_factor` must be >= 1; got 0.9"),
    ],
)
def test_errors(matrix, options, text):
    with pytest.raises(ValueError, match=text):
        spectrum(matrix, **options)


@pytest.mark.parametrize(
    ("gain", "tau", "dt", "text"),
    [
        (
            np.ones(3),
            100.0,
            None,
            r"`gain` must be a finite scalar or \(N,\) = \(2,\) array; got shape \(3,\)",
        ),
        (1.0, np.array([1.0, np.nan]), None, r"`tau` must be a finite scalar"),
        (1.0, np.array([10.0, 0.0]), None, r"`tau` must be positive \(ms\); got 0.0"),
        (1.0, 100.0, 0.0, r"`dt` must be positive \(ms\) or None for continuous time; got 0.0"),
    ],
)
def test_jacobian_errors(gain, tau, dt, text):
    with pytest.raises(ValueError, match=text):
        jacobian_spectrum(np.eye(2), gain, tau, dt=dt)
