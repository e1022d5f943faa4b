"""Initial weights of the deep-learning literature, for masked and signed matrices."""

import jax
import numpy as np

from .._key import as_key
from ._connectivity import Connectivity
from ._initial import numpy_generator

SCHEMES: tuple[str, ...] = ("default", "he", "xavier")
"""Names that `uniform_weights` accepts."""


def uniform_weights(connectivity: Connectivity, scheme: str, *, n_rec: int | float, key: jax.Array | int) -> np.ndarray:
    r"""Draw weights of existing connections uniformly within the bound of a scheme.

    ===========  ========================================================================
    scheme       bound of the weight from :math:`i` to :math:`j`
    ===========  ========================================================================
    ``default``  :math:`1 / \sqrt{N}` for every matrix, as in PyTorch's recurrent networks
    ``he``       :math:`\sqrt{6 / k_j}` (He et al. 2015, fan-in)
    ``xavier``   :math:`\sqrt{6 / (k_j + l_i)}` (Glorot & Bengio 2010)
    ===========  ========================================================================

    where unit :math:`j` has :math:`k_j` sources and unit :math:`i` has :math:`l_i` targets in this matrix:
    absent connections do not count. Excitatory and inhibitory rows use the magnitudes of the drawn values.

    Parameters
    ----------
    connectivity : Connectivity
    scheme : str
        One of `SCHEMES`.
    n_rec : int
        Number :math:`N` of recurrent units of the network.
    key : jax.Array

    Returns
    -------
    ndarray of float64, shape (n_pre, n_post)
        Effective weights ``[pre, post]``; fixed entries keep their value.

    Raises
    ------
    ValueError
        If the scheme is unknown.
    """
    if scheme not in SCHEMES:
        raise ValueError(f"unknown initialisation {scheme!r}; allowed: {', '.join(SCHEMES)}.")
    exists = connectivity.exists
    sources = np.maximum(exists.sum(axis=0, keepdims=True), 1)
    targets = np.maximum(exists.sum(axis=1, keepdims=True), 1)
    bound = {
        "default": np.broadcast_to(1 / np.sqrt(n_rec), exists.shape),
        "he": np.broadcast_to(np.sqrt(6 / sources), exists.shape),
        "xavier": np.sqrt(6 / (sources + targets)),
    }[scheme]
    drawn = bound * numpy_generator(as_key(key)).uniform(-1, 1, connectivity.shape)
    sign = connectivity.sign[:, None]
    return np.where(sign == 0, drawn, sign * np.abs(drawn)) * connectivity.mask + connectivity.fixed


def uniform_bias(n: int, n_rec: int, *, key: jax.Array) -> np.ndarray:
    r"""Draw biases in :math:`\pm 1 / \sqrt{N}`, shape (n,)."""
    return numpy_generator(key).uniform(-1, 1, n) / np.sqrt(n_rec)
