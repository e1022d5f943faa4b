"""Which way round a file's matrix is: every reader names it, and hands on rows = sources."""

from typing import Literal, get_args

import numpy as np

Rows = Literal["source", "target", "symmetric"]
TURNED = "turned on reading"


def oriented(weights: np.ndarray, rows: str, origin: str, *, tolerance: float = 1e-6) -> tuple[np.ndarray, str]:
    """Matrix with rows = sources, and the provenance that says how it came to be so.

    Parameters
    ----------
    weights : array, shape (n, n)
        As in the file.
    rows : {"source", "target", "symmetric"}
        What a row of the file is.
    origin : str
        The file.
    tolerance : float
        Largest asymmetry of a symmetric matrix, relative to its largest entry.

    Examples
    --------
    >>> turned, provenance = oriented(np.array([[0.0, 1.0], [0.0, 0.0]]), "target", "a.csv")
    >>> turned.tolist(), provenance
    ([[0.0, 0.0], [1.0, 0.0]], 'a.csv: rows = target, turned on reading')
    """
    if rows not in get_args(Rows):
        raise ValueError(
            f"rows must be one of {', '.join(map(repr, get_args(Rows)))}: what a row of {origin} is; got {rows!r}."
        )
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1]:
        raise ValueError(f"{origin} must hold a square matrix; got shape {weights.shape}.")
    if rows == "target":
        return weights.T, f"{origin}: rows = target, {TURNED}"
    if rows == "symmetric":
        largest = np.abs(weights - weights.T).max()
        if not largest <= tolerance * np.abs(weights).max():
            raise ValueError(
                f"{origin} was to be symmetric, but differs from its transpose by up to {largest:g}; "
                "say rows='source' or rows='target'."
            )
        return weights, f"{origin}: symmetric"
    return weights, f"{origin}: rows = source, as in the file"
