"""Losses and accuracies of sweeps, side by side."""

import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from eicon.analysis._learning import milestones

from ._style import font_size, house_style, label_size, line_color, neutral, panel_letters, reference

if TYPE_CHECKING:
    import xarray as xr

# Paul Tol's "bright" scheme without the blue and red that mean E and I elsewhere.
COLORS = ("#228833", "#AA3377", "#EE7733", "#33BBEE", "#BBBB33", "#555555")
MOST_PANELS = 24
LOG_RANGE = 30.0
LONGEST_ROW = 18
MOST_LEVELS = 6
REPEATS = ("seed", "repeat")
"""Keys of a grid whose values are repeats."""
NULL, NONE = "null", "none"
"""Key of a grid over null models, and its value for the original."""


class Nulls(NamedTuple):
    """Key of a grid over null models, and the index of each of its values; the original comes first."""

    key: str
    places: dict[str, int]


def levels_of_null(data: "xr.Dataset") -> Nulls | None:
    """Return the null models of a sweep together with the original, called *original*; None if it has none."""
    for dim in map(str, data["finished"].dims if "finished" in data else data["validation_loss"].dims):
        levels = [str(level) for level in data[dim].values.tolist()]
        if dim.rpartition(".")[2] == NULL and NONE in levels and len(levels) > 1:
            others = {level: i for i, level in enumerate(levels) if level != NONE}
            return Nulls(dim, {"original": levels.index(NONE), **others})
    return None


@house_style
def plot_loss_curves(
    results: "Mapping[str, xr.Dataset]", *, quantity: str = "loss", ylabel: str | None = None
) -> list[Figure]:
    """Draw curves over epochs, a panel per combination: mean over seeds, with a band of one standard deviation.

    The band never leaves the range of the runs.

    Parameters
    ----------
    results : mapping of label to Dataset
        Results of `eicon.runs.sweep_results`, over the same grid.
    quantity : {"loss", "accuracy"}
        Validation is drawn solid, training dashed; the loss of the best answer without memory dotted.
    ylabel : str, optional
        Label; by default the quantity, or for fits to a recording, the name of their accuracy.

    Returns
    -------
    list of Figure
        Pages of up to 24 panels.

    Raises
    ------
    ValueError
        If there are no results, the quantity is unknown, or grids differ.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    if quantity not in ("loss", "accuracy"):
        raise ValueError(f"quantity must be 'loss' or 'accuracy'; got {quantity!r}.")
    combinations = _combinations(results)
    pages = []
    for start in range(0, len(combinations), MOST_PANELS):
        shown = combinations[start : start + MOST_PANELS]
        columns = min(4, len(shown)) if len(shown) > 3 else len(shown)
        rows = math.ceil(len(shown) / columns)
        figure, grid = plt.subplots(
            rows,
            columns,
            squeeze=False,
            sharex=True,
            sharey=True,
            figsize=(max(0.8 + 2.3 * columns, 4.0), (1.0 if columns > 1 else 1.7) + 1.8 * rows),
        )
        for ax, combination in zip(grid.flat, shown, strict=False):
            _panel(ax, {label: data.sel(combination) for label, data in results.items()}, quantity)
            ax.set_title("\n".join(_titles(combination)), fontsize=font_size(-2))
        for ax in grid.flat[len(shown) :]:
            ax.set_visible(False)
        handles = _legend(results, quantity)
        widest = max(len(str(handle.get_label())) for handle in handles)
        columns_of_legend = int(figure.get_figwidth() / (0.6 + 0.08 * widest))
        figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), max(1, columns_of_legend)))
        figure.supxlabel(_axis(next(iter(results.values()))), fontsize=label_size())
        name = score_of(results) if quantity == "accuracy" else quantity
        figure.supylabel(name if ylabel is None else ylabel, fontsize=label_size())
        pages.append(figure)
    return pages


@house_style
def plot_loss_boxes(results: "Mapping[str, xr.Dataset]", *, ylabel: str = "loss") -> Figure:
    """Draw box plots over all combinations and seeds, one box per sweep and null model.

    Panels: smallest validation loss, its epoch (or number of the validation), that at which 99 % of the fall to it was
    reached, and the best validation accuracy (explained variance, for fits to a recording). Every run is a dot. The
    loss of the best answer that ignores the trial ("no memory") is dotted, and chance is dashed.

    Parameters
    ----------
    results : mapping of label to Dataset
        Results of `eicon.runs.sweep_results`.
    ylabel : str
        Name of the loss.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    _combinations(results)
    values = {label: run_milestones(data) for label, data in _by_null(results).items()}
    levels = {"min_loss": ("null_loss", ":", "no memory"), "best_accuracy": ("chance", "--", "chance")}
    axis = {"validation": "validation no."}.get(name := _axis(next(iter(results.values()))), name)
    titles = {
        "min_loss": f"smallest validation {ylabel}",
        "min_epoch": f"{axis} of the smallest",
        "fall_epoch": f"{axis} of 99 % of the fall",
        "best_accuracy": label_of_best(results),
    }
    n_boxes, letters = len(values), sum(map(len, values))
    figure, grid = plt.subplots(2, 2, figsize=(max(5.6, 2.4 + 1.1 * n_boxes), 5.2))
    axes = list(grid.flat)
    for ax, (name, title) in zip(axes, titles.items(), strict=True):
        samples = [data[name][np.isfinite(data[name])] for data in values.values()]
        boxes = ax.boxplot(
            samples, widths=0.5, showfliers=False, medianprops={"color": line_color()}, patch_artist=True
        )
        ax.set_xticks(range(1, len(samples) + 1), list(values))
        for i, (box, sample) in enumerate(zip(boxes["boxes"], samples, strict=True)):
            box.set(facecolor=COLORS[i % len(COLORS)], alpha=0.35)
            spread = np.linspace(-0.18, 0.18, max(len(sample), 1))[: len(sample)]
            ax.plot(i + 1 + spread, sample, ".", color=COLORS[i % len(COLORS)], markersize=4)
        pooled = np.concatenate(samples) if samples else np.zeros(0)
        if name == "min_loss" and pooled.size and (pooled > 0).all() and pooled.max() > LOG_RANGE * pooled.min():
            ax.set_yscale("log")
        ax.set_ylabel(title)
        if name in levels:
            _mark_levels(ax, results, *levels[name])
        else:
            low, high = ax.get_ylim()
            if high - low < 2:  # one epoch for all
                ax.set_ylim((low + high) / 2 - 1, (low + high) / 2 + 1)
            ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        if letters > LONGEST_ROW:
            ax.set_xticks(ax.get_xticks(), list(values), rotation=30, ha="right", rotation_mode="anchor")
    panel_letters(axes)
    return figure


def _by_null(results: "Mapping[str, xr.Dataset]") -> "dict[str, xr.Dataset]":
    """Split the results by null model, since null models are not repeats."""
    found = {}
    for label, data in results.items():
        null = levels_of_null(data)
        if null is None:
            found[label] = data
            continue
        for name, i in null.places.items():
            found[name if len(results) == 1 else f"{label}, {name}"] = data.isel({null.key: i})
    return found


def _mark_levels(ax: Axes, results: "Mapping[str, xr.Dataset]", name: str, dashes: str, label: str) -> None:
    """Draw lines at levels reached without learning, named at the right of the frame."""
    found = [data[name].values.ravel() for data in results.values() if name in data]
    values = np.unique(np.concatenate(found).round(9)) if found else np.zeros(0)
    values = values[np.isfinite(values)]
    for value in values[:MOST_LEVELS]:
        ax.axhline(float(value), color=neutral(), linestyle=dashes, linewidth=1.0, zorder=0)
    if values.size:
        place = (1.0, float(values[0]))  # outside the frame, where no box hides it
        ax.annotate(
            label.replace(" ", "\n"), place, (3, 0), ax.get_yaxis_transform(), "offset points",
            ha="left", va="center", fontsize=font_size(-2), color=neutral(),
        )  # fmt: skip


def run_milestones(data: "xr.Dataset") -> dict[str, np.ndarray]:
    """Compute milestones of the validation loss of every run, and its best accuracy; flat arrays in grid order.

    Parameters
    ----------
    data : xarray.Dataset
        Results of `eicon.runs.sweep_results`.

    Returns
    -------
    dict of str to array (runs,)
        Fields of `eicon.analysis.results.Milestones`, and ``best_accuracy``.
    """
    found = milestones(data["validation_loss"].values)
    accuracy = data["validation_accuracy"].values
    best = np.where(np.isfinite(accuracy), accuracy, -np.inf).max(axis=-1)
    flat = {**found._asdict(), "best_accuracy": np.where(np.isfinite(best), best, np.nan)}
    return {name: np.ravel(value) for name, value in flat.items()}


def score_of(results: "Mapping[str, xr.Dataset]") -> str:
    """Return the name of the accuracy of runs: for fits to a recording, it is the explained variance."""
    names = {str(data.attrs.get("score", "accuracy")) for data in results.values()}
    return names.pop() if len(names) == 1 else "score"


def label_of_best(results: "Mapping[str, xr.Dataset]") -> str:
    """Return the label of an axis, in two lines if it is long."""
    score = score_of(results)
    return f"best validation{' ' if len(score) < 12 else chr(10)}{score}"


def _axis(data: "xr.Dataset") -> str:
    """Return the axis of curves: epochs, or validations."""
    return str(data["validation_loss"].dims[-1])


def _combinations(results: "Mapping[str, xr.Dataset]") -> list[dict[str, Any]]:
    if not results:
        raise ValueError("there are no results to draw.")
    grids = {}
    for label, data in results.items():
        dims = [str(d) for d in data["validation_loss"].dims if d not in (*REPEATS, _axis(data))]
        grids[label] = {dim: data[dim].values.tolist() for dim in dims}
    first_label, first = next(iter(grids.items()))
    for label, grid in grids.items():
        if grid != first:
            raise ValueError(
                f"the sweeps {first_label!r} and {label!r} have different grids: {first} and {grid}; "
                "draw sweeps over the same combinations together."
            )
    return [dict(zip(first, values, strict=True)) for values in itertools.product(*first.values())]


def _panel(ax: Axes, chosen: "Mapping[str, xr.Dataset]", quantity: str) -> None:
    levels, values = set(), []
    for (label, data), color in zip(chosen.items(), itertools.cycle(COLORS)):
        for part, dashes in (("validation", "-"), ("train", "--")):
            curves = data[f"{part}_{quantity}"].values
            curves = curves.reshape(-1, curves.shape[-1])
            known = np.isfinite(curves).any(axis=0)
            if not known.any():
                continue
            epoch, runs = data[_axis(data)].values[known], curves[:, known]
            mean, spread = np.nanmean(runs, axis=0), np.nanstd(runs, axis=0)
            low, high = np.nanmin(runs, axis=0), np.nanmax(runs, axis=0)
            ax.plot(epoch, mean, dashes, color=color, linewidth=1.2, label=f"{label}, {part}")
            ax.fill_between(
                epoch,
                np.maximum(mean - spread, low),
                np.minimum(mean + spread, high),
                color=color,
                alpha=0.2,
                linewidth=0,
            )
            values.append(runs)
        if quantity == "loss":
            levels |= {float(level) for level in np.unique(data["null_loss"].values) if np.isfinite(level)}
    for level in sorted(levels):
        ax.axhline(level, color=reference(), linestyle=":", linewidth=1.0)
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    pooled = np.concatenate([v.ravel() for v in values]) if values else np.zeros(0)
    pooled = pooled[np.isfinite(pooled)]
    if quantity == "loss" and pooled.size and pooled.min() > 0 and pooled.max() > LOG_RANGE * pooled.min():
        ax.set_yscale("log")


def _legend(results: "Mapping[str, xr.Dataset]", quantity: str) -> list[Line2D]:
    """One colour per sweep, one dash per kind of trials, and the level of no memory where there is one."""
    sweeps = [Line2D([], [], color=color, label=label) for label, color in zip(results, itertools.cycle(COLORS))]
    no_memory = quantity == "loss" and any(np.isfinite(data["null_loss"].values).any() for data in results.values())
    dashes: dict[str, Any] = {"validation": "-", "training": "--"} | ({"no memory": ":"} if no_memory else {})
    colors = {"no memory": reference()}
    return sweeps + [
        Line2D([], [], color=colors.get(name, line_color()), linestyle=dash, label=name)
        for name, dash in dashes.items()
    ]


def _titles(combination: dict[str, Any]) -> list[str]:
    parts = [f"{name.replace('_', ' ')} {value}" for name, value in combination.items()]
    return [", ".join(parts[i : i + 2]) for i in range(0, len(parts), 2)] or ["all runs"]
