"""Figure of real wiring: errors of unrecorded neurons against the number of recorded ones, with rewired diagrams."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ...plotting._style import house_style, panel_letters, panels
from ...plotting.fits import plot_unrecorded
from ._circuits import CIRCUITS
from ._claims import RECOVERED, Line, last
from ._draw_panels import by_seed, shared_legend

CONNECTOME, REWIRED, BEFORE = "connectome", "rewired within types", "connectome, before the fit"


def error_of(measures: Mapping[str, Any], group: str) -> float:
    """Return the error of a group of neurons over their variance, in held-out trials; NaN for an empty group."""
    found = measures.get(f"{group}_held_out")
    return np.nan if found is None else found["error"]


def error_curves(lines: Sequence[Line], circuit: str, which: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return numbers of recorded neurons (K,), and final errors, (S, K) over seeds; NaN for unfinished parts."""
    found: dict[str, dict[tuple[int, int], float]] = {CONNECTOME: {}, REWIRED: {}, BEFORE: {}}
    for line in lines:
        part = line["settings"]
        if part.get("circuit") == circuit and "recorded" in part:
            place = part["seed"], part["recorded"]
            found[REWIRED if part["null"] else CONNECTOME][place] = error_of(last(line), which)
            if not part["null"]:
                found[BEFORE][place] = error_of(line["measures"]["by_step"]["0"], which)
    numbers = sorted({m for errors in found.values() for _, m in errors})
    return np.array(numbers), {name: by_seed(errors, numbers) for name, errors in found.items() if errors}


@house_style
def draw_wiring(lines: Sequence[Line]) -> dict[str, Figure]:
    """Draw the finished parts of the study of real wiring; nothing without a student."""
    done = [name for name in CIRCUITS if error_curves(lines, name, "unrecorded")[0].size]
    if not done:
        return {}
    figure, axes = panels(1, len(done), (4.2 * len(done), 4.2))
    for ax, name in zip(axes[0], done, strict=True):
        numbers, unrecorded = error_curves(lines, name, "unrecorded")
        recorded = error_curves(lines, name, "recorded")[1]
        recorded.pop(BEFORE, None)
        label = "error / variance of currents, held-out trials" if ax is axes[0, 0] else ""
        plot_unrecorded(numbers, unrecorded, recorded=recorded, label=label, level=RECOVERED, ax=ax)
        ax.set_xlabel(f"recorded neurons, {name}")
    shared_legend(figure, 2)
    panel_letters(axes[0])
    return {"real_wiring": figure}
