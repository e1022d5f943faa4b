import numpy as np
import pytest

from eicon import analysis, plotting

from .reading import legend_texts, line

RNG = np.random.default_rng(0)
N, N_E = 12, 9
EXCITATORY = RNG.permutation(np.arange(N) < N_E)
WEIGHTS = np.abs(RNG.normal(size=(N, N))) * np.where(EXCITATORY, 0.1, -0.3)[:, None]


def test_spectrum_shows_circle_outliers_and_unit_circle():
    spectrum = analysis.spectrum(RNG.normal(size=(60, 60)) / 12.0 + 0.05)
    ax = plotting.plot_spectrum(spectrum)
    far = line(ax, "outliers").get_xydata()
    np.testing.assert_allclose(far[:, 0] + 1j * far[:, 1], spectrum.eigenvalues[spectrum.outliers])
    assert len(line(ax, "eigenvalues").get_xdata()) == 60 - spectrum.outliers.size < 60
    circles = {circle.get_label(): circle for circle in ax.patches}
    assert circles["random matrix"].radius == pytest.approx(spectrum.random_radius)
    assert circles["unit circle"].radius == 1.0
    assert ax.get_aspect() == 1.0
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Re λ", "Im λ")


def test_spectrum_of_a_flow_has_the_imaginary_axis_and_units():
    ax = plotting.plot_spectrum(analysis.spectra.jacobian_spectrum(WEIGHTS, 1.0, 100.0, excitatory=EXCITATORY))
    assert line(ax, "stability boundary").get_xdata() == [0.0, 0.0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Re λ (1/ms)", "Im λ (1/ms)")
    assert ax.patches[0].center == pytest.approx((-0.01, 0.0))
    distinct = analysis.spectra.jacobian_spectrum(WEIGHTS, 1.0, np.linspace(10.0, 100.0, N))
    assert list(plotting.plot_spectrum(distinct).patches) == []


def test_spectrum_of_a_step_is_seen_from_near():
    ax = plotting.plot_spectrum(analysis.spectra.jacobian_spectrum(WEIGHTS * 0.2, 1.0, 100.0, dt=5.0))
    assert "unit circle" in legend_texts(ax)
    assert np.ptp(ax.get_xlim()) < 0.5
    assert ax.get_xlim()[0] < 1.0 < ax.get_xlim()[1]
