"""The flow of a network in a plane of its state space: velocity, speed and nullclines."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from .._numbers import real, whole
from ._arrays import numbers, require_finite, require_function


class PhasePlane(NamedTuple):
    """A flow on a grid of n x n points of the plane ``origin + x axes[0] + y axes[1]``.

    Attributes
    ----------
    x, y : (n,) float
        Coordinates of the grid along the two axes.
    velocity : (n, n, 2) float
        dx/dt projected on the two axes, per ms; first index y, second x.
    speed : (n, n) float
        ``q = |dx/dt|^2 / 2`` of the whole N-dimensional velocity, including components outside the plane.
    nullclines : two (s, 2, 2) float arrays, or None
        Where the first and where the second unit does not change, as unordered line segments from (x, y) to (x, y).
        None unless N = 2: in a larger space, neither is a line in this plane.
    origin : (N,) float
        Point of the plane at x = y = 0.
    axes : (2, N) float
        Orthonormal rows.
    """

    x: Float[np.ndarray, "n"]
    y: Float[np.ndarray, "n"]
    velocity: Float[np.ndarray, "n n 2"]
    speed: Float[np.ndarray, "n n"]
    nullclines: tuple[Float[np.ndarray, "s0 2 2"], Float[np.ndarray, "s1 2 2"]] | None
    origin: Float[np.ndarray, "N"]
    axes: Float[np.ndarray, "2 N"]

    def project(self, states: ArrayLike) -> Float[np.ndarray, "... 2"]:
        """Return the coordinates (..., 2) in the plane of states (..., N), such as trajectories or fixed points.

        Raises
        ------
        ValueError
            If the last axis is not N.
        """
        values = numbers("states", states)
        if values.ndim == 0 or values.shape[-1] != self.origin.size:
            raise ValueError(
                f"`states` must have N = {self.origin.size} units on the last axis; got shape {values.shape}."
            )
        return (values - self.origin) @ self.axes.T


def phase_plane(
    flow: Callable[[Any], Any],
    origin: ArrayLike,
    axes: ArrayLike,
    extent: tuple[float | int, float | int, float | int, float | int],
    *,
    n: int | float = 21,
) -> PhasePlane:
    """Evaluate a flow on a grid in a plane of the state space.

    Parameters
    ----------
    flow : callable
        Function from states (M, N) to their velocities dx/dt (M, N), per ms; in numpy or JAX.
    origin : (N,) array
        A point of the plane, for instance a fixed point or `PCA.mean`.
    axes : (2, N) array
        Orthonormal directions: ``numpy.eye(2)`` for two units, ``PCA.components[:2]`` for the plane of a network.
    extent : (x_min, x_max, y_min, y_max)
        Part of the plane, in coordinates along the axes from `origin`.
    n : int
        Points of the grid along each axis, at least 2.

    Returns
    -------
    PhasePlane

    Raises
    ------
    ValueError
        If shapes do not match, axes are not orthonormal, the extent is empty, or a velocity is not finite.

    Notes
    -----
    q is that of Sussillo & Barak (2013), Neural Comput 25:626. Nullclines are the zeros of the velocity interpolated
    linearly within triangles between the points, so that they get finer with `n`.

    Examples
    --------
    >>> import numpy as np
    >>> def decay(x):
    ...     return -x / 10.0
    >>> plane = phase_plane(decay, [0.0, 0.0], np.eye(2), (-1, 1, -2, 2), n=3)
    >>> plane.velocity[2, 0].tolist(), plane.speed[1, 1].tolist()
    ([0.1, -0.2], 0.0)
    """
    require_function("flow", flow, "For a network, pass lambda x: (net.held(inputs)(x) - x) / net.dt.")
    point, directions = numbers("origin", origin), numbers("axes", axes)
    if point.ndim != 1 or directions.shape != (2, point.size):
        raise ValueError(
            f"`origin` must be (N,) and `axes` (2, N), as rows; got {point.shape} and {directions.shape}. "
            "Of principal components, pass the first two rows."
        )
    # 1e-5 accepts axes that were orthonormal in float32.
    if not np.allclose(directions @ directions.T, np.eye(2), rtol=0.0, atol=1e-5):
        raise ValueError(
            "`axes` must be orthonormal rows, or projected velocities would not be those of projected states; got "
            f"scalar products {np.round(directions @ directions.T, 3).tolist()}. Use numpy.linalg.qr(axes.T)[0].T."
        )
    n = whole(n, "`n`")
    if len(extent) != 4:
        raise ValueError(f"`extent` must be (x_min, x_max, y_min, y_max); got {extent!r:.80}.")
    low_x, high_x, low_y, high_y = (real(edge, "`extent`") for edge in extent)
    if not (low_x < high_x and low_y < high_y and np.isfinite(extent).all()) or n < 2:
        raise ValueError(
            f"`extent` must be (x_min, x_max, y_min, y_max) and `n` at least 2; got {tuple(extent)} and {n}."
        )
    x, y = np.linspace(low_x, high_x, n), np.linspace(low_y, high_y, n)
    across, up = np.meshgrid(x, y)
    states = point + across.reshape(-1, 1) * directions[0] + up.reshape(-1, 1) * directions[1]
    velocities = numbers("flow", flow(states))
    if velocities.shape != states.shape:
        raise ValueError(
            f"`flow` must return velocities of the shape of the states, (M, N) = {states.shape}; got "
            f"{velocities.shape}. Vectorise a function of one state."
        )
    require_finite("flow", velocities)
    # one field per unit, even if the axes of two units are rotated
    units = [one.reshape(n, n) for one in velocities.T] if point.size == 2 else []
    return PhasePlane(
        x,
        y,
        (velocities @ directions.T).reshape(n, n, 2),
        0.5 * np.sum(velocities**2, axis=1).reshape(n, n),
        (_zeros(units[0], x, y), _zeros(units[1], x, y)) if units else None,
        point,
        directions,
    )


def _zeros(field: Float[np.ndarray, "n n"], x: Float[np.ndarray, "n"], y: Float[np.ndarray, "n"]) -> np.ndarray:
    """Return lines (s, 2, 2) along which a field is zero, each within half of a square of the grid."""
    across, up = np.meshgrid(x, y)
    points = np.stack([across, up], axis=-1)
    corners = [(slice(None, -1), slice(None, -1)), (slice(None, -1), slice(1, None))]
    corners += [(slice(1, None), slice(1, None)), (slice(1, None), slice(None, -1))]
    lines = []
    for triangle in ((0, 1, 2), (0, 2, 3)):
        values = np.stack([field[corners[i]].reshape(-1) for i in triangle], axis=1)
        places = np.stack([points[corners[i]].reshape(-1, 2) for i in triangle], axis=1)
        above = values > 0.0
        mixed = (above.any(axis=1)) & (~above).any(axis=1)
        values, places, above = values[mixed], places[mixed], above[mixed]
        # One corner differs in sign; the line crosses the two edges that meet there.
        alone = np.argmax(above == (above.sum(axis=1) == 1)[:, None], axis=1)
        rows = np.arange(alone.size)
        ends = []
        for other in ((alone + 1) % 3, (alone + 2) % 3):
            a, b = values[rows, alone], values[rows, other]
            share = (a / (a - b))[:, None]
            ends.append(places[rows, alone] + share * (places[rows, other] - places[rows, alone]))
        lines.append(np.stack(ends, axis=1))
    found = np.concatenate(lines)
    return found[(found[:, 0] != found[:, 1]).any(axis=1)]  # a zero on a point of the grid is not a line
