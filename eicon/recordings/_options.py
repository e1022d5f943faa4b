"""How a file is to be read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from .._numbers import real
from ._recording import OBSERVED
from ._spikes import KERNELS

MS = {"s": 1000.0, "ms": 1.0}
SHORTEST = 0.1
"""Steps that are not taken for seconds, ms."""
STEP = 10.0
"""Of spikes, ms."""
OF_SPIKES = ("bin", "kernel", "width", "causal", "align_to", "window", "trials", "hz")
OF_SERIES = ("bin", "align_to", "window", "trials", "decay", "hz")
OF_TRIALS = ("bin", "dt", "decay", "hz")
OF_ALL = ("series", "observed", "unit_of_time", "names", "conditions", "inputs")


@dataclass(frozen=True)
class Options:
    """Options of `read`, once they are known to make sense; the defaults are those of `read`."""

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
        """Same options.

        Raises
        ------
        TypeError, ValueError
            For names that do not exist, and times that are not ms.
        """
        if self.kernel not in KERNELS:
            raise ValueError(f"kernel must be one of {', '.join(KERNELS)}; got {self.kernel!r}.")
        if self.observed is not None and self.observed not in OBSERVED:
            raise ValueError(f"observed must be one of {', '.join(OBSERVED)}; got {self.observed!r}.")
        if self.unit_of_time not in (None, *MS):
            raise ValueError(f"unit_of_time must be 's' or 'ms'; got {self.unit_of_time!r}.")
        steps: dict[str, Any] = {name: _step(name, getattr(self, name)) for name in ("bin", "dt", "width")}
        real(self.hz, "hz")
        return replace(self, **steps, window=_window(self.window))

    def refuse(self, where: str, what: str, known: Sequence[str], *, every: bool = False) -> None:
        """Refuse options that were given and mean nothing for what a file holds; ``every`` one that is not known."""
        for field in fields(self):
            value = getattr(self, field.name)
            plain = value is None or isinstance(value, str | int | float | bool)
            if field.name not in (known if every else (*known, *OF_ALL)) and not (plain and value == field.default):
                raise ValueError(f"{where} holds {what}, for which {field.name} means nothing; leave it out.")

    def times(self) -> set[str]:
        """Columns of the trials that are times by what they are used for."""
        return {self.align_to, *(name for spec in self.pulses() for name in spec[:2] if isinstance(name, str))}

    def pulses(self) -> list[list[Any]]:
        """What is said of each pulse."""
        said = self.inputs.values() if isinstance(self.inputs, Mapping) else ()
        return [list(spec) for spec in said if isinstance(spec, list | tuple)]

    def factor(self, default: str | None, what: str) -> float:
        """Ms in the unit in which times are given."""
        factor = self.factor_or_none(default)
        if factor is None:
            raise ValueError(f"{what}: nothing says in which unit times are; pass unit_of_time='s' or 'ms'.")
        return factor

    def factor_or_none(self, default: str | None = None) -> float | None:
        """Same, or None if nothing says it."""
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
    if low is not None and high is not None and not low < high:
        raise ValueError(f"window must begin before it ends; got ({low:g}, {high:g}) ms, which is empty.")
    return low, high
