import matplotlib.pyplot as plt
import numpy as np
import pytest

from eicon import analysis, plotting


def test_pairs_share_their_limits_unless_told_not_to():
    draws = [[lambda ax: ax.plot([0, 1], [0, 1]), lambda ax: ax.plot([2, 5], [-3, 0])]]
    figure = plotting.similarity.plot_pair(draws, ["a", "b"])
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["a", "b"]
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    assert figure.axes[0].get_xlim()[0] <= 0 < 5 <= figure.axes[0].get_xlim()[1]
    assert figure.axes[1].get_ylim()[0] <= -3 < 1 <= figure.axes[1].get_ylim()[1]
    free = plotting.similarity.plot_pair(draws, ["a", "b"], share=False)
    assert free.axes[0].get_xlim() != free.axes[1].get_xlim()


def test_matrices_of_a_pair_stay_the_right_way_up():
    draws = [[lambda ax, n=n: ax.imshow(np.eye(n)) for n in (4, 6)]]
    figure = plotting.similarity.plot_pair(draws, ["a", "b"])
    for ax in figure.axes:
        assert ax.get_ylim() == (5.5, -0.5)
        assert ax.get_xlim() == (-0.5, 5.5)


def test_spectra_of_a_pair_have_one_scale_and_titles_clear_of_legends():
    rng = np.random.default_rng(0)
    spectra = [analysis.spectrum(scale * rng.normal(size=(30, 30)) / 5) for scale in (1, 3)]
    draws = [[lambda ax, s=s: plotting.plot_spectrum(s, ax=ax) for s in spectra]]
    figure = plotting.similarity.plot_pair(draws, ["a", "b"])
    figure.canvas.draw()
    first, second = figure.axes
    assert first.get_xlim() == second.get_xlim()
    assert np.ptp(first.get_xlim()) == pytest.approx(np.ptp(first.get_ylim()))
    for ax in figure.axes:
        (title,) = [one for one in ax.get_children() if getattr(one, "get_text", str)() in ("a", "b")]
        assert title.get_window_extent().y0 >= ax.get_legend().get_window_extent().y1 - 1


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: plotting.similarity.plot_pair([], ["a", "b"]), r"got 0 rows"),
        (lambda: plotting.similarity.plot_pair([[print]], ["a", "b"]), r"got 1 rows of \[1\] and 2 names"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
