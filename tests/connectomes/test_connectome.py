"""A connectome: what it holds, what it refuses, and that files bring it back."""

import numpy as np
import pytest

from eicon.connectomes import Connectome, read_npz

RNG = np.random.default_rng(0)
N = 5


def example(**changes) -> Connectome:
    weights = RNG.exponential(size=(N, N)) * (RNG.uniform(size=(N, N)) < 0.5)
    fields = {
        "weights": weights,
        "names": tuple("abcde"),
        "name": "example",
        "species": "mouse",
        "sign": np.array([1, 1, -1, 0, 0]),
        "labels": {"class": ("x", "x", "y", "", "é")},
        "coordinates": RNG.normal(size=(N, 3)),
        "densities": np.array([1.0, 2.0, np.nan, 3.0, 4.0]),
        "citation": "Someone 2000",
        "licence": "MIT",
        "provenance": "example.csv: rows = source",
    }
    return Connectome(**(fields | changes))


def assert_same(a: Connectome, b: Connectome) -> None:
    for field in ("names", "name", "species", "labels", "citation", "licence", "provenance"):
        assert getattr(a, field) == getattr(b, field), field
    for field in ("weights", "sign", "coordinates", "densities"):
        x, y = getattr(a, field), getattr(b, field)
        assert (x is None) == (y is None), field
        if x is not None:
            assert x.dtype == y.dtype
            np.testing.assert_array_equal(x, y)
    assert a.digest == b.digest


def test_arrays_are_read_only_copies():
    weights = np.ones((2, 2))
    connectome = Connectome(weights, ("a", "b"))
    weights[0, 0] = 7
    assert connectome.weights[0, 0] == 1
    for array in (example().weights, example().sign, example().coordinates, example().densities):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_types_and_defaults():
    bare = Connectome(np.ones((2, 2), np.int32), ("a", "b"))
    assert bare.weights.dtype == np.float64
    assert bare.sign.dtype == np.int8
    assert bare.sign.tolist() == [0, 0]
    assert (bare.coordinates, bare.densities, bare.labels) == (None, None, {})


def test_counts():
    weights = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
    connectome = Connectome(weights, ("a", "b", "c"))
    assert (connectome.n, connectome.n_connections) == (3, 4)
    assert connectome.density == 3 / 6
    assert Connectome(np.ones((1, 1)), ("a",)).density == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": np.ones((2, 3))}, r"square matrix .* got shape \(2, 3\)"),
        ({"weights": np.ones((0, 0)), "names": ()}, r"at least one unit; got shape \(0, 0\)"),
        ({"weights": np.full((N, N), np.nan)}, r"must be finite; got 25 that are not, the first of them nan at \[0,"),
        ({"weights": -np.eye(N)}, r"must be >= 0; .* at \[0, 0\]. Weights are magnitudes"),
        ({"weights": np.eye(N, dtype=complex)}, "must be real numbers; got an array of complex128"),
        ({"weights": np.full((N, N), "1")}, "must be real numbers"),
        ({"names": ("a", "b")}, "5 units needs 5 names; got 2"),
        ({"names": ("a", "b", "b", "d", "d")}, "must all be different; got 'b', 'd' more than once"),
        ({"sign": np.ones(3)}, r"sign of a connectome of 5 units must have shape \(5,\); got \(3,\)"),
        ({"sign": np.array([1, 0, 0, 0, 2])}, r"signs must be 1 .*; got \[0.0, 1.0, 2.0\]"),
        ({"sign": np.array([0.5, 0, 0, 0, 0])}, r"signs must be 1 .*; got \[0.0, 0.5\]"),
        ({"coordinates": np.ones((N, 2))}, r"coordinates .* must have shape \(5, 3\); got \(5, 2\)"),
        ({"densities": np.ones(4)}, r"densities .* must have shape \(5,\); got \(4,\)"),
        ({"densities": -np.ones(N)}, "densities must be >= 0"),
        ({"labels": {"class": ("x",)}}, "label 'class' needs one text for each of the 5 units; got 1"),
    ],
)
def test_what_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        example(**changes)


def test_reversed():
    there = example()
    back = there.reversed()
    np.testing.assert_array_equal(back.weights, there.weights.T)
    assert back.names == there.names
    np.testing.assert_array_equal(back.sign, there.sign)
    assert back.provenance == "example.csv: rows = source; every connection turned round by Connectome.reversed()"
    np.testing.assert_array_equal(back.reversed().weights, there.weights)


@pytest.mark.parametrize(
    "keep", [np.array([4, 0, 2]), np.array([True, False, True, False, True])], ids=["index", "mask"]
)
def test_subset(keep):
    whole = example()
    part = whole.subset(keep)
    places = [4, 0, 2] if keep.dtype != bool else [0, 2, 4]
    assert part.names == tuple("abcde"[i] for i in places)
    for i, p in enumerate(places):
        for j, q in enumerate(places):
            assert part.weights[i, j] == whole.weights[p, q]
    np.testing.assert_array_equal(part.sign, whole.sign[places])
    np.testing.assert_array_equal(part.coordinates, whole.coordinates[places])
    np.testing.assert_array_equal(part.densities, whole.densities[places])
    assert part.labels["class"] == tuple(whole.labels["class"][i] for i in places)
    assert part.provenance.endswith("3 of 5 units kept")


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        ([True, False], r"must have shape \(5,\), one bool per unit; got \(2,\)"),
        ([0, 5], "from 0 to 4; got 2 from 0 to 5"),
        ([-1], "from 0 to 4; got 1 from -1"),
        ([1, 1], "got 2 from 1 to 1, 1 of them different"),
        ([], "keep at least one unit"),
        ([0.5], "keep at least one unit"),
        ([False] * N, "keep at least one unit"),
    ],
)
def test_what_subset_refuses(keep, message):
    with pytest.raises(ValueError, match=message):
        example().subset(keep)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"coordinates": None, "densities": None, "labels": {}},
        {"weights": np.zeros((N, N))},
        {"weights": np.arange(25.0).reshape(N, N)},
        {"weights": np.full((N, N), 70000.0)},
        {"weights": np.full((N, N), 0.1)},
        {"weights": np.full((N, N), 1e300)},
        {"weights": np.full((N, N), 0.5)},
        {"weights": np.full((N, N), 5e-324)},
    ],
    ids=["all", "bare", "empty", "counts", "large counts", "doubles", "huge", "halves", "tiny"],
)
def test_files_bring_back_every_bit(changes, tmp_path):
    whole = example(**changes)
    whole.save(tmp_path / "a.npz")
    assert_same(whole, read_npz(tmp_path / "a.npz"))


def test_files_are_small_and_free_of_pickle(tmp_path):
    n = 300
    weights = RNG.poisson(5.0, (n, n)) * (RNG.uniform(size=(n, n)) < 0.05)
    connectome = Connectome(weights, tuple(map(str, range(n))))
    connectome.save(tmp_path / "a.npz")
    assert (tmp_path / "a.npz").stat().st_size < 6 * connectome.n_connections + 8000
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert all(archive[key].dtype != object for key in archive.files)


def test_same_content_same_digest():
    weights = np.eye(N)
    one, other = example(weights=weights, coordinates=None), example(weights=weights, coordinates=None)
    assert one.digest == other.digest
    for changes in ({"sign": np.zeros(N)}, {"names": tuple("abcdf")}, {"labels": {}}, {"densities": None}):
        assert example(weights=weights, coordinates=None, **changes).digest != one.digest
    assert example(weights=weights + np.eye(N) * 1e-15, coordinates=None).digest != one.digest


def test_repr():
    expected = "Connectome('a', species not given, 2 units, 4 connections, density 1, signs: 0 E, 0 I, 2 unknown)"
    assert repr(Connectome(np.ones((2, 2)), ("a", "b"), name="a")) == expected
