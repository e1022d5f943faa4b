"""Predictions of recorded and unrecorded units by a fitted network, and recovery of a teacher's parameters."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Shaped

from ..analysis._fits import Recovery, UnitFit, effective_connectivity, recovery, unit_fit
from ..models import RateRNN
from ..recordings import Recording
from ..training._recorded import check_recording, observed_of, predicted, scales, unit_names

FACTORS = ("gain", "slope", "input_gain")
"""Parameters of cells that default to 1 if a network lacks them."""


class FitMeasures(NamedTuple):
    """Quality of a fitted network's predictions, in free rollouts from its own initial state; N units.

    Attributes
    ----------
    names : (N,) array of str
        Units of the network, or its outputs, if these were recorded.
    recorded : (N,) bool
        Units that the network was fitted to.
    unrecorded : (N,) bool
        Known units that the network was not fitted to.
    fitted : UnitFit
        Fit in the trials of the recording; NaN for unknown units.
    held_out : UnitFit, optional
        Fit in held-out trials; errors are normalised by the variances in the fitted ones.
    recovery : dict of str to Recovery
        Recovery of a teacher's parameters: those of the cell, ``"bias"``, ``"weights"`` (over the connections that
        either network has), and ``"effective"``, which is `eicon.analysis.fits.effective_connectivity`.
    """

    names: Shaped[np.ndarray, "N"]
    recorded: Bool[np.ndarray, "N"]
    unrecorded: Bool[np.ndarray, "N"]
    fitted: UnitFit
    held_out: UnitFit | None
    recovery: dict[str, Recovery]

    def numbers(self) -> dict[str, float]:
        """Return one number per measure, under names such as ``unrecorded_held_out_r2``, for tables over many fits.

        Errors and r are means over units, R2 medians (one badly predicted unit can have any negative value); recovery
        of the teacher's parameters is in ``gain_r2``, ``gain_r``, ``gain_error``, ``gain_slope``.
        """
        found: dict[str, float] = {}
        for trials, result in (("fitted", self.fitted), ("held_out", self.held_out)):
            for which, units in (("recorded", self.recorded), ("unrecorded", self.unrecorded)):
                if result is not None and units.any():
                    mean, median = result.mean(units), result.median(units)
                    of = {"mse": mean.mse, "normalised_mse": mean.normalised_mse, "r2": median.r2, "r": mean.r}
                    found |= {f"{which}_{trials}_{name}": value for name, value in of.items()}
        for name, result_of in self.recovery.items():
            found |= {f"{name}_{what}": float(getattr(result_of, what)) for what in ("r2", "r", "error", "slope")}
        return found


def fit_measures(
    net: RateRNN,
    recording: Recording,
    *,
    recorded: Any = None,
    held_out: Recording | None = None,
    teacher: RateRNN | None = None,
) -> FitMeasures:
    """Measure a fit on recorded and unrecorded units, in fitted and held-out trials, and against a teacher.

    Parameters
    ----------
    net : RateRNN
        Fitted network, which is run without noise.
    recording : Recording
        All observations in the fitted trials, including units that the fit did not use.
    recorded : sequence of str, array of int or bool, optional
        Units of the recording that the network was fitted to, as for `Recording.of_units`; by default all.
    held_out : Recording, optional
        Held-out trials.
    teacher : RateRNN, optional
        Network that was recorded, with the same units.

    Returns
    -------
    FitMeasures

    Raises
    ------
    ValueError
        If a recording does not match the network, or the units of the teacher differ.

    Notes
    -----
    Calcium is predicted up to a scale >= 0 and an offset of each unit, which are fitted by least squares to all
    observations of the unit in `recording`. An unrecorded unit, for which the fit determines neither, is therefore
    judged by the shape of its activity.

    Examples
    --------
    >>> net = RateRNN.dale(2, 8, 1, activation="softplus")
    >>> inputs = np.ones((10, 3, 2))
    >>> recording = Recording(net.predict(inputs, noise=False).rates, dt=net.dt, inputs=inputs)
    >>> found = fit_measures(net, recording, recorded=[0, 1], teacher=net)
    >>> int(found.unrecorded.sum()), round(found.numbers()["unrecorded_fitted_r2"], 6), found.recovery["weights"].r2
    (6, 1.0, 1.0)
    """
    check_recording(net, recording)
    names = np.array(unit_names(net, recording.observed))
    known = np.isin(names, recording.units)
    used = recording if recorded is None else recording.of_units(recorded)
    in_fit = np.isin(names, used.units)
    data, model = observed_of(net, recording), predicted(net, recording)
    factor, offset = calcium_scales(recording.observed, model, data)
    fitted = unit_fit(factor * model + offset, data, conditions=condition_labels(recording))
    others = None
    if held_out is not None:
        check_recording(net, held_out)
        other = factor * predicted(net, held_out) + offset
        others = unit_fit(other, observed_of(net, held_out), conditions=condition_labels(held_out), variance_of=data)
    against = {} if teacher is None else _recovered(net, teacher)
    return FitMeasures(names, in_fit, known & ~in_fit, fitted, others, against)


def calcium_scales(
    observed: str, model: Float[np.ndarray, "T B N"], data: Float[np.ndarray, "T B N"]
) -> tuple[Any, Any]:
    """Fit scale and offset (N,) of predicted calcium by least squares; 1 and 0 for other observations."""
    if observed != "calcium":
        return 1.0, 0.0
    factor, offset = scales(jnp.asarray(model), jnp.asarray(data), jnp.isfinite(data))
    return np.asarray(factor, np.float64), np.asarray(offset, np.float64)


def condition_labels(recording: Recording) -> Any:
    """Return one label per trial, combining all of its conditions; None without conditions."""
    if not recording.conditions:
        return None
    columns = [np.unique(values, return_inverse=True)[1].ravel() for values in recording.conditions.values()]
    return np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)[1].ravel()


def _recovered(net: RateRNN, teacher: RateRNN) -> dict[str, Recovery]:
    if unit_names(net) != unit_names(teacher):
        raise ValueError(
            f"`teacher` must have the units of the network; got {teacher.n_rec} and {net.n_rec} units"
            f"{', with different names' if teacher.n_rec == net.n_rec else ''}."
        )
    ours, theirs = _parameters(net), _parameters(teacher)
    names = {*net.network.parameters, *teacher.network.parameters} & ours.keys() & theirs.keys()
    found = {"bias" if name == "b_rec" else name: recovery(ours[name], theirs[name]) for name in sorted(names)}
    weights = [np.asarray(one.W_rec, np.float64) for one in (net, teacher)]
    effective = [
        effective_connectivity(matrix, of["gain"], of["slope"] * of["input_gain"])
        for matrix, of in zip(weights, (ours, theirs), strict=True)
    ]
    for name, (one, other) in {"weights": weights, "effective": effective}.items():
        found[name] = recovery(one, other, where=(one != 0) | (other != 0))
    return found


def _parameters(net: RateRNN) -> dict[str, Float[np.ndarray, "N"]]:
    """Return values of all units by name; biases of 0 and factors of 1 where the network has none."""
    names = [name for name in net.network.parameters if name != "b_out"]
    own = {name: np.broadcast_to(np.asarray(net.parameter(name), np.float64), (net.n_rec,)) for name in names}
    return {"b_rec": np.zeros(net.n_rec), **dict.fromkeys(FACTORS, np.ones(net.n_rec))} | own
