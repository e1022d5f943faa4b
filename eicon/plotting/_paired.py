"""Effect of the wiring: runs on a connectome compared with the same runs on null models."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eicon.analysis._paired import PairedDifference, paired_difference

from ._choices import OUTCOMES, outcome_of
from ._style import font_size, house_style, ink, line_color, neutral, panel_letters, reference, small_ticks
from ._sweep import label_of_best, levels_of_null

if TYPE_CHECKING:
    import xarray as xr

COLOR = "#228833"


class Paired(NamedTuple):
    """An outcome of runs on a connectome, and of the same runs on one null model.

    Attributes
    ----------
    original, null : str
        Names of both.
    first, second : (B,) arrays
        Outcomes of the pairs, which share their seed and all other choices; NaN for missing runs.
    result : PairedDifference or None
        Difference of the original minus the null; None if there is no pair.
    chance, no_memory : float
        Accuracy of guesses, and loss of the best answer that ignores the trial; NaN if they are unknown, differ between
        runs, or belong to a different outcome.
    """

    original: str
    null: str
    first: np.ndarray
    second: np.ndarray
    result: PairedDifference | None
    chance: float
    no_memory: float


def paired_runs(results: "Mapping[str, xr.Dataset]", outcome: str) -> list[Paired]:
    """Pair the runs of a sweep over null models; without any, those of the first sweep with all others.

    Parameters
    ----------
    results : mapping of label to Dataset
        Results of `eicon.runs.sweep_results`, over the same grid.
    outcome : {"accuracy", "loss", "steps"}

    Returns
    -------
    list of Paired
        One for each null model; empty if there is none.
    """
    data = next(iter(results.values()))
    null = levels_of_null(data)
    if null is not None:
        values = np.moveaxis(outcome_of(data, outcome), data["finished"].dims.index(null.key), 0)
        samples = {name: values[i].ravel() for name, i in null.places.items()}
    else:
        samples = {name: outcome_of(one, outcome).ravel() for name, one in results.items()}
        if len({sample.size for sample in samples.values()}) > 1:
            return []
    (original, first), *others = samples.items()
    chance = _level(results, "chance") if outcome == "accuracy" else float("nan")
    no_memory = _level(results, "null_loss") if outcome == "loss" else float("nan")
    found = []
    for name, second in others:
        known = np.isfinite(first) & np.isfinite(second)
        result = paired_difference(first, second) if known.any() else None
        found.append(Paired(original, name, first, second, result, chance, no_memory))
    return found


@house_style
def plot_paired_differences(
    results: "Mapping[str, xr.Dataset]", *, outcomes: Sequence[str] = ("accuracy", "loss")
) -> Figure | None:
    """Draw outcomes of runs on a connectome and on its null models, and their paired differences.

    Parameters
    ----------
    results : mapping of label to Dataset
        Results of `eicon.runs.sweep_results`: of a sweep over null models, or of several sweeps over the same grid,
        the first of which is the original.
    outcomes : sequence of {"accuracy", "loss", "steps"}
        A column for each. Above, every line is a pair of runs that share their seed and all other choices,
        with means; chance is dashed, and the loss of the best answer that ignores the trial ("no memory") dotted.
        Below, the differences, with their mean and its exact interval (`eicon.analysis.behaviour.paired_difference`).

    Returns
    -------
    Figure or None
        None if there is nothing to pair.

    Raises
    ------
    ValueError
        For any other outcome.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    columns = {outcome: pairs for outcome in outcomes if (pairs := paired_runs(results, outcome))}
    if not columns:
        return None
    n_nulls = len(next(iter(columns.values())))
    wide = max(2.6, 1.2 + 0.65 * (n_nulls + 1))
    figure, axes = plt.subplots(
        2,
        len(columns),
        squeeze=False,
        sharex="col",
        figsize=(0.3 + wide * len(columns), 4.6),
        gridspec_kw={"height_ratios": [1.2, 1.0]},
    )
    for (above, below), (outcome, pairs) in zip(axes.T, columns.items(), strict=True):
        _runs(above, pairs)
        above.set_ylabel(OUTCOMES[outcome] or label_of_best(results))
        _differences(below, pairs)
        below.set_ylabel(f"difference\n({pairs[0].original} \N{MINUS SIGN} null)")
        for ax in (above, below):
            small_ticks(ax)
    handles = {label: one for ax in axes[0] for one, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    if handles:
        figure.legend(list(handles.values()), list(handles), loc="outside upper center", ncols=len(handles))
    panel_letters([*axes[0], *axes[1]])
    figure.align_ylabels(axes)
    return figure


def _level(results: "Mapping[str, xr.Dataset]", name: str) -> float:
    """Return the value common to all runs."""
    found = [data[name].values.ravel() for data in results.values() if name in data]
    values = np.concatenate(found) if found else np.zeros(0)
    values = values[np.isfinite(values)]
    return float(values[0]) if values.size and np.allclose(values, values[0]) else float("nan")


def _runs(ax: Axes, pairs: list[Paired]) -> None:
    samples = np.stack([pairs[0].first, *(pair.second for pair in pairs)])
    for run in samples.T:
        ax.plot(range(len(samples)), run, "-", color=ink(0.3), linewidth=0.6, marker=".", markersize=3)
    means = [float(one[np.isfinite(one)].mean()) if np.isfinite(one).any() else np.nan for one in samples]
    ax.plot(range(len(samples)), means, linestyle="none", marker="o", markersize=6, color=COLOR, label="mean")
    for value, label, dashes in ((pairs[0].chance, "chance", "--"), (pairs[0].no_memory, "no memory", ":")):
        if np.isfinite(value):
            ax.axhline(value, color=neutral(), linestyle=dashes, linewidth=1.0, label=label)
    ax.margins(x=0.15, y=0.1)


def _differences(ax: Axes, pairs: list[Paired]) -> None:
    ax.axhline(0.0, color=reference(), linewidth=0.8)
    names, between = [pairs[0].original], ", " if len(pairs) > 1 else "\n"
    for place, pair in enumerate(pairs, start=1):
        result = pair.result
        if result is None:
            names.append(f"{pair.null}{between}no pair")
            continue
        spread = np.linspace(-0.12, 0.12, result.n) if result.n > 1 else np.zeros(1)
        ax.plot(place + spread, result.differences, ".", color=ink(0.4), markersize=4)
        bars = np.abs(result.ci - result.difference)[:, None]
        ax.errorbar(
            place, result.difference, yerr=np.nan_to_num(bars), color=line_color(), marker="o", markersize=5, capsize=3
        )
        names.append(f"{pair.null}{between}p = {result.p:.2g}")
    turned: Any = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if len(pairs) > 1 else {}
    ax.set_xticks(range(len(names)), names, fontsize=font_size(-1), **turned)
    ax.set_xlim(-0.5, len(names) - 0.5)


def words(outcome: str, pair: Paired, score: str = "accuracy") -> str:
    """Describe one difference in words, with its interval; ``score`` is the name of the accuracy."""
    result, share = pair.result, outcome == "accuracy"
    outcome = score if share else outcome
    if result is None:
        return f"{outcome}: no pair of {pair.original} and {pair.null} is finished."

    def number(value: float) -> str:
        return f"{100 * value:+.1f}" if share else f"{value:+.3g}"

    low, high = (number(float(end)) for end in result.ci)
    unit = " percentage points" if share else ""
    interval = "" if result.n < 2 else f" [{low}, {high}] ({100 * result.level:.0f} % interval)"
    left_out = f", {result.n_left_out} left out" if result.n_left_out else ""
    pairs = f"{result.n} pair{'s' if result.n != 1 else ''}{left_out}"
    return (
        f"{outcome}, {pair.original} minus {pair.null}: {number(result.difference)}{unit}{interval}, "
        f"p = {result.p:.2g} ({pairs})"
    )


def rows_of_pairs(columns: Mapping[str, Sequence[Paired]], score: str = "accuracy") -> list[list[object]]:
    """Return a table of all differences, with a header; ``score`` is the name of the accuracy."""
    rows: list[list[object]] = [
        [
            *("outcome", "original", "null", "mean_original", "mean_null", "difference", "lower", "upper", "level"),
            *("p", "n_pairs", "n_left_out", "chance", "no_memory"),
        ]
    ]
    for outcome, pairs in columns.items():
        for pair in pairs:
            known = np.isfinite(pair.first) & np.isfinite(pair.second)
            means = [float(one[known].mean()) if known.any() else float("nan") for one in (pair.first, pair.second)]
            r = pair.result
            numbers = [float("nan")] * 5 if r is None else [r.difference, *map(float, r.ci), r.level, r.p]
            counts = [0, known.size] if r is None else [r.n, r.n_left_out]
            name = score if outcome == "accuracy" else outcome
            rows.append([name, pair.original, pair.null, *means, *numbers, *counts, pair.chance, pair.no_memory])
    return rows
