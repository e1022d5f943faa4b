"""Analysis of a trained run: numbers in analysis.json, figures in figures/."""

from typing import Any

import numpy as np

from .. import analysis, plotting
from .._files import without_nan, write_json, write_text
from ..models import RateRNN, verify
from ..plotting._files import Drawing, Form, save_figures
from ..studies._responses import Responses, behaviour_of, evidence_of, responses, sorted_by, unit_types
from ._dynamics import DynamicsRequest, run_dynamics
from ._fit import measure_fit, write_fit
from ._fit_figures import fit_section
from ._run import Run
from ._sections import Findings, sections_of


def respond(run: Run, repeats: int = 50) -> Responses:
    """Run the trained network on new trials, ``repeats`` of each condition."""
    return responses(run.load_network(), run.recipe.make_task(), repeats, seed=run.recipe.seed)


def analyze_run(
    run: Run,
    *,
    repeats: int = 50,
    dynamics: DynamicsRequest | None = None,
    form: Form = "png",
    dpi: float | None = None,
) -> dict[str, Any]:
    """Analyse a trained run; write ``analysis.json`` and ``figures/*.png``, and return the numbers.

    The analysis of every network contains a certificate, training history, principal components, spectrum and the
    activity of a trial. Depending on the task, it also contains psychometric curves or the accuracy in each condition,
    times, decoding from memory, selectivity and trajectories, or else outputs alongside targets. `dynamics` adds the
    requested fixed points, exponents and spectra; fixed points are also written to ``figures/fixed_points.html`` if
    plotly is installed. `form` and `dpi` are those of `eicon.plotting.save_figures`; PNG files are always written, for
    the report.

    For a network that was fitted to a recording, the analysis contains the prediction of each unit (also in
    ``fit.json`` and ``fit.csv``), traces, distributions of the fitted values, the stiff directions of the fit, and
    currents between populations. Without a task, the network runs in the trials of the recording, without noise, and
    there is no behaviour.

    Raises
    ------
    ValueError
        If dynamics are requested for a fit without a task, which has no epochs whose input could be held constant.
    """
    if run.recipe.is_fit and (run.path / "condense.json").is_file():
        raise ValueError(
            f"{run.path} is a condensed fit, whose outputs are the rates of all units of the fitted network; "
            "condense.json contains the quality of their prediction. Analyse the fitted network instead."
        )
    if run.recipe.is_fit:
        return _analyze_fit(run, dynamics, form, dpi)
    found = respond(run, repeats)
    asked = None if dynamics is None else run_dynamics(run, found.net, found.task, dynamics)
    certificate = verify(found.net).raise_if_violated()
    behaviour = behaviour_of(found.task, found.activity.outputs, found.trial)
    figures: dict[str, Drawing] = {}
    numbers: dict[str, Any] = {
        "seed": run.recipe.seed,
        "certificate": certificate.to_dict(),
        "accuracy": float(found.task.accuracy(found.activity.outputs, found.trial)),
        "chance": float(found.task.chance),
        "training": _training(run, figures),
    }
    components = analysis.pca(
        found.activity.rates, mask=np.asarray(found.trial.inside), n_components=min(2, found.net.n_rec)
    )
    numbers["activity"] = _activity(found, components, figures)
    numbers["spectrum"] = _spectrum(found.net, figures)
    if run.recipe.recording.file:
        numbers["fit"] = _fit(run, found.net, figures)
    findings = Findings(found, behaviour, components, run.recipe.seed)
    for section in sections_of(found.task, found.trial, behaviour):
        made = section.make(findings)
        figures |= made.figures
        if made.numbers:
            numbers[section.name] = made.numbers
    if asked is not None:
        numbers |= asked.numbers
        figures |= asked.figures
        if asked.page is not None:
            write_text(run.figures / "fixed_points.html", asked.page)
    return _written(run, numbers, figures, form, dpi)


def _written(
    run: Run, numbers: dict[str, Any], figures: dict[str, Drawing], form: Form, dpi: float | None
) -> dict[str, Any]:
    save_figures(run.figures, figures, form=form, dpi=dpi, preview=True)
    numbers = without_nan({**numbers, "figures": list(figures)})
    write_json(run.path / "analysis.json", numbers)
    return numbers


def _analyze_fit(run: Run, dynamics: DynamicsRequest | None, form: Form, dpi: float | None) -> dict[str, Any]:
    """Analyse a network that was fitted to a recording, without a task."""
    if dynamics is not None:
        raise ValueError(
            f"{run.path} was fitted to a recording and has no task; fixed points, Lyapunov exponents and spectra "
            "along trials need one, because inputs are held constant at their values in an epoch."
        )
    net, figures = run.load_network(), dict[str, Drawing]()
    given = run.recipe.make_recording()
    assert given is not None
    numbers: dict[str, Any] = {
        "seed": run.recipe.seed,
        "certificate": verify(net).raise_if_violated().to_dict(),
        "training": _training(run, figures),
        "fit": _fit(run, net, figures),
    }
    recording = given.known
    rates = np.asarray(net.predict(recording.inputs, noise=False).rates)
    components = analysis.pca(rates, mask=recording.mask, n_components=min(2, net.n_rec))
    trial = int(recording.mask.sum(axis=0).argmax())
    figures["activity"] = plotting.plot_activity(rates[recording.mask[:, trial], trial], unit_types(net), net.dt)
    example = {name: values[trial].item() for name, values in recording.conditions.items()}
    numbers["activity"] = {"example": example, **_sizes(rates[recording.mask], components)}
    numbers["spectrum"] = _spectrum(net, figures)
    return _written(run, numbers, figures, form, dpi)


def _fit(run: Run, net: RateRNN, figures: dict[str, Drawing]) -> dict[str, Any]:
    given, measured = measure_fit(run.recipe, net)
    section = fit_section(net, run.recipe.recording, given, measured)
    figures |= section.figures
    return {**write_fit(run.path, run.recipe, net, (given, measured)), **section.numbers}


def _training(run: Run, figures: dict[str, Drawing]) -> dict[str, Any]:
    try:
        history = run.history()
    except FileNotFoundError:  # a condensed run, whose stages keep no training state
        record = run.read_record()
        return {"steps": record.get("steps", 0), "seconds": record.get("training_seconds", 0.0)}
    validated = len(history.validation_step) > 0
    validation = (history.validation_step, history.validation_accuracy) if validated else None
    numbers = {
        "steps": history.n_steps,
        "seconds": float(history.seconds[-1]),
        "final_loss": float(history.loss[-50:].mean()),
        "score": (score := run.recipe.make_task().score_name),
    }
    figures["loss"] = plotting.plot_loss(history.loss, accuracy=history.accuracy, validation=validation, score=score)
    if run.recipe.is_fit:
        return {**numbers, "final_validation_loss": float(history.validation_loss[-1]) if validated else None}
    return {**numbers, "final_validation_accuracy": float(history.validation_accuracy[-1]) if validated else None}


def _activity(found: Responses, components: analysis.results.PCA, figures: dict[str, Drawing]) -> dict[str, Any]:
    """Draw the rates of all units in the trial with the strongest evidence for choice 0, or else in the first one."""
    net, task, trial, activity = found
    evidence = evidence_of(task, trial)
    example = 0 if evidence is None else int(np.argmax(evidence.numbers))
    spans = {name: np.asarray(span[example]) * task.dt for name, span in trial.epochs.items()}
    epochs = {name: (float(start), float(stop)) for name, (start, stop) in spans.items()}
    rates = np.asarray(activity.rates[:, example])
    figures["activity"] = plotting.plot_activity(rates, unit_types(net), task.dt, epochs=epochs)
    said = [*([] if evidence is None else [evidence]), *sorted_by(task, trial)]
    return {
        "example": {one.name: one.values[example].item() for one in said},
        **_sizes(np.asarray(activity.rates)[np.asarray(trial.inside)], components),
    }


def _sizes(rates: np.ndarray, components: analysis.results.PCA) -> dict[str, Any]:
    """Return the mean of rates (n, N) and the dimension of their components."""
    return {
        "mean_rate": float(rates.mean()),
        "participation_ratio": float(components.participation_ratio),
        "n_components": {f"{f:.0%}": int(components.n_for(f)) for f in (0.9, 0.95, 0.99)},
    }


def _spectrum(net: RateRNN, figures: dict[str, Drawing]) -> dict[str, Any]:
    spectrum = analysis.spectrum(net.W_rec, excitatory=unit_types(net))
    figures["spectrum"] = plotting.plot_spectrum(spectrum)
    return {
        "spectral_radius": float(spectrum.spectral_radius),
        "spectral_abscissa": float(spectrum.spectral_abscissa),
        "random_radius": float(spectrum.random_radius),
        "n_outliers": len(spectrum.outliers),
    }
