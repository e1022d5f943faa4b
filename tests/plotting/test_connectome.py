import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba

from eicon import plotting

from .reading import legend_texts

RNG = np.random.default_rng(0)
N, N_E = 12, 9
EXCITATORY = RNG.permutation(np.arange(N) < N_E)
WEIGHTS = np.abs(RNG.normal(size=(N, N))) * np.where(EXCITATORY, 0.1, -0.3)[:, None]
NAMES = [f"region {i}" for i in range(N)]


def test_connectome_has_its_matrix_names_degrees_and_signed_weights():
    weights, signs = np.abs(WEIGHTS), np.where(EXCITATORY, 1, -1)
    figure = plotting.plot_connectome(weights, NAMES, signs, title="mine")
    matrix, degrees, sizes = figure.axes[:3]
    np.testing.assert_array_equal(matrix.images[0].get_array(), weights)
    assert (matrix.get_ylabel(), matrix.get_xlabel()) == ("from (source)", "to (target)")
    assert [text.get_text() for text in matrix.get_yticklabels()] == NAMES
    assert legend_texts(degrees) == ["targets (out)", "sources (in)"]
    assert legend_texts(sizes) == ["excitatory", "inhibitory"]
    assert sizes.containers[0][0].get_facecolor() == to_rgba(plotting.E_COLOR)
    assert sizes.containers[1][0].get_facecolor() == to_rgba(plotting.I_COLOR)
    assert sum(bar.get_height() for group in sizes.containers for bar in group) == N * N
    assert sizes.get_xscale() == "log"
    binary = plotting.plot_connectome(np.eye(3), ["a"] * 100)
    assert binary.axes[2].get_xscale() == "linear"
    assert binary.axes[2].get_legend() is None


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: plotting.plot_connectome(np.ones((2, 3))), r"weights must be square.*got shape \(2, 3\)"),
        (lambda: plotting.plot_connectome(np.zeros((2, 2))), r"weights holds no connection"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
