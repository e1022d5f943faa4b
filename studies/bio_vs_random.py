"""Effect of wiring like a brain's: real connectomes compared with their null models, in a figure and a table.

    python -m studies.bio_vs_random SWEEP [SWEEP ...] --labels marmoset macaque worm

reads sweeps of ``eicon sweep bio_vs_random``. Every comparison is paired and has an interval: biology and null model
share trials, split and drawn weights in each repeat.

Budget: a minute; the sweeps that it reads take a day or two on two cores.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

from eicon.analysis.behaviour import milestones
from eicon.plotting import style
from eicon.runs import create_sweep, read_recipe, run_sweep, sweep_results
from studies.common import new_parser, places

COLORS = {"forward": "#228833", "reversed": "#AA3377"}


QUICK = {
    "training.epochs": 2,
    "trials.n": 10,
    "grid.connectome.null": ("none", "permute"),
    "grid.connectome.orientation": ("forward",),
    "grid.network.remap": ("magnitude", "off"),
    "grid.network.spectral_radius": ("drawn",),
    "grid.seed": (0, 1),
}


def small_sweep(out: Path) -> Path:
    """Sweep on the worm, a connectome that eicon contains, for ``--quick``."""
    path = out / "worm"
    if not path.is_dir():
        recipe = read_recipe("bio_vs_random").with_changes(QUICK)
        run_sweep(create_sweep(path, recipe), workers=0, progress=False)
    return path


def _radius(value: Any) -> str:
    """Radius of the grid in words; eicon 0.1.0 wrote 0 for a radius that was drawn."""
    return "as drawn" if str(value) in ("drawn", "0.0") else f"{float(value):g}"


def outcomes(data: Any) -> Any:
    """Per run: log10 of the smallest validation loss, and the epoch at which a tenth of the null level was reached."""
    import xarray as xr

    loss = data["validation_loss"].transpose(..., "epoch")
    low = milestones(loss.values).min_loss
    passed = loss.values < 0.1 * data["null_loss"].values[..., None]
    epoch = np.where(passed.any(axis=-1), passed.argmax(axis=-1) + 1.0, loss.sizes["epoch"] + 1.0)
    dims = loss.dims[:-1]
    return xr.Dataset(
        {"log_loss": (dims, np.log10(low)), "epoch": (dims, epoch), "radius": data["initial_spectral_radius"]},
        coords={dim: data[dim] for dim in dims},
    )


def difference(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Mean of paired differences with its 95 % interval."""
    values = first - second
    if np.allclose(values, values[0]):
        return float(values[0]), float(values[0]), float(values[0])
    interval = stats.ttest_rel(first, second).confidence_interval(0.95)
    return float(values.mean()), float(interval.low), float(interval.high)


def compare(found: Any) -> list[dict[str, Any]]:
    """Compare biology with every null model, in every setting."""
    rows = []
    nulls = [str(null) for null in found["null"].values if null != "none"]
    for radius in found["spectral_radius"].values:
        for remap in found["remap"].values:
            for orientation in found["orientation"].values:
                cell = found.sel(spectral_radius=radius, remap=remap, orientation=orientation)
                biology = cell.sel(null="none")
                for null in nulls:
                    other = cell.sel(null=null)
                    rows.append(
                        {
                            "radius": _radius(radius),
                            "remap": str(remap),
                            "orientation": str(orientation),
                            "null": null,
                            "log_loss": difference(biology["log_loss"].values, other["log_loss"].values),
                            "epoch": difference(biology["epoch"].values, other["epoch"].values),
                            "radii": (float(biology["radius"].mean()), float(other["radius"].mean())),
                        }
                    )
    return rows


def of_remap(found: Any) -> list[str]:
    """Table of the effect of remapping on the real connectome, in Markdown."""
    lines = [
        "| radius | orientation | remap - off | log10 loss [95 %] | epochs to a tenth [95 %] | initial radius |",
        "|---|---|---|---|---|---|",
    ]
    for radius in found["spectral_radius"].values:
        for orientation in found["orientation"].values:
            cell = found.sel(spectral_radius=radius, orientation=orientation, null="none")
            off = cell.sel(remap="off")
            for remap in found["remap"].values[found["remap"].values != "off"]:
                on = cell.sel(remap=remap)
                loss, epoch = (difference(on[name].values, off[name].values) for name in ("log_loss", "epoch"))
                radii = f"{float(on['radius'].mean()):.2f} / {float(off['radius'].mean()):.2f}"
                lines.append(
                    f"| {_radius(radius)} | {orientation} | {remap} "
                    f"| {loss[0]:+.2f} [{loss[1]:+.2f}, {loss[2]:+.2f}] "
                    f"| {epoch[0]:+.0f} [{epoch[1]:+.0f}, {epoch[2]:+.0f}] | {radii} |"
                )
    return lines


def draw(tables: dict[str, list[dict[str, Any]]]) -> Any:
    """Differences with intervals: a row per connectome, a column per setting."""
    settings = list(dict.fromkeys((row["radius"], row["remap"]) for rows in tables.values() for row in rows))
    nulls = list(dict.fromkeys(row["null"] for rows in tables.values() for row in rows))
    with style():
        figure, grid = plt.subplots(
            len(tables),
            len(settings),
            squeeze=False,
            sharex=True,
            sharey="row",
            figsize=(1.0 + 2.1 * len(settings), 1.4 + 1.9 * len(tables)),
        )
        for axes, (label, rows) in zip(grid, tables.items(), strict=True):
            for ax, (radius, remap) in zip(axes, settings, strict=True):
                for shift, (orientation, color) in zip((-0.12, 0.12), COLORS.items(), strict=True):
                    asked = [
                        r for r in rows if (r["radius"], r["remap"], r["orientation"]) == (radius, remap, orientation)
                    ]
                    if not asked:
                        continue
                    place = [nulls.index(r["null"]) + shift for r in asked]
                    middle = np.array([r["log_loss"][0] for r in asked])
                    ends = np.array([r["log_loss"][1:] for r in asked]).T
                    ax.errorbar(
                        place, middle, np.abs(ends - middle), fmt="o", color=color, markersize=4, label=orientation
                    )
                ax.axhline(0, color="#999999", linestyle=":", linewidth=1)
                ax.set_xticks(range(len(nulls)), [null.replace("_", "\n") for null in nulls], fontsize=7)
                ax.set_xlim(-0.5, len(nulls) - 0.5)
                if label == next(iter(tables)):
                    drawn = "radius as drawn" if radius == "as drawn" else f"radius {radius}"
                    ax.set_title(f"remap {remap},\n{drawn}", fontsize=8)
            axes[0].set_ylabel(f"{label}\nbiology - null", fontsize=8)
        figure.supylabel("difference in log10 smallest validation loss\n(< 0: biology better)", fontsize=8)
        handles, labels = grid[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=2, title="orientation")
    return figure


def table(label: str, rows: list[dict[str, Any]], remapping: list[str]) -> list[str]:
    """Markdown lines of one connectome."""
    lines = [
        f"## {label}",
        "",
        "Effect of remapping in the real connectome:",
        "",
        *remapping,
        "",
        "Biology against null models:",
        "",
        "| radius | remap | orientation | null model | log10 loss, biology - null [95 %] | epochs to a tenth of the "
        "null level, biology - null [95 %] | initial radius, biology / null |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        loss, epoch = row["log_loss"], row["epoch"]
        clear = " *" if loss[1] > 0 or loss[2] < 0 else ""
        lines.append(
            f"| {row['radius']} | {row['remap']} | {row['orientation']} | {row['null']} "
            f"| {loss[0]:+.2f} [{loss[1]:+.2f}, {loss[2]:+.2f}]{clear} "
            f"| {epoch[0]:+.0f} [{epoch[1]:+.0f}, {epoch[2]:+.0f}] | {row['radii'][0]:.2f} / {row['radii'][1]:.2f} |"
        )
    return [*lines, ""]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the figure and the page."""
    parser = new_parser("bio_vs_random", __doc__)
    parser.add_argument("sweeps", type=Path, nargs="*")
    parser.add_argument("--labels", nargs="+", default=[])
    options = parser.parse_args(argv)
    where = places("bio_vs_random", options)
    if options.quick and not options.sweeps:
        options.sweeps, options.labels = [small_sweep(where.out)], ["worm"]
    elif not options.sweeps:
        parser.error("which sweeps?")
    page, figure = where.pages / "bio_vs_random.md", where.images / "bio_vs_random.png"
    if len(options.labels) != len(options.sweeps):
        parser.error("one label per sweep")
    tables: dict[str, list[dict[str, Any]]] = {}
    remapping, notes = {}, []
    for label, path in zip(options.labels, options.sweeps, strict=True):
        data = sweep_results(path)
        runs = f"{int(data['finished'].sum())} of {data['finished'].size} runs"
        repeats = data.sizes["seed" if "seed" in data.sizes else "repeat"]  # as in sweeps of eicon 0.1.0
        notes.append(f"{label}: {runs}, {repeats} repeats, {data.sizes['epoch']} epochs.")
        found = outcomes(data)
        tables[label], remapping[label] = compare(found), of_remap(found)
    draw(tables).savefig(figure, dpi=150)
    head = (
        page.read_text(encoding="utf-8").partition("<!-- tables -->")[0] if page.is_file() else "# Biology or not\n\n"
    )
    lines = [line for label, rows in tables.items() for line in table(label, rows, remapping[label])]
    body = "\n".join([*notes, "", "`*`: the interval excludes 0.", "", *lines])
    page.write_text(f"{head}<!-- tables -->\n\n{body}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
