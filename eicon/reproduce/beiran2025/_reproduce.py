"""The whole study: do what is not done, draw it, and say which claims hold."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..._files import without_nan, write_json, write_text
from ...plotting._files import Form, save_figures
from .._parts import read_results, run_parts
from ._claims import Claim, claims, record, text
from ._draw_known import draw_known
from ._draw_students import draw
from ._draw_wiring import draw_wiring
from ._known import study_known
from ._study import OF_CIRCUITS, TITLES, do_part, stages
from ._wiring import study_wiring

RESULTS, FOLDER, PAGE = "results.jsonl", "checkpoints", "results.md"


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

    What is done already is used, and what was interrupted goes on.

    Parameters
    ----------
    out : path
        Directory; ``results.jsonl`` has a line for each part that is finished, ``checkpoints/`` holds trainings,
        ``figures/`` the pictures, and ``results.md`` the table of claims.
    figures : sequence of int
        1: students trained on the readout alone; 2: students that record M units; 3: dimension, not size; 4: stiff
        directions, and which units to record; 5: real wiring; 6: known structure, unknown numbers. By default all that
        need no ``data``, or all with it.
    data : path, optional
        Folder with the wiring diagrams of figures 5 and 6.
    quick : bool
        Tiny networks that hardly train, to see that everything runs; no claim holds then.
    workers : int
        Processes, each with one thread; 0: this one.
    minutes : float, optional
        Time after which no part is begun, and those at hand are left as checkpoints.
    progress : bool
        Say on standard error what is done.
    form, dpi
        Of the figures, as `eicon.plotting.save_figures` has them.

    Returns
    -------
    list of Claim
        Status of the claims, from all that is done so far.

    Raises
    ------
    ValueError
        For a figure that does not exist, one that needs data, or parts that were done with other settings.
    """
    out = Path(out)
    figures = list(figures) or [number for number in TITLES if data is not None or number not in OF_CIRCUITS]
    check_figures(figures, data)
    results, folder = out / RESULTS, out / FOLDER
    until = None if minutes is None else time.time() + 60 * minutes
    options: dict[str, Any] = {"workers": workers, "progress": progress}
    for figure in figures:
        if figure in OF_CIRCUITS:
            study: Any = study_wiring if figure == 5 else study_known
            study(data, results, folder, quick=quick, minutes=_left(until), **options)
        else:
            for parts in stages(figure, quick=quick):
                done = run_parts(parts, do_part, results, folder, minutes=_left(until), **options)
                if len(done) < len(parts):
                    break
    lines = read_results(results)
    for figure in figures:
        drawn = draw_wiring(lines) if figure == 5 else draw_known(lines) if figure == 6 else draw(figure, lines)
        save_figures(out / "figures", drawn, form=form, dpi=dpi)
    found = claims(lines)
    write_text(out / PAGE, text(found))
    write_json(out / "claims.json", without_nan({"claims": [record(claim) for claim in found]}))
    return found


def check_figures(figures: Sequence[int], data: str | os.PathLike[str] | None) -> None:
    """Refuse figures that do not exist, or need wiring diagrams that are not given.

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
                f"figure {figure} ({TITLES[figure]}) needs wiring diagrams that eicon does not contain: say where "
                "they are, --data FOLDER."
            )


def _left(until: float | None) -> float | None:
    return None if until is None else max(0.0, (until - time.time()) / 60)
