"""Figure of real wiring: errors of unrecorded units against how many were recorded, beside rewired diagrams."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ...plotting import style
from ...plotting.fits import plot_unrecorded
from ..song2016._draw_panels import panels
from ._circuits import CIRCUITS

CONNECTOME, REWIRED = "connectome", "rewired within types"


def error_curves(
    lines: Sequence[dict[str, Any]], circuit: str, which: str, trials: str = "held_out"
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Numbers of recorded units (K,), and errors at the end, (S, K) over seeds; NaN for what is not done."""
    found: dict[str, dict[tuple[int, int], float]] = {CONNECTOME: {}, REWIRED: {}}
    for line in lines:
        part = line["settings"]
        if part.get("circuit") == circuit and "recorded" in part:
            last = line["measures"]["by_step"][str(part["steps"])]
            found[REWIRED if part["null"] else CONNECTOME][part["seed"], part["recorded"]] = last[f"{which}_{trials}"][
                "error"
            ]
    numbers = sorted({m for errors in found.values() for _, m in errors})
    curves = {}
    for name, errors in found.items():
        seeds = sorted({seed for seed, _ in errors})
        if errors:
            curves[name] = np.array([[errors.get((seed, m), np.nan) for m in numbers] for seed in seeds])
    return np.array(numbers), curves


def draw_wiring(lines: Sequence[dict[str, Any]]) -> dict[str, Figure]:
    """Draw what is done of the study of real wiring; nothing if no student is."""
    done = [name for name in CIRCUITS if error_curves(lines, name, "unrecorded")[0].size]
    if not done:
        return {}
    with style():
        figure, axes = panels(1, len(done), (4.2 * len(done), 3.8))
        for ax, name in zip(axes[0], done, strict=True):
            numbers, unrecorded = error_curves(lines, name, "unrecorded")
            label = "error / variance of currents, held-out trials"
            recorded = error_curves(lines, name, "recorded")[1]
            plot_unrecorded(numbers, unrecorded, recorded=recorded, label=label, level=1.0, ax=ax)
            ax.set_xlabel(f"recorded units of the {name}")
    return {"real_wiring": figure}
