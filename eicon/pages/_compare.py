"""Two trained runs on the same trials, in a directory: numbers, a table, figures and a page."""

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
        Run the networks with their noise, from the same key (networks of one size then get the same noise), and once
        more from another one, for the noise ceiling.
    units : (N_b,) array of int, optional
        Unit j of B is unit ``units[j]`` of A: adds the error of single units and angles in the space of units. None
        takes what ``condense.json`` says, if B was condensed from A.
    n_permutations : int
        Of trials, for the nulls.
    same_way : bool
        Add whether the networks do the task the same way, in seven respects: `eicon.studies.profile`.
    form : {"png", "pdf", "svg"}
        Of figures, as for `eicon.plotting.save_figures`; the page shows the PNG, which is written in any case.
    dpi : float, optional
        Dots per inch.

    Returns
    -------
    dict
        What ``compare.json`` holds; numbers that do not exist are None.

    Raises
    ------
    FileNotFoundError
        If one of the runs is not trained.
    ValueError
        If the tasks differ in kind, inputs, outputs or step, a network is silent or has other inputs or step than the
        task, or `units` does not fit.
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
    """Units of A that the units of B are, if B was condensed from A."""
    if not run_b.condensation.is_file():
        return None
    record = read_condensation(run_b)
    return record["units"] if record["source"] == str(run_a.path.resolve()) else None


def names_of(runs: Sequence[Run]) -> tuple[str, ...]:
    """Names of the directories, with as many parents as tell them apart; one that is there twice is numbered."""
    parts = [run.path.resolve().parts for run in runs]
    different = len(set(parts))
    n = next(n for n in range(1, max(map(len, parts)) + 1) if len({path[-n:] for path in parts}) == different)
    names, seen = ["/".join(path[-n:]) for path in parts], dict.fromkeys(parts, 0)
    for place, path in enumerate(parts):
        seen[path] += 1
        names[place] += {1: "", 2: " (again)"}.get(seen[path], f" (again, {seen[path]})")
    return tuple(names)
