"""Trials of a neurogym environment: observations, ground truth, periods, information."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

HARMLESS = ("OrderEnforcing", "PassiveEnvChecker", "TimeLimit")
"""Wrappers of gymnasium that change nothing in a trial."""


class WholeTrial(NamedTuple):
    """One trial from its first step to its last.

    Attributes
    ----------
    observations : (T, n_in)
    labels : (T,) ground truth, the number of the right action
    spans : period -> first step and the step after the last one
    info : information of the environment on the trial
    """

    observations: np.ndarray
    labels: np.ndarray
    spans: dict[str, tuple[int, int]]
    info: dict[str, Any]


class Condition(NamedTuple):
    """One number per trial, from its information.

    Attributes
    ----------
    name : as in ``Trial.conditions``
    key : key of the information
    place : index in a tuple or array, or None for a single value
    dtype : type of the numbers
    texts : list of texts that the number indexes, if the value is a text
    """

    name: str
    key: str
    place: int | None
    dtype: str
    texts: tuple[str, ...] = ()

    def number(self, info: Mapping[str, Any]) -> Any:
        """Return the value in a trial."""
        value = info[self.key] if self.place is None else np.ravel(info[self.key])[self.place]
        if not self.texts:
            return value
        if str(value) not in self.texts:
            raise ValueError(f"{self.key} of a trial is {str(value)!r}; known values: {', '.join(self.texts)}.")
        return self.texts.index(str(value))


def outermost(env: Any) -> Any:
    """Return the wrapper or environment whose ``new_trial`` makes trials.

    Raises
    ------
    TypeError
        If there is none, or a wrapper around it changes the results of ``step``, which is not called here.
    """
    found = env
    while not hasattr(type(found), "new_trial"):
        name = type(found).__name__
        if not hasattr(found, "env"):
            raise TypeError(f"expected a trial-based environment of neurogym, or its name; got {name}.")
        if name not in HARMLESS:
            raise TypeError(
                f"the wrapper {name} changes the results of `step`, but trials are read whole, without it; "
                "pass the environment inside."
            )
        found = found.env
    return found


def reseed(maker: Any, words: Sequence[int]) -> None:
    """Seed an environment and each of its random durations, which ``seed`` alone would give one shared stream."""
    base = maker.unwrapped
    durations = [value for value in base.timing.values() if hasattr(value, "seed")]
    seeds = np.random.SeedSequence([int(word) for word in words]).generate_state(1 + len(durations))
    seeded = maker
    while not hasattr(type(seeded), "seed"):
        seeded = seeded.env
    seeded.seed(int(seeds[0]))
    for duration, seed in zip(durations, seeds[1:], strict=True):
        duration.seed(int(seed))


def one_trial(maker: Any, **given: Any) -> WholeTrial:
    """Return the next trial, complete.

    Raises
    ------
    ValueError
        If it lacks a ground truth at some step, or has one that is not an action.
    """
    base = maker.unwrapped
    for periods in (base.start_t, base.end_t, base.start_ind, base.end_ind):
        periods.clear()  # otherwise an optional period of the previous trial would remain
    info = maker.new_trial(**given)
    base = maker.unwrapped
    name = type(base).__name__
    observations, labels = np.asarray(getattr(base, "ob", ())), np.asarray(getattr(base, "gt", ()))
    if observations.ndim != 2 or labels.shape != observations.shape[:1]:
        raise ValueError(
            f"a trial of {name} must have observations (T, n) and one ground truth per step (T,); got shapes "
            f"{observations.shape} and {labels.shape}. Tasks without ground truth can only be learned by reward."
        )
    first = int(getattr(base.action_space, "start", 0))
    labels = labels.astype(np.int32) - first
    if labels.min() < 0 or labels.max() >= base.action_space.n:
        raise ValueError(
            f"the ground truth of {name} goes from {int(labels.min()) + first} to {int(labels.max()) + first}, but its "
            f"actions are {first} to {first + int(base.action_space.n) - 1}: it is not the number of an action."
        )
    spans = {period: (int(base.start_ind[period]), int(base.end_ind[period])) for period in base.start_ind}
    return WholeTrial(observations.astype(np.float32), labels, spans, dict(info or {}))


def longest_trial(maker: Any, trials: Sequence[WholeTrial]) -> int:
    """Return the number of steps of the longest possible trial.

    Raises
    ------
    ValueError
        If a random duration has no known bound.
    """
    base = maker.unwrapped
    longest = max(len(trial.labels) for trial in trials)
    names = {name: None for trial in trials for name in trial.spans}
    random = [name for name in names if name in base.timing and not isinstance(base.timing[name], int | float)]
    if not random:
        return longest
    bounds = {name: _bound(base.timing[name]) for name in random}
    unknown = [name for name, bound in bounds.items() if not np.isfinite(bound)]
    if unknown:
        raise ValueError(
            f"the longest trial is unknown ({', '.join(unknown)}); give max_duration in ms. The longest of "
            f"{len(trials)} took {longest * base.dt:g} ms."
        )
    steps = 0
    for name in names:
        seen = max(stop - start for start, stop in (trial.spans.get(name, (0, 0)) for trial in trials))
        steps += max(seen, int(bounds.get(name, 0.0) // base.dt))
    return max(longest, steps)


def _bound(duration: Any) -> float:
    """Return the longest value in ms of a neurogym duration, infinite if unspecified."""
    if callable(duration):
        return float(getattr(duration, "vmax", np.inf))
    if all(isinstance(value, int | float) for value in duration):
        return float(max(duration))
    kind, values = duration
    if kind == "truncated_exponential":
        return float(values[2]) if len(values) > 2 else np.inf
    return float(np.max(values)) if kind in ("uniform", "choice", "constant") else np.inf


def conditions_of(trials: Sequence[WholeTrial]) -> tuple[list[Condition], list[str]]:
    """Split trial information into numeric or text conditions and the names of everything else."""
    found, left = [], []
    for key in trials[0].info:
        values = [trial.info.get(key) for trial in trials]
        if all(isinstance(value, str) for value in values):
            found.append(Condition(key, key, None, "int32", tuple(sorted({str(value) for value in values}))))
            continue
        arrays = [np.asarray(value) for value in values]
        alike = len({array.shape for array in arrays}) == 1 and all(array.dtype.kind in "biuf" for array in arrays)
        if not alike or arrays[0].ndim > 1:
            left.append(key)
            continue
        kind = np.result_type(*arrays).kind
        dtype = {"b": "bool", "f": "float32"}.get(kind, "int32")
        if arrays[0].ndim == 0:
            found.append(Condition(key, key, None, dtype))
        else:
            found += [Condition(f"{key}[{i}]", key, i, dtype) for i in range(arrays[0].size)]
    return found, left


def channel_names(space: Any, n: int, what: str) -> tuple[str, ...]:
    """Return names for the numbers of a space: ``stimulus 0`` and ``stimulus 1`` where one name covers two."""
    names = [f"{what} {i}" for i in range(n)]
    for name, places in (getattr(space, "name", None) or {}).items():
        several = np.ravel(np.asarray(list(places) if isinstance(places, range) else places))
        for i, place in enumerate(several):
            if 0 <= int(place) < n:
                names[int(place)] = name if len(several) == 1 else f"{name} {i}"
    return tuple(names)


@contextlib.contextmanager
def without_noise(maker: Any) -> Iterator[None]:
    """Set the normal noise of trials to 0; the same random numbers are still drawn."""
    base = maker.unwrapped
    if not hasattr(base, "add_randn"):
        yield
        return
    noisy = base.add_randn

    def quiet(mu: Any = 0, sigma: Any = 1, period: Any = None, where: Any = None) -> None:
        noisy(mu, 0, period, where)

    base.add_randn = quiet
    try:
        yield
    finally:
        del base.add_randn


def unknown_timing(maker: Any, n_conditions: int = 30, n_times: int = 10) -> float:
    """Return the fraction of trials in which no observation indicates when to answer, even without noise.

    An answer is due when the ground truth departs from that of the first step. The time of the answer is unknown if
    it is not yet due in a different trial with the same observations up to then. The trials compared have the same
    conditions, and differ in their random durations.
    """
    with without_noise(maker):
        trials = []
        for _ in range(n_conditions):
            first = one_trial(maker)
            trials.append(first)
            trials += [_again(maker, first) for _ in range(n_times - 1)]
    unknown = []
    for trial in trials:
        departs = np.flatnonzero(trial.labels != trial.labels[0])
        if departs.size:
            heard = trial.observations[: departs[0] + 1]
            unknown.append(any(_not_yet(other, heard) for other in trials))
    return float(np.mean(unknown)) if unknown else 0.0


def _not_yet(trial: WholeTrial, heard: np.ndarray) -> bool:
    """Return whether a trial starts with the same observations, and no answer is due at the last of them."""
    now = len(heard) - 1
    if len(trial.labels) <= now or trial.labels[now] != trial.labels[0]:
        return False
    return np.array_equal(trial.observations[: now + 1], heard)


def _again(maker: Any, trial: WholeTrial) -> WholeTrial:
    """Draw a trial with the same conditions, if the environment accepts them."""
    try:
        return one_trial(maker, **trial.info)
    except (TypeError, KeyError, ValueError):
        return one_trial(maker)
