"""Expansion of weights between regions to weights between neurons."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Float64, Int
from numpy.typing import ArrayLike, DTypeLike
from scipy import sparse as sp

from .._key import as_generator

ENTRIES_AT_ONCE = 2**20
SMALLEST_SHARE = 2.0**-24
"""Floor of the exponential variates: numpy's float32 generator returns an exact 0 once in 2^23 draws."""


@dataclass(frozen=True, eq=False)
class Expansion:
    """Neurons expanded from regions.

    Attributes
    ----------
    weights : (N, N) array or scipy.sparse.csr_array
        ``weights[source, target]``, >= 0; neurons are ordered by region.
    region : (N,) int
        Region of each neuron, ascending.
    neurons : (n_regions,) int
        Neurons in each region.
    """

    weights: np.ndarray | sp.csr_array
    region: Int[np.ndarray, "N"]
    neurons: Int[np.ndarray, "n_regions"]

    @property
    def n_connections(self) -> int:
        """Number of entries that are not zero."""
        return int(np.count_nonzero(self.weights.data if sp.issparse(self.weights) else self.weights))

    def block_sums(self) -> Float64[np.ndarray, "n_regions n_regions"]:
        """Return the total weight from region to region, summed in float64."""
        starts = np.concatenate([[0], np.cumsum(self.neurons)[:-1]])
        if isinstance(self.weights, np.ndarray):
            columns = np.add.reduceat(self.weights, starts, axis=0, dtype=np.float64)
            return np.add.reduceat(columns, starts, axis=1)
        n = len(self.region)
        members = sp.csr_array((np.ones(n), (np.arange(n), self.region)), shape=(n, len(self.neurons)))
        return (members.T @ self.weights.astype(np.float64) @ members).toarray()


def expand(
    weights: ArrayLike,
    neurons: ArrayLike,
    *,
    target_sparsity: float = 0.8,
    intrinsic: bool | Literal["measured"] = True,
    intrinsic_share: float = 0.8,
    intrinsic_sparsity: float = 1.0,
    intrinsic_of: Literal["outgoing", "incoming"] = "outgoing",
    autapses: bool = False,
    partition: Literal["equal", "random", "stick-breaking"] = "equal",
    sparse: bool = False,
    seed: int | float | np.random.Generator = 0,
    dtype: DTypeLike = np.float32,
) -> Expansion:
    r"""Expand a connectome of regions to neurons, preserving the weights between regions.

    Every neuron of region i contacts ``max(1, round(target_sparsity * k_j))`` randomly chosen neurons of each
    region j with ``weights[i, j] > 0``, and the weights of these connections add up to ``weights[i, j]``.
    Within a region every neuron contacts ``max(1, round(intrinsic_sparsity * k_i))`` neurons of the same region,
    excluding itself unless `autapses` is True, with a total of

    .. math:: W_{ii} = \frac{s}{1 - s} \sum_{j \ne i} W_{ij}

    so that a share s of a region's output stays within the region. (numpy's ``round`` rounds halves to even.)

    Parameters
    ----------
    weights : (n_regions, n_regions) array
        ``weights[source, target]``, finite, >= 0.
    neurons : int or (n_regions,) int array
        Neurons in each region, >= 1; from densities: `neurons_per_region`.
    target_sparsity : float
        Fraction of a target region's neurons that a source neuron contacts, in (0, 1].
    intrinsic : bool or "measured"
        Connections within regions: True, with the total above; False, none; ``"measured"``, with the diagonal
        of `weights` as total (a region with 0 there gets none). With True or False a diagonal that is not zero
        is rejected, because these data would be discarded.
    intrinsic_share : float
        The share s, in [0, 1). A region without outputs has no connections within itself either.
    intrinsic_sparsity : float
        Fraction of its own region's neurons that a neuron contacts, in (0, 1].
    intrinsic_of : {"outgoing", "incoming"}
        Sum over the outputs of the region (row), or over its inputs (column): the latter reproduces bio2art.
    autapses : bool
        Whether a neuron may contact itself. If not, a region of one neuron has no connections within itself.
    partition : {"equal", "random", "stick-breaking"}
        Division of a weight among its connections. ``"random"``: uniform over all divisions (Dirichlet(1)),
        with the same distribution for every connection. ``"stick-breaking"``: the scheme of bio2art, which breaks
        off uniform fractions of the remainder, in random order: the largest part takes 62 %, whatever their number,
        and most of several hundred parts underflow to 0 (block sums are still exact). Use it only to reproduce
        published results.
    sparse : bool
        Return a `scipy.sparse.csr_array` with the same entries, without ever making the dense matrix.
    seed : int or numpy.random.Generator
        The same seed gives the same bits, dense or sparse.
    dtype : float32 or float64

    Returns
    -------
    Expansion
        The expanded weights. Block sums are exact up to rounding of each entry (relative error about 1e-7 in float32).

    Raises
    ------
    ValueError
        If a shape, value or option is not allowed.

    Notes
    -----
    The procedure is that of bio2art (Goulas, Damicelli & Hilgetag 2021, Neural Netw 142:608,
    doi:10.1016/j.neunet.2021.07.011), with outgoing sums and a fair partition as defaults. The equivalent of
    bio2art's own call is ``expand(weights, 4, intrinsic_of="incoming", partition="stick-breaking")``.

    Weights are computed one source region at a time, to keep temporary arrays small.

    Examples
    --------
    >>> wiring = expand([[0.0, 2.0], [1.0, 0.0]], neurons=[2, 5], partition="random", seed=1)
    >>> wiring.weights.shape, wiring.region.tolist(), wiring.n_connections
    ((7, 7), [0, 0, 1, 1, 1, 1, 1], 40)
    >>> wiring.block_sums().round(5).tolist()
    [[8.0, 2.0], [1.0, 4.0]]
    """
    regions = _as_regions(weights)
    counts = _as_counts(neurons, len(regions))
    _check_fraction("target_sparsity", target_sparsity)
    _check_fraction("intrinsic_sparsity", intrinsic_sparsity)
    kind = np.dtype(dtype)
    if kind not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"dtype must be float32 or float64; got {kind}.")
    if partition not in _PARTITIONS:
        raise ValueError(f"unknown partition {partition!r}; allowed: {', '.join(_PARTITIONS)}.")

    blocks = regions.copy()
    np.fill_diagonal(blocks, _within(regions, intrinsic, intrinsic_share, intrinsic_of))
    contacts = np.tile(_contacts(target_sparsity, counts), (len(counts), 1))
    np.fill_diagonal(contacts, np.minimum(_contacts(intrinsic_sparsity, counts), counts - (not autapses)))
    contacts[blocks == 0] = 0
    blocks[contacts == 0] = 0.0
    _check_range(blocks, contacts * counts[:, None], kind)
    plan = _Plan(blocks, contacts, counts, not autapses, _PARTITIONS[partition], kind)
    matrix = (_sparse if sparse else _dense)(plan, _streams(seed, len(counts)))
    return Expansion(matrix, np.repeat(np.arange(len(counts)), counts), counts)


Partition = Callable[[np.random.Generator, Float64[np.ndarray, "m"], Int[np.ndarray, "m"], int, np.dtype], np.ndarray]


@dataclass(frozen=True, eq=False)
class _Plan:
    """Plan of an expansion: block totals, contacts of one source neuron per block, neurons per region."""

    blocks: np.ndarray
    contacts: np.ndarray
    counts: np.ndarray
    skip_self: bool
    partition: Partition
    dtype: np.dtype

    @functools.cached_property
    def edges(self) -> Int[np.ndarray, "n_edges"]:
        """Index of the first neuron of each region, followed by N."""
        return np.concatenate([[0], np.cumsum(self.counts)])

    def strip(
        self, i: int, rng: np.random.Generator
    ) -> tuple[Bool[np.ndarray, "k N"], Float[np.ndarray, "k c"]] | None:
        """Draw the outputs of region i: their positions, and weights in row-major order (c for every neuron)."""
        targets = np.flatnonzero(self.contacts[i])
        if not len(targets):
            return None
        contacts = self.contacts[i, targets]
        mask = self._mask(i, targets, contacts, rng)
        return mask, self.partition(rng, self.blocks[i, targets], contacts, int(self.counts[i]), self.dtype)

    def _mask(self, i: int, targets: np.ndarray, contacts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        k = int(self.counts[i])
        pools = self.counts[targets]
        own = np.flatnonzero(targets == i) if self.skip_self else np.empty(0, int)
        pools[own] -= 1
        chosen = _subsets(pools, contacts, k, rng)
        columns = np.concatenate(
            [np.arange(self.edges[j], self.edges[j] + p) for j, p in zip(targets, pools, strict=True)]
        )
        mask = np.zeros((self.edges[-1], k), bool)
        mask[columns] = chosen
        mask = np.ascontiguousarray(mask.T)
        if len(own):
            start, stop = self.edges[i], self.edges[i + 1]
            within = np.zeros((k, k), bool)
            within[~np.eye(k, dtype=bool)] = mask[:, start : stop - 1].ravel()
            mask[:, start:stop] = within
        return mask


def _subsets(
    pools: Int[np.ndarray, "m"], sizes: Int[np.ndarray, "m"], k: int, rng: np.random.Generator
) -> Bool[np.ndarray, "total k"]:
    """Draw a uniform subset of ``sizes[m]`` members for each of k neurons and m pools; rows: members, pool by pool.

    Selection sampling (Knuth, The Art of Computer Programming, vol. 2, 3.4.2, algorithm S): member p of a pool
    is taken with probability (still needed) / (still to come). All pools and neurons take step p together.
    """
    order = np.argsort(-pools, kind="stable")
    longest = int(pools[order[0]])
    active = np.searchsorted(-pools[order], -np.arange(longest), side="left")
    needed = np.repeat(sizes[order].astype(np.float32), k)
    left = np.repeat(pools[order].astype(np.float32), k)
    draws = np.empty(len(needed), np.float32)
    first = np.concatenate([[0], np.cumsum(active)])
    taken = np.empty((int(first[-1]), k), bool)
    for p in range(longest):
        size = int(active[p]) * k
        step = taken[first[p] : first[p + 1]].reshape(-1)
        u = rng.random(out=draws[:size], dtype=np.float32)
        u *= left[:size]
        np.less(u, needed[:size], out=step)
        needed[:size] -= step
        left[:size] -= 1
    rank = np.empty(len(pools), int)
    rank[order] = np.arange(len(pools))
    members = np.concatenate([first[:n] + r for n, r in zip(pools, rank, strict=True)])
    return taken[members]


def _equal(
    rng: np.random.Generator, totals: np.ndarray, contacts: np.ndarray, k: int, dtype: np.dtype
) -> Float[np.ndarray, "k c"]:
    share = np.repeat((totals / (contacts * k)).astype(dtype), contacts)
    return np.broadcast_to(share, (k, len(share)))


def _random(
    rng: np.random.Generator, totals: np.ndarray, contacts: np.ndarray, k: int, dtype: np.dtype
) -> Float[np.ndarray, "k c"]:
    """Normalised exponentials are uniform on the simplex."""
    values = rng.standard_exponential((k, int(contacts.sum())), dtype=dtype.type)
    np.maximum(values, SMALLEST_SHARE, out=values)
    starts = np.concatenate([[0], np.cumsum(contacts)[:-1]])
    sums = np.add.reduceat(values.sum(axis=0, dtype=np.float64), starts)
    values *= np.repeat((totals / sums).astype(dtype), contacts)
    return values


def _stick_breaking(
    rng: np.random.Generator, totals: np.ndarray, contacts: np.ndarray, k: int, dtype: np.dtype
) -> Float[np.ndarray, "k c"]:
    parts = []
    for total, n in zip(totals, contacts * k, strict=True):
        remains = np.concatenate([[1.0], np.cumprod(rng.random(n - 1)), [0.0]])
        parts.append((total * rng.permutation(-np.diff(remains))).reshape(k, -1))
    return np.concatenate(parts, axis=1).astype(dtype)


_PARTITIONS: dict[str, Partition] = {"equal": _equal, "random": _random, "stick-breaking": _stick_breaking}


def _dense(plan: _Plan, streams: Iterator[np.random.Generator]) -> np.ndarray:
    out = np.zeros((plan.edges[-1], plan.edges[-1]), plan.dtype)

    for i, rng in enumerate(streams):
        made = plan.strip(i, rng)
        if made is not None:
            strip = out[plan.edges[i] : plan.edges[i + 1]].reshape(-1)
            for rows, flat in _positions(made[0]):
                strip[flat] = made[1][rows].ravel()
    return out


def _sparse(plan: _Plan, streams: Iterator[np.random.Generator]) -> sp.csr_array:
    n = int(plan.edges[-1])
    per_row = np.repeat(plan.contacts.sum(axis=1), plan.counts)
    first = np.concatenate([[0], np.cumsum(per_row)])
    index = np.int32 if max(first[-1], n) <= np.iinfo(np.int32).max else np.int64
    values, columns = np.empty(first[-1], plan.dtype), np.empty(first[-1], index)

    for i, rng in enumerate(streams):
        made = plan.strip(i, rng)
        if made is not None:
            here = slice(first[plan.edges[i]], first[plan.edges[i + 1]])
            values[here] = made[1].ravel()
            rows_in = columns[here].reshape(made[1].shape)
            for rows, flat in _positions(made[0]):
                there = rows_in[rows]
                there[:] = flat.reshape(there.shape) - n * np.arange(rows.start, rows.start + len(there))[:, None]
    matrix = sp.csr_array((values, columns, first.astype(index)), shape=(n, n))
    if plan.partition is _stick_breaking:
        matrix.eliminate_zeros()
    return matrix


def _positions(mask: Bool[np.ndarray, "k N"]) -> Iterator[tuple[slice, Int[np.ndarray, "m"]]]:
    """Yield flat indices of the true entries, a few rows at a time: much faster than the mask, in little memory."""
    k, n = mask.shape
    step = max(1, ENTRIES_AT_ONCE // n)
    for start in range(0, k, step):
        rows = slice(start, start + step)
        yield rows, np.flatnonzero(mask[rows]) + start * n


def _streams(seed: int | float | np.random.Generator, n: int) -> Iterator[np.random.Generator]:
    """Return one generator per source region, to make each strip independent of the others."""
    entropy = as_generator(seed, "seed").integers(0, 2**32, 4, dtype=np.uint32)
    root = np.random.SeedSequence([int(word) for word in entropy])
    return (np.random.Generator(np.random.SFC64(child)) for child in root.spawn(n))


def _within(regions: np.ndarray, intrinsic: Any, share: float, of: str) -> Float64[np.ndarray, "n"]:
    """Return the total weight within each region."""
    if intrinsic not in (True, False, "measured"):
        raise ValueError(f"intrinsic must be True, False or 'measured'; got {intrinsic!r}.")
    if not 0 <= share < 1:
        raise ValueError(
            f"intrinsic_share must be in [0, 1), the share of its output that a region keeps; got {share}."
        )
    if of not in ("outgoing", "incoming"):
        raise ValueError(f"intrinsic_of must be 'outgoing' or 'incoming'; got {of!r}.")
    diagonal = np.diagonal(regions)
    if intrinsic == "measured":
        return diagonal.copy()
    if diagonal.any():
        raise ValueError(
            f"{np.count_nonzero(diagonal)} regions have a weight onto themselves, the first at index "
            f"{np.flatnonzero(diagonal)[0]}; pass intrinsic='measured' to use these as the weights within regions, or "
            "set the diagonal to zero."
        )
    sums = regions.sum(axis=1 if of == "outgoing" else 0)
    return share / (1 - share) * sums if intrinsic else np.zeros(len(regions))


def _contacts(fraction: float, counts: np.ndarray) -> Int[np.ndarray, "n"]:
    return np.maximum(1, np.round(fraction * counts)).astype(np.int64)


def _as_regions(weights: ArrayLike) -> Float64[np.ndarray, "n n"]:
    regions = np.array(weights, np.float64)
    if regions.ndim != 2 or regions.shape[0] != regions.shape[1] or not regions.size:
        raise ValueError(
            f"weights must be a square matrix (n_regions, n_regions), rows = sources; got shape {regions.shape}."
        )
    if not np.isfinite(regions).all():
        raise ValueError("weights must be finite; got NaN or infinity. Write absent connections as 0.")
    if (regions < 0).any():
        raise ValueError(f"weights must be >= 0; got {regions.min()}. Signs belong to neurons: see `assign_signs`.")
    return regions


def _as_counts(neurons: ArrayLike, n: int) -> Int[np.ndarray, "n"]:
    given = np.asarray(neurons)
    if given.shape not in ((), (n,)):
        raise ValueError(f"neurons must be one int or ({n},), one for each region of weights; got shape {given.shape}.")
    if given.dtype.kind not in "iu":
        raise ValueError(
            f"neurons must be integers; got {given.dtype}. Make them from densities with `neurons_per_region`."
        )
    if (given < 1).any():
        raise ValueError(
            f"neurons must be >= 1 in every region; got {given.min()}. Leave empty regions out of weights."
        )
    return np.broadcast_to(given, (n,)).astype(np.int64)


def _check_fraction(name: str, value: float) -> None:
    if not 0 < value <= 1:
        raise ValueError(f"{name} must be in (0, 1], the fraction of neurons that one contacts; got {value}.")


def _check_range(blocks: np.ndarray, connections: np.ndarray, dtype: np.dtype) -> None:
    """Check that no connection underflows: the smallest share of n is at least about ``SMALLEST_SHARE / 2n``."""
    there = connections > 0
    if not there.any():
        return
    smallest = float((blocks[there] / connections[there]).min()) * SMALLEST_SHARE / 2
    limits = np.finfo(dtype)
    if smallest < limits.tiny or blocks.max() > limits.max / 2:
        raise ValueError(
            f"weights from {blocks[there].min():.3g} to {blocks.max():.3g} cannot be divided in {dtype}, whose "
            f"range is {limits.tiny:.3g} to {limits.max:.3g}; scale the weights, or use dtype=np.float64."
        )
