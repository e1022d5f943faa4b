"""One-to-one matching of the fixed points of two networks, in a space shared by their trajectories."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # which scikit-learn needs

from .._numbers import real
from . import _measures as measures
from ._arrays import numbers, require_finite, whole_array
from ._fixed_points import KINDS, FixedPoints
from ._measures import Crossed, Measure, Pair
from ._pairing import Both, Permuted, both
from ._similarity import PERMUTATIONS, Maker, Similarity, judged, n_components_of

FRACTION = 0.95
NAMES = ("states_a", "states_b")


class MatchedPoints(NamedTuple):
    """Fixed points of two networks, matched one to one; P_a and P_b points of the requested kinds.

    Points are numbered by their rows in the input, even if not all of them were used.

    Attributes
    ----------
    similarity : Similarity
        Fraction of all points that have a partner with the same number of unstable directions, 0 to 1: ``2 same / (P_a
        + P_b)``.
    pairs : (M, 2) int
        Matched points of a and of b; sorted by the point of a.
    distance : (M,) float
        Distance between the points of each pair, in units of the trajectories' spread.
    same : (M,) bool
        Whether both have the same number of unstable directions.
    unmatched_a, unmatched_b : (P_a - M,) and (P_b - M,) int
        Points without a partner.
    aligned_a, aligned_b : (P_a, k) and (P_b, k) float
        All points, in order, in a's k leading components; those of b are mapped there.
    spread : float
        Root mean squared distance of a's states from their mean in these components.
    """

    similarity: Similarity
    pairs: Int[np.ndarray, "M 2"]
    distance: Float[np.ndarray, "M"]
    same: Bool[np.ndarray, "M"]
    unmatched_a: Int[np.ndarray, "_"]
    unmatched_b: Int[np.ndarray, "_"]
    aligned_a: Float[np.ndarray, "P_a k"]
    aligned_b: Float[np.ndarray, "P_b k"]
    spread: float


class _Points(NamedTuple):
    """Points to match: rows of the input, positions in k components, and numbers of unstable directions."""

    rows: Int[np.ndarray, "P"]
    positions: Float[np.ndarray, "P k"]
    n_unstable: Int[np.ndarray, "P"]


class _Match(NamedTuple):
    """Pairs of points."""

    first: Int[np.ndarray, "M"]
    second: Int[np.ndarray, "M"]
    distance: Float[np.ndarray, "M"]
    same: Bool[np.ndarray, "M"]


def match_points(
    points_a: Any,
    points_b: Any,
    states_a: Any,
    states_b: Any,
    *,
    kinds: Sequence[str] = ("fixed",),
    limit: float | int = 0.5,
    n_components: int | float | None = None,
    mask: Any = None,
    conditions: Any = None,
    permute: Permuted | None = None,
    n_permutations: int | float = PERMUTATIONS,
    rng: np.random.Generator | int | float = 0,
) -> MatchedPoints:
    r"""Match the fixed points of two networks one to one, and compare their stability.

    Each network has its own state space, but they share trials, whose states give, by least squares, an
    affine map from b's k leading principal components to a's, and one from a's to b's, as for `aligned_nrmse`. The
    distance of a point of a from a point of b is the root mean square of the two distances, in a's and in b's
    components, each in units of the spread there (the root mean squared distance of the states from their mean).
    Points are then matched so that the sum of distances is smallest, where a distance above `limit` counts as `limit`,
    as does an unmatched point; points farther apart than `limit` are not a pair.

    Parameters
    ----------
    points_a, points_b : FixedPoints, or (positions (P, N), n_unstable (P,))
        Result of `fixed_points`, with the inputs held in the same way; or positions of points, with the number of
        unstable directions of each.
    states_a : (T, B, N_a) array
        States of one network, in the space of its points: ``activity.currents``, not the rates.
    states_b : (T, B, N_b) array
        States of the other in the same trials. Points have no noise: run the trials without noise, or pass
        `conditions`, since noise draws mapped points towards the mean.
    kinds : sequence of {"fixed", "slow", "unconverged"}
        Kinds of `FixedPoints` to use.
    limit : float
        Largest distance of a pair.
    n_components : int, optional
        Number k of components of each. None takes the smaller of the two networks' numbers for 95 % of the variance.
        Positions of points in other directions do not count.
    mask : (T, B) array of bool or 0/1, or a pair of them, optional
        Steps that count, for instance those of an epoch; masked values may be NaN.
    conditions : (B,) array of labels, or a pair of them, optional
        See `linear_cka`.
    permute : {"trials", "conditions", "time"}, optional
        What the null exchanges, see `linear_cka`.
    n_permutations : int
        Number of permutations; 0 for none.
    rng : int or numpy Generator
        Source of permutations.

    Returns
    -------
    MatchedPoints
        Its `similarity` is 1 if all points have a partner of the same stability, 0 if none has; NaN if neither network
        has a point of these kinds, as there is nothing to match (and the search may have failed). For states without
        noise, its ceiling is 1.

    Raises
    ------
    TypeError
        If rates are given for states, or `points_a` or `points_b` is neither of the two.
    ValueError
        If shapes do not match, a value is not finite, a kind is unknown, `limit` is not positive, or for the reasons
        given at `aligned_nrmse`.

    Notes
    -----
    The assignment is that of Kuhn (1955), Nav Res Logist Q 2:83, with the distances cut off as in the metric of
    Schuhmacher, Vo & Vo (2008), IEEE Trans Signal Process 56:3447.

    The null fits the maps to states of `b` in exchanged trials: only similarity common to all trials remains. A
    single point near the mean of the states has a partner there in any network, hence the value 1 with a large p. The
    value has few levels, and p, for which ties count as at least as similar, is below 0.05 in fewer than 5 % of
    unrelated pairs.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> states = rng.normal(size=(5, 30, 3)) * [3.0, 2.0, 1.0]
    >>> points = (np.array([[-3.0, 0, 0], [0, 0, 0], [3.0, 0, 0]]), np.array([0, 1, 0]))
    >>> turned = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    >>> other = (points[0][::-1] @ turned, np.array([0, 1, 1]))  # its last point is not an attractor
    >>> found = match_points(points, other, states, states @ turned)
    >>> found.pairs.tolist(), found.same.tolist(), round(found.similarity.value, 2)
    ([[0, 2], [1, 1], [2, 0]], [False, True, True], 0.67)
    """
    names = [kinds] if isinstance(kinds, str) else list(kinds)
    if not names or not set(names) <= set(KINDS):
        raise ValueError(f"`kinds` must be one or more of {', '.join(KINDS)}; got {kinds!r:.60}.")
    if not 0 < (apart := real(limit, "`limit`")) < np.inf:
        raise ValueError(f"`limit` must be positive and finite, in units of the trajectories' spread; got {limit}.")
    for name, states in zip(NAMES, (states_a, states_b), strict=True):
        _refuse_rates(name, states)
    given = both(states_a, states_b, mask, conditions, NAMES)
    pair, (axes_a, axes_b) = _in_components(given, n_components)
    points = [
        _points("points_a", points_a, names, given.a, axes_a),
        _points("points_b", points_b, names, given.b, axes_b),
    ]
    makers: dict[str, Maker] = {"points": lambda one: Measure(lambda crossed: _fraction(crossed, points, apart))}
    # Halves of repeats have their own components, in which the points have no coordinates.
    value = judged(given._replace(repeats=None), makers, pair, permute, n_permutations, rng)["points"].similarity
    crossed = Crossed(pair)
    match = _match(crossed, points, apart)
    rows = [points[0].rows[match.first], points[1].rows[match.second]]
    return MatchedPoints(
        similarity=value._replace(ceiling=1.0),
        pairs=np.stack(rows, axis=1),
        distance=match.distance,
        same=match.same,
        unmatched_a=np.setdiff1d(points[0].rows, rows[0]),
        unmatched_b=np.setdiff1d(points[1].rows, rows[1]),
        aligned_a=points[0].positions,
        aligned_b=points[1].positions @ _maps(crossed)[0],
        spread=_spread(pair.x),
    )


def _refuse_rates(name: str, states: Any) -> None:
    if hasattr(states, "rates"):
        raise TypeError(
            f"`{name}` must be states (T, B, N), like the points; got {type(states).__name__}, whose rates would be "
            "used. Pass its currents."
        )


def _in_components(given: Both, n_components: int | float | None) -> tuple[Pair, list[Float[np.ndarray, "_ k"]]]:
    """States of both in their k leading principal components, and these components, (N, k) each."""
    with threadpool_limits(1, "blas"):
        sides = [measures.coordinates(name, values) for name, values in zip(NAMES, (given.a, given.b), strict=True)]
    whole = Pair(sides[0].scores, sides[1].scores, given.samples)
    default = min(_n_for(side.scores) for side in sides)
    k = n_components_of(default if n_components is None else n_components, whole, NAMES)
    return Pair(whole.x[:, :k], whole.y[:, :k], given.samples), [side.components[:, :k] for side in sides]


def _points(
    name: str, given: Any, kinds: list[str], states: Float[np.ndarray, "S N"], axes: Float[np.ndarray, "N k"]
) -> _Points:
    """Points of these kinds, with their positions along the axes, from the mean of the states."""
    n_units = states.shape[1]
    if isinstance(given, FixedPoints):
        rows = np.flatnonzero(np.isin(given.kind, kinds))
        positions, n_unstable = np.asarray(given.positions), np.asarray(given.n_unstable)
    elif isinstance(given, tuple | list) and len(given) == 2:
        positions, n_unstable = numbers(name, given[0]), whole_array(name, given[1])
        rows = np.arange(len(positions) if positions.ndim else 0)
    else:
        raise TypeError(
            f"`{name}` must be FixedPoints or a pair, positions (P, N) and numbers of unstable directions (P,); "
            f"got {type(given).__name__}."
        )
    if positions.ndim != 2 or positions.shape[1] != n_units:
        raise ValueError(
            f"`{name}` must have positions (P, N) in the space of the states, N = {n_units}; "
            f"got shape {positions.shape}. Without points, pass numpy.zeros((0, N))."
        )
    if n_unstable.shape != positions.shape[:1] or (
        n_unstable.size and (n_unstable.dtype.kind not in "iu" or n_unstable.min() < 0)
    ):
        raise ValueError(
            f"`{name}` must have a number of unstable directions, >= 0, for each of its {len(positions)} points; "
            f"got {n_unstable.dtype}, shape {n_unstable.shape}."
        )
    require_finite(name, positions[rows])
    return _Points(rows, (positions[rows] - states.mean(axis=0)) @ axes, n_unstable[rows])


def _n_for(scores: Float[np.ndarray, "S r"]) -> int:
    """Number of components that explain most of the variance."""
    variance = (scores**2).sum(axis=0)
    return int(np.argmax(np.cumsum(variance) >= (FRACTION - 1e-12) * variance.sum())) + 1


def _spread(scores: Float[np.ndarray, "S k"]) -> float:
    return float(np.sqrt((scores**2).sum() / len(scores)))


def _maps(crossed: Crossed) -> tuple[Float[np.ndarray, "k k"], Float[np.ndarray, "k k"]]:
    """Least squares from b's scores to a's, and from a's to b's; scores of different components are orthogonal."""
    x, y = crossed.pair.x, crossed.pair.y
    return crossed.total.T / (y**2).sum(axis=0)[:, None], crossed.total / (x**2).sum(axis=0)[:, None]


def _match(crossed: Crossed, points: list[_Points], limit: float) -> _Match:
    a, b = points
    to_a, to_b = _maps(crossed)
    in_a = cdist(a.positions, b.positions @ to_a) / _spread(crossed.pair.x)
    in_b = cdist(a.positions @ to_b, b.positions) / _spread(crossed.pair.y)
    distance = np.sqrt((in_a**2 + in_b**2) / 2.0)
    first, second = linear_sum_assignment(np.minimum(distance, limit))
    near = distance[first, second] <= limit
    first, second = first[near], second[near]
    return _Match(first, second, distance[first, second], a.n_unstable[first] == b.n_unstable[second])


def _fraction(crossed: Crossed, points: list[_Points], limit: float) -> float:
    total = len(points[0].rows) + len(points[1].rows)
    return 2.0 * int(_match(crossed, points, limit).same.sum()) / total if total else float("nan")
