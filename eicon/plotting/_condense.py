"""Similarity of units, and errors of condensed networks against their size."""

import itertools
from collections.abc import Collection, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from ._style import E_COLOR, I_COLOR, axes_or_new, background, house_style, neutral
from ._style import reference as grey
from ._sweep import COLORS

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
MOST_BANDS = 2
"""Most methods whose ranges are drawn as bands; with more, ranges are lines side by side."""
_MANY_COLORS = (*COLORS, "#882255", "#44AA99", "#332288", "#DDCC77", "#CC6677")
"""House colours followed by Tol's "muted" scheme, for figures with more than a few curves."""


@house_style
def plot_unit_space(
    coordinates: ArrayLike,
    *,
    kept: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    pairs: ArrayLike | None = None,
    excitatory: ArrayLike | None = None,
    color_by: str | None = None,
    explained_ratio: ArrayLike | None = None,
    name: str = "loading on PC",
    ax: Axes | None = None,
) -> Axes:
    """Draw units as points in the space of their loadings on two principal components.

    Units that are close have similar time courses. Kept units are filled, removed ones open; lines connect each
    removed unit to the one that represents it.

    Parameters
    ----------
    coordinates : (N, k) array, k >= 2
        Loadings of the units; the first two columns are drawn.
    kept : (n,) int array, optional
        Units that are kept, such as `Condensation.kept`; None for all.
    groups : (N,) int array, optional
        Index into `kept` of the unit that represents each unit, -1 for none, such as `Condensation.groups`.
    pairs : (M, 2) int array, optional
        Further lines, from unit to unit, for instance merged pairs.
    excitatory : (N,) bool array, optional
        Types: E units are circles and I units triangles.
    color_by : {"type", "group"}, optional
        Blue and red by type, or a colour per group of more than one unit (colours repeat after five); None: by type
        if there are types, else by group if there are groups.
    explained_ratio : (>= 2,) array, optional
        Fractions of variance of the components, for the axis labels.
    name : str
        Name of the coordinates; the axis labels add 1 and 2.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If shapes do not match, a unit does not exist, or `color_by` needs types or groups that are not given.
    """
    points = np.asarray(coordinates, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] < 2 or not len(points):
        raise ValueError(f"`coordinates` must be (N, k >= 2); got shape {points.shape}.")
    n_units = len(points)
    stays = np.arange(n_units) if kept is None else _units("kept", kept, n_units, 1)
    links = np.empty((0, 2), int) if pairs is None else _units("pairs", pairs, n_units, 2)
    group = None if groups is None else _groups(groups, n_units, stays.size)
    types = None if excitatory is None else np.asarray(excitatory)
    if types is not None and (types.dtype != np.bool_ or types.shape != (n_units,)):
        raise ValueError(
            f"`excitatory` must be bools, shape (N,) = ({n_units},); got {types.dtype}, shape {types.shape}. "
            "From Dale signs, pass sign > 0."
        )
    by, colours = _unit_colours(color_by, group, types, n_units)
    ax = axes_or_new(ax, figsize=(4.0, 3.4))
    filled = np.isin(np.arange(n_units), stays)
    if group is not None:
        members = np.flatnonzero((group >= 0) & ~filled)
        links = np.concatenate([links, np.stack([members, stays[group[members]]], axis=1)])
    line_colours = [colours[b] if by == "group" else grey() for _, b in links]
    ax.add_collection(LineCollection(list(points[links, :2]), colors=line_colours, linewidths=0.7, zorder=1))
    shapes = [("unit", np.ones(n_units, bool), "o", neutral())]
    if types is not None:
        shapes = [("E", types, "o", E_COLOR), ("I", ~types, "^", I_COLOR)]
    handles = []
    for title, of_type, marker, shade in shapes:
        for full in (True, False):
            chosen = np.flatnonzero(of_type & (filled == full))
            if chosen.size:
                _points(ax, points[chosen, :2], [colours[i] for i in chosen], marker, full)
                words = [title if types is not None else "", "" if kept is None else "kept" if full else "removed"]
                text = f"{' '.join(filter(None, words)) or 'units'} ({chosen.size})"
                handles.append(_handle(text, marker, neutral() if by == "group" else shade, full))
    ratio = None if explained_ratio is None else np.asarray(explained_ratio, dtype=np.float64)
    names = [f"{name} {i + 1}" + ("" if ratio is None else f" ({100 * ratio[i]:.0f} %)") for i in (0, 1)]
    ax.set_xlabel(names[0])
    ax.set_ylabel(names[1])
    ax.set_aspect("equal", adjustable="datalim")
    ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, handletextpad=0.1)
    return ax


def _units(what: str, values: ArrayLike, n_units: int, ndim: int) -> np.ndarray:
    """Check indices of units: (n,) for one dimension, (M, 2) for two."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu" or array.ndim != ndim or (ndim == 2 and array.shape[1] != 2):
        shape = "(n,)" if ndim == 1 else "(M, 2)"
        raise ValueError(
            f"`{what}` must contain indices of units, int {shape}; got {array.dtype}, shape {array.shape}. "
            "From a mask, pass np.flatnonzero(mask)."
        )
    if array.size and not 0 <= array.min() <= array.max() < n_units:
        raise ValueError(f"`{what}` must be indices in 0..{n_units - 1}; got {array.min()}..{array.max()}.")
    return array


def _groups(groups: ArrayLike, n_units: int, n_kept: int) -> np.ndarray:
    array = np.asarray(groups)
    if array.dtype.kind not in "iu" or array.shape != (n_units,) or array.max() >= n_kept or array.min() < -1:
        raise ValueError(
            f"`groups` must contain an index into `kept` for each unit, int ({n_units},) in -1..{n_kept - 1}; "
            f"got {array.dtype}, shape {array.shape}" + (f", {array.min()}..{array.max()}." if array.size else ".")
        )
    return array


def _unit_colours(
    color_by: str | None, groups: np.ndarray | None, types: np.ndarray | None, n_units: int
) -> tuple[str | None, list[str]]:
    """Return the meaning of the colours, and the colour of each unit."""
    known = {"type": types, "group": groups}
    if color_by is not None and known.get(color_by) is None:
        raise ValueError(
            f"`color_by` must be 'type', with `excitatory`, or 'group', with `groups`; got {color_by!r} without."
        )
    by = color_by or ("type" if types is not None else "group" if groups is not None else None)
    if by == "group" and groups is not None:
        several = np.flatnonzero(np.bincount(groups[groups >= 0]) > 1)
        of_group = dict(zip(several.tolist(), itertools.cycle(COLORS[:-1]), strict=False))  # the last one is grey
        return by, [of_group.get(g, neutral()) for g in groups.tolist()]
    if by == "type" and types is not None:
        return by, [E_COLOR if e else I_COLOR for e in types]
    return by, [neutral()] * n_units


def _points(ax: Axes, points: np.ndarray, colours: list[str], marker: str, full: bool) -> None:
    ax.scatter(
        points[:, 0],
        points[:, 1],
        s=26 if full else 16,
        marker=marker,
        facecolors=colours if full else "none",
        edgecolors=background() if full else colours,
        linewidths=0.5 if full else 0.8,
        zorder=3 if full else 2,
    )


def _handle(text: str, marker: str, colour: str, full: bool) -> Line2D:
    face, size = (colour, 5) if full else ("none", 4)
    return Line2D(
        [], [], linestyle="none", marker=marker, markersize=size, color=colour, markerfacecolor=face, label=text
    )


@house_style
def plot_error_curves(
    sizes: ArrayLike,
    errors: Mapping[str, ArrayLike],
    *,
    retrained: Collection[str] = (),
    reference: float | int | None = 0.05,
    floor: float = 1e-3,
    ylabel: str = "error (NRMSE)",
    ax: Axes | None = None,
) -> Axes:
    """Draw the error of networks of decreasing size: median and range over seeds, a curve per method.

    Parameters
    ----------
    sizes : (S,) int array
        Numbers of units left; the axis goes from the largest to the smallest.
    errors : mapping of method to (n_seeds, S) array
        Errors; NaN where there is no network; infinite where it diverged, which breaks the curve.
    retrained : collection of str
        Methods whose curves are dashed.
    reference : float, optional
        Acceptable error, a dotted line; None for none.
    floor : float
        Smaller errors, which would stretch the logarithmic axis, are drawn at this value.
    ylabel : str
        Name of the errors.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no method, a shape does not match, an error is negative, `retrained` names an unknown method, or
        `floor` is not positive.
    """
    units = np.asarray(sizes, dtype=np.float64)
    if units.ndim != 1 or not units.size or np.unique(units).size != units.size:
        raise ValueError(f"`sizes` must contain numbers of units, all different; got {np.asarray(sizes).tolist()}.")
    if not errors:
        raise ValueError("`errors` must contain at least one method; got none.")
    unknown = sorted(set(retrained) - set(errors))
    if unknown:
        raise ValueError(f"`retrained` must name methods among {', '.join(errors)}; got {', '.join(unknown)}.")
    if not floor > 0:
        raise ValueError(f"`floor` must be > 0 (the axis is logarithmic); got {floor}.")
    curves = {method: _error_table(method, values, units.size) for method, values in errors.items()}
    ax = axes_or_new(ax, figsize=(4.0, 3.4))
    if reference is not None:
        ax.axhline(reference, color=grey(), linestyle=":", linewidth=1.2, zorder=0)
        ax.annotate(
            f"{reference:g}",
            (1.0, reference),
            xycoords=("axes fraction", "data"),
            xytext=(2, 0),
            textcoords="offset points",
            va="center",
            color=neutral(),
        )
    order = np.argsort(units)[::-1]
    gap = float(np.abs(np.diff(np.sort(units))).min()) if units.size > 1 else 1.0
    aside = iter(0.06 * gap * (np.arange(len(curves)) - (len(curves) - 1) / 2) / max(1.0, len(curves) / 6))
    looks = zip(curves.items(), itertools.cycle(_MANY_COLORS), itertools.cycle(_MARKERS))
    for (method, table), colour, marker in looks:
        made = order[~np.isnan(table[:, order]).all(axis=0)]
        low, middle, high = (np.maximum(f(table[:, made], axis=0), floor) for f in (np.nanmin, np.nanmedian, np.nanmax))
        dashed = method in retrained
        ax.plot(
            units[made],
            middle,
            color=colour,
            marker=marker,
            markersize=4.5,
            markerfacecolor=background() if dashed else colour,
            linestyle="--" if dashed else "-",
            label=method,
        )
        if len(table) > 1 and len(curves) <= MOST_BANDS:
            ax.fill_between(units[made], low, high, color=colour, alpha=0.18, linewidth=0)
        elif len(table) > 1:
            ax.vlines(units[made] + next(aside), low, high, color=colour, linewidth=0.9, alpha=0.8)
    ax.set_yscale("log")
    ax.invert_xaxis()
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("units left")
    ax.set_ylabel(ylabel)
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), handlelength=2.6, ncols=1 if len(curves) < 4 else 2)
    return ax


def _error_table(method: str, values: ArrayLike, n_sizes: int) -> np.ndarray:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != n_sizes or not len(table):
        raise ValueError(
            f"`errors[{method!r}]` must be (n_seeds, {n_sizes}), a column per size; got shape {table.shape}. "
            "For one seed, pass errors[None]."
        )
    if (table < 0).any():
        raise ValueError(f"`errors[{method!r}]` must be >= 0; got {np.nanmin(table):g}.")
    return table
