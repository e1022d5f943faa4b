"""One self-contained HTML page per run."""

import json
from pathlib import Path
from typing import Any

from .._files import write_text
from ..runs import read_condensation
from ..runs._dynamics_words import dynamics_words
from ..runs._run import Run
from ._template import filled, picture

CAPTIONS = {
    "psychometric": (
        "Psychometric curve",
        "Fraction of choices 0 against signed motion coherence, with 95 % Wilson intervals and a cumulative-Gaussian "
        "fit.",
    ),
    "connectivity": (
        "Connectivity sorted by selectivity",
        "Effective recurrent weights, excitatory blue and inhibitory red; units of each type are sorted by d'. "
        "Rows send, columns receive.",
    ),
    "selectivity": ("Selectivity", "d' of each unit for the choice during the stimulus; positive prefers choice 0."),
    "activity": (
        "One trial",
        "Rates of all units in the trial with the strongest evidence; excitatory blue, inhibitory red.",
    ),
    "pc_trajectories": (
        "Population trajectories",
        "Mean over trials in the plane of the first two principal components, per signed coherence.",
    ),
    "spectrum": (
        "Eigenvalues",
        "Of the effective recurrent matrix, with the circle that a random matrix of the same variances would fill.",
    ),
    "fixed_points": (
        "Fixed points",
        "States at which the network stands still while its input is held, in the plane of the first principal "
        "components of its currents, with trajectories. Saddles let go along the segments.",
    ),
    "slow_points": (
        "Slow points",
        "Where searches come to rest that do not follow slow directions: points along which the network hardly moves.",
    ),
    "modes": (
        "Modes of a saddle",
        "Eigenvalues at a fixed point (the first saddle, if there is one) of the flow, in 1/ms, and of one time step.",
    ),
    "lyapunov": (
        "Lyapunov exponents",
        "Growth rates of small differences while the input is held, as estimated from longer and longer runs; bands "
        "are standard errors.",
    ),
    "trajectory_spectra": (
        "Jacobian along the mean trajectory",
        "Its eigenvalues at each step of a trial, the largest real part, and how many directions grow.",
    ),
    "training_spectra": (
        "Eigenvalues through training",
        "Of the effective recurrent matrix in the networks kept while training; the circle is that of the last one.",
    ),
    "loss": ("Training", "Loss and accuracy at each step, and accuracy on balanced validation trials."),
}

SECTIONS = {
    "fixed_points": "fixed_points",
    "slow_points": "fixed_points",
    "modes": "fixed_points",
    "lyapunov": "lyapunov",
    "trajectory_spectra": "spectra",
    "training_spectra": "spectra",
}
"""Sections of analysis.json without which a figure is one of an earlier analysis, and left out."""


def write_report(run: Run) -> Path:
    """Write ``report.html`` of an analysed run and return its path.

    Raises
    ------
    FileNotFoundError
        If the run has not been analysed.
    """
    results = run.path / "analysis.json"
    if not results.is_file():
        raise FileNotFoundError(f"{run.path} has not been analysed yet; do it with: eicon analyze {run.path}")
    numbers = json.loads(results.read_text(encoding="utf-8"))
    page = filled(
        "report.html.jinja",
        title=run.path.name,
        lead=_lead(run, numbers),
        facts=_facts(numbers),
        figures=_figures(run, numbers),
        dynamics=dynamics_words(numbers),
        interactive=numbers.get("fixed_points", {}).get("interactive", False),
        certificate=numbers["certificate"],
        settings=run.config.to_toml(),
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
        f"{n_e + n_i + n_free} rate units, {types}, recurrent noise {run.config.network.sigma_rec:g}, "
        f"{_origin(run)[0]} on {run.config.task['name']} for {training['steps']} steps in {training['seconds']:.0f} s "
        f"(seed {run.config.seed})."
    )


def _origin(run: Run) -> tuple[str, str]:
    """How the network was made, and by which command."""
    if not run.condensation.is_file():
        return "trained", "train config.toml --out"
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
        ("Accuracy, all conditions", f"{numbers['accuracy']:.1%}", ""),
        ("Participation ratio", f"{numbers['activity']['participation_ratio']:.1f}", ""),
        ("Components for 90 %", str(numbers["activity"]["n_components"]["90%"]), ""),
    ]
    choice = numbers.get("choice")
    if choice is not None:
        level, accuracy = max(choice["accuracy_by_coherence"].items(), key=lambda item: float(item[0]))
        facts.insert(2, (f"Accuracy at {level} {choice.get('unit', '%')}", f"{accuracy:.1%}", ""))
        ratio = choice["clustering"]["within_over_between_excitatory"]
        if ratio is not None:
            facts.append(("E→E same / other choice", f"{ratio:.2f}", ""))
    return [{"name": name, "value": value, "tone": tone} for name, value, tone in facts]


def _figures(run: Run, numbers: dict[str, Any]) -> list[dict[str, str]]:
    found = []
    for name, (title, caption) in CAPTIONS.items():
        path = run.figures / f"{name}.png"
        if path.is_file() and SECTIONS.get(name, "activity") in numbers:
            found.append({"name": name, "title": title, "caption": caption, "data": picture(path)})
    return found


def _versions(run: Run) -> list[tuple[str, str]]:
    record = run.read_record()
    rows = [("eicon", record.get("eicon", "")), ("python", record.get("python", ""))]
    rows += sorted(record.get("packages", {}).items())
    return [*rows, ("machine", record.get("machine", "")), ("trained", record.get("written", ""))]
