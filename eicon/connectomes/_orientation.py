"""Orientation of connectivity matrices: every reader declares it and returns rows = sources."""

from typing import Any, Literal, get_args

Rows = Literal["source", "target", "symmetric"]
TURNED = "turned on reading"
RECTANGULAR = (
    "Keep the units that are both sources and targets, or add up the columns of two hemispheres (ipsi + contra)"
)


def oriented(weights: Any, rows: str, origin: str, *, tolerance: float = 1e-6) -> tuple[Any, str]:
    """Return the matrix with rows = sources, and its provenance.

    Parameters
    ----------
    weights : array or scipy.sparse array, shape (n, n)
        Weights with the orientation of the file.
    rows : {"source", "target", "symmetric"}
        Meaning of a row of the file.
    origin : str
        The file.
    tolerance : float
        Largest asymmetry of a symmetric matrix, relative to its largest entry.

    Examples
    --------
    >>> import numpy as np
    >>> turned, provenance = oriented(np.array([[0.0, 1.0], [0.0, 0.0]]), "target", "a.csv")
    >>> turned.tolist(), provenance
    ([[0.0, 0.0], [1.0, 0.0]], 'a.csv: rows = target, turned on reading')
    """
    if rows not in get_args(Rows):
        raise ValueError(
            f"rows, the meaning of a row of {origin}, must be one of {', '.join(map(repr, get_args(Rows)))}; "
            f"got {rows!r}."
        )
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1]:
        ways = f"{RECTANGULAR}; or remove a row or column of names"
        ways = "From a stack of matrices choose one, or take their mean" if weights.ndim == 3 else ways
        raise ValueError(f"{origin} must contain a square matrix; got shape {weights.shape}. {ways}.")
    if rows == "symmetric" and (half := empty_half(weights)):
        raise ValueError(
            f"{origin} should be symmetric, but {half}: read it with rows='source', and call .symmetrised() to "
            "fill the other half."
        )
    if rows == "target":
        return weights.T, f"{origin}: rows = target, {TURNED}"
    if rows == "symmetric":
        largest = abs(weights - weights.T).max()
        if not largest <= tolerance * abs(weights).max():
            raise ValueError(
                f"{origin} should be symmetric, but differs from its transpose by up to {largest:g}; "
                "pass rows='source' or rows='target'."
            )
        return weights, f"{origin}: symmetric"
    return weights, f"{origin}: rows = source, as in the file"


def empty_half(weights: Any, fewest: int = 1) -> str:
    """Describe the empty side of the diagonal, if only the other side has connections; else return ""."""
    source, target = weights.nonzero()
    above, below = int((source < target).sum()), int((source > target).sum())
    if min(above, below) or max(above, below) < fewest:
        return ""
    return f"all is zero {'below' if above else 'above'} the diagonal"
