"""Angles on a ring: units, distances, and the position and width of a bump."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike


class Bump(NamedTuple):
    """Position and size of activity on a ring.

    Attributes
    ----------
    center : float array
        Angle of the population vector ``sum_j y_j exp(i theta_j)``, rad, in (-pi, pi]; NaN where nothing is active.
    width : float array
        Standard deviation about the centre, ``sqrt(sum_j y_j d_j^2 / sum_j y_j)`` with the distance d_j on the
        ring, rad; NaN where nothing is active.
    height : float array
        Largest value.
    """

    center: Float[np.ndarray, "*shape"]
    width: Float[np.ndarray, "*shape"]
    height: Float[np.ndarray, "*shape"]


def ring_angles(n: int) -> Float[np.ndarray, "N"]:
    """Return equally spaced, different angles from -pi: ``-pi + 2 pi j / n``, rad."""
    return -np.pi + 2.0 * np.pi * np.arange(n) / n


def ring_distance(first: ArrayLike, second: ArrayLike) -> Float[np.ndarray, "*shape"]:
    """Return the signed distance ``first - second`` along the shorter arc, rad, in [-pi, pi).

    Parameters
    ----------
    first, second : array
        Angles in rad, of the same shape.

    Returns
    -------
    array of that shape

    Examples
    --------
    >>> ring_distance([3.0, 1.0], [-3.0, 0.5]).round(3).tolist()
    [-0.283, 0.5]
    """
    difference = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    return np.asarray((difference + np.pi) % (2.0 * np.pi) - np.pi)


def bump(activity: ArrayLike) -> Bump:
    """Locate a bump on a ring whose units have the angles ``-pi + 2 pi j / N``.

    Parameters
    ----------
    activity : (..., N) array
        Activity >= 0, units last; for instance (T, B, N).

    Returns
    -------
    Bump
        Fields of shape (...).

    Raises
    ------
    ValueError
        If there are fewer than 3 units, or activity is negative or not finite.

    Examples
    --------
    >>> bump([0.0, 0.0, 1.0, 0.0]).center
    array(0.)
    """
    values = np.asarray(activity, dtype=np.float64)
    if values.ndim < 1 or values.shape[-1] < 3:
        raise ValueError(f"`activity` must have at least 3 units on its last axis; got shape {values.shape}.")
    # The input of units may undershoot zero by rounding.
    if not np.isfinite(values).all() or (values < -1e-6 * np.abs(values).max(initial=1.0)).any():
        raise ValueError("`activity` must be finite and >= 0; got negative values, NaN or infinity.")
    angles, total = ring_angles(values.shape[-1]), values.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        vector = values @ np.exp(1j * angles)
        # A uniform pattern sums to rounding errors, and has no position.
        center = np.where(np.abs(vector) > 1e-9 * total, np.angle(vector), np.nan)
        away = ring_distance(angles, center[..., None])
        width = np.sqrt(np.sum(values * away**2, axis=-1) / total)
    return Bump(center, np.asarray(width), np.asarray(values.max(axis=-1)))
