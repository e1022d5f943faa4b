"""Sparse weights as a list of connections, which never becomes an array of size N x N."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import linear_call
from jax.experimental.sparse import BCSR
from numpy.typing import ArrayLike

from .._key import as_generator
from ._connectivity import POSITIVE
from ._pytree import pytree
from ._weights import MatrixReport, Product, Weights, refuse_large

COLUMNS = 8
"""JAX's sparse product is ten times slower with one to seven columns than with eight."""


class Layout(NamedTuple):
    """Where connections are: sorted by target, and how to sort them by source.

    Attributes
    ----------
    pre, post : (M,) source and target of each
    starts : (n_post + 1,) first connection of each target
    order : (M,) connections sorted by source
    turned_post : (M,) targets in that order
    turned_starts : (n_pre + 1,) first connection of each source in that order
    """

    pre: jax.Array
    post: jax.Array
    starts: jax.Array
    order: jax.Array
    turned_post: jax.Array
    turned_starts: jax.Array

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_pre, n_post)``."""
        return len(self.turned_starts) - 1, len(self.starts) - 1

    def transposed(self) -> "Layout":
        """Where they are in the transpose; ``order``, for which products do not ask, stays as it is."""
        return Layout(self.turned_post, self.pre[self.order], self.turned_starts, self.order, self.pre, self.starts)


@pytree(leaves=["values", "turned", "layout"])
@dataclass(frozen=True, eq=False)
class Sparse(Product):
    """Effective weights of connections, sorted by target (``values``) and by source (``turned``)."""

    values: jax.Array
    turned: jax.Array
    layout: Layout

    def send(self, r: jax.Array) -> jax.Array:
        """See `Product`."""
        return _multiply(self.values, self.turned, self.layout, r)

    def pull(self, g: jax.Array) -> jax.Array:
        """See `Product`."""
        return _multiply(self.turned, self.values, self.layout.transposed(), g)

    def outer(self, r: jax.Array, g: jax.Array) -> "Sparse":
        """See `Product`; one step at a time, or there would be as many numbers as steps times connections."""
        nowhere: Any = None
        return Sparse(_outer(self.layout, r, g), jnp.zeros_like(self.turned), nowhere)


@pytree(leaves=["raw", "layout", "scale", "signs", "group"], static=["positive", "learns"])
@dataclass(frozen=True, eq=False)
class Edges(Weights):
    r"""Sparse weights, one for each connection that exists.

    .. math:: w_e = c_e \, s_e \, p(v_{g(e)})

    with a fixed scale :math:`c_e` of each connection such as its number of synapses, a sign :math:`s_e` (where it is
    0, :math:`v` is used as it is), and a trained value, one per connection or shared within groups, e.g. pairs of cell
    types.
    `Edges.of` makes them. First derivatives exist in both modes; second derivatives, and `jax.vmap` of a derivative,
    are not defined.

    Attributes
    ----------
    raw : (M,), or (G,) where connections share values
    layout : sources and targets; all arrays below are in its order
    scale, signs, group : (M,) or None
    positive : {"abs", "relu", "softplus"}
    learns : whether they can be trained

    Examples
    --------
    >>> weights = Edges.of([0, 1, 2], [1, 2, 0], (3, 3), sign=[1, 1, -1], weights=[0.5, 0.2, -0.3])
    >>> np.asarray(weights.matrix()).round(2).tolist()
    [[0.0, 0.5, 0.0], [0.0, 0.0, 0.20000000298023224], [-0.30000001192092896, 0.0, 0.0]]
    """

    raw: jax.Array
    layout: Layout
    scale: jax.Array | None
    signs: jax.Array | None
    group: jax.Array | None
    positive: str
    learns: bool

    @classmethod
    def of(
        cls,
        pre: ArrayLike,
        post: ArrayLike,
        shape: tuple[int, int],
        *,
        weights: ArrayLike | None = None,
        scale: ArrayLike | None = None,
        sign: ArrayLike | None = None,
        group: ArrayLike | None = None,
        positive: str = "abs",
        trainable: bool = True,
        seed: int | float = 0,
    ) -> "Edges":
        """Make weights of a list of connections, in any order.

        Parameters
        ----------
        pre, post : array of int (M,)
            Source and target of each connection; no pair twice.
        shape : (int, int)
            ``(n_pre, n_post)``.
        weights : number or array (M,), optional
            Initial effective weights; by default they are drawn, with mean size 1 / (mean number of sources per target)
            before scaling.
        scale : array (M,), optional
            Constant factor of each connection, > 0; by default 1.
        sign : number or array (M,), optional
            1, -1 or 0 (free) of each connection; by default all are free.
        group : array (M,), optional
            Connections with the same entry (a number or a label) share one value.
        positive : {"abs", "relu", "softplus"}
            How signed weights keep their sign.
        trainable : bool
        seed : int
            Fixes the random weights.

        Raises
        ------
        ValueError
            For unequal lengths, units that do not exist, a connection that is listed twice, or weights that
            contradict their sign or differ (beyond their scale) within a group.
        """
        sources, targets = np.asarray(pre), np.asarray(post)
        m, (n_pre, n_post) = sources.size, shape
        if sources.shape != (m,) or targets.shape != (m,) or not m:
            raise ValueError(
                "pre and post must be two lists of equal length, a source and a target for each connection; "
                f"got shapes {sources.shape} and {targets.shape}."
            )
        for name, units, n in (("pre", sources, n_pre), ("post", targets, n_post)):
            if units.dtype.kind not in "iu" or units.min() < 0 or units.max() >= n:
                raise ValueError(f"{name} must be whole numbers in 0..{n - 1}; got {units.min()} to {units.max()}.")
        if positive not in POSITIVE:
            raise ValueError(f"unknown map {positive!r} to non-negative weights; allowed: {', '.join(POSITIVE)}.")
        order = np.lexsort((sources, targets))
        sources, targets = sources[order].astype(np.int32), targets[order].astype(np.int32)
        again = np.flatnonzero((np.diff(sources) == 0) & (np.diff(targets) == 0))
        if again.size:
            raise ValueError(
                f"{again.size} connections are given twice, the first {sources[again[0]]} -> {targets[again[0]]}; "
                "add their weights up, or leave one out."
            )
        scales = _each("scale", scale, m, order)
        if scales is not None and not (scales > 0).all():
            raise ValueError(f"scale must be > 0; got {scales.min():g}. The sign of a connection goes into sign.")
        signs = _each("sign", sign, m, order)
        if signs is not None and not np.isin(signs, (-1, 0, 1)).all():
            raise ValueError(f"signs must be -1, 0 or 1; got {sorted({float(s) for s in signs})[:5]}.")
        which, n_values = None, m
        if group is not None:
            labels = np.asarray(group)
            if labels.shape != (m,):
                raise ValueError(f"group must hold one entry per connection, shape ({m},); got {labels.shape}.")
            names, which = np.unique(labels[order], return_inverse=True)
            n_values = len(names)
        given = _each("weights", weights, m, order)
        if given is None:
            raw = _drawn(signs, which, n_values, positive, m / n_post, seed)
        else:
            raw = _raw(given / _or_one(scales), signs, which, n_values, positive)
        dtype = jnp.result_type(float)
        return cls(
            jnp.asarray(raw, dtype),
            _layout(sources, targets, n_pre, n_post),
            None if scales is None else jnp.asarray(scales, dtype),
            None if signs is None or not signs.any() else jnp.asarray(signs, dtype),
            None if which is None else jnp.asarray(which.astype(np.int32)),
            positive,
            trainable,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_pre, n_post)``."""
        return self.layout.shape

    @property
    def trainable(self) -> bool:
        """See `Weights`."""
        return self.learns

    @property
    def sign(self) -> np.ndarray:
        """Sign of each source whose connections agree, otherwise 0."""
        n_pre = self.shape[0]
        if self.signs is None:
            return np.zeros(n_pre, np.int8)
        signs, pre = np.asarray(self.signs), np.asarray(self.layout.pre)
        counts = [np.bincount(pre[signs == s], minlength=n_pre) for s in (1, -1, 0)]
        agree = [counts[i] * (counts[(i + 1) % 3] + counts[(i + 2) % 3] == 0) > 0 for i in (0, 1)]
        return agree[0].astype(np.int8) - agree[1].astype(np.int8)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """See `Weights`."""
        return {**super().to_arrays(), "pre": np.asarray(self.layout.pre), "post": np.asarray(self.layout.post)}

    def settings(self) -> dict[str, Any]:
        """See `Weights`."""
        return {**super().settings(), "shape": list(self.shape)}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> "Edges":
        """See `Weights`."""
        given = dict(settings)
        layout = _layout(arrays["pre"], arrays["post"], *given.pop("shape"))
        return cast(Edges, super().of_arrays(arrays, {**given, "layout": layout}))

    def effective(self) -> jax.Array:
        """Weights of all connections, (M,), in the order of the layout."""
        values = self.raw if self.group is None else self.raw[self.group]
        if self.signs is not None:
            values = jnp.where(self.signs == 0, values, self.signs * POSITIVE[self.positive][0](values))
        return values if self.scale is None else values * self.scale

    def product(self) -> Sparse:
        """See `Weights`."""
        return self._product(self.effective())

    def _product(self, values: jax.Array) -> Sparse:
        return Sparse(values, values[self.layout.order], self.layout)

    def between(self, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Sparse:
        """See `Weights`."""
        pre, post = np.asarray(self.layout.pre), np.asarray(self.layout.post)
        chosen = sum((source[pre] & target[post] for source, target in pairs), start=np.zeros(pre.shape, bool))
        return self._product(jnp.where(jnp.asarray(chosen), self.effective(), 0.0))

    def matrix(self) -> jax.Array:
        """Dense effective weights; refused for more than 5,000 units."""
        refuse_large(self.shape, "a dense copy of these weights")
        values = self.effective()
        return jnp.zeros(self.shape, values.dtype).at[self.layout.pre, self.layout.post].set(values)

    def check(self, *, square: bool) -> MatrixReport:
        """See `Weights`; absent connections have no number that could be wrong."""
        weights = np.asarray(self.effective())
        signs = np.zeros_like(weights) if self.signs is None else np.asarray(self.signs)
        pre, post = np.asarray(self.layout.pre), np.asarray(self.layout.post)
        return MatrixReport(
            shape=self.shape,
            density=float(np.count_nonzero(weights) / (self.shape[0] * self.shape[1])),
            wrong_sign=int((signs * weights < 0).sum()),
            outside_mask=0,
            changed_fixed=0,
            not_finite=int((~np.isfinite(weights)).sum()),
            autapses=int(np.count_nonzero(weights[pre == post])) if square else 0,
        )

    def sizes(self) -> tuple[jax.Array, int]:
        """See `Weights`."""
        values = self.effective()
        return values, values.size


def _each(name: str, value: ArrayLike | None, m: int, order: np.ndarray) -> np.ndarray | None:
    if value is None:
        return None
    array = np.asarray(value, np.float64)
    if array.shape not in ((), (m,)) or not np.isfinite(array).all():
        raise ValueError(
            f"{name} must be finite, one number or one per connection, shape ({m},); got shape {array.shape}."
        )
    return np.broadcast_to(array, (m,))[order]


def _or_one(scales: np.ndarray | None) -> np.ndarray | float:
    return 1.0 if scales is None else scales


def _drawn(
    signs: np.ndarray | None, group: np.ndarray | None, n_values: int, positive: str, sources: float, seed: int | float
) -> np.ndarray:
    """Raw values: those of gamma weights of mean 1 / sources, normal where no connection of a value has a sign."""
    rng = as_generator(seed, "seed")
    sizes, normal = rng.gamma(2.0, 0.5, n_values) / sources, rng.standard_normal(n_values) / np.sqrt(sources)
    signed = np.zeros(n_values, bool)
    if signs is not None:
        signed[(np.arange(n_values) if group is None else group)[signs != 0]] = True
    return np.where(signed, POSITIVE[positive][1](sizes), normal)


def _raw(
    weights: np.ndarray, signs: np.ndarray | None, group: np.ndarray | None, n_values: int, positive: str
) -> np.ndarray:
    if signs is not None:
        wrong = int((signs * weights < 0).sum())
        if wrong:
            raise ValueError(f"{wrong} weights contradict the sign of their connection.")
        weights = np.where(signs == 0, weights, POSITIVE[positive][1](np.abs(weights)))
    if group is None:
        return weights
    first = np.zeros(n_values)
    first[group[::-1]] = weights[::-1]
    if not np.allclose(first[group], weights, rtol=1e-6, atol=1e-12):
        raise ValueError("weights of one group must be equal, apart from their scale and sign; give one value for all.")
    return first


def _layout(pre: np.ndarray, post: np.ndarray, n_pre: int, n_post: int) -> Layout:
    order = np.argsort(pre, kind="stable").astype(np.int32)
    counts = np.bincount(post, minlength=n_post), np.bincount(pre, minlength=n_pre)
    starts, turned_starts = (np.concatenate([[0], np.cumsum(c)]).astype(np.int32) for c in counts)
    return Layout(*(jnp.asarray(a) for a in (pre, post, starts, order, post[order], turned_starts)))


def _rows(values: jax.Array, indices: jax.Array, starts: jax.Array, n: int, x: jax.Array) -> jax.Array:
    """Sums over the sorted connections of each row: (..., n) to (..., number of rows)."""
    flat = x.reshape(-1, n)
    columns = flat.shape[0]
    padded = jnp.pad(flat, ((0, max(COLUMNS - columns, 0)), (0, 0)))
    out = BCSR((values, indices, starts), shape=(len(starts) - 1, n)) @ padded.T
    return out.T[:columns].reshape(*x.shape[:-1], len(starts) - 1)


def _send(values: jax.Array, layout: Layout, r: jax.Array) -> jax.Array:
    return _rows(values, layout.pre, layout.starts, layout.shape[0], r)


def _pull(turned: jax.Array, layout: Layout, g: jax.Array) -> jax.Array:
    return _rows(turned, layout.turned_post, layout.turned_starts, layout.shape[1], g)


def _outer(layout: Layout, r: jax.Array, g: jax.Array) -> jax.Array:
    steps = (r.reshape(-1, *r.shape[-2:]), g.reshape(-1, *g.shape[-2:])) if r.ndim > 2 else (r[None], g[None])

    def one(total: jax.Array, step: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        sent, gradient = (jnp.atleast_2d(a) for a in step)
        return total + jnp.sum(sent[:, layout.pre] * gradient[:, layout.post], axis=0), None

    return jax.lax.scan(one, jnp.zeros(layout.pre.shape, r.dtype), steps)[0]


# Products are bilinear; JAX would differentiate its sparse ones by holding a number per connection and column.
@jax.custom_jvp
def _multiply(values: jax.Array, turned: jax.Array, layout: Layout, r: jax.Array) -> jax.Array:
    return _send(values, layout, r)


@_multiply.defjvp
def _multiply_jvp(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    values, turned, layout, r = primals
    of_values, _, _, of_r = tangents
    by_r = linear_call(
        lambda held, x: _send(held[0], held[2], x),
        lambda held, g: _pull(held[1], held[2], g),
        (values, turned, layout),
        of_r,
    )
    by_values = linear_call(
        lambda held, v: _send(v, held[1], held[0]), lambda held, g: _outer(held[1], held[0], g), (r, layout), of_values
    )
    return _send(values, layout, r), by_r + by_values
