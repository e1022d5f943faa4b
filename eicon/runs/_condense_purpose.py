"""Purpose of a condensation: the task of the network, or the recording that it was fitted to."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any, NamedTuple

import jax
import numpy as np

from .. import analysis
from .._files import read_json
from ..analysis._fits import unit_fit
from ..models import RateRNN
from ..models._network import BIASES
from ..models.results import Activity
from ..recordings import Recording
from ..studies._condense import likeness, measure, reading, reference
from ..studies._fit import FitMeasures, calcium_scales
from ..studies._match_noise import VARIANCE
from ..training import Fixed, Trainer
from ..training._penalties import Penalty
from ..training._recorded import Fit, unit_names
from ._open import open_run
from ._recorded import Divided
from ._run import Run

MOST_TRIALS = 200
"""Largest number of trials after repetition of a recording's trials, for networks with noise."""


class Purpose(NamedTuple):
    """Parts of a condensation that depend on its purpose.

    Attributes
    ----------
    original : RateRNN
        Network whose outputs the condensed networks reproduce.
    free_readout : bool
        See `eicon.analysis.condense`.
    trials : function of a key
        Inputs (T, B, n_in) to condense with, and the steps (T, B) that count.
    measure : function of a network
        Measures of a network for ``condense.json``.
    trainer : function of a network, penalties, and a learning rate or None
        Trainer of this network, or of a copy of it.
    heard : function of a network
        The same network with the outputs in which responses to noise are compared.
    """

    original: RateRNN
    free_readout: bool
    trials: Callable[[jax.Array], tuple[Any, np.ndarray]]
    measure: Callable[[RateRNN], dict[str, Any]]
    trainer: Callable[[RateRNN, Sequence[Penalty], float | None], Trainer]
    heard: Callable[[RateRNN], RateRNN]


def purpose_of(run: Run, original: RateRNN, repeats: int) -> Purpose:
    """Return the purpose of the network of a run; for ``repeats`` see `Protocol`.

    Raises
    ------
    ValueError
        If currents were recorded.
    """
    return (_of_recording if run.recipe.is_fit else _of_task)(run, original, repeats)


def _of_task(run: Run, original: RateRNN, repeats: int) -> Purpose:
    task, loss = run.recipe.make_task(), run.recipe.make_loss()
    test = reference(original, task, run.recipe.seed, repeats)

    def trials(key: jax.Array) -> tuple[Any, np.ndarray]:
        trial = task.trials(repeats, key=key)
        return trial.inputs, np.asarray(trial.inside)

    def trainer(net: RateRNN, penalties: Sequence[Penalty], learning_rate: float | None) -> Trainer:
        return run.recipe.make_trainer(net, task, penalties, learning_rate)

    return Purpose(original, False, trials, lambda net: measure(net, test, loss), trainer, lambda net: net)


class ReadOut(Fit):
    """Fit of a network whose outputs are the rates of all units that can be recorded."""

    @classmethod
    def of(cls, fit: Any) -> "ReadOut":
        """Copy a fit, with outputs in place of rates."""
        return cls(**{field.name: getattr(fit, field.name) for field in fields(fit)})

    def scored(self, activity: Activity) -> jax.Array:
        """Return the activity that is compared with the recording, (T, B, N)."""
        return super().scored(activity._replace(rates=activity.outputs))


def _of_recording(run: Run, net: RateRNN, repeats: int) -> Purpose:
    fitted, given = fitted_network(run), run.recipe.make_recording()
    made = run.recipe.make_trainer(fitted, run.recipe.make_task())
    fit, supply = ReadOut.of(made.task), made.trials
    assert given is not None
    assert isinstance(supply, Fixed)
    if fit.observed == "current":
        raise ValueError(
            f"{run.path} was fitted to currents, but condensed networks reproduce rates; condense it in Python with "
            "eicon.studies.condense_network."
        )
    of_rates = fit.observed != "output"
    original = _reading_rates(net) if of_rates and not run.condensation.is_file() else net
    times = max(1, min(repeats, MOST_TRIALS // supply.train.batch_size)) if original.network.noisy else 1
    inputs, counted = (
        np.tile(a, (1, times, *[1] * (a.ndim - 2))) for a in (supply.train.inputs, supply.train.mask != 0)
    )
    test, inside = supply.validation.inputs, np.asarray(supply.validation.mask) != 0
    there = original.predict(test, noise=False)
    axes = np.eye(original.n_out)
    if of_rates and original.sigma_rec:  # fewer units cannot have the private noise of each
        found = analysis.pca(original.predict(inputs, noise=False).outputs, mask=counted)
        axes = np.asarray(found.components, np.float64)[: found.n_for(VARIANCE)].T

    def measured(net: RateRNN) -> dict[str, Any]:
        numbers = likeness(net, net.predict(test, noise=False), there.outputs, there.rates, inside)
        return numbers | {"measures": _predictions(net, fit, given, unit_names(fitted, fit.observed))}

    def trainer(net: RateRNN, penalties: Sequence[Penalty], learning_rate: float | None) -> Trainer:
        of_fitted = run.recipe.make_trainer(fitted, fit, penalties, learning_rate)
        same = {name: getattr(of_fitted, name) for name in ("trials", "learner", "penalties")}
        return Trainer(_trained_as(fitted, net), fit, seed=run.recipe.seed, **same)

    def heard(net: RateRNN) -> RateRNN:
        return reading(net, np.asarray(net.W_out, np.float64) @ axes)

    return Purpose(original, of_rates, lambda key: (inputs, counted), measured, trainer, heard)


def fitted_network(run: Run) -> RateRNN:
    """Return the fitted network from which a run was condensed, in one or more condensations.

    Raises
    ------
    FileNotFoundError
        If the run of the fitted network no longer exists.
    """
    while run.condensation.is_file():
        run = open_run(read_json(run.condensation, "record of a condensation")["source"])
    return run.load_network()


def _reading_rates(net: RateRNN) -> RateRNN:
    """Return a network whose outputs are the rates of its units, which keep their names in the recording."""
    parts = reading(net, np.eye(net.n_rec)).parts()
    return net.of_parts(parts._replace(units={**parts.units, "name": np.array(unit_names(net))}))


def _trained_as(fitted: RateRNN, net: RateRNN) -> RateRNN:
    """Return the network with added biases fixed, if the fitted network has no trained biases."""
    parts, added = net.parts(), set(BIASES) - fitted.trainable_variables().keys()
    parameters = {
        name: replace(values, trained=False) if name in added else values
        for name, values in parts.network.parameters.items()
    }
    network = replace(parts.network, parameters=parameters)
    return net.of_parts(parts._replace(network=network, trained=parts.trained - added))


def _predictions(net: RateRNN, fit: Fit, given: Divided, names: Sequence[str]) -> dict[str, float]:
    """Return measures of the prediction of the recording, as in ``fit.json``; empty if outputs diverge."""

    def predicted(recording: Recording) -> np.ndarray:
        return np.asarray(fit.scored(net.predict(recording.inputs, noise=False)), np.float64)

    parts = [given.known, *([] if given.held_out is None else [given.held_out])]
    models, data = [predicted(part) for part in parts], [part.placed(names) for part in parts]
    if not all(np.isfinite(model).all() for model in models):
        return {}
    factor, offset = calcium_scales(given.known.observed, models[0], data[0])
    found = [unit_fit(factor * model + offset, of, variance_of=data[0]) for model, of in zip(models, data, strict=True)]
    recorded, there = np.isin(names, given.units), np.isin(names, given.known.units)
    held_out = found[1] if len(found) > 1 else None
    return FitMeasures(np.array(names), recorded, there & ~recorded, found[0], held_out, {}).numbers()
