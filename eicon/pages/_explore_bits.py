"""Quantisation of numbers to few bits."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt


class Quantised(NamedTuple):
    """Quantised numbers with one scale per row: ``low + step * codes``.

    Attributes
    ----------
    codes : (N, ...) unsigned integers
    scale : (N, 2) float32
        ``low`` and ``step`` of each row.
    """

    codes: UInt[np.ndarray, "N ..."]
    scale: Float[np.ndarray, "N 2"]


def quantise(values: Float[np.ndarray, "N ..."], bits: int, used: np.ndarray | None = None) -> Quantised:
    """Round each row to ``2 ** bits`` levels between its smallest and largest value.

    Parameters
    ----------
    values : (N, ...) array
    bits : 8 or 16
    used : (...) bool array, optional
        Entries to use; others become 0.

    Returns
    -------
    Quantised

    Examples
    --------
    >>> coded = quantise(np.array([[0.0, 0.5, 2.0], [3.0, 3.0, 3.0]]), 8)
    >>> coded.codes.tolist()
    [[0, 64, 255], [0, 0, 0]]
    """
    flat = values.reshape(len(values), -1)
    counted = np.ones(flat.shape[1], bool) if used is None else used.ravel()
    low, high = flat[:, counted].min(axis=1), flat[:, counted].max(axis=1)
    step = (high - low) / (2**bits - 1)
    scaled = (flat - low[:, None]) / np.where(step > 0, step, 1.0)[:, None]
    codes = np.where(counted, np.clip(np.rint(scaled), 0, 2**bits - 1), 0)
    scale = np.stack([low, step], axis=1).astype(np.float32)
    return Quantised(codes.astype(np.uint8 if bits == 8 else np.uint16).reshape(values.shape), scale)
