"""One battery for all null models: a new one gets a row in `KEEPS`, and what is not in its row must be gone."""

import itertools
import logging
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from eicon.connectomes._nulls import NULLS, permute, rewire, rewire_distance, rewire_strength, shuffle_weights

DATA = Path(__file__).parents[2].parent / "shared" / "connectomes" / "bio2art"
BINS = 10
SEEDS = range(10)

TOPOLOGY = {"topology", "in-degree", "out-degree", "reciprocity", "blocks", "lengths"}
KEEPS = {
    "permute": {"diagonal", "weights"},
    "shuffle_weights": {"diagonal", "weights", *TOPOLOGY},
    "rewire": {"diagonal", "weights", "in-degree", "out-degree", "out-strength"},
    "strength": {"diagonal", "in-degree", "out-degree", "in-strength", "out-strength"},
    "distance": {"diagonal", "weights", "in-degree", "out-degree", "lengths", "weights per length", "length effect"},
}

# Kept as a trend, not to the last digit.
TREND = {"length effect"}


def off_diagonal(weights: np.ndarray) -> np.ndarray:
    return np.where(np.eye(len(weights), dtype=bool), 0.0, weights)


def binned(points: np.ndarray) -> np.ndarray:
    distance = cdist(points, points)
    inner = np.quantile(distance[~np.eye(len(points), dtype=bool)], np.linspace(0, 1, BINS + 1)[1:-1])
    return np.searchsorted(inner, distance)


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


def run(null: str, weights: np.ndarray, points: np.ndarray, seed: int | np.random.Generator) -> np.ndarray:
    extra = {"coordinates": points} if null == "distance" else {}
    return NULLS[null](weights, seed=seed, **extra)


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


@pytest.mark.parametrize("null", ["permute", "shuffle_weights", "rewire", "distance"])
def test_signed_and_integer_weights_are_carried_as_they_are(null):
    weights, points = structured()
    counts = (np.round(weights * 100) * np.where(np.arange(60) % 5, 1, -1)[:, None]).astype(np.int32)
    made = run(null, counts, points, 0)
    assert made.dtype == np.int32
    np.testing.assert_array_equal(np.sort(made.ravel()), np.sort(counts.ravel()))


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


@pytest.mark.parametrize("null", ["rewire", "strength", "distance"])
@pytest.mark.battery
def test_default_rounds_are_enough(null):
    """The overlap with the original is what it is after four times as many."""
    weights, points = structured()
    extra = {"coordinates": points} if null == "distance" else {}
    rounds = 200 if null == "distance" else 50
    edges = off_diagonal(weights) != 0

    def overlap(graphs):
        return [(edges & (graph != 0)).sum() / edges.sum() for graph in graphs]

    default = overlap(of_structured(null))
    long = overlap([NULLS[null](weights, seed=seed, rounds=4 * rounds, **extra) for seed in SEEDS])
    assert stats.ttest_ind(default, long).pvalue > 1e-3
    assert np.mean(default) < 0.5


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
    with pytest.raises(ValueError, match="cannot carry the in-strengths.*tolerance is 1e-06.*another seed"):
        rewire_strength(star(), seed=2, tolerance=1e-6)
    with caplog.at_level(logging.WARNING):
        made = rewire_strength(star(), seed=2)
    assert "cannot carry the in-strengths" in caplog.text
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
    ],
)
def test_options_that_may_not_be_are_refused(null, options, message):
    with pytest.raises(ValueError, match=message):
        null(**{"weights": np.ones((3, 3)), "seed": 0, **options})


def test_the_simple_ones_do_what_they_say():
    """Every entry of a permuted matrix, and every weight of a shuffled one, is equally likely at each place."""
    weights = np.array([[9.0, 1.0, 2.0], [3.0, 9.0, 0.0], [0.0, 4.0, 9.0]])
    for null, values in ((permute, 6), (shuffle_weights, 4)):
        first = np.array([null(weights, seed=seed)[0, 1] for seed in range(1200)])
        zeros = 1 if null is shuffle_weights else 2
        counts = np.unique(first, return_counts=True)[1]
        wanted = 1200 / values * np.array([1, 1, 1, 1] if zeros == 1 else [2, 1, 1, 1, 1])
        assert stats.chisquare(counts, wanted).pvalue > 1e-3
