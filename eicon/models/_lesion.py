"""Removal of units from a network."""

from dataclasses import replace
from typing import Any

import numpy as np

from ._network import ROLES
from ._noise import Noise
from ._parameters import Values
from ._parts import Parts
from ._weights import Weights


def lesioned(parts: Parts, removed: np.ndarray) -> Parts:
    """Remove the units of a mask (N,), and keep the values of all others; see `RateRNN.without`."""
    old, kept = parts.network, np.flatnonzero(~removed)
    if not kept.size:
        raise ValueError(f"all {old.n_rec} units would be removed; at least one must be left.")
    everything = {"input": np.arange(old.n_in), "readout": np.arange(old.n_out)}
    ends = {"recurrent": (kept, kept), "input": (everything["input"], kept), "readout": (kept, everything["readout"])}
    made: dict[str, Any] = {role: _subset(getattr(old, role), *ends[role], role) for role in ROLES}
    noise = old.noise
    if noise.covariance is not None:
        noise = Noise.of(noise.sigma_rec or 0.0, noise.sigma_in or 0.0, noise.covariance[np.ix_(kept, kept)], len(kept))
    parameters = {name: values if name == "b_out" else _values(values, kept) for name, values in old.parameters.items()}
    fixed = {
        f"{field}_{short}" for role, short in ROLES.items() if not made[role].trainable for field in made[role].trained
    }
    units = {name: labels[kept] for name, labels in parts.units.items() if name != "type"}
    return Parts(replace(old, **made, parameters=parameters, noise=noise), parts.trained - fixed, units)


def _values(values: Values, kept: np.ndarray) -> Values:
    if values.group is None:
        return replace(values, raw=np.asarray(values.raw)[kept])
    there, group = np.unique(np.asarray(values.group)[kept], return_inverse=True)
    return replace(values, raw=np.asarray(values.raw)[there], group=group.astype(np.int32))


def _subset(weights: Weights, pre: np.ndarray, post: np.ndarray, role: str) -> Weights:
    """Return the weights between some sources and targets, with unchanged values."""
    arrays, settings = weights.to_arrays(), weights.settings()
    match type(weights).__name__:
        case "Dense":
            found = {"raw": arrays["raw"][np.ix_(pre, post)]}
            found |= {name: arrays[name][np.ix_(pre, post)] for name in ("mask", "fixed") if name in arrays}
            found |= {"signs": arrays["signs"][pre]} if "signs" in arrays else {}
            if role != "recurrent" and "mask" in found:
                _require_any(found["mask"].any() or found.get("fixed", np.zeros(0)).any(), role)
        case "LowRank":
            found = {"left": arrays["left"][pre], "right": arrays["right"][:, post]}
        case "Edges":
            found = _connections(arrays, pre, post, role)
            settings["shape"] = [len(pre), len(post)]
        case other:
            raise ValueError(f"units cannot be removed from {role} weights of the type {other}.")
    return type(weights).of_arrays(found, settings)


def _connections(arrays: dict[str, np.ndarray], pre: np.ndarray, post: np.ndarray, role: str) -> dict[str, np.ndarray]:
    left = np.isin(arrays["pre"], pre) & np.isin(arrays["post"], post)
    _require_any(left.any(), role)
    found: dict[str, np.ndarray] = {name: arrays[name][left] for name in ("scale", "signs") if name in arrays}
    found |= {"pre": np.searchsorted(pre, arrays["pre"][left]), "post": np.searchsorted(post, arrays["post"][left])}
    if "group" not in arrays:
        return {**found, "raw": arrays["raw"][left]}
    there, group = np.unique(arrays["group"][left], return_inverse=True)
    return {**found, "raw": arrays["raw"][there], "group": group.astype(np.int32)}


def _require_any(left: bool | np.bool_, role: str) -> None:
    if not left:
        raise ValueError(f"no {role} connection would be left; silence the units, or remove fewer of them.")
