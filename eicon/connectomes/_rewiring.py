"""Markov chains that draw a graph with the same degrees, and optionally the same types and lengths of connections."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int, Int8, Shaped
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from .._numbers import whole

LARGE = 5000
"""Largest number of nodes for which rows trade targets, at any density. In larger graphs pairs of connections exchange
targets, at a cost per connection instead of per pair of nodes."""


class Edges(NamedTuple):
    """Connections, row by row; null models are drawn from those between different nodes."""

    n: int
    source: Int[np.ndarray, "m"]
    target: Int[np.ndarray, "m"]
    weight: Shaped[np.ndarray, "m"]
    """Absolute values."""
    sign: Int8[np.ndarray, "m"] | None
    """Sign of each connection; None if no weight is negative, or all signs are those of units."""

    def signs(self, index: np.ndarray) -> Int8[np.ndarray, "k"] | None:
        return None if self.sign is None else self.sign[index]

    def at(self, index: np.ndarray) -> "Edges":
        kept = (self.source[index], self.target[index], self.weight[index], self.signs(index))
        return Edges(self.n, *kept)


class Lengths(NamedTuple):
    """Positions, limits of the bins of length, and, in small graphs, the bins of all pairs."""

    points: Float64[np.ndarray, "n d"]
    limits: Float64[np.ndarray, "b"]
    table: Int[np.ndarray, "n n"] | None

    @classmethod
    def of(
        cls, coordinates: ArrayLike, edges: Edges, bins: int | float | ArrayLike, *, of_all: bool = False
    ) -> "Lengths":
        """Make bins from their limits, or from a number of quantiles of connection lengths or of all distances."""
        n, points = edges.n, np.asarray(coordinates, np.float64)
        if points.ndim != 2 or len(points) != n:
            raise ValueError(
                f"coordinates must be ({n}, d), one row for each node of weights; got shape {points.shape}."
            )
        if not np.isfinite(points).all():
            raise ValueError("coordinates must be finite; got NaN or infinity. Omit nodes of unknown position.")
        distance = cdist(points, points) if n <= LARGE else None
        if np.ndim(bins):
            limits = np.asarray(bins, np.float64)
            if limits.ndim != 1 or not (np.diff(limits) >= 0).all():
                raise ValueError(
                    f"bins must be a number of bins, or their limits in increasing order; got {bins!r:.80}."
                )
        else:
            count = whole(bins, "bins")
            if count < 1:
                raise ValueError(f"bins must be at least 1; got {count}.")
            steps = np.linspace(0, 1, count + 1)[1:]
            if of_all and distance is not None:
                between = distance[~np.eye(n, dtype=bool)]
                limits = np.quantile(between, steps[:-1]) if n > 1 else np.empty(0)
            else:
                length = _distance(points, edges.source, edges.target)
                # The last limit is the longest. Equal lengths of a lattice differ by rounding, and share a bin.
                limits = np.quantile(length, steps) * (1 + 1e-9) if length.size else np.empty(0)
        return cls(points, limits, None if distance is None else np.searchsorted(limits, distance))

    def bin(self, source: Int[np.ndarray, "m"], target: Int[np.ndarray, "m"]) -> Int[np.ndarray, "m"]:
        if self.table is not None:
            return self.table[source, target]
        return np.searchsorted(self.limits, _distance(self.points, source, target))

    def neighbourhood(self, rng: np.random.Generator) -> Int[np.ndarray, "n"]:
        """Return the cell of each node in a grid of random size and position."""
        size = rng.choice([*self.limits[self.limits > 0], np.inf]) * rng.choice([1, 2, 4])
        cell = np.floor(self.points / size + rng.random(self.points.shape[1])).astype(np.int64)
        cell -= cell.min(axis=0)
        return np.ravel_multi_index(tuple(cell.T), tuple(cell.max(axis=0) + 1))


def rewired_targets(
    edges: Edges,
    rng: np.random.Generator,
    rounds: int | float,
    types: Int[np.ndarray, "n"] | None = None,
    lengths: Lengths | None = None,
) -> Int[np.ndarray, "m"]:
    """Draw new targets; nodes keep their degrees, also by type, and bins their numbers of connections."""
    rounds = whole(rounds, "rounds")
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1; got {rounds}.")
    n, source, target = edges.n, edges.source, edges.target.copy()
    if n <= LARGE:
        graph = np.zeros((n, n), bool)
        graph[source, target] = True
        for _ in range(rounds):
            _trade(graph, rng, types, lengths)
            _trade(graph.T, rng, types, lengths)
            _turn_triangles(graph, rng, types)
        return np.nonzero(graph)[1]
    exchange_targets(source, target, n, rng, rounds, types, lengths)
    return target


def exchange_targets(
    source: Int[np.ndarray, "m"],
    target: Int[np.ndarray, "m"],
    n: int,
    rng: np.random.Generator,
    rounds: int,
    types: Int[np.ndarray, "n"] | None = None,
    lengths: Lengths | None = None,
) -> None:
    """Run the chain for large sparse graphs, in place; see the notes of `rewire`."""
    for i in range(rounds):
        _exchange(source, target, n, rng, types, lengths)
        if i % 5 == 0:
            _turn_paths(source, target, n, rng, types)


def _distance(
    points: Float64[np.ndarray, "n d"], source: Int[np.ndarray, "m"], target: Int[np.ndarray, "m"]
) -> Float64[np.ndarray, "m"]:
    return np.linalg.norm(points[source] - points[target], axis=1)


def _trade(
    graph: Bool[np.ndarray, "n n"],
    rng: np.random.Generator,
    types: Int[np.ndarray, "n"] | None,
    lengths: Lengths | None,
) -> None:
    """Pair the rows; each pair redistributes, in place, the entries that only one of them has.

    Entries move only within a class (same type, same lengths to both rows). The two nodes' own columns are
    excluded, because a trade there would make self-connections.
    """
    n = len(graph)
    i, j = _tuples(2, n, types, rng)
    first, second = graph[i], graph[j]
    free = first != second
    pairs = np.arange(len(i))
    free[pairs, i] = free[pairs, j] = False
    flat = np.flatnonzero(free)
    pair, column = np.divmod(flat, n)
    has = first.reshape(-1)[flat]
    if types is None and lengths is None:
        has = has[shuffled_within(pair, rng)]
    else:
        group = pair
        if types is not None:
            group = group * n + types[column]
        if lengths is not None:
            for row in (i, j):
                group = group * (len(lengths.limits) + 1) + lengths.bin(row[pair], column)
        by_group = has[np.argsort(group, kind="stable")]
        has[shuffled_within(group, rng)] = by_group
    first.reshape(-1)[flat] = has
    second.reshape(-1)[flat] = ~has
    graph[i], graph[j] = first, second


def _turn_triangles(
    graph: Bool[np.ndarray, "n n"], rng: np.random.Generator, types: Int[np.ndarray, "n"] | None
) -> None:
    """Reverse, in place and with probability 1/2, those of n // 3 disjoint triples that are pure directed triangles."""
    i, j, k = _tuples(3, len(graph), types, rng)
    around = graph[i, j].astype(int) + graph[j, k] + graph[k, i]
    back = graph[j, i].astype(int) + graph[k, j] + graph[i, k]
    turn = (np.abs(around - back) == 3) & (rng.random(len(i)) < 0.5)
    for a, b in ((i, j), (j, k), (k, i), (j, i), (k, j), (i, k)):
        graph[a, b] ^= turn


def _exchange(
    source: Int[np.ndarray, "m"],
    target: Int[np.ndarray, "m"],
    n: int,
    rng: np.random.Generator,
    types: Int[np.ndarray, "n"] | None,
    lengths: Lengths | None,
) -> None:
    """Pair the connections; pairs exchange their targets, in place, unless this duplicates one (see `rewire`).

    Pairs are drawn within classes that an exchange does not change: types of source and target, cells of sources.
    At least a fifth of the connections is left out, and more in dense graphs, where proposals would collide.
    """
    m, group = len(source), None
    if types is not None:
        group = types[source] * (types.max() + 1) + types[target]
    if lengths is not None:
        near = lengths.neighbourhood(rng)[source]
        group = near if group is None else group * (near.max(initial=0) + 1) + near
    i, j = _tuples(2, m, group, rng)
    share = min(0.8, n * n / (5 * max(m, 1)))
    a, b, c, d = source[i], target[i], source[j], target[j]
    proposed = (rng.random(len(i)) < share) & (a != c) & (b != d) & (a != d) & (b != c)
    i, j, a, b, c, d = (x[proposed] for x in (i, j, a, b, c, d))
    if lengths is not None:
        before, after = (
            np.sort([lengths.bin(*x), lengths.bin(*y)], axis=0) for x, y in (((a, b), (c, d)), ((a, d), (c, b)))
        )
        same = (before == after).all(axis=0)
        i, j, a, b, c, d = (x[same] for x in (i, j, a, b, c, d))
    keys = np.concatenate([source * n + target, a * n + d, c * n + b])
    order = np.argsort(keys)
    equal = np.flatnonzero(np.diff(keys[order]) == 0)
    once = np.ones(len(keys), bool)
    once[order[equal]] = once[order[equal + 1]] = False
    free = once[i] & once[j] & once[m : m + len(i)] & once[m + len(i) :]
    target[i[free]], target[j[free]] = d[free], b[free]


def _turn_paths(
    source: Int[np.ndarray, "m"],
    target: Int[np.ndarray, "m"],
    n: int,
    rng: np.random.Generator,
    types: Int[np.ndarray, "n"] | None,
) -> None:
    """Reverse, in place and with probability 1/2, pure directed triangles on random paths of two connections.

    The path i -> j -> k is as likely as k -> j -> i after the reversal: both are one of m connections,
    followed by one of the connections from j. This remains true for many paths at once if they do not interact.
    """
    m = len(source)
    if not m:
        return
    first = np.searchsorted(source, np.arange(n + 1))
    one = rng.integers(m, size=max(1, m // 10))
    one = one[first[target[one]] < first[target[one] + 1]]
    i, j = source[one], target[one]
    two = rng.integers(first[j], first[j + 1])
    k = target[two]
    sides = np.stack([np.minimum(p, q) * n + np.maximum(p, q) for p, q in ((i, j), (j, k), (k, i))])
    _, side, count = np.unique(sides, return_inverse=True, return_counts=True)
    turn = (count[side.reshape(sides.shape)] == 1).all(axis=0) & (rng.random(len(i)) < 0.5)
    if types is not None:
        turn &= (types[i] == types[j]) & (types[j] == types[k])
    one, two, i, j, k = (x[turn] for x in (one, two, i, j, k))
    keys = source * n + target
    order = np.argsort(keys)

    def place(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        at = np.minimum(np.searchsorted(keys, source * n + target, sorter=order), m - 1)
        return order[at], keys[order[at]] == source * n + target

    three, closed = place(k, i)
    pure = closed & ~place(j, i)[1] & ~place(k, j)[1] & ~place(i, k)[1]
    target[one[pure]], target[two[pure]], target[three[pure]] = k[pure], i[pure], j[pure]


def _tuples(
    size: int, count: int, group: Int[np.ndarray, "m"] | None, rng: np.random.Generator
) -> Int[np.ndarray, "size tuples"]:
    """Draw disjoint random tuples of 0..count - 1, each within one group."""
    if group is None:
        return rng.permutation(count)[: count // size * size].reshape(size, -1)
    order = shuffled_within(group, rng)[rng.integers(size) :]
    tuples = order[: len(order) // size * size].reshape(-1, size).T
    return tuples[:, group[tuples[0]] == group[tuples[-1]]]


def shuffled_within(group: Int[np.ndarray, "m"], rng: np.random.Generator) -> Int[np.ndarray, "m"]:
    """Return indices sorted by group, in random order within each."""
    return np.argsort(group + 0.5 * rng.random(len(group)))
