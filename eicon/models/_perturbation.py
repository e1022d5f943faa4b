"""Silence or drive units, or cut projections, in a running network."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from .._hints import meant
from .._key import as_generator
from .._numbers import real, whole
from ..tasks import Trial
from ._network import Activity, Network
from ._units import Units, select

Window = tuple[float | int | None, float | int | None]
Course = ArrayLike | Callable[[float], Any]
Trials = float | int | Mapping[str, Any] | ArrayLike
TOLERANCE = 1e-6
"""Largest distance of an edge of a window from the start of a step, as a fraction of a step."""
OF_TRIALS, OF_CELLS = 0, 1
"""Streams of a perturbation's seed."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Perturbation:
    """Common parameters of perturbations: time, trials, fraction of units, and strength; see `Silence`."""

    window: Window | None = None
    trials: Trials | None = None
    cells: float | int = 1.0
    course: Course | None = None
    ramp: float | int | tuple[float | int, float | int] = 0.0
    dose: float | int = 1.0
    seed: int | float = 0

    def __post_init__(self) -> None:
        if not 0 < real(self.cells, "cells") <= 1:
            raise ValueError(
                f"cells is the fraction of the units that is drawn, in (0, 1]; got {self.cells}. Select units "
                "by index or label."
            )
        if not np.isfinite(real(self.dose, "dose")):
            raise ValueError(f"a dose must be finite; got {self.dose}.")
        if min(self.ramps) < 0 or not np.isfinite(self.ramps).all():
            raise ValueError(f"ramps last >= 0 ms; got {self.ramp}.")
        if whole(self.seed, "seed") < 0:
            raise ValueError(f"a seed must be >= 0; got {self.seed}.")
        if self.window is None:
            return
        if not (isinstance(self.window, tuple | list) and len(self.window) == 2):
            raise ValueError(f"a window is (start, stop) in ms, e.g. (500, 800); got {self.window!r:.60}.")
        start, stop = (edge if edge is None else real(edge, "an edge of a window") for edge in self.window)
        if (start is not None and np.isnan(start)) or (stop is not None and np.isnan(stop)):
            raise ValueError(f"a window is (start, stop) in ms; got {self.window}.")
        if start is not None and stop is not None and not start < stop:
            raise ValueError(f"a window must end after it starts; got ({start:g}, {stop:g}) ms.")

    @property
    def ramps(self) -> tuple[float, float]:
        """Durations of the rise and the fall, in ms."""
        both = self.ramp if isinstance(self.ramp, tuple | list) else (self.ramp, self.ramp)
        if len(both) != 2:
            raise ValueError(f"a ramp is one time in ms, or (rise, fall); got {self.ramp!r:.60}.")
        return real(both[0], "a ramp"), real(both[1], "a ramp")


@dataclass(frozen=True, eq=False)
class Silence(Perturbation):
    """Set the rates of some units to 0, or reduce them, for other units and for the readout.

    Parameters
    ----------
    units : str, mapping, bool mask (N,) or indices
        See `RateRNN.select`.
    epoch : str, optional
        Epoch of the trial; None: the whole trial.
    window : (start, stop), optional
        Times in ms from the start of the epoch, or of the trial if no epoch is given; the stop is excluded. The window
        may extend beyond the epoch on both sides; None extends it to the start or end of the trial. Without
        a window the perturbation lasts as long as the epoch.
    trials : float, mapping, bool mask (B,) or indices, optional
        Trials in which the perturbation acts: a fraction of them, drawn at random as in optogenetic experiments, those
        of some conditions (``{"coherence": [0, 10]}``), or the trials themselves; None: all.
    cells : float
        Fraction of the units that are perturbed, drawn at random; a smaller fraction is part of a larger one.
    course : array (n,) or callable, optional
        Strength over time as a factor: one number per step from the start of the window or epoch (after n steps the
        perturbation is over), or a function of the time since then in ms.
    ramp : float or (float, float)
        Durations of the linear rise at the start and fall at the end, in ms; one number for both.
    dose : float
        Strength as a factor: the fraction by which rates are reduced, from 0 to 1; 1 silences.
    seed : int
        Fixes which trials and units are drawn. Perturbations with the same seed act in the same trials.

    Raises
    ------
    ValueError
        If a window ends before it starts, or a fraction, ramp or dose is out of range.
    """

    units: Units
    epoch: str | None = None


@dataclass(frozen=True, eq=False)
class Drive(Perturbation):
    """Add a current to some units, excitatory if it is positive.

    Parameters
    ----------
    units : str, mapping, bool mask (N,) or indices
        See `RateRNN.select`.
    current : float
        Current in the unit of ``x``; a sustained current shifts ``x`` of an isolated unit by this amount. The dose is a
        factor of the current.
    epoch : str, optional
        Epoch of the trial; None: the whole trial.
    window, trials, cells, course, ramp, dose, seed
        See `Silence`.
    """

    units: Units
    current: float
    epoch: str | None = None


@dataclass(frozen=True, eq=False)
class Cut(Perturbation):
    """Block the connections from some units to others; the units themselves stay active.

    Parameters
    ----------
    source, target : str, mapping, bool mask (N,) or indices
        See `RateRNN.select`.
    epoch : str, optional
        Epoch of the trial; None: the whole trial.
    window, trials, cells, course, ramp, dose, seed
        See `Silence`; ``cells`` is the fraction of the sources, and the dose the fraction of the transmitted signal
        that is lost.
    """

    source: Units
    target: Units
    epoch: str | None = None


def perturb(
    network: Network,
    units: Mapping[str, np.ndarray],
    trial: Trial,
    perturbations: Sequence[Perturbation],
    *,
    key: jax.Array | int | None,
) -> Activity:
    """Run trials under perturbations, without noise if there is no key; see `RateRNN.perturb`."""
    shape = (*trial.inputs.shape[:2], len(units["type"]))
    gate, current = np.ones(shape, network.dtype), np.zeros(shape, network.dtype)
    cuts: list[tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]] = []
    for perturbation in perturbations:
        strength = _strength(perturbation, trial, network.dt)
        match perturbation:
            case Silence(units=silenced):
                _check_fraction(strength, "silenced")
                gate[:, :, _drawn(units, silenced, perturbation)] *= 1.0 - strength[:, :, None]
            case Drive(units=driven, current=size):
                if not np.isfinite(size):
                    raise ValueError(f"the current of a drive must be finite; got {size}.")
                current[:, :, _drawn(units, driven, perturbation)] += (size * strength)[:, :, None]
            case Cut(source=source, target=target):
                _check_fraction(strength, "cut")
                _add_cut(cuts, strength, (_drawn(units, source, perturbation), select(units, target)))
            case _:
                raise TypeError(f"a perturbation is a Silence, Drive or Cut; got {type(perturbation).__name__}.")
    return network.run(
        trial.inputs,
        key,
        gate=jnp.asarray(gate),
        current=jnp.asarray(current),
        cuts=[(jnp.asarray(lost, network.dtype), network.recurrent.between(pairs)) for lost, pairs in cuts],
    )


def with_dose(perturbation: Perturbation, dose: float) -> Perturbation:
    """Multiply the strength of a perturbation by a factor."""
    return replace(perturbation, dose=dose * perturbation.dose)


def perturbed_trials(perturbation: Perturbation, trial: Trial) -> np.ndarray:
    """Return a mask (B,) of the trials in which a perturbation acts, for any dose."""
    n, given = trial.batch_size, perturbation.trials
    if given is None:
        return np.ones(n, bool)
    if isinstance(given, Mapping):
        return _of_conditions(given, trial)
    array = np.asarray(given)
    if array.ndim == 0 and array.dtype.kind in "iuf":
        if not 0 < array <= 1:
            raise ValueError(
                f"trials is the fraction that is drawn, in (0, 1], or the trials themselves; got {given}. "
                "A single trial is [3]."
            )
        return _chosen(np.ones(n, bool), float(array), perturbation.seed, OF_TRIALS)
    if array.dtype == bool and array.shape == (n,):
        return array.copy()
    if array.ndim != 1 or array.dtype.kind not in "iu" or (array.size and not 0 <= array.min() <= array.max() < n):
        raise ValueError(
            f"trials are a fraction, conditions, a mask of shape ({n},) or indices in 0..{n - 1}; got {given!r:.80}."
        )
    return np.isin(np.arange(n), array)


def drawn_units(labels: Mapping[str, np.ndarray], units: Units, fraction: float | int, seed: int | float) -> np.ndarray:
    """Draw a mask (N,) of a random fraction of some units, with at least one unit."""
    if not 0 < real(fraction, "cells") <= 1:
        raise ValueError(f"cells is the fraction of the units that is drawn, in (0, 1]; got {fraction}.")
    return _chosen(select(labels, units), float(fraction), seed, OF_CELLS)


def _drawn(labels: Mapping[str, np.ndarray], units: Units, perturbation: Perturbation) -> np.ndarray:
    return drawn_units(labels, units, perturbation.cells, perturbation.seed)


def _chosen(among: np.ndarray, fraction: float, seed: int | float, stream: int) -> np.ndarray:
    if fraction == 1:
        return among
    candidates = np.flatnonzero(among)
    rng = as_generator(np.random.SeedSequence([whole(seed, "seed"), stream]), "seed")
    number = max(1, round(fraction * len(candidates)))
    return np.isin(np.arange(len(among)), rng.permutation(candidates)[:number])


def _of_conditions(wanted: Mapping[str, Any], trial: Trial) -> np.ndarray:
    chosen = np.ones(trial.batch_size, bool)
    for name, values in wanted.items():
        if name not in trial.conditions:
            known = f"they have {', '.join(trial.conditions)}.{meant(name, trial.conditions)}"
            raise ValueError(f"these trials have no condition {name!r}; {known}")
        there = np.asarray(trial.conditions[name], np.float64)
        # Conditions are stored in single precision.
        chosen &= np.isclose(there[:, None], np.atleast_1d(np.asarray(values, np.float64))[None]).any(axis=1)
        if not chosen.any():
            levels = np.unique(there)[:8].tolist()
            raise ValueError(f"no trial has {name} {values}; its values are {', '.join(f'{v:g}' for v in levels)}.")
    return chosen


def _strength(perturbation: Perturbation, trial: Trial, dt: float) -> np.ndarray:
    """Return the factor (T, B) of each step and trial; 0 where the perturbation does not act."""
    n_steps, n_trials = trial.inputs.shape[:2]
    epoch: str | None = getattr(perturbation, "epoch", None)
    first, during = np.zeros(n_trials, int), np.ones((n_steps, n_trials), bool)
    length = np.asarray(trial.inside).sum(axis=0) * dt
    if epoch is not None:
        during = np.asarray(trial.during(epoch))
        span = np.asarray(trial.epochs[epoch])
        first, length = span[:, 0], (span[:, 1] - span[:, 0]) * dt
    since = (np.arange(n_steps)[:, None] - first) * dt
    if perturbation.window is not None:
        low, high = perturbation.window
        start = -first * dt if low is None else np.full(n_trials, float(low))
        stop = (n_steps - first) * dt if high is None else np.full(n_trials, float(high))
        slack = TOLERANCE * dt
        during = (since > start - slack) & (since < stop - slack)
        since, length = since - start, stop - start
        if not during.any():
            seconds = " Is it in seconds?" if high is not None and high < dt else ""
            raise ValueError(
                f"no step lies in the window ({_edge(low)}, {_edge(high)}) ms from the start of "
                f"{'the trial' if epoch is None else epoch}: trials last up to {n_steps * dt:g} ms, in steps of {dt:g}."
                f"{seconds}"
            )
    strength = np.full(during.shape, float(perturbation.dose))
    rise, fall = perturbation.ramps
    middle = since + dt / 2
    if rise > 0:
        strength *= np.clip(middle / rise, 0.0, 1.0)
    if fall > 0:
        strength *= np.clip((length - middle) / fall, 0.0, 1.0)
    if perturbation.course is not None:
        strength *= _followed(perturbation.course, since, during, dt)
    return np.where(during & perturbed_trials(perturbation, trial), strength, 0.0)


def _edge(value: float | int | None) -> str:
    return "None" if value is None else f"{value:g}"


def _followed(course: Course, since: np.ndarray, during: np.ndarray, dt: float) -> np.ndarray:
    """Evaluate a time course at times since its start, in ms."""
    found = np.zeros(since.shape)
    if callable(course):
        times, place = np.unique(since[during].round(6), return_inverse=True)
        values = np.array([np.asarray(course(float(time)), np.float64) for time in times])
        if values.shape != times.shape:
            raise ValueError(f"a course must return one number for each time in ms; got shape {values.shape[1:]}.")
        found[during] = values[place]
    else:
        values = np.asarray(course, np.float64)
        if values.ndim != 1 or not values.size:
            raise ValueError(f"a course has one value per step, shape (n,); got shape {values.shape}.")
        step = np.floor(since / dt + TOLERANCE).astype(int)
        there = during & (step < len(values))
        found[there] = values[step[there]]
    if not np.isfinite(found).all():
        raise ValueError("a course must be finite; got NaN or infinity.")
    return found


def _check_fraction(strength: np.ndarray, what: str) -> None:
    if strength.min() < 0 or strength.max() > 1:
        wrong = strength.min() if strength.min() < 0 else strength.max()
        raise ValueError(f"a dose (times the course, if any) is the fraction that is {what}, in [0, 1]; got {wrong:g}.")


def _add_cut(
    cuts: list[tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]],
    strength: np.ndarray,
    pair: tuple[np.ndarray, np.ndarray],
) -> None:
    """Join connections that are cut at the same times; reject those that would be cut twice."""
    together = None
    for lost, pairs in cuts:
        if np.array_equal(lost, strength):
            together = pairs
        elif ((lost > 0) & (strength > 0)).any() and any((pair[0] & a).any() and (pair[1] & b).any() for a, b in pairs):
            raise ValueError(
                "some connections are cut by two perturbations at once, which differ in time, trials or dose; cut them "
                "with one, or run the two separately."
            )
    if together is None:
        cuts.append((strength, [pair]))
    else:
        together.append(pair)
