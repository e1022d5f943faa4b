"""Figure of known structure: how well numbers are recovered at each noise, in windows of several lengths."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...plotting import style
from ...plotting._parts import category_looks
from ...plotting._style import panel_letters, reference
from ..song2016._draw_panels import panels
from ._circuits import CIRCUITS
from ._known import N_STEPS, NOISE, WINDOWS

SHOWN = {"product": "gain x weight", "tau": "time constant", "bias": "bias"}


def recovered_at(lines: Sequence[dict[str, Any]], circuit: str, window: int, what: str) -> np.ndarray:
    """R2 at each noise of `NOISE`, (S, K) over seeds; NaN for what is not done."""
    found = {}
    for line in lines:
        part = line["settings"]
        if part.get("circuit") == circuit and part.get("window") == window:
            value = line["measures"]["by_step"][str(part["steps"])][what]
            found[part["seed"], part["process"], part["measurement"]] = np.nan if value is None else value
    seeds = sorted({seed for seed, _, _ in found})
    return np.array([[found.get((seed, *noise), np.nan) for noise in NOISE] for seed in seeds]).reshape(-1, len(NOISE))


def table(lines: Sequence[dict[str, Any]]) -> str:
    """Markdown table of means of R2 over seeds, with the smallest and the largest where there are several."""
    rows = ["| circuit | process, measurement | window, steps | " + " | ".join((*SHOWN.values(), "weight")) + " |"]
    rows.append("|---" * (4 + len(SHOWN)) + "|")
    for circuit in CIRCUITS:
        for place, noise in enumerate(NOISE):
            for window in WINDOWS:
                of_seeds = [recovered_at(lines, circuit, window, what)[:, place] for what in (*SHOWN, "weights")]
                if np.isfinite(of_seeds[0]).any():
                    cells = [_cell(values[np.isfinite(values)]) for values in of_seeds]
                    rows.append(f"| {circuit} | {noise[0]:g}, {noise[1]:g} | {window} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _cell(values: np.ndarray) -> str:
    if not values.size:
        return ""
    spread = f" ({values.min():.3f} to {values.max():.3f})" if values.size > 1 else ""
    return f"{values.mean():.3f}{spread}"


def draw_known(lines: Sequence[dict[str, Any]]) -> dict[str, Figure]:
    """Draw what is done of the study of known structure; nothing if no fit is."""
    done = [name for name in CIRCUITS if any(recovered_at(lines, name, window, "tau").size for window in WINDOWS)]
    if not done:
        return {}
    with style():
        figure, axes = panels(len(done), len(SHOWN), (3.1 * len(SHOWN), 0.7 + 2.4 * len(done)), sharey=True)
        for row, circuit in zip(axes, done, strict=True):
            for ax, (what, title) in zip(row, SHOWN.items(), strict=True):
                _draw_panel(ax, lines, circuit, what)
                ax.set_title(f"{circuit}: {title}")
            row[0].set_ylabel("R²")
        figure.supxlabel("noise of process, of measurement")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(WINDOWS))
        panel_letters(axes.ravel())
    return {"known_structure": figure}


def _draw_panel(ax: Axes, lines: Sequence[dict[str, Any]], circuit: str, what: str) -> None:
    """Points of seeds, side by side for each window; what is below 0 is a triangle at 0."""
    ax.axhline(1.0, color=reference(), linestyle=":", linewidth=1.0, zorder=0)
    place = np.arange(len(NOISE))
    names = {1: "one step", N_STEPS: "whole rollout"}
    for i, (window, look) in enumerate(zip(WINDOWS, category_looks(len(WINDOWS)), strict=True)):
        values = recovered_at(lines, circuit, window, what)
        x = np.broadcast_to(place + 0.22 * (i - (len(WINDOWS) - 1) / 2), values.shape)
        label = names.get(window, f"windows of {window} steps")
        shown = values >= 0
        ax.plot(x[shown], values[shown], "o", color=look["color"], markersize=4, label=label)
        ax.plot(x[values < 0], np.zeros((values < 0).sum()), "v", color=look["color"], markersize=5)
    ax.set_xticks(place.tolist(), labels=[f"{process:g}, {measured:g}" for process, measured in NOISE])
    ax.tick_params(axis="x", rotation=30)
    ax.set_xlim(-0.5, len(NOISE) - 0.5)
    ax.set_ylim(-0.05, 1.05)
