"""Expansion to neurons: counts, block sums and the law of the draws, against formulas and plain loops."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse as sp
from scipy import stats

from eicon.connectomes._expand import Expansion, expand

DATA = Path(__file__).parents[2].parent / "shared" / "connectomes" / "bio2art"
PARTITIONS = ("equal", "random", "stick-breaking")


def real(name: str) -> np.ndarray:
    path = DATA / f"C_{name}_Normalized.npy"
    if not path.exists():
        pytest.skip(f"{path} is not there: shared data lie beside the checkout")
    return np.load(path, allow_pickle=False)


def regions(n: int = 6, density: float = 0.6, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    weights = rng.lognormal(-3, 2, (n, n)) * (rng.random((n, n)) < density)
    np.fill_diagonal(weights, 0.0)
    return weights


def dense(made: Expansion) -> np.ndarray:
    return made.weights.toarray() if sp.issparse(made.weights) else made.weights


def with_intrinsic(weights: np.ndarray, share: float = 0.8, axis: int = 1) -> np.ndarray:
    return weights + np.diag(share / (1 - share) * weights.sum(axis=axis))


def macaque_counts() -> np.ndarray:
    """10 neurons each, 40 in the fifth region: counted from one, as the published number of connections shows."""
    counts = np.full(29, 10)
    counts[4] = 40
    return counts


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize(
    ("options", "connections"),
    [
        ({"target_sparsity": 0.1, "intrinsic": False}, 6770),
        ({"target_sparsity": 0.8, "intrinsic": False}, 54160),
        ({"autapses": True}, 58560),
        ({"autapses": True, "intrinsic_sparsity": 0.5}, 56360),
    ],
)
def test_counts_published_for_the_macaque(options, connections, sparse):
    made = expand(real("Macaque"), macaque_counts(), partition="random", sparse=sparse, **options)
    assert made.weights.shape == (320, 320)
    assert made.n_connections == connections


@pytest.mark.parametrize(("name", "units", "connections"), [("Marmoset", 220, 23004), ("Macaque", 116, 6780)])
def test_counts_of_the_published_networks_of_four_neurons_per_region(name, units, connections):
    made = expand(real(name), 4)
    assert made.weights.shape == (units, units)
    assert made.n_connections == connections


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("neurons", [1, 2, 5, 30, "mixed"])
def test_block_sums_are_those_of_the_regions(neurons, partition, sparse):
    weights = regions()
    counts = np.array([1, 2, 3, 30, 7, 12]) if neurons == "mixed" else neurons
    made = expand(weights, counts, partition=partition, sparse=sparse)
    wanted = with_intrinsic(weights)
    wanted[np.diag(made.neurons == 1)] = 0.0
    np.testing.assert_allclose(made.block_sums(), wanted, rtol=1e-6, atol=0)
    of = [np.flatnonzero(made.region == i) for i in range(6)]
    by_hand = [[dense(made)[np.ix_(i, j)].sum(dtype=np.float64) for j in of] for i in of]
    np.testing.assert_allclose(by_hand, made.block_sums(), rtol=1e-12)


def test_block_sums_hold_at_64_neurons_per_region():
    weights = real("Marmoset")
    made = expand(weights, 64, partition="random", sparse=True)
    assert made.n_connections == 1862 * 64 * 51 + 55 * 64 * 63, "nothing underflows"
    np.testing.assert_allclose(made.block_sums(), with_intrinsic(weights), rtol=1.5e-7, atol=0)


@pytest.mark.parametrize("autapses", [False, True])
def test_every_neuron_makes_the_contacts_it_should(autapses):
    weights, counts = regions(), np.array([1, 2, 3, 30, 7, 12])
    made = expand(weights, counts, target_sparsity=0.3, intrinsic_sparsity=0.5, autapses=autapses, partition="random")
    there = dense(made) != 0
    per_block = np.stack([there[:, made.region == j].sum(axis=1) for j in range(6)], axis=1)
    for source, i in enumerate(made.region):
        for j, k in enumerate(counts):
            if i == j:
                wanted = min(max(1, round(0.5 * k)), k if autapses else k - 1)
            else:
                wanted = max(1, round(0.3 * k)) if weights[i, j] else 0
            assert per_block[source, j] == wanted
    assert np.diagonal(there).any() == autapses


def test_neurons_are_ordered_by_region():
    made = expand(regions(3), [2, 1, 3])
    assert made.region.tolist() == [0, 0, 1, 2, 2, 2]
    assert made.neurons.tolist() == [2, 1, 3]


@pytest.mark.parametrize("partition", PARTITIONS)
def test_sparse_and_dense_have_the_same_bits(partition):
    pair = [expand(regions(), [3, 9, 1, 4, 20, 6], partition=partition, sparse=s, seed=5) for s in (False, True)]
    assert isinstance(pair[1].weights, sp.csr_array)
    assert pair[1].weights.has_canonical_format
    assert dense(pair[0]).tobytes() == dense(pair[1]).tobytes()
    assert pair[0].n_connections == pair[1].n_connections


def test_rows_taken_some_at_a_time_give_the_same_bits(monkeypatch):
    whole = [expand(regions(), 9, partition="random", sparse=s) for s in (False, True)]
    monkeypatch.setattr("eicon.connectomes._expand.ENTRIES_AT_ONCE", 100)
    for made in whole:
        again = expand(regions(), 9, partition="random", sparse=sp.issparse(made.weights))
        assert dense(again).tobytes() == dense(made).tobytes()


@pytest.mark.parametrize("partition", ["equal", "random"])
def test_every_subset_of_targets_is_equally_likely(partition):
    """Three of five targets: ten subsets; within a region without autapses, two of the other four: six."""
    made = expand([[0.0, 1.0], [1.0, 0.0]], [5000, 5], target_sparsity=0.6, intrinsic=False, partition=partition)
    code = (dense(made)[:5000, 5000:] > 0) @ (1 << np.arange(5))
    counts = np.unique(code, return_counts=True)[1]
    assert len(counts) == 10
    assert stats.chisquare(counts).pvalue > 1e-3
    codes = []
    for seed in range(500):
        within = dense(expand([[1.0]], 5, intrinsic="measured", intrinsic_sparsity=0.4, seed=seed))
        codes += [(i, tuple(np.flatnonzero(row))) for i, row in enumerate(within)]
    counts = np.unique([str(c) for c in codes], return_counts=True)[1]
    assert len(counts) == 5 * 6
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("size", [2, 12])
def test_random_shares_are_uniform_on_the_simplex(size):
    """Every share of n has the law Beta(1, n - 1), whatever its place."""
    n = 2 * size
    shares = np.array(
        [dense(expand([[0.0, 1.0], [0.0, 0.0]], [2, size], target_sparsity=1.0, intrinsic=False,
                      partition="random", seed=seed))[:2, 2:].ravel() for seed in range(400)]
    )  # fmt: skip
    for place in range(n):
        assert stats.kstest(shares[:, place], stats.beta(1, n - 1).cdf).pvalue > 1e-4


def test_equal_shares_are_equal():
    made = expand(regions(), 5)
    of = made.region
    for i in range(6):
        for j in range(6):
            block = dense(made)[np.ix_(of == i, of == j)]
            assert len(np.unique(block[block > 0])) <= 1


def test_stick_breaking_is_the_published_one():
    """Largest of 12 parts takes the Golomb-Dickman constant; at 16 neurons half of the connections vanish."""
    largest = [
        dense(expand([[0.0, 1.0], [0.0, 0.0]], [4, 3], target_sparsity=1.0, intrinsic=False,
                     partition="stick-breaking", seed=seed)).max() for seed in range(1000)
    ]  # fmt: skip
    assert np.mean(largest) == pytest.approx(0.624, abs=0.02)
    made = expand(regions(12, 1.0), 16, partition="stick-breaking", intrinsic=False, sparse=True)
    asked = 12 * 11 * 16 * 13
    assert 0.4 * asked < made.n_connections < 0.6 * asked
    assert made.weights.data.all()


def test_intrinsic_weight_is_the_share_of_outgoing_or_incoming():
    weights = regions()
    for share in (0.0, 0.5, 0.8):
        made = expand(weights, 5, intrinsic_share=share)
        sums = made.block_sums()
        np.testing.assert_allclose(np.diagonal(sums), share * sums.sum(axis=1), rtol=1e-6)
    incoming = expand(weights, 5, intrinsic_of="incoming").block_sums()
    np.testing.assert_allclose(incoming, with_intrinsic(weights, axis=0), rtol=1e-6)


def test_measured_diagonal_is_used_as_it_is():
    weights = regions() + np.diag([1.0, 2.0, 0.0, 3.0, 0.0, 4.0])
    np.testing.assert_allclose(expand(weights, 5, intrinsic="measured").block_sums(), weights, rtol=1e-6)


def test_empty_connectome_gives_an_empty_network():
    for sparse in (False, True):
        made = expand(np.zeros((3, 3)), 4, sparse=sparse)
        assert made.weights.shape == (12, 12)
        assert made.n_connections == 0
        assert not made.block_sums().any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype(dtype):
    made = expand(regions(), 7, partition="random", dtype=dtype)
    assert made.weights.dtype == dtype
    np.testing.assert_allclose(made.block_sums(), with_intrinsic(regions()), rtol=20 * np.finfo(dtype).eps)


def test_seeds():
    def bits(seed):
        return dense(expand(regions(), 5, partition="random", seed=seed)).tobytes()

    assert bits(1) == bits(1) == bits(np.random.default_rng(1))
    assert bits(1) != bits(2)
    shared = np.random.default_rng(1)
    assert bits(shared) != bits(shared)


@pytest.mark.parametrize("sparse", [False, True])
def test_temporaries_are_small(sparse):
    """Twice the result at most; the sparse form never makes the dense matrix."""
    weights = regions(20, 0.1 if sparse else 0.6)
    tracemalloc.start()
    try:
        made = expand(weights, 50, partition="random", sparse=sparse, intrinsic=False)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    parts = (made.weights.data, made.weights.indices, made.weights.indptr) if sparse else (made.weights,)
    assert peak < 2 * sum(part.nbytes for part in parts)
    assert not sparse or peak < 1000 * 1000 * 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": np.ones((2, 3))}, r"square matrix .* got shape \(2, 3\)"),
        ({"weights": [[0.0, -1.0], [1.0, 0.0]]}, r"weights must be >= 0; got -1.0"),
        ({"weights": [[0.0, np.nan], [1.0, 0.0]]}, "must be finite; got NaN"),
        ({"weights": np.eye(2)}, r"2 regions have a weight onto themselves, .* intrinsic='measured'"),
        ({"weights": np.eye(2), "intrinsic": False}, "2 regions have a weight onto themselves"),
        ({"weights": [[0.0, 1e-40], [1.0, 0.0]]}, "cannot be divided in float32.*dtype=np.float64"),
        ({"neurons": [1, 2, 3]}, r"one int or \(2,\).* got shape \(3,\)"),
        ({"neurons": 2.5}, "neurons must be integers; got float64"),
        ({"neurons": [0, 2]}, "neurons must be >= 1 in every region; got 0"),
        ({"target_sparsity": 0.0}, r"target_sparsity must be in \(0, 1\].*got 0.0"),
        ({"intrinsic_sparsity": 1.5}, r"intrinsic_sparsity must be in \(0, 1\].*got 1.5"),
        ({"intrinsic_share": 1.0}, r"intrinsic_share must be in \[0, 1\).*got 1.0"),
        ({"dtype": np.int32}, "dtype must be float32 or float64; got int32"),
    ],
)
def test_what_may_not_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        expand(**{"weights": [[0.0, 1.0], [1.0, 0.0]], "neurons": 3, **options})
