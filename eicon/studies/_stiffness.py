"""Stiff and sloppy directions of a fit: combinations of trained values determined by a recording."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike
from scipy.sparse.linalg import LinearOperator, eigsh

from .._numbers import real, whole
from ..analysis._arrays import as_flag, numbers
from ..models import Network, RateRNN
from ..models._network import ROLES, Parameters
from ..models.results import Activity
from ..recordings import Recording
from ..tasks import Trial
from ..training._curvature import gauss_newton
from ..training._recorded import Fit, fit_of

MOST_DENSE = 600
"""Most trained values for which all directions are computed by default."""
LEADING = 50
"""Number of directions computed for more trained values."""
PER_DIRECTION = 5
"""Approximate products per direction in a Lanczos method; the whole matrix takes P."""
FRACTION = 1e-3


class Stiffness(NamedTuple):
    """Leading spectrum of the Gauss-Newton matrix of a fit: K directions of its P trained values.

    Attributes
    ----------
    values : (K,) float
        Curvatures of the loss, descending: a step of length s along a direction raises it by ``values * s**2 / 2``.
    vectors : (K, P) float
        Directions, of length 1, in units of trained values over `scale`.
    names : (P,) array of str
        Name of the array of each trained value, as in `Network.values`.
    places : (P,) int
        Index in that array: the unit, or the place of a weight in the flattened array.
    scale : (P,) float
        Natural scale of each value; 1 if not ``relative``.
    n_fixed : int
        Number of fixed directions, `fixed_directions` of the values.
    n_observed : int
        Number of observed values of the recording.
    """

    values: Float[np.ndarray, "K"]
    vectors: Float[np.ndarray, "K P"]
    names: Shaped[np.ndarray, "P"]
    places: Int[np.ndarray, "P"]
    scale: Float[np.ndarray, "P"]
    n_fixed: int
    n_observed: int

    def parts(self) -> dict[str, Float[np.ndarray, "K"]]:
        """Return the share of gains, biases ... in each direction: sums of squared entries, 1 over all names."""
        return {str(name): (self.vectors[:, self.names == name] ** 2).sum(axis=1) for name in np.unique(self.names)}


def fixed_directions(values: ArrayLike, fraction: float | int = FRACTION) -> int:
    """Count curvatures that exceed a fraction of the largest.

    Parameters
    ----------
    values : (K,) array
        `Stiffness.values`.
    fraction : float
        Fraction, in (0, 1).

    Returns
    -------
    int
        Number of curvatures; a lower bound if all K of P directions exceed the fraction.

    Raises
    ------
    ValueError
        For a fraction outside (0, 1), or values that are not finite.

    Examples
    --------
    >>> fixed_directions([2.0, 0.1, 0.001, 0.0])
    2
    """
    curvatures = numbers("values", values)
    if not 0 < (least := real(fraction, "`fraction`")) < 1:
        raise ValueError(f"`fraction` must be in (0, 1); got {fraction}.")
    if curvatures.ndim != 1 or not curvatures.size or not np.isfinite(curvatures).all():
        raise ValueError(f"`values` must be finite curvatures (K,); got shape {curvatures.shape}.")
    return int(np.count_nonzero(curvatures > least * max(float(curvatures.max()), 0.0)))


def stiffness(
    net: RateRNN,
    recording: Recording,
    *,
    n: int | float | None = None,
    relative: bool = True,
    loss: str | None = None,
    fraction: float | int = FRACTION,
) -> Stiffness:
    r"""Compute the stiffest directions of a fit, in which trained values are well determined.

    The Gauss-Newton matrix of the loss at the network's trained values is, for the mean squared error over n observed
    values,

    .. math:: G = \frac{2}{n} S J^T J S, \qquad J = \frac{\partial a}{\partial w},

    with the observed activity :math:`a`, the trained values :math:`w` (as used by an optimiser, before bounds and
    signs) and their natural scales :math:`S`.

    Parameters
    ----------
    net : RateRNN
        Network; its trained values are those named by ``train=``, without missing connections.
    recording : Recording
        Recording, of which only observed values count; use ``recording.of_units(...)`` for fewer units.
    n : int, optional
        Number of directions; by default all of up to 600 trained values, and 50 of more.
    relative : bool
        Express each value in its natural scale, the standard deviation of the values of the same name over units (or
        connections) in this network, so that gains, biases and time constants are comparable; if they are all equal,
        the modulus of their mean, or 1 if that is 0.
    loss : {"mse", "variance", "poisson"}, optional
        See `Trainer` with a recording.
    fraction : float
        Fraction of the largest curvature, above which a direction is fixed.

    Returns
    -------
    Stiffness

    Raises
    ------
    ValueError
        If nothing is trained, the recording does not fit the network, or a number is out of range.

    Notes
    -----
    The network runs without noise and in float64; the matrix is accessed through products with vectors (Schraudolph
    2002): all P of them, or, for few directions, those of an implicitly restarted Lanczos method. A product takes about
    as long as one and a half gradients. Scale and offset of calcium are kept fixed: directions that the two could
    compensate also count.

    Examples
    --------
    >>> from eicon.models import Leaky
    >>> net = RateRNN.dale(2, 8, 1, cell=Leaky("softplus", gain=True), train=["gain"])
    >>> rates = np.random.default_rng(0).random((10, 3, 2))
    >>> recording = Recording(rates, dt=net.dt, inputs=np.ones((10, 3, 2)))
    >>> found = stiffness(net, recording)
    >>> found.vectors.shape, found.n_fixed <= 8
    ((8, 8), True)
    """
    names = tuple(sorted(net.trainable_variables()))
    if not names:
        raise ValueError("this network has no trained values; name some, e.g. RateRNN(..., train=['gain', 'bias']).")
    relative = as_flag("relative", relative)
    with jax.enable_x64(True):
        fit, trial = fit_of(net, recording, loss)
        network = net.network.astype(jnp.float64)
        free, labels, places = _free(network, names)
        values = np.asarray(ravel_pytree(network.split(names)[0])[0])[free]
        size = free.size
        wanted = (size if size <= MOST_DENSE else LEADING) if n is None else whole(n, "`n`")
        if not 1 <= wanted <= size:
            raise ValueError(f"`n` must be in 1..{size}, the trained values; got {wanted}.")
        scale = _scales(values, labels) if relative else np.ones(size)
        product = partial(_products, network, trial, jnp.asarray(free), jnp.asarray(scale), names=names, fit=fit)
        if PER_DIRECTION * wanted >= size:
            matrix = np.asarray(product(jnp.eye(size)))
            curvatures, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        else:
            operator = LinearOperator(
                (size, size), lambda v: np.asarray(product(jnp.asarray(v).reshape(1, size)))[0], dtype=np.float64
            )
            begin = np.random.default_rng(0).normal(size=size)
            curvatures, vectors = eigsh(operator, k=wanted, which="LA", v0=begin)
    order = np.argsort(curvatures)[::-1][:wanted]
    found = np.maximum(curvatures[order], 0.0)  # zeros may be rounded to either side
    observed = int(recording.is_observed.sum())
    return Stiffness(found, vectors.T[order], labels, places, scale, fixed_directions(found, fraction), observed)


@partial(jax.jit, static_argnames=("names", "fit"))
def _products(
    network: Network,
    trial: Trial,
    free: jax.Array,
    scale: jax.Array,
    vectors: jax.Array,
    *,
    names: tuple[str, ...],
    fit: Fit,
) -> jax.Array:
    """Compute products of the matrix with vectors (K, P)."""
    at, unravel = ravel_pytree(network.split(names)[0])

    def run(vector: jax.Array, forward_mode: bool) -> tuple[Parameters, Activity]:
        values = unravel(vector)
        activity = network.replaced(values).run(trial.inputs, forward_mode=forward_mode)
        return values, activity._replace(outputs=fit.scored(activity))

    product = gauss_newton(run, lambda _, activity: fit.distance(activity.outputs, trial), at)

    def one(vector: jax.Array) -> jax.Array:
        return product(jnp.zeros_like(at).at[free].set(vector * scale))[free] * scale

    return jax.lax.map(one, vectors)


def _free(
    network: Network, names: tuple[str, ...]
) -> tuple[Int[np.ndarray, "P"], Shaped[np.ndarray, "P"], Int[np.ndarray, "P"]]:
    """Return the places of existing trained values in the vector of all, their names, and indices within names."""
    masks = {
        f"raw_{short}": getattr(getattr(network, role), "mask", None)
        for role, short in ROLES.items()
        if "raw" in getattr(network, role).trained
    }
    exist, labels, places = [], [], []
    for name, value in sorted(network.split(names)[0].items()):
        size = int(np.size(value))
        mask = masks.get(name)
        exist.append(np.ones(size, bool) if mask is None else np.asarray(mask).ravel())
        labels.append(np.full(size, name))
        places.append(np.arange(size))
    there = np.concatenate(exist)
    return np.flatnonzero(there), np.concatenate(labels)[there], np.concatenate(places)[there]


def _scales(values: Float[np.ndarray, "P"], labels: Shaped[np.ndarray, "P"]) -> Float[np.ndarray, "P"]:
    scale = np.ones(values.size)
    for name in np.unique(labels):
        here = labels == name
        sd, mean = float(values[here].std()), abs(float(values[here].mean()))
        scale[here] = sd if sd > 1e-9 * mean else mean or 1.0
    return scale
