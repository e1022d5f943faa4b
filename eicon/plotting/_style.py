"""Colours, fonts and the making of axes: one look for all figures."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure

# Blue and red of Paul Tol's "vibrant" scheme, which stay apart in the common kinds of colour blindness.
E_COLOR = "#0077BB"
I_COLOR = "#CC3311"
NEUTRAL_COLOR = "#555555"
REFERENCE_COLOR = "#999999"

FONT_SIZE = 9.0

_P = ParamSpec("_P")
_R = TypeVar("_R")

_RC: Any = {
    "figure.figsize": (4.0, 3.0),
    "figure.dpi": 150.0,
    "savefig.dpi": 150.0,
    "figure.constrained_layout.use": True,
    "font.size": FONT_SIZE,
    "axes.labelsize": FONT_SIZE + 1,
    "axes.titlesize": FONT_SIZE + 1,
    "xtick.labelsize": FONT_SIZE,
    "ytick.labelsize": FONT_SIZE,
    "legend.fontsize": FONT_SIZE,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.5,
}


@contextmanager
def style() -> Iterator[None]:
    """Make figures created inside the block readable at 600 px wide; settings are restored afterwards.

    Returns
    -------
    context manager

    Examples
    --------
    >>> import matplotlib
    >>> before = matplotlib.rcParams["font.size"]
    >>> with style():
    ...     matplotlib.rcParams["font.size"]
    9.0
    >>> matplotlib.rcParams["font.size"] == before
    True
    """
    with mpl.rc_context(_RC):
        yield


def house_style(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Run a plotting function inside `style`, unless it was given an Axes or Figure: its owner decides about fonts."""

    @wraps(function)
    def styled(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with style() if kwargs.get("ax") is None and kwargs.get("figure") is None else nullcontext():
            return function(*args, **kwargs)

    return styled


def weight_cmap() -> Colormap:
    """Return the diverging map for weights: inhibitory (negative) red, zero white, excitatory blue."""
    colours = ["#7A1405", I_COLOR, "#FFFFFF", E_COLOR, "#003A66"]
    return LinearSegmentedColormap.from_list("eicon_weights", colours)


def coherence_cmap() -> Colormap:
    """Return the sequential map for coherence: viridis without its yellow end, which is too pale on white."""
    return ListedColormap(mpl.colormaps["viridis"](np.linspace(0.0, 0.9, 256)), name="eicon_coherence")


def axes_or_new(ax: Axes | None, *, figsize: tuple[float, float] | None = None) -> Axes:
    """Return `ax`, or the Axes of a new figure."""
    return ax if ax is not None else new_figure(1, figsize=figsize)[1][0]


def new_figure(rows: int, *, figsize: tuple[float, float] | None = None) -> tuple[Figure, list[Axes]]:
    """Make a figure with `rows` stacked Axes that share the x axis."""
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    figure, grid = plt.subplots(rows, 1, squeeze=False, sharex=True, figsize=figsize)
    axes = list(grid[:, 0])
    for ax in axes:
        # Ticks are created at draw time, after the style is gone, unless their size is stored now.
        ax.tick_params(labelsize=FONT_SIZE)
    return figure, axes
