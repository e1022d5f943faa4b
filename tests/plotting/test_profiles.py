"""Matrices and tree of many networks."""

import numpy as np
import pytest
from scipy.cluster import hierarchy

from eicon.plotting._profiles import likeness_tree
from eicon.plotting.similarity import plot_profiles

NAMES = ["a", "b", "c", "d"]


def two_groups(within=0.9, between=0.2):
    group = np.array([0, 1, 0, 1])
    matrix = np.where(group[:, None] == group, within, between)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def test_tree_finds_the_groups_and_leaves_out_what_is_not_known():
    unknown = two_groups(0.1, 0.9)
    unknown[~np.eye(4, dtype=bool)] = np.nan
    tree = likeness_tree([two_groups(), two_groups(), unknown])
    found = hierarchy.fcluster(tree, 2, "maxclust")
    assert found[0] == found[2] != found[1] == found[3]
    np.testing.assert_allclose(np.sort(tree[:, 2]), [0.1, 0.1, 0.8])


def test_a_matrix_for_each_respect_in_the_order_of_the_tree():
    figure = plot_profiles({"activity": two_groups(), "outputs": two_groups(0.5, 0.0)}, NAMES)
    figure.draw_without_rendering()
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    assert titles == ["activity", "outputs"]
    shown = figure.axes[1].collections[0].get_array().reshape(4, 4)
    np.testing.assert_allclose(shown[0, 1], 0.9)
    np.testing.assert_allclose(shown[2, 3], 0.9)
    order = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert {frozenset(order[:2]), frozenset(order[2:])} == {frozenset("ac"), frozenset("bd")}


@pytest.mark.parametrize(
    ("matrices", "names"), [({}, NAMES), ({"a": np.eye(2)}, ["a", "b"]), ({"a": np.eye(3)}, NAMES)]
)
def test_what_is_refused(matrices, names):
    with pytest.raises(ValueError, match="for n >= 3 names"):
        plot_profiles(matrices, names)
