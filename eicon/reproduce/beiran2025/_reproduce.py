"""Whole study: compute unfinished parts, draw figures, and judge the claims."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..._files import without_nan, write_json, write_text
from ...plotting._files import Form, save_figures
from .._parts import read_results, run_parts
from ._circuits import read_circuits
from ._claims import Claim, claims, record, text
from ._draw_known import draw_known
from ._draw_students import draw
from ._draw_wiring import draw_wiring
from ._study import OF_CIRCUITS, TITLES, do_part, stages
from ._tables import circuit_claims, circuit_page

RESULTS, FOLDER, PAGE, CIRCUIT_PAGE = "results.jsonl", "checkpoints", "results.md", "known_structure.md"
BARS = "Means over seeds (of errors geometric) with intervals of 95 % (Student's t); small points are single seeds."
CAPTIONS = {
    "fig1": "Students trained on the readout alone. One trial of each channel; currents of four units in the first of "
    "them, each over its range; errors of the task, of the teacher's readout and of its currents, a line for each "
    "seed. Dotted: 0.1, below which counts as recovered.",
    "fig2": f"Students that record M units. {BARS} Dotted: 0.1. Then currents of four units that were not recorded "
    "(each over its range), gains of one student, and errors during training, a line for each seed.",
    "fig3": f"Teachers of rank two and of N units. {BARS} Dotted: 0.1.",
    "fig4": "Curvatures of the fit at the teacher's gains and biases (seed 0; dotted: a thousandth of the largest); "
    f"directions above it (dotted: all there are). {BARS} Squared errors of students along these directions, means "
    "over seeds (dotted: 2, of permuted numbers); errors under three orders of recording (dotted: 0.1).",
    "real_wiring": f"Students on real wiring, and on wiring that is redrawn within types. {BARS} Dotted: 0.1.",
    "known_structure": "R² of recovered numbers of all neurons, by noise and by the steps that are fitted at once. "
    "Means over seeds with intervals of 95 % (Student's t); small points are single seeds, triangles means below 0. "
    "Currents determine weights and gains only in products.",
}
"""Captions of the figures, by name of their files."""


def reproduce(
    out: str | os.PathLike[str],
    figures: Sequence[int] = (),
    *,
    data: str | os.PathLike[str] | None = None,
    quick: bool = False,
    workers: int = 1,
    minutes: float | None = None,
    progress: bool = True,
    form: Form = "png",
    dpi: float | None = None,
) -> list[Claim]:
    """Train the networks of some figures, draw them, and judge the claims.

    Finished parts are reused, and interrupted ones are resumed.

    Parameters
    ----------
    out : path
        Directory; ``results.jsonl`` contains a line for each finished part, ``checkpoints/`` trainings, ``figures/``
        the figures, ``results.md`` the table of claims and captions, and ``known_structure.md`` tables of figures 5
        and 6.
    figures : sequence of int
        1: students trained on the readout alone; 2: students that record M units; 3: dimension, not size; 4: stiff
        directions, and which units to record; 5: real wiring; 6: known structure, unknown numbers. By default all, or
        without ``data`` all that do not need it.
    data : path, optional
        Folder with the wiring diagrams of figures 5 and 6.
    quick : bool
        Tiny networks with little training, to check that everything runs; no claim holds then.
    workers : int
        Number of processes, each with one thread; 0: this process.
    minutes : float, optional
        Time after which no part is started, and running ones stop at a checkpoint.
    progress : bool
        Print progress on standard error.
    form, dpi
        Format and resolution of figures, as in `eicon.plotting.save_figures`.

    Returns
    -------
    list of Claim
        Status of the claims, from all parts finished so far.

    Raises
    ------
    ValueError
        For a figure that does not exist or needs data, or parts that were computed with different settings.
    """
    out = Path(out)
    figures = list(figures) or [number for number in TITLES if data is not None or number not in OF_CIRCUITS]
    check_figures(figures, data)
    results, folder = out / RESULTS, out / FOLDER
    until = None if minutes is None else time.time() + 60 * minutes
    if data is not None and any(figure in OF_CIRCUITS for figure in figures):
        folder.mkdir(parents=True, exist_ok=True)
        read_circuits(data, folder)
    for figure in figures:
        for parts in stages(figure, quick=quick):
            options: dict[str, Any] = {"workers": workers, "progress": progress, "minutes": _left(until)}
            if len(run_parts(parts, do_part, results, folder, **options)) < len(parts):
                break
    lines = read_results(results)
    drawn: dict[str, Any] = {}
    for figure in figures:
        drawn |= draw_wiring(lines) if figure == 5 else draw_known(lines) if figure == 6 else draw(figure, lines)
    save_figures(out / "figures", drawn, form=form, dpi=dpi)
    found = [*claims(lines), *circuit_claims(lines)]
    captions = [f"![](figures/{name}.{form})\n\n{CAPTIONS[name]}\n" for name in drawn]
    write_text(out / PAGE, "\n".join([text(found), *captions]))
    if page := circuit_page(lines):
        write_text(out / CIRCUIT_PAGE, page)
    write_json(out / "claims.json", without_nan({"claims": [record(claim) for claim in found]}))
    return found


def check_figures(figures: Sequence[int], data: str | os.PathLike[str] | None) -> None:
    """Reject figures that do not exist, or need wiring diagrams that are not given.

    Raises
    ------
    ValueError
        For such a figure.
    """
    for figure in figures:
        if figure not in TITLES:
            listed = ", ".join(f"{number} ({title})" for number, title in TITLES.items())
            raise ValueError(f"there is no figure {figure}; there are {listed}.")
        if figure in OF_CIRCUITS and data is None:
            raise ValueError(
                f"figure {figure} ({TITLES[figure]}) needs wiring diagrams that eicon does not contain; name their "
                "folder with --data FOLDER."
            )


def _left(until: float | None) -> float | None:
    return None if until is None else max(0.0, (until - time.time()) / 60)
