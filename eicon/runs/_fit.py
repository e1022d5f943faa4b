"""Quality of a fit to a recording: numbers in fit.json, and a row per unit in fit.csv."""

from pathlib import Path
from typing import Any

import numpy as np

from .._files import csv_table, without_nan, write_json, write_text
from ..models import RateRNN
from ..models._make import BIAS_NAMES
from ..models._network import ROLES
from ..studies._fit import FitMeasures, fit_measures
from ._recipe import Recipe
from ._recorded import Divided

MEASURES = ("r2", "r", "mse", "normalised_mse", "condition_r2")


def measure_fit(recipe: Recipe, net: RateRNN) -> tuple[Divided, FitMeasures]:
    """Return the divided recording of a recipe, and the quality of a network's predictions of each part."""
    given = recipe.make_recording()
    assert given is not None
    return given, fit_measures(net, given.known, recorded=list(given.units), held_out=given.held_out)


def fit_numbers(recipe: Recipe, net: RateRNN, given: Divided, found: FitMeasures) -> dict[str, Any]:
    """Return the contents of fit.json, with None for undefined numbers."""
    known = given.known
    numbers: dict[str, Any] = {
        "recording": {
            "file": recipe.recording.file,
            "source": known.source,
            "observed": known.observed,
            "dt": known.dt,
            "steps": known.n_steps,
            "trials": known.n_trials,
            "held_out_trials": 0 if given.held_out is None else given.held_out.n_trials,
            "units": known.n_units,
        },
        "fitted_units": list(given.units),
        "trained": _trained(net),
        "measures": found.numbers(),
        "condition_r2": {
            which: _median(found.fitted.condition_r2[units])
            for which, units in (("recorded", found.recorded), ("unrecorded", found.unrecorded))
            if units.any()
        },
    }
    return without_nan(numbers)


def _median(values: np.ndarray) -> float:
    """Return the median of the finite values; NaN if there are none."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


def _trained(net: RateRNN) -> dict[str, int]:
    """Return the recipe names of trained parameters, and how many numbers each has."""
    roles = {f"{field}_{short}": role for role, short in ROLES.items() for field in getattr(net, role).trained}
    biases = {variable: name for name, variable in BIAS_NAMES.items()}
    found: dict[str, int] = {}
    for name, variable in sorted(net.trainable_variables().items()):
        role = roles.get(name)
        n = int(np.size(variable.value)) if role is None else _n_weights(getattr(net, role), variable.value)
        key = role or biases.get(name, name)
        found[key] = found.get(key, 0) + n
    return found


def _n_weights(weights: Any, values: Any) -> int:
    """Count the trained numbers of weights; for a matrix, those of its connections."""
    return int(weights.sizes()[1]) if getattr(weights, "mask", None) is not None else int(np.size(values))


def write_fit(
    folder: Path, recipe: Recipe, net: RateRNN, measured: tuple[Divided, FitMeasures] | None = None
) -> dict[str, Any]:
    """Write ``fit.json`` and ``fit.csv`` into a folder, and return the contents of ``fit.json``."""
    given, found = measure_fit(recipe, net) if measured is None else measured
    numbers = fit_numbers(recipe, net, given, found)
    write_json(folder / "fit.json", numbers)
    write_text(folder / "fit.csv", csv_table(rows_of_units(net, given.known.observed, found)))
    return numbers


def rows_of_units(net: RateRNN, observed: str, found: FitMeasures) -> list[list[Any]]:
    """A header, and a row for each unit that is known: name, type (outputs have none), if it was fitted, measures."""
    parts = {"": found.fitted} | ({} if found.held_out is None else {"_held_out": found.held_out})
    rows: list[list[Any]] = [["unit", "type", "fitted", *(f"{name}{suffix}" for suffix in parts for name in MEASURES)]]
    for i in np.flatnonzero(found.recorded | found.unrecorded):
        values = [float(getattr(part, name)[i]) for part in parts.values() for name in MEASURES]
        kind = "" if observed == "output" else str(net.units["type"][i])
        rows.append([str(found.names[i]), kind, int(found.recorded[i]), *values])
    return rows


def fit_words(numbers: dict[str, Any]) -> list[str]:
    """Summarise a fit and the quality of its predictions, in a few lines."""
    of, measures = numbers["recording"], numbers["measures"]
    n, held_out = len(numbers["fitted_units"]), of["held_out_trials"]
    also = f", {held_out} trials held out" if held_out else ""
    lines = [
        f"Fitted to {n} of {of['units']} units ({of['observed']}) in {of['trials']} trials of {of['steps']} steps of "
        f"{of['dt']:g} ms{also}: {of['file']}",
        f"Fitted values: {', '.join(f'{name} ({size:,})' for name, size in numbers['trained'].items())}",
    ]
    for which in ("recorded", "unrecorded"):
        parts = []
        for trials, words in (("fitted", "fitted trials"), ("held_out", "held-out trials")):
            if f"{which}_{trials}_r2" in measures:
                r2, r = (measures[f"{which}_{trials}_{name}"] for name in ("r2", "r"))
                parts.append(f"{words} R2 {_number(r2)}, r {_number(r)}")
        if parts:
            lines.append(f"{which.capitalize()} units: {'; '.join(parts)}")
    reference = {which: r2 for which, r2 in numbers.get("condition_r2", {}).items() if r2 is not None}
    if reference:
        each = ", ".join(f"R2 {_number(r2)} of {which} units" for which, r2 in reference.items())
        lines.append(f"For comparison, the mean of the other trials of a condition: {each}")
    if len(lines) > 2:
        lines.append("R2: median over units; 1: perfect, 0: as good as the mean of each unit. r: mean over units.")
    return lines


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
