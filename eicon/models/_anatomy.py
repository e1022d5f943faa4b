"""Initial weights of a network from the weights of a wiring diagram."""

import numpy as np
from numpy.typing import ArrayLike

REMAPS: tuple[str, ...] = ("magnitude", "signed", "off")
"""Names that `remap` accepts."""


def remap(weights: ArrayLike, anatomy: ArrayLike, how: str = "magnitude") -> np.ndarray:
    """Assign the values of initial weights to connections in the order of their anatomical weights.

    ``magnitude``: larger anatomical weights get larger magnitudes; every connection keeps its sign, which preserves
    Dale's law. ``signed``: the published variant (Goulas et al. 2021), which sorts signed values and thereby
    turns the weakest connections into strong inhibition. ``off``: unchanged.

    Parameters
    ----------
    weights : array, shape (N, N)
        Initial effective weights ``[pre, post]``.
    anatomy : array, shape (N, N)
        Anatomical weights ``[source, target]``, non-negative; connections of equal weight share their values
        in the order of the matrix.
    how : {"magnitude", "signed", "off"}

    Returns
    -------
    ndarray, shape (N, N)
        The same values, rearranged; zero where the anatomy has no connection.

    Raises
    ------
    ValueError
        If ``how`` is unknown, shapes differ, or a weight is non-zero where the anatomy has no connection.

    Examples
    --------
    >>> anatomy = np.array([[0.0, 3.0], [1.0, 2.0]])
    >>> remap([[0.0, 0.1], [-0.5, 0.3]], anatomy)
    array([[ 0. ,  0.5],
           [-0.1,  0.3]])
    """
    weights, anatomy = np.asarray(weights, np.float64), np.asarray(anatomy, np.float64)
    if how not in REMAPS:
        raise ValueError(f"unknown remap {how!r}; allowed: {', '.join(REMAPS)}.")
    if weights.shape != anatomy.shape:
        raise ValueError(f"weights and anatomy must have the same shape; got {weights.shape} and {anatomy.shape}.")
    connected = anatomy > 0
    if (weights[~connected] != 0).any():
        raise ValueError(
            f"{int((weights[~connected] != 0).sum())} weights are non-zero where the anatomy has no connection; "
            "is one of the two matrices transposed?"
        )
    remapped = np.zeros_like(weights)
    remapped[connected] = handed_out(weights[connected], anatomy[connected], how)
    return remapped


def handed_out(values: np.ndarray, anatomy: np.ndarray, how: str) -> np.ndarray:
    """Assign initial weights (M,) to connections in the order of anatomical weights (M,); see `remap`."""
    if how not in REMAPS:
        raise ValueError(f"unknown remap {how!r}; allowed: {', '.join(REMAPS)}.")
    if how == "off":
        return values.copy()
    order = np.argsort(anatomy, kind="stable")
    handed = np.empty_like(values)
    handed[order] = np.sort(np.abs(values) if how == "magnitude" else values)
    return np.where(values < 0, -handed, handed) if how == "magnitude" else handed
