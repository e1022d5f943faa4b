"""What an art editor sends back: a list of faults of a figure."""

import itertools

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.text import Text

SMALLEST = 5.0
"""Points of type that can be read in print."""
MOST_LINES = 200
TOUCH = 1.0
"""Pixels by which boxes of text may overlap: they have a margin of their own."""


def faults(figure):
    """Everything that is wrong with a figure, in words."""
    figure.canvas.draw()
    return [
        *cut_off(figure),
        *touching_texts(figure),
        *small_type(figure),
        *stray_legends(figure),
        *alike_entries(figure),
        *signs_without_middle(figure),
        *too_many_lines(figure),
    ]


def all_axes(figure):
    found = list(figure.axes)
    for ax in found:
        found += [child for child in ax.child_axes if isinstance(child, Axes)]
    return [ax for ax in found if ax.get_visible()]


def texts(figure):
    """Texts that are seen, with their boxes in pixels."""
    renderer = figure.canvas.get_renderer()
    hidden = unseen(figure)
    found = []
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and text not in hidden:
            box = Text.get_window_extent(text, renderer)  # of an annotation, without its arrow
            if box.width > 0 and box.height > 0:
                found.append((text, box))
    return found


def unseen(figure):
    """Texts of axes that are not drawn: of ticks beyond the limits, and of all that is off."""
    found = set()
    for ax in [*figure.axes, *(child for parent in figure.axes for child in parent.child_axes)]:
        if not ax.get_visible():
            found.update(ax.findobj(Text))
        for axis in (ax.xaxis, ax.yaxis, *([ax.zaxis] if hasattr(ax, "zaxis") else [])):
            ticks = [*axis.majorTicks, *axis.minorTicks]
            labels = {label for tick in ticks for label in (tick.label1, tick.label2)}
            if ax.axison and axis.get_visible():
                labels -= {label for tick in axis._update_ticks() for label in (tick.label1, tick.label2)}
            else:
                labels |= {axis.label, axis.offsetText}
            found |= labels
    return found


def cut_off(figure):
    wide, high = figure.canvas.get_width_height()
    for text, box in texts(figure):
        if box.x0 < -TOUCH or box.y0 < -TOUCH or box.x1 > wide + TOUCH or box.y1 > high + TOUCH:
            yield f"{text.get_text()!r} is cut off"


def touching_texts(figure):
    for (one, a), (other, b) in itertools.combinations(texts(figure), 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        up = min(a.y1, b.y1) - max(a.y0, b.y0)
        if across > TOUCH and up > TOUCH and not (one.get_rotation() % 90 or other.get_rotation() % 90):
            yield f"{one.get_text()!r} touches {other.get_text()!r}"


def small_type(figure):
    for text, _ in texts(figure):
        if text.get_fontsize() < SMALLEST:
            yield f"{text.get_text()!r} has {text.get_fontsize():.1f} points"


def stray_legends(figure):
    """A legend belongs to its panel: not wider than it with its labels, and over no other panel."""
    renderer = figure.canvas.get_renderer()
    panels = all_axes(figure)
    for ax in panels:
        legend = ax.get_legend()
        if legend is None or not legend.get_visible():
            continue
        box = legend.get_window_extent(renderer)
        wide = figure.canvas.get_width_height()[0]
        if box.x0 < -TOUCH or box.x1 > wide + TOUCH:
            yield "a legend leaves the figure"
        for other in panels:
            frame = other.get_window_extent(renderer)
            if other is not ax and box.overlaps(frame) and other not in ax.child_axes:
                yield f"the legend of {ax.get_xlabel()!r} lies on {other.get_xlabel() or other.get_ylabel()!r}"


def alike_entries(figure):
    """Entries of a legend differ in what they look like."""
    for legend in [ax.get_legend() for ax in all_axes(figure)] + list(figure.legends):
        if legend is None:
            continue
        looks = {}
        for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True):
            if isinstance(handle, Line2D) and (
                handle.get_linestyle() != "None" or handle.get_marker() not in (" ", "")
            ):
                look = (
                    str(handle.get_color()),
                    handle.get_linestyle() if handle.get_linestyle() == "None" else str(handle._dash_pattern),
                    handle.get_linewidth(),
                    handle.get_marker(),
                    str(handle.get_markerfacecolor()),
                    handle.get_markersize(),
                )
                if look in looks:
                    yield f"{text.get_text()!r} looks like {looks[look]!r}"
                looks[look] = text.get_text()


def signs_without_middle(figure):
    """Values of both signs have a map with a middle, at 0."""
    for ax in all_axes(figure):
        if hasattr(ax, "_colorbar"):
            continue
        for shown in (*ax.images, *(one for one in ax.collections if isinstance(one, QuadMesh))):
            array = shown.get_array()
            if array is None or (np.ndim(array) == 3 and isinstance(shown, AxesImage)):
                continue
            known = np.asarray(array, float)[np.isfinite(np.asarray(array, float))]
            if known.size and known.min() < 0 < known.max():
                ends = [np.array(shown.cmap(x)[:3]) @ (0.2126, 0.7152, 0.0722) for x in (0.0, 0.5, 1.0)]
                middle = float(shown.norm(0.0))
                if not (ends[1] > max(ends[0], ends[2]) and abs(middle - 0.5) < 0.01):
                    yield f"values of both signs on the map {shown.cmap.name!r}, with 0 at {middle:.2f}"


def too_many_lines(figure):
    for ax in all_axes(figure):
        n = len(ax.lines) + sum(
            len(one.get_segments())
            for one in ax.collections
            if isinstance(one, LineCollection) and len(one.get_colors()) < 20
        )
        if n > MOST_LINES and not any(hasattr(one, "arrows") for one in ax.collections):
            yield f"{n} lines in {ax.get_xlabel()!r}"
