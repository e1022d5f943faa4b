import numpy as np
import pytest

from eicon.analysis.spectra import jacobian, training_spectra, trajectory_spectra

RNG = np.random.default_rng(0)
N, T, TAU = 12, 5, 50.0
TYPES = np.arange(N) < 9
WEIGHTS = 2.0 * RNG.normal(size=(N, N)) / np.sqrt(N)
GAINS = RNG.uniform(0.0, 1.0, size=(T, N))


def same_set(first, second):
    np.testing.assert_allclose(np.sort_complex(np.round(first, 9)), np.sort_complex(np.round(second, 9)), atol=1e-8)


@pytest.mark.parametrize("dt", [None, 10.0])
def test_each_step_has_the_spectrum_of_its_jacobian(dt):
    result = trajectory_spectra(WEIGHTS, GAINS, TAU, dt=dt)
    for t in range(T):
        flow = (np.diag(GAINS[t]) @ WEIGHTS - np.eye(N)) / TAU  # of which a transpose has the same eigenvalues
        values = np.linalg.eigvals(flow if dt is None else np.eye(N) + dt * flow)
        same_set(result.eigenvalues[t], values)
        assert result.abscissa[t] == pytest.approx(values.real.max())
        assert result.radius[t] == pytest.approx(np.abs(values).max())
        growing = values.real > 0 if dt is None else np.abs(values) > 1
        assert result.n_unstable[t] == np.count_nonzero(growing)
        scale = np.sqrt(np.sum(GAINS[t] ** 2) * WEIGHTS.var()) / TAU
        assert result.random_radius[t] == pytest.approx(scale if dt is None else dt * scale)
    assert result.n_unstable.max() > result.n_unstable.min()
    assert result.map == ("continuous" if dt is None else "discrete")
    assert result.center == pytest.approx(-1 / TAU if dt is None else 1 - dt / TAU)
    assert (np.diff(np.abs(result.eigenvalues), axis=1) <= 1e-9).all()


def test_flow_and_step_disagree_where_the_step_is_too_long():
    """A decay so fast that Euler steps overshoot: stable as a flow, not as a map."""
    flow, step = (trajectory_spectra([[-30.0]], [[1.0]], 100.0, dt=dt) for dt in (None, 20.0))
    assert (flow.n_unstable[0], step.n_unstable[0]) == (0, 1)
    assert flow.abscissa[0] == pytest.approx(-0.31)
    assert (step.abscissa[0], step.radius[0]) == (pytest.approx(-5.2), pytest.approx(5.2))


def test_types_and_time_constants_are_passed_on():
    types = trajectory_spectra(np.where(TYPES[:, None], 1.0, -3.0) * np.ones((N, N)), GAINS, TAU, excitatory=TYPES)
    np.testing.assert_allclose(types.random_radius, 0.0, atol=1e-12)  # rows of a type do not vary
    tau = np.linspace(10.0, 100.0, N)
    several = trajectory_spectra(WEIGHTS, GAINS, tau)
    same_set(several.eigenvalues[2], np.linalg.eigvals(jacobian(WEIGHTS, GAINS[2], tau)))
    assert np.isnan(several.center)


def test_snapshots_of_a_training_with_a_growing_outlier():
    n, rng = 120, np.random.default_rng(1)
    base = 0.5 * rng.normal(size=(n, n)) / np.sqrt(n)
    strengths = np.array([0.0, 0.3, 1.0, 2.0])
    result = training_spectra(base + strengths[:, None, None] / n, [0, 50, 100, 250])
    assert result.steps.tolist() == [0, 50, 100, 250]
    assert result.n_outliers.tolist() == [0, 0, 1, 1]
    np.testing.assert_allclose(result.radius[2:], strengths[2:], atol=0.2)
    np.testing.assert_allclose(result.abscissa[2:], result.radius[2:], rtol=1e-9)
    np.testing.assert_allclose(result.random_radius, np.sqrt(n) * base.std(), rtol=1e-9)  # a constant has no variance
    for matrix, values, radius in zip(
        base + strengths[:, None, None] / n, result.eigenvalues, result.radius, strict=True
    ):
        same_set(values, np.linalg.eigvals(matrix))
        assert np.abs(values).max() == radius
    assert training_spectra(base[None] + 1 / n, [3], outlier_factor=10.0).n_outliers.tolist() == [0]


def test_types_enter_the_circle_of_snapshots():
    matrix = np.where(TYPES[:, None], 1.0, -3.0) * np.ones((1, N, N))
    assert training_spectra(matrix, [0], excitatory=TYPES).random_radius.tolist() == [0.0]
    assert training_spectra(matrix, [0]).random_radius[0] == pytest.approx(np.sqrt(N * matrix.var()))
    negative = training_spectra(-2.0 * np.eye(3)[None], [0])
    assert (negative.abscissa[0], negative.radius[0]) == (-2.0, 2.0)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: trajectory_spectra(WEIGHTS, GAINS[0], TAU), r"`gains` must be a non-empty \(T, N\) array.*\(12,\)"),
        (lambda: trajectory_spectra(WEIGHTS, GAINS[:, :5], TAU), r"`gain` must be a finite scalar or \(N,\) = \(12,\)"),
        (lambda: trajectory_spectra(WEIGHTS, GAINS * np.nan, TAU), "`gains` must be finite; got 60 NaN"),
        (lambda: trajectory_spectra(WEIGHTS, GAINS, 0.0), "`tau` must be positive"),
        (
            lambda: training_spectra(WEIGHTS, [0]),
            r"`matrices` must be a non-empty \(S, N, N\) array; got shape \(12, 12\)",
        ),
        (lambda: training_spectra(WEIGHTS[None, :5], [0]), "`matrix` must be square"),
        (
            lambda: training_spectra(np.stack([WEIGHTS] * 2), [50, 0]),
            r"`steps` must be \(S,\) = \(2,\) ascending integers.*Snapshots may be out of order",
        ),
        (lambda: training_spectra(WEIGHTS[None], [0.5]), r"ascending integers.*got float64, shape \(1,\)"),
        (lambda: training_spectra(WEIGHTS[None], [0], outlier_factor=0.5), "`outlier_factor` must be >= 1"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
