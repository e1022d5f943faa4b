"""Mistake 15: region ids come back shuffled, a wrong size prints a line and returns None, the last edge is dropped."""

import numpy as np
import pytest

from eicon.connectomes import read_edges
from eicon.connectomes._expand import expand

REGIONS = np.array([[0.0, 1.0, 0.0], [2.0, 0.0, 3.0], [0.0, 4.0, 0.0]])
NEURONS = [2, 4, 3]
EDGES = [("A", "B", 1.0), ("B", "A", 2.0), ("B", "C", 3.0), ("C", "B", 4.0)]


def check_order(region: np.ndarray) -> None:
    """Check that ids are ascending, each as often as requested, so the neurons of a region are the expected rows."""
    assert region.tolist() == [0, 0, 1, 1, 1, 1, 2, 2, 2]


def check_size(run) -> None:
    """Check that a list of the wrong length raises an error that states both lengths."""
    with pytest.raises(ValueError, match=r"\(3,\).*got shape \(2,\)"):
        run([2, 4])


def check_edges(read, path) -> None:
    """Check that every line becomes a connection, also the last one, with or without a newline after it."""
    for ending in ("\n", ""):
        path.write_text("\n".join(["source,target,weight", *(f"{s},{t},{w}" for s, t, w in EDGES)]) + ending)
        names, weights = read(path)
        got = [(names[i], names[j], weights[i, j]) for i, j in np.argwhere(weights)]
        assert sorted(got) == EDGES


def wrong_order() -> np.ndarray:
    ids = list({f"region {i}": None for i in (2, 0, 1)})
    return np.repeat([int(name.split()[1]) for name in ids], [NEURONS[int(name.split()[1])] for name in ids])


def wrong_size(neurons) -> np.ndarray | None:
    if len(neurons) != len(REGIONS):
        return None
    return np.zeros((sum(neurons), sum(neurons)))


def wrong_edges(path) -> tuple[list[str], np.ndarray]:
    lines = path.read_text().splitlines()[1:-1]
    names = sorted({name for line in lines for name in line.split(",")[:2]})
    weights = np.zeros((len(names), len(names)))
    for line in lines:
        source, target, weight = line.split(",")
        weights[names.index(source), names.index(target)] = float(weight)
    return names, weights


def our_edges(path) -> tuple[list[str], np.ndarray]:
    read = read_edges(path)
    return list(read.names), np.asarray(read.weights)


def test_our_regions_are_in_order():
    made = expand(REGIONS, NEURONS)
    check_order(made.region)
    assert made.weights[np.ix_(made.region == 2, made.region == 1)].sum() == pytest.approx(4.0)


def test_our_sizes_are_checked():
    check_size(lambda neurons: expand(REGIONS, neurons))


def test_our_edge_lists_come_back_whole(tmp_path):
    check_edges(our_edges, tmp_path / "edges.csv")


def test_the_wrong_order_fails():
    with pytest.raises(AssertionError):
        check_order(wrong_order())


def test_the_wrong_size_check_fails():
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        check_size(wrong_size)


def test_the_wrong_edge_list_fails(tmp_path):
    with pytest.raises(AssertionError):
        check_edges(wrong_edges, tmp_path / "edges.csv")
