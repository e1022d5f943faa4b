"""Constraints on a weight matrix: entries that exist, entries that are fixed, and signs of the sources."""

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from .._key import as_generator
from .._numbers import whole
from ._populations import Population, Projection, wire

POSITIVE: dict[str, tuple[Callable[[jax.Array], jax.Array], Callable[[np.ndarray], np.ndarray]]] = {
    "abs": (jnp.abs, lambda w: w),
    "relu": (jax.nn.relu, lambda w: w),
    "softplus": (jax.nn.softplus, lambda w: w + np.log(-np.expm1(-np.maximum(w, 1e-12)))),
}
"""Maps from raw to non-negative weights, each with its inverse."""


@dataclass(frozen=True, eq=False)
class Connectivity:
    r"""Constraints on one weight matrix ``W[pre, post]``; the row is the source.

    .. math:: W = s \odot p(V) \odot M + F

    with raw (trained) weights :math:`V`, sign :math:`s` of each presynaptic unit, mask :math:`M` and fixed
    entries :math:`F`. On rows with sign 0 (free), :math:`V` is used unchanged. The constraint holds by
    construction, at every step and for every optimiser.

    Parameters
    ----------
    sign : array, shape (n_pre,)
        +1 excitatory, -1 inhibitory, 0 free.
    mask : array of bool, shape (n_pre, n_post)
        Trainable entries.
    fixed : array, shape (n_pre, n_post)
        Constant entries; zero wherever ``mask`` is true.
    positive : {"abs", "relu", "softplus"}
        The map :math:`p` that keeps weights non-negative on signed rows.

    Raises
    ------
    ValueError
        If shapes do not agree, a sign is not in {-1, 0, 1}, a fixed entry lies on a trainable one or
        contradicts its row's sign, or ``positive`` is unknown.

    Examples
    --------
    >>> dale = Connectivity.dale(10, e_ratio=0.8)
    >>> [int(s) for s in dale.sign]
    [1, 1, 1, 1, 1, 1, 1, 1, -1, -1]
    """

    sign: np.ndarray
    mask: np.ndarray
    fixed: np.ndarray
    positive: str = "abs"

    def __post_init__(self) -> None:
        _check(np.asarray(self.sign), np.asarray(self.mask), np.asarray(self.fixed), self.positive)
        for name, dtype in (("sign", np.int8), ("mask", np.bool_), ("fixed", jnp.result_type(float))):
            value = np.array(getattr(self, name), dtype=dtype)
            value.flags.writeable = False
            object.__setattr__(self, name, value)

    @classmethod
    def dense(
        cls, n_pre: int | float, n_post: int | float, *, sign: ArrayLike = 0, positive: str = "abs"
    ) -> "Connectivity":
        """Make all-to-all connections; ``sign`` is one number or one per source (0: free, 1: non-negative)."""
        n_pre, n_post = _count(n_pre, "n_pre"), _count(n_post, "n_post")
        signs = np.broadcast_to(np.asarray(sign), (n_pre,))
        return cls(signs, np.ones((n_pre, n_post), bool), np.zeros((n_pre, n_post)), positive)

    @classmethod
    def dale(
        cls,
        n: int | float,
        e_ratio: float = 0.8,
        *,
        n_post: int | float | None = None,
        autapses: bool = False,
        positive: str = "abs",
    ) -> "Connectivity":
        """Make an E-I matrix: the first ``round(n * e_ratio)`` units excite, and the others inhibit.

        Parameters
        ----------
        n : int
            Number of (presynaptic) units.
        e_ratio : float
            Fraction of excitatory units, in (0, 1); both types must exist.
        n_post : int, optional
            Number of targets, when they are not the units themselves.
        autapses : bool
            Whether to keep connections of a unit onto itself.
        positive : str
            See the class.
        """
        n, n_post = _count(n, "n"), None if n_post is None else _count(n_post, "n_post")
        if not 0 < e_ratio < 1:
            one_sign = " For a network without Dale's law use Connectivity.dense." if e_ratio in (0, 1) else ""
            raise ValueError(f"e_ratio must be in (0, 1), the fraction of excitatory units; got {e_ratio}.{one_sign}")
        n_e = round(n * e_ratio)
        if n_e in (0, n):
            raise ValueError(f"e_ratio {e_ratio} of {n} units leaves {n_e} E and {n - n_e} I; both must exist.")
        mask = np.ones((n, n if n_post is None else n_post), bool)
        if n_post is None and not autapses:
            np.fill_diagonal(mask, False)
        return cls(np.where(np.arange(n) < n_e, 1, -1), mask, np.zeros(mask.shape), positive)

    @classmethod
    def from_connectome(cls, anatomy: ArrayLike, *, sign: ArrayLike = 0, positive: str = "abs") -> "Connectivity":
        """Make connections where a wiring diagram has them.

        Parameters
        ----------
        anatomy : array, shape (N, N)
            Anatomical weights ``[source, target]``; a connection exists where they are not zero.
        sign : int or array (N,)
            Sign of each source: +1, -1 or 0 (free).
        positive : str
            See the class.
        """
        exists = np.asarray(anatomy) != 0
        if exists.ndim != 2 or exists.shape[0] != exists.shape[1]:
            raise ValueError(f"anatomy must be square, weights[source, target]; got shape {exists.shape}.")
        return cls(np.broadcast_to(np.asarray(sign), exists.shape[:1]), exists, np.zeros(exists.shape), positive)

    @classmethod
    def areas(
        cls,
        sources: Sequence[Population],
        targets: Sequence[Population],
        projections: Sequence[Projection] = (Projection(),),
        *,
        autapses: bool = False,
        positive: str = "abs",
        seed: int | float = 0,
    ) -> "Connectivity":
        """Make blocks of connections between named populations, one for each projection.

        Parameters
        ----------
        sources, targets : sequence of Population
            In the order of rows and columns; a recurrent matrix has the same twice.
        projections : sequence of Projection
        autapses : bool
            Whether to keep connections of a unit onto itself, where sources and targets are the same.
        positive : str
            See the class.
        seed : int
            Fixes which pairs of a sparse projection are connected.

        Raises
        ------
        ValueError
            If two populations have the same name, or a projection matches no population, or duplicates another.

        Examples
        --------
        >>> areas = [Population("sensory", 3, "E"), Population("motor", 2, "E")]
        >>> feedforward = [Projection("sensory"), Projection("motor", "motor")]
        >>> Connectivity.areas(areas, areas, feedforward).exists.astype(int).tolist()
        [[0, 1, 1, 1, 1], [1, 0, 1, 1, 1], [1, 1, 0, 1, 1], [0, 0, 0, 0, 1], [0, 0, 0, 1, 0]]
        """
        rng = as_generator(seed, "seed")
        return cls(*wire(sources, targets, projections, autapses=autapses, rng=rng), positive)

    @classmethod
    def excitatory_only(cls, sign: ArrayLike, n_post: int | float, *, positive: str = "abs") -> "Connectivity":
        """Make a readout of only the excitatory units; with free signs (all 0), of every unit, unsigned."""
        signs, n_post = np.asarray(sign), _count(n_post, "n_post")
        if not signs.any():
            return cls.dense(len(signs), n_post, positive=positive)
        sources = np.repeat((signs > 0)[:, None], n_post, axis=1)
        return cls(signs, sources, np.zeros(sources.shape), positive)

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_pre, n_post)``."""
        return self.mask.shape

    @functools.cached_property
    def digest(self) -> str:
        """Hash of all constraints: equal for equal connectivities, in every process."""
        parts = (
            str(self.shape).encode(),
            self.positive.encode(),
            *(a.tobytes() for a in (self.sign, self.mask, self.fixed)),
        )
        return hashlib.sha256(b"|".join(parts)).hexdigest()[:16]

    @property
    def trainable(self) -> bool:
        """True if any entry can be trained."""
        return bool(self.mask.any())

    @property
    def exists(self) -> np.ndarray:
        """Entries that can be non-zero, shape (n_pre, n_post)."""
        return self.mask | (self.fixed != 0)

    def raw(self, weights: np.ndarray) -> np.ndarray:
        """Return raw weights for given effective weights (which must have the rows' signs).

        Raises
        ------
        ValueError
            If a weight is not finite, contradicts the sign of its row, or is non-zero where no connection exists.
        """
        weights = np.asarray(weights, dtype=np.float64)
        if weights.shape != self.shape:
            raise ValueError(f"weights must have shape {self.shape} (n_pre, n_post); got {weights.shape}.")
        wrong = (self.sign[:, None] * weights < 0) & self.mask
        if wrong.any():
            raise ValueError(
                f"{int(wrong.sum())} weights contradict the sign of their row, the first at [pre, post] = "
                f"{[int(i) for i in np.argwhere(wrong)[0]]}; is the matrix transposed?"
            )
        if not np.isfinite(weights).all():
            raise ValueError("weights must be finite; got NaN or infinity.")
        outside = ~self.mask & (weights != 0) & (weights.astype(self.fixed.dtype) != self.fixed)
        if outside.any():
            raise ValueError(
                f"{int(outside.sum())} weights are non-zero where no connection exists, the first at [pre, post] = "
                f"{[int(i) for i in np.argwhere(outside)[0]]}; set them to zero, or allow them in the mask."
            )
        inverse = POSITIVE[self.positive][1]
        raw = np.where(self.sign[:, None] == 0, weights, inverse(np.abs(weights)))
        return np.where(self.mask, raw, 0.0)

    def frozen(self, weights: ArrayLike, entries: ArrayLike | None = None) -> "Connectivity":
        """Fix ``entries`` (bool, default all existing) at their values in ``weights``."""
        chosen = self.mask if entries is None else self.mask & np.asarray(entries, bool)
        fixed = np.where(chosen, np.asarray(weights, self.fixed.dtype), self.fixed)
        return replace(self, mask=self.mask & ~chosen, fixed=fixed)


def _count(value: int | float, name: str) -> int:
    number = whole(value, name)
    if number < 1:
        raise ValueError(f"{name} must be at least 1; got {value}.")
    return number


def _check(sign: np.ndarray, mask: np.ndarray, fixed: np.ndarray, positive: str) -> None:
    if mask.ndim != 2 or sign.shape != mask.shape[:1] or fixed.shape != mask.shape:
        raise ValueError(
            "a Connectivity needs sign (n_pre,), mask (n_pre, n_post) and fixed (n_pre, n_post); "
            f"got {sign.shape}, {mask.shape} and {fixed.shape}."
        )
    if not np.isin(sign, (-1, 0, 1)).all():
        raise ValueError(f"signs must be -1, 0 or 1; got {sorted({float(s) for s in sign})}.")
    if positive not in POSITIVE:
        raise ValueError(f"unknown map {positive!r} to non-negative weights; allowed: {', '.join(POSITIVE)}.")
    if not np.isfinite(fixed).all():
        raise ValueError("fixed weights must be finite; got NaN or infinity.")
    if (mask.astype(bool) & (fixed != 0)).any():
        raise ValueError("an entry is either trainable (mask) or fixed; got entries that are both.")
    if (sign[:, None] * fixed < 0).any():
        raise ValueError("a fixed entry contradicts the sign of its row; is the matrix transposed?")
