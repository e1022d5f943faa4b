"""Null models: what a wiring diagram would look like if only some of its properties mattered.

============================  =========  =================  ========  ============  ============
kept exactly                  permute    shuffle_weights    rewire    strength      distance
============================  =========  =================  ========  ============  ============
diagonal                      yes        yes                yes       yes           yes
multiset of weights           yes        yes                yes       roughly       yes
topology                      no         yes                no        no            no
in- and out-degree            no         yes                yes       yes           yes
out-strength                  no         no                 yes       yes           no
in-strength                   no         no                 no        to 1e-6 (*)   no
number of edges per length    no         yes                no        no            yes
weights per length            no         no                 no        no            yes
reciprocity, blocks           no         yes                no        no            no
============================  =========  =================  ========  ============  ============

(*) where the new graph can carry them; see `rewire_strength`.
"""

import logging
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Shaped
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from .._key import as_generator
from .._numbers import whole

ROUNDS = 50
LENGTH_ROUNDS = 200
"""Rounds after which the overlap with the original no longer falls, on densities of 3 to 64 %: about 10 without
classes of length, about 100 with ten of them."""

BATCHES = 20
MAX_ITERATIONS = 20_000
STRENGTH_ERROR = 1e-6

logger = logging.getLogger(__name__)


def permute(weights: ArrayLike, *, seed: int | float | np.random.Generator) -> Shaped[np.ndarray, "n n"]:
    """Permute all off-diagonal entries, zeros included (``random_w`` of bio_rnn_mem).

    Parameters
    ----------
    weights : (n, n) array
        ``weights[source, target]``.
    seed : int or numpy.random.Generator

    Returns
    -------
    (n, n) array
        Degrees, blocks and reciprocity are lost; the multiset of weights and the diagonal stay.

    Raises
    ------
    ValueError
        If `weights` is not square or not finite.

    Examples
    --------
    >>> permute([[5, 1], [2, 6]], seed=3).tolist()
    [[5, 2], [1, 6]]
    """
    given, rng = _as_square(weights), as_generator(seed, "seed")
    out = given.copy()
    off = ~np.eye(len(given), dtype=bool)
    out[off] = rng.permutation(given[off])
    return out


def shuffle_weights(weights: ArrayLike, *, seed: int | float | np.random.Generator) -> Shaped[np.ndarray, "n n"]:
    """Permute the weights of the connections that exist; who connects to whom stays (also the diagonal).

    Parameters
    ----------
    weights : (n, n) array
        ``weights[source, target]``.
    seed : int or numpy.random.Generator

    Returns
    -------
    (n, n) array
        Strengths are lost; topology, and with it every property of the binary graph, stays.

    Raises
    ------
    ValueError
        If `weights` is not square or not finite.

    Examples
    --------
    >>> shuffle_weights([[0, 1, 2], [3, 0, 0], [0, 0, 0]], seed=0).astype(bool).tolist()
    [[False, True, True], [True, False, False], [False, False, False]]
    """
    given, rng = _as_square(weights), as_generator(seed, "seed")
    out, there = given.copy(), _edges(given)
    out[there] = rng.permutation(given[there])
    return out


def rewire(
    weights: ArrayLike, *, seed: int | float | np.random.Generator, rounds: int | float = ROUNDS
) -> Shaped[np.ndarray, "n n"]:
    """Draw a graph with the same in- and out-degree of every node; weights stay with their source.

    All directed graphs with these degrees are equally likely. Self-connections are neither made nor removed.
    Every source's weights go to its new targets in random order: out-strengths stay, in-strengths are lost.

    Parameters
    ----------
    weights : (n, n) array
        ``weights[source, target]``.
    seed : int or numpy.random.Generator
    rounds : int
        Rounds of the Markov chain, in each of which nearly every row and column takes part; >= 1.

    Returns
    -------
    (n, n) array

    Raises
    ------
    ValueError
        If `weights` is not square or not finite, or `rounds` < 1.

    Notes
    -----
    In one round, rows are paired at random, and each pair trades the targets that only one of the two has
    (curveball: Strona et al. 2014, Nat Commun 5:4114; Carstens, Berger & Strona 2018, arXiv:1609.05137);
    then the same with columns. Connections and gaps are treated alike, and a graph of any density is mixed after
    about ten rounds. Trades cannot turn a directed triangle around, and without that some graphs are out of
    reach (Berger & Mueller-Hannemann 2010, Lect Notes Comput Sci 6410): every round also does so to some,
    with probability 1/2. All moves are as likely as their reverses, hence the uniform law.

    ``networkx.directed_edge_swap`` is not used: it changes three edges per try in plain Python, and carries no
    weights.

    Examples
    --------
    >>> ring = np.roll(np.eye(6), 1, axis=1)
    >>> drawn = rewire(ring, seed=0)
    >>> drawn.sum(axis=0).tolist(), drawn.sum(axis=1).tolist(), float(np.trace(drawn))
    ([1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0], 0.0)
    """
    given, rng = _as_square(weights), as_generator(seed, "seed")
    old = _edges(given)
    new = _rewired(old, rng, rounds)
    out = np.zeros_like(given)
    np.fill_diagonal(out, np.diagonal(given))
    source = np.nonzero(old)[0]
    out[new] = given[old][_shuffled_within(source, rng)]
    return out


def rewire_strength(
    weights: ArrayLike,
    *,
    seed: int | float | np.random.Generator,
    rounds: int | float = ROUNDS,
    tolerance: float | None = None,
) -> Float[np.ndarray, "n n"]:
    """Draw a graph with the same in- and out-degree, and the same in- and out-strength, of every node.

    Degrees and out-strengths are exact. In-strengths are exact to 1e-6 if the new graph can carry them, which
    most dense and few sparse graphs can (a strong source with only one, weak target makes it impossible), and
    else as near as scaling gets. The weights themselves cannot stay at the same time: they start as a
    rank-matched permutation of the originals and are then scaled by a factor for each row and each column.
    Topology, blocks and reciprocity are lost beyond what degrees and strengths imply.

    Parameters
    ----------
    weights : (n, n) array
        ``weights[source, target]``, >= 0.
    seed : int or numpy.random.Generator
    rounds : int
        As in `rewire`.
    tolerance : float, optional
        Refuse a result in which the relative error of an in-strength is larger than this, > 0. None: log a
        warning with the error instead.

    Returns
    -------
    (n, n) array
        float64, or float32 (and exact to its rounding) if `weights` is.

    Raises
    ------
    ValueError
        If `weights` is not square, not finite or negative, `rounds` < 1, or an in-strength is
        off by more than `tolerance`.

    Notes
    -----
    Rank matching follows Rubinov & Sporns (2011), NeuroImage 56:2068, doi:10.1016/j.neuroimage.2011.03.069:
    edges are ranked by the product of the strength that their ends still lack, get the weights of these
    ranks in random batches, and are re-ranked. Iterative proportional fitting (Sinkhorn) then makes strengths exact.

    Examples
    --------
    >>> w = np.random.default_rng(0).random((8, 8))
    >>> drawn = rewire_strength(w, seed=0)
    >>> bool(np.allclose(drawn.sum(axis=0), w.sum(axis=0))), bool(np.allclose(drawn, w))
    (True, False)
    """
    given, rng = _as_square(weights), as_generator(seed, "seed")
    if (given < 0).any():
        raise ValueError(f"the strength null needs weights >= 0; got {given.min()}. Apply signs after it, not before.")
    if tolerance is not None and not tolerance > 0:
        raise ValueError(f"tolerance must be > 0 (relative error of strengths); got {tolerance}.")
    old = _edges(given)
    exact = np.where(old, given, 0.0).astype(np.float64)
    new = _rewired(old, rng, rounds)
    matched = _rank_matched(exact, new, rng)
    out, error = _fit_margins(matched, exact.sum(axis=1), exact.sum(axis=0))
    if error > (STRENGTH_ERROR if tolerance is None else tolerance):
        message = (
            f"the rewired graph cannot carry the in-strengths: one is off by {error:.2g} (relative). "
            "A strong node with few, weak partners does this, mostly in sparse graphs"
        )
        if tolerance is not None:
            raise ValueError(
                f"{message}; tolerance is {tolerance:g}. Try another seed, a larger tolerance, or 'rewire'."
            )
        logger.warning("%s. Out-strengths and degrees are exact.", message)
    np.fill_diagonal(out, np.diagonal(given))
    return out.astype(given.dtype if given.dtype.kind == "f" else np.float64)


def rewire_distance(
    weights: ArrayLike,
    *,
    coordinates: ArrayLike,
    seed: int | float | np.random.Generator,
    bins: int | float = 10,
    rounds: int | float = LENGTH_ROUNDS,
) -> Shaped[np.ndarray, "n n"]:
    """Draw a graph with the same degrees, the same wiring lengths and the same weights at each length.

    Exact: the in- and out-degree of every node, the number of edges in every bin of length, and the multiset
    of weights in every bin. Strengths are lost, and so is what topology is beyond distance and degree.

    Parameters
    ----------
    weights : (n, n) array
        ``weights[source, target]``.
    coordinates : (n, d) array
        Positions, in any unit; lengths are Euclidean.
    seed : int or numpy.random.Generator
    bins : int
        Bins of length, at quantiles of the distances between all nodes; >= 1. More bins keep lengths
        more closely, and leave fewer graphs to choose from.
    rounds : int
        As in `rewire`.

    Returns
    -------
    (n, n) array

    Raises
    ------
    ValueError
        If a shape does not match, a value is not finite, or `bins` or `rounds` < 1.

    Notes
    -----
    The idea is that of Betzel & Bassett (2018), PNAS 115:E4880, doi:10.1073/pnas.1720186115. The chain is that
    of `rewire`, where only targets in the same bin for both sources are traded (and likewise for columns).
    All moves are as likely as their reverses; that they reach every graph with these lengths is not proved.

    Examples
    --------
    >>> w = np.triu(np.ones((5, 5)), 1)
    >>> rewire_distance(w, coordinates=[[0], [1], [2], [3], [4]], seed=0, bins=2).sum(axis=1).tolist()
    [4.0, 3.0, 2.0, 1.0, 0.0]
    """
    given, rng = _as_square(weights), as_generator(seed, "seed")
    length = _length_bins(coordinates, len(given), bins)
    old = _edges(given)
    new = _rewired(old, rng, rounds, length)
    out = np.zeros_like(given)
    np.fill_diagonal(out, np.diagonal(given))
    before = np.argsort(length[old], kind="stable")
    values = given[old][before]
    placed = np.empty_like(values)
    placed[_shuffled_within(length[new], rng)] = values
    out[new] = placed
    return out


NULLS: dict[str, Callable[..., np.ndarray]] = {
    "permute": permute,
    "shuffle_weights": shuffle_weights,
    "rewire": rewire,
    "strength": rewire_strength,
    "distance": rewire_distance,
}
"""Null models by name; all are called as ``f(weights, *, seed, ...)``, and "distance" needs ``coordinates``."""


def _edges(weights: np.ndarray) -> Bool[np.ndarray, "n n"]:
    """Connections between different nodes."""
    there = weights != 0
    np.fill_diagonal(there, False)
    return there


def _rewired(
    edges: Bool[np.ndarray, "n n"],
    rng: np.random.Generator,
    rounds: int | float,
    length: Int[np.ndarray, "n n"] | None = None,
) -> Bool[np.ndarray, "n n"]:
    rounds = whole(rounds, "rounds")
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1; got {rounds}.")
    graph = edges.copy()
    for _ in range(rounds):
        _trade(graph, rng, length)
        _trade(graph.T, rng, length)
        _turn_triangles(graph, rng)
    return graph


def _trade(graph: Bool[np.ndarray, "n n"], rng: np.random.Generator, length: Int[np.ndarray, "n n"] | None) -> None:
    """Pair the rows; each pair redistributes, in place, the entries that only one of them has.

    Entries move only within a class (same lengths to both rows), and the two nodes' own columns are left out,
    where a trade would make self-connections.
    """
    n = len(graph)
    i, j = rng.permutation(n)[: n // 2 * 2].reshape(2, -1)
    first, second = graph[i], graph[j]
    free = first != second
    pairs = np.arange(len(i))
    free[pairs, i] = free[pairs, j] = False
    flat = np.flatnonzero(free)
    pair, column = np.divmod(flat, n)
    has = first.reshape(-1)[flat]
    if length is None:
        has = has[_shuffled_within(pair, rng)]
    else:
        n_bins = int(length.max()) + 1
        group = (pair * n_bins + length[i[pair], column]) * n_bins + length[j[pair], column]
        by_group = has[np.argsort(group, kind="stable")]
        has[_shuffled_within(group, rng)] = by_group
    first.reshape(-1)[flat] = has
    second.reshape(-1)[flat] = ~has
    graph[i], graph[j] = first, second


def _turn_triangles(graph: Bool[np.ndarray, "n n"], rng: np.random.Generator) -> None:
    """Reverse, in place and with probability 1/2, those of n // 3 disjoint triples that are pure directed triangles."""
    n = len(graph)
    i, j, k = rng.permutation(n)[: n // 3 * 3].reshape(3, -1)
    around = graph[i, j].astype(int) + graph[j, k] + graph[k, i]
    back = graph[j, i].astype(int) + graph[k, j] + graph[i, k]
    turn = (np.abs(around - back) == 3) & (rng.random(len(i)) < 0.5)
    for a, b in ((i, j), (j, k), (k, i), (j, i), (k, j), (i, k)):
        graph[a, b] ^= turn


def _shuffled_within(group: Int[np.ndarray, "m"], rng: np.random.Generator) -> Int[np.ndarray, "m"]:
    """Indices sorted by group, and in random order within each."""
    return np.argsort(group + 0.5 * rng.random(len(group)))


def _rank_matched(
    weights: Float64[np.ndarray, "n n"], edges: Bool[np.ndarray, "n n"], rng: np.random.Generator
) -> Float64[np.ndarray, "n n"]:
    """The weights, put on other edges so that strong nodes get strong ones."""
    lacking_out, lacking_in = weights.sum(axis=1), weights.sum(axis=0)
    values = np.sort(weights[weights != 0])
    source, target = np.nonzero(edges)
    out = np.zeros_like(weights)
    batch = -(-len(values) // BATCHES)
    while len(values):
        order = np.argsort(np.maximum(lacking_out[source], 0) * np.maximum(lacking_in[target], 0))
        source, target = source[order], target[order]
        now = np.zeros(len(values), bool)
        now[rng.permutation(len(values))[:batch]] = True
        out[source[now], target[now]] = values[now]
        np.subtract.at(lacking_out, source[now], values[now])
        np.subtract.at(lacking_in, target[now], values[now])
        source, target, values = source[~now], target[~now], values[~now]
    return out


def _fit_margins(
    weights: Float64[np.ndarray, "n n"], out_strength: Float64[np.ndarray, "n"], in_strength: Float64[np.ndarray, "n"]
) -> tuple[Float64[np.ndarray, "n n"], float]:
    """Scale rows and columns to the sums asked for; the matrix, and the largest relative error of a column."""
    sends, receives = out_strength > 0, in_strength > 0
    core = weights[np.ix_(sends, receives)]
    rows, columns = out_strength[sends], in_strength[receives]
    factor, scale, error, before = np.ones(len(rows)), np.ones(len(columns)), 0.0, np.inf
    for i in range(MAX_ITERATIONS):
        factor = rows / (core @ scale)
        ratio = scale * (factor @ core) / columns
        error = float(np.abs(ratio - 1).max(initial=0.0))
        if error < STRENGTH_ERROR / 10:
            break
        if i % 100 == 99:
            if error > 0.99 * before:
                break
            before = error
        # Without a solution the factors diverge: they need a limit.
        scale = np.clip(scale / ratio, 1e-60, 1e60)
    fitted = factor[:, None] * core * scale
    if error > STRENGTH_ERROR:
        fitted[core > 0] = np.maximum(fitted[core > 0], core[core > 0].min())
        fitted *= (rows / fitted.sum(axis=1))[:, None]
        error = float(np.abs(fitted.sum(axis=0) / columns - 1).max())
    out = np.zeros_like(weights)
    out[np.ix_(sends, receives)] = fitted
    return out, error


def _length_bins(coordinates: ArrayLike, n: int, bins: int | float) -> Int[np.ndarray, "n n"]:
    points = np.asarray(coordinates, np.float64)
    if points.ndim != 2 or len(points) != n:
        raise ValueError(f"coordinates must be ({n}, d), one row for each node of weights; got shape {points.shape}.")
    if not np.isfinite(points).all():
        raise ValueError("coordinates must be finite; got NaN or infinity. Leave nodes of unknown position out.")
    bins = whole(bins, "bins")
    if bins < 1:
        raise ValueError(f"bins must be at least 1; got {bins}.")
    distance = cdist(points, points)
    limits = np.quantile(distance[~np.eye(n, dtype=bool)], np.linspace(0, 1, bins + 1)[1:-1]) if n > 1 else np.empty(0)
    return np.searchsorted(limits, distance)


def _as_square(weights: ArrayLike) -> Shaped[np.ndarray, "n n"]:
    given = np.asarray(weights)
    if given.ndim != 2 or given.shape[0] != given.shape[1]:
        raise ValueError(f"weights must be a square matrix (n, n), rows = sources; got shape {given.shape}.")
    if given.dtype.kind not in "biuf" or not np.isfinite(given).all():
        raise ValueError("weights must be finite real numbers; got NaN, infinity or another type. Write absent as 0.")
    return given
