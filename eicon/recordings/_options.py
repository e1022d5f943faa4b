"""Options for reading a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from .._numbers import real
from ._recording import OBSERVED, positive
from ._spikes import KERNELS

MS = {"s": 1000.0, "ms": 1.0}
SHORTEST = 0.1
"""Shortest step in ms; a smaller number is taken to be in seconds."""
STEP = 10.0
"""Default step of spikes, ms."""
OF_SPIKES = ("bin", "kernel", "width", "causal", "align_to", "window", "trials", "hz")
OF_SERIES = ("bin", "align_to", "window", "trials", "decay", "hz")
OF_TRIALS = ("bin", "dt", "decay", "hz")
OF_ALL = ("series", "observed", "unit_of_time", "names", "conditions", "inputs")


@dataclass(frozen=True)
class Options:
    """Checked options of `read`, which has the same defaults."""

    series: str | None = None
    axes: str | None = None
    trials: str | None = None
    align_to: str = "start_time"
    window: Any = None
    bin: Any = None
    kernel: str = "gaussian"
    width: Any = 50.0
    causal: bool = False
    dt: Any = None
    observed: str | None = None
    hz: Any = 1.0
    decay: Any = None
    unit_of_time: str | None = None
    names: str | Sequence[Any] | None = None
    conditions: Sequence[str] | Mapping[str, Any] | None = None
    inputs: Any = None

    def checked(self) -> "Options":
        """Check the options and return them.

        Raises
        ------
        TypeError, ValueError
            If a name does not exist, or times are not in ms.
        """
        if self.kernel not in KERNELS:
            raise ValueError(f"kernel must be one of {', '.join(KERNELS)}; got {self.kernel!r}.")
        if self.observed is not None and self.observed not in OBSERVED:
            raise ValueError(f"observed must be one of {', '.join(OBSERVED)}; got {self.observed!r}.")
        if self.unit_of_time not in (None, *MS):
            raise ValueError(f"unit_of_time must be 's' or 'ms'; got {self.unit_of_time!r}.")
        steps: dict[str, Any] = {name: _step(name, getattr(self, name)) for name in ("bin", "dt", "width")}
        conditions = [self.conditions] if isinstance(self.conditions, str) else self.conditions
        hz = positive("hz", self.hz, "spikes per second")
        return replace(self, **steps, hz=hz, window=_window(self.window), conditions=conditions)

    def refuse(self, where: str, what: str, known: Sequence[str], *, every: bool = False) -> None:
        """Reject given options that do not apply to the contents of a file; with ``every``, all that are unknown."""
        for field in fields(self):
            value = getattr(self, field.name)
            plain = value is None or isinstance(value, str | int | float | bool)
            if field.name not in (known if every else (*known, *OF_ALL)) and not (plain and value == field.default):
                raise ValueError(f"{where} contains {what}, to which {field.name} does not apply; omit it.")

    def times(self) -> set[str]:
        """Return the columns of the trials that the options use as times."""
        return {self.align_to, *self._of_pulses(2)}

    def columns(self) -> set[str]:
        """Return the columns of the trials that are requested."""
        return {*(() if self.conditions is None else self.conditions), *self.times(), *self._of_pulses(3)}

    def _of_pulses(self, n: int) -> list[str]:
        """Return the columns among the first n entries of each pulse."""
        pulses = self.inputs.values() if isinstance(self.inputs, Mapping) else ()
        return [name for one in pulses if isinstance(one, list | tuple) for name in one[:n] if isinstance(name, str)]

    def step(self, found: float | None, where: str, what: str) -> float:
        """Return the step in ms: that of the file, with which `dt` must agree, or else `dt`."""
        if found is None and self.dt is None:
            raise ValueError(f"{where}: the length of a step is unknown; pass dt, in ms.")
        if found is not None and self.dt is not None and abs(self.dt - found) > 0.01 * found:
            raise ValueError(f"{where}: dt={self.dt:g} ms, but steps of {what} have {found:g} ms.")
        return float(self.dt if found is None else found)

    def factor(self, default: str | None, what: str) -> float:
        """Return the unit of the times, in ms."""
        factor = self.factor_or_none(default)
        if factor is None:
            raise ValueError(f"{what}: the unit of the times is unknown; pass unit_of_time='s' or 'ms'.")
        return factor

    def factor_or_none(self, default: str | None = None) -> float | None:
        """Return the unit of the times, in ms, or None if unknown."""
        unit = self.unit_of_time or default
        return None if unit is None else MS[unit]


def _step(name: str, given: Any) -> float | None:
    if given is None:
        return None
    value = real(given, name)
    if not SHORTEST <= value < float("inf"):
        seconds = f" {value:g} s are {1000 * value:g} ms." if 0 < value < SHORTEST else ""
        raise ValueError(f"{name} is in ms and must be at least {SHORTEST}; got {value:g}.{seconds}")
    return value


def _window(given: Any) -> tuple[float | None, float | None] | None:
    if given is None:
        return None
    if isinstance(given, str) or not hasattr(given, "__len__") or len(given) != 2:
        raise ValueError(f"window must be (from, to) in ms, relative to the event; got {given!r}.")
    low, high = (None if edge is None else real(edge, "an edge of window") for edge in given)
    if wrong := [edge for edge in (low, high) if edge is not None and not np.isfinite(edge)]:
        raise ValueError(f"an edge of window must be finite, or None for that of the trial; got {wrong[0]:g}.")
    if low is not None and high is not None and not low < high:
        raise ValueError(f"window must start before it ends; got ({low:g}, {high:g}) ms, which is empty.")
    return low, high
