"""Columns of a compound eye: a hexagon of hexagonal facets in oblique coordinates (u, v)."""

import numpy as np
from jaxtyping import Float64, Int32

Columns = Int32[np.ndarray, "n 2"]


def columns(extent: int) -> Columns:
    """Return coordinates (u, v) of the 3 e (e + 1) + 1 columns within ``extent`` steps of the centre, by u, then v.

    Examples
    --------
    >>> columns(1).tolist()
    [[-1, 0], [-1, 1], [0, -1], [0, 0], [0, 1], [1, -1], [1, 0]]
    """
    u, v = np.mgrid[-extent : extent + 1, -extent : extent + 1].reshape(2, -1)
    return np.stack([u, v], axis=1)[np.abs(u + v) <= extent].astype(np.int32)


def positions(uv: np.ndarray) -> Float64[np.ndarray, "n 2"]:
    """Return positions of columns in the plane: x to the right, y upwards, in units of the distance of neighbours.

    The orientation is that of Lappalainen et al. (2024): u counts columns downwards, v towards the lower right.

    Examples
    --------
    >>> positions(np.array([[1, 0], [0, 1]])).round(3).tolist()
    [[0.0, -1.0], [0.866, -0.5]]
    """
    return np.asarray(uv) @ np.array([[0.0, -1.0], [np.sqrt(0.75), -0.5]])
