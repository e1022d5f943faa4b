import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from eicon import plotting
from eicon.plotting import _wiring_diagram as wiring
from eicon.plotting import _wiring_layout as layout
from eicon.plotting._numbers import COLUMNS, figure_numbers

from . import editor
from .reading import legend_texts

RNG = np.random.default_rng(3)
PAIR = np.array([[0.8, 0.0, 0.5], [0.0, 0.8, 0.5], [-1.0, -0.6, 0.0]])
PAIR_TYPES = np.array([True, True, False])


def network(n, n_in=2, n_out=2):
    """Dense weights under Dale's law, of units that prefer one of two choices."""
    types = np.arange(n) < max(1, int(0.7 * n))
    weights = RNG.gamma(0.5, size=(n, n)) * np.where(types, 1.0, -2.0)[:, None]
    given, read = RNG.random((n_in, n)), RNG.random((n, n_out)) * types[:, None]
    choice = np.array(["choice 1", "choice 0"])[np.arange(n) % 2]
    return {"W": weights, "excitatory": types, "W_in": given, "W_out": read, "preferred": choice}


def drawn(ax):
    """Connections and units of the table beside a figure."""
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in figure_numbers(ax.figure)]
    return {row["series"]: row["value"] for row in rows}


def strongest(weights, share):
    """One by one, from the largest, until the share is reached."""
    left = sorted(((abs(weights[i, j]), i, j) for i, j in np.ndindex(*weights.shape)), reverse=True)
    chosen, total = set(), 0.0
    for size, i, j in left:
        if total >= share * np.abs(weights).sum() * (1 - 1e-9):
            break
        chosen.add((i, j))
        total += size
    return chosen


def circles(ax):
    """Middle and radius in pixels of what is drawn as a unit."""
    found = []
    for patch in ax.patches:
        if patch.get_zorder() == 4:
            box = patch.get_path().transformed(patch.get_transform()).get_extents()
            found.append((np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2]), box.width / 2, box.height / 2))
    return found


def test_connections_are_the_strongest_and_have_their_weights():
    given = network(5)
    for share in (0.3, 0.8, 1.0):
        found = drawn(plotting.plot_wiring(given["W"], given["excitatory"], share=share, pool=False))
        wanted = strongest(given["W"], share)
        assert found == {f"{i} to {j}": pytest.approx(given["W"][i, j], rel=1e-6) for i, j in wanted}
    assert len(wanted) == 25


def test_the_figure_says_what_share_is_drawn():
    given = network(6)
    ax = plotting.plot_wiring(given["W"], given["excitatory"], W_in=given["W_in"], W_out=given["W_out"], share=0.6)
    said = ax.get_xlabel().replace("\n", " ")
    for name, matrix in (("recurrent weight", given["W"]), ("input", given["W_in"]), ("readout", given["W_out"])):
        part = sum(abs(matrix[i, j]) for i, j in strongest(matrix, 0.6)) / np.abs(matrix).sum()
        assert f"{100 * part:.0f} % of the {name} (widest: {np.abs(matrix).max():.3g})" in said


def test_groups_have_the_input_that_a_unit_gets_in_the_mean():
    given = network(20)
    ax = plotting.plot_wiring(**given, share=1.0)
    assert ax.get_xlabel().startswith("Lines between groups: 100 % of the recurrent coupling")
    found = drawn(ax)
    types, choice, W = given["excitatory"], given["preferred"], given["W"]
    groups = {
        f"{'E' if e else 'I'} {c}": [i for i in range(20) if types[i] == e and choice[i] == c]
        for e in (True, False)
        for c in ("choice 0", "choice 1")
    }
    for (a, one), (b, other) in itertools.product(groups.items(), repeat=2):
        mean = sum(W[i, j] for i in one for j in other) / len(other)
        assert found[f"{a} to {b}"] == pytest.approx(mean, rel=1e-6)
    for b, other in groups.items():
        assert found[f"in 0 to {b}"] == pytest.approx(given["W_in"][0, other].mean(), rel=1e-6)
        if b[0] == "E":
            assert found[f"{b} to out 1"] == pytest.approx(given["W_out"][other, 1].sum(), rel=1e-6)
    assert "I choice 0 to out 1" not in found  # no weight, no line


def test_groups_are_drawn_where_units_have_too_many_connections():
    texts = {}
    for n in (5, 20):
        ax = plotting.plot_wiring(**network(n))
        texts[n] = ax.get_xlabel().split(":")[0]
        assert len([name for name in drawn(ax) if " to " in name]) <= 2 * wiring.MOST_CONNECTIONS
    assert texts == {5: "Lines", 20: "Lines between groups"}
    assert plotting.plot_wiring(**network(20), share=0.1, pool=False).get_xlabel().startswith("Lines:")
    chain = np.diag(np.ones(39), 1)  # many units, and few connections
    assert plotting.plot_wiring(chain).get_xlabel().startswith("Lines:")


def test_excitation_is_a_blue_arrow_and_inhibition_a_red_bar():
    ax = plotting.plot_wiring(PAIR, PAIR_TYPES, share=1.0)
    lines = [patch for patch in ax.patches if patch.get_zorder() == 2]
    widths = {}
    for patch in lines:
        *_, end = patch.get_path().to_polygons()
        corners = len(np.unique(end, axis=0))
        assert (to_hex(patch.get_facecolor()), corners) in {
            (plotting.E_COLOR.lower(), 3),
            (plotting.I_COLOR.lower(), 4),
        }
        line = patch.get_path().to_polygons()[0]
        widths.setdefault(corners, []).append(np.hypot(*(line[0] - line[-2])))
    assert len(lines) == 6
    bars, arrows = sorted(widths[4]), sorted(widths[3])
    assert bars[1] == pytest.approx(wiring.WIDEST[False], rel=0.01)  # the strongest of all
    assert bars[0] / bars[1] == pytest.approx(0.6, rel=0.02)
    np.testing.assert_allclose(np.array(arrows) / bars[1], [0.5, 0.5, 0.8, 0.8], rtol=0.02)
    assert legend_texts(ax) == ["excites", "inhibits"]


def test_free_units_are_neutral_and_their_connections_have_the_colour_of_their_sign():
    ax = plotting.plot_wiring([[0.0, 1.0], [-1.0, 0.0]])
    units = [patch for patch in ax.patches if patch.get_zorder() == 4]
    assert {to_hex(patch.get_facecolor()) for patch in units} == {plotting._style.neutral()}
    lines = {to_hex(patch.get_facecolor()) for patch in ax.patches if patch.get_zorder() == 2}
    assert lines == {plotting.E_COLOR.lower(), plotting.I_COLOR.lower()}


def test_signs_of_inputs_are_in_the_legend():
    ax = plotting.plot_wiring(PAIR, PAIR_TYPES, W_in=[[1.0, 0.0, -1.0]])
    assert legend_texts(ax) == ["excites", "inhibits", "input excites", "input inhibits"]
    grey = {to_hex(handle.get_markerfacecolor()) for handle in ax.get_legend().legend_handles[2:]}
    assert grey == {to_hex(plotting._style.ink(0.45))}
    assert legend_texts(plotting.plot_wiring(PAIR, PAIR_TYPES, W_in=[[1.0, 0.0, 1.0]]))[2:] == ["input excites"]


def test_what_units_prefer_fills_them_and_is_in_the_legend():
    ax = plotting.plot_wiring(PAIR, PAIR_TYPES, preferred=["interval 1000", "interval 200", "interval 200"])
    assert legend_texts(ax) == ["excites", "inhibits", "interval 200", "interval 1000"]  # by number
    units = [patch for patch in ax.patches if patch.get_zorder() == 4]
    faces = [to_hex(patch.get_facecolor()) for patch in units]
    handles = [to_hex(handle.get_markerfacecolor()) for handle in ax.get_legend().legend_handles[2:]]
    assert faces == [handles[1], handles[0], handles[0]]
    assert [to_hex(patch.get_edgecolor()) for patch in units] == [
        colour.lower() for colour in (plotting.E_COLOR, plotting.E_COLOR, plotting.I_COLOR)
    ]
    ax = plotting.plot_wiring(PAIR, PAIR_TYPES, preferred=["#ff0000", "#00ff00", "#0000ff"])
    assert legend_texts(ax) == ["excites", "inhibits"]
    assert [to_hex(p.get_facecolor()) for p in ax.patches if p.get_zorder() == 4] == ["#ff0000", "#00ff00", "#0000ff"]
    many = plotting.plot_wiring(np.eye(9), preferred=np.arange(9) * 45.0)
    assert legend_texts(many) == ["excites", "0.0", "360.0"]


def test_areas_of_units_grow_with_what_they_stand_for():
    ax = plotting.plot_wiring(PAIR, PAIR_TYPES, represents=["0, 4, 7, 9", "RIM L", "2, 3"])
    assert legend_texts(ax)[2:] == ["represents 1 unit", "represents 4 units"]
    assert [drawn(ax)[f"unit {i}"] for i in range(3)] == [4.0, 1.0, 2.0]
    ax.figure.canvas.draw()
    four, one, two = (radius for _, radius, _ in circles(ax))
    least = layout.smallest(["0"]) / 2
    step = (layout.LARGEST - 1.0) * least
    unit = four / (least + step)  # pixels
    np.testing.assert_allclose([one / unit, two / unit], [least + step / 2, least + step * np.sqrt(0.5)], rtol=1e-6)
    by_rate = plotting.plot_wiring(PAIR, PAIR_TYPES, rates=[0.0, 0.5, 2.0])
    assert legend_texts(by_rate)[2:] == ["rate 0", "rate 2"]


@pytest.mark.parametrize(
    ("n", "look", "width"),
    [(5, "paper", 85.0), (10, "talk", None), (20, "notebook", None), (40, "paper", 85.0), (40, "paper", 180.0)],
)
def test_labels_lie_in_their_circles_and_circles_touch_nothing(n, look, width):
    given = network(n)
    counts = RNG.integers(1, 20, n)
    with plotting.style(look, width=width):
        ax = plotting.plot_wiring(**given, represents=counts, inputs=["evidence_for_0", "evidence_for_1"])
    figure = ax.figure
    assert editor.faults(figure) == []
    places = circles(ax)
    assert len(places) == n
    for (one, r, up), (other, s, _) in itertools.combinations(places, 2):
        assert np.hypot(*(one - other)) > r + s
        assert r == pytest.approx(up, rel=1e-3)
    outside = 0
    for text, box in editor.texts(figure):
        middle = np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2])
        gaps = [np.hypot(*(np.clip(place, [box.x0, box.y0], [box.x1, box.y1]) - place)) - r for place, r, _ in places]
        touched = [i for i, gap in enumerate(gaps) if gap < 0]
        if text.get_text().isdigit():
            (unit,) = touched
            assert unit == int(text.get_text())
            assert np.hypot(*(middle - places[unit][0])) + box.width / 2 < places[unit][1]
        else:
            assert touched == []
            outside += 1
    assert outside >= 6
    plt.close(figure)


def test_connections_go_around_what_lies_between():
    """Three units in a row: the outer two are connected around the middle one."""
    row = [layout.Node(str(i), np.array([5.0 + 6.0 * i, 10.0]), np.array([1.5, 1.5])) for i in range(3)]
    ways = layout.ways(row[0], row[2])
    straight = min(ways, key=lambda way: way[0])[1]
    assert row[1].covers(straight).any()
    best = layout.cheapest(ways, [row[1]], np.empty((0, 2)), (40.0, 40.0), 0.1)
    assert not row[1].covers(best).any()
    for end, node in ((best[0], row[0]), (best[-1], row[2])):
        assert np.hypot(*(end - node.centre)) == pytest.approx(1.5 + 0.2)


@pytest.mark.parametrize("missing", ["", None])
def test_units_without_a_label_are_a_group_with_a_name_of_its_own(missing):
    given = network(40)
    areas, choices = np.array(["V1", "MT", missing]), np.array(["left", "none", missing])
    labels = {"groups": areas[np.arange(40) % 3], "preferred": choices[np.arange(40) // 3 % 3]}
    ax = plotting.plot_wiring(**given | labels)
    named = [f"{area} {choice}" for area in ("V1", "MT", "no label") for choice in ("left", "none", "no preference")]
    texts = {text.get_text() for text in ax.texts}
    assert {text for text in texts if text[:2] in ("E ", "I ")} == {f"{side} {name}" for side in "EI" for name in named}
    assert legend_texts(ax) == ["excites", "inhibits", "input excites", "left", "none", "no preference"]
    last = ax.get_legend().legend_handles[-1].get_markerfacecolor()
    assert to_hex(last) == plotting._style.ink(0.3)
    nothing = np.full(40, missing)
    plain = plotting.plot_wiring(**given | {"groups": nothing, "preferred": nothing})
    assert [text.get_text() for text in plain.texts if text.get_text().isalpha()] == ["E", "I"]
    assert legend_texts(plain) == ["excites", "inhibits", "input excites"]
    numbers = plotting.plot_wiring(np.eye(3), preferred=[np.nan, 10.0, 2.0])
    assert legend_texts(numbers) == ["excites", "2.0", "10.0", "no preference"]


def test_boxes_hold_their_units_and_do_not_touch():
    ax = plotting.plot_wiring(**network(40), groups=np.repeat(["V1", "MT"], 20))
    boxes = [patch.get_window_extent() for patch in ax.patches if patch.get_zorder() == 1]
    names = [text.get_text() for text in ax.texts if " choice " in text.get_text()]
    assert len(boxes) == len(names) == 6  # of V1 there are no I units
    assert names[0] == "E V1 choice 0"
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    for place, r, _ in circles(ax):
        assert sum(b.x0 < place[0] - r and place[0] + r < b.x1 and b.y0 < place[1] - r < b.y1 for b in boxes) == 1


def test_inputs_are_not_changed_and_one_unit_is_a_network():
    given = network(8)
    before = {name: np.array(value) for name, value in given.items()}
    plotting.plot_wiring(**given)
    for name, value in given.items():
        np.testing.assert_array_equal(value, before[name])
    assert plotting.plot_wiring([[0.0]]).get_xlabel() == "There is no connection."
    assert plotting.plot_wiring([[2.0]], names=["a"]).get_xlabel().startswith("Lines: 100 %")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"W": np.ones((2, 3))}, r"`W` must be square \(N, N\), W\[pre, post\]; got shape \(2, 3\)"),
        ({"W": np.full((3, 3), np.nan)}, "`W` must be finite; got nan: has the training diverged"),
        ({"W": np.ones((61, 61)), "excitatory": None}, "has 61 units, and a wiring diagram is legible up to 60"),
        ({"excitatory": np.ones(4, bool)}, "`excitatory` must be bools"),
        ({"W_in": np.ones((3, 2))}, r"`W_in` must be \(n_in, 3\), \[from, to\]; got shape \(3, 2\)"),
        ({"W_out": np.ones((2, 3))}, r"`W_out` must be \(3, n_out\), \[from, to\]; got shape \(2, 3\)"),
        ({"share": 0.0}, r"`share` must be in \(0, 1\], the share of the weight that is drawn; got 0"),
        ({"share": 80}, "got 80"),
        ({"preferred": ["a"]}, "`preferred` must contain a label for each unit"),
        ({"groups": ["a"]}, "`groups` must contain a label for each unit"),
        ({"rates": [1.0]}, r"`rates` must contain a number for each unit, shape \(3,\); got shape \(1,\)"),
        (
            {"rates": [1.0] * 3, "represents": ["1"] * 3},
            "the size of units is set by `represents` or `rates`; got both",
        ),
        ({"names": ["a"]}, "`names` must name the 3 units; got 1 names"),
        ({"inputs": ["a"]}, "`inputs` must name the 0 channels; got 1 names"),
    ],
)
def test_what_does_not_fit_is_refused(change, text):
    with pytest.raises(ValueError, match=text):
        plotting.plot_wiring(**({"W": PAIR, "excitatory": PAIR_TYPES} | change))


def test_many_channels_are_not_drawn_which_is_said():
    rng = np.random.default_rng(0)
    ax = plotting.plot_wiring(rng.normal(size=(4, 4)), W_in=rng.normal(size=(9, 4)), W_out=rng.normal(size=(4, 2)))
    words = ax.get_xlabel().replace("\n", " ")
    assert "The 9 inputs are not drawn." in words
    assert "of the input" not in words
    few = plotting.plot_wiring(rng.normal(size=(4, 4)), W_in=rng.normal(size=(8, 4)), W_out=rng.normal(size=(4, 9)))
    words = few.get_xlabel().replace("\n", " ")
    assert "of the input" in words
    assert "The 9 outputs are not drawn." in words
