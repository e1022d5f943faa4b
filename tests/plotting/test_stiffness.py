import numpy as np
import pytest

from eicon.plotting import fits

from .reading import containers, legend_texts, line


def test_spectra_over_their_largest_curvature_without_rounding():
    ax = fits.plot_stiffness({10: [4.0, 2.0, 1e-3, 1e-15], 1: [1.0, 0.1, 0.0, 0.0]})
    assert legend_texts(ax) == ["1", "10"]
    np.testing.assert_allclose(line(ax, "10").get_xydata(), [[1, 1.0], [2, 0.5], [3, 2.5e-4]])
    np.testing.assert_allclose(line(ax, "1").get_ydata(), [1.0, 0.1])


def test_counts_of_fixed_directions():
    ax = fits.plot_fixed_directions([1, 10], {"one": [[2, 20], [4, 22]], "other": [[3, 9]]}, n_parameters=50)
    np.testing.assert_allclose(containers(ax)["one"][0][:, 1], [3.0, 21.0])
    np.testing.assert_allclose(containers(ax)["other"][0][:, 1], [3.0, 9.0])
    assert any(np.allclose(one.get_ydata(), 50.0) for one in ax.lines)
    assert fits.plot_fixed_directions([1, 10], {"one": [[2, 20]]}).get_legend() is None
    assert not fits.plot_fixed_directions([1, 10], {}).containers


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: fits.plot_stiffness({}), "`spectra` must have at least one"),
        (lambda: fits.plot_stiffness({3: [0.0, 0.0]}), "`spectra` of 3 must be curvatures"),
        (lambda: fits.plot_fixed_directions([1, 2], {"a": [[1]]}), r"`n_fixed` of 'a' must be \(S, K\) = \(S, 2\)"),
        (lambda: fits.plot_fixed_directions([0], {"a": [[1]]}), "`n_recorded` must be numbers > 0"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
