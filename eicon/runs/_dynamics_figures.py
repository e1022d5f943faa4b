"""Figures of fixed points."""

from typing import Any

import numpy as np

from .. import plotting
from ..plotting._files import Drawing
from ..studies._dynamics import Dynamics

SHOWN_PATHS = 20


def fixed_point_figures(dynamics: Dynamics) -> dict[str, Drawing]:
    """Draw the points, the modes of the first saddle (or the first point), and the slow points."""
    view = view_of(dynamics)
    saddles = [index for index, word in enumerate(dynamics.points.stability) if word.startswith("saddle")]
    figures: dict[str, Drawing] = {
        "fixed_points": plotting.plot_fixed_points(dynamics.points, **view),
        "modes": plotting.plot_modes(dynamics.points, saddles[0] if saddles else 0),
    }
    if dynamics.manifold is not None and dynamics.manifold.shape != "points":
        figures["slow_points"] = plotting.plot_fixed_points(dynamics.still, **view)
    return figures


def view_of(dynamics: Dynamics) -> dict[str, Any]:
    """Return options of the figures: principal components in the epoch, and some trajectories."""
    components, trials = dynamics.components, dynamics.paths.shape[1]
    shown = np.unique(np.linspace(0, trials - 1, SHOWN_PATHS).astype(int))
    ratio = components.explained_ratio[: len(components.components)]
    return {
        "axes": components.components,
        "origin": components.mean,
        "names": [f"PC {i + 1} ({100 * share:.0f} %)" for i, share in enumerate(ratio)],
        "trajectories": dynamics.paths[:, shown],
    }
