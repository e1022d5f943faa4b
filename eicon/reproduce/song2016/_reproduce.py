"""Whole suite: training, figures, and a gallery with criteria and results."""

import os
import statistics
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from ..._files import read_json, without_nan, write_json, write_text
from ...pages._template import filled, picture
from ...plotting._files import Form, save_figures
from ...runs import open_run
from ...runs._run import Run
from ._figures import FigureResult, figure_result
from ._models import FIGURES, MODELS, models_of
from ._suite import Row, rows, run_path, train_models

TABLE, PAGE = "results.json", "index.html"
REPEATS = 50


def reproduce(
    out: str | os.PathLike[str],
    figures: Sequence[int] = (),
    *,
    seeds: int | None = None,
    quick: bool = False,
    workers: int | None = None,
    progress: bool = True,
    form: Form = "png",
    dpi: float | None = None,
) -> Path:
    """Train the networks of some figures (default: all), draw them, and write a gallery.

    Existing results are reused: trained networks are loaded, interrupted ones are resumed, and figures drawn before
    stay on the page.

    Parameters
    ----------
    out : path
        Directory; ``runs/MODEL/seedK`` are ordinary run directories, ``figures/`` contains the figures,
        ``results.json`` the numbers and ``index.html`` the gallery.
    figures : sequence of int
        See `FIGURES`.
    seeds : int, optional
        Networks per model; by default 5 for perceptual decisions and 3 for the others.
    quick : bool
        Small networks with little training, to check that everything runs; no criterion is reached then.
    workers : int, optional
        Number of processes, one per core by default; 0: this process.
    progress : bool
        Show progress.
    form, dpi
        Format and resolution of figures, as in `eicon.plotting.save_figures`; the gallery always shows PNG.

    Returns
    -------
    Path
        Gallery.

    Raises
    ------
    ValueError
        For a figure that does not exist.
    FileExistsError
        If an existing network was trained with different settings.
    """
    out, figures = Path(out), list(figures) or list(FIGURES)
    runs = train_models(out, models_of(figures), seeds=seeds, quick=quick, workers=workers, progress=progress)
    for figure in figures:
        of_figure = {name: runs[name] for name in FIGURES[figure]}
        result = figure_result(figure, of_figure, repeats=2 if quick else REPEATS)
        _write_figure(out, figure, result, of_figure, form, dpi)
    return write_gallery(out)


def write_gallery(out: str | os.PathLike[str]) -> Path:
    """Write ``results.json`` and ``index.html`` from all trained networks and figures; return the page."""
    out = Path(out)
    drawn = [read_json(path, "record of a figure") for path in sorted(out.glob("figures/fig*.json"))]
    table = rows(_trained(out))
    results = {"rows": [row._asdict() for row in table], "figures": drawn}
    write_json(out / TABLE, without_nan(results))
    shown = [_with_images(out, figure) for figure in drawn]
    write_text(out / PAGE, filled("gallery.html.jinja", package=__package__, models=summary(table), figures=shown))
    return out / PAGE


def summary(table: Sequence[Row]) -> list[dict[str, Any]]:
    """Return one line per model: criterion, result, trials and time, as medians and ranges over seeds."""
    lines = []
    for name, group in groupby(table, key=lambda row: row.model):
        of_model = list(group)
        error = "RMSE" in of_model[0].asked
        reached = [row.reached for row in of_model]
        shown = [f"{value:.3f}" if error else f"{value:.1%}" for value in (min(reached), max(reached))]
        lines.append(
            {
                "model": name,
                "title": MODELS[name].title,
                "asked": of_model[0].asked,
                "reached": " to ".join(dict.fromkeys(shown)),
                "seeds": f"{sum(row.done for row in of_model)} of {len(of_model)}",
                "trials": _spread([row.trials for row in of_model], "{:,.0f}"),
                "seconds": _spread([row.seconds for row in of_model], "{:.0f}"),
                "constraints": "all hold" if all(row.constraints for row in of_model) else "violated",
            }
        )
    return lines


def _spread(values: Sequence[float], form: str) -> str:
    low, middle, high = (form.format(value) for value in (min(values), statistics.median(values), max(values)))
    return middle if low == high else f"{middle} ({low} to {high})"


def _trained(out: Path) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {}
    for name in MODELS:
        seeds = sorted(int(path.parent.name.removeprefix("seed")) for path in out.glob(f"runs/{name}/*/network.npz"))
        if seeds:
            found[name] = [open_run(run_path(out, name, seed)) for seed in seeds]
    return found


def _write_figure(
    out: Path, number: int, result: FigureResult, runs: dict[str, list[Run]], form: Form, dpi: float | None
) -> None:
    drawings = {f"fig{number}_{name}": drawing for name, drawing in result.drawings.items()}
    save_figures(out / "figures", drawings, form=form, dpi=dpi, preview=True)
    record = {
        "figure": number,
        "models": {name: len(of_model) for name, of_model in runs.items()},
        "signatures": [signature._asdict() for signature in result.signatures],
        "images": [{"name": name, "caption": result.captions[name]} for name in result.drawings],
    }
    write_json(out / "figures" / f"fig{number}.json", without_nan(record))


def _with_images(out: Path, figure: dict[str, Any]) -> dict[str, Any]:
    images = []
    for image in figure["images"]:
        path = out / "figures" / f"fig{figure['figure']}_{image['name']}.png"
        images.append({**image, "data": picture(path)})
    title = "; ".join(MODELS[name].title for name in figure["models"])
    return {**figure, "images": images, "title": title}
