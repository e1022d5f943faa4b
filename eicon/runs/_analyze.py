"""What a trained run learned: numbers in analysis.json, pictures in figures/."""

from typing import Any

import numpy as np

from .. import analysis, plotting
from .._files import write_json, write_text
from ..models import verify
from ..plotting._files import Drawing, save_figures
from ..plotting._overview import plot_overview
from ..studies._responses import Responses, responses, unit_types
from ..training._checkpoint import read_history
from ._dynamics import DynamicsRequest, run_dynamics
from ._run import Run


def respond(run: Run, repeats: int = 50) -> Responses:
    """Run the trained network on every condition ``repeats`` times; other trials than those of the training."""
    return responses(run.load_network(), run.config.make_task(), repeats, seed=run.config.seed)


def analyze_run(run: Run, *, repeats: int = 50, dynamics: DynamicsRequest | None = None) -> dict[str, Any]:
    """Analyse a trained run; write ``analysis.json`` and ``figures/*.png``, and return the numbers.

    Tasks with a signed ``coherence`` and a ``choice`` get selectivity and psychometrics beside what every
    network gets (certificate, training history, principal components, spectrum, activity of a trial). With `dynamics`,
    what it asks for is found and drawn too; fixed points also in ``figures/fixed_points.html``, where plotly is there.
    """
    found = respond(run, repeats)
    asked = None if dynamics is None else run_dynamics(run, found.net, found.task, dynamics)
    certificate = verify(found.net).raise_if_violated()
    figures: dict[str, Drawing] = {}
    numbers: dict[str, Any] = {
        "seed": run.config.seed,
        "certificate": certificate.to_dict(),
        "accuracy": float(found.task.accuracy(found.activity.outputs, found.trial)),
        "training": _training(run, figures),
    }
    numbers["activity"] = _activity(found, figures)
    numbers["spectrum"] = _spectrum(found, figures)
    if {"coherence", "choice"} <= found.trial.conditions.keys():
        numbers["choice"] = _choice(found, figures)
    if asked is not None:
        numbers |= asked.numbers
        figures |= asked.figures
        if asked.page is not None:
            write_text(run.figures / "fixed_points.html", asked.page)
    save_figures(run.figures, figures)
    write_json(run.path / "analysis.json", numbers)
    return numbers


def _training(run: Run, figures: dict[str, Drawing]) -> dict[str, Any]:
    if not run.checkpoint.is_file():  # a condensed run, whose stages keep no training state
        record = run.read_record()
        return {"steps": record.get("steps", 0), "seconds": record.get("training_seconds", 0.0)}
    history = read_history(run.checkpoint)
    validated = len(history.validation_step) > 0
    validation = (history.validation_step, history.validation_accuracy) if validated else None
    figures["loss"] = plotting.plot_loss(history.loss, accuracy=history.accuracy, validation=validation)
    return {
        "steps": history.n_steps,
        "seconds": float(history.seconds[-1]),
        "final_loss": float(history.loss[-50:].mean()),
        "final_validation_accuracy": float(history.validation_accuracy[-1]) if validated else None,
    }


def _activity(found: Responses, figures: dict[str, Drawing]) -> dict[str, Any]:
    net, task, trial, activity = found
    example = int(np.argmax(np.asarray(trial.conditions.get("coherence", np.zeros(trial.batch_size)))))
    spans = {name: np.asarray(span[example]) * task.dt for name, span in trial.epochs.items()}
    epochs = {name: (float(start), float(stop)) for name, (start, stop) in spans.items()}
    rates = np.asarray(activity.rates[:, example])
    figures["activity"] = plotting.plot_activity(rates, unit_types(net), task.dt, epochs=epochs)
    components = analysis.pca(activity.rates, mask=np.asarray(trial.inside))
    return {
        "mean_rate": float(np.asarray(activity.rates)[np.asarray(trial.inside)].mean()),
        "participation_ratio": float(components.participation_ratio),
        "n_components": {f"{f:.0%}": int(components.n_for(f)) for f in (0.9, 0.95, 0.99)},
    }


def _spectrum(found: Responses, figures: dict[str, Drawing]) -> dict[str, Any]:
    spectrum = analysis.spectrum(found.net.W_rec, excitatory=unit_types(found.net))
    figures["spectrum"] = plotting.plot_spectrum(spectrum)
    return {
        "spectral_radius": float(spectrum.spectral_radius),
        "spectral_abscissa": float(spectrum.spectral_abscissa),
        "random_radius": float(spectrum.random_radius),
        "n_outliers": len(spectrum.outliers),
    }


def _choice(found: Responses, figures: dict[str, Drawing]) -> dict[str, Any]:
    net, task, trial, activity = found
    coherence, right = (np.asarray(trial.conditions[name]) for name in ("coherence", "choice"))
    chosen = np.asarray(task.choice(activity.outputs, trial))  # type: ignore[attr-defined]
    curve = analysis.psychometric(coherence, chosen)
    unit = "%" if task.evidence is None else task.evidence[1]
    figures["psychometric"] = plotting.plot_psychometric(curve, unit=unit)

    stimulus = np.asarray(trial.during("stimulus"))
    tuned = analysis.selectivity(activity.rates, right, window=stimulus, excitatory=unit_types(net))
    figures["selectivity"] = plotting.plot_selectivity(tuned)
    weights = np.asarray(net.W_rec)
    figures["connectivity"] = plotting.plot_connectivity(weights, tuned.order, unit_types(net))

    components = analysis.pca(activity.rates, mask=np.asarray(trial.inside), n_components=2)
    mean = analysis.condition_average(components.trajectories, coherence, np.asarray(trial.inside))
    figures["pc_trajectories"] = plotting.plot_pc_trajectories(
        mean.average, mean.levels, explained_ratio=components.explained_ratio[:2], dt=task.dt, unit=unit
    )

    figures["overview"] = plot_overview(curve, weights, tuned, components, mean, dt=task.dt, unit=unit)

    correct = np.asarray(task.correct(activity.outputs, trial))
    levels = np.unique(np.abs(coherence))
    clustering = analysis.choice_clustering(weights, tuned.d_prime, net.is_excitatory)
    return {
        "unit": unit,
        "accuracy_by_coherence": {f"{level:g}": float(correct[np.abs(coherence) == level].mean()) for level in levels},
        "psychometric": {
            "levels": curve.levels.tolist(),
            "p_choice_0": curve.p.tolist(),
            "bias": float(curve.bias),
            "width": float(curve.width),
            "monotone": bool(curve.is_monotone),
            "converged": bool(curve.converged),
        },
        "clustering": {
            "within_over_between_excitatory": _finite(clustering.excitatory),
            "within_over_between_inhibitory": _finite(clustering.inhibitory),
            "n_selective": clustering.n_selective,
        },
    }


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
