"""Layout of a wiring diagram: positions of its parts, and the curves between them."""

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

PAGE = 40.0
"""Width of a figure. Lengths are in units of the label size: the ratio of the two is similar in all styles."""
LETTER, LINE = 0.62, 1.35
"""Width of a letter and height of a line."""
WIDEST_PAGE = 1.1 * PAGE
GAP, UNIT_GAP = 4.6, 3.6
COMPACT = (1.0, 0.85, 0.7)
"""Factors of gaps and sizes, tried until the drawing fits the width of the page."""
LARGEST = 1.6
"""Diameter of the largest unit, relative to the smallest one."""
BENDS = (0.14, -0.14, 0.3, -0.3, 0.5, -0.5, 0.75, -0.75, 1.1, -1.1)
MOST_STRETCHED = 1.7
_T = np.linspace(0.0, 1.0, 41)[:, None]


class Node(NamedTuple):
    """Ellipse or box at which connections start and end."""

    name: str
    centre: np.ndarray
    half: np.ndarray
    box: bool = False

    def border(self, direction: np.ndarray, gap: float = 0.2) -> np.ndarray:
        """Return the point of the border in a direction from the centre."""
        unit = direction / max(float(np.hypot(*direction)), 1e-9)
        scaled = np.abs(unit) / (self.half + gap)
        reach = 1.0 / (scaled.max() if self.box else np.hypot(*scaled))
        point: np.ndarray = self.centre + unit * reach
        return point

    def covers(self, points: np.ndarray, margin: float = 0.5) -> np.ndarray:
        """Return which points (P, 2) lie inside."""
        scaled = np.abs(points - self.centre) / (self.half + margin)
        inside: np.ndarray = (scaled.max(axis=1) if self.box else np.hypot(*scaled.T)) < 1.0
        return inside


class Group(NamedTuple):
    """Units that share a box: the I units of a kind, or the others."""

    name: str
    kind: int
    inhibitory: bool
    members: np.ndarray


class Connection(NamedTuple):
    """A weight between two nodes, and its width on the page."""

    source: int
    target: int
    weight: float
    width: float
    given: bool
    """Connection from an input, whose colour is that of neither E nor I."""


class Layout(NamedTuple):
    """Circles of units, boxes of groups (if there are any), channels, and the size of the page."""

    units: list[Node]
    boxes: list[Node]
    channels: list[Node]
    page: tuple[float, float]

    @property
    def joined(self) -> list[Node]:
        """Return the nodes that connections join: groups, or units if there are none, and then channels."""
        return [*(self.boxes or self.units), *self.channels]


def laid_out(
    names: Sequence[str],
    scale: np.ndarray,
    kind: np.ndarray,
    inhibitory: np.ndarray,
    groups: Sequence[Group],
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> Layout:
    """Lay out units with these names, sizes (0 to 1), kinds and types; in boxes, if there are groups."""
    for compact in COMPACT:
        diameter = smallest(names) * (1.0 + compact * (LARGEST - 1.0) * scale)
        half = np.repeat(diameter[:, None] / 2, 2, axis=1)
        if groups:
            boxes, spot = _boxes(groups, diameter, compact)
        else:
            boxes, spot = [], _inflated(_rings(kind, inhibitory), half, UNIT_GAP * compact)
        units = [Node(*one) for one in zip(names, spot, half, strict=True)]
        made = _with_channels(units, boxes, inputs, outputs, space=0.8 * GAP * compact)
        if made.page[0] <= WIDEST_PAGE:
            break
    return made


def smallest(names: Sequence[str]) -> float:
    """Return the diameter of a circle around the longest name."""
    return 1.0 + LETTER * max(2, *map(len, names))


def _rings(kind: np.ndarray, inhibitory: np.ndarray) -> np.ndarray:
    """Place units (N, 2): I on a ring inside that of the others, by kind, the first on top, then clockwise."""
    spot = np.zeros((len(kind), 2))
    for members, radius in ((np.flatnonzero(~inhibitory), 1.0), (np.flatnonzero(inhibitory), 0.5)):
        if not len(members) or (len(members) == 1 and radius < 1):
            continue  # a single I unit is in the middle
        order = members[np.argsort(kind[members], kind="stable")]
        step = 2 * np.pi / len(order)
        first = np.count_nonzero(kind[order] == kind[order[0]])
        spot[order] = radius * _circle(np.pi / 2 + step * (first - 1) / 2 - step * np.arange(len(order)))
    return spot


def _circle(angle: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _boxes(groups: Sequence[Group], diameter: np.ndarray, compact: float) -> tuple[list[Node], np.ndarray]:
    """Return the boxes of groups, and the places (N, 2) of all units in them."""
    sizes, inside = zip(*(_box(one, float(diameter[one.members].max()), compact) for one in groups), strict=True)
    half = np.array(sizes)
    kind, inhibitory = np.array([one.kind for one in groups]), np.array([one.inhibitory for one in groups])
    centres = _group_spots(kind, inhibitory, half, GAP * compact)
    spot = np.empty((len(diameter), 2))
    for group, centre, offsets in zip(groups, centres, inside, strict=True):
        spot[group.members] = centre + offsets
    return [Node(one.name, c, h, True) for one, c, h in zip(groups, centres, half, strict=True)], spot


def _box(group: Group, largest: float, compact: float) -> tuple[np.ndarray, np.ndarray]:
    """Return half the size of a group's box, and the places of its units in it."""
    n, pitch = len(group.members), largest + 0.35
    across = int(np.ceil(np.sqrt(1.6 * compact * n)))
    down = -(-n // across)
    row, column = np.divmod(np.arange(n), across)
    in_row = np.minimum(n - row * across, across)
    offsets = np.stack([(column - (in_row - 1) / 2) * pitch, ((down - 1) / 2 - row) * pitch], axis=1)
    wide = max(across * pitch, LETTER * len(group.name) * 1.15) + 0.9
    high = down * pitch + LINE + 0.8
    return np.array([wide, high]) / 2, offsets - [0.0, LINE / 2]


def _group_spots(kind: np.ndarray, inside: np.ndarray, half: np.ndarray, gap: float) -> np.ndarray:
    """Place E groups on a ring, I groups inside; for at most two kinds, E above and below, I side by side between."""
    n_kinds, both = int(kind.max()) + 1, inside.any() and not inside.all()
    if n_kinds > 2 or not both:
        outer = _circle(np.pi / 2 + (np.pi / 4 if n_kinds == 4 else 0.0) - 2 * np.pi * kind / n_kinds)
        depths = (0.35, 0.42, 0.5, 0.6) if both else (1.0,)
        tried = [_inflated(np.where(inside[:, None], depth * outer, outer), half, gap) for depth in depths]
        return min(tried, key=lambda one: float(np.prod((one + half).max(0) - (one - half).min(0))))
    spot = np.zeros((len(kind), 2))
    row = half[inside, 0]
    spot[inside, 0] = np.cumsum(2 * row + gap) - row - gap / 2
    spot[inside, 0] -= spot[inside, 0].mean()
    away = half[inside, 1].max() + GAP + half[:, 1]
    spot[:, 1] = np.where(inside, 0.0, np.where(kind == 0, away, -away))
    return spot


def _inflated(spot: np.ndarray, half: np.ndarray, gap: float) -> np.ndarray:
    """Scale places (M, 2), independently across and up, until nothing touches."""
    one, other = np.triu_indices(len(spot), 1)
    if not one.size:
        return spot
    apart, needed = np.abs(spot[one] - spot[other]), half[one] + half[other] + gap
    least = needed / np.maximum(apart, 1e-12)  # factors above which a pair is apart
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
    units: list[Node], boxes: list[Node], inputs: Sequence[str], outputs: Sequence[str], *, space: float
) -> Layout:
    """Add channels at the left and the right, and move everything onto a page."""
    low, high = _extent(boxes or units)
    ends = []
    for names, edge, side in ((inputs, low[0], -1), (outputs, high[0], 1)):
        texts = [textwrap.fill(name, 10) for name in names]
        tall = max((text.count("\n") + 1 for text in texts), default=1) * LINE / 2 + 0.35
        pitch = max(2 * tall + 0.8, 0.5 * (high[1] - low[1]) / max(len(names), 1))
        for i, text in enumerate(texts):
            half = np.array([max(map(len, text.split("\n"))) * LETTER / 2 + 0.5, tall])
            y = (low[1] + high[1]) / 2 + (len(names) - 1 - 2 * i) / 2 * pitch
            ends.append(Node(text, np.array([edge + side * (space + half[0]), y]), half, True))
    low, high = _extent([*(boxes or units), *ends], margin=2.6)
    extra = max(0.0, PAGE - 3.0 - (high[0] - low[0])) / 2  # a small circuit is centred on the page
    corner = low - [extra, 0.0]
    wide, tall = (high - low + [2 * extra, 0.0]).tolist()
    units, boxes, ends = ([one._replace(centre=one.centre - corner) for one in some] for some in (units, boxes, ends))
    return Layout(units, boxes, ends, (wide, tall))


def _extent(nodes: list[Node], margin: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest corner of all nodes."""
    low = np.min([one.centre - one.half for one in nodes], axis=0) - margin
    return low, np.max([one.centre + one.half for one in nodes], axis=0) + margin


def routed(connections: Sequence[Connection], layout: Layout) -> list[tuple[Connection, np.ndarray]]:
    """Route connections along curves (P, 2) that avoid nodes and each other; loops last."""
    nodes, drawn, made = layout.joined, np.empty((0, 2)), []
    for one in sorted(connections, key=lambda one: one.source == one.target):
        source, target = nodes[one.source], nodes[one.target]
        others = [node for i, node in enumerate(nodes) if i not in (one.source, one.target)]
        loop = one.source == one.target
        found = loops(source, (2.4 if layout.boxes else 1.7) + one.width) if loop else ways(source, target)
        path = cheapest(found, others, drawn, layout.page, 0.3 if loop else 0.08)
        drawn = np.concatenate([drawn, path[::3]])
        made.append((one, path))
    return made


def ways(source: Node, target: Node) -> list[tuple[float, np.ndarray]]:
    """Return curves from border to border, with the cost of their bends."""
    between = target.centre - source.centre
    normal = np.array([between[1], -between[0]])
    middle = (source.border(between) + target.border(-between)) / 2
    made = []
    for bend in BENDS:
        control = middle + bend * normal
        start, end = source.border(control - source.centre), target.border(control - target.centre)
        path = (1 - _T) ** 2 * start + 2 * _T * (1 - _T) * control + _T**2 * end
        crossed = int(source.covers(path, 0.0).sum() + target.covers(path, 0.0).sum())
        made.append((2.0 * abs(bend) + 0.1 * (bend < 0) + crossed, path))
    return made


def loops(node: Node, reach: float) -> list[tuple[float, np.ndarray]]:
    """Return curves from a node to itself, in all directions."""
    made = []
    for outward in _circle(np.linspace(0.0, 2 * np.pi, 24, endpoint=False)):
        across = np.array([-outward[1], outward[0]])
        top = node.border(outward)
        start, end = (node.border(top + side * 0.36 * reach * across - node.centre) for side in (1, -1))
        one, other = (top + reach * outward + side * 0.62 * reach * across for side in (1, -1))
        path = (1 - _T) ** 3 * start + 3 * _T * (1 - _T) ** 2 * one + 3 * _T**2 * (1 - _T) * other + _T**3 * end
        made.append((0.02 * abs(outward[1]), path))
    return made


def cheapest(
    found: list[tuple[float, np.ndarray]],
    others: list[Node],
    drawn: np.ndarray,
    page: tuple[float, float],
    nearness: float,
) -> np.ndarray:
    """Return the curve that least overlaps nodes, drawn points (weighted by `nearness`), and the edge of the page."""

    def cost(way: tuple[float, np.ndarray]) -> float:
        bent, path = way
        covered = sum(int(node.covers(path).sum()) for node in others)
        beyond = int(((path < 0.3) | (path > np.array(page) - 0.3)).any(axis=1).sum())
        near = int((cdist(path, drawn, "chebyshev").min(axis=1) < 0.9).sum()) if len(drawn) else 0
        return bent + (1.0 * covered + 2.0 * beyond + nearness * near)

    return min(found, key=cost)[1]
