"""A wiring diagram of a small network: its units, or groups of them, and the connections that matter."""

import re
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Transform
from numpy.typing import ArrayLike

from ._connectivity import sorted_types
from ._parts import category_looks, level_colours, number
from ._style import (
    E_COLOR,
    I_COLOR,
    axes_or_new,
    background,
    font_size,
    foreground,
    house_style,
    ink,
    line_width,
    neutral,
)
from ._wiring_layout import PAGE, Connection, Group, Node, laid_out, routed

MOST_UNITS = 60
MOST_CONNECTIONS = 48
"""Most connections between units; with more, connections are drawn between groups."""
MOST_CHANNELS = 8
"""Most inputs, and outputs, that are drawn; of more, only the number is given."""
STEPS = -2.0
"""Type size of labels, see `font_size`; lengths of the layout are in units of this size."""
WIDEST = {True: 1.1, False: 0.6}
"""Widths of the strongest connection, between groups and between units."""
LEGEND_COLUMNS = 3
MOST_LEVELS = 8
"""Most preferences in the legend; of more, the first and the last one."""
NO_LABEL, NO_PREFERENCE = "no label", "no preference"
"""Names of missing labels (empty text, None or NaN), where other units have one."""
_CATEGORIES = 4


class Units(NamedTuple):
    """Properties of the units."""

    names: list[str]
    types: np.ndarray | None
    kind: np.ndarray
    """Index into `kinds`."""
    kinds: list[str]
    fill: list[Any] | None
    key: dict[Any, Any]
    """Colours of preferences, for the legend."""
    values: np.ndarray
    """Values shown as sizes; NaN without any."""

    @property
    def inhibitory(self) -> np.ndarray:
        return np.zeros(len(self.names), bool) if self.types is None else ~self.types


@house_style
def plot_wiring(
    W: ArrayLike,
    excitatory: ArrayLike | None = None,
    *,
    W_in: ArrayLike | None = None,
    W_out: ArrayLike | None = None,
    preferred: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    represents: Sequence[str] | ArrayLike | None = None,
    rates: ArrayLike | None = None,
    names: Sequence[str] = (),
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    share: float | int = 0.8,
    pool: bool | None = None,
    note: str = "",
    ax: Axes | None = None,
) -> Axes:
    r"""Draw a small network as a circuit: units, or groups of them, and the connections that matter.

    Arrows excite and bars inhibit. Inputs are at the left, outputs at the right, up to 8 of each; the caption states if
    there are more. Units of a group are neighbours.

    The strongest connections that together make up `share` of the absolute weight are drawn. If these are too many to
    read, connections are drawn between groups, A and B: the input to a unit of B when all units of A have the rate 1,
    averaged over the units of B,

    .. math:: J_{AB} = \frac{1}{|B|} \sum_{i \in A} \sum_{j \in B} W_{ij}

    (for readouts the sum). The caption states the share that is drawn. Connections that are not drawn are weak, but the
    network may need them: see `eicon.studies.perturbation_effects`. Multiply the rows of `W` by mean rates for
    currents.

    Parameters
    ----------
    W : (N, N) array
        Effective weights ``W[pre, post]`` of at most 60 units.
    excitatory : (N,) bool array, optional
        True for E units (blue), False for I units (red); None for units that are neither (grey).
    W_in, W_out : (n_in, N) and (N, n_out) arrays, optional
        Weights of inputs and outputs; each matrix has its own widths.
    preferred : (N,) array, or (N, 3) array of colours, optional
        Preference of each unit, for instance a condition: it fills the circles, and makes groups. Colours, including
        strings ``"#rrggbb"``, only fill. The empty text, None or NaN means no preference.
    groups : (N,) array, optional
        Further labels by which units are grouped, for instance ``net.units["area"]``. E and I units of a label are
        separate groups, as are those without a label (the empty text, None or NaN).
    represents : sequence of str, or (N,) array, optional
        Units that each unit represents, ``net.units["represents"]`` (separated by commas), or their number, which sets
        the size.
    rates : (N,) array, optional
        Mean rates, which set the size if `represents` is not given.
    names : sequence of str, optional
        Short names of units; by default their numbers.
    inputs, outputs : sequence of str, optional
        Names of channels.
    share : float
        Share of the absolute weight that is drawn, in (0, 1].
    pool : bool, optional
        Draw connections between groups. By default if there would be more than 48 connections between units.
    note : str
        Further text for the caption, for instance when units are most active.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If a shape does not match, there are more than 60 units, a weight is not finite, `share` is outside (0, 1], or
        sizes are given twice.

    Examples
    --------
    >>> W = [[0.5, 0.0, 1.0], [0.0, 0.5, 1.0], [-1.0, -1.0, 0.0]]
    >>> ax = plot_wiring(W, [True, True, False], preferred=["left", "right", ""], W_out=[[1, 0], [0, 1], [0, 0]])
    >>> print(ax.get_xlabel().replace("\n", " "))
    Lines: 80 % of the recurrent weight (widest: 1), 100 % of the readout (widest: 1). Weaker ones are left out.
    """
    weights = _checked("W", W, "N", "N")
    n = len(weights)
    if n > MOST_UNITS:
        raise ValueError(
            f"`W` has {n} units, and a wiring diagram is legible up to {MOST_UNITS}; "
            "use plot_connectivity, or condense the network."
        )
    if not 0 < share <= 1:
        raise ValueError(f"`share` must be in (0, 1], the share of the weight that is drawn; got {share}.")
    units = _units(n, excitatory, preferred, groups, represents, rates, names)
    given = np.zeros((0, n)) if W_in is None else _checked("W_in", W_in, "n_in", n)
    read = np.zeros((n, 0)) if W_out is None else _checked("W_out", W_out, n, "n_out")
    said = [_channels("inputs", inputs, len(given), "in"), _channels("outputs", outputs, read.shape[1], "out")]
    absent = []
    if len(said[0]) > MOST_CHANNELS:
        absent.append(f"{len(said[0])} inputs")
        said[0], given = [], given[:0]
    if len(said[1]) > MOST_CHANNELS:
        absent.append(f"{len(said[1])} outputs")
        said[1], read = [], read[:, :0]
    if pool is None:
        pool = int(np.count_nonzero(_strongest(weights, share))) > MOST_CONNECTIONS
    together = _groups(units) if pool else []
    if together:
        member = np.stack([np.isin(np.arange(n), one.members) for one in together], axis=1).astype(float)
        mean = member / member.sum(0)
        weights, given, read = member.T @ weights @ mean, given @ mean, member.T @ read
    connections, words = _chosen(weights, given, read, share, pool)
    caption = textwrap.fill(" ".join([words, *(f"The {what} are not drawn." for what in absent), note]).strip(), 62)
    layout = laid_out(units.names, _scale(units.values), units.kind, units.inhibitory, together, *said)
    handles = _entries(units, layout.units, represents is not None, weights, given, read)
    wide, high = layout.page
    inches = 4.0 * wide / PAGE
    ax = axes_or_new(ax, figsize=(inches, inches * high / wide + _besides(handles, caption)))
    frame = Affine2D().scale(1.0 / wide, 1.0 / high) + ax.transAxes
    for group, box in zip(together, layout.boxes, strict=True):
        colour = _type_colour(units, group.inhibitory)
        _draw_box(ax, frame, box, ink(0.03), colour, zorder=1)
        _text(ax, frame, box.centre + np.array([0.0, box.half[1] - 0.25]), box.name, va="top", color=colour)
    for channel in layout.channels:
        _draw_box(ax, frame, channel, background(), neutral(), zorder=3)
        _text(ax, frame, channel.centre, channel.name)
    for connection, path in routed(connections, layout):
        _draw_connection(ax, frame, connection, path, layout.joined, bool(together))
    for i, place in enumerate(layout.units):
        _draw_unit(ax, frame, place, units, i)
    _finish(ax, wide, high, caption, handles)
    return ax


def _checked(name: str, values: ArrayLike, rows: int | str, columns: int | str) -> np.ndarray:
    """Check for finite weights (rows, columns); sizes may be names, of which equal ones mean equal numbers."""
    array = np.asarray(values, dtype=np.float64)
    square = rows == columns
    fits = [isinstance(one, str) or one == size for one, size in zip((rows, columns), array.shape, strict=False)]
    if array.ndim != 2 or not all(fits) or (square and not array.shape[0] == array.shape[1] > 0):
        wanted = "square (N, N), W[pre, post]" if square else f"({rows}, {columns}), [from, to]"
        raise ValueError(f"`{name}` must be {wanted}; got shape {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"`{name}` must be finite; got {array[~np.isfinite(array)][0]:g}: has the training diverged?")
    return array


def _channels(name: str, given: Sequence[str], n: int, short: str) -> list[str]:
    if len(given) not in (0, n):
        raise ValueError(f"`{name}` must name the {n} channels; got {len(given)} names.")
    return [str(one).replace("_", " ") for one in given] or [f"{short} {i}" if n > 1 else short for i in range(n)]


def _units(
    n: int,
    excitatory: ArrayLike | None,
    preferred: ArrayLike | None,
    groups: ArrayLike | None,
    represents: Sequence[str] | ArrayLike | None,
    rates: ArrayLike | None,
    names: Sequence[str],
) -> Units:
    if len(names) not in (0, n):
        raise ValueError(f"`names` must name the {n} units; got {len(names)} names.")
    if represents is not None and rates is not None:
        raise ValueError("the size of units is set by `represents` or `rates`; got both.")
    said = [str(name) for name in names] or [str(i) for i in range(n)]
    types = None if excitatory is None else sorted_types(excitatory, n)
    values = np.full(n, np.nan)
    if represents is not None:
        words = np.asarray(represents)
        counts = [len(text.split(",")) * bool(text) for text in words.tolist()] if words.dtype.kind in "UO" else words
        values = _sizes("represents", counts, n)
    elif rates is not None:
        values = _sizes("rates", rates, n)
    places = _labels("groups", groups, n, NO_LABEL)
    labels, fill, key = _fills(preferred, n)
    parts = [(levels, one) for levels, one in ((list(dict.fromkeys(places)), places), (list(key), labels)) if one]
    ranks = list(zip(*([levels.index(one) for one in each] for levels, each in parts), strict=True)) or [()] * n
    found = sorted(set(ranks))
    kinds = [" ".join(str(levels[i]) for (levels, _), i in zip(parts, one, strict=True)) for one in found]
    return Units(said, types, np.array([found.index(one) for one in ranks]), kinds, fill, key, values)


def _scale(values: np.ndarray) -> np.ndarray:
    """Return sizes, 0 to 1: square roots of the values, so that areas are proportional to values."""
    return np.zeros(len(values)) if np.isnan(values).all() or not values.max() else np.sqrt(values / values.max())


def _sizes(name: str, given: Any, n: int) -> np.ndarray:
    values = np.asarray(given, dtype=np.float64)
    if values.shape != (n,) or not np.isfinite(values).all():
        raise ValueError(f"`{name}` must contain a number for each unit, shape ({n},); got shape {values.shape}.")
    return np.maximum(values, 0.0)


def _labels(name: str, given: ArrayLike | None, n: int, missing: str) -> list[Any]:
    """Return one label for each unit; none if no unit has one."""
    if given is None:
        return []
    labels = np.asarray(given)
    if labels.shape != (n,):
        raise ValueError(f"`{name}` must contain a label for each unit, shape ({n},); got shape {labels.shape}.")
    values = [missing if one is None or one == "" or one != one else one for one in labels.tolist()]
    return [] if set(values) == {missing} else values


def _fills(preferred: ArrayLike | None, n: int) -> tuple[list[Any], list[Any] | None, dict[Any, Any]]:
    """Return labels unless these are colours, colours, and the colour of each label, sorted, no preference last."""
    given = np.asarray(preferred)
    if given.shape in ((n, 3), (n, 4)):
        return [], [to_rgba(tuple(one)) for one in given], {}
    labels = _labels("preferred", preferred, n, NO_PREFERENCE)
    if given.dtype.kind == "U" and labels and all(one.startswith("#") for one in labels):
        return [], [to_rgba(one) for one in labels], {}
    levels = sorted(set(labels) - {NO_PREFERENCE}, key=_place)
    if len(levels) <= _CATEGORIES:
        colours = [to_rgba(look["color"]) for look in category_looks(len(levels))]
    else:
        colours = [to_rgba(tuple(one)) for one in level_colours(np.arange(len(levels)), "")]
    key = dict(zip(levels, colours, strict=True)) | (
        {NO_PREFERENCE: to_rgba(ink(0.3))} if NO_PREFERENCE in labels else {}
    )
    return labels, [key[one] for one in labels] or None, key


def _place(label: Any) -> list[Any]:
    """Return the sort key of a label: numbers in text sort by value."""
    parts = re.split(r"(\d+(?:\.\d+)?)", label) if isinstance(label, str) else ["", label]
    return [float(part) if i % 2 else part for i, part in enumerate(parts)]


def _groups(units: Units) -> list[Group]:
    """Return the existing groups, E before I within a kind."""
    made = []
    for kind, name in enumerate(units.kinds):
        for inhibitory in (False, True):
            members = np.flatnonzero((units.kind == kind) & (units.inhibitory == inhibitory))
            words = ("" if units.types is None else "EI"[inhibitory], name if len(units.kinds) > 1 else "")
            if members.size:
                made.append(Group(" ".join(filter(None, words)), kind, inhibitory, members))
    return made


def _strongest(weights: np.ndarray, share: float) -> np.ndarray:
    """Return a mask of the strongest weights that make up a share of all."""
    sizes = np.abs(weights).ravel()
    order = np.argsort(-sizes, kind="stable")
    total = np.cumsum(sizes[order])
    chosen = np.zeros(sizes.size, bool)
    if total.size and total[-1] > 0:
        chosen[order[: int(np.searchsorted(total, share * total[-1] * (1 - 1e-9))) + 1]] = True
    return (chosen & (sizes > 0)).reshape(weights.shape)


def _chosen(
    weights: np.ndarray, given: np.ndarray, read: np.ndarray, share: float, pool: bool
) -> tuple[list[Connection], str]:
    """Return the connections to draw, strongest first, and their description."""
    n, found, said = len(weights), [], []
    what = "recurrent coupling" if pool else "recurrent weight"
    parts = ((what, weights, 0, 0), ("input", given, n, 0), ("readout", read, 0, n + len(given)))
    for name, matrix, first, last in parts:
        total = np.abs(matrix).sum()
        if not total:
            continue
        mask, largest = _strongest(matrix, share), float(np.abs(matrix).max())
        for i, j in np.argwhere(mask):
            weight = float(matrix[i, j])
            width = WIDEST[pool] * abs(weight) / largest
            found.append(Connection(int(i) + first, int(j) + last, weight, width, name == "input"))
        drawn = np.abs(matrix[mask]).sum() / total
        said.append(f"{100 * drawn:.0f} % of the {name} (widest: {number(largest)})")
    lines = "Lines between groups" if pool else "Lines"
    weaker = " Weaker ones are left out." if any(not one.startswith("100 %") for one in said) else ""
    text = f"{lines}: {', '.join(said)}.{weaker}" if said else "There is no connection."
    return sorted(found, key=lambda one: -one.width), text


def _besides(handles: list[Line2D], caption: str) -> float:
    """Return the inches that legend and caption take in a notebook."""
    rows, spacing = -(-len(handles) // LEGEND_COLUMNS), _spacing(handles)
    return (8.0 * (rows * (1.0 + spacing) + 1.35 * (caption.count("\n") + 1)) + 34.0) / 72.0


def _spacing(handles: list[Line2D]) -> float:
    """Return the spacing of legend rows in units of its type size; larger with circles of units."""
    return 1.6 if any(one.get_markerfacecolor() == "none" for one in handles) else 0.4


def _type_colour(units: Units, inhibitory: bool) -> str:
    return neutral() if units.types is None else I_COLOR if inhibitory else E_COLOR


def _draw_box(ax: Axes, frame: Transform, box: Node, face: str, edge: str, zorder: int) -> None:
    (x, y), (wide, high) = box.centre - box.half, 2 * box.half
    look: Any = {"facecolor": face, "edgecolor": edge, "linewidth": line_width(1.0), "zorder": zorder}
    shape = "round,pad=0,rounding_size=0.7"
    ax.add_artist(FancyBboxPatch((x, y), wide, high, boxstyle=shape, transform=frame, **look))


def _text(ax: Axes, frame: Transform, place: np.ndarray, text: str, va: str = "center_baseline", **look: Any) -> None:
    x, y = place.tolist()
    ax.text(
        x, y, text, transform=frame, ha="center", va=va, fontsize=font_size(STEPS), zorder=6, linespacing=1.1, **look
    )


def _draw_unit(ax: Axes, frame: Transform, place: Node, units: Units, i: int) -> None:
    edge = _type_colour(units, bool(units.inhibitory[i]))
    face = edge if units.fill is None else units.fill[i]
    circle = Path.circle(place.centre.tolist(), float(place.half[0]))
    look: Any = {"facecolor": face, "edgecolor": edge, "linewidth": line_width(1.5), "zorder": 4}
    ax.add_artist(PathPatch(circle, transform=frame, **look))
    light = float(np.dot(to_rgb(face), (0.2126, 0.7152, 0.0722))) > 0.45
    _text(ax, frame, place.centre, place.name, color="black" if light else "white")
    _write(ax, frame, place.centre, f"unit {place.name}", float(units.values[i]))


def _write(ax: Axes, frame: Transform, place: np.ndarray, name: str, value: float) -> None:
    """Add a number to the table of the figure: a point without size."""
    x, y = place.tolist()
    ax.scatter(x, y, s=0, c=[value], transform=frame, gid=name)


def _draw_connection(
    ax: Axes, frame: Transform, one: Connection, path: np.ndarray, nodes: list[Node], pool: bool
) -> None:
    colour = ink(0.45) if one.given else E_COLOR if one.weight > 0 else I_COLOR
    shapes = _shapes(path, one.width, one.weight > 0, pool)
    ax.add_artist(PathPatch(shapes, transform=frame, facecolor=colour, linewidth=0.0, zorder=2, alpha=0.85))
    name = f"{nodes[one.source].name} to {nodes[one.target].name}".replace("\n", " ")
    _write(ax, frame, path[-1], name, one.weight)


def _shapes(path: np.ndarray, width: float, excites: bool, pool: bool) -> Path:
    """Return the outline of a connection with its end: an arrow for excitation, or a bar for inhibition."""
    width = max(width, 0.1)
    large = 1.5 if pool else 1.0
    length = large * (0.55 if excites else 0.26) + width * (0.7 if excites else 0.2)
    spread = large * (0.36 if excites else 0.55) + width * (0.75 if excites else 0.5)
    far = np.hypot(*(path - path[-1]).T) > length
    last = int(np.flatnonzero(far)[-1]) if far.any() else 0
    tip = path[-1]
    forward = tip - path[last]
    forward = forward / max(float(np.hypot(*forward)), 1e-9)
    base, side = tip - length * forward, np.array([-forward[1], forward[0]])
    line = np.concatenate([path[: last + 1], (base + 0.3 * length * forward)[None]])
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1) * width / 2
    body = np.concatenate([line + normal, (line - normal)[::-1]])
    if excites:
        end = np.array([base + spread * side, tip, base - spread * side])
    else:
        end = np.array([base + spread * side, tip + spread * side, tip - spread * side, base - spread * side])
    return Path.make_compound_path(*(Path(np.concatenate([one, one[:1]]), closed=True) for one in (body, end)))


def _finish(ax: Axes, wide: float, high: float, caption: str, handles: list[Line2D]) -> None:
    ax.set_xlim(0.0, wide)
    ax.set_ylim(0.0, high)
    ax.set_box_aspect(high / wide)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.set_xlabel(caption, fontsize=font_size(-1), linespacing=1.2)
    if handles:
        ax.legend(
            handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=min(len(handles), LEGEND_COLUMNS),
            fontsize=font_size(-1), handletextpad=0.8, columnspacing=1.0, labelspacing=_spacing(handles),
        )  # fmt: skip


def _entries(
    units: Units, places: list[Node], represents: bool, weights: np.ndarray, given: np.ndarray, read: np.ndarray
) -> list[Line2D]:
    """Return the entries of the legend."""
    handles = []
    signs, grey = np.sign(np.concatenate([weights.ravel(), read.ravel()])), ink(0.45)
    for here, what, looks in ((signs, "", (E_COLOR, I_COLOR)), (np.sign(given), "input ", (grey, grey))):
        for sign, name, marker, colour in ((1, "excites", ">", looks[0]), (-1, "inhibits", "|", looks[1])):
            if (here == sign).any():
                edge = 0.28 * font_size() * (marker == "|")
                handles.append(_entry(what + name, marker, 0.65 * font_size(), colour, colour, edge))
    levels = [one for one in units.key if one != NO_PREFERENCE]
    left_out = levels[1:-1] if len(levels) > MOST_LEVELS else []
    shown = {str(one): colour for one, colour in units.key.items() if one not in left_out}
    handles += [_entry(name, "o", 0.75 * font_size(), colour, neutral(), 0.0) for name, colour in shown.items()]
    known = units.values[np.isfinite(units.values)]
    if known.size:
        what = "represents {} unit" if represents else "rate {}"
        for i in dict.fromkeys((int(known.argmin()), int(known.argmax()))):
            text = what.format(number(known[i])) + ("s" if represents and known[i] != 1 else "")
            size = 2 * float(places[i].half[0]) * font_size(STEPS) * 0.95
            handles.append(_entry(text, "o", size, "none", foreground(), 0.8))
    return handles


def _entry(name: str, marker: str, size: float, face: Any, edge: Any, line: float) -> Line2D:
    return Line2D(
        [], [], linestyle="none", marker=marker, markersize=size, color=edge, markerfacecolor=face,
        markeredgewidth=line, label=name,
    )  # fmt: skip
