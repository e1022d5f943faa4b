"""Parameters of a cell: their legal ranges, and the maps that keep trained values within them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from numpy.typing import ArrayLike

from ._pytree import pytree

TIME_SCALE = 100.0
"""Unit of raw time constants in ms; in units of 1 ms an optimiser would need thousands of steps to change them."""


@dataclass(frozen=True)
class Bound:
    """Legal range of a parameter, and the map that keeps trained values within it under every optimiser.

    Attributes
    ----------
    text : legal range in words, for errors
    to : map from raw values and ``dt`` (ms) to legal values, with `jax.numpy`
    back : inverse of that map, with numpy
    allows : test which values are legal, given ``dt``
    """

    text: str
    to: Callable[[jax.Array, float], jax.Array]
    back: Callable[[np.ndarray, float], np.ndarray]
    allows: Callable[[np.ndarray, float], np.ndarray]


def _same(raw, dt):
    return raw


def _softplus(raw, dt):
    return jnp.maximum(jax.nn.softplus(raw), jnp.finfo(raw.dtype).tiny)  # exp of less than -104 is 0


def _sigmoid(raw, dt):
    return jax.nn.sigmoid(raw)


def _time(raw, dt):
    return dt + TIME_SCALE * jax.nn.softplus(raw)


def _inverse_softplus(value, dt=0.0):
    return value + np.log(-np.expm1(-value))


def _logit(value, dt):
    return np.log(value) - np.log1p(-value)


def _inverse_time(value, dt):
    return _inverse_softplus((value - dt) / TIME_SCALE)


def _finite(value, dt):
    return np.isfinite(value)


def _positive(value, dt):
    return np.isfinite(value) & (value > 0)


def _in_unit(value, dt):
    return (value >= 0) & (value <= 1)


def _at_least_dt(value, dt):
    return np.isfinite(value) & (value >= dt) & (dt > 0)


FREE = Bound("finite", _same, _same, _finite)
"""Any finite number."""
POSITIVE = Bound("> 0", _softplus, _inverse_softplus, _positive)
"""Positive numbers; trained as softplus(raw)."""
UNIT = Bound("in [0, 1]", _sigmoid, _logit, _in_unit)
"""Numbers from 0 to 1; trained as sigmoid(raw)."""
TIME = Bound("a time in ms, >= dt", _time, _inverse_time, _at_least_dt)
"""Times in ms of at least ``dt``, so that no Euler step overshoots; trained as dt + 100 ms softplus(raw)."""


class Parameter(NamedTuple):
    """A parameter that a cell declares.

    Attributes
    ----------
    value : default, one number or one per unit (N,)
    bound : `FREE`, `POSITIVE`, `UNIT` (0 to 1) or `TIME` (ms, at least ``dt``, so that no Euler step overshoots)
    """

    value: ArrayLike
    bound: Bound = FREE


@pytree(leaves=["raw", "group"], static=["bound", "trained"])
@dataclass(frozen=True, eq=False)
class Values:
    """Parameter of a network: legal values if constant, unbounded raw values if trained.

    Attributes
    ----------
    raw : (N,), or (K,) if units share values; float64 if constant
    group : (N,) index of each unit's value, or None
    bound : legal range of the values
    trained : whether ``raw`` is mapped by the bound
    """

    raw: Any
    group: Any
    bound: Bound
    trained: bool

    def effective(self, dt: float, dtype: DTypeLike) -> jax.Array:
        """Return the legal values of all units, shape (N,)."""
        raw = jnp.asarray(self.raw, dtype)
        legal = self.bound.to(raw, dt) if self.trained else raw
        return legal if self.group is None else legal[self.group]


def make_values(
    name: str, value: ArrayLike, bound: Bound, dt: float, n: int, *, trained: bool, group: np.ndarray | None = None
) -> Values:
    """Check the values of one parameter; if units share them, one per group.

    Raises
    ------
    ValueError
        If there are neither one nor N values (nor K, if units share them), a value is illegal, or a value to be
        trained lies at the edge of the legal range, where it could not change.
    """
    size = n if group is None else int(group.max()) + 1
    try:
        given = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be one number or several; got {value!r:.80}.") from error
    if given.shape not in ((), (size,)):
        each = "unit" if group is None else "group of units that share it"
        raise ValueError(
            f"{name} must be one number or one per {each}, shape ({size},){_unit(bound)}; got shape {given.shape}."
        )
    given = np.broadcast_to(given, (size,))
    wrong = given[~bound.allows(given, dt)]
    if wrong.size:
        raise ValueError(_refusal(name, wrong.min(), bound, dt))
    raw = given
    if trained:
        with np.errstate(divide="ignore", invalid="ignore"):
            raw = np.asarray(bound.back(given, dt))
        if not np.isfinite(raw).all():
            edge = given[~np.isfinite(raw)][0]
            raise ValueError(
                f"{name} cannot be trained from {edge:g}, the edge of its range ({bound.text})"
                f"{_of_dt(bound, dt)}; start inside it."
            )
    return Values(raw.copy(), None if group is None else np.asarray(group, np.int32), bound, trained)


def _refusal(name: str, value: float, bound: Bound, dt: float) -> str:
    if bound != TIME:
        return f"{name} must be {bound.text}; got {value:g}."
    if not (np.isfinite(value) and value > 0):
        return f"{name} must be > 0 (ms); got {value:g}."
    need = f"dt must be > 0 and at most {name} (ms), otherwise the Euler step overshoots"
    return f"{need}; got dt {dt:g} and {name} {value:g}."


def check_dt(dt: float) -> None:
    """Reject an illegal step, for cells without a time constant to compare it with."""
    if not (np.isfinite(dt) and dt > 0):
        raise ValueError(f"dt must be > 0 (ms); got {dt:g}.")


def _unit(bound: Bound) -> str:
    return ", in ms" if bound == TIME else ""


def _of_dt(bound: Bound, dt: float) -> str:
    return f" and dt {dt:g} ms" if bound == TIME else ""
