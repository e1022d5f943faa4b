"""Figures 1 to 4, each from the lines of results alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...plotting._parts import category_looks
from ...plotting._stiffness import direction_axes, number_shades
from ...plotting._style import house_style, line_width, neutral, panel_letters, panels, reference
from ...plotting.fits import plot_fixed_directions, plot_recovery, plot_stiffness, plot_unrecorded
from ._claims import RECOVERED, Line, last, lines_of, recorded_numbers
from ._draw_panels import by_seed

UNRECORDED, RECORDED = "unrecorded_fresh_error", "recorded_fresh_error"
ERROR = "error / variance of currents, fresh trials"
DT = 10.0


@house_style
def draw(figure: int, lines: Sequence[Line]) -> dict[str, Figure]:
    """Draw a figure from finished parts, by name; nothing without any."""
    made = _DRAWN[figure](lines)
    return {} if made is None else {f"fig{figure}": made}


def _draw_readout(lines: Sequence[Line]) -> Figure | None:
    """Draw task and activity of students that were trained on the readout alone."""
    students = lines_of(lines, kind="readout")
    if not students:
        return None
    figure, axes = panels(1, 3, (10.5, 3.4), width_ratios=(1, 1, 0.9))
    traces = next((line["measures"]["traces"] for line in students if "traces" in line["measures"]), None)
    if traces is not None:
        _draw_outputs(axes[0, 0], traces)
        _draw_traces(axes[0, 1], traces, "currents of four units (stacked)")
    _draw_course(axes[0, 2], students, {"task": "task_error", "readout": "readout_error", "currents": UNRECORDED})
    axes[0, 2].set_ylabel("error / variance, fresh trials")
    panel_letters(axes.ravel())
    return figure


def _draw_recorded(lines: Sequence[Line]) -> Figure | None:
    """Draw errors against the number of recorded units, an example, and gains."""
    students = lines_of(lines, group="student", kind="recorded", order="random", observed="current")
    if not students:
        return None
    figure, axes = panels(2, 2, (9.0, 7.4))
    named = {"connectome": students, "unconstrained": lines_of(lines, kind="unconstrained")}
    numbers, unrecorded = curves({name: found for name, found in named.items() if found}, UNRECORDED)
    recorded = {"connectome": _table(students, numbers, lambda line: last(line)[RECORDED])}
    plot_unrecorded(numbers, unrecorded, recorded=recorded, label=ERROR, level=RECOVERED, ax=axes[0, 0])
    most = recorded_numbers(students)[-1]
    best = lines_of(students, m=most)
    kept = next((line["measures"] for line in best if "traces" in line["measures"]), None)
    if kept is not None:
        _draw_traces(axes[0, 1], kept["traces"], f"currents of four unrecorded units, M = {most}")
        plot_recovery(kept["gain"], kept["true_gain"], quantity="gain", ax=axes[1, 0])
    _draw_course(axes[1, 1], best, {"unrecorded currents": UNRECORDED, "1 \N{MINUS SIGN} R² of gains": "gain_r2"})
    axes[1, 1].set_ylabel(f"error / variance, M = {most}")
    panel_letters(axes.ravel())
    return figure


def _draw_dimension(lines: Sequence[Line]) -> Figure | None:
    """Draw errors against the number of recorded units, for teachers of rank two of different size."""
    students = lines_of(lines, group="rotating")
    if not students:
        return None
    sizes = sorted({line["settings"]["n"] for line in students})
    figure, axes = panels(1, 1, (4.6, 4.0))
    numbers, unrecorded = curves({f"N = {n}": lines_of(students, n=n) for n in sizes}, UNRECORDED)
    plot_unrecorded(numbers, unrecorded, label=ERROR, level=RECOVERED, ax=axes[0, 0])
    return figure


def _draw_stiff(lines: Sequence[Line]) -> Figure | None:
    """Draw spectra, numbers of fixed directions, errors of students by direction, and orders of recording."""
    stiff = lines_of(lines, group="stiffness")
    if not stiff:
        return None
    figure, axes = panels(2, 2, (9.6, 7.6))
    seed = min(line["settings"]["seed"] for line in stiff)
    spectra = {line["settings"]["m"]: line["measures"]["values"] for line in lines_of(stiff, seed=seed)}
    plot_stiffness(spectra, ax=axes[0, 0])
    numbers, total = recorded_numbers(stiff), 2 * stiff[0]["settings"]["n"]
    fixed = {"fixed": _table(stiff, numbers, lambda line: line["measures"]["n_fixed"])}
    plot_fixed_directions(numbers, fixed, n_parameters=total, ax=axes[0, 1])
    _draw_directions(axes[1, 0], stiff)
    students = lines_of(lines, group="student", kind="recorded", observed="current")
    orders = {order: lines_of(students, order=order) for order in ("chosen", "random", "worst")}
    shared = recorded_numbers(orders["chosen"])
    orders["random"] = [line for line in orders["random"] if line["settings"]["m"] in shared]
    if all(orders.values()):
        plot_unrecorded(*curves(orders, UNRECORDED), label=ERROR, level=RECOVERED, ax=axes[1, 1])
    else:
        axes[1, 1].set_axis_off()
    panel_letters(axes.ravel())
    return figure


_DRAWN: dict[int, Callable[[Sequence[Line]], Figure | None]] = {
    1: _draw_readout,
    2: _draw_recorded,
    3: _draw_dimension,
    4: _draw_stiff,
}


def curves(named: Mapping[str, Sequence[Line]], measure: str) -> tuple[list[int], dict[str, np.ndarray]]:
    """Return numbers of recorded units (K,), and final errors (S, K) over seeds by name; NaN for unfinished parts."""
    numbers = recorded_numbers(line for found in named.values() for line in found)
    return numbers, {name: _table(found, numbers, lambda line: last(line)[measure]) for name, found in named.items()}


def _table(lines: Sequence[Line], numbers: Sequence[int], value: Callable[[Line], float]) -> np.ndarray:
    return by_seed({(line["settings"]["seed"], line["settings"]["m"]): value(line) for line in lines}, numbers)


def _draw_outputs(ax: Axes, traces: Mapping[str, Any]) -> None:
    """Draw the readout of teacher and student in one trial of each channel, the second one below the first."""
    target, teacher, student = (np.asarray(traces[name]) for name in ("targets", "true_outputs", "outputs"))
    time = DT * np.arange(len(target)) / 1000
    for trial in range(target.shape[1]):
        aside = -3.0 * trial
        wide = line_width(3.0)
        ax.plot(time, target[:, trial] + aside, color=reference(), linewidth=wide, label=_first("target", trial))
        ax.plot(time, teacher[:, trial] + aside, color=neutral(), label=_first("teacher", trial))
        ax.plot(time, student[:, trial] + aside, "--", color=_student(), label=_first("student", trial))
    ax.set_xlabel("time (s)")
    ax.set_ylabel("readout, one trial of each channel")
    ax.set_yticks([])
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, columnspacing=1.0)


def _draw_traces(ax: Axes, traces: Mapping[str, Any], label: str) -> None:
    """Draw the activity of teacher and student in one trial, with units stacked and scaled to their ranges."""
    true, student = (np.asarray(traces[name])[:, 0] for name in ("true", "predicted"))
    time = DT * np.arange(len(true)) / 1000
    for unit in range(true.shape[1]):
        low, size = true[:, unit].min(), np.ptp(true[:, unit]) or 1.0
        ax.plot(time, (true[:, unit] - low) / size + 1.4 * unit, color=neutral(), label=_first("teacher", unit))
        shown = (student[:, unit] - low) / size
        shown = np.where(np.abs(shown - 0.5) < 0.85, shown, np.nan)  # keep clear of the next unit
        ax.plot(time, shown + 1.4 * unit, "--", color=_student(), label=_first("student", unit))
    ax.set_xlabel("time (s)")
    ax.set_ylabel(label)
    ax.set_yticks([])
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)


def _draw_course(ax: Axes, students: Sequence[Line], shown: Mapping[str, str]) -> None:
    """Draw errors against updates, a line for each seed; for an R2, 1 - R2."""
    for (label, measure), look in zip(shown.items(), category_looks(len(shown)), strict=True):
        for i, line in enumerate(students):
            by_step = line["measures"]["by_step"]
            steps = sorted(map(int, by_step))
            values = np.array([by_step[str(step)][measure] for step in steps], float)
            values = 1 - values if measure.endswith("r2") else values
            ax.plot(range(len(steps)), values, marker="o", markersize=3, color=look["color"], label=_first(label, i))
    ax.axhline(RECOVERED, color=reference(), linestyle=":", linewidth=line_width(1.0), zorder=0)
    ax.set_yscale("log")
    ax.set_xticks(range(len(steps)), [str(step) for step in steps])
    ax.set_xlabel("updates")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(shown), columnspacing=1.0, handlelength=1.4)


def _draw_directions(ax: Axes, stiff: Sequence[Line]) -> None:
    """Draw squared errors of students' parameters in directions from stiff to sloppy, for each M; means over seeds."""
    numbers = recorded_numbers(stiff)
    for m, shade in zip(numbers, number_shades(len(numbers)), strict=True):
        of = lines_of(stiff, m=m)
        edges = np.asarray(of[0]["measures"]["edges"], float)
        middle = np.sqrt((edges[:-1] + 1) * edges[1:])
        mean = np.exp(np.mean([np.log(line["measures"]["squared_errors"]) for line in of], axis=0))
        ax.plot(middle, mean, marker="o", markersize=3.5, color=shade, label=str(m))
    ax.axhline(2.0, color=reference(), linestyle=":", linewidth=line_width(1.0), zorder=0)
    direction_axes(ax, "squared error of gains and biases (s.d.²)")


def _first(label: str, place: int) -> str:
    """Return the legend entry of a line, visible only for the first of its kind."""
    return label if place == 0 else f"_{label}"


def _student() -> Any:
    return category_looks(2)[1]["color"]
