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


def test_a_matrix_has_values_below_its_diagonal_and_the_null_above():
    rng = np.random.default_rng(0)
    rates = {name: rng.normal(size=(4, 20, 5)) for name in ("one", "two")}
    rates["like one"] = rates["one"] + 0.1 * rng.normal(size=(4, 20, 5))
    for measure, label in (("cka", "linear CKA"), ("procrustes", "Procrustes angle"), ("rsa", "RSA")):
        found = analysis.similarity.compare_many(rates, measure=measure, n_permutations=39)
        ax = plotting.similarity.plot_similarity_matrix(found)
        shown = ax.collections[0].get_array()
        for row in range(3):
            for column in range(3):
                wanted = found.value if column < row else found.null_95
                if row != column:
                    assert shown[row, column] == pytest.approx(wanted[row, column])
        assert np.ma.getmaskarray(np.ma.masked_invalid(shown)).sum() == 3
        assert [text.get_text() for text in ax.get_yticklabels()] == ["one", "two", "like one"]
        assert len(ax.patches) == int((found.p[np.tril_indices(3, -1)] > 0.05).sum())  # hatched
        texts = {text.get_text() for text in ax.texts}
        assert f"{found.value[2, 0]:.2f}" in texts
        assert label in ax.get_figure().axes[1].get_ylabel()


def test_similarities_stand_beside_their_nulls_and_ceilings():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(6), 4)
    a = rng.normal(size=(5, 6, 4))[:, labels] + rng.normal(size=(5, 24, 4))
    results = {
        "itself": analysis.similarity.linear_cka(a, a, conditions=labels, n_permutations=19),
        "noise": analysis.similarity.linear_cka(a, rng.normal(size=a.shape), n_permutations=19),
    }
    ax = plotting.similarity.plot_similarities(results, label="CKA")
    (values,) = [line for line in ax.lines if line.get_label() == "value"]
    np.testing.assert_allclose(values.get_xdata(), [one.value for one in results.values()])
    (limits,) = [line for line in ax.lines if line.get_label() == "noise ceiling"]
    np.testing.assert_allclose(limits.get_xdata(), [results["itself"].ceiling])
    for bar, one in zip(ax.patches, results.values(), strict=True):
        edges = [bar.get_x(), bar.get_x() + bar.get_width()]
        np.testing.assert_allclose(edges, np.percentile(one.null, [5, 95]))
    with pytest.raises(ValueError, match="at least one similarity"):
        plotting.similarity.plot_similarities({})
