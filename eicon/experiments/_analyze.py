"""What a trained run learned: numbers in analysis.json, pictures in figures/."""

import json
from typing import Any, NamedTuple

import jax
import numpy as np

from .. import analysis, plotting
from .._files import atomic_file, write_text
from ..models import Activity, RateRNN, verify
from ..tasks import Task, Trial
from ..training import read_history
from ._dynamics_numbers import DynamicsRequest, run_dynamics
from ._run import Run

ANALYSIS_STREAM = 0xA11
"""Folded into the run's seed, so that analysed trials are not the trained ones."""


class Recording(NamedTuple):
    """Balanced trials and what the network did in them, with its noise."""

    net: RateRNN
    task: Task
    trial: Trial
    activity: Activity


def record(run: Run, repeats: int = 50) -> Recording:
    """Run the trained network on every condition ``repeats`` times."""
    return record_network(run.load_network(), run.config.make_task(), repeats, run.config.seed)


def record_network(net: RateRNN, task: Task, repeats: int, seed: int) -> Recording:
    """Run a network on every condition ``repeats`` times, with its noise."""
    key_trial, key_noise = jax.random.split(jax.random.fold_in(jax.random.key(seed), ANALYSIS_STREAM))
    trial = task.trials(repeats, key=key_trial)
    return Recording(net, task, trial, net.predict(trial.inputs, key=key_noise))


def analyze_run(run: Run, *, repeats: int = 50, dynamics: DynamicsRequest | None = None) -> dict[str, Any]:
    """Analyse a trained run; write ``analysis.json`` and ``figures/*.png``, and return the numbers.

    Tasks with a signed ``coherence`` and a ``choice`` get selectivity and psychometrics beside what every
    network gets (certificate, training history, principal components, spectrum, activity of a trial). With `dynamics`,
    what it asks for is found and drawn too; fixed points also in ``figures/fixed_points.html``, where plotly is there.
    """
    recording = record(run, repeats)
    found = None if dynamics is None else run_dynamics(run, recording.net, recording.task, dynamics)
    certificate = verify(recording.net).raise_if_violated()
    figures: dict[str, plotting.Drawing] = {}
    numbers: dict[str, Any] = {
        "seed": run.config.seed,
        "certificate": certificate.to_dict(),
        "accuracy": float(recording.task.accuracy(recording.activity.outputs, recording.trial)),
        "training": _training(run, figures),
    }
    numbers["activity"] = _activity(recording, figures)
    numbers["spectrum"] = _spectrum(recording, figures)
    if {"coherence", "choice"} <= recording.trial.conditions.keys():
        numbers["choice"] = _choice(recording, figures)
    if found is not None:
        numbers |= found.numbers
        figures |= found.figures
        if found.page is not None:
            write_text(run.figures / "fixed_points.html", found.page)
    for name, figure in figures.items():
        with atomic_file(run.figures / f"{name}.png") as stream:
            plotting.save_png(figure, stream)
    write_text(run.path / "analysis.json", json.dumps(numbers, indent=2) + "\n")
    return numbers


def _training(run: Run, figures: dict[str, plotting.Drawing]) -> dict[str, Any]:
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


def _activity(recording: Recording, figures: dict[str, plotting.Drawing]) -> dict[str, Any]:
    net, task, trial, activity = recording
    example = int(np.argmax(np.asarray(trial.conditions.get("coherence", np.zeros(trial.batch_size)))))
    spans = {name: np.asarray(span[example]) * task.dt for name, span in trial.epochs.items()}
    epochs = {name: (float(start), float(stop)) for name, (start, stop) in spans.items()}
    rates = np.asarray(activity.rates[:, example])
    figures["activity"] = plotting.plot_activity(rates, _types(net), task.dt, epochs=epochs)
    components = analysis.pca(activity.rates, mask=np.asarray(trial.inside))
    return {
        "mean_rate": float(np.asarray(activity.rates)[np.asarray(trial.inside)].mean()),
        "participation_ratio": float(components.participation_ratio),
        "n_components": {f"{f:.0%}": int(components.n_for(f)) for f in (0.9, 0.95, 0.99)},
    }


def _spectrum(recording: Recording, figures: dict[str, plotting.Drawing]) -> dict[str, Any]:
    spectrum = analysis.spectrum(recording.net.W_rec, excitatory=_types(recording.net))
    figures["spectrum"] = plotting.plot_spectrum(spectrum)
    return {
        "spectral_radius": float(spectrum.spectral_radius),
        "spectral_abscissa": float(spectrum.spectral_abscissa),
        "random_radius": float(spectrum.random_radius),
        "n_outliers": len(spectrum.outliers),
    }


def _choice(recording: Recording, figures: dict[str, plotting.Drawing]) -> dict[str, Any]:
    net, task, trial, activity = recording
    coherence, right = (np.asarray(trial.conditions[name]) for name in ("coherence", "choice"))
    chosen = np.asarray(task.choice(activity.outputs, trial))  # type: ignore[attr-defined]
    curve = analysis.psychometric(coherence, chosen)
    figures["psychometric"] = plotting.plot_psychometric(curve)

    stimulus = np.asarray(trial.during("stimulus"))
    tuned = analysis.selectivity(activity.rates, right, window=stimulus, excitatory=_types(net))
    figures["selectivity"] = plotting.plot_selectivity(tuned)
    weights = np.asarray(net.W_rec)
    figures["connectivity"] = plotting.plot_connectivity(weights, tuned.order, _types(net))

    components = analysis.pca(activity.rates, mask=np.asarray(trial.inside), n_components=2)
    mean = analysis.condition_average(components.trajectories, coherence, np.asarray(trial.inside))
    figures["pc_trajectories"] = plotting.plot_pc_trajectories(
        mean.average, mean.levels, explained_ratio=components.explained_ratio[:2], dt=task.dt
    )

    figures["overview"] = plotting.plot_overview(curve, weights, tuned, components, mean, dt=task.dt)

    correct = np.asarray(task.correct(activity.outputs, trial))
    levels = np.unique(np.abs(coherence))
    clustering = analysis.choice_clustering(weights, tuned.d_prime, net.is_excitatory)
    return {
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


def _types(net: RateRNN) -> np.ndarray | None:
    return net.is_excitatory if net.is_excitatory.any() else None


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
