"""Recordings: activity of units in trials, and the inputs shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .._given import as_inputs, by_name, is_named, numbers, plain
from .._hints import listed
from .._key import as_generator
from .._numbers import real, whole

OBSERVED = ("rate", "current", "counts", "calcium", "output")
"""Quantities that can be observed, see `Recording`."""
SIGNALS = {"rate": "rates", "current": "currents", "output": "outputs"}
"""Signals of an `Activity` for observed quantities; ``rates`` for all others."""
EXACT = 1e-6
"""Fraction of a step that counts as rounding."""


@dataclass(frozen=True, eq=False, repr=False)
class Recording:
    r"""Activity of M units in B trials, time-major, in steps of ``dt`` ms; NaN where not observed.

    Parameters
    ----------
    activity : array (T, B, M)
        NaN where a unit was not observed, in steps, trials or altogether. The axes of an xarray DataArray are found by
        the names of its dimensions: time, trial (or condition), unit.
    dt : float
        Step in ms.
    units : sequence of str or int, optional
        Names of the units, which identify them in a network; whole numbers are the network's indices. By default
        the coordinate ``unit`` of a DataArray, else 0..M-1.
    inputs : array (T, B, n_in), optional
        Stimuli; by default one channel of zeros.
    mask : array of bool (T, B), optional
        Steps inside each trial; trials of different lengths are padded. By default all.
    conditions : mapping of str to array (B,), optional
        Conditions of the trials.
    observed : {"rate", "current", "counts", "calcium", "output"}
        Rates; currents x; spike counts per step, with mean :math:`r\,\mathrm{hz}\,dt / 1000` for a rate r of the
        network; fluorescence, which is the rate filtered with an exponential kernel, up to a scale >= 0 and an offset
        of each unit; or the network's readout.
    hz : float
        Spikes per second that correspond to a rate of 1, for counts.
    decay : float, optional
        Time constant of the kernel in ms, for calcium.
    start : float
        Time of the first step in ms, relative to the event to which trials are aligned.
    labels : mapping of str to array (M,), optional
        Labels of the units, e.g. ``region``.
    input_channels : sequence of str, optional
        Names of the inputs.
    source : str
        Description of the origin of the recording and its processing.

    Raises
    ------
    TypeError
        If a masked array, complex numbers, text or objects are given instead of numbers.
    ValueError
        If shapes of arrays disagree, no value is observed, a value is infinite, a count is negative, two units have the
        same name, or a step or time constant is not > 0.

    Examples
    --------
    >>> recording = Recording(np.zeros((100, 8, 3)), dt=10.0, units=["AVAL", "AVAR", "RIML"])
    >>> recording.n_steps, recording.n_trials, recording.n_units
    (100, 8, 3)
    """

    activity: Any
    dt: Any
    units: Any = None
    inputs: Any = None
    mask: Any = None
    conditions: Mapping[str, Any] = field(default_factory=dict)
    observed: str = "rate"
    hz: Any = 1.0
    decay: Any = None
    start: Any = 0.0
    labels: Mapping[str, Any] = field(default_factory=dict)
    input_channels: Any = None
    source: str = ""

    def __post_init__(self) -> None:
        given = by_name("activity", self.activity, (("time",), ("trial", "condition"), ("unit", "output")))
        activity = numbers("activity", given)
        if activity.ndim != 3 or 0 in activity.shape:
            raise ValueError(
                f"activity must be a non-empty array (T, B, M): steps, trials, units; got shape {activity.shape}. "
                "One trial is activity[:, None, :]."
            )
        T, B, M = activity.shape
        dt = positive("dt", self.dt, "ms")
        mask = np.ones((T, B), bool) if self.mask is None else as_mask(self.mask, (T, B))
        units = self.units
        if units is None and is_named(given) and (dim := given.dims[2]) in given.coords:
            units = given.coords[dim].values
        inputs = numbers("inputs", np.zeros((T, B, 1)) if self.inputs is None else np.asarray(as_inputs(self.inputs)))
        if inputs.ndim != 3 or inputs.shape[:2] != (T, B) or not inputs.shape[2]:
            raise ValueError(f"inputs must have shape (T, B, n_in) = ({T}, {B}, n_in); got {inputs.shape}.")
        if not np.isfinite(inputs).all():
            raise ValueError("inputs must be finite; got NaN or infinity. Absent inputs are 0.")
        channels = self.input_channels
        names = [f"input {i}" for i in range(inputs.shape[2])] if channels is None else [str(c) for c in channels]
        if len(names) != inputs.shape[2]:
            raise ValueError(f"input_channels must name {inputs.shape[2]} inputs; got {len(names)}.")
        activity = np.where(mask[:, :, None], activity, np.nan)
        _check_values(activity, self.observed)
        if self.observed == "calcium" and self.decay is None:
            raise ValueError("calcium needs decay, the time constant of its kernel in ms, e.g. decay=400.")
        if not np.isfinite(start := real(self.start, "start")):
            raise ValueError(f"start must be finite (ms); got {start:g}.")
        for name in ("conditions", "labels"):
            if not isinstance(given := getattr(self, name), Mapping):
                raise TypeError(f"{name} must be a mapping of names to arrays; got {type(given).__name__}.")
        checked = {
            "activity": activity,
            "dt": dt,
            "units": _names(units, M),
            "inputs": inputs,
            "mask": mask,
            "conditions": {str(k): _column(f"conditions[{k!r}]", v, B, "trial") for k, v in self.conditions.items()},
            "hz": positive("hz", self.hz, "spikes per second"),
            "decay": None if self.decay is None else positive("decay", self.decay, "ms"),
            "start": start,
            "labels": {str(k): _column(f"labels[{k!r}]", v, M, "unit") for k, v in self.labels.items()},
            "input_channels": tuple(names),
            "source": str(self.source),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    n_steps = property(lambda self: self.activity.shape[0], doc="Number of steps T, including padding.")
    n_trials = property(lambda self: self.activity.shape[1], doc="Number of trials B.")
    n_units = property(lambda self: self.activity.shape[2], doc="Number of units M.")
    n_in = property(lambda self: self.inputs.shape[2], doc="Number of input channels.")
    time = property(lambda self: self.start + np.arange(self.n_steps) * self.dt, doc="Start of each step in ms, (T,).")

    @property
    def is_observed(self) -> np.ndarray:
        """True where values were observed, bool (T, B, M)."""
        return np.isfinite(self.activity)

    def __repr__(self) -> str:
        seen = self.is_observed.mean()
        return (
            f"Recording({self.n_units} units, {self.n_trials} trials of {self.n_steps} steps of {self.dt:g} ms, "
            f"{self.observed}, {seen:.0%} observed)"
        )

    def of_trials(self, trials: Any) -> "Recording":
        """Select trials by indices, a slice, or a bool mask (B,).

        Raises
        ------
        TypeError, ValueError
            If the selection is of another type, or a trial does not exist.
        """
        chosen = _chosen("trials", trials, self.n_trials)
        conditions = {name: values[chosen] for name, values in self.conditions.items()}
        cut = {name: getattr(self, name)[:, chosen] for name in ("activity", "inputs", "mask")}
        return replace(self, **cut, conditions=conditions)

    def of_units(self, units: Sequence[Any] | np.ndarray) -> "Recording":
        """Select units by name, or by indices or a bool mask (M,) of this recording.

        Raises
        ------
        ValueError
            If a name or index does not exist.
        """
        chosen = np.atleast_1d(_text(plain("units", units)))
        if chosen.dtype.kind == "U":
            places = {name: i for i, name in enumerate(self.units)}
            if unknown := [name for name in chosen.tolist() if name not in places]:
                raise ValueError(f"{listed(unknown)}: no such unit; the recording has {listed(self.units)}.")
            chosen = np.array([places[name] for name in chosen.tolist()])
        chosen = _chosen("units", chosen, self.n_units)
        labels = {name: values[chosen] for name, values in self.labels.items()}
        kept = np.asarray(self.units, dtype=object)[chosen]
        return replace(self, activity=self.activity[:, :, chosen], units=list(kept), labels=labels)

    def split(self, share: float, *, seed: int = 0) -> tuple["Recording", "Recording"]:
        """Divide trials at random: ``round(share * B)`` of them to fit, and the others held out.

        Raises
        ------
        ValueError
            If a part would be empty.
        """
        if not 0 < real(share, "share") < 1:
            raise ValueError(f"share must lie between 0 and 1; got {share}.")
        n = round(share * self.n_trials)
        if not 0 < n < self.n_trials:
            raise ValueError(f"share {share} of {self.n_trials} trials leaves {n} to fit; neither part may be empty.")
        order = as_generator(seed, "seed").permutation(self.n_trials)
        return self.of_trials(np.sort(order[:n])), self.of_trials(np.sort(order[n:]))

    def placed(self, names: Sequence[Any] | np.ndarray) -> np.ndarray:
        """Return activity (T, B, N) for N units of these names, NaN for those that were not recorded.

        Parameters
        ----------
        names : sequence of str
            Names of a network's units, in order; or their indices, if its units have no names.

        Raises
        ------
        ValueError
            If names of the recording are missing, or occur more than once; the error lists them.
        """
        there: dict[str, int] = {}
        twice = set()
        for i, name in enumerate(map(str, names)):
            twice |= {name} if name in there else set()
            there[name] = i
        if unknown := [name for name in self.units if name not in there]:
            raise ValueError(
                f"{len(unknown)} of the {self.n_units} recorded units are not among the network's: "
                f"{listed(unknown)}; the network has {listed(there)}. Rename them, add units to the "
                "network, or use a recording without them, recording.of_units(names)."
            )
        if both := [name for name in self.units if name in twice]:
            raise ValueError(f"the network has several units called {listed(both)}; names must be unique.")
        whole_array = np.full((*self.activity.shape[:2], len(there)), np.nan)
        whole_array[:, :, [there[name] for name in self.units]] = self.activity
        return whole_array


def signal_of(observed: str | None) -> str:
    """Return the signal of an `Activity` for an observed quantity, by default rates."""
    return SIGNALS.get(observed or "rate", "rates")


def quantity_of(signal: str) -> str:
    """Return the observed quantity of a signal of an `Activity`."""
    return next((observed for observed, name in SIGNALS.items() if name == signal), "rate")


def positive(name: str, value: Any, unit: str) -> float:
    """Check that a number is > 0, and return it as a float."""
    number = real(value, name)
    if not 0 < number < np.inf:
        raise ValueError(f"{name} must be > 0 ({unit}); got {number:g}.")
    return number


def _chosen(what: str, given: Any, n: int) -> np.ndarray:
    """Convert a selection of n trials or units to indices."""
    chosen = np.arange(n)[given] if isinstance(given, slice) else plain(what, given)
    if not chosen.size:
        raise ValueError(f"{what} must be some of the recording's {n}; none was chosen.")
    if chosen.ndim != 1 or chosen.dtype.kind not in "iub" or (chosen.dtype == bool and chosen.shape != (n,)):
        raise TypeError(
            f"{what} must be a list of indices, a slice or a bool mask ({n},); got {chosen.dtype} {chosen.shape}."
        )
    if chosen.dtype != bool and (wrong := [i for i in chosen.tolist() if not -n <= i < n]):
        raise ValueError(f"{what} must be in 0..{n - 1}; got {wrong[0]}.")
    chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
    if not chosen.size:
        raise ValueError(f"{what} must be some of the recording's {n}; none was chosen.")
    return chosen


def as_mask(given: Any, shape: tuple[int, int]) -> np.ndarray:
    """Return the steps inside each trial, bool (T, B)."""
    mask = numbers("mask", by_name("mask", given, (("time",), ("trial", "condition"))), dtype=None)
    if mask.shape != shape or not np.isin(mask, (0, 1)).all():
        raise ValueError(f"mask must be bool of shape (T, B) = {shape}; got {mask.dtype} {mask.shape}.")
    return mask.astype(bool)


def spans_of(mask: np.ndarray) -> np.ndarray:
    """Return the first step of each trial and the one after its last, (2, B)."""
    return np.stack([np.argmax(mask, axis=0), len(mask) - np.argmax(mask[::-1], axis=0)])


def _names(given: Any, n: int) -> tuple[str, ...]:
    if given is None:
        return tuple(str(i) for i in range(n))
    values = _text(plain("units", list(given) if isinstance(given, tuple) else given))
    if values.shape != (n,):
        raise ValueError(f"units must name the {n} units of activity, shape ({n},); got shape {values.shape}.")
    if values.dtype.kind == "f":
        values = np.array([whole(value, "the number of a unit") for value in values])
    found = tuple(str(value) for value in values.tolist())
    twice = sorted({name for name in found if found.count(name) > 1}) if len(set(found)) < n else []
    if twice:
        raise ValueError(f"units must have different names; got {listed(twice)} more than once.")
    return found


def _column(name: str, given: Any, n: int, what: str) -> np.ndarray:
    values = _text(plain(name, given))
    if values.shape != (n,):
        raise ValueError(f"{name} must have one value per {what}, shape ({n},); got {values.shape}.")
    return values


def _text(values: np.ndarray) -> np.ndarray:
    return np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values


def _check_values(activity: np.ndarray, observed: str) -> None:
    if observed not in OBSERVED:
        raise ValueError(f"observed must be one of {', '.join(OBSERVED)}; got {observed!r}.")
    if np.isinf(activity).any():
        raise ValueError("activity must be finite, or NaN where it was not observed; got infinity.")
    seen = np.isfinite(activity)
    if not seen.any():
        raise ValueError("activity contains only NaN: nothing was observed, or the mask excludes everything.")
    if observed == "counts":
        counts = activity[seen]
        if (counts < 0).any() or (counts % 1).any():
            wrong = counts[(counts < 0) | (counts % 1 != 0)][0]
            raise ValueError(
                f"counts must be whole numbers >= 0; got {wrong:g}. "
                "For smoothed or averaged activity use observed='rate'."
            )
