import numpy as np

from eicon import analysis, plotting

from .reading import line


def test_dynamical_similarity():
    first, second = np.array([0.9 + 0.3j, 0.9 - 0.3j]), np.array([1.2 + 0.1j, 0.2 - 0.1j])
    result = analysis.results.DynamicalSimilarity(0.1234, "angular", 2, first, second)
    ax = plotting.similarity.plot_dynamical_similarity(result, names=("before", "after"))
    for name, values in (("before", first), ("after", second)):
        np.testing.assert_allclose(line(ax, name).get_xydata(), np.column_stack([values.real, values.imag]))
    assert ax.get_legend().get_title().get_text() == "angular distance 0.12 rad"
    assert ax.get_xlim()[1] > 1.2
    assert ax.patches[0].radius == 1.0
