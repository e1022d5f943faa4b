"""Figures of condensation: which units stand for which, and errors against size."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex

from eicon import plotting
from eicon.plotting._sweep import COLORS

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(8, 3))
KEPT = np.array([1, 4, 6])
GROUPS = np.array([0, 0, 1, 1, 1, -1, 2, 0])
EXCITATORY = np.array([True, True, True, True, True, False, False, True])
SIZES = [10, 40, 20]
ERRORS = {
    "merge": np.array([[0.5, 0.1, 0.2], [0.9, 0.3, 0.4], [0.7, 0.2, np.nan]]),
    "subset": np.array([[np.nan, 0.0, 0.01]]),
}


def dots(ax):
    """(x, y) -> (face, edge, marker's number of corners) of every unit."""
    found = {}
    for group in ax.collections:
        if isinstance(group, PathCollection):
            faces, edges = group.get_facecolor(), group.get_edgecolor()
            for i, place in enumerate(np.asarray(group.get_offsets()).tolist()):
                face = None if len(faces) == 0 else to_hex(faces[i % len(faces)])
                found[tuple(place)] = (face, to_hex(edges[i % len(edges)]), len(group.get_paths()[0].vertices))
    return found


def links(ax):
    (group,) = [one for one in ax.collections if isinstance(one, LineCollection)]
    return {tuple(map(tuple, segment.tolist())) for segment in group.get_segments()}


def segments(pairs):
    return {(tuple(POINTS[a, :2]), tuple(POINTS[b, :2])) for a, b in pairs}


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_kept_units_are_filled_removed_ones_open_and_joined_to_the_one_that_stands_for_them():
    ax = plotting.plot_unit_space(
        POINTS, kept=KEPT, groups=GROUPS, excitatory=EXCITATORY, explained_ratio=[0.5, 0.25, 0.1]
    )
    drawn = dots(ax)
    assert len(drawn) == 8
    for i, (x, y, _) in enumerate(POINTS):
        face, edge, corners = drawn[x, y]
        own = (plotting.E_COLOR if EXCITATORY[i] else plotting.I_COLOR).lower()
        assert (face == own) if i in KEPT else (face is None and edge == own)
        assert (corners < 6) == (not EXCITATORY[i]), "I units are triangles"
    assert links(ax) == segments([(0, 1), (7, 1), (2, 4), (3, 4)])
    assert texts(ax) == ["E kept (2)", "E removed (4)", "I kept (1)", "I removed (1)"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("loading on PC 1 (50 %)", "loading on PC 2 (25 %)")
    assert ax.get_aspect() == 1.0


def test_groups_have_colours_and_units_alone_are_grey():
    ax = plotting.plot_unit_space(POINTS, kept=KEPT, groups=GROUPS)
    drawn = dots(ax)
    shades = [next(c for c in drawn[x, y][:2] if c not in (None, "#ffffff")).upper() for x, y, _ in POINTS]
    assert [shades[i] == shades[1] for i in range(8)] == [True, True, False, False, False, False, False, True]
    assert [shades[i] == shades[4] for i in range(8)] == [False, False, True, True, True, False, False, False]
    assert {shades[1], shades[4]} == set(COLORS[:2])
    assert shades[5] == shades[6] == "#555555"
    assert texts(ax) == ["kept (3)", "removed (5)"]
    by_type = plotting.plot_unit_space(POINTS, groups=None, excitatory=EXCITATORY, color_by="type")
    assert texts(by_type) == ["E (6)", "I (2)"]


def test_pairs_are_joined_and_units_alone_are_only_units():
    ax = plotting.plot_unit_space(POINTS, pairs=[[0, 3], [5, 2]])
    assert links(ax) == segments([(0, 3), (5, 2)])
    assert texts(ax) == ["units (8)"]
    assert links(plotting.plot_unit_space(POINTS)) == set()


def test_error_curves_are_medians_with_the_range_over_seeds_from_large_to_small():
    ax = plotting.plot_error_curves(SIZES, ERRORS, retrained=["subset"])
    merge, subset = (next(one for one in ax.lines if one.get_label() == name) for name in ERRORS)
    assert merge.get_xdata().tolist() == [40, 20, 10]
    np.testing.assert_allclose(merge.get_ydata(), [0.2, 0.3, 0.7])
    assert subset.get_xdata().tolist() == [40, 20]
    np.testing.assert_allclose(subset.get_ydata(), [1e-3, 0.01], err_msg="0 is drawn at the floor")
    assert (merge.get_linestyle(), subset.get_linestyle()) == ("-", "--")
    assert merge.get_marker() != subset.get_marker()
    (band,) = ax.collections  # one seed has no range
    edge = band.get_paths()[0].vertices
    for size, low, high in ((40, 0.1, 0.3), (20, 0.2, 0.4), (10, 0.5, 0.9)):
        at = edge[edge[:, 0] == size, 1]
        assert (at.min(), at.max()) == pytest.approx((low, high))
    assert ax.xaxis_inverted()
    assert ax.get_yscale() == "log"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("units left", "error (NRMSE)")
    assert texts(ax) == ["merge", "subset"]
    assert ax.texts[0].get_text() == "0.05"
    assert not plotting.plot_error_curves(SIZES, ERRORS, reference=None).texts


def test_diverged_networks_break_the_curve_and_methods_without_any_are_in_the_legend():
    ax = plotting.plot_error_curves(SIZES, {"a": [[0.1, np.inf, 0.2]] * 3, "b": np.full((2, 3), np.nan)})
    np.testing.assert_array_equal(
        next(one for one in ax.lines if one.get_label() == "a").get_ydata(), [np.inf, 0.2, 0.1]
    )
    ax.figure.canvas.draw()
    assert np.isfinite(ax.get_ylim()).all()
    assert texts(ax) == ["a", "b"]


@pytest.mark.parametrize("n", [1, 3, 4, 8])
def test_legend_is_outside_of_the_data_and_inside_the_figure(n):
    ax = plotting.plot_error_curves(SIZES, {f"a long method {i}": ERRORS["merge"] for i in range(n)})
    ax.figure.canvas.draw()
    legend, frame, page = ax.get_legend().get_window_extent(), ax.get_window_extent(), ax.figure.bbox
    assert legend.y0 >= frame.y1
    assert legend.x1 <= page.x1
    assert legend.y1 <= page.y1


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: plotting.plot_unit_space(POINTS[:, :1]), "`coordinates` must be (N, k >= 2); got shape (8, 1)"),
        (
            lambda: plotting.plot_unit_space(POINTS, kept=EXCITATORY),
            "`kept` must contain indices of units, int (n,); got bool, shape (8,). "
            "From a mask, pass np.flatnonzero(mask)",
        ),
        (lambda: plotting.plot_unit_space(POINTS, kept=[0, 8]), "`kept` must be indices in 0..7; got 0..8"),
        (
            lambda: plotting.plot_unit_space(POINTS, pairs=[1, 2]),
            "`pairs` must contain indices of units, int (M, 2); got int64, shape (2,)",
        ),
        (
            lambda: plotting.plot_unit_space(POINTS, kept=KEPT, groups=GROUPS + 1),
            "`groups` must contain an index into `kept` for each unit, int (8,) in -1..2; got int64, shape (8,), 0..3",
        ),
        (
            lambda: plotting.plot_unit_space(POINTS, excitatory=[True]),
            "`excitatory` must be bools, shape (N,) = (8,); got bool, shape (1,)",
        ),
        (
            lambda: plotting.plot_unit_space(POINTS, excitatory=EXCITATORY, color_by="group"),
            "`color_by` must be 'type', with `excitatory`, or 'group', with `groups`; got 'group' without",
        ),
        (lambda: plotting.plot_unit_space(POINTS, color_by="size"), "got 'size'"),
        (
            lambda: plotting.plot_error_curves([4, 4, 2], ERRORS),
            "`sizes` must contain numbers of units, all different; got [4, 4, 2]",
        ),
        (lambda: plotting.plot_error_curves(SIZES, {}), "`errors` must contain at least one method; got none"),
        (
            lambda: plotting.plot_error_curves(SIZES, {"a": [0.1, 0.2, 0.3]}),
            "`errors['a']` must be (n_seeds, 3), a column per size; got shape (3,). For one seed, pass errors[None]",
        ),
        (lambda: plotting.plot_error_curves(SIZES, {"a": [[-0.1, 0, 1]]}), "`errors['a']` must be >= 0; got -0.1"),
        (
            lambda: plotting.plot_error_curves(SIZES, ERRORS, retrained=["other"]),
            "`retrained` must name methods among merge, subset; got other",
        ),
        (
            lambda: plotting.plot_error_curves(SIZES, ERRORS, floor=0.0),
            "`floor` must be > 0 (the axis is logarithmic); got 0.0",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        call()
    assert plt.get_fignums() == []
