"""Comparison of two trained runs on the same trials: numbers, tables, figures and a page."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._files import without_nan, write_json, write_text
from ..plotting._files import Form, save_figures
from ..runs import read_condensation
from ..runs._run import Run
from ..studies import compare_networks, profile
from ..studies._compare import N_PERMUTATIONS, comparable
from ..studies._profile import as_numbers
from ._compare_figures import draw_comparison
from ._compare_text import comparison_page, comparison_text


def compare_runs(
    run_a: Run,
    run_b: Run,
    out: str | os.PathLike[str] | None = None,
    *,
    repeats: int = 20,
    noise: bool = False,
    units: Sequence[int] | np.ndarray | None = None,
    n_permutations: int = N_PERMUTATIONS,
    same_way: bool = False,
    form: Form = "png",
    dpi: float | None = None,
) -> dict[str, Any]:
    """Compare two trained runs on the same trials, and write the comparison into a directory.

    Parameters
    ----------
    run_a, run_b : Run
        Networks may differ in size; A is the reference of every error.
    out : path, optional
        Directory for ``compare.json``, ``compare.md``, ``compare.html`` and figures, which are replaced if they
        exist. None takes ``RUN_B/compare/NAME_OF_A``.
    repeats : int
        Trials per condition.
    noise : bool
        Run the networks with their noise, with the same key (so that networks of one size receive the same noise), and
        again with a different key, for the noise ceiling.
    units : (N_b,) array of int, optional
        Unit j of B is unit ``units[j]`` of A: adds the error of single units and angles in the space of units. None
        takes the units from ``condense.json``, if B was condensed from A.
    n_permutations : int
        Permutations of the trials, for the null distributions.
    same_way : bool
        Compare also how the networks solve the task, in seven respects: `eicon.studies.profile`.
    form : {"png", "pdf", "svg"}
        Format of figures, as for `eicon.plotting.save_figures`; PNG files are always written, for the page.
    dpi : float, optional
        Dots per inch.

    Returns
    -------
    dict
        Contents of ``compare.json``, with None for undefined numbers.

    Raises
    ------
    FileNotFoundError
        If one of the runs is not trained.
    ValueError
        If the tasks differ in kind, inputs, outputs or step, a network is silent or does not have the inputs and step
        of the task, or `units` does not fit.
    """
    task, notes = comparable(run_a.recipe.make_task(), run_b.recipe.make_task())
    names = names_of([run_a, run_b])
    out = run_b.path / "compare" / run_a.path.resolve().name if out is None else Path(out)
    nets = run_a.load_network(), run_b.load_network()
    found = compare_networks(
        *nets,
        task,
        names=(names[0], names[1]),
        repeats=repeats,
        noise=noise,
        units=kept_units(run_a, run_b) if units is None else units,
        loss=run_a.recipe.make_loss(),
        seed=run_a.recipe.seed,
        n_permutations=n_permutations,
    )
    profiled = None
    if same_way:
        options: dict[str, Any] = {"repeats": repeats, "n_permutations": n_permutations, "seed": run_a.recipe.seed}
        profiled = as_numbers(profile(*nets, task, **options))
    numbers = without_nan(
        {
            "folder": str(out),
            "names": list(names),
            "paths": [str(run.path) for run in (run_a, run_b)],
            "task": {**run_a.recipe.task, "dt": task.dt},
            "n_trials": found.n_trials,
            "repeats": repeats,
            "noise": noise,
            "n_permutations": n_permutations,
            "notes": [*notes, *found.notes],
            "similarity": found.similarity,
            "profile": profiled,
            "networks": found.networks,
        }
    )
    figures = draw_comparison(found.sides, found.trials)
    save_figures(out, figures, form=form, dpi=dpi, preview=True)
    write_json(out / "compare.json", numbers)
    write_text(out / "compare.md", comparison_text(numbers, list(figures)))
    write_text(out / "compare.html", comparison_page(numbers, out, list(figures)))
    return numbers


def kept_units(run_a: Run, run_b: Run) -> list[int] | None:
    """Return the units of A that became the units of B, if B was condensed from A."""
    if not run_b.condensation.is_file():
        return None
    record = read_condensation(run_b)
    return record["units"] if record["source"] == str(run_a.path.resolve()) else None


def names_of(runs: Sequence[Run]) -> tuple[str, ...]:
    """Return unique names of the directories, with parents as needed; repeated ones are numbered."""
    parts = [run.path.resolve().parts for run in runs]
    different = len(set(parts))
    n = next(n for n in range(1, max(map(len, parts)) + 1) if len({path[-n:] for path in parts}) == different)
    names, seen = ["/".join(path[-n:]) for path in parts], dict.fromkeys(parts, 0)
    for place, path in enumerate(parts):
        seen[path] += 1
        names[place] += {1: "", 2: " (again)"}.get(seen[path], f" (again, {seen[path]})")
    return tuple(names)
