import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba

from eicon import plotting
from eicon.connectomes import Connectome

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
    pixels = np.asarray(matrix.images[0].get_array())
    assert pixels.shape == (N, N, 4)
    np.testing.assert_array_equal(pixels[..., 2] > pixels[..., 0], np.repeat(EXCITATORY[:, None], N, axis=1))  # blue
    strongest = np.argmax(weights[EXCITATORY])
    assert np.argmin(pixels[EXCITATORY][..., 0]) == strongest
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


def test_units_are_ordered_by_their_labels_and_degrees_have_whole_bins():
    labels = {"type": tuple("xyxyxy"), "half": tuple("aaabbb")}
    wiring = Connectome(np.triu(np.ones((6, 6)), 1), tuple("uvwxyz"), name="six", species="fly", labels=labels)
    figure = plotting.plot_connectome(wiring)
    assert figure.get_suptitle() == "six (fly)"
    matrix, degrees = figure.axes[:2]
    there = np.asarray(matrix.images[0].get_array())[..., 3] > 0
    order = [0, 2, 4, 1, 3, 5]
    np.testing.assert_array_equal(there, wiring.weights[np.ix_(order, order)] > 0)
    assert [tick.get_text() for tick in matrix.get_yticklabels()] == ["x", "y"]
    assert matrix.get_yticks().tolist() == [1.0, 4.0]
    edges = np.unique(np.round(degrees.patches[0].get_xy()[:, 0], 6))
    assert set(np.diff(edges)) == {1.0}
    assert (edges % 1 == 0.5).all()
    np.testing.assert_array_equal(
        np.asarray(plotting.plot_connectome(wiring, order="").axes[0].images[0].get_array())[..., 3] > 0,
        wiring.weights > 0,
    )
    with pytest.raises(ValueError, match="no label 'region' to order units by; there are type, half"):
        plotting.plot_connectome(wiring, order="region")


def test_a_large_connectome_is_drawn_in_pixels():
    n = 30_000
    ring = Connectome.of_edges(np.arange(n), np.roll(np.arange(n), 1), 1.0, tuple(map(str, range(n))), sign=np.ones(n))
    picture = np.asarray(plotting.plot_connectome(ring).axes[0].images[0].get_array())
    assert picture.shape == (600, 600, 4)
    assert (picture[range(600), range(600), 3] == 1).all()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: plotting.plot_connectome(np.ones((2, 3))), r"weights must be square.*got shape \(2, 3\)"),
        (lambda: plotting.plot_connectome(np.zeros((2, 2))), r"weights contains no connection"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
