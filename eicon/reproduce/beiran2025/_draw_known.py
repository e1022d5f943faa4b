"""Figure of known structure: recovery of parameters at each noise level, in windows of several lengths."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...plotting._fits import seed_intervals, seed_points
from ...plotting._parts import category_looks
from ...plotting._style import house_style, line_width, panel_letters, panels, reference
from ._circuits import CIRCUITS
from ._claims import Line, last
from ._draw_panels import by_seed, shared_legend
from ._known import N_STEPS, NOISE, WINDOWS

SHOWN = {"product": "gain \N{MULTIPLICATION SIGN} weight", "weights": "weight", "tau": "time constant", "gain": "gain"}
FITS = {1: "one step", N_STEPS: "whole rollout"} | {n: f"{n} steps" for n in WINDOWS if n not in (1, N_STEPS)}
"""Names of windows."""


def recovered_at(lines: Sequence[Line], circuit: str, window: int, what: str) -> np.ndarray:
    """Return a measure at each noise level of `NOISE`, (S, K) over seeds; NaN for unfinished parts."""
    found = {}
    for line in lines:
        part = line["settings"]
        if part.get("circuit") == circuit and part.get("window") == window:
            found[part["seed"], (part["process"], part["measurement"])] = last(line)[what]
    return by_seed(found, NOISE)


@house_style
def draw_known(lines: Sequence[Line]) -> dict[str, Figure]:
    """Draw the finished parts of the study of known structure; nothing without a fit."""
    done = [name for name in CIRCUITS if any(recovered_at(lines, name, window, "tau").size for window in WINDOWS)]
    if not done:
        return {}
    figure, axes = panels(len(done), len(SHOWN), (2.7 * len(SHOWN), 0.9 + 2.4 * len(done)), sharey=True)
    for row, circuit in zip(axes, done, strict=True):
        for ax, (what, title) in zip(row, SHOWN.items(), strict=True):
            _draw_panel(ax, lines, circuit, what)
            ax.set_title(f"{circuit}: {title}")
        row[0].set_ylabel("R²")
    figure.supxlabel("process noise (a.u.), measurement noise (s.d. of each unit)")
    shared_legend(figure, len(WINDOWS))
    panel_letters(axes.ravel())
    return {"known_structure": figure}


def _draw_panel(ax: Axes, lines: Sequence[Line], circuit: str, what: str) -> None:
    """Draw means over seeds with intervals, side by side for each window; a mean below 0 is a triangle at 0."""
    ax.axhline(1.0, color=reference(), linestyle=":", linewidth=line_width(1.0), zorder=0)
    place = np.arange(len(NOISE))
    for i, (window, look) in enumerate(zip(WINDOWS, category_looks(len(WINDOWS)), strict=True)):
        values, colour = recovered_at(lines, circuit, window, what), look["color"]
        if not values.size:
            continue
        x = place + 0.22 * (i - (len(WINDOWS) - 1) / 2)
        mean, low, high = seed_intervals(values)
        bars, above, below = np.nan_to_num(np.stack([mean - low, high - mean])), mean >= 0, mean < 0
        look = {"color": colour, "markersize": 3, "capsize": 2, "elinewidth": line_width(1.0)}
        ax.errorbar(x[above], mean[above], bars[:, above], fmt="o", label=FITS[window], **look)
        ax.plot(x[below], np.zeros(below.sum()), "v", color=colour, markersize=4)
        seed_points(ax, x, values, colour)
    ax.set_xticks(place.tolist(), labels=[f"{process:g}, {measured:g}" for process, measured in NOISE])
    ax.tick_params(axis="x", rotation=45)
    ax.set_xlim(-0.5, len(NOISE) - 0.5)
    ax.set_ylim(-0.05, 1.05)
