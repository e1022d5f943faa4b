"""A trained network as an interactive page: one HTML file, opened without a server."""

import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from .._files import write_text
from .._version import __version__
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
"""About so many are run, unless asked otherwise."""


class Explorer(NamedTuple):
    """A written page.

    Attributes
    ----------
    path : str
    size : int
        Bytes.
    n_units, n_conditions, n_trials, n_trials_kept : int
        ``n_trials`` were run and enter all means; as many as there is room for are kept one by one.
    levels : list of (int, float or None)
        Units left and error of the outputs at each level of condensation; None where the network diverged.
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

    The original network of a condensed run is looked for where it was; if it is gone, the page says so.

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
    """Write a page of a network: its weights, rates, trajectories, behaviour and condensation, linked.

    Parameters
    ----------
    net : RateRNN
    task : Task
        Of eicon, or of one's own; one that says what its evidence is has psychometric curves.
    path : path
        HTML file to write; one that exists is replaced.
    title : str, optional
        Of the page, by default the name of the file.
    steps : int, optional
        How long the network was trained, to be said on the page.
    repeats : int, optional
        Trials of each condition; by default, so many that there are about 200 in all, and at least 2.
    sizes : list of int, optional
        Numbers of units to which the network is condensed; by default, eleven from 90 % to 5 % of them.
    seed : int
        Fixes trials and noise.
    original : RateRNN or str
        Network of which a condensed one was made, beside which its units are shown; or, in words, why it is not there.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Explorer

    Raises
    ------
    ValueError
        If ``repeats`` is less than 1, a size is not in 1 ... N - 1, the network diverged or violates its
        constraints, or it was not made of the original network.
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
    """Network of which a condensed run was made, or why it is not there."""
    if "represents" not in net.units:
        return "the network is not condensed"
    try:
        source = open_run(read_condensation(run)["source"])
        if source.with_seed(run.recipe.seed).recipe != run.recipe:
            return f"{source.path} now holds a run with another recipe"
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
            "version": __version__,
            "written": time.strftime("%Y-%m-%d %H:%M"),
            "steps": steps,
            "means": "float32" if shown.facts["means_bits"] == 32 else "16 bits, scaled per unit",
            **trials,
        },
    }
