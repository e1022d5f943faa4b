"""One battery for all null models: a new one gets a row in `KEEPS`, and what is not in its row must be gone."""

import itertools
import logging
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse, stats
from scipy.spatial.distance import cdist

from eicon.connectomes import Connectome, _rewiring
from eicon.connectomes._nulls import (
    NULLS,
    permute,
    rewire,
    rewire_distance,
    rewire_strength,
    rewire_types,
    rewire_types_distance,
    rewired,
    shuffle_weights,
)

DATA = Path(__file__).parents[2].parent / "shared" / "connectomes" / "bio2art"
BINS = 10
SEEDS = range(10)

TYPES = {"outputs to types", "inputs of types"}
TOPOLOGY = {"topology", "in-degree", "out-degree", "reciprocity", "blocks", "lengths", *TYPES}
LENGTHS = {"diagonal", "weights", "in-degree", "out-degree", "lengths", "weights per length", "length effect"}
KEEPS = {
    "permute": {"diagonal", "weights"},
    "shuffle_weights": {"diagonal", "weights", *TOPOLOGY},
    "rewire": {"diagonal", "weights", "in-degree", "out-degree", "out-strength"},
    "strength": {"diagonal", "in-degree", "out-degree", "in-strength", "out-strength"},
    "distance": LENGTHS,
    "types": {"diagonal", "weights", "in-degree", "out-degree", "out-strength", *TYPES, "weights per types"},
    "types_distance": {*LENGTHS, *TYPES, "weights per types", "weights per types and length"},
}

# Kept as a trend, not to the last digit.
TREND = {"length effect"}


def off_diagonal(weights: np.ndarray) -> np.ndarray:
    return np.where(np.eye(len(weights), dtype=bool), 0.0, weights)


def limits(points: np.ndarray) -> np.ndarray:
    distance = cdist(points, points)[~np.eye(len(points), dtype=bool)]
    return np.quantile(distance, np.linspace(0, 1, BINS + 1)[1:-1]) if distance.size else distance


def binned(points: np.ndarray) -> np.ndarray:
    return np.searchsorted(limits(points), cdist(points, points))


def kinds(n: int) -> np.ndarray:
    """Types that have nothing to do with blocks or places; one alone where nodes are few."""
    return np.arange(n) % 3 if n > 3 else np.zeros(n, int)


def pairs(n: int) -> np.ndarray:
    return kinds(n)[:, None] * 3 + kinds(n)


def sorted_within(weights: np.ndarray, group: np.ndarray) -> np.ndarray:
    return np.sort(off_diagonal(weights).ravel() + 1e6 * group.ravel())


def length_effect(weights: np.ndarray, points: np.ndarray) -> float:
    w = off_diagonal(weights)
    return float(stats.spearmanr(cdist(points, points)[w != 0], w[w != 0]).statistic)


MEASURES = {
    "diagonal": lambda w, p: np.diagonal(w),
    "weights": lambda w, p: np.sort(off_diagonal(w).ravel()),
    "topology": lambda w, p: off_diagonal(w) != 0,
    "in-degree": lambda w, p: (off_diagonal(w) != 0).sum(axis=0),
    "out-degree": lambda w, p: (off_diagonal(w) != 0).sum(axis=1),
    "in-strength": lambda w, p: off_diagonal(w).sum(axis=0),
    "out-strength": lambda w, p: off_diagonal(w).sum(axis=1),
    "lengths": lambda w, p: np.bincount(binned(p)[off_diagonal(w) != 0], minlength=BINS),
    "weights per length": lambda w, p: np.concatenate([np.sort(off_diagonal(w)[binned(p) == b]) for b in range(BINS)]),
    "outputs to types": lambda w, p: (off_diagonal(w) != 0) @ np.eye(3)[kinds(len(w))],
    "inputs of types": lambda w, p: (off_diagonal(w) != 0).T @ np.eye(3)[kinds(len(w))],
    "weights per types": lambda w, p: sorted_within(w, pairs(len(w))),
    "weights per types and length": lambda w, p: sorted_within(w, pairs(len(w)) * BINS + binned(p)),
    "reciprocity": lambda w, p: ((off_diagonal(w) != 0) & (w.T != 0)).sum() / (off_diagonal(w) != 0).sum(),
    "blocks": lambda w, p: (off_diagonal(w) != 0)[::2, ::2].mean() + (off_diagonal(w) != 0)[1::2, 1::2].mean(),
    "length effect": length_effect,
}  # fmt: skip


def structured() -> tuple[np.ndarray, np.ndarray]:
    """Reciprocal, in two blocks (even and odd) that have no place in space, short, and stronger where shorter."""
    rng = np.random.default_rng(0)
    points = rng.random((60, 3))
    distance = cdist(points, points)
    same = np.arange(60)[:, None] % 2 == np.arange(60) % 2
    draw = rng.random((60, 60))
    draw = np.where(rng.random((60, 60)) < 0.8, np.minimum(draw, draw.T), draw)
    there = draw < np.where(same, 0.5, 0.1) * np.exp(-1.5 * distance)
    weights = there * np.exp(-3 * distance + 0.3 * rng.standard_normal((60, 60)))
    np.fill_diagonal(weights, rng.random(60))
    return weights, points


def drawn(n: int, density: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    weights = rng.lognormal(0, 1, (n, n)) * (rng.random((n, n)) < density)
    return weights, rng.random((n, 2))


def real(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The positions are made up: they test what is exact, not the brain."""
    path = DATA / f"C_{name}_Normalized.npy"
    if not path.exists():
        pytest.skip(f"{path} is not there: shared data lie beside the checkout")
    weights = np.load(path, allow_pickle=False)
    return weights, np.random.default_rng(0).random((len(weights), 3))


GRAPHS = {
    "structured": structured,
    "dense": lambda: drawn(12, 0.9, 1),
    "middling": lambda: drawn(41, 0.3, 2),
    "macaque": lambda: real("Macaque"),
    "marmoset": lambda: real("Marmoset"),
}


@pytest.fixture(scope="module", params=GRAPHS)
def graph(request):
    return GRAPHS[request.param]()


def run(null: str, weights, points: np.ndarray, seed: int | np.random.Generator, **options):
    options |= {"coordinates": points} if "distance" in null else {}
    options |= {"types": kinds(len(points))} if "types" in null else {}
    options = {"bins": limits(points), **options} if null == "types_distance" else options
    return NULLS[null](weights, seed=seed, **options)


@cache
def of_structured(null: str) -> tuple[np.ndarray, ...]:
    """Randomised once per seed for all tests."""
    return tuple(run(null, *structured(), seed) for seed in SEEDS)


def test_every_null_model_is_here():
    assert set(KEEPS) == set(NULLS)
    assert set().union(*KEEPS.values()) <= set(MEASURES)


@pytest.mark.parametrize("null", NULLS)
@pytest.mark.parametrize("seed", range(3))
def test_what_is_kept_is_exact(null, graph, seed):
    weights, points = graph
    made = run(null, weights, points, seed)
    for name in KEEPS[null] - TREND:
        np.testing.assert_allclose(
            MEASURES[name](made, points), MEASURES[name](weights, points), rtol=2e-6, err_msg=name
        )


@pytest.mark.parametrize("null", NULLS)
def test_what_is_not_kept_is_gone(null):
    weights, points = structured()
    made = of_structured(null)
    for name in set(MEASURES) - KEEPS[null] - {"reciprocity", "blocks", "length effect"}:
        for one in made:
            assert not np.allclose(MEASURES[name](one, points), MEASURES[name](weights, points), rtol=1e-3), name


@pytest.mark.parametrize("null", NULLS)
@pytest.mark.parametrize("name", ["reciprocity", "blocks", "length effect"])
def test_structure_falls_to_chance_or_stays(null, name):
    """Chance: of reciprocity, the density; of the blocks' densities, twice the mean one; of the length effect, 0."""
    weights, points = structured()
    density = MEASURES["topology"](weights, points).sum() / (60 * 59)
    chance = {"reciprocity": density, "blocks": 2 * density, "length effect": 0.0}[name]
    before = MEASURES[name](weights, points)
    assert abs(before - chance) > 0.15, "the graph has what is to be destroyed"
    after = np.mean([MEASURES[name](made, points) for made in of_structured(null)])
    left = (after - chance) / (before - chance)
    if name in KEEPS[null]:
        assert left > 0.9
    elif null == "strength" and name == "length effect":
        assert left < 0.8, "strong nodes are those with near neighbours, so that strengths keep some of it"
    else:
        assert left < 0.5


@pytest.mark.parametrize("null", NULLS)
def test_input_is_left_alone_and_dtype_stays(null, graph):
    weights, points = graph
    before = weights.copy()
    for dtype in (np.float32, np.float64):
        given = weights.astype(dtype)
        made = run(null, given, points, 0)
        assert made.dtype == dtype
        assert not np.shares_memory(made, given)
    np.testing.assert_array_equal(weights, before)


@pytest.mark.parametrize("null", NULLS)
def test_seeds(null):
    weights, points = structured()

    def bits(seed):
        return run(null, weights, points, seed).tobytes()

    assert bits(1) == bits(1) == bits(np.random.default_rng(1))
    assert bits(1) != bits(2)
    shared = np.random.default_rng(1)
    assert bits(shared) != bits(shared)


@pytest.mark.parametrize("null", NULLS)
@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("fill", [0.0, 1.0])
def test_tiny_empty_and_complete_graphs(null, n, fill):
    weights = np.full((n, n), fill)
    points = np.arange(n, dtype=float)[:, None]
    np.testing.assert_allclose(run(null, weights, points, 0), weights)


@pytest.mark.parametrize("null", sorted(set(NULLS) - {"strength"}))
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_a_source_keeps_its_sign(null, kind):
    """Of 20 rows all keep theirs, and integers stay so."""
    weights, points = drawn(20, 0.5, 3)
    sign = np.where(np.arange(20) % 5, 1, -1)
    counts = (np.ceil(weights * 10) * sign[:, None]).astype(np.int32)
    made = run(null, kind(counts), points, 0)
    made = made.toarray() if sparse.issparse(made) else made
    assert made.dtype == np.int32
    assert not np.array_equal(made, counts)
    np.testing.assert_array_equal(np.sort(abs(made).ravel()), np.sort(abs(counts).ravel()))
    assert (made * sign[:, None] >= 0).all()


@pytest.mark.parametrize("null", sorted(set(NULLS) - {"strength", "permute"}))
def test_a_source_of_both_signs_keeps_its_number_of_negative_ones(null):
    weights, points = drawn(20, 0.5, 3)
    mixed = weights * np.where(np.random.default_rng(0).random((20, 20)) < 0.3, -1, 1)
    np.fill_diagonal(mixed, 0)
    made = run(null, mixed, points, 0)
    np.testing.assert_array_equal((made < 0).sum(axis=1), (mixed < 0).sum(axis=1))
    np.testing.assert_allclose(np.sort(abs(made).ravel()), np.sort(abs(mixed).ravel()))
    if "types" in null:
        one_hot = np.eye(3)[kinds(20)]
        np.testing.assert_array_equal((made < 0) @ one_hot, (mixed < 0) @ one_hot)


def test_permute_asks_for_signs_that_it_cannot_know():
    weights = np.array([[0.0, 1.0, 2.0, 0.0], [-3.0, 0.0, 0.0, -1.0], [0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    with pytest.raises(ValueError, match=r"1 of 4 have no sign; pass sign="):
        [permute(weights, seed=seed) for seed in range(5)]
    made = np.array([permute(weights, seed=seed, sign=[1, -1, -1, 1]) for seed in range(20)])
    assert (made[:, [0, 3]] >= 0).all()
    assert (made[:, [1, 2]] <= 0).all()
    assert made[:, 2].any()
    assert (permute(abs(weights) + np.eye(4), seed=0, sign=[1, 1, -1, 1]).diagonal() == 1).all()
    with pytest.raises(ValueError, match=r"sign contradicts the weights of 1 sources, such as node 0"):
        permute(weights, seed=0, sign=[-1, -1, -1, 1])
    with pytest.raises(ValueError, match=r"sign must be \(4,\), \+1 or -1 for each node; got array\(\[1, 0\]\)"):
        permute(weights, seed=0, sign=[1, 0])
    weights[0, 2] = -2.0
    with pytest.raises(ValueError, match=r"1 of 4 have weights of both signs, such as node 0.*'shuffle_weights'"):
        permute(weights, seed=0)


@pytest.mark.parametrize("null", NULLS)
@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array, sparse.lil_matrix])
def test_sparse_matrices_come_back_as_they_were(null, kind):
    weights, points = structured()
    given = kind(weights)
    made = run(null, given, points, 0)
    assert type(made) is kind
    np.testing.assert_array_equal(given.toarray(), weights)
    np.testing.assert_allclose(made.toarray(), run(null, weights, points, 0), rtol=1e-6)


@pytest.fixture
def large(monkeypatch):
    """Graphs of any size are rewired connection by connection."""
    monkeypatch.setattr(_rewiring, "LARGE", 0)


@pytest.mark.parametrize("null", ["rewire", "strength", "distance", "types", "types_distance"])
@pytest.mark.parametrize("seed", range(3))
def test_connection_by_connection_the_same_is_kept(null, seed, large):
    weights, points = structured()
    bins = {"bins": BINS} if "distance" in null else {}
    made = run(null, sparse.csr_array(weights), points, seed, rounds=100, **bins).toarray()
    there, now = (off_diagonal(w) != 0 for w in (weights, made))
    assert 0.2 < (there & now).sum() / there.sum() < 0.8
    for name in KEEPS[null] - {"lengths", "weights per length", "length effect", "weights per types and length"}:
        np.testing.assert_allclose(
            MEASURES[name](made, points), MEASURES[name](weights, points), rtol=2e-6, err_msg=name
        )
    if "distance" in null:
        length = cdist(points, points)
        bins = np.searchsorted(np.quantile(length[there], np.linspace(0, 1, BINS + 1)[1:-1]), length)
        group = bins + BINS * pairs(60) if "types" in null else bins
        np.testing.assert_allclose(sorted_within(made, group), sorted_within(weights, group))
        assert length[now].max() <= length[there].max() * (1 + 1e-8)


def graphs_like(edges: np.ndarray, extra=lambda g: None) -> list[bytes]:
    """All loop-free directed graphs with the degrees of this one, and with the same `extra`, by trying all."""
    n = len(edges)
    places = np.argwhere(~np.eye(n, dtype=bool))
    found = []
    for chosen in itertools.combinations(range(len(places)), int(edges.sum())):
        graph = np.zeros((n, n), bool)
        graph[tuple(places[list(chosen)].T)] = True
        same = (graph.sum(axis=0) == edges.sum(axis=0)).all() and (graph.sum(axis=1) == edges.sum(axis=1)).all()
        if same and extra(graph) == extra(edges):
            found.append(graph.tobytes())
    return found


@pytest.mark.parametrize(
    ("arrows", "n"),
    [
        ([(0, 1), (1, 2), (2, 0)], 3),
        ([(0, 1), (1, 2), (2, 3), (3, 0)], 4),
        ([(0, 1), (1, 2), (2, 0), (3, 0), (0, 3)], 4),
        ([(0, 1), (1, 2), (2, 3), (3, 0), (0, 2), (1, 3), (2, 0)], 4),
    ],
)
def test_rewiring_reaches_all_graphs_equally(arrows, n):
    """The first needs a triangle to be turned around: no exchange of two connections can do it.

    Of 40 expected draws of each graph, half as many of a single one would already add 10 to chi squared.
    """
    edges = np.zeros((n, n), bool)
    edges[tuple(np.transpose(arrows))] = True
    wanted = graphs_like(edges)
    assert len(wanted) > 1
    got = [rewire(edges, seed=seed, rounds=12).tobytes() for seed in range(40 * len(wanted))]
    assert set(got) == set(wanted)
    assert stats.chisquare([got.count(graph) for graph in wanted]).pvalue > 1e-3


@pytest.mark.parametrize("null", ["rewire", "distance", "types", "types_distance"])
def test_the_same_exchanges_lead_back(null):
    """Hence a round is as likely as its reverse; some of 40 would not lead back were one condition missing."""
    weights, points = drawn(24, 0.3, 0)
    source, target = np.nonzero(off_diagonal(weights))
    types = kinds(24) if "types" in null else None
    edges = _rewiring.Edges(24, source, target, np.ones(len(source)), None)
    lengths = _rewiring.Lengths.of(points, edges, 3) if "distance" in null else None
    moved = 0
    for seed in range(40):
        before = target.copy()
        _rewiring._exchange(source, target, 24, np.random.default_rng(seed), types, lengths)
        after = target.copy()
        moved += (after != before).sum()
        _rewiring._exchange(source, target, 24, np.random.default_rng(seed), types, lengths)
        np.testing.assert_array_equal(target, before)
        target = after
        _rewiring._turn_paths(source, target, 24, np.random.default_rng(seed), types)
        assert len(set(zip(source, target, strict=True))) == len(source), "none is there twice"
    assert moved > 40


TINY = {
    "triangle": ([(0, 1), (1, 2), (2, 0)], 3, None),
    "triangle and more": ([(0, 1), (1, 2), (2, 0), (3, 0), (0, 3)], 4, None),
    "dense": ([(0, 1), (1, 2), (2, 3), (3, 0), (0, 2), (1, 3), (2, 0)], 4, None),
    "two types": ([(0, 1), (1, 2), (2, 0), (0, 3), (1, 4), (3, 1), (4, 2)], 5, [0, 0, 0, 1, 1]),
}


@pytest.mark.battery
@pytest.mark.parametrize("name", TINY)
def test_exchanges_reach_all_graphs_equally(name):
    arrows, n, types = TINY[name]
    source, target = np.array(sorted(arrows)).T
    edges = np.zeros((n, n), bool)
    edges[source, target] = True
    one_hot = np.eye(2, dtype=int)[[0] * n if types is None else types]
    wanted = graphs_like(edges, lambda g: ((g @ one_hot).tolist(), (g.T @ one_hot).tolist()))
    assert len(wanted) > 1

    def draw(seed: int) -> bytes:
        now, graph = target.copy(), np.zeros_like(edges)
        codes = None if types is None else np.array(types)
        _rewiring.exchange_targets(source, now, n, np.random.default_rng(seed), 80, codes)
        graph[source, now] = True
        return graph.tobytes()

    got = [draw(seed) for seed in range(40 * len(wanted))]
    assert set(got) == set(wanted)
    assert stats.chisquare([got.count(graph) for graph in wanted]).pvalue > 1e-3


@pytest.mark.battery
def test_rewiring_at_given_lengths_reaches_all_graphs_equally():
    edges = np.zeros((5, 5), bool)
    edges[(0, 1, 2, 3, 4), (1, 3, 4, 0, 2)] = True
    points = np.array([[0.0], [1.0], [2.1], [3.3], [4.6]])
    inner = np.quantile(cdist(points, points)[~np.eye(5, dtype=bool)], [0.5])
    bins = np.searchsorted(inner, cdist(points, points))
    wanted = graphs_like(edges, lambda g: int(bins[g].sum()))
    assert len(wanted) > 3
    draws = 40 * len(wanted)
    got = [rewire_distance(edges, coordinates=points, bins=2, seed=s, rounds=25).tobytes() for s in range(draws)]
    assert set(got) == set(wanted)
    assert stats.chisquare([got.count(graph) for graph in wanted]).pvalue > 1e-3


@pytest.mark.battery
@pytest.mark.parametrize("types", [pytest.param(None, marks=pytest.mark.slow), [0, 0, 1, 1, 1]])
def test_exchanges_at_given_lengths_reach_all_graphs_equally(types, large):
    edges = np.zeros((5, 5), bool)
    edges[(0, 2, 2, 3, 3, 4, 4), (1, 0, 3, 1, 4, 0, 2)] = True
    points = np.array([[0.0], [1.0], [2.1], [3.3], [4.6]])
    length = cdist(points, points)
    bins = np.searchsorted([np.median(length[edges]), length[edges].max()], length, side="left")
    one_hot = np.eye(2, dtype=int)[types or [0] * 5]
    cell = bins + 3 * (10 * one_hot[:, :1] + one_hot[:, 0])

    def kept(graph: np.ndarray) -> tuple:
        return sorted(cell[graph]), (graph @ one_hot).tolist(), (graph.T @ one_hot).tolist()

    wanted = graphs_like(edges, kept)
    assert len(wanted) > 1
    null, options = (rewire_distance, {}) if types is None else (rewire_types_distance, {"types": types})
    options |= {"coordinates": points, "bins": 2, "rounds": 60}
    given = sparse.csr_array(edges)
    got = [null(given, seed=s, **options).toarray().tobytes() for s in range(20 * len(wanted))]
    assert set(got) == set(wanted)
    assert stats.chisquare([got.count(graph) for graph in wanted]).pvalue > 1e-3


@pytest.mark.battery
@pytest.mark.parametrize("null", ["rewire", "types"])
def test_a_large_graph_is_mixed_to_chance(null):
    """Default rounds keep as much of 60,000 connections as twice as many do; a tenth of the units are hubs."""
    rng = np.random.default_rng(0)
    share = np.where(np.arange(6000) < 600, 10.0, 1.0)
    key = np.unique(rng.choice(6000, (2, 60_000), p=share / share.sum()).T @ [6000, 1])
    weights = sparse.csr_array((rng.random(len(key)), np.divmod(key, 6000)), shape=(6000, 6000))
    points = np.zeros((6000, 1))

    def kept(seed: int, **options) -> float:
        made = run(null, weights, points, seed, **options).tocoo()
        np.testing.assert_array_equal(np.bincount(made.row, minlength=6000), np.diff(weights.indptr))
        np.testing.assert_array_equal(np.bincount(made.col, minlength=6000), np.diff(weights.tocsc().indptr))
        return np.isin(made.row.astype(int) * 6000 + made.col, key).mean()

    default, long = ([kept(seed, **o) for seed in range(3)] for o in ({}, {"rounds": 100}))
    assert stats.ttest_ind(default, long).pvalue > 1e-3
    assert np.mean(default) < 0.1


@pytest.mark.parametrize("null", ["rewire", "strength", "distance", "types", "types_distance"])
@pytest.mark.battery
def test_default_rounds_are_enough(null):
    """The overlap with the original is what it is after four times as many; with types and lengths, nearly so."""
    weights, points = structured()
    rounds = {"distance": 200, "types_distance": 500}.get(null, 50)
    edges = off_diagonal(weights) != 0

    def overlap(graphs):
        return [(edges & (graph != 0)).sum() / edges.sum() for graph in graphs]

    default = overlap(of_structured(null))
    long = overlap([run(null, weights, points, seed, rounds=4 * rounds) for seed in SEEDS])
    assert np.mean(default) < 0.5
    if null == "types_distance":
        assert np.mean(default) - np.mean(long) < 0.1
    else:
        assert stats.ttest_ind(default, long).pvalue > 1e-3


def test_weights_of_the_strength_null_resemble_the_originals():
    """The multiset cannot be exact; its logarithms stay near."""
    weights, points = real("Marmoset")
    made = run("strength", weights, points, 0)
    before, after = (np.log(np.sort(w[w > 0])) for w in (weights, made))
    assert np.corrcoef(before, after)[0, 1] > 0.98


def star() -> np.ndarray:
    """A strong source with one target: rewired, that target is mostly too weak."""
    weights = np.zeros((6, 6))
    weights[0, 1] = 100.0
    weights[(1, 2, 3, 4, 5), (2, 3, 4, 5, 0)] = 1.0
    return weights


def test_strengths_that_cannot_be_kept_are_said(caplog):
    with pytest.raises(ValueError, match="cannot match the in-strengths.*tolerance is 1e-06.*another seed"):
        rewire_strength(star(), seed=2, tolerance=1e-6)
    with caplog.at_level(logging.WARNING):
        made = rewire_strength(star(), seed=2)
    assert "cannot match the in-strengths" in caplog.text
    np.testing.assert_allclose(made.sum(axis=1), star().sum(axis=1))
    np.testing.assert_array_equal((made > 0).sum(axis=0), (star() > 0).sum(axis=0))


@pytest.mark.parametrize("null", NULLS)
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones((2, 3)), r"square matrix \(n, n\), rows = sources; got shape \(2, 3\)"),
        (np.array([[0.0, np.nan], [1.0, 0.0]]), "finite real numbers; got NaN"),
    ],
)
def test_matrices_that_may_not_be_are_refused(null, weights, message):
    with pytest.raises(ValueError, match=message):
        run(null, weights, np.zeros((2, 1)), 0)


@pytest.mark.parametrize(
    ("null", "options", "message"),
    [
        (rewire, {"rounds": 0}, "rounds must be at least 1; got 0"),
        (rewire_strength, {"tolerance": 0.0}, r"tolerance must be > 0 .* got 0.0"),
        (rewire_strength, {"weights": -np.ones((3, 3))}, "needs weights >= 0; got -1.0"),
        (rewire_distance, {"coordinates": np.zeros((2, 3))}, r"must be \(3, d\).*got shape \(2, 3\)"),
        (rewire_distance, {"coordinates": np.full((3, 1), np.nan)}, "coordinates must be finite"),
        (rewire_distance, {"coordinates": np.zeros((3, 1)), "bins": 0}, "bins must be at least 1; got 0"),
        (rewire_distance, {"coordinates": np.zeros((3, 1)), "bins": [2, 1]}, "limits in increasing order; got"),
    ],
)
def test_options_that_may_not_be_are_refused(null, options, message):
    with pytest.raises(ValueError, match=message):
        null(**{"weights": np.ones((3, 3)), "seed": 0, **options})


@pytest.mark.parametrize(
    ("types", "message"),
    [
        (["a", "b"], r"types must be \(3,\), one for each node of weights; got shape \(2,\)"),
        (["a", "b", "c"], "each of the 3 nodes has a different type"),
    ],
)
def test_types_that_may_not_be_are_refused(types, message):
    with pytest.raises(ValueError, match=message):
        rewire_types(np.ones((3, 3)), types=types, seed=0)


def made_up(**changes) -> Connectome:
    weights, points = structured()
    about = {
        "name": "made up",
        "sign": np.where(np.arange(60) % 4, 1, -1),
        "labels": {"type": tuple("abc"[k] for k in kinds(60))},
        "coordinates": points,
        "citation": "nobody",
        "provenance": "a file",
    }
    return Connectome(weights, tuple(f"u{i}" for i in range(60)), **{**about, **changes})


@pytest.mark.parametrize("null", NULLS)
def test_units_of_a_connectome_stay(null):
    before = made_up()
    after = rewired(before, null, seed=3)
    assert after.provenance == f"a file; null model {null!r}, seed 3"
    assert (after.names, after.labels, after.name, after.citation) == (
        before.names,
        before.labels,
        "made up",
        "nobody",
    )
    np.testing.assert_array_equal(after.sign, before.sign)
    np.testing.assert_array_equal(after.coordinates, before.coordinates)
    np.testing.assert_array_equal(np.diagonal(after.weights), np.diagonal(before.weights))
    assert after.digest != before.digest
    assert after.digest == before.rewired(null, seed=3).digest
    for name in {"in-degree", "out-degree", *TYPES} & KEEPS[null]:
        measure = MEASURES[name]
        np.testing.assert_array_equal(measure(after.weights, None), measure(before.weights, None), err_msg=name)
    bins = {"bins": BINS} if "distance" in null else {}
    np.testing.assert_array_equal(after.weights, run(null, before.weights, before.coordinates, 3, **bins))


@pytest.mark.parametrize("null", sorted(set(NULLS) - {"permute"}))
def test_signs_of_connections_stay_with_their_source(null):
    plain = made_up(sign=None)
    own = np.where(np.random.default_rng(1).random(plain.n_connections) < 0.3, -1, 1)
    before = made_up(sign=None, edge_sign=own)
    after = rewired(before, null, seed=0)
    for sign in (1, -1):
        counts = [np.bincount(c.source[c.edge_sign == sign], minlength=60) for c in (before, after)]
        np.testing.assert_array_equal(*counts)
    with pytest.raises(ValueError, match="60 of 60 have weights of both signs"):
        rewired(before, "permute", seed=0)


@pytest.mark.parametrize(
    ("null", "options", "message"),
    [
        ("shuffle", {}, "null must be one of 'permute', 'shuffle_weights', .* got 'shuffle'"),
        ("types", {"label": "kind"}, "there is no label 'kind'; labels of this connectome: 'type'. Pass one as label="),
        ("rewire", {"label": "type"}, "label= applies only to the null models .*got it with 'rewire'"),
        ("rewire", {"bins": 3}, "'rewire' has no option 'bins'; it has 'rounds'"),
        ("distance", {"bins": 0}, "bins must be at least 1; got 0"),
    ],
)
def test_null_models_that_a_connectome_cannot_have_are_refused(null, options, message):
    with pytest.raises(ValueError, match=message):
        rewired(made_up(), null, seed=0, **options)


def test_a_connectome_without_coordinates_has_no_null_model_of_lengths():
    with pytest.raises(ValueError, match="'distance' needs coordinates, and this connectome has none"):
        rewired(made_up(coordinates=None), "distance", seed=0)


OF_0_1_0 = {
    "permute": [[0, 4, 10, 15, 0], [17, 6, 20, 13, 0], [0, 8, 0, 1, 0], [0, 22, 7, 18, 0], [21, 3, 11, 14, 24]],
    "shuffle_weights": [[0, 7, 0, 21, 14], [0, 6, 11, 13, 0], [1, 8, 0, 3, 22], [17, 0, 4, 18, 0], [10, 15, 20, 0, 24]],
    "rewire": [[0, 3, 4, 1, 0], [8, 6, 0, 0, 7], [10, 11, 0, 13, 14], [0, 17, 15, 18, 0], [22, 0, 20, 21, 24]],
    "distance": [[0, 17, 7, 20, 0], [0, 6, 0, 21, 8], [13, 1, 0, 10, 15], [3, 0, 11, 18, 0], [4, 22, 14, 0, 24]],
}


@pytest.mark.parametrize("null", OF_0_1_0)
def test_networks_of_0_1_0_come_out_again(null):
    """Sweeps that were made with it can be repeated."""
    number = np.arange(25)
    weights = (number * (number**2 % 7 < 3)).reshape(5, 5)
    options = {"bins": 2} if null == "distance" else {}
    assert run(null, weights, np.arange(5.0)[:, None] ** 2, 7, **options).tolist() == OF_0_1_0[null]


def test_the_simple_ones_do_what_they_say():
    """Every entry of a permuted matrix, and every weight of a shuffled one, is equally likely at each place."""
    weights = np.array([[9.0, 1.0, 2.0], [3.0, 9.0, 0.0], [0.0, 4.0, 9.0]])
    for null, values in ((permute, 6), (shuffle_weights, 4)):
        first = np.array([null(weights, seed=seed)[0, 1] for seed in range(1200)])
        zeros = 1 if null is shuffle_weights else 2
        counts = np.unique(first, return_counts=True)[1]
        wanted = 1200 / values * np.array([1, 1, 1, 1] if zeros == 1 else [2, 1, 1, 1, 1])
        assert stats.chisquare(counts, wanted).pvalue > 1e-3
