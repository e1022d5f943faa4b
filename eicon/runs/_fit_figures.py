"""Analysis of a fit: predictions, fitted values, stiff directions and currents between populations."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import plotting
from ..analysis.fits import population_currents
from ..models import RateRNN
from ..models._network import ROLES
from ..plotting._files import Drawing
from ..plotting._fitted import plot_fitted_values, plot_unit_scores
from ..plotting._overview import plot_row
from ..recordings import Recording
from ..studies._fit import FitMeasures, calcium_scales
from ..studies._stiffness import stiffness
from ..training._recorded import observed_of, predicted
from ._recipe_tables import RecordingTable
from ._recorded import Divided

SHOWN = (0.9, 0.5, 0.1)
"""Quantiles of R2 at which units are drawn."""
OPERATIONS = 2e11
"""Largest cost of the matrix whose spectrum is drawn; above it, fewer trials are used."""
MOST_TRIALS, MOST_DENSE = 20, 2000
POPULATIONS = ("area", "region", "population", "cell_type", "type")
"""Labels between whose values currents are drawn; the first that has 2 to 12 of them."""
UNITS = {"tau": "ms"}
LABELS = {"current": "current x", "counts": "spikes per step", "calcium": "fluorescence"}


class FitSection(NamedTuple):
    """Numbers for analysis.json, and figures by name."""

    numbers: dict[str, Any]
    figures: dict[str, Drawing]


def fit_section(net: RateRNN, table: RecordingTable, given: Divided, found: FitMeasures) -> FitSection:
    """Return the analysis of a fit, apart from its measures."""
    figures: dict[str, Drawing] = {"traces": _traces(net, given, found), "predictions": _scores(found)}
    values = _values(net)
    if values:
        figures["fitted_values"] = plot_row(values[:4], size=(2.6, 3.0))
    numbers: dict[str, Any] = {}
    stiff = _stiff(net, table, given)
    if stiff is not None:
        n_trials, result = stiff
        numbers["stiffness"] = {
            "values": result.values.tolist(),
            "n_fixed": result.n_fixed,
            "n_trained": int(result.names.size),
            "n_trials": n_trials,
        }
        if result.values[0] > 0:
            figures["stiffness"] = plotting.fits.plot_stiffness({len(given.units): result.values})
    if (shares := _currents(net, given)) is not None:
        numbers["currents"], figures["currents"] = shares
    return FitSection(numbers, figures)


def _traces(net: RateRNN, given: Divided, found: FitMeasures) -> Drawing:
    """Draw recorded and unrecorded units that are predicted well, typically and badly, in a held-out trial."""
    part = given.known if given.held_out is None else given.held_out
    score = found.fitted if found.held_out is None else found.held_out
    observed = observed_of(net, part)
    factor, offset = calcium_scales(part.observed, predicted(net, given.known), observed_of(net, given.known))
    model = factor * predicted(net, part) + offset
    shown: list[int] = []
    for members in (found.recorded, found.unrecorded):
        here = np.flatnonzero(members & np.isfinite(score.r2))
        order = here[np.argsort(score.r2[here])]
        places = [round(share * (order.size - 1)) for share in SHOWN] if order.size else []
        shown += order[list(dict.fromkeys(places))].tolist()
    if not shown:  # all of them are constant
        shown = np.flatnonzero(found.recorded | found.unrecorded)[:3].tolist()
    return plotting.fits.plot_unit_traces(
        model,
        observed,
        part.dt,
        np.array(shown),
        recorded=found.recorded,
        trial=int(_liveliest(observed[:, :, shown])[0]),
        names=found.names.tolist(),
        start=part.start,
        label=_label(part),
    )


def _liveliest(observed: np.ndarray) -> np.ndarray:
    """Return trials (B,) of (T, B, N), first by number of observed values, then by size of deviations."""
    seen = np.isfinite(observed)
    n = np.maximum(seen.sum(axis=(0, 1)), 1)
    off = np.where(seen, observed - np.where(seen, observed, 0.0).sum(axis=(0, 1)) / n, 0.0) ** 2
    total = off.sum(axis=(0, 1))
    changes = (off / np.where(total > 0, total, 1.0)).sum(axis=(0, 2))
    return np.lexsort([changes, seen.sum(axis=(0, 2))])[::-1]


def _label(part: Recording) -> str:
    scaled = part.observed == "rate" and part.hz != 1
    return f"rate (1 = {part.hz:g} spikes/s)" if scaled else LABELS.get(part.observed, part.observed)


def _scores(found: FitMeasures) -> Drawing:
    parts = {"fitted trials": found.fitted} | ({} if found.held_out is None else {"held-out trials": found.held_out})

    def draw(name: str, label: str) -> Callable[[Any], Any]:
        values = {words: getattr(part, name) for words, part in parts.items()}
        return lambda ax: plot_unit_scores(values, recorded=found.recorded, label=label, ax=ax)

    return plot_row([draw("r2", "R²"), draw("r", "r")], size=(3.2, 3.2))


def _values(net: RateRNN) -> list[Callable[[Any], Any]]:
    """Draw distributions of fitted values: parameters by type of unit, weights by type of their source."""
    trained, types, draws = net.trainable_variables(), net.units["type"], []
    network = net.network

    def draw(values: np.ndarray, by: np.ndarray, quantity: str) -> Callable[[Any], Any]:
        unit = UNITS.get(quantity, "")
        return lambda ax: plot_fitted_values(values, by=by, quantity=quantity, unit=unit, ax=ax)

    for name, values in network.parameters.items():
        if name in trained and name != "b_out":
            effective = np.asarray(values.effective(network.dt, network.dtype), np.float64)
            draws.append(draw(effective, types, {"b_rec": "bias"}.get(name, name)))
    for role, short in ROLES.items():
        weights = getattr(network, role)
        if any(f"{field}_{short}" in trained for field in weights.trained) and net.n_rec <= MOST_DENSE:
            matrix = np.asarray(weights.matrix(), np.float64)
            source, target = np.nonzero(matrix)
            if source.size:
                by = types[source] if role != "input" else types[target]
                draws.append(draw(matrix[source, target], by, f"{role} weight"))
    return draws


def _stiff(net: RateRNN, table: RecordingTable, given: Divided) -> tuple[int, Any] | None:
    """Return the leading spectrum of the fit and its number of trials; None if the network is too large."""
    n = sum(np.size(value.value) for value in net.trainable_variables().values())
    per_trial = min(n, 600) * given.known.n_steps * 6.0 * max(float(net.recurrent.sizes()[1]), net.n_rec)
    if per_trial > 10 * OPERATIONS:
        return None
    n_trials = int(np.clip(OPERATIONS // per_trial, 1, given.known.n_trials))
    fitted = given.fitted
    chosen = np.sort(_liveliest(fitted.activity)[:n_trials])
    return n_trials, stiffness(net, fitted.of_trials(chosen), loss=table.loss)


def _currents(net: RateRNN, given: Divided) -> tuple[dict[str, Any], Drawing] | None:
    """Return shares of populations in the variance of currents, and currents into the largest population."""
    several = (name for name in POPULATIONS if name in net.units and 1 < np.unique(net.units[name]).size <= 12)
    label = next(several, None)
    if label is None or net.n_rec > MOST_DENSE:
        return None
    part = given.known.of_trials(np.arange(min(given.known.n_trials, MOST_TRIALS)))
    activity = net.predict(part.inputs, noise=False)
    sent = np.asarray(net.network.send(activity.states), np.float64)
    populations = np.array([str(name) or "free" for name in net.units[label]])
    found = population_currents(np.asarray(net.W_rec), sent, populations, mask=part.mask)
    names, counts = np.unique(populations, return_counts=True)
    largest = str(names[counts.argmax()])
    numbers = {"label": label, "populations": found.names.tolist(), "share": found.share.tolist()}
    draws = [
        lambda ax: plotting.fits.plot_current_shares(found, ax=ax),
        lambda ax: plotting.fits.plot_currents(found, largest, part.dt, start=part.start, ax=ax),
    ]
    return numbers, plot_row(draws, size=(4.2, 3.2))
