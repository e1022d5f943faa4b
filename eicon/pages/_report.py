"""Report of a run as one self-contained HTML page."""

from pathlib import Path
from typing import Any

from .._files import read_json, write_text
from .._hints import hint
from ..runs import read_condensation
from ..runs._dynamics_words import dynamics_words
from ..runs._neighbours import Place, place_of
from ..runs._run import Run
from ..studies._responses import level_name
from ._template import filled, picture

CAPTIONS = {
    "traces": (
        "Traces",
        "Recorded and predicted activity of single units, in the (if possible held-out) trial in which it changes "
        "most: fitted units and units that were not fitted, each at the 90th, 50th and 10th percentile of R². The "
        "correlation r is over all of these trials.",
    ),
    "predictions": (
        "Predictions",
        "R² and signed correlation of every unit, with medians; triangles are units below the axis. A prediction of "
        "the mean has R² = 0; an inverted trace has a negative r.",
    ),
    "fitted_values": (
        "Fitted values",
        "Values of each unit, or of each connection by the type of its source (of its target, for inputs), with "
        "medians.",
    ),
    "stiffness": (
        "Stiff directions",
        "Curvatures of the loss along directions of the fitted values: eigenvalues of the Gauss-Newton matrix, each "
        "kind of value in units of its spread. Directions above the dotted line are fixed by the recorded units.",
    ),
    "currents": (
        "Currents between populations",
        "Share of each population in the variance of the recurrent input to each population, and the mean input to the "
        "largest one by source.",
    ),
    "psychometric": (
        "Psychometric curve",
        "Fraction of choices 0 against the evidence for choice 0, with 95 % Wilson intervals and a cumulative-Gaussian "
        "fit; also, if the task has them, the same for each level of a second condition.",
    ),
    "accuracy_by_condition": (
        "Accuracy by condition",
        "Mean score of the trials of each condition, with 95 % intervals; the dotted line is chance.",
    ),
    "produced_times": (
        "Produced times",
        "Produced times against the requested times: trials, mean and standard deviation. The Weber fraction is the "
        "slope of the standard deviation against the mean.",
    ),
    "reaction_times": (
        "Reaction times",
        "Means with 95 % intervals against the strength of the evidence, if the task has any, and the distribution.",
    ),
    "memory": (
        "Memory",
        "Balanced accuracy of linear decoders on held-out trials, with its chance level; time 0 is the start of the "
        "delay. If delays differ, also the mean score by their duration.",
    ),
    "outputs": ("Outputs", "Outputs and targets in single trials; targets are shown where they are scored."),
    "connectivity": (
        "Connectivity sorted by selectivity",
        "Effective recurrent weights, excitatory blue and inhibitory red; units of each type are sorted by d', or else "
        "by their preferred condition. Rows are sources, columns are targets.",
    ),
    "selectivity": (
        "Selectivity",
        "d' of each unit for two classes of trials: the choice that the evidence supports, in the epoch to which the "
        "task aligns its trials, or the two levels of a condition, in the epoch in which most units are tuned.",
    ),
    "tuning": (
        "Tuning",
        "Mean rate of each unit in each condition, scaled to the unit's range, in the epoch in which most units "
        "are tuned, and the fraction of tuned units in each epoch (analysis of variance, p < 0.05, uncorrected).",
    ),
    "activity": ("One trial", "Rates of all units in one trial{example}; excitatory blue, inhibitory red."),
    "pc_trajectories": (
        "Population trajectories",
        "Mean over trials in the plane of the first two principal components, per condition.",
    ),
    "spectrum": (
        "Eigenvalues",
        "Eigenvalues of the effective recurrent matrix; the circle is that of a random matrix with the same variances.",
    ),
    "fixed_points": (
        "Fixed points",
        "Fixed points with the input held constant, in the plane of the first principal "
        "components of its currents, with trajectories. Segments are the unstable directions of saddles.",
    ),
    "slow_points": (
        "Slow points",
        "End points of searches that do not follow slow directions: states at which the network hardly moves.",
    ),
    "modes": (
        "Modes of a saddle",
        "Eigenvalues at a fixed point (the first saddle, if there is one) of the flow, in 1/ms, and of one time step.",
    ),
    "lyapunov": (
        "Lyapunov exponents",
        "Growth rates of small differences with constant input, estimated from runs of increasing length; bands are "
        "standard errors.",
    ),
    "trajectory_spectra": (
        "Jacobian along the mean trajectory",
        "Eigenvalues at each step of a trial, the largest real part, and the number of growing directions.",
    ),
    "training_spectra": (
        "Eigenvalues across training",
        "Eigenvalues of the effective recurrent matrix during training; the circle is that of the last network.",
    ),
    "loss": ("Training", "Loss and {score} at each step, and {score} in validation trials."),
}

SECTIONS = {
    "fixed_points": "fixed_points",
    "slow_points": "fixed_points",
    "modes": "fixed_points",
    "lyapunov": "lyapunov",
    "trajectory_spectra": "spectra",
    "training_spectra": "spectra",
}
"""Sections that a figure needs; without them, a figure not listed in analysis.json is from an earlier analysis."""


def write_report(run: Run) -> Path:
    """Write ``report.html`` of an analysed run and return its path.

    Raises
    ------
    FileNotFoundError
        If the run has not been analysed.
    """
    results = run.path / "analysis.json"
    if not results.is_file():
        again = hint("eicon", "analyze", run.path)
        raise FileNotFoundError(f"{run.path} has not been analysed yet; analyse it with: {again}")
    numbers, place = read_json(results, "analysis of a run"), place_of(run)
    score = numbers["training"].get("score", "accuracy")  # missing in older files
    page = filled(
        "report.html.jinja",
        title=run.path.name if place is None else f"{run.path.parent.name}, {run.path.name}",
        place=None if place is None else _place(place, score),
        lead=_lead(run, numbers),
        facts=_facts(numbers),
        figures=_figures(run, numbers, score),
        dynamics=dynamics_words(numbers),
        interactive=numbers.get("fixed_points", {}).get("interactive", False),
        certificate=numbers["certificate"],
        settings=run.recipe.to_toml(),
        commands="\n".join(f"eicon {what} {run.path.name}" for what in (_origin(run)[1], "analyze", "report")),
        versions=_versions(run),
    )
    path = run.path / "report.html"
    write_text(path, page)
    return path


def _lead(run: Run, numbers: dict[str, Any]) -> str:
    certificate, training = numbers["certificate"], numbers["training"]
    n_e, n_i, n_free = (certificate[f"n_{kind}"] for kind in ("excitatory", "inhibitory", "free"))
    types = f"{n_free} of either sign" if n_free else f"{n_e / (n_e + n_i):.0%} excitatory"
    return (
        f"{n_e + n_i + n_free} rate units, {types}, recurrent noise {run.recipe.network.sigma_rec or 0:g}, "
        f"{_origin(run)[0]} {_aim(run, numbers)} for {training['steps']} steps in {training['seconds']:.0f} s "
        f"(seed {run.recipe.seed})."
    )


def _aim(run: Run, numbers: dict[str, Any]) -> str:
    """Describe the task or recording of the training, in words."""
    fit = numbers.get("fit")
    on = "" if run.recipe.is_fit else f"on {run.recipe.task['name'].rpartition('/')[2]}"  # without a folder
    if fit is None:
        return on
    of = fit["recording"]
    words = f"to {len(fit['fitted_units'])} of {of['units']} units in {of['trials']} trials of {Path(of['file']).name}"
    return words if run.recipe.is_fit else f"{on}, and fitted {words},"


def _place(place: Place, score: str) -> dict[str, Any]:
    """Describe a run of a sweep and its neighbours, as rows of text."""
    own = ", ".join(f"{key} {value}" for key, value in place.combination.items())
    rows = [("this run", own, _share(place.accuracy), f"{place.loss:.3g}")]
    for near in place.neighbours:
        done = near.accuracy is not None and near.loss is not None
        said = (_share(near.accuracy), f"{near.loss:.3g}") if done else ("not finished", "")
        rows.append(("differs in", f"{near.key} {near.value} (here {place.combination[near.key]})", *said))
    return {"sweep": place.sweep.name, "rows": rows, "score": score}


def _origin(run: Run) -> tuple[str, str]:
    """Return the origin of the network, in words, and its command."""
    if not run.condensation.is_file():
        made = ("fitted", "fit") if run.recipe.is_fit else ("trained", "train")
        return made[0], f"{made[1]} config.toml --out"
    record = read_condensation(run)
    source = Path(record["source"]).name
    options = {name: record["protocol"][name] for name in ("to", "every", "retrain", "method")}
    words = " ".join(f"--{name} {value}" for name, value in options.items())
    if record["protocol"]["match"]:
        words += f" --match-activity --match-strength {record['protocol']['match']:g}"
    return f"condensed from {source} and retrained", f"condense {source} {words} --out"


def _facts(numbers: dict[str, Any]) -> list[dict[str, str]]:
    certificate = numbers["certificate"]
    facts = [
        ("Constraints", "all hold" if certificate["ok"] else "violated", "good" if certificate["ok"] else "bad"),
        *_predicted(numbers),
        *_accuracy(numbers),
        ("Participation ratio", f"{numbers['activity']['participation_ratio']:.1f}", ""),
        ("Components for 90 %", str(numbers["activity"]["n_components"]["90%"]), ""),
    ]
    choice = numbers.get("choice", {})
    by_evidence = choice.get("accuracy_by_evidence", choice.get("accuracy_by_coherence"))  # the latter in 0.1.0
    if by_evidence:
        level, accuracy = max(by_evidence.items(), key=lambda item: float(item[0]))
        facts.insert(-2, (f"Accuracy at {level} {choice.get('unit', '%')}", _share(accuracy), ""))
    if "memory" in numbers:
        held = numbers["memory"]
        facts.append(
            (f"Decoding of {held['decoded']} at the end of {held['epoch']}", _share(held["decoding_at_its_end"]), "")
        )
    if "times" in numbers:
        produced = numbers["times"].get("produced")
        weber, median = (produced or {}).get("weber"), numbers["times"]["median_ms"]
        if produced is not None:
            facts.append(("Weber fraction", "none" if weber is None else f"{weber:.3f}", ""))
        else:
            facts.append(("Median reaction time", "none" if median is None else f"{median:.0f} ms", ""))
    clustering = numbers.get("selectivity", choice).get("clustering")  # in the section of the choice in 0.1.0
    if clustering is not None and clustering["within_over_between_excitatory"] is not None:
        facts.append(("E→E same / other preference", f"{clustering['within_over_between_excitatory']:.2f}", ""))
    return [{"name": name, "value": value, "tone": tone} for name, value, tone in facts]


def _accuracy(numbers: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the mean score, if there is a task."""
    name = f"Accuracy, all conditions{_chance(numbers)}"
    return [(name, _share(numbers["accuracy"]), "")] if "accuracy" in numbers else []


def _predicted(numbers: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the quality of predictions of units, in held-out trials if there are any."""
    if "fit" not in numbers:
        return []
    measures = numbers["fit"]["measures"]
    trials = "held_out" if numbers["fit"]["recording"]["held_out_trials"] else "fitted"
    found = []
    for which in ("recorded", "unrecorded"):
        if (key := f"{which}_{trials}_r2") in measures:
            value = measures[key]
            said = "none" if value is None else f"{value:.3f}"
            found.append((f"R², {which} units, {trials.replace('_', '-')} trials", said, ""))
    return found


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.1%}"


def _chance(numbers: dict[str, Any]) -> str:
    return "" if numbers.get("chance") is None else f" (chance {numbers['chance']:.1%})"


def _figures(run: Run, numbers: dict[str, Any], score: str) -> list[dict[str, str]]:
    example = ", ".join(f"{name} {level_name(value)}" for name, value in numbers["activity"].get("example", {}).items())
    drawn = numbers.get("figures", [name for name in CAPTIONS if SECTIONS.get(name, "activity") in numbers])
    found = []
    for name, (title, caption) in CAPTIONS.items():
        path = run.figures / f"{name}.png"
        if name in drawn and path.is_file():
            caption = caption.replace("{example}", f" ({example})" if example else "").replace("{score}", score)
            found.append({"name": name, "title": title, "caption": caption, "data": picture(path)})
    return found


def _versions(run: Run) -> list[tuple[str, str]]:
    record = run.read_record()
    rows = [("eicon", record.get("eicon", "")), ("release date", record.get("eicon_date", ""))]
    rows += [("python", record.get("python", ""))]
    rows += sorted(record.get("packages", {}).items())
    return [*rows, ("machine", record.get("machine", "")), ("trained", record.get("written", ""))]
