"""Initial weights: gamma-distributed and balanced under Dale's law, with a given spectral radius."""

import jax
import numpy as np
from scipy.optimize import brentq

from .._key import as_key
from ._connectivity import Connectivity
from ._distributions import GAMMA_SHAPE, draw_sizes

RECURRENT_SHAPE, INPUT_SHAPE = 0.4, 0.3
"""Shapes of the gamma distributions in the slow start, whose standard deviations are 1.6 and 1.8 of the mean."""
INHIBITION = 1.15
"""Strength of inhibition relative to excitation in the slow start."""


def numpy_generator(key: jax.Array) -> np.random.Generator:
    """Make a numpy generator seeded by a JAX key, for set-up code that need not be compiled."""
    return np.random.default_rng(np.asarray(jax.random.key_data(key)).astype(np.uint32).tolist())


def spectral_radius(matrix: np.ndarray) -> float:
    """Return the largest modulus of an eigenvalue of a square matrix (N, N), in float64.

    Parameters
    ----------
    matrix : array, shape (N, N)

    Returns
    -------
    float
    """
    return float(np.abs(np.linalg.eigvals(np.asarray(matrix, np.float64))).max())


def recurrent_weights(
    connectivity: Connectivity, radius: float, *, key: jax.Array | int, distribution: str | None = None
) -> np.ndarray:
    r"""Draw initial recurrent weights, whose effective matrix (signs, mask and fixed entries) has radius ``radius``.

    Signed rows are drawn from a gamma distribution (shape 2; Song et al. 2016), free rows from a normal one, or
    both from the given ``distribution`` (on free rows with random signs).
    When both types exist the matrix is balanced: every unit receives equal excitation and inhibition
    (:math:`\sum_i W_{ij} = 0`), and all units of a type have the same total output. Uniform activity then cancels,
    and the mean of the matrix has no eigenvalue outside the circle that its variance predicts.

    Parameters
    ----------
    connectivity : Connectivity, square
    radius : float
        Spectral radius of the effective matrix; > 0.
    key : jax.Array
    distribution : {"gamma", "lognormal", "normal", "uniform"}, optional
        See `eicon.models.initial.DISTRIBUTIONS`.

    Returns
    -------
    ndarray of float64, shape (N, N)
        Effective weights ``[pre, post]``.

    Raises
    ------
    ValueError
        If the radius is not positive, or cannot be reached (the connections contain no loop, or the fixed
        entries alone exceed it), or the distribution is unknown.
    """
    if not radius > 0:
        raise ValueError(f"spectral_radius must be > 0; got {radius}.")
    if not connectivity.trainable:
        return connectivity.fixed.astype(np.float64)
    drawn = _draw(connectivity, key, distribution)
    if distribution is None:  # Gamma magnitudes of scale 1; free weights of standard deviation 1.
        drawn = np.where(connectivity.sign[:, None] == 0, drawn, GAMMA_SHAPE * drawn)
    weights = _balance(drawn, connectivity)
    fixed = connectivity.fixed.astype(np.float64)
    if fixed.any():
        return fixed + _scale_beside_fixed(weights, fixed, radius) * weights
    return with_radius(weights, radius)


def with_radius(weights: np.ndarray, radius: float) -> np.ndarray:
    """Scale a square matrix to a spectral radius.

    Parameters
    ----------
    weights : array, shape (N, N)
    radius : float
        > 0.

    Returns
    -------
    array, shape (N, N)

    Raises
    ------
    ValueError
        If the radius is not positive, or the matrix contains no loop.
    """
    if not radius > 0:
        raise ValueError(f"spectral_radius must be > 0; got {radius}.")
    current = spectral_radius(weights)
    if current < 1e-9 * np.abs(weights).max():
        raise ValueError(
            f"spectral_radius {radius} cannot be reached: the recurrent connections contain no loop, "
            "so every eigenvalue is zero."
        )
    return weights * (radius / current)


def slow_recurrent_weights(
    connectivity: Connectivity, *, key: jax.Array, distribution: str | None = None
) -> np.ndarray:
    """Draw the trainable recurrent weights of the slow start, before scaling to the edge of stability.

    Magnitudes are drawn from a gamma distribution of shape 0.4 unless a ``distribution`` is given; excitation and
    inhibition are balanced as in `recurrent_weights`; inhibition and the excitation of inhibitory units are then made
    1.15 times as strong, so that the mean activities of both types return to their resting point. The largest real part
    of an eigenvalue is 1 (the largest modulus 10, if that is more); without loops, drawn magnitudes are unchanged.
    """
    weights = _balance(_draw(connectivity, key, distribution, shape=RECURRENT_SHAPE), connectivity)
    excitatory, inhibitory = connectivity.sign > 0, connectivity.sign < 0
    weights[inhibitory] *= INHIBITION
    weights[np.ix_(excitatory, inhibitory)] *= INHIBITION
    eigenvalues = np.linalg.eigvals(weights)
    lead = max(eigenvalues.real.max(), 0.1 * np.abs(eigenvalues).max())
    return weights / lead if lead > 1e-9 * np.abs(weights).max(initial=1.0) else weights


def feedforward_weights(
    connectivity: Connectivity, *, key: jax.Array | int, distribution: str | None = None
) -> np.ndarray:
    """Draw initial input or readout weights, shape (n_pre, n_post).

    Signed rows: gamma-distributed with mean ``1 / n`` in absolute value; free rows: normal with standard
    deviation ``1 / sqrt(n)``, where ``n`` is the number of sources of each target. A ``distribution`` replaces
    both.
    """
    weights = _draw(connectivity, key, distribution)
    sources = np.maximum(connectivity.mask.sum(axis=0, keepdims=True), 1)
    scale = np.where(connectivity.sign[:, None] == 0, 1 / np.sqrt(sources), 1 / sources)
    return weights * scale + connectivity.fixed


def slow_input_weights(connectivity: Connectivity, *, key: jax.Array, distribution: str | None = None) -> np.ndarray:
    """Draw initial input weights of the slow start, with mean square ``1 / n`` in signed and free rows.

    Magnitudes of signed rows come from a gamma distribution of shape 0.3, which makes the inputs of units differ.
    """
    weights = _draw(connectivity, key, distribution, shape=INPUT_SHAPE)
    sources = np.maximum(connectivity.mask.sum(axis=0, keepdims=True), 1)
    square = np.mean(weights[connectivity.mask] ** 2) if connectivity.trainable else 1.0
    return weights / np.sqrt(square * sources) + connectivity.fixed


def _draw(
    connectivity: Connectivity, key: jax.Array | int, distribution: str | None, shape: float = GAMMA_SHAPE
) -> np.ndarray:
    rng = numpy_generator(as_key(key))
    if distribution is None:
        sizes = rng.gamma(shape, 1 / shape, size=connectivity.shape)
    else:
        sizes = draw_sizes(distribution, connectivity.shape, rng)
    normal = rng.standard_normal(connectivity.shape)
    free = normal if distribution is None else np.sign(normal) * sizes
    sign = connectivity.sign[:, None]
    return np.where(sign == 0, free, sign * sizes) * connectivity.mask


def _balance(weights: np.ndarray, connectivity: Connectivity, sweeps: int = 100) -> np.ndarray:
    excitatory, inhibitory = connectivity.sign > 0, connectivity.sign < 0
    if not (excitatory.any() and inhibitory.any()):
        return weights
    balanced = weights.copy()
    for rows in (excitatory, inhibitory):
        block = np.abs(weights[rows])
        for _ in range(sweeps):
            block = _normalise(block, axis=1, total=block.shape[1] / block.shape[0])
            block = _normalise(block, axis=0, total=1.0)
        balanced[rows] = connectivity.sign[rows][:, None] * block
    return balanced


def _normalise(block: np.ndarray, axis: int, total: float) -> np.ndarray:
    sums = block.sum(axis=axis, keepdims=True)
    return block * np.divide(total, sums, out=np.ones_like(sums), where=sums > 0)


def _scale_beside_fixed(weights: np.ndarray, fixed: np.ndarray, radius: float) -> float:
    def excess(scale: float) -> float:
        return spectral_radius(fixed + scale * weights) - radius

    if excess(0.0) >= 0:
        raise ValueError(
            f"spectral_radius {radius} cannot be reached: the fixed entries alone have {spectral_radius(fixed):.3g}."
        )
    upper = radius / max(spectral_radius(weights), 1e-9)
    for _ in range(60):
        if excess(upper) > 0:
            return float(brentq(excess, 0.0, upper, xtol=1e-12))
        upper *= 2
    raise ValueError(f"spectral_radius {radius} cannot be reached by scaling the trainable entries.")
