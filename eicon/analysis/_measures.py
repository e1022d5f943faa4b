"""Similarity measures of two networks' samples, in one or many orders of the second network's samples.

Each is a function of a `Crossed`, so that the product of both networks' samples is computed once for all measures.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy import linalg

from ._arrays import is_constant
from ._pairing import Both, Permuted, Samples, orders

RANK_TOLERANCE = 1e-6
"""Singular values below this fraction of the largest count as zero: rates are float32 numbers."""
FOLDS = 5
SPLITS = 20
"""Number of random halvings of the repeats over which a noise ceiling is averaged."""
_CELLS = 4_000_000
"""Most numbers that the products of blocks may occupy at once."""

Value = float | Float[np.ndarray, "..."]


class Coordinates(NamedTuple):
    """Centred samples of one network in its principal components.

    Attributes
    ----------
    scores : (S, r)
    basis : (S, r) the same, each of norm 1
    components : (N, r)
    """

    scores: Float[np.ndarray, "S r"]
    basis: Float[np.ndarray, "S r"]
    components: Float[np.ndarray, "N r"]


def coordinates(name: str, samples: Float[np.ndarray, "S N"]) -> Coordinates:
    """Return the principal components with variance of samples that are not all equal."""
    if is_constant(samples):
        raise ValueError(f"`{name}` must vary; got {len(samples)} identical samples. The network may be silent.")
    left, singular, right = linalg.svd(samples - samples.mean(axis=0), full_matrices=False)
    rank = int(np.count_nonzero(singular > RANK_TOLERANCE * singular[0]))
    return Coordinates(left[:, :rank] * singular[:rank], left[:, :rank], right[:rank].T)


class Pair(NamedTuple):
    """Samples of two networks, each in its own coordinates."""

    x: Float[np.ndarray, "S r_a"]
    y: Float[np.ndarray, "S r_b"]
    samples: Samples
    noise: tuple[Float[np.ndarray, "S"], Float[np.ndarray, "S"]] | None = None
    bases: tuple[Float[np.ndarray, "S r_a"], Float[np.ndarray, "S r_b"]] | None = None


class Crossed:
    """One network compared with another, whose samples are in a given order."""

    def __init__(self, pair: Pair, order: Int[np.ndarray, "S"] | None = None) -> None:
        self.pair, self.order = pair, order

    def ordered(self, values: np.ndarray) -> np.ndarray:
        """Values of the second network's samples in this order."""
        return values if self.order is None else values[self.order]

    @cached_property
    def y(self) -> Float[np.ndarray, "S r_b"]:
        """Samples of the second network."""
        return self.ordered(self.pair.y)

    @cached_property
    def total(self) -> Float[np.ndarray, "r_a r_b"]:
        """Products of the samples of both networks, summed over samples."""
        return self.pair.x.T @ self.y


class Measure(NamedTuple):
    """A measure of one pair.

    Attributes
    ----------
    at : Crossed -> value
    plain : Crossed -> value before debiasing; None if there is no debiasing
    smaller : whether smaller values mean more similar
    agreement : value -> a number like a correlation, 1 for equality; and the inverse
    shared : a pair -> the product of both, for measures that divide it by the geometric mean of the own products
    """

    at: Callable[[Crossed], Value]
    plain: Callable[[Crossed], Value] | None = None
    smaller: bool = False
    agreement: tuple[Callable[[Any], Any], Callable[[Any], Any]] = (lambda value: value, lambda value: value)
    shared: Callable[[Pair], float] | None = None


class Judged(NamedTuple):
    """Value of a measure, its value before debiasing, and its values in random orders."""

    value: Value
    plain: Value
    null: Float[np.ndarray, "P ..."]


def judge(
    pair: Pair, measures: Mapping[str, Measure], permute: Permuted, n: int, rng: np.random.Generator
) -> dict[str, Judged]:
    """Compute all measures of a pair, in the given order and in `n` random ones."""
    found = Crossed(pair)
    values = {name: one.at(found) for name, one in measures.items()}
    plain = {name: values[name] if one.plain is None else one.plain(found) for name, one in measures.items()}
    null: dict[str, list[Value]] = {name: [] for name in measures}
    for order in orders(pair.samples, permute, n, rng):
        crossed = Crossed(pair, order)
        for name, one in measures.items():
            null[name].append(one.at(crossed))
    return {
        name: Judged(values[name], plain[name], np.array(null[name]).reshape(n, *np.shape(values[name])))
        for name in measures
    }


def paired(
    a: Float[np.ndarray, "S N_a"],
    b: Float[np.ndarray, "S N_b"],
    samples: Samples,
    names: tuple[str, str] = ("a", "b"),
    noise: tuple[Float[np.ndarray, "S"], Float[np.ndarray, "S"]] | None = None,
) -> Pair:
    """Return both networks in their principal components."""
    first, second = coordinates(names[0], a), coordinates(names[1], b)
    return Pair(first.scores, second.scores, samples, noise, (first.basis, second.basis))


def ceilings(
    given: Both,
    pair: Pair,
    makers: Mapping[str, Callable[[Pair], Measure]],
    measures: Mapping[str, Measure],
    rng: np.random.Generator,
) -> dict[str, Value]:
    """Estimate each measure for two networks that differ only by the noise of their repeats; NaN without repeats.

    The estimate comes from the agreement of halves of each network's own trials. Where a measure is a product over the
    geometric mean of the two own products, the product of the halves is free of noise, and its ratio to the own product
    gives the effect of noise; other measures are computed on the halves, and their agreement extrapolated to all trials
    by the Spearman-Brown formula.
    """
    left: dict[str, list[Any]] = {name: [] for name in measures}
    for place, repeats in enumerate(given.repeats or ()):
        own = pair.x if place == 0 else pair.y
        itself = Pair(own, own, pair.samples, pair.noise and (pair.noise[place],) * 2)
        found: dict[str, list[Any]] = {name: [] for name in measures}
        for _ in range(SPLITS):
            halves = repeats.halves(rng)
            if halves is None:
                break
            first, second = halves
            half = paired(first.values, second.values, pair.samples, noise=(first.noise, second.noise))
            for name, one in measures.items():
                if one.shared is not None:
                    found[name].append(one.shared(half))
                else:
                    found[name].append(one.agreement[0](makers[name](half).at(Crossed(half))))
        for name, one in measures.items():
            if found[name]:
                mean = np.mean(found[name], axis=0)
                if one.shared is not None:
                    left[name].append(np.clip(mean / one.shared(itself), 0.0, 1.0))
                else:
                    clipped = np.clip(mean, 0.0, 1.0)
                    left[name].append(2.0 * clipped / (1.0 + clipped))
    return {
        name: one.agreement[1](np.sqrt(np.prod(left[name], axis=0))) if len(left[name]) == 2 else np.nan
        for name, one in measures.items()
    }


# ------------------------------------------------------------------------------------------------------------- CKA


class Side:
    """Sums over the blocks of one network's centred samples."""

    def __init__(self, values: Float[np.ndarray, "S r"], samples: Samples) -> None:
        self.values, self.samples = values, samples
        self.sums = samples.summed(values)
        self.own = np.einsum("bi,bi->b", self.sums, self.sums)
        self.within = np.einsum("si,si->s", values, self.sums[samples.block])

    @cached_property
    def padded(self) -> Float[np.ndarray, "B L r"]:
        """Samples block by block."""
        return self.samples.padded(self.values)

    @cached_property
    def gram(self) -> Float[np.ndarray, "B L L"]:
        """Products of the samples of each block."""
        return self.padded @ self.padded.swapaxes(1, 2)


def hsic(x: Side, y: Side, total: Float[np.ndarray, "r_a r_b"] | None = None) -> float:
    r"""Unbiased estimate of the Hilbert-Schmidt independence criterion with linear kernels.

    Like the estimate of Song et al. (2012), the mean of :math:`k_{ij} l_{ij} + k_{ij} l_{qr} - 2 k_{ij} l_{iq}` over
    samples that all differ, but over samples of different blocks, as those of one block depend on one another.
    ``total``: products of all samples, if they are known.
    """
    length = np.count_nonzero(x.samples.members < len(x.values), axis=1).astype(np.float64)
    p1, p2, p3, p4 = (float((length**power).sum()) for power in (1, 2, 3, 4))
    pairs, triples = p1**2 - p2, p1**3 - 3 * p1 * p2 + 2 * p3
    quadruples = p1**4 - 6 * p1**2 * p2 + 3 * p2**2 + 8 * p1 * p3 - 6 * p4
    total = x.values.T @ y.values if total is None else total
    sums = x.sums.T @ y.sums
    # Sums over all samples are 0, which leaves out most terms of inclusion and exclusion.
    same = linalg.norm(total) ** 2 - _within(x, y)
    one_shared = 2.0 * (x.within @ y.within) - np.sum(total * sums)
    none_shared = x.own.sum() * y.own.sum() - 6.0 * (x.own @ y.own) + 2.0 * linalg.norm(sums) ** 2
    return float(same / pairs + none_shared / quadruples - 2.0 * one_shared / triples)


def _within(x: Side, y: Side) -> float:
    """Return the sum over blocks of the squared norm of their products."""
    B, L = x.samples.members.shape
    if min(x.values.shape[1], y.values.shape[1]) >= L and B * L * L <= _CELLS:
        return float(np.vdot(x.gram, y.gram))
    several = max(1, _CELLS // (x.values.shape[1] * y.values.shape[1]))
    parts = (slice(begin, begin + several) for begin in range(0, B, several))
    return sum(float(np.sum((x.padded[part].swapaxes(1, 2) @ y.padded[part]) ** 2)) for part in parts)


def cka(pair: Pair, *, debiased: bool = True) -> Measure:
    """Linear CKA, from the unbiased estimate of its three terms or in its plain form."""
    x, y, samples = pair.x, pair.y, pair.samples
    scale = linalg.norm(x.T @ x) * linalg.norm(y.T @ y)

    def plain(crossed: Crossed) -> float:
        return float(linalg.norm(crossed.total) ** 2 / scale)

    if not debiased:
        return Measure(plain)
    if samples.n < 4:
        raise ValueError(
            f"the debiased CKA needs at least 4 samples; got {samples.n}. Pass debiased=False for the plain one."
        )
    first, second = Side(x, samples), Side(y, samples)
    own = hsic(first, first) * hsic(second, second)
    root = np.sqrt(own) if own > 0 else np.nan
    return Measure(
        lambda crossed: hsic(first, Side(crossed.y, samples), crossed.total) / root,
        plain,
        shared=lambda halves: hsic(Side(halves.x, halves.samples), Side(halves.y, halves.samples)),
    )


# ------------------------------------------------------------------------------------- Procrustes and principal angles


def procrustes(pair: Pair) -> Measure:
    """Procrustes angle."""
    x, y = pair.x / linalg.norm(pair.x), pair.y / linalg.norm(pair.y)
    scale = linalg.norm(pair.x) * linalg.norm(pair.y)
    width = max(x.shape[1], y.shape[1])

    def at(crossed: Crossed) -> float:
        if crossed.order is not None:
            return float(np.arccos(min(linalg.svdvals(crossed.total).sum() / scale, 1.0)))
        # The chord keeps the precision that arccos loses near 1.
        first, second = (np.pad(values, ((0, 0), (0, width - values.shape[1]))) for values in (x, y))
        left, _, right = linalg.svd(first.T @ second)
        chord = linalg.norm(first - second @ (left @ right).T)
        return float(2.0 * np.arcsin(min(0.5 * chord, 1.0)))

    return Measure(at, smaller=True, agreement=(np.cos, np.arccos))


def angles(pair: Pair, k: int) -> Measure:
    """Principal angles between the first k components' time courses, ascending."""
    first, second = _bases(pair, k)

    def at(crossed: Crossed) -> Float[np.ndarray, "k"]:
        if crossed.order is None:
            return linalg.subspace_angles(first, second)[::-1].copy()
        return np.arccos(np.minimum(linalg.svdvals(first.T @ crossed.ordered(second)), 1.0))

    return Measure(at, smaller=True, agreement=(np.cos, np.arccos))


def _bases(pair: Pair, k: int) -> tuple[Float[np.ndarray, "S k"], Float[np.ndarray, "S k"]]:
    assert pair.bases is not None
    return pair.bases[0][:, :k], pair.bases[1][:, :k]


# ------------------------------------------------------------------ canonical correlations and regression, held out


class Products(NamedTuple):
    """Products of both networks' first components, of the samples of each fold: (F, k, k)."""

    xx: Float[np.ndarray, "F k k"]
    xy: Float[np.ndarray, "F k k"]
    yy: Float[np.ndarray, "F k k"]


def _folds(samples: Samples) -> list[Int[np.ndarray, "_"]]:
    """Return the samples of each fold: whole blocks, or consecutive (and so similar) steps of a single trial."""
    n = min(FOLDS, samples.n)
    every = np.arange(samples.n)
    of_block = every * n // samples.n if samples.named == "steps" else every % n
    return [np.flatnonzero(of_block[samples.block] == fold) for fold in range(n)]


def _products(x: Float[np.ndarray, "S k"], y: Float[np.ndarray, "S k"], folds: list[Int[np.ndarray, "_"]]) -> Products:
    parts = [(x[fold], y[fold]) for fold in folds]
    return Products(
        np.stack([first.T @ first for first, _ in parts]),
        np.stack([first.T @ second for first, second in parts]),
        np.stack([second.T @ second for _, second in parts]),
    )


def _inverse_root(matrix: Float[np.ndarray, "k k"]) -> Float[np.ndarray, "k k"]:
    """Inverse square root; directions without variance are left out."""
    values, vectors = linalg.eigh(matrix)
    kept = values > 1e-10 * values[-1]
    return vectors[:, kept] / np.sqrt(values[kept]) @ vectors[:, kept].T


def cca(pair: Pair, k: int) -> Measure:
    """Mean canonical correlation of the first k components in trials held out from the fit of the directions."""
    first, second = _bases(pair, k)
    folds = _folds(pair.samples)

    def at(crossed: Crossed) -> float:
        parts = _products(first, crossed.ordered(second), folds)
        held = [_held_out_correlation(parts, fold) for fold in range(len(folds))]
        return float(np.average(held, weights=[fold.size for fold in folds]))

    def plain(crossed: Crossed) -> float:
        return float(np.minimum(linalg.svdvals(first.T @ crossed.ordered(second)), 1.0).mean())

    return Measure(at, plain)


def _held_out_correlation(parts: Products, fold: int) -> float:
    xx, xy, yy = (one.sum(axis=0) - one[fold] for one in parts)
    root_x, root_y = _inverse_root(xx), _inverse_root(yy)
    left, _, right = linalg.svd(root_x @ xy @ root_y)
    of_x, of_y = root_x @ left, root_y @ right.T
    covariance = np.einsum("ik,ij,jk->k", of_x, parts.xy[fold], of_y)
    variance = np.einsum("ik,ij,jk->k", of_x, parts.xx[fold], of_x) * np.einsum(
        "ik,ij,jk->k", of_y, parts.yy[fold], of_y
    )
    seen = variance > 0
    return float(np.divide(covariance, np.sqrt(variance), out=np.zeros_like(covariance), where=seen).mean())


def aligned(pair: Pair, k: int, *, reverse: bool = False) -> Measure:
    """NRMSE of the first network's k components predicted from the second's (or the other way round), held out."""
    first, second = _bases(pair, k)
    folds = _folds(pair.samples)
    target = pair.y[:, :k] if reverse else pair.x[:, :k]
    power = linalg.norm(target)

    def sides(crossed: Crossed) -> tuple[np.ndarray, np.ndarray]:
        """Return what is predicted, and the predictors."""
        return (crossed.ordered(target), first) if reverse else (target, crossed.ordered(second))

    def at(crossed: Crossed) -> float:
        wanted, known = sides(crossed)
        parts = _products(known, wanted, folds)
        error = 0.0
        for fold in range(len(folds)):
            xx, xy, _ = (one.sum(axis=0) - one[fold] for one in parts)
            weights = linalg.lstsq(xx, xy, lapack_driver="gelsy")[0]
            left = parts.yy[fold] - weights.T @ parts.xy[fold] - parts.xy[fold].T @ weights
            error += float(np.trace(left + weights.T @ parts.xx[fold] @ weights))
        return float(np.sqrt(max(error, 0.0)) / power)

    def plain(crossed: Crossed) -> float:
        wanted, known = sides(crossed)
        return float(linalg.norm(wanted - known @ (known.T @ wanted)) / power)

    root = (lambda error: np.sqrt(np.maximum(1.0 - error**2, 0.0)),) * 2
    return Measure(at, plain, smaller=True, agreement=(root[0], root[1]))


def error(pair: Pair) -> Measure:
    """NRMSE, from the samples of the reference without their means, and those of the other without these means."""
    power = linalg.norm(pair.x)
    return Measure(lambda crossed: float(linalg.norm(pair.x - crossed.y) / power), smaller=True)


# ------------------------------------------------------------------------------------------------------------- RSA


def rsa(pair: Pair) -> Measure:
    """Correlation of the two networks' distances between blocks."""
    own = _distances(pair.x, None if pair.noise is None else pair.noise[0], pair.samples)
    if np.ptp(own) == 0:
        raise ValueError("`a` must have different distances between its conditions; got equal ones.")

    def at(crossed: Crossed) -> float:
        noise = None if pair.noise is None else crossed.ordered(pair.noise[1])
        return _correlation(own, _distances(crossed.y, noise, pair.samples))

    def plain(crossed: Crossed) -> float:
        first, second = (_distances(values, None, pair.samples) for values in (pair.x, crossed.y))
        return _correlation(first, second)

    return Measure(at, plain, shared=_shared_distances)


def _shared_distances(pair: Pair) -> float:
    noise = pair.noise or (None, None)
    first, second = (_distances(v, one, pair.samples) for v, one in zip((pair.x, pair.y), noise, strict=True))
    return float(np.mean((first - first.mean()) * (second - second.mean())))


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    one, other = first - first.mean(), second - second.mean()
    scale = linalg.norm(one) * linalg.norm(other)
    return float(one @ other / scale) if scale > 0 else float("nan")


def _distances(
    values: Float[np.ndarray, "S r"], noise: Float[np.ndarray, "S"] | None, samples: Samples
) -> Float[np.ndarray, "P"]:
    """Squared distances of all pairs of blocks, per shared step, minus the contribution of noise."""
    padded = samples.padded(values)
    flat = padded.reshape(len(padded), -1)
    power = (padded**2).sum(axis=2)
    if noise is not None and np.isfinite(noise).all():
        power = power - samples.padded(noise[:, None])[:, :, 0]
    has = (samples.members < len(values)).astype(np.float64)
    squared = power @ has.T + has @ power.T - 2.0 * flat @ flat.T
    return (squared / (has @ has.T))[np.triu_indices(len(padded), 1)]
