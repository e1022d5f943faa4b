"""Null models: random wiring diagrams that share only some properties with the original.

===============================  =======  ===============  ======  ===========  ========  ======  ==============
kept exactly                     permute  shuffle_weights  rewire  strength     distance  types   types_distance
===============================  =======  ===============  ======  ===========  ========  ======  ==============
diagonal, sign of a source       yes      yes              yes     yes          yes       yes     yes
multiset of weights              yes      yes              yes     roughly      yes       yes     yes
topology                         no       yes              no      no           no        no      no
in- and out-degree               no       yes              yes     yes          yes       yes     yes
out-strength                     no       no               yes     yes          no        yes     no
in-strength                      no       no               no      to 1e-6 (*)  no        no      no
number of edges per length       no       yes              no      no           yes       no      yes
weights per length               no       no               no      no           yes       no      yes
outputs to, inputs of each type  no       yes              no      no           no        yes     yes
weights per pair of types        no       no               no      no           no        yes     yes
reciprocity, blocks              no       yes              no      no           no        no (+)  no (+)
===============================  =======  ===============  ======  ===========  ========  ======  ==============

(*) where the new graph permits; see `rewire_strength`. (+) Blocks are kept where they coincide with types.

All take a dense array, a scipy.sparse matrix or a `Connectome` and return the same kind. A negative weight is a
connection of an inhibitory source: magnitudes are redrawn, and the sign stays with the source. A source with weights
of both signs keeps its number of negative weights.
"""

import inspect
import logging
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float64, Int, Int8
from numpy.typing import ArrayLike
from scipy import sparse

from .._key import as_generator
from ._rewiring import LARGE, Edges, Lengths, rewired_targets, shuffled_within

ROUNDS = 50
LENGTH_ROUNDS = 200
"""Rounds after which the overlap with the original no longer falls, at densities of 3 to 64 %: about 10 without
bins of length, about 100 with ten of them."""

TYPES_LENGTH_ROUNDS = 500
"""Rounds after which the overlap still falls: from 0.47 to 0.42 after 2000, with three types, 60 nodes and ten bins."""

BATCHES = 20
MAX_ITERATIONS = 20_000
STRENGTH_ERROR = 1e-6

logger = logging.getLogger(__name__)


def permute(weights: Any, *, seed: int | float | np.random.Generator, sign: ArrayLike | None = None) -> Any:
    """Permute all off-diagonal entries, zeros included (``random_w`` of bio_rnn_mem).

    Parameters
    ----------
    weights : (n, n) array, scipy.sparse matrix or Connectome
        ``weights[source, target]``.
    seed : int or numpy.random.Generator
    sign : (n,) array of +1 and -1, optional
        Sign of each source. Needed where some weights are negative and a source without weights has no known sign.

    Returns
    -------
    array, matrix or Connectome
        Degrees, blocks and reciprocity are lost; the multiset of magnitudes, the sign of each source and the diagonal
        are kept.

    Raises
    ------
    ValueError
        If `weights` is not square or not finite, a source has weights of both signs, or a sign is missing or wrong.

    Examples
    --------
    >>> permute([[5, 1], [2, 6]], seed=3).tolist()
    [[5, 2], [1, 6]]
    >>> permute([[0, 1, 2], [-3, 0, -4], [5, 6, 0]], seed=0).tolist()
    [[0, 4, 3], [-6, 0, -5], [1, 2, 0]]
    """

    def draw(edges: Edges, rng: np.random.Generator) -> Edges:
        n, m = edges.n, len(edges.source)
        if n <= LARGE:
            place = np.zeros(n * (n - 1), np.int32)
            place[edges.source * (n - 1) + edges.target - (edges.target > edges.source)] = np.arange(1, m + 1)
            placed = rng.permutation(place)
            drawn = np.flatnonzero(placed)
            index = placed[drawn].astype(np.int64) - 1
        else:
            drawn = rng.choice(n * (n - 1), m, replace=False)
            index = np.argsort(drawn)
            drawn = drawn[index]
        source, target = np.divmod(drawn, max(n - 1, 1))
        signs = _sign_of_sources(edges, sign)
        if signs is not None and not signs[source].all():
            raise ValueError(
                f"'permute' connects sources that have no connections now, and {int((signs == 0).sum())} of {n} have "
                "no sign; pass sign=, +1 or -1 for each node, or use a null model that keeps degrees."
            )
        return edges._replace(
            source=source,
            target=target + (target >= source),
            weight=edges.weight[index],
            sign=None if signs is None else signs[source],
        )

    return _randomised("permute", weights, seed, draw)


def shuffle_weights(weights: Any, *, seed: int | float | np.random.Generator) -> Any:
    """Permute the weights of the existing connections; the topology is kept, including the diagonal.

    Parameters
    ----------
    weights : (n, n) array, scipy.sparse matrix or Connectome
        ``weights[source, target]``.
    seed : int or numpy.random.Generator

    Returns
    -------
    array, matrix or Connectome
        Strengths are lost; topology, and with it every property of the binary graph, is kept. The sign of
        every connection is kept as well: only magnitudes are permuted.

    Raises
    ------
    ValueError
        If `weights` is not square or not finite.

    Examples
    --------
    >>> shuffle_weights([[0, 1, 2], [3, 0, 0], [0, 0, 0]], seed=0).astype(bool).tolist()
    [[False, True, True], [True, False, False], [False, False, False]]
    """

    def draw(edges: Edges, rng: np.random.Generator) -> Edges:
        return edges._replace(weight=rng.permutation(edges.weight))

    return _randomised("shuffle_weights", weights, seed, draw)


def rewire(weights: Any, *, seed: int | float | np.random.Generator, rounds: int | float = ROUNDS) -> Any:
    """Draw a graph with the same in- and out-degree of every node; weights stay with their source.

    All directed graphs with these degrees are equally likely. Self-connections are neither made nor removed.
    Each source assigns its weights to its new targets in random order: out-strengths are kept, in-strengths are lost.

    Parameters
    ----------
    weights : (n, n) array, scipy.sparse matrix or Connectome
        ``weights[source, target]``.
    seed : int or numpy.random.Generator
    rounds : int
        Rounds of the Markov chain, in each of which nearly every node takes part; >= 1.

    Returns
    -------
    array, matrix or Connectome

    Raises
    ------
    ValueError
        If `weights` is not square or not finite, or `rounds` < 1.

    Notes
    -----
    In one round, rows are paired at random, and each pair trades the targets that only one of the two has
    (curveball: Strona et al. 2014, Nat Commun 5:4114; Carstens, Berger & Strona 2018, arXiv:1609.05137);
    then the same with columns. Connections and gaps are treated alike, and a graph of any density is mixed after
    about ten rounds. Trades cannot reverse a directed triangle, and without reversals some graphs cannot be reached
    (Berger & Mueller-Hannemann 2010, Lect Notes Comput Sci 6410): every round also reverses some triangles,
    with probability 1/2. All moves are as likely as their reverses, hence the uniform distribution.

    Graphs of more than 5,000 nodes are rewired connection by connection: all are paired at random, and a pair
    exchanges its targets if its two new connections, and its two old ones, occur only once among all connections
    together with all that are proposed in this round. Exchanges leave this combined set unchanged, and the
    same pairs would exchange back: again every move is as likely as its reverse. Every fifth round reverses triangles,
    which are found along random paths of two connections; a path that shares two nodes with a different path is
    left alone. Of 1.5 million connections among 45,669 nodes, 0.55 % are unchanged after eight rounds, and after any
    number of further rounds. Where most pairs of nodes are connected few exchanges are possible, and more rounds are
    needed.

    ``networkx.directed_edge_swap`` is not used: it changes three edges per attempt in plain Python, and ignores
    weights.

    Examples
    --------
    >>> ring = np.roll(np.eye(6), 1, axis=1)
    >>> drawn = rewire(ring, seed=0)
    >>> drawn.sum(axis=0).tolist(), drawn.sum(axis=1).tolist(), float(np.trace(drawn))
    ([1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0], 0.0)
    """

    def draw(edges: Edges, rng: np.random.Generator) -> Edges:
        target = rewired_targets(edges, rng, rounds)
        index = shuffled_within(edges.source, rng)
        return edges._replace(target=target, weight=edges.weight[index], sign=edges.signs(index))

    return _randomised("rewire", weights, seed, draw)


def rewire_strength(
    weights: Any,
    *,
    seed: int | float | np.random.Generator,
    rounds: int | float = ROUNDS,
    tolerance: float | None = None,
) -> Any:
    """Draw a graph with the same in- and out-degree, and the same in- and out-strength, of every node.

    Degrees and out-strengths are exact. In-strengths are exact to 1e-6 if the new graph permits, as
    most dense and few sparse graphs do (a strong source with a single weak target makes it impossible), and
    otherwise as close as scaling gets. The weights cannot be kept at the same time: they start as a
    rank-matched permutation of the originals and are then scaled by a factor for each row and each column.
    Topology, blocks and reciprocity are lost beyond what degrees and strengths imply.

    Parameters
    ----------
    weights : (n, n) array, scipy.sparse matrix or Connectome
        ``weights[source, target]``, >= 0.
    seed : int or numpy.random.Generator
    rounds : int
        As in `rewire`.
    tolerance : float, optional
        Reject a result in which the relative error of an in-strength is larger than this, > 0. None: log a
        warning with the error instead.

    Returns
    -------
    array, matrix or Connectome
        float64, or float32 (and exact to its rounding) if `weights` is.

    Raises
    ------
    ValueError
        If `weights` is not square, not finite or negative, `rounds` < 1, or an in-strength is
        off by more than `tolerance`.

    Notes
    -----
    Rank matching follows Rubinov & Sporns (2011), NeuroImage 56:2068, doi:10.1016/j.neuroimage.2011.03.069:
    edges are ranked by the product of the strengths that their ends still lack, receive the weights of these
    ranks in random batches, and are re-ranked. Iterative proportional fitting (Sinkhorn) then makes strengths exact.

    Examples
    --------
    >>> w = np.random.default_rng(0).random((8, 8))
    >>> drawn = rewire_strength(w, seed=0)
    >>> bool(np.allclose(drawn.sum(axis=0), w.sum(axis=0))), bool(np.allclose(drawn, w))
    (True, False)
    """
    if tolerance is not None and not tolerance > 0:
        raise ValueError(f"tolerance must be > 0 (relative error of strengths); got {tolerance}.")

    def draw(edges: Edges, rng: np.random.Generator) -> Edges:
        target = rewired_targets(edges, rng, rounds)
        outward, inward = _strengths(edges)
        matched = _rank_matched(edges, target, outward, inward, rng)
        fitted, error = _fit_margins(matched, edges.source, target, outward, inward)
        if error > (STRENGTH_ERROR if tolerance is None else tolerance):
            message = (
                f"the rewired graph cannot match the in-strengths: one is off by {error:.2g} (relative). "
                "The usual cause is a strong node with few, weak partners, mostly in sparse graphs"
            )
            if tolerance is not None:
                raise ValueError(
                    f"{message}; tolerance is {tolerance:g}. Try another seed, a larger tolerance, or 'rewire'."
                )
            logger.warning("%s. Out-strengths and degrees are exact.", message)
        kept = edges.weight.dtype if edges.weight.dtype.kind == "f" else np.float64
        sign = edges.signs(shuffled_within(edges.source, rng))
        return edges._replace(target=target, weight=fitted.astype(kept), sign=sign)

    return _randomised("strength", weights, seed, draw, signed=False)


def rewire_distance(
    weights: Any,
    *,
    coordinates: ArrayLike,
    seed: int | float | np.random.Generator,
    bins: int | float | ArrayLike = 10,
    rounds: int | float = LENGTH_ROUNDS,
) -> Any:
    """Draw a graph with the same degrees, the same wiring lengths and the same weights at each length.

    Exact: the in- and out-degree of every node, the number of edges in every bin of length, and the multiset
    of weights in every bin. Strengths are lost, as is all topology beyond distance and degree.

    Parameters
    ----------
    weights : (n, n) array, scipy.sparse matrix or Connectome
        ``weights[source, target]``.
    coordinates : (n, d) array
        Positions, in any unit; lengths are Euclidean.
    seed : int or numpy.random.Generator
    bins : int or array
        Bins of length, >= 1, at quantiles of the distances between all nodes, or above 5,000 nodes of the lengths of
        the connections; or the limits between bins, increasing. More bins keep lengths more closely, and leave
        fewer graphs to choose from.
    rounds : int
        As in `rewire`.

    Returns
    -------
    array, matrix or Connectome

    Raises
    ------
    ValueError
        If a shape does not match, a value is not finite, or `bins` or `rounds` < 1.

    Notes
    -----
    The idea is that of Betzel & Bassett (2018), PNAS 115:E4880, doi:10.1073/pnas.1720186115. The chain is that
    of `rewire`, where only targets in the same bin for both sources are traded (and likewise for columns).
    In large graphs, a pair of connections exchanges its targets if its two bins stay the same, and pairs have
    neighbouring sources: they share a cell of a grid that is redrawn in every round.
    All moves are as likely as their reverses; it is not proved that they reach every graph with these lengths.

    Within a bin lengths are free. In a cloud of 5,000 nodes with local connections, ten bins of connection lengths
    increased the mean length by 16 %, 20 bins by 6 %, and 40 bins by 2 %.

    Examples
    --------
    >>> w = np.triu(np.ones((5, 5)), 1)
    >>> rewire_distance(w, coordinates=[[0], [1], [2], [3], [4]], seed=0, bins=2).sum(axis=1).tolist()
    [4.0, 3.0, 2.0, 1.0, 0.0]
    """

    def draw(edges: Edges, rng: np.random.Generator) -> Edges:
        return _drawn_within(edges, rng, rounds, lengths=Lengths.of(coordinates, edges, bins, of_all=True))

    return _randomised("distance", weights, seed, draw)


def rewire_types(
    weights: Any, *, types: ArrayLike, seed: int | float | np.random.Generator, rounds: int | float = ROUNDS
) -> Any:
    """Draw a graph that keeps each node's number of outputs to each type and of inputs from each type.

    Every pair of types is rewired separately, and weights stay with their source and pair of types, in random
    order. Only the choice of partners within each type is randomised.

    Parameters
    ----------
    weights : (n, n) array, scipy.sparse matrix or Connectome
        ``weights[source, target]``.
    types : (n,) array of str or int
        Cell type, or area, of each node. Nodes of unknown type ("") count as one type.
    seed : int or numpy.random.Generator
    rounds : int
        As in `rewire`.

    Returns
    -------
    array, matrix or Connectome

    Raises
    ------
    ValueError
        If a shape does not match, a weight is not finite, all types are different, or `rounds` < 1.

    Notes
    -----
    The chain is that of `rewire`, restricted to sources of one type and targets of one type; triangles are
    reversed within a type.

    Examples
    --------
    >>> w = np.zeros((4, 4), int)
    >>> w[[0, 1, 0], [2, 3, 1]] = 5, 6, 7
    >>> drawn = rewire_types(w, types=["a", "a", "b", "b"], seed=2)
    >>> drawn[0, 1], sorted(drawn[0, 2:].tolist()), sorted(drawn[1, 2:].tolist())
    (np.int64(7), [0, 5], [0, 6])
    """

    def draw(edges: Edges, rng: np.random.Generator) -> Edges:
        return _drawn_within(edges, rng, rounds, types=_codes(types, edges.n))

    return _randomised("types", weights, seed, draw)


def rewire_types_distance(
    weights: Any,
    *,
    types: ArrayLike,
    coordinates: ArrayLike,
    seed: int | float | np.random.Generator,
    bins: int | float | ArrayLike = 10,
    rounds: int | float = TYPES_LENGTH_ROUNDS,
) -> Any:
    """Draw a graph with the same types, degrees and wiring lengths: `rewire_types` and `rewire_distance` in one.

    Exact: every node's number of outputs to each type and inputs from each type; the number of edges, and the
    multiset of weights, of every pair of types in every bin of length.

    Parameters
    ----------
    weights : (n, n) array, scipy.sparse matrix or Connectome
        ``weights[source, target]``.
    types : (n,) array of str or int
        As in `rewire_types`.
    coordinates : (n, d) array
        As in `rewire_distance`.
    seed : int or numpy.random.Generator
    bins : int or array
        Bins of length, at quantiles of the lengths of the connections, or the limits between them; the same for all
        pairs of types.
    rounds : int
        As in `rewire`. With this many constraints graphs mix slowly: check the result with more rounds.

    Returns
    -------
    array, matrix or Connectome

    Raises
    ------
    ValueError
        In the same cases as `rewire_types` and `rewire_distance`.

    Notes
    -----
    Where types and lengths imply most of the wiring, most of it is kept: in the fly's optic lobe (65 types in columns),
    87 % of the connections after 100 rounds, and 84 % after any number of rounds.

    Examples
    --------
    >>> w = np.triu(np.ones((4, 4)), 1)
    >>> options = {"types": ["a", "b", "a", "b"], "coordinates": [[0], [1], [2], [3]], "bins": 2}
    >>> rewire_types_distance(w, seed=0, **options).sum(axis=1).tolist()
    [3.0, 2.0, 1.0, 0.0]
    """

    def draw(edges: Edges, rng: np.random.Generator) -> Edges:
        return _drawn_within(edges, rng, rounds, _codes(types, edges.n), Lengths.of(coordinates, edges, bins))

    return _randomised("types_distance", weights, seed, draw)


NULLS: dict[str, Callable[..., Any]] = {
    "permute": permute,
    "shuffle_weights": shuffle_weights,
    "rewire": rewire,
    "strength": rewire_strength,
    "distance": rewire_distance,
    "types": rewire_types,
    "types_distance": rewire_types_distance,
}
"""Null models by name; all are called as ``f(weights, *, seed, ...)``. Those of types need ``types``, and those of
distance ``coordinates``."""


def rewired(
    connectome: Any,
    null: str = "rewire",
    *,
    seed: int | float | np.random.Generator,
    label: str | None = None,
    **options: Any,
) -> Any:
    """Draw a null model of a connectome; its units, their labels, signs and coordinates are kept.

    Parameters
    ----------
    connectome : Connectome
    null : str
        One of `NULLS`.
    seed : int or numpy.random.Generator
    label : str, optional
        Label that contains the types, for the null models of types; by default "type", else "region".
    **options
        Options of the null model, such as ``rounds`` or ``bins``.

    Returns
    -------
    Connectome

    Raises
    ------
    ValueError
        If there is no such null model, label or option, or the connectome lacks the coordinates it needs.
    """
    if null not in NULLS:
        raise ValueError(f"null must be one of {', '.join(map(repr, NULLS))}; got {null!r}.")
    allowed = set(inspect.signature(NULLS[null]).parameters) - {"weights", "seed"}
    if "types" in allowed:
        label = label or next((name for name in ("type", "region") if name in connectome.labels), "type")
        if label not in connectome.labels:
            there = ", ".join(map(repr, connectome.labels)) or "none"
            raise ValueError(
                f"the null model {null!r} needs the type of each unit, and there is no label {label!r}; "
                f"labels of this connectome: {there}. Pass one as label=."
            )
        options = {"types": np.array(connectome.labels[label]), **options}
    elif label is not None:
        raise ValueError(f"label= applies only to the null models 'types' and 'types_distance'; got it with {null!r}.")
    if "coordinates" in allowed:
        if connectome.coordinates is None and "coordinates" not in options:
            raise ValueError(
                f"the null model {null!r} needs coordinates, and this connectome has none; see "
                "Connectome(coordinates=...), or use a null model without lengths."
            )
        options = {"coordinates": connectome.coordinates, **options}
    if unknown := set(options) - allowed:
        raise ValueError(
            f"the null model {null!r} has no option {', '.join(map(repr, sorted(unknown)))}; "
            f"it has {', '.join(map(repr, sorted(allowed))) or 'none'}."
        )
    return NULLS[null](connectome, seed=seed, **options)


def _randomised(
    name: str,
    weights: Any,
    seed: int | float | np.random.Generator,
    draw: Callable[[Edges, np.random.Generator], Edges],
    signed: bool = True,
) -> Any:
    """Apply `draw` to an array, sparse matrix or connectome, return the same kind, and keep self-connections."""
    edges, rng = _as_edges(weights), as_generator(seed, "seed")
    is_connectome = hasattr(weights, "_with_edges")
    if edges.sign is not None and not (signed or is_connectome):
        raise ValueError(
            f"the {name} null needs weights >= 0; got {-edges.weight[edges.sign < 0].max()}. "
            "Apply signs after it, not before."
        )
    loop = edges.source == edges.target
    made, kept = draw(edges.at(~loop), rng), edges.at(loop)
    source, target, weight = (np.concatenate(parts) for parts in zip(made[1:4], kept[1:4], strict=True))
    own = np.ones(loop.sum(), np.int8) if kept.sign is None else kept.sign
    sign = None if made.sign is None else np.concatenate([made.sign, own])
    if is_connectome:
        drawn = "" if isinstance(seed, np.random.Generator) else f", seed {seed}"
        return weights._with_edges(source, target, weight, sign, f"null model {name!r}{drawn}")
    values = weight if sign is None else weight * sign
    if sparse.issparse(weights):
        return type(weights)(sparse.coo_array((values, (source, target)), shape=(edges.n, edges.n)))
    out = np.zeros((edges.n, edges.n), values.dtype)
    out[source, target] = values
    return out


def _as_edges(weights: Any) -> Edges:
    if hasattr(weights, "_with_edges"):
        source, target = weights.source.astype(np.int64), weights.target.astype(np.int64)
        return Edges(weights.n, source, target, weights.weight, weights.edge_sign)
    given: Any = sparse.csr_array(weights, copy=True) if sparse.issparse(weights) else np.asarray(weights)
    if given.ndim != 2 or given.shape[0] != given.shape[1]:
        raise ValueError(f"weights must be a square matrix (n, n), rows = sources; got shape {given.shape}.")
    n = int(given.shape[0])
    if sparse.issparse(given):
        given.sum_duplicates()
        given.eliminate_zeros()
        source, target = np.repeat(np.arange(n), np.diff(given.indptr)), given.indices.astype(np.int64)
        values = given.data
    else:
        source, target = np.nonzero(given)
        values = given[source, target]
    if given.dtype.kind not in "biuf" or not np.isfinite(values).all():
        raise ValueError(
            "weights must be finite real numbers; got NaN, infinity or another type. Write absent connections as 0."
        )
    if (values < 0).any():
        return Edges(n, source, target, np.abs(values), np.sign(values).astype(np.int8))
    return Edges(n, source, target, values, None)


def _sign_of_sources(edges: Edges, sign: ArrayLike | None) -> Int8[np.ndarray, "n"] | None:
    """Return the sign of each node, 0 where it has no connections; None if no weight is negative."""
    if sign is None and edges.sign is None:
        return None
    own, found = np.zeros(edges.n, np.int8), np.ones(1, np.int8) if edges.sign is None else edges.sign
    own[edges.source] = found
    mixed = np.unique(edges.source[own[edges.source] != found])
    if mixed.size:
        raise ValueError(
            f"'permute' gives a source different connections, but {mixed.size} of {edges.n} have weights of both "
            f"signs, such as node {mixed[0]}, which would not be preserved. Use 'shuffle_weights' or 'rewire'."
        )
    if sign is None:
        return own
    given = np.asarray(sign)
    if given.shape != own.shape or not np.isin(given, (1, -1)).all():
        raise ValueError(f"sign must be ({edges.n},), +1 or -1 for each node; got {given!r:.80}.")
    wrong = np.flatnonzero(own * given < 0)
    if wrong.size:
        raise ValueError(f"sign contradicts the weights of {wrong.size} sources, such as node {wrong[0]}.")
    return given.astype(np.int8)


def _codes(types: ArrayLike, n: int) -> Int[np.ndarray, "n"]:
    given = np.asarray(types)
    if given.shape != (n,):
        raise ValueError(f"types must be ({n},), one for each node of weights; got shape {given.shape}.")
    kinds, code = np.unique(given, return_inverse=True)
    if len(kinds) == n > 1:
        raise ValueError(f"each of the {n} nodes has a different type, so nothing can be rewired; merge types.")
    return code


def _drawn_within(
    edges: Edges,
    rng: np.random.Generator,
    rounds: int | float,
    types: Int[np.ndarray, "n"] | None = None,
    lengths: Lengths | None = None,
) -> Edges:
    """Draw a null model that keeps types, lengths, or both."""
    kind = np.zeros(edges.n, np.int64) if types is None else types
    kinds = int(kind.max(initial=0)) + 1
    target = rewired_targets(edges, rng, rounds, types, lengths)

    def of_source(target: np.ndarray) -> np.ndarray:
        return edges.source * kinds + kind[target]

    def of_length(target: np.ndarray) -> np.ndarray:
        pair = kind[edges.source] * kinds + kind[target]
        return pair if lengths is None else pair * (len(lengths.limits) + 1) + lengths.bin(edges.source, target)

    group = of_source if lengths is None else of_length
    index = carried = _dealt(group(edges.target), group(target), rng)
    if lengths is not None and edges.sign is not None:
        carried = _dealt(of_source(edges.target), of_source(target), rng)
    return edges._replace(target=target, weight=edges.weight[index], sign=edges.signs(carried))


def _dealt(before: Int[np.ndarray, "m"], after: Int[np.ndarray, "m"], rng: np.random.Generator) -> Int[np.ndarray, "m"]:
    """Draw an old connection for each new one from those of the same group."""
    index = np.empty(len(before), np.int64)
    index[shuffled_within(after, rng)] = np.argsort(before, kind="stable")
    return index


def _strengths(edges: Edges) -> tuple[Float64[np.ndarray, "n"], Float64[np.ndarray, "n"]]:
    """Return out- and in-strengths."""
    if edges.n <= LARGE:  # ranks may depend on the last digit of a sum: use those of 0.1.0
        exact = np.zeros((edges.n, edges.n))
        exact[edges.source, edges.target] = edges.weight
        return exact.sum(axis=1), exact.sum(axis=0)
    weight = edges.weight.astype(np.float64)
    return np.bincount(edges.source, weight, edges.n), np.bincount(edges.target, weight, edges.n)


def _rank_matched(
    edges: Edges,
    target: Int[np.ndarray, "m"],
    out_strength: Float64[np.ndarray, "n"],
    in_strength: Float64[np.ndarray, "n"],
    rng: np.random.Generator,
) -> Float64[np.ndarray, "m"]:
    """Assign the weights to new edges, matching strong weights to strong nodes."""
    lacking_out, lacking_in = out_strength.copy(), in_strength.copy()
    values = np.sort(edges.weight.astype(np.float64))
    source, edge = edges.source, np.arange(len(values))
    out = np.zeros_like(values)
    batch = -(-len(values) // BATCHES)
    while len(values):
        order = np.argsort(np.maximum(lacking_out[source], 0) * np.maximum(lacking_in[target], 0))
        source, target, edge = source[order], target[order], edge[order]
        now = np.zeros(len(values), bool)
        now[rng.permutation(len(values))[:batch]] = True
        out[edge[now]] = values[now]
        np.subtract.at(lacking_out, source[now], values[now])
        np.subtract.at(lacking_in, target[now], values[now])
        source, target, edge, values = source[~now], target[~now], edge[~now], values[~now]
    return out


def _fit_margins(
    weights: Float64[np.ndarray, "m"],
    source: Int[np.ndarray, "m"],
    target: Int[np.ndarray, "m"],
    out_strength: Float64[np.ndarray, "n"],
    in_strength: Float64[np.ndarray, "n"],
) -> tuple[Float64[np.ndarray, "m"], float]:
    """Scale rows and columns to given sums; return the weights and the largest relative error of a column."""
    sends, row = np.unique(source, return_inverse=True)
    receives, column = np.unique(target, return_inverse=True)
    core = sparse.csr_array((weights, (row, column)), shape=(len(sends), len(receives)))
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
        # Without a solution the factors diverge, hence the limit.
        scale = np.clip(scale / ratio, 1e-60, 1e60)
    fitted = factor[row] * weights * scale[column]
    if error > STRENGTH_ERROR:
        fitted = np.maximum(fitted, weights.min())
        fitted *= (rows / np.bincount(row, fitted))[row]
        error = float(np.abs(np.bincount(column, fitted) / columns - 1).max())
    return fitted, error
