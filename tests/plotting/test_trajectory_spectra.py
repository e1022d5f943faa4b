import numpy as np
import pytest

from eicon import analysis, plotting

from .reading import legend_texts, line

RNG = np.random.default_rng(0)
N = 6
WEIGHTS = RNG.normal(size=(N, N))
GAINS = RNG.random((4, N))
TIME = np.arange(4) * 20.0


@pytest.mark.parametrize("dt", [None, 20.0])
def test_trajectory_spectra(dt):
    result = analysis.spectra.trajectory_spectra(WEIGHTS, GAINS, 100.0, dt=dt)
    figure = plotting.spectra.plot_trajectory_spectra(result, TIME, since="go")
    plane, top, bottom = figure.axes[:3]
    (dots,) = [one for one in plane.collections if len(one.get_offsets()) == 4 * N]
    values = result.eigenvalues.reshape(-1)
    np.testing.assert_allclose(dots.get_offsets(), np.column_stack([values.real, values.imag]))
    np.testing.assert_array_equal(dots.get_array(), np.repeat(TIME, N))
    leading = line(top, "leading eigenvalue").get_ydata()
    np.testing.assert_array_equal(leading, result.radius if dt else result.abscissa)
    np.testing.assert_allclose(line(top, "random matrix").get_ydata(), result.center + result.random_radius)
    assert top.get_ylabel() == ("max |λ|" if dt else "max Re λ (1/ms)")
    assert plane.get_xlabel() == ("Re λ" if dt else "Re λ (1/ms)")
    np.testing.assert_array_equal(bottom.lines[0].get_ydata(), result.n_unstable)
    assert bottom.get_xlabel() == "time since go (ms)"
    uneven = analysis.spectra.trajectory_spectra(WEIGHTS, GAINS, np.linspace(10, 20, N))
    assert "random matrix" not in legend_texts(plotting.spectra.plot_trajectory_spectra(uneven, TIME).axes[1])


def test_training_spectra():
    result = analysis.spectra.training_spectra(np.stack([WEIGHTS, 2 * WEIGHTS, 3 * WEIGHTS - 2]), [0, 100, 300])
    plane, top, bottom = plotting.spectra.plot_training_spectra(result).axes[:3]
    for label, values in (
        ("max |λ|", result.radius),
        ("max Re λ", result.abscissa),
        ("random matrix", result.random_radius),
    ):
        np.testing.assert_array_equal(line(top, label).get_xydata(), np.column_stack([result.steps, values]))
    np.testing.assert_array_equal(bottom.lines[0].get_xydata(), np.column_stack([result.steps, result.n_outliers]))
    assert plane.patches[0].radius == pytest.approx(result.random_radius[-1])
    assert plane.collections[0].get_array()[-1] == 300
    one = analysis.spectra.training_spectra(WEIGHTS[None], [7])
    plotting.spectra.plot_training_spectra(one).canvas.draw()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: plotting.spectra.plot_trajectory_spectra(
                analysis.spectra.trajectory_spectra(WEIGHTS, GAINS, 1.0), TIME[::-1]
            ),
            r"`time` must be \(4,\) ascending",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
