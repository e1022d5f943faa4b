"""A trained run as a page to look around in: one HTML file, opened without a server."""

import time
from typing import Any, NamedTuple

from .. import __version__
from .._files import write_text
from ._analyze import Recording, record
from ._explore_data import Contents, contents
from ._explore_levels import condensation_levels
from ._explore_page import render
from ._run import Run

TRIALS = 200
"""About so many are recorded, unless asked otherwise."""


class Explorer(NamedTuple):
    """A written page.

    Attributes
    ----------
    path : str
    size : int
        Bytes.
    n_units, n_conditions, n_trials, n_trials_kept : int
        ``n_trials`` were recorded and enter all means; as many as there is room for are kept one by one.
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
    """Write ``explore.html`` of a trained run: its weights, rates, trajectories, behaviour and condensation, linked.

    Parameters
    ----------
    run : Run
    repeats : int, optional
        Trials of each condition; by default, so many that there are about 200 in all, and at least 2.
    sizes : list of int, optional
        Numbers of units to which the network is condensed; by default, eleven from 90 % to 5 % of them.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Explorer

    Raises
    ------
    FileNotFoundError
        If training has not finished.
    ValueError
        If ``repeats`` is less than 1, a size is not in 1 ... N - 1, or the network diverged.
    """
    if repeats is None:
        repeats = max(2, round(TRIALS / run.config.make_task().n_conditions))
    recording = record(run, repeats)
    levels = condensation_levels(recording.net, recording.task, seed=run.config.seed, sizes=sizes, progress=progress)
    shown = contents(recording, levels)
    page = render(shown, **_about(run, recording, shown, repeats))
    path = run.path / "explore.html"
    write_text(path, page)
    facts = shown.facts
    return Explorer(
        str(path),
        len(page.encode()),
        recording.net.n_rec,
        len(facts["conditions"]["labels"]),
        facts["trials"]["recorded"],
        facts["trials"]["kept"],
        list(zip(facts["levels"]["sizes"], facts["levels"]["errors"], strict=True)),
    )


def _about(run: Run, recording: Recording, shown: Contents, repeats: int) -> dict[str, Any]:
    net, task = recording.net, recording.task
    certificate, trials = shown.facts["certificate"], shown.facts["trials"]
    n_e, n_i, n_free = (certificate[f"n_{kind}"] for kind in ("excitatory", "inhibitory", "free"))
    kinds = f"{n_free} of either sign" if n_free else f"{n_e} E, {n_i} I"
    if n_free and n_e + n_i:
        kinds = f"{n_e} E, {n_i} I, {n_free} of either sign"
    return {
        "title": run.path.resolve().name,
        "lead": f"{type(task).__name__}, {net.n_rec} units ({kinds})",
        "accuracy": shown.facts["behaviour"]["accuracy"],
        "certificate": certificate,
        "notes": {
            "run": run.path.resolve().name,
            "seed": run.config.seed,
            "repeats": repeats,
            "noise": f"sigma_rec {net.sigma_rec:g}, sigma_in {net.sigma_in:g}",
            "version": __version__,
            "written": time.strftime("%Y-%m-%d %H:%M"),
            "steps": run.read_record().get("steps"),
            "means": "float32" if shown.facts["means_bits"] == 32 else "16 bits, scaled per unit",
            **trials,
        },
    }
