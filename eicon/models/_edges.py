"""Sparse weights as a list of connections, which never becomes an array of size N x N."""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
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

WIDTH = 8
"""Connections per piece: XLA adds this many terms in one vectorised loop, and takes ten times longer along an axis."""
COLUMNS = 8
"""Number of columns from which JAX's own product is faster, unless rows are short; below, up to ten times slower."""
STEP, LANES = 4, 16
"""Numbers of columns processed at a time in the gradients of single and of shared weights."""


class Rows(NamedTuple):
    """Connections by row, for sums over each row; with few columns the sums are computed piece by piece.

    Attributes
    ----------
    columns : (M,) column of each connection, sorted by row
    starts : (number of rows + 1,) first connection of each row
    order : (M,) their indices among all connections
    places : (WIDTH, P) connections of each piece; M for none
    sources : (WIDTH, P) their columns; number of columns for none
    levels : (WIDTH, P') pieces of the level below whose sums are added next, down to one per row; P for none
    """

    columns: jax.Array
    starts: jax.Array
    order: jax.Array
    places: jax.Array
    sources: jax.Array
    levels: tuple[jax.Array, ...]

    @property
    def number(self) -> int:
        """Number of rows."""
        return len(self.starts) - 1

    def placed(self, weights: jax.Array) -> "Placed":
        """Arrange the weights of all connections, followed by a zero, for sums over rows."""
        return Placed(_of(weights, self.order), _of(weights, self.places))


class Placed(NamedTuple):
    """Weights sorted by row, (M,), and in pieces, (WIDTH, P)."""

    ordered: jax.Array
    pieces: jax.Array


class Layout(NamedTuple):
    """Positions of connections, sorted by target, then source.

    Attributes
    ----------
    pre, post : (M,) source and target of each
    inwards, outwards : by target, and by source
    """

    pre: jax.Array
    post: jax.Array
    inwards: Rows
    outwards: Rows

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_pre, n_post)``."""
        return self.outwards.number, self.inwards.number

    def transposed(self) -> "Layout":
        """Positions in the transpose."""
        return Layout(self.post, self.pre, self.outwards, self.inwards)


class Groups(NamedTuple):
    """Connections in pieces that share a value.

    Attributes
    ----------
    places : (WIDTH, P) connections of each piece; M for none
    pre, post : (WIDTH, P) their sources and targets
    value : (P,) index of the value of each piece
    """

    places: jax.Array
    pre: jax.Array
    post: jax.Array
    value: jax.Array

    def transposed(self) -> "Groups":
        """Exchange sources and targets."""
        return self._replace(pre=self.post, post=self.pre)


class Shares(NamedTuple):
    """Weights as shared values times constant factors: index of the value, (M,), and factor, (M,), of each."""

    which: jax.Array
    factors: jax.Array
    groups: Groups

    def of(self, values: jax.Array) -> jax.Array:
        """Weights of all connections."""
        return values[self.which] * self.factors


@pytree(leaves=["values", "sent", "pulled", "layout", "shares"])
@dataclass(frozen=True, eq=False)
class Sparse(Product):
    """Effective weights of connections.

    Attributes
    ----------
    values : (M,) weights, or (G,) shared values; derivatives are taken with respect to them
    sent, pulled : weights by target, and by source
    layout : sources and targets
    shares : weights in terms of shared values, or None
    """

    values: jax.Array
    sent: Placed
    pulled: Placed
    layout: Layout
    shares: Shares | None

    @classmethod
    def of(cls, values: jax.Array, layout: Layout, shares: Shares | None) -> "Sparse":
        """Arrange values for products."""
        weights = _with_zero(jax.lax.stop_gradient(values if shares is None else shares.of(values)))
        return cls(values, layout.inwards.placed(weights), layout.outwards.placed(weights), layout, shares)

    def transposed(self) -> "Sparse":
        """Weights in the opposite direction."""
        shares = self.shares and self.shares._replace(groups=self.shares.groups.transposed())
        return Sparse(self.values, self.pulled, self.sent, self.layout.transposed(), shares)

    def send(self, r: jax.Array) -> jax.Array:
        """See `Product`."""
        return _multiply(self, r)

    def pull(self, g: jax.Array) -> jax.Array:
        """See `Product`."""
        return _multiply(self.transposed(), g)

    def outer(self, r: jax.Array, g: jax.Array) -> "Sparse":
        """See `Product`; a few columns at a time, to avoid an array of steps times connections."""
        nowhere: Any = None
        return Sparse(_outer(self, r, g), nowhere, nowhere, nowhere, nowhere)


@pytree(leaves=["raw", "layout", "scale", "signs", "group", "groups"], static=["positive", "learns"])
@dataclass(frozen=True, eq=False)
class Edges(Weights):
    r"""Sparse weights, one for each connection that exists.

    .. math:: w_e = c_e \, s_e \, p(v_{g(e)})

    with a fixed scale :math:`c_e` of each connection such as its number of synapses, a sign :math:`s_e` (where it is
    0, :math:`v` is used unchanged), and a trained value, one per connection or shared within groups, e.g. pairs of cell
    types.
    `Edges.of` makes them. First derivatives exist in both modes; second derivatives, and `jax.vmap` of a derivative,
    are not defined.

    Attributes
    ----------
    raw : (M,), or (G,) where connections share values
    layout : sources and targets; all arrays below are in its order
    scale, signs, group : (M,) or None; constants
    groups : connections that share a value, or None
    positive : {"abs", "relu", "softplus"}
    learns : whether the weights can be trained

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
    groups: Groups | None
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
        """Make weights from a list of connections, in any order.

        Parameters
        ----------
        pre, post : array of int (M,)
            Source and target of each connection; no pair twice.
        shape : (int, int)
            ``(n_pre, n_post)``.
        weights : number or array (M,), optional
            Initial effective weights; by default random, with mean magnitude 1 / (mean number of sources per target)
            before scaling.
        scale : array (M,), optional
            Constant factor of each connection, > 0; by default 1.
        sign : number or array (M,), optional
            1, -1 or 0 (free) of each connection; by default all are free.
        group : array (M,), optional
            Connections with the same entry (a number or a label) share one value.
        positive : {"abs", "relu", "softplus"}
            Map that keeps the sign of signed weights.
        trainable : bool
        seed : int
            Fixes the random weights.

        Raises
        ------
        ValueError
            If lengths differ, a unit does not exist, a connection is listed twice, or weights contradict their sign or
            differ (beyond their scale) within a group.
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
                "add their weights, or omit one."
            )
        scales = _each("scale", scale, m, order)
        if scales is not None and not (scales > 0).all():
            raise ValueError(f"scale must be > 0; got {scales.min():g}. Pass the signs of connections as sign.")
        signs = _each("sign", sign, m, order)
        if signs is not None and not np.isin(signs, (-1, 0, 1)).all():
            raise ValueError(f"signs must be -1, 0 or 1; got {sorted({float(s) for s in signs})[:5]}.")
        which, n_values = None, m
        if group is not None:
            labels = np.asarray(group)
            if labels.shape != (m,):
                raise ValueError(f"group must have one entry per connection, shape ({m},); got {labels.shape}.")
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
            _groups(sources, targets, which, signs, n_values),
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
        """Sign of each source whose connections have the same sign, otherwise 0."""
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
        groups = _groups(arrays["pre"], arrays["post"], arrays.get("group"), arrays.get("signs"), len(arrays["raw"]))
        return cast(Edges, super().of_arrays(arrays, {**given, "layout": layout, "groups": groups}))

    def effective(self) -> jax.Array:
        """Weights of all connections, (M,), in the order of the layout."""
        values = self.raw if self.group is None else self.raw[self.group]
        if self.signs is not None:
            values = jnp.where(self.signs == 0, values, self.signs * POSITIVE[self.positive][0](values))
        return values if self.scale is None else values * self.scale

    def product(self) -> Sparse:
        """See `Weights`."""
        return self._product(None)

    def _product(self, chosen: jax.Array | None) -> Sparse:
        if self.group is None or self.groups is None:
            values = self.effective()
            return Sparse.of(values if chosen is None else jnp.where(chosen, values, 0.0), self.layout, None)
        values, which = self.raw, self.group
        factors = jnp.ones(which.shape, values.dtype) if self.scale is None else self.scale
        if self.signs is not None:
            values = jnp.concatenate([POSITIVE[self.positive][0](values), values])
            which = _unsigned_last(which, self.signs, len(self.raw))
            factors = jnp.where(self.signs == 0, factors, self.signs * factors)
        if chosen is not None:
            factors = jnp.where(chosen, factors, 0.0)
        return Sparse.of(values, self.layout, Shares(which, jax.lax.stop_gradient(factors), self.groups))

    def between(self, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Sparse:
        """See `Weights`."""
        pre, post = np.asarray(self.layout.pre), np.asarray(self.layout.post)
        chosen = sum((source[pre] & target[post] for source, target in pairs), start=np.zeros(pre.shape, bool))
        return self._product(jnp.asarray(chosen))

    def matrix(self) -> jax.Array:
        """Dense effective weights, for up to 5,000 units."""
        refuse_large(self.shape, "a dense copy of these weights")
        values = self.effective()
        return jnp.zeros(self.shape, values.dtype).at[self.layout.pre, self.layout.post].set(values)

    def check(self, *, square: bool) -> MatrixReport:
        """See `Weights`; absent connections are not stored, and cannot be wrong."""
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
    """Draw raw values: gamma weights of mean 1 / sources, or normal if no connection of a value has a sign."""
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
        raise ValueError("weights of one group must be equal, except for scale and sign; give one value for all.")
    return first


def _unsigned_last(group: Any, signs: Any, n_values: int) -> Any:
    """Return the index of each connection's value, among those of signed and then of free connections."""
    return group + n_values * (signs == 0)


def _groups(
    pre: np.ndarray, post: np.ndarray, group: np.ndarray | None, signs: np.ndarray | None, n_values: int
) -> Groups | None:
    if group is None:
        return None
    if signs is not None and signs.any():
        group, n_values = _unsigned_last(group, signs, n_values), 2 * n_values
    order = np.argsort(group, kind="stable")
    places, numbers = _pieces(np.bincount(group, minlength=n_values))
    value = np.repeat(np.arange(n_values), numbers)
    filled = [np.append(a, none)[places] for a, none in ((order, len(pre)), (pre[order], 0), (post[order], 0))]
    return Groups(*map(_indices, (*filled, value)))


def _layout(pre: np.ndarray, post: np.ndarray, n_pre: int, n_post: int) -> Layout:
    order = np.argsort(pre, kind="stable")
    outwards = _rows(post[order], pre[order], order, n_post, n_pre)
    return Layout(_indices(pre), _indices(post), _rows(pre, post, np.arange(len(pre)), n_pre, n_post), outwards)


def _rows(columns: np.ndarray, rows: np.ndarray, order: np.ndarray, n_columns: int, n_rows: int) -> Rows:
    """Build `Rows` from connections sorted by row, and their indices among all."""
    counts = np.bincount(rows, minlength=n_rows)
    starts, (places, numbers) = np.concatenate([[0], np.cumsum(counts)]), _pieces(counts)
    connections, sources = np.append(order, len(order))[places], np.append(columns, n_columns)[places]
    levels = []
    while numbers.max() > 1:
        level, numbers = _pieces(numbers)
        levels.append(_indices(level))
    found = Rows(columns, starts, order, connections, sources, ())  # type: ignore[arg-type]
    return jax.tree.map(_indices, found)._replace(levels=tuple(levels))


def _indices(values: np.ndarray) -> jax.Array:
    return jnp.asarray(values, jnp.int32)


def _pieces(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Divide rows of consecutive items into pieces of at most `WIDTH`, at least one per row.

    Returns
    -------
    (width, number of pieces)
        Indices of the items in each piece; the number of items for none.
    (number of rows,)
        Number of pieces of each row.
    """
    width = min(WIDTH, max(counts.max(), 1))
    numbers, ends = np.maximum(-(-counts // width), 1), np.cumsum(counts)
    within = np.arange(numbers.sum()) - np.repeat(np.cumsum(numbers) - numbers, numbers)
    places = np.repeat(ends - counts, numbers) + width * within + np.arange(width)[:, None]
    places = np.where(places < np.repeat(ends, numbers), places, ends[-1])
    return places, numbers


def _send(product: Sparse, r: jax.Array) -> jax.Array:
    """Sum over the connections of each target: (..., n_pre) to (..., n_post)."""
    rows, weights = product.layout.inwards, product.sent
    flat = r.reshape(-1, r.shape[-1])

    def sums(r: jax.Array) -> jax.Array:
        columns = _with_zero(r.T)
        found = _total(w[:, None] * _of(columns, i) for w, i in zip(weights.pieces, rows.sources, strict=True))
        for level in rows.levels:
            below = _with_zero(found)
            found = _total(_of(below, i) for i in level)
        return found.T

    if len(flat) < COLUMNS:
        sent = sums(flat)
    elif len(rows.columns) < WIDTH * rows.number:
        sent = jax.lax.map(sums, _blocks(flat, LANES)).reshape(-1, rows.number)[: len(flat)]
    else:
        sent = (BCSR((weights.ordered, rows.columns, rows.starts), shape=product.layout.shape[::-1]) @ flat.T).T
    return sent.reshape(*r.shape[:-1], rows.number)


def _outer(product: Sparse, r: jax.Array, g: jax.Array) -> jax.Array:
    """Return the gradient of ``sum(g * send(r))`` with respect to values."""
    layout, shares = product.layout, product.shares
    if shares is None:

        def each(r: jax.Array, g: jax.Array) -> jax.Array:
            return _total(_of(a, layout.pre) * _of(b, layout.post) for a, b in zip(r, g, strict=True))

        return _summed(each, layout.pre.shape, _blocks(r, STEP), _blocks(g, STEP))
    groups = shares.groups
    # In a loop: fused with the preceding operations, it takes ten times longer.
    factors = jax.lax.map(partial(_of, _with_zero(shares.factors)), groups.places)

    def pieces(r: jax.Array, g: jax.Array) -> jax.Array:
        r, g = _with_zero(r.T), _with_zero(g.T)
        places = zip(factors, groups.pre, groups.post, strict=True)
        return _total(f[:, None] * _of(r, i) * _of(g, j) for f, i, j in places)

    found = _summed(pieces, (len(groups.value), LANES), _blocks(r, LANES), _blocks(g, LANES))
    found = jnp.matmul(found, jnp.ones(LANES, found.dtype), precision="highest")
    return jax.ops.segment_sum(found, groups.value, len(product.values), indices_are_sorted=True)


def _blocks(x: jax.Array, width: int) -> jax.Array:
    """Divide steps and trials into blocks: (blocks, width, n), padded with zeros."""
    flat = x.reshape(-1, x.shape[-1])
    return jnp.pad(flat, ((0, -len(flat) % width), (0, 0))).reshape(-1, width, x.shape[-1])


def _summed(term: Callable[..., jax.Array], shape: tuple[int, ...], r: jax.Array, g: jax.Array) -> jax.Array:
    """Sum a term over blocks."""
    return jax.lax.scan(lambda total, both: (total + term(*both), None), jnp.zeros(shape, r.dtype), (r, g))[0]


def _total(terms: Iterable[jax.Array]) -> jax.Array:
    return reduce(operator.add, terms)


def _of(values: jax.Array, places: jax.Array) -> jax.Array:
    """Return values at existing indices; none are counted from the end."""
    return values.at[places].get(mode="promise_in_bounds", wrap_negative_indices=False)


def _with_zero(values: jax.Array) -> jax.Array:
    """Append a zero for none; this also makes XLA store the values instead of recomputing them at each use."""
    return jnp.concatenate([values, jnp.zeros_like(values[:1])])


# Products are bilinear; JAX would differentiate them by summing one number per connection and column.
@jax.custom_jvp
def _multiply(product: Sparse, r: jax.Array) -> jax.Array:
    return _send(product, r)


@_multiply.defjvp
def _multiply_jvp(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    (product, r), (of_product, of_r) = primals, tangents
    by_r = linear_call(_send, lambda held, g: _send(held.transposed(), g), product, of_r)
    by_values = linear_call(
        lambda held, values: _send(Sparse.of(values, held[0].layout, held[0].shares), held[1]),
        lambda held, g: _outer(held[0], held[1], g),
        (product, r),
        of_product.values,
    )
    return _send(product, r), by_r + by_values
