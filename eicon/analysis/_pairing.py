"""Paired samples of two networks, and the orders in which the samples of one are exchanged against the other.

A sample is a step of a trial, or of a condition where activity is averaged over its trials. Samples are ordered trial
by trial. A block, that is a trial or a condition, is exchanged as a whole, because its samples depend on one another.
"""

import math
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from ._arrays import as_labels, as_mask, as_rates, require_finite, steps_of

Permuted = Literal["trials", "conditions", "time"]
FEWEST_BLOCKS = 4
"""Fewest trials for unbiased estimators over trials; with fewer, steps replace them."""
ENOUGH_ORDERS = 20
"""Fewest distinct orders that allow p = 0.05."""


class Samples(NamedTuple):
    """Layout of samples.

    Attributes
    ----------
    start, length : (R,) int
        First sample of each trial (or condition), and number of samples.
    kind : (R,) int
        Trials of the same kind have the same steps, and may be exchanged.
    block : (S,) int
        Block of each sample, ascending.
    members : (B, L) int
        Samples of each block; S after its end.
    averaged : bool
        Whether these are averages over the trials of conditions.
    """

    start: Int[np.ndarray, "R"]
    length: Int[np.ndarray, "R"]
    kind: Int[np.ndarray, "R"]
    block: Int[np.ndarray, "S"]
    members: Int[np.ndarray, "B L"]
    averaged: bool

    @property
    def n(self) -> int:
        """Number of blocks."""
        return len(self.members)

    @property
    def named(self) -> str:
        """Name of the blocks."""
        return "steps" if self.n != len(self.start) else "conditions" if self.averaged else "trials"

    def padded(self, values: Float[np.ndarray, "S N"]) -> Float[np.ndarray, "B L N"]:
        """Return values block by block; 0 after the end of a block."""
        return np.concatenate([values, np.zeros((1, values.shape[1]))])[self.members]

    def summed(self, values: Float[np.ndarray, "S N"]) -> Float[np.ndarray, "B N"]:
        """Return the sum over each block."""
        return np.add.reduceat(values, self.members[:, 0], axis=0)


class Repeats(NamedTuple):
    """Single trials of one network, from which its conditions were averaged.

    Attributes
    ----------
    rates : (T, B, N)
    inside : (T, B) steps that count
    condition : (B,) condition of each trial; -1 if the networks do not share it
    used : (T, C) steps of the averages that count
    """

    rates: Float[np.ndarray, "T B N"]
    inside: Bool[np.ndarray, "T B"]
    condition: Int[np.ndarray, "B"]
    used: Bool[np.ndarray, "T C"]

    @property
    def fewest(self) -> int:
        """Smallest number of trials of a condition, at any step that counts."""
        return int(_counts(self.inside, self.condition, self.used.shape[1])[self.used].min())

    def halves(self, rng: np.random.Generator) -> "tuple[Averages, Averages] | None":
        """Average each half of the trials of every condition; return None if a half has no trial at some step.

        Trials of similar length are split, so that both halves reach the last step.
        """
        first = np.zeros(self.condition.size, dtype=bool)
        lengths = self.inside.sum(axis=0)
        for one in range(self.used.shape[1]):
            members = rng.permutation(np.flatnonzero(self.condition == one))
            members = members[np.argsort(-lengths[members], kind="stable")]
            for begin in range(0, members.size, 2):
                first[rng.choice(members[begin : begin + 2])] = rng.random() < 0.5 or begin + 1 < members.size
        of_each = [np.where(half, self.condition, -1) for half in (first, ~first)]
        counts = [_counts(self.inside, one, self.used.shape[1])[self.used] for one in of_each]
        if min(count.min() for count in counts) < 1:
            return None
        made = [averages(self.rates, self.inside, one, self.used) for one in of_each]
        return made[0], made[1]


class Averages(NamedTuple):
    """Means over the trials of conditions, for each sample, and the variances of the means summed over units."""

    values: Float[np.ndarray, "S N"]
    noise: Float[np.ndarray, "S"]


class Both(NamedTuple):
    """Samples of two networks, and the single trials where samples are averages."""

    a: Float[np.ndarray, "S N_a"]
    b: Float[np.ndarray, "S N_b"]
    samples: Samples
    noise: tuple[Float[np.ndarray, "S"], Float[np.ndarray, "S"]] | None = None
    repeats: tuple[Repeats, Repeats] | None = None
    n_left_out: int = 0


def both(
    a: Any,
    b: Any,
    mask: Any = None,
    conditions: Any = None,
    names: tuple[str, str] = ("a", "b"),
) -> Both:
    """Check the activity of two networks and align its samples.

    Parameters
    ----------
    a, b : (T, B, N_a) and (T, B, N_b)
    mask : (T, B), or two of them, optional
        Steps that count.
    conditions : (B,) labels, or two of them, optional
        Activity is averaged over the trials of each; the networks may then have different trials.
    names : of the two, for error messages
    """
    rates = [as_rates(values, name) for values, name in zip((a, b), names, strict=True)]
    if conditions is not None:
        return _averaged(rates, (a, b), mask, conditions, names)
    shapes = [values.shape[:2] for values in rates]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"`{names[0]}` and `{names[1]}` must contain the same trials, (T, B); got {shapes[0]} and {shapes[1]}. "
            "Run both networks on the same inputs, or pass the `conditions` of the trials of each, "
            "over which activity is then averaged."
        )
    first, second = _masks((a, b), mask, shapes)
    inside = first & second
    picked = [_picked(name, values, inside) for name, values in zip(names, rates, strict=True)]
    return Both(picked[0], picked[1], _samples(inside, averaged=False))


def _masks(given: tuple[Any, Any], mask: Any, shapes: list[tuple[int, int]]) -> list[Bool[np.ndarray, "T B"]]:
    """Return the steps that count for each, from one mask for both, from two, or from the activity itself."""
    two = isinstance(mask, tuple)
    if two and len(mask) != 2:
        raise ValueError(f"`mask` must be one array (T, B), or a pair of them; got {len(mask)}.")
    masks = mask if two else (mask, mask)
    return [
        as_mask("mask", steps_of(values, one), (shape[0], shape[1]))
        for values, one, shape in zip(given, masks, shapes, strict=True)
    ]


def _picked(name: str, values: Float[np.ndarray, "T B N"], inside: Bool[np.ndarray, "T B"]) -> np.ndarray:
    samples = values.swapaxes(0, 1)[inside.T]
    _require_samples(len(samples))
    require_finite(name, samples)
    return samples


def _require_samples(count: int) -> None:
    if count < 2:
        raise ValueError(f"`mask` must leave at least 2 samples (steps x trials); got {count}.")


def _averaged(
    rates: list[np.ndarray], given: tuple[Any, Any], mask: Any, conditions: Any, names: tuple[str, str]
) -> Both:
    steps = [len(values) for values in rates]
    if steps[0] != steps[1]:
        raise ValueError(
            f"`{names[0]}` and `{names[1]}` must have equally many steps of the same length; got {steps[0]} and "
            f"{steps[1]}. Cut or resample one of them."
        )
    index, n_conditions = _conditions(conditions, [values.shape[1] for values in rates])
    masks = _masks(given, mask, [values.shape[:2] for values in rates])
    for name, values, inside, one in zip(names, rates, masks, index, strict=True):
        require_finite(name, values[inside & (one >= 0)])
    used = np.logical_and(*(_counts(inside, one, n_conditions) > 0 for inside, one in zip(masks, index, strict=True)))
    _require_samples(int(np.count_nonzero(used)))
    means = [averages(v, inside, one, used) for v, inside, one in zip(rates, masks, index, strict=True)]
    repeats = tuple(Repeats(v, inside, one, used) for v, inside, one in zip(rates, masks, index, strict=True))
    return Both(
        means[0].values,
        means[1].values,
        _samples(used, averaged=True),
        (means[0].noise, means[1].noise),
        repeats if min(one.fewest for one in repeats) > 1 else None,  # type: ignore[arg-type]
        sum(int(np.count_nonzero(one < 0)) for one in index),
    )


def _conditions(given: Any, n_trials: list[int]) -> tuple[list[Int[np.ndarray, "_"]], int]:
    """Return the condition of each trial of either network; -1 for a condition that the other network lacks."""
    two = isinstance(given, tuple) and len(given) == 2 and all(np.ndim(one) == 1 for one in given)
    pair = given if two else (given, given)
    labels = [as_labels("conditions", one, n) for one, n in zip(pair, n_trials, strict=True)]
    if (labels[0].dtype.kind in "US") != (labels[1].dtype.kind in "US"):
        raise TypeError("`conditions` must be text for both or numbers for both; got one of each.")
    joined = as_labels("conditions", np.concatenate(labels), sum(n_trials))
    levels, index = np.unique(joined, return_inverse=True)
    of_each = np.split(index, [n_trials[0]])
    shared = np.flatnonzero([all((one == level).any() for one in of_each) for level in range(levels.size)])
    if shared.size < 2:
        raise ValueError(
            f"`conditions` must have at least 2 levels with trials in both; got {shared.size} of {levels.size}."
        )
    place = np.full(levels.size, -1)
    place[shared] = np.arange(shared.size)
    return [place[one] for one in of_each], shared.size


def _counts(inside: Bool[np.ndarray, "T B"], condition: Int[np.ndarray, "B"], n: int) -> Int[np.ndarray, "T C"]:
    return np.stack([inside[:, condition == one].sum(axis=1) for one in range(n)], axis=1)


def averages(
    rates: Float[np.ndarray, "T B N"],
    inside: Bool[np.ndarray, "T B"],
    condition: Int[np.ndarray, "B"],
    used: Bool[np.ndarray, "T C"],
) -> Averages:
    """Average over the trials of each condition; the variance is NaN where there is a single trial."""
    means, noise = [], []
    for one in range(used.shape[1]):
        members, at = condition == one, used[:, one]
        seen = inside[at][:, members]
        values = np.where(seen[..., None], rates[at][:, members], 0.0)
        count = seen.sum(axis=1)
        mean = values.sum(axis=1) / count[:, None]
        squares = np.where(seen[..., None], (values - mean[:, None]) ** 2, 0.0).sum(axis=(1, 2))
        means.append(mean)
        noise.append(np.divide(squares, (count - 1) * count, out=np.full(count.size, np.nan), where=count > 1))
    return Averages(np.concatenate(means), np.concatenate(noise))


def _samples(inside: Bool[np.ndarray, "T R"], *, averaged: bool) -> Samples:
    seen = inside.T[inside.any(axis=0)]
    length = seen.sum(axis=1)
    start = np.cumsum(length) - length
    kind = np.unique(seen, axis=0, return_inverse=True)[1].ravel()
    S = int(length.sum())
    of_steps = len(seen) < FEWEST_BLOCKS
    counts = np.ones(S, dtype=int) if of_steps else length
    begin = np.cumsum(counts) - counts
    place = np.arange(counts.max())
    index = np.where(place < counts[:, None], begin[:, None] + place, S)
    return Samples(start, length, kind, np.repeat(np.arange(counts.size), counts), index, averaged)


def what_is_permuted(samples: Samples, permute: Permuted | None) -> Permuted:
    """Return what to exchange: as requested, or else whole trials (or conditions), or time where these are too few."""
    whole: Permuted = "conditions" if samples.averaged else "trials"
    if permute is None:
        sizes = np.bincount(samples.kind)
        orders = sum(math.lgamma(int(size) + 1) for size in sizes)
        turns = float(np.log(samples.length).sum())
        enough = math.log(ENOUGH_ORDERS) - 1e-9
        return whole if orders >= min(enough, turns) else "time"
    if permute not in ("trials", "conditions", "time"):
        raise ValueError(f"`permute` must be trials, conditions or time; got {permute!r}.")
    if permute not in (whole, "time"):
        more = "Activity was averaged over trials." if samples.averaged else "Pass the `conditions` of the trials."
        raise ValueError(f"`permute` must be {whole} or time here; got {permute!r}. {more}")
    return permute


def orders(samples: Samples, permute: Permuted, n: int, rng: np.random.Generator) -> Iterator[Int[np.ndarray, "S"]]:
    """Yield `n` random orders of the second network's samples.

    Trials (or conditions) are exchanged among those that have the same steps. In time, each trial is shifted circularly
    by a random number of steps.
    """
    trial = np.repeat(np.arange(samples.start.size), samples.length)
    step = np.arange(trial.size) - samples.start[trial]
    groups = [np.flatnonzero(samples.kind == kind) for kind in np.unique(samples.kind)]
    for _ in range(n):
        if permute == "time":
            by = rng.integers(samples.length)
            yield samples.start[trial] + (step + by[trial]) % samples.length[trial]
            continue
        other = np.arange(samples.start.size)
        for group in groups:
            other[group] = rng.permutation(group)
        yield samples.start[other][trial] + step
