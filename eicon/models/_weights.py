"""Weights of a network, with three operations: send, pull back, and the gradient with respect to weights."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from .._device import on_device
from .._key import as_generator
from .._numbers import whole
from ._connectivity import POSITIVE, Connectivity
from ._pytree import pytree

MOST_DENSE = 5000
"""Largest number of units for which sparse or low-rank weights are converted to a dense matrix."""


class Product(ABC):
    """Effective weights, ready for products; a pytree.

    `send` and `pull` are linear in their argument and act on its last axis.
    """

    @abstractmethod
    def send(self, r: jax.Array) -> jax.Array:
        """Return the input of the targets: (..., n_pre) to (..., n_post)."""

    @abstractmethod
    def pull(self, g: jax.Array) -> jax.Array:
        """Apply the transpose of `send`: (..., n_post) to (..., n_pre)."""

    @abstractmethod
    def outer(self, r: jax.Array, g: jax.Array) -> Any:
        """Return the gradient of ``sum(g * send(r))`` with respect to these weights, in the same structure.

        Integer fields of the result are None.
        """


class Weights(ABC):
    """Weights ``[pre, post]`` as trained values with constraints that hold by construction; a pytree."""

    trained: ClassVar[tuple[str, ...]] = ("raw",)
    """Fields that an optimiser may change."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """``(n_pre, n_post)``."""

    @property
    @abstractmethod
    def trainable(self) -> bool:
        """True if any entry can be trained."""

    @property
    @abstractmethod
    def sign(self) -> np.ndarray:
        """Sign of each source's outgoing weights, (n_pre,): 1, -1, or 0 if free."""

    @abstractmethod
    def product(self) -> Product:
        """Effective weights."""

    @abstractmethod
    def between(self, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Product:
        """Return effective weights from some sources to some targets; ``pairs`` of bool masks (n_pre,), (n_post,)."""

    @abstractmethod
    def check(self, *, square: bool) -> "MatrixReport":
        """Compare effective weights with their constraints."""

    @abstractmethod
    def sizes(self) -> tuple[jax.Array, int | jax.Array]:
        """Return existing effective weights, in an array of any shape with zeros elsewhere, and their number."""

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return arrays by name, for files; `of_arrays` restores weights from them and the `settings`."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {name: np.asarray(value) for name, value in given.items() if isinstance(value, jax.Array | np.ndarray)}

    def settings(self) -> dict[str, Any]:
        """Return settings that are not arrays, JSON-compatible."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {name: value for name, value in given.items() if isinstance(value, bool | int | float | str)}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> "Weights":
        """Restore weights from arrays and settings, bit for bit."""
        held = {field.name: arrays.get(field.name) for field in fields(cls) if field.name not in settings}  # type: ignore[arg-type]
        return cls(**{name: _on_device(value) for name, value in held.items()}, **settings)

    def matrix(self) -> jax.Array:
        """Dense effective weights, shape (n_pre, n_post)."""
        return self.product().send(jnp.eye(self.shape[0], dtype=getattr(self, self.trained[0]).dtype))


@dataclass(frozen=True)
class MatrixReport:
    """Facts about one effective weight matrix ``[pre, post]``.

    Attributes
    ----------
    shape : (n_pre, n_post)
    density : fraction of non-zero entries
    wrong_sign : entries that contradict the sign of their row (Dale's law), or their own sign if each has one
    outside_mask : non-zero entries where no connection exists
    changed_fixed : fixed entries that do not have their value
    not_finite : NaN or infinite entries
    autapses : non-zero entries of the diagonal of a square matrix (recurrent), else 0
    """

    shape: tuple[int, int]
    density: float
    wrong_sign: int
    outside_mask: int
    changed_fixed: int
    not_finite: int
    autapses: int

    @property
    def ok(self) -> bool:
        """True if nothing is violated."""
        return not (self.wrong_sign or self.outside_mask or self.changed_fixed or self.not_finite)


@pytree(leaves=["values"])
@dataclass(frozen=True, eq=False)
class Matrix(Product):
    """A dense matrix."""

    values: jax.Array

    def send(self, r: jax.Array) -> jax.Array:
        """Return ``r @ W``; flattened, to make the gradient a single plain product as well."""
        return times(r, self.values)

    def pull(self, g: jax.Array) -> jax.Array:
        """Return ``g @ W.T``."""
        return times(g, self.values.T)

    def outer(self, r: jax.Array, g: jax.Array) -> "Matrix":
        """Return ``r.T @ g``, over all leading axes at once."""
        n_pre, n_post = self.values.shape
        return Matrix(r.reshape(-1, n_pre).T @ g.reshape(-1, n_post))


@pytree(leaves=["raw", "signs", "mask", "fixed"], static=["positive"])
@dataclass(frozen=True, eq=False)
class Dense(Weights):
    r"""All entries of a matrix; see `Connectivity` for the constraints.

    .. math:: W = s \odot p(V) \odot M + F

    Parameters
    ----------
    raw : array (n_pre, n_post)
        :math:`V`.
    signs : array (n_pre,), optional
        1, -1 or 0 (free); None: all are free.
    mask : array of bool (n_pre, n_post), optional
        Trainable entries; None: all.
    fixed : array (n_pre, n_post), optional
        Constant entries; None: there are none.
    positive : {"abs", "relu", "softplus"}
    """

    raw: jax.Array
    signs: jax.Array | None = None
    mask: jax.Array | None = None
    fixed: jax.Array | None = None
    positive: str = "abs"

    @classmethod
    def make(cls, connectivity: Connectivity, weights: ArrayLike) -> "Dense":
        """Make weights from effective values under constraints; reject contradictions."""
        return cls.constrained(connectivity, connectivity.raw(np.asarray(weights)))

    @classmethod
    def constrained(cls, connectivity: Connectivity, raw: ArrayLike) -> "Dense":
        """Make weights from these raw values, bit for bit."""
        dtype = jnp.result_type(float)
        return cls(
            on_device(raw, dtype),
            on_device(connectivity.sign, dtype) if connectivity.sign.any() else None,
            None if connectivity.mask.all() else on_device(connectivity.mask),
            on_device(connectivity.fixed, dtype) if connectivity.fixed.any() else None,
            connectivity.positive,
        )

    @property
    def connectivity(self) -> Connectivity:
        """Return the constraints."""
        n_pre, n_post = self.shape
        return Connectivity(
            np.zeros(n_pre) if self.signs is None else np.asarray(self.signs),
            np.ones((n_pre, n_post), bool) if self.mask is None else np.asarray(self.mask),
            np.zeros((n_pre, n_post)) if self.fixed is None else np.asarray(self.fixed),
            self.positive,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_pre, n_post)``."""
        return self.raw.shape  # type: ignore[return-value]

    @property
    def trainable(self) -> bool:
        """True if any entry can be trained."""
        return self.mask is None or bool(np.asarray(self.mask).any())

    @property
    def sign(self) -> np.ndarray:
        """See `Weights`."""
        return self.connectivity.sign

    def effective(self) -> jax.Array:
        """Weights that the network uses, shape (n_pre, n_post)."""
        values = self.raw
        if self.signs is not None:
            sign = jnp.broadcast_to(self.signs[:, None], values.shape)
            values = jnp.where(sign == 0, values, sign * POSITIVE[self.positive][0](values))
        if self.mask is not None:
            values = jnp.where(self.mask, values, jnp.zeros_like(values))
        return values if self.fixed is None else values + self.fixed

    matrix = effective

    def product(self) -> Matrix:
        """See `Weights`."""
        return Matrix(self.effective())

    def between(self, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Matrix:
        """See `Weights`."""
        entries = sum((np.outer(source, target) for source, target in pairs), start=np.zeros(self.shape, bool))
        return Matrix(jnp.where(jnp.asarray(entries), self.effective(), 0.0))

    def check(self, *, square: bool) -> MatrixReport:
        """See `Weights`."""
        weights, connectivity = np.asarray(self.effective()), self.connectivity
        fixed = connectivity.fixed != 0
        return MatrixReport(
            shape=tuple(weights.shape),
            density=float(np.mean(weights != 0)),
            wrong_sign=int((connectivity.sign[:, None] * weights < 0).sum()),
            outside_mask=int((weights[~connectivity.exists] != 0).sum()),
            changed_fixed=int((weights[fixed] != connectivity.fixed[fixed]).sum()),
            not_finite=int((~np.isfinite(weights)).sum()),
            autapses=int((np.diag(weights) != 0).sum()) if square else 0,
        )

    def sizes(self) -> tuple[jax.Array, int | jax.Array]:
        """See `Weights`."""
        if self.mask is None:
            return self.effective(), self.raw.size
        exists = self.mask if self.fixed is None else self.mask | (self.fixed != 0)
        traced = isinstance(exists, jax.core.Tracer)  # in training, where all masks of this shape share a program
        return self.effective(), jnp.sum(exists) if traced else int(np.asarray(exists).sum())


@pytree(leaves=["left", "right"])
@dataclass(frozen=True, eq=False)
class Factors(Product):
    """A product of two thin matrices, ``left @ right``."""

    left: jax.Array
    right: jax.Array

    def send(self, r: jax.Array) -> jax.Array:
        """Return ``(r @ left) @ right``."""
        return times(times(r, self.left), self.right)

    def pull(self, g: jax.Array) -> jax.Array:
        """Return ``(g @ right.T) @ left.T``."""
        return times(times(g, self.right.T), self.left.T)

    def outer(self, r: jax.Array, g: jax.Array) -> "Factors":
        """Return the gradients of both matrices."""
        r, g = r.reshape(-1, r.shape[-1]), g.reshape(-1, g.shape[-1])
        return Factors(r.T @ (g @ self.right.T), (r @ self.left).T @ g)


@pytree(leaves=["left", "right"])
@dataclass(frozen=True, eq=False)
class LowRank(Weights):
    r"""Weights of low rank (Mastrogiuseppe & Ostojic 2018), without signs.

    .. math:: W_{ij} = \sum_{k=1}^{K} n_{ik} m_{kj}

    where :math:`n_{ik}` is the contribution of source :math:`i` to mode :math:`k`, and :math:`m_{kj}` the effect of the
    mode on target :math:`j`.

    Parameters
    ----------
    left : array (n_pre, K)
        :math:`n`.
    right : array (K, n_post)
        :math:`m`.

    Examples
    --------
    >>> weights = LowRank.drawn(20, rank=2, seed=1)
    >>> weights.shape, int(np.linalg.matrix_rank(weights.matrix()))
    ((20, 20), 2)
    """

    left: jax.Array
    right: jax.Array

    trained: ClassVar[tuple[str, ...]] = ("left", "right")

    @classmethod
    def of(cls, left: ArrayLike, right: ArrayLike) -> "LowRank":
        """Make weights from two matrices, (n_pre, K) and (K, n_post)."""
        one, other = np.asarray(left, np.float64), np.asarray(right, np.float64)
        if one.ndim != 2 or other.ndim != 2 or one.shape[1] != other.shape[0] or not one.shape[1]:
            raise ValueError(f"left must be (n_pre, K) and right (K, n_post); got {one.shape} and {other.shape}.")
        if not (np.isfinite(one).all() and np.isfinite(other).all()):
            raise ValueError("weights must be finite; got NaN or infinity.")
        dtype = jnp.result_type(float)
        return cls(jnp.asarray(one, dtype), jnp.asarray(other, dtype))

    @classmethod
    def of_matrix(cls, weights: ArrayLike, rank: int | float) -> "LowRank":
        """Approximate a matrix optimally by weights of this rank, with singular values split between both sides."""
        u, s, v = np.linalg.svd(np.asarray(weights, np.float64), full_matrices=False)
        rank = whole(rank, "rank")
        if not 1 <= rank <= len(s):
            raise ValueError(f"rank must be in 1..{len(s)}; got {rank}.")
        root = np.sqrt(s[:rank])
        return cls.of(u[:, :rank] * root, root[:, None] * v[:rank])

    @classmethod
    def drawn(
        cls,
        n: int | float,
        rank: int | float,
        *,
        n_post: int | float | None = None,
        size: float = 1.0,
        seed: int | float = 0,
    ) -> "LowRank":
        """Draw random weights; entries of both sides are normal with standard deviation ``sqrt(size / n)``.

        A rank-one matrix of this kind has an eigenvalue of about ``size / sqrt(n)``.
        """
        n, rank, n_post = whole(n, "n"), whole(rank, "rank"), whole(n if n_post is None else n_post, "n_post")
        if not (n >= 1 and rank >= 1 and size > 0):
            raise ValueError(f"n and rank must be at least 1 and size > 0; got {n}, {rank} and {size}.")
        rng = as_generator(seed, "seed")
        sd = np.sqrt(size / n)
        return cls.of(rng.normal(0, sd, (n, rank)), rng.normal(0, sd, (rank, n_post)))

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_pre, n_post)``."""
        return self.left.shape[0], self.right.shape[1]

    @property
    def trainable(self) -> bool:
        """Always True."""
        return True

    @property
    def sign(self) -> np.ndarray:
        """Signs of the sources, all 0 (free)."""
        return np.zeros(self.shape[0], np.int8)

    def product(self) -> Factors:
        """See `Weights`."""
        return Factors(self.left, self.right)

    def between(self, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Matrix:
        """See `Weights`; dense."""
        entries = sum((np.outer(source, target) for source, target in pairs), start=np.zeros(self.shape, bool))
        return Matrix(jnp.where(jnp.asarray(entries), self.matrix(), 0.0))

    def check(self, *, square: bool) -> MatrixReport:
        """See `Weights`; there are no constraints, and no matrix is formed."""
        left, right = np.asarray(self.left), np.asarray(self.right)
        diagonal = np.einsum("ik,ki->i", left, right) if square else np.zeros(0)
        return MatrixReport(
            shape=self.shape,
            density=float(np.any(left, axis=1).mean() * np.any(right, axis=0).mean()),
            wrong_sign=0,
            outside_mask=0,
            changed_fixed=0,
            not_finite=int((~np.isfinite(left)).sum() + (~np.isfinite(right)).sum()),
            autapses=int(np.count_nonzero(diagonal)),
        )

    def matrix(self) -> jax.Array:
        """Dense effective weights, for up to 5,000 units."""
        refuse_large(self.shape, "a dense copy of these weights")
        return self.left @ self.right

    def sizes(self) -> tuple[jax.Array, int]:
        """See `Weights`; for up to 5,000 units."""
        return self.matrix(), self.left.shape[0] * self.right.shape[1]


def refuse_large(shape: tuple[int, int], what: str) -> None:
    """Check that an operation does not need a dense matrix of too many units.

    Raises
    ------
    ValueError
        Above `MOST_DENSE` units.
    """
    if max(shape) > MOST_DENSE:
        raise ValueError(
            f"{what} would need a dense matrix of {shape[0]} x {shape[1]} numbers; "
            f"with sparse and low-rank weights this is limited to {MOST_DENSE} units."
        )


def _on_device(value: np.ndarray | None) -> jax.Array | None:
    if value is None:
        return None
    return jnp.asarray(value, jnp.result_type(float)) if value.dtype.kind == "f" else jnp.asarray(value)


def times(values: jax.Array, weights: jax.Array) -> jax.Array:
    """Return ``values @ weights`` over the last axis; flattened, to make the gradient a single plain product too."""
    flat = values.reshape(-1, values.shape[-1]) @ weights
    return flat.reshape(*values.shape[:-1], weights.shape[-1])


def replaced(weights: Weights, values: Mapping[str, jax.Array]) -> Weights:
    """Return the weights with different trained values."""
    return replace(weights, **values)  # type: ignore[type-var]
