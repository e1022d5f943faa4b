import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from eicon import analysis, plotting
from eicon.plotting._compare import PAIR_COLORS
from eicon.plotting._style import coherence_cmap

from .reading import legend_texts

RNG = np.random.default_rng(0)
N, N_E = 12, 9
CHOICE = np.arange(40) % 2
RATES = RNG.random((15, 40, N)) + 0.5 * (CHOICE == 0)[:, None] * RNG.normal(size=N)
COHERENCE = np.where(CHOICE == 0, 1, -1) * RNG.choice([-3.2, 3.2, 6.4, 25.6], 40)
AVERAGE = analysis.condition_average(analysis.pca(RATES).trajectories, COHERENCE)


def test_pc_trajectories_go_by_level_with_start_and_end():
    paths, levels = AVERAGE.average, AVERAGE.levels
    shuffled = RNG.permutation(len(levels))
    ax = plotting.plot_pc_trajectories(
        paths[shuffled], levels[shuffled], explained_ratio=[0.52, 0.21, 0.1], dt=20.0, dot_every=100.0
    )
    curves = [one for one in ax.lines if len(one.get_xdata()) == 15]
    for rank, curve in enumerate(curves):  # drawn from the lowest to the highest level
        np.testing.assert_array_equal(curve.get_xydata(), paths[rank, :, :2])
        colour = coherence_cmap()(rank / (len(levels) - 1))
        assert to_hex(curve.get_color()) == to_hex(colour)
    assert len(curves) == len(levels)
    ends = {tuple(one.get_xydata()[0]) for one in ax.lines if one.get_marker() == "s"}
    starts = {tuple(one.get_xydata()[0]) for one in ax.lines if one.get_marker() == "o" and len(one.get_xdata()) == 1}
    assert ends == {tuple(path[-1, :2]) for path in paths}
    assert starts == {tuple(path[0, :2]) for path in paths}
    dots = [one for one in ax.lines if one.get_marker() == "o" and len(one.get_xdata()) == 2]
    np.testing.assert_array_equal(dots[0].get_xydata(), paths[0, [5, 10], :2])
    assert ax.get_xlabel() == "PC 1 (52 % of variance)"
    assert ax.get_ylabel() == "PC 2 (21 % of variance)"
    assert legend_texts(ax) == ["start", "end", "every 100 ms"]
    (bar,) = ax.child_axes
    assert bar.get_ylabel() == "condition"
    labels = [text.get_text().replace("\N{MINUS SIGN}", "-") for text in bar.get_yticklabels()]
    assert [float(label) for label in labels] == levels.tolist()


def test_pc_trajectories_end_where_the_data_end():
    paths = np.arange(12.0).reshape(1, 6, 2)
    paths[0, 4:] = np.nan
    ax = plotting.plot_pc_trajectories(paths, [0.0])
    assert [one.get_xydata()[0].tolist() for one in ax.lines if one.get_marker() == "s"] == [[6.0, 7.0]]
    assert ax.get_xlabel() == "PC 1"


def test_variance_explained_is_cumulative_in_percent():
    ax = plotting.similarity.plot_variance_explained([[0.5, 0.3, 0.2], [0.9, 0.1]], ["a", "b"], most=2)
    first, second = (one for one in ax.lines if one.get_label() in ("a", "b"))
    np.testing.assert_allclose(first.get_xydata(), [[1, 50], [2, 80]])
    np.testing.assert_allclose(second.get_xydata(), [[1, 90], [2, 100]])
    assert (first.get_color(), second.get_color()) == PAIR_COLORS
    assert not {plotting.E_COLOR, plotting.I_COLOR} & set(PAIR_COLORS)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: plotting.plot_pc_trajectories(np.ones((3, 4, 2)), [1.0, 2.0]),
            r"`trajectories` must be \(C, T, k >= 2\) and `levels` \(C,\); got \(3, 4, 2\) and \(2,\)",
        ),
        (
            lambda: plotting.plot_pc_trajectories(np.ones((1, 4, 2)), [1.0], dt=20.0, dot_every=5.0),
            r"`dot_every` must be .*got",
        ),
        (
            lambda: plotting.similarity.plot_variance_explained([[1.0]] * 3, ["a"] * 3),
            "one or two networks.*got 3 and 3 names",
        ),
        (lambda: plotting.similarity.plot_variance_explained([[1.0]], []), "got 1 and 0 names"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
