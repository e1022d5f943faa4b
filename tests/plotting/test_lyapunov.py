import numpy as np
import pytest

from eicon import analysis, plotting

from .reading import legend_texts, line

EXPONENTS = np.array([0.002, 0.0, -0.0104, -0.2, -0.3])
LYAPUNOV = analysis.results.Lyapunov(
    EXPONENTS,
    np.array([1e-4, 2e-4, np.nan, 1e-3, 1e-3]),
    EXPONENTS * (1 + 5 / np.arange(1, 101))[:, None],
    np.arange(1, 101) * 20.0,
    np.nan,
    2.19,
    np.zeros(7),
    "autonomous",
)


def test_lyapunov_shows_estimates_over_time_and_errors():
    ax = plotting.plot_lyapunov(LYAPUNOV, n_exponents=3)
    assert legend_texts(ax) == ["λ1 = 0.002", "λ2 = 0", "λ3 = −0.0104"]  # noqa: RUF001
    assert ax.get_legend().get_title().get_text() == "3 of 7 exponents, dimension 2.19"
    for index, label in enumerate(legend_texts(ax)):
        np.testing.assert_array_equal(
            line(ax, label).get_xydata(), np.column_stack([LYAPUNOV.time, LYAPUNOV.running[:, index]])
        )
    bands = [(box.get_y(), box.get_y() + box.get_height()) for box in ax.patches]
    np.testing.assert_allclose(bands, [(0.0019, 0.0021), (-0.0002, 0.0002)], atol=1e-12)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (ms)", "Lyapunov exponent (1/ms)")
    low, high = ax.get_ylim()
    assert low < -0.0104 * 1.5
    assert low > -0.05  # the first estimates, five times as large, do not set the frame
    assert high > 0.002
    slow = LYAPUNOV._replace(time=LYAPUNOV.time * 100, kaplan_yorke=np.nan)
    ax = plotting.plot_lyapunov(slow)
    assert ax.get_xlabel() == "time (s)"
    assert ax.get_xlim() == (0.0, 200.0)
    assert "dimension not known" in ax.get_legend().get_title().get_text()
    wiped = LYAPUNOV._replace(running=np.where(np.arange(5) == 4, -np.inf, LYAPUNOV.running))
    plotting.plot_lyapunov(wiped, n_exponents=5).figure.canvas.draw()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: plotting.plot_lyapunov(LYAPUNOV, n_exponents=0), "`n_exponents` must be >= 1; got 0"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
