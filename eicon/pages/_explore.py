"""Interactive page of a trained network: one HTML file that needs no server."""

import os
from pathlib import Path
from typing import Any, NamedTuple

from .._files import write_text
from .._version import __date__, __version__, utc_now
from ..models import RateRNN
from ..runs._condense import read_condensation
from ..runs._open import open_run
from ..runs._run import Run
from ..studies._levels import condensation_levels
from ..studies._responses import Responses, responses
from ..tasks import Task
from ._explore_data import Contents, contents
from ._explore_page import render
from ._explore_unit import members_of

TRIALS = 200
"""Approximate default number of trials."""


class Explorer(NamedTuple):
    """Written page.

    Attributes
    ----------
    path : str
    size : int
        Bytes.
    n_units, n_conditions, n_trials, n_trials_kept : int
        ``n_trials`` were run and are part of all means; ``n_trials_kept`` of them are saved as single trials.
    levels : list of (int, float or None)
        Number of units and error of the outputs at each level of condensation; None if the network diverged.
    """

    path: str
    size: int
    n_units: int
    n_conditions: int
    n_trials: int
    n_trials_kept: int
    levels: list[tuple[int, float | None]]


def explore_run(
    run: Run, *, repeats: int | None = None, sizes: list[int] | None = None, progress: bool = True
) -> Explorer:
    """Write ``explore.html`` of a trained run; see `explore_network`.

    If the original network of a condensed run no longer exists, the page reports it.

    Parameters
    ----------
    run : Run
    repeats, sizes, progress
        As for `explore_network`.

    Returns
    -------
    Explorer

    Raises
    ------
    FileNotFoundError
        If training has not finished.
    ValueError
        As for `explore_network`.
    """
    net = run.load_network()
    return explore_network(
        net,
        run.recipe.make_task(),
        run.path / "explore.html",
        title=run.path.resolve().name,
        steps=run.read_record().get("steps"),
        repeats=repeats,
        sizes=sizes,
        seed=run.recipe.seed,
        original=_original(run, net),
        progress=progress,
    )


def explore_network(
    net: RateRNN,
    task: Task,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    steps: int | None = None,
    repeats: int | None = None,
    sizes: list[int] | None = None,
    seed: int = 0,
    original: RateRNN | str = "it was not given",
    progress: bool = True,
) -> Explorer:
    """Write a page with linked views of a network's weights, rates, trajectories, behaviour and condensation.

    Parameters
    ----------
    net : RateRNN
    task : Task
        Task of eicon or of the user; a task with `evidence` has psychometric curves.
    path : path
        HTML file to write; one that exists is replaced.
    title : str, optional
        Title of the page, by default the name of the file.
    steps : int, optional
        Number of training steps, shown on the page.
    repeats : int, optional
        Trials of each condition; by default at least 2, and about 200 in total.
    sizes : list of int, optional
        Numbers of units to which the network is condensed; by default eleven, from 90 % to 5 % of all units.
    seed : int
        Fixes trials and noise.
    original : RateRNN or str
        Network from which a condensed one was made, shown alongside it; or the reason why it is missing.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Explorer

    Raises
    ------
    ValueError
        If ``repeats`` is smaller than 1, a size is not in 1 ... N - 1, the network diverged or violates its
        constraints, or it was not made from the original network.
    """
    if repeats is None:
        repeats = max(2, round(TRIALS / task.n_conditions))
    path = Path(path)
    given = responses(net, task, repeats, seed=seed)
    levels = condensation_levels(net, task, seed=seed, sizes=sizes, progress=progress)
    shown = contents(given, levels, seed=seed, original=original)
    page = render(shown, **_about(title or path.stem, steps, seed, given, shown, repeats))
    write_text(path, page)
    facts = shown.facts
    return Explorer(
        str(path),
        len(page.encode()),
        net.n_rec,
        len(facts["conditions"]["labels"]),
        facts["trials"]["recorded"],
        facts["trials"]["kept"],
        list(zip(facts["levels"]["sizes"], facts["levels"]["errors"], strict=True)),
    )


def _original(run: Run, net: RateRNN) -> RateRNN | str:
    """Return the network from which a condensed run was made, or the reason why it is missing."""
    if "represents" not in net.units:
        return "the network is not condensed"
    try:
        source = open_run(read_condensation(run)["source"])
        if source.with_seed(run.recipe.seed).recipe != run.recipe:
            return f"{source.path} now contains a run with a different recipe"
        original = source.load_network()
        members_of(net.units, original.units)
    except (FileNotFoundError, ValueError) as error:
        return str(error).rstrip(".")
    return original


def _about(title: str, steps: int | None, seed: int, given: Responses, shown: Contents, repeats: int) -> dict[str, Any]:
    net, task = given.net, given.task
    certificate, trials = shown.facts["certificate"], shown.facts["trials"]
    n_e, n_i, n_free = (certificate[f"n_{kind}"] for kind in ("excitatory", "inhibitory", "free"))
    kinds = f"{n_free} of either sign" if n_free else f"{n_e} E, {n_i} I"
    if n_free and n_e + n_i:
        kinds = f"{n_e} E, {n_i} I, {n_free} of either sign"
    return {
        "title": title,
        "lead": f"{type(task).__name__}, {net.n_rec} units ({kinds})",
        "accuracy": shown.facts["behaviour"]["accuracy"],
        "certificate": certificate,
        "notes": {
            "run": title,
            "seed": seed,
            "repeats": repeats,
            "noise": f"sigma_rec {net.sigma_rec:g}, sigma_in {net.sigma_in:g}",
            "version": f"{__version__} ({__date__})",
            "written": utc_now(),
            "steps": steps,
            "means": "float32" if shown.facts["means_bits"] == 32 else "16 bits, scaled per unit",
            **trials,
        },
    }
