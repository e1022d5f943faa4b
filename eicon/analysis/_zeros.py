"""Zeros of a field: search from many candidates, merging of equal ends, and a test whether each is a zero."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import linalg
from scipy.spatial.distance import cdist

from . import _newton

SLOWEST = 1e-3
"""``|J^T F| / |F|`` (in 1/tau) below which a point that moves counts as a local minimum of the speed."""
CHUNK = 64
"""Number of points evaluated at once."""
NEWTON_STEPS = 40
REACH = 0.1
"""Largest distance from the end of a search to the zero, as a fraction of the candidates' spread."""


class Search:
    """Search for zeros of the field ``F(x) = (step(x) - x) scale``, with the criteria that distinguish two of them."""

    def __init__(
        self,
        step: Callable[[Any], Any],
        scale: float,
        starts: Float[np.ndarray, "M N"],
        slow: float,
        marginal: float,
        same_within: float,
    ):
        self.field, self.follow, self.marginal = _newton.field_of(step, scale), slow, marginal
        self.chunk = min(CHUNK, len(starts))
        away = np.linalg.norm(starts - np.median(starts, axis=0), axis=1)
        spread = float(np.median(away[away > 0])) if (away > 0).any() else 0.0
        self.within, self.reach = same_within * spread, REACH * (spread or 1.0)

    def find(
        self,
        starts: Float[np.ndarray, "M N"],
        *,
        tol: float,
        max_steps: int,
        batch: int,
        slow: float = 0.0,
        progress: bool = False,
    ) -> Float[np.ndarray, "M N"]:
        """Return where all points end in descending the speed, along directions not slower than `slow`."""
        if not len(starts):
            return starts
        filled = starts[np.arange(max(batch, len(starts))) % len(starts)]  # a single size, compiled once
        slow = max(slow, self.follow)
        ends = _newton.find_zeros(
            self.field, filled, tol=tol, slow=slow, max_steps=max_steps, batch=batch, progress=progress
        )
        return ends[: len(starts)]

    def speed(self, points: Float[np.ndarray, "P N"]) -> Float[np.ndarray, "P"]:
        """``|F|`` at every point."""
        return self._evaluated(_newton.speed, points)[0]

    def slow(self, points: Float[np.ndarray, "P N"]) -> Bool[np.ndarray, "P"]:
        """Return whether points are local minima of the speed, or move along neutral directions only."""
        norm, slope = self._evaluated(_newton.speed_and_slope, points)
        return slope <= max(self.follow, SLOWEST) * norm

    def around(self, points: Float[np.ndarray, "P N"]) -> tuple[Float[np.ndarray, "P N"], Float[np.ndarray, "P N N"]]:
        """Return F and its Jacobian at every point."""
        values, matrices = self._evaluated(_newton.linearised, points)
        return values, matrices

    def _evaluated(self, function: Callable[..., Any], x: np.ndarray) -> list[np.ndarray]:
        """Evaluate rows of x in chunks of one size, the last one padded, so that it is compiled once."""
        n = max(len(x), 1)
        filled = np.resize(x, (n + -n % self.chunk, x.shape[1]))
        parts = [function(self.field, filled[at : at + self.chunk]) for at in range(0, len(filled), self.chunk)]
        return [np.concatenate(several)[: len(x)] for several in zip(*parts, strict=True)]

    def merged(
        self, points: Float[np.ndarray, "M N"], kind: Int[np.ndarray, "M"]
    ) -> tuple[Float[np.ndarray, "P N"], Int[np.ndarray, "P"], Int[np.ndarray, "M"]]:
        """Return distinct points with their kinds, and for each of `points` the index of its distinct point."""
        kept, point_of = distinct(points, self.speed(points), kind, self.within, self._still_between)
        return points[kept], kind[kept], point_of

    def _still_between(
        self, first: Float[np.ndarray, "K N"], second: Float[np.ndarray, "K N"]
    ) -> Bool[np.ndarray, "K"]:
        """Return whether the network is as slow between two points as at them.

        Between zeros at a distance d, of which one repels and the other attracts, the speed is about a tenth of d times
        the difference of their eigenvalues; on a line of zeros, and around a single one, it equals that of the ends.
        """
        share = 0.382  # not the middle, where another zero may lie by symmetry
        between = self.speed(first + share * (second - first))
        at_ends = np.maximum(self.speed(first), self.speed(second))
        return between <= at_ends + max(self.marginal, self.follow) / 8 * np.linalg.norm(second - first, axis=1)

    def converged(self, starts: Float[np.ndarray, "P N"]) -> tuple[Float[np.ndarray, "P N"], Bool[np.ndarray, "P"]]:
        """Return the zeros that Newton steps from `starts` converge to, or else the starts, and whether they converge.

        Steps converge if the speed halves with each step, down to rounding, within the allowed distance.
        """
        now, holds = starts.copy(), np.zeros(len(starts), dtype=bool)
        if not len(starts):
            return now, holds
        least, before, active = self._rounding(starts), np.full(len(starts), np.inf), np.arange(len(starts))
        for _ in range(NEWTON_STEPS):
            values, matrices = self.around(now[active])
            norm = np.linalg.norm(values, axis=1)
            holds[active] = norm <= least[active]
            following = []
            for i, value, matrix, speed in zip(active, values, matrices, norm, strict=True):
                step = linalg.lstsq(matrix, -value, cond=1e-8)[0]
                removed = np.linalg.norm(value + matrix @ step) <= 0.5 * speed
                near = np.linalg.norm(now[i] + step - starts[i]) <= self.reach
                if not holds[i] and speed <= 0.5 * before[i] and removed and near:
                    now[i] += step
                    following.append(i)
            before[active] = norm
            active = np.array(following, dtype=int)
            if not active.size:
                break
        return np.where(holds[:, None], now, starts), holds

    def _rounding(self, points: Float[np.ndarray, "P N"]) -> Float[np.ndarray, "P"]:
        """Return the speed due to rounding alone at each point: the remainder of a tiny move after its linear part."""
        values, matrices = self.around(points)
        size = 1.0 + np.linalg.norm(points, axis=1)
        move = np.random.default_rng(0).normal(size=points.shape)
        move *= (1e-9 * size / np.linalg.norm(move, axis=1))[:, None]
        moved, _ = self.around(points + move)
        left = moved - values - np.einsum("pij,pj->pi", matrices, move)
        return np.maximum(1e-13 * size, 10.0 * np.linalg.norm(left, axis=1))


def distinct(
    ends: Float[np.ndarray, "M N"],
    speed: Float[np.ndarray, "M"],
    kind: Int[np.ndarray, "M"],
    within: float,
    still_between: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> tuple[Int[np.ndarray, "P"], Int[np.ndarray, "M"]]:
    """Return the ends that represent the others, and the representative of each: the best converged one nearby.

    An end without neighbours represents itself: isolated points are the aim of the search, not outliers. Ends of
    different kinds stay apart, or an unconverged one could represent a fixed point. Ends between which the network
    moves are sorted again among themselves.
    """
    point_of = np.full(len(ends), -1)
    kept: list[int] = []
    order = np.lexsort((speed, kind))
    while (point_of < 0).any():
        waiting = point_of < 0
        for best in order[waiting[order]]:
            if point_of[best] < 0:
                free = np.flatnonzero((point_of < 0) & (kind == kind[best]))
                near = free[cdist(ends[best][None], ends[free])[0] <= within]
                point_of[near], point_of[best] = len(kept), len(kept)
                kept.append(int(best))
        stands = np.array(kept)[point_of]
        joined = np.flatnonzero(waiting & (stands != np.arange(len(ends))))
        if joined.size:
            point_of[joined[~still_between(ends[stands[joined]], ends[joined])]] = -1
    return np.array(kept), point_of
