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
from scipy.spatial.distance import cdist

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

MOST_UNITS = 60
MOST_CONNECTIONS = 48
"""Between units; where more are needed, connections are drawn between groups."""
PAGE = 40.0
"""Width of a figure. Lengths are in sizes of the type of labels: styles have nearly the same ratio of the two."""
STEPS = -2.0
"""Size of that type, see `font_size`."""
LETTER, LINE = 0.62, 1.35
"""Width of a letter and height of a line."""
WIDEST_PAGE = 1.1 * PAGE
GAP, UNIT_GAP = 4.6, 3.6
COMPACT = (1.0, 0.85, 0.7)
"""Factors of gaps and sizes, which are tried until the drawing is as wide as the page."""
LARGEST = 1.6
"""Diameter of the largest unit, relative to the smallest one."""
WIDEST = {True: 1.1, False: 0.6}
"""Widths of the strongest connection, between groups and between units."""
BENDS = (0.14, -0.14, 0.3, -0.3, 0.5, -0.5, 0.75, -0.75, 1.1, -1.1)
_T = np.linspace(0.0, 1.0, 41)[:, None]
MOST_STRETCHED = 1.7
LEGEND_COLUMNS = 3
_CATEGORIES = 4
MOST_LEVELS = 8
"""Of what is preferred in the legend; of more, the first and the last one."""


class Node(NamedTuple):
    """Ellipse or box that connections begin and end at."""

    name: str
    centre: np.ndarray
    half: np.ndarray
    box: bool = False

    def border(self, direction: np.ndarray, gap: float = 0.2) -> np.ndarray:
        """Point of the border, seen from the centre."""
        unit = direction / max(float(np.hypot(*direction)), 1e-9)
        scaled = np.abs(unit) / (self.half + gap)
        reach = 1.0 / (scaled.max() if self.box else np.hypot(*scaled))
        point: np.ndarray = self.centre + unit * reach
        return point

    def covers(self, points: np.ndarray, margin: float = 0.5) -> np.ndarray:
        """Which points (P, 2) lie in it."""
        scaled = np.abs(points - self.centre) / (self.half + margin)
        inside: np.ndarray = (scaled.max(axis=1) if self.box else np.hypot(*scaled.T)) < 1.0
        return inside


class Connection(NamedTuple):
    """A weight between two nodes, and its width on the page."""

    source: int
    target: int
    weight: float
    width: float
    given: bool
    """From an input, whose colour is neither of E nor of I."""


class Units(NamedTuple):
    """What is known of the units."""

    names: list[str]
    types: np.ndarray | None
    kind: np.ndarray
    """Index into `kinds`."""
    kinds: list[str]
    fill: list[Any] | None
    key: dict[str, Any]
    """Colours of what is preferred, for the legend."""
    values: np.ndarray
    """That sizes stand for; NaN without."""
    scale: np.ndarray
    """Of sizes, 0 to 1: root of the values, so that areas grow with them."""
    diameter: np.ndarray = np.zeros(0)


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
    ax: Axes | None = None,
) -> Axes:
    r"""Draw a small network as a circuit: units, or groups of them, and the connections that matter.

    Arrows excite and bars inhibit. Inputs stand at the left, outputs at the right. Units of a group are neighbours.

    Of all connections, the strongest ones are drawn that together make up `share` of the absolute weight. Where these
    are too many to be read, connections are drawn between groups, A and B: the input to a unit of B when all units of A
    have the rate 1, in the mean over the units of B,

    .. math:: J_{AB} = \frac{1}{|B|} \sum_{i \in A} \sum_{j \in B} W_{ij}

    (of readouts the sum). What share is drawn stands below. What is not drawn is weak, but the network may need
    it: `eicon.studies.perturbation_effects` tells. Multiply the rows of `W` by mean rates to see currents.

    Parameters
    ----------
    W : (N, N) array
        Effective weights ``W[pre, post]`` of at most 60 units.
    excitatory : (N,) bool array, optional
        True for E units (blue), False for I units (red); None for units that are neither (grey).
    W_in, W_out : (n_in, N) and (N, n_out) arrays, optional
        Weights of inputs and outputs; each matrix has widths of its own.
    preferred : (N,) array, or (N, 3) array of colours, optional
        What units prefer, for instance a condition: it fills the circles, and makes groups. Colours, also strings
        ``"#rrggbb"``, only fill.
    groups : (N,) array, optional
        Further labels by which units are grouped, for instance ``net.units["area"]``. E and I units of a label are
        groups of their own.
    represents : sequence of str, or (N,) array, optional
        Units that each unit stands for, ``net.units["represents"]``, or their number: it sets the size.
    rates : (N,) array, optional
        Mean rates, which set the size if `represents` does not.
    names : sequence of str, optional
        Short names of units; by default their numbers.
    inputs, outputs : sequence of str, optional
        Names of channels.
    share : float
        In (0, 1].
    pool : bool, optional
        Draw connections between groups. By default where there would be more than 48 connections between units.
    ax : Axes, optional
        Drawn into; None makes a new figure.

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
    >>> ax = plot_wiring(W, [True, True, False], preferred=["left", "right", "none"], W_out=[[1, 0], [0, 1], [0, 0]])
    >>> print(ax.get_xlabel().replace("\n", " "))
    Lines: 80 % of the recurrent weight (widest: 1), 100 % of the readout (widest: 1).
    """
    weights = _checked("W", W, None, None)
    n = len(weights)
    if n > MOST_UNITS:
        raise ValueError(
            f"`W` has {n} units, and a wiring diagram can be read up to {MOST_UNITS}; "
            "draw plot_connectivity, or condense the network."
        )
    if not 0 < share <= 1:
        raise ValueError(f"`share` must be in (0, 1], the part of the weight that is drawn; got {share}.")
    units = _units(n, excitatory, preferred, groups, represents, rates, names)
    given = np.zeros((0, n)) if W_in is None else _checked("W_in", W_in, None, n)
    read = np.zeros((n, 0)) if W_out is None else _checked("W_out", W_out, n, None)
    said = _channels("inputs", inputs, len(given), "in"), _channels("outputs", outputs, read.shape[1], "out")
    if pool is None:
        pool = int(np.count_nonzero(_strongest(weights, share))) > MOST_CONNECTIONS
    for compact in COMPACT:
        units, cells, places, nodes, page = _laid_out(units, pool, compact, *said)
        if page[0] <= WIDEST_PAGE:
            break
    wide, high = page
    if pool:
        member = _members(units)
        weights, given, read = _pooled(weights, member), given @ member / member.sum(0), member.T @ read
    connections, caption = _chosen(weights, given, read, share, pool)
    handles = _entries(units, represents is not None, weights, read)
    inches = 4.0 * wide / PAGE
    ax = axes_or_new(ax, figsize=(inches, inches * high / wide + _besides(handles, caption)))
    frame = Affine2D().scale(1.0 / wide, 1.0 / high) + ax.transAxes
    if pool:
        _draw_boxes(ax, frame, nodes[: len(cells)], units.types is not None)
    _draw_channels(ax, frame, nodes[len(cells if pool else places) :])
    _draw_connections(ax, frame, nodes, connections, page, pool)
    _draw_units(ax, frame, places, units)
    _finish(ax, wide, high, caption, handles)
    return ax


def _checked(name: str, values: ArrayLike, rows: int | None, columns: int | None) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    square = rows is None and columns is None
    wanted = "square (N, N), W[pre, post]" if square else f"({rows or 'n_in'}, {columns or 'n_out'}), [from, to]"
    if (
        array.ndim != 2
        or (square and (array.shape[0] != array.shape[1] or not array.size))
        or (rows not in (None, array.shape[0]) or columns not in (None, array.shape[1]))
    ):
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
        raise ValueError("the size of units is `represents` or `rates`; got both.")
    said = [str(name) for name in names] or [str(i) for i in range(n)]
    types = None if excitatory is None else sorted_types(excitatory, n)
    values = np.full(n, np.nan)
    if represents is not None:
        words = np.asarray(represents)
        counts = [len(text.split()) for text in words.tolist()] if words.dtype.kind in "UO" else words
        values = _sizes("represents", counts, n)
    elif rates is not None:
        values = _sizes("rates", rates, n)
    scale = np.zeros(n) if np.isnan(values).all() or not values.max() else np.sqrt(values / values.max())
    fill, labels = _fills(preferred, n)
    places = [] if groups is None else list(dict.fromkeys(_labels("groups", groups, n).tolist()))
    places_of = [0] * n if groups is None else [places.index(one) for one in np.asarray(groups).tolist()]
    levels = [] if labels is None else _in_order(labels)
    level_of = [0] * n if labels is None else [levels.index(one) for one in labels.tolist()]
    found = sorted(set(zip(places_of, level_of, strict=True)))
    kinds = [" ".join(str(known[i]) for known, i in zip((places, levels), one, strict=True) if known) for one in found]
    kind = np.array([found.index(one) for one in zip(places_of, level_of, strict=True)])
    key = {} if fill is None or labels is None else dict(zip(labels.tolist(), fill, strict=True))
    return Units(said, types, kind, kinds, fill, {str(level): key[level] for level in levels}, values, scale)


def _sizes(name: str, given: Any, n: int) -> np.ndarray:
    values = np.asarray(given, dtype=np.float64)
    if values.shape != (n,) or not np.isfinite(values).all():
        raise ValueError(f"`{name}` must hold a number for each unit, shape ({n},); got shape {values.shape}.")
    return np.maximum(values, 0.0)


def _labels(name: str, given: ArrayLike, n: int) -> np.ndarray:
    labels = np.asarray(given)
    if labels.shape != (n,):
        raise ValueError(f"`{name}` must hold a label for each unit, shape ({n},); got shape {labels.shape}.")
    return labels


def _fills(preferred: ArrayLike | None, n: int) -> tuple[list[Any] | None, np.ndarray | None]:
    """Colours, and labels if these are no colours."""
    if preferred is None:
        return None, None
    given = np.asarray(preferred)
    if given.shape in ((n, 3), (n, 4)):
        return [to_rgba(tuple(one)) for one in given], None
    labels = _labels("preferred", given, n)
    if labels.dtype.kind == "U" and all(str(one).startswith("#") for one in labels):
        return [to_rgba(str(one)) for one in labels], None
    levels = _in_order(labels)
    if len(levels) <= _CATEGORIES:
        colours = [to_rgba(look["color"]) for look in category_looks(len(levels))]
    else:
        colours = [to_rgba(tuple(one)) for one in level_colours(np.arange(len(levels)), "")]
    return [colours[levels.index(one)] for one in labels.tolist()], labels


def _in_order(labels: np.ndarray) -> list[Any]:
    """Labels that occur, sorted; numbers in text by what they are worth."""
    if labels.dtype.kind in "iuf":
        return list(np.unique(labels).tolist())
    parts = {one: re.split(r"(\d+(?:\.\d+)?)", str(one)) for one in set(labels.tolist())}
    return sorted(parts, key=lambda one: [float(part) if i % 2 else part for i, part in enumerate(parts[one])])


def _members(units: Units) -> np.ndarray:
    """Which unit is in which group, (N, G): E before I of a kind; those that there are."""
    sides = [np.ones(len(units.kind), bool)] if units.types is None else [units.types, ~units.types]
    columns = [(units.kind == kind) & side for kind in range(len(units.kinds)) for side in sides]
    return np.stack([one for one in columns if one.any()], axis=1).astype(float)


def _pooled(weights: np.ndarray, member: np.ndarray) -> np.ndarray:
    pooled: np.ndarray = member.T @ weights @ member / member.sum(0)
    return pooled


def _strongest(weights: np.ndarray, share: float) -> np.ndarray:
    """Mask of the strongest weights that make up a share of all."""
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
    """Connections to draw, strongest first, and what is said of them."""
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
    text = f"{lines}: {', '.join(said)}." if said else "There is no connection."
    return sorted(found, key=lambda one: -one.width), textwrap.fill(text, 62)


def _laid_out(
    units: Units, pool: bool, compact: float, inputs: list[str], outputs: list[str]
) -> tuple[Units, list[Node], list[Node], list[Node], tuple[float, float]]:
    """Units with their sizes, boxes of groups, circles of units, all that connections join, and the page."""
    smallest = _smallest(units.names)
    units = units._replace(diameter=smallest * (1.0 + compact * (LARGEST - 1.0) * units.scale))
    cells, places = _layout(units, pool, compact)
    nodes, page = _with_channels(cells if pool else places, inputs, outputs, space=0.8 * GAP * compact)
    shift = nodes[0].centre - (cells if pool else places)[0].centre
    return units, cells, [one._replace(centre=one.centre + shift) for one in places], nodes, page


def _smallest(names: list[str]) -> float:
    """Diameter of a circle that holds the longest name."""
    return 1.0 + LETTER * max(2, *map(len, names))


def _angles(units: Units, members: np.ndarray) -> np.ndarray:
    """Of units on a ring, by kind, the first kind on top and the next ones clockwise."""
    order = members[np.argsort(units.kind[members], kind="stable")]
    step = 2 * np.pi / max(len(order), 1)
    first = np.count_nonzero(units.kind[order] == units.kind[order[0]]) if len(order) else 0
    angle = np.empty(len(units.kind))
    angle[order] = np.pi / 2 + step * (first - 1) / 2 - step * np.arange(len(order))
    return angle[members]


def _layout(units: Units, pool: bool, compact: float) -> tuple[list[Node], list[Node]]:
    """Boxes of groups (none of them unless pooled) and circles of units."""
    n = len(units.kind)
    if not pool:
        inner = np.zeros(n, bool) if units.types is None or units.types.all() else ~units.types
        spot = np.zeros((n, 2))
        for members, radius in ((np.flatnonzero(~inner), 1.0), (np.flatnonzero(inner), 0.5)):
            if len(members):
                angle = _angles(units, members)
                radius = 0.0 if len(members) == 1 and radius < 1 else radius
                spot[members] = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        half = np.repeat(units.diameter[:, None] / 2, 2, axis=1)
        spot = _inflated(spot, half, UNIT_GAP * compact)
        return [], [Node(units.names[i], spot[i], half[i]) for i in range(n)]
    member = _members(units)
    kind = np.array([units.kind[np.flatnonzero(column)[0]] for column in member.T])
    inside = np.zeros(len(kind), bool)
    if units.types is not None:
        inside = np.array([not units.types[np.flatnonzero(column)[0]] for column in member.T])
    several = len(units.kinds) > 1
    names = [
        " ".join(part for part in ("" if units.types is None else "I" if i else "E", units.kinds[k] * several) if part)
        for k, i in zip(kind, inside, strict=True)
    ]
    boxes = [_box(units, np.flatnonzero(column), name, compact) for column, name in zip(member.T, names, strict=True)]
    half = np.array([size for size, _ in boxes])
    spot = _group_spots(kind, inside, half, GAP * compact)
    places: list[Any] = [None] * n
    for centre, column, (_, offsets) in zip(spot, member.T, boxes, strict=True):
        for unit, offset in zip(np.flatnonzero(column), offsets, strict=True):
            places[unit] = Node(units.names[unit], centre + offset, np.repeat(units.diameter[unit] / 2, 2))
    return [Node(name, c, h, True) for name, c, h in zip(names, spot, half, strict=True)], places


def _box(units: Units, members: np.ndarray, name: str, compact: float) -> tuple[np.ndarray, np.ndarray]:
    """Half the size of a group's box, and where its units are in it."""
    pitch = float(units.diameter[members].max()) + 0.35
    across = int(np.ceil(np.sqrt(1.6 * compact * len(members))))
    down = -(-len(members) // across)
    index = np.arange(len(members))
    row, column = index // across, index % across
    in_row = np.minimum(len(members) - row * across, across)
    offsets = np.stack([(column - (in_row - 1) / 2) * pitch, ((down - 1) / 2 - row) * pitch], axis=1)
    wide = max(across * pitch, LETTER * len(name) * 1.15) + 0.9
    high = down * pitch + LINE + 0.8
    return np.array([wide, high]) / 2, offsets - [0.0, LINE / 2]


def _group_spots(kind: np.ndarray, inside: np.ndarray, half: np.ndarray, gap: float) -> np.ndarray:
    """E groups on a ring, I groups in it; of at most two kinds: E above and below, I side by side between them."""
    n_kinds = int(kind.max()) + 1
    if n_kinds > 2 or not inside.any() or inside.all():
        angle = np.pi / 2 + (np.pi / 4 if n_kinds == 4 else 0.0) - 2 * np.pi * kind / n_kinds
        outer = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        depths = (0.35, 0.42, 0.5, 0.6) if inside.any() and not inside.all() else (1.0,)
        tried = [_inflated(np.where(inside[:, None], depth * outer, outer), half, gap) for depth in depths]
        return min(tried, key=lambda one: float(np.prod((one + half).max(0) - (one - half).min(0))))
    spot = np.zeros((len(kind), 2))
    middle = np.flatnonzero(inside)
    row = half[middle, 0]
    spot[middle, 0] = np.cumsum(2 * row + gap) - row - gap / 2
    spot[middle, 0] -= spot[middle, 0].mean()
    away = half[middle, 1].max() + GAP + half[:, 1]
    spot[:, 1] = np.where(inside, 0.0, np.where(kind == 0, away, -away))
    return spot


def _inflated(spot: np.ndarray, half: np.ndarray, gap: float) -> np.ndarray:
    """Places (M, 2), moved from their middle until nothing touches, across and up and down by themselves."""
    one, other = np.triu_indices(len(spot), 1)
    if not one.size:
        return spot
    apart, needed = np.abs(spot[one] - spot[other]), half[one] + half[other] + gap
    least = needed / np.maximum(apart, 1e-12)  # factors from which on a pair is apart
    tried = []
    for across in needed.max() * np.geomspace(0.05, 40.0, 160):
        together = across < least[:, 0]
        up = max(float(least[together, 1].max(initial=0.0)), across / MOST_STRETCHED)
        if up <= MOST_STRETCHED * across:
            scale = np.array([across, up])
            area = float(np.prod(np.ptp(spot, axis=0) * scale + half.max(axis=0)))
            tried.append((area + 0.3 * abs(across - up) * needed.max(), scale))
    best: np.ndarray = min(tried, key=lambda one: one[0])[1]
    return spot * best


def _with_channels(
    nodes: list[Node], inputs: list[str], outputs: list[str], *, space: float
) -> tuple[list[Node], tuple[float, float]]:
    """Nodes with those of channels at the left and the right, moved onto a page, and its size."""
    low = np.min([one.centre - one.half for one in nodes], axis=0)
    high = np.max([one.centre + one.half for one in nodes], axis=0)
    ends = []
    for names, edge, side in ((inputs, low[0], -1), (outputs, high[0], 1)):
        texts = [textwrap.fill(name, 10) for name in names]
        tall = max((text.count("\n") + 1 for text in texts), default=1) * LINE / 2 + 0.35
        pitch = max(2 * tall + 0.8, 0.5 * (high[1] - low[1]) / max(len(names), 1))
        for i, text in enumerate(texts):
            half = np.array([max(map(len, text.split("\n"))) * LETTER / 2 + 0.5, tall])
            y = (low[1] + high[1]) / 2 + (len(names) - 1 - 2 * i) / 2 * pitch
            ends.append(Node(text, np.array([edge + side * (space + half[0]), y]), half, True))
    every = [*nodes, *ends]
    margin = 2.6
    low = np.min([one.centre - one.half for one in every], axis=0) - margin
    high = np.max([one.centre + one.half for one in every], axis=0) + margin
    extra = max(0.0, PAGE - 3.0 - (high[0] - low[0])) / 2  # a small circuit stands in the middle of the page
    corner = low - [extra, 0.0]
    wide, tall_ = high - low + [2 * extra, 0.0]
    return [one._replace(centre=one.centre - corner) for one in every], (float(wide), float(tall_))


def _besides(handles: list[Line2D], caption: str) -> float:
    """Inches that legend and caption take in a notebook."""
    rows, spacing = -(-len(handles) // LEGEND_COLUMNS), _spacing(handles)
    return (8.0 * (rows * (1.0 + spacing) + 1.35 * (caption.count("\n") + 1)) + 34.0) / 72.0


def _spacing(handles: list[Line2D]) -> float:
    """Between rows of the legend, in sizes of its type: more, where there are circles of units."""
    return 1.6 if any(one.get_markerfacecolor() == "none" for one in handles) else 0.4


def _draw_boxes(ax: Axes, frame: Transform, boxes: list[Node], typed: bool) -> None:
    for box in boxes:
        colour = neutral() if not typed else E_COLOR if box.name.startswith("E") else I_COLOR
        ax.add_artist(_rounded(box, frame, facecolor=ink(0.03), edgecolor=colour, zorder=1))
        place = box.centre + np.array([0.0, box.half[1] - 0.25])
        _text(ax, frame, place, box.name, va="top", color=colour)


def _rounded(box: Node, frame: Transform, **look: Any) -> FancyBboxPatch:
    (x, y), (wide, high) = box.centre - box.half, 2 * box.half
    shape = "round,pad=0,rounding_size=0.7"
    return FancyBboxPatch((x, y), wide, high, boxstyle=shape, transform=frame, linewidth=line_width(1.0), **look)


def _text(ax: Axes, frame: Transform, place: np.ndarray, text: str, va: str = "center_baseline", **look: Any) -> None:
    x, y = place.tolist()
    ax.text(
        x, y, text, transform=frame, ha="center", va=va, fontsize=font_size(STEPS), zorder=6, linespacing=1.1, **look
    )


def _draw_channels(ax: Axes, frame: Transform, ends: list[Node]) -> None:
    for end in ends:
        ax.add_artist(_rounded(end, frame, facecolor=background(), edgecolor=neutral(), zorder=3))
        _text(ax, frame, end.centre, end.name)


def _draw_units(ax: Axes, frame: Transform, places: list[Node], units: Units) -> None:
    for i, place in enumerate(places):
        edge = neutral() if units.types is None else E_COLOR if units.types[i] else I_COLOR
        look: Any = {"facecolor": edge if units.fill is None else units.fill[i], "edgecolor": edge}
        x, y = place.centre.tolist()
        circle = Path.circle((x, y), float(place.half[0]))
        ax.add_artist(PathPatch(circle, transform=frame, linewidth=line_width(1.5), zorder=4, **look))
        light = float(np.dot(to_rgb(look["facecolor"]), (0.2126, 0.7152, 0.0722))) > 0.45
        _text(ax, frame, place.centre, place.name, color="black" if light else "white")
        _write(ax, frame, place.centre, f"unit {place.name}", float(units.values[i]))


def _write(ax: Axes, frame: Transform, place: np.ndarray, name: str, value: float) -> None:
    """A number for the table beside the figure: a point without size."""
    x, y = place.tolist()
    ax.scatter(x, y, s=0, c=[value], transform=frame, gid=name)


def _draw_connections(
    ax: Axes, frame: Transform, nodes: list[Node], connections: list[Connection], page: tuple[float, float], pool: bool
) -> None:
    drawn = np.empty((0, 2))
    loops = [one for one in connections if one.source == one.target]
    for one in [*(c for c in connections if c.source != c.target), *loops]:
        ways = (
            _loops(nodes[one.source], (2.4 if pool else 1.7) + one.width)
            if one in loops
            else _ways(nodes[one.source], nodes[one.target])
        )
        others = [node for i, node in enumerate(nodes) if i not in (one.source, one.target)]
        path = min(ways, key=lambda way: way[0] + _cost(way[1], others, drawn, page, 0.3 if one in loops else 0.08))[1]
        drawn = np.concatenate([drawn, path[::3]])
        colour = ink(0.45) if one.given else E_COLOR if one.weight > 0 else I_COLOR
        shapes = _shapes(path, one.width, one.weight > 0, pool)
        ax.add_artist(PathPatch(shapes, transform=frame, facecolor=colour, linewidth=0.0, zorder=2, alpha=0.85))
        name = f"{_line(nodes[one.source])} to {_line(nodes[one.target])}"
        _write(ax, frame, path[-1], name, one.weight)


def _line(node: Node) -> str:
    return node.name.replace("\n", " ")


def _ways(source: Node, target: Node) -> list[tuple[float, np.ndarray]]:
    """Curves from border to border, with the cost of their bends."""
    between = target.centre - source.centre
    normal = np.array([between[1], -between[0]])
    middle = (source.border(between) + target.border(-between)) / 2
    ways = []
    for bend in BENDS:
        control = middle + bend * normal
        start, end = source.border(control - source.centre), target.border(control - target.centre)
        path = (1 - _T) ** 2 * start + 2 * _T * (1 - _T) * control + _T**2 * end
        crossed = int(source.covers(path, 0.0).sum() + target.covers(path, 0.0).sum())
        ways.append((2.0 * abs(bend) + 0.1 * (bend < 0) + crossed, path))
    return ways


def _loops(node: Node, reach: float) -> list[tuple[float, np.ndarray]]:
    """Curves from a node to itself, in all directions."""
    ways = []
    for angle in np.linspace(0.0, 2 * np.pi, 24, endpoint=False):
        outward = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-outward[1], outward[0]])
        top = node.border(outward)
        start, end = (node.border(top + side * 0.36 * reach * across - node.centre) for side in (1, -1))
        one, other = (top + reach * outward + side * 0.62 * reach * across for side in (1, -1))
        path = (1 - _T) ** 3 * start + 3 * _T * (1 - _T) ** 2 * one + 3 * _T**2 * (1 - _T) * other + _T**3 * end
        ways.append((0.02 * abs(outward[1]), path))
    return ways


def _cost(path: np.ndarray, others: list[Node], drawn: np.ndarray, page: tuple[float, float], nearness: float) -> float:
    """How much of a curve lies on nodes, near other curves, and beyond the page."""
    covered = sum(int(node.covers(path).sum()) for node in others)
    beyond = int(((path < 0.3) | (path > np.array(page) - 0.3)).any(axis=1).sum())
    near = 0
    if len(drawn):
        gaps = cdist(path, drawn, "chebyshev").min(axis=1)
        near = int((gaps < 0.9).sum())
    return 1.0 * covered + 2.0 * beyond + nearness * near


def _shapes(path: np.ndarray, width: float, excites: bool, pool: bool) -> Path:
    """Outline of a connection with its end: an arrow that excites, or a bar that inhibits."""
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


def _entries(units: Units, represents: bool, weights: np.ndarray, read: np.ndarray) -> list[Line2D]:
    """Of the legend."""
    handles = []
    signs = np.sign(np.concatenate([weights.ravel(), read.ravel()]))
    for sign, name, marker, colour in ((1, "excites", ">", E_COLOR), (-1, "inhibits", "|", I_COLOR)):
        if (signs == sign).any():
            handles.append(
                _entry(name, marker, 0.65 * font_size(), colour, colour, 0.28 * font_size() * (marker == "|"))
            )
    shown = list(units.key) if len(units.key) <= MOST_LEVELS else list(units.key)[:: len(units.key) - 1]
    handles += [_entry(name, "o", 0.75 * font_size(), units.key[name], neutral(), 0.0) for name in shown]
    known = units.values[np.isfinite(units.values)]
    if known.size:
        what = "stands for {} unit" if represents else "rate {}"
        for i in dict.fromkeys((int(known.argmin()), int(known.argmax()))):
            text = what.format(number(known[i])) + ("s" if represents and known[i] != 1 else "")
            size = units.diameter[i] * font_size(STEPS) * 0.95
            handles.append(_entry(text, "o", size, "none", foreground(), 0.8))
    return handles


def _entry(name: str, marker: str, size: float, face: Any, edge: Any, line: float) -> Line2D:
    return Line2D(
        [], [], linestyle="none", marker=marker, markersize=size, color=edge, markerfacecolor=face,
        markeredgewidth=line, label=name,
    )  # fmt: skip
