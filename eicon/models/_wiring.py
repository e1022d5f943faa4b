"""Recurrent weights on a connectome: drawn or as counted, as a matrix or as a list of connections."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse as sp

from ..connectomes import Connectome
from ._anatomy import handed_out
from ._distributions import GAMMA_SHAPE, draw_sizes
from ._edges import Edges
from ._initial import numpy_generator, spectral_radius

MOST_EXACT = 2000
"""Largest number of units for which connections get the weights of the dense matrix, and exact eigenvalues."""
STORAGES = ("dense", "edges")


class Wiring(NamedTuple):
    """Connections of a network under construction, row by row.

    Attributes
    ----------
    source, target : (M,) int
    weight : (M,) anatomical weights, > 0
    signs : (M,) sign of each connection; 0 free
    sign : (n,) sign of each unit; 0 free, or both
    labels : labels of the units
    """

    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    signs: np.ndarray
    sign: np.ndarray
    labels: Mapping[str, np.ndarray]

    @property
    def n(self) -> int:
        """Number of units."""
        return len(self.sign)

    @property
    def mixed(self) -> bool:
        """True if the outgoing connections of some unit differ in sign."""
        return bool((self.signs != self.sign[self.source]).any())

    def edges(self, weights: np.ndarray, **options: Any) -> Edges:
        """Make `Edges` from weights (M,)."""
        return Edges.of(self.source, self.target, (self.n, self.n), weights=weights, sign=self.signs, **options)

    def anatomy(self) -> np.ndarray:
        """Return the anatomical weights (n, n), dense."""
        matrix = np.zeros((self.n, self.n))
        matrix[self.source, self.target] = self.weight
        return matrix


def wiring_of(connectome: Connectome | ArrayLike, sign: ArrayLike | None) -> Wiring:
    """Return connections and signs of a `Connectome`, or of a matrix with signs; see `RateRNN.from_connectome`."""
    if isinstance(connectome, Connectome):
        if sign is not None:
            raise ValueError(
                "signs come from the connectome (its method `signed` fills in unknown ones); got sign as well."
            )
        labels = {"cell_type" if key == "type" else key: np.array(column) for key, column in connectome.labels.items()}
        parts = connectome.source, connectome.target, connectome.weight, connectome.signs, connectome._known()
        return _not_empty(Wiring(*parts, {"name": np.array(connectome.names), **labels}))
    anatomy = np.asarray(connectome, np.float64)
    if anatomy.ndim != 2 or anatomy.shape[0] != anatomy.shape[1]:
        raise ValueError(f"anatomy must be square, weights[source, target]; got shape {anatomy.shape}.")
    if not (np.isfinite(anatomy).all() and (anatomy >= 0).all()):
        raise ValueError("anatomy must have finite weights >= 0, and at least one connection.")
    signs = np.broadcast_to(np.asarray(0 if sign is None else sign), anatomy.shape[:1])
    if not np.isin(signs, (-1, 0, 1)).all():
        raise ValueError(f"signs must be -1, 0 or 1; got {sorted({float(s) for s in signs})}.")
    source, target = np.nonzero(anatomy)
    return _not_empty(Wiring(source, target, anatomy[source, target], signs[source], signs, {}))


def _not_empty(wiring: Wiring) -> Wiring:
    if not wiring.source.size:
        raise ValueError("anatomy must have finite weights >= 0, and at least one connection.")
    return wiring


def edges_are_faster(n: int, n_connections: int) -> bool:
    """Return whether a training step is faster with `Edges` than with a matrix; see docs/results/edges.md."""
    return n > 5000 or (n >= 500 and n_connections < 0.05 * n**2)


def drawn_weights(wiring: Wiring, radius: float, *, key: jax.Array, distribution: str | None, remap: str) -> np.ndarray:
    """Draw balanced weights (M,) with spectral radius ``radius``, for networks too large for a matrix.

    The distribution is that of `recurrent_weights`: gamma magnitudes; excitation and inhibition of each unit
    cancel, and all units of a type have the same total output.
    """
    source, target, n = wiring.source, wiring.target, wiring.n
    rng = numpy_generator(key)
    if distribution is None:
        sizes = rng.gamma(GAMMA_SHAPE, 1.0, source.size)
    else:
        sizes = draw_sizes(distribution, source.shape, rng)
    normal = rng.standard_normal(source.size)
    free = normal if distribution is None else np.sign(normal) * sizes
    values = np.where(wiring.signs == 0, free, wiring.signs * sizes)
    if (wiring.signs > 0).any() and (wiring.signs < 0).any():
        for s in (1, -1):
            of = wiring.signs == s
            values[of] = s * _normalised(np.abs(values[of]), source[of], target[of], n)
    values = handed_out(values, wiring.weight, remap)
    return values * (radius / _reachable(values, wiring, radius))


def counted_weights(
    wiring: Wiring, radius: float, *, gain: str, labels: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return weights (M,), counted x sign x gain, and the groups that share a gain: all, or each pair of labels."""
    unknown = np.unique(wiring.source[wiring.signs == 0])
    if unknown.size:
        raise ValueError(
            f"weights as counted need the sign of every source; {unknown.size} are unknown. "
            "Fill them in with `signed`, or remove these units with `subset`."
        )
    if gain == "all":
        group = np.zeros(wiring.source.size, int)
    elif gain in labels:
        values, code = np.unique(labels[gain], return_inverse=True)
        group = code[wiring.source] * len(values) + code[wiring.target]
    else:
        raise ValueError(f"gain must be 'all' or a label of the units, {', '.join(labels)}; got {gain!r}.")
    scale = wiring.weight / wiring.weight.mean()
    counted = wiring.signs * scale
    return counted * (radius / _reachable(counted, wiring, radius)), {"scale": scale, "group": group}


def _normalised(sizes: np.ndarray, source: np.ndarray, target: np.ndarray, n: int, sweeps: int = 100) -> np.ndarray:
    """Balance magnitudes: every target receives a total of 1, and all sources have the same total output."""
    senders = len(np.unique(source))
    for _ in range(sweeps):
        for ends, total in ((source, n / senders), (target, 1.0)):
            sums = np.bincount(ends, sizes, minlength=n)
            sizes = sizes * np.divide(total, sums, out=np.ones(n), where=sums > 0)[ends]
    return sizes


def _reachable(values: np.ndarray, wiring: Wiring, wanted: float) -> float:
    """Return the spectral radius of connections, to about 1 in 100 for many units; reject scaling a radius of 0."""
    if not wanted > 0:
        raise ValueError(f"spectral_radius must be > 0; got {wanted}.")
    matrix = sp.csr_array((values, (wiring.target, wiring.source)), shape=(wiring.n, wiring.n))
    radius = spectral_radius(matrix.toarray()) if wiring.n <= MOST_EXACT else _growth(matrix)
    if radius < 1e-9 * np.abs(values).max():
        raise ValueError(
            f"spectral_radius {wanted} cannot be reached: the recurrent connections contain no loop, "
            "so every eigenvalue is zero."
        )
    return radius


def _growth(matrix: sp.csr_array, steps: int = 400) -> float:
    """Return the asymptotic growth factor of a vector per product: the modulus of the leading eigenvalues.

    Arnoldi's method (ARPACK) does not converge on the dense rim of eigenvalues of a random matrix.
    """
    vector, logs = np.random.default_rng(0).standard_normal(matrix.shape[0]), []
    for _ in range(steps):
        vector = matrix @ vector
        size = float(np.linalg.norm(vector))
        if size == 0:
            return 0.0
        logs.append(np.log(size))
        vector /= size
    return float(np.exp(np.mean(logs[steps // 2 :])))
