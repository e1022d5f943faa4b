"""Colours, fonts and axes: a common style for all figures, in three sizes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, Literal, NamedTuple, ParamSpec, TypeVar, get_args

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, ListedColormap, to_hex, to_rgb, to_rgba
from matplotlib.figure import Figure

# Blue and red of Paul Tol's "vibrant" scheme, which remain distinct in the common kinds of colour blindness.
E_COLOR = "#0077BB"
I_COLOR = "#CC3311"
# Colours of what is neither E nor I, from the same scheme.
TEAL, ORANGE, PURPLE = "#009988", "#EE7733", "#AA3377"

StyleName = Literal["paper", "talk", "notebook"]
_P = ParamSpec("_P")
_R = TypeVar("_R")

MM = 1 / 25.4
"""Inches."""
COLUMNS = (85.0, 114.0, 180.0)
"""Widths of one column, one and a half, and two of a journal, in mm."""
TALLEST = 225.0
"""Height of a text page, in mm."""
ROOM = 0.75
"""Width of a figure in print relative to its width in a notebook: its type has 7 pt instead of 9 to 10."""


class Style(NamedTuple):
    """Settings that differ between styles: points of type (axis labels, all else) and of lines, and inches."""

    label: float
    font: float
    line: float
    scale: float
    dpi: float
    letters: bool


_STYLES: dict[StyleName, Style] = {
    "notebook": Style(label=10.0, font=9.0, line=1.5, scale=1.0, dpi=150.0, letters=False),
    "talk": Style(label=17.0, font=16.0, line=2.5, scale=1.75, dpi=150.0, letters=False),
    "paper": Style(label=7.0, font=7.0, line=1.0, scale=0.0, dpi=300.0, letters=True),
}


class _InForce:
    """The style chosen last; like matplotlib's settings, one per process."""

    name: StyleName = "notebook"
    width: float | None = None
    drawing = False


FILE_SETTINGS: Any = {"pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "eicon"}
"""Text stays text in vector files, and the same figure gives the same file."""


@contextmanager
def style(name: StyleName | None = None, *, width: float | None = None) -> Iterator[None]:
    """Set the style of figures made inside the block; settings are restored afterwards.

    ============  =================================================================================
    `"notebook"`  readable at 600 px; figures are 4 inches wide or more, type of 9 to 10 pt
    `"paper"`     85, 114 or 180 mm wide, type of 7 pt, 300 dpi; panels of one figure have letters
    `"talk"`      readable from the last row: type of 16 to 17 pt
    ============  =================================================================================

    In all of them, the text of PDF and SVG files saved inside the block, or by `save_figures`, stays text (TrueType
    fonts). Colours of background and lines are those of matplotlib's settings, so that
    ``plt.style.use("dark_background")`` also applies to the figures of eicon.

    Parameters
    ----------
    name : {"notebook", "paper", "talk"}, optional
        By default the style in force, which is "notebook" where none was chosen.
    width : float, optional
        Width of figures in print, in mm: 85, 114 or 180. By default each gets the smallest of these that is three
        quarters of its width in a notebook, or 180: a single panel takes one column, and a row of four the page.
        Heights follow, from three quarters of those in a notebook to 225 mm.

    Returns
    -------
    context manager

    Raises
    ------
    ValueError
        For other names and widths, and for a width without "paper".

    Examples
    --------
    >>> import matplotlib
    >>> before = matplotlib.rcParams["font.size"]
    >>> with style("paper"):
    ...     matplotlib.rcParams["font.size"]
    7.0
    >>> matplotlib.rcParams["font.size"] == before
    True
    """
    if name is not None and name not in _STYLES:
        raise ValueError(f"`name` must be one of {', '.join(get_args(StyleName))}; got {name!r}.")
    chosen = _InForce.name if name is None else name
    if width is not None and (chosen != "paper" or width not in COLUMNS):
        raise ValueError(f'`width` must be 85, 114 or 180 (mm), with the style "paper"; got {width:g} with "{chosen}".')
    before = _InForce.name, _InForce.width
    _InForce.name, _InForce.width = chosen, before[1] if name is None and width is None else width
    try:
        with mpl.rc_context(_settings(chosen, _InForce.width)):
            yield
    finally:
        _InForce.name, _InForce.width = before


def _settings(name: StyleName, width: float | None) -> Any:
    look = _STYLES[name]
    wide = (width or COLUMNS[0]) * MM if name == "paper" else 4.0 * look.scale
    ticks = {f"{axis}tick.{what}": value for axis in "xy" for what, value in _ticks(look).items()}
    return {
        "figure.figsize": (wide, 0.75 * wide),
        "figure.dpi": look.dpi,
        "savefig.dpi": look.dpi,
        "figure.constrained_layout.use": True,
        "font.size": look.font,
        "axes.labelsize": look.label,
        "axes.titlesize": look.label,
        "figure.titlesize": look.label,
        "figure.labelsize": look.label,
        "legend.fontsize": look.font,
        "legend.title_fontsize": look.font,
        "legend.frameon": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.8 * look.line / 1.5,
        "lines.linewidth": look.line,
        **ticks,
        **FILE_SETTINGS,
    }


def _ticks(look: Style) -> dict[str, float]:
    by_line = {"major.width": 0.8, "minor.width": 0.6, "major.size": 3.5, "minor.size": 2.0}
    return {"labelsize": look.font} | {name: value * look.line / 1.5 for name, value in by_line.items()}


def house_style(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Run a plotting function in the style in force, unless it was given an Axes or Figure, which keeps its style.

    The function draws as for a notebook; its figure then gets the size that the style sets.
    """

    @wraps(function)
    def styled(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        if _InForce.drawing or kwargs.get("ax") is not None or kwargs.get("figure") is not None:
            return function(*args, **kwargs)
        _InForce.drawing = True
        try:
            with style(), mpl.rc_context({"figure.figsize": (4.0, 3.0)}):
                made = function(*args, **kwargs)
                for figure in _figures(made):
                    fit(figure)
        finally:
            _InForce.drawing = False
        return made

    return styled


def _figures(made: Any) -> Iterator[Figure]:
    if isinstance(made, Axes):
        made = made.get_figure(root=True)
    if isinstance(made, Figure):
        yield made
    elif isinstance(made, Mapping | list | tuple):
        for one in made.values() if isinstance(made, Mapping) else made:
            yield from _figures(one)


def fit(figure: Figure) -> None:
    """Give a figure made for a notebook the size that the style in force sets."""
    look = _STYLES[_InForce.name]
    width, height = figure.get_size_inches()
    if _InForce.name == "paper":
        needed = ROOM * width / MM
        fitting = [column for column in COLUMNS if column >= needed - 0.5]
        wide = _InForce.width or (fitting[0] if fitting else COLUMNS[-1])
        # The width of a wide figure shrinks more than its type, so it stays higher.
        figure.set_size_inches(wide * MM, min(height * max(wide * MM / width, ROOM), TALLEST * MM))
    elif look.scale != 1.0:
        figure.set_size_inches(width * look.scale, height * look.scale)
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            axis.get_major_ticks(1)  # Ticks made at draw time, when the style is gone, are copies of the first one.


def font_size(steps: float = 0.0) -> float:
    """Return the type size of the style in force, in points, at least 5; `steps` are relative to 9 in a notebook."""
    size = float(mpl.rcParams["font.size"])
    return max(size * (1.0 + steps / 9.0), min(size, 5.0))


def label_size() -> float:
    """Return the size of axis labels and titles, in points."""
    size = mpl.rcParams["axes.labelsize"]
    return float(size) if isinstance(size, int | float) else float(mpl.rcParams["font.size"])


def line_width(points: float) -> float:
    """Return the width of a line that has `points` in a notebook."""
    return points * _STYLES[_InForce.name].line / 1.5


def foreground() -> str:
    """Return the colour of text and axes in the settings in force: black, or white on dark backgrounds."""
    return to_hex(mpl.rcParams["text.color"])


def background() -> str:
    """Return the background colour of figures in the settings in force; white if there is none."""
    for name in ("axes.facecolor", "figure.facecolor"):
        if to_rgba(mpl.rcParams[name])[3] > 0:
            return to_hex(mpl.rcParams[name])
    return "#ffffff"


def ink(strength: float) -> str:
    """Return a mix of foreground (1) and background (0)."""
    front, back = np.array(to_rgb(foreground())), np.array(to_rgb(background()))
    return to_hex(np.clip(back + strength * (front - back), 0.0, 1.0))


def line_color() -> str:
    """Return the colour of the main curve; #222222 on white."""
    return ink(1 - 0x22 / 255)


def neutral() -> str:
    """Return the colour of elements without their own; #555555 on white."""
    return ink(1 - 0x55 / 255)


def reference() -> str:
    """Return the colour of reference lines, such as chance; #999999 on white."""
    return ink(1 - 0x99 / 255)


def panel_letters(axes: Iterable[Axes]) -> None:
    """Put a letter at the upper left of each panel, in styles that have them; a single panel gets none."""
    panels = list(axes)
    if not _STYLES[_InForce.name].letters or len(panels) < 2:
        return
    for letter, ax in zip("abcdefghijklmnopqrstuvwxyz", panels, strict=False):
        ax.annotate(
            letter,
            (0.0, 1.0),
            xytext=(-2.4 * font_size(), 0.5 * font_size()),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            fontsize=font_size(1),
            fontweight="bold",
            gid="panel letter",
        )


def weight_cmap() -> Colormap:
    """Return the diverging map for weights: inhibitory (negative) red, zero white, excitatory blue."""
    colours = ["#7A1405", I_COLOR, "#FFFFFF", E_COLOR, "#003A66"]
    return LinearSegmentedColormap.from_list("eicon_weights", colours)


def angle_cmap() -> Colormap:
    """Return the cyclic map for angles: twilight, darkened, so that its pale end is visible on white."""
    shades = mpl.colormaps["twilight"](np.linspace(0.0, 1.0, 257))[:256]
    shades[:, :3] *= 0.85
    return ListedColormap(shades, name="eicon_angle")


def coherence_cmap() -> Colormap:
    """Return the sequential map for coherence: viridis without its yellow end, which is too pale on white."""
    return ListedColormap(mpl.colormaps["viridis"](np.linspace(0.0, 0.9, 256)), name="eicon_coherence")


def axes_or_new(ax: Axes | None, *, figsize: tuple[float, float] | None = None) -> Axes:
    """Return `ax`, or the Axes of a new figure."""
    return ax if ax is not None else new_figure(1, figsize=figsize)[1][0]


def new_figure(rows: int, *, figsize: tuple[float, float] | None = None) -> tuple[Figure, list[Axes]]:
    """Make a figure with `rows` stacked Axes that share the x axis."""
    figure, axes = panels(rows, 1, figsize, sharex=True)
    return figure, list(axes[:, 0])


def panels(
    rows: int, columns: int, size: tuple[float, float] | None, *, tick_size: float | None = None, **options: Any
) -> tuple[Figure, np.ndarray]:
    """Make a figure of Axes (rows, columns) in the style in force; `size` in inches of a notebook."""
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, **options)
    for ax in axes.flat:
        small_ticks(ax, tick_size)
    return figure, axes


def small_ticks(ax: Axes, size: float | None = None) -> None:
    """Store the size of tick labels, by default of the style: ticks are made at draw time, when the style is gone."""
    ax.tick_params(labelsize=mpl.rcParams["xtick.labelsize"] if size is None else size)
