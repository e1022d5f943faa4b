"""The numbers of a figure, read from what is drawn in it."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.colors import BoundaryNorm, to_hex, to_rgba
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle, StepPatch
from matplotlib.quiver import Quiver
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter
from matplotlib.transforms import Transform

COLUMNS = ("panel", "x_label", "y_label", "series", "mark", "x", "x_name", "y", "y_name", "lower", "upper", "value")
"""Columns of the table of a figure."""

LARGEST_MAP = 100_000
"""Most cells of a matrix that are written individually."""

Point = dict[str, Any]


def figure_numbers(figure: Figure) -> list[list[Any]]:
    """Return the contents of a figure as rows, one for each point, in the columns `COLUMNS`.

    Parameters
    ----------
    figure : matplotlib Figure

    Returns
    -------
    list of list
        Panels are counted from 1, as they were made; their title follows. ``series`` is the name in the legend or the
        level on the colour bar, or else the number of the artist in the panel. ``mark`` is the kind of artist: line,
        point, interval, band, bar, step, cell of a map (``value``), horizontal or vertical line. ``lower`` and
        ``upper`` are ends of intervals, bands and bars. Invisible points (NaN) have no row. Colour bars and legends
        are not panels. A matrix of more than 100,000 cells has a single row with a note.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure()
    >>> _ = figure.subplots().plot([0.0, 1.0], [2.0, 3.0], label="rate")
    >>> [[row[3], row[4], row[5], row[7]] for row in figure_numbers(figure)]
    [['rate', 'line', 0.0, 2.0], ['rate', 'line', 1.0, 3.0]]
    """
    rows = []
    colours = _named_colours(figure)
    for number, ax in enumerate(_panels(figure.axes), start=1):
        title = next((text for loc in ("left", "center", "right") if (text := ax.get_title(loc=loc))), "")
        about = {
            "panel": f"{number}: {title}" if title else str(number),
            "x_label": ax.get_xlabel() or _shared(figure, "_supxlabel"),
            "y_label": ax.get_ylabel() or _shared(figure, "_supylabel"),
        }
        names = {axis: _names(ax, axis) for axis in "xy"}
        for point in _points(ax, colours | _legend_of(ax)):
            for axis, named in names.items():
                point[f"{axis}_name"] = named.get(point[axis], "") if axis in point else ""
            point |= {key: _rounded(value) for key, value in point.items()}
            rows.append([(about | point).get(column, "") for column in COLUMNS])
    return rows


def _panels(axes: Iterable[Axes]) -> Iterator[Axes]:
    for ax in axes:
        if ax.get_visible() and not hasattr(ax, "_colorbar") and ax.get_label() != "<colorbar>":
            yield ax
            yield from _panels(child for child in ax.child_axes if isinstance(child, Axes))


def _shared(figure: Figure, which: str) -> str:
    text = getattr(figure, which, None)
    return "" if text is None else str(text.get_text())


def _names(ax: Axes, axis: str) -> dict[float, str]:
    """Return the names of places, on an axis whose ticks have names that are not numbers."""
    of = ax.xaxis if axis == "x" else ax.yaxis
    locator, formatter = of.get_major_locator(), of.get_major_formatter()
    if not isinstance(locator, FixedLocator) or not isinstance(formatter, FixedFormatter | FuncFormatter):
        return {}
    places = np.asarray(locator.tick_values(0, 0), float).tolist()
    return {place: name for place, name in zip(places, formatter.format_ticks(places), strict=True) if _is_name(name)}


def _is_name(text: str) -> bool:
    try:
        float(text.replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        return bool(text)
    return False


def _rounded(value: Any) -> Any:
    return float(f"{value:.7g}") if isinstance(value, float | np.floating) else value


def _named_colours(figure: Figure) -> dict[str, str]:
    """Return the names of colours shared by all panels: in legends of the figure, and of levels on bars."""
    named: dict[str, str] = {}
    for ax in _all_axes(figure.axes):
        bar = getattr(ax, "_colorbar", None)
        levels = None if bar is None else bar.mappable.get_array()
        if bar is not None and levels is not None and isinstance(bar.norm, BoundaryNorm) and len(levels) == bar.cmap.N:
            label = ax.get_ylabel() or ax.get_xlabel()
            for level, colour in zip(levels, bar.cmap(np.arange(bar.cmap.N)), strict=True):
                named[to_hex(colour)] = f"{label} {level:g}"
    for legend in figure.legends:
        named |= _names_in(legend)
    return named


def _all_axes(axes: Iterable[Axes]) -> Iterator[Axes]:
    for ax in axes:
        yield ax
        yield from _all_axes(child for child in ax.child_axes if isinstance(child, Axes))


def _legend_of(ax: Axes) -> dict[str, str]:
    legend = ax.get_legend()
    return {} if legend is None else _names_in(legend)


def _names_in(legend: Legend) -> dict[str, str]:
    """Return the names of the colours in a legend, if a colour has only one."""
    found: dict[str, list[str]] = {}
    for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True):
        if (colour := _colour(handle)) is not None:
            found.setdefault(colour, []).append(text.get_text())
    return {colour: names[0] for colour, names in found.items() if len(names) == 1}


def _colour(artist: Any) -> str | None:
    """Return the colour of an artist if it is informative; greys have many uses."""
    if isinstance(artist, ErrorbarContainer):
        line, _, bars = artist.lines
        artist = bars[0] if line is None else line
    for get in ("get_color", "get_facecolor", "get_edgecolor"):
        colour = getattr(artist, get, lambda: None)()
        if colour is not None and len(colour) and (isinstance(colour, str) or np.ndim(colour) < 2 or len(colour) == 1):
            rgba = to_rgba(colour if isinstance(colour, str) else tuple(np.ravel(np.asarray(colour, float))))
            if rgba[3] > 0:
                return to_hex(rgba) if max(rgba[:3]) - min(rgba[:3]) > 0.05 else None
    return None


def _points(ax: Axes, colours: dict[str, str]) -> Iterator[Point]:
    taken: set[Artist] = set()
    for container in ax.containers:
        if isinstance(container, ErrorbarContainer):
            taken.update(_parts_of(container))
            yield from _intervals(container, _series(container, colours, ""))
        elif isinstance(container, BarContainer):
            taken.update(container.patches)
            first = container.patches[0] if container.patches else container
            yield from _bars(container, _series(container, colours, _series(first, colours, "")))
    counted = 0
    for artist in (*ax.lines, *ax.collections, *ax.patches, *ax.images):
        if artist in taken or not artist.get_visible():
            continue
        counted += 1
        yield from _of_artist(ax, artist, _series(artist, colours, str(counted)))


def _parts_of(container: ErrorbarContainer) -> Iterator[Artist]:
    line, caps, bars = container.lines
    yield from [*([] if line is None else [line]), *caps, *bars]


def _series(artist: Any, colours: dict[str, str], otherwise: str) -> str:
    """Return the name given for the file, or that in the legend, or that of the colour."""
    gid, label = getattr(artist, "get_gid", lambda: None)(), str(artist.get_label())
    if gid:
        return str(gid)
    if label and label != "None" and not label.startswith("_"):
        return label
    name = colours.get(_colour(artist) or "", otherwise)
    dash = _DASHES.get(getattr(artist, "get_linestyle", lambda: "")()) if isinstance(artist, Line2D) else None
    return f"{name} ({dash})" if dash and name != otherwise else name


_DASHES = {"--": "dashed", ":": "dotted", "-.": "dash-dotted"}


def _intervals(container: ErrorbarContainer, series: str) -> Iterator[Point]:
    line, _, bars = container.lines
    places = np.empty((0, 2)) if line is None else np.asarray(line.get_xydata(), float)
    for i, (x, y) in enumerate(places):
        point: Point = {"series": series, "mark": "interval" if bars else "point", "x": x, "y": y}
        for bar in bars:
            segments = bar.get_segments()
            if i < len(segments) and len(ends := np.asarray(segments[i])):
                upright = ends[0, 0] == ends[-1, 0]
                low, high = sorted(ends[:, 1] if upright else ends[:, 0])
                if high > low or "lower" not in point:
                    point |= {"lower": low, "upper": high}
        if np.isfinite([x, y]).all():
            yield point


def _bars(container: BarContainer, series: str) -> Iterator[Point]:
    for patch in container.patches:
        x, y, wide, high = patch.get_x(), patch.get_y(), patch.get_width(), patch.get_height()
        if container.orientation == "horizontal":
            yield {"series": series, "mark": "bar", "y": y + high / 2, "x": x + wide, "lower": y, "upper": y + high}
        else:
            yield {"series": series, "mark": "bar", "x": x + wide / 2, "y": y + high, "lower": x, "upper": x + wide}


def _of_artist(ax: Axes, artist: Any, series: str) -> Iterator[Point]:
    if isinstance(artist, Line2D):
        yield from _of_line(ax, artist, series)
    elif isinstance(artist, AxesImage):
        yield from _of_image(artist, series)
    elif isinstance(artist, QuadMesh):
        corners = np.asarray(artist.get_coordinates())
        centres = (corners[:-1, :-1] + corners[1:, 1:]) / 2
        yield from _map(centres[..., 0], centres[..., 1], artist.get_array(), series)
    elif isinstance(artist, Quiver):
        for x, y, u, v in zip(*map(np.ravel, (artist.X, artist.Y, artist.U, artist.V)), strict=True):
            yield {"series": f"{series} (to the right, up)", "mark": "arrow", "x": x, "y": y, "lower": u, "upper": v}
    elif isinstance(artist, LineCollection):
        for i, segment in enumerate(artist.get_segments(), start=1):
            yield from _pairs(np.asarray(segment, float), f"{series}.{i}", "line")
    elif isinstance(artist, PathCollection):
        yield from _of_scatter(artist, series)
    elif isinstance(artist, PolyCollection):
        for path in artist.get_paths():
            vertices = np.asarray(path.vertices, float)
            if all(_in_data(ax, artist.get_transform())):
                yield from _of_band(vertices, series)
            else:
                low, high = vertices[:, 0].min(), vertices[:, 0].max()
                yield {"series": series, "mark": "span of x", "x": (low + high) / 2, "lower": low, "upper": high}
    elif isinstance(artist, Collection):
        for i, path in enumerate(artist.get_paths(), start=1):
            yield from _pairs(np.asarray(path.vertices, float), f"{series}.{i}", "contour")
    elif isinstance(artist, StepPatch):
        values, edges, _ = artist.get_data()
        for value, low, high in zip(values, edges[:-1], edges[1:], strict=True):
            yield {"series": series, "mark": "step", "x": (low + high) / 2, "y": value, "lower": low, "upper": high}
    elif isinstance(artist, Patch):
        yield from _of_patch(ax, artist, series)


def _in_data(ax: Axes, transform: Transform) -> tuple[bool, bool]:
    of_x, of_y = transform.contains_branch_seperately(ax.transData)
    return bool(of_x), bool(of_y)


def _of_line(ax: Axes, line: Line2D, series: str) -> Iterator[Point]:
    points = np.column_stack(np.broadcast_arrays(line.get_xdata(orig=False), line.get_ydata(orig=False)))
    match _in_data(ax, line.get_transform()):
        case True, True:
            lonely = line.get_linestyle() in ("None", "none", "", " ")
            solid = getattr(line, "get_data_3d", None)
            if solid is not None:
                for x, y, z in zip(*map(np.atleast_1d, solid()), strict=True):
                    yield {"series": series, "mark": "line", "x": x, "y": y, "value": z}
                return
            yield from _pairs(points, series, "point" if lonely or len(points) == 1 else "line")
        case True, False:
            yield {"series": series, "mark": "vertical line", "x": points[0, 0]}
        case False, True:
            yield {"series": series, "mark": "horizontal line", "y": points[0, 1]}


def _pairs(points: np.ndarray, series: str, mark: str) -> Iterator[Point]:
    for x, y in points[np.isfinite(points).all(1)]:
        yield {"series": series, "mark": mark, "x": x, "y": y}


def _of_image(image: AxesImage, series: str) -> Iterator[Point]:
    array = image.get_array()
    if array is None or array.ndim != 2:
        return
    left, right, bottom, top = image.get_extent()
    n_y, n_x = array.shape
    x = left + (np.arange(n_x) + 0.5) * (right - left) / n_x
    first, last = (top, bottom) if image.origin == "upper" else (bottom, top)
    y = first + (np.arange(n_y) + 0.5) * (last - first) / n_y
    across, up = np.meshgrid(x, y)
    yield from _map(across, up, array, series)


def _map(x: np.ndarray, y: np.ndarray, shown: Any, series: str) -> Iterator[Point]:
    values: np.ndarray = np.ma.filled(np.ma.asarray(shown, float), np.nan)
    if values.size > LARGEST_MAP:
        size = " x ".join(map(str, values.shape))
        yield {"series": f"{series}: {size} cells are too many to be written", "mark": "map"}
        return
    for one, other, value in zip(x.ravel(), y.ravel(), values.ravel(), strict=True):
        if np.isfinite(value):
            yield {"series": series, "mark": "map", "x": one, "y": other, "value": value}


def _of_scatter(points: PathCollection, series: str) -> Iterator[Point]:
    places: np.ndarray = np.ma.filled(np.ma.asarray(points.get_offsets(), float), np.nan)
    solid = getattr(points, "_offsets3d", None)
    values = points.get_array() if solid is None else solid[2]
    shown = [None] * len(places) if values is None or len(values) != len(places) else np.asarray(values, float)
    for (x, y), value in zip(places, shown, strict=True):
        if np.isfinite([x, y]).all():
            yield {"series": series, "mark": "point", "x": x, "y": y} | ({} if value is None else {"value": value})


def _of_band(vertices: np.ndarray, series: str) -> Iterator[Point]:
    for x in np.unique(vertices[:, 0]):
        y = vertices[vertices[:, 0] == x, 1]
        yield {"series": series, "mark": "band", "x": x, "lower": y.min(), "upper": y.max()}


def _of_patch(ax: Axes, patch: Patch, series: str) -> Iterator[Point]:
    match _in_data(ax, patch.get_transform()):
        case True, True if not isinstance(patch, Rectangle):
            yield from _pairs(np.asarray(patch.get_path().vertices, float), series, "outline")
        case True, _ if isinstance(patch, Rectangle):
            x, wide = patch.get_x(), patch.get_width()
            yield {"series": series, "mark": "span of x", "x": x + wide / 2, "lower": x, "upper": x + wide}
        case False, True if isinstance(patch, Rectangle):
            y, high = patch.get_y(), patch.get_height()
            yield {"series": series, "mark": "span of y", "y": y + high / 2, "lower": y, "upper": y + high}
