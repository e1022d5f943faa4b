"""A connectome stays one through everything that is done to it: names, labels, signs, coordinates and provenance."""

import pickle

import numpy as np
import pytest
from scipy import sparse

from eicon.connectomes import Connectome, expand, load, read_npz, read_units

from .test_connectome import assert_same

W = np.array([[0, 2, 0, 1], [0, 0, 3, 0], [4, 0, 5, 0], [0, 0, 6, 0]], float)
NAMES = ("a", "b", "c", "d")
ABOUT = {"name": "four", "species": "fly", "citation": "Someone 2020", "licence": "CC0", "provenance": "four.csv"}


def four(**changes) -> Connectome:
    fields = {
        "sign": [1, 0, -1, 0],
        "labels": {"type": ("x", "y", "x", ""), "transmitter": ("ACH", "GABA", "GABA", "")},
        "coordinates": np.arange(12.0).reshape(4, 3),
    }
    return Connectome(changes.pop("weights", W), NAMES, **ABOUT, **(fields | changes))


def test_connections_are_listed_row_by_row():
    c = four()
    assert list(zip(c.source, c.target, c.weight, c.signs, strict=True)) == [
        *((0, 1, 2, 1), (0, 3, 1, 1), (1, 2, 3, 0), (2, 0, 4, -1), (2, 2, 5, -1), (3, 2, 6, 0)),
    ]
    assert (c.n_connections, c.density) == (6, 5 / 12)
    assert c.reciprocity == 0.0
    assert Connectome(np.ones((2, 2)), ("a", "b")).reciprocity == 1.0


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.coo_array, sparse.csc_matrix, sparse.lil_matrix])
def test_sparse_matrices_and_lists_give_the_same(kind):
    assert_same(four(weights=kind(W)), four())
    source, target = np.nonzero(W)
    order = np.random.default_rng(0).permutation(len(source))
    source, target = source[order], target[order]
    listed = Connectome.of_edges(source, target, W[source, target], NAMES, **ABOUT, sign=[1, 0, -1, 0])
    np.testing.assert_array_equal(listed.weights, W)


def test_nothing_can_be_changed_in_place():
    c = four()
    with pytest.raises(AttributeError, match="cannot be changed in place; make a new one with a different name"):
        c.name = "other"
    with pytest.raises(AttributeError, match="cannot be changed"):
        del c.sign
    for array in (c.target, c.weight, c.adjacency.data):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7
    assert_same(pickle.loads(pickle.dumps(c)), c)  # noqa: S301


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0], [1, 2], 1), r"two lists of equal length; got \(1,\) and \(2,\)"),
        (([-1], [1], 1), r"source must be whole numbers in 0..3, one for each of 4 names; got int64 from -1 to -1"),
        (([0], [4], 1), "target must be whole numbers"),
        (([0.5], [1], 1), "source must be whole numbers"),
        (([0, 0], [1, 1], 1), "1 connections are listed twice, the first a -> b; add their weights up"),
        (([0], [1], -1), r"weights must be >= 0; .* at \[0, 1\]"),
        (([0], [1], np.nan), "weights must be finite"),
    ],
)
def test_what_a_list_is_refused_for(arguments, message):
    with pytest.raises(ValueError, match=message):
        Connectome.of_edges(*arguments, NAMES)


def test_a_large_connectome_is_never_dense():
    n = 60_000
    ring = Connectome.of_edges(np.arange(n), np.roll(np.arange(n), 1), 1.0, tuple(map(str, range(n))))
    assert ring.reversed().subset(np.arange(1000)).n_connections == 999
    with pytest.raises(ValueError, match="a dense matrix of 60000 units takes 29 GB; use source, target"):
        _ = ring.weights


def test_signs_of_connections():
    """Units that excite some targets and inhibit others."""
    mixed = four(sign=[1, 0, 0, 0], edge_sign=[0, 0, 1, 1, -1, 0])
    assert mixed.signs.tolist() == [1, 1, 1, 1, -1, 0]
    assert repr(mixed).endswith("signs: 2 E, 0 I, 1 with both, 1 unknown)")
    back = mixed.reversed()
    there = dict(zip(zip(mixed.source.tolist(), mixed.target.tolist(), strict=True), mixed.signs, strict=True))
    for pre, post, sign in zip(back.source.tolist(), back.target.tolist(), back.signs, strict=True):
        assert sign == (1 if pre == 0 else there[post, pre])
    part = mixed.subset(["c", "a"])
    assert list(zip(part.source, part.target, part.signs, strict=True)) == [(0, 0, -1), (0, 1, 1)]
    with pytest.raises(
        ValueError, match="unit 0 has the sign 1, but some of its connections have the opposite sign; give the unit 0"
    ):
        four(sign=[1, 0, 0, 0], edge_sign=[-1, 0, 1, 1, -1, 0])
    with pytest.raises(
        ValueError, match=r"edge_sign of a connectome of 6 connections must have shape \(6,\); got \(2,\)"
    ):
        four(edge_sign=[1, 1])


def test_files_keep_signs_of_connections(tmp_path):
    mixed = four(sign=[1, 0, 0, 0], edge_sign=[0, 0, 1, 1, -1, 0])
    mixed.save(tmp_path / "a.npz")
    again = read_npz(tmp_path / "a.npz")
    assert_same(again, mixed)
    assert again.signs.tolist() == mixed.signs.tolist()


@pytest.mark.parametrize(
    ("keep", "names"),
    [
        ({"type": "x"}, "ac"),
        ({"type": ["x", "y"], "transmitter": "GABA"}, "bc"),
        (["d", "a"], "da"),
        ([False, True, True, False], "bc"),
    ],
)
def test_subsets_by_label_and_name(keep, names):
    part = four().subset(keep)
    places = [NAMES.index(name) for name in names]
    assert part.names == tuple(names)
    np.testing.assert_array_equal(part.weights, W[np.ix_(places, places)])
    np.testing.assert_array_equal(part.coordinates, four().coordinates[places])
    assert (part.name, part.citation) == ("four", "Someone 2020")
    assert part.provenance == f"four.csv; {len(names)} of 4 units kept"


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        ({"class": "x"}, "no label 'class'; they have type, transmitter"),
        ({"type": "z"}, "no unit has type 'z'; there are , x, y"),
        ({"type": "y", "transmitter": "ACH"}, "no unit has all of"),
        (["a", "e"], "there are no units 'e'"),
    ],
)
def test_what_a_subset_is_refused_for(keep, message):
    with pytest.raises(ValueError, match=message):
        four().subset(keep)


def test_symmetrised():
    triangle = Connectome(np.triu(W + W.T), NAMES)
    full = np.triu(W + W.T) + np.triu(W + W.T, 1).T
    np.testing.assert_array_equal(triangle.symmetrised().weights, full)
    both = Connectome([[1, 2], [4, 0]], ("a", "b"))
    with pytest.raises(ValueError, match="1 pairs are connected with two different weights; pass combine="):
        both.symmetrised()
    for combine, expected in (("max", 4), ("mean", 3), ("sum", 6)):
        assert both.symmetrised(combine).weights.tolist() == [[1, expected], [expected, 0]]
    assert "made symmetric (sum)" in both.symmetrised("sum").provenance


@pytest.mark.unchecked
def test_symmetrised_knows_three_ways():
    with pytest.raises(ValueError, match="combine must be 'max', 'mean' or 'sum'; got 'median'"):
        four().symmetrised("median")


def test_thresholded():
    assert four().thresholded(at_least=3).weight.tolist() == [3, 4, 5, 6]
    dense = four().thresholded(density=3 / 12)
    assert dense.weight.tolist() == [3, 4, 5, 6]  # three between units, and the one onto itself
    assert dense.density == 3 / 12
    for options, message in (
        ({}, "give either at_least"),
        ({"at_least": 1, "density": 0.5}, "give either at_least"),
        ({"at_least": 0}, "at_least must be > 0"),
        ({"density": 1.5}, r"density must be in \(0, 1\)"),
    ):
        with pytest.raises(ValueError, match=message):
            four().thresholded(**options)


def test_expanded_is_what_expand_gives():
    areas = four(weights=W - np.diag(np.diag(W)), labels={"lobe": ("l", "l", "m", "n")})
    neurons = areas.expanded([2, 1, 3, 2], seed=4, target_sparsity=0.5)
    made = expand(areas.weights, [2, 1, 3, 2], seed=4, target_sparsity=0.5)
    np.testing.assert_array_equal(neurons.weights, made.weights)
    assert neurons.names == ("a/1", "a/2", "b/1", "c/1", "c/2", "c/3", "d/1", "d/2")
    assert neurons.labels["region"] == tuple("aabcccdd")
    assert neurons.labels["lobe"] == tuple("lllmmmnn")
    assert neurons.sign.tolist() == [1, 1, 0, -1, -1, -1, 0, 0]
    np.testing.assert_array_equal(neurons.coordinates, areas.coordinates[made.region])
    assert neurons.provenance == "four.csv; 4 regions expanded to 8 neurons"
    with pytest.raises(ValueError, match="already a connectome of neurons"):
        neurons.expanded(2, seed=0)


def test_drawn_signs_fill_in_what_is_unknown():
    areas = Connectome(np.ones((2, 2)) - np.eye(2), ("V1", "V2"), sign=[0, 1])
    neurons = areas.expanded(10, seed=0).signed(0.8, seed=1)
    sign = neurons.sign.reshape(2, 10)
    assert (sign[0] > 0).sum() == 8
    assert (sign[1] == 1).all()
    assert "10 signs drawn (e_ratio 0.8)" in neurons.provenance
    for options, message in (({}, "give either e_ratio"), ({"e_ratio": 0.8}, "needs a seed")):
        with pytest.raises(ValueError, match=message):
            areas.signed(**options)


def test_signs_by_a_label():
    signed = four().signed(by={"transmitter": {"GABA": -1}})
    assert signed.sign.tolist() == [1, -1, -1, 0]
    assert signed.provenance.endswith("1 signs by transmitter")
    with pytest.raises(ValueError, match="transmitter 'GABA' is given the sign 1, but c has -1"):
        four().signed(by={"transmitter": {"GABA": 1}})
    with pytest.raises(ValueError, match="no unit has transmitter 'GLUT'; there are ACH, GABA"):
        four().signed(by={"transmitter": {"GLUT": -1}})


def test_print_says_what_is_there():
    text = str(load("celegans").signed(0.8, seed=0))
    for line in ("302 units", "3,709 (density 0.0404, 36% reciprocated)", "1 to 75, median 3", "Cook et al. 2019"):
        assert line in text
    assert "0 unknown" in text
    assert max(map(len, text.splitlines())) < 200


def test_what_a_table_says_is_joined_by_name(tmp_path):
    (tmp_path / "units.csv").write_text("id,side,sign\nd,left,1\nb,right,-1\na,left,1\nc,right,-1\n")
    joined = four(sign=None).joined(read_units(tmp_path / "units.csv", sign="sign"))
    assert joined.labels["side"] == ("left", "right", "right", "left")
    assert joined.labels["type"] == four().labels["type"]
    assert joined.sign.tolist() == [1, -1, -1, 1]
    np.testing.assert_array_equal(joined.coordinates, four().coordinates)
    assert joined.provenance.endswith("side, sign joined by name")
