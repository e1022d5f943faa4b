"""Arrangement of fixed and slow points: isolated, or on a line, a ring or a sheet (continuous attractors)."""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial.distance import cdist

from .._numbers import real
from ._arrays import numbers

Shape = Literal["points", "line", "ring", "plane", "volume"]
FEWEST = 10
"""Fewest points in which a line, ring or plane is recognised."""
EXPLAINED = 0.95
"""Fraction of the variance of a neighbourhood that its dimensions must explain."""
CLOSED = 0.6
"""A ring stays in one piece when a stretch of it is cut out (everywhere), a line only near its ends."""


class Manifold(NamedTuple):
    """The largest connected set of points, and its shape.

    Attributes
    ----------
    shape : {"points", "line", "ring", "plane", "volume"}
        ``"points"``: no 10 points are connected, all count as isolated. ``"plane"``: a sheet, curved or not;
        ``"volume"``: more than two dimensions.
    dimension : int
        Dimension of the neighbourhood of most of its points, 0 for isolated ones.
    members : (L,) int
        Indices of the points that belong to it; along a line or around a ring in order.
    coordinate : (L,) float
        Arc length from one end of a line, angle (rad, -pi to pi) around the middle of a ring in its plane, as ordered;
        NaN otherwise.
    n_pieces : int
        Number of connected sets of points, including isolated points.
    link : float
        Distance within which points are connected.
    """

    shape: Shape
    dimension: int
    members: Int[np.ndarray, "L"]
    coordinate: Float[np.ndarray, "L"]
    n_pieces: int
    link: float


def manifold(positions: ArrayLike, *, gap: float = 0.15) -> Manifold:
    """Recognise a line, ring or plane among fixed points and slow points.

    Points are connected if a chain leads from one to the other, none of whose links is longer than `gap` times the
    largest distance within the connected set. The dimension of the largest such set is the number of directions that
    explain 95 % of the variance within two links around most of its points. In one dimension, it is a ring if it stays
    in one piece wherever a stretch of it is cut out.

    Parameters
    ----------
    positions : (P, N) array
        For instance ``points.positions[points.kind != "unconverged"]`` of `fixed_points`, with ``slow`` set.
    gap : float
        In (0, 0.5); a longer gap in an otherwise continuous line or ring splits it.

    Returns
    -------
    Manifold

    Raises
    ------
    ValueError
        If `positions` is not a finite (P, N) array, or `gap` is out of range.

    Examples
    --------
    >>> angle = np.linspace(-np.pi, np.pi, 40, endpoint=False)
    >>> manifold(np.stack([np.cos(angle), np.sin(angle)], axis=1)).shape
    'ring'
    >>> manifold(np.stack([np.cos(angle[:20]), np.sin(angle[:20])], axis=1)).shape
    'line'
    """
    points = numbers("positions", positions)
    if points.ndim != 2 or 0 in points.shape or not np.isfinite(points).all():
        raise ValueError(f"`positions` must be a finite, non-empty (P, N) array; got shape {points.shape}.")
    if not 0.0 < real(gap, "`gap`") < 0.5:
        raise ValueError(f"`gap` must be in (0, 0.5), a fraction of the largest distance; got {gap}.")
    distance = cdist(points, points)
    link, members = _largest_piece(distance, gap)
    n_pieces = _pieces(distance, link)[0]
    if len(members) < FEWEST or link == 0.0:
        return Manifold("points", 0, np.arange(len(points)), np.full(len(points), np.nan), n_pieces, link)
    inside = distance[np.ix_(members, members)]
    dimension = _dimension(points[members], inside <= 2.0 * link)
    if dimension > 1:
        shape: Shape = "plane" if dimension == 2 else "volume"
        return Manifold(shape, dimension, members, np.full(len(members), np.nan), n_pieces, link)
    ring = _is_ring(inside, link)
    coordinate = _angle(points[members]) if ring else _arc_length(inside, link)
    order = np.argsort(coordinate)
    return Manifold("ring" if ring else "line", dimension, members[order], coordinate[order], n_pieces, link)


def _largest_piece(distance: Float[np.ndarray, "P P"], gap: float) -> tuple[float, Int[np.ndarray, "L"]]:
    """Return the link, and the points of the largest set connected by links of `gap` times its own extent."""
    members = np.arange(len(distance))
    while True:
        inside = distance[np.ix_(members, members)]
        link = gap * float(inside.max())
        _, piece = _pieces(inside, link)
        largest = members[piece == np.bincount(piece).argmax()]
        if len(largest) == len(members) or len(largest) < FEWEST:
            return link, largest
        members = largest


def _pieces(distance: Float[np.ndarray, "P P"], link: float) -> tuple[int, Int[np.ndarray, "P"]]:
    count, piece = csgraph.connected_components(sparse.csr_array(distance <= link), directed=False)
    return int(count), piece


def _dimension(points: Float[np.ndarray, "L N"], near: np.ndarray) -> int:
    dimensions = []
    for row in near:
        centred = points[row] - points[row].mean(axis=0)
        variance = np.linalg.svd(centred, compute_uv=False) ** 2
        if variance.sum() > 0:
            dimensions.append(int(np.argmax(np.cumsum(variance) >= EXPLAINED * variance.sum())) + 1)
    return int(np.median(dimensions))


def _is_ring(distance: Float[np.ndarray, "L L"], link: float) -> bool:
    whole = []
    for row in distance:
        rest = np.flatnonzero(row > link)
        if rest.size:
            whole.append(_pieces(distance[np.ix_(rest, rest)], link)[0] == 1)
    return bool(whole) and float(np.mean(whole)) > CLOSED


def _angle(points: Float[np.ndarray, "L N"]) -> Float[np.ndarray, "L"]:
    centred = points - points.mean(axis=0)
    plane = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    return np.arctan2(plane[:, 1], plane[:, 0])


def _arc_length(distance: Float[np.ndarray, "L L"], link: float) -> Float[np.ndarray, "L"]:
    graph = sparse.csr_array(np.where(distance <= link, distance, 0.0))
    from_any = csgraph.dijkstra(graph, directed=False, indices=0)
    return csgraph.dijkstra(graph, directed=False, indices=int(np.argmax(from_any)))
