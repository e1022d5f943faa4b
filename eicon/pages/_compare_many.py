"""Comparison of many trained runs on the same trials: a matrix of their similarities."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from .. import analysis, plotting
from .._files import without_nan, write_json, write_text
from ..plotting._files import Drawing, Form, save_figures
from ..runs._run import Run
from ..studies._compare import AGAIN, COMPARISON_STREAM, N_PERMUTATIONS, check_network, comparable, rates_again
from ..studies._profile import RESPECTS, as_numbers, profiles
from ..studies._responses import analysis_key
from ._compare import names_of
from ._compare_text import Row, absent, markdown, number
from ._template import filled, picture

MEASURES: dict[Literal["cka", "procrustes"], str] = {
    "cka": "linear CKA, debiased",
    "procrustes": "Procrustes angle (rad)",
}
PROFILES = (
    "Similarity of each pair of networks in seven respects: 0 at the mean of the null, 1 at the ceiling, none where "
    "the ceiling does not exceed the null's 95 % limit. compare.json contains the raw values, their nulls and the "
    "effect of each perturbation."
)
TREE = "Networks in the order of a tree of their mean similarity (average linkage); grey: undefined."
CAPTION = (
    "{measure}: each pair of networks below the diagonal, hatched where p is 0.05 or more; above it, the value that "
    "5 % of the permutations exceed."
)


def compare_many_runs(
    runs: Sequence[Run],
    out: str | os.PathLike[str] | None = None,
    *,
    repeats: int = 20,
    noise: bool = False,
    n_permutations: int = N_PERMUTATIONS,
    same_way: bool = False,
    progress: bool = False,
    form: Form = "png",
    dpi: float | None = None,
) -> dict[str, Any]:
    """Compare each pair of many trained runs on the same trials, those of the first run's task.

    Parameters
    ----------
    runs : sequence of Run
    out : path, optional
        Directory for ``compare.json``, ``compare.md``, ``compare.html`` and figures, which are replaced if they exist.
        None takes ``compare`` in the directory of the last run.
    repeats : int
        Trials per condition.
    noise : bool
        Run the networks twice with their noise, for noise ceilings; rates are then averages of both.
    n_permutations : int
        Permutations of the trials, for the null distributions.
    same_way : bool
        Compare also how each pair solves the task, in seven respects, and draw a tree: `eicon.studies.profiles`.
    progress : bool
        Show a progress bar.
    form, dpi
        As for `eicon.plotting.save_figures`; PNG files are always written, for the page.

    Returns
    -------
    dict
        Contents of ``compare.json``, with None for undefined numbers.
    """
    notes: list[str] = []
    task = runs[0].recipe.make_task()
    for run in runs[1:]:
        notes += [note for note in comparable(task, run.recipe.make_task()).notes if note not in notes]
    names = names_of(runs)
    nets = {name: run.load_network() for name, run in zip(names, runs, strict=True)}
    for name, net in nets.items():
        check_network(name, net, task)
    out = runs[-1].path / "compare" if out is None else Path(out)
    seed = runs[0].recipe.seed
    key_trial, key_noise = jax.random.split(analysis_key(seed, COMPARISON_STREAM))
    trial = task.trials(repeats, key=key_trial)
    mask, conditions = np.asarray(trial.inside), None
    rates, networks = {}, []
    for name, net in nets.items():
        activity = net.predict(trial.inputs, key=key_noise if noise else None, noise=noise)
        rates[name] = np.asarray(activity.rates)
        networks.append({"n_rec": net.n_rec, "accuracy": float(task.accuracy(activity.outputs, trial))})
        if noise:
            rates[name] = np.concatenate([rates[name], rates_again(net, trial, key_noise)], axis=1)
    if noise:
        mask, conditions = np.tile(mask, (1, 2)), np.tile(np.arange(trial.batch_size), 2)
        notes.append(AGAIN)
    figures: dict[str, Drawing] = {}
    matrices: dict[str, Any] = {}
    for measure in MEASURES:
        found = analysis.similarity.compare_many(
            rates, measure=measure, mask=mask, conditions=conditions, n_permutations=n_permutations, rng=seed
        )
        figures[f"matrix_{measure}"] = plotting.similarity.plot_similarity_matrix(found)
        kept = ("value", "chance", "null_95", "p", "ceiling", "n")
        matrices[measure] = {what: getattr(found, what).tolist() for what in kept} | {"permuted": found.permuted}
    profiled = None
    if same_way:
        options: dict[str, Any] = {"repeats": repeats, "n_permutations": n_permutations, "seed": seed}
        alike = profiles(nets, task, **options, progress=progress)
        respects = {respect.replace("_", " "): alike.matrix(respect) for respect in RESPECTS}
        if len(names) > 2:
            figures["profiles"] = plotting.similarity.plot_profiles(respects, names)
        profiled = {
            "likeness": {name: matrix.tolist() for name, matrix in respects.items()},
            "overall": alike.overall().tolist(),
            "pairs": [{"a": a, "b": b, **as_numbers(pair)} for (a, b), pair in alike.pairs.items()],
        }
    numbers = without_nan(
        {
            "folder": str(out),
            "names": list(names),
            "paths": [str(run.path) for run in runs],
            "task": {**runs[0].recipe.task, "dt": task.dt},
            "n_trials": trial.batch_size,
            "repeats": repeats,
            "noise": noise,
            "n_permutations": n_permutations,
            "notes": notes,
            "networks": networks,
            "similarity": matrices,
            "profile": profiled,
        }
    )
    save_figures(out, figures, form=form, dpi=dpi, preview=True)
    write_json(out / "compare.json", numbers)
    _write_words(out, numbers, list(figures))
    return numbers


def rows_of_pairs(numbers: dict[str, Any]) -> tuple[Row, list[Row]]:
    """Return columns and rows for each pair of networks, with all measures."""
    head = ("", *(f"{text}{more}" for text in MEASURES.values() for more in ("", ": null", ": ceiling", ": p")))
    names, rows = numbers["names"], []
    for i in range(len(names)):
        for j in range(i):
            row = [f"{names[j]} and {names[i]}"]
            for measure in MEASURES:
                found = {what: one[i][j] for what, one in numbers["similarity"][measure].items() if what != "permuted"}
                null = f"{number(found['chance'])} ({number(found['null_95'])})"
                row += [number(found["value"]), "none" if absent(found["chance"]) else null]
                row += [number(found["ceiling"]), number(found["p"])]
            rows.append(tuple(row))
    return head, rows


def rows_of_profiles(numbers: dict[str, Any]) -> tuple[Row, list[Row]]:
    """Return columns and rows for each pair of networks: similarity in seven respects; empty without a profile."""
    found = numbers["profile"]
    if found is None:
        return (), []
    head = ("0: null, 1: ceiling", *found["likeness"], "mean")
    matrices, names = [*found["likeness"].values(), found["overall"]], numbers["names"]
    pairs = [(j, i) for i in range(len(names)) for j in range(i)]
    return head, [
        (f"{names[j]} and {names[i]}", *("none" if m[i][j] is None else f"{m[i][j]:.2f}" for m in matrices))
        for j, i in pairs
    ]


def _write_words(out: Path, numbers: dict[str, Any], figures: Sequence[str]) -> None:
    title = f"{len(numbers['names'])} networks"
    noise = "with noise" if numbers["noise"] else "without noise"
    lead = (
        f"The same {numbers['n_trials']} trials of {numbers['task']['name']} ({numbers['repeats']} per condition), "
        f"{noise}. Null: the mean over {numbers['n_permutations']} permutations of the trials of one of the two, in "
        "brackets the value that 5 % of them exceed. Among many pairs, some have a small p by chance."
    )
    head, rows = rows_of_pairs(numbers)
    networks: list[Row] = [
        (name, str(one["n_rec"]), number(one["accuracy"]))
        for name, one in zip(numbers["names"], numbers["networks"], strict=True)
    ]
    about: Row = ("", "units", "accuracy")
    captions = {f"matrix_{name}": CAPTION.format(measure=text) for name, text in MEASURES.items()}
    captions["profiles"] = TREE
    sections: list[tuple[str, str, Row, list[Row]]] = [("Pairs", "", head, rows), ("Networks", "", about, networks)]
    if numbers["profile"] is not None:
        sections.insert(1, ("The same way?", PROFILES, *rows_of_profiles(numbers)))
    parts = [f"# {title}", lead, *numbers["notes"]]
    for name, words, columns, lines in sections:
        parts += [f"## {name}", *([words] if words else []), markdown(columns, lines)]
    parts.append("## Figures")
    parts += [f"![{captions[name]}]({name}.png)\n\n{captions[name]}" for name in figures]
    write_text(out / "compare.md", "\n\n".join(parts) + "\n")
    page = filled(
        "compare.html.jinja",
        title=title,
        lead=lead,
        notes=numbers["notes"],
        sections=[{"title": name, "words": words, "head": h, "rows": r} for name, words, h, r in sections],
        figures=[{"name": n, "caption": captions[n], "data": picture(out / f"{n}.png")} for n in figures],
    )
    write_text(out / "compare.html", page)
