"""Milestones of losses: how fast and how far they fell."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import numbers

FALL = 0.99


class Milestones(NamedTuple):
    """Milestones of loss curves (..., E); epochs are counted from 1.

    Attributes
    ----------
    min_loss : (...) smallest loss
    min_epoch : (...) epoch at which the smallest loss was first reached
    fall_epoch : (...) first epoch at which 99 % of the fall from the first loss to the smallest was reached
    """

    min_loss: np.ndarray
    min_epoch: np.ndarray
    fall_epoch: np.ndarray


def milestones(loss: ArrayLike) -> Milestones:
    """Find the smallest loss of each curve, and when it, and 99 % of the way to it, were reached.

    Parameters
    ----------
    loss : array, shape (..., E)
        Loss after each epoch. NaN is left out; a curve without any number gives NaN.

    Raises
    ------
    ValueError
        For curves without an epoch.

    Examples
    --------
    >>> [float(value) for value in milestones([1.0, 0.104, 0.1, 0.2])]
    [0.1, 3.0, 2.0]
    """
    loss = numbers("loss", loss)
    if loss.ndim == 0 or loss.shape[-1] == 0:
        raise ValueError(f"`loss` must contain at least one epoch; got shape {loss.shape}.")
    known = np.where(np.isfinite(loss), loss, np.inf)
    low = known.min(axis=-1)
    exists = np.isfinite(low)
    first_known = np.argmax(np.isfinite(loss), axis=-1)
    start = np.take_along_axis(known, first_known[..., None], axis=-1)[..., 0]
    with np.errstate(invalid="ignore"):
        target = start - FALL * (start - low)
    return Milestones(
        np.where(exists, low, np.nan),
        np.where(exists, known.argmin(axis=-1) + 1.0, np.nan),
        np.where(exists, np.argmax(known <= target[..., None], axis=-1) + 1.0, np.nan),
    )
