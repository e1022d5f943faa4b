"""Construction of a network from its description: draw weights, check names, lay out parameters."""

from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np
from numpy.typing import ArrayLike

from ._cells import Cell, activation_of, declared_by
from ._edge import edge_of_stability, mean_rates
from ._initial import feedforward_weights, recurrent_weights, slow_input_weights, slow_recurrent_weights
from ._network import BIASES, ROLES, Network
from ._noise import Noise
from ._parameters import FREE, check_dt, make_values
from ._parts import Parts
from ._units import share_by, unit_labels
from ._weights import Dense, Weights

STARTS = ("slow", "balanced")
"""Named schemes for initial weights; see `RateRNN`."""
OUTPUT = 0.45
"""Median magnitude of the outputs in the slow start, for inputs drawn from U(0, 1)."""
BIAS_NAMES = {"bias": "b_rec", "readout_bias": "b_out"}


def made_parts(
    weights: Mapping[str, Any],
    initial: Mapping[str, ArrayLike],
    *,
    cell: Cell,
    dt: float,
    parameters: Mapping[str, Any],
    share: Mapping[str, str],
    wanted: set[str],
    noise: Noise,
    units: Mapping[str, ArrayLike] | None,
    start: str,
    spectral_radius: float,
    distribution: str | None,
    keys: tuple[jax.Array, jax.Array, jax.Array],
) -> Parts:
    """Make a network from `Connectivity` or weights by role, with ``initial`` effective values; see `RateRNN`."""
    for unknown in sorted(initial.keys() - ROLES.keys()):
        raise ValueError(f"weights has no entry {unknown!r}; allowed: {', '.join(ROLES)}.")

    made: dict[str, Weights] = {}
    slow: dict[str, np.ndarray] = {}
    for (role, given), key in zip(weights.items(), keys, strict=True):
        if isinstance(given, Weights):
            if role in initial:
                raise ValueError(f"{type(given).__name__} already has values; omit them from `weights`.")
            made[role] = given
        elif role in initial:
            made[role] = Dense.make(given, initial[role])
        elif role == "recurrent" and start == "slow":
            slow[role] = slow_recurrent_weights(given, key=key, distribution=distribution)
            made[role] = Dense.make(given, given.fixed + slow[role])
        elif role == "input" and start == "slow":
            made[role] = Dense.make(given, slow_input_weights(given, key=key, distribution=distribution))
        elif role == "recurrent":
            drawn = recurrent_weights(given, spectral_radius, key=key, distribution=distribution)
            made[role] = Dense.make(given, drawn)
        else:
            drawn = feedforward_weights(given, key=key, distribution=distribution)
            if start == "slow":
                slow[role] = drawn - given.fixed
            made[role] = Dense.make(given, drawn)
    n, dt = made["recurrent"].shape[0], float(dt)
    labels = unit_labels(units, made["recurrent"].sign)
    parameters, share = ({BIAS_NAMES.get(name, name): v for name, v in given.items()} for given in (parameters, share))
    declared = declared_by(cell, n, dt)
    _check_declared(declared, made, cell)
    _check_asked(wanted, parameters, share, declared, cell)
    values = {}
    for name, parameter in declared.items():
        group, value = _grouped(name, parameters.get(name, parameter.value), share.get(name), labels)
        values[name] = make_values(name, value, parameter.bound, dt, n, trained=name in wanted, group=group)
    check_dt(dt)
    if "recurrent" in slow:
        for role, scale in _scales(slow, weights["recurrent"].fixed, made["input"], cell, values, dt).items():
            made[role] = Dense.make(weights[role], weights[role].fixed + scale * slow[role])
    for name, size in (("b_rec", n), ("b_out", made["readout"].shape[1])):
        if name in {*wanted, *parameters, *share}:
            group, value = _grouped(name, parameters.get(name, 0.0), share.get(name), labels)
            values[name] = make_values(name, value, FREE, dt, size, trained=name in wanted, group=group)
    network = Network(**made, parameters=values, noise=noise, cell=cell, dt=dt)
    return Parts(network, frozenset(_trained(made, wanted)), labels)


def checked_size(recurrent: Any, input: Any, readout: Any) -> int:
    """Check that weights fit together, and return the number of units."""
    n = recurrent.shape[0]
    if recurrent.shape != (n, n):
        raise ValueError(f"recurrent connectivity must be square (n_rec, n_rec); got {recurrent.shape}.")
    if input.shape[1] != n:
        raise ValueError(f"input connectivity must be (n_in, n_rec) with n_rec {n}; got {input.shape}.")
    if readout.shape[0] != n:
        raise ValueError(f"readout connectivity must be (n_rec, n_out) with n_rec {n}; got {readout.shape}.")
    return n


def with_short_forms(parameters: Mapping[str, Any] | None, **short: Any) -> dict[str, Any]:
    """Merge parameters with those given as separate arguments."""
    numbers = {name: value for name, value in short.items() if value is not None}
    for twice in sorted(numbers.keys() & (parameters or {}).keys()):
        raise ValueError(f"{twice} is given twice, as an argument and in parameters.")
    return numbers | dict(parameters or {})


def train_names(train: Iterable[str] | None, **also: bool) -> set[str]:
    """Return the names of trained values: those listed, or all weights and those requested by a flag."""
    if isinstance(train, str):
        raise ValueError(f"train is a list of names; got the single string {train!r}; write [{train!r}].")
    names = set(ROLES if train is None else train) | {name for name, wanted in also.items() if wanted}
    return {BIAS_NAMES.get(name, name) for name in names}


def start_of(start: str | None, spectral_radius: float | None, *, drawn: bool) -> tuple[str, float]:
    """Return the start, and the spectral radius of a balanced one; reject unknown starts, and a radius with a slow one.

    The default ``start`` is slow, unless a spectral radius is given or recurrent weights are not ``drawn``.
    """
    if start is None:
        start = "slow" if spectral_radius is None and drawn else "balanced"
    if start not in STARTS:
        raise ValueError(f"unknown start {start!r}; allowed: {', '.join(STARTS)}.")
    if start == "slow" and spectral_radius is not None:
        raise ValueError(
            f"start 'slow' sets the strength of the weights itself; got spectral_radius {spectral_radius}, "
            "which belongs to start 'balanced'."
        )
    return start, 1.0 if spectral_radius is None else spectral_radius


def _scales(
    drawn: Mapping[str, np.ndarray],
    fixed: np.ndarray,
    into: Weights,
    cell: Cell,
    values: Mapping[str, Any],
    dt: float,
) -> dict[str, float]:
    """Return factors of drawn weights: recurrent ones to the edge of stability, outputs to the magnitude of targets."""
    try:
        activation = activation_of(cell)
    except AttributeError:  # a cell of unknown slope
        return {}
    n = len(fixed)
    tau, x0 = (
        np.asarray(values[name].effective(dt, np.float32)) if name in values else np.full(n, other)
        for name, other in (("tau", dt), ("x0", 0.0))
    )
    own = np.asarray(into.matrix()), activation, dt / tau, x0
    scale = edge_of_stability(drawn["recurrent"], np.asarray(fixed), *own)
    if "readout" not in drawn:
        return {"recurrent": scale}
    rates = mean_rates(fixed + scale * drawn["recurrent"], *own)
    size = float(np.median(np.abs(rates @ drawn["readout"])))  # some inputs may make the network grow
    return {"recurrent": scale, "readout": OUTPUT / size if size > 1e-6 else 1.0}


def _check_declared(declared: Mapping[str, Any], made: Mapping[str, Weights], cell: Cell) -> None:
    own = {f"{field}_{short}" for role, short in ROLES.items() for field in made[role].trained}
    for name in sorted(declared.keys() & {*ROLES, *BIASES, *BIAS_NAMES, *own}):
        raise ValueError(
            f"a parameter of the cell {type(cell).__name__} cannot be named {name!r}, a part of every network."
        )


def _check_asked(
    wanted: set[str], given: Mapping[str, Any], share: Mapping[str, str], declared: Mapping[str, Any], cell: Cell
) -> None:
    for what, names, allowed in (
        ("train", wanted, [*ROLES, *BIAS_NAMES, *declared]),
        ("parameters", set(given), [*declared, *BIAS_NAMES]),
        ("share", set(share), [*declared, "bias"]),
    ):
        for unknown in sorted(names - {BIAS_NAMES.get(name, name) for name in allowed}):
            raise ValueError(
                f"{what} has no entry {unknown!r} with the cell {type(cell).__name__}; allowed: {', '.join(allowed)}."
                + (f" Use Leaky({unknown}=True)." if unknown in ("gain", "input_gain", "slope") else "")
            )


def _grouped(
    name: str, value: Any, label: str | None, labels: Mapping[str, np.ndarray]
) -> tuple[np.ndarray | None, Any]:
    """Return groups of units that share a parameter, and its values."""
    if label is None:
        if isinstance(value, Mapping):
            raise ValueError(
                f"{name} has a value for each of {', '.join(map(str, value))}; name the label they belong to, "
                f"e.g. share={{{name!r}: 'type'}}."
            )
        return None, value
    return share_by(name, value, label, labels)


def _trained(made: Mapping[str, Weights], wanted: set[str]) -> set[str]:
    names = wanted - ROLES.keys()
    for role, short in ROLES.items():
        if role in wanted and made[role].trainable:
            names |= {f"{field}_{short}" for field in made[role].trained}
    return names
